//! Looks at a component before it is compiled: hostile bytes until proven otherwise.
//!
//! Only wasmparser sees them here, and it sees all of them. What a component imports is its list of wishes,
//! readable before anything runs.

use std::borrow::Cow;
use std::sync::Arc;

use serde::Serialize;
use wasmparser::{Parser, Payload, Validator};

use super::engine::{Engine, digest};
use super::error::Refusal;
use super::manifest::{self, Manifest};
use super::{Description, LoadError};

/// The package of the contract, and its major version.
const PACKAGE: &str = "ocriva:extract/";
const MAJOR: &str = "1";

/// The interfaces that a plugin may import; `types` comes along with `document` and `lookup`.
const IMPORTS: [&str; 5] = ["log", "config", "document", "types", "lookup"];

/// The interface that a plugin exports.
const EXPORT: &str = "extractor";

/// What can be seen without running a component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Inspection {
    pub(super) digest: String,
    pub(super) size_bytes: u64,
    /// Names of the interfaces it imports, with versions.
    pub(super) imports: Vec<String>,
    /// Names of the interfaces it exports, with versions.
    pub(super) exports: Vec<String>,
    /// What it wishes for, where it says so.
    pub(super) manifest: Option<Manifest>,
}

impl Inspection {
    /// Every reason not to take the component that can be seen so far.
    pub(super) fn refusals(&self) -> Vec<Refusal> {
        let mut refusals = Vec::new();
        let unknown: Vec<String> = self
            .imports
            .iter()
            .filter(|name| !interface(name).is_some_and(|interface| IMPORTS.contains(&interface)))
            .cloned()
            .collect();
        if !unknown.is_empty() {
            refusals.push(Refusal::UnknownImports { names: unknown });
        }
        let not_asked_for = self.not_asked_for();
        if !not_asked_for.is_empty() {
            refusals.push(Refusal::NotAskedFor { names: not_asked_for });
        }
        if !self.exports.iter().any(|name| interface(name) == Some(EXPORT)) {
            refusals.push(Refusal::MissingExport { wanted: "ocriva:extract/extractor@1.0.0" });
        }
        refusals
    }

    /// The capabilities that it uses and that its manifest, where it has one, does not ask for.
    fn not_asked_for(&self) -> Vec<String> {
        let Some(Manifest { capabilities, .. }) = &self.manifest else { return Vec::new() };
        let is_forgotten = |name: &&str| *name == "lookup" && !capabilities.lookup;
        self.imports
            .iter()
            .filter_map(|name| interface(name))
            .filter(is_forgotten)
            .map(str::to_owned)
            .collect()
    }

    /// Version of the contract that it was built against.
    fn api_version(&self) -> Option<&str> {
        let of_extractor = self.exports.iter().find(|name| interface(name) == Some(EXPORT))?;
        of_extractor.split_once('@').map(|(_, version)| version)
    }
}

/// The interface of our package that a name means: `log` for `ocriva:extract/log@1.2.3`.
fn interface(name: &str) -> Option<&str> {
    let (interface, version) = name.strip_prefix(PACKAGE)?.split_once('@')?;
    (version.split('.').next() == Some(MAJOR)).then_some(interface)
}

/// Reads all of a component.
pub(super) fn inspect(bytes: &[u8], size_limit: u64) -> Result<Inspection, Refusal> {
    let size = bytes.len() as u64;
    if size > size_limit {
        return Err(Refusal::TooLarge { size, limit: size_limit });
    }
    if Parser::is_core_wasm(bytes) {
        return Err(Refusal::CoreModule);
    }
    if !Parser::is_component(bytes) {
        return Err(Refusal::NotWasm);
    }
    let invalid = |error: wasmparser::BinaryReaderError| Refusal::Invalid { reason: error.to_string() };
    Validator::new().validate_all(bytes).map_err(invalid)?;
    let mut imports = Vec::new();
    let mut exports = Vec::new();
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
    let manifest = manifest::read(bytes).map_err(Refusal::BadManifest)?;
    Ok(Inspection { digest: digest(bytes), size_bytes: size, imports, exports, manifest })
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
    /// The manifest in it, where it has one.
    pub manifest: Option<Manifest>,
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
        Self { problem, remedy: refusal.remedy().to_owned() }
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
            description: None,
            problems: Vec::new(),
        };
        match inspect(&bytes, self.component_bytes()) {
            Err(refusal) => report.problems.push(Problem::from(&refusal)),
            Ok(inspection) => {
                report.problems = inspection.refusals().iter().map(Problem::from).collect();
                report.api_version = inspection.api_version().map(str::to_owned);
                report.imports = inspection.imports;
                report.exports = inspection.exports;
                report.manifest = inspection.manifest;
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

    /// Takes a component from a file.
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
        Ok(self.load(Cow::Owned(bytes)).await?)
    }
}
