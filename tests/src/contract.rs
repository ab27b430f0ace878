//! Compares requests and answers with the API's description: whatever a test sends or receives has to be described.
//!
//! Of answers everything is compared: operation, status, media type, body and that it has no property that the
//! description lacks. Of requests what was sent is compared where the server took it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, LazyLock, Mutex};

use axum::extract::{FromRequest as _, Multipart};
use jsonschema::Validator;
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap};
use reqwest::{Body, Method, Request, StatusCode};
use serde_json::{Map, Value, json};

/// Longest form that is looked at.
const MAX_FORM_BYTES: usize = 1024 * 1024;

/// The description that `/openapi.json` answers with the default settings.
pub static DESCRIPTION: LazyLock<Description> = LazyLock::new(|| Description::new(ocriva::api::openapi()));

/// What was sent, as far as it can be compared.
pub struct Sent {
    method: Method,
    path: String,
    query: BTreeMap<String, String>,
    body: Option<(String, Value)>,
}

/// An operation: the method in capital letters and the path as the description has it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Operation {
    /// The method.
    pub method: Method,
    /// The path with its parameters in braces.
    pub path: String,
}

/// The description with what its schemas are compiled to.
pub struct Description {
    /// The document.
    pub document: Value,
    /// The same, with answers closed to further properties.
    closed: Value,
    validators: Mutex<HashMap<(bool, String), Arc<Validator>>>,
}

impl Operation {
    /// Where the description has it.
    pub fn pointer(&self) -> String {
        let path = self.path.replace('~', "~0").replace('/', "~1");
        format!("/paths/{path}/{}", self.method.as_str().to_lowercase())
    }
}

impl Sent {
    /// Reads what a request is going to send. A form is taken out, read and put back.
    pub async fn of(request: &mut Request) -> Self {
        let declared = header(request.headers(), &CONTENT_TYPE);
        let body = match media_type(&declared) {
            "application/json" => {
                let bytes = request.body().and_then(Body::as_bytes);
                bytes.and_then(|bytes| serde_json::from_slice(bytes).ok())
            }
            "multipart/form-data" => form(request, &declared).await,
            _ => None,
        };
        let body = body.map(|body| (media_type(&declared).to_owned(), body));
        let query = request.url().query_pairs().into_owned().collect();
        Self { method: request.method().clone(), path: request.url().path().to_owned(), query, body }
    }

    /// Compares the request and its answer with the description.
    ///
    /// # Panics
    /// Where they differ.
    pub fn compare(&self, status: StatusCode, headers: &HeaderMap, body: &[u8]) {
        let problems = DESCRIPTION.problems(self, status, headers, body);
        assert!(
            problems.is_empty(),
            "{} {} answered {status} and differs from the API's description:\n  {}\n{}",
            self.method,
            self.path,
            problems.join("\n  "),
            String::from_utf8_lossy(body.get(..2000).unwrap_or(body)),
        );
    }
}

impl Description {
    fn new(document: Value) -> Self {
        let mut closed = document.clone();
        let mut open = BTreeSet::new();
        find_composed(&closed, &mut open);
        for (name, schema) in closed["components"]["schemas"].as_object_mut().into_iter().flatten() {
            if !open.contains(name) {
                close(schema);
            }
        }
        Self { document, closed, validators: Mutex::default() }
    }

    /// Every operation.
    pub fn operations(&self) -> Vec<Operation> {
        let mut operations = Vec::new();
        for (path, item) in self.document["paths"].as_object().expect("there are paths") {
            for method in item.as_object().expect("a path has operations").keys() {
                let method = method.to_uppercase().parse().expect("it is a method");
                operations.push(Operation { method, path: path.clone() });
            }
        }
        operations
    }

    /// What an operation says about itself.
    pub fn operation(&self, operation: &Operation) -> &Value {
        &self.document["paths"][&operation.path][operation.method.as_str().to_lowercase()]
    }

