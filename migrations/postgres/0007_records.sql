-- What records carry beside their upload: an extractor of their own, how far reading is, and names to search for.

-- The extractor a document was last asked to be read with, as a JSON object; null for its template's.
alter table documents add column extractor text;
-- Pages that the attempt in progress has read.
alter table documents add column pages_read bigint;

-- The batch's name in lower case, made in Rust like that of documents; older ones as well as the engine can.
alter table batches add column search_text text not null default '';
update batches set search_text = lower(name);

-- Answers kept for `Idempotency-Key`. They live for a day, so the table is made anew rather than changed.
drop table idempotency_keys;

create table idempotency_keys (
    organization_id text not null references organizations (id) on delete cascade,
    -- SHA-256 in hexadecimal of the credential's id and the key: credentials do not meet in their keys.
    key text not null,
    -- The request that holds the key while it is in progress, and until when. It says so again and again: a process
    -- that died does not, and its keys are free again soon.
    holder text not null,
    held_until bigint not null,
    -- Hash of the request; null, like the answer, while the first one is in progress.
    fingerprint text,
    answer_status bigint,
    answer_body text,
    created_at bigint not null,
    primary key (organization_id, key)
);

create index idempotency_keys_by_age on idempotency_keys (created_at);
