//! The seller of a receipt: the name and address at its head.

use serde_json::Value;

use super::BusinessDocument;
use super::lexicon::Concept;
use super::names;
use crate::output::Field;
use crate::reading::Span;
use crate::text;
use crate::values::dates;

/// The head of a receipt has no more rows than this.
const HEAD_ROWS: usize = 16;
/// An address has no more rows than this.
const ADDRESS_ROWS: usize = 7;

/// Beginnings of lines that greet or instruct, folded.
const GREETINGS: &[&str] = &[
    "thank",
    "terima kasih",
    "welcome",
    "goods sold",
    "please",
    "for feedback",
    "redeem",
    "tq for",
    "selamat",
    "willkommen",
    "vielen dank",
    "merci",
    "bienvenue",
    "gracias",
    "grazie",
    "bedankt",
    "obrigado",
    "your order",
    "duplicate",
    "copy",
    "reprint",
    "customer copy",
    "original",
    "exchangeable",
    "no refund",
    "follow us",
    "visit us",
    "posted",
    "paid",
    "void",
    "inh ",
    "inhaber",
    "proprietor",
    "owner",
    "t a ",
];

/// Name and address of the seller.
#[derive(Debug, Clone)]
pub struct Merchant {
    /// As printed.
    pub name: Field,
    /// As printed, rows joined by spaces.
    pub address: Field,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// May be the name.
    Name,
    /// Looks like a part of an address.
    Address,
    /// A register or tax number, telephone, e-mail.
    Number,
    /// Greetings, rules, single letters.
    Noise,
    /// Title, date, amounts: the head is over.
    Body,
}

struct HeadRow {
    kind: Kind,
    span: Span,
    is_large: bool,
}

impl Merchant {
    /// Reads the head of a receipt.
    pub fn read(document: &BusinessDocument) -> Self {
        let rows = head_rows(document);
        let address_start = rows.iter().position(|row| row.kind == Kind::Address);
        let name = name(&rows, address_start);
        let after = name.as_ref().map_or(0, |(_, row)| row + 1);
        // The address below the name; a name may also be printed below the address.
        let start = rows
            .iter()
            .enumerate()
            .skip(after)
            .find(|(_, row)| row.kind == Kind::Address)
            .map(|(index, _)| index)
            .or(address_start);
        let address = start.and_then(|start| address(&rows, start));
        Self {
            name: name.map_or_else(Field::missing, |(field, _)| field),
            address: address.unwrap_or_else(Field::missing),
        }
    }
}

fn head_rows(document: &BusinessDocument) -> Vec<HeadRow> {
    let mut heights: Vec<f32> = document.reading.rows().iter().map(|row| row.bbox.height()).collect();
    heights.sort_by(f32::total_cmp);
    let usual = heights.get(heights.len() / 2).copied().unwrap_or(1.0);
    let mut rows = Vec::new();
    let mut bodies = 0;
    for (index, row) in document.reading.rows().iter().enumerate().take(HEAD_ROWS * 2) {
        let spans: Vec<Span> =
            row.segments.clone().filter_map(|segment| document.reading.segment_span(segment)).collect();
        let Some(span) = Span::join(&spans) else { continue };
        let kind = kind_of(document, index, &span.text);
        bodies += usize::from(kind == Kind::Body);
        if row.page > 0 || bodies > 3 || rows.len() >= HEAD_ROWS {
            break;
        }
        rows.push(HeadRow { kind, span, is_large: row.bbox.height() > usual * 1.35 });
    }
    take_streets(&mut rows);
    rows
}

/// A line with a number between the name and the town is the street, whatever streets are called there.
fn take_streets(rows: &mut [HeadRow]) {
    let Some(first) = rows.iter().position(|row| row.kind == Kind::Name) else { return };
    for index in first + 1..rows.len() {
        let stands_above_town = rows
            .get(index + 1)
            .is_some_and(|next| next.kind == Kind::Address && names::is_town_line(&next.span.text));
        let Some(row) = rows.get_mut(index).filter(|row| row.kind == Kind::Name && stands_above_town) else {
            continue;
        };
        let text = &row.span.text;
        // "Lower Farm, Old Road" has no number, but parts.
        let has_parts = text.chars().any(|c| c.is_ascii_digit()) || text.contains(", ");
        if has_parts && names::legal_form_end(text).is_none() && !text.contains(':') {
            row.kind = Kind::Address;
        }
    }
}

