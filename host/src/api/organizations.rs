//! Organizations: those a person belongs to, and the one that a credential is for.

use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Context;
use super::access::{Anyone, ManageOrganization, Permit};
use super::accounts::{name_problem, none_of};
use super::error::{ApiError, Code};
use super::extract::{Id, Json, Path};
use crate::domain::organization::{Organization, Role};

/// An organization.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrganizationResponse {
    id: String,
    name: String,
    /// What the caller may do in it; null for an API token.
    #[schema(value_type = Option<Role>)]
    role: Option<&'static str>,
    is_active: bool,
    created_at: String,
    updated_at: String,
}

/// An organization's name.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"name": "Example Ltd"}))]
pub struct OrganizationRequest {
    #[schema(min_length = 1, max_length = 200)]
    name: String,
}

/// Lists the organizations that the caller belongs to, oldest first; for an API token, its own.
#[utoipa::path(get, path = "/organizations", tag = "organizations",
    responses((status = 200, body = Vec<OrganizationResponse>)))]
pub async fn list_organizations(
    permit: Permit<Anyone>,
    State(context): State<Context>,
) -> Result<Answer<Vec<OrganizationResponse>>, ApiError> {
    let caller = permit.caller;
    let Some(user_id) = &caller.user_id else {
        let organization = context.store.organization(&caller.organization_id).await?;
        return Ok(Answer(
            organization.map(|own| OrganizationResponse::new(own, None)).into_iter().collect(),
        ));
    };
    let own = context.store.list_organizations_of(user_id).await?;
    let shown = own.into_iter().map(|own| OrganizationResponse::new(own.organization, Some(own.role)));
    Ok(Answer(shown.collect()))
}

/// Makes an organization and becomes its owner.
///
/// Owners and administrators of an organization can; API tokens cannot. To work in the new one, switch to it.
#[utoipa::path(post, path = "/organizations", tag = "organizations",
    responses((status = 201, body = OrganizationResponse)))]
pub async fn create_organization(
    permit: Permit<ManageOrganization>,
    State(context): State<Context>,
    Json(request): Json<OrganizationRequest>,
) -> Result<(StatusCode, Answer<OrganizationResponse>), ApiError> {
    let caller = permit.caller;
    let person = caller.person()?;
    none_of(name_problem("name", &request.name))?;
    let made = context.store.create_organization(&caller.actor, &request.name, person.user_id).await?;
    Ok((StatusCode::CREATED, Answer(OrganizationResponse::new(made, Some(Role::Owner)))))
}

/// Shows the organization that the credential is for.
#[utoipa::path(get, path = "/organizations/{organizationId}", tag = "organizations",
    params(("organizationId" = String, Path)),
    responses((status = 200, body = OrganizationResponse)))]
pub async fn get_organization(
    permit: Permit<Anyone>,
    State(context): State<Context>,
    Path(id): Path<Id>,
) -> Result<Answer<OrganizationResponse>, ApiError> {
    let caller = permit.caller;
    caller.check_organization(&id)?;
    let organization = context.store.organization(&id.0).await?.ok_or_else(|| unknown(&id))?;
    let role = caller.user_id.is_some().then(|| caller.role());
    Ok(Answer(OrganizationResponse::new(organization, role)))
}

/// Gives the organization another name.
#[utoipa::path(patch, path = "/organizations/{organizationId}", tag = "organizations",
    params(("organizationId" = String, Path)),
    responses((status = 200, body = OrganizationResponse)))]
pub async fn update_organization(
    permit: Permit<ManageOrganization>,
    State(context): State<Context>,
    Path(id): Path<Id>,
    Json(request): Json<OrganizationRequest>,
) -> Result<Answer<OrganizationResponse>, ApiError> {
    let caller = permit.caller;
    caller.check_organization(&id)?;
    caller.check_whole_organization()?;
    none_of(name_problem("name", &request.name))?;
    let renamed = context.store.rename_organization(&caller.actor, &id.0, &request.name).await?;
    let role = caller.user_id.is_some().then(|| caller.role());
    Ok(Answer(OrganizationResponse::new(renamed.ok_or_else(|| unknown(&id))?, role)))
}

/// Closes the organization.
///
/// Only an owner can. All logins to it end at once, and its tokens stop working. What it has is kept: the operator can
/// open it again (`ocriva admin open-organization`).
#[utoipa::path(delete, path = "/organizations/{organizationId}", tag = "organizations",
    params(("organizationId" = String, Path)),
    responses((status = 204, description = "Closed")))]
pub async fn delete_organization(
    permit: Permit<ManageOrganization>,
    State(context): State<Context>,
    Path(id): Path<Id>,
) -> Result<StatusCode, ApiError> {
    let caller = permit.caller;
    caller.person()?;
    caller.check_organization(&id)?;
    if caller.role() != Role::Owner {
        return Err(ApiError::new(Code::RoleInsufficient, "only an owner can close the organization"));
    }
    context.store.close_organization(&caller.actor, &id.0).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn unknown(Id(id): &Id) -> ApiError {
    ApiError::new(Code::OrganizationUnknown, format!("there is no organization `{id}`"))
}

impl OrganizationResponse {
    fn new(organization: Organization, role: Option<Role>) -> Self {
        Self {
            id: organization.id,
            name: organization.name,
            role: role.map(Role::as_str),
            is_active: organization.is_active,
            created_at: organization.created_at.to_iso(),
            updated_at: organization.updated_at.to_iso(),
        }
    }
}
