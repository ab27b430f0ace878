//! The lines of goods or services: from a table with headings, or from the plain rows of a receipt.

mod headings;
mod plain;
mod summed;

use serde_json::{Map, Value};

use super::BusinessDocument;
use super::lexicon::Concept;
use super::totals::number;
use crate::output::{Cell, Field, Table};
use crate::page::Rect;
use crate::reading::Span;
use crate::table::{BodyRow, Column, Piece, RawTable, Search};
use crate::values::amounts::{self, Amount, rounded};

pub use headings::{ItemColumn, heading_words};

/// Sums may differ from the printed amount by the rounding of unit prices.
const ROUNDING: f64 = 0.0151;

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
    /// Prices of further columns: before and after tax or a deduction.
    other_prices: Vec<f64>,
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
        let lexicon = headings::lexicon();
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
            let totals = summed::totals(document);
            let adds_up = |lines: &[(Item, Vec<usize>)]| {
                let sum: f64 = lines.iter().filter_map(|(line, _)| line.amount).sum();
                totals.iter().any(|total| (total - sum).abs() < ROUNDING)
            };
            let mut lines = plain::lines(document, &lexicon);
            if lines.is_empty() || !adds_up(&lines) {
                let summed = summed::lines(document, &totals);
                lines = if summed.is_empty() { lines } else { summed };
            }
            for (line, rows) in lines {
                items.rows.extend(rows);
                items.lines.push(line);
            }
        } else {
            items.settle_prices(&summed::totals(document));
        }
        for line in &mut items.lines {
            line.imply_price();
        }
        items.rows.sort_unstable();
        items
    }

    /// Takes prices for amounts where no column has amounts and they add up to a total as they are: the prices of all.
    fn settle_prices(&mut self, totals: &[f64]) {
        let has_amounts = self.lines.iter().any(|line| line.is_priced_for_all());
        let prices: Option<f64> = self.lines.iter().map(|line| line.unit_price).sum();
        let is_total = |sum: f64| totals.iter().any(|total| (total - sum).abs() < ROUNDING);
        let multiplied: f64 = self.lines.iter().filter_map(Item::product).sum();
        if has_amounts || is_total(multiplied) || !prices.is_some_and(is_total) {
            return;
        }
        for line in &mut self.lines {
            line.amount = line.unit_price.take();
        }
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

    /// Whether an amount of its own is printed, beside the price of one.
    fn is_priced_for_all(&self) -> bool {
        self.amount.is_some() && self.amount != self.unit_price
    }

    /// Quantity times price, where the quantity is not one the price alone.
    fn product(&self) -> Option<f64> {
        Some(self.quantity.unwrap_or(1.0) * self.unit_price?)
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
            ItemColumn::UnitPrice if self.unit_price.is_some() => self.other_prices.extend(value),
            ItemColumn::UnitPrice => self.unit_price = value,
            ItemColumn::Amount => self.amount = value.or(self.amount),
            ItemColumn::TaxRate => {
                let rate =
                    amount.filter(|amount| (0.0..60.0).contains(&amount.value)).map(|amount| amount.value);
                self.tax_rate = self.tax_rate.or(rate);
            }
            ItemColumn::Position | ItemColumn::Discount | ItemColumn::TaxAmount | ItemColumn::Date => {}
        }
    }

    /// Fills the price of one where the price of all and their number imply it.
    fn imply_price(&mut self) {
        if let (Some(quantity), None, Some(amount)) = (self.quantity, self.unit_price, self.amount)
            && quantity != 0.0
        {
            let price = rounded(amount / quantity);
            // An amount that does not divide has a discount in it.
            self.unit_price = ((price * 100.0).fract().abs() < 0.01).then_some(price);
        }
    }

    /// Takes a count out of the description where no column has it.
    fn take_leading_count(&mut self) {
        let Some((count, name)) =
            self.description.as_deref().filter(|_| self.quantity.is_none()).and_then(leading_count)
        else {
            return;
        };
        let name = name.to_owned();
        self.quantity = Some(count);
        self.description = Some(name);
    }

    /// Moves an article number that was printed in place of the description, and fills what the others imply.
    fn finish(&mut self, continuation: &[String]) {
        let is_named = self.description.as_deref().is_some_and(names_something);
        if !is_named && continuation.iter().any(|text| self::has_words(text)) {
            self.code = self.code.take().or(self.description.take());
            self.description = None;
        }
        for text in continuation {
            append(&mut self.description, text);
        }
        self.take_leading_count();
        if let (Some(quantity), Some(amount), false) = (self.quantity, self.amount, self.is_consistent()) {
            let fits = |price: &&f64| (quantity * **price - amount).abs() < ROUNDING;
            self.unit_price = self.other_prices.iter().find(fits).copied().or(self.unit_price);
        }
        if self.quantity.is_none() && self.unit_price.is_some() && self.unit_price == self.amount {
            self.quantity = Some(1.0);
        }
        if self.amount.is_none() && self.quantity.is_none_or(|quantity| quantity == 1.0) {
            self.amount = self.unit_price;
        }
    }
}

