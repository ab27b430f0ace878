//! Members of projects: given a place and a role, and what they reach then.

use ocriva::domain::audit::Actor;
use ocriva::domain::organization::Role;
use ocriva::store::Place;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use support::api::{PASSWORD, TestApi, answer, bearer, png, text};
use support::over_http;
use support::store::processed;

over_http!(
    a_project_for_members_is_not_there_for_others,
    what_is_in_a_closed_project_is_in_no_answer_to_others,
    a_closed_project_is_left_out_of_analytics,
    the_role_in_a_project_adds_to_that_in_the_organization,
    in_a_closed_project_its_own_role_counts_alone,
    a_place_that_is_taken_away_ends_access_at_once,
    whoever_leaves_the_organization_leaves_its_projects,
    members_are_named_by_id_or_address_and_must_be_of_the_organization,
    who_does_not_manage_the_organization_does_not_manage_members,
    a_projects_token_reaches_its_own_members_only,
    changes_of_access_and_members_are_in_the_audit_log,
    a_project_goes_with_its_members,
);

/// A person of the first organization.
struct Somebody {
    id: String,
    email: String,
    access: String,
}

async fn somebody(api: &TestApi, role: Role, name: &str) -> Somebody {
    let email = format!("{name}@example.org");
    let id = api.member(&api.organization(), &email, role).await;
    let access = text(&api.login(&email, PASSWORD).await.body["accessToken"]);
    Somebody { id, email, access }
}

/// Makes the first project one for members only.
async fn close(api: &TestApi) {
    let changed = api.patch(&project(api), &api.token, &json!({"access": "members"})).await;
    assert_eq!((changed.status.as_u16(), &changed.body["access"]), (200, &json!("members")), "{changed:?}");
}

async fn add(api: &TestApi, user_id: &str, role: &str) {
    let body = json!({"userId": user_id, "role": role});
    let added = api.post(&members(api), &api.token, &body).await;
    assert_eq!(added.status, 201, "{added:?}");
}

fn project(api: &TestApi) -> String {
    format!("/projects/{}", api.project())
}

fn members(api: &TestApi) -> String {
    format!("{}/members", project(api))
}

/// Path of a list of the first project.
fn list(api: &TestApi, path: &str) -> String {
    format!("{path}?projectId={}", api.project())
}

async fn new_template(api: &TestApi, credential: &str, project: &str) -> support::api::Answer {
    let schema = json!({"total": {"type": "number"}});
    let body = json!({"name": "Receipts", "projectId": project, "templateSchema": schema});
    api.post("/templates", credential, &body).await
}

async fn a_project_for_members_is_not_there_for_others(api: TestApi) {
    let (inside, outside) =
        (somebody(&api, Role::Member, "inside").await, somebody(&api, Role::Member, "outside").await);
    let made = api.post("/projects", &api.token, &json!({"name": "Closed", "access": "members"})).await;
    assert_eq!((made.status.as_u16(), &made.body["access"]), (201, &json!("members")), "{made:?}");
    let closed = format!("/projects/{}", text(&made.body["id"]));
    let body = json!({"userId": inside.id, "role": "viewer"});
    assert_eq!(api.post(&format!("{closed}/members"), &api.token, &body).await.status, 201);
    let seen = async |access: &str| {
        let listed = api.get("/projects", access).await.body;
        let projects = listed.as_array().expect("it is a list").iter();
        projects.map(|project| text(&project["name"])).collect::<Vec<_>>()
    };
    assert_eq!(seen(&inside.access).await, ["Default", "Closed"]);
    assert_eq!(seen(&outside.access).await, ["Default"]);
    assert_eq!(api.get(&closed, &inside.access).await.status, 200);
    api.get(&closed, &outside.access).await.assert_error(404, "project.unknown");
    for manager in [Role::Owner, Role::Admin] {
        assert_eq!(seen(&api.access_token(manager).await).await, ["Default", "Closed"]);
    }
    let word = api.patch(&closed, &api.token, &json!({"access": "nobody"})).await;
    word.assert_error(400, "request.invalid");
    assert_eq!(word.body["message"][0], "`access` is `nobody`, it must be `organization` or `members`");
}

