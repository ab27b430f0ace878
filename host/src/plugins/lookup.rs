//! The import `lookup`: plugins search the reference files of the template.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::bindings::ocriva::extract::{lookup, types};
use super::imports::{CallState, failure};
use super::journal::cut;
use crate::domain::reference::{Found, MAX_FOUND, Measure, NamedTable};

/// Longest value that is searched for, in bytes.
const VALUE_BYTES: usize = 4096;

/// Similarity that is asked for where the plugin does not say.
const USUAL_SIMILARITY: f64 = 0.9;

/// A plugin's question.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Query {
    table: String,
    column: String,
    value: String,
    #[serde(default, rename = "match")]
    measure: MeasureName,
    minimum_score: Option<f64>,
    limit: Option<usize>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
enum MeasureName {
    #[default]
    Exact,
    Fuzzy,
}

/// A table, as plugins are told of it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TableAnswer<'a> {
    name: &'a str,
    columns: &'a [String],
    row_count: usize,
}

#[derive(Serialize)]
struct FoundAnswer {
    score: f64,
    row: Map<String, Value>,
}

impl lookup::Host for CallState {
    fn tables(&mut self) -> wasmtime::Result<String> {
        self.budget.host_call()?;
        let told: Vec<TableAnswer> = self
            .references
            .iter()
            .map(|NamedTable { name, table }| TableAnswer {
                name,
                columns: table.columns(),
                row_count: table.row_count(),
            })
            .collect();
        Ok(serde_json::to_string(&told)?)
    }

    fn find(&mut self, query: String) -> wasmtime::Result<Result<String, types::Failure>> {
        self.budget.host_call()?;
        if !self.budget.lookup() {
            let message = format!(
                "no more than {} searches in reference files are allowed (limit `lookups`)",
                self.budget.allowed_lookups()
            );
            return Ok(Err(failure("plugin.denied", message)));
        }
        let found = match search(&self.references, &query) {
            Ok(found) => found,
            Err(failure) => return Ok(Err(failure)),
        };
        let answer: Vec<FoundAnswer> =
            found.into_iter().map(|Found { score, row }| FoundAnswer { score, row }).collect();
        Ok(Ok(serde_json::to_string(&answer)?))
    }
}

fn search(tables: &[NamedTable], query: &str) -> Result<Vec<Found>, types::Failure> {
    let query: Query = serde_json::from_str(query)
        .map_err(|error| failure("lookup.bad_query", format!("query does not fit: {error}")))?;
    let table = tables.iter().find(|table| table.name == query.table).ok_or_else(|| {
        let known = quoted(tables.iter().map(|table| table.name.as_str()));
        let name = cut(&query.table, 64);
        failure("lookup.unknown_table", format!("there is no reference file `{name}`; known: {known}"))
    })?;
    let measure = match query.measure {
        MeasureName::Exact => Measure::Exact,
        MeasureName::Fuzzy => {
            Measure::Similar(query.minimum_score.unwrap_or(USUAL_SIMILARITY).clamp(0.0, 1.0))
        }
    };
    let limit = query.limit.unwrap_or(MAX_FOUND);
    let found = table.table.find(&query.column, cut(&query.value, VALUE_BYTES), measure, limit);
    found.ok_or_else(|| {
        let known = quoted(table.table.columns().iter().map(String::as_str));
        let (name, column) = (cut(&query.table, 64), cut(&query.column, 64));
        failure(
            "lookup.unknown_column",
            format!("reference file `{name}` has no column `{column}`; known: {known}"),
        )
    })
}

fn quoted<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
