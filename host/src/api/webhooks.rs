//! Webhooks: who is told of events, what it is signed with, and whether it works.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Context;
use super::access::{Caller, Face, ManageWebhooks, Permit};
use super::deliveries::DeliveryResponse;
use super::error::{ApiError, Code};
use super::extract::{Id, Json, Path, Query, double_option, shown};
use super::paging::{PageLimit, PageNumber, PageResponse, page};
use super::templates::unknown_word;
use crate::domain::event::EventKind;
use crate::domain::timestamp::Timestamp;
use crate::domain::webhook::{NewWebhook, Trial, Webhook, WebhookChanges, WebhookStatus};
use crate::webhooks;

const MAX_NAME: usize = 200;
const MAX_DESCRIPTION: usize = 2000;

/// Hours for which a replaced secret signs beside the new one, where nothing else is asked for.
const DEFAULT_OVERLAP_HOURS: u32 = 24;

/// Most hours of overlap: a week.
const MAX_OVERLAP_HOURS: u32 = 168;

/// A webhook.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WebhookResponse {
    id: String,
    organization_id: String,
    /// The project whose events it gets; null for those of every project.
    project_id: Option<String>,
    name: String,
    description: Option<String>,
    #[schema(example = "https://example.org/ocriva")]
    url: String,
    /// What it is told of.
    #[schema(example = json!(["document.processed", "document.failed"]))]
    events: Vec<&'static str>,
    /// Headers that are sent along, names in lower case.
    custom_headers: BTreeMap<String, String>,
    /// What deliveries are signed with. Shown when the webhook is made and when its secret is rotated, else null.
    secret: Option<String>,
    /// Until when deliveries are also signed with the secret before.
    previous_secret_expires_at: Option<String>,
    /// `active`, `paused` or `disabled`.
    status: &'static str,
    /// Since when every delivery has failed; null while it works.
    failing_since: Option<String>,
    last_delivered_at: Option<String>,
    created_at: String,
    updated_at: String,
}

/// A new webhook.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "name": "Accounting", "url": "https://example.org/ocriva", "events": ["document.processed", "document.failed"],
}))]
pub struct CreateWebhookRequest {
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// Where events are sent by POST: `http` or `https`, a public address.
    #[schema(example = "https://example.org/ocriva")]
    url: String,
    /// What is told.
    #[schema(value_type = Vec<EventKind>, min_items = 1, example = json!(["document.processed", "document.failed"]))]
    events: Vec<String>,
    /// What deliveries are signed with, 16 to 200 visible ASCII characters; made by the server where it is left out.
    #[schema(pattern = "^[!-~]{16,200}$")]
    secret: Option<String>,
    /// Headers to send along, such as a credential of the receiver.
    custom_headers: Option<BTreeMap<String, String>>,
    description: Option<String>,
    /// Only events of this project; with an organization's credential all projects' where it is left out.
    #[schema(value_type = Option<String>)]
    project_id: Option<Id>,
    /// `active` unless set.
    #[schema(value_type = Option<WebhookStatus>)]
    status: Option<String>,
}

/// Changes of a webhook; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"status": "paused"}))]
pub struct UpdateWebhookRequest {
    #[schema(min_length = 1, max_length = 200)]
    name: Option<String>,
    url: Option<String>,
    /// Replaces all of them.
    #[schema(value_type = Option<Vec<EventKind>>, min_items = 1)]
    events: Option<Vec<String>>,
    /// Replaces all of them; null removes them.
    #[serde(default, deserialize_with = "double_option")]
    #[schema(value_type = Option<BTreeMap<String, String>>)]
    custom_headers: Option<Option<BTreeMap<String, String>>>,
    /// Null removes it.
    #[serde(default, deserialize_with = "double_option")]
    #[schema(value_type = Option<String>)]
    description: Option<Option<String>>,
    /// `active`; `paused`: deliveries wait; `disabled`: none are made.
    #[schema(value_type = Option<WebhookStatus>)]
    status: Option<String>,
}

/// A new secret.
#[derive(Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"overlapHours": 24}))]
pub struct RotateSecretRequest {
    /// 16 to 200 visible ASCII characters; made by the server where it is left out.
    #[schema(pattern = "^[!-~]{16,200}$")]
    secret: Option<String>,
    /// Hours for which deliveries are also signed with the secret before: by default 24, at most 168.
    #[schema(minimum = 0, maximum = 168)]
    overlap_hours: Option<u32>,
}

