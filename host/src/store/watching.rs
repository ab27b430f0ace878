//! How far documents are, for those who wait for them: many at once, whatever their tenants. That a client may see a
//! document or a batch is checked before it begins to wait.

use super::statement::{FromRow, Row, arguments, statements, to_json};
use super::{Error, Store};
use crate::domain::document::{DocumentState, DocumentStatus, Failure};

macro_rules! select {
    () => {
        "select d.id as id, d.batch_id as batch_id, d.status as status, d.progress as progress,
            d.pages_read as pages_read, d.page_count as page_count, r.attempt as attempt,
            r.failure_code as failure_code, r.failure_message as failure_message, d.updated_at as updated_at
        from documents d join runs r on r.document_id = d.id "
    };
}

statements! {
    "watching";
    DOCUMENTS = concat!(select!(), "where d.id in (select value from json_each($1)) order by d.id"),
        postgres: concat!(
            select!(),
            "where d.id in (select json_array_elements_text(cast($1 as json))) order by d.id"
        );
    BATCHES = concat!(select!(), "where d.batch_id in (select value from json_each($1)) order by d.id"),
        postgres: concat!(
            select!(),
            "where d.batch_id in (select json_array_elements_text(cast($1 as json))) order by d.id"
        );
}

impl Store {
    /// How far the documents with these ids are; those that are not there are left out.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn document_states(&self, ids: &[String]) -> Result<Vec<DocumentState>, Error> {
        self.engine.list(&DOCUMENTS, arguments![to_json("ids", ids)?]).await
    }

    /// How far the documents of the batches with these ids are.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn batch_states(&self, ids: &[String]) -> Result<Vec<DocumentState>, Error> {
        self.engine.list(&BATCHES, arguments![to_json("ids", ids)?]).await
    }
}

impl FromRow for DocumentState {
    fn from_row(row: &Row) -> Result<Self, Error> {
        let error = match row.get("failure_code")? {
            None => None,
            Some(code) => Some(Failure { code, message: row.get("failure_message")? }),
        };
        Ok(Self {
            id: row.get("id")?,
            batch_id: row.get("batch_id")?,
            status: row.word("status", DocumentStatus::parse)?,
            progress: row.number("progress")?,
            pages_read: row.optional_number("pages_read")?,
            page_count: row.optional_number("page_count")?,
            attempts: row.number("attempt")?,
            error,
            updated_at: row.time("updated_at")?,
        })
    }
}
