//! Server-sent events of documents and batches, read from the socket as a browser does.

use std::time::Duration;

use ocriva::domain::audit::Actor;
use ocriva::domain::document::AttemptProgress;
use ocriva::domain::organization::Role;
use reqwest::multipart::{Form, Part};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use support::api::{TestApi, bearer, png, text};
use support::database::Engine;
use support::over_http;
use support::store::{LEASE, processed};

over_http!(
    a_document_is_followed_to_its_end,
    a_client_that_comes_back_is_told_what_it_missed,
    a_batch_is_followed_to_its_end,
    a_failure_is_told_with_its_reason,
    who_may_not_hear_more_is_told_no_more,
);

/// An event as it came.
#[derive(Debug)]
struct Event {
    name: String,
    id: String,
    data: Value,
}

/// A stream that is being read.
struct Stream {
    response: Response,
    unread: String,
}

impl Stream {
    async fn open(api: &TestApi, path: &str, last: Option<&str>) -> Self {
        Self::open_as(api, path, last, &api.token).await
    }

    async fn open_as(api: &TestApi, path: &str, last: Option<&str>, credential: &str) -> Self {
        let mut request = bearer(api.request(Method::GET, path), credential);
        if let Some(last) = last {
            request = request.header("Last-Event-ID", last);
        }
        Self { response: request.send().await.unwrap(), unread: String::new() }
    }

    /// The next event; `None` where the stream ends.
    async fn next(&mut self) -> Option<Event> {
        loop {
            while let Some((block, rest)) = self.unread.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.unread = rest;
                let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name));
                if let Some(name) = field("event: ") {
                    return Some(Event {
                        name: name.to_owned(),
                        id: field("id: ").expect("an event has an id").to_owned(),
                        data: serde_json::from_str(field("data: ").expect("an event has data")).unwrap(),
                    });
                }
            }
            let chunk = self.response.chunk().await.expect("the stream ends well")?;
            self.unread.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    async fn expect(&mut self, name: &str) -> Event {
        let event = self.next().await.unwrap_or_else(|| panic!("the stream ended before `{name}`"));
        assert_eq!(event.name, name, "{event:?}");
        event
    }
}

async fn a_document_is_followed_to_its_end(api: TestApi) {
    let id = text(&api.upload("a.png").await["id"]);
    for prefix in ["", "/v1/openapi"] {
        let mut stream = Stream::open(&api, &format!("{prefix}/processing-history/{id}/events"), None).await;
        assert_eq!(stream.response.headers()["content-type"], "text/event-stream");
        assert_eq!(stream.expect("status").await.data["status"], "pending");
    }
    let mut stream = Stream::open(&api, &format!("/processing-history/{id}/events"), None).await;
    stream.expect("status").await;
    api.base.store.dispatch(1, 100).await.unwrap();
    assert_eq!(stream.expect("status").await.data["status"], "queued");
    let attempt = api.base.start("worker").await;
    assert_eq!(stream.expect("status").await.data["status"], "in_progress");
    let progress = AttemptProgress { percent: 45, pages_read: Some(2), page_count: Some(4) };
    api.base.store.beat(&attempt, LEASE, progress).await.unwrap();
    let told = stream.expect("progress").await.data;
    assert_eq!(
        (&told["progress"], &told["pagesRead"], &told["pageCount"]),
        (&json!(45), &json!(2), &json!(4))
    );
    api.base.store.complete_attempt(&attempt, &processed("done")).await.unwrap();
    let end = stream.expect("completed").await;
    assert_eq!((&end.data["id"], &end.data["progress"]), (&json!(id), &json!(100)));
    assert!(stream.next().await.is_none(), "the final event is the last one");
    let again = Stream::open(&api, &format!("/processing-history/{id}/events"), Some(&end.id)).await;
    assert_eq!(again.response.status(), 204, "a browser does not come back after that");
    let unknown = "/processing-history/0192f3a4-5b6c-7d8e-9f01-23456789abcd/events";
    api.get(unknown, &api.token).await.assert_error(404, "document.unknown");
}

async fn a_client_that_comes_back_is_told_what_it_missed(api: TestApi) {
    let id = text(&api.upload("a.png").await["id"]);
    let path = format!("/processing-history/{id}/events");
    let first = Stream::open(&api, &path, None).await.expect("status").await;
    let mut silent = Stream::open(&api, &path, Some(&first.id)).await;
    api.base.store.dispatch(1, 100).await.unwrap();
    assert_eq!(silent.expect("status").await.data["status"], "queued", "it was told the rest already");
    drop(silent);
    let attempt = api.base.start("worker").await;
    api.base.store.complete_attempt(&attempt, &processed("done")).await.unwrap();
    let mut back = Stream::open(&api, &path, Some(&first.id)).await;
    back.expect("completed").await;
    assert!(back.next().await.is_none());
    // An id that is not ours is as none.
    Stream::open(&api, &path, Some("abc")).await.expect("completed").await;
}

