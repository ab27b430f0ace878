//! What a plugin can be granted: refused by name without a grant, and with one no more than was granted.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use ocriva::app::StoredValues;
use ocriva::config;
use ocriva::domain::capability::{Capability, Quota, Shelf};
use ocriva::plugins::{Call, Engine, Plugin, Request};
use ocriva_plugin_build::embed;
use serde_json::{Value, json};
use support::store::TestStore;
use support::{guest, on_each_engine};

use super::made_up::MadeUp;
use super::{RECEIPT, call, engine};

on_each_engine!(
    values_are_kept_from_call_to_call_for_each_organization,
    no_more_is_kept_than_the_quota_allows,
    calls_for_values_are_counted_and_bad_keys_refused,
    writers_at_one_moment_keep_no_more_than_the_quota_together,
);

/// The guest's manifest, with hosts and tokens.
fn wishes(hosts: &str) -> String {
    format!(
        "name = \"capable\"\nversion = \"1.0.0\"\n[capabilities]\nclock = true\nrandom = true\nkv = true\n\
         http = {{ hosts = [{hosts}] }}\nllm = {{ max_tokens = 500 }}\n"
    )
}

fn capable(hosts: &str) -> Vec<u8> {
    embed(&guest("capable"), &wishes(hosts))
}

fn grant_all(settings: &mut config::Plugins) {
    settings.grants.insert("capable".to_owned(), Capability::ALL.to_vec());
}

/// An engine that grants everything and lets plugins reach this server, and the guest.
async fn at(server: SocketAddr, adjust: impl FnOnce(&mut config::Plugins)) -> (Arc<Engine>, Plugin) {
    let engine = engine(|settings| {
        grant_all(settings);
        settings.http.hosts =
            vec![format!("127.0.0.1:{}", server.port()), format!("localhost:{}", server.port())];
        settings.http.allow_unencrypted = true;
        settings.http.allowed_networks = vec!["127.0.0.0/8".to_owned(), "::1".to_owned()];
        adjust(settings);
    });
    let hosts = format!("\"127.0.0.1:{0}\", \"localhost:{0}\"", server.port());
    let plugin = engine.load(Cow::Owned(capable(&hosts))).await.expect("the guest is taken");
    (engine, plugin)
}

fn said(called: Call) -> Vec<String> {
    called.result.unwrap().warnings.into_iter().map(|warning| warning.message).collect()
}

async fn steps(engine: &Engine, plugin: &Plugin, steps: Value) -> Vec<String> {
    said(call(engine, plugin, json!({ "steps": steps })).await)
}

/// A server on this machine.
async fn serve(routes: Router) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, routes).await });
    address
}

fn web() -> Router {
    Router::new()
        .route("/rate", get(async || "1.5"))
        .route("/gone", get(async || (StatusCode::NOT_FOUND, "no such rate")))
        .route("/elsewhere", get(async || axum::response::Redirect::to("/rate")))
        .route("/large", get(async || "x".repeat(1 << 20)))
        .route("/slow", get(async || tokio::time::sleep(Duration::from_secs(60)).await))
        .route("/echo", post(async |body: String| body))
        .route(
            "/header",
            get(async |headers: HeaderMap| {
                headers.get("x-colour").map(|colour| colour.to_str().unwrap().to_owned()).unwrap_or_default()
            }),
        )
}

