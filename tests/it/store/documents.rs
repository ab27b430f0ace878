//! Documents and batches: what is recorded, listed, counted and refused.

use std::collections::BTreeSet;
use std::time::Duration;

use ocriva::domain::audit::Actor;
use ocriva::domain::batch::{BatchFilter, BatchStatus};
use ocriva::domain::document::{
    AttemptProgress, Deletion, Document, DocumentFilter, DocumentStatus, FileType, NewDocument, PageRange,
};
use ocriva::domain::listing::Page;
use ocriva::domain::tenant::Tenant;
use ocriva::store::{Error, Queue};
use serde_json::json;
use support::on_each_engine;
use support::store::{LEASE, TestStore, processed, project_id};

use super::{FIRST_PAGE, create_batch, create_template, failure};

on_each_engine!(
    a_document_comes_back_as_it_was_recorded,
    a_document_with_a_known_id_is_refused,
    a_document_cannot_be_put_into_another_organizations_project,
    a_document_cannot_be_put_into_another_projects_batch,
    a_list_shows_what_the_filter_lets_through,
    a_search_takes_every_character_literally_but_case,
    a_list_is_paged_newest_first,
    a_zero_character_cannot_break_a_statement,
    a_batch_counts_its_documents,
    a_refused_file_fails_alone,
    a_batch_is_recorded_whole_or_not_at_all,
    a_finished_document_can_be_deleted_and_a_running_one_not,
    statistics_count_every_status,
    a_list_goes_on_while_a_transaction_writes,
    each_step_of_a_document_is_heard_where_it_was_made,
);

async fn a_document_comes_back_as_it_was_recorded(test: TestStore) {
    let template = create_template(&test, "Receipts").await;
    let metadata = json!({"z": 1, "a": ["ü", null]}).as_object().cloned();
    let new = NewDocument {
        upload_id: "upload".to_owned(),
        user_id: Some(test.first.user_id.clone()),
        file_name: "Beleg Übersicht.PDF".to_owned(),
        file_type: FileType::Pdf,
        template: Some(template.reference()),
        page_range: Some(PageRange { from: 2, to: 5 }),
        priority: -3,
        metadata: metadata.clone(),
        ..test.new_document()
    };
    let recorded = test.upload(&test.tenant(), &new).await;
    assert_eq!(recorded.file.as_ref(), new.file.as_ref().ok());
    assert_eq!((recorded.file_name.as_str(), recorded.file_type), ("Beleg Übersicht.PDF", FileType::Pdf));
    assert_eq!((recorded.user_id.as_ref(), recorded.priority), (Some(&test.first.user_id), -3));
    assert_eq!((recorded.template, recorded.page_range), (new.template.clone(), new.page_range));
    assert_eq!(
        recorded.metadata.as_ref().map(|map| map.keys().cloned().collect::<Vec<_>>()),
        Some(vec!["z".to_owned(), "a".to_owned()])
    );
    assert_eq!(recorded.metadata, metadata);
    assert_eq!((recorded.attempts, recorded.progress, recorded.error), (0, 0, None));
    let by_upload = test.store.document(&test.tenant(), "upload").await.unwrap().unwrap();
    assert_eq!(by_upload.id, new.id);
}

async fn a_document_with_a_known_id_is_refused(test: TestStore) {
    let new = test.new_document();
    test.upload(&test.tenant(), &new).await;
    let again = create_document(&test, &test.tenant(), &new).await;
    assert!(matches!(again, Err(Error::Duplicate { .. })), "{again:?}");
}

async fn a_document_cannot_be_put_into_another_organizations_project(test: TestStore) {
    let other = test.other_tenant().await;
    let mixed = Tenant { projects: other.projects, ..test.tenant() };
    let mixed = create_document(&test, &mixed, &test.new_document()).await;
    assert!(matches!(mixed, Err(Error::MissingReference { .. })), "{mixed:?}");
}

async fn a_document_cannot_be_put_into_another_projects_batch(test: TestStore) {
    let batch = create_batch(&test, &[]).await.unwrap();
    let other = test.other_tenant().await;
    let new = NewDocument { batch_id: Some(batch), ..test.new_document() };
    let mixed = create_document(&test, &other, &new).await;
    assert!(matches!(mixed, Err(Error::MissingReference { .. })), "{mixed:?}");
}

