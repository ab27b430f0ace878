//! Secrets that the program makes for itself once and keeps, such as the key that signs access tokens.

use super::statement::{arguments, statements};
use super::{Error, Store};

statements! {
    "secrets";
    INSERT = "insert into secrets (name, value, created_at) values ($1, $2, $3) on conflict (name) do nothing";
    FIND = "select value from secrets where name = $1";
}

impl Store {
    /// The secret called `name`. Where there is none yet, `candidate` becomes it; of several processes that start at
    /// the same time all get the same one.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn secret(&self, name: &str, candidate: &str) -> Result<String, Error> {
        let mut tx = self.begin().await?;
        tx.execute(&INSERT, arguments![name, candidate, self.clock.now()]).await?;
        let kept = match tx.fetch_optional(&FIND, arguments![name]).await? {
            Some(row) => row.get("value")?,
            None => candidate.to_owned(),
        };
        tx.commit().await?;
        Ok(kept)
    }
}
