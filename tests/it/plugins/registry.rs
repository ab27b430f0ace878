//! Which plugins there are, and which one a name means.

use std::fs;

use ocriva::plugins::{Origin, Registry};
use support::guest;

use super::engine;

/// The guest `lines` as a bundled plugin: what is bundled lives as long as the program.
fn bundled() -> &'static [(&'static str, &'static [u8])] {
    let lines: &'static [u8] = Box::leak(guest("lines").into_boxed_slice());
    Box::leak(Box::new([("lines", lines)]))
}

#[tokio::test]
async fn the_operators_plugins_stand_beside_the_bundled_ones() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("my-witness.wasm"), guest("witness")).unwrap();
    fs::write(folder.path().join("notes.txt"), "not a plugin").unwrap();
    fs::write(folder.path().join("broken.wasm"), "not WebAssembly").unwrap();
    let registry = Registry::open(engine(|_| {}), bundled(), folder.path()).unwrap();
    let listed: Vec<String> = registry
        .list()
        .await
        .iter()
        .map(|listing| match &listing.plugin {
            Ok(plugin) => format!("{} {}", plugin.description.name, plugin.description.version),
            Err(error) => error.to_string(),
        })
        .collect();
    assert_eq!(listed, ["file is not WebAssembly", "witness 0.1.0", "lines 1.2.0"]);
    assert_eq!(registry.get("witness", None).await.unwrap().description.version, "0.1.0");
    assert_eq!(registry.get("lines", Some("1.2.0")).await.unwrap().description.name, "lines");
    let broken = registry.get("broken", None).await.err().unwrap();
    assert_eq!(broken.to_string(), "plugin `broken` cannot be loaded: file is not WebAssembly");
}

#[tokio::test]
async fn an_unknown_name_or_version_names_the_known_ones() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    let registry = Registry::open(engine(|_| {}), bundled(), &missing).unwrap();
    let name = registry.get("invoices", None).await.err().unwrap();
    assert_eq!(name.to_string(), "plugin `invoices` does not exist; known: `lines`");
    let version = registry.get("lines", Some("2.0.0")).await.err().unwrap();
    assert_eq!(version.to_string(), "plugin `lines` has no version `2.0.0`; known: `1.2.0`");
}

#[tokio::test]
async fn an_operators_file_takes_the_place_of_a_bundled_plugin() {
    let folder = tempfile::tempdir().unwrap();
    let mut changed = guest("lines");
    // A custom section named `x` at the end: the same component with another digest.
    changed.extend([0, 2, 1, b'x']);
    fs::write(folder.path().join("lines.wasm"), &changed).unwrap();
    let registry = Registry::open(engine(|_| {}), bundled(), folder.path()).unwrap();
    let taken = registry.get("lines", None).await.unwrap();
    assert_eq!(taken.size_bytes, changed.len() as u64);
    let origins: Vec<bool> =
        registry.list().await.iter().map(|listing| matches!(listing.origin, Origin::File(_))).collect();
    assert_eq!(origins, [true, false]);
}
