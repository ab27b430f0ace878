//! Organizations and their members.

use serde_json::json;

use super::audit::Event;
use super::statement::{FromRow, Row, arguments, statements};
use super::{Error, Store};
use crate::domain::audit::Actor;
use crate::domain::organization::{Member, Organization, Role};
use crate::domain::user::User;

statements! {
    "organizations";
    FIND = "select id, name, is_active, created_at, updated_at from organizations where id = $1";
    RENAME = "update organizations set name = $2, updated_at = $3 where id = $1
        returning id, name, is_active, created_at, updated_at";
    MEMBERS = "select u.id as id, u.email as email, u.name as name, u.is_active as is_active,
            u.created_at as created_at, u.updated_at as updated_at, m.role as role
        from memberships m join users u on u.id = m.user_id
        where m.organization_id = $1 order by u.id";
}

impl Store {
    /// The organization with this id.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn organization(&self, id: &str) -> Result<Option<Organization>, Error> {
        self.engine.find(&FIND, arguments![id]).await
    }

    /// Gives the organization another name.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn rename_organization(
        &self,
        actor: &Actor,
        id: &str,
        name: &str,
    ) -> Result<Option<Organization>, Error> {
        let mut tx = self.begin().await?;
        let renamed = tx.find(&RENAME, arguments![id, name, self.clock.now()]).await?;
        if renamed.is_some() {
            let changes = Some(json!({ "name": name }));
            let event =
                Event { organization_id: id, actor, action: "organization.updated", target: id, changes };
            self.audit(&mut tx, event).await?;
        }
        tx.commit().await?;
        Ok(renamed)
    }

    /// Everybody who belongs to the organization, oldest first.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn list_members(&self, organization_id: &str) -> Result<Vec<Member>, Error> {
        self.engine.list(&MEMBERS, arguments![organization_id]).await
    }
}

impl FromRow for Organization {
    fn from_row(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            id: row.get("id")?,
            name: row.get("name")?,
            is_active: row.get("is_active")?,
            created_at: row.time("created_at")?,
            updated_at: row.time("updated_at")?,
        })
    }
}

impl FromRow for Member {
    fn from_row(row: &Row) -> Result<Self, Error> {
        Ok(Self { user: User::from_row(row)?, role: row.word("role", Role::parse)? })
    }
}
