//! The plugin `invoice`: numbers, dates, parties, amounts and lines of invoices, without a template.

#[cfg(test)]
mod tests;

use ocriva_plugin_sdk::business::facts::{Fact, Facts, Kind, schema};
use ocriva_plugin_sdk::business::{BusinessDocument, pages};
use ocriva_plugin_sdk::{Description, Document, Extractor, Failure, Output, Request, completion, register};

/// The fields, in the order of the answer.
const FIELDS: &[(&str, Fact)] = &[
    ("invoiceNumber", Fact::DocumentNumber),
    ("invoiceDate", Fact::DocumentDate),
    ("dueDate", Fact::DueDate),
    ("orderNumber", Fact::OrderNumber),
    ("customerNumber", Fact::CustomerNumber),
    ("supplierName", Fact::SupplierName),
    ("supplierAddress", Fact::SupplierAddress),
    ("supplierTaxId", Fact::SupplierTaxId),
    ("customerName", Fact::CustomerName),
    ("customerAddress", Fact::CustomerAddress),
    ("customerTaxId", Fact::CustomerTaxId),
    ("iban", Fact::Iban),
    ("bic", Fact::Bic),
    ("currency", Fact::Currency),
    ("subtotal", Fact::Subtotal),
    ("taxAmount", Fact::TaxAmount),
    ("taxRate", Fact::TaxRate),
    ("total", Fact::Total),
    ("amountDue", Fact::AmountDue),
    ("paymentMethod", Fact::PaymentMethod),
    ("lineItems", Fact::LineItems),
];

/// Reads invoices.
pub struct Invoice;

impl Extractor for Invoice {
    type Request = Request;

    fn describe() -> Description {
        let purpose = "Reads invoices: numbers, dates, parties, amounts and lines";
        Description::new("invoice", env!("CARGO_PKG_VERSION"), purpose)
            .with_config_schema(completion::config_schema())
            .with_output_schema(schema(FIELDS))
    }

    fn extract(document: &Document, request: Request) -> Result<Output, Failure> {
        let pages = pages(document)?;
        let read = BusinessDocument::new(&pages, &request.today);
        let mut output = Facts::read(&read, Kind::Invoice).output(&read, FIELDS);
        completion::complete(document, &request.config, Some(&schema(FIELDS)), &mut output);
        Ok(output)
    }
}

register!(Invoice);
