//! What a template may say: the checks that each of its versions goes through before it is kept.

use std::sync::Arc;

use serde_json::Value;

use crate::api::Context;
use crate::api::error::{ApiError, Code};
use crate::api::extract::shown;
use crate::domain::page::OcrMode;
use crate::domain::plugin::Audience;
use crate::domain::schema;
use crate::domain::template::{ExtractionMode, ExtractorChoice, ResultFormat, TemplateContent};
use crate::plugins::Plugin;

const MAX_NAME: usize = 200;
const MAX_DESCRIPTION: usize = 2000;
const MAX_INSTRUCTIONS: usize = 20_000;

/// Most bytes of an extractor's settings, as JSON.
const MAX_CONFIG_BYTES: usize = 256 * 1024;

/// Checks all that a template says, and normalises its schema.
///
/// # Errors
/// 400 for texts and words that do not fit; 422 for a schema, an extractor or export settings that cannot be used.
pub(super) async fn checked(
    mut content: TemplateContent,
    context: &Context,
    organization_id: &str,
) -> Result<TemplateContent, ApiError> {
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
        Some(extractor) => Some(check_extractor(extractor, context, organization_id).await?),
        None => None,
    };
    let output_schema = plugin.as_ref().and_then(|plugin| plugin.description.output_schema.as_ref());
    let problems = content.export.problems(content.template_schema.as_ref().or(output_schema));
    if !problems.is_empty() {
        return Err(ApiError::several(Code::TemplateExport, problems));
    }
    Ok(content)
}

/// The plugin that an extractor of an organization's names, which has to be there and to take its settings.
///
/// # Errors
/// 422 where it is not, or does not.
pub async fn check_extractor(
    extractor: &ExtractorChoice,
    context: &Context,
    organization_id: &str,
) -> Result<Arc<Plugin>, ApiError> {
    let audience = Audience::organization(organization_id);
    let (name, version) = (&extractor.plugin, extractor.version.as_deref());
    let plugin = match context.releases.registry().get_for(&audience, name, version).await {
        Ok(found) => found.plugin,
        Err(error) if error.is_transient() => return Err(ApiError::unavailable(error)),
        Err(error) => return Err(ApiError::new(Code::TemplateExtractor, error.to_string())),
    };
    let Some(config) = &extractor.config else { return Ok(plugin) };
    let config = Value::Object(config.clone());
    let size_bytes = config.to_string().len();
    if size_bytes > MAX_CONFIG_BYTES {
        return Err(ApiError::new(
            Code::TemplateExtractor,
            format!("`extractor.config` has {size_bytes} bytes, at most {MAX_CONFIG_BYTES} are possible"),
        ));
    }
    let Some(schema) = &plugin.description.config_schema else { return Ok(plugin) };
    let problems = schema::problems(schema, &config);
    if problems.is_empty() {
        return Ok(plugin);
    }
    Err(ApiError::several(
        Code::TemplateExtractor,
        problems.into_iter().map(|problem| format!("`extractor.config`: {problem}")).collect(),
    ))
}

pub(super) fn extraction_mode(word: &str) -> Result<ExtractionMode, ApiError> {
    ExtractionMode::parse(word).ok_or_else(|| unknown_word("extractionMode", word, ExtractionMode::ALL))
}

pub(super) fn ocr_mode(word: &str) -> Result<OcrMode, ApiError> {
    OcrMode::parse(word).ok_or_else(|| unknown_word("ocrMode", word, &OcrMode::ALL.map(OcrMode::as_str)))
}

pub(super) fn result_format(word: &str) -> Result<ResultFormat, ApiError> {
    ResultFormat::parse(word).ok_or_else(|| unknown_word("resultFormat", word, ResultFormat::ALL))
}

/// The error for a field whose value is none of its words.
pub fn unknown_word<T: std::fmt::Display>(field: &str, word: &str, known: &[T]) -> ApiError {
    let known: Vec<String> = known.iter().map(|word| format!("`{word}`")).collect();
    ApiError::fields(vec![format!("`{field}` is `{}`, it must be one of {}", shown(word), known.join(", "))])
}
