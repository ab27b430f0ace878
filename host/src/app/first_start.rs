//! The first start: an owner, an organization, a project and an API token, so that there is somebody to begin with.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;

use super::{Error, secret};
use crate::auth::{self, Keys};
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::token::{NewApiToken, TokenScope};
use crate::store::{Bootstrap, Store};

/// File in the data folder.
const FILE: &str = "credentials.json";

/// Address of the owner: nobody receives mail there, it is the name to log in with.
const EMAIL: &str = "owner@ocriva.local";

const SECONDS_PER_DAY: u64 = 24 * 60 * 60;

/// What the first start made; secrets are here and nowhere else.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Credentials {
    /// The organization.
    pub organization_id: String,
    /// Its first project.
    pub project_id: String,
    /// The owner's address.
    pub email: String,
    /// The owner's password.
    pub password: String,
    /// A token of the organization, with every scope.
    pub api_token: String,
    /// Where they were written.
    #[serde(skip)]
    pub path: PathBuf,
}

/// Makes them, and writes them to the data folder, unless there is an organization already.
///
/// # Errors
/// The database does not answer, or the file cannot be written.
pub(super) async fn run(
    config: &Config,
    store: &Store,
    keys: &Keys,
    clock: &Clock,
) -> Result<Option<Credentials>, Error> {
    if store.is_bootstrapped().await? {
        return Ok(None);
    }
    let password = auth::new_password();
    let token = keys.api_token();
    let lifetime = Duration::from_secs(u64::from(config.auth.api_token_days) * SECONDS_PER_DAY);
    let first = Bootstrap {
        organization_name: "My organization".to_owned(),
        project_name: "My project".to_owned(),
        email: EMAIL.to_owned(),
        user_name: "Owner".to_owned(),
        password_hash: auth::hash_password(&password)?,
        token: NewApiToken {
            project_id: None,
            name: "First token".to_owned(),
            description: Some("Made by the first start".to_owned()),
            public_id: token.public_id,
            secret_hash: token.hash,
            scopes: TokenScope::ALL.to_vec(),
            addresses: Vec::new(),
            created_by: None,
            expires_at: clock.now().after(lifetime),
        },
    };
    // Of several processes that start at the same time one gets here first; the others have nothing to tell.
    let Some(made) = store.bootstrap(first).await? else { return Ok(None) };
    let credentials = Credentials {
        organization_id: made.organization_id,
        project_id: made.project_id,
        email: EMAIL.to_owned(),
        password,
        api_token: token.text,
        path: config.storage.data_dir.join(FILE),
    };
    write(&credentials, &credentials.path)
        .map_err(|source| Error::CredentialsFile { path: credentials.path.clone(), source })?;
    Ok(Some(credentials))
}

/// Writes the file whole or not at all; one of an earlier installation in the same folder is replaced.
fn write(credentials: &Credentials, path: &Path) -> io::Result<()> {
    let content = serde_json::to_string_pretty(credentials)?;
    let new = path.with_extension("json.new");
    match std::fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = secret::private_file(&new)?;
    writeln!(file, "{content}")?;
    file.sync_all()?;
    std::fs::rename(&new, path)
}
