//! What the store keeps, for whom, and what it refuses: the same on both engines.

use std::collections::BTreeSet;
use std::time::Duration;

use ocriva::domain::audit::{Actor, ActorKind};
use ocriva::domain::batch::{BatchStatus, NewBatch};
use ocriva::domain::document::{
    Deletion, DocumentFilter, DocumentStatus, Failure, FileType, NewDocument, PageRange,
};
use ocriva::domain::listing::Page;
use ocriva::domain::organization::Role;
use ocriva::domain::project::{NewProject, ProjectChanges};
use ocriva::domain::template::{
    ExtractionMode, ExtractorChoice, ResultFormat, TemplateContent, TemplateRevision, TemplateUpdate,
};
use ocriva::domain::tenant::Tenant;
use ocriva::domain::timestamp::Timestamp;
use ocriva::domain::token::{LoginFamily, NewRefreshToken, Rotation};
use ocriva::store::{Bootstrap, Error, Idempotency, Queue, Store, TokenSecret};
use serde_json::json;
use sqlx::{Connection, PgConnection, Row, SqliteConnection};
use support::database::{Database, Engine};
use support::on_each_engine;
use support::store::{LEASE, TestStore, new_token, processed, template_content};

on_each_engine!(
    every_statement_fits_the_schema,
    migrating_again_changes_nothing,
    only_the_first_start_makes_an_owner,
    the_owner_can_log_in_by_address_in_any_case,
    a_secret_is_made_once,
    a_document_comes_back_as_it_was_recorded,
    a_document_with_a_known_id_is_refused,
    a_document_cannot_be_put_into_another_organizations_project,
    a_document_cannot_be_put_into_another_projects_batch,
    nothing_of_another_organization_is_there,
    nothing_of_another_project_is_there,
    a_list_shows_what_the_filter_lets_through,
    a_search_takes_every_character_literally_but_case,
    a_list_is_paged_newest_first,
    a_zero_character_cannot_break_a_statement,
    a_batch_counts_its_documents,
    a_refused_file_fails_alone,
    a_batch_is_recorded_whole_or_not_at_all,
    a_changed_template_leaves_earlier_documents_their_version,
    a_template_changed_meanwhile_is_not_overwritten,
    a_deleted_template_is_gone_but_its_documents_keep_it,
    a_project_changes_only_where_asked,
    a_token_is_found_until_its_secret_is_replaced,
    a_spent_refresh_token_revokes_its_whole_login,
    an_expired_refresh_token_is_worth_nothing,
    an_idempotency_key_replays_its_answer_for_a_day,
    a_finished_document_can_be_deleted_and_a_running_one_not,
    statistics_count_every_status,
    changes_are_audited_with_their_actor,
    a_list_goes_on_while_a_transaction_writes,
);

#[tokio::test]
async fn both_engines_have_the_same_tables_and_columns() {
    let Some(postgres) = Database::new(Engine::Postgres).await else { return };
    let sqlite = Database::new(Engine::Sqlite).await.unwrap();
    assert_eq!(sqlite_columns(&sqlite.url).await, postgres_columns(&postgres.url).await);
}

#[tokio::test]
async fn an_unknown_engine_is_named() {
    let error = Store::connect("mysql://host/db", 1, ocriva::clock::Clock::system()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "database url begins with `mysql`, expected `sqlite:PATH` or `postgres://…`"
    );
}

async fn every_statement_fits_the_schema(test: TestStore) {
    test.store.check_statements().await.unwrap();
    test.store.ping().await.unwrap();
}

async fn migrating_again_changes_nothing(test: TestStore) {
    test.store.migrate().await.unwrap();
    assert!(test.store.is_bootstrapped().await.unwrap());
}

