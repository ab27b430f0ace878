//! What was done in a time: documents, pages, credits.

words! {
    /// A time up to today.
    pub enum Period {
        /// A week.
        Week => "7d",
        /// A month.
        Month => "30d",
        /// A quarter.
        Quarter => "90d",
        /// A year.
        Year => "1y",
    }
}

impl Period {
    /// How many days it has, today included.
    pub fn days(self) -> u32 {
        match self {
            Self::Week => 7,
            Self::Month => 30,
            Self::Quarter => 90,
            Self::Year => 365,
        }
    }
}

/// Usage of some days, projects, or both.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Documents uploaded.
    pub documents: u64,
    /// Bytes uploaded.
    pub uploaded_bytes: u64,
    /// Documents whose processing ended with a result.
    pub completed: u64,
    /// Documents whose processing failed, those refused in a batch included.
    pub failed: u64,
    /// Documents that were cancelled.
    pub cancelled: u64,
    /// Pages of the completed documents.
    pub pages: u64,
    /// Microseconds from start to end of the completed documents, summed.
    pub processing_micros: u64,
    /// Credits earned.
    pub credits: u64,
}

impl Usage {
    /// Mean milliseconds from start to end of a completed document; `None` where there is none.
    pub fn mean_processing_ms(&self) -> Option<f64> {
        let mean = self.processing_micros as f64 / self.completed as f64 / 1000.0;
        mean.is_finite().then_some(mean)
    }

    /// Adds another usage to this one.
    pub fn add(&mut self, other: &Self) {
        self.documents += other.documents;
        self.uploaded_bytes += other.uploaded_bytes;
        self.completed += other.completed;
        self.failed += other.failed;
        self.cancelled += other.cancelled;
        self.pages += other.pages;
        self.processing_micros += other.processing_micros;
        self.credits += other.credits;
    }
}

/// Usage of one project on one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DailyUsage {
    /// The project; it may be deleted meanwhile.
    pub project_id: String,
    /// `YYYY-MM-DD` in UTC.
    pub day: String,
    /// What was done.
    pub usage: Usage,
    /// Bytes of the files kept when the day was last measured; `None` where it was not.
    pub storage_bytes: Option<u64>,
}

/// What requests did beside uploading, not yet counted in the database.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Requests {
    /// Requests that read.
    pub reads: u64,
    /// Bytes downloaded; where counted in the database, bytes uploaded too.
    pub transfer_bytes: u64,
}

impl Requests {
    /// Both together.
    pub fn plus(self, other: Self) -> Self {
        Self {
            reads: self.reads.saturating_add(other.reads),
            transfer_bytes: self.transfer_bytes.saturating_add(other.transfer_bytes),
        }
    }
}
