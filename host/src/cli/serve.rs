//! `ocriva serve` and `ocriva migrate`.
use std::process::ExitCode;
use ocriva::config::Config;
pub fn run(_config: Config) -> anyhow::Result<ExitCode> { anyhow::bail!("not wired") }
pub fn migrate(_config: &Config) -> anyhow::Result<ExitCode> { anyhow::bail!("not wired") }
