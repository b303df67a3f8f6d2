//! Opening a data folder: what the manifest lists, then what the log holds beyond it.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, AsArray};
use vigie_domain::{Error, ErrorKind, Timestamp};

use super::maintenance::{PartFolder, WrittenTable};
use super::prepared::PreparedBatch;
use super::state::columns_of;
use super::{PARTS_FOLDER, WAL_FOLDER};
use crate::chunk::{Exceeding, IndexRegistry, column_names, dynamic_columns};
use crate::dedup::{DedupIndex, REMEMBERED_NS};
use crate::error::StorageError;
use crate::files::{self, Access, Files, FolderLock};
use crate::manifest::{Manifest, PartMeta};
use crate::memtable::MemTable;
use crate::options::EngineOptions;
use crate::part::Part;
use crate::wal::record::Record;
use crate::wal::replay::{ReplayReport, replay};
use crate::wal::{self};

/// A data folder made ready.
pub struct Recovered {
    /// Held as long as the engine runs.
    pub lock: FolderLock,
    /// Parts and manifest.
    pub parts: PartFolder,
    /// The published parts.
    pub published: Vec<Arc<Part>>,
    /// Events that only the log holds.
    pub table: MemTable,
    /// What was stored lately.
    pub dedup: DedupIndex,
    /// The columns of indices that events were added to.
    pub indices: IndexRegistry,
    /// Of the events that were written to parts while the log was read.
    pub exceeding: Exceeding,
    /// The next event's sequence number.
    pub next_sequence: u64,
    /// What the log held.
    pub report: ReplayReport,
}

/// Takes the folder for this process and reads what it holds.
///
/// # Errors
/// `Conflict` when another process has it; `Internal` when it is damaged.
pub fn recover(options: &EngineOptions) -> Result<Recovered, Error> {
    let (folder, files) = (&options.folder, &*options.files);
    let io_error = |error: io::Error| {
        Error::new(ErrorKind::Unavailable, format!("the data folder \"{}\" cannot be used: {error}", folder.display()))
    };
    files::create_folder(files, &folder.join(WAL_FOLDER), Access::Usual).map_err(io_error)?;
    files::create_folder(files, &folder.join(PARTS_FOLDER), Access::Usual).map_err(io_error)?;
    let lock = take_lock(files, folder)?;
    // A process that was killed may have renamed the manifest and not synced it. What is removed below because of this
    // manifest must not be missed by an older one.
    files.sync_folder(folder).map_err(io_error)?;
    let manifest = Manifest::load(files, folder)?;
    refuse_lost_manifest(files, folder, &manifest)?;
    remove_unlisted(files, folder, &manifest).map_err(io_error)?;
    let opened_parts = Arc::default();
    let mut parts = PartFolder { files: options.files.clone(), folder: folder.clone(), manifest, opened_parts };
    let mut state = Replaying {
        table: MemTable::default(),
        dedup: DedupIndex::default(),
        latest: Timestamp::MIN,
        indices: IndexRegistry::new(options.fields_max),
        exceeding: Exceeding::default(),
    };
    state.remember_parts(&parts);
    let consumed = parts.manifest.consumed_up_to;
    let report = replay(files, &folder.join(WAL_FOLDER), &mut |record| {
        state.insert(record, consumed, &parts);
        if state.table.bytes() >= options.flush_bytes {
            state.spill(&mut parts).map_err(io::Error::other)?;
        }
        Ok(())
    })
    .map_err(io_error)?;
    let next_sequence = report.next_sequence.max(consumed);
    let published = parts.manifest.parts.iter().map(|meta| Arc::new(parts.open(meta.clone()))).collect();
    let Replaying { table, dedup, indices, exceeding, .. } = state;
    Ok(Recovered { lock, published, parts, table, dedup, indices, exceeding, next_sequence, report })
}

/// Takes the folder for this process.
///
/// # Errors
/// `Conflict` when another process has it.
pub fn take_lock(files: &dyn Files, folder: &Path) -> Result<FolderLock, Error> {
    let path = folder.join("lock");
    let unusable = |error: io::Error| {
        Error::new(ErrorKind::Unavailable, format!("the lock \"{}\" cannot be taken: {error}", path.display()))
    };
    files.lock(&path).map_err(unusable)?.ok_or_else(|| {
        let folder = folder.display();
        let words =
            format!("the data folder \"{folder}\" is in use by another process; stop it or choose another folder");
        Error::new(ErrorKind::Conflict, words)
    })
}

/// Without a manifest every part would be taken for one that a crash left behind, and be removed. That is right only
/// while the log still holds everything since the first event.
fn refuse_lost_manifest(files: &dyn Files, folder: &Path, manifest: &Manifest) -> Result<(), Error> {
    let io_error = |error: io::Error| Error::internal(format!("the data folder cannot be read: {error}"));
    if *manifest != Manifest::default() {
        return Ok(());
    }
    let days = files.list(&folder.join(PARTS_FOLDER)).map_err(io_error)?;
    let mut parts = days.iter().filter_map(|day| files.list(day).ok()).flatten();
    let log_is_whole = || {
        let segments = wal::segments(files, &folder.join(WAL_FOLDER))?;
        Ok(segments.first().is_some_and(|segment| segment.first_sequence == 0))
    };
    if parts.next().is_none() || log_is_whole().map_err(io_error)? {
        return Ok(());
    }
    Err(Error::internal(format!(
        "the data folder \"{}\" has parts but no manifest that lists them, so nothing was touched; restore \"manifest\" or the whole folder from a backup",
        folder.display()
    )))
}

