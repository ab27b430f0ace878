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
}
