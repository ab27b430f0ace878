//! Numbers and amounts of money, with either decimal sign.
//!
//! `1,234.56`, `1.234,56`, `1 234,56`, `1'234.56` and `12,34,567.00` are understood by their shape alone. A single
//! sign before three digits (`1,234` or `1.234`) is read as [`Convention`] says, which is inferred from the clear
//! amounts of the whole document.

use std::ops::Range;

use super::currencies;

/// Numbers longer than this are identifiers, not amounts.
const MAX_DIGITS: usize = 15;

/// Which sign starts the decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Convention {
    /// Not known: a single sign before three digits groups thousands.
    #[default]
    Unknown,
    /// `1,234.56`
    Point,
    /// `1.234,56`
    Comma,
}

impl Convention {
    /// Infers the convention from amounts with exactly two decimals, by majority.
    pub fn infer<'a>(texts: impl Iterator<Item = &'a str>) -> Self {
        let (mut points, mut commas) = (0, 0);
        for token in texts.flat_map(str::split_whitespace) {
            let token = token.trim_matches(|c: char| !c.is_ascii_digit());
            let Some((sign_at, sign)) = token.char_indices().rev().find(|(_, c)| matches!(c, '.' | ','))
            else {
                continue;
            };
            let decimals = token.len() - sign_at - 1;
            let whole = token.get(..sign_at).unwrap_or_default();
            // Two dots are a date or a version.
            let is_clear = decimals == 2
                && !whole.contains(sign)
                && whole.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | ',' | '\''));
            match sign {
                '.' if is_clear => points += 1,
                ',' if is_clear => commas += 1,
                _ => {}
            }
        }
        match (points, commas) {
            (0, 0) => Self::Unknown,
            _ if commas > points => Self::Comma,
            _ => Self::Point,
        }
    }
}

/// A number found in a text.
#[derive(Debug, Clone, PartialEq)]
pub struct Amount {
    /// Its value; below zero for `-5`, `5-`, `(5.00)` and `5.00 CR`.
    pub value: f64,
    /// Digits behind the decimal sign.
    pub decimals: usize,
    /// ISO 4217 code of a currency sign or code beside it.
    pub currency: Option<&'static str>,
    /// Whether a percent sign follows.
    pub is_percentage: bool,
    /// Bytes of the text, with sign and currency.
    pub range: Range<usize>,
}

impl Amount {
    /// Whether it looks like money: two decimals (or none to four with a currency), not a percentage.
    pub fn is_money(&self) -> bool {
        !self.is_percentage && (self.decimals == 2 || self.currency.is_some())
    }
}

/// Finds every number of a text that may be an amount, from left to right.
///
/// Numbers inside words (`A4`, `U13/X`), dates, times and long identifiers are left out. Letters that are often
/// recognised for digits (`O`, `o`, `l`, `I`) count as digits inside a number that has a decimal sign.
pub fn find(text: &str, convention: Convention) -> Vec<Amount> {
    let characters: Vec<(usize, char)> = text.char_indices().collect();
    let mut found = Vec::new();
    let mut at = 0;
    while at < characters.len() {
        match number_at(text, &characters, at, convention) {
            Some((amount, end)) => {
                found.extend(amount);
                at = end.max(at + 1);
            }
            None => at += 1,
        }
    }
    found
}

/// The number that a text consists of, with nothing but a currency, a sign or a percent sign around it.
pub fn parse(text: &str, convention: Convention) -> Option<Amount> {
    let amount = find(text, convention).into_iter().next()?;
    let before = text.get(..amount.range.start)?;
    let after = text.get(amount.range.end..)?;
    let is_rest = |rest: &str| rest.chars().all(|c| !c.is_alphanumeric());
    (is_rest(before) && is_rest(after)).then_some(amount)
}

/// Rounds to a hundredth of the smallest money unit, to take away what binary fractions add.
pub fn rounded(value: f64) -> f64 {
    (value * 10_000.0).round() / 10_000.0
}

