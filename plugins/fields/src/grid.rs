//! Tables whose columns are not known: rows of pieces that stand under one another, with the first row as headings.

use ocriva_plugin_sdk::business::BusinessDocument;
use ocriva_plugin_sdk::output::{Cell, Field, Table};
use ocriva_plugin_sdk::page::Rect;
use ocriva_plugin_sdk::reading::{Reading, Segment, Span};
use ocriva_plugin_sdk::serde_json::{Map, Value};

use crate::spec::Spec;

/// Fewest columns of a table.
const MIN_COLUMNS: usize = 2;
/// Fewest rows below the headings.
const MIN_ROWS: usize = 1;
/// A table ends before a gap of so many row heights.
const MAX_GAP: f32 = 3.0;
/// Most rows of a table.
const MAX_ROWS: usize = 2000;
/// Confidence of a table: its form is all that tells.
const CONFIDENCE: f32 = 0.6;

/// A row of cells, one for each column.
type Cells = Vec<Option<Span>>;

/// The largest table of a document, as objects by its headings, and as it stands.
pub fn read(document: &BusinessDocument, spec: &Spec) -> (Field, Option<Table>) {
    let reading = &document.reading;
    let mut best: Option<Grid> = None;
    let mut row = 0;
    while row < reading.rows().len() {
        let Some(grid) = Grid::at(reading, row) else {
            row += 1;
            continue;
        };
        row = grid.end;
        if best.as_ref().is_none_or(|best| grid.size() > best.size()) {
            best = Some(grid);
        }
    }
    best.map_or_else(|| (Field::missing(), None), |grid| (grid.field(), Some(grid.table(&spec.name))))
}

struct Grid {
    headings: Vec<Span>,
    rows: Vec<Cells>,
    /// The document's row behind it.
    end: usize,
}

impl Grid {
    /// The table whose headings are this row of the document; a table on the next page with the same headings goes on.
    fn at(reading: &Reading, heading: usize) -> Option<Self> {
        let headings = spans(reading, heading)?;
        let columns: Vec<Rect> = headings.iter().map(|heading| heading.bbox).collect();
        let is_heading = headings.len() >= MIN_COLUMNS
            && headings.iter().all(|heading| heading.text.chars().any(char::is_alphabetic));
        if !is_heading {
            return None;
        }
        let mut grid = Self { headings, rows: Vec::new(), end: heading + 1 };
        let mut previous = reading.rows().get(heading)?;
        for index in heading + 1..reading.rows().len() {
            let Some(row) = reading.rows().get(index).filter(|_| grid.rows.len() < MAX_ROWS) else { break };
            let gap = row.bbox.y0 - previous.bbox.y1;
            if row.page != previous.page || gap > previous.bbox.height().max(1.0) * MAX_GAP {
                break;
            }
            let Some(cells) = cells(reading, index, &columns) else { break };
            let filled = cells.iter().flatten().count();
            match grid.rows.last_mut() {
                // A single piece under a column goes on with the cell above it.
                Some(above) if filled == 1 => continue_cells(above, cells),
                _ if filled >= MIN_COLUMNS => grid.rows.push(cells),
                _ => break,
            }
            grid.end = index + 1;
            previous = row;
        }
        (grid.rows.len() >= MIN_ROWS).then_some(grid)
    }

    fn size(&self) -> usize {
        self.rows.iter().flatten().flatten().count()
    }

    fn field(&self) -> Field {
        let objects = self.rows.iter().map(|row| {
            let values = self.headings.iter().zip(row).map(|(heading, cell)| {
                let value = cell.as_ref().map_or(Value::Null, |cell| Value::from(cell.text.as_str()));
                (heading.text.clone(), value)
            });
            Value::Object(values.collect::<Map<String, Value>>())
        });
        let whole = self.headings.iter().chain(self.rows.iter().flatten().flatten());
        let bbox = whole.map(|span| span.bbox).reduce(|left, right| left.union(&right));
        match (self.headings.first(), bbox) {
            (Some(first), Some(bbox)) => {
                let whole = Span { bbox, ..first.clone() };
                Field { text: None, ..Field::read(objects.collect::<Vec<_>>(), CONFIDENCE, &whole) }
            }
            _ => Field::missing(),
        }
    }

    fn table(&self, name: &str) -> Table {
        let cell = |span: &Option<Span>| {
            span.as_ref().map_or_else(Cell::default, |span| Cell {
                text: span.text.clone(),
                bbox: Some(span.bbox),
                confidence: span.confidence,
            })
        };
        let boxes = self.headings.iter().chain(self.rows.iter().flatten().flatten()).map(|span| span.bbox);
        Table {
            name: Some(name.to_owned()),
            page: self.headings.first().map_or(1, |heading| heading.page),
            bbox: boxes.reduce(|left, right| left.union(&right)),
            columns: self.headings.iter().map(|heading| heading.text.clone()).collect(),
            rows: self.rows.iter().map(|row| row.iter().map(cell).collect()).collect(),
        }
    }
}

fn spans(reading: &Reading, row: usize) -> Option<Vec<Span>> {
    let segments = reading.rows().get(row)?.segments.clone();
    segments.map(|segment| reading.segment_span(segment)).collect()
}

/// The pieces of a row under their columns; `None` where two pieces want one column, or one stands under none.
fn cells(reading: &Reading, row: usize, columns: &[Rect]) -> Option<Cells> {
    let mut cells: Cells = columns.iter().map(|_| None).collect();
    let segments = reading.rows().get(row)?.segments.clone();
    for index in segments {
        let segment = reading.segments().get(index)?;
        let cell = cells.get_mut(column_of(segment, columns)?)?;
        if cell.is_some() {
            return None;
        }
        *cell = reading.segment_span(index);
    }
    Some(cells)
}

/// The column that a piece overlaps most, or whose edge it stands under.
fn column_of(segment: &Segment, columns: &[Rect]) -> Option<usize> {
    let overlaps = columns.iter().map(|column| column.overlap_x(&segment.bbox)).enumerate();
    let (index, overlap) = overlaps.max_by(|(_, left), (_, right)| left.total_cmp(right))?;
    // Narrow numbers under wide headings and the other way round are aligned at an edge.
    let height = segment.bbox.height().max(1.0);
    (overlap > -height).then_some(index)
}

fn continue_cells(above: &mut Cells, cells: Cells) {
    for (cell, more) in above.iter_mut().zip(cells) {
        let Some(more) = more else { continue };
        *cell = match cell.take() {
            Some(first) => Span::join(&[first, more]),
            None => Some(more),
        };
    }
}
