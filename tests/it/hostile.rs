//! Every operation of the API's description with input that nobody means well with: always an error in the contract's
//! shape and never one of the server's.

use reqwest::Method;
use reqwest::header::{ALLOW, CONTENT_TYPE};
use serde_json::Value;
use support::api::{Answer, TestApi, answer, bearer};
use support::contract::{DESCRIPTION, Operation};
use support::over_http;

over_http!(
    a_hostile_path_is_refused_by_every_operation,
    a_hostile_query_fails_no_operation,
    a_hostile_body_is_refused_by_every_operation,
    a_method_that_a_path_lacks_is_refused_with_those_it_has,
);

const UNKNOWN: &str = "0192f3a4-5b6c-7d8e-9f01-23456789abcd";

/// Parts of a path, in the spelling of URLs.
const PATHS: [&str; 9] = [
    "%00",
    "a%00b",
    "%ff%fe",
    "%",
    "%zz",
    "..%2f..%2fetc%2fpasswd",
    "%27%20or%201%3D1--",
    "0192f3a4-5b6c-7d8e-9f01-23456789abcd%0d%0aX-Injected:1",
    "%e2%80%ae%f0%9f%92%a9",
];

/// Values of a query parameter, in the spelling of URLs.
const QUERIES: [&str; 9] =
    ["", "%00", "%ff%fe", "%", "-1", "99999999999999999999", "%27%20or%201%3D1--", "[]", "%25%5F%5C"];

async fn a_hostile_path_is_refused_by_every_operation(api: TestApi) {
    let long = "x".repeat(5000);
    let mut wrong = Vec::new();
    for operation in operations(|operation| operation.path.contains('{')) {
        for part in PATHS.into_iter().chain([long.as_str()]) {
            let path = filled(&operation.path, part);
            let answer = answer(bearer(api.request(operation.method.clone(), &path), &api.token)).await;
            note(&mut wrong, &operation, part, &answer, answer.status.is_client_error());
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

async fn a_hostile_query_fails_no_operation(api: TestApi) {
    let long = "x".repeat(5000);
    let mut wrong = Vec::new();
    for operation in operations(|operation| operation.method == Method::GET) {
        let described = DESCRIPTION.operation(&operation);
        let parameters = described["parameters"].as_array().into_iter().flatten();
        for parameter in parameters.filter(|parameter| parameter["in"] == "query") {
            let name = parameter["name"].as_str().expect("a parameter has a name");
            for value in QUERIES.into_iter().chain([long.as_str()]) {
                let path = filled(&operation.path, UNKNOWN);
                let others = if name == "projectId" { String::new() } else { project(described, &api) };
                let path = format!("{path}?{name}={value}{others}");
                let answer = answer(bearer(api.request(Method::GET, &path), &api.token)).await;
                let is_fine = answer.status.is_success() || answer.status.is_client_error();
                note(&mut wrong, &operation, &path, &answer, is_fine);
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

async fn a_hostile_body_is_refused_by_every_operation(api: TestApi) {
    const JSON: &str = "application/json";
    const FORM: &str = "multipart/form-data; boundary=b";
    let deep = "[".repeat(100_000);
    let endless = "--b\r\n".repeat(1000);
    let bodies: [(&str, &[u8]); 16] = [
        (JSON, b"{"),
        (JSON, b"[]"),
        (JSON, b"[null, null, null, null]"),
        (JSON, b"17"),
        (JSON, b"\"text\""),
        (JSON, b"{\"\xff\": 1}"),
        (JSON, b"{\"a\\u0000\": 1}"),
        (JSON, deep.as_bytes()),
        ("text/plain", b"{}"),
        ("application/x-www-form-urlencoded", b"a=b"),
        ("multipart/form-data", b"no boundary"),
        (FORM, b""),
        (FORM, b"no form"),
        (FORM, b"--b\r\nContent-Disposition: form-data; name=\"\xff\"\r\n\r\nx\r\n--b--"),
        (FORM, b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--"),
        (FORM, endless.as_bytes()),
    ];
    let mut wrong = Vec::new();
    for operation in operations(takes_body) {
        for (content_type, body) in bodies {
            // The caller's own organization: what is refused has to be the body.
            let path = operation.path.replace("{organizationId}", &api.organization());
            let path = filled(&path, UNKNOWN);
            let request = bearer(api.request(operation.method.clone(), &path), &api.token);
            let answer = answer(request.header(CONTENT_TYPE, content_type).body(body.to_vec())).await;
            let told = format!("{content_type} {}", String::from_utf8_lossy(body.get(..40).unwrap_or(body)));
            note(&mut wrong, &operation, &told, &answer, answer.status.is_client_error());
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

async fn a_method_that_a_path_lacks_is_refused_with_those_it_has(api: TestApi) {
    let mut wrong = Vec::new();
    let paths = DESCRIPTION.document["paths"].as_object().expect("there are paths");
    for (template, item) in paths {
        for method in [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            if !item[method.as_str().to_lowercase()].is_null() {
                continue;
            }
            let path = filled(template, UNKNOWN);
            let answer = answer(bearer(api.request(method.clone(), &path), &api.token)).await;
            let allowed = answer.headers.get(ALLOW).and_then(|value| value.to_str().ok()).unwrap_or_default();
            let names_all = item.as_object().is_some_and(|known| {
                known.keys().all(|known| allowed.split(',').any(|word| word.eq_ignore_ascii_case(known)))
            });
            let operation = Operation { method, path: template.clone() };
            note(&mut wrong, &operation, allowed, &answer, answer.status == 405 && names_all);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn operations(wanted: impl Fn(&Operation) -> bool) -> impl Iterator<Item = Operation> {
    DESCRIPTION.operations().into_iter().filter(move |operation| wanted(operation))
}

/// Whether an operation cannot do without a body.
fn takes_body(operation: &Operation) -> bool {
    let body = &DESCRIPTION.operation(operation)["requestBody"];
    body.is_object() && body["required"] == true
}

/// A path with every parameter replaced.
fn filled(template: &str, part: &str) -> String {
    let fill = |segment: &str| match segment.split_once('{') {
        Some((before, _)) => format!("{before}{part}"),
        None => segment.to_owned(),
    };
    template.split('/').map(fill).collect::<Vec<_>>().join("/")
}

fn project(described: &Value, api: &TestApi) -> String {
    let mut parameters = described["parameters"].as_array().into_iter().flatten();
    match parameters.any(|parameter| parameter["name"] == "projectId") {
        true => format!("&projectId={}", api.project()),
        false => String::new(),
    }
}

fn note(wrong: &mut Vec<String>, operation: &Operation, input: &str, answer: &Answer, is_fine: bool) {
    let has_shape = !answer.status.is_client_error()
        || (answer.body["statusCode"] == answer.status.as_u16() && answer.body["message"] != Value::Null);
    if !(is_fine && has_shape) {
        let input = input.get(..80).unwrap_or(input);
        let told = format!("{} {}", answer.status, answer.body);
        wrong.push(format!("{} {} with `{input}`: {told}", operation.method, operation.path));
    }
}