/// Reads the number that starts at `start`. `Some((None, end))` is a number that is no amount and must be skipped
/// as a whole.
fn number_at(
    text: &str,
    characters: &[(usize, char)],
    start: usize,
    convention: Convention,
) -> Option<(Option<Amount>, usize)> {
    let at = |index: usize| characters.get(index).map(|(_, c)| *c);
    let first = at(start)?;
    let starts_number = first.is_ascii_digit()
        || (matches!(first, '.' | ',')
            && at(start + 1).is_some_and(|c| c.is_ascii_digit())
            // "N.2" is number two.
            && !start.checked_sub(1).and_then(at).is_some_and(char::is_alphabetic));
    if !starts_number {
        return None;
    }
    let digits_end = number_end(text, characters, start);
    let body_end = byte_at(text, characters, digits_end);
    let body_start = characters.get(start)?.0;
    let body = text.get(body_start..body_end)?;
    let trimmed = body.trim_end_matches(['.', ',', '\'', ' ', '\u{a0}', '\u{202f}']);
    let end = start + trimmed.chars().count();
    if is_inside_identifier(text, characters, start, end) {
        return Some((None, skip_identifier(characters, end)));
    }
    let Some((mut value, mut decimals)) = value_of(trimmed, convention) else {
        return Some((None, digits_end));
    };
    let mut range = body_start..body_start + trimmed.len();
    if let Some(length) = dashed_cents(text.get(range.end..)?).filter(|_| decimals == 0) {
        decimals = 2;
        range.end += length;
    }
    let mut currency = None;
    if let Some((code, length)) = currencies::at_end(text.get(..range.start)?) {
        currency = Some(code);
        range.start -= length;
    }
    let sign_before = text.get(..range.start)?.trim_end().chars().next_back();
    let sign_inside = text.get(range.start..body_start)?.contains(['-', '−']);
    let is_bracketed =
        sign_before == Some('(') && text.get(range.end..)?.trim_start().starts_with(')') && decimals == 2;
    let minus_before = matches!(sign_before, Some('-' | '−' | '–')) && is_sign(text.get(..range.start)?);
    let after = text.get(range.end..)?;
    let minus_after =
        after.starts_with('-') && !after.get(1..).is_some_and(|rest| rest.starts_with(char::is_alphanumeric));
    if minus_before || minus_after || is_bracketed || sign_inside {
        value = -value;
    }
    if minus_before {
        range.start = text.get(..range.start)?.rfind(['-', '−', '–'])?;
    }
    if minus_after {
        range.end += 1;
    }
    if currency.is_none()
        && let Some((code, length)) = currencies::at_start(text.get(range.end..)?)
    {
        currency = Some(code);
        range.end += length;
    }
    let is_percentage = text.get(range.end..)?.trim_start().starts_with('%');
    let end = characters.iter().position(|(byte, _)| *byte >= range.end).unwrap_or(characters.len());
    Some((Some(Amount { value, decimals, currency, is_percentage, range }), end.max(digits_end)))
}

fn is_dash(c: Option<char>) -> bool {
    matches!(c, Some('-' | '–' | '—'))
}

/// Whether a number with decimals has a unit of weight or length right behind it: `0,854kg`.
fn is_measure(characters: &[(usize, char)], start: usize, end: usize) -> bool {
    let body = characters.get(start..end).unwrap_or_default();
    let unit = characters.get(end..).unwrap_or_default();
    let unit: String = unit.iter().map(|(_, c)| *c).take_while(|c| c.is_alphanumeric()).collect();
    body.iter().any(|(_, c)| matches!(c, '.' | ','))
        && matches!(unit.to_lowercase().as_str(), "kg" | "g" | "l" | "ltr" | "lb" | "lbs" | "m" | "km")
}

/// Whether a number with decimals is the price of a unit behind a slash: `0.79/lb`.
fn is_price_per_unit(characters: &[(usize, char)], start: usize, slash: usize) -> bool {
    let body = characters.get(start..slash).unwrap_or_default();
    let unit = characters.get(slash + 1..).unwrap_or_default();
    let unit: Vec<char> = unit.iter().map(|(_, c)| *c).take_while(|c| c.is_alphanumeric()).collect();
    body.iter().any(|(_, c)| matches!(c, '.' | ','))
        && (1..=6).contains(&unit.len())
        && unit.iter().all(|c| c.is_alphabetic())
}

