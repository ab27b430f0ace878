//! The first start: somebody who may do everything, and somewhere to do it.

use super::statement::statements;
use super::{Error, Store, projects, tokens, users};
use crate::domain::audit::Actor;
use crate::domain::project::Project;
use crate::domain::project_member::ProjectAccess;
use crate::domain::token::NewApiToken;

statements! {
    "bootstrap";
    /// Also the lock: of two first starts at the same time the second waits here, then finds an organization.
    LOCK = "update dispatcher set dispatched_at = dispatched_at where id = 1";
    ANY = "select id from organizations limit 1";
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
        let user = self.new_user(&first.email, &first.user_name);
        let user_id = user.id.clone();
        users::insert(&mut tx, &user, &first.password_hash).await?;
        let organization_id =
            self.insert_organization(&mut tx, &Actor::system(), &first.organization_name, &user_id).await?.id;
        let project = Project {
            id: self.clock.new_id(),
            organization_id: organization_id.clone(),
            name: first.project_name,
            description: None,
            is_active: true,
            access: ProjectAccess::Organization,
            file_retention_days: 0,
            created_at: now,
            updated_at: now,
        };
        projects::insert(&mut tx, &project).await?;
        let token = self
            .new_token(&organization_id, NewApiToken { created_by: Some(user_id.clone()), ..first.token });
        tokens::insert(&mut tx, &token).await?;
        tx.commit().await?;
        Ok(Some(Bootstrapped { organization_id, project_id: project.id, user_id, token_id: token.id }))
    }
}
