//! Several processes as one installation: an API and a worker that share PostgreSQL and a bucket, and no folder.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::json;
use support::api::{answer, component_form};
use support::database::Engine;
use support::lines_guest;
use support::s3::S3Server;
use support::server::Installation;

const SECRET: &str = "one secret for the keys of every replica";

/// The environment of a replica with this role.
fn shared(bucket: &S3Server, role: &str) -> Vec<(&'static str, String)> {
    let mut environment = vec![
        ("OCRIVA__SERVER__ROLE", role.to_owned()),
        ("OCRIVA__AUTH__SECRET", SECRET.to_owned()),
        ("OCRIVA__STORAGE__BLOB_URL", bucket.url()),
    ];
    environment.extend(bucket.environment());
    environment
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_document_goes_from_an_api_replica_through_a_bucket_to_a_worker_replica() {
    let Some(installation) = Installation::new(Engine::Postgres).await else { return };
    let bucket = S3Server::start().await;
    let shared = |role: &str| shared(&bucket, role);
    let api = installation.start_with(&shared("api"));
    let invoice =
        api.create_template(serde_json::json!({"name": "Invoice", "extractor": {"plugin": "invoice"}})).await;
    let id = api.upload("invoice.pdf", Some(&invoice)).await;
    assert_eq!(api.record(&id).await["status"], "pending");
    assert_eq!(bucket.objects().len(), 1, "{:?}", bucket.objects());

    let elsewhere = installation.replica();
    let worker = elsewhere.start_with(&shared("worker"));
    let record = api.finished(&id).await;
    assert_eq!(record["status"], "completed", "{record}");
    assert!(record["result"]["data"]["total"].is_number(), "{}", record["result"]["data"]);

    let file = api.request(reqwest::Method::GET, &format!("/files/{id}")).send().await.unwrap();
    assert_eq!(file.bytes().await.unwrap(), support::fixture("invoice.pdf"));
    let deleted =
        api.request(reqwest::Method::DELETE, &format!("/processing-history/{id}")).send().await.unwrap();
    assert_eq!(deleted.status(), 204);
    assert_eq!(bucket.objects(), Vec::<std::path::PathBuf>::new());
    assert!(worker.terminate().await);
    assert!(api.terminate().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plugin_that_an_api_replica_was_given_runs_at_a_worker_replica() {
    let Some(installation) = Installation::new(Engine::Postgres).await else { return };
    let bucket = S3Server::start().await;
    let shared = |role: &str| shared(&bucket, role);
    let api = installation.start_with(&shared("api"));
    let elsewhere = installation.replica();
    let worker = elsewhere.start_with(&shared("worker"));
    let mut template = None;
    for version in ["1.2.0", "1.3.0", "1.2.0"] {
        let form = component_form(lines_guest("parts", version)).text("activate", "true");
        let made = answer(api.request(Method::POST, "/plugins").multipart(form)).await;
        assert!(made.status.is_success(), "{made:?}");
        let since = Instant::now();
        loop {
            let replicas = api.get("/plugins/parts").await["replicas"].clone();
            let replicas = replicas.as_array().expect("there is a list");
            if replicas.len() == 2 && replicas.iter().all(|replica| replica["state"] == "current") {
                break;
            }
            assert!(since.elapsed() < Duration::from_secs(30), "{replicas:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let id = match &template {
            Some(id) => id,
            None => {
                let body = json!({"name": "Parts", "extractor": {"plugin": "parts"}});
                template.insert(api.create_template(body).await)
            }
        };
        let document = api.upload("text.pdf", Some(id)).await;
        let record = api.finished(&document).await;
        assert_eq!(record["extractor"]["version"], version, "{record}");
        assert_eq!(record["extractor"]["digest"], made.body["digest"], "{record}");
    }
    let versions = api.get("/plugins/parts/versions").await;
    assert_eq!((&versions[1]["version"], &versions[1]["calls"]), (&json!("1.2.0"), &json!(2)));
    assert!(worker.terminate().await);
    assert!(api.terminate().await);
}
