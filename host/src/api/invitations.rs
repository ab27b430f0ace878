//! Invitations into the organization, by mail.

use std::time::Duration;

use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Context;
use super::access::{CallerAddress, Face, ManageOrganization, Permit};
use super::accounts::{email_problem, mailer, name_problem, none_of};
use super::error::{ApiError, Code};
use super::extract::{Id, Json, Path, Query};
use super::members::assignable;
use super::paging::{PageLimit, PageNumber, PageResponse, page};
use crate::auth::password_problem;
use crate::domain::invitation::{Invitation, NewInvitation};
use crate::domain::organization::Role;
use crate::mail::Letter;
use crate::store::{self, Acceptance, NewPerson};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// An open invitation.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct InvitationResponse {
    id: String,
    organization_id: String,
    email: String,
    #[schema(value_type = Role)]
    role: &'static str,
    /// The user who invited; null for an API token.
    invited_by: Option<String>,
    expires_at: String,
    created_at: String,
}

/// Who is invited.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"email": "ada@example.org", "role": "member"}))]
pub struct CreateInvitationRequest {
    email: String,
    #[schema(value_type = Role)]
    role: String,
}

/// The invited person's answer.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({
    "token": "4q2VfM…", "name": "Ada Lovelace", "password": "correct horse battery staple"
}))]
pub struct AcceptInvitationRequest {
    /// The code in the mail, or what stands behind `?token=` in its link.
    token: String,
    /// For an address without an account: the name of the new one.
    #[schema(min_length = 1, max_length = 200)]
    name: Option<String>,
    /// For an address without an account: the password of the new one, from 8 characters to 1024 bytes.
    #[schema(format = "password", min_length = 8)]
    password: Option<String>,
}

/// Where the invited person belongs now.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AcceptInvitationResponse {
    organization_id: String,
    user_id: String,
    /// The address to log in with.
    email: String,
    #[schema(value_type = Role)]
    role: &'static str,
}

/// Which invitations a list shows.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct InvitationsQuery {
    /// From 1.
    #[param(value_type = Option<u32>, minimum = 1)]
    page: Option<PageNumber>,
    /// Invitations per page: by default 20.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Option<PageLimit>,
}

/// Lists the open invitations of the organization, newest first.
#[utoipa::path(get, path = "/organizations/{organizationId}/invitations", tag = "members",
    params(("organizationId" = String, Path), InvitationsQuery),
    responses((status = 200, body = PageResponse<InvitationResponse>)))]
pub async fn list_invitations(
    permit: Permit<ManageOrganization>,
    face: Face,
    State(context): State<Context>,
    Path(organization): Path<Id>,
    Query(query): Query<InvitationsQuery>,
) -> Result<Answer<PageResponse<InvitationResponse>>, ApiError> {
    permit.caller.check_organization(&organization)?;
    permit.caller.check_whole_organization()?;
    let page = page(query.page, query.limit, face);
    let listing = context.store.list_invitations(&organization.0, page).await?;
    let invitations = listing.items.into_iter().map(InvitationResponse::from).collect();
    Ok(Answer(PageResponse::new(invitations, page, listing.total)))
}

/// Invites somebody by mail, whether they have an account or not.
///
/// An open invitation to the same address is withdrawn. Only owners invite owners.
#[utoipa::path(post, path = "/organizations/{organizationId}/invitations", tag = "members",
    params(("organizationId" = String, Path)),
    responses((status = 201, body = InvitationResponse)))]
pub async fn create_invitation(
    permit: Permit<ManageOrganization>,
    State(context): State<Context>,
    Path(organization): Path<Id>,
    Json(request): Json<CreateInvitationRequest>,
) -> Result<(StatusCode, Answer<InvitationResponse>), ApiError> {
    let caller = permit.caller;
    caller.check_organization(&organization)?;
    caller.check_whole_organization()?;
    let mailer = mailer(&context)?;
    none_of(email_problem(&request.email))?;
    let role = assignable(&caller, &request.role)?;
    let days = context.config.auth.invitation_days;
    let token = context.keys.opaque_token();
    let new = NewInvitation {
        email: request.email,
        role,
        invited_by: caller.user_id.clone(),
        token_hash: token.hash,
        expires_at: context.clock.now().after(DAY * days),
    };
    let named = context.store.organization(&organization.0).await?;
    let inviter = match &caller.user_id {
        Some(user_id) => context.store.user(user_id).await?,
        None => None,
    };
    let made = context.store.create_invitation(&caller.actor, &organization.0, new).await?;
    let invitation = made.ok_or_else(already_member)?;
    let letter = Letter::Invitation {
        organization: named.as_ref().map_or("", |organization| &organization.name),
        inviter: inviter.as_ref().map(|user| user.name.as_str()),
        role,
        token: &token.text,
        days,
    };
    if let Err(error) = mailer.send(&invitation.email, &letter).await {
        // An invitation that nobody has heard of is none.
        context.store.withdraw_invitation(&caller.actor, &organization.0, &invitation.id).await?;
        return Err(error.into());
    }
    Ok((StatusCode::CREATED, Answer(invitation.into())))
}

