//! Forms set as text, made up.

use ocriva_plugin_sdk::serde_json::{Value, json};
use ocriva_plugin_sdk::{Fixture, Output};

use super::Form;

const MEMBERSHIP: &str = "\
MEMBERSHIP APPLICATION

Name: Anna Berg                     Date of birth: 12.03.1980
Address: 12 Harbour Road
         Bristol BS1 4ND
Phone:
Membership:   [x] full   [ ] supporting   [ ] junior
☐ I want the newsletter             ☒ I accept the rules
Signature: ______________
";

fn read(text: &str, schema: Value) -> Output {
    Fixture::from_text(text).extract::<Form>(json!({"schema": schema})).expect("the plugin answers")
}

fn pairs(output: &Output) -> Vec<(String, Option<String>)> {
    let entries = output.fields["entries"].value.as_array().expect("there are entries");
    let text = |value: &Value| value.as_str().map(str::to_owned);
    entries.iter().map(|entry| (text(&entry["label"]).unwrap(), text(&entry["value"]))).collect()
}

#[test]
fn labels_have_their_values_and_the_checked_choices() {
    let output = read(MEMBERSHIP, Value::Null);
    let expected = [
        ("Name", Some("Anna Berg")),
        ("Date of birth", Some("12.03.1980")),
        ("Address", Some("12 Harbour Road Bristol BS1 4ND")),
        ("Phone", None),
        ("Membership", Some("full")),
        ("Signature", None),
    ];
    let expected = expected.map(|(label, value)| (label.to_owned(), value.map(str::to_owned)));
    assert_eq!(pairs(&output), expected);
    assert_eq!(output.fields["title"].value, "MEMBERSHIP APPLICATION");
}

#[test]
fn check_boxes_have_the_text_beside_them() {
    let output = read(MEMBERSHIP, Value::Null);
    assert_eq!(
        output.fields["checkBoxes"].value,
        json!([
            {"label": "full", "checked": true},
            {"label": "supporting", "checked": false},
            {"label": "junior", "checked": false},
            {"label": "I want the newsletter", "checked": false},
            {"label": "I accept the rules", "checked": true},
        ])
    );
}

#[test]
fn boxes_answer_what_a_template_asks() {
    let output = read(
        MEMBERSHIP,
        json!({"properties": {
            "newsletter": {"type": "boolean", "title": "I want the newsletter"},
            "rules": {"type": "boolean", "x-labels": ["I accept the rules"]},
            "membership": {"type": "string", "enum": ["full", "supporting", "junior"]},
            "name": {"type": "string"},
            "dateOfBirth": {"type": "string", "format": "date"},
        }}),
    );
    let value = |name: &str| output.fields[name].value.clone();
    assert_eq!((value("newsletter"), value("rules")), (json!(false), json!(true)));
    assert_eq!((value("membership"), value("name")), (json!("full"), json!("Anna Berg")));
    assert_eq!(value("dateOfBirth"), "1980-03-12");
}

#[test]
fn a_box_may_stand_behind_its_label_or_be_of_a_symbol_font() {
    let output = read("Smoker ☒        Diver ☐\n\u{f0fe}  paid in advance\n", Value::Null);
    assert_eq!(
        output.fields["checkBoxes"].value,
        json!([
            {"label": "Smoker", "checked": true},
            {"label": "Diver", "checked": false},
            {"label": "paid in advance", "checked": true},
        ])
    );
}

#[test]
fn brackets_of_a_sentence_are_no_boxes() {
    let output = read("Call f() or (see below) the list[0] of Anna (Zenith)\n", Value::Null);
    assert!(output.fields["checkBoxes"].value.is_null());
}

#[test]
fn values_without_a_mark_are_less_certain() {
    let marked = read("Blend: 1077-84\nCasing: 7773\nMaker: MK 9\n", Value::Null);
    let bare = read("Blend          1077-84\nCasing         7773\nMaker          MK 9\n", Value::Null);
    assert_eq!(pairs(&marked), pairs(&bare));
    assert!(bare.fields["entries"].confidence < marked.fields["entries"].confidence);
}
