//! The import `random`.

use super::super::bindings::ocriva::extract::random;
use super::super::imports::CallState;
use crate::clock;

/// Most bytes that one call gives.
const BYTES_CAP: u32 = 64 << 10;

/// Bytes that are drawn at once.
const DRAWN: usize = 1024;

impl random::Host for CallState {
    fn bytes(&mut self, count: u32) -> wasmtime::Result<Vec<u8>> {
        self.budget.host_call()?;
        let count = count.min(BYTES_CAP) as usize;
        let mut bytes = Vec::with_capacity(count.next_multiple_of(DRAWN));
        while bytes.len() < count {
            bytes.extend_from_slice(&clock::random_bytes::<DRAWN>());
        }
        bytes.truncate(count);
        Ok(bytes)
    }
}
