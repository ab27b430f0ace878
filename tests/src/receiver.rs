//! A receiver of webhooks on loopback that behaves as a test wants, and remembers what it got.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use futures::stream;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// What the receiver does with a request.
#[derive(Debug, Clone)]
pub enum Behaviour {
    /// Answers with this status.
    Status(u16),
    /// Answers 503 and wants to be asked again after this many seconds.
    Busy(u32),
    /// Sends the caller elsewhere.
    Redirect(String),
    /// Takes the request and never answers.
    Hang,
    /// Answers 200 with a body that does not end.
    Endless,
}

/// A request that arrived.
#[derive(Debug, Clone)]
pub struct Received {
    /// Path and query.
    pub uri: Uri,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body as it came.
    pub body: Bytes,
}

/// A running receiver; stops when it is dropped.
pub struct Receiver {
    /// `http://127.0.0.1:port`.
    pub url: String,
    state: Arc<Mutex<Memory>>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Memory {
    received: Vec<Received>,
    /// What to do next; 200 once there is nothing left.
    planned: VecDeque<Behaviour>,
}

impl Receiver {
    /// Starts one that answers 200.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("there is a free port");
        let url = format!("http://{}", listener.local_addr().expect("the listener has an address"));
        let state = Arc::<Mutex<Memory>>::default();
        let router = Router::new().fallback(take).with_state(Arc::clone(&state));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.expect("it serves") });
        Self { url, state, task }
    }

    /// Plans what to do with the next requests.
    pub fn plan(&self, behaviours: impl IntoIterator<Item = Behaviour>) {
        self.state.lock().expect("nobody panics with it").planned.extend(behaviours);
    }

    /// What has arrived so far.
    pub fn received(&self) -> Vec<Received> {
        self.state.lock().expect("nobody panics with it").received.clone()
    }

    /// Waits until `count` requests have arrived, and answers with all that have.
    #[track_caller]
    pub fn wait_for(&self, count: usize) -> impl Future<Output = Vec<Received>> + '_ {
        let caller = std::panic::Location::caller();
        async move {
            for _ in 0..3000 {
                let received = self.received();
                if received.len() >= count {
                    return received;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            panic!("{caller}: {} requests arrived, not {count}", self.received().len());
        }
    }
}

impl Received {
    /// A header as text; empty where it is missing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("the header is text"))
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("the body is JSON")
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn take(
    State(state): State<Arc<Mutex<Memory>>>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let behaviour = {
        let mut memory = state.lock().expect("nobody panics with it");
        memory.received.push(Received { uri, headers, body });
        memory.planned.pop_front().unwrap_or(Behaviour::Status(200))
    };
    match behaviour {
        Behaviour::Status(status) => {
            let status = StatusCode::from_u16(status).expect("the test knows its statuses");
            (status, format!("answered {status}")).into_response()
        }
        Behaviour::Busy(seconds) => {
            (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, seconds.to_string())]).into_response()
        }
        Behaviour::Redirect(to) => (StatusCode::FOUND, [(header::LOCATION, to)]).into_response(),
        Behaviour::Hang => std::future::pending().await,
        Behaviour::Endless => {
            let chunks =
                std::iter::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from_static(&[b'x'; 4096])));
            Body::from_stream(stream::iter(chunks)).into_response()
        }
    }
}
