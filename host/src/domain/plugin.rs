//! Plugins that were uploaded: their versions, who gets which, and when one is taken back.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::audit::Actor;
use super::document::{ExtractorIdentity, Failure};
use super::timestamp::Timestamp;

words! {
    /// Where a version of a plugin is on its way.
    pub enum PluginState {
        /// Uploaded; runs only for templates that name exactly this version.
        Draft => "draft",
        /// Runs for a share of the documents.
        Canary => "canary",
        /// Runs for whoever names no version.
        Active => "active",
        /// Was active, or was put aside; still runs for templates that name it or a range that it is in.
        Retired => "retired",
        /// Taken back because its calls failed; runs for nobody.
        Failed => "failed",
    }
}

words! {
    /// What can be done to a version of a plugin.
    pub enum PluginStep {
        /// It was uploaded.
        Uploaded => "uploaded",
        /// It became the active one.
        Activated => "activated",
        /// It began to run for a share of the documents.
        CanaryStarted => "canary_started",
        /// It became the active one because it did well as the canary.
        Promoted => "promoted",
        /// It became the active one again in place of the next.
        RolledBack => "rolled_back",
        /// It was put aside.
        Retired => "retired",
        /// It was taken back because its calls failed.
        Failed => "failed",
        /// It was deleted.
        Deleted => "deleted",
    }
}

/// On whose behalf a plugin is asked for: decides which plugins are there, and which version runs while there is a canary.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Audience {
    /// The organization; `None` sees only what is everybody's.
    pub organization_id: Option<String>,
    /// The project.
    pub project_id: Option<String>,
    /// The document; without one a canary's percentage passes by.
    pub document_id: Option<String>,
}

impl Audience {
    /// An organization as a whole.
    pub fn organization(organization_id: impl Into<String>) -> Self {
        Self { organization_id: Some(organization_id.into()), ..Self::default() }
    }
}

/// Which documents a canary gets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Share {
    /// So many of a hundred documents, from 1 to 100.
    Percent(u8),
    /// All documents of these projects.
    Projects(Vec<String>),
}

impl Share {
    /// Whether a document is among them. A document stays where it is as the percentage grows, and another digest draws
    /// other documents.
    pub fn has(&self, digest: &str, audience: &Audience) -> bool {
        match self {
            Self::Percent(percent) => audience.document_id.as_deref().is_some_and(|document_id| {
                let hash = Sha256::digest(format!("{digest}:{document_id}"));
                let drawn = hash.iter().take(4).fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
                drawn % 100 < u32::from(*percent)
            }),
            Self::Projects(projects) => {
                audience.project_id.as_ref().is_some_and(|project| projects.contains(project))
            }
        }
    }
}

/// On which terms a canary runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CanaryTerms {
    /// The documents that it gets.
    pub share: Share,
    /// Share of calls that may fail, from 0 to 1.
    pub max_error_rate: f64,
    /// Calls before the error rate is looked at, at least 1.
    pub minimum_calls: u64,
    /// Calls of a window, at least `minimum_calls`: the error rate is that of the window, and after it counting begins
    /// anew.
    pub window_calls: u64,
    /// Whether it becomes the active one after a good window.
    pub promote: bool,
}

/// A version that runs for a share of the documents.
#[derive(Debug, Clone, PartialEq)]
pub struct Canary {
    /// Id of the version.
    pub version_id: String,
    /// On which terms.
    pub terms: CanaryTerms,
    /// Calls in this window.
    pub calls: u64,
    /// Those of them that failed because of the plugin.
    pub failures: u64,
    /// When it began.
    pub started_at: Timestamp,
}

/// What becomes of a canary after a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It goes on.
    Continue,
    /// It goes on with a new window.
    NextWindow,
    /// It becomes the active one.
    Promote,
    /// It is taken back.
    TakeBack,
}

impl Canary {
    /// What becomes of it with the calls counted so far.
    pub fn verdict(&self) -> Verdict {
        let is_over = self.calls >= self.terms.window_calls;
        if self.calls >= self.terms.minimum_calls && self.error_rate() > self.terms.max_error_rate {
            return Verdict::TakeBack;
        }
        match (is_over, self.terms.promote) {
            (true, true) => Verdict::Promote,
            (true, false) => Verdict::NextWindow,
            (false, _) => Verdict::Continue,
        }
    }

