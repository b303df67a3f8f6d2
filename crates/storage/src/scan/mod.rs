//! One scan below all questions: which rows of which chunks match.
//!
//! Search and aggregation differ only in what they do with the rows.

mod aggregate;
mod answer;
mod field_values;
mod filter;
mod partial;
mod search;

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use vigie_domain::{TimeRange, Timestamp};

use crate::chunk::{Chunk, column_names};
use crate::error::StorageError;
use crate::part::Part;

pub use aggregate::{Question, aggregate};
pub use filter::Filter;
pub use search::{find_id, search};

/// Whether a scan goes on.
pub type Step = Result<ControlFlow<()>, StorageError>;

/// Something that holds events of one day and log type: a chunk in memory or a part on disk.
#[derive(Clone)]
pub enum Unit {
    /// In memory; rows in order of arrival.
    Memory(Arc<Chunk>),
    /// On disk; rows in time order.
    Part(Arc<Part>),
}

impl Unit {
    /// How many events.
    pub fn rows(&self) -> u64 {
        match self {
            Self::Memory(chunk) => chunk.rows() as u64,
            Self::Part(part) => part.meta.rows,
        }
    }

    /// Times of its first and last event.
    pub fn span(&self) -> (Timestamp, Timestamp) {
        match self {
            Self::Memory(chunk) => {
                let bound = |nanos: Option<&i64>| Timestamp::from_nanos(nanos.copied().unwrap_or_default());
                (bound(chunk.timestamps().iter().min()), bound(chunk.timestamps().iter().max()))
            }
            Self::Part(part) => (part.meta.first, part.meta.last),
        }
    }

    /// Names and types of its columns.
    ///
    /// # Errors
    /// When the part cannot be read.
    pub fn schema(&self) -> Result<SchemaRef, StorageError> {
        match self {
            Self::Memory(chunk) => Ok(chunk.batch.schema()),
            Self::Part(part) => part.schema(),
        }
    }

    /// Fields that have values in the overflow column.
    ///
    /// # Errors
    /// When the part cannot be read.
    pub fn overflow_fields(&self) -> Result<Arc<BTreeSet<String>>, StorageError> {
        match self {
            Self::Memory(chunk) => Ok(chunk.overflow_fields.clone()),
            Self::Part(part) => part.overflow_fields(),
        }
    }

    /// Reads these columns; `visit` gets chunks and the number of their first row. The bytes decoded are returned.
    ///
    /// # Errors
    /// When the part cannot be read, or what `visit` answers.
    pub fn scan(
        &self,
        columns: &BTreeSet<String>,
        visit: &mut dyn FnMut(usize, &Chunk) -> Step,
    ) -> Result<u64, StorageError> {
        match self {
            Self::Memory(chunk) => visit(0, chunk).map(|_| 0),
            Self::Part(part) => part.scan(columns, &mut |first_row, chunk| visit(first_row, &chunk)),
        }
    }

    /// Every column of these rows, which are in ascending order.
    ///
    /// # Errors
    /// When the part cannot be read.
    pub fn fetch(&self, rows: &[usize]) -> Result<Chunk, StorageError> {
        match self {
            Self::Memory(chunk) => {
                let places = arrow::array::UInt32Array::from_iter_values(rows.iter().map(|row| *row as u32));
                let batch = arrow::compute::take_record_batch(&chunk.batch, &places)?;
                Ok(Chunk { batch, ..chunk.as_ref().clone() })
            }
            Self::Part(part) => part.rows(rows),
        }
    }
}

/// Columns that a question needs of one unit.
pub struct ColumnNeeds<'a> {
    schema: &'a SchemaRef,
    overflow_fields: &'a BTreeSet<String>,
    /// The columns so far.
    pub columns: BTreeSet<String>,
}

impl<'a> ColumnNeeds<'a> {
    /// What every question needs: times and sequence numbers.
    pub fn new(schema: &'a SchemaRef, overflow_fields: &'a BTreeSet<String>) -> Self {
        let columns = BTreeSet::from([column_names::TIMESTAMP.to_owned(), column_names::SEQUENCE.to_owned()]);
        Self { schema, overflow_fields, columns }
    }

    /// Adds one of the columns that are no field's.
    pub fn add_own(&mut self, name: &str) {
        self.columns.insert(name.to_owned());
    }

    /// Adds the columns of every field that passes, and the overflow when one of them lies there.
    pub fn add_fields(&mut self, is_needed: &dyn Fn(&str) -> bool) {
        for field in self.schema.fields() {
            if !column_names::is_own(field.name()) && is_needed(crate::chunk::physical::canonical_of(field.name())) {
                self.columns.insert(field.name().clone());
            }
        }
        if self.overflow_fields.iter().any(|field| is_needed(field)) {
            self.add_own(column_names::OVERFLOW);
            self.add_own(column_names::SHAPE);
        }
    }
}

/// Whether all events from `first` to `last` lie in the range.
fn is_covered(range: TimeRange, (first, last): (Timestamp, Timestamp)) -> bool {
    range.covers(first, last)
}
