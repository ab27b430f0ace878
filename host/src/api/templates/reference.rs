//! Reference files of templates: tables, such as a list of suppliers, that extractors look values up in.

use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::form::{self, Form, FormFile};
use super::{conflict, unknown};
use crate::api::Context;
use crate::api::access::{Permit, ReadTemplates, WriteTemplates};
use crate::api::error::{ApiError, Code};
use crate::api::extract::{Id, Multipart, Path, shown};
use crate::api::uploads::time_per_file;
use crate::domain::reference::{MAX_FILES, MAX_NAME, ReferenceFile};
use crate::domain::template::{ReferenceLink, TemplateRevision, TemplateUpdate};
use crate::references::file::{MAX_FILE_BYTES, parse};
use crate::store::Record;

/// Room for the form around the largest file.
pub const MAX_REQUEST_BYTES: usize = MAX_FILE_BYTES + 64 * 1024;

/// The form of a reference file. Parts may come in any order.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "describes the form in the API's document; it is read part by part")]
pub struct ReferenceForm {
    /// CSV with a heading, or a JSON array of objects: at most 4 MiB, 20,000 rows and 50 columns.
    #[schema(content_media_type = "application/octet-stream", value_type = String, format = Binary)]
    file: String,
    /// The name by which the extractor's `lookups` ask for it: letters, digits, `-`, `_` and points, at most 100.
    /// Without it that of the file, up to its first point.
    name: Option<String>,
}

/// A reference file.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReferenceResponse {
    /// The name by which the extractor's `lookups` ask for it.
    name: String,
    /// Names of its columns.
    columns: Vec<String>,
    row_count: u32,
    size_bytes: u64,
    created_at: String,
}

/// A template and one of its reference files, in a path.
#[derive(Deserialize)]
pub struct ReferencePath {
    #[serde(rename = "templateId")]
    template_id: Id,
    name: String,
}

/// Lists the reference files of a template.
#[utoipa::path(get, path = "/templates/{templateId}/reference", tag = "templates",
    params(("templateId" = String, Path)),
    responses((status = 200, body = Vec<ReferenceResponse>)))]
pub async fn list_references(
    permit: Permit<ReadTemplates>,
    State(context): State<Context>,
    Path(id): Path<Id>,
) -> Result<Answer<Vec<ReferenceResponse>>, ApiError> {
    let template = context.store.template(&permit.caller.tenant(), &id.0).await?;
    let template = template.ok_or_else(|| unknown(&id))?;
    let mut files = Vec::with_capacity(template.content.references.len());
    for link in template.content.references {
        let file = context.store.reference(&template.organization_id, &link.id).await?;
        files.extend(file.map(|file| ReferenceResponse::new(link.name, file)));
    }
    Ok(Answer(files))
}

/// Gives a template a reference file, in place of one that has the same name. The extractor looks values up in it as
/// its setting `lookups` says. This makes the template's next version: documents that were uploaded before are still
/// read without it.
#[utoipa::path(post, path = "/templates/{templateId}/reference", tag = "templates",
    params(("templateId" = String, Path)),
    request_body(content = ReferenceForm, content_type = "multipart/form-data"),
    responses((status = 201, body = ReferenceResponse), (status = 422)))]
pub async fn add_reference(
    permit: Permit<WriteTemplates>,
    State(context): State<Context>,
    Path(id): Path<Id>,
    multipart: Multipart,
) -> Result<(StatusCode, Answer<ReferenceResponse>), ApiError> {
    let caller = permit.caller;
    let tenant = caller.tenant_for(&context.store, Record::Template(&id.0)).await?;
    let template = context.store.template(&tenant, &id.0).await?.ok_or_else(|| unknown(&id))?;
    let (name, file) = whole(form::read(multipart, MAX_FILE_BYTES, time_per_file(&context)).await?)?;
    let known = &template.content.references;
    if known.len() >= MAX_FILES && known.iter().all(|link| link.name != name) {
        return Err(ApiError::new(
            Code::ReferenceInvalid,
            format!("the template has {MAX_FILES} reference files already, which is as many as it may have"),
        ));
    }
    let size_bytes = file.content.len() as u64;
    let parsed =
        tokio::task::spawn_blocking(move || parse(&file.content)).await.map_err(ApiError::internal)?;
    let table = parsed.map_err(|error| ApiError::new(Code::ReferenceInvalid, error.to_string()))?;
    let update =
        context.store.attach_reference(&caller.actor, &template, &name, (&table, size_bytes)).await?;
    let updated = match update {
        TemplateUpdate::Updated(template) => template,
        TemplateUpdate::Conflict => return Err(conflict()),
        TemplateUpdate::NotFound => return Err(unknown(&id)),
    };
    let link = updated.content.references.into_iter().find(|link| link.name == name);
    let file = match &link {
        Some(ReferenceLink { id, .. }) => context.store.reference(&updated.organization_id, id).await?,
        None => None,
    };
    let file = file.ok_or_else(conflict)?;
    Ok((StatusCode::CREATED, Answer(ReferenceResponse::new(name, file))))
}

/// Takes a reference file away from a template. This makes the template's next version; earlier ones keep the file.
#[utoipa::path(delete, path = "/templates/{templateId}/reference/{name}", tag = "templates",
    params(("templateId" = String, Path), ("name" = String, Path)),
    responses((status = 204, description = "Taken away")))]
pub async fn remove_reference(
    permit: Permit<WriteTemplates>,
    State(context): State<Context>,
    Path(ReferencePath { template_id: id, name }): Path<ReferencePath>,
) -> Result<StatusCode, ApiError> {
    let caller = &permit.caller;
    let tenant = caller.tenant_for(&context.store, Record::Template(&id.0)).await?;
    let template = context.store.template(&tenant, &id.0).await?.ok_or_else(|| unknown(&id))?;
    let mut content = template.content;
    let before = content.references.len();
    content.references.retain(|link| link.name != name);
    if content.references.len() == before {
        let name = shown(&name);
        return Err(ApiError::new(
            Code::ReferenceUnknown,
            format!("the template has no reference file `{name}`"),
        ));
    }
    let revision =
        TemplateRevision { expected_updated_at: template.updated_at, content, is_active: template.is_active };
    match context.store.update_template(&caller.actor, &tenant, &id.0, revision).await? {
        TemplateUpdate::Updated(_) => Ok(StatusCode::NO_CONTENT),
        TemplateUpdate::Conflict => Err(conflict()),
        TemplateUpdate::NotFound => Err(unknown(&id)),
    }
}

fn whole(form: Form) -> Result<(String, FormFile), ApiError> {
    let Form { file, mut fields } = form;
    let name = fields.optional("name").or_else(|| {
        let file_name = &file.as_ref()?.name;
        file_name.split('.').next().map(str::to_owned)
    });
    let name = name.unwrap_or_default();
    if file.is_none() {
        fields.problem("`file` is missing".to_owned());
    }
    let is_plain = |character: char| character.is_alphanumeric() || "-_.".contains(character);
    if !(1..=MAX_NAME).contains(&name.chars().count()) || !name.chars().all(is_plain) {
        fields.problem(format!(
            "`name` is `{}`, it must be 1 to {MAX_NAME} letters, digits, `-`, `_` and points",
            shown(&name)
        ));
    }
    fields.finish(file.map(|file| (name, file)))
}

impl ReferenceResponse {
    fn new(name: String, file: ReferenceFile) -> Self {
        Self {
            name,
            columns: file.columns,
            row_count: file.row_count,
            size_bytes: file.size_bytes,
            created_at: file.created_at.to_iso(),
        }
    }
}
