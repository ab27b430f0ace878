//! Errors as clients see them: one table of public codes, one body, one place where other modules' errors become
//! either.
//!
//! A handler returns [`ApiError`]; [`render`] gives every answer outside 2xx the contract's body, whatever layer
//! it came from.

use std::error::Error as StdError;
use std::fmt::Write as _;
use std::sync::Arc;

use axum::Json;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::domain::plan::QuotaExceeded;
use crate::{auth, blobs, mail, references, store};

/// Seconds after which a client that was turned away may come back.
const RETRY_AFTER_SECONDS: u64 = 5;

macro_rules! codes {
    ($($(#[doc = $meaning:literal])+ $name:ident = $status:ident $word:literal,)*) => {
        /// Every public error code with its status. Words are stable: clients branch on them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Code { $($(#[doc = $meaning])+ $name,)* }

        impl Code {
            /// The whole table.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The status of answers with this code.
            pub fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status,)* }
            }

            /// The stable word in the answer's `code`.
            pub fn word(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            /// What it means, in a sentence.
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$name => concat!($($meaning),+).trim_ascii(),)* }
            }
        }
    };
}

codes! {
    /// The request is not HTTP, JSON or multipart as it should be.
    RequestMalformed = BAD_REQUEST "request.malformed",
    /// A field is missing or has a value it cannot have.
    RequestInvalid = BAD_REQUEST "request.invalid",
    /// An id is not a UUID.
    BadId = BAD_REQUEST "request.bad_id",
    /// The request did not arrive in time.
    RequestTimeout = REQUEST_TIMEOUT "request.timeout",
    /// The request's body is above its limit.
    RequestTooLarge = PAYLOAD_TOO_LARGE "request.too_large",
    /// No such route.
    RouteUnknown = NOT_FOUND "route.unknown",
    /// The route exists, with other methods.
    RouteMethod = METHOD_NOT_ALLOWED "route.method",
    /// The credits do not suffice. Nothing was stored.
    CreditsShort = PAYMENT_REQUIRED "credits.short",
    /// More than a quota of the plan allows: the message names the quota, what is allowed and what this would make.
    QuotaExceeded = FORBIDDEN "plan.quota_exceeded",
    /// More requests per minute than the plan allows.
    RateExceeded = TOO_MANY_REQUESTS "plan.rate_exceeded",
    /// No such plan.
    PlanUnknown = NOT_FOUND "plan.unknown",
    /// The operator's routes are switched off.
    OperatorOff = FORBIDDEN "operator.off",
    /// No credential.
    CredentialMissing = UNAUTHORIZED "auth.credential_missing",
    /// A credential that is not one of ours, expired or revoked.
    CredentialInvalid = UNAUTHORIZED "auth.credential_invalid",
    /// Email or password is wrong.
    LoginFailed = UNAUTHORIZED "auth.login_failed",
    /// A refresh token that is unknown, expired, revoked or already used.
    RefreshInvalid = UNAUTHORIZED "auth.refresh_invalid",
    /// A one-time token that is unknown, expired or used.
    OneTimeTokenInvalid = BAD_REQUEST "auth.one_time_token_invalid",
    /// The address of the account has not been confirmed yet.
    EmailUnverified = FORBIDDEN "auth.email_unverified",
    /// The present password, which a change asks for, is wrong.
    PasswordWrong = FORBIDDEN "auth.password_wrong",
    /// Sign-up is switched off.
    SignupDisabled = FORBIDDEN "auth.signup_disabled",
    /// Too many attempts lately.
    TooManyAttempts = TOO_MANY_REQUESTS "auth.too_many_attempts",
    /// Only a person can do this, no API token.
    UserRequired = FORBIDDEN "auth.user_required",
    /// A project outside the credential's reach.
    ProjectOutOfReach = UNAUTHORIZED "auth.project_out_of_reach",
    /// The role does not allow it.
    RoleInsufficient = FORBIDDEN "auth.role_insufficient",
    /// The token lacks the scope.
    ScopeMissing = FORBIDDEN "auth.scope_missing",
    /// The caller's address is not on the token's list.
    AddressRefused = FORBIDDEN "auth.address_refused",
    /// No such organization for this caller.
    OrganizationUnknown = NOT_FOUND "organization.unknown",
    /// No such member of the organization.
    MemberUnknown = NOT_FOUND "member.unknown",
    /// The address belongs to a member, or to an account that has to be invited.
    MemberExists = CONFLICT "member.exists",
    /// The organization would be left without an owner.
    MemberLastOwner = CONFLICT "member.last_owner",
    /// No such open invitation.
    InvitationUnknown = NOT_FOUND "invitation.unknown",
    /// No such token for this caller.
    TokenUnknown = NOT_FOUND "token.unknown",
    /// A token that is revoked stays so.
    TokenRevoked = CONFLICT "token.revoked",
    /// A token cannot give more than it has.
    TokenBeyondGrant = FORBIDDEN "token.beyond_grant",
    /// The installation has no mail server.
    MailNotConfigured = CONFLICT "mail.not_configured",
    /// The mail server does not take the letter.
    MailFailed = SERVICE_UNAVAILABLE "mail.failed",
    /// No such project for this caller.
    ProjectUnknown = NOT_FOUND "project.unknown",
    /// The project is switched off.
    ProjectInactive = CONFLICT "project.inactive",
    /// The project still has documents.
    ProjectNotEmpty = CONFLICT "project.not_empty",
    /// No such template for this caller.
    TemplateUnknown = NOT_FOUND "template.unknown",
    /// The template's schema is no schema that can be worked with.
    TemplateSchema = UNPROCESSABLE_ENTITY "template.schema",
    /// The template's extractor is not there, or does not take this configuration.
    TemplateExtractor = UNPROCESSABLE_ENTITY "template.extractor",
    /// The template's export settings do not fit its schema.
    TemplateExport = UNPROCESSABLE_ENTITY "template.export",
    /// No such preset.
    PresetUnknown = NOT_FOUND "template.preset_unknown",
    /// The template has no such reference file.
    ReferenceUnknown = NOT_FOUND "template.reference_unknown",
    /// A file that is no table to look values up in.
    ReferenceInvalid = UNPROCESSABLE_ENTITY "template.reference",
    /// The document that a template was tried out on cannot be read.
    PreviewFailed = UNPROCESSABLE_ENTITY "template.preview_failed",
    /// The document that a template was tried out on takes too long.
    PreviewTimeout = GATEWAY_TIMEOUT "template.preview_timeout",
    /// Too many templates are being tried out.
    PreviewBusy = SERVICE_UNAVAILABLE "template.preview_busy",
    /// No such processing record for this caller.
    DocumentUnknown = NOT_FOUND "document.unknown",
    /// The template is switched off.
    TemplateInactive = CONFLICT "template.inactive",
    /// The record's status does not allow it.
    DocumentState = CONFLICT "document.state",
    /// No such batch for this caller.
    BatchUnknown = NOT_FOUND "batch.unknown",
    /// More files than one batch may have.
    BatchTooManyFiles = BAD_REQUEST "batch.too_many_files",
    /// No such file for this caller, or it is no longer kept.
    FileUnknown = NOT_FOUND "file.unknown",
    /// A file without content.
    FileEmpty = BAD_REQUEST "file.empty",
    /// What arrived is not as long as the client said.
    FileSizeMismatch = BAD_REQUEST "file.size_mismatch",
    /// A file above the limit of the server or of the organization's plan.
    FileTooLarge = PAYLOAD_TOO_LARGE "file.too_large",
    /// Content in no format that can be read.
    FileFormat = UNSUPPORTED_MEDIA_TYPE "file.format",
    /// The file has been deleted after its time, or was never kept.
    FileGone = GONE "file.gone",
    /// The document has no such page.
    PageUnknown = NOT_FOUND "page.unknown",
    /// The page cannot be shown: the file is damaged, encrypted or over a limit.
    PageUnreadable = UNPROCESSABLE_ENTITY "page.unreadable",
    /// None of the batch's documents is in a state for it, or some are not.
    BatchState = CONFLICT "batch.state",
    /// A request with the same idempotency key is in progress.
    IdempotencyInProgress = CONFLICT "idempotency.in_progress",
    /// The idempotency key was used for another request.
    IdempotencyMismatch = CONFLICT "idempotency.mismatch",
    /// The request was done already, and its answer had a secret that is shown only once.
    IdempotencySecret = CONFLICT "idempotency.secret",
    /// Too many clients wait for documents to finish.
    TooManyWaiting = SERVICE_UNAVAILABLE "server.too_many_waiting",
    /// An archive that cannot be taken apart, or a file in one that cannot be read.
    FileArchive = UNPROCESSABLE_ENTITY "file.archive",
    /// What is to be exported is not finished yet.
    ExportUnfinished = CONFLICT "export.unfinished",
    /// What is to be exported has no result, and will have none without being processed again.
    ExportNoResult = CONFLICT "export.no_result",
    /// The export shows the file, which is not kept any more.
    ExportFileGone = GONE "export.file_gone",
    /// The export is more than its format can hold.
    ExportTooLarge = UNPROCESSABLE_ENTITY "export.too_large",
    /// The file cannot be shown in the form asked for.
    ExportUnreadable = UNPROCESSABLE_ENTITY "export.unreadable",
    /// No such webhook for this caller.
    WebhookUnknown = NOT_FOUND "webhook.unknown",
    /// The webhook is paused or disabled.
    WebhookInactive = CONFLICT "webhook.inactive",
    /// No such delivery of the webhook.
    DeliveryUnknown = NOT_FOUND "webhook.delivery_unknown",
    /// The delivery is just being sent.
    DeliveryUnderWay = CONFLICT "webhook.delivery_under_way",
    /// No such plugin for this caller.
    PluginUnknown = NOT_FOUND "plugin.unknown",
    /// The plugin has no such version.
    PluginVersionUnknown = NOT_FOUND "plugin.version_unknown",
    /// A file that cannot be used as a plugin.
    PluginRefused = UNPROCESSABLE_ENTITY "plugin.refused",
    /// The plugin has this version already, with another component.
    PluginVersionExists = CONFLICT "plugin.version_exists",
    /// The version of the plugin is active, the canary, or needed by templates.
    PluginInUse = CONFLICT "plugin.in_use",
    /// The plugin's versions are not in a state for it.
    PluginState = CONFLICT "plugin.state",
    /// Something exists already, or changed meanwhile.
    Conflict = CONFLICT "request.conflict",
    /// Too many documents are waiting.
    QueueFull = SERVICE_UNAVAILABLE "queue.full",
    /// The server is stopping.
    Draining = SERVICE_UNAVAILABLE "server.draining",
    /// The database or the blob store does not answer.
    Unavailable = SERVICE_UNAVAILABLE "server.unavailable",
    /// Our mistake.
    Internal = INTERNAL_SERVER_ERROR "server.internal",
}

