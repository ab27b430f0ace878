//! Labels with their values, where neither is known beforehand: `Label: value`, and values that stand right of or below
//! their label.

use std::ops::Range;

use crate::grid;
use crate::reading::{Place, Reading, Segment, Span};
use crate::text;

/// Most pairs of a document.
const MAX_PAIRS: usize = 1000;
/// A label has no more words than this.
const MAX_LABEL_WORDS: usize = 8;
/// A value has no more lines than this.
const MAX_VALUE_LINES: usize = 8;
/// So many words behind a label may be a sentence.
const PROSE_WORDS: usize = 8;
/// Fewer numbered labels with something below them on a page are none.
const LEAST_NUMBERED: usize = 3;
/// What is nearer than this many heights to the piece before it, in the same row, goes on with it.
const WORD_GAP: f32 = 2.0;
/// Lines of one value are no further apart than this many heights.
const LINE_GAP: f32 = 0.9;

/// A label and what it is for.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair {
    /// The label without its colon.
    pub label: Span,
    /// What was filled in; `None` where nothing stands there.
    pub value: Option<Span>,
    /// Whether a mark behind the label says that it is one, rather than its place alone.
    pub is_marked: bool,
}

/// All pairs of a document, in reading order of their labels.
pub fn find(reading: &Reading) -> Vec<Pair> {
    let mut found: Vec<(usize, Pair)> = Vec::new();
    let mut taken = vec![false; reading.segments().len()];
    for segment in 0..reading.segments().len() {
        if found.len() >= MAX_PAIRS || taken.get(segment).copied().unwrap_or(true) {
            continue;
        }
        if let Some((pair, value)) = marked(reading, segment, &taken) {
            for used in value {
                if let Some(used) = taken.get_mut(used) {
                    *used = true;
                }
            }
            found.push((segment, pair));
        }
    }
    found.retain_mut(|(segment, pair)| {
        !is_prose(reading, *segment, pair) && complete(reading, *segment, pair)
    });
    found.extend(numbered(reading, &mut taken));
    let marked: Vec<usize> = found.iter().map(|(segment, _)| *segment).collect();
    found.extend(aligned(reading, &marked, &taken));
    found.sort_by_key(|(segment, _)| *segment);
    found.truncate(MAX_PAIRS);
    found.into_iter().map(|(_, pair)| pair).collect()
}

/// The label that a segment starts with, by the mark behind it: the bytes of the label, and where the value may start.
fn label_of(text: &str) -> Option<(Range<usize>, usize)> {
    let colon = text.char_indices().find(|&(at, c)| matches!(c, ':' | '：') && !is_inside_word(text, at));
    if let Some((at, mark)) = colon {
        return is_label(text.get(..at)?).then_some((0..at, at + mark.len_utf8()));
    }
    // "Permit #", "Order No.", "Members?" at the end of a piece ask for what stands beside them.
    let end = text.trim_end().len();
    let asks = text.get(..end)?.ends_with(['#', '?'])
        || is_number_sign(text.get(..end)?)
        || (is_optional(text.get(..end)?) && numbered_label(text).is_none());
    if asks && is_label(text) {
        return Some((0..end, end));
    }
    // A line or dots to write on: "Name ______".
    let blank = text.find("___").or_else(|| text.find("....")).or_else(|| text.find("……"))?;
    let behind = text.get(blank..)?.trim_start_matches(['_', '.', '…', ' ']).len();
    is_label(text.get(..blank)?).then_some((0..blank, text.len() - behind))
}

/// Whether a colon is part of a time, a web address or the like.
fn is_inside_word(text: &str, colon: usize) -> bool {
    let before = text.get(..colon).unwrap_or_default();
    let after = text.get(colon + 1..).unwrap_or_default();
    before.ends_with(|c: char| c.is_ascii_digit()) && after.starts_with(|c: char| c.is_ascii_digit())
        || after.starts_with("//")
}

/// What stands in brackets behind labels that need no answer.
const OPTIONAL: &[&str] = &[
    "(optional)",
    "(if any)",
    "(if applicable)",
    "(falls vorhanden)",
    "(freiwillig)",
    "(facultatif)",
    "(le cas échéant)",
    "(opcional)",
    "(si procede)",
    "(facoltativo)",
    "(optioneel)",
    "(indien van toepassing)",
    "(valgfritt)",
    "(opcjonalnie)",
];

