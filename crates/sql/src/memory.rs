//! Memory of operators, counted with that of every other question.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use datafusion::error::{DataFusionError, Result};
use datafusion::execution::memory_pool::{MemoryPool, MemoryReservation};
use vigie_domain::{Error, ErrorKind};
use vigie_storage::TableSession;

/// What the operators of one statement hold.
pub struct QuestionMemory {
    session: Arc<TableSession>,
    used: AtomicUsize,
    /// Bytes that were taken without asking and that there were not.
    owed: Mutex<usize>,
    /// Why more was not given, the last time.
    refusal: Mutex<Option<Error>>,
}

impl QuestionMemory {
    /// Nothing held yet.
    pub fn new(session: Arc<TableSession>) -> Self {
        Self { session, used: AtomicUsize::new(0), owed: Mutex::new(0), refusal: Mutex::new(None) }
    }

    /// The reason for which memory was refused, where that is what lies behind the failure: operators that could not
    /// hold more say that they could not write to disk either.
    pub fn refusal_behind(&self, failure: Error) -> Error {
        match failure.kind {
            ErrorKind::TooLarge => {
                self.refusal.lock().unwrap_or_else(PoisonError::into_inner).clone().unwrap_or(failure)
            }
            _ => failure,
        }
    }

    fn ask(&self, bytes: usize) -> vigie_domain::Result<()> {
        self.session.grow(bytes).inspect_err(|refusal| {
            *self.refusal.lock().unwrap_or_else(PoisonError::into_inner) = Some(refusal.clone());
        })
    }

    fn give_back(&self, bytes: usize) {
        let mut owed = self.owed.lock().unwrap_or_else(PoisonError::into_inner);
        let from_owed = bytes.min(*owed);
        *owed -= from_owed;
        self.session.shrink(bytes - from_owed);
    }
}

impl MemoryPool for QuestionMemory {
    fn name(&self) -> &str {
        "question"
    }

    fn grow(&self, _reservation: &MemoryReservation, additional: usize) {
        self.used.fetch_add(additional, Ordering::Relaxed);
        if self.ask(additional).is_err() {
            *self.owed.lock().unwrap_or_else(PoisonError::into_inner) += additional;
        }
    }

    fn shrink(&self, _reservation: &MemoryReservation, shrink: usize) {
        self.used.fetch_sub(shrink, Ordering::Relaxed);
        self.give_back(shrink);
    }

    fn try_grow(&self, _reservation: &MemoryReservation, additional: usize) -> Result<()> {
        self.ask(additional).map_err(|error| DataFusionError::External(Box::new(error)))?;
        self.used.fetch_add(additional, Ordering::Relaxed);
        Ok(())
    }

    fn reserved(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }
}

impl Drop for QuestionMemory {
    fn drop(&mut self) {
        let used = *self.used.get_mut();
        self.give_back(used);
    }
}

impl fmt::Debug for QuestionMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "QuestionMemory({})", self.reserved())
    }
}

impl fmt::Display for QuestionMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes held for the statement", self.reserved())
    }
}
