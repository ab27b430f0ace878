//! Making, showing and changing webhooks, and whose events they hear of.

use ocriva::domain::audit::{Actor, AuditFilter};
use ocriva::domain::token::TokenScope;
use reqwest::Method;
use serde_json::{Value, json};
use support::api::{TestApi, text};
use support::receiver::Receiver;
use support::store::project_id;

use super::{Sending, create, hook, with_local_receivers};

with_local_receivers!(
    a_webhook_is_made_shown_changed_and_deleted,
    a_webhook_that_cannot_work_is_refused_with_the_reasons,
    a_secret_is_shown_once_and_stored_sealed,
    headers_of_the_receiver_are_sent_along,
    a_webhook_hears_of_its_own_project_only,
    a_projects_token_manages_its_own_webhooks_only,
    a_test_event_goes_to_one_webhook,
    the_log_is_paged_and_filtered,
    a_plan_allows_so_many_webhooks,
);

async fn a_webhook_is_made_shown_changed_and_deleted(api: TestApi) {
    let body = json!({
        "name": "Accounting", "url": "https://93.184.215.14/hook", "events": ["document.processed", "batch.completed"],
        "description": "Books invoices", "customHeaders": {"X-Tenant": "7"}, "projectId": api.project(),
    });
    let made = api.post("/webhooks", &api.token, &body).await;
    assert_eq!(made.status, 201, "{made:#?}");
    let mut made = made.body;
    assert!(text(&made["secret"]).starts_with("whsec_"), "{made:#}");
    assert_eq!(made["customHeaders"], json!({"x-tenant": "7"}));
    assert_eq!((&made["status"], &made["projectId"]), (&json!("active"), &json!(api.project())));
    made["secret"] = Value::Null;
    assert_eq!(api.get(&hook(&made), &api.token).await.body, made);
    assert_eq!(api.get("/webhooks", &api.token).await.body["data"], json!([made]));

    let changes =
        json!({"name": "Books", "description": null, "customHeaders": null, "events": ["document.failed"]});
    let changed = api.send(Method::PATCH, &hook(&made), &api.token, &changes).await;
    assert_eq!(changed.status, 200, "{changed:#?}");
    let changed = changed.body;
    assert_eq!((&changed["name"], &changed["description"]), (&json!("Books"), &Value::Null));
    assert_eq!((&changed["customHeaders"], &changed["events"]), (&json!({}), &json!(["document.failed"])));
    assert_eq!(changed["url"], made["url"]);

    assert_eq!(api.send(Method::DELETE, &hook(&made), &api.token, &json!({})).await.status, 204);
    api.get(&hook(&made), &api.token).await.assert_error(404, "webhook.unknown");
    let page = ocriva::domain::listing::Page { number: 1, limit: 3 };
    let audit =
        api.base.store.list_audit(&api.organization(), &AuditFilter::default(), page).await.unwrap().items;
    let actions: Vec<&str> = audit.iter().map(|line| line.action.as_str()).collect();
    assert_eq!(actions, ["webhook.deleted", "webhook.updated", "webhook.created"]);
}

async fn a_webhook_that_cannot_work_is_refused_with_the_reasons(api: TestApi) {
    let right = json!({"name": "Hook", "url": "https://93.184.215.14/", "events": ["document.processed"]});
    let wrong = [
        ("name", json!(" ")),
        ("url", json!("not an address")),
        ("events", json!([])),
        ("events", json!(["document.eaten"])),
        ("events", json!(["webhook.test"])),
        ("events", json!("document.processed")),
        ("secret", json!("short")),
        ("secret", json!("whsec_***************")),
        ("customHeaders", json!({"Content-Length": "3"})),
        ("customHeaders", json!({"X-Webhook-Signature": "sha256=00"})),
        ("customHeaders", json!({"X-A": "1\r\nHost: elsewhere"})),
        ("description", json!("x".repeat(2001))),
        ("status", json!("broken")),
        ("projectId", json!("7")),
    ];
    for (field, value) in wrong {
        let mut body = right.clone();
        body[field] = value;
        let answer = api.post("/webhooks", &api.token, &body).await;
        answer.assert_error(400, "request.invalid");
        assert!(answer.body["message"].to_string().contains(field), "{field}: {answer:#?}");
    }
    let several = json!({"name": "", "url": "x", "events": []});
    let answer = api.post("/webhooks", &api.token, &several).await;
    assert_eq!(answer.body["message"].as_array().unwrap().len(), 3, "{answer:#?}");
    assert_eq!(api.get("/webhooks", &api.token).await.body["data"], json!([]));
}

