//! The Swiss QR bill: "SPC", version 02xx, of the implementation guidelines of SIX.

use ocriva_plugin_sdk::Barcode;
use ocriva_plugin_sdk::values::check_digits;

use super::{CHECKED, Payload};

/// First lines of the creditor, of the amount, of the debtor, of the reference, and of what follows.
const IBAN: usize = 3;
const CREDITOR: usize = 4;
const AMOUNT: usize = 18;
const DEBTOR: usize = 20;
const REFERENCE: usize = 27;
const TRAILER: usize = 30;

/// Numbers of institutes whose accounts take payments with a QR reference only.
const QR_INSTITUTES: std::ops::RangeInclusive<u32> = 30_000..=31_999;

/// Reads a QR bill.
pub fn read(code: &Barcode) -> Option<Payload> {
    let content = String::from_utf8_lossy(code.content());
    let lines: Vec<&str> = content.split('\n').map(|line| line.trim_end_matches('\r')).collect();
    let line = |index: usize| lines.get(index).copied().unwrap_or_default().trim();
    if line(0) != "SPC" {
        return None;
    }
    let mut payload = Payload::new("swiss_qr_bill");
    if !line(1).starts_with("02") {
        payload.malformed(format!("version `{}` is not 02xx", line(1)));
    }
    if line(TRAILER) != "EPD" {
        payload.malformed("the trailer EPD is not where it should be".to_owned());
    }
    let part = |first: usize| -> Vec<&str> { (first..first + 7).map(line).collect() };
    party(&mut payload, "name", "address", &part(CREDITOR));
    if payload.get("name").is_none() {
        payload.invalid("name", "there is no name of the creditor".to_owned());
    }
    payload.iban(line(IBAN));
    if !matches!(line(IBAN).get(..2), Some("CH" | "LI")) {
        payload.invalid("iban", "the account is neither in Switzerland nor in Liechtenstein".to_owned());
    }
    if !line(AMOUNT).is_empty() {
        payload.amount(line(AMOUNT));
    }
    payload.text("currency", line(AMOUNT + 1));
    if !matches!(line(AMOUNT + 1), "CHF" | "EUR") {
        payload.invalid("currency", format!("`{}` is neither CHF nor EUR", line(AMOUNT + 1)));
    }
    party(&mut payload, "debtorName", "debtorAddress", &part(DEBTOR));
    reference(&mut payload, line(IBAN), line(REFERENCE), line(REFERENCE + 1));
    payload.text("message", line(REFERENCE + 2));
    payload.text("information", line(TRAILER + 1));
    Some(payload)
}

/// A party's name, and its address in one line: type, name, street, number, postal code, town, country; or (type K) two
/// lines in place of street and number, and postal code and town empty.
fn party(payload: &mut Payload, name: &'static str, address: &'static str, lines: &[&str]) {
    let &[kind, own_name, first, second, postal_code, town, country] = lines else { return };
    payload.text(name, own_name);
    let joined = |parts: &[&str], between: &str| {
        parts.iter().copied().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(between)
    };
    let street = if kind == "K" { joined(&[first, second], ", ") } else { joined(&[first, second], " ") };
    payload.text(address, &joined(&[&street, &joined(&[postal_code, town], " "), country], ", "));
}

fn reference(payload: &mut Payload, iban: &str, kind: &str, reference: &str) {
    match kind {
        "QRR" => {
            payload.checked(
                "reference",
                reference,
                check_digits::is_swiss_reference(reference),
                "QR reference",
            );
        }
        "SCOR" => {
            let is_right = check_digits::is_creditor_reference(reference);
            payload.checked("reference", reference, is_right, "reference");
        }
        "NON" if reference.is_empty() => {}
        "NON" => payload.invalid("reference", "there is a reference where there should be none".to_owned()),
        _ => {
            payload.invalid("referenceType", format!("`{kind}` is neither QRR, SCOR nor NON"));
            payload.text("reference", reference);
        }
    }
    payload.add("referenceType", kind, CHECKED);
    let institute = iban.get(4..9).and_then(|digits| digits.parse::<u32>().ok());
    let wants_qr = institute.is_some_and(|institute| QR_INSTITUTES.contains(&institute));
    if wants_qr != (kind == "QRR") {
        let message = match wants_qr {
            true => "a QR-IBAN takes payments with a QR reference only",
            false => "a QR reference needs a QR-IBAN",
        };
        payload.invalid("reference", message.to_owned());
    }
}
