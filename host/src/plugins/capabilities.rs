//! What a plugin can be granted beyond its document: asked for in the manifest, granted by the operator, and linked only
//! then.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use wasmtime::component::{HasSelf, Linker};

use super::bindings::ocriva::extract::{self, types};
use super::imports::{CallState, failure};
use super::manifest::Manifest;
use super::wasi;
use crate::config;
use crate::domain::capability::{Capability, Quota, Shelf};
use crate::outbound::{self, Guard};
use hosts::Hosts;
use llm::Model;

mod clock;
mod hosts;
mod http;
mod kv;
mod llm;
mod random;

/// The capability that everybody has who asks for it: the template's reference files.
pub(super) const LOOKUP: &str = "lookup";

/// Where plugins keep values beyond a call.
#[async_trait]
pub trait ValueStore: Send + Sync + 'static {
    /// The value of a key.
    async fn get(&self, shelf: &Shelf, key: &str) -> Result<Option<Vec<u8>>, ValuesUnavailable>;

    /// Gives a key a value; `false` where the quota leaves no room for it.
    async fn set(
        &self,
        shelf: &Shelf,
        key: &str,
        value: &[u8],
        quota: Quota,
    ) -> Result<bool, ValuesUnavailable>;

    /// Removes a key; whether it was there.
    async fn delete(&self, shelf: &Shelf, key: &str) -> Result<bool, ValuesUnavailable>;

    /// At most `limit` keys that begin with `prefix` and come after `after`, in the order of their bytes.
    async fn keys(
        &self,
        shelf: &Shelf,
        prefix: &str,
        after: &str,
        limit: u32,
    ) -> Result<Vec<String>, ValuesUnavailable>;
}

/// The values cannot be reached at the moment; why is logged by the one who noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("kept values cannot be reached")]
pub struct ValuesUnavailable;

/// The host's side of what can be granted: one for all plugins.
pub(super) struct Services {
    pub(super) clock: crate::clock::Clock,
    pub(super) values: Option<Arc<dyn ValueStore>>,
    pub(super) quota: Quota,
    /// `None` where no host may be reached.
    pub(super) web: Option<outbound::Client>,
    pub(super) allows_unencrypted: bool,
    pub(super) model: Option<Model>,
    grants: Grants,
    hosts: Hosts,
    max_tokens: u64,
}

/// What one plugin may do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Powers {
    /// The name by which the operator grants something to it alone; empty where it has no manifest to ask in.
    pub(super) grantee: String,
    granted: Vec<Capability>,
    /// The hosts that its manifest names; the operator's are asked as well.
    asked_hosts: Hosts,
    /// The hosts that the operator allows.
    allowed_hosts: Hosts,
    /// Tokens of one call.
    pub(super) llm_tokens: u64,
}

impl Services {
    pub(super) fn new(
        settings: &config::Plugins,
        values: Option<Arc<dyn ValueStore>>,
    ) -> Result<Self, outbound::StartError> {
        let http = &settings.http;
        let guard = Guard::new(&http.allowed_networks, "plugins.http.allowed_networks");
        let bytes = |kib: u64| usize::try_from(kib.saturating_mul(1 << 10)).unwrap_or(usize::MAX);
        let timeout = Duration::from_secs(http.timeout_seconds);
        // A client reads the machine's certificates, which most engines never need.
        let web = match http.hosts.is_empty() {
            true => None,
            false => Some(outbound::Client::new(guard, timeout, bytes(http.max_response_kib))?),
        };
        Ok(Self {
            clock: crate::clock::Clock::system(),
            values,
            quota: Quota { bytes: settings.kv.max_kib.saturating_mul(1 << 10), keys: settings.kv.max_keys },
            web,
            allows_unencrypted: http.allow_unencrypted,
            model: Model::new(&settings.llm)?,
            grants: Grants(settings.grants.clone()),
            hosts: Hosts::new(&http.hosts),
            max_tokens: settings.llm.max_tokens,
        })
    }

