//! Deliveries of events to webhooks: made with their event, kept as a log, sent again on request.

use super::audit::Event as AuditEvent;
use super::events::Announcement;
use super::statement::{FromRow, Row, arguments, statements};
use super::{Error, Store, Transaction, webhooks};
use crate::domain::audit::Actor;
use crate::domain::event::{Event, EventKind};
use crate::domain::listing::{Listing, Page};
use crate::domain::tenant::Tenant;
use crate::domain::webhook::{
    AttemptAnswer, AttemptFailure, Delivery, DeliveryAttempt, DeliveryRecord, DeliveryState, Resending,
    Trial, WebhookStatus,
};

macro_rules! columns {
    () => {
        "d.id as id, d.endpoint_id as endpoint_id, e.public_id as public_id, e.kind as kind,
            d.state as state, d.attempt as attempt, d.due_at as due_at, d.created_at as created_at,
            d.finished_at as finished_at "
    };
}

macro_rules! select {
    () => {
        concat!("select ", columns!(), "from webhook_deliveries d join events e on e.id = d.event_id ")
    };
}

/// The deliveries of one webhook of a tenant, who is checked with the webhook.
macro_rules! of_webhook {
    () => {
        "where d.organization_id = $1 and d.endpoint_id = $2 "
    };
}

statements! {
    "deliveries";
    INSERT = "insert into webhook_deliveries (id, organization_id, endpoint_id, event_id, state, attempt,
            attempts_excused, due_at, created_at, updated_at)
        values ($1, $2, $3, $4, 'pending', 0, 0, $5, $5, $5)";
    LIST = concat!(
        select!(),
        of_webhook!(),
        "and (cast($3 as text) is null or d.state = $3) order by d.id desc limit $4 offset $5"
    );
    COUNT = concat!(
        "select count(*) as total from webhook_deliveries d ",
        of_webhook!(),
        "and (cast($3 as text) is null or d.state = $3)"
    );
    FIND = concat!(select!(), of_webhook!(), "and d.id = $3");
    /// The delivery once for each attempt: in one statement, so that the one does not tell more than the other.
    FIND_WITH_ATTEMPTS = concat!(
        "select ",
        columns!(),
        ", a.attempt as number, a.started_at as started_at, a.duration_ms as duration_ms,
            a.response_status as response_status, a.response_body as response_body,
            a.failure_code as failure_code, a.failure_message as failure_message
        from webhook_deliveries d join events e on e.id = d.event_id
            left join webhook_attempts a on a.delivery_id = d.id ",
        of_webhook!(),
        "and d.id = $3 order by a.attempt limit $4"
    );
    RESEND = "update webhook_deliveries set state = 'pending', due_at = $4, attempts_excused = attempt,
            sender = null, finished_at = null, updated_at = $4
        where organization_id = $1 and endpoint_id = $2 and id = $3 and (sender is null or due_at <= $4)";
}

/// Most attempts of one delivery that are told: far above what the retries of a few re-sendings make.
const ATTEMPTS_LIMIT: u32 = 1000;

