//! `Idempotency-Key`: a request that is sent again, because its answer got lost, is not done again.
//!
//! The first request with a key holds it; when it has made something, its answer is kept for a day and told again to
//! the same request with the same key. Another request with the key is a conflict. A request that made nothing lets go
//! of the key. Keys belong to the credential that sends them. Answers with a secret that is shown once are not kept,
//! only that they were given.
//!
//! [`replay`] does all that around every POST of JSON. Uploads, which are never in memory as a whole, take their
//! [`Fingerprint`] while they are read.

use std::pin::pin;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::time::{Instant, interval_at};
use tracing::Instrument as _;

use super::Context;
use super::access::{Caller, Face, authenticate};
use super::error::{ApiError, Code};
use super::extract::too_large;
use crate::store::{IDEMPOTENCY_HOLD, Idempotency, IdempotencyHold, KeptAnswer, Store};

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// Longest key.
const MAX_KEY: usize = 255;

/// Largest body of a request with a key, other than an upload, and of an answer that is kept.
const MAX_BODY: usize = 8 * 1024 * 1024;

/// Fields of answers that hold secrets, null where they are not shown.
const SECRETS: [&str; 4] = ["token", "accessToken", "refreshToken", "secret"];

/// How often a request in progress says that it still holds its key.
const RENEWAL: Duration = Duration::from_secs(IDEMPOTENCY_HOLD.as_secs() / 3);

/// What became of a request's key.
pub enum Begun {
    /// The request has none.
    Unkeyed,
    /// The request is the first one with it.
    Held(Held),
    /// An earlier one was answered.
    Answered(KeptAnswer),
}

/// A key that this request holds. Dropped before it is settled, as when the client goes away while it sends, it is
/// free again.
pub struct Held {
    store: Store,
    /// `None` once it is settled.
    hold: Option<IdempotencyHold>,
}

/// What tells one request from another: all that it says, whatever separates its parts.
pub struct Fingerprint {
    operation: String,
    files: usize,
    parts: Vec<String>,
}

/// Answers a POST with a key only once. Uploads see to that themselves.
pub async fn replay(State(context): State<Context>, request: Request, next: Next) -> Response {
    if request.method() != Method::POST || is_multipart(request.headers()) {
        return next.run(request).await;
    }
    match key(request.headers()) {
        Ok(None) => next.run(request).await,
        Ok(Some(_)) => keyed(context, request, next).await.unwrap_or_else(ApiError::into_response),
        Err(error) => error.into_response(),
    }
}

async fn keyed(context: Context, request: Request, next: Next) -> Result<Response, ApiError> {
    let (mut parts, body) = request.into_parts();
    // Who is not let in hears why from the handler, and log-ins belong to nobody yet.
    let Ok(caller) = authenticate(&context, Face::of(parts.uri.path()), &parts).await else {
        return Ok(next.run(Request::from_parts(parts, body)).await);
    };
    let body = to_bytes(body, MAX_BODY).await.map_err(|_| too_large())?;
    let fingerprint = json_fingerprint(&parts, &body);
    match begin(&context, &caller, &parts.headers).await? {
        Begun::Unkeyed => Ok(next.run(Request::from_parts(parts, Body::from(body))).await),
        Begun::Answered(kept) => {
            let status = StatusCode::from_u16(kept.status).map_err(ApiError::internal)?;
            let mut response = (status, replayed(kept, &fingerprint, &caller)?).into_response();
            let json = HeaderValue::from_static("application/json");
            response.headers_mut().insert(header::CONTENT_TYPE, json);
            mark_replayed(response.headers_mut());
            Ok(response)
        }
        Begun::Held(held) => {
            parts.extensions.insert(caller);
            let request = Request::from_parts(parts, Body::from(body));
            Ok(held.settle(async move { keepable(next.run(request).await, fingerprint).await }).await)
        }
    }
}

/// Looks what became of the request's key, if it has one, and takes hold of it if it is new.
///
/// # Errors
/// 400 for a text that cannot be a key, 409 while another request with it is in progress.
pub async fn begin(context: &Context, caller: &Caller, headers: &HeaderMap) -> Result<Begun, ApiError> {
    let Some(key) = key(headers)? else { return Ok(Begun::Unkeyed) };
    let owner = caller.actor.id.as_deref().unwrap_or_default();
    let key = hex::encode(Sha256::digest(format!("{owner}\n{key}")));
    match context.store.hold_idempotency_key(&caller.organization_id, &key).await? {
        Idempotency::New(hold) => Ok(Begun::Held(Held { store: context.store.clone(), hold: Some(hold) })),
        Idempotency::Answered(kept) => Ok(Begun::Answered(kept)),
        Idempotency::InProgress => Err(ApiError::new(
            Code::IdempotencyInProgress,
            "a request with this `Idempotency-Key` is in progress; try again shortly",
        )),
    }
}

/// The body of an answer that is kept.
///
/// # Errors
/// 409 where another request got it, or where it had a secret; 401 or 403 where it tells of a project that is out of the
/// caller's reach by now.
pub fn replayed(kept: KeptAnswer, fingerprint: &str, caller: &Caller) -> Result<String, ApiError> {
    if kept.fingerprint != fingerprint {
        return Err(ApiError::new(
            Code::IdempotencyMismatch,
            "this `Idempotency-Key` was used for another request; send a new key with a new request",
        ));
    }
    let body = kept.body.ok_or_else(|| {
        ApiError::new(
            Code::IdempotencySecret,
            "this request was done already, and its answer had a secret that is shown only once",
        )
    })?;
    // An answer may be empty, or a text.
    let answer: Value = serde_json::from_str(&body).unwrap_or_default();
    if let Some(project_id) = answer.get("projectId").and_then(Value::as_str) {
        caller.check_project(project_id)?;
    }
    Ok(body)
}

