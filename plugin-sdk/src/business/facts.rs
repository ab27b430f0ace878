//! All that is read from a business document, by what it is.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::BusinessDocument;
use super::lexicon::Concept;
use super::merchant::Merchant;
use super::parties::{self, Parties};
use super::payment;
use super::references;
use super::totals::Totals;
use crate::output::{Field, Output, Warning};
use crate::reading::Place;
use crate::values::contacts;

/// Something that business documents say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fact {
    /// Number of the invoice or receipt.
    DocumentNumber,
    /// Date of the document.
    DocumentDate,
    /// Time of day, `HH:MM` or `HH:MM:SS`.
    Time,
    /// Last day of payment.
    DueDate,
    /// Number of the order.
    OrderNumber,
    /// The customer's number at the supplier.
    CustomerNumber,
    /// Seller.
    SupplierName,
    /// Seller's address in one line.
    SupplierAddress,
    /// Seller's tax number.
    SupplierTaxId,
    /// Buyer.
    CustomerName,
    /// Buyer's address in one line.
    CustomerAddress,
    /// Buyer's tax number.
    CustomerTaxId,
    /// International bank account number.
    Iban,
    /// Bank code.
    Bic,
    /// ISO 4217 code.
    Currency,
    /// Before tax.
    Subtotal,
    /// All tax.
    TaxAmount,
    /// In percent.
    TaxRate,
    /// Deduction.
    Discount,
    /// After tax.
    Total,
    /// Still to be paid.
    AmountDue,
    /// How it is paid.
    PaymentMethod,
    /// Telephone of the seller.
    Phone,
    /// E-mail address.
    Email,
    /// Web address.
    Website,
    /// Goods or services.
    LineItems,
}

/// Where the seller's name and address are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A letter: sender's line, window, footer.
    Invoice,
    /// A roll of paper: the seller is at the head.
    Receipt,
}

impl Kind {
    /// The kind a document looks like: cash and change, or a narrow page without a bank account.
    pub fn of(document: &BusinessDocument) -> Self {
        let has = |concept| document.labels.of(concept).any(|label| label.starts_segment);
        let is_narrow = document.reading.pages().first().is_some_and(|page| page.height > page.width * 1.7);
        let is_letter = has(Concept::Iban) || document.reading.pages().len() > 2;
        if !is_letter && (is_narrow || (has(Concept::Change) && has(Concept::Tendered))) {
            Self::Receipt
        } else {
            Self::Invoice
        }
    }
}

/// The facts of one document.
#[derive(Debug, Clone)]
pub struct Facts {
    fields: BTreeMap<Fact, Field>,
    warnings: Vec<Warning>,
}

impl Facts {
    /// Reads all facts.
    pub fn read(document: &BusinessDocument, kind: Kind) -> Self {
        let totals = Totals::read(document);
        let parties = Parties::read(document);
        let (supplier_name, supplier_address) = match kind {
            Kind::Invoice => (parties.supplier_name, parties.supplier_address),
            Kind::Receipt => {
                let merchant = Merchant::read(document);
                (merchant.name, merchant.address)
            }
        };
        let fields = BTreeMap::from([
            (Fact::DocumentNumber, references::document_number(document)),
            (Fact::DocumentDate, references::document_date(document)),
            (Fact::Time, references::time(document)),
            (Fact::DueDate, references::due_date(document)),
            (Fact::OrderNumber, references::order_number(document)),
            (Fact::CustomerNumber, references::customer_number(document)),
            (Fact::SupplierName, supplier_name),
            (Fact::SupplierAddress, supplier_address),
            (Fact::SupplierTaxId, parties.supplier_tax_id),
            (Fact::CustomerName, parties.customer_name),
            (Fact::CustomerAddress, parties.customer_address),
            (Fact::CustomerTaxId, parties.customer_tax_id),
            (Fact::Iban, parties::iban(document)),
            (Fact::Bic, parties::bic(document)),
            (Fact::Currency, totals.currency),
            (Fact::Subtotal, totals.subtotal),
            (Fact::TaxAmount, totals.tax),
            (Fact::TaxRate, totals.tax_rate),
            (Fact::Discount, totals.discount),
            (Fact::Total, totals.total),
            (Fact::AmountDue, totals.amount_due),
            (Fact::PaymentMethod, payment::method(document)),
            (Fact::Phone, phone(document)),
            (Fact::Email, contact(document, contacts::find_email)),
            (Fact::Website, contact(document, contacts::find_website)),
            (Fact::LineItems, document.items.field()),
        ]);
        Self { fields, warnings: totals.warnings }
    }

