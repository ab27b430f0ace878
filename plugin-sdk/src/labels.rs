//! Finding labels: known phrases in the text of a document, in spite of case, accents, spacing and misread letters.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Range;

use crate::reading::{Place, Reading, Segment, Slot};
use crate::text;
use crate::values::currencies;

/// Phrases shorter than this must be read exactly; "change" and "charge" differ by one letter.
const FUZZY_LENGTH: usize = 7;
/// Phrases from this length on may have two misread letters.
const VERY_FUZZY_LENGTH: usize = 13;
/// In a text layer, phrases shorter than this must be read exactly.
const PRINTED_LENGTH: usize = 10;
/// Letters at either end of a phrase by which misread ones are found.
const EDGE_LETTERS: usize = 3;
/// A label has no more words than this.
const MAX_TOKENS: usize = 9;
/// What may be more than the letters of a phrase: two misread ones and a glued currency.
const LONGEST_ADDITION: usize = 5;
/// Texts whose look-up is remembered: a few megabytes.
const MOST_SEEN: usize = 50_000;
/// Currency codes that recognition glues to the label before them, as in `TOTALRM`.
const GLUED_CURRENCIES: &[&str] = &[
    "rm", "myr", "eur", "euro", "usd", "gbp", "inr", "sgd", "chf", "aud", "cad", "nzd", "hkd", "sek", "nok",
    "dkk", "kr", "pln", "zl", "czk", "kc", "huf", "ft", "ron", "lei", "thb", "idr", "rp",
];

/// Phrases and what each one means.
#[derive(Debug, Clone)]
pub struct Lexicon<C> {
    exact: HashMap<String, usize>,
    phrases: Vec<Phrase<C>>,
    /// Phrases that may be misread, by the letters they start and end with: one of both has to be read right. Prose is
    /// compared from each of its words on.
    by_edge: HashMap<Edge, Vec<Alike>>,
    /// Letters of the longest phrase.
    longest: usize,
    /// What was looked up before: documents repeat their words, and headings are looked for in each row.
    seen: RefCell<Seen>,
}

/// Letters that a phrase starts or ends with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Edge {
    Start([char; EDGE_LETTERS]),
    End([char; EDGE_LETTERS]),
}

/// A phrase that may be misread.
#[derive(Debug, Clone, Copy)]
struct Alike {
    length: usize,
    /// The letters it has: most of what is compared differs in them.
    mask: u64,
    phrase: usize,
}

#[derive(Debug, Clone)]
struct Phrase<C> {
    concept: C,
    /// Single letters, as in "M/s": without a mark between them they are a word of its own.
    is_initials: bool,
    characters: Vec<char>,
}

/// What was looked up before: a phrase and its misread letters, or nothing.
type Seen = HashMap<String, Option<(usize, usize)>>;

/// A phrase of the lexicon found in the document.
#[derive(Debug, Clone, PartialEq)]
pub struct Label<C> {
    /// What it means.
    pub concept: C,
    /// Index of its segment.
    pub segment: usize,
    /// Bytes of the segment's text.
    pub range: Range<usize>,
    /// Number of misread letters.
    pub distance: usize,
    /// Whether it is the first text of its segment, but for a count.
    pub starts_segment: bool,
    /// Whether a colon or the end of the segment follows.
    pub ends_sharply: bool,
}

/// The labels of a document, in reading order.
#[derive(Debug, Clone)]
pub struct Labels<C> {
    labels: Vec<Label<C>>,
}

