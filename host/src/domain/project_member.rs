//! Who reaches which project of an organization, and what they may do there.

use std::collections::BTreeMap;

use super::organization::Role;
use super::timestamp::Timestamp;
use super::user::User;

words! {
    /// Who reaches a project.
    pub enum ProjectAccess {
        /// Everybody in the organization, with their role there.
        Organization => "organization",
        /// Its members, and those who manage the organization.
        Members => "members",
    }
}

words! {
    /// What a member of a project may do in it.
    pub enum ProjectRole {
        /// Works with documents and templates.
        Member => "member",
        /// Looks.
        Viewer => "viewer",
    }
}

impl From<ProjectRole> for Role {
    fn from(role: ProjectRole) -> Self {
        match role {
            ProjectRole::Member => Self::Member,
            ProjectRole::Viewer => Self::Viewer,
        }
    }
}

/// A member of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectMember {
    /// The user.
    pub user: User,
    /// What the user was given in the project.
    pub role: ProjectRole,
    /// What the user may do in the organization.
    pub organization_role: Role,
    /// Since when.
    pub created_at: Timestamp,
}

/// Somebody of the organization, as a request names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// By the user's id.
    UserId(String),
    /// By the address to log in with, in any case.
    Email(String),
}

/// A project as it is for one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectPlace {
    /// The project.
    pub project_id: String,
    /// Who reaches it.
    pub access: ProjectAccess,
    /// What the person was given in it; `None` for who is no member of it.
    pub given: Option<ProjectRole>,
}

impl ProjectPlace {
    /// What a person who has `role` in the organization may do in the project; `None` for who does not reach it.
    ///
    /// Those who manage the organization keep their role. For others the organization's role counts in projects that
    /// are open to it, where a project's role can only add to it; in the rest the project's role alone does.
    pub fn role(&self, role: Role) -> Option<Role> {
        match (self.access, self.given) {
            _ if role.may_manage() => Some(role),
            (ProjectAccess::Organization, Some(ProjectRole::Member)) => Some(Role::Member),
            (ProjectAccess::Organization, Some(ProjectRole::Viewer) | None) => Some(role),
            (ProjectAccess::Members, given) => given.map(Role::from),
        }
    }
}

/// What a person may do in an organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The role in the organization.
    pub role: Role,
    /// The role in each project that the person reaches; `None` where it is `role` in every one.
    pub projects: Option<BTreeMap<String, Role>>,
}

impl Standing {
    /// What a role in the organization and all of its projects make of a person.
    pub fn new(role: Role, places: Vec<ProjectPlace>) -> Self {
        if places.iter().all(|place| place.role(role) == Some(role)) {
            return Self { role, projects: None };
        }
        let reached = places.into_iter().filter_map(|place| Some((place.role(role)?, place.project_id)));
        Self { role, projects: Some(reached.map(|(role, id)| (id, role)).collect()) }
    }

    /// The role in a project; `None` for one that is out of reach.
    pub fn role_in(&self, project_id: &str) -> Option<Role> {
        match &self.projects {
            None => Some(self.role),
            Some(roles) => roles.get(project_id).copied(),
        }
    }

    /// The role in the organization, and those in projects that differ from it.
    pub fn roles(&self) -> impl Iterator<Item = Role> {
        let others = self.projects.iter().flat_map(BTreeMap::values).copied();
        std::iter::once(self.role).chain(others)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_role_of_a_project_adds_to_that_of_the_organization_and_stands_alone_where_it_is_closed() {
        use ProjectAccess::{Members, Organization};
        let roles = |access: ProjectAccess, given: Option<ProjectRole>| {
            let place = ProjectPlace { project_id: "p".to_owned(), access, given };
            Role::ALL.iter().map(|role| place.role(*role)).collect::<Vec<_>>()
        };
        let of = |others: [Option<Role>; 2]| {
            [Some(Role::Owner), Some(Role::Admin)].into_iter().chain(others).collect::<Vec<_>>()
        };
        let (member, viewer) = (Some(Role::Member), Some(Role::Viewer));
        assert_eq!(roles(Organization, None), of([member, viewer]));
        assert_eq!(roles(Organization, Some(ProjectRole::Member)), of([member, member]));
        assert_eq!(roles(Organization, Some(ProjectRole::Viewer)), of([member, viewer]));
        assert_eq!(roles(Members, None), of([None, None]));
        assert_eq!(roles(Members, Some(ProjectRole::Member)), of([member, member]));
        assert_eq!(roles(Members, Some(ProjectRole::Viewer)), of([viewer, viewer]));
    }
}
