//! Waits for documents on behalf of clients. However many wait, there is one look at the database at a time, so that
//! it does not matter in which process a document is processed. What this process does to a document is seen at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};

use crate::domain::document::DocumentState;
use crate::store::{self, Store};
use crate::telemetry::chain;

/// Between two looks at the database, while anybody waits and nothing is heard.
const PAUSE: Duration = Duration::from_millis(200);

/// Between two looks at least, however much happens: most of what a client waits longer than it must, and at most two
/// hundred looks a second.
const LEAST_PAUSE: Duration = Duration::from_millis(5);

/// After a look that failed.
const FAILURE_PAUSE: Duration = Duration::from_secs(2);

/// Most documents or batches that one statement asks for.
const AT_ONCE: usize = 500;

/// What a client waits for. The id is that of the record itself, not of its upload.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A document.
    Document(String),
    /// All documents of a batch.
    Batch(String),
}

/// How far the documents of a subject are, in the order of their ids; empty where there are none any more.
pub type States = Arc<Vec<DocumentState>>;

/// Looks for all who wait; cheap to clone.
#[derive(Clone)]
pub struct Watcher(Arc<Shared>);

struct Shared {
    store: Store,
    watched: Mutex<HashMap<Subject, watch::Sender<States>>>,
    /// Told when somebody begins to wait.
    began: Notify,
    places: Arc<Semaphore>,
}

/// A client's wait. Dropped, it is over.
pub struct Watch {
    subject: Subject,
    store: Store,
    is_first: bool,
    changes: watch::Receiver<States>,
    _place: OwnedSemaphorePermit,
}

impl Watcher {
    /// Makes a watcher for at most `max_clients` at one time. Nothing changes until it [runs](Watcher::run).
    pub fn new(store: Store, max_clients: usize) -> Self {
        let places = Arc::new(Semaphore::new(max_clients.min(Semaphore::MAX_PERMITS)));
        Self(Arc::new(Shared { store, watched: Mutex::default(), began: Notify::new(), places }))
    }

    /// Begins to wait for a subject which the client may see; `None` where too many wait already.
    pub fn watch(&self, subject: Subject) -> Option<Watch> {
        let place = Arc::clone(&self.0.places).try_acquire_owned().ok()?;
        let mut watched = self.0.watched.lock().unwrap_or_else(PoisonError::into_inner);
        let changes = watched
            .entry(subject.clone())
            .or_insert_with(|| watch::Sender::new(States::default()))
            .subscribe();
        self.0.began.notify_one();
        Some(Watch { subject, store: self.0.store.clone(), is_first: true, changes, _place: place })
    }

    /// Looks again and again, as long as anybody waits; never ends.
    pub async fn run(&self) {
        loop {
            let (documents, batches) = self.subjects();
            if documents.is_empty() && batches.is_empty() {
                self.0.began.notified().await;
                continue;
            }
            if let Err(error) = self.look(&documents, &batches).await {
                tracing::warn!(error = %chain(&error), "documents that are waited for cannot be looked at");
                tokio::time::sleep(FAILURE_PAUSE).await;
                continue;
            }
            tokio::time::sleep(LEAST_PAUSE).await;
            tokio::select! {
                () = self.0.store.document_changed() => {}
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
    }

    /// Ids of the documents and of the batches that are waited for.
    fn subjects(&self) -> (Vec<String>, Vec<String>) {
        let mut watched = self.0.watched.lock().unwrap_or_else(PoisonError::into_inner);
        watched.retain(|_, changes| changes.receiver_count() > 0);
        let (mut documents, mut batches) = (Vec::new(), Vec::new());
        for subject in watched.keys() {
            match subject {
                Subject::Document(id) => documents.push(id.clone()),
                Subject::Batch(id) => batches.push(id.clone()),
            }
        }
        (documents, batches)
    }

    async fn look(&self, documents: &[String], batches: &[String]) -> Result<(), store::Error> {
        for ids in documents.chunks(AT_ONCE) {
            let states = self.0.store.document_states(ids).await?;
            let mut found: HashMap<String, Vec<DocumentState>> = HashMap::new();
            for state in states {
                found.entry(state.id.clone()).or_default().push(state);
            }
            self.tell(ids, Subject::Document, found);
        }
        for ids in batches.chunks(AT_ONCE) {
            let states = self.0.store.batch_states(ids).await?;
            let mut found: HashMap<String, Vec<DocumentState>> = HashMap::new();
            for state in states {
                found.entry(state.batch_id.clone().unwrap_or_default()).or_default().push(state);
            }
            self.tell(ids, Subject::Batch, found);
        }
        Ok(())
    }

    /// Tells those who wait for one of these ids what was found, where it has changed.
    fn tell(
        &self,
        ids: &[String],
        subject: fn(String) -> Subject,
        mut found: HashMap<String, Vec<DocumentState>>,
    ) {
        let watched = self.0.watched.lock().unwrap_or_else(PoisonError::into_inner);
        for id in ids {
            let Some(changes) = watched.get(&subject(id.clone())) else { continue };
            let now = found.remove(id).unwrap_or_default();
            changes.send_if_modified(|before| {
                let has_changed = **before != now;
                if has_changed {
                    *before = Arc::new(now);
                }
                has_changed
            });
        }
    }
}

impl Watch {
    /// The present state at the first call, the next change at each further one. A state may be told twice.
    ///
    /// # Errors
    /// Whatever the database answers to the first call.
    pub async fn next(&mut self) -> Result<States, store::Error> {
        if self.is_first {
            self.is_first = false;
            // What others were told before is not asked for: it may be a moment old.
            self.changes.mark_unchanged();
            let states = match &self.subject {
                Subject::Document(id) => self.store.document_states(std::slice::from_ref(id)).await?,
                Subject::Batch(id) => self.store.batch_states(std::slice::from_ref(id)).await?,
            };
            return Ok(Arc::new(states));
        }
        match self.changes.changed().await {
            Ok(()) => Ok(Arc::clone(&self.changes.borrow_and_update())),
            // The watcher is gone, and with it every change.
            Err(_) => std::future::pending().await,
        }
    }
}
