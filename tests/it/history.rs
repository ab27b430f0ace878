//! Processing history over HTTP.

use std::time::Duration;

use ocriva::domain::document::DocumentStatus;
use reqwest::Method;
use serde_json::{Value, json};
use support::api::{TestApi, png, text};
use support::over_http;
use support::store::processed;

over_http!(
    a_finished_record_has_every_field_of_the_contract,
    a_list_leaves_results_out_and_shows_what_the_filters_let_through,
    the_faces_have_their_own_page_sizes,
    a_waiting_document_can_be_cancelled_processed_again_and_deleted,
);

async fn a_finished_record_has_every_field_of_the_contract(api: TestApi) {
    let id = text(&api.upload("receipt.png").await["id"]);
    api.base.store.dispatch(1, 100).await.unwrap();
    let attempt = api.base.start("worker").await;
    api.base.clock.advance(Duration::from_millis(1500));
    assert!(api.base.store.complete_attempt(&attempt, &processed("TOTAL 3.50")).await.unwrap());
    let path = format!("/processing-history/{id}?projectId={}", api.project());
    let mut record = api.get(&path, &api.token).await.body;
    let took = record["processingTimeMs"].as_u64().unwrap();
    assert!((1500..5000).contains(&took), "{took}");
    for time in ["createdAt", "startedAt", "completedAt"] {
        let iso = text(&record[time]);
        assert!(iso.len() == 24 && iso.ends_with('Z'), "{iso}");
    }
    for volatile in ["id", "uploadId", "organizationId", "projectId", "fileUrl", "filePath", "createdAt"] {
        assert!(record[volatile].is_string(), "{volatile}");
    }
    for volatile in [
        "id",
        "uploadId",
        "organizationId",
        "projectId",
        "fileUrl",
        "filePath",
        "createdAt",
        "startedAt",
        "completedAt",
        "processingTimeMs",
    ] {
        record.as_object_mut().unwrap().shift_remove(volatile);
    }
    let expected = json!({
        "userId": null,
        "batchId": null,
        "fileName": "receipt.png",
        "fileSize": png().len().to_string(),
        "mimeType": "image/png",
        "pageCount": 2,
        "status": "completed",
        "priority": 0,
        "progress": 100,
        "templateId": null,
        "templateName": null,
        "extractor": {"plugin": "text", "version": "1.0.0", "digest": "cd".repeat(32)},
        "result": {"fields": {}, "data": {}, "tables": [], "text": "TOTAL 3.50", "pages": [], "warnings": []},
        "confidence": 0.875,
        "error": null,
        "attempts": 1,
        "metadata": null,
    });
    assert_eq!(record, expected);
}

async fn a_list_leaves_results_out_and_shows_what_the_filters_let_through(api: TestApi) {
    for name in ["Receipt one.png", "receipt 100%.png", "invoice.png"] {
        api.upload(name).await;
    }
    let today = api.base.clock.clock().now().to_date();
    let names = async |filter: &str| -> Vec<String> {
        let path = format!("/processing-history?projectId={}&{filter}", api.project());
        let page = api.get(&path, &api.token).await;
        assert_eq!(page.status, 200, "{page:?}");
        page.body["data"].as_array().unwrap().iter().map(|record| text(&record["fileName"])).collect()
    };
    assert_eq!(names("").await, ["invoice.png", "receipt 100%.png", "Receipt one.png"]);
    assert_eq!(names("search=RECEIPT").await.len(), 2);
    assert_eq!(names("search=100%25").await, ["receipt 100%.png"]);
    assert_eq!(names(&format!("fromDate={today}&toDate={today}&status=pending")).await.len(), 3);
    assert_eq!(names("toDate=2020-01-01").await.len(), 0);
    assert_eq!(names("status=completed").await.len(), 0);
    assert_eq!(names("page=2&limit=2").await, ["Receipt one.png"]);
    let nowhere = "0192f3a4-5b6c-7d8e-9f01-23456789abcd";
    assert_eq!(names(&format!("templateId={nowhere}")).await.len(), 0);
    assert_eq!(names(&format!("batchId={nowhere}")).await.len(), 0);
    for status in DocumentStatus::ALL {
        names(&format!("status={status}")).await;
    }
}

async fn the_faces_have_their_own_page_sizes(api: TestApi) {
    api.upload("a.png").await;
    let limit = async |path: &str| -> Value {
        let path = format!("{path}?projectId={}", api.project());
        api.get(&path, &api.token).await.body["pagination"].clone()
    };
    assert_eq!(limit("/processing-history").await, json!({"page": 1, "limit": 20, "total": 1, "pages": 1}));
    assert_eq!(limit("/v1/openapi/processing-history").await["limit"], 10);
    assert_eq!(limit("/v1/openapi/batch").await["limit"], 10);
}

async fn a_waiting_document_can_be_cancelled_processed_again_and_deleted(api: TestApi) {
    let path = format!("/processing-history/{}", text(&api.upload("a.png").await["id"]));
    let act = async |verb: &str| api.post(&format!("{path}/{verb}"), &api.token, &json!({})).await;
    act("reprocess").await.assert_error(409, "document.state");
    api.send(Method::DELETE, &path, &api.token, &json!({})).await.assert_error(409, "document.state");
    assert_eq!(act("cancel").await.body["status"], "cancelled");
    act("cancel").await.assert_error(409, "document.state");
    assert_eq!(act("reprocess").await.body["status"], "pending");
    assert_eq!(act("cancel").await.body["status"], "cancelled");
    assert_eq!(api.send(Method::DELETE, &path, &api.token, &json!({})).await.status, 204);
    api.get(&path, &api.token).await.assert_error(404, "document.unknown");
    api.wait_for_blobs(0).await;
}
