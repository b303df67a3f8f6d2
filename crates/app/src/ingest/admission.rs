//! How many bytes of bodies may be in memory at once. A body that finds no room is refused at once, never half kept.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use vigie_domain::{Error, ErrorKind, Result};

/// KiB of all bodies that are being received or stored, as much as the largest one may have. Read, turned into columns and
/// written to the log, a body takes some four times its bytes: with the memory tables that must fit into 512 MiB.
pub(super) const BODIES_KIB_MAX: u32 = 64 * 1024;
/// Bytes that a permit stands for.
const KIB: usize = 1024;

/// Room for one body; free again when it is dropped.
#[derive(Debug)]
pub struct Admission {
    room: Arc<Semaphore>,
    permit: Option<OwnedSemaphorePermit>,
    size_bytes: usize,
}

impl Admission {
    pub(super) const fn new(room: Arc<Semaphore>) -> Self {
        Self { room, permit: None, size_bytes: 0 }
    }

    /// Takes room for so many bytes more.
    ///
    /// # Errors
    /// `Throttled` when there is none.
    pub fn grow(&mut self, bytes: usize) -> Result<()> {
        let before = kib(self.size_bytes);
        self.size_bytes = self.size_bytes.saturating_add(bytes);
        let missing = kib(self.size_bytes) - before;
        let more = Arc::clone(&self.room).try_acquire_many_owned(missing).map_err(|_| too_busy())?;
        match &mut self.permit {
            Some(permit) => permit.merge(more),
            None => self.permit = Some(more),
        }
        Ok(())
    }
}

/// Whole KiB that hold so many bytes.
pub(super) fn kib(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(KIB)).unwrap_or(u32::MAX)
}

/// The refusal of what finds no room.
pub(super) fn too_busy() -> Error {
    Error::new(ErrorKind::Throttled, "too many requests wait to be stored; send again in a second")
        .with_retry_after_s(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_taken_until_it_is_dropped() {
        let room = Arc::new(Semaphore::new(2));
        let mut first = Admission::new(Arc::clone(&room));
        assert!(first.grow(1).is_ok() && first.grow(KIB - 1).is_ok(), "one KiB in two pieces");
        let mut second = Admission::new(Arc::clone(&room));
        assert!(second.grow(KIB).is_ok());
        assert_eq!(first.grow(1).map_err(|error| error.kind), Err(ErrorKind::Throttled));
        drop(second);
        assert_eq!(room.available_permits(), 1);
    }
}
