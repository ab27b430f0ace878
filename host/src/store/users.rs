//! Users: found by address to log in, by id afterwards.

use super::statement::{FromRow, Row, arguments, statements};
use super::{Error, Store, Transaction};
use crate::domain::organization::{Membership, Role};
use crate::domain::user::{User, normalized_email};

statements! {
    "users";
    FIND = "select id, email, name, is_active, created_at, updated_at from users where id = $1";
    FIND_BY_EMAIL = "select id, email, name, password_hash, is_active, created_at, updated_at
        from users where email = $1";
    INSERT = "insert into users (id, email, name, password_hash, is_active, created_at, updated_at)
        values ($1, $2, $3, $4, $5, $6, $6)";
    SET_PASSWORD = "update users set password_hash = $2, updated_at = $3 where id = $1";
    MEMBERSHIPS = "select m.organization_id as organization_id, m.user_id as user_id, m.role as role
        from memberships m join organizations o on o.id = m.organization_id
        where m.user_id = $1 and o.is_active order by m.organization_id";
    MEMBERSHIP = "select m.organization_id as organization_id, m.user_id as user_id, m.role as role
        from memberships m join organizations o on o.id = m.organization_id
        where m.user_id = $1 and m.organization_id = $2 and o.is_active";
}

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

    /// Replaces the hash of a user's password; `false` where there is no such user.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn set_password(&self, user_id: &str, password_hash: &str) -> Result<bool, Error> {
        let mut tx = self.begin().await?;
        let touched = tx.execute(&SET_PASSWORD, arguments![user_id, password_hash, self.clock.now()]).await?;
        tx.commit().await?;
        Ok(touched == 1)
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
    let User { id, email, name, is_active, created_at, .. } = user;
    tx.execute(&INSERT, arguments![id, email, name, password_hash, *is_active, *created_at]).await?;
    Ok(())
}

impl FromRow for User {
    fn from_row(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            id: row.get("id")?,
            email: row.get("email")?,
            name: row.get("name")?,
            is_active: row.get("is_active")?,
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
