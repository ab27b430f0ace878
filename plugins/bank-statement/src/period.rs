//! From when to when a statement goes.

use ocriva_plugin_sdk::reading::{Reading, Span};
use ocriva_plugin_sdk::text;
use ocriva_plugin_sdk::values::dates::{self, Date, Order};

/// What stands between the two days.
const BETWEEN: &[&str] = &[
    "",
    "to",
    "through",
    "until",
    "till",
    "and",
    "bis",
    "bis zum",
    "au",
    "jusqu au",
    "al",
    "hasta",
    "a",
    "ate",
    "t m",
    "tot",
    "do",
    "til",
    "till och med",
];

/// Two days with their places.
#[derive(Debug, Clone, PartialEq)]
pub struct Period {
    /// First day.
    pub start: (Date, Span),
    /// Last day.
    pub end: (Date, Span),
}

/// The first line that gives two days, one after the other, with nothing but a dash or a word such as "to" between them.
pub fn find(reading: &Reading, order: Order) -> Option<Period> {
    (0..reading.rows().len()).find_map(|row| {
        let segments = reading.rows().get(row)?.segments.clone();
        segments.clone().find_map(|segment| in_segment(reading, segment, order)).or_else(|| {
            let pairs = segments.clone().zip(segments.skip(1));
            pairs.into_iter().find_map(|(left, right)| in_neighbours(reading, left, right, order))
        })
    })
}

fn in_segment(reading: &Reading, segment: usize, order: Order) -> Option<Period> {
    let printed = &reading.segments().get(segment)?.text;
    let found = dates::find(printed, order);
    let [first, second] = found.as_slice() else { return None };
    let between = printed.get(first.range.end..second.range.start)?;
    let is_dash = between.contains(['-', '–', '—', '/', '~']) || !between.trim().is_empty();
    let is_word = BETWEEN.contains(&text::words(between).as_str());
    (is_dash && is_word && first.date < second.date).then_some(())?;
    Some(Period {
        start: (first.date, reading.span(segment, first.range.clone())?),
        end: (second.date, reading.span(segment, second.range.clone())?),
    })
}

/// `From: 1 March 2026      To: 31 March 2026`
fn in_neighbours(reading: &Reading, left: usize, right: usize, order: Order) -> Option<Period> {
    let (start_text, end_text) = (&reading.segments().get(left)?.text, &reading.segments().get(right)?.text);
    let (starts, ends) = (dates::find(start_text, order), dates::find(end_text, order));
    let ([start], [end]) = (starts.as_slice(), ends.as_slice()) else { return None };
    let before = text::words(end_text.get(..end.range.start)?);
    (!before.is_empty() && BETWEEN.contains(&before.as_str()) && start.date < end.date).then_some(())?;
    Some(Period {
        start: (start.date, reading.span(left, start.range.clone())?),
        end: (end.date, reading.span(right, end.range.clone())?),
    })
}
