//! The API on a socket, with its database, blob store and plugins, and requests to it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use ocriva::api::templates::preview::Previews;
use ocriva::api::watch::Watcher;
use ocriva::api::{self, Context};
use ocriva::auth::{self, Keys, PasswordCheck};
use ocriva::blobs::Blobs;
use ocriva::config::{self, Config};
use ocriva::domain::account::NewOneTimeToken;
use ocriva::domain::audit::Actor;
use ocriva::domain::organization::{NewMember, Role};
use ocriva::domain::tenant::Tenant;
use ocriva::domain::timestamp::Timestamp;
use ocriva::domain::token::{NewApiToken, TokenScope};
use ocriva::export::Exporter;
use ocriva::mail::Mailer;
use ocriva::pipeline::{Pictures, Pipeline};
use ocriva::plugins::{Engine as PluginEngine, Registry};
use ocriva::references::References;
use ocriva::releases::Releases;
use ocriva::webhooks::Sender;
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::multipart::{Form, Part};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::contract::Sent;
use crate::database::Engine;
use crate::store::TestStore;

/// Runs each of the named `async fn(TestApi)` as a test on SQLite and on PostgreSQL. Where the server needs other
/// settings or company, the names follow that of an `async fn(Engine) -> Option<T>` and take what it makes:
/// `over_http!(start => first, second)`.
#[macro_export]
macro_rules! over_http {
    ($start:ident => $($name:ident),* $(,)?) => {
        $crate::over_http!(@engine sqlite, Sqlite, [super::$start], $($name),*);
        $crate::over_http!(@engine postgres, Postgres, [super::$start], $($name),*);
    };
    ($($name:ident),* $(,)?) => {
        $crate::over_http!(@engine sqlite, Sqlite, [$crate::api::TestApi::new], $($name),*);
        $crate::over_http!(@engine postgres, Postgres, [$crate::api::TestApi::new], $($name),*);
    };
    (@engine $module:ident, $engine:ident, [$($start:tt)*], $($name:ident),*) => {
        $crate::over_http!(@module $module, ($($start)*($crate::database::Engine::$engine)), $($name),*);
    };
    (@module $module:ident, $started:tt, $($name:ident),*) => {
        mod $module {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    if let Some(test) = $started.await {
                        super::$name(test).await;
                    }
                }
            )*
        }
    };
}

/// Password of every user that the tests make.
pub const PASSWORD: &str = "correct horse battery staple";

/// A server and what its first start made.
pub struct TestApi {
    /// Its database.
    pub base: TestStore,
    /// `http://host:port`.
    pub url: String,
    /// An API token of the first organization with every scope.
    pub token: String,
    /// Told to stop, as by SIGTERM.
    pub draining: CancellationToken,
    keys: Keys,
    config: Arc<Config>,
    client: reqwest::Client,
    folder: TempDir,
    stop: CancellationToken,
}

/// An answer whose body has been read.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body: JSON, or a text where it is anything else; null where there is none.
    pub body: Value,
}

impl TestApi {
    /// Starts a server with the default settings, but for a file limit of 1 MiB; `None` where the engine is missing and
    /// the environment says that it may be.
    pub async fn new(engine: Engine) -> Option<Self> {
        Self::with(engine, |_| {}).await
    }

    /// Starts a server with settings changed by `adjust`.
    pub async fn with(engine: Engine, adjust: impl FnOnce(&mut Config)) -> Option<Self> {
        let base = TestStore::new(engine).await?;
        let folder = tempfile::tempdir().expect("a folder can be made");
        let mut config = Config::default();
        config.upload.max_file_mib = 1;
        // A test that reads an unfinished stream to its end is not to wait for long.
        config.server.event_stream_seconds = 2;
        adjust(&mut config);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("there is a free port");
        config.server.listen = listener.local_addr().expect("the listener has an address");
        let url = config.public_url();
        let config = Arc::new(config);
        let context = context(&base, &config, folder.path()).await;
        let (keys, draining, stop) =
            (context.keys.clone(), context.draining.clone(), CancellationToken::new());
        tokio::spawn(context.releases.clone().run(stop.clone()));
        let config = Arc::clone(&context.config);
        tokio::spawn(api::serve(context, listener, stop.clone().cancelled_owned()));
        let client = reqwest::Client::builder().timeout(Duration::from_secs(60)).no_proxy().build();
        let client = client.expect("a client can be made");
        let mut api = Self { base, url, token: String::new(), draining, keys, config, client, folder, stop };
        api.token = api.token_with(&api.organization(), None, TokenScope::ALL).await;
        Some(api)
    }

