//! The audit log: who did what, as a list, as a file, and checked for tampering.

use axum::Json as Answer;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use futures::{Stream, stream};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::Context;
use super::access::{Face, ManageOrganization, Permit};
use super::error::ApiError;
use super::extract::{Id, Query};
use super::history::{day, days_end};
use super::paging::{PageLimit, PageNumber, PageResponse, page};
use super::templates::unknown_word;
use crate::domain::audit::{AuditEntry, AuditFilter, AuditFormat, AuditVerdict};
use crate::export;
use crate::store::{self, Store};

/// Longest text to look for.
const MAX_TEXT: usize = 200;

/// Something that was done.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditResponse {
    id: String,
    actor: AuditActor,
    /// `entity.verb`.
    #[schema(example = "template.updated")]
    action: String,
    /// Id of what it was done to.
    target: String,
    /// What changed; null where the action says it all.
    #[schema(value_type = Option<Object>)]
    changes: Option<Value>,
    at: String,
    /// The caller's network address.
    address: Option<String>,
    /// Its number in the organization's chain; null for an entry from before the chain.
    sequence: Option<u64>,
    /// SHA-256 of its content and of its predecessor's hash, in hexadecimal.
    hash: Option<String>,
}

/// Who did it.
#[derive(Serialize, ToSchema)]
pub struct AuditActor {
    /// `user`, `token` or `system`.
    #[schema(example = "user")]
    kind: &'static str,
    /// Null for the program itself.
    id: Option<String>,
}

/// Which entries are meant; what is left out does not restrict them.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct AuditQuery {
    /// Only what the user or token with this id did.
    #[param(value_type = Option<String>)]
    actor: Option<Id>,
    /// Only this action; `template.*` for all that was done to templates.
    #[param(example = "template.updated")]
    action: Option<String>,
    /// Only what was done to the thing with this id.
    target: Option<String>,
    /// Only entries of this day (UTC, `YYYY-MM-DD`) or later.
    #[param(example = "2026-01-31")]
    from_date: Option<String>,
    /// Only entries of this day (UTC, `YYYY-MM-DD`) or earlier.
    #[param(example = "2026-01-31")]
    to_date: Option<String>,
    /// Only entries with this text anywhere, without regard to the case of Latin letters.
    search: Option<String>,
    /// From 1.
    #[param(value_type = Option<u32>, minimum = 1)]
    page: Option<PageNumber>,
    /// Entries per page: by default 20.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Option<PageLimit>,
}

/// Which entries are exported; what is left out does not restrict them.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct AuditExportQuery {
    /// `csv` or `json` (default).
    format: Option<String>,
    /// Only what the user or token with this id did.
    #[param(value_type = Option<String>)]
    actor: Option<Id>,
    /// Only this action; `template.*` for all that was done to templates.
    #[param(example = "template.updated")]
    action: Option<String>,
    /// Only what was done to the thing with this id.
    target: Option<String>,
    /// Only entries of this day (UTC, `YYYY-MM-DD`) or later.
    #[param(example = "2026-01-31")]
    from_date: Option<String>,
    /// Only entries of this day (UTC, `YYYY-MM-DD`) or earlier.
    #[param(example = "2026-01-31")]
    to_date: Option<String>,
    /// Only entries with this text anywhere, without regard to the case of Latin letters.
    search: Option<String>,
}

/// What the check of the log found.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditVerdictResponse {
    intact: bool,
    /// How many entries fit together, from the first on.
    entries: u64,
    /// Hash of the last of them in hexadecimal. Noted elsewhere, it shows later that nothing up to it was rewritten.
    hash: Option<String>,
    /// Where the log was tampered with; null where it is whole.
    broken: Option<AuditBreakResponse>,
}

/// A place where the log does not fit together.
#[derive(Serialize, ToSchema)]
pub struct AuditBreakResponse {
    /// The number that the entry at this place should have.
    sequence: u64,
    /// The entry that does not fit; null where it is one that is not there.
    id: Option<String>,
    /// What is wrong.
    #[schema(example = "an entry is missing before this one")]
    reason: &'static str,
}

/// Lists what was done in the organization, newest first.
#[utoipa::path(get, path = "/audit", tag = "audit", params(AuditQuery),
    responses((status = 200, body = PageResponse<AuditResponse>)))]
pub async fn list_audit(
    permit: Permit<ManageOrganization>,
    face: Face,
    State(context): State<Context>,
    Query(query): Query<AuditQuery>,
) -> Result<Answer<PageResponse<AuditResponse>>, ApiError> {
    let caller = permit.caller;
    caller.check_whole_organization()?;
    let page = page(query.page, query.limit, face);
    let AuditQuery { actor, action, target, from_date, to_date, search, .. } = query;
    let filter = filter(actor, action, target, [from_date, to_date], search)?;
    let listing = context.store.list_audit(&caller.organization_id, &filter, page).await?;
    let entries = listing.items.into_iter().map(AuditResponse::from).collect();
    Ok(Answer(PageResponse::new(entries, page, listing.total)))
}

/// Downloads what was done in the organization, newest first, as a file that is written while it is sent.
#[utoipa::path(get, path = "/audit/export", tag = "audit", params(AuditExportQuery),
    responses((status = 200, description = "The entries", content(
        (Vec<AuditResponse> = "application/json"), (String = "text/csv")
    ))))]
