//! Currencies by sign, code and local abbreviation.

/// Codes of ISO 4217 as they are printed beside amounts.
const CODES: &[&str] = &[
    "USD", "EUR", "GBP", "JPY", "CNY", "INR", "AUD", "CAD", "CHF", "SEK", "NOK", "DKK", "PLN", "CZK", "HUF",
    "RON", "BGN", "TRY", "RUB", "UAH", "ILS", "AED", "SAR", "QAR", "ZAR", "NGN", "KES", "EGP", "MYR", "SGD",
    "THB", "IDR", "PHP", "VND", "HKD", "TWD", "KRW", "NZD", "BRL", "MXN", "ARS", "CLP", "COP", "PEN", "ISK",
    "PKR", "BDT", "LKR",
];

/// Signs and local abbreviations. A bare `$` is taken for the US dollar.
const SIGNS: &[(&str, &str)] = &[
    ("US$", "USD"),
    ("A$", "AUD"),
    ("AU$", "AUD"),
    ("C$", "CAD"),
    ("CA$", "CAD"),
    ("HK$", "HKD"),
    ("NZ$", "NZD"),
    ("NT$", "TWD"),
    ("S$", "SGD"),
    ("R$", "BRL"),
    ("MX$", "MXN"),
    ("$", "USD"),
    ("€", "EUR"),
    ("£", "GBP"),
    ("¥", "JPY"),
    ("￥", "JPY"),
    ("円", "JPY"),
    ("₹", "INR"),
    ("฿", "THB"),
    ("บาท", "THB"),
    ("₫", "VND"),
    ("₩", "KRW"),
    ("₺", "TRY"),
    ("₽", "RUB"),
    ("₱", "PHP"),
    ("₪", "ILS"),
    ("₴", "UAH"),
    ("zł", "PLN"),
    ("Kč", "CZK"),
    ("RM", "MYR"),
    ("Rs.", "INR"),
    ("Rs", "INR"),
    ("Rp", "IDR"),
    ("Ft", "HUF"),
    ("lei", "RON"),
    ("Fr.", "CHF"),
    ("SFr.", "CHF"),
    ("kr.", "DKK"),
    ("kr", "SEK"),
    ("Euro", "EUR"),
    ("EURO", "EUR"),
    ("EUROS", "EUR"),
    ("euro", "EUR"),
    ("Eur", "EUR"),
    ("euros", "EUR"),
    ("eur", "EUR"),
];

/// Words for currencies in running text.
const NAMES: &[(&str, &str)] = &[
    ("us dollar", "USD"),
    ("euros", "EUR"),
    ("euro", "EUR"),
    ("pounds sterling", "GBP"),
    ("ringgit", "MYR"),
    ("rupees", "INR"),
    ("baht", "THB"),
    ("swiss franc", "CHF"),
    ("rupiah", "IDR"),
];

/// The ISO 4217 code of a text that is a currency sign, code or name.
pub fn parse(text: &str) -> Option<&'static str> {
    let text = text.trim();
    let upper = text.to_uppercase();
    let code = CODES.iter().find(|code| **code == upper).copied();
    let sign = || SIGNS.iter().find(|(sign, _)| *sign == text).map(|(_, code)| *code);
    let name = || NAMES.iter().find(|(name, _)| *name == text.to_lowercase()).map(|(_, code)| *code);
    code.or_else(sign).or_else(name)
}

/// The currency that a text ends with, and the number of bytes from its first letter to the end of the text.
pub fn at_end(text: &str) -> Option<(&'static str, usize)> {
    let trimmed = text.trim_end_matches([' ', '\u{a0}', ':', '-', '−']);
    // A colon or more than a space between sign and number means they are label and value.
    if text.len() - trimmed.len() > 2
        || text.get(trimmed.len()..).is_some_and(|between| between.contains(':'))
    {
        return None;
    }
    let (code, length) = ending(trimmed)?;
    Some((code, text.len() - trimmed.len() + length))
}