async fn what_is_in_a_closed_project_is_in_no_answer_to_others(api: TestApi) {
    let test = &api.base;
    let (inside, outside) =
        (somebody(&api, Role::Member, "inside").await, somebody(&api, Role::Member, "outside").await);
    let document = text(&api.upload("secret.png").await["id"]);
    let template = text(&new_template(&api, &api.token, &api.project()).await.body["id"]);
    let files = Form::new()
        .text("projectId", api.project())
        .part("files", Part::bytes(png()).file_name("secret.png"));
    let batch = text(&api.submit(&api.batch_path(), &api.token, files).await.body["id"]);
    test.store.dispatch(10, 100).await.unwrap();
    for _ in 0..2 {
        let attempt = test.start("worker").await;
        test.store.complete_attempt(&attempt, &processed("secret")).await.unwrap();
    }
    close(&api).await;
    add(&api, &inside.id, "member").await;
    let records = [
        (format!("/processing-history/{document}"), "document.unknown"),
        (format!("/processing-history/{document}/events"), "document.unknown"),
        (format!("/processing-history/{document}/pages/1.png"), "document.unknown"),
        (format!("/processing-history/{document}/export?format=csv"), "document.unknown"),
        (format!("/files/{document}"), "file.unknown"),
        (format!("/batch/{batch}"), "batch.unknown"),
        (format!("/batch/{batch}/events"), "batch.unknown"),
        (format!("/batch/{batch}/export?format=json"), "batch.unknown"),
        (format!("/templates/{template}"), "template.unknown"),
        (format!("/templates/{template}/versions"), "template.unknown"),
        (format!("/templates/{template}/reference"), "template.unknown"),
    ];
    for (path, code) in &records {
        assert_eq!(api.get(path, &inside.access).await.status, 200, "{path}");
        api.get(path, &outside.access).await.assert_error(404, code);
    }
    for path in ["/processing-history", "/processing-history/stats", "/batch", "/templates"] {
        let path = list(&api, path);
        assert_eq!(api.get(&path, &inside.access).await.status, 200, "{path}");
        api.get(&path, &outside.access).await.assert_error(401, "auth.project_out_of_reach");
    }
    let uploaded =
        async |access: &str| api.submit(&api.upload_path(), access, api.upload_form(png(), "a.png")).await;
    uploaded(&outside.access).await.assert_error(401, "auth.project_out_of_reach");
    assert_eq!(uploaded(&inside.access).await.status, 201);
}

async fn a_closed_project_is_left_out_of_analytics(api: TestApi) {
    let viewer = somebody(&api, Role::Viewer, "viewer").await;
    let other = text(&api.post("/projects", &api.token, &json!({"name": "Open"})).await.body["id"]);
    api.upload("a.png").await;
    let form = Form::new()
        .text("projectId", other.clone())
        .text("fileName", "b.png")
        .text("fileType", "image")
        .part("file", Part::bytes(png()).file_name("b.png"));
    assert_eq!(api.submit(&api.upload_path(), &api.token, form).await.status, 201);
    close(&api).await;
    let shown = api.get("/usage/analytics", &viewer.access).await.body;
    assert_eq!(shown["total"]["documents"], 1, "{shown}");
    let projects: Vec<&Value> =
        shown["projects"].as_array().unwrap().iter().map(|project| &project["projectId"]).collect();
    assert_eq!(projects, [&json!(other)]);
}

async fn the_role_in_a_project_adds_to_that_in_the_organization(api: TestApi) {
    let (writer, member) =
        (somebody(&api, Role::Viewer, "writer").await, somebody(&api, Role::Member, "member").await);
    let other = text(&api.post("/projects", &api.token, &json!({"name": "Other"})).await.body["id"]);
    let elsewhere = text(&new_template(&api, &api.token, &other).await.body["id"]);
    new_template(&api, &writer.access, &api.project()).await.assert_error(403, "auth.role_insufficient");
    add(&api, &writer.id, "member").await;
    add(&api, &member.id, "viewer").await;
    let made = new_template(&api, &writer.access, &api.project()).await;
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!(new_template(&api, &member.access, &api.project()).await.status, 201, "it takes nothing away");
    let path = format!("/templates/{}", text(&made.body["id"]));
    assert_eq!(api.patch(&path, &writer.access, &json!({"name": "Mine"})).await.status, 200);
    // What is in other projects may be looked at as before, and no more.
    let path = format!("/templates/{elsewhere}");
    assert_eq!(api.get(&path, &writer.access).await.status, 200);
    api.delete(&path, &writer.access).await.assert_error(403, "auth.role_insufficient");
    new_template(&api, &writer.access, &other).await.assert_error(403, "auth.role_insufficient");
    let project = json!({"name": "Mine"});
    api.post("/projects", &writer.access, &project).await.assert_error(403, "auth.role_insufficient");
}

