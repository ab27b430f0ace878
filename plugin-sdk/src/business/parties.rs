//! Seller and buyer of an invoice: names, addresses, tax numbers, bank account.

mod customer;
mod supplier;
mod tax_ids;

use serde_json::Value;

use super::BusinessDocument;
use super::lexicon::{self, Concept};
use super::names;
use crate::output::Field;
use crate::page::Rect;
use crate::reading::{Place, Slot, Span};
use crate::text;
use crate::values::identifiers;

/// An address has no more lines than this.
const ADDRESS_LINES: usize = 6;
/// Addresses are looked for in this upper part of the first page.
const ADDRESS_AREA: f32 = 0.5;

/// Seller and buyer.
#[derive(Debug, Clone)]
pub struct Parties {
    /// The seller's name.
    pub supplier_name: Field,
    /// The seller's address, lines joined by spaces.
    pub supplier_address: Field,
    /// The seller's tax number, without spaces.
    pub supplier_tax_id: Field,
    /// The buyer's name.
    pub customer_name: Field,
    /// The buyer's address, lines joined by spaces.
    pub customer_address: Field,
    /// The buyer's tax number, without spaces.
    pub customer_tax_id: Field,
}

/// Lines that stand below each other, aligned: an address with the name above it.
#[derive(Debug, Clone)]
struct Block {
    page: usize,
    segments: Vec<usize>,
    bbox: Rect,
}

impl Parties {
    /// Reads the parties of an invoice.
    pub fn read(document: &BusinessDocument) -> Self {
        let sender_row = sender_row(document);
        let customer = customer::labelled_customer(document)
            .or_else(|| customer::window_customer(document, sender_row))
            .or_else(|| customer::delivered_customer(document));
        let customer_block = customer.as_ref().map(|customer| &customer.block);
        let supplier = supplier::read(document, sender_row, customer_block);
        let (supplier_tax_id, customer_tax_id) = tax_ids::read(document, customer_block);
        let (customer_name, customer_address) = customer.map_or_else(
            || (Field::missing(), Field::missing()),
            |customer| (customer.name, customer.address),
        );
        let (supplier_name, supplier_address) = supplier;
        Self {
            supplier_name,
            supplier_address,
            supplier_tax_id,
            customer_name,
            customer_address,
            customer_tax_id,
        }
    }
}

/// The international bank account; certain when its check digits are right.
pub fn iban(document: &BusinessDocument) -> Field {
    let mut best = Field::missing();
    for row in 0..document.reading.rows().len() {
        let Some(segments) = document.reading.rows().get(row).map(|row| row.segments.clone()) else {
            continue;
        };
        for segment in segments {
            let text = document.reading.segments().get(segment).map_or("", |segment| segment.text.as_str());
            let Some(found) = identifiers::find_iban(text) else { continue };
            let Some(span) = document.reading.span(segment, found.range.clone()) else { continue };
            let labelled =
                document.labels.in_segment(segment).iter().any(|label| label.concept == Concept::Iban);
            let confidence = match (found.is_checked, labelled) {
                (true, _) => 0.98,
                (false, true) => 0.5,
                (false, false) => continue,
            };
            if confidence > best.confidence {
                best = Field::read(found.value, confidence, &span);
            }
        }
    }
    best
}

/// The bank's code (ISO 9362) behind its label.
pub fn bic(document: &BusinessDocument) -> Field {
    for label in document.labels.of(Concept::Bic) {
        for slot in document.labels.slots(&document.reading, label).iter().take(2) {
            let Some((word, span)) = first_word(document, slot, |word| {
                matches!(word.len(), 8 | 11)
                    && word.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
                    && word.chars().take(6).all(|c| c.is_ascii_uppercase())
            }) else {
                continue;
            };
            return Field::read(word, 0.9, &span);
        }
    }
    Field::missing()
}

