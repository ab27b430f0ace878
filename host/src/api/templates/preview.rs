//! Trying a template out: a document is read in the request, and nothing is kept.

use std::sync::Arc;
use std::time::Duration;

use axum::Json as Answer;
use axum::extract::State;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::{Semaphore, SemaphorePermit};
use utoipa::ToSchema;

use super::content::checked;
use super::{CreateTemplateRequest, UpdateTemplateRequest, unknown};
use crate::api::Context;
use crate::api::access::{Caller, Permit, WriteTemplates};
use crate::api::error::{ApiError, Code};
use crate::api::extract::{Id, Multipart, has_nul};
use crate::api::form::{self, FormFile};
use crate::api::uploads::{self, Fields, time_per_file};
use crate::config;
use crate::domain::document::PageRange;
use crate::domain::extraction::Extraction;
use crate::domain::file_name;
use crate::domain::plugin::Audience;
use crate::domain::template::TemplateContent;
use crate::pipeline::{self, Outcome, Pipeline, Task};
use crate::references::References;
use crate::store::Record;

/// Name of a template that is only tried out and has none.
const NAMELESS: &str = "Preview";

/// Reads documents within requests, so many at a time.
pub struct Previews {
    pipeline: Arc<Pipeline>,
    references: Arc<References>,
    places: Semaphore,
    time: Duration,
}

impl Previews {
    /// Sets up the part of a process that reads documents within requests.
    pub fn new(settings: &config::Preview, pipeline: Arc<Pipeline>, references: Arc<References>) -> Self {
        Self {
            pipeline,
            references,
            places: Semaphore::new(settings.max_concurrent),
            time: Duration::from_secs(settings.timeout_seconds),
        }
    }

    async fn place(&self) -> Result<SemaphorePermit<'_>, ApiError> {
        match tokio::time::timeout(self.time, self.places.acquire()).await {
            Ok(Ok(place)) => Ok(place),
            Ok(Err(_)) | Err(_) => Err(ApiError::new(
                Code::PreviewBusy,
                "too many templates are being tried out; try again shortly (setting `preview.max_concurrent`)",
            )),
        }
    }

    async fn run(&self, task: Task) -> Result<Outcome, ApiError> {
        let _place = self.place().await?;
        match tokio::time::timeout(self.time, self.pipeline.run(task, |_| {})).await {
            Ok(outcome) => outcome.map_err(failed),
            Err(_) => Err(ApiError::new(
                Code::PreviewTimeout,
                format!(
                    "the document could not be read within {} s (setting `preview.timeout_seconds`); upload it, or try \
                     fewer pages",
                    self.time.as_secs()
                ),
            )),
        }
    }
}

/// The form of a preview. Parts may come in any order.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "describes the form in the API's document; it is read part by part")]
pub struct PreviewForm {
    /// The document.
    #[schema(content_media_type = "application/octet-stream", value_type = String, format = Binary)]
    file: String,
    /// The template as JSON, as for `POST /templates`; its name may be left out. With `templateId` the changes to that
    /// template, as for `PATCH`.
    template: Option<String>,
    /// A template that there is.
    template_id: Option<String>,
    /// Pages to read, both ends included, as JSON: `{"from":1,"to":3}`.
    page_range: Option<String>,
}

/// What a template makes of a document.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PreviewResponse {
    file_name: String,
    /// Pages of the document.
    page_count: u32,
    extractor: PreviewExtractor,
    /// From 0 to 1; null for a document without fields and words.
    confidence: Option<f64>,
    /// Milliseconds from the document's arrival to its result.
    processing_time_ms: u64,
    result: Extraction,
}

/// The extractor that made a preview.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PreviewExtractor {
    plugin: String,
    version: String,
    /// SHA-256 of the component in hexadecimal.
    digest: String,
}

/// Tries a template out on a document, without keeping either: the answer is the result. For templates that are being
/// written, and for changes to one that there is. A document that takes longer than `preview.timeout_seconds` is given
/// up with 504. No credits are taken.
#[utoipa::path(post, path = "/templates/preview", tag = "templates",
    request_body(content = PreviewForm, content_type = "multipart/form-data"),
    responses((status = 200, body = PreviewResponse), (status = 422), (status = 504)))]