/// Which webhooks a list shows.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct WebhooksQuery {
    /// Only those of this project.
    #[param(value_type = Option<String>)]
    project_id: Option<Id>,
    /// From 1.
    #[param(value_type = Option<u32>, minimum = 1)]
    page: Option<PageNumber>,
    /// Webhooks per page, by default 20.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Option<PageLimit>,
}

/// Lists webhooks, newest first. With an organization's credential and no project: all of the organization's.
#[utoipa::path(get, path = "/webhooks", tag = "webhooks", params(WebhooksQuery),
    responses((status = 200, body = PageResponse<WebhookResponse>)))]
pub async fn list_webhooks(
    permit: Permit<ManageWebhooks>,
    face: Face,
    State(context): State<Context>,
    Query(query): Query<WebhooksQuery>,
) -> Result<Answer<PageResponse<WebhookResponse>>, ApiError> {
    let page = page(query.page, query.limit, face);
    let tenant = permit.caller.tenant_in(&context.store, query.project_id.as_ref()).await?;
    let listing = context.store.list_webhooks(&tenant, page).await?;
    let webhooks = listing.items.into_iter().map(|webhook| response(&context, webhook, None));
    Ok(Answer(PageResponse::new(webhooks.collect::<Result<_, _>>()?, page, listing.total)))
}

/// Makes a webhook. From then on each event it asks for is sent to it by POST, as
/// `{eventType, eventId, timestamp, organizationId, projectId, payload}`, until the receiver answers 2xx: about ten
/// times within two days, with the same `eventId`.
///
/// Every delivery is signed twice: `X-Webhook-Signature` is `sha256=` and the HMAC-SHA256 of the body in hexadecimal,
/// keyed with the secret as it is shown; `webhook-id`, `webhook-timestamp` and `webhook-signature` are those of
/// Standard Webhooks. The answer to this call is the only one that shows the secret.
///
/// Addresses that are private, local or reserved are refused, also where a name leads to them. Redirects are not
/// followed.
#[utoipa::path(post, path = "/webhooks", tag = "webhooks",
    responses((status = 201, body = WebhookResponse)))]
pub async fn create_webhook(
    permit: Permit<ManageWebhooks>,
    State(context): State<Context>,
    Json(request): Json<CreateWebhookRequest>,
) -> Result<(StatusCode, Answer<WebhookResponse>), ApiError> {
    let caller = permit.caller;
    let project_id = project_of(&context, &caller, request.project_id.as_ref()).await?;
    let status = request.status.as_deref().map(status).transpose()?.unwrap_or(WebhookStatus::Active);
    let mut problems = Problems::default();
    problems.name(Some(&request.name));
    problems.description(request.description.as_deref());
    problems.url(&context, &request.url).await;
    let events = problems.events(&request.events);
    let headers = problems.headers(request.custom_headers.unwrap_or_default());
    problems.secret(request.secret.as_deref());
    problems.none()?;
    let id = context.clock.new_id();
    let secret = request.secret.unwrap_or_else(webhooks::new_secret);
    let new = NewWebhook {
        project_id,
        name: request.name,
        description: request.description,
        url: request.url,
        events,
        sealed_headers: seal_headers(&context, &id, &headers)?,
        sealed_secret: seal_secret(&context, &id, &secret)?,
        status,
        created_by: caller.user_id.clone(),
        id,
    };
    let made = context.store.create_webhook(&caller.actor, &caller.organization_id, new).await?;
    Ok((StatusCode::CREATED, Answer(response(&context, made, Some(secret))?)))
}

/// Shows a webhook.
#[utoipa::path(get, path = "/webhooks/{id}", tag = "webhooks", params(("id" = String, Path)),
    responses((status = 200, body = WebhookResponse)))]
pub async fn get_webhook(
    permit: Permit<ManageWebhooks>,
    State(context): State<Context>,
    Path(id): Path<Id>,
) -> Result<Answer<WebhookResponse>, ApiError> {
    let webhook = context.store.webhook(&permit.caller.tenant(), &id.0).await?;
    Ok(Answer(response(&context, webhook.ok_or_else(|| unknown(&id))?, None)?))
}

/// Changes a webhook. Pausing keeps its deliveries waiting until it is active again; disabling makes none. The program
/// disables a webhook by itself that has failed for days.
#[utoipa::path(patch, path = "/webhooks/{id}", tag = "webhooks", params(("id" = String, Path)),
    responses((status = 200, body = WebhookResponse)))]
