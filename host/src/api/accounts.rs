//! A person's own account: sign-up, name, address and password, and the ends of all logins.
//!
//! What a stranger can ask for by naming an address is answered the same, and as fast, whether the address has an account
//! or not; only the mail that goes there tells.

use std::time::Duration;

use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use tracing::Instrument as _;
use utoipa::ToSchema;

use super::Context;
use super::access::{Anyone, CallerAddress, Permit, Person};
use super::attempts::{LoginAttempt, admit_mail};
use super::auth::UserResponse;
use super::error::{ApiError, Code};
use super::extract::Json;
use crate::auth::{OpaqueToken, password_problem};
use crate::domain::account::{NewAccount, NewOneTimeToken, TokenPurpose};
use crate::domain::user::{User, is_email, normalized_email};
use crate::mail::{Letter, Mailer};
use crate::store::{self, SignUp};

/// Longest name, in characters.
const MAX_NAME: usize = 200;

/// Hours for which a link that confirms an address works.
const CONFIRM_HOURS: u64 = 48;

/// Hours for which a link that replaces a password works.
const RESET_HOURS: u64 = 1;

const HOUR: Duration = Duration::from_secs(60 * 60);

/// Somebody new.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "email": "ada@example.org", "password": "correct horse battery staple", "name": "Ada Lovelace",
    "organizationName": "Engines"
}))]
pub struct SignupRequest {
    email: String,
    /// From 8 characters to 1024 bytes.
    #[schema(format = "password", min_length = 8)]
    password: String,
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// The organization that is made once the address is confirmed; by default it has the person's name.
    #[schema(min_length = 1, max_length = 200)]
    organization_name: Option<String>,
}

/// A token from a mail.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"token": "4q2VfM…"}))]
pub struct OneTimeTokenRequest {
    /// The code in the mail, or what stands behind `?token=` in its link.
    token: String,
}

/// Whose password is forgotten.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"email": "ada@example.org"}))]
pub struct ForgotPasswordRequest {
    email: String,
}

/// Another password, on the strength of a token from a mail.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"token": "4q2VfM…", "password": "correct horse battery staple"}))]
pub struct ResetPasswordRequest {
    /// The code in the mail, or what stands behind `?token=` in its link.
    token: String,
    /// From 8 characters to 1024 bytes.
    #[schema(format = "password", min_length = 8)]
    password: String,
}

/// Another password, on the strength of the present one.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "currentPassword": "battery staple", "newPassword": "correct horse battery staple"
}))]
pub struct ChangePasswordRequest {
    #[schema(format = "password")]
    current_password: String,
    /// From 8 characters to 1024 bytes.
    #[schema(format = "password", min_length = 8)]
    new_password: String,
}

/// Changes of one's own account; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"name": "Ada Lovelace"}))]
pub struct UpdateMeRequest {
    #[schema(min_length = 1, max_length = 200)]
    name: Option<String>,
    /// Takes effect once the new address is confirmed.
    email: Option<String>,
    /// Needed for another address.
    #[schema(format = "password")]
    current_password: Option<String>,
}

/// That a mail is on its way, if one is.
#[derive(Serialize, ToSchema)]
pub struct MailedResponse {
    message: &'static str,
}

/// An address that was confirmed.
#[derive(Serialize, ToSchema)]
pub struct VerifyEmailResponse {
    email: String,
}

/// Makes an account, once its address is confirmed.
///
/// Only where the operator has switched sign-up on. A mail with a one-time link goes to the address; until
/// `POST /auth/verify-email` has seen its token, nobody can log in. The answer is the same where the address has an
/// account already: then the mail says so. Signing up again sends another link.
#[utoipa::path(post, path = "/auth/signup", tag = "account", security(()),
    responses((status = 202, body = MailedResponse), (status = 403), (status = 409), (status = 429)))]
