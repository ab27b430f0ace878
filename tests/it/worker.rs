//! What workers make of documents, through all that can go wrong on the way.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use ocriva::clock::Clock;
use ocriva::domain::audit::Actor;
use ocriva::domain::document::{
    AttemptProgress, Cancellation, Document, DocumentStatus, Failure, NewDocument, NewProcessing, Processed,
    Reprocessing,
};
use ocriva::domain::tenant::Tenant;
use ocriva::store::{Pulse, Start};
use ocriva::worker::{Job, ProcessError, Processor, ProgressSink, Settings, Worker};
use sqlx::{Connection, Executor, PgConnection};
use support::database::Engine;
use support::on_each_engine;
use support::store::{LEASE, TestStore, processed};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

on_each_engine!(
    a_document_goes_from_pending_to_completed_with_one_result,
    a_permanent_error_fails_at_once_with_its_reason,
    an_error_that_passes_is_tried_again,
    what_always_fails_is_dead_in_the_end_while_the_rest_completes,
    a_panic_costs_its_own_document_only,
    a_document_that_takes_too_long_fails_with_the_limit,
    a_waiting_document_is_cancelled_at_once,
    a_queued_document_is_cancelled_at_once,
    a_running_document_is_cancelled_by_its_worker,
    a_finished_document_cannot_be_cancelled,
    a_worker_that_fell_silent_is_replaced_after_its_lease,
    an_overtaken_attempt_can_write_nothing,
    a_run_that_kills_its_workers_is_dead_after_the_last_attempt,
    a_finished_run_is_never_run_again,
    a_leftover_message_does_not_disturb_a_reprocessing,
    a_restarted_worker_leaves_nothing_stuck,
    a_worker_never_holds_more_than_its_slots,
    two_workers_process_each_document_once,
    one_document_is_not_kept_waiting_by_a_hundred_of_another_organization,
    an_organization_that_holds_all_slots_keeps_nobody_else_waiting,
    a_stopping_worker_finishes_what_it_holds,
    a_stopping_worker_gives_back_what_it_cannot_finish,
    a_processor_that_blocks_its_thread_keeps_its_lease,
    progress_is_seen_while_a_document_is_processed,
    a_reprocessed_document_gets_a_new_result,
);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn broken_connections_lose_and_double_nothing() {
    let Some(test) = TestStore::new(Engine::Postgres).await else { return };
    let mut uploaded = Vec::new();
    for _ in 0..20 {
        uploaded.push(upload_named(&test, "slow").await);
    }
    let quick = Settings { lease: Duration::from_secs(2), max_attempts: 100, ..settings() };
    let behaviours = Behaviours::of("slow", Behaviour::Takes(Duration::from_millis(60)));
    let worker = Running::start(&test, quick, behaviours);
    let mut killer = PgConnection::connect(&test.database.url).await.unwrap();
    for _ in 0..15 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        killer.execute(BREAK_CONNECTIONS).await.unwrap();
    }
    for id in &uploaded {
        let document = finished(&test, id).await;
        assert_eq!(document.status, DocumentStatus::Completed, "{document:?}");
    }
    worker.stop().await;
    let results: i64 =
        sqlx::query_scalar("select count(*) from results").fetch_one(&mut killer).await.unwrap();
    assert_eq!(results, 20);
}

async fn a_document_goes_from_pending_to_completed_with_one_result(test: TestStore) {
    let uploaded = test.upload(&test.tenant(), &test.new_document()).await;
    assert_eq!(uploaded.status, DocumentStatus::Pending);
    let worker = Running::start(&test, settings(), Behaviours::default());
    let document = finished(&test, &uploaded.id).await;
    worker.stop().await;
    assert_eq!((document.status, document.progress), (DocumentStatus::Completed, 100));
    assert_eq!((document.attempts, document.page_count, document.confidence), (1, Some(2), Some(0.875)));
    assert_eq!(document.extractor, Some(processed("").extractor));
    assert!(document.started_at >= Some(document.created_at));
    assert!(document.completed_at >= document.started_at);
    let result = test.store.result(&test.tenant(), &uploaded.id).await.unwrap().unwrap();
    assert_eq!(result.extraction.text, "receipt.jpg, attempt 1");
    assert_eq!(result.timings, processed("").timings);
}

