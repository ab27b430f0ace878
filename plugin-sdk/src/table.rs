//! Tables without ruling lines: headings give columns, columns take the cells below them.
//!
//! A heading is recognised by its words ([`Lexicon`]); it may be wrapped over several rows, and several headings may
//! have been read as one segment. Cells go to the column whose heading they stand under or are aligned with.

use std::ops::Range;

use crate::labels::Lexicon;
use crate::page::Rect;
use crate::reading::{Reading, Row, Span};
use crate::values::amounts::{self, Convention};

/// Rows of a heading above and below its main one.
const HEADING_ROWS: usize = 2;
/// A table ends before a gap of so many row heights.
const GAP_HEIGHTS: f32 = 7.0;
/// A table has no more rows than this on a page.
const MAX_ROWS: usize = 400;

/// A column of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Column<C> {
    /// What its heading means; nothing for a heading that is not in the lexicon.
    pub concept: Option<C>,
    /// The heading as read.
    pub title: String,
    /// Box around the heading.
    pub bbox: Rect,
}

/// A piece of text in a column.
#[derive(Debug, Clone, PartialEq)]
pub struct Piece {
    /// Index of the column.
    pub column: usize,
    /// Text and place.
    pub span: Span,
}

/// A row of the document under a heading.
#[derive(Debug, Clone, PartialEq)]
pub struct BodyRow {
    /// Index of the document's row.
    pub row: usize,
    /// Its pieces, from left to right.
    pub pieces: Vec<Piece>,
}

/// A table on one page.
#[derive(Debug, Clone, PartialEq)]
pub struct RawTable<C> {
    /// Index of the page.
    pub page: usize,
    /// The document's rows that are the heading.
    pub heading: Range<usize>,
    /// From left to right.
    pub columns: Vec<Column<C>>,
    /// From top to bottom, to the next heading, the end row, a wide gap or the end of the page.
    pub rows: Vec<BodyRow>,
}

/// What to look for.
pub struct Search<'s, C> {
    /// The words of headings.
    pub lexicon: &'s Lexicon<C>,
    /// Whether the columns of these meanings make a heading.
    pub is_heading: &'s dyn Fn(&[C]) -> bool,
    /// Whether a row ends the table, and is not part of it.
    pub is_end: &'s dyn Fn(usize) -> bool,
    /// Which columns hold numbers.
    pub is_numeric: &'s dyn Fn(C) -> bool,
    /// How numbers are written.
    pub convention: Convention,
}

