//! The store as the place where plugins keep values.

use async_trait::async_trait;

use crate::domain::capability::{Quota, Shelf};
use crate::plugins::{ValueStore, ValuesUnavailable};
use crate::store::{self, Store};
use crate::telemetry::chain;

/// The values of all plugins, in this store.
pub struct StoredValues(pub Store);

#[async_trait]
impl ValueStore for StoredValues {
    async fn get(&self, shelf: &Shelf, key: &str) -> Result<Option<Vec<u8>>, ValuesUnavailable> {
        self.0.plugin_value(shelf, key).await.map_err(|error| unavailable(&error))
    }

    async fn set(
        &self,
        shelf: &Shelf,
        key: &str,
        value: &[u8],
        quota: Quota,
    ) -> Result<bool, ValuesUnavailable> {
        self.0.set_plugin_value(shelf, key, value, quota).await.map_err(|error| unavailable(&error))
    }

    async fn delete(&self, shelf: &Shelf, key: &str) -> Result<bool, ValuesUnavailable> {
        self.0.delete_plugin_value(shelf, key).await.map_err(|error| unavailable(&error))
    }

    async fn keys(
        &self,
        shelf: &Shelf,
        prefix: &str,
        after: &str,
        limit: u32,
    ) -> Result<Vec<String>, ValuesUnavailable> {
        self.0.plugin_keys(shelf, prefix, after, limit).await.map_err(|error| unavailable(&error))
    }
}

fn unavailable(error: &store::Error) -> ValuesUnavailable {
    tracing::error!(error = %chain(error), "values of plugins cannot be reached");
    ValuesUnavailable
}