fn kind_of(document: &BusinessDocument, row: usize, text: &str) -> Kind {
    let folded = text::words(text);
    let glued = text::compact(text);
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    let digits = text.chars().filter(char::is_ascii_digit).count();
    // A greeting with a space behind it is a word of its own.
    let is_greeting = |greeting: &str| match greeting.strip_suffix(' ') {
        Some(_) => folded.starts_with(greeting),
        None => glued.starts_with(&text::compact(greeting)),
    };
    if GREETINGS.iter().any(|greeting| is_greeting(greeting)) {
        return Kind::Noise;
    }
    if names::is_registration_number(text) {
        return Kind::Number;
    }
    let segments = document.reading.rows().get(row).map_or(0..0, |row| row.segments.clone());
    let labels: Vec<_> = segments
        .flat_map(|segment| document.labels.in_segment(segment))
        .filter(|label| label.starts_segment)
        .collect();
    let has = |wanted: &[Concept]| {
        labels
            .iter()
            .any(|label| wanted.contains(&label.concept) && (label.ends_sharply || label.range.len() > 3))
    };
    // "Tel 0123 456789"
    let is_number = labels.iter().any(|label| {
        let segment = document.reading.segments().get(label.segment);
        let after = segment.and_then(|segment| segment.text.get(label.range.end..)).unwrap_or_default();
        matches!(label.concept, Concept::Phone | Concept::TaxId)
            && after
                .trim_start_matches([' ', '.', ':'])
                .starts_with(|c: char| c.is_ascii_digit() || "+(".contains(c))
    });
    // "Farmacia Plaza Mayor" at the very top is a name, without a number.
    let is_address = names::is_address_line(text) && (row > 0 || digits > 0 || text.contains(','));
    // "04 78 42 11 09" in a line of its own is a telephone, whatever is in front.
    let is_phone = digits >= 8 && letters == 0 && !text.contains(',');
    if is_number
        || is_phone
        || has(&[Concept::TaxId, Concept::Registration, Concept::Phone, Concept::Email, Concept::Website])
    {
        return Kind::Number;
    }
    if text.contains('@') && text.contains('.') || folded.contains("www ") || folded.starts_with("http") {
        return Kind::Number;
    }
    let is_title =
        labels.iter().any(|label| label.concept == Concept::Title && label.range.len() * 3 >= text.len());
    let is_label = has(&[
        Concept::DocumentNumber,
        Concept::DocumentDate,
        Concept::AnyDate,
        Concept::Time,
        Concept::Other,
        Concept::Total,
        Concept::GrandTotal,
        Concept::Tendered,
        Concept::CustomerNumber,
        Concept::Customer,
    ]) && !(is_address || names::legal_form_end(text).is_some())
        || (has(&[Concept::AnyDate, Concept::DocumentDate]) && !dates::find(text, document.order).is_empty());
    let segments = document.reading.rows().get(row).map_or(0..0, |row| row.segments.clone());
    let has_money =
        segments.flat_map(|segment| document.amounts_in(segment)).any(|placed| placed.amount.is_money());
    if is_title
        || is_label
        || (has_money && !is_address)
        || document.items.is_heading_row(row)
        || document.items.contains_row(row)
    {
        return Kind::Body;
    }
    if is_address {
        return Kind::Address;
    }
    if letters < 3 || digits > letters { Kind::Noise } else { Kind::Name }
}

/// The name and the last row it takes.
fn name(rows: &[HeadRow], address_start: Option<usize>) -> Option<(Field, usize)> {
    let mut best: Option<(f32, usize)> = None;
    let mut position = 0;
    for (index, row) in rows.iter().enumerate() {
        let has_form = names::legal_form_end(&row.span.text).is_some();
        if row.kind != Kind::Name && !(has_form && matches!(row.kind, Kind::Address | Kind::Number)) {
            continue;
        }
        let mut score = 1.0 - 0.12 * position as f32;
        position += 1;
        let next = rows.get(index + 1).map(|row| row.kind);
        let after_next = rows.get(index + 2).map(|row| row.kind);
        score += if has_form { 1.2 } else { 0.0 };
        score += if !has_form && names::names_trade(&row.span.text) { 0.7 } else { 0.0 };
        score += if rows.get(index + 1).is_some_and(|row| names::is_registration_number(&row.span.text)) {
            0.6
        } else {
            0.0
        };
        score += if next == Some(Kind::Address)
            || (next == Some(Kind::Number) && after_next == Some(Kind::Address))
        {
            0.4
        } else {
            0.0
        };
        score -= if names::is_only_trade(&row.span.text) { 0.5 } else { 0.0 };
        score += if row.is_large { 0.4 } else { 0.0 };
        score -= if row.kind == Kind::Address && next != Some(Kind::Address) { 0.9 } else { 0.0 };
        score -= if row.kind == Kind::Address { 0.2 } else { 0.0 };
        score -= if rows.iter().take(index).any(|row| row.kind == Kind::Body) { 0.8 } else { 0.0 };
        score -= if address_start.is_some_and(|start| index > start) { 0.8 } else { 0.0 };
        if best.is_none_or(|(best_score, _)| score > best_score) {
            best = Some((score, index));
        }
    }
    let (score, index) = best?;
    let (start, end) = whole_name(rows, index);
    let spans: Vec<Span> = rows.get(start..end)?.iter().map(|row| row.span.clone()).collect();
    let span = Span::join(&spans)?;
    let printed = names::clean_name(&span.text);
    let cleaned = if is_recognised(&span) { names::mend_form(printed) } else { printed.to_owned() };
    let confidence = (0.45 + 0.17 * score).clamp(0.3, 0.93);
    Some((
        Field { text: Some(printed.to_owned()), ..Field::read(Value::from(cleaned), confidence, &span) },
        end - 1,
    ))
}

