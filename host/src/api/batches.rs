//! Batches: several files uploaded together, each of which stands alone.

use axum::Json as Answer;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use super::access::{self, Caller, Face, Permit, ReadDocuments, WriteDocuments};
use super::error::{ApiError, Code};
use super::extract::{Id, Json, Multipart, Path, Query};
use super::history::{MAX_SEARCH, ReprocessRequest, day, days_end};
use super::paging::{PageLimit, PageNumber, PageResponse, page};
use super::templates::unknown_word;
use super::uploads::{self, Extras, Fields, Form, FormFile, Shape, Taken};
use super::watch::Subject;
use super::{Context, history, waiting};
use crate::blobs::BlobKey;
use crate::domain::batch::{Batch, BatchChange, BatchDeletion, BatchFilter, BatchStatus, NewBatch};
use crate::domain::document::{Failure, FileType, NewDocument};
use crate::domain::file_name;
use crate::domain::format::Format;
use crate::domain::tenant::Tenant;
use crate::ingest;
use crate::store::Record;

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
    /// Pages to read of each file, both ends included, as JSON: `{"from":1,"to":3}`.
    page_range: Option<String>,
    /// Higher is sooner; from -100 to 100, 0 is usual.
    priority: Option<String>,
}

/// A batch.
#[derive(Serialize, Deserialize, ToSchema)]
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
    /// Those that failed or were cancelled.
    failed_files: u64,
    /// Of the failed ones, those that were cancelled.
    cancelled_files: u64,
    #[schema(value_type = BatchStatus)]
    status: String,
    /// Only in the answer to an upload with `Prefer: wait`: the batch's status by now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = BatchStatus)]
    processing_status: Option<String>,
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
    /// Only batches of this status.
    #[param(value_type = Option<BatchStatus>, inline)]
    status: Option<String>,
    /// Only batches of this template.
    #[param(value_type = Option<String>)]
    template_id: Option<Id>,
    /// Only batches of this day (UTC, `YYYY-MM-DD`) or later.
    #[param(example = "2026-01-31")]
    from_date: Option<String>,
    /// Only batches of this day (UTC, `YYYY-MM-DD`) or earlier.
    #[param(example = "2026-01-31")]
    to_date: Option<String>,
    /// Only batches whose name contains this, or the one with this id.
    #[param(max_length = 200)]
    search: Option<String>,
    /// From 1.
    #[param(value_type = Option<u32>, minimum = 1)]
    page: Option<PageNumber>,
    /// Batches per page: by default 20, at the Open API 10.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Option<PageLimit>,
}

/// Uploads several files, or ZIP files of them, to be processed together.
///
/// Each file stands alone: one that cannot be taken in has a record that failed. With `Prefer: wait=SECONDS` the answer
/// is held until all are finished, for at most 60 seconds; it then counts what is finished and says
/// `processingStatus`.
#[utoipa::path(post, path = "/batch/{organizationId}/upload", tag = "batches",
    params(("organizationId" = String, Path),
        ("Prefer" = Option<String>, Header, example = "wait=30",
            description = "`wait=SECONDS` holds the answer until all files are finished")),
    request_body(content = BatchForm, content_type = "multipart/form-data"),
    responses((status = 201, body = BatchResponse, headers(("Preference-Applied" = String, description = "The wait that was granted")))))]
pub async fn upload_files(
    permit: Permit<WriteDocuments>,
    State(context): State<Context>,
    Path(organization): Path<Id>,
    headers: HeaderMap,
    multipart: Multipart,
) -> Result<Taken<BatchResponse>, ApiError> {
    permit.caller.check_organization(&organization)?;
    upload_to(context, permit.caller, "batch", headers, multipart).await
}

/// Uploads several files, or ZIP files of them, to be processed together.
///
/// Each file stands alone: one that cannot be taken in has a record that failed. With `Prefer: wait=SECONDS` the answer
/// is held until all are finished, for at most 60 seconds; it then counts what is finished and says
/// `processingStatus`.
#[utoipa::path(post, path = "/batch/upload", tag = "batches",
    params(
        ("Prefer" = Option<String>, Header, example = "wait=30",
            description = "`wait=SECONDS` holds the answer until all files are finished")),
    request_body(content = BatchForm, content_type = "multipart/form-data"),
    responses((status = 201, body = BatchResponse, headers(("Preference-Applied" = String, description = "The wait that was granted")))))]
pub async fn upload_batch(
    permit: Permit<WriteDocuments>,
    State(context): State<Context>,
    headers: HeaderMap,
    multipart: Multipart,
) -> Result<Taken<BatchResponse>, ApiError> {
    upload_to(context, permit.caller, "open api batch", headers, multipart).await
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
    let listing = context.store.list_batches(&tenant, &filter(query)?, page).await?;
    let mut batches = Vec::with_capacity(listing.items.len());
    for batch in listing.items {
        batches.push(response(&context, &tenant, batch).await?);
    }
    Ok(Answer(PageResponse::new(batches, page, listing.total)))
}