impl<C: Copy + PartialEq> Search<'_, C> {
    /// Finds all tables of a document, in reading order.
    pub fn run(&self, reading: &Reading) -> Vec<RawTable<C>> {
        let headings: Vec<(Range<usize>, Vec<Column<C>>)> = self.headings(reading);
        let mut tables = Vec::new();
        for (index, (heading, columns)) in headings.iter().enumerate() {
            let next = headings.get(index + 1).map_or(reading.rows().len(), |(next, _)| next.start);
            let Some(page) = reading.rows().get(heading.start).map(|row| row.page) else { continue };
            let rows = self.body(reading, columns, heading.end..next, page);
            tables.push(RawTable { page, heading: heading.clone(), columns: columns.clone(), rows });
        }
        tables
    }

    /// Finds all tables as [`Search::run`] does, and goes on with the columns of the last one on pages that have no
    /// heading: from the first row there that `resumes` says is one of the table.
    pub fn run_on(&self, reading: &Reading, resumes: &dyn Fn(usize) -> bool) -> Vec<RawTable<C>> {
        let row_count = reading.rows().len();
        let headed = self.run(reading);
        let mut tables: Vec<RawTable<C>> = Vec::new();
        for (index, table) in headed.iter().enumerate() {
            let next = headed.get(index + 1).map_or(row_count, |next| next.heading.start);
            tables.push(table.clone());
            let mut page = table.page;
            let mut row = table.heading.end;
            while row < next {
                let here = reading.rows().get(row).map_or(page, |row| row.page);
                if here > page && resumes(row) {
                    page = here;
                    let rows = self.body(reading, &table.columns, row..next, page);
                    let heading = row..row;
                    tables.push(RawTable { page, heading, columns: table.columns.clone(), rows });
                }
                row += 1;
            }
        }
        tables
    }

    fn headings(&self, reading: &Reading) -> Vec<(Range<usize>, Vec<Column<C>>)> {
        let mut headings: Vec<(Range<usize>, Vec<Column<C>>)> = Vec::new();
        let mut row = 0;
        while row < reading.rows().len() {
            match self.heading_at(reading, row) {
                Some((range, columns)) => {
                    row = range.end.max(row + 1);
                    headings.push((range, columns));
                }
                None => row += 1,
            }
        }
        headings
    }

    /// The heading whose main row is `row`, with the rows above and below that are part of it.
    fn heading_at(&self, reading: &Reading, row: usize) -> Option<(Range<usize>, Vec<Column<C>>)> {
        let main = self.columns_of(reading, row..row + 1);
        let concepts: Vec<C> = main.iter().filter_map(|column| column.concept).collect();
        if !(self.is_heading)(&concepts) || has_money(reading, row, self.convention) {
            return None;
        }
        let known: usize = main.iter().filter(|column| column.concept.is_some()).count();
        if known * 2 < main.len() || reading.row_text(row).split_whitespace().count() > 24 {
            return None;
        }
        let mut range = row..row + 1;
        for _ in 0..HEADING_ROWS {
            if range.start > 0 && self.continues(reading, range.start - 1, range.start, &main) {
                range.start -= 1;
            }
        }
        for _ in 0..HEADING_ROWS {
            if self.continues(reading, range.end, range.end - 1, &main) {
                range.end += 1;
            }
        }
        let columns = self.columns_of(reading, range.clone());
        Some((range, columns))
    }

    /// Whether a row is a wrapped part of the heading beside it: close by, without numbers, under its columns.
    fn continues(&self, reading: &Reading, row: usize, neighbour: usize, columns: &[Column<C>]) -> bool {
        let (Some(found), Some(beside)) = (reading.rows().get(row), reading.rows().get(neighbour)) else {
            return false;
        };
        let gap = -found.bbox.overlap_y(&beside.bbox);
        let height = found.bbox.height().min(beside.bbox.height());
        if found.page != beside.page || gap > height * 0.75 || has_digits(reading, row) {
            return false;
        }
        let segments = reading.row_segments(row);
        let first_text = columns.first().map_or(f32::MAX, |column| column.bbox.x0);
        let beside_main = gap < -0.3 * height;
        let under = beside_main
            || segments
                .iter()
                .all(|segment| columns.iter().any(|column| column.bbox.overlap_x(&segment.bbox) > 0.0));
        let short = segments.iter().all(|segment| segment.word_count() <= 3);
        // A row that starts where the first column starts is the first row of the body, unless all of it is heading words.
        let starts_body =
            segments.first().is_some_and(|segment| (segment.bbox.x0 - first_text).abs() < height);
        let all_known = segments.iter().all(|segment| self.lexicon.meaning(&segment.text).is_some());
        under
            && short
            && (all_known
                || (!starts_body
                    && segments.len() < columns.len()
                    && segments.len() <= 4
                    && gap < height * 0.5))
    }

    fn columns_of(&self, reading: &Reading, rows: Range<usize>) -> Vec<Column<C>> {
        let mut columns: Vec<Column<C>> = Vec::new();
        for row in reading.rows().get(rows).unwrap_or_default() {
            for span in row.segments.clone().flat_map(|segment| self.heading_pieces(reading, segment)) {
                let same = columns.iter_mut().find(|column| {
                    column.bbox.overlap_x(&span.bbox) > 0.3 * column.bbox.width().min(span.bbox.width())
                });
                match same {
                    Some(column) => {
                        column.title = format!("{} {}", column.title, span.text);
                        column.bbox = column.bbox.union(&span.bbox);
                    }
                    None => columns.push(Column { concept: None, title: span.text.clone(), bbox: span.bbox }),
                }
            }
        }
        columns.sort_by(|left, right| left.bbox.x0.total_cmp(&right.bbox.x0));
        for column in &mut columns {
            let whole = self.lexicon.meaning(&column.title).map(|(concept, _)| concept);
            let letters = column.title.chars().filter(|c| c.is_alphabetic()).count();
            let part = || {
                let found = self.lexicon.find_in(&column.title);
                // A heading may have a word more than the lexicon knows; a sentence with one known word is none.
                found
                    .into_iter()
                    .max_by_key(|(range, ..)| range.len())
                    .filter(|(range, ..)| range.len() * 5 >= letters * 2)
                    .map(|(_, concept, _)| concept)
            };
            column.concept = whole.or_else(part);
        }
        columns
    }

    /// A heading segment, taken apart where it holds several headings.
    fn heading_pieces(&self, reading: &Reading, segment: usize) -> Vec<Span> {
        let Some(text) = reading.segments().get(segment).map(|found| found.text.as_str()) else {
            return Vec::new();
        };
        let found =
            if self.lexicon.meaning(text).is_some() { Vec::new() } else { self.lexicon.find_in(text) };
        let covered: usize = found.iter().map(|(range, ..)| range.len()).sum();
        // "Total price with tax" is one heading.
        let mut found = found;
        found.dedup_by(|next, before| {
            let between = text.get(before.0.end..next.0.start).unwrap_or_default();
            let is_joined = between.chars().any(char::is_alphanumeric);
            if is_joined {
                before.0.end = next.0.end;
            }
            is_joined
        });
        if found.len() < 2 || covered * 10 < text.len() * 7 {
            return reading.segment_span(segment).into_iter().collect();
        }
        let starts = found.iter().map(|(range, ..)| range.start);
        let ends = found.iter().skip(1).map(|(range, ..)| range.start).chain([text.len()]);
        starts.zip(ends).filter_map(|(start, end)| reading.span(segment, start..end)).collect()
    }

    fn body(
        &self,
        reading: &Reading,
        columns: &[Column<C>],
        rows: Range<usize>,
        page: usize,
    ) -> Vec<BodyRow> {
        let mut body: Vec<BodyRow> = Vec::new();
        let mut last: Option<&Row> = rows.start.checked_sub(1).and_then(|row| reading.rows().get(row));
        for index in rows.take(MAX_ROWS) {
            let Some(row) = reading.rows().get(index).filter(|row| row.page == page) else { break };
            let gap = last.map_or(0.0, |last| row.bbox.y0 - last.bbox.y1);
            if (self.is_end)(index) || gap > row.bbox.height() * GAP_HEIGHTS {
                break;
            }
            last = Some(row);
            let pieces = self.pieces(reading, columns, row);
            if !pieces.is_empty() {
                body.push(BodyRow { row: index, pieces });
            }
        }
        body
    }

    fn pieces(&self, reading: &Reading, columns: &[Column<C>], row: &Row) -> Vec<Piece> {
        // Columns that have a number of their own in this row take none out of a text beside it.
        let numbered: Vec<usize> = row
            .segments
            .clone()
            .filter_map(|segment| reading.segment_span(segment))
            .filter(|span| amounts::parse(&span.text, self.convention).is_some())
            .filter_map(|span| self.column_for(columns, &span))
            .collect();
        let spans =
            row.segments.clone().flat_map(|segment| self.split_cell(reading, columns, segment, &numbered));
        spans
            .filter_map(|span| self.column_for(columns, &span).map(|column| Piece { column, span }))
            .collect()
    }

    /// A segment, taken apart where numbers of different columns stand in it.
    fn split_cell(
        &self,
        reading: &Reading,
        columns: &[Column<C>],
        segment: usize,
        numbered: &[usize],
    ) -> Vec<Span> {
        let Some(found) = reading.segments().get(segment) else { return Vec::new() };
        let whole = || reading.segment_span(segment).into_iter().collect::<Vec<_>>();
        let numbers = amounts::find(&found.text, self.convention);
        if numbers.is_empty() || found.word_count() == 1 {
            return whole();
        }
        let mut cuts: Vec<usize> = Vec::new();
        for number in &numbers {
            let Some(span) = reading.span(segment, number.range.clone()) else { continue };
            let home = self.column_for(columns, &span);
            let before = found.text.get(..number.range.start).unwrap_or_default();
            let has_text_before = before.chars().any(char::is_alphanumeric);
            let is_under = |index: usize| {
                columns.get(index).is_some_and(|column| {
                    column.concept.is_some_and(self.is_numeric)
                        && column.bbox.overlap_x(&span.bbox) > -column.bbox.height() * 1.5
                })
            };
            let start_home = reading.span(segment, 0..1).and_then(|start| self.column_for(columns, &start));
            let is_free = home.is_none_or(|home| !numbered.contains(&home));
            if has_text_before && is_free && home.is_some_and(is_under) && home != start_home {
                cuts.push(number.range.start);
            } else if number.range.start == 0
                && home.is_some_and(is_under)
                && number.range.end < found.text.len()
            {
                cuts.push(number.range.end);
            }
        }
        cuts.sort_unstable();
        cuts.dedup();
        let starts = [0].into_iter().chain(cuts.iter().copied());
        let ends = cuts.iter().copied().chain([found.text.len()]);
        starts
            .zip(ends)
            .filter_map(|(start, end)| reading.span(segment, start..end))
            .filter(|span| !span.text.is_empty())
            .collect()
    }

    /// The column a piece belongs to: the nearest by overlap or by the alignment of either edge or the middle.
    fn column_for(&self, columns: &[Column<C>], span: &Span) -> Option<usize> {
        let letters = span.text.chars().filter(|c| c.is_alphabetic()).count();
        let is_text = letters >= 4 && amounts::parse(&span.text, self.convention).is_none();
        let distance = |column: &Column<C>| {
            let edges = [
                (column.bbox.x0 - span.bbox.x0).abs(),
                (column.bbox.x1 - span.bbox.x1).abs(),
                (column.bbox.center_x() - span.bbox.center_x()).abs(),
            ];
            let nearest = edges.into_iter().fold(f32::MAX, f32::min);
            let overlap = column.bbox.overlap_x(&span.bbox);
            let apart = if overlap > 0.0 { nearest * 0.4 } else { nearest - overlap };
            // Text does not stand in a column of numbers unless it is right under the heading.
            let is_numeric = column.concept.is_some_and(self.is_numeric);
            if is_text && is_numeric { apart * 2.0 + span.bbox.height() * 3.0 } else { apart }
        };
        let nearest =
            columns.iter().enumerate().min_by(|left, right| distance(left.1).total_cmp(&distance(right.1)));
        nearest.map(|(index, _)| index)
    }
}

