//! `ocriva extract`: the pipeline in process, on files of this machine.

use std::collections::BTreeSet;
use std::io::{IsTerminal as _, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow, bail};
use bytes::Bytes;
use clap::{Args, ValueEnum};
use futures::{Stream, StreamExt as _};
use indicatif::{ProgressBar, ProgressStyle};
use ocriva::assets;
use ocriva::clock::Clock;
use ocriva::config::{Config, OcrMode};
use ocriva::domain::document::PageRange;
use ocriva::domain::extraction::Extraction;
use ocriva::domain::plugin::Audience;
use ocriva::domain::reference::{LookupTable, NamedTable};
use ocriva::domain::template::{ExtractionMode, ExtractorChoice, TemplateContent};
use ocriva::domain::{format, schema};
use ocriva::pipeline::{Outcome, Pipeline, Task};
use ocriva::plugins::{Engine, Registry};
use ocriva::references;
use ocriva::telemetry::Telemetry;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tokio::sync::Semaphore;

/// Code of a file that is not a document.
const UNSUPPORTED: &str = "decode.unsupported";

/// Files, for each one in progress, that may be done or begun before the first that is not printed yet: results come in
/// the files' order, and one that takes long must not keep the cores idle meanwhile.
const LOOK_AHEAD: usize = 32;

/// Form of what is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One line of JSON per file: the result with `file`, `status`, `error` and `timings`.
    Json,
    /// The fields found, then the text.
    Text,
}

#[derive(Debug, Args)]
pub struct Extract {
    /// Files, and folders to walk.
    #[arg(required = true, value_name = "FILE")]
    paths: Vec<PathBuf>,
    /// Extractor to run; `ocriva plugin list` shows them.
    #[arg(long, value_name = "NAME")]
    plugin: Option<String>,
    /// Template to fill: a JSON Schema, a map of fields, or a whole template as in the API.
    #[arg(long, value_name = "FILE.json")]
    template: Option<PathBuf>,
    /// Reference file that the extractor's `lookups` may use: CSV, or a JSON array of objects.
    #[arg(long = "reference", value_name = "NAME=FILE", value_parser = reference)]
    references: Vec<NamedTable>,
    /// Form of what is printed.
    #[arg(long, value_enum, default_value = "json")]
    format: Format,
    /// Trade-off between speed and accuracy of reading.
    #[arg(long, value_enum)]
    mode: Option<OcrMode>,
    /// Pages to read, such as `2` or `1-3`.
    #[arg(long, value_name = "FROM-TO", value_parser = page_range)]
    pages: Option<PageRange>,
    /// Password of encrypted documents.
    #[arg(long)]
    password: Option<String>,
    /// Files in progress at one time; 0 for one per core.
    #[arg(long, default_value_t = 0)]
    jobs: usize,
}

/// A file to extract from.
pub(super) struct Input {
    pub(super) path: PathBuf,
    /// Whether it was named on the command line, rather than found in a folder.
    pub(super) named: bool,
}

/// What became of a file.
enum Ending {
    Completed(Box<Outcome>),
    Failed {
        code: String,
        message: String,
    },
    /// Found in a folder and not a document.
    Skipped {
        message: String,
    },
}

impl Extract {
    /// The mode asked for, if any.
    pub fn mode(&self) -> Option<OcrMode> {
        self.mode
    }

    /// Extracts from all files.
    ///
    /// # Errors
    /// Paths that do not exist, a template or plugin that cannot be used. Files that cannot be read are reported
    /// one by one, and in the exit status.
    pub fn run(self, config: &Config) -> anyhow::Result<ExitCode> {
        let _telemetry = quiet_telemetry(config)?;
        let inputs = inputs(&self.paths)?;
        let template = self.template.as_deref().map(read_template).transpose()?;
        super::runtime()?.block_on(self.run_all(config, inputs, template))
    }