/// The slot of a name, or the one behind a label such as `Name:` that stands in its place.
fn behind_inner_label(document: &BusinessDocument, slot: &Slot) -> Slot {
    let is_label = document.reading.slot_text(slot).trim_end().ends_with(':');
    let right = || {
        let slots = document.reading.around(slot.segment, slot.range.clone());
        slots.into_iter().find(|next| next.place == Place::Right)
    };
    if is_label { right().unwrap_or_else(|| slot.clone()) } else { slot.clone() }
}

/// The lines of an address: up to the town and the country below it.
fn address_field(lines: &[Span], confidence: f32) -> Field {
    let Some(last) = lines.iter().rposition(|line| names::is_address_line(&line.text)) else {
        return Field::missing();
    };
    let country = lines.get(last + 1).filter(|line| {
        line.text.split_whitespace().count() <= 4
            && !line.text.chars().any(|c| c.is_ascii_digit())
            && line.text.chars().any(|c| c.is_alphabetic())
            && !line.text.contains(':')
    });
    let end = last + 1 + usize::from(country.is_some());
    let span = lines.get(..end).and_then(Span::join);
    let has_town = lines.iter().any(|line| names::is_town_line(&line.text));
    span.map_or_else(Field::missing, |span| {
        Field::read(Value::from(span.text.clone()), confidence - if has_town { 0.0 } else { 0.15 }, &span)
    })
}

/// The lines that stand below a piece of text, aligned with it and close to each other, up to a label.
fn block_from(document: &BusinessDocument, segment: usize, first: &Span) -> Block {
    let page = document.reading.segments().get(segment).map_or(0, |segment| segment.page);
    let mut block = Block { page, segments: vec![segment], bbox: first.bbox };
    let mut last = first.bbox;
    let height = first.bbox.height().max(1.0);
    let mut row = document.reading.segments().get(segment).map_or(usize::MAX, |segment| segment.row);
    let mut usual_gap = f32::MAX;
    while block.segments.len() <= ADDRESS_LINES {
        row = row.saturating_add(1);
        let Some(found) = document.reading.rows().get(row).filter(|found| {
            let smallest = height.min(last.height()).min(found.bbox.height());
            found.page == page && found.bbox.y0 - last.y1 < smallest * 2.3
        }) else {
            break;
        };
        let aligned = found.segments.clone().find(|index| {
            document
                .reading
                .segments()
                .get(*index)
                .is_some_and(|segment| (segment.bbox.x0 - first.bbox.x0).abs() < height * 1.3)
        });
        let Some(index) = aligned else {
            // A row of the other column between two lines of this one.
            if found.segments.clone().all(|index| {
                document
                    .reading
                    .segments()
                    .get(index)
                    .is_some_and(|segment| segment.bbox.overlap_x(&block.bbox) <= 0.0)
            }) {
                continue;
            }
            break;
        };
        let Some(segment) = document.reading.segments().get(index) else { break };
        let ends = document.labels.in_segment(index).iter().any(|label| {
            let is_reference = || {
                let after = segment.text.get(label.range.end..).unwrap_or_default();
                matches!(
                    label.concept,
                    Concept::DocumentNumber | Concept::OrderNumber | Concept::CustomerNumber
                ) && after.trim_start().starts_with(|c: char| c.is_ascii_digit() || c == '#')
            };
            label.starts_segment
                && (label.ends_sharply || label.concept == Concept::Title || is_reference())
                && label.concept != Concept::Delivery
                && !customer::is_attention(document, label)
                || label.concept == Concept::TaxId
        });
        let gap = segment.bbox.y0 - last.y1;
        // An empty line below an address starts another.
        let ends_address = || {
            let last = block.segments.last().and_then(|last| document.reading.segments().get(*last));
            block.segments.len() > 2 || last.is_some_and(|last| names::is_town_line(&last.text))
        };
        let is_apart = block.segments.len() > 1 && gap > usual_gap + height * 0.6 && ends_address();
        if ends || is_apart || document.items.is_heading_row(segment.row) || segment.text.contains('@') {
            break;
        }
        usual_gap = if usual_gap == f32::MAX { gap } else { usual_gap.max(gap) };
        block.segments.push(index);
        block.bbox = block.bbox.union(&segment.bbox);
        last = segment.bbox;
    }
    block
}

