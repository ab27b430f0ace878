-- Each step of a plugin is told: the words of `events.kind` grow.
alter table events drop constraint events_kind_check;
alter table events add constraint events_kind_check check (
    kind in ('document.uploaded', 'document.processed', 'document.failed', 'document.cancelled', 'batch.uploaded', 'batch.completed', 'template.created', 'template.updated', 'template.deleted', 'plugin.uploaded', 'plugin.activated', 'plugin.failed', 'plugin.retired', 'plugin.deleted', 'webhook.test')
);
