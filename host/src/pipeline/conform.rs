//! Makes an extractor's answer conform to the template's schema: what the template asks for is there, found or
//! not; what does not fit its type is turned into it where that loses nothing, and else refused with a warning.

use indexmap::IndexMap;
use serde_json::{Map, Value};

use crate::domain::extraction::{Field, Warning};

/// Keywords whose value maps names to schemas.
const SCHEMA_MAPS: [&str; 5] =
    ["properties", "patternProperties", "$defs", "definitions", "dependentSchemas"];

/// Keywords whose value is a schema.
const SCHEMAS: [&str; 5] = ["items", "additionalProperties", "contains", "not", "additionalItems"];

/// Keywords whose value is a list of schemas.
const SCHEMA_LISTS: [&str; 4] = ["allOf", "anyOf", "oneOf", "prefixItems"];

/// Why a template's schema cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("template schema is not a valid JSON Schema: {0}")]
pub struct SchemaError(String);

/// The fields of an answer, conforming to a schema.
pub struct Conformed {
    /// One for each property of the schema, in its order.
    pub fields: IndexMap<String, Field>,
    /// Values that were refused.
    pub warnings: Vec<Warning>,
}

/// Keeps the fields that `schema` asks for. A schema that names no properties keeps them all.
///
/// # Errors
/// A schema that is not valid.
pub fn conform(schema: &Value, mut fields: IndexMap<String, Field>) -> Result<Conformed, SchemaError> {
    let Some(Value::Object(properties)) = schema.get("properties").filter(|known| known.is_object()) else {
        return Ok(Conformed { fields, warnings: Vec::new() });
    };
    let mut conformed = Conformed { fields: IndexMap::with_capacity(properties.len()), warnings: Vec::new() };
    for (name, property) in properties {
        let mut field = fields.swap_remove(name).unwrap_or_else(not_found);
        if !field.value.is_null() {
            let validator = validator(schema, property)?;
            coerce(&mut field.value, property, schema);
            if let Err(error) = validator.validate(&field.value) {
                conformed.warnings.push(Warning {
                    code: "value_rejected".to_owned(),
                    message: format!(
                        "the value found for `{name}` does not fit the template's schema: {error}"
                    ),
                    field: Some(name.clone()),
                    page: field.page,
                });
                field = not_found();
            }
        }
        conformed.fields.insert(name.clone(), field);
    }
    Ok(conformed)
}

fn not_found() -> Field {
    Field { value: Value::Null, confidence: 0.0, page: None, bbox: None, source: None, text: None }
}

/// A validator for one property; definitions of the whole schema can be referred to.
fn validator(schema: &Value, property: &Value) -> Result<jsonschema::Validator, SchemaError> {
    let mut standing_alone = match nullable(property) {
        Value::Object(standing_alone) => standing_alone,
        other => return Err(SchemaError(format!("a property is {other}, not an object"))),
    };
    for definitions in ["$defs", "definitions", "$schema"] {
        if let Some(value) = schema.get(definitions) {
            standing_alone.entry(definitions).or_insert_with(|| match definitions {
                "$schema" => value.clone(),
                _ => map_values(value, nullable),
            });
        }
    }
    jsonschema::options()
        .should_validate_formats(true)
        .build(&Value::Object(standing_alone))
        .map_err(|error| SchemaError(error.to_string()))
}

/// The schema with every value allowed to be null and nothing required: a document says what it says.
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

/// Turns a value into the type that the schema asks for, where that loses nothing.
fn coerce(value: &mut Value, schema: &Value, root: &Value) {
    let schema = resolve(schema, root);
    match value {
        Value::Array(items) => {
            if let Some(of_item) = schema.get("items") {
                items.iter_mut().for_each(|item| coerce(item, of_item, root));
            }
        }
        Value::Object(entries) => {
            let Some(Value::Object(properties)) = schema.get("properties") else { return };
            entries.retain(|name, _| properties.contains_key(name));
            for (name, property) in properties {
                coerce(entries.entry(name.clone()).or_insert(Value::Null), property, root);
            }
        }
        Value::String(text) if !allows(schema, "string") => {
            if allows(schema, "integer")
                && let Ok(number) = text.trim().parse::<i64>()
            {
                *value = number.into();
            } else if allows(schema, "number")
                && let Ok(number) = text.trim().parse::<f64>()
            {
                *value = number.into();
            } else if allows(schema, "boolean")
                && let Ok(truth) = text.trim().parse::<bool>()
            {
                *value = truth.into();
            }
        }
        Value::Number(number) if !allows(schema, "number") => {
            if allows(schema, "integer")
                && let Some(whole) =
                    number.as_f64().filter(|number| number.fract() == 0.0 && number.abs() < 9e15)
            {
                *value = (whole as i64).into();
            } else if allows(schema, "string") {
                *value = number.to_string().into();
            }
        }
        _ => {}
    }
}