async fn in_a_closed_project_its_own_role_counts_alone(api: TestApi) {
    let looker = somebody(&api, Role::Member, "looker").await;
    let id = text(&api.upload("a.png").await["id"]);
    close(&api).await;
    add(&api, &looker.id, "viewer").await;
    let path = format!("/processing-history/{id}");
    assert_eq!(api.get(&path, &looker.access).await.status, 200);
    let cancel = async || api.post(&format!("{path}/cancel"), &looker.access, &json!({})).await;
    let refused = cancel().await;
    refused.assert_error(403, "auth.role_insufficient");
    assert_eq!(
        refused.body["message"],
        "this needs `documents:write`, which your role `viewer` in the project does not include"
    );
    let upload = api.submit(&api.upload_path(), &looker.access, api.upload_form(png(), "b.png")).await;
    upload.assert_error(403, "auth.role_insufficient");
    api.wait_for_blobs(1).await;
    let place = format!("{}/{}", members(&api), looker.id);
    let changed = api.patch(&place, &api.token, &json!({"role": "member"})).await;
    assert_eq!((changed.status.as_u16(), &changed.body["role"]), (200, &json!("member")));
    assert_eq!(cancel().await.status, 200, "the login is the same");
}

async fn a_place_that_is_taken_away_ends_access_at_once(api: TestApi) {
    let inside = somebody(&api, Role::Member, "inside").await;
    let id = text(&api.upload("a.png").await["id"]);
    close(&api).await;
    add(&api, &inside.id, "member").await;
    let path = format!("/processing-history/{id}");
    assert_eq!(api.get(&path, &inside.access).await.status, 200);
    let held = async {
        let request = bearer(api.request(reqwest::Method::GET, &path), &inside.access);
        answer(request.header("Prefer", "wait=20")).await
    };
    let taken = async {
        let place = format!("{}/{}", members(&api), inside.id);
        assert_eq!(api.delete(&place, &api.token).await.status, 204);
        api.delete(&place, &api.token).await.assert_error(404, "member.unknown");
        api.get(&path, &inside.access).await.assert_error(404, "document.unknown");
        api.base.store.cancel_document(&Actor::system(), &api.base.tenant(), &id).await.unwrap();
    };
    let (held, ()) = tokio::join!(held, taken);
    held.assert_error(404, "document.unknown");
}

async fn whoever_leaves_the_organization_leaves_its_projects(api: TestApi) {
    let (removed, leaving) =
        (somebody(&api, Role::Member, "removed").await, somebody(&api, Role::Viewer, "leaving").await);
    close(&api).await;
    for person in [&removed, &leaving] {
        add(&api, &person.id, "member").await;
    }
    let organization = format!("/organizations/{}", api.organization());
    let path = format!("{organization}/members/{}", removed.id);
    assert_eq!(api.delete(&path, &api.token).await.status, 204);
    let leave = api.post(&format!("{organization}/leave"), &leaving.access, &json!({})).await;
    assert_eq!(leave.status, 204);
    assert_eq!(api.get(&members(&api), &api.token).await.body["pagination"]["total"], 0);
    // Who comes back begins anew.
    let organization_id = &api.organization();
    api.base
        .store
        .add_member(&Actor::system(), organization_id, &removed.id, Role::Member)
        .await
        .unwrap()
        .unwrap();
    let place = Place { organization_id, user_id: &removed.id };
    let standing = api.base.store.standing(place).await.unwrap().unwrap();
    assert_eq!(standing.role_in(&api.project()), None);
}

async fn members_are_named_by_id_or_address_and_must_be_of_the_organization(api: TestApi) {
    let ada = somebody(&api, Role::Viewer, "ada").await;
    let foreign = api.base.other_tenant().await.organization_id;
    let stranger = api.member(&foreign, "stranger@example.org", Role::Member).await;
    let added =
        api.post(&members(&api), &api.token, &json!({"email": "Ada@Example.org", "role": "member"})).await;
    assert_eq!(added.status, 201, "{added:?}");
    let told = |field: &str| added.body[field].as_str().unwrap_or_default().to_owned();
    assert_eq!(
        ["userId", "email", "role", "organizationRole"].map(told),
        [ada.id.as_str(), ada.email.as_str(), "member", "viewer"].map(str::to_owned)
    );
    let listed = api.get(&members(&api), &api.token).await.body;
    assert_eq!((&listed["data"], &listed["pagination"]["total"]), (&json!([added.body]), &json!(1)));
    for (body, status, code) in [
        (json!({"userId": ada.id, "role": "viewer"}), 409, "member.exists"),
        (json!({"userId": stranger, "role": "viewer"}), 404, "member.unknown"),
        (json!({"email": "stranger@example.org", "role": "viewer"}), 404, "member.unknown"),
        (json!({"role": "viewer"}), 400, "request.invalid"),
        (json!({"userId": ada.id, "email": ada.email, "role": "viewer"}), 400, "request.invalid"),
        (json!({"userId": ada.id, "role": "owner"}), 400, "request.invalid"),
        (json!({"email": "ada", "role": "viewer"}), 400, "request.invalid"),
    ] {
        api.post(&members(&api), &api.token, &body).await.assert_error(status, code);
    }
    let place = format!("{}/{stranger}", members(&api));
    api.patch(&place, &api.token, &json!({"role": "viewer"})).await.assert_error(404, "member.unknown");
    assert_eq!(api.get(&members(&api), &api.token).await.body["pagination"]["total"], 1);
}