async fn a_permanent_error_fails_at_once_with_its_reason(test: TestStore) {
    let id = upload_named(&test, "encrypted").await;
    let behaviours = Behaviours::of("encrypted", Behaviour::Permanent);
    let worker = Running::start(&test, settings(), behaviours);
    let document = finished(&test, &id).await;
    worker.stop().await;
    assert_eq!((document.status, document.attempts), (DocumentStatus::Failed, 1));
    let error = Failure { code: "pdf_encrypted".to_owned(), message: "document needs a password".to_owned() };
    assert_eq!(document.error, Some(error));
    assert!(document.completed_at.is_some());
}

async fn an_error_that_passes_is_tried_again(test: TestStore) {
    let id = upload_named(&test, "flaky").await;
    let worker = Running::start(&test, settings(), Behaviours::of("flaky", Behaviour::TransientUntil(3)));
    let document = finished(&test, &id).await;
    let starts = worker.starts();
    worker.stop().await;
    assert_eq!((document.status, document.attempts), (DocumentStatus::Completed, 3));
    assert_eq!(document.error, None);
    let gaps: Vec<Duration> = starts.windows(2).map(|pair| pair[1].1 - pair[0].1).collect();
    assert!(gaps[0] >= RETRY_DELAY && gaps[1] >= RETRY_DELAY * 2, "{gaps:?}");
}

async fn what_always_fails_is_dead_in_the_end_while_the_rest_completes(test: TestStore) {
    let bad = upload_named(&test, "bad").await;
    let good =
        [upload_named(&test, "a").await, upload_named(&test, "b").await, upload_named(&test, "c").await];
    let worker = Running::start(&test, settings(), Behaviours::of("bad", Behaviour::TransientUntil(99)));
    for id in &good {
        assert_eq!(finished(&test, id).await.status, DocumentStatus::Completed);
    }
    let document = finished(&test, &bad).await;
    worker.stop().await;
    assert_eq!((document.status, document.attempts), (DocumentStatus::Failed, 3));
    assert_eq!(document.error.unwrap().code, "storage_unreachable");
    test.clock.advance(LEASE * 100);
    assert_eq!(test.store.claim("later", 10, LEASE).await.unwrap(), []);
}

async fn a_panic_costs_its_own_document_only(test: TestStore) {
    let bad = upload_named(&test, "bad").await;
    let good = upload_named(&test, "good").await;
    let worker = Running::start(&test, settings(), Behaviours::of("bad", Behaviour::Panic));
    assert_eq!(finished(&test, &good).await.status, DocumentStatus::Completed);
    let document = finished(&test, &bad).await;
    worker.stop().await;
    assert_eq!((document.status, document.attempts), (DocumentStatus::Failed, 3));
    assert_eq!(document.error.unwrap().code, "internal_error");
}

async fn a_document_that_takes_too_long_fails_with_the_limit(test: TestStore) {
    let id = upload_named(&test, "endless").await;
    let limited = Settings { document_timeout: Duration::from_millis(200), ..settings() };
    let worker = Running::start(&test, limited, Behaviours::of("endless", Behaviour::Endless));
    let document = finished(&test, &id).await;
    worker.stop().await;
    assert_eq!((document.status, document.attempts), (DocumentStatus::Failed, 1));
    assert_eq!(document.error.unwrap().code, "document_timeout");
}

async fn a_waiting_document_is_cancelled_at_once(test: TestStore) {
    let id = upload_named(&test, "a").await;
    assert_eq!(cancel(&test, &id).await, Cancellation::Cancelled);
    let document = test.document(&id).await;
    assert_eq!(document.status, DocumentStatus::Cancelled);
    assert!(document.completed_at.is_some());
}

