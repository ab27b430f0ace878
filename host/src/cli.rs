//! Commands and their arguments.

mod admin;
mod extract;
mod plugin;
mod serve;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use ocriva::config::{Config, Role};
use ocriva::memory;

/// Self-hosted document extraction: documents in, named fields out.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 110)]
pub struct Arguments {
    /// Settings file (TOML); see `ocriva config` for what can be set.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start the server: API, worker, or both.
    Serve {
        /// Address and port to listen on.
        #[arg(long, value_name = "ADDRESS:PORT")]
        listen: Option<String>,
        /// Folder of the database, the documents and the caches.
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
        /// Which part of the program runs.
        #[arg(long)]
        role: Option<Role>,
    },
    /// Extract from files here and now, without a server. Folders are walked.
    Extract(extract::Extract),
    /// Print the settings in force, secrets redacted.
    Config {
        /// Print the commented defaults instead.
        #[arg(long)]
        defaults: bool,
    },
    /// Bring the database's schema up to date.
    Migrate {
        /// Folder of the database.
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
    },
    /// Look after organizations, users, keys, plans, credits and installed plugins.
    Admin(admin::Admin),
    /// Print the OpenAPI document.
    Openapi,
    /// Look at plugins.
    #[command(subcommand)]
    Plugin(plugin::Plugin),
}

/// Runs a command to its end.
///
/// # Errors
/// Whatever stopped it, with its causes.
pub fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    memory::share_freed();
    let file = arguments.config.as_deref();
    match arguments.command {
        Command::Serve { listen, data, role } => {
            let flags = [
                ("server.listen", listen),
                ("storage.data_dir", data.map(|dir| dir.display().to_string())),
                ("server.role", role.map(|role| role_word(role).to_owned())),
            ];
            serve::run(load(file, flags)?)
        }
        Command::Extract(extract) => {
            let flags = [("ocr.mode", extract.mode().map(|mode| mode.as_str().to_owned()))];
            let config = load(file, flags)?;
            extract.run(&config)
        }
        Command::Config { defaults: true } => {
            print(ocriva::config::DEFAULTS)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Config { defaults: false } => {
            print(&load(file, [])?.redacted_toml())?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Migrate { data } => {
            let config = load(file, [("storage.data_dir", data.map(|dir| dir.display().to_string()))])?;
            serve::migrate(&config)
        }
        Command::Admin(admin) => {
            let data = admin.data().map(|dir| dir.display().to_string());
            admin.run(&load(file, [("storage.data_dir", data)])?)
        }
        Command::Openapi => {
            print(&(serde_json::to_string_pretty(&ocriva::api::openapi())? + "\n"))?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Plugin(plugin) => {
            let data = plugin.data().map(|dir| dir.display().to_string());
            plugin.run(&load(file, [("storage.data_dir", data)])?)
        }
    }
}

fn load<const N: usize>(
    file: Option<&std::path::Path>,
    flags: [(&'static str, Option<String>); N],
) -> anyhow::Result<Config> {
    let flags: Vec<(&str, String)> =
        flags.into_iter().filter_map(|(key, value)| Some((key, value?))).collect();
    Config::load(file, &flags).context("settings cannot be used")
}

fn role_word(role: Role) -> &'static str {
    match role {
        Role::All => "all",
        Role::Api => "api",
        Role::Worker => "worker",
    }
}

/// Writes to standard output. A reader that has seen enough, such as `head`, is no error.
fn print(text: &str) -> anyhow::Result<()> {
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(error).context("standard output cannot be written")
        }
        _ => Ok(()),
    }
}

/// The asynchronous runtime: one thread per core, and as many blocking threads as the work asks for.
fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("threads cannot be started")
}
