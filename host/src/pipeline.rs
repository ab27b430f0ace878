//! One document through the steps: decode, read (text layer or OCR), extract, check against the schema.
//!
//! Knows nothing of HTTP, the database or the queue: the worker and `ocriva extract` both call [`Pipeline::run`].

mod cache;
mod conform;
mod electronic;
mod extractor;
mod picture;
mod reader;
mod result;
mod view;

pub use picture::{ConfidenceBox, PageReading, Picture, PictureError, Pictures, Place};

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tracing::Instrument as _;

use crate::clock::Clock;
use crate::config::{Config, OcrMode};
use crate::domain::document::{ExtractorIdentity, PageRange};
use crate::domain::extraction::{Extraction, ExtractorOutput, Warning};
use crate::domain::format::{self, Format};
use crate::domain::plugin::{Audience, ExtractorCall};
use crate::domain::reference::NamedTable;
use crate::domain::template::{ExtractionMode, ExtractorChoice, TemplateContent};
use crate::plugins::{self, Registry};
use crate::{assets, decode, einvoice, ocr};
use cache::PageCache;
use electronic::Electronic;
use reader::Reader;
use view::{SharedView, View, ViewRequest};

/// The extractor that electronic invoices are compared with.
const INVOICES: &str = "invoice";

/// Why a document gave no result.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The content is not a format that can be read.
    #[error("{0}")]
    Unsupported(String),
    /// The document cannot be opened, or none of its pages can be read.
    #[error(transparent)]
    Decode(#[from] decode::Error),
    /// No page can be read.
    #[error("{message}")]
    Unreadable {
        /// The stable code of the cause.
        code: String,
        /// What is wrong with the first page that was tried.
        message: String,
        /// Whether trying again may help.
        transient: bool,
    },
    /// There is no such extractor, or it cannot be used.
    #[error(transparent)]
    Unavailable(#[from] plugins::Unavailable),
    /// The extractor failed.
    #[error("{error}")]
    Plugin {
        /// Why.
        error: plugins::Error,
        /// The call, and before it that of a version which was only being tried.
        calls: Vec<ExtractorCall>,
    },
    /// The template's schema cannot be used.
    #[error(transparent)]
    Schema(#[from] conform::SchemaError),
    /// A step stopped without a result.
    #[error("document could not be opened: {0}")]
    Crashed(String),
}

impl Error {
    /// A stable word for the public error code.
    pub fn code(&self) -> &str {
        match self {
            Self::Unsupported(_) => "decode.unsupported",
            Self::Decode(error) => error.code(),
            Self::Unreadable { code, .. } => code,
            Self::Unavailable(error) => error.code(),
            Self::Plugin { error, .. } => error.code(),
            Self::Schema(_) => "template.invalid_schema",
            Self::Crashed(_) => "pipeline.crashed",
        }
    }

    /// Whether the same document may succeed later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreadable { transient, .. } => *transient,
            Self::Plugin { error, .. } => error.is_transient(),
            Self::Unavailable(error) => error.is_transient(),
            Self::Unsupported(_) | Self::Decode(_) | Self::Schema(_) | Self::Crashed(_) => false,
        }
    }

    /// The calls of extractors that failed, if it came to any.
    pub fn calls(&self) -> &[ExtractorCall] {
        match self {
            Self::Plugin { calls, .. } => calls,
            Self::Unsupported(_)
            | Self::Decode(_)
            | Self::Unreadable { .. }
            | Self::Unavailable(_)
            | Self::Schema(_)
            | Self::Crashed(_) => &[],
        }
    }
}

/// The page cache's folder cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("page cache in `{}` cannot be opened", folder.display())]
pub struct CacheError {
    folder: PathBuf,
    source: std::io::Error,
}

