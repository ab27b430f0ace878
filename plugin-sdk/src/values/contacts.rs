//! E-mail addresses, web addresses and telephone numbers.

use std::ops::Range;

/// Finds an e-mail address; in lower case.
pub fn find_email(text: &str) -> Option<(String, Range<usize>)> {
    let at = text.char_indices().filter(|(_, c)| *c == '@').map(|(at, _)| at);
    at.into_iter().find_map(|at| {
        let is_local = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '+' | '%');
        let before = text.get(..at)?;
        let start = before.trim_end_matches(is_local).len();
        let after = text.get(at + 1..)?;
        let domain_length = after
            .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-')))
            .unwrap_or(after.len());
        let domain = after.get(..domain_length)?.trim_end_matches(['.', '-']);
        let (name, suffix) = domain.rsplit_once('.')?;
        let valid = start < at
            && !name.is_empty()
            && suffix.len() >= 2
            && suffix.chars().all(|c| c.is_ascii_alphabetic());
        let range = start..at + 1 + domain.len();
        valid.then(|| (text.get(range.clone()).unwrap_or_default().to_lowercase(), range))
    })
}

/// Finds a web address (`https://…`, `www.…`), without the punctuation around it; in lower case.
pub fn find_website(text: &str) -> Option<(String, Range<usize>)> {
    let mut at = 0;
    for word in text.split_inclusive(char::is_whitespace) {
        let start = at;
        at += word.len();
        let lower = word.to_ascii_lowercase();
        let Some(offset) =
            ["https://", "http://", "www."].iter().filter_map(|prefix| lower.find(prefix)).min()
        else {
            continue;
        };
        let address = lower
            .get(offset..)
            .unwrap_or_default()
            .trim_end()
            .trim_end_matches(|c: char| !c.is_alphanumeric() && c != '/');
        if address.matches('.').count() >= 1 {
            let range = start + offset..start + offset + address.len();
            return Some((address.to_owned(), range));
        }
    }
    None
}

/// Finds a telephone number: seven to fifteen digits with the signs that are used between them. The value keeps
/// the leading `+` and the digits.
pub fn find_phone(text: &str) -> Option<(String, Range<usize>)> {
    let is_part = |c: char| c.is_ascii_digit() || matches!(c, '+' | '(' | ')' | ' ' | '-' | '.' | '/');
    let mut at = 0;
    while let Some(offset) =
        text.get(at..).and_then(|rest| rest.find(|c: char| c.is_ascii_digit() || matches!(c, '+' | '(')))
    {
        let start = at + offset;
        let rest = text.get(start..)?;
        let length = rest.find(|c: char| !is_part(c)).unwrap_or(rest.len());
        let printed = rest.get(..length)?.trim_end_matches([' ', '-', '.', '/', '(', '+']);
        let digits: String = printed.chars().filter(char::is_ascii_digit).collect();
        let follows_word = text
            .get(..start)
            .and_then(|before| before.chars().next_back())
            .is_some_and(char::is_alphanumeric);
        if (7..=15).contains(&digits.len()) && !follows_word {
            let sign = if printed.starts_with('+') { "+" } else { "" };
            return Some((format!("{sign}{digits}"), start..start + printed.len()));
        }
        at = start + length.max(1);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_numbers_are_found_in_running_text() {
        let value = |found: Option<(String, Range<usize>)>| found.map(|(value, _)| value);
        assert_eq!(value(find_email("E-MAIL: INFO@shop.co.uk, TEL")).as_deref(), Some("info@shop.co.uk"));
        assert_eq!(value(find_email("@twitter")), None);
        assert_eq!(value(find_website("see WWW.SHOP.COM.")).as_deref(), Some("www.shop.com"));
        assert_eq!(value(find_phone("Tel. +49 6051 916 44 10 Fax")).as_deref(), Some("+4960519164410"));
        assert_eq!(value(find_phone("TEL 07-3523888")).as_deref(), Some("073523888"));
        assert_eq!(value(find_phone("12 34")), None);
    }
}
