//! The whole product as its users meet it: the program as a process, real models, real components, a socket.

use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use support::database::Engine;
use support::server::Installation;

/// Runs each of the named `async fn(Installation)` as a test on SQLite and on PostgreSQL.
macro_rules! on_both {
    ($($name:ident),* $(,)?) => {
        on_both!(@engine sqlite, Sqlite, $($name),*);
        on_both!(@engine postgres, Postgres, $($name),*);
    };
    (@engine $module:ident, $engine:ident, $($name:ident),*) => {
        mod $module {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    if let Some(installation) = super::Installation::new(super::Engine::$engine).await {
                        super::$name(installation).await;
                    }
                }
            )*
        }
    };
}

on_both!(
    documents_become_fields,
    a_killed_server_loses_nothing_and_doubles_nothing,
    the_pages_and_the_extractor_that_are_asked_for_are_used,
);

fn receipt_template() -> Value {
    json!({"name": "Receipt", "extractor": {"plugin": "receipt"}})
}

fn assert_located(field: &Value) {
    assert!(field["confidence"].as_f64().unwrap() > 0.5, "{field}");
    assert_eq!(field["page"], 1, "{field}");
    let bbox = field["box"].as_array().unwrap();
    assert_eq!(bbox.len(), 4, "{field}");
    assert!(bbox[0].as_f64() < bbox[2].as_f64() && bbox[1].as_f64() < bbox[3].as_f64(), "{field}");
}

async fn documents_become_fields(installation: Installation) {
    let server = installation.start();
    let receipt = server.create_template(receipt_template()).await;
    let invoice =
        server.create_template(json!({"name": "Invoice", "extractor": {"plugin": "invoice"}})).await;
    let asked = server
        .create_template(json!({"name": "Asked", "templateSchema": {
            "invoice_number": {"type": "string", "description": "Number of the invoice"},
            "total": {"type": "number", "description": "Total amount"},
            "passport_number": {"type": "string", "description": "Number of a passport"},
        }}))
        .await;

    let photo = server.upload("receipt_photo.jpg", Some(&receipt)).await;
    let pdf = server.upload("invoice.pdf", Some(&invoice)).await;
    let by_schema = server.upload("invoice.pdf", Some(&asked)).await;
    let pages = server.upload("receipt_three_pages.tif", None).await;
    let encrypted = server.upload("encrypted_aes256.pdf", Some(&invoice)).await;

    let photo = server.finished(&photo).await;
    assert_eq!(photo["status"], "completed", "{photo}");
    assert_eq!(photo["result"]["data"]["total"], 39.9, "{}", photo["result"]["fields"]);
    assert_located(&photo["result"]["fields"]["total"]);
    assert_eq!(photo["extractor"]["plugin"], "receipt");

    let pdf = server.finished(&pdf).await;
    assert_eq!(pdf["status"], "completed", "{pdf}");
    let data = &pdf["result"]["data"];
    assert_eq!(data["total"], 571.04, "{data}");
    assert_eq!(data["invoiceDate"], "2020-11-21", "{data}");
    assert_eq!(data["invoiceNumber"], "RE-20201121/508", "{data}");
    assert_located(&pdf["result"]["fields"]["total"]);
    assert_eq!(pdf["result"]["pages"][0]["source"], "text_layer");

    let by_schema = server.finished(&by_schema).await;
    let data = &by_schema["result"]["data"];
    assert_eq!(by_schema["extractor"]["plugin"], "fields");
    assert_eq!(data, &json!({"invoice_number": "RE-20201121/508", "total": 571.04, "passport_number": null}));

    let pages = server.finished(&pages).await;
    assert_eq!(pages["pageCount"], 3, "{pages}");
    assert_eq!(pages["extractor"]["plugin"], "text");
    assert_eq!(pages["result"]["pages"][1]["rotation"], 180);
    assert!(pages["result"]["text"].as_str().unwrap().matches("39.90").count() >= 2);

    let encrypted = server.finished(&encrypted).await;
    assert_eq!(encrypted["status"], "failed");
    assert!(encrypted["error"].to_string().contains("password"), "{encrypted}");
    assert_eq!(encrypted["attempts"], 1, "an encrypted document is not tried again");
    assert!(server.terminate().await);
}

