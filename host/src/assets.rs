//! Files that travel inside the program: OCR models, bundled plugins and presets, put there by `build.rs`.

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// The embedded model file of this name.
pub fn model(name: &str) -> Option<&'static [u8]> {
    MODELS.iter().find(|(known, _)| *known == name).map(|(_, bytes)| *bytes)
}

/// The presets of templates as `(name, JSON)`.
pub fn presets() -> &'static [(&'static str, &'static [u8])] {
    PRESETS
}

/// The bundled plugins as `(name, component)`.
pub fn bundled_plugins() -> &'static [(&'static str, &'static [u8])] {
    PLUGINS
}
