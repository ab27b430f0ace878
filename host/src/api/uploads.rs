//! Single uploads: one file, streamed to the blob store, then recorded together with its job.

use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::access::{self, Caller, Face, Permit, WriteDocuments};
use super::error::{ApiError, Code};
use super::extract::{Id, Multipart, Path, too_large};
use super::history::{self, FailureResponse};
use super::waiting::{self, Waited};
use super::watch::Subject;
use super::{Context, batches, files, templates};
use crate::config::Config;
use crate::domain::document::{Document, DocumentStatus, FileType, NewDocument};
use crate::domain::extraction::Extraction;
use crate::domain::file_name;
use crate::domain::project::Project;
use crate::domain::template::TemplateReference;
use crate::ingest;

mod archive;
mod fields;
mod form;
mod taken;

pub use archive::unpack;
pub use fields::{Extras, Fields};
pub use form::{Form, FormFile, Shape, read};
pub use taken::{Taken, once};

/// Room for a form's other parts beside its files.
const FORM_BYTES: u64 = 1024 * 1024;

/// Longest `uploadType`, in characters.
const MAX_UPLOAD_TYPE: usize = 64;

/// The form of a single upload. Parts may come in any order.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "describes the form in the API's document; it is read part by part")]
pub struct UploadForm {
    /// The file. The pages of an e-mail message's attachments follow its own; a ZIP file has to go to a batch.
    #[schema(content_media_type = "application/octet-stream", value_type = String, format = Binary)]
    file: String,
    file_name: String,
    /// What the uploader calls the file; the content decides how it is read.
    #[schema(value_type = FileType)]
    file_type: String,
    project_id: String,
    template_id: Option<String>,
    /// A JSON object that is kept with the record.
    metadata: Option<String>,
    /// Pages to read, both ends included, as JSON: `{"from":1,"to":3}`.
    page_range: Option<String>,
    /// Higher is sooner; from -100 to 100, 0 is usual.
    priority: Option<String>,
}

/// The form of a single upload at the Open API. Parts may come in any order.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "describes the form in the API's document; it is read part by part")]
pub struct OpenApiUploadForm {
    /// The file. The pages of an e-mail message's attachments follow its own; a ZIP file has to go to a batch.
    #[schema(content_media_type = "application/octet-stream", value_type = String, format = Binary)]
    file: String,
    file_name: String,
    /// What the uploader calls the file; the content decides how it is read.
    #[schema(value_type = FileType)]
    file_type: String,
    /// Bytes, as text; has to be what arrives.
    #[schema(pattern = "^[0-9]{1,19}$")]
    file_size: String,
    /// The content decides how the file is read.
    mime_type: String,
    project_id: String,
    template_id: Option<String>,
    /// Taken for compatibility, at most 64 characters: how a file was uploaded is known without it.
    upload_type: Option<String>,
    /// A JSON object that is kept with the record.
    metadata: Option<String>,
    /// The batch to add the document to.
    batch_id: Option<String>,
    /// Pages to read, both ends included, as JSON: `{"from":1,"to":3}`.
    page_range: Option<String>,
    /// Higher is sooner; from -100 to 100, 0 is usual.
    priority: Option<String>,
}

/// What has become of an upload whose answer was held.
#[derive(Serialize, Deserialize, ToSchema, Default)]
#[serde(rename_all = "camelCase")]
struct Outcome {
    /// Only with `Prefer: wait`: the record's status by now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = DocumentStatus)]
    processing_status: Option<String>,
    /// Only with `Prefer: wait`: the result, if there is one by now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Extraction)]
    result: Option<Box<Extraction>>,
    /// Only with `Prefer: wait`: why the document failed, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = FailureResponse)]
    error: Option<FailureResponse>,
}

/// An upload that was taken in.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UploadResponse {
    /// Also the id of the processing record.
    id: String,
    file_name: String,
    file_url: Option<String>,
    /// Always `uploaded`.
    #[schema(example = "uploaded")]
    status: String,
    template_id: Option<String>,
    processing_id: String,
    #[serde(flatten)]
    outcome: Outcome,
}

