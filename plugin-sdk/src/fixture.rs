//! A document for native tests.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::barcodes::Barcode;
use crate::document::Document;
use crate::extractor::{Extractor, Failure};
use crate::http::Response;
use crate::llm::Answer;
use crate::lookup::Tables;
use crate::output::Output;
use crate::page::{Line, Page, Rect, Word};
use crate::surroundings::Surroundings;

/// Width of a character in [`Fixture::from_text`], in points.
const CHARACTER_WIDTH: f32 = 6.0;

/// Height of the text in [`Fixture::from_text`].
const TEXT_HEIGHT: f32 = 10.0;

/// Distance of two lines in [`Fixture::from_text`].
const LINE_HEIGHT: f32 = 14.0;

/// Margin around the text in [`Fixture::from_text`].
const MARGIN: f32 = 36.0;

/// Why a fixture could not be made.
#[derive(Debug, thiserror::Error)]
#[error("result cannot be read as a fixture")]
pub struct FixtureError(#[from] serde_json::Error);

/// A document that a test makes up, or that was captured from a real one.
#[derive(Debug, Clone, PartialEq)]
pub struct Fixture {
    /// Its pages, at least one.
    pub pages: Vec<Page>,
    /// Its reference files, by name.
    pub(crate) tables: Tables,
    /// The bar codes of its pages, by index.
    pub(crate) barcodes: BTreeMap<u32, Vec<Barcode>>,
    /// What stands for the powers that it is granted.
    pub(crate) surroundings: Surroundings,
}

impl Fixture {
    /// A document of these pages.
    pub fn from_pages(pages: Vec<Page>) -> Self {
        Self {
            pages,
            tables: Tables::new(),
            barcodes: BTreeMap::new(),
            surroundings: Surroundings::default(),
        }
    }

    /// Adds a reference file, whose rows all have the same columns.
    #[must_use]
    pub fn with_table(mut self, name: &str, rows: Vec<Map<String, Value>>) -> Self {
        self.tables.insert(name.to_owned(), rows);
        self
    }

    /// Puts a bar code on a page, `index` from 0.
    #[must_use]
    pub fn with_barcode(mut self, index: u32, code: Barcode) -> Self {
        self.barcodes.entry(index).or_default().push(code);
        self
    }

    /// Lets the clock stand still at this time: milliseconds since 1970.
    #[must_use]
    pub fn with_clock(mut self, now_ms: f64) -> Self {
        self.surroundings.now_ms = now_ms;
        self
    }

    /// Puts a value where the extractor keeps its own.
    #[must_use]
    pub fn with_value(self, key: &str, value: &[u8]) -> Self {
        self.surroundings.values.borrow_mut().insert(key.to_owned(), value.to_vec());
        self
    }

    /// Prepares the answer to each request for an address.
    #[must_use]
    pub fn with_response(mut self, url: &str, response: Response) -> Self {
        self.surroundings.responses.insert(url.to_owned(), response);
        self
    }

    /// Prepares the language model's next answer.
    #[must_use]
    pub fn with_completion(self, content: &str) -> Self {
        let answer = Answer {
            content: content.to_owned(),
            finish_reason: Some("stop".to_owned()),
            ..Answer::default()
        };
        self.surroundings.completions.borrow_mut().push_back(answer);
        self
    }

    /// A one-page document set in a fixed-width font: each row of `text` is a line, and each character's column is
    /// its place, so that columns align as they are written. An empty row starts a new block.
    pub fn from_text(text: &str) -> Self {
        Self::from_pages(vec![typeset(text)])
    }

    /// A document of several pages, each set as [`Fixture::from_text`] does it.
    pub fn from_texts(texts: &[&str]) -> Self {
        let pages = (1..).zip(texts).map(|(number, text)| Page { number, ..typeset(text) });
        Self::from_pages(pages.collect())
    }

    /// A document from a result, as `ocriva extract --format json` prints it for one file: its `pages` with their
    /// words. The way to take a real document into a test.
    ///
    /// # Errors
    /// Not a result in JSON.
    pub fn from_result(json: &str) -> Result<Self, FixtureError> {
        let captured: Captured = serde_json::from_str(json)?;
        Ok(Self::from_pages(captured.pages.into_iter().map(Page::from).collect()))
    }

    /// The document that an extractor is given.
    pub fn document(&self) -> Document<'_> {
        Document::from_fixture(self)
    }

    /// Runs an extractor as the host does: `request` is parsed, the answer made JSON and read again.
    ///
    /// # Errors
    /// A request that does not fit, or the extractor's own failure.
    pub fn extract<E: Extractor>(&self, request: Value) -> Result<Output, Failure> {
        let request = serde_json::from_value(request)
            .map_err(|error| Failure::new("bad_request", format!("request does not fit: {error}")))?;
        let output = E::extract(&self.document(), request)?;
        serde_json::to_string(&output)
            .and_then(|json| serde_json::from_str(&json))
            .map_err(|error| Failure::new("bad_output", error.to_string()))
    }
}

