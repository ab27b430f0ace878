//! Usage: counted by month for the quotas and by day for analytics, in the transaction of what is counted.
//!
//! A transaction that touches several of these rows does it in this order: month, account, day, audit log. So no two
//! wait for each other.

use super::statement::{FromRow, Row, arguments, statements, within};
use super::{Error, Store, Transaction, plans};
use crate::domain::credit::Ending;
use crate::domain::document::{Document, NewDocument};
use crate::domain::tenant::Tenant;
use crate::domain::timestamp::Timestamp;
use crate::domain::usage::{DailyUsage, Requests, Usage};

statements! {
    "usage";
    COUNT_UPLOAD = "insert into monthly_usage (organization_id, month, processing, reads, transfer_bytes)
        values ($1, $2, 1, 0, $3)
        on conflict (organization_id, month) do update set processing = monthly_usage.processing + 1,
            transfer_bytes = monthly_usage.transfer_bytes + excluded.transfer_bytes
        returning processing, reads, transfer_bytes";
    COUNT_REQUESTS = "insert into monthly_usage (organization_id, month, processing, reads, transfer_bytes)
        values ($1, $2, 0, $3, $4)
        on conflict (organization_id, month) do update set reads = monthly_usage.reads + excluded.reads,
            transfer_bytes = monthly_usage.transfer_bytes + excluded.transfer_bytes
        returning processing, reads, transfer_bytes";
    MONTH = "select processing, reads, transfer_bytes from monthly_usage
        where organization_id = $1 and month = $2";
    COUNT_DAY = "insert into daily_usage (organization_id, project_id, day, documents, uploaded_bytes, completed,
            failed, cancelled, pages, processing_micros, credits)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        on conflict (organization_id, project_id, day) do update set
            documents = daily_usage.documents + excluded.documents,
            uploaded_bytes = daily_usage.uploaded_bytes + excluded.uploaded_bytes,
            completed = daily_usage.completed + excluded.completed,
            failed = daily_usage.failed + excluded.failed,
            cancelled = daily_usage.cancelled + excluded.cancelled,
            pages = daily_usage.pages + excluded.pages,
            processing_micros = daily_usage.processing_micros + excluded.processing_micros,
            credits = daily_usage.credits + excluded.credits";
    DAYS = concat!(
        "select project_id, day, documents, uploaded_bytes, completed, failed, cancelled, pages,
            processing_micros, credits, storage_bytes
        from daily_usage ",
        within!("daily_usage"),
        "and day >= $3 and day <= $4
        order by day, project_id limit $5"
    );
    MEASURE_STORAGE = "insert into daily_usage (organization_id, project_id, day, documents, uploaded_bytes,
            completed, failed, cancelled, pages, processing_micros, credits, storage_bytes)
        select organization_id, project_id, cast($1 as text), 0, 0, 0, 0, 0, 0, 0, 0,
            cast(sum(size_bytes) as bigint)
        from documents where blob_key is not null group by organization_id, project_id
        on conflict (organization_id, project_id, day) do update set storage_bytes = excluded.storage_bytes";
}

/// Most rows that analytics look at: a year of 270 projects.
const DAYS_LIMIT: u32 = 100_000;

/// What an organization has used in a month.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MonthlyUsage {
    /// Documents processed.
    pub processing: u64,
    /// What requests did, uploads included.
    pub requests: Requests,
}

impl Store {
    /// What an organization has used in this month (UTC).
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn monthly_usage(&self, organization_id: &str) -> Result<MonthlyUsage, Error> {
        let month = self.clock.now().to_month();
        Ok(self.engine.find(&MONTH, arguments![organization_id, month]).await?.unwrap_or_default())
    }

    /// Counts what requests of an organization did, and answers what it has used in this month (UTC).
    ///
    /// # Errors
    /// [`Error::MissingReference`] where there is no such organization, or whatever else the database answers.
    pub async fn count_requests(
        &self,
        organization_id: &str,
        requests: Requests,
    ) -> Result<MonthlyUsage, Error> {
        let month = self.clock.now().to_month();
        let mut tx = self.begin().await?;
        let used = tx
            .read(
                &COUNT_REQUESTS,
                arguments![organization_id, month, requests.reads, requests.transfer_bytes],
            )
            .await?;
        tx.commit().await?;
        Ok(used)
    }