async fn only_the_first_start_makes_an_owner(test: TestStore) {
    let again = Bootstrap {
        organization_name: "Second".to_owned(),
        project_name: "Second".to_owned(),
        email: "second@example.com".to_owned(),
        user_name: "Second".to_owned(),
        password_hash: String::new(),
        token: new_token("second"),
    };
    assert_eq!(test.store.bootstrap(again).await.unwrap(), None);
    assert!(test.store.login("second@example.com").await.unwrap().is_none());
    let members = test.store.list_members(&test.first.organization_id).await.unwrap();
    assert_eq!(members.iter().map(|member| member.role).collect::<Vec<_>>(), [Role::Owner]);
    let token = test.store.token_by_public_id("first").await.unwrap().unwrap();
    assert_eq!(token.created_by.as_ref(), Some(&test.first.user_id));
}

async fn the_owner_can_log_in_by_address_in_any_case(test: TestStore) {
    let login = test.store.login(" OWNER@example.COM ").await.unwrap().unwrap();
    assert_eq!(
        (login.user.email.as_str(), login.password_hash.as_str()),
        ("owner@example.com", "$argon2id$")
    );
    assert!(test.store.set_password(&login.user.id, "$new$").await.unwrap());
    assert_eq!(test.store.login("owner@example.com").await.unwrap().unwrap().password_hash, "$new$");
    let memberships = test.store.memberships(&login.user.id).await.unwrap();
    assert_eq!(memberships[0].organization_id, test.first.organization_id);
    let stranger = test.store.membership("nobody", &test.first.organization_id).await.unwrap();
    assert_eq!(stranger, None);
}

async fn a_secret_is_made_once(test: TestStore) {
    assert_eq!(test.store.secret("signing", "one").await.unwrap(), "one");
    assert_eq!(test.store.secret("signing", "two").await.unwrap(), "one");
}

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
    let mixed = Tenant { project_id: other.project_id, ..test.tenant() };
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

async fn nothing_of_another_organization_is_there(test: TestStore) {
    let other = test.other_tenant().await;
    expect_nothing_there(&test, &Tenant::organization(&other.organization_id)).await;
    expect_nothing_there(&test, &other).await;
    let organization_id = &other.organization_id;
    let actor = Actor::system();
    assert_eq!(test.store.project(organization_id, &test.first.project_id).await.unwrap(), None);
    let changes = ProjectChanges { name: Some("mine".to_owned()), ..ProjectChanges::default() };
    let changed = test.store.update_project(&actor, organization_id, &test.first.project_id, changes).await;
    assert_eq!(changed.unwrap(), None);
    assert_eq!(test.store.token(organization_id, &test.first.token_id).await.unwrap(), None);
    assert!(!test.store.revoke_token(&actor, organization_id, &test.first.token_id).await.unwrap());
    assert_eq!(test.store.list_tokens(organization_id).await.unwrap(), []);
}

async fn nothing_of_another_project_is_there(test: TestStore) {
    let organization_id = &test.first.organization_id;
    let new = NewProject { name: "Other".to_owned(), description: None, file_retention_days: 7 };
    let project = test.store.create_project(&Actor::system(), organization_id, new).await.unwrap();
    expect_nothing_there(&test, &Tenant::project(organization_id, project.id)).await;
}

