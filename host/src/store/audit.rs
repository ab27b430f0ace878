//! The audit log: written in the transaction of what it tells, never changed.
//!
//! The entries of an organization are a chain: each has a number and the SHA-256 of its content and of its predecessor's
//! hash, and the organization's head has the last of both. Whoever changes, removes or inserts a row leaves a place
//! where the numbers or hashes do not fit. The head's row is the lock under which writers append; it is taken when
//! everything else of a transaction is done.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::documents::{containing, escaped};
use super::engine::Transaction;
use super::statement::{Argument, FromRow, Row, arguments, statements, to_optional_json};
use super::{Error, Store};
use crate::domain::audit::{Actor, ActorKind, AuditBreak, AuditEntry, AuditFilter, AuditVerdict};
use crate::domain::listing::{Listing, Page};
use crate::domain::timestamp::Timestamp;

macro_rules! columns {
    () => {
        "id, organization_id, actor_kind, actor_id, action, target, changes, address, created_at, sequence, hash "
    };
}

/// The restriction of a list; each filter that is null lets everything through.
macro_rules! filtered {
    () => {
        "where organization_id = $1 and (cast($2 as text) is null or actor_id = $2)
            and (cast($3 as text) is null or action like $3 escape '\\')
            and (cast($4 as text) is null or target = $4)
            and (cast($5 as bigint) is null or created_at >= $5)
            and (cast($6 as bigint) is null or created_at < $6)
            and (cast($7 as text) is null or lower(action) like $7 escape '\\' or lower(target) like $7 escape '\\'
                or lower(changes) like $7 escape '\\' or lower(address) like $7 escape '\\'
                or lower(actor_id) like $7 escape '\\') "
    };
}

statements! {
    "audit";
    INSERT = "insert into audit (id, organization_id, actor_kind, actor_id, action, target, changes, address,
            created_at, sequence, hash)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    LOCK_HEAD = "insert into audit_heads (organization_id, sequence, hash, earlier_entries) values ($1, 0, '', 0)
        on conflict (organization_id) do update set sequence = audit_heads.sequence
        returning sequence, hash";
    MOVE_HEAD = "update audit_heads set sequence = $2, hash = $3 where organization_id = $1";
    LIST = concat!(
        "select ", columns!(), "from audit ", filtered!(), "order by id desc limit $8 offset $9"
    );
    LIST_BEFORE = concat!(
        "select ", columns!(), "from audit ", filtered!(),
        "and (cast($8 as text) is null or id < $8) order by id desc limit $9"
    );
    COUNT = concat!("select count(*) as total from audit ", filtered!());
    CHAIN = concat!(
        "select ", columns!(),
        "from audit where organization_id = $1 and sequence > $2 and sequence <= $3 order by sequence limit $4"
    );
    /// One statement, so that what it says holds together while others write.
    HEAD = "select h.sequence as sequence, h.hash as hash, h.earlier_entries as earlier_entries,
            (select count(*) from audit a where a.organization_id = h.organization_id and a.sequence is null)
                as unchained,
            coalesce((select max(a.sequence) from audit a where a.organization_id = h.organization_id), 0) as last
        from audit_heads h where h.organization_id = $1";
}

/// Entries that are read at one time while a chain is verified or a log is exported.
const CHUNK: u32 = 500;

/// What happened, for the audit log.
pub(super) struct Event<'a> {
    pub(super) organization_id: &'a str,
    pub(super) actor: &'a Actor,
    /// `entity.verb`.
    pub(super) action: &'static str,
    pub(super) target: &'a str,
    pub(super) changes: Option<Value>,
}

/// A line of the audit log that has no place in its chain yet.
pub(super) struct Unchained {
    id: String,
    organization_id: String,
    actor_kind: &'static str,
    actor_id: Option<String>,
    action: String,
    target: String,
    /// As it is stored.
    changes: Option<String>,
    address: Option<String>,
    at: Timestamp,
}

/// Where the chain of an organization ends.
struct Head {
    /// Number of the last entry, from 1; 0 where there is none.
    sequence: u64,
    /// Its hash in hexadecimal; empty where there is none.
    hash: String,
    /// Entries from before the chain.
    earlier_entries: u64,
    /// Entries that are not in the chain.
    unchained: u64,
    /// The highest number that an entry has.
    last: u64,
}

