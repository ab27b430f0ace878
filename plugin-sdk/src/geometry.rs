//! Where words stand from one another on a page. All places are boxes in the page's unit, and a word's own box will do:
//! `page.right_of(&word.bbox)`.
//!
//! ```text
//!                 above
//!        ┌─────────────────────┐
//! left   │ the box asked about │   right_of: in the same row, nearest first
//!        └─────────────────────┘
//!                 below: in the same column, nearest first
//! ```

use crate::page::{Page, Rect, Word};
use crate::reading::Span;
use crate::text;

/// Part of the lower one's height that two boxes of one row share at least.
const ROW_SHARE: f32 = 0.5;

/// Part of the narrower one's width that two boxes of one column share at least.
const COLUMN_SHARE: f32 = 0.3;

impl Rect {
    /// Whether both stand at one height.
    pub fn is_in_row_of(&self, other: &Self) -> bool {
        self.overlap_y(other) > ROW_SHARE * self.height().min(other.height())
    }

    /// Whether one stands above the other.
    pub fn is_in_column_of(&self, other: &Self) -> bool {
        self.overlap_x(other) > COLUMN_SHARE * self.width().min(other.width())
    }

    /// The gap between both, the horizontal and the vertical one together; 0 where they touch.
    pub fn gap(&self, other: &Self) -> f32 {
        (-self.overlap_x(other)).max(0.0) + (-self.overlap_y(other)).max(0.0)
    }

    /// Whether the middle of `other` lies inside.
    pub fn holds(&self, other: &Self) -> bool {
        (self.x0..=self.x1).contains(&other.center_x()) && (self.y0..=self.y1).contains(&other.center_y())
    }
}

impl Page {
    /// The words at the height of a box, from left to right.
    pub fn same_row(&self, bbox: &Rect) -> Vec<&Word> {
        let row = self.words.iter().filter(|word| word.bbox.is_in_row_of(bbox));
        sorted(row, |word| word.bbox.x0)
    }

    /// The words above and below a box, from top to bottom.
    pub fn same_column(&self, bbox: &Rect) -> Vec<&Word> {
        let column = self.words.iter().filter(|word| word.bbox.is_in_column_of(bbox));
        sorted(column, |word| word.bbox.y0)
    }

    /// The words to the right of a box in its row, the nearest first.
    pub fn right_of(&self, bbox: &Rect) -> Vec<&Word> {
        let row = self.same_row(bbox).into_iter();
        row.filter(|word| word.bbox.center_x() > bbox.x1).collect()
    }

    /// The words to the left of a box in its row, the nearest first.
    pub fn left_of(&self, bbox: &Rect) -> Vec<&Word> {
        let row = self.same_row(bbox).into_iter().rev();
        row.filter(|word| word.bbox.center_x() < bbox.x0).collect()
    }

    /// The words below a box in its column, the nearest first.
    pub fn below(&self, bbox: &Rect) -> Vec<&Word> {
        let column = self.same_column(bbox).into_iter();
        column.filter(|word| word.bbox.center_y() > bbox.y1).collect()
    }

    /// The words above a box in its column, the nearest first.
    pub fn above(&self, bbox: &Rect) -> Vec<&Word> {
        let column = self.same_column(bbox).into_iter().rev();
        column.filter(|word| word.bbox.center_y() < bbox.y0).collect()
    }

    /// The words whose middle lies in a box, in reading order.
    pub fn within(&self, bbox: &Rect) -> Vec<&Word> {
        self.words.iter().filter(|word| bbox.holds(&word.bbox)).collect()
    }

    /// The word nearest to a box among those `wanted` accepts. The box's own words have no gap to it: leave them out by
    /// `wanted`.
    pub fn nearest(&self, bbox: &Rect, wanted: impl Fn(&Word) -> bool) -> Option<&Word> {
        let words = self.words.iter().filter(|word| wanted(word));
        words.min_by(|left, right| left.bbox.gap(bbox).total_cmp(&right.bbox.gap(bbox)))
    }

