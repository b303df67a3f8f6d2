//! The thread that writes memory tables to parts and merges small parts. It alone changes the manifest.

use std::collections::{BTreeMap, BTreeSet};
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
use crate::memtable::{MemTable, ShelfKey};
use crate::options::EngineOptions;
use crate::part::{self, Effort, OpenedParts, Part};
use crate::wal;

/// How often the size of the memory table is looked at.
const LOOK_INTERVAL: Duration = Duration::from_millis(200);
/// How long to wait after a failure before trying again.
const RETRY_INTERVAL: Duration = Duration::from_secs(2);

/// How often it is looked whether an index has come of age.
const AGEING_INTERVAL: Duration = Duration::from_secs(10);
/// Columns of a merged part beside the dynamic ones that an index may have: those of the mapping and some hundred more, for
/// parts that were written when an index could have other ones.
const MORE_COLUMNS_MAX: usize = 1_000;
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
        let mut last_flush = Instant::now();
        let mut unwritten: Option<Sealed> = None;
        let mut next_ageing = Instant::now();
        let mut next_forgetting = Instant::now() + FORGET_INTERVAL;
        loop {
            let requests = self.signal.wait(if unwritten.is_some() { RETRY_INTERVAL } else { LOOK_INTERVAL });
            if requests.stop {
                return;
            }
            let is_asked = requests.is_flush_asked();
            let bytes = self.shared.lock().active.bytes();
            let is_due =
                bytes >= self.options.flush_bytes || last_flush.elapsed() >= self.options.flush_interval || is_asked;
            let mut is_left_in_memory = bytes > 0;
            if unwritten.is_none() && is_due {
                unwritten = self.seal();
                is_left_in_memory &= unwritten.is_none();
                last_flush = Instant::now();
            }
            if let Some(sealed) = unwritten.take()
                && let Err(error) = self.flush(&sealed)
            {
                tracing::error!(%error, "events could not be written to parts; they stay in memory and log");
                self.shared.say_unwritten(error.is_disk_full());
                unwritten = Some(sealed);
                continue;
            }
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
            if let Err(error) = self.merge_one() {
                tracing::error!(%error, "parts could not be merged; they stay as they are");
            }
            if Instant::now() >= next_forgetting {
                next_forgetting = Instant::now() + FORGET_INTERVAL;
                self.parts.opened_parts.forget_unused();
            }
            if is_asked || Instant::now() >= next_ageing {
                next_ageing = Instant::now() + AGEING_INTERVAL;
                if let Err(error) = self.age_one() {
                    tracing::error!(%error, "an index could not be rewritten or deleted for its age; it stays as it is");
                }
            }
        }
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

    /// Merges the small parts of one day and log type, if there are enough.
    fn merge_one(&mut self) -> Result<(), StorageError> {
        let mut small: BTreeMap<ShelfKey, Vec<Arc<Part>>> = BTreeMap::new();
        for part in &self.shared.lock().parts {
            // One that cannot be read would fail every merge again and keep the others from theirs.
            let is_small = part.meta.rows < self.options.merge_rows_max / self.options.merge_fan_in as u64;
            if is_small && !part.is_unreadable() {
                small.entry((part.meta.day, part.meta.log_type)).or_default().push(part.clone());
            }
        }
        let columns_max = self.columns_max();
        let group_of = |parts| one_tier(parts, self.options.merge_fan_in).filter(|group| is_narrow(group, columns_max));
        let Some(group) = small.into_values().find_map(group_of) else { return Ok(()) };
        self.replace(&group, Effort::Light).map(|_| ())
    }

    /// Columns of a merged part.
    pub fn columns_max(&self) -> usize {
        self.options.fields_max + MORE_COLUMNS_MAX
    }

    /// Puts one part in place of these, which are of one day and log type, and answers its bytes.
    ///
    /// # Errors
    /// What the file system or a damaged part answers; the parts are then as they were.
    pub fn replace(&mut self, group: &[Arc<Part>], effort: Effort) -> Result<u64, StorageError> {
        let meta = self.parts.merge(group, effort)?;
        let bytes = meta.bytes + meta.index_bytes;
        self.exchange(group, Some(meta))?;
        Ok(bytes)
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

/// Whether a part of all their columns would have a bearable number of them: writing holds buffers for each. Indices have
/// a bound of their own; parts that are older than it, or than another setting of it, may stay apart.
fn is_narrow(group: &[Arc<Part>], columns_max: usize) -> bool {
    narrow_groups(group, columns_max).len() <= 1
}

/// The parts in groups that have so many columns together at most; one that alone has more is a group of its own.
pub fn narrow_groups(parts: &[Arc<Part>], columns_max: usize) -> Vec<Vec<Arc<Part>>> {
    let mut groups: Vec<(BTreeSet<String>, Vec<Arc<Part>>)> = Vec::new();
    for part in parts {
        // What cannot be read is told by the merge.
        let columns: BTreeSet<String> = part.schema().map_or_else(
            |_| BTreeSet::new(),
            |schema| schema.fields().iter().map(|field| field.name().clone()).collect(),
        );
        let fits = |(known, _): &&mut (BTreeSet<String>, _)| known.union(&columns).count() <= columns_max;
        match groups.iter_mut().find(fits) {
            Some((known, group)) => {
                known.extend(columns);
                group.push(part.clone());
            }
            None => groups.push((columns, vec![part.clone()])),
        }
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

/// Parts of similar size, so that no event is rewritten more than a logarithmic number of times.
fn one_tier(mut parts: Vec<Arc<Part>>, fan_in: usize) -> Option<Vec<Arc<Part>>> {
    parts.sort_by_key(|part| part.meta.rows);
    let first = (0..=parts.len().checked_sub(fan_in)?).find(|first| {
        let total: u64 = parts[*first..*first + fan_in].iter().map(|part| part.meta.rows).sum();
        let largest = parts[*first + fan_in - 1].meta.rows;
        largest <= total - largest
    })?;
    Some(parts.drain(first..first + fan_in).collect())
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

    /// Writes the events of these parts, which are of one day and log type, to a new one; the manifest does not list it yet.
    fn merge(&mut self, parts: &[Arc<Part>], effort: Effort) -> Result<PartMeta, StorageError> {
        let metas = || parts.iter().map(|part| &part.meta);
        let Some(first) = metas().next() else {
            return Err(StorageError::Damaged("no part to merge".to_owned()));
        };
        let meta = PartMeta {
            id: self.next_part(),
            last_ingested_at: metas().map(|meta| meta.last_ingested_at).max().unwrap_or_default(),
            has_ids: metas().any(|meta| meta.has_ids),
            is_recompressed: effort == Effort::Hard,
            ..PartMeta::unwritten(first.day, first.log_type)
        };
        let written = part::merge(&self.files, &self.path_of(&meta), parts, effort)?;
        Ok(meta.with_written(&written))
    }

    /// Writes those events of the part whose rows are kept, at least one, to a new one; the manifest does not list it yet.
    ///
    /// # Errors
    /// What the file system or a damaged part answers.
    pub fn rewrite(&mut self, part: &Arc<Part>, kept: &BooleanBuffer) -> Result<PartMeta, StorageError> {
        let meta = PartMeta { id: self.next_part(), ..part.meta.clone() };
        let effort = if meta.is_recompressed { Effort::Hard } else { Effort::Light };
        let written = part::rewrite(&self.files, &self.path_of(&meta), part, kept, effort)?;
        Ok(meta.with_written(&written))
    }

    fn next_part(&mut self) -> u64 {
        self.manifest.next_part += 1;
        self.manifest.next_part - 1
    }

    fn path_of(&self, meta: &PartMeta) -> PathBuf {
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