/// The currency that a text starts with, and the number of bytes up to its last letter.
pub fn at_start(text: &str) -> Option<(&'static str, usize)> {
    let trimmed = text.trim_start_matches([' ', '\u{a0}']);
    let skipped = text.len() - trimmed.len();
    let candidates = SIGNS.iter().copied().chain(CODES.iter().map(|code| (*code, *code)));
    candidates
        .filter(|(sign, _)| {
            trimmed.starts_with(sign)
                && is_free(sign, trimmed.get(sign.len()..).and_then(|rest| rest.chars().next()))
        })
        .filter(|(sign, _)| !precedes_number(trimmed.get(sign.len()..).unwrap_or_default()))
        .max_by_key(|(sign, _)| sign.len())
        .map(|(sign, code)| (code, skipped + sign.len()))
}

/// Currencies named in a text: signs, codes and names, each time it occurs.
pub fn mentions(text: &str) -> Vec<&'static str> {
    let mut found = Vec::new();
    for word in text.split(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | '/' | ':' | '[' | ']')) {
        // "kr." is Danish, "kr" is not.
        if let Some((_, code)) = SIGNS.iter().find(|(sign, _)| sign.ends_with('.') && *sign == word) {
            found.push(*code);
            continue;
        }
        let word = word.trim_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | ',' | '-' | '\''));
        if word.is_empty() {
            continue;
        }
        let code = CODES.iter().find(|code| **code == word).copied();
        let sign = SIGNS.iter().find(|(sign, _)| *sign == word).map(|(_, code)| *code);
        found.extend(code.or(sign));
    }
    let lower = text.to_lowercase();
    let is_word = |name: &str| lower.split(|c: char| !c.is_alphabetic()).any(|word| word == name);
    // "Euro" is a part of names.
    let is_named = |name: &str| {
        if name.contains(' ') { lower.contains(name) } else { !name.starts_with("euro") && is_word(name) }
    };
    found.extend(NAMES.iter().filter(|(name, _)| is_named(name)).map(|(_, code)| *code));
    // Thai has no spaces: "ห้าพันบาทถ้วน".
    found.extend(lower.contains("บาท").then_some("THB"));
    found
}

/// Whether a number follows, which the sign then belongs to: `400 RM2.39`.
fn precedes_number(rest: &str) -> bool {
    rest.trim_start().starts_with(|c: char| c.is_ascii_digit())
}

fn ending(text: &str) -> Option<(&'static str, usize)> {
    let candidates = SIGNS.iter().copied().chain(CODES.iter().map(|code| (*code, *code)));
    candidates
        .filter(|(sign, _)| {
            let before = text.len().checked_sub(sign.len()).and_then(|at| text.get(..at));
            text.ends_with(sign) && is_free(sign, before.and_then(|before| before.chars().next_back()))
        })
        .max_by_key(|(sign, _)| sign.len())
        .map(|(sign, code)| (code, sign.len()))
}

/// Whether a sign of letters is a word of its own: the neighbour is no letter.
fn is_free(sign: &str, neighbour: Option<char>) -> bool {
    !sign.chars().any(char::is_alphabetic) || !neighbour.is_some_and(char::is_alphabetic)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_codes_and_names_become_iso_codes() {
        for (text, code) in
            [("€", "EUR"), ("RM", "MYR"), ("usd", "USD"), ("US$", "USD"), ("zł", "PLN"), ("Euro", "EUR")]
        {
            assert_eq!(parse(text), Some(code), "{text}");
        }
        assert_eq!(parse("room"), None);
    }

    #[test]
    fn letters_inside_a_word_are_no_currency() {
        assert_eq!(at_end("FARM"), None);
        assert_eq!(at_end("TOTAL RM"), Some(("MYR", 2)));
        assert_eq!(at_start(" EUROPE"), None);
        assert_eq!(mentions("AMOUNT(RM) and US Dollars"), ["MYR", "USD"]);
    }
}
