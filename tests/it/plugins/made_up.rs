//! A document that a test makes up, as the host's pipeline would give it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ocriva::domain::barcode::{Barcode, BarcodeFormat};
use ocriva::domain::geometry::{Rect, Turn};
use ocriva::domain::page::{Line, PageSize, PageText, TextSource, Unit, Word};
use ocriva::domain::raster::Raster;
use ocriva::plugins::{DocumentSource, SourceError};
use ocriva_plugin_sdk::{Fixture, Page};

/// One page of typeset text, and a picture of stripes.
pub(super) struct MadeUp {
    text: Result<Arc<PageText>, SourceError>,
    delay: Duration,
}

impl MadeUp {
    /// The page that `Fixture::from_text` makes of the same text.
    pub(super) fn from_text(text: &str) -> Self {
        let page = Fixture::from_text(text).pages.remove(0);
        Self { text: Ok(Arc::new(host_text(page))), delay: Duration::ZERO }
    }

    /// A document whose pages cannot be read.
    pub(super) fn damaged() -> Self {
        let error = SourceError {
            code: "decode.damaged".to_owned(),
            message: "page is damaged".to_owned(),
            transient: false,
        };
        Self { text: Err(error), delay: Duration::ZERO }
    }

    /// The same document, whose words take a while to read.
    pub(super) fn slow(self, delay: Duration) -> Self {
        Self { delay, ..self }
    }
}

#[async_trait]
impl DocumentSource for MadeUp {
    fn page_count(&self) -> u32 {
        1
    }

    fn file_name(&self) -> &str {
        "receipt.pdf"
    }

    fn media_type(&self) -> &str {
        "application/pdf"
    }

    fn page_number(&self, index: u32) -> u32 {
        index + 1
    }

    async fn size(&self, _index: u32) -> Result<PageSize, SourceError> {
        self.text.as_ref().map(|text| text.size).map_err(Clone::clone)
    }

    async fn text(&self, _index: u32) -> Result<Arc<PageText>, SourceError> {
        tokio::time::sleep(self.delay).await;
        self.text.clone()
    }

    /// Two pixels for each page unit; red counts the columns and green the rows.
    async fn raster(&self, index: u32) -> Result<Arc<Raster>, SourceError> {
        let size = self.size(index).await?;
        let (width, height) = ((size.width * 2.0) as u32, (size.height * 2.0) as u32);
        let pixels = (0..height).flat_map(|y| (0..width).flat_map(move |x| [x as u8, y as u8, 0])).collect();
        Ok(Arc::new(Raster { width, height, pixels }))
    }

    async fn recognize(&self, _index: u32, area: Rect) -> Result<Vec<Word>, SourceError> {
        let text = format!("{}x{}", area.width(), area.height());
        Ok(vec![Word { text, bbox: area, confidence: 0.5, line: 0, block: 0 }])
    }

    /// Two codes: one of text, and one of bytes that are none.
    async fn barcodes(&self, index: u32) -> Result<Arc<Vec<Barcode>>, SourceError> {
        self.size(index).await?;
        let text = Barcode {
            format: BarcodeFormat::Ean13,
            text: "4006381333931".to_owned(),
            bytes: Vec::new(),
            bbox: Rect::new(10.0, 20.0, 80.0, 50.0),
            confidence: 0.75,
            symbology: "]E0".to_owned(),
            error_correction: None,
        };
        let bytes = Barcode {
            format: BarcodeFormat::QrCode,
            text: "\u{fc}".to_owned(),
            bytes: vec![0xfc],
            confidence: 1.0,
            error_correction: Some("M".to_owned()),
            ..text.clone()
        };
        Ok(Arc::new(vec![text, bytes]))
    }
}

fn host_text(page: Page) -> PageText {
    let rect = |rect: ocriva_plugin_sdk::Rect| Rect::new(rect.x0, rect.y0, rect.x1, rect.y1);
    PageText {
        size: PageSize { width: page.width, height: page.height, unit: Unit::Point },
        turn: Turn::None,
        skew_degrees: 0.0,
        source: TextSource::TextLayer,
        words: page
            .words
            .into_iter()
            .map(|word| Word {
                text: word.text,
                bbox: rect(word.bbox),
                confidence: word.confidence,
                line: word.line,
                block: word.block,
            })
            .collect(),
        lines: page
            .lines
            .into_iter()
            .map(|line| Line {
                bbox: rect(line.bbox),
                first_word: line.first_word,
                word_count: line.word_count,
                block: line.block,
            })
            .collect(),
    }
}
