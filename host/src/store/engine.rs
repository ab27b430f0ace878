//! The two engines behind one face: connect, migrate, run a statement, open a transaction.
//!
//! SQLite has one writer connection, so that writers queue in the program instead of failing in the engine, and a
//! pool of readers that never wait for it (write-ahead log).

use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{Executor, Postgres, SqlSafeStr, Sqlite};

use super::Error;
use super::audit::{self, Unchained};
use super::statement::{Argument, Columns, FromRow, Row, Statement};

static SQLITE_MIGRATIONS: Migrator = sqlx::migrate!("../migrations/sqlite");
static POSTGRES_MIGRATIONS: Migrator = sqlx::migrate!("../migrations/postgres");

/// How long a connection may take to become free.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a SQLite connection waits for another process (a migration, a copy) to let go.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Clone, Debug)]
pub(super) enum Engine {
    Sqlite { writer: SqlitePool, readers: SqlitePool },
    Postgres(PgPool),
}

macro_rules! bind {
    ($statement:expr, $arguments:expr) => {
        $arguments.into_iter().fold(sqlx::query($statement), |query, argument| match argument {
            Argument::Text(value) => query.bind(value),
            Argument::Integer(value) => query.bind(value),
            Argument::Real(value) => query.bind(value),
            Argument::Boolean(value) => query.bind(value),
        })
    };
}

impl Engine {
    pub(super) async fn connect(url: &str, max_connections: u32) -> Result<Self, Error> {
        match url.split_once(':') {
            Some(("sqlite", path)) => connect_sqlite(Path::new(path), max_connections).await,
            Some(("postgres" | "postgresql", _)) => connect_postgres(url, max_connections).await,
            _ => Err(Error::UnknownEngine { scheme: url.split(':').next().unwrap_or_default().to_owned() }),
        }
    }

    pub(super) async fn migrate(&self) -> Result<(), Error> {
        match self {
            Self::Sqlite { writer, .. } => SQLITE_MIGRATIONS.run(writer).await,
            Self::Postgres(pool) => POSTGRES_MIGRATIONS.run(pool).await,
        }
        .map_err(|source| Error::Migrate { source: Box::new(source) })
    }

    pub(super) async fn close(&self) {
        match self {
            Self::Sqlite { writer, readers } => {
                readers.close().await;
                writer.close().await;
            }
            Self::Postgres(pool) => pool.close().await,
        }
    }

    pub(super) async fn begin(&self) -> Result<Transaction, Error> {
        match self {
            // Immediate: a transaction that begins as a reader cannot become a writer while another one writes.
            Self::Sqlite { writer, .. } => writer.begin_with("begin immediate").await.map(Open::Sqlite),
            Self::Postgres(pool) => pool.begin().await.map(Open::Postgres),
        }
        .map(|open| Transaction { open, audited: Vec::new() })
        .map_err(|source| Error::Transaction { source })
    }

    pub(super) async fn prepare(&self, statement: &'static Statement) -> Result<(), Error> {
        match self {
            Self::Sqlite { writer, .. } => writer.prepare(statement.sqlite.into_sql_str()).await.map(drop),
            Self::Postgres(pool) => pool.prepare(statement.postgres.into_sql_str()).await.map(drop),
        }
        .map_err(|source| failed(statement, source))
    }

    /// Reads the rows of a query, outside any transaction.
    pub(super) async fn fetch_all(
        &self,
        statement: &'static Statement,
        arguments: Vec<Argument>,
    ) -> Result<Vec<Row>, Error> {
        let rows: Result<Vec<Columns>, sqlx::Error> = match self {
            Self::Sqlite { readers, .. } => bind!(statement.sqlite, arguments)
                .fetch_all(readers)
                .await
                .map(|rows| rows.into_iter().map(Columns::Sqlite).collect()),
            Self::Postgres(pool) => bind!(statement.postgres, arguments)
                .fetch_all(pool)
                .await
                .map(|rows| rows.into_iter().map(Columns::Postgres).collect()),
        };
        named(statement, rows)
    }

    /// Reads the first row of a query, outside any transaction.
    pub(super) async fn fetch_optional(
        &self,
        statement: &'static Statement,
        arguments: Vec<Argument>,
    ) -> Result<Option<Row>, Error> {
        Ok(self.fetch_all(statement, arguments).await?.into_iter().next())
    }

    /// Reads values, outside any transaction.
    pub(super) async fn list<T: FromRow>(
        &self,
        statement: &'static Statement,
        arguments: Vec<Argument>,
    ) -> Result<Vec<T>, Error> {
        self.fetch_all(statement, arguments).await?.iter().map(T::from_row).collect()
    }

    /// Reads the `total` of a counting query, outside any transaction.
    pub(super) async fn count(
        &self,
        statement: &'static Statement,
        arguments: Vec<Argument>,
    ) -> Result<u64, Error> {
        self.fetch_optional(statement, arguments).await?.map_or(Ok(0), |row| row.number("total"))
    }

    /// Reads one value, outside any transaction; `None` where there is no row.
    pub(super) async fn find<T: FromRow>(
        &self,
        statement: &'static Statement,
        arguments: Vec<Argument>,
    ) -> Result<Option<T>, Error> {
        self.fetch_optional(statement, arguments).await?.as_ref().map(T::from_row).transpose()
    }
}

/// Statements that take effect together at [`Transaction::commit`], or not at all.
pub struct Transaction {
    open: Open,
    /// Written at the end, so that the audit log's lock is the last that any transaction takes.
    audited: Vec<Unchained>,
}

