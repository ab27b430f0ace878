//! Every code as a row: of the field `barcodes`, and of a table for each page.

use ocriva_plugin_sdk::output::{Cell, Field, Table};
use ocriva_plugin_sdk::reading::Span;
use ocriva_plugin_sdk::schema::Spec;
use ocriva_plugin_sdk::serde_json::{Map, Value, json};

use crate::{Found, TEXT};

/// Headings of the tables.
const COLUMNS: [&str; 3] = ["format", "text", "kind"];

/// All codes as a list, its place that of the codes of the first page. Where the property names its columns, those are
/// given: of the row, or of what the code says.
pub fn field(codes: &[Found], spec: &Spec) -> Field {
    let Some(first) = codes.first() else { return Field::missing() };
    let on_page = codes.iter().filter(|found| found.page == first.page);
    let bbox = on_page.map(|found| found.code.bbox).reduce(|one, other| one.union(&other));
    let confidence = codes.iter().map(|found| found.code.confidence).fold(1.0, f32::min);
    let span = first.code.span(first.page);
    let place = Span { bbox: bbox.unwrap_or(span.bbox), confidence, ..span };
    let rows: Vec<Value> = codes.iter().map(|found| columns(row(found), spec)).collect();
    Field { text: None, ..Field::read(rows, TEXT, &place) }
}

/// The codes of each page as a table.
pub fn tables(codes: &[Found]) -> Vec<Table> {
    codes.chunk_by(|one, other| one.page == other.page).filter_map(table).collect()
}

fn table(codes: &[Found]) -> Option<Table> {
    let page = codes.first()?.page;
    let cell = |found: &Found, text: &str| Cell {
        text: text.to_owned(),
        bbox: Some(found.code.bbox),
        confidence: found.code.confidence,
    };
    let rows = codes.iter().map(|found| {
        let kind = found.payload.as_ref().map_or("", |payload| payload.kind);
        vec![cell(found, &found.code.format), cell(found, &found.code.text), cell(found, kind)]
    });
    Some(Table {
        name: None,
        page,
        bbox: codes.iter().map(|found| found.code.bbox).reduce(|one, other| one.union(&other)),
        columns: COLUMNS.map(str::to_owned).to_vec(),
        rows: rows.collect(),
    })
}

/// A code with all that is known of it.
fn row(Found { page, code, payload }: &Found) -> Map<String, Value> {
    let mut row = Map::new();
    row.insert("page".to_owned(), json!(page));
    row.insert("format".to_owned(), json!(code.format));
    row.insert("text".to_owned(), json!(code.text));
    if !code.bytes.is_empty() {
        let hexadecimal: String = code.bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        row.insert("bytes".to_owned(), json!(hexadecimal));
    }
    if !code.symbology.is_empty() {
        row.insert("symbology".to_owned(), json!(code.symbology));
    }
    row.insert("box".to_owned(), json!(<[f32; 4]>::from(code.bbox).map(hundredths)));
    row.insert("confidence".to_owned(), json!(hundredths(code.confidence)));
    row.insert("kind".to_owned(), json!(payload.as_ref().map(|payload| payload.kind)));
    if let Some(payload) = payload.as_ref().filter(|payload| !payload.entries.is_empty()) {
        let content = payload.entries.iter().map(|entry| (entry.name.to_owned(), entry.value.clone()));
        row.insert("content".to_owned(), Value::Object(content.collect()));
    }
    row
}

/// The columns that a property names; the whole row where it names none.
fn columns(row: Map<String, Value>, spec: &Spec) -> Value {
    if spec.children.is_empty() {
        return Value::Object(row);
    }
    let value = |name: &str| {
        let own = row.get(name).or_else(|| row.get("content")?.get(name));
        own.cloned().unwrap_or_default()
    };
    Value::Object(spec.children.iter().map(|child| (child.name.clone(), value(&child.name))).collect())
}

fn hundredths(number: f32) -> f64 {
    (f64::from(number) * 100.0).round() / 100.0
}
