//! Tells webhooks of events: takes deliveries that are due, sends them, and records what came of it.
//!
//! At least once, under the same event id each time, with growing pauses. Each webhook has a few deliveries under way
//! at most, and one that fails has one: a receiver that hangs keeps nobody else waiting. The deliveries themselves are
//! made by the store, in the transaction of their event.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::auth::{Keys, SealError};
use crate::clock::{self, Clock};
use crate::config::{self, Config};
use crate::domain::webhook::{AttemptAnswer, AttemptFailure, Verdict, Webhook};
use crate::outbound::Guard;
use crate::store::{self, Sending, Share, Store};
use crate::telemetry::{chain, metrics, traces};
use client::{Client, Message, Reply};

mod body;
mod client;
mod headers;
mod signature;

pub use body::envelope;
pub use headers::{CustomHeaders, checked as checked_headers};
pub use signature::{new_secret, secret_problem};

/// How long an idle sender waits before it looks again.
const IDLE_POLL: Duration = Duration::from_millis(500);

/// How long the loop rests after the store failed, or after it stopped unexpectedly.
const FAILURE_PAUSE: Duration = Duration::from_secs(1);

/// What a lease lasts beyond the time of an attempt, for the store to take the outcome.
const LEASE_MARGIN: Duration = Duration::from_secs(30);

/// Pauses after each failure, in seconds, before a random part of at most [`JITTER`] of them is added: from 5 s to 24 h,
/// 45 hours in all.
const PAUSES: [u64; 9] = [5, 30, 120, 600, 1800, 7200, 21_600, 43_200, 72_000];

/// The largest random part of a pause, so that receivers that come back are not met by all senders at once.
const JITTER: f64 = 0.2;

/// Longest pause, also where the receiver asks for more.
const MAX_PAUSE: Duration = Duration::from_secs(24 * 60 * 60);

