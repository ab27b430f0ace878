//! Plugins: the extractors that templates can name, and which of them there are for whom.

use std::collections::HashMap;

use axum::Json as Answer;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::Context;
use super::access::{Permit, ReadPlugins};
use super::error::{ApiError, Code};
use super::extract::{Path, shown};
use crate::domain::plugin::{Audience, Canary, PluginRecord, PluginVersion, Replica, Share};
use crate::domain::template::ExtractionMode;
use crate::plugins::{Description, Engine, Listing, Origin, Plugin};
use access::{AccessResponse, SignatureResponse};

pub mod access;
pub mod lifecycle;
pub mod upload;

/// A plugin, or a file that was not taken as one.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PluginResponse {
    /// Its name, as in a template's `extractor.plugin`.
    name: String,
    /// Its version, of an uploaded one the active version; null where there is none.
    version: Option<String>,
    /// What it does.
    description: Option<String>,
    /// SHA-256 of the component in hexadecimal.
    digest: Option<String>,
    /// Who brought it: the `organization` by upload; the operator, who `installed` it or put a `file` into the plugin
    /// folder; or `bundled` with the program.
    origin: &'static str,
    /// `active`; `inactive`: none of its versions is active; `not_granted`: the operator has not granted what it needs; or
    /// `broken`.
    status: &'static str,
    /// Whether a template that names the plugin without a version gets this one.
    serves: bool,
    /// The version that is tried on a share of the documents.
    canary_version: Option<String>,
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
    /// What it may do and use; null where it was not taken, or is older than this is kept.
    access: Option<AccessResponse>,
    /// Who vouches for it; null where that is not known.
    signature: Option<SignatureResponse>,
}

/// A plugin with what is under way.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PluginDetailResponse {
    #[serde(flatten)]
    plugin: PluginResponse,
    /// The version that is tried on a share of the documents, and how it does.
    canary: Option<CanaryResponse>,
    /// The server's processes, and whether each runs what is said here. Empty for a plugin that was not uploaded.
    replicas: Vec<ReplicaResponse>,
}

/// A version that is tried on a share of the documents.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CanaryResponse {
    version: String,
    /// So many of a hundred documents; null for a list of projects.
    percent: Option<u8>,
    /// All documents of these projects; null for a percentage.
    projects: Option<Vec<String>>,
    /// Share of calls that may fail because of the plugin, from 0 to 1.
    max_error_rate: f64,
    /// Calls of a window before the error rate is looked at.
    minimum_calls: u64,
    /// Calls of a window.
    window_calls: u64,
    /// Whether it becomes the active version after a good window.
    promote: bool,
    /// Calls in the present window.
    calls: u64,
    /// Those of them that failed because of the plugin.
    failures: u64,
    /// Share of the present window's calls that failed, from 0 to 1.
    error_rate: f64,
    started_at: String,
}

/// A process of the server.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReplicaResponse {
    /// New with each start.
    id: String,
    /// `current`: runs what is said here; `behind`: has not taken over the last change yet; `failed`: could not load a
    /// version, and runs what it ran before.
    state: &'static str,
    /// Why it could not.
    error: Option<String>,
    seen_at: String,
}

/// A plugin, in a path.
#[derive(Deserialize)]
pub struct PluginPath {
    name: String,
}

/// Lists the extractors that templates can name: the organization's own, and everybody's.
#[utoipa::path(get, path = "/plugins", tag = "plugins",
    responses((status = 200, body = Vec<PluginResponse>)))]
pub async fn list_plugins(
    permit: Permit<ReadPlugins>,
    State(context): State<Context>,
) -> Result<Answer<Vec<PluginResponse>>, ApiError> {
    let organization_id = &permit.caller.organization_id;
    let records = context.store.list_plugins(Some(organization_id)).await?;
    let registry = context.releases.registry();
    let engine = registry.engine();
    let uploaded = records.iter().filter(|record| !record.versions.is_empty());
    let mut plugins: Vec<PluginResponse> =
        uploaded.map(|record| PluginResponse::uploaded(engine, record)).collect();
    plugins.extend(registry.list().await.iter().map(|listing| PluginResponse::listed(engine, listing)));
    // An organization's own come first.
    plugins.sort_by_key(|plugin| plugin.origin != ORGANIZATION);
    complete(&mut plugins, organization_id, &context).await;
    Ok(Answer(plugins))
}

