//! Areas in which all edges run in one direction, as the bars of a code do.

use super::luma::{Area, Luma};
use super::regions::{BLOCK, Map, Region};

/// How much the edges around a block must run in one direction. Bars reach 0.9, text 0.5, a photograph of bars 0.7.
const COHERENCE: f32 = 0.6;

/// Cosine of twice the angle by which the directions of neighbouring blocks may differ: 20 degrees.
const SAME_DIRECTION: f32 = 0.77;

/// Least extent across the bars, in pixels: the shortest code has 33 modules.
const LEAST_LENGTH: f32 = 33.0;

/// Least extent along the bars, in pixels. Less gives too few lines to compare.
const LEAST_BREADTH: f32 = 8.0;

/// Most areas that are looked into, the largest first.
const MOST: usize = 200;

/// An area of stripes: a rectangle at any angle.
pub(super) struct Stripes {
    /// Unit vector across the stripes.
    pub(super) across: (f32, f32),
    /// Its extent in that direction, in pixels from the page's corner.
    pub(super) from: f32,
    /// See `from`.
    pub(super) to: f32,
    /// Its extent along the stripes, a quarter turn clockwise of `across`.
    pub(super) low: f32,
    /// See `low`.
    pub(super) high: f32,
}

impl Stripes {
    /// The place on the page of a point `along` and `across` the stripes.
    pub(super) fn place(&self, across: f32, along: f32) -> (f32, f32) {
        let (x, y) = self.across;
        (across * x - along * y, across * y + along * x)
    }

    /// The upright box around it and `margin`, in whole pixels, inside of the page.
    pub(super) fn area(&self, page: &Luma, margin: usize) -> Area {
        let corners =
            [(self.from, self.low), (self.from, self.high), (self.to, self.low), (self.to, self.high)];
        let corners = corners.map(|(across, along)| self.place(across, along));
        let least = |values: [f32; 4]| values.into_iter().fold(f32::INFINITY, f32::min);
        let most = |values: [f32; 4]| values.into_iter().fold(f32::NEG_INFINITY, f32::max);
        let (xs, ys) = (corners.map(|corner| corner.0), corners.map(|corner| corner.1));
        // The casts saturate.
        let x = (least(xs) as usize).saturating_sub(margin).min(page.width);
        let y = (least(ys) as usize).saturating_sub(margin).min(page.height);
        let right = (most(xs) as usize + margin).clamp(x, page.width);
        let bottom = (most(ys) as usize + margin).clamp(y, page.height);
        Area { x, y, width: right - x, height: bottom - y }
    }

    fn of(map: &Map, region: &Region) -> Self {
        let doubled = region.blocks.iter().map(|&(column, row)| map.tensor(column, row).doubled());
        let (sum_x, sum_y) = doubled.fold((0.0, 0.0), |sum, part| (sum.0 + part.0, sum.1 + part.1));
        let (sin, cos) = (sum_y.atan2(sum_x) / 2.0).sin_cos();
        let mut stripes = Self {
            across: (cos, sin),
            from: f32::INFINITY,
            to: f32::NEG_INFINITY,
            low: f32::INFINITY,
            high: f32::NEG_INFINITY,
        };
        let size = BLOCK as f32;
        for &(column, row) in &region.blocks {
            let (x, y) = ((column as f32 + 0.5) * size, (row as f32 + 0.5) * size);
            let (across, along) = (x * cos + y * sin, y * cos - x * sin);
            stripes.from = stripes.from.min(across - size / 2.0);
            stripes.to = stripes.to.max(across + size / 2.0);
            stripes.low = stripes.low.min(along - size / 2.0);
            stripes.high = stripes.high.max(along + size / 2.0);
        }
        stripes
    }
}

/// Finds the areas of stripes that are large enough for a code.
pub(super) fn find(map: &Map) -> Vec<Stripes> {
    let direction = |column, row| {
        let around = map.surroundings(column, row);
        (map.is_busy_around(column, row) && around.coherence() > COHERENCE).then(|| {
            let (x, y) = around.doubled();
            let length = x.hypot(y).max(f32::EPSILON);
            (x / length, y / length)
        })
    };
    let regions = map.regions(direction, |one, other| one.0 * other.0 + one.1 * other.1 > SAME_DIRECTION);
    let mut found: Vec<Stripes> = regions
        .iter()
        .map(|region| Stripes::of(map, region))
        .filter(|area| area.to - area.from >= LEAST_LENGTH && area.high - area.low >= LEAST_BREADTH)
        .collect();
    let size = |area: &Stripes| (area.to - area.from) * (area.high - area.low);
    found.sort_by(|one, other| size(other).total_cmp(&size(one)));
    found.truncate(MOST);
    found
}
