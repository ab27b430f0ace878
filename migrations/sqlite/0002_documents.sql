-- What is read, by what, and what came out.

create table templates (
    id text primary key,
    organization_id text not null references organizations (id) on delete cascade,
    project_id text not null,
    -- The version in force, in template_versions.
    version integer not null check (version >= 1),
    is_active integer not null check (is_active in (0, 1)),
    -- Set instead of deleting: documents keep the version they were read with.
    deleted_at integer,
    created_at integer not null,
    updated_at integer not null,
    foreign key (organization_id, project_id) references projects (organization_id, id) on delete cascade
) strict;

create index templates_by_project on templates (organization_id, project_id, id);

-- Never changed once written: a document is read, and read again, with the version it was uploaded with.
create table template_versions (
    template_id text not null references templates (id) on delete cascade,
    version integer not null,
    name text not null,
    description text,
    -- JSON Schema, or null for free text.
    template_schema text,
    instructions text,
    extraction_mode text not null check (extraction_mode in ('structured', 'free_text')),
    result_format text not null
        check (result_format in ('json', 'csv', 'text', 'pdf', 'docx', 'xml', 'html', 'image')),
    -- The extractor; null for the default of the mode.
    plugin text,
    plugin_version text,
    -- JSON object.
    plugin_config text,
    -- Null for the server's own.
    ocr_mode text check (ocr_mode in ('fast', 'accurate')),
    created_at integer not null,
    primary key (template_id, version)
) strict;

create table batches (
    id text primary key,
    organization_id text not null references organizations (id) on delete cascade,
    project_id text not null,
    user_id text references users (id) on delete set null,
    name text not null,
    template_id text,
    template_version integer,
    -- JSON object.
    metadata text,
    created_at integer not null,
    unique (organization_id, project_id, id),
    foreign key (organization_id, project_id) references projects (organization_id, id) on delete cascade,
    foreign key (template_id, template_version) references template_versions (template_id, version)
) strict;

create table documents (
    id text primary key,
    organization_id text not null references organizations (id) on delete cascade,
    project_id text not null,
    user_id text references users (id) on delete set null,
    batch_id text,
    upload_id text not null unique,
    file_name text not null,
    -- The file's name in lower case, made in Rust: the engines fold case differently.
    search_text text not null,
    file_type text not null check (file_type in ('pdf', 'image', 'document')),
    mime_type text not null,
    size_bytes integer not null check (size_bytes >= 0),
    -- In hexadecimal; null, like blob_key, for a file of a batch that was refused.
    sha256 text,
    blob_key text,
    template_id text,
    template_version integer,
    -- The pages asked for, counted from 1, both ends included.
    page_from integer,
    page_to integer,
    -- Higher is sooner, within one organization.
    priority integer not null,
    status text not null check (
        status in ('pending', 'queued', 'in_progress', 'completed', 'failed', 'cancelled', 'retention_expired')
    ),
    -- Per cent.
    progress integer not null check (progress between 0 and 100),
    page_count integer,
    plugin text,
    plugin_version text,
    plugin_digest text,
    confidence real,
    -- JSON object.
    metadata text,
    -- The attempt whose row in results is the result.
    result_attempt integer,
    created_at integer not null,
    started_at integer,
    completed_at integer,
    updated_at integer not null,
    foreign key (organization_id, project_id) references projects (organization_id, id) on delete cascade,
    foreign key (organization_id, project_id, batch_id) references batches (organization_id, project_id, id),
    foreign key (template_id, template_version) references template_versions (template_id, version)
) strict;

-- Lists walk it newest first and filter on the way: with every filter optional, nothing narrower would be used.
create index documents_by_organization on documents (organization_id, id desc);
create index documents_by_batch on documents (batch_id, status) where batch_id is not null;
-- What the dispatcher looks at, in its order.
create index documents_waiting on documents (organization_id, priority desc, id) where status = 'pending';
create index documents_in_flight on documents (organization_id) where status in ('queued', 'in_progress');

create table results (
    document_id text not null references documents (id) on delete cascade,
    attempt integer not null,
    -- The result object as JSON.
    extraction text not null,
    -- JSON object: milliseconds by step.
    timings text not null,
    created_at integer not null,
    primary key (document_id, attempt)
) strict;
