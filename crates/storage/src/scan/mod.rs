//! One scan below all questions: which rows of which chunks match.
//!
//! Search and aggregation differ only in what they do with the rows.

mod aggregate;
mod answer;
mod asked_text;
mod buckets;
mod by_id;
mod collect;
mod contenders;
mod count;
mod distinct;
mod fetch;
mod field_values;
mod filter;
mod kept;
mod keys;
mod matching;
mod memory;
mod narrow;
mod number_lists;
mod parallel;
mod partial;
mod positions;
mod prune;
mod question;
mod run;
mod search;
mod short_texts;
mod span_buckets;
mod sums;
mod table;
mod top;
mod tuples;
mod visit;

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use vigie_domain::ports::Fields;
use vigie_domain::{LogType, Timestamp};

use crate::chunk::{Chunk, OverflowFields, column_names, physical};
use crate::error::StorageError;
use crate::part::{Part, Rows};

pub use aggregate::{aggregate, totals};
pub use by_id::find_id;
pub use filter::Filter;
pub use kept::{Kept, KeptNumbers};
pub use matching::matching_sets;
pub use memory::{Budget, MemoryBounds, Pool};
pub use positions::events_at;
pub use prune::prune;
pub use question::Question;
pub use run::{Run, Waiting};
pub use search::{lines, search};
pub use table::{ScanNumbers, TableColumn, TableRows, TableScan, TableSession, TableShare, schema_of};

/// Something that holds events of one day and log type: a chunk in memory or a part on disk.
#[derive(Clone)]
pub enum Unit {
    /// In memory; rows in order of arrival.
    Memory(Arc<Chunk>),
    /// On disk; rows in time order.
    Part(Arc<Part>),
}

impl Unit {
    /// The log type of its events.
    pub fn log_type(&self) -> LogType {
        match self {
            Self::Memory(chunk) => chunk.log_type,
            Self::Part(part) => part.meta.log_type,
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
    pub fn overflow_fields(&self) -> Result<Arc<OverflowFields>, StorageError> {
        match self {
            Self::Memory(chunk) => Ok(chunk.overflow_fields.clone()),
            Self::Part(part) => part.overflow_fields(),
        }
    }

    /// The columns that events with these fields are made of; `None` for all there are.
    ///
    /// # Errors
    /// When the part cannot be read.
    pub fn columns_of(&self, fields: &Fields) -> Result<Option<BTreeSet<String>>, StorageError> {
        if *fields == Fields::All {
            return Ok(None);
        }
        let is_needed = |name: &str| column_names::is_own(name) || fields.has(physical::canonical_of(name));
        let schema = self.schema()?;
        let names = schema.fields().iter().map(|field| field.name());
        Ok(Some(names.filter(|name| is_needed(name)).cloned().collect()))
    }

    /// Bytes that these columns of these rows take, about.
    ///
    /// # Errors
    /// When the part cannot be read.
    pub fn expected_bytes(&self, columns: Option<&BTreeSet<String>>, rows: &Rows) -> Result<usize, StorageError> {
        match self {
            Self::Memory(chunk) => Ok(chunk.bytes() / chunk.rows().max(1) * rows.count()),
            Self::Part(part) => Ok(part.row_bytes(columns)? * rows.count()),
        }
    }

    /// These columns of these rows, at least, and the bytes read.
    ///
    /// # Errors
    /// When the part cannot be read.
    pub fn fetch(&self, columns: Option<&BTreeSet<String>>, rows: &Rows) -> Result<(Chunk, u64), StorageError> {
        match self {
            Self::Memory(chunk) => Ok((chunk.picked(rows)?, 0)),
            Self::Part(part) => part.fetch_columns(columns, rows),
        }
    }
}

/// Columns that a question needs of one unit.
pub struct ColumnNeeds<'a> {
    schema: &'a SchemaRef,
    overflow_fields: &'a OverflowFields,
    /// The columns so far.
    pub columns: BTreeSet<String>,
}

impl<'a> ColumnNeeds<'a> {
    /// None yet.
    pub fn new(schema: &'a SchemaRef, overflow_fields: &'a OverflowFields) -> Self {
        Self { schema, overflow_fields, columns: BTreeSet::new() }
    }

    /// Adds one of the columns that are no field's.
    pub fn add_own(&mut self, name: &str) {
        self.columns.insert(name.to_owned());
    }

    /// Adds the columns of every field that passes, and the overflow when one of them may lie there; `only` is the field
    /// if no other passes.
    pub fn add_fields(&mut self, only: Option<&str>, is_needed: &dyn Fn(&str) -> bool) {
        for field in self.schema.fields() {
            if !column_names::is_own(field.name()) && is_needed(physical::canonical_of(field.name())) {
                self.columns.insert(field.name().clone());
            }
        }
        if self.overflow_fields.may_hold(only, is_needed, self.schema) {
            self.add_own(column_names::OVERFLOW);
            self.add_own(column_names::SHAPE);
        }
    }
}
