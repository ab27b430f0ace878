//! Codes on made-up pages.

use ocriva_plugin_sdk::serde_json::{Value, json};
use ocriva_plugin_sdk::{Barcode, Fixture, Output, Rect};

use super::Barcodes;

const EPC: &str = "BCD\n002\n1\nSCT\nBFSWDE33BER\nWikimedia Fördergesellschaft\nDE33100205000001194700\nEUR12.3\nCHAR\n\nSpende";

const QR_BILL: &str = "SPC\r\n0200\r\n1\r\nCH4431999123000889012\r\nS\r\nMax Muster & Söhne\r\nMusterstrasse\r\n123\r\n\
    8000\r\nSeldwyla\r\nCH\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n50.00\r\nCHF\r\nK\r\nSimon Glarner\r\nWeg 8\r\n7304 Maienfeld\r\n\
    \r\n\r\nCH\r\nQRR\r\n210000000003139471430009017\r\nOrder of June\r\nEPD\r\n//S1/10/10201409";

fn read(codes: &[Barcode], request: Value) -> Output {
    let page = Fixture::from_text("Invoice 7");
    let on_page = |fixture: Fixture, code: &Barcode| fixture.with_barcode(0, code.clone());
    codes.iter().fold(page, on_page).extract::<Barcodes>(request).expect("the plugin answers")
}

fn gs1(format: &str, symbology: &str, text: &str) -> Barcode {
    Barcode { symbology: symbology.to_owned(), ..Barcode::new(format, text) }
}

/// Names and values of all fields but the list of codes.
fn values(output: &Output) -> Value {
    let fields = output.fields.iter().filter(|(name, _)| *name != "barcodes");
    Value::Object(fields.map(|(name, field)| (name.clone(), field.value.clone())).collect())
}

fn warned(output: &Output) -> Vec<(&str, Option<&str>)> {
    output.warnings.iter().map(|warning| (warning.code.as_str(), warning.field.as_deref())).collect()
}

#[test]
fn every_code_is_a_row_with_its_place() {
    let place = Rect { x0: 10.0, y0: 20.0, x1: 60.5, y1: 40.0 };
    let label = Barcode { bbox: place, confidence: 0.8, ..Barcode::new("code_128", "PARCEL 7") };
    let secret = Barcode { bytes: vec![0xff, 0x00], ..Barcode::new("qr_code", "\u{ff}\u{0}") };
    let output = read(&[label, secret], json!({}));
    let codes = &output.fields["barcodes"];
    assert_eq!((codes.page, codes.source.as_deref()), (Some(1), Some("barcode")));
    assert_eq!(
        codes.value[0],
        json!({"page": 1, "format": "code_128", "text": "PARCEL 7", "box": [10.0, 20.0, 60.5, 40.0],
            "confidence": 0.8, "kind": null})
    );
    assert_eq!(codes.value[1]["bytes"], "ff00");
    let cells: Vec<&str> = output.tables[0].rows[0].iter().map(|cell| cell.text.as_str()).collect();
    assert_eq!(cells, ["code_128", "PARCEL 7", ""]);
    assert_eq!(output.tables[0].rows[0][1].bbox, Some(place));
    assert_eq!(values(&output), json!({}));
}

#[test]
fn a_document_without_codes_has_none() {
    let output = read(&[], json!({}));
    assert!(output.fields["barcodes"].is_missing() && output.fields.len() == 1, "{:?}", output.fields);
    assert!(output.tables.is_empty() && output.warnings.is_empty());
}

#[test]
fn a_payment_code_fills_the_fields_of_a_transfer() {
    let output = read(&[Barcode::new("qr_code", EPC)], json!({}));
    assert_eq!(
        values(&output),
        json!({"name": "Wikimedia Fördergesellschaft", "iban": "DE33100205000001194700", "bic": "BFSWDE33BER",
            "amount": 12.3, "currency": "EUR", "purpose": "CHAR", "message": "Spende"})
    );
    assert_eq!(output.warnings, []);
    let iban = &output.fields["iban"];
    assert_eq!((iban.confidence, iban.source.as_deref()), (0.99, Some("barcode")));
    assert_eq!(output.fields["barcodes"].value[0]["kind"], "epc_payment");
    assert_eq!(output.fields["barcodes"].value[0]["content"]["amount"], 12.3);
}

