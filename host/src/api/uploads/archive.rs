//! Archives in a batch: each file of a ZIP file becomes a file of the batch, and stands alone like the others.

use super::form::{FormFile, Origin, outcome, too_many_files};
use crate::api::Context;
use crate::api::access::Caller;
use crate::api::error::{ApiError, Code};
use crate::blobs::BlobKey;
use crate::domain::file_name;
use crate::domain::format::Format;
use crate::ingest::archive::{ArchiveError, Unpacking};

/// Takes the archives among a form's files apart, at most `max_files` in all. An archive in an archive is refused, as is
/// any file that would be refused by itself.
///
/// # Errors
/// 400 for more files than a batch may have, 503 where the blob store fails. Nothing is left in the blob store then.
pub async fn unpack(
    context: &Context,
    caller: &Caller,
    files: Vec<FormFile>,
    max_files: usize,
) -> Result<Vec<FormFile>, ApiError> {
    let mut unpacked = Vec::with_capacity(files.len());
    for file in files {
        let is_archive = file.outcome.as_ref().is_ok_and(|received| received.format == Format::Zip);
        if is_archive {
            take_apart(context, caller, file, max_files, &mut unpacked).await?;
        } else {
            unpacked.push(file);
        }
        if unpacked.len() > max_files {
            return Err(too_many_files(max_files));
        }
    }
    Ok(unpacked)
}

async fn take_apart(
    context: &Context,
    caller: &Caller,
    archive: FormFile,
    max_files: usize,
    unpacked: &mut Vec<FormFile>,
) -> Result<(), ApiError> {
    let Ok(received) = &archive.outcome else { return Ok(()) };
    let limit = context.config.decode.max_inflated_mib << 20;
    let mut unpacking = match Unpacking::open(&context.blobs, received.key(), limit).await {
        Ok(unpacking) => unpacking,
        Err(ArchiveError::Damaged(error)) => {
            let refused = ApiError::new(Code::FileArchive, error.to_string());
            unpacked.push(FormFile { outcome: Err(refused), ..archive });
            return Ok(());
        }
        Err(ArchiveError::Blob(error)) => return Err(error.into()),
        Err(error @ ArchiveError::Local(_)) => return Err(ApiError::internal(error)),
    };
    let entries = unpacking.entries().to_vec();
    if unpacked.len() + entries.len() > max_files {
        return Err(too_many_files(max_files));
    }
    if entries.is_empty() {
        let refused = ApiError::new(Code::FileArchive, "the archive has no files in it");
        unpacked.push(FormFile { outcome: Err(refused), ..archive });
        return Ok(());
    }
    let limit_bytes = super::file_limit(context, caller).await?;
    for entry in entries {
        let document_id = context.clock.new_id();
        let key = BlobKey::document(&caller.organization_id, &document_id)?;
        let received = unpacking.receive(&context.blobs, key, &entry, limit_bytes).await;
        let size_bytes = received.as_ref().map_or(0, |received| received.size_bytes);
        let outcome = outcome(received, |error| Ok(ApiError::new(Code::FileArchive, error.to_string())))?;
        let outcome = outcome.and_then(|received| match received.format {
            Format::Zip => Err(ApiError::new(
                Code::FileArchive,
                "an archive in an archive is not taken apart: upload it by itself",
            )),
            _ => Ok(received),
        });
        let origin = Origin {
            archive: file_name::sanitized(archive.name.as_deref().unwrap_or_default()),
            path: sanitized_path(&entry.path),
        };
        unpacked.push(FormFile {
            document_id,
            name: Some(entry.path),
            size_bytes,
            outcome,
            origin: Some(origin),
        });
    }
    Ok(())
}

/// A path for people to read, each of its parts as a file name may be. Those that lead upwards are left out.
fn sanitized_path(path: &str) -> String {
    let parts = path.split(['/', '\\']).filter(|part| !matches!(part.trim(), "" | "." | ".."));
    parts.map(file_name::sanitized).collect::<Vec<_>>().join("/")
}
