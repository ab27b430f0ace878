//! Server-sent events: how far a document or a batch is, as it happens.
//!
//! What a stream tells comes from the documents' records, so that any process can go on where another one stopped: an
//! event's id is the time of the change it tells, and a client that comes back with `Last-Event-ID` is told what has
//! changed since. States that were passed through meanwhile are not told; the last one always is, even where the clocks
//! of processes differ. A stream ends after its final event, when the server stops, and when its client may hear no more.

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::stream;
use serde::Serialize;
use tokio::time::Instant;
use utoipa::ToSchema;

use super::access::{self, Caller, Permit, ReadDocuments};
use super::error::{ApiError, Code};
use super::extract::{Id, Path};
use super::history::FailureResponse;
use super::watch::{States, Subject, Watch};
use super::{Context, batches, history};
use crate::domain::batch::{BatchNumbers, BatchStatus};
use crate::domain::document::{DocumentState, DocumentStatus};
use crate::domain::timestamp::Timestamp;
use crate::store::Record;

/// What the id of a batch's final event ends in.
const END: &str = "-end";

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// After this much silence a comment shows that the connection lives; proxies close silent ones after a minute or so.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// How soon a client should come back when a stream breaks off.
const RETRY: Duration = Duration::from_secs(2);

/// How long a stream goes on telling what happens before it looks again whether its client may still hear it.
const LOOK_HOLDS: Duration = Duration::from_secs(1);

/// What changed this long before the last event of a batch is told again: it may have been written by a transaction
/// that was committed after it, or by a process whose clock is behind.
const OVERLAP: Duration = Duration::from_secs(30);

/// How far a document is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DocumentEvent {
    id: String,
    #[schema(value_type = DocumentStatus)]
    status: &'static str,
    /// Per cent.
    #[schema(maximum = 100)]
    progress: u8,
    /// Pages that the latest attempt has read; null before the first one.
    pages_read: Option<u32>,
    page_count: Option<u32>,
    attempts: u32,
    /// Why it failed, or why the last attempt did.
    error: Option<FailureResponse>,
    updated_at: String,
}

/// How far a batch is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BatchEvent {
    id: String,
    #[schema(value_type = BatchStatus)]
    status: &'static str,
    /// Per cent.
    #[schema(maximum = 100)]
    progress: u8,
    total_files: u64,
    completed_files: u64,
    /// Failed or cancelled.
    failed_files: u64,
}

/// Tells how far a document is, as server-sent events.
///
/// `status` when its status changes, `progress` when pages are read, and at the end `completed`, `failed`, `cancelled`
/// or `retention_expired`; the data is a `DocumentEvent`. The stream ends after the final event. It also ends after a
/// while, when the credential does not reach the document any more, or when the server stops: connect again with the id
/// of the last event in `Last-Event-ID`, as browsers do by themselves. When all has been told already, the answer is
/// 204.
#[utoipa::path(get, path = "/processing-history/{id}/events", tag = "processing history",
    params(("id" = String, Path),
        ("Last-Event-ID" = Option<String>, Header, description = "Only what has changed since this event")),
    responses((status = 200, description = "Events", content_type = "text/event-stream", body = DocumentEvent),
        (status = 204, description = "All has been told")))]
pub async fn document_events(
    permit: Permit<ReadDocuments>,
    State(context): State<Context>,
    Path(id): Path<Id>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let tenant = permit.caller.tenant();
    let document = context.store.document(&tenant, &id.0).await?.ok_or_else(|| history::unknown(&id))?;
    let told = Told::Document { known: last_event(&headers), last: None };
    stream_of(context, permit.caller, Subject::Document(document.id), told).await
}

