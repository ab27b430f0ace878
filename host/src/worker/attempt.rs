//! One delivery, from the queue to its end: begin the attempt, process under a heartbeat, record what came of it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::{JoinError, JoinHandle};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::{Job, ProcessError, ProgressSink, Settings, Worker};
use crate::domain::document::{Failure, Processed};
use crate::store::{self, Attempt, Delivery, Pulse, Start};
use crate::telemetry::{chain, metrics, traces};

/// Longest time between two heartbeats: a wish to cancel is heard, and progress seen, within it.
const MAX_BEAT: Duration = Duration::from_secs(1);

/// How many times the attempts of a failing document one may have whose workers fall silent: it may be the document
/// that kills them, but more often somebody stops the server, and no document should fail for that.
const LOST_WORKERS_FACTOR: u32 = 2;

/// Longest delay before a retry.
const MAX_RETRY_DELAY: Duration = Duration::from_secs(10 * 60);

/// How long a task that was told to stop is waited for. One that computes without pause cannot be stopped; its
/// attempt is over all the same, and fenced.
const ABORT_TIMEOUT: Duration = Duration::from_secs(1);

/// First pause before an outcome that the store could not take is offered again; it doubles up to [`MAX_BEAT`].
const RECORD_PAUSE: Duration = Duration::from_millis(50);

/// What came of an attempt.
enum Outcome {
    Processed(Box<Processed>),
    Failed(ProcessError),
    /// Somebody wanted it cancelled.
    Cancelled,
    /// The worker stops.
    Released,
    /// Another worker has it now: there is nothing to record.
    Lost,
}

/// Carries out one delivery. Errors of the store are logged here; the lease brings the document back.
pub(super) async fn carry_out(worker: Worker, delivery: Delivery, release: CancellationToken) {
    let document_id = delivery.document_id.clone();
    let lease = worker.settings.lease;
    let max_attempts = worker.settings.max_attempts.saturating_mul(LOST_WORKERS_FACTOR);
    let attempt = match worker.store.start_attempt(&worker.name, delivery, lease, max_attempts).await {
        Ok(Start::Started(attempt)) => attempt,
        Ok(Start::Dead) => {
            tracing::warn!(document = %document_id, "document given up: it was tried as often as it may");
            return;
        }
        Ok(Start::Nothing | Start::Cancelled) => return,
        Err(error) => {
            tracing::warn!(document = %document_id, error = %chain(&error), "attempt could not begin");
            return;
        }
    };
    let span = tracing::info_span!(
        "attempt",
        document = %document_id,
        attempt = attempt.number,
        organization = %attempt.document.organization_id,
    );
    traces::continue_from(&span, attempt.trace.as_deref());
    begun(worker, *attempt, release).instrument(span).await;
}

/// Carries out an attempt that has begun.
async fn begun(worker: Worker, attempt: Attempt, release: CancellationToken) {
    let since = Instant::now();
    let outcome = process(&worker, &attempt, &release).await;
    let outcome_name = outcome.name();
    metrics::attempt_ended(outcome_name, since.elapsed());
    match record(&worker, &attempt, outcome).await {
        Ok(true) => tracing::info!(
            elapsed_ms = u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX),
            outcome = outcome_name,
            "attempt ended"
        ),
        Ok(false) => {
            tracing::warn!("attempt was overtaken by another");
        }
        Err(error) => {
            tracing::error!(error = %chain(&error), "attempt could not be recorded");
        }
    }
}

/// Processes the document on a task of its own, while this one keeps the lease.
async fn process(worker: &Worker, attempt: &Attempt, release: &CancellationToken) -> Outcome {
    let progress = ProgressSink::default();
    let job = Job {
        document: attempt.document.clone(),
        template: attempt.template.clone(),
        attempt: attempt.number,
    };
    let mut work = tokio::spawn({
        let processor = Arc::clone(&worker.processor);
        let progress = progress.clone();
        async move { processor.process(job, progress).await }.in_current_span()
    });
    let outcome = match watch(worker, attempt, &progress, &mut work, release).await {
        Watched::Finished(outcome) => return outcome,
        Watched::Stopped(outcome) => outcome,
    };
    progress.cancel();
    stop(work).await;
    outcome
}

type Work = JoinHandle<Result<Processed, ProcessError>>;

/// Why an attempt is not watched any more.
enum Watched {
    /// The work is finished, with this outcome.
    Finished(Outcome),
    /// The work goes on and is to be stopped.
    Stopped(Outcome),
}

