//! Documents: made together with their run, listed with filters, cancelled, processed again, deleted.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::audit::Event;
use super::queue::Queue;
use super::statement::{Argument, FromRow, Row, arguments, statements, to_optional_json, within};
use super::{Error, Store, Transaction};
use crate::domain::audit::Actor;
use crate::domain::credit::Ending;
use crate::domain::document::{
    Cancellation, Deletion, Document, DocumentFilter, DocumentStatus, ExtractorIdentity, Failure, FileType,
    NewDocument, NewProcessing, PageRange, Reprocessing, StoredFile,
};
use crate::domain::event::EventKind;
use crate::domain::listing::{Listing, Page};
use crate::domain::template::{ExtractorChoice, TemplateReference};
use crate::domain::tenant::Tenant;
use crate::domain::timestamp::Timestamp;
use crate::telemetry::traces;

macro_rules! select {
    () => {
        "select d.id as id, d.organization_id as organization_id, d.project_id as project_id,
            d.user_id as user_id, d.batch_id as batch_id, d.upload_id as upload_id, d.file_name as file_name,
            d.file_type as file_type, d.mime_type as mime_type, d.size_bytes as size_bytes, d.sha256 as sha256,
            d.blob_key as blob_key, d.template_id as template_id, d.template_version as template_version,
            v.name as template_name, d.extractor as extractor, d.page_from as page_from, d.page_to as page_to, d.priority as priority,
            d.status as status, d.progress as progress, d.page_count as page_count, d.plugin as plugin,
            d.plugin_version as plugin_version, d.plugin_digest as plugin_digest, d.confidence as confidence,
            r.failure_code as failure_code, r.failure_message as failure_message, r.attempt as attempt,
            d.metadata as metadata, d.created_at as created_at, d.started_at as started_at,
            d.completed_at as completed_at, d.updated_at as updated_at
        from documents d join runs r on r.document_id = d.id
            left join template_versions v on v.template_id = d.template_id and v.version = d.template_version "
    };
}

/// The restriction of a list to its first nine arguments, see [`restriction`]; each filter that is null lets
/// everything through.
macro_rules! filtered {
    () => {
        concat!(
            $crate::store::statement::within!("d"),
            "and (cast($3 as text) is null or d.status = $3)
                and (cast($4 as text) is null or d.template_id = $4)
                and (cast($5 as text) is null or d.batch_id = $5)
                and (cast($6 as bigint) is null or d.created_at >= $6)
                and (cast($7 as bigint) is null or d.created_at < $7)
                and (cast($8 as text) is null or d.search_text like $8 escape '\\' or d.id = $9 or d.upload_id = $9) "
        )
    };
}
pub(super) use filtered;

