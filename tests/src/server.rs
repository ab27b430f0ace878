//! `ocriva serve` as a process of its own, as an operator runs it, and requests to it.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::multipart::{Form, Part};
use reqwest::{RequestBuilder, StatusCode};
use serde_json::Value;

use crate::api::answer;
use crate::database::{Database, Engine};
use crate::{fixture, program};

/// How long a start may take, on a machine that builds at the same time.
const START: Duration = Duration::from_secs(60);

/// How long documents may take.
const FINISH: Duration = Duration::from_secs(240);

/// An installation: a data folder and a database that outlive the server's process.
pub struct Installation {
    folder: tempfile::TempDir,
    database: Arc<Database>,
    client: reqwest::Client,
}

/// A running server of an installation. Killed when dropped.
pub struct Server<'a> {
    installation: &'a Installation,
    process: Child,
    url: String,
    /// What the server printed until it was ready.
    pub greeting: String,
    /// What `credentials.json` says; null for a replica of an installation that was there before.
    pub credentials: Value,
}

impl Installation {
    /// An empty installation; `None` where the database's engine is missing and the environment says that it may be.
    pub async fn new(engine: Engine) -> Option<Self> {
        Some(Self::of(Arc::new(Database::new(engine).await?)))
    }

    /// The same installation on another machine: it shares the database, and has a data folder of its own.
    pub fn replica(&self) -> Self {
        Self::of(Arc::clone(&self.database))
    }

    fn of(database: Arc<Database>) -> Self {
        Self {
            database,
            folder: tempfile::tempdir().expect("a folder can be made"),
            client: reqwest::Client::builder().no_proxy().build().expect("a client can be made"),
        }
    }

    /// The data folder.
    pub fn data(&self) -> &Path {
        self.folder.path()
    }

    /// URL of its database.
    pub fn database_url(&self) -> &str {
        &self.database.url
    }

    /// Starts the server on a free port and waits until it says that it is ready.
    pub fn start(&self) -> Server<'_> {
        self.start_with(&[])
    }

    /// As [`Installation::start`], with further variables in the process's environment.
    pub fn start_with(&self, environment: &[(&str, String)]) -> Server<'_> {
        let mut process = Command::new(program())
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(self.data())
            .env("OCRIVA__STORAGE__DATABASE_URL", &self.database.url)
            .env("OCRIVA__QUEUE__LEASE_SECONDS", "2")
            .env("OCRIVA__LOG__FILTER", "warn")
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let started = Instant::now();
        let mut output = BufReader::new(process.stdout.take().expect("its output is piped"));
        let mut greeting = String::new();
        let url = loop {
            let before = greeting.len();
            let read = output.read_line(&mut greeting).expect("its output is text");
            assert!(read > 0 && started.elapsed() < START, "the server did not start: {greeting}");
            if let Some(rest) = greeting[before..].strip_prefix("ocriva is ready on ") {
                break rest.split_whitespace().next().expect("it names its address").to_owned();
            }
        };
        let credentials = match std::fs::read(self.data().join("credentials.json")) {
            Ok(credentials) => serde_json::from_slice(&credentials).expect("credentials are JSON"),
            Err(_) => Value::Null,
        };
        Server { installation: self, process, url, greeting, credentials }
    }
}

impl Server<'_> {
    /// A request with the first token.
    pub fn request(&self, method: reqwest::Method, path: &str) -> RequestBuilder {
        let token = self.credentials["apiToken"].as_str().expect("there is a token");
        self.installation.client.request(method, format!("{}{path}", self.url)).header("X-API-Key", token)
    }

    /// The JSON of a page that is there.
    pub async fn get(&self, path: &str) -> Value {
        let answer = answer(self.request(reqwest::Method::GET, path)).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        answer.body
    }

    /// Makes a template of the first project and returns its id.
    pub async fn create_template(&self, mut template: Value) -> String {
        template["projectId"] = self.credentials["projectId"].clone();
        let answer = answer(self.request(reqwest::Method::POST, "/templates").json(&template)).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
        answer.body["id"].as_str().expect("a template has an id").to_owned()
    }

    /// Uploads a fixture, and returns the id of its record.
    pub async fn upload(&self, name: &str, template: Option<&str>) -> String {
        let text = |key: &str| self.credentials[key].as_str().expect("it is there").to_owned();
        let mut form = Form::new()
            .part("file", Part::bytes(fixture(name)).file_name(name.to_owned()))
            .text("fileName", name.to_owned())
            .text("fileType", if name.ends_with(".pdf") { "pdf" } else { "image" })
            .text("projectId", text("projectId"));
        if let Some(template) = template {
            form = form.text("templateId", template.to_owned());
        }
        let path = format!("/upload/{}/file", text("organizationId"));
        let answer = answer(self.request(reqwest::Method::POST, &path).multipart(form)).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
        answer.body["id"].as_str().expect("an upload has an id").to_owned()
    }

    /// The record of a document.
    pub async fn record(&self, id: &str) -> Value {
        let project = self.credentials["projectId"].as_str().expect("it is there");
        self.get(&format!("/processing-history/{id}?projectId={project}")).await
    }

    /// Waits until a document is finished, and returns its record.
    pub async fn finished(&self, id: &str) -> Value {
        let since = Instant::now();
        loop {
            let record = self.record(id).await;
            if matches!(record["status"].as_str(), Some("completed" | "failed" | "cancelled")) {
                return record;
            }
            assert!(since.elapsed() < FINISH, "`{id}` is not finished: {record}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Ends the process at once, as `kill -9` does.
    pub fn kill(mut self) {
        self.process.kill().expect("the process can be killed");
        self.process.wait().expect("the process ends");
    }

    /// Sends SIGTERM and waits until the process has ended by itself; whether it ended well.
    pub async fn terminate(mut self) -> bool {
        let sent = Command::new("kill").arg(self.process.id().to_string()).status();
        assert!(sent.expect("`kill` is there").success());
        let since = Instant::now();
        loop {
            if let Some(status) = self.process.try_wait().expect("the process can be asked") {
                return status.success();
            }
            assert!(since.elapsed() < START, "the server does not stop");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Server<'_> {
    fn drop(&mut self) {
        // It has ended already where the test ended it.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
