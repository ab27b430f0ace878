//! Login, refresh and logout; access tokens from API tokens.

use std::time::Duration;

use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Context;
use super::access::{Anyone, CallerAddress, Permit, learn_signing_keys, token_caller};
use super::attempts::LoginAttempt;
use super::error::{ApiError, Code};
use super::extract::{Id, Json};
use crate::auth::{self, Subject};
use crate::domain::audit::{Actor, ActorKind};
use crate::domain::organization::{Membership, Role};
use crate::domain::token::{ApiToken, LoginFamily, NewRefreshToken, Rotation, TokenKind, TokenScope};
use crate::domain::user::User;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Who logs in.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"email": "owner@example.org", "password": "correct horse battery staple"}))]
pub struct LoginRequest {
    email: String,
    #[schema(format = "password")]
    password: String,
    /// Which of the user's organizations the login is for; by default the oldest.
    #[schema(value_type = Option<String>)]
    organization_id: Option<Id>,
}

/// The organization to go on in.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"organizationId": "0192f3a4-5b6c-7d8e-9f01-23456789abcd"}))]
pub struct SwitchOrganizationRequest {
    /// One of those that `GET /organizations` lists.
    #[schema(value_type = String)]
    organization_id: Id,
}

/// The refresh token of a login.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"refreshToken": "4q2VfM…"}))]
pub struct RefreshRequest {
    refresh_token: String,
}

/// The API token to make an access token from.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"token": "ocr_…"}))]
pub struct TokenLoginRequest {
    /// The API token.
    token: String,
}

/// A pair of tokens.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LoginResponse {
    /// For the `Authorization` header.
    access_token: String,
    /// For `POST /auth/refresh`, once.
    refresh_token: String,
    /// Seconds until the access token expires.
    expires_in: u64,
    /// Always `Bearer`.
    #[schema(example = "Bearer")]
    token_type: &'static str,
    user: UserResponse,
}

/// A person, with the organization the login is for.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserResponse {
    id: String,
    email: String,
    name: String,
    organization_id: String,
    /// What the person may do in the organization.
    #[schema(value_type = Role)]
    role: &'static str,
}

/// A short-lived access token made from an API token.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TokenLoginResponse {
    /// For the `Authorization` header.
    access_token: String,
    /// Seconds until it expires.
    expires_in: u64,
    token_info: TokenInfo,
}

/// What an API token is for.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TokenInfo {
    id: String,
    name: String,
    /// How far the token reaches.
    #[serde(rename = "type")]
    #[schema(value_type = TokenKind)]
    kind: &'static str,
    organization_id: String,
    project_id: Option<String>,
    #[schema(value_type = Vec<TokenScope>)]
    scopes: Vec<&'static str>,
    expires_at: String,
}

/// Whoever presents the credential of the request.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MeResponse {
    organization_id: String,
    /// The project that the credential is bound to, if it is.
    project_id: Option<String>,
    /// The person; null for an API token.
    user: Option<UserResponse>,
}

/// Logs a person in.
///
/// The access token goes into the `Authorization` header; when it expires, the refresh token gives the next pair. A login
/// is for one organization: name it where the user belongs to several, or switch later. After too many failures within
/// 15 minutes the answer is 429, with the time to wait.
#[utoipa::path(post, path = "/auth/login", tag = "auth", security(()),
    responses((status = 200, body = LoginResponse), (status = 401), (status = 403), (status = 404),
        (status = 429)))]
pub async fn login(
    State(context): State<Context>,
    address: CallerAddress,
    Json(request): Json<LoginRequest>,
) -> Result<Answer<LoginResponse>, ApiError> {
    let failed = || ApiError::new(Code::LoginFailed, "email or password is wrong");
    let attempt = LoginAttempt::begin(&context, &request.email, address).await?;
    let login = context.store.login(&request.email).await?;
    let stored = login.as_ref().map(|login| login.password_hash.clone());
    let matches = context.passwords.matches(request.password, stored).await?;
    let user = login.map(|login| login.user).filter(|user| matches && user.is_active).ok_or_else(failed)?;
    attempt.succeeded(&context).await?;
    if user.email_verified_at.is_none() {
        return Err(ApiError::new(
            Code::EmailUnverified,
            "the address is not confirmed yet: follow the link in the mail, or sign up again for another one",
        ));
    }
    let membership = match request.organization_id {
        Some(Id(id)) => {
            let membership = context.store.membership(&user.id, &id).await?;
            membership.ok_or_else(|| organization_unknown(&id))?
        }
        None => {
            let memberships = context.store.memberships(&user.id).await?;
            memberships.into_iter().next().ok_or_else(no_organization)?
        }
    };
    begin(&context, user, membership, address).await
}

