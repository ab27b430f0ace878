//! The sums that EN 16931 prescribes, and what an invoice has to state. What does not hold is a warning under the
//! standard's own name of the rule: the sender's system made the invoice, and whoever pays it has to know.

use crate::domain::extraction::Warning;
use crate::domain::invoice::{Adjustment, Invoice, Line, Number, Tax};

/// Sums may differ by so much, which is rounding and the error of binary fractions.
const CENT: Number = 0.0101;

/// The tax of one rate may be rounded per line or on the whole: the standard lets it differ by one.
const TAX_TOLERANCE: Number = 1.0;

/// What an invoice states wrongly, or fails to state.
pub fn check(invoice: &Invoice) -> Vec<Warning> {
    let mut found = Found::default();
    found.check_statements(invoice);
    found.check_lines(invoice);
    found.check_totals(invoice);
    found.check_taxes(invoice);
    found.0
}

#[derive(Default)]
struct Found(Vec<Warning>);

impl Found {
    fn add(&mut self, rule: &str, field: &str, message: String) {
        let code = format!("en16931_{}", rule.to_ascii_lowercase().replace('-', "_"));
        self.0.push(Warning {
            code,
            message: format!("{rule}: {message}"),
            field: Some(field.to_owned()),
            page: None,
        });
    }

    /// Adds a warning where both amounts are stated and differ.
    fn compare(&mut self, rule: &str, field: &str, what: &str, stated: Option<Number>, due: Option<Number>) {
        let (Some(stated), Some(due)) = (stated, due) else { return };
        if (stated - due).abs() >= CENT {
            self.add(rule, field, format!("{what} is {stated:.2} in the XML and comes to {due:.2}"));
        }
    }

    fn check_statements(&mut self, invoice: &Invoice) {
        let required = [
            ("BR-02", "invoiceNumber", "number", invoice.number.is_some()),
            ("BR-03", "invoiceDate", "date of issue", invoice.issue_date.is_some()),
            ("BR-04", "documentTypeCode", "type code", invoice.type_code.is_some()),
            ("BR-05", "currency", "currency", invoice.currency.is_some()),
            ("BR-06", "supplierName", "seller's name", invoice.seller.name.is_some()),
            ("BR-07", "customerName", "buyer's name", invoice.buyer.name.is_some()),
            ("BR-14", "total", "total with tax", invoice.totals.with_tax.is_some()),
            ("BR-15", "amountDue", "amount due", invoice.totals.due.is_some()),
        ];
        for (rule, field, what, is_stated) in required {
            if !is_stated {
                self.add(rule, field, format!("the XML states no {what}"));
            }
        }
    }

    fn check_lines(&mut self, invoice: &Invoice) {
        for (index, line) in invoice.lines.iter().enumerate() {
            let number = line.id.clone().unwrap_or_else(|| (index + 1).to_string());
            if line.status.as_deref() == Some("group") {
                continue;
            }
            let (Some(stated), Some(due)) = (line.amount, line_amount(line)) else { continue };
            // Prices may be rounded: half a unit of their last digit, often the fourth, times the quantity.
            let tolerance = 2.0 * CENT + 0.00005 * line.quantity.unwrap_or_default().abs();
            if (stated - due).abs() >= tolerance {
                let message = format!(
                    "line {number} is {stated:.2} in the XML, its quantity, price and allowances come to {due:.2}"
                );
                self.add("PEPPOL-EN16931-R120", "lineItems", message);
            }
        }
        // The smaller profiles have no lines.
        if let Some(sum) = sum(summed_lines(invoice).map(|line| line.amount)) {
            self.compare("BR-CO-10", "lineTotal", "the sum of the lines", invoice.totals.lines, Some(sum));
        }
    }