async fn a_killed_server_loses_nothing_and_doubles_nothing(installation: Installation) {
    let mut server = installation.start();
    let receipt = server.create_template(receipt_template()).await;
    let mut ids = Vec::new();
    for _ in 0..6 {
        ids.push(server.upload("receipt.jpg", Some(&receipt)).await);
        ids.push(server.upload("invoice.pdf", None).await);
    }
    for round in 0..3 {
        // Somewhere in the middle: as soon as a few more are done than in the round before.
        while completed(&server, &ids).await < 1 + round * 2 {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        server.kill();
        server = installation.start();
    }
    for id in &ids {
        let record = server.finished(id).await;
        assert_eq!(record["status"], "completed", "{record}");
    }
    let project = server.credentials["projectId"].as_str().unwrap();
    let all = server.get(&format!("/processing-history?projectId={project}&limit=100")).await;
    assert_eq!(all["pagination"]["total"], ids.len(), "each document is there once");
}

/// Uploads a fixture with more fields, and returns the answer that waited for the result.
async fn upload_and_wait(server: &support::server::Server<'_>, name: &str, fields: &[(&str, &str)]) -> Value {
    let credential = |key: &str| server.credentials[key].as_str().unwrap().to_owned();
    let mut form = Form::new()
        .part("file", Part::bytes(support::fixture(name)).file_name(name.to_owned()))
        .text("fileName", name.to_owned())
        .text("fileType", "pdf")
        .text("projectId", credential("projectId"));
    for (field, value) in fields {
        form = form.text((*field).to_owned(), (*value).to_owned());
    }
    let path = format!("/upload/{}/file", credential("organizationId"));
    let request = server.request(reqwest::Method::POST, &path).header("Prefer", "wait=60").multipart(form);
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 201);
    answer.json().await.unwrap()
}

async fn the_pages_and_the_extractor_that_are_asked_for_are_used(installation: Installation) {
    let server = installation.start();
    let one = upload_and_wait(&server, "text_and_scan.pdf", &[("pageRange", r#"{"from":1,"to":1}"#)]).await;
    assert_eq!(one["processingStatus"], "completed", "{one}");
    let pages: Vec<&Value> =
        one["result"]["pages"].as_array().unwrap().iter().map(|page| &page["page"]).collect();
    assert_eq!(pages, [1]);
    assert_eq!(server.record(one["id"].as_str().unwrap()).await["pageCount"], 3, "of the whole document");

    let outside = upload_and_wait(&server, "invoice.pdf", &[("pageRange", r#"{"from":4,"to":5}"#)]).await;
    assert_eq!(
        (&outside["processingStatus"], &outside["error"]["code"]),
        (&json!("failed"), &json!("decode.no_such_page"))
    );
    let message = outside["error"]["message"].as_str().unwrap();
    assert_eq!(message, "document has 1 pages, page 4 does not exist");

    let cut = upload_and_wait(&server, "invoice.pdf", &[("pageRange", r#"{"from":1,"to":9}"#)]).await;
    assert_eq!(cut["processingStatus"], "completed", "{cut}");
    assert_eq!(cut["result"]["warnings"][0]["code"], "page_range_cut", "{}", cut["result"]["warnings"]);

    let id = cut["id"].as_str().unwrap();
    assert_eq!(server.record(id).await["extractor"]["plugin"], "text");
    let path = format!("/processing-history/{id}/reprocess");
    let asked = json!({"extractor": {"plugin": "invoice"}});
    let again = server.request(reqwest::Method::POST, &path).json(&asked).send().await.unwrap();
    assert_eq!(again.status(), 200);
    let again = server.finished(id).await;
    assert_eq!((&again["extractor"]["plugin"], &again["attempts"]), (&json!("invoice"), &json!(2)));
    assert_eq!(again["result"]["data"]["total"], 571.04, "{again}");
}

async fn completed(server: &support::server::Server<'_>, ids: &[String]) -> usize {
    let project = server.credentials["projectId"].as_str().unwrap();
    let page = server.get(&format!("/processing-history?projectId={project}&status=completed")).await;
    page["pagination"]["total"].as_u64().map_or(ids.len(), |total| total as usize)
}

#[tokio::test]
async fn the_first_start_writes_credentials_that_only_their_owner_can_read() {
    let installation = Installation::new(Engine::Sqlite).await.unwrap();
    let server = installation.start();
    for key in ["organizationId", "projectId", "email", "password", "apiToken"] {
        let value = server.credentials[key].as_str().unwrap();
        assert!(server.greeting.contains(value), "`{key}` is printed once");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let file = installation.data().join("credentials.json");
        assert_eq!(std::fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let login = json!({"email": server.credentials["email"], "password": server.credentials["password"]});
    let answer = server.request(reqwest::Method::POST, "/auth/login").json(&login).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let token = server.credentials["apiToken"].clone();
    server.kill();

    let again = installation.start();
    assert_eq!(again.credentials["apiToken"], token);
    assert!(!again.greeting.contains(token.as_str().unwrap()), "a token is shown once");
    assert_eq!(again.get("/projects").await.as_array().unwrap().len(), 1);
}
