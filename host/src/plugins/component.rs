//! Looks at a component before it is compiled: hostile bytes until proven otherwise.
//!
//! Only wasmparser sees them here, and it sees all of them. What a component imports is its list of wishes,
//! readable before anything runs.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use wasmparser::{Parser, Payload, Validator};

use super::access::Wishes;
use super::capabilities::{LOOKUP, Powers};
use super::engine::{Engine, digest};
use super::error::Refusal;
use super::limits::Limits;
use super::manifest::{self, Capabilities, Manifest};
use super::{Description, LoadError, wasi};
use crate::domain::capability::Capability;

/// The package of the contract, and its major version.
const PACKAGE: &str = "ocriva:extract/";
const MAJOR: &str = "1";

/// The interfaces that a plugin may import; `types` comes along with `document` and `lookup`.
const IMPORTS: [&str; 6] = ["log", "config", "document", "types", "lookup", "barcodes"];

/// The interface that a plugin exports.
const EXPORT: &str = "extractor";

/// What a component of a manifest is given.
pub(super) struct Allowance {
    pub(super) limits: Limits,
    pub(super) powers: Powers,
}

/// What a valid component's bytes say: read once, and kept beside its compiled code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Outline {
    /// Size of the component.
    pub(super) size_bytes: u64,
    /// Names of the interfaces it imports, with versions.
    imports: Vec<String>,
    /// Names of the interfaces it exports, with versions.
    exports: Vec<String>,
    /// Text of its manifest, where it has one.
    manifest: Option<String>,
}

/// What can be seen without running a component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Inspection {
    pub(super) digest: String,
    pub(super) outline: Outline,
    /// What a call may use.
    pub(super) limits: Limits,
    /// What it may do.
    pub(super) powers: Arc<Powers>,
    /// What it wishes for, where it says so.
    pub(super) manifest: Option<Manifest>,
}

impl Inspection {
    /// Every reason not to take the component that can be seen so far.
    pub(super) fn refusals(&self) -> Vec<Refusal> {
        let mut refusals = Vec::new();
        let is_known = |name: &str| match wasi::is_wasi(name) {
            true => self.wants_wasi() && wasi::is_known(name),
            false => interface(name)
                .is_some_and(|interface| IMPORTS.contains(&interface) || capability(interface).is_some()),
        };
        let unknown: Vec<String> =
            self.outline.imports.iter().filter(|name| !is_known(name)).cloned().collect();
        if !unknown.is_empty() {
            refusals.push(Refusal::UnknownImports { names: unknown });
        }
        let not_asked_for = self.not_asked_for();
        if !not_asked_for.is_empty() {
            refusals.push(Refusal::NotAskedFor { names: not_asked_for });
        }
        let not_granted = self.not_granted();
        if !not_granted.is_empty() {
            refusals.push(Refusal::NotGranted { names: not_granted, grantee: self.powers.grantee.clone() });
        }
        if !self.outline.exports.iter().any(|name| interface(name) == Some(EXPORT)) {
            refusals.push(Refusal::MissingExport { wanted: "ocriva:extract/extractor@1.0.0" });
        }
        refusals
    }

    /// Whether its manifest says that it is built for WASI.
    pub(super) fn wants_wasi(&self) -> bool {
        self.manifest.as_ref().is_some_and(|manifest| manifest.wasi)
    }

    /// The capabilities that it uses and that its manifest, where it has one, does not ask for.
    fn not_asked_for(&self) -> Vec<String> {
        let asked = self.asked();
        self.interfaces(|name| match capability(name) {
            Some(capability) => !asked.is_some_and(|asked| asked.asks_for(capability)),
            // There were plugins with reference files before there were manifests.
            None => name == LOOKUP && asked.is_some_and(|asked| !asked.lookup),
        })
    }

    /// The capabilities that it uses, asks for, and does not get.
    fn not_granted(&self) -> Vec<String> {
        let asked = self.asked();
        self.interfaces(|name| {
            capability(name).is_some_and(|capability| {
                asked.is_some_and(|asked| asked.asks_for(capability)) && !self.powers.include(capability)
            })
        })
    }

    fn asked(&self) -> Option<&Capabilities> {
        self.manifest.as_ref().map(|manifest| &manifest.capabilities)
    }

    /// Those of our interfaces that it imports and that `are_meant`.
    fn interfaces(&self, are_meant: impl Fn(&str) -> bool) -> Vec<String> {
        let ours = self.outline.imports.iter().filter_map(|name| interface(name));
        ours.filter(|name| are_meant(name)).map(str::to_owned).collect()
    }

    /// What it asks for.
    pub(super) fn wishes(&self) -> Wishes {
        let imports = self.interfaces(|name| name == LOOKUP || capability(name).is_some());
        Wishes { manifest: self.manifest.clone(), imports }
    }

    /// Version of the contract that it was built against.
    fn api_version(&self) -> Option<&str> {
        let of_extractor = self.outline.exports.iter().find(|name| interface(name) == Some(EXPORT))?;
        of_extractor.split_once('@').map(|(_, version)| version)
    }
}

/// The interface of our package that a name means: `log` for `ocriva:extract/log@1.2.3`.
fn interface(name: &str) -> Option<&str> {
    let (interface, version) = name.strip_prefix(PACKAGE)?.split_once('@')?;
    (version.split('.').next() == Some(MAJOR)).then_some(interface)
}

/// The capability that an interface of our package is.
fn capability(interface: &str) -> Option<Capability> {
    Capability::ALL.into_iter().find(|capability| capability.as_str() == interface)
}

