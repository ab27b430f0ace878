//! Uploaded plugins in a running system: this process runs what the database says, as every other process does.
//!
//! A change counts up a generation in the database. The process that makes a change takes it over at once, the others
//! look at the generation twice a second: what is new is fetched from the blob store, compiled beside the requests and
//! then put in place of what ran. The operator's folder is looked at in the same rhythm.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::Mutex;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::blobs::{self, BlobKey, Blobs};
use crate::clock::Clock;
use crate::domain::audit::Actor;
use crate::domain::plugin::{Keeping, NewPluginVersion, PinningTemplate, PluginRecord, PluginState, Replica};
use crate::ingest;
use crate::plugins::{self, Components, FetchError, Plugin, Refusal, Registry};
use crate::store::{self, Store};
use crate::telemetry::chain;

/// How often a process looks for changes.
const LOOK: Duration = Duration::from_millis(500);

/// How often a process says that it is there, and tries again what it could not load.
const BEAT: Duration = Duration::from_secs(5);

/// How often the memory of uploaded plugins that nobody asked for meanwhile is given back.
const REST: Duration = Duration::from_secs(5 * 60);

/// A process that was not heard of for so long is gone.
const SILENCE: Duration = Duration::from_secs(20);

/// Why a component was not taken.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is not one that can be used.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The blob store failed.
    #[error("component cannot be stored")]
    Blobs(#[from] blobs::Error),
    /// The database failed.
    #[error("plugin cannot be recorded")]
    Store(#[from] store::Error),
}

/// Keeps this process's plugins as the database says; cheap to clone.
#[derive(Clone)]
pub struct Releases {
    /// `None` for a process that runs plugins for nobody.
    id: Option<Arc<str>>,
    store: Store,
    blobs: Blobs,
    clock: Clock,
    registry: Arc<Registry>,
    components: Arc<dyn Components>,
    progress: Arc<Mutex<Progress>>,
}

/// How far this process is.
#[derive(Default)]
struct Progress {
    generation: u64,
    /// What could not be loaded, by the plugin's id.
    unready: BTreeMap<String, Unready>,
}

/// A plugin of which not everything that is to run could be loaded.
struct Unready {
    record: PluginRecord,
    problems: Vec<(String, String)>,
}

impl Releases {
    /// Sets up the part of a process that keeps `registry` as the database says.
    pub fn new(
        store: Store,
        blobs: Blobs,
        clock: Clock,
        registry: Arc<Registry>,
        max_component_bytes: u64,
    ) -> Self {
        let components = Arc::new(BlobComponents { blobs: blobs.clone(), max_component_bytes });
        Self {
            id: Some(clock.new_id().into()),
            store,
            blobs,
            clock,
            registry,
            components,
            progress: Arc::default(),
        }
    }

    /// The same for a process that changes plugins and runs them for nobody: it is not in the list of replicas.
    pub fn unlisted(self) -> Self {
        Self { id: None, ..self }
    }

    /// The plugins.
    pub fn registry(&self) -> &Arc<Registry> {
        &self.registry
    }

    /// Learns what there is, before anything runs. Plugins are loaded when they are asked for.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn learn(&self) -> Result<(), store::Error> {
        let mut progress = self.progress.lock().await;
        let generation = self.store.plugin_generation().await?;
        for record in self.store.changed_plugins(0).await? {
            self.registry.learn(&record, &self.components);
        }
        progress.generation = generation;
        self.beat(&progress).await
    }

    /// Takes over what has changed; when this returns it is in force in this process.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn catch_up(&self) -> Result<(), store::Error> {
        if self.id.is_none() {
            return Ok(());
        }
        let mut progress = self.progress.lock().await;
        let generation = self.store.plugin_generation().await?;
        if generation == progress.generation {
            return Ok(());
        }
        for record in self.store.changed_plugins(progress.generation).await? {
            self.take_over(&mut progress, record).await;
        }
        progress.generation = generation;
        self.beat(&progress).await
    }

    /// Follows what changes, in the database and in the operator's folder, until `stop` is cancelled.
    pub async fn run(self, stop: CancellationToken) {
        let mut looks = tokio::time::interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut beats = tokio::time::interval(BEAT);
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut rests = tokio::time::interval(REST);
        rests.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let followed = tokio::select! {
                () = stop.cancelled() => break,
                _ = looks.tick() => self.follow().await,
                () = self.store.plugin_changed() => self.catch_up().await,
                _ = beats.tick() => self.renew().await,
                _ = rests.tick() => {
                    self.registry.rest();
                    Ok(())
                }
            };
            if let Err(error) = followed {
                tracing::warn!(error = %chain(&error), "changes of plugins cannot be followed");
            }
        }
        let Some(id) = &self.id else { return };
        if let Err(error) = self.store.forget_replica(id).await {
            tracing::warn!(error = %chain(&error), "this process stays in the list of replicas for a while");
        }
    }

    /// Keeps a component as a version of a plugin of an organization, or of everybody where none is given. It is checked,
    /// compiled and asked who it is before anything is stored.
    ///
    /// # Errors
    /// See [`Error`]; then nothing was stored.
    pub async fn keep(
        &self,
        actor: &Actor,
        owner: Option<&str>,
        component: Bytes,
        signature: Option<&str>,
    ) -> Result<(Plugin, Keeping), Error> {
        let engine = self.registry.engine();
        let signed_by = engine.check_signature(&component, signature)?;
        let plugin = engine.load_of(owner, Vec::from(component.clone()).into()).await?;
        let new = NewPluginVersion {
            id: self.clock.new_id(),
            name: plugin.description.name.clone(),
            version: plugin.description.version.clone(),
            digest: plugin.digest.clone(),
            size_bytes: plugin.size_bytes,
            description: serde_json::json!(plugin.description),
            wishes: serde_json::json!(plugin.wishes),
            signed_by,
        };
        if let Some(known) = self.known(owner, &new).await? {
            return Ok((plugin, known));
        }
        let key = BlobKey::component(&new.digest, &new.id)?;
        let mut writer = self.blobs.write(&key).await?;
        writer.put(component).await?;
        writer.finish().await?;
        let record = self.store.keep_plugin(actor, owner, &new);
        let found = async {
            let found = self.store.plugin(owner, &new.name).await?;
            Ok(found.filter(|record| record.by_id(&new.id).is_some()).map(Keeping::Kept))
        };
        let kept = ingest::recorded(&self.blobs, std::slice::from_ref(&key), record, found).await?;
        match &kept {
            Keeping::Kept(_) => self.catch_up().await?,
            Keeping::Known(_) | Keeping::OtherDigest(_) => ingest::discard(&self.blobs, &key).await,
        }
        Ok((plugin, kept))
    }

    /// Whether a template would have no plugin without a version that is to be deleted.
    pub fn is_pinned(version: &str) -> impl Fn(&PluginRecord, &PinningTemplate) -> bool + Send + '_ {
        move |record, template| {
            let Some(wanted) = &template.version else { return false };
            let others = record.versions.iter().filter(|other| {
                other.version != version && !matches!(other.state, PluginState::Draft | PluginState::Failed)
            });
            plugins::is_needed(wanted, version, others.map(|other| other.version.as_str()))
        }
    }

    /// Whether a name that belongs to an organization also means a plugin of everybody's.
    pub async fn has_fallback(&self, owner: Option<&str>, name: &str) -> bool {
        owner.is_some() && self.registry.get(name, None).await.is_ok()
    }

    /// Deletes the component of a version that has been deleted.
    pub async fn discard(&self, version_id: &str, digest: &str) {
        if let Ok(key) = BlobKey::component(digest, version_id) {
            ingest::discard(&self.blobs, &key).await;
        }
    }

    /// The processes that are there.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn replicas(&self) -> Result<Vec<Replica>, store::Error> {
        self.store.replicas(SILENCE).await
    }

    async fn known(
        &self,
        owner: Option<&str>,
        new: &NewPluginVersion,
    ) -> Result<Option<Keeping>, store::Error> {
        let Some(record) = self.store.plugin(owner, &new.name).await? else { return Ok(None) };
        let known = record.version(&new.version).map(|known| known.digest.clone());
        Ok(known.map(|digest| match digest == new.digest {
            true => Keeping::Known(record),
            false => Keeping::OtherDigest(digest),
        }))
    }

    async fn follow(&self) -> Result<(), store::Error> {
        self.registry.look().await;
        self.catch_up().await
    }

    /// Tries again what could not be loaded, and says that this process is there.
    async fn renew(&self) -> Result<(), store::Error> {
        let mut progress = self.progress.lock().await;
        for (_, unready) in std::mem::take(&mut progress.unready) {
            self.take_over(&mut progress, unready.record).await;
        }
        self.beat(&progress).await
    }

    async fn take_over(&self, progress: &mut Progress, record: PluginRecord) {
        let problems = self.registry.take_over(&record, &self.components).await;
        progress.unready.remove(&record.plugin.id);
        let name = &record.plugin.name;
        for (version_id, error) in &problems {
            tracing::warn!(plugin = name, version_id, error = %chain(error), "plugin cannot be loaded");
        }
        if problems.is_empty() {
            let active = record.active().map(|version| &version.version);
            tracing::info!(plugin = name, active, generation = record.plugin.generation, "plugin taken over");
            return;
        }
        let problems = problems.into_iter().map(|(id, error)| (id, error.to_string())).collect();
        progress.unready.insert(record.plugin.id.clone(), Unready { record, problems });
    }

    async fn beat(&self, progress: &Progress) -> Result<(), store::Error> {
        let Some(id) = &self.id else { return Ok(()) };
        let problems: Vec<(String, String)> =
            progress.unready.values().flat_map(|unready| unready.problems.clone()).collect();
        self.store.beat_replica(id, progress.generation, &problems, SILENCE).await
    }
}

/// Components in the blob store.
struct BlobComponents {
    blobs: Blobs,
    max_component_bytes: u64,
}

#[async_trait]
impl Components for BlobComponents {
    async fn fetch(&self, version_id: &str, digest: &str) -> Result<Bytes, FetchError> {
        let unfetched = |error: &blobs::Error| FetchError {
            reason: error.to_string(),
            is_transient: error.is_transient(),
        };
        let key = BlobKey::component(digest, version_id).map_err(|error| unfetched(&error))?;
        let fetched = self.blobs.read_all(&key, self.max_component_bytes).await;
        fetched.map_err(|error| {
            tracing::warn!(error = %chain(&error), "component of a plugin cannot be fetched");
            unfetched(&error)
        })
    }
}