    /// Starts another server beside the first, on the same database: its URL.
    pub async fn replica(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("there is a free port");
        let url = format!("http://{}", listener.local_addr().expect("the listener has an address"));
        let context = context(&self.base, &self.config, self.folder.path()).await;
        tokio::spawn(context.releases.clone().run(self.stop.clone()));
        tokio::spawn(api::serve(context, listener, self.stop.clone().cancelled_owned()));
        url
    }

    /// Id of the first organization.
    pub fn organization(&self) -> String {
        self.base.first.organization_id.clone()
    }

    /// Id of its first project.
    pub fn project(&self) -> String {
        self.base.first.project_id.clone()
    }

    /// The keys of the installation.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// A sender of the server's webhooks, not yet at work.
    pub fn sender(&self) -> Sender {
        let (store, clock) = (self.base.store.clone(), self.base.clock.clock());
        Sender::new(&self.config, store, self.keys.clone(), clock).expect("TLS can be set up")
    }

    /// Makes an API token.
    pub async fn token_with(
        &self,
        organization_id: &str,
        project_id: Option<&str>,
        scopes: &[TokenScope],
    ) -> String {
        self.token_like(organization_id, |token| {
            token.project_id = project_id.map(str::to_owned);
            token.scopes = scopes.to_vec();
        })
        .await
    }

    /// Makes an API token with every scope, changed by `adjust`.
    pub async fn token_like(&self, organization_id: &str, adjust: impl FnOnce(&mut NewApiToken)) -> String {
        let token = self.keys.api_token();
        let mut new = NewApiToken {
            project_id: None,
            name: "Token".to_owned(),
            description: None,
            public_id: token.public_id,
            secret_hash: token.hash,
            scopes: TokenScope::ALL.to_vec(),
            addresses: Vec::new(),
            created_by: None,
            // A time that ISO 8601 can write: the year 2100.
            expires_at: Timestamp(4_102_444_800_000_000),
        };
        adjust(&mut new);
        let made = self.base.store.create_token(&Actor::system(), organization_id, new).await;
        made.expect("a token can be made");
        token.text
    }

    /// A one-time token as a mail would bring it, and what is to be remembered of it.
    pub fn one_time_token(&self) -> (String, NewOneTimeToken) {
        let token = self.keys.opaque_token();
        let expires_at = self.base.clock.clock().now().after(Duration::from_secs(3600));
        (token.text, NewOneTimeToken { token_hash: token.hash, expires_at })
    }

    /// An API token of another organization with every scope.
    pub async fn foreign_token(&self) -> (Tenant, String) {
        let tenant = self.base.other_tenant().await;
        let token = self.token_with(&tenant.organization_id, None, TokenScope::ALL).await;
        (tenant, token)
    }

    /// Makes a user of the first organization and logs them in: the answer to the login.
    pub async fn login_as(&self, role: Role) -> Value {
        let email = format!("{role}@example.org");
        self.member(&self.organization(), &email, role).await;
        let answer = self.login(&email, PASSWORD).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.body
    }

    /// Makes a user with the tests' password and a place in an organization: the user's id.
    pub async fn member(&self, organization_id: &str, email: &str, role: Role) -> String {
        static HASH: OnceLock<String> = OnceLock::new();
        let password_hash =
            HASH.get_or_init(|| auth::hash_password(PASSWORD).expect("it can be hashed")).clone();
        let new = NewMember { email: email.to_owned(), name: role.to_string(), password_hash, role };
        let made = self.base.store.create_member(&Actor::system(), organization_id, new).await;
        made.expect("a member can be made").user.id
    }

    /// The answer to a login.
    pub async fn login(&self, email: &str, password: &str) -> Answer {
        self.post("/auth/login", "", &json!({"email": email, "password": password})).await
    }

    /// An access token of a new user of the first organization.
    pub async fn access_token(&self, role: Role) -> String {
        text(&self.login_as(role).await["accessToken"])
    }

