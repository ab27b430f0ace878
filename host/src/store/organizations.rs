//! Organizations.

use serde_json::json;

use super::audit::Event;
use super::statement::{FromRow, Row, arguments, statements};
use super::{Error, Store, Transaction, members, plans, refresh_tokens};
use crate::domain::audit::Actor;
use crate::domain::organization::{Organization, OrganizationSummary, OwnOrganization, Role};

statements! {
    "organizations";
    FIND = "select id, name, is_active, created_at, updated_at from organizations where id = $1";
    INSERT = "insert into organizations (id, name, is_active, dispatched_at, created_at, updated_at)
        values ($1, $2, true, 0, $3, $3)";
    LIST = "select o.id as id, o.name as name, o.is_active as is_active, o.created_at as created_at,
            o.updated_at as updated_at,
            (select count(*) from memberships m where m.organization_id = o.id) as members,
            (select count(*) from projects p where p.organization_id = o.id) as projects
        from organizations o order by o.id limit $1";
    LIST_OF_USER = "select o.id as id, o.name as name, o.is_active as is_active, o.created_at as created_at,
            o.updated_at as updated_at, m.role as role
        from memberships m join organizations o on o.id = m.organization_id
        where m.user_id = $1 and o.is_active order by o.id";
    SET_ACTIVE = "update organizations set is_active = $2, updated_at = $3 where id = $1 and is_active <> $2";
    RENAME = "update organizations set name = $2, updated_at = $3 where id = $1
        returning id, name, is_active, created_at, updated_at";
}

/// Most organizations in one list: it is not paged.
const LIST_LIMIT: u32 = 100_000;

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
        members::insert(tx, id, owner_id, Role::Owner, now).await?;
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

    /// The active organizations the user belongs to, oldest first.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn list_organizations_of(&self, user_id: &str) -> Result<Vec<OwnOrganization>, Error> {
        self.engine.list(&LIST_OF_USER, arguments![user_id]).await
    }

    /// Every organization of the installation, closed ones too, oldest first.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn list_organizations(&self) -> Result<Vec<OrganizationSummary>, Error> {
        self.engine.list(&LIST, arguments![LIST_LIMIT]).await
    }

    /// Closes the organization: its logins end, and neither members nor tokens reach it until it is opened again.
    /// `false` where there is none that is open.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn close_organization(&self, actor: &Actor, id: &str) -> Result<bool, Error> {
        let now = self.clock.now();
        let mut tx = self.begin().await?;
        let closed = tx.execute(&SET_ACTIVE, arguments![id, false, now]).await? == 1;
        if closed {
            refresh_tokens::revoke_organization(&mut tx, id, now).await?;
            let action = "organization.closed";
            let event = Event { organization_id: id, actor, action, target: id, changes: None };
            self.audit(&mut tx, event).await?;
        }
        tx.commit().await?;
        Ok(closed)
    }

    /// Opens a closed organization; `false` where there is none that is closed.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn open_organization(&self, actor: &Actor, id: &str) -> Result<bool, Error> {
        let mut tx = self.begin().await?;
        let opened = tx.execute(&SET_ACTIVE, arguments![id, true, self.clock.now()]).await? == 1;
        if opened {
            let action = "organization.opened";
            let event = Event { organization_id: id, actor, action, target: id, changes: None };
            self.audit(&mut tx, event).await?;
        }
        tx.commit().await?;
        Ok(opened)
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

impl FromRow for OwnOrganization {
    fn from_row(row: &Row) -> Result<Self, Error> {
        Ok(Self { organization: Organization::from_row(row)?, role: row.word("role", Role::parse)? })
    }
}

impl FromRow for OrganizationSummary {
    fn from_row(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            organization: Organization::from_row(row)?,
            members: row.number("members")?,
            projects: row.number("projects")?,
        })
    }
}
