//! What the store keeps, for whom, and what it refuses: the same on both engines.

mod documents;
mod tenancy;

use std::collections::BTreeSet;
use std::time::Duration;

use ocriva::clock::Clock;
use ocriva::domain::audit::{Actor, ActorKind, AuditFilter};
use ocriva::domain::batch::NewBatch;
use ocriva::domain::credit::LedgerKind;
use ocriva::domain::document::{DocumentStatus, Failure, FileType, NewDocument};
use ocriva::domain::event::EventKind;
use ocriva::domain::listing::Page;
use ocriva::domain::organization::Role;
use ocriva::domain::page::OcrMode;
use ocriva::domain::plugin::{PluginState, PluginStep};
use ocriva::domain::project::ProjectChanges;
use ocriva::domain::template::export::{DateStyle, DecimalStyle, ExportColumn, ExportRows, ExportSettings};
use ocriva::domain::template::{
    ExtractionMode, ExtractorChoice, ReferenceLink, ResultFormat, Template, TemplateContent,
    TemplateRevision, TemplateUpdate,
};
use ocriva::domain::timestamp::Timestamp;
use ocriva::domain::token::{LoginFamily, NewRefreshToken, Rotation, TokenKind};
use ocriva::store::{Bootstrap, Error, IDEMPOTENCY_HOLD, Idempotency, KeptAnswer, Store, TokenSecret};
use serde_json::json;
use sqlx::{Connection, PgConnection, Row, SqliteConnection};
use support::database::{Database, Engine};
use support::on_each_engine;
use support::store::{TestStore, new_token, template_content};

on_each_engine!(
    every_statement_fits_the_schema,
    migrating_again_changes_nothing,
    only_the_first_start_makes_an_owner,
    the_owner_can_log_in_by_address_in_any_case,
    a_secret_is_made_once,
    a_changed_template_leaves_earlier_documents_their_version,
    a_template_changed_meanwhile_is_not_overwritten,
    a_deleted_template_is_gone_but_its_documents_keep_it,
    a_project_changes_only_where_asked,
    a_token_is_found_until_its_secret_is_replaced,
    a_spent_refresh_token_revokes_its_whole_login,
    an_expired_refresh_token_is_worth_nothing,
    an_idempotency_key_has_one_holder_whose_answer_is_kept_for_a_day,
    an_idempotency_key_is_free_again_when_its_holder_fell_silent,
    changes_are_audited_with_their_actor,
);

#[tokio::test]
async fn both_engines_have_the_same_tables_and_columns() {
    let Some(postgres) = Database::new(Engine::Postgres).await else { return };
    let sqlite = Database::new(Engine::Sqlite).await.unwrap();
    assert_eq!(sqlite_columns(&sqlite.url).await, postgres_columns(&postgres.url).await);
}

#[test]
fn the_schema_allows_every_word_of_the_domain() {
    for engine in ["sqlite", "postgres"] {
        let folder = support::repository().join("migrations").join(engine);
        let schema: String = std::fs::read_dir(folder)
            .unwrap()
            .map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap())
            .collect();
        let expect_words = |words: Vec<&str>| {
            let check = format!("in ('{}')", words.join("', '"));
            assert!(schema.contains(&check), "{engine} does not check `{check}`");
        };
        expect_words(ActorKind::ALL.iter().map(|word| word.as_str()).collect());
        expect_words(DocumentStatus::ALL.iter().map(|word| word.as_str()).collect());
        expect_words(EventKind::ALL.iter().map(|word| word.as_str()).collect());
        expect_words(ExtractionMode::ALL.iter().map(|word| word.as_str()).collect());
        expect_words(FileType::ALL.iter().map(|word| word.as_str()).collect());
        expect_words(LedgerKind::ALL.iter().map(|word| word.as_str()).collect());
        expect_words(OcrMode::ALL.iter().map(|word| word.as_str()).collect());
        expect_words(PluginState::ALL.iter().map(|word| word.as_str()).collect());
        expect_words(PluginStep::ALL.iter().map(|word| word.as_str()).collect());
        expect_words(ResultFormat::ALL.iter().map(|word| word.as_str()).collect());
        expect_words(Role::ALL.iter().map(|word| word.as_str()).collect());
        expect_words(TokenKind::ALL.iter().map(|word| word.as_str()).collect());
    }
}

#[tokio::test]
async fn an_unknown_engine_is_named() {
    let error = Store::connect("mysql://host/db", 1, Clock::system()).await.unwrap_err();
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
    let members = test.store.list_members(&test.first.organization_id, FIRST_PAGE).await.unwrap();
    assert_eq!(members.items.iter().map(|member| member.role).collect::<Vec<_>>(), [Role::Owner]);
    let token = test.store.token_by_public_id("first").await.unwrap().unwrap();
    assert_eq!(token.created_by.as_ref(), Some(&test.first.user_id));
}

