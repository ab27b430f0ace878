//! XML, read whole and within limits. Document types are refused, so no entity is ever expanded and nothing is fetched.

use roxmltree::{Document, Node, ParsingOptions};

use super::{Error, Limits};
use crate::domain::flow::{Flow, Paper};

/// Most elements, attributes not counted: about 150 MB of memory.
const MAX_NODES: u32 = 2_000_000;

/// How deep elements are followed. Office files nest about six elements for a table in a table.
pub(super) const MAX_DEPTH: usize = 200;

/// Most bytes of a generic XML file's names that stand before one value.
const MAX_LABEL: usize = 200;

/// Parses XML.
///
/// # Errors
/// Damaged, with a document type, or too large.
pub(super) fn parse<'a>(text: &'a str, format: &'static str) -> Result<Document<'a>, Error> {
    let options = ParsingOptions { allow_dtd: false, nodes_limit: MAX_NODES, ..ParsingOptions::default() };
    Document::parse_with_options(text, options).map_err(|error| match error {
        roxmltree::Error::NodesLimitReached => too_large(u64::from(MAX_NODES), "decode.max_text_mib"),
        roxmltree::Error::DtdDetected => Error::Unsupported(format!(
            "{format} with a document type declaration (DTD) is not read; remove the declaration"
        )),
        error => Error::Damaged { format, reason: error.to_string() },
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
    let mut rows = Vec::new();
    let mut bytes = 0_u64;
    for node in document.descendants().filter(Node::is_element) {
        let name = node.tag_name().name();
        for attribute in node.attributes() {
            rows.push(vec![shortened(&format!("{name} {}", attribute.name())), attribute.value().to_owned()]);
        }
        let has_elements = node.children().any(|child| child.is_element());
        for text in node.children().filter(Node::is_text).filter_map(|child| child.text()) {
            let text = text.trim();
            if !text.is_empty() {
                // A text among elements belongs to the flow of the element, not to a name.
                let label = if has_elements { String::new() } else { shortened(name) };
                rows.push(vec![label, text.to_owned()]);
            }
        }
        bytes += rows.last().map_or(0, |row| row.iter().map(String::len).sum::<usize>() as u64);
        super::flow::check_text(bytes, limits)?;
    }
    flow.table(rows);
    Ok(flow)
}

fn shortened(name: &str) -> String {
    name.chars().take(MAX_LABEL).collect()
}
