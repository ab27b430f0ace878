//! Processing history over HTTP.

use std::time::Duration;

use ocriva::domain::audit::Actor;
use ocriva::domain::document::DocumentStatus;
use reqwest::Method;
use serde_json::{Value, json};
use support::api::{TestApi, answer, bearer, png, text};
use support::over_http;
use support::store::processed;

over_http!(
    a_finished_record_has_every_field_of_the_contract,
    a_list_leaves_results_out_and_shows_what_the_filters_let_through,
    the_faces_have_their_own_page_sizes,
    a_waiting_document_can_be_cancelled_processed_again_and_deleted,
    a_search_looks_into_metadata_too,
    statistics_tell_counts_times_and_confidence,
    a_document_is_processed_again_with_what_is_asked_for,
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

async fn a_search_looks_into_metadata_too(api: TestApi) {
    let metadata = r#"{"order": "PO-7731 Übermut", "lines": [{"sku": 4711}], "secret": null}"#;
    let form = api.upload_form(png(), "a.png").text("metadata", metadata);
    assert_eq!(api.submit(&api.upload_path(), &api.token, form).await.status, 201);
    api.upload("b.png").await;
    let found = async |search: &str| {
        let path = format!("/processing-history?projectId={}&search={search}", api.project());
        api.get(&path, &api.token).await.body["pagination"]["total"].as_u64().unwrap()
    };
    assert_eq!((found("po-7731").await, found("%C3%9CBERMUT").await, found("4711").await), (1, 1, 1));
    assert_eq!((found("sku").await, found("null").await), (0, 0), "names are not searched");
    assert_eq!(found(".png").await, 2);
}

async fn statistics_tell_counts_times_and_confidence(api: TestApi) {
    for seconds in [1, 2, 9] {
        api.upload("a.png").await;
        api.base.store.dispatch(1, 100).await.unwrap();
        let attempt = api.base.start("worker").await;
        api.base.clock.advance(Duration::from_secs(seconds));
        api.base.store.complete_attempt(&attempt, &processed("")).await.unwrap();
    }
    let refused = api.upload("refused.png").await;
    api.post(&format!("/processing-history/{}/cancel", text(&refused["id"])), &api.token, &json!({})).await;
    let stats = async |prefix: &str, filter: &str| {
        let path = format!("{prefix}/processing-history/stats?projectId={}&{filter}", api.project());
        api.get(&path, &api.token).await
    };
    let told = stats("", "").await.body;
    assert_eq!(
        (&told["total"], &told["byStatus"]["completed"], &told["byStatus"]["cancelled"]),
        (&json!(4), &json!(3), &json!(1))
    );
    assert_eq!(
        (&told["pages"], &told["confidence"], &told["successRate"]),
        (&json!(6), &json!(0.875), &json!(1.0))
    );
    let times = &told["processingTimeMs"];
    let near = |name: &str, expected: f64| {
        let time = times[name].as_f64().unwrap();
        assert!((expected..expected + 900.0).contains(&time), "{name}: {times}");
    };
    near("mean", 4000.0);
    near("p50", 2000.0);
    near("p95", 9000.0);
    assert_eq!(stats("/v1/openapi", "period=7d").await.body["total"], 4);
    let none = stats("", "search=refused").await.body;
    assert_eq!(
        (&none["total"], &none["processingTimeMs"], &none["successRate"]),
        (&json!(1), &Value::Null, &Value::Null)
    );
    assert_eq!(stats("", "toDate=2020-01-01").await.body["total"], 0);
    api.base.clock.advance(Duration::from_secs(8 * 24 * 60 * 60));
    assert_eq!(stats("", "period=7d").await.body["total"], 0);
    assert_eq!(stats("", "period=1y").await.body["total"], 4);
    for wrong in ["period=2d", "period=7d&fromDate=2026-01-01", "status=done"] {
        stats("", wrong).await.assert_error(400, "request.invalid");
    }
}

async fn a_document_is_processed_again_with_what_is_asked_for(api: TestApi) {
    let template = async |name: &str| {
        let body = json!({"name": name, "projectId": api.project(), "templateSchema": {"a": {}}});
        text(&api.post("/templates", &api.token, &body).await.body["id"])
    };
    let (receipts, invoices) = (template("Receipts").await, template("Invoices").await);
    let renamed = json!({"name": "Bills"});
    api.send(Method::PATCH, &format!("/templates/{invoices}"), &api.token, &renamed).await;
    let form = api.upload_form(png(), "a.png").text("templateId", receipts.clone());
    let id = text(&api.submit(&api.upload_path(), &api.token, form).await.body["id"]);
    let path = format!("/processing-history/{id}/reprocess");
    let again = async |body: Value| {
        api.base.store.cancel_document(&Actor::system(), &api.base.tenant(), &id).await.unwrap();
        api.post(&path, &api.token, &body).await
    };
    let read_with = async || {
        let document = api.base.document(&id).await;
        let template = document.template.unwrap();
        let extractor = document.chosen_extractor.map(|choice| (choice.plugin, choice.version));
        (template.name, template.version, extractor)
    };
    let named = |name: &str, version: u32| (name.to_owned(), version, None);
    assert_eq!(again(json!({"templateId": invoices})).await.body["templateName"], "Bills");
    assert_eq!(read_with().await, named("Bills", 2));
    again(json!({"templateVersion": 1})).await;
    assert_eq!(read_with().await, named("Invoices", 1));
    again(json!({"templateId": invoices, "extractor": {"plugin": "text"}})).await;
    let with_text = ("Bills".to_owned(), 2, Some(("text".to_owned(), None)));
    assert_eq!(read_with().await, with_text);
    again(json!({})).await;
    assert_eq!(read_with().await, with_text, "what is not asked for stays");
    again(json!({"templateId": receipts})).await;
    assert_eq!(read_with().await, named("Receipts", 1), "another template brings its own extractor");
    again(json!({"templateVersion": 9})).await.assert_error(404, "template.unknown");
    again(json!({"templateId": "0192f3a4-5b6c-7d8e-9f01-23456789abcd"}))
        .await
        .assert_error(404, "template.unknown");
    again(json!({"extractor": {"plugin": "none"}})).await.assert_error(422, "template.extractor");
    again(json!({"templateId": "x"})).await.assert_error(400, "request.invalid");
    let without_body = bearer(api.request(Method::POST, &path), &api.token);
    assert_eq!(answer(without_body).await.status, 200);
    let bare = text(&api.upload("b.png").await["id"]);
    api.base.store.cancel_document(&Actor::system(), &api.base.tenant(), &bare).await.unwrap();
    let path = format!("/processing-history/{bare}/reprocess");
    api.post(&path, &api.token, &json!({"templateVersion": 1})).await.assert_error(400, "request.invalid");
}
