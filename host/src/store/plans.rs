//! Plans, which organization has which, and what of their quotas is used.

use serde_json::json;

use super::audit::Event;
use super::statement::{FromRow, Row, Statement, arguments, statements};
use super::{Error, Store, Transaction, usage};
use crate::domain::audit::Actor;
use crate::domain::plan::{Plan, Quota, QuotaUse};
use crate::domain::timestamp::Timestamp;

macro_rules! columns {
    () => {
        "p.name as name, p.is_default as is_default, p.storage_bytes as storage_bytes, p.templates as templates,
            p.monthly_processing as monthly_processing, p.monthly_reads as monthly_reads,
            p.monthly_transfer_bytes as monthly_transfer_bytes, p.webhook_endpoints as webhook_endpoints,
            p.max_file_bytes as max_file_bytes, p.credential_rate as credential_rate,
            p.organization_rate as organization_rate, p.needs_credits as needs_credits "
    };
}

statements! {
    "plans";
    LIST = concat!("select ", columns!(), "from plans p order by p.name");
    FIND = concat!("select ", columns!(), "from plans p where p.name = $1");
    FIND_OF = concat!(
        "select ", columns!(), "from accounts a join plans p on p.name = a.plan where a.organization_id = $1"
    );
    DEFINE = "insert into plans (name, is_default, storage_bytes, templates, monthly_processing, monthly_reads,
            monthly_transfer_bytes, webhook_endpoints, max_file_bytes, credential_rate, organization_rate,
            needs_credits)
        values ($1, false, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        on conflict (name) do update set storage_bytes = excluded.storage_bytes, templates = excluded.templates,
            monthly_processing = excluded.monthly_processing, monthly_reads = excluded.monthly_reads,
            monthly_transfer_bytes = excluded.monthly_transfer_bytes,
            webhook_endpoints = excluded.webhook_endpoints, max_file_bytes = excluded.max_file_bytes,
            credential_rate = excluded.credential_rate, organization_rate = excluded.organization_rate,
            needs_credits = excluded.needs_credits";
    SET_DEFAULT = "update plans set is_default = (name = $1) where exists (select 1 from plans where name = $1)";
    OPEN_ACCOUNT = "insert into accounts (organization_id, plan, credits, updated_at)
        select cast($1 as text), name, 0, cast($2 as bigint) from plans where is_default";
    ASSIGN = "update accounts set plan = $2, updated_at = $3 where organization_id = $1";
    /// What is counted while it is held does not change.
    LOCK_ACCOUNT = "update accounts set updated_at = updated_at where organization_id = $1";
    TEMPLATES = "select count(*) as total from templates where organization_id = $1 and deleted_at is null";
    WEBHOOK_ENDPOINTS = "select count(*) as total from webhook_endpoints where organization_id = $1";
    STORAGE = "select cast(coalesce(sum(size_bytes), 0) as bigint) as total from documents
        where organization_id = $1 and blob_key is not null";
}

impl Store {
    /// All plans, by name.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn list_plans(&self) -> Result<Vec<Plan>, Error> {
        self.engine.list(&LIST, vec![]).await
    }

    /// The plan with this name.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn plan(&self, name: &str) -> Result<Option<Plan>, Error> {
        self.engine.find(&FIND, arguments![name]).await
    }

    /// The plan of an organization.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn plan_of(&self, organization_id: &str) -> Result<Option<Plan>, Error> {
        self.engine.find(&FIND_OF, arguments![organization_id]).await
    }

    /// Makes a plan, or changes the one with its name; `is_default` stays as it is.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn define_plan(&self, plan: &Plan) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        tx.execute(
            &DEFINE,
            arguments![
                &plan.name,
                plan.storage_bytes,
                plan.templates,
                plan.monthly_processing,
                plan.monthly_reads,
                plan.monthly_transfer_bytes,
                plan.webhook_endpoints,
                plan.max_file_bytes,
                plan.credential_rate,
                plan.organization_rate,
                plan.needs_credits
            ],
        )
        .await?;
        tx.commit().await
    }

    /// Makes a plan the one of organizations that are made from now on; `false` where there is no such plan.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn set_default_plan(&self, name: &str) -> Result<bool, Error> {
        let mut tx = self.begin().await?;
        let touched = tx.execute(&SET_DEFAULT, arguments![name]).await?;
        tx.commit().await?;
        Ok(touched > 0)
    }

    /// Gives an organization another plan; `None` where there is no such plan or no such organization.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn set_plan(
        &self,
        actor: &Actor,
        organization_id: &str,
        name: &str,
    ) -> Result<Option<Plan>, Error> {
        let mut tx = self.begin().await?;
        let Some(plan): Option<Plan> = tx.find(&FIND, arguments![name]).await? else { return Ok(None) };
        let assigned = tx.execute(&ASSIGN, arguments![organization_id, name, self.clock.now()]).await?;
        if assigned == 0 {
            return Ok(None);
        }
        let event = Event {
            organization_id,
            actor,
            action: "organization.plan_changed",
            target: organization_id,
            changes: Some(json!({ "plan": name })),
        };
        self.audit(&mut tx, event).await?;
        tx.commit().await?;
        Ok(Some(plan))
    }

    /// How much of each quota of `plan` an organization has used.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn quota_uses(&self, organization_id: &str, plan: &Plan) -> Result<Vec<QuotaUse>, Error> {
        let month = self.monthly_usage(organization_id).await?;
        let mut uses = Vec::with_capacity(Quota::ALL.len());
        for quota in Quota::ALL.iter().copied() {
            let used = match quota {
                Quota::Storage => self.engine.count(&STORAGE, arguments![organization_id]).await?,
                Quota::Templates => self.engine.count(&TEMPLATES, arguments![organization_id]).await?,
                Quota::Processing => month.processing,
                Quota::Reads => month.requests.reads,
                Quota::Transfer => month.requests.transfer_bytes,
                Quota::WebhookEndpoints => {
                    self.engine.count(&WEBHOOK_ENDPOINTS, arguments![organization_id]).await?
                }
            };
            uses.push(QuotaUse { quota, used, allowed: plan.allowed(quota) });
        }
        Ok(uses)
    }
}

