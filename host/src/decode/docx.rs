//! Word documents: paragraphs, tables, text boxes, headers, footers and notes in reading order. Fields show their last
//! result; deleted text, comments and macros are left out; nothing that a document refers to is fetched.

use roxmltree::Node;

use super::grid::Grid;
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
pub(super) fn read(package: &mut Package, limits: &Limits) -> Result<Flow, Error> {
    let mut reader = Reader { grid: Grid::new(limits) };
    let main = office::main_part(package)?.unwrap_or_else(|| MAIN_PART.to_owned());
    let body = package
        .xml(&main)?
        .ok_or_else(|| Error::Damaged { format: FORMAT, reason: "its main part is missing".into() })?;
    let mut flow = Flow::new(Paper::Sheets);
    let relations = office::relations(package, &main)?;
    // The same header is often there for first, odd and even pages.
    let mut seen: Vec<Vec<Block>> = Vec::new();
    for kind in ["header", "", "footer", "footnotes", "endnotes"] {
        if kind.is_empty() {
            reader.add(&body, &mut flow)?;
            flow.gap();
            continue;
        }
        for relation in relations.iter().filter(|relation| relation.is(kind)) {
            let Some(part) = package.xml(&relation.target)? else { continue };
            let mut piece = Flow::new(Paper::Sheets);
            reader.add(&part, &mut piece)?;
            if !piece.blocks.is_empty() && !seen.contains(&piece.blocks) {
                seen.push(piece.blocks.clone());
                flow.blocks.extend(piece.blocks);
                flow.gap();
            }
        }
    }
    Ok(flow)
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

/// Reads the parts of one document.
struct Reader {
    grid: Grid,
}

impl Reader {
    /// Adds what a part holds.
    fn add(&mut self, part: &str, flow: &mut Flow) -> Result<(), Error> {
        let document = markup::parse(part, FORMAT)?;
        self.blocks(document.root_element(), flow, 0)
    }

    /// Adds the blocks in an element.
    fn blocks(&mut self, parent: Node, flow: &mut Flow, depth: usize) -> Result<(), Error> {
        if depth > markup::MAX_DEPTH {
            return Err(markup::too_deep(FORMAT));
        }
        for node in parent.children().filter(Node::is_element) {
            match node.tag_name().name() {
                "p" => self.paragraph(node, flow, depth + 1)?,
                "tbl" => self.table(node, flow, depth + 1)?,
                "AlternateContent" => {
                    if let Some(choice) = node.children().find(Node::is_element) {
                        self.blocks(choice, flow, depth + 1)?;
                    }
                }
                name if HIDDEN.contains(&name) => {}
                _ => self.blocks(node, flow, depth + 1)?,
            }
        }
        Ok(())
    }

    fn paragraph(&mut self, node: Node, flow: &mut Flow, depth: usize) -> Result<(), Error> {
        let mut paragraph = Paragraph::default();
        self.runs(node, &mut paragraph, depth)?;
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

    /// Adds the text of an element's runs.
    fn runs(&mut self, parent: Node, paragraph: &mut Paragraph, depth: usize) -> Result<(), Error> {
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
                    self.blocks(node, &mut paragraph.boxes, depth + 1)?;
                    paragraph.boxes.gap();
                }
                // Two ways of drawing the same thing: one is enough.
                "AlternateContent" => {
                    if let Some(choice) = node.children().find(Node::is_element) {
                        self.runs(choice, paragraph, depth + 1)?;
                    }
                }
                name if HIDDEN.contains(&name) => {}
                "r" if is_vanished(node) => {}
                _ => self.runs(node, paragraph, depth + 1)?,
            }
        }
        Ok(())
    }

    fn table(&mut self, node: Node, flow: &mut Flow, depth: usize) -> Result<(), Error> {
        let mut rows = Vec::new();
        for row in office::elements(node, "tr") {
            let mut cells = Vec::new();
            for cell in office::elements(row, "tc") {
                let properties = cell.children().find(|child| child.tag_name().name() == "tcPr");
                let property = |name| properties?.children().find(|child| child.tag_name().name() == name);
                let mut content = Flow::new(Paper::Sheets);
                self.blocks(cell, &mut content, depth + 1)?;
                cells.push(content);
                let span = property("gridSpan")
                    .and_then(|span| office::attribute(span, "val")?.parse::<usize>().ok());
                let further = span.unwrap_or(1).saturating_sub(1).min(office::MAX_SPAN);
                let further = self.grid.padding(further);
                cells.extend(std::iter::repeat_n(Flow::new(Paper::Sheets), further));
            }
            rows.push(cells);
        }
        flow.rows(rows);
        Ok(())
    }
}

/// Whether a run is hidden text.
fn is_vanished(run: Node) -> bool {
    let properties = run.children().find(|child| child.tag_name().name() == "rPr");
    let vanish = properties.and_then(|all| all.children().find(|child| child.tag_name().name() == "vanish"));
    vanish.is_some_and(|vanish| !matches!(office::attribute(vanish, "val"), Some("0" | "false" | "off")))
}