async fn a_queued_document_is_cancelled_at_once(test: TestStore) {
    let id = upload_named(&test, "a").await;
    test.store.dispatch(1, 10).await.unwrap();
    let deliveries = test.store.claim("worker", 1, LEASE).await.unwrap();
    assert_eq!(cancel(&test, &id).await, Cancellation::Cancelled);
    // The worker that had claimed it finds nothing to do.
    for delivery in deliveries {
        let start = test.store.start_attempt("worker", delivery, LEASE, 3).await.unwrap();
        assert!(matches!(start, Start::Nothing), "{start:?}");
    }
    assert_eq!(test.status(&id).await, DocumentStatus::Cancelled);
}

async fn a_running_document_is_cancelled_by_its_worker(test: TestStore) {
    let id = upload_named(&test, "endless").await;
    let worker = Running::start(&test, settings(), Behaviours::of("endless", Behaviour::Endless));
    reaches(&test, &id, |document| document.status == DocumentStatus::InProgress).await;
    assert_eq!(cancel(&test, &id).await, Cancellation::Requested);
    let document = finished(&test, &id).await;
    worker.stop().await;
    assert_eq!(document.status, DocumentStatus::Cancelled);
    assert_eq!(document.error, None);
}

async fn a_finished_document_cannot_be_cancelled(test: TestStore) {
    let attempt = test.upload_and_start().await;
    test.store.complete_attempt(&attempt, &processed("done")).await.unwrap();
    assert_eq!(cancel(&test, &attempt.document.id).await, Cancellation::TooLate);
    assert_eq!(cancel(&test, "no such document").await, Cancellation::NotFound);
    assert_eq!(test.status(&attempt.document.id).await, DocumentStatus::Completed);
}

async fn a_worker_that_fell_silent_is_replaced_after_its_lease(test: TestStore) {
    let silent = test.upload_and_start().await;
    test.clock.advance(LEASE + Duration::from_secs(1));
    let worker = Running::start(&test, settings(), Behaviours::default());
    let document = finished(&test, &silent.document.id).await;
    worker.stop().await;
    assert_eq!((document.status, document.attempts), (DocumentStatus::Completed, 2));
    let result = test.store.result(&test.tenant(), &document.id).await.unwrap().unwrap();
    assert_eq!(result.attempt, 2);
}

async fn an_overtaken_attempt_can_write_nothing(test: TestStore) {
    let stale = test.upload_and_start().await;
    test.clock.advance(LEASE + Duration::from_secs(1));
    let latest = test.start("second").await;
    let failure = Failure { code: "x".to_owned(), message: "x".to_owned() };
    assert_eq!(test.store.beat(&stale, LEASE, AttemptProgress::default()).await.unwrap(), Pulse::Lost);
    assert!(!test.store.complete_attempt(&stale, &processed("stale")).await.unwrap());
    assert!(!test.store.fail_attempt(&stale, &failure, &[]).await.unwrap());
    assert!(!test.store.retry_attempt(&stale, &failure, &[], Duration::ZERO).await.unwrap());
    assert!(!test.store.cancel_attempt(&stale).await.unwrap());
    assert!(!test.store.release_attempt(&stale).await.unwrap());
    assert_eq!(test.status(&latest.document.id).await, DocumentStatus::InProgress);
    assert!(test.store.complete_attempt(&latest, &processed("latest")).await.unwrap());
    assert!(!test.store.complete_attempt(&latest, &processed("twice")).await.unwrap());
    let result = test.store.result(&test.tenant(), &latest.document.id).await.unwrap().unwrap();
    assert_eq!((result.extraction.text.as_str(), result.attempt), ("latest", 2));
}