    async fn run_all(
        self,
        config: &Config,
        inputs: Vec<Input>,
        template: Option<TemplateContent>,
    ) -> anyhow::Result<ExitCode> {
        let engine = Engine::new(&config.plugins, config.user_cache_dir().join("plugins"))?;
        let registry =
            Arc::new(Registry::open(Arc::new(engine), assets::bundled_plugins(), &config.plugins_dir())?);
        let pipeline = Arc::new(Pipeline::without_cache(config, Arc::clone(&registry), Clock::system()));
        let (name, version) = pipeline.choose(self.extractor().as_ref(), template.as_ref());
        registry.get(&name, version.as_deref()).await?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let jobs = if self.jobs == 0 { cores } else { self.jobs };
        let bar = progress_bar(inputs.len());
        let extract = &self;
        let endings = in_turn(inputs, jobs, |input| {
            let (pipeline, template) = (Arc::clone(&pipeline), template.clone());
            async move {
                let start = Instant::now();
                let ending = extract.one(&pipeline, &input, template).await;
                (input, ending, start.elapsed())
            }
        });
        let mut endings = std::pin::pin!(endings);
        let mut failed = 0_usize;
        while let Some((input, ending, elapsed)) = endings.next().await {
            failed += usize::from(matches!(ending, Ending::Failed { .. }));
            let printed = match self.format {
                Format::Json => as_json(&input.path, &ending, elapsed)?,
                Format::Text => as_text(&input.path, &ending),
            };
            bar.suspend(|| super::print(&printed))?;
            bar.inc(1);
        }
        bar.finish_and_clear();
        Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    /// The extractor that was asked for, in its newest version.
    fn extractor(&self) -> Option<ExtractorChoice> {
        let plugin = self.plugin.clone()?;
        Some(ExtractorChoice { plugin, version: None, config: None })
    }

    async fn one(&self, pipeline: &Pipeline, input: &Input, template: Option<TemplateContent>) -> Ending {
        let content = match read_document(input) {
            Ok(content) => content,
            Err(message) if input.named => {
                return Ending::Failed { code: UNSUPPORTED.to_owned(), message };
            }
            Err(message) => return Ending::Skipped { message },
        };
        let task = Task {
            content,
            file_name: input.path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            template,
            references: self.references.clone(),
            extractor: self.extractor(),
            audience: Audience::default(),
            mode: self.mode,
            range: self.pages,
            password: self.password.clone(),
        };
        match pipeline.run(task, |_| {}).await {
            Ok(outcome) => Ending::Completed(Box::new(outcome)),
            Err(error) => Ending::Failed { code: error.code().to_owned(), message: error.to_string() },
        }
    }
}

/// Works on all inputs, at most `jobs` at one time; what comes of them is in their order.
fn in_turn<I, F: Future>(
    inputs: Vec<I>,
    jobs: usize,
    work: impl Fn(I) -> F,
) -> impl Stream<Item = F::Output> {
    let places = Arc::new(Semaphore::new(jobs));
    let ahead = jobs.saturating_mul(LOOK_AHEAD);
    let begun = futures::stream::iter(inputs).map(move |input| {
        let (places, work) = (Arc::clone(&places), work(input));
        async move {
            // Places are given in the order in which they are asked for, and the semaphore is never closed.
            let _place = places.acquire().await;
            work.await
        }
    });
    begun.buffered(ahead)
}

/// Logs of a command that prints results: warnings only, and no traces.
pub(super) fn quiet_telemetry(config: &Config) -> anyhow::Result<Telemetry> {
    let quiet = ocriva::config::Log { filter: "warn".to_owned(), ..config.log.clone() };
    let untraced = ocriva::config::Telemetry { otlp_endpoint: String::new(), ..config.telemetry.clone() };
    ocriva::telemetry::start(&quiet, &untraced).context("logs cannot be written")
}

/// The files to extract from, each once, in a stable order.
fn inputs(paths: &[PathBuf]) -> anyhow::Result<Vec<Input>> {
    let mut inputs = Vec::new();
    let mut seen = BTreeSet::new();
    for path in paths {
        let kind = std::fs::metadata(path).with_context(|| format!("`{}` cannot be read", path.display()))?;
        if !kind.is_dir() {
            if seen.insert(path.clone()) {
                inputs.push(Input { path: path.clone(), named: true });
            }
            continue;
        }
        let mut found = BTreeSet::new();
        walk(path, &mut found)?;
        for path in found {
            if seen.insert(path.clone()) {
                inputs.push(Input { path, named: false });
            }
        }
    }
    if inputs.is_empty() {
        bail!("no files found");
    }
    Ok(inputs)
}

/// Collects the files below a folder. Hidden ones are left out; links to folders are not followed.
fn walk(folder: &Path, found: &mut BTreeSet<PathBuf>) -> anyhow::Result<()> {
    let entries =
        std::fs::read_dir(folder).with_context(|| format!("`{}` cannot be listed", folder.display()))?;
    for entry in entries {
        let entry = entry.with_context(|| format!("`{}` cannot be listed", folder.display()))?;
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        let kind =
            entry.file_type().with_context(|| format!("`{}` cannot be read", entry.path().display()))?;
        if kind.is_dir() {
            walk(&entry.path(), found)?;
        } else if entry.path().is_file() {
            found.insert(entry.path());
        }
    }
    Ok(())
}

/// The content of a file that is a document by its first bytes. Of the plain texts in a folder, which may as well be
/// programs or labels, only those are documents that are named so.
pub(super) fn read_document(Input { path, named }: &Input) -> Result<Bytes, String> {
    let unreadable = |error: std::io::Error| format!("file cannot be read: {error}");
    let mut file = std::fs::File::open(path).map_err(unreadable)?;
    let mut content = Vec::with_capacity(format::SNIFF_BYTES);
    Read::by_ref(&mut file).take(format::SNIFF_BYTES as u64).read_to_end(&mut content).map_err(unreadable)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let is_named_text =
        || path.extension().is_some_and(|extension| extension == "txt" || extension == "text");
    match format::sniff(&content, &name) {
        None => return Err(format::unsupported(&content)),
        Some(format::Format::Text) if !named && !is_named_text() => {
            return Err("a plain text in a folder is a document if it is named `.txt`".to_owned());
        }
        Some(_) => {}
    }
    file.read_to_end(&mut content).map_err(unreadable)?;
    Ok(Bytes::from(content))
}

/// A template file: a whole template as the API takes it, of which identity and result format do not matter here,
/// or only its schema.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TemplateFile {
    #[serde(default)]
    name: String,
    template_schema: Option<Value>,
    instructions: Option<String>,
    extraction_mode: Option<String>,
    extractor: Option<ExtractorFile>,
    ocr_mode: Option<OcrMode>,
}

