//! Tables of any kind, by their form alone: rows of pieces that stand under one another, with headings where the first
//! row has some, over as many pages as they go.
//!
//! [`crate::table`] reads tables whose columns are known by their words.

pub mod columns;

use std::ops::Range;

use serde_json::{Map, Value};

use crate::output::{Cell, Field, Table};
use crate::page::Rect;
use crate::reading::{Reading, Segment, Span};
use crate::text;

/// Fewest columns of a table, and fewest filled cells of most of its rows.
const MIN_COLUMNS: usize = 2;
/// A table ends before a gap of so many row heights.
const MAX_GAP: f32 = 3.0;
/// A piece this many heights beside a column may belong to it: narrow numbers under wide headings.
const REACH: f32 = 1.0;
/// A line that goes on with the cell above is no further from it than this many heights.
const WRAP_GAP: f32 = 0.6;
/// Most rows of a table.
const MAX_ROWS: usize = 2000;
/// Most columns of a table.
const MAX_COLUMNS: usize = 60;
/// A table has at least this share of its cells filled.
const LEAST_FILLED: f32 = 0.4;
/// A line of a column of prose has so many words or more; the cells of tables mostly fewer.
const COLUMN_WORDS: usize = 4;
/// Fewer rows are too few to tell columns of prose from a table of sentences.
const COLUMN_ROWS: usize = 4;
/// Two columns with more words than this in a cell, on average, are prose.
const PROSE_WORDS: usize = 5;
/// Confidence of a table: its form is all that tells.
const CONFIDENCE: f32 = 0.6;

/// A table.
#[derive(Debug, Clone, PartialEq)]
pub struct Grid {
    /// Headings, one for each column; `None` where a column has none.
    pub headings: Vec<Option<Span>>,
    /// Rows from top to bottom, page after page, one cell for each column.
    pub rows: Vec<Vec<Option<Span>>>,
    /// The document's rows it was read from: from its first to behind its last.
    pub range: Range<usize>,
    columns: Vec<Rect>,
}

/// All tables of a document, in reading order.
pub fn find(reading: &Reading) -> Vec<Grid> {
    let mut grids: Vec<Grid> = Vec::new();
    let mut row = 0;
    while row < reading.rows().len() {
        let Some(draft) = Draft::at(reading, row) else {
            row += 1;
            continue;
        };
        row = draft.end;
        let next = draft.finish();
        match grids.last_mut().filter(|last| last.goes_on(&next, reading)) {
            Some(last) => last.append(next),
            None => grids.push(next),
        }
    }
    // A heading alone is none; it counts only where its rows come on the next page.
    grids.retain(|grid| !grid.rows.is_empty() && !grid.is_something_else());
    grids
}

/// The table with the most cells.
pub fn largest(grids: &[Grid]) -> Option<&Grid> {
    grids.iter().reduce(|best, next| if next.size() > best.size() { next } else { best })
}

impl Grid {
    /// Number of filled cells.
    pub fn size(&self) -> usize {
        self.rows.iter().flatten().flatten().count()
    }

