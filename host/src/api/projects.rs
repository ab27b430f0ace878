//! Projects.

use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Context;
use super::access::{Anyone, ManageOrganization, Permit};
use super::error::{ApiError, Code};
use super::extract::{Id, Json, Path, double_option, shown};
use crate::domain::project::{NewProject, Project, ProjectChanges, ProjectDeletion};
use crate::domain::project_member::ProjectAccess;

const MAX_NAME: usize = 200;
const MAX_DESCRIPTION: usize = 2000;

/// Longest time for which files are kept, where they are not kept for ever: a hundred years.
const MAX_RETENTION_DAYS: u32 = 36_500;

/// A project.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProjectResponse {
    id: String,
    name: String,
    description: Option<String>,
    organization_id: String,
    is_active: bool,
    /// Who reaches it: everybody in the organization, or its members only.
    #[schema(value_type = ProjectAccess)]
    access: &'static str,
    settings: ProjectSettings,
    created_at: String,
    updated_at: String,
}

/// Settings of a project.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProjectSettings {
    /// Days after which a document's file is deleted; 0 keeps it for ever.
    #[schema(maximum = 36500)]
    file_retention_days: u32,
}

/// A new project.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"name": "Accounting", "settings": {"fileRetentionDays": 90}}))]
pub struct CreateProjectRequest {
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    #[schema(max_length = 2000)]
    description: Option<String>,
    /// `organization` (default) for everybody in the organization, `members` for its members and for those who manage
    /// the organization.
    #[schema(value_type = Option<ProjectAccess>)]
    access: Option<String>,
    settings: Option<ProjectSettings>,
}

/// Changes of a project; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"description": null, "isActive": false}))]
pub struct UpdateProjectRequest {
    #[schema(min_length = 1, max_length = 200)]
    name: Option<String>,
    /// Null removes it.
    #[serde(default, deserialize_with = "double_option")]
    #[schema(value_type = Option<String>, max_length = 2000)]
    description: Option<Option<String>>,
    is_active: Option<bool>,
    /// `organization` for everybody in the organization, `members` for its members and for those who manage the
    /// organization: whoever else worked with it loses it at once.
    #[schema(value_type = Option<ProjectAccess>)]
    access: Option<String>,
    settings: Option<ProjectSettings>,
}

/// Lists the projects that the credential reaches, oldest first: without those that have `access` `members` for who is
/// no member of them.
#[utoipa::path(get, path = "/projects", tag = "projects",
    responses((status = 200, body = Vec<ProjectResponse>)))]
pub async fn list_projects(
    permit: Permit<Anyone>,
    State(context): State<Context>,
) -> Result<Answer<Vec<ProjectResponse>>, ApiError> {
    let caller = permit.caller;
    let projects = context.store.list_projects(&caller.organization_id).await?;
    let reached = projects.into_iter().filter(|project| caller.reaches(&project.id));
    Ok(Answer(reached.map(ProjectResponse::from).collect()))
}

/// Makes a project.
#[utoipa::path(post, path = "/projects", tag = "projects",
    responses((status = 201, body = ProjectResponse)))]
pub async fn create_project(
    permit: Permit<ManageOrganization>,
    State(context): State<Context>,
    Json(request): Json<CreateProjectRequest>,
) -> Result<(StatusCode, Answer<ProjectResponse>), ApiError> {
    let caller = permit.caller;
    let (description, settings) = (request.description.as_deref(), request.settings.as_ref());
    let access = check(Some(&request.name), description, request.access.as_deref(), settings)?;
    if caller.project_id.is_some() {
        return Err(ApiError::new(Code::ProjectOutOfReach, "a project's token cannot make other projects"));
    }
    let new = NewProject {
        name: request.name,
        description: request.description,
        access: access.unwrap_or(ProjectAccess::Organization),
        file_retention_days: request.settings.map_or(0, |settings| settings.file_retention_days),
    };
    let project = context.store.create_project(&caller.actor, &caller.organization_id, new).await?;
    Ok((StatusCode::CREATED, Answer(project.into())))
}

/// Shows a project.
#[utoipa::path(get, path = "/projects/{projectId}", tag = "projects",
    params(("projectId" = String, Path)),
    responses((status = 200, body = ProjectResponse)))]
