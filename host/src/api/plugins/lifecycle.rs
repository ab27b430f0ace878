//! Versions of plugins: which there are and how they do, and what can be done to them.

use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::access::{self, AccessResponse, SignatureResponse};
use super::{CanaryResponse, PluginPath, origin, unknown};
use crate::api::Context;
use crate::api::access::{Caller, Face, Permit, ReadPlugins, WritePlugins};
use crate::api::error::{ApiError, Code};
use crate::api::extract::{Id, Json, Path, Query, shown};
use crate::api::paging::{PageLimit, PageNumber, PageResponse, page};
use crate::domain::plugin::{
    CallBucket, CallStatistics, CanaryTerms, PinningTemplate, PluginChange, PluginEntry, PluginRecord,
    PluginState, PluginVersion, Share,
};
use crate::plugins::{Engine, Listing, Origin};
use crate::releases::Releases;

/// What a canary's error rate may be where nothing else is asked for.
const MAX_ERROR_RATE: f64 = 0.05;

/// Calls before a canary's error rate is looked at where nothing else is asked for.
const MINIMUM_CALLS: u64 = 20;

/// Calls of a canary's window where nothing else is asked for.
const WINDOW_CALLS: u64 = 200;

/// Most calls of a canary's window.
const MAX_WINDOW_CALLS: u64 = 1_000_000;

/// Most projects that a canary is tried on.
const MAX_PROJECTS: usize = 100;

/// Templates that are named in an error.
const NAMED_TEMPLATES: usize = 10;

/// A version of a plugin.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PluginVersionResponse {
    /// Name of the plugin.
    name: String,
    version: String,
    /// SHA-256 of the component in hexadecimal.
    digest: String,
    size_bytes: u64,
    /// `organization`, `installed`, `file` or `bundled`: see the plugin.
    origin: &'static str,
    /// `draft`: runs only for templates that name exactly this version; `canary`: for a share of the documents;
    /// `active`: for all that name no version; `retired`: for templates that name it or a range; `failed`: for nobody.
    state: &'static str,
    /// Why it was taken back.
    reason: Option<String>,
    /// On which terms it is tried, of the canary.
    canary: Option<CanaryResponse>,
    /// Calls on the organization's documents.
    calls: u64,
    /// Those of them that failed because of the plugin.
    failures: u64,
    /// Mean time of a call in milliseconds, the reading of pages included; null where there was none.
    mean_ms: Option<f64>,
    /// The time within which 95 of 100 calls were done, in milliseconds; null where there was none.
    p95_ms: Option<f64>,
    /// The last call that failed because of the plugin.
    last_error: Option<PluginCallError>,
    /// Null for one that was not uploaded.
    created_at: Option<String>,
    /// When it last became the active version.
    activated_at: Option<String>,
    /// What it may do and use; null for one that is older than this is kept.
    access: Option<AccessResponse>,
    /// Who vouches for it; null for one that is older than this is kept.
    signature: Option<SignatureResponse>,
}

/// A call that failed because of the plugin.
#[derive(Debug, Serialize, ToSchema)]
pub struct PluginCallError {
    #[schema(example = "plugin.panic")]
    code: String,
    message: String,
    at: String,
}

/// Something that was done to a version.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PluginStepResponse {
    version: String,
    /// SHA-256 of the component in hexadecimal.
    digest: String,
    /// `uploaded`, `activated`, `canary_started`, `promoted`, `rolled_back`, `retired`, `failed` or `deleted`.
    step: &'static str,
    reason: Option<String>,
    /// `user`, `token`, or `system` for the program itself and the operator.
    actor_type: &'static str,
    /// Id of the user or token.
    actor_id: Option<String>,
    at: String,
}

/// How a version is activated: without a body for all documents at once.
#[derive(Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"canary": {"percent": 10}, "maxErrorRate": 0.05, "minimumCalls": 20, "promote": true}))]
pub struct ActivatePluginRequest {
    /// Tries it on a share of the documents first.
    canary: Option<CanaryShare>,
    /// Share of the canary's calls that may fail because of the plugin, by default 0.05. Above it the canary is taken
    /// back by itself.
    #[schema(minimum = 0, maximum = 1)]
    max_error_rate: Option<f64>,
    /// Calls before the error rate is looked at, by default 20.
    #[schema(minimum = 1, maximum = 1_000_000)]
    minimum_calls: Option<u64>,
    /// Calls of a window, after which counting begins anew: by default 200.
    #[schema(minimum = 1, maximum = 1_000_000)]
    window_calls: Option<u64>,
    /// Whether the canary becomes the active version after a good window; by default not.
    promote: Option<bool>,
}

