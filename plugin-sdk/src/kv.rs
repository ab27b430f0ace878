//! Values that outlast a call, for a plugin that asks for them (`kv = true` in `plugin.toml`) and is granted them.
//!
//! Each plugin has its own, for each organization. Keys have 1 to 256 bytes and no control characters, values at most
//! 64 KiB; how much there can be in all is a setting of the server (1 MiB and 10,000 keys unless changed). Two documents
//! may be at work at one time: what one writes, the other may overwrite.

use crate::bindings::ocriva::extract::kv as host;
use crate::document::Document;
use crate::extractor::Failure;
use crate::surroundings::Surroundings;

/// The values of this plugin, for the organization whose document it is.
pub struct Values<'a>(Option<&'a Surroundings>);

impl<'a> Document<'a> {
    /// What this plugin keeps beyond the call.
    pub fn values(&self) -> Values<'a> {
        Values(self.surroundings())
    }
}

impl Values<'_> {
    /// The value of a key, if it has one.
    ///
    /// # Errors
    /// `kv.bad_key`, `kv.unavailable`, or `plugin.denied` beyond the limit `kv_calls`.
    pub fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Failure> {
        match self.0 {
            Some(surroundings) => Ok(surroundings.values.borrow().get(key).cloned()),
            None => Ok(host::get(key)?),
        }
    }

    /// Gives a key a value, in place of the one it has.
    ///
    /// # Errors
    /// As [`Values::get`], and `kv.too_large` or `kv.quota_exceeded`.
    pub fn set(&self, key: &str, value: &[u8]) -> Result<(), Failure> {
        match self.0 {
            Some(surroundings) => {
                surroundings.values.borrow_mut().insert(key.to_owned(), value.to_vec());
                Ok(())
            }
            None => Ok(host::set(key, value)?),
        }
    }

    /// Removes a key; whether it was there.
    ///
    /// # Errors
    /// As [`Values::get`].
    pub fn delete(&self, key: &str) -> Result<bool, Failure> {
        match self.0 {
            Some(surroundings) => Ok(surroundings.values.borrow_mut().remove(key).is_some()),
            None => Ok(host::delete(key)?),
        }
    }

    /// Keys that begin with `prefix` and come after `after` (both may be empty), in the order of their bytes; at most
    /// `cap`, and at most 1,000.
    ///
    /// # Errors
    /// As [`Values::get`].
    pub fn keys(&self, prefix: &str, after: &str, cap: u32) -> Result<Vec<String>, Failure> {
        match self.0 {
            Some(surroundings) => {
                let values = surroundings.values.borrow();
                let fitting = values.keys().filter(|key| key.starts_with(prefix) && key.as_str() > after);
                Ok(fitting.take(cap.min(1000) as usize).cloned().collect())
            }
            None => Ok(host::keys(prefix, after, cap)?),
        }
    }
}
