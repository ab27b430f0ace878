//! Limits on guessing passwords and on sending mail to strangers, counted in the database for all processes together.
//!
//! A login is counted before the password is looked at, so that many at once cannot slip through, and taken back once
//! the password was right.

use std::net::IpAddr;
use std::time::Duration;

use super::Context;
use super::access::CallerAddress;
use super::error::{ApiError, Code};
use crate::domain::user::normalized_email;

/// Window in which failed logins are counted.
const LOGIN_WINDOW: Duration = Duration::from_secs(15 * 60);

/// How many times `auth.login_attempts` an account may see from all addresses, and an address at all accounts.
const WIDE: u64 = 10;

/// Window in which letters are counted.
const MAIL_WINDOW: Duration = Duration::from_secs(60 * 60);

/// Letters that strangers may have sent to one address in a window.
const MAILS_TO_ADDRESS: u64 = 5;

/// Letters that may be asked for from one network address in a window.
const MAILS_FROM_ADDRESS: u64 = 50;

/// A login that has been counted and is not decided yet.
pub struct LoginAttempt {
    pair: String,
    wide: [String; 2],
}

impl LoginAttempt {
    /// Counts a login to the account of `email`.
    ///
    /// # Errors
    /// 429 where there were too many.
    pub async fn begin(context: &Context, email: &str, address: CallerAddress) -> Result<Self, ApiError> {
        let (account, address) = (account(context, email), network(address));
        let attempt = Self {
            pair: format!("login {account} {address}"),
            wide: [format!("login {account}"), format!("login from {address}")],
        };
        let limit = u64::from(context.config.auth.login_attempts);
        let wide = limit.saturating_mul(WIDE);
        let [of_account, of_address] = attempt.wide.clone();
        let limits = [(attempt.pair.clone(), limit), (of_account, wide), (of_address, wide)];
        admit(context, limits, LOGIN_WINDOW, "too many failed logins").await?;
        Ok(attempt)
    }

    /// Takes the count back: the password was right.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn succeeded(self, context: &Context) -> Result<(), ApiError> {
        Ok(context.store.forgive_attempts(&self.pair, &self.wide).await?)
    }
}

/// Counts a letter to `email` that a stranger asks for.
///
/// # Errors
/// 429 where there were too many.
pub async fn admit_mail(context: &Context, email: &str, address: CallerAddress) -> Result<(), ApiError> {
    let to = format!("mail {}", account(context, email));
    let from = format!("mail from {}", network(address));
    let limits = [(to, MAILS_TO_ADDRESS), (from, MAILS_FROM_ADDRESS)];
    admit(context, limits, MAIL_WINDOW, "too many letters were asked for").await
}

/// Counts one attempt under each key, and refuses it where one is above its limit.
async fn admit<const N: usize>(
    context: &Context,
    limits: [(String, u64); N],
    window: Duration,
    told: &str,
) -> Result<(), ApiError> {
    let (keys, limits): (Vec<String>, Vec<u64>) = limits.into_iter().unzip();
    let counted = context.store.count_attempts(&keys, window).await?;
    let exceeded = counted.iter().zip(&limits).filter(|(attempts, limit)| attempts.count > **limit);
    let Some(ends_at) = exceeded.map(|(attempts, _)| attempts.window_ends_at).max() else { return Ok(()) };
    // Whoever watches the log learns of guessing; whose account it is about stays out of it.
    tracing::warn!(limits = ?limits, "{told}");
    let seconds = context.clock.now().until(ends_at).as_secs() + 1;
    let message = format!("{told}; try again in {seconds} s");
    Err(ApiError::new(Code::TooManyAttempts, message).retry_after(seconds))
}

/// Stands for an account without naming it: the table is no list of addresses.
fn account(context: &Context, email: &str) -> String {
    context.keys.token_hash(&normalized_email(email))
}

/// Whoever has one IPv6 address has a network of them.
fn network(CallerAddress(address): CallerAddress) -> String {
    match address {
        None => "unknown".to_owned(),
        Some(IpAddr::V4(address)) => address.to_string(),
        Some(IpAddr::V6(address)) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}
