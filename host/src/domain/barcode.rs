//! Bar codes, as they are found on a page.

use super::geometry::Rect;

words! {
    /// The kinds of bar codes that are read, as plugins are told them.
    pub enum BarcodeFormat {
        /// QR code.
        QrCode => "qr_code",
        /// Micro QR code: one finder pattern, a few characters.
        MicroQrCode => "micro_qr_code",
        /// Data Matrix, square or rectangular.
        DataMatrix => "data_matrix",
        /// Aztec code.
        Aztec => "aztec",
        /// PDF417: stacked rows of bars.
        Pdf417 => "pdf_417",
        /// Code 128, GS1-128 among it.
        Code128 => "code_128",
        /// Code 39.
        Code39 => "code_39",
        /// EAN-13.
        Ean13 => "ean_13",
        /// EAN-8.
        Ean8 => "ean_8",
        /// UPC-A.
        UpcA => "upc_a",
        /// UPC-E.
        UpcE => "upc_e",
        /// Interleaved 2 of 5.
        Itf => "itf",
    }
}

/// A bar code on a page.
#[derive(Debug, Clone, PartialEq)]
pub struct Barcode {
    /// What kind it is.
    pub format: BarcodeFormat,
    /// What it says. FNC1 between the elements of a GS1 code is U+001D.
    pub text: String,
    /// The bytes that are encoded, where they are not those of `text` in UTF-8; else empty.
    pub bytes: Vec<u8>,
    /// The upright rectangle around it, in page units.
    pub bbox: Rect,
    /// From 0 to 1: 1 where it corrects its own errors, else how much of it was read alike.
    pub confidence: f32,
    /// The symbology identifier of ISO/IEC 15424, such as `]Q3` for a QR code by GS1's rules; empty where it has none.
    pub symbology: String,
    /// The level of error correction as its kind names them, such as `M`; `None` where it has none.
    pub error_correction: Option<String>,
}
