//! Results: one per document and attempt; the document says which attempt counts.

use super::statement::{FromRow, Row, arguments, statements, to_json, within};
use super::{Error, Store, Transaction};
use crate::domain::document::{Processed, StoredResult};
use crate::domain::tenant::Tenant;
use crate::domain::timestamp::Timestamp;

statements! {
    "results";
    FIND = concat!(
        "select r.document_id as id, r.extraction as extraction, r.timings as timings, r.attempt as attempt,
            r.usage as usage
        from documents d join results r on r.document_id = d.id and r.attempt = d.result_attempt ",
        within!("d"),
        "and (d.id = $3 or d.upload_id = $3)"
    );
    UPSERT = "insert into results (document_id, attempt, extraction, timings, created_at, usage)
        values ($1, $2, $3, $4, $5, $6)
        on conflict (document_id, attempt) do update
            set extraction = excluded.extraction, timings = excluded.timings, created_at = excluded.created_at,
                usage = excluded.usage";
}

impl Store {
    /// The result of a document of the tenant, by the document's id or its upload's; `None` where there is no such
    /// document, or no result (yet).
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn result(&self, tenant: &Tenant, document_id: &str) -> Result<Option<StoredResult>, Error> {
        self.engine.find(&FIND, arguments![&tenant.organization_id, &tenant.projects, document_id]).await
    }
}

/// Writes the result of an attempt in the caller's transaction, which holds the run.
pub(super) async fn upsert(
    tx: &mut Transaction,
    document_id: &str,
    attempt: u32,
    processed: &Processed,
    now: Timestamp,
) -> Result<(), Error> {
    tx.execute(
        &UPSERT,
        arguments![
            document_id,
            attempt,
            to_json("extraction", &processed.result)?,
            to_json("timings", &processed.timings)?,
            now,
            to_json("usage", &processed.usage)?
        ],
    )
    .await?;
    Ok(())
}

impl FromRow for StoredResult {
    fn from_row(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            extraction: row.json("extraction")?,
            timings: row.json("timings")?,
            attempt: row.number("attempt")?,
            usage: row.optional_json("usage")?,
        })
    }
}
