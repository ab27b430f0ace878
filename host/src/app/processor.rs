//! What a worker does with a document: fetch its file, run the pipeline, hand back the result.

use std::sync::Arc;

use async_trait::async_trait;
use indexmap::IndexMap;
use tracing::Instrument as _;

use crate::blobs::{self, BlobKey, Blobs};
use crate::config::Config;
use crate::domain::document::Processed;
use crate::domain::plugin::Audience;
use crate::pipeline::{self, Outcome, Pipeline, Task};
use crate::references::{self, References};
use crate::worker::{Job, ProcessError, Processor, ProgressSink};

/// Runs documents through the pipeline.
pub(super) struct PipelineProcessor {
    blobs: Blobs,
    pipeline: Arc<Pipeline>,
    references: Arc<References>,
    max_file_bytes: u64,
}

impl PipelineProcessor {
    /// Makes one that reads files from `blobs`.
    pub(super) fn new(
        config: &Config,
        blobs: Blobs,
        pipeline: Arc<Pipeline>,
        references: Arc<References>,
    ) -> Self {
        Self { blobs, pipeline, references, max_file_bytes: config.upload.max_file_mib << 20 }
    }
}

#[async_trait]
impl Processor for PipelineProcessor {
    async fn process(&self, job: Job, progress: ProgressSink) -> Result<Processed, ProcessError> {
        let Some(file) = &job.document.file else {
            return Err(ProcessError::permanent("document.file_gone", "the document's file was deleted"));
        };
        let key = BlobKey::stored(&file.blob_key).map_err(|error| fetch_error(&error))?;
        let fetching =
            self.blobs.read_all(&key, self.max_file_bytes).instrument(tracing::info_span!("fetch"));
        let content = fetching.await.map_err(|error| fetch_error(&error))?;
        let references = match &job.template {
            None => Vec::new(),
            Some(template) => {
                let links = &template.content.references;
                let loaded = self.references.load(&template.organization_id, links).await;
                loaded.map_err(|error| reference_error(&error))?
            }
        };
        let task = Task {
            content,
            file_name: job.document.file_name,
            template: job.template.map(|template| template.content),
            references,
            extractor: job.document.chosen_extractor,
            audience: Audience {
                organization_id: Some(job.document.organization_id),
                project_id: Some(job.document.project_id),
                document_id: Some(job.document.id),
            },
            mode: None,
            range: job.document.page_range,
            password: None,
        };
        let run = self.pipeline.run(task, move |read| progress.pages(read.pages_read, read.page_count)).await;
        run.map(processed).map_err(|error| process_error(&error))
    }
}

fn processed(outcome: Outcome) -> Processed {
    let milliseconds = |step: std::time::Duration| u64::try_from(step.as_millis()).unwrap_or(u64::MAX);
    let timings = IndexMap::from([
        ("decode".to_owned(), milliseconds(outcome.timings.decode)),
        ("ocr".to_owned(), milliseconds(outcome.timings.ocr)),
        ("extractor".to_owned(), milliseconds(outcome.timings.extractor)),
    ]);
    Processed {
        result: outcome.extraction,
        page_count: outcome.page_count,
        extractor: outcome.extractor,
        failed_canary: outcome.failed_canary,
        confidence: outcome.confidence,
        timings,
        usage: outcome.usage.metering(),
    }
}

/// The public words for a file that cannot be fetched: where it lies is nobody's business.
fn fetch_error(error: &blobs::Error) -> ProcessError {
    tracing::warn!(%error, "file of a document cannot be fetched");
    ProcessError {
        code: "document.file_unreadable".to_owned(),
        message: "the document's file cannot be fetched from storage".to_owned(),
        transient: error.is_transient(),
        calls: Vec::new(),
    }
}

fn reference_error(error: &references::Error) -> ProcessError {
    tracing::warn!(error = error as &dyn std::error::Error, "reference file of a template cannot be read");
    ProcessError {
        code: "template.reference_unreadable".to_owned(),
        message: error.to_string(),
        transient: error.is_transient(),
        calls: Vec::new(),
    }
}

fn process_error(error: &pipeline::Error) -> ProcessError {
    ProcessError {
        code: error.code().to_owned(),
        message: error.to_string(),
        transient: error.is_transient(),
        calls: error.calls().to_vec(),
    }
}
