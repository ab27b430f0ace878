//! Who belongs to a project, and what that makes of a person.

use serde_json::json;

use super::audit::Event;
use super::statement::{FromRow, Row, arguments, statements, within};
use super::{Error, Place, Store};
use crate::domain::audit::Actor;
use crate::domain::listing::{Listing, Page};
use crate::domain::organization::Role;
use crate::domain::project::Project;
use crate::domain::project_member::{
    Named, ProjectAccess, ProjectMember, ProjectPlace, ProjectRole, Standing,
};
use crate::domain::tenant::Tenant;
use crate::domain::user::User;

macro_rules! members {
    () => {
        "select u.id as id, u.email as email, u.name as name, u.is_active as is_active,
            u.email_verified_at as email_verified_at, u.created_at as created_at, u.updated_at as updated_at,
            p.role as role, p.created_at as member_since, m.role as organization_role
        from project_members p join users u on u.id = p.user_id
            join memberships m on m.organization_id = p.organization_id and m.user_id = p.user_id
        where p.organization_id = $1 and p.project_id = $2 "
    };
}

statements! {
    "project_members";
    LIST = concat!(members!(), "order by u.id limit $3 offset $4");
    COUNT = "select count(*) as total from project_members where organization_id = $1 and project_id = $2";
    FIND = concat!(members!(), "and p.user_id = $3");
    FIND_PERSON = "select u.id as id from memberships m join users u on u.id = m.user_id
        where m.organization_id = $1 and (u.id = $2 or u.email = $3)";
    INSERT = "insert into project_members (organization_id, project_id, user_id, role, created_at)
        values ($1, $2, $3, $4, $5)";
    SET_ROLE = "update project_members set role = $4
        where organization_id = $1 and project_id = $2 and user_id = $3";
    DELETE = "delete from project_members where organization_id = $1 and project_id = $2 and user_id = $3";
    PLACES = "select p.id as project_id, p.access as access, m.role as given
        from projects p left join project_members m on m.project_id = p.id and m.user_id = $2
        where p.organization_id = $1";
    OF_DOCUMENT = concat!(
        "select d.project_id as project_id from documents d ",
        within!("d"),
        "and (d.id = $3 or d.upload_id = $3)"
    );
    OF_BATCH = concat!("select b.project_id as project_id from batches b ", within!("b"), "and b.id = $3");
    OF_TEMPLATE = concat!(
        "select t.project_id as project_id from templates t ",
        within!("t"),
        "and t.id = $3 and t.deleted_at is null"
    );
}

