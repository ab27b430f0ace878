//! The payment code (BCD) of the European Payments Council: EPC069-12, versions 001 and 002.

use ocriva_plugin_sdk::Barcode;
use ocriva_plugin_sdk::values::check_digits;

use super::characters::CharacterSet;
use super::{CHECKED, Payload, is_digits};

/// Most characters of the name, the purpose, the structured reference, the text and the information.
const NAME: usize = 70;
const PURPOSE: usize = 4;
const REFERENCE: usize = 35;
const TEXT: usize = 140;
const INFORMATION: usize = 70;

/// Most that can be paid.
const MOST: f64 = 999_999_999.99;

/// Reads a payment code.
pub fn read(code: &Barcode) -> Option<Payload> {
    let content = code.content();
    if !content.starts_with(b"BCD\n") && !content.starts_with(b"BCD\r\n") {
        return None;
    }
    let mut payload = Payload::new("epc_payment");
    // The head is ASCII in every character set, and says which one it is.
    let head: Vec<String> = content
        .split(|byte| *byte == b'\n')
        .take(4)
        .map(|line| String::from_utf8_lossy(line).trim().to_owned())
        .collect();
    let head_line = |index: usize| head.get(index).map_or("", String::as_str);
    let set = CharacterSet::numbered(head_line(2)).unwrap_or_else(|| {
        payload.invalid("name", format!("`{}` is not a character set from 1 to 8", head_line(2)));
        CharacterSet::Utf8
    });
    let text = set.decode(content);
    let lines: Vec<&str> = text.split('\n').map(|line| line.trim_end_matches('\r')).collect();
    let line = |index: usize| lines.get(index).copied().unwrap_or_default();

    let version = line(1);
    if !matches!(version, "001" | "002") {
        payload.malformed(format!("version `{version}` is neither 001 nor 002"));
    }
    if line(3) != "SCT" {
        payload.malformed(format!("`{}` is not the identification SCT", line(3)));
    }
    if lines.get(12..).unwrap_or_default().iter().any(|line| !line.trim().is_empty()) {
        payload.invalid("information", "there are more lines than a payment code has".to_owned());
    }
    limited(&mut payload, "name", line(5), NAME);
    if line(5).trim().is_empty() {
        payload.invalid("name", "there is no name".to_owned());
    }
    payload.iban(line(6));
    payload.bic(line(4));
    if version == "001" && line(4).trim().is_empty() {
        payload.invalid("bic", "version 001 needs a BIC".to_owned());
    }
    amount(&mut payload, line(7));
    limited(&mut payload, "purpose", line(8), PURPOSE);
    reference(&mut payload, line(9));
    if !line(9).trim().is_empty() && !line(10).trim().is_empty() {
        payload.invalid("reference", "there are both a structured reference and a text".to_owned());
    }
    limited(&mut payload, "message", line(10), TEXT);
    limited(&mut payload, "information", line(11), INFORMATION);
    Some(payload)
}

fn limited(payload: &mut Payload, name: &'static str, text: &str, most: usize) {
    payload.text(name, text);
    if text.trim().chars().count() > most {
        payload.invalid(name, format!("`{name}` has more than {most} characters"));
    }
}

/// `EUR12.3`: a point, and at most two decimals.
fn amount(payload: &mut Payload, text: &str) {
    let text = text.trim();
    if text.is_empty() {
        return;
    }
    let Some(number) = text.strip_prefix("EUR") else {
        return payload.invalid("amount", format!("`{text}` does not begin with EUR"));
    };
    payload.text("currency", "EUR");
    payload.amount(number);
    let paid = payload.get("amount").and_then(|entry| entry.value.as_f64());
    if paid.is_some_and(|paid| !(0.01..=MOST).contains(&paid)) {
        payload.invalid("amount", format!("`{number}` is not from 0.01 to 999999999.99"));
    }
}

/// A reference by ISO 11649, or one of the payee's own.
fn reference(payload: &mut Payload, text: &str) {
    let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    if text.is_empty() {
        return;
    }
    let is_standard = text.starts_with("RF") && text.get(2..4).is_some_and(is_digits);
    if is_standard {
        payload.checked("reference", &text, check_digits::is_creditor_reference(&text), "reference");
        payload.add("referenceType", "SCOR", CHECKED);
    } else {
        limited(payload, "reference", &text, REFERENCE);
    }
}
