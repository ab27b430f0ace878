//! Numbers and dates that identify a document.

use serde_json::Value;

use super::BusinessDocument;
use super::lexicon::Concept;
use super::names;
use crate::labels::Label;
use crate::output::Field;
use crate::reading::{Place, Slot, Span};
use crate::values::dates::{self, Date, Order};
use crate::values::identifiers;

/// The number of the invoice or receipt.
pub fn document_number(document: &BusinessDocument) -> Field {
    let mut candidates = numbers(document, Concept::DocumentNumber, 3.0);
    candidates.extend(title_numbers(document));
    candidates.extend(bare_numbers(document));
    candidates.extend(signed_numbers(document));
    let texts: Vec<String> = candidates.iter().map(|candidate| candidate.span.text.clone()).collect();
    for candidate in &mut candidates {
        // Printed again in a footer or on the next page: more likely the document's own.
        let repeats = texts.iter().filter(|text| **text == candidate.span.text).count() - 1;
        candidate.score += repeats.min(2) as f32 * 0.3;
    }
    if candidates.is_empty() {
        candidates = numbers(document, Concept::OtherNumber, 1.5);
        candidates.retain(|candidate| candidate.span.page == 1 && candidate.span.text.len() > 3);
    }
    if candidates.is_empty() {
        // A confirmation or receipt without a number of its own goes by that of the order or booking.
        candidates = numbers(document, Concept::OrderNumber, 1.6);
    }
    best(candidates)
}

/// The number of the order the document is about.
pub fn order_number(document: &BusinessDocument) -> Field {
    best(numbers(document, Concept::OrderNumber, 3.0))
}

/// The customer's number at the supplier.
pub fn customer_number(document: &BusinessDocument) -> Field {
    best(numbers(document, Concept::CustomerNumber, 3.0))
}

/// The date of the document.
pub fn document_date(document: &BusinessDocument) -> Field {
    let mut candidates = labelled_dates(document, Concept::DocumentDate, 3.0);
    candidates.extend(labelled_dates(document, Concept::AnyDate, 2.4));
    candidates.extend(number_row_dates(document));
    candidates.extend(unlabelled_dates(document));
    for candidate in &mut candidates {
        let is_future = document.today.is_some_and(|today| {
            candidate.value.as_str().is_some_and(|date| date > today.to_string().as_str())
        });
        candidate.score -= if is_future { 1.2 } else { 0.0 };
    }
    best(candidates)
}

/// The last day of payment.
pub fn due_date(document: &BusinessDocument) -> Field {
    best(labelled_dates(document, Concept::DueDate, 3.0))
}

/// The time of day.
pub fn time(document: &BusinessDocument) -> Field {
    let mut candidates = Vec::new();
    for (index, segment) in document.reading.segments().iter().enumerate() {
        let Some((time, range)) = dates::find_time(&without_dates(&segment.text, document.order)) else {
            continue;
        };
        let Some(span) = document.reading.span(index, range) else { continue };
        let row = document.reading.row_text(segment.row);
        let is_labelled =
            document.labels.of(Concept::Time).any(|label| document.row_of(label) == segment.row);
        let beside_date = !dates::find(&row, document.order).is_empty();
        let score = 1.5 + if is_labelled { 1.0 } else { 0.0 } + if beside_date { 0.8 } else { 0.0 };
        candidates.push(Candidate { value: Value::from(time), score, span });
    }
    best(candidates)
}

/// A text with spaces in place of its dates: `09.09.24` is no time.
fn without_dates(text: &str, order: Order) -> String {
    let mut rest = text.to_owned();
    for found in dates::find(text, order) {
        rest.replace_range(found.range.clone(), &" ".repeat(found.range.len()));
    }
    rest
}

#[derive(Debug, Clone)]
struct Candidate {
    value: Value,
    score: f32,
    span: Span,
}