    /// The tenant's usage from one day to another (`YYYY-MM-DD`, both included), by day and project.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn daily_usage(&self, tenant: &Tenant, from: &str, to: &str) -> Result<Vec<DailyUsage>, Error> {
        let bound = arguments![&tenant.organization_id, &tenant.projects, from, to, DAYS_LIMIT];
        self.engine.list(&DAYS, bound).await
    }

    /// Notes for this day how much room the kept files of each project take.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn measure_storage(&self) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        tx.execute(&MEASURE_STORAGE, arguments![self.clock.now().to_date()]).await?;
        tx.commit().await
    }

    /// Counts a new document in the caller's transaction, which has written it: against the quotas, as usage of the
    /// day, and by holding its credits. One whose file was refused costs nothing.
    ///
    /// # Errors
    /// [`Error::QuotaExceeded`], [`Error::CreditsShort`], or whatever the database answers.
    pub(super) async fn meter_upload(
        &self,
        tx: &mut Transaction,
        organization_id: &str,
        project_id: &str,
        new: &NewDocument,
    ) -> Result<(), Error> {
        let now = self.clock.now();
        let mut counted = Usage { documents: 1, ..Usage::default() };
        if new.file.is_ok() {
            counted.uploaded_bytes = new.size_bytes;
            let plan = plans::read_of(tx, organization_id).await?;
            plans::take_in_upload(tx, organization_id, &plan, &now.to_month(), new.size_bytes).await?;
            if plan.needs_credits {
                self.hold_credits(tx, organization_id, &new.id, new.template.as_ref()).await?;
            }
        } else {
            counted.failed = 1;
        }
        count_day(tx, organization_id, project_id, now, &counted).await
    }

    /// Counts that a document is processed again, in the caller's transaction.
    ///
    /// # Errors
    /// As [`Store::meter_upload`].
    pub(super) async fn meter_reprocessing(
        &self,
        tx: &mut Transaction,
        document: &Document,
    ) -> Result<(), Error> {
        let organization_id = &document.organization_id;
        let plan = plans::read_of(tx, organization_id).await?;
        let month = self.clock.now().to_month();
        plans::take_in_upload(tx, organization_id, &plan, &month, 0).await?;
        if plan.needs_credits {
            self.hold_credits(tx, organization_id, &document.id, document.template.as_ref()).await?;
        }
        Ok(())
    }

    /// Counts the end of a document's processing in the caller's transaction, which holds its run: the credits that
    /// were held are earned or given back.
    pub(super) async fn meter_end(
        &self,
        tx: &mut Transaction,
        document: &Document,
        ending: Ending<'_>,
    ) -> Result<(), Error> {
        let now = self.clock.now();
        let credits = self.close_hold(tx, document, ending).await?;
        let mut counted = Usage { credits, ..Usage::default() };
        match ending {
            Ending::Completed { pages } => {
                let took = document.started_at.map_or(std::time::Duration::ZERO, |start| start.until(now));
                counted.completed = 1;
                counted.pages = u64::from(pages);
                counted.processing_micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
            }
            Ending::Failed { .. } => counted.failed = 1,
            Ending::Cancelled => counted.cancelled = 1,
        }
        count_day(tx, &document.organization_id, &document.project_id, now, &counted).await
    }
}

/// Counts one document and its bytes for the month, and answers what the month has now.
pub(super) async fn count_upload(
    tx: &mut Transaction,
    organization_id: &str,
    month: &str,
    size_bytes: u64,
) -> Result<MonthlyUsage, Error> {
    tx.read(&COUNT_UPLOAD, arguments![organization_id, month, size_bytes]).await
}

async fn count_day(
    tx: &mut Transaction,
    organization_id: &str,
    project_id: &str,
    now: Timestamp,
    counted: &Usage,
) -> Result<(), Error> {
    tx.execute(
        &COUNT_DAY,
        arguments![
            organization_id,
            project_id,
            now.to_date(),
            counted.documents,
            counted.uploaded_bytes,
            counted.completed,
            counted.failed,
            counted.cancelled,
            counted.pages,
            counted.processing_micros,
            counted.credits
        ],
    )
    .await?;
    Ok(())
}

impl FromRow for MonthlyUsage {
    fn from_row(row: &Row) -> Result<Self, Error> {
        let requests =
            Requests { reads: row.number("reads")?, transfer_bytes: row.number("transfer_bytes")? };
        Ok(Self { processing: row.number("processing")?, requests })
    }
}

impl FromRow for DailyUsage {
    fn from_row(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            project_id: row.get("project_id")?,
            day: row.get("day")?,
            usage: Usage {
                documents: row.number("documents")?,
                uploaded_bytes: row.number("uploaded_bytes")?,
                completed: row.number("completed")?,
                failed: row.number("failed")?,
                cancelled: row.number("cancelled")?,
                pages: row.number("pages")?,
                processing_micros: row.number("processing_micros")?,
                credits: row.number("credits")?,
            },
            storage_bytes: row.optional_number("storage_bytes")?,
        })
    }
}
