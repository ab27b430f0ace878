//! Finds the lines of text on a page.
//!
//! The page is brought to a size at which the network sees text at a height it was trained for. A page that is
//! larger than one tile at that size is looked at tile by tile; the probability maps are joined before boxes are
//! made, so a line across two tiles is one line.

use tract_onnx::prelude::*;

use crate::domain::raster::Raster;

use super::Error;
use super::models::{self, ModelFile, Plan};
use super::regions::ProbabilityMap;
use super::resample::{self, Channels, Window};
use super::textbox::TextBox;

/// Longest side in pixels at which a page is first looked at.
const LONG_SIDE: f32 = 960.0;
/// Largest enlargement of small pictures: more would only blow up noise.
const MAX_ENLARGEMENT: f32 = 2.0;
/// Sides of the network's input are multiples of this, the network's own stride.
const SIDE_STEP: usize = 32;
/// Longest side of a tile.
const TILE: usize = 960;
/// Pixels that neighbouring tiles share; half of them is what the network can miss at a tile's edge.
const TILE_OVERLAP: usize = 128;
/// Median height in pixels of the map below which text is too small to be found reliably.
const SMALL_TEXT: f32 = 11.0;
/// Height in pixels of the map that small text is brought to.
const WANTED_TEXT: f32 = 18.0;
/// Most pixels of the map, a bound on time and memory for one page.
const MAX_PIXELS: f32 = 6.0e6;
/// Fewest boxes that tell the size of a page's text.
const MIN_SAMPLE: usize = 3;
/// Difference of the lightest and the darkest value, in the network's normalized range, below which a page is blank.
const MIN_CONTRAST: f32 = 0.2;

/// The text detector.
pub(super) struct Detector {
    name: &'static str,
    /// For inputs of every size whose sides are multiples of [`SIDE_STEP`].
    plan: Plan,
}

impl Detector {
    pub(super) fn new(model: ModelFile) -> Result<Self, Error> {
        let name = model.name;
        let symbols = SymbolScope::default();
        let (rows, columns) = (symbols.sym("H"), symbols.sym("W"));
        for bound in ["H>=1", "W>=1"] {
            symbols.add_assertion(bound).map_err(|source| Error::model(name, &source))?;
        }
        let shape = tvec![1.to_dim(), 3.to_dim(), rows.to_dim() * SIDE_STEP, columns.to_dim() * SIDE_STEP];
        Ok(Self { name, plan: models::plan(name, model.typed(shape, symbols)?)? })
    }

    /// Boxes around the lines of text, in pixels of the page.
    pub(super) fn boxes(&self, page: &Raster) -> Result<Vec<TextBox>, Error> {
        let (width, height) = (page.width as f32, page.height as f32);
        let scale = (LONG_SIDE / width.max(height)).min(MAX_ENLARGEMENT);
        let (boxes, median) = self.boxes_at(page, scale)?;
        let largest = (MAX_PIXELS / (width * height)).sqrt().min(MAX_ENLARGEMENT);
        match median {
            Some(median) if median < SMALL_TEXT && scale * 1.2 < largest => {
                Ok(self.boxes_at(page, (scale * WANTED_TEXT / median).min(largest))?.0)
            }
            _ => Ok(boxes),
        }
    }

    /// Boxes found at one scale, and the median height of text in pixels of the map where there are enough to tell.
    fn boxes_at(&self, page: &Raster, scale: f32) -> Result<(Vec<TextBox>, Option<f32>), Error> {
        let side = |length: u32| {
            let steps = (length as f32 * scale / SIDE_STEP as f32).round();
            (steps as usize).max(1) * SIDE_STEP
        };
        let (width, height) = (side(page.width), side(page.height));
        let map = self.probabilities(page, width, height)?;
        let found = map.boxes();
        let mut heights: Vec<f32> = found.iter().map(|found| found.width.min(found.height)).collect();
        heights.sort_by(f32::total_cmp);
        let median = (heights.len() >= MIN_SAMPLE).then(|| heights[heights.len() / 2]);
        let (x, y) = (page.width as f32 / width as f32, page.height as f32 / height as f32);
        Ok((found.into_iter().map(|found| found.scaled(x, y)).collect(), median))
    }

