//! Lists of objects: rows between a start and an end, whose named groups are columns.

use std::ops::Range;

use ocriva_plugin_sdk::output::{Cell, Field, Output, Table};
use ocriva_plugin_sdk::reading::Span;
use ocriva_plugin_sdk::schema::{Kind, Search};
use ocriva_plugin_sdk::serde_json::{Map, Value};
use regex_lite::Regex;

use crate::Reader;
use crate::rules::LinesRule;

/// Confidence of a list.
const CONFIDENCE: f32 = 0.85;
/// Most objects of a list.
const MAX_LINES: usize = 5000;

/// An object while its rows are read: columns with their texts.
#[derive(Default)]
struct Record {
    values: Vec<(String, Span)>,
}

impl Record {
    /// Adds the named groups of a match; a second text of one column goes on with the first.
    fn take(&mut self, pattern: &Regex, row: &str, at: usize, reader: &Reader) {
        let Some(captures) = pattern.captures(row) else { return };
        for name in pattern.capture_names().flatten() {
            let Some(group) = captures.name(name).filter(|group| !group.as_str().trim().is_empty()) else {
                continue;
            };
            let Some(place) = reader.text.span(at + group.start()..at + group.end()) else { continue };
            let span = Span { text: group.as_str().trim().to_owned(), ..place };
            match self.values.iter_mut().find(|(known, _)| known == name) {
                Some((_, first)) => {
                    if let Some(joined) = Span::join(&[first.clone(), span]) {
                        *first = joined;
                    }
                }
                None => self.values.push((name.to_owned(), span)),
            }
        }
    }
}

/// Reads a list, and the table of it.
pub fn read(reader: &Reader, rule: &LinesRule, output: &mut Output) {
    let mut columns: Vec<String> = Vec::new();
    for group in rule.groups() {
        if !columns.iter().any(|known| known == group) {
            columns.push(group.to_owned());
        }
    }
    let records: Vec<Record> = records(reader, rule);
    let first = records.iter().flat_map(|record| &record.values).map(|(_, span)| span).next().cloned();
    let Some(first) = first else {
        output.fields.insert(rule.name.clone(), Field::missing());
        return;
    };
    let search = Search::new(reader.reading, reader.manner, &[]);
    let value = |record: &Record, column: &String| {
        let Some((_, span)) = record.values.iter().find(|(name, _)| name == column) else {
            return Value::Null;
        };
        match rule.kinds.get(column).copied().unwrap_or(Kind::Text) {
            Kind::Text => Value::from(span.text.as_str()),
            kind => search.value(kind, &span.text).unwrap_or(Value::Null),
        }
    };
    let objects = records.iter().map(|record| {
        let values = columns.iter().map(|column| (column.clone(), value(record, column)));
        Value::Object(values.collect::<Map<String, Value>>())
    });
    let objects: Vec<Value> = objects.collect();
    let on_page =
        records.iter().flat_map(|record| &record.values).filter(|(_, span)| span.page == first.page);
    let bbox = on_page.map(|(_, span)| span.bbox).reduce(|left, right| left.union(&right));
    let bbox = bbox.unwrap_or(first.bbox);
    let cell = |record: &Record, column: &String| {
        let found = record.values.iter().find(|(name, _)| name == column);
        found.map_or_else(Cell::default, |(_, span)| Cell {
            text: span.text.clone(),
            bbox: Some(span.bbox),
            confidence: span.confidence,
        })
    };
    output.tables.push(Table {
        name: Some(rule.name.clone()),
        page: first.page,
        bbox: Some(bbox),
        columns: columns.clone(),
        rows: records
            .iter()
            .map(|record| columns.iter().map(|column| cell(record, column)).collect())
            .collect(),
    });
    let place = Span { bbox, ..first };
    let field = Field { text: None, ..Field::read(objects, CONFIDENCE, &place) };
    output.fields.insert(rule.name.clone(), field);
}

/// The rows between each start and the end behind it.
fn blocks(text: &str, rule: &LinesRule) -> Vec<Range<usize>> {
    let Some(start) = &rule.start else {
        let end = rule.end.as_ref().and_then(|end| end.find(text)).map_or(text.len(), |end| end.start());
        return std::iter::once(0..end).collect();
    };
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(begin) = text.get(at..).and_then(|rest| start.find(rest)) {
        let begin = at + begin.end().max(begin.start() + 1);
        let Some(rest) = text.get(begin..) else { break };
        let end =
            rule.end.as_ref().and_then(|end| end.find(rest)).map_or(text.len(), |end| begin + end.start());
        found.push(begin..end);
        at = end.max(begin);
    }
    found
}

fn records(reader: &Reader, rule: &LinesRule) -> Vec<Record> {
    let text = &reader.text.text;
    let mut records: Vec<Record> = Vec::new();
    let mut is_open = false;
    for block in blocks(text, rule) {
        let mut at = block.start;
        for row in text.get(block).unwrap_or_default().split_inclusive('\n') {
            let start = at;
            at += row.len();
            let row = row.trim_end();
            let matching =
                |patterns: &[Regex]| patterns.iter().find(|pattern| pattern.is_match(row)).cloned();
            if row.trim().is_empty() || matching(&rule.skip).is_some() || records.len() > MAX_LINES {
                continue;
            }
            if let Some(pattern) = matching(&rule.first) {
                records.push(Record::default());
                is_open = true;
                add(&mut records, &pattern, row, start, reader);
            } else if let Some(pattern) = matching(&rule.last).filter(|_| is_open) {
                add(&mut records, &pattern, row, start, reader);
                is_open = false;
            } else if let Some(pattern) = matching(&rule.line) {
                // With a first line, the others go on with it; without, each is an object.
                if rule.first.is_empty() {
                    records.push(Record::default());
                    is_open = true;
                }
                if is_open {
                    add(&mut records, &pattern, row, start, reader);
                }
            }
        }
        is_open = false;
    }
    records.retain(|record| !record.values.is_empty());
    records
}

fn add(records: &mut [Record], pattern: &Regex, row: &str, start: usize, reader: &Reader) {
    if let Some(record) = records.last_mut() {
        record.take(pattern, row, start, reader);
    }
}
