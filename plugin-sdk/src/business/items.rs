//! The lines of goods or services: from a table with headings, or from the plain rows of a receipt.

mod headings;
mod item;
mod plain;
mod summed;
mod tables;

use serde_json::Value;

use super::BusinessDocument;
use super::lexicon::Concept;
use crate::output::{Field, Table};
use crate::reading::Span;
use crate::table::Search;
use crate::values::amounts::{self, rounded};

pub use headings::{ItemColumn, heading_words};
pub use item::Item;
use item::has_words;

/// Sums may differ from the printed amount by the rounding of unit prices.
const ROUNDING: f64 = 0.0151;

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
        for mut table in search.run_on(&document.reading, &|row| multiplies(document, row)) {
            tables::settle_amounts(&mut table);
            tables::tell_by_products(document, &mut table);
            items.headings.push(table.heading.clone());
            let lines = tables::lines_of(document, &table);
            if lines.is_empty() {
                continue;
            }
            if items.columns.is_empty() {
                items.columns = table.columns.iter().map(|column| column.title.clone()).collect();
            }
            for (line, rows) in lines {
                items.rows.extend(rows);
                if !items.carries_over(&line) {
                    items.lines.push(line);
                }
            }
        }
        if items.lines.is_empty() {
            let totals = summed::totals(document);
            let adds_up = |lines: &[(Item, Vec<usize>)]| {
                let sum: f64 = lines.iter().filter_map(|(line, _)| line.amount).sum();
                totals.iter().any(|total| (total - sum).abs() < ROUNDING)
            };
            let mut lines = plain::lines(document, &lexicon);
            let is_checked = lines.len() >= 2 && lines.iter().all(|(line, _)| line.is_consistent());
            if !is_checked && !adds_up(&lines) {
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
        if is_total(multiplied) {
            for line in &mut self.lines {
                line.amount = line.amount.or_else(|| line.product().map(rounded));
            }
            return;
        }
        if has_amounts || !prices.is_some_and(is_total) {
            return;
        }
        for line in &mut self.lines {
            line.amount = line.unit_price.take();
        }
    }

    /// Whether a line is the sum of those before it, carried over to the next page.
    fn carries_over(&self, line: &Item) -> bool {
        let sum: f64 = self.lines.iter().filter_map(|line| line.amount).sum();
        let has_numbers = |line: &Item| line.quantity.is_some() || line.unit_price.is_some();
        let is_told_apart = !has_numbers(line) && line.tax_rate.is_none() && line.code.is_none();
        let numbered = self.lines.iter().filter(|line| has_numbers(line)).count();
        is_told_apart
            && numbered >= 2
            && numbered * 2 > self.lines.len()
            && line.amount.is_some_and(|amount| (amount - sum).abs() < ROUNDING)
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

    /// The first row of the document that is part of a line or of the heading above it.
    pub fn first_row(&self) -> Option<usize> {
        let first = *self.rows.first()?;
        let headings = self.headings.iter().map(|heading| heading.start);
        headings.filter(|start| *start < first).max().or(Some(first))
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

/// A heading of goods names at least what or how many, and a price.
fn is_heading(columns: &[ItemColumn]) -> bool {
    let has = |wanted: &[ItemColumn]| columns.iter().any(|column| wanted.contains(column));
    let goods = has(&[ItemColumn::Description, ItemColumn::Quantity, ItemColumn::Code, ItemColumn::Position]);
    let price = has(&[ItemColumn::Amount, ItemColumn::UnitPrice]);
    goods && price && has(&[ItemColumn::Description, ItemColumn::Quantity])
}

/// Whether a row has a name and numbers of which two come to the last: how many, the price of one, the price of all.
fn multiplies(document: &BusinessDocument, row: usize) -> bool {
    let segments = document.reading.row_segments(row);
    let has_name = segments.iter().any(|segment| has_words(&segment.text));
    segments.len() >= 3 && has_name && comes_to_amount(document, row)
}

/// Whether two numbers of a row come to its last.
fn comes_to_amount(document: &BusinessDocument, row: usize) -> bool {
    let found = amounts::find(&document.reading.row_text(row), document.convention);
    let Some((last, others)) = found.split_last() else { return false };
    let products = others.iter().enumerate().flat_map(|(index, first)| {
        others.iter().skip(index + 1).map(move |second| first.value * second.value)
    });
    let mut products = products.filter(|product| *product != 0.0);
    last.is_money() && products.any(|product| (product - last.value).abs() < ROUNDING)
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

#[cfg(test)]
mod tests {
    use crate::business::BusinessDocument;
    use crate::fixture::Fixture;

    /// Description, quantity, price, amount.
    type Line = (String, Option<f64>, Option<f64>, Option<f64>);

    pub(super) fn lines(rows: &[&str]) -> Vec<Line> {
        let pages = Fixture::from_text(&rows.join("\n")).pages;
        let lines = BusinessDocument::new(&pages, "").items.lines;
        lines
            .into_iter()
            .map(|line| (line.description.unwrap_or_default(), line.quantity, line.unit_price, line.amount))
            .collect()
    }

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
