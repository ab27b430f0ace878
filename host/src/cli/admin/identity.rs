//! Organizations, the people in them, and the keys that sign their access tokens.

use std::fmt::Write as _;
use std::io::Read as _;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use clap::{Args, Subcommand};
use ocriva::auth;
use ocriva::config::Config;
use ocriva::domain::audit::Actor;
use ocriva::domain::organization::Role;
use ocriva::domain::user::{User, UserState, is_email};
use ocriva::store::{self, Store};

#[derive(Debug, Subcommand)]
pub enum Identity {
    /// List the organizations: id, state, members, projects, name.
    ListOrganizations,
    /// List the users: id, state, address, name.
    ListUsers,
    /// Make an organization.
    CreateOrganization {
        /// Its name.
        name: String,
        /// Address of its owner, who has an account.
        #[arg(long, value_name = "EMAIL")]
        owner: String,
    },
    /// Close an organization: nobody reaches it, its logins end, what it has is kept.
    CloseOrganization {
        /// Id of the organization.
        organization: String,
    },
    /// Open a closed organization again.
    OpenOrganization {
        /// Id of the organization.
        organization: String,
    },
    /// Make an account.
    CreateUser {
        /// Address to log in with.
        email: String,
        /// Name for people.
        #[arg(long)]
        name: String,
        #[command(flatten)]
        password: Password,
    },
    /// Give a user a place in an organization.
    AddMember {
        /// Id of the organization.
        organization: String,
        /// Address of the user.
        email: String,
        /// owner, admin, member or viewer.
        #[arg(value_parser = role)]
        role: Role,
    },
    /// Give a user another password, and end the user's logins.
    SetPassword {
        /// Address of the user.
        email: String,
        #[command(flatten)]
        password: Password,
    },
    /// Close an account: nobody logs in with it, its logins end.
    CloseUser {
        /// Address of the user.
        email: String,
    },
    /// Open a closed account again.
    OpenUser {
        /// Address of the user.
        email: String,
    },
    /// Sign access tokens with a new key. What the old one signed holds until it expires.
    RotateKeys {
        /// Accept nothing any more that the old key signed: everybody refreshes or logs in again.
        #[arg(long)]
        at_once: bool,
    },
}

/// Where a password comes from.
#[derive(Debug, Args)]
pub struct Password {
    /// Read the password from standard input; without this one is made up and printed.
    #[arg(long)]
    password_stdin: bool,
}

impl Identity {
    /// Runs the command; what it has to say comes back as text.
    ///
    /// # Errors
    /// The database does not answer, or what the command names is not there.
    pub async fn run(self, store: &Store, config: &Config) -> anyhow::Result<String> {
        let actor = Actor::system();
        match self {
            Self::ListOrganizations => list_organizations(store).await,
            Self::ListUsers => list_users(store).await,
            Self::CreateOrganization { name, owner } => {
                ensure!(!name.trim().is_empty(), "an organization needs a name");
                let owner = user(store, &owner).await?;
                let made = store.create_organization(&actor, &name, &owner.id).await?;
                Ok(format!("organization {} is made\n", made.id))
            }
            Self::CloseOrganization { organization } => {
                let closed = store.close_organization(&actor, &organization).await?;
                ensure!(closed, "there is no open organization `{organization}`");
                Ok(format!("organization {organization} is closed\n"))
            }
            Self::OpenOrganization { organization } => {
                let opened = store.open_organization(&actor, &organization).await?;
                ensure!(opened, "there is no closed organization `{organization}`");
                Ok(format!("organization {organization} is open\n"))
            }
            Self::CreateUser { email, name, password } => create_user(store, &email, &name, &password).await,
            Self::AddMember { organization, email, role } => {
                let user = user(store, &email).await?;
                match store.add_member(&actor, &organization, &user.id, role).await {
                    Err(store::Error::Duplicate { .. }) => bail!("`{}` is a member already", user.email),
                    Err(store::Error::MissingReference { .. }) => {
                        bail!("there is no organization `{organization}`")
                    }
                    added => added?,
                };
                Ok(format!("user {} is {role} of organization {organization}\n", user.id))
            }
            Self::SetPassword { email, password } => {
                let user = user(store, &email).await?;
                let (password, told) = password.read()?;
                store.set_password(&actor, &user.id, &auth::hash_password(&password)?, None).await?;
                Ok(format!("user {} has another password\n{told}", user.id))
            }
            Self::CloseUser { email } => {
                let user = user(store, &email).await?;
                let closed = store.set_user_state(&actor, &user.id, UserState::Closed).await?;
                ensure!(closed, "the account of `{}` is closed already", user.email);
                Ok(format!("user {} is closed\n", user.id))
            }
            Self::OpenUser { email } => {
                let user = user(store, &email).await?;
                let opened = store.set_user_state(&actor, &user.id, UserState::Open).await?;
                ensure!(opened, "the account of `{}` is open already", user.email);
                Ok(format!("user {} is open\n", user.id))
            }
            Self::RotateKeys { at_once } => {
                let minutes = if at_once { 0 } else { u64::from(config.auth.access_token_minutes) };
                let generation = store.rotate_signing_key(Duration::from_secs(minutes * 60)).await?;
                Ok(format!(
                    "key {generation} signs access tokens now; what older ones signed is accepted for {minutes} min\n"
                ))
            }
        }
    }
}

