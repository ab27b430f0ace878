use ocriva_plugin_sdk::serde_json::{Value, json};
use ocriva_plugin_sdk::{Fixture, Output};

use super::Receipt;

fn read(fixture: &str) -> Output {
    let fixture = Fixture::from_result(fixture).expect("the fixture is a result");
    fixture.extract::<Receipt>(json!({"today": "2024-01-01"})).expect("the plugin answers")
}

fn check(output: &Output, expected: Value) {
    for (name, value) in expected.as_object().expect("an object is expected") {
        assert_eq!(output.fields[name].value, *value, "{name}");
    }
}

#[test]
fn a_receipt_of_a_cafe() {
    let output = read(include_str!("../fixtures/cafe.json"));
    check(
        &output,
        json!({
            "merchantName": "SWEET FOREST CAFE",
            "merchantAddress": "NO 21, JLN BUNGA KANTAN TAMAN P.RAMLEE SETAPAK 53000 KUALA LUMPUR.",
            "merchantTaxId": "000465809408",
            "receiptNumber": "593101",
            "date": "2018-02-14",
            "time": "13:02:42",
            "currency": "MYR",
            "subtotal": 28.58,
            "tax": 1.72,
            "total": 30.3,
        }),
    );
    assert_eq!(output.fields["date"].text.as_deref(), Some("14-02-2018"));
    let lines = output.fields["lineItems"].value.as_array().expect("there are lines");
    let names: Vec<&str> = lines.iter().filter_map(|line| line["description"].as_str()).collect();
    assert_eq!(names, ["SMOKED DUCK SPAGHETTI", "HOT GREEN TEA", "COFFEE(H)", "RENDANG CHICKEN RICE"]);
}

#[test]
fn the_rounded_total_is_the_total() {
    let output = read(include_str!("../fixtures/rounded_total.json"));
    check(&output, json!({"merchantName": "99 SPEED MART S/B", "date": "2017-05-05", "total": 42.35}));
}

#[test]
fn cash_change_and_the_tax_summary_are_no_total() {
    let output = read(include_str!("../fixtures/bag_shop_recognised.json"));
    check(&output, json!({"merchantName": "YONGFATT ENTERPRISE", "date": "2018-12-25", "total": 80.9}));
    assert_eq!(output.fields["total"].source.as_deref(), Some("ocr"));
}

#[test]
fn cash_less_change_stands_in_for_a_total_that_cannot_be_read() {
    let text = "CORNER SHOP\n12 High Street\nMILK      2.50\nBREAD     3.00\nT T L     5.50\nCASH     10.00\nCHANGE    4.50\n";
    let output = Fixture::from_text(text).extract::<Receipt>(json!({})).expect("the plugin answers");
    assert_eq!(output.fields["total"].value, 5.5);
}
