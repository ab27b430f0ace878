//! What can be done to a plugin's versions: activate, try on a share of the documents, take back, put aside, delete.

use super::pinning_templates;
use crate::domain::audit::Actor;
use crate::domain::plugin::{
    Canary, CanaryTerms, PinningTemplate, Plugin, PluginChange, PluginRecord, PluginState, PluginStep,
    PluginVersion, Verdict,
};
use crate::store::engine::Transaction;
use crate::store::statement::{arguments, statements, to_json};
use crate::store::{Error, Store};

statements! {
    "plugin_versions";
    SET_STATE = "update plugin_versions set state = $2, reason = $3 where id = $1";
    ACTIVATE = "update plugin_versions set state = 'active', reason = null, activated_at = $2, replaces_id = $3
        where id = $1";
    DELETE = "delete from plugin_versions where id = $1";
    /// A rollback passes a deleted version over.
    FORGET = "update plugin_versions set replaces_id = $2 where replaces_id = $1";
    START_CANARY = "update plugins set canary_version_id = $2, canary_terms = $3, canary_calls = 0,
            canary_failures = 0, canary_started_at = $4
        where coalesce(organization_id, '') = $5 and id = $1";
    END_CANARY = "update plugins set canary_version_id = null, canary_terms = null, canary_calls = null,
            canary_failures = null, canary_started_at = null
        where coalesce(organization_id, '') = $2 and id = $1";
    NEXT_WINDOW = "update plugins set canary_calls = 0, canary_failures = 0
        where coalesce(organization_id, '') = $2 and id = $1";
}