#[tokio::test]
async fn without_a_grant_a_component_is_refused_and_the_grant_is_named() {
    let component = capable("\"api.example.org\"");
    let problems = async |adjust: fn(&mut config::Plugins)| -> Vec<String> {
        let report = engine(adjust).check(component.clone()).await;
        report.problems.into_iter().map(|problem| problem.problem).collect()
    };
    assert_eq!(
        problems(|_| {}).await,
        ["component imports what it is not granted: `clock`, `random`, `kv`, `http`, `llm`"]
    );
    let but_http = |settings: &mut config::Plugins| {
        let some = [Capability::Clock, Capability::Random, Capability::Kv, Capability::Llm];
        settings.grants.insert("*".to_owned(), some.to_vec());
    };
    assert_eq!(problems(but_http).await, ["component imports what it is not granted: `http`"]);
    let report = engine(but_http).check(component.clone()).await;
    assert!(report.problems[0].remedy.ends_with(r#"`"capable" = ["http"]`"#), "{:?}", report.problems);
    assert_eq!(problems(grant_all).await, [""; 0]);
    let silent = engine(grant_all).check(guest("capable")).await;
    assert_eq!(
        silent.problems[0].problem,
        "component imports what its manifest does not ask for: `clock`, `random`, `kv`, `http`, `llm`"
    );
}

#[tokio::test]
async fn what_an_organization_uploaded_needs_a_grant_of_its_own() {
    let engine = engine(grant_all);
    let component = || Cow::Owned(capable("\"api.example.org\""));
    let refused = engine.load_of(Some("o1"), component()).await.err().unwrap();
    assert!(refused.to_string().starts_with("component imports what it is not granted"), "{refused}");
    assert!(refused.remedy().contains(r#"`"o1/capable" = ["clock", "#), "{}", refused.remedy());
    assert!(engine.load_of(None, component()).await.is_ok());
}

#[tokio::test]
async fn clock_and_random_bytes_are_real() {
    let engine = engine(grant_all);
    let plugin = engine.load(Cow::Owned(capable("\"a.example\""))).await.unwrap();
    let first = steps(&engine, &plugin, json!(["now", "elapsed", { "random": 100_000 }])).await;
    let second = steps(&engine, &plugin, json!(["now", "elapsed", { "random": 100_000 }])).await;
    let now: f64 = first[0].parse().unwrap();
    assert!(now > 1.6e12 && second[0].parse::<f64>().unwrap() >= now, "{now}");
    assert!(first[1].parse::<f64>().unwrap() < 60_000.0, "{first:?}");
    assert!(first[2].starts_with("100000 [") && first[2] != second[2], "{first:?}");
}

#[tokio::test]
async fn a_request_reaches_a_host_that_is_asked_for_and_allowed() {
    let server = serve(web()).await;
    let (engine, plugin) = at(server, |_| {}).await;
    let url = |path: &str| format!("http://127.0.0.1:{}{path}", server.port());
    let asked = json!([
        { "fetch": url("/rate") },
        { "fetch": url("/gone") },
        { "fetch": url("/elsewhere") },
        { "post": [url("/echo"), { "a": 1 }] },
        { "header": [url("/header"), "x-colour", "blue"] },
        { "fetch": format!("http://localhost:{}/rate", server.port()) },
    ]);
    let called = call(&engine, &plugin, json!({ "steps": asked })).await;
    assert_eq!(called.usage.http_requests.used, 6);
    let said = said(called);
    assert_eq!(said, ["200 1.5", "404 no such rate", "303 ", "200 {\"a\":1}", "200 blue", "200 1.5"]);
}

#[tokio::test]
async fn an_address_that_is_not_allowed_is_not_called() {
    let server = serve(web()).await;
    let url = format!("http://127.0.0.1:{}/rate", server.port());
    let fetch = async |adjust: fn(&mut config::Plugins), url: &str| {
        let (engine, plugin) = at(server, adjust).await;
        steps(&engine, &plugin, json!([{ "fetch": url }])).await.remove(0)
    };
    assert_eq!(fetch(|_| {}, &url).await, "200 1.5");
    assert_eq!(fetch(|settings| settings.http.allow_unencrypted = false, &url).await, "http.denied");
    assert_eq!(fetch(|settings| settings.http.hosts = Vec::new(), &url).await, "http.denied");
    let by_name = format!("http://localhost:{}/rate", server.port());
    for url in [&url, &by_name] {
        assert_eq!(
            fetch(|settings| settings.http.allowed_networks = Vec::new(), url).await,
            "http.denied",
            "{url}"
        );
    }
    for url in ["http://127.0.0.1:1/", "http://169.254.169.254/", "ftp://a.example/"] {
        let any = |settings: &mut config::Plugins| settings.http.hosts = vec!["*".to_owned()];
        assert_eq!(fetch(any, url).await, "http.denied", "{url}");
    }
    let at_name_and_word = format!("http://me:word@127.0.0.1:{}/rate", server.port());
    assert_eq!(fetch(|_| {}, &at_name_and_word).await, "http.denied");
    for url in ["no address", "file:///etc/passwd"] {
        assert_eq!(fetch(|_| {}, url).await, "http.bad_request", "{url}");
    }
}

#[tokio::test]
async fn requests_are_bounded_in_number_size_and_time() {
    let server = serve(web()).await;
    let (engine, plugin) = at(server, |settings| {
        settings.http_requests = 3;
        settings.http.max_response_kib = 64;
        settings.http.timeout_seconds = 1;
    })
    .await;
    let url = |path: &str| format!("http://127.0.0.1:{}{path}", server.port());
    let asked = json!([
        { "fetch": url("/large") }, { "fetch": url("/slow") }, { "header": [url("/rate"), "host", "a.example"] },
        { "fetch": url("/rate") }
    ]);
    let called = call(&engine, &plugin, json!({ "steps": asked })).await;
    assert!(called.usage.wall_ms.used >= 1000 && called.usage.cpu_ms.used < 500, "{:?}", called.usage);
    assert_eq!(said(called), ["http.too_large", "http.timeout", "http.bad_request", "plugin.denied"]);
}

#[tokio::test]
async fn a_call_that_waits_for_a_server_ends_at_its_wall_limit() {
    let server = serve(web()).await;
    let (engine, plugin) = at(server, |settings| settings.wall_ms = 500).await;
    let url = format!("http://127.0.0.1:{}/slow", server.port());
    let started_at = std::time::Instant::now();
    let called = call(&engine, &plugin, json!({ "steps": [{ "fetch": url }] })).await;
    assert_eq!(called.result.unwrap_err().code(), "plugin.timeout_wall");
    assert!(started_at.elapsed() < Duration::from_secs(3), "{:?}", started_at.elapsed());
}

/// A model that says what it was asked, and by whom.
fn model() -> Router {
    let answer = async |headers: HeaderMap, axum::Json(asked): axum::Json<Value>| {
        let question = asked["messages"][0]["content"].as_str().unwrap_or_default().to_owned();
        if question == "fail" {
            return (StatusCode::UNAUTHORIZED, axum::Json(json!({ "error": "the key is secret-key" })));
        }
        let content = json!({
            "model": asked["model"],
            "question": question,
            "authorized": headers.get("authorization").is_some_and(|value| value == "Bearer secret-key"),
            "schema": asked["response_format"]["json_schema"]["schema"],
            "maxTokens": asked["max_tokens"],
        });
        let completion = json!({
            "choices": [{ "message": { "content": content.to_string() }, "finish_reason": "stop" }],
            "usage": { "prompt_tokens": 100, "completion_tokens": 50 }
        });
        (StatusCode::OK, axum::Json(completion))
    };
    Router::new().route("/v1/chat/completions", post(answer))
}

#[tokio::test]
async fn the_model_is_asked_within_the_plugins_tokens_and_its_secret_stays_here() {
    let server = serve(model()).await;
    let (engine, plugin) = at(server, |settings| {
        settings.llm.base_url = format!("http://127.0.0.1:{}/v1", server.port());
        settings.llm.model = "small".to_owned();
        settings.llm.api_key = "secret-key".to_owned();
        settings.llm.max_tokens = 310;
    })
    .await;
    let schema = json!({ "type": "object" });
    let asked = json!([
        { "ask_for": ["total?", schema] }, { "ask": "fail" }, { "ask": "again?" }, { "ask": "x".repeat(2000) },
        { "ask": "once more?" }
    ]);
    let called = call(&engine, &plugin, json!({ "steps": asked })).await;
    assert_eq!((called.usage.llm_tokens.used, called.usage.llm_tokens.allowed), (300, 310));
    let said = said(called);
    let first: Value = serde_json::from_str(&said[0]).unwrap();
    let content: Value = serde_json::from_str(first[0].as_str().unwrap()).unwrap();
    assert_eq!(
        (&content["model"], &content["question"], &content["authorized"], &content["schema"]),
        (&json!("small"), &json!("total?"), &json!(true), &schema)
    );
    assert!(content["maxTokens"].as_u64().unwrap() < 310, "{content}");
    assert_eq!((&first[1], &first[2]), (&json!(100), &json!(50)));
    assert_eq!(
        [said[1].as_str(), said[3].as_str(), said[4].as_str()],
        ["llm.refused", "plugin.denied", "plugin.denied"]
    );
    assert!(!said.join(" ").contains("secret-key"));
}

#[tokio::test]
async fn without_a_model_the_call_says_so() {
    let engine = engine(grant_all);
    let plugin = engine.load(Cow::Owned(capable("\"a.example\""))).await.unwrap();
    assert_eq!(
        steps(&engine, &plugin, json!([{ "ask": "?" }, { "get": "key" }])).await,
        ["llm.unavailable", "kv.unavailable"]
    );
}

/// An engine that keeps values in this database, and the guest.
async fn keeping(base: &TestStore, adjust: impl FnOnce(&mut config::Plugins)) -> (Arc<Engine>, Plugin) {
    let mut settings = config::Config::default().plugins;
    settings.max_concurrent_calls = 2;
    settings.compile.program = support::program().display().to_string();
    grant_all(&mut settings);
    adjust(&mut settings);
    let cache = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("plugins");
    let values = Arc::new(StoredValues(base.store.clone()));
    let engine = Arc::new(Engine::with_values(&settings, cache, values).expect("the engine starts"));
    let plugin = engine.load(Cow::Owned(capable("\"a.example\""))).await.expect("the guest is taken");
    (engine, plugin)
}

async fn steps_for(engine: &Engine, plugin: &Plugin, organization_id: &str, steps: Value) -> Vec<String> {
    let Value::Object(config) = json!({ "steps": steps }) else { unreachable!("it is an object") };
    let request = Request { config, organization_id: Some(organization_id.to_owned()), ..Request::default() };
    said(engine.call(plugin, Arc::new(MadeUp::from_text(RECEIPT)), &request).await)
}

async fn values_are_kept_from_call_to_call_for_each_organization(base: TestStore) {
    let (engine, plugin) = keeping(&base, |_| {}).await;
    let ours = base.tenant().organization_id;
    let theirs = base.other_tenant().await.organization_id;
    let set =
        json!([{ "set": ["rate/eur", "1.5"] }, { "set": ["rate/usd", "2"] }, { "set": ["other", "3"] }]);
    assert_eq!(steps_for(&engine, &plugin, &ours, set).await, ["set", "set", "set"]);
    let looks = json!([
        { "get": "rate/eur" }, { "keys": ["", "", 9] }, { "keys": ["rate/", "", 9] }, { "keys": ["", "rate/eur", 9] },
        { "keys": ["", "", 1] }, { "delete": "other" }, { "delete": "other" }, { "get": "other" },
        { "set": ["rate/eur", "1.6"] }, { "get": "rate/eur" }
    ]);
    let seen = [
        "1.5",
        "other rate/eur rate/usd",
        "rate/eur rate/usd",
        "rate/usd",
        "other",
        "true",
        "false",
        "nothing",
        "set",
        "1.6",
    ];
    assert_eq!(steps_for(&engine, &plugin, &ours, looks).await, seen);
    let looks = json!([{ "get": "rate/eur" }, { "keys": ["", "", 9] }, { "delete": "rate/eur" }]);
    assert_eq!(steps_for(&engine, &plugin, &theirs, looks).await, ["nothing", "", "false"]);
    assert_eq!(steps_for(&engine, &plugin, &ours, json!([{ "get": "rate/eur" }])).await, ["1.6"]);
}

async fn no_more_is_kept_than_the_quota_allows(base: TestStore) {
    let (engine, plugin) = keeping(&base, |settings| {
        settings.kv.max_kib = 1;
        settings.kv.max_keys = 3;
    })
    .await;
    let ours = base.tenant().organization_id;
    let large = json!([
        { "fill": ["a", 900] }, { "fill": ["b", 200] }, { "fill": ["a", 1000] }, { "fill": ["b", 20] },
        { "fill": ["c", 100_000] }
    ]);
    assert_eq!(
        steps_for(&engine, &plugin, &ours, large).await,
        ["set", "kv.quota_exceeded", "set", "set", "kv.too_large"]
    );
    let many = json!([{ "fill": ["c", 0] }, { "fill": ["d", 0] }, { "fill": ["c", 1] }]);
    assert_eq!(steps_for(&engine, &plugin, &ours, many).await, ["set", "kv.quota_exceeded", "set"]);
}

async fn writers_at_one_moment_keep_no_more_than_the_quota_together(base: TestStore) {
    const WRITERS: usize = 24;
    let shelf = Shelf { organization_id: base.tenant().organization_id, plugin: "capable".to_owned() };
    for quota in [Quota { bytes: 1 << 20, keys: 5 }, Quota { bytes: 5 * 100, keys: 1000 }] {
        let mut writers = tokio::task::JoinSet::new();
        for writer in 0..WRITERS {
            let (store, shelf, key) = (base.store.clone(), shelf.clone(), format!("{writer:04}"));
            writers
                .spawn(async move { store.set_plugin_value(&shelf, &key, &[7; 96], quota).await.unwrap() });
        }
        let kept = writers.join_all().await.into_iter().filter(|has_room| *has_room).count();
        assert_eq!(kept, 5, "{quota:?}");
        for key in base.store.plugin_keys(&shelf, "", "", 1000).await.unwrap() {
            assert!(base.store.delete_plugin_value(&shelf, &key).await.unwrap());
        }
    }
}

async fn calls_for_values_are_counted_and_bad_keys_refused(base: TestStore) {
    let (engine, plugin) = keeping(&base, |settings| settings.kv_calls = 4).await;
    let ours = base.tenant().organization_id;
    let calls = json!([
        { "get": "" }, { "get": "x".repeat(257) }, { "get": "a\u{0}b" }, { "get": "key" }, { "get": "key" }
    ]);
    assert_eq!(
        steps_for(&engine, &plugin, &ours, calls).await,
        ["kv.bad_key", "kv.bad_key", "kv.bad_key", "nothing", "plugin.denied"]
    );
}
