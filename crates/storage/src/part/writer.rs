//! Writes a part page by page, and its index beside it; both are on disk when it is finished.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef, Schema, TimestampNanosecondType, UInt64Type};
use arrow::error::ArrowError;
use parquet::file::metadata::KeyValue;
use vigie_domain::Timestamp;

use super::checked_file::SummingWriter;
use super::encoding::{self, ColumnEncoding, Effort, Packing};
use super::index::{PAGE_ROWS, PageSpan, PartIndex};
use super::instants::in_unit;
use super::part_file::{PartFile, WrittenFile};
use super::planned::{PageHashes, PlannedColumn};
use super::{OVERFLOW_FIELDS_KEY, addresses};
use crate::chunk::{OverflowFields, column_names};
use crate::error::StorageError;
use crate::files::{self, Access, SharedFiles};

/// Pages looked at before encodings and sizes of filters are chosen.
const SAMPLE_PAGES: usize = 4;
/// Bytes of the pages that wait for it; wide ones are fewer.
const SAMPLE_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Where a part is written to, and what its file says of it.
pub struct PartTarget {
    /// The file system.
    pub files: SharedFiles,
    /// The part's file.
    pub path: PathBuf,
    /// Its index.
    pub index_path: PathBuf,
    /// Fields that have values in the overflow column.
    pub overflow_fields: Arc<OverflowFields>,
    /// How many rows it will have.
    pub row_count: usize,
    /// How hard to compress.
    pub effort: Effort,
}

/// What was written.
#[derive(Clone, Copy, Debug)]
pub struct WrittenPart {
    /// The first and the last of all rows.
    pub span: PageSpan,
    /// How many rows.
    pub rows: u64,
    /// Of the part.
    pub bytes: u64,
    /// Of its index.
    pub index_bytes: u64,
}

/// A part half written; who began it removes its files when it fails.
pub struct PartWriter {
    target: PartTarget,
    schema: Arc<Schema>,
    columns: Vec<PlannedColumn>,
    pages: Vec<PageSpan>,
    row_count: u64,
    /// Pages kept until there are enough to choose by.
    waiting: Vec<RecordBatch>,
    file: Option<PartFile>,
    hashes: PageHashes,
}

impl PartWriter {
    /// Of a part with these columns.
    pub fn new(target: PartTarget, columns: Vec<PlannedColumn>) -> Self {
        let fields: Vec<FieldRef> = columns.iter().map(|column| in_unit(&column.field, column.unit)).collect();
        Self {
            target,
            schema: Arc::new(Schema::new(fields)),
            columns,
            pages: Vec::new(),
            row_count: 0,
            waiting: Vec::new(),
            file: None,
            hashes: PageHashes::default(),
        }
    }

    /// The columns of a page, in order.
    pub fn fields(&self) -> Vec<FieldRef> {
        self.columns.iter().map(|column| column.field.clone()).collect()
    }

