//! One line of goods or services: what its cells say, and what they imply.

use serde_json::{Map, Value};

use super::{ItemColumn, ROUNDING};
use crate::business::totals::number;
use crate::output::Cell;
use crate::page::Rect;
use crate::reading::Span;
use crate::values::amounts::{Amount, rounded};

/// A line of goods or services.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Item {
    /// Article number, where it stands apart.
    pub code: Option<String>,
    /// What it is; wrapped lines are joined by spaces.
    pub description: Option<String>,
    /// How many.
    pub quantity: Option<f64>,
    /// Piece, hour, kilogram, as printed.
    pub unit: Option<String>,
    /// Price of one.
    pub unit_price: Option<f64>,
    /// Price of all.
    pub amount: Option<f64>,
    /// Rate of tax in percent.
    pub tax_rate: Option<f64>,
    /// Prices of further columns: before and after tax or a deduction.
    pub(super) other_prices: Vec<f64>,
    /// Counts of further columns: ordered, delivered, still to come.
    pub(super) other_quantities: Vec<f64>,
    pub(super) spans: Vec<Span>,
}

impl Item {
    /// Whether quantity times price is the amount.
    pub fn is_consistent(&self) -> bool {
        match (self.quantity, self.unit_price, self.amount) {
            (Some(quantity), Some(price), Some(amount)) => (quantity * price - amount).abs() < ROUNDING,
            _ => false,
        }
    }

    /// Whether an amount of its own is printed, beside the price of one.
    pub(super) fn is_priced_for_all(&self) -> bool {
        self.amount.is_some() && self.amount != self.unit_price
    }

    /// Quantity times price, where the quantity is not one the price alone.
    pub(super) fn product(&self) -> Option<f64> {
        Some(self.quantity.unwrap_or(1.0) * self.unit_price?)
    }

    pub(super) fn to_json(&self) -> Value {
        let numbers = |value: Option<f64>| value.map_or(Value::Null, number);
        let text = |value: &Option<String>| value.clone().map_or(Value::Null, Value::from);
        let mut object = Map::new();
        object.insert("code".to_owned(), text(&self.code));
        object.insert("description".to_owned(), text(&self.description));
        object.insert("quantity".to_owned(), numbers(self.quantity));
        object.insert("unit".to_owned(), text(&self.unit));
        object.insert("unitPrice".to_owned(), numbers(self.unit_price));
        object.insert("amount".to_owned(), numbers(self.amount));
        object.insert("taxRate".to_owned(), numbers(self.tax_rate));
        Value::Object(object)
    }

    pub(super) fn cells(&self, columns: &[&str]) -> Vec<Cell> {
        let object = self.to_json();
        let confidence = self.spans.iter().map(|span| span.confidence).fold(1.0, f32::min);
        let bbox: Option<Rect> =
            self.spans.iter().map(|span| span.bbox).reduce(|left, right| left.union(&right));
        let text = |column: &str| match object.get(column) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(value)) => value.to_string(),
            _ => String::new(),
        };
        columns.iter().map(|column| Cell { text: text(column), bbox, confidence }).collect()
    }

    pub(super) fn take(&mut self, column: ItemColumn, span: &Span, amount: Option<Amount>) {
        let value = amount.as_ref().map(|amount| amount.value);
        let text = || Some(span.text.clone());
        match column {
            ItemColumn::Code => self.code = self.code.take().or_else(text),
            ItemColumn::Description => append(&mut self.description, &span.text),
            ItemColumn::Quantity => {
                if self.quantity.is_some() {
                    self.other_quantities.extend(value);
                }
                self.quantity = self.quantity.or(value);
                let unit = amount
                    .and_then(|amount| span.text.get(amount.range.end..).map(clean_unit))
                    .unwrap_or_else(|| clean_unit(&span.text));
                if !unit.is_empty() {
                    self.unit = self.unit.take().or(Some(unit));
                }
            }
            ItemColumn::Unit => self.unit = self.unit.take().or_else(text),
            ItemColumn::UnitPrice if self.unit_price.is_some() => self.other_prices.extend(value),
            ItemColumn::UnitPrice => self.unit_price = value,
            ItemColumn::Amount => self.amount = value.or(self.amount),
            ItemColumn::TaxRate => {
                let rate =
                    amount.filter(|amount| (0.0..60.0).contains(&amount.value)).map(|amount| amount.value);
                self.tax_rate = self.tax_rate.or(rate);
            }
            ItemColumn::Position | ItemColumn::Discount | ItemColumn::TaxAmount | ItemColumn::Date => {}
        }
    }

    /// Fills the price of one where the price of all and their number imply it.
    pub(super) fn imply_price(&mut self) {
        if let (Some(quantity), None, Some(amount)) = (self.quantity, self.unit_price, self.amount)
            && quantity != 0.0
        {
            let price = rounded(amount / quantity);
            // An amount that does not divide has a discount in it.
            self.unit_price = ((price * 100.0).fract().abs() < 0.01).then_some(price);
        }
    }

    /// Takes a count out of the description where no column has it.
    pub(super) fn take_leading_count(&mut self) {
        let Some((count, name)) =
            self.description.as_deref().filter(|_| self.quantity.is_none()).and_then(leading_count)
        else {
            return;
        };
        let name = name.to_owned();
        self.quantity = Some(count);
        self.description = Some(name);
    }

    /// Takes what belongs to count and price out of the description: `2 st Bun à` at 28.00.
    pub(super) fn take_unit_words(&mut self) {
        let Some(description) = self.description.as_deref() else { return };
        let mut name = description;
        if self.unit_price.is_some() {
            name = PRICE_WORDS.iter().find_map(|word| name.strip_suffix(word)).unwrap_or(name).trim_end();
        }
        let mut unit = None;
        if let Some((first, rest)) = name.split_once(' ')
            && self.quantity.is_some()
            && has_words(rest)
            && PIECES.contains(&first.trim_end_matches('.').to_lowercase().as_str())
        {
            unit = Some(first.to_owned());
            name = rest.trim_start();
        }
        if has_words(name) {
            let name = name.to_owned();
            self.unit = self.unit.take().or(unit);
            self.description = Some(name);
        }
    }

    /// Moves an article number that was printed in place of the description, and fills what the others imply.
    pub(super) fn finish(&mut self, continuation: &[String]) {
        let is_named = self.description.as_deref().is_some_and(names_something);
        if !is_named && continuation.iter().any(|text| has_words(text)) {
            self.code = self.code.take().or(self.description.take());
            self.description = None;
        }
        for text in continuation {
            append(&mut self.description, text);
        }
        self.take_leading_count();
        if let (Some(quantity), Some(amount), false) = (self.quantity, self.amount, self.is_consistent()) {
            let fits = |price: &&f64| (quantity * **price - amount).abs() < ROUNDING;
            self.unit_price = self.other_prices.iter().find(fits).copied().or(self.unit_price);
            let is_counted = |count: &&f64| {
                self.unit_price.is_some_and(|price| (price * **count - amount).abs() < ROUNDING)
            };
            self.quantity = self.other_quantities.iter().find(is_counted).copied().or(self.quantity);
        }
        if self.quantity.is_none() && self.unit_price.is_some() && self.unit_price == self.amount {
            self.quantity = Some(1.0);
        }
        if self.amount.is_none() && self.quantity.is_none_or(|quantity| quantity == 1.0) {
            self.amount = self.unit_price;
        }
    }
}

