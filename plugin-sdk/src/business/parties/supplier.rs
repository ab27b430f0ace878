//! The seller of an invoice: its name and address.

use serde_json::Value;

use super::{Block, address_field, block_from, has_letters, is_name_like};
use crate::business::BusinessDocument;
use crate::business::lexicon::Concept;
use crate::business::names;
use crate::labels::Label;
use crate::output::Field;
use crate::reading::Span;
use crate::text;
use crate::values::contacts;

/// Name and address of the seller.
pub(super) fn read(
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
        let in_items = document.items.contains_row(segment.row) || document.items.is_heading_row(segment.row);
        if in_customer || in_items || !has_letters(&segment.text) {
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
                && (label.ends_sharply
                    || label.range.len() > 5
                    || matches!(
                        label.concept,
                        Concept::Registration
                            | Concept::TaxId
                            | Concept::Iban
                            | Concept::Bic
                            | Concept::Phone
                    ))
        });
        let top = 1.0 - segment.bbox.y0 / page_height;
        let words = name.split_whitespace().count();
        if is_sender {
            let parts = name.split_once(", ").filter(|(first, rest)| {
                has_letters(first) && (names::is_address_line(rest) || names::is_town_line(rest))
            });
            let name = parts.map_or(name.as_str(), |(first, _)| first).to_owned();
            candidates.push((3.0, index, name));
        } else if let Some(end) = form.filter(|_| is_named_imprint(&segment.text)) {
            candidates.push((2.0, index, name.get(..end).unwrap_or(&name).to_owned()));
        } else if let Some(end) = form.filter(|end| {
            // "NURIOOTPA SA 5355" is a town in a state.
            let is_state = segment.text.get(*end..).is_some_and(|rest| {
                let rest = rest.trim();
                (4..=6).contains(&rest.len()) && rest.chars().all(|c| c.is_ascii_digit())
            });
            words <= 8
                && !is_state
                && segment.word_count() <= 16
                && !starts_with_label
                && !(names::is_town_line(&segment.text)
                    && segment.text.starts_with(|c: char| c.is_ascii_digit()))
        }) {
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
    candidates.extend(names_above_imprints(document));
    candidates.retain(|(_, _, name)| !names::is_only_form(name));
    candidates
}

/// Words of the lines that the law has companies print, folded.
const IMPRINTS: &[&str] = &[
    "au capital de",
    "siege social",
    "rcs",
    "registered in",
    "registered office",
    "company no",
    "hrb",
    "amtsgericht",
    "handelsregister",
    "sede legale",
    "capitale sociale",
    "registro mercantil",
    "capital social",
    "kvk",
    "krs",
];

/// Whether a line is one that the law has companies print, about their seat, capital or register.
fn is_imprint(text: &str) -> bool {
    let folded = format!(" {} ", text::words(text));
    IMPRINTS.iter().any(|sign| folded.contains(&format!(" {sign} ")))
}

/// Whether an imprint starts with the company's name.
fn is_named_imprint(text: &str) -> bool {
    let start = text.split(' ').take(6).collect::<Vec<_>>().join(" ");
    names::legal_form_end(&start).is_some() && !start.contains(':') && is_imprint(text)
}

/// Names on lines of their own right above an imprint.
fn names_above_imprints(document: &BusinessDocument) -> Vec<(f32, usize, String)> {
    let mut found = Vec::new();
    for (index, segment) in document.reading.segments().iter().enumerate() {
        let is_name =
            is_name_like(&segment.text) && segment.word_count() <= 6 && !document.labels.starts(index);
        if !is_name || document.items.contains_row(segment.row) {
            continue;
        }
        let below = document.reading.row_segments(segment.row + 1);
        let has_imprint = below.iter().any(|below| {
            below.page == segment.page
                && below.bbox.overlap_x(&segment.bbox) > 0.0
                && below.bbox.y0 - segment.bbox.y1 < segment.bbox.height() * 1.5
                && is_imprint(&below.text)
        });
        if !has_imprint {
            continue;
        }
        // The name may have an address between it and the imprint.
        let lines = (0..segment.row)
            .rev()
            .flat_map(|row| document.reading.indexed_row_segments(row))
            .filter(|(_, above)| above.page == segment.page && above.bbox.overlap_x(&segment.bbox) > 0.0);
        let is_address = |text: &str| names::is_address_line(text) || names::is_town_line(text);
        let name = std::iter::once((index, segment))
            .chain(lines)
            .take(4)
            .find(|(_, line)| !is_address(&line.text) && !is_imprint(&line.text));
        let Some((index, name)) = name.filter(|(_, name)| is_name_like(&name.text)) else { continue };
        found.push((1.8, index, names::clean_name(&name.text).to_owned()));
    }
    found
}

/// Whether a company is named outside of a block as the seller is: holder of the account, imprint, legal form.
pub(super) fn is_named_outside(document: &BusinessDocument, block: &Block) -> bool {
    document.labels.of(Concept::AccountHolder).next().is_some()
        || document.reading.segments().iter().enumerate().any(|(index, segment)| {
            let has_form = segment.word_count() <= 8 && names::legal_form_end(&segment.text).is_some();
            !block.segments.contains(&index) && (has_form || is_imprint(&segment.text))
        })
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
    let slots: Vec<_> = slots.iter().take(3).map(|slot| super::behind_inner_label(document, slot)).collect();
    let slot = slots.iter().find(|slot| {
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
