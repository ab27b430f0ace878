//! Events: written in the transaction of what they tell, with their deliveries to webhooks; read in the order in which
//! they happened to a document or batch.
//!
//! An event of a document, or batch, counts up a number in that row. The row stays locked until the transaction ends:
//! the numbers become visible in their order, and whoever has read up to one misses nothing that comes later. A table's
//! own order would not do, since of two transactions the one that began later may be seen first.

use serde_json::Value;

use super::statement::{FromRow, Row, arguments, statements, to_json, within};
use super::{Error, Store, Transaction, batches, documents};
use crate::domain::batch::{Batch, BatchStatus};
use crate::domain::document::{Document, NewDocument};
use crate::domain::event::{Event, EventKind, batch_payload, document_payload, template_payload};
use crate::domain::extraction::Extraction;
use crate::domain::template::Template;
use crate::domain::tenant::Tenant;
use crate::domain::timestamp::Timestamp;
use crate::telemetry::traces;

macro_rules! select {
    () => {
        "select id, public_id, organization_id, project_id, kind, document_id, document_sequence, batch_id,
            batch_sequence, payload, trace, created_at
        from events "
    };
}

statements! {
    "events";
    COUNT_OF_DOCUMENT = "update documents set event_count = event_count + 1
        where organization_id = $1 and id = $2 returning event_count";
    COUNT_OF_BATCH = "update batches set event_count = event_count + 1
        where organization_id = $1 and id = $2 returning event_count";
    INSERT = "insert into events (id, public_id, organization_id, project_id, kind, document_id, document_sequence,
            batch_id, batch_sequence, payload, trace, created_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
    OF_DOCUMENT = concat!(
        select!(),
        within!("events"),
        "and document_id = $3 and document_sequence > $4
        order by document_sequence limit $5"
    );
    OF_BATCH = concat!(
        select!(),
        within!("events"),
        "and batch_id = $3 and batch_sequence > $4
        order by batch_sequence limit $5"
    );
    FIND = concat!(select!(), "where organization_id = $1 and id = $2");
    OF_DELIVERY = concat!(
        select!(),
        "where organization_id = $1 and id = (
            select event_id from webhook_deliveries d where d.organization_id = $1 and d.id = $2
        )"
    );
    SWEEP = "delete from events where id in (
            select id from events where created_at < $1 order by created_at, id limit $2
        )";
}

/// Something to be announced.
pub(super) struct Announcement<'a> {
    pub(super) organization_id: &'a str,
    pub(super) project_id: Option<&'a str>,
    pub(super) kind: EventKind,
    pub(super) document_id: Option<&'a str>,
    pub(super) batch_id: Option<&'a str>,
    pub(super) payload: Value,
}

impl Store {
    /// Up to `limit` events of a document of the tenant that came after the one with the number `after` (0: from the
    /// first one that is still kept), in order. Their numbers are in `document_sequence`.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn document_events(
        &self,
        tenant: &Tenant,
        document_id: &str,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Event>, Error> {
        let bound = arguments![&tenant.organization_id, &tenant.projects, document_id, after, limit];
        self.engine.list(&OF_DOCUMENT, bound).await
    }

    /// Up to `limit` events of a batch of the tenant and of its documents that came after the one with the number
    /// `after` (0: from the first one that is still kept), in order. Their numbers are in `batch_sequence`.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn batch_events(
        &self,
        tenant: &Tenant,
        batch_id: &str,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Event>, Error> {
        let bound = arguments![&tenant.organization_id, &tenant.projects, batch_id, after, limit];
        self.engine.list(&OF_BATCH, bound).await
    }

    /// The event that a delivery tells of.
    pub(super) async fn event_of_delivery(
        &self,
        organization_id: &str,
        delivery_id: &str,
    ) -> Result<Option<Event>, Error> {
        self.engine.find(&OF_DELIVERY, arguments![organization_id, delivery_id]).await
    }

