//! Lists of objects: a table of the document whose headings are the properties of the objects.

use ocriva_plugin_sdk::business::BusinessDocument;
use ocriva_plugin_sdk::business::facts::{Fact, Facts};
use ocriva_plugin_sdk::business::items::{ItemColumn, heading_words};
use ocriva_plugin_sdk::business::totals::number;
use ocriva_plugin_sdk::labels::Lexicon;
use ocriva_plugin_sdk::output::{Cell, Field, Table};
use ocriva_plugin_sdk::reading::Span;
use ocriva_plugin_sdk::schema::{Kind, Spec};
use ocriva_plugin_sdk::serde_json::{Map, Value};
use ocriva_plugin_sdk::table::{BodyRow, RawTable, Search};
use ocriva_plugin_sdk::values::{amounts, dates};

/// A row of so many words across columns is a sentence.
const SENTENCE_WORDS: usize = 5;

/// Reads the table of a list property: the value, and the table as it stands.
pub fn read(document: &BusinessDocument, spec: &Spec) -> (Field, Option<Table>) {
    let columns = &spec.children;
    let own = columns
        .iter()
        .enumerate()
        .flat_map(|(index, column)| column.labels.iter().map(move |label| (index, label.as_str())));
    let known = columns.iter().enumerate().filter(|(_, column)| !column.has_own_labels).flat_map(
        |(index, column)| {
            let meaning = item_column(column);
            meaning.into_iter().flat_map(move |meaning| heading_words(meaning).map(move |word| (index, word)))
        },
    );
    let lexicon = Lexicon::new(own.chain(known));
    let wanted = columns.len().min(2);
    let search = Search {
        lexicon: &lexicon,
        is_heading: &|found: &[usize]| {
            let mut distinct = found.to_vec();
            distinct.sort_unstable();
            distinct.dedup();
            distinct.len() >= wanted && distinct.len() * 5 >= columns.len() * 2
        },
        is_end: &|row| document.ends_items(row),
        is_numeric: &|column| {
            columns.get(column).is_some_and(|column| matches!(column.kind, Kind::Number | Kind::Integer))
        },
        convention: document.convention,
    };
    let mut tables = search.run(&document.reading);
    // The same table on several pages has the same columns; of different ones the fullest is meant.
    let Some(main) = tables.iter().max_by_key(|table| score(table)).map(concepts) else {
        return (Field::missing(), None);
    };
    tables.retain(|table| concepts(table) == main && !table.rows.is_empty());
    let rows: Vec<Row> = tables.iter().flat_map(|table| rows_of(document, columns, table)).collect();
    let Some(first) = rows.iter().flat_map(|row| &row.spans).next().cloned() else {
        return (Field::missing(), None);
    };
    (field(columns, &rows, &first), Some(table(&spec.name, columns, &rows, &first)))
}

/// The meaning of a column's name in tables of goods.
fn item_column(column: &Spec) -> Option<ItemColumn> {
    let name = column.words.as_str();
    let found = match name {
        "description" | "name" | "item" | "product" | "title" | "product name" | "item name" | "service"
        | "article" => ItemColumn::Description,
        "quantity" | "qty" | "count" | "units" | "hours" => ItemColumn::Quantity,
        "unit" | "uom" | "unit of measure" => ItemColumn::Unit,
        "unit price" | "price" | "rate" | "price per unit" | "unit cost" | "cost" => ItemColumn::UnitPrice,
        "amount" | "total" | "line total" | "total price" | "total amount" | "net amount" | "subtotal"
        | "value" => ItemColumn::Amount,
        "code" | "sku" | "item code" | "product code" | "article number" | "item number" => ItemColumn::Code,
        "tax rate" | "vat rate" | "vat" | "tax" | "tax code" => ItemColumn::TaxRate,
        "tax amount" | "vat amount" => ItemColumn::TaxAmount,
        "discount" => ItemColumn::Discount,
        "position" | "pos" | "line number" | "no" => ItemColumn::Position,
        "date" | "service date" => ItemColumn::Date,
        _ => return None,
    };
    Some(found)
}

fn concepts(table: &RawTable<usize>) -> Vec<usize> {
    table.columns.iter().filter_map(|column| column.concept).collect()
}