impl<C: Copy> Lexicon<C> {
    /// Builds a lexicon; where a phrase stands twice, the first meaning counts.
    pub fn new<'a>(entries: impl IntoIterator<Item = (C, &'a str)>) -> Self {
        let mut lexicon = Self {
            exact: HashMap::new(),
            phrases: Vec::new(),
            by_edge: HashMap::new(),
            longest: 0,
            seen: RefCell::default(),
        };
        for (concept, phrase) in entries {
            let compact = text::compact(phrase);
            if compact.is_empty() || lexicon.exact.contains_key(&compact) {
                continue;
            }
            let characters: Vec<char> = compact.chars().collect();
            let length = characters.len();
            lexicon.longest = lexicon.longest.max(length);
            // The sign for "number" is all that makes some of them a label of one: it must be read.
            if length >= FUZZY_LENGTH && characters.last() != Some(&'#') {
                let alike = Alike { length, mask: mask_of(&characters), phrase: lexicon.phrases.len() };
                for edge in edges(&characters) {
                    lexicon.by_edge.entry(edge).or_default().push(alike);
                }
            }
            lexicon.exact.insert(compact, lexicon.phrases.len());
            let is_initials = length > 1
                && phrase.split(|c: char| !c.is_alphanumeric()).all(|part| part.chars().count() == 1);
            lexicon.phrases.push(Phrase { concept, is_initials, characters });
        }
        lexicon
    }

    /// The meaning of a whole text, and the number of misread letters.
    pub fn meaning(&self, text: &str) -> Option<(C, usize)> {
        let (index, distance) = self.lookup(&text::compact(text))?;
        self.phrases.get(index).map(|phrase| (phrase.concept, distance))
    }

    /// Finds the phrases in one text, left to right, the longest first; byte range, meaning, misread letters.
    pub fn find_in(&self, text: &str) -> Vec<(Range<usize>, C, usize)> {
        let tokens = tokens(text);
        let mut found = Vec::new();
        let mut at = 0;
        while at < tokens.len() {
            let rest = tokens.get(at..).unwrap_or_default();
            match self.longest_at(rest) {
                Some((used, range, index, distance)) => {
                    let is_marked = || {
                        text.get(range.clone()).is_some_and(|found| !found.chars().all(char::is_alphanumeric))
                    };
                    let phrase = self.phrases.get(index).filter(|phrase| !phrase.is_initials || is_marked());
                    found.extend(phrase.map(|phrase| (range.clone(), phrase.concept, distance)));
                    at += used;
                }
                None => at += 1,
            }
        }
        found
    }

    /// The best phrase that starts with the first token: tokens used, bytes, phrase, misread letters.
    fn longest_at(&self, tokens: &[Token]) -> Option<(usize, Range<usize>, usize, usize)> {
        let start = tokens.first()?.range.start;
        let first_length = tokens.first()?.text.len();
        let mut gram = String::new();
        let mut best: Option<(usize, usize, Range<usize>, usize, usize)> = None;
        for (count, token) in tokens.iter().take(MAX_TOKENS).enumerate() {
            gram.push_str(&token.text);
            // No phrase has so many letters, even misread and with a currency behind it.
            if gram.chars().count() > self.longest + LONGEST_ADDITION {
                break;
            }
            let direct = self.lookup(&gram);
            let (hit, end) = match direct {
                Some(hit) => (Some(hit), token.range.end),
                None => self
                    .glued(&gram)
                    .map_or((None, 0), |(index, length)| (Some((index, 0)), token.range.end - length)),
            };
            let Some((index, distance)) = hit else { continue };
            // "[x] Paperless" is the phrase exactly, behind something else.
            let behind_first = gram.get(first_length..).unwrap_or_default();
            if distance > 0 && self.exact.contains_key(behind_first) {
                continue;
            }
            let length = self.phrases.get(index)?.characters.len();
            let value = length.saturating_sub(distance * 2);
            if best.as_ref().is_none_or(|(best_value, ..)| value > *best_value) {
                best = Some((value, count + 1, start..end, index, distance));
            }
        }
        best.map(|(_, used, range, index, distance)| (used, range, index, distance))
    }

    /// The phrase that is left when a currency code is cut from the end, and the length of the code.
    fn glued(&self, gram: &str) -> Option<(usize, usize)> {
        GLUED_CURRENCIES.iter().find_map(|code| {
            let phrase = self.exact.get(gram.strip_suffix(code)?)?;
            Some((*phrase, code.len()))
        })
    }

    fn lookup(&self, gram: &str) -> Option<(usize, usize)> {
        if let Some(seen) = self.seen.borrow().get(gram) {
            return *seen;
        }
        let found = self.look_up_anew(gram);
        let mut seen = self.seen.borrow_mut();
        if seen.len() >= MOST_SEEN {
            seen.clear();
        }
        seen.insert(gram.to_owned(), found);
        found
    }

    fn look_up_anew(&self, gram: &str) -> Option<(usize, usize)> {
        if let Some(&index) = self.exact.get(gram) {
            return Some((index, 0));
        }
        let characters: Vec<char> = gram.chars().collect();
        let limit = match characters.len() {
            0..FUZZY_LENGTH => return None,
            FUZZY_LENGTH..VERY_FUZZY_LENGTH => 1,
            _ => 2,
        };
        let mask = mask_of(&characters);
        let lengths = characters.len() - limit..=characters.len() + limit;
        let alike = edges(&characters).into_iter().filter_map(|edge| self.by_edge.get(&edge)).flatten();
        let near = alike.filter(|other| {
            lengths.contains(&other.length) && (other.mask ^ mask).count_ones() as usize <= limit * 2
        });
        let mut best: Option<(usize, usize)> = None;
        for index in near.map(|other| other.phrase) {
            let Some(phrase) = self.phrases.get(index) else { continue };
            let Some(distance) = text::distance_within(&phrase.characters, &characters, limit) else {
                continue;
            };
            if best.is_none_or(|best| (distance, index) < (best.1, best.0)) {
                best = Some((index, distance));
            }
        }
        best
    }
}

