//! What workers do to runs: start an attempt, keep it alive, end it. Each write of an attempt is fenced: it counts
//! only while the attempt is the latest and still running, so that a worker that was given up cannot write over its
//! successor. The run, the document, the result and the queue's message change in one transaction, which locks them in
//! this order: the run first, the message last.

use std::time::Duration;

use super::queue::{Delivery, Queue};
use super::statement::{Argument, arguments, statements};
use super::{Error, Store, Transaction, documents, results, templates};
use crate::domain::credit::Ending;
use crate::domain::document::{AttemptProgress, Document, DocumentStatus, Failure, Processed};
use crate::domain::event::EventKind;
use crate::domain::plugin::ExtractorCall;
use crate::domain::template::Template;
use crate::domain::timestamp::Timestamp;

statements! {
    "runs";
    /// A run that is `running` belonged to a worker whose lease ran out.
    BEGIN = "update runs set attempt = attempt + 1, state = 'running', worker = $2, updated_at = $3
        where document_id = $1 and state in ('waiting', 'running')
        returning organization_id, attempt, attempts_excused, failures, cancel_requested, trace";
    BEGIN_DOCUMENT = "update documents set status = 'in_progress', progress = 0, pages_read = null,
            started_at = coalesce(started_at, $2), updated_at = $2
        where id = $1";
    BEAT = "update runs set updated_at = $3 where document_id = $1 and attempt = $2 and state = 'running'
        returning cancel_requested";
    /// The time of change is that of the progress, so that those who wait hear of changes only.
    PROGRESS = "update documents set progress = $2, pages_read = $3, page_count = coalesce($4, page_count),
            updated_at = $5
        where id = $1 and status = 'in_progress'
            and (progress <> $2 or coalesce(pages_read, 0) <> coalesce($3, 0))";
    END = "update runs set state = $3, failure_code = $4, failure_message = $5, updated_at = $6,
            attempts_excused = attempts_excused + $7, failures = failures + $8
        where document_id = $1 and attempt = $2 and state = 'running'";
    END_DOCUMENT = "update documents set status = $2, completed_at = $3, updated_at = $3 where id = $1";
    COMPLETE_DOCUMENT = "update documents set status = 'completed', progress = 100, page_count = $2, plugin = $3,
            plugin_version = $4, plugin_digest = $5, confidence = $6, result_attempt = $7, completed_at = $8,
            updated_at = $8
        where id = $1";
    REQUEUE_DOCUMENT = "update documents set status = 'queued', progress = 0, updated_at = $2 where id = $1";
}

/// One attempt at a document, by the worker that holds its lease.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// The document, as it is now.
    pub document: Document,
    /// The template it was uploaded with, at that version.
    pub template: Option<Template>,
    /// From 1; grows with each attempt, also through reprocessing.
    pub number: u32,
    /// How many attempts failed before this one and told why.
    pub failures: u32,
    /// W3C trace context of the request that brought the document.
    pub trace: Option<String>,
    delivery: Delivery,
}

/// What came of taking up a delivery.
#[derive(Debug, Clone)]
pub enum Start {
    /// The attempt has begun.
    Started(Box<Attempt>),
    /// There is nothing to do: the run is finished or withdrawn, or the message went to another worker.
    Nothing,
    /// The run had been tried as often as it may; it is dead now.
    Dead,
    /// Somebody wanted it cancelled, and it is.
    Cancelled,
}

/// What the worker of an attempt should do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pulse {
    /// Go on.
    Continue,
    /// Stop: somebody wants it cancelled.
    Cancel,
    /// Stop: the attempt is not the latest any more.
    Lost,
}

