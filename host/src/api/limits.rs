//! What a plan allows of requests: their rate, and how many read and how much they transfer in a month.
//!
//! Rates are kept per process: several replicas together let through as many times the rate. They are counted for the
//! credential and for its organization, and only for callers who have proved who they are, so that the keys are no more
//! than there are credentials; those that have been idle are forgotten.
//!
//! Reads and downloads are counted in memory and written to the database now and then. Until then other replicas do not
//! know of them: beyond a quota each may let through [`UNCOUNTED_READS`] reads, [`UNCOUNTED_BYTES`] and one file, or
//! what is asked of it within [`COUNT_INTERVAL`], whichever comes first. A process that is killed forgets as many.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderName, Method};
use axum::middleware::Next;
use axum::response::Response;
use governor::clock::{Clock as _, DefaultClock};
use governor::middleware::{StateInformationMiddleware, StateSnapshot};
use governor::state::keyed::DashMapStateStore;
use governor::{Quota as Rate, RateLimiter};

use super::access::Caller;
use super::error::{ApiError, Code};
use crate::clock::Clock;
use crate::domain::plan::{Plan, Quota};
use crate::domain::timestamp::Timestamp;
use crate::domain::usage::Requests;
use crate::store::Store;

const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

/// How long a changed plan may go unnoticed.
const PLAN_KEPT: Duration = Duration::from_secs(5);

/// Organizations whose plans and counts are kept in memory; beyond it those that are not needed are dropped.
const MAX_ORGANIZATIONS: usize = 10_000;

/// Keys of one rate beyond which idle ones are forgotten.
const MAX_KEYS: usize = 10_000;

/// Different rates that are kept; more than plans have, unless an operator changes them all the time.
const MAX_RATES: usize = 64;

/// Reads of an organization that are not in the database yet, at most.
const UNCOUNTED_READS: u64 = 100;

/// Downloaded bytes of an organization that are not in the database yet, at most.
const UNCOUNTED_BYTES: u64 = 64 * 1024 * 1024;

/// How long requests may go uncounted in the database.
const COUNT_INTERVAL: Duration = Duration::from_secs(10);

type Limiter = RateLimiter<String, DashMapStateStore<String>, DefaultClock, StateInformationMiddleware>;

/// The limits of all organizations that this process has heard of lately.
#[derive(Default)]
pub struct Limits {
    rates: Mutex<HashMap<NonZeroU32, Arc<Limiter>>>,
    organizations: Mutex<HashMap<String, Known>>,
}

/// What is known of an organization.
#[derive(Default)]
struct Known {
    plan: Option<(Timestamp, Arc<Plan>)>,
    /// What the database has counted for the month, when it was last told.
    counted: Option<(Timestamp, Requests)>,
    uncounted: Requests,
}

/// Where a caller stands with the rate that is nearest to its limit; told with every answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Standing {
    limit: u32,
    remaining: u32,
    /// Seconds until nothing of the rate is used.
    reset_seconds: u64,
}

/// Where a request's standing is left for its answer.
#[derive(Debug, Clone, Default)]
struct Slot(Arc<OnceLock<Standing>>);

impl Limits {
    /// The plan of an organization, as it was at most a few seconds ago.
    ///
    /// # Errors
    /// 503 or 500 where the database does not tell.
    pub async fn plan(
        &self,
        store: &Store,
        clock: &Clock,
        organization_id: &str,
    ) -> Result<Arc<Plan>, ApiError> {
        let now = clock.now();
        let known = self.with(organization_id, |known| known.plan.clone());
        if let Some((since, plan)) = known
            && since.until(now) < PLAN_KEPT
            && since <= now
        {
            return Ok(plan);
        }
        let plan = store.plan_of(organization_id).await?.ok_or_else(|| ApiError::internal(NoPlan))?;
        let plan = Arc::new(plan);
        self.with(organization_id, |known| known.plan = Some((now, Arc::clone(&plan))));
        Ok(plan)
    }

    /// Lets a request through, and counts it, or refuses it.
    ///
    /// # Errors
    /// 429 above a rate of the plan, 403 above its quota of reads, or where the database does not answer.
    pub(super) async fn admit(
        &self,
        store: &Store,
        clock: &Clock,
        parts: &Parts,
        caller: &Caller,
    ) -> Result<(), ApiError> {
        let plan = self.plan(store, clock, &caller.organization_id).await?;
        let standing = self.check_rates(&plan, caller);
        if let (Some(Slot(slot)), Ok(Some(standing)) | Err(standing)) =
            (parts.extensions.get::<Slot>(), standing)
        {
            // Set once: a request has one caller.
            let _ = slot.set(standing);
        }
        if let Err(standing) = standing {
            let Standing { limit, reset_seconds, .. } = standing;
            let message = format!("more than {limit} requests per minute, the rate of the plan");
            return Err(ApiError::new(Code::RateExceeded, message).retry_after(reset_seconds));
        }
        if parts.method == Method::GET {
            self.count(store, clock, caller, Requests { reads: 1, transfer_bytes: 0 }).await?;
        }
        Ok(())
    }

    /// Counts what a request does against the month's quotas.
    ///
    /// # Errors
    /// 403 where it would be more than the plan allows, and then it is not counted.
    pub async fn count(
        &self,
        store: &Store,
        clock: &Clock,
        caller: &Caller,
        asked: Requests,
    ) -> Result<(), ApiError> {
        let organization_id = &caller.organization_id;
        let now = clock.now();
        let plan = self.plan(store, clock, organization_id).await?;
        let is_due = self.with(organization_id, |known| known.is_due(now));
        if is_due {
            self.write(store, now, organization_id).await?;
        }
        self.with(organization_id, |known| {
            let mut used = known.uncounted;
            if let Some((_, counted)) = known.counted {
                used = used.plus(counted);
            }
            used = used.plus(asked);
            if asked.reads > 0 {
                plan.check(Quota::Reads, used.reads)?;
            }
            if asked.transfer_bytes > 0 {
                plan.check(Quota::Transfer, used.transfer_bytes)?;
            }
            known.uncounted = known.uncounted.plus(asked);
            Ok(())
        })
        .map_err(ApiError::quota_exceeded)
    }

