//! Completes and corrects an answer from reference files, by the template's setting `lookups`.
//!
//! Each lookup says by which fields a row of a table is found, best key first, and which fields the row's values fill:
//!
//! ```json
//! {"lookups": [{
//!   "table": "suppliers",
//!   "match": [{"field": "supplierTaxId", "column": "vat_id"}, {"field": "supplierName", "column": "name", "fuzzy": true}],
//!   "fill": {"supplierName": "name", "iban": "iban"}
//! }, {
//!   "table": "products", "rows": "lineItems",
//!   "match": [{"field": "code", "column": "sku"}],
//!   "fill": {"description": "name", "unit": "unit"}
//! }]}
//! ```
//!
//! A row counts only where it is the one that fits: of two that fit alike, neither is taken, and a warning says so.

use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::document::Document;
use crate::extractor::Failure;
use crate::lookup::{Match, Measure, Query, shown};
use crate::output::{Field, Output, Warning};
use crate::text;
use crate::values::identifiers::find_iban;

/// Source of a value that a reference file gave.
const REFERENCE: &str = "reference";

/// Confidence of a value from a row that was found by an equal key.
const FILLED: f32 = 0.95;

/// Confidence of a value that the document and the reference file agree on.
const CONFIRMED: f32 = 0.98;

/// Two similarities closer than this are alike.
const ALIKE: f64 = 0.02;

/// Most warnings about the items of one list.
const MAX_WARNINGS: usize = 20;

/// One lookup of the setting.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Lookup {
    table: String,
    /// The list whose items are completed; without it the fields themselves are.
    rows: Option<String>,
    #[serde(rename = "match")]
    keys: Vec<Key>,
    fill: IndexMap<String, String>,
    minimum_score: Option<f64>,
    mismatch: Option<Mismatch>,
}

impl Lookup {
    /// What becomes of the value `known`. Unless it is said, one that its check digits prove stays: it was not misread,
    /// and an account that is not the listed one is for people to look at.
    fn mismatch(&self, known: &Value) -> Mismatch {
        let is_proven = || known.as_str().and_then(find_iban).is_some_and(|iban| iban.is_checked);
        self.mismatch.unwrap_or(if is_proven() { Mismatch::Keep } else { Mismatch::Correct })
    }
}

#[derive(Debug, Clone, Deserialize)]
struct Key {
    field: String,
    column: String,
    #[serde(default)]
    fuzzy: bool,
}

/// What becomes of a value that the reference file has otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Mismatch {
    Correct,
    Keep,
}

/// JSON Schema of the settings of an extractor that has no other than `lookups`.
pub fn config_schema() -> Value {
    json!({
        "type": "object",
        "properties": {"lookups": lookups_schema()},
        "additionalProperties": false,
    })
}

/// JSON Schema of the setting `lookups`, for extractors with settings of their own.
pub fn lookups_schema() -> Value {
    json!({
        "type": "array",
        "maxItems": 20,
        "description": "Completes and corrects fields from the template's reference files.",
        "items": {
            "type": "object",
            "required": ["table", "match", "fill"],
            "additionalProperties": false,
            "properties": {
                "table": {"type": "string", "minLength": 1, "description": "Name of the reference file."},
                "rows": {
                    "type": "string",
                    "minLength": 1,
                    "description": "The list whose items are completed, such as `lineItems`.",
                },
                "match": {
                    "type": "array",
                    "minItems": 1,
                    "maxItems": 10,
                    "description": "What a row is found by; the first that finds one counts.",
                    "items": {
                        "type": "object",
                        "required": ["field", "column"],
                        "additionalProperties": false,
                        "properties": {
                            "field": {"type": "string", "minLength": 1},
                            "column": {"type": "string", "minLength": 1},
                            "fuzzy": {"type": "boolean", "description": "Whether similar texts fit, too."},
                        },
                    },
                },
                "fill": {
                    "type": "object",
                    "minProperties": 1,
                    "maxProperties": 50,
                    "additionalProperties": {"type": "string", "minLength": 1},
                    "description": "Fields with the columns that give their values.",
                },
                "minimumScore": {
                    "type": "number",
                    "minimum": 0.5,
                    "maximum": 1,
                    "description": "Least similarity of a fuzzy match; 0.9 unless set.",
                },
                "mismatch": {
                    "enum": ["correct", "keep"],
                    "description": "What becomes of a value that the row has otherwise. Unless set, it is corrected, but an IBAN whose \
                        check digits are right is kept.",
                },
            },
        },
    })
}

