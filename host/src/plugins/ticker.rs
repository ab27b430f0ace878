//! The clock of processor time: advances the engine's epoch while calls are running, and sleeps otherwise.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How often running plugins are interrupted to be counted: the unit of the CPU limit. Shorter ticks cost more
/// context switches; 5 ms keeps a runaway plugin from holding a worker thread for a noticeable time.
pub(super) const TICK: Duration = Duration::from_millis(5);

/// A thread that ticks; stopped and joined on drop.
pub(super) struct Ticker {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    running_calls: AtomicUsize,
    stopped: AtomicBool,
}

/// Keeps the ticker running as long as it lives: also where the engine goes before the last call has ended.
pub(super) struct Running(Arc<Ticker>);

impl Ticker {
    /// Starts the thread; it sleeps until [`Ticker::run`].
    pub(super) fn start(engine: wasmtime::Engine) -> std::io::Result<Self> {
        let shared = Arc::new(Shared { running_calls: AtomicUsize::new(0), stopped: AtomicBool::new(false) });
        let seen_by_thread = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("plugin-ticker".to_owned())
            .spawn(move || tick(&seen_by_thread, &engine))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Ticks until the answer is dropped.
    pub(super) fn run(self: &Arc<Self>) -> Running {
        if self.shared.running_calls.fetch_add(1, Ordering::AcqRel) == 0 {
            self.wake();
        }
        Running(Arc::clone(self))
    }

    fn wake(&self) {
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.shared.running_calls.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::Release);
        self.wake();
        if let Some(thread) = self.thread.take() {
            // The thread runs no code that can panic.
            let _ = thread.join();
        }
    }
}

fn tick(shared: &Shared, engine: &wasmtime::Engine) {
    while !shared.stopped.load(Ordering::Acquire) {
        if shared.running_calls.load(Ordering::Acquire) == 0 {
            thread::park();
        } else {
            thread::sleep(TICK);
            engine.increment_epoch();
        }
    }
}
