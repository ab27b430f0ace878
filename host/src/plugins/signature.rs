//! Signatures: who vouches for a component.
//!
//! A signature is ed25519 over the 32 bytes of the component's SHA-256, so that other tools can make and check it as
//! well. It lies beside the component, never in it. Keys and signatures are written in hexadecimal or base64.

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::error::Refusal;
use crate::{clock, config};

const KEY_BYTES: usize = 32;
const SIGNATURE_BYTES: usize = 64;

/// Longest text of a signature that is looked at.
const TEXT_BYTES: usize = 4096;

/// What is not a key or a signature.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not as many bytes as there should be, in hexadecimal or base64.
    #[error("`{text}` is not {wanted}: it takes {bytes} bytes in hexadecimal or base64")]
    Malformed {
        /// Its beginning.
        text: String,
        /// What it should be.
        wanted: &'static str,
        /// Of how many bytes.
        bytes: usize,
    },
    /// The cryptographic library takes no such key.
    #[error("the key cannot be used")]
    Unusable,
    /// No signature can ever be good.
    #[error("`plugins.require_signature` is true and `plugins.trusted_keys` names no key")]
    NobodyTrusted,
}

/// A key that components are signed with.
pub struct SigningKey(Ed25519KeyPair);

impl SigningKey {
    /// Draws a new key: its secret in hexadecimal, and the key.
    ///
    /// # Errors
    /// The cryptographic library refuses it.
    pub fn generate() -> Result<(String, Self), Error> {
        let seed = clock::random_bytes::<KEY_BYTES>();
        Ok((hex::encode(seed), Self::from_seed(&seed)?))
    }

    /// Reads a secret as [`SigningKey::generate`] gave it.
    ///
    /// # Errors
    /// It is none.
    pub fn parse(secret: &str) -> Result<Self, Error> {
        let seed = bytes::<KEY_BYTES>(secret).ok_or_else(|| Error::Malformed {
            // A secret is not repeated in a message.
            text: "…".to_owned(),
            wanted: "a secret key",
            bytes: KEY_BYTES,
        })?;
        Self::from_seed(&seed)
    }

    fn from_seed(seed: &[u8; KEY_BYTES]) -> Result<Self, Error> {
        Ed25519KeyPair::from_seed_unchecked(seed).map(Self).map_err(|_| Error::Unusable)
    }

    /// What operators trust: for the setting `plugins.trusted_keys`.
    pub fn public_key(&self) -> String {
        hex::encode(self.0.public_key().as_ref())
    }

    /// The signature of a component.
    pub fn sign(&self, component: &[u8]) -> String {
        hex::encode(self.0.sign(&Sha256::digest(component)).as_ref())
    }
}

/// Whose signatures count, and whether there must be one.
#[derive(Debug)]
pub(super) struct Trust {
    keys: Vec<[u8; KEY_BYTES]>,
    is_required: bool,
}

impl Trust {
    pub(super) fn new(settings: &config::Plugins) -> Result<Self, Error> {
        let malformed = |text: &String| Error::Malformed {
            text: text.chars().take(80).collect(),
            wanted: "a public key (setting `plugins.trusted_keys`)",
            bytes: KEY_BYTES,
        };
        let keys: Result<Vec<_>, _> =
            settings.trusted_keys.iter().map(|text| bytes(text).ok_or_else(|| malformed(text))).collect();
        let trust = Self { keys: keys?, is_required: settings.require_signature };
        if trust.is_required && trust.keys.is_empty() {
            return Err(Error::NobodyTrusted);
        }
        Ok(trust)
    }

    /// Whether a component may be taken with this signature, or without one. A signature is looked at only where there
    /// are keys to check it with; then it must be good, also where none is required. The answer is the key, in
    /// hexadecimal.
    pub(super) fn check(&self, component: &[u8], signature: Option<&str>) -> Result<Option<String>, Refusal> {
        let Some(text) = signature else {
            return if self.is_required { Err(Refusal::Unsigned) } else { Ok(None) };
        };
        if self.keys.is_empty() {
            return Ok(None);
        }
        let signature = bytes::<SIGNATURE_BYTES>(text).ok_or(Refusal::BadSignature)?;
        let digest = Sha256::digest(component);
        let is_good =
            |key: &[u8; KEY_BYTES]| UnparsedPublicKey::new(&ED25519, key).verify(&digest, &signature).is_ok();
        let key = self.keys.iter().find(|key| is_good(key)).ok_or(Refusal::BadSignature)?;
        Ok(Some(hex::encode(key)))
    }

    /// Whether a key, in hexadecimal, is among those that are trusted.
    pub(super) fn includes(&self, key: &str) -> bool {
        self.keys.iter().any(|known| hex::encode(known) == key)
    }
}

/// Bytes in hexadecimal or base64, exactly so many.
fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    let text = text.trim();
    if text.len() > TEXT_BYTES {
        return None;
    }
    let decoded = if text.len() == 2 * N { hex::decode(text).ok()? } else { STANDARD.decode(text).ok()? };
    decoded.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trust(keys: &[String], is_required: bool) -> Trust {
        let mut settings = config::Config::default().plugins;
        settings.trusted_keys = keys.to_vec();
        settings.require_signature = is_required;
        Trust::new(&settings).unwrap()
    }

    #[test]
    fn a_signature_by_a_trusted_key_is_good_in_both_spellings() {
        let (secret, key) = SigningKey::generate().unwrap();
        let signature = SigningKey::parse(&secret).unwrap().sign(b"component");
        let in_base64 = |text: &str| STANDARD.encode(hex::decode(text).unwrap());
        for keys in [key.public_key(), in_base64(&key.public_key())] {
            let trust = trust(&[keys], true);
            for text in [signature.clone(), in_base64(&signature), format!("{signature}\n")] {
                assert_eq!(trust.check(b"component", Some(&text)), Ok(Some(key.public_key())));
            }
        }
    }

    #[test]
    fn any_other_signature_is_refused_and_a_missing_one_where_it_is_required() {
        let (_, key) = SigningKey::generate().unwrap();
        let (_, other) = SigningKey::generate().unwrap();
        let optional = trust(&[key.public_key()], false);
        for text in [other.sign(b"component"), key.sign(b"another"), String::new(), "00".repeat(64)] {
            assert_eq!(optional.check(b"component", Some(&text)), Err(Refusal::BadSignature), "{text}");
        }
        assert_eq!(optional.check(b"component", None), Ok(None));
        assert_eq!(trust(&[key.public_key()], true).check(b"component", None), Err(Refusal::Unsigned));
        assert_eq!(trust(&[], false).check(b"component", Some("whatever")), Ok(None));
    }

    #[test]
    fn settings_that_nothing_can_satisfy_are_told() {
        let mut settings = config::Config::default().plugins;
        settings.require_signature = true;
        assert_eq!(Trust::new(&settings).unwrap_err(), Error::NobodyTrusted);
        settings.trusted_keys = vec!["abc".to_owned()];
        assert!(Trust::new(&settings).unwrap_err().to_string().starts_with("`abc` is not a public key"));
    }
}
