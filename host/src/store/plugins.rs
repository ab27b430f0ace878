//! Plugins that were uploaded: their versions, what was done to them, and the generation by which processes notice.
//!
//! Whoever changes a plugin locks its row first and counts up the generation last, whose row stays locked until the
//! commit. So the changes of one plugin follow one another, and whoever has read up to one generation has missed none.

use std::collections::BTreeMap;

use super::engine::Transaction;
use super::statement::{FromRow, Row, arguments, statements, to_json};
use super::{Error, Store};
use crate::domain::audit::{Actor, ActorKind};
use crate::domain::listing::{Listing, Page};
use crate::domain::plugin::{
    Canary, Keeping, NewPluginVersion, PinningTemplate, Plugin, PluginEntry, PluginRecord, PluginState,
    PluginStep, PluginVersion,
};

mod calls;
mod changes;
mod steps;

/// The statements of this module and of those below it.
pub(super) static EVERY: &[&[&super::Statement]] = &[ALL, calls::ALL, changes::ALL, steps::ALL];

macro_rules! columns {
    () => {
        "id, organization_id, name, generation, canary_version_id, canary_terms, canary_calls, canary_failures,
            canary_started_at, created_at, updated_at "
    };
}
use columns;

/// An organization's own plugins (`$1`), or everybody's where that is empty.
macro_rules! owned {
    () => {
        "where coalesce(organization_id, '') = $1 "
    };
}

macro_rules! version_select {
    ($description:literal) => {
        concat!(
            "select v.id as id, v.plugin_id as plugin_id, v.version as version, v.sha256 as sha256,
                v.size_bytes as size_bytes, ",
            $description,
            " as description, v.state as state, v.reason as reason, v.replaces_id as replaces_id,
                v.actor_kind as actor_kind, v.actor_id as actor_id, v.created_at as created_at,
                v.activated_at as activated_at, v.wishes as wishes, v.signed_by as signed_by
            from plugin_versions v join plugins p on p.id = v.plugin_id "
        )
    };
}

statements! {
    "plugins";
    GENERATION = "select generation from plugin_generation where id = 1";
    NEXT_GENERATION = "update plugin_generation set generation = generation + 1 where id = 1 returning generation";
    CHANGED = concat!("select ", columns!(), "from plugins where generation > $1 order by generation");
    /// What components say of themselves is long, and who follows changes asks the components.
    CHANGED_VERSIONS = concat!(
        version_select!("'{}'"),
        "where p.generation > $1 order by v.plugin_id, v.id desc"
    );
    LIST = concat!(
        "select ", columns!(),
        "from plugins where organization_id = $1 or organization_id is null order by name, id"
    );
    LIST_VERSIONS = concat!(
        version_select!("v.description"),
        "where p.organization_id = $1 or p.organization_id is null order by v.plugin_id, v.id desc"
    );
    FIND = concat!("select ", columns!(), "from plugins ", owned!(), "and name = $2");
    FIND_BY_ID = concat!("select ", columns!(), "from plugins where id = $1");
    VERSIONS = concat!(version_select!("v.description"), "where v.plugin_id = $1 order by v.id desc");
    INSERT = "insert into plugins (id, organization_id, name, generation, created_at, updated_at)
        values ($1, $2, $3, 0, $4, $4)
        on conflict (coalesce(organization_id, ''), name) do nothing";
    /// Changes nothing: the lock under which a change is made.
    LOCK = concat!("update plugins set generation = generation ", owned!(), "and name = $2 returning id");
    CHANGE = "update plugins set generation = $2, updated_at = $3 where id = $1";
    INSERT_VERSION = "insert into plugin_versions (id, plugin_id, version, sha256, size_bytes, description, state,
            actor_kind, actor_id, created_at, wishes, signed_by)
        values ($1, $2, $3, $4, $5, $6, 'draft', $7, $8, $9, $10, $11)";
    HOLDS = "select id from plugin_versions where id = $1";
    /// The templates in force that name a plugin: those of an organization, or of all where `$1` is empty.
    PINNING = "select t.id as id, v.name as name, v.plugin_version as plugin_version
        from templates t join template_versions v on v.template_id = t.id and v.version = t.version
        where ($1 = '' or t.organization_id = $1) and v.plugin = $2 and t.deleted_at is null
        order by t.id limit $3";
    HISTORY = "select s.id as id, s.version as version, s.sha256 as sha256, s.step as step, s.reason as reason,
            s.actor_kind as actor_kind, s.actor_id as actor_id, s.created_at as created_at
        from plugin_steps s join plugins p on p.id = s.plugin_id
        where coalesce(p.organization_id, '') = $1 and p.name = $2
        order by s.id desc limit $3 offset $4";
    COUNT_HISTORY = "select count(*) as total from plugin_steps s join plugins p on p.id = s.plugin_id
        where coalesce(p.organization_id, '') = $1 and p.name = $2";
}

