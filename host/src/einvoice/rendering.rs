//! An invoice as a text to read, for those that come without pages.

use serde_json::{Map, Value};

use super::fields;
use crate::domain::flow::{Flow, Paper};
use crate::domain::invoice::{Invoice, Line, Number, Party};

/// Facts that stand where they are usual, not in the list of all others.
const PLACED: [&str; 24] = [
    "invoiceNumber",
    "invoiceDate",
    "dueDate",
    "supplierName",
    "supplierAddress",
    "supplierTaxId",
    "customerName",
    "customerAddress",
    "customerTaxId",
    "currency",
    "subtotal",
    "taxAmount",
    "taxRate",
    "total",
    "amountDue",
    "lineTotal",
    "discount",
    "chargeTotal",
    "prepaidAmount",
    "roundingAmount",
    "paymentTerms",
    "documentType",
    "syntax",
    "specification",
];

/// The invoice's text: parties, references, lines, sums, and all else that it states.
pub fn render(invoice: &Invoice) -> Flow {
    let mut flow = Flow::new(Paper::Sheets);
    flow.text(if invoice.is_credit_note() { "Credit note" } else { "Invoice" });
    flow.gap();
    flow.table(stated(vec![
        (
            if invoice.is_credit_note() { "Credit note number" } else { "Invoice number" },
            invoice.number.clone(),
        ),
        ("Invoice date", invoice.issue_date.clone()),
        ("Due date", invoice.due_date.clone()),
    ]));
    flow.gap();
    add_party("Supplier", &invoice.seller, &mut flow);
    add_party("Customer", &invoice.buyer, &mut flow);
    add_lines(invoice, &mut flow);
    add_totals(invoice, &mut flow);
    if let Some(terms) = &invoice.payment_terms {
        flow.text(format!("Payment terms: {terms}"));
        flow.gap();
    }
    add_others(&fields::facts(invoice), &mut flow);
    flow
}

fn add_party(role: &str, party: &Party, flow: &mut Flow) {
    flow.text(format!("{role}:"));
    let address = &party.address;
    let city: Vec<&str> =
        [&address.postal_code, &address.city].into_iter().flatten().map(String::as_str).collect();
    let name = party.name.clone().into_iter();
    let lines = name.chain(address.lines.iter().cloned()).chain([city.join(" ")]);
    for line in lines.chain(address.country.clone()).filter(|line| !line.is_empty()) {
        flow.text(line);
    }
    if let Some(id) = party.vat_id.as_ref().or(party.tax_number.as_ref()) {
        flow.text(format!("VAT ID: {id}"));
    }
    flow.gap();
}

fn add_lines(invoice: &Invoice, flow: &mut Flow) {
    if invoice.lines.is_empty() {
        return;
    }
    let heading = ["Pos.", "Description", "Quantity", "Unit", "Unit price", "VAT %", "Amount"];
    let row = |line: &Line| {
        vec![
            line.id.clone().unwrap_or_default(),
            line.name.clone().or_else(|| line.description.clone()).unwrap_or_default(),
            line.quantity.map(|quantity| quantity.to_string()).unwrap_or_default(),
            line.unit.clone().unwrap_or_default(),
            amount(line.price).unwrap_or_default(),
            line.tax_rate.map(|rate| rate.to_string()).unwrap_or_default(),
            amount(line.amount).unwrap_or_default(),
        ]
    };
    let heading = heading.map(str::to_owned).to_vec();
    flow.table([heading].into_iter().chain(invoice.lines.iter().map(row)).collect());
    flow.gap();
}

fn add_totals(invoice: &Invoice, flow: &mut Flow) {
    let totals = &invoice.totals;
    let currency = invoice.currency.clone().unwrap_or_default();
    let money =
        |value: Option<Number>| amount(value).map(|amount| format!("{amount} {currency}").trim().to_owned());
    let mut sums = vec![
        ("Sum of lines", money(totals.lines)),
        ("Allowances", money(totals.allowances)),
        ("Charges", money(totals.charges)),
        ("Subtotal", money(totals.without_tax)),
        ("VAT", money(totals.tax)),
        ("Total", money(totals.with_tax)),
        ("Prepaid", money(totals.prepaid)),
        ("Rounding", money(totals.rounding)),
        ("Amount due", money(totals.due)),
    ];
    sums.retain(|(_, value)| value.is_some());
    flow.table(stated(sums));
    flow.gap();
}

/// Everything else, one below the other.
fn add_others(facts: &Map<String, Value>, flow: &mut Flow) {
    let others = facts.iter().filter(|(name, _)| !PLACED.contains(&name.as_str()) && *name != "lineItems");
    let rows = others.map(|(name, value)| vec![spaced(name), shown(value)]);
    flow.table(rows.collect());
}

/// Rows of what is stated.
fn stated(rows: Vec<(&str, Option<String>)>) -> Vec<Vec<String>> {
    rows.into_iter().filter_map(|(label, value)| Some(vec![label.to_owned(), value?])).collect()
}

fn amount(value: Option<Number>) -> Option<String> {
    let value = value?;
    let text = value.to_string();
    // Prices may have more than two decimals; amounts have two.
    let decimals = text.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    Some(if decimals > 2 { text } else { format!("{value:.2}") })
}

/// `paymentTerms` as `Payment terms`.
fn spaced(name: &str) -> String {
    let mut label = String::with_capacity(name.len() + 4);
    for letter in name.chars() {
        match letter {
            letter if label.is_empty() => label.extend(letter.to_uppercase()),
            letter if letter.is_uppercase() => {
                label.push(' ');
                label.extend(letter.to_lowercase());
            }
            letter => label.push(letter),
        }
    }
    label
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(shown).collect::<Vec<_>>().join("\n"),
        Value::Object(members) => {
            let stated = members.iter().filter(|(_, value)| !value.is_null());
            stated
                .map(|(name, value)| format!("{} {}", spaced(name), shown(value)))
                .collect::<Vec<_>>()
                .join(", ")
        }
        Value::Null => String::new(),
        other => other.to_string(),
    }
}
