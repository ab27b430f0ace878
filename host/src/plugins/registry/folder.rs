//! The operator's folder of plugins: looked at again and again, so that a file takes effect without a restart.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

use tokio::sync::{Mutex, OnceCell};

use crate::plugins::engine::{Engine, Plugin};
use crate::plugins::error::LoadError;

/// Most files of the folder that are looked at.
const FILES: usize = 1000;

/// The folder, with what was taken from it.
pub(super) struct Folder {
    path: PathBuf,
    first_look: OnceCell<()>,
    seen: Mutex<BTreeMap<PathBuf, Seen>>,
    /// By path.
    files: RwLock<Arc<Vec<PluginFile>>>,
}

/// A file as it was at the last look.
struct Seen {
    stamp: Stamp,
    is_taken: bool,
}

/// Tells one content of a file from another without reading it.
#[derive(PartialEq, Eq, Clone, Copy)]
struct Stamp {
    size_bytes: u64,
    modified: Option<SystemTime>,
    /// Number of the file: another one was renamed into its place.
    number: u64,
}

/// A file and what came of it.
#[derive(Clone)]
pub(super) struct PluginFile {
    /// Where it lies.
    pub(super) path: PathBuf,
    /// The plugin that serves: of the last content that could be taken.
    pub(super) plugin: Option<Arc<Plugin>>,
    /// Why the content it has now was not taken.
    pub(super) problem: Option<Arc<LoadError>>,
}

impl Folder {
    /// A folder that need not exist.
    ///
    /// # Errors
    /// It exists and cannot be read.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        stamps(path)?;
        Ok(Self {
            path: path.to_owned(),
            first_look: OnceCell::new(),
            seen: Mutex::default(),
            files: RwLock::default(),
        })
    }

    /// What there is. The first time all files are taken as they are.
    pub(super) async fn files(&self, engine: &Arc<Engine>) -> Arc<Vec<PluginFile>> {
        self.first_look.get_or_init(|| self.take_changes(engine, |_, _| true)).await;
        self.current()
    }

    /// Takes what has appeared or changed and kept still since the last look, and drops what has disappeared.
    pub(super) async fn look(&self, engine: &Arc<Engine>) {
        self.files(engine).await;
        // A file that is still being written is not the same at two looks.
        self.take_changes(engine, |before, now| before == Some(now)).await;
    }

    fn current(&self) -> Arc<Vec<PluginFile>> {
        Arc::clone(&self.files.read().unwrap_or_else(PoisonError::into_inner))
    }

    async fn take_changes(&self, engine: &Arc<Engine>, is_ready: impl Fn(Option<Stamp>, Stamp) -> bool) {
        let mut seen = self.seen.lock().await;
        let path = self.path.clone();
        let found = match tokio::task::spawn_blocking(move || stamps(&path)).await {
            Ok(Ok(found)) => found,
            Ok(Err(error)) => {
                tracing::warn!(%error, folder = %self.path.display(), "plugin folder cannot be read");
                return;
            }
            Err(error) => {
                tracing::warn!(%error, folder = %self.path.display(), "plugin folder was not looked at");
                return;
            }
        };
        let before = self.current();
        let mut files = Vec::with_capacity(found.len());
        let mut seen_now = BTreeMap::new();
        let mut is_changed = before.iter().any(|file| !found.contains_key(&file.path));
        for (path, stamp) in found {
            let known = seen.get(&path);
            let was = before.iter().find(|file| file.path == path);
            let is_same = known.is_some_and(|known| known.stamp == stamp);
            let is_taken = is_same && known.is_some_and(|known| known.is_taken);
            let takes_now = !is_taken && is_ready(known.map(|known| known.stamp), stamp);
            if takes_now {
                is_changed = true;
                files.push(take(engine, &path, was).await);
            } else {
                files.extend(was.cloned());
            }
            seen_now.insert(path, Seen { stamp, is_taken: is_taken || takes_now });
        }
        *seen = seen_now;
        if is_changed {
            for gone in before.iter().filter(|gone| files.iter().all(|file| file.path != gone.path)) {
                tracing::info!(file = %gone.path.display(), "plugin file is gone and its plugin dropped");
            }
            *self.files.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(files);
        }
    }
}

/// Takes a file. One that cannot be taken leaves what its path had before.
async fn take(engine: &Arc<Engine>, path: &Path, before: Option<&PluginFile>) -> PluginFile {
    match engine.load_file(path).await {
        Ok(plugin) => {
            let (name, version) = (&plugin.description.name, &plugin.description.version);
            tracing::info!(file = %path.display(), plugin = name, version, digest = plugin.digest, "plugin file taken");
            PluginFile { path: path.to_owned(), plugin: Some(Arc::new(plugin)), problem: None }
        }
        Err(error) => {
            tracing::warn!(file = %path.display(), %error, "plugin file is not taken");
            PluginFile {
                path: path.to_owned(),
                plugin: before.and_then(|before| before.plugin.clone()),
                problem: Some(Arc::new(error)),
            }
        }
    }
}

/// The folder's components, by path.
fn stamps(folder: &Path) -> io::Result<BTreeMap<PathBuf, Stamp>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(error),
    };
    let mut found = BTreeMap::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_none_or(|extension| extension != "wasm") {
            continue;
        }
        // One that is gone again is none.
        let Ok(metadata) = std::fs::metadata(&path) else { continue };
        if metadata.is_file() {
            found.insert(path, stamp(&metadata));
        }
    }
    while found.len() > FILES {
        found.pop_last();
    }
    Ok(found)
}

fn stamp(metadata: &std::fs::Metadata) -> Stamp {
    #[cfg(unix)]
    let number = std::os::unix::fs::MetadataExt::ino(metadata);
    #[cfg(not(unix))]
    let number = 0;
    Stamp { size_bytes: metadata.len(), modified: metadata.modified().ok(), number }
}
