//! Files in, pages out: text layers with positions, and rasters where a page has to be looked at.
//!
//! Synchronous and CPU-bound: call it on a blocking thread. Knows nothing of OCR, plugins or storage.
//!
//! What comes in is hostile until proven otherwise: sizes are checked before anything is allocated for them, every
//! loop over outside input has a limit, and the PDF interpreter runs on a stack of its own with its panics caught.

mod bomb;
mod jpeg2000;
mod pdf;
mod photo;
mod picture;
mod pixels;
mod tiff;

pub use picture::{png, shrunk};

use bytes::Bytes;

use crate::domain::format::Format;
use crate::domain::page::{PageSize, Segment};
use crate::domain::raster::Raster;

/// Why a document, or a page of it, cannot be decoded. All of these are permanent: trying again won't help.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The content is damaged beyond reading.
    #[error("{format} file is damaged: {reason}")]
    Damaged {
        /// `PDF`, `PNG`, …
        format: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// A password is needed, or the one given is wrong.
    #[error("document is encrypted and needs a password")]
    Encrypted,
    /// More of something than the operator allows.
    #[error("document has {found} {what}, the limit is {limit} (setting `{setting}`)")]
    LimitExceeded {
        /// `pages`, `pixels on page 3`, `bytes after decompression`, …
        what: String,
        /// How many there are.
        found: u64,
        /// How many are allowed.
        limit: u64,
        /// The setting that allows more.
        setting: &'static str,
    },
    /// A page took too long.
    #[error(
        "page {page} took longer than {limit_seconds} s to decode (setting `decode.page_timeout_seconds`)"
    )]
    Timeout {
        /// Page number from 1.
        page: u32,
        /// The limit.
        limit_seconds: u64,
    },
    /// No such page.
    #[error("document has {page_count} pages, page {page} does not exist")]
    NoSuchPage {
        /// The page number asked for, from 1.
        page: u32,
        /// How many there are.
        page_count: u32,
    },
    /// A valid file of a kind that is not supported.
    #[error("{0}")]
    Unsupported(String),
}

impl Error {
    /// A stable word for the public error code, such as `decode.encrypted`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Damaged { .. } => "decode.damaged",
            Self::Encrypted => "decode.encrypted",
            Self::LimitExceeded { .. } => "decode.limit_exceeded",
            Self::Timeout { .. } => "decode.timeout",
            Self::NoSuchPage { .. } => "decode.no_such_page",
            Self::Unsupported(_) => "decode.unsupported",
        }
    }
}

/// Limits on one document.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Most pages.
    pub max_pages: u32,
    /// Most pixels of one page's raster.
    pub max_pixels: u64,
    /// Most bytes after decompression.
    pub max_inflated_bytes: u64,
    /// Most time for one page.
    pub page_timeout: std::time::Duration,
    /// Resolution of PDF rasters.
    pub raster_dpi: u32,
}

impl From<&crate::config::Decode> for Limits {
    fn from(settings: &crate::config::Decode) -> Self {
        Self {
            max_pages: settings.max_pages,
            max_pixels: u64::from(settings.max_megapixels) * 1_000_000,
            max_inflated_bytes: settings.max_inflated_mib << 20,
            page_timeout: std::time::Duration::from_secs(settings.page_timeout_seconds),
            raster_dpi: settings.raster_dpi,
        }
    }
}

/// An opened document; pages are decoded when they are asked for. Shared by threads, which may decode different
/// pages at the same time.
pub struct Document {
    source: Source,
}

/// What each kind of file keeps open.
enum Source {
    Pdf(pdf::Pdf),
    Tiff(tiff::Tiff),
    Jpeg2000(jpeg2000::Jpeg2000),
    Photo(photo::Photo),
}

