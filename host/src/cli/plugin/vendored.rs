//! `.ocriva` in an author's project: what a plugin is built with, written from what the program holds.
//!
//! The SDK is on no registry: it lies in the project, so that the project builds by itself, on any machine and in any
//! year, and plain `cargo test` works. It is replaced when its author asks for it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context as _, bail};
use ocriva::assets;
use sha2::{Digest as _, Sha256};
use toml::{Table, Value};

use super::project::{Language, Project};

/// The folder's name.
pub const FOLDER: &str = ".ocriva";

/// Package of the SDK.
const SDK: &str = "ocriva-plugin-sdk";

/// The file that says whose the folder's content is.
const STAMP: &str = "version";

/// Which content a project has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// That of this program.
    Current,
    /// None.
    Missing,
    /// That of another program.
    Other {
        /// Its version, as the stamp has it.
        version: String,
    },
}

/// Looks at a project's folder.
pub fn state(root: &Path) -> State {
    match fs::read_to_string(root.join(FOLDER).join(STAMP)) {
        Err(_) => State::Missing,
        Ok(found) if found == stamp() => State::Current,
        Ok(found) => State::Other { version: found.trim().to_owned() },
    }
}

/// Writes the folder, in place of one that is there.
///
/// # Errors
/// A folder that cannot be written.
pub fn write(root: &Path, language: Language) -> anyhow::Result<()> {
    let folder = root.join(FOLDER);
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("`{}` cannot be replaced", folder.display()))?;
    }
    for (path, content) in assets::sdk() {
        if path.starts_with("wit/") {
            put(&folder.join(path), content)?;
        } else if let Some(inner) = path.strip_prefix("plugin-sdk/").filter(|_| language == Language::Rust) {
            match inner {
                "Cargo.toml" => put(&folder.join("sdk/Cargo.toml"), sdk_manifest()?.as_bytes())?,
                inner => put(&folder.join("sdk").join(inner), content)?,
            }
        }
    }
    put(&folder.join(STAMP), stamp().as_bytes())
}

/// Makes sure that a project has the folder, and says so where it is another program's.
///
/// # Errors
/// A folder that cannot be written.
pub fn ensure(project: &Project) -> anyhow::Result<()> {
    match state(&project.root) {
        State::Current => {}
        State::Missing if uses_own_sdk(project) => {}
        State::Missing => write(&project.root, project.language)?,
        State::Other { version } => eprintln!(
            "note: `{FOLDER}` is that of {version}, this program is {}; `ocriva plugin update` replaces it",
            stamp().trim()
        ),
    }
    Ok(())
}

/// Whether the project takes the SDK from a folder of its author's choice.
fn uses_own_sdk(project: &Project) -> bool {
    let manifest = fs::read_to_string(project.root.join("Cargo.toml")).unwrap_or_default();
    project.language == Language::Rust && !manifest.contains(FOLDER)
}

fn put(file: &Path, content: &[u8]) -> anyhow::Result<()> {
    let written = file.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(file, content));
    written.with_context(|| format!("`{}` cannot be written", file.display()))
}

/// The program's version with a digest of what it holds: two builds of one version may differ.
fn stamp() -> String {
    let mut digest = Sha256::new();
    for (path, content) in assets::sdk().iter().filter(|(path, _)| path.contains('/')) {
        digest.update(path);
        digest.update(content);
    }
    let digest = hex::encode(digest.finalize());
    format!("ocriva {} ({})\n", env!("CARGO_PKG_VERSION"), digest.get(..8).unwrap_or_default())
}

/// The SDK's manifest, with what it inherits from its workspace written out.
fn sdk_manifest() -> anyhow::Result<String> {
    let read = |path| -> anyhow::Result<Table> { Ok(text(path)?.parse()?) };
    let workspace = read("Cargo.toml")?;
    let workspace = workspace.get("workspace").and_then(Value::as_table).context("no `workspace`")?;
    let mut manifest = read("plugin-sdk/Cargo.toml")?;
    manifest.remove("dev-dependencies");
    manifest.remove("lints");
    for (section, source) in [("package", "package"), ("dependencies", "dependencies")] {
        let known = workspace.get(source).and_then(Value::as_table);
        let Some(entries) = manifest.get_mut(section).and_then(Value::as_table_mut) else { continue };
        for (key, value) in entries.iter_mut() {
            let inherits = value.get("workspace").and_then(Value::as_bool) == Some(true);
            if let Some(known) = known.and_then(|known| known.get(key)).filter(|_| inherits) {
                *value = known.clone();
            }
        }
    }
    Ok(format!("# The SDK of {}# Written by `ocriva plugin`; edits are lost.\n\n{manifest}", stamp()))
}

/// A lock file for a new project in Rust: the versions that the SDK was tested with.
///
/// # Errors
/// The program holds a lock file that cannot be read.
pub fn lock_file(package: &str) -> anyhow::Result<String> {
    let lock: Table = text("Cargo.lock")?.parse()?;
    let manifest: Table = sdk_manifest()?.parse()?;
    let direct =
        manifest.get("dependencies").and_then(Value::as_table).context("the SDK has no dependencies")?;
    let packages = lock.get("package").and_then(Value::as_array).context("the lock file has no packages")?;
    let mut by_name: BTreeMap<&str, Vec<&Table>> = BTreeMap::new();
    for package in packages.iter().filter_map(Value::as_table) {
        by_name.entry(string(package, "name")).or_default().push(package);
    }
    let mut kept = BTreeMap::new();
    let mut sdk = Table::new();
    for known in by_name.get(SDK).into_iter().flatten() {
        sdk = (*known).clone();
    }
    let wanted: Vec<Value> = dependencies(&sdk)
        .filter(|dependency| direct.contains_key(dependency.split(' ').next().unwrap_or_default()))
        .map(Value::from)
        .collect();
    sdk.insert("dependencies".to_owned(), Value::Array(wanted));
    let mut waiting = vec![&sdk];
    let mut seen = BTreeSet::new();
    while let Some(package) = waiting.pop() {
        let id = (string(package, "name").to_owned(), string(package, "version").to_owned());
        if !seen.insert(id.clone()) {
            continue;
        }
        kept.insert(id, package.clone());
        for dependency in dependencies(package) {
            let mut words = dependency.split(' ');
            let (name, version) = (words.next().unwrap_or_default(), words.next());
            let known = by_name.get(name).into_iter().flatten();
            waiting.extend(
                known.filter(|known| version.is_none_or(|version| string(known, "version") == version)),
            );
        }
    }
    let own = format!("name = \"{package}\"\nversion = \"0.1.0\"\ndependencies = [\"{SDK}\"]\n");
    kept.insert((package.to_owned(), String::new()), own.parse()?);
    let packages = kept.into_values().map(Value::Table).collect();
    let written = Table::from_iter([
        ("version".to_owned(), lock.get("version").cloned().unwrap_or(Value::Integer(4))),
        ("package".to_owned(), Value::Array(packages)),
    ]);
    Ok(format!("# This file is automatically @generated by Cargo.\n{written}"))
}

fn text(path: &str) -> anyhow::Result<&'static str> {
    let Some((_, content)) = assets::sdk().iter().find(|(known, _)| *known == path) else {
        bail!("the program holds no `{path}`");
    };
    Ok(std::str::from_utf8(content)?)
}

fn string<'t>(table: &'t Table, key: &str) -> &'t str {
    table.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn dependencies(package: &Table) -> impl Iterator<Item = &str> {
    package.get("dependencies").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}
