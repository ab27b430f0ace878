//! The life of a plugin in a running system, over HTTP and with real components: uploaded, swapped under load, tried on
//! a share of the documents, taken back, deleted, and the same in every process.

mod access;
mod canaries;
mod documents;
mod folder;
mod operators;
mod push;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use support::api::{Answer, TestApi, answer, bearer, component_form, text};
use support::database::Engine;
use support::{broken_guest, guest, lines_guest, over_http};
use wasm_encoder::{ComponentSection as _, CustomSection};

over_http!(
    an_uploaded_plugin_runs_for_its_organization_and_is_not_there_for_another,
    a_version_is_uploaded_once_and_never_changes,
    a_file_that_cannot_be_used_is_refused_and_nothing_of_it_is_kept,
    versions_are_swapped_under_load_without_a_failed_request,
    a_rollback_goes_back_step_by_step,
    a_pinned_version_and_a_range_keep_what_they_ask_for,
    a_version_in_use_is_not_deleted_and_the_templates_are_named,
    an_active_version_that_templates_need_is_not_retired,
    every_process_runs_what_one_was_told,
    each_step_is_in_the_history_the_audit_log_and_told_to_webhooks,
    a_projects_token_looks_at_plugins_and_changes_none,
);

/// How long something may take that happens by itself.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs `look` until it is satisfied.
async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let since = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(since.elapsed() < PATIENCE, "{what} does not happen");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Uploads a component as a draft.
async fn upload(api: &TestApi, component: Vec<u8>) -> Answer {
    api.submit("/plugins", &api.token, component_form(component)).await
}

async fn act(api: &TestApi, path: &str) -> Answer {
    answer(bearer(api.request(Method::POST, path), &api.token)).await
}

/// Has a text read by an extractor, at one of the servers.
async fn preview(api: &TestApi, url: &str, extractor: &Value) -> Answer {
    let template = json!({"name": "Preview", "extractor": extractor});
    let file = Part::text("Corner Shop\nTOTAL 3.50\n").file_name("receipt.txt");
    let form = Form::new().part("file", file).text("template", template.to_string());
    answer(bearer(api.request_at(url, Method::POST, "/templates/preview"), &api.token).multipart(form)).await
}

/// The version of `lines` that an extractor choice leads to.
async fn version_of(api: &TestApi, extractor: Value) -> String {
    let answer = preview(api, &api.url, &extractor).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    text(&answer.body["extractor"]["version"])
}

async fn an_uploaded_plugin_runs_for_its_organization_and_is_not_there_for_another(api: TestApi) {
    let made = api.install(lines_guest("parts", "1.2.0"), &api.token).await;
    assert_eq!((&made["state"], &made["origin"]), (&json!("active"), &json!("organization")));
    let read = preview(&api, &api.url, &json!({"plugin": "parts"})).await;
    assert_eq!(read.body["result"]["fields"]["line_1"]["value"], "Corner Shop", "{read:?}");
    assert_eq!(
        read.body["extractor"],
        json!({"plugin": "parts", "version": "1.2.0", "digest": made["digest"]})
    );
    let (_, foreign) = api.foreign_token().await;
    let theirs = api.get("/plugins", &foreign).await.body;
    assert!(theirs.as_array().unwrap().iter().all(|plugin| plugin["name"] != "parts"), "{theirs}");
    for path in ["/plugins/parts", "/plugins/parts/versions", "/plugins/parts/history"] {
        api.get(path, &foreign).await.assert_error(404, "plugin.unknown");
    }
    let taken = answer(bearer(api.request(Method::POST, "/plugins/parts/rollback"), &foreign)).await;
    taken.assert_error(404, "plugin.unknown");
    // The name is free for them, and theirs is another plugin.
    let own = api.install(lines_guest("parts", "1.9.0"), &foreign).await;
    assert_ne!(own["digest"], made["digest"]);
    assert_eq!(version_of(&api, json!({"plugin": "parts"})).await, "1.2.0");
}

