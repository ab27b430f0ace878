//! Exports: results as files to download.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::Response;
use futures::{StreamExt as _, stream};
use serde::{Deserialize, Deserializer};
use utoipa::IntoParams;

use super::access::{Caller, Permit, ReadDocuments};
use super::error::{ApiError, Code};
use super::extract::{Id, Path, Query};
use super::templates::unknown_word;
use super::{Context, batches, files, history};
use crate::domain::batch::{Batch, BatchStatus};
use crate::domain::document::{Document, DocumentStatus};
use crate::domain::export::ExportFormat;
use crate::domain::file_name;
use crate::domain::template::{TemplateContent, TemplateReference};
use crate::domain::tenant::Tenant;
use crate::domain::usage::Requests;
use crate::export::{self, ByteOrderMark, Options, Pages, Request, Rows, Selection};

/// How a result is wanted as a file.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct ExportQuery {
    /// The project; checked where it is given.
    #[param(value_type = Option<String>)]
    project_id: Option<Id>,
    /// `json`, `csv`, `xlsx`, `text`, `markdown`, `html`, `xml`, `docx`, `pdf` (searchable) or `image` (PNG); by
    /// default the template's `resultFormat`, and `json` without a template.
    #[param(example = "csv")]
    format: Option<String>,
    /// Of `csv` and `xlsx`: `record` for a row per document, `items` for a row per line item, or the name of a list
    /// field; by default what the template says.
    #[param(example = "items")]
    rows: Option<String>,
    /// Of `json`: whether the result has its `pages`, with all lines and words; by default it has.
    #[param(value_type = Option<bool>)]
    pages: Option<Flag>,
    /// Of `csv`: whether the file begins with a byte order mark, by which Excel knows UTF-8; by default it does not.
    #[param(value_type = Option<bool>)]
    bom: Option<Flag>,
    /// Of `image`: the page, from 1. Without it a document of one page is a PNG file, and one of several a zip archive.
    #[param(value_type = Option<u32>, minimum = 1)]
    page: Option<Number>,
}

/// `true` or `false`.
struct Flag(bool);

/// A number from 1.
struct Number(u32);

/// Downloads the result of a document as a file. All formats have the same fields in the same order; `pdf` is the
/// document itself with an invisible layer of its words, `image` its pages as pictures. Only these two need the
/// document's file; the others stay possible after its retention time.
#[utoipa::path(get, path = "/processing-history/{id}/export", tag = "processing history",
    params(("id" = String, Path), ExportQuery),
    responses((status = 200, description = "The file, in the media type of its format",
            content((Value = "application/json"), (Vec<u8> = "*/*"))),
        (status = 409, description = "The document is not finished, or has no result"),
        (status = 410, description = "The format shows the document's file, which is not kept any more"),
        (status = 422, description = "The result or the file does not fit the format")))]
pub async fn export_document(
    permit: Permit<ReadDocuments>,
    State(context): State<Context>,
    Path(id): Path<Id>,
    Query(query): Query<ExportQuery>,
) -> Result<Response, ApiError> {
    let tenant = permit.caller.tenant_in(&context.store, query.project_id.as_ref()).await?;
    let document = context.store.document(&tenant, &id.0).await?.ok_or_else(|| history::unknown(&id))?;
    check_finished(&document)?;
    let template = template(&context, &tenant, document.template.as_ref()).await?;
    let selection = Selection::Document { tenant, document: Box::new(document) };
    answer(&context, &permit.caller, selection, template, query).await
}

/// Downloads the results of a batch, whose documents are all finished, as one file: `json` is an array, `csv` and
/// `xlsx` have the rows of all documents, `text`, `markdown`, `html`, `xml` and `docx` tell one document after the
/// other. `pdf` is a zip archive with a searchable PDF for each document, `image` one with a folder of pages for each;
/// what cannot be shown is named in its `left-out.txt`. Documents without a result stand in all other formats with
/// their status.
#[utoipa::path(get, path = "/batch/{id}/export", tag = "batches",
    params(("id" = String, Path), ExportQuery),
    responses((status = 200, description = "The file, in the media type of its format",
            content((Value = "application/json"), (Vec<u8> = "*/*"))),
        (status = 409, description = "Some of the batch's documents are not finished"),
        (status = 422, description = "The results do not fit the format")))]
pub async fn export_batch(
    permit: Permit<ReadDocuments>,
    State(context): State<Context>,
    Path(id): Path<Id>,
    Query(query): Query<ExportQuery>,
) -> Result<Response, ApiError> {
    let tenant = permit.caller.tenant_in(&context.store, query.project_id.as_ref()).await?;
    let batch = context.store.batch(&tenant, &id.0).await?.ok_or_else(|| batches::unknown(&id))?;
    check_all_finished(&batch)?;
    let template = template(&context, &tenant, batch.template.as_ref()).await?;
    let selection = Selection::Batch { tenant, batch: Box::new(batch) };
    answer(&context, &permit.caller, selection, template, query).await
}

fn check_finished(document: &Document) -> Result<(), ApiError> {
    let status = document.status;
    match status {
        DocumentStatus::Completed | DocumentStatus::RetentionExpired => Ok(()),
        DocumentStatus::Pending | DocumentStatus::Queued | DocumentStatus::InProgress => Err(ApiError::new(
            Code::ExportUnfinished,
            format!("the document is not finished: its status is `{status}`"),
        )),
        DocumentStatus::Failed | DocumentStatus::Cancelled => Err(ApiError::new(
            Code::ExportNoResult,
            format!("the document has no result: its status is `{status}`"),
        )),
    }
}

