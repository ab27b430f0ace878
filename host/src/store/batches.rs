//! Batches: made with all their documents at once; their numbers are counted whenever they are read. What is done to
//! a batch is done to each of its documents, in one transaction.

use serde_json::json;

use super::audit::Event;
use super::documents::{containing, template_reference};
use super::statement::{FromRow, Row, arguments, statements, to_optional_json, within};
use super::{Error, Store, Transaction};
use crate::domain::audit::Actor;
use crate::domain::batch::{Batch, BatchChange, BatchDeletion, BatchFilter, BatchStatus, NewBatch};
use crate::domain::document::{NewDocument, NewProcessing};
use crate::domain::event::EventKind;
use crate::domain::listing::{Listing, Page};
use crate::domain::tenant::Tenant;

macro_rules! select {
    () => {
        "select b.id as id, b.organization_id as organization_id, b.project_id as project_id,
            b.user_id as user_id, b.name as name, b.template_id as template_id,
            b.template_version as template_version, v.name as template_name, b.metadata as metadata,
            b.created_at as created_at, count(d.id) as total_files, count(d.result_attempt) as completed_files,
            count(case when d.completed_at is not null and d.result_attempt is null then 1 end) as failed_files,
            count(case when d.status = 'cancelled' then 1 end) as cancelled_files,
            cast(coalesce(sum(case when d.completed_at is not null then 100 else d.progress end), 0) as bigint)
                as progress_sum,
            max(d.completed_at) as completed_at "
    };
}

macro_rules! tables {
    () => {
        concat!(
            "from batches b left join documents d on d.batch_id = b.id
                left join template_versions v on v.template_id = b.template_id and v.version = b.template_version ",
            within!("b")
        )
    };
}

/// The restriction of a list; each filter that is null lets everything through. The status is what
/// [`Batch::status`] says.
macro_rules! filtered {
    () => {
        "and (cast($4 as text) is null or b.template_id = $4)
            and (cast($5 as bigint) is null or b.created_at >= $5)
            and (cast($6 as bigint) is null or b.created_at < $6)
            and (cast($7 as text) is null or b.search_text like $7 escape '\\' or b.id = $8)
        group by b.id, v.name
        having cast($3 as text) is null or $3 = case
            when count(d.completed_at) < count(d.id) then 'processing'
            when count(d.result_attempt) > 0 or count(d.id) = 0 then 'completed'
            when count(case when d.status = 'cancelled' then 1 end) = count(d.id) then 'cancelled'
            else 'failed' end "
    };
}

statements! {
    "batches";
    FIND = concat!(select!(), tables!(), "and b.id = $3 group by b.id, v.name");
    LIST = concat!(select!(), tables!(), filtered!(), "order by b.id desc limit $9 offset $10");
    COUNT = concat!(
        "select count(*) as total from (select b.id as id ",
        tables!(),
        filtered!(),
        ") as found"
    );
    UPLOADS = concat!(
        "select d.upload_id as upload_id from documents d ",
        within!("d"),
        "and d.batch_id = $3
        order by d.id limit $4"
    );
    INSERT = "insert into batches (id, organization_id, project_id, user_id, name, search_text, template_id,
            template_version, metadata, created_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    REQUEST_CANCEL = "update runs set cancel_requested = true, updated_at = $3
        where organization_id = $1 and state in ('waiting', 'running') and cancel_requested = false
            and document_id in (select d.id from documents d where d.organization_id = $1 and d.batch_id = $2)
        returning document_id, state";
    RESTART_RUNS = "update runs set state = 'waiting', attempts_excused = attempt, failures = 0,
            cancel_requested = false, worker = null, failure_code = null, failure_message = null, updated_at = $3
        where organization_id = $1 and state in ('finished', 'dead') and document_id in (
            select d.id from documents d
            where d.organization_id = $1 and d.batch_id = $2 and d.blob_key is not null
        )
        returning document_id";
    LOCK_FINISHED = "update runs set updated_at = $3
        where organization_id = $1 and state in ('finished', 'dead')
            and document_id in (select d.id from documents d where d.organization_id = $1 and d.batch_id = $2)";
    DELETE_DOCUMENTS = "delete from documents where organization_id = $1 and batch_id = $2 returning blob_key";
    DELETE = "delete from batches where organization_id = $1 and id = $2";
}