async fn a_run_that_kills_its_workers_is_dead_after_the_last_attempt(test: TestStore) {
    let id = test.upload_and_start().await.document.id;
    for worker in ["second", "third"] {
        test.clock.advance(LEASE + Duration::from_secs(1));
        test.start(worker).await;
    }
    test.clock.advance(LEASE + Duration::from_secs(1));
    let delivery = test.store.claim("fourth", 1, LEASE).await.unwrap().remove(0);
    let start = test.store.start_attempt("fourth", delivery, LEASE, 3).await.unwrap();
    assert!(matches!(start, Start::Dead), "{start:?}");
    let document = test.document(&id).await;
    assert_eq!(document.status, DocumentStatus::Failed);
    assert_eq!(document.error.unwrap().code, "worker_lost");
    test.clock.advance(LEASE * 10);
    assert_eq!(test.store.claim("fifth", 1, LEASE).await.unwrap(), []);
}

async fn a_finished_run_is_never_run_again(test: TestStore) {
    let attempt = test.upload_and_start().await;
    test.clock.advance(LEASE + Duration::from_secs(1));
    // Delivered to another worker, which is slow to begin, while the first one finishes.
    let again = test.store.claim("second", 1, LEASE).await.unwrap().remove(0);
    assert!(test.store.complete_attempt(&attempt, &processed("first")).await.unwrap());
    let start = test.store.start_attempt("second", again, LEASE, 3).await.unwrap();
    assert!(matches!(start, Start::Nothing), "{start:?}");
    test.clock.advance(LEASE * 10);
    assert_eq!(test.store.claim("third", 1, LEASE).await.unwrap(), []);
    assert_eq!(test.document(&attempt.document.id).await.attempts, 1);
}

async fn a_leftover_message_does_not_disturb_a_reprocessing(test: TestStore) {
    let attempt = test.upload_and_start().await;
    let id = attempt.document.id.as_str();
    test.clock.advance(LEASE + Duration::from_secs(1));
    let leftover = test.store.claim("second", 1, LEASE).await.unwrap().remove(0);
    assert!(test.store.complete_attempt(&attempt, &processed("first")).await.unwrap());
    assert_eq!(reprocess(&test, id).await, Reprocessing::Accepted);
    let start = test.store.start_attempt("second", leftover, LEASE, 3).await.unwrap();
    assert!(matches!(start, Start::Nothing), "{start:?}");
    assert_eq!(test.store.dispatch(1, 10).await.unwrap(), 1);
    assert_eq!(test.start("third").await.number, 2);
}

async fn a_restarted_worker_leaves_nothing_stuck(test: TestStore) {
    let uploaded = [upload_named(&test, "a").await, upload_named(&test, "b").await];
    test.store.dispatch(2, 10).await.unwrap();
    for delivery in test.store.claim("same name", 2, LEASE).await.unwrap() {
        test.store.start_attempt("same name", delivery, LEASE, 3).await.unwrap();
    }
    test.clock.advance(LEASE + Duration::from_secs(1));
    for delivery in test.store.claim("same name", 2, LEASE).await.unwrap() {
        let Start::Started(attempt) =
            test.store.start_attempt("same name", delivery, LEASE, 3).await.unwrap()
        else {
            panic!("not started");
        };
        assert!(test.store.complete_attempt(&attempt, &processed("done")).await.unwrap());
    }
    for id in &uploaded {
        assert_eq!(test.status(id).await, DocumentStatus::Completed);
    }
}

async fn a_worker_never_holds_more_than_its_slots(test: TestStore) {
    let mut uploaded = Vec::new();
    for _ in 0..8 {
        uploaded.push(upload_named(&test, "slow").await);
    }
    let behaviours = Behaviours::of("slow", Behaviour::Takes(Duration::from_millis(40)));
    let worker = Running::start(&test, Settings { slots: 3, ..settings() }, behaviours);
    for id in &uploaded {
        assert_eq!(finished(&test, id).await.status, DocumentStatus::Completed);
    }
    let most = worker.processor.most_at_once();
    worker.stop().await;
    assert_eq!(most, 3);
}

