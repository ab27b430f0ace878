//! Results as files: one record or a batch, in the forms of [`ExportFormat`].
//!
//! All forms say the same: the same fields in the same order, with the same values. Records are read from the store
//! one after the other and written as they come, so that the memory an export takes does not grow with the number of
//! its records. Knows nothing of HTTP.

mod archive;
pub mod audit;
mod cells;
mod csv;
mod docx;
mod html;
mod json;
mod layout;
mod markdown;
mod outline;
mod output;
mod pdf;
mod pictures;
mod records;
mod text;
mod xlsx;
mod xml;

use std::fs::File;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures::{Stream, stream};
use tokio::io::AsyncReadExt;
use tokio::sync::Semaphore;

use crate::blobs::{self, Blobs};
use crate::config::Config;
use crate::decode;
use crate::domain::document::Document;
use crate::domain::export::ExportFormat;
use crate::domain::extraction::Extraction;
use crate::domain::template::TemplateContent;
use crate::store::{self, Store};
use layout::{Fields, Layout, Lists};
use output::Output;
use records::{Files, Records};

pub use records::Selection;

/// Bytes of a finished file that are sent at a time.
const CHUNK_BYTES: usize = 64 * 1024;

/// Why an export cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The records cannot be read.
    #[error("records cannot be read")]
    Store(#[from] store::Error),
    /// The document's file cannot be read.
    #[error("file of the document cannot be read")]
    Blobs(#[from] blobs::Error),
    /// The document's file is needed and not there any more.
    #[error("the file of `{file_name}` is not kept any more; exports without pages are still possible")]
    FileGone {
        /// Name of the file.
        file_name: String,
    },
    /// The document has no result.
    #[error("`{file_name}` has no result: its status is `{status}`")]
    NoResult {
        /// Name of the file.
        file_name: String,
        /// The document's status.
        status: &'static str,
    },
    /// The document's file cannot be decoded.
    #[error("pages of `{file_name}` cannot be shown: {reason}")]
    Decode {
        /// Name of the file.
        file_name: String,
        /// Why.
        reason: decode::Error,
    },
    /// A page was asked for that the document does not have.
    #[error("`{file_name}` has no page {page}, it has {page_count}")]
    NoSuchPage {
        /// Name of the file.
        file_name: String,
        /// The page asked for, from 1.
        page: u32,
        /// How many there are.
        page_count: u32,
    },
    /// The PDF cannot be written.
    #[error("searchable PDF of `{file_name}` cannot be made: {reason}")]
    Pdf {
        /// Name of the file.
        file_name: String,
        /// What went wrong.
        reason: String,
    },
    /// Rows are to be items of a list, and there is none of that name.
    #[error("{}", no_list(field.as_deref(), known))]
    NoList {
        /// The list asked for; `None` for any.
        field: Option<String>,
        /// The lists there are.
        known: Vec<String>,
    },
    /// More rows than a sheet of a workbook can have.
    #[error(
        "sheet `{sheet}` would have more than the {limit} rows that a workbook can have; `csv` has no such limit"
    )]
    TooManyRows {
        /// Name of the sheet.
        sheet: String,
        /// The limit.
        limit: u32,
    },
    /// The workbook cannot be written.
    #[error("workbook cannot be written")]
    Workbook(#[source] Box<rust_xlsxwriter::XlsxError>),
    /// The output cannot be written.
    #[error("output cannot be written")]
    Write(#[from] std::io::Error),
    /// A step stopped without a result.
    #[error("export stopped unexpectedly")]
    Crashed(#[from] tokio::task::JoinError),
}

fn no_list(field: Option<&str>, known: &[String]) -> String {
    let known: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
    match (field, known.as_slice()) {
        (_, []) => "the result has no list whose items could be rows".to_owned(),
        (Some(field), known) => {
            format!("the result has no list `{field}`; its lists are {}", known.join(", "))
        }
        (None, known) => format!("the lists of the result are {}", known.join(", ")),
    }
}

/// What makes a row of a table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Rows {
    /// What the template says.
    #[default]
    Template,
    /// A record.
    Records,
    /// An item of the template's list, or of the first one that results have.
    Items,
    /// An item of the list field of this name.
    ItemsOf(String),
}

/// What of the pages stands in the result of the JSON form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pages {
    /// All lines and words with their places.
    #[default]
    Listed,
    /// Nothing; the text of the pages stays.
    LeftOut,
}

/// Whether tables of text begin with a byte order mark, by which Excel knows that they are UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ByteOrderMark {
    /// They do not.
    #[default]
    Absent,
    /// They do.
    Present,
}

