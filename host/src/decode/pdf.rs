//! PDF: text layers with positions, and pages rendered to pixels, with hayro.
//!
//! hayro cannot be interrupted and trusts its input to be of sane size, so: compressed streams are measured before the
//! file is opened, and once more as hayro sees them; each page is first surveyed ([`survey`]), which stops in time, and rendered only when the survey
//! found it within limits; and each page runs on a thread of its own with a deep stack.

mod attachments;
mod pictures;
mod survey;
mod thai;
mod trust;
mod words;

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use hayro::hayro_syntax::content::ops::TypedInstruction;
use hayro::hayro_syntax::object::{Array, Dict, Name, Object, Stream};
use hayro::hayro_syntax::page::Page;
use hayro::hayro_syntax::{self, DecryptionError, LoadPdfError};
use hayro::vello_cpu::color::palette::css::WHITE;
use hayro::{PixmapSettings, RenderCache, RenderSettings};
use hayro_interpret::InterpreterSettings;

use self::survey::{Stop, Survey};
use self::trust::Verdict;
use super::{Error, Limits, bomb};
use crate::domain::page::{PageSize, Segment, Unit};
use crate::domain::raster::Raster;

const FORMAT: &str = "PDF";

/// Key of a page's content streams.
const CONTENTS: &[u8] = b"Contents";

/// Keys of a page's annotations and of their kind, and the kind that shows nothing of its own.
const ANNOTATIONS: &[u8] = b"Annots";
const SUBTYPE: &[u8] = b"Subtype";
const LINK: &[u8] = b"Link";

/// Points per inch.
const POINTS_PER_INCH: f64 = 72.0;

/// Stack of the thread that a page is interpreted on: 50 nested forms, patterns and masks fit many times over.
const STACK_BYTES: usize = 32 << 20;

/// Most time for a look at all objects of a file: a second or two for hundreds of thousands.
const OBJECTS_TIMEOUT: Duration = Duration::from_secs(60);

/// The renderer counts pixels of a side in 16 bits.
const MAX_SIDE_PIXELS: f64 = 32_000.0;

/// The resolution of a scan is kept between these multiples of the limits' `raster_dpi`.
const SCAN_DPI_RANGE: std::ops::RangeInclusive<f64> = 0.5..=1.5;

/// How many times `max_pixels` all pictures of a page may have together. Scans in strips and layers come close to 3.
const PICTURES_PER_PAGE: u64 = 8;

/// An opened file.
pub(super) struct Pdf {
    file: hayro_syntax::Pdf,
    limits: Limits,
    /// Bytes of the content of each page that was looked at; the file keeps them all in memory.
    content_bytes: Mutex<BTreeMap<u32, u64>>,
}

impl Pdf {
    /// Opens a file and reads its list of pages.
    pub(super) fn open(content: Bytes, password: Option<&str>, limits: Limits) -> Result<Self, Error> {
        bomb::check_streams(&content, limits.max_inflated_bytes)?;
        let password = password.unwrap_or_default();
        let file = isolated(|| hayro_syntax::Pdf::new_with_password(Arc::new(content), password))
            .map_err(|_| damaged("its structure cannot be interpreted"))?
            .map_err(|error| match error {
                LoadPdfError::Decryption(DecryptionError::PasswordProtected) => Error::Encrypted,
                LoadPdfError::Decryption(DecryptionError::UnsupportedAlgorithm) => {
                    Error::Unsupported("the PDF's kind of encryption is not supported".into())
                }
                LoadPdfError::Decryption(_) => damaged("its encryption is incomplete"),
                LoadPdfError::Invalid => damaged("it has no readable structure"),
            })?;
        isolated(|| check_objects(&file, limits))
            .map_err(|_| damaged("its objects cannot be interpreted"))??;
        let page_count = file.pages().len() as u64;
        if page_count == 0 {
            return Err(damaged("it has no pages"));
        }
        if page_count > u64::from(limits.max_pages) {
            return Err(Error::LimitExceeded {
                what: "pages".into(),
                found: page_count,
                limit: u64::from(limits.max_pages),
                setting: "decode.max_pages",
            });
        }
        Ok(Self { file, limits, content_bytes: Mutex::default() })
    }

    /// Number of pages, at least 1.
    pub(super) fn page_count(&self) -> u32 {
        self.file.pages().len() as u32
    }

    /// Size of a page as displayed, in points.
    pub(super) fn page_size(&self, index: u32) -> Result<PageSize, Error> {
        let (width, height) = self.page(index)?.render_dimensions();
        if !(width.is_finite() && height.is_finite()) {
            return Err(damaged(format_args!("page {} has no size", index + 1)));
        }
        Ok(PageSize { width, height, unit: Unit::Point })
    }

    /// The page's words, where its own text can be trusted.
    pub(super) fn text_layer(&self, index: u32) -> Result<Option<Vec<Segment>>, Error> {
        let PageSize { width, height, .. } = self.page_size(index)?;
        self.on_page(index, |deadline| {
            let survey = self.survey(index, deadline)?;
            Ok(match trust::judge(&survey, f64::from(width), f64::from(height)) {
                Verdict::Blank => Some(Vec::new()),
                Verdict::Text => Some(words::segments(&survey.glyphs)),
                Verdict::Picture => None,
            })
        })
    }