    /// Names of the columns: their headings, or `column1` and so on; the second of two equal ones has a number behind.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::with_capacity(self.headings.len());
        for (index, heading) in self.headings.iter().enumerate() {
            let plain =
                heading.as_ref().map_or_else(|| format!("column{}", index + 1), |span| span.text.clone());
            let mut name = plain.clone();
            let mut count = 2;
            while names.contains(&name) {
                name = format!("{plain} {count}");
                count += 1;
            }
            names.push(name);
        }
        names
    }

    /// The rows as objects by the columns' names.
    pub fn objects(&self) -> Vec<Value> {
        let names = self.names();
        let object = |row: &Vec<Option<Span>>| {
            let values = names.iter().zip(row).map(|(name, cell)| {
                let value = cell.as_ref().map_or(Value::Null, |cell| Value::from(cell.text.as_str()));
                (name.clone(), value)
            });
            Value::Object(values.collect::<Map<String, Value>>())
        };
        self.rows.iter().map(object).collect()
    }

    /// The rows as a field whose place is that of the table on its first page.
    pub fn field(&self) -> Field {
        let Some(first) = self.spans().next() else { return Field::missing() };
        let place = Span { bbox: self.bbox().unwrap_or(first.bbox), ..first.clone() };
        Field { text: None, ..Field::read(self.objects(), CONFIDENCE, &place) }
    }

    /// The table as it stands, by the name of the field it fills, if any.
    pub fn table(&self, name: Option<&str>) -> Table {
        let cell = |span: &Option<Span>| {
            span.as_ref().map_or_else(Cell::default, |span| Cell {
                text: span.text.clone(),
                bbox: Some(span.bbox),
                confidence: span.confidence,
            })
        };
        Table {
            name: name.map(str::to_owned),
            page: self.page(),
            bbox: self.bbox(),
            columns: self.names(),
            rows: self.rows.iter().map(|row| row.iter().map(cell).collect()).collect(),
        }
    }

    /// Number of its first page, from 1.
    pub fn page(&self) -> u32 {
        self.spans().next().map_or(1, |span| span.page)
    }

    /// Box around its part on its first page.
    pub fn bbox(&self) -> Option<Rect> {
        let page = self.page();
        let on_page = self.spans().filter(|span| span.page == page).map(|span| span.bbox);
        on_page.reduce(|left, right| left.union(&right))
    }

    /// The same with its first row as headings, where it has none.
    #[must_use]
    pub fn with_headings(mut self) -> Self {
        if !self.has_headings() && self.rows.len() > 1 {
            self.headings = self.rows.remove(0);
        }
        self
    }

    /// The same with its headings as the first row.
    #[must_use]
    pub fn without_headings(mut self) -> Self {
        if self.has_headings() {
            let none = self.headings.iter().map(|_| None).collect();
            let headings = std::mem::replace(&mut self.headings, none);
            self.rows.insert(0, headings);
        }
        self
    }

    fn spans(&self) -> impl Iterator<Item = &Span> {
        self.headings.iter().flatten().chain(self.rows.iter().flatten().flatten())
    }

    fn has_headings(&self) -> bool {
        self.headings.iter().any(Option::is_some)
    }

    /// Whether the first table of a page goes on with this, the last one of the page before.
    fn goes_on(&self, next: &Self, reading: &Reading) -> bool {
        let page = |row: usize| reading.rows().get(row).map(|row| row.page);
        let (Some(last), Some(first)) = (page(self.range.end.saturating_sub(1)), page(next.range.start))
        else {
            return false;
        };
        let aligned = self.columns.len() == next.columns.len()
            && self.columns.iter().zip(&next.columns).all(|(left, right)| left.overlap_x(right) > 0.0);
        let is_repeated = self.has_headings() && self.titles() == next.titles();
        first == last + 1 && aligned && (is_repeated || !next.has_headings())
    }

    fn titles(&self) -> Vec<String> {
        let folded = |heading: &Option<Span>| heading.as_ref().map(|span| text::compact(&span.text));
        self.headings.iter().map(|heading| folded(heading).unwrap_or_default()).collect()
    }

    fn append(&mut self, next: Self) {
        let room = MAX_ROWS.saturating_sub(self.rows.len());
        self.rows.extend(next.rows.into_iter().take(room));
        self.range.end = next.range.end;
    }

    /// Whether it is no table: a form, a list with signs before its items, columns of prose, or what is strewn about in
    /// a drawing.
    fn is_something_else(&self) -> bool {
        let cells: Vec<&Span> = self.spans().collect();
        let labels = cells.iter().filter(|span| is_label(&span.text)).count();
        let size = self.headings.len() * (self.rows.len() + usize::from(self.has_headings()));
        let is_strewn = (cells.len() as f32) < LEAST_FILLED * size as f32;
        let is_list = !cells.iter().any(|span| {
            span.bbox.x0 < self.columns.get(1).map_or(0.0, |column| column.x0)
                && span.text.chars().any(char::is_alphanumeric)
        });
        let words = cells.iter().map(|span| span.text.split(' ').count()).sum::<usize>();
        let wordy = cells.iter().filter(|span| span.text.split(' ').count() >= COLUMN_WORDS).count();
        // Columns of a newspaper: nearly every line has several words.
        let is_columns = self.rows.len() >= COLUMN_ROWS && wordy * 5 >= cells.len() * 3;
        let is_prose = self.headings.len() == 2 && words > cells.len() * PROSE_WORDS;
        labels * 3 > cells.len() || is_strewn || is_list || is_prose || is_columns
    }
}