async fn two_workers_process_each_document_once(test: TestStore) {
    let mut uploaded = Vec::new();
    for _ in 0..16 {
        uploaded.push(upload_named(&test, "slow").await);
    }
    let behaviours = || Behaviours::of("slow", Behaviour::Takes(Duration::from_millis(10)));
    let one = Running::start(&test, settings(), behaviours());
    let other = Running::start(&test, settings(), behaviours());
    for id in &uploaded {
        let document = finished(&test, id).await;
        assert_eq!((document.status, document.attempts), (DocumentStatus::Completed, 1));
    }
    assert_eq!(one.starts().len() + other.starts().len(), 16);
    one.stop().await;
    other.stop().await;
}

async fn one_document_is_not_kept_waiting_by_a_hundred_of_another_organization(test: TestStore) {
    for _ in 0..100 {
        upload_named(&test, "many").await;
    }
    let quiet = test.other_tenant().await;
    let one = NewDocument { file_name: "one".to_owned(), ..test.new_document() };
    let id = test.upload(&quiet, &one).await.id;
    let worker = Running::start(&test, Settings { slots: 1, ..settings() }, Behaviours::default());
    let document = finished_of(&test, &quiet, &id).await;
    let starts = worker.starts();
    worker.stop().await;
    assert_eq!(document.status, DocumentStatus::Completed);
    let position = starts.iter().position(|(name, _)| name == "one").unwrap();
    assert!(position <= 1, "started as number {position}");
}

async fn an_organization_that_holds_all_slots_keeps_nobody_else_waiting(test: TestStore) {
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(upload_named(&test, "endless").await);
    }
    let spare = Settings { spare_slots: 1, ..settings() };
    let worker = Running::start(&test, spare, Behaviours::of("endless", Behaviour::Endless));
    reaches(&test, &held[1], |document| document.status == DocumentStatus::InProgress).await;
    let quiet = test.other_tenant().await;
    for _ in 0..2 {
        let one = NewDocument { file_name: "one".to_owned(), ..test.new_document() };
        let id = test.upload(&quiet, &one).await.id;
        assert_eq!(finished_of(&test, &quiet, &id).await.status, DocumentStatus::Completed);
    }
    let names: Vec<String> = worker.starts().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["endless", "endless", "one", "one"]);
    assert_eq!(test.status(&held[2]).await, DocumentStatus::Pending);
    for id in &held {
        cancel(&test, id).await;
    }
    worker.stop().await;
}

async fn a_stopping_worker_finishes_what_it_holds(test: TestStore) {
    let id = upload_named(&test, "slow").await;
    let late = upload_named(&test, "late").await;
    let behaviours = Behaviours::of("slow", Behaviour::Takes(Duration::from_millis(300)));
    let worker = Running::start(&test, Settings { slots: 1, ..settings() }, behaviours);
    reaches(&test, &id, |document| document.status == DocumentStatus::InProgress).await;
    worker.stop().await;
    assert_eq!(test.status(&id).await, DocumentStatus::Completed);
    assert_eq!(test.status(&late).await, DocumentStatus::Pending);
}

async fn a_stopping_worker_gives_back_what_it_cannot_finish(test: TestStore) {
    let id = upload_named(&test, "endless").await;
    let hasty = Settings { drain_timeout: Duration::from_millis(50), ..settings() };
    let worker = Running::start(&test, hasty, Behaviours::of("endless", Behaviour::Endless));
    reaches(&test, &id, |document| document.status == DocumentStatus::InProgress).await;
    worker.stop().await;
    assert_eq!(test.status(&id).await, DocumentStatus::Queued);
    // At once, without waiting for a lease; and the attempt does not count towards the limit.
    let attempt = test.start("second").await;
    assert_eq!((attempt.number, attempt.failures), (2, 0));
    for worker in ["third", "fourth"] {
        test.clock.advance(LEASE + Duration::from_secs(1));
        test.start(worker).await;
    }
}