    /// A fact as a field; missing where the document does not say it.
    pub fn field(&self, fact: Fact) -> Field {
        self.fields.get(&fact).cloned().unwrap_or_else(Field::missing)
    }

    /// An answer of named facts, with the lines as a table and what does not add up as warnings.
    pub fn output(&self, document: &BusinessDocument, names: &[(&str, Fact)]) -> Output {
        let mut output = Output::default();
        for (name, fact) in names {
            output.fields.insert((*name).to_owned(), self.field(*fact));
        }
        let lines = names.iter().find(|(_, fact)| *fact == Fact::LineItems);
        output.tables.extend(lines.and_then(|(name, _)| document.items.table(name)));
        output.warnings = self.warnings_for(names);
        output
    }

    /// The warnings about the named facts, each about the field's name in this answer.
    pub fn warnings_for(&self, names: &[(&str, Fact)]) -> Vec<Warning> {
        let named = self.warnings.iter().filter_map(|warning| {
            let fact =
                if warning.field.as_deref() == Some("lineItems") { Fact::LineItems } else { Fact::Total };
            let (name, _) = names.iter().find(|(_, other)| *other == fact)?;
            Some(Warning { field: Some((*name).to_owned()), ..warning.clone() })
        });
        named.collect()
    }
}

/// JSON Schema of an answer of named facts.
pub fn schema(names: &[(&str, Fact)]) -> Value {
    let properties: Map<String, Value> =
        names.iter().map(|(name, fact)| ((*name).to_owned(), fact_schema(*fact))).collect();
    json!({"type": "object", "properties": properties})
}

fn fact_schema(fact: Fact) -> Value {
    match fact {
        Fact::DocumentDate | Fact::DueDate => json!({"type": ["string", "null"], "format": "date"}),
        Fact::Subtotal | Fact::TaxAmount | Fact::TaxRate | Fact::Discount | Fact::Total | Fact::AmountDue => {
            json!({"type": ["number", "null"]})
        }
        Fact::LineItems => json!({"type": ["array", "null"], "items": {"type": "object", "properties": {
            "code": {"type": ["string", "null"]},
            "description": {"type": ["string", "null"]},
            "quantity": {"type": ["number", "null"]},
            "unit": {"type": ["string", "null"]},
            "unitPrice": {"type": ["number", "null"]},
            "amount": {"type": ["number", "null"]},
            "taxRate": {"type": ["number", "null"]},
        }}}),
        _ => json!({"type": ["string", "null"]}),
    }
}

/// The first telephone number behind its label.
fn phone(document: &BusinessDocument) -> Field {
    for label in document.labels.of(Concept::Phone) {
        for slot in
            document.labels.slots(&document.reading, label).iter().filter(|slot| slot.place != Place::Below)
        {
            let Some((number, range)) = contacts::find_phone(document.reading.slot_text(slot)) else {
                continue;
            };
            let range = slot.range.start + range.start..slot.range.start + range.end;
            if let Some(span) = document.reading.span(slot.segment, range) {
                return Field::read(Value::from(number), 0.85, &span);
            }
        }
    }
    Field::missing()
}

/// The first address that `find` finds.
fn contact(
    document: &BusinessDocument,
    find: impl Fn(&str) -> Option<(String, std::ops::Range<usize>)>,
) -> Field {
    for (index, segment) in document.reading.segments().iter().enumerate() {
        let Some((value, range)) = find(&segment.text) else { continue };
        if let Some(span) = document.reading.span(index, range) {
            return Field::read(Value::from(value), 0.9, &span);
        }
    }
    Field::missing()
}
