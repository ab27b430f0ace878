//! An empty WASI for the plugins of other languages, whose run-times do not start without one.
//!
//! There is no file, no argument, no variable, no network and nothing to read from. What is written to the standard
//! output and error goes to the call's log. The clocks stand still and the random numbers are the same in each call,
//! unless the plugin was granted real ones: so that a plugin remains a function of its document. Where the clock stands
//! still, every moment has come already: no plugin keeps a place by sleeping in it.

use std::sync::LazyLock;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use sha2::{Digest, Sha256};
use tokio::io::AsyncWrite;
use wasmtime::component::{HasSelf, Linker, Resource};
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::clocks::WasiClocksView as _;
use wasmtime_wasi::p2::bindings::clocks::monotonic_clock;
use wasmtime_wasi::p2::{DynPollable, OutputStream, Pollable, StreamError, StreamResult};
use wasmtime_wasi::{
    Deterministic, HostMonotonicClock, HostWallClock, WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView,
};

use super::imports::CallState;
use super::journal::SharedJournal;

/// The packages that are there, in their version 0.2.
const PACKAGES: [&str; 6] =
    ["wasi:cli/", "wasi:clocks/", "wasi:filesystem/", "wasi:io/", "wasi:random/", "wasi:sockets/"];

/// Most random bytes, and most bytes written, at one time.
const BYTES: usize = 64 << 10;

/// Bytes of a line that was begun and not ended; more are a line of their own.
const LINE_BYTES: usize = 4096;

/// The levels of what is written to the standard output and to the standard error.
const INFO: u8 = 2;
const WARNING: u8 = 3;

/// What random numbers are made of where there are to be none: the same for everybody, and long enough that no
/// run-time takes it for a fault.
static SEED: LazyLock<Vec<u8>> =
    LazyLock::new(|| (0_u8..32).flat_map(|block| Sha256::digest([block]).to_vec()).collect());

/// Whether an import is of the WASI that is there.
pub(super) fn is_known(import: &str) -> bool {
    let version = import.split_once('@').map_or("", |(_, version)| version);
    PACKAGES.iter().any(|package| import.starts_with(package)) && version.starts_with("0.2.")
}

/// Whether an import is of any WASI.
pub(super) fn is_wasi(import: &str) -> bool {
    import.starts_with("wasi:")
}

/// Puts the empty WASI into a linker.
pub(super) fn add_to_linker(linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
    wasmtime_wasi::p2::add_to_linker_async(linker)?;
    linker.allow_shadowing(true);
    monotonic_clock::add_to_linker::<_, HasSelf<_>>(linker, |state| state)?;
    linker.allow_shadowing(false);
    Ok(())
}

/// What a plugin is given of the real world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Real {
    pub(super) clock: bool,
    pub(super) random: bool,
}

/// The empty context of a call.
pub(super) fn context(real: Real, journal: &SharedJournal) -> WasiCtx {
    let mut builder = WasiCtxBuilder::new();
    builder
        .stdout(ToLog { journal: journal.clone(), level: INFO })
        .stderr(ToLog { journal: journal.clone(), level: WARNING })
        .allow_tcp(false)
        .allow_udp(false)
        .allow_ip_name_lookup(false)
        .max_random_size(BYTES as u64);
    if !real.clock {
        builder.wall_clock(Frozen).monotonic_clock(Frozen);
    }
    if !real.random {
        builder
            .secure_random(Deterministic::new(SEED.clone()))
            .insecure_random(Deterministic::new(SEED.clone()))
            .insecure_random_seed(0);
    }
    builder.build()
}

impl WasiView for CallState {
    /// Every function of WASI begins with this.
    fn ctx(&mut self) -> WasiCtxView<'_> {
        self.budget.host_call_noted();
        let (ctx, table) = self.wasi();
        WasiCtxView { ctx, table }
    }
}

impl monotonic_clock::Host for CallState {
    fn now(&mut self) -> wasmtime::Result<monotonic_clock::Instant> {
        self.clocks().now()
    }

    fn resolution(&mut self) -> wasmtime::Result<monotonic_clock::Duration> {
        self.clocks().resolution()
    }

    fn subscribe_instant(
        &mut self,
        when: monotonic_clock::Instant,
    ) -> wasmtime::Result<Resource<DynPollable>> {
        match self.powers.real().clock {
            true => self.clocks().subscribe_instant(when),
            false => self.clocks().subscribe_duration(0),
        }
    }

    fn subscribe_duration(
        &mut self,
        when: monotonic_clock::Duration,
    ) -> wasmtime::Result<Resource<DynPollable>> {
        let when = if self.powers.real().clock { when } else { 0 };
        self.clocks().subscribe_duration(when)
    }
}

/// A clock that stands still, at the first second of 1970.
struct Frozen;

impl HostWallClock for Frozen {
    fn resolution(&self) -> Duration {
        Duration::from_secs(1)
    }

    fn now(&self) -> Duration {
        Duration::ZERO
    }
}

impl HostMonotonicClock for Frozen {
    fn resolution(&self) -> u64 {
        1_000_000_000
    }

    fn now(&self) -> u64 {
        0
    }
}

/// Where the standard output, or the standard error, goes.
struct ToLog {
    journal: SharedJournal,
    level: u8,
}

impl IsTerminal for ToLog {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for ToLog {
    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(Lines { journal: self.journal.clone(), level: self.level, begun: Vec::new() })
    }

    /// Of a WASI that is not linked.
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(tokio::io::sink())
    }
}

/// A stream cut into lines of the log.
struct Lines {
    journal: SharedJournal,
    level: u8,
    begun: Vec<u8>,
}

impl Lines {
    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.begun);
        if !line.is_empty() {
            self.journal.write(self.level, &String::from_utf8_lossy(&line));
        }
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        self.end_line();
    }
}

#[async_trait]
impl Pollable for Lines {
    async fn ready(&mut self) {}
}

impl OutputStream for Lines {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        if bytes.len() > BYTES {
            return Err(StreamError::Closed);
        }
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let text = piece.strip_suffix(b"\n");
            self.begun.extend_from_slice(text.unwrap_or(piece));
            if text.is_some() || self.begun.len() >= LINE_BYTES {
                self.end_line();
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(BYTES)
    }
}
