//! The plugin `llm` in the whole product: a model that speaks OpenAI's chat completions over a socket, the program as a
//! process, and the record of an upload.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use support::api::{Answer, answer, text};
use support::database::Engine;
use support::server::{Installation, Server};
use support::{over_http, program, repository};

over_http!(installation =>
    answers_are_looked_for_on_the_pages_and_their_tokens_counted,
    an_endpoint_that_is_busy_or_talks_is_asked_again,
    an_endpoint_that_refuses_schemas_is_asked_in_words,
    an_endpoint_that_is_too_slow_fails_the_document,
    without_a_grant_no_template_can_name_it,
);

/// What opens the model, which nobody but the model may see.
const SECRET: &str = "sk-secret-of-the-operator";

async fn installation(engine: Engine) -> Option<Installation> {
    Installation::new(engine).await
}

/// What the model does when it is asked.
#[derive(Clone)]
enum Reply {
    /// Says this, and counts its tokens.
    Says(String),
    /// The same, and does not.
    SaysUncounted(String),
    Refuses(StatusCode),
    NeverEnds,
}

/// A model at an address, what it is going to do, and what it was asked.
#[derive(Clone)]
struct Model {
    url: String,
    replies: Arc<Mutex<VecDeque<Reply>>>,
    asked: Arc<Mutex<Vec<(HeaderMap, Value)>>>,
}

impl Model {
    /// Starts one; the last reply is given again and again.
    async fn start(replies: Vec<Reply>) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        let model = Self { url, replies: Arc::new(Mutex::new(replies.into())), asked: Arc::default() };
        let routes = Router::new().route("/v1/chat/completions", post(complete)).with_state(model.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        model
    }

    fn asked(&self) -> Vec<(HeaderMap, Value)> {
        self.asked.lock().unwrap().clone()
    }

    /// The settings of a server that asks it.
    fn environment(&self) -> Vec<(&'static str, String)> {
        [
            ("OCRIVA__PLUGINS__GRANTS", "{ llm = [\"llm\"] }"),
            ("OCRIVA__PLUGINS__LLM__BASE_URL", &self.url),
            ("OCRIVA__PLUGINS__LLM__MODEL", "small"),
            ("OCRIVA__PLUGINS__LLM__API_KEY", SECRET),
            ("OCRIVA__PLUGINS__LLM__TIMEOUT_SECONDS", "1"),
            ("OCRIVA__QUEUE__RETRY_SECONDS", "1"),
            ("OCRIVA__QUEUE__MAX_ATTEMPTS", "3"),
        ]
        .map(|(name, value)| (name, value.to_owned()))
        .into()
    }
}

async fn complete(
    State(model): State<Model>,
    headers: HeaderMap,
    axum::Json(asked): axum::Json<Value>,
) -> Response {
    model.asked.lock().unwrap().push((headers, asked));
    let reply = {
        let mut replies = model.replies.lock().unwrap();
        let next = replies.front().cloned().unwrap();
        if replies.len() > 1 {
            replies.pop_front();
        }
        next
    };
    let completion = |content: String, usage: Value| {
        let choice = json!({"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": "stop"});
        axum::Json(json!({"object": "chat.completion", "choices": [choice], "usage": usage})).into_response()
    };
    match reply {
        Reply::Says(content) => {
            completion(content, json!({"prompt_tokens": 700, "completion_tokens": 80, "total_tokens": 780}))
        }
        Reply::SaysUncounted(content) => completion(content, Value::Null),
        Reply::Refuses(status) => (status, SECRET).into_response(),
        Reply::NeverEnds => {
            tokio::time::sleep(Duration::from_secs(600)).await;
            StatusCode::GATEWAY_TIMEOUT.into_response()
        }
    }
}

/// The bill that the plugin's own cases have.
fn bill() -> Vec<u8> {
    std::fs::read(repository().join("plugins/llm/tests/bill.txt")).unwrap()
}

/// The template of those cases.
fn template() -> Value {
    let file = std::fs::read(repository().join("plugins/llm/tests/template.json")).unwrap();
    let mut template: Value = serde_json::from_slice(&file).unwrap();
    template["name"] = json!("Bills");
    template
}

