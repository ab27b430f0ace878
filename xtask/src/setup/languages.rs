//! The tools that make plugins of JavaScript, C and Python, as an author installs them: by name and exact version, from the
//! files that `ocriva plugin new` writes. The tests build such projects with them.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use crate::process;
use crate::workspace::{Workspace, find_program};

/// npm brings some 150 packages, 100 MB.
const INSTALL_LIMIT: Duration = Duration::from_secs(600);

/// The file that says what a folder was made from; written last.
const STAMP: &str = "made-from";

/// Installs what is missing or of another version, to `.build/languages`.
pub(crate) fn prepare(workspace: &Workspace) -> Result<()> {
    let projects = workspace.root().join("host/projects");
    let folder = workspace.prepared("languages");
    install(&projects.join("js/package.json"), &folder.join("js"), |folder| {
        let npm = find_program("npm", &[]).context("npm is missing (Debian: `apt-get install npm`)")?;
        let mut npm = Command::new(npm);
        npm.args(["install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock", "--silent"]);
        process::run_within(npm.current_dir(folder), INSTALL_LIMIT)
    })?;
    for language in ["c", "python"] {
        install(&projects.join(language).join("requirements.txt"), &folder.join(language), |folder| {
            let python = find_program("python3", &[])
                .context("Python is missing (Debian: `apt-get install python3`)")?;
            let mut venv = Command::new(python);
            process::run_within(venv.args(["-m", "venv", ".venv"]).current_dir(folder), INSTALL_LIMIT)
                .context("Python makes no environment (Debian: `apt-get install python3-venv`)")?;
            let mut pip = Command::new(folder.join(".venv/bin/pip"));
            pip.args(["install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:"]);
            process::run_within(pip.args(["-r", "requirements.txt"]).current_dir(folder), INSTALL_LIMIT)
        })?;
    }
    Ok(())
}

/// Makes `folder` from what `wanted` names, unless it was made from the same before.
fn install(wanted: &Path, folder: &Path, make: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let text = fs::read_to_string(wanted).with_context(|| format!("cannot read `{}`", wanted.display()))?;
    let digest = hex::encode(Sha256::digest(&text));
    let stamp = folder.join(STAMP);
    if fs::read_to_string(&stamp).is_ok_and(|made_from| made_from == digest) {
        return Ok(());
    }
    println!("setup: installing the tools of `{}`, once", wanted.display());
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("cannot replace `{}`", folder.display()))?;
    }
    fs::create_dir_all(folder)?;
    let name = wanted.file_name().context("a file has a name")?;
    fs::write(folder.join(name), text.replace("{{name}}", "tools"))?;
    make(folder)?;
    Ok(fs::write(stamp, digest)?)
}
