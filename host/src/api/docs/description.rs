//! What all operations have in common and no handler repeats, put into the API's description by rule: who may call them,
//! which errors they answer, the headers of every request and answer.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use serde_json::{Map, Value, json};
use utoipa::openapi::OpenApi;

use super::schemas;
use crate::api::access::{Face, roles_with};
use crate::api::error::{Code, ErrorResponse};
use crate::domain::token::TokenScope;

type Object = Map<String, Value>;

const ABOUT: &str = "Self-hosted document extraction. Every answer outside 2xx has the shape of `ErrorResponse`. \
    Paths without a prefix are the platform API, those under `/v1/openapi` the Open API: the same resources, with \
    other credentials and defaults.";

const BEARER: &str = "A user's access token (platform API), an API token (`ocr_…`), or an access token made from one \
    (Open API).";

const ROLE_IN_PROJECT: &str = "In a project the role counts that the user has there.";

const OPERATOR: &str = "The token of the server's setting `operator.token`.";

const API_KEY: &str = "An API token (`ocr_…`).";

const TAGS: &[(&str, &str)] = &[
    ("auth", "Log-in, access tokens, and who one is."),
    ("account", "One's own account: sign-up, address and password."),
    ("organizations", "Who has projects, members and tokens."),
    ("members", "Who belongs to an organization, and invitations to it."),
    ("tokens", "API tokens for programs."),
    ("projects", "What documents, templates and batches belong to."),
    ("templates", "What to read from a kind of document."),
    ("uploads", "One document at a time."),
    ("batches", "Several documents at once."),
    ("processing history", "Documents on their way through processing, and their results."),
    ("files", "The documents as they were uploaded."),
    ("plugins", "The extractors that templates can name."),
    ("webhooks", "Who is told of what happens."),
    ("usage", "What an organization has used, and what its plan allows."),
    ("credits", "What processing costs, and what is left."),
    ("audit", "Who did what."),
    ("operator", "For whoever runs the installation."),
    ("health", "Whether the server is alive and can work."),
    ("description", "This description."),
];

