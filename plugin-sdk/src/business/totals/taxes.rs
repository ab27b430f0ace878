//! Taxes in tables and brackets: bases, rates and amounts that agree.

use super::{CENT, Candidate};
use crate::business::lexicon::Concept;
use crate::business::{BusinessDocument, PlacedAmount};
use crate::labels::Label;
use crate::reading::Span;
use crate::text;
use crate::values::amounts;

/// A table of taxes has no more rates than this.
const MAX_TAX_ROWS: usize = 6;

/// A row of a tax summary whose numbers agree: base, rate, tax.
#[derive(Debug, Clone)]
pub(super) struct TaxLine {
    pub(super) rate: f64,
    pub(super) base: f64,
    pub(super) tax: f64,
    pub(super) span: Span,
}

/// Rows with a rate and two amounts of which one is the rate's share of the other.
pub(super) fn tax_lines(document: &BusinessDocument) -> Vec<TaxLine> {
    let mut lines: Vec<TaxLine> = Vec::new();
    for (row_index, row) in document.reading.rows().iter().enumerate() {
        if document.items.contains_row(row_index) {
            continue;
        }
        let amounts: Vec<PlacedAmount> =
            row.segments.clone().flat_map(|segment| document.amounts_in(segment)).collect();
        let Some(line) = tax_line(document, &amounts) else { continue };
        let is_repeated =
            lines.iter().any(|other| other.rate == line.rate && (other.base - line.base).abs() < CENT);
        if !is_repeated {
            lines.push(line);
        }
    }
    lines
}

fn tax_line(document: &BusinessDocument, amounts: &[PlacedAmount]) -> Option<TaxLine> {
    let rates = amounts.iter().filter(|placed| placed.amount.is_percentage || is_bare_rate(&placed.amount));
    let money: Vec<&PlacedAmount> = amounts.iter().filter(|placed| placed.amount.is_money()).collect();
    let is_same = |left: &PlacedAmount, right: &PlacedAmount| {
        left.segment == right.segment && left.amount.range == right.amount.range
    };
    rates.into_iter().find_map(|rate| {
        let others = || money.iter().filter(|other| !is_same(other, rate));
        let mut pairs = others().flat_map(|base| others().map(move |tax| (*base, *tax)));
        let (base, tax) = pairs.find(|(base, tax)| {
            let (base, tax, rate) = (base.amount.value, tax.amount.value, rate.amount.value);
            rate > 0.0 && base > tax && tax > 0.0 && (base * rate / 100.0 - tax).abs() < CENT
        })?;
        Some(TaxLine {
            rate: rate.amount.value,
            base: base.amount.value,
            tax: tax.amount.value,
            span: document.amount_span(tax)?,
        })
    })
}

/// A rate in a column headed by the percent sign: `19`, `6,00`.
fn is_bare_rate(amount: &crate::values::amounts::Amount) -> bool {
    matches!(amount.decimals, 0 | 2) && amount.currency.is_none() && (1.0..=27.0).contains(&amount.value)
}

/// How many rows with a rate stand below a label that heads a column of a table of taxes, beside another such heading.
pub(super) fn tax_table_rows(document: &BusinessDocument, label: &Label<Concept>) -> usize {
    let row = document.row_of(label);
    let segments = document.reading.rows().get(row).map_or(0..0, |row| row.segments.clone());
    let others = segments.flat_map(|segment| document.labels.in_segment(segment)).filter(|other| {
        (other.segment != label.segment || other.range != label.range)
            && matches!(other.concept, Concept::Tax | Concept::TaxRate | Concept::Subtotal)
    });
    let amounts_of = |row: usize| amounts::find(&document.reading.row_text(row), document.convention);
    if others.count() == 0 || amounts_of(row).iter().any(|amount| amount.is_money()) {
        return 0;
    }
    let has_rate = |row: &usize| {
        let segments = document.reading.rows().get(*row).map_or(0..0, |row| row.segments.clone());
        let amounts: Vec<PlacedAmount> = segments.flat_map(|segment| document.amounts_in(segment)).collect();
        amounts.iter().any(|placed| placed.amount.is_percentage) || tax_line(document, &amounts).is_some()
    };
    (row + 1..document.reading.rows().len()).take(MAX_TAX_ROWS).take_while(has_rate).count()
}

/// Taxes that a total says it includes: `Total 49.45 (includes 8.24 VAT)`.
pub(super) fn bracketed_taxes(document: &BusinessDocument) -> Vec<Candidate> {
    let mut taxes = Vec::new();
    for label in document.labels.iter().filter(|label| {
        label.starts_segment
            && matches!(label.concept, Concept::Total | Concept::GrandTotal | Concept::AmountDue)
    }) {
        let row = document.row_of(label);
        for segment in document.reading.rows().get(row).map_or(0..0, |row| row.segments.clone()) {
            let Some(found) = document.reading.segments().get(segment) else { continue };
            let Some(start) = found.text.find('(') else { continue };
            let words = text::words(found.text.get(start..).unwrap_or_default());
            if !words.split(' ').any(|word| TAXES.contains(&word)) {
                continue;
            }
            let amounts = document.amounts_in(segment);
            let mut inside =
                amounts.iter().filter(|placed| placed.amount.range.start > start && placed.amount.is_money());
            if let (Some(tax), None) = (inside.next(), inside.next())
                && let Some(span) = document.amount_span(tax)
            {
                taxes.push(Candidate { value: tax.amount.value, score: 0.8, row, span, is_checked: false });
            }
        }
    }
    taxes
}

/// Words for tax in running text, folded.
const TAXES: &[&str] = &[
    "vat",
    "tax",
    "gst",
    "hst",
    "mwst",
    "ust",
    "mehrwertsteuer",
    "tva",
    "iva",
    "btw",
    "moms",
    "mva",
    "alv",
    "dph",
    "ptu",
];
