//! Columns of selected rows of a part, some rows at a time: those of codes by `codes`, the others by the Parquet library.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, new_null_array};
use arrow::datatypes::{DataType, Schema, SchemaRef};
use arrow::error::ArrowError;
use parquet::arrow::arrow_reader::ParquetRecordBatchReader;
use parquet::errors::ParquetError;

use super::coded_values::CodedValues;
use super::codes::{CodesReader, Dictionary};
use super::dictionary::{BlockBorders, DictionaryBlocks};
use super::opened::{KeptDictionary, Opened};
use super::pages::PartPages;
use super::reader::is_meant;
use super::{Part, Rows};
use crate::error::StorageError;

/// A dictionary is read whole, and kept, for rows of which each could need its own of so many blocks.
const BLOCKS_OF_ROW: usize = 2;

/// Reads columns of a part.
pub(super) struct Batches {
    schema: SchemaRef,
    /// In the order of the schema.
    columns: Vec<Column>,
    batch_rows: usize,
    rows_left: usize,
}

/// Where a column comes from.
enum Column {
    /// No row has a value: nothing is read.
    Empty(DataType),
    Codes(CodesReader),
    Plain(ParquetRecordBatchReader),
}

impl Part {
    /// Reads these columns of these rows, or all of them, in batches of so many rows; how many bytes were read counts on meanwhile.
    pub(super) fn reader(
        &self,
        columns: Option<&BTreeSet<String>>,
        rows: &Rows,
        batch_rows: usize,
    ) -> Result<(Batches, Arc<AtomicU64>), StorageError> {
        let opened = self.opened()?;
        let file = self.file(opened.index.as_ref().map(|index| index.sums.clone()))?;
        let bytes_read = file.bytes_read();
        let pages = PartPages::new(file, opened.reader.metadata().clone());
        let fields = opened.reader.schema().fields().iter().enumerate();
        let meant = fields.filter(|(_, field)| is_meant(columns, field.name()));
        let ranges: Arc<[Range<usize>]> = rows.ranges().into();
        let batch_rows = batch_rows.min(self.meta.rows as usize);
        let (mut fields, mut columns) = (Vec::new(), Vec::new());
        for (column, field) in meant {
            fields.push(field.clone());
            columns.push(if opened.empty_columns[column] {
                Column::Empty(field.data_type().clone())
            } else if let Some(codes) = self.codes_reader(&opened, &pages, column, &ranges)? {
                Column::Codes(codes)
            } else {
                let plain = pages.plain(column, &ranges);
                let (levels, selection) = (&opened.levels[column], plain.selection(&ranges));
                let reader = ParquetRecordBatchReader::try_new_with_row_groups(levels, &plain, batch_rows, selection)?;
                Column::Plain(reader)
            });
        }
        let schema = Arc::new(Schema::new(fields));
        Ok((Batches { schema, columns, batch_rows, rows_left: rows.count() }, bytes_read))
    }

    /// Who reads the column, if it is one of codes.
    fn codes_reader(
        &self,
        opened: &Arc<Opened>,
        pages: &PartPages,
        column: usize,
        ranges: &Arc<[Range<usize>]>,
    ) -> Result<Option<CodesReader>, ParquetError> {
        let Some(values) = CodedValues::of(opened.reader.schema().field(column).data_type()) else { return Ok(None) };
        let Some(codes) = pages.codes(column, ranges)? else { return Ok(None) };
        let kept = KeptDictionary {
            parts: self.opened_parts.clone(),
            slot: self.slot.clone(),
            opened: opened.clone(),
            column,
        };
        let dictionary = match (kept.whole(), opened.blocks(column, ranges), pages.dictionary_start(column)) {
            (Some(values), ..) => Dictionary::Whole(values),
            (None, Some(borders), Some(start)) => {
                Dictionary::Blocks(DictionaryBlocks { file: pages.file(), start, borders, kept: Box::new(kept) })
            }
            _ => {
                let values = values.of_page(pages.dictionary(column)?)?;
                kept.keep_whole(&values);
                Dictionary::Whole(values)
            }
        };
        Ok(Some(CodesReader::new(codes, ranges.clone(), dictionary)))
    }
}

impl Opened {
    /// Where the blocks of the column's dictionary lie, if these rows are so few that only some of them are to be read.
    fn blocks(&self, column: usize, ranges: &[Range<usize>]) -> Option<BlockBorders> {
        let index = self.index.as_ref()?.column(self.reader.schema().field(column).name())?;
        let row_count: usize = ranges.iter().map(ExactSizeIterator::len).sum();
        (row_count * BLOCKS_OF_ROW < index.blocks.len()).then(|| index.blocks.clone())
    }
}

impl Column {
    /// The next so many rows.
    fn read(&mut self, row_count: usize) -> Result<ArrayRef, ArrowError> {
        match self {
            Self::Empty(data_type) => Ok(new_null_array(data_type, row_count)),
            Self::Codes(reader) => Ok(reader.read(row_count)?),
            Self::Plain(reader) => {
                let batch = reader.next().transpose()?.filter(|batch| batch.num_rows() == row_count);
                let fewer = || ArrowError::ParquetError("a column has fewer rows than it says".to_owned());
                Ok(batch.ok_or_else(fewer)?.column(0).clone())
            }
        }
    }
}

impl Batches {
    fn next_batch(&mut self) -> Result<Option<RecordBatch>, ArrowError> {
        let row_count = self.batch_rows.min(self.rows_left);
        if row_count == 0 {
            return Ok(None);
        }
        self.rows_left -= row_count;
        let columns = self.columns.iter_mut().map(|column| column.read(row_count)).collect::<Result<_, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(row_count));
        RecordBatch::try_new_with_options(self.schema.clone(), columns, &options).map(Some)
    }
}

impl Iterator for Batches {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_batch().transpose()
    }
}
