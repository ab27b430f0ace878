//! What senders do to deliveries: take them under a lease, and record what came of an attempt. A write of a sender
//! counts only while its attempt is the latest, so that one that was given up cannot write over its successor.
//!
//! A webhook is locked before its deliveries, here as elsewhere: senders take turns at it.

use std::time::Duration;

use super::statement::{Argument, arguments, statements};
use super::{Error, Store, events, webhooks};
use crate::domain::audit::Actor;
use crate::domain::event::Event;
use crate::domain::timestamp::Timestamp;
use crate::domain::webhook::{AttemptAnswer, DeliveryState, Verdict, Webhook, WebhookStatus};

statements! {
    "sending";
    /// Webhooks with something due and room for it: those that work first, then those whose turn is longest ago.
    DUE = "select c.id as id from (
            select e.id as id, e.failing_since as failing_since, e.attempted_at as attempted_at, (
                select count(*) from webhook_deliveries f
                where f.endpoint_id = e.id and f.state = 'pending' and f.sender is not null and f.due_at > $1
            ) as under_way
            from webhook_endpoints e
            where e.status = 'active' and exists (
                select 1 from webhook_deliveries d
                where d.endpoint_id = e.id and d.state = 'pending' and d.due_at <= $1
            )
        ) c
        where c.under_way < case when c.failing_since is null then cast($2 as bigint) else 1 end
        order by case when c.failing_since is null then 0 else 1 end, c.attempted_at, c.id limit $3";
    TAKE_TURN = "update webhook_endpoints set attempted_at = $2 where id = $1 and status = 'active'
        returning organization_id, failing_since";
    UNDER_WAY = "select count(*) as total from webhook_deliveries
        where endpoint_id = $1 and state = 'pending' and sender is not null and due_at > $2";
    TAKE = "update webhook_deliveries set sender = $2, attempt = attempt + 1, due_at = $3, updated_at = $4
        where state = 'pending' and id in (
            select id from webhook_deliveries
            where endpoint_id = $1 and state = 'pending' and due_at <= $4 order by due_at, id limit $5
        )
        returning id, event_id, attempt, attempts_excused";
    BEGIN_ATTEMPT = "insert into webhook_attempts (delivery_id, attempt, started_at) values ($1, $2, $3)";
    END_ATTEMPT = "update webhook_attempts set duration_ms = $3, response_status = $4, response_body = $5,
            failure_code = $6, failure_message = $7
        where delivery_id = $1 and attempt = $2";
    SUCCEEDED = "update webhook_endpoints set failing_since = null, delivered_at = $2 where id = $1
        returning status, failing_since";
    FAILED = "update webhook_endpoints set failing_since = coalesce(failing_since, $2) where id = $1
        returning status, failing_since";
    SWITCH_OFF = "update webhook_endpoints set status = 'disabled', updated_at = $2 where id = $1";
    END = "update webhook_deliveries set state = $4, due_at = $5, sender = null, finished_at = $6, updated_at = $7
        where id = $1 and attempt = $2 and state = 'pending' and sender = $3";
}

/// A delivery that a sender has taken.
#[derive(Debug, Clone)]
pub struct Sending {
    /// The delivery.
    pub delivery_id: String,
    /// Where it goes.
    pub webhook: Webhook,
    /// What is told.
    pub event: Event,
    /// Which attempt this is, from 1.
    pub attempt: u32,
    /// How many attempts it is since it was made or last sent again by request, from 1.
    pub counted: u32,
    sender: String,
}

/// How senders share their work.
#[derive(Debug, Clone, Copy)]
pub struct Share {
    /// Most deliveries to take.
    pub limit: u32,
    /// Most deliveries to one webhook that are under way at one time; one of a webhook that fails.
    pub per_webhook: u32,
    /// Time after which a delivery whose sender fell silent is given to another.
    pub lease: Duration,
}

impl Store {
    /// Takes deliveries that are due, in fair turns between webhooks: those that work before those that fail, and none
    /// with more at one time than its share.
    ///
    /// # Errors
    /// Whatever the database answers; what was taken before comes again after its lease.
    pub async fn take_deliveries(&self, sender: &str, share: Share) -> Result<Vec<Sending>, Error> {
        let bound = arguments![self.clock.now(), share.per_webhook, share.limit];
        let due = if share.limit == 0 { Vec::new() } else { self.engine.fetch_all(&DUE, bound).await? };
        let mut taken = Vec::new();
        for row in due {
            let room = share.limit.saturating_sub(u32::try_from(taken.len()).unwrap_or(u32::MAX));
            if room == 0 {
                break;
            }
            let webhook_id: String = row.get("id")?;
            taken.extend(self.take_of_webhook(sender, &webhook_id, share, room).await?);
        }
        Ok(taken)
    }

