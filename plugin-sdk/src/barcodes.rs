//! The bar codes of a page, which the host finds in its picture: [`Document::barcodes`](crate::Document::barcodes).

use serde::Deserialize;

use crate::bindings::ocriva::extract::{barcodes as host, document};
use crate::extractor::Failure;
use crate::page::Rect;
use crate::reading::Span;

/// Most codes of a page that are asked for.
const CAP: u32 = 500;

/// What a field's provenance says of a value that a bar code has.
const SOURCE: &str = "barcode";

/// A bar code.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Barcode {
    /// `qr_code`, `micro_qr_code`, `data_matrix`, `aztec`, `pdf_417`, `code_128`, `code_39`, `ean_13`, `ean_8`, `upc_a`,
    /// `upc_e` or `itf`; there may be more.
    pub format: String,
    /// What it says. What separates the elements of a GS1 code (FNC1) is U+001D.
    pub text: String,
    /// The bytes that are encoded, where they are not those of `text` in UTF-8; see [`Barcode::content`].
    pub bytes: Vec<u8>,
    /// The upright rectangle around it.
    pub bbox: Rect,
    /// From 0 to 1: 1 where it corrects its own errors, else how alike it was read in several places.
    pub confidence: f32,
    /// The symbology identifier by ISO/IEC 15424, such as `]C1` for GS1-128; empty where it has none.
    pub symbology: String,
    /// The level of error correction as its format names them, such as `M`.
    pub error_correction: Option<String>,
}

/// What the host tells beyond the record of the contract.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Attributes {
    symbology: String,
    error_correction: Option<String>,
}

impl Barcode {
    /// A code of this format and text, for a test: certain, without a place.
    pub fn new(format: &str, text: &str) -> Self {
        Self { format: format.to_owned(), text: text.to_owned(), confidence: 1.0, ..Self::default() }
    }

    /// The bytes that are encoded, whatever character set they are of.
    pub fn content(&self) -> &[u8] {
        if self.bytes.is_empty() { self.text.as_bytes() } else { &self.bytes }
    }

    /// Whether its issuer says that it is one by the rules of GS1.
    pub fn is_gs1(&self) -> bool {
        matches!(self.symbology.as_str(), "]C1" | "]d2" | "]Q3" | "]e0" | "]J1")
    }

    /// What the provenance of its values is made of; `page` is the number of its page, from 1.
    pub fn span(&self, page: u32) -> Span {
        Span {
            page,
            bbox: self.bbox,
            text: self.text.clone(),
            confidence: self.confidence,
            source: SOURCE.to_owned(),
        }
    }
}

/// The codes of a page of the host's.
pub(crate) fn of_page(page: &document::Page) -> Result<Vec<Barcode>, Failure> {
    Ok(host::read(page, CAP)?.into_iter().map(Barcode::from).collect())
}

impl From<host::Barcode> for Barcode {
    fn from(code: host::Barcode) -> Self {
        // Attributes are what may grow: what is not understood is not there.
        let Attributes { symbology, error_correction } =
            serde_json::from_str(&code.attributes).unwrap_or_default();
        Self {
            format: code.format,
            text: code.text,
            bytes: code.bytes,
            bbox: code.bbox.into(),
            confidence: code.confidence,
            symbology,
            error_correction,
        }
    }
}
