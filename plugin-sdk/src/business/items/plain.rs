//! The lines of receipts that have no table heading.

use super::{Item, ItemColumn, ROUNDING, ends_items, has_words, summed};
use crate::business::lexicon::Concept;
use crate::business::names;
use crate::business::{BusinessDocument, PlacedAmount};
use crate::labels::Lexicon;
use crate::reading::Span;
use crate::values::amounts::{self, Amount, rounded};

/// Rows above the first price that may be its name: what stands before them is the head of the receipt.
const NAME_ROWS: usize = 2;
/// Longer rows are notices.
const NAME_LENGTH: usize = 60;

/// The lines of a receipt without headings: rows above the totals that end in an amount.
pub(super) fn lines(document: &BusinessDocument, headings: &Lexicon<ItemColumn>) -> Vec<(Item, Vec<usize>)> {
    let rows = 0..document.reading.rows().len();
    let Some(end) = rows.into_iter().find(|row| ends_items(document, *row) && row_has_money(document, *row))
    else {
        return Vec::new();
    };
    let mut lines: Vec<(Item, Vec<usize>)> = Vec::new();
    let mut names: Vec<Name> = Vec::new();
    let mut counts: Vec<Option<f64>> = Vec::new();
    let start = head_end(document, end);
    // Without a label to end it, the head may reach down to the line above the first price.
    let name_rows = if start > 0 { NAME_ROWS } else { 1 };
    let mut factors_above: Option<(f64, f64)> = None;
    for row in start..end {
        let Some(plain) = PlainRow::read(document, row) else { continue };
        if is_payment_or_tax(document, row) {
            names.clear();
            continue;
        }
        let Some(amount) = plain.amount.filter(|_| !plain.is_name_with_price()) else {
            if is_rule(&plain.whole.text) {
                names.clear();
            }
            // "Receipt: 4711" above the first line names nothing.
            let is_labelled = lines.is_empty()
                && (plain.whole.text.contains(':')
                    || (start == 0 && names::is_address_line(&plain.whole.text)));
            if has_words(&plain.whole.text)
                && !is_labelled
                && plain.whole.text.len() < NAME_LENGTH
                && !is_heading(headings, &plain.whole.text)
            {
                names.push(Name { text: plain.words.clone(), row, price: plain.amount, span: plain.whole });
            }
            continue;
        };
        // "2 x 0.95" above "Pretzel   1.90".
        if let Some(factors) = plain.factors_of_next(document, row).filter(|_| row + 1 < end) {
            factors_above = Some(factors);
            names.clear();
            continue;
        }
        // The price of all, below "3 @ 12.99".
        let completes = !has_words(&plain.words) && names.is_empty() && plain.numbers.len() == 1;
        if let Some((item, rows)) = lines.last_mut().filter(|(item, _)| completes && item.is_consistent()) {
            item.amount = Some(amount);
            item.spans.push(plain.whole);
            rows.push(row);
            continue;
        }
        if lines.is_empty() {
            names.drain(..names.len().saturating_sub(name_rows));
        }
        let name = names
            .last()
            .cloned()
            .filter(|name| plain.is_priced || name.price.is_some() || !has_words(&plain.words));
        // What else stood above belongs to no line.
        names.clear();
        counts.push(plain.count);
        let line = plain.into_line(row, amount, name);
        lines.extend(line.map(|(mut item, rows)| {
            if let Some((quantity, price)) = factors_above.take() {
                (item.quantity, item.unit_price) = (Some(quantity), Some(price));
            }
            (item, rows)
        }));
    }
    drop_positions(&mut lines, &counts);
    drop_from_sum(&mut lines);
    settle_trailing_counts(document, &mut lines);
    lines
}

