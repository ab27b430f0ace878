//! People who log in.

use super::timestamp::Timestamp;

/// Longest address that mail servers take (RFC 5321).
const MAX_EMAIL_BYTES: usize = 254;

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
    /// When it was shown, or vouched for, that the person reads mail to the address.
    pub email_verified_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// Whether a person may log in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserState {
    /// They may.
    Open,
    /// They may not, in any organization.
    Closed,
}

/// The form in which an address is stored and looked up.
pub fn normalized_email(email: &str) -> String {
    email.trim().to_lowercase()
}

/// Whether a text could be an address that mail goes to. Whether it is one, only a mail can tell.
pub fn is_email(text: &str) -> bool {
    let text = text.trim();
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    text.len() <= MAX_EMAIL_BYTES
        && !local.is_empty()
        && !domain.is_empty()
        && !local.contains('@')
        && !domain.starts_with(['.', '-'])
        && !domain.ends_with(['.', '-'])
        && !text.chars().any(|character| {
            character.is_whitespace() || character.is_control() || "<>()[],;:\\\"".contains(character)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_mailed_to_is_no_address() {
        for good in ["a@b", "first.last+tag@mail.example.org", " padded@example.org ", "ü@exämple.org"] {
            assert!(is_email(good), "{good}");
        }
        let long = format!("{}@example.org", "x".repeat(250));
        for bad in ["", "a", "@b", "a@", "a@b@c", "a b@c", "a@b\r\nBcc: c", "<a@b>", "a@.b", "a@b.", &long] {
            assert!(!is_email(bad), "{bad}");
        }
    }
}
