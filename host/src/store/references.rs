//! Reference files: written once, never changed, and read by the versions of templates that name them.

use serde_json::Value;

use super::statement::{FromRow, Row, arguments, statements, to_json};
use super::{Error, Store, Transaction};
use crate::domain::reference::{ReferenceFile, ReferenceTable};
use crate::domain::template::Template;

statements! {
    "references";
    INSERT = "insert into reference_files (id, organization_id, project_id, column_names, content, row_count,
            size_bytes, created_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8)";
    COPY = "insert into reference_files (id, organization_id, project_id, column_names, content, row_count,
            size_bytes, created_at)
        select $1, organization_id, $2, column_names, content, row_count, size_bytes, created_at
        from reference_files where organization_id = $3 and id = $4";
    FIND = "select id, column_names, row_count, size_bytes, created_at
        from reference_files where organization_id = $1 and id = $2";
    FIND_TABLE = "select id, column_names, content from reference_files where organization_id = $1 and id = $2";
}

impl Store {
    /// Keeps a table for a template: the file's id.
    pub(super) async fn insert_reference(
        &self,
        tx: &mut Transaction,
        template: &Template,
        table: &ReferenceTable,
        size_bytes: u64,
    ) -> Result<String, Error> {
        let id = self.clock.new_id();
        tx.execute(
            &INSERT,
            arguments![
                &id,
                &template.organization_id,
                &template.project_id,
                to_json("column_names", &table.columns)?,
                to_json("content", &table.rows)?,
                table.rows.len() as u64,
                size_bytes,
                self.clock.now()
            ],
        )
        .await?;
        Ok(id)
    }

    /// Copies a file of the organization to one of its projects: the copy's id.
    pub(super) async fn copy_reference(
        &self,
        tx: &mut Transaction,
        organization_id: &str,
        id: &str,
        project_id: &str,
    ) -> Result<String, Error> {
        let copy_id = self.clock.new_id();
        tx.execute(&COPY, arguments![&copy_id, project_id, organization_id, id]).await?;
        Ok(copy_id)
    }

    /// A file of the organization without its rows.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn reference(&self, organization_id: &str, id: &str) -> Result<Option<ReferenceFile>, Error> {
        self.engine.find(&FIND, arguments![organization_id, id]).await
    }

    /// The table in a file of the organization.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn reference_table(
        &self,
        organization_id: &str,
        id: &str,
    ) -> Result<Option<ReferenceTable>, Error> {
        self.engine.find(&FIND_TABLE, arguments![organization_id, id]).await
    }
}

impl FromRow for ReferenceFile {
    fn from_row(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            id: row.get("id")?,
            columns: row.json("column_names")?,
            row_count: row.number("row_count")?,
            size_bytes: row.number("size_bytes")?,
            created_at: row.time("created_at")?,
        })
    }
}

impl FromRow for ReferenceTable {
    fn from_row(row: &Row) -> Result<Self, Error> {
        Ok(Self { columns: row.json("column_names")?, rows: row.json::<Vec<Vec<Value>>>("content")? })
    }
}
