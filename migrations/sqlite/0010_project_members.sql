-- Who reaches a project: everybody in the organization, as before, or its members only.

alter table projects add column access text not null default 'organization'
    check (access in ('organization', 'members'));

create table project_members (
    organization_id text not null,
    project_id text not null,
    user_id text not null,
    role text not null check (role in ('member', 'viewer')),
    created_at integer not null,
    primary key (project_id, user_id),
    foreign key (organization_id, project_id) references projects (organization_id, id) on delete cascade,
    -- Whoever leaves the organization leaves its projects.
    foreign key (organization_id, user_id) references memberships (organization_id, user_id) on delete cascade
) strict;

create index project_members_by_user on project_members (organization_id, user_id);