async fn the_owner_can_log_in_by_address_in_any_case(test: TestStore) {
    let login = test.store.login(" OWNER@example.COM ").await.unwrap().unwrap();
    assert_eq!(
        (login.user.email.as_str(), login.password_hash.as_str()),
        ("owner@example.com", "$argon2id$")
    );
    assert!(test.store.set_password(&Actor::system(), &login.user.id, "$new$", None).await.unwrap());
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
        ocr_mode: Some(OcrMode::Fast),
        export: ExportSettings {
            columns: vec![ExportColumn { field: "total".to_owned(), title: Some("Sum".to_owned()) }],
            rows: ExportRows::Items("lines".to_owned()),
            decimal: DecimalStyle::Comma,
            dates: DateStyle::DayMonthYear,
        },
        references: vec![ReferenceLink { name: "vendors".to_owned(), id: "one".to_owned() }],
        ..template_content("Till receipts")
    };
    let revision = TemplateRevision {
        expected_updated_at: template.updated_at,
        content: content.clone(),
        is_active: false,
    };
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
    let revision = |name| TemplateRevision {
        expected_updated_at: template.updated_at,
        content: template_content(name),
        is_active: true,
    };
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

async fn an_idempotency_key_has_one_holder_whose_answer_is_kept_for_a_day(test: TestStore) {
    let organization_id = test.first.organization_id.as_str();
    let hold = async || test.store.hold_idempotency_key(organization_id, "key").await.unwrap();
    let Idempotency::New(first) = hold().await else { panic!("the key is new") };
    assert_eq!(hold().await, Idempotency::InProgress);
    test.store.forget_idempotency_key(&first).await.unwrap();
    let Idempotency::New(second) = hold().await else { panic!("the key is free again") };
    let answer = KeptAnswer { fingerprint: "a".to_owned(), status: 201, body: Some("{}".to_owned()) };
    test.store.finish_idempotency_key(&second, &answer).await.unwrap();
    test.store.forget_idempotency_key(&second).await.unwrap();
    assert_eq!(hold().await, Idempotency::Answered(answer));
    test.clock.advance(Duration::from_secs(24 * 60 * 60 + 1));
    assert!(matches!(hold().await, Idempotency::New(_)));
}

async fn an_idempotency_key_is_free_again_when_its_holder_fell_silent(test: TestStore) {
    let organization_id = test.first.organization_id.as_str();
    let hold = async || test.store.hold_idempotency_key(organization_id, "key").await.unwrap();
    let Idempotency::New(silent) = hold().await else { panic!("the key is new") };
    test.clock.advance(IDEMPOTENCY_HOLD / 2);
    assert!(test.store.renew_idempotency_key(&silent).await.unwrap());
    test.clock.advance(IDEMPOTENCY_HOLD / 2 + Duration::from_secs(1));
    assert_eq!(hold().await, Idempotency::InProgress);
    test.clock.advance(IDEMPOTENCY_HOLD);
    let Idempotency::New(second) = hold().await else { panic!("the hold ran out") };
    let answer = KeptAnswer { fingerprint: "a".to_owned(), status: 201, body: None };
    assert!(!test.store.renew_idempotency_key(&silent).await.unwrap());
    test.store.finish_idempotency_key(&silent, &answer).await.unwrap();
    test.store.forget_idempotency_key(&silent).await.unwrap();
    assert_eq!(
        hold().await,
        Idempotency::InProgress,
        "the one that fell silent can neither answer nor let go"
    );
    assert!(test.store.renew_idempotency_key(&second).await.unwrap());
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
    let log = test
        .store
        .list_audit(organization_id, &AuditFilter::default(), Page { number: 1, limit: 2 })
        .await
        .unwrap();
    assert_eq!(log.total, 3, "the first start is audited too");
    let actions: Vec<_> = log.items.iter().map(|entry| entry.action.as_str()).collect();
    assert_eq!(actions, ["organization.updated", "document.uploaded"]);
    assert_eq!((&log.items[1].actor, &log.items[1].target), (&actor, &new.id));
    assert_eq!(log.items[0].changes, Some(json!({"name": "Renamed"})));
}

const FIRST_PAGE: Page = Page { number: 1, limit: 100 };

/// How long a test's refresh tokens live.
const LIFETIME: Duration = Duration::from_secs(60 * 60);

fn failure(code: &str) -> Failure {
    Failure { code: code.to_owned(), message: "for a reason".to_owned() }
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

async fn create_template(test: &TestStore, name: &str) -> Template {
    let (organization_id, project_id) = (&test.first.organization_id, &test.first.project_id);
    test.store
        .create_template(&Actor::system(), organization_id, project_id, template_content(name))
        .await
        .unwrap()
}

async fn update_template(test: &TestStore, id: &str, revision: TemplateRevision) -> TemplateUpdate {
    test.store.update_template(&Actor::system(), &test.tenant(), id, revision).await.unwrap()
}

async fn login(test: &TestStore, token_hash: &str) -> LoginFamily {
    let login = LoginFamily {
        family: test.clock.clock().new_id(),
        user_id: test.first.user_id.clone(),
        organization_id: test.first.organization_id.clone(),
    };
    test.store.create_refresh_token(&Actor::system(), &login, refresh_token(test, token_hash)).await.unwrap();
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
