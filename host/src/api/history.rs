//! Processing history: the records of documents and their results.

use axum::Json as Answer;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use super::access::{self, Face, Permit, ReadDocuments, WriteDocuments};
use super::error::{ApiError, Code};
use super::extract::{Id, Json, Path, Query, shown};
use super::paging::{PageLimit, PageNumber, PageResponse, page};
use super::templates::{self, Extractor, unknown_word};
use super::watch::Subject;
use super::{Context, files, waiting};
use crate::blobs::BlobKey;
use crate::domain::document::{
    Cancellation, Deletion, Document, DocumentFilter, DocumentStatus, ExtractorIdentity, Failure,
    NewProcessing, Reprocessing, StoredResult,
};
use crate::domain::extraction::Extraction;
use crate::domain::metering::Metering;
use crate::domain::template::{ExtractorChoice, TemplateReference};
use crate::domain::tenant::Tenant;
use crate::domain::timestamp::Timestamp;
use crate::ingest;
use crate::store::Record;

const DAY: std::time::Duration = std::time::Duration::from_secs(24 * 60 * 60);

/// Longest text to search for, in characters.
pub const MAX_SEARCH: usize = 200;

/// A document on its way through processing.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProcessingRecord {
    id: String,
    upload_id: String,
    project_id: String,
    organization_id: String,
    user_id: Option<String>,
    batch_id: Option<String>,
    file_name: String,
    /// Where the file can be downloaded with the same credential; null where it is not kept.
    file_url: Option<String>,
    /// Where the file lies in the blob store; null where it is not kept.
    file_path: Option<String>,
    /// Bytes, as text.
    file_size: String,
    mime_type: String,
    page_count: Option<u32>,
    #[schema(value_type = DocumentStatus)]
    status: &'static str,
    priority: i32,
    /// Per cent.
    #[schema(maximum = 100)]
    progress: u8,
    template_id: Option<String>,
    template_name: Option<String>,
    extractor: Option<ExtractorUsed>,
    /// The result; null in lists, and until the document is completed.
    result: Option<Extraction>,
    #[schema(minimum = 0, maximum = 1)]
    confidence: Option<f64>,
    error: Option<FailureResponse>,
    attempts: u32,
    #[schema(value_type = Option<Object>)]
    metadata: Option<Map<String, Value>>,
    created_at: String,
    started_at: Option<String>,
    completed_at: Option<String>,
    processing_time_ms: Option<u64>,
}

/// The extractor that made a result.
#[derive(Serialize, ToSchema)]
struct ExtractorUsed {
    plugin: String,
    version: String,
    /// SHA-256 of the component in hexadecimal.
    digest: String,
    /// What its run used of what it may use, by limit: `cpuMs`, `memoryBytes`, `llmTokens` and so on. Left out where
    /// there is no result.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = std::collections::BTreeMap<String, crate::domain::metering::Used>, required = false,
        nullable = false, example = json!({"cpuMs": {"used": 15, "allowed": 1000}}))]
    usage: Option<Metering>,
}

/// Why a document failed.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct FailureResponse {
    /// A stable word for programs.
    #[schema(example = "decode.encrypted")]
    code: String,
    /// A sentence for people.
    message: String,
}

/// Which records a list shows.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct HistoryQuery {
    /// May be left out with a project's token.
    #[param(value_type = Option<String>)]
    pub(super) project_id: Option<Id>,
    /// Only records of this status.
    #[param(value_type = Option<DocumentStatus>, inline)]
    pub(super) status: Option<String>,
    /// Only records of this template.
    #[param(value_type = Option<String>)]
    pub(super) template_id: Option<Id>,
    /// Only records of this batch.
    #[param(value_type = Option<String>)]
    pub(super) batch_id: Option<Id>,
    /// Only records of this day (UTC, `YYYY-MM-DD`) or later.
    #[param(example = "2026-01-31")]
    pub(super) from_date: Option<String>,
    /// Only records of this day (UTC, `YYYY-MM-DD`) or earlier.
    #[param(example = "2026-01-31")]
    pub(super) to_date: Option<String>,
    /// Only records whose file name or metadata contains this, or the one with this id.
    #[param(max_length = 200)]
    pub(super) search: Option<String>,
    /// From 1.
    #[param(value_type = Option<u32>, minimum = 1)]
    pub(super) page: Option<PageNumber>,
    /// Records per page: by default 20, at the Open API 10.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    pub(super) limit: Option<PageLimit>,
}

