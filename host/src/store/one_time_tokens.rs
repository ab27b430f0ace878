//! Tokens that go out by mail: each is good for one purpose, once, until a later one takes its place.

use super::statement::{FromRow, Row, arguments, statements};
use super::{Error, Store, Transaction};
use crate::domain::account::{NewOneTimeToken, TokenPurpose};
use crate::domain::timestamp::Timestamp;

statements! {
    "one_time_tokens";
    SUPERSEDE = "update one_time_tokens set used_at = $3 where user_id = $1 and purpose = $2 and used_at is null";
    INSERT = "insert into one_time_tokens (id, user_id, purpose, email, organization_name, token_hash, expires_at,
            created_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8)";
    /// Of two callers with the same token, one gets the row.
    SPEND = "update one_time_tokens set used_at = $3
        where token_hash = $1 and purpose = $2 and used_at is null and expires_at > $3
        returning user_id, email, organization_name";
    GOOD = "select id from one_time_tokens
        where token_hash = $1 and purpose = $2 and used_at is null and expires_at > $3";
    SWEEP = "delete from one_time_tokens where expires_at < $1";
}

/// What a token that goes out by mail is for.
pub(super) struct Ticket<'a> {
    pub(super) user_id: &'a str,
    pub(super) purpose: TokenPurpose,
    /// Where the mail goes.
    pub(super) email: &'a str,
    /// The organization to be made when it comes back.
    pub(super) organization_name: Option<&'a str>,
}

/// A token that came back.
pub(super) struct Spent {
    pub(super) user_id: String,
    pub(super) email: String,
    pub(super) organization_name: Option<String>,
}

impl Store {
    /// Whether a token with this hash is known for this purpose, and neither used nor expired.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn is_one_time_token_good(
        &self,
        token_hash: &str,
        purpose: TokenPurpose,
    ) -> Result<bool, Error> {
        let arguments = arguments![token_hash, purpose.as_str(), self.clock.now()];
        Ok(self.engine.fetch_optional(&GOOD, arguments).await?.is_some())
    }

    /// Remembers a token in the caller's transaction; an earlier one of the same user and purpose stops working, and
    /// expired ones are forgotten.
    pub(super) async fn issue_one_time_token(
        &self,
        tx: &mut Transaction,
        ticket: Ticket<'_>,
        new: NewOneTimeToken,
    ) -> Result<(), Error> {
        let now = self.clock.now();
        let Ticket { user_id, purpose, email, organization_name } = ticket;
        tx.execute(&SWEEP, arguments![now]).await?;
        tx.execute(&SUPERSEDE, arguments![user_id, purpose.as_str(), now]).await?;
        let id = self.clock.new_id();
        let arguments = arguments![
            id,
            user_id,
            purpose.as_str(),
            email,
            organization_name,
            new.token_hash,
            new.expires_at,
            now
        ];
        tx.execute(&INSERT, arguments).await.map(drop)
    }
}

/// Takes back a token in the caller's transaction; `None` for one that is unknown, expired, used or for something else.
pub(super) async fn spend(
    tx: &mut Transaction,
    token_hash: &str,
    purpose: TokenPurpose,
    now: Timestamp,
) -> Result<Option<Spent>, Error> {
    tx.find(&SPEND, arguments![token_hash, purpose.as_str(), now]).await
}

impl FromRow for Spent {
    fn from_row(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            user_id: row.get("user_id")?,
            email: row.get("email")?,
            organization_name: row.get("organization_name")?,
        })
    }
}
