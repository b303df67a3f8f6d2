//! Memory that questions hold: counted in bytes where it grows with data, bounded per question and for all together.
//!
//! It counts what is held, not what an allocator makes of it. Nothing is taken here: whoever is about to hold more says
//! so first where the size is known before, and at the latest after each batch of rows.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::error::StorageError;

/// Bounds of what questions hold.
#[derive(Clone, Copy, Debug)]
pub struct MemoryBounds {
    /// Bytes of one question.
    pub one_bytes_max: usize,
    /// Bytes of all of them.
    pub all_bytes_max: usize,
}

/// What all questions hold together.
#[derive(Debug)]
pub struct Pool {
    bounds: MemoryBounds,
    held: AtomicUsize,
}

impl Pool {
    /// Nothing held yet.
    pub fn new(bounds: MemoryBounds) -> Arc<Self> {
        Arc::new(Self { bounds, held: AtomicUsize::new(0) })
    }

    /// Bytes held now.
    pub fn held_bytes(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }
}

/// What one question holds; its threads share it.
#[derive(Debug)]
pub struct Budget {
    pool: Arc<Pool>,
    held: AtomicUsize,
}

impl Budget {
    /// Nothing held yet.
    pub fn new(pool: &Arc<Pool>) -> Self {
        Self { pool: pool.clone(), held: AtomicUsize::new(0) }
    }

    /// So many bytes, held until the answer is dropped.
    ///
    /// # Errors
    /// `TooMuchMemory` past the bound of one question, `Busy` past that of all.
    pub fn hold(&self, bytes: usize) -> Result<Held<'_>, StorageError> {
        let mut held = Held { budget: self, bytes: 0 };
        held.resize(bytes)?;
        Ok(held)
    }

    /// So many bytes more, until they are given back by `shrink`.
    ///
    /// # Errors
    /// As `hold`.
    pub fn grow(&self, bytes: usize) -> Result<(), StorageError> {
        let bounds = self.pool.bounds;
        if !add_within(&self.held, bytes, bounds.one_bytes_max) {
            return Err(StorageError::TooMuchMemory { bytes_max: bounds.one_bytes_max });
        }
        if !add_within(&self.pool.held, bytes, bounds.all_bytes_max) {
            self.held.fetch_sub(bytes, Ordering::Relaxed);
            return Err(StorageError::Busy { bytes_max: bounds.all_bytes_max });
        }
        Ok(())
    }

    /// Gives so many bytes back.
    pub fn shrink(&self, bytes: usize) {
        self.held.fetch_sub(bytes, Ordering::Relaxed);
        self.pool.held.fetch_sub(bytes, Ordering::Relaxed);
    }
}

fn add_within(held: &AtomicUsize, bytes: usize, bytes_max: usize) -> bool {
    let more = |held: usize| held.checked_add(bytes).filter(|sum| *sum <= bytes_max);
    held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
}

/// Bytes held; given back when dropped.
#[derive(Debug)]
pub struct Held<'b> {
    budget: &'b Budget,
    bytes: usize,
}

impl Held<'_> {
    /// Makes it so many bytes.
    ///
    /// # Errors
    /// As `Budget::hold`; it then is as large as before.
    pub fn resize(&mut self, bytes: usize) -> Result<(), StorageError> {
        match bytes.checked_sub(self.bytes) {
            Some(more) => self.budget.grow(more)?,
            None => self.budget.shrink(self.bytes - bytes),
        }
        self.bytes = bytes;
        Ok(())
    }

    /// Adds so many bytes.
    ///
    /// # Errors
    /// As `Budget::hold`; it then is as large as before.
    pub fn add(&mut self, bytes: usize) -> Result<(), StorageError> {
        self.resize(self.bytes.saturating_add(bytes))
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.budget.shrink(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_hold_for_one_and_for_all() {
        let pool = Pool::new(MemoryBounds { one_bytes_max: 10, all_bytes_max: 15 });
        let (one, other) = (Budget::new(&pool), Budget::new(&pool));
        let mut held = one.hold(4).unwrap();
        assert!(matches!(held.resize(11), Err(StorageError::TooMuchMemory { bytes_max: 10 })));
        assert_eq!(pool.held_bytes(), 4, "what was refused is not held");
        held.add(6).unwrap();
        assert!(matches!(held.add(usize::MAX), Err(StorageError::TooMuchMemory { .. })));
        assert!(matches!(other.hold(6), Err(StorageError::Busy { bytes_max: 15 })));
        let rest = other.hold(5).unwrap();
        assert_eq!(pool.held_bytes(), 15);
        held.resize(1).unwrap();
        drop(rest);
        assert_eq!(pool.held_bytes(), 1);
        drop(held);
        assert_eq!(pool.held_bytes(), 0);
        assert!(other.hold(10).is_ok(), "what was refused once is not held against anyone");
    }
}