/// The row with the sender's name and address in small type, above the window of the envelope.
fn sender_row(document: &BusinessDocument) -> Option<usize> {
    let page_height = document.reading.pages().first()?.height;
    let rows = document.reading.rows().iter().enumerate();
    // A register of companies named below the table is no sender.
    let above_items = rows.take_while(|(index, _)| {
        !document.items.is_heading_row(*index) && !document.items.contains_row(*index)
    });
    above_items.into_iter().find_map(|(index, row)| {
        let in_window = row.page == 0 && row.bbox.y0 < page_height * 0.35;
        let text = document.reading.row_text(index);
        let is_labelled = row
            .segments
            .clone()
            .flat_map(|segment| document.labels.in_segment(segment))
            .any(|label| label.ends_sharply && label.concept != Concept::Title);
        if is_labelled || goes_on_with_name(document, index) {
            return None;
        }
        let separators: usize = [" - ", " | ", "●", "•", " · ", " – ", ", "]
            .iter()
            .map(|separator| text.matches(separator).count())
            .sum();
        let parts: Vec<&str> = text.split(['|', '●', '•', '·', '-', '–', ',']).collect();
        // A postal code may have a hyphen of its own.
        let spaced = [" - ", " | ", " · ", " – ", ", ", "●", "•"];
        let whole_parts = spaced.iter().flat_map(|separator| text.split(separator));
        let has_town = parts.iter().copied().chain(whole_parts).any(names::is_town_line);
        // "KG" is a legal form here and a village there.
        let starts_with_name = parts.first().is_some_and(|part| {
            is_name_like(part)
                && (!names::is_address_line(part) || names::legal_form_end(part.trim()).is_some())
        });
        let is_one_line = text.chars().filter(|c| c.is_alphabetic()).count() >= 15;
        (in_window
            && separators >= 2
            && has_town
            && starts_with_name
            && is_one_line
            && !is_sentence(&text)
            && !text.contains(':')
            && !text.contains('@'))
        .then_some(index)
    })
}

/// Whether a row is set right below a name in type as large, so that it goes on with a letterhead.
fn goes_on_with_name(document: &BusinessDocument, row: usize) -> bool {
    let Some(above) = row.checked_sub(1) else { return false };
    let (Some(first), Some(this)) =
        (document.reading.row_segments(row).first(), document.reading.rows().get(row))
    else {
        return false;
    };
    let folded = text::words(&first.text);
    document.reading.row_segments(above).iter().any(|name| {
        let gap = first.bbox.y0 - name.bbox.y1;
        name.page == this.page
            && name.bbox.overlap_x(&first.bbox) > 0.0
            && gap < first.bbox.height() * 0.8
            && name.bbox.height() > first.bbox.height() * 0.95
            && is_name_like(&name.text)
            && !folded.starts_with(&text::words(&name.text))
    })
}

/// Whether a line can be a name: letters, hardly any digit, no address of a computer.
fn is_name_like(text: &str) -> bool {
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    let digits = text.chars().filter(char::is_ascii_digit).count();
    letters >= 3 && digits * 3 < letters && !text.contains(['@', ':', '\u{fffd}']) && !text.contains("www.")
}

/// Whether the word for an invoice stands in a line: `Votre facture`.
fn has_title(text: &str, titles: &[String]) -> bool {
    let folded = text::words(text);
    folded.split(' ').any(|word| word.len() > 3 && titles.iter().any(|title| title == word))
}

/// Whether a line is a sentence, such as a slogan.
fn is_sentence(text: &str) -> bool {
    text.ends_with(['.', '!', '?'])
        && text.split_whitespace().count() >= 4
        && names::legal_form_end(text).is_none()
}

fn has_letters(text: &str) -> bool {
    text.chars().filter(|c| c.is_alphabetic()).count() >= 3
}