/// What a good model reads in the bill.
fn right() -> Value {
    let file = std::fs::read(repository().join("plugins/llm/tests/bill.expected.json")).unwrap();
    serde_json::from_slice::<Value>(&file).unwrap()["data"].clone()
}

/// The record of the bill when it is finished.
async fn read(server: &Server<'_>) -> Value {
    let template = server.create_template(template()).await;
    let form = Form::new()
        .part("file", Part::bytes(bill()).file_name("bill.txt"))
        .text("fileName", "bill.txt")
        .text("fileType", "document")
        .text("projectId", text(&server.credentials["projectId"]))
        .text("templateId", template);
    let path = format!("/upload/{}/file", text(&server.credentials["organizationId"]));
    let uploaded: Answer = answer(server.request(Method::POST, &path).multipart(form)).await;
    assert_eq!(uploaded.status, 201, "{uploaded:?}");
    server.finished(&text(&uploaded.body["id"])).await
}

async fn answers_are_looked_for_on_the_pages_and_their_tokens_counted(installation: Installation) {
    let mut said = right();
    said["invoiceNumber"] = json!("2026-999");
    let model = Model::start(vec![Reply::Says(said.to_string())]).await;
    let server = installation.start_with(&model.environment());
    let record = read(&server).await;
    assert_eq!(record["status"], "completed", "{record}");
    let fields = &record["result"]["fields"];
    let total = &fields["total"];
    assert_eq!(
        (&total["value"], &total["text"], &total["page"]),
        (&json!(52), &json!("52.00 EUR"), &json!(1))
    );
    assert!(total["confidence"].as_f64().unwrap() > 0.8 && total["box"].is_array(), "{total}");
    let invented = &fields["invoiceNumber"];
    assert_eq!(
        (&invented["value"], &invented["box"], &invented["page"]),
        (&json!("2026-999"), &Value::Null, &Value::Null)
    );
    assert_eq!((&invented["confidence"], &invented["source"]), (&json!(0.2), &json!("model")));
    let warnings = record["result"]["warnings"].as_array().unwrap();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert_eq!(
        (&warnings[0]["code"], &warnings[0]["field"]),
        (&json!("not_on_page"), &json!("invoiceNumber"))
    );
    assert_eq!(record["result"]["data"]["items"], right()["items"]);
    assert_eq!(record["result"]["tables"][0]["rows"].as_array().unwrap().len(), 2);
    assert_eq!(record["extractor"]["usage"]["llmTokens"], json!({"used": 780, "allowed": 20000}));
    assert!(
        record["extractor"]["usage"]["cpuMs"]["allowed"] == 5000
            && record["extractor"]["usage"]["hostCalls"]["used"].as_u64() > Some(0)
    );
    assert!(!record.to_string().contains(SECRET));

    let asked = model.asked();
    let (headers, question) = &asked[0];
    assert_eq!(headers["authorization"], format!("Bearer {SECRET}").as_str());
    assert_eq!((&question["model"], &question["temperature"]), (&json!("small"), &json!(0.0)));
    let schema = &question["response_format"]["json_schema"]["schema"];
    assert_eq!(schema["properties"]["total"]["description"], "What is to be paid");
    let [system, user] = [0, 1].map(|index| text(&question["messages"][index]["content"]));
    assert!(system.contains("The seller is the company that sends the bill."), "{system}");
    assert!(user.starts_with("<document>\n<page number=\"1\">\n"), "{user}");
    let row = user.lines().find(|line| line.starts_with("Copy paper A4")).unwrap();
    assert!(
        row.contains("  10.00  ") && row.ends_with("20.00"),
        "a row is a line, and its columns are apart: {user}"
    );
    assert!(server.terminate().await);
}

