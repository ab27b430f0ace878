//! Identifiers with an inner structure: bank accounts, tax numbers, document numbers.

use std::ops::Range;

use crate::text;

/// Countries with bank accounts by ISO 13616, and the length of their numbers.
const IBAN_LENGTHS: &[(&str, usize)] = &[
    ("AD", 24),
    ("AE", 23),
    ("AL", 28),
    ("AT", 20),
    ("AZ", 28),
    ("BA", 20),
    ("BE", 16),
    ("BG", 22),
    ("BH", 22),
    ("BR", 29),
    ("CH", 21),
    ("CR", 22),
    ("CY", 28),
    ("CZ", 24),
    ("DE", 22),
    ("DK", 18),
    ("DO", 28),
    ("EE", 20),
    ("EG", 29),
    ("ES", 24),
    ("FI", 18),
    ("FO", 18),
    ("FR", 27),
    ("GB", 22),
    ("GE", 22),
    ("GI", 23),
    ("GL", 18),
    ("GR", 27),
    ("HR", 21),
    ("HU", 28),
    ("IE", 22),
    ("IL", 23),
    ("IS", 26),
    ("IT", 27),
    ("JO", 30),
    ("KW", 30),
    ("KZ", 20),
    ("LB", 28),
    ("LI", 21),
    ("LT", 20),
    ("LU", 20),
    ("LV", 21),
    ("MC", 27),
    ("MD", 24),
    ("ME", 22),
    ("MK", 19),
    ("MT", 31),
    ("NL", 18),
    ("NO", 15),
    ("PK", 24),
    ("PL", 28),
    ("PT", 25),
    ("QA", 29),
    ("RO", 24),
    ("RS", 22),
    ("SA", 24),
    ("SE", 24),
    ("SI", 19),
    ("SK", 24),
    ("SM", 27),
    ("TN", 24),
    ("TR", 26),
    ("UA", 29),
];

/// Prefixes of VAT numbers in Europe, with the fewest and most characters behind them.
const VAT_PREFIXES: &[(&str, usize, usize)] = &[
    ("AT", 9, 9),
    ("BE", 9, 10),
    ("BG", 9, 10),
    ("CHE", 9, 9),
    ("CY", 9, 9),
    ("CZ", 8, 10),
    ("DE", 9, 9),
    ("DK", 8, 8),
    ("EE", 9, 9),
    ("EL", 9, 9),
    ("ES", 9, 9),
    ("FI", 8, 8),
    ("FR", 11, 11),
    ("GB", 9, 12),
    ("HR", 11, 11),
    ("HU", 8, 8),
    ("IE", 8, 9),
    ("IT", 11, 11),
    ("LT", 9, 12),
    ("LU", 8, 8),
    ("LV", 11, 11),
    ("MT", 8, 8),
    ("NL", 12, 12),
    ("NO", 9, 9),
    ("PL", 10, 10),
    ("PT", 9, 9),
    ("RO", 2, 10),
    ("SE", 12, 12),
    ("SI", 8, 8),
    ("SK", 10, 10),
];

/// A number found in a text.
#[derive(Debug, Clone, PartialEq)]
pub struct Identifier {
    /// Without spaces and punctuation, in upper case.
    pub value: String,
    /// Bytes of the text.
    pub range: Range<usize>,
    /// Whether its check digits are right, where it has any.
    pub is_checked: bool,
}

/// Finds an international bank account number; its check digits may be wrong (a misread letter), then
/// `is_checked` is false.
pub fn find_iban(text: &str) -> Option<Identifier> {
    let mut best: Option<Identifier> = None;
    for (start, _) in text.char_indices().filter(|(at, _)| starts_word(text, *at)) {
        let Some(candidate) = iban_at(text, start) else { continue };
        if candidate.is_checked {
            return Some(candidate);
        }
        best = best.or(Some(candidate));
    }
    best
}