/// Whether a cell is a label, or one with its value.
fn is_label(text: &str) -> bool {
    text.contains(':') && !has_digit_before_colon(text)
}

fn has_digit_before_colon(text: &str) -> bool {
    text.split_once(':').is_some_and(|(before, _)| before.ends_with(|c: char| c.is_ascii_digit()))
}

/// A table of one page, while its rows are gathered.
struct Draft {
    columns: Vec<Rect>,
    rows: Vec<Vec<Option<Span>>>,
    start: usize,
    /// The document's row behind it.
    end: usize,
}

/// A piece of a row under its column.
struct Placed {
    column: usize,
    span: Span,
}

impl Draft {
    /// The table whose first row is this row of the document.
    fn at(reading: &Reading, start: usize) -> Option<Self> {
        let first = pieces(reading, start);
        if !(MIN_COLUMNS..=MAX_COLUMNS).contains(&first.len()) || asks(&first) {
            return None;
        }
        let columns = first.iter().map(|span| span.bbox).collect();
        let row = first.into_iter().map(Some).collect();
        let mut draft = Self { columns, rows: vec![row], start, end: start + 1 };
        let mut previous = reading.rows().get(start)?;
        while let Some(row) = reading.rows().get(draft.end).filter(|_| draft.rows.len() < MAX_ROWS) {
            let gap = row.bbox.y0 - previous.bbox.y1;
            let height = previous.bbox.height().max(1.0);
            if row.page != previous.page || gap > height * MAX_GAP {
                break;
            }
            let Some(placed) = draft.place(reading, draft.end) else { break };
            // A form below or beside a table, or the totals behind it.
            if placed
                .first()
                .is_some_and(|piece| piece.column == 0 && piece.span.text.trim_end().ends_with(':'))
            {
                break;
            }
            let is_close = gap <= height * WRAP_GAP;
            match (placed.as_slice(), draft.rows.last_mut()) {
                ([only], Some(above)) if is_close && continues(only, above) => {
                    join(above, placed);
                }
                ([_], _) if !is_close => break,
                _ => draft.push(placed),
            }
            draft.end += 1;
            previous = row;
        }
        draft.drop_loose_end(reading);
        let filled = |row: &&Vec<Option<Span>>| row.iter().flatten().count() >= MIN_COLUMNS;
        let full = draft.rows.iter().filter(filled).count();
        let is_table = full * 2 > draft.rows.len() && (full > 1 || headings_of(&draft.rows).is_some());
        is_table.then_some(draft)
    }

    fn push(&mut self, placed: Vec<Placed>) {
        let mut row: Vec<Option<Span>> = self.columns.iter().map(|_| None).collect();
        join(&mut row, placed);
        self.rows.push(row);
    }

    /// Single cells at the end of a table are what stands below it.
    fn drop_loose_end(&mut self, reading: &Reading) {
        while self.rows.len() > 1 && self.rows.last().is_some_and(|row| row.iter().flatten().count() < 2) {
            let Some(last) = self.rows.pop() else { break };
            let top = last.iter().flatten().map(|span| span.bbox.y0).fold(f32::MAX, f32::min);
            let starts_below = |row: usize| reading.rows().get(row).is_some_and(|row| row.bbox.y1 > top);
            while self.end > self.start + 1 && starts_below(self.end - 1) {
                self.end -= 1;
            }
        }
    }