/// Reads all of a component. How large it may be depends on the manifest in it, which is therefore looked for first.
pub(super) fn inspect(
    bytes: &[u8],
    allowance: impl Fn(Option<&Manifest>) -> Allowance,
) -> Result<Inspection, Refusal> {
    let size = bytes.len() as u64;
    let manifest = manifest::embedded(bytes).map_err(Refusal::BadManifest)?.map(str::to_owned);
    let outline = Outline { size_bytes: size, imports: Vec::new(), exports: Vec::new(), manifest };
    let mut inspection = judge(String::new(), outline, allowance)?;
    if Parser::is_core_wasm(bytes) {
        return Err(Refusal::CoreModule);
    }
    if !Parser::is_component(bytes) {
        return Err(Refusal::NotWasm);
    }
    let invalid = |error: wasmparser::BinaryReaderError| Refusal::Invalid { reason: error.to_string() };
    Validator::new().validate_all(bytes).map_err(invalid)?;
    let Outline { imports, exports, .. } = &mut inspection.outline;
    let mut depth = 0_usize;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(invalid)? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    imports.push(import.map_err(invalid)?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                for export in section {
                    exports.push(export.map_err(invalid)?.name.name.to_owned());
                }
            }
            _ => {}
        }
    }
    inspection.digest = digest(bytes);
    Ok(inspection)
}

/// What a component of this outline is given, which is looked up anew each time: settings change, components do not.
pub(super) fn judge(
    digest: String,
    outline: Outline,
    allowance: impl Fn(Option<&Manifest>) -> Allowance,
) -> Result<Inspection, Refusal> {
    let manifest = outline.manifest.as_deref().map(Manifest::parse).transpose();
    let manifest = manifest.map_err(Refusal::BadManifest)?;
    let Allowance { limits, powers } = allowance(manifest.as_ref());
    if outline.size_bytes > limits.component_bytes() {
        return Err(Refusal::TooLarge { size: outline.size_bytes, limit: limits.component_bytes() });
    }
    Ok(Inspection { digest, outline, limits, powers: Arc::new(powers), manifest })
}

/// What `ocriva plugin check` says about a file.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Size of the file.
    pub size_bytes: u64,
    /// SHA-256 of the file, in hex.
    pub digest: String,
    /// Interfaces it imports, with versions.
    pub imports: Vec<String>,
    /// Interfaces it exports, with versions.
    pub exports: Vec<String>,
    /// Version of `ocriva:extract` it was built against.
    pub api_version: Option<String>,
    /// The manifest in it, where it has one: what it asks for.
    pub manifest: Option<Manifest>,
    /// What a call of it may use.
    pub limits: Option<Limits>,
    /// What it says about itself.
    pub description: Option<Description>,
    /// What is wrong; empty for a component that can be taken.
    pub problems: Vec<Problem>,
}

/// Something wrong with a component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// What is wrong.
    pub problem: String,
    /// What its author can do about it.
    pub remedy: String,
}

impl From<&Refusal> for Problem {
    fn from(refusal: &Refusal) -> Self {
        let mut problem = refusal.to_string();
        if let Some(cause) = std::error::Error::source(refusal) {
            problem = format!("{problem}: {cause}");
        }
        Self { problem, remedy: refusal.remedy().into_owned() }
    }
}

impl Engine {
    /// Looks at a file as [`Engine::load`] does, without stopping at the first thing that is wrong.
    pub async fn check(self: &Arc<Self>, bytes: Vec<u8>) -> Report {
        let mut report = Report {
            size_bytes: bytes.len() as u64,
            digest: digest(&bytes),
            imports: Vec::new(),
            exports: Vec::new(),
            api_version: None,
            manifest: None,
            limits: None,
            description: None,
            problems: Vec::new(),
        };
        match self.inspect(None, &bytes) {
            Err(refusal) => report.problems.push(Problem::from(&refusal)),
            Ok(inspection) => {
                report.problems = inspection.refusals().iter().map(Problem::from).collect();
                report.api_version = inspection.api_version().map(str::to_owned);
                report.imports = inspection.outline.imports;
                report.exports = inspection.outline.exports;
                report.manifest = inspection.manifest;
                report.limits = Some(inspection.limits);
            }
        }
        if report.problems.is_empty() {
            match self.load(Cow::Owned(bytes)).await {
                Ok(plugin) => report.description = Some(plugin.description),
                Err(refusal) => report.problems.push(Problem::from(&refusal)),
            }
        }
        report
    }

    /// Takes a component from a file, with the signature in `NAME.wasm.sig` beside it if there is one.
    ///
    /// # Errors
    /// A file that cannot be read, or a component that is refused.
    pub(super) async fn load_file(
        self: &Arc<Self>,
        path: &std::path::Path,
    ) -> Result<super::Plugin, LoadError> {
        let unreadable = |source| LoadError::Unreadable { path: path.to_owned(), source };
        let size = tokio::fs::metadata(path).await.map_err(unreadable)?.len();
        if size > self.component_bytes() {
            return Err(Refusal::TooLarge { size, limit: self.component_bytes() }.into());
        }
        let bytes = tokio::fs::read(path).await.map_err(unreadable)?;
        let mut name = path.as_os_str().to_owned();
        name.push(".sig");
        let signature = match tokio::fs::read_to_string(&name).await {
            Ok(signature) => Some(signature),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(source) => return Err(LoadError::Unreadable { path: name.into(), source }),
        };
        let signed_by = self.check_signature(&bytes, signature.as_deref())?;
        Ok(super::Plugin { signed_by, ..self.load(Cow::Owned(bytes)).await? })
    }
}
