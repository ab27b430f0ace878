//! Malformed requests: the right status and the contract's body, whatever layer refuses them.

use ocriva::api::error::Code;
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::multipart::Form;
use reqwest::{Body, Method, StatusCode};
use serde_json::Value;
use support::api::{Answer, TestApi, answer, bearer};
use support::database::Engine;
use support::over_http;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

over_http!(malformed_requests_are_refused_in_the_contracts_shape);

const UNKNOWN: &str = "0192f3a4-5b6c-7d8e-9f01-23456789abcd";

/// A request that is wrong in one way.
struct Malformed {
    what: &'static str,
    method: Method,
    path: String,
    body: Option<(&'static str, Vec<u8>)>,
    status: u16,
    code: &'static str,
}

fn get(what: &'static str, path: impl Into<String>, status: u16, code: &'static str) -> Malformed {
    Malformed { what, method: Method::GET, path: path.into(), body: None, status, code }
}

fn post(
    what: &'static str,
    path: impl Into<String>,
    content_type: &'static str,
    body: impl Into<Vec<u8>>,
    code: &'static str,
) -> Malformed {
    let body = Some((content_type, body.into()));
    Malformed { what, method: Method::POST, path: path.into(), body, status: 400, code }
}

fn malformed(api: &TestApi) -> Vec<Malformed> {
    const JSON: &str = "application/json";
    const FORM: &str = "multipart/form-data; boundary=b";
    let history = format!("/processing-history?projectId={}", api.project());
    let (upload, batch) = (api.upload_path(), api.batch_path());
    let (malformed, invalid, bad_id) = ("request.malformed", "request.invalid", "request.bad_id");
    let part = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n%PDF-1.7 cut";
    vec![
        get("unknown route", "/nothing/here", 404, "route.unknown"),
        get("unknown route of the Open API", "/v1/openapi/nothing", 404, "route.unknown"),
        get("unknown version", "/v2/openapi/projects", 404, "route.unknown"),
        get("path that climbs", "/files/..%2f..%2fetc%2fpasswd", 400, bad_id),
        get("wrong method", "/auth/login", 405, "route.method"),
        get("wrong method at the Open API", "/v1/openapi/upload", 405, "route.method"),
        Malformed { method: Method::PUT, ..get("unknown method", "/templates", 405, "route.method") },
        Malformed {
            method: Method::DELETE,
            ..get("method of another route", "/projects", 405, "route.method")
        },
        get("id that is none", "/templates/17", 400, bad_id),
        get("id of a file that is none", "/files/x", 400, bad_id),
        get("id of a batch that is none", "/batch/x", 400, bad_id),
        get("id in braces", format!("/templates/{{{UNKNOWN}}}"), 400, bad_id),
        get("id without hyphens", format!("/templates/{}", UNKNOWN.replace('-', "")), 400, bad_id),
        get("id with bad escapes", "/templates/%ff%fe", 400, bad_id),
        get("unknown template", format!("/templates/{UNKNOWN}"), 404, "template.unknown"),
        get("unknown record", format!("/processing-history/{UNKNOWN}"), 404, "document.unknown"),
        get("unknown batch", format!("/batch/{UNKNOWN}"), 404, "batch.unknown"),
        get("unknown file", format!("/files/{UNKNOWN}"), 404, "file.unknown"),
        get("unknown project", format!("/projects/{UNKNOWN}"), 404, "project.unknown"),
        get(
            "project that is unknown",
            format!("/templates?projectId={UNKNOWN}"),
            401,
            "auth.project_out_of_reach",
        ),
        get("project that is no id", "/templates?projectId=x", 400, invalid),
        get("no project", "/processing-history", 400, invalid),
        get("page 0", format!("{history}&page=0"), 400, invalid),
        get("page below 0", format!("{history}&page=-1"), 400, invalid),
        get("page that is no number", format!("{history}&page=one"), 400, invalid),
        get("page beyond all numbers", format!("{history}&page=99999999999"), 400, invalid),
        get("limit 0", format!("{history}&limit=0"), 400, invalid),
        get("limit above 100", format!("{history}&limit=101"), 400, invalid),
        get("unknown status", format!("{history}&status=done"), 400, invalid),
        get("date that is none", format!("{history}&fromDate=yesterday"), 400, invalid),
        get("day that is none", format!("{history}&toDate=2026-02-30"), 400, invalid),
        get("template that is no id", format!("{history}&templateId=1"), 400, invalid),
        get("search without end", format!("{history}&search={}", "x".repeat(201)), 400, invalid),
        get("search with NUL", format!("{history}&search=a%00b"), 400, invalid),
        get("page twice", format!("{history}&page=1&page=2"), 400, invalid),
        post("JSON that ends early", "/templates", JSON, r#"{"name":"#, malformed),
        post("no JSON", "/templates", JSON, "name=x", malformed),
        post("empty JSON", "/templates", JSON, "", malformed),
        post("JSON that is not UTF-8", "/templates", JSON, vec![b'"', 0xff, b'"'], malformed),
        post("JSON too deep", "/templates", JSON, "[".repeat(100_000), malformed),
        post("JSON of the wrong kind", "/templates", JSON, "[]", invalid),
        post("JSON under another type", "/templates", "text/plain", "{}", malformed),
        post("login without password", "/auth/login", JSON, r#"{"email":"a@b.c"}"#, invalid),
        post("login with a number", "/auth/login", JSON, r#"{"email":1,"password":"x"}"#, invalid),
        post("login with NUL", "/auth/login", JSON, r#"{"email":"a\u0000","password":"x"}"#, invalid),
        post("refresh with nothing", "/auth/refresh", JSON, "{}", invalid),
        post("token login with nothing", "/v1/openapi/auth/login", JSON, "{}", invalid),
        post("project without name", "/projects", JSON, r#"{"name":""}"#, invalid),
        post(
            "negative retention",
            "/projects",
            JSON,
            r#"{"name":"a","settings":{"fileRetentionDays":-1}}"#,
            invalid,
        ),
        post("upload of JSON", &upload, JSON, "{}", malformed),
        post("upload without boundary", &upload, "multipart/form-data", "x", malformed),
        post("upload that is no form", &upload, FORM, "no form at all", malformed),
        post("upload that ends early", &upload, FORM, part, malformed),
        post("upload with a broken part", &upload, FORM, "--b\r\nnothing\r\n\r\n\r\n--b--\r\n", malformed),
        post("upload to no id", "/upload/17/file", FORM, "--b--\r\n", bad_id),
        post("empty form", &upload, FORM, "--b--\r\n", invalid),
        post("batch of JSON", &batch, JSON, "{}", malformed),
        post("empty batch", &batch, FORM, "--b--\r\n", invalid),
        Malformed {
            status: 413,
            ..post("JSON above the limit", "/templates", JSON, vec![b' '; 3 << 20], "request.too_large")
        },
        Malformed {
            status: 404,
            ..post(
                "upload elsewhere",
                format!("/upload/{UNKNOWN}/file"),
                FORM,
                "--b--\r\n",
                "organization.unknown",
            )
        },
    ]
}

async fn malformed_requests_are_refused_in_the_contracts_shape(api: TestApi) {
    let requests = malformed(&api);
    assert!(requests.len() >= 40);
    for Malformed { what, method, path, body, status, code } in requests {
        let mut request = bearer(api.request(method, &path), &api.token);
        if let Some((content_type, body)) = body {
            request = request.header(CONTENT_TYPE, content_type).body(body);
        }
        let refused = answer(request).await;
        assert_eq!(
            (refused.status.as_u16(), refused.body["code"].as_str()),
            (status, Some(code)),
            "{what}: {refused:#?}"
        );
        refused.assert_error_shape();
    }
}

#[test]
fn public_codes_do_not_change_unseen() {
    let table: Vec<String> =
        Code::ALL.iter().map(|code| format!("{} {}", code.status().as_u16(), code.word())).collect();
    insta::assert_snapshot!(table.join("\n"), @r"
    400 request.malformed
    400 request.invalid
    400 request.bad_id
    408 request.timeout
    413 request.too_large
    404 route.unknown
    405 route.method
    402 credits.short
    403 plan.quota_exceeded
    429 plan.rate_exceeded
    404 plan.unknown
    403 operator.off
    401 auth.credential_missing
    401 auth.credential_invalid
    401 auth.login_failed
    401 auth.refresh_invalid
    400 auth.one_time_token_invalid
    403 auth.email_unverified
    403 auth.password_wrong
    403 auth.signup_disabled
    429 auth.too_many_attempts
    403 auth.user_required
    401 auth.project_out_of_reach
    403 auth.role_insufficient
    403 auth.scope_missing
    403 auth.address_refused
    404 organization.unknown
    404 member.unknown
    409 member.exists
    409 member.last_owner
    404 invitation.unknown
    404 token.unknown
    409 token.revoked
    403 token.beyond_grant
    409 mail.not_configured
    503 mail.failed
    404 project.unknown
    409 project.inactive
    409 project.not_empty
    404 template.unknown
    422 template.schema
    422 template.extractor
    422 template.export
    404 template.preset_unknown
    404 template.reference_unknown
    422 template.reference
    422 template.preview_failed
    504 template.preview_timeout
    503 template.preview_busy
    404 document.unknown
    409 template.inactive
    409 document.state
    404 batch.unknown
    400 batch.too_many_files
    404 file.unknown
    400 file.empty
    400 file.size_mismatch
    413 file.too_large
    415 file.format
    410 file.gone
    404 page.unknown
    422 page.unreadable
    409 batch.state
    409 idempotency.in_progress
    409 idempotency.mismatch
    409 idempotency.secret
    503 server.too_many_waiting
    422 file.archive
    409 export.unfinished
    409 export.no_result
    410 export.file_gone
    422 export.too_large
    422 export.unreadable
    404 webhook.unknown
    409 webhook.inactive
    404 webhook.delivery_unknown
    409 webhook.delivery_under_way
    404 plugin.unknown
    404 plugin.version_unknown
    422 plugin.refused
    409 plugin.version_exists
    409 plugin.in_use
    409 plugin.state
    409 request.conflict
    503 queue.full
    503 server.draining
    503 server.unavailable
    500 server.internal
    ");
}

#[tokio::test]
async fn a_wrong_method_names_the_right_ones() {
    let api = TestApi::new(Engine::Sqlite).await.unwrap();
    let refused = answer(api.request(Method::PATCH, "/templates")).await;
    refused.assert_error(405, "route.method");
    assert_eq!(refused.headers["allow"], "GET,HEAD,POST");
}

#[tokio::test]
async fn a_plain_request_id_is_echoed_and_any_other_replaced() {
    let api = TestApi::new(Engine::Sqlite).await.unwrap();
    let sent = async |id: &str| {
        let answer = answer(api.request(Method::GET, "/health/live").header("X-Request-Id", id)).await;
        answer.headers["x-request-id"].to_str().unwrap().to_owned()
    };
    assert_eq!(sent("order-17.a_B").await, "order-17.a_B");
    for id in ["", "two words", "<script>", "\u{e4}", "x".repeat(129).as_str()] {
        assert_eq!(sent(id).await.len(), 36, "{id}");
    }
}

#[tokio::test]
async fn a_body_that_never_ends_is_refused_at_its_limit() {
    let api = TestApi::new(Engine::Sqlite).await.unwrap();
    let chunk = vec![b' '; 65_536];
    let endless = futures::stream::iter((0..1000).map(move |_| Ok::<_, std::io::Error>(chunk.clone())));
    let request = bearer(api.request(Method::POST, "/templates"), &api.token);
    let request = request.header(CONTENT_TYPE, "application/json").body(Body::wrap_stream(endless));
    answer(request).await.assert_error(413, "request.too_large");
}

#[tokio::test]
async fn a_form_with_too_many_parts_is_refused() {
    let api = TestApi::new(Engine::Sqlite).await.unwrap();
    let mut form = Form::new();
    for number in 0..101 {
        form = form.text(format!("part{number}"), "");
    }
    api.submit(&api.upload_path(), &api.token, form).await.assert_error(400, "request.invalid");
}

#[tokio::test]
async fn a_part_that_takes_too_long_ends_the_upload() {
    let slow = TestApi::with(Engine::Sqlite, |config| config.upload.timeout_per_file_seconds = 1).await;
    let api = slow.unwrap();
    let mut connection = tokio::net::TcpStream::connect(api.address()).await.unwrap();
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Length: 9000\r\n\
         Content-Type: multipart/form-data; boundary=b\r\n\r\n--b\r\n",
        api.upload_path(),
        api.token
    );
    connection.write_all(head.as_bytes()).await.unwrap();
    let mut read = Vec::new();
    connection.read_to_end(&mut read).await.unwrap();
    raw_answer(&read).assert_error(408, "request.timeout");
}

/// An answer as it came from the socket.
fn raw_answer(bytes: &[u8]) -> Answer {
    let text = std::str::from_utf8(bytes).expect("the answer is text");
    let (head, body) = text.split_once("\r\n\r\n").expect("the answer has a head");
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).expect("the answer has a status");
    let mut headers = HeaderMap::new();
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        headers.insert(
            reqwest::header::HeaderName::from_bytes(name.as_bytes()).expect("a header's name"),
            value.parse().expect("a header's value"),
        );
    }
    // Between the lengths of its chunks.
    let body = body.find('{').zip(body.rfind('}')).map_or("", |(from, to)| &body[from..=to]);
    let body: Value = serde_json::from_str(body).expect("the body is JSON");
    Answer { status: StatusCode::from_bytes(status.as_bytes()).expect("a status"), headers, body }
}