/// The body of every answer outside 2xx.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ErrorResponse {
    /// The HTTP status.
    #[schema(example = 400)]
    status_code: u16,
    /// What is wrong, for people.
    message: Message,
    /// The status's reason phrase.
    #[schema(example = "Bad Request")]
    error: String,
    /// What is wrong, as a stable word for programs.
    #[schema(example = "request.invalid")]
    code: String,
    /// Id of the request, as in the `X-Request-Id` header and in the server's log.
    request_id: String,
}

impl ErrorResponse {
    fn new(error: ApiError, request_id: &str) -> Self {
        let status = error.code.status();
        Self {
            status_code: status.as_u16(),
            message: error.message,
            error: status.canonical_reason().unwrap_or("Error").to_owned(),
            code: error.code.word().to_owned(),
            request_id: request_id.to_owned(),
        }
    }

    /// What an answer with this code looks like.
    pub fn example(code: Code) -> Self {
        Self::new(ApiError::new(code, code.meaning()), "0192f3a4-5b6c-7d8e-9f01-23456789abcd")
    }
}

/// A sentence, or one per field.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[serde(untagged)]
pub enum Message {
    /// About the request as a whole.
    One(String),
    /// About single fields.
    Fields(Vec<String>),
}

/// Why a request was not done.
#[derive(Debug, Clone)]
pub struct ApiError {
    code: Code,
    message: Message,
    /// Seconds after which the client may come back, where that is known.
    retry_after_seconds: Option<u64>,
    /// For the log, never for the client.
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl ApiError {
    /// An error with a sentence about the request as a whole.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: Message::One(message.into()), retry_after_seconds: None, source: None }
    }