/// Leaves out a sum of the lines above it and what follows it: "Parts and labor", the tax.
fn drop_from_sum(lines: &mut Vec<(Item, Vec<usize>)>) {
    let is_checked = |(item, _): &&(Item, Vec<usize>)| item.is_consistent();
    let end = (2..lines.len()).find(|index| {
        let above = lines.get(..*index).unwrap_or_default();
        let sum: f64 = above.iter().filter_map(|(item, _)| item.amount).sum();
        let is_sum = lines.get(*index).is_some_and(|(item, _)| {
            item.quantity.is_none() && item.amount.is_some_and(|amount| (amount - sum).abs() < ROUNDING)
        });
        is_sum && (above.len() >= 3 || above.iter().filter(is_checked).count() * 2 > above.len())
    });
    lines.truncate(end.unwrap_or(lines.len()));
}

/// Where a count and a times sign stand right before the one price of a line, that is the price of one, unless the
/// prices as they are come to a total: `Towel set   2 x 11.50`.
fn settle_trailing_counts(document: &BusinessDocument, lines: &mut [(Item, Vec<usize>)]) {
    let totals = summed::totals(document);
    let sum: f64 = lines.iter().filter_map(|(item, _)| item.amount).sum();
    let is_whole = totals.iter().any(|total| (total - sum).abs() < ROUNDING);
    for (item, _) in lines {
        let counted = item.description.as_deref().and_then(trailing_count);
        let Some((count, name)) = counted.filter(|_| item.unit_price.is_none()) else { continue };
        let name = name.to_owned();
        if !is_whole {
            item.unit_price = item.amount;
            item.amount = item.amount.map(|price| rounded(price * count));
        }
        item.quantity = Some(count);
        item.description = Some(name);
    }
}

/// A name and the times sign with a count behind it: `Cream Soda x2`.
fn count_at_end(text: &str) -> Option<(f64, &str)> {
    let (name, last) = text.rsplit_once(' ')?;
    let count: f64 = last.strip_prefix(['x', 'X', '×'])?.parse().ok()?;
    ((1.0..100.0).contains(&count) && count.fract() == 0.0 && has_words(name))
        .then_some((count, name.trim_end()))
}

/// A name and the count with a times sign behind it: `Towel set 2 x`.
fn trailing_count(text: &str) -> Option<(f64, &str)> {
    let bare = text.strip_suffix(['x', 'X', '×'])?.trim_end();
    let (name, count) = bare.rsplit_once(' ')?;
    let count: f64 = count.parse().ok()?;
    ((1.0..1000.0).contains(&count) && count.fract() == 0.0 && has_words(name))
        .then_some((count, name.trim_end()))
}

/// Where the numbers in front of the lines count them, they do not say how many.
fn drop_positions(lines: &mut [(Item, Vec<usize>)], counts: &[Option<f64>]) {
    let are_positions = counts.len() >= 3
        && counts.iter().zip(1..).all(|(count, position)| *count == Some(f64::from(position)));
    for (item, _) in lines.iter_mut().filter(|(item, _)| are_positions && item.unit_price.is_none()) {
        item.quantity = None;
    }
}

/// The row behind the head of a receipt: behind its last label of a number, a date, the staff.
fn head_end(document: &BusinessDocument, end: usize) -> usize {
    let is_header = |concept: Concept| {
        matches!(
            concept,
            Concept::DocumentNumber
                | Concept::DocumentDate
                | Concept::AnyDate
                | Concept::OtherDate
                | Concept::TaxId
                | Concept::Phone
                | Concept::Time
                | Concept::Registration
                | Concept::Title
                | Concept::Email
                | Concept::Website
                | Concept::Other
        )
    };
    let header = document.labels.iter().filter(|label| is_header(label.concept) && label.starts_segment);
    // What other documents say at their head ends it as well where it is set apart.
    let apart = document.labels.iter().filter(|label| {
        matches!(
            label.concept,
            Concept::DueDate
                | Concept::OrderNumber
                | Concept::CustomerNumber
                | Concept::Customer
                | Concept::Delivery
        ) && label.starts_segment
            && label.ends_sharply
    });
    header
        .chain(apart)
        .map(|label| document.row_of(label))
        .filter(|row| *row < end)
        .max()
        .map_or(0, |row| row + 1)
}

