//! Pages as pictures, with the rights of their records.

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use utoipa::IntoParams;

use super::access::{Permit, ReadDocuments};
use super::error::{ApiError, Code};
use super::extract::{Id, Path, Query, shown};
use super::templates::unknown_word;
use super::{Context, history};
use crate::blobs::{self, BlobKey};
use crate::decode;
use crate::domain::document::StoredResult;
use crate::domain::extraction::{Extraction, PageRecord};
use crate::pipeline::{ConfidenceBox, PageReading, Picture, PictureError};

/// Widths of a picture in pixels that can be asked for.
const WIDTHS: std::ops::RangeInclusive<u32> = 16..=4000;

/// What is drawn onto a page.
const OVERLAYS: [(&str, Overlay); 2] = [("fields", Overlay::Fields), ("words", Overlay::Words)];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Overlay {
    Fields,
    Words,
}

/// How a page is shown.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// Boxes to draw: `fields` or `words`. Green is sure (0.9 or more), amber less so (0.7 or more), red is not.
    #[param(pattern = "^(fields|words)?$")]
    overlay: Option<String>,
    /// Largest width in pixels; by default that of the page.
    #[param(minimum = 16, maximum = 4000)]
    width: Option<u32>,
}

/// Shows a page as a picture: upright and straight as it was read, with boxes around fields or words.
///
/// The picture changes only when the document is processed again: send its `ETag` back in `If-None-Match`.
#[utoipa::path(get, path = "/processing-history/{id}/pages/{page}", tag = "processing history",
    params(("id" = String, Path),
        ("page" = String, Path, description = "Page number from 1, and `.png`", example = "1.png"),
        PageQuery,
        ("If-None-Match" = Option<String>, Header, description = "`ETag` of the picture that the client has")),
    responses((status = 200, description = "The page", content_type = "image/png",
            headers(("ETag" = String, description = "Changes with the picture"))),
        (status = 304, description = "The client has the picture"),
        (status = 409, description = "There is no result yet to be drawn"),
        (status = 410, description = "The file has been deleted after its time"),
        (status = 422, description = "The page cannot be shown: the file is damaged, encrypted or over a limit")))]
pub async fn get_page(
    permit: Permit<ReadDocuments>,
    State(context): State<Context>,
    Path((id, page)): Path<(Id, String)>,
    Query(query): Query<PageQuery>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let overlay = query.overlay.as_deref().filter(|word| !word.is_empty()).map(overlay).transpose()?;
    if query.width.is_some_and(|width| !WIDTHS.contains(&width)) {
        let (least, most) = (WIDTHS.start(), WIDTHS.end());
        return Err(ApiError::fields(vec![format!("`width` must be a number from {least} to {most}")]));
    }
    let number = page_number(&page)?;
    let tenant = permit.caller.tenant();
    let document = context.store.document(&tenant, &id.0).await?.ok_or_else(|| history::unknown(&id))?;
    let file = document.file.as_ref().ok_or_else(gone)?;
    if let Some(count) = document.page_count.filter(|count| number > *count) {
        return Err(no_such_page(number, count));
    }
    let result = context.store.result(&tenant, &document.id).await?;
    if overlay.is_some() && result.is_none() {
        return Err(ApiError::new(Code::DocumentState, "the document has no result yet to be drawn"));
    }
    let tag = tag(&file.sha256, number, &query, result.as_ref());
    if is_known(&headers, &tag) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response());
    }
    let extraction = result.as_ref().map(|result| &result.extraction);
    let read = extraction.and_then(|extraction| extraction.pages.iter().find(|read| read.page == number));
    let picture = Picture {
        file_name: document.file_name.clone(),
        page: number,
        reading: read.map(|read| PageReading {
            turn: read.rotation,
            skew_degrees: read.skew,
            width: read.width,
        }),
        boxes: match (overlay, extraction, read) {
            (Some(Overlay::Fields), Some(extraction), Some(_)) => field_boxes(extraction, number),
            (Some(Overlay::Words), _, Some(read)) => word_boxes(read),
            _ => Vec::new(),
        },
        width: query.width,
    };
    let key = BlobKey::stored(&file.blob_key)?;
    // Each picture holds a whole file and a whole page: not before there is room for both.
    let place = context.pictures.place().await.ok_or_else(|| ApiError::internal(NoPlace))?;
    let content = match context.blobs.read_all(&key, document.size_bytes).await {
        Err(blobs::Error::NotFound(_)) => return Err(gone()),
        found => found?,
    };
    let png = context.pictures.draw(place, content, picture).await.map_err(picture_error)?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("image/png")),
        (header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache")),
        (header::ETAG, tag),
    ];
    Ok((headers, png).into_response())
}

