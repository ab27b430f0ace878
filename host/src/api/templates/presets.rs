//! Ready-made templates for usual kinds of documents.

use axum::Json as Answer;
use serde::Serialize;
use utoipa::ToSchema;

use super::ContentResponse;
use crate::api::access::{Permit, ReadTemplates};
use crate::api::error::{ApiError, Code};
use crate::api::extract::{Path, shown};
use crate::presets::{self, Preset};

/// A ready-made template.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PresetResponse {
    /// The word for `preset` of a new template.
    preset: &'static str,
    #[serde(flatten)]
    content: ContentResponse,
}

/// Lists the ready-made templates: `POST /templates` with `preset` makes one of them a template of a project.
#[utoipa::path(get, path = "/templates/presets", tag = "templates",
    responses((status = 200, body = Vec<PresetResponse>)))]
pub async fn list_presets(_permit: Permit<ReadTemplates>) -> Answer<Vec<PresetResponse>> {
    Answer(presets::all().iter().map(PresetResponse::from).collect())
}

/// Shows a ready-made template.
#[utoipa::path(get, path = "/templates/presets/{preset}", tag = "templates",
    params(("preset" = String, Path, example = "invoice")),
    responses((status = 200, body = PresetResponse)))]
pub async fn get_preset(
    _permit: Permit<ReadTemplates>,
    Path(name): Path<String>,
) -> Result<Answer<PresetResponse>, ApiError> {
    let found = presets::find(&name).map(PresetResponse::from);
    found.map(Answer).ok_or_else(|| unknown(Code::PresetUnknown, &name))
}

/// The preset that a new template names.
///
/// # Errors
/// 400 with the names there are.
pub(super) fn named(name: &str) -> Result<&'static Preset, ApiError> {
    presets::find(name).ok_or_else(|| unknown(Code::RequestInvalid, name))
}

fn unknown(code: Code, name: &str) -> ApiError {
    let known: Vec<String> = presets::all().iter().map(|preset| format!("`{}`", preset.name)).collect();
    ApiError::new(code, format!("there is no preset `{}`; known are {}", shown(name), known.join(", ")))
}

impl From<&Preset> for PresetResponse {
    fn from(preset: &Preset) -> Self {
        Self { preset: preset.name, content: preset.content.clone().into() }
    }
}
