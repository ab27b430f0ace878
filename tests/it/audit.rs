//! The audit log: what it lists and exports, and that tampering is seen.

use ocriva::domain::audit::Actor;
use ocriva::domain::organization::Role;
use reqwest::Method;
use serde_json::{Value, json};
use support::api::{TestApi, text};
use support::store::TestStore;
use support::{on_each_engine, over_http};

mod http {
    use super::*;

    over_http!(
        a_list_shows_what_the_filters_let_through,
        an_export_has_every_entry_in_both_forms,
        a_log_says_that_it_is_intact_and_where_it_is_not,
        a_projects_token_does_not_see_the_log,
    );
}

on_each_engine!(
    a_changed_entry_is_found,
    a_removed_entry_is_found,
    an_inserted_entry_is_found,
    an_entry_that_was_written_anew_with_its_hash_is_found,
    writers_at_the_same_time_make_one_chain,
);

async fn a_list_shows_what_the_filters_let_through(api: TestApi) {
    for name in ["Receipts", "50%_Invoices"] {
        make_template(&api, name).await;
    }
    let document = text(&api.upload("a.png").await["id"]);
    let actions = async |query: &str| -> Vec<String> {
        let answer = api.get(&format!("/audit?{query}"), &api.token).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.body["data"].as_array().unwrap().iter().map(|entry| text(&entry["action"])).collect()
    };
    let all = actions("").await;
    assert_eq!(&all[..3], ["document.uploaded", "template.created", "template.created"]);
    assert!(all.contains(&"organization.created".to_owned()), "{all:?}");
    assert_eq!(actions("action=template.created").await.len(), 2);
    assert_eq!(actions("action=template.*").await.len(), 2);
    assert_eq!(actions("action=template").await.len(), 0);
    assert_eq!(actions(&format!("target={document}")).await, ["document.uploaded"]);
    assert_eq!(actions("search=50%25_invoices").await, ["template.created"]);
    assert_eq!(actions("search=nothing%20like%20it").await.len(), 0);
    let today = api.base.clock.clock().now().to_date();
    assert_eq!(actions(&format!("fromDate={today}&toDate={today}")).await, all);
    assert_eq!(actions("toDate=2020-01-01").await.len(), 0);
    assert_eq!(actions("page=2&limit=1").await, ["template.created"]);

    let entry = api.get("/audit?limit=1", &api.token).await.body["data"][0].clone();
    assert_eq!(entry["actor"]["kind"], "token");
    assert_eq!(entry["address"], "127.0.0.1");
    assert_eq!(entry["changes"]["fileName"], "a.png");
    let actor = text(&entry["actor"]["id"]);
    assert_eq!(actions(&format!("actor={actor}")).await.len(), 3);
    api.get("/audit?actor=me", &api.token).await.assert_error(400, "request.invalid");
    api.get("/audit?fromDate=yesterday", &api.token).await.assert_error(400, "request.invalid");
}

