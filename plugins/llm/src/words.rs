//! The words of a document as one run of letters and digits, in which texts are found whatever their case, accents,
//! punctuation, spaces and line breaks.

use std::ops::Range;

use ocriva_plugin_sdk::page::{Page, Word};
use ocriva_plugin_sdk::reading::{Reading, Span};
use ocriva_plugin_sdk::text;

/// Shorter texts must be whole words.
const PART_LENGTH: usize = 4;

/// Texts of this many letters may differ by one, where a letter was misread; those of twice as many by two.
const FUZZY_LENGTH: usize = 8;

/// Lines of one text stand closer together than this many of their heights.
const LINE_GAP: f32 = 1.5;

/// Most words of a text that is looked for with misread letters.
const FUZZY_WORDS: usize = 12;

/// How well a text fits the place where it was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fit {
    /// So many letters differ.
    Misread(usize),
    /// It is a part of a longer word.
    Part,
    /// It is what stands there.
    Whole,
}

/// The words of all pages.
pub struct Words<'p> {
    /// In reading order.
    pages: Vec<PageWords<'p>>,
    /// Down the columns: an address beside other text is one text here.
    columns: Vec<PageWords<'p>>,
}

struct PageWords<'p> {
    page: &'p Page,
    words: Vec<&'p Word>,
    /// Letters and digits of all words.
    text: String,
    /// Where in `text` each word begins, and its end.
    starts: Vec<usize>,
    /// Where in `text` runs of letters and digits begin and end, which words with a hyphen have several of.
    edges: Vec<usize>,
}

impl<'p> Words<'p> {
    /// Folds the words of pages.
    pub fn new(reading: &Reading<'p>) -> Self {
        let pages: &'p [Page] = reading.pages();
        let mut by_column: Vec<Vec<&'p Word>> = vec![Vec::new(); pages.len()];
        for segment in columns(reading).into_iter().filter_map(|index| reading.segments().get(index)) {
            let (Some(page), Some(words)) = (pages.get(segment.page), by_column.get_mut(segment.page)) else {
                continue;
            };
            words.extend(segment.word_indices().filter_map(|index| page.words.get(index)));
        }
        let columns = pages.iter().zip(by_column).map(|(page, words)| PageWords::new(page, words));
        let pages = pages.iter().map(|page| PageWords::new(page, page.words.iter().collect()));
        Self { pages: pages.collect(), columns: columns.collect() }
    }

    /// The places where a text stands, by the indices of their pages.
    pub fn find(&self, wanted: &str) -> Vec<(usize, Span, Fit)> {
        let needle = text::compact(wanted);
        if needle.is_empty() {
            return Vec::new();
        }
        let found = |pages: &[PageWords<'p>]| -> Vec<(usize, Span, Fit)> {
            let found = pages.iter().enumerate();
            let places = |(index, page): (usize, &PageWords<'p>)| {
                page.find(&needle).into_iter().map(move |(span, fit)| (index, span, fit))
            };
            found.flat_map(places).collect()
        };
        let mut places = found(&self.pages);
        if places.is_empty() {
            places = found(&self.columns);
        }
        // Parts of words count where no whole ones are.
        let best = places.iter().map(|(_, _, fit)| *fit).max();
        places.retain(|(_, _, fit)| Some(*fit) == best);
        places
    }

    /// The place where a text stands with the fewest letters misread; none for a short text.
    pub fn find_misread(&self, wanted: &str) -> Option<(usize, Span, Fit)> {
        let needle: Vec<char> = text::compact(wanted).chars().collect();
        let limit = (needle.len() / FUZZY_LENGTH).min(2);
        if limit == 0 {
            return None;
        }
        let found = self.pages.iter().enumerate().filter_map(|(index, page)| {
            let (span, distance) = page.find_misread(&needle, limit)?;
            Some((index, span, Fit::Misread(distance)))
        });
        found.max_by_key(|(_, _, fit)| match fit {
            Fit::Misread(distance) => limit.saturating_sub(*distance),
            Fit::Part | Fit::Whole => usize::MAX,
        })
    }

    /// All words, with the indices of their pages.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &Word, &'p Page)> {
        let pages = self.pages.iter().enumerate();
        pages.flat_map(|(index, page)| page.page.words.iter().map(move |word| (index, word, page.page)))
    }
}

/// All segments, each followed by the one below it.
fn columns(reading: &Reading) -> Vec<usize> {
    let segments = reading.segments();
    let mut is_taken = vec![false; segments.len()];
    let mut order = Vec::with_capacity(segments.len());
    for first in 0..segments.len() {
        let mut next = Some(first);
        while let Some(index) = next {
            let (Some(segment), Some(taken)) = (segments.get(index), is_taken.get_mut(index)) else { break };
            if std::mem::replace(taken, true) {
                break;
            }
            order.push(index);
            let below = reading.below(index, &segment.bbox).into_iter().next();
            let is_close = |index: &usize| {
                let gap = segments.get(*index).map(|below| below.bbox.y0 - segment.bbox.y1);
                gap.is_some_and(|gap| gap < segment.bbox.height() * LINE_GAP)
            };
            next = below.filter(is_close);
        }
    }
    order
}

