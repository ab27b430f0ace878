//! Electronic invoices through the whole pipeline: by themselves, inside a PDF, and where the page says otherwise.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use support::{fixture, fixture_path, program};

fn extract(path: &Path, arguments: &[&str]) -> Value {
    let output = Command::new(program()).arg("extract").args(arguments).arg(path).output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

fn extract_bytes(content: &[u8], name: &str, arguments: &[&str]) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, content).unwrap();
    extract(&path, arguments)
}

fn warnings(result: &Value, code: &str) -> Vec<String> {
    let all = result["warnings"].as_array().expect("there is a list of warnings");
    let of_code = all.iter().filter(|warning| warning["code"] == code);
    of_code.map(|warning| warning["message"].as_str().unwrap_or_default().to_owned()).collect()
}

/// A PDF file of one page of text lines that carries a file.
fn pdf_with_attachment(lines: &[&str], name: &str, attachment: &[u8]) -> Vec<u8> {
    let shown = lines
        .iter()
        .enumerate()
        .map(|(index, line)| format!("1 0 0 1 50 {} Tm ({line}) Tj ", 720 - 20 * index));
    let content = format!("BT /F1 11 Tf {}ET", shown.collect::<String>());
    let objects: Vec<Vec<u8>> = vec![
        b"<</Type/Catalog/Pages 2 0 R/Names<</EmbeddedFiles<</Kids[8 0 R]>>>>>>".to_vec(),
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>".to_vec(),
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Resources<</Font<</F1 5 0 R>>>>/Contents 4 0 R>>"
            .to_vec(),
        format!("<</Length {}>>\nstream\n{content}\nendstream", content.len()).into_bytes(),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>".to_vec(),
        format!("<</Type/Filespec/F({name})/UF({name})/EF<</F 7 0 R>>>>").into_bytes(),
        [
            format!("<</Type/EmbeddedFile/Length {}>>\nstream\n", attachment.len()).as_bytes(),
            attachment,
            b"\nendstream",
        ]
        .concat(),
        format!("<</Names[({name}) 6 0 R]>>").into_bytes(),
    ];
    let mut file = b"%PDF-1.7\n".to_vec();
    let mut table = format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1);
    for (index, object) in objects.iter().enumerate() {
        table.push_str(&format!("{:010} 00000 n \n", file.len()));
        file.extend([format!("{} 0 obj\n", index + 1).as_bytes(), object, b"\nendobj\n"].concat());
    }
    let start = file.len();
    let trailer =
        format!("{table}trailer\n<</Size {}/Root 1 0 R>>\nstartxref\n{start}\n%%EOF\n", objects.len() + 1);
    file.extend(trailer.bytes());
    file
}

const LINES: [&str; 9] = [
    "Seller GmbH, Weg 1, 80333 Munich",
    "Invoice",
    "Invoice number: FX-1",
    "Invoice date: 29.02.2024",
    "Subtotal: 30.00 EUR",
    "VAT 19 %: 5.70 EUR",
    "Total: 35.70 EUR",
    "Amount due: 35.70 EUR",
    "IBAN: DE02 1203 0000 0000 2020 51",
];

#[test]
fn the_xml_in_a_pdf_is_taken_for_the_invoice_with_its_places_on_the_page() {
    let result = extract(&fixture_path("invoice.pdf"), &["--plugin", "invoice"]);
    let total = &result["fields"]["total"];
    assert_eq!(
        (&total["value"], &total["confidence"], &total["source"]),
        (&json!(571.04), &json!(1.0), &json!("xml"))
    );
    assert_eq!(total["page"], 1, "the page says the same, so the place is known");
    assert_eq!(result["data"]["lineItems"].as_array().map(Vec::len), Some(3));
    assert_eq!(result["data"]["lineItems"][2]["unitPrice"], 0.025);
    assert_eq!(result["data"]["iban"], "DE88200800000970375700");
    assert_eq!(result["data"]["taxBreakdown"].as_array().map(Vec::len), Some(2));
    assert_eq!(warnings(&result, "xml_mismatch"), Vec::<String>::new());
}

#[test]
fn an_invoice_without_pages_gets_one_that_says_what_the_xml_says() {
    for name in ["credit_note_ubl.xml", "invoice_cii.xml"] {
        let result = extract(&fixture_path(name), &[]);
        assert_eq!(result["status"], "completed", "{result}");
        let number = result["data"]["invoiceNumber"].as_str().expect("the number is read");
        assert!(result["text"].as_str().unwrap().contains(number), "{result}");
        assert_eq!(result["pages"].as_array().map(Vec::len), Some(1));
        assert_eq!(result["confidence"], 1.0);
        assert_eq!(result["warnings"], json!([]));
    }
}

#[test]
fn a_page_that_says_otherwise_is_warned_about_with_both_values() {
    let xml = fixture("invoice_cii.xml");
    let same = extract_bytes(&pdf_with_attachment(&LINES, "factur-x.xml", &xml), "a.pdf", &[]);
    assert_eq!(same["data"]["total"], 35.7);
    assert_eq!(warnings(&same, "xml_mismatch"), Vec::<String>::new());
    let lines = LINES
        .map(|line| if line.contains("35.70") { line.replace("35.70", "53.70") } else { line.to_owned() });
    let lines = lines.each_ref().map(String::as_str);
    let other =
        extract_bytes(&pdf_with_attachment(&lines, "factur-x.xml", &xml), "a.pdf", &["--plugin", "invoice"]);
    assert_eq!(other["data"]["total"], 35.7, "the XML is what counts");
    let told = warnings(&other, "xml_mismatch");
    let expected = "`total` is `35.70` in the XML and `53.70` on page 1; the XML's value is taken";
    assert!(told.iter().any(|message| message == expected), "{told:?}");
}