fn is_optional(text: &str) -> bool {
    let lower = text.to_lowercase();
    OPTIONAL.iter().any(|mark| lower.ends_with(mark))
}

/// Whether a label with its value is the beginning of a paragraph: many words in one line, and the next line goes on
/// below the label.
fn is_prose(reading: &Reading, index: usize, pair: &Pair) -> bool {
    let Some(segment) = reading.segments().get(index) else { return false };
    let behind = segment.word_count().saturating_sub(pair.label.text.split_whitespace().count());
    let goes_on = || {
        reading
            .below(index, &segment.bbox)
            .first()
            .and_then(|below| reading.segments().get(*below))
            .is_some_and(|below| {
                (below.bbox.x0 - segment.bbox.x0).abs() < segment.bbox.height() * 0.5
                    && below.bbox.y0 - segment.bbox.y1 < segment.bbox.height() * LINE_GAP
                    && below.word_count() >= PROSE_WORDS / 2
                    && !is_labelled(below)
            })
    };
    behind >= PROSE_WORDS && goes_on()
}

/// Puts the first line of a wrapped label in front of it. Whether it is whole then: one that still starts in small
/// letters is a part of a sentence.
fn complete(reading: &Reading, index: usize, pair: &mut Pair) -> bool {
    let starts_small = |text: &str| text.starts_with(char::is_lowercase);
    if !starts_small(&pair.label.text) {
        return true;
    }
    let Some(segment) = reading.segments().get(index) else { return false };
    let above = reading.segments().iter().enumerate().rfind(|(_, above)| {
        above.page == segment.page
            && above.row < segment.row
            && (above.bbox.x0 - segment.bbox.x0).abs() < segment.bbox.height() * 0.5
            && segment.bbox.y0 - above.bbox.y1 < segment.bbox.height() * LINE_GAP
    });
    let Some((above_index, above)) = above else { return true };
    let words = above.word_count() + pair.label.text.split_whitespace().count();
    let fits = !starts_small(&above.text) && !is_labelled(above) && words <= MAX_LABEL_WORDS + 2;
    let whole = reading.segment_span(above_index).and_then(|first| Span::join(&[first, pair.label.clone()]));
    if let Some(whole) = whole.filter(|_| fits) {
        pair.label = whole;
    }
    fits
}

/// Labels that a form numbers, with what stands below them: `5 Address (number, street)` above `12 Harbour Road`.
fn numbered(reading: &Reading, taken: &mut [bool]) -> Vec<(usize, Pair)> {
    let labels: Vec<(usize, Range<usize>)> = (0..reading.segments().len())
        .filter_map(|index| {
            let text = &reading.segments().get(index)?.text;
            Some((index, numbered_label(text)?))
        })
        .collect();
    // A list of sentences is numbered as well, but has nothing to fill in between them.
    let mut found = Vec::new();
    for (index, label) in &labels {
        let Some(segment) = reading.segments().get(*index) else { continue };
        let below = segment.row + 1;
        let is_alone = reading.row_segments(below).len() == 1;
        let value = reading.indexed_row_segments(below).find(|(_, below)| {
            let is_below = (below.bbox.x0 - segment.bbox.x0).abs() < segment.bbox.height() * 1.5
                || (is_alone && below.bbox.x0 > segment.bbox.x0);
            is_below && below.page == segment.page
        });
        let value = value.filter(|(_, value)| {
            let gap = value.bbox.y0 - segment.bbox.y1;
            gap < segment.bbox.height() * 1.2
                && !follows(&segment.text, &value.text)
                && !is_labelled(value)
                && !value.text.starts_with(|c: char| c.is_lowercase() || c == '(')
                && value.word_count() <= MAX_LABEL_WORDS
        });
        let Some((at, _)) = value else { continue };
        let is_free = |index: usize| !taken.get(index).copied().unwrap_or(true);
        if let (true, true, Some(label), Some(value)) =
            (is_free(*index), is_free(at), reading.span(*index, label.clone()), reading.segment_span(at))
        {
            found.push((*index, at, Pair { label: tidy(label), value: Some(value), is_marked: true }));
        }
    }
    let pages: Vec<u32> = found.iter().map(|(.., pair)| pair.label.page).collect();
    found
        .retain(|(.., pair)| pages.iter().filter(|page| **page == pair.label.page).count() >= LEAST_NUMBERED);
    for (label, value, _) in &found {
        for index in [*label, *value] {
            if let Some(used) = taken.get_mut(index) {
                *used = true;
            }
        }
    }
    found.into_iter().map(|(label, _, pair)| (label, pair)).collect()
}

