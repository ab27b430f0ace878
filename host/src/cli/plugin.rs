//! `ocriva plugin`: which plugins there are, and an author's way from an empty folder to a component on a server.

mod bench;
mod build;
mod cases;
mod check;
mod compile;
mod create;
mod expectation;
mod import_rules;
mod project;
mod push;
pub(super) mod signing;
mod test;
mod vendored;
mod watch;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use clap::Subcommand;
use ocriva::assets;
use ocriva::config::Config;
use ocriva::plugins::{Engine, Origin, Registry};

use project::Project;

#[derive(Debug, Subcommand)]
pub enum Plugin {
    /// List the bundled plugins and those of the plugin folder.
    List {
        /// Folder of the server's data.
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
    },
    /// Make a project that builds and passes its tests.
    New(create::New),
    /// Build the project here to the one file that is shipped.
    Build,
    /// Build the project here, and compare what its documents give with what is expected.
    Test(test::Test),
    /// Build and test the project here again whenever something changes.
    Watch(watch::Watch),
    /// Measure calls of the project's plugin on its documents.
    Bench(bench::Bench),
    /// Say what a component needs and says of itself, and what is wrong where it cannot be used.
    Check(check::Check),
    /// Make a key to sign components with.
    Keygen {
        /// New file for its secret.
        #[arg(value_name = "KEY")]
        file: PathBuf,
    },
    /// Sign a component: the signature goes to FILE.wasm.sig beside it.
    Sign {
        /// The component.
        #[arg(value_name = "FILE.wasm")]
        file: PathBuf,
        /// File of the secret key.
        #[arg(long, value_name = "KEY")]
        key: PathBuf,
    },
    /// Compile a component from standard input to standard output, within limits: what a server does apart from itself.
    #[command(hide = true)]
    Compile(compile::Compile),
    /// Send a component to a server.
    Push(push::Push),
    /// Print invoice2data's templates as settings of the plugin `rules`.
    ImportRules(import_rules::ImportRules),
    /// Replace what the project here is built with (`.ocriva`) by what this program brings.
    Update,
}

impl Plugin {
    /// The data folder asked for, if any.
    pub fn data(&self) -> Option<&PathBuf> {
        match self {
            Self::List { data } => data.as_ref(),
            _ => None,
        }
    }

    /// Runs the command.
    ///
    /// # Errors
    /// Whatever stopped it; what is wrong with a component or a document is reported in the exit status.
    pub fn run(self, config: &Config) -> anyhow::Result<ExitCode> {
        match self {
            Self::List { .. } => super::runtime()?.block_on(list(engine(config)?, config)),
            Self::New(new) => new.run(),
            Self::Build => {
                super::print(&build::build(&here()?)?)?;
                Ok(ExitCode::SUCCESS)
            }
            Self::Test(test) => quietly(config, |config| test.run(config)),
            Self::Watch(watch) => quietly(config, |config| watch.run(config)),
            Self::Bench(bench) => quietly(config, |config| bench.run(config)),
            Self::Check(check) => super::runtime()?.block_on(check.run(engine(config)?, config)),
            Self::Keygen { file } => signing::keygen(&file),
            Self::Sign { file, key } => signing::sign(&file, &key),
            Self::Compile(compile) => compile.run(),
            Self::Push(push) => push.run(),
            Self::ImportRules(import) => import.run(),
            Self::Update => {
                let project = here()?;
                vendored::write(&project.root, project.language)?;
                super::print(&format!("`{}` is that of this program\n", vendored::FOLDER))?;
                Ok(ExitCode::SUCCESS)
            }
        }
    }
}

fn here() -> anyhow::Result<Project> {
    Project::find(Path::new("."))
}

fn engine(config: &Config) -> anyhow::Result<Arc<Engine>> {
    Ok(Arc::new(Engine::new(&config.plugins, config.user_cache_dir().join("plugins"))?))
}

/// Runs a command with the program's own logs less those of its daily work: what the author wants to see is printed.
fn quietly<T>(config: &Config, run: impl FnOnce(&Config) -> anyhow::Result<T>) -> anyhow::Result<T> {
    let _telemetry = super::extract::quiet_telemetry(config)?;
    run(config)
}

async fn list(engine: Arc<Engine>, config: &Config) -> anyhow::Result<ExitCode> {
    let folder = config.plugins_dir();
    let registry = Registry::open(engine, assets::bundled_plugins(), &folder)
        .with_context(|| format!("plugin folder `{}` cannot be read", folder.display()))?;
    let mut status = ExitCode::SUCCESS;
    let mut listing = String::new();
    for found in registry.list().await {
        let origin = match &found.origin {
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
                let (name, is_off) = match (&found.origin, error.not_granted()) {
                    (Origin::Bundled(name), names) => (*name, names.is_some()),
                    (Origin::File(_), _) => ("", false),
                };
                if is_off {
                    format!("{name:<16} off: {error} (setting `plugins.grants`)  ({origin})\n")
                } else {
                    status = ExitCode::FAILURE;
                    format!("{origin}: {error}\n")
                }
            }
        };
    }
    super::print(&listing)?;
    Ok(status)
}
