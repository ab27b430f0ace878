//! Events: written with what they tell, read in the order in which it happened.

use std::time::Duration;

use futures::future::join_all;
use ocriva::domain::audit::Actor;
use ocriva::domain::batch::NewBatch;
use ocriva::domain::document::{Failure, NewDocument};
use ocriva::domain::event::{Event, EventKind};
use ocriva::domain::extraction::Extraction;
use ocriva::domain::tenant::Tenant;
use ocriva::store::{Attempt, Start};
use serde_json::json;
use support::on_each_engine;
use support::store::{LEASE, TestStore, processed, project_id};

on_each_engine!(
    a_document_tells_when_it_was_uploaded_and_processed,
    a_failure_is_told_with_its_reason,
    a_cancelled_document_tells_so_once,
    a_run_whose_workers_were_lost_tells_that_it_failed,
    an_overtaken_attempt_tells_nothing,
    a_batch_is_completed_by_its_last_document_only,
    documents_that_finish_at_once_complete_their_batch_once,
    a_batch_of_refused_files_is_completed_at_once,
    events_are_read_from_where_the_reader_was,
    events_of_another_tenant_are_not_there,
    old_events_are_swept,
    a_large_result_stays_out_of_the_event,
);

async fn a_document_tells_when_it_was_uploaded_and_processed(test: TestStore) {
    let attempt = test.upload_and_start().await;
    assert!(test.store.complete_attempt(&attempt, &processed("all of it")).await.unwrap());
    let events = of_document(&test, &attempt.document.id).await;
    assert_eq!(kinds(&events), [EventKind::DocumentUploaded, EventKind::DocumentProcessed]);
    assert_eq!(events.iter().map(|event| event.document_sequence).collect::<Vec<_>>(), [Some(1), Some(2)]);
    let [uploaded, finished] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!(uploaded.payload["status"], "pending");
    assert_eq!(
        (&uploaded.payload["id"], &uploaded.payload["result"]),
        (&json!(attempt.document.id), &json!(null))
    );
    assert_eq!(finished.payload["status"], "completed");
    assert_eq!(finished.payload["result"]["text"], "all of it");
    assert_eq!(finished.payload["result"].get("pages"), None);
    let parts: Vec<&str> = finished.public_id.split('_').collect();
    assert_eq!((parts.len(), parts[0], parts[2].len()), (3, "evt", 6), "{}", finished.public_id);
    assert_eq!(parts[1].parse::<i64>().unwrap() / 1000, finished.at.unix_seconds());
}

async fn a_failure_is_told_with_its_reason(test: TestStore) {
    let attempt = test.upload_and_start().await;
    let failure = Failure { code: "pdf_encrypted".to_owned(), message: "needs a password".to_owned() };
    assert!(test.store.retry_attempt(&attempt, &failure, Duration::ZERO).await.unwrap());
    let attempt = test.start("second").await;
    assert!(test.store.fail_attempt(&attempt, &failure).await.unwrap());
    let events = of_document(&test, &attempt.document.id).await;
    assert_eq!(kinds(&events), [EventKind::DocumentUploaded, EventKind::DocumentFailed]);
    assert_eq!(events[1].payload["error"], json!({"code": "pdf_encrypted", "message": "needs a password"}));
    assert_eq!(events[1].payload["attempts"], 2);
}

async fn a_cancelled_document_tells_so_once(test: TestStore) {
    let waiting = test.upload(&test.tenant(), &test.new_document()).await.id;
    let queued = test.upload(&test.tenant(), &test.new_document()).await.id;
    let actor = Actor::system();
    test.store.cancel_document(&actor, &test.tenant(), &waiting).await.unwrap();
    test.store.cancel_document(&actor, &test.tenant(), &waiting).await.unwrap();
    test.store.dispatch(1, 100).await.unwrap();
    let attempt = test.start("worker").await;
    assert_eq!(attempt.document.id, queued);
    test.store.cancel_document(&actor, &test.tenant(), &queued).await.unwrap();
    assert!(test.store.cancel_attempt(&attempt).await.unwrap());
    for id in [waiting, queued] {
        let events = of_document(&test, &id).await;
        assert_eq!(kinds(&events), [EventKind::DocumentUploaded, EventKind::DocumentCancelled]);
        assert_eq!(events[1].payload["status"], "cancelled");
    }
}

