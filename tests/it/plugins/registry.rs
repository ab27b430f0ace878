//! Which plugins there are, and which one a name means.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use ocriva::assets;
use ocriva::clock::Timestamp;
use ocriva::domain::audit::Actor;
use ocriva::domain::plugin::{Plugin, PluginRecord, PluginState, PluginVersion};
use ocriva::plugins::{BundledPlugin, Components, FetchError, Origin, Registry};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use support::{guest, lines_guest};

use super::engine;

/// The guest `lines` as a bundled plugin: what is bundled lives as long as the program.
fn bundled() -> &'static [BundledPlugin] {
    let component: &'static [u8] = Box::leak(guest("lines").into_boxed_slice());
    let digest = Box::leak(digest(component).into_boxed_str());
    Box::leak(Box::new([BundledPlugin { name: "lines", component, digest }]))
}

fn digest(component: &[u8]) -> String {
    hex::encode(Sha256::digest(component))
}

/// Uploaded components, and how often one was fetched.
#[derive(Default)]
struct Uploaded {
    components: Vec<Vec<u8>>,
    fetched: AtomicUsize,
}

#[async_trait]
impl Components for Uploaded {
    async fn fetch(&self, _version_id: &str, digest: &str) -> Result<Bytes, FetchError> {
        self.fetched.fetch_add(1, Ordering::Relaxed);
        let component = self.components.iter().find(|component| self::digest(component) == digest);
        Ok(component.expect("it was uploaded").clone().into())
    }
}

/// The plugin `uploaded-lines` in two versions, of which the second is active.
fn two_versions(components: &[Vec<u8>]) -> PluginRecord {
    let now = Timestamp(0);
    let version = |number: usize, component: &Vec<u8>| PluginVersion {
        id: number.to_string(),
        plugin_id: "p".to_owned(),
        version: format!("{number}.0.0"),
        digest: digest(component),
        size_bytes: component.len() as u64,
        description: json!({}),
        wishes: None,
        signed_by: None,
        state: if number == 1 { PluginState::Retired } else { PluginState::Active },
        reason: None,
        replaces: None,
        created_by: Actor::system(),
        created_at: now,
        activated_at: None,
    };
    let versions = (1..).zip(components).map(|(number, component)| version(number, component)).collect();
    let plugin = Plugin {
        id: "p".to_owned(),
        organization_id: None,
        name: "lines".to_owned(),
        canary: None,
        generation: 1,
        created_at: now,
        updated_at: now,
    };
    PluginRecord { plugin, versions }
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

#[tokio::test]
async fn versions_that_nobody_asks_for_give_their_memory_back_and_run_again_without_being_fetched() {
    let folder = tempfile::tempdir().unwrap();
    let registry = Registry::open(engine(|_| {}), &[], folder.path()).unwrap();
    let components = vec![lines_guest("lines", "1.0.0"), lines_guest("lines", "2.0.0")];
    let record = two_versions(&components);
    let uploaded = Arc::new(Uploaded { components, fetched: AtomicUsize::new(0) });
    let shared: Arc<dyn Components> = Arc::clone(&uploaded) as Arc<dyn Components>;
    assert!(registry.take_over(&record, &shared).await.is_empty());

    let pinned = registry.get("lines", Some("1.0.0")).await.unwrap();
    let memory = Arc::downgrade(&pinned);
    registry.rest();
    registry.rest();
    assert!(memory.upgrade().is_some(), "a call keeps what it has");
    drop(pinned);
    assert!(memory.upgrade().is_none());

    let fetched = uploaded.fetched.load(Ordering::Relaxed);
    for version in ["1.0.0", "2.0.0"] {
        let again = registry.get("lines", Some(version)).await.unwrap();
        assert_eq!(again.description.version, version);
        registry.rest();
        assert!(
            Arc::ptr_eq(&again, &registry.get("lines", Some(version)).await.unwrap()),
            "it was asked for"
        );
    }
    assert_eq!(uploaded.fetched.load(Ordering::Relaxed), fetched);
}

#[test]
fn the_bundled_plugins_are_known_by_their_digests() {
    for bundled in assets::bundled_plugins() {
        assert_eq!(bundled.digest, digest(bundled.component), "{}", bundled.name);
    }
}
