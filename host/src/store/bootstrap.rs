//! The first start: somebody who may do everything, and somewhere to do it.

use super::statement::{arguments, statements};
use super::{Error, Store, projects, tokens};
use crate::domain::audit::Actor;
use crate::domain::organization::Role;
use crate::domain::project::Project;
use crate::domain::token::NewApiToken;
use crate::domain::user::normalized_email;

use super::audit::Event;

statements! {
    "bootstrap";
    /// Also the lock: of two first starts at the same time the second waits here, then finds an organization.
    LOCK = "update dispatcher set dispatched_at = dispatched_at where id = 1";
    ANY = "select id from organizations limit 1";
    INSERT_ORGANIZATION = "insert into organizations (id, name, is_active, dispatched_at, created_at, updated_at)
        values ($1, $2, true, 0, $3, $3)";
    INSERT_USER = "insert into users (id, email, name, password_hash, is_active, created_at, updated_at)
        values ($1, $2, $3, $4, true, $5, $5)";
    INSERT_MEMBERSHIP = "insert into memberships (organization_id, user_id, role, created_at)
        values ($1, $2, $3, $4)";
}

/// What the first start makes, with hashes in place of secrets.
#[derive(Debug, Clone)]
pub struct Bootstrap {
    /// Name of the organization.
    pub organization_name: String,
    /// Name of its first project.
    pub project_name: String,
    /// Address of the owner.
    pub email: String,
    /// Name of the owner.
    pub user_name: String,
    /// Argon2 hash of the owner's password in PHC form.
    pub password_hash: String,
    /// The first API token; its `created_by` becomes the owner.
    pub token: NewApiToken,
}

/// What the first start made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bootstrapped {
    /// The organization.
    pub organization_id: String,
    /// Its first project.
    pub project_id: String,
    /// The owner.
    pub user_id: String,
    /// The first API token.
    pub token_id: String,
}

impl Store {
    /// Whether there is any organization yet.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn is_bootstrapped(&self) -> Result<bool, Error> {
        Ok(self.engine.fetch_optional(&ANY, vec![]).await?.is_some())
    }

    /// Makes owner, organization, project and API token, unless there is an organization already: then `None`.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn bootstrap(&self, first: Bootstrap) -> Result<Option<Bootstrapped>, Error> {
        let now = self.clock.now();
        let mut tx = self.begin().await?;
        tx.execute(&LOCK, vec![]).await?;
        if tx.fetch_optional(&ANY, vec![]).await?.is_some() {
            return Ok(None);
        }
        let organization_id = self.clock.new_id();
        let user_id = self.clock.new_id();
        tx.execute(&INSERT_ORGANIZATION, arguments![&organization_id, &first.organization_name, now]).await?;
        let email = normalized_email(&first.email);
        tx.execute(&INSERT_USER, arguments![&user_id, email, &first.user_name, &first.password_hash, now])
            .await?;
        let role = Role::Owner.as_str();
        tx.execute(&INSERT_MEMBERSHIP, arguments![&organization_id, &user_id, role, now]).await?;
        let project = Project {
            id: self.clock.new_id(),
            organization_id: organization_id.clone(),
            name: first.project_name,
            description: None,
            is_active: true,
            file_retention_days: 0,
            created_at: now,
            updated_at: now,
        };
        projects::insert(&mut tx, &project).await?;
        let token = self
            .new_token(&organization_id, NewApiToken { created_by: Some(user_id.clone()), ..first.token });
        tokens::insert(&mut tx, &token).await?;
        let event = Event {
            organization_id: &organization_id,
            actor: &Actor::system(),
            action: "organization.created",
            target: &organization_id,
            changes: None,
        };
        self.audit(&mut tx, event).await?;
        tx.commit().await?;
        Ok(Some(Bootstrapped { organization_id, project_id: project.id, user_id, token_id: token.id }))
    }
}
