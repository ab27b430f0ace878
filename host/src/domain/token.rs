//! API tokens and refresh tokens, as far as they are remembered: never the secret itself.

use super::timestamp::Timestamp;

words! {
    /// How far a token reaches.
    pub enum TokenKind {
        /// Every project of the organization.
        Organization => "organization",
        /// One project.
        Project => "project",
    }
}

words! {
    /// One thing a token allows.
    pub enum TokenScope {
        /// Look at documents and results.
        DocumentsRead => "documents:read",
        /// Upload, cancel, reprocess and delete documents.
        DocumentsWrite => "documents:write",
        /// Look at templates.
        TemplatesRead => "templates:read",
        /// Make, change and delete templates.
        TemplatesWrite => "templates:write",
        /// Look at plugins.
        PluginsRead => "plugins:read",
        /// Upload, activate and remove plugins.
        PluginsWrite => "plugins:write",
        /// Manage webhooks.
        WebhooksManage => "webhooks:manage",
        /// Manage tokens.
        TokensManage => "tokens:manage",
        /// Manage the organization, its members and projects.
        OrganizationManage => "org:manage",
    }
}

/// An API token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiToken {
    /// Id.
    pub id: String,
    /// The organization it belongs to.
    pub organization_id: String,
    /// The project it is bound to; `None` for every project.
    pub project_id: Option<String>,
    /// Name for people.
    pub name: String,
    /// More words for people.
    pub description: Option<String>,
    /// The part of the token by which it is looked up.
    pub public_id: String,
    /// HMAC-SHA256 of the whole token in hexadecimal.
    pub secret_hash: String,
    /// What it allows.
    pub scopes: Vec<TokenScope>,
    /// Addresses and networks it may be used from; empty for any.
    pub addresses: Vec<String>,
    /// The user who made it.
    pub created_by: Option<String>,
    /// When it stops working.
    pub expires_at: Timestamp,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl ApiToken {
    /// How far it reaches.
    pub fn kind(&self) -> TokenKind {
        match self.project_id {
            None => TokenKind::Organization,
            Some(_) => TokenKind::Project,
        }
    }
}

/// What a new API token is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewApiToken {
    /// The project it is bound to; `None` for every project.
    pub project_id: Option<String>,
    /// Name for people.
    pub name: String,
    /// More words for people.
    pub description: Option<String>,
    /// The part of the token by which it is looked up.
    pub public_id: String,
    /// HMAC-SHA256 of the whole token in hexadecimal.
    pub secret_hash: String,
    /// What it allows.
    pub scopes: Vec<TokenScope>,
    /// Addresses and networks it may be used from; empty for any.
    pub addresses: Vec<String>,
    /// The user who makes it.
    pub created_by: Option<String>,
    /// When it stops working.
    pub expires_at: Timestamp,
}

/// A login: all refresh tokens that descend from it, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginFamily {
    /// Id of the login.
    pub family: String,
    /// Who logged in.
    pub user_id: String,
    /// The organization the login is for.
    pub organization_id: String,
}

/// A refresh token to be remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRefreshToken {
    /// Hash of the token in hexadecimal.
    pub token_hash: String,
    /// When it stops working.
    pub expires_at: Timestamp,
}

/// What became of an attempt to trade a refresh token for the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rotation {
    /// The old one is spent, the new one is remembered.
    Rotated(LoginFamily),
    /// The old one had been spent before: its whole family is revoked now.
    Reused,
    /// Unknown, expired or revoked.
    Invalid,
}
