//! Templates: what to read from a kind of document.

use axum::Json as Answer;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use super::Context;
use super::access::{Permit, ReadTemplates, WriteTemplates};
use super::error::{ApiError, Code};
use super::extract::{Id, Json, Path, Query, double_option};
use crate::domain::page::OcrMode;
use crate::domain::template::export::ExportSettings;
use crate::domain::template::{
    ExtractionMode, ExtractorChoice, ResultFormat, Template, TemplateContent, TemplateRevision,
    TemplateUpdate,
};
use crate::store::Record;
use content::{checked, extraction_mode, ocr_mode, result_format};

mod content;
mod form;
pub mod presets;
pub mod preview;
pub mod reference;
pub mod versions;

pub use content::{check_extractor, unknown_word};

/// A template.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TemplateResponse {
    template_id: String,
    /// The same as `templateId`.
    id: String,
    #[serde(flatten)]
    content: ContentResponse,
    project_id: String,
    is_active: bool,
    /// Number of the version in force, from 1.
    version: u32,
    created_at: String,
    updated_at: String,
}

/// What a template says.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ContentResponse {
    name: String,
    description: Option<String>,
    /// JSON Schema of the result's `data`.
    #[schema(value_type = Option<Object>)]
    template_schema: Option<Value>,
    instructions: Option<String>,
    #[schema(value_type = ResultFormat)]
    result_format: &'static str,
    #[schema(value_type = ExtractionMode)]
    extraction_mode: &'static str,
    extractor: Option<Extractor>,
    /// How pictures are read; null for as the server is set.
    #[schema(value_type = Option<OcrMode>)]
    ocr_mode: Option<&'static str>,
    /// How results are laid out as csv and xlsx.
    export: ExportSettings,
    /// Names of the reference files that the extractor may look values up in.
    reference_files: Vec<String>,
}

/// A template with its state as the `ETag`.
pub type Tagged = ([(HeaderName, String); 1], Answer<TemplateResponse>);

/// The plugin that runs a template.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct Extractor {
    /// Its name.
    plugin: String,
    /// Its version, such as `1.2.3`, or a range of versions, such as `^1.2`; null for the newest.
    version: Option<String>,
    /// Its settings for this template; `GET /plugins` tells what it takes.
    #[schema(value_type = Option<Object>)]
    config: Option<Map<String, Value>>,
}

/// A new template.
#[derive(Deserialize, Default, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "name": "Receipts",
    "projectId": "0192f3a4-5b6c-7d8e-9f01-23456789abcd",
    "templateSchema": {"total": {"type": "number", "description": "Amount to pay"}},
}))]
pub struct CreateTemplateRequest {
    /// A ready-made template to start from, such as `invoice`; what else is given takes the place of what it says.
    preset: Option<String>,
    /// May be left out with a preset.
    #[schema(min_length = 1, max_length = 200)]
    name: Option<String>,
    #[schema(max_length = 2000)]
    description: Option<String>,
    /// JSON Schema of type object, or a flat map `field → {type, description}`.
    #[schema(value_type = Option<Object>)]
    template_schema: Option<Value>,
    #[schema(max_length = 20000)]
    instructions: Option<String>,
    /// May be left out with a project's token.
    #[schema(value_type = Option<String>)]
    project_id: Option<Id>,
    /// By default `json`.
    #[schema(value_type = Option<ResultFormat>)]
    result_format: Option<String>,
    /// By default `structured`.
    #[schema(value_type = Option<ExtractionMode>)]
    extraction_mode: Option<String>,
    /// Without it the mode picks the default one.
    extractor: Option<Extractor>,
    /// How pictures are read; without it as the server is set.
    #[schema(value_type = Option<OcrMode>)]
    ocr_mode: Option<String>,
    /// How results are laid out as csv and xlsx; without it a column per field and a row per document.
    export: Option<ExportSettings>,
}

/// Changes of a template; what is left out stays, null removes.
#[derive(Deserialize, Default, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"name": "Receipts of 2026", "resultFormat": "csv"}))]
pub struct UpdateTemplateRequest {
    /// The template's `updatedAt` as it was last read: where it was changed since, nothing happens. `If-Match` with the
    /// `ETag` does the same.
    updated_at: Option<String>,
    #[schema(min_length = 1, max_length = 200)]
    name: Option<String>,
    #[serde(default, deserialize_with = "double_option")]
    #[schema(value_type = Option<String>, max_length = 2000)]
    description: Option<Option<String>>,
    #[serde(default, deserialize_with = "double_option")]
    #[schema(value_type = Option<Object>)]
    template_schema: Option<Option<Value>>,
    #[serde(default, deserialize_with = "double_option")]
    #[schema(value_type = Option<String>, max_length = 20000)]
    instructions: Option<Option<String>>,
    is_active: Option<bool>,
    #[schema(value_type = Option<ResultFormat>)]
    result_format: Option<String>,
    #[schema(value_type = Option<ExtractionMode>)]
    extraction_mode: Option<String>,
    #[serde(default, deserialize_with = "double_option")]
    #[schema(value_type = Option<Extractor>)]
    extractor: Option<Option<Extractor>>,
    #[serde(default, deserialize_with = "double_option")]
    #[schema(value_type = Option<OcrMode>)]
    ocr_mode: Option<Option<String>>,
    #[serde(default, deserialize_with = "double_option")]
    #[schema(value_type = Option<ExportSettings>)]
    export: Option<Option<ExportSettings>>,
}