/// The documents of a canary: either a percentage or projects.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"percent": 10}))]
pub struct CanaryShare {
    /// So many of a hundred documents. A document that is processed again stays where it was.
    #[schema(minimum = 1, maximum = 100)]
    percent: Option<u8>,
    /// Ids of projects, at most 100: all of their documents.
    #[schema(value_type = Option<Vec<String>>)]
    projects: Option<Vec<Id>>,
}

/// A version of a plugin, in a path.
#[derive(Deserialize)]
pub struct PluginVersionPath {
    name: String,
    version: String,
}

/// Which part of a history is shown.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct PluginHistoryQuery {
    /// From 1.
    #[param(value_type = Option<u32>, minimum = 1)]
    page: Option<PageNumber>,
    /// Steps per page: by default 20.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Option<PageLimit>,
}

/// Lists the versions of a plugin and how they do: the organization's own, newest first, then everybody's.
#[utoipa::path(get, path = "/plugins/{name}/versions", tag = "plugins",
    params(("name" = String, Path)),
    responses((status = 200, body = Vec<PluginVersionResponse>)))]
pub async fn list_plugin_versions(
    permit: Permit<ReadPlugins>,
    State(context): State<Context>,
    Path(PluginPath { name }): Path<PluginPath>,
) -> Result<Answer<Vec<PluginVersionResponse>>, ApiError> {
    let organization_id = &permit.caller.organization_id;
    let calls = context.store.plugin_calls(organization_id, &name).await?;
    let registry = context.releases.registry();
    let engine = registry.engine();
    let mut versions = Vec::new();
    for owner in [Some(organization_id.as_str()), None] {
        let Some(record) = context.store.plugin(owner, &name).await? else { continue };
        let responses = record.versions.iter();
        versions
            .extend(responses.map(|version| PluginVersionResponse::new(engine, &record, version, &calls)));
    }
    let listings = registry.list().await;
    versions.extend(listings.iter().filter_map(|listing| {
        PluginVersionResponse::listed(engine, listing, &calls).filter(|version| version.name == name)
    }));
    if versions.is_empty() { Err(unknown(&name)) } else { Ok(Answer(versions)) }
}

/// Makes a version of the organization's plugin the active one, in place of the one that is: calls in progress end with
/// the version they began with. With `canary` it is tried on a share of the documents first, and taken back by itself
/// where too many of its calls fail.
#[utoipa::path(post, path = "/plugins/{name}/versions/{version}/activate", tag = "plugins",
    params(("name" = String, Path), ("version" = String, Path)),
    request_body = Option<ActivatePluginRequest>,
    responses((status = 200, body = PluginVersionResponse), (status = 409)))]
pub async fn activate_plugin(
    permit: Permit<WritePlugins>,
    State(context): State<Context>,
    Path(PluginVersionPath { name, version }): Path<PluginVersionPath>,
    request: Option<Json<ActivatePluginRequest>>,
) -> Result<Answer<PluginVersionResponse>, ApiError> {
    let caller = permit.caller;
    let (owner, record) = own(&context, &caller, &name).await?;
    let terms = request.unwrap_or_default().0.terms(&context, &caller).await?;
    if terms.is_some()
        && record.active().is_none()
        && !context.releases.has_fallback(Some(owner.as_str()), &name).await
    {
        return Err(ApiError::new(
            Code::PluginState,
            format!(
                "`{name}` has no active version for the documents that the canary does not get: activate one first"
            ),
        ));
    }
    let which = (Some(owner.as_str()), name.as_str(), version.as_str());
    let change = context.store.activate_plugin(&caller.actor, which, terms.as_ref()).await?;
    let record = changed(&context, change, &name, &version).await?;
    answer(&context, &owner, &record, &version).await
}

/// Puts a version of the organization's plugin aside. It still runs for templates that name it or a range that it is in.
/// The active version is refused with 409 while templates name the plugin without a version.
#[utoipa::path(post, path = "/plugins/{name}/versions/{version}/retire", tag = "plugins",
    params(("name" = String, Path), ("version" = String, Path)),
    responses((status = 200, body = PluginVersionResponse), (status = 409)))]