pub async fn signup(
    State(context): State<Context>,
    address: CallerAddress,
    Json(request): Json<SignupRequest>,
) -> Result<(StatusCode, Answer<MailedResponse>), ApiError> {
    if !context.config.auth.signup {
        return Err(ApiError::new(
            Code::SignupDisabled,
            "sign-up is switched off here; ask for an invitation",
        ));
    }
    let mailer = mailer(&context)?;
    let SignupRequest { email, password, name, organization_name } = request;
    let organization_name = organization_name.unwrap_or_else(|| name.clone());
    let mut problems = Vec::new();
    problems.extend(email_problem(&email));
    problems.extend(password_problem("password", &password));
    problems.extend(name_problem("name", &name));
    problems.extend(name_problem("organizationName", &organization_name));
    none_of(problems)?;
    admit_mail(&context, &email, address).await?;
    let password_hash = context.passwords.hash(password).await?;
    let new = NewAccount { email, name, password_hash, organization_name: Some(organization_name) };
    let (errand_context, errand_mailer) = (context.clone(), mailer.clone());
    begin_errand(mailer, async move { sign_up(&errand_context, &errand_mailer, &new).await })?;
    Ok(mailed())
}

/// Confirms an address with the token that was mailed to it.
///
/// After a sign-up this makes the person's organization and first project, and they can log in. After a change of
/// address, the new one is in force from now on, and a mail tells the old one.
#[utoipa::path(post, path = "/auth/verify-email", tag = "account", security(()),
    responses((status = 200, body = VerifyEmailResponse), (status = 409)))]
pub async fn verify_email(
    State(context): State<Context>,
    address: CallerAddress,
    Json(request): Json<OneTimeTokenRequest>,
) -> Result<Answer<VerifyEmailResponse>, ApiError> {
    let token_hash = context.keys.token_hash(&request.token);
    let confirmed = match context.store.confirm_email(&token_hash, address.text()).await {
        Err(store::Error::Duplicate { .. }) => {
            return Err(ApiError::new(Code::Conflict, "the address belongs to another account meanwhile"));
        }
        confirmed => confirmed?.ok_or_else(token_invalid)?,
    };
    let email = confirmed.user.email;
    if let (Some(previous), Some(mailer)) = (confirmed.previous_email, context.mailer.clone()) {
        let (errand_mailer, new) = (mailer.clone(), email.clone());
        let told = begin_errand(&mailer, async move {
            Ok(errand_mailer.send(&previous, &Letter::EmailChanged { email: &new }).await?)
        });
        log_untold(told);
    }
    Ok(Answer(VerifyEmailResponse { email }))
}

/// Sends a mail with which a forgotten password can be replaced.
///
/// The answer is the same whether the address has an account or not.
#[utoipa::path(post, path = "/auth/forgot-password", tag = "account", security(()),
    responses((status = 202, body = MailedResponse), (status = 409), (status = 429)))]
pub async fn forgot_password(
    State(context): State<Context>,
    address: CallerAddress,
    Json(request): Json<ForgotPasswordRequest>,
) -> Result<(StatusCode, Answer<MailedResponse>), ApiError> {
    let mailer = mailer(&context)?;
    none_of(email_problem(&request.email))?;
    admit_mail(&context, &request.email, address).await?;
    let (errand_context, errand_mailer) = (context.clone(), mailer.clone());
    begin_errand(
        mailer,
        async move { send_reset_link(&errand_context, &errand_mailer, &request.email).await },
    )?;
    Ok(mailed())
}

/// Replaces a forgotten password with the token that was mailed. All logins of the user end.
#[utoipa::path(post, path = "/auth/reset-password", tag = "account", security(()),
    responses((status = 204, description = "Done: log in with the new password")))]
pub async fn reset_password(
    State(context): State<Context>,
    address: CallerAddress,
    Json(request): Json<ResetPasswordRequest>,
) -> Result<StatusCode, ApiError> {
    none_of(password_problem("password", &request.password))?;
    let token_hash = context.keys.token_hash(&request.token);
    // Hashing takes long: nobody has it done with a token that is none.
    if !context.store.is_one_time_token_good(&token_hash, TokenPurpose::ResetPassword).await? {
        return Err(token_invalid());
    }
    let password_hash = context.passwords.hash(request.password).await?;
    let user = context.store.reset_password(&token_hash, &password_hash, address.text()).await?;
    tell_password_changed(&context, &user.ok_or_else(token_invalid)?);
    Ok(StatusCode::NO_CONTENT)
}

