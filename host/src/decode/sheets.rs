//! Excel workbooks: the used cells of each visible sheet. Formulas show their last result; macros are left out.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Cursor;

use bytes::Bytes;
use calamine::{DataRef, ExcelDateTime, Reader as _, SheetVisible, Xlsx, XlsxError};

use super::grid::Grid;
use super::package::Package;
use super::{Error, Limits, flow};
use crate::domain::flow::{Flow, Paper};

const FORMAT: &str = "XLSX";

/// Bytes that a cell counts for beside its text.
const CELL_BYTES: u64 = 8;

/// Reads a workbook.
pub(super) fn read(package: &mut Package, content: Bytes, limits: &Limits) -> Result<Flow, Error> {
    package.check_parts(|name| name.ends_with(".xml") || name.ends_with(".rels"))?;
    let mut workbook: Xlsx<_> = Xlsx::new(Cursor::new(content)).map_err(convert)?;
    let visible = workbook.sheets_metadata().iter().filter(|sheet| sheet.visible == SheetVisible::Visible);
    let names: Vec<String> = visible.map(|sheet| sheet.name.clone()).collect();
    let mut flow = Flow::new(Paper::Rolls);
    let mut room = Room { bytes: 0, grid: Grid::new(limits) };
    for name in names {
        let rows = match sheet(&mut workbook, &name, &mut room, limits) {
            // A sheet that is a chart has no cells.
            Err(SheetError::Library(XlsxError::WorksheetNotFound(_) | XlsxError::NotAWorksheet(_))) => {
                continue;
            }
            Err(SheetError::Library(error)) => return Err(convert(error)),
            Err(SheetError::Limit(error)) => return Err(error),
            Ok(rows) => rows,
        };
        flow.page_break();
        flow.table(rows);
    }
    Ok(flow)
}

enum SheetError {
    Library(XlsxError),
    Limit(Error),
}

/// What all sheets so far hold, and what there is room for.
struct Room {
    bytes: u64,
    grid: Grid,
}

/// The rows of a sheet.
fn sheet(
    workbook: &mut Xlsx<Cursor<Bytes>>,
    name: &str,
    room: &mut Room,
    limits: &Limits,
) -> Result<Vec<Vec<String>>, SheetError> {
    let mut reader = workbook.worksheet_cells_reader(name).map_err(SheetError::Library)?;
    let mut rows: BTreeMap<u32, Vec<(u32, String)>> = BTreeMap::new();
    let mut columns = BTreeSet::new();
    while let Some(cell) = reader.next_cell().map_err(SheetError::Library)? {
        let text = shown(cell.get_value());
        if text.trim().is_empty() {
            continue;
        }
        room.bytes += text.len() as u64 + CELL_BYTES;
        flow::check_text(room.bytes, limits).map_err(SheetError::Limit)?;
        let (row, column) = cell.get_position();
        columns.insert(column);
        rows.entry(row).or_default().push((column, text));
    }
    // Where there is no room for empty cells between others, each row begins at the left.
    let is_grid = room.grid.try_take((rows.len() as u64).saturating_mul(columns.len() as u64));
    let places: BTreeMap<u32, usize> =
        columns.into_iter().enumerate().map(|(place, column)| (column, place)).collect();
    let mut table = Vec::with_capacity(rows.len());
    let mut next = None;
    for (row, cells) in rows {
        // However many rows are left empty, it is one gap.
        if next.is_some_and(|next| row > next) {
            table.push(Vec::new());
        }
        next = Some(row + 1);
        let mut texts: Vec<String> = Vec::with_capacity(cells.len());
        for (column, text) in cells {
            let place = places.get(&column).copied().filter(|_| is_grid).unwrap_or(texts.len());
            if texts.len() <= place {
                texts.resize(place, String::new());
                texts.push(text);
            }
        }
        table.push(texts);
    }
    Ok(table)
}

/// A cell's value, near to what Excel shows.
fn shown(value: &DataRef) -> String {
    match value {
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => float(*number),
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.clone(),
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Bool(truth) => if *truth { "TRUE" } else { "FALSE" }.to_owned(),
        DataRef::DateTime(time) => date_time(time),
        DataRef::Error(error) => error.to_string(),
        DataRef::Empty => String::new(),
    }
}

/// A number without the digits that only binary fractions make.
fn float(number: f64) -> String {
    let rounded = (number * 1e9).round() / 1e9;
    let shown = if rounded.is_finite() && number.abs() < 1e15 { rounded } else { number };
    let text = shown.to_string();
    // Amounts: `58.4` is shown as `58.40` where anybody looks at it.
    match text.split_once('.') {
        Some((_, decimals)) if decimals.len() == 1 => format!("{text}0"),
        _ => text,
    }
}

/// A date as `YYYY-MM-DD`, with the time of day unless it is midnight; of a duration its hours.
fn date_time(time: &ExcelDateTime) -> String {
    if time.is_duration() {
        let minutes = (time.as_f64() * 24.0 * 60.0).round() as i64;
        return format!("{}:{:02}", minutes / 60, minutes % 60);
    }
    let (year, month, day, hour, minute, second, _) = time.to_ymd_hms_milli();
    if time.as_f64() < 1.0 {
        return format!("{hour:02}:{minute:02}");
    }
    let date = format!("{year:04}-{month:02}-{day:02}");
    match (hour, minute, second) {
        (0, 0, 0) => date,
        (_, _, 0) => format!("{date} {hour:02}:{minute:02}"),
        _ => format!("{date} {hour:02}:{minute:02}:{second:02}"),
    }
}

fn convert(error: XlsxError) -> Error {
    match error {
        XlsxError::Password => Error::EncryptedOffice,
        error => Error::Damaged { format: FORMAT, reason: error.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use calamine::ExcelDateTimeType;

    use super::*;

    #[test]
    fn numbers_and_dates_are_shown_as_people_write_them() {
        assert_eq!(float(58.4), "58.40");
        assert_eq!(float(0.1 + 0.2), "0.30");
        assert_eq!(float(1_234_567.0), "1234567");
        let date = |value| date_time(&ExcelDateTime::new(value, ExcelDateTimeType::DateTime, false));
        assert_eq!(date(45_351.0), "2024-02-29");
        assert_eq!(date(45_351.5), "2024-02-29 12:00");
    }
}
