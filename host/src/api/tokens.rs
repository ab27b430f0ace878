//! API tokens: made, listed, given another secret, revoked.

use std::time::Duration;

use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Context;
use super::access::{Caller, Face, ManageTokens, Permit};
use super::error::{ApiError, Code};
use super::extract::{Id, Json, Path, Query};
use super::paging::{PageLimit, PageNumber, PageResponse, page};
use crate::domain::network::Network;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::{ApiToken, NewApiToken, TokenKind, TokenScope};
use crate::store::TokenSecret;

const MAX_NAME: usize = 100;
const MAX_DESCRIPTION: usize = 500;

/// Most entries of an address list: each is compared with every request.
const MAX_ADDRESSES: usize = 100;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A token. The secret itself is shown once, when it is made.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TokenResponse {
    id: String,
    name: String,
    description: Option<String>,
    /// How far the token reaches.
    #[serde(rename = "type")]
    #[schema(value_type = TokenKind)]
    kind: &'static str,
    organization_id: String,
    /// The project that a `project` token is bound to.
    project_id: Option<String>,
    #[schema(value_type = Vec<TokenScope>)]
    scopes: Vec<&'static str>,
    /// Addresses and networks it may be used from; empty for any.
    allowed_addresses: Vec<String>,
    /// How the token begins: enough to recognise it by.
    #[schema(example = "ocr_0mXb3dTq9LrZ5vKcA")]
    prefix: String,
    /// `active`, `expired` or `revoked`.
    #[schema(example = "active")]
    status: &'static str,
    expires_at: String,
    /// To the minute; null where it was never used.
    last_used_at: Option<String>,
    revoked_at: Option<String>,
    /// The user who made it; null where a token or the first start did.
    created_by: Option<String>,
    created_at: String,
}

/// A token with its secret.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewTokenResponse {
    #[serde(flatten)]
    record: TokenResponse,
    /// The token itself. It is not kept, and not shown again.
    #[schema(example = "ocr_…")]
    token: String,
}

/// A new token.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "name": "Nightly import", "type": "organization", "scopes": ["documents:read", "documents:write"],
    "expiresAt": "2030-01-31T00:00:00.000Z", "allowedAddresses": ["192.0.2.7", "2001:db8::/32"]
}))]
pub struct CreateTokenRequest {
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    #[schema(max_length = 500)]
    description: Option<String>,
    /// `organization` for every project, `project` for the one that `projectId` names.
    #[serde(rename = "type")]
    #[schema(value_type = TokenKind)]
    kind: String,
    /// For a `project` token.
    #[schema(value_type = Option<String>)]
    project_id: Option<Id>,
    #[schema(value_type = Vec<TokenScope>, min_items = 1)]
    scopes: Vec<String>,
    /// When it stops working; by default in a year.
    expires_at: Option<String>,
    /// Addresses and networks it may be used from, at most 100; empty or left out for any.
    #[schema(max_items = 100)]
    #[serde(default)]
    allowed_addresses: Vec<String>,
}

/// What changes with another secret.
#[derive(Deserialize, ToSchema, Default)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"expiresAt": "2030-01-31T00:00:00.000Z"}))]
pub struct RegenerateTokenRequest {
    /// When the new one stops working; by default in a year.
    expires_at: Option<String>,
}

/// Which tokens a list shows.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct TokensQuery {
    /// Only those bound to this project.
    #[param(value_type = Option<String>)]
    project_id: Option<Id>,
    /// From 1.
    #[param(value_type = Option<u32>, minimum = 1)]
    page: Option<PageNumber>,
    /// Tokens per page: by default 20.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Option<PageLimit>,
}

/// Lists the API tokens of the organization, expired and revoked ones too, newest first.
///
/// A project's token sees those of its project.
#[utoipa::path(get, path = "/tokens", tag = "tokens", params(TokensQuery),
    responses((status = 200, body = PageResponse<TokenResponse>)))]
pub async fn list_tokens(
    permit: Permit<ManageTokens>,
    face: Face,
    State(context): State<Context>,
    Query(query): Query<TokensQuery>,
) -> Result<Answer<PageResponse<TokenResponse>>, ApiError> {
    let page = page(query.page, query.limit, face);
    let tenant = permit.caller.tenant_in(&context.store, query.project_id.as_ref()).await?;
    let listing = context.store.list_tokens(&tenant, page).await?;
    let now = context.clock.now();
    let tokens = listing.items.into_iter().map(|token| TokenResponse::new(token, now)).collect();
    Ok(Answer(PageResponse::new(tokens, page, listing.total)))
}

