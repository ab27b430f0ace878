//! Puts the segments of a page into lines, blocks and reading order.
//!
//! A recursive cut along white space (after Nagy and Seth's XY-cut) with one asymmetry: pieces that stand side by side
//! are one row, as on receipts, forms and in tables, unless both sides of a gutter read like running text. Only then
//! are they columns, read one after the other.

mod addresses;
mod columns;
mod rows;

use self::columns::Pieces;
use self::rows::Row;
use super::geometry::Rect;
use super::page::{Line, PageSize, Segment, Word};

/// White space between rows, in line heights, from which on a new block begins.
const BLOCK_GAP: f32 = 0.7;

/// White space between rows, in usual gaps of the neighbourhood, from which on a new block begins: text with wide
/// leading is not all blocks of one line.
const BLOCK_GAP_RATIO: f32 = 1.6;

/// Height of a segment in its widths from which on it is text that runs along a side of the page.
const SIDEWAYS_RATIO: f32 = 2.5;

/// Words and lines in reading order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Arranged {
    /// Words in reading order.
    pub words: Vec<Word>,
    /// Lines in reading order; their words are consecutive.
    pub lines: Vec<Line>,
}

/// Arranges segments: pieces of one row become one line ("rows stay rows"), and text columns are read one after
/// the other ("columns stay columns"). Text that runs up or down a side of the page comes last, each piece a block of
/// its own. Time grows a little faster than linearly in the number of segments.
pub fn arrange(segments: Vec<Segment>, size: PageSize) -> Arranged {
    let (sideways, upright): (Vec<Segment>, Vec<Segment>) =
        segments.into_iter().filter(|segment| !segment.words.is_empty()).partition(is_sideways);
    let line_height = usual_height(&upright, size);
    let pieces = Pieces::of(upright, line_height);
    let boxes: Vec<Rect> = pieces.segments.iter().map(|segment| segment.bbox).collect();
    let mut blocks: Vec<Vec<Row>> = Vec::new();
    for region in columns::regions(&pieces, &boxes, line_height) {
        split_at_gaps(rows::rows(&boxes, &region, line_height), line_height, &mut blocks);
    }
    let mut writer = Writer::new(pieces.segments);
    for block in blocks {
        writer.block();
        for row in block {
            writer.line(&row.items);
        }
    }
    let mut writer = Writer { segments: sideways.into_iter().map(Some).collect(), ..writer };
    for index in 0..writer.segments.len() {
        writer.block();
        writer.line(&[index]);
    }
    writer.arranged
}

/// Whether a segment of several letters stands on its side.
fn is_sideways(segment: &Segment) -> bool {
    segment.bbox.height() > SIDEWAYS_RATIO * segment.bbox.width()
        && segment.words.iter().map(|word| word.text.chars().count()).sum::<usize>() > 2
}

/// The median height of the segments; where there are none, of a line of print on a page of this size.
fn usual_height(segments: &[Segment], size: PageSize) -> f32 {
    let mut heights: Vec<f32> = segments.iter().map(|segment| segment.bbox.height()).collect();
    let middle = heights.len() / 2;
    if heights.is_empty() {
        return (size.height / 80.0).max(1.0);
    }
    let (_, median, _) = heights.select_nth_unstable_by(middle, f32::total_cmp);
    // Boxes without height must not make every distance look wide.
    median.max(size.height.max(size.width) / 2000.0)
}

/// Splits rows into blocks where the white space between them is wide.
fn split_at_gaps(rows: Vec<Row>, line_height: f32, blocks: &mut Vec<Vec<Row>>) {
    let mut gaps: Vec<f32> = rows
        .windows(2)
        .map(|pair| (pair[1].bbox.y0 - pair[0].bbox.y1).max(0.0))
        .filter(|gap| *gap < 3.0 * line_height)
        .collect();
    // Two gaps say nothing about what is usual.
    let usual = match gaps.len() {
        0..=2 => 0.0,
        count => *gaps.select_nth_unstable_by(count / 2, f32::total_cmp).1,
    };
    let widest = (BLOCK_GAP * line_height).max(BLOCK_GAP_RATIO * usual);
    let mut block: Vec<Row> = Vec::new();
    for row in rows {
        if block.last().is_some_and(|last| row.bbox.y0 - last.bbox.y1 > widest) {
            blocks.push(std::mem::take(&mut block));
        }
        block.push(row);
    }
    if !block.is_empty() {
        blocks.push(block);
    }
}

/// Writes words and lines in reading order.
struct Writer {
    segments: Vec<Option<Segment>>,
    blocks: u32,
    arranged: Arranged,
}

impl Writer {
    fn new(segments: Vec<Segment>) -> Self {
        Self { segments: segments.into_iter().map(Some).collect(), blocks: 0, arranged: Arranged::default() }
    }

    /// Begins a block.
    fn block(&mut self) {
        self.blocks += 1;
    }

    /// Writes a line made of segments that stand side by side, from left to right.
    fn line(&mut self, items: &[usize]) {
        let mut pieces: Vec<Segment> =
            items.iter().filter_map(|&item| self.segments.get_mut(item).and_then(Option::take)).collect();
        let letters = pieces.iter().flat_map(|piece| &piece.words).flat_map(|word| word.text.chars());
        if is_right_to_left(letters) {
            pieces.reverse();
        }
        let Some(bbox) = pieces.iter().map(|piece| piece.bbox).reduce(|bbox, piece| bbox.union(&piece))
        else {
            return;
        };
        let (line, block) = (self.arranged.lines.len() as u32, self.blocks.saturating_sub(1));
        let first_word = self.arranged.words.len() as u32;
        let words = pieces.into_iter().flat_map(|piece| piece.words);
        self.arranged.words.extend(words.map(|word| Word {
            text: word.text,
            bbox: word.bbox,
            confidence: word.confidence,
            line,
            block,
        }));
        let word_count = self.arranged.words.len() as u32 - first_word;
        self.arranged.lines.push(Line { bbox, first_word, word_count, block });
    }
}

/// Whether most letters are of a script that runs from right to left: Hebrew, Arabic and their neighbours.
pub fn is_right_to_left(text: impl Iterator<Item = char>) -> bool {
    let (mut right_to_left, mut left_to_right) = (0_u32, 0_u32);
    for character in text {
        match character {
            // Arabic digits run from left to right.
            '\u{660}'..='\u{669}' | '\u{6f0}'..='\u{6f9}' => {}
            '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{feff}' => right_to_left += 1,
            _ if character.is_alphabetic() => left_to_right += 1,
            _ => {}
        }
    }
    right_to_left > left_to_right
}

#[cfg(test)]
mod tests;