impl Store {
    /// Makes a version the active one, or has it tried on a share of the documents where there are terms. It may be in
    /// any state. A canary that was under way ends.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn activate_plugin(
        &self,
        actor: &Actor,
        (owner, name, version): (Option<&str>, &str, &str),
        terms: Option<&CanaryTerms>,
    ) -> Result<PluginChange, Error> {
        let mut tx = self.begin().await?;
        let Some(record) = self.locked_plugin(&mut tx, owner, name).await? else {
            return Ok(PluginChange::NotFound);
        };
        let Some(version) = record.version(version) else { return Ok(PluginChange::NotFound) };
        let changed = match terms {
            Some(_) if version.state == PluginState::Active => {
                return Ok(PluginChange::InUse(PluginState::Active));
            }
            Some(terms) => self.start_canary(&mut tx, actor, &record, version, terms).await?,
            None if version.state == PluginState::Active && record.plugin.canary.is_none() => {
                return Ok(PluginChange::Done(record));
            }
            None => self.make_active(&mut tx, actor, &record, version, PluginStep::Activated).await?,
        };
        tx.commit().await?;
        Ok(PluginChange::Done(changed))
    }

    /// Ends the canary, or where there is none makes the version the active one again that was it before.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn roll_back_plugin(
        &self,
        actor: &Actor,
        owner: Option<&str>,
        name: &str,
    ) -> Result<PluginChange, Error> {
        let mut tx = self.begin().await?;
        let Some(record) = self.locked_plugin(&mut tx, owner, name).await? else {
            return Ok(PluginChange::NotFound);
        };
        let changed = match (&record.plugin.canary, record.previous()) {
            (Some(canary), _) => {
                let Some(version) = record.by_id(&canary.version_id) else {
                    return Ok(PluginChange::NotFound);
                };
                self.put_aside(&mut tx, actor, &record, version).await?
            }
            (None, Some(previous)) => {
                self.make_active(&mut tx, actor, &record, previous, PluginStep::RolledBack).await?
            }
            (None, None) => return Ok(PluginChange::NothingBefore),
        };
        tx.commit().await?;
        Ok(PluginChange::Done(changed))
    }

    /// Puts a version aside, be it the active one. `needs` says whether a template would then have no plugin.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn retire_plugin(
        &self,
        actor: &Actor,
        (owner, name, version): (Option<&str>, &str, &str),
        needs: impl Fn(&PluginRecord, &PinningTemplate) -> bool + Send,
    ) -> Result<PluginChange, Error> {
        let mut tx = self.begin().await?;
        let Some(record) = self.locked_plugin(&mut tx, owner, name).await? else {
            return Ok(PluginChange::NotFound);
        };
        let Some(version) = record.version(version) else { return Ok(PluginChange::NotFound) };
        if version.state == PluginState::Retired {
            return Ok(PluginChange::Done(record));
        }
        if version.state == PluginState::Active {
            let mut needed = pinning_templates(&mut tx, &record.plugin).await?;
            needed.retain(|template| needs(&record, template));
            if !needed.is_empty() {
                return Ok(PluginChange::Needed(needed));
            }
        }
        let changed = self.put_aside(&mut tx, actor, &record, version).await?;
        tx.commit().await?;
        Ok(PluginChange::Done(changed))
    }

    /// Deletes a version that is neither active nor the canary; its component is the caller's to delete. `needs` says
    /// whether a template would then have no plugin.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn delete_plugin_version(
        &self,
        actor: &Actor,
        (owner, name, version): (Option<&str>, &str, &str),
        needs: impl Fn(&PluginRecord, &PinningTemplate) -> bool + Send,
    ) -> Result<PluginChange, Error> {
        let mut tx = self.begin().await?;
        let Some(record) = self.locked_plugin(&mut tx, owner, name).await? else {
            return Ok(PluginChange::NotFound);
        };
        let Some(version) = record.version(version) else { return Ok(PluginChange::NotFound) };
        if matches!(version.state, PluginState::Active | PluginState::Canary) {
            return Ok(PluginChange::InUse(version.state));
        }
        let mut needed = pinning_templates(&mut tx, &record.plugin).await?;
        needed.retain(|template| needs(&record, template));
        if !needed.is_empty() {
            return Ok(PluginChange::Needed(needed));
        }
        tx.execute(&FORGET, arguments![&version.id, &version.replaces]).await?;
        tx.execute(&DELETE, arguments![&version.id]).await?;
        let changed = self.changed(&mut tx, &record.plugin.id).await?;
        self.note_step(&mut tx, actor, &changed.plugin, (version, None), PluginStep::Deleted).await?;
        tx.commit().await?;
        Ok(PluginChange::Done(changed))
    }

    /// Does with a canary what is to be done after a call, in the caller's transaction, which has locked the plugin.
    /// Answers whether other versions run now.
    pub(super) async fn judge_canary(
        &self,
        tx: &mut Transaction,
        plugin_id: &str,
        canary: &Canary,
    ) -> Result<bool, Error> {
        let verdict = canary.verdict();
        if verdict == Verdict::Continue {
            return Ok(false);
        }
        let record = super::read_record(tx, plugin_id).await?;
        let Some(version) = record.by_id(&canary.version_id) else { return Ok(false) };
        let actor = Actor::system();
        match verdict {
            Verdict::Continue => {}
            Verdict::NextWindow => {
                tx.execute(&NEXT_WINDOW, arguments![plugin_id, owner(&record)]).await?;
            }
            Verdict::Promote => {
                self.make_active(tx, &actor, &record, version, PluginStep::Promoted).await?;
            }
            Verdict::TakeBack => self.take_back(tx, &actor, &record, version, canary).await?,
        }
        Ok(verdict != Verdict::NextWindow)
    }

    async fn make_active(
        &self,
        tx: &mut Transaction,
        actor: &Actor,
        record: &PluginRecord,
        version: &PluginVersion,
        step: PluginStep,
    ) -> Result<PluginRecord, Error> {
        self.end_canary(tx, actor, record, version).await?;
        let before = record.active().filter(|active| active.id != version.id);
        if let Some(before) = before {
            tx.execute(&SET_STATE, arguments![&before.id, PluginState::Retired.as_str(), None::<&str>])
                .await?;
        }
        // A version that is rolled back to keeps what it had replaced, so that the next rollback goes further back.
        let replaces = match (step, before) {
            (PluginStep::RolledBack, _) | (_, None) => version.replaces.as_ref(),
            (_, Some(before)) => Some(&before.id),
        };
        let replaces = replaces.filter(|replaced| **replaced != version.id).cloned();
        tx.execute(&ACTIVATE, arguments![&version.id, self.clock.now(), replaces]).await?;
        let changed = self.changed(tx, &record.plugin.id).await?;
        if let Some(version) = changed.by_id(&version.id) {
            self.note_step(tx, actor, &changed.plugin, (version, before), step).await?;
        }
        Ok(changed)
    }

    async fn start_canary(
        &self,
        tx: &mut Transaction,
        actor: &Actor,
        record: &PluginRecord,
        version: &PluginVersion,
        terms: &CanaryTerms,
    ) -> Result<PluginRecord, Error> {
        self.end_canary(tx, actor, record, version).await?;
        tx.execute(&SET_STATE, arguments![&version.id, PluginState::Canary.as_str(), None::<&str>]).await?;
        let terms = to_json("canary_terms", terms)?;
        let bound = arguments![&record.plugin.id, &version.id, terms, self.clock.now(), owner(record)];
        tx.execute(&START_CANARY, bound).await?;
        let changed = self.changed(tx, &record.plugin.id).await?;
        if let Some(version) = changed.by_id(&version.id) {
            let versions = (version, record.active());
            self.note_step(tx, actor, &changed.plugin, versions, PluginStep::CanaryStarted).await?;
        }
        Ok(changed)
    }

    /// Ends the canary that is under way, if there is one. The version that is the next canary or active one is not
    /// put aside.
    async fn end_canary(
        &self,
        tx: &mut Transaction,
        actor: &Actor,
        record: &PluginRecord,
        next: &PluginVersion,
    ) -> Result<(), Error> {
        let Some(canary) = &record.plugin.canary else { return Ok(()) };
        tx.execute(&END_CANARY, arguments![&record.plugin.id, owner(record)]).await?;
        let Some(version) = record.by_id(&canary.version_id).filter(|version| version.id != next.id) else {
            return Ok(());
        };
        tx.execute(&SET_STATE, arguments![&version.id, PluginState::Retired.as_str(), None::<&str>]).await?;
        let plugin = Plugin { canary: None, ..record.plugin.clone() };
        let version = PluginVersion { state: PluginState::Retired, ..version.clone() };
        self.note_step(tx, actor, &plugin, (&version, None), PluginStep::Retired).await
    }

    async fn put_aside(
        &self,
        tx: &mut Transaction,
        actor: &Actor,
        record: &PluginRecord,
        version: &PluginVersion,
    ) -> Result<PluginRecord, Error> {
        if version.state == PluginState::Canary {
            tx.execute(&END_CANARY, arguments![&record.plugin.id, owner(record)]).await?;
        }
        tx.execute(&SET_STATE, arguments![&version.id, PluginState::Retired.as_str(), None::<&str>]).await?;
        let changed = self.changed(tx, &record.plugin.id).await?;
        if let Some(version) = changed.by_id(&version.id) {
            self.note_step(tx, actor, &changed.plugin, (version, None), PluginStep::Retired).await?;
        }
        Ok(changed)
    }

    async fn take_back(
        &self,
        tx: &mut Transaction,
        actor: &Actor,
        record: &PluginRecord,
        version: &PluginVersion,
        canary: &Canary,
    ) -> Result<(), Error> {
        let reason = format!(
            "{} of {} calls failed because of the plugin, at most {} % may",
            canary.failures,
            canary.calls,
            canary.terms.max_error_rate * 100.0
        );
        tx.execute(&END_CANARY, arguments![&record.plugin.id, owner(record)]).await?;
        tx.execute(&SET_STATE, arguments![&version.id, PluginState::Failed.as_str(), reason]).await?;
        let changed = self.changed(tx, &record.plugin.id).await?;
        if let Some(version) = changed.by_id(&version.id) {
            let versions = (version, changed.active());
            self.note_step(tx, actor, &changed.plugin, versions, PluginStep::Failed).await?;
        }
        Ok(())
    }
}

/// The owner of a plugin, as statements want it.
fn owner(record: &PluginRecord) -> &str {
    record.plugin.organization_id.as_deref().unwrap_or_default()
}