    /// Share of this window's calls that failed, from 0 to 1.
    #[expect(clippy::cast_precision_loss, reason = "a window is far shorter than 2^53 calls")]
    pub fn error_rate(&self) -> f64 {
        if self.calls == 0 { 0.0 } else { self.failures as f64 / self.calls as f64 }
    }
}

/// A plugin: a name that belongs to an organization, or to everybody.
#[derive(Debug, Clone, PartialEq)]
pub struct Plugin {
    /// Id.
    pub id: String,
    /// The organization it belongs to; `None` for everybody's, which is the operator's.
    pub organization_id: Option<String>,
    /// Its name.
    pub name: String,
    /// The version that runs for a share of the documents.
    pub canary: Option<Canary>,
    /// The generation of its last change: each change of any plugin counts it up.
    pub generation: u64,
    /// When it was first uploaded.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// A version of a plugin. Its component never changes.
#[derive(Debug, Clone, PartialEq)]
pub struct PluginVersion {
    /// Id.
    pub id: String,
    /// The plugin.
    pub plugin_id: String,
    /// The version, as the component says it.
    pub version: String,
    /// SHA-256 of the component in hexadecimal.
    pub digest: String,
    /// Size of the component.
    pub size_bytes: u64,
    /// What the component says about itself, as a JSON object.
    pub description: Value,
    /// What it asks for, as a JSON object; `None` for a version that is older than this was kept.
    pub wishes: Option<Value>,
    /// The key, in hexadecimal, that was trusted when it was uploaded and that it is signed with.
    pub signed_by: Option<String>,
    /// Where it is on its way.
    pub state: PluginState,
    /// Why it was taken back.
    pub reason: Option<String>,
    /// Id of the version that was active before it: what a rollback goes back to.
    pub replaces: Option<String>,
    /// Who uploaded it.
    pub created_by: Actor,
    /// When it was uploaded.
    pub created_at: Timestamp,
    /// When it last became the active one.
    pub activated_at: Option<Timestamp>,
}

/// A plugin with all its versions, newest first.
#[derive(Debug, Clone, PartialEq)]
pub struct PluginRecord {
    /// The plugin.
    pub plugin: Plugin,
    /// Its versions.
    pub versions: Vec<PluginVersion>,
}

impl PluginRecord {
    /// The active version.
    pub fn active(&self) -> Option<&PluginVersion> {
        self.versions.iter().find(|version| version.state == PluginState::Active)
    }

    /// The version with this id.
    pub fn by_id(&self, id: &str) -> Option<&PluginVersion> {
        self.versions.iter().find(|version| version.id == id)
    }

    /// The version of this number.
    pub fn version(&self, version: &str) -> Option<&PluginVersion> {
        self.versions.iter().find(|found| found.version == version)
    }

    /// What a rollback of the active version goes back to: the one that was active before, those passed over that were
    /// taken back since.
    pub fn previous(&self) -> Option<&PluginVersion> {
        let mut found = self.active()?;
        // Replacements may go round in a circle: each version is looked at once at most.
        for _ in &self.versions {
            found = self.by_id(found.replaces.as_deref()?)?;
            if !matches!(found.state, PluginState::Failed | PluginState::Active) {
                return Some(found);
            }
        }
        None
    }
}

/// A version to be kept, whose component is in the blob store under its id and digest.
#[derive(Debug, Clone, PartialEq)]
pub struct NewPluginVersion {
    /// Id, made before the component was stored.
    pub id: String,
    /// Name of the plugin.
    pub name: String,
    /// The version.
    pub version: String,
    /// SHA-256 of the component in hexadecimal.
    pub digest: String,
    /// Size of the component.
    pub size_bytes: u64,
    /// What the component says about itself, as a JSON object.
    pub description: Value,
    /// What it asks for, as a JSON object.
    pub wishes: Value,
    /// The trusted key, in hexadecimal, that it is signed with.
    pub signed_by: Option<String>,
}

/// What became of the wish to keep a version.
#[derive(Debug, Clone, PartialEq)]
pub enum Keeping {
    /// It was kept.
    Kept(PluginRecord),
    /// The same component was there already.
    Known(PluginRecord),
    /// The version is there with another component, which has this digest.
    OtherDigest(String),
}

/// What became of the wish to change a version.
#[derive(Debug, Clone, PartialEq)]
pub enum PluginChange {
    /// The plugin as it is now.
    Done(PluginRecord),
    /// There is no such plugin or version.
    NotFound,
    /// It is the active one, or the canary.
    InUse(PluginState),
    /// Templates need it.
    Needed(Vec<PinningTemplate>),
    /// There is no version to go back to.
    NothingBefore,
}

/// A template that names a plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinningTemplate {
    /// Id of the template.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The version or range of versions it asks for; `None` for the active one.
    pub version: Option<String>,
}

