//! What a component asks for, and what it is given of that: for operators, who decide it.

use serde::{Deserialize, Serialize};

use super::capabilities::LOOKUP;
use super::engine::Engine;
use super::manifest::Manifest;
use crate::domain::capability::Capability;

/// What a component asks for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Wishes {
    /// Its manifest, where it has one.
    pub manifest: Option<Manifest>,
    /// The capabilities whose interfaces it imports.
    pub imports: Vec<String>,
}

/// What a component may do and use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// The capabilities that it imports or asks for.
    pub capabilities: Vec<CapabilityAccess>,
    /// Each limit: its key, what is asked for, what is given.
    pub limits: Vec<(&'static str, Option<u64>, u64)>,
}

/// A capability that a component imports or asks for. It may use one that is imported, asked for and granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CapabilityAccess {
    /// Its word in manifests and settings.
    pub name: &'static str,
    /// Whether the component imports its interface.
    pub is_imported: bool,
    /// Whether the manifest asks for it.
    pub is_asked: bool,
    /// Whether the operator grants it.
    pub is_granted: bool,
    /// The hosts that are asked for, of `http`.
    pub hosts: Vec<String>,
    /// Tokens of one call that are asked for and given, of `llm`.
    pub tokens: Option<(u64, u64)>,
}

impl CapabilityAccess {
    /// Whether the component may use it.
    pub fn is_allowed(&self) -> bool {
        self.is_imported && self.is_asked && self.is_granted
    }
}

impl Engine {
    /// What a component may do and use, by its wishes and the settings of this moment. `organization_id` is the one that
    /// uploaded it; `None` for the operator's own.
    pub fn access(&self, organization_id: Option<&str>, wishes: &Wishes) -> Access {
        let manifest = wishes.manifest.as_ref();
        let asked = manifest.map(|manifest| manifest.capabilities.clone()).unwrap_or_default();
        let powers = self.services.powers(manifest, organization_id);
        let is_imported = |name: &str| wishes.imports.iter().any(|import| import == name);
        let lookup = CapabilityAccess {
            name: LOOKUP,
            is_imported: is_imported(LOOKUP),
            // There were plugins with reference files before there were manifests.
            is_asked: asked.lookup || manifest.is_none(),
            is_granted: true,
            hosts: Vec::new(),
            tokens: None,
        };
        let granted = Capability::ALL.into_iter().map(|capability| {
            let name = capability.as_str();
            let tokens = asked.llm.filter(|_| capability == Capability::Llm);
            let http = asked.http.as_ref().filter(|_| capability == Capability::Http);
            CapabilityAccess {
                name,
                is_imported: is_imported(name),
                is_asked: asked.asks_for(capability),
                is_granted: powers.include(capability),
                hosts: http.map(|http| http.hosts.clone()).unwrap_or_default(),
                tokens: tokens.map(|llm| (llm.max_tokens, powers.llm_tokens)),
            }
        });
        let is_shown = |capability: &CapabilityAccess| {
            capability.is_imported || (capability.is_asked && manifest.is_some())
        };
        let wanted = manifest.map(|manifest| manifest.limits).unwrap_or_default();
        let given = self.limits_for(manifest);
        let limits = wanted.named().into_iter().zip(given.named());
        Access {
            capabilities: std::iter::once(lookup).chain(granted).filter(is_shown).collect(),
            limits: limits.map(|((key, asked), (_, given))| (key, asked, given)).collect(),
        }
    }
}
