//! The lines of goods or services: from a table with headings, or from the plain rows of a receipt.

use serde_json::{Map, Value};

use super::BusinessDocument;
use super::lexicon::Concept;
use super::totals::number;
use crate::labels::Lexicon;
use crate::output::{Cell, Field, Table};
use crate::page::Rect;
use crate::reading::Span;
use crate::table::{BodyRow, Column, RawTable, Search};
use crate::values::amounts::{self, Amount, rounded};

/// Sums may differ from the printed amount by the rounding of unit prices.
const ROUNDING: f64 = 0.0151;

/// What a column of the table holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ItemColumn {
    /// Number of the line.
    Position,
    /// Article number.
    Code,
    /// What it is.
    Description,
    /// How many.
    Quantity,
    /// Piece, hour, kilogram.
    Unit,
    /// Price of one.
    UnitPrice,
    /// Deduction on the line.
    Discount,
    /// Rate of tax, or its code.
    TaxRate,
    /// Tax of the line.
    TaxAmount,
    /// Price of all.
    Amount,
    /// A date of service.
    Date,
}

/// A line of goods or services.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Item {
    /// Article number, where it stands apart.
    pub code: Option<String>,
    /// What it is; wrapped lines are joined by spaces.
    pub description: Option<String>,
    /// How many.
    pub quantity: Option<f64>,
    /// Piece, hour, kilogram, as printed.
    pub unit: Option<String>,
    /// Price of one.
    pub unit_price: Option<f64>,
    /// Price of all.
    pub amount: Option<f64>,
    /// Rate of tax in percent.
    pub tax_rate: Option<f64>,
    spans: Vec<Span>,
}

/// All lines, and the rows of the document they take.
#[derive(Debug, Clone, Default)]
pub struct Items {
    /// From top to bottom, page after page.
    pub lines: Vec<Item>,
    headings: Vec<std::ops::Range<usize>>,
    rows: Vec<usize>,
    columns: Vec<String>,
}

impl Items {
    /// Reads the lines of a document.
    pub fn read(document: &BusinessDocument) -> Self {
        let lexicon = Lexicon::new(
            HEADINGS
                .iter()
                .flat_map(|(column, words)| words.split('|').map(move |word| (*column, word.trim()))),
        );
        let search = Search {
            lexicon: &lexicon,
            is_heading: &is_heading,
            is_end: &|row| ends_items(document, row),
            is_numeric: &|column| {
                !matches!(
                    column,
                    ItemColumn::Description | ItemColumn::Code | ItemColumn::Unit | ItemColumn::Date
                )
            },
            convention: document.convention,
        };
        let mut items = Self::default();
        for mut table in search.run(&document.reading) {
            settle_amounts(&mut table);
            items.headings.push(table.heading.clone());
            let lines = lines_of(document, &table);
            if lines.is_empty() {
                continue;
            }
            if items.columns.is_empty() {
                items.columns = table.columns.iter().map(|column| column.title.clone()).collect();
            }
            for (line, rows) in lines {
                items.rows.extend(rows);
                items.lines.push(line);
            }
        }
        if items.lines.is_empty() {
            for (line, rows) in lines_without_heading(document) {
                items.rows.extend(rows);
                items.lines.push(line);
            }
        }
        items.rows.sort_unstable();
        items
    }

    /// Sum of the amounts, when every line has one.
    pub fn sum(&self) -> Option<f64> {
        let sum = self.lines.iter().map(|line| line.amount).sum::<Option<f64>>()?;
        (!self.lines.is_empty()).then(|| rounded(sum))
    }

    /// Whether the lines were found under a heading and each has an amount, so that their sum means something.
    pub fn is_complete(&self) -> bool {
        !self.columns.is_empty() && self.sum().is_some()
    }

    /// Whether a row of the document is part of a line.
    pub fn contains_row(&self, row: usize) -> bool {
        self.rows.binary_search(&row).is_ok()
    }

    /// Whether a row of the document is part of a table's heading.
    pub fn is_heading_row(&self, row: usize) -> bool {
        self.headings.iter().any(|heading| heading.contains(&row))
    }

