//! The audit log: written in the transaction of what it tells, never changed.

use serde_json::Value;

use super::engine::Transaction;
use super::statement::{FromRow, Row, arguments, statements, to_optional_json};
use super::{Error, Store};
use crate::domain::audit::{Actor, ActorKind, AuditEntry};
use crate::domain::listing::{Listing, Page};

statements! {
    "audit";
    INSERT = "insert into audit (id, organization_id, actor_kind, actor_id, action, target, changes, address,
            created_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    LIST = "select id, organization_id, actor_kind, actor_id, action, target, changes, address, created_at
        from audit where organization_id = $1 order by id desc limit $2 offset $3";
    COUNT = "select count(*) as total from audit where organization_id = $1";
}

/// What happened, for the audit log.
pub(super) struct Event<'a> {
    pub(super) organization_id: &'a str,
    pub(super) actor: &'a Actor,
    /// `entity.verb`.
    pub(super) action: &'static str,
    pub(super) target: &'a str,
    pub(super) changes: Option<Value>,
}

impl Store {
    /// The organization's audit log, newest first.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn list_audit(&self, organization_id: &str, page: Page) -> Result<Listing<AuditEntry>, Error> {
        let items = self.engine.list(&LIST, arguments![organization_id, page.limit, page.offset()]).await?;
        let total = self.engine.count(&COUNT, arguments![organization_id]).await?;
        Ok(Listing { items, total })
    }

    /// Writes a line of the audit log in the caller's transaction.
    pub(super) async fn audit(&self, tx: &mut Transaction, event: Event<'_>) -> Result<(), Error> {
        let changes = to_optional_json("changes", event.changes.as_ref())?;
        tx.execute(
            &INSERT,
            arguments![
                self.clock.new_id(),
                event.organization_id,
                event.actor.kind.as_str(),
                &event.actor.id,
                event.action,
                event.target,
                changes,
                &event.actor.address,
                self.clock.now()
            ],
        )
        .await?;
        Ok(())
    }
}

impl FromRow for AuditEntry {
    fn from_row(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            id: row.get("id")?,
            organization_id: row.get("organization_id")?,
            actor: Actor {
                kind: row.word("actor_kind", ActorKind::parse)?,
                id: row.get("actor_id")?,
                address: row.get("address")?,
            },
            action: row.get("action")?,
            target: row.get("target")?,
            changes: row.optional_json("changes")?,
            at: row.time("created_at")?,
        })
    }
}