/// Follows one local reference, the usual way to share the schema of a line item.
fn resolve<'a>(schema: &'a Value, root: &'a Value) -> &'a Value {
    schema
        .get("$ref")
        .and_then(Value::as_str)
        .and_then(|reference| reference.strip_prefix('#'))
        .and_then(|pointer| root.pointer(pointer))
        .unwrap_or(schema)
}

/// Whether the schema lets a value be of this type; one that names no type lets all.
fn allows(schema: &Value, wanted: &str) -> bool {
    match schema.get("type") {
        None => true,
        Some(Value::Array(types)) => types.iter().any(|known| known == wanted),
        Some(single) => single == wanted,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(value: Value) -> Field {
        Field { value, confidence: 0.9, page: Some(1), ..not_found() }
    }

    fn conformed(schema: Value, answer: Value) -> (Value, Vec<String>) {
        let fields = match answer {
            Value::Object(fields) => fields.into_iter().map(|(name, value)| (name, found(value))).collect(),
            _ => IndexMap::new(),
        };
        let conformed = conform(&schema, fields).unwrap();
        let values: Map<String, Value> =
            conformed.fields.into_iter().map(|(name, field)| (name, field.value)).collect();
        (Value::Object(values), conformed.warnings.into_iter().map(|warning| warning.message).collect())
    }

    #[test]
    fn a_field_that_was_not_found_is_null_and_one_not_asked_for_is_left_out() {
        let schema = json!({"type": "object", "required": ["total"], "properties": {
            "total": {"type": "number"}, "date": {"type": "string", "format": "date"}}});
        let (values, warnings) = conformed(schema, json!({"date": "2024-02-29", "iban": "x"}));
        assert_eq!(values, json!({"total": null, "date": "2024-02-29"}));
        assert_eq!(warnings, Vec::<String>::new());
    }

    #[test]
    fn a_value_that_does_not_fit_is_refused_with_a_warning() {
        let schema = json!({"properties": {"date": {"type": "string", "format": "date"}}});
        let (values, warnings) = conformed(schema, json!({"date": "yesterday"}));
        assert_eq!(values, json!({"date": null}));
        assert_eq!(warnings.len(), 1);
        assert!(warnings[0].contains("`date`"), "{warnings:?}");
    }

    #[test]
    fn values_become_the_type_asked_for_where_nothing_is_lost() {
        let schema = json!({"properties": {
            "text": {"type": "string"}, "whole": {"type": "integer"}, "number": {"type": "number"},
            "part": {"type": "integer"}}});
        let (values, warnings) =
            conformed(schema, json!({"text": 12, "whole": 3.0, "number": "4.5", "part": 1.5}));
        assert_eq!(values, json!({"text": "12", "whole": 3, "number": 4.5, "part": null}));
        assert_eq!(warnings.len(), 1);
    }

    #[test]
    fn items_have_every_column_and_no_other() {
        let schema = json!({
            "$defs": {"item": {"type": "object", "required": ["amount"], "additionalProperties": false,
                "properties": {"name": {"type": "string"}, "amount": {"type": "number"}}}},
            "properties": {"items": {"type": "array", "items": {"$ref": "#/$defs/item"}}}});
        let (values, warnings) = conformed(
            schema,
            json!({"items": [{"name": "A", "amount": "2.50", "unit": "h"}, {"name": "B"}]}),
        );
        assert_eq!(warnings, Vec::<String>::new());
        assert_eq!(values, json!({"items": [{"name": "A", "amount": 2.5}, {"name": "B", "amount": null}]}));
    }

    #[test]
    fn a_schema_without_properties_keeps_every_field() {
        assert_eq!(conformed(json!({"type": "object"}), json!({"a": 1})).0, json!({"a": 1}));
    }

    #[test]
    fn a_reference_to_another_host_is_not_followed() {
        let schema = json!({"properties": {"a": {"$ref": "https://schemas.example/a.json"}}});
        assert!(conform(&schema, [("a".to_owned(), found(json!(1)))].into_iter().collect()).is_err());
    }
}
