//! Parquet of any schema: row by row, nested columns as objects and lists; a null is an absent field.
//!
//! The file says itself how large its parts are, so what it says is checked before it is believed.

use std::fs::File;
use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};

use arrow::array::RecordBatch;
use bytes::Bytes as SharedBytes;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::file::reader::ChunkReader;
use vigie_domain::{Object, Value};

use super::parquet_footer::check_schema;
use super::parquet_pages::check_pages;
use super::parquet_value::value_at;
use super::{Bytes, Draft, Record, RecordReader, too_large};
use crate::decompress::Budget;
use crate::detect::Head;
use crate::error::DecodeError;
use crate::options::DecodeOptions;

/// What a Parquet file begins and ends with.
const MAGIC: &[u8] = b"PAR1";

/// Rows that are decoded at once, unless they are large.
const ROWS_MAX: usize = 1_000;

/// Bytes that rows decoded at once should take.
const ROWS_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// Bytes of a Parquet file that is inside another or in a request: it is read from its end, so it must be in memory.
const STREAM_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// How sure it is that this is Parquet.
pub(crate) fn score(head: &Head<'_>) -> u8 {
    if head.bytes().starts_with(MAGIC) { 100 } else { 0 }
}

/// Reads the rows of a Parquet file.
pub(crate) struct ParquetReader {
    batches: ParquetRecordBatchReader,
    batch: Option<RecordBatch>,
    next_row: usize,
    number: u64,
    record_bytes_max: usize,
    progress: Option<Progress>,
}

/// Tells how far reading is: rows stand for bytes.
struct Progress {
    budget: Budget,
    size_bytes: u64,
    row_count: u64,
    told_bytes: u64,
}

impl ParquetReader {
    /// Reads a file where it is.
    pub(crate) fn from_file(file: File, record_bytes_max: usize, budget: &Budget) -> Result<Self, DecodeError> {
        let size_bytes = file.metadata()?.len();
        let (batches, row_count) = open(file)?;
        let told_bytes = budget.packed_bytes();
        let progress = Progress { budget: budget.clone(), size_bytes, row_count, told_bytes };
        Ok(Self { progress: Some(progress), ..Self::new(batches, record_bytes_max) })
    }

    /// Reads a file that comes as a stream, by way of memory.
    pub(crate) fn from_stream(input: Bytes<'_>, options: &DecodeOptions) -> Result<Self, DecodeError> {
        let mut bytes = Vec::new();
        input.take(STREAM_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(DecodeError::from_read)?;
        if bytes.len() as u64 > STREAM_BYTES_MAX {
            return Err(DecodeError::Parquet(format!(
                "it has more than {STREAM_BYTES_MAX} bytes; upload it as a file of its own, not packed"
            )));
        }
        let (batches, _) = open(SharedBytes::from(bytes))?;
        Ok(Self::new(batches, options.record_bytes_max))
    }

    const fn new(batches: ParquetRecordBatchReader, record_bytes_max: usize) -> Self {
        Self { batches, batch: None, next_row: 0, number: 0, record_bytes_max, progress: None }
    }

    /// Decodes the next rows; `false` at the end.
    fn next_rows(&mut self) -> Result<bool, DecodeError> {
        let batch = guarded(|| self.batches.next().transpose().map_err(|error| error.to_string()))?;
        self.batch = batch;
        self.next_row = 0;
        if let (Some(progress), Some(batch)) = (&mut self.progress, &self.batch) {
            progress.tell(self.number + batch.num_rows() as u64);
        }
        Ok(self.batch.is_some())
    }
}

impl Progress {
    fn tell(&mut self, rows: u64) {
        let share = rows as f64 / self.row_count.max(1) as f64;
        let bytes = (self.size_bytes as f64 * share.min(1.0)) as u64;
        let more = bytes.saturating_sub(self.told_bytes);
        self.budget.add_packed_bytes(more);
        self.told_bytes += more;
    }
}

impl RecordReader for ParquetReader {
    fn next_record(&mut self) -> Result<Option<Record>, DecodeError> {
        while self.batch.as_ref().is_none_or(|batch| self.next_row >= batch.num_rows()) {
            if !self.next_rows()? {
                return Ok(None);
            }
        }
        let Some(batch) = &self.batch else { return Ok(None) };
        let row = self.next_row;
        self.next_row += 1;
        self.number += 1;
        let body = body_at(batch, row)?;
        let size_bytes = body.iter().map(|(name, value)| name.len() + size_of(value)).sum();
        let is_too_large = size_bytes > self.record_bytes_max;
        let outcome =
            if is_too_large { Err(too_large(size_bytes, self.record_bytes_max)) } else { Ok(Draft::new(body)) };
        Ok(Some(Record { line: self.number, size_bytes, outcome }))
    }

    fn raw(&self) -> &[u8] {
        &[]
    }
}

fn open(input: impl ChunkReader + 'static) -> Result<(ParquetRecordBatchReader, u64), DecodeError> {
    check_schema(&input).map_err(DecodeError::Parquet)?;
    guarded(|| {
        // The schema that Arrow writers add says no more about values than Parquet's own, and is one more thing to trust.
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        let metadata = ArrowReaderMetadata::load(&input, options).map_err(|error| words(&error))?;
        check_pages(&input, metadata.metadata())?;
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(input, metadata);
        let groups = builder.metadata().row_groups();
        let row_count = groups.iter().map(|group| u64::try_from(group.num_rows()).unwrap_or_default()).sum();
        let size_bytes: u64 =
            groups.iter().map(|group| u64::try_from(group.total_byte_size()).unwrap_or_default()).sum();
        let row_bytes = (size_bytes / u64::max(row_count, 1)).max(1);
        let rows = usize::try_from(ROWS_BYTES_MAX / row_bytes).unwrap_or(ROWS_MAX).clamp(1, ROWS_MAX);
        let batches = builder.with_batch_size(rows).build().map_err(|error| words(&error))?;
        Ok((batches, row_count))
    })
}

fn words(error: &parquet::errors::ParquetError) -> String {
    error.to_string()
}

/// Runs the library on bytes from outside. Damaged files have made it panic; that is an error of the file.
fn guarded<T>(read: impl FnOnce() -> Result<T, String>) -> Result<T, DecodeError> {
    catch_unwind(AssertUnwindSafe(read))
        .unwrap_or_else(|_| Err("its inner structure is damaged".to_owned()))
        .map_err(DecodeError::Parquet)
}

fn body_at(batch: &RecordBatch, row: usize) -> Result<Object, DecodeError> {
    let schema = batch.schema_ref();
    let mut body = Vec::with_capacity(batch.num_columns());
    for (field, column) in schema.fields().iter().zip(batch.columns()) {
        if let Some(value) = value_at(column, row).map_err(DecodeError::Parquet)? {
            body.push((field.name().into(), value));
        }
    }
    Ok(body)
}

/// Bytes that a value takes, about as many as in JSON.
fn size_of(value: &Value) -> usize {
    const SCALAR_BYTES: usize = 8;
    match value {
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) => SCALAR_BYTES,
        Value::BigNumber(literal) => literal.len(),
        Value::Text(text) => text.len(),
        Value::List(items) => items.iter().map(size_of).sum(),
        Value::Object(fields) => fields.iter().map(|(name, value)| name.len() + size_of(value)).sum(),
    }
}
