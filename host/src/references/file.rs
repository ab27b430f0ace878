//! A reference file as it is uploaded: CSV with a heading, or a JSON array of objects.

use std::collections::HashSet;

use serde_json::{Map, Value};

use crate::domain::reference::{MAX_CELL, MAX_COLUMNS, MAX_NAME, MAX_ROWS, ReferenceTable};

/// Largest file.
pub const MAX_FILE_BYTES: usize = 4 << 20;

/// What separates the cells of CSV, likeliest first.
const DELIMITERS: [u8; 4] = *b",;\t|";

/// Why a file is no table that can be searched.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No rows.
    #[error("the file has no rows")]
    Empty,
    /// JSON that is not an array of objects.
    #[error("the file is JSON, but not an array of objects: {0}")]
    NotObjects(String),
    /// CSV that cannot be read.
    #[error("the file is not valid CSV: {0}")]
    Csv(String),
    /// More than there may be.
    #[error("the file has more than {limit} {what}")]
    TooMany {
        /// Rows or columns.
        what: &'static str,
        /// How many there may be.
        limit: usize,
    },
    /// A column's name that cannot be used.
    #[error(
        "column {number} has the name `{name}`, it must have 1 to {MAX_NAME} characters and be the only one of its name"
    )]
    Column {
        /// From 1.
        number: usize,
        /// Its name.
        name: String,
    },
    /// A value that cannot be used.
    #[error("row {row}, column `{column}`: {reason}")]
    Cell {
        /// From 1, the heading not counted.
        row: usize,
        /// The column's name.
        column: String,
        /// What is wrong.
        reason: String,
    },
}

/// Reads a table from a file. Content that begins with `[` or `{` is JSON, any other is CSV, whose separator may be a
/// comma, a semicolon, a tabulator or a bar. Text that is not UTF-8 is read in the encoding that it looks like.
///
/// # Errors
/// See [`Error`].
pub fn parse(bytes: &[u8]) -> Result<ReferenceTable, Error> {
    let text = decoded(bytes);
    let table = match text.trim_start().starts_with(['[', '{']) {
        true => from_json(&text)?,
        false => from_csv(&text)?,
    };
    check(&table)?;
    Ok(table)
}

fn decoded(bytes: &[u8]) -> String {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if let Ok(text) = std::str::from_utf8(bytes) {
        return text.to_owned();
    }
    let mut detector = chardetng::EncodingDetector::new(chardetng::Iso2022JpDetection::Deny);
    detector.feed(bytes, true);
    let encoding = detector.guess(None, chardetng::Utf8Detection::Deny);
    encoding.decode(bytes).0.into_owned()
}

fn from_csv(text: &str) -> Result<ReferenceTable, Error> {
    let invalid = |error: csv::Error| Error::Csv(error.to_string());
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter(text))
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let columns = reader.headers().map_err(invalid)?.iter().map(str::to_owned).collect();
    let mut rows = Vec::new();
    for record in reader.records() {
        if rows.len() == MAX_ROWS {
            return Err(Error::TooMany { what: "rows", limit: MAX_ROWS });
        }
        let record = record.map_err(invalid)?;
        rows.push(
            record.iter().map(|cell| if cell.is_empty() { Value::Null } else { cell.into() }).collect(),
        );
    }
    Ok(ReferenceTable { columns, rows })
}

/// The separator that the heading has most of.
fn delimiter(text: &str) -> u8 {
    let heading = text.lines().next().unwrap_or_default().as_bytes();
    let count = |delimiter: u8| heading.iter().filter(|byte| **byte == delimiter).count();
    let mut best = DELIMITERS[0];
    for delimiter in DELIMITERS {
        if count(delimiter) > count(best) {
            best = delimiter;
        }
    }
    best
}

