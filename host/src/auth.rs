//! Credentials: passwords, access tokens (JWT), refresh tokens, one-time tokens and API tokens.
//!
//! Makes and checks them; knows nothing of HTTP and stores nothing. What is kept of a token is an HMAC under a
//! key that is not in the database, so a stolen database gives nobody a working token.

mod passwords;
mod signing;

use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::clock;
use crate::domain::signing_key::SigningKey;
use crate::domain::timestamp::Timestamp;
use signing::SigningKeys;

pub use passwords::{PasswordCheck, hash_password, new_password, password_matches, password_problem};
pub use signing::Subject;

/// How every API token starts: makes a leaked one easy to search for.
const API_TOKEN_PREFIX: &str = "ocr_";

/// Length of 12 bytes in base62.
const PUBLIC_ID_LENGTH: usize = 17;

/// Length of 32 bytes in base62.
const SECRET_LENGTH: usize = 43;

/// Length of a CRC-32 in base62.
const CHECKSUM_LENGTH: usize = 6;

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
    /// An access token was made with a key that is not ours or is retired.
    #[error("access token was made with an unknown key")]
    UnknownKey,
    /// An access token was made with a key of ours that this process has not heard of yet.
    #[error("access token was made with a new key")]
    NewKey,
    /// The list of signing keys names none to sign with.
    #[error("there is no key to sign with")]
    NoKey,
    /// The check was not finished.
    #[error("password check was interrupted")]
    Interrupted,
    /// An access token is past its time.
    #[error("access token has expired")]
    Expired,
}

/// The keys of this installation, all derived from one secret. Clones share what they know of the signing keys.
#[derive(Clone)]
pub struct Keys {
    id: String,
    signing: SigningKeys,
    pepper: [u8; 32],
}

/// A token without parts, shown once, with what is kept of it: a refresh token, or one that goes out by mail.
pub struct OpaqueToken {
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
        Ok(Self {
            id: hex::encode(keyed_hash(secret, b"ocriva key id 1").get(..8).unwrap_or_default()),
            signing: SigningKeys::derive(secret),
            pepper: keyed_hash(secret, b"ocriva token pepper 1"),
        })
    }

    /// Names these keys without giving anything of them away.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whether the list of signing keys has to be read again before a token is checked: see [`Keys::learn`].
    pub fn are_stale(&self, now: Timestamp) -> bool {
        self.signing.is_stale(now)
    }

    /// Takes over the list of signing keys as it was read at `now`.
    pub fn learn(&self, signing_keys: Vec<SigningKey>, now: Timestamp) {
        self.signing.learn(signing_keys, now);
    }

    /// Makes an access token that holds for `lifetime` from `now`, with the newest signing key that is known.
    ///
    /// # Errors
    /// [`Error::NoKey`] where none is known, or [`Error::Sign`], which no valid key gives.
    pub fn access_token(
        &self,
        subject: Subject,
        now: Timestamp,
        lifetime: Duration,
    ) -> Result<String, Error> {
        self.signing.sign(subject, now, lifetime)
    }

    /// Whom an access token stands for.
    ///
    /// # Errors
    /// Any token that is not ours, was changed, names another algorithm or key, or has expired; [`Error::NewKey`]
    /// where the list of signing keys has to be read again first.
    pub fn check_access_token(&self, token: &str, now: Timestamp) -> Result<Subject, Error> {
        self.signing.check(token, now)
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

    /// Makes a refresh token or a token to be mailed: 32 random bytes in base62.
    pub fn opaque_token(&self) -> OpaqueToken {
        let text = base62(&clock::random_bytes::<32>(), SECRET_LENGTH);
        let hash = self.token_hash(&text);
        OpaqueToken { text, hash }
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
        write!(f, "Keys({})", self.id)
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

    fn keys() -> Keys {
        Keys::derive(&[7; 32]).unwrap()
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
    fn base62_keeps_the_order_of_numbers_of_one_length() {
        assert_eq!(base62(&[0, 0], 3), "000");
        assert_eq!(base62(&[0, 61], 3), "00z");
        assert_eq!(base62(&[255; 32], 43).len(), 43);
    }
}
