//! The operator's routes: plans and credits of every organization, for whoever has the token of the settings.

use axum::Json as Answer;
use axum::extract::{FromRef, FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use serde::Deserialize;
use subtle::ConstantTimeEq as _;
use utoipa::ToSchema;

use super::Context;
use super::credits::LedgerResponse;
use super::error::{ApiError, Code};
use super::extract::{Id, Json, Path, shown};
use super::usage::PlanResponse;
use crate::domain::audit::Actor;
use crate::domain::credit::Grant;

/// Longest reason of a grant, in characters.
const MAX_REASON: usize = 500;

/// Most credits of one grant: sums of many stay far inside the range of numbers.
const MAX_GRANT: i64 = 1_000_000_000_000;

/// Whoever presents the token of the setting `operator.token`.
pub struct Operator;

impl<S: Send + Sync> FromRequestParts<S> for Operator
where
    Context: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let context = Context::from_ref(state);
        let token = context.config.operator.token.as_bytes();
        let presented = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let Some(presented) = presented else {
            return Err(ApiError::new(Code::CredentialMissing, "this needs the operator's token"));
        };
        if token.is_empty() {
            let message = "the operator's routes are off: the setting `operator.token` is empty";
            return Err(ApiError::new(Code::OperatorOff, message));
        }
        let presented = presented.strip_prefix("Bearer ").unwrap_or_default();
        if bool::from(presented.as_bytes().ct_eq(token)) {
            return Ok(Self);
        }
        Err(ApiError::new(Code::CredentialInvalid, "this is not the operator's token"))
    }
}

/// The plan that an organization gets.
#[derive(Deserialize, ToSchema)]
pub struct SetPlanRequest {
    /// Name of the plan.
    #[schema(example = "starter")]
    plan: String,
}

/// Credits for an organization.
#[derive(Deserialize, ToSchema)]
pub struct GrantCreditsRequest {
    /// Not 0; negative to take back, at most what is there.
    #[schema(example = 500)]
    amount: i64,
    /// For the ledger and the audit log; at most 500 characters.
    #[schema(example = "order 4711")]
    reason: String,
}

/// Lists all plans.
#[utoipa::path(get, path = "/operator/plans", tag = "operator", security(("operator" = [])),
    responses((status = 200, body = Vec<PlanResponse>)))]
pub async fn list_plans(
    _: Operator,
    State(context): State<Context>,
) -> Result<Answer<Vec<PlanResponse>>, ApiError> {
    let plans = context.store.list_plans().await?;
    Ok(Answer(plans.iter().map(PlanResponse::from).collect()))
}

/// Gives an organization another plan. It holds for requests within some seconds.
#[utoipa::path(put, path = "/operator/organizations/{organizationId}/plan", tag = "operator",
    security(("operator" = [])), params(("organizationId" = String, Path)), responses((status = 200, body = PlanResponse)))]
pub async fn set_plan(
    _: Operator,
    State(context): State<Context>,
    Path(organization): Path<Id>,
    Json(request): Json<SetPlanRequest>,
) -> Result<Answer<PlanResponse>, ApiError> {
    if context.store.plan(&request.plan).await?.is_none() {
        let message = format!("there is no plan `{}`", shown(&request.plan));
        return Err(ApiError::new(Code::PlanUnknown, message));
    }
    let plan = context.store.set_plan(&Actor::system(), &organization.0, &request.plan).await?;
    Ok(Answer(PlanResponse::from(&plan.ok_or_else(|| unknown(&organization))?)))
}

/// Gives credits to an organization.
#[utoipa::path(post, path = "/operator/organizations/{organizationId}/credits", tag = "operator",
    security(("operator" = [])), params(("organizationId" = String, Path)),
    responses((status = 201, body = LedgerResponse), (status = 402, description = "")))]
pub async fn grant_credits(
    _: Operator,
    State(context): State<Context>,
    Path(organization): Path<Id>,
    Json(request): Json<GrantCreditsRequest>,
) -> Result<(StatusCode, Answer<LedgerResponse>), ApiError> {
    let GrantCreditsRequest { amount, reason } = request;
    let mut problems = Vec::new();
    if amount == 0 || !(-MAX_GRANT..=MAX_GRANT).contains(&amount) {
        problems.push(format!("`amount` must be from -{MAX_GRANT} to {MAX_GRANT} and not 0"));
    }
    if reason.trim().is_empty() || reason.chars().count() > MAX_REASON {
        problems.push(format!("`reason` must have 1 to {MAX_REASON} characters"));
    }
    if !problems.is_empty() {
        return Err(ApiError::fields(problems));
    }
    let granted = context.store.grant_credits(&Actor::system(), &organization.0, amount, &reason).await?;
    match granted {
        Grant::Granted(entry) => Ok((StatusCode::CREATED, Answer(entry.into()))),
        Grant::NotFound => Err(unknown(&organization)),
    }
}

fn unknown(Id(id): &Id) -> ApiError {
    ApiError::new(Code::OrganizationUnknown, format!("there is no organization `{id}`"))
}