/// Records one of each for the first tenant, and sees that `stranger` has no way to it.
async fn expect_nothing_there(test: &TestStore, stranger: &Tenant) {
    let actor = Actor::system();
    let template = create_template(test, "Receipts").await;
    let batch = create_batch(test, &[test.new_document()]).await.unwrap();
    let attempt = test.upload_and_start().await;
    let id = attempt.document.id.as_str();
    test.store.complete_attempt(&attempt, &processed("secret")).await.unwrap();

    let store = &test.store;
    assert_eq!(store.document(stranger, id).await.unwrap(), None);
    assert_eq!(store.result(stranger, id).await.unwrap(), None);
    let everything = DocumentFilter::default();
    assert_eq!(store.list_documents(stranger, &everything, FIRST_PAGE).await.unwrap().total, 0);
    let this_batch = DocumentFilter { batch_id: Some(batch.clone()), ..DocumentFilter::default() };
    assert_eq!(store.list_documents(stranger, &this_batch, FIRST_PAGE).await.unwrap().items, []);
    let by_id = DocumentFilter { search: Some(id.to_owned()), ..DocumentFilter::default() };
    assert_eq!(store.list_documents(stranger, &by_id, FIRST_PAGE).await.unwrap().items, []);
    assert_eq!(store.batch(stranger, &batch).await.unwrap(), None);
    assert_eq!(store.batch_uploads(stranger, &batch).await.unwrap(), Vec::<String>::new());
    assert_eq!(store.list_batches(stranger, FIRST_PAGE).await.unwrap().items, []);
    assert_eq!(store.template(stranger, &template.id).await.unwrap(), None);
    assert_eq!(store.list_templates(stranger).await.unwrap(), []);
    let revision =
        TemplateRevision { expected_version: 1, content: template_content("mine"), is_active: true };
    let updated = store.update_template(&actor, stranger, &template.id, revision).await.unwrap();
    assert_eq!(updated, TemplateUpdate::NotFound);
    assert!(!store.delete_template(&actor, stranger, &template.id).await.unwrap());
    assert_eq!(store.delete_document(&actor, stranger, id).await.unwrap(), Deletion::NotFound);
    let cancelled = store.cancel_document(&actor, stranger, id).await.unwrap();
    assert_eq!(cancelled, ocriva::domain::document::Cancellation::NotFound);
    let reprocessed = store.reprocess_document(&actor, stranger, id).await.unwrap();
    assert_eq!(reprocessed, ocriva::domain::document::Reprocessing::NotFound);
    let counted = store.document_statistics(stranger).await.unwrap();
    assert!(counted.by_status.iter().all(|(_, count)| *count == 0));

    assert_eq!(store.template(&test.tenant(), &template.id).await.unwrap(), Some(template));
    assert!(store.result(&test.tenant(), id).await.unwrap().is_some());
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
            "fail" => test.store.fail_attempt(&attempt, &failure("damaged")).await,
            _ => test.store.cancel_attempt(&attempt).await,
        }
        .unwrap();
    }
    let batch = test.store.batch(&tenant, &id).await.unwrap().unwrap();
    assert_eq!((batch.total_files, batch.completed_files, batch.failed_files), (3, 1, 2));
    assert_eq!((batch.status(), batch.progress()), (BatchStatus::Completed, 100));
    assert!(batch.completed_at.is_some());
    assert_eq!(test.store.list_batches(&tenant, FIRST_PAGE).await.unwrap().items, [batch]);
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
    assert_eq!(test.store.list_batches(&test.tenant(), FIRST_PAGE).await.unwrap().total, 0);
    expect_listed(&test, &DocumentFilter::default(), &[]).await;
    assert_eq!(test.store.waiting_documents().await.unwrap(), 0);
}

async fn a_changed_template_leaves_earlier_documents_their_version(test: TestStore) {
    let template = create_template(&test, "Receipts").await;
    let new = NewDocument { template: Some(template.reference()), ..test.new_document() };
    let document = test.upload(&test.tenant(), &new).await;
    let content = TemplateContent {
        description: Some("What was bought".to_owned()),
        instructions: Some("Read the total".to_owned()),
        extraction_mode: ExtractionMode::FreeText,
        result_format: ResultFormat::Csv,
        template_schema: None,
        extractor: Some(ExtractorChoice {
            plugin: "receipt".to_owned(),
            version: Some("2.0.0".to_owned()),
            config: json!({"currency": "EUR"}).as_object().cloned(),
        }),
        ..template_content("Till receipts")
    };
    let revision = TemplateRevision { expected_version: 1, content: content.clone(), is_active: false };
    let updated = update_template(&test, &template.id, revision).await;
    let TemplateUpdate::Updated(updated) = updated else { panic!("{updated:?}") };
    assert_eq!((updated.version, updated.is_active, &updated.content), (2, false, &content));
    let stored = test.store.template(&test.tenant(), &template.id).await.unwrap();
    assert_eq!(stored.as_ref(), Some(updated.as_ref()));
    assert_eq!(test.document(&document.id).await.template, Some(template.reference()));
    test.store.dispatch(1, 10).await.unwrap();
    assert_eq!(test.start("worker").await.template.unwrap().content, template.content);
}

