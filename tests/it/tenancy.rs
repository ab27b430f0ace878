//! Every operation of the API's description, by callers who may not do it: without a credential, from another
//! organization, with a role or a token that is not enough. A new operation fails here until it has a row.

use std::collections::BTreeSet;

use ocriva::domain::organization::Role;
use ocriva::domain::token::TokenScope;
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use support::api::{Answer, TestApi, answer, bearer, png, text};
use support::over_http;

over_http!(no_operation_is_open_to_those_who_may_not);

/// What another organization's token gets.
#[derive(Debug, Clone, Copy)]
enum Foreign {
    /// 404 with this code.
    Unknown(&'static str),
    /// 401: the operation names a project.
    OutOfReach,
    /// Its own data, which is none of ours.
    OwnOnly,
}

/// What an operation wants of its caller.
struct Row {
    operation: &'static str,
    /// `None` for an operation that is open to all.
    scope: Option<Option<TokenScope>>,
    foreign: Foreign,
}

const fn open(operation: &'static str) -> Row {
    Row { operation, scope: None, foreign: Foreign::OwnOnly }
}

const fn any(operation: &'static str, foreign: Foreign) -> Row {
    Row { operation, scope: Some(None), foreign }
}

const fn needs(operation: &'static str, scope: TokenScope, foreign: Foreign) -> Row {
    Row { operation, scope: Some(Some(scope)), foreign }
}

/// Operations of one face; `GET /templates` stands for `GET /v1/openapi/templates` too where both have it.
const ROWS: &[Row] = {
    use Foreign::{OutOfReach, OwnOnly, Unknown};
    use TokenScope::{
        DocumentsRead, DocumentsWrite, OrganizationManage, PluginsRead, TemplatesRead, TemplatesWrite,
    };
    &[
        open("GET /health/live"),
        open("GET /health/ready"),
        open("POST /auth/login"),
        open("POST /auth/refresh"),
        open("POST /auth/logout"),
        any("GET /auth/me", OwnOnly),
        any("GET /projects", OwnOnly),
        needs("POST /projects", OrganizationManage, OwnOnly),
        any("GET /projects/{projectId}", Unknown("project.unknown")),
        needs("PATCH /projects/{projectId}", OrganizationManage, Unknown("project.unknown")),
        needs("GET /templates", TemplatesRead, OutOfReach),
        needs("POST /templates", TemplatesWrite, OutOfReach),
        needs("GET /templates/{templateId}", TemplatesRead, Unknown("template.unknown")),
        needs("PATCH /templates/{templateId}", TemplatesWrite, Unknown("template.unknown")),
        needs("DELETE /templates/{templateId}", TemplatesWrite, Unknown("template.unknown")),
        needs("POST /upload/{organizationId}/file", DocumentsWrite, Unknown("organization.unknown")),
        needs("POST /batch/{organizationId}/upload", DocumentsWrite, Unknown("organization.unknown")),
        needs("POST /upload", DocumentsWrite, OutOfReach),
        needs("POST /batch/upload", DocumentsWrite, OutOfReach),
        needs("GET /batch", DocumentsRead, OutOfReach),
        needs("GET /batch/{id}", DocumentsRead, Unknown("batch.unknown")),
        needs("GET /batch/{id}/events", DocumentsRead, Unknown("batch.unknown")),
        needs("DELETE /batch/{id}", DocumentsWrite, Unknown("batch.unknown")),
        needs("POST /batch/{id}/cancel", DocumentsWrite, Unknown("batch.unknown")),
        needs("POST /batch/{id}/reprocess", DocumentsWrite, Unknown("batch.unknown")),
        needs("GET /processing-history", DocumentsRead, OutOfReach),
        needs("GET /processing-history/{id}", DocumentsRead, Unknown("document.unknown")),
        needs("DELETE /processing-history/{id}", DocumentsWrite, Unknown("document.unknown")),
        needs("POST /processing-history/{id}/cancel", DocumentsWrite, Unknown("document.unknown")),
        needs("POST /processing-history/{id}/reprocess", DocumentsWrite, Unknown("document.unknown")),
        needs("GET /processing-history/stats", DocumentsRead, OutOfReach),
        needs("GET /processing-history/{id}/events", DocumentsRead, Unknown("document.unknown")),
        needs("GET /processing-history/{id}/pages/{page}", DocumentsRead, Unknown("document.unknown")),
        needs("GET /files/{id}", DocumentsRead, Unknown("file.unknown")),
        needs("GET /plugins", PluginsRead, OwnOnly),
    ]
};

/// Something of each kind that the first organization owns.
struct Owned {
    template: String,
    document: String,
    batch: String,
}

/// An operation as the description has it.
struct Operation {
    method: Method,
    path: String,
}

impl Operation {
    fn row(&self) -> &'static Row {
        let path = self.path.strip_prefix("/v1/openapi").unwrap_or(&self.path);
        let operation = format!("{} {path}", self.method);
        let row = ROWS.iter().find(|row| row.operation == operation);
        row.unwrap_or_else(|| panic!("`{operation}` has no row in this test"))
    }