/// Completes an answer by the lookups in `config`. `schema` is that of the fields' values, and says their types. What
/// cannot be looked up stays as it is, and a warning says why.
pub fn complete(
    document: &Document,
    config: &Map<String, Value>,
    schema: Option<&Value>,
    output: &mut Output,
) {
    let Some(given) = config.get("lookups") else { return };
    let lookups: Vec<Lookup> = match Deserialize::deserialize(given) {
        Ok(lookups) => lookups,
        Err(error) => {
            output
                .warnings
                .push(warning("reference_unavailable", format!("`lookups` does not fit: {error}")));
            return;
        }
    };
    for lookup in &lookups {
        let completed = match &lookup.rows {
            None => complete_fields(document, lookup, schema, output),
            Some(list) => complete_items(document, lookup, list, schema, output),
        };
        if let Err(failure) = completed {
            output.warnings.push(warning("reference_unavailable", failure.message));
        }
    }
}

fn complete_fields(
    document: &Document,
    lookup: &Lookup,
    schema: Option<&Value>,
    output: &mut Output,
) -> Result<(), Failure> {
    let found = choose(document, lookup, |path| value_at(&output.fields, path).and_then(shown))?;
    let Choice::One(row) = found else {
        output.warnings.extend(found.warning(lookup, None));
        return Ok(());
    };
    for (path, column) in &lookup.fill {
        let Some(value) = row.value(column, type_of(schema, path)) else { continue };
        let known = value_at(&output.fields, path).filter(|known| !known.is_null());
        let warned = known.and_then(|known| disagreement(lookup, path, known, &value));
        let (name, inner) =
            path.split_once('.').map_or((path.as_str(), None), |(name, rest)| (name, Some(rest)));
        let agrees = known.is_some() && warned.is_none();
        let keeps = !agrees && known.is_some_and(|known| lookup.mismatch(known) == Mismatch::Keep);
        let field = output.fields.entry(name.to_owned()).or_insert_with(Field::missing);
        if agrees {
            field.confidence = field.confidence.max(CONFIRMED * row.certainty());
        } else if !keeps {
            fill(field, inner, value, FILLED * row.certainty());
        }
        output.warnings.extend(warned);
    }
    Ok(())
}

/// Puts a value into a field, or into the object that it is.
fn fill(field: &mut Field, inner: Option<&str>, value: Value, confidence: f32) {
    let was_missing = field.is_missing();
    match inner {
        None => {
            // What the page says stays to be seen beside what counts.
            field.text = field.text.take().or_else(|| shown(&field.value));
            field.value = value;
        }
        Some(path) => insert_at(&mut field.value, path, value),
    }
    if inner.is_none() || was_missing {
        field.confidence = confidence;
        field.source = Some(REFERENCE.to_owned());
    }
}

fn complete_items(
    document: &Document,
    lookup: &Lookup,
    list: &str,
    schema: Option<&Value>,
    output: &mut Output,
) -> Result<(), Failure> {
    let mut warnings = Vec::new();
    let items = output.fields.get_mut(list).and_then(|field| field.value.as_array_mut());
    for (index, item) in items.into_iter().flatten().enumerate() {
        let Value::Object(item) = item else { continue };
        let found = choose(document, lookup, |name| item.get(name).and_then(shown))?;
        let Choice::One(row) = found else {
            warnings.extend(found.warning(lookup, Some((list, index))));
            continue;
        };
        for (name, column) in &lookup.fill {
            let path = format!("{list}[{index}].{name}");
            let Some(value) = row.value(column, type_of(schema, &format!("{list}.{name}"))) else { continue };
            let known = item.get(name).filter(|known| !known.is_null());
            let warned = known.and_then(|known| disagreement(lookup, &path, known, &value));
            let corrects = |known| warned.is_some() && lookup.mismatch(known) == Mismatch::Correct;
            if known.is_none_or(corrects) {
                item.insert(name.clone(), value);
            }
            warnings.extend(warned.map(|warned| Warning { field: Some(list.to_owned()), ..warned }));
        }
    }
    warnings.truncate(MAX_WARNINGS);
    output.warnings.extend(warnings);
    Ok(())
}

