//! Reads columns and rows of a part.

use std::collections::BTreeSet;
use std::ops::{ControlFlow, Range};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData};

use super::batches::Batches;
use super::checked_file::CheckedFile;
use super::index::{FilterReader, PAGE_ROWS, PartIndex};
use super::opened::{Dictionaries, Opened, empty_columns, levels};
use super::{OVERFLOW_FIELDS_KEY, Part, addresses, instants};
use crate::chunk::{Chunk, Exceeding, OverflowFields, column_names};
use crate::error::StorageError;

/// Rows decoded at once while scanning, unless they are wide.
const BATCH_ROWS: usize = 65_536;
/// Bytes that rows decoded at once take, about.
const BATCH_BYTES: usize = 4 * 1024 * 1024;

/// Gets the numbers of some rows and their chunk, and says whether to go on.
pub type Visit<'a> = dyn FnMut(&[u32], Chunk) -> Result<ControlFlow<()>, StorageError> + 'a;

/// In which form addresses are handed on.
type Form = fn(RecordBatch) -> Result<RecordBatch, ArrowError>;

/// Rows of a part: ranges in ascending order that do not touch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    ranges: Vec<Range<usize>>,
}

impl Rows {
    /// One run of rows.
    pub fn run(range: Range<usize>) -> Self {
        let mut rows = Self::default();
        rows.push(range);
        rows
    }

    /// Adds rows after all that are there.
    pub fn push(&mut self, range: Range<usize>) {
        match self.ranges.last_mut() {
            _ if range.is_empty() => {}
            Some(last) if last.end == range.start => last.end = range.end,
            _ => self.ranges.push(range),
        }
    }

    /// How many.
    pub fn count(&self) -> usize {
        self.ranges.iter().map(ExactSizeIterator::len).sum()
    }

    /// In how many pages they lie.
    pub fn page_count(&self) -> usize {
        let (mut count, mut counted) = (0, 0);
        for range in &self.ranges {
            let pages = counted.max(range.start / PAGE_ROWS)..range.end.div_ceil(PAGE_ROWS);
            count += pages.len();
            counted = counted.max(pages.end);
        }
        count
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// The ranges.
    pub fn ranges(&self) -> &[Range<usize>] {
        &self.ranges
    }

    /// Those of them that lie in the range.
    #[must_use]
    pub fn within(&self, range: &Range<usize>) -> Self {
        let mut rows = Self::default();
        for own in &self.ranges {
            rows.push(own.start.max(range.start)..own.end.min(range.end));
        }
        rows
    }

    /// Their numbers.
    pub fn numbers(&self) -> impl Iterator<Item = u32> + '_ {
        self.ranges.iter().flat_map(|range| range.start as u32..range.end as u32)
    }
}

/// The numbers of rows, many at a time: run by run, which is ten times as fast as one by one.
struct Numbers<'a> {
    ranges: std::slice::Iter<'a, Range<usize>>,
    rest: Range<usize>,
}

impl Numbers<'_> {
    /// The next so many, or those that are left, in the place of what was there.
    fn next_into(&mut self, count: usize, numbers: &mut Vec<u32>) {
        numbers.clear();
        while numbers.len() < count {
            if self.rest.is_empty() {
                let Some(range) = self.ranges.next() else { return };
                self.rest = range.clone();
            }
            let end = self.rest.end.min(self.rest.start + count - numbers.len());
            numbers.extend(self.rest.start as u32..end as u32);
            self.rest.start = end;
        }
    }
}

impl FromIterator<usize> for Rows {
    /// From numbers in ascending order.
    fn from_iter<T: IntoIterator<Item = usize>>(numbers: T) -> Self {
        let mut rows = Self::default();
        numbers.into_iter().for_each(|row| rows.push(row..row + 1));
        rows
    }
}

impl Part {
    pub(super) fn opened(&self) -> Result<Arc<Opened>, StorageError> {
        if let Some(opened) = self.slot.get() {
            return Ok(opened);
        }
        let opened = Arc::new(self.open().map_err(|error| self.unreadable(error))?);
        self.opened_parts.keep(&self.slot, &opened);
        Ok(opened)
    }

    fn open(&self) -> Result<Opened, StorageError> {
        let index = self.read_index();
        let file = self.file(index.as_ref().map(|index| index.sums.clone()))?;
        // What numbers a page has is for other readers, and takes as much memory as where pages of numbers lie.
        let options = ArrowReaderOptions::new()
            .with_column_index_policy(PageIndexPolicy::Skip)
            .with_offset_index_policy(PageIndexPolicy::Optional);
        let reader = ArrowReaderMetadata::load(&file, options.clone())?;
        let listed = reader.metadata().file_metadata().key_value_metadata().and_then(|pairs| {
            pairs.iter().find(|pair| pair.key == OVERFLOW_FIELDS_KEY).and_then(|pair| pair.value.clone())
        });
        let overflow_fields = match listed {
            Some(json) => {
                OverflowFields::from_json(&json).ok_or_else(|| self.damaged("its metadata cannot be read"))?
            }
            None => return Err(self.damaged("it was not written by this program")),
        };
        let schema = with_dictionaries(reader.schema(), index.as_deref());
        let reader = ArrowReaderMetadata::try_new(reader.metadata().clone(), options.with_schema(schema))?;
        let schema = addresses::joined_schema(reader.schema());
        Ok(Opened {
            levels: levels(&reader)?,
            empty_columns: empty_columns(&reader, index.as_deref(), self.meta.rows),
            reader,
            schema,
            overflow_fields: Arc::new(overflow_fields),
            index,
            dictionaries: Dictionaries::default(),
        })
    }

