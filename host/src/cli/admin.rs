//! `ocriva admin`: what an operator does to the database of a server, whether it runs or not.

mod identity;
mod plans;
mod plugins;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use ocriva::app::App;
use ocriva::clock::Clock;
use ocriva::config::Config;

#[derive(Debug, Args)]
pub struct Admin {
    /// Folder of the server's data.
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    #[command(flatten)]
    Identity(identity::Identity),
    #[command(flatten)]
    Plans(plans::Plans),
    #[command(flatten)]
    Plugins(plugins::Plugins),
}

impl Admin {
    /// The data folder asked for, if any.
    pub fn data(&self) -> Option<&PathBuf> {
        self.data.as_ref()
    }

    /// Runs the command.
    ///
    /// # Errors
    /// The database cannot be used, or what the command names is not there.
    pub fn run(self, config: &Config) -> anyhow::Result<ExitCode> {
        super::runtime()?.block_on(async {
            let telemetry = ocriva::telemetry::start(&config.log, &config.telemetry)?;
            let store = App::store(config, &Clock::system()).await?;
            let done = match self.command {
                Command::Identity(command) => command.run(&store, config).await,
                Command::Plans(command) => command.run(&store).await,
                Command::Plugins(command) => command.run(&store, config).await,
            };
            store.close().await;
            telemetry.stop().await;
            super::print(&done?)?;
            Ok(ExitCode::SUCCESS)
        })
    }
}
