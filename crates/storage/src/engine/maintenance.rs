//! The thread that writes memory tables to parts and merges small parts. It alone changes the manifest.

use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arrow::buffer::BooleanBuffer;
use tokio::sync::{mpsc, oneshot};
use vigie_domain::{Day, Error, LogType, Timestamp};

use super::committer::{Command, Sealed};
use super::removal::{Removal, Removed};
use super::snapshot::Snapshot;
use super::state::SharedState;
use crate::chunk::{Chunk, Exceeding, column_names};
use crate::error::StorageError;
use crate::files::SharedFiles;
use crate::manifest::{Manifest, PartMeta};
use crate::memtable::MemTable;
use crate::options::EngineOptions;
use crate::part::{self, OpenedParts, Part};
use crate::wal;

/// How often the size of the memory table is looked at.
const LOOK_INTERVAL: Duration = Duration::from_millis(200);
/// How long to wait after a failure before trying again.
const RETRY_INTERVAL: Duration = Duration::from_secs(2);

/// How often it is looked whether an index has come of age.
const AGEING_INTERVAL: Duration = Duration::from_secs(10);
/// How long a part may go unasked before what is kept of it is forgotten, at least.
const FORGET_INTERVAL: Duration = Duration::from_secs(300);

/// Where the files of parts are and which exist.
pub struct PartFolder {
    /// The file system.
    pub files: SharedFiles,
    /// Folder of the engine.
    pub folder: PathBuf,
    /// What is on disk.
    pub manifest: Manifest,
    /// What is kept of parts that were read.
    pub opened_parts: Arc<OpenedParts>,
}

/// The maintenance thread's own.
pub struct Maintenance {
    /// Where searches look.
    pub shared: Arc<SharedState>,
    /// Settings.
    pub options: EngineOptions,
    /// The parts.
    pub parts: PartFolder,
    /// To the committing thread.
    pub commands: mpsc::WeakSender<Command>,
    /// Says when to stop and when to flush at once.
    pub signal: Arc<Signal>,
    /// How far writing memory tables is.
    pub writing: Writing,
}

/// How far writing memory tables to parts is.
pub struct Writing {
    last_at: Instant,
    unwritten: Option<Sealed>,
    failed_at: Option<Instant>,
}

impl Default for Writing {
    fn default() -> Self {
        Self { last_at: Instant::now(), unwritten: None, failed_at: None }
    }
}

impl Writing {
    fn look_interval(&self) -> Duration {
        if self.unwritten.is_some() { RETRY_INTERVAL } else { LOOK_INTERVAL }
    }

    fn has_just_failed(&self) -> bool {
        self.failed_at.is_some_and(|failed_at| failed_at.elapsed() < RETRY_INTERVAL)
    }
}

fn say_failed(done: Result<(), StorageError>, words: &str) {
    match done {
        Ok(()) | Err(StorageError::Stopped) => {}
        Err(error) => tracing::error!(%error, "{words}"),
    }
}

/// How the engine talks to the thread.
#[derive(Default)]
pub struct Signal {
    requests: Mutex<Requests>,
    changed: Condvar,
}

#[derive(Default)]
struct Requests {
    stop: bool,
    flushes: Vec<oneshot::Sender<()>>,
    snapshots: Vec<oneshot::Sender<Snapshot>>,
    removals: Vec<Removal>,
}

impl Requests {
    fn is_flush_asked(&self) -> bool {
        !self.flushes.is_empty() || !self.snapshots.is_empty()
    }

    fn is_idle(&self) -> bool {
        !self.stop && !self.is_flush_asked() && self.removals.is_empty()
    }
}