/// Whether a text is a label with the number after that of another: `55 High Street` is none below `5 Address`.
fn follows(label: &str, text: &str) -> bool {
    let number = |text: &str| -> Option<usize> {
        let digits = text.split(|c: char| !c.is_ascii_digit()).next()?;
        digits.parse().ok()
    };
    let next = number(label).map(|number| number + 1);
    numbered_label(text).is_some() && number(text).is_some_and(|number| number <= next.unwrap_or(0))
}

/// The words of a numbered label, up to the explanation in brackets or the next sentence.
fn numbered_label(text: &str) -> Option<Range<usize>> {
    let (number, rest) = text.split_once(' ')?;
    let digits = number.trim_end_matches(|c: char| c == '.' || c.is_ascii_lowercase());
    let is_number =
        (1..=2).contains(&digits.len()) && number.len() <= 4 && digits.chars().all(|c| c.is_ascii_digit());
    let start = text.len() - rest.len();
    let end = rest.find(" (").into_iter().chain(rest.find(". ")).min().unwrap_or(rest.len());
    let label = rest.get(..end)?;
    let words = label.split_whitespace().count();
    let is_words = label.starts_with(char::is_uppercase) && !label.ends_with([';', ',']);
    ((1..=MAX_LABEL_WORDS + 2).contains(&words) && is_words && is_number).then_some(start..start + end)
}

fn is_number_sign(text: &str) -> bool {
    let last = text.rsplit(' ').next().unwrap_or_default();
    text.contains(' ')
        && matches!(text::compact(last).as_str(), "no" | "nr" | "n")
        && last.ends_with(['.', '°', 'º'])
}

/// A few words; what stands before the colon of a time or a web address is none.
fn is_label(text: &str) -> bool {
    let words = text.split_whitespace().count();
    let folded = text::compact(text);
    (1..=MAX_LABEL_WORDS).contains(&words)
        && folded.chars().any(char::is_alphabetic)
        && !matches!(folded.as_str(), "http" | "https" | "mailto")
        && !text.trim_end().ends_with(|character: char| character.is_ascii_digit())
}

fn is_labelled(segment: &Segment) -> bool {
    label_of(&segment.text).is_some()
}

/// The pair whose label a mark ends, and the segments that its value takes up.
fn marked(reading: &Reading, index: usize, taken: &[bool]) -> Option<(Pair, Vec<usize>)> {
    let segment = reading.segments().get(index)?;
    let (label, start) = label_of(&segment.text)?;
    let label = reading.span(index, label)?;
    let is_blank = |text: &str| {
        !text
            .chars()
            .any(|c| c.is_alphanumeric() || crate::schema::box_state(c.encode_utf8(&mut [0; 4])).is_some())
    };
    let rest = segment.text.get(start..)?;
    let mut used = Vec::new();
    let mut parts = Vec::new();
    if !is_blank(rest) {
        let begin = start + rest.len() - rest.trim_start().len();
        parts.push(reading.span(index, begin..segment.text.len())?);
        used.push(index);
    } else {
        let is_free = |candidate: usize| {
            !taken.get(candidate).copied().unwrap_or(true)
                && reading
                    .segments()
                    .get(candidate)
                    .is_some_and(|found| !is_labelled(found) && !is_blank(&found.text))
        };
        let around = reading.around(index, 0..segment.text.len());
        // What stands to the right is this label's only up to the next label.
        let next_label = reading
            .right_of(index)
            .find(|&other| reading.segments().get(other).is_some_and(is_labelled))
            .unwrap_or(usize::MAX);
        let in_row = around
            .iter()
            .filter(|slot| slot.place == Place::Right)
            .map(|slot| slot.segment)
            .find(|&segment| segment < next_label && is_free(segment));
        let below = || {
            let below = around.iter().filter(|slot| slot.place == Place::Below).map(|slot| slot.segment);
            below.into_iter().find(|&segment| is_free(segment) && is_next_row(reading, index, segment))
        };
        let value = in_row.or_else(|| askew(reading, index, next_label, is_free)).or_else(below);
        if let Some(value) = value {
            parts.push(reading.segment_span(value)?);
            used.push(value);
        }
    }
    extend(reading, taken, &mut parts, &mut used);
    let value = Span::join(&parts).map(|value| Span { text: trimmed(&value.text), ..value });
    Some((Pair { label: tidy(label), value, is_marked: true }, used))
}

