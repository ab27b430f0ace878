//! Pages as text that keeps their layout: a line for each row, and spaces that put columns where they stand.

use ocriva_plugin_sdk::page::Page;
use ocriva_plugin_sdk::reading::Reading;

/// Most characters from the left to the right edge of a page: small print is not worth more spaces.
const PAGE_CHARACTERS: f32 = 160.0;

/// Characters between two segments that stand closer together than the text is wide.
const SEGMENT_SPACES: usize = 2;

/// A gap of this many heights between two rows is an empty line.
const EMPTY_LINE: f32 = 1.2;

/// The rows of a page, from top to bottom.
pub fn lines(page: &Page) -> Vec<String> {
    let reading = Reading::new(std::slice::from_ref(page));
    let width = character_width(page);
    let left = page.words.iter().map(|word| word.bbox.x0).fold(f32::INFINITY, f32::min);
    let mut lines = Vec::new();
    let mut bottom: Option<f32> = None;
    for (index, row) in reading.rows().iter().enumerate() {
        if bottom.is_some_and(|bottom| row.bbox.y0 - bottom > EMPTY_LINE * row.bbox.height()) {
            lines.push(String::new());
        }
        bottom = Some(row.bbox.y1);
        let mut line = String::new();
        let mut written = 0;
        for segment in reading.row_segments(index) {
            // The cast saturates: a box that cannot be is at the left.
            let column = ((segment.bbox.x0 - left) / width).round() as usize;
            let gap = if written == 0 { 0 } else { SEGMENT_SPACES };
            let spaces = column.min(PAGE_CHARACTERS as usize).saturating_sub(written).max(gap);
            line.extend(std::iter::repeat_n(' ', spaces));
            line.push_str(&segment.text);
            written += spaces + segment.text.chars().count();
        }
        lines.push(line);
    }
    lines
}

/// The width of a character, by the middle of all words.
fn character_width(page: &Page) -> f32 {
    let width = |word: &ocriva_plugin_sdk::Word| word.bbox.width() / word.text.chars().count().max(1) as f32;
    let mut widths: Vec<f32> = page.words.iter().map(width).collect();
    widths.sort_by(f32::total_cmp);
    let middle = widths.get(widths.len() / 2).copied().unwrap_or(1.0);
    middle.max(page.width / PAGE_CHARACTERS).max(0.1)
}

#[cfg(test)]
mod tests {
    use ocriva_plugin_sdk::Fixture;

    use super::*;

    #[test]
    fn columns_stay_where_they_are_and_gaps_between_rows_are_empty_lines() {
        let text = "Item          Price\nPaper          3.50\nInk           12.00\n\n\nTotal         15.50";
        let page = Fixture::from_text(text).pages.remove(0);
        assert_eq!(
            lines(&page),
            ["Item          Price", "Paper          3.50", "Ink           12.00", "", "Total         15.50"]
        );
    }

    #[test]
    fn small_print_is_not_torn_apart() {
        let text = format!("a{}b", " ".repeat(1000));
        let page = Fixture::from_text(&text).pages.remove(0);
        assert!(lines(&page)[0].len() < 170);
    }
}