pub async fn retire_plugin(
    permit: Permit<WritePlugins>,
    State(context): State<Context>,
    Path(PluginVersionPath { name, version }): Path<PluginVersionPath>,
) -> Result<Answer<PluginVersionResponse>, ApiError> {
    let caller = permit.caller;
    let (owner, _) = own(&context, &caller, &name).await?;
    let has_fallback = context.releases.has_fallback(Some(owner.as_str()), &name).await;
    let needs = |_: &PluginRecord, template: &PinningTemplate| template.version.is_none() && !has_fallback;
    let which = (Some(owner.as_str()), name.as_str(), version.as_str());
    let change = context.store.retire_plugin(&caller.actor, which, needs).await?;
    let record = changed(&context, change, &name, &version).await?;
    answer(&context, &owner, &record, &version).await
}

/// Takes the organization's plugin back to the version that was active before. While there is a canary, that is what is
/// taken back, and the active version stays.
#[utoipa::path(post, path = "/plugins/{name}/rollback", tag = "plugins",
    params(("name" = String, Path)),
    responses((status = 200, body = PluginVersionResponse, description = "The version that is active now."),
        (status = 409)))]
pub async fn roll_back_plugin(
    permit: Permit<WritePlugins>,
    State(context): State<Context>,
    Path(PluginPath { name }): Path<PluginPath>,
) -> Result<Answer<PluginVersionResponse>, ApiError> {
    let caller = permit.caller;
    let (owner, before) = own(&context, &caller, &name).await?;
    let change = context.store.roll_back_plugin(&caller.actor, Some(&owner), &name).await?;
    let record = changed(&context, change, &name, "").await?;
    let canary = before.plugin.canary.and_then(|canary| record.by_id(&canary.version_id).cloned());
    let version = record.active().cloned().or(canary).ok_or_else(|| unknown(&name))?;
    answer(&context, &owner, &record, &version.version).await
}

/// Deletes a version of the organization's plugin. Refused with 409 while it is active or the canary, and while a
/// template names it or a range that no other version is in. Results keep naming it.
#[utoipa::path(delete, path = "/plugins/{name}/versions/{version}", tag = "plugins",
    params(("name" = String, Path), ("version" = String, Path)),
    responses((status = 204, description = "Deleted"), (status = 409)))]
pub async fn delete_plugin_version(
    permit: Permit<WritePlugins>,
    State(context): State<Context>,
    Path(PluginVersionPath { name, version }): Path<PluginVersionPath>,
) -> Result<StatusCode, ApiError> {
    let caller = permit.caller;
    let (owner, record) = own(&context, &caller, &name).await?;
    let deleted = record.version(&version).ok_or_else(|| unknown_version(&name, &version))?;
    let which = (Some(owner.as_str()), name.as_str(), version.as_str());
    let needs = Releases::is_pinned(&version);
    let change = context.store.delete_plugin_version(&caller.actor, which, needs).await?;
    changed(&context, change, &name, &version).await?;
    context.releases.discard(&deleted.id, &deleted.digest).await;
    Ok(StatusCode::NO_CONTENT)
}

/// Lists what was done to the versions of a plugin, newest first: of the organization's own, or else of everybody's.
#[utoipa::path(get, path = "/plugins/{name}/history", tag = "plugins",
    params(("name" = String, Path), PluginHistoryQuery),
    responses((status = 200, body = PageResponse<PluginStepResponse>)))]
pub async fn list_plugin_history(
    permit: Permit<ReadPlugins>,
    face: Face,
    State(context): State<Context>,
    Path(PluginPath { name }): Path<PluginPath>,
    Query(query): Query<PluginHistoryQuery>,
) -> Result<Answer<PageResponse<PluginStepResponse>>, ApiError> {
    let page = page(query.page, query.limit, face);
    for owner in [Some(permit.caller.organization_id.as_str()), None] {
        let history = context.store.plugin_history(owner, &name, page).await?;
        if history.total > 0 {
            let steps = history.items.into_iter().map(PluginStepResponse::from).collect();
            return Ok(Answer(PageResponse::new(steps, page, history.total)));
        }
    }
    Err(unknown(&name))
}

