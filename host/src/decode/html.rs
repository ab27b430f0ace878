//! Web pages: their text in reading order, tables as tables. Scripts and styles are left out, and nothing that a page
//! refers to is fetched.

use std::cell::RefCell;

use html5ever::tendril::StrTendril;
use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{
    BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
};

use super::{Error, Limits, charset, flow};
use crate::domain::flow::{Flow, Paper};

/// How many bytes of markup there may be for a byte of text.
const MARKUP_PER_TEXT: u64 = 4;

/// Elements whose text does not show.
const HIDDEN: [&str; 11] = [
    "script", "style", "title", "noscript", "template", "svg", "object", "iframe", "datalist", "audio",
    "video",
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
const SPACED: [&str; 15] = [
    "blockquote",
    "dl",
    "fieldset",
    "figure",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "ol",
    "p",
    "table",
    "ul",
];

/// Elements that the next one of their kind ends.
const ENDED_BY_NEXT: [&str; 8] = ["dd", "dt", "li", "option", "p", "td", "th", "tr"];

/// Elements that have nothing in them.
const EMPTY: [&str; 10] = ["area", "br", "col", "embed", "hr", "img", "input", "link", "meta", "wbr"];

/// How deep tables are read as tables.
const MAX_TABLES: usize = 30;

/// Most columns that a cell may span, beside its own.
const MAX_SPAN: usize = 100;

/// Reads a web page.
pub(super) fn read(content: &[u8], limits: &Limits) -> Result<Flow, Error> {
    read_text(&charset::html(content), limits)
}

/// Reads a web page that has been decoded.
///
/// It is read tag by tag, without a tree of its elements: how deep they are nested is for the page to say.
pub(super) fn read_text(text: &str, limits: &Limits) -> Result<Flow, Error> {
    flow::check_text(text.len() as u64 / MARKUP_PER_TEXT, limits)?;
    let input = BufferQueue::default();
    input.push_back(StrTendril::from(text));
    let tokenizer = Tokenizer::new(Sink(RefCell::new(Reader::new())), TokenizerOpts::default());
    // Nothing is run, so nothing makes the tokenizer wait.
    while !input.is_empty() {
        let _ = tokenizer.feed(&input);
    }
    tokenizer.end();
    Ok(tokenizer.sink.0.into_inner().finish())
}

/// Hands tokens to a reader.
struct Sink(RefCell<Reader>);

impl TokenSink for Sink {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        let mut reader = self.0.borrow_mut();
        match token {
            Token::CharacterTokens(text) => reader.text(&text),
            Token::TagToken(tag) if tag.kind == TagKind::EndTag => reader.end(&tag.name),
            Token::TagToken(tag) => {
                reader.start(&tag);
                return raw_text(&tag.name);
            }
            _ => {}
        }
        TokenSinkResult::Continue
    }
}

