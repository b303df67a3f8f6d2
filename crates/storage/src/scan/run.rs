//! One question under way: whether anybody still waits for its answer, and what it holds in memory. Every thread that
//! works for it asks often.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use vigie_domain::ports::ScanStats;

use super::kept::Kept;
use super::memory::Budget;
use crate::error::StorageError;

/// A question under way, shared by the threads that work for it and the one who waits.
#[derive(Debug)]
pub struct Run {
    /// What it holds in memory.
    pub memory: Budget,
    /// What was counted before.
    pub kept: Arc<Kept>,
    rows_scanned: AtomicU64,
    bytes_read: AtomicU64,
    has_left: AtomicBool,
    /// When it must be answered, and how long it then took.
    deadline: Option<(Instant, Duration)>,
    #[cfg(test)]
    looks: Looks,
}

impl Run {
    /// Begins now; without a `timeout` it may take as long as it takes.
    pub fn new(timeout: Option<Duration>, memory: Budget, kept: &Arc<Kept>) -> Self {
        let deadline = timeout.and_then(|timeout| Some((Instant::now().checked_add(timeout)?, timeout)));
        Self {
            memory,
            kept: kept.clone(),
            rows_scanned: AtomicU64::new(0),
            bytes_read: AtomicU64::new(0),
            has_left: AtomicBool::new(false),
            deadline,
            #[cfg(test)]
            looks: Looks::default(),
        }
    }

    /// Stops the work: nobody waits for it any more.
    pub fn give_up(&self) {
        self.has_left.store(true, Ordering::Relaxed);
    }

    /// Adds what a step of a question without one answer at its end cost.
    pub fn add_stats(&self, stats: ScanStats) {
        self.rows_scanned.fetch_add(stats.rows_scanned, Ordering::Relaxed);
        self.bytes_read.fetch_add(stats.bytes_read, Ordering::Relaxed);
    }

    /// What was added.
    pub fn stats(&self) -> ScanStats {
        ScanStats {
            rows_scanned: self.rows_scanned.load(Ordering::Relaxed),
            bytes_read: self.bytes_read.load(Ordering::Relaxed),
        }
    }

    /// How long it may still take; `None`: as long as it takes.
    pub fn time_left(&self) -> Option<Duration> {
        self.deadline.map(|(until, _)| until.saturating_duration_since(Instant::now()))
    }

    /// Whether to go on.
    ///
    /// # Errors
    /// `AskerLeft` when nobody waits any more, `TimedOut` past the deadline.
    pub fn check(&self) -> Result<(), StorageError> {
        #[cfg(test)]
        if self.looks.is_over() {
            return Err(StorageError::AskerLeft);
        }
        if self.has_left.load(Ordering::Relaxed) {
            return Err(StorageError::AskerLeft);
        }
        match self.deadline {
            Some((until, timeout)) if Instant::now() >= until => Err(StorageError::TimedOut(timeout)),
            _ => Ok(()),
        }
    }
}

/// Held by the one who waits for the answer; once dropped, the work for it stops.
#[derive(Debug)]
pub struct Waiting(Arc<Run>);

impl Waiting {
    /// For the answer of this run.
    pub fn new(run: &Arc<Run>) -> Self {
        Self(run.clone())
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.give_up();
    }
}

/// How often it was looked whether to go on, and after how many looks the asker leaves.
#[cfg(test)]
#[derive(Debug, Default)]
pub struct Looks {
    count: std::sync::atomic::AtomicUsize,
    max: Option<usize>,
}

#[cfg(test)]
impl Looks {
    fn is_over(&self) -> bool {
        let before = self.count.fetch_add(1, Ordering::Relaxed);
        self.max.is_some_and(|max| before >= max)
    }
}

#[cfg(test)]
use super::memory::{MemoryBounds, Pool};

#[cfg(test)]
impl Run {
    /// A run without bounds.
    pub fn free() -> Self {
        let bounds = MemoryBounds { one_bytes_max: usize::MAX, all_bytes_max: usize::MAX };
        Self::new(None, Budget::new(&Pool::new(bounds)), &Arc::new(Kept::new(0)))
    }

    /// A run whose asker leaves after so many looks.
    pub fn left_after(looks: usize) -> Self {
        Self { looks: Looks { max: Some(looks), ..Looks::default() }, ..Self::free() }
    }

    /// How often it was looked whether to go on.
    pub fn looks(&self) -> usize {
        self.looks.count.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_ends_with_its_asker_or_its_time() {
        let run = Arc::new(Run::free());
        let waiting = Waiting::new(&run);
        assert!(run.check().is_ok());
        drop(waiting);
        assert!(matches!(run.check(), Err(StorageError::AskerLeft)));
        let timed = |timeout| Run::new(Some(timeout), Run::free().memory, &Arc::new(Kept::new(0)));
        assert!(timed(Duration::from_secs(3_600)).check().is_ok());
        assert!(timed(Duration::MAX).check().is_ok());
        let late = timed(Duration::ZERO).check();
        assert!(matches!(late, Err(StorageError::TimedOut(Duration::ZERO))), "{late:?}");
    }
}