/// Tells how far a batch is, as server-sent events.
///
/// `document` when one of its documents changes (a `DocumentEvent`), `progress` with the numbers of the batch (a
/// `BatchEvent`), and at the end `completed`, `failed` or `cancelled` with the same. Ends and resumes as the events of
/// a document do; after a break, what was told shortly before it may be told again.
#[utoipa::path(get, path = "/batch/{id}/events", tag = "batches",
    params(("id" = String, Path),
        ("Last-Event-ID" = Option<String>, Header, description = "Only what has changed since this event")),
    responses((status = 200, description = "Events", content_type = "text/event-stream", body = BatchEvent),
        (status = 204, description = "All has been told")))]
pub async fn batch_events(
    permit: Permit<ReadDocuments>,
    State(context): State<Context>,
    Path(id): Path<Id>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let batch = context.store.batch(&permit.caller.tenant(), &id.0).await?;
    let batch = batch.ok_or_else(|| batches::unknown(&id))?;
    let told = Told::Batch { id: batch.id.clone(), known: last_event(&headers), documents: HashMap::new() };
    stream_of(context, permit.caller, Subject::Batch(batch.id), told).await
}

/// What a client knows already.
enum Told {
    Document {
        /// The event it was told last before it connected, until the present state has been told.
        known: Option<String>,
        /// What it was told since.
        last: Option<DocumentState>,
    },
    Batch {
        id: String,
        /// As above.
        known: Option<String>,
        /// What it was told of each document since.
        documents: HashMap<String, DocumentState>,
    },
}

/// A stream on its way.
struct Streaming {
    context: Context,
    /// Whoever listens, as they were at the last look.
    caller: Caller,
    looked_at: Instant,
    subject: Subject,
    watch: Watch,
    told: Told,
    /// Made, not yet sent.
    ready: VecDeque<Event>,
    is_over: bool,
    until: Instant,
}

async fn stream_of(
    context: Context,
    caller: Caller,
    subject: Subject,
    mut told: Told,
) -> Result<Response, ApiError> {
    let full =
        || ApiError::new(Code::TooManyWaiting, "too many clients wait for documents; try again shortly");
    let mut watch = context.watcher.watch(subject.clone()).ok_or_else(full)?;
    let step = told.step(&watch.next().await?)?;
    if step.is_final && step.events.is_empty() {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let mut ready = VecDeque::from(step.events);
    // Said at once, so that a client knows that it is connected.
    ready.push_front(Event::default().retry(RETRY));
    let longest = Duration::from_secs(context.config.server.event_stream_seconds);
    let streaming = Streaming {
        context,
        caller,
        looked_at: Instant::now(),
        subject,
        watch,
        told,
        ready,
        is_over: step.is_final,
        until: Instant::now() + longest,
    };
    let events = stream::unfold(streaming, async |mut streaming| {
        let event = streaming.next().await?;
        Some((Ok::<_, Infallible>(event), streaming))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response())
}

impl Streaming {
    /// The next event; `None` where the stream ends.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            if self.is_over {
                return None;
            }
            let states = tokio::select! {
                () = self.context.draining.cancelled() => return None,
                () = tokio::time::sleep_until(self.until) => return None,
                states = self.watch.next() => states.ok()?,
            };
            if !self.is_still_allowed().await {
                return None;
            }
            let step = self.told.step(&states).ok()?;
            self.ready.extend(step.events);
            self.is_over = step.is_final;
        }
    }

    /// Whether the caller may still hear of the subject, by a look that is no older than [`LOOK_HOLDS`].
    async fn is_still_allowed(&mut self) -> bool {
        if self.looked_at.elapsed() < LOOK_HOLDS {
            return true;
        }
        let Ok(caller) = access::renewed(&self.context, &self.caller).await else { return false };
        self.caller = caller;
        self.looked_at = Instant::now();
        let record = match &self.subject {
            Subject::Document(id) => Record::Document(id),
            Subject::Batch(id) => Record::Batch(id),
        };
        matches!(self.context.store.project_of(&self.caller.tenant(), record).await, Ok(Some(_)))
    }
}

