//! Reads columns and rows of a part.

use std::collections::BTreeSet;
use std::fs::File;
use std::ops::ControlFlow;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder, RowSelection,
};
use parquet::file::metadata::PageIndexPolicy;

use super::{Footer, OVERFLOW_FIELDS_KEY, Part};
use crate::chunk::Chunk;
use crate::error::StorageError;

/// Rows decoded at once while scanning.
const BATCH_ROWS: usize = 65_536;

impl Part {
    fn footer(&self) -> Result<&Footer, StorageError> {
        if let Some(footer) = self.footer.get() {
            return Ok(footer);
        }
        let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Optional);
        let reader = ArrowReaderMetadata::load(&File::open(&self.path)?, options)?;
        let listed = reader.metadata().file_metadata().key_value_metadata().and_then(|pairs| {
            pairs.iter().find(|pair| pair.key == OVERFLOW_FIELDS_KEY).and_then(|pair| pair.value.clone())
        });
        let overflow_fields: BTreeSet<String> = match listed {
            Some(json) => serde_json::from_str(&json).map_err(|_| self.damaged("its metadata cannot be read"))?,
            None => return Err(self.damaged("it was not written by this program")),
        };
        Ok(self.footer.get_or_init(|| Footer { reader, overflow_fields: Arc::new(overflow_fields) }))
    }

    fn damaged(&self, why: &str) -> StorageError {
        StorageError::Damaged(format!("part \"{}\" is damaged: {why}", self.meta.relative_path()))
    }

    /// Names and types of its columns.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn schema(&self) -> Result<SchemaRef, StorageError> {
        Ok(self.footer()?.reader.schema().clone())
    }

    /// Fields that have values in the overflow column.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn overflow_fields(&self) -> Result<Arc<BTreeSet<String>>, StorageError> {
        Ok(self.footer()?.overflow_fields.clone())
    }

    /// Reads these columns of every row, some rows at a time, in time order.
    ///
    /// `visit` gets the number of its chunk's first row; the bytes decoded are returned.
    ///
    /// # Errors
    /// When the file cannot be read, or what `visit` answers.
    pub fn scan(
        &self,
        columns: &BTreeSet<String>,
        visit: &mut dyn FnMut(usize, Chunk) -> Result<ControlFlow<()>, StorageError>,
    ) -> Result<u64, StorageError> {
        let (builder, bytes) = self.reader(Some(columns))?;
        let mut first_row = 0;
        for batch in builder.with_batch_size(BATCH_ROWS).build()? {
            let chunk = self.chunk(batch?)?;
            let rows = chunk.rows();
            if visit(first_row, chunk)?.is_break() {
                break;
            }
            first_row += rows;
        }
        Ok(bytes)
    }

    /// Reads every column of these rows, which are in ascending order.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn rows(&self, rows: &[usize]) -> Result<Chunk, StorageError> {
        let (builder, _) = self.reader(None)?;
        let ranges = rows.iter().map(|row| *row..*row + 1);
        let selection = RowSelection::from_consecutive_ranges(ranges, self.meta.rows as usize);
        let reader = builder.with_batch_size(rows.len().max(1)).with_row_selection(selection).build()?;
        let batches =
            reader.map(|batch| Ok(Arc::new(self.chunk(batch?)?))).collect::<Result<Vec<_>, StorageError>>()?;
        Ok(Chunk::concat(&batches)?)
    }

    /// Reads the whole part.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn read_all(&self) -> Result<Chunk, StorageError> {
        let (builder, _) = self.reader(None)?;
        let reader = builder.with_batch_size(BATCH_ROWS).build()?;
        let batches =
            reader.map(|batch| Ok(Arc::new(self.chunk(batch?)?))).collect::<Result<Vec<_>, StorageError>>()?;
        Ok(Chunk::concat(&batches)?)
    }

    fn reader(
        &self,
        columns: Option<&BTreeSet<String>>,
    ) -> Result<(ParquetRecordBatchReaderBuilder<File>, u64), StorageError> {
        let footer = self.footer()?;
        let schema = footer.reader.schema();
        let roots: Vec<usize> = (0..schema.fields().len())
            .filter(|index| columns.is_none_or(|columns| columns.contains(schema.field(*index).name())))
            .collect();
        let groups = footer.reader.metadata().row_groups();
        let bytes =
            groups.iter().flat_map(|group| roots.iter().map(|root| group.column(*root).compressed_size())).sum::<i64>();
        let mask = ProjectionMask::roots(footer.reader.parquet_schema(), roots);
        let file = File::open(&self.path)?;
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, footer.reader.clone());
        Ok((builder.with_projection(mask), bytes.max(0) as u64))
    }

    fn chunk(&self, batch: arrow::array::RecordBatch) -> Result<Chunk, StorageError> {
        Ok(Chunk { log_type: self.meta.log_type, batch, overflow_fields: self.footer()?.overflow_fields.clone() })
    }
}
