//! The extractor on documents made up here, with answers that a model might give.

use ocriva_plugin_sdk::Fixture;
use ocriva_plugin_sdk::output::Field;
use ocriva_plugin_sdk::serde_json::json;

use super::*;

const INVOICE: &str = "\
Bright Paper Ltd                  Invoice number: 2026-117
Mill Road 4                       Date: 14 March 2026
Cambridge CB1 2AB

Item           Quantity    Price      Amount
Copy paper A4         2    10.00       20.00
Ink                   1    32.00       32.00

Total                                  52.00 EUR";

fn schema() -> Value {
    json!({"type": "object", "properties": {
        "invoiceNumber": {"type": "string"},
        "date": {"type": "string", "format": "date"},
        "seller": {"type": "object", "properties": {"name": {"type": "string"}, "address": {"type": "string"}}},
        "total": {"type": "number"},
        "currency": {"type": "string", "format": "currency"},
        "items": {"type": "array", "items": {"type": "object", "properties": {
            "description": {"type": "string"}, "quantity": {"type": "integer"}, "amount": {"type": "number"}}}},
    }})
}

fn good() -> Value {
    json!({
        "invoiceNumber": "2026-117",
        "date": "2026-03-14",
        "seller": {"name": "Bright Paper Ltd", "address": "Mill Road 4, Cambridge CB1 2AB"},
        "total": 52.0,
        "currency": "EUR",
        "items": [
            {"description": "Copy paper A4", "quantity": 2, "amount": 20},
            {"description": "Ink", "quantity": 1, "amount": 32},
        ],
    })
}

fn request(schema: Value) -> Value {
    json!({"schema": schema, "config": {}, "today": "2026-04-01"})
}

/// What becomes of an answer.
fn answered(answer: &Value) -> Output {
    let fixture = Fixture::from_text(INVOICE).with_completion(&answer.to_string());
    fixture.extract::<LanguageModel>(request(schema())).unwrap()
}

fn codes(output: &Output) -> Vec<(&str, Option<&str>)> {
    output.warnings.iter().map(|warning| (warning.code.as_str(), warning.field.as_deref())).collect()
}

#[test]
fn values_that_are_on_the_page_have_their_place_and_confidence() {
    let output = answered(&good());
    assert_eq!(codes(&output), []);
    for (name, text) in [
        ("invoiceNumber", "2026-117"),
        ("date", "14 March 2026"),
        ("total", "52.00 EUR"),
        ("currency", "EUR"),
    ] {
        let field = &output.fields[name];
        assert_eq!(field.text.as_deref(), Some(text), "{name}");
        assert!(field.confidence > 0.8 && field.page == Some(1) && field.bbox.is_some(), "{name}: {field:?}");
        assert_eq!(field.source.as_deref(), Some("text_layer"), "{name}");
    }
    assert_eq!(output.fields["seller"].value["address"], "Mill Road 4, Cambridge CB1 2AB");
}

#[test]
fn a_value_that_is_not_on_the_page_has_no_place_little_confidence_and_a_warning() {
    let mut answer = good();
    answer["invoiceNumber"] = json!("2026-999");
    answer["seller"]["name"] = json!("Dark Paper Inc");
    let output = answered(&answer);
    let field = &output.fields["invoiceNumber"];
    assert_eq!((field.value.as_str(), field.page, field.bbox), (Some("2026-999"), None, None));
    assert_eq!((field.confidence, field.source.as_deref()), (0.2, Some("model")));
    assert_eq!(codes(&output), [("not_on_page", Some("invoiceNumber")), ("not_on_page", Some("seller"))]);
    assert!(output.warnings[1].message.ends_with("`seller.name`"), "{:?}", output.warnings);

    let mut asked = request(schema());
    asked["config"] = json!({"ungrounded": "drop"});
    let fixture = Fixture::from_text(INVOICE).with_completion(&answer.to_string());
    let output = fixture.extract::<LanguageModel>(asked).unwrap();
    assert!(output.fields["invoiceNumber"].is_missing());
    assert_eq!(output.fields["seller"].value["name"], Value::Null);
}

#[test]
fn the_values_of_a_row_stand_beside_one_another() {
    let text = "Item      Amount\nPaper      10.00\nInk        10.00\nGlue       10.00\nTotal      30.00";
    let answer = json!({"items": [
        {"description": "Paper", "amount": 10}, {"description": "Ink", "amount": 10}, {"description": "Glue", "amount": 10}
    ]});
    let fixture = Fixture::from_text(text).with_completion(&answer.to_string());
    let output = fixture.extract::<LanguageModel>(request(schema())).unwrap();
    let table = &output.tables[0];
    assert_eq!((table.name.as_deref(), table.columns.len(), table.rows.len()), (Some("items"), 3, 3));
    for row in &table.rows {
        let tops: Vec<f32> = [0, 2].map(|cell: usize| row[cell].bbox.unwrap().y0).into();
        assert_eq!(tops[0], tops[1], "{row:?}");
    }
    let field = &output.fields["items"];
    assert!(field.confidence > 0.8 && field.bbox.is_some() && field.value[1]["amount"] == 10, "{field:?}");
}

