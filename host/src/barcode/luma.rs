//! The brightness of a page, pixel by pixel.

use crate::domain::raster::Raster;

/// Width and height of the tiles whose contrast is looked at, in pixels.
const TILE: usize = 8;

/// One of so many tiles at least shows nothing but paper.
const PAPER: usize = 4;

/// Contrast of paper from which the library takes it for print.
const NOISY: u8 = 24;

/// 8-bit brightness, row by row.
pub(super) struct Luma {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) pixels: Vec<u8>,
}

/// A part of a [`Luma`] in whole pixels, inside of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Area {
    pub(super) x: usize,
    pub(super) y: usize,
    pub(super) width: usize,
    pub(super) height: usize,
}

impl Luma {
    /// The brightness of a picture, shrunk by a whole factor where it has more pixels than `most`; and that factor.
    pub(super) fn of(raster: &Raster, most: u64) -> (Self, usize) {
        let (width, height) = (raster.width as usize, raster.height as usize);
        let pixels = raster
            .pixels
            .chunks_exact(3)
            .map(|rgb| match rgb {
                &[red, green, blue] => {
                    ((u32::from(red) * 77 + u32::from(green) * 150 + u32::from(blue) * 29) >> 8) as u8
                }
                _ => u8::MAX,
            })
            .collect();
        let whole = Self { width, height, pixels };
        let mut factor = 1;
        while (width / factor) as u64 * (height / factor) as u64 > most {
            factor += 1;
        }
        if factor == 1 { (whole, 1) } else { (whole.shrunk(factor), factor) }
    }

    /// The same `factor` times smaller; each pixel is the mean of those it stands for.
    pub(super) fn shrunk(&self, factor: usize) -> Self {
        let (width, height) = ((self.width / factor).max(1), (self.height / factor).max(1));
        let share = (factor * factor) as u32;
        let mut pixels = Vec::with_capacity(width * height);
        let mut sums = vec![0_u32; width];
        for y in 0..height {
            sums.fill(0);
            for row in self.rows(y * factor, factor) {
                for (sum, part) in sums.iter_mut().zip(row.chunks(factor)) {
                    *sum += part.iter().map(|pixel| u32::from(*pixel)).sum::<u32>();
                }
            }
            pixels.extend(sums.iter().map(|sum| (sum / share).min(255) as u8));
        }
        Self { width, height, pixels }
    }

    /// The same without the noise of its paper: what differs from its surroundings by no more than noise is white, and all
    /// else black or white. `None` for a page without such noise.
    pub(super) fn cleaned(&self) -> Option<Self> {
        let (columns, rows) = (self.width.div_ceil(TILE), self.height.div_ceil(TILE));
        let mut ranges = vec![(u8::MAX, u8::MIN); columns * rows];
        for (y, line) in self.pixels.chunks_exact(self.width).enumerate() {
            for (tile, part) in ranges.iter_mut().skip(y / TILE * columns).zip(line.chunks(TILE)) {
                for pixel in part {
                    *tile = (tile.0.min(*pixel), tile.1.max(*pixel));
                }
            }
        }
        let mut widths: Vec<u8> = ranges.iter().map(|(low, high)| high - low).collect();
        widths.sort_unstable();
        let noise = widths.get(widths.len() / PAPER).copied().unwrap_or_default();
        if noise < NOISY {
            return None;
        }
        let least_contrast = u32::from(noise) * 3 / 2;
        let around = |column: usize, row: usize| {
            let rows = row.saturating_sub(2)..(row + 3).min(rows);
            let tiles = rows.flat_map(|row| {
                let first = row * columns;
                ranges
                    .get(first + column.saturating_sub(2)..first + (column + 3).min(columns))
                    .unwrap_or_default()
            });
            tiles.fold((u8::MAX, u8::MIN), |(low, high), tile| (low.min(tile.0), high.max(tile.1)))
        };
        let thresholds: Vec<u8> = (0..rows)
            .flat_map(|row| (0..columns).map(move |column| (column, row)))
            .map(|(column, row)| match around(column, row) {
                (low, high) if u32::from(high - low) > least_contrast => low.midpoint(high),
                _ => 0,
            })
            .collect();
        let pixels = self
            .pixels
            .iter()
            .enumerate()
            .map(|(index, pixel)| {
                let tile = index / self.width / TILE * columns + index % self.width / TILE;
                if *pixel < thresholds.get(tile).copied().unwrap_or_default() { u8::MIN } else { u8::MAX }
            })
            .collect();
        Some(Self { pixels, ..*self })
    }

