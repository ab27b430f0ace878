//! Delivers runs to workers: at least once, to one at a time, with a lease. It decides nothing else: fairness and
//! priority are decided before (see the dispatcher), attempts and final states belong to the run.

use std::time::Duration;

use async_trait::async_trait;

use super::statement::{FromRow, Row, arguments, statements};
use super::{Error, Transaction};
use crate::clock::Clock;

statements! {
    "queue";
    SEND = "insert into queue_messages (id, document_id, visible_at, deliveries, created_at)
        values ($1, $2, $3, 0, $4)";
    CLAIM = "update queue_messages set visible_at = $3, deliveries = deliveries + 1, worker = $2
        where id in (
            select id from queue_messages where visible_at <= $1 order by visible_at, id limit $4
        )
        returning id, document_id, deliveries",
        postgres: "update queue_messages set visible_at = $3, deliveries = deliveries + 1, worker = $2
        where id = any(array(
            select id from queue_messages where visible_at <= $1 order by visible_at, id limit $4
            for update skip locked
        ))
        returning id, document_id, deliveries";
    SET_VISIBLE = "update queue_messages set visible_at = $3 where id = $1 and deliveries = $2";
    RELEASE = "update queue_messages set visible_at = $3, worker = null where id = $1 and deliveries = $2";
    DELETE = "delete from queue_messages where id = $1 and deliveries = $2";
    WITHDRAW = "delete from queue_messages where document_id = $1";
    READY = "select count(*) as total from queue_messages where visible_at <= $1";
}

/// One delivery of one run to one worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The document whose run it is.
    pub document_id: String,
    message_id: String,
    /// How often the message was delivered: good as a receipt until it is delivered again.
    receipt: i64,
}

/// What every queue must do. All of it happens in the caller's transaction, together with what the run and the
/// document go through.
#[async_trait]
pub trait Queue: Send + Sync {
    /// Makes a message for a document's run; it is delivered from `delay` on. A document has at most one message.
    async fn send(&self, tx: &mut Transaction, document_id: &str, delay: Duration) -> Result<(), Error>;

    /// Takes up to `limit` messages that are due, for `lease`; nobody else gets them before it runs out.
    async fn claim(
        &self,
        tx: &mut Transaction,
        worker: &str,
        limit: u32,
        lease: Duration,
    ) -> Result<Vec<Delivery>, Error>;

    /// Makes the lease last from now for `lease`; `false` where it was lost.
    async fn extend(&self, tx: &mut Transaction, delivery: &Delivery, lease: Duration)
    -> Result<bool, Error>;

    /// Gives the message back, to be delivered again after `delay`; `false` where the lease was lost.
    async fn release(
        &self,
        tx: &mut Transaction,
        delivery: &Delivery,
        delay: Duration,
    ) -> Result<bool, Error>;

    /// Ends the message; `false` where the lease was lost.
    async fn acknowledge(&self, tx: &mut Transaction, delivery: &Delivery) -> Result<bool, Error>;

    /// Takes back the message of a document, if it has one.
    async fn withdraw(&self, tx: &mut Transaction, document_id: &str) -> Result<(), Error>;

    /// How many messages are due and wait for a worker.
    async fn ready(&self, tx: &mut Transaction) -> Result<u64, Error>;
}

/// A queue in one table, the same on both engines.
#[derive(Clone, Debug)]
pub(super) struct TableQueue {
    clock: Clock,
}

impl TableQueue {
    pub(super) fn new(clock: Clock) -> Self {
        Self { clock }
    }
}

#[async_trait]
impl Queue for TableQueue {
    async fn send(&self, tx: &mut Transaction, document_id: &str, delay: Duration) -> Result<(), Error> {
        let now = self.clock.now();
        tx.execute(&SEND, arguments![self.clock.new_id(), document_id, now.after(delay), now]).await?;
        Ok(())
    }

    async fn claim(
        &self,
        tx: &mut Transaction,
        worker: &str,
        limit: u32,
        lease: Duration,
    ) -> Result<Vec<Delivery>, Error> {
        let now = self.clock.now();
        let rows = tx.fetch_all(&CLAIM, arguments![now, worker, now.after(lease), limit]).await?;
        rows.iter().map(Delivery::from_row).collect()
    }

    async fn extend(
        &self,
        tx: &mut Transaction,
        delivery: &Delivery,
        lease: Duration,
    ) -> Result<bool, Error> {
        let until = self.clock.now().after(lease);
        let touched =
            tx.execute(&SET_VISIBLE, arguments![&delivery.message_id, delivery.receipt, until]).await?;
        Ok(touched == 1)
    }

    async fn release(
        &self,
        tx: &mut Transaction,
        delivery: &Delivery,
        delay: Duration,
    ) -> Result<bool, Error> {
        let from = self.clock.now().after(delay);
        let touched = tx.execute(&RELEASE, arguments![&delivery.message_id, delivery.receipt, from]).await?;
        Ok(touched == 1)
    }

    async fn acknowledge(&self, tx: &mut Transaction, delivery: &Delivery) -> Result<bool, Error> {
        let touched = tx.execute(&DELETE, arguments![&delivery.message_id, delivery.receipt]).await?;
        Ok(touched == 1)
    }

    async fn withdraw(&self, tx: &mut Transaction, document_id: &str) -> Result<(), Error> {
        tx.execute(&WITHDRAW, arguments![document_id]).await?;
        Ok(())
    }

    async fn ready(&self, tx: &mut Transaction) -> Result<u64, Error> {
        let row = tx.fetch_optional(&READY, arguments![self.clock.now()]).await?;
        row.map_or(Ok(0), |row| row.number("total"))
    }
}

impl FromRow for Delivery {
    fn from_row(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            document_id: row.get("document_id")?,
            message_id: row.get("id")?,
            receipt: row.get("deliveries")?,
        })
    }
}
