-- Each step of a plugin is told: the words of `events.kind` grow. SQLite changes no check: the table is made anew, and with
-- it those that refer to it. Their columns are what they were.
alter table events rename to events_before;
alter table webhook_deliveries rename to webhook_deliveries_before;
alter table webhook_attempts rename to webhook_attempts_before;

create table events (
    id text primary key,
    -- `evt_{unixMs}_{random6}`: the id that receivers see.
    public_id text not null unique,
    organization_id text not null references organizations (id) on delete cascade,
    -- Null for what belongs to no project.
    project_id text,
    kind text not null check (
        kind in ('document.uploaded', 'document.processed', 'document.failed', 'document.cancelled', 'batch.uploaded', 'batch.completed', 'template.created', 'template.updated', 'template.deleted', 'plugin.uploaded', 'plugin.activated', 'plugin.failed', 'plugin.retired', 'plugin.deleted', 'webhook.test')
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

insert into events (id, public_id, organization_id, project_id, kind, document_id, document_sequence, batch_id, batch_sequence, payload, trace, created_at)
select id, public_id, organization_id, project_id, kind, document_id, document_sequence, batch_id, batch_sequence, payload, trace, created_at from events_before;
insert into webhook_deliveries (id, organization_id, endpoint_id, event_id, state, attempt, attempts_excused, due_at, sender, created_at, updated_at, finished_at)
select id, organization_id, endpoint_id, event_id, state, attempt, attempts_excused, due_at, sender, created_at, updated_at, finished_at from webhook_deliveries_before;
insert into webhook_attempts (delivery_id, attempt, started_at, duration_ms, response_status, response_body, failure_code, failure_message)
select delivery_id, attempt, started_at, duration_ms, response_status, response_body, failure_code, failure_message from webhook_attempts_before;

drop table webhook_attempts_before;
drop table webhook_deliveries_before;
drop table events_before;

create unique index events_by_document on events (document_id, document_sequence) where document_id is not null;
create unique index events_by_batch on events (batch_id, batch_sequence) where batch_id is not null;
create index events_by_age on events (created_at, id);
create index webhook_deliveries_waiting on webhook_deliveries (endpoint_id, due_at, id) where state = 'pending';
create index webhook_deliveries_by_endpoint on webhook_deliveries (endpoint_id, id desc);
create index webhook_deliveries_by_event on webhook_deliveries (event_id);
