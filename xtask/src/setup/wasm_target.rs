//! The compiler's support for `wasm32-unknown-unknown`, which plugins are built for.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use ocriva_plugin_build::{TARGET, has_target};

use crate::process;
use crate::workspace::Workspace;

/// About 20 MB: a slow line needs a minute, a blocked one never answers.
const INSTALL_LIMIT: Duration = Duration::from_secs(180);

/// Installs the target by rustup where the toolchain lacks it.
pub(super) fn install(workspace: &Workspace) -> Result<()> {
    if has_target(workspace.root())? {
        return Ok(());
    }
    println!("setup: installing the target {TARGET}");
    let mut rustup = Command::new("rustup");
    rustup.args(["target", "add", TARGET]).current_dir(workspace.root());
    let installed = process::run_within(&mut rustup, INSTALL_LIMIT);
    if has_target(workspace.root())? {
        return Ok(());
    }
    let advice = format!(
        "the Rust target {TARGET} is missing, which plugins are built for; type `rustup target add {TARGET}` where \
         there is a network"
    );
    installed.context(advice.clone())?;
    bail!(advice)
}
