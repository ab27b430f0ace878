//! The time, for a plugin that asks for it (`clock = true` in `plugin.toml`) and is granted it.
//!
//! Most need no clock: the day of the call is in the request. What uses one is no longer a function of its document.

use crate::bindings::ocriva::extract::clock as host;
use crate::document::Document;

impl Document<'_> {
    /// Milliseconds since 1970, UTC. In a test, what `Fixture::with_clock` says.
    pub fn now_ms(&self) -> f64 {
        match self.surroundings() {
            Some(surroundings) => surroundings.now_ms,
            None => host::now(),
        }
    }

    /// Milliseconds since the call began; never goes back. In a test, 0.
    pub fn elapsed_ms(&self) -> f64 {
        match self.surroundings() {
            Some(_) => 0.0,
            None => host::elapsed(),
        }
    }
}
