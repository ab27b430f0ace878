//! What an extractor answers.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::page::Rect;
use crate::reading::Span;

/// Source of a value that was calculated from others.
const COMPUTED: &str = "computed";

/// A named value with its provenance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Field {
    /// The value, normalised: dates `YYYY-MM-DD`, amounts as numbers, currencies as ISO 4217 codes; null where it
    /// was not found; an array of objects for line items.
    pub value: Value,
    /// From 0 (not found) to 1 (certain).
    pub confidence: f32,
    /// Page number from 1.
    #[serde(default)]
    pub page: Option<u32>,
    /// Where on the page, in its unit.
    #[serde(default, rename = "box")]
    pub bbox: Option<Rect>,
    /// `text_layer`, `ocr`, `barcode` or `computed`.
    #[serde(default)]
    pub source: Option<String>,
    /// The text as it was read, before normalisation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

impl Field {
    /// A value read from the document. `confidence` is how sure the extractor is of having the right text (0 to 1);
    /// how well the text was recognised is multiplied in.
    pub fn read(value: impl Into<Value>, confidence: f32, span: &Span) -> Self {
        // A word recognised at 0.5 is seldom all wrong: recognition takes away at most half.
        let recognition = 0.5 + 0.5 * span.confidence.clamp(0.0, 1.0);
        Self {
            value: value.into(),
            confidence: hundredths(confidence * recognition),
            page: Some(span.page),
            bbox: Some(span.bbox),
            source: Some(span.source.clone()),
            text: Some(span.text.clone()),
        }
    }

    /// A value calculated from others.
    pub fn computed(value: impl Into<Value>, confidence: f32) -> Self {
        Self {
            value: value.into(),
            confidence: hundredths(confidence),
            source: Some(COMPUTED.to_owned()),
            ..Self::missing()
        }
    }

    /// A value that is not in the document.
    pub fn missing() -> Self {
        Self { value: Value::Null, confidence: 0.0, page: None, bbox: None, source: None, text: None }
    }

    /// Whether the document has no such value.
    pub fn is_missing(&self) -> bool {
        self.value.is_null()
    }

    /// The value as a number, if it is one.
    pub fn number(&self) -> Option<f64> {
        self.value.as_f64()
    }

    /// Makes the confidence higher (up to 0.99) or lower by a check that the value passed or failed.
    pub fn adjust(&mut self, change: f32) {
        if !self.is_missing() {
            self.confidence = hundredths((self.confidence + change).clamp(0.05, 0.99));
        }
    }
}

fn hundredths(confidence: f32) -> f32 {
    (confidence.clamp(0.0, 1.0) * 100.0).round() / 100.0
}

/// A table cell.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Cell {
    /// Its text, empty for an empty cell.
    pub text: String,
    /// Its place.
    #[serde(default, rename = "box")]
    pub bbox: Option<Rect>,
    /// From 0 to 1.
    #[serde(default)]
    pub confidence: f32,
}

/// A table.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Table {
    /// The field it fills, if any.
    #[serde(default)]
    pub name: Option<String>,
    /// Page number from 1.
    pub page: u32,
    /// Its place.
    #[serde(default, rename = "box")]
    pub bbox: Option<Rect>,
    /// Column headings as read.
    #[serde(default)]
    pub columns: Vec<String>,
    /// Rows from top to bottom, one cell per column.
    pub rows: Vec<Vec<Cell>>,
}

/// Something a reader of the result should know.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Warning {
    /// A stable word, such as `total_mismatch`.
    pub code: String,
    /// A sentence for people.
    pub message: String,
    /// The field it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The page it is about, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<u32>,
}

impl Warning {
    /// A warning about one field.
    pub fn about(field: &str, code: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into(), field: Some(field.to_owned()), page: None }
    }
}

/// An extractor's whole answer.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Output {
    /// The fields by name, in the order of the answer.
    #[serde(default)]
    pub fields: IndexMap<String, Field>,
    /// Tables of the document.
    #[serde(default)]
    pub tables: Vec<Table>,
    /// Warnings.
    #[serde(default)]
    pub warnings: Vec<Warning>,
}

impl Output {
    /// Adds a field, behind those that are there.
    #[must_use]
    pub fn with(mut self, name: &str, field: Field) -> Self {
        self.fields.insert(name.to_owned(), field);
        self
    }

    /// Adds a warning.
    #[must_use]
    pub fn with_warning(mut self, warning: Warning) -> Self {
        self.warnings.push(warning);
        self
    }

    /// Adds a table.
    #[must_use]
    pub fn with_table(mut self, table: Table) -> Self {
        self.tables.push(table);
        self
    }
}