/// Opens a document whose format has been sniffed. Looks at the structure only; no page is decoded yet.
///
/// # Errors
/// Damaged, encrypted or over a limit.
pub fn open(
    content: Bytes,
    format: Format,
    password: Option<&str>,
    limits: Limits,
) -> Result<Document, Error> {
    let source = match format {
        Format::Pdf => Source::Pdf(pdf::Pdf::open(content, password, limits)?),
        Format::Tiff => Source::Tiff(tiff::Tiff::open(content, limits)?),
        Format::Jpeg2000 => Source::Jpeg2000(jpeg2000::Jpeg2000::open(content, limits)?),
        Format::Png | Format::Jpeg | Format::Webp | Format::Bmp | Format::Gif => {
            Source::Photo(photo::Photo::open(content, format, limits)?)
        }
    };
    Ok(Document { source })
}

impl Document {
    /// Number of pages, at least 1.
    pub fn page_count(&self) -> u32 {
        match &self.source {
            Source::Pdf(pdf) => pdf.page_count(),
            Source::Tiff(tiff) => tiff.page_count(),
            Source::Jpeg2000(_) | Source::Photo(_) => 1,
        }
    }

    /// Size of a page as it is displayed (with the file's own rotation applied), `index` from 0.
    ///
    /// # Errors
    /// No such page, or a damaged one.
    pub fn page_size(&self, index: u32) -> Result<PageSize, Error> {
        self.check_index(index)?;
        match &self.source {
            Source::Pdf(pdf) => pdf.page_size(index),
            Source::Tiff(tiff) => tiff.page_size(index),
            Source::Jpeg2000(image) => Ok(image.size()),
            Source::Photo(photo) => Ok(photo.size()),
        }
    }

    /// The page's own text with positions in page units, where it has a text layer that can be trusted; `None`
    /// where the page must be read from its picture. An empty list means that the page is blank.
    ///
    /// # Errors
    /// No such page, damaged, or over a limit.
    pub fn text_layer(&self, index: u32) -> Result<Option<Vec<Segment>>, Error> {
        self.check_index(index)?;
        match &self.source {
            Source::Pdf(pdf) => pdf.text_layer(index),
            Source::Tiff(_) | Source::Jpeg2000(_) | Source::Photo(_) => Ok(None),
        }
    }

    /// The picture of a page, `index` from 0. Images come in their own resolution. PDF pages come at the limits'
    /// `raster_dpi`, at the resolution of the scan where the page is one (within half and one and a half times
    /// `raster_dpi`), and at whatever fits into `max_pixels` where the page is too large for that. Upright according
    /// to the file (EXIF orientation, PDF `/Rotate`), transparent parts on white.
    ///
    /// # Errors
    /// No such page, damaged, or over a limit.
    pub fn raster(&self, index: u32) -> Result<Raster, Error> {
        self.check_index(index)?;
        match &self.source {
            Source::Pdf(pdf) => pdf.raster(index),
            Source::Tiff(tiff) => tiff.raster(index),
            Source::Jpeg2000(image) => image.raster(),
            Source::Photo(photo) => photo.raster(),
        }
    }

    fn check_index(&self, index: u32) -> Result<(), Error> {
        let page_count = self.page_count();
        if index < page_count {
            return Ok(());
        }
        Err(Error::NoSuchPage { page: index.saturating_add(1), page_count })
    }
}

/// Refuses a picture of more pixels than are allowed, before anything is allocated for it.
fn check_pixels(width: u32, height: u32, page: u32, limits: &Limits) -> Result<(), Error> {
    let found = u64::from(width) * u64::from(height);
    if found <= limits.max_pixels {
        return Ok(());
    }
    Err(Error::LimitExceeded {
        what: format!("pixels on page {page}"),
        found,
        limit: limits.max_pixels,
        setting: "decode.max_megapixels",
    })
}

/// Runs a decoder of outside input and makes a panic in it an error: a damaged file must not take the worker down.
fn catch<T>(format: &'static str, decode: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(decode)).unwrap_or_else(|_| {
        Err(Error::Damaged { format, reason: "its content cannot be interpreted".into() })
    })
}
