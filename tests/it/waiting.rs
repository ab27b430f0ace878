//! `Prefer: wait`: answers that are held until documents are finished.

use std::time::{Duration, Instant};

use reqwest::multipart::{Form, Part};
use reqwest::{Method, RequestBuilder};
use serde_json::json;
use support::api::{TestApi, answer, bearer, png, text};
use support::database::Engine;
use support::over_http;
use support::store::processed;

over_http!(
    an_upload_waits_for_its_result,
    an_upload_waits_no_longer_than_it_says,
    a_record_is_shown_when_it_is_finished,
    a_batch_waits_for_all_its_files,
    a_replayed_upload_waits_too,
);

fn waiting(request: RequestBuilder, seconds: u32) -> RequestBuilder {
    request.header("Prefer", format!("wait={seconds}"))
}

fn upload(api: &TestApi, form: Form) -> RequestBuilder {
    bearer(api.request(Method::POST, &api.upload_path()), &api.token).multipart(form)
}

/// Processes the next `count` documents as they come.
async fn work(api: &TestApi, count: usize) {
    for _ in 0..count {
        let since = Instant::now();
        while api.base.store.dispatch(1, 100).await.unwrap() == 0 {
            assert!(since.elapsed() < Duration::from_secs(60), "nothing came to be dispatched");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let attempt = api.base.start("worker").await;
        assert!(api.base.store.complete_attempt(&attempt, &processed("TOTAL 3.50")).await.unwrap());
    }
}

async fn an_upload_waits_for_its_result(api: TestApi) {
    for path in [api.upload_path(), "/v1/openapi/upload".to_owned()] {
        let form = api.upload_form(png(), "a.png").text("fileSize", png().len().to_string());
        let form = form.text("mimeType", "image/png");
        let request = bearer(api.request(Method::POST, &path), &api.token).multipart(form);
        let (uploaded, ()) = tokio::join!(answer(waiting(request, 50)), work(&api, 1));
        assert_eq!(uploaded.status, 201, "{uploaded:?}");
        assert_eq!(uploaded.headers["preference-applied"], "wait=50");
        assert_eq!(uploaded.body["status"], "uploaded", "the contract's word stays");
        assert_eq!(uploaded.body["processingStatus"], "completed");
        assert_eq!(uploaded.body["result"]["text"], "TOTAL 3.50");
    }
}

async fn an_upload_waits_no_longer_than_it_says(api: TestApi) {
    let since = Instant::now();
    let uploaded = answer(waiting(upload(&api, api.upload_form(png(), "a.png")), 1)).await;
    assert!(since.elapsed() >= Duration::from_secs(1));
    assert_eq!((uploaded.status.as_u16(), &uploaded.body["status"]), (201, &json!("uploaded")));
    assert_eq!(uploaded.body["processingStatus"], "pending");
    assert_eq!(uploaded.body.get("result"), None);
    let plain = answer(upload(&api, api.upload_form(png(), "a.png"))).await;
    assert_eq!(plain.body.get("processingStatus"), None, "nobody asked");
    assert!(plain.headers.get("preference-applied").is_none());
}

async fn a_record_is_shown_when_it_is_finished(api: TestApi) {
    let id = text(&api.upload("a.png").await["id"]);
    for (prefix, seconds) in [("", 50), ("/v1/openapi", 100)] {
        let path = format!("{prefix}/processing-history/{id}?projectId={}", api.project());
        let request = waiting(bearer(api.request(Method::GET, &path), &api.token), seconds);
        if prefix.is_empty() {
            let (shown, ()) = tokio::join!(answer(request), work(&api, 1));
            assert_eq!(shown.body["status"], "completed", "{shown:?}");
            assert_eq!(shown.headers["preference-applied"], "wait=50");
        } else {
            let shown = answer(request).await;
            assert_eq!(shown.body["result"]["text"], "TOTAL 3.50", "what is finished is not waited for");
            assert!(shown.headers.get("preference-applied").is_none());
        }
    }
}

async fn a_batch_waits_for_all_its_files(api: TestApi) {
    let form = Form::new()
        .text("projectId", api.project())
        .part("files", Part::bytes(png()).file_name("a.png"))
        .part("files", Part::bytes(png()).file_name("b.png"))
        .part("files", Part::bytes(b"MZ\x90\0".to_vec()).file_name("c.png"));
    let request = bearer(api.request(Method::POST, &api.batch_path()), &api.token).multipart(form);
    let (uploaded, ()) = tokio::join!(answer(waiting(request, 50)), work(&api, 2));
    let batch = &uploaded.body;
    assert_eq!((&batch["status"], &batch["processingStatus"]), (&json!("processing"), &json!("completed")));
    assert_eq!((&batch["completedFiles"], &batch["failedFiles"]), (&json!(2), &json!(1)), "{batch}");
    assert_eq!(batch["progress"], 100);
    let path = format!("/batch/{}", text(&batch["id"]));
    let shown = answer(waiting(bearer(api.request(Method::GET, &path), &api.token), 50)).await;
    assert_eq!(shown.body["status"], "completed");
}

async fn a_replayed_upload_waits_too(api: TestApi) {
    let send = || upload(&api, api.upload_form(png(), "a.png")).header("Idempotency-Key", "one");
    let first = answer(send()).await;
    let (again, ()) = tokio::join!(answer(waiting(send(), 50)), work(&api, 1));
    assert_eq!(
        (&again.body["id"], &again.body["processingStatus"]),
        (&first.body["id"], &json!("completed"))
    );
    assert_eq!(again.headers["idempotency-replayed"], "true");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopping_server_lets_go_of_all_who_wait() {
    let api = TestApi::new(Engine::Sqlite).await.unwrap();
    let id = text(&api.upload("a.png").await["id"]);
    let path = format!("/processing-history/{id}");
    let request = waiting(bearer(api.request(Method::GET, &path), &api.token), 60);
    let stop = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        api.draining.cancel();
    };
    let since = Instant::now();
    let (shown, ()) = tokio::join!(answer(request), stop);
    assert_eq!(shown.body["status"], "pending", "{shown:?}");
    assert_eq!(shown.headers["preference-applied"], "wait=60");
    assert!(since.elapsed() < Duration::from_secs(20));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_too_many_wait_the_answer_comes_at_once() {
    let api = TestApi::with(Engine::Sqlite, |config| config.server.max_waiting_clients = 0).await.unwrap();
    let id = text(&api.upload("a.png").await["id"]);
    let path = format!("/processing-history/{id}");
    let shown = answer(waiting(bearer(api.request(Method::GET, &path), &api.token), 60)).await;
    assert_eq!((shown.status.as_u16(), &shown.body["status"]), (200, &json!("pending")));
    assert!(shown.headers.get("preference-applied").is_none());
    let refused = api.get(&format!("{path}/events"), &api.token).await;
    refused.assert_error(503, "server.too_many_waiting");
}
