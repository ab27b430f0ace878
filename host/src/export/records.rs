//! The records of an export, read one after the other.

use std::collections::VecDeque;

use bytes::Bytes;

use super::{Entry, Error};
use crate::blobs::{self, BlobKey, Blobs};
use crate::domain::batch::Batch;
use crate::domain::document::{Document, DocumentStatus};
use crate::domain::tenant::Tenant;
use crate::store::Store;

/// Records of a batch that are listed at a time; their results are read singly.
const PAGE: u32 = 100;

/// Which records an export has.
#[derive(Debug, Clone)]
pub enum Selection {
    /// One.
    Document {
        /// Whose it is.
        tenant: Tenant,
        /// The document.
        document: Box<Document>,
    },
    /// All of a batch, in the order of its files.
    Batch {
        /// Whose it is.
        tenant: Tenant,
        /// The batch.
        batch: Box<Batch>,
    },
}

impl Selection {
    /// What to call the whole.
    pub fn title(&self) -> &str {
        match self {
            Self::Document { document, .. } => &document.file_name,
            Self::Batch { batch, .. } => &batch.name,
        }
    }
}

/// What becomes of the documents' files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Files {
    /// They are not needed.
    Ignored,
    /// They come with the records.
    Read {
        /// The largest.
        max_bytes: u64,
    },
}

/// Reads records.
pub(super) struct Records {
    store: Store,
    blobs: Blobs,
    files: Files,
    tenant: Tenant,
    /// Records that are listed and not yet read.
    listed: VecDeque<Document>,
    /// The batch with further records, and the last one that is listed.
    rest: Option<(String, Option<String>)>,
}

impl Records {
    /// Makes a reader that stands before the first record.
    pub(super) fn new(store: Store, blobs: Blobs, selection: Selection, files: Files) -> Self {
        let (tenant, listed, rest) = match selection {
            Selection::Document { tenant, document } => (tenant, VecDeque::from([*document]), None),
            Selection::Batch { tenant, batch } => (tenant, VecDeque::new(), Some((batch.id, None))),
        };
        Self { store, blobs, files, tenant, listed, rest }
    }

    /// The next record with its result, where it has one.
    pub(super) async fn next(&mut self) -> Result<Option<Entry>, Error> {
        if self.listed.is_empty()
            && let Some((batch_id, after)) = self.rest.take()
        {
            let page =
                self.store.list_batch_documents(&self.tenant, &batch_id, after.as_deref(), PAGE).await?;
            if let Some(last) = page.last() {
                self.rest = Some((batch_id, Some(last.id.clone())));
            }
            self.listed.extend(page);
        }
        let Some(document) = self.listed.pop_front() else { return Ok(None) };
        let extraction = match document.status {
            DocumentStatus::Completed | DocumentStatus::RetentionExpired => {
                let stored = self.store.result(&self.tenant, &document.id).await?;
                stored.map(|stored| stored.extraction)
            }
            DocumentStatus::Pending
            | DocumentStatus::Queued
            | DocumentStatus::InProgress
            | DocumentStatus::Failed
            | DocumentStatus::Cancelled => None,
        };
        let file = match self.files {
            Files::Ignored => None,
            Files::Read { max_bytes } => self.file(&document, max_bytes).await?,
        };
        Ok(Some(Entry { document, extraction, file }))
    }

    async fn file(&self, document: &Document, max_bytes: u64) -> Result<Option<Bytes>, Error> {
        let Some(file) = &document.file else { return Ok(None) };
        match self.blobs.read_all(&BlobKey::stored(&file.blob_key)?, max_bytes).await {
            Err(blobs::Error::NotFound(_)) => Ok(None),
            read => Ok(Some(read?)),
        }
    }
}
