//! Which plugins there are: those bundled with the program, the operator's folder, and those that were uploaded.
//!
//! Whoever asks for a plugin gets it as it is at that moment, and keeps it for as long as the call takes: what is swapped
//! meanwhile is for the next call. Nothing is loaded at start: a plugin is when it is first asked for, or by
//! [`Registry::preload`].

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::OnceCell;

use super::engine::{Engine, Plugin};
use super::error::{self, LoadError};
use crate::domain::plugin::{Audience, PluginRecord, PluginState};
use folder::Folder;
use shelf::{Release, Shelf};
use version::{Wanted, version_key};

mod folder;
mod shelf;
mod slot;
mod version;

pub use shelf::{Components, FetchError, ReleaseError};
pub use version::is_needed;

/// The plugins.
pub struct Registry {
    engine: Arc<Engine>,
    bundled: Vec<Bundled>,
    folder: Folder,
    /// What was uploaded: replaced as a whole, so that readers never see half of a change.
    shelves: RwLock<Arc<Shelves>>,
}

/// By owner, which is empty for everybody's, and name.
type Shelves = BTreeMap<(String, String), Arc<Shelf>>;

/// Where a plugin comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Part of the program, under this name.
    Bundled(&'static str),
    /// A file of the operator's.
    File(PathBuf),
}

/// A plugin, or a file that is none.
pub struct Listing {
    /// Where it comes from.
    pub origin: Origin,
    /// The plugin, or why the file was not taken.
    pub plugin: Result<Arc<Plugin>, Arc<LoadError>>,
}

/// Whose a plugin is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// Everybody's: bundled with the program, or the operator's.
    Everybody,
    /// The organization's that asked for it.
    Organization,
}

/// A plugin that was asked for.
pub struct Found {
    /// The plugin.
    pub plugin: Arc<Plugin>,
    /// Whose it is.
    pub owner: Owner,
    /// Whether it is only being tried.
    pub is_canary: bool,
}

/// Why there is no such plugin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// No plugin of this name.
    #[error("plugin `{name}` does not exist; known: {known}")]
    UnknownName {
        /// The name asked for.
        name: String,
        /// The names there are.
        known: String,
    },
    /// The plugin has no such version.
    #[error("plugin `{name}` has no version `{version}`; known: {known}")]
    UnknownVersion {
        /// The plugin.
        name: String,
        /// The version asked for.
        version: String,
        /// The versions there are.
        known: String,
    },
    /// The plugin has versions, and none is active.
    #[error("plugin `{name}` has no active version; known: {known}")]
    Inactive {
        /// The plugin.
        name: String,
        /// The versions there are.
        known: String,
    },
    /// A range of versions that is none.
    #[error("`{range}` is not a range of versions such as `^1.2` or `>=1.2, <2`: {reason}")]
    BadRange {
        /// The range.
        range: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A file that bears this name was not taken, or an uploaded version does not run.
    #[error("plugin `{name}` cannot be loaded: {reason}")]
    Broken {
        /// The plugin.
        name: String,
        /// Why.
        reason: String,
    },
    /// The operator has not granted what it needs.
    #[error("plugin `{name}` is not granted what it needs: {capabilities} (setting `plugins.grants`)")]
    NotGranted {
        /// The plugin.
        name: String,
        /// What it needs.
        capabilities: String,
    },
    /// The component is out of reach just now.
    #[error("plugin `{name}` cannot be loaded just now: {reason}")]
    OutOfReach {
        /// The plugin.
        name: String,
        /// Why.
        reason: String,
    },
}

impl Unavailable {
    /// A stable word for the public error code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownName { .. }
            | Self::UnknownVersion { .. }
            | Self::Inactive { .. }
            | Self::BadRange { .. } => "plugin.unknown",
            Self::Broken { .. } | Self::NotGranted { .. } | Self::OutOfReach { .. } => "plugin.broken",
        }
    }

    /// Whether trying again may help.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::OutOfReach { .. })
    }

    fn not_granted(name: &str, capabilities: &[String]) -> Self {
        Self::NotGranted { name: name.to_owned(), capabilities: error::list(capabilities) }
    }
}

/// A plugin that the program brings along.
#[derive(Debug, Clone, Copy)]
pub struct BundledPlugin {
    /// Its name.
    pub name: &'static str,
    /// The component.
    pub component: &'static [u8],
    /// Its SHA-256 in hexadecimal.
    pub digest: &'static str,
}

/// A plugin of the program, loaded once.
struct Bundled {
    plugin: &'static BundledPlugin,
    loaded: OnceCell<Result<Arc<Plugin>, Arc<LoadError>>>,
}

