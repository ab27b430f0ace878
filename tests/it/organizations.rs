//! Organizations: made, switched between, renamed, closed.

use ocriva::domain::audit::Actor;
use ocriva::domain::audit::AuditFilter;
use ocriva::domain::listing::Page;
use ocriva::domain::organization::Role;
use serde_json::json;
use support::api::{TestApi, text};
use support::over_http;

over_http!(
    a_person_with_several_organizations_works_in_the_one_they_name,
    nobody_logs_in_to_an_organization_they_do_not_belong_to,
    an_organization_is_renamed_by_those_who_manage_it,
    a_closed_organization_is_out_of_reach_until_it_is_opened,
    only_an_owner_closes_the_organization,
    what_is_done_to_identities_is_audited_without_secrets,
);

async fn a_person_with_several_organizations_works_in_the_one_they_name(api: TestApi) {
    let owner = api.access_token(Role::Owner).await;
    let made = api.post("/organizations", &owner, &json!({"name": "Second"})).await;
    assert_eq!((made.status.as_u16(), &made.body["role"]), (201, &json!("owner")), "{made:?}");
    let second = text(&made.body["id"]);
    let names: Vec<String> = api
        .get("/organizations", &owner)
        .await
        .body
        .as_array()
        .unwrap()
        .iter()
        .map(|organization| text(&organization["name"]))
        .collect();
    assert_eq!(names, ["First", "Second"]);
    let path = format!("/organizations/{second}");
    api.get(&path, &owner).await.assert_error(404, "organization.unknown");

    let switched = api.post("/auth/switch-organization", &owner, &json!({"organizationId": second})).await;
    assert_eq!(switched.body["user"]["organizationId"], second);
    let in_second = text(&switched.body["accessToken"]);
    assert_eq!(api.get(&path, &in_second).await.body["name"], "Second");
    assert_eq!(api.get("/projects", &in_second).await.body, json!([]));
    assert_eq!(api.get("/auth/me", &owner).await.status, 200, "the other login goes on");

    let body =
        json!({"email": "owner@example.org", "password": support::api::PASSWORD, "organizationId": second});
    let named = api.post("/auth/login", "", &body).await;
    assert_eq!(named.body["user"]["organizationId"], second);
    let oldest = api.login("owner@example.org", support::api::PASSWORD).await;
    assert_eq!(oldest.body["user"]["organizationId"], api.organization());
}

async fn nobody_logs_in_to_an_organization_they_do_not_belong_to(api: TestApi) {
    let other = api.base.other_tenant().await.organization_id;
    let access = api.access_token(Role::Owner).await;
    let switched = api.post("/auth/switch-organization", &access, &json!({"organizationId": other})).await;
    switched.assert_error(404, "organization.unknown");
    let body =
        json!({"email": "owner@example.org", "password": support::api::PASSWORD, "organizationId": other});
    api.post("/auth/login", "", &body).await.assert_error(404, "organization.unknown");
}

async fn an_organization_is_renamed_by_those_who_manage_it(api: TestApi) {
    let path = format!("/organizations/{}", api.organization());
    let admin = api.access_token(Role::Admin).await;
    let renamed = api.patch(&path, &admin, &json!({"name": "Renamed"})).await;
    assert_eq!((renamed.status.as_u16(), &renamed.body["name"]), (200, &json!("Renamed")));
    assert_eq!(api.get("/organizations", &api.token).await.body[0]["name"], "Renamed");
    api.patch(&path, &admin, &json!({"name": " "})).await.assert_error(400, "request.invalid");
}

async fn a_closed_organization_is_out_of_reach_until_it_is_opened(api: TestApi) {
    let owner = api.access_token(Role::Owner).await;
    let path = format!("/organizations/{}", api.organization());
    assert_eq!(api.delete(&path, &owner).await.status, 204);
    for credential in [&owner, &api.token] {
        api.get("/projects", credential).await.assert_error(401, "auth.credential_invalid");
    }
    let login = api.login("owner@example.org", support::api::PASSWORD).await;
    login.assert_error(401, "auth.login_failed");

    let opened = api.base.store.open_organization(&Actor::system(), &api.organization()).await;
    assert!(opened.unwrap());
    assert_eq!(api.get("/projects", &api.token).await.status, 200);
    api.get("/projects", &owner).await.assert_error(401, "auth.credential_invalid");
    assert_eq!(api.login("owner@example.org", support::api::PASSWORD).await.status, 200);
}

async fn only_an_owner_closes_the_organization(api: TestApi) {
    let path = format!("/organizations/{}", api.organization());
    let admin = api.access_token(Role::Admin).await;
    api.delete(&path, &admin).await.assert_error(403, "auth.role_insufficient");
    api.delete(&path, &api.token).await.assert_error(403, "auth.user_required");
    assert_eq!(api.get(&path, &admin).await.body["isActive"], true);
}

async fn what_is_done_to_identities_is_audited_without_secrets(api: TestApi) {
    let owner = api.access_token(Role::Owner).await;
    let organization = format!("/organizations/{}", api.organization());
    let body = json!({"name": "Import", "type": "organization", "scopes": ["documents:read"]});
    let token = api.post("/tokens", &owner, &body).await.body;
    let token_path = format!("/tokens/{}", text(&token["id"]));
    let other = api.post(&format!("{token_path}/regenerate"), &owner, &json!({})).await.body;
    api.delete(&token_path, &owner).await;
    let body =
        json!({"email": "ada@example.org", "name": "Ada", "role": "viewer", "password": "long enough"});
    let member = api.post(&format!("{organization}/members"), &owner, &body).await.body;
    let member_path = format!("{organization}/members/{}", text(&member["userId"]));
    api.patch(&member_path, &owner, &json!({"role": "member"})).await;
    api.delete(&member_path, &owner).await;
    let body = json!({"currentPassword": support::api::PASSWORD, "newPassword": "another password"});
    api.post("/auth/change-password", &owner, &body).await;
    api.patch("/auth/me", &owner, &json!({"name": "Grace"})).await;
    api.post("/auth/logout-everywhere", &owner, &json!({})).await;

    let page = Page { number: 1, limit: 100 };
    let log =
        api.base.store.list_audit(&api.organization(), &AuditFilter::default(), page).await.unwrap().items;
    let actions: Vec<&str> = log.iter().rev().map(|entry| entry.action.as_str()).collect();
    let from = actions.iter().position(|action| *action == "user.logged_in").unwrap();
    assert_eq!(
        actions[from..],
        [
            "user.logged_in",
            "token.created",
            "token.regenerated",
            "token.revoked",
            "member.created",
            "member.updated",
            "member.removed",
            "user.password_changed",
            "user.updated",
            "user.logged_out_everywhere",
        ]
    );
    assert!(log.iter().take(10).all(|entry| entry.actor.address.as_deref() == Some("127.0.0.1")));
    let told = format!("{log:?}");
    for secret in [&token["token"], &other["token"], &json!("long enough"), &json!("another password")] {
        assert!(!told.contains(text(secret).as_str()), "{told}");
    }
}
