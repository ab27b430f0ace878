-- Who may do what: organizations own projects; users belong to organizations; tokens stand for either.
-- Ids are UUIDv7 as text, times microseconds since 1970 UTC, JSON is text on both engines: it is read whole, and
-- its key order is part of it. Words with a fixed vocabulary carry a check. Everything is made in Rust.

create table organizations (
    id text primary key,
    name text not null,
    is_active boolean not null,
    -- When one of its documents was last given a turn: the tie-break of the fair order between organizations.
    dispatched_at bigint not null,
    created_at bigint not null,
    updated_at bigint not null
);

create table users (
    id text primary key,
    -- Lower case: addresses are compared without case.
    email text not null unique,
    name text not null,
    -- Argon2 in PHC form.
    password_hash text not null,
    is_active boolean not null,
    created_at bigint not null,
    updated_at bigint not null
);

create table memberships (
    organization_id text not null references organizations (id) on delete cascade,
    user_id text not null references users (id) on delete cascade,
    role text not null check (role in ('owner', 'admin', 'member', 'viewer')),
    created_at bigint not null,
    primary key (organization_id, user_id)
);

create index memberships_by_user on memberships (user_id, organization_id);

create table projects (
    id text primary key,
    organization_id text not null references organizations (id) on delete cascade,
    name text not null,
    description text,
    is_active boolean not null,
    -- Days after which a document's file is deleted; 0 keeps it for ever.
    file_retention_days bigint not null check (file_retention_days >= 0),
    created_at bigint not null,
    updated_at bigint not null,
    -- Referred to together, so that no row can name a project of another organization.
    unique (organization_id, id)
);

create table api_tokens (
    id text primary key,
    organization_id text not null references organizations (id) on delete cascade,
    -- Null for a token that reaches every project of the organization.
    project_id text references projects (id) on delete cascade,
    kind text not null check (kind in ('organization', 'project')),
    name text not null,
    description text,
    -- The part of the token by which it is looked up; no secret.
    public_id text not null unique,
    -- HMAC-SHA256 of the whole token in hexadecimal; the token itself is not kept.
    secret_hash text not null,
    -- JSON array of words.
    scopes text not null,
    -- JSON array of addresses and networks; empty for any.
    addresses text not null,
    created_by text references users (id) on delete set null,
    expires_at bigint not null,
    last_used_at bigint,
    revoked_at bigint,
    created_at bigint not null,
    check ((kind = 'project') = (project_id is not null))
);

create index api_tokens_by_organization on api_tokens (organization_id, id);

create table refresh_tokens (
    id text primary key,
    user_id text not null references users (id) on delete cascade,
    -- The organization the login is for.
    organization_id text not null references organizations (id) on delete cascade,
    -- All tokens that descend from one login: the re-use of a spent one revokes them together.
    family text not null,
    token_hash text not null unique,
    expires_at bigint not null,
    used_at bigint,
    revoked_at bigint,
    created_at bigint not null
);

create index refresh_tokens_by_family on refresh_tokens (family);

-- Secrets that the program makes for itself at its first start, such as the key that signs access tokens.
create table secrets (
    name text primary key,
    value text not null,
    created_at bigint not null
);
