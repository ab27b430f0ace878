//! What one call has used of what it may use.

use std::time::Duration;

use serde::Serialize;
use wasmtime::{ResourceLimiter, UpdateDeadline};

use super::journal::{Logs, SharedJournal};
use super::limits::Limits;
use super::pace::Meter;
use crate::domain::metering::{Metering, Used};

/// Bytes of a table's element, which is an address of the host's. A Rust plugin has some hundreds: one per function
/// whose address is taken.
const TABLE_ELEMENT_BYTES: usize = 8;

/// Core instances, memories and tables of one component. A Python component has 38, 1 and 20; see the pool's
/// sizes in `engine`.
pub(super) const CORE_INSTANCES: u32 = 64;
/// See [`CORE_INSTANCES`].
pub(super) const MEMORIES: u32 = 4;
/// See [`CORE_INSTANCES`].
pub(super) const TABLES: u32 = 24;

/// Use of every limit of a call; there is no limit that is not in here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    /// Milliseconds of processor time, that of the host functions it called included; not that of OCR and decoding.
    pub cpu_ms: Used,
    /// Milliseconds from the start of the call, waiting for OCR included.
    pub wall_ms: Used,
    /// Bytes of all linear memories and tables together.
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
    /// Of those, readings and writings of kept values.
    pub kv_calls: Used,
    /// Of those, requests to other servers.
    pub http_requests: Used,
    /// Tokens of the language model, as its endpoint counts them; estimated where it does not.
    pub llm_tokens: Used,
}