fn score(table: &RawTable<usize>) -> usize {
    distinct(table) * 1000 + table.rows.len().min(500)
}

/// Number of different columns that were found.
fn distinct(table: &RawTable<usize>) -> usize {
    let mut found = concepts(table);
    found.sort_unstable();
    found.dedup();
    found.len()
}

struct Row {
    values: Vec<(Value, Option<Span>)>,
    spans: Vec<Span>,
}

/// The rows of a table: each that has a value in enough columns starts an object, the others go on with the texts of
/// the one above.
fn rows_of(document: &BusinessDocument, columns: &[Spec], table: &RawTable<usize>) -> Vec<Row> {
    let headed = distinct(table);
    let mut rows: Vec<Row> = Vec::new();
    for body in &table.rows {
        let cells: Vec<(usize, &Span)> = cells(table, body).collect();
        let mut filled: Vec<usize> = cells.iter().map(|(column, _)| *column).collect();
        filled.dedup();
        let has_number = cells.iter().any(|(column, span)| {
            is_numeric(columns, *column) && parse(document, columns, *column, &span.text).is_some()
        });
        let starts = filled.len() * 2 >= headed
            && (has_number
                || !columns.iter().any(|column| matches!(column.kind, Kind::Number | Kind::Integer))
                || filled.len() >= 2);
        if starts {
            let mut row =
                Row { values: columns.iter().map(|_| (Value::Null, None)).collect(), spans: Vec::new() };
            for (column, span) in cells {
                row.add(document, columns, column, span);
            }
            rows.push(row);
        } else if is_sentence(table, body) {
            // Text across the columns stands below the table.
            break;
        } else if let Some(row) = rows.last_mut().filter(|_| stays_in_columns(table, body)) {
            for (column, span) in cells
                .into_iter()
                .filter(|(column, _)| columns.get(*column).is_some_and(|column| column.kind == Kind::Text))
            {
                row.add(document, columns, column, span);
            }
        }
    }
    rows
}

/// Whether a row is a sentence: one piece of many words below several headings.
fn is_sentence(table: &RawTable<usize>, body: &BodyRow) -> bool {
    let [piece] = body.pieces.as_slice() else { return false };
    let covered = table.columns.iter().filter(|column| column.bbox.overlap_x(&piece.span.bbox) > 0.0).count();
    piece.span.text.split_whitespace().count() >= SENTENCE_WORDS && covered >= 2
}

/// Whether each piece of a row leaves the other columns free: a wrapped cell does, a sentence below the table does not.
fn stays_in_columns(table: &RawTable<usize>, body: &BodyRow) -> bool {
    body.pieces.iter().all(|piece| {
        let others = table.columns.iter().enumerate().filter(|(index, _)| *index != piece.column);
        others.into_iter().all(|(_, column)| column.bbox.overlap_x(&piece.span.bbox) <= 0.0)
    })
}

fn cells<'t>(table: &'t RawTable<usize>, body: &'t BodyRow) -> impl Iterator<Item = (usize, &'t Span)> {
    body.pieces.iter().filter_map(|piece| {
        let column = table.columns.get(piece.column)?;
        Some((column.concept?, &piece.span))
    })
}

fn is_numeric(columns: &[Spec], column: usize) -> bool {
    columns.get(column).is_some_and(|column| matches!(column.kind, Kind::Number | Kind::Integer))
}

impl Row {
    fn add(&mut self, document: &BusinessDocument, columns: &[Spec], column: usize, span: &Span) {
        let Some((value, place)) = self.values.get_mut(column) else { return };
        match value {
            Value::Null => {
                let Some(parsed) = parse(document, columns, column, &span.text) else { return };
                *value = parsed;
                *place = Some(span.clone());
            }
            Value::String(text) => {
                text.push(' ');
                text.push_str(&span.text);
                *place = place.take().and_then(|first| Span::join(&[first, span.clone()]));
            }
            _ => return,
        }
        self.spans.push(span.clone());
    }
}

fn parse(document: &BusinessDocument, columns: &[Spec], column: usize, text: &str) -> Option<Value> {
    match columns.get(column)?.kind {
        Kind::Number | Kind::Integer => {
            amounts::find(text, document.convention).first().map(|amount| number(amount.value))
        }
        Kind::Date => {
            dates::find(text, document.order).first().map(|found| Value::from(found.date.to_string()))
        }
        _ => (!text.trim().is_empty()).then(|| Value::from(text.trim())),
    }
}