/// Shows a batch. With `Prefer: wait=SECONDS` the answer is held until all its documents are finished, for at most 60
/// seconds.
#[utoipa::path(get, path = "/batch/{id}", tag = "batches",
    params(("id" = String, Path),
        ("Prefer" = Option<String>, Header, example = "wait=30",
            description = "`wait=SECONDS` holds the answer until all documents are finished")),
    responses((status = 200, body = BatchResponse,
        headers(("Preference-Applied" = String, description = "The wait that was granted")))))]
pub async fn get_batch(
    permit: Permit<ReadDocuments>,
    State(context): State<Context>,
    Path(id): Path<Id>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let mut tenant = permit.caller.tenant();
    let mut batch = context.store.batch(&tenant, &id.0).await?.ok_or_else(|| unknown(&id))?;
    let mut waited = None;
    if batch.status() == BatchStatus::Processing {
        waited = waiting::until_finished(&context, &headers, Subject::Batch(batch.id.clone())).await;
        if waited.is_some() {
            tenant = access::renewed(&context, &permit.caller).await?.tenant();
            batch = context.store.batch(&tenant, &id.0).await?.ok_or_else(|| unknown(&id))?;
        }
    }
    let mut answer = Answer(response(&context, &tenant, batch).await?).into_response();
    if let Some(waited) = waited {
        waited.tell(answer.headers_mut());
    }
    Ok(answer)
}

/// Cancels the documents of a batch that are not finished. Those that are in progress stop shortly.
#[utoipa::path(post, path = "/batch/{id}/cancel", tag = "batches", params(("id" = String, Path)),
    responses((status = 200, body = BatchResponse)))]
pub async fn cancel_batch(
    permit: Permit<WriteDocuments>,
    State(context): State<Context>,
    Path(id): Path<Id>,
) -> Result<Answer<BatchResponse>, ApiError> {
    let caller = &permit.caller;
    let tenant = caller.tenant_for(&context.store, Record::Batch(&id.0)).await?;
    let change = context.store.cancel_batch(&caller.actor, &tenant, &id.0).await?;
    changed(&context, &tenant, &id, change, "all documents of the batch are finished already").await
}

/// Processes the finished documents of a batch again, as far as their files are kept: as they were, or with another
/// template, version or extractor. Those that are not finished go on as they are.
#[utoipa::path(post, path = "/batch/{id}/reprocess", tag = "batches", params(("id" = String, Path)),
    request_body(content = Option<ReprocessRequest>, example = json!({"extractor": {"plugin": "invoice"}})),
    responses((status = 200, body = BatchResponse),
        (status = 422, description = "The extractor is not there, or does not take its settings")))]
pub async fn reprocess_batch(
    permit: Permit<WriteDocuments>,
    State(context): State<Context>,
    Path(id): Path<Id>,
    request: Option<Json<ReprocessRequest>>,
) -> Result<Answer<BatchResponse>, ApiError> {
    let caller = &permit.caller;
    let tenant = caller.tenant_for(&context.store, Record::Batch(&id.0)).await?;
    let batch = context.store.batch(&tenant, &id.0).await?.ok_or_else(|| unknown(&id))?;
    let Json(request) = request.unwrap_or_default();
    let new = history::new_processing(&context, request, &batch.project_id, batch.template, &tenant).await?;
    let change = context.store.reprocess_batch(&caller.actor, &tenant, &id.0, &new).await?;
    changed(&context, &tenant, &id, change, "no document of the batch is finished and has its file").await
}

/// Deletes a batch with all its documents, their files and their results. One that is in progress has to be cancelled
/// first.
#[utoipa::path(delete, path = "/batch/{id}", tag = "batches", params(("id" = String, Path)),
    responses((status = 204, description = "Deleted")))]
pub async fn delete_batch(
    permit: Permit<WriteDocuments>,
    State(context): State<Context>,
    Path(id): Path<Id>,
) -> Result<StatusCode, ApiError> {
    let caller = permit.caller;
    let tenant = caller.tenant_for(&context.store, Record::Batch(&id.0)).await?;
    match context.store.delete_batch(&caller.actor, &tenant, &id.0).await? {
        BatchDeletion::Deleted { blob_keys } => {
            for key in blob_keys {
                ingest::discard(&context.blobs, &BlobKey::stored(&key)?).await;
            }
            Ok(StatusCode::NO_CONTENT)
        }
        BatchDeletion::InProgress => Err(ApiError::new(
            Code::BatchState,
            "some documents of the batch are in progress; cancel it first",
        )),
        BatchDeletion::NotFound => Err(unknown(&id)),
    }
}

async fn changed(
    context: &Context,
    tenant: &Tenant,
    id: &Id,
    change: BatchChange,
    nothing_to_do: &str,
) -> Result<Answer<BatchResponse>, ApiError> {
    match change {
        BatchChange::Made(_) => {}
        BatchChange::NothingToDo => return Err(ApiError::new(Code::BatchState, nothing_to_do)),
        BatchChange::NotFound => return Err(unknown(id)),
    }
    let batch = context.store.batch(tenant, &id.0).await?.ok_or_else(|| unknown(id))?;
    Ok(Answer(response(context, tenant, batch).await?))
}