/// A document to extract from.
#[derive(Debug, Clone)]
pub struct Task {
    /// The file.
    pub content: Bytes,
    /// The uploader's name for it; extractors may look at it.
    pub file_name: String,
    /// What to extract; `None` for the default extractor's own fields.
    pub template: Option<TemplateContent>,
    /// The template's reference files.
    pub references: Vec<NamedTable>,
    /// Extractor to run instead of the template's or the default one. Without settings of its own it gets the
    /// template's, if those are for the same plugin.
    pub extractor: Option<ExtractorChoice>,
    /// On whose behalf: decides which plugins there are, and which version of one runs.
    pub audience: Audience,
    /// Mode of reading; `None` for the template's or the settings'.
    pub mode: Option<OcrMode>,
    /// Pages to look at; `None` for all.
    pub range: Option<PageRange>,
    /// Password of an encrypted document.
    pub password: Option<String>,
}

/// How far a document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Pages read so far.
    pub pages_read: u32,
    /// Pages in all.
    pub page_count: u32,
}

/// What came out of a document.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The result.
    pub extraction: Extraction,
    /// Pages of the file.
    pub page_count: u32,
    /// The extractor that made the result.
    pub extractor: ExtractorIdentity,
    /// The call of a version that was only being tried, and failed before the extractor made the result.
    pub failed_canary: Option<ExtractorCall>,
    /// From 0 to 1: the mean over the fields that were found, or over the words where there are no fields.
    /// `None` for a document without either.
    pub confidence: Option<f64>,
    /// Where the time went.
    pub timings: Timings,
    /// What the extractor used of what it may use.
    pub usage: plugins::Usage,
}

/// Where a document's time went. Steps overlap: their sum may exceed the time that passed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Timings {
    /// Text layers and rasters.
    pub decode: Duration,
    /// Optical character recognition.
    pub ocr: Duration,
    /// The extractor, with the reading of the pages that it waited for.
    pub extractor: Duration,
}

/// What a plugin's call left beside its answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Record {
    /// What it logged.
    pub logs: plugins::Logs,
    /// What it used of what it may use.
    pub usage: plugins::Usage,
}

/// A document that has been opened for any number of calls of one plugin, as its author wants them.
pub struct Rehearsal {
    engine: Arc<plugins::Engine>,
    plugin: Arc<plugins::Plugin>,
    source: Arc<SharedView>,
    request: plugins::Request,
}

impl Rehearsal {
    /// Calls the plugin. Pages that an earlier call asked for are not read again.
    pub async fn call(&self) -> plugins::Call {
        self.engine.call(&self.plugin, Arc::clone(&self.source) as _, &self.request).await
    }
}

/// A document that has been opened.
struct Opened {
    document: decode::Document,
    media_type: &'static str,
    /// The electronic invoice that it is, or carries.
    electronic: Option<Electronic>,
    warnings: Vec<Warning>,
}

/// All that documents go through.
pub struct Pipeline {
    limits: decode::Limits,
    mode: OcrMode,
    reader: Reader,
    registry: Arc<Registry>,
    settings: crate::config::Plugins,
    clock: Clock,
}

impl Pipeline {
    /// Sets up the pipeline of a server, which keeps what it read. Models and plugins load when they are first
    /// needed.
    ///
    /// # Errors
    /// The cache's folder cannot be used.
    pub fn new(config: &Config, registry: Arc<Registry>, clock: Clock) -> Result<Self, CacheError> {
        let max_bytes = config.ocr.cache_mib << 20;
        let cache = if max_bytes == 0 {
            None
        } else {
            let folder = config.cache_dir().join("pages");
            let cache =
                PageCache::open(folder.clone(), max_bytes).map_err(|source| CacheError { folder, source })?;
            Some(Arc::new(cache))
        };
        Ok(Self::assemble(config, registry, clock, cache))
    }

    /// Sets up the pipeline of a single run: nothing that was read is kept.
    pub fn without_cache(config: &Config, registry: Arc<Registry>, clock: Clock) -> Self {
        Self::assemble(config, registry, clock, None)
    }

    fn assemble(
        config: &Config,
        registry: Arc<Registry>,
        clock: Clock,
        cache: Option<Arc<PageCache>>,
    ) -> Self {
        let engine = Arc::new(ocr::Engine::new(&config.ocr, assets::model));
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let pages_at_once = if config.ocr.threads == 0 { cores } else { config.ocr.threads };
        Self {
            limits: decode::Limits::from(&config.decode),
            mode: config.ocr.mode,
            reader: Reader::new(engine, cache, pages_at_once),
            registry,
            settings: config.plugins.clone(),
            clock,
        }
    }