    async fn take_of_webhook(
        &self,
        sender: &str,
        webhook_id: &str,
        share: Share,
        room: u32,
    ) -> Result<Vec<Sending>, Error> {
        let now = self.clock.now();
        let mut tx = self.begin().await?;
        let Some(turn) = tx.fetch_optional(&TAKE_TURN, arguments![webhook_id, now]).await? else {
            return Ok(Vec::new());
        };
        let organization_id: String = turn.get("organization_id")?;
        let most = if turn.optional_time("failing_since")?.is_some() { 1 } else { share.per_webhook };
        let under_way: u32 = match tx.fetch_optional(&UNDER_WAY, arguments![webhook_id, now]).await? {
            Some(row) => row.number("total")?,
            None => 0,
        };
        let limit = room.min(most.saturating_sub(under_way));
        let bound = arguments![webhook_id, sender, now.after(share.lease), now, limit];
        let rows = tx.fetch_all(&TAKE, bound).await?;
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let webhook = webhooks::read(&mut tx, &organization_id, webhook_id).await?;
        let mut taken = Vec::with_capacity(rows.len());
        for row in rows {
            let (delivery_id, event_id): (String, String) = (row.get("id")?, row.get("event_id")?);
            let attempt: u32 = row.number("attempt")?;
            tx.execute(&BEGIN_ATTEMPT, arguments![&delivery_id, attempt, now]).await?;
            taken.push(Sending {
                delivery_id,
                webhook: webhook.clone(),
                event: events::read(&mut tx, &organization_id, &event_id).await?,
                attempt,
                counted: attempt.saturating_sub(row.number("attempts_excused")?),
                sender: sender.to_owned(),
            });
        }
        tx.commit().await?;
        Ok(taken)
    }

    /// Records what came of an attempt. `false` where it is not the latest any more: then it is only logged.
    ///
    /// A webhook that has been failing since before `patience` is switched off, with a line in the audit log.
    ///
    /// # Errors
    /// Whatever the database answers; the same call may then be made again.
    pub async fn finish_sending(
        &self,
        sending: &Sending,
        answer: &AttemptAnswer,
        verdict: Verdict,
        patience: Timestamp,
    ) -> Result<bool, Error> {
        let now = self.clock.now();
        let webhook = &sending.webhook;
        let (state, due_at, finished_at, health) = match verdict {
            Verdict::Delivered => (DeliveryState::Delivered, now, Some(now), &SUCCEEDED),
            Verdict::Retry(delay) => (DeliveryState::Pending, now.after(delay), None, &FAILED),
            Verdict::GiveUp => (DeliveryState::Failed, now, Some(now), &FAILED),
        };
        let mut tx = self.begin().await?;
        let health = tx.fetch_optional(health, arguments![&webhook.id, now]).await?;
        let Some(health) = health else { return Ok(false) };
        let failure = answer.failure.as_ref();
        tx.execute(
            &END_ATTEMPT,
            arguments![
                &sending.delivery_id,
                sending.attempt,
                answer.duration_ms,
                answer.status.map(u32::from),
                &answer.body,
                failure.map(|failure| failure.code.as_str()),
                failure.map(|failure| failure.message.as_str())
            ],
        )
        .await?;
        let ended: Vec<Argument> = arguments![
            &sending.delivery_id,
            sending.attempt,
            &sending.sender,
            state.as_str(),
            due_at,
            finished_at,
            now
        ];
        let is_latest = tx.execute(&END, ended).await? == 1;
        let failing_since = health.optional_time("failing_since")?;
        let is_active = health.word("status", WebhookStatus::parse)? == WebhookStatus::Active;
        if is_active && failing_since.is_some_and(|since| since < patience) {
            tx.execute(&SWITCH_OFF, arguments![&webhook.id, now]).await?;
            let disabled = Webhook { status: WebhookStatus::Disabled, ..webhook.clone() };
            self.audit_webhook(&mut tx, &Actor::system(), &disabled, "webhook.disabled").await?;
        }
        tx.commit().await?;
        Ok(is_latest)
    }
}
