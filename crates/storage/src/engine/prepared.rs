//! A batch made ready by its sender's task, so that the one committing thread has little left to do.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, UInt64Array};
use vigie_domain::ports::Append;
use vigie_domain::{Day, EventBatch, Timestamp};

use crate::chunk::{Chunk, ChunkBuilder, IndexColumns, column_names};
use crate::dedup::DedupIndex;
use crate::memtable::{LateChunk, MemTable, OpenRow, ShelfKey};
use crate::wal::record::EncodedBatch;

/// From this many events of one day and log type on, a batch brings its own chunk.
const CHUNK_ROWS_MIN: usize = 128;

/// Tells the columns that the index of a day has and may have.
pub type IndexOf<'a> = dyn Fn(Day) -> Arc<IndexColumns> + 'a;

/// An encoded batch and its columns.
pub struct PreparedBatch {
    /// The batch's key.
    pub key: Option<String>,
    /// Its record.
    pub encoded: EncodedBatch,
    /// The latest arrival in it.
    pub now: Timestamp,
    events: EventBatch,
    has_ids: bool,
    /// Chunks whose sequence numbers are places in the batch.
    chunks: Vec<(ShelfKey, Chunk)>,
    /// Events that are in no chunk, and their places in the batch. They outlive it, so they are a batch of their own.
    open: Arc<EventBatch>,
    open_places: Vec<(ShelfKey, usize)>,
    /// The columns of each day that it has events of.
    indices: BTreeMap<Day, Arc<IndexColumns>>,
}

impl PreparedBatch {
    /// Encodes the batch and builds its chunks. CPU only, but for what `index_of` does.
    pub fn new(batch: Append, index_of: &IndexOf<'_>) -> Self {
        let Append { key, events } = batch;
        let encoded = EncodedBatch::new(key.as_deref(), &events);
        let (mut now, mut has_ids) = (Timestamp::MIN, false);
        let mut groups: BTreeMap<ShelfKey, Vec<usize>> = BTreeMap::new();
        for (place, row) in events.rows().enumerate() {
            now = now.max(row.ingested_at());
            has_ids |= row.has_id();
            groups.entry((row.timestamp().day(), row.log_type())).or_default().push(place);
        }
        let (mut chunks, mut open, mut open_places) = (Vec::new(), EventBatch::default(), Vec::new());
        let mut indices = BTreeMap::new();
        for (key, places) in groups {
            let index: &Arc<IndexColumns> = indices.entry(key.0).or_insert_with(|| index_of(key.0));
            if places.len() < CHUNK_ROWS_MIN {
                places.iter().for_each(|place| open.push_row(events.row(*place)));
                open_places.extend(places.into_iter().map(|place| (key, place)));
            } else {
                let numbered = places.iter().map(|place| (*place as u64, events.row(*place)));
                chunks.push((key, ChunkBuilder::build(key.1, numbered, index)));
            }
        }
        Self { key, encoded, now, events, has_ids, chunks, open: Arc::new(open), open_places, indices }
    }

    /// The days that it has events of.
    pub fn days(&self) -> BTreeSet<Day> {
        self.indices.keys().copied().collect()
    }

    /// How many events it holds.
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// The batch without events that one of the indices knows, or that are twice in it, and their places; `None` when
    /// nothing would change.
    pub fn without_known(&self, indices: &[&DedupIndex]) -> Option<(Self, Vec<usize>)> {
        if !self.has_ids {
            return None;
        }
        let mut seen = std::collections::HashSet::new();
        let mut known = Vec::new();
        for (place, row) in self.events.rows().enumerate() {
            let Some(id) = row.id() else { continue };
            if indices.iter().any(|index| index.has_id(id, self.now)) || !seen.insert(id.to_owned()) {
                known.push(place);
            }
        }
        if known.is_empty() {
            return None;
        }
        let (mut kept, mut left_out) = (EventBatch::default(), known.iter().peekable());
        for (place, row) in self.events.rows().enumerate() {
            if left_out.next_if_eq(&&place).is_none() {
                kept.push_row(row);
            }
        }
        let index_of = |day| self.indices.get(&day).cloned().unwrap_or_default();
        Some((Self::new(Append { key: self.key.clone(), events: kept }, &index_of), known))
    }

    /// Remembers its key and ids.
    pub fn remember(&self, dedup: &mut DedupIndex) {
        if let Some(key) = &self.key {
            dedup.add_key(key, self.now);
        }
        if self.has_ids {
            self.events.rows().filter_map(|row| row.id()).for_each(|id| dedup.add_id(id, self.now));
        }
    }

    /// Adds its events to the memory table under their sequence numbers; answers what is to be built of them.
    pub fn insert_into(self, table: &mut MemTable, first_sequence: u64) -> Vec<Arc<LateChunk>> {
        for (key, chunk) in self.chunks {
            table.insert_chunk(key, with_sequences_from(chunk, first_sequence));
        }
        let mut late = Vec::new();
        for (place, (key, place_in_batch)) in self.open_places.into_iter().enumerate() {
            let Some(index) = self.indices.get(&key.0) else { unreachable!("each day has its columns") };
            let sequence = first_sequence + place_in_batch as u64;
            late.extend(table.insert_row(key, OpenRow { sequence, batch: self.open.clone(), place }, index));
        }
        late
    }
}

fn with_sequences_from(chunk: Chunk, first_sequence: u64) -> Chunk {
    let sequences: UInt64Array = chunk.sequences().iter().map(|place| first_sequence + place).collect();
    let sequences: ArrayRef = Arc::new(sequences);
    let schema = chunk.batch.schema();
    let columns =
        schema.fields().iter().zip(chunk.batch.columns()).map(|(field, column)| {
            if field.name() == column_names::SEQUENCE { sequences.clone() } else { column.clone() }
        });
    match RecordBatch::try_new(schema.clone(), columns.collect()) {
        Ok(batch) => Chunk { batch, ..chunk },
        Err(error) => unreachable!("a column was replaced by one of its type and length: {error}"),
    }
}
