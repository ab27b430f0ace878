//! Electronic invoices among documents: finds the XML that says exactly what the pages show, takes its values for the
//! template's, and warns where the pages say otherwise.

use std::sync::Arc;

use serde_json::Value;

use crate::decode::Document;
use crate::domain::extraction::{ExtractorOutput, Field, Warning};
use crate::domain::invoice::Invoice;
use crate::domain::page::PageText;
use crate::einvoice;

/// Where values of an electronic invoice come from.
const SOURCE: &str = "xml";

/// Amounts differ by more than the error of binary fractions.
const EQUAL_AMOUNTS: f64 = 0.005;

/// Below it, what was read from a page says too little to contradict anything.
const MIN_CONFIDENCE: f32 = 0.5;

/// Words that one number, date or name may be set in.
const MAX_WORDS: usize = 3;

/// Fields that are compared with the pages, and how.
const COMPARED: [(&str, Kind); 12] = [
    ("invoiceNumber", Kind::Code),
    ("invoiceDate", Kind::Date),
    ("dueDate", Kind::Date),
    ("supplierName", Kind::Name),
    ("supplierTaxId", Kind::Code),
    ("customerName", Kind::Name),
    ("iban", Kind::Code),
    ("currency", Kind::Code),
    ("subtotal", Kind::Amount),
    ("taxAmount", Kind::Amount),
    ("total", Kind::Amount),
    ("amountDue", Kind::Amount),
];

/// What makes two values the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Letters and digits.
    Code,
    Date,
    /// One may be longer: pages often leave the legal form out.
    Name,
    Amount,
}

/// An electronic invoice that a document is, or carries.
#[derive(Debug)]
pub struct Electronic {
    /// What it says.
    pub invoice: Invoice,
    /// Whether the document has pages of its own beside it.
    pub has_pages: bool,
}

/// What was found in a document.
#[derive(Debug, Default)]
pub struct Found {
    /// The invoice, if there is one.
    pub electronic: Option<Electronic>,
    /// XML that should be an invoice and cannot be read.
    pub warnings: Vec<Warning>,
}

/// The invoice that XML is; `None` for any other, and for what cannot be read.
pub fn alone(text: &str) -> Option<Electronic> {
    let invoice = einvoice::read(text).ok().flatten()?;
    Some(Electronic { invoice, has_pages: false })
}

/// Looks for an invoice in the XML of a document, file by file in the order of how likely their names are; `max_bytes` is
/// how much is read of them all.
pub fn find(document: &Document, max_bytes: u64) -> Found {
    let mut places = document.xml_places();
    places.sort_by_cached_key(|place| place.name.as_deref().map_or(0, einvoice::name_rank));
    let mut found = Found::default();
    let mut left = max_bytes;
    for place in places {
        let Some(text) = document.xml(&place, left) else { continue };
        left = left.saturating_sub(text.len() as u64);
        match einvoice::read(&text) {
            Ok(Some(invoice)) => {
                found.electronic = Some(Electronic { invoice, has_pages: place.name.is_some() });
                break;
            }
            Ok(None) => {}
            Err(error) => {
                let name = place.name.unwrap_or_default();
                let message = format!("the document carries `{name}`, which cannot be read: {error}");
                found.warnings.push(warning("xml_unreadable", message, None, None));
            }
        }
    }
    found
}

