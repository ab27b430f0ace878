//! The log of a webhook's deliveries: what was sent, what came back, and sending it again.

use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::Context;
use super::access::{Face, ManageWebhooks, Permit};
use super::error::{ApiError, Code};
use super::extract::{Id, Path, Query};
use super::paging::{PageLimit, PageNumber, PageResponse, page};
use super::templates::unknown_word;
use super::webhooks::{inactive, unknown};
use crate::domain::timestamp::Timestamp;
use crate::domain::webhook::{Delivery, DeliveryAttempt, DeliveryState, Resending};
use crate::webhooks::envelope;

/// An event on its way to a webhook.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeliveryResponse {
    id: String,
    webhook_id: String,
    /// The event's id, the same for every attempt.
    #[schema(example = "evt_1767225600000_4k2xq9")]
    event_id: String,
    #[schema(example = "document.processed")]
    event_type: &'static str,
    #[schema(value_type = DeliveryState)]
    status: &'static str,
    /// How often it was tried.
    attempt_count: u32,
    /// When it is tried next; null once it is delivered or given up.
    next_attempt_at: Option<String>,
    created_at: String,
    finished_at: Option<String>,
}

/// A delivery with all that is known of it.
#[derive(Serialize, ToSchema)]
pub struct DeliveryRecordResponse {
    #[serde(flatten)]
    delivery: DeliveryResponse,
    /// The body that is sent.
    #[schema(value_type = Object)]
    body: Value,
    /// Every attempt, oldest first.
    attempts: Vec<AttemptResponse>,
}

/// An attempt at a delivery.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct AttemptResponse {
    /// From 1.
    attempt: u32,
    started_at: String,
    /// Null while it is under way, and where the server was stopped in the middle of it.
    duration_ms: Option<u64>,
    /// HTTP status of the receiver's answer.
    response_status: Option<u16>,
    /// First 2048 bytes of the receiver's answer.
    response_body: Option<String>,
    /// Why it did not count as delivered.
    error: Option<AttemptError>,
}

/// Why an attempt failed.
#[derive(Serialize, ToSchema)]
struct AttemptError {
    /// `status`, `redirect`, `timeout`, `connection`, `address_refused` or `secret`.
    code: String,
    /// A sentence for people.
    message: String,
}

/// Which deliveries a list shows.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct DeliveriesQuery {
    /// Only those that are so far.
    #[param(value_type = Option<DeliveryState>, inline)]
    status: Option<String>,
    /// From 1.
    #[param(value_type = Option<u32>, minimum = 1)]
    page: Option<PageNumber>,
    /// Deliveries per page, by default 20.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Option<PageLimit>,
}

/// Lists the deliveries of a webhook, newest first. They are kept as long as events are, by default 30 days.
#[utoipa::path(get, path = "/webhooks/{id}/deliveries", tag = "webhooks",
    params(("id" = String, Path), DeliveriesQuery),
    responses((status = 200, body = PageResponse<DeliveryResponse>)))]
pub async fn list_deliveries(
    permit: Permit<ManageWebhooks>,
    face: Face,
    State(context): State<Context>,
    Path(id): Path<Id>,
    Query(query): Query<DeliveriesQuery>,
) -> Result<Answer<PageResponse<DeliveryResponse>>, ApiError> {
    let page = page(query.page, query.limit, face);
    let state = match query.status.as_deref() {
        None | Some("") => None,
        Some(word) => {
            Some(DeliveryState::parse(word).ok_or_else(|| unknown_word("status", word, DeliveryState::ALL))?)
        }
    };
    let listing = context.store.list_deliveries(&permit.caller.tenant(), &id.0, state, page).await?;
    let listing = listing.ok_or_else(|| unknown(&id))?;
    let deliveries = listing.items.into_iter().map(DeliveryResponse::from).collect();
    Ok(Answer(PageResponse::new(deliveries, page, listing.total)))
}

/// Shows a delivery with what is sent and every attempt.
#[utoipa::path(get, path = "/webhooks/{id}/deliveries/{deliveryId}", tag = "webhooks",
    params(("id" = String, Path), ("deliveryId" = String, Path)),
    responses((status = 200, body = DeliveryRecordResponse)))]
pub async fn get_delivery(
    permit: Permit<ManageWebhooks>,
    State(context): State<Context>,
    Path((id, delivery_id)): Path<(Id, Id)>,
) -> Result<Answer<DeliveryRecordResponse>, ApiError> {
    let record = context.store.delivery(&permit.caller.tenant(), &id.0, &delivery_id.0).await?;
    let record = record.ok_or_else(|| unknown_delivery(&delivery_id))?;
    Ok(Answer(DeliveryRecordResponse {
        delivery: record.delivery.into(),
        body: envelope(&record.event, &context.config.public_url()),
        attempts: record.attempts.into_iter().map(AttemptResponse::from).collect(),
    }))
}

/// Sends a delivery again, at once and with the same `eventId`, whatever became of it before.
#[utoipa::path(post, path = "/webhooks/{id}/deliveries/{deliveryId}/resend", tag = "webhooks",
    params(("id" = String, Path), ("deliveryId" = String, Path)),
    responses((status = 202, body = DeliveryResponse)))]
pub async fn resend_delivery(
    permit: Permit<ManageWebhooks>,
    State(context): State<Context>,
    Path((id, delivery_id)): Path<(Id, Id)>,
) -> Result<(StatusCode, Answer<DeliveryResponse>), ApiError> {
    let caller = permit.caller;
    let tenant = caller.tenant();
    match context.store.resend_delivery(&caller.actor, &tenant, &id.0, &delivery_id.0).await? {
        Resending::Accepted(delivery) => Ok((StatusCode::ACCEPTED, Answer((*delivery).into()))),
        Resending::UnderWay => {
            Err(ApiError::new(Code::DeliveryUnderWay, "the delivery is just being sent; look again shortly"))
        }
        Resending::Inactive(status) => Err(inactive(status)),
        Resending::NotFound => Err(unknown_delivery(&delivery_id)),
    }
}

fn unknown_delivery(Id(id): &Id) -> ApiError {
    ApiError::new(Code::DeliveryUnknown, format!("there is no delivery `{id}` of this webhook"))
}

impl From<Delivery> for DeliveryResponse {
    fn from(delivery: Delivery) -> Self {
        let is_pending = delivery.state == DeliveryState::Pending;
        Self {
            id: delivery.id,
            webhook_id: delivery.webhook_id,
            event_id: delivery.event_id,
            event_type: delivery.kind.as_str(),
            status: delivery.state.as_str(),
            attempt_count: delivery.attempts,
            next_attempt_at: is_pending.then(|| delivery.due_at.to_iso()),
            created_at: delivery.created_at.to_iso(),
            finished_at: delivery.finished_at.map(Timestamp::to_iso),
        }
    }
}

impl From<DeliveryAttempt> for AttemptResponse {
    fn from(attempt: DeliveryAttempt) -> Self {
        let (attempt, started_at, answer) = (attempt.number, attempt.started_at.to_iso(), attempt.answer);
        let Some(answer) = answer else {
            let (duration_ms, response_status, response_body) = (None, None, None);
            return Self { attempt, started_at, duration_ms, response_status, response_body, error: None };
        };
        Self {
            attempt,
            started_at,
            duration_ms: Some(answer.duration_ms),
            response_status: answer.status,
            response_body: answer.body,
            error: answer
                .failure
                .map(|failure| AttemptError { code: failure.code, message: failure.message }),
        }
    }
}