/// What an export may look like beside its format.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Options {
    /// Rows of csv and xlsx.
    pub rows: Rows,
    /// Pages in JSON.
    pub pages: Pages,
    /// Byte order mark of csv.
    pub byte_order_mark: ByteOrderMark,
    /// The page of which a picture is wanted, from 1; `None` for all.
    pub page: Option<u32>,
}

/// An export that is wanted.
#[derive(Debug, Clone)]
pub struct Request {
    /// Which records.
    pub selection: Selection,
    /// The form.
    pub format: ExportFormat,
    /// The template whose settings and schema lay out tables.
    pub template: Option<TemplateContent>,
    /// What it may look like.
    pub options: Options,
}

/// What an export turned out to be: one file of its format, or an archive of several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Package {
    /// A file of this format.
    File(ExportFormat),
    /// A zip archive of such files.
    Archive,
}

impl Package {
    /// The media type of the content.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::File(format) => format.media_type(),
            Self::Archive => "application/zip",
        }
    }

    /// The extension of file names, without a point.
    pub fn extension(self) -> &'static str {
        match self {
            Self::File(format) => format.extension(),
            Self::Archive => "zip",
        }
    }
}

/// A record as it is exported.
struct Entry {
    document: Document,
    /// `None` where it has no result.
    extraction: Option<Extraction>,
    /// The document's file, where the form needs it and it is there.
    file: Option<Bytes>,
}

/// Whether a record has further parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Last,
    More,
}

/// A form that takes records one after the other. What it writes goes to the [`Output`] that it was made with.
trait Form: Send {
    /// Writes a part of a record, from 0. Parts keep small what is in memory at a time.
    fn record(&mut self, entry: &Entry, part: u32) -> Result<Part, Error>;

    /// Writes what comes after the last record; a file that is returned follows it.
    fn end(self: Box<Self>) -> Result<Option<File>, Error>;
}

/// Makes exports; cheap to clone.
#[derive(Clone)]
pub struct Exporter {
    store: Store,
    blobs: Blobs,
    limits: decode::Limits,
    max_file_bytes: u64,
    /// Steps that may run at a time.
    cores: Arc<Semaphore>,
}

impl Exporter {
    /// Makes one for the records of `store` and the files of `blobs`.
    pub fn new(config: &Config, store: Store, blobs: Blobs) -> Self {
        Self {
            store,
            blobs,
            limits: decode::Limits::from(&config.decode),
            max_file_bytes: config.upload.max_file_mib << 20,
            cores: Arc::new(Semaphore::new(std::thread::available_parallelism().map_or(1, usize::from))),
        }
    }

    /// Begins an export. Nothing but what tables have to know beforehand is read before its content is asked for.
    ///
    /// # Errors
    /// The records cannot be read, or there is no list of the name asked for.
    pub async fn begin(&self, request: Request) -> Result<Export, Error> {
        let package = request.package();
        let output = Output::default();
        let fields = match request.format {
            ExportFormat::Csv | ExportFormat::Xlsx => self.fields(&request).await?,
            _ => Fields::default(),
        };
        let form = self.form(&request, package, &fields, output.clone())?;
        let files = match request.format.shows_the_file() {
            true => Files::Read { max_bytes: self.max_file_bytes },
            false => Files::Ignored,
        };
        let records = Records::new(self.store.clone(), self.blobs.clone(), request.selection, files);
        Ok(Export { package, cores: Arc::clone(&self.cores), records, output, state: State::Next(form) })
    }

    /// The fields of all results: those of the template's schema first. Columns are written before the first row, so
    /// this reads all results once.
    async fn fields(&self, request: &Request) -> Result<Fields, Error> {
        let mut fields = Fields::default();
        if let Some(schema) = request.template.as_ref().and_then(|template| template.template_schema.as_ref())
        {
            fields.add_schema(schema);
        }
        let (store, blobs) = (self.store.clone(), self.blobs.clone());
        let mut records = Records::new(store, blobs, request.selection.clone(), Files::Ignored);
        while let Some(entry) = records.next().await? {
            if let Some(extraction) = &entry.extraction {
                fields.add_result(extraction);
            }
        }
        Ok(fields)
    }