    /// A request to a path.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.request_at(&self.url, method, path)
    }

    /// A request to a path of this or another server.
    pub fn request_at(&self, url: &str, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{url}{path}"))
    }

    /// `DELETE` with a bearer credential.
    pub async fn delete(&self, path: &str, credential: &str) -> Answer {
        answer(bearer(self.request(Method::DELETE, path), credential)).await
    }

    /// `PATCH` of JSON.
    pub async fn patch(&self, path: &str, credential: &str, body: &Value) -> Answer {
        self.send(Method::PATCH, path, credential, body).await
    }

    /// `GET` with a bearer credential; an empty one is left out.
    pub async fn get(&self, path: &str, credential: &str) -> Answer {
        answer(bearer(self.request(Method::GET, path), credential)).await
    }

    /// `POST` of JSON.
    pub async fn post(&self, path: &str, credential: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, credential, body).await
    }

    /// Any method with JSON.
    pub async fn send(&self, method: Method, path: &str, credential: &str, body: &Value) -> Answer {
        answer(bearer(self.request(method, path), credential).json(body)).await
    }

    /// `POST` of a form.
    pub async fn submit(&self, path: &str, credential: &str, form: Form) -> Answer {
        answer(bearer(self.request(Method::POST, path), credential).multipart(form)).await
    }

    /// Uploads a plugin, and activates it.
    pub async fn install(&self, component: Vec<u8>, credential: &str) -> Value {
        let form = component_form(component).text("activate", "true");
        let answer = self.submit("/plugins", credential, form).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.body
    }

    /// The folder of the operator's plugins.
    pub fn plugin_folder(&self) -> PathBuf {
        self.folder.path().join("plugins")
    }

    /// Path of the platform's single upload.
    pub fn upload_path(&self) -> String {
        format!("/upload/{}/file", self.organization())
    }

    /// Path of the platform's batch upload.
    pub fn batch_path(&self) -> String {
        format!("/batch/{}/upload", self.organization())
    }

    /// A complete form of a single upload.
    pub fn upload_form(&self, bytes: Vec<u8>, name: &str) -> Form {
        self.upload_texts(name).part("file", Part::bytes(bytes).file_name(name.to_owned()))
    }

    /// The form of a single upload without its file.
    pub fn upload_texts(&self, name: &str) -> Form {
        Form::new()
            .text("fileName", name.to_owned())
            .text("fileType", "image")
            .text("projectId", self.project())
    }

    /// Uploads a small file: the answer's body.
    pub async fn upload(&self, name: &str) -> Value {
        let answer = self.submit(&self.upload_path(), &self.token, self.upload_form(png(), name)).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.body
    }

    /// The folder that the blob store is in.
    pub fn blob_folder(&self) -> PathBuf {
        self.folder.path().join("blobs")
    }

    /// Every file in the blob store.
    pub fn blobs(&self) -> Vec<PathBuf> {
        files(&self.blob_folder())
    }

    /// Every file below the folder that the blob store is in.
    pub fn files(&self) -> Vec<PathBuf> {
        files(self.folder.path())
    }

    /// Waits until the blob store has `count` files: those of refused uploads are deleted in the background.
    pub async fn wait_for_blobs(&self, count: usize) {
        for _ in 0..500 {
            if self.blobs().len() == count {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("there are {:?}, not {count} files", self.blobs());
    }

    /// Where the server listens.
    pub fn address(&self) -> SocketAddr {
        let address = self.url.trim_start_matches("http://");
        address.parse().expect("the URL ends with an address")
    }
}

impl Drop for TestApi {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Answer {
    /// Checks that this is an error in the contract's shape and with this status and code.
    #[track_caller]
    pub fn assert_error(&self, status: u16, code: &str) {
        assert_eq!((self.status.as_u16(), self.body["code"].as_str()), (status, Some(code)), "{self:#?}");
        self.assert_error_shape();
    }

    /// Checks that this is an error in the contract's shape.
    #[track_caller]
    pub fn assert_error_shape(&self) {
        assert_eq!(self.body["statusCode"], self.status.as_u16(), "{self:#?}");
        assert_eq!(self.body["error"].as_str(), self.status.canonical_reason(), "{self:#?}");
        let is_told = match &self.body["message"] {
            Value::String(message) => !message.is_empty(),
            Value::Array(messages) => !messages.is_empty() && messages.iter().all(Value::is_string),
            _ => false,
        };
        assert!(is_told, "{self:#?}");
        assert_eq!(self.body["requestId"].as_str(), self.headers["x-request-id"].to_str().ok(), "{self:#?}");
    }
}

/// Sends a request and reads the answer; both have to be as the API's description says.
pub async fn answer(request: RequestBuilder) -> Answer {
    let (client, request) = request.build_split();
    let mut request = request.expect("the request can be made");
    let sent = Sent::of(&mut request).await;
    let response: Response = client.execute(request).await.expect("the server answers");
    let (status, headers) = (response.status(), response.headers().clone());
    let body = response.bytes().await.expect("the answer arrives whole");
    sent.compare(status, &headers, &body);
    let is_json = headers.get(CONTENT_TYPE).is_some_and(|found| found == "application/json");
    let body = match (body.is_empty(), is_json) {
        (true, _) => Value::Null,
        (false, true) => serde_json::from_slice(&body).expect("JSON says that it is JSON"),
        (false, false) => String::from_utf8_lossy(&body).into(),
    };
    Answer { status, headers, body }
}

/// Adds a bearer credential; an empty one is left out.
pub fn bearer(request: RequestBuilder, credential: &str) -> RequestBuilder {
    if credential.is_empty() { request } else { request.bearer_auth(credential) }
}

/// A value that has to be a text.
#[track_caller]
pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("not a text: {value}")).to_owned()
}

