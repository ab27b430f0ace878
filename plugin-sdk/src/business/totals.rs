//! Totals, tax and currency, checked against each other.
//!
//! Each amount beside a label is a candidate; which one is the total is decided by what its label says, by
//! sums that come out (net and tax, the lines, cash less change) and by how often it is printed.

mod currency;
mod found;
mod taxes;

use serde_json::{Value, json};

use super::BusinessDocument;
use super::lexicon::Concept;
use crate::output::{Field, Warning};
use crate::values::amounts::rounded;
use found::{Candidate, Found};

/// Two amounts are equal within a cent and the error of binary fractions.
const CENT: f64 = 0.0151;

/// The amounts of a document.
#[derive(Debug, Clone)]
pub struct Totals {
    /// Before tax.
    pub subtotal: Field,
    /// All tax.
    pub tax: Field,
    /// Rate of tax in percent, where there is one for all.
    pub tax_rate: Field,
    /// After tax.
    pub total: Field,
    /// Still to be paid.
    pub amount_due: Field,
    /// Deduction.
    pub discount: Field,
    /// ISO 4217 code.
    pub currency: Field,
    /// Sums that do not come out.
    pub warnings: Vec<Warning>,
}

impl Totals {
    /// Reads the amounts of a document.
    pub fn read(document: &BusinessDocument) -> Self {
        let mut found = Found::collect(document);
        found.prefer_agreeing(document);
        let total = found.best_total();
        let (subtotal, tax) = found.net_and_tax(document, total.as_ref());
        let mut totals = Self {
            tax_rate: found.tax_rate(document, &subtotal, &tax),
            currency: currency::read(document, total.as_ref()),
            amount_due: found.due.last().map_or_else(Field::missing, |due| field(due, 0.85)),
            discount: found.discounts.last().map_or_else(Field::missing, |discount| field(discount, 0.7)),
            total: total.as_ref().map_or_else(Field::missing, |total| field(total, 0.8)),
            subtotal,
            tax,
            warnings: Vec::new(),
        };
        totals.check(document, &found);
        totals.imply_due(document, &found);
        totals
    }

    /// Of a bill that nothing was paid of, all is due.
    fn imply_due(&mut self, document: &BusinessDocument, found: &Found) {
        let has = |concept| document.labels.of(concept).next().is_some();
        let is_bill = has(Concept::Iban) || has(Concept::DueDate);
        let is_paid = has(Concept::Paid) || !found.tendered.is_empty() || !found.change.is_empty();
        if let Some(total) =
            self.total.number().filter(|_| self.amount_due.is_missing() && is_bill && !is_paid)
        {
            self.amount_due = Field::computed(number(total), self.total.confidence * 0.75);
        }
    }

    /// Raises or lowers confidences by whether the sums come out.
    fn check(&mut self, document: &BusinessDocument, found: &Found) {
        let Some(total) = self.total.number() else { return };
        if let (Some(subtotal), Some(tax)) = (self.subtotal.number(), self.tax.number()) {
            let is_read = self.subtotal.source.as_deref() != Some("computed")
                && self.tax.source.as_deref() != Some("computed");
            let agrees = found.adds_up(subtotal, tax, total) || (subtotal - total).abs() < CENT;
            let change = if agrees { 0.12 } else { -0.2 };
            if is_read {
                for field in [&mut self.subtotal, &mut self.tax, &mut self.total] {
                    field.adjust(change);
                }
            }
            if !agrees {
                let message = format!("subtotal {subtotal} and tax {tax} do not add up to the total {total}");
                self.warnings.push(Warning::about("total", "total_mismatch", message));
            }
        }
        if let Some(sum) = document.items.sum() {
            let net = self.subtotal.number().unwrap_or(total);
            if (sum - net).abs() < CENT || (sum - total).abs() < CENT {
                self.subtotal.adjust(0.05);
                self.total.adjust(0.08);
            } else if document.items.is_complete() {
                let message =
                    format!("the line items sum to {sum}, the subtotal is {net}, the total {total}");
                self.warnings.push(Warning::about("lineItems", "total_mismatch", message));
            }
        }
    }
}

fn field(candidate: &Candidate, confidence: f32) -> Field {
    let confidence = confidence + if candidate.is_checked { 0.08 } else { 0.0 };
    Field::read(number(candidate.value), confidence.min(0.99), &candidate.span)
}

