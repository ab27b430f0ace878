//! Batches: documents uploaded together.

use serde_json::{Map, Value};

use super::template::TemplateReference;
use super::timestamp::Timestamp;

words! {
    /// How far a batch is.
    pub enum BatchStatus {
        /// Some document is not finished.
        Processing => "processing",
        /// Every document is finished and at least one has a result.
        Completed => "completed",
        /// Every document is finished and none has a result.
        Failed => "failed",
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
    /// When it was uploaded.
    pub created_at: Timestamp,
    /// When its last document was finished, once all are.
    pub completed_at: Option<Timestamp>,
}

impl Batch {
    /// How far it is.
    pub fn status(&self) -> BatchStatus {
        if self.completed_files + self.failed_files < self.total_files {
            BatchStatus::Processing
        } else if self.completed_files > 0 || self.total_files == 0 {
            BatchStatus::Completed
        } else {
            BatchStatus::Failed
        }
    }

    /// Per cent of its documents that are finished, from 0 to 100.
    pub fn progress(&self) -> u8 {
        let finished = self.completed_files + self.failed_files;
        match self.total_files {
            0 => 100,
            total => u8::try_from(finished.min(total) * 100 / total).unwrap_or(100),
        }
    }
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