#[test]
fn a_row_that_was_made_up_is_told() {
    let mut answer = good();
    answer["items"][1] = json!({"description": "Yacht", "quantity": 1, "amount": 1_000_000});
    let output = answered(&answer);
    assert_eq!(codes(&output), [("not_on_page", Some("items"))]);
    assert!(
        output.warnings[0].message.contains("`items[2].description`, `items[2].amount`"),
        "{:?}",
        output.warnings
    );
    assert!(output.fields["items"].confidence < 0.75);
}

#[test]
fn values_of_other_types_are_repaired_or_left_out_with_a_warning() {
    let output = answered(&json!({
        "invoiceNumber": 2026,
        "date": "March 14, 2026",
        "seller": ["Bright Paper Ltd"],
        "total": "EUR 52.00",
        "currency": "€",
        "items": {"description": "Ink", "quantity": "1", "amount": "32,00"},
        "unasked": "for",
    }));
    let value = |name: &str| output.fields[name].value.clone();
    assert_eq!(
        [value("invoiceNumber"), value("date"), value("total"), value("currency")],
        [json!("2026"), json!("2026-03-14"), json!(52), json!("EUR")]
    );
    assert_eq!(value("items"), json!([{"description": "Ink", "quantity": 1, "amount": 32}]));
    assert_eq!(codes(&output), [("value_rejected", Some("seller"))]);
    assert_eq!(output.fields.len(), 6);
    let output = answered(&json!({"total": "a lot", "date": "soon", "currency": true, "items": "two"}));
    assert_eq!(
        codes(&output),
        ["date", "total", "currency", "items"].map(|field| ("value_rejected", Some(field)))
    );
    assert!(!output.warnings[1].message.contains("a lot"), "{:?}", output.warnings);
}

#[test]
fn what_models_write_for_nothing_is_nothing() {
    let output = answered(&json!({
        "invoiceNumber": "N/A", "date": "", "seller": {"name": "null"}, "total": null, "currency": "-", "items": []
    }));
    assert!(output.fields.values().all(Field::is_missing), "{:?}", output.fields);
    assert_eq!(codes(&output), []);
}

#[test]
fn an_answer_that_cannot_be_read_is_asked_for_again_once() {
    let fixture = Fixture::from_text(INVOICE)
        .with_completion("I think the total is 52.00")
        .with_completion(&format!("```json\n{}\n```", good()));
    let output = fixture.extract::<LanguageModel>(request(schema())).unwrap();
    assert_eq!(output.fields["total"].value, 52);

    let fixture =
        Fixture::from_text(INVOICE).with_completion("{").with_completion("[]").with_completion("{}");
    let failure = fixture.extract::<LanguageModel>(request(schema())).unwrap_err();
    assert_eq!((failure.code.as_str(), failure.retryable), ("llm.bad_answer", false));
    assert!(failure.message.contains("asked twice"), "{}", failure.message);
}

#[test]
fn choices_lists_and_tables_of_any_kind_are_read() {
    let schema = json!({"properties": {
        "kind": {"enum": ["Invoice", "Unknown"]},
        "numbers": {"type": "array", "items": {"type": "string"}},
        "table": {"type": "array", "items": {"type": "object"}},
        "pairs": {"type": "array", "x-pairs": true, "items": {"type": "object"}},
    }});
    let answer = json!({
        "kind": "INVOICE",
        "numbers": ["2026-117", "CB1 2AB"],
        "table": {"columns": ["Item", "Amount", null], "rows": [["Ink", "32.00"], ["Copy paper A4", "20.00"]]},
        "pairs": [{"label": "Date", "value": "14 March 2026"}],
    });
    let fixture = Fixture::from_text(INVOICE).with_completion(&answer.to_string());
    let output = fixture.extract::<LanguageModel>(request(schema.clone())).unwrap();
    let value = |name: &str| output.fields[name].value.clone();
    assert_eq!((value("kind"), value("numbers")), (json!("Invoice"), json!(["2026-117", "CB1 2AB"])));
    assert_eq!(value("table")[0], json!({"Item": "Ink", "Amount": "32.00", "column_3": null}));
    assert_eq!(value("pairs"), json!([{"label": "Date", "value": "14 March 2026"}]));
    assert!(output.fields.values().all(|field| field.bbox.is_some()), "{:?}", output.fields);
    let fixture = Fixture::from_text(INVOICE).with_completion("{\"kind\": \"unknown\"}");
    assert_eq!(fixture.extract::<LanguageModel>(request(schema)).unwrap().fields["kind"].value, "Unknown");
}

#[test]
fn without_a_schema_there_is_nothing_to_ask_for() {
    let fixture = Fixture::from_text(INVOICE).with_completion("{}");
    assert_eq!(fixture.extract::<LanguageModel>(json!({})).unwrap_err().code, "no_schema");
}
