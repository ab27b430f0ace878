//! `cargo xtask run`: from a clone to a running server.

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use crate::process;
use crate::setup;
use crate::workspace::Workspace;

/// Sets up, builds in release mode, and becomes `ocriva serve`.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<ExitCode> {
    setup::run(workspace, &setup::Options::default())?;
    let program = release_build(workspace)?;
    println!("run: starting `ocriva serve`; Ctrl-C stops it");
    let mut server = Command::new(&program);
    server.arg("serve").args(arguments);
    become_program(&mut server).with_context(|| format!("cannot start `{}`", program.display()))
}

/// Builds the program as it is shipped and says where it is.
pub(crate) fn release_build(workspace: &Workspace) -> Result<PathBuf> {
    let program = workspace.target().join("release/ocriva");
    let mut cargo = workspace.cargo();
    cargo.args(["build", "--locked", "--release", "--package", "ocriva", "--bin", "ocriva"]);
    if !program.is_file() {
        println!(
            "build: the server in release mode; with its WebAssembly compiler and OCR engine this takes about ten \
             minutes on two cores, once"
        );
    }
    process::run(&mut cargo)?;
    Ok(program)
}

#[cfg(unix)]
fn become_program(command: &mut Command) -> std::io::Result<ExitCode> {
    use std::os::unix::process::CommandExt as _;
    Err(command.exec())
}

#[cfg(not(unix))]
fn become_program(command: &mut Command) -> std::io::Result<ExitCode> {
    let status = command.status()?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
