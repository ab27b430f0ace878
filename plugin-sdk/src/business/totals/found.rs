//! The amounts beside labels, and which of them is the total, the tax, the net amount.

use super::taxes::{self, TaxLine};
use super::{CENT, field, number};
use crate::business::lexicon::Concept;
use crate::business::{BusinessDocument, PlacedAmount};
use crate::labels::Label;
use crate::output::Field;
use crate::reading::{Place, Span};
use crate::text;
use crate::values::amounts::{self, rounded};

/// Amounts of one meaning that are looked at: a bill of many pages with totals on each has fewer.
const MAX_CANDIDATES: usize = 40;

/// An amount beside a label.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    pub(super) value: f64,
    pub(super) score: f32,
    pub(super) row: usize,
    pub(super) span: Span,
    pub(super) is_checked: bool,
}

/// All amounts beside labels, by what the labels say.
pub(super) struct Found {
    totals: Vec<Candidate>,
    subtotals: Vec<Candidate>,
    taxes: Vec<Candidate>,
    pub(super) due: Vec<Candidate>,
    pub(super) discounts: Vec<Candidate>,
    charges: Vec<Candidate>,
    pub(super) tendered: Vec<Candidate>,
    pub(super) change: Vec<Candidate>,
    rounding: Vec<Candidate>,
    tax_lines: Vec<TaxLine>,
}

impl Found {
    pub(super) fn collect(document: &BusinessDocument) -> Self {
        let mut found = Self {
            totals: Vec::new(),
            subtotals: Vec::new(),
            taxes: Vec::new(),
            due: Vec::new(),
            discounts: Vec::new(),
            charges: Vec::new(),
            tendered: Vec::new(),
            change: Vec::new(),
            rounding: Vec::new(),
            tax_lines: taxes::tax_lines(document),
        };
        let summary_row = document.labels.of(Concept::TaxSummary).map(|label| document.row_of(label)).next();
        let row_count = document.reading.rows().len().max(1) as f32;
        let writes_cents = writes_cents(document);
        for label in document.labels.iter() {
            let row = document.row_of(label);
            let score = match label.concept {
                Concept::RoundedTotal => 3.4,
                Concept::GrandTotal => 3.0,
                Concept::Total => 2.0,
                Concept::AmountDue => 1.9,
                // "Total amount due on 3 August" leads to a date and to an amount.
                Concept::DueDate if names_amount(document, label) => 1.9,
                Concept::NetTotal => 1.7,
                Concept::Subtotal | Concept::Tax | Concept::Discount | Concept::Charge => 1.0,
                Concept::Tendered | Concept::Change | Concept::Rounding => 1.0,
                _ => continue,
            };
            if document.items.contains_row(row) {
                continue;
            }
            let misread = label.distance as f32 * 0.2;
            let position = 0.3 * row as f32 / row_count;
            let in_prose = if label.starts_segment { 0.0 } else { 0.5 };
            let tax_rows = taxes::tax_table_rows(document, label);
            // The first row of several is a part of the whole.
            if tax_rows > 1 {
                continue;
            }
            let in_tax_table = if tax_rows > 0 { 1.5 } else { 0.0 };
            let in_summary = if summary_row.is_some_and(|summary| row >= summary) { 1.5 } else { 0.0 };
            let score = score + position - misread - in_prose - f32::max(in_summary, in_tax_table);
            let mut beside = amounts_beside(document, label);
            if label.concept == Concept::Tax && beside.len() > 1 {
                beside.drain(..beside.len() - 1);
            }
            found.add(document, label, (score, writes_cents), beside);
        }
        found.taxes.extend(taxes::bracketed_taxes(document));
        found.subtotals.extend(found.summed_bases());
        found.bound();
        found
    }

    /// Leaves out most of what no bill has so much of: each is compared with each.
    fn bound(&mut self) {
        for candidates in [
            &mut self.totals,
            &mut self.subtotals,
            &mut self.taxes,
            &mut self.due,
            &mut self.discounts,
            &mut self.charges,
            &mut self.tendered,
            &mut self.change,
            &mut self.rounding,
        ] {
            // Totals stand at the end more often than at the beginning.
            let dropped = candidates.len().saturating_sub(MAX_CANDIDATES);
            let kept_first = MAX_CANDIDATES / 4;
            if dropped > 0 {
                candidates.drain(kept_first..kept_first + dropped);
            }
        }
    }

