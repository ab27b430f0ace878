//! Makes a component of a plugin written in Rust or C: what `ocriva plugin build` and `cargo xtask setup` share.
//!
//! For an author's own machine and own code. A server takes finished components only: the encoder below was not made
//! for bytes from strangers, and no path of the server leads here.

use std::borrow::Cow;
use std::path::Path;
use std::process::Command;

use wasm_encoder::{ComponentSection as _, CustomSection};
use wit_bindgen_core::Files;
use wit_bindgen_core::wit_parser::Resolve;
use wit_component::ComponentEncoder;

/// The target of plugins: it has no system interface at all, so nothing has to be denied.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// The custom section of a component that holds its manifest.
const MANIFEST: &str = "ocriva:manifest";

/// Variables of the environment that are meant for code of this machine, and would spoil code for WebAssembly.
pub const NATIVE_VARIABLES: [&str; 3] = ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_TARGET"];

/// A module does not make a component.
#[derive(Debug, thiserror::Error)]
#[error("module does not make a component: {reason}")]
pub struct EncodeError {
    reason: String,
}

/// Why the compiler could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum CompilerError {
    /// There is no compiler on the search path.
    #[error("`rustc` cannot be started; Rust is installed by rustup, see https://rustup.rs")]
    NotInstalled(#[source] std::io::Error),
    /// It does not say where its files are.
    #[error("`rustc --print sysroot` failed: {reason}")]
    Failed {
        /// What it said.
        reason: String,
    },
}

/// Wraps a core module that carries its WIT types in a custom section, as the SDK puts them there.
///
/// # Errors
/// Not a module, or one without those types, or with imports that the contract does not have.
pub fn encode(module: &[u8]) -> Result<Vec<u8>, EncodeError> {
    let encoded =
        ComponentEncoder::default().validate(true).module(module).and_then(|mut encoder| encoder.encode());
    encoded.map_err(|error| EncodeError { reason: format!("{error:#}") })
}

/// Stands in for the random number that the C library's `malloc` would like from a system: there is none, and 52 is how WASI
/// says so.
const NO_RANDOM: &str = "int __imported_wasi_snapshot_preview1_random_get(int at, int length) { (void)at; (void)length; return 52; }\n";

/// The contract in C, of which `contract` is the folder with its WIT and `world` the world that a plugin is built for: names
/// and contents of a header, sources, and an object file that says to [`encode`] what the module is.
///
/// # Errors
/// WIT that cannot be read, or without that world.
pub fn declare_in_c(contract: &Path, world: &str) -> Result<Vec<(String, Vec<u8>)>, EncodeError> {
    let declare = || {
        let mut resolve = Resolve::default();
        let (package, _) = resolve.push_path(contract)?;
        let world = resolve.select_world(&[package], Some(world))?;
        let mut files = Files::default();
        wit_bindgen_c::Opts::default().build().generate(&mut resolve, world, &mut files)?;
        let files = files.iter().map(|(name, content)| (name.to_owned(), content.to_vec()));
        Ok::<_, anyhow::Error>(files.chain([("system.c".to_owned(), NO_RANDOM.into())]).collect())
    };
    declare().map_err(|error| EncodeError { reason: format!("{error:#}") })
}

/// Puts a manifest, the text of a `plugin.toml`, into a component. It must have none yet: one with two is refused.
pub fn embed(component: &[u8], manifest: &str) -> Vec<u8> {
    let mut with_manifest = component.to_vec();
    let section = CustomSection { name: MANIFEST.into(), data: Cow::Borrowed(manifest.as_bytes()) };
    section.append_to_component(&mut with_manifest);
    with_manifest
}

/// Whether the compiler that serves `folder` can compile for [`TARGET`].
///
/// # Errors
/// No compiler, or one that does not answer.
pub fn has_target(folder: &Path) -> Result<bool, CompilerError> {
    let asked = Command::new("rustc").args(["--print", "sysroot"]).current_dir(folder).output();
    let asked = asked.map_err(CompilerError::NotInstalled)?;
    if !asked.status.success() {
        let reason = String::from_utf8_lossy(&asked.stderr).trim().to_owned();
        return Err(CompilerError::Failed { reason });
    }
    let sysroot = String::from_utf8_lossy(&asked.stdout);
    Ok(Path::new(sysroot.trim()).join("lib/rustlib").join(TARGET).join("lib").is_dir())
}
