//! Time, identifiers and randomness: the only module that reads the time or draws random bytes.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Microseconds since 1970-01-01 UTC, as stored in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The time `duration` later; saturates at the end of the range.
    pub fn after(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)))
    }

    /// How long before `later` this is; zero where it is not before it.
    pub fn until(self, later: Self) -> Duration {
        Duration::from_micros(u64::try_from(later.0.saturating_sub(self.0)).unwrap_or(0))
    }

    /// Whole seconds since 1970-01-01 UTC, rounded down.
    pub fn unix_seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// Midnight UTC at the start of a day given as `YYYY-MM-DD`; `None` for anything else.
    pub fn start_of_day(date: &str) -> Option<Self> {
        let date: jiff::civil::Date = date.parse().ok().filter(|_| date.len() == "YYYY-MM-DD".len())?;
        let start = date.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
        Some(Self(start.timestamp().as_microsecond()))
    }

    /// The day in UTC as `YYYY-MM-DD`.
    pub fn to_date(self) -> String {
        jiff::Timestamp::from_microsecond(self.0)
            .map(|timestamp| timestamp.to_zoned(jiff::tz::TimeZone::UTC).date().to_string())
            .unwrap_or_default()
    }

    /// ISO 8601 in UTC with milliseconds and `Z`, as in every answer of the API.
    pub fn to_iso(self) -> String {
        jiff::Timestamp::from_microsecond(self.0)
            .map(|timestamp| format!("{timestamp:.3}"))
            .unwrap_or_default()
    }
}

/// Source of time and ids, passed to all that need either. [`Clock::system`] is the real one; tests may move
/// their own forward.
#[derive(Clone)]
pub struct Clock {
    now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
}

impl Clock {
    /// The system's clock.
    pub fn system() -> Self {
        Self { now: Arc::new(system_now) }
    }

    /// A clock that asks `now` for the time.
    pub fn from_fn(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self { now: Arc::new(now) }
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        (self.now)()
    }

    /// A new id: UUIDv7 in its usual spelling, so that ids sort by time of creation.
    pub fn new_id(&self) -> String {
        let micros = u64::try_from(self.now().0).unwrap_or(0);
        let stamp = uuid::Timestamp::from_unix(
            uuid::NoContext,
            micros / 1_000_000,
            u32::try_from(micros % 1_000_000 * 1000).unwrap_or(0),
        );
        uuid::Uuid::new_v7(stamp).to_string()
    }
}

/// Random bytes from the operating system, fit for keys and tokens.
pub fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    #[expect(clippy::expect_used, reason = "a key made without randomness would be worse than no answer")]
    getrandom::fill(&mut bytes).expect("invariant: the operating system's random source works");
    bytes
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Clock")
    }
}

fn system_now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn iso_times_have_milliseconds_and_z() {
        assert_eq!(Timestamp(1_700_000_000_000_000).to_iso(), "2023-11-14T22:13:20.000Z");
        assert_eq!(Timestamp(1_700_000_000_123_456).to_iso(), "2023-11-14T22:13:20.123Z");
    }

    #[test]
    fn a_day_starts_at_midnight_utc() {
        let start = Timestamp::start_of_day("2023-11-14").unwrap();
        assert_eq!(start.to_iso(), "2023-11-14T00:00:00.000Z");
        assert_eq!(start.after(Duration::from_secs(86_399)).to_date(), "2023-11-14");
        for wrong in ["2023-02-30", "2023-11-14T00:00", "20231114", "14.11.2023", ""] {
            assert_eq!(Timestamp::start_of_day(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn ids_sort_by_time() {
        let ids: Vec<String> = (0..50)
            .map(|step| Clock::from_fn(move || Timestamp(1_700_000_000_000_000 + step * 1000)).new_id())
            .collect();
        assert!(ids.is_sorted());
    }
}