fn has_money(reading: &Reading, row: usize, convention: Convention) -> bool {
    let text = reading.row_text(row);
    amounts::find(&text, convention).iter().any(|amount| amount.decimals == 2)
}

fn has_digits(reading: &Reading, row: usize) -> bool {
    reading.row_text(row).chars().any(|c| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Fixture;

    fn search(pages: &[crate::page::Page]) -> Vec<RawTable<char>> {
        let lexicon =
            Lexicon::new([('d', "description"), ('q', "qty"), ('p', "unit price"), ('a', "amount")]);
        let reading = Reading::new(pages);
        let search = Search {
            lexicon: &lexicon,
            is_heading: &|concepts| concepts.contains(&'a') && concepts.len() > 1,
            is_end: &|row| reading.row_text(row).starts_with("Total"),
            is_numeric: &|concept| concept != 'd',
            convention: Convention::Point,
        };
        search.run(&reading)
    }

    fn cells(table: &RawTable<char>, row: usize) -> Vec<(usize, &str)> {
        table.rows[row].pieces.iter().map(|piece| (piece.column, piece.span.text.as_str())).collect()
    }

    #[test]
    fn cells_go_to_the_column_they_stand_under_or_are_aligned_with() {
        let pages = Fixture::from_text(
            &[
                "Description            Qty   Unit Price    Amount",
                "Blue paint, large        2        10.00     20.00",
                "  matt                                           ",
                "Brush                   12         1.50     18.00",
                "Total                                       38.00",
            ]
            .join("\n"),
        )
        .pages;
        let tables = search(&pages);
        assert_eq!(tables.len(), 1);
        assert_eq!(cells(&tables[0], 0), [(0, "Blue paint, large"), (1, "2"), (2, "10.00"), (3, "20.00")]);
        assert_eq!(cells(&tables[0], 1), [(0, "matt")]);
        assert_eq!(cells(&tables[0], 2), [(0, "Brush"), (1, "12"), (2, "1.50"), (3, "18.00")]);
        assert_eq!(tables[0].rows.len(), 3);
    }

    #[test]
    fn a_table_goes_on_where_the_next_page_has_no_heading() {
        let fixture = Fixture::from_texts(&[
            "Description            Qty   Unit Price    Amount\nBrush                   12         1.50     18.00\n",
            "Page 2\nPaint                    2        10.00     20.00\nTotal                                     38.00\n",
        ]);
        let lexicon =
            Lexicon::new([('d', "description"), ('q', "qty"), ('p', "unit price"), ('a', "amount")]);
        let reading = Reading::new(&fixture.pages);
        let search = Search {
            lexicon: &lexicon,
            is_heading: &|concepts| concepts.contains(&'a') && concepts.len() > 1,
            is_end: &|row| reading.row_text(row).starts_with("Total"),
            is_numeric: &|concept| concept != 'd',
            convention: Convention::Point,
        };
        let tables = search.run_on(&reading, &|row| reading.row_text(row).starts_with("Paint"));
        assert_eq!(tables.iter().map(|table| table.page).collect::<Vec<_>>(), [0, 1]);
        assert_eq!(cells(&tables[1], 0), [(0, "Paint"), (1, "2"), (2, "10.00"), (3, "20.00")]);
        assert_eq!(tables[1].rows.len(), 1);
    }

    #[test]
    fn wrapped_headings_are_one_heading() {
        let pages = Fixture::from_text(
            &[
                "Description            Qty   Unit     Amount",
                "                             Price          ",
                "Brush                   12    1.50     18.00",
            ]
            .join("\n"),
        )
        .pages;
        let tables = search(&pages);
        let titles: Vec<&str> = tables[0].columns.iter().map(|column| column.title.as_str()).collect();
        assert_eq!(titles, ["Description", "Qty", "Unit Price", "Amount"]);
        assert_eq!(tables[0].columns[2].concept, Some('p'));
    }

    #[test]
    fn headings_and_numbers_read_as_one_piece_are_taken_apart() {
        let pages = Fixture::from_text(
            &["Description            Qty Amount", "Brush                   12 18.00"].join("\n"),
        )
        .pages;
        let tables = search(&pages);
        assert_eq!(cells(&tables[0], 0), [(0, "Brush"), (1, "12"), (2, "18.00")]);
    }
}