fn check_all_finished(batch: &Batch) -> Result<(), ApiError> {
    match batch.status() {
        BatchStatus::Completed | BatchStatus::Failed | BatchStatus::Cancelled => Ok(()),
        BatchStatus::Processing => {
            let finished = batch.completed_files + batch.failed_files;
            let message =
                format!("the batch is not finished: {finished} of its {} files are", batch.total_files);
            Err(ApiError::new(Code::ExportUnfinished, message))
        }
    }
}

/// What the template said at the version the documents were read with.
async fn template(
    context: &Context,
    tenant: &Tenant,
    reference: Option<&TemplateReference>,
) -> Result<Option<TemplateContent>, ApiError> {
    match reference {
        None => Ok(None),
        Some(reference) => Ok(context.store.template_at(&tenant.organization_id, reference).await?),
    }
}

async fn answer(
    context: &Context,
    caller: &Caller,
    selection: Selection,
    template: Option<TemplateContent>,
    query: ExportQuery,
) -> Result<Response, ApiError> {
    let format = match query.format.as_deref() {
        None | Some("") => {
            template.as_ref().map_or(ExportFormat::Json, |template| template.result_format.into())
        }
        Some(word) => {
            ExportFormat::parse(word).ok_or_else(|| unknown_word("format", word, ExportFormat::ALL))?
        }
    };
    let title = selection.title().to_owned();
    let options = query.options();
    let export = context.exporter.begin(Request { selection, format, template, options }).await?;
    let package = export.package;
    let mut content = Box::pin(export.into_content());
    // What goes wrong with the first piece can still be told.
    let first = content.next().await.transpose()?;
    let size_bytes = first.as_ref().map_or(0, |piece| piece.len() as u64);
    let asked = Requests { reads: 0, transfer_bytes: size_bytes };
    context.limits.count(&context.store, &context.clock, caller, asked).await?;
    let (limits, organization_id) = (Arc::clone(&context.limits), caller.organization_id.clone());
    let rest = content.inspect(move |piece| match piece {
        Ok(piece) => limits.sent(&organization_id, piece.len() as u64),
        Err(error) => tracing::error!(error = error as &dyn std::error::Error, "export broke off"),
    });
    let mut response = Response::new(Body::from_stream(stream::iter(first.map(Ok)).chain(rest)));
    let name = format!("{}.{}", stem(&file_name::sanitized(&title)), package.extension());
    let headers: [(HeaderName, String); 4] = [
        (header::CONTENT_TYPE, package.media_type().to_owned()),
        (header::CONTENT_DISPOSITION, files::attachment(&name)),
        // What a client's file says must not run in a browser, or stay in it.
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; sandbox".to_owned(),
        ),
        (header::CACHE_CONTROL, "private, no-store".to_owned()),
    ];
    for (name, value) in headers {
        let value = HeaderValue::try_from(value).map_err(ApiError::internal)?;
        response.headers_mut().insert(name, value);
    }
    Ok(response)
}

impl ExportQuery {
    fn options(self) -> Options {
        Options {
            rows: match self.rows.as_deref() {
                None | Some("") => Rows::Template,
                Some("record") => Rows::Records,
                Some("items") => Rows::Items,
                Some(field) => Rows::ItemsOf(field.to_owned()),
            },
            pages: match self.pages {
                Some(Flag(false)) => Pages::LeftOut,
                Some(Flag(true)) | None => Pages::Listed,
            },
            byte_order_mark: match self.bom {
                Some(Flag(true)) => ByteOrderMark::Present,
                Some(Flag(false)) | None => ByteOrderMark::Absent,
            },
            page: self.page.map(|Number(number)| number),
        }
    }
}

impl From<export::Error> for ApiError {
    fn from(error: export::Error) -> Self {
        let message = error.to_string();
        match error {
            export::Error::Store(error) => error.into(),
            export::Error::Blobs(error) => error.into(),
            export::Error::NoResult { .. } => Self::new(Code::ExportNoResult, message),
            export::Error::FileGone { .. } => Self::new(Code::ExportFileGone, message),
            export::Error::NoSuchPage { .. } => Self::fields(vec![message]),
            export::Error::NoList { .. } => Self::fields(vec![format!("`rows`: {message}")]),
            export::Error::TooManyRows { .. } => Self::new(Code::ExportTooLarge, message),
            export::Error::Decode { .. } | export::Error::Pdf { .. } => {
                Self::new(Code::ExportUnreadable, message)
            }
            export::Error::Workbook(_) | export::Error::Write(_) | export::Error::Crashed(_) => {
                Self::internal(error)
            }
        }
    }
}

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let flag = text.parse().map_err(|_| format!("`{text}` is not one of `true` and `false`"));
        flag.map(Self).map_err(serde::de::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let number = text.parse().ok().filter(|number| *number >= 1);
        number.map(Self).ok_or_else(|| serde::de::Error::custom(format!("`{text}` is not a number from 1")))
    }
}

/// A name without the extension of a file.
fn stem(name: &str) -> &str {
    const LONGEST_EXTENSION: usize = 5;
    match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() && extension.len() <= LONGEST_EXTENSION => stem,
        _ => name,
    }
}
