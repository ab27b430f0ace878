//! Files that have been kept long enough: which they are, and their records without them.
//!
//! The record gives up its file first, then the file is deleted. A process that dies in between leaves a file without a
//! record, which the sweep of such files finds; a record never points to a file that is not there.

use super::audit::Event;
use super::statement::{FromRow, Row, arguments, statements};
use super::{Error, Store};
use crate::domain::audit::Actor;
use crate::domain::timestamp::Timestamp;

statements! {
    "retention";
    /// Of every organization: each has its own project's days.
    EXPIRED = "select d.id as id, d.organization_id as organization_id, d.blob_key as blob_key
        from projects p join documents d on d.organization_id = p.organization_id and d.project_id = p.id
        where p.file_retention_days > 0 and d.blob_key is not null and d.completed_at is not null
            and d.completed_at < $1 - p.file_retention_days * cast(86400000000 as bigint)
            and d.status in ('completed', 'failed', 'cancelled')
        order by d.completed_at, d.id limit $2";
    /// Runs are locked before documents; one that has been started again meanwhile keeps its file.
    LOCK_FINISHED = "update runs set updated_at = $3
        where organization_id = $1 and document_id = $2 and state in ('finished', 'dead')";
    EXPIRE = "update documents set status = 'retention_expired', blob_key = null, updated_at = $3
        where organization_id = $1 and id = $2 and blob_key is not null
            and status in ('completed', 'failed', 'cancelled')";
    HOLDS = "select id from documents where organization_id = $1 and id = $2 and blob_key = $3";
}

/// A document's file that has been kept long enough.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpiredFile {
    /// The organization it belongs to.
    pub organization_id: String,
    /// The document.
    pub document_id: String,
    /// Key in the blob store.
    pub blob_key: String,
}

impl Store {
    /// Up to `limit` files that have been kept for as long as their project says, the oldest first.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn expired_files(&self, now: Timestamp, limit: u32) -> Result<Vec<ExpiredFile>, Error> {
        self.engine.list(&EXPIRED, arguments![now, limit]).await
    }

    /// Takes the file from its record, which becomes `retention_expired` and keeps its result; `false` where the
    /// record has changed meanwhile, and keeps its file. After `true` the file is the caller's to delete.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn expire_file(&self, file: &ExpiredFile) -> Result<bool, Error> {
        let (organization_id, document_id) = (&file.organization_id, &file.document_id);
        let now = self.clock.now();
        let mut tx = self.begin().await?;
        if tx.execute(&LOCK_FINISHED, arguments![organization_id, document_id, now]).await? == 0
            || tx.execute(&EXPIRE, arguments![organization_id, document_id, now]).await? == 0
        {
            return Ok(false);
        }
        let event = Event {
            organization_id,
            actor: &Actor::system(),
            action: "document.file_expired",
            target: document_id,
            changes: None,
        };
        self.audit(&mut tx, event).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Whether a document of the organization has its file under this key.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn holds_file(
        &self,
        organization_id: &str,
        document_id: &str,
        blob_key: &str,
    ) -> Result<bool, Error> {
        let bound = arguments![organization_id, document_id, blob_key];
        Ok(self.engine.fetch_optional(&HOLDS, bound).await?.is_some())
    }
}

impl FromRow for ExpiredFile {
    fn from_row(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            organization_id: row.get("organization_id")?,
            document_id: row.get("id")?,
            blob_key: row.get("blob_key")?,
        })
    }
}
