//! Files that travel inside the program: OCR models, bundled plugins, presets, and what authors of plugins start from.
//! `build.rs` puts them there.

use crate::plugins::BundledPlugin;

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// The embedded model file of this name.
pub fn model(name: &str) -> Option<&'static [u8]> {
    MODELS.iter().find(|(known, _)| *known == name).map(|(_, bytes)| *bytes)
}

/// The presets of templates as `(name, JSON)`.
pub fn presets() -> &'static [(&'static str, &'static [u8])] {
    PRESETS
}

/// The bundled plugins.
pub fn bundled_plugins() -> &'static [BundledPlugin] {
    PLUGINS
}

/// What a plugin in Rust is built with, as `(path in the repository, content)`: the SDK, the contract, and the manifests
/// that say which versions of other crates they take.
pub fn sdk() -> &'static [(&'static str, &'static [u8])] {
    SDK
}

/// Projects that authors of plugins begin with, as `(path, content)`; the first folder of a path is the language.
pub fn projects() -> &'static [(&'static str, &'static [u8])] {
    PROJECTS
}
