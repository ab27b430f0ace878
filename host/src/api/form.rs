//! Reads a form with one file that is kept in memory: nothing of it is stored.

use std::time::Duration;

use axum::extract::multipart::Field;
use bytes::Bytes;

use crate::api::error::{ApiError, Code};
use crate::api::extract::{Multipart, multipart_error};
use crate::api::uploads::Fields;
use crate::ingest::shown_size;

/// Longest text part: that of a template's JSON.
const MAX_TEXT_BYTES: usize = 1024 * 1024;

/// Most parts of a form.
const MAX_PARTS: usize = 100;

/// A form that has been read.
pub struct Form {
    /// The part `file`.
    pub file: Option<FormFile>,
    /// All other parts.
    pub fields: Fields,
}

/// The file of a form.
pub struct FormFile {
    /// Its name, as the part gives it; untrusted, and empty where it gives none.
    pub name: String,
    /// What is in it, at least a byte.
    pub content: Bytes,
}

/// Reads a form whose file has at most `max_file_bytes` and arrives within `time`.
///
/// # Errors
/// 400 for a form that is not as it should be, 408 where it takes too long, 413 for a larger file.
pub async fn read(multipart: Multipart, max_file_bytes: usize, time: Duration) -> Result<Form, ApiError> {
    match tokio::time::timeout(time, read_parts(multipart, max_file_bytes)).await {
        Ok(read) => read,
        Err(_) => {
            let seconds = time.as_secs();
            Err(ApiError::new(
                Code::RequestTimeout,
                format!("the form took longer than {seconds} s to arrive"),
            ))
        }
    }
}

async fn read_parts(mut multipart: Multipart, max_file_bytes: usize) -> Result<Form, ApiError> {
    let mut form = Form { file: None, fields: Fields::default() };
    let mut parts = 0_usize;
    while let Some(mut part) = multipart.next_part().await? {
        parts += 1;
        if parts > MAX_PARTS {
            return Err(ApiError::fields(vec![format!("the form has more than {MAX_PARTS} parts")]));
        }
        let name = part.name().unwrap_or_default().to_owned();
        if name != "file" {
            let text = read_text(&name, &mut part).await?;
            form.fields.insert(name, text);
            continue;
        }
        if form.file.is_some() {
            return Err(ApiError::fields(vec!["`file` is there more than once".to_owned()]));
        }
        let file_name = part.file_name().unwrap_or_default().to_owned();
        let content = read_bytes(&mut part, max_file_bytes).await?;
        let content = content.ok_or_else(|| {
            let limit = shown_size(u64::try_from(max_file_bytes).unwrap_or(u64::MAX));
            ApiError::new(Code::FileTooLarge, format!("file is larger than the limit of {limit}"))
        })?;
        if content.is_empty() {
            return Err(ApiError::new(Code::FileEmpty, "file is empty"));
        }
        form.file = Some(FormFile { name: file_name, content: content.into() });
    }
    Ok(form)
}

async fn read_text(name: &str, part: &mut Field<'_>) -> Result<String, ApiError> {
    let Some(bytes) = read_bytes(part, MAX_TEXT_BYTES).await? else {
        let limit = MAX_TEXT_BYTES / 1024;
        return Err(ApiError::fields(vec![format!("`{name}` is longer than {limit} KiB")]));
    };
    String::from_utf8(bytes).map_err(|_| ApiError::fields(vec![format!("`{name}` is not UTF-8 text")]))
}

/// The bytes of a part; `None` where there are more than `limit`.
async fn read_bytes(part: &mut Field<'_>, limit: usize) -> Result<Option<Vec<u8>>, ApiError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = part.chunk().await.map_err(|error| multipart_error(&error))? {
        if bytes.len() + chunk.len() > limit {
            return Ok(None);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(Some(bytes))
}