    /// The lines as a field: an array of objects.
    pub fn field(&self) -> Field {
        let spans: Vec<Span> = self.lines.iter().flat_map(|line| line.spans.iter().cloned()).collect();
        let Some(first) = spans.first() else { return Field::missing() };
        let on_first_page: Vec<&Span> = spans.iter().filter(|span| span.page == first.page).collect();
        let bbox = on_first_page
            .iter()
            .map(|span| span.bbox)
            .reduce(|left, right| left.union(&right))
            .unwrap_or(first.bbox);
        let checked = self.lines.iter().filter(|line| line.is_consistent()).count();
        let confidence = if self.columns.is_empty() { 0.55 } else { 0.7 }
            + 0.25 * checked as f32 / self.lines.len().max(1) as f32;
        let whole = Span {
            page: first.page,
            bbox,
            text: String::new(),
            confidence: spans.iter().map(|span| span.confidence).sum::<f32>() / spans.len() as f32,
            source: first.source.clone(),
        };
        let value: Vec<Value> = self.lines.iter().map(Item::to_json).collect();
        Field { text: None, ..Field::read(value, confidence, &whole) }
    }

    /// The lines as a table for `field`.
    pub fn table(&self, field: &str) -> Option<Table> {
        let spans: Vec<&Span> = self.lines.iter().flat_map(|line| &line.spans).collect();
        let page = spans.first()?.page;
        let boxes = spans.iter().filter(|span| span.page == page).map(|span| span.bbox);
        let columns = ["description", "quantity", "unit", "unitPrice", "amount", "taxRate"];
        let rows = self.lines.iter().map(|line| line.cells(&columns)).collect();
        Some(Table {
            name: Some(field.to_owned()),
            page,
            bbox: boxes.reduce(|left, right| left.union(&right)),
            columns: columns.iter().map(|column| (*column).to_owned()).collect(),
            rows,
        })
    }
}

impl Item {
    /// Whether quantity times price is the amount.
    pub fn is_consistent(&self) -> bool {
        match (self.quantity, self.unit_price, self.amount) {
            (Some(quantity), Some(price), Some(amount)) => (quantity * price - amount).abs() < ROUNDING,
            _ => false,
        }
    }

    fn to_json(&self) -> Value {
        let numbers = |value: Option<f64>| value.map_or(Value::Null, number);
        let text = |value: &Option<String>| value.clone().map_or(Value::Null, Value::from);
        let mut object = Map::new();
        object.insert("code".to_owned(), text(&self.code));
        object.insert("description".to_owned(), text(&self.description));
        object.insert("quantity".to_owned(), numbers(self.quantity));
        object.insert("unit".to_owned(), text(&self.unit));
        object.insert("unitPrice".to_owned(), numbers(self.unit_price));
        object.insert("amount".to_owned(), numbers(self.amount));
        object.insert("taxRate".to_owned(), numbers(self.tax_rate));
        Value::Object(object)
    }

    fn cells(&self, columns: &[&str]) -> Vec<Cell> {
        let object = self.to_json();
        let confidence = self.spans.iter().map(|span| span.confidence).fold(1.0, f32::min);
        let bbox: Option<Rect> =
            self.spans.iter().map(|span| span.bbox).reduce(|left, right| left.union(&right));
        let text = |column: &str| match object.get(column) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(value)) => value.to_string(),
            _ => String::new(),
        };
        columns.iter().map(|column| Cell { text: text(column), bbox, confidence }).collect()
    }

    fn take(&mut self, column: ItemColumn, span: &Span, amount: Option<Amount>) {
        let value = amount.as_ref().map(|amount| amount.value);
        let text = || Some(span.text.clone());
        match column {
            ItemColumn::Code => self.code = self.code.take().or_else(text),
            ItemColumn::Description => append(&mut self.description, &span.text),
            ItemColumn::Quantity => {
                self.quantity = self.quantity.or(value);
                let unit = amount
                    .and_then(|amount| span.text.get(amount.range.end..).map(clean_unit))
                    .unwrap_or_else(|| clean_unit(&span.text));
                if !unit.is_empty() {
                    self.unit = self.unit.take().or(Some(unit));
                }
            }
            ItemColumn::Unit => self.unit = self.unit.take().or_else(text),
            ItemColumn::UnitPrice => self.unit_price = self.unit_price.or(value),
            ItemColumn::Amount => self.amount = value.or(self.amount),
            ItemColumn::TaxRate => {
                let rate =
                    amount.filter(|amount| (0.0..60.0).contains(&amount.value)).map(|amount| amount.value);
                self.tax_rate = self.tax_rate.or(rate);
            }
            ItemColumn::Position | ItemColumn::Discount | ItemColumn::TaxAmount | ItemColumn::Date => {}
        }
    }

    /// Moves an article number that was printed in place of the description, and fills what the others imply.
    fn finish(&mut self, continuation: &[String]) {
        let has_words = self.description.as_deref().is_some_and(has_words);
        if !has_words && continuation.iter().any(|text| self::has_words(text)) {
            self.code = self.code.take().or(self.description.take());
            self.description = None;
        }
        for text in continuation {
            append(&mut self.description, text);
        }
        if self.quantity.is_none() && self.unit_price.is_some() && self.unit_price == self.amount {
            self.quantity = Some(1.0);
        }
    }
}

