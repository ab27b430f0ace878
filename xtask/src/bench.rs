//! `cargo xtask bench WORKLOAD`: runs `ocriva extract` over documents and measures from outside, alone or beside other
//! engines.

mod engines;
mod reading;
mod score;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, io};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::Value;

pub(crate) use engines::Engine;

use crate::workspace::Workspace;
use crate::{serve, setup, usage};

/// What the command line asks for.
pub(crate) struct Choice {
    pub(crate) workload: String,
    pub(crate) documents: Option<PathBuf>,
    pub(crate) runs: Option<usize>,
    /// None for the workload's own.
    pub(crate) engines: Vec<Engine>,
}

/// A file of `host/workloads`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Workload {
    /// What it measures, in a sentence.
    description: String,
    /// Folder or file, relative to the clone.
    documents: PathBuf,
    /// Options of `ocriva extract`.
    arguments: Vec<String>,
    /// Measured runs.
    runs: usize,
    /// Engines to compare, for workloads that do.
    #[serde(default)]
    engines: Vec<Engine>,
}

/// What one run read and used.
struct Run {
    wall: Duration,
    cpu: Duration,
    peak_memory_bytes: u64,
    files: usize,
    failed_files: usize,
    pages: usize,
}

/// Builds the program, runs the workload and prints a line per run.
pub(crate) fn run(workspace: &Workspace, choice: &Choice) -> Result<()> {
    let file = workspace.root().join("host/workloads").join(format!("{}.toml", choice.workload));
    let text = fs::read_to_string(&file).with_context(|| format!("no workload `{}`", file.display()))?;
    let workload: Workload = toml::from_str(&text).with_context(|| format!("`{}`", file.display()))?;
    let documents = match &choice.documents {
        Some(documents) => documents.clone(),
        None => workspace.root().join(&workload.documents),
    };
    setup::run(workspace, &setup::Options::default())?;
    let program = serve::release_build(workspace)?;
    println!("{}: {}", choice.workload, workload.description);
    let runs = choice.runs.unwrap_or(workload.runs);
    if !workload.engines.is_empty() {
        let engines = if choice.engines.is_empty() { &workload.engines } else { &choice.engines };
        return reading::run(workspace, &program, &documents, engines, runs);
    }
    println!("  run  files failed   pages   pages/s  CPU s/pg   peak MB");
    for number in 1..=runs {
        let run = measure(&program, &workload.arguments, &documents)?;
        ensure!(run.pages > 0, "no page of `{}` was read", documents.display());
        let pages = run.pages as f64;
        println!(
            "{number:>5} {:>6} {:>6} {:>7} {:>9.2} {:>9.3} {:>9.0}",
            run.files,
            run.failed_files,
            run.pages,
            pages / run.wall.as_secs_f64(),
            run.cpu.as_secs_f64() / pages,
            run.peak_memory_bytes as f64 / 1e6,
        );
    }
    Ok(())
}

/// Runs `ocriva extract` once. Its exit status is not asked: a folder may hold files that cannot be read, and
/// each line says so.
fn measure(program: &Path, arguments: &[String], documents: &Path) -> Result<Run> {
    let started = Instant::now();
    let mut child = Command::new(program)
        .arg("extract")
        .args(arguments)
        .args(["--format", "json"])
        .arg(documents)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .with_context(|| format!("cannot start `{}`", program.display()))?;
    let output = child.stdout.take().context("the program has no output")?;
    let lines = io::read_to_string(output)?;
    let used = usage::wait(child)?;
    let wall = started.elapsed();
    let mut run = Run {
        wall,
        cpu: used.cpu,
        peak_memory_bytes: used.peak_memory_bytes,
        files: 0,
        failed_files: 0,
        pages: 0,
    };
    for line in lines.lines() {
        let result: Value = serde_json::from_str(line).context("a line of `ocriva extract` is not JSON")?;
        // Files of a folder that are no documents are skipped, and no part of the work.
        run.files += usize::from(result["status"] != "skipped");
        run.failed_files += usize::from(result["status"] == "failed");
        run.pages += result["pages"].as_array().map_or(0, Vec::len);
    }
    Ok(run)
}
