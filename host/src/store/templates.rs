//! Templates: a row that names the version in force, and one row per version that never changes.

use serde_json::json;

use super::audit::Event;
use super::statement::{FromRow, Row, arguments, statements, to_optional_json, within};
use super::{Error, Store, Transaction, plans};
use crate::domain::audit::{Actor, ActorKind};
use crate::domain::event::EventKind;
use crate::domain::listing::{Listing, Page};
use crate::domain::page::OcrMode;
use crate::domain::reference::ReferenceTable;
use crate::domain::template::export::ExportSettings;
use crate::domain::template::{
    ExtractionMode, ExtractorChoice, ReferenceLink, ResultFormat, Template, TemplateContent,
    TemplateReference, TemplateRevision, TemplateUpdate, TemplateVersion,
};
use crate::domain::tenant::Tenant;
use crate::domain::timestamp::Timestamp;

macro_rules! select {
    () => {
        "select t.id as id, t.organization_id as organization_id, t.project_id as project_id,
            v.version as version, v.name as name, v.description as description,
            v.template_schema as template_schema, v.instructions as instructions,
            v.extraction_mode as extraction_mode, v.result_format as result_format, v.plugin as plugin,
            v.plugin_version as plugin_version, v.plugin_config as plugin_config, v.ocr_mode as ocr_mode,
            v.export_settings as export_settings, v.reference_files as reference_files,
            t.is_active as is_active, t.created_at as created_at, t.updated_at as updated_at
        from templates t join template_versions v on v.template_id = t.id "
    };
}

macro_rules! version_select {
    () => {
        concat!(
            "select t.id as id, v.version as version, v.name as name, v.description as description,
                v.template_schema as template_schema, v.instructions as instructions,
                v.extraction_mode as extraction_mode, v.result_format as result_format, v.plugin as plugin,
                v.plugin_version as plugin_version, v.plugin_config as plugin_config, v.ocr_mode as ocr_mode,
                v.export_settings as export_settings, v.reference_files as reference_files,
                v.created_by as created_by, v.created_at as created_at
            from templates t join template_versions v on v.template_id = t.id ",
            within!("t")
        )
    };
}

statements! {
    "templates";
    LIST = concat!(
        select!(),
        within!("t"),
        "and v.version = t.version and t.deleted_at is null order by t.id limit $3"
    );
    FIND = concat!(
        select!(),
        within!("t"),
        "and v.version = t.version and t.id = $3 and t.deleted_at is null"
    );
    FIND_VERSION = concat!(select!(), "where t.organization_id = $1 and t.id = $2 and v.version = $3");
    LIST_VERSIONS = concat!(
        version_select!(),
        "and t.id = $3 and t.deleted_at is null
        order by v.version desc limit $4 offset $5"
    );
    COUNT_VERSIONS = concat!(
        "select count(*) as total
        from templates t join template_versions v on v.template_id = t.id ",
        within!("t"),
        "and t.id = $3 and t.deleted_at is null"
    );
    FIND_OLD = concat!(
        version_select!(),
        "and t.id = $3 and t.deleted_at is null
            and v.version = $4"
    );
    INSERT = "insert into templates (id, organization_id, project_id, version, is_active, created_at, updated_at)
        values ($1, $2, $3, 1, $4, $5, $5)";
    INSERT_VERSION = "insert into template_versions (template_id, version, name, description, template_schema,
            instructions, extraction_mode, result_format, plugin, plugin_version, plugin_config, ocr_mode,
            export_settings, reference_files, created_by, created_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";
    /// Changes nothing: the lock under which a change is made.
    LOCK = concat!(
        "update templates set updated_at = updated_at ",
        within!("templates"),
        "and id = $3 and deleted_at is null"
    );
    SET_VERSION = "update templates set version = $3, is_active = $4, updated_at = $5
        where organization_id = $1 and id = $2";
    DELETE = concat!(
        "update templates set deleted_at = $4, updated_at = $4 ",
        within!("templates"),
        "and id = $3 and deleted_at is null"
    );
}

