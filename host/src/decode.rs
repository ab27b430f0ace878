//! Files in, pages out: text layers with positions, and rasters where a page has to be looked at.
//!
//! Synchronous and CPU-bound: call it on a blocking thread. Knows nothing of OCR, plugins or storage.

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

/// An opened document; pages are decoded when they are asked for.
pub struct Document {
    _private: (),
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
    let _ = (content, format, password, limits);
    unimplemented!("decode helper")
}

impl Document {
    /// Number of pages, at least 1.
    pub fn page_count(&self) -> u32 {
        unimplemented!("decode helper")
    }

    /// Size of a page as it is displayed (with the file's own rotation applied), `index` from 0.
    ///
    /// # Errors
    /// No such page, or a damaged one.
    pub fn page_size(&self, index: u32) -> Result<PageSize, Error> {
        let _ = index;
        unimplemented!("decode helper")
    }

    /// The page's own text with positions in page units, where it has a text layer that can be trusted; `None`
    /// where the page must be read from its picture. An empty list means that the page is blank.
    ///
    /// # Errors
    /// No such page, damaged, or over a limit.
    pub fn text_layer(&self, index: u32) -> Result<Option<Vec<Segment>>, Error> {
        let _ = index;
        unimplemented!("decode helper")
    }

    /// The picture of a page, `index` from 0: images in their own resolution, PDF pages at the limits'
    /// `raster_dpi`. Upright according to the file (EXIF orientation, PDF `/Rotate`), transparent parts on white.
    ///
    /// # Errors
    /// No such page, damaged, or over a limit.
    pub fn raster(&self, index: u32) -> Result<Raster, Error> {
        let _ = index;
        unimplemented!("decode helper")
    }
}