    /// The pieces of a row of the document under the columns, which grow to hold them; `None` where the row is none of
    /// this table.
    fn place(&mut self, reading: &Reading, row: usize) -> Option<Vec<Placed>> {
        let segments = reading.rows().get(row)?.segments.clone();
        let mut spans: Vec<Span> = Vec::new();
        for index in segments {
            let segment = reading.segments().get(index)?;
            let touched = self.columns.iter().filter(|column| column.overlap_x(&segment.bbox) > 0.0).count();
            match touched {
                0 | 1 => spans.push(reading.segment_span(index)?),
                _ => match self.split(reading, index, segment) {
                    Some(parts) => spans.extend(parts),
                    // A line of prose below the table, or one that stands across its columns.
                    None if touched * 2 > self.columns.len() => return None,
                    None => spans.push(reading.segment_span(index)?),
                },
            }
        }
        let mut placed: Vec<Placed> = Vec::new();
        for span in spans {
            let column = self.column_for(&span)?;
            placed.push(Placed { column, span });
        }
        // Columns that stand under one heading are a table of their own, without that heading.
        let doubled = placed.windows(2).filter(|pair| pair[0].column == pair[1].column).count();
        if doubled > 0 && (self.rows.len() == 1 || doubled * 2 >= placed.len()) {
            return None;
        }
        for Placed { column, span } in &placed {
            if let Some(column) = self.columns.get_mut(*column) {
                column.x0 = column.x0.min(span.bbox.x0);
                column.x1 = column.x1.max(span.bbox.x1);
            }
        }
        Some(placed)
    }

    /// A segment that holds several cells, cut between the words where the columns part.
    fn split(&self, reading: &Reading, index: usize, segment: &Segment) -> Option<Vec<Span>> {
        let mut parts: Vec<(usize, Range<usize>)> = Vec::new();
        for range in segment.word_ranges() {
            let word = reading.span(index, range.clone())?;
            let mut over =
                self.columns.iter().enumerate().filter(|(_, column)| column.overlap_x(&word.bbox) > 0.0);
            let (column, _) = over.next()?;
            if over.next().is_some() {
                return None;
            }
            match parts.last_mut().filter(|(last, _)| *last == column) {
                Some((_, part)) => part.end = range.end,
                None => parts.push((column, range)),
            }
        }
        (parts.len() > 1)
            .then(|| parts.into_iter().filter_map(|(_, range)| reading.span(index, range)).collect())
    }

    /// The column of a piece; a new one where it stands beside all of them.
    fn column_for(&mut self, span: &Span) -> Option<usize> {
        let overlaps = self.columns.iter().map(|column| column.overlap_x(&span.bbox)).enumerate();
        let (nearest, overlap) = overlaps.max_by(|(_, left), (_, right)| left.total_cmp(right))?;
        if overlap > -span.bbox.height().max(1.0) * REACH {
            return Some(nearest);
        }
        if self.columns.len() >= MAX_COLUMNS {
            return None;
        }
        let at = self.columns.partition_point(|column| column.x0 < span.bbox.x0);
        self.columns.insert(at, span.bbox);
        for row in &mut self.rows {
            row.insert(at.min(row.len()), None);
        }
        Some(at)
    }

    fn finish(mut self) -> Grid {
        let range = self.start..self.end;
        let headings = match headings_of(&self.rows) {
            Some(headings) => {
                self.rows.remove(0);
                headings
            }
            None => self.columns.iter().map(|_| None).collect(),
        };
        Grid { headings, rows: self.rows, range, columns: self.columns }
    }
}

/// The first row where it is one of headings: words in nearly all columns, and no numbers.
fn headings_of(rows: &[Vec<Option<Span>>]) -> Option<Vec<Option<Span>>> {
    let (first, others) = rows.split_first()?;
    let is_heading = |span: &Span| {
        let digits = span.text.chars().filter(char::is_ascii_digit).count();
        let letters = span.text.chars().filter(|c| c.is_alphabetic()).count();
        letters > 0 && letters > digits * 3 || matches!(span.text.trim(), "#" | "%" | "€" | "$" | "£")
    };
    let all_words = first.iter().flatten().all(is_heading);
    let filled = first.iter().flatten().count();
    // Empty corners are usual; a heading over less than half of the columns is none.
    let covers = filled * 2 > first.len();
    // Where all cells are texts, a full first row is taken for headings only with rows below it.
    (all_words && covers && (!others.is_empty() || filled == first.len())).then(|| first.clone())
}

/// Whether a single piece goes on with the row above: under a filled cell, and not the start of something new.
fn continues(piece: &Placed, above: &[Option<Span>]) -> bool {
    let is_under_text = above
        .get(piece.column)
        .is_some_and(|cell| cell.as_ref().is_some_and(|cell| cell.text.chars().any(char::is_alphabetic)));
    let starts_low =
        piece.span.text.starts_with(|c: char| c.is_lowercase() || matches!(c, '(' | '-' | '–' | '+'));
    is_under_text && (piece.column > 0 || starts_low)
}