impl Password {
    /// The password, and what to print of it: a line with one that was made up, nothing of one that was read.
    fn read(&self) -> anyhow::Result<(String, String)> {
        if !self.password_stdin {
            let password = auth::new_password();
            let told = format!("password {password}\n");
            return Ok((password, told));
        }
        let mut text = String::new();
        // More than the longest password, so that a longer one is refused and not cut.
        let most = 4096;
        std::io::stdin().take(most).read_to_string(&mut text).context("standard input cannot be read")?;
        let password = text.trim_end_matches(['\r', '\n']);
        match auth::password_problem("password", password) {
            Some(problem) => bail!(problem),
            None => Ok((password.to_owned(), String::new())),
        }
    }
}

async fn create_user(store: &Store, email: &str, name: &str, password: &Password) -> anyhow::Result<String> {
    ensure!(is_email(email), "`{email}` is not an address");
    ensure!(!name.trim().is_empty(), "a user needs a name");
    let (password, told) = password.read()?;
    match store.create_user(email, name, &auth::hash_password(&password)?).await {
        Err(store::Error::Duplicate { .. }) => bail!("`{email}` has an account already"),
        made => Ok(format!("user {} is made\n{told}", made?.id)),
    }
}

async fn list_organizations(store: &Store) -> anyhow::Result<String> {
    let mut text = String::new();
    for summary in store.list_organizations().await? {
        let organization = summary.organization;
        let state = if organization.is_active { "open" } else { "closed" };
        let _infallible = writeln!(
            text,
            "{}\t{state}\t{} members\t{} projects\t{}",
            organization.id, summary.members, summary.projects, organization.name
        );
    }
    Ok(text)
}

async fn list_users(store: &Store) -> anyhow::Result<String> {
    let mut text = String::new();
    for user in store.list_users().await? {
        let state = match (user.is_active, user.email_verified_at) {
            (false, _) => "closed",
            (true, None) => "unconfirmed",
            (true, Some(_)) => "open",
        };
        let _infallible = writeln!(text, "{}\t{state}\t{}\t{}", user.id, user.email, user.name);
    }
    Ok(text)
}

async fn user(store: &Store, email: &str) -> anyhow::Result<User> {
    let login = store.login(email).await?;
    login
        .map(|login| login.user)
        .with_context(|| format!("`{email}` has no account; make one with `ocriva admin create-user`"))
}

fn role(word: &str) -> Result<Role, String> {
    Role::parse(word).ok_or_else(|| "expected owner, admin, member or viewer".to_owned())
}
