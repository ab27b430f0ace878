//! What a property of the schema asks for.

use crate::reading::Place;
use crate::text;
use crate::values::mrz;
use regex_lite::Regex;
use serde_json::Value;

/// Nested objects deeper than this are not read.
pub const MAX_DEPTH: usize = 4;
/// Schemas with more properties than this are cut.
pub const MAX_PROPERTIES: usize = 200;
/// Longer patterns are refused.
const MAX_PATTERN: usize = 500;

/// The kind of value wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Any text.
    Text,
    /// A number, with decimals.
    Number,
    /// A whole number.
    Integer,
    /// Yes or no.
    Boolean,
    /// `YYYY-MM-DD`.
    Date,
    /// `HH:MM` or `HH:MM:SS`.
    Time,
    /// An e-mail address.
    Email,
    /// A web address.
    Website,
    /// A telephone number.
    Phone,
    /// An international bank account.
    Iban,
    /// ISO 4217.
    Currency,
    /// An object with properties of its own.
    Object,
    /// A list of objects.
    Table,
    /// A list of objects that may have any properties.
    Grid,
    /// A list of everything that has a label (`x-pairs`).
    Pairs,
    /// A list of single values.
    List,
}

/// One property.
#[derive(Debug, Clone)]
pub struct Spec {
    /// Its name in the schema.
    pub name: String,
    /// Its name in words, with those of the objects around it.
    pub words: String,
    /// The kind of value.
    pub kind: Kind,
    /// Texts it may be labelled with, likeliest first.
    pub labels: Vec<String>,
    /// Whether the labels were given by `x-labels`.
    pub has_own_labels: bool,
    /// The values it may have.
    pub choices: Vec<String>,
    /// What its text must match; group 1, if there is one, is the value.
    pub pattern: Option<Regex>,
    /// Where the value must stand from its label (`x-position`).
    pub place: Option<Place>,
    /// Part of the page the value must be in, in fractions of its width and height (`x-area`).
    pub area: Option<[f32; 4]>,
    /// Page from 1, or from the end with -1 for the last (`x-page`).
    pub page: Option<i64>,
    /// Most lines the value may have (`x-lines`).
    pub lines: usize,
    /// Properties of an object, or of the objects of a list.
    pub children: Vec<Spec>,
    /// What is tried on every line where no label is found (`x-anywhere`); group 1, if there is one, is the value.
    pub anywhere: Option<Regex>,
    /// Value of a machine-readable zone (`x-mrz`).
    pub mrz: Option<mrz::Item>,
    /// Why a hint was not taken.
    pub problem: Option<String>,
}

impl Spec {
    /// The properties of an object schema, in its order.
    pub fn properties(schema: &Value) -> Vec<Self> {
        Self::nested(schema, "", 0)
    }

    fn nested(schema: &Value, parent: &str, depth: usize) -> Vec<Self> {
        let Some(properties) =
            schema.get("properties").and_then(Value::as_object).filter(|_| depth < MAX_DEPTH)
        else {
            return Vec::new();
        };
        properties
            .iter()
            .take(MAX_PROPERTIES)
            .map(|(name, property)| Self::new(name, property, parent, depth))
            .collect()
    }

    fn new(name: &str, property: &Value, parent: &str, depth: usize) -> Self {
        let own_words = text::split_name(name).join(" ");
        let words = if parent.is_empty() { own_words.clone() } else { format!("{parent} {own_words}") };
        let kind = kind(property, &own_words);
        let items = property.get("items").unwrap_or(&Value::Null);
        let children = match kind {
            Kind::Object => Self::nested(property, &words, depth + 1),
            // Columns are named for themselves.
            Kind::Table | Kind::Pairs => Self::nested(items, "", depth + 1),
            _ => Vec::new(),
        };
        let own = strings(property.get("x-labels"));
        let has_own_labels = !own.is_empty();
        let mut labels = if has_own_labels { own } else { derived_labels(property, &words, &own_words) };
        labels.extend(strings(property.get("x-synonyms")));
        let (pattern, problem) = regex(inner_pattern(property));
        let (anywhere, other_problem) = regex(property.get("x-anywhere").and_then(Value::as_str));
        let mrz = property.get("x-mrz").and_then(Value::as_str);
        let position = property.get("x-position").and_then(Value::as_str);
        Self {
            name: name.to_owned(),
            kind,
            labels,
            has_own_labels,
            choices: strings(property.get("enum")),
            pattern,
            place: position.and_then(place),
            area: property.get("x-area").and_then(area),
            page: property.get("x-page").and_then(Value::as_i64),
            lines: lines(property, &own_words),
            children,
            anywhere,
            mrz: mrz.and_then(mrz::Item::named),
            problem: problem.or(other_problem),
            words,
        }
    }

