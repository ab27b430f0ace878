//! Reference files: tables that an extractor looks values up in, such as a list of suppliers or of products.
//!
//! Two measures: texts that are equal but for case, accents, spaces and punctuation (names, tax numbers, accounts), and
//! the similarity of Jaro and Winkler (names as recognition misreads them).

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Map, Value};
use unicode_normalization::UnicodeNormalization;

use super::timestamp::Timestamp;

/// Most rows of a table.
pub const MAX_ROWS: usize = 20_000;

/// Most columns of a table.
pub const MAX_COLUMNS: usize = 50;

/// Most files that a template may have.
pub const MAX_FILES: usize = 10;

/// Longest name of a file or of a column, in characters.
pub const MAX_NAME: usize = 100;

/// Longest text in a cell, in characters.
pub const MAX_CELL: usize = 1000;

/// Most rows that one search gives.
pub const MAX_FOUND: usize = 20;

/// Texts shorter than this are not compared by similarity: three letters resemble any three letters.
const MIN_SIMILAR: usize = 4;

/// A table as it was uploaded: values are texts, numbers, truths or null.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ReferenceTable {
    /// The columns' names, all different.
    pub columns: Vec<String>,
    /// Rows with a value for each column.
    pub rows: Vec<Vec<Value>>,
}

/// A reference file without its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReferenceFile {
    /// Its id.
    pub id: String,
    /// The columns' names.
    pub columns: Vec<String>,
    /// Number of rows.
    pub row_count: u32,
    /// Size of the file that was uploaded.
    pub size_bytes: u64,
    /// When it was uploaded.
    pub created_at: Timestamp,
}

/// A table made ready to be searched.
#[derive(Debug, PartialEq)]
pub struct LookupTable {
    table: ReferenceTable,
    /// For each column the rows' folded texts, and the rows by them.
    keys: Vec<ColumnKeys>,
}

#[derive(Debug, PartialEq)]
struct ColumnKeys {
    folded: Vec<String>,
    rows: HashMap<String, Vec<usize>>,
}

/// A table under the name that a template gives it.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedTable {
    /// The name by which extractors ask for it.
    pub name: String,
    /// The table, which several templates may share.
    pub table: Arc<LookupTable>,
}

/// How a row is found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Measure {
    /// Equal but for case, accents, spaces and punctuation.
    Exact,
    /// A similarity of at least this, from 0 to 1.
    Similar(f64),
}

/// A row that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// How well it fits, from 0 to 1 (equal).
    pub score: f64,
    /// Its values by column.
    pub row: Map<String, Value>,
}

impl LookupTable {
    /// Prepares a table. Takes a second for every few million cells.
    pub fn new(table: ReferenceTable) -> Self {
        let keys = (0..table.columns.len())
            .map(|column| {
                let folded: Vec<String> = table
                    .rows
                    .iter()
                    .map(|row| row.get(column).map(folded_value).unwrap_or_default())
                    .collect();
                let mut rows: HashMap<String, Vec<usize>> = HashMap::new();
                for (index, key) in folded.iter().enumerate().filter(|(_, key)| !key.is_empty()) {
                    rows.entry(key.clone()).or_default().push(index);
                }
                ColumnKeys { folded, rows }
            })
            .collect();
        Self { table, keys }
    }

    /// The columns' names.
    pub fn columns(&self) -> &[String] {
        &self.table.columns
    }

    /// Number of rows.
    pub fn row_count(&self) -> usize {
        self.table.rows.len()
    }

    /// Bytes of the texts that searching goes by: a measure of what the table takes in memory.
    pub fn text_bytes(&self) -> usize {
        self.keys.iter().flat_map(|column| &column.folded).map(String::len).sum()
    }

