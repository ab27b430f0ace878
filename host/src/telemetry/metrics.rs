//! What is counted and measured, for Prometheus: every name and label is here, and every label has few values. Nothing
//! tells of a tenant.

use std::collections::BTreeSet;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio_util::sync::CancellationToken;

/// Upper ends of the buckets of requests, plugin calls and webhooks, in seconds.
const SHORT: &[f64] = &[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// Upper ends of the buckets of documents, in seconds.
const LONG: &[f64] = &[0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0];

/// How often samples that nobody has asked for are folded into their histograms.
const UPKEEP: Duration = Duration::from_secs(5);

/// Most versions of plugins that have labels of their own.
const MAX_PLUGINS: usize = 100;

/// Label of plugins that have none of their own.
const OTHER: &str = "other";

/// Label of organizations' own plugins.
const OWN: &str = "own";

const REQUESTS: &str = "ocriva_http_requests_total";
const REQUEST_SECONDS: &str = "ocriva_http_request_duration_seconds";
const ATTEMPTS: &str = "ocriva_document_attempts_total";
const ATTEMPT_SECONDS: &str = "ocriva_document_attempt_duration_seconds";
const PAGES: &str = "ocriva_pages_total";
const OCR_SECONDS: &str = "ocriva_ocr_duration_seconds";
const PLUGIN_CALLS: &str = "ocriva_plugin_calls_total";
const PLUGIN_SECONDS: &str = "ocriva_plugin_call_duration_seconds";
const WEBHOOKS: &str = "ocriva_webhook_attempts_total";
const WEBHOOK_SECONDS: &str = "ocriva_webhook_attempt_duration_seconds";
const DOCUMENTS: &str = "ocriva_documents";
const OLDEST_DOCUMENT: &str = "ocriva_oldest_waiting_document_seconds";
const DELIVERIES: &str = "ocriva_webhook_deliveries_due";
const OLDEST_DELIVERY: &str = "ocriva_oldest_due_webhook_delivery_seconds";
const CONNECTIONS: &str = "ocriva_database_connections";
const BUILD: &str = "ocriva_build_info";

/// Counts a request that was answered. `route` is the template of its path, not the path.
pub fn request_answered(route: &str, method: &str, status: u16, elapsed: Duration) {
    const METHODS: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
    let method = METHODS.into_iter().find(|known| *known == method).unwrap_or("other");
    let route = route.to_owned();
    counter!(REQUESTS, "route" => route.clone(), "method" => method, "status" => status.to_string())
        .increment(1);
    histogram!(REQUEST_SECONDS, "route" => route, "method" => method).record(elapsed);
}

/// Counts an attempt at a document.
pub fn attempt_ended(outcome: &'static str, elapsed: Duration) {
    counter!(ATTEMPTS, "outcome" => outcome).increment(1);
    histogram!(ATTEMPT_SECONDS, "outcome" => outcome).record(elapsed);
}

/// Counts a page that was read from `source`, a word for where its text came from, and measures the time that optical
/// character recognition took, if it was needed.
pub fn page_read(source: &'static str, ocr: Duration) {
    counter!(PAGES, "source" => source).increment(1);
    if !ocr.is_zero() {
        histogram!(OCR_SECONDS).record(ocr);
    }
}

/// Counts a call of a plugin of everybody's, given with its version. Of those beyond the first hundred that a process
/// meets, both are `other`.
pub fn plugin_called(plugin: (&str, &str), outcome: &'static str, elapsed: Duration) {
    static MET: Mutex<BTreeSet<(String, String)>> = Mutex::new(BTreeSet::new());
    let named = (plugin.0.to_owned(), plugin.1.to_owned());
    let mut met = MET.lock().unwrap_or_else(PoisonError::into_inner);
    if !met.contains(&named) && met.len() >= MAX_PLUGINS {
        return count_plugin_call(OTHER, OTHER, outcome, elapsed);
    }
    met.insert(named);
    drop(met);
    count_plugin_call(plugin.0, plugin.1, outcome, elapsed);
}

/// Counts a call of an organization's own plugin.
pub fn own_plugin_called(outcome: &'static str, elapsed: Duration) {
    count_plugin_call(OWN, OWN, outcome, elapsed);
}

fn count_plugin_call(plugin: &str, version: &str, outcome: &'static str, elapsed: Duration) {
    let (plugin, version) = (plugin.to_owned(), version.to_owned());
    counter!(PLUGIN_CALLS, "plugin" => plugin.clone(), "version" => version.clone(), "outcome" => outcome)
        .increment(1);
    histogram!(PLUGIN_SECONDS, "plugin" => plugin, "version" => version).record(elapsed);
}

/// Counts an attempt to tell a webhook.
pub fn webhook_called(outcome: &'static str, elapsed: Duration) {
    counter!(WEBHOOKS, "outcome" => outcome).increment(1);
    histogram!(WEBHOOK_SECONDS, "outcome" => outcome).record(elapsed);
}

/// What is looked up at the moment it is asked for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Load {
    /// Number of unfinished documents by status.
    pub documents: Vec<(&'static str, u64)>,
    /// How long the oldest document has been waiting.
    pub oldest_document: Duration,
    /// Deliveries of webhooks that are due.
    pub deliveries: u64,
    /// For how long the oldest of them has been due.
    pub oldest_delivery: Duration,
    /// Connections to the database: in use, idle.
    pub connections: (u64, u64),
}

/// Everything as Prometheus reads it.
pub fn rendered(load: &Load) -> String {
    let handle = handle();
    for (status, count) in &load.documents {
        gauge!(DOCUMENTS, "status" => *status).set(as_float(*count));
    }
    gauge!(OLDEST_DOCUMENT).set(load.oldest_document.as_secs_f64());
    gauge!(DELIVERIES).set(as_float(load.deliveries));
    gauge!(OLDEST_DELIVERY).set(load.oldest_delivery.as_secs_f64());
    gauge!(CONNECTIONS, "state" => "used").set(as_float(load.connections.0));
    gauge!(CONNECTIONS, "state" => "idle").set(as_float(load.connections.1));
    gauge!(BUILD, "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    handle.render()
}

/// Keeps the samples in memory few where nobody asks for them, until `stop` is cancelled.
pub async fn keep_up(stop: CancellationToken) {
    let handle = handle();
    while stop.run_until_cancelled(tokio::time::sleep(UPKEEP)).await.is_some() {
        handle.run_upkeep();
    }
}

/// Begins to count, unless that was done already; what happened before is not counted.
pub fn start() {
    handle();
}

/// Counting is for the whole process, as the interface of the library is.
fn handle() -> &'static PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    HANDLE.get_or_init(|| {
        let recorder = builder().build_recorder();
        let handle = recorder.handle();
        if metrics::set_global_recorder(recorder).is_err() {
            tracing::warn!("metrics are counted by somebody else, `/metrics` stays empty");
        }
        describe();
        handle
    })
}

