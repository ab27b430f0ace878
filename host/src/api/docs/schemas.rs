//! What the names of fields say about their values, put into the schemas by rule: ids, times, addresses; which fields
//! of an answer are always there; and examples of requests.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::description::operations;

/// Names that end as those of ids do, but are none of ours.
const NO_IDS: [&str; 2] = ["requestId", "eventId"];

/// What fields mean that have the same name everywhere, where nothing else is said.
const MEANINGS: [(&str, &str); 16] = [
    ("id", "Its id."),
    ("organizationId", "The organization it belongs to."),
    ("projectId", "The project it belongs to."),
    ("templateId", "The template that documents are read with."),
    ("templateName", "What the template is called."),
    ("batchId", "The batch it came with."),
    ("userId", "The user behind it; null where it was a token."),
    ("name", "What people call it."),
    ("description", "More words for people."),
    ("isActive", "Whether it is switched on."),
    ("fileName", "What the file is called."),
    ("mimeType", "The media type of the file."),
    ("metadata", "What the uploader keeps with it."),
    ("createdAt", "When it was made."),
    ("updatedAt", "When it last changed."),
    ("completedAt", "When it was finished."),
];

const SCHEMAS: &str = "#/components/schemas/";

/// Adds to all schemas of the document what their fields' names say.
pub fn refine(document: &mut Value) {
    let asked = asked(document);
    for (_, _, operation) in operations(document) {
        for parameter in operation.get_mut("parameters").and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(name) = parameter["name"].as_str().map(str::to_owned) {
                add_format(&name, &mut parameter["schema"]);
                widen_unsigned(&mut parameter["schema"]);
            }
        }
    }
    let forms = forms(document);
    let schemas = document["components"]["schemas"].as_object_mut();
    for (name, schema) in schemas.into_iter().flatten() {
        if forms.contains(name) {
            schema["properties"]
                .as_object_mut()
                .into_iter()
                .flatten()
                .for_each(|(_, part)| forbid_null(part));
        }
        visit(schema, &|object| {
            if !asked.contains(name) {
                require_nullable(object);
            }
            for (field, schema) in object["properties"].as_object_mut().into_iter().flatten() {
                add_format(field, schema);
                widen_unsigned(schema);
                let meaning = MEANINGS.iter().find(|(name, _)| name == field);
                if let (Some((_, meaning)), true) = (meaning, schema["description"].is_null()) {
                    schema["description"] = (*meaning).into();
                }
            }
        });
    }
    add_examples(document, &asked);
}

/// Gives the JSON requests that have no example one that is made of those of their fields.
fn add_examples(document: &mut Value, asked: &BTreeSet<String>) {
    let schemas = document["components"]["schemas"].clone();
    let mut examples = Map::new();
    for name in asked {
        let schema = &schemas[name];
        let example = match &schema["example"] {
            Value::Null => composed_example(schema, &schemas),
            given => Some(given.clone()),
        };
        if let Some(example) = example {
            examples.insert(name.clone(), example);
        }
    }
    for (_, _, operation) in operations(document) {
        let body = operation.get_mut("requestBody");
        let Some(content) = body.and_then(|body| body.pointer_mut("/content/application~1json")) else {
            continue;
        };
        let named = references(&content["schema"]);
        if let Some(example) = named.iter().find_map(|name| examples.get(name).cloned()) {
            content["example"] = example;
        }
    }
}

/// An object of all fields that are required, and of those that have an example; `None` where it is not known what to
/// write into one that is required.
fn composed_example(schema: &Value, schemas: &Value) -> Option<Value> {
    let mut example = Map::new();
    for (name, field) in schema["properties"].as_object()? {
        let required = &schema["required"];
        let is_required = required.as_array().is_some_and(|names| names.contains(&json!(name)));
        if is_required || !field["example"].is_null() {
            example.insert(name.clone(), example_of(field, schemas)?);
        }
    }
    Some(example.into())
}

fn example_of(field: &Value, schemas: &Value) -> Option<Value> {
    if !field["example"].is_null() {
        return Some(field["example"].clone());
    }
    let named = field["$ref"].as_str().and_then(|to| to.strip_prefix(SCHEMAS));
    let words = named.map_or(field, |name| &schemas[name]);
    if let Some(word) = words["enum"].get(0) {
        return Some(word.clone());
    }
    match field["format"].as_str()? {
        "uuid" => Some("0192f3a4-5b6c-7d8e-9f01-23456789abcd".into()),
        "email" => Some("ada@example.org".into()),
        "uri" => Some("https://example.org/".into()),
        "date-time" => Some("2026-01-31T12:00:00.000Z".into()),
        "password" => Some("correct horse battery staple".into()),
        _ => None,
    }
}

