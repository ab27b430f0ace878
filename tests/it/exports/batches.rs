//! Exports of batches.

use std::io::{Cursor, Read as _};

use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use support::api::{TestApi, png, text};
use support::fixture;
use support::over_http;

use super::results::{finish, invoice, invoice_template, page};
use super::{export, records};

over_http!(
    a_batch_is_one_table_and_one_array,
    a_batch_is_told_document_by_document,
    a_batch_of_pages_is_an_archive_that_names_what_it_leaves_out,
    a_batch_that_is_not_finished_is_not_exported,
);

/// Uploads files as a batch: its id, and those of its documents.
async fn upload(api: &TestApi, template: Option<&str>, files: &[(&str, Vec<u8>)]) -> (String, Vec<String>) {
    let mut form = Form::new().text("projectId", api.project()).text("name", "March 2026");
    if let Some(template) = template {
        form = form.text("templateId", template.to_owned());
    }
    for (name, bytes) in files {
        form = form.part("files", Part::bytes(bytes.clone()).file_name((*name).to_owned()));
    }
    let batch = api.submit(&api.batch_path(), &api.token, form).await;
    assert_eq!(batch.status, 201, "{batch:?}");
    let ids = batch.body["uploadIds"].as_array().unwrap().iter().map(text).collect();
    (text(&batch.body["id"]), ids)
}

/// A batch of two invoices and a file that could not be read.
async fn finished(api: &TestApi) -> (String, Vec<String>) {
    let template = invoice_template(api, Value::Null).await;
    let files = [("a.png", png()), ("b.png", png()), ("c.png", png())];
    let (batch, ids) = upload(api, Some(&template), &files).await;
    let mut other = invoice();
    other.data.insert("number".to_owned(), json!("RE-2"));
    other.fields["number"].value = json!("RE-2");
    finish(api, &[(&ids[0], invoice()), (&ids[1], other)]).await;
    (batch, ids)
}

async fn a_batch_is_one_table_and_one_array(api: TestApi) {
    let (batch, ids) = finished(&api).await;
    let csv = export(&api, &format!("/batch/{batch}/export?format=csv")).await;
    let rows = records(&csv.bytes);
    let told: Vec<&[String]> = rows.iter().map(|row| &row[..4]).collect();
    assert_eq!(
        told,
        [
            ["fileName", "id", "status", "number"],
            ["a.png", &ids[0], "completed", "RE-1"],
            ["b.png", &ids[1], "completed", "RE-2"],
            ["c.png", &ids[2], "failed", ""],
        ]
    );
    let json = export(&api, &format!("/v1/openapi/batch/{batch}/export?format=json&pages=false")).await;
    let array: Vec<Value> = serde_json::from_slice(&json.bytes).unwrap();
    let told: Vec<_> =
        array.iter().map(|record| (text(&record["id"]), &record["result"]["data"]["number"])).collect();
    let expected = [json!("RE-1"), json!("RE-2"), Value::Null];
    assert_eq!(told, ids.into_iter().zip(&expected).collect::<Vec<_>>());
    assert_eq!(array[2]["error"]["code"], "decode.damaged");
}

async fn a_batch_is_told_document_by_document(api: TestApi) {
    let (batch, _) = finished(&api).await;
    let default = export(&api, &format!("/batch/{batch}/export")).await;
    assert!(default.disposition.contains("filename=\"March 2026.xml\""), "{}", default.disposition);
    let xml = default.text();
    let document = roxmltree::Document::parse(&xml).unwrap();
    let names: Vec<_> = document
        .descendants()
        .filter(|node| node.has_tag_name("record"))
        .map(|node| node.attribute("fileName"))
        .collect();
    assert_eq!(names, [Some("a.png"), Some("b.png"), Some("c.png")]);
    for (format, marks) in [
        ("text", ["a.png\n=====\n", "\nnumber: RE-2\n", "\nc.png\n=====\n\nid: "]),
        ("markdown", ["# a.png\n", "| number | RE-2 |", "# c.png\n"]),
        ("html", ["<h1>a.png</h1>", "<td>RE-2</td>", "<dd>file is damaged</dd>"]),
    ] {
        let file = export(&api, &format!("/batch/{batch}/export?format={format}")).await.text();
        let places: Vec<_> = marks.iter().map(|mark| file.find(mark)).collect();
        assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{format}: {places:?}\n{file}");
    }
}

async fn a_batch_of_pages_is_an_archive_that_names_what_it_leaves_out(api: TestApi) {
    let files = [("a.jpg", fixture("receipt.jpg")), ("A.jpg", fixture("receipt.jpg")), ("c.png", png())];
    let (batch, ids) = upload(&api, None, &files).await;
    let mut read = super::results::plain_text("");
    read.pages = vec![page(1, (600.0, 1000.0), vec![])];
    finish(&api, &[(&ids[0], read.clone()), (&ids[1], read)]).await;
    for (format, expected) in [
        ("pdf", ["a.pdf", "A (2).pdf", "left-out.txt"]),
        ("image", ["a.jpg/page-001.png", "A.jpg (2)/page-001.png", "left-out.txt"]),
    ] {
        let file = export(&api, &format!("/batch/{batch}/export?format={format}")).await;
        assert_eq!(file.media_type, "application/zip");
        let mut archive = zip::ZipArchive::new(Cursor::new(file.bytes)).unwrap();
        let names: Vec<String> = archive.file_names().map(|name| name.unwrap().into_owned()).collect();
        assert_eq!(names, expected);
        let mut left_out = String::new();
        archive.by_name("left-out.txt").unwrap().read_to_string(&mut left_out).unwrap();
        assert_eq!(left_out, format!("{}: `c.png` has no result: its status is `failed`\n", ids[2]));
    }
}

async fn a_batch_that_is_not_finished_is_not_exported(api: TestApi) {
    let (batch, _) = upload(&api, None, &[("a.png", png()), ("bad.png", b"\0\x01\x02\x03".to_vec())]).await;
    let answer = api.get(&format!("/batch/{batch}/export"), &api.token).await;
    answer.assert_error(409, "export.unfinished");
    assert_eq!(answer.body["message"], "the batch is not finished: 1 of its 2 files are");
    let unknown = format!("/batch/{}/export", api.project());
    api.get(&unknown, &api.token).await.assert_error(404, "batch.unknown");
    api.get("/batch/x/export", &api.token).await.assert_error(400, "request.bad_id");
}
