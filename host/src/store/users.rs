//! Users: found by address to log in, by id afterwards.

use serde_json::{Value, json};

use super::audit::Event;
use super::statement::{FromRow, Row, arguments, statements};
use super::{Error, Store, Transaction, refresh_tokens};
use crate::domain::audit::Actor;
use crate::domain::organization::{Membership, Role};
use crate::domain::user::{User, UserState, normalized_email};

statements! {
    "users";
    FIND = "select id, email, name, is_active, email_verified_at, created_at, updated_at
        from users where id = $1";
    FIND_BY_EMAIL = "select id, email, name, password_hash, is_active, email_verified_at, created_at, updated_at
        from users where email = $1";
    LIST = "select id, email, name, is_active, email_verified_at, created_at, updated_at
        from users order by id limit $1";
    INSERT = "insert into users (id, email, name, password_hash, is_active, email_verified_at, created_at,
            updated_at)
        values ($1, $2, $3, $4, $5, $6, $7, $7)";
    RENAME = "update users set name = $2, updated_at = $3 where id = $1
        returning id, email, name, is_active, email_verified_at, created_at, updated_at";
    SET_ACTIVE = "update users set is_active = $2, updated_at = $3 where id = $1 and is_active <> $2";
    SET_PASSWORD = "update users set password_hash = $2, updated_at = $3 where id = $1";
    MEMBERSHIPS = "select m.organization_id as organization_id, m.user_id as user_id, m.role as role
        from memberships m join organizations o on o.id = m.organization_id
        where m.user_id = $1 and o.is_active order by m.organization_id";
    /// Also the inactive ones: their audit logs are kept too.
    ORGANIZATIONS = "select organization_id from memberships where user_id = $1 order by organization_id";
    MEMBERSHIP = "select m.organization_id as organization_id, m.user_id as user_id, m.role as role
        from memberships m join organizations o on o.id = m.organization_id
        where m.user_id = $1 and m.organization_id = $2 and o.is_active";
}

/// Most users in one list: it is not paged.
const LIST_LIMIT: u32 = 100_000;

/// A user with the hash of the password, for the login alone.
#[derive(Debug, Clone)]
pub struct Login {
    /// The user.
    pub user: User,
    /// Argon2 in PHC form.
    pub password_hash: String,
}