fn append(description: &mut Option<String>, text: &str) {
    match description {
        Some(description) => {
            description.push(' ');
            description.push_str(text);
        }
        None => *description = Some(text.to_owned()),
    }
}

fn clean_unit(text: &str) -> String {
    let unit = text
        .trim_start_matches(|c: char| !c.is_alphanumeric())
        .trim_end_matches(|c: char| !c.is_alphanumeric() && c != ')');
    if matches!(unit, "x" | "X") || unit.len() > 14 || unit.chars().any(|c| c.is_ascii_digit()) {
        String::new()
    } else {
        unit.to_owned()
    }
}

fn has_words(text: &str) -> bool {
    text.split(|c: char| !c.is_alphabetic()).any(|word| word.chars().count() >= 3)
}

/// A heading of goods names at least what or how many, and a price.
fn is_heading(columns: &[ItemColumn]) -> bool {
    let has = |wanted: &[ItemColumn]| columns.iter().any(|column| wanted.contains(column));
    let goods = has(&[ItemColumn::Description, ItemColumn::Quantity, ItemColumn::Code, ItemColumn::Position]);
    let price = has(&[ItemColumn::Amount, ItemColumn::UnitPrice]);
    goods && price && has(&[ItemColumn::Description, ItemColumn::Quantity])
}

/// Whether a row starts the totals below the lines.
pub(super) fn ends_items(document: &BusinessDocument, row: usize) -> bool {
    let Some(segments) = document.reading.rows().get(row).map(|row| row.segments.clone()) else {
        return true;
    };
    let labels = segments.flat_map(|segment| document.labels.in_segment(segment));
    labels.into_iter().any(|label| {
        let is_total = matches!(
            label.concept,
            Concept::Subtotal
                | Concept::NetTotal
                | Concept::Total
                | Concept::GrandTotal
                | Concept::AmountDue
                | Concept::RoundedTotal
                | Concept::TaxSummary
                | Concept::NoTotal
                | Concept::Rounding
                | Concept::Change
        );
        let after = document
            .reading
            .segments()
            .get(label.segment)
            .and_then(|segment| segment.text.get(label.range.end..))
            .unwrap_or_default();
        let next = after.trim_start_matches([' ', ':', '.', '(', '@', '-', '*']).chars().next();
        let is_alone = label.ends_sharply
            || next.is_none_or(|c| c.is_ascii_digit() || "€$£¥₹".contains(c))
            || after.trim_start().starts_with("RM");
        let is_long = label.range.len() > 8;
        is_total && label.starts_segment && (is_alone || is_long)
    })
}

