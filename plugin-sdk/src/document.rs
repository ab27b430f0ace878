//! The document as an extractor sees it.

use crate::barcodes::{self, Barcode};
use crate::bindings::ocriva::extract::{document as host, types};
use crate::extractor::Failure;
use crate::fixture::Fixture;
use crate::lookup::{self, Match, Query, ReferenceTable};
use crate::page::{Line, Page, Rect, Word};
use crate::surroundings::Surroundings;

/// Words or lines fetched by one call: bounds what the host has to build at once.
const CHUNK: u32 = 8192;

/// Pixels' bytes fetched by one call.
const PICTURE_CHUNK: u32 = 1 << 20;

/// One document. Pages are read when they are asked for, and at most once: a plugin that only looks at the first
/// page does not wait for the others.
pub struct Document<'a> {
    source: Source<'a>,
}

enum Source<'a> {
    Host(&'a host::Doc),
    Fixture(&'a Fixture),
}

/// A part of a page as a picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// `width * height * 3` bytes of 8-bit RGB, row by row.
    pub pixels: Vec<u8>,
}

impl<'a> Document<'a> {
    pub(crate) fn from_host(document: &'a host::Doc) -> Self {
        Self { source: Source::Host(document) }
    }

    pub(crate) fn from_fixture(fixture: &'a Fixture) -> Self {
        Self { source: Source::Fixture(fixture) }
    }

    /// What stands for the host's powers in a test; `None` where they are the host's.
    pub(crate) fn surroundings(&self) -> Option<&'a Surroundings> {
        match self.source {
            Source::Host(_) => None,
            Source::Fixture(fixture) => Some(&fixture.surroundings),
        }
    }

    /// Number of pages, at least 1.
    pub fn page_count(&self) -> u32 {
        match self.source {
            Source::Host(document) => document.page_count(),
            Source::Fixture(fixture) => u32::try_from(fixture.pages.len()).unwrap_or(u32::MAX),
        }
    }

    /// A page with its words and lines, `index` from 0. Each call copies the page: keep it.
    ///
    /// # Errors
    /// No such page, or a page that cannot be read.
    pub fn page(&self, index: u32) -> Result<Page, Failure> {
        match self.source {
            Source::Host(document) => fetch_page(&document.page(index)?),
            Source::Fixture(fixture) => fixture_page(fixture, index).cloned(),
        }
    }

    /// All pages, in order: what most extractors begin with. Each page of a scan is recognised for it.
    ///
    /// # Errors
    /// A page that cannot be read.
    pub fn pages(&self) -> Result<Vec<Page>, Failure> {
        (0..self.page_count()).map(|index| self.page(index)).collect()
    }

    /// Width and height of a page in its unit, without reading its words where that can be avoided.
    ///
    /// # Errors
    /// No such page, or a page that cannot be decoded.
    pub fn page_size(&self, index: u32) -> Result<(f32, f32), Failure> {
        match self.source {
            Source::Host(document) => Ok(document.page(index)?.size()?),
            Source::Fixture(fixture) => fixture_page(fixture, index).map(|page| (page.width, page.height)),
        }
    }

    /// The number of a page in its file, from 1: not `index + 1` where only some pages are to be read.
    ///
    /// # Errors
    /// No such page.
    pub fn page_number(&self, index: u32) -> Result<u32, Failure> {
        match self.source {
            Source::Host(document) => Ok(document.page(index)?.number()),
            Source::Fixture(fixture) => fixture_page(fixture, index).map(|page| page.number),
        }
    }

    /// The bar codes of a page, from top to bottom. A fixture has those that `Fixture::with_barcode` gave it.
    ///
    /// # Errors
    /// No such page, or a page that cannot be read.
    pub fn barcodes(&self, index: u32) -> Result<Vec<Barcode>, Failure> {
        match self.source {
            Source::Host(document) => barcodes::of_page(&document.page(index)?),
            Source::Fixture(fixture) => {
                fixture_page(fixture, index)?;
                Ok(fixture.barcodes.get(&index).cloned().unwrap_or_default())
            }
        }
    }

    /// The words of a part of a page by OCR, whatever text the page has of its own; at most `cap`. A fixture gives
    /// its words in `area`.
    ///
    /// # Errors
    /// No such page, a page that cannot be read, or more calls than one extraction may make.
    pub fn recognize(&self, index: u32, area: Rect, cap: u32) -> Result<Vec<Word>, Failure> {
        match self.source {
            Source::Host(document) => {
                let words = document.page(index)?.image()?.crop(area.into())?.recognize(cap)?;
                Ok(words.into_iter().map(Word::from).collect())
            }
            Source::Fixture(fixture) => {
                let page = fixture_page(fixture, index)?;
                let inside = page.words.iter().filter(|word| middle_is_in(&area, &word.bbox));
                Ok(inside.take(cap as usize).cloned().collect())
            }
        }
    }

    /// The template's reference files.
    pub fn reference_tables(&self) -> Vec<ReferenceTable> {
        match self.source {
            Source::Host(_) => lookup::host_tables(),
            Source::Fixture(fixture) => lookup::fixture_tables(&fixture.tables),
        }
    }

    /// Rows of a reference file, the best first.
    ///
    /// # Errors
    /// No such file or column, or more calls than one extraction may make.
    pub fn look_up(&self, query: &Query) -> Result<Vec<Match>, Failure> {
        match self.source {
            Source::Host(_) => lookup::host_find(query),
            Source::Fixture(fixture) => lookup::fixture_find(&fixture.tables, query),
        }
    }

    /// A part of a page as a picture. Pixels are expensive to move: ask for small parts. A fixture has none and
    /// fails with the code `no_picture`.
    ///
    /// # Errors
    /// No such page, a page that cannot be decoded, or a fixture.
    pub fn picture(&self, index: u32, area: Rect) -> Result<Picture, Failure> {
        let Source::Host(document) = self.source else {
            return Err(Failure::new("no_picture", "a fixture has no pictures"));
        };
        let part = document.page(index)?.image()?.crop(area.into())?;
        let (width, height) = part.size();
        let mut pixels = Vec::new();
        loop {
            let chunk = part.read(u32::try_from(pixels.len()).unwrap_or(u32::MAX), PICTURE_CHUNK);
            if chunk.is_empty() {
                return Ok(Picture { width, height, pixels });
            }
            pixels.extend_from_slice(&chunk);
        }
    }
}