/// The candidate with the best score, the first of equals; its score becomes the confidence.
fn best(candidates: Vec<Candidate>) -> Field {
    let best = candidates.into_iter().reduce(|best, next| if next.score > best.score { next } else { best });
    // A clear label with a well-formed value right behind it scores 3, which is nearly certain.
    best.map_or_else(Field::missing, |best| {
        Field::read(best.value, (0.32 * best.score).clamp(0.1, 0.97), &best.span)
    })
}

/// What a label's own quality takes from or adds to its value's score.
fn label_score(label: &Label<Concept>, place: Place) -> f32 {
    let place = match place {
        Place::Behind => 0.0,
        Place::Right => -0.1,
        Place::Below => -0.6,
    };
    let sharp = if label.ends_sharply { 0.1 } else { 0.0 };
    let inside = if label.starts_segment { 0.0 } else { -0.3 };
    place + sharp + inside - label.distance as f32 * 0.2
}

fn numbers(document: &BusinessDocument, concept: Concept, base: f32) -> Vec<Candidate> {
    let mut candidates = Vec::new();
    for label in document.labels.of(concept) {
        if document.items.contains_row(document.row_of(label)) {
            continue;
        }
        let slots = document.labels.slots(&document.reading, label);
        let is_heading = document.items.is_heading_row(document.row_of(label));
        let slots = slots.iter().filter(|slot| !(is_heading && slot.place == Place::Below));
        let Some((slot, number)) =
            slots.take(4).find_map(|slot| number_in(document, slot).map(|number| (slot, number)))
        else {
            continue;
        };
        let short = if number.text.len() < 3 { -0.6 } else { 0.0 };
        let score = base + label_score(label, slot.place) + short;
        candidates.push(Candidate { value: Value::from(number.text.clone()), score, span: number });
    }
    candidates
}

/// The document number a slot starts with.
fn number_in(document: &BusinessDocument, slot: &Slot) -> Option<Span> {
    let text = document.reading.slot_text(slot);
    let row = document.reading.segments().get(slot.segment)?.row;
    // Neither the lines nor an address in the next column go on with a label.
    let is_address =
        || text.split_whitespace().count() >= 3 && text.contains(' ') && names::is_address_line(text);
    let is_elsewhere = document.items.contains_row(row) || (slot.place == Place::Right && is_address());
    if is_elsewhere {
        return None;
    }
    let number = identifiers::spaced_number(text).or_else(|| identifiers::document_number(text))?;
    let range = slot.range.start + number.range.start..slot.range.start + number.range.end;
    document.reading.span(slot.segment, range.clone()).map(|span| {
        let printed =
            document.reading.segments().get(slot.segment).and_then(|segment| segment.text.get(range));
        Span { text: printed.unwrap_or_default().to_owned(), ..span }
    })
}

/// Numbers behind "No:", which an address may start with, too.
fn bare_numbers(document: &BusinessDocument) -> Vec<Candidate> {
    let mut candidates = Vec::new();
    for label in
        document.labels.of(Concept::BareNumber).filter(|label| label.starts_segment && label.ends_sharply)
    {
        let slots = document.labels.slots(&document.reading, label);
        let near = slots.iter().find(|slot| slot.place != Place::Below);
        let Some(number) = near.and_then(|slot| number_in(document, slot)) else { continue };
        let digits = number.text.chars().filter(char::is_ascii_digit).count();
        if digits >= 4 && !names::is_address_line(&document.reading.row_text(document.row_of(label))) {
            candidates.push(Candidate { value: Value::from(number.text.clone()), score: 1.7, span: number });
        }
    }
    candidates
}

/// Numbers right behind a title: `Facture FA-2017-0009`.
fn title_numbers(document: &BusinessDocument) -> Vec<Candidate> {
    let mut candidates = Vec::new();
    for label in document.labels.of(Concept::Title).filter(|label| label.starts_segment) {
        let slots = document.labels.slots(&document.reading, label);
        let Some(slot) = slots.first() else { continue };
        let Some(number) = number_in(document, slot) else { continue };
        let digits = number.text.chars().filter(char::is_ascii_digit).count();
        let text = document.reading.slot_text(slot).trim();
        // Below a title, a number has to be on its own and look like no year or postal code.
        let is_clear = slot.place != Place::Below
            || (label.ends_sharply
                && text == number.text
                && number.text.contains(|c: char| !c.is_ascii_digit()));
        if digits >= 3 && is_clear {
            let below = if slot.place == Place::Below { 0.4 } else { 0.0 };
            let score = 1.9 - below;
            candidates.push(Candidate { value: Value::from(number.text.clone()), score, span: number });
        }
    }
    candidates
}

