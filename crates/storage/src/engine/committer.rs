//! The one thread that writes the log: takes batches in order, syncs once per group, then acknowledges.
//!
//! While a sync runs the next group gathers, so single events from many senders share syncs without waiting on
//! purpose. Nothing is visible or acknowledged before it is on disk.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use vigie_domain::ports::AppendOutcome;
use vigie_domain::{Error, ErrorKind};

use super::prepared::PreparedBatch;
use super::state::{Room, SharedState};
use crate::dedup::{DedupIndex, StoredKey};
use crate::error::disk_full;
use crate::memtable::{LateChunk, MemTable};
use crate::options::EngineOptions;
use crate::wal::{AppendError, OpenSegment};

/// Batches that wait for the committing thread at most; senders wait beyond it.
pub const QUEUE_MAX: usize = 1_024;
/// Chunks that wait to be built at most.
pub const LATE_CHUNKS_MAX: usize = 64;
/// Bytes of one group: bounds what one sync makes others wait for.
const GROUP_BYTES_MAX: usize = 32 * 1024 * 1024;
/// How long a batch waits for a slow flush before it is refused.
const ROOM_TIMEOUT: Duration = Duration::from_secs(30);

/// When such a batch may be sent again.
const ROOM_RETRY_AFTER_S: u64 = 5;

/// The answer to a batch.
pub type Reply = oneshot::Sender<Result<AppendOutcome, Error>>;

/// What the thread is asked to do.
pub enum Command {
    /// Store a batch.
    Append(Box<PreparedBatch>, Reply),
    /// Close the memory table, so that it can be written to parts.
    Seal(oneshot::Sender<Option<Sealed>>),
    /// Forget these ids: their events are removed.
    Forget(Vec<String>),
}

/// A closed memory table.
pub struct Sealed {
    /// The table.
    pub table: Arc<MemTable>,
    /// Every event with a smaller sequence number is in it or in parts.
    pub cut: u64,
    /// Batch keys known at this moment.
    pub keys: Vec<StoredKey>,
}

/// The committing thread's own.
pub struct Committer {
    /// Where searches look.
    pub shared: Arc<SharedState>,
    /// Settings.
    pub options: EngineOptions,
    /// Folder of the log.
    pub wal_folder: std::path::PathBuf,
    /// The segment written to.
    pub segment: OpenSegment,
    /// The next event's sequence number.
    pub next_sequence: u64,
    /// What was stored lately.
    pub dedup: DedupIndex,
    /// Rows that are to become chunks, for the thread that builds them.
    pub to_build: SyncSender<Arc<LateChunk>>,
}

struct Accepted {
    batch: PreparedBatch,
    first_sequence: u64,
    outcome: AppendOutcome,
    reply: Reply,
}

