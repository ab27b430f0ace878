//! Batches: each file stands alone.

use std::io::{Cursor, Write};

use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use support::api::{TestApi, png, text};
use support::database::Engine;
use support::over_http;
use zip::write::SimpleFileOptions;

over_http!(
    one_bad_file_fails_alone,
    a_batch_is_named_after_its_day_unless_it_has_a_name,
    batches_are_listed_newest_first_and_shown,
    a_batch_without_files_or_project_is_refused,
    one_file_too_many_is_refused_and_leaves_nothing,
    a_zip_file_becomes_the_documents_in_it,
    a_zip_file_that_cannot_be_taken_apart_fails_alone,
);

fn files(api: &TestApi, files: &[(&str, &[u8])]) -> Form {
    let mut form = Form::new();
    for (name, bytes) in files {
        form = form.part("files", Part::bytes(bytes.to_vec()).file_name((*name).to_owned()));
    }
    form.text("projectId", api.project())
}

async fn one_bad_file_fails_alone(api: TestApi) {
    let too_large = [b"%PDF-1.7".as_slice(), &vec![b' '; 1024 * 1024]].concat();
    let form = files(
        &api,
        &[
            ("good.png", &png()),
            ("../bad.png", b"no\0picture"),
            ("empty.png", b""),
            ("large.pdf", &too_large),
        ],
    );
    let batch = api.submit(&api.batch_path(), &api.token, form).await;
    assert_eq!(batch.status, 201, "{batch:?}");
    assert_eq!((&batch.body["totalFiles"], &batch.body["failedFiles"]), (&json!(4), &json!(3)));
    assert_eq!((&batch.body["status"], &batch.body["progress"]), (&json!("processing"), &json!(75)));
    let path = format!("/processing-history?projectId={}&batchId={}", api.project(), text(&batch.body["id"]));
    let mut records = api.get(&path, &api.token).await.body["data"].as_array().unwrap().clone();
    records.sort_by_key(|record| text(&record["id"]));
    let told: Vec<Value> = records
        .iter()
        .map(|r| {
            json!([r["fileName"], r["status"], r["error"]["code"], r["fileSize"], r["fileUrl"].is_string()])
        })
        .collect();
    let expected = json!([
        ["good.png", "pending", null, png().len().to_string(), true],
        ["bad.png", "failed", "file.format", "10", false],
        ["empty.png", "failed", "file.empty", "0", false],
        ["large.pdf", "failed", "file.too_large", too_large.len().to_string(), false],
    ]);
    assert_eq!(json!(told), expected);
    let ids: Vec<&Value> = records.iter().map(|record| &record["uploadId"]).collect();
    assert_eq!(json!(ids), batch.body["uploadIds"]);
    api.wait_for_blobs(1).await;
}

