//! Documents on their way through a running server while the plugin that reads them changes.

use ocriva::domain::plugin::{Audience, Share};
use reqwest::Method;
use serde_json::{Value, json};
use support::api::{answer, component_form, text};
use support::database::Engine;
use support::server::{Installation, Server};
use support::{broken_guest, lines_guest, over_http};

over_http!(installation =>
    a_bad_canary_is_found_out_and_no_document_fails_by_it,
    a_canary_gets_the_documents_of_its_projects,
);

async fn installation(engine: Engine) -> Option<Installation> {
    Installation::new(engine).await
}

/// Uploads a plugin: its version.
async fn upload(server: &Server<'_>, component: Vec<u8>, activate: &'static str) -> Value {
    let form = component_form(component).text("activate", activate);
    let made = answer(server.request(Method::POST, "/plugins").multipart(form)).await;
    assert_eq!(made.status, 201, "{made:?}");
    made.body
}

/// Tries version 1.3.0 of `parts` on these terms.
async fn begin_canary(server: &Server<'_>, terms: Value) {
    let path = "/plugins/parts/versions/1.3.0/activate";
    let begun = answer(server.request(Method::POST, path).json(&terms)).await;
    assert_eq!(begun.body["state"], "canary", "{begun:?}");
}

async fn template(server: &Server<'_>) -> String {
    server.create_template(json!({"name": "Parts", "extractor": {"plugin": "parts"}})).await
}

async fn a_bad_canary_is_found_out_and_no_document_fails_by_it(installation: Installation) {
    let server = installation.start();
    let good = upload(&server, lines_guest("parts", "1.2.0"), "true").await;
    let bad = upload(&server, broken_guest("parts", "1.3.0"), "false").await;
    begin_canary(&server, json!({"canary": {"percent": 50}, "maxErrorRate": 0.3, "minimumCalls": 3})).await;
    let template = template(&server).await;
    let mut tried = 0;
    while server.get("/plugins/parts").await["canary"] != Value::Null {
        let id = server.upload("text.pdf", Some(&template)).await;
        let record = server.finished(&id).await;
        // Who gets the canary can be told from outside, and loses nothing by it.
        let audience = Audience { document_id: Some(id), ..Audience::default() };
        tried += u32::from(Share::Percent(50).has(&text(&bad["digest"]), &audience));
        assert_eq!(record["extractor"]["digest"], good["digest"], "{record}");
        assert!(tried <= 3, "the canary is not taken back");
    }
    assert_eq!(tried, 3);
    let versions = server.get("/plugins/parts/versions").await;
    assert_eq!((&versions[0]["state"], &versions[0]["failures"]), (&json!("failed"), &json!(3)));
    assert_eq!(versions[0]["lastError"]["code"], "plugin.bad_output");
    assert!(versions[1]["calls"].as_u64().is_some_and(|calls| calls >= 3), "{versions}");
    assert!(server.terminate().await);
}

async fn a_canary_gets_the_documents_of_its_projects(installation: Installation) {
    let server = installation.start();
    upload(&server, lines_guest("parts", "1.2.0"), "true").await;
    let tried = upload(&server, lines_guest("parts", "1.3.0"), "false").await;
    let other = json!({"name": "Other"});
    let other = answer(server.request(Method::POST, "/projects").json(&other)).await.body["id"].clone();
    let template = template(&server).await;
    for (project, version) in [(&server.credentials["projectId"], "1.3.0"), (&other, "1.2.0")] {
        begin_canary(&server, json!({"canary": {"projects": [project]}})).await;
        let id = server.upload("text.pdf", Some(&template)).await;
        let record = server.finished(&id).await;
        assert_eq!(record["extractor"]["version"], version, "{record}");
    }
    let canary = server.get("/plugins/parts").await["canary"].clone();
    assert_eq!((&canary["version"], &canary["calls"]), (&tried["version"], &json!(0)));
    assert!(server.terminate().await);
}
