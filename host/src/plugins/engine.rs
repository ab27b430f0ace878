//! The engine: every limit of the sandbox in one place, and how a component becomes a [`Plugin`].
//!
//! A call runs in a fresh store and instance: nothing of one document can be seen by the next. That is cheap
//! because instances come from a pool of memory that was reserved once, and a fresh memory is a copy-on-write
//! picture of the component's initial one.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;
use wasmtime::component::{Component, HasSelf, Linker};
use wasmtime::{Config, Enabled, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig};

use super::access::Wishes;
use super::bindings::{self, ocriva::extract};
use super::budget;
use super::cache::Cache;
use super::capabilities::{Powers, Services, ValueStore};
use super::compiler::{Compiler, Memory};
use super::component;
use super::error::Refusal;
use super::imports::CallState;
use super::limits::Limits;
use super::manifest::Manifest;
use super::signature::Trust;
use super::ticker::Ticker;
use super::wasi;
use super::{Description, component::Allowance, component::Inspection};
use crate::config;

/// Stack of WebAssembly frames. Guests compiled from C or Rust keep most of their stack in linear memory: this
/// is for return addresses and spilled registers.
const WASM_STACK_BYTES: usize = 512 << 10;

/// The whole stack of a call: WebAssembly frames and those of the host functions it calls.
const CALL_STACK_BYTES: usize = 1 << 20;

/// Most that a memory can grow to in the pool, whatever limit a call has; `plugins.memory_mib` stays below.
const POOL_MEMORY_BYTES: usize = 256 << 20;

/// Most elements of a table in the pool.
const POOL_TABLE_ELEMENTS: usize = 100_000;

/// Most tables of one module; most have one.
const MODULE_TABLES: u32 = 4;

/// Memory of a slot that stays resident between calls, so that the next call does not fault it in again. With
/// `PAGEMAP_SCAN` (Linux 6.7) only pages that were written are reset, and keeping much costs nothing.
const RESIDENT_BYTES_WITH_SCAN: usize = 2 << 20;

/// The same without `PAGEMAP_SCAN`, where all of it is reset after each call.
const RESIDENT_BYTES: usize = 64 << 10;

/// Components compiled at one time for the operator, and for all organizations: compiling takes 30 to 120 ms of a core
/// that documents need too, and the operator does not wait for what others upload.
const COMPILERS: usize = 1;

/// Components looked at at one time: in a quarter of a second the largest is.
const LOOKERS: usize = 2;

/// Runs plugins. One per process, shared by all callers.
pub struct Engine {
    pub(super) wasmtime: wasmtime::Engine,
    /// The limits of a plugin that asks for no others.
    usual_limits: Limits,
    /// The most that one can be given.
    maximum_limits: Limits,
    pub(super) ticker: Arc<Ticker>,
    /// Places for calls: waiting for one happens here, before a call's clock starts.
    pub(super) places: Arc<Semaphore>,
    pub(super) max_concurrent_calls: u32,
    /// What every plugin may import; what one is granted comes beside it, when it is taken.
    linker: Linker<CallState>,
    pub(super) services: Arc<Services>,
    trust: Trust,
    cache: Cache,
    compiler: Compiler,
    /// Places for compiling the operator's components, and those of organizations.
    compilers: [Semaphore; 2],
    lookers: Semaphore,
}

/// A component that was taken: checked, compiled, linked and asked who it is.
pub struct Plugin {
    /// What it says about itself.
    pub description: Description,
    /// What it asks for.
    pub wishes: Wishes,
    /// What a call of it may use.
    pub limits: Limits,
    /// The trusted key, in hexadecimal, that it is signed with.
    pub signed_by: Option<String>,
    /// SHA-256 of the component, in hex.
    pub digest: String,
    /// Size of the component.
    pub size_bytes: u64,
    pub(super) powers: Arc<Powers>,
    pub(super) linked: bindings::PluginWithCapabilitiesPre<CallState>,
}