/// Begins a login of the same person to another of their organizations. The present one goes on beside it.
#[utoipa::path(post, path = "/auth/switch-organization", tag = "auth",
    responses((status = 200, body = LoginResponse), (status = 404)))]
pub async fn switch_organization(
    permit: Permit<Anyone>,
    State(context): State<Context>,
    address: CallerAddress,
    Json(request): Json<SwitchOrganizationRequest>,
) -> Result<Answer<LoginResponse>, ApiError> {
    let person = permit.caller.person()?;
    let Id(id) = request.organization_id;
    let membership = context.store.membership(person.user_id, &id).await?;
    let user = context.store.user(person.user_id).await?;
    let (user, membership) = user.zip(membership).ok_or_else(|| organization_unknown(&id))?;
    begin(&context, user, membership, address).await
}

/// Trades a refresh token for the next pair. The old one stops working, and its re-use revokes all that descend from
/// the same login.
#[utoipa::path(post, path = "/auth/refresh", tag = "auth", security(()),
    responses((status = 200, body = LoginResponse), (status = 401)))]
pub async fn refresh(
    State(context): State<Context>,
    Json(request): Json<RefreshRequest>,
) -> Result<Answer<LoginResponse>, ApiError> {
    let invalid = |message| ApiError::new(Code::RefreshInvalid, message);
    let spent = context.keys.token_hash(&request.refresh_token);
    let next = context.keys.opaque_token();
    let login = match context.store.rotate_refresh_token(&spent, remembered(&context, next.hash)).await? {
        Rotation::Rotated(login) => login,
        Rotation::Reused => {
            tracing::warn!("a spent refresh token was used again: its login is revoked");
            return Err(invalid("the refresh token was used before; log in again"));
        }
        Rotation::Invalid => return Err(invalid("the refresh token is not valid; log in again")),
    };
    let user = context.store.user(&login.user_id).await?.filter(|user| user.is_active);
    let user = user.ok_or_else(|| invalid("the account is closed"))?;
    let membership = context.store.membership(&user.id, &login.organization_id).await?;
    answer(&context, user, membership.ok_or_else(no_organization)?, login, next.text).await
}

/// Ends a login: its refresh and access tokens stop working.
#[utoipa::path(post, path = "/auth/logout", tag = "auth", security(()),
    responses((status = 204, description = "Done, also where the token was not valid any more")))]
pub async fn logout(
    State(context): State<Context>,
    Json(request): Json<RefreshRequest>,
) -> Result<StatusCode, ApiError> {
    context.store.revoke_refresh_token(&context.keys.token_hash(&request.refresh_token)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Tells whose credential the request carries.
#[utoipa::path(get, path = "/auth/me", tag = "auth", responses((status = 200, body = MeResponse)))]
pub async fn me(
    permit: Permit<Anyone>,
    State(context): State<Context>,
) -> Result<Answer<MeResponse>, ApiError> {
    let caller = permit.caller;
    let mut user = None;
    if let Some(user_id) = &caller.user_id {
        let person = context.store.user(user_id).await?;
        let membership = context.store.membership(user_id, &caller.organization_id).await?;
        user = person.zip(membership).map(|(person, membership)| UserResponse::new(person, membership));
    }
    let (organization_id, project_id) = (caller.organization_id, caller.project_id);
    Ok(Answer(MeResponse { organization_id, project_id, user }))
}

/// Makes a short-lived access token from an API token.
#[utoipa::path(post, path = "/auth/login", tag = "auth", security(()),
    responses((status = 200, body = TokenLoginResponse), (status = 401), (status = 403)))]
