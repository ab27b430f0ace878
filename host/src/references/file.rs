//! A reference file as it is uploaded: CSV with a heading, or a JSON array of objects.

use std::collections::HashSet;

use serde_json::{Map, Value};

use crate::decode;
use crate::domain::reference::{MAX_CELL, MAX_COLUMNS, MAX_NAME, MAX_ROWS, ReferenceTable};

/// Largest file.
pub const MAX_FILE_BYTES: usize = 4 << 20;

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

/// Reads a table from a file. Content that begins with `[` or `{` is JSON; any other is CSV in whatever encoding, with
/// commas, semicolons, tabulators or bars between the values.
///
/// # Errors
/// See [`Error`].
pub fn parse(bytes: &[u8]) -> Result<ReferenceTable, Error> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let table = match bytes.trim_ascii_start().first() {
        Some(b'[' | b'{') => from_json(bytes)?,
        _ => from_csv(bytes)?,
    };
    check(&table)?;
    Ok(table)
}

fn from_csv(bytes: &[u8]) -> Result<ReferenceTable, Error> {
    // The heading, and a row too many to be told from the last that may be there.
    let rows = decode::separated_values(bytes, MAX_ROWS + 2, MAX_COLUMNS);
    let mut rows = rows.map_err(|error| Error::Csv(error.to_string()))?.into_iter();
    let columns = rows.next().ok_or(Error::Empty)?;
    let mut table = ReferenceTable { columns, rows: Vec::with_capacity(rows.len()) };
    for (row, number) in rows.zip(1..) {
        if table.rows.len() == MAX_ROWS {
            return Err(Error::TooMany { what: "rows", limit: MAX_ROWS });
        }
        if row.len() != table.columns.len() {
            let (found, wanted) = (row.len(), table.columns.len());
            return Err(Error::Csv(format!("row {number} has {found} values, the heading has {wanted}")));
        }
        table.rows.push(
            row.into_iter().map(|value| if value.is_empty() { Value::Null } else { value.into() }).collect(),
        );
    }
    Ok(table)
}

fn from_json(bytes: &[u8]) -> Result<ReferenceTable, Error> {
    let objects: Vec<Map<String, Value>> =
        serde_json::from_slice(bytes).map_err(|error| Error::NotObjects(error.to_string()))?;
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
