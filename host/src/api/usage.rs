//! Usage: how much of the plan is used, and what was done day by day and project by project.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Json as Answer;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Context;
use super::access::{Permit, ReadDocuments};
use super::error::ApiError;
use super::extract::{Id, Query};
use super::templates::unknown_word;
use crate::domain::plan::{Plan, QuotaUse};
use crate::domain::usage::{DailyUsage, Period, Usage};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How much of its plan the organization has used.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UsageResponse {
    plan: PlanResponse,
    /// The calendar month (UTC) that monthly quotas count in.
    #[schema(example = "2026-01")]
    month: String,
    quotas: Vec<QuotaResponse>,
}

/// A plan. A limit that is null is none.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlanResponse {
    #[schema(example = "starter")]
    name: String,
    /// Bytes of the files that are kept.
    storage_bytes: Option<u64>,
    templates: Option<u64>,
    /// Documents processed per month, those processed again included.
    monthly_processing: Option<u64>,
    /// `GET` requests per month.
    monthly_reads: Option<u64>,
    /// Bytes uploaded and downloaded per month.
    monthly_transfer_bytes: Option<u64>,
    webhook_endpoints: Option<u64>,
    /// Bytes of one file; the server's own limit holds too.
    max_file_bytes: Option<u64>,
    /// Requests per minute of one credential.
    credential_rate: Option<u32>,
    /// Requests per minute of all credentials of the organization together.
    organization_rate: Option<u32>,
    /// Whether processing takes credits.
    needs_credits: bool,
}

/// How much of a quota is used.
#[derive(Serialize, ToSchema)]
pub struct QuotaResponse {
    /// `storage` (bytes), `templates`, `processing` (documents this month), `reads` (requests this month), `transfer`
    /// (bytes this month) or `webhook_endpoints`.
    #[schema(example = "processing")]
    quota: &'static str,
    used: u64,
    /// Null for any amount.
    allowed: Option<u64>,
}

/// Which time and project analytics are about.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct AnalyticsQuery {
    /// `7d`, `30d` (default), `90d` or `1y`, up to today (UTC).
    #[param(example = "30d")]
    period: Option<String>,
    /// Only this project; without it every project that the credential reaches.
    #[param(value_type = Option<String>)]
    project_id: Option<Id>,
}

/// What was done in a period.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AnalyticsResponse {
    /// As asked for.
    #[schema(example = "30d")]
    period: &'static str,
    /// First day (UTC).
    #[schema(example = "2026-01-01")]
    from: String,
    /// Last day (UTC): today.
    #[schema(example = "2026-01-30")]
    to: String,
    total: UsageNumbers,
    /// Every project in which something was done, by id.
    projects: Vec<ProjectUsage>,
    /// Every day of the period, oldest first.
    days: Vec<DayUsage>,
}

/// What was done.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UsageNumbers {
    /// Documents uploaded.
    documents: u64,
    /// Bytes uploaded.
    uploaded_bytes: u64,
    /// Documents whose processing ended with a result.
    completed: u64,
    /// Documents whose processing failed.
    failed: u64,
    /// Documents that were cancelled.
    cancelled: u64,
    /// Pages of the completed documents.
    pages: u64,
    /// Credits spent.
    credits: u64,
    /// Mean milliseconds that a completed document took; null where there is none.
    mean_processing_ms: Option<f64>,
    /// Bytes of the files kept, as last measured in the time; null where it was not.
    storage_bytes: Option<u64>,
}

/// What was done in a project.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProjectUsage {
    /// The project; it may be deleted meanwhile.
    project_id: String,
    /// Null for a project that is deleted.
    project_name: Option<String>,
    #[serde(flatten)]
    usage: UsageNumbers,
}

/// What was done on a day.
#[derive(Serialize, ToSchema)]
pub struct DayUsage {
    /// UTC.
    #[schema(example = "2026-01-30")]
    date: String,
    #[serde(flatten)]
    usage: UsageNumbers,
}

/// Shows the organization's plan and how much of it is used. Reads and downloads are counted with a delay of some
/// seconds.
#[utoipa::path(get, path = "/usage", tag = "usage", responses((status = 200, body = UsageResponse)))]
pub async fn get_usage(
    permit: Permit<ReadDocuments>,
    State(context): State<Context>,
) -> Result<Answer<UsageResponse>, ApiError> {
    let caller = permit.caller;
    caller.check_whole_organization()?;
    let plan = context.limits.plan(&context.store, &context.clock, &caller.organization_id).await?;
    let uses = context.store.quota_uses(&caller.organization_id, &plan).await?;
    Ok(Answer(UsageResponse {
        plan: PlanResponse::from(&*plan),
        month: context.clock.now().to_month(),
        quotas: uses.into_iter().map(QuotaResponse::from).collect(),
    }))
}