/// The lines of a table, each with the document's rows it takes.
fn lines_of(document: &BusinessDocument, table: &RawTable<ItemColumn>) -> Vec<(Item, Vec<usize>)> {
    let amount_column = table.columns.iter().rposition(|column| column.concept == Some(ItemColumn::Amount));
    let price_column = table.columns.iter().rposition(|column| column.concept == Some(ItemColumn::UnitPrice));
    // A heading that could not be read, right of the price, is that of the amount.
    let unread = || table.columns.iter().rposition(|column| column.concept.is_none());
    let amount_column =
        amount_column.or_else(|| unread().filter(|unread| price_column.is_some_and(|price| price < *unread)));
    let Some(anchor_column) = amount_column.or(price_column) else { return Vec::new() };
    let mut anchors: Vec<bool> =
        table.rows.iter().map(|row| has_number(document, row, anchor_column)).collect();
    let last_anchor = anchors.iter().rposition(|is_anchor| *is_anchor);
    let Some(last_anchor) = last_anchor else { return Vec::new() };
    let first_anchor = anchors.iter().position(|is_anchor| *is_anchor).unwrap_or(0);
    let has_description = |row: &BodyRow| {
        row.pieces.iter().any(|piece| {
            is_column(table, piece.column, ItemColumn::Description) && has_words(&piece.span.text)
        })
    };
    let bare_anchors = table
        .rows
        .iter()
        .zip(&anchors)
        .filter(|(row, is_anchor)| **is_anchor && !has_description(row))
        .count();
    // Receipts print the name above quantity and price, or below them.
    let names_stand_above = first_anchor > 0 && bare_anchors > 0;
    let mut lines: Vec<(Item, Vec<usize>, Vec<String>)> = Vec::new();
    let mut waiting: Vec<(String, usize, Span)> = Vec::new();
    anchors.resize(table.rows.len(), false);
    for (index, (row, is_anchor)) in table.rows.iter().zip(&anchors).enumerate() {
        if *is_anchor {
            let mut item = Item::default();
            let mut rows = vec![row.row];
            let mut names = Vec::new();
            for (text, name_row, span) in waiting.drain(..) {
                names.push(text);
                rows.push(name_row);
                item.spans.push(span);
            }
            fill(document, table, row, amount_column, &mut item);
            lines.push((item, rows, names));
            continue;
        }
        let text = description_of(table, row);
        let Some((text, span)) = text else { continue };
        match lines.last_mut() {
            _ if names_stand_above && index < last_anchor => waiting.push((text, row.row, span)),
            Some((item, rows, names)) if !names_stand_above && continues(document, table, rows, row) => {
                names.push(text);
                rows.push(row.row);
                item.spans.push(span);
            }
            _ => {}
        }
    }
    let finished = lines.into_iter().map(|(mut item, rows, names)| {
        item.finish(&names);
        (item, rows)
    });
    finished
        .filter(|(item, _)| item.description.is_some() || item.code.is_some() || item.quantity.is_some())
        .collect()
}

/// "Amount" left of everything else, with a total on the right, is how many.
fn settle_amounts(table: &mut RawTable<ItemColumn>) {
    let is = |column: &Column<ItemColumn>, wanted| column.concept == Some(wanted);
    let has_quantity = table.columns.iter().any(|column| is(column, ItemColumn::Quantity));
    let amounts = table.columns.iter().filter(|column| is(column, ItemColumn::Amount)).count();
    if let Some(first) = table
        .columns
        .first_mut()
        .filter(|first| !has_quantity && amounts > 1 && is(first, ItemColumn::Amount))
    {
        first.concept = Some(ItemColumn::Quantity);
    }
}

fn is_column(table: &RawTable<ItemColumn>, column: usize, concept: ItemColumn) -> bool {
    table.columns.get(column).and_then(|column| column.concept) == Some(concept)
}

/// Whether a row has an amount in the column that every line must have.
fn has_number(document: &BusinessDocument, row: &BodyRow, column: usize) -> bool {
    row.pieces.iter().filter(|piece| piece.column == column).any(|piece| {
        let letters = piece.span.text.chars().filter(|c| c.is_alphabetic()).count();
        letters <= 6
            && amounts::find(&piece.span.text, document.convention).iter().any(|amount| !amount.is_percentage)
    })
}

fn fill(
    document: &BusinessDocument,
    table: &RawTable<ItemColumn>,
    row: &BodyRow,
    amount_column: Option<usize>,
    item: &mut Item,
) {
    for piece in &row.pieces {
        let Some(Column { concept: Some(concept), .. }) = table.columns.get(piece.column) else { continue };
        // Of several amounts (net, gross) the last column's counts.
        if *concept == ItemColumn::Amount && Some(piece.column) != amount_column {
            continue;
        }
        let amount = amounts::find(&piece.span.text, document.convention).into_iter().next();
        let has_letters = piece.span.text.chars().filter(|c| c.is_alphabetic()).count() > 6;
        let is_text = matches!(concept, ItemColumn::Description | ItemColumn::Code | ItemColumn::Unit);
        if has_letters && !is_text && amount.is_none() && *concept != ItemColumn::Quantity {
            continue;
        }
        item.take(*concept, &piece.span, amount);
        item.spans.push(piece.span.clone());
    }
}

