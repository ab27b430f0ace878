use ocriva_plugin_sdk::serde_json::{Value, json};
use ocriva_plugin_sdk::{Fixture, Output};

use super::Invoice;

fn read(fixture: &str) -> Output {
    let fixture = Fixture::from_result(fixture).expect("the fixture is a result");
    fixture.extract::<Invoice>(json!({"today": "2024-01-01"})).expect("the plugin answers")
}

fn check(output: &Output, expected: Value) {
    for (name, value) in expected.as_object().expect("an object is expected") {
        assert_eq!(output.fields[name].value, *value, "{name}");
    }
}

#[test]
fn a_french_invoice_with_two_rates_and_a_payment_on_account() {
    let output = read(include_str!("../fixtures/french.json"));
    check(
        &output,
        json!({
            "invoiceNumber": "FA-2017-0010",
            "invoiceDate": "2017-11-13",
            "dueDate": "2017-12-13",
            "orderNumber": "PO445",
            "supplierName": "Au bon moulin SARL",
            "supplierTaxId": "FR11999999998",
            "customerName": "Ma jolie boutique",
            "customerTaxId": "FR19787878784",
            "iban": "FR2012421242124212421242124",
            "currency": "EUR",
            "subtotal": 624.9,
            "taxAmount": 46.25,
            "taxRate": null,
            "total": 671.15,
            "amountDue": 470.15,
        }),
    );
    assert!(output.warnings.is_empty(), "{:?}", output.warnings);
}

#[test]
fn a_dutch_invoice_has_its_lines_and_totals() {
    let output = read(include_str!("../fixtures/dutch.json"));
    check(
        &output,
        json!({
            "invoiceNumber": "993548900",
            "invoiceDate": "2014-04-19",
            "orderNumber": "12572103",
            "customerNumber": "6669263",
            "supplierName": "Coolblue B.V.",
            "supplierTaxId": "NL810433941B01",
            "iban": "NL50INGB0683251309",
            "bic": "INGBNL2A",
            "subtotal": 593.36,
            "taxAmount": 124.61,
            "taxRate": 21,
            "total": 717.97,
        }),
    );
    let lines = output.fields["lineItems"].value.as_array().expect("there are lines");
    assert_eq!(lines[0]["description"], "Apple iPad Air Wifi 16 GB Zilver");
    assert_eq!(
        (&lines[0]["quantity"], &lines[0]["unitPrice"], &lines[0]["amount"]),
        (&json!(1), &json!(399), &json!(399))
    );
}

#[test]
fn a_table_on_two_pages_is_one_list_and_its_sum_the_subtotal() {
    let output = read(include_str!("../fixtures/german_two_pages.json"));
    check(
        &output,
        json!({
            "invoiceNumber": "30064443",
            "invoiceDate": "2014-05-07",
            "dueDate": "2014-05-21",
            "supplierName": "QualityHosting AG",
            "supplierTaxId": "DE232446240",
            "customerName": "iViveLabs Ltd.",
            "subtotal": 34.73,
            "total": 34.73,
        }),
    );
    assert_eq!(output.fields["subtotal"].source.as_deref(), Some("computed"));
    let lines = output.fields["lineItems"].value.as_array().expect("there are lines");
    assert_eq!(lines.len(), 7);
    let first = "Small Business StandardExchange 2010 Grundgebühr pro Einheit Dienst: OUDJQ_strukan 01.05.14-31.05.14";
    assert_eq!(lines[0]["description"], first);
    assert_eq!(output.tables[0].rows.len(), 7);
}

#[test]
fn sums_that_come_out_raise_the_confidence_and_values_have_their_place() {
    let output = read(include_str!("../fixtures/english_with_german_rates.json"));
    check(
        &output,
        json!({"invoiceNumber": "RE-20201121/508", "subtotal": 496, "taxAmount": 75.04, "total": 571.04}),
    );
    let total = &output.fields["total"];
    assert!(total.confidence > 0.95, "{}", total.confidence);
    assert_eq!(
        (total.page, total.source.as_deref(), total.text.as_deref()),
        (Some(1), Some("text_layer"), Some("571.04 €"))
    );
    assert!(total.bbox.is_some_and(|bbox| bbox.y0 > 590.0 && bbox.y1 < 620.0));
}

#[test]
fn sums_that_do_not_come_out_warn_and_lower_the_confidence() {
    let invoice = |total: &str| {
        let text = format!(
            "Acme Ltd.\nInvoice No: 7   Date: 2020-02-03\nSubtotal   100.00\nVAT 20%     20.00\nTotal      {total}\n"
        );
        Fixture::from_text(&text).extract::<Invoice>(json!({})).expect("the plugin answers")
    };
    let (good, bad) = (invoice("120.00"), invoice("129.00"));
    assert!(good.warnings.is_empty());
    assert_eq!(
        (bad.warnings[0].code.as_str(), bad.warnings[0].field.as_deref()),
        ("total_mismatch", Some("total"))
    );
    assert!(bad.fields["total"].confidence < good.fields["total"].confidence);
}

#[test]
fn a_document_that_is_no_invoice_has_null_fields() {
    let output = Fixture::from_text("Dear reader,\nnothing to pay here.\n")
        .extract::<Invoice>(json!({}))
        .expect("the plugin answers");
    for name in ["invoiceNumber", "invoiceDate", "total", "iban", "lineItems", "currency"] {
        assert!(output.fields[name].value.is_null(), "{name}");
        assert_eq!(output.fields[name].confidence, 0.0, "{name}");
    }
}
