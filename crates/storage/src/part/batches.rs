//! Columns of selected rows of a part, some rows at a time: those of codes by `codes`, the others by the Parquet library.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{DataType, Schema, SchemaRef};
use arrow::error::ArrowError;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, RowSelection};
use parquet::arrow::{ProjectionMask, parquet_to_arrow_field_levels};
use parquet::errors::ParquetError;

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
    /// None when every column is one of codes.
    plain: Option<ParquetRecordBatchReader>,
    /// Places in the schema and who reads them.
    coded: Vec<(usize, CodesReader)>,
    batch_rows: usize,
    rows_left: usize,
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
        let schema = opened.reader.schema();
        let meant: Vec<usize> =
            (0..schema.fields().len()).filter(|index| is_meant(columns, schema.field(*index).name())).collect();
        let ranges: Arc<[Range<usize>]> = rows.ranges().into();
        let (mut coded, mut plain) = (Vec::new(), Vec::new());
        for (place, column) in meant.iter().enumerate() {
            match self.codes_reader(&opened, &pages, *column, &ranges)? {
                Some(reader) => coded.push((place, reader)),
                None => plain.push(*column),
            }
        }
        let (row_count, rows_left) = (self.meta.rows as usize, rows.count());
        let batch_rows = batch_rows.min(row_count);
        // Without a column it tells how many rows there are.
        let plain = (!plain.is_empty() || coded.is_empty()).then(|| {
            let mask = ProjectionMask::roots(opened.reader.parquet_schema(), plain);
            let levels = parquet_to_arrow_field_levels(opened.reader.parquet_schema(), mask, Some(schema.fields()))?;
            let ranges = ranges.iter().cloned();
            let selection = (rows_left < row_count).then(|| RowSelection::from_consecutive_ranges(ranges, row_count));
            ParquetRecordBatchReader::try_new_with_row_groups(&levels, &pages, batch_rows, selection)
        });
        let fields: Vec<_> = meant.into_iter().map(|column| schema.fields()[column].clone()).collect();
        Ok((
            Batches { schema: Arc::new(Schema::new(fields)), plain: plain.transpose()?, coded, batch_rows, rows_left },
            bytes_read,
        ))
    }

    /// Who reads the column, if it is one of codes.
    fn codes_reader(
        &self,
        opened: &Arc<Opened>,
        pages: &PartPages,
        column: usize,
        ranges: &Arc<[Range<usize>]>,
    ) -> Result<Option<CodesReader>, ParquetError> {
        if !matches!(opened.reader.schema().field(column).data_type(), DataType::Dictionary(..)) {
            return Ok(None);
        }
        let Some(codes) = pages.codes(column)? else { return Ok(None) };
        let kept = KeptDictionary {
            parts: self.opened_parts.clone(),
            slot: self.slot.clone(),
            opened: opened.clone(),
            column,
        };
        let known = match (kept.whole(), opened.blocks(column, ranges), pages.dictionary_start(column)) {
            (Some(strings), ..) => Some(Dictionary::Whole(strings)),
            (None, Some(borders), Some(start)) => {
                let blocks = DictionaryBlocks { file: pages.file(), start, borders, kept: Box::new(kept) };
                return CodesReader::new(codes, ranges.clone(), Some(Dictionary::Blocks(blocks))).map(Some);
            }
            _ => None,
        };
        let is_new = known.is_none();
        let reader = CodesReader::new(codes, ranges.clone(), known)?;
        if let Some(strings) = reader.dictionary().filter(|_| is_new) {
            kept.keep_whole(strings);
        }
        Ok(Some(reader))
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

impl Batches {
    fn next_batch(&mut self) -> Result<Option<RecordBatch>, ArrowError> {
        let (row_count, others) = match &mut self.plain {
            Some(plain) => match plain.next().transpose()? {
                Some(batch) => (batch.num_rows(), batch.columns().to_vec()),
                None => return Ok(None),
            },
            None if self.rows_left == 0 => return Ok(None),
            None => (self.batch_rows.min(self.rows_left), Vec::new()),
        };
        self.rows_left = self.rows_left.saturating_sub(row_count);
        let (mut others, mut coded) = (others.into_iter(), self.coded.iter_mut().peekable());
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(self.schema.fields().len());
        for place in 0..self.schema.fields().len() {
            match coded.next_if(|(coded, _)| *coded == place) {
                Some((_, reader)) => columns.push(reader.read(row_count)?),
                None => columns.extend(others.next()),
            }
        }
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