/// Withdraws an open invitation: the link in its mail stops working.
#[utoipa::path(delete, path = "/organizations/{organizationId}/invitations/{invitationId}", tag = "members",
    params(("organizationId" = String, Path), ("invitationId" = String, Path)),
    responses((status = 204, description = "Done")))]
pub async fn withdraw_invitation(
    permit: Permit<ManageOrganization>,
    State(context): State<Context>,
    Path((organization, invitation)): Path<(Id, Id)>,
) -> Result<StatusCode, ApiError> {
    let caller = permit.caller;
    caller.check_organization(&organization)?;
    caller.check_whole_organization()?;
    let Id(id) = invitation;
    if context.store.withdraw_invitation(&caller.actor, &organization.0, &id).await? {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(ApiError::new(Code::InvitationUnknown, format!("there is no open invitation `{id}`")))
}

/// Accepts an invitation with the token from its mail.
///
/// An account that has the invited address joins the organization. Where there is none, `name` and `password` make it.
#[utoipa::path(post, path = "/invitations/accept", tag = "members", security(()),
    responses((status = 200, body = AcceptInvitationResponse), (status = 409)))]
pub async fn accept_invitation(
    State(context): State<Context>,
    address: CallerAddress,
    Json(request): Json<AcceptInvitationRequest>,
) -> Result<Answer<AcceptInvitationResponse>, ApiError> {
    let AcceptInvitationRequest { token, name, password } = request;
    let token_hash = context.keys.token_hash(&token);
    // First as whoever has the address already: hashing takes long, and nobody has it done without a good token.
    let mut acceptance = context.store.accept_invitation(&token_hash, None, address.text()).await?;
    if acceptance == Acceptance::AccountNeeded {
        let (name, password) = name.zip(password).ok_or_else(account_needed)?;
        none_of(name_problem("name", &name).into_iter().chain(password_problem("password", &password)))?;
        let password_hash = context.passwords.hash(password).await?;
        let person = Some(NewPerson { name, password_hash });
        acceptance = match context.store.accept_invitation(&token_hash, person, address.text()).await {
            Err(store::Error::Duplicate { .. }) => return Err(already_member()),
            accepted => accepted?,
        };
    }
    match acceptance {
        Acceptance::Accepted { organization_id, member } => Ok(Answer(AcceptInvitationResponse {
            organization_id,
            user_id: member.user.id,
            email: member.user.email,
            role: member.role.as_str(),
        })),
        Acceptance::AlreadyMember => Err(already_member()),
        Acceptance::AccountNeeded => Err(account_needed()),
        Acceptance::AccountClosed => {
            Err(ApiError::new(Code::OneTimeTokenInvalid, "the account of the invited address is closed"))
        }
        Acceptance::Invalid => Err(ApiError::new(
            Code::OneTimeTokenInvalid,
            "the invitation is unknown, expired, withdrawn or accepted already; ask for another one",
        )),
    }
}

fn already_member() -> ApiError {
    ApiError::new(Code::MemberExists, "the address belongs to a member already")
}

fn account_needed() -> ApiError {
    ApiError::fields(vec!["`name` and `password` are missing: the address has no account yet".to_owned()])
}

impl From<Invitation> for InvitationResponse {
    fn from(invitation: Invitation) -> Self {
        Self {
            id: invitation.id,
            organization_id: invitation.organization_id,
            email: invitation.email,
            role: invitation.role.as_str(),
            invited_by: invitation.invited_by,
            expires_at: invitation.expires_at.to_iso(),
            created_at: invitation.created_at.to_iso(),
        }
    }
}
