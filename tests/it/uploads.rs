//! Single uploads: what is taken in, what is refused, and what is left behind.

use std::path::Component;

use bytes::Bytes;
use futures::stream;
use reqwest::multipart::{Form, Part};
use reqwest::{Body, Method};
use serde_json::json;
use support::api::{TestApi, bearer, png, text};
use support::database::Engine;
use support::over_http;
use support::store::project_id;

over_http!(
    an_upload_is_recorded_and_waits_for_its_turn,
    the_open_api_answers_with_more_fields,
    parts_may_come_in_any_order,
    a_form_that_does_not_fit_is_refused_and_leaves_nothing,
    the_content_decides_what_a_file_is,
    a_size_that_differs_from_what_arrived_is_refused,
    a_project_out_of_reach_and_an_unknown_template_are_refused,
    an_upload_to_an_inactive_project_is_refused,
    hostile_names_stay_names,
);

async fn an_upload_is_recorded_and_waits_for_its_turn(api: TestApi) {
    let form = api
        .upload_form(png(), "receipt.png")
        .text("metadata", r#"{"order":7}"#)
        .text("pageRange", r#"{"from":1,"to":3}"#)
        .text("priority", "5");
    let uploaded = api.submit(&api.upload_path(), &api.token, form).await;
    assert_eq!(uploaded.status, 201, "{uploaded:?}");
    let id = text(&uploaded.body["id"]);
    let expected = json!({
        "id": id,
        "fileName": "receipt.png",
        "fileUrl": format!("{}/files/{id}", api.url),
        "status": "uploaded",
        "templateId": null,
        "processingId": id,
    });
    assert_eq!(uploaded.body, expected);
    let record = api.get(&format!("/processing-history/{id}"), &api.token).await.body;
    assert_eq!((&record["status"], &record["mimeType"]), (&json!("pending"), &json!("image/png")));
    assert_eq!((&record["fileSize"], &record["priority"]), (&json!(png().len().to_string()), &json!(5)));
    assert_eq!(record["metadata"], json!({"order": 7}));
    assert_eq!(api.blobs().len(), 1);
}

async fn the_open_api_answers_with_more_fields(api: TestApi) {
    let form = api
        .upload_form(png(), "a.png")
        .text("fileSize", png().len().to_string())
        .text("mimeType", "text/plain");
    let uploaded = api.submit("/v1/openapi/upload", &api.token, form).await;
    assert_eq!(uploaded.status, 201, "{uploaded:?}");
    let mut names: Vec<&String> = uploaded.body.as_object().unwrap().keys().collect();
    names.sort();
    let expected = "batchId createdAt fileName fileSize fileType fileUrl id mimeType projectId publicUrl status templateId";
    assert_eq!(names, expected.split(' ').collect::<Vec<_>>());
    assert_eq!(
        (&uploaded.body["mimeType"], &uploaded.body["fileType"]),
        (&json!("image/png"), &json!("image"))
    );
    let url = text(&uploaded.body["fileUrl"]);
    assert!(url.starts_with(&format!("{}/v1/openapi/files/", api.url)), "{url}");
}

async fn parts_may_come_in_any_order(api: TestApi) {
    let form = Form::new()
        .part("file", Part::bytes(png()).file_name("x.png"))
        .text("projectId", api.project())
        .text("fileType", "document")
        .text("somethingElse", "is passed over")
        .text("fileName", "named.png");
    let uploaded = api.submit(&api.upload_path(), &api.token, form).await;
    assert_eq!((uploaded.status.as_u16(), &uploaded.body["fileName"]), (201, &json!("named.png")));
}

async fn a_form_that_does_not_fit_is_refused_and_leaves_nothing(api: TestApi) {
    let check = async |form: Form, told: &[&str]| {
        let refused = api.submit(&api.upload_path(), &api.token, form).await;
        refused.assert_error(400, "request.invalid");
        let message = refused.body["message"].to_string();
        for expected in told {
            assert!(message.contains(expected), "{message}");
        }
    };
    let whole = || api.upload_form(png(), "a.png");
    check(Form::new().text("fileName", ""), &["`file` is missing"]).await;
    check(
        Form::new().text("fileType", "music"),
        &["`fileName` is missing", "`projectId` is missing", "`music`"],
    )
    .await;
    check(api.upload_texts("a.png"), &["`file` is missing"]).await;
    check(whole().text("projectId", "x"), &["`projectId` is `x`"]).await;
    check(whole().text("templateId", "x"), &["`templateId` is `x`"]).await;
    check(whole().text("metadata", "[1]"), &["`metadata`"]).await;
    check(whole().text("metadata", "{\"a\":\"\\u0000\"}"), &["`metadata`"]).await;
    check(whole().text("metadata", "x".repeat(70_000)), &["longer than 64 KiB"]).await;
    check(whole().text("pageRange", r#"{"from":3,"to":1}"#), &["`pageRange`"]).await;
    check(whole().text("pageRange", r#"{"from":0,"to":1}"#), &["`pageRange`"]).await;
    check(whole().text("priority", "101"), &["`priority`"]).await;
    check(whole().part("file", Part::bytes(png()).file_name("b.png")), &["more than once"]).await;
    check(whole().part("fileName", Part::bytes(vec![0xff, 0xfe])), &["not UTF-8"]).await;
    api.wait_for_blobs(0).await;
    assert_eq!(api.base.store.waiting_documents().await.unwrap(), 0);
}

async fn the_content_decides_what_a_file_is(api: TestApi) {
    let send = async |bytes: &[u8], name: &str| {
        api.submit(&api.upload_path(), &api.token, api.upload_form(bytes.to_vec(), name)).await
    };
    let refused = send(b"MZ\x90\0 this is a program", "invoice.pdf").await;
    refused.assert_error(415, "file.format");
    let message = text(&refused.body["message"]);
    assert!(message.contains("these are: PDF, PNG, JPEG"), "{message}");
    send(b"", "empty.pdf").await.assert_error(400, "file.empty");
    send(b"PK\x03\x04 an archive", "a.png").await.assert_error(415, "file.format");
    assert_eq!(send(b"%PDF-1.7 named as it likes", "invoice.exe").await.status, 201);
    api.wait_for_blobs(1).await;
}

async fn a_size_that_differs_from_what_arrived_is_refused(api: TestApi) {
    let send = async |size: &str| {
        let form =
            api.upload_form(png(), "a.png").text("fileSize", size.to_owned()).text("mimeType", "image/png");
        api.submit("/v1/openapi/upload", &api.token, form).await
    };
    send("1").await.assert_error(400, "file.size_mismatch");
    send("many").await.assert_error(400, "request.invalid");
    send("-1").await.assert_error(400, "request.invalid");
    api.wait_for_blobs(0).await;
}

async fn a_project_out_of_reach_and_an_unknown_template_are_refused(api: TestApi) {
    let (tenant, _) = api.foreign_token().await;
    let unknown = "0192f3a4-5b6c-7d8e-9f01-23456789abcd";
    for project in [project_id(&tenant), unknown.to_owned()] {
        let form = api.upload_form(png(), "a.png").text("projectId", project);
        let refused = api.submit(&api.upload_path(), &api.token, form).await;
        refused.assert_error(401, "auth.project_out_of_reach");
    }
    let form = api.upload_form(png(), "a.png").text("templateId", unknown);
    api.submit(&api.upload_path(), &api.token, form).await.assert_error(404, "template.unknown");
    let elsewhere = format!("/upload/{}/file", tenant.organization_id);
    let refused = api.submit(&elsewhere, &api.token, api.upload_form(png(), "a.png")).await;
    refused.assert_error(404, "organization.unknown");
    api.wait_for_blobs(0).await;
}

async fn an_upload_to_an_inactive_project_is_refused(api: TestApi) {
    let path = format!("/projects/{}", api.project());
    let off = api.send(Method::PATCH, &path, &api.token, &json!({"isActive": false})).await;
    assert_eq!((off.status.as_u16(), &off.body["isActive"]), (200, &json!(false)));
    let refused = api.submit(&api.upload_path(), &api.token, api.upload_form(png(), "a.png")).await;
    refused.assert_error(409, "project.inactive");
    api.wait_for_blobs(0).await;
}

async fn hostile_names_stay_names(api: TestApi) {
    let long = format!("{}.png", "a".repeat(300));
    let names = [
        ("../../../etc/passwd.png", "passwd.png"),
        ("..\\..\\windows\\evil.pdf", "evil.pdf"),
        ("\u{202e}gnp.exe", "gnp.exe"),
        ("nul\0byte.pdf", "nulbyte.pdf"),
        ("a\nb.png", "ab.png"),
        ("name.png\r\nX-Injected: 1", "name.pngX-Injected: 1"),
        ("%2e%2e%2fetc%2fpasswd", "%2e%2e%2fetc%2fpasswd"),
        ("x';DROP TABLE documents;--.png", "x';DROP TABLE documents;--.png"),
        ("<script>alert(1)</script>.png", "script>.png"),
        ("", "document"),
        (".", "document"),
        (" lead and trail .png ", "lead and trail .png"),
        (&long, &long[45 + 4..]),
    ];
    for (sent, stored) in names {
        let form = api.upload_texts(sent).part("file", Part::bytes(png()).file_name("x"));
        let uploaded = api.submit(&api.upload_path(), &api.token, form).await;
        assert_eq!(uploaded.status, 201, "{sent:?}: {uploaded:?}");
        assert_eq!(uploaded.body["fileName"], stored, "{sent:?}");
        let file = answer_to_download(&api, &text(&uploaded.body["id"])).await;
        assert!(file.headers().get("x-injected").is_none());
        assert!(
            file.headers()["content-disposition"].to_str().unwrap().starts_with("attachment; filename=\"")
        );
    }
    assert_eq!(api.files().len(), names.len());
    assert!(api.blobs().iter().all(|path| path.components().all(|part| part != Component::ParentDir)));
}

async fn answer_to_download(api: &TestApi, id: &str) -> reqwest::Response {
    let request = api.request(Method::GET, &format!("/files/{id}")).bearer_auth(&api.token);
    request.send().await.expect("the server answers")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_that_says_it_is_too_large_is_refused_unread() {
    let api = TestApi::new(Engine::Sqlite).await.unwrap();
    let form = api.upload_form(vec![0; 3 * 1024 * 1024], "a.png");
    api.submit(&api.upload_path(), &api.token, form).await.assert_error(413, "file.too_large");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_gigabytes_are_refused_early_in_flat_memory() {
    let api = TestApi::new(Engine::Sqlite).await.unwrap();
    let chunk = Bytes::from([&b"%PDF-1.7"[..], &[b'x'; 65_528]].concat());
    let sent = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0));
    let counter = std::sync::Arc::clone(&sent);
    let endless = stream::iter((0..32_768).map(move |_| {
        counter.fetch_add(chunk.len() as u64, std::sync::atomic::Ordering::Relaxed);
        Ok::<_, std::io::Error>(chunk.clone())
    }));
    let form =
        api.upload_texts("a.pdf").part("file", Part::stream(Body::wrap_stream(endless)).file_name("a.pdf"));
    let before = resident_bytes();
    let request = bearer(api.request(Method::POST, &api.upload_path()), &api.token).multipart(form);
    let mut refused = request.send().await.unwrap();
    assert_eq!(refused.status(), 413);
    // The client is not done sending, so the connection may break before the answer's last, empty chunk.
    let body = refused.chunk().await.unwrap().unwrap();
    assert!(String::from_utf8_lossy(&body).contains("file.too_large"), "{body:?}");
    let sent = sent.load(std::sync::atomic::Ordering::Relaxed);
    assert!(sent < 128 * 1024 * 1024, "{sent} bytes were sent");
    let grown = resident_bytes().saturating_sub(before);
    assert!(grown < 128 * 1024 * 1024, "memory grew by {grown} bytes");
    api.wait_for_blobs(0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_only_listens_when_all_is_sent_hears_the_refusal() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let api = TestApi::new(Engine::Sqlite).await.unwrap();
    let mut connection = tokio::net::TcpStream::connect(api.address()).await.unwrap();
    let length = 20 * 1024 * 1024;
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Length: {length}\r\n\
         Content-Type: multipart/form-data; boundary=b\r\nConnection: close\r\n\r\n",
        api.upload_path(),
        api.token
    );
    connection.write_all(head.as_bytes()).await.unwrap();
    connection.write_all(&vec![b'x'; length]).await.expect("the server takes it");
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 413") && answer.contains("file.too_large"), "{answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_queue_sends_uploads_away_for_a_while() {
    let api = TestApi::with(Engine::Sqlite, |config| config.queue.max_waiting = 1).await.unwrap();
    api.upload("first.png").await;
    let refused = api.submit(&api.upload_path(), &api.token, api.upload_form(png(), "second.png")).await;
    refused.assert_error(503, "queue.full");
    assert_eq!(refused.headers["retry-after"], "5");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopping_server_sends_everybody_away_but_shows_its_health() {
    let api = TestApi::new(Engine::Sqlite).await.unwrap();
    api.draining.cancel();
    let refused = api.get("/projects", &api.token).await;
    refused.assert_error(503, "server.draining");
    assert_eq!(refused.headers["retry-after"], "5");
    assert_eq!(api.get("/health/live", "").await.body, json!({"status": "ok"}));
    api.get("/health/ready", "").await.assert_error(503, "server.draining");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_that_breaks_off_leaves_nothing() {
    use tokio::io::AsyncWriteExt as _;
    let api = TestApi::new(Engine::Sqlite).await.unwrap();
    let mut connection = tokio::net::TcpStream::connect(api.address()).await.unwrap();
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Length: 900000\r\n\
         Content-Type: multipart/form-data; boundary=b\r\n\r\n--b\r\n\
         Content-Disposition: form-data; name=\"file\"; filename=\"a.pdf\"\r\n\r\n%PDF-1.7 {}",
        api.upload_path(),
        api.token,
        "x".repeat(100_000)
    );
    connection.write_all(head.as_bytes()).await.unwrap();
    while api.files().is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    drop(connection);
    api.wait_for_blobs(0).await;
    assert_eq!(api.base.store.waiting_documents().await.unwrap(), 0);
}

/// Resident memory of this process, in bytes.
fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0 kB");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") * 1024
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_open_api_upload_can_join_a_batch_of_its_project_only() {
    let api = TestApi::new(Engine::Sqlite).await.unwrap();
    let form =
        Form::new().text("projectId", api.project()).part("files", Part::bytes(png()).file_name("a.png"));
    let batch = api.submit(&api.batch_path(), &api.token, form).await.body;
    let join = async |batch: String| {
        let form = api.upload_form(png(), "b.png").text("fileSize", png().len().to_string());
        let form = form.text("mimeType", "image/png").text("batchId", batch);
        api.submit("/v1/openapi/upload", &api.token, form).await
    };
    assert_eq!(join(text(&batch["id"])).await.body["batchId"], batch["id"]);
    let grown = api.get(&format!("/batch/{}", text(&batch["id"])), &api.token).await.body;
    assert_eq!(grown["totalFiles"], 2);
    join("0192f3a4-5b6c-7d8e-9f01-23456789abcd".to_owned()).await.assert_error(404, "batch.unknown");
}
