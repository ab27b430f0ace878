//! Guests: compiles plugins to WebAssembly and wraps each as a component.
//!
//! What `ocriva plugin build` does for an author, for those of the workspace: a module becomes a component, with the
//! `plugin.toml` beside it for its manifest. A file is written only when it changed, so that an unchanged plugin does not
//! rebuild the program that embeds it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use ocriva_plugin_build::TARGET;
use serde::Deserialize;

use crate::process;
use crate::workspace::Workspace;

/// Cargo profile of guests: small, and with the names that a trap's trace shows.
const PROFILE: &str = "plugin";

/// Builds every guest that is a workspace member directly below `folder`, to `.build/<last part of folder>`.
pub(super) fn build(workspace: &Workspace, folder: &str) -> Result<()> {
    let folder = Path::new(folder);
    let guests = members_below(workspace, &workspace.root().join(folder))?;
    let kind = folder.file_name().and_then(|name| name.to_str()).context("guests need a folder")?;
    let destination = workspace.prepared(kind);
    fs::create_dir_all(&destination)?;
    remove_others(&destination, &guests)?;
    if guests.is_empty() {
        return Ok(());
    }
    compile(workspace, kind, &guests, &destination)?;
    for guest in &guests {
        let module = workspace.guest_target().join(TARGET).join(PROFILE).join(&guest.module);
        let home = workspace.root().join(folder).join(&guest.name);
        let component = encode(&module, &home)
            .with_context(|| format!("`{}` does not make a component", guest.package))?;
        let file = destination.join(guest.file());
        if fs::read(&file).ok().as_ref() != Some(&component) {
            fs::write(&file, &component).with_context(|| format!("cannot write `{}`", file.display()))?;
        }
    }
    Ok(())
}

/// A workspace member that is a plugin.
struct Guest {
    /// The folder's name, which is the plugin's.
    name: String,
    package: String,
    /// File name of the core module that cargo builds.
    module: String,
}

impl Guest {
    fn file(&self) -> String {
        format!("{}.wasm", self.name)
    }
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    manifest_path: PathBuf,
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    crate_types: Vec<String>,
}

fn members_below(workspace: &Workspace, folder: &Path) -> Result<Vec<Guest>> {
    let described =
        process::output(workspace.cargo().args(["metadata", "--no-deps", "--format-version", "1"]))?;
    let metadata: Metadata =
        serde_json::from_slice(&described).context("cargo's description of the workspace")?;
    let mut guests = Vec::new();
    for package in metadata.packages {
        let Some(home) = package.manifest_path.parent().filter(|home| home.parent() == Some(folder)) else {
            continue;
        };
        let Some(library) =
            package.targets.iter().find(|target| target.crate_types.iter().any(|kind| kind == "cdylib"))
        else {
            continue;
        };
        let name = home.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let module = format!("{}.wasm", library.name.replace('-', "_"));
        guests.push(Guest { name, package: package.name, module });
    }
    Ok(guests)
}

fn compile(workspace: &Workspace, kind: &str, guests: &[Guest], destination: &Path) -> Result<()> {
    let mut cargo = workspace.guest_cargo();
    cargo.args(["build", "--locked", "--target", TARGET, "--profile", PROFILE]);
    for guest in guests {
        cargo.args(["--package", &guest.package]);
    }
    // Cargo says "Finished" even when nothing was to do; it is heard only where it has something to build.
    if guests.iter().all(|guest| destination.join(guest.file()).is_file()) {
        cargo.arg("--quiet");
    } else {
        println!("setup: compiling {} {kind} to WebAssembly", guests.len());
    }
    process::run(&mut cargo)
}

/// A module as a component, with the manifest of the guest's folder, where it has one. The program judges it.
fn encode(module: &Path, home: &Path) -> Result<Vec<u8>> {
    let bytes = fs::read(module).with_context(|| format!("cannot read `{}`", module.display()))?;
    let component = ocriva_plugin_build::encode(&bytes)?;
    let manifest = home.join("plugin.toml");
    if !manifest.is_file() {
        return Ok(component);
    }
    let text =
        fs::read_to_string(&manifest).with_context(|| format!("cannot read `{}`", manifest.display()))?;
    Ok(ocriva_plugin_build::embed(&component, &text))
}

/// Removes the components of guests that are no more: what lies there is built into the program.
fn remove_others(destination: &Path, guests: &[Guest]) -> Result<()> {
    for entry in fs::read_dir(destination)? {
        let path = entry?.path();
        let known =
            path.file_name().is_some_and(|name| guests.iter().any(|guest| name == guest.file().as_str()));
        if !known {
            fs::remove_file(&path).with_context(|| format!("cannot remove `{}`", path.display()))?;
        }
    }
    Ok(())
}
