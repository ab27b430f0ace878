-- Who works on what. Every document has one run, which owns the count of attempts (also the fencing token), the
-- wish to cancel and the final state; the queue only delivers, so that a weak one can neither lose nor double a result.

create table runs (
    document_id text primary key references documents (id) on delete cascade,
    organization_id text not null references organizations (id) on delete cascade,
    -- Counted when a worker takes the run; what a worker writes counts only while its attempt is the latest.
    attempt integer not null check (attempt >= 0),
    -- Attempts that do not count towards the limit: those before a reprocessing, and those given back by a worker
    -- that stopped.
    attempts_excused integer not null check (attempts_excused >= 0),
    -- Attempts whose worker lived to tell why they failed.
    failures integer not null check (failures >= 0),
    state text not null check (state in ('waiting', 'running', 'finished', 'dead')),
    cancel_requested integer not null check (cancel_requested in (0, 1)),
    -- The worker of the latest attempt: host, process and a random id.
    worker text,
    -- Why the latest attempt failed; of a dead run, why it is dead.
    failure_code text,
    failure_message text,
    updated_at integer not null
) strict;

create table queue_messages (
    id text primary key,
    document_id text not null references documents (id) on delete cascade,
    -- Not delivered before this time: a delay, or the lease of the worker that has it.
    visible_at integer not null,
    -- Counted at each delivery; a worker's receipt is good only while it is the latest.
    deliveries integer not null,
    -- The worker that holds the lease, if one does.
    worker text,
    created_at integer not null
) strict;

create index queue_messages_by_time on queue_messages (visible_at, id);
create unique index queue_messages_by_document on queue_messages (document_id);

-- One row, written first by each dispatcher: its lock makes them take turns on PostgreSQL.
create table dispatcher (
    id integer primary key check (id = 1),
    dispatched_at integer not null
) strict;

insert into dispatcher (id, dispatched_at) values (1, 0);