/// Most templates in one list: it is not paged.
const LIST_LIMIT: u32 = 10_000;

/// In the unit of [`Timestamp`]; clients see no finer times.
const MILLISECOND: i64 = 1000;

impl Store {
    /// The tenant's templates, oldest first.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn list_templates(&self, tenant: &Tenant) -> Result<Vec<Template>, Error> {
        self.engine.list(&LIST, arguments![&tenant.organization_id, &tenant.projects, LIST_LIMIT]).await
    }

    /// A template of the tenant, at the version in force.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn template(&self, tenant: &Tenant, id: &str) -> Result<Option<Template>, Error> {
        self.engine.find(&FIND, arguments![&tenant.organization_id, &tenant.projects, id]).await
    }

    /// The versions of a template of the tenant, newest first.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn list_template_versions(
        &self,
        tenant: &Tenant,
        id: &str,
        page: Page,
    ) -> Result<Listing<TemplateVersion>, Error> {
        let total = self
            .engine
            .count(&COUNT_VERSIONS, arguments![&tenant.organization_id, &tenant.projects, id])
            .await?;
        let items = self
            .engine
            .list(
                &LIST_VERSIONS,
                arguments![&tenant.organization_id, &tenant.projects, id, page.limit, page.offset()],
            )
            .await?;
        Ok(Listing { items, total })
    }

    /// A version of a template of the tenant.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn template_version(
        &self,
        tenant: &Tenant,
        id: &str,
        version: u32,
    ) -> Result<Option<TemplateVersion>, Error> {
        self.engine.find(&FIND_OLD, arguments![&tenant.organization_id, &tenant.projects, id, version]).await
    }

    /// What a template said at the version that documents refer to, also after the template was deleted.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn template_at(
        &self,
        organization_id: &str,
        reference: &TemplateReference,
    ) -> Result<Option<TemplateContent>, Error> {
        let arguments = arguments![organization_id, &reference.id, reference.version];
        let found: Option<Template> = self.engine.find(&FIND_VERSION, arguments).await?;
        Ok(found.map(|template| template.content))
    }

    /// Makes a template, at version 1.
    ///
    /// # Errors
    /// [`Error::MissingReference`] where there is no such project, [`Error::QuotaExceeded`] where the organization may
    /// not have another template, or whatever else the database answers.
    pub async fn create_template(
        &self,
        actor: &Actor,
        organization_id: &str,
        project_id: &str,
        content: TemplateContent,
    ) -> Result<Template, Error> {
        let mut tx = self.begin().await?;
        let template = self.insert_template(&mut tx, actor, (organization_id, project_id), content).await?;
        tx.commit().await?;
        Ok(template)
    }

    /// Makes a copy of a template in a project of its organization, with this content and, in another project, with
    /// copies of the reference files that the content names.
    ///
    /// # Errors
    /// [`Error::MissingReference`] where there is no such project, or whatever else the database answers.
    pub async fn duplicate_template(
        &self,
        actor: &Actor,
        original: &Template,
        project_id: &str,
        mut content: TemplateContent,
    ) -> Result<Template, Error> {
        let organization_id = &original.organization_id;
        let mut tx = self.begin().await?;
        if original.project_id != project_id {
            for link in &mut content.references {
                link.id = self.copy_reference(&mut tx, organization_id, &link.id, project_id).await?;
            }
        }
        let template = self.insert_template(&mut tx, actor, (organization_id, project_id), content).await?;
        tx.commit().await?;
        Ok(template)
    }

    async fn insert_template(
        &self,
        tx: &mut Transaction,
        actor: &Actor,
        (organization_id, project_id): (&str, &str),
        content: TemplateContent,
    ) -> Result<Template, Error> {
        let now = self.clock.now();
        let template = Template {
            id: self.clock.new_id(),
            organization_id: organization_id.to_owned(),
            project_id: project_id.to_owned(),
            version: 1,
            content,
            is_active: true,
            created_at: now,
            updated_at: now,
        };
        plans::check_one_more_template(tx, organization_id).await?;
        tx.execute(&INSERT, arguments![&template.id, organization_id, project_id, true, now]).await?;
        insert_version(tx, actor, &template).await?;
        self.audit_template(tx, actor, &template, "template.created").await?;
        self.announce_template(tx, &template, EventKind::TemplateCreated).await?;
        Ok(template)
    }

    /// Replaces what a template of the tenant says. A changed content becomes the next version.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn update_template(
        &self,
        actor: &Actor,
        tenant: &Tenant,
        id: &str,
        revision: TemplateRevision,
    ) -> Result<TemplateUpdate, Error> {
        let mut tx = self.begin().await?;
        let update = self.revise_template(&mut tx, actor, tenant, id, revision).await?;
        tx.commit().await?;
        Ok(update)
    }

    /// Keeps a table, from a file of so many bytes, as a reference file of a template, in place of one that has the same
    /// name: the next version of the template. Nothing happens where the template was changed since it was read.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn attach_reference(
        &self,
        actor: &Actor,
        template: &Template,
        name: &str,
        (table, size_bytes): (&ReferenceTable, u64),
    ) -> Result<TemplateUpdate, Error> {
        let tenant = Tenant::project(&template.organization_id, &template.project_id);
        let mut tx = self.begin().await?;
        let id = self.insert_reference(&mut tx, template, table, size_bytes).await?;
        let mut content = template.content.clone();
        content.references.retain(|link| link.name != name);
        content.references.push(ReferenceLink { name: name.to_owned(), id });
        let revision = TemplateRevision {
            expected_updated_at: template.updated_at,
            content,
            is_active: template.is_active,
        };
        let update = self.revise_template(&mut tx, actor, &tenant, &template.id, revision).await?;
        if matches!(update, TemplateUpdate::Updated(_)) {
            tx.commit().await?;
        }
        Ok(update)
    }

    async fn revise_template(
        &self,
        tx: &mut Transaction,
        actor: &Actor,
        tenant: &Tenant,
        id: &str,
        revision: TemplateRevision,
    ) -> Result<TemplateUpdate, Error> {
        tx.execute(&LOCK, arguments![&tenant.organization_id, &tenant.projects, id]).await?;
        let found = tx.find(&FIND, arguments![&tenant.organization_id, &tenant.projects, id]).await?;
        let Some(mut template): Option<Template> = found else { return Ok(TemplateUpdate::NotFound) };
        if template.updated_at != revision.expected_updated_at {
            return Ok(TemplateUpdate::Conflict);
        }
        // Two changes within the clock's resolution still differ: clients tell states apart by this time.
        template.updated_at = self.clock.now().max(Timestamp(template.updated_at.0 + MILLISECOND));
        template.is_active = revision.is_active;
        if template.content != revision.content {
            template.content = revision.content;
            template.version += 1;
            insert_version(tx, actor, &template).await?;
        }
        tx.execute(
            &SET_VERSION,
            arguments![
                &tenant.organization_id,
                id,
                template.version,
                template.is_active,
                template.updated_at
            ],
        )
        .await?;
        self.audit_template(tx, actor, &template, "template.updated").await?;
        self.announce_template(tx, &template, EventKind::TemplateUpdated).await?;
        Ok(TemplateUpdate::Updated(Box::new(template)))
    }

    /// Deletes a template of the tenant; documents that were uploaded with it keep it. `false` where there is none.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn delete_template(&self, actor: &Actor, tenant: &Tenant, id: &str) -> Result<bool, Error> {
        let mut tx = self.begin().await?;
        let found = tx.find(&FIND, arguments![&tenant.organization_id, &tenant.projects, id]).await?;
        let Some(template): Option<Template> = found else { return Ok(false) };
        let deleted = tx
            .execute(&DELETE, arguments![&tenant.organization_id, &tenant.projects, id, self.clock.now()])
            .await?;
        if deleted > 0 {
            self.announce_template(&mut tx, &template, EventKind::TemplateDeleted).await?;
            let event = Event {
                organization_id: &tenant.organization_id,
                actor,
                action: "template.deleted",
                target: id,
                changes: None,
            };
            self.audit(&mut tx, event).await?;
        }
        tx.commit().await?;
        Ok(deleted > 0)
    }

    async fn audit_template(
        &self,
        tx: &mut Transaction,
        actor: &Actor,
        template: &Template,
        action: &'static str,
    ) -> Result<(), Error> {
        let event = Event {
            organization_id: &template.organization_id,
            actor,
            action,
            target: &template.id,
            changes: Some(json!({ "name": template.content.name, "version": template.version })),
        };
        self.audit(tx, event).await
    }
}

