//! How much there is to do, for all tenants together: numbers for operators.

use super::statement::{arguments, statements};
use super::{Error, Store};
use crate::domain::document::DocumentStatus;
use crate::domain::timestamp::Timestamp;

statements! {
    "load";
    DOCUMENTS = "select status, count(*) as total, min(updated_at) as since from documents
        where status in ('pending', 'queued', 'in_progress') group by status";
    DELIVERIES = "select count(*) as total, min(due_at) as since from webhook_deliveries
        where state = 'pending' and sender is null and due_at <= $1
            and endpoint_id in (select id from webhook_endpoints where status = 'active')";
}

/// How much there is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Load {
    /// Number of unfinished documents by status; every such status is there.
    pub documents: Vec<(DocumentStatus, u64)>,
    /// Since when the oldest document that waits has been waiting.
    pub waiting_since: Option<Timestamp>,
    /// Deliveries of webhooks that are due.
    pub deliveries: u64,
    /// Since when the oldest of them has been due.
    pub due_since: Option<Timestamp>,
    /// Connections to the database that are in use.
    pub connections_used: u64,
    /// Connections to the database that are idle.
    pub connections_idle: u64,
}

impl Store {
    /// How much there is to do.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn load(&self) -> Result<Load, Error> {
        let unfinished = DocumentStatus::ALL.iter().filter(|status| !status.is_final());
        let mut documents: Vec<(DocumentStatus, u64)> = unfinished.map(|status| (*status, 0)).collect();
        let mut waiting_since = None;
        for row in self.engine.fetch_all(&DOCUMENTS, vec![]).await? {
            let status = row.word("status", DocumentStatus::parse)?;
            let (count, since) = (row.number("total")?, row.optional_time("since")?);
            for (_, total) in documents.iter_mut().filter(|(known, _)| *known == status) {
                *total = count;
            }
            if status != DocumentStatus::InProgress {
                waiting_since = [waiting_since, since].into_iter().flatten().min();
            }
        }
        let (deliveries, due_since) =
            match self.engine.fetch_optional(&DELIVERIES, arguments![self.clock.now()]).await? {
                None => (0, None),
                Some(row) => (row.number("total")?, row.optional_time("since")?),
            };
        let (open, connections_idle) = self.engine.connections();
        let connections_used = open.saturating_sub(connections_idle);
        Ok(Load { documents, waiting_since, deliveries, due_since, connections_used, connections_idle })
    }
}