fn fixture_page(fixture: &Fixture, index: u32) -> Result<&Page, Failure> {
    fixture.pages.get(index as usize).ok_or_else(|| {
        let message = format!("document has {} pages, index {index} does not exist", fixture.pages.len());
        Failure::new("decode.no_such_page", message)
    })
}

fn middle_is_in(area: &Rect, bbox: &Rect) -> bool {
    let (x, y) = ((bbox.x0 + bbox.x1) / 2.0, (bbox.y0 + bbox.y1) / 2.0);
    (area.x0..=area.x1).contains(&x) && (area.y0..=area.y1).contains(&y)
}

fn fetch_page(page: &host::Page) -> Result<Page, Failure> {
    let (width, height) = page.size()?;
    let words = page.words()?;
    Ok(Page {
        number: page.number(),
        width,
        height,
        source: words.source(),
        words: fetch_words(&words),
        lines: fetch_lines(&words),
    })
}

fn fetch_words(from: &host::Words) -> Vec<Word> {
    let count = from.count();
    let mut words = Vec::with_capacity(count as usize);
    for start in (0..count).step_by(CHUNK as usize) {
        let columns = from.columns(start, CHUNK);
        let (boxes, _) = columns.boxes.as_chunks::<4>();
        let placed = boxes.iter().zip(&columns.confidences).zip(columns.lines.iter().zip(&columns.blocks));
        words.extend(columns.text.split('\n').zip(placed).map(
            |(text, ((bbox, confidence), (line, block)))| Word {
                text: text.to_owned(),
                bbox: Rect::from(*bbox),
                confidence: *confidence,
                line: *line,
                block: *block,
            },
        ));
    }
    words
}

fn fetch_lines(from: &host::Words) -> Vec<Line> {
    let count = from.line_count();
    let mut lines = Vec::with_capacity(count as usize);
    for start in (0..count).step_by(CHUNK as usize) {
        lines.extend(from.lines(start, CHUNK).into_iter().map(|line| Line {
            bbox: line.bbox.into(),
            first_word: line.first_word,
            word_count: line.word_count,
            block: line.block,
        }));
    }
    lines
}

impl From<Rect> for types::Rect {
    fn from(Rect { x0, y0, x1, y1 }: Rect) -> Self {
        Self { x0, y0, x1, y1 }
    }
}

impl From<types::Rect> for Rect {
    fn from(types::Rect { x0, y0, x1, y1 }: types::Rect) -> Self {
        Self { x0, y0, x1, y1 }
    }
}

impl From<types::Word> for Word {
    fn from(types::Word { text, bbox, confidence, line, block }: types::Word) -> Self {
        Self { text, bbox: bbox.into(), confidence, line, block }
    }
}