/// Says that an answer was given before.
pub fn mark_replayed(headers: &mut HeaderMap) {
    headers.insert(REPLAYED, HeaderValue::from_static("true"));
}

impl Held {
    /// Does `work` and holds the key meanwhile.
    pub async fn during<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        let mut beats = interval_at(Instant::now() + RENEWAL, RENEWAL);
        loop {
            tokio::select! {
                done = &mut work => return done,
                _ = beats.tick() => self.renew().await,
            }
        }
    }

    /// Does `work` to its end, even if the client goes away: what was made without an answer would be made again by
    /// the next request. Its answer, where it has one to keep, is kept; else the key is free again.
    pub async fn settle<T: Send + 'static>(
        self,
        work: impl Future<Output = (T, Option<KeptAnswer>)> + Send + 'static,
    ) -> T {
        let settled = async move {
            let (done, answer) = self.during(work).await;
            match answer {
                Some(answer) => self.finish(&answer).await,
                None => self.free().await,
            }
            done
        };
        match tokio::spawn(settled.in_current_span()).await {
            Ok(done) => done,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }

    /// Lets go of the key before the answer is given: who has it may try again at once.
    pub async fn free(mut self) {
        if let Some(hold) = self.hold.take() {
            forget(&self.store, &hold).await;
        }
    }

    async fn renew(&self) {
        let Some(hold) = &self.hold else { return };
        if let Err(error) = self.store.renew_idempotency_key(hold).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "idempotency key was not renewed");
        }
    }

    async fn finish(mut self, answer: &KeptAnswer) {
        let Some(hold) = self.hold.take() else { return };
        if let Err(error) = self.store.finish_idempotency_key(&hold, answer).await {
            tracing::error!(error = &error as &dyn std::error::Error, "answer to an idempotency key is lost");
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let (Some(hold), Ok(runtime)) = (self.hold.take(), tokio::runtime::Handle::try_current()) else {
            return;
        };
        let store = self.store.clone();
        runtime.spawn(async move { forget(&store, &hold).await });
    }
}

async fn forget(store: &Store, hold: &IdempotencyHold) {
    // Where this fails too, the hold runs out.
    if let Err(error) = store.forget_idempotency_key(hold).await {
        tracing::warn!(error = &error as &dyn std::error::Error, "idempotency key was not freed");
    }
}

impl Fingerprint {
    /// Begins the fingerprint of a form that is sent to an operation.
    pub fn new(operation: impl Into<String>) -> Self {
        Self { operation: operation.into(), files: 0, parts: Vec::new() }
    }

    /// Adds a text part; where it stands among the parts does not matter.
    pub fn text(&mut self, name: &str, value: &[u8]) {
        self.parts.push(format!("text {name:?} {}", hex::encode(Sha256::digest(value))));
    }

    /// Adds a file with the SHA-256 of its content.
    pub fn file(&mut self, name: &str, file_name: Option<&str>, content: Sha256) {
        let digest = hex::encode(content.finalize());
        self.parts.push(format!("file {:08} {name:?} {file_name:?} {digest}", self.files));
        self.files += 1;
    }

    /// The fingerprint in hexadecimal.
    pub fn finish(mut self) -> String {
        self.parts.sort();
        let mut hash = Sha256::new();
        for part in std::iter::once(&self.operation).chain(&self.parts) {
            hash.update(part);
            hash.update("\n");
        }
        hex::encode(hash.finalize())
    }
}

fn json_fingerprint(parts: &Parts, body: &Bytes) -> String {
    let mut fingerprint = Fingerprint::new(format!("{} {}", parts.method, parts.uri));
    fingerprint.text("body", body);
    fingerprint.finish()
}

fn key(headers: &HeaderMap) -> Result<Option<&str>, ApiError> {
    let Some(value) = headers.get(KEY) else { return Ok(None) };
    let key = value.to_str().ok().filter(|key| (1..=MAX_KEY).contains(&key.len()));
    key.map(Some).ok_or_else(|| {
        ApiError::fields(vec![format!("`Idempotency-Key` must have 1 to {MAX_KEY} visible ASCII characters")])
    })
}

fn is_multipart(headers: &HeaderMap) -> bool {
    let declared =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    declared.trim_start().to_ascii_lowercase().starts_with("multipart/")
}

/// The answer, and what to keep of it: JSON without secrets, or nothing, of a request that was done.
async fn keepable(response: Response, fingerprint: String) -> (Response, Option<KeptAnswer>) {
    let (head, body) = response.into_parts();
    let is_json = head.headers.get(header::CONTENT_TYPE).is_none_or(|found| found == "application/json");
    if !head.status.is_success() || !is_json {
        return (Response::from_parts(head, body), None);
    }
    match to_bytes(body, MAX_BODY).await {
        Ok(bytes) => {
            let body = (!shows_secret(&bytes)).then(|| String::from_utf8_lossy(&bytes).into_owned());
            let answer = KeptAnswer { fingerprint, status: head.status.as_u16(), body };
            (Response::from_parts(head, Body::from(bytes)), Some(answer))
        }
        Err(error) => (ApiError::internal(error).into_response(), None),
    }
}

fn shows_secret(body: &[u8]) -> bool {
    let answer: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    SECRETS.iter().any(|field| answer.get(field).is_some_and(|value| !value.is_null()))
}
