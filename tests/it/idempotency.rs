//! `Idempotency-Key`: what is sent again is not done again.

use reqwest::multipart::{Form, Part};
use reqwest::{Method, RequestBuilder};
use serde_json::json;
use support::api::{Answer, TestApi, answer, bearer, png, text};
use support::database::Engine;
use support::over_http;
use tokio::io::AsyncWriteExt as _;

over_http!(
    an_upload_that_is_sent_again_is_made_once,
    a_batch_with_refused_files_that_is_sent_again_is_made_once,
    a_template_that_is_sent_again_is_made_once,
    a_key_belongs_to_its_request_and_to_its_credential,
    a_request_that_made_nothing_frees_its_key,
    a_key_is_taken_while_its_first_request_is_in_progress,
    a_key_that_cannot_be_one_is_refused,
    a_secret_is_made_once_and_never_kept,
);

fn keyed(request: RequestBuilder, key: &str) -> RequestBuilder {
    request.header("Idempotency-Key", key)
}

async fn submit(api: &TestApi, path: &str, key: &str, form: Form) -> Answer {
    let request = bearer(api.request(Method::POST, path), &api.token).multipart(form);
    answer(keyed(request, key)).await
}

async fn documents(api: &TestApi) -> u64 {
    let path = format!("/processing-history?projectId={}", api.project());
    api.get(&path, &api.token).await.body["pagination"]["total"].as_u64().unwrap()
}

fn batch_form(api: &TestApi, second: &[u8]) -> Form {
    Form::new()
        .text("projectId", api.project())
        .part("files", Part::bytes(png()).file_name("a.png"))
        .part("files", Part::bytes(second.to_vec()).file_name("b.png"))
}

async fn an_upload_that_is_sent_again_is_made_once(api: TestApi) {
    let path = api.upload_path();
    // Each form has another boundary.
    let first = submit(&api, &path, "one", api.upload_form(png(), "a.png")).await;
    let second = submit(&api, &path, "one", api.upload_form(png(), "a.png")).await;
    assert_eq!((first.status.as_u16(), second.status.as_u16()), (201, 201), "{second:?}");
    assert_eq!(first.body, second.body);
    assert!(first.headers.get("idempotency-replayed").is_none());
    assert_eq!(second.headers["idempotency-replayed"], "true");
    let other = submit(&api, &path, "two", api.upload_form(png(), "a.png")).await;
    assert_ne!(other.body["id"], first.body["id"]);
    assert_eq!((documents(&api).await, api.blobs().len()), (2, 2));
}

async fn a_batch_with_refused_files_that_is_sent_again_is_made_once(api: TestApi) {
    let refused = [b"MZ\x90\0".as_slice(), &[b'x'; 200_000]].concat();
    let first = submit(&api, &api.batch_path(), "one", batch_form(&api, &refused)).await;
    let second = submit(&api, &api.batch_path(), "one", batch_form(&api, &refused)).await;
    assert_eq!((first.status.as_u16(), &first.body["failedFiles"]), (201, &json!(1)), "{first:?}");
    assert_eq!((second.status.as_u16(), &first.body), (201, &second.body));
    let mut changed = refused.clone();
    changed[199_999] = b'y';
    let changed = submit(&api, &api.batch_path(), "one", batch_form(&api, &changed)).await;
    changed.assert_error(409, "idempotency.mismatch");
    assert_eq!(documents(&api).await, 2);
}

async fn a_template_that_is_sent_again_is_made_once(api: TestApi) {
    let template =
        |name: &str| json!({"name": name, "projectId": api.project(), "templateSchema": {"a": {}}});
    let send = async |path: &str, body: serde_json::Value| {
        answer(keyed(bearer(api.request(Method::POST, path), &api.token).json(&body), "one")).await
    };
    let first = send("/templates", template("Receipts")).await;
    let second = send("/templates", template("Receipts")).await;
    assert_eq!((first.status.as_u16(), second.status.as_u16()), (201, 201), "{second:?}");
    assert_eq!(
        (&first.body, &second.headers["idempotency-replayed"]),
        (&second.body, &"true".parse().unwrap())
    );
    send("/templates", template("Invoices")).await.assert_error(409, "idempotency.mismatch");
    send("/v1/openapi/templates", template("Receipts")).await.assert_error(409, "idempotency.mismatch");
    let listed = api.get(&format!("/templates?projectId={}", api.project()), &api.token).await;
    assert_eq!(listed.body.as_array().unwrap().len(), 1);
}

async fn a_key_belongs_to_its_request_and_to_its_credential(api: TestApi) {
    let path = api.upload_path();
    let first = submit(&api, &path, "one", api.upload_form(png(), "a.png")).await;
    let name = submit(&api, &path, "one", api.upload_form(png(), "b.png")).await;
    name.assert_error(409, "idempotency.mismatch");
    let field = submit(&api, &path, "one", api.upload_form(png(), "a.png").text("priority", "1")).await;
    field.assert_error(409, "idempotency.mismatch");
    let content = submit(&api, &path, "one", api.upload_form(b"%PDF-1.7".to_vec(), "a.png")).await;
    content.assert_error(409, "idempotency.mismatch");
    let other = api.token_like(&api.organization(), |_| {}).await;
    let request = bearer(api.request(Method::POST, &path), &other).multipart(api.upload_form(png(), "a.png"));
    let others = answer(keyed(request, "one")).await;
    assert_eq!(others.status, 201);
    assert_ne!(others.body["id"], first.body["id"]);
    api.wait_for_blobs(2).await;
}

