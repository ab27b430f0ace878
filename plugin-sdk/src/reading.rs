//! A document as rows and segments, with the questions extractors ask: what stands right of, below, nearest.
//!
//! A row is everything at one height of a page, from left to right across columns. A segment is a run of words of
//! one row with ordinary spaces between them: a table cell, a label, a value, a line of prose. Both come from
//! geometry alone, so that they are the same for pages with a text layer and for recognised ones.

use std::ops::Range;

use crate::page::{Page, Rect, Word};
use crate::values::manner::Manner;

/// A gap wider than this many text heights separates two segments; spaces between words are a quarter to six
/// tenths of the height, the latter in the fixed-width type of receipts.
const SEGMENT_GAP: f32 = 0.85;

/// In fixed-width type, a gap wider than this many letters separates two segments: recognised words are cut at their ink,
/// which makes one space up to one and a half letters wide, and two spaces more than two.
const FIXED_GAP: f32 = 1.75;

/// Type is of fixed width where half of the words differ less than this from the usual width of a letter; the letters of
/// other type make that a tenth.
const FIXED_SPREAD: f32 = 0.04;

/// How many rows below a label its value may stand.
const ROWS_BELOW: usize = 4;

/// A run of words of one row.
#[derive(Debug, Clone, PartialEq)]
pub struct Segment {
    /// Index of the page.
    pub page: usize,
    /// Index of the row, over the whole document.
    pub row: usize,
    /// Box around the words.
    pub bbox: Rect,
    /// The words joined by single spaces.
    pub text: String,
    words: Vec<PlacedWord>,
}

#[derive(Debug, Clone, PartialEq)]
struct PlacedWord {
    index: usize,
    range: Range<usize>,
}

/// All segments at one height of a page.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Index of the page.
    pub page: usize,
    /// Box around the segments.
    pub bbox: Rect,
    /// Indices of its segments, from left to right.
    pub segments: Range<usize>,
}

/// A piece of text with its place and certainty: what a field's provenance is made of.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    /// Page number, from 1.
    pub page: u32,
    /// Box around the words.
    pub bbox: Rect,
    /// The text as read.
    pub text: String,
    /// The lowest confidence of its words, from 0 to 1.
    pub confidence: f32,
    /// `text_layer`, `ocr` or `barcode`.
    pub source: String,
}

impl Span {
    /// Joins pieces in the order given, with a space between them; the place is on the first one's page.
    pub fn join(spans: &[Span]) -> Option<Span> {
        let (first, others) = spans.split_first()?;
        let mut joined = first.clone();
        for span in others {
            joined.text.push(' ');
            joined.text.push_str(&span.text);
            joined.confidence = joined.confidence.min(span.confidence);
            if span.page == joined.page {
                joined.bbox = joined.bbox.union(&span.bbox);
            }
        }
        Some(joined)
    }
}

/// Part of a segment's text.
#[derive(Debug, Clone, PartialEq)]
pub struct Slot {
    /// Index of the segment.
    pub segment: usize,
    /// Bytes of the segment's text.
    pub range: Range<usize>,
    /// Where it stands from the text it was asked for.
    pub place: Place,
}

/// Where a value stands from its label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// Behind it in the same segment.
    Behind,
    /// In a segment to the right.
    Right,
    /// In a row below, in the same column.
    Below,
}

/// The rows and segments of a document.
#[derive(Debug, Clone)]
pub struct Reading<'a> {
    pages: &'a [Page],
    rows: Vec<Row>,
    segments: Vec<Segment>,
}

impl<'a> Reading<'a> {
    /// Arranges the words of all pages.
    pub fn new(pages: &'a [Page]) -> Self {
        let mut reading = Self { pages, rows: Vec::new(), segments: Vec::new() };
        for (page_index, page) in pages.iter().enumerate() {
            let letter_width = fixed_width(page);
            for row in rows_of(page) {
                reading.push_row(page_index, page, &row, letter_width);
            }
        }
        reading
    }

