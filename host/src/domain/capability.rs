//! What a plugin can be granted beyond its document.

use serde::{Deserialize, Serialize};

/// A power that a plugin asks for in its manifest and that the operator grants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Capability {
    /// The time of day, and a stopwatch.
    Clock,
    /// Random bytes.
    Random,
    /// Values that outlast a call, for each organization its own.
    Kv,
    /// Requests to servers.
    Http,
    /// The language model that the operator configured.
    Llm,
}

impl Capability {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Clock, Self::Random, Self::Kv, Self::Http, Self::Llm];

    /// Its word in manifests and settings, which is also the name of its interface.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Clock => "clock",
            Self::Random => "random",
            Self::Kv => "kv",
            Self::Http => "http",
            Self::Llm => "llm",
        }
    }
}

/// Where the kept values of one plugin stand, for one organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shelf {
    /// The organization whose document is at work.
    pub organization_id: String,
    /// The plugin's name.
    pub plugin: String,
}

/// How much there may be on a shelf.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// Bytes of all keys and values together.
    pub bytes: u64,
    /// Keys.
    pub keys: u64,
}
