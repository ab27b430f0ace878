//! Webhooks: what receivers get, and what becomes of those that fail, hang, redirect or lead where they should not.

mod addresses;
mod management;

use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use ocriva::config::Config;
use ocriva::domain::audit::AuditFilter;
use reqwest::Method;
use serde_json::{Value, json};
use sha2::Sha256;
use standardwebhooks::Webhook as Standard;
use support::api::{TestApi, text};
use support::receiver::{Behaviour, Received, Receiver};
use support::store::processed;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Runs each of the named `async fn(TestApi)` as a test on SQLite and on PostgreSQL, with settings under which a
/// receiver on loopback can be called.
macro_rules! with_local_receivers {
    ($($name:ident),* $(,)?) => {
        with_local_receivers!(@engine sqlite, Sqlite, $($name),*);
        with_local_receivers!(@engine postgres, Postgres, $($name),*);
    };
    (@engine $module:ident, $engine:ident, $($name:ident),*) => {
        mod $module {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    let engine = support::database::Engine::$engine;
                    let settings = crate::webhooks::settings;
                    if let Some(test) = support::api::TestApi::with(engine, settings).await {
                        super::$name(test).await;
                    }
                }
            )*
        }
    };
}
use with_local_receivers;

with_local_receivers!(
    a_processed_document_is_told_and_signed_both_ways,
    an_event_carries_the_record_that_the_api_shows,
    a_batch_and_a_template_are_told,
    a_receiver_that_fails_is_asked_again_with_the_same_id,
    what_is_never_taken_is_given_up,
    a_receiver_may_ask_for_a_longer_pause,
    a_redirect_is_not_followed,
    an_endless_answer_is_not_read_to_its_end,
    a_receiver_that_hangs_keeps_nobody_else_waiting,
    a_delivery_whose_sender_was_lost_is_sent_again,
    two_senders_tell_each_event_once,
    both_secrets_sign_for_as_long_as_they_overlap,
    a_paused_webhook_is_told_later,
    a_disabled_webhook_is_not_told,
    a_delivery_is_sent_again_on_request,
    a_webhook_that_fails_for_days_is_disabled,
);

/// Most attempts of a delivery in these tests.
const MAX_ATTEMPTS: usize = 3;

fn settings(config: &mut Config) {
    config.webhooks.allowed_networks = vec!["127.0.0.0/8".to_owned()];
    config.webhooks.timeout_seconds = 2;
    config.webhooks.max_attempts = u32::try_from(MAX_ATTEMPTS).expect("it is small");
}

/// A sender at work; stops when it is dropped, as if its process were killed.
struct Sending {
    task: JoinHandle<()>,
    stop: CancellationToken,
}

impl Sending {
    fn start(api: &TestApi) -> Self {
        let stop = CancellationToken::new();
        Self { task: tokio::spawn(api.sender().run(stop.clone())), stop }
    }

