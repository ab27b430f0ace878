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

    /// The time `duration` earlier; saturates at the beginning of the range.
    pub fn before(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)))
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

    /// A time given in ISO 8601 with its offset; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        Some(Self(text.parse::<jiff::Timestamp>().ok()?.as_microsecond()))
    }

    /// The day in UTC as `YYYY-MM-DD`.
    pub fn to_date(self) -> String {
        jiff::Timestamp::from_microsecond(self.0)
            .map(|timestamp| timestamp.to_zoned(jiff::tz::TimeZone::UTC).date().to_string())
            .unwrap_or_default()
    }

    /// The month in UTC as `YYYY-MM`.
    pub fn to_month(self) -> String {
        self.to_date().chars().take("YYYY-MM".len()).collect()
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

    #[test]
    fn times_are_read_with_their_offset() {
        let time = Timestamp::parse("2023-11-14T23:13:20.123+01:00").unwrap();
        assert_eq!(time.to_iso(), "2023-11-14T22:13:20.123Z");
        for wrong in ["", "2023-11-14", "2023-11-14T23:13:20", "tomorrow", "1700000000"] {
            assert_eq!(Timestamp::parse(wrong), None, "{wrong}");
        }
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
}