async fn a_request_that_made_nothing_frees_its_key(api: TestApi) {
    let path = api.upload_path();
    let form = api.upload_form(png(), "a.png").text("priority", "high");
    submit(&api, &path, "one", form).await.assert_error(400, "request.invalid");
    submit(&api, &path, "one", api.upload_form(b"MZ\x90\0".to_vec(), "a.png"))
        .await
        .assert_error(415, "file.format");
    let made = settled(&api, &path, || api.upload_form(png(), "a.png")).await;
    assert_eq!(made.status, 201, "{made:?}");
    let template = json!({"name": "", "projectId": api.project()});
    let send = async |body: &serde_json::Value| {
        answer(keyed(bearer(api.request(Method::POST, "/templates"), &api.token).json(body), "two")).await
    };
    send(&template).await.assert_error(400, "request.invalid");
    send(&template).await.assert_error(400, "request.invalid");
}

/// Sends a form with the key `one` until the key is free: one that is let go of is free a moment later.
async fn settled(api: &TestApi, path: &str, form: impl Fn() -> Form) -> Answer {
    for _ in 0..500 {
        let answer = submit(api, path, "one", form()).await;
        if answer.body["code"] != "idempotency.in_progress" {
            return answer;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("the key is not let go of");
}

async fn a_key_is_taken_while_its_first_request_is_in_progress(api: TestApi) {
    let mut connection = tokio::net::TcpStream::connect(api.address()).await.unwrap();
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Length: 900000\r\n\
         Idempotency-Key: one\r\nContent-Type: multipart/form-data; boundary=b\r\n\r\n--b\r\n\
         Content-Disposition: form-data; name=\"file\"; filename=\"a.pdf\"\r\n\r\n%PDF-1.7 {}",
        api.upload_path(),
        api.token,
        "x".repeat(100_000)
    );
    connection.write_all(head.as_bytes()).await.unwrap();
    let since = std::time::Instant::now();
    while api.files().is_empty() {
        assert!(since.elapsed() < std::time::Duration::from_secs(60), "nothing of the file arrived");
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let refused = submit(&api, &api.upload_path(), "one", api.upload_form(png(), "a.png")).await;
    refused.assert_error(409, "idempotency.in_progress");
    assert_eq!(refused.headers["retry-after"], "5");
    drop(connection);
    let made = settled(&api, &api.upload_path(), || api.upload_form(png(), "a.png")).await;
    assert_eq!(made.status, 201, "{made:?}");
    assert!(made.headers.get("idempotency-replayed").is_none());
}

async fn a_key_that_cannot_be_one_is_refused(api: TestApi) {
    for key in ["", &"x".repeat(256)] {
        let refused = submit(&api, &api.upload_path(), key, api.upload_form(png(), "a.png")).await;
        refused.assert_error(400, "request.invalid");
        let request = bearer(api.request(Method::POST, "/templates"), &api.token).json(&json!({}));
        answer(keyed(request, key)).await.assert_error(400, "request.invalid");
    }
    api.wait_for_blobs(0).await;
}

async fn a_secret_is_made_once_and_never_kept(api: TestApi) {
    let owner = api.access_token(ocriva::domain::organization::Role::Owner).await;
    let body = json!({"name": "Scanner", "type": "organization", "scopes": ["documents:write"]});
    let send = || keyed(bearer(api.request(Method::POST, "/tokens"), &owner).json(&body), "one");
    let made = answer(send()).await;
    assert_eq!(made.status, 201, "{made:?}");
    answer(send()).await.assert_error(409, "idempotency.secret");
    let listed = api.get("/tokens", &owner).await.body.to_string();
    assert_eq!(listed.matches("Scanner").count(), 1, "{listed}");

    // What belongs to the same resource and shows no secret is told again.
    let webhook =
        json!({"name": "Accounting", "url": "https://93.184.215.14/", "events": ["document.processed"]});
    let webhook = api.post("/webhooks", &owner, &webhook).await.body;
    let path = format!("/webhooks/{}/test", text(&webhook["id"]));
    let test = || keyed(bearer(api.request(Method::POST, &path), &owner), "two");
    let tried = answer(test()).await;
    assert_eq!(tried.status, 202, "{tried:?}");
    let again = answer(test()).await;
    assert_eq!((again.status, &again.body), (tried.status, &tried.body));
    assert_eq!(again.headers["idempotency-replayed"], "true");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_simultaneous_uploads_with_one_key_make_one_document() {
    let Some(api) = TestApi::new(Engine::Postgres).await else { return };
    let path = api.upload_path();
    let sent = (0..10).map(|_| submit(&api, &path, "one", api.upload_form(png(), "a.png")));
    let answers = futures::future::join_all(sent).await;
    let made: Vec<String> =
        answers.iter().filter(|answer| answer.status == 201).map(|answer| text(&answer.body["id"])).collect();
    assert!(!made.is_empty() && made.iter().all(|id| *id == made[0]), "{made:?}");
    for refused in answers.iter().filter(|answer| answer.status != 201) {
        refused.assert_error(409, "idempotency.in_progress");
    }
    assert_eq!(documents(&api).await, 1);
    api.wait_for_blobs(1).await;
}
