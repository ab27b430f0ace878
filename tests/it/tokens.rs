//! API tokens: what they may be made to allow, and how they end.

use std::time::Duration;

use ocriva::domain::organization::Role;
use ocriva::domain::timestamp::Timestamp;
use ocriva::domain::token::TokenScope;
use reqwest::Method;
use serde_json::{Value, json};
use support::api::{Answer, TestApi, answer, bearer, text};
use support::over_http;

over_http!(
    a_token_is_shown_once_and_works_until_it_is_revoked,
    a_token_with_another_secret_keeps_its_id_and_its_rights,
    a_token_lives_a_year_unless_told_otherwise,
    tokens_of_a_project_reach_and_see_that_project_only,
    only_owners_and_administrators_make_tokens,
    a_token_gives_no_more_than_it_has,
    bad_tokens_are_refused_with_every_reason,
);

const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

fn documents_token() -> Value {
    json!({"name": "Import", "type": "organization", "scopes": ["documents:read"]})
}

async fn make(api: &TestApi, credential: &str, body: &Value) -> Answer {
    api.post("/tokens", credential, body).await
}

async fn a_token_is_shown_once_and_works_until_it_is_revoked(api: TestApi) {
    let owner = api.access_token(Role::Owner).await;
    let mut body = documents_token();
    body["description"] = json!("Every night");
    body["allowedAddresses"] = json!(["127.0.0.0/8"]);
    let made = make(&api, &owner, &body).await;
    assert_eq!(made.status, 201, "{made:?}");
    let (id, token) = (text(&made.body["id"]), text(&made.body["token"]));
    assert_eq!((&made.body["status"], &made.body["lastUsedAt"]), (&json!("active"), &Value::Null));
    assert!(token.starts_with(&text(&made.body["prefix"])), "{made:?}");
    assert_eq!(api.get("/projects", &token).await.status, 200);

    let shown = api.get(&format!("/tokens/{id}"), &owner).await;
    assert_eq!((&shown.body["name"], &shown.body["scopes"]), (&json!("Import"), &json!(["documents:read"])));
    assert_eq!(shown.body["allowedAddresses"], json!(["127.0.0.0/8"]));
    assert!(shown.body["lastUsedAt"].is_string() && shown.body["createdBy"].is_string(), "{shown:?}");
    let listed = api.get("/tokens", &owner).await;
    assert_eq!(listed.body["data"][0], shown.body, "newest first");
    let secret = token.rsplit('_').nth(1).unwrap();
    assert!(!listed.body.to_string().contains(secret), "{listed:?}");

    let path = format!("/tokens/{id}");
    assert_eq!(api.delete(&path, &owner).await.status, 204);
    assert_eq!(api.delete(&path, &owner).await.status, 204);
    api.get("/projects", &token).await.assert_error(401, "auth.credential_invalid");
    assert_eq!(api.get(&path, &owner).await.body["status"], "revoked");
    let again = api.post(&format!("{path}/regenerate"), &owner, &json!({})).await;
    again.assert_error(409, "token.revoked");
}

async fn a_token_with_another_secret_keeps_its_id_and_its_rights(api: TestApi) {
    let owner = api.access_token(Role::Owner).await;
    let made = make(&api, &owner, &documents_token()).await.body;
    let path = format!("/tokens/{}/regenerate", text(&made["id"]));
    let again = api.post(&path, &owner, &json!({"expiresAt": "2099-01-01T00:00:00.000Z"})).await;
    assert_eq!(again.status, 201, "{again:?}");
    for kept in ["id", "name", "scopes", "type", "createdAt"] {
        assert_eq!(again.body[kept], made[kept]);
    }
    assert_eq!(again.body["expiresAt"], "2099-01-01T00:00:00.000Z");
    let once_more = answer(bearer(api.request(Method::POST, &path), &owner)).await;
    assert_eq!(once_more.status, 201, "{once_more:?}");
    api.get("/projects", &text(&again.body["token"])).await.assert_error(401, "auth.credential_invalid");
    let again = once_more;
    api.get("/projects", &text(&made["token"])).await.assert_error(401, "auth.credential_invalid");
    assert_eq!(api.get("/projects", &text(&again.body["token"])).await.status, 200);
}

async fn a_token_lives_a_year_unless_told_otherwise(api: TestApi) {
    let owner = api.access_token(Role::Owner).await;
    let before = api.base.clock.clock().now();
    let made = make(&api, &owner, &documents_token()).await.body;
    let expires_at = Timestamp::parse(&text(&made["expiresAt"])).unwrap();
    let slack = Duration::from_secs(60);
    assert!((before.after(YEAR - slack)..before.after(YEAR + slack)).contains(&expires_at), "{made}");
    let mut body = documents_token();
    body["expiresAt"] = json!(before.after(Duration::from_secs(90)).to_iso());
    let soon = text(&make(&api, &owner, &body).await.body["token"]);
    assert_eq!(api.get("/projects", &soon).await.status, 200);
    api.base.clock.advance(Duration::from_secs(91));
    api.get("/projects", &soon).await.assert_error(401, "auth.credential_invalid");
}

