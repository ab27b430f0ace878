//! Whether the server is alive, and whether it can work.

use axum::Json as Answer;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::Context;
use super::error::{ApiError, Code};

/// How the server is.
#[derive(Serialize, ToSchema)]
pub struct HealthResponse {
    /// Always `ok`: anything else is an error.
    status: &'static str,
}

/// Answers while the process runs.
#[utoipa::path(get, path = "/health/live", tag = "health", security(()),
    responses((status = 200, body = HealthResponse)))]
pub async fn live() -> Answer<HealthResponse> {
    Answer(HealthResponse { status: "ok" })
}

/// Answers while requests can be served: the database answers and the server is not stopping.
#[utoipa::path(get, path = "/health/ready", tag = "health", security(()),
    responses((status = 200, body = HealthResponse)))]
pub async fn ready(State(context): State<Context>) -> Result<Answer<HealthResponse>, ApiError> {
    if context.draining.is_cancelled() {
        return Err(ApiError::new(Code::Draining, "the server is stopping"));
    }
    context.store.ping().await.map_err(ApiError::unavailable)?;
    Ok(Answer(HealthResponse { status: "ok" }))
}
