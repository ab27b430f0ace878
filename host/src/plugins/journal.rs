//! The log that a call leaves: its first lines, as many as are allowed, and how many came after.

use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;

use super::limits::Limits;

/// Bytes of one log line; the rest of a longer one is cut.
const LOG_LINE_BYTES: usize = 4096;

/// The level of a plugin's last words.
const LAST_WORDS: u8 = 5;

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

/// The log while the call runs. Its owner is the call; a plugin's standard output and error write to it as well.
#[derive(Clone)]
pub(super) struct SharedJournal(Arc<Mutex<Journal>>);

struct Journal {
    most_bytes: usize,
    most_lines: u64,
    bytes: usize,
    logs: Logs,
    panic: Option<String>,
}

impl SharedJournal {
    pub(super) fn new(limits: &Limits) -> Self {
        Self(Arc::new(Mutex::new(Journal {
            most_bytes: limits.log_bytes(),
            most_lines: limits.log_lines,
            bytes: 0,
            logs: Logs::default(),
            panic: None,
        })))
    }

    /// Keeps a line, as far as there is room.
    pub(super) fn write(&self, level: u8, message: &str) {
        self.with(|journal| journal.write(level, message));
    }

    /// The plugin's last words, if it panicked.
    pub(super) fn panic_message(&self) -> Option<String> {
        self.with(|journal| journal.panic.clone())
    }

    /// What was kept, and its bytes.
    pub(super) fn close(&self) -> (Logs, usize) {
        self.with(|journal| (std::mem::take(&mut journal.logs), journal.bytes))
    }

    fn with<T>(&self, act: impl FnOnce(&mut Journal) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Journal {
    fn write(&mut self, level: u8, message: &str) {
        let message = cut(message, LOG_LINE_BYTES);
        if level >= LAST_WORDS {
            self.panic = Some(message.to_owned());
        }
        if self.logs.lines.len() as u64 >= self.most_lines || self.bytes + message.len() > self.most_bytes {
            self.logs.dropped = self.logs.dropped.saturating_add(1);
            return;
        }
        self.bytes += message.len();
        self.logs.lines.push(LogLine { level, message: message.to_owned() });
    }
}

/// The first part of `text`, at most `limit` bytes.
pub(super) fn cut(text: &str, limit: usize) -> &str {
    &text[..text.floor_char_boundary(limit)]
}