pub async fn update_webhook(
    permit: Permit<ManageWebhooks>,
    State(context): State<Context>,
    Path(id): Path<Id>,
    Json(request): Json<UpdateWebhookRequest>,
) -> Result<Answer<WebhookResponse>, ApiError> {
    let caller = permit.caller;
    let mut problems = Problems::default();
    problems.name(request.name.as_deref());
    problems.description(request.description.as_ref().and_then(Option::as_deref));
    if let Some(url) = &request.url {
        problems.url(&context, url).await;
    }
    let events = request.events.map(|events| problems.events(&events));
    let headers = request.custom_headers.map(|headers| problems.headers(headers.unwrap_or_default()));
    problems.none()?;
    let changes = WebhookChanges {
        name: request.name,
        description: request.description,
        url: request.url,
        events,
        sealed_headers: headers.map(|headers| seal_headers(&context, &id.0, &headers)).transpose()?,
        status: request.status.as_deref().map(status).transpose()?,
    };
    let changed = context.store.update_webhook(&caller.actor, &caller.tenant(), &id.0, changes).await?;
    Ok(Answer(response(&context, changed.ok_or_else(|| unknown(&id))?, None)?))
}

/// Deletes a webhook with the log of its deliveries. What is under way may still arrive.
#[utoipa::path(delete, path = "/webhooks/{id}", tag = "webhooks", params(("id" = String, Path)),
    responses((status = 204, description = "Deleted")))]
pub async fn delete_webhook(
    permit: Permit<ManageWebhooks>,
    State(context): State<Context>,
    Path(id): Path<Id>,
) -> Result<StatusCode, ApiError> {
    let caller = permit.caller;
    match context.store.delete_webhook(&caller.actor, &caller.tenant(), &id.0).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(unknown(&id)),
    }
}

/// Sends a test event, `webhook.test`, to an active webhook. The log of deliveries tells what came of it.
#[utoipa::path(post, path = "/webhooks/{id}/test", tag = "webhooks", params(("id" = String, Path)),
    responses((status = 202, body = DeliveryResponse)))]
pub async fn try_webhook(
    permit: Permit<ManageWebhooks>,
    State(context): State<Context>,
    Path(id): Path<Id>,
) -> Result<(StatusCode, Answer<DeliveryResponse>), ApiError> {
    let caller = permit.caller;
    match context.store.try_webhook(&caller.actor, &caller.tenant(), &id.0).await? {
        Trial::Accepted(delivery) => Ok((StatusCode::ACCEPTED, Answer((*delivery).into()))),
        Trial::Inactive(status) => Err(inactive(status)),
        Trial::NotFound => Err(unknown(&id)),
    }
}

/// Replaces the secret of a webhook. For some hours deliveries are signed with both: `webhook-signature` has a signature
/// for each, `X-Webhook-Signature` is made with the new one and `X-Webhook-Signature-Previous` with the one before.
#[utoipa::path(post, path = "/webhooks/{id}/rotate-secret", tag = "webhooks", params(("id" = String, Path)),
    request_body = Option<RotateSecretRequest>,
    responses((status = 200, body = WebhookResponse)))]
pub async fn rotate_webhook_secret(
    permit: Permit<ManageWebhooks>,
    State(context): State<Context>,
    Path(id): Path<Id>,
    request: Option<Json<RotateSecretRequest>>,
) -> Result<Answer<WebhookResponse>, ApiError> {
    let (caller, request) = (permit.caller, request.map(|Json(request)| request).unwrap_or_default());
    let overlap_hours = request.overlap_hours.unwrap_or(DEFAULT_OVERLAP_HOURS);
    let mut problems = Problems::default();
    problems.secret(request.secret.as_deref());
    if overlap_hours > MAX_OVERLAP_HOURS {
        problems.0.push(format!("`overlapHours` must be at most {MAX_OVERLAP_HOURS}"));
    }
    problems.none()?;
    let secret = request.secret.unwrap_or_else(webhooks::new_secret);
    let sealed = seal_secret(&context, &id.0, &secret)?;
    let until = context.clock.now().after(Duration::from_secs(u64::from(overlap_hours) * 60 * 60));
    let tenant = caller.tenant();
    let rotated = context.store.rotate_webhook_secret(&caller.actor, &tenant, &id.0, &sealed, until).await?;
    Ok(Answer(response(&context, rotated.ok_or_else(|| unknown(&id))?, Some(secret))?))
}

/// The error for a webhook that is not there, or not for this caller.
pub fn unknown(Id(id): &Id) -> ApiError {
    ApiError::new(Code::WebhookUnknown, format!("there is no webhook `{id}`"))
}

