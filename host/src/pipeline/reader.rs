//! Reads one page: its text layer where that can be trusted, OCR of its picture otherwise.
//!
//! The one place where decoding and OCR meet. Work runs on blocking threads behind one semaphore, so that any
//! number of documents shares the cores fairly and nothing waits on an asynchronous thread.

use std::sync::Arc;
use std::time::Instant;

use tokio::runtime::Handle;
use tokio::sync::{Semaphore, SemaphorePermit};
use tracing::Instrument as _;

use super::cache::PageCache;
use super::view::ReadingTimes;
use crate::config::OcrMode;
use crate::domain::barcode::Barcode;
use crate::domain::geometry::Rect;
use crate::domain::layout;
use crate::domain::page::{PageSize, PageText, RawWord, Segment, TextSource, Word};
use crate::domain::raster::Raster;
use crate::plugins::SourceError;
use crate::telemetry::metrics;
use crate::{barcode, decode, ocr};

/// Most pixels in pictures of pages that are decoded and read at one time: nearly four pages of A4 at 300 dots per inch. A
/// larger one, such as a page at 600, is read while no other is.
const PIXELS_AT_ONCE: u32 = 34_000_000;

/// Reads pages; cheap to clone.
#[derive(Clone)]
pub struct Reader {
    ocr: Arc<ocr::Engine>,
    cache: Option<Arc<PageCache>>,
    cores: Arc<Semaphore>,
    /// One permit for each of [`PIXELS_AT_ONCE`].
    pixels: Arc<Semaphore>,
}

impl Reader {
    /// Makes a reader that works on at most `pages_at_once` pages at a time.
    pub fn new(ocr: Arc<ocr::Engine>, cache: Option<Arc<PageCache>>, pages_at_once: usize) -> Self {
        let cores = Arc::new(Semaphore::new(pages_at_once.max(1)));
        Self { ocr, cache, cores, pixels: Arc::new(Semaphore::new(PIXELS_AT_ONCE as usize)) }
    }

    /// Reads a page (`index` from 0 in the file), and tells how long it took.
    ///
    /// # Errors
    /// A page that cannot be decoded, or a model that fails.
    pub async fn read_page(
        &self,
        document: Arc<decode::Document>,
        index: u32,
        mode: OcrMode,
    ) -> Result<(PageText, ReadingTimes), SourceError> {
        let reader = self.clone();
        let reading = self.blocking(move || reader.read_page_now(&document, index, mode));
        let read = reading.instrument(tracing::info_span!("read", page = index + 1)).await;
        if let Ok((text, times)) = &read {
            metrics::page_read(text.source.as_str(), times.ocr);
        }
        read
    }

    /// The page's picture, turned and straightened as its text says.
    ///
    /// # Errors
    /// A page that cannot be decoded.
    pub async fn upright_raster(
        &self,
        document: Arc<decode::Document>,
        index: u32,
        text: &PageText,
    ) -> Result<Raster, SourceError> {
        let (turn, skew_degrees) = (text.turn, text.skew_degrees);
        let reader = self.clone();
        self.blocking(move || {
            let _room = reader.room(&document, index);
            let raster = document.raster(index).map_err(SourceError::from)?;
            Ok(ocr::upright(raster, turn, skew_degrees))
        })
        .await
    }

    /// Reads a part of an upright page by OCR; `area` and the answer are in page units.
    ///
    /// # Errors
    /// A model that fails.
    pub async fn recognize(
        &self,
        raster: Arc<Raster>,
        size: PageSize,
        area: Rect,
        mode: OcrMode,
    ) -> Result<Vec<Word>, SourceError> {
        let engine = Arc::clone(&self.ocr);
        self.blocking(move || {
            let units_per_pixel = size.width / raster.width as f32;
            let pixels = scale_rect(area, 1.0 / units_per_pixel);
            let segments = engine.read_area(&raster, pixels, mode).map_err(SourceError::from)?;
            Ok(layout::arrange(scale(segments, units_per_pixel), size).words)
        })
        .await
    }

