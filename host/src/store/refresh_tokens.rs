//! Refresh tokens: each is spent once; the re-use of a spent one means that somebody else has it, and revokes all
//! that descend from the same login.

use super::statement::{arguments, statements};
use super::{Error, Store, Transaction};
use crate::domain::timestamp::Timestamp;
use crate::domain::token::{NewRefreshToken, Rotation};

statements! {
    "refresh_tokens";
    INSERT = "insert into refresh_tokens (id, user_id, family, token_hash, expires_at, created_at)
        values ($1, $2, $3, $4, $5, $6)";
    /// Of two callers with the same token, one gets the row.
    SPEND = "update refresh_tokens set used_at = $2
        where token_hash = $1 and used_at is null and revoked_at is null and expires_at > $2
        returning user_id, family";
    FIND_SPENT = "select family from refresh_tokens where token_hash = $1 and used_at is not null";
    FAMILY = "select family from refresh_tokens where token_hash = $1";
    REVOKE_FAMILY = "update refresh_tokens set revoked_at = $2 where family = $1 and revoked_at is null";
    REVOKE_USER = "update refresh_tokens set revoked_at = $2 where user_id = $1 and revoked_at is null";
    SWEEP = "delete from refresh_tokens where expires_at < $1";
}

impl Store {
    /// Remembers the first refresh token of a login; expired ones are forgotten on the way.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn create_refresh_token(&self, user_id: &str, new: NewRefreshToken) -> Result<(), Error> {
        let now = self.clock.now();
        let family = self.clock.new_id();
        let mut tx = self.begin().await?;
        tx.execute(&SWEEP, arguments![now]).await?;
        self.insert_refresh_token(&mut tx, user_id, &family, new, now).await?;
        tx.commit().await
    }

    /// Trades the refresh token with the hash `token_hash` for `next`.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn rotate_refresh_token(
        &self,
        token_hash: &str,
        next: NewRefreshToken,
    ) -> Result<Rotation, Error> {
        let now = self.clock.now();
        let mut tx = self.begin().await?;
        let rotation = match tx.fetch_optional(&SPEND, arguments![token_hash, now]).await? {
            Some(row) => {
                let user_id: String = row.get("user_id")?;
                let family: String = row.get("family")?;
                self.insert_refresh_token(&mut tx, &user_id, &family, next, now).await?;
                Rotation::Rotated { user_id }
            }
            None => match tx.fetch_optional(&FIND_SPENT, arguments![token_hash]).await? {
                Some(row) => {
                    tx.execute(&REVOKE_FAMILY, arguments![row.get::<String>("family")?, now]).await?;
                    Rotation::Reused
                }
                None => Rotation::Invalid,
            },
        };
        tx.commit().await?;
        Ok(rotation)
    }

    /// Revokes the refresh token with this hash and all of its family: the end of that login.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn revoke_refresh_token(&self, token_hash: &str) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        if let Some(row) = tx.fetch_optional(&FAMILY, arguments![token_hash]).await? {
            let family: String = row.get("family")?;
            tx.execute(&REVOKE_FAMILY, arguments![family, self.clock.now()]).await?;
        }
        tx.commit().await
    }

    /// Revokes all refresh tokens of a user: the end of all logins.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn revoke_refresh_tokens_of(&self, user_id: &str) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        tx.execute(&REVOKE_USER, arguments![user_id, self.clock.now()]).await?;
        tx.commit().await
    }

    async fn insert_refresh_token(
        &self,
        tx: &mut Transaction,
        user_id: &str,
        family: &str,
        new: NewRefreshToken,
        now: Timestamp,
    ) -> Result<(), Error> {
        let id = self.clock.new_id();
        tx.execute(&INSERT, arguments![id, user_id, family, new.token_hash, new.expires_at, now]).await?;
        Ok(())
    }
}
