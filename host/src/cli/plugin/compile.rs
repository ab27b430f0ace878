//! `ocriva plugin compile`: the process that a server has compile its components.

use std::process::ExitCode;

use clap::Args;
use ocriva::plugins::{CompileLimits, Memory, compile_here};

#[derive(Debug, Args)]
pub struct Compile {
    /// Seconds of processor time.
    #[arg(long, value_name = "N")]
    seconds: u64,
    /// Memory in MiB.
    #[arg(long, value_name = "N")]
    memory_mib: u64,
    /// The server reserves memory for each instance, having no room for a pool.
    #[arg(long)]
    on_demand: bool,
}

impl Compile {
    /// Compiles.
    ///
    /// # Errors
    /// A component that cannot be compiled; the system ends the process at its limits.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let Self { seconds, memory_mib, on_demand } = self;
        let memory = if on_demand { Memory::OnDemand } else { Memory::Pooled };
        let (input, output) = (std::io::stdin().lock(), std::io::stdout().lock());
        let compiled = compile_here(input, output, CompileLimits { seconds, memory_mib }, memory);
        compiled.map_err(|error| anyhow::anyhow!("{error:#}"))?;
        Ok(ExitCode::SUCCESS)
    }
}