impl<C: Copy + PartialEq> Labels<C> {
    /// Finds all labels of a document.
    pub fn find(reading: &Reading, lexicon: &Lexicon<C>) -> Self {
        let mut labels = Vec::new();
        for (index, segment) in reading.segments().iter().enumerate() {
            let page = reading.pages().get(segment.page);
            let is_printed = page.is_some_and(|page| page.source == "text_layer");
            for (range, concept, distance) in lexicon.find_in(&segment.text) {
                // Nothing is misread in a text layer, unless a scanner put it there: "Montant" is no "Contant".
                if is_printed && distance > 0 && range.len() < PRINTED_LENGTH {
                    continue;
                }
                let label = label(segment, index, range, concept, distance);
                let is_set_apart =
                    label.starts_segment || label.ends_sharply || is_before_number(segment, &label.range);
                if is_set_apart && !is_part_of_number(segment, &label.range) {
                    labels.push(label);
                }
            }
        }
        Self { labels }
    }

    /// All labels, in reading order.
    pub fn iter(&self) -> impl Iterator<Item = &Label<C>> {
        self.labels.iter()
    }

    /// The labels with one meaning.
    pub fn of(&self, concept: C) -> impl Iterator<Item = &Label<C>> {
        self.labels.iter().filter(move |label| label.concept == concept)
    }

    /// The labels in one segment, from left to right.
    pub fn in_segment(&self, segment: usize) -> &[Label<C>] {
        let start = self.labels.partition_point(|label| label.segment < segment);
        let end = self.labels.partition_point(|label| label.segment <= segment);
        self.labels.get(start..end).unwrap_or_default()
    }

    /// Whether a segment starts with a label.
    pub fn starts(&self, segment: usize) -> bool {
        self.in_segment(segment).first().is_some_and(|label| label.starts_segment)
    }

