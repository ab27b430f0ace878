//! What an extractor answers.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::page::Rect;

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
    /// `text_layer`, `ocr` or `computed`.
    #[serde(default)]
    pub source: Option<String>,
    /// The text as it was read, before normalisation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
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
