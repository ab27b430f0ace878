//! Calls the extractor of a document. Where a version that is only being tried fails, the one that runs otherwise reads
//! the document: who tries a version out loses no document by it.

use std::sync::Arc;
use std::time::Instant;

use tracing::Instrument as _;

use super::view::{SharedView, View};
use super::{Pipeline, Record};
use crate::domain::document::{ExtractorIdentity, Failure};
use crate::domain::extraction::ExtractorOutput;
use crate::domain::plugin::{Audience, ExtractorCall};
use crate::plugins::{self, Found, Owner};
use crate::telemetry::metrics;

/// What came of calling an extractor.
pub(super) struct Called {
    pub(super) result: Result<ExtractorOutput, plugins::Error>,
    /// The call that the result is of.
    pub(super) call: ExtractorCall,
    /// What that call left beside its answer.
    pub(super) record: Record,
    /// The call before it of a version that is only being tried, and failed.
    pub(super) failed_canary: Option<ExtractorCall>,
}

impl Pipeline {
    /// Calls what was `found` for a version asked for.
    pub(super) async fn extract(
        &self,
        found: &Found,
        (audience, version): (&Audience, Option<&str>),
        view: &Arc<View>,
        request: &plugins::Request,
    ) -> Called {
        let (result, call, record) = self.call(found, view, request).await;
        if !(found.is_canary && call.is_plugins_failure()) {
            return Called { result, call, record, failed_canary: None };
        }
        // Without a document or a project there is no canary.
        let audience = Audience { project_id: None, document_id: None, ..audience.clone() };
        let name = &found.plugin.description.name;
        let Ok(proven) = self.registry.get_for(&audience, name, version).await else {
            return Called { result, call, record, failed_canary: None };
        };
        let code = call.failure.as_ref().map(|failure| failure.code.as_str());
        tracing::warn!(
            plugin = name,
            version = found.plugin.description.version,
            code,
            instead = proven.plugin.description.version,
            "canary failed, another version reads the document"
        );
        let failed_canary = Some(call);
        let (result, call, record) = self.call(&proven, view, request).await;
        Called { result, call, record, failed_canary }
    }

    async fn call(
        &self,
        found: &Found,
        view: &Arc<View>,
        request: &plugins::Request,
    ) -> (Result<ExtractorOutput, plugins::Error>, ExtractorCall, Record) {
        let plugin = &found.plugin;
        let (name, version) = (&plugin.description.name, &plugin.description.version);
        let span = tracing::info_span!("extract", plugin = name, version, digest = plugin.digest);
        let start = Instant::now();
        let view = Arc::new(SharedView(Arc::clone(view)));
        let called = self.registry.engine().call(plugin, view, request).instrument(span).await;
        let elapsed = start.elapsed();
        let outcome = if called.result.is_ok() { "ok" } else { "failed" };
        // What an organization calls its own plugins is not for all who read metrics.
        match found.owner {
            Owner::Everybody => metrics::plugin_called((name, version), outcome, elapsed),
            Owner::Organization => metrics::own_plugin_called(outcome, elapsed),
        }
        let failure = called.result.as_ref().err();
        let call = ExtractorCall {
            extractor: ExtractorIdentity {
                plugin: name.clone(),
                version: version.clone(),
                digest: plugin.digest.clone(),
            },
            elapsed,
            failure: failure
                .map(|error| Failure { code: error.code().to_owned(), message: error.to_string() }),
        };
        (called.result, call, Record { logs: called.logs, usage: called.usage })
    }
}