impl Bundled {
    async fn load(&self, engine: &Arc<Engine>) -> Result<Arc<Plugin>, Arc<LoadError>> {
        let BundledPlugin { name, component, digest } = *self.plugin;
        let loaded = self.loaded.get_or_init(|| async {
            let loaded = match engine.load_compiled(None, digest).await {
                Some(loaded) => loaded,
                None => engine.load(Cow::Borrowed(component)).await,
            };
            let loaded = loaded.map_err(LoadError::from);
            match &loaded {
                // It is off: that is the operator's wish, or nobody's.
                Err(error) if error.not_granted().is_some() => {
                    tracing::debug!(%error, plugin = name, "bundled plugin is not taken");
                }
                Err(error) => tracing::warn!(%error, plugin = name, "bundled plugin is not taken"),
                Ok(_) => {}
            }
            loaded.map(Arc::new).map_err(Arc::new)
        });
        loaded.await.clone()
    }
}

impl Registry {
    /// Finds the plugins: those `bundled`, and each `*.wasm` in `folder`, which need not exist. A file that has the name
    /// and version of a bundled plugin takes its place.
    ///
    /// # Errors
    /// A folder that exists and cannot be read.
    pub fn open(engine: Arc<Engine>, bundled: &'static [BundledPlugin], folder: &Path) -> io::Result<Self> {
        let bundled = bundled.iter().map(|plugin| Bundled { plugin, loaded: OnceCell::new() });
        Ok(Self {
            engine,
            bundled: bundled.collect(),
            folder: Folder::open(folder)?,
            shelves: RwLock::default(),
        })
    }

    /// The engine that runs these plugins.
    pub fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// Loads all that runs for those who name no version, so that no document has to wait for it.
    pub async fn preload(&self) {
        self.list().await;
        for ((_, name), shelf) in self.shelves().iter() {
            if let Some(active) = shelf.active()
                && let Err(error) = active.load(&self.engine).await
            {
                tracing::warn!(%error, plugin = name, version = active.version, "plugin cannot be loaded");
            }
        }
    }

    /// Looks at the folder again: takes what has appeared or changed and is not being written any more, and drops what
    /// has disappeared.
    pub async fn look(&self) {
        self.folder.look(&self.engine).await;
    }

    /// Everybody's plugins that were not uploaded, loaded: the operator's files by name, then the bundled ones. A file
    /// whose content was not taken is there beside the plugin that it had before.
    pub async fn list(&self) -> Vec<Listing> {
        let mut listings = Vec::new();
        for file in self.folder.files(&self.engine).await.iter() {
            let loaded = file.plugin.clone().map(Ok).into_iter();
            let found = loaded.chain(file.problem.clone().map(Err));
            listings.extend(found.map(|plugin| Listing { origin: Origin::File(file.path.clone()), plugin }));
        }
        for bundled in &self.bundled {
            let plugin = bundled.load(&self.engine).await;
            listings.push(Listing { origin: Origin::Bundled(bundled.plugin.name), plugin });
        }
        listings
    }

    /// Everybody's plugin of this name: in this version, in the newest of a range such as `^1.2`, or else in the active
    /// one.
    ///
    /// # Errors
    /// There is none, it cannot be loaded, or the range is none.
    pub async fn get(&self, name: &str, version: Option<&str>) -> Result<Arc<Plugin>, Unavailable> {
        self.get_for(&Audience::default(), name, version).await.map(|found| found.plugin)
    }

    /// The plugin of this name for an audience: in this version, in one of a range such as `^1.2`, or else in the active
    /// one or the canary. Its organization's own comes before everybody's; of the latter, what was uploaded comes before
    /// files, and files before what is bundled.
    ///
    /// # Errors
    /// There is none, it cannot be loaded, or the range is none.
    pub async fn get_for(
        &self,
        audience: &Audience,
        name: &str,
        version: Option<&str>,
    ) -> Result<Found, Unavailable> {
        let wanted = Wanted::read(version)?;
        let shelves = self.shelves();
        let shelf = |owner: &str| shelves.get(&(owner.to_owned(), name.to_owned()));
        let own = audience.organization_id.as_deref().and_then(shelf);
        let everybodys = shelf("");
        for (shelf, owner) in [(own, Owner::Organization), (everybodys, Owner::Everybody)] {
            if let Some(release) = shelf.and_then(|shelf| shelf.choose(&wanted, audience)) {
                let is_canary = release.state == PluginState::Canary && !matches!(wanted, Wanted::One(_));
                return Ok(Found { plugin: self.released(name, release).await?, owner, is_canary });
            }
        }
        let unreleased = self.unreleased(name).await;
        let fits = |plugin: &&Arc<Plugin>| wanted.has(&plugin.description.version);
        // Files come first, and the first of several equal ones is taken.
        let newest = unreleased
            .plugins
            .iter()
            .filter(fits)
            .rev()
            .max_by(|a, b| version_key(&a.description.version).cmp(&version_key(&b.description.version)));
        if let Some(plugin) = newest {
            let plugin = Arc::clone(plugin);
            return Ok(Found { plugin, owner: Owner::Everybody, is_canary: false });
        }
        let uploaded = own.into_iter().chain(everybodys).flat_map(|shelf| shelf.versions());
        let others = unreleased.plugins.iter().map(|plugin| plugin.description.version.as_str());
        let known: BTreeSet<&str> = uploaded.chain(others).collect();
        Err(match (known.is_empty(), version, unreleased.problem) {
            (true, _, Some(problem)) => match problem.not_granted() {
                Some(names) => Unavailable::not_granted(name, names),
                None => Unavailable::Broken { name: name.to_owned(), reason: problem.to_string() },
            },
            (true, _, None) => Unavailable::UnknownName {
                name: name.to_owned(),
                known: self.known_names(&shelves, audience).await,
            },
            (false, Some(version), _) => Unavailable::UnknownVersion {
                name: name.to_owned(),
                version: version.to_owned(),
                known: quoted(known.into_iter()),
            },
            (false, None, _) => {
                Unavailable::Inactive { name: name.to_owned(), known: quoted(known.into_iter()) }
            }
        })
    }