/// An upload that was taken in at the Open API.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OpenApiUploadResponse {
    /// Also the id of the processing record.
    id: String,
    file_name: String,
    file_url: Option<String>,
    /// The same as `fileUrl`: files are not public.
    public_url: Option<String>,
    #[schema(value_type = FileType)]
    file_type: String,
    /// Bytes, as text.
    file_size: String,
    /// By content.
    mime_type: String,
    /// Always `uploaded`.
    #[schema(example = "uploaded")]
    status: String,
    project_id: String,
    template_id: Option<String>,
    batch_id: Option<String>,
    created_at: String,
    #[serde(flatten)]
    outcome: Outcome,
}

/// Uploads a file to be processed.
///
/// The answer comes as soon as the file is stored; its `id` is that of the processing record. With
/// `Prefer: wait=SECONDS` it is held until the document is finished, for at most 60 seconds, and has the members
/// `processingStatus`, `result` and `error` in addition.
#[utoipa::path(post, path = "/upload/{organizationId}/file", tag = "uploads",
    params(("organizationId" = String, Path),
        ("Prefer" = Option<String>, Header, example = "wait=30",
            description = "`wait=SECONDS` holds the answer until the document is finished")),
    request_body(content = UploadForm, content_type = "multipart/form-data"),
    responses((status = 201, body = UploadResponse, headers(("Preference-Applied" = String, description = "The wait that was granted")))))]
pub async fn upload_file(
    permit: Permit<WriteDocuments>,
    State(context): State<Context>,
    Path(organization): Path<Id>,
    headers: HeaderMap,
    multipart: Multipart,
) -> Result<Taken<UploadResponse>, ApiError> {
    permit.caller.check_organization(&organization)?;
    let shape = shape(&context, "upload");
    let mut taken = once(&context, &permit.caller, &headers, multipart, shape, |form| {
        let (context, caller) = (context.clone(), permit.caller.clone());
        async move {
            let document = take_in(&context, &caller, Face::Platform, form).await?;
            Ok(UploadResponse {
                file_url: files::url(&context, Face::Platform, &document),
                processing_id: document.id.clone(),
                id: document.id,
                file_name: document.file_name,
                status: "uploaded".to_owned(),
                template_id: document.template.map(|template| template.id),
                outcome: Outcome::default(),
            })
        }
    })
    .await?;
    let (waited, outcome) = held(&context, &permit.caller, &headers, &taken.answer.id).await?;
    taken.answer.outcome = outcome;
    Ok(taken.after(waited))
}

/// Uploads a file to be processed.
///
/// The answer comes as soon as the file is stored; its `id` is that of the processing record. With
/// `Prefer: wait=SECONDS` it is held until the document is finished, for at most 60 seconds, and has the members
/// `processingStatus`, `result` and `error` in addition.
#[utoipa::path(post, path = "/upload", tag = "uploads",
    params(
        ("Prefer" = Option<String>, Header, example = "wait=30",
            description = "`wait=SECONDS` holds the answer until the document is finished")),
    request_body(content = OpenApiUploadForm, content_type = "multipart/form-data"),
    responses((status = 201, body = OpenApiUploadResponse, headers(("Preference-Applied" = String, description = "The wait that was granted")))))]
pub async fn upload(
    permit: Permit<WriteDocuments>,
    State(context): State<Context>,
    headers: HeaderMap,
    multipart: Multipart,
) -> Result<Taken<OpenApiUploadResponse>, ApiError> {
    let shape = shape(&context, "open api upload");
    let mut taken = once(&context, &permit.caller, &headers, multipart, shape, |form| {
        let (context, caller) = (context.clone(), permit.caller.clone());
        async move {
            let document = take_in(&context, &caller, Face::OpenApi, form).await?;
            let file_url = files::url(&context, Face::OpenApi, &document);
            Ok(OpenApiUploadResponse {
                id: document.id,
                file_name: document.file_name,
                public_url: file_url.clone(),
                file_url,
                file_type: document.file_type.as_str().to_owned(),
                file_size: document.size_bytes.to_string(),
                mime_type: document.mime_type,
                status: "uploaded".to_owned(),
                project_id: document.project_id,
                template_id: document.template.map(|template| template.id),
                batch_id: document.batch_id,
                created_at: document.created_at.to_iso(),
                outcome: Outcome::default(),
            })
        }
    })
    .await?;
    let (waited, outcome) = held(&context, &permit.caller, &headers, &taken.answer.id).await?;
    taken.answer.outcome = outcome;
    Ok(taken.after(waited))
}

