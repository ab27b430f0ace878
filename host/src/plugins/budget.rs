//! What one call may use, what it has used, and the log it leaves.

use std::time::Duration;

use serde::Serialize;
use wasmtime::{ResourceLimiter, UpdateDeadline};

use super::ticker::TICK;
use crate::config;

/// Bytes of one log line; the rest of a longer one is cut.
const LOG_LINE_BYTES: usize = 4096;

/// Elements of one call's tables. A Rust plugin has some hundreds: one per function whose address is taken.
const TABLE_ELEMENTS: usize = 100_000;

/// Core instances, memories and tables of one component. A Python component has 38, 1 and 20; see the pool's
/// sizes in `engine`.
pub(super) const CORE_INSTANCES: u32 = 64;
/// See [`CORE_INSTANCES`].
pub(super) const MEMORIES: u32 = 4;
/// See [`CORE_INSTANCES`].
pub(super) const TABLES: u32 = 24;

/// How much of everything one call may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limits {
    pub(super) cpu: Duration,
    pub(super) wall: Duration,
    pub(super) memory_bytes: usize,
    pub(super) output_bytes: usize,
    pub(super) log_bytes: usize,
    pub(super) log_lines: usize,
    pub(super) handles: usize,
    pub(super) host_calls: u32,
    pub(super) ocr_calls: u32,
    pub(super) lookups: u32,
}

impl From<&config::Plugins> for Limits {
    fn from(settings: &config::Plugins) -> Self {
        Self {
            cpu: Duration::from_millis(settings.cpu_ms),
            wall: Duration::from_millis(settings.wall_ms),
            memory_bytes: bytes(settings.memory_mib, 20),
            output_bytes: bytes(settings.output_kib, 10),
            log_bytes: bytes(settings.log_kib, 10),
            log_lines: settings.log_lines as usize,
            handles: settings.handles as usize,
            host_calls: settings.host_calls,
            ocr_calls: settings.ocr_calls,
            lookups: settings.lookups,
        }
    }
}

fn bytes(amount: u64, shift: u32) -> usize {
    usize::try_from(amount.saturating_mul(1 << shift)).unwrap_or(usize::MAX)
}

/// How much was used of what is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Used {
    /// Used; where it varies over a call, the most at one time.
    pub used: u64,
    /// Allowed.
    pub allowed: u64,
}

/// Use of every limit of a call; there is no limit that is not in here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    /// Milliseconds of processor time, to the tick of 5 ms below.
    pub cpu_ms: Used,
    /// Milliseconds from the start of the call, waiting for OCR included.
    pub wall_ms: Used,
    /// Bytes of all linear memories together.
    pub memory_bytes: Used,
    /// Bytes of the answer.
    pub output_bytes: Used,
    /// Bytes of log that were kept.
    pub log_bytes: Used,
    /// Lines of log that were kept.
    pub log_lines: Used,
    /// Pages, word lists and pictures held at one time.
    pub handles: Used,
    /// Calls from the plugin to the host.
    pub host_calls: Used,
    /// Of those, readings of parts of a page by OCR.
    pub ocr_calls: Used,
    /// Of those, searches in reference files.
    pub lookups: Used,
}

/// A line of a call's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LogLine {
    /// From 0 (trace) to 5 (the plugin's last words).
    pub level: u8,
    /// At most 4 KiB.
    pub message: String,
}

/// The log of a call.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Logs {
    /// The first lines, as many as are allowed.
    pub lines: Vec<LogLine>,
    /// How many lines came after those and were dropped.
    pub dropped: u32,
}

/// The limit that ended a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    Cpu,
    Handles,
    HostCalls,
}

/// Keeps count during one call.
pub(super) struct Budget {
    limits: Limits,
    cpu_ticks: u32,
    /// Set when the host made the plugin wait: the tick that passes meanwhile is not the plugin's.
    waited: bool,
    memory_now: usize,
    memory_peak: usize,
    memory_refused: bool,
    handles_now: usize,
    handles_peak: usize,
    host_calls: u32,
    ocr_calls: u32,
    lookups: u32,
    log_bytes: usize,
    logs: Logs,
    panic: Option<String>,
    stop: Option<Stop>,
}

/// Ends a plugin's call; the budget knows why.
#[derive(Debug, thiserror::Error)]
#[error("limit reached")]
struct LimitReached;