/// The text of a row that has no amount: what stands under the description or starts left of it.
fn description_of(table: &RawTable<ItemColumn>, row: &BodyRow) -> Option<(String, Span)> {
    let is_text = |column: usize| {
        matches!(
            table.columns.get(column).map(|column| column.concept),
            Some(Some(ItemColumn::Description | ItemColumn::Code | ItemColumn::Position) | None)
        ) || column == 0
    };
    let spans: Vec<Span> =
        row.pieces.iter().filter(|piece| is_text(piece.column)).map(|piece| piece.span.clone()).collect();
    let span = Span::join(&spans)?;
    // A period or a number goes on with a description only where nothing else is in the row.
    let is_alone = row.pieces.iter().all(|piece| is_column(table, piece.column, ItemColumn::Description));
    let goes_on = has_words(&span.text) || (is_alone && span.text.chars().any(char::is_alphanumeric));
    goes_on.then(|| (span.text.clone(), span))
}

/// Whether a row without amount goes on with the line above it: near enough.
fn continues(
    document: &BusinessDocument,
    table: &RawTable<ItemColumn>,
    rows: &[usize],
    row: &BodyRow,
) -> bool {
    let position = |row: usize| document.reading.rows().get(row).map(|row| row.bbox);
    let (Some(last), Some(this)) = (rows.last().and_then(|row| position(*row)), position(row.row)) else {
        return false;
    };
    let starts = row.pieces.first().map_or(0.0, |piece| piece.span.bbox.x0);
    let left = table.columns.first().map_or(0.0, |column| column.bbox.x0);
    this.y0 - last.y1 < this.height() * 1.6 && starts >= left - this.height() * 4.0
}

/// The lines of a receipt without headings: rows above the totals that end in an amount.
fn lines_without_heading(document: &BusinessDocument) -> Vec<(Item, Vec<usize>)> {
    let Some(end) = (0..document.reading.rows().len())
        .find(|row| ends_items(document, *row) && row_has_money(document, *row))
    else {
        return Vec::new();
    };
    let is_header = |concept: Concept| {
        matches!(
            concept,
            Concept::DocumentNumber
                | Concept::DocumentDate
                | Concept::AnyDate
                | Concept::TaxId
                | Concept::Phone
                | Concept::Time
                | Concept::Registration
                | Concept::Title
                | Concept::Other
        )
    };
    let header = document
        .labels
        .iter()
        .filter(|label| is_header(label.concept) && label.starts_segment)
        .map(|label| document.row_of(label));
    let start = header.filter(|row| *row < end).max().map_or(0, |row| row + 1);
    let mut lines: Vec<(Item, Vec<usize>)> = Vec::new();
    let mut names: Vec<(String, usize, Span)> = Vec::new();
    for row in start..end {
        let Some(plain) = PlainRow::read(document, row) else { continue };
        let Some(amount) = plain.amount else {
            if has_words(&plain.whole.text) && plain.whole.text.len() < 60 {
                names.push((plain.whole.text.clone(), row, plain.whole));
            }
            continue;
        };
        // The price of all, below "3 @ 12.99".
        if !has_words(&plain.words)
            && names.is_empty()
            && let Some((item, rows)) =
                lines.last_mut().filter(|(item, _)| item.amount.is_none() || item.is_consistent())
            && plain.numbers.len() == 1
        {
            item.amount = Some(amount);
            item.spans.push(plain.whole);
            rows.push(row);
            continue;
        }
        if let Some(line) = plain.into_line(row, amount, &mut names) {
            lines.push(line);
        }
    }
    lines
}

/// A row of a receipt without headings.
struct PlainRow {
    whole: Span,
    /// The text in front of the amounts.
    words: String,
    numbers: Vec<f64>,
    /// The last number, if it is an amount of money.
    amount: Option<f64>,
    /// Whether a sign of multiplication by a price is printed: `2 @ 3.00`.
    is_priced: bool,
}

impl PlainRow {
    fn read(document: &BusinessDocument, row: usize) -> Option<Self> {
        let segments = document.reading.rows().get(row)?.segments.clone();
        let placed: Vec<_> = segments.clone().flat_map(|segment| document.amounts_in(segment)).collect();
        let spans: Vec<Span> =
            segments.filter_map(|segment| document.reading.segment_span(segment)).collect();
        let whole = Span::join(&spans)?;
        let last = placed.last().filter(|last| last.amount.is_money());
        Some(Self {
            words: words_without_amounts(&whole.text, document),
            numbers: placed.iter().map(|placed| placed.amount.value).collect(),
            amount: last.map(|last| last.amount.value),
            is_priced: whole.text.contains('@'),
            whole,
        })
    }