    /// The pages read.
    pub fn pages(&self) -> &'a [Page] {
        self.pages
    }

    /// Rows from top to bottom, page after page.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// All segments, row after row.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// The segments of a row, from left to right.
    pub fn row_segments(&self, row: usize) -> &[Segment] {
        self.rows.get(row).and_then(|row| self.segments.get(row.segments.clone())).unwrap_or_default()
    }

    /// The segments of a row, from left to right, each behind its index.
    pub fn indexed_row_segments(&self, row: usize) -> impl Iterator<Item = (usize, &Segment)> {
        let first = self.rows.get(row).map_or(0, |row| row.segments.start);
        (first..).zip(self.row_segments(row))
    }

    /// A row's whole text, with one space between segments.
    pub fn row_text(&self, row: usize) -> String {
        let texts: Vec<&str> = self.row_segments(row).iter().map(|segment| segment.text.as_str()).collect();
        texts.join(" ")
    }

    /// How the document writes numbers and dates.
    pub fn manner(&self) -> Manner {
        Manner::infer(self.segments.iter().map(|segment| segment.text.as_str()))
    }

    /// The piece of text at `range` (bytes) of a segment, with the words it touches as its place.
    pub fn span(&self, segment: usize, range: Range<usize>) -> Option<Span> {
        let segment = self.segments.get(segment)?;
        let page = self.pages.get(segment.page)?;
        let text = segment.text.get(range.clone())?.trim();
        let touched =
            segment.words.iter().filter(|word| word.range.start < range.end && range.start < word.range.end);
        let words: Vec<&Word> = touched.filter_map(|word| page.words.get(word.index)).collect();
        let bbox = words.iter().map(|word| word.bbox).reduce(|left, right| left.union(&right))?;
        let confidence = words.iter().map(|word| word.confidence).fold(1.0, f32::min);
        Some(Span { page: page.number, bbox, text: text.to_owned(), confidence, source: page.source.clone() })
    }

    /// The piece of text of a slot.
    pub fn slot_span(&self, slot: &Slot) -> Option<Span> {
        self.span(slot.segment, slot.range.clone())
    }

    /// The text of a slot.
    pub fn slot_text(&self, slot: &Slot) -> &str {
        self.segments
            .get(slot.segment)
            .and_then(|segment| segment.text.get(slot.range.clone()))
            .unwrap_or_default()
    }

    /// A whole segment as a piece of text.
    pub fn segment_span(&self, segment: usize) -> Option<Span> {
        let length = self.segments.get(segment)?.text.len();
        self.span(segment, 0..length)
    }

    /// The places a value of the text at `range` of `segment` may stand, likeliest first: behind it, to its right,
    /// below it in the same column.
    pub fn around(&self, segment: usize, range: Range<usize>) -> Vec<Slot> {
        let Some(label) = self.segments.get(segment) else { return Vec::new() };
        let mut slots = Vec::new();
        if label.text.get(range.end..).is_some_and(|rest| rest.chars().any(char::is_alphanumeric)) {
            slots.push(Slot { segment, range: range.end..label.text.len(), place: Place::Behind });
        }
        slots.extend(self.right_of(segment).map(|index| self.whole(index, Place::Right)));
        let label_box = self.span(segment, range).map_or(label.bbox, |span| span.bbox);
        slots
            .extend(self.below(segment, &label_box).into_iter().map(|index| self.whole(index, Place::Below)));
        slots
    }

    /// Segments to the right in the same row, nearest first.
    pub fn right_of(&self, segment: usize) -> impl Iterator<Item = usize> {
        let end =
            self.segments.get(segment).and_then(|found| self.rows.get(found.row)).map(|row| row.segments.end);
        segment + 1..end.unwrap_or(segment + 1)
    }

    /// Segments of the next rows that share a part of the column of `column` (a box in the segment's row), nearest
    /// first.
    pub fn below(&self, segment: usize, column: &Rect) -> Vec<usize> {
        let Some(start) = self.segments.get(segment) else { return Vec::new() };
        let height = column.height().max(1.0);
        let mut found = Vec::new();
        for row in self.rows.iter().skip(start.row + 1).take(ROWS_BELOW) {
            if row.page != start.page || row.bbox.y0 - column.y1 > height * 5.0 {
                break;
            }
            let mut in_column: Vec<(f32, usize)> = row
                .segments
                .clone()
                .filter_map(|index| self.segments.get(index).map(|found| (index, found)))
                .filter(|(_, found)| {
                    found.bbox.overlap_x(column) > 0.3 * found.bbox.width().min(column.width())
                })
                .map(|(index, found)| ((found.bbox.x0 - column.x0).abs(), index))
                .collect();
            in_column.sort_by(|left, right| left.0.total_cmp(&right.0));
            found.extend(in_column.into_iter().map(|(_, index)| index));
        }
        found
    }

    /// The segment nearest to a box on a page, by the gap between the boxes, among those `wanted` accepts.
    pub fn nearest(&self, page: usize, bbox: &Rect, wanted: impl Fn(&Segment) -> bool) -> Option<usize> {
        let gap = |other: &Rect| (-bbox.overlap_x(other)).max(0.0) + (-bbox.overlap_y(other)).max(0.0);
        let on_page =
            self.segments.iter().enumerate().filter(|(_, segment)| segment.page == page && wanted(segment));
        on_page.min_by(|left, right| gap(&left.1.bbox).total_cmp(&gap(&right.1.bbox))).map(|(index, _)| index)
    }

    fn whole(&self, segment: usize, place: Place) -> Slot {
        let length = self.segments.get(segment).map_or(0, |found| found.text.len());
        Slot { segment, range: 0..length, place }
    }

    fn push_row(&mut self, page_index: usize, page: &Page, row: &[usize], letter_width: Option<f32>) {
        let row_index = self.rows.len();
        let first_segment = self.segments.len();
        let words: Vec<(usize, &Word)> =
            row.iter().filter_map(|&index| Some((index, page.words.get(index)?))).collect();
        let mut heights: Vec<f32> = words.iter().map(|(_, word)| word.bbox.height()).collect();
        heights.sort_by(f32::total_cmp);
        let height = heights.get(heights.len() / 2).copied().unwrap_or(1.0);
        let widest_space = (height * SEGMENT_GAP).max(letter_width.unwrap_or(0.0) * FIXED_GAP);
        let mut last: Option<Segment> = None;
        for (index, word) in words {
            match last.as_mut().filter(|segment| word.bbox.x0 - segment.bbox.x1 <= widest_space) {
                Some(segment) => segment.push(index, word),
                None => {
                    self.segments.extend(last.take());
                    last = Some(Segment::start(page_index, row_index, index, word));
                }
            }
        }
        self.segments.extend(last);
        let added = self.segments.get(first_segment..).unwrap_or_default();
        if let Some(bbox) = added.iter().map(|segment| segment.bbox).reduce(|left, right| left.union(&right))
        {
            self.rows.push(Row { page: page_index, bbox, segments: first_segment..self.segments.len() });
        }
    }
}