    fn add(
        &mut self,
        document: &BusinessDocument,
        label: &Label<Concept>,
        (score, writes_cents): (f32, bool),
        amounts: Vec<PlacedAmount>,
    ) {
        let row = document.row_of(label);
        let whole_penalty = if writes_cents { 1.6 } else { 0.6 };
        let candidates: Vec<Candidate> = amounts
            .iter()
            .filter_map(|placed| {
                let whole = if placed.amount.is_money() { 0.0 } else { whole_penalty };
                let span = document.amount_span(placed)?;
                Some(Candidate {
                    value: placed.amount.value,
                    score: score - whole,
                    row,
                    span,
                    is_checked: false,
                })
            })
            .collect();
        // Only money is added up: "Delivery in October 2019" is no charge of 2019.
        let is_money = amounts.last().is_some_and(|placed| placed.amount.is_money());
        if matches!(label.concept, Concept::Charge | Concept::Discount | Concept::Rounding) && !is_money {
            return;
        }
        // "Net 30" is no amount where amounts have cents.
        let is_bare = amounts.last().is_some_and(|placed| placed.amount.currency.is_none());
        if matches!(label.concept, Concept::Subtotal | Concept::Tax) && !is_money && is_bare && writes_cents {
            return;
        }
        match (label.concept, candidates.as_slice()) {
            // Net, tax and gross side by side in one row of totals.
            (Concept::GrandTotal | Concept::Total, [.., net, tax, gross])
                if (net.value + tax.value - gross.value).abs() < CENT && tax.value > 0.0 =>
            {
                self.subtotals.push(Candidate { is_checked: true, ..net.clone() });
                self.taxes.push(Candidate { is_checked: true, ..tax.clone() });
                self.totals.push(Candidate { is_checked: true, score: gross.score + 0.8, ..gross.clone() });
            }
            (Concept::GrandTotal | Concept::Total | Concept::RoundedTotal, _) => {
                self.totals.extend(candidates.last().cloned())
            }
            (Concept::NetTotal, _) => {
                self.totals.extend(candidates.last().cloned());
                self.subtotals.extend(candidates.last().map(|net| Candidate { score: 0.9, ..net.clone() }));
            }
            (Concept::AmountDue | Concept::DueDate, _) => {
                self.totals.extend(candidates.last().cloned());
                self.due.extend(candidates.last().cloned());
            }
            (Concept::Subtotal, _) => self.subtotals.extend(candidates.last().cloned()),
            (Concept::Tax, _) => self.taxes.extend(candidates.last().cloned()),
            (Concept::Discount, _) => self.discounts.extend(candidates.last().cloned()),
            (Concept::Charge, _) => self.charges.extend(candidates.last().cloned()),
            (Concept::Tendered, _) => self.tendered.extend(candidates.last().cloned()),
            (Concept::Change, _) => self.change.extend(candidates.last().cloned()),
            (Concept::Rounding, _) => self.rounding.extend(candidates.last().cloned()),
            _ => {}
        }
    }

    /// Gives those totals a better score that agree with other amounts of the document.
    pub(super) fn prefer_agreeing(&mut self, document: &BusinessDocument) {
        self.take_rounded_totals();
        let paid: Vec<f64> = self.tendered.iter().map(|candidate| candidate.value).collect();
        let largest_net = self.subtotals.iter().map(|candidate| candidate.value).fold(0.0, f64::max);
        let has_discount = !self.discounts.is_empty();
        let items = document.items.sum();
        let values: Vec<(usize, f64)> =
            self.totals.iter().map(|candidate| (candidate.row, candidate.value)).collect();
        let has_positive = values.iter().any(|(_, value)| *value > 0.0);
        let summed: Vec<usize> =
            (0..values.len()).filter(|index| adds_to(document, &values, *index)).collect();
        let mut totals = std::mem::take(&mut self.totals);
        for (index, total) in totals.iter_mut().enumerate() {
            let value = total.value;
            if summed.contains(&index) {
                total.is_checked = true;
                total.score += 1.2;
            }
            let sums = self.subtotals.iter().any(|net| {
                self.taxes.iter().any(|tax| {
                    tax.value > 0.0 && net.value < value && self.adds_up(net.value, tax.value, value)
                })
            });
            let returned = paid.iter().any(|paid| {
                self.change.iter().any(|change| (paid - change.value.abs() - value).abs() < CENT)
            });
            let is_paid = paid.iter().any(|paid| (paid - value).abs() < CENT);
            let repeats = values
                .iter()
                .filter(|(row, other)| *row != total.row && (other - value).abs() < CENT)
                .count();
            let is_sum = items.is_some_and(|sum| (sum - value).abs() < CENT);
            total.is_checked |= sums || returned || is_paid || is_sum;
            total.score += if sums { 0.8 } else { 0.0 };
            total.score += if returned {
                1.0
            } else if is_paid {
                0.5
            } else {
                0.0
            };
            total.score += repeats.min(2) as f32 * 0.4;
            total.score += if is_sum { 0.6 } else { 0.0 };
            // All amounts of a credit note are below zero.
            total.score -= if value == 0.0 || (value < 0.0 && has_positive) { 2.5 } else { 0.0 };
            let is_rounded = |rounding: &Candidate| {
                rounding.value != 0.0
                    && rounding.value.abs() < 1.0
                    && values.iter().any(|(row, other)| {
                        *row != total.row && (other + rounding.value - value).abs() < CENT / 2.0
                    })
            };
            total.score += if self.rounding.iter().any(is_rounded) { 0.8 } else { 0.0 };
            total.score -= if value > 0.0 && value + CENT < largest_net && !has_discount { 1.0 } else { 0.0 };
        }
        self.totals = totals;
    }

