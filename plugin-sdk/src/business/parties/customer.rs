//! The buyer of an invoice: behind its label, in the window of the envelope, or where the goods go.

use serde_json::Value;

use super::{
    Block, address_blocks, address_field, behind_inner_label, block_from, has_letters, is_name_like,
    is_sellers, supplier,
};
use crate::business::BusinessDocument;
use crate::business::lexicon::Concept;
use crate::business::names;
use crate::labels::Label;
use crate::output::Field;
use crate::reading::{Place, Slot, Span};
use crate::text;

/// The buyer, and the lines that name it.
pub(super) struct Customer {
    pub(super) name: Field,
    pub(super) address: Field,
    pub(super) block: Block,
}

/// The buyer behind or below a label such as "Bill to".
pub(super) fn labelled_customer(document: &BusinessDocument) -> Option<Customer> {
    let mut found: Vec<(f32, Customer)> = Vec::new();
    for label in document.labels.of(Concept::Customer).filter(|label| label.starts_segment) {
        if document.items.is_heading_row(document.row_of(label))
            || document.items.contains_row(document.row_of(label))
        {
            continue;
        }
        // A word such as "to" or "client" in running text is no label.
        if !label.ends_sharply && label.range.len() < 5 {
            continue;
        }
        // The company stands above the person it is addressed to.
        let company = name_above(document, label.segment).filter(|_| is_attention(document, label));
        if let Some(company) = company
            && let Some(span) = document.reading.segment_span(company)
        {
            found.push((1.2, customer_of(document, block_from(document, company, &span), span, 0.8)));
            continue;
        }
        for slot in document.labels.slots(&document.reading, label).iter().take(3) {
            // "Facture à régler par virement" goes on with its sentence.
            let sentence = slot.place == Place::Behind
                && !label.ends_sharply
                && !document.reading.slot_text(slot).trim().starts_with(char::is_uppercase);
            if sentence {
                break;
            }
            let Some(customer) = customer_at(document, slot) else { continue };
            // "Client: 411SMITH" is a number of the customer.
            let is_code = customer.name.value.as_str().is_some_and(is_code) && customer.address.is_missing();
            if is_code {
                break;
            }
            let misread = label.distance as f32 * 0.2;
            let sharp = if label.ends_sharply { 0.4 } else { 0.0 };
            let place = if slot.place == Place::Below { 0.0 } else { 0.1 };
            let address = if customer.address.is_missing() { 0.0 } else { 0.8 };
            let score = 1.0 + sharp + place + address - misread;
            found.push((score, customer));
            break;
        }
    }
    found
        .into_iter()
        .reduce(|best, next| if next.0 > best.0 { next } else { best })
        .map(|(_, customer)| customer)
}

/// Whether a label is one of a person within the customer's address: `Attn: Ann Bell`.
pub(super) fn is_attention(document: &BusinessDocument, label: &Label<Concept>) -> bool {
    const WORDS: &[&str] = &[
        "attn",
        "attention",
        "att",
        "tav",
        "zhd",
        "zhdn",
        "alattentionde",
        "alaatenciónde",
        "alaatencionde",
        "allattenzionedi",
    ];
    label.concept == Concept::Customer
        && document
            .reading
            .span(label.segment, label.range.clone())
            .is_some_and(|span| WORDS.contains(&text::compact(&span.text).as_str()))
}

/// The line right above a segment that starts where it does, if it may be a name.
fn name_above(document: &BusinessDocument, segment: usize) -> Option<usize> {
    let this = document.reading.segments().get(segment)?;
    let index = document.reading.segments().iter().rposition(|above| {
        above.page == this.page
            && above.row < this.row
            && (above.bbox.x0 - this.bbox.x0).abs() < this.bbox.height() * 1.3
            && this.bbox.y0 - above.bbox.y1 < this.bbox.height()
    })?;
    let above = document.reading.segments().get(index)?;
    (is_name_like(&above.text) && !names::is_address_line(&above.text) && !document.labels.starts(index))
        .then_some(index)
}

/// Whether a text is one word with letters and several digits.
fn is_code(text: &str) -> bool {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    digits >= 2 && !text.trim().contains(' ')
}

/// Who the goods go to, where nobody else is named.
pub(super) fn delivered_customer(document: &BusinessDocument) -> Option<Customer> {
    let labels = document.labels.of(Concept::Delivery).filter(|label| label.starts_segment);
    labels.into_iter().find_map(|label| {
        let slots = document.labels.slots(&document.reading, label);
        let customer = slots.iter().take(2).find_map(|slot| customer_at(document, slot))?;
        (!customer.address.is_missing()).then(|| {
            let confidence = |field: Field| Field { confidence: field.confidence.min(0.5), ..field };
            Customer {
                name: confidence(customer.name),
                address: confidence(customer.address),
                block: customer.block,
            }
        })
    })
}