/// Why the engine cannot be started.
#[derive(Debug, thiserror::Error)]
#[error("plugin engine cannot be started")]
pub struct StartError(#[source] Box<dyn std::error::Error + Send + Sync>);

impl Engine {
    /// Starts the engine. Compiled components are kept in `cache_dir`, which is made when it is first needed, is
    /// private to this process's user, and may be deleted at any time.
    ///
    /// # Errors
    /// A machine that WebAssembly cannot be compiled for, or no threads left.
    pub fn new(settings: &config::Plugins, cache_dir: PathBuf) -> Result<Self, StartError> {
        Self::start(settings, cache_dir, None)
    }

    fn start(
        settings: &config::Plugins,
        cache_dir: PathBuf,
        values: Option<Arc<dyn ValueStore>>,
    ) -> Result<Self, StartError> {
        let pooled = pooling(settings.max_concurrent_calls).map(|engine| (engine, Memory::Pooled));
        let engine = pooled.or_else(|error| {
            tracing::warn!(
                %error,
                "no address space for the plugin pool: plugin calls will be slower (less \
                 `plugins.max_concurrent_calls` needs less)"
            );
            on_demand().map(|engine| (engine, Memory::OnDemand))
        });
        let (wasmtime, memory) = engine.map_err(|error| StartError(error.into()))?;
        let mut linker = Linker::new(&wasmtime);
        add_what_all_may_import(&mut linker).map_err(|error| StartError(error.into()))?;
        Ok(Self {
            ticker: Arc::new(Ticker::start(wasmtime.clone()).map_err(|error| StartError(error.into()))?),
            usual_limits: Limits::usual(settings),
            maximum_limits: Limits::maximum(settings),
            places: Arc::new(Semaphore::new(settings.max_concurrent_calls as usize)),
            max_concurrent_calls: settings.max_concurrent_calls,
            cache: Cache::new(cache_dir, &wasmtime),
            compiler: Compiler::new(&settings.compile, memory).map_err(|error| StartError(error.into()))?,
            compilers: [Semaphore::new(COMPILERS), Semaphore::new(COMPILERS)],
            lookers: Semaphore::new(LOOKERS),
            services: Arc::new(Services::new(settings, values).map_err(|error| StartError(error.into()))?),
            trust: Trust::new(settings).map_err(|error| StartError(error.into()))?,
            linker,
            wasmtime,
        })
    }

    /// The same with a place for the values that plugins keep. Without one, keeping a value fails.
    ///
    /// # Errors
    /// As above.
    pub fn with_values(
        settings: &config::Plugins,
        cache_dir: PathBuf,
        values: Arc<dyn ValueStore>,
    ) -> Result<Self, StartError> {
        Self::start(settings, cache_dir, Some(values))
    }

    /// Takes a component as a plugin: checks it as hostile bytes, compiles it or finds it in the cache, links it,
    /// and asks it who it is.
    ///
    /// # Errors
    /// The first reason not to take it.
    pub async fn load(self: &Arc<Self>, bytes: Cow<'static, [u8]>) -> Result<Plugin, Refusal> {
        self.load_of(None, bytes).await
    }

    /// The same for a component that an organization uploaded, which has not what the operator granted to a plugin of
    /// his own of the same name; `None` for the operator's.
    ///
    /// # Errors
    /// As above.
    pub async fn load_of(
        self: &Arc<Self>,
        organization_id: Option<&str>,
        bytes: Cow<'static, [u8]>,
    ) -> Result<Plugin, Refusal> {
        let this = Arc::clone(self);
        let organization = organization_id.map(str::to_owned);
        let looking = move || {
            this.check_size(&bytes)?;
            let (inspection, component) = match this.recall(organization.as_deref(), &digest(&bytes)) {
                Some(known) => known.map(|(inspection, component)| (inspection, Some(component)))?,
                None => (this.inspect(organization.as_deref(), &bytes)?, None),
            };
            inspection.refusals().into_iter().next().map_or(Ok(()), Err)?;
            Ok((bytes, inspection, component))
        };
        let (bytes, inspection, known) = in_turn(&self.lookers, looking).await?;
        let component = match known {
            Some(component) => component,
            None => {
                let [operators, organizations] = &self.compilers;
                let places = if organization_id.is_some() { organizations } else { operators };
                let (this, outlined) = (Arc::clone(self), inspection.clone());
                in_turn(places, move || this.compile(&bytes, &outlined)).await?
            }
        };
        self.finish(component, inspection).await
    }

    /// Takes a component that was compiled before, by its SHA-256 in hexadecimal and without its bytes; `None` where its
    /// code is not in the cache. `organization_id` as above.
    ///
    /// # Errors
    /// As above: what it is granted, for one, may have changed.
    pub async fn load_compiled(
        self: &Arc<Self>,
        organization_id: Option<&str>,
        digest: &str,
    ) -> Option<Result<Plugin, Refusal>> {
        if !self.cache.has(digest) {
            return None;
        }
        let this = Arc::clone(self);
        let (organization, digest) = (organization_id.map(str::to_owned), digest.to_owned());
        let looking = move || {
            let known = this.recall(organization.as_deref(), &digest).transpose()?;
            if let Some((inspection, _)) = &known {
                inspection.refusals().into_iter().next().map_or(Ok(()), Err)?;
            }
            Ok(known)
        };
        match in_turn(&self.lookers, looking).await {
            Ok(Some((inspection, component))) => Some(self.finish(component, inspection).await),
            Ok(None) => None,
            Err(refusal) => Some(Err(refusal)),
        }
    }

    /// Whether a component of this digest was compiled before, so that it is loaded without its bytes.
    pub(super) fn has_compiled(&self, digest: &str) -> bool {
        self.cache.has(digest)
    }

    /// Links a component and asks it who it is.
    async fn finish(&self, component: Component, inspection: Inspection) -> Result<Plugin, Refusal> {
        let linked = self.link(&component, &inspection)?;
        let limits = inspection.limits;
        let description = self.describe(&linked, &inspection.digest, limits, &inspection.powers).await?;
        let wishes = inspection.wishes();
        let Inspection { digest, outline, powers, .. } = inspection;
        if let Some(manifest) = &wishes.manifest
            && (&manifest.name, &manifest.version) != (&description.name, &description.version)
        {
            let shown = |name: &str, version: &str| format!("{name} {version}");
            return Err(Refusal::OtherInManifest {
                described: shown(&description.name, &description.version),
                manifest: shown(&manifest.name, &manifest.version),
            });
        }
        let size_bytes = outline.size_bytes;
        Ok(Plugin { description, wishes, limits, signed_by: None, digest, size_bytes, powers, linked })
    }

    /// Whether a component that does not come with the program may be taken with this signature, or without one: ed25519
    /// over its SHA-256, in hexadecimal or base64. The answer is the trusted key in hexadecimal; `None` where nobody vouches
    /// for it.
    ///
    /// # Errors
    /// It is not signed and must be, or the signature is not by a trusted key.
    pub fn check_signature(
        &self,
        component: &[u8],
        signature: Option<&str>,
    ) -> Result<Option<String>, Refusal> {
        self.trust.check(component, signature)
    }

    /// Whether a key, in hexadecimal, is trusted now.
    pub fn trusts(&self, key: &str) -> bool {
        self.trust.includes(key)
    }

    /// What a call of a component of this manifest may use.
    pub(super) fn limits_for(&self, manifest: Option<&Manifest>) -> Limits {
        manifest.map_or(self.usual_limits, |manifest| {
            self.usual_limits.given(&manifest.limits, &self.maximum_limits)
        })
    }

    /// Most bytes of any component.
    pub(super) fn component_bytes(&self) -> u64 {
        self.maximum_limits.component_bytes()
    }

    /// Reads all of a component, within the limits that its manifest asks for and this engine gives.
    pub(super) fn inspect(&self, organization_id: Option<&str>, bytes: &[u8]) -> Result<Inspection, Refusal> {
        self.check_size(bytes)?;
        component::inspect(bytes, |manifest| self.allowance(organization_id, manifest))
    }

    fn check_size(&self, bytes: &[u8]) -> Result<(), Refusal> {
        let (size, limit) = (bytes.len() as u64, self.component_bytes());
        (size <= limit).then_some(()).ok_or(Refusal::TooLarge { size, limit })
    }

    /// The component of this digest as it was when it was compiled, with what it is given today.
    fn recall(
        &self,
        organization_id: Option<&str>,
        digest: &str,
    ) -> Option<Result<(Inspection, Component), Refusal>> {
        let (component, outline) = self.cache.load(&self.wasmtime, digest)?;
        let inspection = component::judge(digest.to_owned(), outline, |manifest| {
            self.allowance(organization_id, manifest)
        });
        Some(inspection.map(|inspection| (inspection, component)))
    }

    fn allowance(&self, organization_id: Option<&str>, manifest: Option<&Manifest>) -> Allowance {
        Allowance {
            limits: self.limits_for(manifest),
            powers: self.services.powers(manifest, organization_id),
        }
    }

    fn link(
        &self,
        component: &Component,
        inspection: &Inspection,
    ) -> Result<bindings::PluginWithCapabilitiesPre<CallState>, Refusal> {
        let unlinkable = |error: wasmtime::Error| Refusal::Unlinkable { reason: format!("{error:#}") };
        let linker = self.linker_for(inspection).map_err(unlinkable)?;
        let linked = linker.instantiate_pre(component).map_err(unlinkable)?;
        bindings::PluginWithCapabilitiesPre::new(linked).map_err(unlinkable)
    }

    /// All that a plugin may import, and nothing else.
    fn linker_for(&self, inspection: &Inspection) -> wasmtime::Result<Linker<CallState>> {
        let mut linker = self.linker.clone();
        if inspection.wants_wasi() {
            wasi::add_to_linker(&mut linker)?;
        }
        inspection.powers.add_to_linker(&mut linker)?;
        Ok(linker)
    }

    fn compile(
        &self,
        bytes: &[u8],
        Inspection { digest, outline, .. }: &Inspection,
    ) -> Result<Component, Refusal> {
        // Whoever waited for a place may find it done.
        if let Some((component, _)) = self.cache.load(&self.wasmtime, digest) {
            return Ok(component);
        }
        let code = self.compiler.compile(bytes)?;
        self.cache
            .keep(&self.wasmtime, digest, &code, outline)
            .map_err(|error| Refusal::Unlinkable { reason: format!("{error:#}") })
    }
}

/// Does blocking work as soon as one of few places for it is free.
async fn in_turn<T: Send + 'static>(
    places: &Semaphore,
    work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    let unlinkable = |reason: String| Refusal::Unlinkable { reason };
    let _place = places.acquire().await.map_err(|error| unlinkable(error.to_string()))?;
    tokio::task::spawn_blocking(work).await.map_err(|error| unlinkable(error.to_string()))?
}

