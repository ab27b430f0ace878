//! Why a call failed, and why a component was not taken.

use std::borrow::Cow;
use std::path::PathBuf;

use super::compiler::CompileLimits;
use super::manifest;

/// Why a call gave no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The plugin computed for too long.
    #[error("plugin `{plugin}` used {allowed_ms} ms of processor time and was stopped (limit `cpu_ms`)")]
    CpuTimeout {
        /// Its name.
        plugin: String,
        /// The limit.
        allowed_ms: u64,
    },
    /// The call, with all reading of pages, took too long.
    #[error("plugin `{plugin}` did not finish in {allowed_ms} ms (limit `wall_ms`)")]
    WallTimeout {
        /// Its name.
        plugin: String,
        /// The limit.
        allowed_ms: u64,
    },
    /// The plugin stopped after it was refused memory.
    #[error("plugin `{plugin}` needs more than {allowed_mib} MiB of memory (limit `memory_mib`)")]
    Memory {
        /// Its name.
        plugin: String,
        /// The limit.
        allowed_mib: u64,
    },
    /// The plugin recursed too deeply.
    #[error("plugin `{plugin}` ran out of stack")]
    Stack {
        /// Its name.
        plugin: String,
    },
    /// The plugin did something that WebAssembly forbids.
    #[error("plugin `{plugin}` stopped: {reason}")]
    Trap {
        /// Its name.
        plugin: String,
        /// What it did and where.
        reason: String,
    },
    /// The plugin found a fault in itself.
    #[error("plugin `{plugin}` panicked: {message}")]
    Panic {
        /// Its name.
        plugin: String,
        /// What it logged before it stopped.
        message: String,
    },
    /// The host failed in a call that the plugin made.
    #[error("host of plugin `{plugin}` failed: {reason}")]
    Host {
        /// The plugin's name.
        plugin: String,
        /// What failed.
        reason: String,
    },
    /// The plugin's answer is too large, or not what the contract asks for.
    #[error("plugin `{plugin}` gave an answer that cannot be used: {reason}")]
    BadOutput {
        /// Its name.
        plugin: String,
        /// What is wrong with the answer.
        reason: String,
    },
    /// No room for another call within the time that a call may take.
    #[error("all {allowed} places for plugin calls are taken (setting `plugins.max_concurrent_calls`)")]
    Busy {
        /// How many calls may run at one time.
        allowed: u32,
    },
    /// The plugin asked for more than it is granted.
    #[error("plugin `{plugin}` asked for more than {allowed} {what} (limit `{limit}`)")]
    Denied {
        /// Its name.
        plugin: String,
        /// What it asked for, in the plural.
        what: &'static str,
        /// How much it may have.
        allowed: u64,
        /// The limit's key, in the settings and in a manifest.
        limit: &'static str,
    },
    /// The plugin itself said that it failed, often because a page could not be read.
    #[error("{message}")]
    Failed {
        /// Its own code, or the host's that it passed on, such as `decode.damaged`.
        code: String,
        /// Its own words.
        message: String,
        /// Whether it said that trying again may help.
        retryable: bool,
    },
}

impl Error {
    /// A stable word for the public error code.
    pub fn code(&self) -> &str {
        match self {
            Self::CpuTimeout { .. } => "plugin.timeout_cpu",
            Self::WallTimeout { .. } => "plugin.timeout_wall",
            Self::Memory { .. } => "plugin.memory",
            Self::Stack { .. } => "plugin.stack",
            Self::Trap { .. } => "plugin.trap",
            Self::Panic { .. } => "plugin.panic",
            Self::Host { .. } => "plugin.host_error",
            Self::BadOutput { .. } => "plugin.bad_output",
            Self::Busy { .. } => "plugin.busy",
            Self::Denied { .. } => "plugin.denied",
            Self::Failed { code, .. } => code,
        }
    }

    /// Whether the same call may succeed later. A plugin is a function of its document: only what depends on the
    /// machine's load is.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::WallTimeout { .. } | Self::Host { .. } | Self::Busy { .. } => true,
            Self::CpuTimeout { .. }
            | Self::Memory { .. }
            | Self::Stack { .. }
            | Self::Trap { .. }
            | Self::Panic { .. }
            | Self::BadOutput { .. }
            | Self::Denied { .. } => false,
            Self::Failed { retryable, .. } => *retryable,
        }
    }
}