/// Most templates that are looked at for whether they need a version.
const TEMPLATES: u32 = 100_000;

impl Store {
    /// The generation of the last change of any plugin.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn plugin_generation(&self) -> Result<u64, Error> {
        self.engine.fetch_optional(&GENERATION, vec![]).await?.map_or(Ok(0), |row| row.number("generation"))
    }

    /// The plugins of all organizations that were changed after a generation, without what their components say of
    /// themselves.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn changed_plugins(&self, since: u64) -> Result<Vec<PluginRecord>, Error> {
        let plugins = self.engine.list(&CHANGED, arguments![since]).await?;
        Ok(records(plugins, self.engine.list(&CHANGED_VERSIONS, arguments![since]).await?))
    }

    /// The plugins of an organization and everybody's, by name; without an organization only everybody's.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn list_plugins(&self, organization_id: Option<&str>) -> Result<Vec<PluginRecord>, Error> {
        let plugins = self.engine.list(&LIST, arguments![organization_id]).await?;
        Ok(records(plugins, self.engine.list(&LIST_VERSIONS, arguments![organization_id]).await?))
    }

    /// A plugin of an organization, or of everybody where none is given.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn plugin(&self, owner: Option<&str>, name: &str) -> Result<Option<PluginRecord>, Error> {
        let found = self.engine.find(&FIND, arguments![owner.unwrap_or_default(), name]).await?;
        let Some(plugin): Option<Plugin> = found else { return Ok(None) };
        let versions = self.engine.list(&VERSIONS, arguments![&plugin.id]).await?;
        Ok(Some(PluginRecord { plugin, versions }))
    }

    /// Whether a version is there, whose ever it is.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn holds_plugin_version(&self, id: &str) -> Result<bool, Error> {
        Ok(self.engine.fetch_optional(&HOLDS, arguments![id]).await?.is_some())
    }

    /// What was done to a plugin's versions, newest first.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn plugin_history(
        &self,
        owner: Option<&str>,
        name: &str,
        page: Page,
    ) -> Result<Listing<PluginEntry>, Error> {
        let owner = owner.unwrap_or_default();
        let total = self.engine.count(&COUNT_HISTORY, arguments![owner, name]).await?;
        let bound = arguments![owner, name, page.limit, page.offset()];
        Ok(Listing { items: self.engine.list(&HISTORY, bound).await?, total })
    }

    /// Keeps a version of a plugin of an organization, or of everybody where none is given: a draft.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn keep_plugin(
        &self,
        actor: &Actor,
        owner: Option<&str>,
        new: &NewPluginVersion,
    ) -> Result<Keeping, Error> {
        let now = self.clock.now();
        let mut tx = self.begin().await?;
        tx.execute(&INSERT, arguments![self.clock.new_id(), owner, &new.name, now]).await?;
        let locked = tx.fetch_optional(&LOCK, arguments![owner.unwrap_or_default(), &new.name]).await?;
        let Some(locked) = locked else {
            return Err(Error::MissingReference { statement: LOCK.name });
        };
        let plugin_id: String = locked.get("id")?;
        let before = read_record(&mut tx, &plugin_id).await?;
        if let Some(known) = before.version(&new.version) {
            return Ok(match known.digest == new.digest {
                true => Keeping::Known(before),
                false => Keeping::OtherDigest(known.digest.clone()),
            });
        }
        tx.execute(
            &INSERT_VERSION,
            arguments![
                &new.id,
                &plugin_id,
                &new.version,
                &new.digest,
                new.size_bytes,
                to_json("description", &new.description)?,
                actor.kind.as_str(),
                &actor.id,
                now,
                to_json("wishes", &new.wishes)?,
                &new.signed_by
            ],
        )
        .await?;
        let after = self.changed(&mut tx, &plugin_id).await?;
        if let Some(version) = after.by_id(&new.id) {
            self.note_step(&mut tx, actor, &after.plugin, (version, None), PluginStep::Uploaded).await?;
        }
        tx.commit().await?;
        Ok(Keeping::Kept(after))
    }

    /// Locks a plugin and reads it; `None` where there is none.
    async fn locked_plugin(
        &self,
        tx: &mut Transaction,
        owner: Option<&str>,
        name: &str,
    ) -> Result<Option<PluginRecord>, Error> {
        let Some(row) = tx.fetch_optional(&LOCK, arguments![owner.unwrap_or_default(), name]).await? else {
            return Ok(None);
        };
        let id: String = row.get("id")?;
        read_record(tx, &id).await.map(Some)
    }

    /// Counts up the generation, gives it to a plugin, and reads what the plugin is now.
    async fn changed(&self, tx: &mut Transaction, plugin_id: &str) -> Result<PluginRecord, Error> {
        let row = tx.fetch_optional(&NEXT_GENERATION, vec![]).await?;
        let generation: u64 = row.map_or(Ok(1), |row| row.number("generation"))?;
        tx.execute(&CHANGE, arguments![plugin_id, generation, self.clock.now()]).await?;
        read_record(tx, plugin_id).await
    }
}