async fn a_processor_that_blocks_its_thread_keeps_its_lease(test: TestStore) {
    let id = upload_named(&test, "blocking").await;
    let short = Settings { lease: Duration::from_millis(300), ..settings() };
    let worker = Running::start(&test, short, Behaviours::of("blocking", Behaviour::Blocks));
    let document = finished(&test, &id).await;
    worker.stop().await;
    assert_eq!((document.status, document.attempts), (DocumentStatus::Completed, 1));
}

async fn progress_is_seen_while_a_document_is_processed(test: TestStore) {
    let id = upload_named(&test, "endless").await;
    let quick = Settings { lease: Duration::from_secs(1), ..settings() };
    let worker = Running::start(&test, quick, Behaviours::of("endless", Behaviour::Endless));
    let document = reaches(&test, &id, |document| document.progress > 0).await;
    assert_eq!((document.progress, document.page_count), (45, Some(4)));
    cancel(&test, &id).await;
    finished(&test, &id).await;
    worker.stop().await;
}

async fn a_reprocessed_document_gets_a_new_result(test: TestStore) {
    let attempt = test.upload_and_start().await;
    let id = attempt.document.id.clone();
    assert_eq!(reprocess(&test, &id).await, Reprocessing::NotFinished);
    test.store.complete_attempt(&attempt, &processed("first")).await.unwrap();
    assert_eq!(reprocess(&test, &id).await, Reprocessing::Accepted);
    let waiting = test.document(&id).await;
    assert_eq!((waiting.status, waiting.completed_at), (DocumentStatus::Pending, None));
    assert_eq!(test.store.result(&test.tenant(), &id).await.unwrap(), None);
    let worker = Running::start(&test, settings(), Behaviours::default());
    let document = finished(&test, &id).await;
    worker.stop().await;
    assert_eq!((document.status, document.attempts), (DocumentStatus::Completed, 2));
    let result = test.store.result(&test.tenant(), &id).await.unwrap().unwrap();
    assert_eq!(result.extraction.text, "receipt.jpg, attempt 2");
    assert_eq!(reprocess(&test, "no such document").await, Reprocessing::NotFound);
}

/// First delay before a retry; short, since it is waited for.
const RETRY_DELAY: Duration = Duration::from_millis(100);

/// Ends all sessions of the test's database but the one that asks.
const BREAK_CONNECTIONS: &str = "select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid()";

/// How long a test waits for something that must happen.
const PATIENCE: Duration = Duration::from_secs(30);

fn settings() -> Settings {
    Settings {
        slots: 2,
        spare_slots: 0,
        in_flight_per_organization: 16,
        lease: LEASE,
        max_attempts: 3,
        retry_delay: RETRY_DELAY,
        document_timeout: Duration::from_secs(60),
        drain_timeout: Duration::from_secs(10),
    }
}

/// How the processor treats documents of one name.
#[derive(Debug, Clone, Copy)]
enum Behaviour {
    Permanent,
    /// Fails in every attempt before this one.
    TransientUntil(u32),
    Panic,
    /// Reads two of four pages, then nothing more.
    Endless,
    Takes(Duration),
    /// Computes for three leases without giving its thread back.
    Blocks,
}

/// Behaviour by file name; other documents succeed at once.
#[derive(Debug, Default)]
struct Behaviours(BTreeMap<String, Behaviour>);

impl Behaviours {
    fn of(file_name: &str, behaviour: Behaviour) -> Self {
        Self(BTreeMap::from([(file_name.to_owned(), behaviour)]))
    }
}

/// Stands in for decoding, reading and extraction.
struct TestProcessor {
    behaviours: Behaviours,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// File names, in the order in which processing began, and when.
    starts: Vec<(String, Instant)>,
    at_once: usize,
    most_at_once: usize,
}