/// The row that a lookup found.
enum Choice {
    One(Chosen),
    None,
    /// Several rows fit alike.
    Several,
}

struct Chosen {
    score: f64,
    row: Map<String, Value>,
}

impl Chosen {
    fn certainty(&self) -> f32 {
        self.score as f32
    }

    /// The row's value in a column as the type wanted; `None` where it is empty or of no such type.
    fn value(&self, column: &str, wanted: Option<&str>) -> Option<Value> {
        let value = self.row.get(column).filter(|value| !value.is_null())?;
        match (value, wanted) {
            (Value::String(text), _) if text.trim().is_empty() => None,
            (Value::String(text), Some("number" | "integer")) => {
                let number: f64 = text.trim().replace(',', ".").parse().ok()?;
                Some(json!(number))
            }
            (Value::Number(number), Some("string")) => Some(Value::from(number.to_string())),
            (value, _) => Some(value.clone()),
        }
    }
}

impl Choice {
    fn warning(&self, lookup: &Lookup, item: Option<(&str, usize)>) -> Option<Warning> {
        let Self::Several = self else { return None };
        let place = item.map(|(list, index)| format!(" for `{list}[{index}]`")).unwrap_or_default();
        let message = format!("several rows of `{}` fit{place}, none was taken", lookup.table);
        let field = item.map(|(list, _)| list.to_owned());
        Some(Warning { field, ..warning("reference_ambiguous", message) })
    }
}

/// The row that the first key with a fit finds, if it is the only one.
fn choose(
    document: &Document,
    lookup: &Lookup,
    value_of: impl Fn(&str) -> Option<String>,
) -> Result<Choice, Failure> {
    for key in &lookup.keys {
        let Some(value) = value_of(&key.field).filter(|value| !value.trim().is_empty()) else { continue };
        let query = Query {
            table: lookup.table.clone(),
            column: key.column.clone(),
            value,
            measure: if key.fuzzy { Measure::Fuzzy } else { Measure::Exact },
            minimum_score: lookup.minimum_score,
            limit: None,
        };
        let mut found = document.look_up(&query)?.into_iter();
        let Some(best) = found.next() else { continue };
        let differs = |other: &Match| {
            best.score - other.score < ALIKE
                && lookup.fill.values().any(|column| other.row.get(column) != best.row.get(column))
        };
        // An equal name beats a similar one, however similar.
        let is_equal = best.score >= 1.0;
        if found.any(|other| differs(&other) && !(is_equal && other.score < 1.0)) {
            return Ok(Choice::Several);
        }
        return Ok(Choice::One(Chosen { score: best.score, row: best.row }));
    }
    Ok(Choice::None)
}

/// The warning about a value that differs from the one in the reference file; texts that differ in case, accents, spaces
/// and punctuation only are the same.
fn disagreement(lookup: &Lookup, path: &str, known: &Value, value: &Value) -> Option<Warning> {
    let same = match (known.as_f64(), value.as_f64()) {
        (Some(known), Some(value)) => (known - value).abs() < 0.005,
        _ => {
            let compact = |value: &Value| shown(value).map(|text| text::compact(&text));
            known == value || compact(known) == compact(value)
        }
    };
    if same {
        return None;
    }
    let (read, listed) = (shown(known).unwrap_or_default(), shown(value).unwrap_or_default());
    let table = &lookup.table;
    Some(match lookup.mismatch(known) {
        Mismatch::Correct => Warning::about(
            path,
            "reference_corrected",
            format!("`{path}` reads `{read}`; `{table}` has `{listed}`, which was taken"),
        ),
        Mismatch::Keep => Warning::about(
            path,
            "reference_mismatch",
            format!("`{path}` reads `{read}`, but `{table}` has `{listed}`"),
        ),
    })
}