/// The width of a letter on a page in fixed-width type, as most receipts are.
fn fixed_width(page: &Page) -> Option<f32> {
    // The ink of one or two letters is not as wide as their share of the line.
    let long = page.words.iter().filter(|word| word.text.chars().count() >= 4);
    let mut widths: Vec<f32> =
        long.map(|word| word.bbox.width() / word.text.chars().count() as f32).collect();
    let usual = median(&mut widths).filter(|usual| *usual > 0.0 && widths.len() >= 5)?;
    let mut spreads: Vec<f32> = widths.iter().map(|width| (width - usual).abs() / usual).collect();
    median(&mut spreads).filter(|spread| *spread < FIXED_SPREAD).map(|_| usual)
}

fn median(values: &mut [f32]) -> Option<f32> {
    values.sort_by(f32::total_cmp);
    values.get(values.len() / 2).copied()
}

impl Segment {
    fn start(page: usize, row: usize, index: usize, word: &Word) -> Self {
        let placed = PlacedWord { index, range: 0..word.text.len() };
        Self { page, row, bbox: word.bbox, text: word.text.clone(), words: vec![placed] }
    }

    fn push(&mut self, index: usize, word: &Word) {
        self.text.push(' ');
        let start = self.text.len();
        self.text.push_str(&word.text);
        self.words.push(PlacedWord { index, range: start..self.text.len() });
        self.bbox = self.bbox.union(&word.bbox);
    }

    /// Number of words.
    pub fn word_count(&self) -> usize {
        self.words.len()
    }

    /// Indices of its words in [`Page::words`], from left to right.
    pub fn word_indices(&self) -> impl Iterator<Item = usize> {
        self.words.iter().map(|word| word.index)
    }

    /// The bytes of each word in [`Segment::text`].
    pub fn word_ranges(&self) -> impl Iterator<Item = Range<usize>> {
        self.words.iter().map(|word| word.range.clone())
    }
}