/// Shows what was done in a period: in all, by project, and by day. Documents that were deleted since are counted.
#[utoipa::path(get, path = "/usage/analytics", tag = "usage", params(AnalyticsQuery),
    responses((status = 200, body = AnalyticsResponse)))]
pub async fn get_analytics(
    permit: Permit<ReadDocuments>,
    State(context): State<Context>,
    Query(query): Query<AnalyticsQuery>,
) -> Result<Answer<AnalyticsResponse>, ApiError> {
    let caller = permit.caller;
    let period = match query.period.as_deref() {
        None | Some("") => Period::Month,
        Some(word) => Period::parse(word).ok_or_else(|| unknown_word("period", word, Period::ALL))?,
    };
    let tenant = caller.tenant_in(&context.store, query.project_id.as_ref()).await?;
    let today = context.clock.now();
    let days: Vec<String> = (0..period.days()).rev().map(|back| today.before(DAY * back).to_date()).collect();
    let (from, to) = match (days.first(), days.last()) {
        (Some(from), Some(to)) => (from.clone(), to.clone()),
        _ => (today.to_date(), today.to_date()),
    };
    let rows = context.store.daily_usage(&tenant, &from, &to).await?;
    let names: BTreeMap<String, String> = context
        .store
        .list_projects(&caller.organization_id)
        .await?
        .into_iter()
        .map(|project| (project.id, project.name))
        .collect();
    let mut by_project: BTreeMap<&str, Sum> = BTreeMap::new();
    let mut by_day: BTreeMap<&str, Sum> = BTreeMap::new();
    for row in &rows {
        by_project.entry(&row.project_id).or_default().add_day(row);
        by_day.entry(&row.day).or_default().add_project(row);
    }
    let mut total = Sum::default();
    for project in by_project.values() {
        total.add_sum(project);
    }
    Ok(Answer(AnalyticsResponse {
        period: period.as_str(),
        from,
        to,
        total: total.into(),
        projects: by_project
            .into_iter()
            .map(|(id, sum)| ProjectUsage {
                project_id: id.to_owned(),
                project_name: names.get(id).cloned(),
                usage: sum.into(),
            })
            .collect(),
        days: days
            .iter()
            .map(|day| DayUsage {
                date: day.clone(),
                usage: by_day.remove(day.as_str()).unwrap_or_default().into(),
            })
            .collect(),
    }))
}

/// Rows put together.
#[derive(Default)]
struct Sum {
    usage: Usage,
    storage_bytes: Option<u64>,
}

impl Sum {
    /// Adds a later day of the same project: its storage replaces that of the days before.
    fn add_day(&mut self, row: &DailyUsage) {
        self.usage.add(&row.usage);
        self.storage_bytes = row.storage_bytes.or(self.storage_bytes);
    }

    /// Adds another project on the same day.
    fn add_project(&mut self, row: &DailyUsage) {
        self.add_sum(&Self { usage: row.usage, storage_bytes: row.storage_bytes });
    }

    /// Adds another project.
    fn add_sum(&mut self, other: &Self) {
        self.usage.add(&other.usage);
        if let Some(bytes) = other.storage_bytes {
            self.storage_bytes = Some(self.storage_bytes.unwrap_or(0) + bytes);
        }
    }
}

impl From<Sum> for UsageNumbers {
    fn from(Sum { usage, storage_bytes }: Sum) -> Self {
        Self {
            documents: usage.documents,
            uploaded_bytes: usage.uploaded_bytes,
            completed: usage.completed,
            failed: usage.failed,
            cancelled: usage.cancelled,
            pages: usage.pages,
            credits: usage.credits,
            mean_processing_ms: usage.mean_processing_ms(),
            storage_bytes,
        }
    }
}

impl From<&Plan> for PlanResponse {
    fn from(plan: &Plan) -> Self {
        Self {
            name: plan.name.clone(),
            storage_bytes: plan.storage_bytes,
            templates: plan.templates,
            monthly_processing: plan.monthly_processing,
            monthly_reads: plan.monthly_reads,
            monthly_transfer_bytes: plan.monthly_transfer_bytes,
            webhook_endpoints: plan.webhook_endpoints,
            max_file_bytes: plan.max_file_bytes,
            credential_rate: plan.credential_rate,
            organization_rate: plan.organization_rate,
            needs_credits: plan.needs_credits,
        }
    }
}

impl From<QuotaUse> for QuotaResponse {
    fn from(quota: QuotaUse) -> Self {
        Self { quota: quota.quota.as_str(), used: quota.used, allowed: quota.allowed }
    }
}
