//! Schemas of templates: a JSON Schema, or the short form `field → {type, description}`, made into one.

mod relaxed;

use serde_json::{Map, Value, json};

pub use relaxed::validator;

/// Most references that lead from one to the next.
const MAX_REFERENCES: usize = 16;

/// Most fields of a schema, those of nested objects included.
const MAX_FIELDS: usize = 1000;

/// Most levels of objects and lists inside of one another, keywords included: a field takes two of them.
const MAX_DEPTH: usize = 40;

/// Most bytes of a schema, as JSON.
const MAX_BYTES: usize = 512 * 1024;

/// Keywords that find their meaning at run time or elsewhere; a schema has to mean the same wherever it is read.
const UNSUPPORTED: [&str; 5] =
    ["$dynamicRef", "$dynamicAnchor", "$recursiveRef", "$recursiveAnchor", "$vocabulary"];

/// Most problems that are told of one value.
const MAX_PROBLEMS: usize = 20;

/// Types of the short form with what they stand for in JSON Schema.
const SHORT_TYPES: [(&str, &str, Option<&str>); 17] = [
    ("string", "string", None),
    ("text", "string", None),
    ("number", "number", None),
    ("float", "number", None),
    ("decimal", "number", None),
    ("currency", "number", None),
    ("amount", "number", None),
    ("integer", "integer", None),
    ("int", "integer", None),
    ("boolean", "boolean", None),
    ("bool", "boolean", None),
    ("date", "string", Some("date")),
    ("datetime", "string", Some("date-time")),
    ("time", "string", Some("time")),
    ("email", "string", Some("email")),
    ("object", "object", None),
    ("array", "array", None),
];

/// Makes a template's schema a JSON Schema of type object: a JSON Schema stays as it is, the short form is written
/// out.
///
/// # Errors
/// A sentence for each thing that is wrong with it.
pub fn normalized(schema: &Value) -> Result<Value, Vec<String>> {
    let Value::Object(members) = schema else {
        return Err(vec!["the schema has to be a JSON object".to_owned()]);
    };
    check_size(schema)?;
    let schema = if is_json_schema(members) { json_schema(members)? } else { written_out(members)? };
    match count_fields(&schema) {
        0 => return Err(vec!["the schema has no fields".to_owned()]),
        1..=MAX_FIELDS => {}
        found => {
            return Err(vec![format!("the schema has {found} fields, at most {MAX_FIELDS} are possible")]);
        }
    }
    if let Some(reference) = remote_reference(&schema) {
        return Err(vec![format!("`$ref` `{reference}` leads outside the schema; only `#…` is possible")]);
    }
    let references = check_references(&schema, &schema);
    if !references.is_empty() {
        return Err(references);
    }
    validity(&schema).map_err(|reason| vec![format!("the schema is not valid JSON Schema: {reason}")])?;
    validator(&schema)
        .map_err(|problem| vec![format!("results cannot be checked against the schema: {problem}")])?;
    Ok(schema)
}

/// What a place in a schema says: itself, or what its `$ref` leads to within the same schema.
pub fn resolved<'a>(place: &'a Value, schema: &'a Value) -> &'a Value {
    let mut place = place;
    for _ in 0..MAX_REFERENCES {
        let target = place.get("$ref").and_then(Value::as_str).and_then(|target| target.strip_prefix('#'));
        match target.and_then(|pointer| schema.pointer(pointer)) {
            Some(next) => place = next,
            None => break,
        }
    }
    place
}

fn check_size(schema: &Value) -> Result<(), Vec<String>> {
    let depth = depth(schema);
    if depth > MAX_DEPTH {
        return Err(vec![format!(
            "the schema is nested {depth} levels deep, at most {MAX_DEPTH} are possible"
        )]);
    }
    let size_bytes = schema.to_string().len();
    if size_bytes > MAX_BYTES {
        return Err(vec![format!("the schema has {size_bytes} bytes, at most {MAX_BYTES} are possible")]);
    }
    Ok(())
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or_default(),
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or_default(),
        _ => 0,
    }
}

/// What is wrong with the schema's references and with keywords like them, one sentence each.
fn check_references(place: &Value, schema: &Value) -> Vec<String> {
    let members = match place {
        Value::Object(members) => members,
        Value::Array(items) => return items.iter().flat_map(|item| check_references(item, schema)).collect(),
        _ => return Vec::new(),
    };
    let mut problems = Vec::new();
    for (name, value) in members {
        match value {
            // A field may bear any name: then an object stands under it.
            Value::String(_) | Value::Bool(_) if UNSUPPORTED.contains(&name.as_str()) => {
                problems.push(format!("the keyword `{name}` is not supported"));
            }
            Value::String(target) if name == "$ref" => {
                let pointer = target.strip_prefix('#').unwrap_or_default();
                if pointer.starts_with('/') && schema.pointer(pointer).is_none() {
                    problems.push(format!("`$ref` `{target}` leads nowhere"));
                }
            }
            value => problems.extend(check_references(value, schema)),
        }
    }
    problems
}