/// The document with its bar codes, the settings, the log and the reference files.
fn add_what_all_may_import(linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
    extract::log::add_to_linker::<_, HasSelf<_>>(linker, |state| state)?;
    extract::config::add_to_linker::<_, HasSelf<_>>(linker, |state| state)?;
    extract::types::add_to_linker::<_, HasSelf<_>>(linker, |state| state)?;
    extract::document::add_to_linker::<_, HasSelf<_>>(linker, |state| state)?;
    extract::lookup::add_to_linker::<_, HasSelf<_>>(linker, |state| state)?;
    extract::barcodes::add_to_linker::<_, HasSelf<_>>(linker, |state| state)
}

/// Digest of a component, as it is shown and as it names the compiled code.
pub(super) fn digest(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// An engine that has the memory of so many calls in a pool.
pub(super) fn pooling(max_concurrent_calls: u32) -> wasmtime::Result<wasmtime::Engine> {
    let calls = max_concurrent_calls.max(1);
    let resident = match PoolingAllocationConfig::is_pagemap_scan_available() {
        true => RESIDENT_BYTES_WITH_SCAN,
        false => RESIDENT_BYTES,
    };
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(calls)
        .total_stacks(calls)
        .total_core_instances(calls.saturating_mul(budget::CORE_INSTANCES))
        .total_memories(calls.saturating_mul(budget::MEMORIES))
        .total_tables(calls.saturating_mul(budget::TABLES))
        .max_core_instances_per_component(budget::CORE_INSTANCES)
        .max_memories_per_component(budget::MEMORIES)
        .max_tables_per_component(budget::TABLES)
        .max_tables_per_module(MODULE_TABLES)
        .max_memory_size(POOL_MEMORY_BYTES)
        .table_elements(POOL_TABLE_ELEMENTS)
        .linear_memory_keep_resident(resident)
        .table_keep_resident(RESIDENT_BYTES)
        .pagemap_scan(Enabled::Auto);
    let mut config = base_config();
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    wasmtime::Engine::new(&config)
}

/// An engine that reserves memory for each instance.
pub(super) fn on_demand() -> wasmtime::Result<wasmtime::Engine> {
    wasmtime::Engine::new(&base_config())
}

fn base_config() -> Config {
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        // Plugins do one thing at a time; the bookkeeping for more would be made with each store.
        .concurrency_support(false)
        .epoch_interruption(true)
        .memory_init_cow(true)
        .max_wasm_stack(WASM_STACK_BYTES)
        .async_stack_size(CALL_STACK_BYTES)
        .cranelift_opt_level(OptLevel::Speed)
        // One component at a time is compiled, on one core: the others belong to documents.
        .parallel_compilation(false);
    config
}
