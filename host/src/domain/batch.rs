//! Batches: documents uploaded together.

use serde_json::{Map, Value};

use super::document::{DocumentState, DocumentStatus};
use super::template::TemplateReference;
use super::timestamp::Timestamp;

words! {
    /// How far a batch is.
    pub enum BatchStatus {
        /// Some document is not finished.
        Processing => "processing",
        /// Every document is finished and at least one has a result.
        Completed => "completed",
        /// Every document is finished and none has a result, at least one because it failed.
        Failed => "failed",
        /// Every document was cancelled.
        Cancelled => "cancelled",
    }
}

/// A batch. Its numbers are counted from its documents whenever it is read.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// Id.
    pub id: String,
    /// The organization it belongs to.
    pub organization_id: String,
    /// The project it belongs to.
    pub project_id: String,
    /// The user who uploaded it.
    pub user_id: Option<String>,
    /// Name for people.
    pub name: String,
    /// The template its documents are read with.
    pub template: Option<TemplateReference>,
    /// What the uploader wants kept with it.
    pub metadata: Option<Map<String, Value>>,
    /// How many documents it has.
    pub total_files: u64,
    /// How many of them have a result.
    pub completed_files: u64,
    /// How many of them failed or were cancelled.
    pub failed_files: u64,
    /// How many of them were cancelled.
    pub cancelled_files: u64,
    /// The sum of its documents' progress in per cent; a finished one counts 100.
    pub progress_sum: u64,
    /// When it was uploaded.
    pub created_at: Timestamp,
    /// When its last document was finished, once all are.
    pub completed_at: Option<Timestamp>,
}

impl Batch {
    /// How far it is.
    pub fn status(&self) -> BatchStatus {
        self.numbers().status()
    }

    /// The mean of its documents' progress, from 0 to 100; 100 only when all are finished.
    pub fn progress(&self) -> u8 {
        self.numbers().progress()
    }

    fn numbers(&self) -> BatchNumbers {
        BatchNumbers {
            total_files: self.total_files,
            completed_files: self.completed_files,
            failed_files: self.failed_files,
            cancelled_files: self.cancelled_files,
            progress_sum: self.progress_sum,
        }
    }
}

/// The numbers of a batch, from which follows how far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BatchNumbers {
    /// How many documents it has.
    pub total_files: u64,
    /// How many of them have a result.
    pub completed_files: u64,
    /// How many of them failed or were cancelled.
    pub failed_files: u64,
    /// How many of them were cancelled.
    pub cancelled_files: u64,
    /// The sum of its documents' progress in per cent; a finished one counts 100.
    pub progress_sum: u64,
}

impl BatchNumbers {
    /// Counts documents.
    pub fn count(documents: &[DocumentState]) -> Self {
        let mut numbers = Self::default();
        for document in documents {
            numbers.total_files += 1;
            numbers.progress_sum += match document.status.is_final() {
                true => 100,
                false => u64::from(document.progress),
            };
            match document.status {
                DocumentStatus::Completed | DocumentStatus::RetentionExpired => numbers.completed_files += 1,
                DocumentStatus::Failed => numbers.failed_files += 1,
                DocumentStatus::Cancelled => {
                    numbers.failed_files += 1;
                    numbers.cancelled_files += 1;
                }
                DocumentStatus::Pending | DocumentStatus::Queued | DocumentStatus::InProgress => {}
            }
        }
        numbers
    }

    /// See [`Batch::status`].
    pub fn status(self) -> BatchStatus {
        if self.completed_files + self.failed_files < self.total_files {
            BatchStatus::Processing
        } else if self.completed_files > 0 || self.total_files == 0 {
            BatchStatus::Completed
        } else if self.cancelled_files == self.total_files {
            BatchStatus::Cancelled
        } else {
            BatchStatus::Failed
        }
    }

    /// See [`Batch::progress`].
    pub fn progress(self) -> u8 {
        let percent = self.progress_sum.checked_div(self.total_files).unwrap_or(100);
        u8::try_from(percent.min(100)).unwrap_or(100)
    }
}

/// Which batches a list shows; what is `None` does not restrict it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BatchFilter {
    /// Only this status.
    pub status: Option<BatchStatus>,
    /// Only batches of this template, at any version.
    pub template_id: Option<String>,
    /// Uploaded at this time or later.
    pub from: Option<Timestamp>,
    /// Uploaded before this time.
    pub before: Option<Timestamp>,
    /// Only batches whose name contains this text, without regard to case, or the one with this id.
    pub search: Option<String>,
}

/// What became of the wish to cancel a batch, or to process it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchChange {
    /// It happened to this many of its documents, at least one.
    Made(u64),
    /// None of its documents is in a state for it.
    NothingToDo,
    /// There is no such batch.
    NotFound,
}

/// What became of the wish to delete a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BatchDeletion {
    /// Its records are gone; the files under these keys are the caller's to delete.
    Deleted {
        /// Keys in the blob store.
        blob_keys: Vec<String>,
    },
    /// Some of its documents are not finished: cancel it first.
    InProgress,
    /// There is no such batch.
    NotFound,
}

/// What a new batch is made of. Its project and documents are named beside it.
#[derive(Debug, Clone, PartialEq)]
pub struct NewBatch {
    /// Id, made before the files were stored.
    pub id: String,
    /// The user who uploads it.
    pub user_id: Option<String>,
    /// Name for people.
    pub name: String,
    /// The template its documents are read with.
    pub template: Option<TemplateReference>,
    /// What the uploader wants kept with it.
    pub metadata: Option<Map<String, Value>>,
}
