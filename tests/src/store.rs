//! A store with an organization, a project and a movable clock, on either engine.

use std::time::Duration;

use ocriva::domain::audit::Actor;
use ocriva::domain::document::{
    Document, DocumentStatus, ExtractorIdentity, FileType, NewDocument, Processed, StoredFile,
};
use ocriva::domain::extraction::Extraction;
use ocriva::domain::project::NewProject;
use ocriva::domain::project_member::ProjectAccess;
use ocriva::domain::template::export::ExportSettings;
use ocriva::domain::template::{ExtractionMode, ResultFormat, TemplateContent};
use ocriva::domain::tenant::{Reach, Tenant};
use ocriva::domain::timestamp::Timestamp;
use ocriva::domain::token::{NewApiToken, TokenScope};
use ocriva::store::{Attempt, Bootstrap, Bootstrapped, Start, Store};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, PgConnection};

use crate::clock::MovableClock;
use crate::database::{Database, Engine};

/// Runs each of the named `async fn(TestStore)` as a test on SQLite and on PostgreSQL.
#[macro_export]
macro_rules! on_each_engine {
    ($($name:ident),* $(,)?) => {
        $crate::on_each_engine!(@engine sqlite, Sqlite, $($name),*);
        $crate::on_each_engine!(@engine postgres, Postgres, $($name),*);
    };
    (@engine $module:ident, $engine:ident, $($name:ident),*) => {
        mod $module {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    if let Some(test) = $crate::store::TestStore::new($crate::database::Engine::$engine).await {
                        super::$name(test).await;
                    }
                }
            )*
        }
    };
}

/// How long a test's lease lasts; the clock is moved past it.
pub const LEASE: Duration = Duration::from_secs(30);

/// A store and what its first start made.
pub struct TestStore {
    /// The store.
    pub store: Store,
    /// Moves the store's time.
    pub clock: MovableClock,
    /// The first organization.
    pub first: Bootstrapped,
    /// Where the rows are.
    pub database: Database,
}

impl TestStore {
    /// Makes a store; `None` where the engine is missing and the environment says that it may be.
    pub async fn new(engine: Engine) -> Option<Self> {
        let database = Database::new(engine).await?;
        let clock = MovableClock::default();
        let store = Store::connect(&database.url, 4, clock.clock()).await.expect("the database opens");
        let first = store.bootstrap(bootstrap()).await.expect("it answers").expect("it is empty");
        Some(Self { store, clock, first, database })
    }

    /// Another store on the same database, as another process has it.
    pub async fn another_store(&self) -> Store {
        Store::connect(&self.database.url, 4, self.clock.clock()).await.expect("the database opens")
    }

    /// Changes rows behind the store's back.
    pub async fn execute(&self, statement: &str) {
        match self.database.url.strip_prefix("sqlite:") {
            Some(path) => {
                let options = SqliteConnectOptions::new().filename(path).busy_timeout(LEASE);
                let mut connection = options.connect().await.expect("the database opens");
                connection.execute(AssertSqlSafe(statement)).await.expect("the statement runs");
            }
            None => {
                let mut connection =
                    PgConnection::connect(&self.database.url).await.expect("the database opens");
                connection.execute(AssertSqlSafe(statement)).await.expect("the statement runs");
            }
        }
    }

    /// The first organization's first project.
    pub fn tenant(&self) -> Tenant {
        Tenant::project(&self.first.organization_id, &self.first.project_id)
    }

    /// Makes another organization with a project.
    pub async fn other_tenant(&self) -> Tenant {
        let actor = Actor::system();
        let made = self.store.create_organization(&actor, "Other", &self.first.user_id).await;
        let organization_id = made.expect("an organization can be made").id;
        let new = NewProject {
            name: "Default".to_owned(),
            description: None,
            access: ProjectAccess::Organization,
            file_retention_days: 0,
        };
        let project = self.store.create_project(&actor, &organization_id, new).await;
        Tenant::project(organization_id, project.expect("a project can be made").id)
    }