impl Store {
    /// The user with this id.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn user(&self, id: &str) -> Result<Option<User>, Error> {
        self.engine.find(&FIND, arguments![id]).await
    }

    /// The user with this address, in any case, and the hash of the password.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn login(&self, email: &str) -> Result<Option<Login>, Error> {
        self.engine.find(&FIND_BY_EMAIL, arguments![normalized_email(email)]).await
    }

    /// Everybody who has an account, oldest first.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn list_users(&self) -> Result<Vec<User>, Error> {
        self.engine.list(&LIST, arguments![LIST_LIMIT]).await
    }

    /// Makes an account whose address the operator vouches for.
    ///
    /// # Errors
    /// [`Error::Duplicate`] where the address is taken, or whatever else the database answers.
    pub async fn create_user(&self, email: &str, name: &str, password_hash: &str) -> Result<User, Error> {
        let user = self.new_user(email, name);
        let mut tx = self.begin().await?;
        insert(&mut tx, &user, password_hash).await?;
        tx.commit().await?;
        Ok(user)
    }

    /// Gives a user another name; `None` where there is no such user.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn rename_user(&self, actor: &Actor, id: &str, name: &str) -> Result<Option<User>, Error> {
        let mut tx = self.begin().await?;
        let renamed: Option<User> = tx.find(&RENAME, arguments![id, name, self.clock.now()]).await?;
        if renamed.is_some() {
            self.audit_user(&mut tx, actor, id, "user.updated", Some(json!({ "name": name }))).await?;
        }
        tx.commit().await?;
        Ok(renamed)
    }

    /// Closes an account, whose logins end, or opens it again; `false` where there is none that this changes.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn set_user_state(&self, actor: &Actor, id: &str, state: UserState) -> Result<bool, Error> {
        let now = self.clock.now();
        let mut tx = self.begin().await?;
        let is_active = state == UserState::Open;
        let changed = tx.execute(&SET_ACTIVE, arguments![id, is_active, now]).await? == 1;
        if changed {
            let action = match state {
                UserState::Open => "user.opened",
                UserState::Closed => "user.closed",
            };
            if state == UserState::Closed {
                refresh_tokens::revoke_user(&mut tx, id, None, now).await?;
            }
            self.audit_user(&mut tx, actor, id, action, None).await?;
        }
        tx.commit().await?;
        Ok(changed)
    }

    /// Replaces the hash of a user's password and ends the user's logins, but for the one with the family `kept`;
    /// `false` where there is no such user.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn set_password(
        &self,
        actor: &Actor,
        user_id: &str,
        password_hash: &str,
        kept: Option<&str>,
    ) -> Result<bool, Error> {
        let mut tx = self.begin().await?;
        let touched = self.replace_password(&mut tx, actor, user_id, password_hash, kept).await?;
        tx.commit().await?;
        Ok(touched)
    }

    /// As [`Store::set_password`], in the caller's transaction.
    pub(super) async fn replace_password(
        &self,
        tx: &mut Transaction,
        actor: &Actor,
        user_id: &str,
        password_hash: &str,
        kept: Option<&str>,
    ) -> Result<bool, Error> {
        let now = self.clock.now();
        if tx.execute(&SET_PASSWORD, arguments![user_id, password_hash, now]).await? == 0 {
            return Ok(false);
        }
        refresh_tokens::revoke_user(tx, user_id, kept, now).await?;
        self.audit_user(tx, actor, user_id, "user.password_changed", None).await?;
        Ok(true)
    }

    /// Writes a line about a user into the audit log of each organization the user belongs to, in the caller's
    /// transaction.
    pub(super) async fn audit_user(
        &self,
        tx: &mut Transaction,
        actor: &Actor,
        user_id: &str,
        action: &'static str,
        changes: Option<Value>,
    ) -> Result<(), Error> {
        for row in tx.fetch_all(&ORGANIZATIONS, arguments![user_id]).await? {
            let organization_id: String = row.get("organization_id")?;
            let changes = changes.clone();
            let event = Event { organization_id: &organization_id, actor, action, target: user_id, changes };
            self.audit(tx, event).await?;
        }
        Ok(())
    }

    /// A new user whose address is vouched for; not written yet.
    pub(super) fn new_user(&self, email: &str, name: &str) -> User {
        let now = self.clock.now();
        User {
            id: self.clock.new_id(),
            email: normalized_email(email),
            name: name.to_owned(),
            is_active: true,
            email_verified_at: Some(now),
            created_at: now,
            updated_at: now,
        }
    }

    /// The active organizations the user belongs to, oldest first.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn memberships(&self, user_id: &str) -> Result<Vec<Membership>, Error> {
        self.engine.list(&MEMBERSHIPS, arguments![user_id]).await
    }

    /// The user's place in an active organization.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn membership(
        &self,
        user_id: &str,
        organization_id: &str,
    ) -> Result<Option<Membership>, Error> {
        self.engine.find(&MEMBERSHIP, arguments![user_id, organization_id]).await
    }
}

/// Writes a new user in the caller's transaction.
pub(super) async fn insert(tx: &mut Transaction, user: &User, password_hash: &str) -> Result<(), Error> {
    let User { id, email, name, is_active, email_verified_at, created_at, .. } = user;
    let arguments = arguments![id, email, name, password_hash, *is_active, *email_verified_at, *created_at];
    tx.execute(&INSERT, arguments).await?;
    Ok(())
}

impl FromRow for User {
    fn from_row(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            id: row.get("id")?,
            email: row.get("email")?,
            name: row.get("name")?,
            is_active: row.get("is_active")?,
            email_verified_at: row.optional_time("email_verified_at")?,
            created_at: row.time("created_at")?,
            updated_at: row.time("updated_at")?,
        })
    }
}

impl FromRow for Login {
    fn from_row(row: &Row) -> Result<Self, Error> {
        Ok(Self { user: User::from_row(row)?, password_hash: row.get("password_hash")? })
    }
}

impl FromRow for Membership {
    fn from_row(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            organization_id: row.get("organization_id")?,
            user_id: row.get("user_id")?,
            role: row.word("role", Role::parse)?,
        })
    }
}
