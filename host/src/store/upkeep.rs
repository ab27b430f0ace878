//! Turns of periodic tasks between processes, and the rows that only time makes superfluous.

use std::time::Duration;

use super::statement::{arguments, statements};
use super::{Error, Store, attempts, idempotency};

statements! {
    "upkeep";
    TAKE_TURN = "insert into upkeep_turns (task, taken_at) values ($1, $2)
        on conflict (task) do update set taken_at = excluded.taken_at where upkeep_turns.taken_at <= $3";
    SWEEP_REFRESH_TOKENS = "delete from refresh_tokens where expires_at < $1";
    SWEEP_IDEMPOTENCY_KEYS = "delete from idempotency_keys where created_at < $1";
    SWEEP_ATTEMPTS = "delete from attempts where window_ends_at < $1";
}

impl Store {
    /// Takes up a periodic task: `true` for one process at a time, when `interval` has passed since somebody had the
    /// last turn.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn take_turn(&self, task: &str, interval: Duration) -> Result<bool, Error> {
        let now = self.clock.now();
        let mut tx = self.begin().await?;
        let taken = tx.execute(&TAKE_TURN, arguments![task, now, now.before(interval)]).await?;
        tx.commit().await?;
        Ok(taken > 0)
    }

    /// Removes refresh tokens that have expired, answers to idempotency keys that are past their time, and counts of
    /// attempts that nobody adds to any more. Answers how many rows went.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn sweep_rows(&self) -> Result<u64, Error> {
        let now = self.clock.now();
        let mut tx = self.begin().await?;
        let tokens = tx.execute(&SWEEP_REFRESH_TOKENS, arguments![now]).await?;
        let keys = tx.execute(&SWEEP_IDEMPOTENCY_KEYS, arguments![now.before(idempotency::KEPT)]).await?;
        let attempts = tx.execute(&SWEEP_ATTEMPTS, arguments![now.before(attempts::KEPT)]).await?;
        tx.commit().await?;
        Ok(tokens + keys + attempts)
    }
}
