//! Reference files on their way to extractors: read from CSV or JSON when they are uploaded, and made ready for
//! searching when a document needs them.

pub mod file;

use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::reference::{LookupTable, NamedTable};
use crate::domain::template::ReferenceLink;
use crate::store::{self, Store};

/// Most text of the tables that are kept ready. The largest file has 4 MiB, and takes some three times as much when it
/// is ready.
const KEPT_BYTES: usize = 32 << 20;

/// Why the tables of a template are not to be had.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database failed.
    #[error("reference files cannot be read")]
    Store(#[from] store::Error),
    /// The file is gone.
    #[error("reference file `{name}` is not there")]
    Missing {
        /// The name that the template gives it.
        name: String,
    },
    /// A table could not be made ready.
    #[error("reference file `{name}` cannot be made ready: {reason}")]
    Crashed {
        /// The name that the template gives it.
        name: String,
        /// Why.
        reason: String,
    },
}

impl Error {
    /// Whether the same call may succeed later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Store(error) => error.is_transient(),
            Self::Missing { .. } | Self::Crashed { .. } => false,
        }
    }
}

/// Gives extractors their tables, and keeps those that were used last.
pub struct References {
    store: Store,
    /// The one used last stands at the end.
    kept: Mutex<Vec<Kept>>,
}

struct Kept {
    organization_id: String,
    file_id: String,
    table: Arc<LookupTable>,
}

impl References {
    /// Reads tables from `store`.
    pub fn new(store: Store) -> Self {
        Self { store, kept: Mutex::new(Vec::new()) }
    }

    /// The tables that a template of the organization names.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn load(
        &self,
        organization_id: &str,
        links: &[ReferenceLink],
    ) -> Result<Vec<NamedTable>, Error> {
        let mut tables = Vec::with_capacity(links.len());
        for link in links {
            let table = match self.kept(organization_id, &link.id) {
                Some(table) => table,
                None => self.make_ready(organization_id, link).await?,
            };
            tables.push(NamedTable { name: link.name.clone(), table });
        }
        Ok(tables)
    }

    fn kept(&self, organization_id: &str, file_id: &str) -> Option<Arc<LookupTable>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let index = kept
            .iter()
            .position(|kept| kept.organization_id == organization_id && kept.file_id == file_id)?;
        let used = kept.remove(index);
        let table = Arc::clone(&used.table);
        kept.push(used);
        Some(table)
    }

    async fn make_ready(
        &self,
        organization_id: &str,
        link: &ReferenceLink,
    ) -> Result<Arc<LookupTable>, Error> {
        let found = self.store.reference_table(organization_id, &link.id).await?;
        let table = found.ok_or_else(|| Error::Missing { name: link.name.clone() })?;
        let ready = tokio::task::spawn_blocking(move || LookupTable::new(table)).await;
        let crashed = |error: tokio::task::JoinError| Error::Crashed {
            name: link.name.clone(),
            reason: error.to_string(),
        };
        let table = Arc::new(ready.map_err(crashed)?);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push(Kept {
            organization_id: organization_id.to_owned(),
            file_id: link.id.clone(),
            table: Arc::clone(&table),
        });
        while kept.len() > 1 && kept.iter().map(|kept| kept.table.text_bytes()).sum::<usize>() > KEPT_BYTES {
            kept.remove(0);
        }
        Ok(table)
    }
}
