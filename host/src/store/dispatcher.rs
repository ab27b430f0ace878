//! Decides who is next: moves documents from `pending` to the queue in fair turns between organizations, by
//! priority within one, and only as many as there are workers free to take them.
//!
//! The fewer documents an organization has in flight, the sooner its next turn; among equals, the one whose last turn
//! is longest ago. An organization with a thousand documents thus delays one with a single document by one.

use std::time::Duration;

use super::queue::Queue;
use super::statement::{arguments, statements};
use super::{Error, Store, Transaction};
use crate::domain::timestamp::Timestamp;

statements! {
    "dispatcher";
    ANY_WAITING = "select id from documents where status = 'pending' limit 1";
    TAKE_TURN = "update dispatcher set dispatched_at = $1 where id = 1";
    ORGANIZATIONS = "select o.id as id, count(f.id) as in_flight
        from organizations o left join documents f
            on f.organization_id = o.id and f.status in ('queued', 'in_progress')
        where exists (select 1 from documents p where p.organization_id = o.id and p.status = 'pending')
        group by o.id, o.dispatched_at order by count(f.id), o.dispatched_at, o.id limit $1";
    NEXT = "select id from documents where organization_id = $1 and status = 'pending'
        order by priority desc, id limit $2";
    QUEUE = "update documents set status = 'queued', updated_at = $2 where id = $1 and status = 'pending'";
    REMEMBER_TURN = "update organizations set dispatched_at = $2 where id = $1";
}

/// An organization with documents that wait.
struct Candidate {
    organization_id: String,
    in_flight: u64,
    had_turn: bool,
    /// The next documents, the last one first.
    waiting: Vec<String>,
}

impl Store {
    /// Queues documents until `free` messages are due, or nothing may be queued: at most `in_flight_limit` documents
    /// of one organization are queued or in progress. Answers how many were queued.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn dispatch(&self, free: u32, in_flight_limit: u32) -> Result<u32, Error> {
        if free == 0 || self.engine.fetch_optional(&ANY_WAITING, vec![]).await?.is_none() {
            return Ok(0);
        }
        let now = self.clock.now();
        let mut tx = self.begin().await?;
        tx.execute(&TAKE_TURN, arguments![now]).await?;
        let ready = u32::try_from(self.queue.ready(&mut tx).await?).unwrap_or(u32::MAX);
        let wanted = free.saturating_sub(ready);
        if wanted == 0 {
            return Ok(0);
        }
        let mut candidates = candidates(&mut tx, wanted).await?;
        let mut queued = 0;
        while queued < wanted {
            let Some(document_id) = next_in_turn(&mut candidates, in_flight_limit) else { break };
            if self.queue_document(&mut tx, &document_id, now).await? {
                queued += 1;
            }
        }
        // Those who had a turn stand at the end, the latest last: a microsecond apart they stay in this order.
        for (offset, candidate) in (0..).zip(candidates.iter().filter(|candidate| candidate.had_turn)) {
            let turn = now.after(Duration::from_micros(offset));
            tx.execute(&REMEMBER_TURN, arguments![&candidate.organization_id, turn]).await?;
        }
        tx.commit().await?;
        Ok(queued)
    }

    async fn queue_document(
        &self,
        tx: &mut Transaction,
        document_id: &str,
        now: Timestamp,
    ) -> Result<bool, Error> {
        // Cancelled meanwhile: nothing to queue.
        if tx.execute(&QUEUE, arguments![document_id, now]).await? == 0 {
            return Ok(false);
        }
        self.queue.send(tx, document_id, Duration::ZERO).await?;
        Ok(true)
    }
}

/// Organizations with documents that wait, next turn first, each with the documents it could have queued.
async fn candidates(tx: &mut Transaction, wanted: u32) -> Result<Vec<Candidate>, Error> {
    let mut candidates = Vec::new();
    for row in tx.fetch_all(&ORGANIZATIONS, arguments![wanted]).await? {
        let organization_id: String = row.get("id")?;
        let next = tx.fetch_all(&NEXT, arguments![&organization_id, wanted]).await?;
        let waiting = next.iter().rev().map(|row| row.get("id")).collect::<Result<_, _>>()?;
        let in_flight = row.number("in_flight")?;
        candidates.push(Candidate { organization_id, in_flight, had_turn: false, waiting });
    }
    Ok(candidates)
}

/// Takes the next document of the organization whose turn it is, and moves that organization to the end.
fn next_in_turn(candidates: &mut Vec<Candidate>, in_flight_limit: u32) -> Option<String> {
    let (index, _) = candidates
        .iter()
        .enumerate()
        .filter(|(_, candidate)| {
            !candidate.waiting.is_empty() && candidate.in_flight < u64::from(in_flight_limit)
        })
        .min_by_key(|(_, candidate)| candidate.in_flight)?;
    let mut candidate = candidates.remove(index);
    let document_id = candidate.waiting.pop();
    candidate.in_flight += 1;
    candidate.had_turn = true;
    candidates.push(candidate);
    document_id
}