    /// A part of it.
    pub(super) fn part(&self, area: Area) -> Self {
        let mut pixels = Vec::with_capacity(area.width * area.height);
        for row in self.rows(area.y, area.height) {
            pixels.extend_from_slice(row.get(area.x..area.x + area.width).unwrap_or_default());
        }
        Self { width: area.width, height: area.height, pixels }
    }

    /// The same `factor` times larger, with what lies between pixels interpolated.
    pub(super) fn grown(&self, factor: usize) -> Self {
        let (width, height) = (self.width * factor, self.height * factor);
        let at = |position: usize| (position as f32 + 0.5) / factor as f32 - 0.5;
        let pixels = (0..height)
            .flat_map(|y| (0..width).map(move |x| (x, y)))
            .map(|(x, y)| self.sample(at(x), at(y)).round() as u8)
            .collect();
        Self { width, height, pixels }
    }

    /// The same turned by `angle` radians counter-clockwise about its middle; what comes from outside is as the nearest
    /// edge.
    pub(super) fn turned(&self, angle: f32) -> Self {
        let (width, height) = (self.width, self.height);
        let pixels = (0..height)
            .flat_map(|y| (0..width).map(move |x| (x, y)))
            .map(|(x, y)| {
                let (x, y) = self.unturned((x as f32, y as f32), angle);
                self.sample(x, y).round() as u8
            })
            .collect();
        Self { width, height, pixels }
    }

    /// Where a point of the picture that was turned by `angle` is in this one.
    pub(super) fn unturned(&self, (x, y): (f32, f32), angle: f32) -> (f32, f32) {
        let middle = (self.width as f32 / 2.0, self.height as f32 / 2.0);
        let (sin, cos) = angle.sin_cos();
        let (dx, dy) = (x - middle.0, y - middle.1);
        (middle.0 + dx * cos - dy * sin, middle.1 + dx * sin + dy * cos)
    }

    /// The angle in radians, at most an eighth of a turn, by which most edges differ from upright ones and level ones.
    pub(super) fn grid_angle(&self) -> f32 {
        let (mut real, mut imaginary) = (0.0, 0.0);
        for (line, below) in self.rows(0, self.height).zip(self.rows(1, self.height)) {
            for (here, under) in line.windows(2).zip(below.windows(2)) {
                let (&[here, right], &[under, diagonal]) = (here, under) else { continue };
                let [here, right, under, diagonal] = [here, right, under, diagonal].map(f32::from);
                let (dx, dy) = (right + diagonal - here - under, under + diagonal - here - right);
                // The fourth power of the difference as a complex number is the same for all four sides of a square.
                let (across, along) = (dx * dx - dy * dy, 2.0 * dx * dy);
                let weight = (dx * dx + dy * dy).max(1.0);
                real += (across * across - along * along) / weight;
                imaginary += 2.0 * across * along / weight;
            }
        }
        imaginary.atan2(real) / 4.0
    }

    /// The brightness between pixels, whose middles have whole coordinates; outside it is that of the nearest edge.
    pub(super) fn sample(&self, x: f32, y: f32) -> f32 {
        let x = x.clamp(0.0, self.width.saturating_sub(1) as f32);
        let y = y.clamp(0.0, self.height.saturating_sub(1) as f32);
        let (left, top) = (x as usize, y as usize);
        let (right, bottom) = ((left + 1).min(self.width - 1), (top + 1).min(self.height - 1));
        let (across, down) = (x - left as f32, y - top as f32);
        let pixel =
            |x: usize, y: usize| self.pixels.get(y * self.width + x).map_or(255.0, |pixel| f32::from(*pixel));
        let mixed = |y: usize| pixel(left, y) * (1.0 - across) + pixel(right, y) * across;
        mixed(top) * (1.0 - down) + mixed(bottom) * down
    }

    /// `count` rows from `first` on.
    pub(super) fn rows(&self, first: usize, count: usize) -> impl Iterator<Item = &[u8]> {
        self.pixels.chunks_exact(self.width).skip(first).take(count)
    }
}
