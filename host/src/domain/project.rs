//! Projects: where documents and templates live.

use super::project_member::ProjectAccess;
use super::timestamp::Timestamp;

/// A project of an organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// Id.
    pub id: String,
    /// The organization it belongs to.
    pub organization_id: String,
    /// Name for people.
    pub name: String,
    /// More words for people.
    pub description: Option<String>,
    /// Whether documents may be uploaded to it.
    pub is_active: bool,
    /// Who reaches it.
    pub access: ProjectAccess,
    /// Days after which a document's file is deleted; 0 keeps it for ever.
    pub file_retention_days: u32,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// What a new project is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewProject {
    /// Name for people.
    pub name: String,
    /// More words for people.
    pub description: Option<String>,
    /// Who reaches it.
    pub access: ProjectAccess,
    /// Days after which a document's file is deleted; 0 keeps it for ever.
    pub file_retention_days: u32,
}

/// A change of a project; what is `None` stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProjectChanges {
    /// Name for people.
    pub name: Option<String>,
    /// More words for people; `Some(None)` removes them.
    pub description: Option<Option<String>>,
    /// Whether documents may be uploaded to it.
    pub is_active: Option<bool>,
    /// Who reaches it.
    pub access: Option<ProjectAccess>,
    /// Days after which a document's file is deleted; 0 keeps it for ever.
    pub file_retention_days: Option<u32>,
}

/// What became of the wish to delete a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProjectDeletion {
    /// It is gone, with its templates and tokens.
    Deleted,
    /// There is none.
    NotFound,
    /// It still has documents.
    NotEmpty,
}