impl Store {
    /// The log of a webhook's deliveries, newest first; `None` where the tenant has no such webhook.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn list_deliveries(
        &self,
        tenant: &Tenant,
        webhook_id: &str,
        state: Option<DeliveryState>,
        page: Page,
    ) -> Result<Option<Listing<Delivery>>, Error> {
        let Some(webhook) = self.webhook(tenant, webhook_id).await? else { return Ok(None) };
        let restriction = arguments![&webhook.organization_id, webhook_id, state.map(DeliveryState::as_str)];
        let total = self.engine.count(&COUNT, restriction.clone()).await?;
        let mut bound = restriction;
        bound.extend(arguments![page.limit, page.offset()]);
        Ok(Some(Listing { items: self.engine.list(&LIST, bound).await?, total }))
    }

    /// A delivery with its event and every attempt; `None` where the tenant has no such webhook or delivery.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn delivery(
        &self,
        tenant: &Tenant,
        webhook_id: &str,
        id: &str,
    ) -> Result<Option<DeliveryRecord>, Error> {
        let Some(webhook) = self.webhook(tenant, webhook_id).await? else { return Ok(None) };
        let organization_id = &webhook.organization_id;
        let bound = arguments![organization_id, webhook_id, id, ATTEMPTS_LIMIT];
        let rows = self.engine.fetch_all(&FIND_WITH_ATTEMPTS, bound).await?;
        let Some(first) = rows.first() else { return Ok(None) };
        let delivery = Delivery::from_row(first)?;
        let mut attempts = Vec::with_capacity(rows.len());
        for row in &rows {
            if row.optional_number::<u32>("number")?.is_some() {
                attempts.push(DeliveryAttempt::from_row(row)?);
            }
        }
        let Some(event) = self.event_of_delivery(organization_id, id).await? else { return Ok(None) };
        Ok(Some(DeliveryRecord { delivery, event, attempts }))
    }

    /// Has a delivery sent again now, with the same event, whatever became of it before.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn resend_delivery(
        &self,
        actor: &Actor,
        tenant: &Tenant,
        webhook_id: &str,
        id: &str,
    ) -> Result<Resending, Error> {
        let mut tx = self.begin().await?;
        let found = self.lock_webhook(&mut tx, tenant, webhook_id).await?;
        let Some(webhook) = found else { return Ok(Resending::NotFound) };
        let organization_id = &webhook.organization_id;
        let is_there = tx.fetch_optional(&FIND, arguments![organization_id, webhook_id, id]).await?.is_some();
        if !is_there {
            return Ok(Resending::NotFound);
        }
        if webhook.status != WebhookStatus::Active {
            return Ok(Resending::Inactive(webhook.status));
        }
        let now = self.clock.now();
        let touched = tx.execute(&RESEND, arguments![organization_id, webhook_id, id, now]).await?;
        if touched == 0 {
            return Ok(Resending::UnderWay);
        }
        let audited = AuditEvent {
            organization_id,
            actor,
            action: "webhook.delivery_resent",
            target: webhook_id,
            changes: Some(serde_json::json!({ "deliveryId": id })),
        };
        self.audit(&mut tx, audited).await?;
        let delivery = tx.read(&FIND, arguments![organization_id, webhook_id, id]).await?;
        tx.commit().await?;
        Ok(Resending::Accepted(Box::new(delivery)))
    }

    /// Has a test event delivered to a webhook, and to no other.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn try_webhook(&self, actor: &Actor, tenant: &Tenant, id: &str) -> Result<Trial, Error> {
        let mut tx = self.begin().await?;
        let found = self.lock_webhook(&mut tx, tenant, id).await?;
        let Some(webhook) = found else { return Ok(Trial::NotFound) };
        if webhook.status != WebhookStatus::Active {
            return Ok(Trial::Inactive(webhook.status));
        }
        let announcement = Announcement {
            organization_id: &webhook.organization_id,
            project_id: webhook.project_id.as_deref(),
            kind: EventKind::WebhookTest,
            document_id: None,
            batch_id: None,
            payload: serde_json::json!({ "webhookId": webhook.id, "name": webhook.name }),
        };
        let event = self.announce(&mut tx, announcement).await?;
        let delivery_id = self.insert_delivery(&mut tx, &event, id).await?;
        self.audit_webhook(&mut tx, actor, &webhook, "webhook.tested").await?;
        let bound = arguments![&webhook.organization_id, id, &delivery_id];
        let delivery = tx.read(&FIND, bound).await?;
        tx.commit().await?;
        Ok(Trial::Accepted(Box::new(delivery)))
    }

    /// Makes a delivery of an event for each webhook that wants to hear of it, in the transaction of the event.
    pub(super) async fn fan_out(&self, tx: &mut Transaction, event: &Event) -> Result<(), Error> {
        for webhook_id in webhooks::listeners(tx, event).await? {
            self.insert_delivery(tx, event, &webhook_id).await?;
        }
        Ok(())
    }

    async fn insert_delivery(
        &self,
        tx: &mut Transaction,
        event: &Event,
        webhook_id: &str,
    ) -> Result<String, Error> {
        let id = self.clock.new_id();
        tx.execute(&INSERT, arguments![&id, &event.organization_id, webhook_id, &event.id, event.at]).await?;
        Ok(id)
    }
}

impl FromRow for Delivery {
    fn from_row(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            id: row.get("id")?,
            webhook_id: row.get("endpoint_id")?,
            event_id: row.get("public_id")?,
            kind: row.word("kind", EventKind::parse)?,
            state: row.word("state", DeliveryState::parse)?,
            attempts: row.number("attempt")?,
            due_at: row.time("due_at")?,
            created_at: row.time("created_at")?,
            finished_at: row.optional_time("finished_at")?,
        })
    }
}

impl FromRow for DeliveryAttempt {
    fn from_row(row: &Row) -> Result<Self, Error> {
        let failure = match row.get("failure_code")? {
            None => None,
            Some(code) => Some(AttemptFailure { code, message: row.get("failure_message")? }),
        };
        let answer = match row.optional_number("duration_ms")? {
            None => None,
            Some(duration_ms) => Some(AttemptAnswer {
                duration_ms,
                status: row.optional_number("response_status")?,
                body: row.get("response_body")?,
                failure,
            }),
        };
        Ok(Self { number: row.number("number")?, started_at: row.time("started_at")?, answer })
    }
}