    /// The value that a reference stands for, or the value itself.
    pub fn resolved<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value["$ref"].as_str().and_then(|to| self.document.pointer(to.trim_start_matches('#'))) {
            Some(target) => target,
            None => value,
        }
    }

    /// What is wrong with a value by a schema of the document, which lies at this pointer.
    pub fn violations(&self, pointer: &str, value: &Value) -> Vec<String> {
        self.violations_in(&self.document, false, pointer, value)
    }

    fn violations_in(&self, document: &Value, closed: bool, pointer: &str, value: &Value) -> Vec<String> {
        let key = (closed, pointer.to_owned());
        let known = self.validators.lock().expect("no test panics in here").get(&key).cloned();
        let validator = known.unwrap_or_else(|| {
            let schema = json!({
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                // Braces may not stand in a URI.
                "$ref": format!("#{}", pointer.replace('{', "%7B").replace('}', "%7D")),
                "components": document["components"],
                "paths": document["paths"],
            });
            let made = jsonschema::options().should_validate_formats(true).build(&schema);
            let made = Arc::new(made.unwrap_or_else(|error| panic!("{pointer} is no schema: {error}")));
            self.validators.lock().expect("no test panics in here").insert(key, Arc::clone(&made));
            made
        });
        let told =
            |error: jsonschema::ValidationError<'_>| format!("at `{}`: {error}", error.instance_path());
        validator.iter_errors(value).map(told).collect()
    }

    /// The operation that a request is for: of several paths that fit, the one with most words of its own decides.
    fn find(&self, method: &Method, path: &str) -> Option<Operation> {
        let method = if *method == Method::HEAD { Method::GET } else { method.clone() };
        let fitting = || self.operations().into_iter().filter(|known| fits(&known.path, path));
        let template = fitting().min_by_key(|known| known.path.matches('{').count())?.path;
        fitting().find(|known| known.path == template && known.method == method)
    }

    fn problems(&self, sent: &Sent, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Vec<String> {
        let mut problems = Vec::new();
        if !headers.contains_key("x-request-id") {
            problems.push("the answer has no `X-Request-Id`".to_owned());
        }
        let Some(operation) = self.find(&sent.method, &sent.path) else {
            // The page's own files are no operations.
            if status.is_success() && !sent.path.starts_with("/docs/") {
                problems.push("there is no such operation".to_owned());
            }
            return problems;
        };
        let of = operation.pointer();
        let described = self.operation(&operation);
        let response = &described["responses"][status.as_str()];
        if response.is_null() {
            problems.push(format!(
                "`{} {}` does not describe the status {status}: name it in its `#[utoipa::path]`, as \
                 `(status = {}, description = \"…\")`, or in the rules of `api/docs/description.rs`",
                operation.method,
                operation.path,
                status.as_u16()
            ));
            return problems;
        }
        let at = match response["$ref"].as_str() {
            Some(to) => to.trim_start_matches('#').to_owned(),
            None => format!("{of}/responses/{}", status.as_str()),
        };
        let response = self.resolved(response);
        for (name, _) in response["headers"].as_object().into_iter().flatten() {
            let header = self.resolved(&response["headers"][name]);
            if header["required"] == true && !headers.contains_key(name.as_str()) {
                problems.push(format!("the answer has no `{name}`"));
            }
        }
        if sent.method != Method::HEAD {
            problems.extend(self.body_problems(response, &at, headers, body));
        }
        if status.is_success() {
            problems.extend(self.request_problems(sent, described, &of));
        }
        problems
    }

    fn body_problems(&self, response: &Value, at: &str, headers: &HeaderMap, body: &[u8]) -> Vec<String> {
        let Some(content) = response["content"].as_object() else {
            let has_body = !body.is_empty();
            return has_body
                .then(|| "the answer has a body, none is described".to_owned())
                .into_iter()
                .collect();
        };
        let declared = header(headers, &CONTENT_TYPE);
        let media = media_type(&declared);
        let Some(described) = content.keys().find(|known| is_among(media, known)) else {
            let known: Vec<&str> = content.keys().map(String::as_str).collect();
            return vec![format!("the answer is `{media}`, described is {}", known.join(", "))];
        };
        if media != "application/json" {
            return Vec::new();
        }
        let Ok(value) = serde_json::from_slice::<Value>(body) else {
            return vec!["the answer is not the JSON it says it is".to_owned()];
        };
        let pointer = format!("{at}/content/{}/schema", described.replace('/', "~1"));
        self.violations_in(&self.closed, true, &pointer, &value)
    }

    fn request_problems(&self, sent: &Sent, described: &Value, of: &str) -> Vec<String> {
        let mut problems = Vec::new();
        let parameters: Vec<&Value> =
            described["parameters"].as_array().into_iter().flatten().map(|one| self.resolved(one)).collect();
        for name in sent.query.keys() {
            if !parameters.iter().any(|known| known["in"] == "query" && known["name"] == name.as_str()) {
                problems.push(format!("the query parameter `{name}` is not described"));
            }
        }
        if let Some((media, body)) = &sent.body
            && !described["requestBody"].is_null()
        {
            let content = &described["requestBody"]["content"];
            if content[media].is_null() {
                problems.push(format!("a request of `{media}` is not described"));
            } else {
                let pointer = format!("{of}/requestBody/content/{}/schema", media.replace('/', "~1"));
                let found = self.violations(&pointer, body);
                problems.extend(found.into_iter().map(|problem| format!("the request: {problem}")));
            }
        }
        problems
    }
}