impl Usage {
    /// The same by name, as a result's record has it.
    pub fn metering(&self) -> Metering {
        let named = serde_json::to_value(self).and_then(serde_json::from_value);
        named.unwrap_or_default()
    }
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
    meter: Meter,
    memory_now: usize,
    memory_peak: usize,
    memory_refused: bool,
    handles_now: usize,
    handles_peak: usize,
    host_calls: u64,
    ocr_calls: u64,
    lookups: u64,
    kv_calls: u64,
    http_requests: u64,
    llm_tokens: u64,
    estimated_llm_tokens: u64,
    journal: SharedJournal,
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
            meter: Meter::default(),
            memory_now: 0,
            memory_peak: 0,
            memory_refused: false,
            handles_now: 0,
            handles_peak: 0,
            host_calls: 0,
            ocr_calls: 0,
            lookups: 0,
            kv_calls: 0,
            http_requests: 0,
            llm_tokens: 0,
            estimated_llm_tokens: 0,
            journal: SharedJournal::new(&limits),
            stop: None,
        }
    }

    /// What measures the call.
    pub(super) fn meter(&self) -> Meter {
        self.meter.clone()
    }

    /// Called on each tick that the plugin sees while it runs: stops it when its time is used up, and else lets other
    /// work have the thread.
    pub(super) fn tick(&mut self) -> wasmtime::Result<UpdateDeadline> {
        if self.meter.spent() > self.limits.cpu() {
            return self.stop(Stop::Cpu);
        }
        if self.has_too_many_host_calls() {
            return self.stop(Stop::HostCalls);
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

    /// Counts a call to the host that cannot end the plugin's by itself: one too many does so at the next tick, or where
    /// the plugin answers before.
    pub(super) fn host_call_noted(&mut self) {
        self.host_calls = self.host_calls.saturating_add(1);
    }

    /// Whether there were more calls to the host than are allowed.
    pub(super) fn has_too_many_host_calls(&self) -> bool {
        self.host_calls > self.limits.host_calls
    }

    /// Counts a reading by OCR; `false` where no more are allowed.
    pub(super) fn ocr_call(&mut self) -> bool {
        let allowed = self.ocr_calls < self.limits.ocr_calls;
        self.ocr_calls += u64::from(allowed);
        allowed
    }

    /// Counts a search in a reference file; `false` where no more are allowed.
    pub(super) fn lookup(&mut self) -> bool {
        let allowed = self.lookups < self.limits.lookups;
        self.lookups += u64::from(allowed);
        allowed
    }

    /// Counts a reading or writing of a kept value; `false` where no more are allowed.
    pub(super) fn kv_call(&mut self) -> bool {
        let allowed = self.kv_calls < self.limits.kv_calls;
        self.kv_calls += u64::from(allowed);
        allowed
    }

    /// Counts a request to another server; `false` where no more are allowed.
    pub(super) fn http_request(&mut self) -> bool {
        let allowed = self.http_requests < self.limits.http_requests;
        self.http_requests += u64::from(allowed);
        allowed
    }

    /// Tokens of the language model so far.
    pub(super) fn llm_tokens(&self) -> u64 {
        self.llm_tokens
    }

    /// Counts tokens of the language model, of which so many are an estimate.
    pub(super) fn llm_tokens_used(&mut self, tokens: u64, estimated: u64) {
        self.llm_tokens = self.llm_tokens.saturating_add(tokens);
        self.estimated_llm_tokens = self.estimated_llm_tokens.saturating_add(estimated);
    }

    /// Most searches in reference files.
    pub(super) fn allowed_lookups(&self) -> u64 {
        self.limits.lookups
    }

    /// Most readings by OCR.
    pub(super) fn allowed_ocr_calls(&self) -> u64 {
        self.limits.ocr_calls
    }

    /// Counts a handle given out.
    pub(super) fn handle_opened(&mut self) -> wasmtime::Result<()> {
        if self.handles_now as u64 >= self.limits.handles {
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
        self.journal.write(level, message);
    }

    /// The log, for those who write to it beside the call.
    pub(super) fn journal(&self) -> SharedJournal {
        self.journal.clone()
    }

    /// The limits of this call.
    pub(super) fn limits(&self) -> &Limits {
        &self.limits
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
    pub(super) fn panic_message(&self) -> Option<String> {
        self.journal.panic_message()
    }

    /// Sums up; the size of the answer, and the tokens that are allowed, are not seen here and left 0.
    pub(super) fn finish(self, wall: Duration) -> (Logs, Usage) {
        let used = |used: u64, allowed: u64| Used { used, allowed, estimated: 0 };
        let limits = self.limits;
        let (logs, log_bytes) = self.journal.close();
        let usage = Usage {
            cpu_ms: used(millis(self.meter.spent()), limits.cpu_ms),
            wall_ms: used(millis(wall), limits.wall_ms),
            memory_bytes: used(self.memory_peak as u64, limits.memory_bytes() as u64),
            output_bytes: used(0, limits.output_bytes() as u64),
            log_bytes: used(log_bytes as u64, limits.log_bytes() as u64),
            log_lines: used(logs.lines.len() as u64, limits.log_lines),
            handles: used(self.handles_peak as u64, limits.handles),
            host_calls: used(self.host_calls, limits.host_calls),
            ocr_calls: used(self.ocr_calls, limits.ocr_calls),
            lookups: used(self.lookups, limits.lookups),
            kv_calls: used(self.kv_calls, limits.kv_calls),
            http_requests: used(self.http_requests, limits.http_requests),
            llm_tokens: Used { estimated: self.estimated_llm_tokens, ..used(self.llm_tokens, 0) },
        };
        (logs, usage)
    }

    /// Whether something of `current` bytes may have `desired`.
    fn grow(&mut self, current: usize, desired: usize) -> bool {
        let wanted = self.memory_now.saturating_sub(current).saturating_add(desired);
        if wanted > self.limits.memory_bytes() {
            self.memory_refused = true;
            return false;
        }
        self.memory_now = wanted;
        self.memory_peak = self.memory_peak.max(wanted);
        true
    }

    fn stop<T>(&mut self, reason: Stop) -> wasmtime::Result<T> {
        self.stop = Some(reason);
        Err(LimitReached.into())
    }
}

/// Memory is summed over all of a component's memories and tables. A refused growth is an answer, not a trap: a plugin
/// that asks with `try_reserve` can go on with less.
impl ResourceLimiter for Budget {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(self.grow(current, desired))
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let bytes = |elements: usize| elements.saturating_mul(TABLE_ELEMENT_BYTES);
        Ok(self.grow(bytes(current), bytes(desired)))
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

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
