//! Exports: what leaves as a file says what the record says, in each format's own words.

mod batches;
mod invisible;
mod results;
mod searchable;

use std::io::{Cursor, Read as _};

use calamine::{Data, Reader as _, Xlsx};
use reqwest::Method;
use serde_json::{Value, json};
use support::api::{TestApi, text};
use support::over_http;

use results::{finish, invoice, invoice_template, upload};

over_http!(
    json_is_the_record_with_its_result,
    csv_has_the_fields_in_the_order_of_the_schema,
    csv_may_begin_with_a_byte_order_mark,
    rows_may_be_line_items,
    columns_and_styles_are_those_of_the_template,
    a_workbook_has_typed_cells_and_line_items_on_their_own_sheet,
    xml_names_each_value_and_escapes_it,
    html_and_markdown_take_no_value_for_markup,
    a_word_document_has_headings_and_tables,
    text_of_a_document_without_fields_is_its_text,
    without_a_format_the_templates_decides,
    both_faces_export,
    what_cannot_be_exported_is_told,
    a_file_that_is_gone_keeps_only_its_pages_from_being_exported,
);

/// A file that was exported.
struct Exported {
    bytes: Vec<u8>,
    media_type: String,
    disposition: String,
}

impl Exported {
    fn text(&self) -> String {
        String::from_utf8(self.bytes.clone()).unwrap()
    }
}

async fn export(api: &TestApi, path: &str) -> Exported {
    let response = api.request(Method::GET, path).bearer_auth(&api.token).send().await.unwrap();
    let status = response.status();
    let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
    let (media_type, disposition) = match status.is_success() {
        true => (header("content-type"), header("content-disposition")),
        false => Default::default(),
    };
    let bytes = response.bytes().await.unwrap().to_vec();
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&bytes));
    Exported { bytes, media_type, disposition }
}

/// Uploads a document with the invoice template and gives it the invoice's result.
async fn finished_invoice(api: &TestApi, export: Value) -> String {
    let template = invoice_template(api, export).await;
    let id = upload(api, "Rechnung März.png", Some(&template)).await;
    finish(api, &[(&id, invoice())]).await;
    id
}

fn records(csv: &[u8]) -> Vec<Vec<String>> {
    let reader = csv::ReaderBuilder::new().has_headers(false).from_reader(csv);
    let rows = reader.into_records().map(|row| row.unwrap().iter().map(str::to_owned).collect());
    rows.collect()
}

async fn json_is_the_record_with_its_result(api: TestApi) {
    let id = finished_invoice(&api, Value::Null).await;
    let record = api.get(&format!("/processing-history/{id}"), &api.token).await.body;
    let path = format!("/processing-history/{id}/export?format=json");
    let file = export(&api, &path).await;
    assert_eq!(file.media_type, "application/json");
    assert!(file.disposition.ends_with("filename*=UTF-8''Rechnung%20M%C3%A4rz.json"), "{}", file.disposition);
    let exported: Value = serde_json::from_slice(&file.bytes).unwrap();
    for (name, value) in exported.as_object().unwrap() {
        assert_eq!(value, &record[name], "{name}");
    }
    assert_eq!(exported["result"]["data"]["total"], 1234.5);
    let small = export(&api, &format!("{path}&pages=false")).await;
    let small: Value = serde_json::from_slice(&small.bytes).unwrap();
    assert_eq!((small["result"].get("pages"), &small["result"]["text"]), (None, &record["result"]["text"]));
}

async fn csv_has_the_fields_in_the_order_of_the_schema(api: TestApi) {
    let id = finished_invoice(&api, Value::Null).await;
    let file = export(&api, &format!("/processing-history/{id}/export?format=csv")).await;
    assert_eq!(file.media_type, "text/csv; charset=utf-8");
    assert!(file.text().ends_with("\r\n"));
    let [headings, row] = records(&file.bytes).try_into().unwrap();
    let items =
        r#"[{"description":"Bolts, \"M8\"","quantity":100,"price":1.5},{"description":"Nuts","quantity":7}]"#;
    let told: Vec<(&str, &str)> =
        headings.iter().map(String::as_str).zip(row.iter().map(String::as_str)).collect();
    assert_eq!(
        told,
        [
            ("fileName", "Rechnung März.png"),
            ("id", id.as_str()),
            ("status", "completed"),
            ("number", "RE-1"),
            ("date", "2026-01-31"),
            ("total", "1234.5"),
            ("paid", "true"),
            ("supplier.name", "Müller & Söhne <GmbH>"),
            ("supplier.city", ""),
            ("lineItems", items),
            ("note", "'=1+1"),
            ("iban", ""),
        ]
    );
}

