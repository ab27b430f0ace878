//! A template's schema as results are checked against it: a document says what it says, so anything may be missing.

use jsonschema::Validator;
use serde_json::{Map, Value, json};

/// Keywords whose value maps names to schemas.
const SCHEMA_MAPS: [&str; 5] =
    ["properties", "patternProperties", "$defs", "definitions", "dependentSchemas"];

/// Keywords whose value is a schema.
const SCHEMAS: [&str; 5] = ["items", "additionalProperties", "contains", "not", "additionalItems"];

/// Keywords whose value is a list of schemas.
const SCHEMA_LISTS: [&str; 4] = ["allOf", "anyOf", "oneOf", "prefixItems"];

/// Where the schema stands in the one that checks: only what its properties say counts, and all else in it is there to
/// be referred to.
const PLACE: &str = "#/$defs/template";

/// Checks objects whose members are some of the schema's properties, each by itself: null always fits, and nothing is
/// required.
///
/// # Errors
/// A sentence on a schema that is not valid.
pub fn validator(schema: &Value) -> Result<Validator, String> {
    let names = schema.get("properties").and_then(Value::as_object).into_iter().flat_map(Map::keys);
    let properties: Map<String, Value> = names
        .map(|name| {
            let pointer = name.replace('~', "~0").replace('/', "~1");
            (name.clone(), json!({ "$ref": format!("{PLACE}/properties/{}", escaped(&pointer)) }))
        })
        .collect();
    let mut checking = json!({ "$defs": { "template": moved(nullable(schema)) }, "properties": properties });
    if let (Some(dialect), Some(checking)) = (schema.get("$schema"), checking.as_object_mut()) {
        checking.insert("$schema".to_owned(), dialect.clone());
    }
    jsonschema::options().should_validate_formats(true).build(&checking).map_err(|error| error.to_string())
}

/// A pointer as it stands in a URI.
fn escaped(pointer: &str) -> String {
    let letter = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
            char::from(byte).to_string()
        }
        byte => format!("%{byte:02X}"),
    };
    pointer.bytes().map(letter).collect()
}

/// The schema with its references to where it stands now. It has no name of its own any more, which they would be
/// relative to.
fn moved(schema: Value) -> Value {
    match schema {
        Value::Object(members) => {
            let members = members.into_iter().filter(|(name, value)| {
                !(matches!(name.as_str(), "$id" | "id" | "$schema") && value.is_string())
            });
            let members = members.map(|(name, value)| match value {
                Value::String(target) if name == "$ref" => {
                    // What begins with a letter is an anchor, and found wherever it is.
                    let target = match target.strip_prefix('#') {
                        Some(pointer) if pointer.is_empty() || pointer.starts_with('/') => {
                            format!("{PLACE}{pointer}")
                        }
                        _ => target,
                    };
                    (name, Value::String(target))
                }
                value => (name, moved(value)),
            });
            Value::Object(members.collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(moved).collect()),
        other => other,
    }
}

/// The schema with every value allowed to be null and nothing required.
fn nullable(schema: &Value) -> Value {
    let Value::Object(schema) = schema else { return schema.clone() };
    let mut relaxed = Map::with_capacity(schema.len());
    for (keyword, value) in schema {
        let value = match keyword.as_str() {
            "required" | "dependentRequired" | "minProperties" => continue,
            "type" => with_null(value),
            "enum" => enum_with_null(value),
            keyword if SCHEMA_MAPS.contains(&keyword) => map_values(value, nullable),
            keyword if SCHEMAS.contains(&keyword) => nullable(value),
            keyword if SCHEMA_LISTS.contains(&keyword) => match value {
                Value::Array(schemas) => Value::Array(schemas.iter().map(nullable).collect()),
                other => other.clone(),
            },
            _ => value.clone(),
        };
        relaxed.insert(keyword.clone(), value);
    }
    Value::Object(relaxed)
}

fn map_values(value: &Value, change: fn(&Value) -> Value) -> Value {
    match value {
        Value::Object(entries) => {
            Value::Object(entries.iter().map(|(name, entry)| (name.clone(), change(entry))).collect())
        }
        other => other.clone(),
    }
}

fn with_null(types: &Value) -> Value {
    let mut types = match types {
        Value::Array(types) => types.clone(),
        single => vec![single.clone()],
    };
    if !types.iter().any(|known| known == "null") {
        types.push("null".into());
    }
    Value::Array(types)
}

fn enum_with_null(values: &Value) -> Value {
    match values {
        Value::Array(values) if !values.contains(&Value::Null) => {
            Value::Array(values.iter().cloned().chain([Value::Null]).collect())
        }
        other => other.clone(),
    }
}
