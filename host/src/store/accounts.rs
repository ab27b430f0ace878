//! Accounts as their owners make and mend them: sign-up, confirmed addresses, forgotten passwords.

use std::time::Duration;

use serde_json::json;

use super::one_time_tokens::{Spent, Ticket, spend};
use super::statement::{arguments, statements};
use super::{Error, Store, Transaction, projects, users};
use crate::domain::account::{NewAccount, NewOneTimeToken, TokenPurpose};
use crate::domain::audit::{Actor, ActorKind};
use crate::domain::project::Project;
use crate::domain::project_member::ProjectAccess;
use crate::domain::user::{User, normalized_email};

statements! {
    "accounts";
    FIND_BY_EMAIL = "select id, email, name, is_active, email_verified_at, created_at, updated_at
        from users where email = $1";
    FIND = "select id, email, name, is_active, email_verified_at, created_at, updated_at
        from users where id = $1";
    /// Whoever signs up again before the address is confirmed means what they say last.
    SIGN_UP_AGAIN = "update users set name = $2, password_hash = $3, updated_at = $4
        where id = $1 and email_verified_at is null";
    CONFIRM = "update users set email = $2, email_verified_at = $3, updated_at = $3 where id = $1 and is_active
        returning id, email, name, is_active, email_verified_at, created_at, updated_at";
    /// A sign-up whose address was never confirmed is forgotten, so that the address is free again.
    SWEEP = "delete from users where email_verified_at is null and created_at < $1";
}

/// How long a sign-up waits for its address to be confirmed.
const UNCONFIRMED: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Name of the first project of an organization that somebody made by signing up.
const FIRST_PROJECT: &str = "My project";

/// What became of a sign-up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignUp {
    /// The account waits for its address to be confirmed.
    Pending(User),
    /// The address belongs to somebody already.
    Taken(User),
}

/// What a confirmed address led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confirmation {
    /// The user, with the new address where it was a change.
    pub user: User,
    /// The address before, where it was another.
    pub previous_email: Option<String>,
}

impl Store {
    /// Remembers an account whose address is to be confirmed with `token`.
    ///
    /// # Errors
    /// [`Error::Duplicate`] where the same address is signed up at the same moment, or whatever else the database
    /// answers.
    pub async fn sign_up(&self, new: &NewAccount, token: NewOneTimeToken) -> Result<SignUp, Error> {
        let now = self.clock.now();
        let unconfirmed = i64::try_from(UNCONFIRMED.as_micros()).unwrap_or(i64::MAX);
        let mut tx = self.begin().await?;
        tx.execute(&SWEEP, arguments![now.0.saturating_sub(unconfirmed)]).await?;
        let found: Option<User> = tx.find(&FIND_BY_EMAIL, arguments![normalized_email(&new.email)]).await?;
        let user = match found {
            Some(user) if user.email_verified_at.is_some() => return Ok(SignUp::Taken(user)),
            Some(user) => {
                let arguments = arguments![&user.id, &new.name, &new.password_hash, now];
                tx.execute(&SIGN_UP_AGAIN, arguments).await?;
                User { name: new.name.clone(), ..user }
            }
            None => {
                let user = User { email_verified_at: None, ..self.new_user(&new.email, &new.name) };
                users::insert(&mut tx, &user, &new.password_hash).await?;
                user
            }
        };
        let ticket = Ticket {
            user_id: &user.id,
            purpose: TokenPurpose::VerifyEmail,
            email: &user.email,
            organization_name: new.organization_name.as_deref(),
        };
        self.issue_one_time_token(&mut tx, ticket, token).await?;
        tx.commit().await?;
        Ok(SignUp::Pending(user))
    }

    /// Remembers that `token` goes to the new address of a user.
    ///
    /// # Errors
    /// [`Error::MissingReference`] where there is no such user, or whatever else the database answers.
    pub async fn begin_email_change(
        &self,
        user_id: &str,
        email: &str,
        token: NewOneTimeToken,
    ) -> Result<(), Error> {
        let email = normalized_email(email);
        let purpose = TokenPurpose::VerifyEmail;
        let mut tx = self.begin().await?;
        let ticket = Ticket { user_id, purpose, email: &email, organization_name: None };
        self.issue_one_time_token(&mut tx, ticket, token).await?;
        tx.commit().await
    }