/// The error for a webhook that is not told anything just now.
pub fn inactive(status: WebhookStatus) -> ApiError {
    ApiError::new(Code::WebhookInactive, format!("the webhook is {status}; set its status to `active` first"))
}

/// The project of a new webhook: the one named, or the one its maker is bound to; `None` for all.
async fn project_of(
    context: &Context,
    caller: &Caller,
    named: Option<&Id>,
) -> Result<Option<String>, ApiError> {
    if named.is_none() && caller.project_id.is_none() {
        return Ok(None);
    }
    Ok(Some(caller.project(&context.store, named).await?.id))
}

/// What is wrong with a request, a sentence each.
#[derive(Default)]
struct Problems(Vec<String>);

impl Problems {
    fn name(&mut self, name: Option<&str>) {
        if name.is_some_and(|name| name.trim().is_empty() || name.chars().count() > MAX_NAME) {
            self.0.push(format!("`name` must have 1 to {MAX_NAME} characters"));
        }
    }

    fn description(&mut self, text: Option<&str>) {
        if text.is_some_and(|text| text.chars().count() > MAX_DESCRIPTION) {
            self.0.push(format!("`description` must have at most {MAX_DESCRIPTION} characters"));
        }
    }

    async fn url(&mut self, context: &Context, url: &str) {
        if let Err(refusal) = webhooks::guard(&context.config.webhooks).check(url).await {
            self.0.push(format!("`url` {refusal}"));
        }
    }

    fn events(&mut self, words: &[String]) -> Vec<EventKind> {
        let subscribable = || EventKind::ALL.iter().filter(|kind| kind.can_be_subscribed());
        if words.is_empty() {
            self.0.push("`events` must have at least one member".to_owned());
        }
        let mut events = Vec::new();
        for word in words {
            match EventKind::parse(word).filter(|kind| kind.can_be_subscribed()) {
                Some(kind) if events.contains(&kind) => {}
                Some(kind) => events.push(kind),
                None => {
                    let known: Vec<String> = subscribable().map(|kind| format!("`{kind}`")).collect();
                    let known = known.join(", ");
                    self.0.push(format!("`events` has `{}`, it may have {known}", shown(word)));
                    break;
                }
            }
        }
        events
    }

    fn headers(&mut self, headers: BTreeMap<String, String>) -> webhooks::CustomHeaders {
        webhooks::checked_headers(headers).unwrap_or_else(|problems| {
            self.0.extend(problems);
            webhooks::CustomHeaders::new()
        })
    }

    fn secret(&mut self, secret: Option<&str>) {
        self.0.extend(secret.and_then(webhooks::secret_problem));
    }

    fn none(self) -> Result<(), ApiError> {
        if self.0.is_empty() { Ok(()) } else { Err(ApiError::fields(self.0)) }
    }
}

fn status(word: &str) -> Result<WebhookStatus, ApiError> {
    WebhookStatus::parse(word).ok_or_else(|| unknown_word("status", word, WebhookStatus::ALL))
}

fn seal_secret(context: &Context, id: &str, secret: &str) -> Result<String, ApiError> {
    context.keys.seal(&webhooks::secret_owner(id), secret).map_err(ApiError::internal)
}

fn seal_headers(context: &Context, id: &str, headers: &webhooks::CustomHeaders) -> Result<String, ApiError> {
    let text = serde_json::to_string(headers).map_err(ApiError::internal)?;
    context.keys.seal(&webhooks::headers_owner(id), &text).map_err(ApiError::internal)
}

fn response(
    context: &Context,
    webhook: Webhook,
    secret: Option<String>,
) -> Result<WebhookResponse, ApiError> {
    let custom_headers = webhooks::opened_headers(&context.keys, &webhook).map_err(ApiError::internal)?;
    let now = context.clock.now();
    let previous_until = webhook.previous_secret.map(|(_, until)| until).filter(|until| now < *until);
    Ok(WebhookResponse {
        id: webhook.id,
        organization_id: webhook.organization_id,
        project_id: webhook.project_id,
        name: webhook.name,
        description: webhook.description,
        url: webhook.url,
        events: webhook.events.into_iter().map(EventKind::as_str).collect(),
        custom_headers,
        secret,
        previous_secret_expires_at: previous_until.map(Timestamp::to_iso),
        status: webhook.status.as_str(),
        failing_since: webhook.failing_since.map(Timestamp::to_iso),
        last_delivered_at: webhook.delivered_at.map(Timestamp::to_iso),
        created_at: webhook.created_at.to_iso(),
        updated_at: webhook.updated_at.to_iso(),
    })
}