fn shape(context: &Context, operation: &'static str) -> Shape {
    Shape { field: "file", max_files: 1, time_per_file: time_per_file(context), operation }
}

/// Holds the answer if the request prefers that: the wait that was granted, and what has become of the document, of
/// which nothing is said without a wait, or where it was deleted or went out of the caller's reach meanwhile.
async fn held(
    context: &Context,
    caller: &Caller,
    headers: &HeaderMap,
    id: &str,
) -> Result<(Option<Waited>, Outcome), ApiError> {
    let waited = waiting::until_finished(context, headers, Subject::Document(id.to_owned())).await;
    if waited.is_none() {
        return Ok((waited, Outcome::default()));
    }
    let Ok(caller) = access::renewed(context, caller).await else { return Ok((waited, Outcome::default())) };
    let tenant = caller.tenant();
    let Some(document) = context.store.document(&tenant, id).await? else {
        return Ok((waited, Outcome::default()));
    };
    let outcome = Outcome {
        processing_status: Some(document.status.as_str().to_owned()),
        result: history::result_of(context, &tenant, &document)
            .await?
            .map(|result| Box::new(result.extraction)),
        error: document.error.map(FailureResponse::from),
    };
    Ok((waited, outcome))
}

/// A form with all that it has to have.
struct Whole {
    file: FormFile,
    file_name: String,
    file_type: FileType,
    project_id: Id,
    template_id: Option<Id>,
    batch_id: Option<Id>,
    declared_size: Option<u64>,
    extras: Extras,
}

async fn take_in(context: &Context, caller: &Caller, face: Face, form: Form) -> Result<Document, ApiError> {
    let form = whole(form, face)?;
    let received = form.file.outcome?;
    if form.declared_size.is_some_and(|declared| declared != received.size_bytes) {
        return Err(ApiError::new(
            Code::FileSizeMismatch,
            format!("`fileSize` is not the file's size: {} bytes arrived", received.size_bytes),
        ));
    }
    let project = upload_project(context, caller, &form.project_id).await?;
    let template = upload_template(context, caller, &project, form.template_id.as_ref()).await?;
    if let Some(batch_id) = &form.batch_id {
        let batch = context.store.batch(&caller.tenant_of(&project), &batch_id.0).await?;
        batch.ok_or_else(|| batches::unknown(batch_id))?;
    }
    let key = received.key().clone();
    let new = NewDocument {
        upload_id: form.file.document_id.clone(),
        id: form.file.document_id,
        user_id: caller.user_id.clone(),
        batch_id: form.batch_id.map(|Id(id)| id),
        file_name: file_name::sanitized(&form.file_name),
        file_type: form.file_type,
        mime_type: received.format.media_type().to_owned(),
        size_bytes: received.size_bytes,
        file: Ok(received.keep()),
        template,
        page_range: form.extras.page_range,
        priority: form.extras.priority,
        metadata: form.extras.metadata,
    };
    let tenant = caller.tenant_of(&project);
    let (store, organization) = (&context.store, &caller.organization_id);
    let record = store.create_document(&caller.actor, organization, &project.id, &new);
    let find = store.document(&tenant, &new.id);
    Ok(ingest::recorded(&context.blobs, &[key], record, find).await?)
}