fn field(columns: &[Spec], rows: &[Row], first: &Span) -> Field {
    let objects: Vec<Value> = rows.iter().map(|row| object(columns, row)).collect();
    let on_page = rows.iter().flat_map(|row| &row.spans).filter(|span| span.page == first.page);
    let bbox = on_page.map(|span| span.bbox).reduce(|left, right| left.union(&right)).unwrap_or(first.bbox);
    let cells: Vec<&(Value, Option<Span>)> = rows.iter().flat_map(|row| &row.values).collect();
    let filled =
        cells.iter().filter(|(value, _)| !value.is_null()).count() as f32 / cells.len().max(1) as f32;
    let whole = Span { bbox, ..first.clone() };
    Field { text: None, ..Field::read(Value::Array(objects), 0.5 + 0.4 * filled, &whole) }
}

fn object(columns: &[Spec], row: &Row) -> Value {
    let named =
        columns.iter().zip(&row.values).map(|(column, (value, _))| (column.name.clone(), value.clone()));
    Value::Object(named.collect::<Map<String, Value>>())
}

fn table(name: &str, columns: &[Spec], rows: &[Row], first: &Span) -> Table {
    let boxes =
        rows.iter().flat_map(|row| &row.spans).filter(|span| span.page == first.page).map(|span| span.bbox);
    let cell = |(value, span): &(Value, Option<Span>)| match span {
        Some(span) => Cell { text: span.text.clone(), bbox: Some(span.bbox), confidence: span.confidence },
        None => Cell { text: value.as_str().unwrap_or_default().to_owned(), ..Cell::default() },
    };
    Table {
        name: Some(name.to_owned()),
        page: first.page,
        bbox: boxes.reduce(|left, right| left.union(&right)),
        columns: columns.iter().map(|column| column.name.clone()).collect(),
        rows: rows.iter().map(|row| row.values.iter().map(cell).collect()).collect(),
    }
}

/// The lines of goods or services under the names that the schema gives them; missing where it asks for columns
/// that goods do not have.
pub fn items(document: &BusinessDocument, facts: &Facts, spec: &Spec) -> (Field, Option<Table>) {
    let keys: Vec<Option<&str>> =
        spec.children.iter().map(|column| item_column(column).and_then(item_key)).collect();
    let lines = facts.field(Fact::LineItems);
    let Some(objects) =
        lines.value.as_array().filter(|_| keys.iter().filter(|key| key.is_some()).count() * 2 >= keys.len())
    else {
        return (Field::missing(), None);
    };
    let renamed = objects.iter().map(|line| {
        let values = spec.children.iter().zip(&keys).map(|(column, key)| {
            let value = key.and_then(|key| line.get(key)).cloned().unwrap_or(Value::Null);
            (column.name.clone(), of_kind(column.kind, value))
        });
        Value::Object(values.collect())
    });
    let value = Value::Array(renamed.collect());
    (Field { value, ..lines.clone() }, document.items.table(&spec.name))
}

/// The name of a column in the lines of the SDK.
fn item_key(column: ItemColumn) -> Option<&'static str> {
    match column {
        ItemColumn::Code => Some("code"),
        ItemColumn::Description => Some("description"),
        ItemColumn::Quantity => Some("quantity"),
        ItemColumn::Unit => Some("unit"),
        ItemColumn::UnitPrice => Some("unitPrice"),
        ItemColumn::Amount => Some("amount"),
        ItemColumn::TaxRate => Some("taxRate"),
        ItemColumn::Position | ItemColumn::Discount | ItemColumn::TaxAmount | ItemColumn::Date => None,
    }
}

/// A value as the schema wants it: numbers as texts where it asks for texts.
fn of_kind(kind: Kind, value: Value) -> Value {
    match (kind, value) {
        (Kind::Text, Value::Number(number)) => Value::from(number.to_string()),
        (Kind::Integer, Value::Number(number)) => {
            number.as_f64().filter(|value| value.fract() == 0.0).map_or(Value::Null, self::number)
        }
        (_, value) => value,
    }
}
