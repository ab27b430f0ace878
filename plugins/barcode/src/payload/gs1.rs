//! Element strings of GS1: application identifiers with their values, as the General Specifications have them.

use ocriva_plugin_sdk::Barcode;
use ocriva_plugin_sdk::serde_json::{Map, Value};
use ocriva_plugin_sdk::values::check_digits;
use ocriva_plugin_sdk::values::dates::Date;

use super::{PLAIN, Payload, WRONG, is_digits};

/// FNC1 between elements.
const SEPARATOR: char = '\u{1d}';

/// Lengths, with their identifiers, of the elements that need no separator, by the first two digits.
const FIXED: [(&str, usize); 22] = [
    ("00", 20),
    ("01", 16),
    ("02", 16),
    ("03", 16),
    ("04", 18),
    ("11", 8),
    ("12", 8),
    ("13", 8),
    ("14", 8),
    ("15", 8),
    ("16", 8),
    ("17", 8),
    ("18", 8),
    ("19", 8),
    ("20", 4),
    ("31", 10),
    ("32", 10),
    ("33", 10),
    ("34", 10),
    ("35", 10),
    ("36", 10),
    ("41", 16),
];

/// Longest value of an element.
const LONGEST: usize = 90;

/// Most elements of a code.
const MOST: usize = 40;

/// The year that dates are taken to be near of where the day is not told.
const USUAL_YEAR: i32 = 2026;

/// What an identifier stands for among the plugin's fields.
const FIELDS: [(&str, &str); 18] = [
    ("00", "sscc"),
    ("01", "gtin"),
    ("02", "contentGtin"),
    ("10", "lot"),
    ("11", "productionDate"),
    ("12", "dueDate"),
    ("13", "packagingDate"),
    ("15", "bestBefore"),
    ("16", "sellBy"),
    ("17", "expiryDate"),
    ("21", "serialNumber"),
    ("30", "count"),
    ("37", "count"),
    ("240", "articleNumber"),
    ("241", "articleNumber"),
    ("400", "orderNumber"),
    ("410", "shipTo"),
    ("420", "postalCode"),
];

/// Reads the elements of a code: of one whose symbol says that it is GS1's, or of one that writes its identifiers in
/// brackets.
pub fn read(code: &Barcode, today: Option<Date>) -> Option<Payload> {
    let elements = if code.is_gs1() { elements(&code.text) } else { bracketed(&code.text)? };
    let mut payload = Payload::new("gs1");
    let elements = match elements {
        Ok(elements) => elements,
        Err(rest) => {
            payload.malformed(format!("`{rest}` does not begin with an application identifier"));
            return Some(payload);
        }
    };
    for (identifier, value) in &elements {
        element(&mut payload, identifier, value, today);
    }
    let all: Map<String, Value> =
        elements.iter().map(|(identifier, value)| ((*identifier).to_owned(), Value::from(*value))).collect();
    payload.add("elements", all, PLAIN);
    Some(payload)
}

type Elements<'t> = Result<Vec<(&'t str, &'t str)>, String>;

/// Splits a text into identifiers and values.
fn elements(text: &str) -> Elements<'_> {
    let mut found = Vec::new();
    let mut rest = text.trim_start_matches(SEPARATOR);
    while !rest.is_empty() && found.len() < MOST {
        let split = identifier_length(rest).and_then(|length| {
            let fixed = rest.get(..2).and_then(|start| FIXED.iter().find(|(first, _)| *first == start));
            let end = match fixed {
                Some((_, total)) => *total,
                None => rest.find(SEPARATOR).unwrap_or(rest.len()),
            };
            let value = rest.get(length..end).filter(|value| !value.is_empty() && value.len() <= LONGEST)?;
            Some((rest.get(..length)?, value, rest.get(end..)?))
        });
        let Some((identifier, value, behind)) = split else {
            return Err(rest.chars().take(20).collect());
        };
        found.push((identifier, value));
        rest = behind.trim_start_matches(SEPARATOR);
    }
    Ok(found)
}

/// Splits a text such as `(01)04006381333931(10)AB12`; `None` for any other.
fn bracketed(text: &str) -> Option<Elements<'_>> {
    let mut found = Vec::new();
    let mut rest = text.trim().strip_prefix('(')?;
    while found.len() < MOST {
        let (identifier, behind) = rest.split_once(')')?;
        if !(2..=4).contains(&identifier.len()) || identifier_length(identifier) != Some(identifier.len()) {
            return None;
        }
        // A bracket may be in a value; one with an identifier begins the next element.
        let next = behind.match_indices('(').find(|(at, _)| {
            let inside = behind.get(at + 1..).and_then(|inside| inside.split_once(')'));
            inside.is_some_and(|(next, _)| identifier_length(next) == Some(next.len()))
        });
        let Some((at, _)) = next else {
            found.push((identifier, behind));
            return Some(Ok(found));
        };
        found.push((identifier, behind.get(..at)?));
        rest = behind.get(at + 1..)?;
    }
    Some(Ok(found))
}