fn iban_at(text: &str, start: usize) -> Option<Identifier> {
    let country = text.get(start..start + 2)?;
    let length = IBAN_LENGTHS.iter().find(|(code, _)| *code == country).map(|(_, length)| *length)?;
    let (value, end) = take_characters(text, start, length)?;
    let digits = value.chars().filter(char::is_ascii_digit).count();
    let checks = value.get(2..4)?.chars().all(|c| c.is_ascii_digit());
    let ends_word = !text.get(end..)?.starts_with(|c: char| c.is_alphanumeric());
    (digits * 2 >= length && checks && ends_word).then(|| Identifier {
        is_checked: has_iban_checksum(&value),
        value,
        range: start..end,
    })
}

/// Whether the check digits of an account number without spaces are right (ISO 7064, MOD 97-10).
pub fn has_iban_checksum(iban: &str) -> bool {
    if !iban.is_ascii() || iban.len() < 5 {
        return false;
    }
    let (head, tail) = iban.split_at(4);
    let mut remainder = 0u32;
    for c in tail.chars().chain(head.chars()) {
        let Some(value) = c.to_digit(36) else { return false };
        let scale = if value > 9 { 100 } else { 10 };
        remainder = (remainder * scale + value) % 97;
    }
    remainder == 1
}

/// Finds a European VAT number with its country prefix, spaces and points inside allowed (`DE 232 446 240`).
pub fn find_vat_number(text: &str) -> Option<Identifier> {
    text.char_indices()
        .filter(|(at, _)| starts_word(text, *at))
        .find_map(|(start, _)| vat_number_at(text, start))
}

fn vat_number_at(text: &str, start: usize) -> Option<Identifier> {
    let rest = text.get(start..)?;
    let (prefix, least, most) = VAT_PREFIXES.iter().find(|(prefix, ..)| rest.starts_with(prefix))?;
    (*least..=*most).rev().filter(|length| *length > 7).find_map(|length| {
        let (value, end) = take_characters(text, start, prefix.len() + length)?;
        let body = value.get(prefix.len()..)?;
        let digits = body.chars().filter(char::is_ascii_digit).count();
        let ends_word = !text.get(end..)?.starts_with(|c: char| c.is_alphanumeric());
        // All but the key letters of France, Spain, the Netherlands, Ireland and Austria are digits.
        let letters_allowed = if matches!(*prefix, "FR" | "ES" | "IE") {
            2
        } else {
            usize::from(matches!(*prefix, "NL" | "AT" | "CY"))
        };
        (ends_word && digits + letters_allowed >= body.len()).then_some(Identifier {
            value,
            range: start..end,
            is_checked: false,
        })
    })
}

/// Takes `count` letters and digits from `start` on, past spaces, points and hyphens; the end is in bytes.
fn take_characters(text: &str, start: usize, count: usize) -> Option<(String, usize)> {
    let mut value = String::with_capacity(count);
    for (at, c) in text.get(start..)?.char_indices() {
        match c {
            c if c.is_ascii_alphanumeric() => value.push(c.to_ascii_uppercase()),
            ' ' | '.' | '-' | '\u{a0}' => {}
            _ => return None,
        }
        if value.len() == count {
            return Some((value, start + at + c.len_utf8()));
        }
    }
    None
}

fn starts_word(text: &str, at: usize) -> bool {
    !text.get(..at).and_then(|before| before.chars().next_back()).is_some_and(char::is_alphanumeric)
}