#[derive(Debug, thiserror::Error)]
#[error("pictures are not drawn any more")]
struct NoPlace;

fn overlay(word: &str) -> Result<Overlay, ApiError> {
    let known = OVERLAYS.iter().find(|(name, _)| *name == word);
    known
        .map(|(_, overlay)| *overlay)
        .ok_or_else(|| unknown_word("overlay", word, &OVERLAYS.map(|(name, _)| name)))
}

/// The number in `3.png`.
fn page_number(page: &str) -> Result<u32, ApiError> {
    let number =
        page.strip_suffix(".png").and_then(|number| number.parse().ok()).filter(|number| *number > 0);
    number.ok_or_else(|| {
        ApiError::fields(vec![format!(
            "the page is `{}`, it must be a number from 1 and `.png`",
            shown(page)
        )])
    })
}

fn gone() -> ApiError {
    ApiError::new(Code::FileGone, "the document's file is not kept any more, so its pages cannot be shown")
}

fn no_such_page(page: u32, page_count: u32) -> ApiError {
    ApiError::new(Code::PageUnknown, format!("there is no page {page}, the document has {page_count}"))
}

fn picture_error(error: PictureError) -> ApiError {
    match error {
        PictureError::Decode(decode::Error::NoSuchPage { page, page_count }) => {
            no_such_page(page, page_count)
        }
        PictureError::Decode(error) => ApiError::new(Code::PageUnreadable, error.to_string()),
        PictureError::Unsupported(message) => ApiError::new(Code::PageUnreadable, message),
        PictureError::Crashed(_) => ApiError::internal(error),
    }
}

/// Changes with everything that the picture depends on, the program's version included.
fn tag(sha256: &str, page: u32, query: &PageQuery, result: Option<&StoredResult>) -> HeaderValue {
    let attempt = result.map(|result| result.attempt);
    let (overlay, width) = (&query.overlay, query.width);
    let version = env!("CARGO_PKG_VERSION");
    let hash = Sha256::digest(format!("{version} {sha256} {page} {overlay:?} {width:?} {attempt:?}"));
    let mut short = hex::encode(hash);
    short.truncate(32);
    HeaderValue::try_from(format!("\"{short}\"")).unwrap_or(HeaderValue::from_static("\"\""))
}

fn is_known(headers: &HeaderMap, tag: &HeaderValue) -> bool {
    let Ok(tag) = tag.to_str() else { return false };
    let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    known
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|known| known == "*" || known.trim_start_matches("W/") == tag)
}

fn field_boxes(extraction: &Extraction, page: u32) -> Vec<ConfidenceBox> {
    let on_page = extraction.fields.values().filter(|field| field.page == Some(page));
    on_page
        .filter_map(|field| Some(ConfidenceBox { bbox: field.bbox?, confidence: field.confidence }))
        .collect()
}

fn word_boxes(page: &PageRecord) -> Vec<ConfidenceBox> {
    let words = page.lines.iter().flat_map(|line| &line.words);
    words.map(|word| ConfidenceBox { bbox: word.bbox, confidence: word.confidence }).collect()
}