    /// Whether the schema says where or how to look, so that general knowledge of business documents steps back.
    pub fn has_hints(&self) -> bool {
        self.has_own_labels
            || self.pattern.is_some()
            || self.area.is_some()
            || self.page.is_some()
            || self.place.is_some()
    }
}

fn kind(property: &Value, words: &str) -> Kind {
    let types = match property.get("type") {
        Some(Value::Array(types)) => types.iter().filter_map(Value::as_str).find(|kind| *kind != "null"),
        Some(Value::String(kind)) => Some(kind.as_str()),
        _ => None,
    };
    let format = property.get("format").and_then(Value::as_str).unwrap_or_default();
    let has_properties = |value: Option<&Value>| value.and_then(|value| value.get("properties")).is_some();
    let has_any_properties = |value: &Value| {
        value.get("type").is_some_and(|kind| kind == "object") && !has_properties(Some(value))
    };
    match (types, format) {
        (Some("array"), _) if property.get("x-pairs").is_some_and(|hint| hint == true) => Kind::Pairs,
        (Some("array"), _) if property.get("items").is_some_and(has_any_properties) => Kind::Grid,
        (Some("number"), _) => Kind::Number,
        (Some("integer"), _) => Kind::Integer,
        (Some("boolean"), _) => Kind::Boolean,
        (Some("array"), _) if has_properties(property.get("items")) => Kind::Table,
        (Some("array"), _) => Kind::List,
        (Some("object"), _) => Kind::Object,
        (None, _) if has_properties(Some(property)) => Kind::Object,
        (Some("date"), _) | (_, "date" | "date-time") => Kind::Date,
        (_, "time") => Kind::Time,
        (Some("email"), _) | (_, "email" | "idn-email") => Kind::Email,
        (_, "uri" | "url" | "hostname") => Kind::Website,
        (_, "phone" | "tel" | "telephone") => Kind::Phone,
        (_, "iban") => Kind::Iban,
        (Some("currency"), _) | (_, "currency") => Kind::Currency,
        _ => kind_by_name(words),
    }
}

/// A string property that is named for what it holds.
fn kind_by_name(words: &str) -> Kind {
    let last = words.rsplit(' ').next().unwrap_or_default();
    match last {
        "date" | "datum" | "fecha" => Kind::Date,
        "email" => Kind::Email,
        "iban" => Kind::Iban,
        "currency" => Kind::Currency,
        _ => Kind::Text,
    }
}

/// The name, the title, and what the description puts in quotes or brackets or says in a few words.
fn derived_labels(property: &Value, words: &str, own_words: &str) -> Vec<String> {
    let mut labels = Vec::new();
    let text_of = |key: &str| property.get(key).and_then(Value::as_str).unwrap_or_default();
    labels.extend((!text_of("title").is_empty()).then(|| text_of("title").to_owned()));
    labels.push(words.to_owned());
    labels.push(own_words.to_owned());
    let description = text_of("description");
    labels.extend(quoted(description));
    let is_short = (1..=4).contains(&description.split_whitespace().count());
    labels.extend(is_short.then(|| description.trim_end_matches('.').to_owned()));
    for ending in [" number", " no", " id", " name", " date", " amount", " value"] {
        // "policy number" is often labelled "Policy #" or "Policy No".
        if let Some(stem) = own_words.strip_suffix(ending)
            && matches!(ending, " number" | " no" | " id")
        {
            labels.extend(["no", "nr", "#", "number", "id"].map(|suffix| format!("{stem} {suffix}")));
            labels.push(stem.to_owned());
        }
    }
    labels.retain(|label| !text::compact(label).is_empty());
    let mut seen = Vec::new();
    labels.retain(|label| {
        let folded = text::compact(label);
        let is_new = !seen.contains(&folded);
        seen.push(folded);
        is_new
    });
    labels
}