    /// Deletes up to `limit` of the events that happened before a time, oldest first, with all that was kept of their
    /// deliveries. Answers how many there were.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn sweep_events(&self, before: Timestamp, limit: u32) -> Result<u64, Error> {
        let mut tx = self.begin().await?;
        let swept = tx.execute(&SWEEP, arguments![before, limit]).await?;
        tx.commit().await?;
        Ok(swept)
    }

    /// Announces something in the caller's transaction.
    pub(super) async fn announce(
        &self,
        tx: &mut Transaction,
        announcement: Announcement<'_>,
    ) -> Result<Event, Error> {
        let Announcement { organization_id, project_id, kind, document_id, batch_id, payload } = announcement;
        let mut document_sequence = None;
        if let Some(id) = document_id {
            let row = tx.fetch_optional(&COUNT_OF_DOCUMENT, arguments![organization_id, id]).await?;
            document_sequence = row.map(|row| row.number::<u64>("event_count")).transpose()?;
        }
        let mut batch_sequence = None;
        if let Some(id) = batch_id {
            let row = tx.fetch_optional(&COUNT_OF_BATCH, arguments![organization_id, id]).await?;
            batch_sequence = row.map(|row| row.number::<u64>("event_count")).transpose()?;
        }
        let event = Event {
            id: self.clock.new_id(),
            public_id: self.clock.new_event_id(),
            organization_id: organization_id.to_owned(),
            project_id: project_id.map(str::to_owned),
            kind,
            document_id: document_id.map(str::to_owned),
            document_sequence,
            batch_id: batch_id.map(str::to_owned),
            batch_sequence,
            payload,
            trace: traces::current(),
            at: self.clock.now(),
        };
        tx.execute(
            &INSERT,
            arguments![
                &event.id,
                &event.public_id,
                &event.organization_id,
                &event.project_id,
                event.kind.as_str(),
                &event.document_id,
                event.document_sequence,
                &event.batch_id,
                event.batch_sequence,
                to_json("payload", &event.payload)?,
                &event.trace,
                event.at
            ],
        )
        .await?;
        self.fan_out(tx, &event).await?;
        Ok(event)
    }

    /// Announces what has just been written to a document in the caller's transaction, with its result where that is
    /// the news.
    pub(super) async fn announce_document(
        &self,
        tx: &mut Transaction,
        organization_id: &str,
        document_id: &str,
        kind: EventKind,
        result: Option<&Extraction>,
    ) -> Result<Document, Error> {
        let document = documents::read(tx, organization_id, document_id).await?;
        let announcement = Announcement {
            organization_id,
            project_id: Some(&document.project_id),
            kind,
            document_id: Some(document_id),
            batch_id: document.batch_id.as_deref(),
            payload: document_payload(&document, result),
        };
        self.announce(tx, announcement).await?;
        Ok(document)
    }

    /// Announces a document that has just been recorded: one whose file was refused has failed already.
    pub(super) async fn announce_recorded(
        &self,
        tx: &mut Transaction,
        organization_id: &str,
        new: &NewDocument,
    ) -> Result<Document, Error> {
        let kind = match new.file {
            Ok(_) => EventKind::DocumentUploaded,
            Err(_) => EventKind::DocumentFailed,
        };
        self.announce_document(tx, organization_id, &new.id, kind, None).await
    }

    /// Announces that a document is finished, and that its batch is where this was the last one to finish: the event of
    /// the document locks the batch, so that of two that finish at the same time the second one sees the first.
    pub(super) async fn announce_finished(
        &self,
        tx: &mut Transaction,
        organization_id: &str,
        document_id: &str,
        kind: EventKind,
        result: Option<&Extraction>,
    ) -> Result<(), Error> {
        let document = self.announce_document(tx, organization_id, document_id, kind, result).await?;
        match document.batch_id {
            Some(batch_id) => self.announce_completed_batch(tx, organization_id, &batch_id).await,
            None => Ok(()),
        }
    }

    /// Announces that a batch is completed, if it is.
    pub(super) async fn announce_completed_batch(
        &self,
        tx: &mut Transaction,
        organization_id: &str,
        batch_id: &str,
    ) -> Result<(), Error> {
        let batch = batches::read(tx, organization_id, batch_id).await?;
        if batch.status() == BatchStatus::Processing {
            return Ok(());
        }
        self.announce_batch(tx, &batch, EventKind::BatchCompleted).await
    }

    /// Announces what has happened to a batch as a whole.
    pub(super) async fn announce_batch(
        &self,
        tx: &mut Transaction,
        batch: &Batch,
        kind: EventKind,
    ) -> Result<(), Error> {
        let announcement = Announcement {
            organization_id: &batch.organization_id,
            project_id: Some(&batch.project_id),
            kind,
            document_id: None,
            batch_id: Some(&batch.id),
            payload: batch_payload(batch),
        };
        self.announce(tx, announcement).await?;
        Ok(())
    }

    /// Announces what has happened to a template.
    pub(super) async fn announce_template(
        &self,
        tx: &mut Transaction,
        template: &Template,
        kind: EventKind,
    ) -> Result<(), Error> {
        let announcement = Announcement {
            organization_id: &template.organization_id,
            project_id: Some(&template.project_id),
            kind,
            document_id: None,
            batch_id: None,
            payload: template_payload(template),
        };
        self.announce(tx, announcement).await?;
        Ok(())
    }
}

/// The event of a delivery that the caller holds.
pub(super) async fn read(tx: &mut Transaction, organization_id: &str, id: &str) -> Result<Event, Error> {
    tx.read(&FIND, arguments![organization_id, id]).await
}

impl FromRow for Event {
    fn from_row(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            id: row.get("id")?,
            public_id: row.get("public_id")?,
            organization_id: row.get("organization_id")?,
            project_id: row.get("project_id")?,
            kind: row.word("kind", EventKind::parse)?,
            document_id: row.get("document_id")?,
            document_sequence: row.optional_number("document_sequence")?,
            batch_id: row.get("batch_id")?,
            batch_sequence: row.optional_number("batch_sequence")?,
            payload: row.json("payload")?,
            trace: row.get("trace")?,
            at: row.time("created_at")?,
        })
    }
}