/// Most upload ids of one batch that are told: far above what one upload may bring.
const UPLOADS_LIMIT: u32 = 10_000;

impl Store {
    /// A batch of the tenant.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn batch(&self, tenant: &Tenant, id: &str) -> Result<Option<Batch>, Error> {
        self.engine.find(&FIND, arguments![&tenant.organization_id, &tenant.projects, id]).await
    }

    /// The tenant's batches that the filter lets through, newest first.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn list_batches(
        &self,
        tenant: &Tenant,
        filter: &BatchFilter,
        page: Page,
    ) -> Result<Listing<Batch>, Error> {
        let mut all = arguments![
            &tenant.organization_id,
            &tenant.projects,
            filter.status.map(BatchStatus::as_str),
            &filter.template_id,
            filter.from,
            filter.before,
            filter.search.as_deref().map(containing),
            &filter.search
        ];
        let total = self.engine.count(&COUNT, all.clone()).await?;
        all.extend(arguments![page.limit, page.offset()]);
        let items = self.engine.list(&LIST, all).await?;
        Ok(Listing { items, total })
    }

    /// The upload ids of a batch of the tenant, in the order of the documents' ids; empty where there is no such batch.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn batch_uploads(&self, tenant: &Tenant, id: &str) -> Result<Vec<String>, Error> {
        let rows = self
            .engine
            .fetch_all(&UPLOADS, arguments![&tenant.organization_id, &tenant.projects, id, UPLOADS_LIMIT])
            .await?;
        rows.iter().map(|row| row.get("upload_id")).collect()
    }

    /// Records a batch with its documents, whose `batch_id` is the batch's; all of them or nothing.
    ///
    /// # Errors
    /// As [`Store::create_document`].
    pub async fn create_batch(
        &self,
        actor: &Actor,
        organization_id: &str,
        project_id: &str,
        new: &NewBatch,
        documents: &[NewDocument],
    ) -> Result<Batch, Error> {
        let mut tx = self.begin().await?;
        tx.execute(
            &INSERT,
            arguments![
                &new.id,
                organization_id,
                project_id,
                &new.user_id,
                &new.name,
                new.name.to_lowercase(),
                new.template.as_ref().map(|template| template.id.as_str()),
                new.template.as_ref().map(|template| template.version),
                to_optional_json("metadata", new.metadata.as_ref())?,
                self.clock.now()
            ],
        )
        .await?;
        // Those that were refused last: they lock the day only, whose turn is after the month's and the account's.
        let (accepted, refused): (Vec<_>, Vec<_>) = documents.iter().partition(|new| new.file.is_ok());
        for document in accepted.into_iter().chain(refused) {
            self.insert_document(&mut tx, organization_id, project_id, document).await?;
        }
        let event = Event {
            organization_id,
            actor,
            action: "batch.uploaded",
            target: &new.id,
            changes: Some(json!({ "name": new.name, "totalFiles": documents.len() })),
        };
        self.audit(&mut tx, event).await?;
        let recorded = read(&mut tx, organization_id, &new.id).await?;
        self.announce_batch(&mut tx, &recorded, EventKind::BatchUploaded).await?;
        for document in documents {
            self.announce_recorded(&mut tx, organization_id, document).await?;
        }
        self.announce_completed_batch(&mut tx, organization_id, &new.id).await?;
        tx.commit().await?;
        self.arrivals.notify_one();
        Ok(recorded)
    }

    /// Cancels the documents of a batch of the tenant that are not finished, or asks the workers that have them to
    /// stop.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn cancel_batch(&self, actor: &Actor, tenant: &Tenant, id: &str) -> Result<BatchChange, Error> {
        let (organization_id, now) = (&tenant.organization_id, self.clock.now());
        let mut tx = self.begin().await?;
        if !self.has_batch(&mut tx, tenant, id).await? {
            return Ok(BatchChange::NotFound);
        }
        let runs = tx.fetch_all(&REQUEST_CANCEL, arguments![organization_id, id, now]).await?;
        if runs.is_empty() {
            return Ok(BatchChange::NothingToDo);
        }
        for run in &runs {
            self.stop_run(&mut tx, organization_id, run, now).await?;
        }
        self.audit_batch(&mut tx, actor, tenant, "batch.cancelled", id).await?;
        tx.commit().await?;
        self.document_changes.notify_one();
        Ok(BatchChange::Made(runs.len() as u64))
    }

    /// Has the finished documents of a batch of the tenant processed again, as far as their files are kept.
    ///
    /// # Errors
    /// As [`Store::reprocess_document`].
    pub async fn reprocess_batch(
        &self,
        actor: &Actor,
        tenant: &Tenant,
        id: &str,
        new: &NewProcessing,
    ) -> Result<BatchChange, Error> {
        let (organization_id, now) = (&tenant.organization_id, self.clock.now());
        let mut tx = self.begin().await?;
        if !self.has_batch(&mut tx, tenant, id).await? {
            return Ok(BatchChange::NotFound);
        }
        let runs = tx.fetch_all(&RESTART_RUNS, arguments![organization_id, id, now]).await?;
        if runs.is_empty() {
            return Ok(BatchChange::NothingToDo);
        }
        for run in &runs {
            let document_id: String = run.get("document_id")?;
            // Deleted after its time while this waited for the runs: the next try does without it.
            if !self.restart(&mut tx, organization_id, &document_id, new, now).await? {
                return Ok(BatchChange::NothingToDo);
            }
        }
        self.audit_batch(&mut tx, actor, tenant, "batch.reprocessed", id).await?;
        tx.commit().await?;
        self.arrivals.notify_one();
        Ok(BatchChange::Made(runs.len() as u64))
    }

    /// Deletes the records of a batch of the tenant and of all its documents, which have to be finished.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn delete_batch(
        &self,
        actor: &Actor,
        tenant: &Tenant,
        id: &str,
    ) -> Result<BatchDeletion, Error> {
        let organization_id = &tenant.organization_id;
        let mut tx = self.begin().await?;
        let bound = arguments![organization_id, id, self.clock.now()];
        let finished = tx.execute(&LOCK_FINISHED, bound).await?;
        let found = tx.find(&FIND, arguments![organization_id, &tenant.projects, id]).await?;
        let Some(batch): Option<Batch> = found else { return Ok(BatchDeletion::NotFound) };
        if finished < batch.total_files {
            return Ok(BatchDeletion::InProgress);
        }
        let deleted = tx.fetch_all(&DELETE_DOCUMENTS, arguments![organization_id, id]).await?;
        let blob_keys: Vec<Option<String>> =
            deleted.iter().map(|row| row.get("blob_key")).collect::<Result<_, _>>()?;
        tx.execute(&DELETE, arguments![organization_id, id]).await?;
        self.audit_batch(&mut tx, actor, tenant, "batch.deleted", id).await?;
        tx.commit().await?;
        Ok(BatchDeletion::Deleted { blob_keys: blob_keys.into_iter().flatten().collect() })
    }

    async fn has_batch(&self, tx: &mut Transaction, tenant: &Tenant, id: &str) -> Result<bool, Error> {
        let row = tx.fetch_optional(&FIND, arguments![&tenant.organization_id, &tenant.projects, id]).await?;
        Ok(row.is_some())
    }

    async fn audit_batch(
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
}

/// The batch that the caller has locked, or has just made.
pub(super) async fn read(tx: &mut Transaction, organization_id: &str, id: &str) -> Result<Batch, Error> {
    tx.read(&FIND, arguments![organization_id, None::<&str>, id]).await
}

impl FromRow for Batch {
    fn from_row(row: &Row) -> Result<Self, Error> {
        let mut batch = Self {
            id: row.get("id")?,
            organization_id: row.get("organization_id")?,
            project_id: row.get("project_id")?,
            user_id: row.get("user_id")?,
            name: row.get("name")?,
            template: template_reference(row)?,
            metadata: row.optional_json("metadata")?,
            total_files: row.number("total_files")?,
            completed_files: row.number("completed_files")?,
            failed_files: row.number("failed_files")?,
            cancelled_files: row.number("cancelled_files")?,
            progress_sum: row.number("progress_sum")?,
            created_at: row.time("created_at")?,
            completed_at: row.optional_time("completed_at")?,
        };
        if batch.completed_files + batch.failed_files < batch.total_files {
            batch.completed_at = None;
        }
        Ok(batch)
    }
}