/// Which templates a list shows.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct ProjectQuery {
    /// May be left out with a project's token.
    #[param(value_type = Option<String>)]
    project_id: Option<Id>,
}

/// Lists the templates of a project, oldest first.
#[utoipa::path(get, path = "/templates", tag = "templates", params(ProjectQuery),
    responses((status = 200, body = Vec<TemplateResponse>)))]
pub async fn list_templates(
    permit: Permit<ReadTemplates>,
    State(context): State<Context>,
    Query(query): Query<ProjectQuery>,
) -> Result<Answer<Vec<TemplateResponse>>, ApiError> {
    let project = permit.caller.project(&context.store, query.project_id.as_ref()).await?;
    let tenant = permit.caller.tenant_of(&project);
    let templates = context.store.list_templates(&tenant).await?;
    Ok(Answer(templates.into_iter().map(TemplateResponse::from).collect()))
}

/// Makes a template: from all that it shall say, or from a preset (`GET /templates/presets`).
#[utoipa::path(post, path = "/templates", tag = "templates",
    responses((status = 201, body = TemplateResponse), (status = 422)))]
pub async fn create_template(
    permit: Permit<WriteTemplates>,
    State(context): State<Context>,
    Json(request): Json<CreateTemplateRequest>,
) -> Result<(StatusCode, Tagged), ApiError> {
    let caller = permit.caller;
    let project = caller.project(&context.store, request.project_id.as_ref()).await?;
    let content = checked(request.content()?, &context).await?;
    let organization = &caller.organization_id;
    let template = context.store.create_template(&caller.actor, organization, &project.id, content).await?;
    Ok((StatusCode::CREATED, tagged(template)))
}

/// Shows a template.
#[utoipa::path(get, path = "/templates/{templateId}", tag = "templates",
    params(("templateId" = String, Path)),
    responses((status = 200, body = TemplateResponse)))]
pub async fn get_template(
    permit: Permit<ReadTemplates>,
    State(context): State<Context>,
    Path(id): Path<Id>,
) -> Result<Tagged, ApiError> {
    let template = context.store.template(&permit.caller.tenant(), &id.0).await?;
    Ok(tagged(template.ok_or_else(|| unknown(&id))?))
}

/// Changes a template. A change of what it says makes its next version; documents that were uploaded before are still
/// read with what it said then.
#[utoipa::path(patch, path = "/templates/{templateId}", tag = "templates",
    params(("templateId" = String, Path),
        ("If-Match" = Option<String>, Header, description = "The `ETag` of the template as it was last read.")),
    responses((status = 200, body = TemplateResponse), (status = 409), (status = 422)))]
pub async fn update_template(
    permit: Permit<WriteTemplates>,
    State(context): State<Context>,
    Path(id): Path<Id>,
    headers: HeaderMap,
    Json(request): Json<UpdateTemplateRequest>,
) -> Result<Tagged, ApiError> {
    let caller = &permit.caller;
    let tenant = caller.tenant_for(&context.store, Record::Template(&id.0)).await?;
    let current = context.store.template(&tenant, &id.0).await?.ok_or_else(|| unknown(&id))?;
    expect_unchanged(&current, &headers, request.updated_at.as_deref())?;
    let revision = TemplateRevision {
        expected_updated_at: current.updated_at,
        is_active: request.is_active.unwrap_or(current.is_active),
        content: checked(request.applied_to(current.content)?, &context).await?,
    };
    answered(context.store.update_template(&caller.actor, &tenant, &id.0, revision).await?, &id)
}

/// Deletes a template. Documents that were read with it keep their results.
#[utoipa::path(delete, path = "/templates/{templateId}", tag = "templates",
    params(("templateId" = String, Path)),
    responses((status = 204, description = "Deleted")))]
pub async fn delete_template(
    permit: Permit<WriteTemplates>,
    State(context): State<Context>,
    Path(id): Path<Id>,
) -> Result<StatusCode, ApiError> {
    let caller = permit.caller;
    let tenant = caller.tenant_for(&context.store, Record::Template(&id.0)).await?;
    match context.store.delete_template(&caller.actor, &tenant, &id.0).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(unknown(&id)),
    }
}

/// The error for a template that is not there, or not for this caller.
pub fn unknown(Id(id): &Id) -> ApiError {
    ApiError::new(Code::TemplateUnknown, format!("there is no template `{id}`"))
}

