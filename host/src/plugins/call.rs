//! One call of a plugin: a fresh instance, run within its limits, and its answer checked.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::{Map, Value};
use wasmtime::component::ResourceTableError;
use wasmtime::{PoolConcurrencyLimitError, Store, Trap, WasmBacktrace};
use wasmtime_wasi::I32Exit;

use super::bindings::{self, ocriva::extract::types};
use super::budget::{Budget, Stop, Usage};
use super::capabilities::Powers;
use super::engine::{Engine, Plugin};
use super::error::{Error, Refusal};
use super::imports::{CallState, Surroundings};
use super::journal::{Logs, cut};
use super::limits::Limits;
use super::{Description, DocumentSource, SourceError, manifest, pace};
use crate::domain::barcode::Barcode;
use crate::domain::extraction::ExtractorOutput;
use crate::domain::geometry::Rect;
use crate::domain::page::{PageSize, PageText, Word};
use crate::domain::raster::Raster;
use crate::domain::reference::NamedTable;

/// What a host call may be given beside its text: small values and the list's own overhead.
const CALL_OVERHEAD_BYTES: usize = 64 << 10;

/// Longest code of a failure that a plugin reports.
const FAILURE_CODE_BYTES: usize = 64;

/// Longest message of a failure that a plugin reports.
const FAILURE_MESSAGE_BYTES: usize = 1000;

/// Longest description, which no setting limits: it is kept for as long as the plugin is.
const DESCRIPTION_BYTES: usize = 256 << 10;

/// What wasmtime says of a call that is to carry more than its fuel allows, and of a component with too many handles:
/// these errors have no types.
const OUT_OF_FUEL: &str = "fuel allocated for hostcalls";
/// See [`OUT_OF_FUEL`].
const OUT_OF_HANDLES: &str = "store handle limit exceeded";

/// How often a function must stand in a backtrace for its trap to be the end of a recursion.
const RECURSION: usize = 6;

/// What a plugin is asked about a document.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Request {
    /// The template's JSON Schema.
    pub schema: Option<Value>,
    /// The template's instructions.
    pub instructions: Option<String>,
    /// The template's settings for its extractor.
    pub config: Map<String, Value>,
    /// The template's reference files.
    pub references: Vec<NamedTable>,
    /// The day, `YYYY-MM-DD`.
    pub today: String,
    /// The organization whose document it is, for what plugins keep; `None` where there is no such thing.
    pub organization_id: Option<String>,
}

/// The request as the contract has it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WireRequest<'a> {
    schema: Option<&'a Value>,
    instructions: Option<&'a str>,
    config: &'a Map<String, Value>,
    file_name: &'a str,
    media_type: &'a str,
    today: &'a str,
}

/// A call that has ended, one way or another.
#[derive(Debug)]
pub struct Call {
    /// What the plugin answered, or why it did not.
    pub result: Result<ExtractorOutput, Error>,
    /// What it logged.
    pub logs: Logs,
    /// What it used of what it may use.
    pub usage: Usage,
}

impl Engine {
    /// Runs a plugin on a document. Waits for a place first; the call's clock starts when it has one. Dropping the
    /// future ends the call.
    pub async fn call(&self, plugin: &Plugin, source: Arc<dyn DocumentSource>, request: &Request) -> Call {
        let wire = WireRequest {
            schema: request.schema.as_ref(),
            instructions: request.instructions.as_deref(),
            config: &request.config,
            file_name: source.file_name(),
            media_type: source.media_type(),
            today: &request.today,
        };
        let name = &plugin.description.name;
        let limits = &plugin.limits;
        let wire = match serde_json::to_string(&wire) {
            Ok(wire) => wire,
            Err(error) => {
                let (logs, usage) = Budget::new(*limits).finish(Duration::ZERO);
                let reason = format!("request is not JSON: {error}");
                return Call { result: Err(Error::Host { plugin: name.clone(), reason }), logs, usage };
            }
        };
        let checked_against = Arc::clone(&source);
        let surroundings = Surroundings {
            source,
            plugin: name.clone(),
            organization_id: request.organization_id.clone(),
            config: request.config.clone(),
            references: request.references.clone(),
            powers: Arc::clone(&plugin.powers),
            services: Arc::clone(&self.services),
        };
        let state = CallState::new(surroundings, Budget::new(*limits));
        let (answer, logs, mut usage) = self.run(name, &plugin.linked, state, Ask::Extract(wire)).await;
        let result = answer.and_then(|answer| match answer {
            Ok(json) => {
                usage.output_bytes.used = json.len() as u64;
                read_output(name, &json, limits.output_bytes(), checked_against.as_ref())
            }
            Err(failure) => Err(Error::Failed {
                code: failure_code(failure.code),
                message: cut(&failure.message, FAILURE_MESSAGE_BYTES).to_owned(),
                retryable: failure.retryable,
            }),
        });
        Call { result, logs, usage }
    }

