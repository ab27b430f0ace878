//! Who belongs to the organization.

use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Context;
use super::access::{Anyone, Caller, Face, ManageOrganization, Permit};
use super::accounts::{email_problem, name_problem, none_of};
use super::error::{ApiError, Code};
use super::extract::{Id, Json, Path, Query, shown};
use super::paging::{PageLimit, PageNumber, PageResponse, page};
use crate::auth::password_problem;
use crate::domain::organization::{Member, MemberChange, NewMember, Role};
use crate::store::{self, Place};

/// A member of the organization.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MemberResponse {
    user_id: String,
    email: String,
    name: String,
    #[schema(value_type = Role)]
    role: &'static str,
    is_active: bool,
}

/// Somebody new, with an account of their own.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({
    "email": "ada@example.org", "name": "Ada Lovelace", "role": "member",
    "password": "correct horse battery staple"
}))]
pub struct CreateMemberRequest {
    /// An address without an account. Whoever has one is invited instead.
    email: String,
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    #[schema(value_type = Role)]
    role: String,
    /// From 8 characters to 1024 bytes; tell it to them, and let them change it.
    #[schema(format = "password", min_length = 8)]
    password: String,
}

/// Another role.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"role": "viewer"}))]
pub struct UpdateMemberRequest {
    #[schema(value_type = Role)]
    role: String,
}

/// Which members a list shows.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct MembersQuery {
    /// From 1.
    #[param(value_type = Option<u32>, minimum = 1)]
    page: Option<PageNumber>,
    /// Members per page: by default 20.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Option<PageLimit>,
}

/// Lists the members of the organization, oldest account first.
#[utoipa::path(get, path = "/organizations/{organizationId}/members", tag = "members",
    params(("organizationId" = String, Path), MembersQuery),
    responses((status = 200, body = PageResponse<MemberResponse>)))]
pub async fn list_members(
    permit: Permit<ManageOrganization>,
    face: Face,
    State(context): State<Context>,
    Path(organization): Path<Id>,
    Query(query): Query<MembersQuery>,
) -> Result<Answer<PageResponse<MemberResponse>>, ApiError> {
    permit.caller.check_organization(&organization)?;
    permit.caller.check_whole_organization()?;
    let page = page(query.page, query.limit, face);
    let listing = context.store.list_members(&organization.0, page).await?;
    let members = listing.items.into_iter().map(MemberResponse::from).collect();
    Ok(Answer(PageResponse::new(members, page, listing.total)))
}

/// Makes an account for somebody and a place in the organization, without mail.
///
/// For an address that has an account already, send an invitation. Only owners make owners.
#[utoipa::path(post, path = "/organizations/{organizationId}/members", tag = "members",
    params(("organizationId" = String, Path)),
    responses((status = 201, body = MemberResponse)))]
pub async fn create_member(
    permit: Permit<ManageOrganization>,
    State(context): State<Context>,
    Path(organization): Path<Id>,
    Json(request): Json<CreateMemberRequest>,
) -> Result<(StatusCode, Answer<MemberResponse>), ApiError> {
    let caller = permit.caller;
    caller.check_organization(&organization)?;
    caller.check_whole_organization()?;
    let CreateMemberRequest { email, name, role, password } = request;
    let mut problems = Vec::new();
    problems.extend(email_problem(&email));
    problems.extend(name_problem("name", &name));
    problems.extend(password_problem("password", &password));
    none_of(problems)?;
    let role = assignable(&caller, &role)?;
    let password_hash = context.passwords.hash(password).await?;
    let new = NewMember { email, name, password_hash, role };
    match context.store.create_member(&caller.actor, &organization.0, new).await {
        Err(store::Error::Duplicate { .. }) => Err(ApiError::new(
            Code::MemberExists,
            "the address has an account already: invite it, where it does not belong to a member",
        )),
        made => Ok((StatusCode::CREATED, Answer(made?.into()))),
    }
}

