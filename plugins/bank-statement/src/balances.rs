//! Amounts with their signs, and the balances at the ends of a statement.

use ocriva_plugin_sdk::labels::Lexicon;
use ocriva_plugin_sdk::reading::{Reading, Span};
use ocriva_plugin_sdk::text;
use ocriva_plugin_sdk::values::amounts::{self, Amount, Convention};

/// An amount of money as it is printed.
#[derive(Debug, Clone, PartialEq)]
pub struct Money {
    /// Its value; negative where a sign or a mark says so.
    pub value: f64,
    /// Whether a sign or a mark was printed.
    pub is_signed: bool,
    /// Text and place.
    pub span: Span,
}

/// The first amount of money in a piece of text, with a mark for debit or credit behind it (`12.00 DR`, `12,00 S`).
pub fn money(span: &Span, convention: Convention) -> Option<Money> {
    let found = amounts::find(&span.text, convention);
    let amount = found.iter().find(|amount| amount.is_money()).or_else(|| found.first())?;
    Some(signed(span, amount))
}

fn signed(span: &Span, amount: &Amount) -> Money {
    let before = span.text.get(..amount.range.start).unwrap_or_default().trim_end();
    let behind = span.text.get(amount.range.end..).unwrap_or_default().trim_start();
    let money = |value: f64, is_signed: bool| Money { value, is_signed, span: span.clone() };
    match mark(behind.split(' ').next().unwrap_or_default()) {
        Some(sign) => money(sign * amount.value.abs(), true),
        None if before.ends_with('+') => money(amount.value.abs(), true),
        None => money(amount.value, amount.value < 0.0),
    }
}

/// The sign that a mark behind an amount stands for.
fn mark(text: &str) -> Option<f64> {
    if text.starts_with('+') {
        return Some(1.0);
    }
    match text::compact(text).as_str() {
        "s" | "dr" | "d" | "od" | "soll" | "debit" | "db" => Some(-1.0),
        "h" | "cr" | "c" | "haben" | "credit" => Some(1.0),
        _ => None,
    }
}

impl Money {
    /// Takes a mark that was read as a piece of its own; `false` where the text is none.
    pub fn take_mark(&mut self, span: &Span) -> bool {
        let Some(sign) = mark(span.text.trim()).filter(|_| !self.is_signed) else { return false };
        self.value = sign * self.value.abs();
        self.is_signed = true;
        true
    }
}

/// Which of several balances with the same label is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// The first of the document.
    First,
    /// The last of the document.
    Last,
}

/// The balance behind one of these labels: the last amount of money in its row, else one below it.
pub fn labelled(reading: &Reading, labels: &[String], which: Which, convention: Convention) -> Option<Money> {
    let lexicon = Lexicon::new(labels.iter().map(|label| ((), label.as_str())));
    let mut found = (0..reading.segments().len()).filter_map(|index| {
        let segment = reading.segments().get(index)?;
        let (range, ..) = lexicon.find_in(&segment.text).into_iter().next()?;
        // A phrase in the middle of a sentence is none.
        let before = segment.text.get(..range.start)?;
        if before.split_whitespace().filter(|word| word.chars().any(char::is_alphabetic)).count() > 1 {
            return None;
        }
        let behind = reading.span(index, range.end..segment.text.len());
        let row = reading.right_of(index).filter_map(|other| reading.segment_span(other));
        let in_row = behind.into_iter().chain(row).filter_map(|span| last_money(&span, convention)).last();
        in_row.or_else(|| {
            let label = reading.span(index, range)?;
            let below = reading.below(index, &label.bbox).into_iter().take(2);
            below
                .filter_map(|other| reading.segment_span(other))
                .find_map(|span| last_money(&span, convention))
        })
    });
    match which {
        Which::First => found.next(),
        Which::Last => found.next_back(),
    }
}

/// The last amount with decimals in a piece of text.
fn last_money(span: &Span, convention: Convention) -> Option<Money> {
    let found = amounts::find(&span.text, convention);
    found.iter().rev().find(|amount| amount.is_money()).map(|amount| signed(span, amount))
}