    /// The line that ends in `amount`, named by its own words or by the first of the rows above it.
    fn into_line(
        self,
        row: usize,
        amount: f64,
        names: &mut Vec<(String, usize, Span)>,
    ) -> Option<(Item, Vec<usize>)> {
        let mut item = Item { amount: Some(amount), ..Item::default() };
        let others: Vec<f64> = self.numbers.iter().rev().skip(1).copied().collect();
        let pair = others.iter().enumerate().find_map(|(index, price)| {
            let mut counts = others.iter().skip(index + 1);
            counts.find(|count| (**count * price - amount).abs() < ROUNDING).map(|count| (*count, *price))
        });
        if let Some((quantity, price)) = pair {
            item.quantity = Some(quantity);
            item.unit_price = Some(price);
        } else if let Some(quantity) =
            others.first().filter(|quantity| self.is_priced && quantity.fract() == 0.0 && **quantity > 0.0)
        {
            item.quantity = Some(*quantity);
            item.unit_price = Some(amount);
            item.amount = Some(rounded(quantity * amount));
        }
        let mut rows = vec![row];
        let above = names.first().cloned().filter(|_| self.is_priced || !has_words(&self.words));
        match above {
            Some((name, name_row, span)) => {
                item.code =
                    Some(self.words.trim_end_matches(|c: char| c.is_ascii_digit() || c == ' ').to_owned())
                        .filter(|code| !code.is_empty());
                item.description = Some(name);
                rows.push(name_row);
                item.spans.push(span);
            }
            None => item.description = Some(self.words).filter(|words| has_words(words)),
        }
        // What else stood above belongs to no line.
        names.clear();
        item.spans.push(self.whole);
        item.description.is_some().then_some((item, rows))
    }
}

fn row_has_money(document: &BusinessDocument, row: usize) -> bool {
    let segments = document.reading.rows().get(row).map_or(0..0, |row| row.segments.clone());
    segments.flat_map(|segment| document.amounts_in(segment)).any(|placed| placed.amount.is_money())
}

/// A row's text up to its first amount of money, without the quantity in front.
fn words_without_amounts(text: &str, document: &BusinessDocument) -> String {
    let found = amounts::find(text, document.convention);
    let end = found.iter().find(|amount| amount.is_money()).map_or(text.len(), |amount| amount.range.start);
    let start = found
        .first()
        .filter(|first| first.range.start == 0 && first.decimals == 0 && first.value < 100.0)
        .map_or(0, |first| first.range.end);
    let words = text.get(start.min(end)..end).unwrap_or_default();
    words.trim_matches(|c: char| !c.is_alphanumeric() && c != ')' && c != '(').to_owned()
}

/// The words that head columns of one meaning.
pub fn heading_words(column: ItemColumn) -> impl Iterator<Item = &'static str> {
    HEADINGS
        .iter()
        .filter(move |(other, _)| *other == column)
        .flat_map(|(_, words)| words.split('|').map(str::trim))
}

