//! A point in time, as it is stored and as it is shown. Reading the time is the clock's business.

use std::time::Duration;

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

    /// ISO 8601 in UTC with milliseconds and `Z`, as in every answer of the API.
    pub fn to_iso(self) -> String {
        jiff::Timestamp::from_microsecond(self.0)
            .map(|timestamp| format!("{timestamp:.3}"))
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn iso_times_have_milliseconds_and_z() {
        assert_eq!(Timestamp(1_700_000_000_000_000).to_iso(), "2023-11-14T22:13:20.000Z");
        assert_eq!(Timestamp(1_700_000_000_123_456).to_iso(), "2023-11-14T22:13:20.123Z");
    }
}
