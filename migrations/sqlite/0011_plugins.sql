-- Plugins that were uploaded: which versions there are, which one runs, how their calls went, and which processes have
-- taken that over. Their components are in the blob store.

-- Counts the changes of all plugins. Its row is locked from a change to its commit: whoever has read up to one
-- generation misses nothing that comes later.
create table plugin_generation (
    id integer primary key check (id = 1),
    generation integer not null
) strict;

insert into plugin_generation (id, generation) values (1, 0);

create table plugins (
    id text primary key,
    -- Null for everybody's.
    organization_id text references organizations (id) on delete cascade,
    name text not null,
    -- The generation of the last change of the plugin or of one of its versions.
    generation integer not null,
    -- The version that runs for a share of the documents; the next four are null where there is none.
    canary_version_id text,
    -- JSON object.
    canary_terms text,
    -- Counted in the transaction of the call's outcome.
    canary_calls integer,
    canary_failures integer,
    canary_started_at integer,
    created_at integer not null,
    updated_at integer not null
) strict;

create unique index plugins_by_name on plugins (coalesce(organization_id, ''), name);
create index plugins_by_generation on plugins (generation);
create index plugins_with_canary on plugins (name) where canary_version_id is not null;

create table plugin_versions (
    id text primary key,
    plugin_id text not null references plugins (id) on delete cascade,
    version text not null,
    sha256 text not null,
    size_bytes integer not null check (size_bytes >= 0),
    -- JSON object: what the component says about itself.
    description text not null,
    state text not null check (state in ('draft', 'canary', 'active', 'retired', 'failed')),
    -- Why it was taken back.
    reason text,
    -- The version that was active before it.
    replaces_id text,
    actor_kind text not null check (actor_kind in ('user', 'token', 'system')),
    actor_id text,
    created_at integer not null,
    -- When it last became the active one.
    activated_at integer,
    unique (plugin_id, version)
) strict;

create unique index plugin_versions_active on plugin_versions (plugin_id) where state = 'active';
create unique index plugin_versions_canary on plugin_versions (plugin_id) where state = 'canary';

-- What was done to each version; it outlives the version.
create table plugin_steps (
    id text primary key,
    plugin_id text not null references plugins (id) on delete cascade,
    version text not null,
    sha256 text not null,
    step text not null check (
        step in ('uploaded', 'activated', 'canary_started', 'promoted', 'rolled_back', 'retired', 'failed', 'deleted')
    ),
    reason text,
    actor_kind text not null check (actor_kind in ('user', 'token', 'system')),
    actor_id text,
    created_at integer not null
) strict;

create index plugin_steps_by_plugin on plugin_steps (plugin_id, id desc);

-- The calls that an organization's documents made, of any plugin: those that took about as long as one another.
create table plugin_calls (
    organization_id text not null references organizations (id) on delete cascade,
    name text not null,
    sha256 text not null,
    failed integer not null check (failed in (0, 1)),
    bucket integer not null,
    calls integer not null,
    micros integer not null,
    -- The last failure.
    failure_code text,
    failure_message text,
    failed_at integer,
    primary key (organization_id, name, sha256, failed, bucket)
) strict;

-- The processes that run plugins.
create table plugin_replicas (
    id text primary key,
    -- The generation that the process has taken over.
    generation integer not null,
    -- JSON array of [id of a version, why it could not be loaded].
    problems text not null,
    seen_at integer not null
) strict;

create index plugin_replicas_by_age on plugin_replicas (seen_at);
