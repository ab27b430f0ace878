//! Credits: the balance of an organization and the ledger that it is the sum of.

use axum::Json as Answer;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Context;
use super::access::{Face, ManageOrganization, Permit};
use super::error::ApiError;
use super::extract::{Id, Query};
use super::paging::{PageLimit, PageNumber, PageResponse, page};
use crate::domain::credit::LedgerEntry;

/// What an organization has to spend.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreditsResponse {
    /// Credits that are there; those held by documents in progress are taken already.
    balance: u64,
    /// Whether the plan takes credits for processing at all.
    needs_credits: bool,
    /// What a document costs, by the extractor that its template names.
    prices: Vec<PriceResponse>,
}

/// What a document costs.
#[derive(Serialize, ToSchema)]
pub struct PriceResponse {
    /// The extractor's name; `default` for all that are not listed, and for templates that name none.
    #[schema(example = "default")]
    extractor: String,
    #[schema(example = 1)]
    credits: u64,
}

/// An entry of the ledger.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LedgerResponse {
    id: String,
    /// `grant` (given by the operator), `hold` (taken when a document is accepted), `settle` (the hold is earned) or
    /// `refund` (the hold is given back: the document was cancelled, or failed by our fault).
    #[schema(example = "hold")]
    kind: &'static str,
    /// What it adds to the balance.
    #[schema(example = -1)]
    amount: i64,
    /// The balance after it.
    balance: u64,
    /// The document it is about, which may be deleted meanwhile.
    document_id: Option<String>,
    /// The hold that a settlement or refund ends.
    closes: Option<String>,
    reason: String,
    created_at: String,
}

/// Which entries a list shows.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct LedgerQuery {
    /// Only entries about this document.
    #[param(value_type = Option<String>)]
    document_id: Option<Id>,
    /// From 1.
    #[param(value_type = Option<u32>, minimum = 1)]
    page: Option<PageNumber>,
    /// Entries per page: by default 20.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Option<PageLimit>,
}

/// Shows the credits of the organization, and what processing costs. A document takes its price when it is accepted; it
/// is given back when the document is cancelled, or fails for a reason that is not in the file, the pages asked for or
/// the template.
#[utoipa::path(get, path = "/credits", tag = "credits", responses((status = 200, body = CreditsResponse)))]
pub async fn get_credits(
    permit: Permit<ManageOrganization>,
    State(context): State<Context>,
) -> Result<Answer<CreditsResponse>, ApiError> {
    let caller = permit.caller;
    caller.check_whole_organization()?;
    let plan = context.limits.plan(&context.store, &context.clock, &caller.organization_id).await?;
    let balance = context.store.credit_balance(&caller.organization_id).await?.unwrap_or(0);
    let prices = context.store.extractor_prices().await?;
    let prices = prices.into_iter().map(|(extractor, credits)| PriceResponse { extractor, credits });
    Ok(Answer(CreditsResponse { balance, needs_credits: plan.needs_credits, prices: prices.collect() }))
}

/// Lists the entries of the credit ledger, newest first. The sum of their amounts is the balance.
#[utoipa::path(get, path = "/credits/ledger", tag = "credits", params(LedgerQuery),
    responses((status = 200, body = PageResponse<LedgerResponse>)))]
pub async fn list_ledger(
    permit: Permit<ManageOrganization>,
    face: Face,
    State(context): State<Context>,
    Query(query): Query<LedgerQuery>,
) -> Result<Answer<PageResponse<LedgerResponse>>, ApiError> {
    let caller = permit.caller;
    caller.check_whole_organization()?;
    let page = page(query.page, query.limit, face);
    let document_id = query.document_id.as_ref().map(|Id(id)| id.as_str());
    let listing = context.store.list_ledger(&caller.organization_id, document_id, page).await?;
    let entries = listing.items.into_iter().map(LedgerResponse::from).collect();
    Ok(Answer(PageResponse::new(entries, page, listing.total)))
}

impl From<LedgerEntry> for LedgerResponse {
    fn from(entry: LedgerEntry) -> Self {
        Self {
            id: entry.id,
            kind: entry.kind.as_str(),
            amount: entry.amount,
            balance: entry.balance,
            document_id: entry.document_id,
            closes: entry.closes,
            reason: entry.reason,
            created_at: entry.created_at.to_iso(),
        }
    }
}
