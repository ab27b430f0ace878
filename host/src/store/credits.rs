//! Credits: an append-only ledger per organization. Its sum is the balance, which the account keeps beside it.
//!
//! Taking credits changes the account's row first, on condition that enough is there. So transactions that spend take
//! turns, on one connection or many, and what they hold together is never more than there was.

use serde_json::json;

use super::audit::Event;
use super::statement::{FromRow, Row, arguments, statements};
use super::{Error, Store, Transaction};
use crate::domain::audit::Actor;
use crate::domain::credit::{CreditsShort, Ending, Grant, LedgerEntry, LedgerKind};
use crate::domain::document::Document;
use crate::domain::listing::{Listing, Page};
use crate::domain::template::TemplateReference;

macro_rules! columns {
    () => {
        "id, kind, amount, balance, document_id, closes, reason, created_at "
    };
}

statements! {
    "credits";
    BALANCE = "select credits from accounts where organization_id = $1";
    LIST = concat!(
        "select ", columns!(),
        "from credit_ledger where organization_id = $1 and (cast($2 as text) is null or document_id = $2)
        order by id desc limit $3 offset $4"
    );
    COUNT = "select count(*) as total from credit_ledger
        where organization_id = $1 and (cast($2 as text) is null or document_id = $2)";
    /// Both engines look at the condition again once they have the row to themselves.
    CHANGE_BALANCE = "update accounts set credits = credits + $2, updated_at = $3
        where organization_id = $1 and credits + $2 >= 0 returning credits";
    APPEND = "insert into credit_ledger (id, organization_id, kind, amount, balance, document_id, closes, reason,
            created_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    OPEN_HOLD = "select h.id as id, h.amount as amount from credit_ledger h
        where h.organization_id = $1 and h.document_id = $2 and h.kind = 'hold'
            and not exists (select 1 from credit_ledger c where c.closes = h.id)
        order by h.id desc limit 1";
    PRICE = "select coalesce(own.credits, other.credits, 1) as credits
        from (select 1 as one) anything
            left join extractor_prices other on other.plugin = 'default'
            left join template_versions v on v.template_id = $1 and v.version = $2
            left join extractor_prices own on own.plugin = v.plugin";
    SET_PRICE = "insert into extractor_prices (plugin, credits) values ($1, $2)
        on conflict (plugin) do update set credits = excluded.credits";
    PRICES = "select plugin, credits from extractor_prices order by plugin";
}

