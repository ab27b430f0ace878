//! Tells which way up a page is.

use tract_onnx::prelude::*;

use crate::domain::geometry::Turn;
use crate::domain::raster::Raster;

use super::Error;
use super::models::{self, ModelFile, Plan};
use super::resample::{self, Channels, Window};

/// Side of the network's input.
const SIDE: usize = 224;
/// The page's shorter side is brought to this length, and the middle of the page is looked at.
const SHORT_SIDE: f32 = 256.0;

/// The page orientation classifier.
pub(super) struct Classifier {
    name: &'static str,
    plan: Plan,
}

impl Classifier {
    pub(super) fn new(model: ModelFile) -> Result<Self, Error> {
        let name = model.name;
        let shape = tvec![1.to_dim(), 3.to_dim(), SIDE.to_dim(), SIDE.to_dim()];
        Ok(Self { name, plan: models::plan(name, model.typed(shape, SymbolScope::default())?)? })
    }

    /// The turn that makes the page upright, and its probability.
    pub(super) fn turn(&self, page: &Raster) -> Result<(Turn, f32), Error> {
        let (width, height) = (page.width as f32, page.height as f32);
        let side = width.min(height) * SIDE as f32 / SHORT_SIDE;
        let middle =
            Window { left: (width - side) / 2.0, top: (height - side) / 2.0, width: side, height: side };
        let input = resample::normalized_planes(page, middle, (SIDE, SIDE), Channels::Rgb);
        let input = Tensor::from_shape(&[1, 3, SIDE, SIDE], &input)
            .map_err(|source| Error::inference(self.name, &source))?;
        let output = models::run(self.name, &self.plan, input)?;
        let turns = [Turn::None, Turn::Clockwise270, Turn::Half, Turn::Clockwise90];
        let scores = models::floats(self.name, &output)?.iter().copied();
        // The network's classes are the degrees by which a page was turned clockwise.
        let best = turns.into_iter().zip(scores).max_by(|a, b| a.1.total_cmp(&b.1));
        Ok(best.unwrap_or((Turn::None, 1.0)))
    }
}
