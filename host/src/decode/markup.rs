//! XML in files, and any XML as a listing.

use roxmltree::{Document, Node};

use super::{Error, Limits};
use crate::domain::flow::{Flow, Paper};
use crate::xml;

/// How deep elements are followed. Office files nest about six elements for a table in a table.
pub(super) const MAX_DEPTH: usize = 200;

/// Most bytes of a generic XML file's names that stand before one value.
const MAX_LABEL: usize = 200;

/// Parses XML.
///
/// # Errors
/// Damaged, with a document type, or too large.
pub(super) fn parse<'a>(text: &'a str, format: &'static str) -> Result<Document<'a>, Error> {
    xml::parse(text).map_err(|error| match error {
        xml::Error::TooLarge { what, limit } => Error::LimitExceeded {
            what: format!("{what}, or more"),
            found: limit + 1,
            limit,
            setting: "decode.max_text_mib",
        },
        error @ xml::Error::DocumentType => Error::Unsupported(format!("{format} file: {error}")),
        error @ xml::Error::Malformed(_) => Error::Damaged { format, reason: error.to_string() },
    })
}

/// The error for markup above a limit.
pub(super) fn too_large(limit: u64, setting: &'static str) -> Error {
    Error::LimitExceeded {
        what: "bytes or elements of markup, or more".into(),
        found: limit + 1,
        limit,
        setting,
    }
}

/// The error for elements that are nested too deeply.
pub(super) fn too_deep(format: &'static str) -> Error {
    Error::Damaged { format, reason: format!("its elements are nested more than {MAX_DEPTH} deep") }
}

/// Any XML as a table of the names and values of its innermost elements and their attributes.
///
/// # Errors
/// Damaged, with a document type, or too large.
pub(super) fn listing(text: &str, limits: &Limits) -> Result<Flow, Error> {
    let document = parse(text, "XML")?;
    let mut flow = Flow::new(Paper::Sheets);
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut bytes = 0_u64;
    for node in document.descendants().filter(Node::is_element) {
        let name = node.tag_name().name();
        let counted = rows.len();
        for attribute in node.attributes() {
            rows.push(vec![shortened(&format!("{name} {}", attribute.name())), attribute.value().to_owned()]);
        }
        let has_elements = node.children().any(|child| child.is_element());
        for text in node.children().filter(Node::is_text).filter_map(|child| child.text()) {
            let text = text.trim();
            // A file within the file shows nothing.
            if !text.is_empty() && !name.ends_with("BinaryObject") {
                // A text among elements belongs to the flow of the element, not to a name.
                let label = if has_elements { String::new() } else { shortened(name) };
                rows.push(vec![label, text.to_owned()]);
            }
        }
        let added = rows.get(counted..).unwrap_or_default().iter().flatten();
        bytes += added.map(|cell| cell.len() as u64).sum::<u64>();
        super::flow::check_text(bytes, limits)?;
    }
    flow.table(rows);
    Ok(flow)
}

fn shortened(name: &str) -> String {
    name.chars().take(MAX_LABEL).collect()
}