/// The rows of a name that is wrapped: brackets must close, and a line that starts with "ENTERPRISE" goes on with
/// the one above it.
fn whole_name(rows: &[HeadRow], index: usize) -> (usize, usize) {
    let text = |range: std::ops::Range<usize>| -> String {
        rows.get(range)
            .unwrap_or_default()
            .iter()
            .map(|row| row.span.text.as_str())
            .collect::<Vec<_>>()
            .join(" ")
    };
    let is_name = |index: usize| rows.get(index).is_some_and(|row| row.kind == Kind::Name);
    let balance = |text: &str| text.matches('(').count() as i32 - text.matches(')').count() as i32;
    let (mut start, mut end) = (index, index + 1);
    while end - start < 4 {
        let joined = text(start..end);
        if (balance(&joined) < 0 || names::starts_with_form(&joined)) && start > 0 && is_name(start - 1) {
            start -= 1;
        } else if balance(&joined) > 0 && is_name(end) {
            end += 1;
        } else {
            break;
        }
    }
    (start, end)
}

fn address(rows: &[HeadRow], start: usize) -> Option<Field> {
    let mut spans: Vec<Span> = Vec::new();
    for row in rows.iter().skip(start).take(ADDRESS_ROWS) {
        let is_bracketed = row.span.text.starts_with('(') && row.span.text.ends_with(')');
        let goes_on = match row.kind {
            Kind::Address => true,
            // A district or state without a number; "(BRANCH NAME)" is none.
            Kind::Name => {
                !is_bracketed
                    && !row.span.text.contains(':')
                    && names::legal_form_end(&row.span.text).is_none()
            }
            Kind::Noise => {
                row.span.text.trim().len() >= 4
                    && row.span.text.chars().all(|c| c.is_ascii_digit() || c == ' ')
                    && spans.len() > 1
            }
            Kind::Number | Kind::Body => false,
        };
        let gap = spans.last().map_or(0.0, |last| row.span.bbox.y0 - last.bbox.y1);
        if !goes_on || gap > row.span.bbox.height() * 1.6 {
            break;
        }
        spans.push(row.span.clone());
    }
    let span = Span::join(&spans)?;
    let has_town = spans.iter().any(|span| names::is_town_line(&span.text));
    let confidence = if has_town { 0.85 } else { 0.65 };
    let value = if is_recognised(&span) { names::mend_address(&span.text) } else { span.text.clone() };
    Some(Field::read(Value::from(value), confidence, &span))
}

/// Whether a text was recognised in a picture, so that its letters may be wrong.
fn is_recognised(span: &Span) -> bool {
    span.source == "ocr"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Fixture;

    fn merchant(text: &str) -> (String, String) {
        let pages = Fixture::from_text(text).pages;
        let merchant = Merchant::read(&BusinessDocument::new(&pages, ""));
        let text = |field: &Field| field.value.as_str().unwrap_or_default().to_owned();
        (text(&merchant.name), text(&merchant.address))
    }

    #[test]
    fn the_line_above_the_town_is_the_street_and_the_telephone_is_none() {
        let (name, address) =
            merchant("Papeterie Lumen\n41 cours des Tisserands\n69007 Lyon\nTél. 04 72 00 00 00\nTOTAL 5,00");
        assert_eq!(
            (name.as_str(), address.as_str()),
            ("Papeterie Lumen", "41 cours des Tisserands 69007 Lyon")
        );
        let (name, address) =
            merchant("Truhla Novak\nZelena 7\n370 01 Budejovice\nTel. 263 448670\nCelkem 5,00");
        assert_eq!((name.as_str(), address.as_str()), ("Truhla Novak", "Zelena 7 370 01 Budejovice"));
        let (name, address) = merchant("99 CORNER MART\n34-500 Zakopane\nSUMA 5,00");
        assert_eq!((name.as_str(), address.as_str()), ("99 CORNER MART", "34-500 Zakopane"));
    }

    #[test]
    fn a_name_in_two_rows_is_whole_and_the_owner_is_not_the_shop() {
        let (name, _) =
            merchant("WARUNG BUKIT\nMOTOR SDN. BHD. (331122-P)\n12 JALAN KAPAR\n41400 KLANG\nTOTAL 5.00");
        assert_eq!(name, "WARUNG BUKIT MOTOR SDN. BHD.");
        let (name, _) =
            merchant("Feinkost Sommer\nInh. Karl Sommer\nHauptstr. 12\n91054 Erlangen\nSUMME 5,00");
        assert_eq!(name, "Feinkost Sommer");
    }
}