/// The templates of an organization, or of all, that name a plugin.
async fn pinning_templates(tx: &mut Transaction, plugin: &Plugin) -> Result<Vec<PinningTemplate>, Error> {
    let owner = plugin.organization_id.as_deref().unwrap_or_default();
    let rows = tx.fetch_all(&PINNING, arguments![owner, &plugin.name, TEMPLATES]).await?;
    rows.iter().map(PinningTemplate::from_row).collect()
}

async fn read_record(tx: &mut Transaction, plugin_id: &str) -> Result<PluginRecord, Error> {
    let plugin = tx.read(&FIND_BY_ID, arguments![plugin_id]).await?;
    let versions = tx.fetch_all(&VERSIONS, arguments![plugin_id]).await?;
    let versions = versions.iter().map(PluginVersion::from_row).collect::<Result<_, _>>()?;
    Ok(PluginRecord { plugin, versions })
}

fn records(plugins: Vec<Plugin>, versions: Vec<PluginVersion>) -> Vec<PluginRecord> {
    let mut by_plugin: BTreeMap<String, Vec<PluginVersion>> = BTreeMap::new();
    for version in versions {
        by_plugin.entry(version.plugin_id.clone()).or_default().push(version);
    }
    let with_versions = |plugin: Plugin| {
        let versions = by_plugin.remove(&plugin.id).unwrap_or_default();
        PluginRecord { plugin, versions }
    };
    plugins.into_iter().map(with_versions).collect()
}

fn actor(row: &Row) -> Result<Actor, Error> {
    Ok(Actor { kind: row.word("actor_kind", ActorKind::parse)?, id: row.get("actor_id")?, address: None })
}

impl FromRow for Plugin {
    fn from_row(row: &Row) -> Result<Self, Error> {
        let canary = match row.get::<Option<String>>("canary_version_id")? {
            None => None,
            Some(version_id) => Some(Canary {
                version_id,
                terms: row.json("canary_terms")?,
                calls: row.number("canary_calls")?,
                failures: row.number("canary_failures")?,
                started_at: row.time("canary_started_at")?,
            }),
        };
        Ok(Self {
            id: row.get("id")?,
            organization_id: row.get("organization_id")?,
            name: row.get("name")?,
            canary,
            generation: row.number("generation")?,
            created_at: row.time("created_at")?,
            updated_at: row.time("updated_at")?,
        })
    }
}

impl FromRow for PluginVersion {
    fn from_row(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            id: row.get("id")?,
            plugin_id: row.get("plugin_id")?,
            version: row.get("version")?,
            digest: row.get("sha256")?,
            size_bytes: row.number("size_bytes")?,
            description: row.json("description")?,
            wishes: row.optional_json("wishes")?,
            signed_by: row.get("signed_by")?,
            state: row.word("state", PluginState::parse)?,
            reason: row.get("reason")?,
            replaces: row.get("replaces_id")?,
            created_by: actor(row)?,
            created_at: row.time("created_at")?,
            activated_at: row.optional_time("activated_at")?,
        })
    }
}

impl FromRow for PluginEntry {
    fn from_row(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            id: row.get("id")?,
            version: row.get("version")?,
            digest: row.get("sha256")?,
            step: row.word("step", PluginStep::parse)?,
            reason: row.get("reason")?,
            actor: actor(row)?,
            at: row.time("created_at")?,
        })
    }
}

impl FromRow for PinningTemplate {
    fn from_row(row: &Row) -> Result<Self, Error> {
        Ok(Self { id: row.get("id")?, name: row.get("name")?, version: row.get("plugin_version")? })
    }
}