fn customer_at(document: &BusinessDocument, slot: &Slot) -> Option<Customer> {
    let slot = &behind_inner_label(document, slot);
    let text = document.reading.slot_text(slot);
    let whole = text.trim_matches(|c: char| !c.is_alphanumeric() && c != '(' && c != ')' && c != '.');
    // "Maple Club, 40 Broadway, Orangeville ON L9W 1J9" has the address in the same line.
    let name_text = whole
        .split_once(", ")
        .filter(|(first, rest)| {
            has_letters(first)
                && rest.starts_with(|c: char| c.is_ascii_digit())
                && names::is_address_line(rest)
        })
        .map_or(whole, |(first, _)| first);
    let letters = name_text.chars().filter(|c| c.is_alphabetic()).count();
    let digits = name_text.chars().filter(char::is_ascii_digit).count();
    if letters < 3
        || digits > letters
        || name_text.split_whitespace().count() > 9
        || document.items.contains_row(document.reading.segments().get(slot.segment)?.row)
    {
        return None;
    }
    let start = slot.range.start + text.find(name_text)?;
    let span = document.reading.span(slot.segment, start..start + name_text.len())?;
    let block = block_from(document, slot.segment, &span);
    Some(customer_of(document, block, span, 0.85))
}

fn customer_of(document: &BusinessDocument, block: Block, name: Span, confidence: f32) -> Customer {
    let lines: Vec<Span> =
        block.segments.iter().skip(1).filter_map(|segment| document.reading.segment_span(*segment)).collect();
    let (salutation, lines) = match lines.split_first() {
        Some((first, rest)) if is_salutation(&name.text) => (Some(first.clone()), rest.to_vec()),
        _ => (None, lines),
    };
    let name = salutation.unwrap_or(name);
    let address = address_field(&lines, confidence);
    let cleaned = without_salutation(names::clean_name(&name.text)).to_owned();
    Customer { name: Field::read(Value::from(cleaned), confidence, &name), address, block }
}

/// A name without what only addresses have in front: `Herrn Max Obermeier`.
fn without_salutation(name: &str) -> &str {
    const SALUTATIONS: &[&str] = &["Herrn ", "Firma ", "Fa. "];
    SALUTATIONS.iter().find_map(|salutation| name.strip_prefix(salutation)).unwrap_or(name).trim_start()
}

fn is_salutation(text: &str) -> bool {
    matches!(
        text::words(text).as_str(),
        "herr"
            | "frau"
            | "herrn"
            | "firma"
            | "mr"
            | "mrs"
            | "ms"
            | "monsieur"
            | "madame"
            | "m"
            | "mme"
            | "an"
            | "herr frau"
            | "sig"
            | "sr"
            | "sra"
    )
}

/// The buyer in the window of the envelope: below the sender's line, or the address in the upper part that is not
/// the seller's.
pub(super) fn window_customer(document: &BusinessDocument, sender_row: Option<usize>) -> Option<Customer> {
    if let Some(row) = sender_row {
        let sender = document.reading.row_segments(row).first()?.bbox;
        let below = document
            .reading
            .rows()
            .iter()
            .skip(row + 1)
            .take_while(|next| next.page == 0 && next.bbox.y0 - sender.y1 < sender.height() * 12.0);
        let aligned = below.flat_map(|row| row.segments.clone()).filter(|index| {
            let segment = document.reading.segments().get(*index);
            segment.is_some_and(|segment| {
                (segment.bbox.x0 - sender.x0).abs() < sender.height() * 4.0 && is_name_like(&segment.text)
            })
        });
        let first = aligned.into_iter().find(|index| !document.labels.starts(*index)).and_then(|index| {
            let span = document.reading.segment_span(index)?;
            let block = block_from(document, index, &span);
            (block.segments.len() > 1).then_some((block, span))
        });
        if let Some((block, span)) = first {
            return Some(customer_of(document, block, span, 0.8));
        }
    }
    let blocks = address_blocks(document);
    // The one address at the head of a page is the seller's, unless another is named elsewhere.
    let is_letterhead = |block: &Block| {
        let first = block.segments.first().and_then(|first| document.reading.segments().get(*first));
        blocks.len() == 1
            && first.is_some_and(|first| first.row == 0)
            && !supplier::is_named_outside(document, block)
    };
    let block = blocks.iter().rfind(|block| {
        !is_sellers(document, block)
            && !is_below(document, block, Concept::Delivery)
            && !is_below(document, block, Concept::Supplier)
            && !is_letterhead(block)
    })?;
    let block = block.clone();
    let first = *block.segments.first()?;
    let span = document.reading.segment_span(first)?;
    Some(customer_of(document, block, span, 0.55))
}

/// Whether a label of one meaning stands above a block or in its first line.
fn is_below(document: &BusinessDocument, block: &Block, concept: Concept) -> bool {
    document.labels.of(concept).any(|label| {
        let Some(found) = document.reading.segments().get(label.segment) else { return false };
        let gap = block.bbox.y0 - found.bbox.y1;
        found.page == block.page
            && found.bbox.overlap_x(&block.bbox) > 0.0
            && gap < found.bbox.height() * 2.5
            && gap > -block.bbox.height()
    })
}
