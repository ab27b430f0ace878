//! Web pages: their text in reading order, tables as tables. Scripts and styles are left out, and nothing that a page
//! refers to is fetched.

use scraper::node::Element;
use scraper::{Html, Node};

use super::{Error, Limits, charset, flow};
use crate::domain::flow::{Flow, Paper};

/// How many bytes of markup there may be for a byte of text.
const MARKUP_PER_TEXT: u64 = 4;

/// Elements whose text does not show.
const HIDDEN: [&str; 12] = [
    "script", "style", "head", "title", "noscript", "template", "svg", "object", "iframe", "datalist",
    "audio", "video",
];

/// Elements that begin and end a line.
const BLOCKS: [&str; 34] = [
    "address",
    "article",
    "aside",
    "blockquote",
    "body",
    "caption",
    "center",
    "dd",
    "details",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figcaption",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hr",
    "html",
    "li",
    "main",
    "nav",
    "ol",
    "p",
    "pre",
    "section",
    "ul",
];

/// Of these, those with white space around them.
const SPACED: [&str; 14] =
    ["blockquote", "dl", "fieldset", "figure", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "ol", "p", "ul"];

/// Elements without an end, or whose end may be left out: their starts say nothing on how deep a page is nested.
const ENDLESS: [&str; 28] = [
    "area", "base", "br", "col", "colgroup", "dd", "dt", "embed", "hr", "img", "input", "li", "link", "meta",
    "optgroup", "option", "p", "param", "source", "tbody", "td", "tfoot", "th", "thead", "tr", "track",
    "wbr", "!doctype",
];

/// How deep elements may be nested: the parser's time grows with it, and pages have some dozens.
const MAX_DEPTH: usize = 512;

/// How deep tables are read as tables.
const MAX_TABLES: usize = 30;

/// Most columns that a cell may span, beside its own.
const MAX_SPAN: usize = 100;

/// Reads a web page.
pub(super) fn read(content: &[u8], limits: &Limits) -> Result<Flow, Error> {
    read_text(&charset::html(content), limits)
}

/// Reads a web page that has been decoded.
pub(super) fn read_text(text: &str, limits: &Limits) -> Result<Flow, Error> {
    flow::check_text(text.len() as u64 / MARKUP_PER_TEXT, limits)?;
    if depth(text) > MAX_DEPTH {
        return Err(Error::Damaged {
            format: "HTML",
            reason: format!("its elements are nested more than {MAX_DEPTH} deep"),
        });
    }
    let page = Html::parse_document(text);
    let mut reader = Reader { open: vec![Scope::new(None)], hidden: 0 };
    // Not by recursion: how deep elements are nested is for the page to say.
    for edge in page.tree.root().traverse() {
        match edge {
            ego_tree::iter::Edge::Open(node) => reader.open(node.value()),
            ego_tree::iter::Edge::Close(node) => reader.close(node.value()),
        }
    }
    Ok(reader.finish())
}

/// How deep elements are nested, at most: elements that are never closed count for all that follows.
fn depth(text: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let mut rest = text;
    while let Some((_, tag)) = rest.split_once('<') {
        rest = tag;
        if let Some(comment) = tag.strip_prefix("!--") {
            rest = comment.split_once("-->").map_or("", |(_, after)| after);
            continue;
        }
        let (is_end, name) = tag.strip_prefix('/').map_or((false, tag), |name| (true, name));
        let end =
            name.find(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '!')).unwrap_or(name.len());
        let name = name.get(..end).unwrap_or_default().to_ascii_lowercase();
        if name.is_empty() || ENDLESS.contains(&name.as_str()) {
            continue;
        }
        if is_end {
            depth = depth.saturating_sub(1);
        } else if name == "script" || name == "style" {
            // What is in there is no markup.
            rest = tag.find("</").and_then(|at| tag.get(at + 2..)).unwrap_or_default();
        } else {
            depth += 1;
            deepest = deepest.max(depth);
        }
    }
    deepest
}

/// The page, a table or a cell that is being read.
struct Scope {
    flow: Flow,
    line: String,
    /// Rows, of a table.
    rows: Option<Vec<Vec<Flow>>>,
    /// Columns that the cell spans beside its own.
    span: usize,
}

impl Scope {
    fn new(rows: Option<Vec<Vec<Flow>>>) -> Self {
        Self { flow: Flow::new(Paper::Sheets), line: String::new(), rows, span: 0 }
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        if !line.trim().is_empty() {
            self.flow.text(line.trim());
        }
    }
}

struct Reader {
    /// The innermost last; the first is the page.
    open: Vec<Scope>,
    /// How many open elements hide what is in them.
    hidden: usize,
}

impl Reader {
    fn open(&mut self, node: &Node) {
        match node {
            Node::Text(text) if self.hidden == 0 => self.text(text),
            Node::Element(element) => self.open_element(element),
            _ => {}
        }
    }