/// An amount as a JSON number; whole ones without decimals.
pub fn number(value: f64) -> Value {
    let value = rounded(value);
    if value.fract() == 0.0 && value.abs() < 1e15 { json!(value as i64) } else { json!(value) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Fixture;

    fn totals(rows: &[&str]) -> (Option<f64>, Option<f64>, Option<f64>) {
        let pages = Fixture::from_text(&rows.join("\n")).pages;
        let totals = Totals::read(&BusinessDocument::new(&pages, ""));
        (totals.subtotal.number(), totals.tax.number(), totals.total.number())
    }

    #[test]
    fn amounts_of_a_credit_note_are_below_zero() {
        let rows = ["Summe netto   -100,00", "MwSt 19 %      -19,00", "Gesamtbetrag  -119,00 EUR"];
        assert_eq!(totals(&rows), (Some(-100.0), Some(-19.0), Some(-119.0)));
    }

    #[test]
    fn a_tax_that_the_total_includes_is_not_the_total() {
        let rows = ["Subtotal   £45.50", "Shipping    £3.95", "Total      £49.45 (includes £8.24 VAT)"];
        assert_eq!(totals(&rows), (Some(45.5), Some(8.24), Some(49.45)));
    }

    #[test]
    fn a_total_after_rounding_goes_before_the_one_it_rounds() {
        let rows =
            ["Celkem             1 543,30", "Zaokrouhleni          -0,30", "K uhrade           1 543,00"];
        assert_eq!(totals(&rows).2, Some(1543.0));
    }

    #[test]
    fn a_count_is_no_total_where_amounts_have_cents() {
        let rows =
            ["Paint 2.00 4.00", "Brush 1.00 1.00", "TOTAL PIECES 60,000", "Amount due    5.00", "Paid 0.00"];
        assert_eq!(totals(&rows).2, Some(5.0));
    }

    #[test]
    fn the_last_row_of_a_tax_table_is_not_the_total() {
        let rows = [
            "SUMME     EUR       5,65",
            "Bar                10,00",
            "",
            "       Netto   MwSt  Brutto",
            "A 19%   2,18   0,42    2,60",
            "B  7%   2,85   0,20    3,05",
        ];
        assert_eq!(totals(&rows), (Some(5.03), Some(0.62), Some(5.65)));
    }

    #[test]
    fn taxes_of_two_kinds_are_added_up() {
        let rows = [
            "Subtotal    $ 71.00",
            "GST 5%       $ 3.55",
            "QST 9.975%   $ 7.08",
            "Total CAD   $ 81.63",
            "GST/HST 82231 4471 RT0001",
        ];
        assert_eq!(totals(&rows), (Some(71.0), Some(10.63), Some(81.63)));
    }

    #[test]
    fn the_rate_may_stand_in_front_of_the_word_for_the_tax() {
        let rows = ["Nettobetrag   100,00", "zzgl. 19 % MwSt.   19,00", "Gesamtbetrag   119,00"];
        let pages = Fixture::from_text(&rows.join("\n")).pages;
        assert_eq!(Totals::read(&BusinessDocument::new(&pages, "")).tax_rate.number(), Some(19.0));
    }

    #[test]
    fn terms_of_payment_are_no_net_amount() {
        let rows =
            ["Terms: Net 30", "Merchandise   22.70", "Freight   18.40", "Invoice Total   41.10", "Paid 0.00"];
        assert_ne!(totals(&rows).0, Some(30.0));
    }

    #[test]
    fn what_is_added_to_a_total_makes_the_next_one() {
        let rows = ["Total Fees   $2,063.50", "Costs: courier   $38.25", "Total This Invoice   $2,101.75"];
        assert_eq!(totals(&rows).2, Some(2101.75));
    }

    #[test]
    fn rates_of_a_tax_table_may_have_no_percent_sign() {
        let rows = [
            "Summe                 19,39",
            "girocard              19,39",
            "Steuer % / Netto / MwSt / Brutto",
            "1  7,00   15,56   1,09   16,65",
            "2 19,00    2,30   0,44    2,74",
        ];
        assert_eq!(totals(&rows), (Some(17.86), Some(1.53), Some(19.39)));
    }

    #[test]
    fn net_and_tax_alone_go_before_a_sum_with_a_discount_in_it() {
        let rows = [
            "Total ilíquido        1 783,00",
            "Desconto comercial       82,40",
            "Total s/ IVA          1 700,60",
            "IVA (23%)               391,14",
            "TOTAL A PAGAR         2 091,74",
        ];
        assert_eq!(totals(&rows), (Some(1700.6), Some(391.14), Some(2091.74)));
    }
}