async fn a_version_is_uploaded_once_and_never_changes(api: TestApi) {
    let first = upload(&api, lines_guest("parts", "1.2.0")).await;
    assert_eq!((first.status.as_u16(), &first.body["state"]), (201, &json!("draft")));
    let again = upload(&api, lines_guest("parts", "1.2.0")).await;
    assert_eq!((again.status.as_u16(), &again.body), (200, &first.body));
    let other = upload(&api, broken_guest("parts", "1.2.0")).await;
    other.assert_error(409, "plugin.version_exists");
    assert!(text(&other.body["message"]).contains(&text(&first.body["digest"])), "{other:?}");
    assert_eq!(api.blobs().len(), 1);
    // A draft runs for who names it, and for nobody else.
    assert_eq!(version_of(&api, json!({"plugin": "parts", "version": "1.2.0"})).await, "1.2.0");
    let unnamed = preview(&api, &api.url, &json!({"plugin": "parts"})).await;
    unnamed.assert_error(422, "template.extractor");
    assert!(text(&unnamed.body["message"]).contains("no active version"), "{unnamed:?}");
}

async fn a_file_that_cannot_be_used_is_refused_and_nothing_of_it_is_kept(api: TestApi) {
    let mut cut = guest("lines");
    cut.truncate(5000);
    for bad in [b"%PDF-1.7".to_vec(), b"\0asm\x01\0\0\0".to_vec(), cut] {
        let refused = upload(&api, bad).await;
        refused.assert_error(422, "plugin.refused");
        assert!(text(&refused.body["message"]).contains("component"), "{refused:?}");
    }
    let mut large = guest("lines");
    CustomSection { name: "padding".into(), data: vec![0; 4 << 20].into() }.append_to_component(&mut large);
    upload(&api, large).await.assert_error(413, "file.too_large");
    api.submit("/plugins", &api.token, Form::new().text("activate", "true"))
        .await
        .assert_error(400, "request.invalid");
    let unsure = component_form(lines_guest("parts", "1.2.0")).text("activate", "perhaps");
    api.submit("/plugins", &api.token, unsure).await.assert_error(400, "request.invalid");
    assert!(api.blobs().is_empty());
    api.get("/plugins/parts", &api.token).await.assert_error(404, "plugin.unknown");
}

async fn versions_are_swapped_under_load_without_a_failed_request(api: TestApi) {
    const SWAPS: usize = 20;
    let api = Arc::new(api);
    let versions = ["1.2.0", "1.3.0"];
    let mut digests = Vec::new();
    for version in versions {
        digests.push(text(&api.install(lines_guest("parts", version), &api.token).await["digest"]));
    }
    let is_over = Arc::new(AtomicBool::new(false));
    let clients: Vec<_> = (0..8)
        .map(|_| {
            let (api, is_over) = (Arc::clone(&api), Arc::clone(&is_over));
            tokio::spawn(async move {
                let mut seen = Vec::new();
                while !is_over.load(Ordering::Relaxed) {
                    let read = preview(&api, &api.url, &json!({"plugin": "parts"})).await;
                    assert_eq!(read.status, 200, "{read:?}");
                    let extractor = &read.body["extractor"];
                    seen.push((text(&extractor["version"]), text(&extractor["digest"])));
                }
                seen
            })
        })
        .collect();
    for swap in 0..SWAPS {
        let version = versions[swap % 2];
        let path = format!("/plugins/parts/versions/{version}/activate");
        assert_eq!(act(&api, &path).await.status, 200);
        // From the answer on, the version is in force.
        assert_eq!(version_of(&api, json!({"plugin": "parts"})).await, version);
    }
    is_over.store(true, Ordering::Relaxed);
    let mut seen = BTreeSet::new();
    for client in clients {
        seen.extend(client.await.expect("no request failed"));
    }
    let named: BTreeSet<_> = versions.map(str::to_owned).into_iter().zip(digests).collect();
    assert_eq!(seen, named);
}

async fn a_rollback_goes_back_step_by_step(api: TestApi) {
    for version in ["1.2.0", "1.3.0", "1.4.0"] {
        api.install(lines_guest("parts", version), &api.token).await;
    }
    for version in ["1.3.0", "1.2.0"] {
        let back = act(&api, "/plugins/parts/rollback").await;
        assert_eq!((back.status.as_u16(), text(&back.body["version"])), (200, version.to_owned()));
        assert_eq!(version_of(&api, json!({"plugin": "parts"})).await, version);
    }
    act(&api, "/plugins/parts/rollback").await.assert_error(409, "plugin.state");
    let versions = api.get("/plugins/parts/versions", &api.token).await.body;
    let states: Vec<_> =
        versions.as_array().unwrap().iter().map(|version| version["state"].clone()).collect();
    assert_eq!(states, ["retired", "retired", "active"]);
    act(&api, "/plugins/parts/versions/9.9.9/activate").await.assert_error(404, "plugin.version_unknown");
    act(&api, "/plugins/invoice/rollback").await.assert_error(404, "plugin.unknown");
}

