//! What each operation wants of its caller, and a request that succeeds.

use ocriva::domain::organization::Role;
use ocriva::domain::token::TokenScope;
use support::contract::Operation;

/// An operation and all that the sweep has to know of it.
#[derive(Debug)]
pub struct Row {
    /// Method and path; one row stands for both faces where both have the operation.
    pub operation: &'static str,
    /// What a caller needs.
    pub needs: Needs,
    /// What another organization's credentials get.
    pub elsewhere: Reach,
    /// What a token of another project of the organization gets.
    pub beside: Reach,
    /// What a member of the organization gets who does not reach the project; `None` where it is what the token gets.
    pub outside: Option<Reach>,
    /// Those whom the operation refuses although their scopes or role would do, with status and code.
    pub refused: &'static [(Who, u16, &'static str)],
    /// The error of an operation that the tests' settings keep from being done, with status and code.
    pub hindered: Option<(u16, &'static str)>,
    /// Whether the operation ends the logins of whoever calls it.
    pub ends_logins: bool,
    /// The path to call where it is not the operation's own, with a query. Names in braces are things that are made.
    pub call: Option<&'static str>,
    /// What is sent.
    pub content: Content,
}

/// What a caller needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Nothing at all.
    Nothing,
    /// Any credential.
    Credential,
    /// This scope, or a role that includes it.
    Scope(TokenScope),
    /// The operator's own credential, which no tenant has.
    Operator,
}

/// Callers that a row can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// Every API token: the operation is for people.
    Tokens,
    /// Users with this role.
    Role(Role),
}

