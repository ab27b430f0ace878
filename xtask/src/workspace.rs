//! Where things are: the clone, the build folder, the user's cache. The only module that reads the environment.
#![expect(
    clippy::disallowed_methods,
    reason = "chores are configured by the environment, in this module only"
)]

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, anyhow};

/// The clone that this chore works on.
pub(crate) struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// Finds the clone: the folder above this package's own.
    pub(crate) fn find() -> Result<Self> {
        let package = env::var_os("CARGO_MANIFEST_DIR").context("start this with `cargo xtask …`")?;
        let root = Path::new(&package).parent().context("the package `xtask` is not in a workspace")?;
        Ok(Self { root: root.to_owned() })
    }

    /// The clone's folder.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// What `host/build.rs` embeds.
    pub(crate) fn prepared(&self, kind: &str) -> PathBuf {
        self.root.join(".build").join(kind)
    }

    /// Where cargo builds to.
    pub(crate) fn target(&self) -> PathBuf {
        env::var_os("CARGO_TARGET_DIR")
            .map_or_else(|| self.root.join("target"), |folder| self.root.join(folder))
    }

    /// The cargo that started this chore, in the clone's folder.
    pub(crate) fn cargo(&self) -> Command {
        let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.current_dir(&self.root);
        command
    }

    /// A cargo for WebAssembly guests: its own build folder, and none of the flags meant for this machine.
    pub(crate) fn guest_cargo(&self) -> Command {
        let mut command = self.cargo();
        for variable in ocriva_plugin_build::NATIVE_VARIABLES {
            command.env_remove(variable);
        }
        command.env("CARGO_TARGET_DIR", self.guest_target());
        command
    }

    /// Where WebAssembly guests are built.
    pub(crate) fn guest_target(&self) -> PathBuf {
        self.target().join("guests")
    }
}

/// Where downloads are kept for all clones of this user: `OCRIVA_CACHE`, else `XDG_CACHE_HOME/ocriva`, else
/// `~/.cache/ocriva`.
pub(crate) fn cache() -> Result<PathBuf> {
    if let Some(folder) = env::var_os("OCRIVA_CACHE") {
        return Ok(folder.into());
    }
    if let Some(folder) = env::var_os("XDG_CACHE_HOME") {
        return Ok(Path::new(&folder).join("ocriva"));
    }
    env::home_dir()
        .map(|home| home.join(".cache/ocriva"))
        .ok_or_else(|| anyhow!("no home folder: set OCRIVA_CACHE to a folder for downloads"))
}

/// The operator's own folder with model files, where `OCRIVA_MODELS` names one.
pub(crate) fn operator_models() -> Option<PathBuf> {
    env::var_os("OCRIVA_MODELS").filter(|folder| !folder.is_empty()).map(PathBuf::from)
}

/// The first of these programs that is on the search path or in one of `folders`.
pub(crate) fn find_program(name: &str, folders: &[PathBuf]) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(folders.iter().cloned())
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}
