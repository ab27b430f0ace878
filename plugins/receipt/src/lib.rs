//! The plugin `receipt`: seller, date, amounts and lines of receipts, without a template.

#[cfg(test)]
mod tests;

use ocriva_plugin_sdk::business::facts::{Fact, Facts, Kind, schema};
use ocriva_plugin_sdk::business::{BusinessDocument, pages};
use ocriva_plugin_sdk::{Description, Document, Extractor, Failure, Output, Request, completion, register};

/// The fields, in the order of the answer.
const FIELDS: &[(&str, Fact)] = &[
    ("merchantName", Fact::SupplierName),
    ("merchantAddress", Fact::SupplierAddress),
    ("merchantPhone", Fact::Phone),
    ("merchantTaxId", Fact::SupplierTaxId),
    ("receiptNumber", Fact::DocumentNumber),
    ("date", Fact::DocumentDate),
    ("time", Fact::Time),
    ("currency", Fact::Currency),
    ("subtotal", Fact::Subtotal),
    ("tax", Fact::TaxAmount),
    ("taxRate", Fact::TaxRate),
    ("total", Fact::Total),
    ("paymentMethod", Fact::PaymentMethod),
    ("lineItems", Fact::LineItems),
];

/// Reads receipts.
pub struct Receipt;

impl Extractor for Receipt {
    type Request = Request;

    fn describe() -> Description {
        let purpose = "Reads receipts: seller, date, amounts and lines";
        Description::new("receipt", env!("CARGO_PKG_VERSION"), purpose)
            .with_config_schema(completion::config_schema())
            .with_output_schema(schema(FIELDS))
    }

    fn extract(document: &Document, request: Request) -> Result<Output, Failure> {
        let pages = pages(document)?;
        let read = BusinessDocument::new(&pages, &request.today);
        let mut output = Facts::read(&read, Kind::Receipt).output(&read, FIELDS);
        completion::complete(document, &request.config, Some(&schema(FIELDS)), &mut output);
        Ok(output)
    }
}

register!(Receipt);