/// Changes one's own name or address.
///
/// Another address takes the present password, and is in force once the link in the mail to it was followed.
#[utoipa::path(patch, path = "/auth/me", tag = "account",
    responses((status = 200, body = UserResponse), (status = 429)))]
pub async fn update_me(
    permit: Permit<Anyone>,
    State(context): State<Context>,
    address: CallerAddress,
    Json(request): Json<UpdateMeRequest>,
) -> Result<Answer<UserResponse>, ApiError> {
    let caller = permit.caller;
    let person = caller.person()?;
    let UpdateMeRequest { name, email, current_password } = request;
    let mut problems = Vec::new();
    problems.extend(name.as_deref().and_then(|name| name_problem("name", name)));
    problems.extend(email.as_deref().and_then(email_problem));
    if email.is_some() && current_password.is_none() {
        problems.push("`currentPassword` is missing: another address takes it".to_owned());
    }
    none_of(problems)?;
    if let (Some(email), Some(password)) = (email, current_password) {
        let user = check_password(&context, person, password, address).await?;
        if normalized_email(&email) != user.email {
            begin_email_change(&context, &user, &email).await?;
        }
    }
    if let Some(name) = name {
        context.store.rename_user(&caller.actor, person.user_id, &name).await?;
    }
    let user = context.store.user(person.user_id).await?;
    let membership = context.store.membership(person.user_id, &caller.organization_id).await?;
    let (user, membership) = user.zip(membership).ok_or_else(gone)?;
    Ok(Answer(UserResponse::new(user, membership)))
}

/// Changes one's own password. The login of this request goes on, all others end.
#[utoipa::path(post, path = "/auth/change-password", tag = "account",
    responses((status = 204, description = "Done"), (status = 429)))]
pub async fn change_password(
    permit: Permit<Anyone>,
    State(context): State<Context>,
    address: CallerAddress,
    Json(request): Json<ChangePasswordRequest>,
) -> Result<StatusCode, ApiError> {
    let caller = permit.caller;
    let person = caller.person()?;
    none_of(password_problem("newPassword", &request.new_password))?;
    let user = check_password(&context, person, request.current_password, address).await?;
    let hash = context.passwords.hash(request.new_password).await?;
    context.store.set_password(&caller.actor, person.user_id, &hash, Some(person.login)).await?;
    tell_password_changed(&context, &user);
    Ok(StatusCode::NO_CONTENT)
}

/// Ends all logins of the person, in all organizations, this one included.
#[utoipa::path(post, path = "/auth/logout-everywhere", tag = "auth",
    responses((status = 204, description = "Done")))]
