//! An Excel workbook: records on the first sheet, each list of objects (line items) on one of its own, the tables of
//! the pages on the last.
//!
//! Rows go to temporary files as they come; the workbook is put together at the end.

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufWriter, IntoInnerError, Seek as _, SeekFrom};

use jiff::civil::{Date, DateTime};
use rust_xlsxwriter::{ExcelDateTime, Format, Worksheet, XlsxError};
use serde_json::{Map, Value};

use super::cells::{Cell, Style};
use super::layout::{Layout, ListLayout};
use super::{Entry, Error, Form, Part};
use crate::domain::extraction::Table;
use crate::domain::template::export::DateStyle;

/// Rows of a sheet, its headings included.
const MAX_ROWS: u32 = 1_048_576;

/// Columns of a sheet.
const MAX_COLUMNS: usize = 16_384;

/// Characters of a cell; longer text is cut.
const MAX_CELL: usize = 32_767;

/// Lists that have sheets of their own; further ones are left to the other forms.
const MAX_LISTS: usize = 50;

/// Integers up to this are the same as the floating-point numbers that cells hold; larger ones become text.
const MAX_INTEGER: f64 = 9_007_199_254_740_992.0;

/// Characters of a sheet's name.
const MAX_SHEET_NAME: usize = 31;

/// Widths of columns in characters.
const WIDTHS: std::ops::RangeInclusive<usize> = 10..=40;

/// Writes a workbook.
pub(super) struct Workbook {
    workbook: rust_xlsxwriter::Workbook,
    layout: Layout,
    lists: Vec<ListLayout>,
    /// The first sheet, those of the lists, and that of the tables, in the workbook's order.
    sheets: Vec<Sheet>,
    formats: Formats,
}

/// Where the next row of a sheet goes.
struct Sheet {
    name: String,
    next_row: u32,
}

struct Formats {
    heading: Format,
    date: Format,
    time: Format,
}

impl Workbook {
    /// Makes a writer, and writes the headings.
    pub(super) fn new(layout: Layout, mut lists: Vec<ListLayout>) -> Result<Self, Error> {
        lists.truncate(MAX_LISTS);
        let mut workbook = Self {
            workbook: rust_xlsxwriter::Workbook::new(),
            formats: Formats::new(layout.style),
            layout,
            lists,
            sheets: Vec::new(),
        };
        let headings: Vec<String> = workbook.layout.headings().map(str::to_owned).collect();
        workbook.add_sheet("Records", &headings)?;
        for index in 0..workbook.lists.len() {
            let Some(list) = workbook.lists.get(index) else { break };
            let headings = ["fileName", "id"].into_iter().chain(list.columns.iter().map(String::as_str));
            let (name, headings) = (list.field.clone(), headings.map(str::to_owned).collect::<Vec<_>>());
            workbook.add_sheet(&name, &headings)?;
        }
        let headings = ["fileName", "id", "page", "table"].map(str::to_owned);
        workbook.add_sheet("Tables", &headings)?;
        Ok(workbook)
    }

    fn add_sheet(&mut self, wanted: &str, headings: &[String]) -> Result<(), Error> {
        let taken: HashSet<String> = self.sheets.iter().map(|sheet| sheet.name.to_lowercase()).collect();
        let name = sheet_name(wanted, &taken);
        let sheet = self.workbook.add_worksheet_with_constant_memory().map_err(failed)?;
        sheet.set_name(&name).map_err(failed)?;
        sheet.set_freeze_panes(1, 0).map_err(failed)?;
        for (column, heading) in (0_u16..).zip(headings.iter().take(MAX_COLUMNS)) {
            let width = (heading.chars().count() + 2).clamp(*WIDTHS.start(), *WIDTHS.end());
            sheet.set_column_width(column, width as f64).map_err(failed)?;
            let heading = shortened(heading);
            sheet.write_string_with_format(0, column, heading, &self.formats.heading).map_err(failed)?;
        }
        self.sheets.push(Sheet { name, next_row: 1 });
        Ok(())
    }

    fn add_row(&mut self, sheet: usize, cells: &[Cell]) -> Result<(), Error> {
        let Some(place) = self.sheets.get_mut(sheet) else { return Ok(()) };
        if place.next_row >= MAX_ROWS {
            return Err(Error::TooManyRows { sheet: place.name.clone(), limit: MAX_ROWS });
        }
        let worksheet = self.workbook.worksheet_from_index(sheet).map_err(failed)?;
        for (column, cell) in (0_u16..).zip(cells.iter().take(MAX_COLUMNS)) {
            self.formats.write(worksheet, place.next_row, column, cell).map_err(failed)?;
        }
        place.next_row += 1;
        Ok(())
    }

    fn add_lists(&mut self, identity: &[Cell; 2], data: &Map<String, Value>) -> Result<(), Error> {
        let lists = std::mem::take(&mut self.lists);
        let written = lists.iter().enumerate().try_for_each(|(index, list)| {
            list.rows(data)
                .into_iter()
                .try_for_each(|row| self.add_row(1 + index, &[identity.as_slice(), &row].concat()))
        });
        self.lists = lists;
        written
    }

    fn add_table(&mut self, identity: &[Cell; 2], table: &Table) -> Result<(), Error> {
        let name = table.name.clone().map_or(Cell::Empty, Cell::Text);
        let [file_name, id] = identity.clone();
        let place = [file_name, id, Cell::Number(table.page.into()), name];
        let last = self.sheets.len().saturating_sub(1);
        if !table.columns.is_empty() {
            let headings: Vec<Cell> = table.columns.iter().cloned().map(Cell::Text).collect();
            self.add_row(last, &[place.as_slice(), &headings].concat())?;
        }
        for row in &table.rows {
            let cells: Vec<Cell> = row.iter().map(|cell| Cell::Text(cell.text.clone())).collect();
            self.add_row(last, &[place.as_slice(), &cells].concat())?;
        }
        Ok(())
    }
}