async fn a_list_shows_what_the_filter_lets_through(test: TestStore) {
    let template = create_template(&test, "Receipts").await;
    let plain = test.upload(&test.tenant(), &test.new_document()).await;
    test.clock.advance(Duration::from_secs(24 * 60 * 60));
    let new = NewDocument { template: Some(template.reference()), ..test.new_document() };
    let templated = test.upload(&test.tenant(), &new).await;
    let refused = NewDocument { file: Err(failure("unsupported_format")), ..test.new_document() };
    let refused = test.upload(&test.tenant(), &refused).await;
    let all = DocumentFilter::default;

    let by_template = DocumentFilter { template_id: Some(template.id), ..all() };
    expect_listed(&test, &by_template, &[&templated.id]).await;
    let failed = DocumentFilter { status: Some(DocumentStatus::Failed), ..all() };
    expect_listed(&test, &failed, &[&refused.id]).await;
    let recent = DocumentFilter { from: Some(templated.created_at), ..all() };
    expect_listed(&test, &recent, &[&refused.id, &templated.id]).await;
    let older = DocumentFilter { before: Some(templated.created_at), ..all() };
    expect_listed(&test, &older, &[&plain.id]).await;
    let both =
        DocumentFilter { from: Some(plain.created_at), status: Some(DocumentStatus::Pending), ..all() };
    expect_listed(&test, &both, &[&templated.id, &plain.id]).await;
    let by_id = DocumentFilter { search: Some(plain.id.clone()), ..all() };
    expect_listed(&test, &by_id, &[&plain.id]).await;
}

async fn a_search_takes_every_character_literally_but_case(test: TestStore) {
    let mut ids = Vec::new();
    for file_name in ["100%_sicher.pdf", "100 sicher.pdf", "ÜBERSICHT.pdf", r"back\slash.pdf"] {
        let new = NewDocument { file_name: file_name.to_owned(), ..test.new_document() };
        ids.push(test.upload(&test.tenant(), &new).await.id);
        test.clock.advance(Duration::from_millis(5));
    }
    for (search, expected) in
        [("%", &ids[0]), ("_S", &ids[0]), ("übers", &ids[2]), (r"K\s", &ids[3]), ("100 ", &ids[1])]
    {
        let filter = DocumentFilter { search: Some(search.to_owned()), ..DocumentFilter::default() };
        expect_listed(&test, &filter, &[expected]).await;
    }
}

async fn a_list_is_paged_newest_first(test: TestStore) {
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(test.upload(&test.tenant(), &test.new_document()).await.id);
        test.clock.advance(Duration::from_millis(5));
    }
    ids.reverse();
    let everything = DocumentFilter::default();
    for (number, expected) in [(1, &ids[0..2]), (2, &ids[2..4]), (3, &ids[4..5]), (4, &[])] {
        let page = Page { number, limit: 2 };
        let listing = test.store.list_documents(&test.tenant(), &everything, page).await.unwrap();
        assert_eq!(listing.total, 5);
        assert_eq!(listing.items.iter().map(|item| item.id.clone()).collect::<Vec<_>>(), expected);
    }
}

async fn a_zero_character_cannot_break_a_statement(test: TestStore) {
    let new = NewDocument { file_name: "a\0b.pdf".to_owned(), ..test.new_document() };
    assert_eq!(test.upload(&test.tenant(), &new).await.file_name, "a\u{fffd}b.pdf");
    let filter = DocumentFilter { search: Some("A\0B".to_owned()), ..DocumentFilter::default() };
    expect_listed(&test, &filter, &[&new.id]).await;
    assert_eq!(test.store.document(&test.tenant(), "\0").await.unwrap(), None);
}

async fn a_batch_counts_its_documents(test: TestStore) {
    let documents = [test.new_document(), test.new_document(), test.new_document()];
    let id = create_batch(&test, &documents).await.unwrap();
    let tenant = test.tenant();
    let batch = test.store.batch(&tenant, &id).await.unwrap().unwrap();
    assert_eq!((batch.total_files, batch.completed_files, batch.failed_files), (3, 0, 0));
    assert_eq!((batch.status(), batch.progress(), batch.completed_at), (BatchStatus::Processing, 0, None));
    for end in ["complete", "fail", "cancel"] {
        test.store.dispatch(1, 10).await.unwrap();
        let attempt = test.start("worker").await;
        match end {
            "complete" => test.store.complete_attempt(&attempt, &processed("")).await,
            "fail" => test.store.fail_attempt(&attempt, &failure("damaged"), &[]).await,
            _ => test.store.cancel_attempt(&attempt).await,
        }
        .unwrap();
    }
    let batch = test.store.batch(&tenant, &id).await.unwrap().unwrap();
    assert_eq!((batch.total_files, batch.completed_files, batch.failed_files), (3, 1, 2));
    assert_eq!((batch.status(), batch.progress()), (BatchStatus::Completed, 100));
    assert!(batch.completed_at.is_some());
    assert_eq!(
        test.store.list_batches(&tenant, &BatchFilter::default(), FIRST_PAGE).await.unwrap().items,
        [batch]
    );
    let uploads: BTreeSet<_> = test.store.batch_uploads(&tenant, &id).await.unwrap().into_iter().collect();
    assert_eq!(uploads, documents.iter().map(|document| document.upload_id.clone()).collect());
}

async fn a_refused_file_fails_alone(test: TestStore) {
    let refused = NewDocument { file: Err(failure("unsupported_format")), ..test.new_document() };
    let id = create_batch(&test, &[test.new_document(), refused.clone()]).await.unwrap();
    let document = test.document(&refused.id).await;
    assert_eq!((document.status, document.file), (DocumentStatus::Failed, None));
    assert_eq!(document.error, Some(failure("unsupported_format")));
    let batch = test.store.batch(&test.tenant(), &id).await.unwrap().unwrap();
    assert_eq!((batch.failed_files, batch.status()), (1, BatchStatus::Processing));
    assert_eq!(test.store.dispatch(10, 10).await.unwrap(), 1);
}

