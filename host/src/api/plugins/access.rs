//! What a version of a plugin may do and use, and who vouches for it.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::plugin::{PluginRecord, PluginVersion};
use crate::plugins::{Access, CapabilityAccess, Engine, Listing, Origin, Plugin, Wishes};

/// What a version may do and use: what its manifest asks for, and what it is given by the operator's settings now.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "capabilities": [{"name": "llm", "imported": true, "asked": true, "granted": true, "allowed": true,
        "hosts": [], "tokens": {"asked": 100000, "given": 20000}}],
    "limits": {"cpu_ms": {"asked": 5000, "given": 5000}, "memory_mib": {"asked": null, "given": 64}},
}))]
pub struct AccessResponse {
    /// The capabilities that it imports or asks for; it has no others.
    capabilities: Vec<CapabilityResponse>,
    /// Each limit of a call, by its key in manifests and settings.
    limits: BTreeMap<&'static str, LimitResponse>,
}

/// A capability of a version.
#[derive(Debug, Serialize, ToSchema)]
pub struct CapabilityResponse {
    #[schema(example = "llm")]
    name: &'static str,
    /// Whether the component imports its interface.
    imported: bool,
    /// Whether the manifest asks for it.
    asked: bool,
    /// Whether the operator grants it (setting `plugins.grants`).
    granted: bool,
    /// Whether it may be used: it is imported, asked for and granted.
    allowed: bool,
    /// The hosts that `http` asks for; the operator's list (setting `plugins.http.hosts`) decides as well.
    hosts: Vec<String>,
    /// Tokens of one call, of `llm`.
    tokens: Option<LimitResponse>,
}

/// A limit.
#[derive(Debug, Serialize, ToSchema)]
pub struct LimitResponse {
    /// What the manifest asks for; null where it does not.
    asked: Option<u64>,
    /// What is given.
    given: u64,
}

/// Who vouches for a version.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"state": "trusted", "key": "9f2c0e51c1b54a8ab9f2c0e51c1b54a89f2c0e51c1b54a8ab9f2c0e51c1b54a8"}))]
pub struct SignatureResponse {
    /// `trusted`: signed with a key that the operator trusts; `untrusted`: with one that was trusted when it was uploaded,
    /// and is not any more; `unsigned`; or `bundled`: part of the program.
    state: &'static str,
    /// The public key in hexadecimal.
    key: Option<String>,
}

/// What can be said of an uploaded version: nothing of one that is older than this is kept.
pub(super) fn of_version(
    engine: &Engine,
    record: &PluginRecord,
    version: &PluginVersion,
) -> (Option<AccessResponse>, Option<SignatureResponse>) {
    let wishes = version.wishes.clone().and_then(|wishes| serde_json::from_value::<Wishes>(wishes).ok());
    let Some(wishes) = wishes else { return (None, None) };
    let access = engine.access(record.plugin.organization_id.as_deref(), &wishes);
    let signature = SignatureResponse::new(engine, version.signed_by.clone());
    (Some(AccessResponse::from(access)), Some(signature))
}

/// What can be said of a file or a bundled plugin.
pub(super) fn of_listed(
    engine: &Engine,
    listing: &Listing,
    plugin: &Plugin,
) -> (Option<AccessResponse>, Option<SignatureResponse>) {
    let access = engine.access(None, &plugin.wishes);
    let signature = match listing.origin {
        Origin::Bundled(_) => SignatureResponse { state: "bundled", key: None },
        Origin::File(_) => SignatureResponse::new(engine, plugin.signed_by.clone()),
    };
    (Some(AccessResponse::from(access)), Some(signature))
}

impl SignatureResponse {
    fn new(engine: &Engine, key: Option<String>) -> Self {
        let state = match &key {
            None => "unsigned",
            Some(key) if engine.trusts(key) => "trusted",
            Some(_) => "untrusted",
        };
        Self { state, key }
    }
}

impl From<Access> for AccessResponse {
    fn from(access: Access) -> Self {
        let limits =
            access.limits.into_iter().map(|(key, asked, given)| (key, LimitResponse { asked, given }));
        Self {
            capabilities: access.capabilities.into_iter().map(CapabilityResponse::from).collect(),
            limits: limits.collect(),
        }
    }
}

impl From<CapabilityAccess> for CapabilityResponse {
    fn from(access: CapabilityAccess) -> Self {
        Self {
            name: access.name,
            imported: access.is_imported,
            asked: access.is_asked,
            granted: access.is_granted,
            allowed: access.is_allowed(),
            hosts: access.hosts,
            tokens: access.tokens.map(|(asked, given)| LimitResponse { asked: Some(asked), given }),
        }
    }
}