impl Store {
    /// The organization's audit entries that the filter lets through, newest first.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn list_audit(
        &self,
        organization_id: &str,
        filter: &AuditFilter,
        page: Page,
    ) -> Result<Listing<AuditEntry>, Error> {
        let restriction = restriction(organization_id, filter);
        let total = self.engine.count(&COUNT, restriction.clone()).await?;
        let mut bound = restriction;
        bound.extend(arguments![page.limit, page.offset()]);
        Ok(Listing { items: self.engine.list(&LIST, bound).await?, total })
    }

    /// The next few hundred of the entries that the filter lets through, newest first, older than the entry `before`
    /// where one is given. Empty after the last.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn audit_chunk(
        &self,
        organization_id: &str,
        filter: &AuditFilter,
        before: Option<&str>,
    ) -> Result<Vec<AuditEntry>, Error> {
        let mut bound = restriction(organization_id, filter);
        bound.extend(arguments![before, CHUNK]);
        self.engine.list(&LIST_BEFORE, bound).await
    }

    /// Checks the organization's audit log from its first chained entry to its last.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn verify_audit(&self, organization_id: &str) -> Result<AuditVerdict, Error> {
        let Some(head): Option<Head> = self.engine.find(&HEAD, arguments![organization_id]).await? else {
            return Ok(AuditVerdict { entries: 0, hash: String::new(), broken: None });
        };
        let mut verdict = AuditVerdict { entries: 0, hash: String::new(), broken: None };
        while verdict.entries < head.sequence {
            let bound = arguments![organization_id, verdict.entries, head.sequence, CHUNK];
            let rows: Vec<Chained> = self.engine.list(&CHAIN, bound).await?;
            if rows.is_empty() {
                break;
            }
            for row in rows {
                if let Some(reason) = row.misfit(verdict.entries, &verdict.hash) {
                    verdict.broken =
                        Some(AuditBreak { sequence: verdict.entries + 1, id: Some(row.entry.id), reason });
                    return Ok(verdict);
                }
                verdict.entries = row.sequence;
                verdict.hash = row.hash;
            }
        }
        verdict.broken = head.misfit(&verdict);
        Ok(verdict)
    }

    /// Writes a line of the audit log when the caller's transaction commits.
    pub(super) async fn audit(&self, tx: &mut Transaction, event: Event<'_>) -> Result<(), Error> {
        let changes = to_optional_json("changes", event.changes.as_ref())?;
        tx.keep_for_audit(Unchained {
            id: self.clock.new_id(),
            organization_id: event.organization_id.to_owned(),
            actor_kind: event.actor.kind.as_str(),
            actor_id: event.actor.id.as_deref().map(storable),
            action: event.action.to_owned(),
            target: storable(event.target),
            changes,
            address: event.actor.address.as_deref().map(storable),
            at: self.clock.now(),
        });
        Ok(())
    }
}

/// Puts lines at the end of their organizations' chains. Organizations come in the order of their ids, so that no two
/// transactions wait for each other.
pub(super) async fn append(tx: &mut Transaction, entries: Vec<Unchained>) -> Result<(), Error> {
    let mut chains: BTreeMap<String, Vec<Unchained>> = BTreeMap::new();
    for entry in entries {
        chains.entry(entry.organization_id.clone()).or_default().push(entry);
    }
    for (organization_id, entries) in chains {
        let Tip { mut sequence, mut hash } = tx.read(&LOCK_HEAD, arguments![&organization_id]).await?;
        for entry in entries {
            sequence += 1;
            hash = entry.hash(sequence, &hash);
            entry.insert(tx, sequence, &hash).await?;
        }
        tx.execute(&MOVE_HEAD, arguments![&organization_id, sequence, hash]).await?;
    }
    Ok(())
}

impl Unchained {
    async fn insert(self, tx: &mut Transaction, sequence: u64, hash: &str) -> Result<(), Error> {
        tx.execute(
            &INSERT,
            arguments![
                self.id,
                self.organization_id,
                self.actor_kind,
                self.actor_id,
                self.action,
                self.target,
                self.changes,
                self.address,
                self.at,
                sequence,
                hash
            ],
        )
        .await?;
        Ok(())
    }

