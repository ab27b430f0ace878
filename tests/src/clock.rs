//! A clock that a test moves forward.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use ocriva::clock::Clock;
use ocriva::domain::timestamp::Timestamp;

/// The system's time plus what the test has added.
#[derive(Clone, Default)]
pub struct MovableClock {
    ahead_micros: Arc<AtomicI64>,
}

impl MovableClock {
    /// Lets `duration` pass.
    pub fn advance(&self, duration: Duration) {
        let micros = i64::try_from(duration.as_micros()).expect("a test moves the clock by less than an age");
        self.ahead_micros.fetch_add(micros, Ordering::SeqCst);
    }

    /// The clock, for the code under test.
    pub fn clock(&self) -> Clock {
        let ahead = Arc::clone(&self.ahead_micros);
        let system = Clock::system();
        Clock::from_fn(move || Timestamp(system.now().0 + ahead.load(Ordering::SeqCst)))
    }
}
