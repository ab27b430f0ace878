//! What a run of an extractor used of what it may use.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

/// How much was used of what is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Used {
    /// Used; where it varies over a call, the most at one time.
    pub used: u64,
    /// Allowed.
    pub allowed: u64,
    /// How many of those used are an estimate: tokens that the language model's endpoint did not count.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub estimated: u64,
}

/// What was used of each limit, by its name.
pub type Metering = IndexMap<String, Used>;

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives references")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}
