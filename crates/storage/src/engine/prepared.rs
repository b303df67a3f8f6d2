//! A batch made ready by its sender's task, so that the one committing thread has little left to do.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, UInt64Array};
use vigie_domain::ports::Append;
use vigie_domain::{Event, Timestamp};

use crate::chunk::{Chunk, ChunkBuilder, column_names};
use crate::dedup::DedupIndex;
use crate::memtable::{MemTable, Row, ShelfKey};
use crate::wal::record::EncodedBatch;

/// From this many events of one day and log type on, a batch brings its own chunk.
const CHUNK_ROWS_MIN: usize = 128;

/// An encoded batch and its columns.
pub struct PreparedBatch {
    /// The batch's key.
    pub key: Option<String>,
    /// Its record.
    pub encoded: EncodedBatch,
    /// The latest arrival in it.
    pub now: Timestamp,
    len: usize,
    /// All events, when any has a sender's id: some of them may be known.
    with_ids: Vec<Event>,
    /// Chunks whose sequence numbers are places in the batch.
    chunks: Vec<(ShelfKey, Chunk)>,
    /// Places of events that are in no chunk, and the events.
    rows: Vec<(usize, Arc<Event>)>,
}

impl PreparedBatch {
    /// Encodes the batch and builds its chunks. CPU only.
    pub fn new(batch: Append) -> Self {
        let encoded = EncodedBatch::new(batch.key.as_deref(), &batch.events);
        let now = batch.events.iter().map(|event| event.ingested_at).max().unwrap_or_default();
        let mut groups: BTreeMap<ShelfKey, Vec<usize>> = BTreeMap::new();
        for (place, event) in batch.events.iter().enumerate() {
            groups.entry((event.timestamp.day(), event.log_type)).or_default().push(place);
        }
        let (mut chunks, mut rows) = (Vec::new(), Vec::new());
        for (key, places) in groups {
            if places.len() < CHUNK_ROWS_MIN {
                rows.extend(places.into_iter().map(|place| (place, Arc::new(batch.events[place].clone()))));
            } else {
                let numbered = places.iter().map(|place| (*place as u64, &batch.events[*place]));
                chunks.push((key, ChunkBuilder::build(key.1, numbered)));
            }
        }
        let len = batch.events.len();
        let has_ids = batch.events.iter().any(|event| event.id.is_some());
        // Whoever sent the batch frees its events: the committing thread is one for all.
        let with_ids = if has_ids { batch.events } else { Vec::new() };
        Self { key: batch.key, encoded, now, len, with_ids, chunks, rows }
    }

    /// How many events it holds.
    pub fn len(&self) -> usize {
        self.len
    }

    /// The batch without events that one of the indices knows, or that are twice in it; `None` when nothing would change.
    pub fn without_known(&self, indices: &[&DedupIndex]) -> Option<Self> {
        let mut seen = std::collections::HashSet::new();
        let is_new = |event: &&Event| match &event.id {
            Some(id) => !indices.iter().any(|index| index.has_id(&id.0, self.now)) && seen.insert(id.0.clone()),
            None => true,
        };
        let kept: Vec<Event> = self.with_ids.iter().filter(is_new).cloned().collect();
        (kept.len() < self.with_ids.len()).then(|| Self::new(Append { key: self.key.clone(), events: kept }))
    }

    /// Remembers its key and ids.
    pub fn remember(&self, dedup: &mut DedupIndex) {
        if let Some(key) = &self.key {
            dedup.add_key(key, self.now);
        }
        self.with_ids.iter().filter_map(|event| event.id.as_ref()).for_each(|id| dedup.add_id(&id.0, self.now));
    }

    /// Adds its events to the memory table under their sequence numbers.
    pub fn insert_into(self, table: &mut MemTable, first_sequence: u64) {
        for (key, chunk) in self.chunks {
            table.insert_chunk(key, with_sequences_from(chunk, first_sequence));
        }
        for (place, event) in self.rows {
            table.insert_row(Row { sequence: first_sequence + place as u64, event });
        }
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
