//! XML 1.0: `<export>` with a `<record>` for each document, whose values stand in `<field name="…">` elements.
//!
//! Names of fields are attributes, since not every name can be an element's. Objects are nested fields, lists are
//! `<item>` elements; `type` says what a value is.

use std::fs::File;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};
use serde_json::Value;

use super::output::Output;
use super::{Entry, Error, Form, Part};
use crate::domain::extraction::{Extraction, Field, Table};

/// Writes XML.
pub(super) struct Xml {
    writer: Writer<Output>,
}

/// An attribute with its value.
type Attribute<'a> = (&'a str, String);

impl Xml {
    /// Makes a writer, and opens the document.
    pub(super) fn new(output: Output) -> Result<Self, Error> {
        let mut xml = Self { writer: Writer::new_with_indent(output, b' ', 1) };
        xml.writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
        xml.open("export", &[])?;
        Ok(xml)
    }

    fn open(&mut self, name: &str, attributes: &[Attribute<'_>]) -> Result<(), Error> {
        Ok(self.writer.write_event(Event::Start(start(name, attributes)))?)
    }

    fn close(&mut self, name: &str) -> Result<(), Error> {
        Ok(self.writer.write_event(Event::End(BytesEnd::new(name)))?)
    }

    fn text(&mut self, name: &str, attributes: &[Attribute<'_>], text: &str) -> Result<(), Error> {
        let text = legal(text);
        self.writer.write_event(Event::Start(start(name, attributes)))?;
        self.writer.write_event(Event::Text(BytesText::new(&text)))?;
        self.close(name)
    }

    fn empty(&mut self, name: &str, attributes: &[Attribute<'_>]) -> Result<(), Error> {
        Ok(self.writer.write_event(Event::Empty(start(name, attributes)))?)
    }

    fn result(&mut self, extraction: &Extraction) -> Result<(), Error> {
        self.open("fields", &[])?;
        for (name, field) in &extraction.fields {
            self.value("field", field_attributes(name, field), &field.value)?;
        }
        self.close("fields")?;
        if !extraction.tables.is_empty() {
            self.open("tables", &[])?;
            for table in &extraction.tables {
                self.table(table)?;
            }
            self.close("tables")?;
        }
        if !extraction.warnings.is_empty() {
            self.open("warnings", &[])?;
            for warning in &extraction.warnings {
                self.text("warning", &[("code", warning.code.clone())], &warning.message)?;
            }
            self.close("warnings")?;
        }
        let pages = extraction.text.split('\u{c}').zip(&extraction.pages);
        for (text, page) in pages {
            self.text("page", &[("number", page.page.to_string())], text.trim_end())?;
        }
        Ok(())
    }

    fn value(&mut self, name: &str, mut attributes: Vec<Attribute<'_>>, value: &Value) -> Result<(), Error> {
        let (kind, text) = match value {
            Value::Null => {
                attributes.push(("type", "null".to_owned()));
                return self.empty(name, &attributes);
            }
            Value::Object(members) => {
                attributes.push(("type", "object".to_owned()));
                self.open(name, &attributes)?;
                for (member, value) in members {
                    self.value("field", vec![("name", member.clone())], value)?;
                }
                return self.close(name);
            }
            Value::Array(items) => {
                attributes.push(("type", "array".to_owned()));
                self.open(name, &attributes)?;
                for item in items {
                    self.value("item", Vec::new(), item)?;
                }
                return self.close(name);
            }
            Value::Bool(boolean) => ("boolean", boolean.to_string()),
            Value::Number(number) => ("number", number.to_string()),
            Value::String(text) => ("string", text.clone()),
        };
        attributes.push(("type", kind.to_owned()));
        self.text(name, &attributes, &text)
    }

    fn table(&mut self, table: &Table) -> Result<(), Error> {
        let mut attributes = vec![("page", table.page.to_string())];
        attributes.extend(table.name.clone().map(|name| ("name", name)));
        self.open("table", &attributes)?;
        if !table.columns.is_empty() {
            self.open("columns", &[])?;
            for column in &table.columns {
                self.text("column", &[], column)?;
            }
            self.close("columns")?;
        }
        for row in &table.rows {
            self.open("row", &[])?;
            for cell in row {
                self.text("cell", &[], &cell.text)?;
            }
            self.close("row")?;
        }
        self.close("table")
    }
}

impl Form for Xml {
    fn record(&mut self, entry: &Entry, _part: u32) -> Result<Part, Error> {
        let document = &entry.document;
        let mut attributes = vec![
            ("id", document.id.clone()),
            ("fileName", document.file_name.clone()),
            ("status", document.status.to_string()),
        ];
        attributes.extend(document.template.as_ref().map(|template| ("templateName", template.name.clone())));
        attributes.extend(document.page_count.map(|count| ("pageCount", count.to_string())));
        attributes.extend(document.confidence.map(|confidence| ("confidence", confidence.to_string())));
        self.open("record", &attributes)?;
        if let Some(failure) = &document.error {
            self.text("error", &[("code", failure.code.clone())], &failure.message)?;
        }
        if let Some(extraction) = &entry.extraction {
            self.result(extraction)?;
        }
        self.close("record")?;
        Ok(Part::Last)
    }

    fn end(mut self: Box<Self>) -> Result<Option<File>, Error> {
        self.close("export")?;
        Ok(None)
    }
}

fn start<'a>(name: &'a str, attributes: &[Attribute<'_>]) -> BytesStart<'a> {
    let mut start = BytesStart::new(name);
    for (name, value) in attributes {
        start.push_attribute((*name, legal(value).as_str()));
    }
    start
}

fn field_attributes<'a>(name: &str, field: &Field) -> Vec<Attribute<'a>> {
    let mut attributes = vec![("name", name.to_owned())];
    if !field.value.is_null() {
        attributes.push(("confidence", field.confidence.to_string()));
        attributes.extend(field.page.map(|page| ("page", page.to_string())));
        attributes.extend(field.source.clone().map(|source| ("source", source)));
    }
    attributes
}

/// Text without the characters that XML 1.0 does not allow in any form.
pub(super) fn legal(text: &str) -> String {
    let is_illegal = |character: char| matches!(character, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}');
    text.chars().map(|character| if is_illegal(character) { '\u{fffd}' } else { character }).collect()
}
