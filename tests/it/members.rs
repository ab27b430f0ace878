//! Members of an organization: made, given roles, removed.

use ocriva::domain::audit::Actor;
use ocriva::domain::listing::Page;
use ocriva::domain::organization::{MemberChange, Role};
use ocriva::store::Place;
use serde_json::json;
use support::api::{PASSWORD, TestApi, text};
use support::{on_each_engine, over_http};

over_http!(
    a_member_is_made_with_a_password_and_logs_in,
    a_role_counts_from_the_next_request_on,
    a_removed_member_is_out_at_once,
    administrators_neither_make_nor_touch_owners,
    the_last_owner_stays,
    everybody_may_leave,
);

mod store {
    use super::*;

    use support::store::TestStore;

    on_each_engine!(of_two_owners_who_step_down_at_once_one_stays);

    async fn of_two_owners_who_step_down_at_once_one_stays(test: TestStore) {
        let organization_id = &test.first.organization_id;
        let second = test.store.create_user("second@example.com", "Second", "$argon2id$").await.unwrap();
        let actor = Actor::system();
        test.store.add_member(&actor, organization_id, &second.id, Role::Owner).await.unwrap().unwrap();
        let step_down = async |user_id: &str| {
            let place = Place { organization_id, user_id };
            test.store.set_member_role(&actor, Role::Owner, place, Role::Viewer).await.unwrap()
        };
        let (one, other) = tokio::join!(step_down(&test.first.user_id), step_down(&second.id));
        let done =
            [&one, &other].into_iter().filter(|change| matches!(change, MemberChange::Done(_))).count();
        assert_eq!((done, [one, other].contains(&MemberChange::LastOwner)), (1, true));
        let page = Page { number: 1, limit: 10 };
        let members = test.store.list_members(organization_id, page).await.unwrap();
        assert_eq!(members.items.iter().filter(|member| member.role == Role::Owner).count(), 1);
    }
}

fn members(api: &TestApi) -> String {
    format!("/organizations/{}/members", api.organization())
}

/// Path of the member with this role that [`TestApi::login_as`] made.
async fn member(api: &TestApi, role: Role) -> String {
    let login = api.login(&format!("{role}@example.org"), PASSWORD).await;
    format!("{}/{}", members(api), text(&login.body["user"]["id"]))
}

async fn a_member_is_made_with_a_password_and_logs_in(api: TestApi) {
    let owner = api.access_token(Role::Owner).await;
    let body =
        json!({"email": "Ada@Example.org", "name": "Ada", "role": "viewer", "password": "long enough"});
    let made = api.post(&members(&api), &owner, &body).await;
    assert_eq!((made.status.as_u16(), &made.body["email"]), (201, &json!("ada@example.org")), "{made:?}");
    let login = api.login("ada@example.org", "long enough").await;
    assert_eq!(login.body["user"]["role"], "viewer");
    api.post(&members(&api), &owner, &body).await.assert_error(409, "member.exists");
    let listed = api.get(&members(&api), &owner).await;
    assert_eq!(listed.body["pagination"]["total"], 3);
    assert!(listed.body["data"].as_array().unwrap().contains(&made.body), "{listed:?}");
    let bad = json!({"email": "ada", "name": "", "role": "viewer", "password": "short"});
    api.post(&members(&api), &owner, &bad).await.assert_error(400, "request.invalid");
    let role = json!({"email": "eve@example.org", "name": "Eve", "role": "king", "password": "long enough"});
    api.post(&members(&api), &owner, &role).await.assert_error(400, "request.invalid");
}

async fn a_role_counts_from_the_next_request_on(api: TestApi) {
    let owner = api.access_token(Role::Owner).await;
    let viewer = api.access_token(Role::Viewer).await;
    let make_project = async || api.post("/projects", &viewer, &json!({"name": "Mine"})).await;
    make_project().await.assert_error(403, "auth.role_insufficient");
    let path = member(&api, Role::Viewer).await;
    let changed = api.patch(&path, &owner, &json!({"role": "admin"})).await;
    assert_eq!((changed.status.as_u16(), &changed.body["role"]), (200, &json!("admin")));
    assert_eq!(make_project().await.status, 201);
}

async fn a_removed_member_is_out_at_once(api: TestApi) {
    let owner = api.access_token(Role::Owner).await;
    let login = api.login_as(Role::Member).await;
    let path = member(&api, Role::Member).await;
    assert_eq!(api.delete(&path, &owner).await.status, 204);
    api.delete(&path, &owner).await.assert_error(404, "member.unknown");
    api.get("/projects", &text(&login["accessToken"])).await.assert_error(401, "auth.credential_invalid");
    let refresh = api.post("/auth/refresh", "", &json!({"refreshToken": login["refreshToken"]})).await;
    refresh.assert_error(401, "auth.refresh_invalid");
    api.login("member@example.org", PASSWORD).await.assert_error(401, "auth.login_failed");
}

async fn administrators_neither_make_nor_touch_owners(api: TestApi) {
    api.login_as(Role::Owner).await;
    api.login_as(Role::Member).await;
    let admin = api.access_token(Role::Admin).await;
    let (owner, member) = (member(&api, Role::Owner).await, member(&api, Role::Member).await);
    for credential in [&admin, &api.token] {
        for refused in [
            api.patch(&owner, credential, &json!({"role": "viewer"})).await,
            api.delete(&owner, credential).await,
            api.patch(&member, credential, &json!({"role": "owner"})).await,
        ] {
            refused.assert_error(403, "auth.role_insufficient");
        }
    }
    assert_eq!(api.patch(&member, &admin, &json!({"role": "admin"})).await.status, 200);
}

async fn the_last_owner_stays(api: TestApi) {
    let owner = api.access_token(Role::Owner).await;
    let first = format!("{}/{}", members(&api), api.base.first.user_id);
    assert_eq!(api.delete(&first, &owner).await.status, 204, "there are two owners");
    let last = member(&api, Role::Owner).await;
    api.delete(&last, &owner).await.assert_error(409, "member.last_owner");
    api.patch(&last, &owner, &json!({"role": "admin"})).await.assert_error(409, "member.last_owner");
}

async fn everybody_may_leave(api: TestApi) {
    for role in [Role::Owner, Role::Admin, Role::Member, Role::Viewer] {
        let access = api.access_token(role).await;
        let path = format!("/organizations/{}/leave", api.organization());
        assert_eq!(api.post(&path, &access, &json!({})).await.status, 204, "{role}");
        api.get("/auth/me", &access).await.assert_error(401, "auth.credential_invalid");
    }
}
