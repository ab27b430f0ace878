//! The processes that run plugins, and how far each has taken over what was changed.

use std::time::Duration;

use super::statement::{FromRow, Row, arguments, statements, to_json};
use super::{Error, Store};
use crate::domain::plugin::Replica;

statements! {
    "replicas";
    BEAT = "insert into plugin_replicas (id, generation, problems, seen_at) values ($1, $2, $3, $4)
        on conflict (id) do update set generation = excluded.generation, problems = excluded.problems,
            seen_at = excluded.seen_at";
    LIST = "select id, generation, problems, seen_at from plugin_replicas where seen_at >= $1 order by id";
    SWEEP = "delete from plugin_replicas where seen_at < $1";
    DELETE = "delete from plugin_replicas where id = $1";
}

impl Store {
    /// Notes that a process is there and how far it is, and forgets those that fell silent `silence` ago.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn beat_replica(
        &self,
        id: &str,
        generation: u64,
        problems: &[(String, String)],
        silence: Duration,
    ) -> Result<(), Error> {
        let now = self.clock.now();
        let mut tx = self.begin().await?;
        tx.execute(&BEAT, arguments![id, generation, to_json("problems", problems)?, now]).await?;
        tx.execute(&SWEEP, arguments![now.before(silence)]).await?;
        tx.commit().await
    }

    /// The processes that were heard of within `silence`.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn replicas(&self, silence: Duration) -> Result<Vec<Replica>, Error> {
        self.engine.list(&LIST, arguments![self.clock.now().before(silence)]).await
    }

    /// Forgets a process that stops.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn forget_replica(&self, id: &str) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        tx.execute(&DELETE, arguments![id]).await?;
        tx.commit().await
    }
}

impl FromRow for Replica {
    fn from_row(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            id: row.get("id")?,
            generation: row.number("generation")?,
            problems: row.json("problems")?,
            seen_at: row.time("seen_at")?,
        })
    }
}
