//! Credentials: passwords, access tokens (JWT), refresh tokens and API tokens.
//!
//! Makes and checks them; knows nothing of HTTP and stores nothing. What is kept of a token is an HMAC under a
//! key that is not in the database, so a stolen database gives nobody a working token.

use std::sync::Arc;
use std::time::Duration;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use hmac::{Hmac, KeyInit, Mac};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use tokio::sync::Semaphore;

use crate::clock;
use crate::domain::timestamp::Timestamp;

mod sealed;

pub use sealed::SealError;

/// What every access token names as its issuer.
const ISSUER: &str = "ocriva";

/// The one algorithm that access tokens are made with, and the only one accepted.
const ALGORITHM: Algorithm = Algorithm::HS256;

/// How every API token starts: makes a leaked one easy to search for.
const API_TOKEN_PREFIX: &str = "ocr_";

/// Length of 12 bytes in base62.
const PUBLIC_ID_LENGTH: usize = 17;

/// Length of 32 bytes in base62.
const SECRET_LENGTH: usize = 43;

/// Length of a CRC-32 in base62.
const CHECKSUM_LENGTH: usize = 6;

/// Passwords that are hashed at one time.
const PASSWORDS_AT_ONCE: usize = 2;

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Why a credential could not be made or was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The secret that all keys are derived from is too short to be one.
    #[error("secret has {found} bytes, at least {} are needed", Keys::SECRET_BYTES)]
    ShortSecret {
        /// Its length.
        found: usize,
    },
    /// A password could not be hashed.
    #[error("password cannot be hashed")]
    Hash(#[source] argon2::password_hash::Error),
    /// A stored password hash does not parse.
    #[error("stored password hash does not parse")]
    StoredHash(#[source] argon2::password_hash::phc::Error),
    /// An access token could not be made.
    #[error("access token cannot be made")]
    Sign(#[source] jsonwebtoken::errors::Error),
    /// An access token is not ours, was changed, or is of another kind.
    #[error("access token is not valid")]
    InvalidToken(#[source] jsonwebtoken::errors::Error),
    /// An access token was made with a key that is no longer known.
    #[error("access token was made with an unknown key")]
    UnknownKey,
    /// The check was not finished.
    #[error("password check was interrupted")]
    Interrupted,
    /// An access token is past its time.
    #[error("access token has expired")]
    Expired,
}

/// The keys of this installation, all derived from one secret.
#[derive(Clone)]
pub struct Keys {
    key_id: String,
    encoding: EncodingKey,
    decoding: DecodingKey,
    pepper: [u8; 32],
    sealing: [u8; 32],
}

/// What an access token says about its bearer. Everything that can change while the token lives (role, scopes,
/// revocation) is looked up with each request instead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    iss: String,
    /// Expiry in seconds since 1970.
    exp: i64,
    /// Time of issue in seconds since 1970.
    iat: i64,
    /// Whom the token stands for.
    #[serde(flatten)]
    pub subject: Subject,
}

/// Whom an access token stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "typ", rename_all = "lowercase")]
pub enum Subject {
    /// A person who logged in.
    User {
        /// The user.
        #[serde(rename = "sub")]
        user_id: String,
        /// The organization the login was for.
        #[serde(rename = "org")]
        organization_id: String,
        /// The login that it descends from.
        #[serde(rename = "sid")]
        login: String,
    },
    /// An API token that was exchanged for a short one.
    Token {
        /// The API token's public id.
        #[serde(rename = "sub")]
        public_id: String,
    },
}

/// A refresh token, shown once, with what is kept of it.
pub struct RefreshToken {
    /// What the bearer presents.
    pub text: String,
    /// HMAC-SHA256 of it in hexadecimal.
    pub hash: String,
}

/// An API token, shown once, with what is kept of it.
pub struct ApiToken {
    /// What the bearer presents.
    pub text: String,
    /// The part of it by which its record is looked up; no secret.
    pub public_id: String,
    /// HMAC-SHA256 of the whole token in hexadecimal.
    pub hash: String,
}

impl Keys {
    /// Fewest bytes of the secret.
    pub const SECRET_BYTES: usize = 32;

    /// Derives the keys from the installation's secret.
    ///
    /// # Errors
    /// [`Error::ShortSecret`] for fewer than [`Keys::SECRET_BYTES`].
    pub fn derive(secret: &[u8]) -> Result<Self, Error> {
        if secret.len() < Self::SECRET_BYTES {
            return Err(Error::ShortSecret { found: secret.len() });
        }
        let signing = keyed_hash(secret, b"ocriva access token 1");
        let key_id = hex::encode(keyed_hash(secret, b"ocriva key id 1").get(..8).unwrap_or_default());
        Ok(Self {
            key_id,
            encoding: EncodingKey::from_secret(&signing),
            decoding: DecodingKey::from_secret(&signing),
            pepper: keyed_hash(secret, b"ocriva token pepper 1"),
            sealing: keyed_hash(secret, b"ocriva sealing 1"),
        })
    }

    /// Names these keys without giving anything of them away.
    pub fn id(&self) -> &str {
        &self.key_id
    }

    /// Makes an access token that holds for `lifetime` from `now`.
    ///
    /// # Errors
    /// [`Error::Sign`], which no valid key gives.
    pub fn access_token(
        &self,
        subject: Subject,
        now: Timestamp,
        lifetime: Duration,
    ) -> Result<String, Error> {
        let claims = Claims {
            iss: ISSUER.to_owned(),
            exp: now.after(lifetime).unix_seconds(),
            iat: now.unix_seconds(),
            subject,
        };
        let header = Header { kid: Some(self.key_id.clone()), ..Header::new(ALGORITHM) };
        jsonwebtoken::encode(&header, &claims, &self.encoding).map_err(Error::Sign)
    }

    /// Whom an access token stands for.
    ///
    /// # Errors
    /// Any token that is not ours, was changed, names another algorithm or key, or has expired.
    pub fn check_access_token(&self, token: &str, now: Timestamp) -> Result<Subject, Error> {
        let header = jsonwebtoken::decode_header(token).map_err(Error::InvalidToken)?;
        if header.kid.as_deref() != Some(&self.key_id) {
            return Err(Error::UnknownKey);
        }
        let mut validation = Validation::new(ALGORITHM);
        validation.set_issuer(&[ISSUER]);
        validation.set_required_spec_claims(&["exp", "iss", "sub"]);
        // The library would ask the system for the time; ours comes from the clock.
        validation.validate_exp = false;
        let claims = jsonwebtoken::decode::<Claims>(token, &self.decoding, &validation)
            .map_err(Error::InvalidToken)?
            .claims;
        if claims.exp <= now.unix_seconds() {
            return Err(Error::Expired);
        }
        Ok(claims.subject)
    }

    /// Makes an API token: `ocr_<public id>_<32 random bytes>_<checksum>`, all parts in base62.
    pub fn api_token(&self) -> ApiToken {
        let public_id = base62(&clock::random_bytes::<12>(), PUBLIC_ID_LENGTH);
        let secret = base62(&clock::random_bytes::<32>(), SECRET_LENGTH);
        let body = format!("{API_TOKEN_PREFIX}{public_id}_{secret}");
        let text = format!("{body}_{}", checksum(&body));
        let hash = self.token_hash(&text);
        ApiToken { text, public_id, hash }
    }

    /// Makes a refresh token: 32 random bytes in base62.
    pub fn refresh_token(&self) -> RefreshToken {
        let text = base62(&clock::random_bytes::<32>(), SECRET_LENGTH);
        let hash = self.token_hash(&text);
        RefreshToken { text, hash }
    }

    /// What is stored of a token: its HMAC-SHA256 in hexadecimal.
    pub fn token_hash(&self, token: &str) -> String {
        hex::encode(keyed_hash(&self.pepper, token.as_bytes()))
    }

    /// Whether `token` is the one whose hash was stored, in time that does not depend on the answer.
    pub fn token_matches(&self, token: &str, stored_hash: &str) -> bool {
        self.token_hash(token).as_bytes().ct_eq(stored_hash.as_bytes()).into()
    }
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Keys({})", self.key_id)
    }
}

/// Whether a credential claims to be an API token, as opposed to a JWT.
pub fn is_api_token(credential: &str) -> bool {
    credential.starts_with(API_TOKEN_PREFIX)
}

/// The public id in an API token; `None` where its form or its checksum is wrong, so that a mistyped token costs no
/// look-up.
pub fn api_token_public_id(token: &str) -> Option<&str> {
    let (body, sum) = token.rsplit_once('_')?;
    let (public_id, secret) = body.strip_prefix(API_TOKEN_PREFIX)?.split_once('_')?;
    let is_whole =
        public_id.len() == PUBLIC_ID_LENGTH && secret.len() == SECRET_LENGTH && sum == checksum(body);
    is_whole.then_some(public_id)
}

/// Checks passwords on blocking threads, a few at a time: each takes tens of milliseconds and 19 MiB, so that many
/// logins at once must not take all cores and all memory.
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
    /// As [`password_matches`].
    ///
    /// # Errors
    /// [`Error::StoredHash`], or [`Error::Interrupted`] where the runtime is being shut down.
    pub async fn matches(&self, password: String, stored: Option<String>) -> Result<bool, Error> {
        let slot = Arc::clone(&self.slots).acquire_owned().await.map_err(|_| Error::Interrupted)?;
        let check = tokio::task::spawn_blocking(move || {
            let _slot = slot;
            password_matches(&password, stored.as_deref())
        });
        check.await.map_err(|_| Error::Interrupted)?
    }
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

/// A password of 24 random characters, for the first owner.
pub fn new_password() -> String {
    base62(&clock::random_bytes::<18>(), 25).chars().skip(1).collect()
}

fn keyed_hash(key: &[u8], message: &[u8]) -> [u8; 32] {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("invariant: HMAC takes keys of any length");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

fn checksum(body: &str) -> String {
    base62(&crc32fast::hash(body.as_bytes()).to_be_bytes(), CHECKSUM_LENGTH)
}

/// A big-endian number in base62, filled up with zeros to `length` digits.
fn base62(bytes: &[u8], length: usize) -> String {
    let mut number = bytes.to_vec();
    let mut digits = Vec::with_capacity(length);
    while number.iter().any(|byte| *byte != 0) {
        let mut remainder = 0_u32;
        for byte in &mut number {
            let value = remainder * 256 + u32::from(*byte);
            *byte = u8::try_from(value / 62).unwrap_or(u8::MAX);
            remainder = value % 62;
        }
        digits.push(char::from(BASE62[remainder as usize]));
    }
    while digits.len() < length {
        digits.push('0');
    }
    digits.iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_800_000_000_000_000);
    const HOUR: Duration = Duration::from_secs(3600);
    const PUBLIC_ID: &str = "0mXb3dTq9LrZ5vKcA";

    fn keys() -> Keys {
        Keys::derive(&[7; 32]).unwrap()
    }

    fn subject() -> Subject {
        Subject::Token { public_id: PUBLIC_ID.into() }
    }

    #[test]
    fn an_access_token_holds_until_it_expires() {
        let token = keys().access_token(subject(), NOW, HOUR).unwrap();
        assert_eq!(keys().check_access_token(&token, NOW).unwrap(), subject());
        let error = keys().check_access_token(&token, NOW.after(HOUR)).unwrap_err();
        assert!(matches!(error, Error::Expired), "{error}");
    }

    #[test]
    fn an_access_token_of_another_installation_is_refused() {
        let token = Keys::derive(&[8; 32]).unwrap().access_token(subject(), NOW, HOUR).unwrap();
        assert!(matches!(keys().check_access_token(&token, NOW).unwrap_err(), Error::UnknownKey));
    }

    #[test]
    fn an_access_token_with_another_algorithm_is_refused() {
        let claims = serde_json::json!({"iss": ISSUER, "exp": 1_900_000_000, "iat": 0, "typ": "token", "sub": PUBLIC_ID});
        let header = Header { kid: Some(keys().key_id), ..Header::new(Algorithm::HS512) };
        let token = jsonwebtoken::encode(&header, &claims, &keys().encoding).unwrap();
        assert!(matches!(keys().check_access_token(&token, NOW).unwrap_err(), Error::InvalidToken(_)));
    }

    #[test]
    fn a_changed_access_token_is_refused() {
        let token = keys().access_token(subject(), NOW, HOUR).unwrap();
        let other = Subject::Token { public_id: "another".into() };
        let forged = keys().access_token(other, NOW, HOUR).unwrap();
        let (head, _) = forged.rsplit_once('.').unwrap();
        let (_, signature) = token.rsplit_once('.').unwrap();
        let error = keys().check_access_token(&format!("{head}.{signature}"), NOW).unwrap_err();
        assert!(matches!(error, Error::InvalidToken(_)), "{error}");
    }

    #[test]
    fn an_api_token_names_its_record_and_matches_its_hash() {
        let token = keys().api_token();
        assert_eq!(api_token_public_id(&token.text), Some(token.public_id.as_str()));
        assert!(keys().token_matches(&token.text, &token.hash));
        assert!(!keys().token_matches(&keys().api_token().text, &token.hash));
    }

    #[test]
    fn a_mistyped_api_token_is_seen_without_a_look_up() {
        let token = keys().api_token().text;
        let mut mistyped = token.clone();
        mistyped.replace_range(40..41, if &token[40..41] == "x" { "y" } else { "x" });
        for wrong in [mistyped.as_str(), "ocr_", "ocr_1_2_3", "", &token[..token.len() - 1]] {
            assert_eq!(api_token_public_id(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_password_matches_only_its_own_hash() {
        let hash = hash_password("correct horse").unwrap();
        assert!(hash.starts_with("$argon2id$"), "{hash}");
        assert!(password_matches("correct horse", Some(&hash)).unwrap());
        assert!(!password_matches("battery staple", Some(&hash)).unwrap());
        assert!(!password_matches("correct horse", None).unwrap());
    }

    #[test]
    fn base62_keeps_the_order_of_numbers_of_one_length() {
        assert_eq!(base62(&[0, 0], 3), "000");
        assert_eq!(base62(&[0, 61], 3), "00z");
        assert_eq!(base62(&[255; 32], 43).len(), 43);
    }
}
