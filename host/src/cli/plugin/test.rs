//! `ocriva plugin test`: a project's documents against what is expected of them.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anstyle::{AnsiColor, Style};
use anyhow::{Context as _, bail};
use clap::Args;
use ocriva::clock::Clock;
use ocriva::config::Config;

use super::build;
use super::cases::{self, Case, Grants, Runner};
use super::expectation::{Difference, Ending, Expectation};
use super::project::Project;

const GREEN: Style = AnsiColor::Green.on_default();
const RED: Style = AnsiColor::Red.on_default();
const FAINT: Style = Style::new().dimmed();

#[derive(Debug, Args)]
pub struct Test {
    /// Run only documents whose name holds this.
    #[arg(value_name = "FILTER")]
    filter: Option<String>,
    /// Write what is found as what is expected from now on.
    #[arg(long)]
    bless: bool,
    /// Test this component, instead of building the project.
    #[arg(long, value_name = "FILE.wasm")]
    component: Option<PathBuf>,
    /// Folder of the project.
    #[arg(long, value_name = "DIR", default_value = ".")]
    project: PathBuf,
    #[command(flatten)]
    grants: Grants,
}

impl Test {
    /// Builds the project and runs its documents.
    ///
    /// # Errors
    /// A project that does not build, or a folder without documents; differences are reported in the exit status.
    pub fn run(self, config: &Config) -> anyhow::Result<ExitCode> {
        let project = Project::find(&self.project)?;
        let component = build::component(&project, self.component.as_deref())?;
        let tests = project.tests();
        let mut cases = cases::find(&tests)?;
        if let Some(filter) = &self.filter {
            cases.retain(|case| case.file_name().contains(filter));
            if cases.is_empty() {
                bail!("no document in `{}` has `{filter}` in its name", tests.display());
            }
        }
        let passed = crate::cli::runtime()?.block_on(async {
            let runner = Runner::new(config, &component, &tests, &self.grants).await?;
            run(&runner, &cases, self.bless).await
        })?;
        Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// Runs cases and tells of each; whether all gave what is expected, or was blessed.
///
/// # Errors
/// Files of a case that cannot be read or written.
pub async fn run(runner: &Runner, cases: &[Case], bless: bool) -> anyhow::Result<bool> {
    let mut failed = 0_usize;
    for case in cases {
        failed += usize::from(!one(runner, case, bless).await?);
    }
    let passed = cases.len() - failed;
    match failed {
        0 => say(&format!("{GREEN}ok{GREEN:#}: {passed} of {passed} documents give what is expected\n"))?,
        _ => say(&format!(
            "{RED}failed{RED:#}: {failed} of {} documents differ; where the new result is right, `ocriva plugin test \
             --bless` keeps it\n",
            cases.len()
        ))?,
    }
    Ok(failed == 0)
}

async fn one(runner: &Runner, case: &Case, bless: bool) -> anyhow::Result<bool> {
    let expectation = Expectation::read(&case.expected)?;
    let today = expectation.as_ref().and_then(|expectation| expectation.today.clone());
    let since = Instant::now();
    let (outcome, record) = runner.run(case, today.as_deref()).await?;
    let elapsed = since.elapsed();
    let (ending, message) = match &outcome {
        Ok(outcome) => (Ending::Completed(&outcome.extraction), None),
        Err(error) => (Ending::Failed(error.code()), Some(error.to_string())),
    };
    let name = case.file_name();
    let mut told = String::new();
    let passed = if bless {
        let blessed = Expectation::of(&ending, &Clock::system().now().to_date(), expectation.as_ref());
        let is_new = expectation.as_ref() != Some(&blessed);
        blessed.write(&case.expected)?;
        writeln!(told, "{name} ... {}", if is_new { "blessed" } else { "as before" })?;
        true
    } else if let Some(expectation) = &expectation {
        let differences = expectation.differences(&ending);
        tell(&mut told, &name, &differences, elapsed)?;
        differences.is_empty()
    } else {
        let expected = case.expected.file_name().unwrap_or_default().to_string_lossy();
        writeln!(told, "{name} ... {RED}nothing expected{RED:#}: there is no `{expected}`; it gives")?;
        if let Ending::Completed(extraction) = &ending {
            for (field, value) in &extraction.data {
                writeln!(told, "    {field}: {value}")?;
            }
        }
        false
    };
    if let Some(message) = message {
        writeln!(told, "    {message}")?;
    }
    for line in &record.logs.lines {
        writeln!(told, "    {FAINT}log: {}{FAINT:#}", line.message)?;
    }
    say(&told)?;
    Ok(passed)
}

fn tell(told: &mut String, name: &str, differences: &[Difference], elapsed: Duration) -> anyhow::Result<()> {
    let millis = elapsed.as_millis();
    match differences.len() {
        0 => writeln!(told, "{name} ... {GREEN}ok{GREEN:#} {FAINT}({millis} ms){FAINT:#}")?,
        1 => writeln!(told, "{name} ... {RED}1 difference{RED:#}")?,
        count => writeln!(told, "{name} ... {RED}{count} differences{RED:#}")?,
    }
    for Difference { place, expected, found, origin } in differences {
        let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "(nothing)".to_owned());
        writeln!(told, "    {place}")?;
        writeln!(told, "      {RED}- {}{RED:#}", shown(expected))?;
        write!(told, "      {GREEN}+ {}{GREEN:#}", shown(found))?;
        match origin {
            Some(origin) => writeln!(told, "    {FAINT}{origin}{FAINT:#}")?,
            None => writeln!(told)?,
        }
    }
    Ok(())
}

/// Writes to standard output, in colour where somebody watches.
fn say(text: &str) -> anyhow::Result<()> {
    let mut out = anstream::AutoStream::auto(std::io::stdout().lock());
    out.write_all(text.as_bytes()).context("standard output cannot be written")
}
