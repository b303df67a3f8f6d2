//! The memory table: acknowledged events that are not in parts yet. Searches see them at once.
//!
//! Per day and log type it holds finished chunks and, for events that come one by one, open rows that are turned into
//! a chunk when a search needs them or when there are enough.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

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

type ChunkCache = Arc<Mutex<Option<(usize, Arc<Chunk>)>>>;

#[derive(Default)]
struct Shelf {
    chunks: Vec<Arc<Chunk>>,
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

    /// Adds one event; `index` are the columns of its day.
    pub fn insert_row(&mut self, key: ShelfKey, row: OpenRow, index: &Arc<IndexColumns>) {
        let shelf = self.shelves.entry(key).or_default();
        if shelf.open.is_empty() {
            shelf.index = index.clone();
        }
        self.bytes += ROW_OVERHEAD_BYTES + row.batch.row(row.place).size_bytes();
        shelf.open.push(row);
        if shelf.open.len() >= OPEN_ROWS_MAX {
            let rows = std::mem::take(&mut shelf.open);
            shelf.cache = ChunkCache::default();
            shelf.chunks.push(Arc::new(build(key.1, &rows, &shelf.index)));
        }
    }

    /// Adds a chunk of one day's events.
    pub fn insert_chunk(&mut self, key: ShelfKey, chunk: Chunk) {
        self.bytes += chunk.bytes();
        self.shelves.entry(key).or_default().chunks.push(Arc::new(chunk));
    }

    /// The days that it has events of.
    pub fn days(&self) -> impl Iterator<Item = Day> + '_ {
        self.shelves.keys().map(|(day, _)| *day)
    }

    /// The finished chunks of one day.
    pub fn chunks_of(&self, day: Day) -> impl Iterator<Item = &Arc<Chunk>> {
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
    chunks: Vec<Arc<Chunk>>,
    open: Vec<OpenRow>,
    index: Arc<IndexColumns>,
    cache: ChunkCache,
}

impl ShelfSnapshot {
    /// Its events as chunks; the open rows are built once and remembered until there are more.
    pub fn into_chunks(self) -> Vec<Arc<Chunk>> {
        let mut chunks = self.chunks;
        if self.open.is_empty() {
            return chunks;
        }
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        let built = match cache.as_ref() {
            Some((rows, chunk)) if *rows == self.open.len() => chunk.clone(),
            _ => {
                let chunk = Arc::new(build(self.log_type, &self.open, &self.index));
                *cache = Some((self.open.len(), chunk.clone()));
                chunk
            }
        };
        drop(cache);
        chunks.push(built);
        chunks
    }
}

#[cfg(test)]
mod tests {
    use vigie_domain::{Event, Timestamp, Value};

    use super::*;

    fn insert(table: &mut MemTable, sequence: u64, seconds: i64) {
        let timestamp = Timestamp::from_seconds(seconds);
        let body = vec![("n".into(), Value::Int(sequence as i64))];
        let event = Event { id: None, timestamp, ingested_at: timestamp, log_type: LogType::Error, body };
        let row = OpenRow { sequence, batch: Arc::new(vec![event].into()), place: 0 };
        table.insert_row((timestamp.day(), LogType::Error), row, &Arc::default());
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
    fn many_rows_become_chunks_and_none_is_lost() {
        let mut table = MemTable::default();
        for sequence in 0..OPEN_ROWS_MAX as u64 + 5 {
            insert(&mut table, sequence, 1);
        }
        let chunks = table.snapshot().remove(0).1.into_chunks();
        assert_eq!(chunks.iter().map(|chunk| chunk.rows()).collect::<Vec<_>>(), [OPEN_ROWS_MAX, 5]);
    }
}
