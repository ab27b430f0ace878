//! Reads the words of a page's picture: text detection, line recognition, upright turn and skew, on CPU with
//! tract and the PP-OCR models.
//!
//! Synchronous and CPU-bound: call it on a blocking thread. Knows nothing of files, plugins or storage.

use crate::config::OcrMode;
use crate::domain::geometry::Turn;
use crate::domain::page::Segment;
use crate::domain::raster::Raster;

/// Why a page could not be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A model file is missing, damaged or not the expected model.
    #[error("OCR model `{model}` cannot be loaded: {reason}")]
    Model {
        /// File name.
        model: String,
        /// What is wrong.
        reason: String,
    },
    /// A model failed on this input.
    #[error("OCR model `{model}` failed: {reason}")]
    Inference {
        /// File name.
        model: String,
        /// What is wrong.
        reason: String,
    },
}

impl Error {
    /// A stable word for the public error code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Model { .. } => "ocr.model",
            Self::Inference { .. } => "ocr.inference",
        }
    }
}

/// What was read from a raster.
#[derive(Debug, Clone)]
pub struct Reading {
    /// The turn that made the page upright.
    pub turn: Turn,
    /// Degrees clockwise of skew that were corrected.
    pub skew_degrees: f32,
    /// Size in pixels of the upright page.
    pub width: u32,
    /// Size in pixels of the upright page.
    pub height: u32,
    /// What was found, with boxes in pixels of the upright page; not yet in reading order.
    pub segments: Vec<Segment>,
}

/// The reader: loads its models on first use and is shared by all threads.
pub struct Engine {
    _private: (),
}

impl Engine {
    /// Makes a reader. `model` gives the bytes of a model file by name (see `xtask`); nothing is loaded yet.
    pub fn new(
        settings: &crate::config::Ocr,
        model: impl Fn(&str) -> Option<&'static [u8]> + Send + Sync + 'static,
    ) -> Self {
        let _ = (settings, model);
        unimplemented!("ocr helper")
    }

    /// Reads a page.
    ///
    /// # Errors
    /// A model that cannot be loaded or fails.
    pub fn read(&self, raster: &Raster, mode: OcrMode) -> Result<Reading, Error> {
        let _ = (raster, mode);
        unimplemented!("ocr helper")
    }

    /// Reads a part of an upright raster, `area` in its pixels.
    ///
    /// # Errors
    /// A model that cannot be loaded or fails.
    pub fn read_area(
        &self,
        raster: &Raster,
        area: crate::domain::geometry::Rect,
        mode: OcrMode,
    ) -> Result<Vec<Segment>, Error> {
        let _ = (raster, area, mode);
        unimplemented!("ocr helper")
    }

    /// Digest of the models and the version of the method that `mode` uses: two readings with the same digest of
    /// the same pixels are equal. Part of the cache key.
    pub fn fingerprint(&self, mode: OcrMode) -> &str {
        let _ = mode;
        unimplemented!("ocr helper")
    }
}

/// Turns and straightens a raster as a reading says.
pub fn upright(raster: Raster, turn: Turn, skew_degrees: f32) -> Raster {
    let _ = (turn, skew_degrees);
    raster
}