#[derive(Deserialize)]
struct ExtractorFile {
    plugin: String,
    version: Option<String>,
    config: Option<Map<String, Value>>,
}

pub(super) fn read_template(path: &Path) -> anyhow::Result<TemplateContent> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).with_context(|| format!("template `{shown}` cannot be read"))?;
    let value: Value =
        serde_json::from_str(&text).with_context(|| format!("template `{shown}` is not JSON"))?;
    template(value).with_context(|| format!("template `{shown}` cannot be used"))
}

fn template(value: Value) -> anyhow::Result<TemplateContent> {
    let is_whole = value.get("templateSchema").is_some() || value.get("extractor").is_some();
    let file = if is_whole { value } else { json!({"templateSchema": value}) };
    let file: TemplateFile = serde_json::from_value(file)?;
    let extraction_mode = match file.extraction_mode.as_deref() {
        None => ExtractionMode::Structured,
        Some(word) => ExtractionMode::parse(word)
            .with_context(|| format!("`extractionMode` is `{word}`, expected `structured` or `free_text`"))?,
    };
    let template_schema = match file.template_schema {
        None => None,
        Some(given) => Some(schema::normalized(&given).map_err(|problems| anyhow!(problems.join("; ")))?),
    };
    Ok(TemplateContent {
        template_schema,
        instructions: file.instructions,
        extraction_mode,
        extractor: file.extractor.map(|extractor| ExtractorChoice {
            plugin: extractor.plugin,
            version: extractor.version,
            config: extractor.config,
        }),
        ocr_mode: file.ocr_mode,
        ..TemplateContent::named(file.name)
    })
}

fn reference(text: &str) -> Result<NamedTable, String> {
    let (name, path) = text.split_once('=').ok_or("expected NAME=FILE, such as `suppliers=suppliers.csv`")?;
    let bytes = std::fs::read(path).map_err(|error| format!("`{path}` cannot be read: {error}"))?;
    let table = references::file::parse(&bytes).map_err(|error| format!("`{path}`: {error}"))?;
    Ok(NamedTable { name: name.to_owned(), table: Arc::new(LookupTable::new(table)) })
}

fn page_range(text: &str) -> Result<PageRange, String> {
    let (from, to) = text.split_once('-').unwrap_or((text, text));
    let number = |part: &str| part.trim().parse::<u32>().ok().filter(|number| *number >= 1);
    match (number(from), number(to)) {
        (Some(from), Some(to)) if from <= to => Ok(PageRange { from, to }),
        _ => Err("expected a page or a range of pages, such as `2` or `1-3`".to_owned()),
    }
}

