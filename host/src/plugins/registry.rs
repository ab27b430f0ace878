//! Which plugins there are: those bundled with the program, and the operator's folder.
//!
//! Nothing is loaded at start: a plugin is when it is first asked for, or by [`Registry::preload`].

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use semver::{Prerelease, Version, VersionReq};
use tokio::sync::OnceCell;

use super::engine::{Engine, Plugin};
use super::error::LoadError;
use super::journal::cut;

/// Most files of the operator's folder that are looked at.
const FILES: usize = 1000;

/// The plugins.
pub struct Registry {
    engine: Arc<Engine>,
    candidates: Vec<Candidate>,
}

/// Where a plugin comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Part of the program, under this name.
    Bundled(&'static str),
    /// A file of the operator's.
    File(PathBuf),
}

/// A plugin, or a file that is none.
pub struct Listing<'a> {
    /// Where it comes from.
    pub origin: &'a Origin,
    /// The plugin, or why the file was not taken.
    pub plugin: Result<&'a Arc<Plugin>, &'a LoadError>,
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
    /// A range of versions that is none.
    #[error("`{range}` is not a range of versions such as `^1.2` or `>=1.2, <2`: {reason}")]
    BadRange {
        /// The range.
        range: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A file that bears this name was not taken.
    #[error("plugin `{name}` cannot be loaded: {reason}")]
    Broken {
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
            Self::UnknownName { .. } | Self::UnknownVersion { .. } | Self::BadRange { .. } => {
                "plugin.unknown"
            }
            Self::Broken { .. } => "plugin.broken",
        }
    }
}

struct Candidate {
    origin: Origin,
    bytes: &'static [u8],
    loaded: OnceCell<Result<Arc<Plugin>, LoadError>>,
}

impl Candidate {
    fn new(origin: Origin, bytes: &'static [u8]) -> Self {
        Self { origin, bytes, loaded: OnceCell::new() }
    }

    async fn load(&self, engine: &Arc<Engine>) -> Result<&Arc<Plugin>, &LoadError> {
        let loaded = self.loaded.get_or_init(|| async {
            let loaded = match &self.origin {
                Origin::Bundled(_) => engine.load(Cow::Borrowed(self.bytes)).await.map_err(LoadError::from),
                Origin::File(path) => engine.load_file(path).await,
            };
            if let Err(error) = &loaded {
                tracing::warn!(%error, origin = ?self.origin, "plugin is not taken");
            }
            loaded.map(Arc::new)
        });
        loaded.await.as_ref()
    }

    /// Whether the name could be this one's: a bundled plugin's is known, a file's only when it is loaded.
    fn may_be(&self, name: &str) -> bool {
        match self.origin {
            Origin::Bundled(known) => known == name,
            Origin::File(_) => true,
        }
    }

    /// The name that a file which was not taken would have had.
    fn nominal_name(&self) -> &str {
        match &self.origin {
            Origin::Bundled(name) => name,
            Origin::File(path) => path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default(),
        }
    }
}

impl Registry {
    /// Finds the plugins: `bundled` as `(name, component)`, and each `*.wasm` in `folder`, which need not exist. A
    /// file that has the name and version of a bundled plugin takes its place.
    ///
    /// # Errors
    /// A folder that exists and cannot be read.
    pub fn open(
        engine: Arc<Engine>,
        bundled: &'static [(&'static str, &'static [u8])],
        folder: &Path,
    ) -> io::Result<Self> {
        let files = files(folder)?.into_iter().map(|file| Candidate::new(Origin::File(file), &[]));
        let bundled = bundled.iter().map(|(name, bytes)| Candidate::new(Origin::Bundled(name), bytes));
        Ok(Self { engine, candidates: files.chain(bundled).collect() })
    }

    /// The engine that runs these plugins.
    pub fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// Loads all, so that no document has to wait for it.
    pub async fn preload(&self) {
        for candidate in &self.candidates {
            // What is wrong with one is logged, and shown by `list`.
            let _ = candidate.load(&self.engine).await;
        }
    }