/// The template at the version a document was uploaded with, even if it was changed or deleted since.
pub(super) async fn find_version(
    tx: &mut Transaction,
    organization_id: &str,
    id: &str,
    version: u32,
) -> Result<Option<Template>, Error> {
    tx.find(&FIND_VERSION, arguments![organization_id, id, version]).await
}

async fn insert_version(tx: &mut Transaction, actor: &Actor, template: &Template) -> Result<(), Error> {
    let content = &template.content;
    let extractor = content.extractor.as_ref();
    let export = Some(&content.export).filter(|export| **export != ExportSettings::default());
    let references = Some(&content.references).filter(|references| !references.is_empty());
    let user_id = actor.id.as_deref().filter(|_| actor.kind == ActorKind::User);
    tx.execute(
        &INSERT_VERSION,
        arguments![
            &template.id,
            template.version,
            &content.name,
            &content.description,
            to_optional_json("template_schema", content.template_schema.as_ref())?,
            &content.instructions,
            content.extraction_mode.as_str(),
            content.result_format.as_str(),
            extractor.map(|choice| choice.plugin.as_str()),
            extractor.and_then(|choice| choice.version.as_deref()),
            to_optional_json("plugin_config", extractor.and_then(|choice| choice.config.as_ref()))?,
            content.ocr_mode.map(OcrMode::as_str),
            to_optional_json("export_settings", export)?,
            to_optional_json("reference_files", references)?,
            user_id,
            template.updated_at
        ],
    )
    .await?;
    Ok(())
}

