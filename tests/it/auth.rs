//! Who gets in, and how logins and tokens end.

use std::time::Duration;

use ocriva::domain::audit::Actor;
use ocriva::domain::listing::Page;
use ocriva::domain::organization::Role;
use ocriva::domain::tenant::Tenant;
use ocriva::domain::token::TokenScope;
use reqwest::Method;
use serde_json::json;
use support::api::{Answer, PASSWORD, TestApi, answer, bearer, text};
use support::database::Engine;
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
    a_key_made_by_one_server_is_known_to_the_others,
    a_key_that_is_retired_at_once_leaves_refresh_tokens_good,
    a_forwarded_address_is_not_believed,
);

mod guessing {
    use super::*;

    over_http!(with_three_attempts =>
        failed_logins_are_limited_by_account_and_address,
        a_login_that_succeeds_starts_the_count_anew,
        all_servers_count_failed_logins_together,
    );
}

mod behind_a_proxy {
    use super::*;

    over_http!(with_trusted_proxy => the_address_that_a_trusted_proxy_names_counts);
}

async fn with_three_attempts(engine: Engine) -> Option<TestApi> {
    TestApi::with(engine, |config| config.auth.login_attempts = 3).await
}

async fn with_trusted_proxy(engine: Engine) -> Option<TestApi> {
    TestApi::with(engine, |config| config.server.trusted_proxies = vec!["127.0.0.1".to_owned()]).await
}

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
    let everything = Tenant::organization(api.organization());
    let page = Page { number: 1, limit: 100 };
    for token in api.base.store.list_tokens(&everything, page).await.unwrap().items {
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

async fn me_at(api: &TestApi, url: &str, access: &str) -> Answer {
    answer(bearer(api.request_at(url, Method::GET, "/auth/me"), access)).await
}

async fn a_key_made_by_one_server_is_known_to_the_others(api: TestApi) {
    let replica = api.replica().await;
    let old = api.access_token(Role::Member).await;
    assert_eq!(me_at(&api, &replica, &old).await.status, 200);
    assert_eq!(api.base.store.rotate_signing_key(Duration::from_secs(3600)).await.unwrap(), 2);
    let new = text(&api.login("member@example.org", PASSWORD).await.body["accessToken"]);
    for token in [&old, &new] {
        for url in [&api.url, &replica] {
            assert_eq!(me_at(&api, url, token).await.status, 200);
        }
    }
    api.base.clock.advance(Duration::from_secs(3599));
    let newest = text(&api.login("member@example.org", PASSWORD).await.body["accessToken"]);
    api.base.clock.advance(Duration::from_secs(2));
    assert_eq!(me_at(&api, &replica, &newest).await.status, 200);
}

async fn a_key_that_is_retired_at_once_leaves_refresh_tokens_good(api: TestApi) {
    let login = api.login_as(Role::Member).await;
    let access = text(&login["accessToken"]);
    assert_eq!(api.get("/auth/me", &access).await.status, 200);
    api.base.store.rotate_signing_key(Duration::ZERO).await.unwrap();
    // A server goes by what it read for half a minute.
    api.base.clock.advance(Duration::from_secs(31));
    api.get("/auth/me", &access).await.assert_error(401, "auth.credential_invalid");
    let next = api.post("/auth/refresh", "", &json!({"refreshToken": login["refreshToken"]})).await;
    assert_eq!(api.get("/auth/me", &text(&next.body["accessToken"])).await.status, 200);
}

async fn failed_logins_are_limited_by_account_and_address(api: TestApi) {
    api.login_as(Role::Member).await;
    api.login_as(Role::Viewer).await;
    for _ in 0..3 {
        api.login("member@example.org", "a guess").await.assert_error(401, "auth.login_failed");
    }
    let refused = api.login("MEMBER@example.org", PASSWORD).await;
    refused.assert_error(429, "auth.too_many_attempts");
    let wait: u64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=901).contains(&wait), "{wait}");
    assert_eq!(api.login("viewer@example.org", PASSWORD).await.status, 200);
    api.base.clock.advance(Duration::from_secs(wait));
    assert_eq!(api.login("member@example.org", PASSWORD).await.status, 200);
    // Accounts that are not there are counted the same: the answers tell nothing.
    for _ in 0..3 {
        api.login("nobody@example.org", "a guess").await.assert_error(401, "auth.login_failed");
    }
    api.login("nobody@example.org", "a guess").await.assert_error(429, "auth.too_many_attempts");
}

async fn a_login_that_succeeds_starts_the_count_anew(api: TestApi) {
    api.login_as(Role::Member).await;
    for _ in 0..3 {
        for _ in 0..2 {
            api.login("member@example.org", "a guess").await.assert_error(401, "auth.login_failed");
        }
        assert_eq!(api.login("member@example.org", PASSWORD).await.status, 200);
    }
}

async fn all_servers_count_failed_logins_together(api: TestApi) {
    let replica = api.replica().await;
    let guess = async |url: &str| {
        let body = json!({"email": "member@example.org", "password": "a guess"});
        answer(api.request_at(url, Method::POST, "/auth/login").json(&body)).await.status.as_u16()
    };
    let guesses = [api.url.as_str(), &replica, &api.url, &replica, &api.url];
    let mut answers: Vec<u16> = futures::future::join_all(guesses.map(guess)).await;
    answers.sort_unstable();
    assert_eq!(answers, [401, 401, 401, 429, 429]);
}

async fn a_forwarded_address_is_not_believed(api: TestApi) {
    assert_eq!(forwarded(&api, "192.0.2.7").await, 403);
    assert_eq!(forwarded(&api, "127.0.0.1").await, 403);
}

async fn the_address_that_a_trusted_proxy_names_counts(api: TestApi) {
    assert_eq!(forwarded(&api, "192.0.2.7").await, 200);
    assert_eq!(forwarded(&api, "203.0.113.9, 192.0.2.7").await, 200);
    assert_eq!(forwarded(&api, "192.0.2.7, 203.0.113.9").await, 403);
    assert_eq!(forwarded(&api, "192.0.2.7, nonsense").await, 403);
}

/// The status for a token that may be used from 192.0.2.0/24 only.
async fn forwarded(api: &TestApi, addresses: &str) -> u16 {
    let token =
        api.token_like(&api.organization(), |token| token.addresses = vec!["192.0.2.0/24".to_owned()]).await;
    let request = bearer(api.request(Method::GET, "/projects"), &token);
    answer(request.header("X-Forwarded-For", addresses)).await.status.as_u16()
}
