//! `ocriva plugin bench`: what a call of a plugin takes, on the project's own documents.
//!
//! Pages are read once, before anything is measured: the figures are the plugin's, with what the host does for it.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Args;
use ocriva::clock::thread_time;
use ocriva::config::Config;

use super::build;
use super::cases::{self, Case, Grants, Runner};
use super::project::Project;

/// Longest time spent on one document.
const MOST_TIME: Duration = Duration::from_secs(10);

#[derive(Debug, Args)]
pub struct Bench {
    /// Run only documents whose name holds this.
    #[arg(value_name = "FILTER")]
    filter: Option<String>,
    /// Calls for each document; fewer where they take longer than 10 seconds.
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    calls: u32,
    /// Measure this component, instead of building the project.
    #[arg(long, value_name = "FILE.wasm")]
    component: Option<PathBuf>,
    /// Folder of the project.
    #[arg(long, value_name = "DIR", default_value = ".")]
    project: PathBuf,
    #[command(flatten)]
    grants: Grants,
}

/// What the calls on one document took.
struct Measured {
    calls: usize,
    cpu_median: Duration,
    cpu_p95: Duration,
    memory_bytes: u64,
    host_calls: u64,
    output_bytes: u64,
    failure: Option<String>,
}

impl Bench {
    /// Builds the project and measures it.
    ///
    /// # Errors
    /// A project that does not build, or documents that cannot be opened.
    pub fn run(self, config: &Config) -> anyhow::Result<ExitCode> {
        let project = Project::find(&self.project)?;
        let component = build::component(&project, self.component.as_deref())?;
        let tests = project.tests();
        let mut cases = cases::find(&tests)?;
        cases.retain(|case| self.filter.as_ref().is_none_or(|filter| case.file_name().contains(filter)));
        // One thread, so that its processor time is the call's.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let runner = runtime.block_on(Runner::new(config, &component, &tests, &self.grants))?;
        crate::cli::print(&row([
            "document",
            "calls",
            "cpu p50",
            "cpu p95",
            "memory",
            "host calls",
            "answer",
        ]))?;
        let mut status = ExitCode::SUCCESS;
        for case in &cases {
            let measured = measure(&runtime, &runner, case, self.calls)
                .with_context(|| format!("`{}` cannot be measured", case.document.display()))?;
            crate::cli::print(&row([
                &case.file_name(),
                &measured.calls.to_string(),
                &shown(measured.cpu_median),
                &shown(measured.cpu_p95),
                &format!("{:.1} MiB", measured.memory_bytes as f64 / f64::from(1 << 20)),
                &measured.host_calls.to_string(),
                &format!("{} B", measured.output_bytes),
            ]))?;
            if let Some(failure) = measured.failure {
                crate::cli::print(&format!("    fails: {failure}\n"))?;
                status = ExitCode::FAILURE;
            }
        }
        Ok(status)
    }
}

fn measure(
    runtime: &tokio::runtime::Runtime,
    runner: &Runner,
    case: &Case,
    calls: u32,
) -> anyhow::Result<Measured> {
    let rehearsal = runtime.block_on(runner.rehearse(case))?;
    // The first call reads the pages.
    let mut last = runtime.block_on(rehearsal.call());
    let since = Instant::now();
    let mut times = Vec::new();
    while times.is_empty() || (times.len() < calls as usize && since.elapsed() < MOST_TIME) {
        let before = thread_time();
        last = runtime.block_on(rehearsal.call());
        times.push(thread_time().saturating_sub(before));
    }
    times.sort_unstable();
    let at = |part: f64| times.get(((times.len() - 1) as f64 * part) as usize).copied().unwrap_or_default();
    Ok(Measured {
        calls: times.len(),
        cpu_median: at(0.5),
        cpu_p95: at(0.95),
        memory_bytes: last.usage.memory_bytes.used,
        host_calls: last.usage.host_calls.used,
        output_bytes: last.usage.output_bytes.used,
        failure: last.result.err().map(|error| error.to_string()),
    })
}

fn row([document, calls, median, p95, memory, host_calls, answer]: [&str; 7]) -> String {
    format!("{document:<28} {calls:>6} {median:>10} {p95:>10} {memory:>10} {host_calls:>10} {answer:>10}\n")
}

fn shown(time: Duration) -> String {
    match time.as_micros() {
        micros @ 0..10_000 => format!("{micros} µs"),
        micros => format!("{:.1} ms", micros as f64 / 1000.0),
    }
}
