//! The lines of receipts that have no table heading.

use super::{Item, ItemColumn, ROUNDING, ends_items, has_words};
use crate::business::BusinessDocument;
use crate::business::lexicon::Concept;
use crate::labels::Lexicon;
use crate::reading::Span;
use crate::values::amounts::{self, rounded};

/// Rows above the first price that may be its name: what stands before them is the head of the receipt.
const NAME_ROWS: usize = 2;
/// Longer rows are notices.
const NAME_LENGTH: usize = 60;

/// The lines of a receipt without headings: rows above the totals that end in an amount.
pub(super) fn lines(document: &BusinessDocument, headings: &Lexicon<ItemColumn>) -> Vec<(Item, Vec<usize>)> {
    let rows = 0..document.reading.rows().len();
    let Some(end) = rows.into_iter().find(|row| ends_items(document, *row) && row_has_money(document, *row))
    else {
        return Vec::new();
    };
    let mut lines: Vec<(Item, Vec<usize>)> = Vec::new();
    let mut names: Vec<Name> = Vec::new();
    for row in head_end(document, end)..end {
        let Some(plain) = PlainRow::read(document, row) else { continue };
        let Some(amount) = plain.amount.filter(|_| !plain.is_name_with_price()) else {
            if has_words(&plain.whole.text)
                && plain.whole.text.len() < NAME_LENGTH
                && !is_heading(headings, &plain.whole.text)
            {
                names.push(Name { text: plain.words.clone(), row, price: plain.amount, span: plain.whole });
            }
            continue;
        };
        // The price of all, below "3 @ 12.99".
        let completes = !has_words(&plain.words) && names.is_empty() && plain.numbers.len() == 1;
        if let Some((item, rows)) = lines.last_mut().filter(|(item, _)| completes && item.is_consistent()) {
            item.amount = Some(amount);
            item.spans.push(plain.whole);
            rows.push(row);
            continue;
        }
        if lines.is_empty() {
            names.drain(..names.len().saturating_sub(NAME_ROWS));
        }
        let name = names
            .first()
            .cloned()
            .filter(|name| plain.is_priced || name.price.is_some() || !has_words(&plain.words));
        // What else stood above belongs to no line.
        names.clear();
        lines.extend(plain.into_line(row, amount, name));
    }
    lines
}

/// The row behind the head of a receipt: behind its last label of a number, a date, the staff.
fn head_end(document: &BusinessDocument, end: usize) -> usize {
    let is_header = |concept: Concept| {
        matches!(
            concept,
            Concept::DocumentNumber
                | Concept::DocumentDate
                | Concept::AnyDate
                | Concept::OtherDate
                | Concept::TaxId
                | Concept::Phone
                | Concept::Time
                | Concept::Registration
                | Concept::Title
                | Concept::Email
                | Concept::Website
                | Concept::Other
        )
    };
    let header = document.labels.iter().filter(|label| is_header(label.concept) && label.starts_segment);
    header.map(|label| document.row_of(label)).filter(|row| *row < end).max().map_or(0, |row| row + 1)
}

/// Whether a row is only words of table headings, as in `RM CODE`.
fn is_heading(headings: &Lexicon<ItemColumn>, text: &str) -> bool {
    let covered: usize = headings.find_in(text).iter().map(|(range, ..)| range.len()).sum();
    covered * 10 >= text.len() * 7
}

/// A row without amount, which may name the next line.
#[derive(Debug, Clone)]
struct Name {
    text: String,
    row: usize,
    /// Price of one, where it is printed behind the name.
    price: Option<f64>,
    span: Span,
}

/// A row of a receipt without headings.
struct PlainRow {
    whole: Span,
    /// The text in front of the amounts.
    words: String,
    numbers: Vec<f64>,
    /// The last number, if it is an amount of money.
    amount: Option<f64>,
    /// Whether a sign of a price is printed: `2 @ 3.00`.
    is_priced: bool,
}