    /// A "rounding" line that shows nearly the whole total is the rounded total.
    fn take_rounded_totals(&mut self) {
        let near = |rounding: &Candidate, totals: &[Candidate]| {
            rounding.value > 1.0 && totals.iter().any(|total| (total.value - rounding.value).abs() < 0.06)
        };
        let rounded: Vec<Candidate> =
            self.rounding.iter().filter(|rounding| near(rounding, &self.totals)).cloned().collect();
        self.rounding.retain(|rounding| !rounded.iter().any(|other| other.row == rounding.row));
        self.totals.extend(
            rounded.into_iter().map(|candidate| Candidate { score: candidate.score + 2.6, ..candidate }),
        );
    }

    pub(super) fn best_total(&self) -> Option<Candidate> {
        let best = self.totals.iter().max_by(|left, right| left.score.total_cmp(&right.score));
        if let Some(best) = best.filter(|best| best.score > 0.0) {
            return Some(best.clone());
        }
        // No label of a total could be read: what was paid less what was given back is the total.
        let paid = self.tendered.first()?;
        let Some(change) = self.change.first() else { return Some(paid.clone()) };
        let value = rounded(paid.value - change.value.abs());
        let printed = self
            .subtotals
            .iter()
            .chain(&self.totals)
            .find(|candidate| (candidate.value - value).abs() < CENT);
        Some(printed.cloned().unwrap_or(Candidate { value, score: 0.3, ..paid.clone() }))
    }

    /// Whether net and tax make the total, with or without the printed discounts, charges and rounding.
    pub(super) fn adds_up(&self, net: f64, tax: f64, total: f64) -> bool {
        let difference = total - net - tax;
        let charges: f64 = self.charges.iter().map(|candidate| candidate.value).sum();
        let discounts: f64 = self.discounts.iter().map(|candidate| candidate.value.abs()).sum();
        let rounding = self
            .rounding
            .iter()
            .map(|candidate| candidate.value)
            .find(|value| value.abs() < 1.0)
            .unwrap_or(0.0);
        [0.0, charges, -discounts, charges - discounts]
            .iter()
            .any(|extra| (difference - extra).abs() < CENT || (difference - extra - rounding).abs() < CENT)
    }

