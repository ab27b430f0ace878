//! Batches: made with all their documents at once; their numbers are counted whenever they are read.

use serde_json::json;

use super::audit::Event;
use super::documents::template_reference;
use super::statement::{FromRow, Row, arguments, statements, to_optional_json};
use super::{Error, Store, Transaction};
use crate::domain::audit::Actor;
use crate::domain::batch::{Batch, NewBatch};
use crate::domain::document::NewDocument;
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
            max(d.completed_at) as completed_at
        from batches b left join documents d on d.batch_id = b.id
            left join template_versions v on v.template_id = b.template_id and v.version = b.template_version
        where b.organization_id = $1 and (cast($2 as text) is null or b.project_id = $2) "
    };
}

statements! {
    "batches";
    FIND = concat!(select!(), "and b.id = $3 group by b.id, v.name");
    LIST = concat!(select!(), "group by b.id, v.name order by b.id desc limit $3 offset $4");
    COUNT = "select count(*) as total from batches
        where organization_id = $1 and (cast($2 as text) is null or project_id = $2)";
    UPLOADS = "select d.upload_id as upload_id from documents d
        where d.organization_id = $1 and (cast($2 as text) is null or d.project_id = $2) and d.batch_id = $3
        order by d.id limit $4";
    INSERT = "insert into batches (id, organization_id, project_id, user_id, name, template_id, template_version,
            metadata, created_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
}

/// Most upload ids of one batch that are told: far above what one upload may bring.
const UPLOADS_LIMIT: u32 = 10_000;

impl Store {
    /// A batch of the tenant.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn batch(&self, tenant: &Tenant, id: &str) -> Result<Option<Batch>, Error> {
        self.engine.find(&FIND, arguments![&tenant.organization_id, &tenant.project_id, id]).await
    }

    /// The tenant's batches, newest first.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn list_batches(&self, tenant: &Tenant, page: Page) -> Result<Listing<Batch>, Error> {
        let total =
            self.engine.count(&COUNT, arguments![&tenant.organization_id, &tenant.project_id]).await?;
        let items = self
            .engine
            .list(&LIST, arguments![&tenant.organization_id, &tenant.project_id, page.limit, page.offset()])
            .await?;
        Ok(Listing { items, total })
    }

    /// The upload ids of a batch of the tenant, in the order of the documents' ids; empty where there is no such batch.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn batch_uploads(&self, tenant: &Tenant, id: &str) -> Result<Vec<String>, Error> {
        let rows = self
            .engine
            .fetch_all(&UPLOADS, arguments![&tenant.organization_id, &tenant.project_id, id, UPLOADS_LIMIT])
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
                new.template.as_ref().map(|template| template.id.as_str()),
                new.template.as_ref().map(|template| template.version),
                to_optional_json("metadata", new.metadata.as_ref())?,
                self.clock.now()
            ],
        )
        .await?;
        for document in documents {
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
            created_at: row.time("created_at")?,
            completed_at: row.optional_time("completed_at")?,
        };
        if batch.completed_files + batch.failed_files < batch.total_files {
            batch.completed_at = None;
        }
        Ok(batch)
    }
}
