//! What is told of each step of a plugin: its history, the audit log of its organization, and events.

use serde_json::json;

use crate::domain::audit::Actor;
use crate::domain::event::{EventKind, plugin_payload};
use crate::domain::plugin::{Plugin, PluginStep, PluginVersion};
use crate::store::audit::Event;
use crate::store::engine::Transaction;
use crate::store::events::Announcement;
use crate::store::statement::{arguments, statements};
use crate::store::{Error, Store};

statements! {
    "plugin_steps";
    INSERT = "insert into plugin_steps (id, plugin_id, version, sha256, step, reason, actor_kind, actor_id, created_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    /// What happens to everybody's plugins is told to those who asked for it.
    LISTENING = "select distinct organization_id from webhook_endpoints
        where status <> 'disabled' and events like $1 order by organization_id";
}

impl Store {
    /// Writes a step into the plugin's history and, of an organization's plugin, into its audit log, and announces it.
    /// `previous` is the version that the step takes the place of, or that goes on.
    pub(super) async fn note_step(
        &self,
        tx: &mut Transaction,
        actor: &Actor,
        plugin: &Plugin,
        (version, previous): (&PluginVersion, Option<&PluginVersion>),
        step: PluginStep,
    ) -> Result<(), Error> {
        self.announce_plugin(tx, plugin, version, previous, kind(step)).await?;
        tx.execute(
            &INSERT,
            arguments![
                self.clock.new_id(),
                &plugin.id,
                &version.version,
                &version.digest,
                step.as_str(),
                &version.reason,
                actor.kind.as_str(),
                &actor.id,
                self.clock.now()
            ],
        )
        .await?;
        let Some(organization_id) = &plugin.organization_id else { return Ok(()) };
        let canary = plugin.canary.as_ref().filter(|canary| canary.version_id == version.id);
        let event = Event {
            organization_id,
            actor,
            action: action(step),
            target: &plugin.id,
            changes: Some(json!({
                "name": plugin.name,
                "version": version.version,
                "digest": version.digest,
                "reason": version.reason,
                "canary": canary.map(|canary| &canary.terms),
            })),
        };
        self.audit(tx, event).await
    }

    /// Announces what has become of a version: to its organization, or to all that listen where it is everybody's.
    async fn announce_plugin(
        &self,
        tx: &mut Transaction,
        plugin: &Plugin,
        version: &PluginVersion,
        previous: Option<&PluginVersion>,
        kind: EventKind,
    ) -> Result<(), Error> {
        let organizations = match &plugin.organization_id {
            Some(organization_id) => vec![organization_id.clone()],
            None => {
                let rows = tx.fetch_all(&LISTENING, arguments![format!("%\"{kind}\"%")]).await?;
                rows.iter().map(|row| row.get("organization_id")).collect::<Result<_, _>>()?
            }
        };
        for organization_id in &organizations {
            let announcement = Announcement {
                organization_id,
                project_id: None,
                kind,
                document_id: None,
                batch_id: None,
                payload: plugin_payload(plugin, version, previous),
            };
            self.announce(tx, announcement).await?;
        }
        Ok(())
    }
}

fn kind(step: PluginStep) -> EventKind {
    match step {
        PluginStep::Uploaded => EventKind::PluginUploaded,
        PluginStep::Activated | PluginStep::CanaryStarted | PluginStep::Promoted | PluginStep::RolledBack => {
            EventKind::PluginActivated
        }
        PluginStep::Retired => EventKind::PluginRetired,
        PluginStep::Failed => EventKind::PluginFailed,
        PluginStep::Deleted => EventKind::PluginDeleted,
    }
}

fn action(step: PluginStep) -> &'static str {
    match step {
        PluginStep::Uploaded => "plugin.uploaded",
        PluginStep::Activated => "plugin.activated",
        PluginStep::CanaryStarted => "plugin.canary_started",
        PluginStep::Promoted => "plugin.promoted",
        PluginStep::RolledBack => "plugin.rolled_back",
        PluginStep::Retired => "plugin.retired",
        PluginStep::Failed => "plugin.failed",
        PluginStep::Deleted => "plugin.deleted",
    }
}
