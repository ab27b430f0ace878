//! Schemas read against small documents.

use ocriva_plugin_sdk::serde_json::{Value, json};
use ocriva_plugin_sdk::{Fixture, Output};

use super::Fields;

const POLICY: &str = "\
Policy No.: PN-4711        Insured since   1 March 2019
Insured name
Gabriel Diaz
Smoker:  no         [x] Paperless
Coverage   Premium
Fire       120.50
Flood       80.00
Questions? write to help@insurer.example
";

fn read(text: &str, properties: Value) -> Output {
    let request = json!({"schema": {"type": "object", "properties": properties}});
    Fixture::from_text(text).extract::<Fields>(request).expect("the plugin answers")
}

fn value(text: &str, property: Value) -> Value {
    read(text, json!({"wanted": property})).fields["wanted"].value.clone()
}

#[test]
fn values_are_found_behind_right_of_and_below_their_labels() {
    let output = read(
        POLICY,
        json!({
            "policyNumber": {"type": "string"},
            "insured_since": {"type": "string", "format": "date"},
            "insuredName": {"type": "string"},
        }),
    );
    assert_eq!(output.fields["policyNumber"].value, "PN-4711");
    assert_eq!(output.fields["insured_since"].value, "2019-03-01");
    assert_eq!(output.fields["insured_since"].text.as_deref(), Some("1 March 2019"));
    assert_eq!(output.fields["insuredName"].value, "Gabriel Diaz");
}

#[test]
fn what_is_not_there_is_null_with_confidence_zero() {
    let output = read(POLICY, json!({"bloodGroup": {"type": "string"}, "total": {"type": "number"}}));
    assert!(output.fields["bloodGroup"].value.is_null());
    assert_eq!(output.fields["bloodGroup"].confidence, 0.0);
    assert!(output.fields["total"].value.is_null());
}

#[test]
fn labels_and_patterns_of_the_schema_are_followed() {
    assert_eq!(
        value(POLICY, json!({"type": "string", "x-labels": ["Insured since"], "format": "date"})),
        "2019-03-01"
    );
    assert_eq!(value(POLICY, json!({"type": "string", "x-pattern": "PN-(\\d+)"})), "4711");
    assert_eq!(value(POLICY, json!({"type": "string", "format": "email"})), "help@insurer.example");
}

#[test]
fn choices_and_truths_are_recognised() {
    assert_eq!(value(POLICY, json!({"type": "string", "x-labels": ["Smoker"], "enum": ["yes", "no"]})), "no");
    assert_eq!(value(POLICY, json!({"type": "boolean", "title": "Smoker"})), false);
    assert_eq!(value(POLICY, json!({"type": "boolean", "title": "Paperless"})), true);
}

#[test]
fn a_list_of_objects_is_a_table_with_their_names_as_headings() {
    let rows = value(
        POLICY,
        json!({"type": "array", "items": {"type": "object", "properties": {
            "coverage": {"type": "string"}, "premium": {"type": "number"},
        }}}),
    );
    assert_eq!(rows, json!([{"coverage": "Fire", "premium": 120.5}, {"coverage": "Flood", "premium": 80}]));
}

#[test]
fn business_names_are_read_as_invoices_are() {
    let invoice = "\
Acme GmbH
Rechnung Nr. RE-17      Datum: 03.02.2021
Bezeichnung      Menge   Einzelpreis   Betrag
Amboss               2        100,00   200,00
Summe netto                            200,00
MwSt 19%                                38,00
Gesamtbetrag                           238,00
";
    let output = read(
        invoice,
        json!({
            "vendor": {"type": "string"},
            "issue_date": {"type": "string", "format": "date"},
            "total_amount": {"type": "number"},
            "products": {"type": "array", "items": {"type": "object", "properties": {"name": {"type": "string"}, "price": {"type": "number"}}}},
        }),
    );
    assert_eq!(output.fields["vendor"].value, "Acme GmbH");
    assert_eq!(output.fields["issue_date"].value, "2021-02-03");
    assert_eq!(output.fields["total_amount"].value, 238);
    assert_eq!(output.fields["products"].value, json!([{"name": "Amboss", "price": 100}]));
}

#[test]
fn a_sentence_below_a_table_ends_it() {
    let text = "Room        Floor    Area\nKitchen     1        12\nAttic       3        40\nAll areas are measured at the floor and rounded\nHall        2        9\n";
    let rooms = value(
        text,
        json!({"type": "array", "items": {"type": "object", "properties": {
            "room": {"type": "string"}, "floor": {"type": "integer"}, "area": {"type": "number"},
        }}}),
    );
    let names: Vec<&str> =
        rooms.as_array().expect("a list").iter().filter_map(|room| room["room"].as_str()).collect();
    assert_eq!(names, ["Kitchen", "Attic"]);
}
