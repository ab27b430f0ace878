//! Webhooks: who wants to hear of what. What is secret of them comes and goes sealed.

use serde_json::json;

use super::audit::Event as AuditEvent;
use super::statement::{FromRow, Row, arguments, statements, to_json, within};
use super::{Error, Store, Transaction, plans};
use crate::domain::audit::Actor;
use crate::domain::event::{Event, EventKind};
use crate::domain::listing::{Listing, Page};
use crate::domain::tenant::Tenant;
use crate::domain::timestamp::Timestamp;
use crate::domain::webhook::{NewWebhook, Webhook, WebhookChanges, WebhookStatus};

macro_rules! select {
    () => {
        "select id, organization_id, project_id, name, description, url, events, custom_headers, secret,
            previous_secret, previous_secret_until, status, failing_since, delivered_at, created_at, updated_at
        from webhook_endpoints "
    };
}

macro_rules! listening {
    () => {
        "where organization_id = $1 and (project_id is null or project_id = $2)
            and status in ('active', 'paused') "
    };
}

statements! {
    "webhooks";
    LIST = concat!(select!(), within!("webhook_endpoints"), "order by id desc limit $3 offset $4");
    COUNT = concat!("select count(*) as total from webhook_endpoints ", within!("webhook_endpoints"));
    FIND = concat!(select!(), within!("webhook_endpoints"), "and id = $3");
    /// All that may have to hear of an event of a project, or of none.
    LISTENING = concat!(select!(), listening!(), "order by id"),
        // One that is just being deleted is waited for, instead of being referred to in vain.
        postgres: concat!(select!(), listening!(), "order by id for key share");
    INSERT = "insert into webhook_endpoints (id, organization_id, project_id, name, description, url, events,
            custom_headers, secret, status, attempted_at, created_by, created_at, updated_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, $11, $12, $12)";
    /// The lock under which a change is made.
    LOCK = concat!("update webhook_endpoints set status = status ", within!("webhook_endpoints"), "and id = $3");
    UPDATE = "update webhook_endpoints set name = $3, description = $4, url = $5, events = $6, custom_headers = $7,
            status = $8, failing_since = $9, updated_at = $10
        where organization_id = $1 and id = $2";
    ROTATE = "update webhook_endpoints set secret = $3, previous_secret = $4, previous_secret_until = $5,
            updated_at = $6
        where organization_id = $1 and id = $2";
    DELETE = concat!("delete from webhook_endpoints ", within!("webhook_endpoints"), "and id = $3");
}