async fn an_endpoint_that_is_busy_or_talks_is_asked_again(installation: Installation) {
    let model = Model::start(vec![
        Reply::Refuses(StatusCode::TOO_MANY_REQUESTS),
        Reply::Refuses(StatusCode::INTERNAL_SERVER_ERROR),
        Reply::SaysUncounted("The total is 52.00 EUR.".to_owned()),
        Reply::SaysUncounted(format!("```json\n{}\n```", right())),
    ])
    .await;
    let server = installation.start_with(&model.environment());
    let record = read(&server).await;
    assert_eq!((&record["status"], &record["attempts"]), (&json!("completed"), &json!(3)), "{record}");
    assert_eq!(record["result"]["data"], right());
    let tokens = &record["extractor"]["usage"]["llmTokens"];
    assert!(tokens["used"].as_u64() > Some(100) && tokens["used"] == tokens["estimated"], "{tokens}");
    let asked = model.asked();
    let last = asked[3].1["messages"].as_array().unwrap();
    assert_eq!((asked.len(), last.len(), &last[2]["role"]), (4, 4, &json!("assistant")));
    assert!(server.terminate().await);
}

async fn an_endpoint_that_refuses_schemas_is_asked_in_words(installation: Installation) {
    let model = Model::start(vec![
        Reply::Refuses(StatusCode::BAD_REQUEST),
        Reply::Says(right().to_string()),
        Reply::Refuses(StatusCode::UNAUTHORIZED),
    ])
    .await;
    let server = installation.start_with(&model.environment());
    let record = read(&server).await;
    assert_eq!(record["result"]["data"], right(), "{record}");
    let asked = model.asked();
    assert!(asked[0].1["response_format"].is_object() && asked[1].1["response_format"].is_null());
    let refused = read(&server).await;
    assert_eq!(
        (&refused["status"], &refused["error"]["code"]),
        (&json!("failed"), &json!("llm.refused")),
        "{refused}"
    );
    assert!(!refused.to_string().contains(SECRET), "{refused}");
    assert!(server.terminate().await);
}

async fn an_endpoint_that_is_too_slow_fails_the_document(installation: Installation) {
    let model = Model::start(vec![Reply::NeverEnds]).await;
    let server = installation.start_with(&model.environment());
    let record = read(&server).await;
    assert_eq!(
        (&record["status"], &record["error"]["code"]),
        (&json!("failed"), &json!("llm.timeout")),
        "{record}"
    );
    assert_eq!((&record["attempts"], model.asked().len()), (&json!(3), 3));
    assert!(server.terminate().await);
}

async fn without_a_grant_no_template_can_name_it(installation: Installation) {
    let server = installation.start();
    let mut template = template();
    template["projectId"] = server.credentials["projectId"].clone();
    let refused = answer(server.request(Method::POST, "/templates").json(&template)).await;
    refused.assert_error(422, "template.extractor");
    let message = text(&refused.body["message"]);
    assert_eq!(message, "plugin `llm` is not granted what it needs: `llm` (setting `plugins.grants`)");
    let plugins = server.get("/plugins").await;
    let listed = plugins.as_array().unwrap().iter().find(|plugin| plugin["name"] == "llm").unwrap();
    assert_eq!((&listed["status"], &listed["serves"]), (&json!("not_granted"), &json!(false)));
    assert!(server.terminate().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_author_tests_with_a_model_that_is_configured_and_granted() {
    let model = Model::start(vec![Reply::Says(right().to_string())]).await;
    let component = repository().join(".build/plugins/llm.wasm");
    let run = |arguments: &[&str], environment: Vec<(&'static str, String)>| {
        let mut command = tokio::process::Command::new(program());
        command.args(["plugin", "test", "--component"]).arg(&component).args(arguments);
        command.current_dir(repository().join("plugins/llm")).envs(environment);
        async move {
            let output = command.output().await.unwrap();
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            (output.status.success(), said + &String::from_utf8_lossy(&output.stderr))
        }
    };
    let at_model = || model.environment().into_iter().filter(|(name, _)| !name.ends_with("GRANTS")).collect();
    let (passed, said) = run(&["--grant", "llm"], at_model()).await;
    assert!(passed && said.contains("bill.txt ... ok"), "{said}");
    let (passed, said) = run(&[], at_model()).await;
    assert!(!passed && said.contains("`--grant llm`"), "{said}");
    let (passed, said) = run(&["--grant", "llm"], Vec::new()).await;
    assert!(!passed && said.contains("OCRIVA__PLUGINS__LLM__BASE_URL"), "{said}");
    assert_eq!(model.asked().len(), 1);
}