/// The length of a dash in place of the cents: `450,-`, `12.–`.
fn dashed_cents(after: &str) -> Option<usize> {
    let rest = after.strip_prefix(['.', ','])?;
    let bare = rest.trim_start_matches(['-', '–', '—']);
    let is_end = !bare.starts_with(char::is_alphanumeric);
    let dashes = rest.chars().count() - bare.chars().count();
    ((1..=2).contains(&dashes) && is_end).then_some(after.len() - bare.len())
}

/// Whether a minus at the end of `before` is a sign rather than a dash between words or numbers.
fn is_sign(before: &str) -> bool {
    let without = before.trim_end().trim_end_matches(['-', '−', '–']);
    let spaced = without.chars().next_back().is_none_or(|c| !c.is_alphanumeric());
    // "- 5.00" with a space on both sides is a dash when words stand before it.
    spaced && (before.ends_with(['-', '−', '–']) || without.trim().is_empty())
}

/// The index behind the last character of the number that starts at `start`.
fn number_end(text: &str, characters: &[(usize, char)], start: usize) -> usize {
    let at = |index: usize| characters.get(index).map(|(_, c)| *c);
    let mut end = start;
    let mut has_sign = false;
    while let Some(c) = at(end) {
        let next = at(end + 1);
        let next_is_digit = next.is_some_and(|next| next.is_ascii_digit() || matches!(next, 'O' | 'o'));
        match c {
            '0'..='9' => {}
            '.' | ',' => has_sign = true,
            // Letters misread for digits: only behind a decimal sign or right before one.
            'O' | 'o' | 'l' | 'I'
                if end > start
                    && (has_sign || matches!(next, Some('.' | ',')))
                    && is_digitlike_run(characters, end) => {}
            '\'' | '’' if next_is_digit => {}
            // A space groups thousands ("1 234,56") or was put before the decimals by recognition ("172 .80").
            ' ' | '\u{a0}' | '\u{202f}'
                if groups_thousands(text, characters, start, end)
                    || splits_decimals(characters, end)
                    || follows_sign(text, characters, start, end) => {}
            _ => break,
        }
        end += 1;
    }
    end
}

/// Whether the letters from `from` on are all digit look-alikes up to the end of the word.
fn is_digitlike_run(characters: &[(usize, char)], from: usize) -> bool {
    let run = characters
        .get(from..)
        .unwrap_or_default()
        .iter()
        .map(|(_, c)| *c)
        .take_while(|c| c.is_alphanumeric());
    run.clone().count() <= 3 && run.clone().all(|c| c.is_ascii_digit() || matches!(c, 'O' | 'o' | 'l' | 'I'))
}

/// Whether the space at `space` stands between groups of thousands: one to three digits before the first, three
/// behind each.
fn groups_thousands(text: &str, characters: &[(usize, char)], start: usize, space: usize) -> bool {
    let digit = |index: usize| characters.get(index).is_some_and(|(_, c)| c.is_ascii_digit());
    let before = characters.get(start..space).unwrap_or_default();
    let has_decimals = before.iter().any(|(_, c)| matches!(c, '.' | ','));
    let leading = before.iter().rev().take_while(|(_, c)| c.is_ascii_digit()).count();
    let first_group_is_whole = leading == 3 || (leading == before.len() && leading < 3);
    let three = digit(space + 1) && digit(space + 2) && digit(space + 3) && !digit(space + 4);
    // A group must be followed by decimals or another group: "1 234" alone is more often two numbers.
    let follows = characters.get(space + 4).map(|(_, c)| *c);
    let decimals =
        matches!(follows, Some('.' | ',')) && digit(space + 5) && digit(space + 6) && !digit(space + 7);
    let more = matches!(follows, Some(' ' | '\u{a0}' | '\u{202f}'))
        && digit(space + 5)
        && digit(space + 6)
        && digit(space + 7);
    // The digits of "R16 180,00" end a word.
    let before = text.get(..byte_at(text, characters, start)).unwrap_or_default();
    let ends_word = before.ends_with(char::is_alphanumeric) && currencies::at_end(before).is_none();
    let dashed = matches!(follows, Some('.' | ',')) && is_dash(characters.get(space + 5).map(|(_, c)| *c));
    !ends_word
        && !has_decimals
        && first_group_is_whole
        && three
        && (decimals || more || dashed || is_whole_price(text, characters, start, space + 4))
}

