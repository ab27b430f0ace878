//! Electronic invoices: what their XML says, exactly. Both syntaxes of the European standard EN 16931 are read, with the
//! national and sector specifications that build on them (ZUGFeRD 1 and 2, Factur-X, XRechnung, Peppol BIS).
//!
//! Knows XML and the standard, and nothing of files, pages or extractors. What it says about an invoice is data and
//! warnings: a wrong sum is the sender's mistake, and fails nothing.

mod checks;
mod cii;
mod fields;
mod names;
mod rendering;
mod ubl;
mod xml;

use roxmltree::Node;

use crate::domain::invoice::Invoice;

pub use checks::check;
pub use fields::{facts, fill, property_of};
pub use rendering::render;

/// Names under which PDF files carry their invoice, in the order in which they are preferred.
const EMBEDDED_NAMES: [&str; 6] =
    ["factur-x.xml", "zugferd-invoice.xml", "xrechnung.xml", "cii.xml", "invoice.xml", "ubl.xml"];

/// Elements of an envelope that may be the invoice: it has its header and one document.
const MAX_ENVELOPED: usize = 10;

/// Namespace of UBL, up to the kind of document.
const UBL_NAMESPACE: &str = "urn:oasis:names:specification:ubl:schema:xsd:";

/// Why XML is no invoice that can be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The XML is not well-formed, has a document type, or is too large.
    #[error(transparent)]
    Xml(#[from] crate::xml::Error),
}

/// Reads an invoice; `None` for XML that is something else.
///
/// # Errors
/// XML that is not well-formed, has a document type declaration, or is too large.
pub fn read(text: &str) -> Result<Option<Invoice>, Error> {
    let document = crate::xml::parse(text)?;
    let root = document.root_element();
    // Networks put an invoice into an envelope, behind the envelope's header.
    Ok(match root.tag_name().name() {
        "StandardBusinessDocument" => {
            root.children().filter(Node::is_element).take(MAX_ENVELOPED).find_map(read_root)
        }
        _ => read_root(root),
    })
}

fn read_root(root: Node) -> Option<Invoice> {
    let namespace = root.tag_name().namespace().unwrap_or_default();
    match root.tag_name().name() {
        "CrossIndustryInvoice" | "CrossIndustryDocument" => Some(cii::read(root)),
        "Invoice" | "CreditNote" if namespace.starts_with(UBL_NAMESPACE) => Some(ubl::read(root)),
        _ => None,
    }
}

/// How likely an embedded file of this name is the invoice: lower is likelier.
pub fn name_rank(name: &str) -> usize {
    let name = name.to_ascii_lowercase();
    EMBEDDED_NAMES.iter().position(|known| name == *known).unwrap_or(EMBEDDED_NAMES.len())
}

#[cfg(test)]
mod tests;
