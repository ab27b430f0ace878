//! Where the bytes of documents and of plugins are kept: a local folder or an S3 bucket, by URL, with the same code.
//!
//! Knows nothing of the database. A write is complete or leaves nothing; a key is written once.

use std::fmt;
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{ObjectStore, ObjectStoreExt, WriteMultipart};

use crate::domain::timestamp::Timestamp;

/// Size of the parts that are sent to the store: S3 wants at least 5 MiB each and at most 10,000 of them.
const PART_BYTES: usize = 8 * 1024 * 1024;

/// Parts of one file that may be on their way at one time; with the one being filled this bounds the memory that
/// an upload takes.
const PARTS_IN_FLIGHT: usize = 2;

/// What the keys of plugins' components begin with, which no organization's id is.
const COMPONENTS: &str = "plugins";

/// Why a blob could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The URL names no store that we know.
    #[error("blob store `{url}` is not one of `file:PATH` and `s3://bucket/prefix`")]
    UnknownUrl {
        /// As given.
        url: String,
    },
    /// The local folder cannot be made.
    #[error("folder `{}` of the blob store cannot be made", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The store cannot be opened with these settings.
    #[error("blob store cannot be opened")]
    Open(#[source] object_store::Error),
    /// A text that no key has, or a part of one that is not made of letters, digits and hyphens.
    #[error("`{0}` cannot be a blob's key or part of one")]
    BadKey(String),
    /// There is no such blob.
    #[error("blob `{0}` is not there")]
    NotFound(BlobKey),
    /// The blob is larger than the caller takes.
    #[error("blob `{key}` has {found} bytes, at most {limit} were expected")]
    TooLarge {
        /// Which.
        key: BlobKey,
        /// Its size in bytes.
        found: u64,
        /// The caller's limit in bytes.
        limit: u64,
    },
    /// The store does not say what it has.
    #[error("blob store failed to list its blobs")]
    List(#[source] object_store::Error),
    /// The store failed.
    #[error("blob store failed to {action} `{key}`")]
    Store {
        /// `read`, `write`, `delete`.
        action: &'static str,
        /// Which blob.
        key: BlobKey,
        /// Why.
        source: object_store::Error,
    },
}

impl Error {
    /// Whether trying again may help.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Store { .. } | Self::List(_) => true,
            Self::UnknownUrl { .. }
            | Self::Folder { .. }
            | Self::Open(_)
            | Self::BadKey(_)
            | Self::NotFound(_)
            | Self::TooLarge { .. } => false,
        }
    }
}

/// The place of one blob. The only place that builds an object's path, and only from ids that were made here:
/// never from anything a client sent.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BlobKey(String);

impl BlobKey {
    /// The file of a document, as it was uploaded.
    ///
    /// # Errors
    /// [`Error::BadKey`] for an id with any character but letters, digits and hyphens.
    pub fn document(organization_id: &str, document_id: &str) -> Result<Self, Error> {
        check_parts([organization_id, document_id])?;
        Ok(Self(format!("{organization_id}/documents/{document_id}")))
    }

    /// The component of a version of a plugin: by its digest, and by the version, so that nobody else's deletion takes
    /// it away.
    ///
    /// # Errors
    /// [`Error::BadKey`] for a digest or an id with any character but letters, digits and hyphens.
    pub fn component(digest: &str, version_id: &str) -> Result<Self, Error> {
        check_parts([digest, version_id])?;
        Ok(Self(format!("{COMPONENTS}/{digest}/{version_id}")))
    }

    /// A key as it was stored in a record.
    ///
    /// # Errors
    /// [`Error::BadKey`] for a text that no key has.
    pub fn stored(text: &str) -> Result<Self, Error> {
        match text.split('/').collect::<Vec<_>>().as_slice() {
            [organization_id, "documents", document_id] => Self::document(organization_id, document_id),
            [COMPONENTS, digest, version_id] => Self::component(digest, version_id),
            _ => Err(Error::BadKey(text.to_owned())),
        }
    }

