//! Who calls, at which face of the API, and what they may do.
//!
//! A handler that needs a permission names it in its signature: `permit: Permit<ReadDocuments>`. The router takes
//! nothing else for its protected routes (see [`guarded`]), so that a route without a permission does not compile.

mod caller;

use std::convert::Infallible;
use std::marker::PhantomData;
use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, FromRef, FromRequestParts, Request};
use axum::handler::Handler;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};

pub use caller::{Caller, Person, roles_with};

use super::Context;
use super::error::{ApiError, Code};
use crate::auth::{self, Subject};
use crate::domain::network;
use crate::domain::token::{ApiToken, LoginFamily, TokenScope};
use crate::store::Place;

const API_KEY: &str = "x-api-key";
const FORWARDED_FOR: &str = "x-forwarded-for";

/// One of the two faces of the API: the same resources, with other credentials and defaults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Face {
    /// Paths without a prefix: users' access tokens and API tokens.
    Platform,
    /// Paths under `/v1/openapi`: API tokens and the access tokens made from them.
    OpenApi,
}

impl Face {
    /// What its paths begin with.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Platform => "",
            Self::OpenApi => "/v1/openapi",
        }
    }

    /// The face that a path is of.
    pub fn of(path: &str) -> Self {
        match path.strip_prefix(Self::OpenApi.prefix()) {
            Some(rest) if rest.starts_with('/') => Self::OpenApi,
            _ => Self::Platform,
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Face {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        parts.extensions.get().copied().ok_or_else(|| ApiError::internal(NoFace))
    }
}

#[derive(Debug, thiserror::Error)]
#[error("route is mounted without a face")]
struct NoFace;

/// The address the request came from, as far as trusted proxies vouch for it; `None` where it is not known.
#[derive(Debug, Clone, Copy)]
pub struct CallerAddress(pub Option<IpAddr>);

impl CallerAddress {
    /// The address of whoever sent `request`.
    pub fn of(request: &Request, trusted_proxies: &[String]) -> Self {
        let Some(ConnectInfo(peer)) = request.extensions().get::<ConnectInfo<SocketAddr>>() else {
            return Self(None);
        };
        let forwarded = request.headers().get_all(FORWARDED_FOR).iter();
        // What is not even text is no address either, which an empty value is not.
        let forwarded: Vec<&str> = forwarded.map(|value| value.to_str().unwrap_or_default()).collect();
        Self(network::caller_address(peer.ip(), forwarded.into_iter(), trusted_proxies))
    }

    /// The address as text.
    pub fn text(self) -> Option<String> {
        self.0.map(|address| address.to_string())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for CallerAddress {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get().copied().unwrap_or(Self(None)))
    }
}

/// Something a handler may require of its caller.
pub trait Permission: Send + Sync + 'static {
    /// The scope it takes; `None` for any valid credential.
    const SCOPE: Option<TokenScope>;
}

macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident = $scope:expr;)*) => {
        $(
            $(#[$doc])*
            #[derive(Debug)]
            pub struct $name;

            impl Permission for $name {
                const SCOPE: Option<TokenScope> = $scope;
            }
        )*
    };
}

permissions! {
    /// Any valid credential.
    Anyone = None;
    /// Look at documents, results and batches.
    ReadDocuments = Some(TokenScope::DocumentsRead);
    /// Upload, cancel, reprocess and delete documents.
    WriteDocuments = Some(TokenScope::DocumentsWrite);
    /// Look at templates.
    ReadTemplates = Some(TokenScope::TemplatesRead);
    /// Make, change and delete templates.
    WriteTemplates = Some(TokenScope::TemplatesWrite);
    /// Look at plugins.
    ReadPlugins = Some(TokenScope::PluginsRead);
    /// Manage API tokens.
    ManageTokens = Some(TokenScope::TokensManage);
    /// Manage webhooks.
    ManageWebhooks = Some(TokenScope::WebhooksManage);
    /// Manage the organization, its members and projects.
    ManageOrganization = Some(TokenScope::OrganizationManage);
}

/// A caller who has the permission `P`.
#[derive(Debug)]
pub struct Permit<P> {
    /// Who it is.
    pub caller: Caller,
    permission: PhantomData<P>,
}

impl<P: Permission, S: Send + Sync> FromRequestParts<S> for Permit<P>
where
    Context: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let face = Face::from_request_parts(parts, state).await?;
        let context = Context::from_ref(state);
        let caller = match parts.extensions.remove() {
            Some(caller) => caller,
            None => authenticate(&context, face, parts).await?,
        };
        context.limits.admit(&context.store, &context.clock, parts, &caller).await?;
        Ok(Self { caller: caller.permitted(P::SCOPE)?, permission: PhantomData })
    }
}

/// Arguments of a handler that begin with a [`Permit`].
pub trait Guarded {
    /// The scope it takes; `None` for any valid credential.
    const SCOPE: Option<TokenScope>;
}

macro_rules! guarded {
    ($($argument:ident),*) => {
        impl<M, P: Permission, $($argument),*> Guarded for (M, Permit<P>, $($argument),*) {
            const SCOPE: Option<TokenScope> = P::SCOPE;
        }
    };
}

guarded!();
guarded!(A);
guarded!(A, B);
guarded!(A, B, C);
guarded!(A, B, C, D);
guarded!(A, B, C, D, E);

/// The scope that a handler takes. Compiles only for one whose first argument is a [`Permit`].
pub fn required_scope<H: Handler<T, Context>, T: Guarded>(_handler: H) -> Option<TokenScope> {
    T::SCOPE
}

