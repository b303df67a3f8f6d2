//! Reads the rows of a share, one batch after the other, of each part from its newest rows on.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions};
use arrow::buffer::BooleanBuffer;
use vigie_domain::query::Matcher;
use vigie_domain::{Result, Timestamp};

use super::values::column_of;
use super::{Piece, TableScan, needs_of};
use crate::chunk::Chunk;
use crate::error::StorageError;
use crate::part::{PAGE_ROWS, Part, PartIndex, Rows};
use crate::scan::Unit;
use crate::scan::count::{DENSE_SHARE, pages_of};
use crate::scan::filter::{ScanContext, TimeCheck};
use crate::scan::matching::matching_rows;

/// Rows of one batch at most.
const BATCH_ROWS: usize = 32_768;
/// Bytes of one batch, about.
const BATCH_BYTES: usize = 4 * 1024 * 1024;

/// The rows of a share.
pub struct TableRows {
    scan: TableScan,
    pieces: VecDeque<Piece>,
    current: Option<Current>,
    /// Rows at this instant and before are not wanted.
    left_out: Option<Timestamp>,
}

/// The rows of a piece that are left.
enum Current {
    /// In memory.
    Memory { chunk: Arc<Chunk>, rows: Vec<u32> },
    /// On disk.
    Part(PartRows),
    /// Only their number is asked for.
    Counted(usize),
}

/// Rows of a part that are left: numbers of those that match, and how they are read.
struct PartRows {
    part: Arc<Part>,
    index: Option<Arc<PartIndex>>,
    rows: Vec<u32>,
    columns: BTreeSet<String>,
    /// Rows of the next batch, about.
    batch_rows: usize,
    batch_rows_max: usize,
}

impl TableRows {
    pub(super) fn new(scan: &TableScan) -> Self {
        Self { scan: scan.clone(), pieces: scan.pieces.iter().cloned().collect(), current: None, left_out: None }
    }

    /// From now on, rows at this instant and before may be left out.
    pub fn leave_out_until(&mut self, instant: Timestamp) {
        self.left_out = self.left_out.max(Some(instant));
    }

    fn next_batch(&mut self) -> std::result::Result<Option<RecordBatch>, StorageError> {
        loop {
            self.scan.run.check()?;
            if let Some(current) = &mut self.current
                && let Some(batch) = current.next_batch(&self.scan, self.left_out)?
            {
                return Ok(Some(batch));
            }
            let Some(piece) = self.pieces.pop_front() else { return Ok(None) };
            if self.left_out.is_some_and(|instant| piece.unit.span().1 <= instant) {
                continue;
            }
            self.current = Some(Current::new(&self.scan, piece)?);
        }
    }
}

impl Iterator for TableRows {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.next_batch().map_err(Into::into).transpose();
        if next.as_ref().is_none_or(Result::is_err) {
            self.pieces.clear();
            self.current = None;
        }
        next
    }
}

impl Current {
    fn new(scan: &TableScan, piece: Piece) -> std::result::Result<Self, StorageError> {
        let Piece { unit, found } = piece;
        let is_whole = found.time == TimeCheck::Done && matches!(scan.filter.matcher, Matcher::All);
        if is_whole && scan.columns.is_empty() {
            return Ok(Self::Counted(found.rows.count()));
        }
        let mut context = ScanContext::new(&scan.run)?;
        let current = match &unit {
            Unit::Memory(chunk) => {
                context.enter(chunk)?;
                let rows = scan.filter.rows(chunk, found.time, &mut context.tests).set_indices_u32().collect();
                Self::Memory { chunk: chunk.clone(), rows }
            }
            Unit::Part(part) => {
                let rows = matching_rows(part, &unit, &found, &scan.filter, &mut context)?;
                let columns = needs_of(scan, &unit)?;
                let fitting = BATCH_BYTES / part.row_bytes(Some(&columns))?.max(1) / PAGE_ROWS * PAGE_ROWS;
                let batch_rows_max = fitting.clamp(PAGE_ROWS, BATCH_ROWS);
                let (part, index) = (part.clone(), part.index()?);
                Self::Part(PartRows { part, index, rows, columns, batch_rows: PAGE_ROWS, batch_rows_max })
            }
        };
        scan.run.add_stats(context.stats);
        Ok(match current {
            Self::Memory { rows, .. } | Self::Part(PartRows { rows, .. }) if scan.columns.is_empty() => {
                Self::Counted(rows.len())
            }
            other => other,
        })
    }