impl Store {
    /// Takes up to `limit` deliveries from the queue for `lease`.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn claim(&self, worker: &str, limit: u32, lease: Duration) -> Result<Vec<Delivery>, Error> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        let mut tx = self.begin().await?;
        let deliveries = self.queue.claim(&mut tx, worker, limit, lease).await?;
        tx.commit().await?;
        Ok(deliveries)
    }

    /// Begins an attempt: counts it first, so that one that kills its worker is counted too. A run that had
    /// `max_attempts` of them, other than those given back, is dead. The lease lasts from now for `lease`.
    ///
    /// # Errors
    /// Whatever the database answers; then nothing has begun, and the delivery comes again after its lease.
    pub async fn start_attempt(
        &self,
        worker: &str,
        delivery: Delivery,
        lease: Duration,
        max_attempts: u32,
    ) -> Result<Start, Error> {
        let now = self.clock.now();
        let mut tx = self.begin().await?;
        let begun = tx.fetch_optional(&BEGIN, arguments![&delivery.document_id, worker, now]).await?;
        let Some(run) = begun else {
            self.queue.acknowledge(&mut tx, &delivery).await?;
            tx.commit().await?;
            return Ok(Start::Nothing);
        };
        let number: u32 = run.number("attempt")?;
        let organization_id: String = run.get("organization_id")?;
        let fence = Fence { document_id: &delivery.document_id, attempt: number, now };
        if run.get("cancel_requested")? {
            fence.end(&mut tx, RunEnd::Finished).await?;
            fence.end_document(&mut tx, DocumentStatus::Cancelled).await?;
            let document = documents::read(&mut tx, &organization_id, &delivery.document_id).await?;
            self.meter_end(&mut tx, &document, Ending::Cancelled).await?;
            let (id, kind) = (&delivery.document_id, EventKind::DocumentCancelled);
            self.announce_finished(&mut tx, &organization_id, id, kind, None).await?;
            self.queue.acknowledge(&mut tx, &delivery).await?;
            tx.commit().await?;
            self.document_changes.notify_one();
            return Ok(Start::Cancelled);
        }
        let counted = number.saturating_sub(run.number("attempts_excused")?);
        if counted > max_attempts {
            let failure = worker_lost(max_attempts);
            fence.end(&mut tx, RunEnd::Dead(&failure)).await?;
            fence.end_document(&mut tx, DocumentStatus::Failed).await?;
            let document = documents::read(&mut tx, &organization_id, &delivery.document_id).await?;
            self.meter_end(&mut tx, &document, Ending::Failed { code: &failure.code }).await?;
            let (id, kind) = (&delivery.document_id, EventKind::DocumentFailed);
            self.announce_finished(&mut tx, &organization_id, id, kind, None).await?;
            self.queue.acknowledge(&mut tx, &delivery).await?;
            tx.commit().await?;
            self.document_changes.notify_one();
            return Ok(Start::Dead);
        }
        tx.execute(&BEGIN_DOCUMENT, arguments![&delivery.document_id, now]).await?;
        // Without its message nobody would bring the run back if this worker died.
        if !self.queue.extend(&mut tx, &delivery, lease).await? {
            return Ok(Start::Nothing);
        }
        let document = documents::read(&mut tx, &organization_id, &delivery.document_id).await?;
        let template = match &document.template {
            None => None,
            Some(used) => templates::find_version(&mut tx, &organization_id, &used.id, used.version).await?,
        };
        tx.commit().await?;
        self.document_changes.notify_one();
        Ok(Start::Started(Box::new(Attempt {
            document,
            template,
            number,
            failures: run.number("failures")?,
            trace: run.get("trace")?,
            delivery,
        })))
    }

    /// Makes the attempt's lease last from now for `lease`, and tells how far it is.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn beat(
        &self,
        attempt: &Attempt,
        lease: Duration,
        progress: AttemptProgress,
    ) -> Result<Pulse, Error> {
        let id = &attempt.document.id;
        let now = self.clock.now();
        let mut tx = self.begin().await?;
        let Some(run) = tx.fetch_optional(&BEAT, arguments![id, attempt.number, now]).await? else {
            return Ok(Pulse::Lost);
        };
        let percent = progress.percent.min(100);
        tx.execute(&PROGRESS, arguments![id, percent, progress.pages_read, progress.page_count, now]).await?;
        if !self.queue.extend(&mut tx, &attempt.delivery, lease).await? {
            return Ok(Pulse::Lost);
        }
        tx.commit().await?;
        self.document_changes.notify_one();
        Ok(if run.get("cancel_requested")? { Pulse::Cancel } else { Pulse::Continue })
    }

    /// Ends the attempt with a result; `false` where it is not the latest any more, and its result is dropped.
    ///
    /// # Errors
    /// Whatever the database answers; the same call may then be made again.
    pub async fn complete_attempt(&self, attempt: &Attempt, processed: &Processed) -> Result<bool, Error> {
        let fence = self.fence(attempt);
        let mut tx = self.begin().await?;
        if !fence.end(&mut tx, RunEnd::Finished).await? {
            return Ok(false);
        }
        results::upsert(&mut tx, fence.document_id, fence.attempt, processed, fence.now).await?;
        tx.execute(
            &COMPLETE_DOCUMENT,
            arguments![
                fence.document_id,
                processed.page_count,
                &processed.extractor.plugin,
                &processed.extractor.version,
                &processed.extractor.digest,
                processed.confidence.filter(|confidence| confidence.is_finite()),
                fence.attempt,
                fence.now
            ],
        )
        .await?;
        let ending = Ending::Completed { pages: processed.page_count };
        self.meter_end(&mut tx, &attempt.document, ending).await?;
        let (organization_id, result) = (&attempt.document.organization_id, Some(&processed.result));
        let kind = EventKind::DocumentProcessed;
        self.announce_finished(&mut tx, organization_id, fence.document_id, kind, result).await?;
        let is_plugin_changed = self.count_calls(&mut tx, organization_id, &calls_of(processed)).await?;
        self.queue.acknowledge(&mut tx, &attempt.delivery).await?;
        tx.commit().await?;
        self.tell_of_end(is_plugin_changed);
        Ok(true)
    }

    /// Ends the attempt, and the run, with a failure, and counts the calls of extractors if it came to any; `false`
    /// where it is not the latest any more.
    ///
    /// # Errors
    /// Whatever the database answers; the same call may then be made again.
    pub async fn fail_attempt(
        &self,
        attempt: &Attempt,
        failure: &Failure,
        calls: &[ExtractorCall],
    ) -> Result<bool, Error> {
        let ending = Ending::Failed { code: &failure.code };
        self.finish_attempt(attempt, RunEnd::Dead(failure), ending, calls).await
    }

    /// Ends the attempt because somebody wants it cancelled; `false` where it is not the latest any more.
    ///
    /// # Errors
    /// Whatever the database answers; the same call may then be made again.
    pub async fn cancel_attempt(&self, attempt: &Attempt) -> Result<bool, Error> {
        self.finish_attempt(attempt, RunEnd::Finished, Ending::Cancelled, &[]).await
    }

    /// Ends the attempt with a failure that may pass: the document is tried again after `delay`. Counts the calls of
    /// extractors if it came to any. `false` where it is not the latest any more.
    ///
    /// # Errors
    /// Whatever the database answers; the same call may then be made again.
    pub async fn retry_attempt(
        &self,
        attempt: &Attempt,
        failure: &Failure,
        calls: &[ExtractorCall],
        delay: Duration,
    ) -> Result<bool, Error> {
        self.return_attempt(attempt, RunEnd::Failed(failure), calls, delay).await
    }

    /// Gives the attempt back unfinished, for another worker to take at once; it does not count towards the limit.
    /// `false` where it is not the latest any more.
    ///
    /// # Errors
    /// Whatever the database answers; the same call may then be made again.
    pub async fn release_attempt(&self, attempt: &Attempt) -> Result<bool, Error> {
        self.return_attempt(attempt, RunEnd::Released, &[], Duration::ZERO).await
    }

    async fn finish_attempt(
        &self,
        attempt: &Attempt,
        end: RunEnd<'_>,
        ending: Ending<'_>,
        calls: &[ExtractorCall],
    ) -> Result<bool, Error> {
        let (status, kind) = match ending {
            Ending::Completed { .. } => (DocumentStatus::Completed, EventKind::DocumentProcessed),
            Ending::Failed { .. } => (DocumentStatus::Failed, EventKind::DocumentFailed),
            Ending::Cancelled => (DocumentStatus::Cancelled, EventKind::DocumentCancelled),
        };
        let fence = self.fence(attempt);
        let mut tx = self.begin().await?;
        if !fence.end(&mut tx, end).await? {
            return Ok(false);
        }
        fence.end_document(&mut tx, status).await?;
        self.meter_end(&mut tx, &attempt.document, ending).await?;
        let organization_id = &attempt.document.organization_id;
        self.announce_finished(&mut tx, organization_id, fence.document_id, kind, None).await?;
        let is_plugin_changed = self.count_calls(&mut tx, organization_id, calls).await?;
        self.queue.acknowledge(&mut tx, &attempt.delivery).await?;
        tx.commit().await?;
        self.tell_of_end(is_plugin_changed);
        Ok(true)
    }

    async fn return_attempt(
        &self,
        attempt: &Attempt,
        end: RunEnd<'_>,
        calls: &[ExtractorCall],
        delay: Duration,
    ) -> Result<bool, Error> {
        let fence = self.fence(attempt);
        let mut tx = self.begin().await?;
        if !fence.end(&mut tx, end).await? {
            return Ok(false);
        }
        tx.execute(&REQUEUE_DOCUMENT, arguments![fence.document_id, fence.now]).await?;
        let is_plugin_changed = self.count_calls(&mut tx, &attempt.document.organization_id, calls).await?;
        self.queue.release(&mut tx, &attempt.delivery, delay).await?;
        tx.commit().await?;
        self.tell_of_end(is_plugin_changed);
        Ok(true)
    }

    /// Tells those in this process who follow documents, and plugins, that an attempt has ended.
    fn tell_of_end(&self, is_plugin_changed: bool) {
        self.document_changes.notify_one();
        if is_plugin_changed {
            self.tell_of_plugin();
        }
    }

    fn fence<'a>(&self, attempt: &'a Attempt) -> Fence<'a> {
        Fence { document_id: &attempt.document.id, attempt: attempt.number, now: self.clock.now() }
    }
}