/// A count of one or two digits in front of a name, with or without a times sign: `3 x Tea`, `2X Coffee`.
fn leading_count(text: &str) -> Option<(f64, &str)> {
    let digits = text.chars().take_while(char::is_ascii_digit).count();
    let rest = text.get(digits..)?;
    let name = rest.trim_start_matches(['x', 'X', '×', '*', ' ', '.']);
    let is_apart = rest.starts_with(' ')
        || (rest.starts_with(['x', 'X', '×']) && rest.get(1..).is_some_and(|rest| rest.starts_with(' ')));
    let count: f64 = text.get(..digits)?.parse().ok()?;
    ((1..=2).contains(&digits) && count > 0.0 && is_apart && has_words(name)).then_some((count, name))
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

/// Whether a text has two words or one long one, more than an article number with letters in it.
fn names_something(text: &str) -> bool {
    let lengths: Vec<usize> = letter_runs(text).map(|word| word.chars().count()).collect();
    lengths.iter().filter(|length| **length >= 3).count() >= 2 || lengths.iter().any(|length| *length >= 5)
}

fn has_words(text: &str) -> bool {
    letter_runs(text).any(|word| word.chars().count() >= 3)
}

/// Runs of letters, with the vowel and tone marks of Thai.
fn letter_runs(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphabetic() && !('\u{e31}'..='\u{e4e}').contains(&c))
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
        let is_long = label.range.len() >= 8;
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
    let is_named = |row: &BodyRow| {
        let mut texts =
            row.pieces.iter().filter(|piece| is_column(table, piece.column, ItemColumn::Description));
        texts.any(|piece| names_something(&piece.span.text))
    };
    let anchor_rows =
        || table.rows.iter().zip(&anchors).filter(|(_, is_anchor)| **is_anchor).map(|(row, _)| row);
    let unnamed = anchor_rows().filter(|row| !is_named(row)).count();
    // Receipts print the name above quantity and price, or below them.
    let names_stand_above = first_anchor > 0 && unnamed * 2 >= anchor_rows().count();
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

/// Tells apart columns of one meaning: "Amount" left of everything else, with a total on the right, is how many.
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
    // Behind a price, a second one ("Rate", "Cost") is that of all.
    let prices = table.columns.iter().filter(|column| is(column, ItemColumn::UnitPrice)).count();
    if amounts == 0
        && prices > 1
        && let Some(last) = table.columns.last_mut().filter(|last| is(last, ItemColumn::UnitPrice))
    {
        last.concept = Some(ItemColumn::Amount);
    }
}

fn is_column(table: &RawTable<ItemColumn>, column: usize, concept: ItemColumn) -> bool {
    table.columns.get(column).and_then(|column| column.concept) == Some(concept)
}

