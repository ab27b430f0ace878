//! Batches: several files uploaded together, each of which stands alone.

use axum::Json as Answer;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use super::Context;
use super::access::{Caller, Face, Permit, ReadDocuments, WriteDocuments};
use super::error::{ApiError, Code};
use super::extract::{Id, Multipart, Path, Query};
use super::paging::{PageLimit, PageNumber, PageResponse, page};
use super::uploads::{self, Fields, Form, FormFile, Shape};
use crate::domain::batch::{Batch, BatchStatus, NewBatch};
use crate::domain::document::{Failure, FileType, NewDocument};
use crate::domain::file_name;
use crate::domain::format::Format;
use crate::domain::template::TemplateReference;
use crate::domain::tenant::Tenant;
use crate::ingest;

/// Longest name, in characters.
const MAX_NAME: usize = 200;

/// The form of a batch. Parts may come in any order.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "describes the form in the API's document; it is read part by part")]
pub struct BatchForm {
    /// Up to as many files as the server is set to, by default 50.
    #[schema(value_type = Vec<String>, format = Binary, min_items = 1)]
    files: Vec<String>,
    project_id: String,
    template_id: Option<String>,
    /// By default `Batch YYYY-MM-DD`.
    #[schema(max_length = 200)]
    name: Option<String>,
    /// A JSON object that is kept with the batch.
    metadata: Option<String>,
}

/// A batch.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BatchResponse {
    id: String,
    name: String,
    project_id: String,
    organization_id: String,
    user_id: Option<String>,
    template_id: Option<String>,
    template_name: Option<String>,
    total_files: u64,
    completed_files: u64,
    failed_files: u64,
    #[schema(value_type = BatchStatus)]
    status: &'static str,
    /// Per cent.
    #[schema(maximum = 100)]
    progress: u8,
    /// Ids of its uploads, which are also those of their processing records.
    upload_ids: Vec<String>,
    #[schema(value_type = Option<Object>)]
    metadata: Option<Map<String, Value>>,
    created_at: String,
    completed_at: Option<String>,
}

/// Which batches a list shows.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct BatchesQuery {
    /// May be left out with a project's token.
    #[param(value_type = Option<String>)]
    project_id: Option<Id>,
    /// From 1.
    #[param(value_type = Option<u32>, minimum = 1)]
    page: Option<PageNumber>,
    /// Batches per page: by default 20, at the Open API 10.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Option<PageLimit>,
}

/// Uploads several files, or ZIP files of them, to be processed. A file that cannot be taken in fails alone.
#[utoipa::path(post, path = "/batch/{organizationId}/upload", tag = "batches",
    params(("organizationId" = String, Path)),
    request_body(content = BatchForm, content_type = "multipart/form-data"),
    responses((status = 201, body = BatchResponse)))]
pub async fn upload_files(
    permit: Permit<WriteDocuments>,
    State(context): State<Context>,
    Path(organization): Path<Id>,
    headers: HeaderMap,
    multipart: Multipart,
) -> Result<(StatusCode, Answer<BatchResponse>), ApiError> {
    permit.caller.check_organization(&organization)?;
    take_in(&context, &permit.caller, &headers, multipart).await
}

/// Uploads several files, or ZIP files of them, to be processed. A file that cannot be taken in fails alone.
#[utoipa::path(post, path = "/batch/upload", tag = "batches",
    request_body(content = BatchForm, content_type = "multipart/form-data"),
    responses((status = 201, body = BatchResponse)))]
pub async fn upload_batch(
    permit: Permit<WriteDocuments>,
    State(context): State<Context>,
    headers: HeaderMap,
    multipart: Multipart,
) -> Result<(StatusCode, Answer<BatchResponse>), ApiError> {
    take_in(&context, &permit.caller, &headers, multipart).await
}

/// Lists the batches of a project, newest first.
#[utoipa::path(get, path = "/batch", tag = "batches", params(BatchesQuery),
    responses((status = 200, body = PageResponse<BatchResponse>)))]
pub async fn list_batches(
    permit: Permit<ReadDocuments>,
    face: Face,
    State(context): State<Context>,
    Query(query): Query<BatchesQuery>,
) -> Result<Answer<PageResponse<BatchResponse>>, ApiError> {
    let page = page(query.page, query.limit, face);
    let project = permit.caller.project(&context.store, query.project_id.as_ref()).await?;
    let tenant = permit.caller.tenant_of(&project);
    let listing = context.store.list_batches(&tenant, page).await?;
    let mut batches = Vec::with_capacity(listing.items.len());
    for batch in listing.items {
        batches.push(response(&context, &tenant, batch).await?);
    }
    Ok(Answer(PageResponse::new(batches, page, listing.total)))
}

/// Shows a batch.
#[utoipa::path(get, path = "/batch/{id}", tag = "batches", params(("id" = String, Path)),
    responses((status = 200, body = BatchResponse)))]
pub async fn get_batch(
    permit: Permit<ReadDocuments>,
    State(context): State<Context>,
    Path(id): Path<Id>,
) -> Result<Answer<BatchResponse>, ApiError> {
    let tenant = permit.caller.tenant();
    let batch = context.store.batch(&tenant, &id.0).await?.ok_or_else(|| unknown(&id))?;
    Ok(Answer(response(&context, &tenant, batch).await?))
}