    /// The key as text, without the store's own prefix.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn path(&self) -> Path {
        Path::from(self.0.as_str())
    }
}

fn check_parts(parts: [&str; 2]) -> Result<(), Error> {
    for part in parts {
        if part.is_empty() || !part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            return Err(Error::BadKey(part.to_owned()));
        }
    }
    Ok(())
}

impl fmt::Display for BlobKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The blob store; cheap to clone.
#[derive(Debug, Clone)]
pub struct Blobs {
    store: Arc<dyn ObjectStore>,
}

/// A blob that is being read.
pub struct BlobReader {
    /// Its size in bytes.
    pub size_bytes: u64,
    /// Its content.
    pub chunks: BoxStream<'static, Result<Bytes, Error>>,
}

/// A document's file, as the blob store lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentFile {
    /// Where it lies.
    pub key: BlobKey,
    /// The organization in its key.
    pub organization_id: String,
    /// The document in its key.
    pub document_id: String,
}

/// A plugin's component, as the blob store lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComponentFile {
    /// Where it lies.
    pub key: BlobKey,
    /// The version in its key.
    pub version_id: String,
}

impl Blobs {
    /// Opens the store at `file:PATH` (made where it is missing) or `s3://bucket/prefix` (region, endpoint and keys
    /// from the usual `AWS_*` variables).
    ///
    /// # Errors
    /// A URL of another kind, a folder that cannot be made, or settings that S3 does not take.
    pub fn open(url: &str) -> Result<Self, Error> {
        if let Some(path) = url.strip_prefix("file:") {
            return Self::open_folder(FilePath::new(path.strip_prefix("//").unwrap_or(path)));
        }
        let Some(place) = url.strip_prefix("s3://") else {
            return Err(Error::UnknownUrl { url: url.to_owned() });
        };
        let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
        let store = AmazonS3Builder::from_env().with_bucket_name(bucket).build().map_err(Error::Open)?;
        Ok(Self { store: Arc::new(PrefixStore::new(store, Path::from(prefix))) })
    }

    fn open_folder(path: &FilePath) -> Result<Self, Error> {
        std::fs::create_dir_all(path).map_err(|source| Error::Folder { path: path.to_owned(), source })?;
        // What an upload was answered 201 for has to survive a power cut.
        let store = LocalFileSystem::new_with_prefix(path).map_err(Error::Open)?.with_fsync(true);
        Ok(Self { store: Arc::new(store) })
    }

    /// Begins to write a blob.
    ///
    /// # Errors
    /// [`Error::Store`] where the store does not take it.
    pub async fn write(&self, key: &BlobKey) -> Result<BlobWriter, Error> {
        let upload = self.store.put_multipart(&key.path()).await.map_err(|source| Error::Store {
            action: "write",
            key: key.clone(),
            source,
        })?;
        let parts = WriteMultipart::new_with_chunk_size(upload, PART_BYTES);
        Ok(BlobWriter { key: key.clone(), parts: Some(parts) })
    }

    /// Begins to read a blob.
    ///
    /// # Errors
    /// [`Error::NotFound`], or [`Error::Store`] where the store fails.
    pub async fn read(&self, key: &BlobKey) -> Result<BlobReader, Error> {
        let found = self.store.get(&key.path()).await.map_err(|source| read_error(key, source))?;
        let size_bytes = found.meta.size;
        let key = key.clone();
        let chunks = found.into_stream().map(move |chunk| chunk.map_err(|source| read_error(&key, source)));
        Ok(BlobReader { size_bytes, chunks: chunks.boxed() })
    }

    /// Reads a whole blob of at most `limit` bytes.
    ///
    /// # Errors
    /// [`Error::TooLarge`] before anything is read, else as [`Blobs::read`].
    pub async fn read_all(&self, key: &BlobKey, limit: u64) -> Result<Bytes, Error> {
        let found = self.store.get(&key.path()).await.map_err(|source| read_error(key, source))?;
        if found.meta.size > limit {
            return Err(Error::TooLarge { key: key.clone(), found: found.meta.size, limit });
        }
        found.bytes().await.map_err(|source| read_error(key, source))
    }