pub async fn preview_template(
    permit: Permit<WriteTemplates>,
    State(context): State<Context>,
    multipart: Multipart,
) -> Result<Answer<PreviewResponse>, ApiError> {
    let max_file_bytes = uploads::file_limit(&context, &permit.caller).await?;
    let max_file_bytes = usize::try_from(max_file_bytes).unwrap_or(usize::MAX);
    let form = form::read(multipart, max_file_bytes, time_per_file(&context)).await?;
    let arrived_at = std::time::Instant::now();
    let request = whole(form)?;
    let content = request.content(&context, &permit.caller).await?;
    let references = &content.references;
    let references = context.previews.references.load(&permit.caller.organization_id, references).await?;
    let file_name = file_name::sanitized(&request.file.name);
    let task = Task {
        content: request.file.content,
        file_name: file_name.clone(),
        template: Some(content),
        references,
        extractor: None,
        audience: Audience::organization(&permit.caller.organization_id),
        mode: None,
        range: request.page_range,
        password: None,
    };
    let outcome = context.previews.run(task).await?;
    Ok(Answer(PreviewResponse {
        file_name,
        page_count: outcome.page_count,
        extractor: PreviewExtractor {
            plugin: outcome.extractor.plugin,
            version: outcome.extractor.version,
            digest: outcome.extractor.digest,
        },
        confidence: outcome.confidence,
        processing_time_ms: u64::try_from(arrived_at.elapsed().as_millis()).unwrap_or(u64::MAX),
        result: outcome.extraction,
    }))
}

/// A form with all that it has to have.
struct PreviewRequest {
    file: FormFile,
    template: Option<Value>,
    template_id: Option<Id>,
    page_range: Option<PageRange>,
}

fn whole(form: form::Form) -> Result<PreviewRequest, ApiError> {
    let form::Form { file, mut fields } = form;
    if file.is_none() {
        fields.problem("`file` is missing".to_owned());
    }
    let template_id = fields.id("templateId");
    let template = template(&mut fields);
    if template.is_none() && template_id.is_none() {
        fields.problem("`template` and `templateId` are missing, one of them has to be there".to_owned());
    }
    let page_range = fields.extras().page_range;
    let whole = file.map(|file| PreviewRequest { file, template, template_id, page_range });
    fields.finish(whole)
}

fn template(fields: &mut Fields) -> Option<Value> {
    fields.object("template").map(Value::Object).filter(|template| !has_nul(template))
}

impl PreviewRequest {
    async fn content(&self, context: &Context, caller: &Caller) -> Result<TemplateContent, ApiError> {
        let content = match &self.template_id {
            None => {
                let mut request: CreateTemplateRequest = read(self.template.as_ref())?;
                if request.preset.is_none() {
                    request.name.get_or_insert_with(|| NAMELESS.to_owned());
                }
                request.content()?
            }
            Some(id) => {
                let tenant = caller.tenant_for(&context.store, Record::Template(&id.0)).await?;
                let template = context.store.template(&tenant, &id.0).await?;
                let content = template.ok_or_else(|| unknown(id))?.content;
                read::<UpdateTemplateRequest>(self.template.as_ref())?.applied_to(content)?
            }
        };
        checked(content, context, &caller.organization_id).await
    }
}

/// Reads the form's template; one that is not there says nothing.
fn read<T: DeserializeOwned + Default>(template: Option<&Value>) -> Result<T, ApiError> {
    let Some(template) = template else { return Ok(T::default()) };
    serde_path_to_error::deserialize(template)
        .map_err(|error| ApiError::fields(vec![format!("`template.{}`: {}", error.path(), error.inner())]))
}

fn failed(error: pipeline::Error) -> ApiError {
    let message = format!("{}: {error}", error.code());
    match &error {
        pipeline::Error::Unsupported(message) => ApiError::new(Code::FileFormat, message.clone()),
        pipeline::Error::Unavailable(_) => ApiError::new(Code::TemplateExtractor, error.to_string()),
        pipeline::Error::Schema(_) => ApiError::new(Code::TemplateSchema, error.to_string()),
        _ if error.is_transient() => ApiError::unavailable(error),
        _ => ApiError::new(Code::PreviewFailed, message),
    }
}