/// Words in quotes or brackets: `The number of the policy ("Policenr.")`.
fn quoted(description: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (open, close) in
        [('"', '"'), ('(', ')'), ('“', '”'), ('„', '“'), ('«', '»'), ('`', '`'), ('\'', '\'')]
    {
        let inside = description
            .split_once(open)
            .and_then(|(_, rest)| rest.split_once(close))
            .map(|(inside, _)| inside);
        found.extend(
            inside.filter(|inside| (1..=5).contains(&inside.split_whitespace().count())).map(str::to_owned),
        );
    }
    found
}

/// A pattern of the whole value: inside a line, its ends are those of a word.
fn inner_pattern(property: &Value) -> Option<&str> {
    let pattern = property.get("x-pattern").or_else(|| property.get("pattern"))?.as_str()?;
    let searched = pattern.strip_prefix('^').unwrap_or(pattern);
    Some(searched.strip_suffix('$').unwrap_or(searched))
}

fn regex(given: Option<&str>) -> (Option<Regex>, Option<String>) {
    let Some(pattern) = given else { return (None, None) };
    if pattern.len() > MAX_PATTERN {
        return (None, Some(format!("pattern has {} bytes, {MAX_PATTERN} are allowed", pattern.len())));
    }
    match Regex::new(pattern) {
        Ok(regex) => (Some(regex), None),
        Err(error) => (None, Some(format!("pattern `{pattern}` cannot be used: {error}"))),
    }
}

fn place(position: &str) -> Option<Place> {
    match position {
        "behind" => Some(Place::Behind),
        "right" => Some(Place::Right),
        "below" => Some(Place::Below),
        _ => None,
    }
}

fn area(value: &Value) -> Option<[f32; 4]> {
    let numbers: Vec<f32> =
        value.as_array()?.iter().filter_map(Value::as_f64).map(|number| number as f32).collect();
    numbers.try_into().ok()
}

fn lines(property: &Value, words: &str) -> usize {
    let given = property.get("x-lines").and_then(Value::as_u64).and_then(|lines| usize::try_from(lines).ok());
    given.unwrap_or(if words.contains("address") || words.contains("adresse") { 5 } else { 1 }).clamp(1, 50)
}

fn strings(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::Array(values)) => values.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Some(Value::String(value)) => vec![value.clone()],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_property_is_labelled_by_title_name_and_quoted_words() {
        let schema = json!({"properties": {"policyNumber": {"type": "string", "title": "Police", "description": "Number of the policy (\"Policennr\")"}}});
        let specs = Spec::properties(&schema);
        assert_eq!(specs[0].labels[..2], ["Police", "policy number"]);
        assert!(specs[0].labels.iter().any(|label| label == "Policennr"));
        assert!(specs[0].labels.iter().any(|label| label == "policy #"));
    }

    #[test]
    fn types_formats_and_names_say_the_kind() {
        let kinds = |property: Value| Spec::properties(&json!({"properties": {"x": property}}))[0].kind;
        assert_eq!(kinds(json!({"type": ["number", "null"]})), Kind::Number);
        assert_eq!(kinds(json!({"type": "string", "format": "date"})), Kind::Date);
        assert_eq!(kinds(json!({"type": "array", "items": {"properties": {"a": {}}}})), Kind::Table);
        assert_eq!(
            Spec::properties(&json!({"properties": {"birth_date": {"type": "string"}}}))[0].kind,
            Kind::Date
        );
    }

    #[test]
    fn a_pattern_that_cannot_be_used_is_said() {
        let specs = Spec::properties(&json!({"properties": {"x": {"pattern": "^(a"}}}));
        assert!(specs[0].problem.as_deref().is_some_and(|problem| problem.contains("`(a`")));
    }
}