/// How a finished document shall be processed again; what is left out stays as it was.
#[derive(Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"extractor": {"plugin": "invoice"}}))]
pub struct ReprocessRequest {
    /// Another template of the same project.
    #[schema(value_type = Option<String>)]
    template_id: Option<Id>,
    /// A version of that template, or of the one the document has; by default the one in force.
    #[schema(minimum = 1, example = 2)]
    template_version: Option<u32>,
    /// Another extractor than the template's. With a template that is given here the one chosen earlier is forgotten.
    extractor: Option<Extractor>,
}

/// Where a record is expected.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct RecordQuery {
    /// The record's project; checked where it is given.
    #[param(value_type = Option<String>)]
    project_id: Option<Id>,
}

/// Lists processing records, newest first.
#[utoipa::path(get, path = "/processing-history", tag = "processing history", params(HistoryQuery),
    responses((status = 200, body = PageResponse<ProcessingRecord>)))]
pub async fn list_history(
    permit: Permit<ReadDocuments>,
    face: Face,
    State(context): State<Context>,
    Query(query): Query<HistoryQuery>,
) -> Result<Answer<PageResponse<ProcessingRecord>>, ApiError> {
    let page = page(query.page, query.limit, face);
    let project = permit.caller.project(&context.store, query.project_id.as_ref()).await?;
    let tenant = permit.caller.tenant_of(&project);
    let listing = context.store.list_documents(&tenant, &filter(query)?, page).await?;
    let records =
        listing.items.into_iter().map(|document| ProcessingRecord::new(&context, face, document, None));
    Ok(Answer(PageResponse::new(records.collect(), page, listing.total)))
}

/// Shows a processing record with its result. With `Prefer: wait=SECONDS` the answer is held until the document is
/// finished, for at most 60 seconds.
#[utoipa::path(get, path = "/processing-history/{id}", tag = "processing history",
    params(("id" = String, Path), RecordQuery,
        ("Prefer" = Option<String>, Header, example = "wait=30",
            description = "`wait=SECONDS` holds the answer until the document is finished")),
    responses((status = 200, body = ProcessingRecord,
        headers(("Preference-Applied" = String, description = "The wait that was granted")))))]
pub async fn get_history(
    permit: Permit<ReadDocuments>,
    face: Face,
    State(context): State<Context>,
    Path(id): Path<Id>,
    Query(query): Query<RecordQuery>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let mut tenant = permit.caller.tenant_in(&context.store, query.project_id.as_ref()).await?;
    let mut document = context.store.document(&tenant, &id.0).await?.ok_or_else(|| unknown(&id))?;
    let mut waited = None;
    if !document.status.is_final() {
        waited = waiting::until_finished(&context, &headers, Subject::Document(document.id.clone())).await;
        if waited.is_some() {
            let caller = access::renewed(&context, &permit.caller).await?;
            tenant = caller.tenant_in(&context.store, query.project_id.as_ref()).await?;
            document = context.store.document(&tenant, &id.0).await?.ok_or_else(|| unknown(&id))?;
        }
    }
    let result = result_of(&context, &tenant, &document).await?;
    let record = ProcessingRecord::new(&context, face, document, result);
    let mut answer = Answer(record).into_response();
    if let Some(waited) = waited {
        waited.tell(answer.headers_mut());
    }
    Ok(answer)
}

/// Cancels a document that is not finished. One that is in progress stops shortly.
#[utoipa::path(post, path = "/processing-history/{id}/cancel", tag = "processing history",
    params(("id" = String, Path)),
    responses((status = 200, body = ProcessingRecord)))]
pub async fn cancel_document(
    permit: Permit<WriteDocuments>,
    face: Face,
    State(context): State<Context>,
    Path(id): Path<Id>,
) -> Result<Answer<ProcessingRecord>, ApiError> {
    let caller = &permit.caller;
    let tenant = caller.tenant_for(&context.store, Record::Document(&id.0)).await?;
    match context.store.cancel_document(&caller.actor, &tenant, &id.0).await? {
        Cancellation::Cancelled | Cancellation::Requested => {}
        Cancellation::TooLate => {
            return Err(ApiError::new(Code::DocumentState, "the document is finished already"));
        }
        Cancellation::NotFound => return Err(unknown(&id)),
    }
    let document = context.store.document(&tenant, &id.0).await?.ok_or_else(|| unknown(&id))?;
    Ok(Answer(ProcessingRecord::new(&context, face, document, None)))
}