impl<'p> PageWords<'p> {
    fn new(page: &'p Page, of_page: Vec<&'p Word>) -> Self {
        let mut words = Self {
            page,
            text: String::new(),
            starts: Vec::with_capacity(of_page.len()),
            edges: Vec::new(),
            words: Vec::new(),
        };
        for word in &of_page {
            words.starts.push(words.text.len());
            let mut is_inside = false;
            for character in word.text.chars() {
                let before = words.text.len();
                words.text.extend(text::fold_char(character));
                let is_letter = words.text.len() > before;
                if is_letter != is_inside {
                    words.edges.push(before);
                }
                is_inside = is_letter;
            }
            words.edges.push(words.text.len());
        }
        words.edges.dedup();
        words.words = of_page;
        words
    }

    fn find(&self, needle: &str) -> Vec<(Span, Fit)> {
        let mut found = Vec::new();
        for (start, _) in self.text.match_indices(needle) {
            let range = start..start + needle.len();
            let is_edge = |place: &usize| self.edges.binary_search(place).is_ok();
            let fit = match is_edge(&range.start) && is_edge(&range.end) {
                true => Fit::Whole,
                false if needle.chars().count() >= PART_LENGTH => Fit::Part,
                false => continue,
            };
            found.extend(self.span(&range).map(|span| (span, fit)));
        }
        found
    }

    /// The words that a range of the text touches.
    fn span(&self, range: &Range<usize>) -> Option<Span> {
        let first = self.starts.partition_point(|start| *start <= range.start).checked_sub(1)?;
        let end = self.starts.partition_point(|start| *start < range.end);
        self.page.span(self.words.get(first..end)?)
    }

    fn find_misread(&self, needle: &[char], limit: usize) -> Option<(Span, usize)> {
        let letters = mask(needle.iter().copied());
        let mut best: Option<(Range<usize>, usize)> = None;
        for (index, start) in self.starts.iter().enumerate() {
            for end in (index + 1..=index + FUZZY_WORDS)
                .map(|next| self.starts.get(next).copied().unwrap_or(self.text.len()))
            {
                let Some(text) = self.text.get(*start..end) else { break };
                let length = text.chars().count();
                if length > needle.len() + limit {
                    break;
                }
                // Each difference changes at most two of the letters that occur.
                let differ = (mask(text.chars()) ^ letters).count_ones() as usize;
                if length + limit < needle.len() || differ > 2 * limit {
                    continue;
                }
                let read: Vec<char> = text.chars().collect();
                let Some(distance) = text::distance_within(needle, &read, limit) else { continue };
                if has_other_digits(needle, &read) {
                    continue;
                }
                if best.as_ref().is_none_or(|(_, least)| distance < *least) {
                    best = Some((*start..end, distance));
                }
            }
        }
        let (range, distance) = best?;
        Some((self.span(&range)?, distance))
    }
}

/// Whether a digit stands where another does: such texts are not misread, but about something else.
fn has_other_digits(left: &[char], right: &[char]) -> bool {
    let is_digit = |character: &char| character.is_ascii_digit();
    if left.len() == right.len() {
        let mut pairs = left.iter().zip(right);
        return pairs.any(|(left, right)| is_digit(left) && is_digit(right) && left != right);
    }
    !left.iter().copied().filter(is_digit).eq(right.iter().copied().filter(is_digit))
}

/// A bit for each letter and digit that occurs.
fn mask(characters: impl Iterator<Item = char>) -> u64 {
    characters.fold(0, |mask, character| mask | 1 << (u32::from(character) % 64))
}

#[cfg(test)]
mod tests {
    use ocriva_plugin_sdk::Fixture;

    use super::*;

    fn found(text: &str, wanted: &str) -> Vec<(String, Fit)> {
        let pages = Fixture::from_text(text).pages;
        let found = Words::new(&Reading::new(&pages)).find(wanted);
        found.into_iter().map(|(_, span, fit)| (span.text, fit)).collect()
    }

    #[test]
    fn a_text_is_found_across_words_and_lines_whatever_its_case_and_punctuation() {
        let text = "BRIGHT  Paper\nLtd.   Mill Road 4";
        assert_eq!(found(text, "Bright Paper Ltd"), [("BRIGHT Paper Ltd.".to_owned(), Fit::Whole)]);
        assert_eq!(found(text, "mill-road 4"), [("Mill Road 4".to_owned(), Fit::Whole)]);
        assert_eq!(found(text, "Mill Road 5"), []);
        let beside = "Mill Road 4      Date: 14 March 2026\nCambridge        Due: at once";
        assert_eq!(
            found(beside, "Mill Road 4, Cambridge"),
            [("Mill Road 4 Cambridge".to_owned(), Fit::Whole)]
        );
    }

    #[test]
    fn whole_words_come_before_parts_and_short_parts_are_none() {
        assert_eq!(found("2026-117 2026", "2026").len(), 2);
        assert_eq!(found("No:INV4711", "4711"), [("No:INV4711".to_owned(), Fit::Part)]);
        assert_eq!(found("No:INV4711", "47"), []);
        assert_eq!(found("nothing", "..."), []);
    }

    #[test]
    fn a_misread_letter_is_forgiven_in_a_long_text() {
        let pages = Fixture::from_text("Bri9ht Paper Ltd\nShort").pages;
        let words = Words::new(&Reading::new(&pages));
        let (_, span, fit) = words.find_misread("Bright Paper Ltd").unwrap();
        assert_eq!((span.text.as_str(), fit), ("Bri9ht Paper Ltd", Fit::Misread(1)));
        assert!(words.find_misread("Shart").is_none());
        assert!(words.find_misread("Bri8ht Paper Ltd").is_none());
        assert!(words.find_misread("Another Company Inc").is_none());
    }
}
