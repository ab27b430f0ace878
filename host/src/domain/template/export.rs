//! How the results of a template are laid out in the formats that are tables: csv and xlsx.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Most columns that a table may have.
pub const MAX_COLUMNS: usize = 200;

/// Longest name of a field and longest title of a column, in characters.
const MAX_NAME: usize = 200;

/// What a column may show beside the fields of the result: facts of the document that was read.
pub const DOCUMENT_COLUMNS: [&str; 7] =
    ["@id", "@fileName", "@status", "@pageCount", "@confidence", "@createdAt", "@completedAt"];

/// The word of [`ExportRows::Record`].
const RECORD: &str = "record";

/// How results are laid out as rows and columns.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ExportSettings {
    /// The columns from left to right, at most 200; empty for every field in the order of the schema.
    pub columns: Vec<ExportColumn>,
    /// `record` (default) for a row per document, or the name of a list such as `lineItems` for a row per item.
    #[schema(value_type = String, example = "lineItems")]
    pub rows: ExportRows,
    /// What separates the decimals of a number.
    pub decimal: DecimalStyle,
    /// How dates are written.
    pub dates: DateStyle,
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExportColumn {
    /// Name of a field, with points for what lies inside of it: `supplier.name`; `lineItems.quantity` where `rows` is
    /// `lineItems`. Of the document itself: `@id`, `@fileName`, `@status`, `@pageCount`, `@confidence`, `@createdAt`,
    /// `@completedAt`.
    #[schema(example = "invoiceNumber")]
    pub field: String,
    /// The column's heading; without it the name of the field.
    #[serde(default)]
    #[schema(example = "Invoice no.")]
    pub title: Option<String>,
}

/// What makes a row.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum ExportRows {
    /// A document.
    #[default]
    Record,
    /// An item of the list field of this name; a document without items has one row.
    Items(String),
}

/// What separates the decimals of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum DecimalStyle {
    /// `1234.5`
    #[default]
    Point,
    /// `1234,5`
    Comma,
}

/// How dates are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub enum DateStyle {
    /// `2026-12-31`
    #[default]
    #[serde(rename = "YYYY-MM-DD")]
    Iso,
    /// `31.12.2026`
    #[serde(rename = "DD.MM.YYYY")]
    DayMonthYearPoints,
    /// `31/12/2026`
    #[serde(rename = "DD/MM/YYYY")]
    DayMonthYear,
    /// `12/31/2026`
    #[serde(rename = "MM/DD/YYYY")]
    MonthDayYear,
}

impl From<String> for ExportRows {
    fn from(word: String) -> Self {
        if word == RECORD { Self::Record } else { Self::Items(word) }
    }
}

impl From<ExportRows> for String {
    fn from(rows: ExportRows) -> Self {
        match rows {
            ExportRows::Record => RECORD.to_owned(),
            ExportRows::Items(field) => field,
        }
    }
}

impl ExportColumn {
    /// What stands above the column.
    pub fn heading(&self) -> &str {
        self.title.as_deref().unwrap_or(&self.field)
    }
}

impl ExportSettings {
    /// What does not fit, one sentence each: too much of anything, and fields that `schema`, the JSON Schema of the
    /// result's data, does not have. Without a schema any field may be named.
    pub fn problems(&self, schema: Option<&Value>) -> Vec<String> {
        let mut problems = Vec::new();
        if self.columns.len() > MAX_COLUMNS {
            problems.push(format!(
                "`export.columns` has {} columns, at most {MAX_COLUMNS} are possible",
                self.columns.len()
            ));
            return problems;
        }
        if let Some(problem) = self.rows_problem(schema) {
            problems.push(format!("`export.rows`: {problem}"));
        }
        for (index, column) in self.columns.iter().enumerate() {
            if let Some(problem) = self.column_problem(column, schema) {
                problems.push(format!("`export.columns[{index}]`: {problem}"));
            }
        }
        problems
    }