/// The whole description, of what the routes say about themselves.
pub fn completed(document: OpenApi) -> Value {
    let mut document = serde_json::json!(document);
    document["info"] = json!({"title": "Ocriva", "version": env!("CARGO_PKG_VERSION"), "description": ABOUT, "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}});
    document["servers"] = json!([{"url": "/"}]);
    document["tags"] = TAGS.iter().map(|(name, about)| json!({"name": name, "description": about})).collect();
    document["security"] = json!([{"bearer": []}, {"apiKey": []}]);
    let mut answered = BTreeSet::new();
    for (path, method, operation) in operations(&mut document) {
        complete(path, method, operation, &mut answered);
    }
    let components = &mut document["components"];
    components["securitySchemes"] = json!({
        "bearer": {"type": "http", "scheme": "bearer", "description": BEARER},
        "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": API_KEY},
        "operator": {"type": "http", "scheme": "bearer", "description": OPERATOR},
    });
    components["parameters"] = json!({"RequestId": {
        "name": "X-Request-Id",
        "in": "header",
        "required": false,
        "description": "An id of the client's for this request: up to 128 of `A-Z a-z 0-9 - _ .`. Any other is \
            replaced by a new one.",
        "schema": {"type": "string"},
    }, "IdempotencyKey": {
        "name": "Idempotency-Key",
        "in": "header",
        "required": false,
        "description": "A request that is sent again with the same key, because its answer got lost, is not done \
            again: for 24 hours it gets the first answer. Keys belong to the credential that sends them; a request \
            that was refused frees its key.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    }});
    components["headers"] = headers();
    let errors = answered.into_iter().filter_map(|status| StatusCode::from_u16(status).ok());
    components["responses"] =
        errors.map(|status| (name(status), error_response(status))).collect::<Object>().into();
    schemas::refine(&mut document);
    document
}

/// Every operation with its path and method.
pub fn operations(document: &mut Value) -> impl Iterator<Item = (&str, &str, &mut Object)> {
    let paths = document["paths"].as_object_mut().into_iter().flatten();
    paths.flat_map(|(path, item)| {
        item.as_object_mut().into_iter().flatten().filter_map(|(method, operation)| {
            operation.as_object_mut().map(|operation| (path.as_str(), method.as_str(), operation))
        })
    })
}

fn complete(path: &str, method: &str, operation: &mut Object, answered: &mut BTreeSet<u16>) {
    if path.starts_with(Face::OpenApi.prefix())
        && let Some(Value::String(id)) = operation.get_mut("operationId")
    {
        id.insert_str(0, "open_api_");
    }
    // The macro writes `security(())` as one empty alternative.
    if operation.get("security").is_some_and(|security| *security == json!([{}])) {
        operation.insert("security".to_owned(), json!([]));
    }
    let is_open = operation.get("security").is_some_and(|security| *security == json!([]));
    describe(path, is_open, operation);

    let body = operation.get("requestBody").and_then(|body| body["content"].as_object());
    let is_form = body.is_some_and(|content| content.contains_key("multipart/form-data"));
    let takes_body = body.is_some();
    let mut statuses = BTreeSet::from([408, 500, 503]);
    let mut may = |condition: bool, more: &[u16]| {
        if condition {
            statuses.extend(more);
        }
    };
    may(!is_open, &[401, 403]);
    may(!is_open && !is_for_operator(operation), &[429]);
    // Files that come with a template are not kept as documents.
    may((is_form && !path.contains("/templates")) || path.ends_with("/reprocess"), &[402]);
    // Of forms only uploads are read once for each key.
    let is_keyed = method == "post" && !is_open && (!is_form || path.contains("/upload"));
    may(takes_body || is_keyed || operation.contains_key("parameters"), &[400]);
    may(path.contains('{'), &[404]);
    may(!is_open && method != "get", &[409]);
    may(takes_body, &[413]);
    may(is_form, &[404, 415]);

    let parameters = operation.entry("parameters").or_insert_with(|| json!([]));
    if let Some(parameters) = parameters.as_array_mut() {
        parameters.push(json!({"$ref": "#/components/parameters/RequestId"}));
        if is_keyed {
            parameters.push(json!({"$ref": "#/components/parameters/IdempotencyKey"}));
        }
    }
    if statuses.contains(&429) {
        let responses = operation.get_mut("responses").and_then(Value::as_object_mut);
        for response in responses.into_iter().flat_map(Object::values_mut) {
            tell_rate(&mut response["headers"]);
        }
    }
    answers(operation, statuses, answered);
    for (status, response) in
        operation.get_mut("responses").and_then(Value::as_object_mut).into_iter().flatten()
    {
        if let Some(stream) = response.pointer_mut("/content/text~1event-stream/schema") {
            *stream = event_frame(stream.take(), path);
        }
        if is_keyed && status.starts_with('2') {
            response["headers"]["Idempotency-Replayed"] =
                json!({"$ref": "#/components/headers/IdempotencyReplayed"});
        }
    }
}

/// An event of a stream: its data is JSON of the schema that the handler names, in a batch's stream also of a document.
fn event_frame(data: Value, path: &str) -> Value {
    let content = match path.contains("/batch/") {
        true => json!({"anyOf": [data, {"$ref": "#/components/schemas/DocumentEvent"}]}),
        false => data,
    };
    json!({
        "type": "object",
        "required": ["id", "event", "data"],
        "properties": {
            "id": {"type": "string", "description": "What to send as `Last-Event-ID`."},
            "event": {"type": "string", "description": "What happened."},
            "data": {"type": "string", "contentMediaType": "application/json", "contentSchema": content},
        },
    })
}

fn is_for_operator(operation: &Object) -> bool {
    operation.get("security").is_some_and(|security| !security[0]["operator"].is_null())
}

/// Adds the headers that tell where a credential stands with its rate; plans without one leave them out.
fn tell_rate(headers: &mut Value) {
    for name in ["Limit", "Remaining", "Reset"] {
        headers[format!("RateLimit-{name}")] = json!({"$ref": format!("#/components/headers/Rate{name}")});
    }
}

/// Makes a summary of the first sentence, and a description of the rest and of who may call.
fn describe(path: &str, is_open: bool, operation: &mut Object) {
    let said = |key: &str| operation.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let text = [said("summary"), said("description")].join("\n\n");
    let text = text.trim();
    let (summary, rest) = match text.split_once(". ").or_else(|| text.split_once(".\n")) {
        Some((summary, rest)) => (summary, rest.trim()),
        None => (text.trim_end_matches('.'), ""),
    };
    let mut paragraphs = Vec::new();
    if !rest.is_empty() {
        paragraphs.push(rest.to_owned());
    }
    let scope = operation.get("security").and_then(|security| security[0]["bearer"][0].as_str());
    paragraphs.push(match scope.and_then(TokenScope::parse) {
        _ if is_open => "Needs no credential.".to_owned(),
        _ if is_for_operator(operation) => "Needs the operator's token.".to_owned(),
        None => "Needs a credential, whatever its scopes or role.".to_owned(),
        Some(scope) if path.starts_with(Face::OpenApi.prefix()) => {
            format!("Needs a token with the scope `{scope}`.")
        }
        Some(scope) => {
            let roles: Vec<String> = roles_with(scope).map(|role| format!("`{role}`")).collect();
            let roles = roles.join(", ");
            let needed = format!("Needs a token with the scope `{scope}`, or a user with the role {roles}.");
            match scope {
                TokenScope::DocumentsRead
                | TokenScope::DocumentsWrite
                | TokenScope::TemplatesRead
                | TokenScope::TemplatesWrite => format!("{needed} {ROLE_IN_PROJECT}"),
                TokenScope::PluginsRead
                | TokenScope::PluginsWrite
                | TokenScope::WebhooksManage
                | TokenScope::TokensManage
                | TokenScope::OrganizationManage => needed,
            }
        }
    });
    let (summary, description) = (summary.to_owned(), paragraphs.join("\n\n"));
    operation.insert("summary".to_owned(), summary.into());
    operation.insert("description".to_owned(), description.into());
}

/// Completes the answers that the handler names, and adds the errors of `statuses`.
fn answers(operation: &mut Object, mut statuses: BTreeSet<u16>, answered: &mut BTreeSet<u16>) {
    let responses = operation.entry("responses").or_insert_with(|| json!({}));
    let Some(responses) = responses.as_object_mut() else { return };
    let mut errors = Object::new();
    let mut successes = Object::new();
    for (status, mut response) in std::mem::take(responses) {
        match status.parse::<u16>() {
            Ok(error) if error >= 400 => {
                statuses.insert(error);
                errors.insert(status, response["description"].take());
            }
            _ => {
                if response["description"].as_str().is_none_or(str::is_empty) {
                    response["description"] = if status == "201" { "Made." } else { "Done." }.into();
                }
                response["headers"]["X-Request-Id"] = json!({"$ref": "#/components/headers/RequestId"});
                successes.insert(status, response);
            }
        }
    }
    responses.append(&mut successes);
    for status in statuses {
        let Ok(code) = StatusCode::from_u16(status) else { continue };
        let mut response = json!({"$ref": format!("#/components/responses/{}", name(code))});
        if let Some(Value::String(about)) = errors.remove(code.as_str())
            && !about.is_empty()
        {
            response["description"] = about.into();
        }
        responses.insert(status.to_string(), response);
        answered.insert(status);
    }
}

/// The name of an error's response: its reason phrase in one word.
fn name(status: StatusCode) -> String {
    let reason = status.canonical_reason().unwrap_or_else(|| status.as_str());
    reason.split_whitespace().collect()
}

/// An error's response, with every public code that has this status.
fn error_response(status: StatusCode) -> Value {
    let codes = || Code::ALL.iter().copied().filter(|code| code.status() == status);
    let examples: Object = codes()
        .map(|code| {
            let value = json!(ErrorResponse::example(code));
            (code.word().to_owned(), json!({"summary": code.meaning(), "value": value}))
        })
        .collect();
    let lines: Vec<String> = codes().map(|code| format!("- `{}`: {}", code.word(), code.meaning())).collect();
    let mut headers = json!({"X-Request-Id": {"$ref": "#/components/headers/RequestId"}});
    match status {
        StatusCode::UNAUTHORIZED => {
            headers["WWW-Authenticate"] = json!({"$ref": "#/components/headers/Authenticate"});
        }
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
            headers["Retry-After"] = json!({"$ref": "#/components/headers/RetryAfter"});
        }
        _ => {}
    }
    if status == StatusCode::TOO_MANY_REQUESTS {
        tell_rate(&mut headers);
    }
    json!({
        "description": lines.join("\n"),
        "headers": headers,
        "content": {"application/json": {
            "schema": {"$ref": "#/components/schemas/ErrorResponse"},
            "examples": examples,
        }},
    })
}

fn headers() -> Value {
    json!({
        "RequestId": {
            "description": "The client's id of the request, or a new one; also in the server's log.",
            "required": true,
            "schema": {"type": "string"},
        },
        "IdempotencyReplayed": {
            "description": "Where an earlier request with the same `Idempotency-Key` got this answer.",
            "required": false,
            "schema": {"type": "string", "const": "true"},
        },
        "RetryAfter": {
            "description": "Seconds after which another try makes sense.",
            "required": true,
            "schema": {"type": "integer", "minimum": 0},
        },
        "RateLimit": {
            "description": "Requests per minute of the rate that is nearest to its limit: the credential's or the \
                organization's. Left out where the plan has none.",
            "schema": {"type": "integer", "minimum": 1},
        },
        "RateRemaining": {
            "description": "How many of them are left.",
            "schema": {"type": "integer", "minimum": 0},
        },
        "RateReset": {
            "description": "Seconds until all of them are.",
            "schema": {"type": "integer", "minimum": 0},
        },
        "Authenticate": {
            "description": "The kind of credential that is wanted.",
            "required": true,
            "schema": {"type": "string", "const": "Bearer"},
        },
    })
}
