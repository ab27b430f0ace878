//! `ocriva plugin`: which plugins there are, and whether a file is one.

mod import_rules;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use clap::Subcommand;
use ocriva::assets;
use ocriva::config::Config;
use ocriva::plugins::{Engine, Origin, Registry};

#[derive(Debug, Subcommand)]
pub enum Plugin {
    /// List the bundled plugins and those of the plugin folder.
    List {
        /// Folder of the server's data.
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
    },
    /// Say whether a component can be used as a plugin, and what is wrong where it cannot.
    Check {
        /// The component.
        #[arg(value_name = "FILE.wasm")]
        file: PathBuf,
    },
    /// Print invoice2data's templates as settings of the plugin `rules`.
    ImportRules(import_rules::ImportRules),
}

impl Plugin {
    /// The data folder asked for, if any.
    pub fn data(&self) -> Option<&PathBuf> {
        match self {
            Self::List { data } => data.as_ref(),
            Self::Check { .. } | Self::ImportRules(_) => None,
        }
    }

    /// Runs the command.
    ///
    /// # Errors
    /// A file or folder that cannot be read; a component that cannot be used is reported in the exit status.
    pub fn run(self, config: &Config) -> anyhow::Result<ExitCode> {
        match self {
            Self::List { .. } => super::runtime()?.block_on(list(engine(config)?, config)),
            Self::Check { file } => super::runtime()?.block_on(check(engine(config)?, file)),
            Self::ImportRules(import) => import.run(),
        }
    }
}

fn engine(config: &Config) -> anyhow::Result<Arc<Engine>> {
    Ok(Arc::new(Engine::new(&config.plugins, config.user_cache_dir().join("plugins"))?))
}

async fn list(engine: Arc<Engine>, config: &Config) -> anyhow::Result<ExitCode> {
    let folder = config.plugins_dir();
    let registry = Registry::open(engine, assets::bundled_plugins(), &folder)
        .with_context(|| format!("plugin folder `{}` cannot be read", folder.display()))?;
    let mut status = ExitCode::SUCCESS;
    let mut listing = String::new();
    for found in registry.list().await {
        let origin = match found.origin {
            Origin::Bundled(_) => "bundled".to_owned(),
            Origin::File(path) => path.display().to_string(),
        };
        listing += &match found.plugin {
            Ok(plugin) => format!(
                "{:<16} {:<10} {}  {}  ({origin})\n",
                plugin.description.name,
                plugin.description.version,
                plugin.digest.get(..12).unwrap_or(&plugin.digest),
                plugin.description.description,
            ),
            Err(error) => {
                status = ExitCode::FAILURE;
                format!("{origin}: {error}\n")
            }
        };
    }
    super::print(&listing)?;
    Ok(status)
}

async fn check(engine: Arc<Engine>, file: PathBuf) -> anyhow::Result<ExitCode> {
    let bytes = std::fs::read(&file).with_context(|| format!("`{}` cannot be read", file.display()))?;
    let report = engine.check(bytes).await;
    let mut text = format!(
        "file     {}\nsize     {} bytes\ndigest   sha256 {}\ncontract {}\nimports  {}\nexports  {}\n",
        file.display(),
        report.size_bytes,
        report.digest,
        report.api_version.as_deref().unwrap_or("none"),
        or_none(&report.imports),
        or_none(&report.exports),
    );
    if let Some(manifest) = &report.manifest {
        let toml = toml::to_string(manifest).context("the manifest has no form in TOML")?;
        for (index, line) in toml.lines().filter(|line| !line.is_empty()).enumerate() {
            text += &format!("{} {line}\n", if index == 0 { "manifest" } else { "        " });
        }
    }
    if let Some(description) = &report.description {
        text +=
            &format!("plugin   {} {}: {}\n", description.name, description.version, description.description);
    }
    for problem in &report.problems {
        text += &format!("problem  {}\n         {}\n", problem.problem, problem.remedy);
    }
    if report.problems.is_empty() {
        text += "this component can be used as a plugin\n";
    }
    super::print(&text)?;
    Ok(if report.problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn or_none(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
