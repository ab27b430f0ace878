//! Organizations and their members.

use serde_json::json;

use super::audit::Event;
use super::statement::{FromRow, Row, arguments, statements};
use super::{Error, Store, Transaction, plans, users};
use crate::domain::audit::Actor;
use crate::domain::organization::{Member, NewMember, Organization, Role};
use crate::domain::user::{User, normalized_email};

statements! {
    "organizations";
    FIND = "select id, name, is_active, created_at, updated_at from organizations where id = $1";
    INSERT = "insert into organizations (id, name, is_active, dispatched_at, created_at, updated_at)
        values ($1, $2, true, 0, $3, $3)";
    INSERT_MEMBERSHIP = "insert into memberships (organization_id, user_id, role, created_at)
        values ($1, $2, $3, $4)";
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

    /// Makes an organization and its owner's membership.
    ///
    /// # Errors
    /// [`Error::MissingReference`] where there is no such user, or whatever else the database answers.
    pub async fn create_organization(
        &self,
        actor: &Actor,
        name: &str,
        owner_id: &str,
    ) -> Result<Organization, Error> {
        let mut tx = self.begin().await?;
        let organization = self.insert_organization(&mut tx, actor, name, owner_id).await?;
        tx.commit().await?;
        Ok(organization)
    }

    /// Writes an organization and its owner's membership in the caller's transaction.
    pub(super) async fn insert_organization(
        &self,
        tx: &mut Transaction,
        actor: &Actor,
        name: &str,
        owner_id: &str,
    ) -> Result<Organization, Error> {
        let now = self.clock.now();
        let organization = Organization {
            id: self.clock.new_id(),
            name: name.to_owned(),
            is_active: true,
            created_at: now,
            updated_at: now,
        };
        let id = &organization.id;
        tx.execute(&INSERT, arguments![id, name, now]).await?;
        plans::open_account(tx, id, now).await?;
        tx.execute(&INSERT_MEMBERSHIP, arguments![id, owner_id, Role::Owner.as_str(), now]).await?;
        let changes = Some(json!({ "name": name }));
        let event = Event { organization_id: id, actor, action: "organization.created", target: id, changes };
        self.audit(tx, event).await?;
        Ok(organization)
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

    /// Makes a user and gives them a place in the organization.
    ///
    /// # Errors
    /// [`Error::Duplicate`] where the address is taken, [`Error::MissingReference`] where there is no such organization,
    /// or whatever else the database answers.
    pub async fn create_member(
        &self,
        actor: &Actor,
        organization_id: &str,
        new: NewMember,
    ) -> Result<Member, Error> {
        let now = self.clock.now();
        let user = User {
            id: self.clock.new_id(),
            email: normalized_email(&new.email),
            name: new.name,
            is_active: true,
            created_at: now,
            updated_at: now,
        };
        let mut tx = self.begin().await?;
        users::insert(&mut tx, &user, &new.password_hash).await?;
        let role = new.role;
        tx.execute(&INSERT_MEMBERSHIP, arguments![organization_id, &user.id, role.as_str(), now]).await?;
        let changes = Some(json!({ "email": user.email, "role": role.as_str() }));
        let event = Event { organization_id, actor, action: "member.created", target: &user.id, changes };
        self.audit(&mut tx, event).await?;
        tx.commit().await?;
        Ok(Member { user, role })
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
