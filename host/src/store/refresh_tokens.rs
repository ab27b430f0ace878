//! Refresh tokens: each is spent once; the re-use of a spent one means that somebody else has it, and revokes all
//! that descend from the same login.

use super::audit::Event;
use super::statement::{arguments, statements};
use super::{Error, Store, Transaction};
use crate::domain::audit::Actor;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::{LoginFamily, NewRefreshToken, Rotation};

statements! {
    "refresh_tokens";
    INSERT = "insert into refresh_tokens (id, user_id, organization_id, family, token_hash, expires_at,
            created_at)
        values ($1, $2, $3, $4, $5, $6, $7)";
    /// Of two callers with the same token, one gets the row.
    SPEND = "update refresh_tokens set used_at = $2
        where token_hash = $1 and used_at is null and revoked_at is null and expires_at > $2
        returning user_id, organization_id, family";
    FIND_SPENT = "select family from refresh_tokens where token_hash = $1 and used_at is not null";
    FAMILY = "select family from refresh_tokens where token_hash = $1";
    REVOKE_FAMILY = "update refresh_tokens set revoked_at = $2 where family = $1 and revoked_at is null";
    REVOKE_USER = "update refresh_tokens set revoked_at = $2
        where user_id = $1 and revoked_at is null and (cast($3 as text) is null or family <> $3)";
    REVOKE_MEMBER = "update refresh_tokens set revoked_at = $3
        where organization_id = $1 and user_id = $2 and revoked_at is null";
    REVOKE_ORGANIZATION = "update refresh_tokens set revoked_at = $2
        where organization_id = $1 and revoked_at is null";
    /// A login lives while a token of it can still be traded.
    LIVE = "select family from refresh_tokens
        where family = $1 and used_at is null and revoked_at is null and expires_at > $2 limit 1";
}

impl Store {
    /// Remembers the first refresh token of a login, which `login.family` names from now on.
    ///
    /// # Errors
    /// [`Error::MissingReference`] where there is no such user or organization, or whatever else the database answers.
    pub async fn create_refresh_token(
        &self,
        actor: &Actor,
        login: &LoginFamily,
        new: NewRefreshToken,
    ) -> Result<(), Error> {
        let now = self.clock.now();
        let mut tx = self.begin().await?;
        self.insert_refresh_token(&mut tx, login, new, now).await?;
        let organization_id = &login.organization_id;
        let (action, target) = ("user.logged_in", login.user_id.as_str());
        self.audit(&mut tx, Event { organization_id, actor, action, target, changes: None }).await?;
        tx.commit().await
    }

    /// Ends every login of a user, in every organization.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn revoke_logins(&self, actor: &Actor, user_id: &str) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        revoke_user(&mut tx, user_id, None, self.clock.now()).await?;
        self.audit_user(&mut tx, actor, user_id, "user.logged_out_everywhere", None).await?;
        tx.commit().await
    }

    /// Whether the login with this family still lasts: it was neither ended nor revoked.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn is_login_live(&self, family: &str) -> Result<bool, Error> {
        Ok(self.engine.fetch_optional(&LIVE, arguments![family, self.clock.now()]).await?.is_some())
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
                let login = LoginFamily {
                    family: row.get("family")?,
                    user_id: row.get("user_id")?,
                    organization_id: row.get("organization_id")?,
                };
                self.insert_refresh_token(&mut tx, &login, next, now).await?;
                Rotation::Rotated(login)
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

    /// Ends the login with this family.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn revoke_login(&self, family: &str) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        tx.execute(&REVOKE_FAMILY, arguments![family, self.clock.now()]).await?;
        tx.commit().await
    }

    async fn insert_refresh_token(
        &self,
        tx: &mut Transaction,
        login: &LoginFamily,
        new: NewRefreshToken,
        now: Timestamp,
    ) -> Result<(), Error> {
        tx.execute(
            &INSERT,
            arguments![
                self.clock.new_id(),
                &login.user_id,
                &login.organization_id,
                &login.family,
                new.token_hash,
                new.expires_at,
                now
            ],
        )
        .await?;
        Ok(())
    }
}

/// Ends a user's logins, but for the one with the family `kept`, in the caller's transaction.
pub(super) async fn revoke_user(
    tx: &mut Transaction,
    user_id: &str,
    kept: Option<&str>,
    now: Timestamp,
) -> Result<(), Error> {
    tx.execute(&REVOKE_USER, arguments![user_id, now, kept]).await.map(drop)
}

/// Ends a member's logins to one organization, in the caller's transaction.
pub(super) async fn revoke_member(
    tx: &mut Transaction,
    organization_id: &str,
    user_id: &str,
    now: Timestamp,
) -> Result<(), Error> {
    tx.execute(&REVOKE_MEMBER, arguments![organization_id, user_id, now]).await.map(drop)
}

/// Ends all logins to an organization, in the caller's transaction.
pub(super) async fn revoke_organization(
    tx: &mut Transaction,
    organization_id: &str,
    now: Timestamp,
) -> Result<(), Error> {
    tx.execute(&REVOKE_ORGANIZATION, arguments![organization_id, now]).await.map(drop)
}