fn from_json(text: &str) -> Result<ReferenceTable, Error> {
    let objects: Vec<Map<String, Value>> =
        serde_json::from_str(text).map_err(|error| Error::NotObjects(error.to_string()))?;
    if objects.len() > MAX_ROWS {
        return Err(Error::TooMany { what: "rows", limit: MAX_ROWS });
    }
    let mut columns: Vec<String> = Vec::new();
    let mut known: HashSet<&str> = HashSet::new();
    for name in objects.iter().flat_map(Map::keys) {
        if known.insert(name) {
            columns.push(name.clone());
        }
        if columns.len() > MAX_COLUMNS {
            return Err(Error::TooMany { what: "columns", limit: MAX_COLUMNS });
        }
    }
    let row = |object: &Map<String, Value>| {
        columns.iter().map(|name| object.get(name).cloned().unwrap_or(Value::Null)).collect()
    };
    let rows = objects.iter().map(row).collect();
    Ok(ReferenceTable { columns, rows })
}

fn check(table: &ReferenceTable) -> Result<(), Error> {
    if table.rows.is_empty() {
        return Err(Error::Empty);
    }
    if table.columns.len() > MAX_COLUMNS {
        return Err(Error::TooMany { what: "columns", limit: MAX_COLUMNS });
    }
    let mut known = HashSet::new();
    for (name, number) in table.columns.iter().zip(1..) {
        let fits = (1..=MAX_NAME).contains(&name.chars().count()) && known.insert(name);
        if !fits {
            let name = name.chars().take(MAX_NAME).collect();
            return Err(Error::Column { number, name });
        }
    }
    for (row, number) in table.rows.iter().zip(1..) {
        for (value, column) in row.iter().zip(&table.columns) {
            if let Some(reason) = cell_problem(value) {
                return Err(Error::Cell { row: number, column: column.clone(), reason });
            }
        }
    }
    Ok(())
}

fn cell_problem(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if text.chars().count() > MAX_CELL => {
            Some(format!("the text has more than {MAX_CELL} characters"))
        }
        // Not every database can keep it.
        Value::String(text) if text.contains('\0') => Some("the text has a NUL character".to_owned()),
        Value::Array(_) | Value::Object(_) => Some("a value is a text, a number, a truth or null".to_owned()),
        Value::String(_) | Value::Number(_) | Value::Bool(_) | Value::Null => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check_table(file: &[u8], columns: &[&str], rows: Value) {
        let table = parse(file).unwrap();
        assert_eq!(table.columns, columns);
        assert_eq!(json!(table.rows), rows);
    }

    #[track_caller]
    fn check_refused(file: &str, told: &str) {
        let error = parse(file.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(told), "{error}");
    }

    #[test]
    fn csv_is_read_whatever_separates_its_cells() {
        let rows = json!([["Acme, Ltd", "GB1"], ["Zenith", null]]);
        check_table(b"name,taxId\n\"Acme, Ltd\",GB1\nZenith,\n", &["name", "taxId"], rows.clone());
        check_table(b"\xef\xbb\xbfname;taxId\r\nAcme, Ltd;GB1\r\nZenith;\r\n", &["name", "taxId"], rows);
    }

    #[test]
    fn text_in_another_encoding_is_read() {
        check_table(b"name\nM\xfcller GmbH, Z\xfcrich\n", &["name"], json!([["Müller GmbH, Zürich"]]));
    }

    #[test]
    fn objects_may_leave_columns_out() {
        check_table(
            br#"[{"sku": "A1", "price": 2.5}, {"sku": "B2", "name": "Bolt"}]"#,
            &["sku", "price", "name"],
            json!([["A1", 2.5, null], ["B2", null, "Bolt"]]),
        );
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        check_refused("", "no rows");
        check_refused("name,taxId\n", "no rows");
        check_refused("name,taxId\nAcme\n", "not valid CSV");
        check_refused("name,name\na,b\n", "column 2 has the name `name`");
        check_refused("name,\na,b\n", "column 2 has the name ``");
        check_refused("{\"name\": 1}", "not an array of objects");
        check_refused(r#"[{"name": ["a"]}]"#, "row 1, column `name`: a value is a text");
        check_refused(&format!("name\n{}\n", "x".repeat(1001)), "row 1, column `name`: the text has more");
        check_refused(&format!("name\n{}", "x\n".repeat(20_001)), "more than 20000 rows");
    }
}