async fn a_secret_is_shown_once_and_stored_sealed(api: TestApi) {
    let body = json!({
        "name": "Hook", "url": "https://93.184.215.14/", "events": ["document.processed"],
        "secret": "a-secret-of-my-own", "customHeaders": {"Authorization": "Bearer of-theirs"},
    });
    let made = api.post("/webhooks", &api.token, &body).await.body;
    assert_eq!(made["secret"], "a-secret-of-my-own");
    assert_eq!(api.get("/webhooks", &api.token).await.body["data"][0]["secret"], Value::Null);
    let tenant = ocriva::domain::tenant::Tenant::organization(api.organization());
    let stored = api.base.store.webhook(&tenant, &text(&made["id"])).await.unwrap().unwrap();
    let kept = format!("{stored:?}");
    assert!(!kept.contains("of-my-own") && !kept.contains("of-theirs"), "{kept}");
    let opened = api.keys().open(&ocriva::webhooks::secret_owner(&stored.id), &stored.sealed_secret);
    assert_eq!(opened.unwrap(), "a-secret-of-my-own");
}

async fn headers_of_the_receiver_are_sent_along(api: TestApi) {
    let receiver = Receiver::start().await;
    let body = json!({
        "name": "Hook", "url": receiver.url, "events": ["document.uploaded"],
        "customHeaders": {"Authorization": "Bearer of-theirs", "X-Tenant": "7"},
    });
    assert_eq!(api.post("/webhooks", &api.token, &body).await.status, 201);
    api.upload("a.png").await;
    let _sending = Sending::start(&api);
    let request = receiver.wait_for(1).await.remove(0);
    assert_eq!((request.header("authorization"), request.header("x-tenant")), ("Bearer of-theirs", "7"));
    assert_eq!(request.header("x-webhook-event"), "document.uploaded");
}

async fn a_webhook_hears_of_its_own_project_only(api: TestApi) {
    let receiver = Receiver::start().await;
    let other = api.post("/projects", &api.token, &json!({"name": "Other"})).await.body;
    let (foreign, foreign_token) = api.foreign_token().await;
    let hook = |path: &str, project: Option<&str>| {
        json!({
            "name": path, "url": format!("{}/{path}", receiver.url), "events": ["document.uploaded"],
            "projectId": project,
        })
    };
    let made = [
        (hook("own", Some(&api.project())), &api.token),
        (hook("all", None), &api.token),
        (hook("other", Some(&text(&other["id"]))), &api.token),
        (hook("foreign", Some(&project_id(&foreign))), &foreign_token),
    ];
    for (body, token) in &made {
        assert_eq!(api.post("/webhooks", token, body).await.status, 201, "{body}");
    }
    api.upload("a.png").await;
    let sending = Sending::start(&api);
    let received = receiver.wait_for(2).await;
    sending.stop().await;
    let mut paths: Vec<&str> = received.iter().map(|request| request.uri.path()).collect();
    paths.sort_unstable();
    assert_eq!(paths, ["/all", "/own"]);
    let listed = api.get(&format!("/webhooks?projectId={}", api.project()), &api.token).await.body;
    assert_eq!((&listed["data"][0]["name"], &listed["pagination"]["total"]), (&json!("own"), &json!(1)));
}