async fn a_pinned_version_and_a_range_keep_what_they_ask_for(api: TestApi) {
    for version in ["1.2.0", "1.2.9", "1.3.0"] {
        api.install(lines_guest("parts", version), &api.token).await;
    }
    let asked = async |version: &str| version_of(&api, json!({"plugin": "parts", "version": version})).await;
    assert_eq!(asked("1.2.0").await, "1.2.0");
    assert_eq!(asked("~1.2").await, "1.2.9");
    assert_eq!(asked("^1.2").await, "1.3.0");
    act(&api, "/plugins/parts/rollback").await;
    // What was taken back is not what a range gets.
    assert_eq!(asked("^1.2").await, "1.2.9");
    assert_eq!(asked("1.3.0").await, "1.3.0");
    // Where the own plugin has none that will do, everybody's may.
    api.install(lines_guest("parts", "1.4.0"), &api.token).await;
    let bundled = version_of(&api, json!({"plugin": "receipt"})).await;
    assert_eq!(version_of(&api, json!({"plugin": "receipt", "version": bundled})).await, bundled);
}

async fn a_version_in_use_is_not_deleted_and_the_templates_are_named(api: TestApi) {
    for version in ["1.2.0", "1.3.0"] {
        api.install(lines_guest("parts", version), &api.token).await;
    }
    let path = |version: &str| format!("/plugins/parts/versions/{version}");
    let active = api.delete(&path("1.3.0"), &api.token).await;
    active.assert_error(409, "plugin.in_use");
    let template = async |version: &str| {
        let extractor = json!({"plugin": "parts", "version": version});
        let body =
            json!({"name": format!("Needs {version}"), "projectId": api.project(), "extractor": extractor});
        text(&api.post("/templates", &api.token, &body).await.body["id"])
    };
    let (pinned, ranged) = (template("1.2.0").await, template("~1.2").await);
    let needed = api.delete(&path("1.2.0"), &api.token).await;
    needed.assert_error(409, "plugin.in_use");
    let message = text(&needed.body["message"]);
    assert!(message.contains(&pinned) && message.contains(&ranged), "{message}");
    for id in [pinned, ranged] {
        assert_eq!(api.delete(&format!("/templates/{id}"), &api.token).await.status, 204);
    }
    assert_eq!(api.blobs().len(), 2);
    assert_eq!(api.delete(&path("1.2.0"), &api.token).await.status, 204);
    assert_eq!(api.blobs().len(), 1);
    api.delete(&path("1.2.0"), &api.token).await.assert_error(404, "plugin.version_unknown");
    let gone = preview(&api, &api.url, &json!({"plugin": "parts", "version": "1.2.0"})).await;
    gone.assert_error(422, "template.extractor");
}

async fn an_active_version_that_templates_need_is_not_retired(api: TestApi) {
    api.install(lines_guest("parts", "1.2.0"), &api.token).await;
    let body = json!({"name": "Parts", "projectId": api.project(), "extractor": {"plugin": "parts"}});
    let template = text(&api.post("/templates", &api.token, &body).await.body["id"]);
    let retire = "/plugins/parts/versions/1.2.0/retire";
    let needed = act(&api, retire).await;
    needed.assert_error(409, "plugin.in_use");
    assert!(text(&needed.body["message"]).contains(&template), "{needed:?}");
    api.delete(&format!("/templates/{template}"), &api.token).await;
    let retired = act(&api, retire).await;
    assert_eq!((retired.status.as_u16(), &retired.body["state"]), (200, &json!("retired")));
    assert_eq!(version_of(&api, json!({"plugin": "parts", "version": "^1"})).await, "1.2.0");
    assert_eq!(api.get("/plugins/parts", &api.token).await.body["status"], "inactive");
}