/// The error for a batch that is not there, or not for this caller.
pub fn unknown(Id(id): &Id) -> ApiError {
    ApiError::new(Code::BatchUnknown, format!("there is no batch `{id}`"))
}

/// What a form says about its batch, beside the files.
struct Details {
    project_id: Option<Id>,
    template_id: Option<Id>,
    name: Option<String>,
    metadata: Option<Map<String, Value>>,
}

async fn take_in(
    context: &Context,
    caller: &Caller,
    headers: &HeaderMap,
    multipart: Multipart,
) -> Result<(StatusCode, Answer<BatchResponse>), ApiError> {
    let shape = Shape {
        field: "files",
        max_files: context.config.upload.max_batch_files,
        time_per_file: uploads::time_per_file(context),
    };
    uploads::check_room(context, headers, shape.max_files).await?;
    let Form { fields, files } = uploads::read(context, caller, multipart, shape).await?;
    let files = uploads::unpack(context, caller, files, shape.max_files).await?;
    let details = details(fields, caller, files.is_empty())?;
    let project = match &details.project_id {
        Some(id) => uploads::upload_project(context, caller, id).await?,
        None => caller.project(&context.store, None).await?,
    };
    let template = uploads::upload_template(context, caller, &project, details.template_id.as_ref()).await?;
    let now = context.clock.now();
    let batch = NewBatch {
        id: context.clock.new_id(),
        user_id: caller.user_id.clone(),
        name: details.name.unwrap_or_else(|| format!("Batch {}", now.to_date())),
        template,
        metadata: details.metadata,
    };
    let keys: Vec<_> =
        files.iter().filter_map(|file| Some(file.outcome.as_ref().ok()?.key().clone())).collect();
    let documents: Vec<NewDocument> = files
        .into_iter()
        .map(|file| document(file, &batch.id, batch.user_id.as_deref(), batch.template.as_ref()))
        .collect();
    let tenant = caller.tenant_of(&project);
    let (store, organization) = (&context.store, &caller.organization_id);
    let record = store.create_batch(&caller.actor, organization, &project.id, &batch, &documents);
    let find = store.batch(&tenant, &batch.id);
    let recorded = ingest::recorded(&context.blobs, &keys, record, find).await?;
    Ok((StatusCode::CREATED, Answer(response(context, &tenant, recorded).await?)))
}

fn details(mut fields: Fields, caller: &Caller, has_no_files: bool) -> Result<Details, ApiError> {
    if has_no_files {
        fields.problem("`files` is missing".to_owned());
    }
    let details = Details {
        project_id: match caller.project_id {
            None => fields.required_id("projectId"),
            Some(_) => fields.id("projectId"),
        },
        template_id: fields.id("templateId"),
        name: fields.optional("name"),
        metadata: fields.object("metadata"),
    };
    if details.name.as_ref().is_some_and(|name| name.chars().count() > MAX_NAME || name.contains('\0')) {
        fields.problem(format!("`name` must have at most {MAX_NAME} characters, none of them NUL"));
    }
    fields.finish(Some(details))
}

/// The record of one file of a batch: one that was refused has failed.
fn document(
    file: FormFile,
    batch_id: &str,
    user_id: Option<&str>,
    template: Option<&TemplateReference>,
) -> NewDocument {
    let format = file.outcome.as_ref().ok().map(|received| received.format);
    let origin = file.origin.map(|origin| {
        Map::from_iter([
            ("archive".to_owned(), origin.archive.into()),
            ("path".to_owned(), origin.path.into()),
        ])
    });
    NewDocument {
        upload_id: file.document_id.clone(),
        id: file.document_id,
        user_id: user_id.map(str::to_owned),
        batch_id: Some(batch_id.to_owned()),
        file_name: file_name::sanitized(file.name.as_deref().unwrap_or_default()),
        file_type: match format {
            Some(Format::Pdf) => FileType::Pdf,
            Some(format) if format.is_picture() => FileType::Image,
            Some(_) | None => FileType::Document,
        },
        mime_type: format.map_or("application/octet-stream", Format::media_type).to_owned(),
        size_bytes: file.size_bytes,
        file: match file.outcome {
            Ok(received) => Ok(received.keep()),
            Err(error) => Err(Failure { code: error.code().word().to_owned(), message: error.message() }),
        },
        template: template.cloned(),
        page_range: None,
        priority: 0,
        metadata: origin,
    }
}

async fn response(context: &Context, tenant: &Tenant, batch: Batch) -> Result<BatchResponse, ApiError> {
    let upload_ids = context.store.batch_uploads(tenant, &batch.id).await?;
    let (status, progress) = (batch.status().as_str(), batch.progress());
    let (template_id, template_name) = batch.template.map(|template| (template.id, template.name)).unzip();
    Ok(BatchResponse {
        id: batch.id,
        name: batch.name,
        project_id: batch.project_id,
        organization_id: batch.organization_id,
        user_id: batch.user_id,
        template_id,
        template_name,
        total_files: batch.total_files,
        completed_files: batch.completed_files,
        failed_files: batch.failed_files,
        status,
        progress,
        upload_ids,
        metadata: batch.metadata,
        created_at: batch.created_at.to_iso(),
        completed_at: batch.completed_at.map(|time| time.to_iso()),
    })
}