pub async fn logout_everywhere(
    permit: Permit<Anyone>,
    State(context): State<Context>,
) -> Result<StatusCode, ApiError> {
    let person = permit.caller.person()?;
    context.store.revoke_logins(&permit.caller.actor, person.user_id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The mailer of the installation.
///
/// # Errors
/// 409 where the settings name no mail server.
pub fn mailer(context: &Context) -> Result<&Mailer, ApiError> {
    context.mailer.as_ref().ok_or_else(|| {
        ApiError::new(
            Code::MailNotConfigured,
            "this needs a mail server, and none is configured: the operator sets `mail.smtp_url`",
        )
    })
}

/// What keeps a text from being somebody's address; `None` where nothing does.
pub fn email_problem(email: &str) -> Option<String> {
    (!is_email(email)).then(|| "`email` is not an address".to_owned())
}

/// What keeps a text from being a name of somebody or something; `None` where nothing does.
pub fn name_problem(field: &str, name: &str) -> Option<String> {
    let is_name = !name.trim().is_empty() && name.chars().count() <= MAX_NAME;
    (!is_name).then(|| format!("`{field}` must have 1 to {MAX_NAME} characters"))
}

/// Refuses a request that has problems.
///
/// # Errors
/// 400 with all of them.
pub fn none_of(problems: impl IntoIterator<Item = String>) -> Result<(), ApiError> {
    let problems: Vec<String> = problems.into_iter().collect();
    if problems.is_empty() { Ok(()) } else { Err(ApiError::fields(problems)) }
}

/// Checks the present password of somebody who is logged in, with the same limit on guessing as a login.
async fn check_password(
    context: &Context,
    person: Person<'_>,
    password: String,
    address: CallerAddress,
) -> Result<User, ApiError> {
    let user = context.store.user(person.user_id).await?.ok_or_else(gone)?;
    let attempt = LoginAttempt::begin(context, &user.email, address).await?;
    let stored = context.store.login(&user.email).await?.map(|login| login.password_hash);
    if !context.passwords.matches(password, stored).await? {
        return Err(ApiError::new(Code::PasswordWrong, "`currentPassword` is wrong"));
    }
    attempt.succeeded(context).await?;
    Ok(user)
}

async fn sign_up(context: &Context, mailer: &Mailer, new: &NewAccount) -> Result<(), ApiError> {
    let token = context.keys.opaque_token();
    match context.store.sign_up(new, remembered(context, &token, CONFIRM_HOURS)).await {
        Ok(SignUp::Pending(user)) => {
            let letter = Letter::ConfirmEmail { token: &token.text, hours: CONFIRM_HOURS };
            Ok(mailer.send(&user.email, &letter).await?)
        }
        Ok(SignUp::Taken(user)) => Ok(mailer.send(&user.email, &Letter::AlreadyRegistered).await?),
        // Signed up twice at the same moment: the other one sends the letter.
        Err(store::Error::Duplicate { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

async fn send_reset_link(context: &Context, mailer: &Mailer, email: &str) -> Result<(), ApiError> {
    let token = context.keys.opaque_token();
    let new = remembered(context, &token, RESET_HOURS);
    let Some(user) = context.store.begin_password_reset(email, new).await? else { return Ok(()) };
    let letter = Letter::ResetPassword { token: &token.text, hours: RESET_HOURS };
    Ok(mailer.send(&user.email, &letter).await?)
}

async fn begin_email_change(context: &Context, user: &User, email: &str) -> Result<(), ApiError> {
    let mailer = mailer(context)?;
    let token = context.keys.opaque_token();
    let new = remembered(context, &token, CONFIRM_HOURS);
    context.store.begin_email_change(&user.id, email, new).await?;
    let letter = Letter::ConfirmEmail { token: &token.text, hours: CONFIRM_HOURS };
    Ok(mailer.send(&normalized_email(email), &letter).await?)
}

/// Tells the owner of an account, who may not have done it.
fn tell_password_changed(context: &Context, user: &User) {
    let Some(mailer) = context.mailer.clone() else { return };
    let (errand_mailer, email) = (mailer.clone(), user.email.clone());
    let told =
        begin_errand(&mailer, async move { Ok(errand_mailer.send(&email, &Letter::PasswordChanged).await?) });
    log_untold(told);
}

/// Does what ends in a letter while the answer goes out. What fails then is in the log: nobody else could be told.
fn begin_errand(
    mailer: &Mailer,
    errand: impl Future<Output = Result<(), ApiError>> + Send + 'static,
) -> Result<(), ApiError> {
    let logged = async move {
        if let Err(error) = errand.await {
            error.log();
        }
    };
    let begun = mailer.run(logged.in_current_span());
    if begun {
        return Ok(());
    }
    Err(ApiError::new(Code::MailFailed, "too many letters wait to be sent; try again shortly"))
}

/// Notes that a letter about something that is done already was not sent.
fn log_untold(told: Result<(), ApiError>) {
    if let Err(error) = told {
        error.log();
    }
}

fn remembered(context: &Context, token: &OpaqueToken, hours: u64) -> NewOneTimeToken {
    let lifetime = HOUR.saturating_mul(u32::try_from(hours).unwrap_or(u32::MAX));
    NewOneTimeToken { token_hash: token.hash.clone(), expires_at: context.clock.now().after(lifetime) }
}

fn mailed() -> (StatusCode, Answer<MailedResponse>) {
    let message = "if the address can be used, a mail is on its way";
    (StatusCode::ACCEPTED, Answer(MailedResponse { message }))
}

fn token_invalid() -> ApiError {
    ApiError::new(Code::OneTimeTokenInvalid, "the token is unknown, expired or used; ask for another one")
}

fn gone() -> ApiError {
    ApiError::new(Code::CredentialInvalid, "the account is closed")
}