async fn every_process_runs_what_one_was_told(api: TestApi) {
    let other = api.replica().await;
    let mut digests = Vec::new();
    for version in ["1.2.0", "1.3.0"] {
        digests.push(api.install(lines_guest("parts", version), &api.token).await["digest"].clone());
        let states = until("that both processes are current", async || {
            let plugin = api.get("/plugins/parts", &api.token).await.body;
            let states: Vec<String> =
                plugin["replicas"].as_array()?.iter().map(|replica| text(&replica["state"])).collect();
            states.iter().all(|state| state == "current").then_some(states)
        })
        .await;
        assert_eq!(states.len(), 2);
        let read = preview(&api, &other, &json!({"plugin": "parts"})).await;
        assert_eq!(read.body["extractor"]["version"], version, "{read:?}");
        assert_eq!(read.body["extractor"]["digest"], *digests.last().unwrap());
    }
}

async fn each_step_is_in_the_history_the_audit_log_and_told_to_webhooks(api: TestApi) {
    let hook = json!({"name": "Hook", "url": "https://93.184.215.14/",
        "events": ["plugin.uploaded", "plugin.activated", "plugin.failed", "plugin.retired", "plugin.deleted"]});
    let hook = text(&api.post("/webhooks", &api.token, &hook).await.body["id"]);
    for version in ["1.2.0", "1.3.0"] {
        api.install(lines_guest("parts", version), &api.token).await;
    }
    act(&api, "/plugins/parts/rollback").await;
    assert_eq!(api.delete("/plugins/parts/versions/1.3.0", &api.token).await.status, 204);
    let history = api.get("/plugins/parts/history", &api.token).await.body;
    let steps: Vec<String> = history["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| format!("{} {}", text(&step["step"]), text(&step["version"])))
        .collect();
    let expected = [
        "deleted 1.3.0",
        "rolled_back 1.2.0",
        "activated 1.3.0",
        "uploaded 1.3.0",
        "activated 1.2.0",
        "uploaded 1.2.0",
    ];
    assert_eq!(steps, expected);
    assert_eq!(history["data"][0]["actorType"], "token");
    let audit = api.get("/audit?action=plugin.*", &api.token).await.body;
    assert_eq!(audit["pagination"]["total"], 6, "{audit}");
    assert_eq!(audit["data"][0]["changes"]["version"], "1.3.0");
    let told = api.get(&format!("/webhooks/{hook}/deliveries"), &api.token).await.body;
    assert_eq!(told["pagination"]["total"], 6, "{told}");
    for (index, event, version) in [(0, "plugin.deleted", "1.3.0"), (1, "plugin.activated", "1.2.0")] {
        let delivery = text(&told["data"][index]["id"]);
        let delivery = api.get(&format!("/webhooks/{hook}/deliveries/{delivery}"), &api.token).await.body;
        let payload = delivery.to_string();
        assert!(payload.contains(event) && payload.contains(version), "{payload}");
    }
}

async fn a_projects_token_looks_at_plugins_and_changes_none(api: TestApi) {
    api.install(lines_guest("parts", "1.2.0"), &api.token).await;
    let scopes = ocriva::domain::token::TokenScope::ALL;
    let bound = api.token_with(&api.organization(), Some(&api.project()), scopes).await;
    assert_eq!(api.get("/plugins/parts", &bound).await.status, 200);
    let form = component_form(lines_guest("parts", "1.3.0"));
    api.submit("/plugins", &bound, form).await.assert_error(401, "auth.project_out_of_reach");
    let removed = api.delete("/plugins/parts/versions/1.2.0", &bound).await;
    removed.assert_error(401, "auth.project_out_of_reach");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_component_whose_record_is_gone_is_swept_once_it_is_old() {
    let api = TestApi::new(Engine::Sqlite).await.unwrap();
    upload(&api, lines_guest("parts", "1.2.0")).await;
    upload(&api, lines_guest("parts", "1.3.0")).await;
    api.base.execute("delete from plugin_versions where version = '1.3.0'").await;
    let config = ocriva::config::Config::default();
    let blobs = ocriva::blobs::Blobs::open(&format!("file:{}", api.blob_folder().display())).unwrap();
    let upkeep =
        ocriva::upkeep::Upkeep::new(api.base.store.clone(), blobs, api.base.clock.clock(), &config.upkeep);
    assert_eq!(upkeep.sweep_files().await.unwrap(), 0);
    api.base.clock.advance(Duration::from_secs(60 * 60 * u64::from(config.upkeep.orphan_hours + 1)));
    assert_eq!(upkeep.sweep_files().await.unwrap(), 1);
    assert_eq!(api.blobs().len(), 1);
}
