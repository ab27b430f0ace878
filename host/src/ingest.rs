//! Bytes in: a file streams to the blob store while it is counted, hashed and sniffed.
//!
//! Never holds a whole file in memory, and refuses one as soon as it is seen to be too large or in no format that
//! can be read. Knows nothing of HTTP.

pub mod archive;

use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt};
use sha2::{Digest, Sha256};

use crate::blobs::{self, BlobKey, BlobWriter, Blobs};
use crate::domain::document::StoredFile;
use crate::domain::format::{self, Format};
use crate::store;

/// Why a file was not taken in. `E` is what the source of the bytes fails with.
#[derive(Debug, thiserror::Error)]
pub enum Error<E: std::error::Error + 'static> {
    /// The bytes stopped coming.
    #[error("file did not arrive whole")]
    Source(#[source] E),
    /// There were no bytes.
    #[error("file is empty")]
    Empty,
    /// More bytes than are allowed.
    #[error("file is larger than the limit of {}", shown_size(*limit_bytes))]
    TooLarge {
        /// The limit.
        limit_bytes: u64,
    },
    /// Content that is in none of the formats that can be read: a sentence that names them.
    #[error("{0}")]
    UnknownFormat(String),
    /// The blob store failed.
    #[error("file cannot be stored")]
    Blob(#[source] blobs::Error),
}

/// A limit for people: in MiB where it is whole ones.
pub fn shown_size(bytes: u64) -> String {
    const MIB: u64 = 1024 * 1024;
    if bytes.is_multiple_of(MIB) { format!("{} MiB", bytes / MIB) } else { format!("{bytes} bytes") }
}

/// A file in the blob store to which no record refers yet. Dropped without [`Received::keep`], as when the request
/// is cancelled or turns out to be wrong in another part, it is deleted again.
#[derive(Debug)]
pub struct Received {
    /// Size of the file.
    pub size_bytes: u64,
    /// Its format, by content.
    pub format: Format,
    sha256: String,
    key: BlobKey,
    /// `None` once the file is somebody else's to delete.
    blobs: Option<Blobs>,
}

impl Received {
    /// Where it lies.
    pub fn key(&self) -> &BlobKey {
        &self.key
    }

    /// Hands the file over to the record that is about to refer to it.
    pub fn keep(mut self) -> StoredFile {
        self.blobs = None;
        StoredFile { blob_key: self.key.as_str().to_owned(), sha256: std::mem::take(&mut self.sha256) }
    }
}

impl Drop for Received {
    fn drop(&mut self) {
        let (Some(blobs), Ok(runtime)) = (self.blobs.take(), tokio::runtime::Handle::try_current()) else {
            return;
        };
        let key = self.key.clone();
        runtime.spawn(async move { discard(&blobs, &key).await });
    }
}

/// Deletes a file to which no record refers after all. A failure is logged only: such a file wastes room and does
/// no other harm.
pub async fn discard(blobs: &Blobs, key: &BlobKey) {
    if let Err(error) = blobs.delete(key).await {
        tracing::warn!(%key, error = &error as &dyn std::error::Error, "file without a record was not deleted");
    }
}

/// Waits for `record` to put files that were handed over by [`Received::keep`] under a record; where it fails, they are
/// deleted. A database that breaks off while it commits leaves open what happened: then `find` tells, and where that
/// fails too, the files stay, since a record without its file would be worse than a file without a record.
///
/// # Errors
/// That of `record`.
pub async fn recorded<T>(
    blobs: &Blobs,
    files: &[BlobKey],
    record: impl Future<Output = Result<T, store::Error>>,
    find: impl Future<Output = Result<Option<T>, store::Error>>,
) -> Result<T, store::Error> {
    let error = match record.await {
        Ok(recorded) => return Ok(recorded),
        Err(error) => error,
    };
    match find.await {
        Ok(Some(recorded)) => return Ok(recorded),
        Ok(None) => {
            for key in files {
                discard(blobs, key).await;
            }
        }
        Err(find_error) => {
            let find_error = &find_error as &dyn std::error::Error;
            tracing::warn!(error = find_error, "unknown whether a record was made; its files are kept");
        }
    }
    Err(error)
}

/// Takes in a file of at most `limit_bytes`; its name, which may be empty, tells kinds of text apart. After an error nothing is left in the blob store; the rest of `chunks`
/// has not been read.
///
/// # Errors
/// See [`Error`].
pub async fn receive<E: std::error::Error + 'static>(
    blobs: &Blobs,
    key: BlobKey,
    file_name: &str,
    mut chunks: impl Stream<Item = Result<Bytes, E>> + Unpin,
    limit_bytes: u64,
) -> Result<Received, Error<E>> {
    let (head, format) = read_head(file_name, &mut chunks, limit_bytes).await?;
    let mut writer = blobs.write(&key).await.map_err(Error::Blob)?;
    match copy(&mut writer, head, chunks, limit_bytes).await {
        Ok((size_bytes, sha256)) => {
            writer.finish().await.map_err(Error::Blob)?;
            Ok(Received { size_bytes, format, sha256, key, blobs: Some(blobs.clone()) })
        }
        Err(error) => {
            if let Err(error) = writer.abort().await {
                tracing::warn!(%key, error = &error as &dyn std::error::Error, "unfinished file was not removed");
            }
            Err(error)
        }
    }
}

