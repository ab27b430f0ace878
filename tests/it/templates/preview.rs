//! Templates tried out on a document.

use ocriva::domain::token::TokenScope;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use support::api::{Answer, TestApi, png, text};
use support::database::Engine;
use support::over_http;

use super::receipt;
use crate::decode::generated::pdf;

over_http!(
    a_template_is_tried_out_and_nothing_is_kept,
    changes_of_a_template_are_tried_out_before_they_are_made,
    a_preview_without_what_it_needs_says_what_is_missing,
    only_who_may_write_templates_may_try_them_out,
);

const TOTAL: &str = "BT /F1 12 Tf 1 0 0 1 60 700 Tm (Total: 12.50) Tj 1 0 0 1 60 660 Tm (Clerk: Anna) Tj ET";

async fn preview(api: &TestApi, texts: &[(&'static str, &Value)], document: Vec<u8>) -> Answer {
    let mut form = Form::new().part("file", Part::bytes(document).file_name("receipt.pdf"));
    for (name, value) in texts {
        form = form.text(*name, value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    }
    api.submit("/templates/preview", &api.token, form).await
}

async fn a_template_is_tried_out_and_nothing_is_kept(api: TestApi) {
    let template = json!({"templateSchema": {"total": {"type": "amount"}, "clerk": {"type": "text"}}});
    let tried = preview(&api, &[("template", &template)], pdf(TOTAL)).await;
    assert_eq!(tried.status, 200, "{tried:?}");
    assert_eq!(tried.body["result"]["data"], json!({"total": 12.5, "clerk": "Anna"}));
    assert_eq!(
        (&tried.body["fileName"], &tried.body["pageCount"], &tried.body["extractor"]["plugin"]),
        (&json!("receipt.pdf"), &json!(1), &json!("fields"))
    );
    assert_eq!(api.blobs(), Vec::<std::path::PathBuf>::new());
    let history = api.get(&format!("/processing-history?projectId={}", api.project()), &api.token).await.body;
    assert_eq!(history["pagination"]["total"], 0);
    let templates = api.get(&format!("/templates?projectId={}", api.project()), &api.token).await;
    assert_eq!(templates.body, json!([]));
}

async fn changes_of_a_template_are_tried_out_before_they_are_made(api: TestApi) {
    let made = api.post("/templates", &api.token, &receipt(&api)).await.body;
    let as_it_is = preview(&api, &[("templateId", &made["id"])], pdf(TOTAL)).await.body;
    assert_eq!(as_it_is["result"]["data"], json!({"total": 12.5}));
    let change = json!({"templateSchema": {"clerk": {"type": "text"}}});
    let changed = preview(&api, &[("templateId", &made["id"]), ("template", &change)], pdf(TOTAL)).await.body;
    assert_eq!(changed["result"]["data"], json!({"clerk": "Anna"}));
    let path = format!("/templates/{}", text(&made["id"]));
    assert_eq!(api.get(&path, &api.token).await.body, made);
}

async fn a_preview_without_what_it_needs_says_what_is_missing(api: TestApi) {
    let check =
        async |texts: &[(&'static str, &Value)], document: Vec<u8>, status: u16, code: &str, told: &str| {
            let refused = preview(&api, texts, document).await;
            refused.assert_error(status, code);
            let message = refused.body["message"].to_string();
            assert!(message.contains(told), "{message}");
        };
    let good = json!({"templateSchema": {"total": {"type": "amount"}}});
    let unknown = json!("01890000-0000-7000-8000-000000000000");
    check(&[], pdf(TOTAL), 400, "request.invalid", "`template` and `templateId` are missing").await;
    check(&[("template", &json!("[]"))], pdf(TOTAL), 400, "request.invalid", "JSON object").await;
    check(&[("template", &json!({"name": 3}))], pdf(TOTAL), 400, "request.invalid", "`template.name`").await;
    check(&[("template", &json!({"preset": "x"}))], pdf(TOTAL), 400, "request.invalid", "`invoice`").await;
    check(&[("template", &json!({"templateSchema": {}}))], pdf(TOTAL), 422, "template.schema", "no fields")
        .await;
    check(&[("templateId", &unknown)], pdf(TOTAL), 404, "template.unknown", "no template").await;
    check(&[("template", &good)], b"just text, \0 with a byte".to_vec(), 415, "file.format", "").await;
    check(&[("template", &good)], Vec::new(), 400, "file.empty", "empty").await;
    check(&[("template", &good)], vec![b'x'; (1 << 20) + 1], 413, "file.too_large", "1 MiB").await;
    check(&[("template", &good)], b"%PDF-1.7\nnothing".to_vec(), 422, "template.preview_failed", "decode.")
        .await;
    let range = json!("{\"from\":7,\"to\":9}");
    let pages = [("template", &good), ("pageRange", &range)];
    check(&pages, pdf(TOTAL), 422, "template.preview_failed", "page").await;
    let form = Form::new().text("template", good.to_string());
    let refused = api.submit("/templates/preview", &api.token, form).await;
    refused.assert_error(400, "request.invalid");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_document_that_takes_too_long_is_given_up() {
    let Some(api) = TestApi::with(Engine::Sqlite, |config| config.preview.timeout_seconds = 0).await else {
        return;
    };
    let template = json!({"templateSchema": {"total": {"type": "amount"}}});
    let late = preview(&api, &[("template", &template)], png()).await;
    late.assert_error(504, "template.preview_timeout");
}

async fn only_who_may_write_templates_may_try_them_out(api: TestApi) {
    let reader = api.token_with(&api.organization(), None, &[TokenScope::TemplatesRead]).await;
    let form = Form::new().text("template", "{}");
    api.submit("/templates/preview", &reader, form).await.assert_error(403, "auth.scope_missing");
    let template = api.post("/templates", &api.token, &receipt(&api)).await.body;
    let (_, stranger) = api.foreign_token().await;
    let form = Form::new()
        .text("templateId", text(&template["id"]))
        .part("file", Part::bytes(pdf(TOTAL)).file_name("receipt.pdf"));
    api.submit("/templates/preview", &stranger, form).await.assert_error(404, "template.unknown");
}
