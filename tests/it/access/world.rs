//! The things that operations work on, made when a request needs them, and the requests.

use std::collections::HashMap;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use ocriva::domain::account::NewAccount;
use ocriva::domain::audit::Actor;
use ocriva::domain::invitation::NewInvitation;
use ocriva::domain::organization::Role;
use ocriva::domain::timestamp::Timestamp;
use ocriva::domain::token::TokenScope;
use ocriva::store::Start;
use regex::Regex;
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use support::api::{Answer, PASSWORD, TestApi, answer, bearer, component_form, png, text};
use support::contract::Operation;
use support::lines_guest;
use support::store::{LEASE, processed};
use tokio::sync::Mutex;

use super::rows::{Content, Row};

/// A name in braces: a thing that is made.
static THING: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\{([a-z][A-Za-z]*)\}").expect("it is a pattern"));

/// A server and what the first organization has on it.
pub struct World<'a> {
    /// The server.
    pub api: &'a TestApi,
    made: Mutex<HashMap<String, String>>,
    count: AtomicU32,
}

/// A request that is ready but for its credential.
pub struct Call {
    method: Method,
    path: String,
    content: Sending,
    /// The ids that stand in it.
    pub things: Vec<String>,
}

enum Sending {
    Nothing,
    Json(Value),
    Form { file_field: &'static str, project_id: String },
    TextFile { text: &'static str, part: &'static str, value: String },
    Component { name: &'static str, version: &'static str },
}

impl<'a> World<'a> {
    /// A world with nothing in it but the server's first organization, project and token.
    pub async fn new(api: &'a TestApi) -> Self {
        Self { api, made: Mutex::default(), count: AtomicU32::default() }
    }

    /// The request of a row, with things that are made once and used by all such requests.
    pub async fn shared_call(&self, operation: &Operation, row: &Row) -> Call {
        let mut things = HashMap::new();
        for name in names(operation, row) {
            let known = self.made.lock().await.get(&name).cloned();
            let id = match known {
                Some(id) => id,
                None => {
                    let id = self.make(&name, &things).await;
                    self.made.lock().await.insert(name.clone(), id.clone());
                    id
                }
            };
            things.insert(name, id);
        }
        self.call(operation, row, &things)
    }

    /// The request of a row, with things of its own.
    pub async fn fresh_call(&self, operation: &Operation, row: &Row) -> Call {
        let mut things = HashMap::new();
        for name in names(operation, row) {
            let id = self.make(&name, &things).await;
            things.insert(name, id);
        }
        self.call(operation, row, &things)
    }

    /// The request of a row, with ids that nothing has; `known` things are kept.
    pub fn unreal_call(&self, operation: &Operation, row: &Row, known: &[(&str, String)]) -> Call {
        let clock = self.api.base.clock.clock();
        let id = |name: &str| match known.iter().find(|(known, _)| *known == name) {
            Some((_, id)) => id.clone(),
            None => clock.new_id(),
        };
        let things = names(operation, row).into_iter().map(|name| (name.clone(), id(&name))).collect();
        self.call(operation, row, &things)
    }