    /// The page's picture.
    pub(super) fn raster(&self, index: u32) -> Result<Raster, Error> {
        let page = self.page(index)?;
        let PageSize { width, height, .. } = self.page_size(index)?;
        self.on_page(index, |deadline| {
            let survey = self.survey(index, deadline)?;
            self.check_pictures(&survey, index)?;
            let scale = self.scale(f64::from(width), f64::from(height), &survey, index)?;
            render(page, scale)
        })
    }

    /// About how many pixels rendering a page of this size, in points, keeps in memory: those of a scan, and those that
    /// they are painted to.
    pub(super) fn raster_pixels(&self, size: PageSize) -> u64 {
        let finest = f64::from(self.limits.raster_dpi) * SCAN_DPI_RANGE.end() / POINTS_PER_INCH;
        let pixels = f64::from(size.width) * f64::from(size.height) * finest * finest;
        (pixels as u64).min(self.limits.max_pixels).saturating_mul(2)
    }

    /// Names of the XML files that the file carries.
    pub(super) fn xml_names(&self) -> Vec<String> {
        // A file whose attachments cannot be interpreted has its pages all the same.
        isolated(|| attachments::xml_names(&self.file)).unwrap_or_default()
    }

    /// An XML file of at most `max_bytes` that the file carries; `None` for a larger or damaged one.
    pub(super) fn xml_file(&self, name: &str, max_bytes: u64) -> Option<Vec<u8>> {
        isolated(|| attachments::xml_file(&self.file, name, max_bytes)).ok().flatten()
    }

    /// Whether a page has neither text, be it hidden, nor annotations that show something.
    pub(super) fn is_all_picture(&self, index: u32) -> Result<bool, Error> {
        let is_annotated = self.page(index)?.raw().get::<Array<'_>>(ANNOTATIONS).is_some_and(|annotations| {
            let mut kinds = annotations
                .iter::<Dict<'_>>()
                .map(|annotation| annotation.get::<Name<'_>>(SUBTYPE).is_some_and(|kind| *kind == *LINK));
            kinds.any(|is_link| !is_link)
        });
        self.on_page(index, |deadline| {
            let survey = self.survey(index, deadline)?;
            Ok(!is_annotated && survey.glyphs.is_empty() && survey.hidden_glyphs == 0)
        })
    }

    fn page(&self, index: u32) -> Result<&Page<'_>, Error> {
        self.file
            .pages()
            .get(index as usize)
            .ok_or(Error::NoSuchPage { page: index.saturating_add(1), page_count: self.page_count() })
    }

    /// Interprets a page without painting it.
    fn survey(&self, index: u32, deadline: Instant) -> Result<Survey, Error> {
        let page = self.page(index)?;
        self.check_streams(page)?;
        match page.page_stream() {
            Some(content) => self.check_content(index, content.len() as u64)?,
            // It would be taken for a blank page.
            None if page.raw().contains_key(CONTENTS) => {
                return Err(damaged(format_args!(
                    "the content of page {} cannot be decompressed",
                    index + 1
                )));
            }
            None => {}
        }
        let survey = survey::survey(page, deadline, self.limits.max_inflated_bytes);
        // So would this.
        if survey.is_empty() && is_gibberish(page) {
            return Err(damaged(format_args!("the content of page {} makes no sense", index + 1)));
        }
        Ok(survey)
    }

    /// Refuses a page whose content streams, of which one may be there many times, are together more than may be kept.
    fn check_streams(&self, page: &Page<'_>) -> Result<(), Error> {
        let Some(streams) = page.raw().get::<Array<'_>>(CONTENTS) else { return Ok(()) };
        let mut left = self.limits.max_inflated_bytes;
        for stream in streams.iter::<Stream<'_>>() {
            left -= bomb::decoded_length(&stream, left)?;
        }
        Ok(())
    }

    /// Refuses a page when the content of all pages so far is more than may be kept.
    fn check_content(&self, index: u32, bytes: u64) -> Result<(), Error> {
        let mut content_bytes = self.content_bytes.lock().unwrap_or_else(PoisonError::into_inner);
        content_bytes.insert(index, bytes);
        let found = content_bytes.values().sum();
        let limit = self.limits.max_inflated_bytes;
        if found <= limit {
            return Ok(());
        }
        let what = "bytes after decompression".into();
        Err(Error::LimitExceeded { what, found, limit, setting: "decode.max_inflated_mib" })
    }

    /// Refuses pictures whose samples would not fit into memory.
    fn check_pictures(&self, survey: &Survey, index: u32) -> Result<(), Error> {
        if survey.has_bomb {
            return Err(bomb::exceeded(self.limits.max_inflated_bytes));
        }
        let checks = [
            ("pixels in a picture", survey.largest_picture_pixels, self.limits.max_pixels),
            (
                "pixels in pictures",
                survey.picture_pixels,
                self.limits.max_pixels.saturating_mul(PICTURES_PER_PAGE),
            ),
        ];
        for (what, found, limit) in checks {
            if found > limit {
                let what = format!("{what} on page {}", index + 1);
                return Err(Error::LimitExceeded { what, found, limit, setting: "decode.max_megapixels" });
            }
        }
        Ok(())
    }

    /// Pixels per point at which a page is rendered: the scan's own resolution or `raster_dpi`, less where the page is
    /// too large for that.
    fn scale(&self, width: f64, height: f64, survey: &Survey, index: u32) -> Result<f64, Error> {
        let usual = f64::from(self.limits.raster_dpi) / POINTS_PER_INCH;
        let wanted = trust::scan_resolution(survey, width, height)
            .map_or(usual, |scan| scan.clamp(usual * SCAN_DPI_RANGE.start(), usual * SCAN_DPI_RANGE.end()));
        // One pixel is left on each side for rounding up.
        let by_area = (self.limits.max_pixels as f64 / (width * height)).sqrt() * 0.999;
        let scale = wanted.min(by_area).min(MAX_SIDE_PIXELS / width.max(height));
        if width.min(height) * scale < 1.0 {
            return Err(Error::LimitExceeded {
                what: format!(
                    "points on the longer side of page {} by {} on the shorter",
                    index + 1,
                    width.min(height)
                ),
                found: width.max(height) as u64,
                limit: MAX_SIDE_PIXELS as u64,
                setting: "decode.max_megapixels",
            });
        }
        Ok(scale)
    }

    /// Interprets a page, giving the time at which it has to be done.
    fn on_page<T: Send>(
        &self,
        index: u32,
        work: impl FnOnce(Instant) -> Result<T, Error> + Send,
    ) -> Result<T, Error> {
        let deadline = Instant::now() + self.limits.page_timeout;
        let outcome = isolated(|| work(deadline));
        let timeout = Error::Timeout { page: index + 1, limit_seconds: self.limits.page_timeout.as_secs() };
        match outcome {
            Ok(_) if Instant::now() > deadline => Err(timeout),
            Ok(outcome) => outcome,
            Err(panic) => Err(match panic.downcast_ref::<Stop>() {
                Some(Stop::Deadline) => timeout,
                Some(Stop::Runaway) => damaged(format_args!("page {} draws without end", index + 1)),
                None => damaged(format_args!("page {} cannot be interpreted", index + 1)),
            }),
        }
    }
}