impl FromRow for Template {
    fn from_row(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            id: row.get("id")?,
            organization_id: row.get("organization_id")?,
            project_id: row.get("project_id")?,
            version: row.number("version")?,
            content: content(row)?,
            is_active: row.get("is_active")?,
            created_at: row.time("created_at")?,
            updated_at: row.time("updated_at")?,
        })
    }
}

impl FromRow for TemplateVersion {
    fn from_row(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            version: row.number("version")?,
            content: content(row)?,
            created_by: row.get("created_by")?,
            created_at: row.time("created_at")?,
        })
    }
}

fn content(row: &Row) -> Result<TemplateContent, Error> {
    let extractor = match row.get("plugin")? {
        None => None,
        Some(plugin) => Some(ExtractorChoice {
            plugin,
            version: row.get("plugin_version")?,
            config: row.optional_json("plugin_config")?,
        }),
    };
    Ok(TemplateContent {
        name: row.get("name")?,
        description: row.get("description")?,
        template_schema: row.optional_json("template_schema")?,
        instructions: row.get("instructions")?,
        extraction_mode: row.word("extraction_mode", ExtractionMode::parse)?,
        result_format: row.word("result_format", ResultFormat::parse)?,
        extractor,
        ocr_mode: row.optional_word("ocr_mode", OcrMode::parse)?,
        export: row.optional_json("export_settings")?.unwrap_or_default(),
        references: row.optional_json("reference_files")?.unwrap_or_default(),
    })
}
