//! Earlier versions of templates, and copies.

use axum::Json as Answer;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::content::checked;
use super::{ContentResponse, Tagged, TemplateResponse, answered, expect_unchanged, tagged, unknown};
use crate::api::Context;
use crate::api::access::{Face, Permit, ReadTemplates, WriteTemplates};
use crate::api::error::{ApiError, Code};
use crate::api::extract::{Id, Json, Path, Query};
use crate::api::paging::{PageLimit, PageNumber, PageResponse, page};
use crate::domain::template::{TemplateRevision, TemplateVersion};
use crate::store::Record;

/// A version of a template.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TemplateVersionResponse {
    template_id: String,
    /// From 1; each change of what the template says makes the next.
    version: u32,
    #[serde(flatten)]
    content: ContentResponse,
    /// Id of the user who made the version; null where a token did.
    created_by: Option<String>,
    created_at: String,
}

/// Which part of the list of versions is shown.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct VersionsQuery {
    /// From 1.
    #[param(value_type = Option<u32>, minimum = 1)]
    page: Option<PageNumber>,
    /// At most 100.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Option<PageLimit>,
}

/// A template and one of its versions, in a path.
#[derive(Deserialize)]
pub struct VersionPath {
    #[serde(rename = "templateId")]
    template_id: Id,
    version: String,
}

/// How a copy of a template differs from it.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"name": "Receipts of the branch"}))]
pub struct DuplicateTemplateRequest {
    /// Name of the copy; without it that of the template with ` (copy)` behind.
    #[schema(min_length = 1, max_length = 200)]
    name: Option<String>,
    /// The project that gets the copy; without it that of the template.
    #[schema(value_type = Option<String>)]
    project_id: Option<Id>,
}

/// Lists the versions of a template, newest first. Documents are read with the version that was in force when they
/// were uploaded.
#[utoipa::path(get, path = "/templates/{templateId}/versions", tag = "templates",
    params(("templateId" = String, Path), VersionsQuery),
    responses((status = 200, body = PageResponse<TemplateVersionResponse>)))]
pub async fn list_template_versions(
    permit: Permit<ReadTemplates>,
    State(context): State<Context>,
    face: Face,
    Path(id): Path<Id>,
    Query(query): Query<VersionsQuery>,
) -> Result<Answer<PageResponse<TemplateVersionResponse>>, ApiError> {
    let page = page(query.page, query.limit, face);
    let found = context.store.list_template_versions(&permit.caller.tenant(), &id.0, page).await?;
    if found.total == 0 {
        return Err(unknown(&id));
    }
    let versions = found.items.into_iter().map(|version| TemplateVersionResponse::new(&id, version));
    Ok(Answer(PageResponse::new(versions.collect(), page, found.total)))
}

/// Shows what a template said at one of its versions.
#[utoipa::path(get, path = "/templates/{templateId}/versions/{version}", tag = "templates",
    params(("templateId" = String, Path), ("version" = u32, Path, minimum = 1)),
    responses((status = 200, body = TemplateVersionResponse)))]
pub async fn get_template_version(
    permit: Permit<ReadTemplates>,
    State(context): State<Context>,
    Path(path): Path<VersionPath>,
) -> Result<Answer<TemplateVersionResponse>, ApiError> {
    let version = path.number()?;
    let id = path.template_id;
    let found = context.store.template_version(&permit.caller.tenant(), &id.0, version).await?;
    let found = found.ok_or_else(|| unknown_version(&id, version))?;
    Ok(Answer(TemplateVersionResponse::new(&id, found)))
}

/// Makes a template say again what it said at an earlier version, as a new version. The extractor of that version has
/// to be there still. `If-Match` with the template's `ETag` refuses the change where somebody else was faster.
#[utoipa::path(post, path = "/templates/{templateId}/versions/{version}/restore", tag = "templates",
    params(("templateId" = String, Path), ("version" = u32, Path, minimum = 1),
        ("If-Match" = Option<String>, Header, description = "The `ETag` of the template as it was last read.")),
    responses((status = 200, body = TemplateResponse), (status = 409), (status = 422)))]
pub async fn restore_template_version(
    permit: Permit<WriteTemplates>,
    State(context): State<Context>,
    Path(path): Path<VersionPath>,
    headers: HeaderMap,
) -> Result<Tagged, ApiError> {
    let version = path.number()?;
    let id = path.template_id;
    let caller = &permit.caller;
    let tenant = caller.tenant_for(&context.store, Record::Template(&id.0)).await?;
    let current = context.store.template(&tenant, &id.0).await?.ok_or_else(|| unknown(&id))?;
    expect_unchanged(&current, &headers, None)?;
    let earlier = context.store.template_version(&tenant, &id.0, version).await?;
    let earlier = earlier.ok_or_else(|| unknown_version(&id, version))?;
    let revision = TemplateRevision {
        expected_updated_at: current.updated_at,
        content: checked(earlier.content, &context).await?,
        is_active: current.is_active,
    };
    answered(context.store.update_template(&caller.actor, &tenant, &id.0, revision).await?, &id)
}

/// Makes a copy of a template as it is now, with its reference files, in the same or another project. Earlier versions
/// are not copied.
#[utoipa::path(post, path = "/templates/{templateId}/duplicate", tag = "templates",
    params(("templateId" = String, Path)),
    responses((status = 201, body = TemplateResponse), (status = 422)))]
pub async fn duplicate_template(
    permit: Permit<WriteTemplates>,
    State(context): State<Context>,
    Path(id): Path<Id>,
    Json(request): Json<DuplicateTemplateRequest>,
) -> Result<(StatusCode, Tagged), ApiError> {
    let caller = permit.caller;
    let tenant = caller.tenant_for(&context.store, Record::Template(&id.0)).await?;
    let template = context.store.template(&tenant, &id.0).await?.ok_or_else(|| unknown(&id))?;
    let project_id = match &request.project_id {
        None => template.project_id.clone(),
        named => caller.project(&context.store, named.as_ref()).await?.id,
    };
    let mut content = template.content.clone();
    content.name = request.name.unwrap_or_else(|| format!("{} (copy)", template.content.name));
    let content = checked(content, &context).await?;
    let copy = context.store.duplicate_template(&caller.actor, &template, &project_id, content).await?;
    Ok((StatusCode::CREATED, tagged(copy)))
}

fn unknown_version(Id(id): &Id, version: u32) -> ApiError {
    ApiError::new(Code::TemplateUnknown, format!("there is no version {version} of a template `{id}`"))
}

impl VersionPath {
    fn number(&self) -> Result<u32, ApiError> {
        let number = self.version.parse().ok().filter(|number| *number >= 1);
        number.ok_or_else(|| ApiError::fields(vec!["`version` must be a whole number from 1".to_owned()]))
    }
}

impl TemplateVersionResponse {
    fn new(Id(id): &Id, version: TemplateVersion) -> Self {
        Self {
            template_id: id.clone(),
            version: version.version,
            content: version.content.into(),
            created_by: version.created_by,
            created_at: version.created_at.to_iso(),
        }
    }
}