#[test]
fn a_payment_code_is_read_in_its_own_character_set() {
    let text = EPC.replace("002\n1\n", "001\r\n8\n").replace("Spende", "10 € – nein");
    let bytes = text.chars().map(|c| if c == '€' { 0xa4 } else { c as u8 }).collect();
    let output = read(&[Barcode { bytes, ..Barcode::new("qr_code", "misread") }], json!({}));
    assert_eq!(output.fields["name"].value, "Wikimedia Fördergesellschaft");
    assert!(output.fields["message"].value.as_str().unwrap().starts_with("10 €"));
    assert_eq!(output.warnings, []);
}

#[test]
fn a_payment_code_with_a_reference_has_its_check_digits_tested() {
    let with = |reference: &str| EPC.replace("\n\nSpende", &format!("\n{reference}\n"));
    let right = read(&[Barcode::new("qr_code", &with("RF18 5390 0754 7034"))], json!({}));
    assert_eq!(right.fields["reference"].value, "RF18539007547034");
    assert_eq!(right.fields["referenceType"].value, "SCOR");
    assert_eq!(warned(&right), []);
    let wrong = read(&[Barcode::new("qr_code", &with("RF19539007547034"))], json!({}));
    assert_eq!(warned(&wrong), [("check_digit_wrong", Some("reference"))]);
    assert_eq!(wrong.fields["reference"].confidence, 0.4);
}

#[test]
fn a_payment_code_with_faults_is_told_and_warned_of() {
    let cases = [
        (EPC.replace("DE33", "DE34"), ("check_digit_wrong", Some("iban"))),
        (EPC.replace("DE33100205000001194700", "XX"), ("payload_invalid", Some("iban"))),
        (EPC.replace("EUR12.3", "EUR12,30"), ("payload_invalid", Some("amount"))),
        (EPC.replace("EUR12.3", "USD12.3"), ("payload_invalid", Some("amount"))),
        (EPC.replace("EUR12.3", "EUR0"), ("payload_invalid", Some("amount"))),
        (EPC.replace("BFSWDE33BER", "BFSW"), ("payload_invalid", Some("bic"))),
        (EPC.replace("002\n1\n", "001\n1\n").replace("BFSWDE33BER", ""), ("payload_invalid", Some("bic"))),
        (EPC.replace("002\n1\n", "002\n9\n"), ("payload_invalid", Some("name"))),
        (EPC.replace("002\n", "003\n"), ("payload_invalid", None)),
        (EPC.replace("SCT", "SDD"), ("payload_invalid", None)),
        (EPC.replace("CHAR", "CHARITY"), ("payload_invalid", Some("purpose"))),
        (EPC.replace("\n\nSpende", "\nA1\nSpende"), ("payload_invalid", Some("reference"))),
        (format!("{EPC}\nThanks\nmore"), ("payload_invalid", Some("information"))),
    ];
    for (text, expected) in cases {
        let output = read(&[Barcode::new("qr_code", &text)], json!({}));
        assert_eq!(warned(&output), [expected], "{text}");
        assert_eq!(output.fields["barcodes"].value[0]["kind"], "epc_payment");
    }
}

#[test]
fn whatever_follows_the_first_line_of_a_payment_code_is_read() {
    for text in ["BCD\n", "BCD\n\n\n\n", "BCD\r\n002", "BCD\n002\n1\nSCT\n\n\n\n\n\n\n\n\n\n\n\n"] {
        assert!(!read(&[Barcode::new("qr_code", text)], json!({})).warnings.is_empty(), "{text:?}");
    }
}