impl Electronic {
    /// Takes the invoice's values into an extractor's answer; `schema` is the template's. `reading` is what the pages say
    /// to whoever reads invoices.
    pub fn merge(
        &self,
        output: &mut ExtractorOutput,
        schema: Option<&Value>,
        reading: Option<&ExtractorOutput>,
        pages: &[(u32, Arc<PageText>)],
    ) {
        let facts = einvoice::facts(&self.invoice);
        let schema = schema.filter(|schema| schema.get("properties").is_some_and(Value::is_object));
        let values = schema.map_or_else(|| facts.clone(), |schema| einvoice::fill(&facts, schema));
        // What did not add up on the page may be the reading's fault.
        output
            .warnings
            .retain(|warning| !warning.field.as_ref().is_some_and(|name| values.contains_key(name)));
        let named = |fact: &str| match schema {
            None => Some(fact.to_owned()),
            Some(schema) => einvoice::property_of(fact, schema),
        };
        let mismatches = reading.map(|reading| mismatches(&facts, reading, pages)).unwrap_or_default();
        for mut warning in einvoice::check(&self.invoice).into_iter().chain(mismatches) {
            warning.field = warning.field.and_then(|fact| named(&fact));
            output.warnings.push(warning);
        }
        for (name, value) in values {
            let read = output.fields.get(&name);
            let place = read.filter(|read| is_same(&read.value, &value));
            let field = Field {
                confidence: 1.0,
                page: place.and_then(|place| place.page),
                bbox: place.and_then(|place| place.bbox),
                text: place.and_then(|place| place.text.clone()),
                source: Some(SOURCE.to_owned()),
                value,
            };
            output.fields.insert(name, field);
        }
    }
}

/// What the pages say otherwise: the reading differs, and the invoice's value stands nowhere.
fn mismatches(
    facts: &serde_json::Map<String, Value>,
    reading: &ExtractorOutput,
    pages: &[(u32, Arc<PageText>)],
) -> Vec<Warning> {
    let compared = COMPARED.iter().filter_map(|(name, kind)| {
        let stated = facts.get(*name)?;
        let read = reading.fields.get(*name)?;
        let is_told = !read.value.is_null() && read.confidence >= MIN_CONFIDENCE;
        if !is_told
            || agrees(*kind, stated, &read.value)
            || pages.iter().any(|(_, page)| shows(*kind, stated, page))
        {
            return None;
        }
        let (stated, shown) = (plain(stated), plain(&read.value));
        let place = read.page.map_or_else(|| "on the pages".to_owned(), |page| format!("on page {page}"));
        let message =
            format!("`{name}` is `{stated}` in the XML and `{shown}` {place}; the XML's value is taken");
        Some(warning("xml_mismatch", message, Some(*name), read.page))
    });
    compared.collect()
}

fn warning(code: &str, message: String, field: Option<&str>, page: Option<u32>) -> Warning {
    Warning { code: code.to_owned(), message, field: field.map(str::to_owned), page }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => {
            number.as_f64().map_or_else(|| number.to_string(), |amount| format!("{amount:.2}"))
        }
        other => other.to_string(),
    }
}

/// Whether a value that was read is the invoice's: then its place is the value's place.
fn is_same(read: &Value, stated: &Value) -> bool {
    let kind = if stated.is_number() { Kind::Amount } else { Kind::Code };
    match stated {
        Value::String(_) | Value::Number(_) => agrees(kind, stated, read),
        _ => false,
    }
}

fn agrees(kind: Kind, stated: &Value, read: &Value) -> bool {
    if let (Some(stated), Some(read)) = (stated.as_f64(), read.as_f64()) {
        // Credit notes have their amounts with either sign.
        return (stated.abs() - read.abs()).abs() < EQUAL_AMOUNTS;
    }
    let (stated, read) = (folded(&plain(stated)), folded(&plain(read)));
    match kind {
        Kind::Name => stated.contains(&read) || read.contains(&stated),
        Kind::Code | Kind::Date | Kind::Amount => stated == read,
    }
}

/// Whether a value stands on a page in one of the forms that it is usually written in.
fn shows(kind: Kind, value: &Value, page: &PageText) -> bool {
    match kind {
        Kind::Code | Kind::Name => {
            let value = folded(&plain(value));
            let text: String = page.words.iter().map(|word| folded(&word.text)).collect();
            value.chars().count() >= 3 && text.contains(&value)
        }
        Kind::Amount => value.as_f64().is_some_and(|amount| {
            let cents = (amount.abs() * 100.0).round();
            let whole = (cents % 100.0 == 0.0).then(|| format!("{:.0}", cents / 100.0));
            let forms = [Some(format!("{cents:03.0}")), whole];
            any_run(page, |digits| forms.iter().flatten().any(|form| digits == form))
        }),
        Kind::Date => value.as_str().is_some_and(|date| shows_date(date, page)),
    }
}