async fn a_projects_token_manages_its_own_webhooks_only(api: TestApi) {
    let everywhere = create(&api, "https://93.184.215.14/", &["document.uploaded"]).await;
    let token =
        api.token_with(&api.organization(), Some(&api.project()), &[TokenScope::WebhooksManage]).await;
    api.get(&hook(&everywhere), &token).await.assert_error(404, "webhook.unknown");
    api.post(&format!("{}/test", hook(&everywhere)), &token, &json!({}))
        .await
        .assert_error(404, "webhook.unknown");
    let body = json!({"name": "Hook", "url": "https://93.184.215.14/", "events": ["document.uploaded"]});
    let made = api.post("/webhooks", &token, &body).await.body;
    assert_eq!(made["projectId"], api.project());
    assert_eq!(api.get("/webhooks", &token).await.body["pagination"]["total"], 1);
    assert_eq!(api.get("/webhooks", &api.token).await.body["pagination"]["total"], 2);
}

async fn a_test_event_goes_to_one_webhook(api: TestApi) {
    let receiver = Receiver::start().await;
    let first = create(&api, &format!("{}/first", receiver.url), &["document.uploaded"]).await;
    create(&api, &format!("{}/second", receiver.url), &["document.uploaded"]).await;
    let tried = api.post(&format!("{}/test", hook(&first)), &api.token, &json!({})).await;
    assert_eq!((tried.status.as_u16(), &tried.body["eventType"]), (202, &json!("webhook.test")));
    api.upload("a.png").await;
    let sending = Sending::start(&api);
    let received = receiver.wait_for(3).await;
    sending.stop().await;
    let tests: Vec<_> =
        received.iter().filter(|request| request.json()["eventType"] == "webhook.test").collect();
    assert_eq!(tests.iter().map(|request| request.uri.path()).collect::<Vec<_>>(), ["/first"]);
    assert_eq!(tests[0].json()["payload"]["webhookId"], first["id"]);
}

async fn the_log_is_paged_and_filtered(api: TestApi) {
    let receiver = Receiver::start().await;
    let webhook = create(&api, &receiver.url, &["document.uploaded"]).await;
    for _ in 0..3 {
        api.upload("a.png").await;
    }
    let list = async |query: &str| {
        let answer = api.get(&format!("{}/deliveries?{query}", hook(&webhook)), &api.token).await;
        assert_eq!(answer.status, 200, "{answer:#?}");
        answer.body
    };
    let first = list("limit=2").await;
    assert_eq!(first["pagination"], json!({"page": 1, "limit": 2, "total": 3, "pages": 2}));
    assert_eq!(list("limit=2&page=2").await["data"].as_array().unwrap().len(), 1);
    assert_eq!(list("status=pending").await["pagination"]["total"], 3);
    assert_eq!(list("status=delivered").await["pagination"]["total"], 0);
    let wrong = api.get(&format!("{}/deliveries?status=lost", hook(&webhook)), &api.token).await;
    wrong.assert_error(400, "request.invalid");
    let (_, foreign) = api.foreign_token().await;
    let path = format!("{}/deliveries/{}", hook(&webhook), text(&first["data"][0]["id"]));
    api.get(&path, &foreign).await.assert_error(404, "webhook.delivery_unknown");
    let other = create(&api, &receiver.url, &["document.uploaded"]).await;
    let elsewhere = format!("{}/deliveries/{}", hook(&other), text(&first["data"][0]["id"]));
    api.get(&elsewhere, &api.token).await.assert_error(404, "webhook.delivery_unknown");
}

async fn a_plan_allows_so_many_webhooks(api: TestApi) {
    let plan = api.base.store.set_plan(&Actor::system(), &api.organization(), "starter").await.unwrap();
    assert_eq!(plan.unwrap().webhook_endpoints, Some(1));
    let only = create(&api, "https://93.184.215.14/", &["document.uploaded"]).await;
    let body = json!({"name": "Hook", "url": "https://93.184.215.14/", "events": ["document.uploaded"]});
    api.post("/webhooks", &api.token, &body).await.assert_error(403, "plan.quota_exceeded");
    assert_eq!(api.send(Method::DELETE, &hook(&only), &api.token, &json!({})).await.status, 204);
    create(&api, "https://93.184.215.14/", &["document.uploaded"]).await;
}