/// Why deliveries cannot be sent at all.
#[derive(Debug, thiserror::Error)]
#[error("webhooks cannot be called: TLS cannot be set up")]
pub struct StartError(#[source] reqwest::Error);

/// Decides which addresses webhooks may lead to, as the operator wants it.
pub fn guard(settings: &config::Webhooks) -> Guard {
    match settings.allow_private {
        true => Guard::open(),
        false => Guard::new(&settings.allowed_networks, "webhooks.allowed_networks"),
    }
}

/// What a webhook's secret is sealed for.
pub fn secret_owner(webhook_id: &str) -> String {
    format!("webhook secret {webhook_id}")
}

/// What a webhook's headers are sealed for.
pub fn headers_owner(webhook_id: &str) -> String {
    format!("webhook headers {webhook_id}")
}

/// The headers of a webhook, opened.
///
/// # Errors
/// They were sealed with another installation's keys.
pub fn opened_headers(keys: &Keys, webhook: &Webhook) -> Result<CustomHeaders, SealError> {
    let text = keys.open(&headers_owner(&webhook.id), &webhook.sealed_headers)?;
    serde_json::from_str(&text).map_err(|_| SealError::Malformed)
}

/// How a sender works.
#[derive(Debug, Clone)]
struct Settings {
    share: Share,
    concurrency: usize,
    max_attempts: u32,
    patience: Duration,
    public_url: Arc<str>,
    drain: Duration,
}

/// A sender, not yet at work. Cheap to clone.
#[derive(Clone)]
pub struct Sender {
    /// A random id: a restarted sender is another sender.
    name: Arc<str>,
    store: Store,
    keys: Keys,
    clock: Clock,
    client: Client,
    settings: Settings,
}

impl Sender {
    /// Makes a sender that works as the settings say.
    ///
    /// # Errors
    /// TLS cannot be set up.
    pub fn new(config: &Config, store: Store, keys: Keys, clock: Clock) -> Result<Self, StartError> {
        let settings = &config.webhooks;
        let timeout = Duration::from_secs(settings.timeout_seconds);
        let client = Client::new(guard(settings), timeout).map_err(StartError)?;
        let settings = Settings {
            share: Share { limit: 0, per_webhook: settings.per_webhook, lease: timeout + LEASE_MARGIN },
            concurrency: settings.concurrency,
            max_attempts: settings.max_attempts,
            patience: Duration::from_secs(settings.disable_after_hours.saturating_mul(60 * 60)),
            public_url: config.public_url().into(),
            drain: timeout,
        };
        Ok(Self { name: clock.new_id().into(), store, keys, clock, client, settings })
    }

    /// Works until `stop` is cancelled; then takes nothing more and waits for what is under way. A loop that stops for
    /// any other reason is started again.
    pub async fn run(self, stop: CancellationToken) {
        loop {
            let mut one_loop = JoinSet::new();
            one_loop.spawn(self.clone().work(stop.clone()));
            match one_loop.join_next().await {
                Some(Err(error)) if error.is_panic() => {
                    tracing::error!("sending of webhooks stopped unexpectedly, starting it again");
                    tokio::time::sleep(FAILURE_PAUSE).await;
                }
                _ => break,
            }
        }
    }

    async fn work(self, stop: CancellationToken) {
        let mut under_way = JoinSet::new();
        while !stop.is_cancelled() {
            let pause = match self.take_up(&mut under_way).await {
                Ok(()) => IDLE_POLL,
                Err(error) => {
                    tracing::warn!(error = %chain(&error), "no deliveries can be taken");
                    FAILURE_PAUSE
                }
            };
            tokio::select! {
                () = stop.cancelled() => break,
                Some(_) = under_way.join_next() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
        let all_done = async { while under_way.join_next().await.is_some() {} };
        if tokio::time::timeout(self.settings.drain, all_done).await.is_err() {
            tracing::warn!(
                "deliveries were still under way when the time to stop was over; they are sent again"
            );
        }
    }

    async fn take_up(&self, under_way: &mut JoinSet<()>) -> Result<(), store::Error> {
        let free = self.settings.concurrency.saturating_sub(under_way.len());
        let share = Share { limit: u32::try_from(free).unwrap_or(u32::MAX), ..self.settings.share };
        for sending in self.store.take_deliveries(&self.name, share).await? {
            let span = tracing::info_span!(
                "webhook",
                webhook = %sending.webhook.id,
                delivery = %sending.delivery_id,
                event = sending.event.public_id,
                attempt = sending.attempt,
            );
            traces::continue_from(&span, sending.event.trace.as_deref());
            under_way.spawn(self.clone().carry_out(sending).instrument(span));
        }
        Ok(())
    }

    /// Sends one delivery and records what came of it. Errors of the store are logged here; the lease brings the
    /// delivery back.
    async fn carry_out(self, sending: Sending) {
        let reply = match self.message(&sending) {
            Ok(message) => self.client.send(&message).await,
            Err(error) => {
                tracing::error!(%error, "webhook cannot be signed");
                unsigned(&error)
            }
        };
        let verdict = self.verdict(&sending, &reply);
        metrics::webhook_called(outcome(verdict), Duration::from_millis(reply.answer.duration_ms));
        let now = self.clock.now();
        let patience = now.before(self.settings.patience);
        match self.store.finish_sending(&sending, &reply.answer, verdict, patience).await {
            Ok(_) => tracing::info!(
                status = reply.answer.status,
                elapsed_ms = reply.answer.duration_ms,
                failure = reply.answer.failure.map(|failure| failure.code),
                "webhook called"
            ),
            Err(error) => {
                tracing::error!(error = %chain(&error), "delivery could not be recorded");
            }
        }
    }

    fn message(&self, sending: &Sending) -> Result<Message, SealError> {
        let webhook = &sending.webhook;
        let now = self.clock.now();
        let owner = secret_owner(&webhook.id);
        let mut secrets = vec![self.keys.open(&owner, &webhook.sealed_secret)?];
        if let Some((previous, until)) = &webhook.previous_secret
            && now < *until
        {
            secrets.push(self.keys.open(&owner, previous)?);
        }
        Ok(Message {
            url: webhook.url.clone(),
            event_id: sending.event.public_id.clone(),
            event: sending.event.kind.as_str(),
            body: envelope(&sending.event, &self.settings.public_url).to_string().into_bytes(),
            seconds: now.unix_seconds(),
            secrets,
            trace: traces::current(),
            headers: opened_headers(&self.keys, webhook)?,
        })
    }

    fn verdict(&self, sending: &Sending, reply: &Reply) -> Verdict {
        if reply.answer.failure.is_none() {
            return Verdict::Delivered;
        }
        if sending.counted >= self.settings.max_attempts {
            return Verdict::GiveUp;
        }
        let [low, high] = clock::random_bytes::<2>();
        let random = f64::from(u16::from_le_bytes([low, high])) / f64::from(u16::MAX);
        let wanted = reply.retry_after.unwrap_or_default();
        Verdict::Retry(pause(sending.counted, random).max(wanted).min(MAX_PAUSE))
    }
}

fn outcome(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Delivered => "delivered",
        Verdict::Retry(_) => "retry",
        Verdict::GiveUp => "failed",
    }
}

fn unsigned(error: &SealError) -> Reply {
    let failure = AttemptFailure { code: "secret".to_owned(), message: error.to_string() };
    let answer = AttemptAnswer { duration_ms: 0, status: None, body: None, failure: Some(failure) };
    Reply { answer, retry_after: None }
}

/// The pause after this many failures, from 1; `random` from 0 to 1 chooses within its spread.
fn pause(failures: u32, random: f64) -> Duration {
    let index = usize::try_from(failures.saturating_sub(1)).unwrap_or(usize::MAX).min(PAUSES.len() - 1);
    let base = Duration::from_secs(PAUSES.get(index).copied().unwrap_or(MAX_PAUSE.as_secs()));
    base.mul_f64(1.0 + JITTER * random.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_from_seconds_to_a_day() {
        assert_eq!((pause(1, 0.0), pause(1, 1.0)), (Duration::from_secs(5), Duration::from_secs(6)));
        assert_eq!(pause(9, 1.0), MAX_PAUSE);
        assert_eq!(pause(1000, 0.0), pause(9, 0.0));
        assert!((1..9).all(|failures| pause(failures, 1.0) < pause(failures + 1, 0.0)));
    }
}
