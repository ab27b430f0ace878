//! `ocriva serve` and `ocriva migrate`.
use ocriva::config::Config;
use std::process::ExitCode;
pub fn run(_config: Config) -> anyhow::Result<ExitCode> {
    anyhow::bail!("not wired")
}
pub fn migrate(_config: &Config) -> anyhow::Result<ExitCode> {
    anyhow::bail!("not wired")
}
