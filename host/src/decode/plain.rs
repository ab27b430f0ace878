//! Plain text and tables of separated values.

use super::grid::{self, Grid};
use super::{Error, Limits, charset, flow};
use crate::domain::flow::{Flow, Paper};

/// Separators of values, in the order in which they are preferred where a table might have either.
const SEPARATORS: [u8; 4] = [b'\t', b';', b',', b'|'];

/// Lines that tell the separator.
const SAMPLE_LINES: usize = 20;

/// Columns behind which an editor's tab stops lie.
const TAB_WIDTH: usize = 8;

/// Spaces in a row that part what stands in columns.
const COLUMN_SPACES: usize = 3;

/// Reads plain text. Form feeds end pages; wide runs of spaces part what stands side by side.
pub(super) fn read_text(content: &[u8], limits: &Limits) -> Result<Flow, Error> {
    flow::check_text(content.len() as u64, limits)?;
    let text = charset::text(content);
    let mut flow = Flow::new(Paper::Sheets);
    for page in text.split('\u{c}') {
        flow.page_break();
        for line in page.lines() {
            flow.columns(columns(line));
        }
    }
    Ok(flow)
}

/// The pieces of a line that stand in columns, each with the number of letters before it. A line that is not set in columns
/// is one piece at 0, and one without text has none.
pub(super) fn columns(line: &str) -> Vec<(usize, String)> {
    let mut pieces: Vec<(usize, String)> = Vec::new();
    let (mut column, mut spaces) = (0, 0);
    for c in line.trim_end_matches(|c: char| c.is_whitespace() || c.is_control()).chars() {
        match c {
            ' ' => (column, spaces) = (column + 1, spaces + 1),
            '\t' => {
                let stop = (column / TAB_WIDTH + 1) * TAB_WIDTH;
                // A tab parts, however near its stop is.
                (column, spaces) = (stop, spaces + COLUMN_SPACES);
            }
            // Control characters show nothing, and those that turn text would show it wrongly.
            c if c.is_control()
                || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}') => {}
            c => {
                match (pieces.last_mut(), std::mem::take(&mut spaces)) {
                    (None, indent) => {
                        pieces.push((if indent < COLUMN_SPACES { 0 } else { column }, c.into()))
                    }
                    (Some(_), COLUMN_SPACES..) => pieces.push((column, c.into())),
                    (Some((_, text)), apart) => {
                        text.extend((apart > 0).then_some(' '));
                        text.push(c);
                    }
                }
                column += 1;
            }
        }
    }
    pieces
}

/// Reads a table.
pub(super) fn read_table(content: &[u8], limits: &Limits) -> Result<Flow, Error> {
    flow::check_text(content.len() as u64, limits)?;
    let text = charset::text(content);
    let mut rows = Vec::new();
    let mut cells = Grid::new(limits);
    for record in reader(&text).records() {
        let record = record.map_err(damaged)?;
        if record.len() > grid::MAX_COLUMNS {
            return Err(grid::too_wide("CSV", record.len()));
        }
        // Thousands of separators without text between them make as many cells.
        cells.take(record.len() as u64)?;
        rows.push(record.iter().map(str::to_owned).collect());
    }
    let mut flow = Flow::new(Paper::Rolls);
    flow.table(rows);
    Ok(flow)
}

/// The first rows of a table of separated values, as texts without space around them.
///
/// # Errors
/// What is no such table, and a row of more than `max_columns` values.
pub fn separated_values(
    content: &[u8],
    max_rows: usize,
    max_columns: usize,
) -> Result<Vec<Vec<String>>, Error> {
    let text = charset::text(content);
    let mut rows = Vec::new();
    for (record, number) in reader(&text).records().take(max_rows).zip(1..) {
        let record = record.map_err(damaged)?;
        if record.len() > max_columns {
            let found = record.len();
            let reason = format!("row {number} has {found} values, at most {max_columns} are possible");
            return Err(Error::Damaged { format: "CSV", reason });
        }
        rows.push(record.iter().map(|value| value.trim().to_owned()).collect());
    }
    Ok(rows)
}

fn damaged(error: csv::Error) -> Error {
    Error::Damaged { format: "CSV", reason: error.to_string() }
}

/// Reads records of whatever separator the text has.
fn reader(text: &str) -> csv::Reader<&[u8]> {
    // Excel's way of naming the separator.
    let (separator, text) = match text.strip_prefix("sep=").and_then(|rest| rest.split_once('\n')) {
        Some((named, rest)) if named.trim_end().len() == 1 => (named.as_bytes().first().copied(), rest),
        _ => (None, text),
    };
    csv::ReaderBuilder::new()
        .delimiter(separator.unwrap_or_else(|| usual_separator(text)))
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes())
}

/// The separator that most lines have the same number of.
fn usual_separator(text: &str) -> u8 {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).take(SAMPLE_LINES).collect();
    let score = |separator: u8| {
        let counts: Vec<usize> =
            lines.iter().map(|line| line.bytes().filter(|byte| *byte == separator).count()).collect();
        let usual = counts.iter().copied().max_by_key(|count| {
            let as_many = counts.iter().filter(|other| *other == count).count();
            (usize::min(*count, 1), as_many)
        });
        let usual = usual.unwrap_or_default();
        if usual == 0 { 0 } else { counts.iter().filter(|count| **count == usual).count() }
    };
    // Of equals the first wins.
    SEPARATORS.into_iter().rev().max_by_key(|separator| score(*separator)).unwrap_or(b',')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::flow::Block;

    #[track_caller]
    fn check_separator(text: &str, expected: char) {
        assert_eq!(char::from(usual_separator(text)), expected, "{text}");
    }

    #[test]
    fn the_separator_is_what_every_line_has_as_often() {
        check_separator("name;price\nTea, green;1,50\nMilk;0,99\n", ';');
        check_separator("name,price\nTea,1.50\n", ',');
        check_separator("name\tprice, net\nTea\t1.50\n", '\t');
        check_separator("only one column\n", '\t');
    }

    #[test]
    fn text_in_columns_is_parted_and_what_turns_it_is_dropped() {
        let pieces =
            |line| columns(line).into_iter().map(|(at, text)| format!("{at} {text}")).collect::<Vec<_>>();
        assert_eq!(pieces("  Total        58.40  EUR\u{202e}\0"), ["0 Total", "15 58.40 EUR"]);
        assert_eq!(pieces("Total\t\t58.40"), ["0 Total", "16 58.40"]);
        assert_eq!(pieces("     MENU"), ["5 MENU"]);
        assert_eq!(pieces(" \t "), Vec::<String>::new());
    }

    #[test]
    fn quoted_cells_may_hold_separators_and_line_ends() {
        let limits = Limits::from(&crate::config::Config::default().decode);
        let flow = read_table(b"sep=;\na;\"b;\nc\"\n1;2\n", &limits).unwrap();
        let table = [["a", "b;\nc"], ["1", "2"]].map(|row| row.map(str::to_owned).to_vec()).to_vec();
        assert_eq!(flow.blocks, [Block::Table(table)]);
    }
}
