//! `cargo xtask openapi`: writes the API's description, which is reviewed and compared by a test.

use std::fs;

use anyhow::{Context, Result};

use crate::workspace::Workspace;
use crate::{process, setup};

/// Writes `host/openapi.json` when it changed.
pub(crate) fn write(workspace: &Workspace) -> Result<()> {
    setup::run(workspace, &setup::Options::default())?;
    let mut cargo = workspace.cargo();
    cargo.args(["run", "--quiet", "--locked", "--package", "ocriva", "--bin", "ocriva", "--", "openapi"]);
    let description = process::output(&mut cargo)?;
    let file = workspace.root().join("host/openapi.json");
    if fs::read(&file).ok().as_ref() == Some(&description) {
        return Ok(());
    }
    fs::write(&file, description).with_context(|| format!("cannot write `{}`", file.display()))?;
    println!("openapi: `host/openapi.json` changed; read the difference before you commit it");
    Ok(())
}
