//! The plugin `barcode`: all bar codes of a document, and what is known to be in them.

mod payload;
mod rows;
#[cfg(test)]
mod tests;

use std::collections::HashSet;

use ocriva_plugin_sdk::output::{Field, Warning};
use ocriva_plugin_sdk::schema::{Kind, Known, Spec, Wanted, without_hints};
use ocriva_plugin_sdk::serde_json::{self, Value, json};
use ocriva_plugin_sdk::values::dates::{self, Date, Order};
use ocriva_plugin_sdk::{
    Barcode, Description, Document, Extractor, Failure, Output, Request, completion, register,
};
use serde::Deserialize;

use payload::{Form, Payload};

/// The formats that the host reads.
const FORMATS: [&str; 12] = [
    "qr_code",
    "micro_qr_code",
    "data_matrix",
    "aztec",
    "pdf_417",
    "code_128",
    "code_39",
    "ean_13",
    "ean_8",
    "upc_a",
    "upc_e",
    "itf",
];

/// The field with all codes.
const ALL: &str = "barcodes";

/// The plugin's own fields.
const SCHEMA: &str = include_str!("schema.json");

/// Confidence of the text of a code.
const TEXT: f32 = 0.99;

/// Reads bar codes.
pub struct Barcodes;

/// The settings.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Settings {
    /// Formats to tell; all of them unless set.
    formats: Option<HashSet<String>>,
    /// Contents to understand; all of them unless set.
    payloads: Option<Vec<Form>>,
}

/// A code that was found.
struct Found {
    page: u32,
    code: Barcode,
    payload: Option<Payload>,
}

impl Extractor for Barcodes {
    type Request = Request;

    fn describe() -> Description {
        let purpose = "Reads bar codes, and what payment codes, QR bills and GS1 codes say";
        Description::new("barcode", env!("CARGO_PKG_VERSION"), purpose)
            .with_config_schema(config_schema())
            .with_output_schema(without_hints(&own_schema()))
    }

    fn extract(document: &Document, request: Request) -> Result<Output, Failure> {
        let settings: Settings = Deserialize::deserialize(Value::Object(request.config.clone()))
            .map_err(|error| Failure::new("bad_config", format!("settings do not fit: {error}")))?;
        let today = dates::parse(&request.today, Order::DayFirst).map(|found| found.date);
        let codes = find(document, &settings, today)?;
        let schema = request.schema.filter(|schema| schema.get("properties").is_some());
        let mut output = Output::default();
        for mut wanted in Known::new(&own_schema()).wanted(schema.as_ref()) {
            if schema.is_none() {
                // Rows with all that is known, and nothing that is not.
                wanted.spec.children.clear();
            }
            let field = field(&codes, &wanted, &mut output.warnings);
            // Who names no fields is not told of all that his codes might have said.
            let is_told = schema.is_some() || wanted.spec.name == ALL || !field.is_missing();
            if is_told {
                output.fields.insert(wanted.spec.name, field);
            }
        }
        output.warnings.extend(codes.iter().flat_map(warnings));
        output.tables = rows::tables(&codes);
        completion::complete(document, &request.config, schema.as_ref(), &mut output);
        Ok(output)
    }
}

register!(Barcodes);

fn own_schema() -> Value {
    serde_json::from_str(SCHEMA).unwrap_or_default()
}

fn config_schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "formats": {
                "type": "array",
                "uniqueItems": true,
                "description": "Formats of the codes that are told; all of them unless set.",
                "items": {"enum": FORMATS},
            },
            "payloads": {
                "type": "array",
                "uniqueItems": true,
                "description": "Contents that are understood; all of them unless set.",
                "items": {"enum": Form::ALL.map(Form::as_str)},
            },
            "lookups": completion::lookups_schema(),
        },
        "additionalProperties": false,
    })
}

/// The codes of all pages.
fn find(document: &Document, settings: &Settings, today: Option<Date>) -> Result<Vec<Found>, Failure> {
    let forms = settings.payloads.as_deref().unwrap_or(&Form::ALL);
    let mut found = Vec::new();
    for index in 0..document.page_count() {
        let page = document.page_number(index)?;
        for code in document.barcodes(index)? {
            if settings.formats.as_ref().is_none_or(|formats| formats.contains(&code.format)) {
                found.push(Found { page, payload: payload::read(&code, forms, today), code });
            }
        }
    }
    Ok(found)
}

/// One field: all codes, a value that a code has, or the text of a code.
fn field(codes: &[Found], Wanted { spec, known }: &Wanted, warnings: &mut Vec<Warning>) -> Field {
    warnings.extend(
        spec.problem.as_ref().map(|problem| Warning::about(&spec.name, "bad_pattern", problem.clone())),
    );
    match known.as_deref() {
        Some(ALL) => rows::field(codes, spec),
        Some(name) => value(codes, name, spec),
        None if spec.kind == Kind::Table => rows::field(codes, spec),
        None => text(codes, spec),
    }
}

/// The value of the first code that has it.
fn value(codes: &[Found], name: &str, spec: &Spec) -> Field {
    let found = codes.iter().find_map(|found| {
        let entry = found.payload.as_ref()?.get(name)?;
        let is_fitting = match (&spec.pattern, &entry.value) {
            (Some(pattern), Value::String(text)) => pattern.is_match(text),
            _ => true,
        };
        is_fitting.then(|| Field::read(entry.value.clone(), entry.confidence, &found.code.span(found.page)))
    });
    found.unwrap_or_else(Field::missing)
}

/// The text of the first code whose format the property is named for, or that its pattern fits.
fn text(codes: &[Found], spec: &Spec) -> Field {
    let compact = |name: &str| name.chars().filter(char::is_ascii_alphanumeric).collect::<String>();
    let wanted = compact(&spec.words);
    let has_format = |found: &&Found| compact(&found.code.format) == wanted;
    let is_any = matches!(wanted.as_str(), "barcode" | "code" | "text" | "barcodetext");
    let found = match &spec.pattern {
        Some(pattern) => codes.iter().find_map(|found| {
            let captured = pattern.captures(&found.code.text)?;
            Some((found, captured.get(1).or(captured.get(0))?.as_str()))
        }),
        None => codes
            .iter()
            .find(has_format)
            .or_else(|| codes.first().filter(|_| is_any))
            .map(|found| (found, found.code.text.as_str())),
    };
    found.map_or_else(Field::missing, |(found, text)| Field::read(text, TEXT, &found.code.span(found.page)))
}

/// What is wrong with a code.
fn warnings(found: &Found) -> impl Iterator<Item = Warning> {
    let problems = found.payload.iter().flat_map(|payload| &payload.problems);
    problems.map(|problem| Warning {
        code: problem.code.to_owned(),
        message: format!("code on page {}: {}", found.page, problem.message),
        field: problem.field.map(str::to_owned),
        page: Some(found.page),
    })
}