/// Word indices of each row, top to bottom, each from left to right.
///
/// The page's own lines are the atoms; lines of different columns that stand at one height become one row.
fn rows_of(page: &Page) -> Vec<Vec<usize>> {
    struct Band {
        bbox: Rect,
        lines: Vec<usize>,
    }
    let mut order: Vec<usize> = (0..page.lines.len()).collect();
    order.sort_by(|&left, &right| {
        page.lines[left].bbox.center_y().total_cmp(&page.lines[right].bbox.center_y())
    });
    let mut bands: Vec<Band> = Vec::new();
    for index in order {
        let bbox = page.lines[index].bbox;
        // Only the last bands can be at this height; a line joins a row it mostly shares the height with, unless
        // it would cover a part that the row already has.
        let found = bands.iter_mut().rev().take(4).find(|band| {
            let shared = band.bbox.overlap_y(&bbox) / band.bbox.height().min(bbox.height()).max(0.1);
            let covered = band.lines.iter().any(|&other| {
                let other = page.lines[other].bbox;
                other.overlap_x(&bbox) > 0.2 * other.width().min(bbox.width())
            });
            shared > 0.55 && !covered
        });
        match found {
            Some(band) => {
                band.lines.push(index);
                // The height stays that of the first line: a tall neighbour must not swallow the rows around it.
                band.bbox.x0 = band.bbox.x0.min(bbox.x0);
                band.bbox.x1 = band.bbox.x1.max(bbox.x1);
            }
            None => bands.push(Band { bbox, lines: vec![index] }),
        }
    }
    bands.into_iter().map(|band| words_left_to_right(page, &band.lines)).collect()
}

fn words_left_to_right(page: &Page, lines: &[usize]) -> Vec<usize> {
    let mut words: Vec<usize> = lines
        .iter()
        .filter_map(|&index| page.lines.get(index))
        .flat_map(|line| line.first_word as usize..line.first_word as usize + line.word_count as usize)
        .filter(|&index| page.words.get(index).is_some_and(|word| !word.text.is_empty()))
        .collect();
    words.sort_by(|&left, &right| page.words[left].bbox.x0.total_cmp(&page.words[right].bbox.x0));
    words
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fixture::Fixture;

    #[test]
    fn in_fixed_width_type_a_space_cut_at_the_ink_separates_nothing() {
        let mut lines = Vec::new();
        for (line, text) in ["CORNER MARKET", "WHOLE MILK GALLON", "PAPER TOWEL"].iter().enumerate() {
            let (mut x, y) = (0, line * 20);
            let mut words = Vec::new();
            for word in text.split(' ') {
                // Letters 10 wide, of which 8 are ink and 9 high.
                let end = x + word.len() * 10;
                words.push(json!({"text": word, "box": [x + 1, y, end - 1, y + 9], "confidence": 1.0}));
                x = end + 10;
            }
            lines.push(json!({"box": [0, y, x, y + 9], "block": 0, "words": words}));
        }
        let result = json!({"pages": [
            {"page": 1, "width": 300, "height": 100, "source": "ocr", "lines": lines},
        ]});
        let pages = Fixture::from_result(&result.to_string()).expect("the fixture is a result").pages;
        let reading = Reading::new(&pages);
        let texts: Vec<&str> = reading.segments().iter().map(|segment| segment.text.as_str()).collect();
        assert_eq!(texts, ["CORNER MARKET", "WHOLE MILK GALLON", "PAPER TOWEL"]);
    }

    #[test]
    fn wide_gaps_separate_segments_and_columns_share_a_row() {
        let pages = Fixture::from_text(&["Total HT :   46,68 €", "TVA 20% :   9,34 €"].join("\n")).pages;
        let reading = Reading::new(&pages);
        assert_eq!(reading.rows().len(), 2);
        let texts: Vec<&str> = reading.row_segments(0).iter().map(|segment| segment.text.as_str()).collect();
        assert_eq!(texts, ["Total HT :", "46,68 €"]);
    }

    #[test]
    fn a_value_is_looked_for_behind_right_and_below() {
        let pages =
            Fixture::from_text(&["Invoice No: 12   Date", "             2024-01-02"].join("\n")).pages;
        let reading = Reading::new(&pages);
        let behind = reading.around(0, 0..11);
        assert_eq!(reading.slot_text(&behind[0]), " 12");
        assert_eq!(behind[0].place, Place::Behind);
        let date = reading.around(1, 0..4);
        assert_eq!(reading.slot_text(&date[0]), "2024-01-02");
        assert_eq!(date[0].place, Place::Below);
    }

    #[test]
    fn a_span_has_the_box_of_the_words_it_touches() {
        let pages = Fixture::from_text(&["alpha beta gamma"].join("\n")).pages;
        let reading = Reading::new(&pages);
        let span = reading.span(0, 6..10).expect("the range is inside");
        assert_eq!(span.text, "beta");
        assert_eq!(span.bbox, pages[0].words[1].bbox);
    }
}