/// Whether a date (`YYYY-MM-DD`) stands on a page, in digits or with the month in letters.
fn shows_date(date: &str, page: &PageText) -> bool {
    let mut parts = date.split('-');
    let (Some(year), Some(month), Some(day)) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    let short_year = year.get(2..).unwrap_or_default();
    let (short_month, short_day) = (month.trim_start_matches('0'), day.trim_start_matches('0'));
    let mut forms = vec![format!("{year}{month}{day}"), format!("{year}{day}"), format!("{short_day}{year}")];
    for year in [year, short_year] {
        forms.extend([format!("{day}{month}{year}"), format!("{month}{day}{year}")]);
        forms.extend([format!("{short_day}{short_month}{year}"), format!("{short_month}{short_day}{year}")]);
        forms.push(format!("{day}{year}"));
    }
    any_run(page, |digits| forms.iter().any(|form| digits == form))
}

/// Whether the digits of some words that follow one another on a line are what is wanted.
fn any_run(page: &PageText, is_wanted: impl Fn(&str) -> bool) -> bool {
    page.lines.iter().any(|line| {
        let words: Vec<String> = page
            .line_words(line)
            .iter()
            .map(|word| word.text.chars().filter(char::is_ascii_digit).collect())
            .collect();
        (1..=MAX_WORDS).any(|length| words.windows(length).any(|run| is_wanted(&run.concat())))
    })
}

/// Letters and digits in lower case.
fn folded(text: &str) -> String {
    text.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::geometry::Rect;
    use crate::domain::page::{Line, PageSize, TextSource, Unit, Word};

    fn page(text: &str) -> PageText {
        let word = |text: &str| Word {
            text: text.to_owned(),
            bbox: Rect::default(),
            confidence: 1.0,
            line: 0,
            block: 0,
        };
        let words: Vec<Word> = text.split(' ').map(word).collect();
        let line = Line { bbox: Rect::default(), first_word: 0, word_count: words.len() as u32, block: 0 };
        PageText {
            size: PageSize { width: 100.0, height: 100.0, unit: Unit::Point },
            turn: Default::default(),
            skew_degrees: 0.0,
            source: TextSource::TextLayer,
            words,
            lines: vec![line],
        }
    }

    #[track_caller]
    fn check(kind: Kind, value: Value, text: &str, expected: bool) {
        assert_eq!(shows(kind, &value, &page(text)), expected, "{value} in {text}");
    }

    #[test]
    fn amounts_stand_in_any_convention() {
        for text in ["1.234,50 EUR", "Total 1,234.50", "1 234,50", "€1'234.50"] {
            check(Kind::Amount, json!(1234.5), text, true);
        }
        check(Kind::Amount, json!(1234.5), "1.234,05", false);
        check(Kind::Amount, json!(496.0), "496 EUR", true);
        check(Kind::Amount, json!(0.5), "0,50", true);
    }

    #[test]
    fn dates_stand_in_digits_or_with_the_month_in_letters() {
        for text in ["31.01.2024", "2024-01-31", "1/31/24", "31. Januar 2024", "January 31, 2024"] {
            check(Kind::Date, json!("2024-01-31"), text, true);
        }
        check(Kind::Date, json!("2024-01-31"), "30.01.2024", false);
    }

    #[test]
    fn a_longer_name_is_the_same_name_and_another_is_not() {
        assert!(agrees(Kind::Name, &json!("Bei Spiel GmbH"), &json!("BEI SPIEL")));
        assert!(!agrees(Kind::Name, &json!("Bei Spiel GmbH"), &json!("Blue Heron")));
        assert!(agrees(Kind::Code, &json!("DE88200800000970375700"), &json!("DE88 2008 0000 0970 3757 00")));
    }
}
