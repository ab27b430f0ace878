//! OpenDocument texts and spreadsheets. Cells say what they show; deleted text and comments are left out.

use roxmltree::Node;

use super::grid::{self, Grid};
use super::package::Package;
use super::{Error, Limits, flow, markup, office};
use crate::domain::flow::{Flow, Paper};

/// Elements whose text does not show.
const HIDDEN: [&str; 5] = ["annotation", "tracked-changes", "desc", "title", "forms"];

/// Most spaces that one element stands for.
const MAX_SPACES: usize = 100;

/// Bytes that a cell counts for beside its text.
const CELL_BYTES: u64 = 16;

/// Reads a text.
pub(super) fn read_text(package: &mut Package, limits: Limits) -> Result<Flow, Error> {
    let mut reader = Reader { format: "ODT", limits, grid: Grid::new(&limits) };
    check_encryption(package)?;
    let mut flow = Flow::new(Paper::Sheets);
    let styles = package.xml("styles.xml")?;
    let styles = styles.as_deref().map(|styles| markup::parse(styles, reader.format)).transpose()?;
    // What every page repeats is in the styles.
    let repeated = |name| {
        let root = styles.as_ref().map(|styles| styles.root_element());
        root.map(|root| office::elements(root, name)).unwrap_or_default()
    };
    for header in repeated("header") {
        reader.blocks(header, &mut flow, 0)?;
        flow.gap();
    }
    let text = reader.content(package)?;
    let document = markup::parse(&text, reader.format)?;
    for body in office::elements(document.root_element(), "body") {
        reader.blocks(body, &mut flow, 0)?;
    }
    for footer in repeated("footer") {
        flow.gap();
        reader.blocks(footer, &mut flow, 0)?;
    }
    Ok(flow)
}

/// Reads a spreadsheet: a page or more for each sheet.
pub(super) fn read_sheets(package: &mut Package, limits: Limits) -> Result<Flow, Error> {
    let mut reader = Reader { format: "ODS", limits, grid: Grid::new(&limits) };
    check_encryption(package)?;
    let text = reader.content(package)?;
    let document = markup::parse(&text, reader.format)?;
    let mut flow = Flow::new(Paper::Rolls);
    for body in office::elements(document.root_element(), "spreadsheet") {
        for sheet in office::elements(body, "table") {
            flow.page_break();
            reader.table(sheet, &mut flow, 0)?;
            flow::check_text(flow.text_bytes() as u64, &limits)?;
        }
    }
    Ok(flow)
}

/// Encrypted files say so in their manifest.
fn check_encryption(package: &mut Package) -> Result<(), Error> {
    let manifest = package.xml("META-INF/manifest.xml")?;
    match manifest {
        Some(manifest) if manifest.contains("encryption-data") => Err(Error::EncryptedOffice),
        _ => Ok(()),
    }
}

struct Reader {
    format: &'static str,
    limits: Limits,
    grid: Grid,
}

impl Reader {
    fn content(&self, package: &mut Package) -> Result<String, Error> {
        let missing =
            || Error::Damaged { format: self.format, reason: "its part `content.xml` is missing".into() };
        package.xml("content.xml")?.ok_or_else(missing)
    }

    /// Adds the blocks in an element.
    fn blocks(&mut self, parent: Node, flow: &mut Flow, depth: usize) -> Result<(), Error> {
        if depth > markup::MAX_DEPTH {
            return Err(markup::too_deep(self.format));
        }
        for node in parent.children().filter(Node::is_element) {
            match node.tag_name().name() {
                "p" | "h" => {
                    let mut text = String::new();
                    let mut boxes = Flow::new(flow.paper);
                    self.inline(node, &mut text, &mut boxes, depth + 1)?;
                    flow.text(text);
                    flow.blocks.extend(boxes.blocks);
                }
                "table" => self.table(node, flow, depth + 1)?,
                name if HIDDEN.contains(&name) => {}
                _ => self.blocks(node, flow, depth + 1)?,
            }
        }
        Ok(())
    }

