//! Check boxes in the text of a page: signs for boxes, ticks in brackets, and what symbol fonts have in their place.

use std::ops::Range;

use ocriva_plugin_sdk::reading::{Reading, Span};

/// Signs of empty boxes and circles; those above U+F000 are of symbol fonts whose letters were not translated.
const EMPTY: &[char] = &[
    '☐', '□', '▢', '◻', '⬜', '❏', '❑', '○', '◯', '\u{f06f}', '\u{f071}', '\u{f072}', '\u{f0a8}', '\u{f0a3}',
];
/// Signs of checked boxes and circles.
const CHECKED: &[char] = &[
    '☑', '☒', '■', '▣', '⊠', '⊗', '◉', '●', '✅', '❎', '✓', '✔', '✗', '✘', '\u{f0fe}', '\u{f0fd}',
    '\u{f052}', '\u{f053}', '\u{f0fc}', '\u{f0fb}',
];
/// Most check boxes of a document.
const MAX_BOXES: usize = 2000;
/// A label has no more letters than this.
const MAX_LABEL: usize = 160;

/// A check box.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckBox {
    /// The text that belongs to it.
    pub label: Span,
    /// Whether it is checked.
    pub is_checked: bool,
}

/// All check boxes of a document that have a label, in reading order.
pub fn find(reading: &Reading) -> Vec<CheckBox> {
    let mut found = Vec::new();
    for (index, segment) in reading.segments().iter().enumerate() {
        let marks = marks(&segment.text);
        for (position, (range, is_checked)) in marks.iter().enumerate() {
            if found.len() >= MAX_BOXES {
                return found;
            }
            let next = marks.get(position + 1).map_or(segment.text.len(), |(next, _)| next.start);
            let behind = label(reading, index, range.end..next);
            // A box at the end of its piece belongs to the text before it, or else to what stands right of it.
            let beside = || {
                let right = reading.right_of(index).next().filter(|_| position + 1 == marks.len())?;
                let text = &reading.segments().get(right)?.text;
                let end = self::marks(text).first().map_or(text.len(), |(first, _)| first.start);
                label(reading, right, 0..end)
            };
            let before = || {
                let start =
                    position.checked_sub(1).and_then(|last| marks.get(last)).map_or(0, |(last, _)| last.end);
                label(reading, index, start..range.start)
            };
            let is_choice = before().is_some() && !ends_in_colon(segment.text.get(..range.start));
            let other = if is_choice { before() } else { beside().or_else(before) };
            if let Some(label) = behind.or(other) {
                found.push(CheckBox { label, is_checked: *is_checked });
            }
        }
    }
    found
}

/// What a value says: where it holds check boxes, the texts of those that are checked; `None` where none is.
pub fn answer(value: Span) -> Option<Span> {
    let marks = marks(&value.text);
    if marks.is_empty() {
        return Some(value);
    }
    let chosen: Vec<String> = marks
        .iter()
        .enumerate()
        .filter(|(_, (_, is_checked))| *is_checked)
        .filter_map(|(position, (range, _))| {
            let next = marks.get(position + 1).map_or(value.text.len(), |(next, _)| next.start);
            let text = tidy(value.text.get(range.end..next)?);
            (!text.is_empty()).then(|| text.to_owned())
        })
        .collect();
    (!chosen.is_empty()).then(|| Span { text: chosen.join(", "), ..value })
}

/// The boxes in a text: their bytes, and whether they are checked.
fn marks(text: &str) -> Vec<(Range<usize>, bool)> {
    let mut found: Vec<(Range<usize>, bool)> = Vec::new();
    let mut at = 0;
    while let Some(character) = text.get(at..).and_then(|rest| rest.chars().next()) {
        let end = at + character.len_utf8();
        let sign = if EMPTY.contains(&character) {
            Some((end, false))
        } else if CHECKED.contains(&character) {
            Some((end, true))
        } else {
            bracketed(text, at)
        };
        at = match sign {
            // A tick beside a box is in it.
            Some((end, is_checked)) => {
                match found.last_mut().filter(|(last, _)| {
                    text.get(last.end..at).is_some_and(|gap| gap.trim().is_empty()) && is_checked
                }) {
                    Some((last, was_checked)) => {
                        last.end = end;
                        *was_checked = true;
                    }
                    None => found.push((at..end, is_checked)),
                }
                end
            }
            None => end,
        };
    }
    found
}

/// `[x]`, `[ ]`, `(X)`, `( )` at this byte: the byte behind it, and whether it is checked.
fn bracketed(text: &str, at: usize) -> Option<(usize, bool)> {
    let rest = text.get(at..)?;
    let close = match rest.chars().next()? {
        '[' => ']',
        '(' => ')',
        _ => return None,
    };
    let before = text.get(..at)?;
    if before.ends_with(char::is_alphanumeric) {
        return None;
    }
    let length = rest.find(close).filter(|length| *length <= 5)?;
    let inside = rest.get(1..length)?;
    let is_checked = match inside.trim() {
        "" | "_" => false,
        "x" | "X" | "*" | "✓" | "✔" | "✗" | "✘" | "v" | "V" => true,
        _ => return None,
    };
    // "()" is a pair of brackets; a box has room.
    (is_checked || !inside.is_empty() || close == ']').then_some((at + length + 1, is_checked))
}

fn label(reading: &Reading, segment: usize, range: Range<usize>) -> Option<Span> {
    let text = reading.segments().get(segment)?.text.get(range.clone())?;
    let label = tidy(text);
    let is_label = label.chars().any(char::is_alphanumeric) && label.chars().count() <= MAX_LABEL;
    let start = range.start + text.find(label)?;
    let span = reading.span(segment, start..start + label.len()).filter(|_| is_label)?;
    Some(Span { text: label.to_owned(), ..span })
}

/// Whether a question stands before a box rather than the box's own label.
fn ends_in_colon(before: Option<&str>) -> bool {
    before.is_some_and(|before| before.trim_end().ends_with(':'))
}

fn tidy(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || matches!(c, ':' | ',' | ';' | '|' | '_' | '.' | '/'))
}