fn progress_bar(files: usize) -> ProgressBar {
    if files < 2 || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(files as u64);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} files, {elapsed}, {eta} left") {
        bar.set_style(style);
    }
    bar
}

/// A line of `--format json`: the contract's Result, and what became of the file.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct JsonLine<'a> {
    file: String,
    status: &'static str,
    error: Option<JsonError<'a>>,
    timings: JsonTimings,
    #[serde(flatten)]
    completed: Option<JsonCompleted<'a>>,
}

#[derive(Serialize)]
struct JsonError<'a> {
    code: &'a str,
    message: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct JsonTimings {
    #[serde(flatten)]
    steps: Option<JsonSteps>,
    total_ms: f64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct JsonSteps {
    decode_ms: f64,
    ocr_ms: f64,
    extractor_ms: f64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct JsonCompleted<'a> {
    page_count: u32,
    confidence: Option<f64>,
    extractor: JsonExtractor<'a>,
    #[serde(flatten)]
    result: &'a Extraction,
}

#[derive(Serialize)]
struct JsonExtractor<'a> {
    plugin: &'a str,
    version: &'a str,
    digest: &'a str,
}

fn as_json(path: &Path, ending: &Ending, total: Duration) -> anyhow::Result<String> {
    let (status, error) = match ending {
        Ending::Completed(_) => ("completed", None),
        Ending::Failed { code, message } => ("failed", Some(JsonError { code, message })),
        Ending::Skipped { message } => ("skipped", Some(JsonError { code: UNSUPPORTED, message })),
    };
    let outcome = match ending {
        Ending::Completed(outcome) => Some(outcome),
        _ => None,
    };
    let line = JsonLine {
        file: path.display().to_string(),
        status,
        error,
        timings: JsonTimings {
            steps: outcome.map(|outcome| JsonSteps {
                decode_ms: milliseconds(outcome.timings.decode),
                ocr_ms: milliseconds(outcome.timings.ocr),
                extractor_ms: milliseconds(outcome.timings.extractor),
            }),
            total_ms: milliseconds(total),
        },
        completed: outcome.map(|outcome| JsonCompleted {
            page_count: outcome.page_count,
            confidence: outcome.confidence,
            extractor: JsonExtractor {
                plugin: &outcome.extractor.plugin,
                version: &outcome.extractor.version,
                digest: &outcome.extractor.digest,
            },
            result: &outcome.extraction,
        }),
    };
    Ok(serde_json::to_string(&line)? + "\n")
}

fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1000.0
}

fn as_text(path: &Path, ending: &Ending) -> String {
    let mut printed = format!("== {}\n", path.display());
    match ending {
        Ending::Completed(outcome) => {
            for (name, field) in &outcome.extraction.fields {
                printed.push_str(&format!("{name}: {}  ({:.2})\n", field.value, field.confidence));
            }
            for warning in &outcome.extraction.warnings {
                printed.push_str(&format!("warning: {}\n", warning.message));
            }
            if !outcome.extraction.fields.is_empty() {
                printed.push('\n');
            }
            printed.push_str(&outcome.extraction.text);
            printed.push('\n');
        }
        Ending::Failed { code, message } => printed.push_str(&format!("error: {message} ({code})\n")),
        Ending::Skipped { message } => printed.push_str(&format!("skipped: {message}\n")),
    }
    printed
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::Notify;

    use super::*;

    #[tokio::test]
    async fn a_file_that_takes_long_keeps_its_place_and_none_of_the_next_from_being_read() {
        let (last, in_progress) = (Notify::new(), AtomicUsize::new(0));
        let numbers = in_turn((0..20).collect(), 2, |number: usize| {
            let (last, in_progress) = (&last, &in_progress);
            async move {
                assert!(in_progress.fetch_add(1, Ordering::SeqCst) < 2, "more in progress than asked for");
                match number {
                    0 => last.notified().await,
                    19 => last.notify_one(),
                    _ => tokio::task::yield_now().await,
                }
                in_progress.fetch_sub(1, Ordering::SeqCst);
                number
            }
        });
        assert_eq!(numbers.collect::<Vec<_>>().await, (0..20).collect::<Vec<_>>());
    }
}
