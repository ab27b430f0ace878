//! Canaries: a version that is tried on a share of the documents, judged by how its calls end, in whichever process.

use std::time::Duration;

use ocriva::domain::document::{ExtractorIdentity, Failure, Processed};
use ocriva::domain::plugin::ExtractorCall;
use serde_json::{Value, json};
use support::api::{Answer, TestApi, text};
use support::store::processed;
use support::{lines_guest, over_http};

use super::{act, preview, upload, version_of};

over_http!(
    a_canary_is_tried_on_the_documents_of_its_projects,
    a_canary_that_fails_is_taken_back_by_itself,
    a_failure_of_the_document_is_not_the_canarys,
    a_good_canary_is_promoted_if_that_was_asked_for,
    a_canary_can_be_taken_back_and_its_terms_are_checked,
);

async fn activate(api: &TestApi, version: &str, body: Value) -> Answer {
    api.post(&format!("/plugins/parts/versions/{version}/activate"), &api.token, &body).await
}

/// The plugin `parts` with 1.2.0 active and 1.3.0 as the canary on these terms.
async fn with_canary(api: &TestApi, terms: Value) -> Value {
    api.install(lines_guest("parts", "1.2.0"), &api.token).await;
    upload(api, lines_guest("parts", "1.3.0")).await;
    let canary = activate(api, "1.3.0", terms).await;
    assert_eq!((canary.status.as_u16(), &canary.body["state"]), (200, &json!("canary")), "{canary:?}");
    canary.body
}

async fn plugin(api: &TestApi) -> Value {
    api.get("/plugins/parts", &api.token).await.body
}

/// Records how a document ended that a version of `parts` has read, as a worker does.
async fn end(api: &TestApi, version: &Value, failure: Option<&str>) {
    let attempt = api.base.upload_and_start().await;
    let extractor = ExtractorIdentity {
        plugin: "parts".to_owned(),
        version: text(&version["version"]),
        digest: text(&version["digest"]),
    };
    let store = &api.base.store;
    let is_recorded = match failure {
        None => {
            let mut processed = Processed { extractor, ..processed("TOTAL 3.50") };
            processed.timings.insert("extractor".to_owned(), 12);
            store.complete_attempt(&attempt, &processed).await
        }
        Some(code) => {
            let failure = Failure { code: code.to_owned(), message: "a test says so".to_owned() };
            let elapsed = Duration::from_millis(12);
            let call = ExtractorCall { extractor, elapsed, failure: Some(failure.clone()) };
            store.fail_attempt(&attempt, &failure, &[call]).await
        }
    };
    assert!(is_recorded.unwrap());
}

async fn a_canary_is_tried_on_the_documents_of_its_projects(api: TestApi) {
    let terms = json!({"canary": {"projects": [api.project()]}});
    with_canary(&api, terms).await;
    let plugin = plugin(&api).await;
    assert_eq!((&plugin["version"], &plugin["canaryVersion"]), (&json!("1.2.0"), &json!("1.3.0")));
    assert_eq!(plugin["canary"]["projects"], json!([api.project()]));
    // What belongs to no project gets the active version.
    assert_eq!(version_of(&api, json!({"plugin": "parts"})).await, "1.2.0");
    let pinned = preview(&api, &api.url, &json!({"plugin": "parts", "version": "1.3.0"})).await;
    assert_eq!(pinned.body["extractor"]["version"], "1.3.0");
}

