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
const CHUNK_ROWS_MIN: usize = 1_024;

/// An encoded batch and its columns.
pub struct PreparedBatch {
    /// The batch's key.
    pub key: Option<String>,
    /// Its record.
    pub encoded: EncodedBatch,
    /// The latest arrival in it.
    pub now: Timestamp,
    events: Vec<Arc<Event>>,
    has_ids: bool,
    /// Chunks whose sequence numbers are places in the batch.
    chunks: Vec<(ShelfKey, Chunk)>,
    /// Places of events that are in no chunk.
    rows: Vec<usize>,
}

impl PreparedBatch {
    /// Encodes the batch and builds its chunks. CPU only.
    pub fn new(batch: Append) -> Self {
        let encoded = EncodedBatch::new(batch.key.as_deref(), &batch.events);
        let now = batch.events.iter().map(|event| event.ingested_at).max().unwrap_or_default();
        let has_ids = batch.events.iter().any(|event| event.id.is_some());
        let events: Vec<Arc<Event>> = batch.events.into_iter().map(Arc::new).collect();
        let mut groups: BTreeMap<ShelfKey, Vec<usize>> = BTreeMap::new();
        for (place, event) in events.iter().enumerate() {
            groups.entry((event.timestamp.day(), event.log_type)).or_default().push(place);
        }
        let (mut chunks, mut rows) = (Vec::new(), Vec::new());
        for (key, places) in groups {
            if places.len() < CHUNK_ROWS_MIN {
                rows.extend(places);
            } else {
                let numbered = places.iter().map(|place| (*place as u64, events[*place].as_ref()));
                chunks.push((key, ChunkBuilder::build(key.1, numbered)));
            }
        }
        Self { key: batch.key, encoded, now, events, has_ids, chunks, rows }
    }

    /// How many events it holds.
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// The batch without events that one of the indices knows, or that are twice in it; `None` when nothing would change.
    pub fn without_known(&self, indices: &[&DedupIndex]) -> Option<Self> {
        if !self.has_ids {
            return None;
        }
        let mut seen = std::collections::HashSet::new();
        let is_new = |event: &&Arc<Event>| match &event.id {
            Some(id) => !indices.iter().any(|index| index.has_id(&id.0, self.now)) && seen.insert(id.0.clone()),
            None => true,
        };
        let kept: Vec<Event> = self.events.iter().filter(is_new).map(|event| event.as_ref().clone()).collect();
        (kept.len() < self.events.len()).then(|| Self::new(Append { key: self.key.clone(), events: kept }))
    }

    /// Remembers its key and ids.
    pub fn remember(&self, dedup: &mut DedupIndex) {
        if let Some(key) = &self.key {
            dedup.add_key(key, self.now);
        }
        if self.has_ids {
            self.events.iter().filter_map(|event| event.id.as_ref()).for_each(|id| dedup.add_id(&id.0, self.now));
        }
    }

    /// Adds its events to the memory table under their sequence numbers.
    pub fn insert_into(self, table: &mut MemTable, first_sequence: u64) {
        for (key, chunk) in self.chunks {
            table.insert_chunk(key, with_sequences_from(chunk, first_sequence));
        }
        for place in self.rows {
            table.insert_row(Row { sequence: first_sequence + place as u64, event: self.events[place].clone() });
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