statements! {
    "documents";
    FIND = concat!(
        select!(),
        within!("d"),
        "and (d.id = $3 or d.upload_id = $3)"
    );
    /// For those who have the id from the run, or have just made it.
    FIND_BY_ID = concat!(select!(), "where d.organization_id = $1 and d.id = $2");
    LIST = concat!(select!(), filtered!(), "order by d.id desc limit $10 offset $11");
    COUNT = concat!("select count(*) as total from documents d ", filtered!());
    /// Ids are in the order in which the files came.
    LIST_BATCH = concat!(
        select!(),
        within!("d"),
        "and d.batch_id = $3
            and (cast($4 as text) is null or d.id > $4)
        order by d.id limit $5"
    );
    INSERT = "insert into documents (id, organization_id, project_id, user_id, batch_id, upload_id, file_name,
            search_text, file_type, mime_type, size_bytes, sha256, blob_key, template_id, template_version,
            page_from, page_to, priority, status, progress, metadata, created_at, completed_at, updated_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, 0, $20, $21,
            $22, $21)";
    INSERT_RUN = "insert into runs (document_id, organization_id, attempt, attempts_excused, failures, state,
            cancel_requested, failure_code, failure_message, updated_at, trace)
        values ($1, $2, 0, 0, 0, $3, false, $4, $5, $6, $7)";
    WAITING = "select count(*) as total from documents where status = 'pending'";
    /// Runs are always locked before documents, here and in whatever a worker does.
    REQUEST_CANCEL = concat!(
        "update runs set cancel_requested = true, updated_at = $4
        where state in ('waiting', 'running') and document_id in (
            select d.id from documents d ",
        within!("d"),
        "and (d.id = $3 or d.upload_id = $3)
        )
        returning document_id, state"
    );
    FINISH_RUN = "update runs set state = 'finished', updated_at = $3
        where organization_id = $1 and document_id = $2";
    CANCEL = "update documents set status = 'cancelled', completed_at = $3, updated_at = $3
        where organization_id = $1 and id = $2";
    /// The count of attempts goes on: it is the fencing token.
    RESTART_RUN = concat!(
        "update runs set state = 'waiting', attempts_excused = attempt, failures = 0,
            cancel_requested = false, worker = null, failure_code = null, failure_message = null, updated_at = $4
        where state in ('finished', 'dead') and document_id in (
            select d.id from documents d ",
        within!("d"),
        "and (d.id = $3 or d.upload_id = $3) and d.blob_key is not null
        )
        returning document_id"
    );
    RESTART = "update documents set status = 'pending', progress = 0, page_count = null, plugin = null,
            plugin_version = null, plugin_digest = null, confidence = null, result_attempt = null,
            pages_read = null, started_at = null, completed_at = null, updated_at = $3,
            template_id = coalesce(cast($4 as text), template_id),
            template_version = coalesce(cast($5 as bigint), template_version),
            extractor = case when cast($4 as text) is null and cast($6 as text) is null then extractor
                else cast($6 as text) end
        where organization_id = $1 and id = $2 and blob_key is not null";
    LOCK_FINISHED = concat!(
        "update runs set updated_at = $4
        where state in ('finished', 'dead') and document_id in (
            select d.id from documents d ",
        within!("d"),
        "and (d.id = $3 or d.upload_id = $3)
        )
        returning document_id"
    );
    DELETE = "delete from documents where organization_id = $1 and id = $2 returning blob_key";
}