/// Renews the lease until the work is finished or there is a reason to stop it.
async fn watch(
    worker: &Worker,
    attempt: &Attempt,
    progress: &ProgressSink,
    work: &mut Work,
    release: &CancellationToken,
) -> Watched {
    let lease = worker.settings.lease;
    let interval = MAX_BEAT.min(lease / 3);
    // The lease is fresh: the first beat comes after one interval.
    let mut beats = tokio::time::interval_at(tokio::time::Instant::now() + interval, interval);
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let deadline = tokio::time::sleep(worker.settings.document_timeout);
    tokio::pin!(deadline);
    loop {
        tokio::select! {
            finished = &mut *work => return Watched::Finished(outcome_of(finished)),
            () = release.cancelled() => return Watched::Stopped(Outcome::Released),
            () = &mut deadline => return Watched::Stopped(Outcome::Failed(timed_out(&worker.settings))),
            _ = beats.tick() => {}
        }
        match worker.store.beat(attempt, lease, progress.current()).await {
            Ok(Pulse::Continue) => {}
            Ok(Pulse::Cancel) => return Watched::Stopped(Outcome::Cancelled),
            Ok(Pulse::Lost) => return Watched::Stopped(Outcome::Lost),
            // Past the lease another worker may take it; then the next beat says so, and the fence holds anyway.
            Err(error) => {
                tracing::warn!(error = %chain(&error), "heartbeat failed");
            }
        }
    }
}

fn outcome_of(finished: Result<Result<Processed, ProcessError>, JoinError>) -> Outcome {
    match finished {
        Ok(Ok(processed)) => Outcome::Processed(Box::new(processed)),
        Ok(Err(error)) => Outcome::Failed(error),
        // Transient: a panic may come from what else was going on; the number of attempts is limited anyway.
        Err(_) => Outcome::Failed(ProcessError::transient(
            "internal_error",
            "processing stopped unexpectedly, the server's log says more",
        )),
    }
}

async fn stop(work: Work) {
    work.abort();
    if tokio::time::timeout(ABORT_TIMEOUT, work).await.is_err() {
        tracing::warn!("processing does not stop, it is left alone");
    }
}

fn timed_out(settings: &Settings) -> ProcessError {
    ProcessError::permanent(
        "document_timeout",
        format!("processing took longer than the limit of {} s", settings.document_timeout.as_secs()),
    )
}

/// Records what came of the attempt, trying again for as long as the lease lasts while the store is out of reach:
/// the work is done already. `false` where another attempt has overtaken this one.
async fn record(worker: &Worker, attempt: &Attempt, outcome: Outcome) -> Result<bool, store::Error> {
    let since = Instant::now();
    let mut pause = RECORD_PAUSE;
    loop {
        match record_once(worker, attempt, &outcome).await {
            Err(error) if error.is_transient() && since.elapsed() < worker.settings.lease => {
                tracing::warn!(error = %chain(&error), "trying to record again");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(MAX_BEAT);
            }
            recorded => return recorded,
        }
    }
}

async fn record_once(worker: &Worker, attempt: &Attempt, outcome: &Outcome) -> Result<bool, store::Error> {
    let store = &worker.store;
    match outcome {
        Outcome::Processed(processed) => store.complete_attempt(attempt, processed).await,
        Outcome::Cancelled => store.cancel_attempt(attempt).await,
        Outcome::Released => store.release_attempt(attempt).await,
        Outcome::Lost => Ok(false),
        Outcome::Failed(error) => {
            let failure: Failure = error.clone().into_failure();
            let (calls, failures) = (error.calls.as_slice(), attempt.failures + 1);
            if error.transient && failures < worker.settings.max_attempts {
                let delay = retry_delay(&worker.settings, failures);
                store.retry_attempt(attempt, &failure, calls, delay).await
            } else {
                store.fail_attempt(attempt, &failure, calls).await
            }
        }
    }
}

/// The delay after this many failures: it doubles with each.
fn retry_delay(settings: &Settings, failures: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(31);
    settings.retry_delay.saturating_mul(1 << doublings).min(MAX_RETRY_DELAY)
}

impl Outcome {
    fn name(&self) -> &'static str {
        match self {
            Self::Processed(_) => "processed",
            Self::Failed(_) => "failed",
            Self::Cancelled => "cancelled",
            Self::Released => "released",
            Self::Lost => "lost",
        }
    }
}