pub async fn get_project(
    permit: Permit<Anyone>,
    State(context): State<Context>,
    Path(id): Path<Id>,
) -> Result<Answer<ProjectResponse>, ApiError> {
    let caller = permit.caller;
    let project = context.store.project(&caller.organization_id, &id.0).await?;
    let project = project.filter(|project| caller.reaches(&project.id)).ok_or_else(|| unknown(&id))?;
    Ok(Answer(project.into()))
}

/// Changes a project.
#[utoipa::path(patch, path = "/projects/{projectId}", tag = "projects",
    params(("projectId" = String, Path)),
    responses((status = 200, body = ProjectResponse)))]
pub async fn update_project(
    permit: Permit<ManageOrganization>,
    State(context): State<Context>,
    Path(id): Path<Id>,
    Json(request): Json<UpdateProjectRequest>,
) -> Result<Answer<ProjectResponse>, ApiError> {
    let caller = permit.caller;
    let description = request.description.as_ref().and_then(Option::as_deref);
    let (name, settings) = (request.name.as_deref(), request.settings.as_ref());
    let access = check(name, description, request.access.as_deref(), settings)?;
    if !caller.reaches(&id.0) {
        return Err(unknown(&id));
    }
    let changes = ProjectChanges {
        name: request.name,
        description: request.description,
        is_active: request.is_active,
        access,
        file_retention_days: request.settings.map(|settings| settings.file_retention_days),
    };
    let organization = &caller.organization_id;
    let project = context.store.update_project(&caller.actor, organization, &id.0, changes).await?;
    Ok(Answer(project.ok_or_else(|| unknown(&id))?.into()))
}

/// Deletes a project that has no documents; its templates, batches, tokens and members go with it.
///
/// While it has documents the answer is 409: delete them first, so that nothing is lost by one mistaken call.
#[utoipa::path(delete, path = "/projects/{projectId}", tag = "projects",
    params(("projectId" = String, Path)),
    responses((status = 204, description = "Done")))]
pub async fn delete_project(
    permit: Permit<ManageOrganization>,
    State(context): State<Context>,
    Path(id): Path<Id>,
) -> Result<StatusCode, ApiError> {
    let caller = permit.caller;
    if !caller.reaches(&id.0) {
        return Err(unknown(&id));
    }
    match context.store.delete_project(&caller.actor, &caller.organization_id, &id.0).await? {
        ProjectDeletion::Deleted => Ok(StatusCode::NO_CONTENT),
        ProjectDeletion::NotFound => Err(unknown(&id)),
        ProjectDeletion::NotEmpty => Err(ApiError::new(
            Code::ProjectNotEmpty,
            "the project still has documents: delete them first, or switch it off with `isActive`",
        )),
    }
}

/// The error for a project that is not there, or not for this caller.
pub fn unknown(Id(id): &Id) -> ApiError {
    ApiError::new(Code::ProjectUnknown, format!("there is no project `{id}`"))
}

/// Checks what a request says of a project: its word for who reaches it, if it has one.
fn check(
    name: Option<&str>,
    description: Option<&str>,
    access: Option<&str>,
    settings: Option<&ProjectSettings>,
) -> Result<Option<ProjectAccess>, ApiError> {
    let mut problems = Vec::new();
    if name.is_some_and(|name| name.trim().is_empty() || name.chars().count() > MAX_NAME) {
        problems.push(format!("`name` must have 1 to {MAX_NAME} characters"));
    }
    if description.is_some_and(|text| text.chars().count() > MAX_DESCRIPTION) {
        problems.push(format!("`description` must have at most {MAX_DESCRIPTION} characters"));
    }
    if settings.is_some_and(|settings| settings.file_retention_days > MAX_RETENTION_DAYS) {
        problems.push(format!("`settings.fileRetentionDays` must be at most {MAX_RETENTION_DAYS}"));
    }
    let known = access.and_then(ProjectAccess::parse);
    if let (Some(word), None) = (access, known) {
        problems.push(format!("`access` is `{}`, it must be `organization` or `members`", shown(word)));
    }
    if problems.is_empty() { Ok(known) } else { Err(ApiError::fields(problems)) }
}

impl From<Project> for ProjectResponse {
    fn from(project: Project) -> Self {
        Self {
            id: project.id,
            name: project.name,
            description: project.description,
            organization_id: project.organization_id,
            is_active: project.is_active,
            access: project.access.as_str(),
            settings: ProjectSettings { file_retention_days: project.file_retention_days },
            created_at: project.created_at.to_iso(),
            updated_at: project.updated_at.to_iso(),
        }
    }
}
