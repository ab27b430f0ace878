-- What a template says of tables and of reference files, and who made each of its versions.

-- JSON object: columns, rows, and how numbers and dates are written; null for the defaults.
alter table template_versions add column export_settings text;
-- JSON array of {name, id}: the reference files of this version; null for none.
alter table template_versions add column reference_files text;
-- Null where a token or the program made the version, and for versions from before this column.
alter table template_versions add column created_by text references users (id) on delete set null;

-- Tables that extractors look values up in, such as a list of suppliers. Never changed once written: a document is
-- read with the file that its version of the template names.
create table reference_files (
    id text primary key,
    organization_id text not null references organizations (id) on delete cascade,
    project_id text not null,
    -- JSON array of the columns' names.
    column_names text not null,
    -- JSON array of rows, each an array with a value per column.
    content text not null,
    row_count integer not null check (row_count >= 0),
    size_bytes integer not null check (size_bytes >= 0),
    created_at integer not null,
    foreign key (organization_id, project_id) references projects (organization_id, id) on delete cascade
) strict;

create index reference_files_by_project on reference_files (organization_id, project_id, id);