async fn an_export_has_every_entry_in_both_forms(api: TestApi) {
    // More than are read from the database at one time.
    for number in 0..520 {
        api.base
            .store
            .rename_organization(&Actor::system(), &api.organization(), &format!("Name, \"{number}\""))
            .await
            .unwrap();
    }
    let listed = api.get("/audit?limit=100", &api.token).await.body;
    let total = listed["pagination"]["total"].as_u64().unwrap();
    assert!(total > 520, "{total}");

    let json = api.get("/audit/export", &api.token).await;
    assert_eq!(json.headers["content-disposition"], "attachment; filename=\"audit.json\"");
    let entries = json.body.as_array().unwrap();
    assert_eq!(entries.len() as u64, total);
    assert_eq!(entries[..100], listed["data"].as_array().unwrap()[..]);

    let csv = api.get("/audit/export?format=csv&action=organization.updated", &api.token).await;
    let csv = text(&csv.body);
    let mut lines = csv.lines();
    assert_eq!(lines.next(), Some("id,at,actorKind,actorId,action,target,changes,address,sequence,hash"));
    assert_eq!(lines.clone().count(), 520);
    assert!(lines.next().unwrap().contains(r#""{""name"":""Name, \""519\""""}""#), "{csv}");

    let none = api.get("/audit/export?search=nothing%20like%20it", &api.token).await;
    assert_eq!(none.body, json!([]));
    api.get("/audit/export?format=xml", &api.token).await.assert_error(400, "request.invalid");
}

async fn a_log_says_that_it_is_intact_and_where_it_is_not(api: TestApi) {
    make_template(&api, "Receipts").await;
    let verdict = api.get("/audit/verify", &api.token).await;
    assert_eq!(verdict.status, 200, "{verdict:?}");
    let body = verdict.body;
    assert_eq!((body["intact"].as_bool(), &body["broken"]), (Some(true), &Value::Null));
    let newest = api.get("/audit?limit=1", &api.token).await.body["data"][0].clone();
    assert_eq!((&body["entries"], &body["hash"]), (&newest["sequence"], &newest["hash"]));

    api.base.execute("update audit set target = 'another' where action = 'template.created'").await;
    let body = api.get("/audit/verify", &api.token).await.body;
    assert_eq!(body["intact"], false);
    assert_eq!(body["broken"]["sequence"], newest["sequence"]);
    assert_eq!(body["broken"]["id"], newest["id"]);
    let member = api.access_token(Role::Member).await;
    api.get("/audit/verify", &member).await.assert_error(403, "auth.role_insufficient");
}

async fn a_projects_token_does_not_see_the_log(api: TestApi) {
    use ocriva::domain::token::TokenScope;
    let token = api.token_with(&api.organization(), Some(&api.project()), TokenScope::ALL).await;
    for path in ["/audit", "/audit/export", "/audit/verify", "/credits", "/credits/ledger", "/usage"] {
        api.get(path, &token).await.assert_error(401, "auth.project_out_of_reach");
    }
}

async fn a_changed_entry_is_found(test: TestStore) {
    write_entries(&test, 5).await;
    expect_intact(&test, 6).await;
    let changes = ["created_at = created_at + 1", "changes = '{\"name\":\"other\"}'", "actor_kind = 'user'"];
    for (sequence, change) in [5, 4, 3].into_iter().zip(changes) {
        test.execute(&format!("update audit set {change} where sequence = {sequence}")).await;
        assert_eq!(broken_at(&test).await, (sequence, "the entry or its predecessor was changed"));
    }
}

async fn a_removed_entry_is_found(test: TestStore) {
    write_entries(&test, 5).await;
    test.execute("delete from audit where sequence = 6").await;
    assert_eq!(broken_at(&test).await, (6, "the last entries are missing"));
    test.execute("delete from audit where sequence = 3").await;
    assert_eq!(broken_at(&test).await, (3, "an entry is missing before this one"));
}

async fn an_inserted_entry_is_found(test: TestStore) {
    write_entries(&test, 5).await;
    test.execute(&format!("{COPY_OF_THIRD}, null, null from audit where sequence = 3")).await;
    assert_eq!(broken_at(&test).await, (7, "an entry was added without a number"));
    test.execute("delete from audit where id = 'copy'").await;
    expect_intact(&test, 6).await;
    test.execute(&format!("{COPY_OF_THIRD}, 7, hash from audit where sequence = 3")).await;
    assert_eq!(broken_at(&test).await, (7, "an entry was added without its place in the chain"));
}

async fn an_entry_that_was_written_anew_with_its_hash_is_found(test: TestStore) {
    write_entries(&test, 5).await;
    // The last entry with another hash of its own: only the head still knows what it was.
    test.execute("update audit_heads set hash = 'other'").await;
    assert_eq!(broken_at(&test).await, (7, "the last entry is not the one that was written last"));
}

async fn writers_at_the_same_time_make_one_chain(test: TestStore) {
    let other = test.another_store().await;
    let writers = (0..4).map(|writer| {
        let store = if writer % 2 == 0 { test.store.clone() } else { other.clone() };
        let organization_id = test.first.organization_id.clone();
        tokio::spawn(async move {
            for number in 0..10 {
                let name = format!("Name {writer} {number}");
                store.rename_organization(&Actor::system(), &organization_id, &name).await.unwrap();
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    expect_intact(&test, 41).await;
}

const COPY_OF_THIRD: &str =
    "insert into audit (id, organization_id, actor_kind, actor_id, action, target, changes,
    address, created_at, sequence, hash)
    select 'copy', organization_id, actor_kind, actor_id, action, target, changes, address, created_at";

/// Writes entries after the one of the first start.
async fn write_entries(test: &TestStore, count: u32) {
    for number in 0..count {
        let actor = Actor::system();
        let name = format!("Name {number}");
        test.store.rename_organization(&actor, &test.first.organization_id, &name).await.unwrap();
    }
}

async fn expect_intact(test: &TestStore, entries: u64) {
    let verdict = test.store.verify_audit(&test.first.organization_id).await.unwrap();
    assert_eq!((verdict.entries, verdict.broken), (entries, None));
}

async fn broken_at(test: &TestStore) -> (u64, &'static str) {
    let verdict = test.store.verify_audit(&test.first.organization_id).await.unwrap();
    let broken = verdict.broken.expect("the log is broken");
    (broken.sequence, broken.reason)
}

async fn make_template(api: &TestApi, name: &str) {
    let body =
        json!({"name": name, "projectId": api.project(), "templateSchema": {"total": {"type": "number"}}});
    let answer = api.send(Method::POST, "/templates", &api.token, &body).await;
    assert_eq!(answer.status, 201, "{answer:?}");
}