/// Whether a row starts with a label of a tax or of a payment, made or due.
fn is_payment_or_tax(document: &BusinessDocument, row: usize) -> bool {
    let segments = document.reading.rows().get(row).map_or(0..0, |row| row.segments.clone());
    let label = document.labels.in_segment(segments.start).first();
    label.is_some_and(|label| {
        label.starts_segment
            && label.distance == 0
            && matches!(label.concept, Concept::Tax | Concept::Paid | Concept::AmountDue | Concept::DueDate)
    })
}

/// Whether a row is a line drawn with signs.
fn is_rule(text: &str) -> bool {
    text.len() >= 5 && !text.chars().any(char::is_alphanumeric)
}

/// Whether a row is only words of table headings, as in `RM CODE`.
fn is_heading(headings: &Lexicon<ItemColumn>, text: &str) -> bool {
    let covered: usize = headings.find_in(text).iter().map(|(range, ..)| range.len()).sum();
    covered * 10 >= text.len() * 7
}

/// A row without amount, which may name the next line.
#[derive(Debug, Clone)]
struct Name {
    text: String,
    row: usize,
    /// Price of one, where it is printed behind the name.
    price: Option<f64>,
    span: Span,
}

/// A row of a receipt without headings.
struct PlainRow {
    whole: Span,
    /// The text in front of the amounts.
    words: String,
    /// A whole number in front of the words, most often how many.
    count: Option<f64>,
    /// A whole number apart between the words and the amount.
    count_behind: Option<f64>,
    numbers: Vec<Number>,
    /// The last number, if it is an amount of money.
    amount: Option<f64>,
    /// Whether a sign of a price is printed: `2 @ 3.00`.
    is_priced: bool,
}

impl PlainRow {
    fn read(document: &BusinessDocument, row: usize) -> Option<Self> {
        let segments = document.reading.rows().get(row)?.segments.clone();
        let placed = segments.clone().flat_map(|segment| document.amounts_in(segment));
        let mut placed: Vec<_> = placed.filter(|placed| !placed.amount.is_percentage).collect();
        let spans: Vec<Span> =
            segments.filter_map(|segment| document.reading.segment_span(segment)).collect();
        let whole = Span::join(&spans)?;
        // "2,29 1" ends in the number of the tax.
        let is_code = |placed: &[PlacedAmount]| match placed {
            [.., price, code] => {
                price.amount.is_money()
                    && code.amount.decimals == 0
                    && (0.0..10.0).contains(&code.amount.value)
                    && code.segment == price.segment
            }
            _ => false,
        };
        if is_code(&placed) {
            placed.truncate(placed.len() - 1);
        }
        let last = placed.last().filter(|last| last.amount.is_money() || is_grouped(document, last));
        let amount = last.map(|last| last.amount.value);
        let numbers: Vec<Number> = placed.iter().map(|placed| Number::of(&placed.amount)).collect();
        let others: Vec<Number> = numbers.iter().rev().skip(1).copied().collect();
        let price = amount.and_then(|amount| factors(&others, amount)).map(|(_, price)| price);
        let (count, words) = words_of(document, row, |value| Some(value) == amount || Some(value) == price);
        Some(Self {
            count,
            count_behind: count_behind(document, row),
            words,
            numbers,
            amount,
            is_priced: whole.text.contains('@'),
            whole,
        })
    }

    /// Count and price of one, where nothing else is in the row and the next has a name and their product.
    fn factors_of_next(&self, document: &BusinessDocument, row: usize) -> Option<(f64, f64)> {
        let [count, price] = self.numbers.as_slice() else { return None };
        let next = PlainRow::read(document, row + 1)?;
        let product = next.amount.filter(|_| has_words(&next.words) && !has_words(&self.words))?;
        ((count.value * price.value - product).abs() < ROUNDING).then_some((count.value, price.value))
    }