/// Blocks in the upper part of the first page with a name above a street or town.
fn address_blocks(document: &BusinessDocument) -> Vec<Block> {
    let Some(height) = document.reading.pages().first().map(|page| page.height * ADDRESS_AREA) else {
        return Vec::new();
    };
    let titles: Vec<String> = lexicon::phrases(Concept::Title).map(text::compact).collect();
    let mut blocks: Vec<Block> = Vec::new();
    for (index, segment) in document.reading.segments().iter().enumerate() {
        if segment.page > 0 || segment.bbox.y0 > height {
            break;
        }
        // Nobody is addressed below the lines.
        if document.items.first_row().is_some_and(|first| segment.row > first) {
            break;
        }
        let is_taken = blocks.iter().any(|block| block.segments.contains(&index));
        if is_taken
            || !is_name_like(&segment.text)
            || is_sentence(&segment.text)
            || document.labels.starts(index)
            || has_title(&segment.text, &titles)
            || names::is_address_line(&segment.text)
            || document.items.is_heading_row(segment.row)
            || document.items.contains_row(segment.row)
        {
            continue;
        }
        let Some(span) = document.reading.segment_span(index) else { continue };
        let block = block_from(document, index, &span);
        let has_address = block.segments.iter().skip(1).any(|line| {
            document.reading.segments().get(*line).is_some_and(|line| names::is_address_line(&line.text))
        });
        if has_address {
            blocks.push(block);
        }
    }
    blocks
}

/// Whether a block is the seller's: a legal form at its head, or a tax number, telephone or web address below it.
fn is_sellers(document: &BusinessDocument, block: &Block) -> bool {
    let last_row = block
        .segments
        .last()
        .and_then(|last| document.reading.segments().get(*last))
        .map_or(0, |segment| segment.row);
    let below =
        document.reading.rows().iter().skip(last_row + 1).take(4).filter(|row| row.page == block.page);
    below.flat_map(|row| row.segments.clone()).any(|index| {
        let aligned = document
            .reading
            .segments()
            .get(index)
            .is_some_and(|segment| segment.bbox.overlap_x(&block.bbox) > 0.0);
        let labels = document.labels.in_segment(index);
        aligned
            && labels.iter().any(|label| {
                matches!(
                    label.concept,
                    Concept::TaxId
                        | Concept::Registration
                        | Concept::Phone
                        | Concept::Website
                        | Concept::Iban
                )
            })
    })
}