async fn a_batch_is_recorded_whole_or_not_at_all(test: TestStore) {
    let twice = test.new_document();
    let made = create_batch(&test, &[twice.clone(), twice]).await;
    assert!(matches!(made, Err(Error::Duplicate { .. })), "{made:?}");
    assert_eq!(
        test.store.list_batches(&test.tenant(), &BatchFilter::default(), FIRST_PAGE).await.unwrap().total,
        0
    );
    expect_listed(&test, &DocumentFilter::default(), &[]).await;
    assert_eq!(test.store.waiting_documents().await.unwrap(), 0);
}

async fn a_finished_document_can_be_deleted_and_a_running_one_not(test: TestStore) {
    let attempt = test.upload_and_start().await;
    let id = attempt.document.id.as_str();
    let delete = async || test.store.delete_document(&Actor::system(), &test.tenant(), id).await.unwrap();
    assert_eq!(delete().await, Deletion::InProgress);
    test.store.complete_attempt(&attempt, &processed("done")).await.unwrap();
    assert_eq!(delete().await, Deletion::Deleted { blob_key: Some(format!("documents/{id}")) });
    assert_eq!(delete().await, Deletion::NotFound);
    assert_eq!(test.store.result(&test.tenant(), id).await.unwrap(), None);
}

async fn statistics_count_every_status(test: TestStore) {
    let attempt = test.upload_and_start().await;
    test.clock.advance(Duration::from_secs(2));
    test.store.complete_attempt(&attempt, &processed("done")).await.unwrap();
    test.upload(&test.tenant(), &test.new_document()).await;
    let statistics =
        test.store.document_statistics(&test.tenant(), &DocumentFilter::default()).await.unwrap();
    let count = |wanted| statistics.by_status.iter().find(|(status, _)| *status == wanted).unwrap().1;
    assert_eq!((count(DocumentStatus::Completed), count(DocumentStatus::Pending)), (1, 1));
    assert_eq!(statistics.by_status.len(), DocumentStatus::ALL.len());
    assert_eq!((statistics.pages, statistics.mean_confidence), (2, Some(0.875)));
    let times = statistics.processing_times.unwrap();
    assert!(times.mean_ms >= 2000.0, "{times:?}");
    assert_eq!((times.median_ms, times.p95_ms), (times.mean_ms, times.mean_ms));
}

async fn a_list_goes_on_while_a_transaction_writes(test: TestStore) {
    let document = test.upload(&test.tenant(), &test.new_document()).await;
    let mut tx = test.store.begin().await.unwrap();
    test.store.queue().send(&mut tx, &document.id, LEASE).await.unwrap();
    expect_listed(&test, &DocumentFilter::default(), &[&document.id]).await;
    tx.commit().await.unwrap();
}

async fn create_document(test: &TestStore, tenant: &Tenant, new: &NewDocument) -> Result<Document, Error> {
    test.store.create_document(&Actor::system(), &tenant.organization_id, &project_id(tenant), new).await
}

/// Sees that the filter lets through just these documents, in this order.
#[track_caller]
fn expect_listed<'a>(
    test: &'a TestStore,
    filter: &'a DocumentFilter,
    expected: &'a [&'a String],
) -> impl Future<Output = ()> + 'a {
    let caller = std::panic::Location::caller();
    async move {
        let listing = test.store.list_documents(&test.tenant(), filter, FIRST_PAGE).await.unwrap();
        let ids: Vec<&String> = listing.items.iter().map(|document| &document.id).collect();
        assert_eq!(ids, expected, "at {caller} with {filter:?}");
        assert_eq!(listing.total, ids.len() as u64, "at {caller}");
    }
}

async fn each_step_of_a_document_is_heard_where_it_was_made(test: TestStore) {
    let heard = async |step: &str| {
        let change = tokio::time::timeout(Duration::from_secs(10), test.store.document_changed());
        assert!(change.await.is_ok(), "nothing was heard of: {step}");
    };
    let attempt = test.upload_and_start().await;
    heard("started").await;
    test.store.beat(&attempt, LEASE, AttemptProgress::default()).await.unwrap();
    heard("further").await;
    assert!(test.store.retry_attempt(&attempt, &failure("ocr_failed"), &[], Duration::ZERO).await.unwrap());
    heard("to be tried again").await;
    let attempt = test.start("second").await;
    heard("started again").await;
    assert!(test.store.complete_attempt(&attempt, &processed("text")).await.unwrap());
    heard("completed").await;
    let attempt = test.upload_and_start().await;
    heard("started").await;
    assert!(test.store.fail_attempt(&attempt, &failure("ocr_failed"), &[]).await.unwrap());
    heard("failed").await;
    let document = test.upload(&test.tenant(), &test.new_document()).await;
    test.store.cancel_document(&Actor::system(), &test.tenant(), &document.id).await.unwrap();
    heard("cancelled").await;
}
