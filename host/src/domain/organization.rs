//! Organizations and who belongs to them.

use super::timestamp::Timestamp;
use super::user::User;

/// A customer: owns projects, tokens and all that is in them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    /// Id.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// Whether its members and tokens may do anything.
    pub is_active: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

words! {
    /// What a user may do in an organization, from most to least.
    pub enum Role {
        /// Everything.
        Owner => "owner",
        /// Everything but to remove the owner.
        Admin => "admin",
        /// Works with documents and templates.
        Member => "member",
        /// Looks.
        Viewer => "viewer",
    }
}

impl Role {
    /// Whether documents and templates may be made and changed.
    pub fn may_write(self) -> bool {
        matches!(self, Self::Owner | Self::Admin | Self::Member)
    }

    /// Whether tokens, members, projects and the organization itself may be managed.
    pub fn may_manage(self) -> bool {
        matches!(self, Self::Owner | Self::Admin)
    }

    /// Whether members with the role `other` may be made, changed and removed: owners by owners only.
    pub fn may_assign(self, other: Self) -> bool {
        self == Self::Owner || (self == Self::Admin && other != Self::Owner)
    }
}

/// A user's place in an organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// The organization.
    pub organization_id: String,
    /// The user.
    pub user_id: String,
    /// What the user may do.
    pub role: Role,
}

/// A user as seen from an organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The user.
    pub user: User,
    /// What the user may do.
    pub role: Role,
}

/// What a new user of an organization is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMember {
    /// Address to log in with, in any case.
    pub email: String,
    /// Name for people.
    pub name: String,
    /// Argon2 hash of the password in PHC form.
    pub password_hash: String,
    /// What the user may do.
    pub role: Role,
}

/// What became of a change of a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MemberChange {
    /// Done; the member as it is, or was when it was removed.
    Done(Member),
    /// There is no such member.
    NotFound,
    /// It would leave the organization without an owner.
    LastOwner,
    /// Only an owner may do this to an owner.
    OwnersOnly,
}

/// An organization as one of its members sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnOrganization {
    /// The organization.
    pub organization: Organization,
    /// What the user may do in it.
    pub role: Role,
}

/// An organization as the operator sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrganizationSummary {
    /// The organization.
    pub organization: Organization,
    /// People who belong to it.
    pub members: u64,
    /// Its projects.
    pub projects: u64,
}