/// Whether nothing but a number stands between `start` and `end` and a currency touches it on either side, or it is the
/// whole text: `12 500 Ft`, `¥ 3 200`.
fn is_whole_price(text: &str, characters: &[(usize, char)], start: usize, end: usize) -> bool {
    let before = text.get(..byte_at(text, characters, start)).unwrap_or_default();
    let after = text.get(byte_at(text, characters, end)..).unwrap_or_default();
    let is_alone = before.trim().is_empty() && after.trim().is_empty();
    is_alone || currencies::at_end(before).is_some() || currencies::at_start(after).is_some()
}

/// The byte of a text that its character at `index` starts at.
fn byte_at(text: &str, characters: &[(usize, char)], index: usize) -> usize {
    characters.get(index).map_or(text.len(), |(byte, _)| *byte)
}

/// Whether the space at `space` was put behind the sign of a number that begins its text: `400, 00`, `24, 000`.
fn follows_sign(text: &str, characters: &[(usize, char)], start: usize, space: usize) -> bool {
    let at = |index: usize| characters.get(index).map(|(_, c)| *c);
    let digits = characters.iter().skip(space + 1).take_while(|(_, c)| c.is_ascii_digit()).count();
    let before = text.get(..byte_at(text, characters, start)).unwrap_or_default();
    let has_sign = space >= 2
        && at(space - 1).is_some_and(|c| matches!(c, '.' | ','))
        && at(space - 2).is_some_and(|c| c.is_ascii_digit());
    // A list of numbers goes on with a sign.
    let ends = at(space + 1 + digits).is_none_or(|c| c == ' ' || c.is_alphabetic() || "€$£%".contains(c));
    has_sign && matches!(digits, 2 | 3) && ends && !before.chars().any(char::is_alphanumeric)
}

/// Whether the space at `space` was put before a decimal sign and two digits.
fn splits_decimals(characters: &[(usize, char)], space: usize) -> bool {
    let at = |index: usize| characters.get(index).map(|(_, c)| *c);
    let digit = |index: usize| at(index).is_some_and(|c| c.is_ascii_digit());
    let before_is_digit = space.checked_sub(1).is_some_and(digit);
    before_is_digit
        && matches!(at(space + 1), Some('.' | ','))
        && digit(space + 2)
        && digit(space + 3)
        && !digit(space + 4)
}

/// Whether the digits from `start` to `end` are part of a word, date, time, fraction or product code.
fn is_inside_identifier(text: &str, characters: &[(usize, char)], start: usize, end: usize) -> bool {
    let at = |index: usize| characters.get(index).map(|(_, c)| *c);
    let text_before = text.get(..byte_at(text, characters, start)).unwrap_or_default();
    let before = start.checked_sub(1).and_then(at);
    let joined_before = match before {
        Some('/' | ':' | '_' | '#') => at(start.saturating_sub(2)).is_some_and(char::is_alphanumeric),
        Some('-') => at(start.saturating_sub(2)).is_some_and(|c| start >= 2 && c.is_alphanumeric()),
        Some('.' | ',') => false,
        Some(c) if c.is_alphabetic() => currencies::at_end(text_before).is_none() && !is_times(text_before),
        _ => false,
    };
    let joined_after = match at(end) {
        Some(c) if c.is_alphabetic() && is_measure(characters, start, end) => false,
        Some('/') if is_price_per_unit(characters, start, end) => false,
        Some('/' | ':' | '-') => at(end + 1).is_some_and(|c| c.is_alphanumeric()),
        Some(c) if c.is_alphabetic() => {
            let rest = text.get(byte_at(text, characters, end)..).unwrap_or_default();
            currencies::at_start(rest).is_none() && !is_marker(rest)
        }
        _ => false,
    };
    joined_before || joined_after
}

/// Whether a text ends in a multiplication sign that starts its word, as in `x2.50`.
fn is_times(before: &str) -> bool {
    let Some(rest) = before.strip_suffix(['x', 'X', '×']) else { return false };
    !rest.ends_with(char::is_alphabetic)
}