    /// The net amount and the tax that go with a total.
    pub(super) fn net_and_tax(
        &self,
        document: &BusinessDocument,
        total: Option<&Candidate>,
    ) -> (Field, Field) {
        let mut taxes = self.taxes.clone();
        taxes.extend(self.summed_taxes());
        let Some(total) = total else {
            let read = |candidates: &[Candidate]| {
                candidates.last().map_or_else(Field::missing, |candidate| field(candidate, 0.6))
            };
            return (read(&self.subtotals), read(&taxes));
        };
        // Net and tax alone go before a sum with charges and discounts in it.
        let alone =
            |net: &&Candidate| taxes.iter().any(|tax| (net.value + tax.value - total.value).abs() < CENT);
        let (first, others): (Vec<&Candidate>, Vec<&Candidate>) = self.subtotals.iter().partition(alone);
        for net in first.into_iter().chain(others) {
            let tax = taxes.iter().find(|tax| {
                (tax.value > 0.0 || total.value < 0.0) && self.adds_up(net.value, tax.value, total.value)
            });
            if let Some(tax) = tax.filter(|_| (net.value - total.value).abs() > CENT) {
                return (field(net, 0.85), field(tax, 0.85));
            }
        }
        let has_discount = !self.discounts.is_empty();
        let below =
            |candidate: &&Candidate| has_discount || candidate.value.abs() <= total.value.abs() + CENT;
        let tax = taxes.iter().rfind(|tax| {
            tax.value.abs() < total.value.abs() * 0.6 && (tax.value >= 0.0 || total.value < 0.0)
        });
        let tax_field = tax.map_or_else(Field::missing, |tax| field(tax, 0.7));
        let tax_value = tax.map_or(0.0, |tax| tax.value);
        let net =
            self.subtotals.iter().filter(below).max_by(|left, right| left.score.total_cmp(&right.score));
        if let Some(net) = net {
            return (field(net, 0.75), tax_field);
        }
        let net = rounded(total.value - tax_value);
        let lines_agree = document.items.sum().is_some_and(|sum| (sum - net).abs() < CENT);
        let subtotal = if lines_agree || tax.is_some() {
            Field::computed(number(net), if lines_agree { 0.7 } else { 0.5 })
        } else {
            Field::missing()
        };
        (subtotal, tax_field)
    }

    /// All taxes together, where there are several: of the tax summary, or of the labelled rows.
    fn summed_taxes(&self) -> Vec<Candidate> {
        let mut sums = Vec::new();
        if let Some(first) = self.tax_lines.first() {
            let value = rounded(self.tax_lines.iter().map(|line| line.tax).sum());
            sums.push(Candidate { value, score: 1.0, row: 0, span: first.span.clone(), is_checked: true });
        }
        // A number behind the label of a tax may be that of its register.
        let largest = self.totals.iter().map(|total| total.value).fold(0.0, f64::max);
        let mut distinct: Vec<&Candidate> = Vec::new();
        for tax in self.taxes.iter().filter(|tax| tax.value > 0.0 && tax.value < largest * 0.6) {
            if !distinct.iter().any(|other| other.row == tax.row) {
                distinct.push(tax);
            }
        }
        if let [first, _, ..] = distinct.as_slice() {
            let all: f64 = distinct.iter().map(|tax| tax.value).sum();
            // The sum of the others may be among them.
            let is_sum = |tax: &&&Candidate| distinct.len() > 2 && (all - tax.value * 2.0).abs() < CENT;
            let value = distinct.iter().find(is_sum).map_or(rounded(all), |sum| sum.value);
            sums.insert(0, Candidate { value, ..(*first).clone() });
        }
        sums
    }

    /// What the tax summary has as the bases of all rates together.
    fn summed_bases(&self) -> Option<Candidate> {
        let [first, _, ..] = self.tax_lines.as_slice() else { return None };
        let value = rounded(self.tax_lines.iter().map(|line| line.base).sum());
        Some(Candidate { value, score: 0.7, row: 0, span: first.span.clone(), is_checked: false })
    }

    pub(super) fn tax_rate(&self, document: &BusinessDocument, subtotal: &Field, tax: &Field) -> Field {
        let mut rates: Vec<(f64, Span)> = self
            .tax_lines
            .iter()
            .filter(|line| line.base != 0.0)
            .map(|line| (line.rate, line.span.clone()))
            .collect();
        for label in
            document.labels.iter().filter(|label| matches!(label.concept, Concept::Tax | Concept::TaxRate))
        {
            let slots = document.labels.slots(&document.reading, label);
            // "plus 19 % VAT" has the rate in front, "Moms 25" is a label with it.
            let before = document.amounts_in(label.segment).into_iter();
            let before = before.filter(|placed| placed.amount.range.start < label.range.end);
            let beside = slots
                .iter()
                .filter(|slot| slot.place != Place::Below)
                .flat_map(|slot| document.amounts_in_slot(slot))
                .chain(before);
            rates.extend(
                beside
                    .filter(|placed| {
                        placed.amount.is_percentage && (0.0..50.0).contains(&placed.amount.value)
                    })
                    .filter_map(|placed| Some((placed.amount.value, document.amount_span(&placed)?))),
            );
        }
        let Some((rate, span)) = rates.first().cloned() else { return Field::missing() };
        let agrees = match (subtotal.number(), tax.number()) {
            (Some(net), Some(tax)) => (net * rate / 100.0 - tax).abs() < CENT.max(net.abs() * 0.0005),
            _ => false,
        };
        match (agrees, rates.iter().all(|(other, _)| (other - rate).abs() < 0.001)) {
            (true, _) => Field::read(number(rate), 0.95, &span),
            (false, true) => Field::read(number(rate), 0.75, &span),
            // Several rates: none is the document's.
            (false, false) => Field::missing(),
        }
    }
}

