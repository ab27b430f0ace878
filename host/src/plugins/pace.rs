//! How calls share the processor: a short one runs where it was made, a long one moves to a thread of its own that
//! stands back behind everything else. What is called for a page answers in a fraction of a millisecond; nobody who
//! waits for such an answer, or for one of the server's, waits behind a plugin that computes for seconds.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::thread;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tracing::Instrument as _;

use super::ticker::TICK;
use crate::clock::thread_time;

/// How far a long call stands back: at 5 a thread gets a third of what another gets that wants the same core.
#[cfg(target_os = "linux")]
const NICENESS: libc::c_int = 5;

/// The processor time of a call, on whichever threads it ran: its own code, and what the host does for it there.
#[derive(Clone, Default)]
pub(super) struct Meter(Arc<Times>);

/// In nanoseconds.
#[derive(Default)]
struct Times {
    /// Until the call was last suspended.
    spent: AtomicU64,
    /// Of the thread that runs the call, when it took it up; 0 while the call is suspended.
    taken_up_at: AtomicU64,
}

/// A call that did not come to an end: its thread could not be started, or broke down.
#[derive(Debug, thiserror::Error)]
#[error("thread of the call did not finish it")]
pub(super) struct Lost;

impl Meter {
    /// Measures the work whenever it runs.
    pub(super) async fn measure<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        poll_fn(|context| {
            self.0.taken_up_at.store(nanos(thread_time()), Ordering::Relaxed);
            let polled = work.as_mut().poll(context);
            self.0.spent.store(nanos(self.spent()), Ordering::Relaxed);
            self.0.taken_up_at.store(0, Ordering::Relaxed);
            polled
        })
        .await
    }

    /// What was spent so far; asked by the work itself, up to this moment.
    pub(super) fn spent(&self) -> Duration {
        let before = self.0.spent.load(Ordering::Relaxed);
        let since = match self.0.taken_up_at.load(Ordering::Relaxed) {
            0 => 0,
            taken_up_at => nanos(thread_time()).saturating_sub(taken_up_at),
        };
        Duration::from_nanos(before.saturating_add(since))
    }
}

/// Drives a call to its end; `meter` measures it. Dropping the future ends the call at its next tick.
///
/// # Errors
/// See [`Lost`].
pub(super) async fn drive<T: Send + 'static>(
    call: impl Future<Output = T> + Send + 'static,
    meter: &Meter,
) -> Result<T, Lost> {
    let mut call = Box::pin(call);
    let short = poll_fn(|context| match call.as_mut().poll(context) {
        Poll::Ready(answer) => Poll::Ready(Some(answer)),
        Poll::Pending if meter.spent() >= TICK => Poll::Ready(None),
        Poll::Pending => Poll::Pending,
    });
    if let Some(answer) = short.await {
        return Ok(answer);
    }
    let runtime = Handle::current();
    let (mut tell, told) = oneshot::channel();
    let long = async move {
        let answer = tokio::select! {
            biased;
            // Nobody waits any more.
            () = tell.closed() => return,
            answer = call => answer,
        };
        // The same, a moment later.
        let _ = tell.send(answer);
    };
    let long = long.in_current_span();
    let stand_back_and_run = move || {
        stand_back();
        runtime.block_on(long);
    };
    if let Err(error) = thread::Builder::new().name("plugin-call".to_owned()).spawn(stand_back_and_run) {
        tracing::warn!(%error, "no thread for a long plugin call");
        return Err(Lost);
    }
    told.await.map_err(|_| Lost)
}

/// Lets every thread that has not done the same go first.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "the standard library does not tell priorities to the system")]
fn stand_back() {
    // SAFETY: the call takes numbers only. On Linux 0 means the calling thread.
    let answer = unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, NICENESS) };
    if answer != 0 {
        tracing::debug!(error = %std::io::Error::last_os_error(), "a long plugin call keeps its priority");
    }
}

/// Elsewhere priorities are those of whole processes.
#[cfg(not(target_os = "linux"))]
fn stand_back() {}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::hint::black_box;

    use super::*;

    fn spin(time: Duration) {
        let until = thread_time() + time;
        while thread_time() < until {
            black_box(0);
        }
    }

    #[tokio::test]
    async fn only_the_time_that_work_runs_is_measured() {
        let meter = Meter::default();
        let work = async {
            spin(Duration::from_millis(4));
            tokio::time::sleep(Duration::from_millis(50)).await;
            spin(Duration::from_millis(4));
        };
        meter.measure(work).await;
        spin(Duration::from_millis(20));
        let spent = meter.spent();
        assert!((Duration::from_millis(8)..Duration::from_millis(20)).contains(&spent), "{spent:?}");
    }

    #[tokio::test]
    async fn long_work_leaves_the_thread_that_began_it_and_short_work_stays() {
        let here = thread::current().id();
        for (time, stays) in [(Duration::ZERO, true), (TICK * 2, false)] {
            let meter = Meter::default();
            let measured = meter.clone();
            let call = async move {
                let work = async {
                    spin(time);
                    tokio::task::yield_now().await;
                    thread::current().id()
                };
                measured.measure(work).await
            };
            assert_eq!(drive(call, &meter).await.unwrap() == here, stays, "{time:?}");
        }
    }

    #[tokio::test]
    async fn long_work_that_nobody_waits_for_ends() {
        let meter = Meter::default();
        let measured = meter.clone();
        let (held, dropped) = oneshot::channel::<()>();
        let call = async move {
            let _held = held;
            let work = async {
                loop {
                    spin(TICK);
                    tokio::task::yield_now().await;
                }
            };
            measured.measure(work).await
        };
        assert!(tokio::time::timeout(TICK * 4, drive::<()>(call, &meter)).await.is_err());
        assert!(tokio::time::timeout(Duration::from_secs(10), dropped).await.unwrap().is_err());
    }
}
