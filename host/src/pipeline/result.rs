//! Puts the contract's Result together from an extractor's answer and the pages that were read.

use serde_json::{Map, Value};

use super::conform::{self, SchemaError};
use super::view::PagesRead;
use crate::domain::extraction::{Extraction, ExtractorOutput, Field, LineRecord, PageRecord, WordRecord};
use crate::domain::geometry::Rect;
use crate::domain::page::{Line, PageText, Word};

/// Separates the text of pages.
const PAGE_SEPARATOR: char = '\u{c}';

/// Makes the result, and the confidence in it as a whole.
///
/// # Errors
/// A template schema that cannot be used.
pub fn assemble(
    output: ExtractorOutput,
    schema: Option<&Value>,
    read: PagesRead,
) -> Result<(Extraction, Option<f64>), SchemaError> {
    let mut warnings = output.warnings;
    let mut fields = match schema {
        None => output.fields,
        Some(schema) => {
            let conformed = conform::conform(schema, output.fields)?;
            warnings.extend(conformed.warnings);
            conformed.fields
        }
    };
    warnings.extend(read.warnings);
    for field in fields.values_mut() {
        field.bbox = field.bbox.map(rounded);
        field.confidence = ten_thousandths(field.confidence);
    }
    let confidence = confidence(&fields, &read.pages);
    let data: Map<String, Value> =
        fields.iter().map(|(name, field)| (name.clone(), field.value.clone())).collect();
    let mut text = String::new();
    let mut pages = Vec::with_capacity(read.pages.len());
    for (number, page) in &read.pages {
        if !pages.is_empty() {
            text.push(PAGE_SEPARATOR);
        }
        text.push_str(&page.plain_text());
        pages.push(page_record(*number, page));
    }
    Ok((Extraction { fields, data, tables: output.tables, text, pages, warnings }, confidence))
}

fn page_record(number: u32, page: &PageText) -> PageRecord {
    PageRecord {
        page: number,
        width: hundredths(page.size.width),
        height: hundredths(page.size.height),
        unit: page.size.unit,
        rotation: page.turn,
        skew: hundredths(page.skew_degrees),
        source: page.source,
        lines: page.lines.iter().map(|line| line_record(line, page.line_words(line))).collect(),
    }
}

fn line_record(line: &Line, words: &[Word]) -> LineRecord {
    let mut text = String::new();
    for (index, word) in words.iter().enumerate() {
        if index > 0 {
            text.push(' ');
        }
        text.push_str(&word.text);
    }
    LineRecord {
        text,
        bbox: rounded(line.bbox),
        confidence: ten_thousandths(mean_word_confidence(words.iter()).unwrap_or(0.0) as f32),
        block: line.block,
        words: words
            .iter()
            .map(|word| WordRecord {
                text: word.text.clone(),
                bbox: rounded(word.bbox),
                confidence: ten_thousandths(word.confidence),
            })
            .collect(),
    }
}

/// Boxes are measured to a fraction of a pixel; more digits would only make results larger.
fn rounded(rect: Rect) -> Rect {
    Rect {
        x0: hundredths(rect.x0),
        y0: hundredths(rect.y0),
        x1: hundredths(rect.x1),
        y1: hundredths(rect.y1),
    }
}

fn hundredths(number: f32) -> f32 {
    (number * 100.0).round() / 100.0
}

fn ten_thousandths(number: f32) -> f32 {
    (number * 10_000.0).round() / 10_000.0
}

/// The mean over the fields that were found; where there are none, over the characters of the words.
fn confidence(
    fields: &indexmap::IndexMap<String, Field>,
    pages: &[(u32, std::sync::Arc<PageText>)],
) -> Option<f64> {
    let found: Vec<f64> = fields
        .values()
        .filter(|field| !field.value.is_null())
        .map(|field| f64::from(field.confidence))
        .collect();
    if !found.is_empty() {
        return Some(found.iter().sum::<f64>() / found.len() as f64).map(|mean| (mean * 1e4).round() / 1e4);
    }
    mean_word_confidence(pages.iter().flat_map(|(_, page)| &page.words))
        .map(|mean| (mean * 1e4).round() / 1e4)
}

/// The mean over words, each counted with its number of characters; `None` without words.
fn mean_word_confidence<'a>(words: impl Iterator<Item = &'a Word>) -> Option<f64> {
    let (sum, characters) = words.fold((0.0, 0.0), |(sum, characters), word| {
        let count = word.text.chars().count() as f64;
        (sum + f64::from(word.confidence) * count, characters + count)
    });
    (characters > 0.0).then(|| sum / characters)
}
