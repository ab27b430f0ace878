//! What a program used: the system's own account of one child process.

use std::process::Child;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

/// Account of a program that has ended.
pub(crate) struct Usage {
    /// Processor time of all its threads, in user and kernel mode.
    pub(crate) cpu: Duration,
    /// The most memory that was resident at one time, in bytes.
    pub(crate) peak_memory_bytes: u64,
}

/// Waits for `child` and says what it used. Other children of this process are not counted.
pub(crate) fn wait(child: Child) -> Result<Usage> {
    let pid = libc::pid_t::try_from(child.id()).context("process id out of range")?;
    let usage = wait4(pid)?;
    let micros = |time: libc::timeval| {
        Duration::from_secs(u64::try_from(time.tv_sec).unwrap_or(0))
            + Duration::from_micros(u64::try_from(time.tv_usec).unwrap_or(0))
    };
    Ok(Usage {
        cpu: micros(usage.ru_utime) + micros(usage.ru_stime),
        peak_memory_bytes: u64::try_from(usage.ru_maxrss).unwrap_or(0) * MAXRSS_UNIT_BYTES,
    })
}

/// `ru_maxrss` counts KiB, on Apple's systems bytes.
const MAXRSS_UNIT_BYTES: u64 = if cfg!(target_vendor = "apple") { 1 } else { 1024 };

#[expect(unsafe_code, reason = "the standard library waits for a child without giving its resource usage")]
fn wait4(pid: libc::pid_t) -> Result<libc::rusage> {
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: a null status is allowed, `usage` is valid for writing during the call, and a zeroed `rusage`
    // (integers only) is valid even where the call fails and writes nothing.
    let (waited, usage) =
        unsafe { (libc::wait4(pid, std::ptr::null_mut(), 0, usage.as_mut_ptr()), usage.assume_init()) };
    ensure!(waited == pid, "cannot wait for process {pid}: {}", std::io::Error::last_os_error());
    Ok(usage)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_program_is_charged_for_its_own_work_only() {
        let busy = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done";
        let child = Command::new("sh").args(["-c", busy]).spawn().unwrap();
        let used = wait(child).unwrap();
        assert!(used.cpu > Duration::from_millis(1), "{:?}", used.cpu);
        let idle = Command::new("sh").args(["-c", "exit 0"]).spawn().unwrap();
        assert!(wait(idle).unwrap().cpu < used.cpu);
    }

    #[test]
    fn peak_memory_is_in_bytes() {
        let child = Command::new("sh").args(["-c", "exit 0"]).spawn().unwrap();
        let peak = wait(child).unwrap().peak_memory_bytes;
        assert!((100_000..1_000_000_000).contains(&peak), "{peak}");
    }
}