/// Whether a value is a JSON Schema.
///
/// # Errors
/// Why it is none, in a sentence.
pub fn validity(schema: &Value) -> Result<(), String> {
    jsonschema::options().build(schema).map(|_| ()).map_err(|error| told(&error))
}

/// What about a value does not fit a schema, one sentence each, at most 20; a schema that is none itself fits nothing.
pub fn problems(schema: &Value, value: &Value) -> Vec<String> {
    match jsonschema::options().build(schema) {
        Ok(validator) => validator.iter_errors(value).take(MAX_PROBLEMS).map(|error| told(&error)).collect(),
        Err(error) => vec![format!("the schema itself is not valid: {error}")],
    }
}

/// What is wrong, after the place where, if that is not the whole.
fn told(error: &jsonschema::ValidationError<'_>) -> String {
    match error.instance_path().to_string().as_str() {
        "" => error.to_string(),
        place => format!("at `{place}`: {error}"),
    }
}

/// Whether this is a JSON Schema: the short form has an object under each of its names, also under one called `type`
/// or `properties`.
fn is_json_schema(members: &Map<String, Value>) -> bool {
    let has_fields = members.get("properties").and_then(Value::as_object).is_some_and(|properties| {
        properties.values().all(|property| property.is_object() || property.is_boolean())
    });
    let has_word = ["type", "$schema", "$ref", "$id"]
        .iter()
        .any(|name| members.get(*name).is_some_and(|v| !v.is_object()));
    has_fields || has_word
}

fn json_schema(members: &Map<String, Value>) -> Result<Value, Vec<String>> {
    let mut schema = members.clone();
    match schema.get("type") {
        None => {
            schema.insert("type".to_owned(), json!("object"));
        }
        Some(Value::String(word)) if word == "object" => {}
        Some(other) => {
            return Err(vec![format!("the schema's `type` is {other}, it has to be \"object\"")]);
        }
    }
    Ok(Value::Object(schema))
}

fn written_out(fields: &Map<String, Value>) -> Result<Value, Vec<String>> {
    let mut problems = Vec::new();
    let schema = object_of(fields, "", &mut problems);
    if problems.is_empty() { Ok(schema) } else { Err(problems) }
}

fn object_of(fields: &Map<String, Value>, path: &str, problems: &mut Vec<String>) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for (name, field) in fields {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        let Value::Object(field) = field else {
            problems.push(format!("`{path}` has to be an object such as {{\"type\":\"string\"}}"));
            continue;
        };
        if field.get("required").is_some_and(|value| value == &Value::Bool(true)) {
            required.push(Value::String(name.clone()));
        }
        properties.insert(name.clone(), property(field, &path, problems));
    }
    let mut schema = json!({ "type": "object", "properties": properties });
    if let (false, Some(schema)) = (required.is_empty(), schema.as_object_mut()) {
        schema.insert("required".to_owned(), Value::Array(required));
    }
    schema
}

/// One field of the short form as JSON Schema. Members that JSON Schema knows by the same name stay.
fn property(field: &Map<String, Value>, path: &str, problems: &mut Vec<String>) -> Value {
    let mut property = field.clone();
    if property.get("required").is_some_and(Value::is_boolean) {
        property.remove("required");
    }
    let word = match field.get("type") {
        None => "string".to_owned(),
        Some(Value::String(word)) => word.to_lowercase(),
        Some(other) => {
            problems.push(format!("`{path}`: `type` is {other}, it has to be a word"));
            return Value::Null;
        }
    };
    let Some((_, json_type, format)) = SHORT_TYPES.iter().find(|(known, ..)| *known == word) else {
        let known: Vec<&str> = SHORT_TYPES.iter().map(|(known, ..)| *known).collect();
        problems.push(format!("`{path}`: unknown type `{word}`; known are {}", known.join(", ")));
        return Value::Null;
    };
    property.insert("type".to_owned(), json!(json_type));
    if let Some(format) = format {
        property.entry("format").or_insert_with(|| json!(format));
    }
    if let Some(Value::Object(fields)) = field.get("properties") {
        let Value::Object(nested) = object_of(fields, path, problems) else { return Value::Null };
        property.extend(nested);
    }
    if let Some(Value::Object(items)) = field.get("items") {
        // Items are a field themselves, or, for tables, a map of the columns' fields.
        let items = if is_json_schema(items) {
            self::property(items, &format!("{path}[]"), problems)
        } else {
            object_of(items, &format!("{path}[]"), problems)
        };
        property.insert("items".to_owned(), items);
    }
    Value::Object(property)
}

