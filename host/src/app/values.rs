//! The store as the place where plugins keep values.

use std::path::Path;

use async_trait::async_trait;

use super::{App, Error};
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::capability::{Quota, Shelf};
use crate::domain::token::NewApiToken;
use crate::plugins::{ValueStore, ValuesUnavailable};
use crate::store::{self, Bootstrap, Store};
use crate::telemetry::chain;

/// The values of all plugins, in this store.
pub struct StoredValues(pub Store);

impl StoredValues {
    /// Values apart from any server, in a database of their own in `folder`, which is made; with the id of the one
    /// organization that they are kept for.
    ///
    /// # Errors
    /// The folder or the database cannot be used.
    pub async fn apart(config: &Config, folder: &Path, clock: Clock) -> Result<(Self, String), Error> {
        let mut config = config.clone();
        config.storage.data_dir = folder.to_owned();
        config.storage.database_url.clear();
        let store = App::store(&config, &clock).await?;
        // Nobody logs in here: neither the password nor the token can be given.
        let first = Bootstrap {
            organization_name: "Tests".to_owned(),
            project_name: "Tests".to_owned(),
            email: "tests@localhost".to_owned(),
            user_name: "Tests".to_owned(),
            password_hash: String::new(),
            token: NewApiToken {
                project_id: None,
                name: "None".to_owned(),
                description: None,
                public_id: clock.new_id(),
                secret_hash: String::new(),
                scopes: Vec::new(),
                addresses: Vec::new(),
                created_by: None,
                expires_at: clock.now(),
            },
        };
        let made = store.bootstrap(first).await?;
        let organization_id = made.map(|made| made.organization_id).unwrap_or_default();
        Ok((Self(store), organization_id))
    }
}

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
