//! What invoices, receipts and other business documents have in common: numbers, dates, amounts, parties, lines.

pub mod facts;
pub mod items;
pub mod lexicon;
pub mod merchant;
pub mod names;
pub mod parties;
mod payment;
pub mod references;
pub mod totals;

use crate::document::Document;
use crate::extractor::Failure;
use crate::labels::{Label, Labels};
use crate::page::Page;
use crate::reading::{Reading, Slot, Span};
use crate::values::amounts::{self, Amount, Convention};
use crate::values::dates::{self, Date, Order};
use crate::values::manner::Manner;

use lexicon::Concept;

/// A document with its labels found and its ways of writing numbers and dates settled.
#[derive(Debug, Clone)]
pub struct BusinessDocument<'a> {
    /// Rows and segments.
    pub reading: Reading<'a>,
    /// Labels of the business lexicon.
    pub labels: Labels<Concept>,
    /// Which sign starts the decimals.
    pub convention: Convention,
    /// Whether day or month stands first.
    pub order: Order,
    /// The day of reading, where it is known: a document is not dated later.
    pub today: Option<Date>,
    /// The table of goods or services.
    pub items: items::Items,
}

/// An amount and where it stands.
#[derive(Debug, Clone)]
pub struct PlacedAmount {
    /// The amount; its range is in the segment's text.
    pub amount: Amount,
    /// Index of the segment.
    pub segment: usize,
}

impl<'a> BusinessDocument<'a> {
    /// Reads the pages of one document; `today` as a request has it, or empty.
    pub fn new(pages: &'a [Page], today: &str) -> Self {
        let reading = Reading::new(pages);
        let labels = Labels::find(&reading, &lexicon::lexicon());
        let Manner { convention, order } = reading.manner();
        let today = dates::parse(today, Order::DayFirst).map(|found| found.date);
        let mut document = Self { reading, labels, convention, order, today, items: items::Items::default() };
        document.items = items::Items::read(&document);
        document
    }

    /// How it writes numbers and dates.
    pub fn manner(&self) -> Manner {
        Manner { convention: self.convention, order: self.order }
    }

    /// The amounts in a segment; ranges are in its text.
    pub fn amounts_in(&self, segment: usize) -> Vec<PlacedAmount> {
        let text = self.reading.segments().get(segment).map_or("", |found| found.text.as_str());
        amounts::find(text, self.convention)
            .into_iter()
            .map(|amount| PlacedAmount { amount, segment })
            .collect()
    }

    /// The amounts in a slot; ranges are in the segment's text.
    pub fn amounts_in_slot(&self, slot: &Slot) -> Vec<PlacedAmount> {
        let found = amounts::find(self.reading.slot_text(slot), self.convention);
        let placed = found.into_iter().map(|mut amount| {
            amount.range = amount.range.start + slot.range.start..amount.range.end + slot.range.start;
            PlacedAmount { amount, segment: slot.segment }
        });
        placed.collect()
    }

    /// Text and place of an amount.
    pub fn amount_span(&self, placed: &PlacedAmount) -> Option<Span> {
        self.reading.span(placed.segment, placed.amount.range.clone())
    }

    /// Whether a row of the document starts the totals below a table.
    pub fn ends_items(&self, row: usize) -> bool {
        items::ends_items(self, row)
    }

    /// The row a label stands in.
    pub fn row_of(&self, label: &Label<Concept>) -> usize {
        self.reading.segments().get(label.segment).map_or(0, |segment| segment.row)
    }
}

/// All pages of a document.
///
/// # Errors
/// A page that cannot be read.
pub fn pages(document: &Document) -> Result<Vec<Page>, Failure> {
    (0..document.page_count()).map(|index| document.page(index)).collect()
}
