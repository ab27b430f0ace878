//! The documents of a project's `tests` folder, and their way through the real pipeline and the real sandbox.
//!
//! `NAME.pdf` (or any other format) comes with `NAME.expected.json`, which says what has to be found in it, and may come
//! with `NAME.template.json`, a template as the API takes it; `template.json` serves all that have none of their own.
//! `references/*.csv` and `*.json` are the template's reference files.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use ocriva::app::StoredValues;
use ocriva::assets;
use ocriva::clock::{Clock, Timestamp};
use ocriva::config::{self, Config};
use ocriva::domain::capability::Capability;
use ocriva::domain::plugin::Audience;
use ocriva::domain::reference::{LookupTable, NamedTable};
use ocriva::domain::template::ExtractorChoice;
use ocriva::pipeline::{Error, Outcome, Pipeline, Record, Rehearsal, Task};
use ocriva::plugins::{Engine, Manifest, Registry, manifest};
use ocriva::references;

use crate::cli::extract;

/// Largest component that is tried out here, in MiB: what the operator allows is the server's affair.
const COMPONENT_MIB: u64 = 32;

/// A document with what belongs to it.
#[derive(Debug, Clone)]
pub struct Case {
    /// The document.
    pub document: PathBuf,
    /// What has to be found; need not exist.
    pub expected: PathBuf,
    template: Option<PathBuf>,
}

impl Case {
    /// The document's file name.
    pub fn file_name(&self) -> String {
        self.document.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }
}

/// The cases of a folder, by name.
///
/// # Errors
/// A folder that cannot be read, or two documents of one name.
pub fn find(folder: &Path) -> anyhow::Result<Vec<Case>> {
    let mut cases: BTreeMap<String, Case> = BTreeMap::new();
    let shared = Some(folder.join("template.json")).filter(|file| file.is_file());
    let entries = fs::read_dir(folder)
        .with_context(|| format!("`{}` cannot be listed; put documents there", folder.display()))?;
    for entry in entries {
        let document = entry?.path();
        let (Some(name), Some(file_name)) = (document.file_stem(), document.file_name()) else { continue };
        let is_json = document.extension().is_some_and(|extension| extension == "json");
        if is_json || !document.is_file() || file_name.to_string_lossy().starts_with('.') {
            continue;
        }
        let name = name.to_string_lossy().into_owned();
        let beside = |ending: &str| folder.join(format!("{name}.{ending}.json"));
        let expected = beside("expected");
        // Programs and notes lie beside documents: they are none, unless something is expected of them.
        let input = extract::Input { path: document.clone(), named: expected.is_file() };
        if !input.named && extract::read_document(&input).is_err() {
            continue;
        }
        let template = Some(beside("template")).filter(|file| file.is_file()).or_else(|| shared.clone());
        let case = Case { document, expected, template };
        if let Some(other) = cases.insert(name.clone(), case.clone()) {
            let (one, other) = (other.file_name(), case.file_name());
            ensure!(
                one == other,
                "`{one}` and `{other}` would share `{name}.expected.json`: rename one of them"
            );
        }
    }
    ensure!(!cases.is_empty(), "there is no document in `{}`; put one there", folder.display());
    Ok(cases.into_values().collect())
}

/// What the plugin is granted of what it asks for and what leaves this machine; the rest it has by asking.
#[derive(Debug, Clone, Default, Args)]
pub struct Grants {
    /// Grant the plugin `http` or `llm`, if its manifest asks for it; again for both.
    #[arg(long = "grant", value_name = "CAPABILITY", value_parser = ["http", "llm"])]
    granted: Vec<String>,
}

impl Grants {
    /// Puts the grants into the settings of a run.
    ///
    /// # Errors
    /// A model is to be asked, and none is configured.
    fn apply(&self, settings: &mut config::Plugins) -> anyhow::Result<()> {
        let is_granted =
            |capability: Capability| self.granted.iter().any(|granted| granted == capability.as_str());
        if is_granted(Capability::Llm) && settings.llm.base_url.is_empty() {
            bail!(
                "`--grant llm` needs a language model: name it in `[plugins.llm]` of a settings file (`--config FILE`), or \
                 by OCRIVA__PLUGINS__LLM__BASE_URL and OCRIVA__PLUGINS__LLM__MODEL"
            );
        }
        // The manifest's own hosts, of which private ones are out of reach all the same.
        if is_granted(Capability::Http) && settings.http.hosts.is_empty() {
            settings.http.hosts = vec!["*".to_owned()];
        }
        let stays_here = [Capability::Clock, Capability::Random, Capability::Kv];
        let leaves = [Capability::Http, Capability::Llm].into_iter().filter(|leaving| is_granted(*leaving));
        settings.grants.entry("*".to_owned()).or_default().extend(stays_here.into_iter().chain(leaves));
        Ok(())
    }
}

/// Runs a component on documents.
pub struct Runner {
    pipeline: Pipeline,
    /// For whom values are kept, where the plugin keeps some.
    audience: Audience,
    plugin: ExtractorChoice,
    references: Vec<NamedTable>,
    /// Microseconds since 1970 that the pipeline takes for now.
    now: Arc<AtomicI64>,
    /// Where the component lies as a server's plugin, and what it keeps: both end with the run.
    _folder: tempfile::TempDir,
}