    /// Finds the bar codes of an upright page; boxes are in page units.
    ///
    /// # Errors
    /// A decoder that fails.
    pub async fn barcodes(&self, raster: Arc<Raster>, size: PageSize) -> Result<Vec<Barcode>, SourceError> {
        let reading = self.blocking(move || {
            let units_per_pixel = size.width / raster.width as f32;
            let found = barcode::read(&raster).map_err(SourceError::from)?;
            let placed = found
                .into_iter()
                .map(|code| Barcode { bbox: scale_rect(code.bbox, units_per_pixel), ..code });
            Ok(placed.collect())
        });
        reading.instrument(tracing::info_span!("barcodes")).await
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, SourceError> + Send + 'static,
    ) -> Result<T, SourceError> {
        let permit = Arc::clone(&self.cores).acquire_owned().await;
        let span = tracing::Span::current();
        let done = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            span.in_scope(work)
        });
        done.await.unwrap_or_else(|error| {
            Err(SourceError {
                code: "pipeline.crashed".to_owned(),
                message: format!("reading the page stopped unexpectedly: {error}"),
                transient: false,
            })
        })
    }

    /// Waits until there is memory for the picture of a page, for as long as the permit is held. Blocks the thread, which
    /// its core is kept for: those who have the memory use more than one.
    fn room(&self, document: &decode::Document, index: u32) -> Option<SemaphorePermit<'_>> {
        let pixels = u32::try_from(document.raster_pixels(index)).unwrap_or(u32::MAX).min(PIXELS_AT_ONCE);
        Handle::current().block_on(self.pixels.acquire_many(pixels)).ok()
    }

    fn read_page_now(
        &self,
        document: &decode::Document,
        index: u32,
        mode: OcrMode,
    ) -> Result<(PageText, ReadingTimes), SourceError> {
        let start = Instant::now();
        let size = document.page_size(index)?;
        if let Some(segments) = document.text_layer(index)? {
            let text = page_text(segments, size, TextSource::TextLayer);
            return Ok((text, ReadingTimes { decode: start.elapsed(), ..ReadingTimes::default() }));
        }
        let text_layer = start.elapsed();
        let _room = self.room(document, index);
        let start = Instant::now();
        let raster = document.raster(index)?;
        let decode = text_layer + start.elapsed();
        let start = Instant::now();
        let text = self.read_raster(raster, size, mode)?;
        Ok((text, ReadingTimes { decode, ocr: start.elapsed() }))
    }

    fn read_raster(&self, raster: Raster, size: PageSize, mode: OcrMode) -> Result<PageText, SourceError> {
        let kept = self.cache.as_ref().map(|cache| {
            let method =
                format!("{} {} x {} {:?}", self.ocr.fingerprint(mode), size.width, size.height, size.unit);
            (cache, PageCache::key(&raster, &method))
        });
        if let Some((cache, key)) = &kept
            && let Some(text) = cache.get(key)
        {
            return Ok(text);
        }
        let units_per_pixel = size.width / raster.width as f32;
        let reading = self.ocr.read(raster, mode)?;
        let upright = PageSize {
            width: reading.width as f32 * units_per_pixel,
            height: reading.height as f32 * units_per_pixel,
            unit: size.unit,
        };
        let mut text = page_text(scale(reading.segments, units_per_pixel), upright, TextSource::Ocr);
        text.turn = reading.turn;
        text.skew_degrees = reading.skew_degrees;
        if let Some((cache, key)) = &kept {
            cache.put(key, &text);
        }
        Ok(text)
    }
}

fn page_text(segments: Vec<Segment>, size: PageSize, source: TextSource) -> PageText {
    let arranged = layout::arrange(segments, size);
    PageText {
        size,
        turn: Default::default(),
        skew_degrees: 0.0,
        source,
        words: arranged.words,
        lines: arranged.lines,
    }
}

fn scale(segments: Vec<Segment>, factor: f32) -> Vec<Segment> {
    if factor == 1.0 {
        return segments;
    }
    let word = |word: RawWord| RawWord { bbox: scale_rect(word.bbox, factor), ..word };
    segments
        .into_iter()
        .map(|segment| Segment {
            bbox: scale_rect(segment.bbox, factor),
            words: segment.words.into_iter().map(word).collect(),
        })
        .collect()
}

fn scale_rect(rect: Rect, factor: f32) -> Rect {
    Rect::new(rect.x0 * factor, rect.y0 * factor, rect.x1 * factor, rect.y1 * factor)
}

impl From<decode::Error> for SourceError {
    fn from(error: decode::Error) -> Self {
        Self { code: error.code().to_owned(), message: error.to_string(), transient: false }
    }
}

impl From<barcode::Error> for SourceError {
    fn from(error: barcode::Error) -> Self {
        Self { code: error.code().to_owned(), message: error.to_string(), transient: false }
    }
}

impl From<ocr::Error> for SourceError {
    fn from(error: ocr::Error) -> Self {
        Self { code: error.code().to_owned(), message: error.to_string(), transient: false }
    }
}