impl TestProcessor {
    fn most_at_once(&self) -> usize {
        self.state.lock().unwrap().most_at_once
    }

    async fn behave(&self, job: &Job, progress: &ProgressSink) -> Result<Processed, ProcessError> {
        let name = &job.document.file_name;
        match self.behaviours.0.get(name) {
            Some(Behaviour::Permanent) => {
                return Err(ProcessError::permanent("pdf_encrypted", "document needs a password"));
            }
            Some(Behaviour::TransientUntil(attempt)) if job.attempt < *attempt => {
                return Err(ProcessError::transient("storage_unreachable", "the file cannot be fetched"));
            }
            Some(Behaviour::Panic) => panic!("on purpose"),
            Some(Behaviour::Endless) => {
                progress.pages(2, 4);
                std::future::pending::<()>().await;
            }
            Some(Behaviour::Takes(duration)) => tokio::time::sleep(*duration).await,
            Some(Behaviour::Blocks) => std::thread::sleep(Duration::from_millis(900)),
            Some(Behaviour::TransientUntil(_)) | None => {}
        }
        Ok(processed(&format!("{name}, attempt {}", job.attempt)))
    }
}

#[async_trait]
impl Processor for TestProcessor {
    async fn process(&self, job: Job, progress: ProgressSink) -> Result<Processed, ProcessError> {
        {
            let mut state = self.state.lock().unwrap();
            state.starts.push((job.document.file_name.clone(), Instant::now()));
            state.at_once += 1;
            state.most_at_once = state.most_at_once.max(state.at_once);
        }
        let outcome = self.behave(&job, &progress).await;
        self.state.lock().unwrap().at_once -= 1;
        outcome
    }
}

/// A worker at work.
struct Running {
    processor: Arc<TestProcessor>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Running {
    fn start(test: &TestStore, settings: Settings, behaviours: Behaviours) -> Self {
        let processor = Arc::new(TestProcessor { behaviours, state: Mutex::default() });
        let stop = CancellationToken::new();
        let worker = Worker::new(test.store.clone(), Arc::clone(&processor) as _, settings, &Clock::system());
        let task = tokio::spawn(worker.run(stop.clone()));
        Self { processor, stop, task }
    }

    fn starts(&self) -> Vec<(String, Instant)> {
        self.processor.state.lock().unwrap().starts.clone()
    }

    async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }
}

async fn upload_named(test: &TestStore, file_name: &str) -> String {
    let new = NewDocument { file_name: file_name.to_owned(), ..test.new_document() };
    test.upload(&test.tenant(), &new).await.id
}

async fn cancel(test: &TestStore, id: &str) -> Cancellation {
    test.store.cancel_document(&Actor::system(), &test.tenant(), id).await.unwrap()
}

async fn reprocess(test: &TestStore, id: &str) -> Reprocessing {
    test.store
        .reprocess_document(&Actor::system(), &test.tenant(), id, &NewProcessing::default())
        .await
        .unwrap()
}

async fn finished(test: &TestStore, id: &str) -> Document {
    finished_of(test, &test.tenant(), id).await
}

async fn finished_of(test: &TestStore, tenant: &Tenant, id: &str) -> Document {
    reaches_of(test, tenant, id, |document| document.status.is_final()).await
}

async fn reaches(test: &TestStore, id: &str, is_there: impl Fn(&Document) -> bool) -> Document {
    reaches_of(test, &test.tenant(), id, is_there).await
}

/// Looks at the document until it is as wanted.
async fn reaches_of(
    test: &TestStore,
    tenant: &Tenant,
    id: &str,
    is_there: impl Fn(&Document) -> bool,
) -> Document {
    let since = Instant::now();
    loop {
        match test.store.document(tenant, id).await {
            Ok(Some(document)) if is_there(&document) => return document,
            Err(error) if error.is_transient() => {}
            other => assert!(since.elapsed() < PATIENCE, "it stays as it is: {other:?}"),
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
