-- What was done, by whom. Append-only.

create table audit (
    id text primary key,
    organization_id text not null references organizations (id) on delete cascade,
    actor_kind text not null check (actor_kind in ('user', 'token', 'system')),
    actor_id text,
    -- `entity.verb`.
    action text not null,
    -- The id of what it was done to.
    target text not null,
    -- JSON object, or null.
    changes text,
    -- The caller's address.
    address text,
    created_at bigint not null
);

create index audit_by_organization on audit (organization_id, id desc);

-- Answers kept for `Idempotency-Key`.
create table idempotency_keys (
    organization_id text not null references organizations (id) on delete cascade,
    key text not null,
    -- Hash of method, path and body: the same key with another request is a conflict.
    fingerprint text not null,
    -- Null while the first request is in progress.
    answer_status bigint,
    answer_body text,
    created_at bigint not null,
    primary key (organization_id, key)
);

create index idempotency_keys_by_age on idempotency_keys (created_at);