    pub(super) fn file(&self, sums: Option<Arc<[u32]>>) -> Result<CheckedFile, StorageError> {
        let file = self.files.open(&self.path).and_then(|file| CheckedFile::new(file, sums));
        file.map_err(|error| self.unreadable(error))
    }

    fn read_index(&self) -> Option<Arc<PartIndex>> {
        if self.meta.index_bytes == 0 {
            return None;
        }
        let read =
            self.files.open(&self.index_path()).map_err(StorageError::from).and_then(|file| PartIndex::read(&*file));
        match read {
            Ok(index) => Some(Arc::new(index)),
            Err(error) => {
                tracing::error!(part = self.meta.relative_path(), %error, "the index of a part cannot be used; the part is read whole and its blocks are not verified");
                None
            }
        }
    }

    pub(super) fn damaged(&self, why: &str) -> StorageError {
        self.unreadable(StorageError::Damaged(why.to_owned()))
    }

    /// The same failure, with the part's name; from now on the part is left out of merges.
    pub(super) fn unreadable(&self, error: impl Into<StorageError>) -> StorageError {
        let error = error.into();
        if matches!(error, StorageError::UnreadablePart(_)) {
            return error;
        }
        self.is_unreadable.store(true, Ordering::Release);
        StorageError::UnreadablePart(format!("part \"{}\" cannot be read: {error}", self.meta.relative_path()))
    }

    /// Names and types of its columns.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn schema(&self) -> Result<SchemaRef, StorageError> {
        Ok(self.opened()?.schema.clone())
    }

    /// Fields that have values in the overflow column.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn overflow_fields(&self) -> Result<Arc<OverflowFields>, StorageError> {
        Ok(self.opened()?.overflow_fields.clone())
    }

    /// Its index, if it has one that can be used.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn index(&self) -> Result<Option<Arc<PartIndex>>, StorageError> {
        Ok(self.opened()?.index.clone())
    }

    /// Asks its filters; `None` when it has none.
    ///
    /// # Errors
    /// When the files cannot be read.
    pub fn filters(&self) -> Result<Option<FilterReader>, StorageError> {
        match &self.opened()?.index {
            Some(index) => Ok(Some(FilterReader::open(&*self.files, &self.index_path(), index.clone())?)),
            None => Ok(None),
        }
    }

    /// What its file says of itself.
    ///
    /// # Errors
    /// When the files cannot be read.
    pub fn metadata(&self) -> Result<Arc<ParquetMetaData>, StorageError> {
        Ok(self.opened()?.reader.metadata().clone())
    }

    /// Rows in which the column has a value: of strings as its index says, of others and in parts of former versions as the file does.
    pub(super) fn value_count(&self, name: &str) -> Result<u64, StorageError> {
        let opened = self.opened()?;
        let index = opened.index.as_ref().and_then(|index| index.column(name));
        if let Some(count) = index.and_then(|column| column.value_count) {
            return Ok(count);
        }
        let column = opened.reader.schema().index_of(name)?;
        let groups = opened.reader.metadata().row_groups();
        let nulls: u64 = groups.iter().filter_map(|group| group.column(column).statistics()?.null_count_opt()).sum();
        Ok(self.meta.rows.saturating_sub(nulls))
    }

    /// Bytes that these columns of a row take once decoded, about; of all columns unless some are named.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn row_bytes(&self, columns: Option<&BTreeSet<String>>) -> Result<usize, StorageError> {
        let opened = self.opened()?;
        let row_count = (self.meta.rows as usize).max(1);
        let groups = opened.reader.metadata().row_groups();
        let bytes_of = |index: usize| {
            let sizes = groups.iter().map(|group| group.column(index).uncompressed_size().unsigned_abs() as usize);
            sizes.sum::<usize>()
        };
        let fields = opened.reader.schema().fields().iter().enumerate();
        let meant = fields.filter(|(_, field)| is_meant(columns, field.name()));
        let bytes = meant.map(|(index, field)| match addresses::is_of_addresses(field.data_type()) {
            true => row_count * addresses::TEXT_BYTES,
            false => bytes_of(index),
        });
        Ok(bytes.sum::<usize>() / row_count)
    }

    /// Every row.
    pub fn all_rows(&self) -> Rows {
        Rows::run(0..self.meta.rows as usize)
    }

    /// Reads these columns of these rows, some at a time, in time order.
    ///
    /// `visit` gets the numbers of the rows of its chunk; the bytes read are returned.
    ///
    /// # Errors
    /// When the file cannot be read, or what `visit` answers.
    pub fn read(&self, columns: &BTreeSet<String>, rows: &Rows, visit: &mut Visit<'_>) -> Result<u64, StorageError> {
        self.read_as(addresses::in_texts, columns, rows, visit)
    }

    /// The same for those who only decide which rows match: addresses may be numbers, and what is none of them then is in a column
    /// of its own beside them, of the same field.
    ///
    /// # Errors
    /// When the file cannot be read, or what `visit` answers.
    pub fn read_to_decide(
        &self,
        columns: &BTreeSet<String>,
        rows: &Rows,
        visit: &mut Visit<'_>,
    ) -> Result<u64, StorageError> {
        self.read_as(Ok, columns, rows, visit)
    }

    fn read_as(
        &self,
        form: Form,
        columns: &BTreeSet<String>,
        rows: &Rows,
        visit: &mut Visit<'_>,
    ) -> Result<u64, StorageError> {
        let fitting = BATCH_BYTES / self.row_bytes(Some(columns))?.max(1) / PAGE_ROWS * PAGE_ROWS;
        let (reader, bytes_read) = self.reader(Some(columns), rows, fitting.clamp(PAGE_ROWS, BATCH_ROWS))?;
        let (mut numbers, mut here) = (Numbers { ranges: rows.ranges().iter(), rest: 0..0 }, Vec::new());
        for batch in reader {
            let chunk = self.chunk(form(batch.map_err(|error| self.unreadable(error))?)?)?;
            numbers.next_into(chunk.rows(), &mut here);
            if visit(&here, chunk)?.is_break() {
                break;
            }
        }
        Ok(bytes_read.load(Ordering::Relaxed))
    }

    /// These columns of these rows, or all of them, as one chunk, and the bytes read.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn fetch_columns(&self, columns: Option<&BTreeSet<String>>, rows: &Rows) -> Result<(Chunk, u64), StorageError> {
        let (reader, bytes_read) = self.reader(columns, rows, rows.count().max(1))?;
        let chunk = |batch: Result<RecordBatch, ArrowError>| {
            self.chunk(addresses::in_texts(batch.map_err(|error| self.unreadable(error))?)?)
        };
        let batches = reader.map(|batch| chunk(batch).map(Arc::new)).collect::<Result<Vec<_>, StorageError>>()?;
        Ok((Chunk::concat(&batches)?, bytes_read.load(Ordering::Relaxed)))
    }

    /// Reads every column of every row in batches of so many rows.
    pub(super) fn batches(&self, batch_rows: usize) -> Result<Batches, StorageError> {
        Ok(self.reader(None, &self.all_rows(), batch_rows)?.0)
    }

    fn chunk(&self, batch: RecordBatch) -> Result<Chunk, StorageError> {
        let overflow_fields = self.opened()?.overflow_fields.clone();
        let batch = instants::in_nanos(batch)?;
        Ok(Chunk { log_type: self.meta.log_type, batch, overflow_fields, exceeding: Exceeding::default() })
    }
}

