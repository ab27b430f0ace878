//! Who gets in, and how logins and tokens end.

use std::time::Duration;

use ocriva::domain::audit::Actor;
use ocriva::domain::organization::Role;
use ocriva::domain::token::TokenScope;
use reqwest::Method;
use serde_json::json;
use support::api::{PASSWORD, TestApi, answer, text};
use support::over_http;

over_http!(
    a_login_gives_a_pair_of_tokens,
    a_wrong_password_and_an_unknown_address_are_told_the_same,
    a_refresh_token_is_spent_once_and_its_second_use_ends_the_login,
    a_logout_ends_the_login_at_once,
    an_access_token_expires,
    a_token_opens_both_faces_by_either_header,
    a_short_token_holds_for_the_open_api_only,
    a_users_token_holds_for_the_platform_only,
    a_token_that_was_revoked_or_has_expired_is_refused,
    a_token_with_an_address_list_is_refused_from_elsewhere,
    a_projects_token_reaches_no_other_project,
    credentials_that_are_none_are_refused,
);

async fn a_login_gives_a_pair_of_tokens(api: TestApi) {
    let login = api.login_as(Role::Member).await;
    assert_eq!((login["tokenType"].as_str(), login["expiresIn"].as_u64()), (Some("Bearer"), Some(3600)));
    assert_eq!(login["user"]["email"], "member@example.org");
    let me = api.get("/auth/me", &text(&login["accessToken"])).await;
    assert_eq!(me.status, 200);
    assert_eq!(me.body["user"], login["user"]);
    assert_eq!(me.body["organizationId"], api.organization());
}

async fn a_wrong_password_and_an_unknown_address_are_told_the_same(api: TestApi) {
    api.login_as(Role::Member).await;
    let attempt = async |email: &str, password: &str| {
        let answer = api.post("/auth/login", "", &json!({"email": email, "password": password})).await;
        answer.assert_error(401, "auth.login_failed");
        answer.body["message"].clone()
    };
    let wrong = attempt("member@example.org", "wrong").await;
    assert_eq!(wrong, attempt("nobody@example.org", PASSWORD).await);
    assert_eq!(wrong, attempt("member@example.org", &"x".repeat(5000)).await);
}

async fn a_refresh_token_is_spent_once_and_its_second_use_ends_the_login(api: TestApi) {
    let first = api.login_as(Role::Member).await;
    let refresh = async |token: &str| api.post("/auth/refresh", "", &json!({"refreshToken": token})).await;
    let second = refresh(&text(&first["refreshToken"])).await;
    assert_eq!(second.status, 200);
    let access = text(&second.body["accessToken"]);
    assert_eq!(api.get("/auth/me", &access).await.status, 200);
    refresh(&text(&first["refreshToken"])).await.assert_error(401, "auth.refresh_invalid");
    refresh(&text(&second.body["refreshToken"])).await.assert_error(401, "auth.refresh_invalid");
    api.get("/auth/me", &access).await.assert_error(401, "auth.credential_invalid");
}

async fn a_logout_ends_the_login_at_once(api: TestApi) {
    let login = api.login_as(Role::Member).await;
    let body = json!({"refreshToken": login["refreshToken"]});
    assert_eq!(api.post("/auth/logout", "", &body).await.status, 204);
    assert_eq!(api.post("/auth/logout", "", &body).await.status, 204);
    api.get("/auth/me", &text(&login["accessToken"])).await.assert_error(401, "auth.credential_invalid");
    api.post("/auth/refresh", "", &body).await.assert_error(401, "auth.refresh_invalid");
}

async fn an_access_token_expires(api: TestApi) {
    let token = api.access_token(Role::Member).await;
    api.base.clock.advance(Duration::from_secs(3601));
    let refused = api.get("/auth/me", &token).await;
    refused.assert_error(401, "auth.credential_invalid");
    assert_eq!(refused.body["message"], "the access token has expired");
}

async fn a_token_opens_both_faces_by_either_header(api: TestApi) {
    for path in ["/projects", "/v1/openapi/projects"] {
        assert_eq!(api.get(path, &api.token).await.status, 200);
        let by_key = answer(api.request(Method::GET, path).header("X-API-Key", &api.token)).await;
        assert_eq!(by_key.body[0]["id"], api.project());
    }
}

