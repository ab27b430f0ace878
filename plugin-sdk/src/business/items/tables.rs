//! The lines of a table with headings.

use super::item::{has_words, names_something};
use super::{Item, ItemColumn, ROUNDING, comes_to_amount};
use crate::business::BusinessDocument;
use crate::page::Rect;
use crate::reading::Span;
use crate::table::{BodyRow, Column, Piece, RawTable};
use crate::values::amounts;

/// The lines of a table, each with the document's rows it takes.
pub(super) fn lines_of(document: &BusinessDocument, table: &RawTable<ItemColumn>) -> Vec<(Item, Vec<usize>)> {
    let amount_column = amount_column(document, table);
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
    let has_one_description =
        table.columns.iter().filter(|column| column.concept == Some(ItemColumn::Description)).count() <= 1;
    let mut lines: Vec<(Item, Vec<usize>, Vec<String>)> = Vec::new();
    let mut factors_above: Option<(f64, f64)> = None;
    let mut waiting: Vec<(String, usize, Span)> = Vec::new();
    anchors.resize(table.rows.len(), false);
    for (index, (row, is_anchor)) in table.rows.iter().zip(&anchors).enumerate() {
        if *is_anchor {
            let mut item = Item::default();
            let mut rows = vec![row.row];
            let mut names = Vec::new();
            fill(document, table, row, amount_column, &mut item);
            if let Some((count, price)) = factors_above.take()
                && item
                    .amount
                    .or(item.unit_price)
                    .is_some_and(|amount| (count * price - amount).abs() < ROUNDING)
            {
                (item.quantity, item.unit_price) = (Some(count), Some(price));
                item.amount = Some(count * price);
            }
            for (text, name_row, span) in waiting.drain(..).rev() {
                // The first rows of a cell that stand higher than the middle of the others in the row.
                if !names_stand_above && has_one_description {
                    item.description =
                        Some(item.description.map_or(text.clone(), |own| format!("{text} {own}")));
                } else {
                    names.insert(0, text);
                }
                rows.insert(0, name_row);
                item.spans.push(span);
            }
            lines.push((item, rows, names));
            continue;
        }
        if index < last_anchor && is_title(document, table, &anchors, index) {
            continue;
        }
        // "2 X 2,50" above a name and "5,00".
        if let Some(factors) = factors_of(document, row) {
            factors_above = Some(factors);
            continue;
        }
        // What is a part of the line above is counted, but has no price.
        if is_counted(document, table, row) {
            continue;
        }
        let text = description_of(table, row);
        let Some((text, span)) = text else { continue };
        let next_is_unnamed = anchors.get(index + 1) == Some(&true)
            && table
                .rows
                .get(index + 1)
                .is_some_and(|next| !has_name(table, next) && comes_to_amount(document, next.row))
            && lines.last().is_none_or(|(item, ..)| item.description.as_deref().is_some_and(has_words));
        if index < last_anchor
            && (names_stand_above || next_is_unnamed || is_nearer_to_next(document, table, &anchors, index))
        {
            waiting.push((text, row.row, span));
            continue;
        }
        let above = lines.last_mut().filter(|_| !names_stand_above);
        if let Some((item, rows, names)) = above
            && continues(document, table, rows, row)
        {
            names.push(text);
            rows.push(row.row);
            item.spans.push(span);
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

/// The column with the prices of all. Of several the last counts (after discount, after tax), unless another is what
/// quantity times price comes to.
fn amount_column(document: &BusinessDocument, table: &RawTable<ItemColumn>) -> Option<usize> {
    let columns_of = |wanted| (0..table.columns.len()).filter(move |index| is_column(table, *index, wanted));
    let has_numbers = |column: &usize| table.rows.iter().any(|row| has_number(document, row, *column));
    let amounts: Vec<usize> = columns_of(ItemColumn::Amount).filter(has_numbers).collect();
    let last = amounts.last().copied();
    let (Some(quantity), Some(price)) =
        (columns_of(ItemColumn::Quantity).next(), columns_of(ItemColumn::UnitPrice).next())
    else {
        return last;
    };
    let hits = |column: usize| {
        let comes_out = |row: &&BodyRow| {
            let number = |column| number_in(document, row, column);
            number(quantity)
                .zip(number(price))
                .zip(number(column))
                .is_some_and(|((quantity, price), amount)| (quantity * price - amount).abs() < ROUNDING)
        };
        table.rows.iter().filter(comes_out).count()
    };
    let best = amounts.iter().rev().copied().max_by_key(|column| hits(*column));
    if let Some(best) = best.filter(|best| hits(*best) > 0) {
        return if hits(best) > last.map_or(0, hits) { Some(best) } else { last };
    }
    // Headed "Goods" or "Before tax", it is known by its numbers alone.
    let priced = table.rows.iter().filter(|row| {
        number_in(document, row, quantity).is_some() && number_in(document, row, price).is_some()
    });
    let least = priced.count() / 2 + 1;
    let others = (0..table.columns.len()).filter(|column| *column != quantity && *column != price);
    others.rev().find(|column| least > 1 && hits(*column) >= least).or(last)
}

/// The first number of a row in a column, if it is no percentage and not zero.
fn number_in(document: &BusinessDocument, row: &BodyRow, column: usize) -> Option<f64> {
    let piece = row.pieces.iter().rfind(|piece| piece.column == column)?;
    let found = amounts::find(&piece.span.text, document.convention).into_iter().next()?;
    (!found.is_percentage && found.value != 0.0).then_some(found.value)
}

/// Whether a row has a name and a whole number in the column of counts and nothing else.
fn is_counted(document: &BusinessDocument, table: &RawTable<ItemColumn>, row: &BodyRow) -> bool {
    let [name, count] = row.pieces.as_slice() else { return false };
    is_column(table, name.column, ItemColumn::Description)
        && names_something(&name.span.text)
        && is_column(table, count.column, ItemColumn::Quantity)
        && amounts::parse(&count.span.text, document.convention).is_some_and(|count| count.decimals == 0)
}

/// Count and price of one, where a row has nothing but them and a times sign.
fn factors_of(document: &BusinessDocument, row: &BodyRow) -> Option<(f64, f64)> {
    let text = document.reading.row_text(row.row);
    let letters: String = text.chars().filter(|c| c.is_alphabetic()).collect();
    let has_sign =
        matches!(letters.as_str(), "x" | "X") || (letters.is_empty() && text.contains(['×', '*', '@']));
    let found = amounts::find(&text, document.convention);
    let [count, price] = found.as_slice() else { return None };
    has_sign.then_some((count.value, price.value))
}

/// Whether a row has a word in the column of names.
fn has_name(table: &RawTable<ItemColumn>, row: &BodyRow) -> bool {
    let mut named = row.pieces.iter().filter(|piece| is_column(table, piece.column, ItemColumn::Description));
    named.any(|piece| has_words(&piece.span.text))
}

/// Whether a row without amount is set closer to the row of numbers below it than to what stands above it, as the first
/// of three rows in a cell whose neighbours stand in the middle.
fn is_nearer_to_next(
    document: &BusinessDocument,
    table: &RawTable<ItemColumn>,
    anchors: &[bool],
    index: usize,
) -> bool {
    let place = |index| place_of(document, table, index);
    let is_anchor = |index: usize| anchors.get(index) == Some(&true);
    let (Some(this), Some(next)) = (place(index), place(index + 1)) else { return false };
    let gap_below = next.y0 - this.y1;
    let height = this.height().max(1.0);
    let above = index.checked_sub(1).and_then(place);
    // Below the heading all rows stand apart from it.
    let gap_above = above.map_or(height * 0.5, |above| this.y0 - above.y1);
    gap_below + height * 0.4 < gap_above
        && (is_anchor(index + 1) || is_nearer_to_next(document, table, anchors, index + 1))
}

/// Where a row of a table stands on its page.
fn place_of(document: &BusinessDocument, table: &RawTable<ItemColumn>, index: usize) -> Option<Rect> {
    let row = table.rows.get(index)?.row;
    document.reading.rows().get(row).map(|row| row.bbox)
}

/// Whether a row is the title of the lines below it: alone, numbered or in capitals, and as far from the line above as
/// lines are from each other where wrapped text stands closer.
fn is_title(
    document: &BusinessDocument,
    table: &RawTable<ItemColumn>,
    anchors: &[bool],
    index: usize,
) -> bool {
    let place = |index| place_of(document, table, index);
    let is_anchor = |index: usize| anchors.get(index) == Some(&true);
    let Some([piece]) = table.rows.get(index).map(|row| row.pieces.as_slice()) else { return false };
    let text = piece.span.text.trim();
    let letters = || text.chars().filter(|c| c.is_alphabetic());
    let is_titled = letters().count() >= 3 && (letters().all(char::is_uppercase) || text.ends_with(':'));
    if !is_titled || !is_anchor(index + 1) {
        return false;
    }
    let (Some(this), Some(below)) = (place(index), place(index + 1)) else { return false };
    let pitch = below.y0 - this.y0;
    let above = index.checked_sub(1).and_then(place);
    // Rows of a table that leave more than half a row free between them.
    pitch > this.height() * 1.55 && above.is_none_or(|above| this.y0 - above.y0 > pitch * 0.9)
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

/// Gives those columns a meaning whose heading says none, or the unit, by what their numbers come to: how many times the
/// price is the amount.
pub(super) fn tell_by_products(document: &BusinessDocument, table: &mut RawTable<ItemColumn>) {
    let column_of = |wanted| table.columns.iter().rposition(|column| column.concept == Some(wanted));
    let quantity = column_of(ItemColumn::Quantity);
    let price = column_of(ItemColumn::UnitPrice);
    // The amount may stand under a heading that says nothing, too.
    let concept_of = |index: &usize| table.columns.get(*index).and_then(|column| column.concept);
    let may_be_amount = |index: &usize| matches!(concept_of(index), None | Some(ItemColumn::Amount));
    let amounts: Vec<usize> = (0..table.columns.len()).filter(may_be_amount).collect();
    let (known, wanted) = match (quantity, price) {
        (None, Some(price)) => (price, ItemColumn::Quantity),
        (Some(quantity), None) => (quantity, ItemColumn::UnitPrice),
        _ => return,
    };
    let number = |row: &BodyRow, column: usize| number_in(document, row, column);
    let products = |column: usize, amount: usize| {
        let rows = table.rows.iter().filter_map(|row| {
            let product = number(row, known)?;
            let product = number(row, column).map(|value| value * product);
            let amount = number(row, amount)?;
            Some(product.is_some_and(|product| (product - amount).abs() < ROUNDING))
        });
        rows.collect::<Vec<bool>>()
    };
    let is_open =
        |index: &usize| matches!(concept_of(index), None | Some(ItemColumn::Unit | ItemColumn::Date));
    let pairs = (0..table.columns.len())
        .filter(is_open)
        .flat_map(|column| amounts.iter().rev().map(move |amount| (column, *amount)));
    let told =
        pairs.filter(|(column, amount)| column != amount && *amount != known).find(|(column, amount)| {
            let products = products(*column, *amount);
            let hits = products.iter().filter(|comes_out| **comes_out).count();
            hits > 0 && hits * 2 > products.len()
        });
    let Some((column, amount)) = told else { return };
    for (index, concept) in [(column, wanted), (amount, ItemColumn::Amount)] {
        if let Some(column) = table.columns.get_mut(index) {
            column.concept = Some(concept);
        }
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
        // "1,216 kg" in place of a name says how much.
        let is_measure = concept == ItemColumn::Description
            && !row.pieces.iter().any(|piece| is_column(table, piece.column, ItemColumn::Quantity))
            && amount.as_ref().is_some_and(|amount| {
                let unit = piece.span.text.get(amount.range.end..).unwrap_or_default().trim();
                amount.range.start == 0
                    && (1..=3).contains(&unit.chars().count())
                    && unit.chars().all(char::is_alphabetic)
            });
        let concept = if is_measure { ItemColumn::Quantity } else { concept };
        // The end of a name, right in front of the price.
        let is_price = matches!(concept, ItemColumn::UnitPrice | ItemColumn::Amount);
        let has_number = || has_number(document, row, piece.column);
        let concept = if is_price && amount.is_none() && has_words(&piece.span.text) && has_number() {
            ItemColumn::Description
        } else {
            concept
        };
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
    use crate::business::items::tests::lines;
    use crate::fixture::Fixture;

    #[test]
    fn a_column_whose_heading_says_nothing_is_how_many_where_the_amounts_come_out() {
        let found = lines(&[
            "Artikel          Lev ant   Pris    Summa",
            "Paint, white           7   9,00    63,00",
            "Brush, flat            2   4,50     9,00",
            "Totalt                             72,00",
        ]);
        assert_eq!(found[0], ("Paint, white".to_owned(), Some(7.0), Some(9.0), Some(63.0)));
        let found = lines(&[
            "Ud  Description         Price   Amount",
            "2   Sun cream           16,95    33,90",
            "1   Thermometer          7,50     7,50",
            "TOTAL                            41,40",
        ]);
        assert_eq!(found[0], ("Sun cream".to_owned(), Some(2.0), Some(16.95), Some(33.9)));
    }

    #[test]
    fn of_what_was_ordered_and_delivered_the_one_that_comes_out_counts() {
        let found = lines(&[
            "Description      Ordered   Shipped   Unit Price   Extension",
            "LOCK WASHER         1000       600        .0420       25.20",
            "Invoice Total                                         25.20",
        ]);
        assert_eq!(found[0].1, Some(600.0));
    }

    #[test]
    fn before_and_after_tax_the_amount_is_what_quantity_and_price_come_to() {
        let found = lines(&[
            "Description       Qty   Price   Net amount   VAT   Gross amount",
            "Engine service      2   98.00       196.00   23%         241.08",
            "Total                               196.00               241.08",
        ]);
        assert_eq!(found[0].3, Some(196.0));
    }

    #[test]
    fn a_number_in_a_name_is_not_how_many_where_another_is_printed() {
        let found = lines(&[
            "Description                       Quantity   Price   Amount",
            "Breaker with report to VDE 0100       4.00   10.00    40.00",
            "Total                                                 40.00",
        ]);
        assert_eq!(
            found[0],
            ("Breaker with report to VDE 0100".to_owned(), Some(4.0), Some(10.0), Some(40.0))
        );
    }

    #[test]
    fn a_sum_carried_over_is_no_line() {
        let pages = Fixture::from_texts(&[
            "Text       Menge   Preis   Betrag\nPens           2    1,00     2,00\nPads           3    2,00     6,00\n",
            "Text       Menge   Preis   Betrag\nÜbertrag                     8,00\nInk            1    5,00     5,00\nSumme                       13,00\n",
        ])
        .pages;
        let items = BusinessDocument::new(&pages, "").items;
        let names: Vec<_> = items.lines.iter().filter_map(|line| line.description.as_deref()).collect();
        assert_eq!(names, ["Pens", "Pads", "Ink"]);
    }

    #[test]
    fn the_count_and_price_above_a_name_are_its_own() {
        let found = lines(&[
            "DESCRIZIONE        IVA%   Prezzo",
            "2 X 2,50                        ",
            "COPERTO           10,00     5,00",
            "TAGLIATA          10,00    21,50",
            "TOTALE COMPLESSIVO         26,50",
        ]);
        assert_eq!(found[0], ("COPERTO".to_owned(), Some(2.0), Some(2.5), Some(5.0)));
    }

    #[test]
    fn a_column_of_amounts_is_known_by_them_whatever_it_is_called() {
        let found = lines(&[
            "Description         Qty   Price    Goods",
            "Hardwood ply          6   38.90   233.40",
            "Joist hanger         40    1.12    44.80",
            "Invoice Total                     278.20",
        ]);
        assert_eq!(found[1], ("Joist hanger".to_owned(), Some(40.0), Some(1.12), Some(44.8)));
    }

    #[test]
    fn a_table_goes_on_without_heading_where_the_numbers_come_out() {
        let pages = Fixture::from_texts(&[
            "Product        Qty   Price   Value\nGloves, box     30    6.40  192.00\nSyringe        400    0.12   48.00\n",
            "Wholesale Ltd page 2\nBrought forward              240.00\nThermometer      6   12.50   75.00\nNet                          315.00\n",
        ])
        .pages;
        let items = BusinessDocument::new(&pages, "").items;
        let names: Vec<_> = items.lines.iter().filter_map(|line| line.description.as_deref()).collect();
        assert_eq!(names, ["Gloves, box", "Syringe", "Thermometer"]);
    }

    #[test]
    fn a_name_above_weight_and_price_is_that_of_the_row_below() {
        let found = lines(&[
            "Descripción        P. Unit   Importe",
            "2 YOGUR GRIEGO        1,35      2,70",
            "PLATANO                             ",
            "1,216 kg         1,99 €/kg      2,42",
            "TOTAL                           5,12",
        ]);
        assert_eq!(found[0].0, "YOGUR GRIEGO");
        assert_eq!(found[1], ("PLATANO".to_owned(), Some(1.216), Some(1.99), Some(2.42)));
    }

    #[test]
    fn the_parts_of_a_set_are_not_its_name() {
        let found = lines(&[
            "Artikel                      Aantal    Prijs    Totaal",
            "Laptop with mouse                 1   500,00    500,00",
            "  Laptop 15 inch, silver          1                   ",
            "  Mouse, wireless                 1                   ",
            "Printer                           1   100,00    100,00",
            "Totaal                                          600,00",
        ]);
        assert_eq!(found[0].0, "Laptop with mouse");
    }
}