/// The answer to a change, or the error that became of it.
fn answered(update: TemplateUpdate, id: &Id) -> Result<Tagged, ApiError> {
    match update {
        TemplateUpdate::Updated(template) => Ok(tagged(*template)),
        TemplateUpdate::Conflict => Err(conflict()),
        TemplateUpdate::NotFound => Err(unknown(id)),
    }
}

fn conflict() -> ApiError {
    ApiError::new(Code::Conflict, "the template was changed meanwhile; read it and try again")
}

/// Refuses a change that was made of another state of the template than the one it is in.
fn expect_unchanged(
    template: &Template,
    headers: &HeaderMap,
    updated_at: Option<&str>,
) -> Result<(), ApiError> {
    let is_read = updated_at.is_none_or(|read| read == template.updated_at.to_iso());
    let tag = etag(template);
    let is_matched = headers.get(header::IF_MATCH).is_none_or(|expected| {
        let expected = expected.to_str().unwrap_or_default();
        expected.split(',').map(str::trim).any(|expected| expected == "*" || expected == tag)
    });
    if is_read && is_matched { Ok(()) } else { Err(conflict()) }
}

/// Each change of a template makes its time of change a later one.
fn etag(template: &Template) -> String {
    format!("\"{}\"", template.updated_at.0)
}

fn tagged(template: Template) -> Tagged {
    ([(header::ETAG, etag(&template))], Answer(template.into()))
}

impl CreateTemplateRequest {
    /// What the template shall say; not checked yet.
    fn content(self) -> Result<TemplateContent, ApiError> {
        let mut content = match (&self.preset, &self.name) {
            (Some(preset), _) => presets::named(preset)?.content.clone(),
            (None, Some(name)) => TemplateContent::named(name.clone()),
            (None, None) => return Err(ApiError::fields(vec!["`name` is missing".to_owned()])),
        };
        if let (Some(mode), None) = (&self.extraction_mode, &self.extractor) {
            // The extractor of a preset reads fields; another mode has its own default.
            let mode = extraction_mode(mode)?;
            content.extractor = content.extractor.filter(|_| mode == content.extraction_mode);
        }
        let changes = UpdateTemplateRequest {
            name: self.name,
            description: self.description.map(Some),
            template_schema: self.template_schema.map(Some),
            instructions: self.instructions.map(Some),
            result_format: self.result_format,
            extraction_mode: self.extraction_mode,
            extractor: self.extractor.map(Some),
            ocr_mode: self.ocr_mode.map(Some),
            export: self.export.map(Some),
            ..UpdateTemplateRequest::default()
        };
        changes.applied_to(content)
    }
}

impl UpdateTemplateRequest {
    fn applied_to(self, mut content: TemplateContent) -> Result<TemplateContent, ApiError> {
        if let Some(name) = self.name {
            content.name = name;
        }
        if let Some(description) = self.description {
            content.description = description;
        }
        if let Some(template_schema) = self.template_schema {
            content.template_schema = template_schema;
        }
        if let Some(instructions) = self.instructions {
            content.instructions = instructions;
        }
        if let Some(word) = self.result_format {
            content.result_format = result_format(&word)?;
        }
        if let Some(word) = self.extraction_mode {
            content.extraction_mode = extraction_mode(&word)?;
        }
        if let Some(extractor) = self.extractor {
            content.extractor = extractor.map(ExtractorChoice::from);
        }
        if let Some(word) = self.ocr_mode {
            content.ocr_mode = word.as_deref().map(ocr_mode).transpose()?;
        }
        if let Some(export) = self.export {
            content.export = export.unwrap_or_default();
        }
        Ok(content)
    }
}

impl From<Extractor> for ExtractorChoice {
    fn from(extractor: Extractor) -> Self {
        Self { plugin: extractor.plugin, version: extractor.version, config: extractor.config }
    }
}

impl From<Template> for TemplateResponse {
    fn from(template: Template) -> Self {
        Self {
            template_id: template.id.clone(),
            id: template.id,
            content: template.content.into(),
            project_id: template.project_id,
            is_active: template.is_active,
            version: template.version,
            created_at: template.created_at.to_iso(),
            updated_at: template.updated_at.to_iso(),
        }
    }
}

impl From<TemplateContent> for ContentResponse {
    fn from(content: TemplateContent) -> Self {
        Self {
            name: content.name,
            description: content.description,
            template_schema: content.template_schema,
            instructions: content.instructions,
            result_format: content.result_format.as_str(),
            extraction_mode: content.extraction_mode.as_str(),
            extractor: content.extractor.map(|choice| Extractor {
                plugin: choice.plugin,
                version: choice.version,
                config: choice.config,
            }),
            ocr_mode: content.ocr_mode.map(OcrMode::as_str),
            export: content.export,
            reference_files: content.references.into_iter().map(|link| link.name).collect(),
        }
    }
}