fn join(row: &mut [Option<Span>], pieces: Vec<Placed>) {
    for Placed { column, span } in pieces {
        let Some(cell) = row.get_mut(column) else { continue };
        *cell = match cell.take() {
            Some(first) => Span::join(&[first, span]),
            None => Some(span),
        };
    }
}

/// Whether a row is one of a form: a label that ends in a colon, with its value beside it.
fn asks(row: &[Span]) -> bool {
    row.first().is_some_and(|first| first.text.trim_end().ends_with(':'))
}

fn pieces(reading: &Reading, row: usize) -> Vec<Span> {
    let segments = reading.rows().get(row).map(|row| row.segments.clone()).unwrap_or_default();
    segments.filter_map(|segment| reading.segment_span(segment)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Fixture;

    #[test]
    fn columns_of_a_newspaper_are_no_table() {
        let line = "with the look of an     ply and he talked with     tional values were rooted\n";
        assert_eq!(read(&[&line.repeat(6)]), []);
    }

    fn read(pages: &[&str]) -> Vec<Grid> {
        let fixture = Fixture::from_texts(pages);
        find(&Reading::new(&fixture.pages))
    }

    fn rows(grid: &Grid) -> Vec<Vec<&str>> {
        fn text(cell: &Option<Span>) -> &str {
            cell.as_ref().map_or("", |span| span.text.as_str())
        }
        grid.rows.iter().map(|row| row.iter().map(text).collect()).collect()
    }

    #[test]
    fn columns_and_headings_are_found_by_their_places() {
        let grids = read(&["\
Stock of the shop
Article          Colour       Left
Paint, large     blue           12
  with brush
Paint, small                     7
Thank you for your visit, see you again soon in our shop
"]);
        assert_eq!(grids.len(), 1);
        assert_eq!(grids[0].names(), ["Article", "Colour", "Left"]);
        assert_eq!(
            rows(&grids[0]),
            [vec!["Paint, large with brush", "blue", "12"], vec!["Paint, small", "", "7"]]
        );
    }

    #[test]
    fn a_table_without_headings_has_numbered_columns() {
        let grids = read(&["Jan 2026      120.00     11\nFeb 2026       80.00      7\n"]);
        assert_eq!(grids[0].names(), ["column1", "column2", "column3"]);
        assert_eq!(grids[0].rows.len(), 2);
    }

    #[test]
    fn a_table_goes_on_over_the_page_with_or_without_its_headings() {
        let first = "Article      Left\nPaint          12\nBrush           7\n";
        let headed = read(&[first, "Article      Left\nRoller         90\nTape            1\n"]);
        let bare = read(&[first, "Roller         90\nTape            1\n"]);
        for grids in [headed, bare] {
            assert_eq!(grids.len(), 1);
            assert_eq!(rows(&grids[0]), [["Paint", "12"], ["Brush", "7"], ["Roller", "90"], ["Tape", "1"]]);
        }
    }

    #[test]
    fn cells_read_as_one_piece_are_parted_between_the_columns() {
        let grids =
            read(&["Article       Left  Price\nPaint           12   4.00\nBrushes, fine    7 123.00\n"]);
        assert_eq!(rows(&grids[0])[1], ["Brushes, fine", "7", "123.00"]);
    }

    #[test]
    fn lists_prose_and_drawings_are_no_tables() {
        assert_eq!(read(&["•      first of all\n•      and then this\n•      in the end\n"]), []);
        let prose = "the first column of this page     and the second column of it\n";
        assert_eq!(read(&[&prose.repeat(4)]), []);
        let strewn = "450          400\n     Spread\n300               200\n          Yield            Jan\n";
        assert_eq!(read(&[&strewn.repeat(3)]), []);
    }

    #[test]
    fn labels_with_values_are_no_table() {
        assert_eq!(read(&["Owner: Anna      Town: Zenith\nColour: blue     Wheels: two\n"]), []);
    }
}