impl Store {
    /// A document of the tenant, by its id or its upload's.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn document(&self, tenant: &Tenant, id: &str) -> Result<Option<Document>, Error> {
        self.engine.find(&FIND, arguments![&tenant.organization_id, &tenant.projects, id]).await
    }

    /// The tenant's documents that the filter lets through, newest first.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn list_documents(
        &self,
        tenant: &Tenant,
        filter: &DocumentFilter,
        page: Page,
    ) -> Result<Listing<Document>, Error> {
        let mut all = restriction(tenant, filter);
        let total = self.engine.count(&COUNT, all.clone()).await?;
        all.extend(arguments![page.limit, page.offset()]);
        let items = self.engine.list(&LIST, all).await?;
        Ok(Listing { items, total })
    }

    /// At most `limit` documents of a batch of the tenant, in the order of their files, from the one after `after` on.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn list_batch_documents(
        &self,
        tenant: &Tenant,
        batch_id: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Document>, Error> {
        let arguments = arguments![&tenant.organization_id, &tenant.projects, batch_id, after, limit];
        self.engine.list(&LIST_BATCH, arguments).await
    }

    /// How many documents of all tenants wait for their turn.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn waiting_documents(&self) -> Result<u64, Error> {
        self.engine.count(&WAITING, vec![]).await
    }

    /// Records a document whose file is stored, together with its run: from then on it will be processed. One
    /// whose file was refused is recorded as failed.
    ///
    /// # Errors
    /// [`Error::Duplicate`] where there is a document with the same id, [`Error::MissingReference`] where project,
    /// batch or template are not there, [`Error::QuotaExceeded`] or [`Error::CreditsShort`] where the organization may
    /// not have it processed, or whatever else the database answers.
    pub async fn create_document(
        &self,
        actor: &Actor,
        organization_id: &str,
        project_id: &str,
        new: &NewDocument,
    ) -> Result<Document, Error> {
        let mut tx = self.begin().await?;
        self.insert_document(&mut tx, organization_id, project_id, new).await?;
        let event = Event {
            organization_id,
            actor,
            action: "document.uploaded",
            target: &new.id,
            changes: Some(json!({ "fileName": new.file_name, "sizeBytes": new.size_bytes })),
        };
        self.audit(&mut tx, event).await?;
        let recorded = self.announce_recorded(&mut tx, organization_id, new).await?;
        tx.commit().await?;
        self.arrivals.notify_one();
        Ok(recorded)
    }

    /// Cancels a document of the tenant, or asks the worker that has it to stop.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn cancel_document(
        &self,
        actor: &Actor,
        tenant: &Tenant,
        id: &str,
    ) -> Result<Cancellation, Error> {
        let now = self.clock.now();
        let mut tx = self.begin().await?;
        let run = tx
            .fetch_optional(&REQUEST_CANCEL, arguments![&tenant.organization_id, &tenant.projects, id, now])
            .await?;
        let Some(run) = run else {
            return Ok(match self.exists(&mut tx, tenant, id).await? {
                true => Cancellation::TooLate,
                false => Cancellation::NotFound,
            });
        };
        let document_id: String = run.get("document_id")?;
        let outcome = self.stop_run(&mut tx, &tenant.organization_id, &run, now).await?;
        self.audit_document(&mut tx, actor, tenant, "document.cancelled", &document_id).await?;
        tx.commit().await?;
        self.document_changes.notify_one();
        Ok(outcome)
    }

    /// Cancels the document of a run that was asked to stop, unless a worker has it: then that worker will.
    pub(super) async fn stop_run(
        &self,
        tx: &mut Transaction,
        organization_id: &str,
        run: &Row,
        now: Timestamp,
    ) -> Result<Cancellation, Error> {
        if run.get::<String>("state")? == "running" {
            return Ok(Cancellation::Requested);
        }
        let document_id: String = run.get("document_id")?;
        tx.execute(&FINISH_RUN, arguments![organization_id, &document_id, now]).await?;
        tx.execute(&CANCEL, arguments![organization_id, &document_id, now]).await?;
        let document = read(tx, organization_id, &document_id).await?;
        self.meter_end(tx, &document, Ending::Cancelled).await?;
        let kind = EventKind::DocumentCancelled;
        self.announce_finished(tx, organization_id, &document_id, kind, None).await?;
        self.queue.withdraw(tx, &document_id).await?;
        Ok(Cancellation::Cancelled)
    }

    /// Has a finished document of the tenant processed again. Its result is gone from the record at once.
    ///
    /// # Errors
    /// [`Error::MissingReference`] where the template is not there (its project is not checked),
    /// [`Error::QuotaExceeded`] or [`Error::CreditsShort`] where the organization may not have it processed, or whatever
    /// else the database answers.
    pub async fn reprocess_document(
        &self,
        actor: &Actor,
        tenant: &Tenant,
        id: &str,
        new: &NewProcessing,
    ) -> Result<Reprocessing, Error> {
        let now = self.clock.now();
        let mut tx = self.begin().await?;
        let run = tx
            .fetch_optional(&RESTART_RUN, arguments![&tenant.organization_id, &tenant.projects, id, now])
            .await?;
        let Some(run) = run else {
            let found: Option<Document> =
                tx.find(&FIND, arguments![&tenant.organization_id, &tenant.projects, id]).await?;
            return Ok(match found {
                None => Reprocessing::NotFound,
                Some(document) if document.file.is_none() => Reprocessing::FileGone,
                Some(_) => Reprocessing::NotFinished,
            });
        };
        let document_id: String = run.get("document_id")?;
        // Its file may have been deleted after its time while this waited for the run.
        if !self.restart(&mut tx, &tenant.organization_id, &document_id, new, now).await? {
            return Ok(Reprocessing::FileGone);
        }
        self.audit_document(&mut tx, actor, tenant, "document.reprocessed", &document_id).await?;
        tx.commit().await?;
        self.arrivals.notify_one();
        Ok(Reprocessing::Accepted)
    }

    /// Puts a document whose run waits again back to its beginning; `false` where its file is gone.
    pub(super) async fn restart(
        &self,
        tx: &mut Transaction,
        organization_id: &str,
        document_id: &str,
        new: &NewProcessing,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let template = new.template.as_ref();
        let extractor = new.extractor.as_ref().map(StoredChoice::from);
        let restarted = tx.execute(
            &RESTART,
            arguments![
                organization_id,
                document_id,
                now,
                template.map(|template| template.id.as_str()),
                template.map(|template| template.version),
                to_optional_json("extractor", extractor.as_ref())?
            ],
        );
        if restarted.await? == 0 {
            return Ok(false);
        }
        // Left over where a worker finished the run after it had lost the lease.
        self.queue.withdraw(tx, document_id).await?;
        let document = read(tx, organization_id, document_id).await?;
        self.meter_reprocessing(tx, &document).await?;
        Ok(true)
    }

    /// Deletes the record of a finished document of the tenant, with its results.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn delete_document(&self, actor: &Actor, tenant: &Tenant, id: &str) -> Result<Deletion, Error> {
        let mut tx = self.begin().await?;
        let finished = tx
            .fetch_optional(
                &LOCK_FINISHED,
                arguments![&tenant.organization_id, &tenant.projects, id, self.clock.now()],
            )
            .await?;
        let Some(run) = finished else {
            return Ok(match self.exists(&mut tx, tenant, id).await? {
                true => Deletion::InProgress,
                false => Deletion::NotFound,
            });
        };
        let document_id: String = run.get("document_id")?;
        let deleted = tx.fetch_optional(&DELETE, arguments![&tenant.organization_id, &document_id]).await?;
        let blob_key = deleted.map_or(Ok(None), |row| row.get("blob_key"))?;
        self.audit_document(&mut tx, actor, tenant, "document.deleted", &document_id).await?;
        tx.commit().await?;
        Ok(Deletion::Deleted { blob_key })
    }

    async fn exists(&self, tx: &mut Transaction, tenant: &Tenant, id: &str) -> Result<bool, Error> {
        let row = tx.fetch_optional(&FIND, arguments![&tenant.organization_id, &tenant.projects, id]).await?;
        Ok(row.is_some())
    }

    async fn audit_document(
        &self,
        tx: &mut Transaction,
        actor: &Actor,
        tenant: &Tenant,
        action: &'static str,
        id: &str,
    ) -> Result<(), Error> {
        let organization_id = &tenant.organization_id;
        self.audit(tx, Event { organization_id, actor, action, target: id, changes: None }).await
    }

    /// Writes a document and its run in the caller's transaction.
    pub(super) async fn insert_document(
        &self,
        tx: &mut Transaction,
        organization_id: &str,
        project_id: &str,
        new: &NewDocument,
    ) -> Result<(), Error> {
        let now = self.clock.now();
        let file = new.file.as_ref().ok();
        let failure = new.file.as_ref().err();
        let (status, state, completed_at) = match failure {
            None => (DocumentStatus::Pending, "waiting", None),
            Some(_) => (DocumentStatus::Failed, "dead", Some(now)),
        };
        tx.execute(
            &INSERT,
            arguments![
                &new.id,
                organization_id,
                project_id,
                &new.user_id,
                &new.batch_id,
                &new.upload_id,
                &new.file_name,
                search_text(&new.file_name, new.metadata.as_ref()),
                new.file_type.as_str(),
                &new.mime_type,
                new.size_bytes,
                file.map(|file| file.sha256.as_str()),
                file.map(|file| file.blob_key.as_str()),
                new.template.as_ref().map(|template| template.id.as_str()),
                new.template.as_ref().map(|template| template.version),
                new.page_range.map(|range| range.from),
                new.page_range.map(|range| range.to),
                new.priority,
                status.as_str(),
                to_optional_json("metadata", new.metadata.as_ref())?,
                now,
                completed_at
            ],
        )
        .await?;
        tx.execute(
            &INSERT_RUN,
            arguments![
                &new.id,
                organization_id,
                state,
                failure.map(|failure| failure.code.as_str()),
                failure.map(|failure| failure.message.as_str()),
                now,
                traces::current()
            ],
        )
        .await?;
        self.meter_upload(tx, organization_id, project_id, new).await
    }
}

