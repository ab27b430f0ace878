//! Reads the bar codes of a page's picture.
//!
//! Codes of lines and codes of dots are found in different ways: [`stripes`] looks for areas whose edges all run in one
//! direction and [`linear`] reads along them, whatever their angle; [`matrix`] looks for finder patterns on the whole
//! page and tries areas that are busy in all directions.
//!
//! The picture is what a user uploaded: its pixels and the areas that are tried are limited, and a panic of the library
//! that decodes is an error.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::domain::barcode::{Barcode, BarcodeFormat};
use crate::domain::geometry::Rect;
use crate::domain::raster::Raster;
use luma::Luma;

mod linear;
mod luma;
mod matrix;
mod regions;
mod stripes;

/// Most pixels that are searched; a larger picture is shrunk first. A photograph of a phone and A4 at 400 dpi have fewer.
const MAX_PIXELS: u64 = 16_000_000;

/// How many times smaller the page is searched as well: bars and dots of a close photograph are as wide as what is taken
/// for an area otherwise, and coarse print and noise vanish.
const SHRINKS: [usize; 3] = [1, 2, 4];

/// Pixels that a page must have for each time that it is shrunk.
const SHRINK_FROM: usize = 500_000;

/// Most codes of a page that are told.
const MAX_CODES: usize = 500;

/// Why the bar codes of a page cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The decoder stopped for a fault of its own.
    #[error("bar codes of the page cannot be read")]
    Crashed,
}

impl Error {
    /// The stable word for this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Crashed => "barcode.crashed",
        }
    }
}

/// Reads all bar codes of an upright page, from top to bottom and from left to right; boxes are in pixels.
///
/// # Errors
/// A fault of the decoder.
pub fn read(raster: &Raster) -> Result<Vec<Barcode>, Error> {
    catch_unwind(AssertUnwindSafe(|| read_now(raster))).map_err(|_| Error::Crashed)
}

fn read_now(raster: &Raster) -> Vec<Barcode> {
    let (page, first_shrink) = Luma::of(raster, MAX_PIXELS);
    let mut found = Vec::new();
    for shrink in SHRINKS {
        if shrink == 1 || page.pixels.len() >= SHRINK_FROM * shrink {
            let smaller = (shrink > 1).then(|| page.shrunk(shrink));
            let codes = read_at_one_scale(smaller.as_ref().unwrap_or(&page));
            let scale = (shrink * first_shrink) as f32;
            codes.into_iter().for_each(|code| keep(&mut found, scaled(code, scale)));
        }
    }
    found.sort_by(|one, other| {
        let key = |code: &Barcode| (code.bbox.y0, code.bbox.x0);
        key(one).partial_cmp(&key(other)).unwrap_or(std::cmp::Ordering::Equal)
    });
    found.truncate(MAX_CODES);
    found
}

fn read_at_one_scale(page: &Luma) -> Vec<Barcode> {
    let map = regions::Map::new(page);
    let stripes = stripes::find(&map);
    let mut found = Vec::new();
    linear::read(page, &stripes).into_iter().for_each(|code| keep(&mut found, code));
    let cleaned = page.cleaned();
    matrix::read(cleaned.as_ref().unwrap_or(page), &map, &stripes, &mut found);
    found
}

fn scaled(code: Barcode, scale: f32) -> Barcode {
    let Rect { x0, y0, x1, y1 } = code.bbox;
    Barcode { bbox: Rect::new(x0 * scale, y0 * scale, x1 * scale, y1 * scale), ..code }
}

/// Adds a code, unless it is one that was found before or lies inside of one: the rows of a stacked code look like bars.
fn keep(found: &mut Vec<Barcode>, code: Barcode) {
    if !found.iter().any(|known| covers(known, &code)) {
        found.push(code);
    }
}

/// Whether `code` is `known` again, or a part of it that was taken for a code of its own.
fn covers(known: &Barcode, code: &Barcode) -> bool {
    let Some(common) = known.bbox.intersection(&code.bbox) else { return false };
    let smaller = known.bbox.area().min(code.bbox.area());
    let is_same = known.format == code.format && known.text == code.text;
    common.area() > smaller * 0.5 || is_same && common.area() > smaller * 0.1
}

/// The smallest rectangle that holds all points.
fn around(points: impl IntoIterator<Item = (f32, f32)>) -> Option<Rect> {
    let boxes = points.into_iter().map(|(x, y)| Rect::new(x, y, x, y));
    boxes.reduce(|one, other| one.union(&other))
}

/// The format that the library names; `None` for those that are not read.
fn format(found: rxing::BarcodeFormat) -> Option<BarcodeFormat> {
    Some(match found {
        rxing::BarcodeFormat::QR_CODE => BarcodeFormat::QrCode,
        rxing::BarcodeFormat::MICRO_QR_CODE => BarcodeFormat::MicroQrCode,
        rxing::BarcodeFormat::DATA_MATRIX => BarcodeFormat::DataMatrix,
        rxing::BarcodeFormat::AZTEC => BarcodeFormat::Aztec,
        rxing::BarcodeFormat::PDF_417 => BarcodeFormat::Pdf417,
        rxing::BarcodeFormat::CODE_128 => BarcodeFormat::Code128,
        rxing::BarcodeFormat::CODE_39 => BarcodeFormat::Code39,
        rxing::BarcodeFormat::EAN_13 => BarcodeFormat::Ean13,
        rxing::BarcodeFormat::EAN_8 => BarcodeFormat::Ean8,
        rxing::BarcodeFormat::UPC_A => BarcodeFormat::UpcA,
        rxing::BarcodeFormat::UPC_E => BarcodeFormat::UpcE,
        rxing::BarcodeFormat::ITF => BarcodeFormat::Itf,
        _ => return None,
    })
}
