//! Templates: what to read from a kind of document.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use super::Context;
use super::access::{Permit, ReadTemplates, WriteTemplates};
use super::error::{ApiError, Code};
use super::extract::{Id, Json, Path, Query, double_option, shown};
use crate::domain::page::OcrMode;
use crate::domain::schema;
use crate::domain::template::export::ExportSettings;
use crate::domain::template::{
    ExtractionMode, ExtractorChoice, ResultFormat, Template, TemplateContent, TemplateRevision,
    TemplateUpdate,
};
use crate::plugins::Plugin;

const MAX_NAME: usize = 200;
const MAX_DESCRIPTION: usize = 2000;
const MAX_INSTRUCTIONS: usize = 20_000;

/// A template.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TemplateResponse {
    template_id: String,
    /// The same as `templateId`.
    id: String,
    name: String,
    description: Option<String>,
    /// JSON Schema of the result's `data`.
    #[schema(value_type = Option<Object>)]
    template_schema: Option<Value>,
    instructions: Option<String>,
    project_id: String,
    is_active: bool,
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
    /// Number of the version in force, from 1.
    version: u32,
    created_at: String,
    updated_at: String,
}

/// The plugin that runs a template.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct Extractor {
    /// Its name.
    plugin: String,
    /// Its version; null for the newest.
    version: Option<String>,
    /// Its settings for this template.
    #[schema(value_type = Option<Object>)]
    config: Option<Map<String, Value>>,
}

/// A new template.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "name": "Receipts",
    "projectId": "0192f3a4-5b6c-7d8e-9f01-23456789abcd",
    "templateSchema": {"total": {"type": "number", "description": "Amount to pay"}},
}))]
pub struct CreateTemplateRequest {
    #[schema(min_length = 1, max_length = 200)]
    name: String,
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
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"name": "Receipts of 2026", "resultFormat": "csv"}))]
pub struct UpdateTemplateRequest {
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

/// Makes a template.
#[utoipa::path(post, path = "/templates", tag = "templates",
    responses((status = 201, body = TemplateResponse), (status = 422)))]
pub async fn create_template(
    permit: Permit<WriteTemplates>,
    State(context): State<Context>,
    Json(request): Json<CreateTemplateRequest>,
) -> Result<(StatusCode, Answer<TemplateResponse>), ApiError> {
    let caller = permit.caller;
    let project = caller.project(&context.store, request.project_id.as_ref()).await?;
    let content = TemplateContent {
        name: request.name,
        description: request.description,
        template_schema: request.template_schema,
        instructions: request.instructions,
        extraction_mode: match request.extraction_mode {
            None => ExtractionMode::Structured,
            Some(word) => extraction_mode(&word)?,
        },
        result_format: match request.result_format {
            None => ResultFormat::Json,
            Some(word) => result_format(&word)?,
        },
        extractor: request.extractor.map(ExtractorChoice::from),
        ocr_mode: request.ocr_mode.as_deref().map(ocr_mode).transpose()?,
        export: request.export.unwrap_or_default(),
        references: Vec::new(),
    };
    let content = checked(content, &context).await?;
    let organization = &caller.organization_id;
    let template = context.store.create_template(&caller.actor, organization, &project.id, content).await?;
    Ok((StatusCode::CREATED, Answer(template.into())))
}

/// Shows a template.
#[utoipa::path(get, path = "/templates/{templateId}", tag = "templates",
    params(("templateId" = String, Path)),
    responses((status = 200, body = TemplateResponse)))]
pub async fn get_template(
    permit: Permit<ReadTemplates>,
    State(context): State<Context>,
    Path(id): Path<Id>,
) -> Result<Answer<TemplateResponse>, ApiError> {
    let template = context.store.template(&permit.caller.tenant(), &id.0).await?;
    Ok(Answer(template.ok_or_else(|| unknown(&id))?.into()))
}

/// Changes a template. Documents that were uploaded before are still read with what it said then.
#[utoipa::path(patch, path = "/templates/{templateId}", tag = "templates",
    params(("templateId" = String, Path)),
    responses((status = 200, body = TemplateResponse), (status = 422)))]
pub async fn update_template(
    permit: Permit<WriteTemplates>,
    State(context): State<Context>,
    Path(id): Path<Id>,
    Json(request): Json<UpdateTemplateRequest>,
) -> Result<Answer<TemplateResponse>, ApiError> {
    let (caller, tenant) = (&permit.caller, permit.caller.tenant());
    let current = context.store.template(&tenant, &id.0).await?.ok_or_else(|| unknown(&id))?;
    let revision = TemplateRevision {
        expected_updated_at: current.updated_at,
        is_active: request.is_active.unwrap_or(current.is_active),
        content: checked(request.applied_to(current.content)?, &context).await?,
    };
    match context.store.update_template(&caller.actor, &tenant, &id.0, revision).await? {
        TemplateUpdate::Updated(template) => Ok(Answer((*template).into())),
        TemplateUpdate::Conflict => {
            Err(ApiError::new(Code::Conflict, "the template was changed meanwhile; try again"))
        }
        TemplateUpdate::NotFound => Err(unknown(&id)),
    }
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
    match context.store.delete_template(&caller.actor, &caller.tenant(), &id.0).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(unknown(&id)),
    }
}

