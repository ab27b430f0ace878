//! Web pages: their text in reading order, tables as tables. Scripts and styles are left out, and nothing that a page
//! refers to is fetched.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Instant;

use html5ever::tendril::StrTendril;
use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{
    BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
};

use super::grid::Grid;
use super::{Error, Limits, charset, flow, plain};
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

/// Elements whose line breaks show.
const PREFORMATTED: [&str; 4] = ["listing", "pre", "textarea", "xmp"];

/// Most columns that a cell may span, beside its own.
const MAX_SPAN: usize = 100;

/// Most rows that a cell may span, beside its own, and most columns in which such cells stand.
const MAX_ROWS: usize = 1000;

/// How much is read between two looks at the clock: the tokenizer compares the attributes of a tag with one another.
const PIECE_BYTES: usize = 16 << 10;

/// Reads a web page.
pub(super) fn read(content: &[u8], limits: &Limits) -> Result<Flow, Error> {
    read_text(&charset::html(content), limits)
}

/// Reads a web page that has been decoded.
///
/// It is read tag by tag, without a tree of its elements: how deep they are nested is for the page to say.
pub(super) fn read_text(text: &str, limits: &Limits) -> Result<Flow, Error> {
    flow::check_text(text.len() as u64 / MARKUP_PER_TEXT, limits)?;
    let deadline = Instant::now() + limits.page_timeout;
    let input = BufferQueue::default();
    let tokenizer = Tokenizer::new(Sink(RefCell::new(Reader::new(limits))), TokenizerOpts::default());
    let mut rest = text;
    while !rest.is_empty() {
        if Instant::now() > deadline {
            return Err(Error::Timeout { page: 1, limit_seconds: limits.page_timeout.as_secs() });
        }
        let (piece, further) = rest.split_at(rest.ceil_char_boundary(PIECE_BYTES));
        rest = further;
        input.push_back(StrTendril::from(piece));
        // Nothing is run, so nothing makes the tokenizer wait.
        while !input.is_empty() {
            let _ = tokenizer.feed(&input);
        }
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
    /// Of a table.
    table: Option<Table>,
    /// Columns and rows that the cell spans beside its own.
    span: (usize, usize),
}

impl Scope {
    fn new(table: Option<Table>) -> Self {
        Self { flow: Flow::new(Paper::Sheets), line: String::new(), table, span: (0, 0) }
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        // Only what is preformatted has space next to space.
        if line.contains("  ") || line.contains('\t') {
            self.flow.columns(plain::columns(&line));
        } else if !line.trim().is_empty() {
            self.flow.text(line.trim());
        }
    }
}

/// A table that is being read.
#[derive(Default)]
struct Table {
    rows: Vec<Vec<Flow>>,
    /// Columns of the row that cells above span, and in how many rows, this one included.
    covered: BTreeMap<usize, usize>,
    /// The same for the row after it, as far as that is known.
    below: BTreeMap<usize, usize>,
}

impl Table {
    fn begin_row(&mut self) {
        let mut covered = std::mem::take(&mut self.below);
        let rest = std::mem::take(&mut self.covered).into_iter().filter(|(_, rows)| *rows > 1);
        covered.extend(rest.map(|(column, rows)| (column, rows - 1)));
        self.covered = covered;
        self.rows.push(Vec::new());
    }

    /// Puts a cell into the first columns that are free, and nothing into those that others cover.
    fn add(&mut self, cell: Flow, (columns, rows): (usize, usize), grid: &mut Grid) {
        let Some(row) = self.rows.last_mut() else { return };
        while let Some(covering) = self.covered.remove(&row.len()) {
            if covering > 1 {
                self.below.insert(row.len(), covering - 1);
            }
            if grid.padding(1) == 0 {
                break;
            }
            row.push(Flow::new(Paper::Sheets));
        }
        let first = row.len();
        row.push(cell);
        row.extend(std::iter::repeat_n(Flow::new(Paper::Sheets), grid.padding(columns)));
        if rows > 0 && first < MAX_ROWS {
            self.below.extend((first..row.len()).map(|column| (column, rows)));
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
    /// Open elements whose line breaks show.
    preformatted: usize,
    grid: Grid,
}

impl Reader {
    fn new(limits: &Limits) -> Self {
        Self {
            open: vec![Scope::new(None)],
            hidden: None,
            too_deep: 0,
            preformatted: 0,
            grid: Grid::new(limits),
        }
    }

    fn start(&mut self, tag: &Tag) {
        let name: &str = &tag.name;
        match &mut self.hidden {
            Some(hidden) if hidden.name != name => return,
            Some(hidden) if !ENDED_BY_NEXT.contains(&name) => {
                hidden.depth += usize::from(!is_ended(tag));
                return;
            }
            _ => self.hidden = None,
        }
        if is_hidden(tag) && !EMPTY.contains(&name) {
            if is_ended(tag) {
                return;
            }
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
                if let Some(table) = self.table() {
                    table.begin_row();
                }
            }
            "td" | "th" if self.too_deep == 0 => self.open_cell(tag),
            name => self.break_line(name),
        }
        self.preformatted += usize::from(PREFORMATTED.contains(&name));
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
            name if PREFORMATTED.contains(&name) => {
                self.end_line();
                self.preformatted = self.preformatted.saturating_sub(1);
            }
            name => self.break_line(name),
        }
    }

    /// Adds text; white space of any length is one space, unless it is preformatted.
    fn text(&mut self, text: &str) {
        let Some(scope) = self.open.last_mut().filter(|_| self.hidden.is_none()) else { return };
        if self.preformatted > 0 {
            for piece in text.split_inclusive('\n') {
                scope.line.push_str(piece.trim_end_matches(['\r', '\n']));
                if piece.ends_with('\n') {
                    scope.end_line();
                }
            }
            return;
        }
        for c in text.chars() {
            if !c.is_whitespace() {
                scope.line.push(c);
            } else if !scope.line.is_empty() && !scope.line.ends_with(' ') {
                scope.line.push(' ');
            }
        }
    }

    /// The innermost scope, if that is a table.
    fn table(&mut self) -> Option<&mut Table> {
        self.open.last_mut()?.table.as_mut()
    }

    fn open_table(&mut self) {
        self.break_line("table");
        let depth = self.open.iter().filter(|scope| scope.table.is_some()).count();
        if depth >= MAX_TABLES || self.too_deep > 0 {
            self.too_deep += 1;
        } else {
            self.open.push(Scope::new(Some(Table::default())));
        }
    }

    fn open_cell(&mut self, tag: &Tag) {
        self.close_cell();
        let Some(table) = self.table() else { return };
        if table.rows.is_empty() {
            table.begin_row();
        }
        let mut scope = Scope::new(None);
        let further = |name| {
            let span = attribute(tag, name).and_then(|span| span.trim().parse::<usize>().ok());
            span.unwrap_or(1).saturating_sub(1)
        };
        scope.span = (further("colspan").min(MAX_SPAN), further("rowspan").min(MAX_ROWS));
        self.open.push(scope);
    }

    /// Ends the innermost scope, if that is a cell.
    fn close_cell(&mut self) {
        let is_cell = self.open.len() > 1 && self.open.last().is_some_and(|scope| scope.table.is_none());
        if !is_cell {
            return;
        }
        let Some(mut cell) = self.open.pop() else { return };
        cell.end_line();
        if let Some(table) = self.open.last_mut().and_then(|scope| scope.table.as_mut()) {
            table.add(cell.flow, cell.span, &mut self.grid);
        }
    }

    /// Ends the innermost scope, if that is a table.
    fn close_table(&mut self) {
        if self.table().is_none() {
            return;
        }
        let Some(mut table) = self.open.pop() else { return };
        table.end_line();
        if let Some(outer) = self.open.last_mut() {
            // A caption, or what stands between rows by mistake.
            outer.flow.blocks.extend(table.flow.blocks);
            outer.flow.rows(table.table.unwrap_or_default().rows);
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

/// Whether an element ends where it begins: only pictures among the elements that are hidden may.
fn is_ended(tag: &Tag) -> bool {
    tag.self_closing && &*tag.name == "svg"
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
        assert_eq!(blocks(page), [text("A b")]);
    }

    #[test]
    fn tables_become_tables_and_lines_break_where_they_do_on_screen() {
        let page = "<div>Ann<br>Bob</div><table><tr><th colspan=2>Item<th>Price<tr><td>Tea<td>x<td><p>1.50<p>EUR</table>";
        let rows = [["Item", "", "Price"], ["Tea", "x", "1.50\nEUR"]];
        let rows = rows.map(|row| row.map(str::to_owned).to_vec()).to_vec();
        assert_eq!(blocks(page), [text("Ann"), text("Bob"), Block::Gap, Block::Table(rows), Block::Gap]);
    }

    #[test]
    fn a_cell_that_spans_rows_keeps_the_others_in_their_columns() {
        let page = "<table><tr><td rowspan=2>Tea<td>Green<td>1.50<tr><td>Black<td>1.40<tr><td>Milk<td>Cow<td>0.99</table>";
        let rows = [["Tea", "Green", "1.50"], ["", "Black", "1.40"], ["Milk", "Cow", "0.99"]];
        let rows = rows.map(|row| row.map(str::to_owned).to_vec()).to_vec();
        assert_eq!(blocks(page), [Block::Table(rows), Block::Gap]);
    }

    #[test]
    fn cells_that_span_very_many_columns_take_no_more_than_there_is_room_for() {
        let page = format!("<table>{}</table>", "<tr><td colspan=101>x".repeat(100_000));
        let blocks = blocks(&page);
        let Some(Block::Table(rows)) = blocks.first() else { panic!("a table") };
        assert!(rows.iter().map(Vec::len).sum::<usize>() <= 4_500_000);
    }

    #[test]
    fn lines_of_preformatted_text_stay_lines() {
        let page =
            "<pre>\nItem      Price\nTea       <b>1.50</b>\n</pre><textarea>Ann\nBob</textarea><p>a\nb";
        let columns =
            |first: &str, second: &str| Block::Columns(vec![(0, first.to_owned()), (10, second.to_owned())]);
        let expected = [
            columns("Item", "Price"),
            columns("Tea", "1.50"),
            text("Ann"),
            text("Bob"),
            Block::Gap,
            text("a b"),
        ];
        assert_eq!(blocks(page), expected);
    }

    #[test]
    fn a_picture_that_ends_where_it_begins_hides_nothing() {
        assert_eq!(blocks("<svg width=1 /><p>A<svg><svg/>x</svg>b"), [text("Ab")]);
    }

    #[test]
    fn a_tag_of_very_many_attributes_is_given_up_in_time() {
        let attributes: String = (0..1_000_000).map(|index| format!(" a{index}")).collect();
        let limits = Limits {
            page_timeout: std::time::Duration::from_secs(1),
            ..Limits::from(&crate::config::Config::default().decode)
        };
        let since = Instant::now();
        let error = read_text(&format!("<p{attributes}>"), &limits).unwrap_err();
        assert!(matches!(error, Error::Timeout { .. }), "{error}");
        assert!(since.elapsed().as_secs() < 20, "{:?}", since.elapsed());
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