async fn who_does_not_manage_the_organization_does_not_manage_members(api: TestApi) {
    let member = somebody(&api, Role::Member, "member").await;
    add(&api, &member.id, "member").await;
    let admin = api.access_token(Role::Admin).await;
    let body = json!({"userId": api.base.first.user_id, "role": "viewer"});
    let refused = [
        api.get(&members(&api), &member.access).await,
        api.post(&members(&api), &member.access, &body).await,
        api.patch(&project(&api), &member.access, &json!({"access": "members"})).await,
    ];
    for refused in refused {
        refused.assert_error(403, "auth.role_insufficient");
    }
    assert_eq!(api.post(&members(&api), &admin, &body).await.status, 201);
    // A place in a project makes no less of an owner.
    close(&api).await;
    let place = Place { organization_id: &api.organization(), user_id: &api.base.first.user_id };
    let standing = api.base.store.standing(place).await.unwrap().unwrap();
    assert_eq!(standing.role_in(&api.project()), Some(Role::Owner));
}

async fn a_projects_token_reaches_its_own_members_only(api: TestApi) {
    let other = text(&api.post("/projects", &api.token, &json!({"name": "Other"})).await.body["id"]);
    let scopes = ocriva::domain::token::TokenScope::ALL;
    let bound = api.token_with(&api.organization(), Some(&other), scopes).await;
    assert_eq!(api.get(&format!("/projects/{other}/members"), &bound).await.status, 200);
    api.get(&members(&api), &bound).await.assert_error(404, "project.unknown");
    let (_, foreign) = api.foreign_token().await;
    api.get(&members(&api), &foreign).await.assert_error(404, "project.unknown");
}

async fn changes_of_access_and_members_are_in_the_audit_log(api: TestApi) {
    let ada = somebody(&api, Role::Viewer, "ada").await;
    close(&api).await;
    add(&api, &ada.id, "member").await;
    let place = format!("{}/{}", members(&api), ada.id);
    api.patch(&place, &api.token, &json!({"role": "viewer"})).await;
    api.delete(&place, &api.token).await;
    let logged = async |query: &str| {
        let listed = api.get(&format!("/audit?{query}"), &api.token).await.body;
        let entries = listed["data"].as_array().expect("it is a list").clone();
        entries
            .into_iter()
            .rev()
            .map(|entry| (text(&entry["action"]), entry["changes"].clone()))
            .collect::<Vec<_>>()
    };
    let changed = logged("action=project.updated").await;
    assert_eq!(changed.first().map(|(_, changes)| &changes["access"]), Some(&json!("members")));
    let told = |role: &str| json!({"projectId": api.project(), "email": ada.email, "role": role});
    assert_eq!(
        logged("action=project_member.*").await,
        [
            ("project_member.created".to_owned(), told("member")),
            ("project_member.updated".to_owned(), told("viewer")),
            ("project_member.removed".to_owned(), told("viewer")),
        ]
    );
}

async fn a_project_goes_with_its_members(api: TestApi) {
    let ada = somebody(&api, Role::Member, "ada").await;
    let closed = json!({"name": "Closed", "access": "members"});
    let id = text(&api.post("/projects", &api.token, &closed).await.body["id"]);
    let path = format!("/projects/{id}");
    let body = json!({"userId": ada.id, "role": "member"});
    assert_eq!(api.post(&format!("{path}/members"), &api.token, &body).await.status, 201);
    assert_eq!(api.delete(&path, &api.token).await.status, 204);
    api.get(&format!("{path}/members"), &api.token).await.assert_error(404, "project.unknown");
    let place = Place { organization_id: &api.organization(), user_id: &ada.id };
    let standing = api.base.store.standing(place).await.unwrap().unwrap();
    assert_eq!(standing.projects, None, "nothing is closed any more");
    assert_eq!(api.get("/projects", &ada.access).await.status, 200);
}
