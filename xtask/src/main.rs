//! Set-up and chores: `cargo xtask setup | run | test | openapi | bench`.
//!
//! Everything that turns a clone into a running server or a tested one is here, so that a bare machine needs
//! Rust, a C compiler and Python with pip, and nothing typed by hand. This file is the command line only.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod bench;
mod checks;
mod openapi;
mod process;
mod serve;
mod setup;
mod usage;
mod workspace;

use workspace::Workspace;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Set-up and chores of the Ocriva workspace")]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Prepares what a build needs: wasm target, OCR models, bundled plugins. Silent when nothing is to do.
    Setup(setup::Options),
    /// Sets up, builds the server in release mode and starts it on 127.0.0.1:8080 with ./data.
    Run {
        /// Options of `ocriva serve`, after `--`.
        #[arg(last = true)]
        arguments: Vec<String>,
    },
    /// Sets up and runs every check: formatting, lints, all tests on SQLite and PostgreSQL.
    Test(checks::Options),
    /// Writes host/openapi.json from the routes.
    Openapi,
    /// Runs a workload of host/workloads: pages per second, CPU seconds per page, peak memory; `reading` beside other
    /// engines, with word F1 where labels lie beside the pictures.
    Bench {
        /// Name of the workload: the file's name without `.toml`.
        workload: String,
        /// Folder or file to read instead of the workload's own.
        #[arg(long)]
        documents: Option<PathBuf>,
        /// Measured runs instead of the workload's own number.
        #[arg(long, visible_alias = "rounds")]
        runs: Option<usize>,
        /// Engines to compare instead of the workload's own, for `reading`.
        #[arg(long, value_enum, value_delimiter = ',')]
        engines: Vec<bench::Engine>,
    },
}

fn main() -> ExitCode {
    match carry_out(Arguments::parse().chore) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn carry_out(chore: Chore) -> anyhow::Result<ExitCode> {
    let workspace = Workspace::find()?;
    match chore {
        Chore::Setup(options) => setup::run(&workspace, &options)?,
        Chore::Run { arguments } => return serve::run(&workspace, &arguments),
        Chore::Test(options) => checks::run(&workspace, &options)?,
        Chore::Openapi => openapi::write(&workspace)?,
        Chore::Bench { workload, documents, runs, engines } => {
            bench::run(&workspace, &bench::Choice { workload, documents, runs, engines })?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