    /// Adds the text of a paragraph, and to `boxes` the text boxes that are anchored in it.
    fn inline(
        &mut self,
        parent: Node,
        text: &mut String,
        boxes: &mut Flow,
        depth: usize,
    ) -> Result<(), Error> {
        if depth > markup::MAX_DEPTH {
            return Err(markup::too_deep(self.format));
        }
        for node in parent.children() {
            match node.tag_name().name() {
                "" => text.extend(node.text().into_iter().flat_map(collapsed)),
                "s" => {
                    let count =
                        office::attribute(node, "c").and_then(|count| count.parse().ok()).unwrap_or(1);
                    text.extend(std::iter::repeat_n(' ', usize::min(count, MAX_SPACES)));
                }
                "tab" => text.push('\t'),
                "line-break" => text.push('\n'),
                "text-box" => {
                    self.blocks(node, boxes, depth + 1)?;
                    boxes.gap();
                }
                name if HIDDEN.contains(&name) => {}
                _ => self.inline(node, text, boxes, depth + 1)?,
            }
        }
        Ok(())
    }

    fn table(&mut self, table: Node, flow: &mut Flow, depth: usize) -> Result<(), Error> {
        let mut rows = Vec::new();
        let mut bytes = 0_u64;
        for row in office::elements(table, "table-row") {
            let mut cells: Vec<Flow> = Vec::new();
            // Sheets end with empty cells that are repeated as often as there is room.
            let mut empty = 0_usize;
            let is_cell = |node: &Node| matches!(node.tag_name().name(), "table-cell" | "covered-table-cell");
            for cell in row.children().filter(is_cell) {
                let mut content = Flow::new(flow.paper);
                self.blocks(cell, &mut content, depth + 1)?;
                let repeated = repeated(cell, "number-columns-repeated");
                if content.blocks.is_empty() {
                    empty = empty.saturating_add(repeated);
                    continue;
                }
                bytes = bytes.saturating_add(
                    (content.text_bytes() as u64 + CELL_BYTES).saturating_mul(repeated as u64),
                );
                flow::check_text(bytes, &self.limits)?;
                let columns = cells.len().saturating_add(empty).saturating_add(repeated);
                if columns > grid::MAX_COLUMNS {
                    return Err(grid::too_wide(self.format, columns));
                }
                self.grid.take((empty + repeated) as u64)?;
                cells.extend(std::iter::repeat_n(Flow::new(flow.paper), std::mem::take(&mut empty)));
                cells.extend(std::iter::repeat_n(content, repeated));
            }
            let repeated = if cells.is_empty() { 1 } else { repeated(row, "number-rows-repeated") };
            let filled = cells.iter().filter(|cell| !cell.blocks.is_empty());
            let text: u64 = filled.map(|cell| cell.text_bytes() as u64 + CELL_BYTES).sum();
            let again = repeated as u64 - 1;
            bytes = bytes.saturating_add(text.saturating_mul(again));
            flow::check_text(bytes, &self.limits)?;
            self.grid.take(again.saturating_mul(cells.len() as u64))?;
            rows.extend(std::iter::repeat_n(cells, repeated));
        }
        flow.rows(rows);
        Ok(())
    }
}

/// How often a cell or row is there: at least once.
fn repeated(node: Node, name: &str) -> usize {
    office::attribute(node, name).and_then(|count| count.parse().ok()).unwrap_or(1).max(1)
}

/// White space in markup is one space.
fn collapsed(text: &str) -> impl Iterator<Item = char> + '_ {
    let mut was_space = false;
    text.chars().filter_map(move |c| {
        let is_space = matches!(c, ' ' | '\n' | '\r' | '\t');
        let kept = if is_space { (!was_space).then_some(' ') } else { Some(c) };
        was_space = is_space;
        kept
    })
}