    /// The probability map of the whole page, from one tile or several.
    fn probabilities(&self, page: &Raster, width: usize, height: usize) -> Result<ProbabilityMap, Error> {
        let mut map = ProbabilityMap { width, height, values: vec![0.0; width * height] };
        let (x, y) = (page.width as f32 / width as f32, page.height as f32 / height as f32);
        for row in tiles(height) {
            for column in tiles(width) {
                let window = Window {
                    left: column.start as f32 * x,
                    top: row.start as f32 * y,
                    width: column.length as f32 * x,
                    height: row.length as f32 * y,
                };
                let Some(tile) = self.tile(page, window, column.length, row.length)? else { continue };
                for line in row.keep_from..row.keep_to {
                    let from = (line - row.start) * column.length + column.keep_from - column.start;
                    let kept = column.keep_to - column.keep_from;
                    let to = line * width + column.keep_from;
                    map.values[to..to + kept].copy_from_slice(&tile[from..from + kept]);
                }
            }
        }
        Ok(map)
    }

    /// The probabilities of one tile; `None` where it is blank.
    fn tile(
        &self,
        page: &Raster,
        window: Window,
        width: usize,
        height: usize,
    ) -> Result<Option<Vec<f32>>, Error> {
        let input = resample::normalized_planes(page, window, (width, height), Channels::Bgr);
        let (darkest, lightest) =
            input.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), &value| {
                (low.min(value), high.max(value))
            });
        if lightest - darkest < MIN_CONTRAST {
            return Ok(None);
        }
        let name = self.name;
        let input = Tensor::from_shape(&[1, 3, height, width], &input)
            .map_err(|source| Error::inference(name, &source))?;
        let output = models::run(name, &self.plan, input)?;
        let values = models::floats(name, &output)?;
        if values.len() != width * height {
            let reason = format!("it gave {} values for {width} x {height} pixels", values.len());
            return Err(Error::inference(name, &reason));
        }
        Ok(Some(values.to_vec()))
    }
}

/// One tile along one axis.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Tile {
    start: usize,
    length: usize,
    /// The part whose values are used: from here …
    keep_from: usize,
    /// … to before here.
    keep_to: usize,
}

/// Covers `0..length` with tiles of equal length that overlap.
fn tiles(length: usize) -> Vec<Tile> {
    if length <= TILE {
        return vec![Tile { start: 0, length, keep_from: 0, keep_to: length }];
    }
    let count = (length - TILE_OVERLAP).div_ceil(TILE - TILE_OVERLAP);
    let step = (length - TILE).div_ceil(count - 1);
    let start = |index: usize| (index * step).min(length - TILE);
    let seam = |index: usize| (start(index - 1) + TILE + start(index)) / 2;
    (0..count)
        .map(|index| Tile {
            start: start(index),
            length: TILE,
            keep_from: if index == 0 { 0 } else { seam(index) },
            keep_to: if index + 1 == count { length } else { seam(index + 1) },
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn tiles_keep_every_place_once_and_away_from_their_inner_edges(length in 1usize..20_000) {
            let tiles = tiles(length);
            let mut next = 0;
            for tile in &tiles {
                prop_assert_eq!(tile.keep_from, next);
                prop_assert!(tile.keep_to > tile.keep_from);
                prop_assert!(tile.length <= TILE && tile.start + tile.length <= length);
                prop_assert!(tile.start == 0 || tile.keep_from >= tile.start + TILE_OVERLAP / 2);
                let end = tile.start + tile.length;
                prop_assert!(end == length || tile.keep_to + TILE_OVERLAP / 2 <= end);
                next = tile.keep_to;
            }
            prop_assert_eq!(next, length);
        }
    }
}
