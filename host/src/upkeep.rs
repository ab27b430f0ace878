//! What has to be done now and then: files that have been kept long enough are deleted, leftovers swept, storage
//! measured.
//!
//! Runs beside the worker. Each task has turns that all processes share, so that several do not do the same work; what
//! they do is safe all the same if two happen to. A task that fails is logged and tried again at its next turn.

use std::time::Duration;

use futures::TryStreamExt as _;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::blobs::{self, BlobKey, Blobs};
use crate::clock::Clock;
use crate::config;
use crate::store::{self, Store};

/// How often a process looks whether a task is due.
const LOOK: Duration = Duration::from_secs(30);

/// Files whose records are looked at in one go.
const CHUNK: u32 = 200;

const HOUR: Duration = Duration::from_secs(60 * 60);

/// Why a task was not finished.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database failed.
    #[error("database cannot be used")]
    Store(#[from] store::Error),
    /// The blob store failed.
    #[error("blob store cannot be used")]
    Blobs(#[from] blobs::Error),
}

/// The periodic tasks; cheap to clone.
#[derive(Clone)]
pub struct Upkeep {
    store: Store,
    blobs: Blobs,
    clock: Clock,
    /// How often each task runs.
    interval: Duration,
    /// Files without a record are deleted once they are this old: an upload in progress has none yet.
    orphan_age: Duration,
    /// Events are kept for as long.
    event_age: Duration,
}

/// A periodic task.
#[derive(Debug, Clone, Copy)]
enum Task {
    ExpireFiles,
    SweepRows,
    SweepEvents,
    MeasureStorage,
    SweepFiles,
}

impl Task {
    const ALL: [Self; 5] =
        [Self::ExpireFiles, Self::SweepRows, Self::SweepEvents, Self::MeasureStorage, Self::SweepFiles];

    fn name(self) -> &'static str {
        match self {
            Self::ExpireFiles => "expire_files",
            Self::SweepRows => "sweep_rows",
            Self::SweepEvents => "sweep_events",
            Self::MeasureStorage => "measure_storage",
            Self::SweepFiles => "sweep_files",
        }
    }
}

impl Upkeep {
    /// The tasks, with the settings of the configuration's section `upkeep`.
    pub fn new(store: Store, blobs: Blobs, clock: Clock, settings: &config::Upkeep) -> Self {
        Self {
            store,
            blobs,
            clock,
            interval: Duration::from_secs(u64::from(settings.interval_minutes) * 60),
            orphan_age: HOUR * settings.orphan_hours,
            event_age: HOUR * 24 * settings.event_days,
        }
    }

    /// Does what is due until `stop` is cancelled.
    pub async fn run(self, stop: CancellationToken) {
        let mut looks = tokio::time::interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                _ = looks.tick() => {}
            }
            for task in Task::ALL {
                tokio::select! {
                    () = stop.cancelled() => return,
                    done = self.carry_out(task) => {
                        if let Err(error) = done {
                            let error = &error as &dyn std::error::Error;
                            tracing::warn!(task = task.name(), error, "upkeep failed");
                        }
                    }
                }
            }
        }
    }

    async fn carry_out(&self, task: Task) -> Result<(), Error> {
        // Looking through all files is dear, and what it finds is old anyway.
        let interval = match task {
            Task::SweepFiles => self.interval.max(self.orphan_age),
            Task::ExpireFiles | Task::SweepRows | Task::SweepEvents | Task::MeasureStorage => self.interval,
        };
        if !self.store.take_turn(task.name(), interval).await? {
            return Ok(());
        }
        let count = match task {
            Task::ExpireFiles => self.expire_files().await?,
            Task::SweepRows => self.store.sweep_rows().await?,
            Task::SweepEvents => self.sweep_events().await?,
            Task::MeasureStorage => self.store.measure_storage().await.map(|()| 0)?,
            Task::SweepFiles => self.sweep_files().await?,
        };
        if count > 0 {
            tracing::info!(task = task.name(), count, "upkeep done");
        }
        Ok(())
    }

    /// Deletes the files of finished documents that have been kept for as long as their projects say. Their records
    /// become `retention_expired` and keep their results. Answers how many there were.
    ///
    /// # Errors
    /// Whatever stopped it; what was done until then stays.
    pub async fn expire_files(&self) -> Result<u64, Error> {
        let mut count = 0;
        loop {
            let files = self.store.expired_files(self.clock.now(), CHUNK).await?;
            let mut expired = 0_u64;
            for file in &files {
                if self.store.expire_file(file).await? {
                    expired += 1;
                    self.blobs.delete(&BlobKey::stored(&file.blob_key)?).await?;
                }
            }
            count += expired;
            // Those that others have dealt with meanwhile are gone from the next look too.
            if expired == 0 {
                return Ok(count);
            }
        }
    }

    /// Deletes events, and with them the log of their deliveries, that are older than they are kept. Answers how many
    /// there were.
    ///
    /// # Errors
    /// Whatever stopped it; what was done until then stays.
    pub async fn sweep_events(&self) -> Result<u64, Error> {
        let before = self.clock.now().before(self.event_age);
        let mut count = 0;
        loop {
            let swept = self.store.sweep_events(before, CHUNK).await?;
            count += swept;
            if swept < u64::from(CHUNK) {
                return Ok(count);
            }
        }
    }

    /// Deletes files that no record refers to, once they are old enough. Answers how many there were.
    ///
    /// # Errors
    /// Whatever stopped it; what was done until then stays.
    pub async fn sweep_files(&self) -> Result<u64, Error> {
        let before = self.clock.now().before(self.orphan_age);
        let mut count = 0;
        let mut files = self.blobs.documents_before(before);
        while let Some(file) = files.try_next().await? {
            let key = file.key.as_str();
            if !self.store.holds_file(&file.organization_id, &file.document_id, key).await? {
                self.blobs.delete(&file.key).await?;
                count += 1;
            }
        }
        Ok(count)
    }
}