    /// Where the value of a label may stand, likeliest first. What another label covers or claims is left out.
    pub fn slots(&self, reading: &Reading, label: &Label<C>) -> Vec<Slot> {
        let mut slots = Vec::new();
        let end = self.joined_end(reading, label);
        let mut is_blocked = self
            .in_segment(label.segment)
            .iter()
            .any(|other| other.range.start >= end && other.concept != label.concept);
        for mut slot in reading.around(label.segment, label.range.start..end) {
            let from = slot.range.start;
            let next = self.in_segment(slot.segment).iter().find(|other| {
                other.range.start >= from && (other.concept != label.concept || slot.place != Place::Behind)
            });
            if let Some(next) = next {
                slot.range.end = slot.range.end.min(next.range.start);
            }
            let has_text = reading.slot_text(&slot).chars().any(char::is_alphanumeric);
            match slot.place {
                Place::Behind if has_text => slots.push(slot),
                Place::Behind => {}
                Place::Right if is_blocked => {}
                Place::Right => {
                    is_blocked = next.is_some();
                    slots.extend(has_text.then_some(slot));
                }
                // Another label below starts a pair of its own.
                Place::Below => slots.extend(has_text.then_some(slot)),
            }
        }
        slots
    }
}

impl<C: Copy + PartialEq> Labels<C> {
    /// The end of the last label that shares its value with this one: `Invoice date / Delivery date 2 May`.
    fn joined_end(&self, reading: &Reading, label: &Label<C>) -> usize {
        let text = reading.segments().get(label.segment).map_or("", |segment| segment.text.as_str());
        self.in_segment(label.segment).iter().fold(label.range.end, |end, next| {
            let between = text.get(end..next.range.start).map(str::trim);
            if between == Some("/") { next.range.end } else { end }
        })
    }
}

/// Whether a number follows: `DATE 01/02/2020`, `TOTAL RM 9.00`. Inside a segment, a phrase with neither a number nor
/// a colon behind it is a part of a sentence or a name.
fn is_before_number(segment: &Segment, range: &Range<usize>) -> bool {
    let after = segment.text.get(range.end..).unwrap_or_default();
    // "POS022881" is a number, not a label with one.
    if after.starts_with(char::is_alphanumeric) {
        return false;
    }
    let after = after.trim_start();
    let word = after.split(' ').next().unwrap_or_default();
    word.starts_with(|c: char| c.is_ascii_digit() || "-+€$£¥₹(#".contains(c))
        || currencies::parse(word).is_some()
}

/// Whether a few letters are the start of a number such as `POS022881`; `CASH10.00` is a label and an amount.
fn is_part_of_number(segment: &Segment, range: &Range<usize>) -> bool {
    let after = segment.text.get(range.end..).unwrap_or_default();
    // "CB-20771" as well, but not "Tel-0123".
    let after = after.strip_prefix(['-', '/']).filter(|_| range.len() <= 2).unwrap_or(after);
    let digits = after.chars().take_while(char::is_ascii_digit).count();
    let is_amount = after.get(digits..).is_some_and(|rest| rest.starts_with(['.', ',', '%']));
    range.len() < 5 && digits > 0 && !is_amount
}

fn label<C>(segment: &Segment, index: usize, range: Range<usize>, concept: C, distance: usize) -> Label<C> {
    let before = segment.text.get(..range.start).unwrap_or_default();
    let after = segment.text.get(range.end..).unwrap_or_default().trim_start_matches([' ', '.', ')']);
    // A count may stand before it: "3 SUB TOTAL".
    let digits = before.chars().filter(char::is_ascii_digit).count();
    let starts_segment = digits <= 2 && !before.chars().any(char::is_alphabetic);
    let ends_sharply = after.is_empty()
        || after.starts_with([':', '：', '#', '='])
        || currencies::parse(after.trim_end_matches([' ', ')', ':'])).is_some();
    Label { concept, segment: index, range, distance, starts_segment, ends_sharply }
}

struct Token {
    text: String,
    range: Range<usize>,
}

