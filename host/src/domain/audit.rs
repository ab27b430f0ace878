//! Who did what.

use serde_json::Value;

use super::timestamp::Timestamp;

words! {
    /// What kind of caller acted.
    pub enum ActorKind {
        /// A person, logged in.
        User => "user",
        /// An API token.
        Token => "token",
        /// The program itself.
        System => "system",
    }
}

/// Who acts, as the audit log remembers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The kind of caller.
    pub kind: ActorKind,
    /// Id of the user or token; `None` for the program itself.
    pub id: Option<String>,
    /// The caller's network address, where there is one.
    pub address: Option<String>,
}

impl Actor {
    /// The program itself.
    pub fn system() -> Self {
        Self { kind: ActorKind::System, id: None, address: None }
    }
}

/// One line of the audit log.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditEntry {
    /// The line's id.
    pub id: String,
    /// The organization it belongs to.
    pub organization_id: String,
    /// Who acted.
    pub actor: Actor,
    /// `entity.verb`, such as `template.updated`.
    pub action: String,
    /// Id of what was acted on.
    pub target: String,
    /// What changed, as a JSON object; `None` where the action says it all.
    pub changes: Option<Value>,
    /// When.
    pub at: Timestamp,
    /// Its number in the organization's chain, from 1; `None` for an entry from before the chain.
    pub sequence: Option<u64>,
    /// SHA-256 of its content and of its predecessor's hash, in hexadecimal.
    pub hash: Option<String>,
}

/// Which entries a list shows; what is `None` does not restrict it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Only what this user or token did.
    pub actor_id: Option<String>,
    /// Only this action; `template.*` for everything done to templates.
    pub action: Option<String>,
    /// Only what was done to the thing with this id.
    pub target: Option<String>,
    /// At this time or later.
    pub from: Option<Timestamp>,
    /// Before this time.
    pub before: Option<Timestamp>,
    /// Only entries with this text anywhere, without regard to the case of Latin letters.
    pub search: Option<String>,
}

words! {
    /// The form of an exported log.
    pub enum AuditFormat {
        /// One line per entry, after a line of names.
        Csv => "csv",
        /// One array.
        Json => "json",
    }
}

/// What the check of an organization's audit log found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditVerdict {
    /// How many entries fit together, from the first on.
    pub entries: u64,
    /// Hash of the last of them, in hexadecimal; empty where there is none.
    pub hash: String,
    /// Where the log was tampered with; `None` where it is whole.
    pub broken: Option<AuditBreak>,
}

/// A place where an audit log does not fit together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditBreak {
    /// The number that the entry at this place should have.
    pub sequence: u64,
    /// Id of the entry that does not fit; `None` where it is one that is not there.
    pub id: Option<String>,
    /// What is wrong, in a few words.
    pub reason: &'static str,
}