    /// A document that could be recorded.
    pub fn new_document(&self) -> NewDocument {
        let id = self.clock.clock().new_id();
        NewDocument {
            upload_id: id.clone(),
            user_id: None,
            batch_id: None,
            file_name: "receipt.jpg".to_owned(),
            file_type: FileType::Image,
            mime_type: "image/jpeg".to_owned(),
            size_bytes: 1234,
            file: Ok(StoredFile { blob_key: format!("documents/{id}"), sha256: "ab".repeat(32) }),
            template: None,
            page_range: None,
            priority: 0,
            metadata: None,
            id,
        }
    }

    /// Records a document.
    pub async fn upload(&self, tenant: &Tenant, new: &NewDocument) -> Document {
        self.store
            .create_document(&Actor::system(), &tenant.organization_id, &project_id(tenant), new)
            .await
            .expect("a document can be recorded")
    }

    /// Records a document and begins an attempt at it.
    pub async fn upload_and_start(&self) -> Attempt {
        self.upload(&self.tenant(), &self.new_document()).await;
        self.store.dispatch(1, 100).await.expect("it answers");
        self.start("first").await
    }

    /// Takes up the next delivery.
    pub async fn start(&self, worker: &str) -> Attempt {
        let deliveries = self.store.claim(worker, 1, LEASE).await.expect("it answers");
        let delivery = deliveries.into_iter().next().expect("something is due");
        match self.store.start_attempt(worker, delivery, LEASE, 3).await.expect("it answers") {
            Start::Started(attempt) => *attempt,
            other => panic!("not started: {other:?}"),
        }
    }

    /// The document as it is now.
    pub async fn document(&self, id: &str) -> Document {
        let everywhere = Tenant::organization(&self.first.organization_id);
        self.store.document(&everywhere, id).await.expect("it answers").expect("it is there")
    }

    /// The document's status now.
    pub async fn status(&self, id: &str) -> DocumentStatus {
        self.document(id).await.status
    }
}

/// Content of a template that reads a total.
pub fn template_content(name: &str) -> TemplateContent {
    TemplateContent {
        name: name.to_owned(),
        description: None,
        template_schema: Some(
            serde_json::json!({"type": "object", "properties": {"total": {"type": "number"}}}),
        ),
        instructions: None,
        extraction_mode: ExtractionMode::Structured,
        result_format: ResultFormat::Json,
        extractor: None,
        ocr_mode: None,
        export: ExportSettings::default(),
        references: Vec::new(),
    }
}

/// A result with this text.
pub fn processed(text: &str) -> Processed {
    Processed {
        result: Extraction { text: text.to_owned(), ..Extraction::default() },
        page_count: 2,
        extractor: ExtractorIdentity {
            plugin: "text".to_owned(),
            version: "1.0.0".to_owned(),
            digest: "cd".repeat(32),
        },
        failed_canary: None,
        confidence: Some(0.875),
        timings: [("decode".to_owned(), 12), ("ocr".to_owned(), 340)].into_iter().collect(),
        usage: Default::default(),
    }
}

fn bootstrap() -> Bootstrap {
    Bootstrap {
        organization_name: "First".to_owned(),
        project_name: "Default".to_owned(),
        email: "Owner@Example.com".to_owned(),
        user_name: "Owner".to_owned(),
        password_hash: "$argon2id$".to_owned(),
        token: new_token("first"),
    }
}

/// A token that could be remembered.
pub fn new_token(public_id: &str) -> NewApiToken {
    NewApiToken {
        project_id: None,
        name: "Token".to_owned(),
        description: None,
        public_id: public_id.to_owned(),
        secret_hash: "00".repeat(32),
        scopes: vec![TokenScope::DocumentsRead, TokenScope::OrganizationManage],
        addresses: vec!["10.0.0.0/8".to_owned()],
        created_by: None,
        // A time that ISO 8601 can write: the year 2100.
        expires_at: Timestamp(4_102_444_800_000_000),
    }
}

/// The project of a tenant that is just one.
pub fn project_id(tenant: &Tenant) -> String {
    match &tenant.projects {
        Reach::Only(ids) if ids.len() == 1 => ids.first().expect("there is one").clone(),
        other => panic!("{other:?} is not one project"),
    }
}
