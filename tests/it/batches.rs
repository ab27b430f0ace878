//! Batches: each file stands alone.

use std::io::{Cursor, Write};

use ocriva::domain::document::AttemptProgress;
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use support::api::{TestApi, png, text};
use support::database::Engine;
use support::over_http;
use support::store::{LEASE, processed};
use zip::write::SimpleFileOptions;

over_http!(
    one_bad_file_fails_alone,
    a_batch_is_named_after_its_day_unless_it_has_a_name,
    batches_are_listed_newest_first_and_shown,
    a_batch_without_files_or_project_is_refused,
    one_file_too_many_is_refused_and_leaves_nothing,
    batches_are_found_by_status_day_and_name,
    a_batch_can_be_cancelled_processed_again_and_deleted,
    a_batch_is_as_far_as_its_documents_are,
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

async fn uploaded(api: &TestApi, name: &str, contents: &[&[u8]]) -> Value {
    let named: Vec<(&str, &[u8])> = contents.iter().map(|bytes| ("a.png", *bytes)).collect();
    let form = files(api, &named).text("name", name.to_owned());
    let batch = api.submit(&api.batch_path(), &api.token, form).await;
    assert_eq!(batch.status, 201, "{batch:?}");
    batch.body
}

async fn batches_are_found_by_status_day_and_name(api: TestApi) {
    let png = png();
    uploaded(&api, "Übersicht 100%", &[&png]).await;
    uploaded(&api, "Refused", &[b"MZ\x90\0"]).await;
    let cancelled = uploaded(&api, "Cancelled", &[&png, &png]).await;
    let cancel = format!("/batch/{}/cancel", text(&cancelled["id"]));
    assert_eq!(api.post(&cancel, &api.token, &json!({})).await.status, 200);
    let names = async |filter: &str| -> Vec<String> {
        let path = format!("/batch?projectId={}&{filter}", api.project());
        let page = api.get(&path, &api.token).await;
        assert_eq!(page.status, 200, "{page:?}");
        let data = page.body["data"].as_array().unwrap();
        assert_eq!(page.body["pagination"]["total"], data.len());
        data.iter().map(|batch| text(&batch["name"])).collect()
    };
    let today = api.base.clock.clock().now().to_date();
    assert_eq!(names("status=processing").await, ["Übersicht 100%"]);
    assert_eq!(names("status=failed").await, ["Refused"]);
    assert_eq!(names("status=cancelled").await, ["Cancelled"]);
    assert_eq!(names("status=completed").await, Vec::<String>::new());
    assert_eq!(names("search=%C3%BCBERSICHT%20100%25").await, ["Übersicht 100%"]);
    assert_eq!(names(&format!("search={}", text(&cancelled["id"]))).await, ["Cancelled"]);
    assert_eq!(names(&format!("fromDate={today}&toDate={today}")).await.len(), 3);
    assert_eq!(names("toDate=2020-01-01").await.len(), 0);
    assert_eq!(names("templateId=0192f3a4-5b6c-7d8e-9f01-23456789abcd").await.len(), 0);
    for wrong in ["status=done", "fromDate=today", "templateId=x"] {
        let path = format!("/batch?projectId={}&{wrong}", api.project());
        api.get(&path, &api.token).await.assert_error(400, "request.invalid");
    }
}

async fn a_batch_can_be_cancelled_processed_again_and_deleted(api: TestApi) {
    let png = png();
    let batch = uploaded(&api, "Batch", &[&png, b"MZ\x90\0", &png]).await;
    let path = format!("/batch/{}", text(&batch["id"]));
    let act = async |verb: &str| api.post(&format!("{path}/{verb}"), &api.token, &json!({})).await;
    let delete = async || api.send(Method::DELETE, &path, &api.token, &json!({})).await;
    act("reprocess").await.assert_error(409, "batch.state");
    delete().await.assert_error(409, "batch.state");
    api.base.store.dispatch(1, 100).await.unwrap();
    let attempt = api.base.start("worker").await;
    assert_eq!(act("cancel").await.body["status"], "processing", "a worker has one of them");
    act("cancel").await.assert_error(409, "batch.state");
    assert!(api.base.store.cancel_attempt(&attempt).await.unwrap());
    let cancelled = api.get(&path, &api.token).await.body;
    let counts = json!([cancelled["status"], cancelled["failedFiles"], cancelled["cancelledFiles"]]);
    assert_eq!(counts, json!(["failed", 3, 2]), "one was refused");
    let again = act("reprocess").await.body;
    assert_eq!((&again["status"], &again["failedFiles"]), (&json!("processing"), &json!(1)), "{again}");
    assert_eq!(api.base.store.dispatch(10, 100).await.unwrap(), 2);
    act("cancel").await;
    assert_eq!(delete().await.status, 204);
    api.get(&path, &api.token).await.assert_error(404, "batch.unknown");
    delete().await.assert_error(404, "batch.unknown");
    let left = api.get(&format!("/processing-history?projectId={}", api.project()), &api.token).await;
    assert_eq!(left.body["pagination"]["total"], 0);
    api.wait_for_blobs(0).await;
}

async fn a_batch_is_as_far_as_its_documents_are(api: TestApi) {
    let png = png();
    let batch = uploaded(&api, "Batch", &[&png, &png]).await;
    let path = format!("/batch/{}", text(&batch["id"]));
    let progress = async || api.get(&path, &api.token).await.body["progress"].clone();
    assert_eq!(progress().await, 0);
    api.base.store.dispatch(2, 100).await.unwrap();
    let first = api.base.start("worker").await;
    let half = AttemptProgress { percent: 60, pages_read: Some(2), page_count: Some(3) };
    api.base.store.beat(&first, LEASE, half).await.unwrap();
    assert_eq!(progress().await, 30);
    api.base.store.complete_attempt(&first, &processed("")).await.unwrap();
    assert_eq!(progress().await, 50);
    let second = api.base.start("worker").await;
    api.base.store.complete_attempt(&second, &processed("")).await.unwrap();
    assert_eq!(progress().await, 100);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_batch_goes_through_in_flat_memory() {
    const FILE: usize = 4 * 1024 * 1024;
    let adjust = |config: &mut ocriva::config::Config| config.upload.max_file_mib = 8;
    let api = TestApi::with(Engine::Sqlite, adjust).await.unwrap();
    let mut form = files(&api, &[]);
    let peak = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0));
    for number in 0..50_usize {
        let head = bytes::Bytes::from(format!("%PDF-1.7 {number}"));
        let chunk = bytes::Bytes::from(vec![b'x'; 64 * 1024]);
        let chunks = std::iter::once(head).chain(std::iter::repeat_n(chunk, FILE / (64 * 1024)));
        let peak = std::sync::Arc::clone(&peak);
        let chunks = chunks.enumerate().map(move |(index, chunk)| {
            // What all earlier files left in memory, as a file begins.
            if index == 0 {
                peak.fetch_max(resident_bytes(), std::sync::atomic::Ordering::Relaxed);
            }
            Ok::<_, std::io::Error>(chunk)
        });
        let body = reqwest::Body::wrap_stream(futures::stream::iter(chunks));
        form = form.part("files", Part::stream(body).file_name(format!("{number}.pdf")));
    }
    let before = resident_bytes();
    let batch = api.submit(&api.batch_path(), &api.token, form).await;
    let grown = peak.load(std::sync::atomic::Ordering::Relaxed).saturating_sub(before);
    assert_eq!((batch.status.as_u16(), &batch.body["totalFiles"]), (201, &json!(50)), "{batch:?}");
    assert_eq!(batch.body["failedFiles"], 0);
    // 200 MiB went through, with three parts of 8 MiB in memory at most; other tests run in the same process.
    assert!(grown < 128 * 1024 * 1024, "memory grew by {grown} bytes");
}

/// Resident memory of this process, in bytes.
fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0 kB");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") * 1024
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_files_are_one_batch() {
    let api = TestApi::new(Engine::Sqlite).await.unwrap();
    let png = png();
    let form = files(&api, &vec![("a.png", png.as_slice()); 50]);
    let batch = api.submit(&api.batch_path(), &api.token, form).await;
    assert_eq!((batch.status.as_u16(), &batch.body["totalFiles"]), (201, &json!(50)));
}