/// The calls that led to a result.
fn calls_of(processed: &Processed) -> Vec<ExtractorCall> {
    let millis = processed.timings.get("extractor").copied().unwrap_or_default();
    let call = ExtractorCall {
        extractor: processed.extractor.clone(),
        elapsed: Duration::from_millis(millis),
        failure: None,
    };
    processed.failed_canary.iter().cloned().chain([call]).collect()
}

/// How an attempt leaves its run.
enum RunEnd<'a> {
    /// Nothing more to do.
    Finished,
    /// Given up.
    Dead(&'a Failure),
    /// To be tried again.
    Failed(&'a Failure),
    /// To be tried again, and not counted.
    Released,
}

/// What a write of an attempt must match to count.
struct Fence<'a> {
    document_id: &'a str,
    attempt: u32,
    now: Timestamp,
}

impl Fence<'_> {
    /// Ends the attempt; `false` where it is not the latest, or has ended already.
    async fn end(&self, tx: &mut Transaction, end: RunEnd<'_>) -> Result<bool, Error> {
        let (state, failure, excused, failures) = match end {
            RunEnd::Finished => ("finished", None, 0, 0),
            RunEnd::Dead(failure) => ("dead", Some(failure), 0, 1),
            RunEnd::Failed(failure) => ("waiting", Some(failure), 0, 1),
            RunEnd::Released => ("waiting", None, 1, 0),
        };
        let bound: Vec<Argument> = arguments![
            self.document_id,
            self.attempt,
            state,
            failure.map(|failure| failure.code.as_str()),
            failure.map(|failure| failure.message.as_str()),
            self.now,
            excused,
            failures
        ];
        Ok(tx.execute(&END, bound).await? == 1)
    }

    async fn end_document(&self, tx: &mut Transaction, status: DocumentStatus) -> Result<(), Error> {
        tx.execute(&END_DOCUMENT, arguments![self.document_id, status.as_str(), self.now]).await?;
        Ok(())
    }
}

/// Why a run is dead whose workers fell silent once too often.
fn worker_lost(max_attempts: u32) -> Failure {
    Failure {
        code: "worker_lost".to_owned(),
        message: format!("the worker stopped in the middle of each of {max_attempts} attempts"),
    }
}