pub async fn login_with_token(
    State(context): State<Context>,
    CallerAddress(address): CallerAddress,
    Json(request): Json<TokenLoginRequest>,
) -> Result<Answer<TokenLoginResponse>, ApiError> {
    let invalid = || ApiError::new(Code::CredentialInvalid, "the token is not valid");
    let public_id = auth::api_token_public_id(&request.token).ok_or_else(invalid)?;
    let record = context.store.token_by_public_id(public_id).await?.ok_or_else(invalid)?;
    if !context.keys.token_matches(&request.token, &record.secret_hash) {
        return Err(invalid());
    }
    token_caller(&context, record.clone(), address).await?;
    // Never longer than the token itself.
    let left = context.clock.now().until(record.expires_at);
    let lifetime = access_lifetime(&context).min(left);
    let subject = Subject::Token { public_id: record.public_id.clone() };
    let access_token = sign(&context, subject, lifetime).await?;
    let token_info = TokenInfo::new(record);
    Ok(Answer(TokenLoginResponse { access_token, expires_in: lifetime.as_secs(), token_info }))
}

/// Makes a login and its first pair of tokens.
async fn begin(
    context: &Context,
    user: User,
    membership: Membership,
    address: CallerAddress,
) -> Result<Answer<LoginResponse>, ApiError> {
    let login = LoginFamily {
        family: context.clock.new_id(),
        user_id: user.id.clone(),
        organization_id: membership.organization_id.clone(),
    };
    let refresh = context.keys.opaque_token();
    let actor = Actor { kind: ActorKind::User, id: Some(user.id.clone()), address: address.text() };
    context.store.create_refresh_token(&actor, &login, remembered(context, refresh.hash)).await?;
    answer(context, user, membership, login, refresh.text).await
}

async fn answer(
    context: &Context,
    user: User,
    membership: Membership,
    login: LoginFamily,
    refresh_token: String,
) -> Result<Answer<LoginResponse>, ApiError> {
    let lifetime = access_lifetime(context);
    let LoginFamily { family, user_id, organization_id } = login;
    let subject = Subject::User { user_id, organization_id, login: family };
    Ok(Answer(LoginResponse {
        access_token: sign(context, subject, lifetime).await?,
        refresh_token,
        expires_in: lifetime.as_secs(),
        token_type: "Bearer",
        user: UserResponse::new(user, membership),
    }))
}

/// Signs with the newest key there is, which another process may have made since the last time.
async fn sign(context: &Context, subject: Subject, lifetime: Duration) -> Result<String, ApiError> {
    learn_signing_keys(context).await?;
    Ok(context.keys.access_token(subject, context.clock.now(), lifetime)?)
}

fn organization_unknown(id: &str) -> ApiError {
    ApiError::new(Code::OrganizationUnknown, format!("there is no organization `{id}`"))
}

fn no_organization() -> ApiError {
    ApiError::new(Code::LoginFailed, "the account belongs to no active organization")
}

fn remembered(context: &Context, token_hash: String) -> NewRefreshToken {
    NewRefreshToken { token_hash, expires_at: context.clock.now().after(refresh_lifetime(context)) }
}

fn access_lifetime(context: &Context) -> Duration {
    Duration::from_secs(u64::from(context.config.auth.access_token_minutes) * 60)
}

fn refresh_lifetime(context: &Context) -> Duration {
    DAY * context.config.auth.refresh_token_days
}

impl UserResponse {
    /// The person in one of their organizations.
    pub fn new(user: User, membership: Membership) -> Self {
        Self {
            id: user.id,
            email: user.email,
            name: user.name,
            organization_id: membership.organization_id,
            role: Role::as_str(membership.role),
        }
    }
}

impl TokenInfo {
    fn new(token: ApiToken) -> Self {
        Self {
            kind: TokenKind::as_str(token.kind()),
            scopes: token.scopes.iter().map(|scope| scope.as_str()).collect(),
            expires_at: token.expires_at.to_iso(),
            id: token.id,
            name: token.name,
            organization_id: token.organization_id,
            project_id: token.project_id,
        }
    }
}
