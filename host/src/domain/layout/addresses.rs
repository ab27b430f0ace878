//! Tells postal addresses that stand side by side, which are read one after the other, from the rows of a table.

use super::rows::{Row, rows};
use crate::domain::geometry::Rect;
use crate::domain::page::Segment;

/// Least white space between addresses, in line heights.
const MIN_GAP: f32 = 1.2;

/// Lines of an address: with fewer, nothing tells it from a row of cells; with more, it is something else.
const MIN_LINES: usize = 3;
const MAX_LINES: usize = 10;

/// By how much, in line heights, a line may begin farther in than the others.
const MAX_INDENT: f32 = 0.6;

/// Most characters of a line of an address.
const MAX_CHARACTERS: usize = 48;

/// Digits of a postal code where it is a number.
const POSTAL_DIGITS: std::ops::RangeInclusive<usize> = 4..=6;

/// Share of the rows beside an address that must begin with what ends in a colon, where no other address is there.
const MIN_LABELLED: f32 = 0.6;

/// The blocks that stand side by side, from left to right, where addresses are among them; `None` where there are none,
/// or where something else beside them may belong to their rows.
pub(super) fn side_by_side(
    segments: &[Segment],
    boxes: &[Rect],
    items: &[usize],
    line_height: f32,
) -> Option<Vec<Vec<usize>>> {
    let groups = groups(boxes, items, MIN_GAP * line_height);
    if groups.len() < 2 {
        return None;
    }
    let mut parts: Vec<(bool, Vec<usize>)> = Vec::new();
    for group in groups {
        let is_address = is_address(segments, boxes, &group, line_height);
        match parts.last_mut() {
            Some((false, part)) if !is_address => part.extend(group),
            _ => parts.push((is_address, group)),
        }
    }
    let addresses = parts.iter().filter(|(is_address, _)| *is_address).count();
    let fits = match addresses {
        0 => false,
        1 => parts
            .iter()
            .all(|(is_address, part)| *is_address || is_labelled(segments, &rows(boxes, part, line_height))),
        _ => true,
    };
    (fits && parts.len() > 1).then(|| parts.into_iter().map(|(_, part)| part).collect())
}

/// The boxes, grouped where white space of at least `min_gap` runs down between them.
fn groups(boxes: &[Rect], items: &[usize], min_gap: f32) -> Vec<Vec<usize>> {
    let at = |item: usize| boxes.get(item).copied().unwrap_or_default();
    let mut sorted = items.to_vec();
    sorted.sort_by(|&a, &b| at(a).x0.total_cmp(&at(b).x0));
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut end = f32::NEG_INFINITY;
    for item in sorted {
        let bbox = at(item);
        match groups.last_mut() {
            Some(group) if bbox.x0 - end < min_gap => group.push(item),
            _ => groups.push(vec![item]),
        }
        end = end.max(bbox.x1);
    }
    groups
}

fn is_address(segments: &[Segment], boxes: &[Rect], items: &[usize], line_height: f32) -> bool {
    let lines = rows(boxes, items, line_height);
    if !(MIN_LINES..=MAX_LINES).contains(&lines.len()) {
        return false;
    }
    let left = lines.iter().map(|line| line.bbox.x0).fold(f32::INFINITY, f32::min);
    let is_level = |line: &Row| line.bbox.x0 - left <= MAX_INDENT * line_height;
    let texts: Vec<String> = lines.iter().map(|line| text(segments, line)).collect();
    let has_digit = |text: &&String| text.chars().any(|character| character.is_ascii_digit());
    let numbered = texts.iter().filter(has_digit).count();
    lines.iter().all(is_level)
        && numbered < texts.len()
        && texts.iter().all(|text| text.chars().count() <= MAX_CHARACTERS)
        // The first line is a name, or what the address is for.
        && texts.iter().skip(1).any(|text| has_postal_code(text))
        && texts.iter().skip(1).all(|text| !text.ends_with(':'))
}

/// Whether a line has a postal code beside a place: a number of four to six digits, or letters and digits in two groups
/// as in Britain and Canada.
fn has_postal_code(line: &str) -> bool {
    let words: Vec<&str> = line
        .split_whitespace()
        .map(|word| word.trim_matches(|character: char| !character.is_alphanumeric()))
        .filter(|word| !word.is_empty())
        .collect();
    let has_place =
        words.iter().any(|word| word.chars().filter(|character| character.is_alphabetic()).count() >= 3);
    let is_number = |word: &&str| {
        // With the country before it, as in `D-10115`.
        let number =
            word.rsplit_once('-').filter(|(country, _)| country.len() <= 3).map_or(*word, |pair| pair.1);
        POSTAL_DIGITS.contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit())
    };
    let is_mixed = |word: &str| {
        (2..=4).contains(&word.len())
            && word.bytes().any(|byte| byte.is_ascii_digit())
            && word.bytes().any(|byte| byte.is_ascii_uppercase())
            && word.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
    };
    let is_in_two = words.windows(2).any(|pair| is_mixed(pair[0]) && is_mixed(pair[1]));
    is_in_two || (has_place && words.iter().any(is_number))
}

/// Whether most rows are a label that ends in a colon, and what it says.
fn is_labelled(segments: &[Segment], rows: &[Row]) -> bool {
    let labelled =
        rows.iter().filter(|row| text(segments, row).contains(": ") || text(segments, row).ends_with(':'));
    labelled.count() as f32 >= MIN_LABELLED * rows.len() as f32
}

fn text(segments: &[Segment], row: &Row) -> String {
    let pieces = row.items.iter().filter_map(|&item| segments.get(item));
    let words: Vec<&str> = pieces.flat_map(|piece| &piece.words).map(|word| word.text.as_str()).collect();
    words.join(" ")
}
