//! What comes out of a document: the contract's Result object.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::geometry::{Rect, Turn};
use super::page::{TextSource, Unit};

/// A named value with its provenance. A field that was not found has `value` null, confidence 0 and no place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Field {
    /// The value, normalised: dates `YYYY-MM-DD`, amounts as numbers, currencies as ISO 4217 codes. An array of
    /// objects for tables such as line items.
    pub value: Value,
    /// From 0 (a guess, or not found) to 1 (certain).
    pub confidence: f32,
    /// Page number from 1.
    #[serde(default)]
    pub page: Option<u32>,
    /// `[x0, y0, x1, y1]` in the page's unit, origin at the top left of the upright page.
    #[serde(default, rename = "box")]
    #[schema(value_type = Option<[f32; 4]>)]
    pub bbox: Option<Rect>,
    /// Where the value comes from: `text_layer`, `ocr`, `barcode`, `computed`, `xml` for what an electronic invoice states,
    /// or `model` for what only a language model says.
    #[serde(default)]
    pub source: Option<String>,
    /// The text on the page as it was read, before normalisation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub text: Option<String>,
}

/// A cell of a table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Cell {
    /// The cell's text; empty for an empty cell.
    pub text: String,
    /// `[x0, y0, x1, y1]` in the page's unit; `None` for an empty cell.
    #[serde(default, rename = "box")]
    #[schema(value_type = Option<[f32; 4]>)]
    pub bbox: Option<Rect>,
    /// From 0 to 1.
    #[serde(default)]
    pub confidence: f32,
}

/// A table as it stands on a page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Table {
    /// Name, where the table fills a field of the template.
    #[serde(default)]
    pub name: Option<String>,
    /// Page number from 1.
    pub page: u32,
    /// `[x0, y0, x1, y1]` in the page's unit.
    #[serde(default, rename = "box")]
    #[schema(value_type = Option<[f32; 4]>)]
    pub bbox: Option<Rect>,
    /// Column headings, as read; empty where there are none.
    #[serde(default)]
    pub columns: Vec<String>,
    /// Rows from top to bottom, each with one cell per column.
    pub rows: Vec<Vec<Cell>>,
}

/// A word of a page, as in the result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct WordRecord {
    /// The word.
    pub text: String,
    /// `[x0, y0, x1, y1]` in the page's unit.
    #[serde(rename = "box")]
    #[schema(value_type = [f32; 4])]
    pub bbox: Rect,
    /// From 0 to 1.
    pub confidence: f32,
}

/// A line of a page, as in the result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct LineRecord {
    /// The line's words, joined by one space.
    pub text: String,
    /// `[x0, y0, x1, y1]` in the page's unit.
    #[serde(rename = "box")]
    #[schema(value_type = [f32; 4])]
    pub bbox: Rect,
    /// From 0 to 1: the mean over the characters of its words.
    pub confidence: f32,
    /// Index of the block the line stands in, from 0.
    pub block: u32,
    /// Its words from left to right.
    pub words: Vec<WordRecord>,
}

/// A page that was looked at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PageRecord {
    /// Page number from 1.
    pub page: u32,
    /// Width of the upright page in `unit`.
    pub width: f32,
    /// Height of the upright page in `unit`.
    pub height: f32,
    /// `px` for images, `pt` for PDF pages.
    pub unit: Unit,
    /// Degrees clockwise by which the page was turned to be upright: 0, 90, 180 or 270.
    #[schema(value_type = u16)]
    pub rotation: Turn,
    /// Degrees of skew that were corrected.
    pub skew: f32,
    /// `text_layer` or `ocr`.
    pub source: TextSource,
    /// Lines in reading order.
    pub lines: Vec<LineRecord>,
}

/// Something a reader of the result should know.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Warning {
    /// A stable word, such as `total_mismatch` or `value_rejected`.
    pub code: String,
    /// A sentence for people.
    pub message: String,
    /// The field it is about, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub field: Option<String>,
    /// The page it is about, from 1, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub page: Option<u32>,
}

/// The contract's Result object.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Extraction {
    /// Every field of the template (or of the extractor), found or not.
    pub fields: IndexMap<String, Field>,
    /// The fields' values alone; validates against the template's schema, absent values being null.
    #[schema(value_type = Object)]
    pub data: Map<String, Value>,
    /// Tables of the document, as far as the extractor reads them.
    pub tables: Vec<Table>,
    /// Plain text of all pages that were read, pages separated by a form feed.
    pub text: String,
    /// The pages that were read, with lines and words.
    pub pages: Vec<PageRecord>,
    /// What a reader of the result should know.
    pub warnings: Vec<Warning>,
}

/// What an extractor answers: the JSON document a plugin's `extract` returns.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ExtractorOutput {
    /// The fields by name, in the order of the answer.
    #[serde(default)]
    pub fields: IndexMap<String, Field>,
    /// Tables.
    #[serde(default)]
    pub tables: Vec<Table>,
    /// What a reader of the result should know.
    #[serde(default)]
    pub warnings: Vec<Warning>,
}
