//! The files themselves, with the rights of their records.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::Response;

use super::Context;
use super::access::{Face, Permit, ReadDocuments};
use super::error::{ApiError, Code};
use super::extract::{Id, Path};
use crate::blobs::{self, BlobKey};
use crate::domain::document::Document;
use crate::domain::usage::Requests;

/// The address of a document's file at one face of the API; `None` where the file is not kept.
pub fn url(context: &Context, face: Face, document: &Document) -> Option<String> {
    document.file.as_ref()?;
    Some(format!("{}{}/files/{}", context.config.public_url(), face.prefix(), document.id))
}

/// Downloads a document's file as it was uploaded.
#[utoipa::path(get, path = "/files/{id}", tag = "files", params(("id" = String, Path)),
    responses((status = 200, description = "The file", content_type = "*/*", body = Vec<u8>)))]
pub async fn get_file(
    permit: Permit<ReadDocuments>,
    State(context): State<Context>,
    Path(id): Path<Id>,
) -> Result<Response, ApiError> {
    let unknown = || ApiError::new(Code::FileUnknown, format!("there is no file `{}`", id.0));
    let document = context.store.document(&permit.caller.tenant(), &id.0).await?.ok_or_else(unknown)?;
    let file = document.file.as_ref().ok_or_else(unknown)?;
    let key = BlobKey::stored(&file.blob_key)?;
    let blob = match context.blobs.read(&key).await {
        Err(blobs::Error::NotFound(_)) => return Err(unknown()),
        found => found?,
    };
    let asked = Requests { reads: 0, transfer_bytes: blob.size_bytes };
    context.limits.count(&context.store, &context.clock, &permit.caller, asked).await?;
    let mut response = Response::new(Body::from_stream(blob.chunks));
    let headers: [(HeaderName, String); 5] = [
        (header::CONTENT_TYPE, document.mime_type),
        (header::CONTENT_LENGTH, blob.size_bytes.to_string()),
        (header::CONTENT_DISPOSITION, attachment(&document.file_name)),
        // A file is whatever a client sent: no browser is to run anything in it, or to keep it.
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox".to_owned()),
        (header::CACHE_CONTROL, "private, no-store".to_owned()),
    ];
    for (name, value) in headers {
        let value = HeaderValue::try_from(value).map_err(ApiError::internal)?;
        response.headers_mut().insert(name, value);
    }
    Ok(response)
}

/// `Content-Disposition` with the file's name, in the plain form for old clients and in full as RFC 5987 has it.
pub fn attachment(file_name: &str) -> String {
    let plain: String = file_name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || " ._-()".contains(c) { c } else { '_' })
        .collect();
    let mut full = String::new();
    for byte in file_name.bytes() {
        if byte.is_ascii_alphanumeric() || b"._-".contains(&byte) {
            full.push(char::from(byte));
        } else {
            full.push_str(&format!("%{byte:02X}"));
        }
    }
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{full}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_cannot_break_out_of_its_header() {
        assert_eq!(
            attachment("a\"; filename=b.html\r\nX: ใ.png"),
            "attachment; filename=\"a__ filename_b.html__X_ _.png\"; \
             filename*=UTF-8''a%22%3B%20filename%3Db.html%0D%0AX%3A%20%E0%B9%83.png"
        );
    }
}