fn typeset(text: &str) -> Page {
    let rows: Vec<Vec<char>> = text.lines().map(|row| row.chars().collect()).collect();
    let longest = rows.iter().map(Vec::len).max().unwrap_or_default();
    let mut page = Page {
        number: 1,
        width: 2.0 * MARGIN + longest as f32 * CHARACTER_WIDTH,
        height: 2.0 * MARGIN + rows.len() as f32 * LINE_HEIGHT,
        source: "text_layer".to_owned(),
        words: Vec::new(),
        lines: Vec::new(),
    };
    let mut block = 0;
    for (row_index, row) in rows.iter().enumerate() {
        let y0 = MARGIN + row_index as f32 * LINE_HEIGHT;
        let first_word = page.words.len();
        let line = page.lines.len() as u32;
        let mut column = 0;
        for piece in row.split(|character| character.is_whitespace()) {
            if !piece.is_empty() {
                let x0 = MARGIN + column as f32 * CHARACTER_WIDTH;
                page.words.push(Word {
                    text: piece.iter().collect(),
                    bbox: Rect {
                        x0,
                        y0,
                        x1: x0 + piece.len() as f32 * CHARACTER_WIDTH,
                        y1: y0 + TEXT_HEIGHT,
                    },
                    confidence: 1.0,
                    line,
                    block,
                });
            }
            column += piece.len() + 1;
        }
        let words = &page.words[first_word..];
        match (words.first(), words.last()) {
            (Some(first), Some(last)) => page.lines.push(Line {
                bbox: Rect { x1: last.bbox.x1, ..first.bbox },
                first_word: first_word as u32,
                word_count: words.len() as u32,
                block,
            }),
            _ => block += 1,
        }
    }
    page
}

/// The part of a result that says what is on the pages.
#[derive(Deserialize)]
struct Captured {
    pages: Vec<CapturedPage>,
}

#[derive(Deserialize)]
struct CapturedPage {
    page: u32,
    width: f32,
    height: f32,
    source: String,
    lines: Vec<CapturedLine>,
}

#[derive(Deserialize)]
struct CapturedLine {
    #[serde(rename = "box")]
    bbox: Rect,
    block: u32,
    words: Vec<CapturedWord>,
}

#[derive(Deserialize)]
struct CapturedWord {
    text: String,
    #[serde(rename = "box")]
    bbox: Rect,
    confidence: f32,
}

impl From<CapturedPage> for Page {
    fn from(captured: CapturedPage) -> Self {
        let mut words = Vec::new();
        let mut lines = Vec::new();
        for (line, CapturedLine { bbox, block, words: in_line }) in (0..).zip(captured.lines) {
            lines.push(Line {
                bbox,
                first_word: words.len() as u32,
                word_count: in_line.len() as u32,
                block,
            });
            words.extend(in_line.into_iter().map(|CapturedWord { text, bbox, confidence }| Word {
                text,
                bbox,
                confidence,
                line,
                block,
            }));
        }
        Self {
            number: captured.page,
            width: captured.width,
            height: captured.height,
            source: captured.source,
            words,
            lines,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_stand_in_their_columns_and_empty_rows_part_blocks() {
        let fixture = Fixture::from_text("Bread  2.40\nMilk   1.10\n\nTOTAL  3.50");
        let page = &fixture.pages[0];
        let texts: Vec<&str> = page.words.iter().map(|word| word.text.as_str()).collect();
        assert_eq!(texts, ["Bread", "2.40", "Milk", "1.10", "TOTAL", "3.50"]);
        let amounts: Vec<f32> = [1, 3, 5].map(|index: usize| page.words[index].bbox.x0).to_vec();
        assert_eq!(amounts, [78.0; 3]);
        assert_eq!(page.lines.iter().map(|line| line.block).collect::<Vec<_>>(), [0, 0, 1]);
        assert_eq!(page.lines[2].first_word, 4);
    }

    #[test]
    fn a_result_becomes_the_document_it_was_read_from() {
        let json = r#"{"file": "a.png", "status": "completed", "pages": [{
            "page": 3, "width": 100, "height": 50, "unit": "px", "rotation": 0, "skew": 0, "source": "ocr",
            "lines": [{ "text": "Total 7", "box": [1, 2, 30, 9], "confidence": 0.9, "block": 0, "words": [
                { "text": "Total", "box": [1, 2, 20, 9], "confidence": 0.95 },
                { "text": "7", "box": [25, 2, 30, 9], "confidence": 0.85 }
            ] }]
        }]}"#;
        let fixture = Fixture::from_result(json).unwrap();
        let page = fixture.document().page(0).unwrap();
        assert_eq!((page.number, page.source.as_str()), (3, "ocr"));
        assert_eq!(
            page.words[1],
            Word {
                text: "7".to_owned(),
                bbox: Rect { x0: 25.0, y0: 2.0, x1: 30.0, y1: 9.0 },
                confidence: 0.85,
                line: 0,
                block: 0,
            }
        );
        assert_eq!(page.lines[0].word_count, 2);
    }

    #[test]
    fn a_page_that_does_not_exist_is_a_failure_as_it_is_on_the_server() {
        let fixture = Fixture::from_text("one page");
        assert_eq!(fixture.document().page(1).unwrap_err().code, "decode.no_such_page");
    }
}
