//! Work on the past that goes on while nobody waits: begun, asked for by its id, given up.
//!
//! One at a time: it reads much. What came of the last ones is kept in memory within a bound, and a restart forgets it.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::task::AbortHandle;
use vigie_domain::{Error, ErrorKind, Result, TimeRange};

use crate::accounts::random_id;

/// Jobs that are kept, under way or ended; the oldest is forgotten.
const KEPT_MAX: usize = 20;
/// When a job may be begun for which there is no room now, in seconds.
pub(super) const RETRY_AFTER_S: u64 = 5;

/// How far a job is.
#[derive(Debug)]
pub enum JobState<R> {
    /// It reads and works.
    Running,
    /// What came of it.
    Done(Arc<R>),
    /// Why it stopped.
    Failed(Error),
    /// Somebody gave it up.
    Cancelled,
}

impl<R> Clone for JobState<R> {
    fn clone(&self) -> Self {
        match self {
            Self::Running => Self::Running,
            Self::Done(result) => Self::Done(Arc::clone(result)),
            Self::Failed(error) => Self::Failed(error.clone()),
            Self::Cancelled => Self::Cancelled,
        }
    }
}

/// A job as it is at this moment.
#[derive(Clone, Debug)]
pub struct JobStatus<R> {
    /// Names it.
    pub id: String,
    /// The payments that it is about.
    pub range: TimeRange,
    /// Events read.
    pub read_count: u64,
    /// Events to read, those before the range with them; 0 until they are counted.
    pub total_count: u64,
    /// How far it is.
    pub state: JobState<R>,
}

/// How much of the past is read.
#[derive(Debug, Default)]
pub(super) struct Progress {
    read_count: AtomicU64,
    total_count: AtomicU64,
}

impl Progress {
    pub(super) fn expect(&self, total_count: u64) {
        self.total_count.store(total_count, Ordering::Relaxed);
    }

    pub(super) fn advance(&self, read_count: u64) {
        self.read_count.fetch_add(read_count, Ordering::Relaxed);
    }
}

struct Kept<R> {
    id: String,
    range: TimeRange,
    progress: Arc<Progress>,
    state: JobState<R>,
    task: Option<AbortHandle>,
}

impl<R> Kept<R> {
    fn status(&self) -> JobStatus<R> {
        JobStatus {
            id: self.id.clone(),
            range: self.range,
            read_count: self.progress.read_count.load(Ordering::Relaxed),
            total_count: self.progress.total_count.load(Ordering::Relaxed),
            state: self.state.clone(),
        }
    }

    const fn is_running(&self) -> bool {
        matches!(self.state, JobState::Running)
    }
}

/// Jobs of one kind.
pub(super) struct Jobs<R> {
    /// What one is called in errors.
    what: &'static str,
    kept: Arc<Mutex<VecDeque<Kept<R>>>>,
}

impl<R: Send + Sync + 'static> Jobs<R> {
    pub(super) fn new(what: &'static str) -> Self {
        Self { what, kept: Arc::default() }
    }

    /// Begins a job on payments of a range.
    ///
    /// # Errors
    /// `Throttled` when another one is under way.
    pub(super) fn begin<W>(&self, range: TimeRange, work: impl FnOnce(Arc<Progress>) -> W) -> Result<JobStatus<R>>
    where
        W: Future<Output = Result<R>> + Send + 'static,
    {
        let id = random_id()?;
        let progress = Arc::<Progress>::default();
        let mut kept = locked(&self.kept);
        if kept.iter().any(Kept::is_running) {
            let words = format!("another {} is under way; try again when it has ended, or cancel it", self.what);
            return Err(Error::new(ErrorKind::Throttled, words).with_retry_after_s(RETRY_AFTER_S));
        }
        if kept.len() >= KEPT_MAX {
            kept.pop_front();
        }
        let (all, named, work) = (Arc::clone(&self.kept), id.clone(), work(Arc::clone(&progress)));
        let ended = async move {
            let state = work.await.map_or_else(JobState::Failed, |result| JobState::Done(Arc::new(result)));
            if let Some(one) = locked(&all).iter_mut().find(|one| one.id == named && one.is_running()) {
                one.state = state;
            }
        };
        let task = Some(tokio::spawn(ended).abort_handle());
        let begun = Kept { id, range, progress, state: JobState::Running, task };
        let status = begun.status();
        kept.push_back(begun);
        Ok(status)
    }

    /// How far a job is.
    ///
    /// # Errors
    /// `NotFound` when there is none of that id.
    pub(super) fn get(&self, id: &str) -> Result<JobStatus<R>> {
        let kept = locked(&self.kept);
        kept.iter().find(|one| one.id == id).map(Kept::status).ok_or_else(|| self.unknown(id))
    }

    /// Gives a job up; one that has ended stays as it is.
    ///
    /// # Errors
    /// `NotFound` when there is none of that id.
    pub(super) fn cancel(&self, id: &str) -> Result<JobStatus<R>> {
        let mut kept = locked(&self.kept);
        let one = kept.iter_mut().find(|one| one.id == id).ok_or_else(|| self.unknown(id))?;
        if one.is_running() {
            if let Some(task) = &one.task {
                task.abort();
            }
            one.state = JobState::Cancelled;
        }
        Ok(one.status())
    }

    fn unknown(&self, id: &str) -> Error {
        Error::not_found(format!("there is no {} \"{id}\"; it may be forgotten: begin another", self.what))
    }
}

fn locked<R>(kept: &Mutex<VecDeque<Kept<R>>>) -> MutexGuard<'_, VecDeque<Kept<R>>> {
    // Whoever panicked left a job that is never done; it can be cancelled.
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}