    fn check_totals(&mut self, invoice: &Invoice) {
        let totals = &invoice.totals;
        let of_kind = |is_charge| {
            let wanted =
                invoice.adjustments.iter().filter(move |adjustment| adjustment.is_charge == is_charge);
            sum(wanted.map(|adjustment| adjustment.amount))
        };
        self.compare("BR-CO-11", "discount", "the sum of allowances", totals.allowances, of_kind(false));
        self.compare("BR-CO-12", "chargeTotal", "the sum of charges", totals.charges, of_kind(true));
        let or_none = Option::unwrap_or_default;
        let without_tax =
            totals.lines.map(|lines| lines - or_none(totals.allowances) + or_none(totals.charges));
        self.compare("BR-CO-13", "subtotal", "the total without tax", totals.without_tax, without_tax);
        let with_tax = totals.without_tax.map(|amount| amount + or_none(totals.tax));
        self.compare("BR-CO-15", "total", "the total with tax", totals.with_tax, with_tax);
        let further = or_none(totals.rounding) + or_none(totals.third_party) - or_none(totals.prepaid);
        let due = totals.with_tax.map(|amount| amount + further);
        // The smallest profile leaves out what was paid before.
        if !invoice.profile.as_deref().is_some_and(|profile| profile.contains("minimum")) {
            self.compare("BR-CO-16", "amountDue", "the amount due", totals.due, due);
        }
    }

    fn check_taxes(&mut self, invoice: &Invoice) {
        let taxes = sum(invoice.taxes.iter().map(|tax| tax.amount));
        self.compare("BR-CO-14", "taxAmount", "the tax", invoice.totals.tax, taxes);
        for tax in &invoice.taxes {
            let (Some(base), Some(rate), Some(amount)) = (tax.base, tax.rate, tax.amount) else { continue };
            let due = base * rate / 100.0;
            if (amount.abs() - due.abs()).abs() >= TAX_TOLERANCE {
                let message = format!(
                    "the tax of {rate} % on {base:.2} is {amount:.2} in the XML and comes to {due:.2}"
                );
                self.add("BR-CO-17", "taxBreakdown", message);
            }
        }
        for tax in &invoice.taxes {
            self.check_base(tax, invoice);
        }
    }

    /// Compares what is taxed at one rate with the lines, allowances and charges of that rate.
    fn check_base(&mut self, tax: &Tax, invoice: &Invoice) {
        let (Some(base), Some(category)) = (tax.base, tax.category.as_deref()) else { return };
        let is_taxed_so = |other: Option<&str>, rate: Option<Number>| {
            other == Some(category) && (rate == tax.rate || tax.rate.is_none() || rate.is_none())
        };
        let lines =
            summed_lines(invoice).filter(|line| is_taxed_so(line.tax_category.as_deref(), line.tax_rate));
        let Some(lines) = sum(lines.map(|line| line.amount)) else { return };
        let adjustments = invoice
            .adjustments
            .iter()
            .filter(|adjustment| is_taxed_so(adjustment.tax_category.as_deref(), adjustment.tax_rate));
        let due = lines + adjustments.map(signed).sum::<Number>();
        if (base - due).abs() >= TAX_TOLERANCE {
            let rate = tax.rate.unwrap_or_default();
            let message = format!("what is taxed at {rate} % is {base:.2} in the XML and comes to {due:.2}");
            self.add(&format!("BR-{}-08", rule_letters(category)), "taxBreakdown", message);
        }
    }
}

/// The lines whose amounts make the total.
fn summed_lines(invoice: &Invoice) -> impl Iterator<Item = &Line> {
    invoice.lines.iter().filter(|line| line.status.is_none())
}

/// What the standard's rules call a category of tax.
fn rule_letters(category: &str) -> &str {
    match category {
        "K" => "IC",
        "L" => "AF",
        "M" => "AG",
        category => category,
    }
}

/// What an allowance or charge adds.
fn signed(adjustment: &Adjustment) -> Number {
    let amount = adjustment.amount.unwrap_or_default();
    if adjustment.is_charge { amount } else { -amount }
}

/// What a line comes to; `None` where quantity or price is not stated.
fn line_amount(line: &Line) -> Option<Number> {
    let price = line.price? / line.price_quantity.filter(|quantity| *quantity != 0.0).unwrap_or(1.0);
    Some(line.quantity? * price + line.adjustments.iter().map(signed).sum::<Number>())
}

/// The sum of amounts; `None` where there are none.
fn sum(amounts: impl Iterator<Item = Option<Number>>) -> Option<Number> {
    amounts.flatten().reduce(|sum, amount| sum + amount)
}