impl Form for Workbook {
    fn record(&mut self, entry: &Entry, _part: u32) -> Result<Part, Error> {
        for row in self.layout.rows(entry) {
            self.add_row(0, &row)?;
        }
        let document = &entry.document;
        let identity = [Cell::Text(document.file_name.clone()), Cell::Text(document.id.clone())];
        if let Some(extraction) = &entry.extraction {
            self.add_lists(&identity, &extraction.data)?;
            for table in &extraction.tables {
                self.add_table(&identity, table)?;
            }
        }
        Ok(Part::Last)
    }

    fn end(mut self: Box<Self>) -> Result<Option<File>, Error> {
        let mut buffered = BufWriter::new(tempfile::tempfile()?);
        self.workbook.save_to_writer(&mut buffered).map_err(failed)?;
        let mut file = buffered.into_inner().map_err(IntoInnerError::into_error)?;
        file.seek(SeekFrom::Start(0))?;
        Ok(Some(file))
    }
}

impl Formats {
    fn new(style: Style) -> Self {
        let date = match style.dates {
            DateStyle::Iso => "yyyy-mm-dd",
            DateStyle::DayMonthYearPoints => "dd.mm.yyyy",
            DateStyle::DayMonthYear => "dd\"/\"mm\"/\"yyyy",
            DateStyle::MonthDayYear => "mm\"/\"dd\"/\"yyyy",
        };
        Self {
            heading: Format::new().set_bold(),
            date: Format::new().set_num_format(date),
            time: Format::new().set_num_format(format!("{date} hh:mm:ss")),
        }
    }

    fn write(&self, sheet: &mut Worksheet, row: u32, column: u16, cell: &Cell) -> Result<(), XlsxError> {
        match cell {
            Cell::Empty => Ok(()),
            Cell::Text(text) => sheet.write_string(row, column, shortened(text)).map(drop),
            Cell::Boolean(boolean) => sheet.write_boolean(row, column, *boolean).map(drop),
            Cell::Number(number) => match number.as_f64().filter(|real| real.abs() <= MAX_INTEGER) {
                Some(real) => sheet.write_number(row, column, real).map(drop),
                None => sheet.write_string(row, column, number.to_string()).map(drop),
            },
            Cell::Date(date) => match day(*date) {
                Some(day) => sheet.write_datetime_with_format(row, column, day, &self.date).map(drop),
                None => sheet.write_string(row, column, date.to_string()).map(drop),
            },
            Cell::Time(time) => match moment(*time) {
                Some(moment) => sheet.write_datetime_with_format(row, column, moment, &self.time).map(drop),
                None => sheet.write_string(row, column, time.to_string()).map(drop),
            },
        }
    }
}

/// A day as workbooks count them, from 1900 on; `None` for an earlier one.
fn day(date: Date) -> Option<ExcelDateTime> {
    let (year, month, day) = (date.year(), date.month(), date.day());
    ExcelDateTime::from_ymd(year.try_into().ok()?, month.try_into().ok()?, day.try_into().ok()?).ok()
}

fn moment(time: DateTime) -> Option<ExcelDateTime> {
    let (hour, minute) = (time.hour().try_into().ok()?, time.minute().try_into().ok()?);
    day(time.date())?.and_hms(hour, minute, f64::from(time.second())).ok()
}

/// Text that fits into a cell.
fn shortened(text: &str) -> &str {
    // Cells count in units of UTF-16.
    let mut length = 0;
    let end = text.char_indices().find(|(_, character)| {
        length += character.len_utf16();
        length > MAX_CELL
    });
    end.and_then(|(end, _)| text.get(..end)).unwrap_or(text)
}

/// A name that a sheet may have and that no other one (in lower case) has.
fn sheet_name(wanted: &str, taken: &HashSet<String>) -> String {
    let allowed: String = wanted
        .chars()
        .map(
            |character| {
                if character.is_control() || "[]:*?/\\'".contains(character) { '_' } else { character }
            },
        )
        .collect();
    let cut = |room: usize| allowed.chars().take(room).collect::<String>();
    let first = Some(cut(MAX_SHEET_NAME)).filter(|name| !name.trim().is_empty());
    let numbered = (2_u32..).map(|number| {
        let suffix = format!(" {number}");
        format!("{}{suffix}", cut(MAX_SHEET_NAME - suffix.len()))
    });
    let mut names = first.into_iter().chain(numbered);
    names.find(|name| !taken.contains(&name.to_lowercase())).unwrap_or_default()
}

fn failed(error: XlsxError) -> Error {
    match error {
        XlsxError::IoError(error) => Error::Write(error),
        error => Error::Workbook(Box::new(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sheets_have_different_names_that_workbooks_take() {
        let mut taken = HashSet::new();
        let long = "x".repeat(40);
        for (wanted, expected) in [
            ("Records", "Records"),
            ("records", "records 2"),
            ("a/b:c", "a_b_c"),
            ("", " 2"),
            (long.as_str(), &long[..31]),
            (long.as_str(), &format!("{} 2", &long[..29])),
        ] {
            let name = sheet_name(wanted, &taken);
            assert_eq!(name, expected);
            taken.insert(name.to_lowercase());
        }
    }
}