    /// The places where a phrase stands, whatever its case, accents and punctuation, in reading order; each within one
    /// line.
    pub fn find(&self, phrase: &str) -> Vec<Span> {
        let wanted = text::compact(phrase);
        if wanted.is_empty() {
            return Vec::new();
        }
        let mut found = Vec::new();
        for line in &self.lines {
            let first = line.first_word as usize;
            let words = self.words.get(first..first + line.word_count as usize).unwrap_or_default();
            for start in 0..words.len() {
                let mut read = String::new();
                for (end, word) in words.iter().enumerate().skip(start) {
                    read += &text::compact(&word.text);
                    if read == wanted {
                        let words: Vec<&Word> = words.iter().take(end + 1).skip(start).collect();
                        found.extend(self.span(&words));
                        break;
                    }
                    // A word of punctuation alone begins nothing.
                    if read.is_empty() || !wanted.starts_with(&read) {
                        break;
                    }
                }
            }
        }
        found
    }

    /// Words of this page as one piece of text, such as a [`Field`](crate::Field) is made of; `None` for no words.
    pub fn span(&self, words: &[&Word]) -> Option<Span> {
        let bbox = words.iter().map(|word| word.bbox).reduce(|left, right| left.union(&right))?;
        let texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
        Some(Span {
            page: self.number,
            bbox,
            text: texts.join(" "),
            confidence: words.iter().map(|word| word.confidence).fold(1.0, f32::min),
            source: self.source.clone(),
        })
    }
}

fn sorted<'w>(words: impl Iterator<Item = &'w Word>, place: impl Fn(&Word) -> f32) -> Vec<&'w Word> {
    let mut words: Vec<&Word> = words.collect();
    words.sort_by(|left, right| place(left).total_cmp(&place(right)));
    words
}

#[cfg(test)]
mod tests {
    use crate::fixture::Fixture;
    use crate::page::{Page, Word};

    fn page() -> Page {
        let text = "Order no.   Date         Total\n4711        2026-03-14   12.50\n\nTotal due:  12.50";
        Fixture::from_text(text).pages.remove(0)
    }

    fn texts(words: Vec<&Word>) -> Vec<&str> {
        words.into_iter().map(|word| word.text.as_str()).collect()
    }

    #[test]
    fn words_are_found_by_where_they_stand() {
        let page = page();
        let date = page.find("date")[0].bbox;
        assert_eq!(texts(page.same_row(&date)), ["Order", "no.", "Date", "Total"]);
        assert_eq!(texts(page.right_of(&date)), ["Total"]);
        assert_eq!(texts(page.left_of(&date)), ["no.", "Order"]);
        assert_eq!(texts(page.below(&date)), ["2026-03-14", "12.50"]);
        let last = page.words.last().expect("there are words");
        assert_eq!(texts(page.above(&last.bbox)), ["2026-03-14", "Date"]);
        assert_eq!(texts(page.within(&page.lines[2].bbox)), ["Total", "due:", "12.50"]);
    }

    #[test]
    fn the_nearest_is_the_one_with_the_least_gap() {
        let page = page();
        let due = page.find("total due")[0].bbox;
        let amount = page.nearest(&due, |word| word.text.contains('.') && !word.text.ends_with('.'));
        assert_eq!(amount.map(|word| word.bbox), page.words.last().map(|word| word.bbox));
    }

    #[test]
    fn a_phrase_is_found_whatever_its_case_and_punctuation() {
        let page = page();
        let found: Vec<String> = page.find("ORDER NO").into_iter().map(|span| span.text).collect();
        assert_eq!(found, ["Order no."]);
        assert_eq!(page.find("total").len(), 2);
        assert!(page.find("ord").is_empty(), "part of a word is no phrase");
        assert!(page.find(" : ").is_empty());
    }
}
