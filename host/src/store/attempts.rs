//! How often something was tried lately, such as a login: counted in the database, so that all processes count together.

use std::time::Duration;

use super::statement::{FromRow, Row, arguments, statements};
use super::{Error, Store};
use crate::domain::timestamp::Timestamp;

statements! {
    "attempts";
    /// A window that has ended begins anew with this attempt.
    COUNT = "insert into attempts (key, count, window_ends_at) values ($1, 1, $3)
        on conflict (key) do update set
            count = case when attempts.window_ends_at <= $2 then 1 else attempts.count + 1 end,
            window_ends_at = case when attempts.window_ends_at <= $2 then $3 else attempts.window_ends_at end
        returning count, window_ends_at";
    FORGET = "delete from attempts where key = $1";
    TAKE_BACK = "update attempts set count = count - 1 where key = $1 and count > 0";
}

/// How long a window that has ended is left alone before its row goes: nobody counts in it any more then.
pub(super) const KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// How often something was tried in the present window, this attempt included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempts {
    /// How often.
    pub count: u64,
    /// When the window ends, and counting begins anew.
    pub window_ends_at: Timestamp,
}

impl Store {
    /// Counts an attempt under each key, in windows of this length; the answers are in the order of the keys.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn count_attempts(&self, keys: &[String], window: Duration) -> Result<Vec<Attempts>, Error> {
        let now = self.clock.now();
        let mut counted = Vec::with_capacity(keys.len());
        // One transaction each: none holds a row while it waits for another.
        for key in keys {
            let mut tx = self.begin().await?;
            counted.push(tx.read(&COUNT, arguments![key, now, now.after(window)]).await?);
            tx.commit().await?;
        }
        Ok(counted)
    }

    /// Forgets all attempts under one key, and takes back one under each of the others: the last one was no failure.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn forgive_attempts(&self, forgotten: &str, taken_back: &[String]) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        tx.execute(&FORGET, arguments![forgotten]).await?;
        tx.commit().await?;
        for key in taken_back {
            let mut tx = self.begin().await?;
            tx.execute(&TAKE_BACK, arguments![key]).await?;
            tx.commit().await?;
        }
        Ok(())
    }
}

impl FromRow for Attempts {
    fn from_row(row: &Row) -> Result<Self, Error> {
        Ok(Self { count: row.number("count")?, window_ends_at: row.time("window_ends_at")? })
    }
}
