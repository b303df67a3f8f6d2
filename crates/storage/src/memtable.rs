//! The memory table: acknowledged events that are not in parts yet. Searches see them at once.
//!
//! Per day and log type it holds chunks and, for events that come one by one, open rows that are turned into chunks when
//! a search needs them or when there are enough. Nothing is built while the table is locked.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use vigie_domain::{Day, EventBatch, LogType};

use crate::chunk::{Chunk, ChunkBuilder, IndexColumns};

/// Open rows that are made into a chunk.
const OPEN_ROWS_MAX: usize = 4_096;
/// Bytes that an open row takes beside its values, about: its batch mostly holds little else.
const ROW_OVERHEAD_BYTES: usize = 1_024;

/// The day and log type of the events of a shelf, a part or a chunk.
pub type ShelfKey = (Day, LogType);

/// An event of a batch and its number in the log.
#[derive(Clone)]
pub struct OpenRow {
    /// Its number.
    pub sequence: u64,
    /// The batch that it came in.
    pub batch: Arc<EventBatch>,
    /// Its place there.
    pub place: usize,
}

/// Rows that become a chunk once: in the background, or before that for whoever looks.
pub struct LateChunk {
    log_type: LogType,
    index: Arc<IndexColumns>,
    /// None once they are a chunk.
    rows: Mutex<Vec<OpenRow>>,
    chunk: OnceLock<Arc<Chunk>>,
}

impl LateChunk {
    fn of_rows(log_type: LogType, index: Arc<IndexColumns>, rows: Vec<OpenRow>) -> Self {
        Self { log_type, index, rows: Mutex::new(rows), chunk: OnceLock::new() }
    }

    fn of_chunk(chunk: Chunk) -> Self {
        let log_type = chunk.log_type;
        Self { log_type, index: Arc::default(), rows: Mutex::default(), chunk: OnceLock::from(Arc::new(chunk)) }
    }

    /// Builds it if it was not.
    pub fn build(&self) {
        self.get();
    }

    /// The chunk; it is built if it was not.
    pub fn get(&self) -> &Arc<Chunk> {
        self.chunk.get_or_init(|| {
            let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
            let chunk = Arc::new(build(self.log_type, &rows, &self.index));
            *rows = Vec::new();
            chunk
        })
    }
}

/// Chunks of the first open rows, one after the other.
type ChunkCache = Arc<Mutex<Vec<BuiltRows>>>;

/// A chunk of some open rows.
struct BuiltRows {
    /// Their places.
    rows: Range<usize>,
    chunk: Arc<Chunk>,
}

#[derive(Default)]
struct Shelf {
    chunks: Vec<Arc<LateChunk>>,
    open: Vec<OpenRow>,
    index: Arc<IndexColumns>,
    cache: ChunkCache,
}

/// Events in memory.
#[derive(Default)]
pub struct MemTable {
    shelves: BTreeMap<ShelfKey, Shelf>,
    bytes: usize,
}

impl MemTable {
    /// Bytes that it takes, about.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether it holds no event.
    pub fn is_empty(&self) -> bool {
        self.shelves.is_empty()
    }

    /// Adds one event; `index` are the columns of its day. Answers rows that are now enough for a chunk: somebody should
    /// build it soon, since rows take more memory.
    pub fn insert_row(&mut self, key: ShelfKey, row: OpenRow, index: &Arc<IndexColumns>) -> Option<Arc<LateChunk>> {
        let shelf = self.shelves.entry(key).or_default();
        if shelf.open.is_empty() {
            shelf.index = index.clone();
        }
        self.bytes += ROW_OVERHEAD_BYTES + row.batch.row(row.place).size_bytes();
        shelf.open.push(row);
        if shelf.open.len() < OPEN_ROWS_MAX {
            return None;
        }
        let rows = std::mem::take(&mut shelf.open);
        shelf.cache = ChunkCache::default();
        let late = Arc::new(LateChunk::of_rows(key.1, shelf.index.clone(), rows));
        shelf.chunks.push(late.clone());
        Some(late)
    }

    /// Adds a chunk of one day's events.
    pub fn insert_chunk(&mut self, key: ShelfKey, chunk: Chunk) {
        self.bytes += chunk.bytes();
        self.shelves.entry(key).or_default().chunks.push(Arc::new(LateChunk::of_chunk(chunk)));
    }

    /// The days that it has events of.
    pub fn days(&self) -> impl Iterator<Item = Day> + '_ {
        self.shelves.keys().map(|(day, _)| *day)
    }

    /// The chunks of one day; open rows are in none.
    pub fn chunks_of(&self, day: Day) -> impl Iterator<Item = &Arc<LateChunk>> {
        self.shelves.iter().filter(move |(key, _)| key.0 == day).flat_map(|(_, shelf)| &shelf.chunks)
    }

    /// What lies on each shelf now; later insertions do not change it.
    pub fn snapshot(&self) -> Vec<(ShelfKey, ShelfSnapshot)> {
        self.shelves
            .iter()
            .map(|(key, shelf)| {
                let snapshot = ShelfSnapshot {
                    log_type: key.1,
                    chunks: shelf.chunks.clone(),
                    open: shelf.open.clone(),
                    index: shelf.index.clone(),
                    cache: shelf.cache.clone(),
                };
                (*key, snapshot)
            })
            .collect()
    }
}

