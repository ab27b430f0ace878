//! Several processes as one installation: an API and a worker that share PostgreSQL and a bucket, and no folder.

use support::database::Engine;
use support::s3::S3Server;
use support::server::Installation;

const SECRET: &str = "one secret for the keys of every replica";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_document_goes_from_an_api_replica_through_a_bucket_to_a_worker_replica() {
    let Some(installation) = Installation::new(Engine::Postgres).await else { return };
    let bucket = S3Server::start().await;
    let shared = |role: &str| {
        let mut environment = vec![
            ("OCRIVA__SERVER__ROLE", role.to_owned()),
            ("OCRIVA__AUTH__SECRET", SECRET.to_owned()),
            ("OCRIVA__STORAGE__BLOB_URL", bucket.url()),
        ];
        environment.extend(bucket.environment());
        environment
    };
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
