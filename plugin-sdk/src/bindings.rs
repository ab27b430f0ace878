//! The generated bindings of `wit/`; authors use the types of this crate instead.

#![allow(missing_docs, clippy::all, reason = "generated code")]

wit_bindgen::generate!({
    world: "plugin-with-capabilities",
    path: "../wit",
    pub_export_macro: true,
    default_bindings_module: "ocriva_plugin_sdk::bindings",
});