async fn csv_may_begin_with_a_byte_order_mark(api: TestApi) {
    let id = finished_invoice(&api, Value::Null).await;
    let path = format!("/processing-history/{id}/export?format=csv");
    let (without, with) = (export(&api, &path).await, export(&api, &format!("{path}&bom=true")).await);
    assert_eq!(with.bytes, [b"\xef\xbb\xbf".as_slice(), &without.bytes].concat());
}

async fn rows_may_be_line_items(api: TestApi) {
    let id = finished_invoice(&api, Value::Null).await;
    for rows in ["items", "lineItems"] {
        let file = export(&api, &format!("/processing-history/{id}/export?format=csv&rows={rows}")).await;
        let table = records(&file.bytes);
        let column = |name: &str| {
            let index = table[0].iter().position(|heading| heading == name).unwrap();
            table[1..].iter().map(|row| row[index].as_str()).collect::<Vec<_>>()
        };
        assert_eq!(column("number"), ["RE-1", "RE-1"]);
        assert_eq!(column("lineItems.description"), ["Bolts, \"M8\"", "Nuts"]);
        assert_eq!(column("lineItems.quantity"), ["100", "7"]);
        assert_eq!(column("lineItems.price"), ["1.5", ""]);
    }
}

async fn columns_and_styles_are_those_of_the_template(api: TestApi) {
    let settings = json!({
        "rows": "lineItems", "decimal": "comma", "dates": "DD.MM.YYYY",
        "columns": [
            {"field": "total", "title": "Summe"}, {"field": "date"}, {"field": "lineItems.price"},
            {"field": "supplier.name"}, {"field": "@status"},
        ],
    });
    let id = finished_invoice(&api, settings).await;
    let file = export(&api, &format!("/processing-history/{id}/export?format=csv")).await;
    assert_eq!(
        records(&file.bytes),
        [
            ["Summe", "date", "lineItems.price", "supplier.name", "status"],
            ["1234,5", "31.01.2026", "1,5", "Müller & Söhne <GmbH>", "completed"],
            ["1234,5", "31.01.2026", "", "Müller & Söhne <GmbH>", "completed"],
        ]
    );
}

async fn a_workbook_has_typed_cells_and_line_items_on_their_own_sheet(api: TestApi) {
    let id = finished_invoice(&api, Value::Null).await;
    let file = export(&api, &format!("/processing-history/{id}/export?format=xlsx")).await;
    let mut workbook: Xlsx<_> = Xlsx::new(Cursor::new(file.bytes)).unwrap();
    assert_eq!(workbook.sheet_names(), ["Records", "lineItems", "Tables"]);
    let sheet = workbook.worksheet_range("Records").unwrap();
    let cell = |name: &str| {
        let column = sheet.rows().next().unwrap().iter().position(|heading| heading == name).unwrap();
        sheet.get((1, column)).cloned().unwrap()
    };
    assert_eq!(cell("number"), Data::String("RE-1".to_owned()));
    assert_eq!(cell("total"), Data::Float(1234.5));
    assert_eq!(cell("paid"), Data::Bool(true));
    assert_eq!(cell("note"), Data::String("=1+1".to_owned()));
    let Data::DateTime(date) = cell("date") else { panic!("no date: {:?}", cell("date")) };
    assert_eq!(date.to_ymd_hms_milli(), (2026, 1, 31, 0, 0, 0, 0));
    let items = workbook.worksheet_range("lineItems").unwrap();
    let rows: Vec<Vec<String>> =
        items.rows().map(|row| row.iter().skip(2).map(ToString::to_string).collect()).collect();
    assert_eq!(
        rows,
        [["description", "quantity", "price"], ["Bolts, \"M8\"", "100", "1.5"], ["Nuts", "7", ""]]
    );
    let tables = workbook.worksheet_range("Tables").unwrap();
    let texts: Vec<String> = tables.rows().map(|row| row[4].to_string()).collect();
    assert_eq!(texts, ["", "Rate", "19 %"]);
}