/// The parts of a form as an object: texts as they are, files as empty texts; several of one name as a list.
async fn form(request: &mut Request, content_type: &str) -> Option<Value> {
    let length: usize = header(request.headers(), &CONTENT_LENGTH).parse().ok()?;
    if length > MAX_FORM_BYTES {
        return None;
    }
    let body = request.body_mut().take()?;
    let bytes = axum::body::to_bytes(axum::body::Body::new(body), MAX_FORM_BYTES).await.expect("it is there");
    *request.body_mut() = Some(Body::from(bytes.clone()));
    let copy = axum::http::Request::post("/").header(CONTENT_TYPE, content_type);
    let copy = copy.body(axum::body::Body::from(bytes)).expect("a request can be made");
    let mut parts = Multipart::from_request(copy, &()).await.ok()?;
    let mut members: Map<String, Value> = Map::new();
    while let Ok(Some(part)) = parts.next_field().await {
        let name = part.name().unwrap_or_default().trim_end_matches("[]").to_owned();
        let is_file = part.file_name().is_some();
        let text = if is_file { String::new() } else { part.text().await.unwrap_or_default() };
        match members.get_mut(&name) {
            Some(Value::Array(texts)) => texts.push(text.into()),
            // Lists of files are lists also where there is one.
            None if name == "files" => drop(members.insert(name, json!([text]))),
            _ => drop(members.insert(name, text.into())),
        }
    }
    Some(Value::Object(members))
}

/// Closes every object schema inside to properties that it does not name.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            let composed = members.contains_key("allOf");
            for (name, inner) in members.iter_mut() {
                if !(composed && name == "allOf") && !name.starts_with("example") {
                    close(inner);
                }
            }
            if composed {
                members.insert("unevaluatedProperties".to_owned(), false.into());
            } else if members.get("properties").is_some_and(Value::is_object)
                && !members.contains_key("additionalProperties")
            {
                members.insert("additionalProperties".to_owned(), false.into());
            }
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

/// Names of the schemas that others are composed of: closed, they would refuse what the others add.
fn find_composed(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for part in members.get("allOf").and_then(Value::as_array).into_iter().flatten() {
                let name = part["$ref"].as_str().and_then(|to| to.rsplit('/').next());
                found.extend(name.map(str::to_owned));
            }
            members.values().for_each(|inner| find_composed(inner, found));
        }
        Value::Array(items) => items.iter().for_each(|inner| find_composed(inner, found)),
        _ => {}
    }
}

fn fits(template: &str, path: &str) -> bool {
    let (mut known, mut given) = (template.split('/'), path.split('/'));
    loop {
        match (known.next(), given.next()) {
            (None, None) => return true,
            (Some(known), Some(given)) => match known.split_once('{') {
                None if known == given => {}
                Some((before, rest)) => {
                    let after = rest.split_once('}').map_or("", |(_, after)| after);
                    let longest = given.len() > before.len() + after.len();
                    if !(longest && given.starts_with(before) && given.ends_with(after)) {
                        return false;
                    }
                }
                None => return false,
            },
            _ => return false,
        }
    }
}

fn is_among(media: &str, described: &str) -> bool {
    match described.split_once('/') {
        Some(("*", "*")) => true,
        Some((kind, "*")) => media.split('/').next() == Some(kind),
        _ => media == media_type(described),
    }
}

fn media_type(content_type: &str) -> &str {
    content_type.split(';').next().unwrap_or_default().trim()
}

fn header(headers: &HeaderMap, name: &reqwest::header::HeaderName) -> String {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}