    /// SHA-256 in hexadecimal of the predecessor's hash, a line feed, and a JSON array of number and content.
    fn hash(&self, sequence: u64, previous: &str) -> String {
        let content = json!([
            sequence,
            self.id,
            self.organization_id,
            self.actor_kind,
            self.actor_id,
            self.action,
            self.target,
            self.changes,
            self.address,
            self.at.0,
        ]);
        hex::encode(Sha256::digest(format!("{previous}\n{content}")))
    }
}

/// A row of a chain, as it is stored.
struct Chained {
    entry: Unchained,
    sequence: u64,
    hash: String,
}

impl Chained {
    /// What is wrong with it as the successor of the entry with this number and hash.
    fn misfit(&self, number: u64, previous: &str) -> Option<&'static str> {
        if self.sequence != number + 1 {
            Some("an entry is missing before this one")
        } else if self.entry.hash(self.sequence, previous) != self.hash {
            Some("the entry or its predecessor was changed")
        } else {
            None
        }
    }
}

impl Head {
    /// What is wrong with the end of a chain that fits together up to the entry of `verdict`.
    fn misfit(&self, verdict: &AuditVerdict) -> Option<AuditBreak> {
        let reason = if verdict.entries < self.sequence {
            "the last entries are missing"
        } else if verdict.hash != self.hash {
            "the last entry is not the one that was written last"
        } else if self.last > self.sequence {
            "an entry was added without its place in the chain"
        } else if self.unchained > self.earlier_entries {
            "an entry was added without a number"
        } else if self.unchained < self.earlier_entries {
            "an entry from before the chain is missing"
        } else {
            return None;
        };
        Some(AuditBreak { sequence: verdict.entries + 1, id: None, reason })
    }
}

fn restriction(organization_id: &str, filter: &AuditFilter) -> Vec<Argument> {
    arguments![
        organization_id,
        &filter.actor_id,
        filter.action.as_deref().map(|action| match action.strip_suffix(".*") {
            Some(entity) => format!("{}.%", escaped(entity)),
            None => escaped(action),
        }),
        &filter.target,
        filter.from,
        filter.before,
        filter.search.as_deref().map(containing)
    ]
}

/// What the next entry of a chain follows.
struct Tip {
    sequence: u64,
    hash: String,
}

impl FromRow for Tip {
    fn from_row(row: &Row) -> Result<Self, Error> {
        Ok(Self { sequence: row.number("sequence")?, hash: row.get("hash")? })
    }
}

/// A text as it comes back from the database, so that its hash stays right.
fn storable(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

impl FromRow for AuditEntry {
    fn from_row(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            id: row.get("id")?,
            organization_id: row.get("organization_id")?,
            actor: Actor {
                kind: row.word("actor_kind", ActorKind::parse)?,
                id: row.get("actor_id")?,
                address: row.get("address")?,
            },
            action: row.get("action")?,
            target: row.get("target")?,
            changes: row.optional_json("changes")?,
            at: row.time("created_at")?,
            sequence: row.optional_number("sequence")?,
            hash: row.get("hash")?,
        })
    }
}

impl FromRow for Chained {
    fn from_row(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            entry: Unchained {
                id: row.get("id")?,
                organization_id: row.get("organization_id")?,
                // A word that is not known leads to another hash, as it should.
                actor_kind: ActorKind::parse(&row.get::<String>("actor_kind")?).map_or("", ActorKind::as_str),
                actor_id: row.get("actor_id")?,
                action: row.get("action")?,
                target: row.get("target")?,
                changes: row.get("changes")?,
                address: row.get("address")?,
                at: row.time("created_at")?,
            },
            sequence: row.number("sequence")?,
            hash: row.get::<Option<String>>("hash")?.unwrap_or_default(),
        })
    }
}

impl FromRow for Head {
    fn from_row(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            sequence: row.number("sequence")?,
            hash: row.get("hash")?,
            earlier_entries: row.number("earlier_entries")?,
            unchained: row.number("unchained")?,
            last: row.number("last")?,
        })
    }
}