impl PlainRow {
    fn read(document: &BusinessDocument, row: usize) -> Option<Self> {
        let segments = document.reading.rows().get(row)?.segments.clone();
        let placed = segments.clone().flat_map(|segment| document.amounts_in(segment));
        let placed: Vec<_> = placed.filter(|placed| !placed.amount.is_percentage).collect();
        let spans: Vec<Span> =
            segments.filter_map(|segment| document.reading.segment_span(segment)).collect();
        let whole = Span::join(&spans)?;
        let last = placed.last().filter(|last| last.amount.is_money());
        Some(Self {
            words: words_without_amounts(&whole.text, document),
            numbers: placed.iter().map(|placed| placed.amount.value).collect(),
            amount: last.map(|last| last.amount.value),
            is_priced: whole.text.contains('@'),
            whole,
        })
    }

    /// Whether it is a name with the price of one and nothing else: `RICE 10KG @53.50`.
    fn is_name_with_price(&self) -> bool {
        self.is_priced && self.numbers.len() == 1 && has_words(&self.words)
    }

    /// The line that ends in `amount`, named by its own words or by a row above it.
    fn into_line(self, row: usize, amount: f64, name: Option<Name>) -> Option<(Item, Vec<usize>)> {
        let mut item = Item { amount: Some(amount), ..Item::default() };
        let mut others: Vec<f64> = self.numbers.iter().rev().skip(1).copied().collect();
        others.extend(name.as_ref().and_then(|name| name.price));
        if let Some((quantity, price)) = factors(&others, amount) {
            item.quantity = Some(quantity);
            item.unit_price = Some(price);
        } else if let Some(quantity) =
            others.first().filter(|quantity| self.is_priced && quantity.fract() == 0.0 && **quantity > 0.0)
        {
            item.quantity = Some(*quantity);
            item.unit_price = Some(amount);
            item.amount = Some(rounded(quantity * amount));
        }
        let mut rows = vec![row];
        match name {
            Some(name) => {
                let quantity = item.quantity.map(|quantity| format!(" {quantity}")).unwrap_or_default();
                let code = self.words.trim_end_matches([' ', 'x', 'X', '×', '*', '@']);
                let code = code.strip_suffix(&quantity).unwrap_or(code).trim();
                item.code = Some(code.to_owned()).filter(|code| code.chars().any(|c| c.is_ascii_digit()));
                item.description = Some(name.text);
                rows.push(name.row);
                item.spans.push(name.span);
            }
            None => item.description = Some(self.words).filter(|words| has_words(words)),
        }
        item.take_leading_count();
        item.spans.push(self.whole);
        item.description.is_some().then_some((item, rows))
    }
}

/// Quantity and price among the numbers of a row whose product is its amount.
fn factors(numbers: &[f64], amount: f64) -> Option<(f64, f64)> {
    let pairs = numbers
        .iter()
        .enumerate()
        .flat_map(|(index, second)| numbers.iter().skip(index + 1).map(move |first| (*first, *second)));
    let (first, second) =
        pairs.into_iter().find(|(first, second)| (first * second - amount).abs() < ROUNDING)?;
    // "7.90*3" has the price first.
    let is_price_first = first.fract() != 0.0 && second.fract() == 0.0;
    Some(if is_price_first { (second, first) } else { (first, second) })
}

fn row_has_money(document: &BusinessDocument, row: usize) -> bool {
    let segments = document.reading.rows().get(row).map_or(0..0, |row| row.segments.clone());
    segments.flat_map(|segment| document.amounts_in(segment)).any(|placed| placed.amount.is_money())
}

/// A row's text up to its first amount of money, without the quantity in front.
fn words_without_amounts(text: &str, document: &BusinessDocument) -> String {
    let found = amounts::find(text, document.convention);
    let end = found.iter().find(|amount| amount.is_money()).map_or(text.len(), |amount| amount.range.start);
    let start = found
        .first()
        .filter(|first| first.range.start == 0 && first.decimals == 0 && first.value < 100.0)
        .map_or(0, |first| first.range.end);
    let words = text.get(start.min(end)..end).unwrap_or_default();
    words.trim_matches(|c: char| !c.is_alphanumeric() && c != ')' && c != '(').to_owned()
}