/// The organization's own plugin of this name, with the organization.
async fn own(context: &Context, caller: &Caller, name: &str) -> Result<(String, PluginRecord), ApiError> {
    caller.check_whole_organization()?;
    let owner = caller.organization_id.clone();
    let found = context.store.plugin(Some(&owner), name).await?;
    let record = found.filter(|record| !record.versions.is_empty()).ok_or_else(|| unknown(name))?;
    Ok((owner, record))
}

/// What a change has made of a plugin, once this process runs it, or the error that became of it.
async fn changed(
    context: &Context,
    change: PluginChange,
    name: &str,
    version: &str,
) -> Result<PluginRecord, ApiError> {
    let refused = match change {
        PluginChange::Done(record) => {
            context.releases.catch_up().await?;
            return Ok(record);
        }
        PluginChange::NotFound => return Err(unknown_version(name, version)),
        PluginChange::NothingBefore => {
            let message = format!("no version of `{name}` was active before this one");
            return Err(ApiError::new(Code::PluginState, message));
        }
        PluginChange::InUse(PluginState::Canary) => "the canary: roll back or promote it first".to_owned(),
        PluginChange::InUse(_) => "the active one: activate another version first".to_owned(),
        PluginChange::Needed(templates) => format!("needed by {}", named(&templates)),
    };
    Err(ApiError::new(Code::PluginInUse, format!("version `{version}` of `{name}` is {refused}")))
}

fn named(templates: &[PinningTemplate]) -> String {
    let names = templates.iter().take(NAMED_TEMPLATES);
    let names: Vec<String> =
        names.map(|template| format!("template `{}` ({})", shown(&template.name), template.id)).collect();
    let others = templates.len().saturating_sub(NAMED_TEMPLATES);
    match others {
        0 => names.join(", "),
        others => format!("{} and {others} more", names.join(", ")),
    }
}

async fn answer(
    context: &Context,
    organization_id: &str,
    record: &PluginRecord,
    version: &str,
) -> Result<Answer<PluginVersionResponse>, ApiError> {
    let calls = context.store.plugin_calls(organization_id, &record.plugin.name).await?;
    version_response(context, record, version, &calls).map(Answer)
}

/// A version of a plugin as clients see it.
///
/// # Errors
/// 404 where it has been deleted meanwhile.
pub(super) fn version_response(
    context: &Context,
    record: &PluginRecord,
    version: &str,
    calls: &[CallBucket],
) -> Result<PluginVersionResponse, ApiError> {
    let found = record.version(version).ok_or_else(|| unknown_version(&record.plugin.name, version))?;
    Ok(PluginVersionResponse::new(context.releases.registry().engine(), record, found, calls))
}

fn unknown_version(name: &str, version: &str) -> ApiError {
    let (name, version) = (shown(name), shown(version));
    ApiError::new(Code::PluginVersionUnknown, format!("there is no version `{version}` of a plugin `{name}`"))
}

impl ActivatePluginRequest {
    /// The terms of a canary; `None` where the version is for all documents.
    async fn terms(self, context: &Context, caller: &Caller) -> Result<Option<CanaryTerms>, ApiError> {
        let Some(canary) = self.canary else {
            let is_plain = self.max_error_rate.is_none()
                && self.minimum_calls.is_none()
                && self.window_calls.is_none()
                && self.promote.is_none();
            return match is_plain {
                true => Ok(None),
                false => Err(ApiError::fields(vec![
                    "`maxErrorRate`, `minimumCalls`, `windowCalls` and `promote` need a `canary`".to_owned(),
                ])),
            };
        };
        let mut problems = Vec::new();
        let minimum_calls = self.minimum_calls.unwrap_or(MINIMUM_CALLS);
        let terms = CanaryTerms {
            share: canary.share(context, caller, &mut problems).await?,
            max_error_rate: self.max_error_rate.unwrap_or(MAX_ERROR_RATE),
            minimum_calls,
            window_calls: self.window_calls.unwrap_or(WINDOW_CALLS.max(minimum_calls)),
            promote: self.promote.unwrap_or(false),
        };
        if !(0.0..=1.0).contains(&terms.max_error_rate) {
            problems.push(format!("`maxErrorRate` is {}, it must be from 0 to 1", terms.max_error_rate));
        }
        if !(1..=MAX_WINDOW_CALLS).contains(&terms.window_calls) {
            problems.push(format!(
                "`windowCalls` is {}, it must be from 1 to {MAX_WINDOW_CALLS}",
                terms.window_calls
            ));
        }
        if !(1..=terms.window_calls).contains(&minimum_calls) {
            problems.push(format!(
                "`minimumCalls` is {minimum_calls}, it must be from 1 to the {} calls of a window",
                terms.window_calls
            ));
        }
        if problems.is_empty() { Ok(Some(terms)) } else { Err(ApiError::fields(problems)) }
    }
}