impl Runner {
    /// Takes a component; `tests` is the folder with its reference files.
    ///
    /// # Errors
    /// A component that cannot be used, or a reference file that cannot be read.
    pub async fn new(
        config: &Config,
        component: &Path,
        tests: &Path,
        grants: &Grants,
    ) -> anyhow::Result<Self> {
        let mut config = config.clone();
        config.plugins.component_mib = config.plugins.component_mib.max(COMPONENT_MIB);
        // Whose signature a server would want is the operator's business.
        config.plugins.require_signature = false;
        grants.apply(&mut config.plugins)?;
        let bytes =
            fs::read(component).with_context(|| format!("`{}` cannot be read", component.display()))?;
        let folder = tempfile::tempdir()?;
        let cache = config.user_cache_dir().join("plugins");
        let mut audience = Audience::default();
        let engine = if keeps_values(&bytes) {
            let (values, organization_id) =
                StoredValues::apart(&config, &folder.path().join("values"), Clock::system()).await?;
            audience = Audience::organization(&organization_id);
            Engine::with_values(&config.plugins, cache, Arc::new(values))?
        } else {
            Engine::new(&config.plugins, cache)?
        };
        let engine = Arc::new(engine);
        let plugin = engine.load(bytes.into()).await.map_err(|refusal| {
            let remedy = match refusal.not_granted() {
                Some(names) => format!("grant it here: `--grant {}`", names.join(" --grant ")),
                None => refusal.remedy().into_owned(),
            };
            anyhow::Error::new(refusal).context(format!("`{}` is no plugin: {remedy}", component.display()))
        })?;
        let plugins = folder.path().join("plugins");
        fs::create_dir(&plugins)?;
        fs::copy(component, plugins.join("plugin.wasm"))?;
        let registry = Registry::open(engine, assets::bundled_plugins(), &plugins)?;
        let now = Arc::new(AtomicI64::new(Clock::system().now().0));
        let told = Arc::clone(&now);
        let clock = Clock::from_fn(move || Timestamp(told.load(Ordering::Relaxed)));
        Ok(Self {
            pipeline: Pipeline::without_cache(&config, Arc::new(registry), clock),
            audience,
            plugin: ExtractorChoice {
                plugin: plugin.description.name.clone(),
                version: Some(plugin.description.version),
                config: None,
            },
            references: read_references(&tests.join("references"))?,
            now,
            _folder: folder,
        })
    }

    /// Runs one case, as if it were `today` (`YYYY-MM-DD`).
    ///
    /// # Errors
    /// Files of the case that cannot be read; what becomes of the document is in the answer.
    pub async fn run(
        &self,
        case: &Case,
        today: Option<&str>,
    ) -> anyhow::Result<(Result<Outcome, Error>, Record)> {
        let task = self.task(case)?;
        if let Some(today) = today {
            let day = Timestamp::start_of_day(today)
                .with_context(|| format!("`today` is `{today}`, expected a day such as `2026-01-31`"))?;
            self.now.store(day.0, Ordering::Relaxed);
        }
        let mut record = Record::default();
        let outcome = self.pipeline.run_recorded(task, |_| {}, &mut record).await;
        Ok((outcome, record))
    }

    /// Opens a case's document for many calls of the plugin.
    ///
    /// # Errors
    /// A document that cannot be opened.
    pub async fn rehearse(&self, case: &Case) -> anyhow::Result<Rehearsal> {
        Ok(self.pipeline.rehearse(self.task(case)?).await?)
    }

    fn task(&self, case: &Case) -> anyhow::Result<Task> {
        let input = extract::Input { path: case.document.clone(), named: true };
        let content = extract::read_document(&input)
            .map_err(|message| anyhow::anyhow!("`{}`: {message}", case.document.display()))?;
        Ok(Task {
            content,
            file_name: case.file_name(),
            template: case.template.as_deref().map(extract::read_template).transpose()?,
            references: self.references.clone(),
            extractor: Some(self.plugin.clone()),
            audience: self.audience.clone(),
            mode: None,
            range: None,
            password: None,
        })
    }
}

/// Whether a component asks to keep values. What is wrong with its manifest is told when it is loaded.
fn keeps_values(component: &[u8]) -> bool {
    let manifest = manifest::embedded(component).ok().flatten().map(Manifest::parse);
    manifest.and_then(Result::ok).is_some_and(|manifest| manifest.capabilities.kv)
}

fn read_references(folder: &Path) -> anyhow::Result<Vec<NamedTable>> {
    let mut tables = Vec::new();
    let Ok(entries) = fs::read_dir(folder) else { return Ok(tables) };
    for entry in entries {
        let file = entry?.path();
        let bytes = fs::read(&file).with_context(|| format!("`{}` cannot be read", file.display()))?;
        let table = references::file::parse(&bytes)
            .with_context(|| format!("`{}` is no reference file", file.display()))?;
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        tables.push(NamedTable { name, table: Arc::new(LookupTable::new(table)) });
    }
    Ok(tables)
}
