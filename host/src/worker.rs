//! Takes documents from the queue and has them processed, a few at a time.
//!
//! A worker never claims more than it has free slots for; beyond them it has a few for organizations with nothing in
//! progress, so that nobody waits until another's documents are done. Every document is processed on a task of its own, under a
//! heartbeat on another (see [`attempt`]), so that neither a panic nor a long page stops the loop. What processing
//! means is the [`Processor`]'s business; what becomes of documents, runs and messages is the store's.

use std::num::NonZero;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::config;
use crate::domain::document::{Document, Failure, Processed};
use crate::domain::plugin::ExtractorCall;
use crate::domain::template::Template;
use crate::store::{self, Store};
use crate::telemetry::chain;

mod attempt;
mod progress;

pub use progress::ProgressSink;

/// How long an idle worker waits before it looks again; work that arrives in the same process wakes it at once.
const IDLE_POLL: Duration = Duration::from_millis(500);

/// How long the loop rests after the store failed, or after it stopped unexpectedly.
const FAILURE_PAUSE: Duration = Duration::from_secs(1);

/// How long released documents may take to be handed back when the worker stops.
const RELEASE_TIMEOUT: Duration = Duration::from_secs(10);

/// A document to be processed.
#[derive(Debug, Clone)]
pub struct Job {
    /// The document's record.
    pub document: Document,
    /// The template it was uploaded with, at that version.
    pub template: Option<Template>,
    /// Which attempt this is, from 1.
    pub attempt: u32,
}

/// Why a document could not be processed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ProcessError {
    /// A stable word, as in the record's error.
    pub code: String,
    /// A sentence for people, free of secrets and paths.
    pub message: String,
    /// Whether the same document may succeed later: storage was out of reach, a limit of time was hit under load.
    pub transient: bool,
    /// The calls of extractors that failed, if it came to any.
    pub calls: Vec<ExtractorCall>,
}

impl ProcessError {
    /// An error that will be the same next time.
    pub fn permanent(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into(), transient: false, calls: Vec::new() }
    }

    /// An error that may pass.
    pub fn transient(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into(), transient: true, calls: Vec::new() }
    }

    fn into_failure(self) -> Failure {
        Failure { code: self.code, message: self.message }
    }
}

/// Turns a document into a result.
///
/// The future is dropped when the document is cancelled, takes too long, or was given to another worker; work on
/// blocking threads goes on until it asks [`ProgressSink::is_cancelled`], which it should do for every page.
#[async_trait]
pub trait Processor: Send + Sync + 'static {
    /// Processes one document, telling `progress` how far it is.
    async fn process(&self, job: Job, progress: ProgressSink) -> Result<Processed, ProcessError>;
}

/// How a worker works.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Documents in progress at one time, at least 1.
    pub slots: usize,
    /// Documents in progress beyond these, of organizations that have no other.
    pub spare_slots: usize,
    /// Most documents of one organization that are queued or in progress.
    pub in_flight_per_organization: u32,
    /// Time after which a document whose worker fell silent is given to another.
    pub lease: Duration,
    /// How often a document that fails is tried. One whose worker falls silent is tried twice as often.
    pub max_attempts: u32,
    /// Delay before the second attempt; it doubles with each further one.
    pub retry_delay: Duration,
    /// Most time that one attempt may take.
    pub document_timeout: Duration,
    /// How long a stopping worker waits for documents in progress before it gives them back.
    pub drain_timeout: Duration,
}

impl Settings {
    /// The settings of the configuration's section `queue`.
    pub fn new(queue: &config::Queue, drain_timeout: Duration) -> Self {
        let slots = match queue.workers {
            0 => std::thread::available_parallelism().map_or(1, NonZero::get),
            workers => workers,
        };
        Self {
            slots,
            spare_slots: queue.spare_workers,
            in_flight_per_organization: queue.in_flight_per_organization,
            lease: Duration::from_secs(queue.lease_seconds),
            max_attempts: queue.max_attempts,
            retry_delay: Duration::from_secs(queue.retry_seconds),
            document_timeout: Duration::from_secs(queue.document_timeout_seconds),
            drain_timeout,
        }
    }
}