async fn a_short_token_holds_for_the_open_api_only(api: TestApi) {
    let login = api.post("/v1/openapi/auth/login", "", &json!({"token": api.token})).await;
    assert_eq!(login.status, 200);
    assert_eq!(login.body["tokenInfo"]["type"], "organization");
    let short = text(&login.body["accessToken"]);
    assert_eq!(api.get("/v1/openapi/projects", &short).await.status, 200);
    api.get("/projects", &short).await.assert_error(401, "auth.credential_invalid");
}

async fn a_users_token_holds_for_the_platform_only(api: TestApi) {
    let token = api.access_token(Role::Owner).await;
    assert_eq!(api.get("/projects", &token).await.status, 200);
    api.get("/v1/openapi/projects", &token).await.assert_error(401, "auth.credential_invalid");
}

async fn a_token_that_was_revoked_or_has_expired_is_refused(api: TestApi) {
    let soon = api.base.clock.clock().now().after(Duration::from_secs(60));
    let short_lived = api.token_like(&api.organization(), |token| token.expires_at = soon).await;
    let login = api.post("/v1/openapi/auth/login", "", &json!({"token": short_lived})).await;
    assert!(login.body["expiresIn"].as_u64().is_some_and(|seconds| seconds <= 60), "{login:?}");
    api.base.clock.advance(Duration::from_secs(61));
    api.get("/projects", &short_lived).await.assert_error(401, "auth.credential_invalid");
    let tokens = api.base.store.list_tokens(&api.organization()).await.unwrap();
    for token in tokens {
        api.base.store.revoke_token(&Actor::system(), &api.organization(), &token.id).await.unwrap();
    }
    let refused = api.get("/projects", &api.token).await;
    refused.assert_error(401, "auth.credential_invalid");
    assert_eq!(refused.body["message"], "the token has been revoked");
}

async fn a_token_with_an_address_list_is_refused_from_elsewhere(api: TestApi) {
    let here =
        api.token_like(&api.organization(), |token| token.addresses = vec!["127.0.0.0/8".to_owned()]).await;
    assert_eq!(api.get("/projects", &here).await.status, 200);
    let elsewhere =
        api.token_like(&api.organization(), |token| token.addresses = vec!["192.0.2.0/24".to_owned()]).await;
    api.get("/projects", &elsewhere).await.assert_error(403, "auth.address_refused");
    let login = api.post("/v1/openapi/auth/login", "", &json!({"token": elsewhere})).await;
    login.assert_error(403, "auth.address_refused");
}

async fn a_projects_token_reaches_no_other_project(api: TestApi) {
    let other = api.post("/projects", &api.token, &json!({"name": "Other"})).await;
    assert_eq!(other.status, 201);
    let other = text(&other.body["id"]);
    let bound = api.token_with(&api.organization(), Some(&api.project()), TokenScope::ALL).await;
    let listed = api.get("/projects", &bound).await;
    assert_eq!(listed.body.as_array().map(Vec::len), Some(1));
    assert_eq!(api.get("/templates", &bound).await.status, 200);
    let reaching = api.get(&format!("/templates?projectId={other}"), &bound).await;
    reaching.assert_error(401, "auth.project_out_of_reach");
    api.get(&format!("/projects/{other}"), &bound).await.assert_error(404, "project.unknown");
}

async fn credentials_that_are_none_are_refused(api: TestApi) {
    let missing = api.get("/projects", "").await;
    missing.assert_error(401, "auth.credential_missing");
    assert_eq!(missing.headers["www-authenticate"], "Bearer");
    for credential in ["x", "ocr_", "ocr_a_b_c", "a.b.c", "eyJhbGciOiJub25lIn0.e30."] {
        api.get("/projects", credential).await.assert_error(401, "auth.credential_invalid");
    }
    for header in ["Basic b3duZXI6cGFzcw==", "Bearer", "ocr_x", "\u{e4}"] {
        let request = api.request(Method::GET, "/projects").header("Authorization", header);
        answer(request).await.assert_error(401, "auth.credential_invalid");
    }
}