async fn xml_names_each_value_and_escapes_it(api: TestApi) {
    let id = finished_invoice(&api, Value::Null).await;
    let xml = export(&api, &format!("/processing-history/{id}/export?format=xml")).await.text();
    let document = roxmltree::Document::parse(&xml).unwrap();
    let value = |names: &[&str]| {
        let found = names.iter().fold(document.root_element(), |at, name| {
            at.descendants().find(|node| node.attribute("name") == Some(name)).unwrap()
        });
        (found.attribute("type").unwrap().to_owned(), found.text().unwrap_or_default().to_owned())
    };
    let typed = |kind: &str, text: &str| (kind.to_owned(), text.to_owned());
    assert_eq!(value(&["number"]), typed("string", "RE-1"));
    assert_eq!(value(&["total"]), typed("number", "1234.5"));
    assert_eq!(value(&["supplier", "name"]), typed("string", "Müller & Söhne <GmbH>"));
    assert_eq!(value(&["lineItems", "description"]), typed("string", "Bolts, \"M8\""));
    assert_eq!(value(&["iban"]), typed("null", ""));
    let page = document.descendants().find(|node| node.has_tag_name("page")).unwrap();
    assert_eq!(page.text().unwrap(), "Invoice RE-1\nBell \u{fffd} <b>");
}

async fn html_and_markdown_take_no_value_for_markup(api: TestApi) {
    let id = finished_invoice(&api, Value::Null).await;
    let html = export(&api, &format!("/processing-history/{id}/export?format=html")).await.text();
    assert!(html.contains("<td>Müller &amp; Söhne &lt;GmbH&gt;</td>"), "{html}");
    assert!(html.contains("<td>Bolts, &quot;M8&quot;</td><td>100</td><td>1.5</td>"), "{html}");
    let markdown = export(&api, &format!("/processing-history/{id}/export?format=markdown")).await.text();
    assert!(markdown.contains("| supplier.name | Müller \\& Söhne \\<GmbH\\> |"), "{markdown}");
    assert!(markdown.contains("| Nuts | 7 |  |"), "{markdown}");
}

async fn a_word_document_has_headings_and_tables(api: TestApi) {
    let id = finished_invoice(&api, Value::Null).await;
    let file = export(&api, &format!("/processing-history/{id}/export?format=docx")).await;
    let mut package = zip::ZipArchive::new(Cursor::new(file.bytes)).unwrap();
    for part in ["[Content_Types].xml", "_rels/.rels", "word/_rels/document.xml.rels", "word/styles.xml"] {
        let mut xml = String::new();
        package.by_name(part).unwrap().read_to_string(&mut xml).unwrap();
        roxmltree::Document::parse(&xml).unwrap();
    }
    let mut xml = String::new();
    package.by_name("word/document.xml").unwrap().read_to_string(&mut xml).unwrap();
    let document = roxmltree::Document::parse(&xml).unwrap();
    let texts = |node: roxmltree::Node<'_, '_>| -> String {
        node.descendants().filter(|inner| inner.tag_name().name() == "t").filter_map(|t| t.text()).collect()
    };
    let headings: Vec<String> = document
        .descendants()
        .filter(|node| node.tag_name().name() == "p")
        .filter(|paragraph| {
            paragraph.descendants().any(|node| {
                node.tag_name().name() == "pStyle"
                    && node.attributes().any(|style| style.value().starts_with("Heading"))
            })
        })
        .map(texts)
        .collect();
    assert_eq!(headings, ["Rechnung März.png", "Fields", "lineItems", "Table (page 1)", "Warnings", "Text"]);
    let rows: Vec<Vec<String>> = document
        .descendants()
        .filter(|node| node.tag_name().name() == "tr")
        .map(|row| row.children().filter(|cell| cell.tag_name().name() == "tc").map(texts).collect())
        .collect();
    assert!(rows.contains(&["total", "1234.5", "98 %", "1"].map(str::to_owned).to_vec()), "{rows:?}");
    assert!(rows.contains(&["Bolts, \"M8\"", "100", "1.5"].map(str::to_owned).to_vec()), "{rows:?}");
}

