//! Values by their labels: the short way to most fields.
//!
//! A label is found in spite of case, accents, spacing and a misread letter. Its value is looked for behind it, to its
//! right and below it, and must be what was asked for: where `Total` is also the heading of a column of texts, the next
//! `Total` is tried. A document that has no such value gives a [`Field::missing`], never a guess.

use std::ops::Range;

use serde_json::{Map, Value};

use crate::labels::{Label, Labels, Lexicon};
use crate::output::Field;
use crate::page::Page;
use crate::reading::{Place, Reading, Span};
use crate::table::{RawTable, Search};
use crate::values::amounts;
use crate::values::dates;
use crate::values::manner::Manner;
use crate::values::{contacts, currencies, identifiers};

/// Confidence of a value in the row of its label.
const BESIDE: f32 = 0.95;

/// Confidence of a value below its label, where it may be another's.
const BELOW: f32 = 0.85;

/// What a misread letter of the label takes away.
const MISREAD: f32 = 0.1;

/// Confidence of a value that was recognised by its form alone.
const UNLABELLED: f32 = 0.7;

/// Confidence of a number whose check digits are wrong: a letter was misread.
const UNCHECKED: f32 = 0.5;

/// Words that begin the row behind the last one of a table.
const ENDS: &[&str] = &[
    "total",
    "sub total",
    "subtotal",
    "net total",
    "grand total",
    "amount due",
    "balance",
    "balance due",
    "sum",
    "summe",
    "gesamt",
    "zwischensumme",
    "vat",
    "tax",
    "mwst",
    "tva",
    "total ht",
    "total ttc",
    "iva",
];

/// Finds values in a document.
pub struct Finder<'a> {
    reading: Reading<'a>,
    manner: Manner,
}

/// A column of a table that is looked for.
#[derive(Debug, Clone, Copy)]
pub struct Column<'c> {
    name: &'c str,
    headings: &'c [&'c str],
    kind: ColumnKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ColumnKind {
    Text,
    Amount,
    Date,
}

