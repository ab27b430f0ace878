//! Who belongs to a project.

use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::access::{Caller, Face, ManageOrganization, Permit};
use super::accounts::email_problem;
use super::error::{ApiError, Code};
use super::extract::{Id, Json, Path, Query, shown};
use super::paging::{PageLimit, PageNumber, PageResponse, page};
use super::{Context, projects};
use crate::domain::organization::Role;
use crate::domain::project::Project;
use crate::domain::project_member::{Named, ProjectMember, ProjectRole};
use crate::store;

/// A member of a project.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProjectMemberResponse {
    user_id: String,
    email: String,
    name: String,
    /// What they were given in the project.
    #[schema(value_type = ProjectRole)]
    role: &'static str,
    /// What they may do in the organization.
    #[schema(value_type = Role)]
    organization_role: &'static str,
    is_active: bool,
    created_at: String,
}

/// Somebody of the organization who gets a place in a project.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"email": "ada@example.org", "role": "member"}))]
pub struct AddProjectMemberRequest {
    /// Who it is; this or `email`.
    #[schema(value_type = Option<String>)]
    user_id: Option<Id>,
    /// The address of who it is; this or `userId`.
    email: Option<String>,
    /// `member` to work with documents and templates, `viewer` to look.
    #[schema(value_type = ProjectRole)]
    role: String,
}

/// Another role in a project.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"role": "viewer"}))]
pub struct UpdateProjectMemberRequest {
    #[schema(value_type = ProjectRole)]
    role: String,
}

/// Which members a list shows.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ProjectMembersQuery {
    /// From 1.
    #[param(value_type = Option<u32>, minimum = 1)]
    page: Option<PageNumber>,
    /// Members per page: by default 20.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Option<PageLimit>,
}

/// Lists the members of a project, oldest account first. Owners and administrators of the organization reach it without
/// being among them.
#[utoipa::path(get, path = "/projects/{projectId}/members", tag = "projects",
    params(("projectId" = String, Path), ProjectMembersQuery),
    responses((status = 200, body = PageResponse<ProjectMemberResponse>)))]
pub async fn list_project_members(
    permit: Permit<ManageOrganization>,
    face: Face,
    State(context): State<Context>,
    Path(id): Path<Id>,
    Query(query): Query<ProjectMembersQuery>,
) -> Result<Answer<PageResponse<ProjectMemberResponse>>, ApiError> {
    let project = project(&context, &permit.caller, &id).await?;
    let page = page(query.page, query.limit, face);
    let listing = context.store.list_project_members(&project, page).await?;
    let members = listing.items.into_iter().map(ProjectMemberResponse::from).collect();
    Ok(Answer(PageResponse::new(members, page, listing.total)))
}

/// Gives somebody of the organization a place in a project.
///
/// In a project with `access` `organization`, where everybody has the role that they have in the organization, a place
/// can only add to it: a `viewer` of the organization who is a `member` of the project works there. With `access`
/// `members` the role in the project alone counts. Owners and administrators of the organization may do everything in
/// every project, whatever their place in it.
#[utoipa::path(post, path = "/projects/{projectId}/members", tag = "projects",
    params(("projectId" = String, Path)),
    responses((status = 201, body = ProjectMemberResponse)))]
pub async fn add_project_member(
    permit: Permit<ManageOrganization>,
    State(context): State<Context>,
    Path(id): Path<Id>,
    Json(request): Json<AddProjectMemberRequest>,
) -> Result<(StatusCode, Answer<ProjectMemberResponse>), ApiError> {
    let caller = permit.caller;
    let project = project(&context, &caller, &id).await?;
    let (who, role) = request.checked()?;
    match context.store.add_project_member(&caller.actor, &project, &who, role).await {
        Ok(Some(member)) => Ok((StatusCode::CREATED, Answer(member.into()))),
        Ok(None) => Err(no_colleague(&who)),
        Err(store::Error::Duplicate { .. }) => {
            Err(ApiError::new(Code::MemberExists, "they are a member of the project already"))
        }
        Err(error) => Err(error.into()),
    }
}

