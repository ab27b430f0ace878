//! Documents and their way through processing: the contract's processing record.

use indexmap::IndexMap;
use serde_json::{Map, Value};

use super::extraction::Extraction;
use super::metering::Metering;
use super::plugin::ExtractorCall;
use super::template::{ExtractorChoice, TemplateReference};
use super::timestamp::Timestamp;

words! {
    /// Where a document is on its way: `pending → queued → in_progress → completed | failed | cancelled`, later
    /// `retention_expired`. A retry goes back to `queued`, a reprocessing to `pending`.
    pub enum DocumentStatus {
        /// Waits for its organization's turn.
        Pending => "pending",
        /// Given to the queue.
        Queued => "queued",
        /// A worker has it.
        InProgress => "in_progress",
        /// Has a result.
        Completed => "completed",
        /// Has an error.
        Failed => "failed",
        /// Stopped by request.
        Cancelled => "cancelled",
        /// The file was deleted after its time; the result is still there.
        RetentionExpired => "retention_expired",
    }
}

impl DocumentStatus {
    /// Whether nothing will happen to the document any more without a request.
    pub fn is_final(self) -> bool {
        match self {
            Self::Pending | Self::Queued | Self::InProgress => false,
            Self::Completed | Self::Failed | Self::Cancelled | Self::RetentionExpired => true,
        }
    }
}

words! {
    /// What the uploader calls the file.
    pub enum FileType {
        /// PDF.
        Pdf => "pdf",
        /// A picture.
        Image => "image",
        /// Any other document.
        Document => "document",
    }
}

/// Where a file's bytes are, and what they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFile {
    /// Key in the blob store.
    pub blob_key: String,
    /// SHA-256 of the bytes in hexadecimal.
    pub sha256: String,
}

/// The pages asked for, both ends included, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRange {
    /// First page.
    pub from: u32,
    /// Last page, not before the first.
    pub to: u32,
}

/// Why a document failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// A stable word, such as `pdf_encrypted`.
    pub code: String,
    /// A sentence for people.
    pub message: String,
}

/// The extractor that made a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtractorIdentity {
    /// Name of the plugin.
    pub plugin: String,
    /// Its version.
    pub version: String,
    /// SHA-256 of the component in hexadecimal.
    pub digest: String,
}

/// A document's record. The result itself is kept apart.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// Id.
    pub id: String,
    /// The organization it belongs to.
    pub organization_id: String,
    /// The project it belongs to.
    pub project_id: String,
    /// The user who uploaded it; `None` for an organization's token.
    pub user_id: Option<String>,
    /// The batch it came with.
    pub batch_id: Option<String>,
    /// Id of the upload; also accepted where the document's id is asked for.
    pub upload_id: String,
    /// Name of the file, as the uploader gave it.
    pub file_name: String,
    /// What the uploader calls the file.
    pub file_type: FileType,
    /// Media type, by content.
    pub mime_type: String,
    /// Size of the file.
    pub size_bytes: u64,
    /// The file; `None` where it was refused, or was deleted after its time.
    pub file: Option<StoredFile>,
    /// The template it is read with.
    pub template: Option<TemplateReference>,
    /// The extractor it was last asked to be read with; `None` for the template's.
    pub chosen_extractor: Option<ExtractorChoice>,
    /// The pages asked for; `None` for all.
    pub page_range: Option<PageRange>,
    /// Higher is sooner, within one organization; 0 is usual.
    pub priority: i32,
    /// Where it is on its way.
    pub status: DocumentStatus,
    /// Per cent, from 0 to 100.
    pub progress: u8,
    /// Number of pages, once known.
    pub page_count: Option<u32>,
    /// The extractor that read it, once read.
    pub extractor: Option<ExtractorIdentity>,
    /// From 0 to 1, once read.
    pub confidence: Option<f64>,
    /// Why it failed; of a waiting or running document, why the last attempt failed.
    pub error: Option<Failure>,
    /// How often it was tried.
    pub attempts: u32,
    /// What the uploader wants kept with it.
    pub metadata: Option<Map<String, Value>>,
    /// When it was uploaded.
    pub created_at: Timestamp,
    /// When a worker first took it.
    pub started_at: Option<Timestamp>,
    /// When its status became final.
    pub completed_at: Option<Timestamp>,
    /// When the record last changed.
    pub updated_at: Timestamp,
}

/// What a new document is made of. Its project is named beside it.
#[derive(Debug, Clone, PartialEq)]
pub struct NewDocument {
    /// Id, made before the file was stored under a key with it.
    pub id: String,
    /// Id of the upload; usually the document's id.
    pub upload_id: String,
    /// The user who uploads it.
    pub user_id: Option<String>,
    /// The batch it comes with, or is added to.
    pub batch_id: Option<String>,
    /// Name of the file.
    pub file_name: String,
    /// What the uploader calls the file.
    pub file_type: FileType,
    /// Media type, by content.
    pub mime_type: String,
    /// Size of the file.
    pub size_bytes: u64,
    /// The file, or why it was refused: a refused file of a batch has a record that failed.
    pub file: Result<StoredFile, Failure>,
    /// The template to read it with.
    pub template: Option<TemplateReference>,
    /// The pages asked for; `None` for all.
    pub page_range: Option<PageRange>,
    /// Higher is sooner, within one organization; 0 is usual.
    pub priority: i32,
    /// What the uploader wants kept with it.
    pub metadata: Option<Map<String, Value>>,
}