/// Shows what the organization means by a plugin's name: its own plugin, or else everybody's.
#[utoipa::path(get, path = "/plugins/{name}", tag = "plugins",
    params(("name" = String, Path)),
    responses((status = 200, body = PluginDetailResponse)))]
pub async fn get_plugin(
    permit: Permit<ReadPlugins>,
    State(context): State<Context>,
    Path(PluginPath { name }): Path<PluginPath>,
) -> Result<Answer<PluginDetailResponse>, ApiError> {
    let organization_id = &permit.caller.organization_id;
    for owner in [Some(organization_id.as_str()), None] {
        let found = context.store.plugin(owner, &name).await?;
        let Some(record) = found.filter(|record| !record.versions.is_empty()) else { continue };
        let engine = context.releases.registry().engine();
        let mut plugins = [PluginResponse::uploaded(engine, &record)];
        complete(&mut plugins, organization_id, &context).await;
        let [plugin] = plugins;
        let replicas = context.releases.replicas().await?;
        let replicas = replicas.into_iter().map(|replica| ReplicaResponse::new(replica, &record)).collect();
        return Ok(Answer(PluginDetailResponse { plugin, canary: CanaryResponse::of(&record), replicas }));
    }
    let registry = context.releases.registry();
    let listings = registry.list().await;
    let listed = listings.iter().map(|listing| PluginResponse::listed(registry.engine(), listing));
    let mut plugins: Vec<PluginResponse> = listed.filter(|plugin| plugin.name == name).collect();
    complete(&mut plugins, organization_id, &context).await;
    // The one that serves, or else the first that there is.
    plugins.sort_by_key(|plugin| !plugin.serves);
    let plugin = plugins.into_iter().next().ok_or_else(|| unknown(&name))?;
    Ok(Answer(PluginDetailResponse { plugin, canary: None, replicas: Vec::new() }))
}

/// The word for plugins that the caller's organization has uploaded.
const ORGANIZATION: &str = "organization";