    /// Counts what was sent of an answer that was let through, also where that is more than the plan allows.
    pub fn sent(&self, organization_id: &str, size_bytes: u64) {
        let sent = Requests { reads: 0, transfer_bytes: size_bytes };
        self.with(organization_id, |known| known.uncounted = known.uncounted.plus(sent));
    }

    /// Writes all that is not counted in the database yet, as before the process ends.
    pub async fn write_all(&self, store: &Store, clock: &Clock) {
        let organizations: Vec<String> = {
            let known = self.organizations.lock().unwrap_or_else(PoisonError::into_inner);
            known
                .iter()
                .filter(|(_, known)| known.uncounted != Requests::default())
                .map(|(id, _)| id.clone())
                .collect()
        };
        for organization_id in organizations {
            if self.write(store, clock.now(), &organization_id).await.is_err() {
                tracing::warn!(organization_id, "requests of an organization could not be counted");
            }
        }
    }

    async fn write(&self, store: &Store, now: Timestamp, organization_id: &str) -> Result<(), ApiError> {
        let uncounted = self.with(organization_id, |known| std::mem::take(&mut known.uncounted));
        match store.count_requests(organization_id, uncounted).await {
            Ok(month) => {
                self.with(organization_id, |known| known.counted = Some((now, month.requests)));
                Ok(())
            }
            Err(error) => {
                self.with(organization_id, |known| known.uncounted = known.uncounted.plus(uncounted));
                Err(error.into())
            }
        }
    }

    /// Where the caller stands; `Err` above a rate. `None` where the plan has none.
    fn check_rates(&self, plan: &Plan, caller: &Caller) -> Result<Option<Standing>, Standing> {
        let credential = caller.actor.id.as_deref().unwrap_or_default();
        let mut nearest: Option<Standing> = None;
        for (rate, key) in [
            (plan.credential_rate, format!("credential {credential}")),
            (plan.organization_rate, format!("organization {}", caller.organization_id)),
        ] {
            let Some(rate) = rate.and_then(NonZeroU32::new) else { continue };
            let standing = check_rate(&self.limiter(rate), rate, &key)?;
            if nearest.is_none_or(|nearest| standing.remaining < nearest.remaining) {
                nearest = Some(standing);
            }
        }
        Ok(nearest)
    }

    fn limiter(&self, rate: NonZeroU32) -> Arc<Limiter> {
        let mut rates = self.rates.lock().unwrap_or_else(PoisonError::into_inner);
        if rates.len() >= MAX_RATES && !rates.contains_key(&rate) {
            rates.clear();
        }
        let limiter = rates.entry(rate).or_insert_with(|| {
            let limiter = RateLimiter::keyed(Rate::per_minute(rate));
            Arc::new(limiter.with_middleware::<StateInformationMiddleware>())
        });
        if limiter.len() > MAX_KEYS {
            limiter.retain_recent();
            limiter.shrink_to_fit();
        }
        Arc::clone(limiter)
    }

    fn with<T>(&self, organization_id: &str, act: impl FnOnce(&mut Known) -> T) -> T {
        let mut organizations = self.organizations.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = organizations.get_mut(organization_id) {
            return act(known);
        }
        if organizations.len() >= MAX_ORGANIZATIONS {
            organizations.retain(|_, known| known.uncounted != Requests::default());
        }
        act(organizations.entry(organization_id.to_owned()).or_default())
    }
}

impl Known {
    /// Whether the database has to be told, or asked, before more is let through.
    fn is_due(&self, now: Timestamp) -> bool {
        match self.counted {
            None => true,
            Some((since, _)) => {
                self.uncounted.reads >= UNCOUNTED_READS
                    || self.uncounted.transfer_bytes >= UNCOUNTED_BYTES
                    || since.until(now) >= COUNT_INTERVAL
            }
        }
    }
}

impl Standing {
    fn of(rate: NonZeroU32, remaining: u32) -> Self {
        let limit = rate.get();
        let used = limit.saturating_sub(remaining);
        let reset_seconds = (u64::from(used) * 60).div_ceil(u64::from(limit));
        Self { limit, remaining, reset_seconds }
    }
}

fn check_rate(limiter: &Limiter, rate: NonZeroU32, key: &String) -> Result<Standing, Standing> {
    match limiter.check_key(key) {
        Ok(state) => Ok(Standing::of(rate, StateSnapshot::remaining_burst_capacity(&state))),
        Err(refused) => {
            let wait = refused.wait_time_from(DefaultClock::default().now());
            let reset_seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            Err(Standing { limit: rate.get(), remaining: 0, reset_seconds: reset_seconds.max(1) })
        }
    }
}

/// Tells the standing of the caller with the answer. The outermost layer, since errors get their headers further in.
pub async fn tell(mut request: Request, next: Next) -> Response {
    let slot = Slot::default();
    request.extensions_mut().insert(slot.clone());
    let mut response = next.run(request).await;
    if let Some(standing) = slot.0.get() {
        let headers = response.headers_mut();
        headers.insert(LIMIT, standing.limit.into());
        headers.insert(REMAINING, standing.remaining.into());
        headers.insert(RESET, standing.reset_seconds.into());
    }
    response
}

#[derive(Debug, thiserror::Error)]
#[error("organization has no account")]
struct NoPlan;