    /// Fields that do not fit, one sentence each.
    pub fn fields(messages: Vec<String>) -> Self {
        Self::several(Code::RequestInvalid, messages)
    }

    /// Several things that are wrong, one sentence each.
    pub fn several(code: Code, messages: Vec<String>) -> Self {
        Self { code, message: Message::Fields(messages), retry_after_seconds: None, source: None }
    }

    /// Our mistake: the client is told nothing but the request id, the log gets the cause.
    pub fn internal(source: impl StdError + Send + Sync + 'static) -> Self {
        Self::new(Code::Internal, "something went wrong on our side; the log has more under this request id")
            .because(source)
    }

    /// Something we depend on does not answer.
    pub fn unavailable(source: impl StdError + Send + Sync + 'static) -> Self {
        Self::new(Code::Unavailable, "the server cannot do this just now; try again shortly").because(source)
    }

    /// More than the organization's plan allows.
    pub fn quota_exceeded(exceeded: QuotaExceeded) -> Self {
        Self::new(Code::QuotaExceeded, exceeded.to_string())
    }

    /// The same, with the time after which the client may come back.
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after_seconds = Some(seconds);
        self
    }

    /// Its public code.
    pub fn code(&self) -> Code {
        self.code
    }

    /// What it tells people, the fields' sentences joined.
    pub fn message(&self) -> String {
        match &self.message {
            Message::One(message) => message.clone(),
            Message::Fields(messages) => messages.join("; "),
        }
    }

    /// Writes it to the log, with its causes.
    pub fn log(&self) {
        let mut causes = String::new();
        let mut cause = self.source.as_deref().map(|source| source as &dyn StdError);
        while let Some(error) = cause {
            let separator = if causes.is_empty() { "" } else { ": " };
            let _infallible = write!(causes, "{separator}{error}");
            cause = error.source();
        }
        tracing::error!(code = self.code.word(), causes, "request failed");
    }

    /// Names the cause, for the log.
    pub fn because(mut self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.source = Some(Arc::new(source));
        self
    }
}