    /// Whether it is a name with the price of one and nothing else: `RICE 10KG @53.50`.
    fn is_name_with_price(&self) -> bool {
        self.is_priced && self.numbers.len() == 1 && has_words(&self.words)
    }

    /// The line that ends in `amount`, named by its own words or by a row above it.
    fn into_line(self, row: usize, amount: f64, name: Option<Name>) -> Option<(Item, Vec<usize>)> {
        let mut item = Item { amount: Some(amount), ..Item::default() };
        let mut others: Vec<Number> = self.numbers.iter().rev().skip(1).copied().collect();
        others.extend(name.as_ref().and_then(|name| name.price).map(Number::price));
        if let Some((quantity, price)) = factors(&others, amount) {
            item.quantity = Some(quantity);
            item.unit_price = Some(price);
        } else if let Some(quantity) = others
            .first()
            .map(|number| number.value)
            .filter(|quantity| self.is_priced && quantity.fract() == 0.0 && *quantity > 0.0)
        {
            item.quantity = Some(quantity);
            item.unit_price = Some(amount);
            item.amount = Some(rounded(quantity * amount));
        }
        item.quantity = item.quantity.or(self.count).or(self.count_behind.filter(|_| name.is_none()));
        let mut rows = vec![row];
        match name {
            Some(name) => {
                let code = without_factor(&self.words, item.quantity).trim();
                item.code = Some(code.to_owned()).filter(|code| code.chars().any(|c| c.is_ascii_digit()));
                item.description = Some(name.text);
                rows.push(name.row);
                item.spans.push(name.span);
            }
            None => {
                let words = without_factor(&self.words, item.quantity.filter(|_| item.unit_price.is_some()));
                item.description = Some(words.to_owned()).filter(|words| has_words(words));
            }
        }
        item.take_leading_count();
        // "Cream Soda x2"
        if let Some((count, name)) = item.description.as_deref().and_then(count_at_end)
            && item.quantity.is_none()
        {
            let name = name.to_owned();
            item.quantity = Some(count);
            item.description = Some(name);
        }
        item.take_unit_words();
        item.spans.push(self.whole);
        item.description.is_some().then_some((item, rows))
    }
}

/// A number as printed.
#[derive(Debug, Clone, Copy)]
struct Number {
    value: f64,
    decimals: usize,
}

impl Number {
    fn of(amount: &Amount) -> Self {
        Self { value: amount.value, decimals: amount.decimals }
    }

    fn price(value: f64) -> Self {
        Self { value, decimals: 2 }
    }
}

/// Quantity and price among the numbers of a row whose product is its amount.
fn factors(numbers: &[Number], amount: f64) -> Option<(f64, f64)> {
    let pairs = numbers
        .iter()
        .enumerate()
        .flat_map(|(index, second)| numbers.iter().skip(index + 1).map(move |first| (*first, *second)));
    let (first, second) = pairs
        .into_iter()
        .find(|(first, second)| amount != 0.0 && (first.value * second.value - amount).abs() < ROUNDING)?;
    // "7.90*3" has the price first, "12.5 38.00" the quantity.
    let is_price_first = first.decimals == 2 && second.decimals == 0;
    Some(if is_price_first { (second.value, first.value) } else { (first.value, second.value) })
}

fn row_has_money(document: &BusinessDocument, row: usize) -> bool {
    let segments = document.reading.rows().get(row).map_or(0..0, |row| row.segments.clone());
    segments.flat_map(|segment| document.amounts_in(segment)).any(|placed| placed.amount.is_money())
}

