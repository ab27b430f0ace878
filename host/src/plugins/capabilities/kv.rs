//! The import `kv`: values that outlast a call.

use std::sync::Arc;

use super::super::bindings::ocriva::extract::{kv, types};
use super::super::imports::{CallState, failure};
use super::{ValueStore, ValuesUnavailable, beyond, passing};
use crate::domain::capability::Shelf;

/// Longest key, longest value, and most keys of one answer.
const KEY_BYTES: usize = 256;
const VALUE_BYTES: usize = 64 << 10;
const KEYS: u32 = 1000;

type Answered<T> = Result<T, types::Failure>;

impl kv::Host for CallState {
    async fn get(&mut self, key: String) -> wasmtime::Result<Answered<Option<Vec<u8>>>> {
        self.budget.host_call()?;
        let found = match self.begin(&key) {
            Ok((values, shelf)) => tell(values.get(&shelf, &key).await),
            Err(failure) => Err(failure),
        };
        Ok(found)
    }

    async fn set(&mut self, key: String, value: Vec<u8>) -> wasmtime::Result<Answered<()>> {
        self.budget.host_call()?;
        if value.len() > VALUE_BYTES {
            let message = format!("the value has {} bytes, the limit is {VALUE_BYTES}", value.len());
            return Ok(Err(failure("kv.too_large", message)));
        }
        let quota = self.services.quota;
        let written = match self.begin(&key) {
            Ok((values, shelf)) => tell(values.set(&shelf, &key, &value, quota).await),
            Err(failure) => Err(failure),
        };
        Ok(written.and_then(|has_room| match has_room {
            true => Ok(()),
            false => Err(failure(
                "kv.quota_exceeded",
                format!(
                    "no more than {} bytes and {} keys may be kept (settings `plugins.kv`)",
                    quota.bytes, quota.keys
                ),
            )),
        }))
    }

    async fn delete(&mut self, key: String) -> wasmtime::Result<Answered<bool>> {
        self.budget.host_call()?;
        Ok(match self.begin(&key) {
            Ok((values, shelf)) => tell(values.delete(&shelf, &key).await),
            Err(failure) => Err(failure),
        })
    }

    async fn keys(
        &mut self,
        prefix: String,
        after: String,
        cap: u32,
    ) -> wasmtime::Result<Answered<Vec<String>>> {
        self.budget.host_call()?;
        // An empty prefix and an empty place to begin at are no keys, and stand for all.
        for part in [&prefix, &after] {
            if let (false, Err(failure)) = (part.is_empty(), check_key(part)) {
                return Ok(Err(failure));
            }
        }
        let cap = cap.min(KEYS);
        Ok(match self.begin("any") {
            Ok((values, shelf)) => tell(values.keys(&shelf, &prefix, &after, cap).await),
            Err(failure) => Err(failure),
        })
    }
}

impl CallState {
    /// Counts the call, and finds what it is about.
    fn begin(&mut self, key: &str) -> Answered<(Arc<dyn ValueStore>, Shelf)> {
        if !self.budget.kv_call() {
            return Err(beyond(self.budget.limits().kv_calls, "readings and writings of values", "kv_calls"));
        }
        check_key(key)?;
        let unavailable =
            || failure("kv.unavailable", "there is no database to keep values in here".to_owned());
        let values = self.services.values.clone().ok_or_else(unavailable)?;
        let organization_id = self.organization_id.clone().ok_or_else(unavailable)?;
        Ok((values, Shelf { organization_id, plugin: self.plugin.clone() }))
    }
}

fn tell<T>(answer: Result<T, ValuesUnavailable>) -> Answered<T> {
    answer.map_err(|error| passing("kv.unavailable", error.to_string()))
}

fn check_key(key: &str) -> Answered<()> {
    if key.is_empty() || key.len() > KEY_BYTES || key.chars().any(char::is_control) {
        let message = format!("a key has 1 to {KEY_BYTES} bytes and no control characters");
        return Err(failure("kv.bad_key", message));
    }
    Ok(())
}