/// Processes a finished document again: as it was, or with another template, version or extractor. Its result is gone
/// until the new one is there.
#[utoipa::path(post, path = "/processing-history/{id}/reprocess", tag = "processing history",
    params(("id" = String, Path)),
    request_body(content = Option<ReprocessRequest>, example = json!({"extractor": {"plugin": "invoice"}})),
    responses((status = 200, body = ProcessingRecord),
        (status = 410, description = "The file has been deleted after its time"),
        (status = 422, description = "The extractor is not there, or does not take its settings")))]
pub async fn reprocess_document(
    permit: Permit<WriteDocuments>,
    face: Face,
    State(context): State<Context>,
    Path(id): Path<Id>,
    request: Option<Json<ReprocessRequest>>,
) -> Result<Answer<ProcessingRecord>, ApiError> {
    let caller = &permit.caller;
    let tenant = caller.tenant_for(&context.store, Record::Document(&id.0)).await?;
    let document = context.store.document(&tenant, &id.0).await?.ok_or_else(|| unknown(&id))?;
    let Json(request) = request.unwrap_or_default();
    let new = new_processing(&context, request, &document.project_id, document.template, &tenant).await?;
    match context.store.reprocess_document(&caller.actor, &tenant, &id.0, &new).await? {
        Reprocessing::Accepted => {}
        Reprocessing::NotFinished => {
            return Err(ApiError::new(Code::DocumentState, "the document is not finished yet"));
        }
        Reprocessing::FileGone => {
            return Err(ApiError::new(Code::FileGone, "the document's file is not kept any more"));
        }
        Reprocessing::NotFound => return Err(unknown(&id)),
    }
    let document = context.store.document(&tenant, &id.0).await?.ok_or_else(|| unknown(&id))?;
    Ok(Answer(ProcessingRecord::new(&context, face, document, None)))
}

/// What a request for another processing asks for, of records that have `current` as their template.
///
/// # Errors
/// 400 for a version without a template, 404 where the project has no such template or version, 422 where the
/// extractor is not there or does not take its settings.
pub async fn new_processing(
    context: &Context,
    request: ReprocessRequest,
    project_id: &str,
    current: Option<TemplateReference>,
    tenant: &Tenant,
) -> Result<NewProcessing, ApiError> {
    let in_project = Tenant::project(&tenant.organization_id, project_id);
    let template = match (request.template_id, request.template_version) {
        (None, None) => None,
        (Some(id), None) => {
            let found = context.store.template(&in_project, &id.0).await?;
            Some(found.ok_or_else(|| templates::unknown(&id))?.reference())
        }
        (given, Some(version)) => {
            let Id(id) = given.or_else(|| current.map(|template| Id(template.id))).ok_or_else(|| {
                ApiError::fields(vec!["`templateVersion` is given, and there is no template".to_owned()])
            })?;
            let found =
                context.store.template_version(&in_project, &id, version).await?.ok_or_else(|| {
                    let message = format!("there is no version {version} of template `{id}`");
                    ApiError::new(Code::TemplateUnknown, message)
                })?;
            Some(TemplateReference { id, version, name: found.content.name })
        }
    };
    let extractor = request.extractor.map(ExtractorChoice::from);
    if let Some(extractor) = &extractor {
        templates::check_extractor(extractor, context, &tenant.organization_id).await?;
    }
    Ok(NewProcessing { template, extractor })
}

/// Deletes a document with its file and its results. One that is in progress has to be cancelled first.
#[utoipa::path(delete, path = "/processing-history/{id}", tag = "processing history",
    params(("id" = String, Path)),
    responses((status = 204, description = "Deleted")))]
pub async fn delete_document(
    permit: Permit<WriteDocuments>,
    State(context): State<Context>,
    Path(id): Path<Id>,
) -> Result<StatusCode, ApiError> {
    let caller = permit.caller;
    let tenant = caller.tenant_for(&context.store, Record::Document(&id.0)).await?;
    match context.store.delete_document(&caller.actor, &tenant, &id.0).await? {
        Deletion::Deleted { blob_key } => {
            if let Some(key) = blob_key {
                ingest::discard(&context.blobs, &BlobKey::stored(&key)?).await;
            }
            Ok(StatusCode::NO_CONTENT)
        }
        Deletion::InProgress => {
            Err(ApiError::new(Code::DocumentState, "the document is in progress; cancel it first"))
        }
        Deletion::NotFound => Err(unknown(&id)),
    }
}

