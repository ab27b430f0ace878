//! What happened: the events that streams show and webhooks deliver, and what each of them carries.

use serde_json::{Value, json};

use super::batch::Batch;
use super::document::Document;
use super::extraction::Extraction;
use super::plugin::{Plugin, PluginVersion};
use super::template::Template;
use super::timestamp::Timestamp;

words! {
    /// What can happen.
    pub enum EventKind {
        /// A document was recorded and waits for its turn. Carries the record.
        DocumentUploaded => "document.uploaded",
        /// A document has its result. Carries the record with the result.
        DocumentProcessed => "document.processed",
        /// A document was given up, or its file was refused. Carries the record with the error.
        DocumentFailed => "document.failed",
        /// A document was stopped by request. Carries the record.
        DocumentCancelled => "document.cancelled",
        /// A batch was recorded. Carries the batch.
        BatchUploaded => "batch.uploaded",
        /// The last document of a batch is finished. Carries the batch.
        BatchCompleted => "batch.completed",
        /// A template was made. Carries the template.
        TemplateCreated => "template.created",
        /// A template was changed. Carries the template as it is now.
        TemplateUpdated => "template.updated",
        /// A template was deleted. Carries the template as it was.
        TemplateDeleted => "template.deleted",
        /// A version of a plugin was uploaded. Carries the version.
        PluginUploaded => "plugin.uploaded",
        /// A version of a plugin runs from now on, for everybody or as the canary for some. Carries the version.
        PluginActivated => "plugin.activated",
        /// A version of a plugin was taken back because its calls failed. Carries the version with the reason.
        PluginFailed => "plugin.failed",
        /// A version of a plugin was put aside, where no other takes its place. Carries the version.
        PluginRetired => "plugin.retired",
        /// A version of a plugin was deleted. Carries the version as it was.
        PluginDeleted => "plugin.deleted",
        /// Somebody tries out a webhook: goes to that one only.
        WebhookTest => "webhook.test",
    }
}

impl EventKind {
    /// Whether a webhook can ask for it.
    pub fn can_be_subscribed(self) -> bool {
        self != Self::WebhookTest
    }
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Id.
    pub id: String,
    /// The id that receivers see: `evt_{unixMs}_{random6}`.
    pub public_id: String,
    /// The organization it happened in.
    pub organization_id: String,
    /// The project it happened in; `None` for what belongs to no project.
    pub project_id: Option<String>,
    /// What happened.
    pub kind: EventKind,
    /// The document it happened to.
    pub document_id: Option<String>,
    /// Its number among the events of the document, from 1 without gaps.
    pub document_sequence: Option<u64>,
    /// The batch it happened to, or that the document belongs to.
    pub batch_id: Option<String>,
    /// Its number among the events of the batch, those of its documents included, from 1 without gaps.
    pub batch_sequence: Option<u64>,
    /// What it carries: a JSON object.
    pub payload: Value,
    /// W3C trace context of what made it happen.
    pub trace: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// Largest result that an event carries, in bytes of JSON. A larger one is fetched from the record.
const MAX_RESULT_BYTES: usize = 256 * 1024;

/// What events of a document carry: its record as the API shows it, with the result where there is one, but without
/// the result's `pages`. A result that is still larger than 256 KiB is left out, and `resultOmitted` is true.
///
/// `fileUrl` is missing: it depends on where the server is reached.
pub fn document_payload(document: &Document, result: Option<&Extraction>) -> Value {
    let result = result.map(|result| {
        json!({
            "fields": result.fields,
            "data": result.data,
            "tables": result.tables,
            "text": result.text,
            "warnings": result.warnings,
        })
    });
    let is_omitted = result.as_ref().is_some_and(|result| result.to_string().len() > MAX_RESULT_BYTES);
    let processing_time = document.started_at.zip(document.completed_at).map(|(from, to)| from.until(to));
    json!({
        "id": document.id,
        "uploadId": document.upload_id,
        "projectId": document.project_id,
        "organizationId": document.organization_id,
        "userId": document.user_id,
        "batchId": document.batch_id,
        "fileName": document.file_name,
        "filePath": document.file.as_ref().map(|file| &file.blob_key),
        "fileSize": document.size_bytes.to_string(),
        "mimeType": document.mime_type,
        "pageCount": document.page_count,
        "status": document.status.as_str(),
        "priority": document.priority,
        "progress": document.progress,
        "templateId": document.template.as_ref().map(|template| &template.id),
        "templateName": document.template.as_ref().map(|template| &template.name),
        "extractor": document.extractor.as_ref().map(|extractor| json!({
            "plugin": extractor.plugin,
            "version": extractor.version,
            "digest": extractor.digest,
        })),
        "result": result.filter(|_| !is_omitted),
        "resultOmitted": is_omitted,
        "confidence": document.confidence,
        "error": document.error.as_ref().map(|error| json!({ "code": error.code, "message": error.message })),
        "attempts": document.attempts,
        "metadata": document.metadata,
        "createdAt": document.created_at.to_iso(),
        "startedAt": document.started_at.map(Timestamp::to_iso),
        "completedAt": document.completed_at.map(Timestamp::to_iso),
        "processingTimeMs": processing_time.map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX)),
    })
}

/// What events of a batch carry: the batch as the API shows it, but for `uploadIds`.
pub fn batch_payload(batch: &Batch) -> Value {
    json!({
        "id": batch.id,
        "name": batch.name,
        "projectId": batch.project_id,
        "organizationId": batch.organization_id,
        "userId": batch.user_id,
        "templateId": batch.template.as_ref().map(|template| &template.id),
        "templateName": batch.template.as_ref().map(|template| &template.name),
        "totalFiles": batch.total_files,
        "completedFiles": batch.completed_files,
        "failedFiles": batch.failed_files,
        "status": batch.status().as_str(),
        "progress": batch.progress(),
        "metadata": batch.metadata,
        "createdAt": batch.created_at.to_iso(),
        "completedAt": batch.completed_at.map(Timestamp::to_iso),
    })
}

/// What events of a template carry: the template as the API shows it.
pub fn template_payload(template: &Template) -> Value {
    let content = &template.content;
    json!({
        "templateId": template.id,
        "id": template.id,
        "name": content.name,
        "description": content.description,
        "templateSchema": content.template_schema,
        "instructions": content.instructions,
        "projectId": template.project_id,
        "isActive": template.is_active,
        "resultFormat": content.result_format.as_str(),
        "extractionMode": content.extraction_mode.as_str(),
        "extractor": content.extractor.as_ref().map(|choice| json!({
            "plugin": choice.plugin,
            "version": choice.version,
            "config": choice.config,
        })),
        "ocrMode": content.ocr_mode.map(super::page::OcrMode::as_str),
        "createdAt": template.created_at.to_iso(),
        "updatedAt": template.updated_at.to_iso(),
    })
}

/// What events of a plugin carry: the version, the version it takes the place of, and the documents it gets where it is
/// a canary.
pub fn plugin_payload(plugin: &Plugin, version: &PluginVersion, previous: Option<&PluginVersion>) -> Value {
    let canary = plugin.canary.as_ref().filter(|canary| canary.version_id == version.id);
    json!({
        "name": plugin.name,
        "version": version.version,
        "digest": version.digest,
        "state": version.state.as_str(),
        "reason": version.reason,
        "organizationId": plugin.organization_id,
        "previousVersion": previous.map(|previous| &previous.version),
        "canary": canary.map(|canary| &canary.terms.share),
        "createdAt": version.created_at.to_iso(),
        "activatedAt": version.activated_at.map(Timestamp::to_iso),
    })
}