/// Reads as much as it takes to tell the format; the store is not touched for a file that is refused by it.
async fn read_head<E: std::error::Error + 'static>(
    file_name: &str,
    chunks: &mut (impl Stream<Item = Result<Bytes, E>> + Unpin),
    limit_bytes: u64,
) -> Result<(Bytes, Format), Error<E>> {
    let mut head = BytesMut::new();
    while head.len() < format::SNIFF_BYTES {
        let Some(chunk) = chunks.next().await else { break };
        head.extend_from_slice(&chunk.map_err(Error::Source)?);
    }
    if head.is_empty() {
        return Err(Error::Empty);
    }
    if head.len() as u64 > limit_bytes {
        return Err(Error::TooLarge { limit_bytes });
    }
    let format =
        format::sniff(&head, file_name).ok_or_else(|| Error::UnknownFormat(format::unsupported(&head)))?;
    Ok((head.freeze(), format))
}

async fn copy<E: std::error::Error + 'static>(
    writer: &mut BlobWriter,
    head: Bytes,
    mut chunks: impl Stream<Item = Result<Bytes, E>> + Unpin,
    limit_bytes: u64,
) -> Result<(u64, String), Error<E>> {
    let mut hash = Sha256::new();
    let mut size_bytes = 0_u64;
    let mut next = Some(Ok(head));
    while let Some(chunk) = next {
        let chunk = chunk.map_err(Error::Source)?;
        size_bytes = size_bytes.saturating_add(chunk.len() as u64);
        if size_bytes > limit_bytes {
            return Err(Error::TooLarge { limit_bytes });
        }
        hash.update(&chunk);
        writer.put(chunk).await.map_err(Error::Blob)?;
        next = chunks.next().await;
    }
    Ok((size_bytes, hex::encode(hash.finalize())))
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures::stream;

    use super::*;

    fn blobs() -> (tempfile::TempDir, Blobs) {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(&format!("file:{}", folder.path().display())).unwrap();
        (folder, blobs)
    }

    fn key() -> BlobKey {
        BlobKey::document("0192f3a4", "0192f3a5").unwrap()
    }

    fn chunks(parts: &[&[u8]]) -> impl Stream<Item = Result<Bytes, Infallible>> + Unpin {
        stream::iter(parts.iter().map(|part| Ok(Bytes::copy_from_slice(part))).collect::<Vec<_>>())
    }

    #[tokio::test]
    async fn a_file_is_counted_hashed_and_sniffed_on_its_way() {
        let (_folder, blobs) = blobs();
        let received = receive(&blobs, key(), "", chunks(&[b"%P", b"DF-1.7", b" rest"]), 100).await.unwrap();
        assert_eq!((received.size_bytes, received.format), (13, Format::Pdf));
        let file = received.keep();
        assert_eq!(file.sha256, "50cf891ecd30d3edee9f770380296db6bf6fc882fe91ccadbbd7b6466637b79f");
        assert_eq!(blobs.read_all(&key(), 100).await.unwrap(), "%PDF-1.7 rest");
    }

    #[tokio::test]
    async fn a_file_over_the_limit_is_refused_without_reading_on() {
        let (_folder, blobs) = blobs();
        let endless =
            stream::iter(std::iter::repeat_with(|| Ok::<_, Infallible>(Bytes::from_static(b"%PDF-1.7"))));
        let error = receive(&blobs, key(), "", endless, 5000).await.unwrap_err();
        assert!(matches!(error, Error::TooLarge { limit_bytes: 5000 }), "{error}");
        assert!(matches!(blobs.read(&key()).await, Err(blobs::Error::NotFound(_))));
    }

    #[tokio::test]
    async fn content_in_no_known_format_is_refused_with_the_known_ones() {
        let (_folder, blobs) = blobs();
        let error = receive(&blobs, key(), "", chunks(&[b"MZ\x90\0"]), 5000).await.unwrap_err();
        assert_eq!(error.to_string(), format::unsupported(b"MZ\x90\0"));
    }

    #[tokio::test]
    async fn an_empty_file_is_refused() {
        let (_folder, blobs) = blobs();
        let error = receive(&blobs, key(), "", chunks(&[b"", b""]), 5000).await.unwrap_err();
        assert!(matches!(error, Error::Empty), "{error}");
    }

    #[tokio::test]
    async fn a_file_that_nobody_keeps_is_deleted() {
        let (_folder, blobs) = blobs();
        drop(receive(&blobs, key(), "", chunks(&[b"%PDF-1.7"]), 100).await.unwrap());
        for _ in 0..1000 {
            if matches!(blobs.read(&key()).await, Err(blobs::Error::NotFound(_))) {
                return;
            }
            tokio::task::yield_now().await;
        }
        panic!("the file is still there");
    }
}