/// The tax number a text starts with, behind its label: letters, digits and signs with at least five digits, up to
/// a wide stop. Any country's: `000655628917`, `06AABCO6063D1ZQ`, `12-3456789`, `FR 604 219 388 61`.
pub fn tax_number(text: &str) -> Option<Identifier> {
    if let Some(found) = find_vat_number(text) {
        return Some(found);
    }
    let start = text.find(|c: char| c.is_alphanumeric() && !matches!(c, 'º' | 'ª'))?;
    let mut end = start;
    let mut digits = 0;
    for word in text.get(start..)?.split_inclusive(' ') {
        let bare = word.trim_end();
        let word_digits = bare.chars().filter(char::is_ascii_digit).count();
        let in_form = bare.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '/'));
        let is_prefix =
            end == start && (2..=3).contains(&bare.len()) && bare.chars().all(|c| c.is_ascii_uppercase());
        if !(in_form && (word_digits * 3 >= bare.len() || is_prefix) && (digits < 9 || end == start)) {
            // A closing bracket or comma ends the number but belongs to no word behind it.
            let clean = bare.trim_end_matches([')', ',', ';', ']']);
            let clean_digits = clean.chars().filter(char::is_ascii_digit).count();
            if end == start
                && clean_digits * 2 >= clean.len()
                && clean.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '/'))
            {
                digits += clean_digits;
                end += clean.len();
            }
            break;
        }
        digits += word_digits;
        end += word.len();
    }
    let printed = text.get(start..end)?.trim_end_matches([' ', '-', '.', '/']);
    let value: String =
        printed.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_uppercase();
    ((5..=20).contains(&value.len()) && digits >= 5).then(|| Identifier {
        value,
        range: start..start + printed.len(),
        is_checked: false,
    })
}

/// The document number a text starts with, behind its label: one word (or several joined by signs) with a digit.
///
/// `reach` is how many words may be read: `CS 24198` and `RE-20151008/504` are numbers, `3 items of` is not.
pub fn document_number(text: &str) -> Option<Identifier> {
    // The raised letter of "n.º" is one to Unicode.
    let body = text.trim_start_matches(|c: char| !c.is_alphanumeric() || matches!(c, 'º' | 'ª'));
    let start = text.len() - body.len();
    let mut words = body.split(' ').filter(|word| !word.is_empty()).peekable();
    // "č. 240317"
    let is_sign = |word: &&str| NUMBER_SIGNS.contains(&trim_number(word).to_lowercase().as_str());
    words.next_if(is_sign);
    let first = trim_number(words.next()?);
    let second = words.next().map(trim_number);
    if has_number_form(first) {
        return Some(number(first, start + body.find(first)?));
    }
    let second = second.filter(|second| {
        has_number_form(second) && second.chars().filter(char::is_ascii_digit).count() >= 3
    })?;
    let is_prefix = (1..=5).contains(&first.len()) && first.chars().all(|c| c.is_ascii_uppercase());
    let at = body.find(first)?;
    let end = body.find(second)? + second.len();
    is_prefix.then(|| number(body.get(at..end).unwrap_or_default(), start + at))
}

/// Words in front of a number that say it is one, in lower case.
const NUMBER_SIGNS: &[&str] = &["č", "nr", "no", "n", "num", "nro", "c"];

/// A number in groups of digits, where nothing else is in the text: `7700 3312`.
pub fn spaced_number(text: &str) -> Option<Identifier> {
    let start = text.find(|c: char| c.is_ascii_digit())?;
    let before = text.get(..start)?;
    let body = text.get(start..)?.trim_end();
    let groups: Vec<&str> = body.split(' ').collect();
    let is_group = |group: &&str| (2..=5).contains(&group.len()) && group.chars().all(|c| c.is_ascii_digit());
    let is_whole = before.chars().all(|c| !c.is_alphanumeric()) && !before.contains(['+', '(']);
    ((2..=4).contains(&groups.len()) && is_whole && groups.iter().all(is_group)).then(|| number(body, start))
}

fn number(printed: &str, start: usize) -> Identifier {
    Identifier { value: printed.to_owned(), range: start..start + printed.len(), is_checked: false }
}

fn trim_number(word: &str) -> &str {
    word.trim_matches(|c: char| !c.is_alphanumeric())
}