/// Which documents a list shows; what is `None` does not restrict it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DocumentFilter {
    /// Only this status.
    pub status: Option<DocumentStatus>,
    /// Only this template, at any version.
    pub template_id: Option<String>,
    /// Only this batch.
    pub batch_id: Option<String>,
    /// Uploaded at this time or later.
    pub from: Option<Timestamp>,
    /// Uploaded before this time.
    pub before: Option<Timestamp>,
    /// Only documents whose file name or metadata contains this text, without regard to case, or the one with this
    /// id.
    pub search: Option<String>,
}

/// How many documents there are, by status, and how long they take. Those with a result are the completed ones and
/// those whose file has gone since.
#[derive(Debug, Clone, PartialEq)]
pub struct DocumentStatistics {
    /// Number of documents by status; every status is there.
    pub by_status: Vec<(DocumentStatus, u64)>,
    /// Pages of all documents with a result.
    pub pages: u64,
    /// How long documents with a result took; `None` where there are none.
    pub processing_times: Option<ProcessingTimes>,
    /// Mean confidence of documents with a result, from 0 to 1; `None` where none has one.
    pub mean_confidence: Option<f64>,
}

/// Times from the start of processing to its end, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ProcessingTimes {
    /// The arithmetic mean.
    pub mean_ms: f64,
    /// The time within which half of the documents were done (nearest rank).
    pub median_ms: f64,
    /// The time within which 95 of 100 documents were done (nearest rank).
    pub p95_ms: f64,
}

/// How far a document is: what those are told who wait for it.
#[derive(Debug, Clone, PartialEq)]
pub struct DocumentState {
    /// Id.
    pub id: String,
    /// The batch it belongs to.
    pub batch_id: Option<String>,
    /// Where it is on its way.
    pub status: DocumentStatus,
    /// Per cent, from 0 to 100.
    pub progress: u8,
    /// Pages that the latest attempt has read, once it has begun to.
    pub pages_read: Option<u32>,
    /// Number of pages, once known.
    pub page_count: Option<u32>,
    /// How often it was tried.
    pub attempts: u32,
    /// Why it failed; of a waiting or running document, why the last attempt failed.
    pub error: Option<Failure>,
    /// When any of this last changed.
    pub updated_at: Timestamp,
}

/// How far an attempt is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AttemptProgress {
    /// Per cent, from 0 to 100.
    pub percent: u8,
    /// Pages read so far, once the first one is.
    pub pages_read: Option<u32>,
    /// Number of pages, once known.
    pub page_count: Option<u32>,
}

/// How a document shall be processed again.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NewProcessing {
    /// Another template or version; `None` to keep the one it has.
    pub template: Option<TemplateReference>,
    /// Another extractor than the template's. `None` keeps the one chosen before, if the template is kept too.
    pub extractor: Option<ExtractorChoice>,
}

/// What became of the wish to cancel a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cancellation {
    /// It had not started and is cancelled.
    Cancelled,
    /// It is in progress: its worker was asked to stop.
    Requested,
    /// It was finished already.
    TooLate,
    /// There is no such document.
    NotFound,
}

/// What became of the wish to process a document again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reprocessing {
    /// It waits for its turn again.
    Accepted,
    /// It is not finished yet.
    NotFinished,
    /// Its file is not there any more.
    FileGone,
    /// There is no such document.
    NotFound,
}

/// What became of the wish to delete a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deletion {
    /// The record is gone; the file under this key, if there is one, is the caller's to delete.
    Deleted {
        /// Key in the blob store.
        blob_key: Option<String>,
    },
    /// A worker has it: cancel it first.
    InProgress,
    /// There is no such document.
    NotFound,
}

/// What processing a document yields.
#[derive(Debug, Clone, PartialEq)]
pub struct Processed {
    /// The result.
    pub result: Extraction,
    /// Number of pages of the document, not only of those that were read.
    pub page_count: u32,
    /// The extractor that ran.
    pub extractor: ExtractorIdentity,
    /// The call of a version that was only being tried, and failed before the extractor made the result.
    pub failed_canary: Option<ExtractorCall>,
    /// Confidence of the result as a whole, from 0 to 1; `None` where it has no fields and no words.
    pub confidence: Option<f64>,
    /// Milliseconds by step, in order.
    pub timings: IndexMap<String, u64>,
    /// What the extractor used of what it may use.
    pub usage: Metering,
}

/// A stored result.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredResult {
    /// The result.
    pub extraction: Extraction,
    /// Milliseconds by step, in order.
    pub timings: IndexMap<String, u64>,
    /// The attempt that made it, from 1.
    pub attempt: u32,
    /// What the extractor used of what it may use; `None` for a result that is older than this was kept.
    pub usage: Option<Metering>,
}
