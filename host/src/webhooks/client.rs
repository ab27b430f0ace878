//! One attempt at a delivery over HTTP: to a permitted address, within a time, with as much of the answer as a log
//! needs. Redirects are not followed and no proxy is used: either would lead past the guard.

use std::error::Error as StdError;
use std::time::{Duration, Instant};

use reqwest::Response;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER, USER_AGENT};

use super::headers::{self, CustomHeaders};
use super::signature;
use crate::domain::webhook::{AttemptAnswer, AttemptFailure};
use crate::outbound::{self, Guard, Refusal};
use crate::telemetry::traces::TRACEPARENT;

/// How much of an answer is read and kept.
const KEPT_BYTES: usize = 2048;

const SIGNATURE: HeaderName = HeaderName::from_static("x-webhook-signature");
const PREVIOUS_SIGNATURE: HeaderName = HeaderName::from_static("x-webhook-signature-previous");
const EVENT: HeaderName = HeaderName::from_static("x-webhook-event");
const STANDARD_ID: HeaderName = HeaderName::from_static("webhook-id");
const STANDARD_TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const STANDARD_SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

/// What is sent.
pub(super) struct Message {
    /// Where to.
    pub(super) url: String,
    /// The event's id, the same for every attempt.
    pub(super) event_id: String,
    /// What happened.
    pub(super) event: &'static str,
    /// The body.
    pub(super) body: Vec<u8>,
    /// The time of the attempt in seconds since 1970.
    pub(super) seconds: i64,
    /// What it is signed with: the newest secret first.
    pub(super) secrets: Vec<String>,
    /// W3C trace context of the attempt.
    pub(super) trace: Option<String>,
    /// What the user wants sent along.
    pub(super) headers: CustomHeaders,
}

/// What came back.
pub(super) struct Reply {
    /// For the log.
    pub(super) answer: AttemptAnswer,
    /// When the receiver wants to be asked again, if it said so.
    pub(super) retry_after: Option<Duration>,
}

/// Sends messages. Cheap to clone.
#[derive(Clone)]
pub(super) struct Client {
    http: reqwest::Client,
    guard: Guard,
}

impl Client {
    /// Sets up a client whose attempts take at most `timeout`.
    ///
    /// # Errors
    /// TLS cannot be set up on this machine.
    pub(super) fn new(guard: Guard, timeout: Duration) -> Result<Self, reqwest::Error> {
        Ok(Self { http: outbound::guarded(&guard, timeout)?, guard })
    }

    /// Sends a message once.
    pub(super) async fn send(&self, message: &Message) -> Reply {
        let since = Instant::now();
        let sent = self.attempt(message).await;
        let duration_ms = u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX);
        match sent {
            Ok(response) => {
                let status = Some(response.status().as_u16());
                let failure = refused(&response);
                let retry_after = retry_after(response.headers());
                let body = first_bytes(response).await;
                let answer = AttemptAnswer { duration_ms, status, body, failure };
                Reply { answer, retry_after }
            }
            Err(failure) => {
                let answer = AttemptAnswer { duration_ms, status: None, body: None, failure: Some(failure) };
                Reply { answer, retry_after: None }
            }
        }
    }

    async fn attempt(&self, message: &Message) -> Result<Response, AttemptFailure> {
        // Connections to numbers are made without the resolver.
        let url = self.guard.check_url(&message.url).map_err(|refusal| address_refused(&refusal))?;
        let request = self.http.post(url).headers(headers_of(message)).body(message.body.clone());
        request.send().await.map_err(|error| unreachable(&error))
    }
}

fn headers_of(message: &Message) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.extend(headers::parsed(&message.headers));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let agent = HeaderValue::from_static(concat!("Ocriva/", env!("CARGO_PKG_VERSION")));
    headers.insert(USER_AGENT, agent);
    headers.insert(EVENT, HeaderValue::from_static(message.event));
    let mut own = message.secrets.iter().map(|secret| signature::of_body(secret, &message.body));
    let standard: Vec<String> = message
        .secrets
        .iter()
        .flat_map(|secret| signature::standard(secret, &message.event_id, message.seconds, &message.body))
        .collect();
    let texts = [
        (SIGNATURE, own.next()),
        (PREVIOUS_SIGNATURE, own.next()),
        (STANDARD_ID, Some(message.event_id.clone())),
        (STANDARD_TIMESTAMP, Some(message.seconds.to_string())),
        (STANDARD_SIGNATURE, Some(standard.join(" "))),
        (HeaderName::from_static(TRACEPARENT), message.trace.clone()),
    ];
    for (name, text) in texts {
        if let Some(value) = text.and_then(|text| HeaderValue::try_from(text).ok()) {
            headers.insert(name, value);
        }
    }
    headers
}

/// The beginning of an answer; what does not come, or is no text, does not matter.
async fn first_bytes(mut response: Response) -> Option<String> {
    let mut bytes = Vec::new();
    while bytes.len() < KEPT_BYTES {
        match response.chunk().await {
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            Ok(None) | Err(_) => break,
        }
    }
    bytes.truncate(KEPT_BYTES);
    (!bytes.is_empty()).then(|| String::from_utf8_lossy(&bytes).into_owned())
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

/// Why an answer does not count as taken; `None` for 2xx.
fn refused(response: &Response) -> Option<AttemptFailure> {
    let status = response.status();
    if status.is_success() {
        return None;
    }
    Some(match status.is_redirection() {
        true => failure("redirect", format!("the receiver answered {status}; redirects are not followed")),
        false => failure("status", format!("the receiver answered {status}, 2xx was expected")),
    })
}

fn address_refused(refusal: &Refusal) -> AttemptFailure {
    failure("address_refused", format!("the address {refusal}"))
}

fn unreachable(error: &reqwest::Error) -> AttemptFailure {
    let mut cause: Option<&(dyn StdError + 'static)> = error.source();
    let mut deepest = String::new();
    while let Some(source) = cause {
        if let Some(refusal) = source.downcast_ref::<Refusal>() {
            return address_refused(refusal);
        }
        deepest = source.to_string();
        cause = source.source();
    }
    if error.is_timeout() {
        return failure("timeout", "the receiver did not answer in time".to_owned());
    }
    let what = if error.is_connect() { "cannot be connected to" } else { "broke the connection" };
    failure("connection", format!("the receiver {what}: {deepest}"))
}

fn failure(code: &str, message: String) -> AttemptFailure {
    AttemptFailure { code: code.to_owned(), message }
}
