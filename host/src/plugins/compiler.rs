//! From components to machine code, in a process of its own. A small component can keep a compiler busy for hours and
//! have it take all memory, and a thread cannot be stopped; that process has limits on both, and sees nothing of this
//! one but the component.

use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use super::engine::{on_demand, pooling};
use super::error::Refusal;
use crate::config;

/// Machine code made from the largest component: bounds what a small file of many functions can blow up to.
const COMPILED_BYTES: u64 = 128 << 20;

/// Longest reason that is taken over from the process.
const REASON_BYTES: u64 = 2000;

/// The running program, also where its file has been replaced since it was started.
const RUNNING_PROGRAM: &str = "/proc/self/exe";

/// What one compilation may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompileLimits {
    /// Seconds of processor time, at least 1.
    pub seconds: u64,
    /// Memory in MiB.
    pub memory_mib: u64,
}

/// How an engine's components are compiled.
pub(super) struct Compiler {
    program: PathBuf,
    limits: CompileLimits,
    memory: Memory,
}

/// Where an engine has the memory of its guests: code made for one kind does not run with the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Memory {
    /// In a pool that was reserved once.
    Pooled,
    /// Reserved for each instance.
    OnDemand,
}

impl Compiler {
    pub(super) fn new(settings: &config::PluginCompile, memory: Memory) -> io::Result<Self> {
        let program = match settings.program.as_str() {
            "" if Path::new(RUNNING_PROGRAM).exists() => PathBuf::from(RUNNING_PROGRAM),
            "" => std::env::current_exe()?,
            program => PathBuf::from(program),
        };
        let limits = CompileLimits { seconds: settings.cpu_seconds, memory_mib: settings.memory_mib };
        Ok(Self { program, limits, memory })
    }

    /// The code of a component that was found to be valid.
    pub(super) fn compile(&self, component: &[u8]) -> Result<Vec<u8>, Refusal> {
        let unlinkable = |reason: String| Refusal::Unlinkable { reason };
        let mut child =
            self.start().map_err(|error| unlinkable(format!("the compiler cannot be started: {error}")))?;
        let (code, reason, status) = converse(&mut child, component)
            .map_err(|error| unlinkable(format!("the compiler does not answer: {error}")))?;
        if code.len() as u64 > COMPILED_BYTES {
            return Err(unlinkable(format!("machine code has more than {COMPILED_BYTES} bytes")));
        }
        match (status.success(), status.code()) {
            (true, _) => Ok(code),
            (false, Some(_)) => Err(unlinkable(reason)),
            // The system ended it, at one limit or the other.
            (false, None) => Err(Refusal::TooCostly(self.limits)),
        }
    }

    fn start(&self) -> io::Result<Child> {
        let mut command = Command::new(&self.program);
        command
            .args(["plugin", "compile"])
            .arg("--seconds")
            .arg(self.limits.seconds.to_string())
            .arg("--memory-mib")
            .arg(self.limits.memory_mib.to_string())
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if self.memory == Memory::OnDemand {
            command.arg("--on-demand");
        }
        command.spawn()
    }
}

/// Gives the component, and takes the code or the reason why there is none.
fn converse(child: &mut Child, component: &[u8]) -> io::Result<(Vec<u8>, String, ExitStatus)> {
    // A compiler that ended early has said why, or was ended.
    let given = child.stdin.take().map(|mut input| input.write_all(component));
    let mut code = Vec::new();
    if let Some(output) = child.stdout.take() {
        // Closed behind the first byte too many: then the compiler ends as well.
        output.take(COMPILED_BYTES + 1).read_to_end(&mut code)?;
    }
    let mut reason = String::new();
    if let Some(errors) = child.stderr.take() {
        errors.take(REASON_BYTES).read_to_string(&mut reason)?;
    }
    let status = child.wait()?;
    match given {
        Some(Err(error)) if status.success() => Err(error),
        _ => Ok((code, reason.trim().to_owned(), status)),
    }
}

/// The compiler's own side: reads a component from `input` and writes its code to `output`. This process gives up all
/// that it may use beyond the limits, for good.
///
/// # Errors
/// A component that cannot be compiled, or a system that sets no limits.
pub fn compile_here(
    mut input: impl io::Read,
    mut output: impl io::Write,
    limits: CompileLimits,
    memory: Memory,
) -> wasmtime::Result<()> {
    set_limit(libc::RLIMIT_CPU, limits.seconds)?;
    // Of the data, and not of all addresses: a pool reserves many that it never writes to.
    set_limit(libc::RLIMIT_DATA, limits.memory_mib.saturating_mul(1 << 20))?;
    let mut component = Vec::new();
    input.read_to_end(&mut component)?;
    let engine = match memory {
        Memory::Pooled => pooling(1)?,
        Memory::OnDemand => on_demand()?,
    };
    output.write_all(&engine.precompile_component(&component)?)?;
    output.flush()?;
    Ok(())
}

/// What `RLIMIT_CPU` and its like are on this system.
#[cfg(target_os = "linux")]
type Limited = libc::__rlimit_resource_t;
/// See above.
#[cfg(not(target_os = "linux"))]
type Limited = libc::c_int;

#[expect(unsafe_code, reason = "the standard library does not set limits of processes")]
fn set_limit(what: Limited, most: u64) -> io::Result<()> {
    let limit = libc::rlimit { rlim_cur: most, rlim_max: most };
    // SAFETY: the pointer is to a live `rlimit` of this frame, which the call reads and does not keep.
    match unsafe { libc::setrlimit(what, &raw const limit) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
