-- How people come in and stay who they are: confirmed addresses, one-time links by mail, invitations, limits on
-- guessing, and the generations of the key that signs access tokens.

-- Null until the person has shown that mail to the address arrives; such an account cannot log in. Accounts that an
-- operator or an organization made are vouched for.
alter table users add column email_verified_at bigint;

update users set email_verified_at = created_at;

create index refresh_tokens_by_user on refresh_tokens (user_id, organization_id);

-- What a mailed link proves: that its bearer reads the mail of an address.
create table one_time_tokens (
    id text primary key,
    user_id text not null references users (id) on delete cascade,
    purpose text not null check (purpose in ('verify_email', 'reset_password')),
    -- Where the mail went; lower case.
    email text not null,
    -- The organization that a sign-up makes once the address is confirmed.
    organization_name text,
    -- HMAC-SHA256 of the token in hexadecimal.
    token_hash text not null unique,
    expires_at bigint not null,
    -- Set when it is used, or when a later one takes its place.
    used_at bigint,
    created_at bigint not null
);

create index one_time_tokens_by_user on one_time_tokens (user_id, purpose);

create table invitations (
    id text primary key,
    organization_id text not null references organizations (id) on delete cascade,
    -- Lower case.
    email text not null,
    role text not null check (role in ('owner', 'admin', 'member', 'viewer')),
    invited_by text references users (id) on delete set null,
    -- HMAC-SHA256 of the mailed token in hexadecimal.
    token_hash text not null unique,
    expires_at bigint not null,
    accepted_at bigint,
    withdrawn_at bigint,
    created_at bigint not null
);

create index invitations_by_organization on invitations (organization_id, id desc);

-- Attempts at something that may be tried only so often, in a window that begins with the first.
create table attempts (
    -- What is tried, by whom: a word, and a hash where it holds an address of a person.
    key text primary key,
    count bigint not null,
    window_ends_at bigint not null
);

-- The keys themselves are derived from the installation's secret and the number of the generation.
create table signing_keys (
    generation bigint primary key,
    created_at bigint not null,
    -- From then on nothing that it signed is accepted; null for the one that signs.
    retires_at bigint
);

insert into signing_keys (generation, created_at, retires_at) values (1, 0, null);