async fn a_run_whose_workers_were_lost_tells_that_it_failed(test: TestStore) {
    let attempt = test.upload_and_start().await;
    test.clock.advance(LEASE * 2);
    let delivery = test.store.claim("second", 1, LEASE).await.unwrap().remove(0);
    let start = test.store.start_attempt("second", delivery, LEASE, 1).await.unwrap();
    assert!(matches!(start, Start::Dead), "{start:?}");
    let events = of_document(&test, &attempt.document.id).await;
    assert_eq!(kinds(&events), [EventKind::DocumentUploaded, EventKind::DocumentFailed]);
    assert_eq!(events[1].payload["error"]["code"], "worker_lost");
}

async fn an_overtaken_attempt_tells_nothing(test: TestStore) {
    let lost = test.upload_and_start().await;
    test.clock.advance(LEASE * 2);
    let held = test.start("second").await;
    assert!(!test.store.complete_attempt(&lost, &processed("late")).await.unwrap());
    assert_eq!(kinds(&of_document(&test, &held.document.id).await), [EventKind::DocumentUploaded]);
}

async fn a_batch_is_completed_by_its_last_document_only(test: TestStore) {
    let (batch_id, attempts) = batch(&test, 2).await;
    assert!(test.store.complete_attempt(&attempts[0], &processed("first")).await.unwrap());
    let failure = Failure { code: "pdf_broken".to_owned(), message: "no pages".to_owned() };
    assert!(test.store.fail_attempt(&attempts[1], &failure).await.unwrap());
    let events = of_batch(&test, &batch_id, 0).await;
    let expected = [
        EventKind::BatchUploaded,
        EventKind::DocumentUploaded,
        EventKind::DocumentUploaded,
        EventKind::DocumentProcessed,
        EventKind::DocumentFailed,
        EventKind::BatchCompleted,
    ];
    assert_eq!(kinds(&events), expected);
    assert_eq!(
        (&events[0].payload["status"], &events[0].payload["totalFiles"]),
        (&json!("processing"), &json!(2))
    );
    let completed = &events[5].payload;
    assert_eq!((&completed["status"], &completed["progress"]), (&json!("completed"), &json!(100)));
    assert_eq!((&completed["completedFiles"], &completed["failedFiles"]), (&json!(1), &json!(1)));
}

async fn documents_that_finish_at_once_complete_their_batch_once(test: TestStore) {
    let (batch_id, attempts) = batch(&test, 8).await;
    let finished = attempts.iter().map(|attempt| {
        let (store, attempt) = (test.store.clone(), attempt.clone());
        tokio::spawn(async move { store.complete_attempt(&attempt, &processed("text")).await.unwrap() })
    });
    assert!(join_all(finished.collect::<Vec<_>>()).await.into_iter().all(Result::unwrap));
    let events = of_batch(&test, &batch_id, 0).await;
    let numbers: Vec<u64> = events.iter().filter_map(|event| event.batch_sequence).collect();
    assert_eq!(numbers, (1..=18).collect::<Vec<u64>>());
    assert_eq!(events.iter().filter(|event| event.kind == EventKind::BatchCompleted).count(), 1);
    assert_eq!(events[17].kind, EventKind::BatchCompleted);
}

async fn a_batch_of_refused_files_is_completed_at_once(test: TestStore) {
    let refused = Failure { code: "file.format".to_owned(), message: "not a document".to_owned() };
    let documents = [NewDocument { file: Err(refused), ..test.new_document() }];
    let batch_id = create_batch(&test, &documents).await;
    let events = of_batch(&test, &batch_id, 0).await;
    let expected = [EventKind::BatchUploaded, EventKind::DocumentFailed, EventKind::BatchCompleted];
    assert_eq!(kinds(&events), expected);
    assert_eq!(events[2].payload["status"], "failed");
}

