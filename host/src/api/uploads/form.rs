//! Reads the form of an upload, part by part: files go to the blob store as they come, texts are kept.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::extract::multipart::Field;
use bytes::Bytes;
use futures::TryStreamExt;
use sha2::{Digest, Sha256};

use super::Fields;
use crate::api::Context;
use crate::api::access::Caller;
use crate::api::error::{ApiError, Code};
use crate::api::extract::{Id, Multipart, multipart_error};
use crate::api::idempotency::Fingerprint;
use crate::blobs::BlobKey;
use crate::domain::format::Format;
use crate::ingest::{self, Received};

/// Longest text part.
const MAX_TEXT_BYTES: usize = 64 * 1024;

/// Most parts of a form beside its files.
const MAX_TEXTS: usize = 100;

/// What an upload's form has to look like.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// Name of the parts that are files.
    pub field: &'static str,
    /// Most of them.
    pub max_files: usize,
    /// How long each part may take to arrive.
    pub time_per_file: Duration,
    /// The operation, as one that takes such forms is told from another.
    pub operation: &'static str,
}

/// A form that has been read.
#[derive(Debug, Default)]
pub struct Form {
    /// Its text parts.
    pub fields: Fields,
    /// Its files in their order.
    pub files: Vec<FormFile>,
}

/// A file of a form.
#[derive(Debug)]
pub struct FormFile {
    /// Id of the document it becomes.
    pub document_id: String,
    /// Its name, as the part gives it; untrusted.
    pub name: Option<String>,
    /// Bytes that arrived.
    pub size_bytes: u64,
    /// The file in the blob store, or why it was refused.
    pub outcome: Result<Received, ApiError>,
    /// Where it comes from, of a file that was in an archive.
    pub origin: Option<Origin>,
}

/// The archive that a file was in.
#[derive(Debug, Clone)]
pub struct Origin {
    /// The archive's name, made harmless.
    pub archive: String,
    /// The file's path in it, made harmless.
    pub path: String,
}

/// Reads a form. Of a form with one file, a refused file ends the reading at once; of one with several, each stands
/// alone.
///
/// # Errors
/// 400 for a form that is not as it should be or has too many files, 408 where a part takes too long, 413 above the
/// request's limit, and 503 where the blob store fails. Nothing is left in the blob store then.
pub async fn read(
    context: &Context,
    caller: &Caller,
    multipart: Multipart,
    shape: Shape,
) -> Result<Form, ApiError> {
    read_parts(context, caller, multipart, shape, None).await
}

/// The same, with the form's fingerprint.
///
/// # Errors
/// As [`read`].
pub async fn read_with_fingerprint(
    context: &Context,
    caller: &Caller,
    multipart: Multipart,
    shape: Shape,
) -> Result<(Form, String), ApiError> {
    let mut fingerprint = Fingerprint::new(shape.operation);
    let form = read_parts(context, caller, multipart, shape, Some(&mut fingerprint)).await?;
    Ok((form, fingerprint.finish()))
}

/// The fingerprint of a form of which nothing is kept, and the project that it names.
///
/// # Errors
/// 400 for a form that is not as it should be, 408 where a part takes too long, and 413 above the request's limit.
pub async fn fingerprint(mut multipart: Multipart, shape: Shape) -> Result<(String, Option<Id>), ApiError> {
    let mut project = None;
    let mut fingerprint = Fingerprint::new(shape.operation);
    // No form that was taken in has more.
    let most = shape.max_files.saturating_add(MAX_TEXTS);
    let mut parts = 0_usize;
    while let Some(mut part) = in_time(shape, multipart.next_part()).await? {
        parts += 1;
        if parts > most {
            return Err(ApiError::fields(vec![format!("the form has more than {most} parts")]));
        }
        let name = field_name(&part);
        if name == shape.field {
            let file_name = part.file_name().map(str::to_owned);
            let mut content = Sha256::new();
            in_time(shape, hash_rest(&mut part, &mut content)).await?;
            fingerprint.file(&name, file_name.as_deref(), content);
        } else {
            let text = in_time(shape, read_text(&name, &mut part)).await?;
            fingerprint.text(&name, text.as_bytes());
            project = project.or_else(|| Id::parse(&text).filter(|_| name == "projectId"));
        }
    }
    Ok((fingerprint.finish(), project))
}

