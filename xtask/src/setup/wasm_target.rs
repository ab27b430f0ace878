//! The compiler's support for `wasm32-unknown-unknown`, which plugins are built for.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::process;
use crate::workspace::Workspace;

/// The target of every guest: it has no system interface at all, so nothing has to be denied.
pub(crate) const TARGET: &str = "wasm32-unknown-unknown";

/// About 20 MB: a slow line needs a minute, a blocked one never answers.
const INSTALL_LIMIT: Duration = Duration::from_secs(180);

/// Installs the target by rustup where the toolchain lacks it.
pub(super) fn install(workspace: &Workspace) -> Result<()> {
    if is_installed(workspace)? {
        return Ok(());
    }
    println!("setup: installing the target {TARGET}");
    let mut rustup = Command::new("rustup");
    rustup.args(["target", "add", TARGET]).current_dir(workspace.root());
    let installed = process::run_within(&mut rustup, INSTALL_LIMIT);
    if is_installed(workspace)? {
        return Ok(());
    }
    let advice = format!(
        "the Rust target {TARGET} is missing, which plugins are built for; type `rustup target add {TARGET}` where \
         there is a network"
    );
    installed.context(advice.clone())?;
    bail!(advice)
}

fn is_installed(workspace: &Workspace) -> Result<bool> {
    let mut rustc = Command::new("rustc");
    let sysroot = process::output(rustc.args(["--print", "sysroot"]).current_dir(workspace.root()))?;
    let sysroot = String::from_utf8(sysroot).context("the compiler's folder has a name that is not UTF-8")?;
    Ok(Path::new(sysroot.trim()).join("lib/rustlib").join(TARGET).join("lib").is_dir())
}