#[test]
fn a_template_of_ones_own_is_filled_from_the_xml() {
    let folder = tempfile::tempdir().unwrap();
    let template = folder.path().join("template.json");
    let schema = json!({"type": "object", "properties": {
        "rechnungsnummer": {"type": "string"}, "gross": {"type": "number"},
        "supplier": {"type": "object", "properties": {"name": {"type": "string"}, "city": {"type": "string"}}},
        "items": {"type": "array", "items": {"type": "object", "properties": {
            "name": {"type": "string"}, "qty": {"type": "integer"}}}},
        "shoeSize": {"type": "number"}}});
    std::fs::write(&template, schema.to_string()).unwrap();
    let template = template.display().to_string();
    let result = extract(&fixture_path("invoice_cii.xml"), &["--template", &template]);
    let expected = json!({"rechnungsnummer": "FX-1", "gross": 35.7,
        "supplier": {"name": "Seller GmbH", "city": "München"}, "items": [{"name": "Paper", "qty": 3}],
        "shoeSize": null});
    assert_eq!(result["data"], expected);
    assert_eq!(result["fields"]["gross"]["source"], "xml");
}

#[test]
fn broken_xml_fails_by_itself_and_is_a_warning_inside_a_pdf() {
    let xml = fixture("invoice_cii.xml");
    let broken = xml.get(..xml.len() / 2).unwrap();
    let alone = extract_bytes(broken, "a.xml", &[]);
    assert_eq!((&alone["status"], &alone["error"]["code"]), (&json!("failed"), &json!("decode.damaged")));
    let inside = extract_bytes(
        &pdf_with_attachment(&LINES, "factur-x.xml", broken),
        "a.pdf",
        &["--plugin", "invoice"],
    );
    assert_eq!(inside["data"]["invoiceNumber"], "FX-1");
    assert_eq!(inside["fields"]["invoiceNumber"]["source"], "text_layer");
    assert!(warnings(&inside, "xml_unreadable")[0].contains("`factur-x.xml`"));
}

#[test]
fn sums_that_do_not_come_out_are_warned_about() {
    let xml = String::from_utf8(fixture("invoice_cii.xml"))
        .unwrap()
        .replace("GrandTotalAmount>35.70", "GrandTotalAmount>36.70");
    let result = extract_bytes(xml.as_bytes(), "a.xml", &[]);
    assert!(
        warnings(&result, "en16931_br_co_15")[0].starts_with("BR-CO-15: the total with tax is 36.70"),
        "{result}"
    );
}

#[test]
fn an_invoice_attached_to_a_mail_is_found() {
    let xml = String::from_utf8(fixture("credit_note_ubl.xml")).unwrap();
    let mail = format!(
        "From: ann@example.org\r\nTo: bob@example.org\r\nSubject: Credit note\r\nMIME-Version: 1.0\r\n\
        Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nPlease find it attached.\r\n\
        --b\r\nContent-Type: application/xml\r\nContent-Disposition: attachment; filename=cn.xml\r\n\r\n{xml}\r\n--b--\r\n"
    );
    let result = extract_bytes(mail.as_bytes(), "a.eml", &[]);
    assert_eq!(result["data"]["invoiceNumber"], "CN-77", "{result}");
    assert!(result["text"].as_str().unwrap().contains("Please find it attached."));
}

#[test]
fn an_invoice_may_carry_a_file_larger_than_any_text() {
    let xml = String::from_utf8(fixture("credit_note_ubl.xml")).unwrap();
    let file = "QUJD".repeat(3 << 20);
    let carrying = xml.replacen(
        "</cac:AdditionalDocumentReference>",
        &format!("<cac:Attachment><cbc:EmbeddedDocumentBinaryObject mimeCode='application/pdf'>{file}</cbc:EmbeddedDocumentBinaryObject></cac:Attachment></cac:AdditionalDocumentReference>"),
        1,
    );
    let result = extract_bytes(carrying.as_bytes(), "a.xml", &[]);
    assert_eq!(result["data"]["invoiceNumber"], "CN-77", "{}", result["error"]);
    // The same for what is no invoice: a file within it is no text of its own.
    let order =
        format!("<?xml version='1.0'?><order><item>Tea</item><BinaryObject>{file}</BinaryObject></order>");
    let result = extract_bytes(order.as_bytes(), "a.xml", &["--plugin", "fields"]);
    assert_eq!(result["status"], "completed", "{}", result["error"]);
}

#[test]
fn properties_that_refer_to_others_or_allow_everything_are_filled() {
    let folder = tempfile::tempdir().unwrap();
    let template = folder.path().join("template.json");
    let schema = json!({"type": "object", "properties": {
        "total": {"type": "number"}, "subtotal": {"$ref": "#/properties/total"}, "invoiceNumber": true}});
    std::fs::write(&template, schema.to_string()).unwrap();
    let result = extract(&fixture_path("invoice_cii.xml"), &["--template", &template.display().to_string()]);
    assert_eq!(result["data"], json!({"total": 35.7, "subtotal": 30.0, "invoiceNumber": "FX-1"}));
}
