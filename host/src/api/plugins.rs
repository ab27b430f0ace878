//! Plugins: the extractors that templates can name.

use axum::Json as Answer;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::Context;
use super::access::{Permit, ReadPlugins};
use super::error::ApiError;

/// The extractors there are. The program answers with what its plugin registry has loaded.
pub trait Extractors: Send + Sync + 'static {
    /// All of them, by name and version.
    fn list(&self) -> Vec<PluginResponse>;
}

/// An extractor.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PluginResponse {
    /// Its name, as in a template's `extractor.plugin`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// What it does, for people.
    pub description: String,
    /// SHA-256 of the component in hexadecimal.
    pub digest: String,
    /// Whether it came with the program.
    pub bundled: bool,
    /// Whether it runs for templates and uploads that name none: `free_text` or `structured`.
    pub default_for: Vec<&'static str>,
}

/// Lists the extractors that templates can name.
#[utoipa::path(get, path = "/plugins", tag = "plugins",
    responses((status = 200, body = Vec<PluginResponse>)))]
pub async fn list_plugins(
    _permit: Permit<ReadPlugins>,
    State(context): State<Context>,
) -> Result<Answer<Vec<PluginResponse>>, ApiError> {
    Ok(Answer(context.extractors.list()))
}