    /// All plugins, loaded: the operator's files by name, then the bundled ones.
    pub async fn list(&self) -> Vec<Listing<'_>> {
        let mut listings = Vec::new();
        for candidate in &self.candidates {
            let plugin = candidate.load(&self.engine).await;
            listings.push(Listing { origin: &candidate.origin, plugin });
        }
        listings
    }

    /// The plugin of this name: in this version, in the newest of a range such as `^1.2`, or else in the newest.
    ///
    /// # Errors
    /// There is none, its file was not taken, or the range is none.
    pub async fn get(&self, name: &str, version: Option<&str>) -> Result<Arc<Plugin>, Unavailable> {
        let wanted = Wanted::read(version)?;
        let mut found: Vec<&Arc<Plugin>> = Vec::new();
        let mut broken = None;
        for candidate in self.candidates.iter().filter(|candidate| candidate.may_be(name)) {
            match candidate.load(&self.engine).await {
                Ok(plugin) if plugin.description.name == name => found.push(plugin),
                Ok(_) => {}
                Err(error) if candidate.nominal_name() == name => broken = Some(error.to_string()),
                Err(_) => {}
            }
        }
        if found.is_empty() {
            return Err(match broken {
                Some(reason) => Unavailable::Broken { name: name.to_owned(), reason },
                None => Unavailable::UnknownName { name: name.to_owned(), known: self.known_names().await },
            });
        }
        let fits = |plugin: &&&Arc<Plugin>| wanted.has(&plugin.description.version);
        // The operator's come first, and the first of several equal ones is taken.
        let newest = found.iter().filter(fits).rev().max_by(|a, b| by_version(a, b));
        newest.map(|plugin| Arc::clone(plugin)).ok_or_else(|| Unavailable::UnknownVersion {
            name: name.to_owned(),
            version: version.unwrap_or_default().to_owned(),
            known: quoted(found.iter().map(|plugin| plugin.description.version.as_str())),
        })
    }

    async fn known_names(&self) -> String {
        let mut names = BTreeMap::new();
        for listing in self.list().await {
            if let Ok(plugin) = listing.plugin {
                names.insert(plugin.description.name.as_str(), ());
            }
        }
        quoted(names.into_keys())
    }
}

/// Which versions of a plugin will do.
enum Wanted<'a> {
    Any,
    One(&'a str),
    Range(VersionReq),
}

impl<'a> Wanted<'a> {
    fn read(version: Option<&'a str>) -> Result<Self, Unavailable> {
        let Some(version) = version.map(str::trim) else { return Ok(Self::Any) };
        if !version.starts_with(['^', '~', '>', '<', '=', '*']) {
            return Ok(Self::One(version));
        }
        VersionReq::parse(version).map(Self::Range).map_err(|error| Unavailable::BadRange {
            range: cut(version, 64).to_owned(),
            reason: error.to_string(),
        })
    }

    fn has(&self, version: &str) -> bool {
        match self {
            Self::Any => true,
            Self::One(wanted) => version == *wanted,
            Self::Range(range) => whole(version).is_some_and(|version| range.matches(&version)),
        }
    }
}

/// A version of one, two or three numbers as one of three.
fn whole(version: &str) -> Option<Version> {
    let (numbers, suffix) = version.split_once('-').unwrap_or((version, ""));
    let mut numbers = numbers.split('.').map(|number| number.parse().ok());
    let mut next = || numbers.next().unwrap_or(Some(0));
    let mut version = Version::new(next()?, next()?, next()?);
    version.pre = Prerelease::new(suffix).ok()?;
    Some(version)
}

fn by_version(a: &Plugin, b: &Plugin) -> Ordering {
    version_key(&a.description.version).cmp(&version_key(&b.description.version))
}

/// Orders versions by their numbers; one with a suffix comes before the same without.
fn version_key(version: &str) -> (Vec<u32>, bool, &str) {
    let (numbers, suffix) = version.split_once('-').unwrap_or((version, ""));
    (numbers.split('.').map(|number| number.parse().unwrap_or_default()).collect(), suffix.is_empty(), suffix)
}

fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "wasm") && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    if files.len() > FILES {
        tracing::warn!(found = files.len(), looked_at = FILES, "too many plugin files, the rest is left out");
        files.truncate(FILES);
    }
    Ok(files)
}

fn quoted<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::{Wanted, version_key};

    #[test]
    fn a_range_takes_versions_of_one_to_three_numbers_and_no_previews() {
        let taken = |range: &str| -> Vec<&str> {
            let wanted = Wanted::read(Some(range)).unwrap();
            ["1", "1.2", "1.2.3", "1.4.0-rc1", "2.0"]
                .into_iter()
                .filter(|version| wanted.has(version))
                .collect()
        };
        assert_eq!(taken("^1.2"), ["1.2", "1.2.3"]);
        assert_eq!(taken(">=1, <2.1"), ["1", "1.2", "1.2.3", "2.0"]);
        assert_eq!(taken("1.2"), ["1.2"]);
        assert!(Wanted::read(Some("^one")).is_err());
    }

    #[test]
    fn versions_are_ordered_by_number_and_suffixes_come_before() {
        let ordered = ["0.9.9", "0.10.0-rc1", "0.10.0", "1.0", "1.0.1", "10.0.0"];
        assert!(ordered.is_sorted_by_key(|version| version_key(version)));
    }
}
