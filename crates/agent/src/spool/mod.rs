//! The disk buffer: what was read is appended to segments, synced, sent and then removed.
//!
//! An event is in the spool together with its source's new position, or neither is. Only what is synced is sent, and the
//! positions are noted on their own before a segment goes. What finds no room is refused: then nothing more is read, and
//! nothing is dropped.

mod notes;
mod reading;
pub mod record;
mod segments;
mod store;
#[cfg(test)]
mod tests;

use std::io;
use std::path::Path;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use vigie_inputs::files::{Inode, Position};

use crate::ledger::{Account, Amount, Place, SourceKey};
use store::{Inner, Mark};

pub use reading::{Batch, SpoolReader};

/// Why something could not be appended.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// There is no room until something was sent.
    #[error("the spool is full ({0} bytes); nothing more is read until something was sent")]
    Full(u64),
    /// The disk does not take it; the spool is as it was before.
    #[error("the spool cannot be written: {0}; nothing more is read until it can")]
    Write(io::Error),
    /// What is on disk is unknown. The agent has to end and to start again from the disk.
    #[error("the spool could not be synced: {0}")]
    Broken(String),
}

/// How the spool fares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpoolNumbers {
    /// Bytes that it takes on disk.
    pub bytes: u64,
    /// Bytes that it may take.
    pub bytes_max: u64,
    /// Events that wait to be sent, and their bytes as they are sent.
    pub waiting: Amount,
    /// Events read and sent, ever.
    pub read_count: u64,
    /// Events that were set aside because they are refused for good.
    pub set_aside_count: u64,
    /// Bytes that were damaged and are set aside.
    pub damaged_bytes: u64,
    /// What is known of each source.
    pub sources: Vec<Account>,
}

/// The disk buffer.
pub struct Spool {
    inner: Mutex<Inner>,
    changed: Condvar,
}

impl Spool {
    /// Opens the spool in a folder, which is made when it is not there.
    ///
    /// # Errors
    /// What the file system answers, and when a note cannot be read.
    pub fn open(folder: &Path, bytes_max: u64) -> io::Result<Self> {
        make_private_folder(folder)?;
        Ok(Self { inner: Mutex::new(Inner::open(folder, bytes_max)?), changed: Condvar::new() })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Appends events that were read and where their source stands after them.
    ///
    /// # Errors
    /// When there is no room or the disk does not take it; then nothing has changed.
    pub fn append(&self, place: Place, events: &Events, read_bytes: u64) -> Result<(), AppendError> {
        let mut inner = self.lock();
        let appended = inner.append(place, events, read_bytes);
        if inner.unsynced_bytes == 0 || inner.broken.is_some() {
            self.changed.notify_all();
        }
        appended
    }

    /// Waits until everything appended is on disk; from then on it is sent.
    ///
    /// # Errors
    /// When it cannot be told what is on disk.
    pub fn sync(&self) -> Result<(), AppendError> {
        let synced = self.lock().sync();
        self.changed.notify_all();
        synced
    }

    /// Syncs, and notes where every source stands.
    ///
    /// # Errors
    /// What the file system answers.
    pub fn close(&self) -> io::Result<()> {
        let mut inner = self.lock();
        inner.sync().map_err(|error| io::Error::other(error.to_string()))?;
        inner.note_sources()?;
        inner.sent.save(&inner.folder)
    }

    /// Where reading of this file stands.
    pub fn position_of(&self, inode: Inode) -> Option<Position> {
        match self.lock().ledger.of(SourceKey::File(inode))?.entry.place.clone() {
            Place::File(position) => Some(position),
            Place::Journald { .. } | Place::Stdin => None,
        }
    }

    /// The journal's name for the entry that was read last.
    pub fn journal_cursor(&self) -> Option<String> {
        match self.lock().ledger.of(SourceKey::Journald)?.entry.place.clone() {
            Place::Journald { cursor } => Some(cursor),
            Place::File(_) | Place::Stdin => None,
        }
    }

    /// Events that were read of a source, ever.
    pub fn read_count(&self, key: SourceKey) -> u64 {
        self.lock().ledger.of(key).map_or(0, |account| account.entry.read_count)
    }

    /// Made once, with the folder.
    pub fn id(&self) -> String {
        self.lock().spool_id.clone()
    }

    /// Why the agent has to end, if it has to.
    pub fn broken(&self) -> Option<String> {
        self.lock().broken.clone()
    }

    /// How it fares.
    pub fn numbers(&self) -> SpoolNumbers {
        let inner = self.lock();
        let sources: Vec<Account> = inner.ledger.accounts().into_iter().cloned().collect();
        let mut waiting = Amount::default();
        sources.iter().for_each(|account| waiting.add(account.waiting));
        SpoolNumbers {
            bytes: inner.bytes(),
            bytes_max: inner.bytes_max,
            waiting,
            read_count: inner.next_sequence,
            set_aside_count: inner.sent.set_aside_count,
            damaged_bytes: inner.damaged_bytes,
            sources,
        }
    }

    /// Waits until there may be something new to be sent, or room again, at most so long.
    pub fn wait(&self, time_max: Duration) {
        drop(self.changed.wait_timeout(self.lock(), time_max).unwrap_or_else(PoisonError::into_inner));
    }

    /// Wakes whoever waits.
    pub fn wake(&self) {
        self.changed.notify_all();
    }

    /// So much that can never be sent was set aside before it came here.
    pub fn count_set_aside(&self, count: u64) {
        self.lock().sent.set_aside_count += count;
    }

    /// What was taken with this batch is sent, or set aside: it is not given out again, and whole segments go.
    ///
    /// # Errors
    /// What the file system answers; then it may be sent again, and is recognised.
    pub fn acknowledge(&self, batch: &Batch, set_aside_count: u64) -> io::Result<()> {
        let acknowledged = self.lock().acknowledge(batch, set_aside_count);
        self.changed.notify_all();
        acknowledged
    }
}

/// Events on their way into the spool.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Events {
    /// One JSON object a line.
    pub lines: Vec<u8>,
    /// How many.
    pub count: u32,
}

/// What is in logs is for their owner: the folder is the agent's alone.
fn make_private_folder(folder: &Path) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}