    fn call(&self, operation: &Operation, row: &Row, things: &HashMap<String, String>) -> Call {
        let filled = |text: &str| {
            THING.replace_all(text, |found: &regex::Captures<'_>| &things[&found[1]]).into_owned()
        };
        let content = match row.content {
            Content::Nothing => Sending::Nothing,
            Content::Json(body) => {
                Sending::Json(serde_json::from_str(&filled(body)).expect("a row's body is JSON"))
            }
            Content::Form(file_field) => {
                Sending::Form { file_field, project_id: things["projectId"].clone() }
            }
            Content::TextFile(text, (part, value)) => Sending::TextFile { text, part, value: filled(value) },
            Content::Component(name, version) => Sending::Component { name, version },
        };
        let method = operation.method.clone();
        Call {
            method,
            path: filled(&path(operation, row)),
            content,
            things: things.values().cloned().collect(),
        }
    }

    /// Sends a request.
    pub async fn send(&self, call: &Call, credential: &str) -> Answer {
        let request = bearer(self.api.request(call.method.clone(), &call.path), credential);
        answer(match &call.content {
            Sending::Nothing => request,
            Sending::Json(body) => request.json(body),
            Sending::Form { file_field, project_id } => request.multipart(form(file_field, project_id)),
            Sending::Component { name, version } => {
                request.multipart(component_form(lines_guest(name, version)))
            }
            Sending::TextFile { text, part, value } => request.multipart(
                Form::new().part("file", Part::text(*text).file_name("ours.csv")).text(*part, value.clone()),
            ),
        })
        .await
    }

    /// Makes something of the first organization, in those of the other things that it belongs to: its id, or what else
    /// stands for it in a request.
    async fn make(&self, name: &str, others: &HashMap<String, String>) -> String {
        let api = self.api;
        let made = async |path: &str, body: Value| {
            let made = api.post(path, &api.token, &body).await;
            assert!(made.status.is_success(), "{path}: {made:?}");
            made.body
        };
        match name {
            "organizationId" => api.organization(),
            "projectId" => api.project(),
            "password" => PASSWORD.to_owned(),
            "email" => self.member(&api.organization(), Role::Viewer).await,
            "refreshToken" => {
                let email = self.member(&api.organization(), Role::Viewer).await;
                text(&self.log_in(&email).await["refreshToken"])
            }
            "apiToken" => api.token.clone(),
            "newEmail" => self.address(),
            "userId" => {
                let email = self.member(&api.organization(), Role::Viewer).await;
                let login = api.base.store.login(&email).await.expect("it answers");
                login.expect("there is a user").user.id
            }
            "projectMemberId" => {
                let email = self.member(&api.organization(), Role::Viewer).await;
                let path = format!("/projects/{}/members", api.project());
                text(&made(&path, json!({"email": email, "role": "viewer"})).await["userId"])
            }
            "signupToken" => {
                let (token, new) = api.one_time_token();
                let account = NewAccount {
                    email: self.address(),
                    name: "New".to_owned(),
                    password_hash: "$argon2id$".to_owned(),
                    organization_name: None,
                };
                api.base.store.sign_up(&account, new).await.expect("it can be signed up");
                token
            }
            "resetToken" => {
                let email = self.member(&api.organization(), Role::Viewer).await;
                let (token, new) = api.one_time_token();
                let begun = api.base.store.begin_password_reset(&email, new).await;
                begun.expect("it answers").expect("there is a user");
                token
            }
            "invitationToken" => self.invite().await.1,
            "invitationId" => self.invite().await.0,
            "tokenId" => {
                let body = json!({"name": "Ours", "type": "organization", "scopes": ["tokens:manage"]});
                text(&api.post("/tokens", &api.token, &body).await.body["id"])
            }
            "templateId" => {
                let schema = json!({"total": {"type": "number"}});
                let body = json!({"name": "Ours", "projectId": api.project(), "templateSchema": schema});
                text(&made("/templates", body).await["id"])
            }
            "documentId" => text(&api.upload("ours.png").await["id"]),
            "cancelledId" => {
                let id = text(&api.upload("ours.png").await["id"]);
                let path = format!("/processing-history/{id}/cancel");
                let cancelled = answer(bearer(api.request(Method::POST, &path), &api.token)).await;
                assert_eq!(cancelled.status, 200, "{cancelled:?}");
                id
            }
            "batchId" => {
                let made = api.submit(&api.batch_path(), &api.token, form("files", &api.project())).await;
                text(&made.body["id"])
            }
            "finishedId" => {
                let id = text(&api.upload("ours.png").await["id"]);
                self.finish_all().await;
                id
            }
            "finishedBatchId" => {
                let made = api.submit(&api.batch_path(), &api.token, form("files", &api.project())).await;
                self.finish_all().await;
                text(&made.body["id"])
            }
            "pluginName" => {
                let name = self.plugin_name();
                let form = component_form(lines_guest(&name, "1.2.0"));
                let made = api.submit("/plugins", &api.token, form).await;
                assert_eq!(made.status, 201, "{made:?}");
                name
            }
            "twiceActivatedName" => {
                let name = self.plugin_name();
                for version in ["1.2.0", "1.3.0"] {
                    api.install(lines_guest(&name, version), &api.token).await;
                }
                name
            }
            "spareProjectId" => text(&made("/projects", json!({"name": "Spare"})).await["id"]),
            "webhookId" => {
                let url = "https://93.184.215.14/";
                let body = json!({"name": "Ours", "url": url, "events": ["document.processed"]});
                text(&made("/webhooks", body).await["id"])
            }
            "deliveryId" => {
                text(&made(&format!("/webhooks/{}/test", others["webhookId"]), json!({})).await["id"])
            }
            "referenceName" => {
                let path = format!("/templates/{}/reference", others["templateId"]);
                let file = Part::text("name,vat\nAcme,GB1\n").file_name("suppliers.csv");
                let made = api.submit(&path, &api.token, Form::new().part("file", file)).await;
                text(&made.body["name"])
            }
            _ => panic!("nobody knows how to make `{name}`"),
        }
    }

    /// Gives every document that waits a result, as a worker does.
    async fn finish_all(&self) {
        let store = &self.api.base.store;
        store.dispatch(1000, 1000).await.expect("it answers");
        loop {
            let deliveries = store.claim("worker", 1, LEASE).await.expect("it answers");
            let Some(delivery) = deliveries.into_iter().next() else { return };
            let started = store.start_attempt("worker", delivery, LEASE, 3).await.expect("it answers");
            if let Start::Started(attempt) = started {
                store.complete_attempt(&attempt, &processed("TOTAL 3.50")).await.expect("it answers");
            }
        }
    }

    /// Makes a user who belongs to one organization only: the address to log in with.
    pub async fn member(&self, organization_id: &str, role: Role) -> String {
        let email = self.address();
        self.api.member(organization_id, &email, role).await;
        email
    }

    /// Brings back who left the first organization, and the organization itself where it was closed.
    pub async fn restore(&self, email: &str, role: Role) {
        let (store, organization) = (&self.api.base.store, self.api.organization());
        store.open_organization(&Actor::system(), &organization).await.expect("it answers");
        let user = store.login(email).await.expect("it answers").expect("there is a user").user;
        if store.membership(&user.id, &organization).await.expect("it answers").is_none() {
            let added = store.add_member(&Actor::system(), &organization, &user.id, role).await;
            added.expect("they have no place there");
        }
    }

    /// An address that nobody has.
    fn address(&self) -> String {
        format!("member{}@example.org", self.count.fetch_add(1, Ordering::Relaxed))
    }

    /// A name of five letters that no plugin has.
    fn plugin_name(&self) -> String {
        let mut number = self.count.fetch_add(1, Ordering::Relaxed);
        let mut name = "p".to_owned();
        for _ in 0..4 {
            name.extend(char::from_digit(10 + number % 26, 36));
            number /= 26;
        }
        name
    }

    /// Invites somebody new: the invitation's id, and the token from its mail.
    async fn invite(&self) -> (String, String) {
        let (token, one_time) = self.api.one_time_token();
        let new = NewInvitation {
            email: self.address(),
            role: Role::Viewer,
            invited_by: None,
            token_hash: one_time.token_hash,
            expires_at: one_time.expires_at,
        };
        let organization = self.api.organization();
        let made = self.api.base.store.create_invitation(&Actor::system(), &organization, new).await;
        (made.expect("it answers").expect("they are no member").id, token)
    }

    /// Logs a user in: an access token.
    pub async fn login(&self, email: &str) -> String {
        text(&self.log_in(email).await["accessToken"])
    }

    async fn log_in(&self, email: &str) -> Value {
        let login = self.api.post("/auth/login", "", &json!({"email": email, "password": PASSWORD})).await;
        assert_eq!(login.status, 200, "{login:?}");
        login.body
    }

    /// An API token with every scope that has expired.
    pub async fn expired_token(&self) -> String {
        let now = self.api.base.clock.clock().now();
        let past = |token: &mut ocriva::domain::token::NewApiToken| token.expires_at = Timestamp(now.0 - 1);
        self.api.token_like(&self.api.organization(), past).await
    }

    /// A token with every scope that is bound to another project of the first organization.
    pub async fn other_projects_token(&self) -> String {
        let made = self.api.post("/projects", &self.api.token, &json!({"name": "Beside"})).await;
        let project = text(&made.body["id"]);
        self.api.token_with(&self.api.organization(), Some(&project), TokenScope::ALL).await
    }

    /// What nobody outside the first organization's first project may read in an answer.
    pub fn secrets(&self) -> [String; 1] {
        [self.api.project()]
    }

    /// All that the first organization can see of its own.
    pub async fn state(&self) -> Value {
        let project = self.api.project();
        let mut state = Vec::new();
        for path in [
            "/projects".to_owned(),
            format!("/templates?projectId={project}"),
            format!("/processing-history?projectId={project}"),
            format!("/batch?projectId={project}"),
        ] {
            state.push(self.api.get(&path, &self.api.token).await.body);
        }
        Value::Array(state)
    }
}

/// The path that a row calls, with the names of things in braces.
fn path(operation: &Operation, row: &Row) -> String {
    let prefix = operation.path.strip_prefix("/v1/openapi").map_or("", |_| "/v1/openapi");
    if let Some(call) = row.call {
        return format!("{prefix}{call}");
    }
    let thing = match operation.path.trim_start_matches(prefix) {
        path if path.starts_with("/batch/") => "{batchId}",
        path if path.starts_with("/webhooks/") => "{webhookId}",
        _ => "{documentId}",
    };
    operation.path.replace("{id}", thing)
}

/// The things that a row's request names.
fn names(operation: &Operation, row: &Row) -> Vec<String> {
    let body = match row.content {
        Content::Nothing | Content::Component(..) => "",
        Content::Json(body) => body,
        Content::Form(_) => "{projectId}",
        Content::TextFile(_, (_, value)) => value,
    };
    let text = path(operation, row) + body;
    THING.captures_iter(&text).map(|found| found[1].to_owned()).collect()
}

/// A form that both faces take.
fn form(file_field: &'static str, project_id: &str) -> Form {
    Form::new()
        .part(file_field, Part::bytes(png()).file_name("ours.png"))
        .text("fileName", "ours.png")
        .text("fileType", "image")
        .text("fileSize", png().len().to_string())
        .text("mimeType", "image/png")
        .text("projectId", project_id.to_owned())
}