/// Refuses a file with a stream that decodes to too much, in whatever way its dictionary says.
fn check_objects(file: &hayro_syntax::Pdf, limits: Limits) -> Result<(), Error> {
    let deadline = Instant::now() + OBJECTS_TIMEOUT;
    for object in file.objects() {
        if Instant::now() > deadline {
            return Err(damaged("its objects take too long to read"));
        }
        if let Object::Stream(stream) = object {
            bomb::check_stream(&stream, limits.max_inflated_bytes)?;
        }
    }
    Ok(())
}

/// Runs what interprets PDF files on a deep stack and catches its panics.
pub fn isolated<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, Box<dyn Any + Send>> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .name("pdf".into())
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, || std::panic::catch_unwind(AssertUnwindSafe(work)));
        match thread {
            Ok(thread) => thread.join().and_then(|outcome| outcome),
            Err(error) => Err(Box::new(error) as Box<dyn Any + Send>),
        }
    })
}

/// Whether a page's content is something, but no drawing instructions.
fn is_gibberish(page: &Page<'_>) -> bool {
    /// Instructions that are looked at.
    const SAMPLE: usize = 1000;
    let mut operations = page.typed_operations();
    let mut found = 0;
    while found < SAMPLE
        && let Some(operation) = operations.next()
    {
        if !matches!(operation, TypedInstruction::Fallback(_)) {
            return false;
        }
        found += 1;
    }
    let content = page.page_stream().unwrap_or_default();
    found > 0 || content.iter().any(|byte| !byte.is_ascii_whitespace() && *byte != 0)
}

fn render<'a>(page: &'a Page<'a>, scale: f64) -> Result<Raster, Error> {
    let (width, height) = page.render_dimensions();
    // The renderer rounds down; half a pixel more makes that the nearest.
    let exact = |points: f32| ((f64::from(points) * scale).round().max(1.0) + 0.5) as f32 / points;
    let settings = PixmapSettings { x_scale: exact(width), y_scale: exact(height), bg_color: WHITE };
    let pixmap = hayro::render(
        page,
        &RenderCache::new(),
        &InterpreterSettings::default(),
        &RenderSettings::default(),
        &settings,
    );
    let (width, height) = (u32::from(pixmap.width()), u32::from(pixmap.height()));
    if width == 0 || height == 0 {
        return Err(damaged("a page has no size"));
    }
    // On white paper every pixel is opaque, so premultiplied samples are plain ones.
    let pixels = pixmap
        .data_as_u8_slice()
        .as_chunks::<4>()
        .0
        .iter()
        .flat_map(|&[red, green, blue, _]| [red, green, blue]);
    Ok(Raster { width, height, pixels: pixels.collect() })
}

fn damaged(reason: impl std::fmt::Display) -> Error {
    Error::Damaged { format: FORMAT, reason: reason.to_string() }
}