impl Signal {
    /// Asks the thread to end.
    pub fn stop(&self) {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).stop = true;
        self.changed.notify_all();
    }

    fn is_stopped(&self) -> bool {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).stop
    }

    /// Asks for a flush now; the receiver hears when it is done.
    pub fn flush(&self) -> oneshot::Receiver<()> {
        let (sender, receiver) = oneshot::channel();
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).flushes.push(sender);
        self.changed.notify_all();
        receiver
    }

    /// Asks for a snapshot with everything acknowledged so far; without an answer there is none.
    pub fn snapshot(&self) -> oneshot::Receiver<Snapshot> {
        let (sender, receiver) = oneshot::channel();
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).snapshots.push(sender);
        self.changed.notify_all();
        receiver
    }

    /// Asks for the rows of the part to be removed; the receiver hears whether they were, or whether the part itself is gone.
    pub fn remove(&self, part: Arc<Part>, gone: BooleanBuffer) -> oneshot::Receiver<Result<Removed, Error>> {
        let (done, receiver) = oneshot::channel();
        let removal = Removal { part, gone, done };
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).removals.push(removal);
        self.changed.notify_all();
        receiver
    }

    fn wait(&self, timeout: Duration) -> Requests {
        let requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        let is_idle = |requests: &mut Requests| requests.is_idle();
        let (mut requests, _) =
            self.changed.wait_timeout_while(requests, timeout, is_idle).unwrap_or_else(PoisonError::into_inner);
        let stop = requests.stop;
        Requests { stop, ..std::mem::take(&mut *requests) }
    }
}

impl Maintenance {
    /// Serves until told to stop.
    pub fn run(mut self) {
        let mut next_ageing = Instant::now();
        let mut next_forgetting = Instant::now() + FORGET_INTERVAL;
        loop {
            let requests = self.signal.wait(self.writing.look_interval());
            if requests.stop {
                return;
            }
            let is_asked = requests.is_flush_asked();
            let Ok(is_left_in_memory) = self.write_due(is_asked) else { continue };
            requests.flushes.into_iter().for_each(|done| {
                let _ = done.send(());
            });
            for Removal { part, gone, done } in requests.removals {
                let removed = self.remove(&part, &gone);
                // Its files go with it.
                drop(part);
                let _ = done.send(removed);
            }
            if !is_left_in_memory {
                requests.snapshots.into_iter().for_each(|asked| drop(asked.send(self.snapshot())));
            }
            say_failed(self.merge_one(), "parts could not be merged; they stay as they are");
            if Instant::now() >= next_forgetting {
                next_forgetting = Instant::now() + FORGET_INTERVAL;
                self.parts.opened_parts.forget_unused();
            }
            if is_asked || Instant::now() >= next_ageing {
                next_ageing = Instant::now() + AGEING_INTERVAL;
                say_failed(self.gather_one(), "parts could not be gathered; they stay as they are");
                let words = "an index could not be rewritten or deleted for its age; it stays as it is";
                say_failed(self.age_one(), words);
            }
        }
    }

    /// Writes the memory table to parts when that is due or asked; whether events are left in memory that came before.
    ///
    /// # Errors
    /// When it could not be written, which is told; it is tried again.
    fn write_due(&mut self, is_asked: bool) -> Result<bool, ()> {
        let bytes = self.shared.lock().active.bytes();
        let is_old = self.writing.last_at.elapsed() >= self.options.flush_interval;
        let mut is_left_in_memory = bytes > 0;
        if self.writing.unwritten.is_none() && (bytes >= self.options.flush_bytes || is_old || is_asked) {
            self.writing.unwritten = self.seal();
            self.writing.last_at = Instant::now();
            is_left_in_memory &= self.writing.unwritten.is_none();
        }
        let Some(sealed) = self.writing.unwritten.take() else { return Ok(is_left_in_memory) };
        if let Err(error) = self.flush(&sealed) {
            tracing::error!(%error, "events could not be written to parts; they stay in memory and log");
            self.shared.say_unwritten(error.is_disk_full());
            (self.writing.unwritten, self.writing.failed_at) = (Some(sealed), Some(Instant::now()));
            return Err(());
        }
        self.writing.failed_at = None;
        Ok(is_left_in_memory)
    }

    /// Between two pages of a part that is written of others, which may take minutes: what came meanwhile goes on being written.
    ///
    /// # Errors
    /// `Stopped` when the thread is to end: what was begun is given up.
    pub fn tend(&mut self) -> Result<(), StorageError> {
        if self.signal.is_stopped() {
            return Err(StorageError::Stopped);
        }
        if !self.writing.has_just_failed() {
            // A failure was told.
            let _ = self.write_due(false);
        }
        Ok(())
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot::new(&self.parts, self.shared.lock().parts.clone())
    }

    fn seal(&self) -> Option<Sealed> {
        let (reply, answer) = oneshot::channel();
        self.commands.upgrade()?.blocking_send(Command::Seal(reply)).ok()?;
        answer.blocking_recv().ok().flatten()
    }

