//! Invitations into an organization, by mail.

use super::organization::Role;
use super::timestamp::Timestamp;

/// An invitation that was sent; the token in the mail is not part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// Id.
    pub id: String,
    /// The organization it leads to.
    pub organization_id: String,
    /// Who is invited: an address in lower case.
    pub email: String,
    /// What they will be.
    pub role: Role,
    /// The user who invited; `None` for a token, or where the user is gone.
    pub invited_by: Option<String>,
    /// When it stops working.
    pub expires_at: Timestamp,
    /// When it was made.
    pub created_at: Timestamp,
}

/// What a new invitation is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewInvitation {
    /// Who is invited, in any case.
    pub email: String,
    /// What they will be.
    pub role: Role,
    /// The user who invites, where it is one.
    pub invited_by: Option<String>,
    /// HMAC-SHA256 of the mailed token in hexadecimal.
    pub token_hash: String,
    /// When it stops working.
    pub expires_at: Timestamp,
}
