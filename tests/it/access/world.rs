//! The things that operations work on, made when a request needs them, and the requests.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use ocriva::domain::account::NewAccount;
use ocriva::domain::audit::Actor;
use ocriva::domain::invitation::NewInvitation;
use ocriva::domain::organization::Role;
use ocriva::domain::project_member::{Named, ProjectRole};
use ocriva::domain::timestamp::Timestamp;
use ocriva::domain::token::TokenScope;
use ocriva::store::{Place, Start};
use regex::Regex;
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use support::api::{Answer, PASSWORD, TestApi, answer, bearer, component_form, png, text};
use support::contract::Operation;
use support::lines_guest;
use support::store::{LEASE, processed};
use tokio::sync::Mutex;

use super::Kind;
use super::rows::{Content, Row};

/// A name in braces: a thing that is made.
static THING: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\{([a-z][A-Za-z]*)\}").expect("it is a pattern"));

/// A word in the names of all that is in the first project.
const MARK: &str = "quagga";

/// Name of the files in it.
const FILE: &str = "quagga.png";

/// What everybody in the organization may read, whatever their project.
const OF_ALL: [&str; 4] = ["password", "organizationId", "pluginName", "twiceActivatedName"];

/// A server and what the first organization has on it. The first project is open to its members only.
pub struct World<'a> {
    /// The server.
    pub api: &'a TestApi,
    made: Mutex<HashMap<String, String>>,
    count: AtomicU32,
}