impl Budget {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            cpu_ticks: 0,
            waited: false,
            memory_now: 0,
            memory_peak: 0,
            memory_refused: false,
            handles_now: 0,
            handles_peak: 0,
            host_calls: 0,
            ocr_calls: 0,
            lookups: 0,
            log_bytes: 0,
            logs: Logs::default(),
            panic: None,
            stop: None,
        }
    }

    /// Called on each tick that the plugin sees while it runs: counts it, and lets other work have the thread.
    pub(super) fn tick(&mut self) -> wasmtime::Result<UpdateDeadline> {
        if !std::mem::take(&mut self.waited) {
            self.cpu_ticks += 1;
        }
        if TICK * self.cpu_ticks > self.limits.cpu {
            return self.stop(Stop::Cpu);
        }
        Ok(UpdateDeadline::Yield(1))
    }

    /// Counts a call to the host.
    pub(super) fn host_call(&mut self) -> wasmtime::Result<()> {
        if self.host_calls >= self.limits.host_calls {
            return self.stop(Stop::HostCalls);
        }
        self.host_calls += 1;
        Ok(())
    }

    /// Counts a reading by OCR; `false` where no more are allowed.
    pub(super) fn ocr_call(&mut self) -> bool {
        let allowed = self.ocr_calls < self.limits.ocr_calls;
        self.ocr_calls += u32::from(allowed);
        allowed
    }

    /// Counts a search in a reference file; `false` where no more are allowed.
    pub(super) fn lookup(&mut self) -> bool {
        let allowed = self.lookups < self.limits.lookups;
        self.lookups += u32::from(allowed);
        allowed
    }

    /// Most searches in reference files.
    pub(super) fn allowed_lookups(&self) -> u32 {
        self.limits.lookups
    }

    /// Most readings by OCR.
    pub(super) fn allowed_ocr_calls(&self) -> u32 {
        self.limits.ocr_calls
    }

    /// Notes how long the host made the plugin wait.
    pub(super) fn waited(&mut self, time: Duration) {
        self.waited |= time >= TICK;
    }

    /// Counts a handle given out.
    pub(super) fn handle_opened(&mut self) -> wasmtime::Result<()> {
        if self.handles_now >= self.limits.handles {
            return self.stop(Stop::Handles);
        }
        self.handles_now += 1;
        self.handles_peak = self.handles_peak.max(self.handles_now);
        Ok(())
    }

    /// Counts a handle given back.
    pub(super) fn handle_closed(&mut self) {
        self.handles_now = self.handles_now.saturating_sub(1);
    }

    /// Keeps a log line, as far as there is room.
    pub(super) fn log(&mut self, level: u8, message: &str) {
        let message = cut(message, LOG_LINE_BYTES);
        if level >= 5 {
            self.panic = Some(message.to_owned());
        }
        if self.logs.lines.len() >= self.limits.log_lines
            || self.log_bytes + message.len() > self.limits.log_bytes
        {
            self.logs.dropped += 1;
            return;
        }
        self.log_bytes += message.len();
        self.logs.lines.push(LogLine { level, message: message.to_owned() });
    }

    /// The limit that ended the call, if one did.
    pub(super) fn stopped_by(&self) -> Option<Stop> {
        self.stop
    }

    /// Whether the plugin was ever refused memory.
    pub(super) fn memory_was_refused(&self) -> bool {
        self.memory_refused
    }

    /// The plugin's last words, if it panicked.
    pub(super) fn panic_message(&self) -> Option<&str> {
        self.panic.as_deref()
    }

    /// Sums up; the size of the answer, which is not seen here, is left 0.
    pub(super) fn finish(self, wall: Duration) -> (Logs, Usage) {
        let used = |used: usize, allowed: usize| Used { used: used as u64, allowed: allowed as u64 };
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let limits = self.limits;
        let usage = Usage {
            cpu_ms: Used { used: millis(TICK * self.cpu_ticks), allowed: millis(limits.cpu) },
            wall_ms: Used { used: millis(wall), allowed: millis(limits.wall) },
            memory_bytes: used(self.memory_peak, limits.memory_bytes),
            output_bytes: used(0, limits.output_bytes),
            log_bytes: used(self.log_bytes, limits.log_bytes),
            log_lines: used(self.logs.lines.len(), limits.log_lines),
            handles: used(self.handles_peak, limits.handles),
            host_calls: used(self.host_calls as usize, limits.host_calls as usize),
            ocr_calls: used(self.ocr_calls as usize, limits.ocr_calls as usize),
            lookups: used(self.lookups as usize, limits.lookups as usize),
        };
        (self.logs, usage)
    }

    fn stop<T>(&mut self, reason: Stop) -> wasmtime::Result<T> {
        self.stop = Some(reason);
        Err(LimitReached.into())
    }
}

/// Memory is summed over all of a component's memories. A refused growth is an answer, not a trap: a plugin that
/// asks with `try_reserve` can go on with less.
impl ResourceLimiter for Budget {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let wanted = self.memory_now.saturating_sub(current).saturating_add(desired);
        if wanted > self.limits.memory_bytes {
            self.memory_refused = true;
            return Ok(false);
        }
        self.memory_now = wanted;
        self.memory_peak = self.memory_peak.max(wanted);
        Ok(true)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(desired <= TABLE_ELEMENTS)
    }

    fn instances(&self) -> usize {
        CORE_INSTANCES as usize
    }

    fn tables(&self) -> usize {
        TABLES as usize
    }

    fn memories(&self) -> usize {
        MEMORIES as usize
    }
}

/// The first part of `text`, at most `limit` bytes.
pub(super) fn cut(text: &str, limit: usize) -> &str {
    &text[..text.floor_char_boundary(limit)]
}
