//! A document for measurements: one page that has been read.

use std::sync::Arc;

use async_trait::async_trait;
use ocriva::domain::barcode::Barcode;
use ocriva::domain::geometry::{Rect, Turn};
use ocriva::domain::page::{Line, PageSize, PageText, TextSource, Unit, Word};
use ocriva::domain::raster::Raster;
use ocriva::plugins::{DocumentSource, SourceError};

/// Words of a line.
const LINE_WORDS: u32 = 8;

/// A document of one page that has been read.
pub struct OnePage(Arc<PageText>);

impl OnePage {
    /// A page of so many words, eight in a line.
    pub fn new(word_count: u32) -> Self {
        Self(Arc::new(page(word_count)))
    }
}

#[async_trait]
impl DocumentSource for OnePage {
    fn page_count(&self) -> u32 {
        1
    }

    fn file_name(&self) -> &str {
        "page.pdf"
    }

    fn media_type(&self) -> &str {
        "application/pdf"
    }

    fn page_number(&self, index: u32) -> u32 {
        index + 1
    }

    async fn size(&self, _index: u32) -> Result<PageSize, SourceError> {
        Ok(self.0.size)
    }

    async fn text(&self, _index: u32) -> Result<Arc<PageText>, SourceError> {
        Ok(Arc::clone(&self.0))
    }

    async fn raster(&self, _index: u32) -> Result<Arc<Raster>, SourceError> {
        Ok(Arc::new(Raster { width: 1, height: 1, pixels: vec![0; 3] }))
    }

    async fn recognize(&self, _index: u32, _area: Rect) -> Result<Vec<Word>, SourceError> {
        Ok(Vec::new())
    }

    async fn barcodes(&self, _index: u32) -> Result<Arc<Vec<Barcode>>, SourceError> {
        Ok(Arc::default())
    }
}

fn page(word_count: u32) -> PageText {
    let word = |index| Word {
        text: format!("word{index}"),
        bbox: Rect::new(10.0, 10.0, 60.0, 20.0),
        confidence: 0.9,
        line: index / LINE_WORDS,
        block: 0,
    };
    let line = |index| Line {
        bbox: Rect::new(10.0, 10.0, 500.0, 20.0),
        first_word: index * LINE_WORDS,
        word_count: LINE_WORDS,
        block: 0,
    };
    PageText {
        size: PageSize { width: 595.0, height: 842.0, unit: Unit::Point },
        turn: Turn::None,
        skew_degrees: 0.0,
        source: TextSource::TextLayer,
        words: (0..word_count).map(word).collect(),
        lines: (0..word_count / LINE_WORDS).map(line).collect(),
    }
}