    fn flush(&mut self, sealed: &Sealed) -> Result<(), StorageError> {
        let WrittenTable { metas, exceeding } = self.parts.write_table(&sealed.table)?;
        let mut manifest = self.parts.manifest.clone();
        manifest.parts.extend(metas.iter().cloned());
        manifest.consumed_up_to = sealed.cut;
        manifest.keys.clone_from(&sealed.keys);
        self.parts.store(manifest)?;
        let parts = metas.into_iter().map(|meta| Arc::new(self.parts.open(meta))).collect();
        self.shared.publish_flushed(parts, exceeding);
        // The events are in parts: a failure from here on must not write them again.
        if let Err(error) =
            wal::remove_before(&*self.parts.files, &self.parts.folder.join(super::WAL_FOLDER), sealed.cut)
        {
            tracing::warn!(%error, "log segments that parts hold could not be removed; the next flush or start tries again");
        }
        Ok(())
    }

    /// Lists the written part in place of these, or none.
    ///
    /// # Errors
    /// What the file system answers; the parts are then as they were.
    pub fn exchange(&mut self, gone: &[Arc<Part>], written: Option<PartMeta>) -> Result<(), StorageError> {
        let is_gone = |id: u64| gone.iter().any(|part| part.meta.id == id);
        let mut manifest = self.parts.manifest.clone();
        manifest.parts.retain(|part| !is_gone(part.id));
        manifest.parts.extend(written.clone());
        self.parts.store(manifest)?;
        let mut state = self.shared.lock();
        state.parts.retain(|part| !is_gone(part.meta.id));
        match written {
            Some(meta) => state.parts.push(Arc::new(self.parts.open(meta))),
            None => state.note_days(),
        }
        drop(state);
        self.shared.drop_parts(gone);
        Ok(())
    }
}

/// A table that lies in parts.
#[derive(Default)]
pub struct WrittenTable {
    /// The parts.
    pub metas: Vec<PartMeta>,
    /// What of its events exceeded bounds.
    pub exceeding: Exceeding,
}

impl PartFolder {
    /// Writes every shelf of the table to a part of its own; the manifest does not list them yet.
    ///
    /// # Errors
    /// What the file system or Arrow answers.
    pub fn write_table(&mut self, table: &MemTable) -> Result<WrittenTable, StorageError> {
        let mut written = WrittenTable::default();
        for ((day, log_type), shelf) in table.snapshot() {
            let chunks = shelf.into_chunks();
            chunks.iter().for_each(|chunk| written.exceeding += chunk.exceeding);
            written.metas.push(self.write_chunks(day, log_type, &chunks)?);
        }
        Ok(written)
    }

    fn write_chunks(&mut self, day: Day, log_type: LogType, chunks: &[Arc<Chunk>]) -> Result<PartMeta, StorageError> {
        let last_ingested_at = chunks.iter().flat_map(|chunk| chunk.ingested_at()).max().copied();
        let meta = PartMeta {
            id: self.next_part(),
            last_ingested_at: Timestamp::from_nanos(last_ingested_at.unwrap_or_default()),
            has_ids: chunks.iter().any(|chunk| chunk.column(column_names::ID).is_some()),
            ..PartMeta::unwritten(day, log_type)
        };
        let written = part::write(&self.files, &self.path_of(&meta), chunks)?;
        Ok(meta.with_written(&written))
    }

    /// The number of a new part.
    pub fn next_part(&mut self) -> u64 {
        self.manifest.next_part += 1;
        self.manifest.next_part - 1
    }

    /// Where the file of the part lies.
    pub fn path_of(&self, meta: &PartMeta) -> PathBuf {
        self.folder.join(super::PARTS_FOLDER).join(meta.relative_path())
    }

    /// Makes the manifest durable and takes it over.
    ///
    /// # Errors
    /// What the file system answers.
    pub fn store(&mut self, mut manifest: Manifest) -> Result<(), StorageError> {
        manifest.next_part = self.manifest.next_part;
        manifest.note_days();
        manifest.store(&*self.files, &self.folder)?;
        self.manifest = manifest;
        Ok(())
    }

    /// The part of this description.
    pub fn open(&self, meta: PartMeta) -> Part {
        let path = self.path_of(&meta);
        Part::new(self.files.clone(), meta, path).kept_among(&self.opened_parts)
    }
}