    fn rows_problem(&self, schema: Option<&Value>) -> Option<String> {
        let ExportRows::Items(name) = &self.rows else { return None };
        if !fits(name) {
            return Some(format!("the name must have 1 to {MAX_NAME} characters"));
        }
        let fields = schema?.get("properties")?.as_object()?;
        let Some(field) = fields.get(name) else {
            let known = fields.iter().filter(|(_, field)| is_list(field)).map(|(name, _)| name.as_str());
            return Some(unknown(name, std::iter::once(RECORD).chain(known)));
        };
        // A field that is described elsewhere in the schema may be anything.
        let is_open = field.get("$ref").is_some() || field.get("type").is_none();
        (!is_open && !is_list(field)).then(|| format!("`{name}` is not a list"))
    }

    fn column_problem(&self, column: &ExportColumn, schema: Option<&Value>) -> Option<String> {
        if !fits(&column.field) || column.title.as_ref().is_some_and(|title| !fits(title)) {
            return Some(format!("`field` and `title` must have 1 to {MAX_NAME} characters"));
        }
        if column.field.starts_with('@') {
            let is_known = DOCUMENT_COLUMNS.contains(&column.field.as_str());
            return (!is_known).then(|| unknown(&column.field, DOCUMENT_COLUMNS));
        }
        let mut place = schema?;
        for (depth, name) in column.field.split('.').enumerate() {
            let fields = place.get("properties")?.as_object()?;
            let Some(field) = fields.get(name) else {
                return Some(unknown(name, fields.keys().map(String::as_str)));
            };
            place = match field.get("items") {
                Some(items) if depth == 0 && self.rows == ExportRows::Items(name.to_owned()) => items,
                Some(_) if column.field.len() > name.len() && depth == 0 => {
                    return Some(format!(
                        "`{name}` is a list; a row for each of its items needs `rows` to be `{name}`"
                    ));
                }
                _ => field,
            };
        }
        None
    }
}

fn fits(text: &str) -> bool {
    (1..=MAX_NAME).contains(&text.chars().count())
}

fn is_list(field: &Value) -> bool {
    match field.get("type") {
        Some(Value::String(word)) => word == "array",
        Some(Value::Array(words)) => words.iter().any(|word| word == "array"),
        _ => false,
    }
}

fn unknown<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<String> = known.into_iter().map(|name| format!("`{name}`")).collect();
    format!("there is no field `{name}`; known are {}", known.join(", "))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn problems(export: Value) -> String {
        let schema = json!({"type": "object", "properties": {
            "total": {"type": "number"},
            "supplier": {"type": "object", "properties": {"name": {"type": "string"}}},
            "lineItems": {"type": "array", "items": {"properties": {"quantity": {"type": "number"}}}},
        }});
        let settings: ExportSettings = serde_json::from_value(export).unwrap();
        settings.problems(Some(&schema)).join("; ")
    }

    #[test]
    fn fields_inside_of_fields_and_items_may_be_columns() {
        let export = json!({"rows": "lineItems", "columns": [
            {"field": "@fileName"}, {"field": "total"}, {"field": "supplier.name"}, {"field": "lineItems.quantity"},
        ]});
        assert_eq!(problems(export), "");
        assert_eq!(problems(json!({"columns": [{"field": "lineItems"}]})), "");
    }

    #[test]
    fn what_the_schema_does_not_have_is_told_with_what_it_has() {
        assert_eq!(
            problems(json!({"columns": [{"field": "sum"}]})),
            "`export.columns[0]`: there is no field `sum`; known are `total`, `supplier`, `lineItems`"
        );
        assert_eq!(
            problems(json!({"rows": "lines"})),
            "`export.rows`: there is no field `lines`; known are `record`, `lineItems`"
        );
        assert_eq!(problems(json!({"rows": "total"})), "`export.rows`: `total` is not a list");
        assert!(problems(json!({"columns": [{"field": "@color"}]})).contains("known are `@id`"));
        assert!(problems(json!({"columns": [{"field": "supplier.age"}]})).contains("no field `age`"));
    }

    #[test]
    fn a_column_inside_of_a_list_needs_a_row_for_each_item() {
        let told = problems(json!({"columns": [{"field": "lineItems.quantity"}]}));
        assert!(told.contains("`rows` to be `lineItems`"), "{told}");
    }
}