/// Digits of the identifier that a text begins with.
fn identifier_length(text: &str) -> Option<usize> {
    let length = match text.get(..2)? {
        "00" | "01" | "02" | "03" | "04" | "10" | "11" | "12" | "13" | "15" | "16" | "17" | "20" | "21"
        | "22" | "30" | "37" => 2,
        start if start.starts_with('9') => 2,
        "23" | "24" | "25" | "40" | "41" | "42" | "71" => 3,
        "31" | "32" | "33" | "34" | "35" | "36" | "39" | "43" | "70" | "72" | "80" | "81" | "82" => 4,
        _ => return None,
    };
    text.get(..length).is_some_and(is_digits).then_some(length)
}

fn element(payload: &mut Payload, identifier: &str, value: &str, today: Option<Date>) {
    let field = FIELDS.iter().find(|(known, _)| *known == identifier).map(|(_, field)| *field);
    match (identifier, field) {
        ("00" | "01" | "02", Some(field)) => {
            let what = if identifier == "00" { "SSCC" } else { "GTIN" };
            payload.checked(field, value, check_digits::is_gs1_number(value), what);
        }
        ("410", Some(field)) => {
            payload.checked(field, value, check_digits::is_gs1_number(value), "location number");
        }
        ("11" | "12" | "13" | "15" | "16" | "17", Some(field)) => match date(value, today) {
            Some(date) => payload.add(field, date.to_string(), PLAIN),
            None => payload.invalid(field, format!("`{value}` is not a date")),
        },
        ("30" | "37", Some(field)) => match value.parse::<u32>() {
            Ok(count) => payload.add(field, count, PLAIN),
            Err(_) => payload.invalid(field, format!("`{value}` is not a count")),
        },
        (_, Some(field)) => payload.text(field, value),
        (_, None) => measured(payload, identifier, value),
    }
}

/// Weights and prices, whose identifier's last digit says how many decimals they have.
fn measured(payload: &mut Payload, identifier: &str, value: &str) {
    let Some((kind, decimals)) = identifier.split_at_checked(3).filter(|(_, decimals)| decimals.len() == 1)
    else {
        return;
    };
    let (field, number) = match kind {
        "310" => ("netWeightKg", value),
        "330" => ("grossWeightKg", value),
        "390" | "392" => ("amount", value),
        "391" | "393" => {
            let Some((currency, number)) = value.split_at_checked(3) else { return };
            if let Some(code) = currency_code(currency) {
                payload.add("currency", code, PLAIN);
            }
            ("amount", number)
        }
        _ => return,
    };
    let scale = decimals.parse().map(|decimals| 10_f64.powi(decimals));
    match (number.parse::<f64>(), scale) {
        (Ok(number), Ok(scale)) if is_digits(value) => payload.add(field, number / scale, PLAIN),
        _ => {
            payload.add(field, value, WRONG);
            payload.invalid(field, format!("`{value}` is not a number"));
        }
    }
}

/// The letters of the most common currencies by their number in ISO 4217.
fn currency_code(number: &str) -> Option<&'static str> {
    Some(match number {
        "978" => "EUR",
        "756" => "CHF",
        "840" => "USD",
        "826" => "GBP",
        "752" => "SEK",
        "578" => "NOK",
        "208" => "DKK",
        "985" => "PLN",
        "203" => "CZK",
        "348" => "HUF",
        "036" => "AUD",
        "124" => "CAD",
        "392" => "JPY",
        _ => return None,
    })
}

/// A date of six digits. The century is the one that brings the year within fifty years of today's; day 00 is the last of
/// its month.
fn date(value: &str, today: Option<Date>) -> Option<Date> {
    if value.len() != 6 || !is_digits(value) {
        return None;
    }
    let number = |from: usize| value.get(from..from + 2)?.parse::<u32>().ok();
    let (year, month, day) = (number(0)?, number(2)?, number(4)?);
    let this_year = today.map_or(USUAL_YEAR, Date::year);
    let mut year = this_year - this_year % 100 + i32::try_from(year).ok()?;
    if year - this_year > 50 {
        year -= 100;
    } else if this_year - year >= 50 {
        year += 100;
    }
    match day {
        0 => (28..=31).rev().find_map(|last| Date::new(year, month, last)),
        day => Date::new(year, month, day),
    }
}