    /// What a plugin of this manifest is given of what it asks for. `organization` is the one that uploaded it; `None`
    /// for the operator's own.
    pub(super) fn powers(&self, manifest: Option<&Manifest>, organization: Option<&str>) -> Powers {
        let Some(manifest) = manifest else { return Powers::default() };
        let asked = &manifest.capabilities;
        let grantee = grantee(&manifest.name, organization);
        let granted = Capability::ALL
            .into_iter()
            .filter(|capability| asked.asks_for(*capability) && self.grants.include(*capability, &grantee))
            .collect();
        Powers {
            grantee,
            granted,
            asked_hosts: asked.http.as_ref().map(|http| Hosts::new(&http.hosts)).unwrap_or_default(),
            allowed_hosts: self.hosts.clone(),
            llm_tokens: asked.llm.map_or(0, |llm| llm.max_tokens.min(self.max_tokens)),
        }
    }
}

impl Powers {
    pub(super) fn include(&self, capability: Capability) -> bool {
        self.granted.contains(&capability)
    }

    /// What an empty WASI has of the real world.
    pub(super) fn real(&self) -> wasi::Real {
        wasi::Real { clock: self.include(Capability::Clock), random: self.include(Capability::Random) }
    }

    /// Whether a host may be reached; `port` is the one of the address, also where it goes without saying.
    fn reach(&self, host: &str, port: u16) -> bool {
        self.asked_hosts.include(host, port) && self.allowed_hosts.include(host, port)
    }

    /// Links what was granted, and nothing else.
    pub(super) fn add_to_linker(&self, linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
        for capability in &self.granted {
            match capability {
                Capability::Clock => extract::clock::add_to_linker::<_, HasSelf<_>>(linker, |state| state)?,
                Capability::Random => extract::random::add_to_linker::<_, HasSelf<_>>(linker, |state| state)?,
                Capability::Kv => extract::kv::add_to_linker::<_, HasSelf<_>>(linker, |state| state)?,
                Capability::Http => extract::http::add_to_linker::<_, HasSelf<_>>(linker, |state| state)?,
                Capability::Llm => extract::llm::add_to_linker::<_, HasSelf<_>>(linker, |state| state)?,
            }
        }
        Ok(())
    }
}

/// The operator's grants, by plugin; `*` stands for all.
struct Grants(std::collections::BTreeMap<String, Vec<Capability>>);

impl Grants {
    fn include(&self, capability: Capability, grantee: &str) -> bool {
        [grantee, "*"].iter().any(|key| self.0.get(*key).is_some_and(|granted| granted.contains(&capability)))
    }
}

/// The name under which a plugin has grants: what an organization uploaded is not the operator's plugin of the same name.
fn grantee(plugin: &str, organization: Option<&str>) -> String {
    match organization {
        Some(organization) => format!("{organization}/{plugin}"),
        None => plugin.to_owned(),
    }
}

/// A failure of a call beyond a limit.
fn beyond(allowed: u64, what: &str, limit: &str) -> types::Failure {
    failure("plugin.denied", format!("no more than {allowed} {what} are allowed (limit `{limit}`)"))
}

/// A failure that may pass.
fn passing(code: &str, message: String) -> types::Failure {
    types::Failure { code: code.to_owned(), message, retryable: true }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_organization_uploaded_has_not_the_grants_of_the_operators_plugin() {
        let grants = |key: &str| Grants([(key.to_owned(), vec![Capability::Kv])].into());
        let (operators, of_o1) = (grantee("rates", None), grantee("rates", Some("o1")));
        assert!(grants("rates").include(Capability::Kv, &operators));
        assert!(!grants("rates").include(Capability::Http, &operators));
        assert!(!grants("rates").include(Capability::Kv, &of_o1));
        assert!(grants("o1/rates").include(Capability::Kv, &of_o1));
        assert!(!grants("o1/rates").include(Capability::Kv, &grantee("rates", Some("o2"))));
        assert!(grants("*").include(Capability::Kv, &of_o1));
    }
}
