//! A database per test, on either engine: a copy of one that was migrated once.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use ocriva::clock::Clock;
use ocriva::store::Store;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use tempfile::TempDir;
use tokio::sync::OnceCell;

use crate::postgres;

/// The engines that every test of the store runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// A file.
    Sqlite,
    /// The tests' own server.
    Postgres,
}

/// A migrated, empty database.
pub struct Database {
    /// Where it is, as in the settings.
    pub url: String,
    _folder: Option<TempDir>,
}

impl Database {
    /// Makes a database; `None` where the engine is missing and the environment says that it may be.
    pub async fn new(engine: Engine) -> Option<Self> {
        match engine {
            Engine::Sqlite => Some(sqlite().await),
            Engine::Postgres => postgres().await,
        }
    }
}

async fn sqlite() -> Database {
    static MIGRATED: OnceCell<Vec<u8>> = OnceCell::const_new();
    let folder = tempfile::tempdir().expect("a folder can be made");
    let path = folder.path().join("ocriva.db");
    let bytes = MIGRATED.get_or_init(|| migrated_file(folder.path().join("template.db"))).await;
    std::fs::write(&path, bytes).expect("a file can be written");
    Database { url: sqlite_url(&path), _folder: Some(folder) }
}

async fn migrated_file(path: PathBuf) -> Vec<u8> {
    migrate(&sqlite_url(&path)).await;
    std::fs::read(&path).expect("the closed database is one file")
}

fn sqlite_url(path: &Path) -> String {
    format!("sqlite:{}", path.display())
}

async fn postgres() -> Option<Database> {
    static MIGRATED: OnceCell<()> = OnceCell::const_new();
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let template = postgres::url(postgres::TEMPLATE)?;
    MIGRATED
        .get_or_init(async || {
            administer(&format!("create database {}", postgres::TEMPLATE)).await;
            migrate(&template).await;
        })
        .await;
    let name = format!("test_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
    administer(&format!("create database {name} template {}", postgres::TEMPLATE)).await;
    let url = postgres::url(&name)?;
    Some(Database { url, _folder: None })
}

async fn migrate(url: &str) {
    let store = Store::connect(url, 1, Clock::system()).await.expect("the database opens");
    store.migrate().await.expect("the migrations run");
    store.close().await;
}

/// Runs a statement about databases. A session that has just been closed may still be seen for a moment.
async fn administer(statement: &str) {
    let url = postgres::url("postgres").expect("the server runs");
    let mut connection = PgConnection::connect(&url).await.expect("the server answers");
    for _ in 0..100 {
        match connection.execute(AssertSqlSafe(statement)).await {
            Ok(_) => return,
            Err(error) if error.to_string().contains("being accessed by other users") => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Err(error) => panic!("`{statement}`: {error}"),
        }
    }
    panic!("`{statement}`: the template is in use");
}