const HEADINGS: &[(ItemColumn, &str)] = &[
    (
        ItemColumn::Position,
        "pos | position | no | # | nr | item no | line | sr no | s no | sl no | ln | lp | poz | line no | lfd nr | s n | sno | n | rang",
    ),
    (
        ItemColumn::Code,
        "code | item code | product code | sku | article number | article no | artikelnummer | artikelnr | artikel nr | art nr | artnr | part number | part no | item number | item # | reference | ref | codigo | cod | codice | referencia | bestellnummer | hsn sac | hsn | product id | ean | barcode | stock code | sachnummer | artikel no | code article | art n | article code | upc | material | plu",
    ),
    (
        ItemColumn::Description,
        "description | item | items | product | products | service | services | details | particulars | description of goods | item description | product description | goods | name | item name | product name | activity | task | article | code desc | no description | item s | description of service | service description | qty item | work description | designation item | nature of goods | label \
         | beschreibung | bezeichnung | artikel | artikelbezeichnung | leistung | leistungen | produkt | text | ware | artikelbeschreibung | leistungsbeschreibung | bezeichnung der leistung | benennung | designation | libelle | produit | prestation | prestations | description des produits | detail | descripcion | concepto | producto | articulo | descrizione | prodotto | descrizione dei beni | descrizione articolo | omschrijving | artikelomschrijving | dienst | descricao | designacao | produto | artigo | servico | nazwa | opis | nazwa towaru | nazwa towaru uslugi | nazwa towaru lub uslugi | beskrivning | benamning | artikelnamn | vare | beskrivelse | varebetegnelse | tekst | kuvaus | tuote | nimike | popis | nazev | oznaceni dodavky | denumire | denumirea produselor | megnevezes | aciklama | urun | mal hizmet | malzeme hizmet aciklamasi | keterangan | nama barang | deskripsi | รายการ | รายละเอียด | สินค้า | 品名 | 商品名 | 内容 | 货物名称 | 项目 | 품목",
    ),
    (
        ItemColumn::Quantity,
        "qty | quantity | qty s | pcs | units | hours | hrs | qty hrs | no of units | count | days | unit s | qnty | quant | ordered | shipped | qty shipped | sale | menge | anzahl | stk | stuck | mge | stunden | einheiten | quantite | qte | qty rm | nombre | heures | nb | cantidad | cant | uds | unidades | ctd | quantita | qta | q ta | qt | aantal | uren | quantidade | qtd | qtde | quant | ilosc | antal | mangd | maengde | antall | maara | kpl | mnozstvi | pocet | cantitate | mennyiseg | menny | miktar | adet | jumlah barang | kuantitas | จำนวน | 数量 | 수량",
    ),
    (
        ItemColumn::Unit,
        "unit | uom | u m | units of measure | einheit | einh | me | unite | unidad | ud | unita | um | u m | eenheid | unidade | un | jm | j m | enhet | enhed | yksikko | mj | mertekegyseg | birim | หน่วย | 単位 | 单位",
    ),
    (
        ItemColumn::UnitPrice,
        "unit price | price | rate | unit cost | price each | u price | u p | s price | unit | each | price per unit | hourly rate | price unit | cost | unit price rm | price rm | u price rm | list price | unit amount | selling price | unit net price | net price | price w o tax | retail price | mrp | cost each | price excl vat | rate hr | unit prc | u prc | per unit | net unit price \
         | einzelpreis | preis | stuckpreis | e preis | einzel | ep | vk preis | einzelpreis eur | preis eur | stundensatz | einzelpr | e preis eur | preis pro einheit | netto preis | nettopreis | einheitspreis | preis einheit | einzelpreis netto | grundpreis \
         | prix unitaire | prix | pu | p u | pu ht | p u ht | prix unit | prix unitaire ht | tarif | prix u | prix unit ht | pu net | prix un | precio | precio unitario | p unitario | precio ud | p unit | p v p | pvp | precio unit | prezzo | prezzo unitario | prezzo unit | p unitario | pr unitario | prezzo un | prijs | prijs per stuk | stukprijs | eenheidsprijs | tarief | prijs per eenheid | prijs p st | prijs excl | preco | preco unitario | pr unitario | preco unit | valor unitario | cena | cena jedn | cena jednostkowa | cena netto | cena jedn netto | cena jednostkowa netto | a pris | pris | a pris sek | enhetspris | enhedspris | stk pris | stykpris | pris per enhet | pris pr stk | hinta | a hinta | yksikkohinta | cena za mj | jedn cena | jednotkova cena | pret unitar | pret | egysegar | egysegar netto | birim fiyat | birim fiyati | fiyat | harga | harga satuan | ราคา | ราคาต่อหน่วย | ราคา/หน่วย | หน่วยละ | 単価 | 单价 | 단가",
    ),
    (
        ItemColumn::Discount,
        "discount | disc | disc % | discount % | rabatt | rabatt % | nachlass | remise | rem | dto | descuento | sconto | sc | korting | desconto | desc | rabat | alennus | ale | sleva | indirim | ส่วนลด",
    ),
    (
        ItemColumn::TaxRate,
        "tax | vat | gst | tax rate | vat rate | vat % | tax % | gst % | tax code | sst | gst rate | taxes | cgst | igst | sgst | mwst | mwst % | ust | ust % | steuer | steuersatz | mwst satz | ust satz | tva | % tva | tva % | taux tva | taux | iva | iva % | % iva | tipo iva | aliquota | cod iva | btw | btw % | btw tarief | % btw | taxa | taxa iva | taxa de iva | vat stawka | stawka vat | stawka | moms | moms % | mva | mva % | alv | alv % | dph | dph % | sazba dph | cota tva | afa | afa kulcs | afa % | kdv | kdv orani | kdv % | ภาษี | 税率",
    ),
    (
        ItemColumn::TaxAmount,
        "tax amount | vat amount | gst amount | tax amt | gst amt | mwst betrag | steuerbetrag | ust betrag | montant tva | importe iva | importo iva | btw bedrag | valor iva | kwota vat | momsbelopp | kdv tutari | 税额",
    ),
    (
        ItemColumn::Amount,
        "amount | total | line total | total price | total amount | amt | price total | net amount | extended price | ext price | subtotal | sub total | amount rm | amt rm | total rm | amount usd | amount eur | net | line amount | value | total amt | total cost | extended amount | ext amount | ext | gross | gross amount | amount excl vat | total excl vat | total net | net value | total inc | total value | amount due | total tax | sum | taxable value | charges | rm \
         | betrag | gesamt | gesamtpreis | summe | gesamtbetrag | zeilenbetrag | netto | gesamtpreis eur | betrag eur | gesamt eur | gp | total eur | nettobetrag | wert | positionssumme | gesamt netto | zeilenbetrag ohne mwst | g preis | gesamtpreis netto | summe eur | brutto | total netto | nettogesamt | preis gesamt | ges preis | eur | montant | montant ht | total ht | prix total | prix ht | prix total ht | montant total | total ttc | montant ttc | montant eur ttc | montant eur ht | total h t | prix ttc | importe | subtotal eur | importe neto | importe total | total linea | importe eur | importo | totale | imponibile | prezzo totale | importo netto | valore | importo eur | totale eur | tot | bedrag | totaal | prijs incl btw | prijs excl btw | totaalprijs | totaal excl btw | bedrag excl btw | regeltotaal | totaalbedrag | netto bedrag | valor | valor total | preco total | total liquido | valor liquido | wartosc | wartosc netto | wartosc brutto | kwota | belopp | summa | totalt | belop | belob | sum | i alt | total pris | linjetotal | belop nok | yhteensa | summa eur | celkem | cena celkem | castka | cena celkem bez dph | valoare | valoarea | ertek | osszeg | netto ertek | osszesen | brutto ertek | tutar | toplam | toplam tutar | mal hizmet tutari | subtotal harga | jumlah | jumlah rm | จำนวนเงิน | ราคารวม | รวม | 金額 | 金额 | 小計 | 금액",
    ),
    (ItemColumn::Date, "date | datum | fecha | data | training date | service date | leistungsdatum | วันที่"),
];