/// Numbers on their own behind the sign for one: `# 20117` below the title.
fn signed_numbers(document: &BusinessDocument) -> Vec<Candidate> {
    let mut candidates = Vec::new();
    for (index, segment) in document.reading.segments().iter().enumerate() {
        let signs = ["#", "Nº", "N°", "№", "N.º", "N.°", "No.", "Nr."];
        let rest = signs.iter().find_map(|sign| segment.text.strip_prefix(sign));
        let Some(rest) = rest.filter(|_| segment.page == 0) else { continue };
        let whole = Slot {
            segment: index,
            range: segment.text.len() - rest.len()..segment.text.len(),
            place: Place::Behind,
        };
        let Some(number) = number_in(document, &whole) else { continue };
        let digits = number.text.chars().filter(char::is_ascii_digit).count();
        let is_alone = rest.trim_start_matches([' ', ':', '.']).len() <= number.text.len() + 1;
        if digits >= 3 && is_alone && !document.items.contains_row(segment.row) {
            candidates.push(Candidate { value: Value::from(number.text.clone()), score: 1.6, span: number });
        }
    }
    candidates
}

fn labelled_dates(document: &BusinessDocument, concept: Concept, base: f32) -> Vec<Candidate> {
    let mut candidates = Vec::new();
    for label in document.labels.of(concept) {
        let slots = document.labels.slots(&document.reading, label);
        let is_heading = document.items.is_heading_row(document.row_of(label));
        for slot in slots.iter().filter(|slot| !(is_heading && slot.place == Place::Below)).take(4) {
            let Some((date, span, offset)) = date_in(document, slot) else { continue };
            // The date follows its label; a few words such as "on" may stand between.
            if offset > 25 {
                break;
            }
            let score = base + label_score(label, slot.place) - if offset > 6 { 0.2 } else { 0.0 };
            candidates.push(Candidate { value: Value::from(date.to_string()), score, span });
            break;
        }
    }
    candidates
}

fn date_in(document: &BusinessDocument, slot: &Slot) -> Option<(Date, Span, usize)> {
    let found = dates::find(document.reading.slot_text(slot), document.order).into_iter().next()?;
    let range = slot.range.start + found.range.start..slot.range.start + found.range.end;
    let offset = found.range.start;
    let span = document.reading.span(slot.segment, range.clone())?;
    let printed = document.reading.segments().get(slot.segment).and_then(|segment| segment.text.get(range));
    Some((found.date, Span { text: printed.unwrap_or_default().to_owned(), ..span }, offset))
}

/// Dates in the row of the document's number: `Facture n°562044387 du 02 Juillet 2015`.
fn number_row_dates(document: &BusinessDocument) -> Vec<Candidate> {
    let labels = document
        .labels
        .iter()
        .filter(|label| matches!(label.concept, Concept::DocumentNumber | Concept::Title));
    let rows: Vec<usize> = labels.map(|label| document.row_of(label)).collect();
    dates_where(document, |row| rows.binary_search(&row).is_ok(), 2.2)
}

/// Dates without a label; the first of the document counts most. Those with a label of another meaning are left out.
fn unlabelled_dates(document: &BusinessDocument) -> Vec<Candidate> {
    dates_where(document, |row| !document.items.contains_row(row), 1.4)
}

