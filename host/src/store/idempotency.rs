//! Answers kept for `Idempotency-Key`: the first request with a key reserves it, later ones get its answer.

use std::time::Duration;

use super::statement::{FromRow, Row, arguments, statements};
use super::{Error, Store};
use crate::domain::timestamp::Timestamp;

statements! {
    "idempotency";
    SWEEP = "delete from idempotency_keys where created_at < $1 or (answer_status is null and created_at < $2)";
    RESERVE = "insert into idempotency_keys (organization_id, key, fingerprint, created_at)
        values ($1, $2, $3, $4) on conflict (organization_id, key) do nothing";
    FIND = "select fingerprint, answer_status, answer_body from idempotency_keys
        where organization_id = $1 and key = $2";
    FINISH = "update idempotency_keys set answer_status = $3, answer_body = $4
        where organization_id = $1 and key = $2";
    FORGET = "delete from idempotency_keys where organization_id = $1 and key = $2 and answer_status is null";
}

/// How long an answer is kept.
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// How long a request may hold its key without an answer: beyond it, its process is taken for dead.
const RESERVED: Duration = Duration::from_secs(2 * 60 * 60);

/// What is known of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Idempotency {
    /// Nothing: the caller has reserved it, and must finish or forget it.
    New,
    /// The same request is in progress.
    InProgress,
    /// The same request was answered.
    Answered {
        /// HTTP status, as a number.
        status: u16,
        /// The body.
        body: String,
    },
    /// The key was used for another request.
    Conflict,
}

struct Kept {
    fingerprint: String,
    answer: Option<(u16, String)>,
}

impl Store {
    /// Reserves `key` for the request with this fingerprint (a hash of method, path and body), or says what became
    /// of the request that has it. Keys are forgotten after 24 hours.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn reserve_idempotency_key(
        &self,
        organization_id: &str,
        key: &str,
        fingerprint: &str,
    ) -> Result<Idempotency, Error> {
        let now = self.clock.now();
        let mut tx = self.begin().await?;
        tx.execute(&SWEEP, arguments![before(now, KEPT), before(now, RESERVED)]).await?;
        let reserved = tx.execute(&RESERVE, arguments![organization_id, key, fingerprint, now]).await?;
        let known = match reserved {
            1 => None,
            _ => tx.find::<Kept>(&FIND, arguments![organization_id, key]).await?,
        };
        tx.commit().await?;
        Ok(match known {
            None => Idempotency::New,
            Some(kept) if kept.fingerprint != fingerprint => Idempotency::Conflict,
            Some(Kept { answer: None, .. }) => Idempotency::InProgress,
            Some(Kept { answer: Some((status, body)), .. }) => Idempotency::Answered { status, body },
        })
    }

    /// Keeps the answer of the request that reserved `key`.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn finish_idempotency_key(
        &self,
        organization_id: &str,
        key: &str,
        status: u16,
        body: &str,
    ) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        tx.execute(&FINISH, arguments![organization_id, key, u32::from(status), body]).await?;
        tx.commit().await
    }

    /// Lets go of a reserved key whose request made nothing, so that it may be sent again.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn forget_idempotency_key(&self, organization_id: &str, key: &str) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        tx.execute(&FORGET, arguments![organization_id, key]).await?;
        tx.commit().await
    }
}

fn before(now: Timestamp, duration: Duration) -> i64 {
    now.0.saturating_sub(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX))
}

impl FromRow for Kept {
    fn from_row(row: &Row) -> Result<Self, Error> {
        let answer = match row.optional_number("answer_status")? {
            None => None,
            Some(status) => Some((status, row.get::<Option<String>>("answer_body")?.unwrap_or_default())),
        };
        Ok(Self { fingerprint: row.get("fingerprint")?, answer })
    }
}