impl<'c> Column<'c> {
    /// A column of texts: `name` is the property of each row's object, `headings` is what may stand above the column.
    pub fn text(name: &'c str, headings: &'c [&'c str]) -> Self {
        Self { name, headings, kind: ColumnKind::Text }
    }

    /// A column of numbers.
    pub fn amount(name: &'c str, headings: &'c [&'c str]) -> Self {
        Self { name, headings, kind: ColumnKind::Amount }
    }

    /// A column of dates.
    pub fn date(name: &'c str, headings: &'c [&'c str]) -> Self {
        Self { name, headings, kind: ColumnKind::Date }
    }
}

impl<'a> Finder<'a> {
    /// Arranges the words of a document's pages, and settles how it writes numbers and dates.
    pub fn new(pages: &'a [Page]) -> Self {
        let reading = Reading::new(pages);
        let manner = Manner::infer(reading.segments().iter().map(|segment| segment.text.as_str()));
        Self { reading, manner }
    }

    /// The rows and segments, for questions that this finder does not answer.
    pub fn reading(&self) -> &Reading<'a> {
        &self.reading
    }

    /// The text beside one of the labels, the first of which is tried first.
    pub fn text(&self, labels: &[&str]) -> Field {
        self.value(labels, |text| {
            let trimmed = text.trim();
            // Another label is no value.
            let is_value = trimmed.chars().any(char::is_alphanumeric) && !trimmed.ends_with(':');
            is_value.then(|| (trimmed.to_owned(), 0..text.len()))
        })
    }

    /// The number beside one of the labels, with its currency in the field's text.
    pub fn amount(&self, labels: &[&str]) -> Field {
        self.value(labels, |text| {
            let found = amounts::find(text, self.manner.convention);
            let amount = found.iter().find(|amount| amount.is_money());
            let amount = amount.or_else(|| found.iter().find(|amount| !amount.is_percentage))?;
            Some((amount.value, amount.range.clone()))
        })
    }

    /// The percentage beside one of the labels: 19 for `19 %`.
    pub fn percentage(&self, labels: &[&str]) -> Field {
        self.value(labels, |text| {
            let found = amounts::find(text, self.manner.convention);
            let amount = found.into_iter().find(|amount| amount.is_percentage)?;
            Some((amount.value, amount.range))
        })
    }

    /// The date beside one of the labels, as `YYYY-MM-DD`.
    pub fn date(&self, labels: &[&str]) -> Field {
        self.value(labels, |text| {
            let found = dates::find(text, self.manner.order).into_iter().next()?;
            Some((found.date.to_string(), found.range))
        })
    }

    /// The time of day beside one of the labels, as `HH:MM` or `HH:MM:SS`.
    pub fn time(&self, labels: &[&str]) -> Field {
        self.value(labels, dates::find_time)
    }

    /// The number of a document, an order, a customer beside one of the labels: a word or two with a digit.
    pub fn number(&self, labels: &[&str]) -> Field {
        self.value(labels, |text| {
            let start = text.len() - text.trim_start().len();
            let found = identifiers::document_number(text.get(start..)?)?;
            Some((found.value, found.range.start + start..found.range.end + start))
        })
    }

    /// The currency that is named most often, as its ISO 4217 code.
    pub fn currency(&self) -> Field {
        let mut counts: Vec<(&str, usize)> = Vec::new();
        for code in self.reading.segments().iter().flat_map(|segment| currencies::mentions(&segment.text)) {
            match counts.iter_mut().find(|(known, _)| *known == code) {
                Some((_, count)) => *count += 1,
                None => counts.push((code, 1)),
            }
        }
        // Of several that are named equally often, the first one read.
        let most = counts.iter().rev().max_by_key(|(_, count)| *count);
        let span = most.and_then(|(code, _)| {
            let names = |text: &str| currencies::mentions(text).contains(code);
            let segment = self.reading.segments().iter().position(|segment| names(&segment.text))?;
            self.reading.segment_span(segment)
        });
        match (most, span) {
            (Some((code, _)), Some(span)) => Field::read(*code, BESIDE, &span),
            _ => Field::missing(),
        }
    }

    /// The first international bank account number, wherever it stands; a wrong check digit lowers the confidence.
    pub fn iban(&self) -> Field {
        self.identifier(identifiers::find_iban)
    }

    /// The first European VAT number, wherever it stands.
    pub fn vat_number(&self) -> Field {
        self.identifier(identifiers::find_vat_number)
    }

    /// The first e-mail address, wherever it stands.
    pub fn email(&self) -> Field {
        self.anywhere(contacts::find_email)
    }

    /// A value of your own kind beside one of the labels. `parse` is given the text of a place and answers with the value
    /// and the bytes of the text that it was read from.
    pub fn value<V: Into<Value>>(
        &self,
        labels: &[&str],
        parse: impl Fn(&str) -> Option<(V, Range<usize>)>,
    ) -> Field {
        let lexicon = Lexicon::new(labels.iter().copied().enumerate());
        let found = Labels::find(&self.reading, &lexicon);
        let mut places: Vec<(&Label<usize>, crate::reading::Slot)> = found
            .iter()
            .flat_map(|label| found.slots(&self.reading, label).into_iter().map(move |slot| (label, slot)))
            .collect();
        // Stable: of equal ones, the first in reading order.
        places
            .sort_by_key(|(label, slot)| (label.concept, !label.starts_segment, slot.place == Place::Below));
        let read = places.iter().find_map(|(label, slot)| {
            let text = self.reading.slot_text(slot);
            // What parts a label from its value belongs to neither.
            let behind = text.trim_start_matches([':', '#', '=', '.', ' ', '：']);
            let start = slot.range.start + text.len() - behind.len();
            let (value, range) = parse(behind)?;
            let span = self.reading.span(slot.segment, start + range.start..start + range.end)?;
            let place = if slot.place == Place::Below { BELOW } else { BESIDE };
            Some(Field::read(value, place - MISREAD * label.distance as f32, &span))
        });
        read.unwrap_or_else(Field::missing)
    }

    /// A value of your own kind that is known by its form, wherever it stands: the first that `parse` reads.
    pub fn anywhere<V: Into<Value>>(&self, parse: impl Fn(&str) -> Option<(V, Range<usize>)>) -> Field {
        let segments = self.reading.segments().iter().enumerate();
        let mut read = segments.filter_map(|(index, segment)| {
            let (value, range) = parse(&segment.text)?;
            Some(Field::read(value, UNLABELLED, &self.reading.span(index, range)?))
        });
        read.next().unwrap_or_else(Field::missing)
    }

    /// The rows of the table with these columns, as an array of objects; at least two of the headings (or the one there
    /// is) have to stand in a row. A table that goes on over several pages is one.
    ///
    /// ```
    /// use ocriva_plugin_sdk::finder::Column;
    /// use ocriva_plugin_sdk::{Finder, Fixture, serde_json::json};
    ///
    /// let page = "Item          Price\nBread loaf     2.40\nMilk           1.10\n\nTotal          3.50";
    /// let fixture = Fixture::from_text(page);
    /// let rows = Finder::new(&fixture.pages).rows(&[
    ///     Column::text("name", &["item", "description"]),
    ///     Column::amount("price", &["price", "amount"]),
    /// ]);
    /// assert_eq!(rows.value, json!([{"name": "Bread loaf", "price": 2.4}, {"name": "Milk", "price": 1.1}]));
    /// ```
    pub fn rows(&self, columns: &[Column]) -> Field {
        let headings = columns.iter().enumerate();
        let headings =
            headings.flat_map(|(index, column)| column.headings.iter().map(move |heading| (index, *heading)));
        let lexicon = Lexicon::new(headings);
        let ends = Lexicon::new(ENDS.iter().map(|word| ((), *word)));
        let kind = |column: usize| columns.get(column).map_or(ColumnKind::Text, |column| column.kind);
        let search = Search {
            lexicon: &lexicon,
            is_heading: &|found: &[usize]| {
                let mut distinct = found.to_vec();
                distinct.sort_unstable();
                distinct.dedup();
                distinct.len() >= columns.len().min(2)
            },
            is_end: &|row| {
                let first = self.reading.row_segments(row).first();
                first.is_some_and(|first| ends.meaning(first.text.trim_end_matches([':', ' '])).is_some())
            },
            is_numeric: &|column| kind(column) == ColumnKind::Amount,
            convention: self.manner.convention,
        };
        let mut rows: Vec<Map<String, Value>> = Vec::new();
        let mut spans: Vec<Span> = Vec::new();
        for table in search.run(&self.reading) {
            self.read_rows(columns, &table, &mut rows, &mut spans);
        }
        let Some(first) = spans.first() else { return Field::missing() };
        let on_page: Vec<Span> = spans.iter().filter(|span| span.page == first.page).cloned().collect();
        let Some(whole) = Span::join(&on_page) else { return Field::missing() };
        let rows: Vec<Value> = rows.into_iter().map(Value::Object).collect();
        // The text of a whole table says nothing that its rows do not.
        Field { text: None, ..Field::read(rows, BELOW, &whole) }
    }

    fn read_rows(
        &self,
        columns: &[Column],
        table: &RawTable<usize>,
        rows: &mut Vec<Map<String, Value>>,
        spans: &mut Vec<Span>,
    ) {
        for body in &table.rows {
            let mut read: Vec<(usize, Value)> = Vec::new();
            for piece in &body.pieces {
                let Some(index) = table.columns.get(piece.column).and_then(|column| column.concept) else {
                    continue;
                };
                let Some(column) = columns.get(index) else { continue };
                read.extend(self.cell(column.kind, &piece.span.text).map(|value| (index, value)));
            }
            let is_continuation =
                read.len() == 1 && columns.len() > 2 && read.iter().all(|(_, value)| value.is_string());
            if read.is_empty() {
                continue;
            }
            // A text after white space is none of the table's.
            if is_continuation
                && body
                    .pieces
                    .first()
                    .zip(spans.last())
                    .is_some_and(|(piece, last)| is_apart(last, &piece.span))
            {
                break;
            }
            spans.extend(body.pieces.iter().map(|piece| piece.span.clone()));
            match rows.last_mut().filter(|_| is_continuation) {
                // A text that goes on in the next line.
                Some(last) => {
                    for (index, value) in read {
                        let Some(column) = columns.get(index) else { continue };
                        join(last.entry(column.name.to_owned()).or_insert(Value::Null), &value);
                    }
                }
                None => {
                    let mut row: Map<String, Value> =
                        columns.iter().map(|column| (column.name.to_owned(), Value::Null)).collect();
                    for (index, value) in read {
                        let Some(column) = columns.get(index) else { continue };
                        join(row.entry(column.name.to_owned()).or_insert(Value::Null), &value);
                    }
                    rows.push(row);
                }
            }
        }
    }

    fn cell(&self, kind: ColumnKind, text: &str) -> Option<Value> {
        match kind {
            ColumnKind::Text => Some(Value::from(text.trim())),
            ColumnKind::Amount => {
                amounts::parse(text, self.manner.convention).map(|amount| Value::from(amount.value))
            }
            ColumnKind::Date => {
                dates::parse(text, self.manner.order).map(|found| Value::from(found.date.to_string()))
            }
        }
    }

    fn identifier(&self, find: impl Fn(&str) -> Option<identifiers::Identifier>) -> Field {
        let segments = self.reading.segments().iter().enumerate();
        let mut found = segments.filter_map(|(index, segment)| {
            let identifier = find(&segment.text)?;
            let span = self.reading.span(index, identifier.range)?;
            let confidence = if identifier.is_checked { BESIDE } else { UNCHECKED };
            Some(Field::read(identifier.value, confidence, &span))
        });
        found.next().unwrap_or_else(Field::missing)
    }
}

/// Puts a value where there is none yet, or a text behind the text that is there.
fn join(place: &mut Value, value: &Value) {
    match (place.as_str(), value.as_str()) {
        (Some(before), Some(more)) => *place = Value::from(format!("{before} {more}")),
        _ if place.is_null() => *place = value.clone(),
        _ => {}
    }
}

/// Whether white space of a line and more is between two pieces of one page.
fn is_apart(above: &Span, below: &Span) -> bool {
    above.page == below.page && below.bbox.y0 - above.bbox.y1 > below.bbox.height()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fixture::Fixture;

    fn page(text: &str) -> Vec<Page> {
        Fixture::from_text(text).pages
    }

    const INVOICE: &str = "\
Customer number: 88
Invoice number:  2026-117       VAT 20 %
Date             14.03.2026

Item          Quantity     Price     Total
Paper A4            10      4.20     42.00
white, recycled
Envelopes            1     10.00     10.00
Total                                52.00 EUR
IBAN DE89 3704 0044 0532 0130 00, post@example.org";

    #[test]
    fn values_are_read_beside_their_labels() {
        let pages = page(INVOICE);
        let find = Finder::new(&pages);
        assert_eq!(find.number(&["invoice number", "number"]).value, "2026-117");
        assert_eq!(find.date(&["date"]).value, "2026-03-14");
        assert_eq!(find.percentage(&["vat"]).value, 20.0);
        assert_eq!(find.currency().value, "EUR");
        assert_eq!(find.iban().value, "DE89370400440532013000");
        assert_eq!(find.email().value, "post@example.org");
        let total = find.amount(&["total"]);
        assert_eq!((total.value, total.text.as_deref()), (json!(52.0), Some("52.00 EUR")));
        assert!(find.amount(&["discount"]).is_missing());
    }

    #[test]
    fn a_value_beside_its_label_goes_before_one_below() {
        let pages = page("Total\n9.00\n\nTotal:  12.00");
        assert_eq!(Finder::new(&pages).amount(&["total"]).value, 12.0);
        let pages = page("Net     Total\n9.00    10.71");
        let total = Finder::new(&pages).amount(&["total"]);
        assert_eq!((total.value, total.confidence), (json!(10.71), BELOW));
    }

    #[test]
    fn a_text_is_not_the_next_label() {
        let pages = page("Name:\nStreet:   Mill Lane 12");
        let find = Finder::new(&pages);
        assert!(find.text(&["name"]).is_missing());
        assert_eq!(find.text(&["street"]).value, "Mill Lane 12");
    }

    #[test]
    fn a_text_below_white_space_is_none_of_the_rows_above() {
        let pages = page(
            "Meter    Tariff     Used\nM1       day       259.5\nM1       night      57.5\n\nSignature: ______",
        );
        let columns = [
            Column::text("meter", &["meter"]),
            Column::text("tariff", &["tariff"]),
            Column::amount("used", &["used"]),
        ];
        let rows = Finder::new(&pages).rows(&columns);
        assert_eq!(rows.value[1], json!({"meter": "M1", "tariff": "night", "used": 57.5}));
        assert_eq!(rows.value.as_array().map(Vec::len), Some(2));
    }

    #[test]
    fn rows_end_before_the_totals_and_wrapped_texts_belong_to_the_row_above() {
        let pages = page(INVOICE);
        let rows = Finder::new(&pages).rows(&[
            Column::text("name", &["item"]),
            Column::amount("quantity", &["quantity"]),
            Column::amount("price", &["price"]),
        ]);
        assert_eq!(
            rows.value,
            json!([
                {"name": "Paper A4 white, recycled", "quantity": 10.0, "price": 4.2},
                {"name": "Envelopes", "quantity": 1.0, "price": 10.0},
            ])
        );
        assert_eq!(rows.page, Some(1));
        assert!(Finder::new(&pages).rows(&[Column::text("sku", &["sku"])]).is_missing());
    }

    #[test]
    fn a_form_of_its_own_is_read_by_the_authors_own_function() {
        let pages = page("Parcel RR123456785DE is on its way");
        let parcel = Finder::new(&pages).anywhere(|text| {
            let start = text.find("RR")?;
            Some((text.get(start..start + 13)?.to_owned(), start..start + 13))
        });
        assert_eq!((parcel.value, parcel.text.as_deref()), (json!("RR123456785DE"), Some("RR123456785DE")));
    }
}
