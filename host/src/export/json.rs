//! JSON: a record as an object, a batch as an array of such objects.

use std::fs::File;

use serde::Serialize;
use serde_json::{Map, Value};

use super::output::Output;
use super::{Entry, Error, Form, Pages, Part, Scope};
use crate::domain::extraction::{Extraction, Field, PageRecord, Table, Warning};

/// Writes JSON.
pub(super) struct Json {
    output: Output,
    pages: Pages,
    scope: Scope,
    is_first: bool,
}

/// What is said of a record; the names are those of the processing record.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    id: &'a str,
    upload_id: &'a str,
    project_id: &'a str,
    batch_id: Option<&'a str>,
    file_name: &'a str,
    mime_type: &'a str,
    page_count: Option<u32>,
    status: &'static str,
    template_id: Option<&'a str>,
    template_name: Option<&'a str>,
    confidence: Option<f64>,
    error: Option<Failure<'a>>,
    metadata: Option<&'a Map<String, Value>>,
    created_at: String,
    completed_at: Option<String>,
    result: Option<Outcome<'a>>,
}

#[derive(Serialize)]
struct Failure<'a> {
    code: &'a str,
    message: &'a str,
}

/// The contract's Result object; without `pages` where they are left out.
#[derive(Serialize)]
struct Outcome<'a> {
    fields: &'a indexmap::IndexMap<String, Field>,
    data: &'a Map<String, Value>,
    tables: &'a [Table],
    text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pages: Option<&'a [PageRecord]>,
    warnings: &'a [Warning],
}

impl Json {
    /// Makes a writer.
    pub(super) fn new(output: Output, pages: Pages, scope: Scope) -> Self {
        Self { output, pages, scope, is_first: true }
    }

    fn outcome<'a>(&self, extraction: &'a Extraction) -> Outcome<'a> {
        Outcome {
            fields: &extraction.fields,
            data: &extraction.data,
            tables: &extraction.tables,
            text: &extraction.text,
            pages: match self.pages {
                Pages::Listed => Some(&extraction.pages),
                Pages::LeftOut => None,
            },
            warnings: &extraction.warnings,
        }
    }
}

impl Form for Json {
    fn record(&mut self, entry: &Entry, _part: u32) -> Result<Part, Error> {
        let document = &entry.document;
        let record = Record {
            id: &document.id,
            upload_id: &document.upload_id,
            project_id: &document.project_id,
            batch_id: document.batch_id.as_deref(),
            file_name: &document.file_name,
            mime_type: &document.mime_type,
            page_count: document.page_count,
            status: document.status.as_str(),
            template_id: document.template.as_ref().map(|template| template.id.as_str()),
            template_name: document.template.as_ref().map(|template| template.name.as_str()),
            confidence: document.confidence,
            error: document
                .error
                .as_ref()
                .map(|failure| Failure { code: &failure.code, message: &failure.message }),
            metadata: document.metadata.as_ref(),
            created_at: document.created_at.to_iso(),
            completed_at: document.completed_at.map(|time| time.to_iso()),
            result: entry.extraction.as_ref().map(|extraction| self.outcome(extraction)),
        };
        if self.scope == Scope::Batch {
            self.output.put(if self.is_first { b"[\n" } else { b",\n" });
        }
        self.is_first = false;
        self.output.put(&serde_json::to_vec(&record).map_err(std::io::Error::from)?);
        Ok(Part::Last)
    }

    fn end(self: Box<Self>) -> Result<Option<File>, Error> {
        self.output.put(match (self.scope, self.is_first) {
            (Scope::Record, _) => b"\n",
            (Scope::Batch, true) => b"[]\n",
            (Scope::Batch, false) => b"\n]\n",
        });
        Ok(None)
    }
}
