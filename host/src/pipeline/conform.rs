//! Makes an extractor's answer conform to the template's schema: what the template asks for is there, found or
//! not; what does not fit its type is turned into it where that loses nothing, and else refused with a warning.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use serde_json::{Map, Value};

use crate::domain::extraction::{Field, Warning};
use crate::domain::schema;

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
    let mut found: Vec<(&String, Field)> =
        properties.keys().map(|name| (name, fields.swap_remove(name).unwrap_or_else(not_found))).collect();
    for ((_, field), property) in found.iter_mut().zip(properties.values()) {
        if !field.value.is_null() {
            coerce(&mut field.value, property, schema);
        }
    }
    let values: Map<String, Value> =
        found.iter().map(|(name, field)| ((*name).clone(), field.value.clone())).collect();
    let validator = schema::validator(schema).map_err(SchemaError)?;
    let values = Value::Object(values);
    // The first thing that is wrong with each value.
    let mut problems: BTreeMap<String, String> = BTreeMap::new();
    for error in validator.iter_errors(&values) {
        let place = error.instance_path().to_string();
        let name = place.split('/').nth(1).unwrap_or_default().replace("~1", "/").replace("~0", "~");
        problems.entry(name).or_insert_with(|| error.to_string());
    }
    let mut conformed = Conformed { fields: IndexMap::with_capacity(found.len()), warnings: Vec::new() };
    for (name, mut field) in found {
        if let Some(problem) = problems.get(name) {
            conformed.warnings.push(Warning {
                code: "value_rejected".to_owned(),
                message: format!(
                    "the value found for `{name}` does not fit the template's schema: {problem}"
                ),
                field: Some(name.clone()),
                page: field.page,
            });
            field = not_found();
        }
        conformed.fields.insert(name.clone(), field);
    }
    Ok(conformed)
}

fn not_found() -> Field {
    Field { value: Value::Null, confidence: 0.0, page: None, bbox: None, source: None, text: None }
}

/// Turns a value into the type that the schema asks for, where that loses nothing.
fn coerce(value: &mut Value, schema: &Value, root: &Value) {
    let schema = schema::resolved(schema, root);
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
    fn properties_may_refer_to_one_another_and_allow_everything() {
        let schema = json!({
            "$defs": {"amount": {"type": "number"}},
            "properties": {
                "total": {"$ref": "#/$defs/amount"}, "subtotal": {"$ref": "#/properties/total"}, "number": true,
                "a/b c~": {"type": "string"},
                "own": {"$defs": {"amount": {"type": "string"}}, "$ref": "#/$defs/amount"}}});
        let answer = json!({"total": 2.5, "subtotal": "2.00", "number": "BH-1", "a/b c~": 7, "own": "x"});
        let (values, warnings) = conformed(schema, answer);
        let expected = json!({"total": 2.5, "subtotal": 2.0, "number": "BH-1", "a/b c~": "7", "own": null});
        assert_eq!(values, expected);
        assert!(warnings.len() == 1 && warnings[0].contains("`own`"), "{warnings:?}");
    }

    #[test]
    fn what_the_schema_says_of_the_whole_does_not_refuse_a_part() {
        let schema = json!({"$id": "https://example.org/a", "minProperties": 2, "additionalProperties": false,
            "if": {"required": ["total"]}, "then": {"required": ["tax"]},
            "properties": {"total": {"type": "number"}, "tax": {"$ref": "#/properties/total"}}});
        let (values, warnings) = conformed(schema, json!({"total": 2.5}));
        assert_eq!((values, warnings), (json!({"total": 2.5, "tax": null}), Vec::<String>::new()));
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
