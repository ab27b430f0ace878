//! Reference files: tables, such as a list of suppliers, that a template gives its extractor to look values up in.
//!
//! An extractor asks by [`Document::look_up`](crate::Document::look_up). Most need no more than
//! [`completion`](crate::completion), which does it by the template's settings.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::bindings::ocriva::extract::lookup as host;
use crate::extractor::Failure;
use crate::text;

/// Similarity that is asked for where a query does not say.
const USUAL_SIMILARITY: f64 = 0.9;

/// Texts shorter than this are not compared by similarity.
const MIN_SIMILAR: usize = 4;

/// Most rows that one query gives.
const MAX_FOUND: usize = 20;

/// A table that there is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReferenceTable {
    /// Its name in the template.
    pub name: String,
    /// Names of its columns.
    pub columns: Vec<String>,
    /// Number of its rows.
    pub row_count: u64,
}

/// How rows are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Measure {
    /// Equal but for case, accents, spaces and punctuation.
    #[default]
    Exact,
    /// Similar by the measure of Jaro and Winkler.
    Fuzzy,
}

/// A question to a table: which rows have this value in this column?
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Query {
    /// Name of the table.
    pub table: String,
    /// Name of the column.
    pub column: String,
    /// What to look for.
    pub value: String,
    /// How.
    #[serde(rename = "match")]
    pub measure: Measure,
    /// Least similarity, from 0 to 1; 0.9 unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minimum_score: Option<f64>,
    /// Most rows of the answer; at most 20, which is also what it is unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// A row that was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Match {
    /// How well it fits, from 0 to 1 (equal).
    pub score: f64,
    /// Its values by column: texts, numbers, truths or null.
    pub row: Map<String, Value>,
}

/// Tables for native tests, by name.
pub(crate) type Tables = IndexMap<String, Vec<Map<String, Value>>>;

pub(crate) fn host_tables() -> Vec<ReferenceTable> {
    serde_json::from_str(&host::tables()).unwrap_or_default()
}

pub(crate) fn host_find(query: &Query) -> Result<Vec<Match>, Failure> {
    let bad = |error: serde_json::Error| Failure::new("lookup.bad_query", error.to_string());
    let query = serde_json::to_string(query).map_err(bad)?;
    serde_json::from_str(&host::find(&query)?).map_err(bad)
}

pub(crate) fn fixture_tables(tables: &Tables) -> Vec<ReferenceTable> {
    let told = tables.iter().map(|(name, rows)| ReferenceTable {
        name: name.clone(),
        columns: rows.first().map(|row| row.keys().cloned().collect()).unwrap_or_default(),
        row_count: rows.len() as u64,
    });
    told.collect()
}

/// Finds rows as the server does.
pub(crate) fn fixture_find(tables: &Tables, query: &Query) -> Result<Vec<Match>, Failure> {
    let rows = tables.get(&query.table).ok_or_else(|| {
        Failure::new("lookup.unknown_table", format!("there is no reference file `{}`", query.table))
    })?;
    if rows.first().is_some_and(|row| !row.contains_key(&query.column)) {
        let message = format!("reference file `{}` has no column `{}`", query.table, query.column);
        return Err(Failure::new("lookup.unknown_column", message));
    }
    let wanted = text::compact(&query.value);
    let least = query.minimum_score.unwrap_or(USUAL_SIMILARITY);
    let score = |row: &Map<String, Value>| {
        let key = text::compact(&shown(row.get(&query.column)?)?);
        let shortest = key.len().min(wanted.len());
        match query.measure {
            _ if shortest == 0 => None,
            _ if key == wanted => Some(1.0),
            Measure::Fuzzy if shortest >= MIN_SIMILAR => {
                Some(strsim::jaro_winkler(&key, &wanted)).filter(|score| *score >= least)
            }
            Measure::Exact | Measure::Fuzzy => None,
        }
    };
    let mut found: Vec<Match> =
        rows.iter().filter_map(|row| Some(Match { score: score(row)?, row: row.clone() })).collect();
    found.sort_by(|left, right| right.score.total_cmp(&left.score));
    found.truncate(query.limit.map_or(MAX_FOUND, |limit| limit as usize).min(MAX_FOUND));
    Ok(found)
}

/// A value of a table, or of a field, as text.
pub(crate) fn shown(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
