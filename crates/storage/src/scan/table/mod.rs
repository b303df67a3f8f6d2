//! Events as the rows of a table, for a planner of its own above: columns of one type each, batch by batch, from the same
//! pruned scan as every other question.

mod columns;
mod rows;
mod values;

use std::sync::Arc;
use std::time::Duration;

use arrow::datatypes::{Field, Schema, SchemaRef};
use tokio::sync::OwnedSemaphorePermit;
use vigie_domain::ports::{ScanStats, Selection};
use vigie_domain::query::Matcher;
use vigie_domain::{LogType, Result, Scope};

use super::filter::{Filter, TimeCheck};
use super::matching::{Candidates, candidates};
use super::run::{Run, Waiting};
use super::{ColumnNeeds, Unit};
use crate::error::StorageError;

pub use columns::TableColumn;
pub use rows::TableRows;

/// Rows of a part that are given to one reader at once, so that several share a large part.
const PIECE_ROWS: usize = 262_144;

/// One question asked of the table: everything stored when it began, on behalf of one caller. It ends like every other
/// question: with its time, with too much memory, or when it is dropped.
pub struct TableSession {
    run: Arc<Run>,
    units: Vec<Unit>,
    scope: Scope,
    _waiting: Waiting,
    _place: OwnedSemaphorePermit,
}

impl TableSession {
    /// Of these units, newest first.
    pub fn new(
        (run, waiting, place): (Arc<Run>, Waiting, OwnedSemaphorePermit),
        mut units: Vec<Unit>,
        scope: Scope,
    ) -> Self {
        units.sort_by_cached_key(|unit| std::cmp::Reverse(unit.span().1));
        Self { run, units, scope, _waiting: waiting, _place: place }
    }

    /// The columns of events of these log types that the caller may see.
    ///
    /// # Errors
    /// `Unavailable` when a part cannot be read.
    pub fn columns(&self, log_types: &[LogType]) -> Result<Vec<TableColumn>> {
        Ok(columns::columns(&self.run, &self.units, log_types, &self.scope)?)
    }

    /// Finds what has to be read for the matching events of these log types.
    ///
    /// # Errors
    /// `Malformed` when the query cannot be read; `Unavailable` when a part cannot.
    pub fn scan(&self, selection: &Selection, log_types: &[LogType], columns: Vec<TableColumn>) -> Result<TableScan> {
        let filter = Filter::new(&selection.query, selection.range, &self.scope)?;
        let mut scan = TableScan {
            run: self.run.clone(),
            filter: Arc::new(filter),
            schema: schema_of(&columns),
            columns: columns.into(),
            pieces: Vec::new(),
            numbers: ScanNumbers::default(),
        };
        for unit in &self.units {
            scan.numbers.units += 1;
            let (first, last) = unit.span();
            if log_types.contains(&unit.log_type()) && selection.range.overlaps(first, last) {
                scan.add(unit)?;
            }
        }
        Ok(scan)
    }

    /// Whether to go on.
    ///
    /// # Errors
    /// `TimedOut` when it took too long.
    pub fn check(&self) -> Result<()> {
        Ok(self.run.check()?)
    }

    /// Stops the work for it: nobody waits for the answer any more.
    pub fn give_up(&self) {
        self.run.give_up();
    }

    /// How long it may still take; `None`: as long as it takes.
    pub fn time_left(&self) -> Option<Duration> {
        self.run.time_left()
    }

    /// Holds so many more bytes of memory, until they are given back.
    ///
    /// # Errors
    /// `TooLarge` past the bound of one question, `Unavailable` past that of all.
    pub fn grow(&self, bytes: usize) -> Result<()> {
        Ok(self.run.memory.grow(bytes)?)
    }

    /// Gives so many bytes back that were held.
    pub fn shrink(&self, bytes: usize) {
        self.run.memory.shrink(bytes);
    }

