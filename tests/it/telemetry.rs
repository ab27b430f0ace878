//! What the program tells of itself: metrics that move with the work, and one trace from an upload to its webhook.

use std::collections::BTreeMap;
use std::time::Duration;

use ocriva::config::Config;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::json;
use support::api::{TestApi, answer, bearer};
use support::database::Engine;
use support::receiver::Receiver;
use support::server::Installation;
use support::{fixture, over_http};

over_http!(requests_are_counted_by_the_template_of_their_path, what_waits_is_measured);

/// A trace that a client has begun.
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// The client's own span.
const CLIENT_SPAN: &str = "00f067aa0ba902b7";

/// The samples of a page of metrics by name and labels.
fn samples(page: &str) -> BTreeMap<String, f64> {
    let lines = page.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let (name, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("no sample: {line}"));
            (name.to_owned(), value.parse().unwrap_or_else(|_| panic!("no number: {line}")))
        })
        .collect()
}

async fn scraped(api: &TestApi) -> BTreeMap<String, f64> {
    let page = api.get("/metrics", "").await;
    assert_eq!(page.status, 200, "{page:#?}");
    assert_eq!(page.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    samples(page.body.as_str().expect("the page is text"))
}

async fn requests_are_counted_by_the_template_of_their_path(api: TestApi) {
    const ROUTE: &str =
        "ocriva_http_requests_total{route=\"/templates/{templateId}\",method=\"GET\",status=\"404\"}";
    scraped(&api).await;
    for _ in 0..3 {
        let id = api.base.clock.clock().new_id();
        api.get(&format!("/templates/{id}"), &api.token).await.assert_error(404, "template.unknown");
        api.get(&format!("/nowhere/{id}"), "").await.assert_error(404, "route.unknown");
    }
    let samples = scraped(&api).await;
    // Other tests of this process count, too.
    assert!(samples.get(ROUTE).is_some_and(|count| *count >= 3.0), "{samples:#?}");
    assert!(samples.keys().all(|name| !name.contains("nowhere") && !name.contains(&api.organization())));
    assert!(samples.keys().any(|name| name.starts_with("ocriva_http_request_duration_seconds_bucket{")));
    assert!(samples.keys().any(|name| name.starts_with("ocriva_build_info{version=")));
}

async fn what_waits_is_measured(api: TestApi) {
    api.upload("a.png").await;
    api.base.clock.advance(Duration::from_secs(90));
    api.upload("b.png").await;
    let load = api.base.store.load().await.unwrap();
    let waiting: u64 = load.documents.iter().map(|(_, count)| count).sum();
    let age = load.waiting_since.unwrap().until(api.base.clock.clock().now());
    assert_eq!((waiting, age.as_secs() / 10), (2, 9));
    assert!(load.connections_used + load.connections_idle > 0);
    let samples = scraped(&api).await;
    for name in ["ocriva_documents{status=\"pending\"}", "ocriva_oldest_waiting_document_seconds"] {
        assert!(samples.contains_key(name), "{name}: {samples:#?}");
    }
}

#[tokio::test]
async fn metrics_can_want_a_token() {
    let set = |config: &mut Config| config.telemetry.metrics_token = "for-prometheus".to_owned();
    let api = TestApi::with(Engine::Sqlite, set).await.unwrap();
    api.get("/metrics", "").await.assert_error(401, "auth.credential_missing");
    api.get("/metrics", "for-somebody").await.assert_error(401, "auth.credential_invalid");
    api.get("/metrics", &api.token).await.assert_error(401, "auth.credential_invalid");
    assert_eq!(api.get("/metrics", "for-prometheus").await.status, 200);
}

#[tokio::test]
async fn metrics_can_be_switched_off_or_set_apart() {
    let off = |config: &mut Config| config.telemetry.metrics = false;
    let api = TestApi::with(Engine::Sqlite, off).await.unwrap();
    api.get("/metrics", "").await.assert_error(404, "route.unknown");
    let apart = |config: &mut Config| config.telemetry.metrics_listen = "127.0.0.1:9".to_owned();
    let api = TestApi::with(Engine::Sqlite, apart).await.unwrap();
    api.get("/metrics", "").await.assert_error(404, "route.unknown");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_trace_leads_from_an_upload_to_its_webhook() {
    let (collector, hook) = (Receiver::start().await, Receiver::start().await);
    let installation = Installation::new(Engine::Sqlite).await.unwrap();
    let server = installation.start_with(&[
        ("OCRIVA__TELEMETRY__OTLP_ENDPOINT", collector.url.clone()),
        ("OCRIVA__WEBHOOKS__ALLOWED_NETWORKS", r#"["127.0.0.0/8"]"#.to_owned()),
        ("OCRIVA__LOG__FILTER", "warn,ocriva=info".to_owned()),
    ]);
    let webhook = json!({"name": "Hook", "url": hook.url, "events": ["document.processed"]});
    let made = server.request(Method::POST, "/webhooks").json(&webhook).send().await.unwrap();
    assert_eq!(made.status(), 201);
    let text = |key: &str| server.credentials[key].as_str().unwrap().to_owned();
    let form = Form::new()
        .part("file", Part::bytes(fixture("invoice.pdf")).file_name("invoice.pdf"))
        .text("fileName", "invoice.pdf")
        .text("fileType", "pdf")
        .text("projectId", text("projectId"));
    let upload = server
        .request(Method::POST, &format!("/upload/{}/file", text("organizationId")))
        .header("traceparent", format!("00-{TRACE}-{CLIENT_SPAN}-01"))
        .multipart(form);
    let uploaded = answer(upload).await;
    assert_eq!(uploaded.status, 201, "{uploaded:#?}");
    let told = hook.wait_for(1).await.remove(0);

    let page = answer(bearer(server.request(Method::GET, "/metrics"), "")).await;
    let samples = samples(page.body.as_str().unwrap());
    let count = |name: &str| samples.get(name).copied().unwrap_or_default();
    assert!(count("ocriva_document_attempts_total{outcome=\"processed\"}") == 1.0, "{samples:#?}");
    assert!(count("ocriva_pages_total{source=\"text_layer\"}") >= 1.0, "{samples:#?}");
    assert!(
        count("ocriva_plugin_calls_total{plugin=\"text\",version=\"0.1.0\",outcome=\"ok\"}") == 1.0,
        "{samples:#?}"
    );

    assert!(server.terminate().await, "the server stops, and sends its last spans before");
    let spans = spans(&collector);
    let find = |name: &str, under: &[u8]| {
        let is_right = |span: &&Span| span.name == name && span.parent_span_id == under;
        let found = spans.iter().find(is_right);
        found.unwrap_or_else(|| panic!("no `{name}` below {}: {spans:#?}", hex::encode(under)))
    };
    let request = find("request", &hex::decode(CLIENT_SPAN).unwrap());
    let attempt = find("attempt", &request.span_id);
    for step in ["fetch", "open", "extract"] {
        find(step, &attempt.span_id);
    }
    let sent = find("webhook", &attempt.span_id);
    assert_eq!(told.header("traceparent"), format!("00-{TRACE}-{}-01", hex::encode(&sent.span_id)));
}

/// Spans of the client's trace that have arrived.
fn spans(collector: &Receiver) -> Vec<Span> {
    let trace = hex::decode(TRACE).unwrap();
    let requests = collector.received().into_iter().map(|request| {
        assert_eq!(request.uri, "/v1/traces");
        ExportTraceServiceRequest::decode(request.body).expect("the body is OTLP")
    });
    requests
        .flat_map(|request| request.resource_spans)
        .flat_map(|resource| resource.scope_spans)
        .flat_map(|scope| scope.spans)
        .filter(|span| span.trace_id == trace)
        .collect()
}