async fn tokens_of_a_project_reach_and_see_that_project_only(api: TestApi) {
    let owner = api.access_token(Role::Owner).await;
    let other = text(&api.post("/projects", &owner, &json!({"name": "Other"})).await.body["id"]);
    let body = json!({
        "name": "One project", "type": "project", "projectId": other,
        "scopes": ["tokens:manage", "templates:read", "org:manage"],
    });
    let made = make(&api, &owner, &body).await.body;
    let token = text(&made["token"]);
    let projects = api.get("/projects", &token).await.body;
    assert_eq!((projects.as_array().map(Vec::len), &projects[0]["id"]), (Some(1), &json!(other)));
    let listed = api.get("/tokens", &token).await.body;
    assert_eq!((listed["pagination"]["total"].as_u64(), &listed["data"][0]["id"]), (Some(1), &made["id"]));
    let elsewhere = api.base.first.token_id.clone();
    api.get(&format!("/tokens/{elsewhere}"), &token).await.assert_error(404, "token.unknown");
    api.delete(&format!("/tokens/{elsewhere}"), &token).await.assert_error(404, "token.unknown");
    let organization = format!("/organizations/{}", api.organization());
    let renamed = api.patch(&organization, &token, &json!({"name": "Mine"})).await;
    renamed.assert_error(401, "auth.project_out_of_reach");
    let members = api.get(&format!("{organization}/members"), &token).await;
    members.assert_error(401, "auth.project_out_of_reach");
}

async fn only_owners_and_administrators_make_tokens(api: TestApi) {
    for (role, status) in [(Role::Owner, 201), (Role::Admin, 201), (Role::Member, 403), (Role::Viewer, 403)] {
        let access = api.access_token(role).await;
        assert_eq!(make(&api, &access, &documents_token()).await.status, status, "{role}");
    }
}

async fn a_token_gives_no_more_than_it_has(api: TestApi) {
    let expires_at = api.base.clock.clock().now().after(YEAR / 12);
    let limited = api
        .token_like(&api.organization(), |token| {
            token.scopes = vec![TokenScope::TokensManage, TokenScope::DocumentsRead];
            token.addresses = vec!["127.0.0.0/8".to_owned()];
            token.expires_at = expires_at;
        })
        .await;
    let asked = |adjust: fn(&mut Value)| {
        let mut body = documents_token();
        body["allowedAddresses"] = json!(["127.0.0.1"]);
        adjust(&mut body);
        body
    };
    let made = make(&api, &limited, &asked(|_| {})).await;
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!(made.body["expiresAt"], expires_at.to_iso(), "it ends with the one that made it");
    let beyond: [fn(&mut Value); 5] = [
        |body| body["scopes"] = json!(["documents:read", "documents:write"]),
        |body| body["expiresAt"] = json!("2099-01-01T00:00:00Z"),
        |body| body["allowedAddresses"] = json!([]),
        |body| body["allowedAddresses"] = json!(["127.0.0.1", "192.0.2.1"]),
        |body| body["allowedAddresses"] = json!(["0.0.0.0/0"]),
    ];
    for adjust in beyond {
        make(&api, &limited, &asked(adjust)).await.assert_error(403, "token.beyond_grant");
    }
    // Nor does it get hold of a stronger one by giving it another secret.
    let path = format!("/tokens/{}/regenerate", api.base.first.token_id);
    api.post(&path, &limited, &json!({})).await.assert_error(403, "token.beyond_grant");

    let bound = api.token_like(&api.organization(), |token| token.project_id = Some(api.project())).await;
    make(&api, &bound, &documents_token()).await.assert_error(403, "token.beyond_grant");
    let own = json!({"name": "Own", "type": "project", "scopes": ["documents:read"]});
    assert_eq!(make(&api, &bound, &own).await.body["projectId"], api.project());
}

async fn bad_tokens_are_refused_with_every_reason(api: TestApi) {
    let body = json!({
        "name": "x".repeat(101), "description": "x".repeat(501), "type": "user", "scopes": ["documents:burn"],
        "expiresAt": "2001-01-01T00:00:00Z", "allowedAddresses": ["localhost"],
    });
    let refused = make(&api, &api.token, &body).await;
    refused.assert_error(400, "request.invalid");
    let reasons = refused.body["message"].to_string();
    for field in ["name", "description", "type", "scopes", "expiresAt", "allowedAddresses"] {
        assert!(reasons.contains(&format!("`{field}`")), "{field}: {reasons}");
    }
    let none = json!({"name": "None", "type": "organization", "scopes": []});
    make(&api, &api.token, &none).await.assert_error(400, "request.invalid");
    let mut of_project = documents_token();
    of_project["type"] = json!("project");
    make(&api, &api.token, &of_project).await.assert_error(400, "request.invalid");
    of_project["projectId"] = json!(api.organization());
    make(&api, &api.token, &of_project).await.assert_error(401, "auth.project_out_of_reach");
}