/// Rows between one total and the next, which is more by what stands in them.
const ADDED_ROWS: usize = 5;

/// Words of what is carried into a bill from the one before, folded.
const CARRIED: &[&str] = &[
    "previous",
    "prior",
    "balance",
    "saldo",
    "solde",
    "anterior",
    "precedente",
    "precedent",
    "vorig",
    "tidligere",
    "rest",
];

/// Whether a total is another one above it and the amounts of the rows between: fees, costs, what both come to.
fn adds_to(document: &BusinessDocument, totals: &[(usize, f64)], index: usize) -> bool {
    let Some(&(row, value)) = totals.get(index) else { return false };
    totals.iter().any(|&(above, first)| {
        let between = above + 1..row;
        if !(first > 0.0 && value > first + CENT && (1..=ADDED_ROWS).contains(&between.len())) {
            return false;
        }
        let mut sum = first;
        for row in between {
            let words = text::words(&document.reading.row_text(row));
            if words.split(' ').any(|word| CARRIED.contains(&word)) {
                return false;
            }
            let segments = document.reading.rows().get(row).map_or(0..0, |row| row.segments.clone());
            let amounts = segments.flat_map(|segment| document.amounts_in(segment));
            let amounts: Vec<PlacedAmount> = amounts.filter(|placed| placed.amount.is_money()).collect();
            let Some(last) = amounts.last() else { return false };
            sum += last.amount.value;
        }
        (sum - value).abs() < CENT
    })
}

/// Whether the document writes its amounts with two decimals, so that a whole number is hardly one of them.
fn writes_cents(document: &BusinessDocument) -> bool {
    let texts = document.reading.segments().iter();
    let amounts = texts.flat_map(|segment| amounts::find(&segment.text, document.convention));
    amounts.filter(|amount| amount.decimals == 2 && !amount.is_percentage).take(4).count() > 3
}

fn names_amount(document: &BusinessDocument, label: &Label<Concept>) -> bool {
    document
        .reading
        .span(label.segment, label.range.clone())
        .is_some_and(|span| text::compact(&span.text).contains("amount"))
}

/// The amounts that belong to a label: those to its right up to the next text, else the first below it.
fn amounts_beside(document: &BusinessDocument, label: &Label<Concept>) -> Vec<PlacedAmount> {
    let mut found: Vec<PlacedAmount> = Vec::new();
    let slots = document.labels.slots(&document.reading, label);
    let mut has_beside = false;
    for slot in slots.iter().filter(|slot| slot.place != Place::Below) {
        let text = document.reading.slot_text(slot);
        let mut amounts = document.amounts_in_slot(slot);
        // "49.45 (includes 8.24 VAT)"
        let bracket = slot.range.start + text.find('(').filter(|at| *at > 0).unwrap_or(text.len());
        if amounts.iter().any(|placed| placed.amount.is_money() && placed.amount.range.end <= bracket) {
            amounts.retain(|placed| placed.amount.range.start < bracket);
        }
        let letters = text.chars().filter(|c| c.is_alphabetic()).count();
        // "''iDEAL'' on 21 April 2015" ends what belongs to the label, "incl. 6 % GST" before the amount does not.
        if !found.is_empty() && letters > 5 {
            break;
        }
        has_beside |= amounts.iter().any(|placed| !placed.amount.is_percentage);
        found.extend(amounts.into_iter().filter(|placed| !placed.amount.is_percentage));
    }
    if found.is_empty() && !has_beside && !document.items.is_heading_row(document.row_of(label)) {
        let below = slots.iter().filter(|slot| slot.place == Place::Below).take(2);
        let first = below.map(|slot| (slot, document.amounts_in_slot(slot))).find(|(slot, amounts)| {
            let letters = document.reading.slot_text(slot).chars().filter(|c| c.is_alphabetic()).count();
            letters <= 4 && amounts.iter().any(|placed| placed.amount.is_money())
        });
        found.extend(first.into_iter().flat_map(|(_, amounts)| amounts));
    }
    if found.iter().any(|placed| placed.amount.is_money()) {
        found.retain(|placed| placed.amount.is_money());
    }
    found
}