/// The nearest piece to the right that is set or written a little higher or lower than the label, as by hand.
fn askew(
    reading: &Reading,
    label: usize,
    next_label: usize,
    is_free: impl Fn(usize) -> bool,
) -> Option<usize> {
    let found = reading.segments().get(label)?;
    let limit = reading.segments().get(next_label).map_or(f32::MAX, |next| next.bbox.x0);
    let rows = reading.rows().get(found.row.saturating_sub(1)..)?.iter().take(3);
    let beside = rows.flat_map(|row| row.segments.clone()).filter_map(|index| {
        let other = reading
            .segments()
            .get(index)
            .filter(|other| other.page == found.page && other.row != found.row)?;
        let height = other.bbox.height().min(found.bbox.height());
        let gap = other.bbox.x0 - found.bbox.x1;
        let is_beside =
            other.bbox.overlap_y(&found.bbox) > 0.3 * height && gap > -height && other.bbox.x0 < limit;
        (is_beside && is_free(index)).then_some((gap, index))
    });
    beside.min_by(|left, right| left.0.total_cmp(&right.0)).map(|(_, index)| index)
}

/// Whether a segment stands in the row below or the one after it, with nothing labelled left of it: that label's it is.
fn is_next_row(reading: &Reading, label: usize, value: usize) -> bool {
    let (Some(label), Some(found)) = (reading.segments().get(label), reading.segments().get(value)) else {
        return false;
    };
    let is_owned = reading.row_segments(found.row).iter().any(|other| {
        other.bbox.x1 <= found.bbox.x0
            && is_labelled(other)
            && label_of(&other.text).is_some_and(|(_, end)| end >= other.text.trim_end().len())
    });
    found.row <= label.row + 2 && !is_owned
}

/// Adds what goes on with a value: the next pieces of its row, and the lines below that start where it starts.
fn extend(reading: &Reading, taken: &[bool], parts: &mut Vec<Span>, used: &mut Vec<usize>) {
    let (Some(&first), Some(start)) = (used.first(), parts.first().map(|span| span.bbox)) else { return };
    let is_free = |candidate: usize| {
        !taken.get(candidate).copied().unwrap_or(true)
            && reading.segments().get(candidate).is_some_and(|found| !is_labelled(found))
    };
    let mut end = start.x1;
    for index in reading.right_of(first) {
        let Some(found) = reading.segments().get(index).filter(|_| is_free(index)) else { break };
        if found.bbox.x0 - end > found.bbox.height() * WORD_GAP {
            break;
        }
        end = found.bbox.x1;
        parts.extend(reading.segment_span(index));
        used.push(index);
    }
    let mut last = start;
    let is_alone = |index: usize| {
        let row = reading.segments().get(index).map_or(0, |found| found.row);
        reading.row_segments(row).len() == 1
    };
    for index in reading.below(first, &start) {
        let Some(found) = reading.segments().get(index) else { break };
        let height = last.height().max(1.0);
        let is_aligned = (found.bbox.x0 - start.x0).abs() < height * 0.5;
        if used.len() >= MAX_VALUE_LINES
            || !is_free(index)
            || !is_aligned
            || !is_alone(index)
            || found.bbox.y0 - last.y1 > height * LINE_GAP
        {
            break;
        }
        last = found.bbox;
        parts.extend(reading.segment_span(index));
        used.push(index);
    }
}

