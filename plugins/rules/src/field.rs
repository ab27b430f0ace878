//! Single fields: beside an anchor, by a pattern, in a region, or the same in every document.

use ocriva_plugin_sdk::business::totals::number;
use ocriva_plugin_sdk::output::{Field, Output};
use ocriva_plugin_sdk::reading::{Place, Span};
use ocriva_plugin_sdk::schema::{Kind, Search, Spec};
use ocriva_plugin_sdk::serde_json::{Map, Value, json};
use ocriva_plugin_sdk::values::amounts::rounded;

use crate::Reader;
use crate::rules::{Choose, FieldRule};
use crate::text::PageText;

/// Confidence of what a pattern found, of what merely stands in a region, and of what the rules say themselves.
const BY_PATTERN: f32 = 0.9;
const BY_REGION: f32 = 0.7;
const FIXED: f32 = 0.95;
/// Most values of one field.
const MAX_VALUES: usize = 1000;

/// Reads all fields of the rules.
pub fn read(reader: &Reader, output: &mut Output) {
    let rules = &reader.set.fields;
    let specs = Spec::properties(&json!({"type": "object", "properties": properties(rules)}));
    let search = Search::new(reader.reading, reader.manner, &specs);
    for (index, rule) in rules.iter().enumerate() {
        let field = match (&rule.value, specs.get(index)) {
            (Some(value), _) => Field::computed(value.clone(), FIXED),
            (None, Some(spec)) if !rule.anchors.is_empty() => beside(reader, rule, &search, (index, spec)),
            _ => by_pattern(reader, rule, &search),
        };
        output.fields.insert(rule.name.clone(), field);
    }
}

/// The rules as properties of a schema, whose hints are what the search goes by.
fn properties(rules: &[FieldRule]) -> Map<String, Value> {
    let property = |rule: &FieldRule| {
        let mut property = Map::new();
        let is_format = !matches!(rule.kind, Kind::Number | Kind::Integer | Kind::Boolean);
        let kind = if is_format { "string" } else { rule.word };
        property.insert("type".to_owned(), Value::from(kind));
        if is_format && rule.kind != Kind::Text {
            property.insert("format".to_owned(), Value::from(rule.word));
        }
        property.insert("x-labels".to_owned(), json!(rule.anchors));
        property.insert("x-lines".to_owned(), json!(rule.lines));
        let place = rule.place.map(|place| match place {
            Place::Behind => "behind",
            Place::Right => "right",
            Place::Below => "below",
        });
        let hints = [
            ("x-position", place.map(Value::from)),
            ("x-page", rule.region.page.map(Value::from)),
            ("x-area", rule.region.area.map(|area| json!(area))),
            ("x-pattern", rule.patterns.first().map(|pattern| Value::from(pattern.as_str()))),
        ];
        property.extend(hints.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
        Value::Object(property)
    };
    rules.iter().map(|rule| (rule.name.clone(), property(rule))).collect()
}

fn beside(reader: &Reader, rule: &FieldRule, search: &Search, (index, spec): (usize, &Spec)) -> Field {
    let mut field = search.find(index, spec);
    if let Some(text) = field.value.as_str().filter(|_| !rule.replace.is_empty() && rule.kind == Kind::Text) {
        field.value = Value::from(replaced(rule, text));
    }
    if field.is_missing() && !rule.patterns.is_empty() {
        // The anchor may have been read badly: what the patterns say still counts.
        return by_pattern(reader, rule, search);
    }
    field
}

fn by_pattern(reader: &Reader, rule: &FieldRule, search: &Search) -> Field {
    let part = rule.region.is_part().then(|| reader.text.within(rule.region));
    let text = part.as_ref().unwrap_or(reader.text);
    let confidence = if rule.patterns.is_empty() { BY_REGION } else { BY_PATTERN };
    let found: Vec<(Value, Span)> = matches(rule, text)
        .into_iter()
        .filter_map(|span| {
            let printed = replaced(rule, &span.text);
            let value = match rule.kind {
                Kind::Text => Value::from(printed.trim()),
                kind => search.value(kind, &printed)?,
            };
            (value.as_str() != Some("")).then_some((value, span))
        })
        .collect();
    chosen(rule.choose, &found, confidence).unwrap_or_else(Field::missing)
}

/// What the patterns find, in the order of the document; the first pattern that finds something counts. Without a
/// pattern it is all of the text.
fn matches(rule: &FieldRule, text: &PageText) -> Vec<Span> {
    if rule.patterns.is_empty() {
        return text.span(0..text.text.len()).into_iter().collect();
    }
    for pattern in &rule.patterns {
        let captures = pattern.captures_iter(&text.text).take(MAX_VALUES);
        let found: Vec<Span> = captures
            .filter_map(|captures| {
                // The first group that took part: `(a)|(b)` has one of two.
                let group = captures.iter().skip(1).flatten().next().or_else(|| captures.get(0))?;
                let span = text.span(group.range())?;
                Some(Span { text: group.as_str().to_owned(), ..span })
            })
            .collect();
        if !found.is_empty() {
            return found;
        }
    }
    Vec::new()
}

fn replaced(rule: &FieldRule, text: &str) -> String {
    let mut text = text.to_owned();
    for (from, to) in &rule.replace {
        text = from.replace_all(&text, to.as_str()).into_owned();
    }
    text
}

fn chosen(choose: Choose, found: &[(Value, Span)], confidence: f32) -> Option<Field> {
    let numbers = || found.iter().filter_map(|(value, _)| value.as_f64());
    let field = |(value, span): &(Value, Span)| Field::read(value.clone(), confidence, span);
    let first = found.first()?;
    let by_size = |wanted: fn(f64, f64) -> bool| {
        let better = |best: &'_ (Value, Span), next: &'_ (Value, Span)| {
            next.0.as_f64().zip(best.0.as_f64()).is_some_and(|(next, best)| wanted(next, best))
        };
        let mut best = first;
        for next in found {
            if better(best, next) {
                best = next;
            }
        }
        field(best)
    };
    Some(match choose {
        Choose::First => field(first),
        Choose::Last => field(found.last()?),
        Choose::Min => by_size(|next, best| next < best),
        Choose::Max => by_size(|next, best| next > best),
        Choose::Sum => {
            let sum: f64 = numbers().sum();
            let value = (numbers().count() > 0).then(|| number(rounded(sum)))?;
            if found.len() == 1 { field(first) } else { Field::computed(value, confidence) }
        }
        Choose::All => {
            let values: Vec<Value> = found.iter().map(|(value, _)| value.clone()).collect();
            Field { text: None, ..Field::read(values, confidence, &first.1) }
        }
        Choose::Join => {
            let texts = found
                .iter()
                .map(|(value, _)| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
            Field { text: None, ..Field::read(texts.collect::<Vec<_>>().join(" "), confidence, &first.1) }
        }
    })
}