/// Whether letters right behind a number do not belong to it: a times sign, one or two letters of a tax code.
fn is_marker(rest: &str) -> bool {
    let word: String = rest.chars().take_while(|c| c.is_alphanumeric()).collect();
    matches!(
        word.as_str(),
        "x" | "X"
            | "S"
            | "Z"
            | "SR"
            | "ZR"
            | "ZRL"
            | "T"
            | "TX"
            | "CR"
            | "DR"
            | "A"
            | "B"
            | "E"
            | "F"
            | "N"
            | "EA"
            | "PC"
            | "PCS"
    )
}

fn skip_identifier(characters: &[(usize, char)], from: usize) -> usize {
    let rest = characters.get(from..).unwrap_or_default();
    from + rest.iter().take_while(|(_, c)| c.is_alphanumeric() || matches!(c, '/' | ':' | '-' | '.')).count()
}

/// Value and number of decimals of digits with grouping and decimal signs.
fn value_of(body: &str, convention: Convention) -> Option<(f64, usize)> {
    let body: String = body
        .chars()
        .filter(|c| !matches!(c, ' ' | '\u{a0}' | '\u{202f}' | '\'' | '’'))
        .map(|c| match c {
            'O' | 'o' => '0',
            'l' | 'I' => '1',
            other => other,
        })
        .collect();
    let decimal_at = decimal_sign(&body, convention)?;
    let (whole, decimals) = match decimal_at {
        Some(at) => (body.get(..at)?, body.get(at + 1..)?),
        None => (body.as_str(), ""),
    };
    let digits: String = whole.chars().filter(char::is_ascii_digit).collect();
    if digits.len() + decimals.len() > MAX_DIGITS || digits.len() + decimals.len() == 0 {
        return None;
    }
    let value: f64 = format!(
        "{}.{}",
        if digits.is_empty() { "0" } else { &digits },
        if decimals.is_empty() { "0" } else { decimals }
    )
    .parse()
    .ok()?;
    Some((value, decimals.len()))
}

/// Where the decimal sign is: `None` when the number has a shape no amount has, `Some(None)` for whole numbers.
fn decimal_sign(body: &str, convention: Convention) -> Option<Option<usize>> {
    let signs: Vec<(usize, char)> = body.char_indices().filter(|(_, c)| matches!(c, '.' | ',')).collect();
    let Some(&(last_at, last)) = signs.last() else { return Some(None) };
    let behind = body.len() - last_at - 1;
    let others_same = signs.iter().all(|(_, sign)| *sign == last);
    if signs.len() > 1 {
        let groups_are_three = groups_are_thousands(body, &signs, others_same && behind == 3);
        return match (others_same, groups_are_three) {
            (true, true) if behind == 3 => Some(None),
            // "1.234.56": grouping and decimals recognised as the same sign.
            (true, true) if behind == 2 => Some(Some(last_at)),
            (false, true) => Some(Some(last_at)),
            _ => None,
        };
    }
    let before = last_at;
    let is_decimal = match (behind, convention) {
        (0, _) => return Some(None),
        (3, _) if before == 0 || body.starts_with('0') => true,
        (3, Convention::Point) => last == '.',
        (3, Convention::Comma) => last == ',',
        (3, Convention::Unknown) => before > 3,
        _ => true,
    };
    Some(is_decimal.then_some(last_at))
}

