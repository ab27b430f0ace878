//! Projects: deleted only while nothing is lost by it.

use ocriva::domain::token::TokenScope;
use serde_json::json;
use support::api::{TestApi, text};
use support::over_http;

over_http!(an_empty_project_goes_with_its_templates_and_tokens, a_project_with_documents_stays,);

async fn an_empty_project_goes_with_its_templates_and_tokens(api: TestApi) {
    let project = text(&api.post("/projects", &api.token, &json!({"name": "Trial"})).await.body["id"]);
    let template =
        json!({"name": "Receipts", "projectId": project, "templateSchema": {"total": {"type": "number"}}});
    let template = text(&api.post("/templates", &api.token, &template).await.body["id"]);
    let bound = api.token_with(&api.organization(), Some(&project), TokenScope::ALL).await;
    let path = format!("/projects/{project}");
    assert_eq!(api.delete(&path, &api.token).await.status, 204);
    api.delete(&path, &api.token).await.assert_error(404, "project.unknown");
    api.get(&format!("/templates/{template}"), &api.token).await.assert_error(404, "template.unknown");
    api.get("/projects", &bound).await.assert_error(401, "auth.credential_invalid");
}

async fn a_project_with_documents_stays(api: TestApi) {
    let document = text(&api.upload("receipt.png").await["id"]);
    let path = format!("/projects/{}", api.project());
    api.delete(&path, &api.token).await.assert_error(409, "project.not_empty");
    let record = format!("/processing-history/{document}");
    assert_eq!(api.get(&record, &api.token).await.status, 200);
    let cancelled = api.post(&format!("/processing-history/{document}/cancel"), &api.token, &json!({})).await;
    assert_eq!(cancelled.status, 200, "{cancelled:?}");
    assert_eq!(api.delete(&record, &api.token).await.status, 204);
    assert_eq!(api.delete(&path, &api.token).await.status, 204);
}
