//! A chunk: events of one log type as columns, in memory or read from a part.
//!
//! Both have the same columns, so one scan serves both.

mod builder;
pub mod column;
mod index_columns;
mod line_column;
mod line_writer;
pub mod overflow;
mod overflow_fields;
pub mod physical;
pub mod shape;
mod source;

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{Schema, TimestampNanosecondType, UInt64Type};
use arrow::error::ArrowError;
use vigie_domain::{LogType, Position, Timestamp};

use crate::part::Rows;

pub use builder::ChunkBuilder;
pub use index_columns::{COLUMNS_MAX, IndexColumns, IndexRegistry, dynamic_columns};
pub use line_writer::LineWriter;
pub use overflow_fields::OverflowFields;
pub use source::SourceReader;

/// Names of the columns that every chunk has beside its fields. Field columns never begin with `_` or `@`.
pub mod column_names {
    /// The event's own time.
    pub const TIMESTAMP: &str = "@timestamp";
    /// Its number in the log.
    pub const SEQUENCE: &str = "_seq";
    /// When it was accepted.
    pub const INGESTED_AT: &str = "_ingested_at";
    /// The text of its shape; empty when the overflow has it.
    pub const SHAPE: &str = "_shape";
    /// The sender's id; only there when any was sent.
    pub const ID: &str = "_id";
    /// What no column holds; only there when needed.
    pub const OVERFLOW: &str = "_overflow";

    /// Whether the column is one of these and not a field's.
    pub fn is_own(name: &str) -> bool {
        name.starts_with('_') || name == TIMESTAMP
    }
}

/// Events of one log type as columns; possibly only some of the columns.
#[derive(Clone, Debug)]
pub struct Chunk {
    /// Their log type.
    pub log_type: LogType,
    /// The columns.
    pub batch: RecordBatch,
    /// Fields that have values in the overflow column.
    pub overflow_fields: Arc<OverflowFields>,
    /// Of a chunk in memory: what exceeded bounds.
    pub exceeding: Exceeding,
}

/// Values that lie in the overflow column because a bound was reached, and not for what they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exceeding {
    /// Their index had as many dynamic columns as it may.
    pub columns: u64,
    /// Objects nested too deep to be taken apart.
    pub depth: u64,
}

impl std::ops::AddAssign for Exceeding {
    fn add_assign(&mut self, other: Self) {
        self.columns += other.columns;
        self.depth += other.depth;
    }
}

impl Chunk {
    /// How many events.
    pub fn rows(&self) -> usize {
        self.batch.num_rows()
    }

    /// Bytes in memory.
    pub fn bytes(&self) -> usize {
        self.batch.get_array_memory_size()
    }

    /// Fields that have values in the overflow column of some of the chunks.
    pub fn joined_overflow_fields(chunks: &[Arc<Self>]) -> Arc<OverflowFields> {
        match chunks {
            // Those of a part have theirs in common.
            [first, rest @ ..]
                if rest.iter().all(|chunk| Arc::ptr_eq(&chunk.overflow_fields, &first.overflow_fields)) =>
            {
                first.overflow_fields.clone()
            }
            _ => {
                let schemas: Vec<_> = chunks.iter().map(|chunk| chunk.batch.schema()).collect();
                let all: Vec<_> =
                    chunks.iter().zip(&schemas).map(|(chunk, schema)| (&*chunk.overflow_fields, &**schema)).collect();
                Arc::new(OverflowFields::joined(&all))
            }
        }
    }

    /// The column of that name.
    pub fn column(&self, name: &str) -> Option<&ArrayRef> {
        self.batch.column_by_name(name)
    }

    /// The events' own times, in nanoseconds.
    pub fn timestamps(&self) -> &[i64] {
        self.column(column_names::TIMESTAMP)
            .map_or(&[], |column| column.as_primitive::<TimestampNanosecondType>().values())
    }

    /// When the events were accepted, in nanoseconds.
    pub fn ingested_at(&self) -> &[i64] {
        self.column(column_names::INGESTED_AT)
            .map_or(&[], |column| column.as_primitive::<TimestampNanosecondType>().values())
    }

    /// The events' numbers in the log.
    pub fn sequences(&self) -> &[u64] {
        self.column(column_names::SEQUENCE).map_or(&[], |column| column.as_primitive::<UInt64Type>().values())
    }

    /// The sender's id of the event in this row.
    pub fn sender_id(&self, row: usize) -> Option<&str> {
        let ids = self.column(column_names::ID)?.as_string::<i32>();
        ids.is_valid(row).then(|| ids.value(row))
    }

    /// Where the event in this row stands in time order.
    pub fn position(&self, row: usize) -> Position {
        Position { timestamp: Timestamp::from_nanos(self.timestamps()[row]), sequence: self.sequences()[row] }
    }

    /// The events in these rows alone.
    ///
    /// # Errors
    /// What Arrow answers when columns cannot be taken.
    pub fn picked(&self, rows: &Rows) -> Result<Self, ArrowError> {
        let places = arrow::array::UInt32Array::from_iter_values(rows.numbers());
        let batch = arrow::compute::take_record_batch(&self.batch, &places)?;
        Ok(Self { batch, ..self.clone() })
    }

    /// All events of the chunks, which are of one log type; columns that one lacks are null there.
    ///
    /// # Errors
    /// What Arrow answers when columns cannot be joined.
    pub fn concat(chunks: &[Arc<Self>]) -> Result<Self, ArrowError> {
        let [first, rest @ ..] = chunks else {
            return Err(ArrowError::InvalidArgumentError("no chunk to join".into()));
        };
        if rest.is_empty() {
            return Ok(first.as_ref().clone());
        }
        let mut schema = Vec::new();
        let mut seen = BTreeSet::new();
        for field in chunks.iter().flat_map(|chunk| chunk.batch.schema_ref().fields()) {
            if seen.insert(field.name().clone()) {
                schema.push(field.clone());
            }
        }
        let schema = Arc::new(Schema::new(schema));
        let batches = chunks.iter().map(|chunk| widen(&chunk.batch, &schema)).collect::<Result<Vec<_>, _>>()?;
        let batch = arrow::compute::concat_batches(&schema, &batches)?;
        let overflow_fields = Self::joined_overflow_fields(chunks);
        Ok(Self { log_type: first.log_type, batch, overflow_fields, exceeding: Exceeding::default() })
    }
}

/// The batch with every column of the schema, null where it has none.
fn widen(batch: &RecordBatch, schema: &Arc<Schema>) -> Result<RecordBatch, ArrowError> {
    let columns = schema
        .fields()
        .iter()
        .map(|field| match batch.column_by_name(field.name()) {
            Some(column) if column.data_type() == field.data_type() => Ok(column.clone()),
            Some(column) => arrow::compute::cast(column, field.data_type()),
            None => Ok(arrow::array::new_null_array(field.data_type(), batch.num_rows())),
        })
        .collect::<Result<Vec<_>, _>>()?;
    RecordBatch::try_new(schema.clone(), columns)
}