/// Makes an API token. The answer is the only place that ever shows it: what is kept is a hash.
///
/// Owners and administrators make them, and tokens with `tokens:manage`; such a token cannot give more scopes, a wider
/// reach, more addresses or a longer life than it has itself.
#[utoipa::path(post, path = "/tokens", tag = "tokens", responses((status = 201, body = NewTokenResponse)))]
pub async fn create_token(
    permit: Permit<ManageTokens>,
    State(context): State<Context>,
    Json(request): Json<CreateTokenRequest>,
) -> Result<(StatusCode, Answer<NewTokenResponse>), ApiError> {
    let caller = permit.caller;
    let now = context.clock.now();
    let default_expiry = default_expiry(&context, &caller, now);
    let Asked { kind, scopes, addresses, expires_at } = asked(&request, now)?;
    let project_id = match (kind, &request.project_id, &caller.project_id) {
        (TokenKind::Organization, Some(_), _) => {
            return Err(ApiError::fields(vec![
                "`projectId` is for tokens of type `project` only".to_owned(),
            ]));
        }
        (TokenKind::Organization, None, Some(_)) => {
            return Err(beyond("a project's token cannot make one for the whole organization"));
        }
        (TokenKind::Organization, None, None) => None,
        (TokenKind::Project, named, _) => Some(caller.project(&context.store, named.as_ref()).await?.id),
    };
    let secret = context.keys.api_token();
    let new = NewApiToken {
        project_id,
        name: request.name,
        description: request.description,
        public_id: secret.public_id,
        secret_hash: secret.hash,
        scopes,
        addresses,
        created_by: caller.user_id.clone(),
        expires_at: expires_at.unwrap_or(default_expiry),
    };
    check_grant(
        &caller,
        &Grant { scopes: &new.scopes, addresses: &new.addresses, expires_at: new.expires_at },
    )?;
    let token = context.store.create_token(&caller.actor, &caller.organization_id, new).await?;
    let record = TokenResponse::new(token, now);
    Ok((StatusCode::CREATED, Answer(NewTokenResponse { record, token: secret.text })))
}

/// Shows an API token, without its secret.
#[utoipa::path(get, path = "/tokens/{tokenId}", tag = "tokens", params(("tokenId" = String, Path)),
    responses((status = 200, body = TokenResponse)))]
pub async fn get_token(
    permit: Permit<ManageTokens>,
    State(context): State<Context>,
    Path(id): Path<Id>,
) -> Result<Answer<TokenResponse>, ApiError> {
    let token = find(&context, &permit.caller, &id).await?;
    Ok(Answer(TokenResponse::new(token, context.clock.now())))
}

/// Revokes an API token for good: it stops working at once. It stays in the list.
#[utoipa::path(delete, path = "/tokens/{tokenId}", tag = "tokens", params(("tokenId" = String, Path)),
    responses((status = 204, description = "Done, also where it had been revoked before")))]
pub async fn revoke_token(
    permit: Permit<ManageTokens>,
    State(context): State<Context>,
    Path(id): Path<Id>,
) -> Result<StatusCode, ApiError> {
    let caller = permit.caller;
    let token = find(&context, &caller, &id).await?;
    context.store.revoke_token(&caller.actor, &caller.organization_id, &token.id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Gives an API token another secret, shown once; the old one stops working at once.
///
/// What it allows stays, and so does its id. A revoked token stays revoked.
#[utoipa::path(post, path = "/tokens/{tokenId}/regenerate", tag = "tokens",
    params(("tokenId" = String, Path)),
    request_body(content = Option<RegenerateTokenRequest>, example = json!({"expiresAt": "2030-01-31T00:00:00.000Z"})),
    responses((status = 201, body = NewTokenResponse)))]
pub async fn regenerate_token(
    permit: Permit<ManageTokens>,
    State(context): State<Context>,
    Path(id): Path<Id>,
    request: Option<Json<RegenerateTokenRequest>>,
) -> Result<(StatusCode, Answer<NewTokenResponse>), ApiError> {
    let (caller, request) = (permit.caller, request.map(|Json(request)| request).unwrap_or_default());
    let now = context.clock.now();
    let asked = request.expires_at.as_deref().map(|text| expiry(text, now)).transpose();
    let asked = asked.map_err(|problem| ApiError::fields(vec![problem]))?;
    let expires_at = asked.unwrap_or_else(|| default_expiry(&context, &caller, now));
    let token = find(&context, &caller, &id).await?;
    check_grant(&caller, &Grant { scopes: &token.scopes, addresses: &token.addresses, expires_at })?;
    let secret = context.keys.api_token();
    let new = TokenSecret { public_id: secret.public_id, secret_hash: secret.hash, expires_at };
    let organization = &caller.organization_id;
    let token = context.store.regenerate_token(&caller.actor, organization, &token.id, new).await?;
    let token = token
        .ok_or_else(|| ApiError::new(Code::TokenRevoked, "the token is revoked; make a new one instead"))?;
    let record = TokenResponse::new(token, now);
    Ok((StatusCode::CREATED, Answer(NewTokenResponse { record, token: secret.text })))
}

/// What a request asks for, read and checked by itself.
struct Asked {
    kind: TokenKind,
    scopes: Vec<TokenScope>,
    addresses: Vec<String>,
    expires_at: Option<Timestamp>,
}

/// What a token allows, beside its reach.
struct Grant<'a> {
    scopes: &'a [TokenScope],
    addresses: &'a [String],
    expires_at: Timestamp,
}

