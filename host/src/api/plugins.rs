//! Plugins: the extractors that templates can name.

use axum::Json as Answer;
use axum::extract::State;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::Context;
use super::access::{Permit, ReadPlugins};
use super::error::ApiError;
use crate::domain::template::ExtractionMode;
use crate::plugins::{Listing, Origin};

/// A plugin, or a file that was not taken as one.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PluginResponse {
    /// Its name, as in a template's `extractor.plugin`.
    name: String,
    /// Its version; null where it was not taken.
    version: Option<String>,
    /// What it does.
    description: Option<String>,
    /// SHA-256 of the component in hexadecimal.
    digest: Option<String>,
    /// `bundled` with the program, or a `file` of the operator's.
    origin: &'static str,
    /// `active` or `broken`.
    status: &'static str,
    /// Why it was not taken.
    error: Option<String>,
    /// The extraction modes it runs for where a template names no extractor.
    default_for: Vec<&'static str>,
    /// JSON Schema of a template's `extractor.config`.
    #[schema(value_type = Option<Object>)]
    config_schema: Option<Value>,
    /// JSON Schema of its fields' values, where they do not depend on the template.
    #[schema(value_type = Option<Object>)]
    output_schema: Option<Value>,
}

/// Lists the extractors that templates can name.
#[utoipa::path(get, path = "/plugins", tag = "plugins",
    responses((status = 200, body = Vec<PluginResponse>)))]
pub async fn list_plugins(
    _permit: Permit<ReadPlugins>,
    State(context): State<Context>,
) -> Result<Answer<Vec<PluginResponse>>, ApiError> {
    let listings = context.plugins.list().await;
    Ok(Answer(listings.iter().map(|listing| PluginResponse::new(listing, &context)).collect()))
}

impl PluginResponse {
    fn new(listing: &Listing<'_>, context: &Context) -> Self {
        let (origin, file_name) = match listing.origin {
            Origin::Bundled(name) => ("bundled", (*name).to_owned()),
            // Only the file's name: where the operator keeps it is nobody's business.
            Origin::File(path) => {
                ("file", path.file_stem().unwrap_or_default().to_string_lossy().into_owned())
            }
        };
        let plugin = listing.plugin.ok();
        let description = plugin.map(|plugin| plugin.description.clone());
        let name = description.as_ref().map_or(file_name, |description| description.name.clone());
        let settings = &context.config.plugins;
        let defaults = [
            (&settings.default, ExtractionMode::FreeText),
            (&settings.structured_default, ExtractionMode::Structured),
        ];
        let default_for = defaults
            .iter()
            .filter(|(default, _)| plugin.is_some() && **default == name)
            .map(|(_, mode)| mode.as_str())
            .collect();
        Self {
            name,
            version: description.as_ref().map(|description| description.version.clone()),
            digest: plugin.map(|plugin| plugin.digest.clone()),
            origin,
            status: if plugin.is_some() { "active" } else { "broken" },
            error: listing.plugin.err().map(ToString::to_string),
            default_for,
            config_schema: description.as_ref().and_then(|description| description.config_schema.clone()),
            output_schema: description.as_ref().and_then(|description| description.output_schema.clone()),
            description: description.map(|description| description.description),
        }
    }
}