/// A text without the quantity and its times sign behind it: `BREAD 2 x`.
fn without_factor(words: &str, quantity: Option<f64>) -> &str {
    let Some(quantity) = quantity else { return words };
    let bare = words.trim_end_matches([' ', 'x', 'X', '×', '*', '@']);
    bare.strip_suffix(&format!(" {quantity}"))
        .unwrap_or(if bare.is_empty() { words } else { bare })
        .trim_end()
}

/// Whether an amount is a whole one in groups of thousands, as prices are in currencies without cents: `18.900`.
fn is_grouped(document: &BusinessDocument, placed: &PlacedAmount) -> bool {
    let segment = document.reading.segments().get(placed.segment);
    let printed =
        segment.and_then(|segment| segment.text.get(placed.amount.range.clone())).unwrap_or_default();
    placed.amount.decimals == 0 && placed.amount.value >= 1000.0 && printed.contains(['.', ',', '\''])
}

/// The whole number that is all of the one segment between the words and the amount: `LATTE   2   9.00`.
fn count_behind(document: &BusinessDocument, row: usize) -> Option<f64> {
    let segments = document.reading.row_segments(row);
    let [first, middle, _] = segments else { return None };
    let count: f64 = middle.text.trim_end_matches(['x', 'X', ' ']).parse().ok()?;
    (has_words(&first.text) && middle.text.len() <= 3 && count.fract() == 0.0 && count > 0.0).then_some(count)
}

/// The count in front of a row's text, and the text behind it up to the amounts that `is_part` of the line. An amount
/// that ends a name is part of the name: `WINE 0.75   8.90`.
fn words_of(document: &BusinessDocument, row: usize, is_part: impl Fn(f64) -> bool) -> (Option<f64>, String) {
    let mut text = String::new();
    for segment in document.reading.rows().get(row).map_or(0..0, |row| row.segments.clone()) {
        let Some(found) = document.reading.segments().get(segment) else { continue };
        let money = document.amounts_in(segment).into_iter().find(|placed| {
            let before = found.text.get(..placed.amount.range.start).unwrap_or_default();
            (placed.amount.is_money() || is_grouped(document, placed))
                && (is_part(placed.amount.value) || !has_words(before))
        });
        let end = money.as_ref().map_or(found.text.len(), |placed| placed.amount.range.start);
        text.push_str(found.text.get(..end).unwrap_or_default());
        if money.is_some() {
            break;
        }
        text.push(' ');
    }
    let text = text.trim_end();
    let found = amounts::find(text, document.convention);
    let first =
        found.first().filter(|first| first.range.start == 0 && first.decimals < 2 && first.value < 100.0);
    let words = text.get(first.map_or(0, |first| first.range.end)..).unwrap_or_default();
    let words = words.trim_matches(|c: char| !c.is_alphanumeric() && c != ')' && c != '(');
    // "3x Tea", "3 x Tea"
    let rest = words.strip_prefix(['x', 'X', '×']).filter(|rest| first.is_some() && rest.starts_with(' '));
    let words = rest.unwrap_or(words).trim_start();
    let count = first.map(|first| first.value).filter(|count| *count > 0.0 && has_words(words));
    (count, words.to_owned())
}

#[cfg(test)]
mod tests {
    use crate::business::items::tests::lines;

    #[test]
    fn a_count_in_front_of_a_name_is_the_quantity() {
        let found = lines(&[
            "3x Winter tyre 205/55 R16   180,00",
            "1 Tea light, 0,75 l          2,50",
            "TOTAL   182,50",
        ]);
        assert_eq!(
            found,
            [
                ("Winter tyre 205/55 R16".to_owned(), Some(3.0), Some(60.0), Some(180.0)),
                ("Tea light, 0,75 l".to_owned(), Some(1.0), Some(2.5), Some(2.5)),
            ]
        );
    }

    #[test]
    fn numbers_that_count_the_lines_are_no_quantities() {
        let found = lines(&["1 Soap      2.00", "2 Towel     6.00", "3 Comb      1.00", "TOTAL   9.00"]);
        assert_eq!(found.iter().map(|line| line.1).collect::<Vec<_>>(), [None; 3]);
    }

