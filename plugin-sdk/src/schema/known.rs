//! An extractor's own fields, and which of a template's properties are the same.

use serde_json::{Map, Value};

use super::spec::{Kind, Spec};
use crate::labels::Lexicon;

/// The fields that an extractor knows by itself, described by a schema that is part of it. The hint `x-names` lists
/// further names that templates give a field; all others are those of [`Spec`].
pub struct Known {
    specs: Vec<Spec>,
    names: Lexicon<usize>,
}

/// A field that is asked for.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// What is asked for, with what the extractor knows of it.
    pub spec: Spec,
    /// The extractor's own name of it; `None` for a field that only the template knows.
    pub known: Option<String>,
}

impl Known {
    /// Reads an extractor's schema.
    pub fn new(schema: &Value) -> Self {
        let specs = Spec::properties(schema);
        let names: Vec<(usize, String)> = specs
            .iter()
            .enumerate()
            .flat_map(|(index, spec)| {
                let property = schema.get("properties").and_then(|properties| properties.get(&spec.name));
                let more = property.and_then(|property| property.get("x-names")).and_then(Value::as_array);
                let more = more.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned);
                [spec.words.clone()].into_iter().chain(more).map(move |name| (index, name))
            })
            .collect();
        let names = Lexicon::new(names.iter().map(|(index, name)| (*index, name.as_str())));
        Self { specs, names }
    }

    /// The fields that a template's schema asks for; all own ones where it names none. What the template says of a
    /// field counts before what the extractor knows.
    pub fn wanted(&self, schema: Option<&Value>) -> Vec<Wanted> {
        let asked = schema.map(Spec::properties).unwrap_or_default();
        if asked.is_empty() {
            let own = self.specs.iter().cloned();
            return own.map(|spec| Wanted { known: Some(spec.name.clone()), spec }).collect();
        }
        asked.into_iter().map(|spec| self.complete(spec)).collect()
    }

    fn complete(&self, mut spec: Spec) -> Wanted {
        let same = self.names.meaning(&spec.words).filter(|(_, distance)| *distance == 0);
        let Some(own) = same.and_then(|(index, _)| self.specs.get(index)) else {
            return Wanted { spec, known: None };
        };
        if !spec.has_hints() {
            spec.labels.extend(own.labels.iter().cloned());
            spec.anywhere = spec.anywhere.or_else(|| own.anywhere.clone());
            spec.lines = spec.lines.max(own.lines);
        }
        spec.mrz = spec.mrz.or(own.mrz);
        // A text may be asked for plainly where the extractor knows it to be a date, an account and so on.
        if spec.kind == Kind::Text && spec.pattern.is_none() {
            spec.kind = own.kind;
        }
        if spec.choices.is_empty() {
            spec.choices.clone_from(&own.choices);
        }
        Wanted { spec, known: Some(own.name.clone()) }
    }
}

/// A schema without the hints (`x-…`) that say where its values stand.
pub fn without_hints(schema: &Value) -> Value {
    match schema {
        Value::Object(members) => {
            let kept = members.iter().filter(|(name, _)| !name.starts_with("x-"));
            Value::Object(
                kept.map(|(name, value)| (name.clone(), without_hints(value))).collect::<Map<_, _>>(),
            )
        }
        Value::Array(items) => Value::Array(items.iter().map(without_hints).collect()),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn known() -> Known {
        Known::new(&json!({"properties": {
            "documentNumber": {"type": "string", "x-labels": ["Card no."], "x-names": ["passport number"]},
            "birthDate": {"type": "string", "format": "date"},
        }}))
    }

    #[test]
    fn a_property_of_another_name_has_what_is_known_of_it() {
        let wanted = known()
            .wanted(Some(&json!({"properties": {"passportNumber": {"type": "string"}, "colour": {}}})));
        assert_eq!(wanted[0].known.as_deref(), Some("documentNumber"));
        assert_eq!(wanted[0].spec.name, "passportNumber");
        assert!(wanted[0].spec.labels.iter().any(|label| label == "Card no."));
        assert_eq!(wanted[1].known, None);
    }

    #[test]
    fn without_a_schema_all_own_fields_are_wanted() {
        let names: Vec<String> = known().wanted(None).into_iter().map(|wanted| wanted.spec.name).collect();
        assert_eq!(names, ["documentNumber", "birthDate"]);
    }

    #[test]
    fn hints_are_left_out_of_what_is_told() {
        assert_eq!(
            without_hints(&json!({"a": [{"x-labels": ["b"], "type": "string"}]})),
            json!({"a": [{"type": "string"}]})
        );
    }
}
