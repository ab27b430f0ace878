//! JSON Schema of the rules.

use ocriva_plugin_sdk::completion;
use ocriva_plugin_sdk::serde_json::{Map, Value, json};

/// Words for the types of values.
const TYPES: [&str; 11] =
    ["text", "number", "integer", "boolean", "date", "time", "email", "website", "phone", "iban", "currency"];

/// The settings of the extractor: a set of rules, or several.
pub fn config() -> Value {
    let mut properties = set();
    properties.insert(
        "templates".to_owned(),
        json!({
            "type": "array", "minItems": 1, "maxItems": 200,
            "description": "Several sets of rules; the first whose keywords a document has reads it. Then nothing else stands beside it but `lookups`.",
            "items": {"type": "object", "additionalProperties": false, "properties": set()},
        }),
    );
    properties.insert("lookups".to_owned(), completion::lookups_schema());
    json!({"type": "object", "additionalProperties": false, "properties": properties})
}

fn patterns(description: &str) -> Value {
    json!({
        "description": description,
        "oneOf": [
            {"type": "string", "maxLength": 2000},
            {"type": "array", "maxItems": 100, "items": {"type": "string", "maxLength": 2000}},
        ],
    })
}

fn set() -> Map<String, Value> {
    let lines = json!({
        "type": "object", "additionalProperties": false,
        "properties": {
            "start": {"type": "string", "description": "Pattern of what stands before the rows."},
            "end": {"type": "string", "description": "Pattern of what stands behind the rows."},
            "line": patterns("Patterns of a row; their named groups are columns."),
            "firstLine": patterns("Patterns of the first row of an object, where it has several."),
            "lastLine": patterns("Patterns of the last row of an object, where it has several."),
            "skipLine": patterns("Patterns of rows that are left out."),
            "types": {"type": "object", "additionalProperties": {"enum": TYPES}, "description": "Types of the columns; text unless set."},
        },
    });
    let field = json!({
        "type": "object", "additionalProperties": false,
        "properties": {
            "type": {"enum": TYPES, "description": "Text unless set."},
            "pattern": patterns("Regular expressions, the first that finds something counts; group 1, if there is one, is the value."),
            "anchor": patterns("Labels that the value stands beside, in spite of case and misread letters."),
            "place": {"enum": ["behind", "right", "below"], "description": "Where the value stands from its anchor; anywhere unless set."},
            "page": {"type": "integer", "description": "Page from 1, or from the end with -1 for the last."},
            "area": {
                "type": "array", "minItems": 4, "maxItems": 4, "items": {"type": "number", "minimum": 0, "maximum": 1},
                "description": "Left, top, right and bottom of the value's region, in fractions of the page.",
            },
            "choose": {
                "enum": ["first", "last", "sum", "min", "max", "all", "join"],
                "description": "Which of several matches of a pattern counts; the first unless set.",
            },
            "value": {"description": "The value in every document."},
            "replace": {
                "type": "array", "maxItems": 50,
                "items": {"type": "array", "minItems": 2, "maxItems": 2, "items": {"type": "string"}},
                "description": "Patterns with what takes their place in the text, before it is read.",
            },
            "lines": {"type": "integer", "minimum": 1, "maximum": 50, "description": "Most lines of a text beside an anchor."},
        },
    });
    let members = json!({
        "name": {"type": "string", "description": "Who or what the rules are for."},
        "keywords": patterns("Patterns that a document must have, all of them."),
        "excludeKeywords": patterns("Patterns that a document must not have."),
        "options": {
            "type": "object", "additionalProperties": false,
            "properties": {
                "decimalSeparator": {"enum": [".", ","], "description": "As the document tells unless set."},
                "dateOrder": {"enum": ["dayFirst", "monthFirst"], "description": "As the document tells unless set."},
            },
        },
        "fields": {
            "type": "object", "maxProperties": 300,
            "description": "Fields by name: a pattern, a list of patterns, or a rule.",
            "additionalProperties": {"oneOf": [patterns("Patterns."), field]},
        },
        "lines": {"type": "object", "maxProperties": 300, "description": "Lists of objects by name.", "additionalProperties": lines},
        "required": patterns("Fields whose absence is a warning."),
    });
    match members {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}