/// A worker, not yet at work.
#[derive(Clone)]
pub struct Worker {
    /// Host, process and a random id: a restarted worker is another worker.
    name: Arc<str>,
    store: Store,
    processor: Arc<dyn Processor>,
    settings: Settings,
}

impl Worker {
    /// Makes a worker; `clock` gives it its unique name.
    pub fn new(store: Store, processor: Arc<dyn Processor>, settings: Settings, clock: &Clock) -> Self {
        let name = format!("{}:{}:{}", host_name(), std::process::id(), clock.new_id()).into();
        Self { name, store, processor, settings }
    }

    /// Works until `stop` is cancelled; then takes nothing more, waits for what is in progress, and gives back what
    /// is not finished in time. A loop that stops for any other reason is started again.
    pub async fn run(self, stop: CancellationToken) {
        let name = Arc::clone(&self.name);
        tracing::info!(worker = %name, slots = self.settings.slots, "worker started");
        loop {
            let mut one_loop = JoinSet::new();
            one_loop.spawn(self.clone().work(stop.clone()));
            match one_loop.join_next().await {
                Some(Err(error)) if error.is_panic() => {
                    tracing::error!(worker = %name, "worker loop stopped unexpectedly, starting it again");
                    tokio::time::sleep(FAILURE_PAUSE).await;
                }
                _ => break,
            }
        }
        tracing::info!(worker = %name, "worker stopped");
    }

    async fn work(self, stop: CancellationToken) {
        let release = CancellationToken::new();
        let mut attempts = JoinSet::new();
        while !stop.is_cancelled() {
            let pause = match self.take_up(&mut attempts, &release).await {
                Ok(()) => IDLE_POLL,
                Err(error) => {
                    tracing::warn!(worker = %self.name, error = %chain(&error), "no documents can be taken");
                    FAILURE_PAUSE
                }
            };
            tokio::select! {
                () = stop.cancelled() => break,
                Some(_) = attempts.join_next() => {}
                () = self.store.work_arrived(), if attempts.len() < self.most() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
        self.drain(attempts, &release).await;
    }

    /// Documents in progress at the very most.
    fn most(&self) -> usize {
        self.settings.slots.saturating_add(self.settings.spare_slots)
    }

    /// Fills free slots.
    async fn take_up(
        &self,
        attempts: &mut JoinSet<()>,
        release: &CancellationToken,
    ) -> Result<(), store::Error> {
        let left = |of: usize| u32::try_from(of.saturating_sub(attempts.len())).unwrap_or(u32::MAX);
        let (free, spare) = (left(self.settings.slots), left(self.most()));
        let wanted = if free > 0 {
            self.store.dispatch(free, self.settings.in_flight_per_organization).await?;
            free
        } else if spare > 0 {
            self.store.dispatch(spare, 1).await?
        } else {
            0
        };
        if wanted > 0 {
            for delivery in self.store.claim(&self.name, wanted, self.settings.lease).await? {
                attempts.spawn(attempt::carry_out(self.clone(), delivery, release.clone()));
            }
        }
        Ok(())
    }

    async fn drain(&self, mut attempts: JoinSet<()>, release: &CancellationToken) {
        let all_done = async { while attempts.join_next().await.is_some() {} };
        if tokio::time::timeout(self.settings.drain_timeout, all_done).await.is_ok() {
            return;
        }
        tracing::info!(worker = %self.name, documents = attempts.len(), "giving back unfinished documents");
        release.cancel();
        let all_released = async { while attempts.join_next().await.is_some() {} };
        if tokio::time::timeout(RELEASE_TIMEOUT, all_released).await.is_err() {
            tracing::warn!(worker = %self.name, "documents could not be given back, their leases will run out");
        }
    }
}

/// The host's name, as far as the system tells it in a file; it is there for people who read the database.
fn host_name() -> String {
    ["/proc/sys/kernel/hostname", "/etc/hostname"]
        .iter()
        .find_map(|path| std::fs::read_to_string(Path::new(path)).ok())
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "host".to_owned())
}