    /// The files of documents that were last written before a time, in no order. Blobs of other kinds are passed over.
    pub fn documents_before(&self, time: Timestamp) -> BoxStream<'static, Result<DocumentFile, Error>> {
        self.before(None, time, DocumentFile::at)
    }

    /// The components of plugins that were last written before a time, in no order.
    pub fn components_before(&self, time: Timestamp) -> BoxStream<'static, Result<ComponentFile, Error>> {
        self.before(Some(&Path::from(COMPONENTS)), time, ComponentFile::at)
    }

    fn before<T: Send + 'static>(
        &self,
        prefix: Option<&Path>,
        time: Timestamp,
        at: fn(&str) -> Option<T>,
    ) -> BoxStream<'static, Result<T, Error>> {
        let found = self.store.list(prefix).map_err(Error::List);
        found
            .try_filter_map(move |blob| async move {
                let is_before = blob.last_modified.timestamp_micros() < time.0;
                Ok(at(blob.location.as_ref()).filter(|_| is_before))
            })
            .boxed()
    }

    /// Deletes a blob; one that is not there is as good as deleted.
    ///
    /// # Errors
    /// [`Error::Store`] where the store fails.
    pub async fn delete(&self, key: &BlobKey) -> Result<(), Error> {
        match self.store.delete(&key.path()).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(source) => Err(Error::Store { action: "delete", key: key.clone(), source }),
        }
    }
}

impl DocumentFile {
    fn at(path: &str) -> Option<Self> {
        let key = BlobKey::stored(path).ok()?;
        let (organization_id, document_id) = path.split_once("/documents/")?;
        Some(Self { organization_id: organization_id.to_owned(), document_id: document_id.to_owned(), key })
    }
}

impl ComponentFile {
    fn at(path: &str) -> Option<Self> {
        let key = BlobKey::stored(path).ok()?;
        let (digest_and_folder, version_id) = path.rsplit_once('/')?;
        let version_id = version_id.to_owned();
        digest_and_folder.starts_with(COMPONENTS).then_some(Self { key, version_id })
    }
}

fn read_error(key: &BlobKey, source: object_store::Error) -> Error {
    match source {
        object_store::Error::NotFound { .. } => Error::NotFound(key.clone()),
        source => Error::Store { action: "read", key: key.clone(), source },
    }
}

/// A blob that is being written; nothing is there until [`BlobWriter::finish`].
///
/// Dropped before that, as when a client goes away in the middle of an upload, it gives up what was sent.
pub struct BlobWriter {
    key: BlobKey,
    /// Taken by `finish` and `abort`.
    parts: Option<WriteMultipart>,
}

impl BlobWriter {
    /// Takes more bytes; waits while enough are on their way.
    ///
    /// # Errors
    /// [`Error::Store`] where a part could not be sent.
    pub async fn put(&mut self, bytes: Bytes) -> Result<(), Error> {
        let Some(parts) = &mut self.parts else { return Ok(()) };
        parts.wait_for_capacity(PARTS_IN_FLIGHT).await.map_err(|source| Error::Store {
            action: "write",
            key: self.key.clone(),
            source,
        })?;
        // Copied rather than kept: small chunks of a request would pin the larger buffers they were cut from.
        parts.write(&bytes);
        Ok(())
    }

    /// Sends what is left; the blob is there when this returns.
    ///
    /// # Errors
    /// [`Error::Store`], and nothing is left behind.
    pub async fn finish(mut self) -> Result<(), Error> {
        let Some(parts) = self.parts.take() else { return Ok(()) };
        match parts.finish().await {
            Ok(_) => Ok(()),
            Err(source) => Err(Error::Store { action: "write", key: self.key.clone(), source }),
        }
    }