/// The error for a record that is not there, or not for this caller.
pub fn unknown(Id(id): &Id) -> ApiError {
    ApiError::new(Code::DocumentUnknown, format!("there is no processing record `{id}`"))
}

/// What a query lets through.
///
/// # Errors
/// 400 for an unknown status, a day that is none, and a text to search for that is too long.
pub fn filter(query: HistoryQuery) -> Result<DocumentFilter, ApiError> {
    let status = match query.status.as_deref() {
        None | Some("") => None,
        Some(word) => Some(
            DocumentStatus::parse(word).ok_or_else(|| unknown_word("status", word, DocumentStatus::ALL))?,
        ),
    };
    if query.search.as_ref().is_some_and(|text| text.chars().count() > MAX_SEARCH) {
        return Err(ApiError::fields(vec![format!("`search` must have at most {MAX_SEARCH} characters")]));
    }
    Ok(DocumentFilter {
        status,
        template_id: query.template_id.map(|Id(id)| id),
        batch_id: query.batch_id.map(|Id(id)| id),
        from: query.from_date.map(|date| day("fromDate", &date)).transpose()?,
        before: query.to_date.map(|date| days_end("toDate", &date)).transpose()?,
        search: query.search.filter(|text| !text.is_empty()),
    })
}

/// The beginning of a day that a field gives as `YYYY-MM-DD`.
///
/// # Errors
/// 400 for anything else.
pub fn day(field: &str, date: &str) -> Result<Timestamp, ApiError> {
    Timestamp::start_of_day(date).ok_or_else(|| {
        ApiError::fields(vec![format!("`{field}` is `{}`, it must be a day `YYYY-MM-DD`", shown(date))])
    })
}

/// The result of a document, if it has one.
///
/// # Errors
/// The database does not answer.
pub async fn result_of(
    context: &Context,
    tenant: &Tenant,
    document: &Document,
) -> Result<Option<StoredResult>, ApiError> {
    Ok(match document.status {
        DocumentStatus::Completed | DocumentStatus::RetentionExpired => {
            context.store.result(tenant, &document.id).await?
        }
        _ => None,
    })
}

/// The end of a day, as [`day`] reads it.
///
/// # Errors
/// As [`day`].
pub fn days_end(field: &str, date: &str) -> Result<Timestamp, ApiError> {
    Ok(day(field, date)?.after(DAY))
}

impl ProcessingRecord {
    fn new(context: &Context, face: Face, document: Document, result: Option<StoredResult>) -> Self {
        let (result, usage) = match result {
            Some(StoredResult { extraction, usage, .. }) => (Some(extraction), usage),
            None => (None, None),
        };
        let processing_time = document.started_at.zip(document.completed_at).map(|(from, to)| from.until(to));
        let (template_id, template_name) =
            document.template.clone().map(|template| (template.id, template.name)).unzip();
        Self {
            file_url: files::url(context, face, &document),
            file_path: document.file.map(|file| file.blob_key),
            id: document.id,
            upload_id: document.upload_id,
            project_id: document.project_id,
            organization_id: document.organization_id,
            user_id: document.user_id,
            batch_id: document.batch_id,
            file_name: document.file_name,
            file_size: document.size_bytes.to_string(),
            mime_type: document.mime_type,
            page_count: document.page_count,
            status: document.status.as_str(),
            priority: document.priority,
            progress: document.progress,
            template_id,
            template_name,
            extractor: document.extractor.map(|extractor| ExtractorUsed::new(extractor, usage)),
            result,
            confidence: document.confidence,
            error: document.error.map(FailureResponse::from),
            attempts: document.attempts,
            metadata: document.metadata,
            created_at: document.created_at.to_iso(),
            started_at: document.started_at.map(Timestamp::to_iso),
            completed_at: document.completed_at.map(Timestamp::to_iso),
            processing_time_ms: processing_time
                .map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX)),
        }
    }
}

impl ExtractorUsed {
    fn new(extractor: ExtractorIdentity, usage: Option<Metering>) -> Self {
        let ExtractorIdentity { plugin, version, digest } = extractor;
        Self { plugin, version, digest, usage: usage.filter(|usage| !usage.is_empty()) }
    }
}

impl From<Failure> for FailureResponse {
    fn from(failure: Failure) -> Self {
        Self { code: failure.code, message: failure.message }
    }
}
