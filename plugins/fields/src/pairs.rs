//! Everything on the pages that has a label, for forms whose fields are not known: `Label: value`, and values that stand
//! right of or below a label with a colon.

use ocriva_plugin_sdk::business::BusinessDocument;
use ocriva_plugin_sdk::output::Field;
use ocriva_plugin_sdk::reading::{Place, Reading, Span};
use ocriva_plugin_sdk::serde_json::{Map, Value};
use ocriva_plugin_sdk::text;

use crate::spec::Spec;

/// Most pairs of a document.
const MAX_PAIRS: usize = 500;
/// A label has no more words than this.
const MAX_LABEL_WORDS: usize = 8;
/// Confidence of the list as a whole.
const CONFIDENCE: f32 = 0.7;

/// The labels of a document with their values: objects whose first property is the label, and whose second is the value.
pub fn read(document: &BusinessDocument, spec: &Spec) -> Field {
    let reading = &document.reading;
    let names: Vec<&str> = spec.children.iter().map(|child| child.name.as_str()).collect();
    let (label_name, value_name) = match names.as_slice() {
        [label, value, ..] => (*label, *value),
        _ => ("label", "value"),
    };
    let pairs = (0..reading.segments().len()).filter_map(|segment| pair(reading, segment));
    let pairs: Vec<(String, Span)> = pairs.take(MAX_PAIRS).collect();
    let Some((_, first)) = pairs.first() else { return Field::missing() };
    let on_page = pairs.iter().filter(|(_, span)| span.page == first.page);
    let bbox = on_page.map(|(_, span)| span.bbox).reduce(|left, right| left.union(&right));
    let whole = Span { bbox: bbox.unwrap_or(first.bbox), ..first.clone() };
    let objects = pairs.iter().map(|(label, value)| {
        let mut object = Map::new();
        object.insert(label_name.to_owned(), Value::from(label.as_str()));
        object.insert(value_name.to_owned(), Value::from(value.text.trim()));
        Value::Object(object)
    });
    Field { text: None, ..Field::read(objects.collect::<Vec<_>>(), CONFIDENCE, &whole) }
}

/// The label in a segment and its value.
fn pair(reading: &Reading, segment: usize) -> Option<(String, Span)> {
    let found = reading.segments().get(segment)?;
    let (label, rest) = found.text.split_once(':')?;
    if !is_label(label) {
        return None;
    }
    let start = label.len() + 1 + rest.len() - rest.trim_start().len();
    if rest.chars().any(char::is_alphanumeric) {
        return Some((label.trim().to_owned(), reading.span(segment, start..found.text.len())?));
    }
    // The value has a place of its own, unless a label stands there.
    let around = reading.around(segment, 0..found.text.len());
    let slot = around.into_iter().find(|slot| {
        let text = reading.slot_text(slot);
        slot.place != Place::Behind && text.chars().any(char::is_alphanumeric)
    })?;
    let text = reading.slot_text(&slot);
    let is_taken = text.split_once(':').is_some_and(|(label, _)| is_label(label));
    let span = reading.slot_span(&slot).filter(|_| !is_taken)?;
    Some((label.trim().to_owned(), span))
}

/// A few words; what stands before the colon of a time or a web address is none.
fn is_label(text: &str) -> bool {
    let words = text.split_whitespace().count();
    let folded = text::compact(text);
    (1..=MAX_LABEL_WORDS).contains(&words)
        && folded.chars().any(char::is_alphabetic)
        && !matches!(folded.as_str(), "http" | "https" | "mailto")
        && !text.ends_with(|character: char| character.is_ascii_digit())
}
