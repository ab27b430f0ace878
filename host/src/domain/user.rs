//! People who log in.

use super::timestamp::Timestamp;

/// A person. The password's hash is not part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Id.
    pub id: String,
    /// Address, in lower case.
    pub email: String,
    /// Name for people.
    pub name: String,
    /// Whether the person may log in.
    pub is_active: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// The form in which an address is stored and looked up.
pub fn normalized_email(email: &str) -> String {
    email.trim().to_lowercase()
}
