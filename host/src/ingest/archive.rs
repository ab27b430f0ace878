//! Archives of documents: each file streams from the archive to the blob store, so that neither is ever in memory as a
//! whole.

use std::io::{Seek, SeekFrom, Write};

use bytes::Bytes;
use futures::{StreamExt, stream};
use tokio::sync::mpsc;

use super::{Error, Received, receive};
use crate::blobs::{self, BlobKey, Blobs};
use crate::decode;
use crate::decode::archive::{Archive, Entry, EntryError};

/// Pieces that wait for the blob store.
const PIECES_AHEAD: usize = 4;

/// Why an archive cannot be taken apart.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// It is damaged.
    #[error(transparent)]
    Damaged(#[from] decode::Error),
    /// It cannot be fetched again.
    #[error("archive cannot be fetched")]
    Blob(#[source] blobs::Error),
    /// This machine has no room for it, or stopped reading it.
    #[error("archive cannot be unpacked")]
    Local(#[source] std::io::Error),
}

/// An archive that is being taken apart.
pub struct Unpacking {
    /// `None` while a file is read.
    archive: Option<Archive<std::fs::File>>,
    entries: Vec<Entry>,
    /// Bytes that all files together may still inflate to.
    bytes_left: u64,
}

impl Unpacking {
    /// Fetches an archive into a temporary file and reads its directory. All files together may inflate to
    /// `limit_bytes`.
    ///
    /// # Errors
    /// See [`ArchiveError`].
    pub async fn open(blobs: &Blobs, key: &BlobKey, limit_bytes: u64) -> Result<Self, ArchiveError> {
        let mut blob = blobs.read(key).await.map_err(ArchiveError::Blob)?;
        let mut file = on_thread(tempfile::tempfile).await?;
        while let Some(chunk) = blob.chunks.next().await {
            let chunk = chunk.map_err(ArchiveError::Blob)?;
            file = on_thread(move || file.write_all(&chunk).map(|()| file)).await?;
        }
        let opened = on_thread(move || {
            file.seek(SeekFrom::Start(0))?;
            Ok(Archive::open(file))
        });
        let archive = opened.await??;
        Ok(Self { entries: archive.entries(), archive: Some(archive), bytes_left: limit_bytes })
    }

    /// The files that may be documents.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Takes a file in like one that was uploaded by itself.
    ///
    /// # Errors
    /// As [`receive`]; [`Error::Source`] where the archive has it damaged or encrypted.
    pub async fn receive(
        &mut self,
        blobs: &Blobs,
        key: BlobKey,
        entry: &Entry,
        limit_bytes: u64,
    ) -> Result<Received, Error<EntryError>> {
        let broken = || Error::Source(EntryError::Damaged("reading it stopped unexpectedly".to_owned()));
        let Some(mut archive) = self.archive.take() else { return Err(broken()) };
        let is_last = self.bytes_left < limit_bytes;
        let limit_bytes = limit_bytes.min(self.bytes_left);
        let (pieces, arriving) = mpsc::channel::<Result<Bytes, EntryError>>(PIECES_AHEAD);
        let index = entry.index;
        let reading = tokio::task::spawn_blocking(move || {
            let mut bytes = 0;
            let read = archive.read(index, |piece| {
                bytes += piece.len() as u64;
                pieces.blocking_send(Ok(piece)).is_ok()
            });
            if let Err(error) = read {
                // Whoever does not listen any more has an error of their own.
                let _ = pieces.blocking_send(Err(error));
            }
            (archive, bytes)
        });
        let chunks = stream::unfold(arriving, async |mut arriving| {
            let piece = arriving.recv().await?;
            Some((piece, arriving))
        });
        let received = receive(blobs, key, &entry.path, Box::pin(chunks.fuse()), limit_bytes).await;
        let Ok((archive, bytes)) = reading.await else { return Err(broken()) };
        self.archive = Some(archive);
        self.bytes_left = self.bytes_left.saturating_sub(bytes);
        match received {
            Err(Error::TooLarge { .. }) if is_last => Err(Error::Source(EntryError::TooLarge)),
            received => received,
        }
    }
}

/// Does file work where it may block.
async fn on_thread<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Result<T, ArchiveError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(std::io::Error::other).and_then(|outcome| outcome).map_err(ArchiveError::Local)
}