    /// Takes over what the database says of a plugin. What is to run is loaded before it takes the place of what runs;
    /// what cannot be loaded is named by its version's id, and leaves what runs running.
    pub async fn take_over(
        &self,
        record: &PluginRecord,
        components: &Arc<dyn Components>,
    ) -> Vec<(String, ReleaseError)> {
        let before = self.shelves().get(&key(record)).cloned();
        let mut shelf = Shelf::of(record, before.as_deref(), components);
        let problems = shelf.make_ready(&self.engine, before.as_deref()).await;
        self.put(record, shelf);
        problems
    }

    /// Gives back the memory of uploaded versions that nobody has asked for since the last time: pinned versions that are
    /// retired, and those of organizations that send nothing. Each is loaded again when it is asked for, from its compiled
    /// code; one whose code is not kept stays.
    pub fn rest(&self) {
        for shelf in self.shelves().values() {
            shelf.rest(&self.engine);
        }
    }

    /// Takes over what the database says of a plugin before anything runs: it is loaded when it is asked for.
    pub fn learn(&self, record: &PluginRecord, components: &Arc<dyn Components>) {
        self.put(record, Shelf::of(record, None, components));
    }

    fn put(&self, record: &PluginRecord, shelf: Shelf) {
        let mut shelves = self.shelves.write().unwrap_or_else(PoisonError::into_inner);
        let mut changed = Shelves::clone(&shelves);
        match record.versions.is_empty() {
            true => changed.remove(&key(record)),
            false => changed.insert(key(record), Arc::new(shelf)),
        };
        *shelves = Arc::new(changed);
    }

    fn shelves(&self) -> Arc<Shelves> {
        Arc::clone(&self.shelves.read().unwrap_or_else(PoisonError::into_inner))
    }

    async fn released(&self, name: &str, release: &Release) -> Result<Arc<Plugin>, Unavailable> {
        let name = name.to_owned();
        if release.state == PluginState::Failed {
            let why = release.reason.as_deref().unwrap_or("its calls failed");
            let reason = format!("version `{}` was taken back: {why}", release.version);
            return Err(Unavailable::Broken { name, reason });
        }
        release.load(&self.engine).await.map_err(|error| match (error.not_granted(), error.is_transient()) {
            (Some(capabilities), _) => Unavailable::not_granted(&name, capabilities),
            (None, true) => Unavailable::OutOfReach { name, reason: error.to_string() },
            (None, false) => Unavailable::Broken { name, reason: error.to_string() },
        })
    }

    /// The files and the bundled plugins of this name, files first.
    async fn unreleased(&self, name: &str) -> Unreleased {
        let mut found = Unreleased { plugins: Vec::new(), problem: None };
        for file in self.folder.files(&self.engine).await.iter() {
            let is_named = file.path.file_stem().is_some_and(|stem| stem == name);
            found.problem = found.problem.or(file.problem.clone().filter(|_| is_named));
            found.plugins.extend(file.plugin.clone().filter(|plugin| plugin.description.name == name));
        }
        for bundled in self.bundled.iter().filter(|bundled| bundled.plugin.name == name) {
            match bundled.load(&self.engine).await {
                Ok(plugin) => found.plugins.push(plugin),
                Err(error) => found.problem = found.problem.or(Some(error)),
            }
        }
        found
    }

    async fn known_names(&self, shelves: &Shelves, audience: &Audience) -> String {
        let files = self.folder.files(&self.engine).await;
        let of_files = files.iter().filter_map(|file| Some(file.plugin.as_ref()?.description.name.as_str()));
        let seen = |owner: &str| owner.is_empty() || audience.organization_id.as_deref() == Some(owner);
        let uploaded = shelves.keys().filter(|(owner, _)| seen(owner)).map(|(_, name)| name.as_str());
        let bundled = self.bundled.iter().map(|bundled| bundled.plugin.name);
        let names: BTreeSet<&str> = of_files.chain(uploaded).chain(bundled).collect();
        quoted(names.into_iter())
    }
}

/// What there is of a name that was not uploaded.
struct Unreleased {
    plugins: Vec<Arc<Plugin>>,
    problem: Option<Arc<LoadError>>,
}

fn key(record: &PluginRecord) -> (String, String) {
    (record.plugin.organization_id.clone().unwrap_or_default(), record.plugin.name.clone())
}

fn quoted<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
