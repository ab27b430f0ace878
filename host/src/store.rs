//! The database: every row that is kept, on SQLite or PostgreSQL.
//!
//! One portable SQL text serves both engines; a difference is two texts side by side in one statement. Methods are
//! grouped by resource in the files beside; each takes the tenant whose data it touches, and another tenant's row is
//! the same as none. A method is one transaction, and none waits for anything but the database. Files are not here:
//! see the blob store.

mod accounts;
mod attempts;
mod audit;
mod batches;
mod bootstrap;
mod credits;
mod deliveries;
mod dispatcher;
mod documents;
mod engine;
mod events;
mod idempotency;
mod invitations;
mod load;
mod members;
mod one_time_tokens;
mod organizations;
mod plans;
mod plugin_values;
mod plugins;
mod project_members;
mod projects;
mod queue;
mod references;
mod refresh_tokens;
mod replicas;
mod results;
mod retention;
mod runs;
mod secrets;
mod sending;
mod signing_keys;
mod statement;
mod statistics;
mod templates;
mod tokens;
mod upkeep;
mod usage;
mod users;
mod watching;
mod webhooks;

pub use accounts::{Confirmation, SignUp};
pub use attempts::Attempts;
pub use bootstrap::{Bootstrap, Bootstrapped};
pub use engine::Transaction;
pub use idempotency::{IDEMPOTENCY_HOLD, Idempotency, IdempotencyHold, KeptAnswer};
pub use invitations::{Acceptance, NewPerson};
pub use load::Load;
pub use members::Place;
pub use project_members::Record;
pub use queue::{Delivery, Queue};
pub use retention::ExpiredFile;
pub use runs::{Attempt, Pulse, Start};
pub use sending::{Sending, Share};
pub use tokens::TokenSecret;
pub use usage::MonthlyUsage;
pub use users::Login;

use std::sync::Arc;

use tokio::sync::Notify;

use crate::clock::Clock;
use crate::domain::credit::CreditsShort;
use crate::domain::plan::QuotaExceeded;
use engine::Engine;
use queue::TableQueue;
use statement::Statement;

statement::statements! {
    "store";
    PING = "select 1 as one";
}

/// Why the database did not answer as it should. "Not there" is no error.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The URL names no engine that is known.
    #[error("database url begins with `{scheme}`, expected `sqlite:PATH` or `postgres://…`")]
    UnknownEngine {
        /// What stands before the first colon.
        scheme: String,
    },
    /// The database cannot be opened.
    #[error("database cannot be opened")]
    Open {
        /// Why.
        source: sqlx::Error,
    },
    /// The schema cannot be brought up to date.
    #[error("database cannot be migrated")]
    Migrate {
        /// Why.
        source: Box<sqlx::migrate::MigrateError>,
    },
    /// A statement failed.
    #[error("statement `{statement}` failed")]
    Statement {
        /// Name of the statement.
        statement: &'static str,
        /// Why.
        source: sqlx::Error,
    },
    /// A transaction could not be begun or committed.
    #[error("transaction failed")]
    Transaction {
        /// Why.
        source: sqlx::Error,
    },
    /// A row with the same unique value is already there.
    #[error("statement `{statement}` would make a duplicate")]
    Duplicate {
        /// Name of the statement.
        statement: &'static str,
    },
    /// A row refers to one that is not there.
    #[error("statement `{statement}` refers to a row that is not there")]
    MissingReference {
        /// Name of the statement.
        statement: &'static str,
    },
    /// A stored row does not parse.
    #[error("row `{id}` read by `{statement}` has a bad `{column}`: {reason}")]
    Corrupt {
        /// Name of the statement that read it, which begins with the resource.
        statement: &'static str,
        /// The row's id, as far as it is known.
        id: String,
        /// The column.
        column: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// The organization's plan does not allow it. Nothing has happened.
    #[error(transparent)]
    QuotaExceeded(#[from] QuotaExceeded),
    /// The organization's credits do not suffice. Nothing has happened.
    #[error(transparent)]
    CreditsShort(#[from] CreditsShort),
    /// A value cannot be stored.
    #[error("`{column}` cannot be stored as JSON")]
    Unstorable {
        /// The column.
        column: &'static str,
        /// Why.
        source: serde_json::Error,
    },
}

impl Error {
    /// Whether the same call may succeed when it is made again later: the engine was busy, stopped or out of
    /// reach.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Open { source } | Self::Statement { source, .. } | Self::Transaction { source } => {
                engine::is_transient(source)
            }
            Self::UnknownEngine { .. }
            | Self::Migrate { .. }
            | Self::Duplicate { .. }
            | Self::MissingReference { .. }
            | Self::Corrupt { .. }
            | Self::QuotaExceeded(_)
            | Self::CreditsShort(_)
            | Self::Unstorable { .. } => false,
        }
    }
}