    /// What reading cost so far.
    pub fn stats(&self) -> ScanStats {
        self.run.stats()
    }
}

/// The type of rows with these columns.
pub fn schema_of(columns: &[TableColumn]) -> SchemaRef {
    let fields = columns.iter().map(|column| Field::new(&column.field, column.data_type(), true));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// How much of the store a scan reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScanNumbers {
    /// Parts and chunks in memory that there are.
    pub units: usize,
    /// Those that may hold matches.
    pub units_read: usize,
    /// Rows of these.
    pub rows: usize,
    /// Those that may match by the index.
    pub rows_read: usize,
}

/// What has to be read for one mention of the table.
#[derive(Clone)]
pub struct TableScan {
    run: Arc<Run>,
    filter: Arc<Filter>,
    columns: Arc<[TableColumn]>,
    schema: SchemaRef,
    pieces: Vec<Piece>,
    /// How much that is.
    pub numbers: ScanNumbers,
}

/// Some rows of one unit.
#[derive(Clone)]
struct Piece {
    unit: Unit,
    found: Candidates,
}

impl TableScan {
    /// The type of its rows.
    pub fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    /// How many rows there will be, where nothing must be read to know.
    pub fn exact_rows(&self) -> Option<usize> {
        let is_whole = matches!(self.filter.matcher, Matcher::All)
            && self.pieces.iter().all(|piece| piece.found.time == TimeCheck::Done);
        is_whole.then_some(self.numbers.rows_read)
    }

    /// The work in so many shares of about as many rows, each in order from the newest on.
    pub fn shares(&self, count: usize) -> Vec<TableShare> {
        let empty = TableShare { scan: Self { pieces: Vec::new(), ..self.clone() }, rows: 0 };
        let mut shares = vec![empty; count.clamp(1, self.pieces.len().max(1))];
        for piece in &self.pieces {
            if let Some(least) = shares.iter_mut().min_by_key(|share| share.rows) {
                least.rows += piece.found.rows.count();
                least.scan.pieces.push(piece.clone());
            }
        }
        shares
    }

    fn add(&mut self, unit: &Unit) -> std::result::Result<(), StorageError> {
        self.run.check()?;
        let found = candidates(unit, &self.filter)?;
        let rows = found.rows.count();
        if rows == 0 {
            return Ok(());
        }
        self.numbers.units_read += 1;
        self.numbers.rows_read += rows;
        self.numbers.rows += match unit {
            Unit::Memory(chunk) => chunk.rows(),
            Unit::Part(part) => part.meta.rows as usize,
        };
        match unit {
            Unit::Memory(_) => self.pieces.push(Piece { unit: unit.clone(), found }),
            Unit::Part(part) => {
                let end = part.meta.rows as usize;
                for start in (0..end).step_by(PIECE_ROWS).rev() {
                    let rows = found.rows.within(&(start..(start + PIECE_ROWS).min(end)));
                    if !rows.is_empty() {
                        self.pieces.push(Piece { unit: unit.clone(), found: Candidates { rows, time: found.time } });
                    }
                }
            }
        }
        Ok(())
    }
}

/// A share of the work of a scan.
#[derive(Clone)]
pub struct TableShare {
    scan: TableScan,
    rows: usize,
}

impl TableShare {
    /// Reads it from the beginning.
    pub fn read(&self) -> TableRows {
        TableRows::new(&self.scan)
    }
}

/// The columns that a table's columns are made of.
fn needs_of(scan: &TableScan, unit: &Unit) -> std::result::Result<std::collections::BTreeSet<String>, StorageError> {
    let (schema, overflow_fields) = (unit.schema()?, unit.overflow_fields()?);
    let mut needs = ColumnNeeds::new(&schema, &overflow_fields);
    for column in scan.columns.iter() {
        super::filter::add_field_needs(&column.field, Some(&column.field), &|name| name == column.field, &mut needs);
    }
    Ok(needs.columns)
}
