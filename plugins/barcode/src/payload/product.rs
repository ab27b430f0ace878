//! Numbers of goods and books: EAN, UPC, ISBN and ISSN.

use ocriva_plugin_sdk::Barcode;
use ocriva_plugin_sdk::values::check_digits;

use super::{CHECKED, Payload, WRONG, is_digits};

/// Reads the number of an EAN or a UPC, and that of a carton (ITF-14), which is told by its check digit alone.
pub fn read(code: &Barcode) -> Option<Payload> {
    let number = code.text.as_str();
    if !is_digits(number) {
        return None;
    }
    let is_right = check_digits::is_gs1_number(number);
    match code.format.as_str() {
        "ean_13" => {
            let mut payload = match number.get(..3) {
                Some("978" | "979") => book(number),
                Some("977") => periodical(number),
                _ => Payload::new("product"),
            };
            payload.checked("gtin", number, is_right, "EAN");
            Some(payload)
        }
        "ean_8" | "upc_a" => {
            let mut payload = Payload::new("product");
            payload.checked("gtin", number, is_right, "number");
            Some(payload)
        }
        "upc_e" => {
            let whole = expanded(number)?;
            let mut payload = Payload::new("product");
            payload.checked("gtin", &whole, check_digits::is_gs1_number(&whole), "UPC");
            Some(payload)
        }
        "itf" if number.len() == 14 && is_right => {
            let mut payload = Payload::new("product");
            payload.checked("gtin", number, true, "GTIN");
            Some(payload)
        }
        _ => None,
    }
}

fn book(number: &str) -> Payload {
    let mut payload = Payload::new("isbn");
    let is_right = check_digits::is_gs1_number(number);
    payload.add("isbn", number, if is_right { CHECKED } else { WRONG });
    payload
}

/// The ISSN is the seven digits behind 977, with a check digit of its own.
fn periodical(number: &str) -> Payload {
    let mut payload = Payload::new("issn");
    if let Some(digits) = number.get(3..10) {
        let weighted =
            digits.chars().zip((2..=8).rev()).filter_map(|(c, weight)| Some(c.to_digit(10)? * weight));
        let check = match (11 - weighted.sum::<u32>() % 11) % 11 {
            10 => "X".to_owned(),
            check => check.to_string(),
        };
        let (head, tail) = digits.split_at(4);
        payload.text("issn", &format!("{head}-{tail}{check}"));
    }
    payload
}

/// The twelve digits that a UPC-E of eight stands for.
fn expanded(number: &str) -> Option<String> {
    let digits: Vec<char> = number.chars().collect();
    let &[system, a, b, c, d, e, last, check] = digits.as_slice() else { return None };
    Some(match last {
        '0'..='2' => format!("{system}{a}{b}{last}0000{c}{d}{e}{check}"),
        '3' => format!("{system}{a}{b}{c}00000{d}{e}{check}"),
        '4' => format!("{system}{a}{b}{c}{d}00000{e}{check}"),
        _ => format!("{system}{a}{b}{c}{d}{e}0000{last}{check}"),
    })
}
