//! Access tokens: signed with the newest generation of the signing key, accepted from every one not yet retired.
//!
//! A generation's key is derived from the installation's secret and the generation's number, so that the database,
//! which says what generations there are, holds nothing to sign with. Processes that share a database each keep a copy
//! of that list: [`SigningKeys::is_stale`] says when it has to be read again.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};

use super::{Error, keyed_hash};
use crate::domain::signing_key::SigningKey;
use crate::domain::timestamp::Timestamp;

/// What every access token names as its issuer.
const ISSUER: &str = "ocriva";

/// The one algorithm that access tokens are made with, and the only one accepted.
const ALGORITHM: Algorithm = Algorithm::HS256;

/// How long a process goes by its copy of the list: a key retired elsewhere is accepted no longer than this.
const FRESH: Duration = Duration::from_secs(30);

/// What an access token says about its bearer. Everything that can change while the token lives (role, scopes,
/// revocation) is looked up with each request instead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Claims {
    iss: String,
    /// Expiry in seconds since 1970.
    exp: i64,
    /// Time of issue in seconds since 1970.
    iat: i64,
    #[serde(flatten)]
    subject: Subject,
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

/// The generations of the signing key that this process knows. Clones share them.
#[derive(Clone)]
pub(super) struct SigningKeys {
    root: [u8; 32],
    known: Arc<RwLock<Known>>,
}

struct Known {
    generations: Vec<SigningKey>,
    read_at: Timestamp,
}

impl SigningKeys {
    /// Those derived from `secret`; the first generation is known, and that there are no others has to be read.
    pub(super) fn derive(secret: &[u8]) -> Self {
        let generations = vec![SigningKey { generation: 1, retires_at: None }];
        let known = Known { generations, read_at: Timestamp(i64::MIN) };
        Self { root: keyed_hash(secret, b"ocriva signing root 1"), known: Arc::new(RwLock::new(known)) }
    }

    /// Whether the list of generations has to be read again before a token is checked.
    pub(super) fn is_stale(&self, now: Timestamp) -> bool {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.read_at.until(now) > FRESH
    }

    /// Takes over the list of generations as it was read at `now`.
    pub(super) fn learn(&self, generations: Vec<SigningKey>, now: Timestamp) {
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Known { generations, read_at: now };
    }

    pub(super) fn sign(&self, subject: Subject, now: Timestamp, lifetime: Duration) -> Result<String, Error> {
        let generation = self.newest().ok_or(Error::NoKey)?;
        let claims = Claims {
            iss: ISSUER.to_owned(),
            exp: now.after(lifetime).unix_seconds(),
            iat: now.unix_seconds(),
            subject,
        };
        let header = Header { kid: Some(self.key_id(generation)), ..Header::new(ALGORITHM) };
        let key = EncodingKey::from_secret(&self.key(generation));
        jsonwebtoken::encode(&header, &claims, &key).map_err(Error::Sign)
    }

    pub(super) fn check(&self, token: &str, now: Timestamp) -> Result<Subject, Error> {
        let header = jsonwebtoken::decode_header(token).map_err(Error::InvalidToken)?;
        let generation = header.kid.as_deref().and_then(|id| self.generation(id)).ok_or(Error::UnknownKey)?;
        let mut validation = Validation::new(ALGORITHM);
        validation.set_issuer(&[ISSUER]);
        validation.set_required_spec_claims(&["exp", "iss", "sub"]);
        // The library would ask the system for the time; ours comes from the clock.
        validation.validate_exp = false;
        let key = DecodingKey::from_secret(&self.key(generation));
        let claims =
            jsonwebtoken::decode::<Claims>(token, &key, &validation).map_err(Error::InvalidToken)?.claims;
        if claims.exp <= now.unix_seconds() {
            return Err(Error::Expired);
        }
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        match known.generations.iter().find(|key| key.generation == generation) {
            None => Err(Error::NewKey),
            Some(key) if key.retires_at.is_some_and(|retires_at| retires_at <= now) => Err(Error::UnknownKey),
            Some(_) => Ok(claims.subject),
        }
    }

