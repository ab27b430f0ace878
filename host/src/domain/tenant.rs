//! Whose data a request may touch.

/// An organization, or one project of it. What lies outside is treated as not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    /// The organization.
    pub organization_id: String,
    /// The project; `None` for every project of the organization.
    pub project_id: Option<String>,
}

impl Tenant {
    /// Every project of an organization.
    pub fn organization(organization_id: impl Into<String>) -> Self {
        Self { organization_id: organization_id.into(), project_id: None }
    }

    /// One project of an organization.
    pub fn project(organization_id: impl Into<String>, project_id: impl Into<String>) -> Self {
        Self { organization_id: organization_id.into(), project_id: Some(project_id.into()) }
    }
}
