//! Word documents: paragraphs, tables, text boxes, headers, footers and notes in reading order. Fields show their last
//! result; deleted text, comments and macros are left out; nothing that a document refers to is fetched.

use bytes::Bytes;
use roxmltree::Node;

use super::package::Package;
use super::{Error, Limits, markup, office};
use crate::domain::flow::{Block, Flow, Paper};

const FORMAT: &str = "DOCX";

/// The main part where no relationship names another.
const MAIN_PART: &str = "word/document.xml";

/// Elements whose text does not show.
const HIDDEN: [&str; 8] =
    ["del", "moveFrom", "instrText", "delText", "delInstrText", "rPr", "pPr", "commentReference"];

/// Reads a document.
pub(super) fn read(content: Bytes, limits: Limits) -> Result<Flow, Error> {
    let mut package = Package::open(content, FORMAT, limits)?;
    let main = office::main_part(&mut package)?.unwrap_or_else(|| MAIN_PART.to_owned());
    let body = package
        .xml(&main)?
        .ok_or_else(|| Error::Damaged { format: FORMAT, reason: "its main part is missing".into() })?;
    let mut flow = Flow::new(Paper::Sheets);
    let relations = office::relations(&mut package, &main)?;
    // The same header is often there for first, odd and even pages.
    let mut seen: Vec<Vec<Block>> = Vec::new();
    for kind in ["header", "", "footer", "footnotes", "endnotes"] {
        if kind.is_empty() {
            add(&body, &mut flow)?;
            flow.gap();
            continue;
        }
        for relation in relations.iter().filter(|relation| relation.is(kind)) {
            let Some(part) = package.xml(&relation.target)? else { continue };
            let mut piece = Flow::new(Paper::Sheets);
            add(&part, &mut piece)?;
            if !piece.blocks.is_empty() && !seen.contains(&piece.blocks) {
                seen.push(piece.blocks.clone());
                flow.blocks.extend(piece.blocks);
                flow.gap();
            }
        }
    }
    Ok(flow)
}

/// Adds what a part holds.
fn add(part: &str, flow: &mut Flow) -> Result<(), Error> {
    let document = markup::parse(part, FORMAT)?;
    blocks(document.root_element(), flow, 0)
}

/// Adds the blocks in an element.
fn blocks(parent: Node, flow: &mut Flow, depth: usize) -> Result<(), Error> {
    if depth > markup::MAX_DEPTH {
        return Err(markup::too_deep(FORMAT));
    }
    for node in parent.children().filter(Node::is_element) {
        match node.tag_name().name() {
            "p" => paragraph(node, flow, depth + 1)?,
            "tbl" => table(node, flow, depth + 1)?,
            "AlternateContent" => {
                if let Some(choice) = node.children().find(Node::is_element) {
                    blocks(choice, flow, depth + 1)?;
                }
            }
            name if HIDDEN.contains(&name) => {}
            _ => blocks(node, flow, depth + 1)?,
        }
    }
    Ok(())
}

fn paragraph(node: Node, flow: &mut Flow, depth: usize) -> Result<(), Error> {
    let mut paragraph = Paragraph::default();
    runs(node, &mut paragraph, depth)?;
    if paragraph.breaks_before {
        flow.page_break();
    }
    flow.text(paragraph.text);
    flow.blocks.extend(paragraph.boxes.blocks);
    if paragraph.breaks_after {
        flow.page_break();
    }
    Ok(())
}

/// A paragraph as it is read.
#[derive(Default)]
struct Paragraph {
    text: String,
    /// Text boxes that are anchored in it.
    boxes: Flow,
    breaks_before: bool,
    breaks_after: bool,
}

/// Adds the text of an element's runs.
fn runs(parent: Node, paragraph: &mut Paragraph, depth: usize) -> Result<(), Error> {
    if depth > markup::MAX_DEPTH {
        return Err(markup::too_deep(FORMAT));
    }
    for node in parent.children().filter(Node::is_element) {
        match node.tag_name().name() {
            "t" => paragraph.text.extend(node.text()),
            "tab" | "ptab" => paragraph.text.push('\t'),
            "br" | "cr" if office::attribute(node, "type") == Some("page") => {
                if paragraph.text.trim().is_empty() {
                    paragraph.breaks_before = true;
                } else {
                    paragraph.breaks_after = true;
                }
            }
            "br" | "cr" => paragraph.text.push('\n'),
            "noBreakHyphen" => paragraph.text.push('-'),
            "txbxContent" => {
                blocks(node, &mut paragraph.boxes, depth + 1)?;
                paragraph.boxes.gap();
            }
            // Two ways of drawing the same thing: one is enough.
            "AlternateContent" => {
                if let Some(choice) = node.children().find(Node::is_element) {
                    runs(choice, paragraph, depth + 1)?;
                }
            }
            name if HIDDEN.contains(&name) => {}
            _ => runs(node, paragraph, depth + 1)?,
        }
    }
    Ok(())
}

fn table(node: Node, flow: &mut Flow, depth: usize) -> Result<(), Error> {
    let mut rows = Vec::new();
    for row in office::elements(node, "tr") {
        let mut cells = Vec::new();
        for cell in office::elements(row, "tc") {
            let properties = cell.children().find(|child| child.tag_name().name() == "tcPr");
            let property = |name| properties?.children().find(|child| child.tag_name().name() == name);
            let mut content = Flow::new(Paper::Sheets);
            blocks(cell, &mut content, depth + 1)?;
            cells.push(content);
            let span =
                property("gridSpan").and_then(|span| office::attribute(span, "val")?.parse::<usize>().ok());
            let further = span.unwrap_or(1).saturating_sub(1).min(office::MAX_SPAN);
            cells.extend(std::iter::repeat_n(Flow::new(Paper::Sheets), further));
        }
        rows.push(cells);
    }
    flow.rows(rows);
    Ok(())
}