/// The document whose run the caller holds.
pub(super) async fn read(tx: &mut Transaction, organization_id: &str, id: &str) -> Result<Document, Error> {
    tx.read(&FIND_BY_ID, arguments![organization_id, id]).await
}

/// What a document is found by: its file's name and the values of its metadata, in lower case, one a line.
fn search_text(file_name: &str, metadata: Option<&Map<String, Value>>) -> String {
    let mut text = file_name.to_lowercase();
    for value in metadata.into_iter().flat_map(Map::values) {
        add_values(&mut text, value);
    }
    text
}

fn add_values(text: &mut String, value: &Value) {
    match value {
        Value::Null => {}
        Value::Array(items) => items.iter().for_each(|item| add_values(text, item)),
        Value::Object(members) => members.values().for_each(|member| add_values(text, member)),
        Value::String(value) => {
            text.push('\n');
            text.push_str(&value.to_lowercase());
        }
        Value::Bool(_) | Value::Number(_) => {
            // Writing to a text cannot fail.
            let _ = write!(text, "\n{value}");
        }
    }
}

/// The first nine arguments of a filtered list.
pub(super) fn restriction(tenant: &Tenant, filter: &DocumentFilter) -> Vec<Argument> {
    arguments![
        &tenant.organization_id,
        &tenant.projects,
        filter.status.map(DocumentStatus::as_str),
        &filter.template_id,
        &filter.batch_id,
        filter.from,
        filter.before,
        filter.search.as_deref().map(containing),
        &filter.search
    ]
}