impl CanaryShare {
    async fn share(
        self,
        context: &Context,
        caller: &Caller,
        problems: &mut Vec<String>,
    ) -> Result<Share, ApiError> {
        match (self.percent, self.projects) {
            (Some(percent), None) => {
                if !(1..=100).contains(&percent) {
                    problems.push(format!("`canary.percent` is {percent}, it must be from 1 to 100"));
                }
                Ok(Share::Percent(percent))
            }
            (None, Some(projects)) => {
                if !(1..=MAX_PROJECTS).contains(&projects.len()) {
                    let count = projects.len();
                    problems.push(format!(
                        "`canary.projects` has {count} projects, it must have 1 to {MAX_PROJECTS}"
                    ));
                    return Ok(Share::Projects(Vec::new()));
                }
                for Id(project) in &projects {
                    if context.store.project(&caller.organization_id, project).await?.is_none() {
                        problems.push(format!("`canary.projects`: there is no project `{project}`"));
                    }
                }
                Ok(Share::Projects(projects.into_iter().map(|Id(project)| project).collect()))
            }
            _ => {
                problems.push("`canary` must have either `percent` or `projects`".to_owned());
                Ok(Share::Projects(Vec::new()))
            }
        }
    }
}

impl PluginVersionResponse {
    fn new(engine: &Engine, record: &PluginRecord, version: &PluginVersion, calls: &[CallBucket]) -> Self {
        let (access, signature) = access::of_version(engine, record, version);
        Self {
            access,
            signature,
            name: record.plugin.name.clone(),
            version: version.version.clone(),
            digest: version.digest.clone(),
            size_bytes: version.size_bytes,
            origin: origin(record),
            state: version.state.as_str(),
            reason: version.reason.clone(),
            canary: CanaryResponse::of(record).filter(|_| version.state == PluginState::Canary),
            created_at: Some(version.created_at.to_iso()),
            activated_at: version.activated_at.map(|at| at.to_iso()),
            ..Self::counted(&version.digest, calls)
        }
    }

    /// The version of a file or a bundled plugin; `None` for a file that was not taken.
    fn listed(engine: &Engine, listing: &Listing, calls: &[CallBucket]) -> Option<Self> {
        let plugin = listing.plugin.as_ref().ok()?;
        let (access, signature) = access::of_listed(engine, listing, plugin);
        Some(Self {
            access,
            signature,
            name: plugin.description.name.clone(),
            version: plugin.description.version.clone(),
            digest: plugin.digest.clone(),
            size_bytes: plugin.size_bytes,
            origin: match listing.origin {
                Origin::Bundled(_) => "bundled",
                Origin::File(_) => "file",
            },
            state: PluginState::Active.as_str(),
            ..Self::counted(&plugin.digest, calls)
        })
    }

    /// How the calls of a version went, and nothing else of it.
    fn counted(digest: &str, calls: &[CallBucket]) -> Self {
        let counted = CallStatistics::of(calls.iter().filter(|bucket| bucket.digest == digest));
        Self {
            name: String::new(),
            version: String::new(),
            digest: digest.to_owned(),
            size_bytes: 0,
            origin: "",
            state: "",
            reason: None,
            canary: None,
            calls: counted.calls,
            failures: counted.failures,
            mean_ms: counted.mean_ms,
            p95_ms: counted.p95_ms,
            last_error: counted.last_failure.map(|(failure, at)| PluginCallError {
                code: failure.code,
                message: failure.message,
                at: at.to_iso(),
            }),
            created_at: None,
            activated_at: None,
            access: None,
            signature: None,
        }
    }
}

impl From<PluginEntry> for PluginStepResponse {
    fn from(entry: PluginEntry) -> Self {
        Self {
            version: entry.version,
            digest: entry.digest,
            step: entry.step.as_str(),
            reason: entry.reason,
            actor_type: entry.actor.kind.as_str(),
            actor_id: entry.actor.id,
            at: entry.at.to_iso(),
        }
    }
}