fn count_fields(schema: &Value) -> usize {
    match schema {
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| match value {
                Value::Object(properties) if name == "properties" => {
                    properties.len() + properties.values().map(count_fields).sum::<usize>()
                }
                value => count_fields(value),
            })
            .sum(),
        Value::Array(items) => items.iter().map(count_fields).sum(),
        _ => 0,
    }
}

fn remote_reference(schema: &Value) -> Option<&str> {
    match schema {
        Value::Object(members) => members.iter().find_map(|(name, value)| match value {
            Value::String(target) if name == "$ref" && !target.starts_with('#') => Some(target.as_str()),
            value => remote_reference(value),
        }),
        Value::Array(items) => items.iter().find_map(remote_reference),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(schema: Value, expected: Value) {
        assert_eq!(normalized(&schema), Ok(expected));
    }

    #[track_caller]
    fn check_wrong(schema: Value, expected: &str) {
        let problems = normalized(&schema).unwrap_err().join("; ");
        assert!(problems.contains(expected), "{problems}");
    }

    #[test]
    fn a_json_schema_stays_as_it_is() {
        let schema =
            json!({"type": "object", "properties": {"total": {"type": "number", "x-labels": ["Sum"]}}});
        check(schema.clone(), schema);
    }

    #[test]
    fn a_flat_map_of_fields_becomes_a_json_schema() {
        check(
            json!({
                "invoice_date": {"type": "date", "description": "Day of issue", "required": true},
                "total": {"type": "Currency"},
                "note": {"description": "Anything"},
            }),
            json!({
                "type": "object",
                "properties": {
                    "invoice_date": {"type": "string", "description": "Day of issue", "format": "date"},
                    "total": {"type": "number"},
                    "note": {"description": "Anything", "type": "string"},
                },
                "required": ["invoice_date"],
            }),
        );
    }

    #[test]
    fn fields_called_type_and_properties_are_fields() {
        let schema =
            normalized(&json!({"type": {"type": "string"}, "properties": {"type": "text"}})).unwrap();
        assert_eq!(schema["properties"]["type"], json!({"type": "string"}));
        assert_eq!(schema["properties"]["properties"], json!({"type": "string"}));
    }

    #[test]
    fn columns_of_a_table_may_be_a_flat_map_too() {
        let schema = normalized(&json!({
            "lines": {"type": "array", "items": {"sku": {"type": "text"}, "price": {"type": "amount"}}},
            "tags": {"type": "array", "items": {"type": "text"}},
        }))
        .unwrap();
        assert_eq!(schema["properties"]["lines"]["items"]["properties"]["price"], json!({"type": "number"}));
        assert_eq!(schema["properties"]["tags"]["items"], json!({"type": "string"}));
    }

    #[test]
    fn what_is_wrong_is_said_by_name() {
        check_wrong(json!([]), "has to be a JSON object");
        check_wrong(json!({}), "no fields");
        check_wrong(json!({"type": "array", "items": {}}), "has to be \"object\"");
        check_wrong(json!({"a": "string"}), "`a` has to be an object");
        check_wrong(json!({"a": {"type": "colour"}}), "`a`: unknown type `colour`; known are string");
        check_wrong(json!({"a": {"type": 3}}), "`a`: `type` is 3");
        check_wrong(json!({"properties": {"a": {"type": "colour"}}}), "not valid JSON Schema");
        check_wrong(
            json!({"properties": {"a": {"$ref": "http://127.0.0.1:9/x"}}}),
            "leads outside the schema",
        );
        check_wrong(json!({"properties": {"a": {"$ref": "#/$defs/b"}}}), "`#/$defs/b` leads nowhere");
        check_wrong(json!({"properties": {"a": {"$dynamicRef": "#b"}}}), "`$dynamicRef` is not supported");
    }

    #[test]
    fn a_schema_is_neither_too_deep_nor_too_large() {
        let mut nested = json!({"type": "string"});
        for _ in 0..20 {
            nested = json!({"type": "object", "properties": {"a": nested}});
        }
        check_wrong(nested, "levels deep, at most 40");
        let long = "x".repeat(600_000);
        check_wrong(json!({"a": {"type": "text", "description": long}}), "bytes, at most 524288");
    }
}