/// Gives a member of a project another role in it. It counts from their next request on.
#[utoipa::path(patch, path = "/projects/{projectId}/members/{userId}", tag = "projects",
    params(("projectId" = String, Path), ("userId" = String, Path)),
    responses((status = 200, body = ProjectMemberResponse)))]
pub async fn update_project_member(
    permit: Permit<ManageOrganization>,
    State(context): State<Context>,
    Path((id, user)): Path<(Id, Id)>,
    Json(request): Json<UpdateProjectMemberRequest>,
) -> Result<Answer<ProjectMemberResponse>, ApiError> {
    let caller = permit.caller;
    let project = project(&context, &caller, &id).await?;
    let role = ProjectRole::parse(&request.role)
        .ok_or_else(|| ApiError::fields(vec![role_problem(&request.role)]))?;
    let changed = context.store.set_project_role(&caller.actor, &project, &user.0, role).await?;
    Ok(Answer(changed.ok_or_else(|| unknown(&user))?.into()))
}

/// Takes a member out of a project. They stay in the organization, and what they made stays in the project.
#[utoipa::path(delete, path = "/projects/{projectId}/members/{userId}", tag = "projects",
    params(("projectId" = String, Path), ("userId" = String, Path)),
    responses((status = 204, description = "Done")))]
pub async fn remove_project_member(
    permit: Permit<ManageOrganization>,
    State(context): State<Context>,
    Path((id, user)): Path<(Id, Id)>,
) -> Result<StatusCode, ApiError> {
    let caller = permit.caller;
    let project = project(&context, &caller, &id).await?;
    match context.store.remove_project_member(&caller.actor, &project, &user.0).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(unknown(&user)),
    }
}

async fn project(context: &Context, caller: &Caller, id: &Id) -> Result<Project, ApiError> {
    let project = context.store.project(&caller.organization_id, &id.0).await?;
    project.filter(|project| caller.reaches(&project.id)).ok_or_else(|| projects::unknown(id))
}

fn unknown(Id(user): &Id) -> ApiError {
    ApiError::new(Code::MemberUnknown, format!("the project has no member `{user}`"))
}

fn no_colleague(who: &Named) -> ApiError {
    let message = match who {
        Named::UserId(id) => format!("the organization has no member `{id}`"),
        Named::Email(email) => {
            format!("the organization has no member with the address `{}`: invite them first", shown(email))
        }
    };
    ApiError::new(Code::MemberUnknown, message)
}

fn role_problem(word: &str) -> String {
    format!("`role` is `{}`, it must be `member` or `viewer`", shown(word))
}

impl AddProjectMemberRequest {
    fn checked(self) -> Result<(Named, ProjectRole), ApiError> {
        let mut problems = Vec::new();
        let who = match (self.user_id, self.email) {
            (Some(Id(id)), None) => Some(Named::UserId(id)),
            (None, Some(email)) => {
                problems.extend(email_problem(&email));
                Some(Named::Email(email))
            }
            _ => {
                problems.push("exactly one of `userId` and `email` must be given".to_owned());
                None
            }
        };
        let role = ProjectRole::parse(&self.role);
        if role.is_none() {
            problems.push(role_problem(&self.role));
        }
        match (who, role) {
            (Some(who), Some(role)) if problems.is_empty() => Ok((who, role)),
            _ => Err(ApiError::fields(problems)),
        }
    }
}

impl From<ProjectMember> for ProjectMemberResponse {
    fn from(member: ProjectMember) -> Self {
        let ProjectMember { user, role, organization_role, created_at } = member;
        Self {
            user_id: user.id,
            email: user.email,
            name: user.name,
            role: role.as_str(),
            organization_role: organization_role.as_str(),
            is_active: user.is_active,
            created_at: created_at.to_iso(),
        }
    }
}
