//! Generations of the key that signs access tokens.

use super::timestamp::Timestamp;

/// A generation of the signing key, as it is remembered: the key itself is derived from the installation's secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningKey {
    /// Its number, from 1; the highest one that has no end signs.
    pub generation: u32,
    /// When what it signed stops being accepted.
    pub retires_at: Option<Timestamp>,
}