/// Gives a new organization its account, with the default plan and no credits, in the caller's transaction.
pub(super) async fn open_account(
    tx: &mut Transaction,
    organization_id: &str,
    now: Timestamp,
) -> Result<(), Error> {
    tx.execute(&OPEN_ACCOUNT, arguments![organization_id, now]).await?;
    Ok(())
}

/// The plan of an organization, inside the caller's transaction.
pub(super) async fn read_of(tx: &mut Transaction, organization_id: &str) -> Result<Plan, Error> {
    tx.read(&FIND_OF, arguments![organization_id]).await
}

/// Checks that the organization may have one template more. The caller's transaction makes it, and holds the account
/// until then, so that two of them cannot both take the last place.
///
/// # Errors
/// [`Error::QuotaExceeded`], or whatever the database answers.
pub(super) async fn check_one_more_template(
    tx: &mut Transaction,
    organization_id: &str,
) -> Result<(), Error> {
    check_count(tx, organization_id, Quota::Templates, &TEMPLATES).await
}

/// Checks that one more of what the statement `count` counts (as `total`, by the organization) is within a quota.
///
/// # Errors
/// [`Error::QuotaExceeded`], or whatever the database answers.
pub(super) async fn check_count(
    tx: &mut Transaction,
    organization_id: &str,
    quota: Quota,
    count: &'static Statement,
) -> Result<(), Error> {
    let plan = read_of(tx, organization_id).await?;
    if plan.allowed(quota).is_none() {
        return Ok(());
    }
    tx.execute(&LOCK_ACCOUNT, arguments![organization_id]).await?;
    let there: u64 = tx.fetch_optional(count, arguments![organization_id]).await?.map_or(Ok(0), total)?;
    Ok(plan.check(quota, there + 1)?)
}

/// Checks what an upload of `size_bytes` does to the quotas of an organization, and counts it. The month's row is
/// written first: until the transaction ends no other upload of the organization gets past it.
///
/// # Errors
/// [`Error::QuotaExceeded`], or whatever the database answers.
pub(super) async fn take_in_upload(
    tx: &mut Transaction,
    organization_id: &str,
    plan: &Plan,
    month: &str,
    size_bytes: u64,
) -> Result<(), Error> {
    let used = usage::count_upload(tx, organization_id, month, size_bytes).await?;
    plan.check(Quota::Processing, used.processing)?;
    plan.check(Quota::Transfer, used.requests.transfer_bytes)?;
    if plan.allowed(Quota::Storage).is_some() {
        // The document's own row is there already.
        let kept = tx.fetch_optional(&STORAGE, arguments![organization_id]).await?.map_or(Ok(0), total)?;
        plan.check(Quota::Storage, kept)?;
    }
    Ok(())
}

fn total(row: Row) -> Result<u64, Error> {
    row.number("total")
}

impl FromRow for Plan {
    fn from_row(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            name: row.get("name")?,
            is_default: row.get("is_default")?,
            storage_bytes: row.optional_number("storage_bytes")?,
            templates: row.optional_number("templates")?,
            monthly_processing: row.optional_number("monthly_processing")?,
            monthly_reads: row.optional_number("monthly_reads")?,
            monthly_transfer_bytes: row.optional_number("monthly_transfer_bytes")?,
            webhook_endpoints: row.optional_number("webhook_endpoints")?,
            max_file_bytes: row.optional_number("max_file_bytes")?,
            credential_rate: row.optional_number("credential_rate")?,
            organization_rate: row.optional_number("organization_rate")?,
            needs_credits: row.get("needs_credits")?,
        })
    }
}