/// The error for a template that is not there, or not for this caller.
pub fn unknown(Id(id): &Id) -> ApiError {
    ApiError::new(Code::TemplateUnknown, format!("there is no template `{id}`"))
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

/// Checks all that a template says, and normalises its schema.
async fn checked(mut content: TemplateContent, context: &Context) -> Result<TemplateContent, ApiError> {
    let mut problems = Vec::new();
    if content.name.trim().is_empty() || content.name.chars().count() > MAX_NAME {
        problems.push(format!("`name` must have 1 to {MAX_NAME} characters"));
    }
    let texts = [
        ("description", &content.description, MAX_DESCRIPTION),
        ("instructions", &content.instructions, MAX_INSTRUCTIONS),
    ];
    for (field, text, most) in texts {
        if text.as_ref().is_some_and(|text| text.chars().count() > most) {
            problems.push(format!("`{field}` must have at most {most} characters"));
        }
    }
    let needs_schema = content.extraction_mode == ExtractionMode::Structured && content.extractor.is_none();
    if needs_schema && content.template_schema.is_none() {
        problems.push("`templateSchema` is missing: structured extraction needs one".to_owned());
    }
    if !problems.is_empty() {
        return Err(ApiError::fields(problems));
    }
    if let Some(given) = content.template_schema.take() {
        let normalized = schema::normalized(&given)
            .map_err(|problems| ApiError::several(Code::TemplateSchema, problems))?;
        content.template_schema = Some(normalized);
    }
    let plugin = match &content.extractor {
        Some(extractor) => Some(check_extractor(extractor, context).await?),
        None => None,
    };
    let output_schema = plugin.as_ref().and_then(|plugin| plugin.description.output_schema.as_ref());
    let problems = content.export.problems(content.template_schema.as_ref().or(output_schema));
    if !problems.is_empty() {
        return Err(ApiError::several(Code::TemplateExport, problems));
    }
    Ok(content)
}

/// The extractor that is asked for, which has to be there and to take its settings.
///
/// # Errors
/// 422 where it is not, or does not.
pub async fn check_extractor(
    extractor: &ExtractorChoice,
    context: &Context,
) -> Result<Arc<Plugin>, ApiError> {
    let found = context.plugins.get(&extractor.plugin, extractor.version.as_deref()).await;
    let plugin = found.map_err(|error| ApiError::new(Code::TemplateExtractor, error.to_string()))?;
    let (Some(schema), Some(config)) = (&plugin.description.config_schema, &extractor.config) else {
        return Ok(plugin);
    };
    let problems = schema::problems(schema, &Value::Object(config.clone()));
    if problems.is_empty() {
        return Ok(plugin);
    }
    Err(ApiError::several(
        Code::TemplateExtractor,
        problems.into_iter().map(|problem| format!("`extractor.config`: {problem}")).collect(),
    ))
}

fn extraction_mode(word: &str) -> Result<ExtractionMode, ApiError> {
    ExtractionMode::parse(word).ok_or_else(|| unknown_word("extractionMode", word, ExtractionMode::ALL))
}

fn ocr_mode(word: &str) -> Result<OcrMode, ApiError> {
    OcrMode::parse(word).ok_or_else(|| unknown_word("ocrMode", word, &OcrMode::ALL.map(OcrMode::as_str)))
}

fn result_format(word: &str) -> Result<ResultFormat, ApiError> {
    ResultFormat::parse(word).ok_or_else(|| unknown_word("resultFormat", word, ResultFormat::ALL))
}

/// The error for a field whose value is none of its words.
pub fn unknown_word<T: std::fmt::Display>(field: &str, word: &str, known: &[T]) -> ApiError {
    let known: Vec<String> = known.iter().map(|word| format!("`{word}`")).collect();
    ApiError::fields(vec![format!("`{field}` is `{}`, it must be one of {}", shown(word), known.join(", "))])
}

impl From<Extractor> for ExtractorChoice {
    fn from(extractor: Extractor) -> Self {
        Self { plugin: extractor.plugin, version: extractor.version, config: extractor.config }
    }
}

impl From<Template> for TemplateResponse {
    fn from(template: Template) -> Self {
        let content = template.content;
        Self {
            template_id: template.id.clone(),
            id: template.id,
            name: content.name,
            description: content.description,
            template_schema: content.template_schema,
            instructions: content.instructions,
            project_id: template.project_id,
            is_active: template.is_active,
            result_format: content.result_format.as_str(),
            extraction_mode: content.extraction_mode.as_str(),
            extractor: content.extractor.map(|choice| Extractor {
                plugin: choice.plugin,
                version: choice.version,
                config: choice.config,
            }),
            ocr_mode: content.ocr_mode.map(OcrMode::as_str),
            export: content.export,
            version: template.version,
            created_at: template.created_at.to_iso(),
            updated_at: template.updated_at.to_iso(),
        }
    }
}
