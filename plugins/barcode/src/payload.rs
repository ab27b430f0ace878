//! What a code says, where it says it in a known form.

mod characters;
mod epc;
mod gs1;
mod kinds;
mod product;
mod swiss;

use ocriva_plugin_sdk::Barcode;
use ocriva_plugin_sdk::serde_json::Value;
use ocriva_plugin_sdk::values::check_digits;
use ocriva_plugin_sdk::values::dates::Date;
use ocriva_plugin_sdk::values::identifiers;
use serde::Deserialize;

/// Confidence of a value whose check digits are right, of one without any, and of one whose are wrong.
const CHECKED: f32 = 0.99;
const PLAIN: f32 = 0.97;
const WRONG: f32 = 0.4;

/// The forms that are understood, as the setting `payloads` names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// The payment code of the European Payments Council, EPC069-12.
    EpcPayment,
    /// The Swiss QR bill.
    SwissQrBill,
    /// Element strings of GS1.
    Gs1,
    /// EAN, UPC and ISBN.
    Product,
    /// Addresses of the web, mails, visiting cards and the like: only what kind they are.
    Common,
}

impl Form {
    /// Every form, in the order in which they are tried.
    pub const ALL: [Self; 5] = [Self::EpcPayment, Self::SwissQrBill, Self::Gs1, Self::Product, Self::Common];

    /// The word, as in the settings.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EpcPayment => "epc_payment",
            Self::SwissQrBill => "swiss_qr_bill",
            Self::Gs1 => "gs1",
            Self::Product => "product",
            Self::Common => "common",
        }
    }

    fn read(self, code: &Barcode, today: Option<Date>) -> Option<Payload> {
        match self {
            Self::EpcPayment => epc::read(code),
            Self::SwissQrBill => swiss::read(code),
            Self::Gs1 => gs1::read(code, today),
            Self::Product => product::read(code),
            Self::Common => kinds::read(code),
        }
    }
}

/// A code that was understood.
#[derive(Debug, Clone, PartialEq)]
pub struct Payload {
    /// What it is, such as `epc_payment`.
    pub kind: &'static str,
    /// What it says, by the names of the plugin's fields.
    pub entries: Vec<Entry>,
    /// What is wrong with it.
    pub problems: Vec<Problem>,
}

/// A value of a code.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Name of the field.
    pub name: &'static str,
    /// Its value.
    pub value: Value,
    /// From 0 to 1.
    pub confidence: f32,
}

/// Something that a code should not say.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    /// `check_digit_wrong` or `payload_invalid`.
    pub code: &'static str,
    /// A sentence without its subject, such as ``IBAN `DE00` is too short``.
    pub message: String,
    /// The field it is about.
    pub field: Option<&'static str>,
}

/// Understands a code, if it has one of these forms.
pub fn read(code: &Barcode, forms: &[Form], today: Option<Date>) -> Option<Payload> {
    Form::ALL.into_iter().filter(|form| forms.contains(form)).find_map(|form| form.read(code, today))
}

impl Payload {
    fn new(kind: &'static str) -> Self {
        Self { kind, entries: Vec::new(), problems: Vec::new() }
    }

    /// The value of a field.
    pub fn get(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.name == name)
    }

    /// Adds a text, unless it is empty.
    fn text(&mut self, name: &'static str, text: &str) {
        if !text.trim().is_empty() {
            self.add(name, text.trim(), PLAIN);
        }
    }

    /// Adds a value; the first one of a name counts.
    fn add(&mut self, name: &'static str, value: impl Into<Value>, confidence: f32) {
        if self.get(name).is_none() {
            self.entries.push(Entry { name, value: value.into(), confidence });
        }
    }

    /// Adds a value whose check digits are right or not; `what` names it for people.
    fn checked(&mut self, name: &'static str, value: &str, is_right: bool, what: &str) {
        self.add(name, value, if is_right { CHECKED } else { WRONG });
        if !is_right {
            self.problems.push(Problem {
                code: "check_digit_wrong",
                message: format!("{what} `{value}` has a wrong check digit"),
                field: Some(name),
            });
        }
    }

    fn iban(&mut self, text: &str) {
        let value: String =
            text.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_uppercase).collect();
        if value.is_empty() {
            return self.invalid("iban", "there is no IBAN".to_owned());
        }
        let found = identifiers::find_iban(&value).filter(|found| found.value == value);
        match found {
            Some(found) => self.checked("iban", &value, found.is_checked, "IBAN"),
            None => {
                self.add("iban", value.as_str(), WRONG);
                self.invalid("iban", format!("`{value}` is not an IBAN"));
            }
        }
    }

    fn bic(&mut self, text: &str) {
        let value = text.trim();
        if value.is_empty() {
            return;
        }
        let is_right = check_digits::is_bic(value);
        self.add("bic", value, if is_right { PLAIN } else { WRONG });
        if !is_right {
            self.invalid("bic", format!("`{value}` is not a BIC"));
        }
    }

    /// An amount with a point before at most two decimals.
    fn amount(&mut self, text: &str) {
        let well_formed = text.trim().split_once('.').map_or_else(
            || is_digits(text.trim()),
            |(whole, cents)| is_digits(whole) && is_digits(cents) && cents.len() <= 2,
        );
        match text.trim().parse::<f64>().ok().filter(|_| well_formed && text.trim().len() <= 12) {
            Some(amount) => self.add("amount", amount, PLAIN),
            None => self.invalid("amount", format!("`{text}` is not an amount")),
        }
    }

    fn malformed(&mut self, message: String) {
        self.problems.push(Problem { code: "payload_invalid", message, field: None });
    }

    fn invalid(&mut self, field: &'static str, message: String) {
        self.problems.push(Problem { code: "payload_invalid", message, field: Some(field) });
    }
}

/// Whether a text is digits, one at least.
fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