    /// Adds a page: its columns in the order in which they were planned, its rows in time order after those before it. Columns
    /// that will have a dictionary may be codes.
    ///
    /// # Errors
    /// What the file system or Arrow answers.
    pub fn push(&mut self, columns: Vec<ArrayRef>) -> Result<(), StorageError> {
        self.pages.extend(self.span_of(&columns));
        self.row_count += columns.first().map_or(0, |column| column.len() as u64);
        for (planned, column) in self.columns.iter_mut().zip(&columns) {
            planned.count(column);
        }
        let (mut fields, mut arrays) = (Vec::with_capacity(columns.len()), Vec::with_capacity(columns.len()));
        for (field, column) in self.schema.fields().iter().zip(&columns) {
            let is_coded = matches!(column.data_type(), DataType::Dictionary(..));
            let array = if is_coded { column.clone() } else { cast(column, field.data_type())? };
            fields.push(Field::new(field.name(), array.data_type().clone(), field.is_nullable()));
            arrays.push(array);
        }
        let page = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)?;
        if self.file.is_none() {
            self.waiting.push(page);
            let bytes: usize = self.waiting.iter().map(RecordBatch::get_array_memory_size).sum();
            let is_enough = self.waiting.len() >= SAMPLE_PAGES || bytes >= SAMPLE_BYTES_MAX;
            return if is_enough { self.start() } else { Ok(()) };
        }
        self.write(page)
    }

    fn span_of(&self, columns: &[ArrayRef]) -> Option<PageSpan> {
        let column = |name| columns.get(self.schema.index_of(name).ok()?);
        let times = column(column_names::TIMESTAMP)?.as_primitive::<TimestampNanosecondType>().values();
        let sequences = column(column_names::SEQUENCE)?.as_primitive::<UInt64Type>().values();
        Some(PageSpan {
            first: Timestamp::from_nanos(*times.first()?),
            last: Timestamp::from_nanos(*times.last()?),
            min_sequence: sequences.iter().min().copied()?,
            max_sequence: sequences.iter().max().copied()?,
        })
    }

    /// Writes what is left and waits until both files are on disk.
    ///
    /// # Errors
    /// What the file system or Arrow answers.
    pub fn finish(mut self) -> Result<WrittenPart, StorageError> {
        self.start()?;
        let (Some(file), Some(span)) = (self.file.take(), PageSpan::of_all(&self.pages)) else {
            return Err(StorageError::Damaged("a part was finished that has no rows".to_owned()));
        };
        let WrittenFile { sums, bytes, mut dictionary_blocks } = file.finish()?;
        let mut runs = Vec::new();
        let indexed = self.columns.into_iter().filter_map(|column| column.indexed(&mut runs));
        let columns = indexed.map(|mut column| {
            column.blocks = dictionary_blocks.remove(&column.name).unwrap_or_default();
            column
        });
        let columns = columns.collect();
        let index = PartIndex { pages: self.pages, columns, sums };
        let index_bytes = index.write(&*self.target.files, &self.target.index_path, runs)?;
        Ok(WrittenPart { span, rows: self.row_count, bytes, index_bytes })
    }

    /// Chooses encodings and sizes by the pages that wait, and writes them.
    fn start(&mut self) -> Result<(), StorageError> {
        if self.file.is_some() {
            return Ok(());
        }
        if let Some(folder) = self.target.path.parent() {
            files::create_folder(&*self.target.files, folder, Access::Usual)?;
        }
        let metadata = KeyValue::new(OVERFLOW_FIELDS_KEY.to_owned(), self.target.overflow_fields.to_json());
        let mut properties = encoding::file_properties(self.target.row_count, self.target.effort, metadata)?;
        let mut fields: Vec<FieldRef> = Vec::with_capacity(self.columns.len());
        let is_small = self.target.row_count < PAGE_ROWS;
        for (place, column) in self.columns.iter_mut().enumerate() {
            let sample: Vec<ArrayRef> = self.waiting.iter().map(|page| page.column(place).clone()).collect();
            let encoding = column.choose_encoding(&sample, &mut self.hashes);
            let field = &self.schema.fields()[place];
            if column.is_of_addresses() {
                let numbers = addresses::numbers_field(field);
                properties = encoding::with_column(properties, &numbers, ColumnEncoding::Plain);
                fields.extend([field.clone(), numbers]);
            } else {
                fields.push(field.clone());
            }
            properties = encoding::with_column(properties, field, encoding);
            if encoding == ColumnEncoding::DeltaLength && !is_small {
                properties = Packing::of_texts(&sample, self.target.effort)?.set(properties, field)?;
            }
        }
        let file = SummingWriter::new(files::create_file(&*self.target.files, &self.target.path)?);
        // What is written while events arrive is read often enough to be kept, and soon written again.
        let has_blocks = self.target.effort != Effort::Light;
        let mut file = PartFile::new(file, Arc::new(Schema::new(fields)), properties.build(), has_blocks)?;
        for page in std::mem::take(&mut self.waiting) {
            file.write(&self.stored(page)?)?;
        }
        self.file = Some(file);
        Ok(())
    }

    /// The page with its columns as they lie in the file.
    fn stored(&self, page: RecordBatch) -> Result<RecordBatch, ArrowError> {
        if !self.columns.iter().any(PlannedColumn::is_of_addresses) {
            return Ok(page);
        }
        let (mut fields, mut arrays) = (Vec::new(), Vec::new());
        for ((column, field), array) in self.columns.iter().zip(page.schema_ref().fields()).zip(page.columns()) {
            match array.as_string_opt().filter(|_| column.is_of_addresses()) {
                Some(texts) => {
                    fields.extend([field.clone(), addresses::numbers_field(field)]);
                    arrays.extend(addresses::split(texts));
                }
                None => {
                    fields.push(field.clone());
                    arrays.push(array.clone());
                }
            }
        }
        RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
    }

    fn write(&mut self, page: RecordBatch) -> Result<(), StorageError> {
        for (column, array) in self.columns.iter_mut().zip(page.columns()) {
            column.add_to_filter(array, &mut self.hashes);
        }
        let page = self.stored(page)?;
        match &mut self.file {
            Some(file) => Ok(file.write(&page)?),
            None => Ok(()),
        }
    }
}