    /// Ends as a process does that is told to stop.
    async fn stop(mut self) {
        self.stop.cancel();
        (&mut self.task).await.expect("the sender ends by itself");
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn create(api: &TestApi, url: &str, events: &[&str]) -> Value {
    let body = json!({"name": "Hook", "url": url, "events": events});
    let answer = api.post("/webhooks", &api.token, &body).await;
    assert_eq!(answer.status, 201, "{answer:#?}");
    answer.body
}

/// Uploads a document and has it processed.
async fn process(api: &TestApi) -> String {
    let id = text(&api.upload("receipt.png").await["id"]);
    api.base.store.dispatch(1, 100).await.unwrap();
    let attempt = api.base.start("worker").await;
    assert!(api.base.store.complete_attempt(&attempt, &processed("Total 39.90")).await.unwrap());
    id
}

fn hook(webhook: &Value) -> String {
    format!("/webhooks/{}", text(&webhook["id"]))
}

/// Waits until the newest delivery of a webhook has this status, and answers with all that is known of it.
async fn delivery(api: &TestApi, webhook: &Value, status: &str) -> Value {
    delivery_that(api, webhook, |delivery| delivery["status"] == status).await
}

/// Waits until the newest delivery of a webhook is as it should be.
async fn delivery_that(api: &TestApi, webhook: &Value, is_right: impl Fn(&Value) -> bool) -> Value {
    let mut newest = Value::Null;
    for _ in 0..1500 {
        let list = api.get(&format!("{}/deliveries?limit=1", hook(webhook)), &api.token).await.body;
        newest = list["data"][0].clone();
        if newest.is_object() && is_right(&newest) {
            let path = format!("{}/deliveries/{}", hook(webhook), text(&newest["id"]));
            let answer = api.get(&path, &api.token).await;
            assert_eq!(answer.status, 200, "{answer:#?}");
            return answer.body;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the newest delivery is {newest:#}");
}

fn own_signature(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body);
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}

fn event_ids(received: &[Received]) -> Vec<String> {
    received.iter().map(|request| text(&request.json()["eventId"])).collect()
}

async fn a_processed_document_is_told_and_signed_both_ways(api: TestApi) {
    let receiver = Receiver::start().await;
    let webhook = create(&api, &format!("{}/hook?a=b", receiver.url), &["document.processed"]).await;
    let document = process(&api).await;
    let sending = Sending::start(&api);
    let [request] = receiver.wait_for(1).await.try_into().unwrap();
    sending.stop().await;

    assert_eq!(request.uri, "/hook?a=b");
    let body = request.json();
    assert_eq!(body["eventType"], "document.processed");
    assert_eq!(
        (&body["organizationId"], &body["projectId"]),
        (&json!(api.organization()), &json!(api.project()))
    );
    assert_eq!((&body["payload"]["id"], &body["payload"]["status"]), (&json!(document), &json!("completed")));
    assert_eq!(body["payload"]["result"]["text"], "Total 39.90");
    let id = text(&body["eventId"]);
    assert!(regex::Regex::new(r"^evt_\d{13}_[0-9a-z]{6}$").unwrap().is_match(&id), "{id}");

    let secret = text(&webhook["secret"]);
    assert_eq!(request.header("content-type"), "application/json");
    assert_eq!(request.header("x-webhook-signature"), own_signature(&secret, &request.body));
    assert_eq!(request.header("webhook-id"), id);
    Standard::new(&secret).unwrap().verify(&request.body, &request.headers).unwrap();

    let log = delivery(&api, &webhook, "delivered").await;
    assert_eq!((&log["eventId"], &log["body"], &log["nextAttemptAt"]), (&json!(id), &body, &json!(null)));
    let attempt = &log["attempts"][0];
    assert_eq!((&attempt["attempt"], &attempt["responseStatus"]), (&json!(1), &json!(200)));
    assert_eq!((&attempt["responseBody"], &attempt["error"]), (&json!("answered 200 OK"), &json!(null)));
    let shown = api.get(&hook(&webhook), &api.token).await.body;
    assert!(shown["lastDeliveredAt"].is_string() && shown["failingSince"].is_null(), "{shown:#}");
}

async fn an_event_carries_the_record_that_the_api_shows(api: TestApi) {
    let receiver = Receiver::start().await;
    create(&api, &receiver.url, &["document.processed"]).await;
    let document = process(&api).await;
    let _sending = Sending::start(&api);
    let told = receiver.wait_for(1).await[0].json()["payload"].clone();
    let mut record = api.get(&format!("/processing-history/{document}"), &api.token).await.body;
    record["result"].as_object_mut().unwrap().remove("pages");
    let told = told.as_object().unwrap();
    for (name, value) in record.as_object().unwrap().iter().filter(|(name, _)| told.contains_key(*name)) {
        assert_eq!(&told[name], value, "{name}");
    }
    let names = "id uploadId fileName fileUrl mimeType pageCount status templateId extractor result confidence metadata";
    assert!(names.split(' ').all(|name| told.contains_key(name)), "{told:#?}");
}

async fn a_batch_and_a_template_are_told(api: TestApi) {
    let receiver = Receiver::start().await;
    let events =
        ["batch.uploaded", "batch.completed", "template.created", "template.updated", "template.deleted"];
    create(&api, &receiver.url, &events).await;
    let form = reqwest::multipart::Form::new()
        .text("projectId", api.project())
        .part("files", reqwest::multipart::Part::bytes(support::api::png()).file_name("a.png"));
    let batch = api.submit(&api.batch_path(), &api.token, form).await.body;
    api.base.store.dispatch(1, 100).await.unwrap();
    let attempt = api.base.start("worker").await;
    assert!(api.base.store.complete_attempt(&attempt, &processed("text")).await.unwrap());
    let template =
        json!({"name": "A", "projectId": api.project(), "templateSchema": {"total": {"type": "number"}}});
    let template = api.post("/templates", &api.token, &template).await.body;
    let path = format!("/templates/{}", text(&template["id"]));
    api.send(Method::PATCH, &path, &api.token, &json!({"name": "B"})).await;
    api.send(Method::DELETE, &path, &api.token, &json!({})).await;
    let _sending = Sending::start(&api);
    let received = receiver.wait_for(5).await;
    let payload = |kind: &str| {
        let found = received.iter().map(Received::json).find(|body| body["eventType"] == kind);
        found.unwrap_or_else(|| panic!("`{kind}` did not arrive"))["payload"].clone()
    };
    for name in ["id", "templateId", "name", "projectId", "templateSchema", "isActive", "createdAt"] {
        assert_eq!(payload("template.created").get(name), template.get(name), "{name}");
    }
    assert_eq!(
        (&payload("template.updated")["name"], &payload("template.deleted")["name"]),
        (&json!("B"), &json!("B"))
    );
    let (uploaded, completed) = (payload("batch.uploaded"), payload("batch.completed"));
    assert_eq!((&uploaded["id"], &uploaded["status"]), (&batch["id"], &json!("processing")));
    assert_eq!((&completed["id"], &completed["status"]), (&batch["id"], &json!("completed")));
    let shown = api.get(&format!("/batch/{}", text(&batch["id"])), &api.token).await.body;
    for name in
        ["name", "totalFiles", "completedFiles", "failedFiles", "progress", "createdAt", "completedAt"]
    {
        assert_eq!(completed.get(name), shown.get(name), "{name}");
    }
}

async fn a_receiver_that_fails_is_asked_again_with_the_same_id(api: TestApi) {
    let receiver = Receiver::start().await;
    receiver.plan([Behaviour::Status(500)]);
    let webhook = create(&api, &receiver.url, &["document.uploaded"]).await;
    api.upload("a.png").await;
    let _sending = Sending::start(&api);
    delivery_failed_once(&api, &webhook).await;
    assert!(api.get(&hook(&webhook), &api.token).await.body["failingSince"].is_string());
    api.base.clock.advance(Duration::from_secs(7));
    let received = receiver.wait_for(2).await;
    let log = delivery(&api, &webhook, "delivered").await;
    assert_eq!(event_ids(&received)[0], event_ids(&received)[1]);
    assert_eq!(received[0].body, received[1].body);
    assert_eq!(
        (&log["attempts"][0]["error"]["code"], &log["attempts"][0]["responseStatus"]),
        (&json!("status"), &json!(500))
    );
    assert_eq!((&log["attemptCount"], &log["attempts"][1]["responseStatus"]), (&json!(2), &json!(200)));
    assert!(api.get(&hook(&webhook), &api.token).await.body["failingSince"].is_null());
}

/// Waits until the first attempt at the newest delivery is recorded as failed.
async fn delivery_failed_once(api: &TestApi, webhook: &Value) -> Value {
    for _ in 0..1500 {
        let log = delivery_that(api, webhook, |_| true).await;
        if log["attempts"]
            .as_array()
            .is_some_and(|attempts| attempts.iter().any(|one| one["error"].is_object()))
        {
            return log;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("no attempt failed");
}

async fn what_is_never_taken_is_given_up(api: TestApi) {
    let receiver = Receiver::start().await;
    receiver.plan(std::iter::repeat_n(Behaviour::Status(503), MAX_ATTEMPTS));
    let webhook = create(&api, &receiver.url, &["document.uploaded"]).await;
    api.upload("a.png").await;
    let _sending = Sending::start(&api);
    for attempt in 1..=MAX_ATTEMPTS {
        receiver.wait_for(attempt).await;
        let is_recorded = |log: &Value| log["attemptCount"] == attempt;
        delivery_that(&api, &webhook, is_recorded).await;
        settled(&api, &webhook, attempt).await;
        api.base.clock.advance(Duration::from_secs(60));
    }
    let log = delivery(&api, &webhook, "failed").await;
    assert_eq!((&log["attemptCount"], &log["nextAttemptAt"]), (&json!(MAX_ATTEMPTS), &json!(null)));
    assert_eq!(receiver.received().len(), MAX_ATTEMPTS);
}

/// Waits until what came of an attempt at the newest delivery is recorded.
async fn settled(api: &TestApi, webhook: &Value, attempt: usize) {
    for _ in 0..1500 {
        let log = delivery_that(api, webhook, |_| true).await;
        if log["attempts"][attempt - 1]["durationMs"].is_number() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("attempt {attempt} is not recorded");
}

async fn a_receiver_may_ask_for_a_longer_pause(api: TestApi) {
    let receiver = Receiver::start().await;
    receiver.plan([Behaviour::Busy(3600)]);
    let webhook = create(&api, &receiver.url, &["document.uploaded"]).await;
    api.upload("a.png").await;
    let _sending = Sending::start(&api);
    let log = delivery_failed_once(&api, &webhook).await;
    let now = api.base.clock.clock().now();
    let (earliest, latest) = (now.after(Duration::from_secs(3500)), now.after(Duration::from_secs(3601)));
    let next = text(&log["nextAttemptAt"]);
    assert!((earliest.to_iso()..latest.to_iso()).contains(&next), "{log:#}");
}

async fn a_redirect_is_not_followed(api: TestApi) {
    let (receiver, elsewhere) = (Receiver::start().await, Receiver::start().await);
    receiver.plan([Behaviour::Redirect(elsewhere.url.clone())]);
    let webhook = create(&api, &receiver.url, &["document.uploaded"]).await;
    api.upload("a.png").await;
    let sending = Sending::start(&api);
    let log = delivery_failed_once(&api, &webhook).await;
    sending.stop().await;
    assert_eq!(
        (&log["attempts"][0]["error"]["code"], &log["attempts"][0]["responseStatus"]),
        (&json!("redirect"), &json!(302))
    );
    assert_eq!(elsewhere.received().len(), 0);
}

async fn an_endless_answer_is_not_read_to_its_end(api: TestApi) {
    let receiver = Receiver::start().await;
    receiver.plan([Behaviour::Endless]);
    let webhook = create(&api, &receiver.url, &["document.uploaded"]).await;
    api.upload("a.png").await;
    let _sending = Sending::start(&api);
    let log = delivery(&api, &webhook, "delivered").await;
    assert_eq!(log["attempts"][0]["responseBody"], "x".repeat(2048));
}

async fn a_receiver_that_hangs_keeps_nobody_else_waiting(api: TestApi) {
    let (slow, quick) = (Receiver::start().await, Receiver::start().await);
    slow.plan(std::iter::repeat_n(Behaviour::Hang, 100));
    let hanging = create(&api, &slow.url, &["document.uploaded"]).await;
    create(&api, &quick.url, &["document.uploaded"]).await;
    for _ in 0..12 {
        api.upload("a.png").await;
    }
    let _sending = Sending::start(&api);
    quick.wait_for(12).await;
    assert!(slow.received().len() <= 4, "no more than its share is under way");
    let log = delivery_failed_once(&api, &hanging).await;
    let errors: Vec<&Value> =
        log["attempts"].as_array().unwrap().iter().map(|one| &one["error"]["code"]).collect();
    assert!(errors.contains(&&json!("timeout")), "{log:#}");
}

async fn a_delivery_whose_sender_was_lost_is_sent_again(api: TestApi) {
    let receiver = Receiver::start().await;
    receiver.plan([Behaviour::Hang]);
    let webhook = create(&api, &receiver.url, &["document.uploaded"]).await;
    api.upload("a.png").await;
    let killed = Sending::start(&api);
    receiver.wait_for(1).await;
    drop(killed);
    api.base.clock.advance(Duration::from_secs(60));
    let _sending = Sending::start(&api);
    let received = receiver.wait_for(2).await;
    let log = delivery(&api, &webhook, "delivered").await;
    assert_eq!(event_ids(&received)[0], event_ids(&received)[1]);
    assert_eq!(
        (&log["attempts"][0]["durationMs"], &log["attempts"][1]["responseStatus"]),
        (&json!(null), &json!(200))
    );
}

async fn two_senders_tell_each_event_once(api: TestApi) {
    let receiver = Receiver::start().await;
    create(&api, &receiver.url, &["document.uploaded"]).await;
    for _ in 0..20 {
        api.upload("a.png").await;
    }
    let (first, second) = (Sending::start(&api), Sending::start(&api));
    let received = receiver.wait_for(20).await;
    first.stop().await;
    second.stop().await;
    let mut ids = event_ids(&received);
    ids.sort();
    ids.dedup();
    assert_eq!((ids.len(), receiver.received().len()), (20, 20));
}

async fn both_secrets_sign_for_as_long_as_they_overlap(api: TestApi) {
    let receiver = Receiver::start().await;
    let webhook = create(&api, &receiver.url, &["document.uploaded"]).await;
    let before = text(&webhook["secret"]);
    let own = "a-secret-of-my-own";
    let rotate = format!("{}/rotate-secret", hook(&webhook));
    let rotated = api.post(&rotate, &api.token, &json!({"secret": own, "overlapHours": 2})).await;
    assert_eq!((rotated.status.as_u16(), &rotated.body["secret"]), (200, &json!(own)));
    assert!(rotated.body["previousSecretExpiresAt"].is_string(), "{rotated:#?}");
    api.upload("a.png").await;
    let _sending = Sending::start(&api);
    let request = receiver.wait_for(1).await.remove(0);
    let (new, old) = (Standard::from_bytes(own.into()).unwrap(), Standard::new(&before).unwrap());
    new.verify(&request.body, &request.headers).unwrap();
    old.verify(&request.body, &request.headers).unwrap();
    assert_eq!(request.header("x-webhook-signature"), own_signature(own, &request.body));
    assert_eq!(request.header("x-webhook-signature-previous"), own_signature(&before, &request.body));

    api.base.clock.advance(Duration::from_secs(2 * 60 * 60));
    api.upload("b.png").await;
    let request = receiver.wait_for(2).await.remove(1);
    let sign = |standard: &Standard| {
        let seconds = request.header("webhook-timestamp").parse().unwrap();
        standard.sign(request.header("webhook-id"), seconds, &request.body).unwrap()
    };
    assert_eq!(request.header("webhook-signature"), sign(&new));
    assert_eq!(request.header("x-webhook-signature-previous"), "");
}

async fn a_paused_webhook_is_told_later(api: TestApi) {
    let receiver = Receiver::start().await;
    let webhook = create(&api, &receiver.url, &["document.uploaded"]).await;
    api.send(Method::PATCH, &hook(&webhook), &api.token, &json!({"status": "paused"})).await;
    let marker = create(&api, &receiver.url, &["template.created"]).await;
    let id = text(&api.upload("a.png").await["id"]);
    let _sending = Sending::start(&api);
    let tried = api.post(&format!("{}/test", hook(&marker)), &api.token, &json!({})).await;
    assert_eq!(tried.status, 202, "{tried:#?}");
    assert_eq!(receiver.wait_for(1).await[0].json()["eventType"], "webhook.test");
    let refused = api.post(&format!("{}/test", hook(&webhook)), &api.token, &json!({})).await;
    refused.assert_error(409, "webhook.inactive");
    api.send(Method::PATCH, &hook(&webhook), &api.token, &json!({"status": "active"})).await;
    assert_eq!(receiver.wait_for(2).await[1].json()["payload"]["id"], id);
}

async fn a_disabled_webhook_is_not_told(api: TestApi) {
    let receiver = Receiver::start().await;
    let webhook = create(&api, &receiver.url, &["document.uploaded"]).await;
    api.send(Method::PATCH, &hook(&webhook), &api.token, &json!({"status": "disabled"})).await;
    api.upload("a.png").await;
    let list = api.get(&format!("{}/deliveries", hook(&webhook)), &api.token).await.body;
    assert_eq!((&list["data"], &list["pagination"]["total"]), (&json!([]), &json!(0)));
}

async fn a_delivery_is_sent_again_on_request(api: TestApi) {
    let receiver = Receiver::start().await;
    let webhook = create(&api, &receiver.url, &["document.uploaded"]).await;
    api.upload("a.png").await;
    let _sending = Sending::start(&api);
    let first = delivery(&api, &webhook, "delivered").await;
    let path = format!("{}/deliveries/{}/resend", hook(&webhook), text(&first["id"]));
    let resent = api.post(&path, &api.token, &json!({})).await;
    assert_eq!((resent.status.as_u16(), &resent.body["status"]), (202, &json!("pending")));
    let received = receiver.wait_for(2).await;
    assert_eq!(event_ids(&received)[0], event_ids(&received)[1]);
    let log =
        delivery_that(&api, &webhook, |log| log["status"] == "delivered" && log["attemptCount"] == 2).await;
    assert_eq!(log["attempts"].as_array().unwrap().len(), 2);
}

async fn a_webhook_that_fails_for_days_is_disabled(api: TestApi) {
    let receiver = Receiver::start().await;
    receiver.plan(std::iter::repeat_n(Behaviour::Status(500), 10));
    let webhook = create(&api, &receiver.url, &["document.uploaded"]).await;
    let _sending = Sending::start(&api);
    api.upload("a.png").await;
    settled(&api, &webhook, 1).await;
    api.base.clock.advance(Duration::from_secs(6 * 24 * 60 * 60));
    receiver.wait_for(2).await;
    settled(&api, &webhook, 2).await;
    assert_eq!(api.get(&hook(&webhook), &api.token).await.body["status"], "disabled");
    let page = ocriva::domain::listing::Page { number: 1, limit: 100 };
    let audit =
        api.base.store.list_audit(&api.organization(), &AuditFilter::default(), page).await.unwrap().items;
    let line = audit.iter().find(|line| line.action == "webhook.disabled").unwrap();
    assert_eq!(line.target, text(&webhook["id"]));
    assert_eq!(line.actor, ocriva::domain::audit::Actor::system());
}