impl Store {
    /// The balance of an organization; `None` where there is no such organization.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn credit_balance(&self, organization_id: &str) -> Result<Option<u64>, Error> {
        let row = self.engine.fetch_optional(&BALANCE, arguments![organization_id]).await?;
        row.map(|row| row.number("credits")).transpose()
    }

    /// The organization's ledger, newest first, or only what is about one document.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn list_ledger(
        &self,
        organization_id: &str,
        document_id: Option<&str>,
        page: Page,
    ) -> Result<Listing<LedgerEntry>, Error> {
        let total = self.engine.count(&COUNT, arguments![organization_id, document_id]).await?;
        let bound = arguments![organization_id, document_id, page.limit, page.offset()];
        Ok(Listing { items: self.engine.list(&LIST, bound).await?, total })
    }

    /// Gives credits to an organization, or takes them back where `amount` is negative.
    ///
    /// # Errors
    /// [`Error::CreditsShort`] where more would be taken than there is, or whatever the database answers.
    pub async fn grant_credits(
        &self,
        actor: &Actor,
        organization_id: &str,
        amount: i64,
        reason: &str,
    ) -> Result<Grant, Error> {
        let mut tx = self.begin().await?;
        if tx.fetch_optional(&BALANCE, arguments![organization_id]).await?.is_none() {
            return Ok(Grant::NotFound);
        }
        let balance = self.change_balance(&mut tx, organization_id, amount).await?;
        let entry =
            LedgerEntry { amount, balance, reason: reason.to_owned(), ..self.entry(LedgerKind::Grant) };
        append(&mut tx, organization_id, &entry).await?;
        let event = Event {
            organization_id,
            actor,
            action: "credits.granted",
            target: &entry.id,
            changes: Some(json!({ "amount": amount, "reason": reason, "balance": balance })),
        };
        self.audit(&mut tx, event).await?;
        tx.commit().await?;
        Ok(Grant::Granted(entry))
    }

    /// Sets what documents cost whose template names this extractor; the name `default` stands for all others.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn set_extractor_price(&self, plugin: &str, credits: u64) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        tx.execute(&SET_PRICE, arguments![plugin, credits]).await?;
        tx.commit().await
    }

    /// What documents cost, by the extractor that their template names.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn extractor_prices(&self) -> Result<Vec<(String, u64)>, Error> {
        let rows = self.engine.fetch_all(&PRICES, vec![]).await?;
        rows.iter().map(|row| Ok((row.get("plugin")?, row.number("credits")?))).collect()
    }

    /// Takes what a document costs from the balance, in the caller's transaction.
    ///
    /// # Errors
    /// [`Error::CreditsShort`], or whatever the database answers.
    pub(super) async fn hold_credits(
        &self,
        tx: &mut Transaction,
        organization_id: &str,
        document_id: &str,
        template: Option<&TemplateReference>,
    ) -> Result<(), Error> {
        let price = price(tx, template).await?;
        if price == 0 {
            return Ok(());
        }
        let balance = self.change_balance(tx, organization_id, -price).await?;
        let entry = LedgerEntry {
            amount: -price,
            balance,
            document_id: Some(document_id.to_owned()),
            reason: "document accepted".to_owned(),
            ..self.entry(LedgerKind::Hold)
        };
        append(tx, organization_id, &entry).await
    }

    /// Ends the hold of a document, if it has one, in the caller's transaction: earned or given back. Answers how many
    /// credits were earned.
    pub(super) async fn close_hold(
        &self,
        tx: &mut Transaction,
        document: &Document,
        ending: Ending<'_>,
    ) -> Result<u64, Error> {
        let organization_id = &document.organization_id;
        let hold = tx.fetch_optional(&OPEN_HOLD, arguments![organization_id, &document.id]).await?;
        let Some(hold) = hold else { return Ok(0) };
        let held = hold.get::<i64>("amount")?.saturating_neg();
        let (kind, amount) = match ending.is_earned() {
            true => (LedgerKind::Settle, 0),
            false => (LedgerKind::Refund, held),
        };
        let entry = LedgerEntry {
            amount,
            balance: self.change_balance(tx, organization_id, amount).await?,
            document_id: Some(document.id.clone()),
            closes: Some(hold.get("id")?),
            reason: match ending {
                Ending::Completed { .. } => "document processed".to_owned(),
                Ending::Failed { code } => format!("processing failed: {code}"),
                Ending::Cancelled => "document cancelled".to_owned(),
            },
            ..self.entry(kind)
        };
        append(tx, organization_id, &entry).await?;
        Ok(if ending.is_earned() { held.unsigned_abs() } else { 0 })
    }

    async fn change_balance(
        &self,
        tx: &mut Transaction,
        organization_id: &str,
        amount: i64,
    ) -> Result<u64, Error> {
        let bound = arguments![organization_id, amount, self.clock.now()];
        if let Some(changed) = tx.fetch_optional(&CHANGE_BALANCE, bound).await? {
            return changed.number("credits");
        }
        let row = tx.fetch_optional(&BALANCE, arguments![organization_id]).await?;
        let balance = row.map_or(Ok(0), |row| row.number("credits"))?;
        Err(CreditsShort { needed: amount.unsigned_abs(), balance }.into())
    }

    fn entry(&self, kind: LedgerKind) -> LedgerEntry {
        LedgerEntry {
            id: self.clock.new_id(),
            kind,
            amount: 0,
            balance: 0,
            document_id: None,
            closes: None,
            reason: String::new(),
            created_at: self.clock.now(),
        }
    }
}

async fn price(tx: &mut Transaction, template: Option<&TemplateReference>) -> Result<i64, Error> {
    let bound =
        arguments![template.map(|template| template.id.as_str()), template.map(|template| template.version)];
    tx.fetch_optional(&PRICE, bound).await?.map_or(Ok(1), |row| row.get("credits"))
}

async fn append(tx: &mut Transaction, organization_id: &str, entry: &LedgerEntry) -> Result<(), Error> {
    tx.execute(
        &APPEND,
        arguments![
            &entry.id,
            organization_id,
            entry.kind.as_str(),
            entry.amount,
            entry.balance,
            &entry.document_id,
            &entry.closes,
            &entry.reason,
            entry.created_at
        ],
    )
    .await?;
    Ok(())
}

impl FromRow for LedgerEntry {
    fn from_row(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            id: row.get("id")?,
            kind: row.word("kind", LedgerKind::parse)?,
            amount: row.get("amount")?,
            balance: row.number("balance")?,
            document_id: row.get("document_id")?,
            closes: row.get("closes")?,
            reason: row.get("reason")?,
            created_at: row.time("created_at")?,
        })
    }
}
