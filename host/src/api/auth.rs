//! Login, refresh and logout; access tokens from API tokens.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Json as Answer;
use axum::extract::{ConnectInfo, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Context;
use super::access::{Anyone, Permit, token_caller};
use super::error::{ApiError, Code};
use super::extract::Json;
use crate::auth::{self, Subject};
use crate::domain::organization::{Membership, Role};
use crate::domain::token::{ApiToken, LoginFamily, NewRefreshToken, Rotation, TokenKind, TokenScope};
use crate::domain::user::User;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Longest password that is looked at: hashing more would only cost time.
const MAX_PASSWORD_BYTES: usize = 1024;

/// Who logs in.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"email": "owner@example.org", "password": "correct horse battery staple"}))]
pub struct LoginRequest {
    email: String,
    #[schema(format = "password")]
    password: String,
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
#[utoipa::path(post, path = "/auth/login", tag = "auth", security(()),
    responses((status = 200, body = LoginResponse), (status = 401)))]
pub async fn login(
    State(context): State<Context>,
    Json(request): Json<LoginRequest>,
) -> Result<Answer<LoginResponse>, ApiError> {
    let failed = || ApiError::new(Code::LoginFailed, "email or password is wrong");
    if request.password.len() > MAX_PASSWORD_BYTES {
        return Err(failed());
    }
    let login = context.store.login(&request.email).await?;
    let stored = login.as_ref().map(|login| login.password_hash.clone());
    let matches = context.passwords.matches(request.password, stored).await.map_err(ApiError::internal)?;
    let user = login.map(|login| login.user).filter(|user| matches && user.is_active).ok_or_else(failed)?;
    let memberships = context.store.memberships(&user.id).await?;
    let membership = memberships.into_iter().next().ok_or_else(no_organization)?;
    let login = LoginFamily {
        family: context.clock.new_id(),
        user_id: user.id.clone(),
        organization_id: membership.organization_id.clone(),
    };
    let refresh = context.keys.refresh_token();
    context.store.create_refresh_token(&login, remembered(&context, refresh.hash)).await?;
    answer(&context, user, membership, login, refresh.text)
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
    let next = context.keys.refresh_token();
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
    answer(&context, user, membership.ok_or_else(no_organization)?, login, next.text)
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
    peer: Option<axum::Extension<ConnectInfo<SocketAddr>>>,
    Json(request): Json<TokenLoginRequest>,
) -> Result<Answer<TokenLoginResponse>, ApiError> {
    let invalid = || ApiError::new(Code::CredentialInvalid, "the token is not valid");
    let public_id = auth::api_token_public_id(&request.token).ok_or_else(invalid)?;
    let record = context.store.token_by_public_id(public_id).await?.ok_or_else(invalid)?;
    if !context.keys.token_matches(&request.token, &record.secret_hash) {
        return Err(invalid());
    }
    let address = peer.map(|axum::Extension(ConnectInfo(peer))| peer.ip());
    token_caller(&context, record.clone(), address).await?;
    // Never longer than the token itself.
    let left = context.clock.now().until(record.expires_at);
    let lifetime = access_lifetime(&context).min(left);
    let subject = Subject::Token { public_id: record.public_id.clone() };
    let access_token = sign(&context, subject, lifetime)?;
    let token_info = TokenInfo::new(record);
    Ok(Answer(TokenLoginResponse { access_token, expires_in: lifetime.as_secs(), token_info }))
}

fn answer(
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
        access_token: sign(context, subject, lifetime)?,
        refresh_token,
        expires_in: lifetime.as_secs(),
        token_type: "Bearer",
        user: UserResponse::new(user, membership),
    }))
}

fn sign(context: &Context, subject: Subject, lifetime: Duration) -> Result<String, ApiError> {
    context.keys.access_token(subject, context.clock.now(), lifetime).map_err(ApiError::internal)
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
    fn new(user: User, membership: Membership) -> Self {
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