    /// Gives up: removes what was sent.
    ///
    /// # Errors
    /// [`Error::Store`] where the store could not remove it.
    pub async fn abort(mut self) -> Result<(), Error> {
        let Some(parts) = self.parts.take() else { return Ok(()) };
        parts.abort().await.map_err(|source| Error::Store { action: "delete", key: self.key.clone(), source })
    }
}

impl Drop for BlobWriter {
    fn drop(&mut self) {
        let (Some(parts), Ok(runtime)) = (self.parts.take(), tokio::runtime::Handle::try_current()) else {
            return;
        };
        let key = self.key.clone();
        runtime.spawn(async move {
            if let Err(error) = parts.abort().await {
                tracing::warn!(%key, error = &error as &dyn std::error::Error, "unfinished blob was not removed");
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORGANIZATION: &str = "0192f3a4-0000-7000-8000-000000000001";

    fn folder() -> (tempfile::TempDir, Blobs) {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(&format!("file:{}", folder.path().display())).unwrap();
        (folder, blobs)
    }

    fn key() -> BlobKey {
        BlobKey::document(ORGANIZATION, "0192f3a4-0000-7000-8000-000000000002").unwrap()
    }

    fn files(folder: &FilePath) -> usize {
        std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .map(|path| if path.is_dir() { files(&path) } else { 1 })
            .sum()
    }

    #[tokio::test]
    async fn a_blob_of_several_parts_reads_back_as_it_was_written() {
        let (_folder, blobs) = folder();
        let mut writer = blobs.write(&key()).await.unwrap();
        let chunk = Bytes::from((0..1_000_003_u32).map(|i| (i % 251) as u8).collect::<Vec<_>>());
        for _ in 0..20 {
            writer.put(chunk.clone()).await.unwrap();
        }
        writer.finish().await.unwrap();
        let all = blobs.read_all(&key(), 30_000_000).await.unwrap();
        assert!(all.len() == chunk.len() * 20 && all.ends_with(&chunk));
        let mut reader = blobs.read(&key()).await.unwrap();
        let mut streamed = 0;
        while let Some(chunk) = reader.chunks.next().await {
            streamed += chunk.unwrap().len() as u64;
        }
        assert_eq!(streamed, reader.size_bytes);
    }

    #[tokio::test]
    async fn an_aborted_write_leaves_nothing() {
        let (folder, blobs) = folder();
        let mut writer = blobs.write(&key()).await.unwrap();
        writer.put(Bytes::from(vec![0; 20_000_000])).await.unwrap();
        writer.abort().await.unwrap();
        assert!(matches!(blobs.read(&key()).await, Err(Error::NotFound(_))));
        assert_eq!(files(folder.path()), 0);
    }

    #[tokio::test]
    async fn a_blob_over_the_readers_limit_is_not_read() {
        let (_folder, blobs) = folder();
        let mut writer = blobs.write(&key()).await.unwrap();
        writer.put(Bytes::from_static(b"eleven byte")).await.unwrap();
        writer.finish().await.unwrap();
        assert!(matches!(blobs.read_all(&key(), 10).await, Err(Error::TooLarge { found: 11, .. })));
    }

    #[tokio::test]
    async fn deleting_twice_is_no_error() {
        let (_folder, blobs) = folder();
        blobs.write(&key()).await.unwrap().finish().await.unwrap();
        blobs.delete(&key()).await.unwrap();
        blobs.delete(&key()).await.unwrap();
        assert!(matches!(blobs.read(&key()).await, Err(Error::NotFound(_))));
    }

    #[test]
    fn only_ids_make_a_key() {
        for id in ["", "..", "a/b", "a\\b", "%2e%2e", "x\0", "ä"] {
            assert!(matches!(BlobKey::document(ORGANIZATION, id), Err(Error::BadKey(_))), "{id}");
        }
    }

    #[test]
    fn another_kind_of_url_is_refused_with_the_known_ones() {
        let error = Blobs::open("ftp://host/x").unwrap_err().to_string();
        assert_eq!(error, "blob store `ftp://host/x` is not one of `file:PATH` and `s3://bucket/prefix`");
    }
}