/// Pairs of two columns without marks: short labels under one another, and a value beside each.
fn aligned(reading: &Reading, marked: &[usize], taken: &[bool]) -> Vec<(usize, Pair)> {
    let mut found = Vec::new();
    for table in grid::find(reading).iter().filter(|grid| grid.headings.len() == 2) {
        for row in table.range.clone() {
            let Some(segments) = reading.rows().get(row).map(|row| row.segments.clone()) else { continue };
            let (Some(label), Some(value), 2) =
                (segments.clone().next(), segments.clone().nth(1), segments.len())
            else {
                continue;
            };
            let is_free =
                |index: usize| !marked.contains(&index) && !taken.get(index).copied().unwrap_or(true);
            let text = reading.segments().get(label).map_or("", |segment| segment.text.as_str());
            let reads_as_label = is_label(text) && !text.chars().any(|c| c.is_ascii_digit());
            if let (true, Some(label_span), Some(value)) = (
                is_free(label) && is_free(value) && reads_as_label,
                reading.segment_span(label),
                reading.segment_span(value),
            ) {
                found.push((label, Pair { label: tidy(label_span), value: Some(value), is_marked: false }));
            }
        }
    }
    found
}

fn tidy(label: Span) -> Span {
    let text =
        label.text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '*' | '•' | '_' | '.')).to_owned();
    Span { text, ..label }
}

fn trimmed(value: &str) -> String {
    value.trim_matches(|c: char| c.is_whitespace() || c == '_').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Fixture;

    fn read(text: &str) -> Vec<(String, Option<String>)> {
        let fixture = Fixture::from_text(text);
        let pairs = find(&Reading::new(&fixture.pages)).into_iter();
        pairs.map(|pair| (pair.label.text, pair.value.map(|value| value.text))).collect()
    }

    fn pair(label: &str, value: &str) -> (String, Option<String>) {
        (label.to_owned(), Some(value.to_owned()))
    }

    #[test]
    fn values_stand_behind_right_of_or_below_their_labels() {
        let found = read("Owner: Anna Berg      Town:      Zenith\nOpen: 14:05\n\nRemarks:\nNone so far\n");
        assert_eq!(
            found,
            [
                pair("Owner", "Anna Berg"),
                pair("Town", "Zenith"),
                pair("Open", "14:05"),
                pair("Remarks", "None so far")
            ]
        );
    }

    #[test]
    fn a_value_goes_on_in_the_lines_below_it() {
        let found = read("Address: 12 Harbour Road\n         Bristol BS1 4ND\nPhone: 0117 4960000\n");
        assert_eq!(
            found,
            [pair("Address", "12 Harbour Road Bristol BS1 4ND"), pair("Phone", "0117 4960000")]
        );
    }

    #[test]
    fn a_label_with_nothing_behind_it_has_no_value() {
        assert_eq!(read("Signature: ________\n"), [("Signature".to_owned(), None)]);
        assert_eq!(read("Name ________ Anna\n"), [pair("Name", "Anna")]);
    }

    #[test]
    fn short_words_with_values_beside_them_are_pairs_without_a_mark() {
        let found = read("Blend          1077-84\nCasing         7773\nMaker          MK 9\n");
        assert_eq!(found, [pair("Blend", "1077-84"), pair("Casing", "7773"), pair("Maker", "MK 9")]);
    }

    #[test]
    fn a_paragraph_that_starts_with_a_word_and_a_colon_is_no_pair() {
        let found = read(
            "Note: If the account is in more than one name, see the instructions first\nNumber To Give the Requester for guidelines on it.\n\nName: Anna\n",
        );
        assert_eq!(found, [pair("Name", "Anna")]);
    }

    #[test]
    fn numbered_labels_have_their_values_below_them() {
        let found = read(
            "1 Name (as shown on your return). Name is required.\nSergio Vale\n2 Business name, if different from above\nAqua Control\n3 Address\n55 Mill Street\n",
        );
        assert_eq!(
            found,
            [
                pair("Name", "Sergio Vale"),
                pair("Business name, if different from above", "Aqua Control"),
                pair("Address", "55 Mill Street")
            ]
        );
    }

    #[test]
    fn a_label_that_starts_small_goes_on_with_the_line_above() {
        let found = read("Exempt payee code (if any)    3\n\nExemption from reporting\ncode (if any)    F\n");
        assert_eq!(
            found,
            [pair("Exempt payee code (if any)", "3"), pair("Exemption from reporting code (if any)", "F")]
        );
    }
}