async fn text_of_a_document_without_fields_is_its_text(api: TestApi) {
    let id = upload(&api, "letter.png", None).await;
    finish(&api, &[(&id, results::plain_text("Dear Sir,\n\nyes.\n\u{c}Page two\n"))]).await;
    let file = export(&api, &format!("/processing-history/{id}/export?format=text")).await;
    assert_eq!(file.text(), "Dear Sir,\n\nyes.\n\u{c}Page two\n");
}

async fn without_a_format_the_templates_decides(api: TestApi) {
    let id = finished_invoice(&api, Value::Null).await;
    let file = export(&api, &format!("/processing-history/{id}/export")).await;
    assert_eq!(file.media_type, "application/xml");
    let id = upload(&api, "a.png", None).await;
    finish(&api, &[(&id, results::plain_text(""))]).await;
    let file = export(&api, &format!("/processing-history/{id}/export")).await;
    assert_eq!(file.media_type, "application/json");
}

async fn both_faces_export(api: TestApi) {
    let id = finished_invoice(&api, Value::Null).await;
    let query = format!("/processing-history/{id}/export?format=text&projectId={}", api.project());
    let platform = export(&api, &query).await;
    let open_api = export(&api, &format!("/v1/openapi{query}")).await;
    assert_eq!(platform.bytes, open_api.bytes);
    assert!(
        platform.text().starts_with("number: RE-1\ndate: 2026-01-31\ntotal: 1234.5\n"),
        "{}",
        platform.text()
    );
}

async fn what_cannot_be_exported_is_told(api: TestApi) {
    let id = finished_invoice(&api, Value::Null).await;
    let path = format!("/processing-history/{id}/export");
    let unknown = api.get(&format!("{path}?format=doc"), &api.token).await;
    unknown.assert_error(400, "request.invalid");
    assert!(text(&unknown.body["message"][0]).contains("docx"), "{unknown:?}");
    let no_list = api.get(&format!("{path}?format=csv&rows=total"), &api.token).await;
    no_list.assert_error(400, "request.invalid");
    assert!(text(&no_list.body["message"][0]).contains("`lineItems`"), "{no_list:?}");
    for query in ["pages=yes", "bom=1", "page=0", "format=image&page=2"] {
        api.get(&format!("{path}?{query}"), &api.token).await.assert_error(400, "request.invalid");
    }
    let (_, foreign) = api.foreign_token().await;
    api.get(&path, &foreign).await.assert_error(404, "document.unknown");
    let waiting = upload(&api, "b.png", None).await;
    let path = format!("/processing-history/{waiting}/export");
    api.get(&path, &api.token).await.assert_error(409, "export.unfinished");
    let cancel = format!("/processing-history/{waiting}/cancel");
    assert_eq!(api.post(&cancel, &api.token, &json!({})).await.status, 200);
    api.get(&path, &api.token).await.assert_error(409, "export.no_result");
}

async fn a_file_that_is_gone_keeps_only_its_pages_from_being_exported(api: TestApi) {
    let id = finished_invoice(&api, Value::Null).await;
    for blob in api.blobs() {
        std::fs::remove_file(blob).unwrap();
    }
    let path = format!("/processing-history/{id}/export");
    for format in ["pdf", "image"] {
        let gone = api.get(&format!("{path}?format={format}"), &api.token).await;
        gone.assert_error(410, "export.file_gone");
    }
    for format in ["json", "csv", "xlsx", "text", "markdown", "html", "xml", "docx"] {
        export(&api, &format!("{path}?format={format}")).await;
    }
}
