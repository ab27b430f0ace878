-- What plugins keep beyond a call: each plugin its own, for each organization. Keys are compared by their bytes, on both
-- engines alike.

create table plugin_values (
    organization_id text not null references organizations (id) on delete cascade,
    plugin text not null,
    key text not null,
    -- Base64.
    value text not null,
    -- Bytes of key and value together, for the quota.
    size_bytes integer not null,
    updated_at integer not null,
    primary key (organization_id, plugin, key)
);