fn builder() -> PrometheusBuilder {
    let named = |name: &str| Matcher::Full(name.to_owned());
    let durations = [
        (named(REQUEST_SECONDS), SHORT),
        (named(PLUGIN_SECONDS), SHORT),
        (named(WEBHOOK_SECONDS), SHORT),
        (Matcher::Suffix("_seconds".to_owned()), LONG),
    ];
    durations.into_iter().fold(PrometheusBuilder::new(), |builder, (matcher, buckets)| {
        #[expect(clippy::expect_used, reason = "the lists of buckets above are not empty")]
        builder.set_buckets_for_metric(matcher, buckets).expect("invariant: there are buckets")
    })
}

fn describe() {
    describe_counter!(REQUESTS, "Requests that were answered, by template of the path, method and status");
    describe_histogram!(REQUEST_SECONDS, Unit::Seconds, "Time from a request's arrival to its answer");
    describe_counter!(ATTEMPTS, "Attempts at documents, by what came of them");
    describe_histogram!(ATTEMPT_SECONDS, Unit::Seconds, "Time of an attempt at a document");
    describe_counter!(PAGES, "Pages that were read, by where their text came from");
    describe_histogram!(OCR_SECONDS, Unit::Seconds, "Time of optical character recognition, per page");
    describe_counter!(PLUGIN_CALLS, "Calls of plugins, by name, version and what came of them");
    describe_histogram!(
        PLUGIN_SECONDS,
        Unit::Seconds,
        "Time of a plugin's call, the pages it waited for included"
    );
    describe_counter!(WEBHOOKS, "Attempts to tell a webhook, by what came of them");
    describe_histogram!(WEBHOOK_SECONDS, Unit::Seconds, "Time of an attempt to tell a webhook");
    describe_gauge!(DOCUMENTS, "Documents that are not finished, by status");
    describe_gauge!(OLDEST_DOCUMENT, Unit::Seconds, "Age of the oldest document that waits");
    describe_gauge!(DELIVERIES, "Deliveries of webhooks that are due");
    describe_gauge!(
        OLDEST_DELIVERY,
        Unit::Seconds,
        "For how long the oldest delivery of a webhook has been due"
    );
    describe_gauge!(CONNECTIONS, "Connections to the database");
    describe_gauge!(BUILD, "The version that runs");
}

#[expect(clippy::cast_precision_loss, reason = "nothing that is counted comes near 2^53")]
fn as_float(count: u64) -> f64 {
    count as f64
}