async fn a_template_changed_meanwhile_is_not_overwritten(test: TestStore) {
    let template = create_template(&test, "Receipts").await;
    let revision =
        |name| TemplateRevision { expected_version: 1, content: template_content(name), is_active: true };
    let first = update_template(&test, &template.id, revision("First")).await;
    assert!(matches!(first, TemplateUpdate::Updated(_)), "{first:?}");
    assert_eq!(update_template(&test, &template.id, revision("Second")).await, TemplateUpdate::Conflict);
    let stored = test.store.template(&test.tenant(), &template.id).await.unwrap().unwrap();
    assert_eq!(stored.content.name, "First");
}

async fn a_deleted_template_is_gone_but_its_documents_keep_it(test: TestStore) {
    let template = create_template(&test, "Receipts").await;
    let new = NewDocument { template: Some(template.reference()), ..test.new_document() };
    let document = test.upload(&test.tenant(), &new).await;
    let actor = Actor::system();
    assert!(test.store.delete_template(&actor, &test.tenant(), &template.id).await.unwrap());
    assert!(!test.store.delete_template(&actor, &test.tenant(), &template.id).await.unwrap());
    assert_eq!(test.store.template(&test.tenant(), &template.id).await.unwrap(), None);
    assert_eq!(test.store.list_templates(&test.tenant()).await.unwrap(), []);
    assert_eq!(test.document(&document.id).await.template, Some(template.reference()));
    test.store.dispatch(1, 10).await.unwrap();
    assert_eq!(test.start("worker").await.template.unwrap().content, template.content);
}

async fn a_project_changes_only_where_asked(test: TestStore) {
    let organization_id = &test.first.organization_id;
    let id = &test.first.project_id;
    let description = Some(Some("All of them".to_owned()));
    let changes = ProjectChanges { description, file_retention_days: Some(30), ..ProjectChanges::default() };
    test.store.update_project(&Actor::system(), organization_id, id, changes).await.unwrap().unwrap();
    let changes = ProjectChanges { is_active: Some(false), ..ProjectChanges::default() };
    let changed =
        test.store.update_project(&Actor::system(), organization_id, id, changes).await.unwrap().unwrap();
    assert_eq!((changed.name.as_str(), changed.description.as_deref()), ("Default", Some("All of them")));
    assert_eq!((changed.file_retention_days, changed.is_active), (30, false));
    let changes = ProjectChanges { description: Some(None), ..ProjectChanges::default() };
    let changed =
        test.store.update_project(&Actor::system(), organization_id, id, changes).await.unwrap().unwrap();
    assert_eq!(changed.description, None);
    assert_eq!(test.store.list_projects(organization_id).await.unwrap(), [changed]);
}

async fn a_token_is_found_until_its_secret_is_replaced(test: TestStore) {
    let organization_id = &test.first.organization_id;
    let actor = Actor::system();
    let mut new = new_token("second");
    new.project_id = Some(test.first.project_id.clone());
    let token = test.store.create_token(&actor, organization_id, new).await.unwrap();
    assert_eq!(test.store.token_by_public_id("second").await.unwrap(), Some(token.clone()));
    test.store.touch_token(&token).await.unwrap();
    let used = test.store.token(organization_id, &token.id).await.unwrap().unwrap();
    assert!(used.last_used_at.is_some());
    let secret =
        TokenSecret { public_id: "third".to_owned(), secret_hash: "11".repeat(32), expires_at: Timestamp(1) };
    let replaced = test.store.regenerate_token(&actor, organization_id, &token.id, secret).await.unwrap();
    assert_eq!(replaced.unwrap().expires_at, Timestamp(1));
    assert_eq!(test.store.token_by_public_id("second").await.unwrap(), None);
    assert!(test.store.revoke_token(&actor, organization_id, &token.id).await.unwrap());
    let revoked = test.store.token_by_public_id("third").await.unwrap().unwrap();
    assert!(revoked.revoked_at.is_some());
    let duplicate = test.store.create_token(&actor, organization_id, new_token("third")).await;
    assert!(matches!(duplicate, Err(Error::Duplicate { .. })), "{duplicate:?}");
}