    fn form(
        &self,
        request: &Request,
        package: Package,
        fields: &Fields,
        output: Output,
    ) -> Result<Box<dyn Form>, Error> {
        let (options, title) = (&request.options, request.selection.title());
        let settings = request.template.as_ref().map(|template| template.export.clone()).unwrap_or_default();
        Ok(match (request.format, package) {
            (ExportFormat::Json, _) => Box::new(json::Json::new(output, options.pages, request.scope())),
            (ExportFormat::Csv, _) => {
                let layout = Layout::new(&settings, &options.rows, fields, Lists::InCells)?;
                Box::new(csv::Csv::new(output, layout, options.byte_order_mark)?)
            }
            (ExportFormat::Xlsx, _) => {
                let layout = Layout::new(&settings, &options.rows, fields, Lists::Apart)?;
                let lists = layout.other_lists(fields);
                Box::new(xlsx::Workbook::new(layout, lists)?)
            }
            (ExportFormat::Text, _) => Box::new(text::Text::new(output, request.scope())),
            (ExportFormat::Markdown, _) => Box::new(markdown::Markdown::new(output)),
            (ExportFormat::Html, _) => Box::new(html::Html::new(output, title)),
            (ExportFormat::Xml, _) => Box::new(xml::Xml::new(output)?),
            (ExportFormat::Docx, _) => Box::new(docx::Docx::new(output)?),
            (ExportFormat::Pdf, Package::File(_)) => Box::new(pdf::Searchable::new(output, self.limits)),
            (ExportFormat::Pdf, Package::Archive) => Box::new(archive::Archive::of_pdfs(output, self.limits)),
            (ExportFormat::Image, Package::File(_)) => {
                Box::new(pictures::Picture::new(output, self.limits, options.page.unwrap_or(1)))
            }
            (ExportFormat::Image, Package::Archive) => {
                Box::new(archive::Archive::of_pictures(output, self.limits, request.scope()))
            }
        })
    }
}

impl Request {
    fn scope(&self) -> Scope {
        match &self.selection {
            Selection::Document { .. } => Scope::Record,
            Selection::Batch { .. } => Scope::Batch,
        }
    }

    fn package(&self) -> Package {
        match (self.format, &self.selection) {
            (ExportFormat::Pdf | ExportFormat::Image, Selection::Batch { .. }) => Package::Archive,
            (ExportFormat::Image, Selection::Document { document, .. })
                if self.options.page.is_none() && document.page_count.is_some_and(|count| count > 1) =>
            {
                Package::Archive
            }
            (format, _) => Package::File(format),
        }
    }
}

/// Whether there is one record, or any number of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    Record,
    Batch,
}

/// An export that has begun. Dropped, it stops.
pub struct Export {
    /// What it turned out to be.
    pub package: Package,
    cores: Arc<Semaphore>,
    records: Records,
    output: Output,
    state: State,
}

enum State {
    /// The next record is to be read.
    Next(Box<dyn Form>),
    /// A part of a record is to be written.
    Part(Box<dyn Form>, Box<Entry>, u32),
    /// A file is to be sent.
    File(tokio::fs::File),
    /// Nothing is left, or something failed.
    Done,
}

impl Export {
    /// The content, in pieces. Ends after the first error.
    pub fn into_content(self) -> impl Stream<Item = Result<Bytes, Error>> + Send + 'static {
        stream::try_unfold(
            self,
            |mut export| async move { Ok(export.next().await?.map(|bytes| (bytes, export))) },
        )
    }

    /// The next piece, never empty; `None` at the end.
    async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            self.state = match std::mem::replace(&mut self.state, State::Done) {
                State::Next(form) => match self.records.next().await? {
                    Some(entry) => State::Part(form, Box::new(entry), 0),
                    None => match step(Arc::clone(&self.cores), move || form.end()).await? {
                        Some(file) => State::File(tokio::fs::File::from_std(file)),
                        None => State::Done,
                    },
                },
                State::Part(mut form, entry, part) => {
                    let write = move || {
                        let further = form.record(&entry, part)?;
                        Ok((form, entry, further))
                    };
                    match step(Arc::clone(&self.cores), write).await? {
                        (form, entry, Part::More) => State::Part(form, entry, part + 1),
                        (form, _, Part::Last) => State::Next(form),
                    }
                }
                State::File(mut file) => {
                    let mut chunk = BytesMut::with_capacity(CHUNK_BYTES);
                    if file.read_buf(&mut chunk).await? == 0 {
                        return Ok(None);
                    }
                    self.state = State::File(file);
                    return Ok(Some(chunk.freeze()));
                }
                State::Done => return Ok(None),
            };
            let written = self.output.take();
            if !written.is_empty() {
                return Ok(Some(written));
            }
        }
    }
}

/// Runs a step on a blocking thread once there is a core for it.
async fn step<T: Send + 'static>(
    cores: Arc<Semaphore>,
    step: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let permit = cores.acquire_owned().await;
    let done = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        step()
    });
    done.await?
}
