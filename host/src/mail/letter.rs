//! What the letters say.

use std::fmt::Write as _;

use crate::domain::organization::Role;

/// A letter to one person.
#[derive(Debug, Clone)]
pub enum Letter<'a> {
    /// Asks whether the address is theirs.
    ConfirmEmail {
        /// The one-time token.
        token: &'a str,
        /// Hours for which it works.
        hours: u64,
    },
    /// Somebody signed up with an address that has an account.
    AlreadyRegistered,
    /// Lets them choose another password.
    ResetPassword {
        /// The one-time token.
        token: &'a str,
        /// Hours for which it works.
        hours: u64,
    },
    /// The password is another one now.
    PasswordChanged,
    /// The account has another address now; goes to the one before.
    EmailChanged {
        /// The new address.
        email: &'a str,
    },
    /// Invites them into an organization.
    Invitation {
        /// The organization's name.
        organization: &'a str,
        /// Who invites, where it is a person.
        inviter: Option<&'a str>,
        /// What they will be.
        role: Role,
        /// The one-time token.
        token: &'a str,
        /// Days for which it works.
        days: u32,
    },
}

impl Letter<'_> {
    /// The subject: one line.
    pub(super) fn subject(&self) -> String {
        match self {
            Self::ConfirmEmail { .. } => "Confirm your address".to_owned(),
            Self::AlreadyRegistered => "You have an account already".to_owned(),
            Self::ResetPassword { .. } => "Choose another password".to_owned(),
            Self::PasswordChanged => "Your password was changed".to_owned(),
            Self::EmailChanged { .. } => "Your address was changed".to_owned(),
            Self::Invitation { organization, .. } => {
                format!("You are invited to {}", one_line(organization))
            }
        }
    }

    /// The text. Tokens are in links to pages of the application at `app_url`, or bare where there is none.
    pub(super) fn text(&self, app_url: &str) -> String {
        let mut text = String::new();
        let _infallible = match self {
            Self::ConfirmEmail { token, hours } => write!(
                text,
                "Somebody gave this address for an account at Ocriva. If it was you, confirm it within {hours} hours:\n\n\
                 {}\n\nIf it was not you, there is nothing to do.\n",
                link(app_url, "verify-email", token)
            ),
            Self::AlreadyRegistered => write!(
                text,
                "Somebody, probably you, signed up at Ocriva with this address, which has an account already.\n\
                 You can log in with it; if you do not remember the password, ask for another one.\n"
            ),
            Self::ResetPassword { token, hours } => write!(
                text,
                "Somebody asked for another password for your account at Ocriva. If it was you, choose it within \
                 {hours} hours:\n\n{}\n\nIf it was not you, your password stays as it is.\n",
                link(app_url, "reset-password", token)
            ),
            Self::PasswordChanged => write!(
                text,
                "The password of your account at Ocriva was changed, and your other logins have ended.\n\
                 If it was not you, ask for another password at once.\n"
            ),
            Self::EmailChanged { email } => write!(
                text,
                "Your account at Ocriva has another address now: {}\n\
                 If it was not you, write to those who run the service.\n",
                one_line(email)
            ),
            Self::Invitation { organization, inviter, role, token, days } => write!(
                text,
                "{} invites you to join {} at Ocriva as {role}. Accept it within {days} days:\n\n{}\n",
                one_line(inviter.unwrap_or("Somebody")),
                one_line(organization),
                link(app_url, "accept-invitation", token)
            ),
        };
        text
    }
}

fn link(app_url: &str, page: &str, token: &str) -> String {
    match app_url {
        "" => format!("Code: {token}"),
        url => format!("{url}/{page}?token={token}"),
    }
}

/// A name that somebody chose, as it may stand in a line.
fn one_line(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_somebody_chose_adds_no_line() {
        let organization = "Engines\r\nBcc: all@example.org";
        let letter =
            Letter::Invitation { organization, inviter: None, role: Role::Member, token: "t0ken", days: 7 };
        assert_eq!(letter.subject(), "You are invited to Engines  Bcc: all@example.org");
        assert!(!letter.text("").contains("\nBcc"), "{}", letter.text(""));
    }

    #[test]
    fn a_token_is_in_a_link_where_there_is_an_application() {
        let letter = Letter::ResetPassword { token: "t0ken", hours: 1 };
        assert!(letter.text("").contains("\nCode: t0ken\n"), "{}", letter.text(""));
        let linked = letter.text("https://app.example.org");
        assert!(linked.contains("\nhttps://app.example.org/reset-password?token=t0ken\n"), "{linked}");
    }
}
