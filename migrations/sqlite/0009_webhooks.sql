-- What happened, told to whoever wants to know: streams of a document or batch, and webhooks. An event is written in
-- the transaction of what it tells, together with its deliveries, so that neither can be without the other.

-- How many events a document or batch had. Counting one up locks the row until the transaction ends, so that the
-- numbers of one document, or batch, become visible in their order and without a gap.
alter table documents add column event_count integer not null default 0;
alter table batches add column event_count integer not null default 0;

-- W3C trace context of the request that brought the document: the worker's part of the trace hangs below it.
alter table runs add column trace text;

create table events (
    id text primary key,
    -- `evt_{unixMs}_{random6}`: the id that receivers see.
    public_id text not null unique,
    organization_id text not null references organizations (id) on delete cascade,
    -- Null for what belongs to no project.
    project_id text,
    kind text not null check (
        kind in ('document.uploaded', 'document.processed', 'document.failed', 'document.cancelled', 'batch.uploaded', 'batch.completed', 'template.created', 'template.updated', 'template.deleted', 'plugin.activated', 'plugin.failed', 'webhook.test')
    ),
    -- No reference: what was deleted has had its events all the same.
    document_id text,
    -- Its number among the events of the document, from 1.
    document_sequence integer,
    batch_id text,
    -- Its number among the events of the batch, those of its documents included, from 1.
    batch_sequence integer,
    -- JSON object.
    payload text not null,
    -- W3C trace context of what made the event happen.
    trace text,
    created_at integer not null,
    foreign key (organization_id, project_id) references projects (organization_id, id) on delete cascade
) strict;

create unique index events_by_document on events (document_id, document_sequence) where document_id is not null;
create unique index events_by_batch on events (batch_id, batch_sequence) where batch_id is not null;
create index events_by_age on events (created_at, id);

create table webhook_endpoints (
    id text primary key,
    organization_id text not null references organizations (id) on delete cascade,
    -- Null for the events of every project.
    project_id text,
    name text not null,
    description text,
    url text not null,
    -- JSON array of kinds of events.
    events text not null,
    -- Sealed JSON object: headers may hold credentials of the receiver.
    custom_headers text not null,
    -- Sealed, since it has to be read again to sign.
    secret text not null,
    -- Sealed; signs beside the new one until its time is over.
    previous_secret text,
    previous_secret_until integer,
    status text not null check (status in ('active', 'paused', 'disabled')),
    -- Time of the first failure since the last success.
    failing_since integer,
    -- When it was last given a turn: the tie-break of the fair order between endpoints.
    attempted_at integer not null,
    delivered_at integer,
    created_by text references users (id) on delete set null,
    created_at integer not null,
    updated_at integer not null,
    foreign key (organization_id, project_id) references projects (organization_id, id) on delete cascade
) strict;

create index webhook_endpoints_by_organization on webhook_endpoints (organization_id, id);

create table webhook_deliveries (
    id text primary key,
    organization_id text not null references organizations (id) on delete cascade,
    endpoint_id text not null references webhook_endpoints (id) on delete cascade,
    event_id text not null references events (id) on delete cascade,
    state text not null check (state in ('pending', 'delivered', 'failed')),
    -- Counted when a sender takes it; what a sender writes counts only while its attempt is the latest.
    attempt integer not null check (attempt >= 0),
    -- Attempts that do not count towards the limit: those before it was sent again by request.
    attempts_excused integer not null check (attempts_excused >= 0),
    -- Not sent before this time: a delay, or the lease of the sender that has it.
    due_at integer not null,
    -- The sender that holds the lease, if one does.
    sender text,
    created_at integer not null,
    updated_at integer not null,
    finished_at integer
) strict;

create index webhook_deliveries_waiting on webhook_deliveries (endpoint_id, due_at, id) where state = 'pending';
create index webhook_deliveries_by_endpoint on webhook_deliveries (endpoint_id, id desc);
create index webhook_deliveries_by_event on webhook_deliveries (event_id);

create table webhook_attempts (
    delivery_id text not null references webhook_deliveries (id) on delete cascade,
    attempt integer not null,
    started_at integer not null,
    -- The rest is null while it is under way, and stays so where its sender was lost.
    duration_ms integer,
    -- HTTP status of the answer, where there was one.
    response_status integer,
    -- First bytes of the answer as text.
    response_body text,
    -- Why it did not count as delivered: a stable word and a sentence.
    failure_code text,
    failure_message text,
    primary key (delivery_id, attempt)
) strict;