impl From<store::Error> for ApiError {
    fn from(error: store::Error) -> Self {
        match &error {
            error_kind if error_kind.is_transient() => Self::unavailable(error),
            store::Error::Duplicate { .. } => {
                Self::new(Code::Conflict, "something like this exists already").because(error)
            }
            // What the handler looked up before has been deleted since.
            store::Error::MissingReference { .. } => {
                Self::new(Code::Conflict, "something this refers to was deleted meanwhile").because(error)
            }
            store::Error::QuotaExceeded(exceeded) => Self::quota_exceeded(*exceeded),
            store::Error::CreditsShort(short) => Self::new(Code::CreditsShort, short.to_string()),
            store::Error::UnknownEngine { .. }
            | store::Error::Open { .. }
            | store::Error::Migrate { .. }
            | store::Error::Statement { .. }
            | store::Error::Transaction { .. }
            | store::Error::Corrupt { .. }
            | store::Error::Unstorable { .. } => Self::internal(error),
        }
    }
}

impl From<references::Error> for ApiError {
    fn from(error: references::Error) -> Self {
        match error {
            error if error.is_transient() => Self::unavailable(error),
            error => Self::internal(error),
        }
    }
}

impl From<blobs::Error> for ApiError {
    fn from(error: blobs::Error) -> Self {
        match error {
            error if error.is_transient() => Self::unavailable(error),
            error => Self::internal(error),
        }
    }
}

impl From<mail::Error> for ApiError {
    fn from(error: mail::Error) -> Self {
        match error {
            mail::Error::Address(_) => Self::fields(vec!["no mail can be sent to `email`".to_owned()]),
            error @ mail::Error::Send(_) => {
                Self::new(Code::MailFailed, "the mail server did not take the letter; try again later")
                    .because(error)
            }
            error @ (mail::Error::Url(_) | mail::Error::From { .. } | mail::Error::Write(_)) => {
                Self::internal(error)
            }
        }
    }
}

impl From<auth::Error> for ApiError {
    /// Where a credential of ours could not be made; one that is presented is judged where it is read.
    fn from(error: auth::Error) -> Self {
        Self::internal(error)
    }
}

impl IntoResponse for ApiError {
    /// An answer without a body: [`render`] writes it, since only there the request id is known.
    fn into_response(self) -> Response {
        let mut response = self.code.status().into_response();
        let may_come_back =
            response.status() == StatusCode::SERVICE_UNAVAILABLE || self.code == Code::IdempotencyInProgress;
        let retry_after = self.retry_after_seconds.or(may_come_back.then_some(RETRY_AFTER_SECONDS));
        if let Some(seconds) = retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        if response.status() == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// Gives an answer outside 2xx its body, and logs those that are our fault.
pub fn render(response: Response, request_id: &str, method: &Method, path: &str) -> Response {
    let (mut head, _body) = response.into_parts();
    let error = match head.extensions.remove::<ApiError>() {
        Some(error) => error,
        None => foreign(head.status, method, path),
    };
    head.status = error.code.status();
    if head.status.is_server_error() {
        error.log();
    }
    let mut rendered = (head.status, Json(ErrorResponse::new(error, request_id))).into_response();
    for name in [header::ALLOW, header::RETRY_AFTER, header::WWW_AUTHENTICATE] {
        if let Some(value) = head.headers.remove(&name) {
            rendered.headers_mut().insert(name, value);
        }
    }
    rendered
}

/// The error behind an answer that no handler of ours made: the router's own, mostly.
fn foreign(status: StatusCode, method: &Method, path: &str) -> ApiError {
    match status {
        StatusCode::NOT_FOUND => ApiError::new(Code::RouteUnknown, format!("there is no `{path}`")),
        StatusCode::METHOD_NOT_ALLOWED => {
            ApiError::new(Code::RouteMethod, format!("`{path}` does not take {method}"))
        }
        StatusCode::PAYLOAD_TOO_LARGE => {
            ApiError::new(Code::RequestTooLarge, "the request is larger than this route takes")
        }
        status if status.is_client_error() => {
            ApiError::new(Code::RequestMalformed, "the request cannot be understood")
        }
        status => ApiError::internal(ForeignStatus(status)),
    }
}

#[derive(Debug, thiserror::Error)]
#[error("a layer answered {0} without a reason")]
struct ForeignStatus(StatusCode);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_a_different_word() {
        let mut words: Vec<&str> = Code::ALL.iter().map(|code| code.word()).collect();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), Code::ALL.len());
    }
}
