//! What a document is expected to give, and how that differs from what it gave.

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use ocriva::domain::extraction::{Extraction, Field, PageRecord, Table};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Numbers that are nearer than this are the same: what binary fractions add.
const SAME_NUMBER: f64 = 1e-6;

/// The content of a `NAME.expected.json`. What it leaves out is not looked at.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Expectation {
    /// The day that the plugin is told, `YYYY-MM-DD`; today unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub today: Option<String>,
    /// Code of the failure that is expected instead of a result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// All values by field, as in the result's `data`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Map<String, Value>>,
    /// More about some of the fields.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub fields: Map<String, Value>,
    /// All tables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tables: Option<Vec<ExpectedTable>>,
    /// The lines of each page that was looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pages: Option<Vec<Vec<String>>>,
    /// Codes of all warnings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warnings: Option<Vec<String>>,
}

/// A table by its texts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExpectedTable {
    /// Its name, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// Its headings.
    columns: Vec<String>,
    /// Its cells.
    rows: Vec<Vec<String>>,
}

/// A place where two results differ.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// Where, such as `lineItems[2].price`.
    pub place: String,
    /// What is expected there, as JSON; `None` for nothing.
    pub expected: Option<String>,
    /// What is there.
    pub found: Option<String>,
    /// Where what was found stands in the document.
    pub origin: Option<String>,
}

/// What became of a document.
pub enum Ending<'a> {
    /// A result.
    Completed(&'a Extraction),
    /// A failure of this code.
    Failed(&'a str),
}

impl Expectation {
    /// Reads a file; `None` where there is none.
    ///
    /// # Errors
    /// A file that is none of these.
    pub fn read(file: &Path) -> anyhow::Result<Option<Self>> {
        let text = match fs::read_to_string(file) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| format!("`{}` cannot be read", file.display())),
        };
        let read = serde_json::from_str(&text);
        read.map(Some).with_context(|| format!("`{}` is no expected result", file.display()))
    }

    /// What the document gave, to be expected from now on. The fields of which `before` says more, and the pages, keep
    /// being told of.
    pub fn of(ending: &Ending<'_>, today: &str, before: Option<&Self>) -> Self {
        let today = before.and_then(|before| before.today.clone()).or_else(|| Some(today.to_owned()));
        let extraction = match ending {
            Ending::Completed(extraction) => extraction,
            Ending::Failed(code) => {
                return Self { today, error: Some((*code).to_owned()), ..Self::default() };
            }
        };
        let known = before.map(|before| &before.fields).into_iter().flatten();
        let fields = known.filter_map(|(name, details)| {
            let found = extraction.fields.get(name)?;
            let keys = details.as_object()?.keys();
            let kept = keys.map(|key| (key.clone(), detail(found, key).unwrap_or_default()));
            Some((name.clone(), Value::Object(kept.collect())))
        });
        let tables: Vec<ExpectedTable> = extraction.tables.iter().map(ExpectedTable::from).collect();
        Self {
            today,
            error: None,
            data: Some(extraction.data.clone()),
            fields: fields.collect(),
            tables: Some(tables).filter(|tables| !tables.is_empty()),
            pages: before.and_then(|before| before.pages.as_ref()).map(|_| lines(extraction)),
            warnings: Some(codes(extraction)),
        }
    }

    /// Writes the file.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn write(&self, file: &Path) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(self)? + "\n";
        fs::write(file, text).with_context(|| format!("`{}` cannot be written", file.display()))
    }

    /// Where a document's result differs from this.
    pub fn differences(&self, ending: &Ending<'_>) -> Vec<Difference> {
        let (extraction, error) = match ending {
            Ending::Completed(extraction) => (*extraction, None),
            Ending::Failed(code) => (&Extraction::default(), Some(*code)),
        };
        let mut differences = Vec::new();
        let code = |code: &str| Value::from(code);
        compare(
            "error",
            self.error.as_deref().map(code).as_ref(),
            error.map(code).as_ref(),
            &mut differences,
        );
        if error.is_some() || self.error.is_some() {
            return differences;
        }
        if let Some(data) = &self.data {
            let names = data.keys().chain(extraction.data.keys().filter(|name| !data.contains_key(*name)));
            for name in names {
                let start = differences.len();
                compare(name, data.get(name), extraction.data.get(name), &mut differences);
                let origin = extraction.fields.get(name).and_then(origin);
                for difference in differences.iter_mut().skip(start) {
                    difference.origin.clone_from(&origin);
                }
            }
        }
        for (name, details) in &self.fields {
            let found = extraction.fields.get(name);
            for (key, expected) in details.as_object().into_iter().flatten() {
                let found = found.and_then(|found| detail(found, key));
                compare(&format!("{name} ({key})"), Some(expected), found.as_ref(), &mut differences);
            }
        }
        if let Some(tables) = &self.tables {
            let found: Vec<ExpectedTable> = extraction.tables.iter().map(ExpectedTable::from).collect();
            compare_as_json("tables", tables, &found, &mut differences);
        }
        if let Some(pages) = &self.pages {
            compare_as_json("pages", pages, &lines(extraction), &mut differences);
        }
        if let Some(warnings) = &self.warnings {
            compare_as_json("warnings", warnings, &codes(extraction), &mut differences);
        }
        differences
    }
}

impl From<&Table> for ExpectedTable {
    fn from(table: &Table) -> Self {
        let texts =
            |row: &Vec<ocriva::domain::extraction::Cell>| row.iter().map(|cell| cell.text.clone()).collect();
        Self {
            name: table.name.clone(),
            columns: table.columns.clone(),
            rows: table.rows.iter().map(texts).collect(),
        }
    }
}

