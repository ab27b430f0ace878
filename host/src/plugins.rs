//! The plugin platform: sandboxed WebAssembly components that turn a document's pages into fields.
//!
//! [`Registry`] knows which plugins there are, [`Engine`] runs one on a document within its limits, and [`Report`]
//! says what is wrong with a component that cannot be taken. The contract with plugins is `wit/extract.wit`.
//!
//! Names no storage, decoder or OCR: a document comes in as a [`DocumentSource`].

use std::sync::Arc;

use async_trait::async_trait;

use crate::domain::barcode::Barcode;
use crate::domain::geometry::Rect;
use crate::domain::page::{PageSize, PageText, Word};
use crate::domain::raster::Raster;

mod access;
mod barcodes;
mod bindings;
mod budget;
mod cache;
mod call;
mod capabilities;
mod compiler;
mod component;
mod engine;
mod error;
mod imports;
mod journal;
mod limits;
mod lookup;
pub mod manifest;
mod pace;
mod registry;
pub mod signature;
mod ticker;
mod wasi;

pub use access::{Access, CapabilityAccess, Wishes};
pub use budget::Usage;
pub use call::{Call, Request};
pub use capabilities::{ValueStore, ValuesUnavailable};
pub use compiler::{CompileLimits, Memory, compile_here};
pub use component::{Problem, Report};
pub use engine::{Engine, Plugin, StartError};
pub use error::{Error, LoadError, Refusal};
pub use journal::{LogLine, Logs};
pub use limits::{AskedLimits, Limits};
pub use manifest::Manifest;
pub use registry::{
    BundledPlugin, Components, FetchError, Found, Listing, Origin, Owner, Registry, ReleaseError,
    Unavailable, is_needed,
};

/// What a plugin says about itself.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Description {
    /// Its name: lower case letters, digits and `-`, starting with a letter, at most 64.
    pub name: String,
    /// Its version: numbers separated by points, with an optional suffix after a hyphen.
    pub version: String,
    /// What it does, in a sentence.
    #[serde(default)]
    pub description: String,
    /// JSON Schema of its settings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_schema: Option<serde_json::Value>,
    /// JSON Schema of its fields' values, where they do not depend on the template.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_schema: Option<serde_json::Value>,
}

/// Why a document cannot give what a plugin asked for.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct SourceError {
    /// The stable public code of the cause, such as `decode.damaged`.
    pub code: String,
    /// A sentence for people.
    pub message: String,
    /// Whether trying again may help.
    pub transient: bool,
}

/// A document as plugins see it: pages by index from 0, each read on demand and at most once.
#[async_trait]
pub trait DocumentSource: Send + Sync + 'static {
    /// Number of pages that the extractor may look at, at least 1 (a page range has been applied).
    fn page_count(&self) -> u32;

    /// The file's name, as the uploader gave it; untrusted.
    fn file_name(&self) -> &str;

    /// The media type, as sniffed.
    fn media_type(&self) -> &str;

    /// Number of the page in the file, from 1: differs from `index + 1` where a page range was asked for.
    fn page_number(&self, index: u32) -> u32;

    /// Size of the upright page. May have to read the page, since only that tells which way is up.
    async fn size(&self, index: u32) -> Result<PageSize, SourceError>;

    /// All words of the page: the text layer where it can be trusted, OCR otherwise.
    async fn text(&self, index: u32) -> Result<Arc<PageText>, SourceError>;

    /// The upright page as a picture.
    async fn raster(&self, index: u32) -> Result<Arc<Raster>, SourceError>;

    /// Words of a part of the page, always by OCR; boxes in page units.
    async fn recognize(&self, index: u32, area: Rect) -> Result<Vec<Word>, SourceError>;

    /// The bar codes of the page, from top to bottom.
    async fn barcodes(&self, index: u32) -> Result<Arc<Vec<Barcode>>, SourceError>;
}
