//! Secrets that have to be read again, such as those that sign webhooks: encrypted under a key that is not in the
//! database (AES-256-GCM), each bound to its owner, so that one cannot be put in another's place.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::error::Unspecified;

use super::Keys;
use crate::clock;

/// Names the method, so that another one can come beside it.
const PREFIX: &str = "1:";

/// A text could not be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The cipher refused the key or the text.
    #[error("text cannot be sealed")]
    Seal,
    /// What is stored is not a sealed text.
    #[error("stored text is not sealed as it should be")]
    Malformed,
    /// What is stored was sealed with another key, for another owner, or was changed.
    #[error("sealed text cannot be opened with this installation's key")]
    Foreign,
}

impl Keys {
    /// Encrypts a text for `owner`, a word and an id that say what it belongs to.
    ///
    /// # Errors
    /// [`SealError::Seal`], which no text of a sensible length gives.
    pub fn seal(&self, owner: &str, text: &str) -> Result<String, SealError> {
        let nonce = clock::random_bytes::<NONCE_LEN>();
        let mut bytes = text.as_bytes().to_vec();
        self.cipher()
            .and_then(|cipher| {
                let nonce = Nonce::assume_unique_for_key(nonce);
                cipher.seal_in_place_append_tag(nonce, Aad::from(owner.as_bytes()), &mut bytes)
            })
            .map_err(|_| SealError::Seal)?;
        Ok(format!("{PREFIX}{}{}", hex::encode(nonce), hex::encode(bytes)))
    }

    /// Decrypts what was sealed for `owner`.
    ///
    /// # Errors
    /// [`SealError::Malformed`] or [`SealError::Foreign`].
    pub fn open(&self, owner: &str, sealed: &str) -> Result<String, SealError> {
        let sealed = sealed.strip_prefix(PREFIX).and_then(|sealed| hex::decode(sealed).ok());
        let sealed = sealed.ok_or(SealError::Malformed)?;
        let (nonce, bytes) = sealed.split_at_checked(NONCE_LEN).ok_or(SealError::Malformed)?;
        let mut bytes = bytes.to_vec();
        let text = self
            .cipher()
            .and_then(|cipher| {
                let nonce = Nonce::try_assume_unique_for_key(nonce)?;
                cipher.open_in_place(nonce, Aad::from(owner.as_bytes()), &mut bytes).map(|text| text.to_vec())
            })
            .map_err(|_| SealError::Foreign)?;
        String::from_utf8(text).map_err(|_| SealError::Malformed)
    }

    fn cipher(&self) -> Result<LessSafeKey, Unspecified> {
        UnboundKey::new(&AES_256_GCM, &self.sealing).map(LessSafeKey::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(byte: u8) -> Keys {
        Keys::derive(&[byte; 32]).unwrap()
    }

    #[test]
    fn a_sealed_text_opens_for_its_owner_only() {
        let sealed = keys(7).seal("webhook 1", "whsec_ü").unwrap();
        assert!(!sealed.contains("whsec"), "{sealed}");
        assert_eq!(keys(7).open("webhook 1", &sealed).unwrap(), "whsec_ü");
        assert!(matches!(keys(7).open("webhook 2", &sealed), Err(SealError::Foreign)));
        assert!(matches!(keys(8).open("webhook 1", &sealed), Err(SealError::Foreign)));
    }

    #[test]
    fn a_changed_or_foreign_text_does_not_open() {
        let mut changed = keys(7).seal("a", "text").unwrap();
        let last = if changed.ends_with('0') { "1" } else { "0" };
        changed.replace_range(changed.len() - 1.., last);
        assert!(matches!(keys(7).open("a", &changed), Err(SealError::Foreign)));
        for malformed in ["", "text", "1:", "1:00", "1:zz"] {
            assert!(matches!(keys(7).open("a", malformed), Err(SealError::Malformed)), "{malformed}");
        }
    }

    #[test]
    fn the_same_text_is_sealed_differently_each_time() {
        assert_ne!(keys(7).seal("a", "text").unwrap(), keys(7).seal("a", "text").unwrap());
    }
}
