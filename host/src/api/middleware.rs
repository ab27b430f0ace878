//! What happens around every request: its id, its log line, its error body, and 503 while the server stops.

use std::any::Any;
use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tracing::Instrument;

use super::access::CallerAddress;
use super::error::{ApiError, Code, render};
use super::{Context, linger};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// How long a request without files may take.
const REQUEST_TIME: Duration = Duration::from_secs(60);

/// Longest request id that is taken from a client.
const MAX_REQUEST_ID: usize = 128;

/// Gives the request its id and its log line, and an answer outside 2xx its body. The outermost layer.
pub async fn observe(State(context): State<Context>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let request_id = request_id(request.headers(), &context);
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let span = tracing::info_span!("request", request_id, %method, path);
    let address = CallerAddress::of(&request, &context.config.server.trusted_proxies);
    request.extensions_mut().insert(address);
    let rest = linger::hold(&mut request);
    async move {
        let mut response = next.run(request).await;
        if response.status().is_client_error() || response.status().is_server_error() {
            response = render(response, &request_id, &method, &path);
            response = match rest {
                Some(rest) => rest.linger(response),
                None => response,
            };
        }
        let elapsed_ms = started.elapsed().as_secs_f64() * 1000.0;
        tracing::info!(status = response.status().as_u16(), elapsed_ms, "answered");
        let headers = response.headers_mut();
        if let Ok(value) = HeaderValue::from_str(&request_id) {
            headers.insert(REQUEST_ID, value);
        }
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        response
    }
    .instrument(span)
    .await
}

/// Turns requests away while the server stops; health stays visible.
pub async fn refuse_while_draining(State(context): State<Context>, request: Request, next: Next) -> Response {
    if context.draining.is_cancelled() && !request.uri().path().starts_with("/health/") {
        return ApiError::new(Code::Draining, "the server is stopping; try again shortly").into_response();
    }
    next.run(request).await
}

/// Ends a request that takes too long; uploads have limits of their own.
pub async fn limit_time(request: Request, next: Next) -> Response {
    match tokio::time::timeout(REQUEST_TIME, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            let seconds = REQUEST_TIME.as_secs();
            ApiError::new(Code::RequestTimeout, format!("the request took longer than {seconds} s"))
                .into_response()
        }
    }
}

/// The answer to a request whose handler panicked.
pub fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no text");
    ApiError::internal(Panic(text.to_owned())).into_response()
}

#[derive(Debug, thiserror::Error)]
#[error("handler panicked: {0}")]
struct Panic(String);

/// The client's request id where it is short and plain enough for headers and logs, else a new one.
fn request_id(headers: &HeaderMap, context: &Context) -> String {
    headers
        .get(REQUEST_ID)
        .and_then(|value| value.to_str().ok())
        .filter(|id| !id.is_empty() && id.len() <= MAX_REQUEST_ID)
        .filter(|id| id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)))
        .map_or_else(|| context.clock.new_id(), str::to_owned)
}
