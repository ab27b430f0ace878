//! `cargo xtask test`: every check of the project, in the order in which they fail fastest.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;
use std::{fs, str};

use anyhow::{Context, Result, bail};

use crate::workspace::{Workspace, find_program};
use crate::{process, setup};

/// Options of `cargo xtask test`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Fail where PostgreSQL is not installed, instead of testing on SQLite alone and saying so.
    #[arg(long)]
    require_postgres: bool,
    /// Fail where the tools for plugins in JavaScript, C and Python cannot be installed, instead of leaving these out.
    #[arg(long)]
    require_languages: bool,
    /// Fail where the networks for further scripts cannot be fetched, instead of leaving their tests out.
    #[arg(long)]
    require_scripts: bool,
}

/// Sets up and runs formatting, lints, licences and tests.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let has_postgres = find_postgres().is_some();
    if !has_postgres && options.require_postgres {
        bail!("PostgreSQL is not installed; {INSTALL_POSTGRES}");
    }
    if !has_postgres {
        warn_without_postgres();
    }
    step("set-up", || setup::run(workspace, &setup::Options::default()))?;
    let languages = setup::languages::prepare(workspace);
    let languages = match languages {
        Err(error) if options.require_languages => return Err(error),
        languages => languages.err(),
    };
    if let Some(missing) = &languages {
        warn_without_languages(missing);
    }
    let scripts = setup::scripts::require(&workspace.prepared("models"));
    let scripts = match scripts {
        Err(error) if options.require_scripts => return Err(error),
        scripts => scripts.err(),
    };
    step("formatting", || {
        process::run(workspace.cargo().args(["fmt", "--all", "--check"])).context("type `cargo fmt --all`")
    })?;
    step("lints", || lint(workspace))?;
    if let Some(program) = find_program("cargo-deny", &[]) {
        let mut deny = Command::new(program);
        deny.args(["--offline", "check", "licenses", "bans", "sources"]).current_dir(workspace.root());
        step("licences and sources", || process::run(&mut deny))?;
    }
    // The tests start the program itself; building it together with them keeps one set of features.
    step("build", || {
        process::run(workspace.cargo().args(["build", "--locked", "--workspace", "--bins", "--tests"]))
    })?;
    step("tests", || {
        let mut cargo = workspace.cargo();
        if !has_postgres {
            cargo.env(WITHOUT_POSTGRES, "1");
        }
        if languages.is_some() {
            cargo.env(WITHOUT_LANGUAGES, "1");
        }
        if scripts.is_some() {
            cargo.env(WITHOUT_SCRIPTS, "1");
        }
        process::run(cargo.args(["test", "--locked", "--workspace", "--no-fail-fast"]))
    })?;
    if !has_postgres {
        warn_without_postgres();
    }
    if let Some(missing) = &languages {
        warn_without_languages(missing);
    }
    if let Some(missing) = &scripts {
        println!("\n*** NOT TESTED: READING OF FURTHER SCRIPTS: {missing:#} ***\n");
    }
    Ok(())
}

const INSTALL_POSTGRES: &str = "install the server's programs (Debian: `apt-get install postgresql`), the tests start \
                                their own server from them";

/// Tells the tests that PostgreSQL may be missing; without it each of its tests fails.
const WITHOUT_POSTGRES: &str = "OCRIVA_TESTS_WITHOUT_POSTGRES";

fn warn_without_postgres() {
    println!("\n*** NOT TESTED ON POSTGRESQL: it is not installed here; {INSTALL_POSTGRES} ***\n");
}

/// The same for the tools of plugins in JavaScript, C and Python.
const WITHOUT_LANGUAGES: &str = "OCRIVA_TESTS_WITHOUT_LANGUAGES";

fn warn_without_languages(missing: &anyhow::Error) {
    println!("\n*** NOT TESTED: PLUGINS IN JAVASCRIPT AND PYTHON: {missing:#} ***\n");
}

/// The same for the networks of further scripts.
const WITHOUT_SCRIPTS: &str = "OCRIVA_TESTS_WITHOUT_SCRIPTS";

/// Debian keeps the server's programs off the search path, in a folder per version.
fn find_postgres() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let folders: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
    find_program("initdb", &folders)
}

/// Lints are errors on the compiler that the workspace names, and warnings on a newer one, which knows lints
/// that nobody here has seen yet.
fn lint(workspace: &Workspace) -> Result<()> {
    let mut cargo = workspace.cargo();
    cargo.args(["clippy", "--locked", "--workspace", "--all-targets"]);
    if is_pinned_compiler(workspace.root())? {
        cargo.args(["--", "--deny", "warnings"]);
    }
    process::run(&mut cargo)
}

fn is_pinned_compiler(root: &Path) -> Result<bool> {
    let manifest: toml::Table = fs::read_to_string(root.join("Cargo.toml"))?.parse()?;
    let pinned = manifest
        .get("workspace")
        .and_then(|workspace| workspace.get("package")?.get("rust-version")?.as_str())
        .context("`Cargo.toml` names no `rust-version`")?;
    let version = process::output(Command::new("rustc").arg("--version").current_dir(root))?;
    Ok(str::from_utf8(&version)?.starts_with(&format!("rustc {pinned}.")))
}

fn step(name: &str, check: impl FnOnce() -> Result<()>) -> Result<()> {
    println!("test: {name}");
    let started = Instant::now();
    check().with_context(|| format!("{name} failed"))?;
    println!("test: {name} done in {} s", started.elapsed().as_secs());
    Ok(())
}
