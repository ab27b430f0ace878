//! What happens to an account by mail: sign-up, confirmed addresses, forgotten passwords.

use super::timestamp::Timestamp;

words! {
    /// What a mailed token is good for.
    pub enum TokenPurpose {
        /// Shows that its bearer reads the mail of an address.
        VerifyEmail => "verify_email",
        /// Lets its bearer choose another password.
        ResetPassword => "reset_password",
    }
}

/// A mailed token to be remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOneTimeToken {
    /// HMAC-SHA256 of it in hexadecimal.
    pub token_hash: String,
    /// When it stops working.
    pub expires_at: Timestamp,
}

/// What somebody who signs up says of themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAccount {
    /// Address to log in with, in any case.
    pub email: String,
    /// Name for people.
    pub name: String,
    /// Argon2 hash of the password in PHC form.
    pub password_hash: String,
    /// The organization that is made once the address is confirmed; `None` for no organization.
    pub organization_name: Option<String>,
}
