//! Pages made from plain text, for the tests of extractors.

use crate::page::{Line, Page, Rect, Word};

/// Width of a character of the made-up fixed-width type, in page units.
const CHARACTER_WIDTH: f32 = 6.0;
/// Height of a line.
const LINE_HEIGHT: f32 = 10.0;
/// From the top of a line to the next.
const LINE_STEP: f32 = 14.0;

/// A page in fixed-width type: each text is a line, its spaces count, and an empty text is an empty line.
pub fn page(lines: &[&str]) -> Page {
    let columns = lines.iter().map(|line| line.chars().count()).max().unwrap_or(0) as f32;
    let mut page = Page {
        number: 1,
        width: columns * CHARACTER_WIDTH + 40.0,
        height: lines.len() as f32 * LINE_STEP + 40.0,
        source: "text_layer".to_owned(),
        words: Vec::new(),
        lines: Vec::new(),
    };
    for (row, text) in lines.iter().enumerate() {
        push_line(&mut page, row, text);
    }
    page
}

fn push_line(page: &mut Page, row: usize, text: &str) {
    let first_word = page.words.len();
    let top = 20.0 + row as f32 * LINE_STEP;
    let mut column = 0;
    for part in text.split(' ') {
        let length = part.chars().count();
        let left = 20.0 + column as f32 * CHARACTER_WIDTH;
        column += length + 1;
        if length == 0 {
            continue;
        }
        let bbox =
            Rect { x0: left, y0: top, x1: left + length as f32 * CHARACTER_WIDTH, y1: top + LINE_HEIGHT };
        let line = page.lines.len() as u32;
        page.words.push(Word { text: part.to_owned(), bbox, confidence: 1.0, line, block: 0 });
    }
    let words = page.words.get(first_word..).unwrap_or_default();
    if let Some(bbox) = words.iter().map(|word| word.bbox).reduce(|left, right| left.union(&right)) {
        let word_count = words.len() as u32;
        page.lines.push(Line { bbox, first_word: first_word as u32, word_count, block: 0 });
    }
}