impl Store {
    /// The tenant's webhooks, newest first. Those for every project are part of the organization as a whole only.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn list_webhooks(&self, tenant: &Tenant, page: Page) -> Result<Listing<Webhook>, Error> {
        let (organization_id, projects) = (&tenant.organization_id, &tenant.projects);
        let total = self.engine.count(&COUNT, arguments![organization_id, projects]).await?;
        let bound = arguments![organization_id, projects, page.limit, page.offset()];
        Ok(Listing { items: self.engine.list(&LIST, bound).await?, total })
    }

    /// A webhook of the tenant.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn webhook(&self, tenant: &Tenant, id: &str) -> Result<Option<Webhook>, Error> {
        self.engine.find(&FIND, arguments![&tenant.organization_id, &tenant.projects, id]).await
    }

    /// Makes a webhook.
    ///
    /// # Errors
    /// [`Error::MissingReference`] where there is no such project, [`Error::QuotaExceeded`] where the organization may
    /// have no more of them, or whatever else the database answers.
    pub async fn create_webhook(
        &self,
        actor: &Actor,
        organization_id: &str,
        new: NewWebhook,
    ) -> Result<Webhook, Error> {
        let mut tx = self.begin().await?;
        plans::check_one_more_webhook(&mut tx, organization_id).await?;
        tx.execute(
            &INSERT,
            arguments![
                &new.id,
                organization_id,
                &new.project_id,
                &new.name,
                &new.description,
                &new.url,
                event_words(&new.events)?,
                &new.sealed_headers,
                &new.sealed_secret,
                new.status.as_str(),
                &new.created_by,
                self.clock.now()
            ],
        )
        .await?;
        let made: Webhook = tx.read(&FIND, arguments![organization_id, &new.project_id, &new.id]).await?;
        self.audit_webhook(&mut tx, actor, &made, "webhook.created").await?;
        tx.commit().await?;
        Ok(made)
    }

    /// Changes a webhook of the tenant; `None` where there is none. One that is switched on again has a clean slate.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn update_webhook(
        &self,
        actor: &Actor,
        tenant: &Tenant,
        id: &str,
        changes: WebhookChanges,
    ) -> Result<Option<Webhook>, Error> {
        let mut tx = self.begin().await?;
        let Some(mut webhook) = self.lock_webhook(&mut tx, tenant, id).await? else { return Ok(None) };
        if changes.status == Some(WebhookStatus::Active) && webhook.status != WebhookStatus::Active {
            webhook.failing_since = None;
        }
        webhook.name = changes.name.unwrap_or(webhook.name);
        webhook.description = changes.description.unwrap_or(webhook.description);
        webhook.url = changes.url.unwrap_or(webhook.url);
        webhook.events = changes.events.unwrap_or(webhook.events);
        webhook.sealed_headers = changes.sealed_headers.unwrap_or(webhook.sealed_headers);
        webhook.status = changes.status.unwrap_or(webhook.status);
        webhook.updated_at = self.clock.now();
        tx.execute(
            &UPDATE,
            arguments![
                &webhook.organization_id,
                id,
                &webhook.name,
                &webhook.description,
                &webhook.url,
                event_words(&webhook.events)?,
                &webhook.sealed_headers,
                webhook.status.as_str(),
                webhook.failing_since,
                webhook.updated_at
            ],
        )
        .await?;
        self.audit_webhook(&mut tx, actor, &webhook, "webhook.updated").await?;
        tx.commit().await?;
        Ok(Some(webhook))
    }

    /// Gives a webhook of the tenant a new secret, sealed; the one before signs beside it until a time. `None` where
    /// there is no such webhook.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn rotate_webhook_secret(
        &self,
        actor: &Actor,
        tenant: &Tenant,
        id: &str,
        sealed_secret: &str,
        previous_until: Timestamp,
    ) -> Result<Option<Webhook>, Error> {
        let mut tx = self.begin().await?;
        let Some(mut webhook) = self.lock_webhook(&mut tx, tenant, id).await? else { return Ok(None) };
        let previous = std::mem::replace(&mut webhook.sealed_secret, sealed_secret.to_owned());
        webhook.updated_at = self.clock.now();
        let bound = arguments![
            &webhook.organization_id,
            id,
            sealed_secret,
            &previous,
            previous_until,
            webhook.updated_at
        ];
        tx.execute(&ROTATE, bound).await?;
        webhook.previous_secret = Some((previous, previous_until));
        self.audit_webhook(&mut tx, actor, &webhook, "webhook.secret_rotated").await?;
        tx.commit().await?;
        Ok(Some(webhook))
    }

    /// Deletes a webhook of the tenant with the log of its deliveries; `false` where there is none.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn delete_webhook(&self, actor: &Actor, tenant: &Tenant, id: &str) -> Result<bool, Error> {
        let mut tx = self.begin().await?;
        let Some(webhook) = self.lock_webhook(&mut tx, tenant, id).await? else { return Ok(false) };
        tx.execute(&DELETE, arguments![&tenant.organization_id, &tenant.projects, id]).await?;
        self.audit_webhook(&mut tx, actor, &webhook, "webhook.deleted").await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Reads a webhook of the tenant and keeps others from changing it until the transaction ends.
    pub(super) async fn lock_webhook(
        &self,
        tx: &mut Transaction,
        tenant: &Tenant,
        id: &str,
    ) -> Result<Option<Webhook>, Error> {
        let (organization_id, projects) = (&tenant.organization_id, &tenant.projects);
        tx.execute(&LOCK, arguments![organization_id, projects, id]).await?;
        tx.find(&FIND, arguments![organization_id, projects, id]).await
    }

    /// Writes a line of the audit log about a webhook in the caller's transaction.
    pub(super) async fn audit_webhook(
        &self,
        tx: &mut Transaction,
        actor: &Actor,
        webhook: &Webhook,
        action: &'static str,
    ) -> Result<(), Error> {
        let event = AuditEvent {
            organization_id: &webhook.organization_id,
            actor,
            action,
            target: &webhook.id,
            changes: Some(json!({
                "name": webhook.name,
                "url": webhook.url,
                "status": webhook.status.as_str(),
            })),
        };
        self.audit(tx, event).await
    }
}

/// Ids of the webhooks that are to hear of an event.
pub(super) async fn listeners(tx: &mut Transaction, event: &Event) -> Result<Vec<String>, Error> {
    let rows = tx.fetch_all(&LISTENING, arguments![&event.organization_id, &event.project_id]).await?;
    let webhooks: Vec<Webhook> = rows.iter().map(Webhook::from_row).collect::<Result<_, _>>()?;
    Ok(webhooks
        .into_iter()
        .filter(|webhook| webhook.events.contains(&event.kind))
        .map(|webhook| webhook.id)
        .collect())
}

/// A webhook by its id, for those who have the id from a delivery.
pub(super) async fn read(tx: &mut Transaction, organization_id: &str, id: &str) -> Result<Webhook, Error> {
    tx.read(&FIND, arguments![organization_id, None::<&str>, id]).await
}

fn event_words(events: &[EventKind]) -> Result<String, Error> {
    let words: Vec<&str> = events.iter().map(|kind| kind.as_str()).collect();
    to_json("events", &words)
}

impl FromRow for Webhook {
    fn from_row(row: &Row) -> Result<Self, Error> {
        let words: Vec<String> = row.json("events")?;
        let events = words.iter().map(|word| {
            EventKind::parse(word)
                .ok_or_else(|| row.corrupt("events", format!("`{word}` is not a known word")))
        });
        let previous_secret = row.get::<Option<String>>("previous_secret")?;
        Ok(Self {
            id: row.get("id")?,
            organization_id: row.get("organization_id")?,
            project_id: row.get("project_id")?,
            name: row.get("name")?,
            description: row.get("description")?,
            url: row.get("url")?,
            events: events.collect::<Result<_, _>>()?,
            sealed_headers: row.get("custom_headers")?,
            sealed_secret: row.get("secret")?,
            previous_secret: previous_secret.zip(row.optional_time("previous_secret_until")?),
            status: row.word("status", WebhookStatus::parse)?,
            failing_since: row.optional_time("failing_since")?,
            delivered_at: row.optional_time("delivered_at")?,
            created_at: row.time("created_at")?,
            updated_at: row.time("updated_at")?,
        })
    }
}
