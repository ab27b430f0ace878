//! What a record says, in the order in which every form that people read tells it: facts, fields, lists, tables,
//! warnings, text.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::Entry;
use super::cells::{is_list, written};
use super::layout::{Fields, ListLayout};
use crate::domain::extraction::{Extraction, Field, Table};

/// How deep objects in objects are told member by member.
const MAX_DEPTH: usize = 8;

/// A record as people read it.
pub(super) struct Outline<'a> {
    /// Name of the file.
    pub(super) title: &'a str,
    /// What is known of the document, each with its name.
    pub(super) facts: Vec<(&'static str, String)>,
    /// The fields of the result but those that are lists of objects.
    pub(super) fields: Vec<FieldLine>,
    /// Lists of objects, such as line items, and the tables of the pages.
    pub(super) grids: Vec<Grid>,
    /// Sentences.
    pub(super) warnings: Vec<&'a str>,
    /// The text of the pages.
    pub(super) pages: Vec<PageText<'a>>,
}

/// A field with its value.
pub(super) struct FieldLine {
    /// Name; with the names of the objects it stands in, joined by points.
    pub(super) name: String,
    /// Value; empty where nothing was found.
    pub(super) value: String,
    /// From 0 to 1; `None` where nothing was found.
    pub(super) confidence: Option<f32>,
    /// Page number from 1.
    pub(super) page: Option<u32>,
}

/// A table.
pub(super) struct Grid {
    /// What stands above it.
    pub(super) title: String,
    /// Headings; empty where there are none.
    pub(super) columns: Vec<String>,
    /// Rows; none has more cells than there are headings, where there are any.
    pub(super) rows: Vec<Vec<String>>,
}

/// The text of a page.
pub(super) struct PageText<'a> {
    /// Page number from 1; `None` where there is one page only.
    pub(super) number: Option<u32>,
    /// Its lines.
    pub(super) text: &'a str,
}

impl FieldLine {
    /// The confidence in per cent; empty where nothing was found.
    pub(super) fn per_cent(&self) -> String {
        self.confidence.map_or_else(String::new, |confidence| format!("{:.0} %", confidence * 100.0))
    }

    /// The page's number; empty where it is not known.
    pub(super) fn page_number(&self) -> String {
        self.page.map_or_else(String::new, |page| page.to_string())
    }
}

impl<'a> Outline<'a> {
    /// Makes the outline of a record.
    pub(super) fn new(entry: &'a Entry) -> Self {
        let mut outline = Self {
            title: &entry.document.file_name,
            facts: facts(entry),
            fields: Vec::new(),
            grids: Vec::new(),
            warnings: Vec::new(),
            pages: Vec::new(),
        };
        let Some(extraction) = &entry.extraction else { return outline };
        for (name, field) in &extraction.fields {
            if !is_list(&field.value) {
                add_field(&mut outline.fields, name.clone(), &field.value, field, 0);
            }
        }
        outline.grids = grids(extraction);
        outline.warnings = extraction.warnings.iter().map(|warning| warning.message.as_str()).collect();
        outline.pages = pages(extraction);
        outline
    }
}

fn facts(entry: &Entry) -> Vec<(&'static str, String)> {
    let document = &entry.document;
    let mut facts = vec![("id", document.id.clone()), ("status", document.status.to_string())];
    if let Some(template) = &document.template {
        facts.push(("template", template.name.clone()));
    }
    if let Some(count) = document.page_count {
        facts.push(("pageCount", count.to_string()));
    }
    if let Some(confidence) = document.confidence {
        facts.push(("confidence", format!("{:.0} %", confidence * 100.0)));
    }
    if let Some(failure) = &document.error {
        facts.push(("error", failure.message.clone()));
    }
    facts
}

fn add_field(lines: &mut Vec<FieldLine>, name: String, value: &Value, field: &Field, depth: usize) {
    if let Value::Object(members) = value
        && depth < MAX_DEPTH
        && !members.is_empty()
    {
        for (member, value) in members {
            add_field(lines, format!("{name}.{member}"), value, field, depth + 1);
        }
        return;
    }
    let confidence = (!value.is_null()).then_some(field.confidence);
    lines.push(FieldLine { name, value: written(value), confidence, page: field.page });
}

fn grids(extraction: &Extraction) -> Vec<Grid> {
    let mut fields = Fields::default();
    fields.add_result(extraction);
    let lists = fields.all_lists();
    let told: HashSet<&str> = lists.iter().map(|list| list.field.as_str()).collect();
    let mut grids: Vec<Grid> = lists.iter().map(|list| list_grid(list, &extraction.data)).collect();
    // A table that fills a field is told as that field's list.
    let tables = extraction
        .tables
        .iter()
        .filter(|table| table.name.as_deref().is_none_or(|name| !told.contains(name)));
    grids.extend(tables.map(table_grid));
    grids
}

fn list_grid(list: &ListLayout, data: &Map<String, Value>) -> Grid {
    let rows = list.rows(data).into_iter();
    Grid {
        title: list.field.clone(),
        columns: list.columns.clone(),
        rows: rows
            .map(|row| row.into_iter().map(|cell| cell.written(Default::default())).collect())
            .collect(),
    }
}

fn table_grid(table: &Table) -> Grid {
    let rows = table.rows.iter().map(|row| row.iter().map(|cell| cell.text.clone()).collect::<Vec<_>>());
    Grid {
        title: match &table.name {
            Some(name) => format!("{name} (page {})", table.page),
            None => format!("Table (page {})", table.page),
        },
        columns: table.columns.clone(),
        rows: rows.collect(),
    }
}

fn pages(extraction: &Extraction) -> Vec<PageText<'_>> {
    if extraction.text.trim().is_empty() {
        return Vec::new();
    }
    let mut texts: Vec<PageText<'_>> =
        extraction.text.split('\u{c}').map(|text| PageText { number: None, text: text.trim_end() }).collect();
    if texts.len() > 1 {
        for (text, page) in texts.iter_mut().zip(&extraction.pages) {
            text.number = Some(page.page);
        }
    }
    texts
}