/// The first word of a slot that fits, and its place.
fn first_word(
    document: &BusinessDocument,
    slot: &Slot,
    fits: impl Fn(&str) -> bool,
) -> Option<(String, Span)> {
    let text = document.reading.slot_text(slot);
    let mut at = slot.range.start;
    for word in text.split(' ') {
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
        if fits(bare) {
            let start = at + word.find(bare).unwrap_or(0);
            return Some((bare.to_owned(), document.reading.span(slot.segment, start..start + bare.len())?));
        }
        at += word.len() + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Fixture;

    #[test]
    fn a_letterhead_without_legal_form_gives_way_to_the_name_in_full() {
        let text = "Orchid Boats\n\nInvoice 4711\nTotal 20.00\n\nOrchid Boats Pty Ltd   www.orchidboats.com";
        let pages = Fixture::from_text(text).pages;
        assert_eq!(
            Parties::read(&BusinessDocument::new(&pages, "")).supplier_name.value,
            "Orchid Boats Pty Ltd"
        );
    }

    #[test]
    fn a_word_like_a_label_in_a_text_layer_is_none() {
        let text = "North Garage Ltd\nInvoice 4711\nSupplies\nOther charges   15.00\nTotal 15.00";
        let pages = Fixture::from_text(text).pages;
        assert_eq!(Parties::read(&BusinessDocument::new(&pages, "")).supplier_name.value, "North Garage Ltd");
    }

    fn parties(rows: &[&str]) -> (String, String) {
        let pages = Fixture::from_text(&rows.join("\n")).pages;
        let parties = Parties::read(&BusinessDocument::new(&pages, ""));
        let text = |field: &Field| field.value.as_str().unwrap_or_default().to_owned();
        (text(&parties.supplier_name), text(&parties.customer_name))
    }

    #[test]
    fn an_empty_line_below_an_address_starts_the_next() {
        let rows = [
            "Cobalt Energy               Your bill",
            "PO Box 77, Leeds LE1 9ZZ    Date: 3 May 2021",
            "",
            "Ann Miller",
            "9 Copse Close",
            "Luton LU4 8PQ",
            "",
            "Total 20.00",
            "",
            "Cobalt Energy Limited. Registered in England No. 08812345.",
        ];
        assert_eq!(parties(&rows), ("Cobalt Energy Limited".to_owned(), "Ann Miller".to_owned()));
    }

    #[test]
    fn the_one_address_at_the_head_is_the_sellers_unless_another_is_named() {
        let head = ["CEDAR HAULAGE", "1200 River Road", "Eugene, OR 97404", "", "Total due   $20.00", ""];
        assert_eq!(parties(&head), ("CEDAR HAULAGE".to_owned(), String::new()));
        let other = [
            "Ann Miller",
            "1200 River Road",
            "Eugene, OR 97404",
            "",
            "Total 20.00",
            "",
            "Account holder: Cedar Haulage",
        ];
        assert_eq!(parties(&other), ("Cedar Haulage".to_owned(), "Ann Miller".to_owned()));
    }

    #[test]
    fn the_recipient_without_a_label_is_not_the_sender_named_below_the_lines() {
        let rows = [
            "                                  joinery brandt",
            "Chambers Voss & Partner                         ",
            "Neuer Wall 50                                   ",
            "20354 Hamburg                                   ",
            "",
            "Rechnung Nr. 231202-4                           ",
            "Leistung        Menge   Einzelpreis  Gesamtpreis",
            "Table               1      3.480,00     3.480,00",
            "Gesamtbetrag                            3.480,00",
            "",
            "Tischlerei Brandt GmbH     HRB 88112 AG Hamburg ",
            "Ottenser Str. 8            USt-IdNr.: DE234567891",
            "22525 Hamburg                                   ",
        ];
        let expected = ("Tischlerei Brandt GmbH".to_owned(), "Chambers Voss & Partner".to_owned());
        assert_eq!(parties(&rows), expected);
    }

    #[test]
    fn a_line_below_the_name_in_a_letterhead_is_no_senders_line() {
        let rows = [
            "RIDGEWAY PLUMBING                               ",
            "Licensed, Bonded, Foundry Rd, Scranton PA 18503 ",
            "",
            "TO: Angela Ruiz",
            "21 Maple Terrace",
            "Dunmore PA 18512",
            "",
            "Balance due   $20.00",
        ];
        assert_eq!(parties(&rows), ("RIDGEWAY PLUMBING".to_owned(), "Angela Ruiz".to_owned()));
    }

    #[test]
    fn who_gets_the_goods_stands_in_for_the_customer() {
        let rows = [
            "Sold by",
            "ThreadAndThimble",
            "Order #2871190345",
            "",
            "Deliver to",
            "Hannah Bell",
            "2 Chapel Row",
            "Bath BA1 4QT",
            "",
            "Order total £20.00",
        ];
        assert_eq!(parties(&rows), ("ThreadAndThimble".to_owned(), "Hannah Bell".to_owned()));
    }

    #[test]
    fn the_company_stands_above_the_person_it_is_addressed_to() {
        let rows = [
            "HOLLOWAY & DUNNE LLP",
            "One Beacon Street, Boston, MA 02108",
            "",
            "Granite State Holdings, Inc.",
            "Attn: General Counsel",
            "77 Elm Street",
            "Manchester, NH 03101",
            "",
            "Total due $20.00",
        ];
        assert_eq!(parties(&rows).1, "Granite State Holdings, Inc.");
    }

    #[test]
    fn a_line_about_the_capital_is_not_the_name_above_it() {
        let rows = [
            "TRANSPORTS GUILLOU",
            "SAS au capital de 80 000 €",
            "ZI Nord, 22000 Saint-Brieuc",
            "RCS Saint-Brieuc 380 112 554",
            "",
            "TOTAL T.T.C. 20,00 €",
        ];
        assert_eq!(parties(&rows).0, "TRANSPORTS GUILLOU");
    }
}