    /// Asks a component who it is, within the limits of a call.
    pub(super) async fn describe(
        &self,
        linked: &bindings::PluginWithCapabilitiesPre<CallState>,
        digest: &str,
        limits: Limits,
        powers: &Arc<Powers>,
    ) -> Result<Description, Refusal> {
        let surroundings = Surroundings {
            source: Arc::new(NoDocument),
            plugin: String::new(),
            organization_id: None,
            config: Map::new(),
            references: Vec::new(),
            powers: Arc::clone(powers),
            services: Arc::clone(&self.services),
        };
        let state = CallState::new(surroundings, Budget::new(limits));
        let (answer, ..) = self.run(cut(digest, 12), linked, state, Ask::Describe).await;
        let Ok(json) = answer.map_err(Refusal::Undescribed)? else {
            return Err(Refusal::BadDescription { reason: "it is a failure".to_owned() });
        };
        read_description(&json).map_err(|reason| Refusal::BadDescription { reason })
    }

    async fn run(
        &self,
        name: &str,
        linked: &bindings::PluginWithCapabilitiesPre<CallState>,
        state: CallState,
        ask: Ask,
    ) -> (Result<Answer, Error>, Logs, Usage) {
        let limits = *state.budget.limits();
        let place = tokio::time::timeout(limits.wall(), Arc::clone(&self.places).acquire_owned()).await;
        let Ok(Ok(place)) = place else {
            let (logs, usage) = state.budget.finish(limits.wall());
            return (Err(Error::Busy { allowed: self.max_concurrent_calls }), logs, usage);
        };
        let started_at = Instant::now();
        let ticking = self.ticker.run();
        let meter = state.budget.meter();
        let llm_tokens = state.powers.llm_tokens;
        let mut store = Store::new(&self.wasmtime, state);
        store.limiter(|state| &mut state.budget);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|mut ctx| ctx.data_mut().budget.tick());
        store.set_hostcall_fuel(host_call_bytes(&limits));
        store.set_max_component_handles(component_handles(&limits));
        let call = {
            let (linked, meter) = (linked.clone(), meter.clone());
            async move {
                // The call has its place and its clock until it has ended, also where nobody waits for it any more.
                let _held = (place, ticking);
                let answer = meter.measure(enter(&mut store, &linked, ask));
                let answer = tokio::time::timeout(limits.wall(), answer).await;
                // To give back what it took may last longer than many calls, so it is done here, and belongs to it.
                (answer, store.into_data())
            }
        };
        let driven = pace::drive(call, &meter).await;
        let wall = started_at.elapsed();
        let Ok((answer, state)) = driven else {
            let (logs, usage) = Budget::new(limits).finish(wall);
            let reason = "the call did not come to an end".to_owned();
            return (Err(Error::Host { plugin: name.to_owned(), reason }), logs, usage);
        };
        let answer = match answer {
            Ok(Ok(_)) if state.budget.has_too_many_host_calls() => Err(too_many_host_calls(name, &limits)),
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(self.explain(name, &state.budget, &error)),
            Err(_) => Err(Error::WallTimeout { plugin: name.to_owned(), allowed_ms: limits.wall_ms }),
        };
        let (logs, mut usage) = state.budget.finish(wall);
        usage.llm_tokens.allowed = llm_tokens;
        (answer, logs, usage)
    }

    /// Says why a call ended early. The budget's own notes come first: the trap is often only their consequence.
    fn explain(&self, name: &str, budget: &Budget, error: &wasmtime::Error) -> Error {
        let plugin = name.to_owned();
        let limits = budget.limits();
        let denied = |plugin, what, allowed, limit| Error::Denied { plugin, what, allowed, limit };
        match budget.stopped_by() {
            Some(Stop::Cpu) => return Error::CpuTimeout { plugin, allowed_ms: limits.cpu_ms },
            Some(Stop::Handles) => {
                return denied(plugin, "handles", limits.handles, "handles");
            }
            Some(Stop::HostCalls) => return too_many_host_calls(name, limits),
            None => {}
        }
        if let Some(ResourceTableError::Full) = error.downcast_ref::<ResourceTableError>() {
            return denied(plugin, "handles", limits.handles, "handles");
        }
        if let Some(I32Exit(status)) = error.downcast_ref::<I32Exit>() {
            return Error::Trap { plugin, reason: format!("it ended itself with the status {status}") };
        }
        if let Some(full) = error.downcast_ref::<PoolConcurrencyLimitError>() {
            tracing::warn!(error = %full, "plugin pool is smaller than the number of calls");
            return Error::Busy { allowed: self.max_concurrent_calls };
        }
        if budget.memory_was_refused() {
            return Error::Memory { plugin, allowed_mib: limits.memory_mib };
        }
        if let Some(message) = budget.panic_message() {
            return Error::Panic { plugin, message };
        }
        let functions = functions(error);
        let Some(trap) = error.downcast_ref::<Trap>() else {
            return explain_breach(plugin, limits, error, &functions);
        };
        match trap {
            Trap::StackOverflow => Error::Stack { plugin },
            // Rust and C keep their stack at the start of linear memory: its overflow is an access below zero.
            Trap::MemoryOutOfBounds if is_recursion(&functions) => Error::Stack { plugin },
            trap => {
                let place = functions.first().map(|function| format!(" in `{function}`")).unwrap_or_default();
                Error::Trap { plugin, reason: format!("{trap}{place}") }
            }
        }
    }
}