fn filter(query: BatchesQuery) -> Result<BatchFilter, ApiError> {
    let status = match query.status.as_deref() {
        None | Some("") => None,
        Some(word) => {
            Some(BatchStatus::parse(word).ok_or_else(|| unknown_word("status", word, BatchStatus::ALL))?)
        }
    };
    if query.search.as_ref().is_some_and(|text| text.chars().count() > MAX_SEARCH) {
        return Err(ApiError::fields(vec![format!("`search` must have at most {MAX_SEARCH} characters")]));
    }
    Ok(BatchFilter {
        status,
        template_id: query.template_id.map(|Id(id)| id),
        from: query.from_date.map(|date| day("fromDate", &date)).transpose()?,
        before: query.to_date.map(|date| days_end("toDate", &date)).transpose()?,
        search: query.search.filter(|text| !text.is_empty()),
    })
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
    /// Of the batch the metadata, of each file the rest.
    extras: Extras,
}

async fn upload_to(
    context: Context,
    caller: Caller,
    operation: &'static str,
    headers: HeaderMap,
    multipart: Multipart,
) -> Result<Taken<BatchResponse>, ApiError> {
    let shape = Shape {
        field: "files",
        max_files: context.config.upload.max_batch_files,
        time_per_file: uploads::time_per_file(&context),
        operation,
    };
    let mut taken = uploads::once(&context, &caller, &headers, multipart, shape, |form| {
        let (context, caller) = (context.clone(), caller.clone());
        async move { take_in(&context, &caller, form).await }
    })
    .await?;
    let subject = Subject::Batch(taken.answer.id.clone());
    let waited = waiting::until_finished(&context, &headers, subject).await;
    if waited.is_some()
        && let Ok(caller) = access::renewed(&context, &caller).await
        && let Some(batch) = context.store.batch(&caller.tenant(), &taken.answer.id).await?
    {
        let answer = &mut taken.answer;
        answer.processing_status = Some(batch.status().as_str().to_owned());
        answer.progress = batch.progress();
        answer.completed_files = batch.completed_files;
        answer.failed_files = batch.failed_files;
        answer.cancelled_files = batch.cancelled_files;
        answer.completed_at = batch.completed_at.map(|time| time.to_iso());
    }
    Ok(taken.after(waited))
}

async fn take_in(context: &Context, caller: &Caller, form: Form) -> Result<BatchResponse, ApiError> {
    let Form { fields, files } = form;
    let max_files = context.config.upload.max_batch_files;
    let files = uploads::unpack(context, caller, files, max_files).await?;
    let details = details(fields, caller, files.is_empty())?;
    let project = match &details.project_id {
        Some(id) => uploads::upload_project(context, caller, id).await?,
        None => caller.project(&context.store, None).await?,
    };
    let template = uploads::upload_template(context, caller, &project, details.template_id.as_ref()).await?;
    let now = context.clock.now();
    let mut extras = details.extras;
    let batch = NewBatch {
        id: context.clock.new_id(),
        user_id: caller.user_id.clone(),
        name: details.name.unwrap_or_else(|| format!("Batch {}", now.to_date())),
        template,
        metadata: extras.metadata.take(),
    };
    let keys: Vec<_> =
        files.iter().filter_map(|file| Some(file.outcome.as_ref().ok()?.key().clone())).collect();
    let documents: Vec<NewDocument> = files.into_iter().map(|file| document(file, &batch, &extras)).collect();
    let tenant = caller.tenant_of(&project);
    let (store, organization) = (&context.store, &caller.organization_id);
    let record = store.create_batch(&caller.actor, organization, &project.id, &batch, &documents);
    let find = store.batch(&tenant, &batch.id);
    let recorded = ingest::recorded(&context.blobs, &keys, record, find).await?;
    response(context, &tenant, recorded).await
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
        extras: fields.extras(),
    };
    if details.name.as_ref().is_some_and(|name| name.chars().count() > MAX_NAME || name.contains('\0')) {
        fields.problem(format!("`name` must have at most {MAX_NAME} characters, none of them NUL"));
    }
    fields.finish(Some(details))
}

/// The record of one file of a batch: one that was refused has failed.
fn document(file: FormFile, batch: &NewBatch, extras: &Extras) -> NewDocument {
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
        user_id: batch.user_id.clone(),
        batch_id: Some(batch.id.clone()),
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
        template: batch.template.clone(),
        page_range: extras.page_range,
        priority: extras.priority,
        metadata: origin,
    }
}

async fn response(context: &Context, tenant: &Tenant, batch: Batch) -> Result<BatchResponse, ApiError> {
    let upload_ids = context.store.batch_uploads(tenant, &batch.id).await?;
    let (status, progress) = (batch.status().as_str().to_owned(), batch.progress());
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
        cancelled_files: batch.cancelled_files,
        status,
        processing_status: None,
        progress,
        upload_ids,
        metadata: batch.metadata,
        created_at: batch.created_at.to_iso(),
        completed_at: batch.completed_at.map(|time| time.to_iso()),
    })
}