/// Words for a piece or a measure behind a count, in lower case.
const PIECES: &[&str] = &[
    "st", "stk", "stck", "pcs", "pc", "szt", "ks", "kpl", "db", "pz", "ud", "uds", "un", "ea", "nos", "buc",
    "adet", "ft", "m", "kg", "g", "l", "lb", "lbs", "oz", "hr", "hrs", "h", "std",
];
/// What stands between a name and the price of one.
const PRICE_WORDS: &[&str] = &[" à", " a", " @", " je", " per", " x", " ×"];

/// A count of one or two digits in front of a name, with or without a times sign: `3 x Tea`, `2X Coffee`.
fn leading_count(text: &str) -> Option<(f64, &str)> {
    let digits = text.chars().take_while(char::is_ascii_digit).count();
    let rest = text.get(digits..)?;
    let name = rest.trim_start_matches(['x', 'X', '×', '*', ' ', '.']);
    // Scripts without spaces between words have none behind the count either.
    let is_apart = rest.starts_with([' ', '\u{a0}'])
        || rest
            .starts_with(|c| ('\u{e01}'..='\u{e4e}').contains(&c) || ('\u{3040}'..='\u{9fff}').contains(&c))
        || (rest.starts_with(['x', 'X', '×']) && rest.get(1..).is_some_and(|rest| rest.starts_with(' ')));
    let count: f64 = text.get(..digits)?.parse().ok()?;
    ((1..=2).contains(&digits) && count > 0.0 && is_apart && has_words(name)).then_some((count, name))
}

fn append(description: &mut Option<String>, text: &str) {
    match description {
        Some(description) => {
            description.push(' ');
            description.push_str(text);
        }
        None => *description = Some(text.to_owned()),
    }
}

fn clean_unit(text: &str) -> String {
    let unit = text
        .trim_start_matches(|c: char| !c.is_alphanumeric())
        .trim_end_matches(|c: char| !c.is_alphanumeric() && c != ')');
    if matches!(unit, "x" | "X") || unit.len() > 14 || unit.chars().any(|c| c.is_ascii_digit()) {
        String::new()
    } else {
        unit.to_owned()
    }
}

/// Whether a text has two words or one long one, more than an article number with letters in it.
pub(super) fn names_something(text: &str) -> bool {
    let lengths: Vec<usize> = letter_runs(text).map(|word| word.chars().count()).collect();
    lengths.iter().filter(|length| **length >= 3).count() >= 2 || lengths.iter().any(|length| *length >= 5)
}

pub(super) fn has_words(text: &str) -> bool {
    letter_runs(text).any(|word| word.chars().count() >= 3)
}

/// Runs of letters, with the vowel and tone marks of Thai.
fn letter_runs(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphabetic() && !('\u{e31}'..='\u{e4e}').contains(&c))
}