/// Whether the groups between signs have three digits each (two in Indian grouping, but for the last).
fn groups_are_thousands(body: &str, signs: &[(usize, char)], include_last: bool) -> bool {
    let first = signs.first().map_or(0, |(at, _)| *at);
    let starts: Vec<usize> = signs.iter().map(|(at, _)| *at).collect();
    let groups = starts.windows(2).map(|pair| pair[1] - pair[0] - 1);
    let count = starts.len().saturating_sub(1);
    let indian = |index: usize, length: usize| length == 3 || (length == 2 && index + 1 < count);
    let last_is_three = !include_last || starts.last().is_some_and(|at| body.len() - at - 1 == 3);
    (1..=3).contains(&first)
        && groups.enumerate().all(|(index, length)| indian(index, length))
        && last_is_three
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn values(text: &str) -> Vec<f64> {
        find(text, Convention::Unknown).iter().map(|amount| amount.value).collect()
    }

    #[test]
    fn either_decimal_sign_is_understood_by_shape() {
        let cases: [(&str, &[f64]); 28] = [
            ("0,854kg*24,90kr/kg", &[0.854, 24.9]),
            ("450,- Kč", &[450.0]),
            ("11 253,- Kč", &[11_253.0]),
            ("Fr. 1'200.–", &[1200.0]),
            ("2.31 lb @ 0.79/lb", &[2.31, 0.79]),
            ("400, 00 A", &[400.0]),
            ("24, 000", &[24_000.0]),
            ("12, 24, 36", &[12.0, 24.0, 36.0]),
            ("104 839 Ft", &[104_839.0]),
            ("¥ 3 200", &[3200.0]),
            ("12 345", &[12_345.0]),
            ("R16 180,00", &[180.0]),
            ("1,234.56", &[1234.56]),
            ("1.234,56 €", &[1234.56]),
            ("1 234,56", &[1234.56]),
            ("1'234.50", &[1234.5]),
            ("12,34,567.00", &[1_234_567.0]),
            ("RM9.00", &[9.0]),
            ("$5,000", &[5000.0]),
            ("0.025", &[0.025]),
            (".02", &[0.02]),
            ("1,234,567", &[1_234_567.0]),
            ("-9,32", &[-9.32]),
            ("317.28-", &[-317.28]),
            ("(12.00)", &[-12.0]),
            ("2 X 43.00 86.00", &[2.0, 43.0, 86.0]),
            ("3,172 .80", &[3172.8]),
            ("1O.OO", &[10.0]),
        ];
        for (text, expected) in cases {
            assert_eq!(values(text), expected, "{text}");
        }
    }

    #[test]
    fn dates_times_and_codes_are_no_amounts() {
        for text in [
            "25/12/2018",
            "10:25:49",
            "U13/X",
            "SS21/1A",
            "A4",
            "01.05.14",
            "03-7832",
            "000655628917761234567",
        ] {
            assert_eq!(values(text), Vec::<f64>::new(), "{text}");
        }
    }

    #[test]
    fn a_single_sign_before_three_digits_follows_the_document() {
        assert_eq!(parse("1.000", Convention::Comma).map(|amount| amount.value), Some(1000.0));
        assert_eq!(parse("9.000", Convention::Point).map(|amount| amount.value), Some(9.0));
        assert_eq!(parse("5,000", Convention::Point).map(|amount| amount.value), Some(5000.0));
    }

    #[test]
    fn currencies_and_percent_signs_beside_a_number_are_noted() {
        let found = find("21% € 399,00", Convention::Unknown);
        assert!(found[0].is_percentage);
        assert_eq!((found[1].value, found[1].currency), (399.0, Some("EUR")));
        assert_eq!(find("29.99 € TTC", Convention::Unknown)[0].currency, Some("EUR"));
    }

    #[test]
    fn the_convention_is_that_of_most_amounts() {
        assert_eq!(Convention::infer(["1.234,56 9,00", "3.50"].into_iter()), Convention::Comma);
        assert_eq!(Convention::infer(["Total 9.00"].into_iter()), Convention::Point);
        assert_eq!(Convention::infer(["01.05.14"].into_iter()), Convention::Unknown);
    }

    proptest! {
        #[test]
        fn what_is_printed_with_points_is_read_back(cents in -99_999_999i64..99_999_999) {
            let printed = grouped(cents, ',', '.');
            let read = parse(&printed, Convention::Unknown).map(|amount| (amount.value * 100.0).round() as i64);
            prop_assert_eq!(read, Some(cents));
        }

        #[test]
        fn what_is_printed_with_commas_is_read_back(cents in -99_999_999i64..99_999_999) {
            let printed = grouped(cents, '.', ',');
            let read = parse(&printed, Convention::Unknown).map(|amount| (amount.value * 100.0).round() as i64);
            prop_assert_eq!(read, Some(cents));
        }

        #[test]
        fn any_text_is_read_without_panic(text in "\\PC{0,40}") {
            let _ = find(&text, Convention::Unknown);
        }
    }

    fn grouped(cents: i64, group: char, decimal: char) -> String {
        let digits = (cents.abs() / 100).to_string();
        let mut printed = String::new();
        for (index, digit) in digits.chars().enumerate() {
            if index > 0 && (digits.len() - index).is_multiple_of(3) {
                printed.push(group);
            }
            printed.push(digit);
        }
        format!("{}{printed}{decimal}{:02}", if cents < 0 { "-" } else { "" }, cents.abs() % 100)
    }
}