#[cfg(test)]
mod tests {
    use crate::business::BusinessDocument;
    use crate::fixture::Fixture;

    #[test]
    fn wrapped_descriptions_belong_to_the_line_above() {
        let pages = Fixture::from_text(
            &[
                "Pos.   Menge   Beschreibung                Preis   Betrag",
                "   1       2   Grundgebühr pro Einheit     10,00    20,00",
                "               Dienst: Büro                              ",
                "   2       1   Speicher                     5,50     5,50",
                "                               Summe netto         25,50",
            ]
            .join("\n"),
        )
        .pages;
        let document = BusinessDocument::new(&pages, "");
        let lines = &document.items.lines;
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0].description.as_deref(), Some("Grundgebühr pro Einheit Dienst: Büro"));
        assert_eq!(
            (lines[0].quantity, lines[0].unit_price, lines[0].amount),
            (Some(2.0), Some(10.0), Some(20.0))
        );
        assert_eq!(document.items.sum(), Some(25.5));
    }

    #[test]
    fn names_above_their_prices_belong_to_the_line_below() {
        let pages = Fixture::from_text(
            &[
                "DESCRIPTION       QTY   U.PRICE    TOTAL",
                "HOT GREEN TEA                           ",
                "                  2X       3.00     6.00",
                "COFFEE                                  ",
                "                  1X       4.90     4.90",
                "TOTAL:                             10.90",
            ]
            .join("\n"),
        )
        .pages;
        let document = BusinessDocument::new(&pages, "");
        let names: Vec<_> =
            document.items.lines.iter().map(|line| line.description.as_deref().unwrap_or_default()).collect();
        assert_eq!(names, ["HOT GREEN TEA", "COFFEE"]);
        assert_eq!(document.items.lines[0].quantity, Some(2.0));
    }

    #[test]
    fn rows_that_end_in_an_amount_are_lines_where_no_heading_is() {
        let pages = Fixture::from_text(
            &[
                "DATE: 01/02/2020",
                "MILK 1L            2.50",
                "BREAD   2 x 3.00   6.00",
                "TOTAL              8.50",
            ]
            .join("\n"),
        )
        .pages;
        let document = BusinessDocument::new(&pages, "");
        assert_eq!(document.items.sum(), Some(8.5));
        assert_eq!(document.items.lines[1].unit_price, Some(3.0));
    }
}