/// What there is to tell of a change.
struct Step {
    events: Vec<Event>,
    /// Whether nothing more will happen.
    is_final: bool,
}

impl Told {
    fn step(&mut self, states: &States) -> Result<Step, ApiError> {
        match self {
            Self::Document { known, last } => document_step(known.take(), last, states),
            Self::Batch { id, known, documents } => batch_step(id, known.take(), documents, states),
        }
    }
}

fn document_step(
    known: Option<String>,
    last: &mut Option<DocumentState>,
    states: &States,
) -> Result<Step, ApiError> {
    // Deleted: there is nothing more to tell.
    let Some(state) = states.first() else { return Ok(Step { events: Vec::new(), is_final: true }) };
    let is_final = state.status.is_final();
    let before = last.replace(state.clone());
    let id = state.updated_at.0.to_string();
    if before.as_ref() == Some(state) || known.as_ref() == Some(&id) {
        return Ok(Step { events: Vec::new(), is_final });
    }
    let name = match before {
        _ if is_final => state.status.as_str(),
        Some(before) if before.status == state.status => "progress",
        _ => "status",
    };
    Ok(Step { events: vec![event(name, &id, &DocumentEvent::from(state))?], is_final })
}

fn batch_step(
    id: &str,
    known: Option<String>,
    documents: &mut HashMap<String, DocumentState>,
    states: &States,
) -> Result<Step, ApiError> {
    let numbers = BatchNumbers::count(states);
    let is_final = states.iter().all(|state| state.status.is_final());
    let latest = states.iter().map(|state| state.updated_at).max().unwrap_or_default();
    let end = format!("{}{END}", latest.0);
    if is_final && known.as_ref() == Some(&end) {
        return Ok(Step { events: Vec::new(), is_final });
    }
    let known = known.and_then(|known| known.trim_end_matches(END).parse().ok()).map(Timestamp);
    let is_first = documents.is_empty();
    let mut events = Vec::new();
    for state in states.iter() {
        let before = documents.insert(state.id.clone(), state.clone());
        let is_told = before.as_ref() == Some(state)
            || known.is_some_and(|known| state.updated_at.after(OVERLAP) < known);
        if !is_told {
            events.push(event("document", &state.updated_at.0.to_string(), &DocumentEvent::from(state))?);
        }
    }
    if events.is_empty() && !is_first {
        return Ok(Step { events, is_final });
    }
    let batch = BatchEvent::new(id, numbers);
    events.push(match is_final {
        true => event(batch.status, &end, &batch)?,
        false => event("progress", &latest.0.to_string(), &batch)?,
    });
    Ok(Step { events, is_final })
}

fn event(name: &str, id: &str, data: &impl Serialize) -> Result<Event, ApiError> {
    let event = Event::default().event(name).id(id);
    event.json_data(data).map_err(|error| ApiError::internal(EventData(error.to_string())))
}

#[derive(Debug, thiserror::Error)]
#[error("event cannot be written: {0}")]
struct EventData(String);

/// The event that the client was told last, if it says so.
fn last_event(headers: &HeaderMap) -> Option<String> {
    Some(headers.get(LAST_EVENT_ID)?.to_str().ok()?.trim().to_owned())
}

impl From<&DocumentState> for DocumentEvent {
    fn from(state: &DocumentState) -> Self {
        Self {
            id: state.id.clone(),
            status: state.status.as_str(),
            progress: state.progress,
            pages_read: state.pages_read,
            page_count: state.page_count,
            attempts: state.attempts,
            error: state.error.clone().map(FailureResponse::from),
            updated_at: state.updated_at.to_iso(),
        }
    }
}

impl BatchEvent {
    fn new(id: &str, numbers: BatchNumbers) -> Self {
        Self {
            id: id.to_owned(),
            status: numbers.status().as_str(),
            progress: numbers.progress(),
            total_files: numbers.total_files,
            completed_files: numbers.completed_files,
            failed_files: numbers.failed_files,
        }
    }
}
