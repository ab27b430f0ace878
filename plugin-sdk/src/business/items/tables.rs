//! The lines of a table with headings.

use super::item::{has_words, names_something};
use super::{Item, ItemColumn};
use crate::business::BusinessDocument;
use crate::reading::Span;
use crate::table::{BodyRow, Column, Piece, RawTable};
use crate::values::amounts;

/// The lines of a table, each with the document's rows it takes.
pub(super) fn lines_of(document: &BusinessDocument, table: &RawTable<ItemColumn>) -> Vec<(Item, Vec<usize>)> {
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
pub(super) fn settle_amounts(table: &mut RawTable<ItemColumn>) {
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