async fn events_are_read_from_where_the_reader_was(test: TestStore) {
    let (batch_id, _) = batch(&test, 3).await;
    let first = test.store.batch_events(&test.tenant(), &batch_id, 0, 2).await.unwrap();
    let rest = of_batch(&test, &batch_id, first[1].batch_sequence.unwrap()).await;
    let numbers: Vec<u64> = first.iter().chain(&rest).filter_map(|event| event.batch_sequence).collect();
    assert_eq!(numbers, [1, 2, 3, 4]);
    assert_eq!(of_batch(&test, &batch_id, 4).await, []);
}

async fn events_of_another_tenant_are_not_there(test: TestStore) {
    let attempt = test.upload_and_start().await;
    let (batch_id, _) = batch(&test, 1).await;
    let other = test.other_tenant().await;
    let other_project = Tenant::project(&test.first.organization_id, project_id(&other));
    for stranger in [other, other_project] {
        let of_document = test.store.document_events(&stranger, &attempt.document.id, 0, 100).await.unwrap();
        let of_batch = test.store.batch_events(&stranger, &batch_id, 0, 100).await.unwrap();
        assert_eq!((of_document, of_batch), (vec![], vec![]));
    }
}

async fn old_events_are_swept(test: TestStore) {
    let old = test.upload(&test.tenant(), &test.new_document()).await.id;
    test.clock.advance(Duration::from_secs(60));
    let now = test.clock.clock().now();
    let recent = test.upload(&test.tenant(), &test.new_document()).await.id;
    assert_eq!(test.store.sweep_events(now, 100).await.unwrap(), 1);
    assert_eq!(test.store.sweep_events(now, 100).await.unwrap(), 0);
    assert_eq!(of_document(&test, &old).await, []);
    assert_eq!(of_document(&test, &recent).await.len(), 1);
    test.store.cancel_document(&Actor::system(), &test.tenant(), &old).await.unwrap();
    let later = of_document(&test, &old).await;
    assert_eq!(later[0].document_sequence, Some(2), "numbers go on after a sweep");
}

async fn a_large_result_stays_out_of_the_event(test: TestStore) {
    let attempt = test.upload_and_start().await;
    let result = Extraction { text: "x".repeat(300 * 1024), ..Extraction::default() };
    let large = ocriva::domain::document::Processed { result, ..processed("") };
    assert!(test.store.complete_attempt(&attempt, &large).await.unwrap());
    let payload = &of_document(&test, &attempt.document.id).await[1].payload;
    assert_eq!((&payload["result"], &payload["resultOmitted"]), (&json!(null), &json!(true)));
}

/// Records a batch and begins an attempt at each of its documents.
async fn batch(test: &TestStore, size: usize) -> (String, Vec<Attempt>) {
    let documents: Vec<NewDocument> = (0..size).map(|_| test.new_document()).collect();
    let batch_id = create_batch(test, &documents).await;
    let mut attempts = Vec::new();
    test.store.dispatch(u32::try_from(size).unwrap(), 100).await.unwrap();
    for _ in 0..size {
        attempts.push(test.start("worker").await);
    }
    attempts.retain(|attempt| attempt.document.batch_id.as_deref() == Some(&batch_id));
    (batch_id, attempts)
}

async fn create_batch(test: &TestStore, documents: &[NewDocument]) -> String {
    let id = test.clock.clock().new_id();
    let new =
        NewBatch { id: id.clone(), user_id: None, name: "Batch".to_owned(), template: None, metadata: None };
    let documents: Vec<NewDocument> = documents
        .iter()
        .map(|document| NewDocument { batch_id: Some(id.clone()), ..document.clone() })
        .collect();
    let (organization_id, project_id) = (&test.first.organization_id, &test.first.project_id);
    let recorded =
        test.store.create_batch(&Actor::system(), organization_id, project_id, &new, &documents).await;
    recorded.unwrap().id
}

async fn of_document(test: &TestStore, id: &str) -> Vec<Event> {
    test.store.document_events(&test.tenant(), id, 0, 100).await.unwrap()
}

async fn of_batch(test: &TestStore, id: &str, after: u64) -> Vec<Event> {
    test.store.batch_events(&test.tenant(), id, after, 100).await.unwrap()
}

fn kinds(events: &[Event]) -> Vec<EventKind> {
    events.iter().map(|event| event.kind).collect()
}
