//! What plugins keep beyond a call.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::statement::{FromRow, Row, arguments, statements};
use super::{Error, Store};
use crate::domain::capability::{Quota, Shelf};

statements! {
    "plugin_values";
    GET = "select value from plugin_values where organization_id = $1 and plugin = $2 and key = $3";
    /// One writing to a shelf at a time: SQLite has one writer in all, and a lock ends with its transaction.
    LOCK = "select 1 as locked where $1 <> ''",
        postgres: "select 1 as locked from (select pg_advisory_xact_lock(hashtextextended($1, 0))) as held";
    /// What the others take is looked at in the same statement.
    SET = "insert into plugin_values (organization_id, plugin, key, value, size_bytes, updated_at)
        select $1, $2, $3, $4, $5, $6
        where (select coalesce(sum(size_bytes), 0) from plugin_values
                where organization_id = $1 and plugin = $2 and key <> $3) + $5 <= $7
            and (select count(*) from plugin_values
                where organization_id = $1 and plugin = $2 and key <> $3) < $8
        on conflict (organization_id, plugin, key) do update
        set value = excluded.value, size_bytes = excluded.size_bytes, updated_at = excluded.updated_at",
        postgres: "insert into plugin_values (organization_id, plugin, key, value, size_bytes, updated_at)
        select $1::text, $2::text, $3::text, $4::text, $5::bigint, $6::bigint
        where (select coalesce(sum(size_bytes), 0) from plugin_values
                where organization_id = $1 and plugin = $2 and key <> $3) + $5 <= $7
            and (select count(*) from plugin_values
                where organization_id = $1 and plugin = $2 and key <> $3) < $8
        on conflict (organization_id, plugin, key) do update
        set value = excluded.value, size_bytes = excluded.size_bytes, updated_at = excluded.updated_at";
    DELETE = "delete from plugin_values where organization_id = $1 and plugin = $2 and key = $3";
    KEYS = "select key from plugin_values
        where organization_id = $1 and plugin = $2 and key > $3 and substr(key, 1, cast($5 as integer)) = $4
        order by key limit $6";
}

impl Store {
    /// The value of a key on a plugin's shelf.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn plugin_value(&self, shelf: &Shelf, key: &str) -> Result<Option<Vec<u8>>, Error> {
        let arguments = arguments![&shelf.organization_id, &shelf.plugin, key];
        let found: Option<StoredValue> = self.engine.find(&GET, arguments).await?;
        Ok(found.map(|StoredValue(value)| value))
    }

    /// Gives a key a value; `false` where the shelf's quota leaves no room for it.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn set_plugin_value(
        &self,
        shelf: &Shelf,
        key: &str,
        value: &[u8],
        quota: Quota,
    ) -> Result<bool, Error> {
        let arguments = arguments![
            &shelf.organization_id,
            &shelf.plugin,
            key,
            STANDARD.encode(value),
            (key.len() + value.len()) as u64,
            self.clock.now(),
            quota.bytes,
            quota.keys
        ];
        let mut tx = self.engine.begin().await?;
        let shelf = format!("plugin_values {} {}", shelf.organization_id, shelf.plugin);
        tx.fetch_optional(&LOCK, arguments![shelf]).await?;
        let written = tx.execute(&SET, arguments).await?;
        tx.commit().await?;
        Ok(written > 0)
    }

    /// Removes a key; whether it was there.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn delete_plugin_value(&self, shelf: &Shelf, key: &str) -> Result<bool, Error> {
        let arguments = arguments![&shelf.organization_id, &shelf.plugin, key];
        let mut tx = self.engine.begin().await?;
        let deleted = tx.execute(&DELETE, arguments).await?;
        tx.commit().await?;
        Ok(deleted > 0)
    }

    /// At most `limit` keys that begin with `prefix` and come after `after`, in the order of their bytes.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn plugin_keys(
        &self,
        shelf: &Shelf,
        prefix: &str,
        after: &str,
        limit: u32,
    ) -> Result<Vec<String>, Error> {
        let length = prefix.chars().count() as u64;
        let arguments = arguments![&shelf.organization_id, &shelf.plugin, after, prefix, length, limit];
        let keys: Vec<StoredKey> = self.engine.list(&KEYS, arguments).await?;
        Ok(keys.into_iter().map(|StoredKey(key)| key).collect())
    }
}

struct StoredValue(Vec<u8>);

impl FromRow for StoredValue {
    fn from_row(row: &Row) -> Result<Self, Error> {
        let text: String = row.get("value")?;
        STANDARD.decode(text).map(Self).map_err(|error| row.corrupt("value", error.to_string()))
    }
}

struct StoredKey(String);

impl FromRow for StoredKey {
    fn from_row(row: &Row) -> Result<Self, Error> {
        Ok(Self(row.get("key")?))
    }
}
