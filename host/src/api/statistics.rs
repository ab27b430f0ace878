//! Statistics of the processing history: how many records of each status, how long they took, how sure they are.

use std::time::Duration;

use axum::Json as Answer;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Context;
use super::access::{Permit, ReadDocuments};
use super::error::ApiError;
use super::extract::{Id, Query};
use super::history::{self, HistoryQuery};
use super::templates::unknown_word;
use crate::domain::document::{DocumentStatistics, DocumentStatus};

/// Periods that end now, and their days.
const PERIODS: [(&str, u64); 4] = [("7d", 7), ("30d", 30), ("90d", 90), ("1y", 365)];

const SECONDS_PER_DAY: u64 = 24 * 60 * 60;

/// Which records are counted.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct StatisticsQuery {
    /// May be left out with a project's token.
    #[param(value_type = Option<String>)]
    project_id: Option<Id>,
    /// Only records of the last days: `7d`, `30d`, `90d` or `1y`. Not together with `fromDate`.
    #[param(example = "30d")]
    period: Option<String>,
    /// Only records of this status.
    #[param(value_type = Option<DocumentStatus>, inline)]
    status: Option<String>,
    /// Only records of this template.
    #[param(value_type = Option<String>)]
    template_id: Option<Id>,
    /// Only records of this batch.
    #[param(value_type = Option<String>)]
    batch_id: Option<Id>,
    /// Only records of this day (UTC, `YYYY-MM-DD`) or later.
    #[param(example = "2026-01-31")]
    from_date: Option<String>,
    /// Only records of this day (UTC, `YYYY-MM-DD`) or earlier.
    #[param(example = "2026-01-31")]
    to_date: Option<String>,
    /// Only records whose file name or metadata contains this, or the one with this id.
    #[param(max_length = 200)]
    search: Option<String>,
}

/// Numbers of processing records.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StatisticsResponse {
    /// Records in all.
    total: u64,
    by_status: StatusCounts,
    /// Of the records that are finished and were not cancelled, the share with a result, from 0 to 1; null where there
    /// are none.
    success_rate: Option<f64>,
    /// Pages of all documents with a result.
    pages: u64,
    /// How long documents with a result took, from the start of processing to its end; null where there are none.
    processing_time_ms: Option<TimesResponse>,
    /// Mean confidence of the results, from 0 to 1; null where none has one.
    confidence: Option<f64>,
}

/// Records by status.
#[derive(Default, Serialize, ToSchema)]
struct StatusCounts {
    pending: u64,
    queued: u64,
    in_progress: u64,
    completed: u64,
    failed: u64,
    cancelled: u64,
    retention_expired: u64,
}

/// Milliseconds.
#[derive(Serialize, ToSchema)]
struct TimesResponse {
    mean: f64,
    /// Half of the documents took no longer.
    p50: f64,
    /// 95 of 100 documents took no longer.
    p95: f64,
}

/// Counts the processing records of a project, all of them or those that the filters let through.
#[utoipa::path(get, path = "/processing-history/stats", tag = "processing history", params(StatisticsQuery),
    responses((status = 200, body = StatisticsResponse)))]
pub async fn history_statistics(
    permit: Permit<ReadDocuments>,
    State(context): State<Context>,
    Query(query): Query<StatisticsQuery>,
) -> Result<Answer<StatisticsResponse>, ApiError> {
    let project = permit.caller.project(&context.store, query.project_id.as_ref()).await?;
    let tenant = permit.caller.tenant_of(&project);
    let period = query.period.as_deref().filter(|word| !word.is_empty()).map(days).transpose()?;
    if period.is_some() && query.from_date.is_some() {
        return Err(ApiError::fields(vec!["`period` and `fromDate` do not go together".to_owned()]));
    }
    let mut filter = history::filter(HistoryQuery {
        project_id: None,
        status: query.status,
        template_id: query.template_id,
        batch_id: query.batch_id,
        from_date: query.from_date,
        to_date: query.to_date,
        search: query.search,
        page: None,
        limit: None,
    })?;
    if let Some(days) = period {
        filter.from = Some(context.clock.now().before(Duration::from_secs(days * SECONDS_PER_DAY)));
    }
    Ok(Answer(context.store.document_statistics(&tenant, &filter).await?.into()))
}

fn days(word: &str) -> Result<u64, ApiError> {
    let known = PERIODS.iter().find(|(name, _)| *name == word);
    known.map(|(_, days)| *days).ok_or_else(|| unknown_word("period", word, &PERIODS.map(|(name, _)| name)))
}

impl From<DocumentStatistics> for StatisticsResponse {
    fn from(statistics: DocumentStatistics) -> Self {
        let mut counts = StatusCounts::default();
        for (status, count) in &statistics.by_status {
            *counts.of(*status) = *count;
        }
        let with_result = counts.completed + counts.retention_expired;
        let finished = with_result + counts.failed;
        Self {
            total: statistics.by_status.iter().map(|(_, count)| count).sum(),
            success_rate: (finished > 0).then(|| with_result as f64 / finished as f64),
            by_status: counts,
            pages: statistics.pages,
            processing_time_ms: statistics.processing_times.map(|times| TimesResponse {
                mean: times.mean_ms,
                p50: times.median_ms,
                p95: times.p95_ms,
            }),
            confidence: statistics.mean_confidence,
        }
    }
}

impl StatusCounts {
    fn of(&mut self, status: DocumentStatus) -> &mut u64 {
        match status {
            DocumentStatus::Pending => &mut self.pending,
            DocumentStatus::Queued => &mut self.queued,
            DocumentStatus::InProgress => &mut self.in_progress,
            DocumentStatus::Completed => &mut self.completed,
            DocumentStatus::Failed => &mut self.failed,
            DocumentStatus::Cancelled => &mut self.cancelled,
            DocumentStatus::RetentionExpired => &mut self.retention_expired,
        }
    }
}
