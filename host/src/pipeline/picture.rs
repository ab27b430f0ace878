//! A page as a picture: upright and straight as it was read, with boxes around what was found.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::config::Config;
use crate::decode;
use crate::domain::format;
use crate::domain::geometry::{Rect, Turn};
use crate::domain::raster::Raster;
use crate::ocr;

/// Pictures that are drawn at one time. One takes the memory of a file and of a page, and next to nothing to wait for.
const AT_ONCE: usize = 2;

/// Share of a box's colour that tints what is inside of it.
const TINT: f32 = 0.12;

/// The width of a picture, in pixels, for each pixel of a box's outline.
const WIDTH_PER_OUTLINE: u32 = 500;

/// Why a page cannot be drawn.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    /// The content is not a format that can be read.
    #[error("{0}")]
    Unsupported(String),
    /// The document or the page cannot be decoded.
    #[error(transparent)]
    Decode(#[from] decode::Error),
    /// Drawing stopped without a result.
    #[error("page could not be drawn: {0}")]
    Crashed(String),
}

/// Draws pages, a few at a time.
pub struct Pictures {
    limits: decode::Limits,
    places: Arc<Semaphore>,
}

/// Leave to draw a picture; the file should be fetched only with it.
pub struct Place {
    _permit: OwnedSemaphorePermit,
}

/// What to draw.
#[derive(Debug, Clone)]
pub struct Picture {
    /// The uploader's name for the file: some formats are told by it.
    pub file_name: String,
    /// Page number from 1.
    pub page: u32,
    /// How the page was read; `None` where it was not, to show it as the file has it.
    pub reading: Option<PageReading>,
    /// Boxes in page units.
    pub boxes: Vec<ConfidenceBox>,
    /// Largest width in pixels; `None` for that of the page.
    pub width: Option<u32>,
}

/// How a page was turned when it was read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PageReading {
    /// The turn that made it upright.
    pub turn: Turn,
    /// The skew that was taken away, in degrees clockwise.
    pub skew_degrees: f32,
    /// Its width then, in page units.
    pub width: f32,
}

/// A box whose colour tells how sure what stands in it is: green from 0.9 on, amber from 0.7 on, else red.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ConfidenceBox {
    /// In page units.
    pub bbox: Rect,
    /// From 0 to 1.
    pub confidence: f32,
}

impl Pictures {
    /// Makes a drawer with the decoder's limits.
    pub fn new(config: &Config) -> Self {
        Self { limits: decode::Limits::from(&config.decode), places: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// Waits for leave to draw; `None` never happens while the server runs.
    pub async fn place(&self) -> Option<Place> {
        Arc::clone(&self.places).acquire_owned().await.ok().map(|permit| Place { _permit: permit })
    }

    /// Draws a page of a file as a PNG.
    ///
    /// # Errors
    /// See [`PictureError`].
    pub async fn draw(
        &self,
        place: Place,
        content: Bytes,
        picture: Picture,
    ) -> Result<Vec<u8>, PictureError> {
        let limits = self.limits;
        let drawn = tokio::task::spawn_blocking(move || {
            let _place = place;
            draw_now(content, limits, &picture)
        });
        drawn.await.unwrap_or_else(|error| Err(PictureError::Crashed(error.to_string())))
    }
}

fn draw_now(content: Bytes, limits: decode::Limits, picture: &Picture) -> Result<Vec<u8>, PictureError> {
    let format = format::sniff(&content, &picture.file_name)
        .ok_or_else(|| PictureError::Unsupported(format::unsupported(&content)))?;
    let document = decode::open(content, format, None, limits)?;
    let index = picture
        .page
        .checked_sub(1)
        .ok_or_else(|| decode::Error::NoSuchPage { page: picture.page, page_count: document.page_count() })?;
    let mut raster = document.raster(index)?;
    drop(document);
    if let Some(reading) = picture.reading {
        raster = ocr::upright(raster, reading.turn, reading.skew_degrees);
    }
    if let Some(width) = picture.width {
        raster = decode::shrunk(raster, width);
    }
    if let Some(reading) = picture.reading.filter(|reading| reading.width > 0.0) {
        let pixels_per_unit = raster.width as f32 / reading.width;
        for marked in &picture.boxes {
            mark(&mut raster, *marked, pixels_per_unit);
        }
    }
    Ok(decode::png(&raster)?)
}

/// Draws the outline of a box, and tints what is inside.
fn mark(raster: &mut Raster, marked: ConfidenceBox, pixels_per_unit: f32) {
    let colour = colour(marked.confidence);
    let outline = i64::from((raster.width / WIDTH_PER_OUTLINE).max(1));
    let at = |units: f32| (units * pixels_per_unit).round() as i64;
    let (x0, y0) = (at(marked.bbox.x0), at(marked.bbox.y0));
    let (x1, y1) = (at(marked.bbox.x1), at(marked.bbox.y1));
    // The outline stands around the box, not on what it shows.
    let columns = (x0 - outline).max(0)..(x1 + outline).min(i64::from(raster.width));
    let rows = (y0 - outline).max(0)..(y1 + outline).min(i64::from(raster.height));
    let width = raster.width as usize;
    for y in rows {
        for x in columns.clone() {
            let is_inside = x0 <= x && x < x1 && y0 <= y && y < y1;
            let share = if is_inside { TINT } else { 1.0 };
            let (Ok(x), Ok(y)) = (usize::try_from(x), usize::try_from(y)) else { continue };
            let from = (y * width + x) * 3;
            let pixel = raster.pixels.get_mut(from..from + 3).unwrap_or_default();
            for (sample, wanted) in pixel.iter_mut().zip(colour) {
                let mixed = f32::from(*sample) * (1.0 - share) + f32::from(wanted) * share;
                *sample = mixed.round() as u8;
            }
        }
    }
}

/// Red, green and blue.
fn colour(confidence: f32) -> [u8; 3] {
    match confidence {
        sure if sure >= 0.9 => [0, 150, 70],
        fair if fair >= 0.7 => [235, 150, 0],
        _ => [220, 40, 40],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_is_outlined_around_and_tinted_inside_and_never_leaves_the_page() {
        let mut raster = Raster { width: 20, height: 10, pixels: vec![255; 600] };
        let bbox = Rect::new(4.0, 2.0, 8.0, 4.0);
        mark(&mut raster, ConfidenceBox { bbox, confidence: 0.95 }, 1.0);
        let pixel = |x: usize, y: usize| &raster.pixels[(y * 20 + x) * 3..][..3];
        assert_eq!(pixel(3, 1), [0, 150, 70]);
        assert_eq!(pixel(4, 2), [224, 242, 233]);
        assert_eq!((pixel(8, 4), pixel(9, 4)), ([0, 150, 70].as_slice(), [255; 3].as_slice()));
        let outside = Rect::new(-50.0, -50.0, 500.0, 500.0);
        mark(&mut raster, ConfidenceBox { bbox: outside, confidence: 0.1 }, 1.0);
        assert_eq!(raster.pixels.len(), 600);
    }
}