    /// The extractor that a task gets: the one asked for, else the template's, else the default of its mode.
    pub fn choose(
        &self,
        asked: Option<&ExtractorChoice>,
        template: Option<&TemplateContent>,
    ) -> (String, Option<String>) {
        if let Some(asked) = asked {
            return (asked.plugin.clone(), asked.version.clone());
        }
        let Some(template) = template else { return (self.settings.default.clone(), None) };
        if let Some(choice) = &template.extractor {
            return (choice.plugin.clone(), choice.version.clone());
        }
        let structured =
            template.extraction_mode == ExtractionMode::Structured && template.template_schema.is_some();
        let name = if structured { &self.settings.structured_default } else { &self.settings.default };
        (name.clone(), None)
    }

    /// Extracts from a document. `progress` is called from any thread as pages are read.
    ///
    /// # Errors
    /// See [`Error`]; a page that cannot be read is a warning as long as another one can.
    pub async fn run(
        &self,
        task: Task,
        progress: impl Fn(Progress) + Send + Sync + 'static,
    ) -> Result<Outcome, Error> {
        self.run_recorded(task, progress, &mut Record::default()).await
    }

    /// As [`Pipeline::run`]; `record` takes what the plugin's call left beside its answer, also where it failed.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn run_recorded(
        &self,
        task: Task,
        progress: impl Fn(Progress) + Send + Sync + 'static,
        record: &mut Record,
    ) -> Result<Outcome, Error> {
        let (name, version) = self.choose(task.extractor.as_ref(), task.template.as_ref());
        let found = self.registry.get_for(&task.audience, &name, version.as_deref()).await?;
        let opening = self.open(task.content, &task.file_name, task.password);
        let Opened { document, media_type, electronic, warnings } =
            opening.instrument(tracing::info_span!("open")).await?;
        let page_count = document.page_count();
        let mode =
            task.mode.or(task.template.as_ref().and_then(|template| template.ocr_mode)).unwrap_or(self.mode);
        let request = ViewRequest {
            document,
            mode,
            file_name: task.file_name.clone(),
            media_type,
            range: task.range,
            on_page: Box::new(move |pages_read| progress(Progress { pages_read, page_count })),
        };
        let view = View::new(request, self.reader.clone())?;
        let template = task.template.as_ref();
        let request = plugins::Request {
            organization_id: task.audience.organization_id.clone(),
            ..self.plugin_request(&name, task.extractor.as_ref(), template, task.references)
        };

        let asked = (&task.audience, version.as_deref());
        let called = self.extract(&found, asked, &view, &request).await;
        *record = called.record;
        let usage = record.usage;
        let identity = called.call.extractor.clone();
        let reading = self.invoice_reading(electronic.as_ref(), &name, &view).await;
        let mut read = view.finish().await;
        read.warnings.extend(warnings);
        if let Some(failure) = read.failure {
            let plugins::SourceError { code, message, transient } = failure;
            return Err(Error::Unreadable { code, message, transient });
        }
        let extractor = called.call.elapsed;
        let mut output = match called.result {
            Ok(output) => output,
            Err(error) => {
                return Err(Error::Plugin {
                    error,
                    calls: called.failed_canary.into_iter().chain([called.call]).collect(),
                });
            }
        };
        let timings = Timings { decode: read.times.decode, ocr: read.times.ocr, extractor };
        let schema = task.template.as_ref().and_then(|template| template.template_schema.as_ref());
        if let Some(electronic) = &electronic {
            let by_itself = (name == INVOICES).then(|| output.clone());
            electronic.merge(&mut output, schema, by_itself.or(reading).as_ref(), &read.pages);
        }
        let (extraction, confidence) = result::assemble(output, schema, read)?;
        Ok(Outcome {
            extraction,
            page_count,
            extractor: identity,
            failed_canary: called.failed_canary,
            confidence,
            timings,
            usage,
        })
    }

    /// Opens a document for calls of its plugin alone, without what follows them.
    ///
    /// # Errors
    /// No such plugin, or a document that cannot be opened.
    pub async fn rehearse(&self, task: Task) -> Result<Rehearsal, Error> {
        let (name, version) = self.choose(task.extractor.as_ref(), task.template.as_ref());
        let plugin = self.registry.get(&name, version.as_deref()).await?;
        let Opened { document, media_type, .. } =
            self.open(task.content, &task.file_name, task.password).await?;
        let request = ViewRequest {
            document,
            mode: task.mode.unwrap_or(self.mode),
            file_name: task.file_name,
            media_type,
            range: task.range,
            on_page: Box::new(|_| {}),
        };
        let source = Arc::new(SharedView(View::new(request, self.reader.clone())?));
        let template = task.template.as_ref();
        let request = plugins::Request {
            organization_id: task.audience.organization_id,
            ..self.plugin_request(&name, task.extractor.as_ref(), template, task.references)
        };
        Ok(Rehearsal { engine: Arc::clone(self.registry.engine()), plugin, source, request })
    }

    async fn open(&self, content: Bytes, file_name: &str, password: Option<String>) -> Result<Opened, Error> {
        let format = format::sniff(&content, file_name)
            .ok_or_else(|| Error::Unsupported(format::unsupported(&content)))?;
        let limits = self.limits;
        let opened = tokio::task::spawn_blocking(move || {
            // What only machines are meant to read gets a page that people can read, whatever the file looks like.
            if format == Format::Xml
                && let Some(electronic) = electronic::alone(&decode::xml_text(&content, &limits)?)
            {
                let document = decode::lay_out(&einvoice::render(&electronic.invoice), limits)?;
                let (media_type, electronic) = (format.media_type(), Some(electronic));
                return Ok(Opened { document, media_type, electronic, warnings: Vec::new() });
            }
            let document = decode::open(content, format, password.as_deref(), limits)?;
            let electronic::Found { electronic, mut warnings } =
                electronic::find(&document, limits.max_xml_bytes());
            let notes = document.notes().iter().map(|note| Warning {
                code: note.code.to_owned(),
                message: note.message.clone(),
                field: None,
                page: None,
            });
            warnings.extend(notes);
            let document = match &electronic {
                // What has no pages gets one that people can read.
                Some(electronic) if !electronic.has_pages => {
                    decode::lay_out(&einvoice::render(&electronic.invoice), limits)?
                }
                _ => document,
            };
            Ok::<_, decode::Error>(Opened { document, media_type: format.media_type(), electronic, warnings })
        });
        Ok(opened.await.map_err(|error| Error::Crashed(error.to_string()))??)
    }

    /// What the pages of an electronic invoice say to the extractor that reads invoices, where another one runs. An
    /// extractor that fails has nothing to compare with.
    async fn invoice_reading(
        &self,
        electronic: Option<&Electronic>,
        plugin: &str,
        view: &Arc<View>,
    ) -> Option<ExtractorOutput> {
        electronic.filter(|electronic| electronic.has_pages && plugin != INVOICES)?;
        let invoices = self.registry.get(INVOICES, None).await.ok()?;
        let request = self.plugin_request(INVOICES, None, None, Vec::new());
        let view = Arc::new(SharedView(Arc::clone(view)));
        self.registry.engine().call(&invoices, view, &request).await.result.ok()
    }

    fn plugin_request(
        &self,
        plugin: &str,
        asked: Option<&ExtractorChoice>,
        template: Option<&TemplateContent>,
        references: Vec<NamedTable>,
    ) -> plugins::Request {
        let of_template = template
            .and_then(|template| template.extractor.as_ref())
            .filter(|choice| choice.plugin == plugin);
        plugins::Request {
            schema: template.and_then(|template| template.template_schema.clone()),
            instructions: template.and_then(|template| template.instructions.clone()),
            config: asked
                .and_then(|choice| choice.config.clone())
                .or_else(|| of_template.and_then(|choice| choice.config.clone()))
                .unwrap_or_default(),
            references,
            organization_id: None,
            today: self.clock.now().to_iso().chars().take(10).collect(),
        }
    }
}