#[test]
fn a_swiss_bill_fills_the_fields_of_a_transfer() {
    let output = read(&[Barcode::new("qr_code", QR_BILL)], json!({}));
    assert_eq!(
        values(&output),
        json!({"name": "Max Muster & Söhne", "address": "Musterstrasse 123, 8000 Seldwyla, CH",
            "iban": "CH4431999123000889012", "amount": 50.0, "currency": "CHF", "referenceType": "QRR",
            "reference": "210000000003139471430009017", "message": "Order of June",
            "information": "//S1/10/10201409", "debtorName": "Simon Glarner",
            "debtorAddress": "Weg 8, 7304 Maienfeld, CH"})
    );
    assert_eq!(output.warnings, []);
}

#[test]
fn a_swiss_bill_with_faults_is_told_and_warned_of() {
    let cases = [
        (QR_BILL.replace("30009017", "30009018"), vec![("check_digit_wrong", Some("reference"))]),
        (QR_BILL.replace("CH4431999", "CH4331999"), vec![("check_digit_wrong", Some("iban"))]),
        (
            QR_BILL.replace("QRR\r\n210000000003139471430009017", "NON\r\n"),
            vec![("payload_invalid", Some("reference"))],
        ),
        (QR_BILL.replace("CHF", "USD"), vec![("payload_invalid", Some("currency"))]),
        (QR_BILL.replace("0200", "0100"), vec![("payload_invalid", None)]),
        (QR_BILL.replace("EPD", "END"), vec![("payload_invalid", None)]),
    ];
    for (text, expected) in cases {
        let output = read(&[Barcode::new("qr_code", &text)], json!({}));
        assert_eq!(warned(&output), expected, "{text}");
    }
}

#[test]
fn the_elements_of_a_gs1_code_are_taken_apart() {
    let text = "01040063813339311726113010AB-12\u{1d}21S7\u{1d}3103001250";
    for (format, symbology) in [("code_128", "]C1"), ("data_matrix", "]d2"), ("qr_code", "]Q3")] {
        let output = read(&[gs1(format, symbology, text)], json!({"today": "2026-11-24"}));
        assert_eq!(
            values(&output),
            json!({"gtin": "04006381333931", "lot": "AB-12", "serialNumber": "S7", "expiryDate": "2026-11-30",
                "netWeightKg": 1.25, "elements": {"01": "04006381333931", "17": "261130", "10": "AB-12", "21": "S7",
                "3103": "001250"}})
        );
        assert_eq!(output.warnings, []);
    }
}

#[test]
fn dates_of_gs1_are_of_the_nearest_century_and_may_end_a_month() {
    let expiry = |value: &str| {
        let code = gs1("data_matrix", "]d2", &format!("17{value}"));
        read(&[code], json!({"today": "2026-11-24"})).fields["expiryDate"].value.clone()
    };
    assert_eq!(expiry("280200"), "2028-02-29");
    assert_eq!(expiry("760101"), "2076-01-01");
    assert_eq!(expiry("780101"), "1978-01-01");
}

#[test]
fn elements_in_brackets_are_taken_apart_without_a_symbology() {
    let text = "(00)106141412345678908(37)24(400)A(7)-1(3922)1995";
    let output = read(&[Barcode::new("qr_code", text)], json!({}));
    assert_eq!(
        values(&output),
        json!({"sscc": "106141412345678908", "count": 24, "orderNumber": "A(7)-1", "amount": 19.95,
            "elements": {"00": "106141412345678908", "37": "24", "400": "A(7)-1", "3922": "1995"}})
    );
    for other in ["(see page 7)", "()", "(01", "(1)x"] {
        let output = read(&[Barcode::new("qr_code", other)], json!({}));
        assert_eq!(output.fields["barcodes"].value[0]["kind"], Value::Null, "{other}");
    }
}

#[test]
fn a_gs1_code_with_faults_is_told_and_warned_of() {
    let cases = [
        ("0104006381333930", ("check_digit_wrong", Some("gtin"))),
        ("010400638", ("payload_invalid", None)),
        ("05123", ("payload_invalid", None)),
        ("17269901", ("payload_invalid", Some("expiryDate"))),
        ("3103 01250", ("payload_invalid", Some("netWeightKg"))),
        ("37many", ("payload_invalid", Some("count"))),
        ("é", ("payload_invalid", None)),
    ];
    for (text, expected) in cases {
        assert_eq!(warned(&read(&[gs1("data_matrix", "]d2", text)], json!({}))), [expected], "{text}");
    }
}

