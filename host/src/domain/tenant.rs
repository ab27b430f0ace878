//! Whose data a request may touch.

use std::collections::BTreeSet;

/// An organization, or some of its projects. What lies outside is treated as not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    /// The organization.
    pub organization_id: String,
    /// Its projects.
    pub projects: Reach,
}

/// Projects of an organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// Every one, and what belongs to none.
    All,
    /// Those with these ids.
    Only(BTreeSet<String>),
}

impl Tenant {
    /// Every project of an organization.
    pub fn organization(organization_id: impl Into<String>) -> Self {
        Self { organization_id: organization_id.into(), projects: Reach::All }
    }

    /// One project of an organization.
    pub fn project(organization_id: impl Into<String>, project_id: impl Into<String>) -> Self {
        Self {
            organization_id: organization_id.into(),
            projects: Reach::Only(BTreeSet::from([project_id.into()])),
        }
    }
}

impl Reach {
    /// Whether the project is among them.
    pub fn contains(&self, project_id: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(ids) => ids.contains(project_id),
        }
    }
}