/// Says which of the plugins serve, and for which modes they are the default.
async fn complete(plugins: &mut [PluginResponse], organization_id: &str, context: &Context) {
    let audience = Audience::organization(organization_id);
    let mut serving: HashMap<String, Option<(&'static str, String)>> = HashMap::new();
    let settings = &context.config.plugins;
    let defaults = [
        (&settings.default, ExtractionMode::FreeText),
        (&settings.structured_default, ExtractionMode::Structured),
    ];
    let registry = context.releases.registry();
    // The first of several equal ones is the one that serves: an uploaded one before a file.
    for plugin in plugins {
        if !serving.contains_key(&plugin.name) {
            let found = registry.get_for(&audience, &plugin.name, None).await.ok();
            let served = found.map(|found| {
                let owner = match found.owner {
                    crate::plugins::Owner::Organization => ORGANIZATION,
                    crate::plugins::Owner::Everybody => "",
                };
                (owner, found.plugin.digest.clone())
            });
            serving.insert(plugin.name.clone(), served);
        }
        let served = serving.get_mut(&plugin.name);
        let is_own = plugin.origin == ORGANIZATION;
        let serves = served.as_ref().and_then(|served| served.as_ref()).is_some_and(|(owner, digest)| {
            (*owner == ORGANIZATION) == is_own && plugin.digest.as_ref() == Some(digest)
        });
        if serves {
            plugin.serves = true;
            let modes = defaults.iter().filter(|(default, _)| **default == plugin.name);
            plugin.default_for = modes.map(|(_, mode)| mode.as_str()).collect();
            if let Some(served) = served {
                *served = None;
            }
        }
    }
}

/// The error for a plugin that is not there, or not for this caller.
fn unknown(name: &str) -> ApiError {
    ApiError::new(Code::PluginUnknown, format!("there is no plugin `{}`", shown(name)))
}

/// What an uploaded component says about itself.
fn described(version: &PluginVersion) -> Option<Description> {
    serde_json::from_value(version.description.clone()).ok()
}

impl PluginResponse {
    fn uploaded(engine: &Engine, record: &PluginRecord) -> Self {
        let active = record.active();
        // Without an active version the newest one tells what the plugin is.
        let shown = active.or_else(|| record.versions.first());
        let (access, signature) =
            shown.map_or((None, None), |version| access::of_version(engine, record, version));
        let canary = record.plugin.canary.as_ref().and_then(|canary| record.by_id(&canary.version_id));
        let plugin = Self {
            name: record.plugin.name.clone(),
            version: active.map(|version| version.version.clone()),
            description: None,
            digest: active.map(|version| version.digest.clone()),
            origin: origin(record),
            status: if active.is_some() { "active" } else { "inactive" },
            serves: false,
            canary_version: canary.map(|version| version.version.clone()),
            error: None,
            default_for: Vec::new(),
            config_schema: None,
            output_schema: None,
            access,
            signature,
        };
        plugin.with(shown.and_then(described))
    }

    fn listed(engine: &Engine, listing: &Listing) -> Self {
        let (origin, file_name) = match &listing.origin {
            Origin::Bundled(name) => ("bundled", (*name).to_owned()),
            // Only the file's name: where the operator keeps it is nobody's business.
            Origin::File(path) => {
                ("file", path.file_stem().unwrap_or_default().to_string_lossy().into_owned())
            }
        };
        let plugin = listing.plugin.as_ref().ok();
        let error = listing.plugin.as_ref().err();
        let status = match error {
            None => "active",
            Some(error) if error.not_granted().is_some() => "not_granted",
            Some(_) => "broken",
        };
        let (access, signature) =
            plugin.map_or((None, None), |plugin| access::of_listed(engine, listing, plugin));
        let of_plugin = |value: fn(&Plugin) -> &String| plugin.map(|plugin| value(plugin).clone());
        let listed = Self {
            name: of_plugin(|plugin| &plugin.description.name).unwrap_or(file_name),
            version: of_plugin(|plugin| &plugin.description.version),
            description: None,
            digest: of_plugin(|plugin| &plugin.digest),
            origin,
            status,
            serves: false,
            canary_version: None,
            error: error.map(ToString::to_string),
            default_for: Vec::new(),
            config_schema: None,
            output_schema: None,
            access,
            signature,
        };
        listed.with(plugin.map(|plugin| plugin.description.clone()))
    }

    fn with(self, description: Option<Description>) -> Self {
        let Some(description) = description else { return self };
        Self {
            description: Some(description.description),
            config_schema: description.config_schema,
            output_schema: description.output_schema,
            ..self
        }
    }
}

/// Who brought an uploaded plugin, as a word.
fn origin(record: &PluginRecord) -> &'static str {
    if record.plugin.organization_id.is_some() { ORGANIZATION } else { "installed" }
}

impl CanaryResponse {
    fn of(record: &PluginRecord) -> Option<Self> {
        let canary: &Canary = record.plugin.canary.as_ref()?;
        let (percent, projects) = match &canary.terms.share {
            Share::Percent(percent) => (Some(*percent), None),
            Share::Projects(projects) => (None, Some(projects.clone())),
        };
        Some(Self {
            version: record.by_id(&canary.version_id)?.version.clone(),
            percent,
            projects,
            max_error_rate: canary.terms.max_error_rate,
            minimum_calls: canary.terms.minimum_calls,
            window_calls: canary.terms.window_calls,
            promote: canary.terms.promote,
            calls: canary.calls,
            failures: canary.failures,
            error_rate: canary.error_rate(),
            started_at: canary.started_at.to_iso(),
        })
    }
}

impl ReplicaResponse {
    fn new(replica: Replica, record: &PluginRecord) -> Self {
        let problem = replica.problems.iter().find(|(version_id, _)| record.by_id(version_id).is_some());
        let state = match problem {
            _ if replica.generation < record.plugin.generation => "behind",
            Some(_) => "failed",
            None => "current",
        };
        Self {
            error: problem.map(|(_, reason)| reason.clone()),
            id: replica.id,
            state,
            seen_at: replica.seen_at.to_iso(),
        }
    }
}