/// Whether a word can be a document number: it has a digit, is no amount, date or percentage.
fn has_number_form(word: &str) -> bool {
    let digits = word.chars().filter(char::is_ascii_digit).count();
    // "2x" says how many.
    let is_count =
        word.strip_suffix(['x', 'X', '×']).is_some_and(|count| count.len() <= 2 && count.len() == digits);
    let in_form = word
        .chars()
        .all(|c| c.is_alphanumeric() || matches!(c, '-' | '/' | '.' | '_' | '#' | '\\' | ':' | '+'));
    let is_amount = word.contains(['.', ','])
        && super::amounts::parse(word, super::amounts::Convention::Unknown).is_some();
    let is_date = super::dates::parse(word, super::dates::Order::DayFirst)
        .is_some_and(|found| found.range.len() == word.len() && word.contains(['/', '.', '-']));
    let is_time = super::dates::find_time(word).is_some_and(|(_, range)| range.len() == word.len());
    digits >= 1
        && !is_count
        && word.len() <= 40
        && in_form
        && !is_amount
        && !is_date
        && !is_time
        && !text::compact(word).is_empty()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn account_numbers_are_found_and_checked() {
        let found = find_iban("IBAN: DE34 5019 0000 0012 3456 78").expect("it is there");
        assert_eq!(found.value, "DE34501900000012345678");
        assert!(found.is_checked);
        assert!(find_iban("IBAN: DE34 5019 0000 0012 3456 79").is_some_and(|found| !found.is_checked));
        assert!(find_iban("IBAN DE88200800000970375700").is_some_and(|found| found.is_checked));
        assert!(
            find_iban("IBAN NL50INGB0683251309 KvK").is_some_and(|found| found.value == "NL50INGB0683251309")
        );
        assert_eq!(find_iban("FR76 ******"), None);
    }

    #[test]
    fn vat_numbers_are_found_with_spaces_inside() {
        let found = |text: &str| find_vat_number(text).map(|found| found.value);
        assert_eq!(found("UStId DE 232 446 240").as_deref(), Some("DE232446240"));
        assert_eq!(found("BTW NL810433941B01").as_deref(), Some("NL810433941B01"));
        assert_eq!(found("communautaire: FR 604 219 388 61").as_deref(), Some("FR60421938861"));
        assert_eq!(found("DEPARTMENT 12"), None);
    }

    #[test]
    fn tax_numbers_of_any_country_follow_their_label() {
        let found = |text: &str| tax_number(text).map(|found| found.value);
        assert_eq!(found(": 000849813504").as_deref(), Some("000849813504"));
        assert_eq!(found("06AABCO6063D1ZQ").as_deref(), Some("06AABCO6063D1ZQ"));
        assert_eq!(found("000465809408)").as_deref(), Some("000465809408"));
        assert_eq!(found("included"), None);
    }

    #[test]
    fn document_numbers_have_a_digit_and_are_no_date() {
        let found = |text: &str| document_number(text).map(|found| found.value);
        assert_eq!(found(": RE-20151008/504 von").as_deref(), Some("RE-20151008/504"));
        assert_eq!(found("CS 24198").as_deref(), Some("CS 24198"));
        assert_eq!(found(" 42183017").as_deref(), Some("42183017"));
        assert_eq!(spaced_number(": 7700 3312").map(|found| found.value).as_deref(), Some("7700 3312"));
        assert_eq!(spaced_number("7700 of 3312"), None);
        assert_eq!(found("č. 240317").as_deref(), Some("240317"));
        assert_eq!(found("25/12/2018"), None);
        assert_eq!(found("12.50"), None);
        assert_eq!(found("to be paid"), None);
    }

    proptest! {
        #[test]
        fn a_changed_digit_breaks_the_checksum(position in 4usize..22, change in 1u32..10) {
            let valid = "DE88200800000970375700";
            prop_assert!(has_iban_checksum(valid));
            let changed: String = valid.chars().enumerate().map(|(index, c)| match c.to_digit(10) {
                Some(digit) if index == position => char::from_digit((digit + change) % 10, 10).unwrap_or(c),
                _ => c,
            }).collect();
            prop_assert!(changed == valid || !has_iban_checksum(&changed));
        }

        #[test]
        fn any_text_is_read_without_panic(text in "\\PC{0,40}") {
            let _ = (find_iban(&text), find_vat_number(&text), tax_number(&text), document_number(&text));
        }
    }
}