    fn next_batch(
        &mut self,
        scan: &TableScan,
        left_out: Option<Timestamp>,
    ) -> std::result::Result<Option<RecordBatch>, StorageError> {
        match self {
            Self::Counted(rows) => {
                let rows = std::mem::take(rows);
                (rows > 0).then(|| batch(scan, Vec::new(), rows)).transpose()
            }
            Self::Memory { chunk, rows } => {
                let here = rows.split_off(rows.len().saturating_sub(BATCH_ROWS));
                if here.is_empty() {
                    return Ok(None);
                }
                let picked = chunk.picked(&rows_of(&here))?;
                batch(scan, columns_of(scan, &picked)?, here.len()).map(Some)
            }
            Self::Part(part) => part.next_batch(scan, left_out),
        }
    }
}

impl PartRows {
    fn next_batch(
        &mut self,
        scan: &TableScan,
        left_out: Option<Timestamp>,
    ) -> std::result::Result<Option<RecordBatch>, StorageError> {
        let Some(newest) = self.rows.last().map(|row| *row as usize) else { return Ok(None) };
        let last_instant = self.index.as_ref().and_then(|index| Some(index.pages.get(newest / PAGE_ROWS)?.last));
        if last_instant.zip(left_out).is_some_and(|(last, left_out)| last <= left_out) {
            // Those before it in the part are older still.
            self.rows.clear();
            return Ok(None);
        }
        let first = (newest / PAGE_ROWS * PAGE_ROWS + PAGE_ROWS).saturating_sub(self.batch_rows);
        let here = self.rows.split_off(self.rows.partition_point(|row| (*row as usize) < first));
        self.batch_rows = (2 * self.batch_rows).min(self.batch_rows_max);
        read(scan, &self.part, &here, &self.columns).map(Some)
    }
}

/// Reads rows of a part: by themselves where they are few, else their pages whole.
fn read(
    scan: &TableScan,
    part: &Part,
    rows: &[u32],
    columns: &BTreeSet<String>,
) -> std::result::Result<RecordBatch, StorageError> {
    let mut context = ScanContext::new(&scan.run)?;
    let span = rows.last().zip(rows.first()).map_or(0, |(last, first)| (last - first) as usize + 1);
    let is_dense = rows.len() * DENSE_SHARE >= span;
    let wanted: Rows = if is_dense { pages_of(rows, part.meta.rows as usize) } else { rows_of(rows) };
    let (chunk, bytes) = part.fetch_columns(Some(columns), &wanted)?;
    let _decoded = context.enter_decoded(&chunk)?;
    context.stats.bytes_read += bytes;
    scan.run.add_stats(context.stats);
    let mut read = columns_of(scan, &chunk)?;
    if wanted.count() > rows.len() {
        let mut matching = rows.iter().copied().peekable();
        let mut numbers = wanted.numbers();
        let mask = BooleanBuffer::collect_bool(wanted.count(), |_| {
            numbers.next().is_some_and(|number| matching.next_if_eq(&number).is_some())
        });
        let mask = BooleanArray::new(mask, None);
        read =
            read.iter().map(|column| arrow::compute::filter(column, &mask)).collect::<std::result::Result<_, _>>()?;
    }
    batch(scan, read, rows.len())
}

fn columns_of(scan: &TableScan, chunk: &Chunk) -> std::result::Result<Vec<ArrayRef>, StorageError> {
    scan.columns.iter().map(|column| column_of(chunk, column)).collect()
}

fn batch(scan: &TableScan, columns: Vec<ArrayRef>, rows: usize) -> std::result::Result<RecordBatch, StorageError> {
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    Ok(RecordBatch::try_new_with_options(scan.schema(), columns, &options)?)
}

fn rows_of(numbers: &[u32]) -> Rows {
    numbers.iter().map(|row| *row as usize).collect()
}