fn build(log_type: LogType, rows: &[OpenRow], index: &IndexColumns) -> Chunk {
    ChunkBuilder::build(log_type, rows.iter().map(|row| (row.sequence, row.batch.row(row.place))), index)
}

/// The events of a shelf at one moment.
pub struct ShelfSnapshot {
    log_type: LogType,
    chunks: Vec<Arc<LateChunk>>,
    open: Vec<OpenRow>,
    index: Arc<IndexColumns>,
    cache: ChunkCache,
}

impl ShelfSnapshot {
    /// Its events as chunks.
    pub fn into_chunks(self) -> Vec<Arc<Chunk>> {
        let mut chunks: Vec<Arc<Chunk>> = self.chunks.iter().map(|late| late.get().clone()).collect();
        let mut built = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        let end = self.open.len();
        if built.last().map_or(0, |last| last.rows.end) < end {
            self.build_new(&mut built);
        }
        let known = built.partition_point(|built| built.rows.end <= end);
        chunks.extend(built[..known].iter().map(|built| built.chunk.clone()));
        let start = known.checked_sub(1).map_or(0, |last| built[last].rows.end);
        drop(built);
        if start < end {
            // More rows were built together since this moment than it has.
            chunks.push(self.build(start..end));
        }
        chunks
    }

    /// Builds the rows that came since, together with the chunks before them that are no larger: a row is built again only when as
    /// many others have come, however often somebody looks.
    fn build_new(&self, built: &mut Vec<BuiltRows>) {
        let end = self.open.len();
        let mut start = built.last().map_or(0, |last| last.rows.end);
        while let Some(last) = built.pop_if(|last| last.rows.len() <= end - start) {
            start = last.rows.start;
        }
        built.push(BuiltRows { rows: start..end, chunk: self.build(start..end) });
    }

    fn build(&self, rows: Range<usize>) -> Arc<Chunk> {
        Arc::new(build(self.log_type, &self.open[rows], &self.index))
    }
}

#[cfg(test)]
mod tests {
    use vigie_domain::{Event, Timestamp, Value};

    use super::*;

    fn insert(table: &mut MemTable, sequence: u64, seconds: i64) -> Option<Arc<LateChunk>> {
        let timestamp = Timestamp::from_seconds(seconds);
        let body = vec![("n".into(), Value::Int(sequence as i64))];
        let event = Event { id: None, timestamp, ingested_at: timestamp, log_type: LogType::Error, body };
        let row = OpenRow { sequence, batch: Arc::new(vec![event].into()), place: 0 };
        table.insert_row((timestamp.day(), LogType::Error), row, &Arc::default())
    }

    #[test]
    fn events_lie_by_day() {
        let mut table = MemTable::default();
        for (sequence, seconds) in [5, 3, 90_000].into_iter().enumerate() {
            insert(&mut table, sequence as u64, seconds);
        }
        let shelves = table.snapshot();
        assert_eq!(shelves.iter().map(|((day, _), _)| day.0).collect::<Vec<_>>(), [0, 1]);
        let first = shelves.into_iter().next().unwrap().1.into_chunks();
        assert_eq!(first[0].sequences(), [0, 1]);
    }

    #[test]
    fn whoever_looks_sees_the_rows_of_that_moment_and_few_are_built_again() {
        const ROWS: u64 = 1_000;
        let mut table = MemTable::default();
        let mut snapshots = Vec::new();
        for sequence in 0..ROWS {
            insert(&mut table, sequence, 1);
            snapshots.push(table.snapshot().remove(0).1);
            if sequence % 3 == 0 {
                let chunks = table.snapshot().remove(0).1.into_chunks();
                assert!(chunks.len() <= 11, "{} chunks of {sequence} rows", chunks.len());
                let sequences: Vec<u64> = chunks.iter().flat_map(|chunk| chunk.sequences().to_vec()).collect();
                assert_eq!(sequences, (0..=sequence).collect::<Vec<_>>());
            }
        }
        let built = table.shelves.values().next().unwrap().cache.clone();
        assert!(built.lock().unwrap()[0].rows.len() >= 512, "older rows lie together");
        for (sequence, snapshot) in (0..).zip(snapshots) {
            let seen: usize = snapshot.into_chunks().iter().map(|chunk| chunk.rows()).sum();
            assert_eq!(seen, sequence + 1);
        }
    }

    #[test]
    fn many_rows_become_chunks_and_none_is_lost() {
        let mut table = MemTable::default();
        let late: Vec<_> =
            (0..OPEN_ROWS_MAX as u64 + 5).filter_map(|sequence| insert(&mut table, sequence, 1)).collect();
        let [late] = late.as_slice() else { panic!("{} are to be built", late.len()) };
        assert!(late.chunk.get().is_none(), "nothing is built on insertion");
        let chunks = table.snapshot().remove(0).1.into_chunks();
        assert_eq!(chunks.iter().map(|chunk| chunk.rows()).collect::<Vec<_>>(), [OPEN_ROWS_MAX, 5]);
        assert!(Arc::ptr_eq(&chunks[0], late.get()) && late.rows.lock().unwrap().is_empty());
    }
}
