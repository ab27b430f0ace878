//! What Prometheus reads: how much is done, how fast, and how much waits.

use axum::extract::State;
use axum::http::{HeaderMap, header};
use subtle::ConstantTimeEq as _;

use super::Context;
use super::error::{ApiError, Code};
use crate::domain::timestamp::Timestamp;
use crate::telemetry::metrics::{self, Load};

/// The format that is answered, and its version.
const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Metrics as text, in the format that headers name.
type Text = ([(header::HeaderName, &'static str); 1], String);

/// Tells Prometheus how much is done, how fast, and how much waits; nothing of tenants. Where the operator has set a
/// token, it is wanted as `Authorization: Bearer …`.
#[utoipa::path(get, path = "/metrics", tag = "health", security(()),
    responses((status = 200, description = "Metrics in the text format of Prometheus", body = String,
            content_type = "text/plain"),
        (status = 401, description = "The operator has set a token, and it was not presented"),
        (status = 404, description = "Metrics are switched off, or served at an address of their own")))]
pub async fn get_metrics(State(context): State<Context>, headers: HeaderMap) -> Result<Text, ApiError> {
    if !context.config.telemetry.metrics_listen.is_empty() {
        return Err(ApiError::new(Code::RouteUnknown, "metrics are served at an address of their own"));
    }
    measured(&context, &headers).await
}

/// As [`get_metrics`], at the address that is set aside for it.
pub async fn get_metrics_apart(State(context): State<Context>, headers: HeaderMap) -> Result<Text, ApiError> {
    measured(&context, &headers).await
}

async fn measured(context: &Context, headers: &HeaderMap) -> Result<Text, ApiError> {
    let settings = &context.config.telemetry;
    if !settings.metrics {
        return Err(ApiError::new(Code::RouteUnknown, "metrics are switched off"));
    }
    if !settings.metrics_token.is_empty() {
        check(headers, &settings.metrics_token)?;
    }
    let (load, now) = (context.store.load().await?, context.clock.now());
    let age = |since: Option<Timestamp>| since.map(|since| since.until(now)).unwrap_or_default();
    let text = metrics::rendered(&Load {
        documents: load.documents.iter().map(|(status, count)| (status.as_str(), *count)).collect(),
        oldest_document: age(load.waiting_since),
        deliveries: load.deliveries,
        oldest_delivery: age(load.due_since),
        connections: (load.connections_used, load.connections_idle),
    });
    Ok(([(header::CONTENT_TYPE, CONTENT_TYPE)], text))
}

fn check(headers: &HeaderMap, token: &str) -> Result<(), ApiError> {
    let presented = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let Some(presented) = presented else {
        let message = "a credential is needed: `Authorization: Bearer …` with the token of the metrics";
        return Err(ApiError::new(Code::CredentialMissing, message));
    };
    let presented = presented.strip_prefix("Bearer ").unwrap_or_default().trim();
    if presented.as_bytes().ct_eq(token.as_bytes()).into() {
        return Ok(());
    }
    Err(ApiError::new(Code::CredentialInvalid, "the credential is not the token of the metrics"))
}