async fn a_spent_refresh_token_revokes_its_whole_login(test: TestStore) {
    let login = login(&test, "one").await;
    let rotated = rotate(&test, "one", "two").await;
    assert_eq!(rotated, Rotation::Rotated(login.clone()));
    assert!(test.store.is_login_live(&login.family).await.unwrap());
    assert_eq!(rotate(&test, "one", "three").await, Rotation::Reused);
    assert_eq!(rotate(&test, "two", "four").await, Rotation::Invalid);
    assert!(!test.store.is_login_live(&login.family).await.unwrap());
    assert_eq!(rotate(&test, "unknown", "five").await, Rotation::Invalid);
}

async fn an_expired_refresh_token_is_worth_nothing(test: TestStore) {
    let login = login(&test, "one").await;
    test.clock.advance(LIFETIME + Duration::from_secs(1));
    assert_eq!(rotate(&test, "one", "two").await, Rotation::Invalid);
    assert!(!test.store.is_login_live(&login.family).await.unwrap());
}

async fn an_idempotency_key_replays_its_answer_for_a_day(test: TestStore) {
    let organization_id = test.first.organization_id.as_str();
    let reserve = async |fingerprint: &str| {
        test.store.reserve_idempotency_key(organization_id, "key", fingerprint).await.unwrap()
    };
    assert_eq!(reserve("a").await, Idempotency::New);
    assert_eq!(reserve("a").await, Idempotency::InProgress);
    test.store.forget_idempotency_key(organization_id, "key").await.unwrap();
    assert_eq!(reserve("a").await, Idempotency::New);
    test.store.finish_idempotency_key(organization_id, "key", 201, "{}").await.unwrap();
    test.store.forget_idempotency_key(organization_id, "key").await.unwrap();
    assert_eq!(reserve("a").await, Idempotency::Answered { status: 201, body: "{}".to_owned() });
    assert_eq!(reserve("b").await, Idempotency::Conflict);
    test.clock.advance(Duration::from_secs(24 * 60 * 60 + 1));
    assert_eq!(reserve("b").await, Idempotency::New);
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
    let statistics = test.store.document_statistics(&test.tenant()).await.unwrap();
    let count = |wanted| statistics.by_status.iter().find(|(status, _)| *status == wanted).unwrap().1;
    assert_eq!((count(DocumentStatus::Completed), count(DocumentStatus::Pending)), (1, 1));
    assert_eq!(statistics.by_status.len(), DocumentStatus::ALL.len());
    assert_eq!((statistics.pages, statistics.mean_confidence), (2, Some(0.875)));
    assert!(statistics.mean_processing_ms.unwrap() >= 2000.0);
}

async fn changes_are_audited_with_their_actor(test: TestStore) {
    let actor =
        Actor { kind: ActorKind::Token, id: Some("token".to_owned()), address: Some("192.0.2.1".to_owned()) };
    let tenant = test.tenant();
    let organization_id = &tenant.organization_id;
    let new = test.new_document();
    test.store.create_document(&actor, organization_id, &test.first.project_id, &new).await.unwrap();
    test.clock.advance(Duration::from_millis(5));
    test.store.rename_organization(&actor, organization_id, "Renamed").await.unwrap().unwrap();
    let log = test.store.list_audit(organization_id, Page { number: 1, limit: 2 }).await.unwrap();
    assert_eq!(log.total, 3, "the first start is audited too");
    let actions: Vec<_> = log.items.iter().map(|entry| entry.action.as_str()).collect();
    assert_eq!(actions, ["organization.updated", "document.uploaded"]);
    assert_eq!((&log.items[1].actor, &log.items[1].target), (&actor, &new.id));
    assert_eq!(log.items[0].changes, Some(json!({"name": "Renamed"})));
}

async fn a_list_goes_on_while_a_transaction_writes(test: TestStore) {
    let document = test.upload(&test.tenant(), &test.new_document()).await;
    let mut tx = test.store.begin().await.unwrap();
    test.store.queue().send(&mut tx, &document.id, LEASE).await.unwrap();
    expect_listed(&test, &DocumentFilter::default(), &[&document.id]).await;
    tx.commit().await.unwrap();
}