fn asked(request: &CreateTokenRequest, now: Timestamp) -> Result<Asked, ApiError> {
    let mut problems = Vec::new();
    let CreateTokenRequest { name, description, kind, scopes: words, expires_at, allowed_addresses, .. } =
        request;
    if name.trim().is_empty() || name.chars().count() > MAX_NAME {
        problems.push(format!("`name` must have 1 to {MAX_NAME} characters"));
    }
    if description.as_ref().is_some_and(|text| text.chars().count() > MAX_DESCRIPTION) {
        problems.push(format!("`description` must have at most {MAX_DESCRIPTION} characters"));
    }
    let kind = TokenKind::parse(kind);
    if kind.is_none() {
        problems.push("`type` must be `organization` or `project`".to_owned());
    }
    let mut scopes: Vec<TokenScope> = words.iter().filter_map(|word| TokenScope::parse(word)).collect();
    if words.is_empty() || scopes.len() < words.len() {
        let known: Vec<String> = TokenScope::ALL.iter().map(|scope| format!("`{scope}`")).collect();
        problems.push(format!("`scopes` must be one or more of {}", known.join(", ")));
    }
    scopes.sort_unstable();
    scopes.dedup();
    if allowed_addresses.len() > MAX_ADDRESSES {
        problems.push(format!("`allowedAddresses` must have at most {MAX_ADDRESSES} entries"));
    }
    if !allowed_addresses.iter().all(|entry| Network::parse(entry).is_some()) {
        problems.push(
            "`allowedAddresses` must be addresses and networks, such as `192.0.2.7` and `10.0.0.0/8`"
                .to_owned(),
        );
    }
    let expires_at = match expires_at.as_deref().map(|text| expiry(text, now)).transpose() {
        Ok(expires_at) => expires_at,
        Err(problem) => {
            problems.push(problem);
            None
        }
    };
    match kind {
        Some(kind) if problems.is_empty() => {
            Ok(Asked { kind, scopes, addresses: allowed_addresses.clone(), expires_at })
        }
        _ => Err(ApiError::fields(problems)),
    }
}

fn expiry(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    Timestamp::parse(text)
        .filter(|expires_at| *expires_at > now)
        .ok_or_else(|| "`expiresAt` must be a time to come, such as `2030-01-31T00:00:00Z`".to_owned())
}

/// A year from now as the settings have it, and not beyond the end of the token that asks.
fn default_expiry(context: &Context, caller: &Caller, now: Timestamp) -> Timestamp {
    let expires_at = now.after(DAY * context.config.auth.api_token_days);
    caller.token().map_or(expires_at, |token| expires_at.min(token.expires_at))
}

/// Checks that a caller who is a token itself gives away no more than it has.
fn check_grant(caller: &Caller, grant: &Grant<'_>) -> Result<(), ApiError> {
    let Some(own) = caller.token() else { return Ok(()) };
    if let Some(scope) = grant.scopes.iter().find(|scope| !own.scopes.contains(scope)) {
        return Err(beyond(format!("this token lacks the scope `{scope}` and cannot give it")));
    }
    if grant.expires_at > own.expires_at {
        return Err(beyond("a token cannot give one that outlives it"));
    }
    if !own.addresses.is_empty() {
        let networks: Vec<Network> = own.addresses.iter().filter_map(|entry| Network::parse(entry)).collect();
        let is_within = |entry: &String| {
            let asked = Network::parse(entry);
            asked.is_some_and(|asked| networks.iter().any(|network| network.covers(asked)))
        };
        if grant.addresses.is_empty() || !grant.addresses.iter().all(is_within) {
            return Err(beyond("a token with an address list cannot give one for other addresses"));
        }
    }
    Ok(())
}

fn beyond(message: impl Into<String>) -> ApiError {
    ApiError::new(Code::TokenBeyondGrant, message)
}

/// A token within the caller's reach.
async fn find(context: &Context, caller: &Caller, Id(id): &Id) -> Result<ApiToken, ApiError> {
    let token = context.store.token(&caller.organization_id, id).await?;
    token
        .filter(|token| caller.project_id.is_none() || caller.project_id == token.project_id)
        .ok_or_else(|| ApiError::new(Code::TokenUnknown, format!("there is no token `{id}`")))
}

impl TokenResponse {
    fn new(token: ApiToken, now: Timestamp) -> Self {
        let status = match (token.revoked_at, token.expires_at) {
            (Some(_), _) => "revoked",
            (None, expires_at) if expires_at <= now => "expired",
            (None, _) => "active",
        };
        Self {
            kind: token.kind().as_str(),
            scopes: token.scopes.iter().map(|scope| scope.as_str()).collect(),
            prefix: format!("ocr_{}", token.public_id),
            status,
            expires_at: token.expires_at.to_iso(),
            last_used_at: token.last_used_at.map(Timestamp::to_iso),
            revoked_at: token.revoked_at.map(Timestamp::to_iso),
            created_at: token.created_at.to_iso(),
            id: token.id,
            name: token.name,
            description: token.description,
            organization_id: token.organization_id,
            project_id: token.project_id,
            allowed_addresses: token.addresses,
            created_by: token.created_by,
        }
    }
}