/// The form of a plugin's upload.
pub fn component_form(component: Vec<u8>) -> Form {
    Form::new().part("file", Part::bytes(component).file_name("plugin.wasm"))
}

/// A whole picture of one pixel.
pub fn png() -> Vec<u8> {
    const PIXEL: &[u8] =
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0:~\x9bU\0\0\0\nIDATx\xdac\xf8\x0f\0\
        \x01\x01\x01\0\x1c\xb0\x8c\x99\0\0\0\0IEND\xaeB`\x82";
    PIXEL.to_vec()
}

/// What a server works with whose documents lie below `folder`.
async fn context(base: &TestStore, config: &Arc<Config>, folder: &Path) -> Context {
    let blobs = Blobs::open(&format!("file:{}", folder.join("blobs").display()));
    let blobs = blobs.expect("the folder can be made");
    let bundled = ocriva::assets::bundled_plugins();
    let plugins = Registry::open(engine(&config.plugins), bundled, &folder.join("plugins"));
    let plugins = Arc::new(plugins.expect("no folder is no error"));
    let pipeline = Pipeline::without_cache(config, Arc::clone(&plugins), base.clock.clock());
    let max_component_bytes = config.plugins.most_component_bytes();
    let (store, clock) = (base.store.clone(), base.clock.clock());
    let releases = Releases::new(store, blobs.clone(), clock, plugins, max_component_bytes);
    releases.learn().await.expect("the database answers");
    let references = Arc::new(References::new(base.store.clone()));
    Context {
        store: base.store.clone(),
        exporter: Exporter::new(config, base.store.clone(), blobs.clone()),
        blobs,
        keys: Keys::derive(&[7; 32]).expect("the secret is long enough"),
        passwords: PasswordCheck::default(),
        mailer: Mailer::new(&config.mail).expect("the mail settings can be used"),
        clock: base.clock.clock(),
        watcher: Watcher::new(base.store.clone(), config.server.max_waiting_clients),
        pictures: Arc::new(Pictures::new(config)),
        config: Arc::clone(config),
        releases,
        limits: Arc::default(),
        previews: Arc::new(Previews::new(&config.preview, Arc::new(pipeline), references)),
        draining: CancellationToken::new(),
    }
}

/// One engine for all tests with the default settings, and one cache for those with others: a plugin is compiled once.
fn engine(settings: &config::Plugins) -> Arc<PluginEngine> {
    static CACHE: OnceLock<PathBuf> = OnceLock::new();
    static ENGINE: OnceLock<Arc<PluginEngine>> = OnceLock::new();
    let start = |settings: &config::Plugins| {
        let cache =
            CACHE.get_or_init(|| tempfile::tempdir().expect("a folder can be made").keep().join("cache"));
        // A few places are enough, and each reserves address space.
        let mut settings = config::Plugins { max_concurrent_calls: 4, ..settings.clone() };
        settings.compile.program = crate::program().display().to_string();
        Arc::new(PluginEngine::new(&settings, cache.clone()).expect("the engine starts"))
    };
    let usual = Config::default().plugins;
    match *settings == usual {
        true => Arc::clone(ENGINE.get_or_init(|| start(&usual))),
        false => start(settings),
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}