fn codes(extraction: &Extraction) -> Vec<String> {
    extraction.warnings.iter().map(|warning| warning.code.clone()).collect()
}

fn lines(extraction: &Extraction) -> Vec<Vec<String>> {
    let texts = |page: &PageRecord| page.lines.iter().map(|line| line.text.clone()).collect();
    extraction.pages.iter().map(texts).collect()
}

/// What the result says of a field beside its value: `page`, `text`, `source`, `box` or `confidence`.
fn detail(field: &Field, key: &str) -> Option<Value> {
    serde_json::to_value(field).ok()?.get(key).filter(|value| !value.is_null()).cloned()
}

/// Where a value stands: ``page 1, read `12,50`, confidence 0.82``.
fn origin(field: &Field) -> Option<String> {
    let page = field.page.map(|page| format!("page {page}"));
    let text = field.text.as_ref().map(|text| format!("read `{text}`"));
    let confidence = (field.confidence > 0.0).then(|| format!("confidence {:.2}", field.confidence));
    let parts: Vec<String> = [page, text, confidence].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn compare_as_json<T: Serialize>(place: &str, expected: &T, found: &T, differences: &mut Vec<Difference>) {
    let json = |value: &T| serde_json::to_value(value).unwrap_or_default();
    compare(place, Some(&json(expected)), Some(&json(found)), differences);
}

/// Adds the places where two values differ, as deep inside as they can be told.
fn compare(place: &str, expected: Option<&Value>, found: Option<&Value>, differences: &mut Vec<Difference>) {
    match (expected, found) {
        (Some(Value::Object(expected)), Some(Value::Object(found))) => {
            for (name, value) in expected {
                compare(&format!("{place}.{name}"), Some(value), found.get(name), differences);
            }
            for (name, value) in found.iter().filter(|(name, _)| !expected.contains_key(*name)) {
                compare(&format!("{place}.{name}"), None, Some(value), differences);
            }
        }
        (Some(Value::Array(expected)), Some(Value::Array(found))) => {
            for index in 0..expected.len().max(found.len()) {
                compare(&format!("{place}[{index}]"), expected.get(index), found.get(index), differences);
            }
        }
        (Some(expected), Some(found)) if is_same(expected, found) => {}
        (None, None) => {}
        (expected, found) => differences.push(Difference {
            place: place.to_owned(),
            expected: expected.map(Value::to_string),
            found: found.map(Value::to_string),
            origin: None,
        }),
    }
}

fn is_same(expected: &Value, found: &Value) -> bool {
    match (expected.as_f64(), found.as_f64()) {
        (Some(expected), Some(found)) => (expected - found).abs() <= SAME_NUMBER * expected.abs().max(1.0),
        _ => expected == found,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn extraction(data: Value) -> Extraction {
        let data = data.as_object().expect("data are an object").clone();
        let fields = data.iter().map(|(name, value)| {
            let field = Field {
                value: value.clone(),
                confidence: 0.8,
                page: Some(1),
                bbox: None,
                source: Some("ocr".to_owned()),
                text: Some(value.to_string()),
            };
            (name.clone(), field)
        });
        Extraction { fields: fields.collect(), data: data.clone(), ..Extraction::default() }
    }

    fn places(expected: Value, found: Value) -> Vec<String> {
        let expected: Expectation = serde_json::from_value(expected).expect("it is an expectation");
        let differences = expected.differences(&Ending::Completed(&extraction(found)));
        differences.into_iter().map(|difference| difference.place).collect()
    }

    #[test]
    fn a_difference_is_told_where_it_is() {
        let expected = json!({"data": {
            "date": "2026-01-02", "total": 0.3, "gone": 1,
            "items": [{"name": "Bolt", "price": 1}, {"name": "Nut", "price": 2}],
        }});
        let found = json!({
            "date": "2026-01-02", "total": 0.1 + 0.2, "more": true,
            "items": [{"name": "Bolt", "price": 1.0}, {"name": "Nut", "price": 3}, {"name": "Pin"}],
        });
        assert_eq!(places(expected, found), ["gone", "items[1].price", "items[2]", "more"]);
    }

    #[test]
    fn what_is_left_out_is_not_looked_at() {
        assert!(places(json!({}), json!({"total": 1})).is_empty());
        assert_eq!(
            places(json!({"fields": {"total": {"page": 2, "source": "ocr"}}}), json!({"total": 1})),
            ["total (page)"]
        );
    }

    #[test]
    fn a_failure_is_compared_by_its_code() {
        let expected: Expectation = serde_json::from_value(json!({"error": "no_total"})).expect("it is one");
        assert!(expected.differences(&Ending::Failed("no_total")).is_empty());
        assert_eq!(
            expected.differences(&Ending::Failed("plugin.panic"))[0].found.as_deref(),
            Some("\"plugin.panic\"")
        );
        assert_eq!(expected.differences(&Ending::Completed(&Extraction::default())).len(), 1);
    }

    #[test]
    fn what_is_blessed_is_what_is_found_and_keeps_the_day_and_the_details() {
        let before: Expectation =
            serde_json::from_value(json!({"today": "2020-02-02", "fields": {"total": {"page": 7}}}))
                .expect("it is one");
        let found = extraction(json!({"total": 5}));
        let ending = Ending::Completed(&found);
        let blessed = Expectation::of(&ending, "2026-01-01", Some(&before));
        assert_eq!(blessed.today.as_deref(), Some("2020-02-02"));
        assert_eq!(blessed.fields["total"], json!({"page": 1}));
        assert!(blessed.differences(&ending).is_empty());
    }
}