/// What those get who may do the operation, but not with these things.
#[derive(Debug, Clone, Copy)]
pub enum Reach {
    /// 404 with this code.
    Unknown(&'static str),
    /// 401: the request names a project.
    Elsewhere,
    /// An answer about their own things.
    Own,
    /// Any other error.
    Refused(u16, &'static str),
}

/// What a request carries. Names in braces are things that are made.
#[derive(Debug, Clone, Copy)]
pub enum Content {
    /// Nothing.
    Nothing,
    /// JSON.
    Json(&'static str),
    /// A form with one file in this field.
    Form(&'static str),
    /// A form with a file that has this text, and one more part by name.
    TextFile(&'static str, (&'static str, &'static str)),
}

/// What callers from elsewhere get of an organization.
const ORGANIZATION: Reach = Reach::Unknown("organization.unknown");

/// Of an operation that no token can do.
const PEOPLE_ONLY: &[(Who, u16, &str)] = &[(Who::Tokens, 403, "auth.user_required")];

const fn row(operation: &'static str, needs: Needs, reach: Reach) -> Row {
    Row {
        operation,
        needs,
        elsewhere: reach,
        beside: reach,
        outside: None,
        refused: &[],
        hindered: None,
        ends_logins: false,
        call: None,
        content: Content::Nothing,
    }
}

const fn open(operation: &'static str) -> Row {
    row(operation, Needs::Nothing, Reach::Own)
}

const fn any(operation: &'static str, reach: Reach) -> Row {
    row(operation, Needs::Credential, reach)
}

const fn needs(operation: &'static str, scope: TokenScope, reach: Reach) -> Row {
    row(operation, Needs::Scope(scope), reach)
}

const fn operator(operation: &'static str) -> Row {
    row(operation, Needs::Operator, Reach::Own)
}

impl Row {
    /// The row of an operation.
    pub fn find(operation: &Operation) -> Option<&'static Self> {
        let path = operation.path.strip_prefix("/v1/openapi").unwrap_or(&operation.path);
        let exact = format!("{} {}", operation.method, operation.path);
        let shared = format!("{} {path}", operation.method);
        ROWS.iter()
            .find(|row| row.operation == exact)
            .or_else(|| ROWS.iter().find(|row| row.operation == shared))
    }

    const fn json(mut self, body: &'static str) -> Self {
        self.content = Content::Json(body);
        self
    }

    const fn form(mut self, file_field: &'static str) -> Self {
        self.content = Content::Form(file_field);
        self
    }

    const fn text_file(mut self, text: &'static str, part: (&'static str, &'static str)) -> Self {
        self.content = Content::TextFile(text, part);
        self
    }

    const fn call(mut self, path: &'static str) -> Self {
        self.call = Some(path);
        self
    }

    const fn refused(mut self, refused: &'static [(Who, u16, &'static str)]) -> Self {
        self.refused = refused;
        self
    }

    const fn hindered(mut self, status: u16, code: &'static str) -> Self {
        self.hindered = Some((status, code));
        self
    }

    const fn ends_logins(mut self) -> Self {
        self.ends_logins = true;
        self
    }

    const fn beside(mut self, reach: Reach) -> Self {
        self.beside = reach;
        self
    }

    const fn outside(mut self, reach: Reach) -> Self {
        self.outside = Some(reach);
        self
    }
}

/// The table, in the order of the calls.
pub const ROWS: &[Row] =
    {
        use Reach::{Elsewhere, Own, Unknown};
        use TokenScope::{
            DocumentsRead, DocumentsWrite, OrganizationManage, PluginsRead, TemplatesRead, TemplatesWrite,
            TokensManage, WebhooksManage,
        };
        &[
        open("GET /openapi.json"),
        open("GET /docs"),
        open("GET /health/live"),
        open("GET /health/ready"),
        // Who one is.
        open("POST /auth/login").json(r#"{"email": "{email}", "password": "{password}"}"#),
        open("POST /v1/openapi/auth/login").json(r#"{"token": "{apiToken}"}"#),
        open("POST /auth/refresh").json(r#"{"refreshToken": "{refreshToken}"}"#),
        open("POST /auth/logout").json(r#"{"refreshToken": "{refreshToken}"}"#),
        any("GET /auth/me", Own).beside(Own),
        // One's own account.
        any("POST /auth/switch-organization", ORGANIZATION)
            .json(r#"{"organizationId": "{organizationId}"}"#)
            .refused(PEOPLE_ONLY)
            .outside(Own),
        any("PATCH /auth/me", Own).json(r#"{"name": "Changed"}"#).refused(PEOPLE_ONLY),
        any("POST /auth/change-password", Own)
            .json(r#"{"currentPassword": "{password}", "newPassword": "{password}"}"#)
            .refused(PEOPLE_ONLY),
        any("POST /auth/logout-everywhere", Own).refused(PEOPLE_ONLY).ends_logins(),
        open("POST /auth/signup")
            .json(r#"{"email": "{newEmail}", "password": "{password}", "name": "Ada"}"#)
            .hindered(403, "auth.signup_disabled"),
        open("POST /auth/verify-email").json(r#"{"token": "{signupToken}"}"#),
        open("POST /auth/forgot-password")
            .json(r#"{"email": "ada@example.org"}"#)
            .hindered(409, "mail.not_configured"),
        open("POST /auth/reset-password").json(r#"{"token": "{resetToken}", "password": "{password}"}"#),
        open("POST /invitations/accept")
            .json(r#"{"token": "{invitationToken}", "name": "Ada", "password": "{password}"}"#),
        // Organizations and their members.
        any("GET /organizations", Own),
        needs("POST /organizations", OrganizationManage, Own).json(r#"{"name": "New"}"#).refused(PEOPLE_ONLY),
        any("GET /organizations/{organizationId}", ORGANIZATION).beside(Own),
        needs("PATCH /organizations/{organizationId}", OrganizationManage, ORGANIZATION)
            .json(r#"{"name": "First"}"#)
            .beside(Elsewhere),
        needs("GET /organizations/{organizationId}/members", OrganizationManage, ORGANIZATION)
            .beside(Elsewhere),
        needs("POST /organizations/{organizationId}/members", OrganizationManage, ORGANIZATION)
            .json(r#"{"email": "{newEmail}", "name": "Ada", "role": "viewer", "password": "{password}"}"#)
            .beside(Elsewhere),
        needs("PATCH /organizations/{organizationId}/members/{userId}", OrganizationManage, ORGANIZATION)
            .json(r#"{"role": "member"}"#)
            .beside(Elsewhere),
        needs("DELETE /organizations/{organizationId}/members/{userId}", OrganizationManage, ORGANIZATION)
            .beside(Elsewhere),
        any("POST /organizations/{organizationId}/leave", ORGANIZATION)
            .refused(PEOPLE_ONLY)
            .outside(Own)
            .ends_logins(),
        needs("GET /organizations/{organizationId}/invitations", OrganizationManage, ORGANIZATION)
            .beside(Elsewhere),
        needs("POST /organizations/{organizationId}/invitations", OrganizationManage, ORGANIZATION)
            .json(r#"{"email": "ada@example.org", "role": "viewer"}"#)
            .beside(Elsewhere)
            .hindered(409, "mail.not_configured"),
        needs(
            "DELETE /organizations/{organizationId}/invitations/{invitationId}",
            OrganizationManage,
            ORGANIZATION,
        )
        .beside(Elsewhere),
        needs("DELETE /projects/{projectId}", OrganizationManage, Unknown("project.unknown"))
            .call("/projects/{spareProjectId}"),
        // API tokens.
        needs("GET /tokens", TokensManage, Own),
        needs("POST /tokens", TokensManage, Own)
            .json(r#"{"name": "New", "type": "organization", "scopes": ["tokens:manage"]}"#)
            .beside(Reach::Refused(403, "token.beyond_grant")),
        needs("GET /tokens/{tokenId}", TokensManage, Unknown("token.unknown")),
        needs("POST /tokens/{tokenId}/regenerate", TokensManage, Unknown("token.unknown")).json("{}"),
        needs("DELETE /tokens/{tokenId}", TokensManage, Unknown("token.unknown")),
        // Projects.
        any("GET /projects", Own),
        needs("POST /projects", OrganizationManage, Own).json(r#"{"name": "New"}"#).beside(Elsewhere),
        any("GET /projects/{projectId}", Unknown("project.unknown")),
        needs("PATCH /projects/{projectId}", OrganizationManage, Unknown("project.unknown"))
            .json(r#"{"description": "Changed"}"#),
        needs("GET /projects/{projectId}/members", OrganizationManage, Unknown("project.unknown")),
        needs("POST /projects/{projectId}/members", OrganizationManage, Unknown("project.unknown"))
            .json(r#"{"userId": "{userId}", "role": "member"}"#),
        needs("PATCH /projects/{projectId}/members/{userId}", OrganizationManage, Unknown("project.unknown"))
            .call("/projects/{projectId}/members/{projectMemberId}")
            .json(r#"{"role": "member"}"#),
        needs("DELETE /projects/{projectId}/members/{userId}", OrganizationManage, Unknown("project.unknown"))
            .call("/projects/{projectId}/members/{projectMemberId}"),
        // Templates.
        needs("GET /templates", TemplatesRead, Elsewhere).call("/templates?projectId={projectId}"),
        needs("POST /templates", TemplatesWrite, Elsewhere).json(
            r#"{"name": "New", "projectId": "{projectId}", "templateSchema": {"total": {"type": "number"}}}"#,
        ),
        needs("GET /templates/{templateId}", TemplatesRead, Unknown("template.unknown")),
        needs("PATCH /templates/{templateId}", TemplatesWrite, Unknown("template.unknown"))
            .json(r#"{"name": "Changed"}"#),
        needs("DELETE /templates/{templateId}", TemplatesWrite, Unknown("template.unknown")),
        needs("GET /templates/presets", TemplatesRead, Own),
        needs("GET /templates/presets/{preset}", TemplatesRead, Own).call("/templates/presets/invoice"),
        needs("POST /templates/preview", TemplatesWrite, Unknown("template.unknown"))
            .text_file("Total: 12.50", ("templateId", "{templateId}")),
        needs("GET /templates/{templateId}/versions", TemplatesRead, Unknown("template.unknown")),
        needs("GET /templates/{templateId}/versions/{version}", TemplatesRead, Unknown("template.unknown"))
            .call("/templates/{templateId}/versions/1"),
        needs(
            "POST /templates/{templateId}/versions/{version}/restore",
            TemplatesWrite,
            Unknown("template.unknown"),
        )
        .call("/templates/{templateId}/versions/1/restore"),
        needs("POST /templates/{templateId}/duplicate", TemplatesWrite, Unknown("template.unknown"))
            .json(r#"{"name": "Copy"}"#),
        needs("GET /templates/{templateId}/reference", TemplatesRead, Unknown("template.unknown")),
        needs("POST /templates/{templateId}/reference", TemplatesWrite, Unknown("template.unknown"))
            .text_file("name,vat\nAcme,GB1\n", ("name", "suppliers")),
        needs("DELETE /templates/{templateId}/reference/{name}", TemplatesWrite, Unknown("template.unknown"))
            .call("/templates/{templateId}/reference/{referenceName}"),
        // Uploads.
        needs("POST /upload/{organizationId}/file", DocumentsWrite, ORGANIZATION)
            .form("file")
            .beside(Elsewhere),
        needs("POST /upload", DocumentsWrite, Elsewhere).form("file"),
        needs("POST /batch/{organizationId}/upload", DocumentsWrite, ORGANIZATION)
            .form("files")
            .beside(Elsewhere),
        needs("POST /batch/upload", DocumentsWrite, Elsewhere).form("files"),
        // Batches and records.
        needs("GET /batch", DocumentsRead, Elsewhere).call("/batch?projectId={projectId}"),
        needs("GET /batch/{id}", DocumentsRead, Unknown("batch.unknown")),
        needs("GET /processing-history", DocumentsRead, Elsewhere)
            .call("/processing-history?projectId={projectId}"),
        needs("GET /processing-history/{id}", DocumentsRead, Unknown("document.unknown")),
        needs("DELETE /processing-history/{id}", DocumentsWrite, Unknown("document.unknown"))
            .call("/processing-history/{cancelledId}"),
        needs("POST /processing-history/{id}/cancel", DocumentsWrite, Unknown("document.unknown")),
        needs("POST /processing-history/{id}/reprocess", DocumentsWrite, Unknown("document.unknown"))
            .call("/processing-history/{cancelledId}/reprocess"),
        needs("GET /processing-history/stats", DocumentsRead, Elsewhere)
            .call("/processing-history/stats?projectId={projectId}"),
        needs("GET /processing-history/{id}/events", DocumentsRead, Unknown("document.unknown"))
            .call("/processing-history/{finishedId}/events"),
        needs("GET /processing-history/{id}/pages/{page}", DocumentsRead, Unknown("document.unknown"))
            .call("/processing-history/{documentId}/pages/1.png"),
        needs("GET /batch/{id}/events", DocumentsRead, Unknown("batch.unknown"))
            .call("/batch/{finishedBatchId}/events"),
        needs("POST /batch/{id}/cancel", DocumentsWrite, Unknown("batch.unknown")),
        needs("POST /batch/{id}/reprocess", DocumentsWrite, Unknown("batch.unknown"))
            .call("/batch/{finishedBatchId}/reprocess"),
        needs("DELETE /batch/{id}", DocumentsWrite, Unknown("batch.unknown"))
            .call("/batch/{finishedBatchId}"),
        needs("GET /processing-history/{id}/export", DocumentsRead, Unknown("document.unknown"))
            .call("/processing-history/{finishedId}/export?format=json"),
        needs("GET /batch/{id}/export", DocumentsRead, Unknown("batch.unknown"))
            .call("/batch/{finishedBatchId}/export?format=json"),
        needs("GET /files/{id}", DocumentsRead, Unknown("file.unknown")),
        needs("GET /plugins", PluginsRead, Own),
        // Webhooks.
        needs("GET /webhooks", WebhooksManage, Own),
        needs("POST /webhooks", WebhooksManage, Own)
            .json(r#"{"name": "New", "url": "https://93.184.215.14/", "events": ["document.processed"]}"#),
        needs("GET /webhooks/{id}", WebhooksManage, Unknown("webhook.unknown")),
        needs("PATCH /webhooks/{id}", WebhooksManage, Unknown("webhook.unknown"))
            .json(r#"{"name": "Changed"}"#),
        needs("DELETE /webhooks/{id}", WebhooksManage, Unknown("webhook.unknown")),
        needs("POST /webhooks/{id}/test", WebhooksManage, Unknown("webhook.unknown")),
        needs("POST /webhooks/{id}/rotate-secret", WebhooksManage, Unknown("webhook.unknown")),
        needs("GET /webhooks/{id}/deliveries", WebhooksManage, Unknown("webhook.unknown")),
        needs(
            "GET /webhooks/{id}/deliveries/{deliveryId}",
            WebhooksManage,
            Unknown("webhook.delivery_unknown"),
        ),
        needs(
            "POST /webhooks/{id}/deliveries/{deliveryId}/resend",
            WebhooksManage,
            Unknown("webhook.delivery_unknown"),
        ),
        // Plans, credits and the audit log.
        needs("GET /usage", DocumentsRead, Own).beside(Elsewhere).outside(Own),
        needs("GET /usage/analytics", DocumentsRead, Own),
        needs("GET /credits", OrganizationManage, Own).beside(Elsewhere),
        needs("GET /credits/ledger", OrganizationManage, Own).beside(Elsewhere),
        needs("GET /audit", OrganizationManage, Own).beside(Elsewhere),
        needs("GET /audit/export", OrganizationManage, Own).beside(Elsewhere),
        needs("GET /audit/verify", OrganizationManage, Own).beside(Elsewhere),
        operator("GET /operator/plans"),
        operator("PUT /operator/organizations/{organizationId}/plan").json(r#"{"plan": "starter"}"#),
        operator("POST /operator/organizations/{organizationId}/credits")
            .json(r#"{"amount": 5, "reason": "Test"}"#),
        open("GET /metrics"),
        // The last one: it closes the organization.
        needs("DELETE /organizations/{organizationId}", OrganizationManage, ORGANIZATION)
            .refused(&[
                (Who::Tokens, 403, "auth.user_required"),
                (Who::Role(Role::Admin), 403, "auth.role_insufficient"),
            ])
            .beside(Elsewhere),
    ]
    };