/// The database. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    engine: Engine,
    queue: TableQueue,
    clock: Clock,
    arrivals: Arc<Notify>,
    document_changes: Arc<Notify>,
    plugin_changes: Arc<Notify>,
}

impl Store {
    /// Connects to the database at `url` (`sqlite:PATH`, made if it is missing, or `postgres://…`) with at most
    /// `max_connections` connections (of SQLite: readers, beside the one writer). The schema is left as it is:
    /// see [`Store::migrate`].
    ///
    /// # Errors
    /// [`Error::UnknownEngine`], or [`Error::Open`] when it does not answer.
    pub async fn connect(url: &str, max_connections: u32, clock: Clock) -> Result<Self, Error> {
        let engine = Engine::connect(url, max_connections).await?;
        Ok(Self {
            engine,
            queue: TableQueue::new(clock.clone()),
            clock,
            arrivals: Arc::default(),
            document_changes: Arc::default(),
            plugin_changes: Arc::default(),
        })
    }

    /// Brings the schema up to date: runs the embedded migrations that have not run yet, in order.
    ///
    /// # Errors
    /// [`Error::Migrate`], also where the database was migrated by a newer program.
    pub async fn migrate(&self) -> Result<(), Error> {
        self.engine.migrate().await
    }

    /// Prepares every statement the program may ever run, so that a schema that does not fit is found at once.
    ///
    /// # Errors
    /// The first statement that the engine refuses.
    pub async fn check_statements(&self) -> Result<(), Error> {
        for statement in STATEMENTS.iter().chain(plugins::EVERY).copied().flatten().copied() {
            self.engine.prepare(statement).await?;
        }
        Ok(())
    }

    /// Answers once the database answers.
    ///
    /// # Errors
    /// Whatever keeps it from answering.
    pub async fn ping(&self) -> Result<(), Error> {
        self.engine.fetch_optional(&PING, vec![]).await.map(drop)
    }

    /// Waits for what is in progress and closes all connections.
    pub async fn close(&self) {
        self.engine.close().await;
    }

    /// Begins a transaction; on SQLite it holds the one writer until it ends. Without a commit it leaves nothing.
    ///
    /// # Errors
    /// [`Error::Transaction`].
    pub async fn begin(&self) -> Result<Transaction, Error> {
        self.engine.begin().await
    }

    /// Waits until a document arrives through this store or one of its clones; other processes are not heard.
    pub async fn work_arrived(&self) {
        self.arrivals.notified().await;
    }

    /// Waits until a document is further than it was, through this store or one of its clones; other processes are not
    /// heard.
    pub async fn document_changed(&self) {
        self.document_changes.notified().await;
    }

    /// Waits until the outcome of a document has changed a plugin through this store or one of its clones; other
    /// processes are not heard.
    pub async fn plugin_changed(&self) {
        self.plugin_changes.notified().await;
    }

    /// The queue that delivers runs to workers.
    pub fn queue(&self) -> &impl Queue {
        &self.queue
    }
}

/// Every statement there is.
static STATEMENTS: &[&[&Statement]] = &[
    ALL,
    accounts::ALL,
    attempts::ALL,
    audit::ALL,
    batches::ALL,
    bootstrap::ALL,
    deliveries::ALL,
    credits::ALL,
    dispatcher::ALL,
    documents::ALL,
    events::ALL,
    idempotency::ALL,
    load::ALL,
    invitations::ALL,
    members::ALL,
    one_time_tokens::ALL,
    plugin_values::ALL,
    organizations::ALL,
    plans::ALL,
    project_members::ALL,
    projects::ALL,
    queue::ALL,
    references::ALL,
    refresh_tokens::ALL,
    replicas::ALL,
    results::ALL,
    retention::ALL,
    runs::ALL,
    secrets::ALL,
    sending::ALL,
    signing_keys::ALL,
    statistics::ALL,
    templates::ALL,
    tokens::ALL,
    upkeep::ALL,
    usage::ALL,
    users::ALL,
    webhooks::ALL,
    watching::ALL,
];
