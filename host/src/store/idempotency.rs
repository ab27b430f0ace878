//! Answers kept for `Idempotency-Key`: the first request with a key holds it, later ones get its answer.
//!
//! A request in progress renews its hold; where it cannot any more, because its process died, the key is free again
//! as soon as the hold runs out. What a request writes counts only while it is the holder.

use std::time::Duration;

use super::statement::{FromRow, Row, arguments, statements};
use super::{Error, Store};

statements! {
    "idempotency";
    DROP_STALE = "delete from idempotency_keys where organization_id = $1 and key = $2
            and (created_at < $4 or (answer_status is null and held_until < $3))";
    RESERVE = "insert into idempotency_keys (organization_id, key, holder, held_until, created_at)
        values ($1, $2, $3, $4, $5) on conflict (organization_id, key) do nothing";
    FIND = "select fingerprint, answer_status, answer_body from idempotency_keys
        where organization_id = $1 and key = $2";
    RENEW = "update idempotency_keys set held_until = $4
        where organization_id = $1 and key = $2 and holder = $3 and answer_status is null";
    FINISH = "update idempotency_keys set fingerprint = $4, answer_status = $5, answer_body = $6
        where organization_id = $1 and key = $2 and holder = $3 and answer_status is null";
    FORGET = "delete from idempotency_keys
        where organization_id = $1 and key = $2 and holder = $3 and answer_status is null";
}

/// How long an answer is kept.
pub(super) const KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// How long a hold lasts unless it is renewed.
pub const IDEMPOTENCY_HOLD: Duration = Duration::from_secs(60);

/// A key that a request holds while it is in progress.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyHold {
    organization_id: String,
    key: String,
    holder: String,
}

/// The answer that is kept for a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptAnswer {
    /// Hash of the request that was answered.
    pub fingerprint: String,
    /// HTTP status, as a number.
    pub status: u16,
    /// The body; `None` where it must not be kept, since it had a secret.
    pub body: Option<String>,
}

/// What is known of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Idempotency {
    /// Nothing: the caller holds it now, and must finish or forget it.
    New(IdempotencyHold),
    /// A request with it is in progress.
    InProgress,
    /// A request with it was answered.
    Answered(KeptAnswer),
}

impl Store {
    /// Takes hold of a `key` (unique within the organization) for [`IDEMPOTENCY_HOLD`], or says what became of the
    /// request that has it. Answers are forgotten after 24 hours.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn hold_idempotency_key(&self, organization_id: &str, key: &str) -> Result<Idempotency, Error> {
        let now = self.clock.now();
        let hold = IdempotencyHold {
            organization_id: organization_id.to_owned(),
            key: key.to_owned(),
            holder: self.clock.new_id(),
        };
        let mut tx = self.begin().await?;
        tx.execute(&DROP_STALE, arguments![organization_id, key, now, now.before(KEPT)]).await?;
        let until = now.after(IDEMPOTENCY_HOLD);
        let held = tx.execute(&RESERVE, arguments![organization_id, key, &hold.holder, until, now]).await?;
        let answer = match held {
            1 => None,
            _ => tx.find::<Option<KeptAnswer>>(&FIND, arguments![organization_id, key]).await?.flatten(),
        };
        tx.commit().await?;
        Ok(match (held, answer) {
            (1, _) => Idempotency::New(hold),
            (_, Some(answer)) => Idempotency::Answered(answer),
            (_, None) => Idempotency::InProgress,
        })
    }

    /// Makes a hold last from now for [`IDEMPOTENCY_HOLD`]; `false` where it was lost.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn renew_idempotency_key(&self, hold: &IdempotencyHold) -> Result<bool, Error> {
        let until = self.clock.now().after(IDEMPOTENCY_HOLD);
        let mut tx = self.begin().await?;
        let renewed =
            tx.execute(&RENEW, arguments![&hold.organization_id, &hold.key, &hold.holder, until]).await?;
        tx.commit().await?;
        Ok(renewed == 1)
    }

    /// Keeps the answer of the request that holds a key; nothing happens where the hold was lost.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn finish_idempotency_key(
        &self,
        hold: &IdempotencyHold,
        answer: &KeptAnswer,
    ) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        tx.execute(
            &FINISH,
            arguments![
                &hold.organization_id,
                &hold.key,
                &hold.holder,
                &answer.fingerprint,
                u32::from(answer.status),
                &answer.body
            ],
        )
        .await?;
        tx.commit().await
    }

    /// Lets go of a key whose request made nothing, so that it may be sent again.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn forget_idempotency_key(&self, hold: &IdempotencyHold) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        tx.execute(&FORGET, arguments![&hold.organization_id, &hold.key, &hold.holder]).await?;
        tx.commit().await
    }
}

impl FromRow for Option<KeptAnswer> {
    /// `None` for a key whose request is in progress.
    fn from_row(row: &Row) -> Result<Self, Error> {
        let Some(status) = row.optional_number("answer_status")? else { return Ok(None) };
        Ok(Some(KeptAnswer {
            fingerprint: row.get::<Option<String>>("fingerprint")?.unwrap_or_default(),
            status,
            body: row.get("answer_body")?,
        }))
    }
}
