//! Generations of the key that signs access tokens. The keys are not here: see `auth`.

use std::time::Duration;

use super::statement::{FromRow, Row, arguments, statements};
use super::{Error, Store};
use crate::domain::signing_key::SigningKey;

statements! {
    "signing_keys";
    LIST = "select generation, retires_at from signing_keys
        where retires_at is null or retires_at > $1 order by generation";
    RETIRE = "update signing_keys set retires_at = $1 where retires_at is null or retires_at > $1";
    /// Of two rotations at the same time one fails on the number.
    INSERT = "insert into signing_keys (generation, created_at, retires_at)
        select coalesce(max(generation), 0) + 1, $1, cast(null as bigint) from signing_keys returning generation";
}

impl Store {
    /// The generations whose tokens are accepted, oldest first.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn signing_keys(&self) -> Result<Vec<SigningKey>, Error> {
        self.engine.list(&LIST, arguments![self.clock.now()]).await
    }

    /// Makes the next generation and returns its number. What the older ones signed is accepted for `overlap` longer.
    ///
    /// # Errors
    /// [`Error::Duplicate`] where somebody else does the same at this moment, or whatever else the database answers.
    pub async fn rotate_signing_key(&self, overlap: Duration) -> Result<u32, Error> {
        let now = self.clock.now();
        let mut tx = self.begin().await?;
        tx.execute(&RETIRE, arguments![now.after(overlap)]).await?;
        let row = tx.fetch_optional(&INSERT, arguments![now]).await?;
        let generation = row.map_or(Ok(1), |row| row.number("generation"))?;
        tx.commit().await?;
        Ok(generation)
    }
}

impl FromRow for SigningKey {
    fn from_row(row: &Row) -> Result<Self, Error> {
        Ok(Self { generation: row.number("generation")?, retires_at: row.optional_time("retires_at")? })
    }
}