/// Whether a column of the file belongs to one of these; to any unless some are named.
pub(super) fn is_meant(columns: Option<&BTreeSet<String>>, name: &str) -> bool {
    columns.is_none_or(|columns| columns.contains(addresses::shown_name(name)))
}

/// The schema in which columns of codes are read as such: shapes always, others when the index knows them.
fn with_dictionaries(schema: &SchemaRef, index: Option<&PartIndex>) -> SchemaRef {
    let codes = || DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    let fields = schema.fields().iter().map(|field| {
        let name = field.name();
        // Of the columns that are no field's, everybody expects shapes as codes and the others as strings.
        let is_coded = match column_names::is_own(name) {
            true => name == column_names::SHAPE,
            false => index.and_then(|index| index.column(name)).is_some_and(|column| column.has_dictionary),
        };
        if is_coded { Arc::new(Field::new(field.name(), codes(), field.is_nullable())) } else { field.clone() }
    });
    Arc::new(Schema::new_with_metadata(fields.collect::<Vec<_>>(), schema.metadata().clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_touch_are_one_range() {
        let rows: Rows = [1, 2, 3, 7, 9, 10].into_iter().collect();
        assert_eq!(rows.ranges(), [1..4, 7..8, 9..11]);
        assert_eq!(rows.numbers().collect::<Vec<_>>(), [1, 2, 3, 7, 9, 10]);
        assert_eq!(rows.within(&(2..10)).ranges(), [2..4, 7..8, 9..10]);
        let (mut numbers, mut some, mut all) =
            (Numbers { ranges: rows.ranges().iter(), rest: 0..0 }, Vec::new(), vec![]);
        for count in [2, 0, 3, 9] {
            numbers.next_into(count, &mut some);
            all.push(some.clone());
        }
        assert_eq!(all, [vec![1, 2], vec![], vec![3, 7, 9], vec![10]]);
        assert_eq!((rows.count(), rows.within(&(4..7)).is_empty()), (6, true));
        let rows: Rows = [0, 5, PAGE_ROWS - 1, PAGE_ROWS, 5 * PAGE_ROWS].into_iter().collect();
        assert_eq!((rows.page_count(), Rows::default().page_count()), (3, 0));
    }
}