    #[test]
    fn what_stands_above_a_drawn_line_names_nothing_below_it() {
        let found =
            lines(&["Till 7 closes at nine", "----------------", "Soap", "2 x 3.00   6.00", "TOTAL   6.00"]);
        assert_eq!(found, [("Soap".to_owned(), Some(2.0), Some(3.0), Some(6.0))]);
    }

    #[test]
    fn the_town_above_the_first_line_is_no_name_and_whole_prices_count() {
        let found =
            lines(&["Corner Market", "Fresno, CA 93728", "Peaches", "2.5 lb @ 2.00   5.00", "TOTAL   5.00"]);
        assert_eq!(found[0].0, "Peaches");
        let found = lines(&[
            "Arroz 1kg     2   4.500    9.000",
            "Cafe 500g     1  18.900   18.900",
            "TOTAL               $ 27.900",
        ]);
        assert_eq!(found[0], ("Arroz 1kg".to_owned(), Some(2.0), Some(4500.0), Some(9000.0)));
    }

    #[test]
    fn count_and_price_of_one_may_stand_above_the_name_or_behind_it() {
        let found =
            lines(&["2 x 0,95", "Pretzel            1,90 A", "Rye bread          4,20 A", "SUMME   6,10"]);
        assert_eq!(found[0], ("Pretzel".to_owned(), Some(2.0), Some(0.95), Some(1.9)));
        let found = lines(&["2 st Bun à 28,00     56,00", "Tea                  32,00", "Totalt   88,00"]);
        assert_eq!(found[0], ("Bun".to_owned(), Some(2.0), Some(28.0), Some(56.0)));
        let found =
            lines(&["Apron, sage     1 x £34.00", "Towel set       2 x £11.50", "Item total      £57.00"]);
        assert_eq!(found[1], ("Towel set".to_owned(), Some(2.0), Some(11.5), Some(23.0)));
    }

    #[test]
    fn a_price_of_a_pound_is_no_name_and_the_name_is_the_nearest_above() {
        let found = lines(&["GROCERY", "BANANAS", "  2.31 lb @ 0.79/lb    1.82 F", "TOTAL   1.82"]);
        assert_eq!(found, [("BANANAS".to_owned(), Some(2.31), Some(0.79), Some(1.82))]);
    }

    #[test]
    fn the_sum_below_the_lines_and_the_tax_behind_it_are_none() {
        let found = lines(&[
            "3       water heater          @ $612.00    $1,836.00",
            "12 ft   copper pipe, type L     @ $4.85       $58.20",
            "        Materials & labor                   $1,894.20",
            "        PA sales tax 6%                       $113.65",
            "        Balance due                         $2,007.85",
        ]);
        assert_eq!(found.len(), 2);
        assert_eq!(found[1], ("copper pipe, type L".to_owned(), Some(12.0), Some(4.85), Some(58.2)));
    }

    #[test]
    fn the_number_of_a_tax_behind_a_price_is_no_amount() {
        let found = lines(&["Carrots             2,29 1", "Oat milk  3 x 1,79   5,37 1", "Summe   7,66"]);
        assert_eq!(found[1], ("Oat milk".to_owned(), Some(3.0), Some(1.79), Some(5.37)));
        assert_eq!(found[0].3, Some(2.29));
    }

    #[test]
    fn weights_are_read_without_a_space_and_counts_behind_the_name() {
        let found = lines(&["Apple 0,854kg*24,90kr/kg   21,26", "Cream soda x2   6,00", "TOTALT   27,26"]);
        assert_eq!((found[0].1, found[0].2, found[0].3), (Some(0.854), Some(24.9), Some(21.26)));
        assert_eq!(found[1], ("Cream soda".to_owned(), Some(2.0), Some(3.0), Some(6.0)));
    }
}