async fn a_canary_that_fails_is_taken_back_by_itself(api: TestApi) {
    let hook = json!({"name": "Hook", "url": "https://93.184.215.14/", "events": ["plugin.failed"]});
    let hook = text(&api.post("/webhooks", &api.token, &hook).await.body["id"]);
    let terms = json!({"canary": {"percent": 50}, "maxErrorRate": 0.2, "minimumCalls": 5});
    let canary = with_canary(&api, terms).await;
    for failure in [None, None, None, Some("plugin.panic")] {
        end(&api, &canary, failure).await;
    }
    let before = plugin(&api).await["canary"].clone();
    assert_eq!((&before["calls"], &before["failures"]), (&json!(4), &json!(1)));
    end(&api, &canary, Some("plugin.trap")).await;
    let after = plugin(&api).await;
    assert_eq!((&after["version"], &after["canary"]), (&json!("1.2.0"), &Value::Null));
    let versions = api.get("/plugins/parts/versions", &api.token).await.body;
    let failed = &versions[0];
    assert_eq!((&failed["version"], &failed["state"]), (&json!("1.3.0"), &json!("failed")));
    assert_eq!(failed["reason"], "2 of 5 calls failed because of the plugin, at most 20 % may");
    assert_eq!((&failed["calls"], &failed["failures"]), (&json!(5), &json!(2)));
    assert_eq!(failed["meanMs"], 12.0);
    assert_eq!(failed["lastError"]["code"], "plugin.trap");
    let refused = preview(&api, &api.url, &json!({"plugin": "parts", "version": "1.3.0"})).await;
    refused.assert_error(422, "template.extractor");
    assert!(text(&refused.body["message"]).contains("2 of 5 calls failed"), "{refused:?}");
    let history = api.get("/plugins/parts/history", &api.token).await.body;
    assert_eq!(
        (&history["data"][0]["step"], &history["data"][0]["actorType"]),
        (&json!("failed"), &json!("system"))
    );
    let told = api.get(&format!("/webhooks/{hook}/deliveries"), &api.token).await.body;
    assert_eq!(
        (&told["pagination"]["total"], &told["data"][0]["eventType"]),
        (&json!(1), &json!("plugin.failed")),
        "{told}"
    );
    // It may be given another chance.
    assert_eq!(activate(&api, "1.3.0", json!({})).await.body["state"], "active");
}

async fn a_failure_of_the_document_is_not_the_canarys(api: TestApi) {
    let terms = json!({"canary": {"percent": 50}, "maxErrorRate": 0, "minimumCalls": 1});
    let canary = with_canary(&api, terms).await;
    for code in ["decode.damaged", "no_total", "plugin.busy"] {
        end(&api, &canary, Some(code)).await;
    }
    let canary = plugin(&api).await["canary"].clone();
    assert_eq!((&canary["calls"], &canary["failures"]), (&json!(3), &json!(0)));
}

async fn a_good_canary_is_promoted_if_that_was_asked_for(api: TestApi) {
    let mut terms = json!({"canary": {"percent": 50}, "minimumCalls": 1, "windowCalls": 2});
    let canary = with_canary(&api, terms.clone()).await;
    for _ in 0..3 {
        end(&api, &canary, None).await;
    }
    // Another window has begun.
    assert_eq!(plugin(&api).await["canary"]["calls"], 1);
    terms["promote"] = json!(true);
    activate(&api, "1.3.0", terms).await;
    for _ in 0..2 {
        end(&api, &canary, None).await;
    }
    let promoted = plugin(&api).await;
    assert_eq!((&promoted["version"], &promoted["canary"]), (&json!("1.3.0"), &Value::Null));
    let back = act(&api, "/plugins/parts/rollback").await;
    assert_eq!(back.body["version"], "1.2.0");
}

async fn a_canary_can_be_taken_back_and_its_terms_are_checked(api: TestApi) {
    with_canary(&api, json!({"canary": {"percent": 10}})).await;
    api.delete("/plugins/parts/versions/1.3.0", &api.token).await.assert_error(409, "plugin.in_use");
    let back = act(&api, "/plugins/parts/rollback").await;
    assert_eq!((&back.body["version"], &back.body["state"]), (&json!("1.2.0"), &json!("active")));
    assert_eq!(plugin(&api).await["canary"], Value::Null);
    let unknown = api.base.clock.clock().new_id();
    for wrong in [
        json!({"canary": {}}),
        json!({"canary": {"percent": 0}}),
        json!({"canary": {"percent": 10, "projects": []}}),
        json!({"canary": {"projects": []}}),
        json!({"canary": {"projects": [unknown]}}),
        json!({"canary": {"percent": 10}, "maxErrorRate": 1.5}),
        json!({"canary": {"percent": 10}, "minimumCalls": 0}),
        json!({"canary": {"percent": 10}, "minimumCalls": 30, "windowCalls": 20}),
        json!({"promote": true}),
    ] {
        activate(&api, "1.3.0", wrong).await.assert_error(400, "request.invalid");
    }
    let active = activate(&api, "1.2.0", json!({"canary": {"percent": 10}})).await;
    active.assert_error(409, "plugin.in_use");
    upload(&api, lines_guest("loner", "1.2.0")).await;
    let body = json!({"canary": {"percent": 10}});
    let alone = api.post("/plugins/loner/versions/1.2.0/activate", &api.token, &body).await;
    alone.assert_error(409, "plugin.state");
}
