//! Seller and buyer of an invoice: names, addresses, tax numbers, bank account.

use serde_json::Value;

use super::BusinessDocument;
use super::lexicon::Concept;
use super::names;
use crate::labels::Label;
use crate::output::Field;
use crate::page::Rect;
use crate::reading::{Place, Slot, Span};
use crate::text;
use crate::values::{contacts, identifiers};

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
        let customer = labelled_customer(document).or_else(|| window_customer(document, sender_row));
        let customer_block = customer.as_ref().map(|customer| &customer.block);
        let supplier = supplier(document, sender_row, customer_block);
        let (supplier_tax_id, customer_tax_id) = tax_ids(document, customer_block);
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

struct Customer {
    name: Field,
    address: Field,
    block: Block,
}

/// The buyer behind or below a label such as "Bill to".
fn labelled_customer(document: &BusinessDocument) -> Option<Customer> {
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
        for slot in document.labels.slots(&document.reading, label).iter().take(3) {
            // "Facture à régler par virement" goes on with its sentence.
            let sentence = slot.place == Place::Behind
                && !label.ends_sharply
                && !document.reading.slot_text(slot).trim().starts_with(char::is_uppercase);
            if sentence {
                break;
            }
            let Some(customer) = customer_at(document, slot) else { continue };
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

fn customer_at(document: &BusinessDocument, slot: &Slot) -> Option<Customer> {
    let text = document.reading.slot_text(slot);
    let name_text = text.trim_matches(|c: char| !c.is_alphanumeric() && c != '(' && c != ')' && c != '.');
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
    let cleaned = names::clean_name(&name.text).to_owned();
    Customer { name: Field::read(Value::from(cleaned), confidence, &name), address, block }
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
            label.starts_segment
                && (label.ends_sharply || label.concept == Concept::Title)
                && label.concept != Concept::Delivery
                || label.concept == Concept::TaxId
        });
        if ends || document.items.is_heading_row(segment.row) || segment.text.contains('@') {
            break;
        }
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
        let separators: usize = [" - ", " | ", "●", "•", " · ", " – ", ", "]
            .iter()
            .map(|separator| text.matches(separator).count())
            .sum();
        let parts: Vec<&str> = text.split(['|', '●', '•', '·', '-', '–', ',']).collect();
        let has_town = parts.iter().any(|part| names::is_town_line(part));
        let starts_with_name =
            parts.first().is_some_and(|part| is_name_like(part) && !names::is_address_line(part));
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

/// The buyer in the window of the envelope: below the sender's line, or the address in the upper part that is not
/// the seller's.
fn window_customer(document: &BusinessDocument, sender_row: Option<usize>) -> Option<Customer> {
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
    let block =
        blocks.into_iter().rfind(|block| !is_sellers(document, block) && !is_delivery(document, block))?;
    let first = *block.segments.first()?;
    let span = document.reading.segment_span(first)?;
    Some(customer_of(document, block, span, 0.55))
}

/// Whether the place of delivery is named above a block or in its first line.
fn is_delivery(document: &BusinessDocument, block: &Block) -> bool {
    document.labels.of(Concept::Delivery).any(|label| {
        let Some(found) = document.reading.segments().get(label.segment) else { return false };
        let gap = block.bbox.y0 - found.bbox.y1;
        found.page == block.page
            && found.bbox.overlap_x(&block.bbox) > 0.0
            && gap < found.bbox.height() * 2.5
            && gap > -block.bbox.height()
    })
}

/// Whether a line can be a name: letters, hardly any digit, no address of a computer.
fn is_name_like(text: &str) -> bool {
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    let digits = text.chars().filter(char::is_ascii_digit).count();
    letters >= 3 && digits * 3 < letters && !text.contains(['@', ':', '\u{fffd}']) && !text.contains("www.")
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
    let mut blocks: Vec<Block> = Vec::new();
    for (index, segment) in document.reading.segments().iter().enumerate() {
        if segment.page > 0 || segment.bbox.y0 > height {
            break;
        }
        let is_taken = blocks.iter().any(|block| block.segments.contains(&index));
        if is_taken
            || !is_name_like(&segment.text)
            || is_sentence(&segment.text)
            || document.labels.starts(index)
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

/// Name and address of the seller.
fn supplier(
    document: &BusinessDocument,
    sender_row: Option<usize>,
    customer: Option<&Block>,
) -> (Field, Field) {
    let mut candidates = supplier_names(document, sender_row, customer);
    let texts: Vec<String> = candidates.iter().map(|(_, _, name)| text::compact(name)).collect();
    let domains = domains(document);
    for (score, _, name) in &mut candidates {
        let folded = text::compact(name);
        let repeats = texts.iter().filter(|other| **other == folded).count() - 1;
        *score += repeats.min(3) as f32 * 0.35;
        *score += if domains
            .iter()
            .any(|domain| folded.starts_with(domain.as_str()) || domain.starts_with(&folded))
        {
            0.7
        } else {
            0.0
        };
    }
    let best = candidates
        .iter()
        .cloned()
        .reduce(|best, next| if next.0 > best.0 { next } else { best })
        .map(|best| with_legal_form(best, &candidates));
    let Some((score, segment, name)) = best else { return (Field::missing(), Field::missing()) };
    let Some(whole) = document.reading.segment_span(segment) else {
        return (Field::missing(), Field::missing());
    };
    let field = Field {
        text: Some(name.clone()),
        ..Field::read(Value::from(name.clone()), (0.25 * score).clamp(0.3, 0.93), &whole)
    };
    (field, supplier_address(document, segment, &whole, &name))
}

/// The same name printed in full elsewhere: a letterhead often leaves out the legal form.
fn with_legal_form(best: (f32, usize, String), candidates: &[(f32, usize, String)]) -> (f32, usize, String) {
    let folded = text::words(&best.2);
    if folded.is_empty() || names::legal_form_end(&best.2).is_some() {
        return best;
    }
    let longer = candidates.iter().filter(|(_, _, name)| {
        let other = text::words(name);
        names::legal_form_end(name).is_some()
            && other.strip_prefix(folded.as_str()).is_some_and(|rest| rest.starts_with(' '))
    });
    let longer = longer.cloned().reduce(|longer, next| if next.0 > longer.0 { next } else { longer });
    longer.map_or(best.clone(), |(_, segment, name)| (best.0, segment, name))
}

fn supplier_address(document: &BusinessDocument, segment: usize, whole: &Span, name: &str) -> Field {
    // The rest of a sender's line, or what is right of the name in its row.
    let row = document.reading.segments().get(segment).map_or(0, |segment| segment.row);
    let row_spans: Vec<Span> = document
        .reading
        .rows()
        .get(row)
        .map_or(0..0, |row| row.segments.clone())
        .filter(|index| *index >= segment)
        .filter_map(|index| document.reading.segment_span(index))
        .collect();
    if let Some(line) = Span::join(&row_spans)
        && let Some((_, rest)) = line.text.split_once(name)
    {
        let rest = rest.trim_matches(|c: char| !c.is_alphanumeric());
        if rest.chars().any(|c| c.is_ascii_digit()) && names::is_address_line(rest) && !rest.contains(':') {
            return Field { text: Some(rest.to_owned()), ..Field::read(Value::from(rest), 0.75, &line) };
        }
    }
    let block = block_from(document, segment, whole);
    let lines: Vec<Span> =
        block.segments.iter().skip(1).filter_map(|index| document.reading.segment_span(*index)).collect();
    address_field(&lines, 0.75)
}

/// Names the seller may have: score, segment, name.
fn supplier_names(
    document: &BusinessDocument,
    sender_row: Option<usize>,
    customer: Option<&Block>,
) -> Vec<(f32, usize, String)> {
    let mut candidates: Vec<(f32, usize, String)> = Vec::new();
    for label in
        document.labels.of(Concept::Supplier).filter(|label| label.starts_segment || label.ends_sharply)
    {
        candidates.extend(labelled_supplier(document, label));
    }
    for label in document.labels.of(Concept::AccountHolder) {
        candidates.extend(
            labelled_supplier(document, label).map(|(score, segment, name)| (score.min(1.4), segment, name)),
        );
    }
    let page_height = document.reading.pages().first().map_or(1.0, |page| page.height).max(1.0);
    let mut heights: Vec<f32> =
        document.reading.segments().iter().map(|segment| segment.bbox.height()).collect();
    heights.sort_by(f32::total_cmp);
    let usual = heights.get(heights.len() / 2).copied().unwrap_or(1.0);
    let mut first_heading = true;
    for (index, segment) in document.reading.segments().iter().enumerate() {
        let in_customer = customer.is_some_and(|block| block.segments.contains(&index));
        if in_customer || document.items.contains_row(segment.row) || !has_letters(&segment.text) {
            continue;
        }
        let is_sender = Some(segment.row) == sender_row
            && document.reading.row_segments(segment.row).first() == Some(segment);
        let name = names::clean_name(&segment.text).to_owned();
        let form = names::legal_form_end(&name);
        let labels = document.labels.in_segment(index);
        let starts_with_label = labels.first().is_some_and(|label| {
            label.starts_segment
                && label.concept != Concept::Title
                && (label.ends_sharply || label.range.len() > 5)
        });
        let top = 1.0 - segment.bbox.y0 / page_height;
        let words = name.split_whitespace().count();
        if is_sender {
            candidates.push((3.0, index, name));
        } else if let Some(end) =
            form.filter(|_| words <= 8 && segment.word_count() <= 16 && !starts_with_label)
        {
            let name = name.get(..end).unwrap_or(&name).to_owned();
            let prose = if segment.word_count() > 9 { 0.6 } else { 0.0 };
            let large = if names::is_large(segment, usual) { 0.3 } else { 0.0 };
            candidates.push((1.9 + top * 0.6 - prose + large, index, name));
        } else if segment.page == 0 && segment.bbox.y0 < page_height * 0.3 && !starts_with_label && words <= 6
        {
            let is_title = labels.iter().any(|label| label.range.len() * 2 >= segment.text.len());
            let is_other = names::is_address_line(&segment.text)
                || segment.text.contains(['@', ':'])
                || segment.text.chars().filter(char::is_ascii_digit).count() > 3;
            if is_title || is_other {
                continue;
            }
            let first = if std::mem::take(&mut first_heading) { 0.4 } else { 0.0 };
            let large = if names::is_large(segment, usual) { 0.5 } else { 0.0 };
            let trade = if names::names_trade(&name) { 0.3 } else { 0.0 };
            candidates.push((0.8 + top * 0.3 + first + large + trade, index, name));
        }
    }
    candidates.extend(domain_names(document, customer));
    candidates
}

fn labelled_supplier(document: &BusinessDocument, label: &Label<Concept>) -> Option<(f32, usize, String)> {
    // A text layer has no misread letters: "Supplies" is no "Supplier".
    let is_printed = document
        .reading
        .segments()
        .get(label.segment)
        .and_then(|segment| document.reading.pages().get(segment.page))
        .is_some_and(|page| page.source == "text_layer");
    if is_printed && label.distance > 0 {
        return None;
    }
    let is_strong = label.range.len() > 4 && label.ends_sharply;
    let slots = document.labels.slots(&document.reading, label);
    let slot = slots.iter().take(3).find(|slot| {
        let text = document.reading.slot_text(slot).trim();
        has_letters(text)
            && !text.starts_with('(')
            && text.split_whitespace().count() <= 8
            && !text.contains('@')
    })?;
    let name = names::clean_name(document.reading.slot_text(slot)).to_owned();
    let digits = name.chars().filter(char::is_ascii_digit).count();
    let form = if names::legal_form_end(&name).is_some() { 0.6 } else { 0.0 };
    (digits * 2 < name.len() && !name.is_empty()).then_some((
        if is_strong { 2.4 } else { 1.3 } + form,
        slot.segment,
        name,
    ))
}

/// The first labels of the web and e-mail domains of the document, but for those of mail providers.
fn domains(document: &BusinessDocument) -> Vec<String> {
    const PROVIDERS: &[&str] = &[
        "gmail", "hotmail", "yahoo", "outlook", "gmx", "web", "icloud", "live", "aol", "facebook", "mail",
        "orange", "wanadoo", "tonline", "free", "example",
    ];
    let mut domains: Vec<String> = Vec::new();
    for segment in document.reading.segments() {
        let email = contacts::find_email(&segment.text)
            .and_then(|(email, _)| email.split('@').nth(1).map(str::to_owned));
        let website = contacts::find_website(&segment.text).map(|(website, _)| website);
        for address in [email, website].into_iter().flatten() {
            let host = address
                .trim_start_matches("https://")
                .trim_start_matches("http://")
                .trim_start_matches("www.");
            let host = host.split('/').next().unwrap_or_default();
            let labels: Vec<&str> = host.split('.').collect();
            let main = match labels.as_slice() {
                [.., name, second, _] if matches!(*second, "co" | "com" | "org" | "net") => *name,
                [.., name, _] => *name,
                _ => continue,
            };
            let folded = text::compact(main);
            if folded.len() >= 3 && !PROVIDERS.contains(&folded.as_str()) {
                domains.push(folded);
            }
        }
    }
    domains
}

/// Segments that are just the name of the web or e-mail domain.
fn domain_names(document: &BusinessDocument, customer: Option<&Block>) -> Vec<(f32, usize, String)> {
    let domains = domains(document);
    let found = document.reading.segments().iter().enumerate().filter(|(index, segment)| {
        let folded = text::compact(&segment.text);
        !customer.is_some_and(|block| block.segments.contains(index)) && domains.contains(&folded)
    });
    found.map(|(index, segment)| (1.2, index, segment.text.clone())).collect()
}

/// The seller's and the buyer's tax numbers.
fn tax_ids(document: &BusinessDocument, customer: Option<&Block>) -> (Field, Field) {
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
}