/// Files that a crash left behind before they were listed, or after they no longer were.
fn remove_unlisted(files: &dyn Files, folder: &Path, manifest: &Manifest) -> io::Result<()> {
    let paths = |part: &PartMeta| std::iter::once(part.relative_path()).chain(part.relative_index_path());
    let listed: BTreeSet<String> = manifest.parts.iter().flat_map(paths).collect();
    let parts_folder = folder.join(PARTS_FOLDER);
    for day in files.list(&parts_folder)? {
        for file in files.list(&day)? {
            let name = file.strip_prefix(&parts_folder).unwrap_or(&file).to_string_lossy();
            if !listed.contains(&*name) {
                files::remove_file(files, &file)?;
            }
        }
        // Of a day whose parts are gone; one with files is refused.
        let _ = files.remove_folder(&day);
    }
    Ok(())
}

struct Replaying {
    table: MemTable,
    dedup: DedupIndex,
    latest: Timestamp,
    indices: IndexRegistry,
    exceeding: Exceeding,
}

impl Replaying {
    /// Ids and keys that parts hold and that are still remembered.
    fn remember_parts(&mut self, parts: &PartFolder) {
        let latest = parts.manifest.parts.iter().map(|part| part.last_ingested_at).max().unwrap_or(Timestamp::MIN);
        let oldest = latest.saturating_add_nanos(-REMEMBERED_NS);
        parts.manifest.keys.iter().for_each(|key| self.dedup.add_key(&key.key, key.stored_at));
        let columns = BTreeSet::from([column_names::ID.to_owned(), column_names::INGESTED_AT.to_owned()]);
        let mut lately: Vec<_> =
            parts.manifest.parts.iter().filter(|part| part.has_ids && part.last_ingested_at >= oldest).collect();
        lately.sort_by_key(|part| part.last_ingested_at);
        for meta in lately {
            let part = parts.open(meta.clone());
            let read = part.read(&columns, &part.all_rows(), &mut |_, chunk| {
                let Some(ids) = chunk.column(column_names::ID).map(|ids| ids.as_string::<i32>().clone()) else {
                    return Ok(std::ops::ControlFlow::Break(()));
                };
                for (row, ingested_at) in chunk.ingested_at().iter().enumerate() {
                    if ids.is_valid(row) && *ingested_at >= oldest.as_nanos() {
                        self.dedup.add_id(ids.value(row), Timestamp::from_nanos(*ingested_at));
                    }
                }
                Ok(std::ops::ControlFlow::Continue(()))
            });
            // What needs the part is told when it asks; everything else goes on.
            if let Err(error) = read {
                tracing::error!(%error, "ids of events that were stored lately are not known; sent again, they are stored again");
            }
        }
        self.latest = latest;
    }

    fn insert(&mut self, record: Record, consumed: u64, parts: &PartFolder) {
        let Record { first_sequence, key, events } = record;
        let stored = |day| {
            let in_memory = self.table.chunks_of(day);
            let in_memory = in_memory.map(|late| late.get());
            let columns = in_memory.flat_map(|chunk| dynamic_columns(chunk.batch.schema_ref(), chunk.log_type));
            let metas = parts.manifest.parts.iter().filter(|meta| meta.day == day);
            columns.chain(metas.flat_map(|meta| columns_of(&parts.open(meta.clone())))).collect()
        };
        let index_of = |day| self.indices.of(day, || stored(day));
        let batch = PreparedBatch::new(vigie_domain::ports::Append { key, events }, &index_of);
        // A record is consumed as a whole: tables are sealed between batches. What the parts no longer have of one that is was removed,
        // and may be sent again.
        if first_sequence >= consumed {
            batch.remember(&mut self.dedup);
            batch.insert_into(&mut self.table, first_sequence).iter().for_each(|late| late.build());
        }
    }

    /// Writes the table to parts while replaying, so that memory stays bounded however long the log is.
    fn spill(&mut self, parts: &mut PartFolder) -> Result<(), StorageError> {
        let table = std::mem::take(&mut self.table);
        let WrittenTable { metas, exceeding } = parts.write_table(&table)?;
        self.exceeding += exceeding;
        let mut manifest = parts.manifest.clone();
        let consumed = metas.iter().map(|meta| meta.max_sequence + 1).max().unwrap_or(manifest.consumed_up_to);
        manifest.consumed_up_to = manifest.consumed_up_to.max(consumed);
        manifest.parts.extend(metas);
        manifest.keys = self.dedup.keys();
        parts.store(manifest)
    }
}

/// Removes log segments that parts hold completely.
///
/// # Errors
/// What the file system answers.
pub fn trim_log(parts: &PartFolder) -> io::Result<()> {
    wal::remove_before(&*parts.files, &parts.folder.join(WAL_FOLDER), parts.manifest.consumed_up_to)
}