    fn newest(&self) -> Option<u32> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let signing = known.generations.iter().filter(|key| key.retires_at.is_none());
        signing.map(|key| key.generation).max()
    }

    fn key(&self, generation: u32) -> [u8; 32] {
        keyed_hash(&self.root, format!("access token {generation}").as_bytes())
    }

    /// Number and proof: nobody without the secret can name a generation, so that a made-up one costs no look-up.
    fn key_id(&self, generation: u32) -> String {
        let proof = keyed_hash(&self.root, format!("key id {generation}").as_bytes());
        format!("{generation}.{}", hex::encode(proof.get(..8).unwrap_or_default()))
    }

    fn generation(&self, key_id: &str) -> Option<u32> {
        let generation = key_id.split_once('.')?.0.parse().ok()?;
        (self.key_id(generation) == key_id).then_some(generation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_800_000_000_000_000);
    const HOUR: Duration = Duration::from_secs(3600);

    fn keys() -> SigningKeys {
        SigningKeys::derive(&[7; 32])
    }

    fn subject() -> Subject {
        Subject::Token { public_id: "0mXb3dTq9LrZ5vKcA".into() }
    }

    fn key(generation: u32, retires_at: Option<Timestamp>) -> SigningKey {
        SigningKey { generation, retires_at }
    }

    #[test]
    fn an_access_token_holds_until_it_expires() {
        let token = keys().sign(subject(), NOW, HOUR).unwrap();
        assert_eq!(keys().check(&token, NOW).unwrap(), subject());
        let error = keys().check(&token, NOW.after(HOUR)).unwrap_err();
        assert!(matches!(error, Error::Expired), "{error}");
    }

    #[test]
    fn an_access_token_of_another_installation_is_refused() {
        let token = SigningKeys::derive(&[8; 32]).sign(subject(), NOW, HOUR).unwrap();
        assert!(matches!(keys().check(&token, NOW).unwrap_err(), Error::UnknownKey));
    }

    #[test]
    fn an_access_token_with_another_algorithm_is_refused() {
        let claims =
            serde_json::json!({"iss": ISSUER, "exp": 1_900_000_000, "iat": 0, "typ": "token", "sub": "x"});
        let header = Header { kid: Some(keys().key_id(1)), ..Header::new(Algorithm::HS512) };
        let key = EncodingKey::from_secret(&keys().key(1));
        let token = jsonwebtoken::encode(&header, &claims, &key).unwrap();
        assert!(matches!(keys().check(&token, NOW).unwrap_err(), Error::InvalidToken(_)));
    }

    #[test]
    fn a_changed_access_token_is_refused() {
        let token = keys().sign(subject(), NOW, HOUR).unwrap();
        let forged = keys().sign(Subject::Token { public_id: "another".into() }, NOW, HOUR).unwrap();
        let (head, _) = forged.rsplit_once('.').unwrap();
        let (_, signature) = token.rsplit_once('.').unwrap();
        let error = keys().check(&format!("{head}.{signature}"), NOW).unwrap_err();
        assert!(matches!(error, Error::InvalidToken(_)), "{error}");
    }

    #[test]
    fn a_token_of_an_older_key_holds_until_that_key_retires() {
        let keys = keys();
        let old = keys.sign(subject(), NOW, HOUR).unwrap();
        let retires_at = NOW.after(HOUR / 2);
        keys.learn(vec![key(1, Some(retires_at)), key(2, None)], NOW);
        assert_eq!(keys.check(&old, NOW).unwrap(), subject());
        assert!(matches!(keys.check(&old, retires_at).unwrap_err(), Error::UnknownKey));
        let new = keys.sign(subject(), NOW, HOUR).unwrap();
        assert_eq!(keys.check(&new, retires_at).unwrap(), subject());
    }

    #[test]
    fn a_token_of_a_key_made_elsewhere_asks_for_the_list_to_be_read_again() {
        let (here, elsewhere) = (keys(), keys());
        here.learn(vec![key(1, None)], NOW);
        assert!(!here.is_stale(NOW) && here.is_stale(NOW.after(HOUR)));
        elsewhere.learn(vec![key(2, None)], NOW);
        let token = elsewhere.sign(subject(), NOW, HOUR).unwrap();
        assert!(matches!(here.check(&token, NOW).unwrap_err(), Error::NewKey));
        here.learn(vec![key(1, None), key(2, None)], NOW);
        assert_eq!(here.check(&token, NOW).unwrap(), subject());
    }
}