/// A user and the place that they have.
pub struct Person {
    /// To log in with.
    pub email: String,
    id: String,
    organization_id: String,
    role: Role,
    /// The role in the first project.
    given: Option<ProjectRole>,
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
        let closed = json!({"name": format!("The {MARK} project"), "access": "members"});
        let changed = api.patch(&format!("/projects/{}", api.project()), &api.token, &closed).await;
        assert_eq!(changed.status, 200, "{changed:?}");
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
            "email" => self.colleague().await.email,
            "refreshToken" => text(&self.log_in(&self.colleague().await.email).await["refreshToken"]),
            "apiToken" => api.token.clone(),
            "newEmail" => self.address(),
            "userId" => self.colleague().await.id,
            "projectMemberId" => {
                self.person(&api.organization(), Role::Viewer, Some(ProjectRole::Viewer)).await.id
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
                let email = self.colleague().await.email;
                let (token, new) = api.one_time_token();
                let begun = api.base.store.begin_password_reset(&email, new).await;
                begun.expect("it answers").expect("there is a user");
                token
            }
            "invitationToken" => self.invite().await.1,
            "invitationId" => self.invite().await.0,
            "tokenId" => {
                let scopes = ["tokens:manage"];
                text(
                    &made("/tokens", json!({"name": MARK, "type": "organization", "scopes": scopes})).await["id"],
                )
            }
            "templateId" => {
                let schema = json!({"total": {"type": "number"}});
                let body = json!({"name": MARK, "projectId": api.project(), "templateSchema": schema});
                text(&made("/templates", body).await["id"])
            }
            "documentId" => text(&api.upload(FILE).await["id"]),
            "cancelledId" => {
                let id = text(&api.upload(FILE).await["id"]);
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
                let id = text(&api.upload(FILE).await["id"]);
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
                let body = json!({"name": MARK, "url": url, "events": ["document.processed"]});
                text(&made("/webhooks", body).await["id"])
            }
            "deliveryId" => {
                text(&made(&format!("/webhooks/{}/test", others["webhookId"]), json!({})).await["id"])
            }
            "referenceName" => {
                let path = format!("/templates/{}/reference", others["templateId"]);
                let file = Part::text("name,vat\nAcme,GB1\n").file_name(format!("{MARK}.csv"));
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

    /// Makes a user who belongs to one organization only, and maybe to the first project.
    pub async fn person(&self, organization_id: &str, role: Role, given: Option<ProjectRole>) -> Person {
        let email = self.address();
        let id = self.api.member(organization_id, &email, role).await;
        let person = Person { email, id, organization_id: organization_id.to_owned(), role, given };
        self.give_place(&person).await;
        person
    }

    async fn colleague(&self) -> Person {
        self.person(&self.api.organization(), Role::Viewer, None).await
    }

    async fn give_place(&self, person: &Person) {
        let Some(role) = person.given else { return };
        let store = &self.api.base.store;
        let project = store.project(&person.organization_id, &self.api.project()).await;
        let project = project.expect("it answers").expect("there is a project");
        let who = Named::UserId(person.id.clone());
        let added = store.add_project_member(&Actor::system(), &project, &who, role).await;
        added.expect("they have no place there").expect("they are of the organization");
    }

    /// Brings back who left their organization, and the first one itself where it was closed.
    pub async fn restore(&self, person: &Person) {
        let (store, organization) = (&self.api.base.store, self.api.organization());
        store.open_organization(&Actor::system(), &organization).await.expect("it answers");
        let Person { id, organization_id, role, .. } = person;
        let place = Place { organization_id, user_id: id };
        if store.standing(place).await.expect("it answers").is_none() {
            let added = store.add_member(&Actor::system(), organization_id, id, *role).await;
            added.expect("they have no place there");
            self.give_place(person).await;
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

    /// What a caller may not read in an answer to a call, in lower case: the ids of all that was made and is not theirs,
    /// and the word that is in all names, but for what the call itself tells.
    pub async fn secrets(&self, caller: Kind, call: &Call) -> BTreeMap<String, String> {
        let is_known = |name: &str| match caller {
            Kind::Nobody | Kind::Garbage | Kind::Expired | Kind::ForeignToken | Kind::ForeignOwner => {
                name == "password"
            }
            Kind::OtherProject => OF_ALL.contains(&name),
            // The spare project is open to all.
            _ => OF_ALL.contains(&name) || name == "spareProjectId",
        };
        let made = self.made.lock().await;
        made.iter()
            .map(|(name, value)| (name.clone(), value.to_lowercase()))
            .chain([("projectId".to_owned(), self.api.project()), ("a name".to_owned(), MARK.to_owned())])
            .filter(|(name, value)| !is_known(name) && !call.tells(value))
            .collect()
    }

    /// All that the first organization can see of its own, by path: without what callers from beside do of their own
    /// there, and what changes with every look.
    pub async fn state(&self) -> BTreeMap<String, Value> {
        let (project, organization) = (self.api.project(), self.api.organization());
        let made = self.made.lock().await.clone();
        let paths = [
            format!("/organizations/{organization}"),
            format!("/organizations/{organization}/members?limit=100"),
            format!("/organizations/{organization}/invitations?limit=100"),
            "/projects".to_owned(),
            format!("/projects/{project}/members?limit=100"),
            "/tokens?limit=100".to_owned(),
            format!("/templates?projectId={project}"),
            format!("/templates/{}/versions?limit=100", made["templateId"]),
            format!("/templates/{}/reference", made["templateId"]),
            format!("/processing-history?projectId={project}&limit=100"),
            format!("/batch?projectId={project}&limit=100"),
            "/webhooks?limit=100".to_owned(),
            format!("/webhooks/{}/deliveries?limit=100", made["webhookId"]),
            "/credits".to_owned(),
            "/credits/ledger?limit=100".to_owned(),
            "/plugins".to_owned(),
            "/audit/export?format=json".to_owned(),
        ];
        let mut state = BTreeMap::new();
        for path in paths {
            let shown = self.api.get(&path, &self.api.token).await;
            let mut body = shown.body;
            let items = match &mut body {
                Value::Object(page) => page.remove("data").unwrap_or_else(|| Value::Object(page.clone())),
                other => other.take(),
            };
            let items = match items {
                Value::Array(items) => items,
                one => vec![one],
            };
            let ours = items.into_iter().filter(|item| {
                let is_of = |field: &str| item[field].as_str().is_none_or(|id| id == project);
                let is_aimed_at = |target: &str| made.values().any(|id| id == target) || target == project;
                item["target"].as_str().map_or_else(|| is_of("projectId"), is_aimed_at)
            });
            let ours = ours.map(|mut item| {
                for (of, field) in [("/tokens", "lastUsedAt"), ("/organizations", "name")] {
                    if let (true, Some(item)) = (path.starts_with(of), item.as_object_mut()) {
                        item.shift_remove(field);
                    }
                }
                item
            });
            let seen = json!({"status": shown.status.as_u16(), "items": ours.collect::<Value>()});
            state.insert(path, seen);
        }
        state
    }
}

impl Call {
    fn tells(&self, text: &str) -> bool {
        let content = match &self.content {
            Sending::Nothing | Sending::Component { .. } => String::new(),
            Sending::Json(body) => body.to_string(),
            Sending::Form { project_id, .. } => format!("{project_id} {FILE}"),
            Sending::TextFile { value, .. } => value.clone(),
        };
        self.path.contains(text) || content.contains(text)
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
        .part(file_field, Part::bytes(png()).file_name(FILE))
        .text("fileName", FILE)
        .text("fileType", "image")
        .text("fileSize", png().len().to_string())
        .text("mimeType", "image/png")
        .text("projectId", project_id.to_owned())
}
