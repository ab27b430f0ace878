-- What an organization may use, what it has used and what it has paid for; and an audit log that shows tampering.
-- Plans and prices are data, so that an operator changes them without another program.

create table plans (
    name text primary key,
    -- The plan of organizations that are made without naming one; exactly one plan is it.
    is_default boolean not null,
    -- Limits of an organization; null for none.
    storage_bytes bigint check (storage_bytes >= 0),
    templates bigint check (templates >= 0),
    monthly_processing bigint check (monthly_processing >= 0),
    monthly_reads bigint check (monthly_reads >= 0),
    monthly_transfer_bytes bigint check (monthly_transfer_bytes >= 0),
    webhook_endpoints bigint check (webhook_endpoints >= 0),
    max_file_bytes bigint check (max_file_bytes >= 1),
    -- Requests per minute of one credential, and of all credentials of an organization together.
    credential_rate bigint check (credential_rate >= 1),
    organization_rate bigint check (organization_rate >= 1),
    -- Whether processing takes credits.
    needs_credits boolean not null
);

insert into plans (name, is_default, storage_bytes, templates, monthly_processing, monthly_reads,
    monthly_transfer_bytes, webhook_endpoints, max_file_bytes, credential_rate, organization_rate, needs_credits)
values
    ('free', false, 1000000000, 5, 1000, 10000, 1000000000, 0, 10485760, 60, 120, true),
    ('starter', false, 2000000000, 10, 5000, 50000, 2000000000, 1, 26214400, 120, 240, true),
    ('pro', false, 5000000000, 50, 10000, 100000, 2000000000, 5, 52428800, 300, 600, true),
    ('business', false, 10000000000, 100, 25000, 250000, 5000000000, null, 104857600, 600, 1200, true),
    ('advance', false, 20000000000, null, 50000, 500000, 10000000000, null, 209715200, 1200, 2400, true),
    ('unlimited', true, null, null, null, null, null, null, null, null, null, false);

create table accounts (
    organization_id text primary key references organizations (id) on delete cascade,
    plan text not null references plans (name),
    -- The sum of the ledger, kept beside it: taking from it locks it, so that nobody takes what is not there.
    credits bigint not null check (credits >= 0),
    updated_at bigint not null
);

insert into accounts (organization_id, plan, credits, updated_at)
    select id, 'unlimited', 0, updated_at from organizations;

-- Credits given, held, earned and given back. Append-only.
create table credit_ledger (
    id text primary key,
    organization_id text not null references organizations (id) on delete cascade,
    kind text not null check (kind in ('grant', 'hold', 'settle', 'refund')),
    -- What it adds to the balance: negative for a hold, 0 where a hold is earned.
    amount bigint not null,
    -- The balance after it.
    balance bigint not null check (balance >= 0),
    -- No reference: the entry outlives the document.
    document_id text,
    -- The hold that a settlement or refund ends: each hold ends once.
    closes text unique references credit_ledger (id),
    reason text not null,
    created_at bigint not null
);

create index credit_ledger_by_organization on credit_ledger (organization_id, id desc);
create index credit_ledger_by_document on credit_ledger (document_id) where document_id is not null;

-- Credits that a document takes, by the extractor that its template names. The row `default` holds for all others.
create table extractor_prices (
    plugin text primary key,
    credits bigint not null check (credits >= 0)
);

insert into extractor_prices (plugin, credits) values ('default', 1);

-- What quotas are measured against.
create table monthly_usage (
    organization_id text not null references organizations (id) on delete cascade,
    -- `YYYY-MM` in UTC.
    month text not null,
    processing bigint not null,
    reads bigint not null,
    transfer_bytes bigint not null,
    primary key (organization_id, month)
);

-- What analytics tell. Of projects and documents that are gone too, hence no reference.
create table daily_usage (
    organization_id text not null references organizations (id) on delete cascade,
    project_id text not null,
    -- `YYYY-MM-DD` in UTC.
    day text not null,
    -- Uploads of the day.
    documents bigint not null,
    uploaded_bytes bigint not null,
    -- Documents whose processing ended on the day.
    completed bigint not null,
    failed bigint not null,
    cancelled bigint not null,
    -- Of the completed ones: their pages, and the time from their start to their end.
    pages bigint not null,
    processing_micros bigint not null,
    -- Earned on the day.
    credits bigint not null,
    -- Files kept when the day was last measured; null on days that were not.
    storage_bytes bigint,
    primary key (organization_id, project_id, day)
);

insert into daily_usage (organization_id, project_id, day, documents, uploaded_bytes, completed, failed, cancelled,
    pages, processing_micros, credits)
select organization_id, project_id, day, sum(documents), sum(uploaded_bytes), sum(completed), sum(failed),
    sum(cancelled), sum(pages), sum(processing_micros), 0
from (
    select organization_id, project_id,
        to_char(to_timestamp(created_at / 1000000) at time zone 'UTC', 'YYYY-MM-DD') as day, 1 as documents,
        size_bytes as uploaded_bytes, 0 as completed, 0 as failed, 0 as cancelled, 0 as pages, 0 as processing_micros
    from documents
    union all
    select organization_id, project_id,
        to_char(to_timestamp(completed_at / 1000000) at time zone 'UTC', 'YYYY-MM-DD'), 0, 0,
        case when status = 'completed' then 1 else 0 end, case when status = 'failed' then 1 else 0 end,
        case when status = 'cancelled' then 1 else 0 end,
        case when status = 'completed' then coalesce(page_count, 0) else 0 end,
        case when status = 'completed' then completed_at - coalesce(started_at, completed_at) else 0 end
    from documents where completed_at is not null
) as counted
group by organization_id, project_id, day;

-- Files that are kept: how much room they take, and which have been kept long enough.
create index documents_kept on documents (organization_id, project_id, completed_at, size_bytes)
    where blob_key is not null;

-- Each entry has the hash of its content and of its predecessor's hash. Entries older than this have neither.
alter table audit add column sequence bigint;
alter table audit add column hash text;

create unique index audit_by_sequence on audit (organization_id, sequence);

-- The end of each organization's chain; its lock makes writers take turns.
create table audit_heads (
    organization_id text primary key references organizations (id) on delete cascade,
    sequence bigint not null,
    hash text not null,
    -- Entries from before the chain.
    earlier_entries bigint not null
);

insert into audit_heads (organization_id, sequence, hash, earlier_entries)
    select o.id, 0, '', (select count(*) from audit a where a.organization_id = o.id) from organizations o;

-- When each periodic task was last taken up, by whichever process: they take turns.
create table upkeep_turns (
    task text primary key,
    taken_at bigint not null
);