#[test]
fn goods_and_books_have_their_numbers() {
    let cases = [
        ("ean_13", "4006381333931", json!({"gtin": "4006381333931"})),
        ("ean_8", "96385074", json!({"gtin": "96385074"})),
        ("upc_e", "01234565", json!({"gtin": "012345000065"})),
        ("itf", "00012345678905", json!({"gtin": "00012345678905"})),
        ("itf", "00012345678904", json!({})),
        ("ean_13", "9783161484100", json!({"gtin": "9783161484100", "isbn": "9783161484100"})),
        ("ean_13", "9771234567003", json!({"gtin": "9771234567003", "issn": "1234-5679"})),
        ("code_39", "4006381333931", json!({})),
    ];
    for (format, text, expected) in cases {
        let output = read(&[Barcode::new(format, text)], json!({}));
        assert_eq!(values(&output), expected, "{format} {text}");
        assert_eq!(output.warnings, []);
    }
}

#[test]
fn what_telephones_know_has_its_kind() {
    let cases = [
        ("https://example.org/7", "url", json!({"url": "https://example.org/7"})),
        ("MATMSG:TO:a@example.org;SUB:Hi;;", "email", json!({"email": "a@example.org"})),
        ("mailto:a@example.org?subject=Hi", "email", json!({"email": "a@example.org"})),
        ("tel:+4930123", "phone", json!({"phone": "+4930123"})),
        ("WIFI:S:guest;T:WPA;P:secret;;", "wifi", json!({})),
        ("BEGIN:VCARD\nFN:Anna\nEND:VCARD", "contact", json!({})),
    ];
    for (text, kind, expected) in cases {
        let output = read(&[Barcode::new("qr_code", text)], json!({}));
        assert_eq!(output.fields["barcodes"].value[0]["kind"], kind);
        assert_eq!(values(&output), expected, "{text}");
    }
}

#[test]
fn a_template_gets_the_fields_that_it_names() {
    let schema = json!({"properties": {
        "beneficiary": {"type": "string"},
        "paymentAmount": {"type": "number"},
        "ean13": {"type": "string"},
        "parcel": {"type": "string", "x-pattern": "^PARCEL ([0-9]+)$"},
        "lotNumber": {"type": "string"},
        "labels": {"type": "array", "items": {"type": "object", "properties": {
            "format": {"type": "string"}, "gtin": {"type": "string"}}}},
    }});
    let codes = [
        Barcode::new("code_128", "PARCEL 7"),
        Barcode::new("ean_13", "4006381333931"),
        Barcode::new("qr_code", EPC),
    ];
    let output = read(&codes, json!({"schema": schema}));
    assert_eq!(
        values(&output),
        json!({"beneficiary": "Wikimedia Fördergesellschaft", "paymentAmount": 12.3, "ean13": "4006381333931",
            "parcel": "7", "lotNumber": null, "labels": [
            {"format": "code_128", "gtin": null}, {"format": "ean_13", "gtin": "4006381333931"},
            {"format": "qr_code", "gtin": null}]})
    );
}

#[test]
fn settings_choose_formats_and_contents() {
    let codes = [Barcode::new("ean_13", "4006381333931"), Barcode::new("qr_code", EPC)];
    let formats = read(&codes, json!({"config": {"formats": ["qr_code"]}}));
    assert_eq!(formats.fields["barcodes"].value.as_array().unwrap().len(), 1);
    let payloads = read(&codes, json!({"config": {"payloads": ["product"]}}));
    assert_eq!(values(&payloads), json!({"gtin": "4006381333931"}));
    let page = Fixture::from_text("Invoice 7");
    let refused = page.extract::<Barcodes>(json!({"config": {"payloads": ["magic"]}})).unwrap_err();
    assert_eq!(refused.code, "bad_config");
}