const FIRST_PAGE: Page = Page { number: 1, limit: 100 };

/// How long a test's refresh tokens live.
const LIFETIME: Duration = Duration::from_secs(60 * 60);

fn failure(code: &str) -> Failure {
    Failure { code: code.to_owned(), message: "for a reason".to_owned() }
}

async fn create_document(
    test: &TestStore,
    tenant: &Tenant,
    new: &NewDocument,
) -> Result<ocriva::domain::document::Document, Error> {
    let project_id = tenant.project_id.as_deref().unwrap();
    test.store.create_document(&Actor::system(), &tenant.organization_id, project_id, new).await
}

async fn create_batch(test: &TestStore, documents: &[NewDocument]) -> Result<String, Error> {
    let id = test.clock.clock().new_id();
    let new =
        NewBatch { id: id.clone(), user_id: None, name: "Batch".to_owned(), template: None, metadata: None };
    let documents: Vec<NewDocument> = documents
        .iter()
        .map(|document| NewDocument { batch_id: Some(id.clone()), ..document.clone() })
        .collect();
    let (organization_id, project_id) = (&test.first.organization_id, &test.first.project_id);
    test.store.create_batch(&Actor::system(), organization_id, project_id, &new, &documents).await?;
    Ok(id)
}

async fn create_template(test: &TestStore, name: &str) -> ocriva::domain::template::Template {
    let (organization_id, project_id) = (&test.first.organization_id, &test.first.project_id);
    test.store
        .create_template(&Actor::system(), organization_id, project_id, template_content(name))
        .await
        .unwrap()
}

async fn update_template(test: &TestStore, id: &str, revision: TemplateRevision) -> TemplateUpdate {
    test.store.update_template(&Actor::system(), &test.tenant(), id, revision).await.unwrap()
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

async fn login(test: &TestStore, token_hash: &str) -> LoginFamily {
    let login = LoginFamily {
        family: test.clock.clock().new_id(),
        user_id: test.first.user_id.clone(),
        organization_id: test.first.organization_id.clone(),
    };
    test.store.create_refresh_token(&login, refresh_token(test, token_hash)).await.unwrap();
    login
}

async fn rotate(test: &TestStore, spent: &str, next: &str) -> Rotation {
    test.store.rotate_refresh_token(spent, refresh_token(test, next)).await.unwrap()
}

fn refresh_token(test: &TestStore, token_hash: &str) -> NewRefreshToken {
    let expires_at = test.clock.clock().now().after(LIFETIME);
    NewRefreshToken { token_hash: token_hash.to_owned(), expires_at }
}

/// Table, column, whether it may be null, and its type in SQLite's words.
type Column = (String, String, bool, String);

async fn sqlite_columns(url: &str) -> BTreeSet<Column> {
    let mut connection = SqliteConnection::connect(url).await.unwrap();
    // A column of the primary key may not be null, whether it says so or not.
    let rows = sqlx::query(
        "select t.name as tbl, c.name as col, c.\"notnull\" = 0 and c.pk = 0 as may_be_null, lower(c.type) as kind
            from sqlite_master t join pragma_table_info(t.name) c
            where t.type = 'table' and t.name not like '\\_sqlx%' escape '\\' and t.name not like 'sqlite%'",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1), row.get(2), row.get(3))).collect()
}

async fn postgres_columns(url: &str) -> BTreeSet<Column> {
    let mut connection = PgConnection::connect(url).await.unwrap();
    let rows = sqlx::query(
        "select table_name::text, column_name::text, is_nullable = 'YES', data_type::text
            from information_schema.columns
            where table_schema = 'public' and table_name not like '\\_sqlx%'",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    let sqlite_type = |kind: String| match kind.as_str() {
        "bigint" | "boolean" => "integer".to_owned(),
        "double precision" => "real".to_owned(),
        _ => kind,
    };
    rows.iter().map(|row| (row.get(0), row.get(1), row.get(2), sqlite_type(row.get(3)))).collect()
}