/// A line of a plugin's history.
#[derive(Debug, Clone, PartialEq)]
pub struct PluginEntry {
    /// Id.
    pub id: String,
    /// The version it was done to.
    pub version: String,
    /// SHA-256 of its component in hexadecimal.
    pub digest: String,
    /// What was done.
    pub step: PluginStep,
    /// Why, where that is not plain.
    pub reason: Option<String>,
    /// Who did it.
    pub actor: Actor,
    /// When.
    pub at: Timestamp,
}

/// A process that runs plugins.
#[derive(Debug, Clone, PartialEq)]
pub struct Replica {
    /// Id, new with each start.
    pub id: String,
    /// The generation that it has taken over.
    pub generation: u64,
    /// Why versions could not be loaded, by their ids.
    pub problems: Vec<(String, String)>,
    /// When it was last heard of.
    pub seen_at: Timestamp,
}

/// A call of an extractor on a document, as it is counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtractorCall {
    /// What was called.
    pub extractor: ExtractorIdentity,
    /// How long it took, the reading of pages included.
    pub elapsed: Duration,
    /// Why it failed, where it did.
    pub failure: Option<Failure>,
}

impl ExtractorCall {
    /// Whether it failed because of the plugin: not because of the document, which has codes of its own, nor because all
    /// places for calls were taken.
    pub fn is_plugins_failure(&self) -> bool {
        self.failure
            .as_ref()
            .is_some_and(|failure| failure.code.starts_with("plugin.") && failure.code != "plugin.busy")
    }
}

/// How the calls of a version went.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CallStatistics {
    /// How many there were.
    pub calls: u64,
    /// Those that failed because of the plugin.
    pub failures: u64,
    /// Mean time; `None` where there were none.
    pub mean_ms: Option<f64>,
    /// The time within which 95 of 100 were done, at most a fifth too long; `None` where there were none.
    pub p95_ms: Option<f64>,
    /// The last failure, and when it was.
    pub last_failure: Option<(Failure, Timestamp)>,
}

/// Calls of a version that took about as long as one another.
#[derive(Debug, Clone, PartialEq)]
pub struct CallBucket {
    /// Name of the plugin.
    pub plugin: String,
    /// SHA-256 of its component in hexadecimal.
    pub digest: String,
    /// Whether these are the ones that failed.
    pub is_failed: bool,
    /// Number of the bucket, as [`bucket`] gives it.
    pub bucket: u32,
    /// How many.
    pub calls: u64,
    /// Their times together.
    pub micros: u64,
    /// The last failure, and when it was.
    pub last_failure: Option<(Failure, Timestamp)>,
}

/// Each bucket of times ends a fifth later than the one before; the first at a tenth of a millisecond.
const BUCKET_GROWTH: f64 = 1.2;

/// End of the first bucket.
const FIRST_BUCKET_MS: f64 = 0.1;

/// Number of the last bucket, of calls of more than an hour.
const LAST_BUCKET: u32 = 100;

/// The bucket that a time belongs to, from 0 to 100.
pub fn bucket(elapsed: Duration) -> u32 {
    let millis = elapsed.as_secs_f64() * 1000.0;
    (0..LAST_BUCKET).find(|bucket| millis <= bucket_end_ms(*bucket)).unwrap_or(LAST_BUCKET)
}