/// Whoever sent a request, by its credential.
///
/// # Errors
/// 401 without a credential that holds at this face, 403 from an address that is not on its list.
pub async fn authenticate(context: &Context, face: Face, parts: &Parts) -> Result<Caller, ApiError> {
    let CallerAddress(address) = parts.extensions.get().copied().unwrap_or(CallerAddress(None));
    match presented(&parts.headers)? {
        Credential::ApiToken(token) => {
            let public_id = auth::api_token_public_id(token).ok_or_else(invalid)?;
            let record = context.store.token_by_public_id(public_id).await?.ok_or_else(invalid)?;
            if !context.keys.token_matches(token, &record.secret_hash) {
                return Err(invalid());
            }
            token_caller(context, record, address).await
        }
        Credential::AccessToken(token) => match (face, subject(context, token).await?) {
            (Face::Platform, Subject::User { user_id, organization_id, login }) => {
                let login = LoginFamily { family: login, user_id, organization_id };
                user_caller(context, login, address).await
            }
            (Face::OpenApi, Subject::Token { public_id }) => {
                let record = context.store.token_by_public_id(&public_id).await?.ok_or_else(invalid)?;
                token_caller(context, record, address).await
            }
            (Face::OpenApi, Subject::User { .. }) => Err(ApiError::new(
                Code::CredentialInvalid,
                "the Open API takes API tokens and access tokens made from them, not those of users",
            )),
            (Face::Platform, Subject::Token { .. }) => Err(ApiError::new(
                Code::CredentialInvalid,
                "access tokens made from an API token hold for the Open API only",
            )),
        },
    }
}

/// Whom an access token stands for. The list of signing keys is read again where it is old, or where the token was made
/// with a key that another process has made meanwhile.
async fn subject(context: &Context, token: &str) -> Result<Subject, ApiError> {
    let now = context.clock.now();
    if context.keys.are_stale(now) {
        learn_signing_keys(context).await?;
    }
    let mut checked = context.keys.check_access_token(token, now);
    if matches!(checked, Err(auth::Error::NewKey)) {
        learn_signing_keys(context).await?;
        checked = context.keys.check_access_token(token, now);
    }
    checked.map_err(|error| refused(&error))
}

/// Reads which signing keys there are.
///
/// # Errors
/// The database does not answer.
pub async fn learn_signing_keys(context: &Context) -> Result<(), ApiError> {
    let now = context.clock.now();
    context.keys.learn(context.store.signing_keys().await?, now);
    Ok(())
}

/// What the request presents, not yet checked.
enum Credential<'a> {
    ApiToken(&'a str),
    AccessToken(&'a str),
}

fn presented(headers: &HeaderMap) -> Result<Credential<'_>, ApiError> {
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        let (scheme, credential) =
            value.to_str().ok().and_then(|text| text.split_once(' ')).ok_or_else(invalid)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(ApiError::new(
                Code::CredentialInvalid,
                "the `Authorization` header has to be `Bearer …`",
            ));
        }
        let credential = credential.trim();
        return Ok(match auth::is_api_token(credential) {
            true => Credential::ApiToken(credential),
            false => Credential::AccessToken(credential),
        });
    }
    if let Some(value) = headers.get(API_KEY) {
        return value.to_str().map(Credential::ApiToken).map_err(|_| invalid());
    }
    Err(ApiError::new(
        Code::CredentialMissing,
        "a credential is needed: `Authorization: Bearer …` or `X-API-Key: ocr_…`",
    ))
}

fn invalid() -> ApiError {
    ApiError::new(Code::CredentialInvalid, "the credential is not valid")
}

fn refused(error: &auth::Error) -> ApiError {
    ApiError::new(Code::CredentialInvalid, format!("the {error}"))
}

/// The caller behind an API token whose secret has been checked.
///
/// # Errors
/// 401 for a token that has expired or was revoked, 403 from an address that is not on its list.
pub async fn token_caller(
    context: &Context,
    token: ApiToken,
    address: Option<IpAddr>,
) -> Result<Caller, ApiError> {
    if token.revoked_at.is_some() {
        return Err(ApiError::new(Code::CredentialInvalid, "the token has been revoked"));
    }
    if token.expires_at <= context.clock.now() {
        return Err(ApiError::new(Code::CredentialInvalid, "the token has expired"));
    }
    if !network::allows(&token.addresses, address) {
        return Err(ApiError::new(Code::AddressRefused, "the token may not be used from this address"));
    }
    context.store.touch_token(&token).await?;
    Ok(Caller::of_token(token, address))
}

async fn user_caller(
    context: &Context,
    login: LoginFamily,
    address: Option<IpAddr>,
) -> Result<Caller, ApiError> {
    if !context.store.is_login_live(&login.family).await? {
        return Err(ApiError::new(Code::CredentialInvalid, "the login has ended"));
    }
    let user = context.store.user(&login.user_id).await?.filter(|user| user.is_active);
    let user = user.ok_or_else(invalid)?;
    let place = Place { organization_id: &login.organization_id, user_id: &user.id };
    let standing = context.store.standing(place).await?.ok_or_else(invalid)?;
    Ok(Caller::of_person(login, standing, address))
}

/// The same caller as they are by now, for answers that take longer than a request usually does.
///
/// # Errors
/// As [`authenticate`], and 403 where they may not do any more what they began.
pub async fn renewed(context: &Context, caller: &Caller) -> Result<Caller, ApiError> {
    let address = caller.address();
    let now = match caller.login_family() {
        Some(login) => user_caller(context, login, address).await?,
        None => {
            let token = caller.token().ok_or_else(invalid)?;
            let record = context.store.token_by_public_id(&token.public_id).await?.ok_or_else(invalid)?;
            token_caller(context, record, address).await?
        }
    };
    now.permitted(caller.needs())
}