enum Open {
    Sqlite(sqlx::Transaction<'static, Sqlite>),
    Postgres(sqlx::Transaction<'static, Postgres>),
}

impl Transaction {
    /// Writes what there is for the audit log, and makes all of it last.
    ///
    /// # Errors
    /// That of a statement, and nothing has happened, or [`Error::Transaction`]; then nothing has happened, or, if the connection broke at this very moment, all of it.
    pub async fn commit(mut self) -> Result<(), Error> {
        let audited = std::mem::take(&mut self.audited);
        audit::append(&mut self, audited).await?;
        match self.open {
            Open::Sqlite(tx) => tx.commit().await,
            Open::Postgres(tx) => tx.commit().await,
        }
        .map_err(|source| Error::Transaction { source })
    }

    /// Keeps a line for the audit log until the commit.
    pub(super) fn keep_for_audit(&mut self, entry: Unchained) {
        self.audited.push(entry);
    }

    /// Runs a statement and says how many rows it touched.
    pub(super) async fn execute(
        &mut self,
        statement: &'static Statement,
        arguments: Vec<Argument>,
    ) -> Result<u64, Error> {
        match &mut self.open {
            Open::Sqlite(tx) => {
                bind!(statement.sqlite, arguments).execute(&mut **tx).await.map(|done| done.rows_affected())
            }
            Open::Postgres(tx) => {
                bind!(statement.postgres, arguments).execute(&mut **tx).await.map(|done| done.rows_affected())
            }
        }
        .map_err(|source| failed(statement, source))
    }

    /// Reads the rows of a query, or those that a change returns.
    pub(super) async fn fetch_all(
        &mut self,
        statement: &'static Statement,
        arguments: Vec<Argument>,
    ) -> Result<Vec<Row>, Error> {
        let rows: Result<Vec<Columns>, sqlx::Error> = match &mut self.open {
            Open::Sqlite(tx) => bind!(statement.sqlite, arguments)
                .fetch_all(&mut **tx)
                .await
                .map(|rows| rows.into_iter().map(Columns::Sqlite).collect()),
            Open::Postgres(tx) => bind!(statement.postgres, arguments)
                .fetch_all(&mut **tx)
                .await
                .map(|rows| rows.into_iter().map(Columns::Postgres).collect()),
        };
        named(statement, rows)
    }

    /// Reads the first row.
    pub(super) async fn fetch_optional(
        &mut self,
        statement: &'static Statement,
        arguments: Vec<Argument>,
    ) -> Result<Option<Row>, Error> {
        Ok(self.fetch_all(statement, arguments).await?.into_iter().next())
    }

    /// Reads one value that is there, since this transaction has written it.
    pub(super) async fn read<T: FromRow>(
        &mut self,
        statement: &'static Statement,
        arguments: Vec<Argument>,
    ) -> Result<T, Error> {
        let found = self.find(statement, arguments).await?;
        found.ok_or(Error::Statement { statement: statement.name, source: sqlx::Error::RowNotFound })
    }

    /// Reads one value; `None` where there is no row.
    pub(super) async fn find<T: FromRow>(
        &mut self,
        statement: &'static Statement,
        arguments: Vec<Argument>,
    ) -> Result<Option<T>, Error> {
        self.fetch_optional(statement, arguments).await?.as_ref().map(T::from_row).transpose()
    }
}

async fn connect_sqlite(path: &Path, max_connections: u32) -> Result<Engine, Error> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // Full: what was acknowledged to a client survives a power cut.
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT);
    let writer = SqlitePoolOptions::new()
        .max_connections(1)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .connect_with(options.clone())
        .await
        .map_err(|source| Error::Open { source })?;
    let readers = SqlitePoolOptions::new()
        .max_connections(max_connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .connect_with(options.create_if_missing(false).pragma("query_only", "on"))
        .await
        .map_err(|source| Error::Open { source })?;
    Ok(Engine::Sqlite { writer, readers })
}

async fn connect_postgres(url: &str, max_connections: u32) -> Result<Engine, Error> {
    let options = PgConnectOptions::from_str(url).map_err(|source| Error::Open { source })?;
    PgPoolOptions::new()
        .max_connections(max_connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .connect_with(options)
        .await
        .map(Engine::Postgres)
        .map_err(|source| Error::Open { source })
}

fn named(statement: &'static Statement, rows: Result<Vec<Columns>, sqlx::Error>) -> Result<Vec<Row>, Error> {
    let rows = rows.map_err(|source| failed(statement, source))?;
    Ok(rows.into_iter().map(|columns| Row { statement: statement.name, columns }).collect())
}

fn failed(statement: &'static Statement, source: sqlx::Error) -> Error {
    let statement = statement.name;
    match &source {
        sqlx::Error::Database(error) if error.is_unique_violation() => Error::Duplicate { statement },
        sqlx::Error::Database(error) if error.is_foreign_key_violation() => {
            Error::MissingReference { statement }
        }
        _ => Error::Statement { statement, source },
    }
}

/// Whether the engine may do later what it could not do now.
pub(super) fn is_transient(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::WorkerCrashed
        | sqlx::Error::Protocol(_)
        | sqlx::Error::Tls(_) => true,
        sqlx::Error::Database(error) => match error.code().as_deref() {
            // SQLite: busy, locked, input or output error, disk full, cannot open; with their extended codes.
            Some(code) if error.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some() => {
                matches!(code.parse::<u32>().map(|code| code & 0xff), Ok(5 | 6 | 10 | 13 | 14))
            }
            // PostgreSQL: connection lost, serialization, out of resources, stopped by the operator, internal.
            Some(code) => ["08", "40", "53", "57", "58"].iter().any(|class| code.starts_with(class)),
            None => false,
        },
        _ => false,
    }
}