impl Committer {
    /// Serves until every sender is gone or the log can no longer be trusted.
    pub fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        let mut waiting = None;
        while let Some(command) = waiting.take().or_else(|| commands.blocking_recv()) {
            match command {
                Command::Seal(reply) => {
                    let _ = reply.send(self.seal());
                }
                Command::Forget(ids) => ids.iter().for_each(|id| self.dedup.forget_id(id)),
                Command::Append(batch, reply) => {
                    let mut group = vec![(batch, reply)];
                    waiting = gather(&mut commands, &mut group);
                    if self.commit(group).is_err() {
                        return;
                    }
                }
            }
        }
    }

    /// `Err` when the log can no longer be trusted.
    fn commit(&mut self, group: Vec<(Box<PreparedBatch>, Reply)>) -> Result<(), ()> {
        if let Err(error) = self.check_room() {
            group.into_iter().for_each(|(_, reply)| drop(reply.send(Err(error.clone()))));
            return Ok(());
        }
        let mut bytes = Vec::with_capacity(group.iter().map(|(batch, _)| batch.encoded.record_bytes()).sum());
        let (mut accepted, mut known) = (Vec::with_capacity(group.len()), Vec::new());
        let sequence_before = self.next_sequence;
        let mut in_group = DedupIndex::default();
        for (batch, reply) in group {
            if let Err(error) = self.shared.lock().add_days(&batch.days()) {
                drop(reply.send(Err(error)));
                continue;
            }
            match self.admit(*batch, reply, &mut in_group, &mut bytes) {
                Ok(one) => accepted.push(one),
                Err(one) => known.push(one),
            }
        }
        match self.write_synced(&bytes) {
            Ok(()) => {}
            Err(Failure::DiskFull) => {
                self.next_sequence = sequence_before;
                accepted.into_iter().for_each(|one| drop(one.reply.send(Err(disk_full()))));
                known.into_iter().for_each(|(_, reply)| drop(reply.send(Err(disk_full()))));
                return Ok(());
            }
            Err(Failure::Fatal(error)) => {
                let message = format!("the write-ahead log could not be synced: {error}");
                tracing::error!(%error, "the write-ahead log could not be synced; the process ends");
                (self.options.on_fatal)(&message);
                return Err(());
            }
        }
        // Only now: what could not be written must be stored when it is sent again.
        accepted.iter().for_each(|one| one.batch.remember(&mut self.dedup));
        let mut late = Vec::new();
        let mut state = self.shared.lock();
        let replies: Vec<_> = accepted
            .into_iter()
            .map(|one| {
                late.extend(one.batch.insert_into(&mut state.active, one.first_sequence));
                (one.outcome, one.reply)
            })
            .collect();
        drop(state);
        for (outcome, reply) in replies.into_iter().chain(known) {
            // The sender may be gone; its events are stored all the same.
            let _ = reply.send(Ok(outcome));
        }
        // What the thread has no time for is built by whoever looks.
        late.into_iter().for_each(|late| drop(self.to_build.try_send(late)));
        Ok(())
    }

    fn check_room(&self) -> Result<(), Error> {
        if self.options.files.free_bytes(&self.wal_folder).is_ok_and(|free| free < self.options.free_bytes_min) {
            return Err(disk_full());
        }
        match self.shared.wait_for_room(self.options.flush_bytes, ROOM_TIMEOUT) {
            Room::There => Ok(()),
            Room::NoneOnDisk => Err(disk_full()),
            Room::TooLate => {
                let words = "the log store cannot write parts as fast as events arrive; send again later";
                Err(Error::new(ErrorKind::Throttled, words).with_retry_after_s(ROOM_RETRY_AFTER_S))
            }
        }
    }

    /// Numbers the batch and puts its record into `bytes`; a batch that is stored already comes back as `Err`.
    fn admit(
        &mut self,
        batch: PreparedBatch,
        reply: Reply,
        in_group: &mut DedupIndex,
        bytes: &mut Vec<u8>,
    ) -> Result<Accepted, (AppendOutcome, Reply)> {
        let is_known = |key: &String| self.dedup.has_key(key, batch.now) || in_group.has_key(key, batch.now);
        if batch.key.as_ref().is_some_and(is_known) {
            return Err((AppendOutcome::all_known(batch.len()), reply));
        }
        let (batch, known) = match batch.without_known(&[&self.dedup, in_group]) {
            Some(left) => left,
            None => (batch, Vec::new()),
        };
        let outcome = AppendOutcome { stored: batch.len(), first_sequence: self.next_sequence, known };
        if outcome.stored == 0 {
            return Err((outcome, reply));
        }
        batch.remember(in_group);
        let first_sequence = self.next_sequence;
        self.next_sequence += batch.len() as u64;
        batch.encoded.write(first_sequence, bytes);
        Ok(Accepted { batch, first_sequence, outcome, reply })
    }

    fn write_synced(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        if bytes.is_empty() {
            return Ok(());
        }
        match self.segment.append(bytes) {
            Ok(()) => {}
            Err(AppendError::Write(error)) if error.kind() == io::ErrorKind::StorageFull => {
                return Err(Failure::DiskFull);
            }
            Err(AppendError::Write(error) | AppendError::Broken(error)) => return Err(Failure::Fatal(error)),
        }
        self.segment.sync().map_err(Failure::Fatal)?;
        if self.segment.bytes() >= self.options.segment_bytes_max {
            self.begin_segment();
        }
        Ok(())
    }

    /// Goes on in a new segment; `false` when it cannot be made, as on a full disk, and the old one stays.
    fn begin_segment(&mut self) -> bool {
        match OpenSegment::create(&*self.options.files, &self.wal_folder, self.next_sequence) {
            Ok(segment) => {
                self.segment = segment;
                true
            }
            Err(error) => {
                tracing::error!(%error, "the next log segment could not be made; the log goes on in the one before");
                false
            }
        }
    }

    /// `None` when there is nothing to write, or the next segment cannot be made; events then stay in memory and log.
    fn seal(&mut self) -> Option<Sealed> {
        if self.shared.lock().active.is_empty() {
            return None;
        }
        if self.segment.bytes() > 0 && !self.begin_segment() {
            return None;
        }
        let mut state = self.shared.lock();
        let table = Arc::new(std::mem::take(&mut state.active));
        state.sealed = Some(table.clone());
        drop(state);
        Some(Sealed { table, cut: self.next_sequence, keys: self.dedup.keys() })
    }
}

enum Failure {
    DiskFull,
    Fatal(io::Error),
}

/// Takes what waits already, up to the bound of a group; a command that is no batch ends it and is returned.
fn gather(commands: &mut mpsc::Receiver<Command>, group: &mut Vec<(Box<PreparedBatch>, Reply)>) -> Option<Command> {
    let mut bytes: usize = group.iter().map(|(batch, _)| batch.encoded.record_bytes()).sum();
    while bytes < GROUP_BYTES_MAX {
        match commands.try_recv() {
            Ok(Command::Append(batch, reply)) => {
                bytes += batch.encoded.record_bytes();
                group.push((batch, reply));
            }
            Ok(other) => return Some(other),
            Err(_) => return None,
        }
    }
    None
}
