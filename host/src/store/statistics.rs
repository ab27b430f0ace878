//! Numbers of documents: how many of each status, how long they take, how sure their results are.

use super::documents::{filtered, restriction};
use super::statement::{arguments, statements};
use super::{Error, Store};
use crate::domain::document::{DocumentFilter, DocumentStatistics, DocumentStatus, ProcessingTimes};
use crate::domain::tenant::Tenant;

/// What has a result and was timed.
macro_rules! timed {
    () => {
        "and d.result_attempt is not null and d.started_at is not null and d.completed_at is not null "
    };
}

statements! {
    "statistics";
    BY_STATUS = concat!(
        "select d.status as status, count(*) as total,
            cast(coalesce(sum(case when d.result_attempt is not null then d.page_count end), 0) as bigint) as pages,
            count(case when d.result_attempt is not null then d.confidence end) as rated,
            cast(coalesce(sum(case when d.result_attempt is not null then d.confidence end), 0)
                as double precision) as confidences
        from documents d ",
        filtered!(),
        "group by d.status"
    );
    TIMES = concat!(
        "select count(*) as total,
            cast(coalesce(avg(d.completed_at - d.started_at), 0) as double precision) as mean_micros
        from documents d ",
        filtered!(),
        timed!()
    );
    NTH_TIME = concat!(
        "select d.completed_at - d.started_at as micros from documents d ",
        filtered!(),
        timed!(),
        "order by d.completed_at - d.started_at limit 1 offset $10"
    );
}

impl Store {
    /// Counts the tenant's documents that the filter lets through, and how long they took.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn document_statistics(
        &self,
        tenant: &Tenant,
        filter: &DocumentFilter,
    ) -> Result<DocumentStatistics, Error> {
        let mut by_status: Vec<(DocumentStatus, u64)> =
            DocumentStatus::ALL.iter().map(|status| (*status, 0)).collect();
        let (mut pages, mut rated, mut confidences) = (0_u64, 0_u64, 0.0);
        for row in &self.engine.fetch_all(&BY_STATUS, restriction(tenant, filter)).await? {
            let status = row.word("status", DocumentStatus::parse)?;
            let count = row.number("total")?;
            for (_, total) in by_status.iter_mut().filter(|(known, _)| *known == status) {
                *total = count;
            }
            pages += row.number::<u64>("pages")?;
            rated += row.number::<u64>("rated")?;
            confidences += row.get::<f64>("confidences")?;
        }
        Ok(DocumentStatistics {
            by_status,
            pages,
            processing_times: self.processing_times(tenant, filter).await?,
            mean_confidence: (rated > 0).then(|| confidences / rated as f64),
        })
    }

    async fn processing_times(
        &self,
        tenant: &Tenant,
        filter: &DocumentFilter,
    ) -> Result<Option<ProcessingTimes>, Error> {
        let Some(row) = self.engine.fetch_optional(&TIMES, restriction(tenant, filter)).await? else {
            return Ok(None);
        };
        let count: u64 = row.number("total")?;
        if count == 0 {
            return Ok(None);
        }
        let mean_micros: f64 = row.get("mean_micros")?;
        Ok(Some(ProcessingTimes {
            mean_ms: mean_micros / 1000.0,
            median_ms: self.time_at(tenant, filter, rank(count, 50)).await?,
            p95_ms: self.time_at(tenant, filter, rank(count, 95)).await?,
        }))
    }

    /// The time of the document that stands at `offset` when they are ordered by time, in milliseconds.
    async fn time_at(&self, tenant: &Tenant, filter: &DocumentFilter, offset: u64) -> Result<f64, Error> {
        let mut all = restriction(tenant, filter);
        all.extend(arguments![offset]);
        let row = self.engine.fetch_optional(&NTH_TIME, all).await?;
        let micros: i64 = row.map_or(Ok(0), |row| row.get("micros"))?;
        Ok(micros as f64 / 1000.0)
    }
}

/// Where the value stands, from 0, that `percent` of `count` ordered values do not exceed (nearest rank).
fn rank(count: u64, percent: u64) -> u64 {
    (count * percent).div_ceil(100).saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::rank;

    #[test]
    fn ranks_are_the_nearest() {
        assert_eq!([rank(1, 50), rank(2, 50), rank(5, 50), rank(100, 95), rank(3, 95)], [0, 0, 2, 94, 2]);
    }
}