fn whole(form: Form, face: Face) -> Result<Whole, ApiError> {
    let Form { mut fields, mut files } = form;
    let file = files.pop();
    if file.is_none() {
        fields.problem("`file` is missing".to_owned());
    }
    let file_name = fields.required("fileName");
    let file_type = fields.word("fileType", FileType::ALL, FileType::parse);
    let project_id = fields.required_id("projectId");
    let template_id = fields.id("templateId");
    let (batch_id, declared_size) = match face {
        Face::Platform => (None, None),
        Face::OpenApi => {
            fields.required("mimeType");
            fields.at_most("uploadType", MAX_UPLOAD_TYPE);
            (fields.id("batchId"), fields.required_number("fileSize"))
        }
    };
    let extras = fields.extras();
    let whole = match (file, file_name, file_type, project_id) {
        (Some(file), Some(file_name), Some(file_type), Some(project_id)) => Some(Whole {
            file,
            file_name,
            file_type,
            project_id,
            template_id,
            batch_id,
            declared_size,
            extras,
        }),
        _ => None,
    };
    fields.finish(whole)
}

/// The project of an upload, which has to be switched on.
///
/// # Errors
/// 401 outside the caller's reach, 409 where it is switched off.
pub async fn upload_project(context: &Context, caller: &Caller, id: &Id) -> Result<Project, ApiError> {
    let project = caller.project(&context.store, Some(id)).await?;
    if !project.is_active {
        return Err(ApiError::new(Code::ProjectInactive, "the project is switched off"));
    }
    Ok(project)
}

/// The template of an upload, which has to be the project's and switched on.
///
/// # Errors
/// 404 where the project has no such template, 409 where it is switched off.
pub async fn upload_template(
    context: &Context,
    caller: &Caller,
    project: &Project,
    id: Option<&Id>,
) -> Result<Option<TemplateReference>, ApiError> {
    let Some(id) = id else { return Ok(None) };
    let template = context.store.template(&caller.tenant_of(project), &id.0).await?;
    let template = template.ok_or_else(|| templates::unknown(id))?;
    if !template.is_active {
        return Err(ApiError::new(Code::TemplateInactive, "the template is switched off"));
    }
    Ok(Some(template.reference()))
}

/// Turns an upload away before any of it is read: where it says that it is too large, or too many documents wait.
///
/// # Errors
/// 413 or 503.
pub async fn check_room(context: &Context, headers: &HeaderMap, files: usize) -> Result<(), ApiError> {
    let announced = headers.get(axum::http::header::CONTENT_LENGTH);
    let announced = announced.and_then(|value| value.to_str().ok()).and_then(|text| text.parse::<u64>().ok());
    if announced.is_some_and(|bytes| bytes > max_request_bytes(&context.config, files)) {
        return Err(match files {
            1 => file_too_large(context),
            _ => too_large(),
        });
    }
    if context.store.waiting_documents().await? >= context.config.queue.max_waiting {
        return Err(ApiError::new(Code::QueueFull, "too many documents are waiting; try again shortly"));
    }
    Ok(())
}

/// Most bytes of an upload with this many files.
pub fn max_request_bytes(config: &Config, files: usize) -> u64 {
    max_file_bytes(config).saturating_mul(files as u64).saturating_add(FORM_BYTES)
}

/// Most bytes of one file of the caller's organization: the server's limit, or its plan's where that is lower.
///
/// # Errors
/// Whatever the database answers.
pub async fn file_limit(context: &Context, caller: &Caller) -> Result<u64, ApiError> {
    let plan = context.limits.plan(&context.store, &context.clock, &caller.organization_id).await?;
    Ok(max_file_bytes(&context.config).min(plan.max_file_bytes.unwrap_or(u64::MAX)))
}

fn max_file_bytes(config: &Config) -> u64 {
    config.upload.max_file_mib.saturating_mul(1024 * 1024)
}

fn file_too_large(context: &Context) -> ApiError {
    let limit = context.config.upload.max_file_mib;
    ApiError::new(Code::FileTooLarge, format!("file is larger than the limit of {limit} MiB"))
}

/// How long one file of an upload may take to arrive.
pub fn time_per_file(context: &Context) -> Duration {
    Duration::from_secs(context.config.upload.timeout_per_file_seconds)
}