/// Gives a member another role.
///
/// Only owners change owners and make them, and the last owner stays one.
#[utoipa::path(patch, path = "/organizations/{organizationId}/members/{userId}", tag = "members",
    params(("organizationId" = String, Path), ("userId" = String, Path)),
    responses((status = 200, body = MemberResponse)))]
pub async fn update_member(
    permit: Permit<ManageOrganization>,
    State(context): State<Context>,
    Path((organization, user)): Path<(Id, Id)>,
    Json(request): Json<UpdateMemberRequest>,
) -> Result<Answer<MemberResponse>, ApiError> {
    let caller = permit.caller;
    caller.check_organization(&organization)?;
    caller.check_whole_organization()?;
    let role = assignable(&caller, &request.role)?;
    let place = Place { organization_id: &organization.0, user_id: &user.0 };
    let change = context.store.set_member_role(&caller.actor, caller.role(), place, role).await?;
    Ok(Answer(changed(change, &user)?.into()))
}

/// Takes a member out of the organization.
///
/// Their logins to it end at once; their account stays, and so do tokens that they made, which belong to the
/// organization. Only owners remove owners, and the last owner stays.
#[utoipa::path(delete, path = "/organizations/{organizationId}/members/{userId}", tag = "members",
    params(("organizationId" = String, Path), ("userId" = String, Path)),
    responses((status = 204, description = "Done")))]
pub async fn remove_member(
    permit: Permit<ManageOrganization>,
    State(context): State<Context>,
    Path((organization, user)): Path<(Id, Id)>,
) -> Result<StatusCode, ApiError> {
    let caller = permit.caller;
    caller.check_organization(&organization)?;
    caller.check_whole_organization()?;
    let place = Place { organization_id: &organization.0, user_id: &user.0 };
    changed(context.store.remove_member(&caller.actor, caller.role(), place).await?, &user)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Leaves the organization. One's logins to it end at once; the last owner stays.
#[utoipa::path(post, path = "/organizations/{organizationId}/leave", tag = "members",
    params(("organizationId" = String, Path)),
    responses((status = 204, description = "Done")))]
pub async fn leave_organization(
    permit: Permit<Anyone>,
    State(context): State<Context>,
    Path(organization): Path<Id>,
) -> Result<StatusCode, ApiError> {
    let caller = permit.caller;
    let person = caller.person()?;
    caller.check_organization(&organization)?;
    let user = Id(person.user_id.to_owned());
    let place = Place { organization_id: &organization.0, user_id: &user.0 };
    changed(context.store.remove_member(&caller.actor, caller.role(), place).await?, &user)?;
    Ok(StatusCode::NO_CONTENT)
}

/// A role that the caller may give.
///
/// # Errors
/// 400 for a word that is no role, 403 for one above the caller's reach.
pub fn assignable(caller: &Caller, word: &str) -> Result<Role, ApiError> {
    let role = Role::parse(word).ok_or_else(|| {
        let message =
            format!("`role` is `{}`, it must be `owner`, `admin`, `member` or `viewer`", shown(word));
        ApiError::fields(vec![message])
    })?;
    if caller.role().may_assign(role) { Ok(role) } else { Err(owners_only()) }
}

fn changed(change: MemberChange, Id(user): &Id) -> Result<Member, ApiError> {
    match change {
        MemberChange::Done(member) => Ok(member),
        MemberChange::NotFound => {
            Err(ApiError::new(Code::MemberUnknown, format!("there is no member `{user}`")))
        }
        MemberChange::LastOwner => Err(ApiError::new(
            Code::MemberLastOwner,
            "the organization needs an owner: make somebody else one first",
        )),
        MemberChange::OwnersOnly => Err(owners_only()),
    }
}

fn owners_only() -> ApiError {
    ApiError::new(Code::RoleInsufficient, "only an owner can make, change or remove an owner")
}

impl From<Member> for MemberResponse {
    fn from(member: Member) -> Self {
        let Member { user, role } = member;
        Self {
            user_id: user.id,
            email: user.email,
            name: user.name,
            role: role.as_str(),
            is_active: user.is_active,
        }
    }
}