/// An extractor as the JSON of a column.
#[derive(Serialize, Deserialize)]
struct StoredChoice {
    plugin: String,
    version: Option<String>,
    config: Option<Map<String, Value>>,
}

impl From<&ExtractorChoice> for StoredChoice {
    fn from(choice: &ExtractorChoice) -> Self {
        Self { plugin: choice.plugin.clone(), version: choice.version.clone(), config: choice.config.clone() }
    }
}

impl From<StoredChoice> for ExtractorChoice {
    fn from(stored: StoredChoice) -> Self {
        Self { plugin: stored.plugin, version: stored.version, config: stored.config }
    }
}

/// The pattern for texts that contain `text`, without regard to case.
pub(super) fn containing(text: &str) -> String {
    format!("%{}%", escaped(&text.to_lowercase()))
}

/// A text as a pattern that only the text itself matches.
pub(super) fn escaped(text: &str) -> String {
    text.chars()
        .flat_map(|character| {
            let escape = matches!(character, '%' | '_' | '\\').then_some('\\');
            escape.into_iter().chain([character])
        })
        .collect()
}

/// The template a row refers to by id, version and name.
pub(super) fn template_reference(row: &Row) -> Result<Option<TemplateReference>, Error> {
    match row.get("template_id")? {
        None => Ok(None),
        Some(id) => Ok(Some(TemplateReference {
            id,
            version: row.number("template_version")?,
            name: row.get("template_name")?,
        })),
    }
}

impl FromRow for Document {
    fn from_row(row: &Row) -> Result<Self, Error> {
        let file = match (row.get("blob_key")?, row.get("sha256")?) {
            (Some(blob_key), Some(sha256)) => Some(StoredFile { blob_key, sha256 }),
            _ => None,
        };
        let page_range = match (row.optional_number("page_from")?, row.optional_number("page_to")?) {
            (Some(from), Some(to)) => Some(PageRange { from, to }),
            _ => None,
        };
        let extractor = match row.get("plugin")? {
            None => None,
            Some(plugin) => Some(ExtractorIdentity {
                plugin,
                version: row.get("plugin_version")?,
                digest: row.get("plugin_digest")?,
            }),
        };
        let error = match row.get("failure_code")? {
            None => None,
            Some(code) => Some(Failure { code, message: row.get("failure_message")? }),
        };
        Ok(Self {
            id: row.get("id")?,
            organization_id: row.get("organization_id")?,
            project_id: row.get("project_id")?,
            user_id: row.get("user_id")?,
            batch_id: row.get("batch_id")?,
            upload_id: row.get("upload_id")?,
            file_name: row.get("file_name")?,
            file_type: row.word("file_type", FileType::parse)?,
            mime_type: row.get("mime_type")?,
            size_bytes: row.number("size_bytes")?,
            file,
            template: template_reference(row)?,
            chosen_extractor: row.optional_json::<StoredChoice>("extractor")?.map(ExtractorChoice::from),
            page_range,
            priority: row.number("priority")?,
            status: row.word("status", DocumentStatus::parse)?,
            progress: row.number("progress")?,
            page_count: row.optional_number("page_count")?,
            extractor,
            confidence: row.get("confidence")?,
            error,
            attempts: row.number("attempt")?,
            metadata: row.optional_json("metadata")?,
            created_at: row.time("created_at")?,
            started_at: row.optional_time("started_at")?,
            completed_at: row.optional_time("completed_at")?,
            updated_at: row.time("updated_at")?,
        })
    }
}