async fn read_parts(
    context: &Context,
    caller: &Caller,
    mut multipart: Multipart,
    shape: Shape,
    mut fingerprint: Option<&mut Fingerprint>,
) -> Result<Form, ApiError> {
    let mut form = Form::default();
    let mut texts = 0_usize;
    while let Some(mut part) = in_time(shape, multipart.next_part()).await? {
        let name = field_name(&part);
        if name == shape.field {
            if form.files.len() >= shape.max_files {
                return Err(match shape.max_files {
                    1 => ApiError::fields(vec![format!("`{}` is there more than once", shape.field)]),
                    most => too_many_files(most),
                });
            }
            let mut content = fingerprint.is_some().then(Sha256::new);
            let file = in_time(shape, read_file(context, caller, &mut part, &mut content)).await?;
            match (shape.max_files, &file.outcome) {
                (1, Err(refused)) => return Err(refused.clone()),
                (1, Ok(received)) if received.format == Format::Zip => {
                    let message = "a ZIP file holds several documents: upload it to a batch";
                    return Err(ApiError::new(Code::FileFormat, message));
                }
                _ => {}
            }
            if let (Some(fingerprint), Some(mut content)) = (fingerprint.as_deref_mut(), content) {
                // What a refusal left unread.
                in_time(shape, hash_rest(&mut part, &mut content)).await?;
                fingerprint.file(&name, file.name.as_deref(), content);
            }
            form.files.push(file);
        } else {
            texts += 1;
            if texts > MAX_TEXTS {
                return Err(ApiError::fields(vec![format!("the form has more than {MAX_TEXTS} parts")]));
            }
            let text = in_time(shape, read_text(&name, &mut part)).await?;
            if let Some(fingerprint) = fingerprint.as_deref_mut() {
                fingerprint.text(&name, text.as_bytes());
            }
            form.fields.insert(name, text);
        }
    }
    Ok(form)
}

/// The error for more files than a batch may have.
pub fn too_many_files(most: usize) -> ApiError {
    ApiError::new(
        Code::BatchTooManyFiles,
        format!("a batch has at most {most} files, those in archives included"),
    )
}

/// What became of a file: taken in, or refused for itself. `from_source` tells what an error of its source means.
///
/// # Errors
/// What ends the whole request: 503 where the blob store fails, and what `from_source` says.
pub fn outcome<E: std::error::Error + 'static>(
    received: Result<Received, ingest::Error<E>>,
    from_source: impl FnOnce(E) -> Result<ApiError, ApiError>,
) -> Result<Result<Received, ApiError>, ApiError> {
    let (code, error) = match received {
        Ok(received) => return Ok(Ok(received)),
        Err(ingest::Error::Source(error)) => return from_source(error).map(Err),
        Err(ingest::Error::Blob(error)) => return Err(error.into()),
        Err(error @ ingest::Error::Empty) => (Code::FileEmpty, error),
        Err(error @ ingest::Error::TooLarge { .. }) => (Code::FileTooLarge, error),
        Err(error @ ingest::Error::UnknownFormat(_)) => (Code::FileFormat, error),
    };
    Ok(Err(ApiError::new(code, error.to_string())))
}

async fn in_time<T>(shape: Shape, reading: impl Future<Output = Result<T, ApiError>>) -> Result<T, ApiError> {
    match tokio::time::timeout(shape.time_per_file, reading).await {
        Ok(read) => read,
        Err(_) => {
            let seconds = shape.time_per_file.as_secs();
            Err(ApiError::new(Code::RequestTimeout, format!("a part took longer than {seconds} s to arrive")))
        }
    }
}

/// The name of a part; some clients mark those that may come several times.
fn field_name(part: &Field<'_>) -> String {
    part.name().unwrap_or_default().trim_end_matches("[]").to_owned()
}

/// Reads what is left of a part into a hash.
async fn hash_rest(part: &mut Field<'_>, content: &mut Sha256) -> Result<(), ApiError> {
    while let Some(chunk) = part.chunk().await.map_err(|error| multipart_error(&error))? {
        content.update(&chunk);
    }
    Ok(())
}

async fn read_file(
    context: &Context,
    caller: &Caller,
    part: &mut Field<'_>,
    content: &mut Option<Sha256>,
) -> Result<FormFile, ApiError> {
    let document_id = context.clock.new_id();
    let key = BlobKey::document(&caller.organization_id, &document_id)?;
    let name = part.file_name().map(str::to_owned);
    let limit_bytes = super::file_limit(context, caller).await?;
    let arrived = AtomicU64::new(0);
    let chunks = (&mut *part).inspect_ok(|chunk: &Bytes| {
        arrived.fetch_add(chunk.len() as u64, Ordering::Relaxed);
        if let Some(content) = content {
            content.update(chunk);
        }
    });
    let file_name = name.clone().unwrap_or_default();
    let received = ingest::receive(&context.blobs, key, &file_name, chunks, limit_bytes).await;
    let outcome = outcome(received, |error| Err(multipart_error(&error)))?;
    Ok(FormFile { document_id, name, size_bytes: arrived.into_inner(), outcome, origin: None })
}

async fn read_text(name: &str, part: &mut Field<'_>) -> Result<String, ApiError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = part.chunk().await.map_err(|error| multipart_error(&error))? {
        if bytes.len() + chunk.len() > MAX_TEXT_BYTES {
            let limit = MAX_TEXT_BYTES / 1024;
            return Err(ApiError::fields(vec![format!("`{name}` is longer than {limit} KiB")]));
        }
        bytes.extend_from_slice(&chunk);
    }
    String::from_utf8(bytes).map_err(|_| ApiError::fields(vec![format!("`{name}` is not UTF-8 text")]))
}