/// Whether a row has an amount in the column that every line must have.
fn has_number(document: &BusinessDocument, row: &BodyRow, column: usize) -> bool {
    row.pieces.iter().filter(|piece| piece.column == column).any(|piece| {
        let text = piece.span.text.trim();
        let found = amounts::find(text, document.convention);
        // A tax code may stand beside it, a name may not.
        found.iter().any(|amount| {
            !amount.is_percentage && amount.range.len() * 2 >= text.len() && !names_something(text)
        })
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
        let Some(concept) = meaning(table, piece, amount_column) else { continue };
        let amount = amounts::find(&piece.span.text, document.convention).into_iter().next();
        let has_letters = piece.span.text.chars().filter(|c| c.is_alphabetic()).count() > 6;
        let is_text = matches!(concept, ItemColumn::Description | ItemColumn::Code | ItemColumn::Unit);
        if has_letters && !is_text && amount.is_none() && concept != ItemColumn::Quantity {
            continue;
        }
        item.take(concept, &piece.span, amount);
        item.spans.push(piece.span.clone());
    }
}

/// What a piece of a line is, by its column.
fn meaning(table: &RawTable<ItemColumn>, piece: &Piece, amount_column: Option<usize>) -> Option<ItemColumn> {
    let has_description = table.columns.iter().any(|column| column.concept == Some(ItemColumn::Description));
    if !has_description && names_something(&piece.span.text) {
        return Some(ItemColumn::Description);
    }
    // Of several amounts (net, gross) the last column's counts; its heading may be unreadable.
    if Some(piece.column) == amount_column {
        return Some(ItemColumn::Amount);
    }
    // A code right of the amount is that of the tax.
    let is_tax_code = amount_column.is_some_and(|amount| piece.column > amount);
    let concept = table.columns.get(piece.column)?.concept?;
    (concept != ItemColumn::Amount && !(is_tax_code && concept == ItemColumn::Code)).then_some(concept)
}

/// The text of a row that has no amount: what stands under the description or starts left of it.
fn description_of(table: &RawTable<ItemColumn>, row: &BodyRow) -> Option<(String, Span)> {
    let has_description = table.columns.iter().any(|column| column.concept == Some(ItemColumn::Description));
    // A name that runs on under the columns of numbers.
    let is_spilled =
        row.pieces.len() <= 2 && row.pieces.iter().any(|piece| names_something(&piece.span.text));
    let is_text = |column: usize| {
        !has_description
            || is_spilled
            || matches!(
                table.columns.get(column).map(|column| column.concept),
                Some(Some(ItemColumn::Description | ItemColumn::Code | ItemColumn::Position) | None)
            )
            || column == 0
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

    #[test]
    fn prices_that_add_up_to_the_total_are_those_of_all() {
        let rows = [
            "Product        Quantity    Price",
            "Blue yarn             6    39.00",
            "Needles               1     6.50",
            "Subtotal                   45.50",
        ];
        let pages = Fixture::from_text(&rows.join("\n")).pages;
        let lines = BusinessDocument::new(&pages, "").items.lines;
        let found: Vec<_> = lines.iter().map(|line| (line.quantity, line.unit_price, line.amount)).collect();
        assert_eq!(found, [(Some(6.0), Some(6.5), Some(39.0)), (Some(1.0), Some(6.5), Some(6.5))]);
    }

    #[test]
    fn the_last_of_two_prices_is_the_amount() {
        let rows = [
            "Labor           Hours   Rate    Cost",
            "Body labor          2    150     300",
            "Paint labor       1.5    150     225",
            "Subtotal                         525",
        ];
        let pages = Fixture::from_text(&rows.join("\n")).pages;
        let lines = BusinessDocument::new(&pages, "").items.lines;
        let found: Vec<_> = lines.iter().map(|line| (line.quantity, line.unit_price, line.amount)).collect();
        assert_eq!(found, [(Some(2.0), Some(150.0), Some(300.0)), (Some(1.5), Some(150.0), Some(225.0))]);
    }

    #[test]
    fn of_two_columns_of_prices_the_one_that_comes_out_counts() {
        let rows = [
            "ITEM         QTY   PRICE   PRICE   AMOUNT",
            "Tape, black    2    4.72    5.00    10.00",
            "TOTAL                               10.00",
        ];
        let pages = Fixture::from_text(&rows.join("\n")).pages;
        assert_eq!(BusinessDocument::new(&pages, "").items.lines[0].unit_price, Some(5.0));
    }
}