async fn a_batch_is_named_after_its_day_unless_it_has_a_name(api: TestApi) {
    let today = api.base.clock.clock().now().to_date();
    let unnamed = api.submit(&api.batch_path(), &api.token, files(&api, &[("a.png", &png())])).await;
    assert_eq!(unnamed.body["name"], format!("Batch {today}"));
    let form = files(&api, &[("a.png", &png())]).text("name", "March").text("metadata", r#"{"a":1}"#);
    let named = api.submit("/v1/openapi/batch/upload", &api.token, form).await;
    assert_eq!((&named.body["name"], &named.body["metadata"]), (&json!("March"), &json!({"a": 1})));
}

async fn batches_are_listed_newest_first_and_shown(api: TestApi) {
    for name in ["first", "second", "third"] {
        let form = files(&api, &[("a.png", &png())]).text("name", name);
        assert_eq!(api.submit(&api.batch_path(), &api.token, form).await.status, 201);
    }
    let page = api.get(&format!("/batch?projectId={}&limit=2", api.project()), &api.token).await.body;
    let names: Vec<&Value> = page["data"].as_array().unwrap().iter().map(|batch| &batch["name"]).collect();
    assert_eq!(names, ["third", "second"]);
    assert_eq!(page["pagination"], json!({"page": 1, "limit": 2, "total": 3, "pages": 2}));
    for prefix in ["", "/v1/openapi"] {
        let path = format!("{prefix}/batch/{}", text(&page["data"][0]["id"]));
        assert_eq!(api.get(&path, &api.token).await.body, page["data"][0]);
    }
}

async fn a_batch_without_files_or_project_is_refused(api: TestApi) {
    let none = api.submit(&api.batch_path(), &api.token, Form::new().text("name", "")).await;
    none.assert_error(400, "request.invalid");
    assert_eq!(none.body["message"], json!(["`files` is missing", "`projectId` is missing"]));
    let form = files(&api, &[("a.png", &png())]).text("name", "x".repeat(201));
    api.submit(&api.batch_path(), &api.token, form).await.assert_error(400, "request.invalid");
    api.wait_for_blobs(0).await;
}

fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// What the records of a batch say, in the order of its files.
async fn records(api: &TestApi, batch: &Value) -> Vec<Value> {
    let path = format!("/processing-history?projectId={}&batchId={}", api.project(), text(&batch["id"]));
    let mut records = api.get(&path, &api.token).await.body["data"].as_array().unwrap().clone();
    records.sort_by_key(|record| text(&record["id"]));
    records
        .iter()
        .map(|record| {
            json!([record["fileName"], record["status"], record["error"]["code"], record["metadata"]])
        })
        .collect()
}

async fn a_zip_file_becomes_the_documents_in_it(api: TestApi) {
    let inner = archive(&[("a.png", &png())]);
    let mut locked = archive(&[("locked.png", &png())]);
    // The flag that says so is in both of an entry's headers.
    for signature in [b"PK\x03\x04".as_slice(), b"PK\x01\x02"] {
        let header = locked.windows(4).position(|window| window == signature).unwrap();
        locked[header + if signature == b"PK\x03\x04" { 6 } else { 8 }] |= 1;
    }
    let zip = archive(&[
        ("a.png", &png()),
        ("sub/table.csv", b"a;b\n1;2\n3;4\n"),
        ("__MACOSX/._a.png", b"\0\0"),
        ("../../up.txt", b"a text"),
        ("bad.bin", b"MZ\0\0"),
        ("empty.txt", b""),
        ("inner.zip", &inner),
    ]);
    let form = files(&api, &[("first.png", &png()), ("docs.zip", &zip), ("locked.zip", &locked)]);
    let batch = api.submit(&api.batch_path(), &api.token, form).await;
    assert_eq!((batch.status.as_u16(), &batch.body["totalFiles"]), (201, &json!(8)), "{batch:?}");
    let from = |path: &str| json!({"archive": "docs.zip", "path": path});
    let expected = json!([
        ["first.png", "pending", null, null],
        ["a.png", "pending", null, from("a.png")],
        ["table.csv", "pending", null, from("sub/table.csv")],
        ["up.txt", "pending", null, from("up.txt")],
        ["bad.bin", "failed", "file.format", from("bad.bin")],
        ["empty.txt", "failed", "file.empty", from("empty.txt")],
        ["inner.zip", "failed", "file.archive", from("inner.zip")],
        ["locked.png", "failed", "file.archive", {"archive": "locked.zip", "path": "locked.png"}],
    ]);
    assert_eq!(json!(records(&api, &batch.body).await), expected);
    api.wait_for_blobs(4).await;
    let single = api.submit(&api.upload_path(), &api.token, api.upload_form(zip, "docs.zip")).await;
    single.assert_error(415, "file.format");
    let many: Vec<(String, Vec<u8>)> = (0..50).map(|index| (format!("{index}.png"), png())).collect();
    let many: Vec<(&str, &[u8])> = many.iter().map(|(name, png)| (name.as_str(), png.as_slice())).collect();
    let form = files(&api, &[("first.png", &png()), ("many.zip", &archive(&many))]);
    api.submit(&api.batch_path(), &api.token, form).await.assert_error(400, "batch.too_many_files");
    api.wait_for_blobs(4).await;
}

async fn a_zip_file_that_cannot_be_taken_apart_fails_alone(api: TestApi) {
    let form = files(
        &api,
        &[("good.png", &png()), ("broken.zip", b"PK\x03\x04 and no more"), ("none.zip", &archive(&[]))],
    );
    let batch = api.submit(&api.batch_path(), &api.token, form).await;
    let expected = json!([
        ["good.png", "pending", null, null],
        ["broken.zip", "failed", "file.archive", null],
        ["none.zip", "failed", "file.archive", null],
    ]);
    assert_eq!(json!(records(&api, &batch.body).await), expected);
    api.wait_for_blobs(1).await;
}

async fn one_file_too_many_is_refused_and_leaves_nothing(api: TestApi) {
    let png = png();
    let form = files(&api, &vec![("a.png", png.as_slice()); 51]);
    api.submit(&api.batch_path(), &api.token, form).await.assert_error(400, "batch.too_many_files");
    api.wait_for_blobs(0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_files_are_one_batch() {
    let api = TestApi::new(Engine::Sqlite).await.unwrap();
    let png = png();
    let form = files(&api, &vec![("a.png", png.as_slice()); 50]);
    let batch = api.submit(&api.batch_path(), &api.token, form).await;
    assert_eq!((batch.status.as_u16(), &batch.body["totalFiles"]), (201, &json!(50)));
}