/// A call that ended by an error that is no trap: the host's own errors have types, and what else there is the plugin
/// did where it met the host: a handle, an address or a value that is none.
fn explain_breach(plugin: String, limits: &Limits, error: &wasmtime::Error, functions: &[String]) -> Error {
    let reason = error.root_cause().to_string();
    let denied = |what, allowed, limit| Error::Denied { plugin: plugin.clone(), what, allowed, limit };
    if reason.contains(OUT_OF_FUEL) {
        // Where no function was running, it was the answer.
        return match functions {
            [] => too_large(&plugin, limits.output_bytes()),
            _ => denied("bytes in one call to the host", host_call_bytes(limits) as u64, "output_kib"),
        };
    }
    if reason.contains(OUT_OF_HANDLES) {
        return denied("handles", limits.handles, "handles");
    }
    let is_hosts =
        error.is::<Uninstantiated>() || error.is::<ResourceTableError>() || error.is::<serde_json::Error>();
    match is_hosts {
        true => Error::Host { plugin, reason },
        false => Error::Trap { plugin, reason: format!("it broke the contract: {reason}") },
    }
}

/// Handles of a component, those of its own making included: as many again as it may have of the host's.
fn component_handles(limits: &Limits) -> usize {
    usize::try_from(limits.handles).unwrap_or(usize::MAX).saturating_mul(2)
}

/// Most bytes that cross the border in one call to the host.
fn host_call_bytes(limits: &Limits) -> usize {
    limits.output_bytes().saturating_add(CALL_OVERHEAD_BYTES)
}

/// The component could not be given its instances.
#[derive(Debug, thiserror::Error)]
#[error("component cannot be instantiated")]
struct Uninstantiated;

/// What a component is called for.
enum Ask {
    Describe,
    Extract(String),
}

/// The plugin's JSON, or the failure it reports.
type Answer = Result<String, types::Failure>;

async fn enter(
    store: &mut Store<CallState>,
    linked: &bindings::PluginWithCapabilitiesPre<CallState>,
    ask: Ask,
) -> wasmtime::Result<Answer> {
    let instance = linked.instantiate_async(&mut *store).await;
    let instance = instance.map_err(|error| error.context(Uninstantiated))?;
    let extractor = instance.ocriva_extract_extractor();
    match ask {
        Ask::Describe => extractor.call_describe(store).await.map(Ok),
        Ask::Extract(request) => {
            let document = store.data_mut().open_document()?;
            extractor.call_extract(store, document, &request).await
        }
    }
}

/// Names of the functions that were running, innermost first.
fn functions(error: &wasmtime::Error) -> Vec<String> {
    let Some(backtrace) = error.downcast_ref::<WasmBacktrace>() else { return Vec::new() };
    let name = |frame: &wasmtime::FrameInfo| match frame.func_name() {
        Some(name) => name.to_owned(),
        None => format!("function {}", frame.func_index()),
    };
    backtrace.frames().iter().map(name).collect()
}

