//! Tables set as text, made up.

use ocriva_plugin_sdk::serde_json::{Value, json};
use ocriva_plugin_sdk::{Fixture, Output};

use super::Tables;

const STOCK: &str = "\
Stock of the shop on 3 March 2026

Article          Colour       Left
Paint, large     blue           12
Paint, small                     7

Opening hours
Day              From           To
Monday           09:00       18:00
Saturday         10:00       14:00
Sunday           closed     closed
";

fn read(text: &str, request: Value) -> Output {
    Fixture::from_text(text).extract::<Tables>(request).expect("the plugin answers")
}

#[test]
fn all_tables_are_told_and_the_rows_of_the_largest() {
    let output = read(STOCK, json!({}));
    assert_eq!(output.tables.len(), 2);
    assert_eq!(output.tables[0].columns, ["Article", "Colour", "Left"]);
    assert_eq!(output.fields["rows"].value[2], json!({"Day": "Sunday", "From": "closed", "To": "closed"}));
    let tables = &output.fields["tables"].value;
    assert_eq!(tables[0]["page"], 1);
    assert_eq!(tables[0]["rows"][1], json!({"Article": "Paint, small", "Colour": null, "Left": "7"}));
}

#[test]
fn a_template_names_its_columns_and_their_types() {
    let schema = json!({"properties": {
        "stock": {"type": "array", "items": {"properties": {
            "article": {"type": "string"}, "left": {"type": "integer"}, "price": {"type": "number"},
        }}},
        "absent": {"type": "array", "items": {"properties": {"planet": {}, "moons": {}}}},
    }});
    let output = read(STOCK, json!({"schema": schema}));
    assert_eq!(
        output.fields["stock"].value,
        json!([{"article": "Paint, large", "left": 12, "price": null}, {"article": "Paint, small", "left": 7, "price": null}])
    );
    assert!(output.fields["absent"].value.is_null());
    let names: Vec<Option<&str>> = output.tables.iter().map(|table| table.name.as_deref()).collect();
    assert_eq!(names, [Some("stock"), None]);
}

#[test]
fn settings_say_what_counts_as_a_table_and_as_headings() {
    let output = read(STOCK, json!({"config": {"minimumRows": 3, "headings": "none"}}));
    assert_eq!(output.tables.len(), 2, "headings are rows then");
    assert_eq!(output.tables[1].columns, ["column1", "column2", "column3"]);
    assert_eq!(output.tables[1].rows[0][0].text, "Day");
    let output = read(STOCK, json!({"config": {"minimumRows": 3}}));
    assert_eq!(output.tables.len(), 1);
}

#[test]
fn settings_that_do_not_fit_are_told() {
    let failure =
        Fixture::from_text(STOCK).extract::<Tables>(json!({"config": {"headings": "second"}})).unwrap_err();
    assert_eq!(failure.code, "bad_config");
    assert!(failure.message.contains("`second`"), "{}", failure.message);
}

#[test]
fn prose_and_forms_have_no_tables() {
    let output = read(
        "Dear Anna,\nthank you for your letter.\nOwner: Anna     Town: Zenith\nName: Berg      Age: 7\n",
        json!({}),
    );
    assert_eq!(output.tables, []);
    assert!(output.fields["rows"].value.is_null());
}