fn warning(code: &str, message: String) -> Warning {
    Warning { code: code.to_owned(), message, field: None, page: None }
}

fn value_at<'f>(fields: &'f IndexMap<String, Field>, path: &str) -> Option<&'f Value> {
    let mut names = path.split('.');
    let mut value = &fields.get(names.next()?)?.value;
    for name in names {
        value = value.get(name)?;
    }
    Some(value)
}

fn insert_at(value: &mut Value, path: &str, inserted: Value) {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    let Some(object) = value.as_object_mut() else { return };
    match path.split_once('.') {
        None => {
            object.insert(path.to_owned(), inserted);
        }
        Some((name, rest)) => insert_at(object.entry(name.to_owned()).or_insert(Value::Null), rest, inserted),
    }
}

/// The type that the schema gives the value at a path, where it gives one beside null.
fn type_of<'s>(schema: Option<&'s Value>, path: &str) -> Option<&'s str> {
    let mut place = schema?;
    for name in path.split('.') {
        let fields = place.get("items").unwrap_or(place).get("properties")?;
        place = fields.get(name)?;
    }
    match place.get("type")? {
        Value::String(word) => Some(word),
        Value::Array(words) => words.iter().filter_map(Value::as_str).find(|word| *word != "null"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Fixture;

    fn fixture() -> Fixture {
        let rows = |rows: Value| serde_json::from_value(rows).expect("rows are objects");
        Fixture::from_text("Invoice")
            .with_table(
                "suppliers",
                rows(json!([
                    {"name": "Acme Trading Ltd", "vat": "GB 123", "iban": "GB82WEST", "terms": "14"},
                    {"name": "Zenith Verlag", "vat": "DE 9", "iban": "DE89", "terms": "30"},
                    {"name": "Twin Works", "vat": "", "iban": "FR1", "terms": null},
                    {"name": "Twin Works", "vat": "", "iban": "FR2", "terms": null},
                ])),
            )
            .with_table("products", rows(json!([{"sku": "A-1", "name": "Anvil", "unit": "pc"}])))
    }

    fn completed(fields: Value, lookup: Value) -> Output {
        let mut output = Output::default();
        for (name, value) in fields.as_object().expect("fields are an object") {
            let found = Field { value: value.clone(), confidence: 0.6, page: Some(1), ..Field::missing() };
            let field = if value.is_null() { Field::missing() } else { found };
            output.fields.insert(name.clone(), field);
        }
        let config = json!({"lookups": [lookup]});
        let schema = json!({"properties": {"terms": {"type": ["number", "null"]}}});
        let config = config.as_object().expect("it is an object");
        complete(&fixture().document(), config, Some(&schema), &mut output);
        output
    }

    fn suppliers(mismatch: &str) -> Value {
        json!({
            "table": "suppliers",
            "match": [{"field": "taxId", "column": "vat"}, {"field": "name", "column": "name", "fuzzy": true}],
            "fill": {"name": "name", "iban": "iban", "terms": "terms"},
            "mismatch": mismatch,
        })
    }

    #[test]
    fn a_row_completes_corrects_and_confirms() {
        let output = completed(
            json!({"name": "Acme Tradlng Ltd", "taxId": null, "iban": "gb82 west", "terms": null}),
            suppliers("correct"),
        );
        let name = &output.fields["name"];
        assert_eq!(
            (&name.value, name.text.as_deref()),
            (&json!("Acme Trading Ltd"), Some("Acme Tradlng Ltd"))
        );
        assert_eq!((name.source.as_deref(), name.page), (Some("reference"), Some(1)));
        assert_eq!(output.fields["terms"].value, json!(14.0));
        let iban = &output.fields["iban"];
        assert_eq!((&iban.value, iban.source.as_deref()), (&json!("gb82 west"), None));
        assert!(iban.confidence > 0.9, "{iban:?}");
        let codes: Vec<&str> = output.warnings.iter().map(|warning| warning.code.as_str()).collect();
        assert_eq!(codes, ["reference_corrected"]);
    }

    #[test]
    fn the_first_key_that_finds_a_row_counts() {
        let output = completed(
            json!({"name": "Acme Trading Ltd", "taxId": "DE9", "iban": null, "terms": null}),
            suppliers("correct"),
        );
        assert_eq!(output.fields["iban"].value, "DE89");
    }

    #[test]
    fn what_the_page_says_may_be_kept() {
        let output = completed(
            json!({"name": "Zenith Verlag", "taxId": null, "iban": "DE00", "terms": null}),
            suppliers("keep"),
        );
        assert_eq!(output.fields["iban"].value, "DE00");
        assert_eq!(output.warnings[0].code, "reference_mismatch");
        assert_eq!(output.fields["terms"].value, json!(30.0));
    }

    #[test]
    fn an_account_that_proves_itself_is_kept_unless_it_is_to_be_corrected() {
        let supplier = |iban: &str, mismatch: Option<&str>| {
            let mut lookup = suppliers("correct");
            match mismatch {
                Some(mismatch) => lookup["mismatch"] = json!(mismatch),
                None => drop(lookup.as_object_mut().expect("it is an object").remove("mismatch")),
            }
            let fields = json!({"name": "Zenith Verlag", "taxId": null, "iban": iban, "terms": null});
            let output = completed(fields, lookup);
            (output.fields["iban"].value.clone(), output.warnings[0].code.clone())
        };
        let proven = "DE89 3704 0044 0532 0130 00";
        assert_eq!(supplier(proven, None), (json!(proven), "reference_mismatch".to_owned()));
        assert_eq!(supplier(proven, Some("correct")).1, "reference_corrected");
        assert_eq!(supplier("DE88 3704 0044 0532 0130 00", None).1, "reference_corrected");
    }

    #[test]
    fn of_two_rows_that_fit_alike_none_is_taken() {
        let output = completed(
            json!({"name": "Twin Works", "taxId": null, "iban": null, "terms": null}),
            suppliers("correct"),
        );
        assert!(output.fields["iban"].is_missing());
        assert_eq!(output.warnings[0].code, "reference_ambiguous");
    }

    #[test]
    fn items_of_a_list_are_completed_one_by_one() {
        let output = completed(
            json!({"lines": [{"code": "A1", "text": null}, {"code": "B2", "text": "Bolt"}]}),
            json!({"table": "products", "rows": "lines", "match": [{"field": "code", "column": "sku"}],
                "fill": {"text": "name", "unit": "unit"}}),
        );
        assert_eq!(
            output.fields["lines"].value,
            json!([{"code": "A1", "text": "Anvil", "unit": "pc"}, {"code": "B2", "text": "Bolt"}])
        );
    }

    #[test]
    fn a_table_that_is_not_there_is_told_and_changes_nothing() {
        let output = completed(
            json!({"name": "Acme"}),
            json!({"table": "customers", "match": [{"field": "name", "column": "name"}], "fill": {"a": "b"}}),
        );
        assert_eq!(output.fields.len(), 1);
        assert_eq!(output.warnings[0].code, "reference_unavailable");
    }

    #[test]
    fn fields_inside_of_an_object_are_reached_by_a_path() {
        let output = completed(
            json!({"supplier": {"name": "Zenith Verlag"}}),
            json!({"table": "suppliers", "match": [{"field": "supplier.name", "column": "name"}],
                "fill": {"supplier.bank.iban": "iban"}}),
        );
        assert_eq!(
            output.fields["supplier"].value,
            json!({"name": "Zenith Verlag", "bank": {"iban": "DE89"}})
        );
    }
}