    /// Rows whose value in a column fits a text, best first and then in the table's order, at most `limit`; `None`
    /// where there is no such column.
    pub fn find(&self, column: &str, value: &str, measure: Measure, limit: usize) -> Option<Vec<Found>> {
        let index = self.table.columns.iter().position(|name| name == column)?;
        let keys = self.keys.get(index)?;
        let wanted = folded(value);
        let mut scored: Vec<(f64, usize)> = match measure {
            _ if wanted.is_empty() => Vec::new(),
            Measure::Exact => keys.rows.get(&wanted).into_iter().flatten().map(|row| (1.0, *row)).collect(),
            Measure::Similar(least) => similar(keys, &wanted, least),
        };
        scored.sort_by(|(left, left_row), (right, right_row)| {
            right.total_cmp(left).then_with(|| left_row.cmp(right_row))
        });
        let found = scored.into_iter().take(limit.min(MAX_FOUND));
        Some(found.filter_map(|(score, row)| Some(Found { score, row: self.row(row)? })).collect())
    }

    fn row(&self, index: usize) -> Option<Map<String, Value>> {
        let values = self.table.rows.get(index)?;
        Some(self.table.columns.iter().cloned().zip(values.iter().cloned()).collect())
    }
}

fn similar(keys: &ColumnKeys, wanted: &str, least: f64) -> Vec<(f64, usize)> {
    let length = wanted.chars().count();
    let scored = keys.folded.iter().enumerate().map(|(row, key)| {
        let score = match key == wanted {
            true => 1.0,
            false if length.min(key.len()) < MIN_SIMILAR => 0.0,
            false => strsim::jaro_winkler(key, wanted),
        };
        (score, row)
    });
    scored.filter(|(score, _)| *score >= least).collect()
}

fn folded_value(value: &Value) -> String {
    match value {
        Value::String(text) => folded(text),
        Value::Number(number) => number.to_string(),
        Value::Bool(truth) => truth.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => String::new(),
    }
}

/// A text by its letters and digits alone, in lower case and without accents.
fn folded(text: &str) -> String {
    let plain = text.nfkd().filter(|character| character.is_alphanumeric());
    plain.flat_map(char::to_lowercase).collect::<String>().replace('ß', "ss")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn suppliers() -> LookupTable {
        let row = |name: &str, tax_id: &str, code: u32| vec![json!(name), json!(tax_id), json!(code)];
        LookupTable::new(ReferenceTable {
            columns: ["name", "taxId", "code"].map(str::to_owned).to_vec(),
            rows: vec![
                row("Müller & Söhne GmbH", "DE 123.456.789", 70001),
                row("Acme Trading Ltd", "GB123", 70002),
                row("Acme Trading Inc", "", 70003),
            ],
        })
    }

    fn names(column: &str, value: &str, measure: Measure) -> Vec<String> {
        let found = suppliers().find(column, value, measure, 5).unwrap();
        found.into_iter().map(|found| found.row["name"].as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn case_accents_spaces_and_punctuation_make_no_difference() {
        assert_eq!(names("taxId", "de123456789", Measure::Exact), ["Müller & Söhne GmbH"]);
        assert_eq!(names("name", "MULLER + SOHNE GMBH", Measure::Exact), ["Müller & Söhne GmbH"]);
        assert_eq!(names("code", "70002", Measure::Exact), ["Acme Trading Ltd"]);
    }

    #[test]
    fn an_empty_value_finds_nothing() {
        assert_eq!(names("taxId", " - ", Measure::Exact), Vec::<String>::new());
        assert_eq!(names("taxId", "", Measure::Similar(0.0)), Vec::<String>::new());
    }

    #[test]
    fn misread_names_are_found_best_first() {
        assert_eq!(
            names("name", "Acme Tradlng Ltd.", Measure::Similar(0.85)),
            ["Acme Trading Ltd", "Acme Trading Inc"]
        );
        assert_eq!(names("name", "Zenith Verlag", Measure::Similar(0.85)), Vec::<String>::new());
    }

    #[test]
    fn a_column_that_is_not_there_is_told_from_a_value_that_is_not() {
        assert_eq!(suppliers().find("iban", "x", Measure::Exact, 5), None);
        assert_eq!(suppliers().find("name", "x", Measure::Exact, 5), Some(Vec::new()));
    }
}
