//! The uploaded versions of one plugin, as this process runs them.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use super::slot::Slot;
use super::version::{Wanted, version_key};
use crate::domain::plugin::{Audience, PluginRecord, PluginState, PluginVersion, Share};
use crate::plugins::engine::{Engine, Plugin};
use crate::plugins::error::Refusal;

/// Where the components of uploaded versions are kept.
#[async_trait]
pub trait Components: Send + Sync + 'static {
    /// The component of a version.
    async fn fetch(&self, version_id: &str, digest: &str) -> Result<Bytes, FetchError>;
}

/// Why a component cannot be fetched.
#[derive(Debug, thiserror::Error)]
#[error("component cannot be fetched: {reason}")]
pub struct FetchError {
    /// Why.
    pub reason: String,
    /// Whether trying again may help.
    pub is_transient: bool,
}

/// Why an uploaded version does not run here.
#[derive(Debug, thiserror::Error)]
pub enum ReleaseError {
    /// Its component cannot be fetched.
    #[error(transparent)]
    Unfetched(#[from] FetchError),
    /// The blob store has another component than the one that was uploaded.
    #[error("component has the digest `{found}`, the one that was uploaded had another")]
    OtherDigest {
        /// Its SHA-256 in hexadecimal.
        found: String,
    },
    /// The component is refused.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

impl ReleaseError {
    /// The capabilities that the component is not granted, where that is what is wrong.
    pub fn not_granted(&self) -> Option<&[String]> {
        match self {
            Self::Refused(refusal) => refusal.not_granted(),
            Self::Unfetched(_) | Self::OtherDigest { .. } => None,
        }
    }

    /// Whether trying again may help.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unfetched(error) => error.is_transient,
            Self::OtherDigest { .. } | Self::Refused(_) => false,
        }
    }
}

/// A version that was uploaded.
pub(super) struct Release {
    id: String,
    pub(super) version: String,
    digest: String,
    pub(super) state: PluginState,
    pub(super) reason: Option<String>,
    /// The organization it belongs to; `None` for the operator's.
    owner: Option<String>,
    components: Arc<dyn Components>,
    slot: Arc<Slot>,
}

impl Release {
    /// The plugin, loaded when it is asked for: without its component where that was compiled before. What could not be
    /// loaded is tried again the next time.
    pub(super) async fn load(&self, engine: &Arc<Engine>) -> Result<Arc<Plugin>, ReleaseError> {
        let load = async || {
            if let Some(loaded) = engine.load_compiled(self.owner.as_deref(), &self.digest).await {
                return Ok(Arc::new(loaded?));
            }
            let bytes = self.components.fetch(&self.id, &self.digest).await?;
            let plugin = engine.load_of(self.owner.as_deref(), Vec::from(bytes).into()).await?;
            if plugin.digest != self.digest {
                return Err(ReleaseError::OtherDigest { found: plugin.digest });
            }
            Ok(Arc::new(plugin))
        };
        self.slot.get_or_load(load).await
    }
}

/// The versions of one plugin.
pub(super) struct Shelf {
    /// Newest upload first.
    releases: Vec<Arc<Release>>,
    active: Option<Arc<Release>>,
    canary: Option<(Arc<Release>, Share)>,
}

impl Shelf {
    /// What the record says. Of the shelf before, those stay loaded that run or that a rollback would go back to; the
    /// others' memory is given back when the last call of them has ended.
    pub(super) fn of(record: &PluginRecord, before: Option<&Self>, components: &Arc<dyn Components>) -> Self {
        let previous = record.previous().map(|version| version.id.as_str());
        let release = |version: &PluginVersion| {
            let stays = matches!(version.state, PluginState::Active | PluginState::Canary)
                || previous == Some(version.id.as_str());
            let known = before.and_then(|before| before.by_id(&version.id)).filter(|_| stays);
            Arc::new(Release {
                id: version.id.clone(),
                version: version.version.clone(),
                digest: version.digest.clone(),
                state: version.state,
                reason: version.reason.clone(),
                owner: record.plugin.organization_id.clone(),
                components: Arc::clone(components),
                slot: known.map(|known| Arc::clone(&known.slot)).unwrap_or_default(),
            })
        };
        let releases: Vec<Arc<Release>> = record.versions.iter().map(release).collect();
        let in_state = |state| releases.iter().find(|release| release.state == state).map(Arc::clone);
        let canary = in_state(PluginState::Canary)
            .and_then(|release| Some((release, record.plugin.canary.as_ref()?.terms.share.clone())));
        Self { active: in_state(PluginState::Active), canary, releases }
    }

    /// Loads what runs for those who name no version. What cannot be loaded is named, with its version's id: then the
    /// active one of the shelf before goes on, and the canary gets no documents.
    pub(super) async fn make_ready(
        &mut self,
        engine: &Arc<Engine>,
        before: Option<&Self>,
    ) -> Vec<(String, ReleaseError)> {
        let mut problems = Vec::new();
        if let Some(active) = &self.active
            && let Err(error) = active.load(engine).await
        {
            problems.push((active.id.clone(), error));
            self.active = before.and_then(|before| before.active.clone());
        }
        if let Some((canary, _)) = &self.canary
            && let Err(error) = canary.load(engine).await
        {
            problems.push((canary.id.clone(), error));
            self.canary = None;
        }
        problems
    }

    /// The release that runs for an audience: among several of a range the one that runs anyway, else the newest.
    pub(super) fn choose(&self, wanted: &Wanted<'_>, audience: &Audience) -> Option<&Arc<Release>> {
        if let Wanted::One(version) = wanted {
            return self.releases.iter().find(|release| release.version == *version);
        }
        let canary = self.canary.iter().find(|(release, share)| share.has(&release.digest, audience));
        let running = canary.map(|(release, _)| release).into_iter().chain(&self.active);
        let retired = self.releases.iter().filter(|release| release.state == PluginState::Retired);
        running.into_iter().find(|release| wanted.has(&release.version)).or_else(|| match wanted {
            Wanted::Any | Wanted::One(_) => None,
            Wanted::Range(_) => retired
                .filter(|release| wanted.has(&release.version))
                .max_by_key(|release| version_key(&release.version)),
        })
    }

    /// Unloads what was not asked for since the last time and can be loaded again without its component.
    pub(super) fn rest(&self, engine: &Engine) {
        for release in &self.releases {
            release.slot.rest(|| engine.has_compiled(&release.digest));
        }
    }

    /// The active release.
    pub(super) fn active(&self) -> Option<&Arc<Release>> {
        self.active.as_ref()
    }

    /// The versions that can be asked for.
    pub(super) fn versions(&self) -> impl Iterator<Item = &str> {
        self.releases
            .iter()
            .filter(|release| release.state != PluginState::Failed)
            .map(|release| release.version.as_str())
    }

    fn by_id(&self, id: &str) -> Option<&Arc<Release>> {
        // The one that goes on in place of one that could not be loaded may be none of the releases any more.
        self.releases.iter().chain(&self.active).find(|release| release.id == id)
    }
}
