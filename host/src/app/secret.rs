//! The installation's secret, from which every key is derived. It is kept outside the database, so that a stolen
//! copy of the database signs nothing.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use super::Error;
use crate::auth::Keys;
use crate::clock;
use crate::config::Config;
use crate::store::Store;

/// File in the data folder that holds the secret where no setting does.
const FILE: &str = "secret.key";

/// Name under which the database remembers which secret it belongs to.
const KEY_ID: &str = "key_id";

/// The keys of this installation: from `auth.secret`, else from the data folder, where the first start makes one.
///
/// # Errors
/// A secret that is too short or cannot be read, or a database that belongs to another one.
pub(super) async fn keys(config: &Config, store: &Store) -> Result<Keys, Error> {
    let path = config.storage.data_dir.join(FILE);
    let secret = match config.auth.secret.as_str() {
        "" => from_file(&path).map_err(|source| Error::SecretFile { path: path.clone(), source })?,
        secret => secret.as_bytes().to_vec(),
    };
    let keys = Keys::derive(&secret)?;
    if store.secret(KEY_ID, keys.id()).await? != keys.id() {
        return Err(Error::OtherSecret { path });
    }
    Ok(keys)
}

fn from_file(path: &Path) -> io::Result<Vec<u8>> {
    match create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            fs::read_to_string(path).map(|text| text.trim().as_bytes().to_vec())
        }
        made => made,
    }
}

/// Makes the file with a new secret, readable by this user only, unless there is one.
fn create(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = private_file(path)?;
    let secret = hex::encode(clock::random_bytes::<32>());
    writeln!(file, "{secret}")?;
    file.sync_all()?;
    Ok(secret.into_bytes())
}

/// Makes a file that only this process's user may read; it must not exist yet.
pub(super) fn private_file(path: &Path) -> io::Result<fs::File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