    async fn send(&self, api: &TestApi, owned: &Owned, credential: &str) -> Answer {
        let thing = if self.path.contains("/batch/") { &owned.batch } else { &owned.document };
        let mut path = self
            .path
            .replace("{organizationId}", &api.organization())
            .replace("{projectId}", &api.project())
            .replace("{templateId}", &owned.template)
            .replace("{page}", "1.png")
            .replace("{id}", thing);
        if self.method == Method::GET && !self.path.contains('{') {
            path = format!("{path}?projectId={}", api.project());
        }
        let request = bearer(api.request(self.method.clone(), &path), credential);
        let request = if path.ends_with("/file") || path.ends_with("/upload") {
            request.multipart(form(api, if path.contains("/batch/") { "files" } else { "file" }))
        } else if self.method == Method::POST || self.method == Method::PATCH {
            request.json(&json!({"name": "New", "projectId": api.project(), "templateSchema": {"a": {}}}))
        } else {
            request
        };
        answer(request).await
    }
}

fn form(api: &TestApi, file_field: &'static str) -> Form {
    let form = api.upload_texts("a.png").part(file_field, Part::bytes(png()).file_name("a.png"));
    form.text("fileSize", png().len().to_string()).text("mimeType", "image/png")
}

fn operations(description: &Value) -> Vec<Operation> {
    let mut operations = Vec::new();
    for (path, item) in description["paths"].as_object().expect("there are paths") {
        for method in item.as_object().expect("a path has operations").keys() {
            if let Ok(method) = method.to_uppercase().parse() {
                operations.push(Operation { method, path: path.clone() });
            }
        }
    }
    operations
}

async fn owned(api: &TestApi) -> Owned {
    let schema = json!({"total": {"type": "number"}});
    let body = json!({"name": "Ours", "projectId": api.project(), "templateSchema": schema});
    let template = api.post("/templates", &api.token, &body).await.body;
    let document = api.upload("ours.png").await;
    let form =
        Form::new().text("projectId", api.project()).part("files", Part::bytes(png()).file_name("ours.png"));
    let batch = api.submit(&api.batch_path(), &api.token, form).await.body;
    Owned { template: text(&template["id"]), document: text(&document["id"]), batch: text(&batch["id"]) }
}

async fn no_operation_is_open_to_those_who_may_not(api: TestApi) {
    let owned = owned(&api).await;
    let before = state(&api, &owned).await;
    let (_, foreign) = api.foreign_token().await;
    let viewer = api.access_token(Role::Viewer).await;
    let operations = operations(&api.get("/openapi.json", "").await.body);
    for operation in &operations {
        let row = operation.row();
        let Some(scope) = row.scope else { continue };
        let told = format!("{} {}", operation.method, operation.path);
        let is_open_api = operation.path.starts_with("/v1/openapi");

        let nobody = operation.send(&api, &owned, "").await;
        assert_eq!(nobody.body["code"], "auth.credential_missing", "{told}: {nobody:#?}");

        let stranger = operation.send(&api, &owned, &foreign).await;
        match row.foreign {
            Foreign::Unknown(code) => stranger.assert_error(404, code),
            Foreign::OutOfReach => stranger.assert_error(401, "auth.project_out_of_reach"),
            Foreign::OwnOnly => {
                let body = stranger.body.to_string();
                assert!(stranger.status.is_success(), "{told}: {stranger:#?}");
                assert!(
                    !body.contains(&api.organization()) && !body.contains(&api.project()),
                    "{told}: {body}"
                );
            }
        }

        let seen = operation.send(&api, &owned, &viewer).await;
        let is_read = operation.method == Method::GET;
        match (is_open_api, is_read) {
            (true, _) => seen.assert_error(401, "auth.credential_invalid"),
            (false, true) => assert_eq!(seen.status, 200, "{told}"),
            (false, false) => seen.assert_error(403, "auth.role_insufficient"),
        }

        if let Some(scope) = scope {
            let others: Vec<TokenScope> =
                TokenScope::ALL.iter().copied().filter(|other| *other != scope).collect();
            let limited = api.token_with(&api.organization(), None, &others).await;
            operation.send(&api, &owned, &limited).await.assert_error(403, "auth.scope_missing");
        }
    }
    let swept: BTreeSet<&str> = operations.iter().map(|operation| operation.row().operation).collect();
    assert_eq!(swept.len(), ROWS.len(), "a row names no operation");
    assert_eq!(state(&api, &owned).await, before);
}

/// All that the first organization can see of its own.
async fn state(api: &TestApi, owned: &Owned) -> Value {
    let project = api.project();
    let mut state = Vec::new();
    for path in [
        "/projects".to_owned(),
        format!("/templates?projectId={project}"),
        format!("/processing-history?projectId={project}"),
        format!("/batch?projectId={project}"),
        format!("/processing-history/{}", owned.document),
    ] {
        state.push(api.get(&path, &api.token).await.body);
    }
    Value::Array(state)
}