    fn open_element(&mut self, element: &Element) {
        if is_hidden(element) {
            self.hidden += 1;
        }
        if self.hidden > 0 {
            return;
        }
        let tables = self.open.iter().filter(|scope| scope.rows.is_some()).count();
        match element.name() {
            "br" => {
                if let Some(scope) = self.open.last_mut() {
                    scope.line.push('\n');
                    scope.end_line();
                }
            }
            "table" if tables < MAX_TABLES => {
                self.break_line(SPACED[0]);
                self.open.push(Scope::new(Some(Vec::new())));
            }
            "tr" => {
                if let Some(rows) = self.open.last_mut().and_then(|scope| scope.rows.as_mut()) {
                    rows.push(Vec::new());
                }
            }
            "td" | "th" if self.in_row() => {
                let mut scope = Scope::new(None);
                let span = element.attr("colspan").and_then(|span| span.parse::<usize>().ok());
                scope.span = span.unwrap_or(1).saturating_sub(1).min(MAX_SPAN);
                self.open.push(scope);
            }
            "input" => {
                if let Some(value) = element.attr("value").filter(|_| element.attr("type") != Some("hidden"))
                {
                    self.text(value);
                }
            }
            name => self.break_line(name),
        }
    }

    fn close(&mut self, node: &Node) {
        let Node::Element(element) = node else { return };
        if is_hidden(element) {
            self.hidden = self.hidden.saturating_sub(1);
            return;
        }
        if self.hidden > 0 {
            return;
        }
        match element.name() {
            "table" => self.close_table(),
            "td" | "th" => self.close_cell(),
            name => self.break_line(name),
        }
    }

    /// Whether the innermost scope is a table that has a row.
    fn in_row(&self) -> bool {
        let rows = self.open.last().and_then(|scope| scope.rows.as_ref());
        rows.is_some_and(|rows| !rows.is_empty())
    }

    fn close_table(&mut self) {
        // A table that was not opened as one, since tables are nested too deeply, closes none.
        if !self.open.last().is_some_and(|scope| scope.rows.is_some()) {
            return;
        }
        let Some(mut table) = self.open.pop() else { return };
        table.end_line();
        if let Some(outer) = self.open.last_mut() {
            // A caption, or what stands between rows by mistake.
            outer.flow.blocks.extend(table.flow.blocks);
            outer.flow.rows(table.rows.unwrap_or_default());
            outer.flow.gap();
        }
    }

    fn close_cell(&mut self) {
        let is_cell = self.open.len() > 1 && self.open.last().is_some_and(|scope| scope.rows.is_none());
        if !is_cell {
            return;
        }
        let Some(mut cell) = self.open.pop() else { return };
        cell.end_line();
        let row = self.open.last_mut().and_then(|table| table.rows.as_mut()?.last_mut());
        if let Some(row) = row {
            row.push(cell.flow);
            row.extend(std::iter::repeat_n(Flow::new(Paper::Sheets), cell.span));
        }
    }

    fn break_line(&mut self, name: &str) {
        let Some(scope) = self.open.last_mut() else { return };
        if BLOCKS.contains(&name) {
            scope.end_line();
        }
        if SPACED.contains(&name) {
            scope.flow.gap();
        }
    }

    /// Adds text; white space of any length is one space.
    fn text(&mut self, text: &str) {
        let Some(scope) = self.open.last_mut() else { return };
        for c in text.chars() {
            if !c.is_whitespace() {
                scope.line.push(c);
            } else if !scope.line.is_empty() && !scope.line.ends_with(' ') {
                scope.line.push(' ');
            }
        }
    }

    fn finish(mut self) -> Flow {
        let Some(page) = self.open.first_mut() else { return Flow::default() };
        page.end_line();
        std::mem::take(&mut page.flow)
    }
}

fn is_hidden(element: &Element) -> bool {
    let is_styled_away = || {
        let style: String =
            element.attr("style").unwrap_or_default().chars().filter(|c| !c.is_whitespace()).collect();
        style.to_ascii_lowercase().contains("display:none")
    };
    HIDDEN.contains(&element.name()) || element.attr("hidden").is_some() || is_styled_away()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::flow::Block;

    fn blocks(page: &str) -> Vec<Block> {
        let limits = Limits::from(&crate::config::Config::default().decode);
        read_text(page, &limits).unwrap().blocks
    }

    fn text(text: &str) -> Block {
        Block::Text(text.to_owned())
    }

    #[test]
    fn what_is_hidden_or_runs_is_not_read() {
        let page = "<p>A<script>evil()</script> b<style>p{}</style><span style='DISPLAY: none'>0.01</span><p hidden>c</p>";
        assert_eq!(blocks(page), [text("A b"), Block::Gap]);
    }

    #[test]
    fn tables_become_tables_and_lines_break_where_they_do_on_screen() {
        let page = "<div>Ann<br>Bob</div><table><tr><th colspan=2>Item<th>Price<tr><td>Tea<td>x<td><p>1.50<p>EUR</table>";
        let rows = [["Item", "", "Price"], ["Tea", "x", "1.50\nEUR"]];
        let rows = rows.map(|row| row.map(str::to_owned).to_vec()).to_vec();
        assert_eq!(blocks(page), [text("Ann"), text("Bob"), Block::Gap, Block::Table(rows), Block::Gap]);
    }

    #[test]
    fn a_bottomless_page_is_refused_and_a_long_one_is_not() {
        let limits = Limits::from(&crate::config::Config::default().decode);
        let bottomless = "<div><b>".repeat(20_000);
        assert!(matches!(read_text(&bottomless, &limits), Err(Error::Damaged { .. })));
        assert_eq!(blocks(&"<p>Total<br>".repeat(2000)).len(), 4000);
        assert!(blocks(&"<table><tr><td>Total".repeat(100)).contains(&text("Total")));
    }
}
