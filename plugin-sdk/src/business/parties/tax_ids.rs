//! The tax numbers of seller and buyer.

use super::Block;
use crate::business::BusinessDocument;
use crate::business::lexicon::Concept;
use crate::labels::Label;
use crate::output::Field;
use crate::reading::{Place, Span};
use crate::values::identifiers;

/// The seller's and the buyer's tax numbers.
pub(super) fn read(document: &BusinessDocument, customer: Option<&Block>) -> (Field, Field) {
    let mut supplier = Field::missing();
    let mut buyer = Field::missing();
    let mut keep = |value: String, confidence: f32, span: &Span, is_buyers: bool| {
        let slot = if is_buyers { &mut buyer } else { &mut supplier };
        if confidence > slot.confidence + 0.001 {
            *slot = Field::read(value, confidence, span);
        }
    };
    for label in document
        .labels
        .iter()
        .filter(|label| matches!(label.concept, Concept::TaxId | Concept::CustomerTaxId | Concept::Tax))
    {
        let slots = document.labels.slots(&document.reading, label);
        for slot in slots.iter().take(3) {
            let text = document.reading.slot_text(slot);
            let found = match label.concept {
                Concept::Tax => identifiers::find_vat_number(text).filter(|found| found.range.start < 8),
                _ => identifiers::tax_number(text).filter(|found| found.range.start < 12),
            };
            let Some(found) = found else { continue };
            let range = slot.range.start + found.range.start..slot.range.start + found.range.end;
            let Some(span) = document.reading.span(slot.segment, range) else { continue };
            let near_customer =
                customer.is_some_and(|block| is_near(block, &span, label_page(document, label)));
            let is_buyers = label.concept == Concept::CustomerTaxId || near_customer;
            let place = if slot.place == Place::Below { 0.15 } else { 0.0 };
            keep(found.value, 0.9 - place - label.distance as f32 * 0.08, &span, is_buyers);
            break;
        }
    }
    for (index, segment) in document.reading.segments().iter().enumerate() {
        let is_labelled =
            document.labels.in_segment(index).iter().any(|label| label.concept == Concept::CustomerTaxId);
        let found = identifiers::find_vat_number(&segment.text);
        let found = found.filter(|found| !is_labelled && !is_hyphenated(&segment.text, found.range.start));
        let Some(found) = found else { continue };
        let row_is_customers =
            document.labels.of(Concept::CustomerTaxId).any(|label| document.row_of(label) == segment.row);
        let is_account =
            identifiers::find_iban(&segment.text).is_some_and(|iban| iban.range.contains(&found.range.start));
        if let Some(span) =
            document.reading.span(index, found.range).filter(|_| !row_is_customers && !is_account)
        {
            let is_buyers = customer.is_some_and(|block| is_near(block, &span, segment.page));
            keep(found.value, 0.6, &span, is_buyers);
        }
    }
    (supplier, buyer)
}

/// Whether a hyphen follows the two letters at `start`: an order number such as `RO-20221108`.
fn is_hyphenated(text: &str, start: usize) -> bool {
    text.get(start + 2..).is_some_and(|rest| rest.starts_with('-'))
}

fn label_page(document: &BusinessDocument, label: &Label<Concept>) -> usize {
    document.reading.segments().get(label.segment).map_or(0, |segment| segment.page)
}

/// Whether a place is inside or right below a block of lines.
fn is_near(block: &Block, span: &Span, page: usize) -> bool {
    let height = span.bbox.height().max(1.0);
    page == block.page
        && span.bbox.overlap_x(&block.bbox) > 0.0
        && span.bbox.y0 > block.bbox.y0 - height
        && span.bbox.y0 < block.bbox.y1 + height * 2.5
}