fn is_recursion(functions: &[String]) -> bool {
    functions.iter().any(|function| functions.iter().filter(|other| *other == function).count() >= RECURSION)
}

fn read_output(
    plugin: &str,
    json: &str,
    limit: usize,
    source: &dyn DocumentSource,
) -> Result<ExtractorOutput, Error> {
    if json.len() > limit {
        return Err(too_large(plugin, limit));
    }
    let bad = |reason: String| Error::BadOutput { plugin: plugin.to_owned(), reason };
    let output: ExtractorOutput = serde_json::from_str(json).map_err(|error| bad(error.to_string()))?;
    let pages: Vec<u32> = (0..source.page_count()).map(|index| source.page_number(index)).collect();
    let check = |what: &str, confidence: f32, page: Option<u32>| {
        if !(0.0..=1.0).contains(&confidence) {
            return Err(bad(format!("{what} has the confidence {confidence}, which is not from 0 to 1")));
        }
        match page {
            Some(page) if !pages.contains(&page) => {
                Err(bad(format!("{what} is on page {page}, which the document does not have")))
            }
            _ => Ok(()),
        }
    };
    for (name, field) in &output.fields {
        check(&format!("field `{}`", cut(name, 64)), field.confidence, field.page)?;
    }
    for table in &output.tables {
        check("a table", 1.0, Some(table.page))?;
        for cell in table.rows.iter().flatten() {
            check("a table's cell", cell.confidence, None)?;
        }
    }
    Ok(output)
}

fn too_many_host_calls(plugin: &str, limits: &Limits) -> Error {
    let (allowed, limit) = (limits.host_calls, "host_calls");
    Error::Denied { plugin: plugin.to_owned(), what: "calls to the host", allowed, limit }
}

fn too_large(plugin: &str, limit: usize) -> Error {
    let reason = format!("it has more than {limit} bytes (limit `output_kib`)");
    Error::BadOutput { plugin: plugin.to_owned(), reason }
}

/// A failure's code as the plugin gave it, if it is a stable word.
fn failure_code(code: String) -> String {
    let is_word = !code.is_empty()
        && code.len() <= FAILURE_CODE_BYTES
        && code.chars().all(|each| each.is_ascii_lowercase() || each.is_ascii_digit() || "._".contains(each));
    if is_word { code } else { "plugin.failed".to_owned() }
}

fn read_description(json: &str) -> Result<Description, String> {
    if json.len() > DESCRIPTION_BYTES {
        return Err(format!("it has {} bytes, the limit is {DESCRIPTION_BYTES}", json.len()));
    }
    let description: Description = serde_json::from_str(json).map_err(|error| error.to_string())?;
    let Description { name, version, .. } = &description;
    if !manifest::is_name(name) {
        return Err(format!("`{}` is not a name", cut(name, 64)));
    }
    if !manifest::is_version(version) {
        return Err(format!("`{}` is not a version", cut(version, 64)));
    }
    Ok(description)
}

/// The document of a plugin that is only asked who it is.
struct NoDocument;

#[async_trait::async_trait]
impl DocumentSource for NoDocument {
    fn page_count(&self) -> u32 {
        0
    }

    fn file_name(&self) -> &str {
        ""
    }

    fn media_type(&self) -> &str {
        ""
    }

    fn page_number(&self, index: u32) -> u32 {
        index + 1
    }

    async fn size(&self, _index: u32) -> Result<PageSize, SourceError> {
        Err(no_document())
    }

    async fn text(&self, _index: u32) -> Result<Arc<PageText>, SourceError> {
        Err(no_document())
    }

    async fn raster(&self, _index: u32) -> Result<Arc<Raster>, SourceError> {
        Err(no_document())
    }

    async fn recognize(&self, _index: u32, _area: Rect) -> Result<Vec<Word>, SourceError> {
        Err(no_document())
    }

    async fn barcodes(&self, _index: u32) -> Result<Arc<Vec<Barcode>>, SourceError> {
        Err(no_document())
    }
}

fn no_document() -> SourceError {
    SourceError {
        code: "no_document".to_owned(),
        message: "there is no document".to_owned(),
        transient: false,
    }
}
