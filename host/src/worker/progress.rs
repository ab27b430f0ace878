//! How far the processing of a document is, told from any thread without waiting for the database.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use crate::domain::document::AttemptProgress;

/// Where processing reports to, and where it hears that it should stop. Cheap to clone; all clones are one.
#[derive(Debug, Clone, Default)]
pub struct ProgressSink(Arc<State>);

#[derive(Debug, Default)]
struct State {
    percent: AtomicU32,
    pages_read: AtomicU32,
    /// 0 while it is not known: a document without pages is an error.
    page_count: AtomicU32,
    is_cancelled: AtomicBool,
}

/// Per cent that are reached when all pages are read; the rest is the extractor's.
const PAGES_SHARE: u32 = 90;

impl ProgressSink {
    /// Tells that `done` of `total` pages are read.
    pub fn pages(&self, done: u32, total: u32) {
        self.0.page_count.store(total, Ordering::Relaxed);
        self.0.pages_read.fetch_max(done.min(total), Ordering::Relaxed);
        if let Some(percent) = (u64::from(done.min(total)) * u64::from(PAGES_SHARE)).checked_div(total.into())
        {
            self.percent(u8::try_from(percent).unwrap_or(100));
        }
    }

    /// Tells how far it is in per cent; it never goes back.
    pub fn percent(&self, percent: u8) {
        self.0.percent.fetch_max(percent.min(100).into(), Ordering::Relaxed);
    }

    /// Asks whoever processes the document to stop.
    pub fn cancel(&self) {
        self.0.is_cancelled.store(true, Ordering::Relaxed);
    }

    /// Whether to stop: nobody waits for the result any more.
    pub fn is_cancelled(&self) -> bool {
        self.0.is_cancelled.load(Ordering::Relaxed)
    }

    /// How far it is.
    pub fn current(&self) -> AttemptProgress {
        let known = |count: &AtomicU32| Some(count.load(Ordering::Relaxed)).filter(|count| *count > 0);
        AttemptProgress {
            percent: u8::try_from(self.0.percent.load(Ordering::Relaxed)).unwrap_or(100),
            pages_read: known(&self.0.pages_read),
            page_count: known(&self.0.page_count),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_grows_with_pages_and_never_goes_back() {
        let sink = ProgressSink::default();
        let at = |percent, pages_read| AttemptProgress { percent, pages_read, page_count: Some(4) };
        sink.pages(0, 4);
        assert_eq!(sink.current(), at(0, None));
        sink.pages(3, 4);
        sink.pages(2, 4);
        assert_eq!(sink.current(), at(67, Some(3)));
        sink.pages(4, 4);
        assert_eq!(sink.current(), at(90, Some(4)));
    }

    #[test]
    fn a_document_without_pages_makes_no_progress() {
        let sink = ProgressSink::default();
        sink.pages(0, 0);
        assert_eq!(sink.current(), AttemptProgress::default());
    }
}