fn bucket_end_ms(bucket: u32) -> f64 {
    FIRST_BUCKET_MS * BUCKET_GROWTH.powf(f64::from(bucket))
}

impl CallStatistics {
    /// What the buckets of one version amount to.
    #[expect(clippy::cast_precision_loss, reason = "nobody makes 2^53 calls")]
    pub fn of<'a>(buckets: impl Iterator<Item = &'a CallBucket>) -> Self {
        let mut buckets: Vec<&CallBucket> = buckets.collect();
        buckets.sort_by_key(|bucket| bucket.bucket);
        let calls: u64 = buckets.iter().map(|bucket| bucket.calls).sum();
        if calls == 0 {
            return Self::default();
        }
        let micros: u64 = buckets.iter().map(|bucket| bucket.micros).sum();
        let rank = (calls * 95).div_ceil(100);
        let mut passed = 0;
        let nearest = buckets.iter().find(|bucket| {
            passed += bucket.calls;
            passed >= rank
        });
        Self {
            calls,
            failures: buckets.iter().filter(|bucket| bucket.is_failed).map(|bucket| bucket.calls).sum(),
            mean_ms: Some(micros as f64 / 1000.0 / calls as f64),
            p95_ms: nearest.map(|bucket| bucket_end_ms(bucket.bucket)),
            last_failure: buckets
                .iter()
                .filter_map(|bucket| bucket.last_failure.clone())
                .max_by_key(|(_, at)| *at),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canary(calls: u64, failures: u64, promote: bool) -> Canary {
        let share = Share::Percent(10);
        let terms = CanaryTerms { share, max_error_rate: 0.2, minimum_calls: 5, window_calls: 10, promote };
        Canary { version_id: "v".to_owned(), terms, calls, failures, started_at: Timestamp(0) }
    }

    #[test]
    fn a_canary_is_judged_from_its_minimum_of_calls_on_and_promoted_only_if_asked_for() {
        assert_eq!(canary(4, 4, true).verdict(), Verdict::Continue);
        assert_eq!(canary(5, 1, true).verdict(), Verdict::Continue);
        assert_eq!(canary(5, 2, true).verdict(), Verdict::TakeBack);
        assert_eq!(canary(10, 2, true).verdict(), Verdict::Promote);
        assert_eq!(canary(10, 2, false).verdict(), Verdict::NextWindow);
    }

    #[test]
    fn a_percentage_draws_about_so_many_documents_and_keeps_them_as_it_grows() {
        let audience = |id: u32| Audience { document_id: Some(format!("d{id}")), ..Audience::default() };
        let drawn = |percent: u8, digest: &str| -> Vec<u32> {
            (0..1000).filter(|id| Share::Percent(percent).has(digest, &audience(*id))).collect()
        };
        let (ten, thirty) = (drawn(10, "a"), drawn(30, "a"));
        assert!((70..130).contains(&ten.len()), "{}", ten.len());
        assert!(ten.iter().all(|id| thirty.contains(id)));
        assert_ne!(ten, drawn(10, "b"));
        assert_eq!(drawn(100, "a").len(), 1000);
        assert!(!Share::Percent(100).has("a", &Audience::organization("o")));
    }

    #[test]
    fn statistics_are_those_of_all_buckets_together() {
        let of = |millis: u64, calls: u64, is_failed: bool| CallBucket {
            plugin: "lines".to_owned(),
            digest: "aa".to_owned(),
            is_failed,
            bucket: bucket(Duration::from_millis(millis)),
            calls,
            micros: millis * 1000 * calls,
            last_failure: None,
        };
        let buckets = [of(400, 1, true), of(10, 15, false), of(90, 4, false)];
        let found = CallStatistics::of(buckets.iter());
        assert_eq!((found.calls, found.failures), (20, 1));
        assert_eq!(found.mean_ms, Some(45.5));
        assert!(found.p95_ms.is_some_and(|p95| (90.0..108.0).contains(&p95)), "{found:?}");
        assert_eq!(CallStatistics::of([].iter()), CallStatistics::default());
    }
}
