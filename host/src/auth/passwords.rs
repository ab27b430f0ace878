//! Passwords: what one has to be, its hash, and the check against it.

use std::sync::Arc;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use tokio::sync::Semaphore;

use super::{Error, base62};
use crate::clock;

/// Fewest characters of a password that somebody chooses.
pub const MIN_PASSWORD_CHARS: usize = 8;

/// Longest password that is looked at: hashing more would only cost time.
pub const MAX_PASSWORD_BYTES: usize = 1024;

/// Passwords that are hashed at one time.
const PASSWORDS_AT_ONCE: usize = 2;

/// Hashes and checks passwords on blocking threads, a few at a time: each takes tens of milliseconds and 19 MiB, so
/// that many logins at once must not take all cores and all memory.
#[derive(Debug, Clone)]
pub struct PasswordCheck {
    slots: Arc<Semaphore>,
}

impl Default for PasswordCheck {
    fn default() -> Self {
        Self { slots: Arc::new(Semaphore::new(PASSWORDS_AT_ONCE)) }
    }
}

impl PasswordCheck {
    /// As [`password_matches`]. A password above [`MAX_PASSWORD_BYTES`] belongs to nobody.
    ///
    /// # Errors
    /// [`Error::StoredHash`], or [`Error::Interrupted`] where the runtime is being shut down.
    pub async fn matches(&self, password: String, stored: Option<String>) -> Result<bool, Error> {
        if password.len() > MAX_PASSWORD_BYTES {
            return Ok(false);
        }
        self.run(move || password_matches(&password, stored.as_deref())).await
    }

    /// As [`hash_password`].
    ///
    /// # Errors
    /// [`Error::Hash`], or [`Error::Interrupted`] where the runtime is being shut down.
    pub async fn hash(&self, password: String) -> Result<String, Error> {
        self.run(move || hash_password(&password)).await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let slot = Arc::clone(&self.slots).acquire_owned().await.map_err(|_| Error::Interrupted)?;
        let done = tokio::task::spawn_blocking(move || {
            let _slot = slot;
            work()
        });
        done.await.map_err(|_| Error::Interrupted)?
    }
}

/// What keeps a text from being somebody's new password, as a sentence that names it `field`; `None` where nothing
/// does.
pub fn password_problem(field: &str, password: &str) -> Option<String> {
    if password.chars().count() < MIN_PASSWORD_CHARS {
        return Some(format!("`{field}` must have at least {MIN_PASSWORD_CHARS} characters"));
    }
    (password.len() > MAX_PASSWORD_BYTES)
        .then(|| format!("`{field}` must have at most {MAX_PASSWORD_BYTES} bytes"))
}

/// Hashes a password with argon2id, as a PHC string. Takes tens of milliseconds and 19 MiB: call it on a blocking
/// thread.
///
/// # Errors
/// [`Error::Hash`] for a password that the method cannot take (longer than 4 GiB).
pub fn hash_password(password: &str) -> Result<String, Error> {
    let salt = clock::random_bytes::<16>();
    let hash: PasswordHash =
        Argon2::default().hash_password_with_salt(password.as_bytes(), &salt).map_err(Error::Hash)?;
    Ok(hash.to_string())
}

/// Whether a password belongs to a stored hash. As slow as [`hash_password`], also where there is no `stored` one:
/// the time of an answer does not tell whether the account exists.
///
/// # Errors
/// [`Error::StoredHash`] where the stored hash is not a PHC string.
pub fn password_matches(password: &str, stored: Option<&str>) -> Result<bool, Error> {
    let Some(stored) = stored else {
        hash_password(password)?;
        return Ok(false);
    };
    let hash = PasswordHash::new(stored).map_err(Error::StoredHash)?;
    Ok(Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
}

/// A password of 24 random characters, for somebody who does not choose one.
pub fn new_password() -> String {
    base62(&clock::random_bytes::<18>(), 25).chars().skip(1).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_matches_only_its_own_hash() {
        let hash = hash_password("correct horse").unwrap();
        assert!(hash.starts_with("$argon2id$"), "{hash}");
        assert!(password_matches("correct horse", Some(&hash)).unwrap());
        assert!(!password_matches("battery staple", Some(&hash)).unwrap());
        assert!(!password_matches("correct horse", None).unwrap());
    }

    #[test]
    fn length_of_a_password_is_counted_in_characters() {
        assert_eq!(password_problem("password", "ßßßßßßßß"), None);
        assert!(password_problem("password", "ßßßß").is_some());
        assert!(password_problem("password", &"x".repeat(MAX_PASSWORD_BYTES + 1)).is_some());
    }
}
