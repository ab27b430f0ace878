//! Answers to clients that are still sending.
//!
//! A connection that is closed while its client still sends is reset, and a client that only looks for the answer when
//! it has sent all never sees it. So an upload that was refused early is answered at once, and then read on and thrown
//! away for a while before the answer ends.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, BodyDataStream, Bytes, HttpBody as _};
use axum::extract::Request;
use axum::http::header;
use axum::response::Response;
use futures::{Stream, StreamExt as _, stream};

/// How long an answer may stay open for a client that goes on sending.
const LONGEST: Duration = Duration::from_secs(10);

/// How much of what it sends is thrown away meanwhile.
const MOST_BYTES: usize = 64 * 1024 * 1024;

/// How long it stays open for one that has stopped.
const IDLE: Duration = Duration::from_millis(500);

/// A request's body, of which more can be read when its handler is done with it.
#[derive(Clone)]
pub struct Rest {
    body: Arc<Mutex<BodyDataStream>>,
}

/// Keeps hold of a request's body; `None` where there is none, or where the client waits to be asked for it.
pub fn hold(request: &mut Request) -> Option<Rest> {
    if request.body().is_end_stream() || request.headers().contains_key(header::EXPECT) {
        return None;
    }
    let body = std::mem::take(request.body_mut()).into_data_stream();
    let rest = Rest { body: Arc::new(Mutex::new(body)) };
    *request.body_mut() = Body::from_stream(rest.clone());
    Some(rest)
}

impl Rest {
    /// The same answer, open until the client has sent all, has stopped, or has had its share.
    pub fn linger(self, response: Response) -> Response {
        if self.body.lock().unwrap_or_else(PoisonError::into_inner).is_end_stream() {
            return response;
        }
        let (mut head, body) = response.into_parts();
        // Its length would end the answer as soon as it is written.
        head.headers.remove(header::CONTENT_LENGTH);
        let told = body.into_data_stream();
        let waited = stream::once(self.discard()).filter_map(async |()| None);
        Response::from_parts(head, Body::from_stream(told.chain(waited)))
    }

    async fn discard(mut self) {
        let mut discarded = 0_usize;
        let reading = async {
            while let Ok(Some(Ok(chunk))) = tokio::time::timeout(IDLE, self.next()).await {
                discarded += chunk.len();
                if discarded > MOST_BYTES {
                    break;
                }
            }
        };
        // Either way it is over.
        let _ = tokio::time::timeout(LONGEST, reading).await;
    }
}

impl Stream for Rest {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.body.lock().unwrap_or_else(PoisonError::into_inner).poll_next_unpin(context)
    }
}
