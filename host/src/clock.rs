//! Time, identifiers and randomness: the only module that reads the time or draws random bytes.
#![expect(clippy::disallowed_methods, reason = "this is the module that the rule points to")]

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use uuid::ContextV7;

pub use crate::domain::timestamp::Timestamp;

/// Source of time and ids, passed to all that need either. [`Clock::system`] is the real one; tests may move
/// their own forward.
#[derive(Clone)]
pub struct Clock {
    now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    /// Counts the ids of one millisecond, so that these too sort by time of creation.
    sequence: Arc<Mutex<ContextV7>>,
}

impl Clock {
    /// The system's clock.
    pub fn system() -> Self {
        Self::from_fn(system_now)
    }

    /// A clock that asks `now` for the time.
    pub fn from_fn(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self { now: Arc::new(now), sequence: Arc::default() }
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        (self.now)()
    }

    /// A new id for an event as receivers see it: `evt_{unixMs}_{random6}`.
    pub fn new_event_id(&self) -> String {
        const CHARACTERS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
        let random: String =
            random_bytes::<6>().iter().map(|byte| char::from(CHARACTERS[usize::from(byte % 36)])).collect();
        format!("evt_{}_{random}", self.now().0.div_euclid(1000))
    }

    /// A new id: UUIDv7 in its usual spelling. The ids of one clock sort by time of creation.
    pub fn new_id(&self) -> String {
        let micros = u64::try_from(self.now().0).unwrap_or(0);
        let sequence = self.sequence.lock().unwrap_or_else(PoisonError::into_inner);
        let stamp = uuid::Timestamp::from_unix(
            &*sequence,
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

/// Processor time that the calling thread has used since it was started: other work of the machine does not count.
#[expect(unsafe_code, reason = "the standard library does not tell a thread's processor time")]
pub fn thread_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a live `timespec` of this frame, which the call fills in and does not keep.
    let answer = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    assert_eq!(answer, 0, "invariant: the system tells every thread its time");
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or(0))
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
    fn ids_of_one_moment_sort_by_their_making() {
        let clock = Clock::from_fn(|| Timestamp(1_700_000_000_000_000));
        let ids: Vec<String> = (0..5000).map(|_| clock.new_id()).collect();
        assert!(ids.is_sorted());
    }

    #[test]
    fn ids_sort_by_time() {
        let ids: Vec<String> = (0..50)
            .map(|step| Clock::from_fn(move || Timestamp(1_700_000_000_000_000 + step * 1000)).new_id())
            .collect();
        assert!(ids.is_sorted());
    }
}