/// Names of all schemas that requests use, directly or through others.
fn asked(document: &mut Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut next = Vec::new();
    for (_, _, operation) in operations(document) {
        next.extend(operation.get("requestBody").into_iter().flat_map(references));
    }
    while let Some(name) = next.pop() {
        let used = references(&document["components"]["schemas"][&name]);
        if found.insert(name) {
            next.extend(used);
        }
    }
    found
}

/// The schemas of forms.
fn forms(document: &mut Value) -> BTreeSet<String> {
    let bodies = operations(document).filter_map(|(_, _, operation)| {
        operation.get("requestBody")?["content"].get("multipart/form-data").map(references)
    });
    bodies.flatten().collect()
}

/// A part of a form is a text or a file: what has no value is left out.
fn forbid_null(part: &mut Value) {
    if let Some(kinds) = part.get_mut("type").and_then(Value::as_array_mut) {
        kinds.retain(|kind| kind != "null");
        if let [kind] = kinds.as_slice() {
            part["type"] = kind.clone();
        }
    }
}

fn references(value: &Value) -> Vec<String> {
    match value {
        Value::Object(members) => {
            let own = members.get("$ref").and_then(Value::as_str).and_then(|to| to.strip_prefix(SCHEMAS));
            let own = own.map(str::to_owned);
            own.into_iter().chain(members.values().flat_map(references)).collect()
        }
        Value::Array(items) => items.iter().flat_map(references).collect(),
        _ => Vec::new(),
    }
}

/// Calls `change` with every schema inside `value` that has properties.
fn visit(value: &mut Value, change: &impl Fn(&mut Value)) {
    if value["properties"].is_object() {
        change(value);
    }
    let inner: Box<dyn Iterator<Item = &mut Value>> = match value {
        Value::Object(members) => Box::new(
            members.iter_mut().filter(|(name, _)| !name.starts_with("example")).map(|(_, value)| value),
        ),
        Value::Array(items) => Box::new(items.iter_mut()),
        _ => return,
    };
    for value in inner.filter(|value| value.is_object() || value.is_array()) {
        visit(value, change);
    }
}

/// A field of an answer that has no value is null, not left out; one that may be left out is never null.
fn require_nullable(object: &mut Value) {
    let required: Vec<&str> =
        object["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let always: Vec<String> = object["properties"]
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(name, schema)| required.contains(&name.as_str()) || is_nullable(schema))
        .map(|(name, _)| name.clone())
        .collect();
    if !always.is_empty() {
        object["required"] = json!(always);
    }
}

fn is_nullable(schema: &Value) -> bool {
    let among = |key: &str, wanted: Value| schema[key].as_array().is_some_and(|all| all.contains(&wanted));
    among("type", json!("null")) || among("oneOf", json!({"type": "null"}))
}

/// Says of a text, or of a list of texts, what its name implies.
fn add_format(name: &str, schema: &mut Value) {
    let has = |schema: &Value, kind: &str| {
        schema["type"] == kind || schema["type"].as_array().is_some_and(|kinds| kinds.contains(&json!(kind)))
    };
    let singular = name.strip_suffix('s').filter(|_| has(schema, "array"));
    let schema = match singular {
        Some(_) => &mut schema["items"],
        None => schema,
    };
    let (Some(format), true) = (format_of(singular.unwrap_or(name)), has(schema, "string")) else { return };
    if schema["format"].is_null() && schema["enum"].is_null() {
        schema["format"] = format.into();
    }
}

/// Unsigned numbers of 32 bits reach further than `int32`, as which they are derived.
fn widen_unsigned(schema: &mut Value) {
    let is_unsigned = schema["minimum"].as_f64().is_some_and(|minimum| minimum >= 0.0);
    if schema["format"] == "int32" && is_unsigned && schema["maximum"].is_null() {
        schema["format"] = "int64".into();
        schema["maximum"] = u32::MAX.into();
    }
}

fn format_of(name: &str) -> Option<&'static str> {
    match name {
        _ if NO_IDS.contains(&name) => None,
        "id" => Some("uuid"),
        "email" => Some("email"),
        "url" => Some("uri"),
        "fromDate" | "toDate" => Some("date"),
        _ if name.ends_with("Id") => Some("uuid"),
        _ if name.ends_with("At") => Some("date-time"),
        _ if name.ends_with("Url") => Some("uri"),
        _ => None,
    }
}