/// Something that belongs to a project, by its id.
#[derive(Debug, Clone, Copy)]
pub enum Record<'a> {
    /// A document, by its id or its upload's.
    Document(&'a str),
    /// A batch.
    Batch(&'a str),
    /// A template.
    Template(&'a str),
}

impl Store {
    /// A page of those who belong to the project, oldest account first.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn list_project_members(
        &self,
        project: &Project,
        page: Page,
    ) -> Result<Listing<ProjectMember>, Error> {
        let Project { organization_id, id, .. } = project;
        let arguments = arguments![organization_id, id, page.limit, page.offset()];
        let items = self.engine.list(&LIST, arguments).await?;
        let total = self.engine.count(&COUNT, arguments![organization_id, id]).await?;
        Ok(Listing { items, total })
    }

    /// Gives somebody of the organization a place in one of its projects; `None` where the organization has no such
    /// member.
    ///
    /// # Errors
    /// [`Error::Duplicate`] where they have one, [`Error::MissingReference`] where the project or their place in the
    /// organization has gone meanwhile, or whatever else the database answers.
    pub async fn add_project_member(
        &self,
        actor: &Actor,
        project: &Project,
        who: &Named,
        role: ProjectRole,
    ) -> Result<Option<ProjectMember>, Error> {
        let Project { organization_id, id, .. } = project;
        let (user_id, email) = match who {
            Named::UserId(id) => (Some(id.clone()), None),
            Named::Email(email) => (None, Some(email.to_lowercase())),
        };
        let mut tx = self.begin().await?;
        let found = tx.fetch_optional(&FIND_PERSON, arguments![organization_id, user_id, email]).await?;
        let Some(found) = found else { return Ok(None) };
        let user_id: String = found.get("id")?;
        let now = self.clock.now();
        tx.execute(&INSERT, arguments![organization_id, id, &user_id, role.as_str(), now]).await?;
        let member: ProjectMember = tx.read(&FIND, arguments![organization_id, id, &user_id]).await?;
        self.audit(&mut tx, event(actor, project, "project_member.created", &member)).await?;
        tx.commit().await?;
        Ok(Some(member))
    }

    /// Gives a member of a project another role in it; `None` where there is no such member.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn set_project_role(
        &self,
        actor: &Actor,
        project: &Project,
        user_id: &str,
        role: ProjectRole,
    ) -> Result<Option<ProjectMember>, Error> {
        let Project { organization_id, id, .. } = project;
        let mut tx = self.begin().await?;
        tx.execute(&SET_ROLE, arguments![organization_id, id, user_id, role.as_str()]).await?;
        let member: Option<ProjectMember> = tx.find(&FIND, arguments![organization_id, id, user_id]).await?;
        if let Some(member) = &member {
            self.audit(&mut tx, event(actor, project, "project_member.updated", member)).await?;
        }
        tx.commit().await?;
        Ok(member)
    }

    /// Takes a member out of a project; `false` where there is no such member.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn remove_project_member(
        &self,
        actor: &Actor,
        project: &Project,
        user_id: &str,
    ) -> Result<bool, Error> {
        let Project { organization_id, id, .. } = project;
        let mut tx = self.begin().await?;
        let member: Option<ProjectMember> = tx.find(&FIND, arguments![organization_id, id, user_id]).await?;
        let Some(member) = member else { return Ok(false) };
        tx.execute(&DELETE, arguments![organization_id, id, user_id]).await?;
        self.audit(&mut tx, event(actor, project, "project_member.removed", &member)).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// What a user may do in an active organization; `None` for who does not belong to it.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn standing(&self, place: Place<'_>) -> Result<Option<Standing>, Error> {
        let Place { organization_id, user_id } = place;
        let Some(membership) = self.membership(user_id, organization_id).await? else { return Ok(None) };
        let role = membership.role;
        let places = match role.may_manage() {
            true => Vec::new(),
            false => self.engine.list(&PLACES, arguments![organization_id, user_id]).await?,
        };
        Ok(Some(Standing::new(role, places)))
    }

    /// The project of a record of the tenant; `None` where there is no such record.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn project_of(&self, tenant: &Tenant, record: Record<'_>) -> Result<Option<String>, Error> {
        let (statement, id) = match record {
            Record::Document(id) => (&OF_DOCUMENT, id),
            Record::Batch(id) => (&OF_BATCH, id),
            Record::Template(id) => (&OF_TEMPLATE, id),
        };
        let bound = arguments![&tenant.organization_id, &tenant.projects, id];
        let found = self.engine.fetch_optional(statement, bound).await?;
        found.map(|row| row.get("project_id")).transpose()
    }
}

fn event<'a>(
    actor: &'a Actor,
    project: &'a Project,
    action: &'static str,
    member: &'a ProjectMember,
) -> Event<'a> {
    let changes =
        json!({ "projectId": project.id, "email": member.user.email, "role": member.role.as_str() });
    let (organization_id, target) = (&project.organization_id, &member.user.id);
    Event { organization_id, actor, action, target, changes: Some(changes) }
}

impl FromRow for ProjectMember {
    fn from_row(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            user: User::from_row(row)?,
            role: row.word("role", ProjectRole::parse)?,
            organization_role: row.word("organization_role", Role::parse)?,
            created_at: row.time("member_since")?,
        })
    }
}

impl FromRow for ProjectPlace {
    fn from_row(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            project_id: row.get("project_id")?,
            access: row.word("access", ProjectAccess::parse)?,
            given: row.optional_word("given", ProjectRole::parse)?,
        })
    }
}
