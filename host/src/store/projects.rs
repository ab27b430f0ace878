//! Projects.

use serde_json::json;

use super::audit::Event;
use super::statement::{FromRow, Row, arguments, statements};
use super::{Error, Store};
use crate::domain::audit::Actor;
use crate::domain::project::{NewProject, Project, ProjectChanges, ProjectDeletion};
use crate::domain::project_member::ProjectAccess;

macro_rules! columns {
    () => {
        "id, organization_id, name, description, is_active, access, file_retention_days, created_at, updated_at "
    };
}

statements! {
    "projects";
    LIST = concat!("select ", columns!(), "from projects where organization_id = $1 order by id");
    FIND = concat!("select ", columns!(), "from projects where organization_id = $1 and id = $2");
    INSERT = "insert into projects (id, organization_id, name, description, is_active, access, file_retention_days,
            created_at, updated_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $8)";
    UPDATE = concat!(
        "update projects set name = coalesce($3, name),
            description = case when $4 then $5 else description end,
            is_active = coalesce($6, is_active), access = coalesce($7, access),
            file_retention_days = coalesce($8, file_retention_days), updated_at = $9
        where organization_id = $1 and id = $2 returning ", columns!()
    );
    /// An upload that begins now waits here, and then finds no project.
    LOCK = "update projects set updated_at = updated_at where organization_id = $1 and id = $2";
    ANY_DOCUMENT = "select id from documents where organization_id = $1 and project_id = $2 limit 1";
    DELETE = "delete from projects where organization_id = $1 and id = $2";
}

impl Store {
    /// The organization's projects, oldest first.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn list_projects(&self, organization_id: &str) -> Result<Vec<Project>, Error> {
        self.engine.list(&LIST, arguments![organization_id]).await
    }

    /// A project of the organization.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn project(&self, organization_id: &str, id: &str) -> Result<Option<Project>, Error> {
        self.engine.find(&FIND, arguments![organization_id, id]).await
    }

    /// Makes a project.
    ///
    /// # Errors
    /// [`Error::MissingReference`] where there is no such organization, or whatever else the database answers.
    pub async fn create_project(
        &self,
        actor: &Actor,
        organization_id: &str,
        new: NewProject,
    ) -> Result<Project, Error> {
        let now = self.clock.now();
        let project = Project {
            id: self.clock.new_id(),
            organization_id: organization_id.to_owned(),
            name: new.name,
            description: new.description,
            is_active: true,
            access: new.access,
            file_retention_days: new.file_retention_days,
            created_at: now,
            updated_at: now,
        };
        let mut tx = self.begin().await?;
        insert(&mut tx, &project).await?;
        let event = Event {
            organization_id,
            actor,
            action: "project.created",
            target: &project.id,
            changes: Some(json!({ "name": project.name, "access": project.access.as_str() })),
        };
        self.audit(&mut tx, event).await?;
        tx.commit().await?;
        Ok(project)
    }

    /// Changes a project of the organization; `None` where there is none.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn update_project(
        &self,
        actor: &Actor,
        organization_id: &str,
        id: &str,
        changes: ProjectChanges,
    ) -> Result<Option<Project>, Error> {
        let mut tx = self.begin().await?;
        let updated = tx
            .find(
                &UPDATE,
                arguments![
                    organization_id,
                    id,
                    &changes.name,
                    changes.description.is_some(),
                    changes.description.clone().flatten(),
                    changes.is_active,
                    changes.access.map(ProjectAccess::as_str),
                    changes.file_retention_days,
                    self.clock.now()
                ],
            )
            .await?;
        if updated.is_some() {
            let changed = json!({
                "name": changes.name,
                "description": changes.description,
                "isActive": changes.is_active,
                "access": changes.access.map(ProjectAccess::as_str),
                "fileRetentionDays": changes.file_retention_days,
            });
            let event = Event {
                organization_id,
                actor,
                action: "project.updated",
                target: id,
                changes: Some(changed),
            };
            self.audit(&mut tx, event).await?;
        }
        tx.commit().await?;
        Ok(updated)
    }

    /// Deletes a project of the organization that has no documents; its templates, batches, tokens and members go with it.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn delete_project(
        &self,
        actor: &Actor,
        organization_id: &str,
        id: &str,
    ) -> Result<ProjectDeletion, Error> {
        let mut tx = self.begin().await?;
        if tx.execute(&LOCK, arguments![organization_id, id]).await? == 0 {
            return Ok(ProjectDeletion::NotFound);
        }
        if tx.fetch_optional(&ANY_DOCUMENT, arguments![organization_id, id]).await?.is_some() {
            return Ok(ProjectDeletion::NotEmpty);
        }
        tx.execute(&DELETE, arguments![organization_id, id]).await?;
        let event = Event { organization_id, actor, action: "project.deleted", target: id, changes: None };
        self.audit(&mut tx, event).await?;
        tx.commit().await?;
        Ok(ProjectDeletion::Deleted)
    }
}

/// Writes a new project in the caller's transaction.
pub(super) async fn insert(tx: &mut super::Transaction, project: &Project) -> Result<(), Error> {
    tx.execute(
        &INSERT,
        arguments![
            &project.id,
            &project.organization_id,
            &project.name,
            &project.description,
            project.is_active,
            project.access.as_str(),
            project.file_retention_days,
            project.created_at
        ],
    )
    .await?;
    Ok(())
}

impl FromRow for Project {
    fn from_row(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            id: row.get("id")?,
            organization_id: row.get("organization_id")?,
            name: row.get("name")?,
            description: row.get("description")?,
            is_active: row.get("is_active")?,
            access: row.word("access", ProjectAccess::parse)?,
            file_retention_days: row.number("file_retention_days")?,
            created_at: row.time("created_at")?,
            updated_at: row.time("updated_at")?,
        })
    }
}