pub async fn export_audit(
    permit: Permit<ManageOrganization>,
    State(context): State<Context>,
    Query(query): Query<AuditExportQuery>,
) -> Result<Response, ApiError> {
    let caller = permit.caller;
    caller.check_whole_organization()?;
    let format = match query.format.as_deref() {
        None | Some("") => AuditFormat::Json,
        Some(word) => {
            AuditFormat::parse(word).ok_or_else(|| unknown_word("format", word, AuditFormat::ALL))?
        }
    };
    let AuditExportQuery { actor, action, target, from_date, to_date, search, .. } = query;
    let filter = filter(actor, action, target, [from_date, to_date], search)?;
    let file = Export {
        store: context.store,
        organization_id: caller.organization_id,
        filter,
        format,
        progress: Progress::Start,
    };
    let mut response = Response::new(Body::from_stream(file.chunks()));
    let (content_type, disposition) = match format {
        AuditFormat::Csv => ("text/csv; charset=utf-8", "attachment; filename=\"audit.csv\""),
        AuditFormat::Json => ("application/json", "attachment; filename=\"audit.json\""),
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_static(disposition));
    Ok(response)
}

/// Checks the whole audit log: whether an entry was changed, removed or inserted since it was written.
#[utoipa::path(get, path = "/audit/verify", tag = "audit",
    responses((status = 200, body = AuditVerdictResponse)))]
pub async fn verify_audit(
    permit: Permit<ManageOrganization>,
    State(context): State<Context>,
) -> Result<Answer<AuditVerdictResponse>, ApiError> {
    let caller = permit.caller;
    caller.check_whole_organization()?;
    Ok(Answer(context.store.verify_audit(&caller.organization_id).await?.into()))
}

fn filter(
    actor: Option<Id>,
    action: Option<String>,
    target: Option<String>,
    [from_date, to_date]: [Option<String>; 2],
    search: Option<String>,
) -> Result<AuditFilter, ApiError> {
    let text = |name: &str, text: Option<String>| -> Result<Option<String>, ApiError> {
        match text {
            Some(text) if text.chars().count() > MAX_TEXT => {
                Err(ApiError::fields(vec![format!("`{name}` must have at most {MAX_TEXT} characters")]))
            }
            text => Ok(text.filter(|text| !text.is_empty())),
        }
    };
    Ok(AuditFilter {
        actor_id: actor.map(|Id(id)| id),
        action: text("action", action)?,
        target: text("target", target)?,
        from: from_date.map(|date| day("fromDate", &date)).transpose()?,
        before: to_date.map(|date| days_end("toDate", &date)).transpose()?,
        search: text("search", search)?,
    })
}

/// A log on its way into a file.
struct Export {
    store: Store,
    organization_id: String,
    filter: AuditFilter,
    format: AuditFormat,
    progress: Progress,
}

enum Progress {
    Start,
    /// What is older than this entry comes next.
    After(String),
    Done,
}

/// Why a file breaks off.
#[derive(Debug, thiserror::Error)]
enum ExportError {
    #[error("audit log cannot be read")]
    Store(#[from] store::Error),
    #[error("entry cannot be written as JSON")]
    Json(#[from] serde_json::Error),
    #[error(transparent)]
    Csv(#[from] export::audit::Error),
}

impl Export {
    fn chunks(self) -> impl Stream<Item = Result<Bytes, ExportError>> {
        stream::try_unfold(self, async |mut file| {
            let chunk = file.next().await?;
            Ok(chunk.map(|chunk| (chunk, file)))
        })
    }

    async fn next(&mut self) -> Result<Option<Bytes>, ExportError> {
        let (before, is_first) = match &self.progress {
            Progress::Start => (None, true),
            Progress::After(id) => (Some(id.as_str()), false),
            Progress::Done => return Ok(None),
        };
        let entries = self.store.audit_chunk(&self.organization_id, &self.filter, before).await?;
        self.progress = match entries.last() {
            Some(last) => Progress::After(last.id.clone()),
            None => Progress::Done,
        };
        let chunk = match self.format {
            AuditFormat::Json => json_chunk(entries, is_first)?,
            AuditFormat::Csv => csv_chunk(&entries, is_first)?,
        };
        Ok(Some(chunk.into()))
    }
}

/// A part of a JSON array; without entries its end.
fn json_chunk(entries: Vec<AuditEntry>, is_first: bool) -> Result<Vec<u8>, ExportError> {
    let mut chunk = if is_first { b"[".to_vec() } else { Vec::new() };
    if entries.is_empty() {
        chunk.extend_from_slice(b"\n]\n");
        return Ok(chunk);
    }
    for (index, entry) in entries.into_iter().enumerate() {
        let separator: &[u8] = if is_first && index == 0 { b"\n" } else { b",\n" };
        chunk.extend_from_slice(separator);
        serde_json::to_writer(&mut chunk, &AuditResponse::from(entry))?;
    }
    Ok(chunk)
}

fn csv_chunk(entries: &[AuditEntry], is_first: bool) -> Result<Vec<u8>, ExportError> {
    let mut chunk = if is_first { export::audit::head()? } else { Vec::new() };
    chunk.append(&mut export::audit::lines(entries)?);
    Ok(chunk)
}

impl From<AuditEntry> for AuditResponse {
    fn from(entry: AuditEntry) -> Self {
        Self {
            id: entry.id,
            actor: AuditActor { kind: entry.actor.kind.as_str(), id: entry.actor.id },
            action: entry.action,
            target: entry.target,
            changes: entry.changes,
            at: entry.at.to_iso(),
            address: entry.actor.address,
            sequence: entry.sequence,
            hash: entry.hash,
        }
    }
}

impl From<AuditVerdict> for AuditVerdictResponse {
    fn from(verdict: AuditVerdict) -> Self {
        Self {
            intact: verdict.broken.is_none(),
            entries: verdict.entries,
            hash: Some(verdict.hash).filter(|hash| !hash.is_empty()),
            broken: verdict.broken.map(|broken| AuditBreakResponse {
                sequence: broken.sequence,
                id: broken.id,
                reason: broken.reason,
            }),
        }
    }
}