/// Runs of letters and runs of digits, folded; digits that recognition put between letters become the letters they
/// look like.
fn tokens(text: &str) -> Vec<Token> {
    #[derive(PartialEq, Clone, Copy)]
    enum Class {
        Letter,
        Digit,
        Sign,
    }
    let characters: Vec<(usize, char)> = text.char_indices().collect();
    let is_letter = |index: Option<usize>| {
        index.and_then(|index| characters.get(index)).is_some_and(|(_, c)| c.is_alphabetic())
    };
    let mut tokens: Vec<Token> = Vec::new();
    let mut last: Option<Class> = None;
    for (index, &(start, original)) in characters.iter().enumerate() {
        let between_letters = is_letter(index.checked_sub(1)) && is_letter(Some(index + 1));
        let c = match original {
            '0' if between_letters => 'o',
            '1' if between_letters => 'l',
            '5' if between_letters => 's',
            other => other,
        };
        let class = match c {
            '#' => Some(Class::Sign),
            c if c.is_ascii_digit() => Some(Class::Digit),
            c if c.is_alphanumeric() || ('\u{e31}'..='\u{e4e}').contains(&c) => Some(Class::Letter),
            _ => None,
        };
        let end = start + original.len_utf8();
        let folded: String = text::fold_char(c).collect();
        match tokens.last_mut().filter(|_| class.is_some() && class == last) {
            Some(token) => {
                token.text.push_str(&folded);
                token.range.end = end;
            }
            None if class.is_some() => tokens.push(Token { text: folded, range: start..end }),
            None => {}
        }
        last = class;
    }
    tokens
}

/// The letters that a phrase of three or more starts and ends with.
fn edges(characters: &[char]) -> Vec<Edge> {
    let start = characters.first_chunk::<EDGE_LETTERS>().map(|letters| Edge::Start(*letters));
    let end = characters.last_chunk::<EDGE_LETTERS>().map(|letters| Edge::End(*letters));
    start.into_iter().chain(end).collect()
}

/// A bit for each letter and digit that occurs: texts within `n` edits differ in at most `2 n` bits.
fn mask_of(characters: &[char]) -> u64 {
    characters.iter().fold(0, |mask, c| mask | 1 << (u32::from(*c) % 64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Fixture;

    fn lexicon() -> Lexicon<char> {
        Lexicon::new([
            ('t', "total"),
            ('s', "total sales"),
            ('d', "date"),
            ('i', "invoice number"),
            ('r', "rounding"),
        ])
    }

    #[test]
    fn the_longest_phrase_wins() {
        let found = lexicon().find_in("TOTAL SALES: 9.00");
        assert_eq!(found, [(0..11, 's', 0)]);
    }

    #[test]
    fn misread_letters_missing_spaces_and_glued_currencies_are_forgiven() {
        let concepts =
            |text: &str| lexicon().find_in(text).iter().map(|(_, concept, _)| *concept).collect::<String>();
        assert_eq!(concepts("lnvoiceNumber:12"), "i");
        assert_eq!(concepts("T0TAL9.00"), "t");
        assert_eq!(concepts("TOTALRM 9.00"), "t");
        assert_eq!(concepts("ROUNDlNG"), "r");
        assert_eq!(concepts("totally"), "");
    }

    #[test]
    fn a_value_ends_where_the_next_label_starts() {
        let pages = Fixture::from_text(
            &["Invoice number: CS12 DATE: 15/06/2017", "Total   9.00   Date   2020-01-02"].join("\n"),
        )
        .pages;
        let reading = Reading::new(&pages);
        let labels = Labels::find(&reading, &lexicon());
        let first = labels.of('i').next().expect("the label is there");
        assert_eq!(reading.slot_text(&labels.slots(&reading, first)[0]), ": CS12 ");
        let total = labels.of('t').next().expect("the label is there");
        let slots = labels.slots(&reading, total);
        assert_eq!(slots.iter().map(|slot| reading.slot_text(slot)).collect::<Vec<_>>(), ["9.00"]);
    }

    #[test]
    fn initials_need_a_mark_between_them() {
        let lexicon = Lexicon::new([('c', "m s"), ('p', "p&p")]);
        let found = |text: &str| lexicon.find_in(text).len();
        assert_eq!(
            (found("M/s Banyan Traders"), found("Ms Banyan"), found("P&P"), found("LU4 8PP")),
            (1, 0, 1, 0)
        );
    }
}