/// Why a component is not taken as a plugin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Too many bytes.
    #[error("component has {size} bytes, the limit is {limit} (limit `component_mib`)")]
    TooLarge {
        /// How many it has.
        size: u64,
        /// How many are allowed.
        limit: u64,
    },
    /// A core module, as the compiler makes it.
    #[error("file is a core WebAssembly module, not a component")]
    CoreModule,
    /// Anything else.
    #[error("file is not WebAssembly")]
    NotWasm,
    /// Bytes that look like a component and are not.
    #[error("component is not valid: {reason}")]
    Invalid {
        /// What is wrong, and where.
        reason: String,
    },
    /// It needs what this host does not give.
    #[error("component imports what is not there: {}", list(.names))]
    UnknownImports {
        /// The interfaces.
        names: Vec<String>,
    },
    /// The manifest in it cannot be used.
    #[error("component's manifest cannot be used: {0}")]
    BadManifest(manifest::Error),
    /// It uses what its manifest does not ask for.
    #[error("component imports what its manifest does not ask for: {}", list(.names))]
    NotAskedFor {
        /// The capabilities.
        names: Vec<String>,
    },
    /// It uses what it is not granted.
    #[error("component imports what it is not granted: {}", list(.names))]
    NotGranted {
        /// The capabilities.
        names: Vec<String>,
        /// The name under which the operator can grant them to it alone.
        grantee: String,
    },
    /// Its manifest says that it is somebody else.
    #[error("component describes itself as `{described}` and its manifest says `{manifest}`")]
    OtherInManifest {
        /// Name and version by its own description.
        described: String,
        /// Name and version by the manifest.
        manifest: String,
    },
    /// Nobody vouches for it, and somebody must.
    #[error("component is not signed (setting `plugins.require_signature`)")]
    Unsigned,
    /// Its signature is not one by a key that is trusted.
    #[error("component's signature is not by a trusted key (setting `plugins.trusted_keys`)")]
    BadSignature,
    /// It lacks the one interface that makes it a plugin.
    #[error("component does not export `{wanted}`")]
    MissingExport {
        /// The interface.
        wanted: &'static str,
    },
    /// It could not be compiled or linked.
    #[error("component cannot be linked: {reason}")]
    Unlinkable {
        /// Why.
        reason: String,
    },
    /// Its functions are such that a compiler would not come to an end with them.
    #[error(
        "component takes more than {} seconds or {} MiB to compile (settings `plugins.compile`)",
        .0.seconds, .0.memory_mib
    )]
    TooCostly(CompileLimits),
    /// It did not survive being asked who it is.
    #[error("component cannot describe itself: {0}")]
    Undescribed(#[source] Error),
    /// What it says about itself cannot be used.
    #[error("component's description cannot be used: {reason}")]
    BadDescription {
        /// What is wrong with it.
        reason: String,
    },
}

impl Refusal {
    /// The capabilities that the component is not granted, where that is what is wrong.
    pub fn not_granted(&self) -> Option<&[String]> {
        match self {
            Self::NotGranted { names, .. } => Some(names),
            _ => None,
        }
    }

    /// What the plugin's author can do about it.
    pub fn remedy(&self) -> Cow<'static, str> {
        let remedy = match self {
            Self::NotGranted { names, grantee } => {
                let names: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
                return Cow::Owned(format!(
                    "the operator grants it in the settings, below `[plugins.grants]`: `\"{grantee}\" = [{}]`",
                    names.join(", ")
                ));
            }
            Self::TooLarge { .. } => {
                "build with `opt-level = \"s\"`, `lto = true` and `strip = \"debuginfo\"`"
            }
            Self::CoreModule => {
                "make it a component: `wasm-tools component new MODULE.wasm -o COMPONENT.wasm`"
            }
            Self::NotWasm => "give a finished WebAssembly component (binary, not text)",
            Self::Invalid { .. } => "build the component anew: the file is damaged or of an unknown version",
            Self::UnknownImports { names } if names.iter().any(|name| name.starts_with("wasi:")) => {
                "build for `wasm32-unknown-unknown`, or say `wasi = true` in `plugin.toml`: then there is an empty \
                 WASI 0.2, without files, variables and network (and never `wasi:http`)"
            }
            Self::UnknownImports { .. } => {
                "use only the interfaces of `ocriva:extract@1`, as the plugin SDK does"
            }
            Self::BadManifest(_) => "mend `plugin.toml` and build the component anew",
            Self::NotAskedFor { .. } => {
                "ask for it in `plugin.toml` under `[capabilities]`, for example `lookup = true`"
            }
            Self::OtherInManifest { .. } => {
                "give `name` and `version` of `plugin.toml` the values that `describe` answers with"
            }
            Self::Unsigned => {
                "sign it: `ocriva plugin sign FILE.wasm --key KEY` writes `FILE.wasm.sig` beside it"
            }
            Self::BadSignature => "sign this very file anew, with a key that the operator trusts",
            Self::MissingExport { .. } => "implement `Extractor` and `register!` it with the plugin SDK",
            Self::Unlinkable { .. } => "build it with the plugin SDK of this server's version",
            Self::TooCostly(_) => {
                "make its largest functions smaller: less inlining, fewer branches in one function"
            }
            Self::Undescribed(_) => "`describe` must answer without a document, within the limits of a call",
            Self::BadDescription { .. } => {
                "`name` takes lower case letters, digits and `-`; `version` is like `1.2.0`"
            }
        };
        Cow::Borrowed(remedy)
    }
}

/// Why a plugin could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The component is refused.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The file cannot be read.
    #[error("`{}` cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl LoadError {
    /// The capabilities that it is not granted, where that is all that is wrong with it.
    pub fn not_granted(&self) -> Option<&[String]> {
        match self {
            Self::Refused(refusal) => refusal.not_granted(),
            Self::Unreadable { .. } => None,
        }
    }
}

pub(super) fn list(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
