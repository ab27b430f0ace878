//! Versions and copies of templates.

use ocriva::domain::organization::Role;
use reqwest::Method;
use reqwest::header::{ETAG, IF_MATCH};
use serde_json::{Value, json};
use support::api::{Answer, TestApi, answer, bearer, text};
use support::over_http;
use support::store::project_id;

use super::receipt;

over_http!(
    each_change_makes_a_version_that_stays,
    an_earlier_version_can_be_restored,
    a_template_that_was_changed_meanwhile_is_not_changed,
    a_copy_is_a_template_of_its_own,
    versions_are_nobody_elses,
);

async fn make(api: &TestApi) -> (String, Answer) {
    let made = api.post("/templates", &api.token, &receipt(api)).await;
    (format!("/templates/{}", text(&made.body["id"])), made)
}

async fn patch(api: &TestApi, path: &str, change: Value) -> Answer {
    api.send(Method::PATCH, path, &api.token, &change).await
}

async fn each_change_makes_a_version_that_stays(api: TestApi) {
    let (path, made) = make(&api).await;
    let owner = api.access_token(Role::Owner).await;
    api.send(Method::PATCH, &path, &owner, &json!({"name": "Bill"})).await;
    // What the template says does not change here.
    patch(&api, &path, json!({"isActive": false})).await;
    for prefix in ["", "/v1/openapi"] {
        let listed = api.get(&format!("{prefix}{path}/versions"), &api.token).await.body;
        let names: Vec<&Value> =
            listed["data"].as_array().unwrap().iter().map(|version| &version["name"]).collect();
        assert_eq!(
            (names, &listed["pagination"]["total"]),
            (vec![&json!("Bill"), &json!("Receipt")], &json!(2))
        );
        let first = api.get(&format!("{prefix}{path}/versions/1"), &api.token).await.body;
        assert_eq!(first, listed["data"][1]);
        assert_eq!(first["templateSchema"], made.body["templateSchema"]);
        assert_eq!(first["createdBy"], Value::Null);
        assert!(listed["data"][0]["createdBy"].is_string(), "{listed}");
    }
    api.get(&format!("{path}/versions/3"), &api.token).await.assert_error(404, "template.unknown");
    for wrong in ["0", "one", "-1"] {
        let refused = api.get(&format!("{path}/versions/{wrong}"), &api.token).await;
        refused.assert_error(400, "request.invalid");
    }
}

async fn an_earlier_version_can_be_restored(api: TestApi) {
    let (path, made) = make(&api).await;
    patch(&api, &path, json!({"name": "Bill", "instructions": "Look closely"})).await;
    let restored = api.post(&format!("{path}/versions/1/restore"), &api.token, &json!({})).await;
    assert_eq!((restored.status.as_u16(), &restored.body["version"]), (200, &json!(3)));
    assert_eq!((&restored.body["name"], &restored.body["instructions"]), (&made.body["name"], &Value::Null));
    let missing = api.post(&format!("{path}/versions/9/restore"), &api.token, &json!({})).await;
    missing.assert_error(404, "template.unknown");
}

async fn a_template_that_was_changed_meanwhile_is_not_changed(api: TestApi) {
    let (path, made) = make(&api).await;
    let tag = made.headers[ETAG].clone();
    let changed = patch(&api, &path, json!({"name": "Bill", "updatedAt": made.body["updatedAt"]})).await;
    assert_eq!(changed.status, 200);
    assert_ne!(changed.headers[ETAG], tag);
    let late = patch(&api, &path, json!({"name": "Late", "updatedAt": made.body["updatedAt"]})).await;
    late.assert_error(409, "request.conflict");
    let matching = async |method: Method, path: &str, tag: &str| {
        let request = bearer(api.request(method, path), &api.token).header(IF_MATCH, tag);
        answer(request.json(&json!({"name": "Late"}))).await
    };
    let old = tag.to_str().unwrap();
    matching(Method::PATCH, &path, old).await.assert_error(409, "request.conflict");
    let restore = format!("{path}/versions/1/restore");
    matching(Method::POST, &restore, old).await.assert_error(409, "request.conflict");
    assert_eq!(api.get(&path, &api.token).await.body["name"], "Bill");
    let current = changed.headers[ETAG].to_str().unwrap();
    assert_eq!(matching(Method::PATCH, &path, current).await.status, 200);
    assert_eq!(matching(Method::PATCH, &path, "*").await.status, 200);
}

async fn a_copy_is_a_template_of_its_own(api: TestApi) {
    let (path, made) = make(&api).await;
    let copy = api.post(&format!("{path}/duplicate"), &api.token, &json!({})).await;
    assert_eq!((copy.status.as_u16(), &copy.body["name"]), (201, &json!("Receipt (copy)")));
    assert_eq!(copy.body["templateSchema"], made.body["templateSchema"]);
    assert_ne!(copy.body["id"], made.body["id"]);
    let project = api.post("/projects", &api.token, &json!({"name": "Other"})).await.body;
    let request = json!({"name": "Elsewhere", "projectId": project["id"]});
    let elsewhere = api.post(&format!("{path}/duplicate"), &api.token, &request).await.body;
    assert_eq!((&elsewhere["name"], &elsewhere["projectId"]), (&json!("Elsewhere"), &project["id"]));
    let (foreign, _) = api.foreign_token().await;
    let request = json!({"projectId": project_id(&foreign)});
    let refused = api.post(&format!("{path}/duplicate"), &api.token, &request).await;
    refused.assert_error(401, "auth.project_out_of_reach");
}

async fn versions_are_nobody_elses(api: TestApi) {
    let (path, _) = make(&api).await;
    let (_, stranger) = api.foreign_token().await;
    for path in [format!("{path}/versions"), format!("{path}/versions/1")] {
        api.get(&path, &stranger).await.assert_error(404, "template.unknown");
    }
    for path in [format!("{path}/versions/1/restore"), format!("{path}/duplicate")] {
        api.post(&path, &stranger, &json!({})).await.assert_error(404, "template.unknown");
    }
}