fn dates_where(document: &BusinessDocument, wanted: impl Fn(usize) -> bool, base: f32) -> Vec<Candidate> {
    let mut candidates = Vec::new();
    let others =
        document.labels.iter().filter(|label| matches!(label.concept, Concept::DueDate | Concept::OtherDate));
    // Labels are in reading order, and so are their rows.
    let rows_of_others: Vec<usize> = others.map(|label| document.row_of(label)).collect();
    for (index, segment) in
        document.reading.segments().iter().enumerate().filter(|(_, segment)| wanted(segment.row))
    {
        let row_has_other = rows_of_others.binary_search(&segment.row).is_ok();
        let prose = if segment.word_count() > 9 { 0.5 } else { 0.0 };
        let has_time = dates::find_time(&document.reading.row_text(segment.row)).is_some();
        for found in dates::find(&segment.text, document.order) {
            let Some(span) = document.reading.span(index, found.range.clone()) else { continue };
            let text = segment.text.get(found.range).unwrap_or_default().to_owned();
            // Eight bare digits are more often a number.
            let bare = if text.chars().all(|c| c.is_ascii_digit()) { 0.7 } else { 0.0 };
            let timed = if has_time { 0.3 } else { 0.0 };
            // "ul. Lipowa 4, 15-427 Town"
            let in_address = if names::is_address_line(&segment.text) { 0.6 } else { 0.0 };
            let score = base + timed - prose - bare - in_address - if row_has_other { 0.8 } else { 0.0 };
            candidates.push(Candidate {
                value: Value::from(found.date.to_string()),
                score,
                span: Span { text, ..span },
            });
        }
    }
    candidates
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Fixture;

    #[test]
    fn a_number_with_letters_of_another_label_in_it_is_whole() {
        let pages = Fixture::from_text("TAX INVOICE\nINVOICE.NO: POS022881\nDATE: 24-05-2018 4:29 PM").pages;
        let document = BusinessDocument::new(&pages, "");
        assert_eq!(document_number(&document).value, "POS022881");
        assert_eq!(time(&document).value, "16:29");
    }

    #[test]
    fn dates_after_the_day_of_reading_are_not_the_documents() {
        let pages = Fixture::from_text("best before 03/04/2031\nsold 19-09-17").pages;
        let document = BusinessDocument::new(&pages, "2020-01-01");
        assert_eq!(document_date(&document).value, "2017-09-19");
    }

    #[test]
    fn the_order_of_the_document_is_kept_for_all_its_dates() {
        let pages = Fixture::from_text("Invoice date: 11/03/2017\nDue date: 11/30/2017").pages;
        let document = BusinessDocument::new(&pages, "");
        assert_eq!(document_date(&document).value, "2017-11-03");
        assert_eq!(due_date(&document).value, "2017-11-30");
    }

    #[test]
    fn a_date_with_points_is_no_time() {
        let pages = Fixture::from_text("Receipt no: 4711\n09.09.24 18:59").pages;
        assert_eq!(time(&BusinessDocument::new(&pages, "")).value, "18:59");
    }

    #[test]
    fn a_confirmation_without_a_number_goes_by_its_booking() {
        let pages = Fixture::from_text("Booking ID   Guests\nQX4411           2\nTotal 90.00").pages;
        let field = document_number(&BusinessDocument::new(&pages, ""));
        assert_eq!(field.value, "QX4411");
        assert!(field.confidence < 0.6, "{}", field.confidence);
    }

    #[test]
    fn a_number_behind_its_sign_alone_is_the_documents() {
        let pages = Fixture::from_text("INVOICE\n# 90311\nBalance due: $5.00").pages;
        assert_eq!(document_number(&BusinessDocument::new(&pages, "")).value, "90311");
    }

    #[test]
    fn a_number_below_the_title_is_the_documents() {
        let pages =
            Fixture::from_text("Lumen Events      Facture\n                  F-2023-019\nTotal TTC 5,00 €")
                .pages;
        assert_eq!(document_number(&BusinessDocument::new(&pages, "")).value, "F-2023-019");
    }

    #[test]
    fn two_labels_with_a_stroke_between_share_their_value() {
        let pages = Fixture::from_text(
            "Invoice date / Delivery date 2 May 2024\nFolio / Invoice 22871\nOrder date 30 April 2024",
        )
        .pages;
        let document = BusinessDocument::new(&pages, "");
        assert_eq!(document_date(&document).value, "2024-05-02");
    }
}