    /// Confirms the address that the token with this hash was mailed to, and makes the organization that a sign-up asked
    /// for; `None` for a token that is unknown, expired or used.
    ///
    /// # Errors
    /// [`Error::Duplicate`] where the address belongs to somebody else meanwhile, or whatever else the database answers.
    pub async fn confirm_email(
        &self,
        token_hash: &str,
        address: Option<String>,
    ) -> Result<Option<Confirmation>, Error> {
        let now = self.clock.now();
        let mut tx = self.begin().await?;
        let spent = spend(&mut tx, token_hash, TokenPurpose::VerifyEmail, now).await?;
        let Some(Spent { user_id, email, organization_name }) = spent else { return Ok(None) };
        let before: Option<User> = tx.find(&FIND, arguments![&user_id]).await?;
        let confirmed: Option<User> = tx.find(&CONFIRM, arguments![&user_id, &email, now]).await?;
        let Some((before, user)) = before.zip(confirmed) else { return Ok(None) };
        let actor = Actor { kind: ActorKind::User, id: Some(user_id.clone()), address };
        if let Some(name) = organization_name {
            self.make_first_organization(&mut tx, &actor, &user, &name).await?;
        }
        let previous_email = (before.email != user.email).then_some(before.email);
        let changes = json!({ "email": user.email, "previousEmail": previous_email });
        self.audit_user(&mut tx, &actor, &user_id, "user.email_confirmed", Some(changes)).await?;
        tx.commit().await?;
        Ok(Some(Confirmation { user, previous_email }))
    }

    /// Remembers that `token` goes to an address so that its owner can choose another password; `None` where no active
    /// account has it.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn begin_password_reset(
        &self,
        email: &str,
        token: NewOneTimeToken,
    ) -> Result<Option<User>, Error> {
        let mut tx = self.begin().await?;
        let found: Option<User> = tx.find(&FIND_BY_EMAIL, arguments![normalized_email(email)]).await?;
        let Some(user) = found.filter(|user| user.is_active && user.email_verified_at.is_some()) else {
            return Ok(None);
        };
        let purpose = TokenPurpose::ResetPassword;
        let ticket = Ticket { user_id: &user.id, purpose, email: &user.email, organization_name: None };
        self.issue_one_time_token(&mut tx, ticket, token).await?;
        tx.commit().await?;
        Ok(Some(user))
    }

    /// Replaces the password of the user whom the token with this hash was mailed to, and ends all their logins; `None`
    /// for a token that is unknown, expired or used, or that went to an address the user has left.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn reset_password(
        &self,
        token_hash: &str,
        password_hash: &str,
        address: Option<String>,
    ) -> Result<Option<User>, Error> {
        let mut tx = self.begin().await?;
        let spent = spend(&mut tx, token_hash, TokenPurpose::ResetPassword, self.clock.now()).await?;
        let Some(spent) = spent else { return Ok(None) };
        let user: Option<User> = tx.find(&FIND, arguments![&spent.user_id]).await?;
        let Some(user) = user.filter(|user| user.is_active && user.email == spent.email) else {
            return Ok(None);
        };
        let actor = Actor { kind: ActorKind::User, id: Some(user.id.clone()), address };
        self.replace_password(&mut tx, &actor, &user.id, password_hash, None).await?;
        tx.commit().await?;
        Ok(Some(user))
    }

    /// Makes an organization and a project for somebody new, in the caller's transaction.
    async fn make_first_organization(
        &self,
        tx: &mut Transaction,
        actor: &Actor,
        owner: &User,
        name: &str,
    ) -> Result<(), Error> {
        let organization = self.insert_organization(tx, actor, name, &owner.id).await?;
        let project = Project {
            id: self.clock.new_id(),
            organization_id: organization.id,
            name: FIRST_PROJECT.to_owned(),
            description: None,
            is_active: true,
            access: ProjectAccess::Organization,
            file_retention_days: 0,
            created_at: organization.created_at,
            updated_at: organization.created_at,
        };
        projects::insert(tx, &project).await
    }
}