async fn a_batch_is_followed_to_its_end(api: TestApi) {
    let form = Form::new()
        .text("projectId", api.project())
        .part("files", Part::bytes(png()).file_name("a.png"))
        .part("files", Part::bytes(png()).file_name("b.png"))
        .part("files", Part::bytes(b"MZ\x90\0".to_vec()).file_name("c.png"));
    let batch = api.submit(&api.batch_path(), &api.token, form).await.body;
    let path = format!("/batch/{}/events", text(&batch["id"]));
    let mut stream = Stream::open(&api, &path, None).await;
    let mut told = Vec::new();
    for _ in 0..3 {
        told.push(stream.expect("document").await.data["status"].clone());
    }
    assert_eq!(told, ["pending", "pending", "failed"]);
    let numbers = stream.expect("progress").await;
    assert_eq!((&numbers.data["failedFiles"], &numbers.data["progress"]), (&json!(1), &json!(33)));
    for _ in 0..2 {
        api.base.store.dispatch(1, 100).await.unwrap();
        let attempt = api.base.start("worker").await;
        api.base.store.complete_attempt(&attempt, &processed("done")).await.unwrap();
    }
    let mut finished = 0;
    let end = loop {
        let event = stream.next().await.expect("the stream goes on to its final event");
        match event.name.as_str() {
            "document" => finished += usize::from(event.data["status"] == "completed"),
            "progress" => {}
            _ => break event,
        }
    };
    assert_eq!((finished, end.name.as_str()), (2, "completed"));
    assert_eq!((&end.data["completedFiles"], &end.data["progress"]), (&json!(2), &json!(100)));
    assert!(stream.next().await.is_none());
    assert_eq!(Stream::open(&api, &path, Some(&end.id)).await.response.status(), 204);
    let mut back = Stream::open(&api, &path, Some(&numbers.id)).await;
    while back.expect_either("document", "completed").await == "document" {}
}

impl Stream {
    async fn expect_either(&mut self, one: &str, other: &str) -> String {
        let event = self.next().await.expect("the stream goes on");
        assert!(event.name == one || event.name == other, "{event:?}");
        event.name
    }
}

async fn a_failure_is_told_with_its_reason(api: TestApi) {
    let attempt = api.base.upload_and_start().await;
    let path = format!("/processing-history/{}/events", attempt.document.id);
    let mut stream = Stream::open(&api, &path, None).await;
    stream.expect("status").await;
    let failure =
        ocriva::domain::document::Failure { code: "x".to_owned(), message: "for a reason".to_owned() };
    api.base.store.fail_attempt(&attempt, &failure).await.unwrap();
    let told = stream.expect("failed").await;
    assert_eq!(told.data["error"], json!({"code": "x", "message": "for a reason"}));
    let other = api.base.upload(&api.base.tenant(), &api.base.new_document()).await;
    let path = format!("/processing-history/{}/events", other.id);
    let mut stream = Stream::open(&api, &path, None).await;
    stream.expect("status").await;
    api.base.store.cancel_document(&Actor::system(), &api.base.tenant(), &other.id).await.unwrap();
    stream.expect("cancelled").await;
    assert!(stream.next().await.is_none());
}

async fn who_may_not_hear_more_is_told_no_more(api: TestApi) {
    let attempt = api.base.upload_and_start().await;
    let access = api.access_token(Role::Member).await;
    let path = format!("/processing-history/{}/events", attempt.document.id);
    let mut stream = Stream::open_as(&api, &path, None, &access).await;
    stream.expect("status").await;
    let closed = json!({"access": "members"});
    let project = api.patch(&format!("/projects/{}", api.project()), &api.token, &closed).await;
    assert_eq!(project.status, 200, "{project:?}");
    let read_on = async {
        for percent in (1..=99).cycle() {
            let progress = AttemptProgress { percent, pages_read: Some(1), page_count: Some(4) };
            api.base.store.beat(&attempt, LEASE, progress).await.unwrap();
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let told = async { while stream.next().await.is_some() {} };
    tokio::select! {
        () = told => {}
        () = read_on => {}
        () = tokio::time::sleep(Duration::from_secs(20)) => panic!("the stream goes on"),
    }
    api.get(&path, &access).await.assert_error(404, "document.unknown");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_ends_when_the_server_stops_and_after_its_time() {
    let api = TestApi::with(Engine::Sqlite, |config| config.server.event_stream_seconds = 1).await.unwrap();
    let id = text(&api.upload("a.png").await["id"]);
    let path = format!("/processing-history/{id}/events");
    let mut stream = Stream::open(&api, &path, None).await;
    stream.expect("status").await;
    assert!(stream.next().await.is_none(), "a second has passed");
    let api = TestApi::with(Engine::Sqlite, |config| config.server.event_stream_seconds = 900).await.unwrap();
    let id = text(&api.upload("a.png").await["id"]);
    let mut stream = Stream::open(&api, &format!("/processing-history/{id}/events"), None).await;
    stream.expect("status").await;
    api.draining.cancel();
    let ended = tokio::time::timeout(Duration::from_secs(20), stream.next()).await;
    assert!(ended.expect("the stream ends").is_none());
}