/// How what is in an element is read: as markup, or as text up to the element's end.
fn raw_text(name: &str) -> TokenSinkResult<()> {
    match name {
        "script" => TokenSinkResult::RawData(RawKind::ScriptData),
        "style" | "iframe" | "noscript" | "noframes" | "xmp" => TokenSinkResult::RawData(RawKind::Rawtext),
        "title" | "textarea" => TokenSinkResult::RawData(RawKind::Rcdata),
        _ => TokenSinkResult::Continue,
    }
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

/// An open element whose text does not show.
struct Hidden {
    name: String,
    /// How many of its name are open.
    depth: usize,
}

struct Reader {
    /// The innermost last; the first is the page. Tables hold cells, and cells tables.
    open: Vec<Scope>,
    hidden: Option<Hidden>,
    /// Open tables that are too deep to be read as such.
    too_deep: usize,
}

impl Reader {
    fn new() -> Self {
        Self { open: vec![Scope::new(None)], hidden: None, too_deep: 0 }
    }

    fn start(&mut self, tag: &Tag) {
        let name: &str = &tag.name;
        match &mut self.hidden {
            Some(hidden) if hidden.name != name => return,
            Some(hidden) if !ENDED_BY_NEXT.contains(&name) => {
                hidden.depth += 1;
                return;
            }
            _ => self.hidden = None,
        }
        if is_hidden(tag) && !EMPTY.contains(&name) {
            self.hidden = Some(Hidden { name: name.to_owned(), depth: 1 });
            return;
        }
        match name {
            "br" => self.end_line(),
            "input" if attribute(tag, "type").as_deref() != Some("hidden") => {
                if let Some(value) = attribute(tag, "value") {
                    self.text(&value);
                }
            }
            "table" => self.open_table(),
            "tr" if self.too_deep == 0 => {
                self.close_cell();
                if let Some(rows) = self.table_rows() {
                    rows.push(Vec::new());
                }
            }
            "td" | "th" if self.too_deep == 0 => self.open_cell(tag),
            name => self.break_line(name),
        }
    }

    fn end(&mut self, name: &str) {
        if let Some(hidden) = &mut self.hidden {
            if hidden.name == name {
                hidden.depth -= 1;
                if hidden.depth == 0 {
                    self.hidden = None;
                }
            }
            return;
        }
        match name {
            "table" if self.too_deep > 0 => self.too_deep -= 1,
            "table" => {
                self.close_cell();
                self.close_table();
            }
            "td" | "th" | "tr" if self.too_deep == 0 => self.close_cell(),
            name => self.break_line(name),
        }
    }

    /// Adds text; white space of any length is one space.
    fn text(&mut self, text: &str) {
        let Some(scope) = self.open.last_mut().filter(|_| self.hidden.is_none()) else { return };
        for c in text.chars() {
            if !c.is_whitespace() {
                scope.line.push(c);
            } else if !scope.line.is_empty() && !scope.line.ends_with(' ') {
                scope.line.push(' ');
            }
        }
    }

    /// The rows of the innermost scope, if that is a table.
    fn table_rows(&mut self) -> Option<&mut Vec<Vec<Flow>>> {
        self.open.last_mut()?.rows.as_mut()
    }

    fn open_table(&mut self) {
        self.break_line("table");
        let depth = self.open.iter().filter(|scope| scope.rows.is_some()).count();
        if depth >= MAX_TABLES || self.too_deep > 0 {
            self.too_deep += 1;
        } else {
            self.open.push(Scope::new(Some(Vec::new())));
        }
    }

    fn open_cell(&mut self, tag: &Tag) {
        self.close_cell();
        let Some(rows) = self.table_rows() else { return };
        if rows.is_empty() {
            rows.push(Vec::new());
        }
        let mut scope = Scope::new(None);
        let span = attribute(tag, "colspan").and_then(|span| span.trim().parse::<usize>().ok());
        scope.span = span.unwrap_or(1).saturating_sub(1).min(MAX_SPAN);
        self.open.push(scope);
    }

    /// Ends the innermost scope, if that is a cell.
    fn close_cell(&mut self) {
        let is_cell = self.open.len() > 1 && self.open.last().is_some_and(|scope| scope.rows.is_none());
        if !is_cell {
            return;
        }
        let Some(mut cell) = self.open.pop() else { return };
        cell.end_line();
        if let Some(row) = self.table_rows().and_then(|rows| rows.last_mut()) {
            row.push(cell.flow);
            row.extend(std::iter::repeat_n(Flow::new(Paper::Sheets), cell.span));
        }
    }

    /// Ends the innermost scope, if that is a table.
    fn close_table(&mut self) {
        if self.table_rows().is_none() {
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

    fn end_line(&mut self) {
        if let Some(scope) = self.open.last_mut() {
            scope.end_line();
        }
    }

    fn break_line(&mut self, name: &str) {
        let is_spaced = SPACED.contains(&name);
        if is_spaced || BLOCKS.contains(&name) {
            self.end_line();
        }
        if let Some(scope) = self.open.last_mut().filter(|_| is_spaced) {
            scope.flow.gap();
        }
    }

    fn finish(mut self) -> Flow {
        while self.open.len() > 1 {
            self.close_cell();
            self.close_table();
        }
        self.end_line();
        self.open.pop().map(|page| page.flow).unwrap_or_default()
    }
}

fn is_hidden(tag: &Tag) -> bool {
    let is_styled_away = || {
        let style = attribute(tag, "style").unwrap_or_default();
        let style: String = style.chars().filter(|c| !c.is_whitespace()).collect();
        style.to_ascii_lowercase().contains("display:none")
    };
    HIDDEN.contains(&&*tag.name) || attribute(tag, "hidden").is_some() || is_styled_away()
}

fn attribute(tag: &Tag, name: &str) -> Option<String> {
    let attribute = tag.attrs.iter().find(|attribute| &*attribute.name.local == name)?;
    Some(attribute.value.to_string())
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
    fn elements_may_be_nested_as_deep_as_they_like() {
        let page = format!("{}Total{}", "<div><b>".repeat(100_000), "<table><tr><td>Net".repeat(1000));
        let blocks = blocks(&page);
        assert!(blocks.contains(&text("Total")) && blocks.contains(&text("Net")));
    }

    #[test]
    fn ends_may_be_left_out() {
        let page =
            "<title>Not shown<title>x</title><p>A<p hidden>B<p>C<table><tr><td>1<td>2<tr><td>3</table>D";
        let table = vec![vec!["1".to_owned(), "2".to_owned()], vec!["3".to_owned()]];
        let expected =
            [text("A"), Block::Gap, text("C"), Block::Gap, Block::Table(table), Block::Gap, text("D")];
        assert_eq!(blocks(page), expected);
    }
}
