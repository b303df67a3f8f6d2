//! How many bytes all senders of an input together may have in memory before they are stored.
//!
//! A little is free for each, so that thousands of quiet connections wait for nobody; more is taken from what all share.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// KiB that all connections of an input share.
const SHARED_KIB: usize = 48 * 1024;
/// Bytes that each connection may have without asking.
const FREE_BYTES: usize = 16 * 1024;

/// What all connections of an input share.
#[derive(Clone, Debug)]
pub(crate) struct SharedRoom(Arc<Semaphore>);

/// What one connection has of it; it is free again when this is dropped.
#[derive(Debug)]
pub(crate) struct Room {
    shared: SharedRoom,
    permit: Option<OwnedSemaphorePermit>,
}

impl SharedRoom {
    /// Nothing of it is taken.
    pub(crate) fn new() -> Self {
        Self(Arc::new(Semaphore::new(SHARED_KIB)))
    }

    /// For a connection that has taken nothing yet.
    pub(crate) fn room(&self) -> Room {
        Room { shared: self.clone(), permit: None }
    }
}

impl Room {
    /// Bytes that the connection may have in memory now.
    pub(crate) fn bytes(&self) -> usize {
        FREE_BYTES + self.permit.as_ref().map_or(0, |permit| permit.num_permits() * 1024)
    }

    /// Waits until the connection may have twice what it has; at most `bytes_max`.
    pub(crate) async fn grow(&mut self, bytes_max: usize) {
        let more_kib = self.more_kib(bytes_max);
        // The semaphore is never closed.
        let Ok(more) = Arc::clone(&self.shared.0).acquire_many_owned(more_kib).await else { return };
        self.take(more);
    }

    /// Takes twice what the connection has, at most `bytes_max`, if it is free now; whether it was.
    pub(crate) fn try_grow(&mut self, bytes_max: usize) -> bool {
        let more = Arc::clone(&self.shared.0).try_acquire_many_owned(self.more_kib(bytes_max));
        more.map(|more| self.take(more)).is_ok()
    }

    fn more_kib(&self, bytes_max: usize) -> u32 {
        let more_kib = self.bytes().min(bytes_max.saturating_sub(self.bytes())).div_ceil(1024);
        more_kib.min(SHARED_KIB) as u32
    }

    fn take(&mut self, more: OwnedSemaphorePermit) {
        match &mut self.permit {
            Some(permit) => permit.merge(more),
            None => self.permit = Some(more),
        }
    }

    /// Gives back what was taken.
    pub(crate) fn shrink(&mut self) {
        self.permit = None;
    }
}
