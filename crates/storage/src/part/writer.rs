//! Writes a part page by page, and its index beside it; both are on disk when it is finished.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef, Schema, TimeUnit, TimestampNanosecondType, UInt64Type};
use arrow::error::ArrowError;
use parquet::arrow::ArrowWriter;
use parquet::file::metadata::KeyValue;
use vigie_domain::{Timestamp, mapping};

use super::checked_file::SummingWriter;
use super::encoding::{self, ColumnEncoding, DISTINCT_SHARE_MAX, Effort};
use super::gather::is_text;
use super::index::{IndexedColumn, PageSpan, PartIndex};
use super::instants::in_unit;
use super::sketch::DistinctSketch;
use super::token_filter::{FilterBuilder, FilterPlace, Hashed, hash_of, push_hashes};
use super::{OVERFLOW_FIELDS_KEY, addresses};
use crate::chunk::physical::canonical_of;
use crate::chunk::{OverflowFields, column_names};
use crate::error::StorageError;
use crate::files::{self, Access, NewFile, SharedFiles};

/// Pages looked at before encodings and sizes of filters are chosen.
const SAMPLE_PAGES: usize = 4;
/// Bytes of the pages that wait for it; wide ones are fewer.
const SAMPLE_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Filters are made for somewhat more hashes than the first pages have.
const HASHES_MARGIN: f64 = 1.15;

/// What is known of a column's strings before they are written, from one place where they lie now.
pub enum KnownTexts<'a> {
    /// A dictionary: each of its values is in some row, or was in one that was removed.
    Values(&'a StringArray),
    /// A column without one.
    Sketch(&'a DistinctSketch),
}

/// A column of a part that is about to be written.
pub struct PlannedColumn {
    /// Its name and type in memory; strings are plain.
    pub field: FieldRef,
    /// The unit in which the part has its instants, if it is a column of these.
    unit: TimeUnit,
    text: Option<TextPlan>,
}

struct TextPlan {
    /// Rows so far that have a value.
    value_count: u64,
    has_dictionary: bool,
    hashed: Hashed,
    /// The hashes of its dictionary, when they are known beforehand.
    dictionary_hashes: Option<Vec<u64>>,
    distinct: DistinctSketch,
    filter: Option<FilterBuilder>,
    /// Whether its strings are taken for addresses, once its first pages are there.
    is_of_addresses: bool,
}

impl PlannedColumn {
    /// A column of which so many rows have a value at most; `texts` says what is known if it is one of strings.
    pub fn new(field: FieldRef, value_count: u64, texts: &[KnownTexts<'_>]) -> Self {
        let text = is_text(field.data_type()).then(|| {
            let mut distinct = DistinctSketch::default();
            for known in texts {
                match known {
                    KnownTexts::Values(values) => {
                        values.iter().flatten().for_each(|value| distinct.add(hash_of(value)));
                    }
                    KnownTexts::Sketch(sketch) => sketch.hashes().for_each(|hash| distinct.add(hash)),
                }
            }
            let is_repeated = distinct.estimate() <= value_count as f64 * DISTINCT_SHARE_MAX;
            let has_dictionary = field.name() == column_names::SHAPE || is_repeated;
            let hashed = hashed_of(field.name());
            TextPlan {
                value_count: 0,
                has_dictionary,
                hashed,
                dictionary_hashes: (has_dictionary && has_filter(field.name()))
                    .then(|| dictionary_hashes(texts, hashed))
                    .flatten(),
                distinct: if has_dictionary { DistinctSketch::default() } else { distinct },
                filter: None,
                is_of_addresses: false,
            }
        });
        Self { field, unit: TimeUnit::Nanosecond, text }
    }

    /// Whether it is one of strings and will have a dictionary.
    pub fn has_dictionary(&self) -> bool {
        self.text.as_ref().is_some_and(|text| text.has_dictionary)
    }

    fn is_of_addresses(&self) -> bool {
        self.text.as_ref().is_some_and(|text| text.is_of_addresses)
    }

    /// The same, its instants in this unit.
    pub fn with_unit(self, unit: TimeUnit) -> Self {
        Self { unit, ..self }
    }
}

/// The shape is names: nobody looks for their words.
fn has_filter(name: &str) -> bool {
    name != column_names::SHAPE
}

/// Texts are asked for by their words alone.
fn hashed_of(name: &str) -> Hashed {
    match name {
        column_names::OVERFLOW => Hashed::Cells,
        _ if mapping::is_text(canonical_of(name)) => Hashed::Words,
        _ => Hashed::ValuesAndWords,
    }
}

/// The hashes of all values, if all are known.
fn dictionary_hashes(texts: &[KnownTexts<'_>], hashed: Hashed) -> Option<Vec<u64>> {
    let (mut buffer, mut hashes) = (String::new(), Vec::new());
    for known in texts {
        let KnownTexts::Values(values) = known else { return None };
        values.iter().flatten().for_each(|value| push_hashes(value, hashed, &mut buffer, &mut hashes));
    }
    Some(distinct(hashes))
}

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
    writer: Option<ArrowWriter<SummingWriter<Box<dyn NewFile>>>>,
    hashes: PageHashes,
}

/// Hashes of the values and words of a page; their memory is used again for the next.
#[derive(Default)]
struct PageHashes {
    hashes: Vec<u64>,
    buffer: String,
}

impl PageHashes {
    fn of(&mut self, page: &ArrayRef, hashed: Hashed) -> &[u64] {
        self.hashes.clear();
        for value in page.as_string::<i32>().iter().flatten() {
            push_hashes(value, hashed, &mut self.buffer, &mut self.hashes);
        }
        &self.hashes
    }
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
            writer: None,
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
            if let Some(text) = &mut planned.text {
                text.value_count += (column.len() - column.null_count()) as u64;
            }
        }
        let (mut fields, mut arrays) = (Vec::with_capacity(columns.len()), Vec::with_capacity(columns.len()));
        for (field, column) in self.schema.fields().iter().zip(&columns) {
            let is_coded = matches!(column.data_type(), DataType::Dictionary(..));
            let array = if is_coded { column.clone() } else { cast(column, field.data_type())? };
            fields.push(Field::new(field.name(), array.data_type().clone(), field.is_nullable()));
            arrays.push(array);
        }
        let page = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)?;
        if self.writer.is_none() {
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
        let (Some(mut writer), Some(span)) = (self.writer.take(), PageSpan::of_all(&self.pages)) else {
            return Err(StorageError::Damaged("a part was finished that has no rows".to_owned()));
        };
        // Not `into_inner`, whose errors do not say that the disk is full.
        writer.finish()?;
        let (file, sums, bytes) = writer.inner_mut().finish();
        file.sync()?;
        let mut runs = Vec::new();
        let columns = self.columns.into_iter().filter_map(|column| indexed(column, &mut runs)).collect();
        let index = PartIndex { pages: self.pages, columns, sums: sums.into() };
        let index_bytes = index.write(&*self.target.files, &self.target.index_path, runs)?;
        Ok(WrittenPart { span, rows: self.row_count, bytes, index_bytes })
    }

    /// Chooses encodings and sizes by the pages that wait, and writes them.
    fn start(&mut self) -> Result<(), StorageError> {
        if self.writer.is_some() {
            return Ok(());
        }
        if let Some(folder) = self.target.path.parent() {
            files::create_folder(&*self.target.files, folder, Access::Usual)?;
        }
        let metadata = KeyValue::new(OVERFLOW_FIELDS_KEY.to_owned(), self.target.overflow_fields.to_json());
        let mut properties = encoding::file_properties(self.target.row_count, self.target.effort, metadata)?;
        let mut fields: Vec<FieldRef> = Vec::with_capacity(self.columns.len());
        for (place, column) in self.columns.iter_mut().enumerate() {
            let sample: Vec<ArrayRef> = self.waiting.iter().map(|page| page.column(place).clone()).collect();
            let encoding = match &mut column.text {
                None => encoding::of_numbers(&sample),
                Some(text) => {
                    if has_filter(column.field.name()) {
                        text.filter = Some(text.filter_of(&sample, &mut self.hashes));
                    }
                    let may_be = !text.has_dictionary && !column_names::is_own(column.field.name());
                    text.is_of_addresses = may_be && addresses::are_addresses(&sample);
                    if text.has_dictionary { ColumnEncoding::Dictionary } else { ColumnEncoding::DeltaLength }
                }
            };
            let field = &self.schema.fields()[place];
            if column.is_of_addresses() {
                let numbers = addresses::numbers_field(field);
                properties = encoding::with_column(properties, &numbers, ColumnEncoding::Plain);
                fields.extend([field.clone(), numbers]);
            } else {
                fields.push(field.clone());
            }
            properties = encoding::with_column(properties, field, encoding);
        }
        let file = SummingWriter::new(files::create_file(&*self.target.files, &self.target.path)?);
        let mut writer = ArrowWriter::try_new(file, Arc::new(Schema::new(fields)), Some(properties.build()))?;
        for page in std::mem::take(&mut self.waiting) {
            writer.write(&self.stored(page)?)?;
        }
        self.writer = Some(writer);
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
            if let Some(TextPlan { filter: Some(filter), dictionary_hashes: None, hashed, .. }) = &mut column.text {
                filter.push_page(self.hashes.of(array, *hashed));
            }
        }
        let page = self.stored(page)?;
        match &mut self.writer {
            Some(writer) => Ok(writer.write(&page)?),
            None => Ok(()),
        }
    }
}

impl TextPlan {
    /// A filter for pages like those of the sample, which are its first; one for all pages when the dictionary is known.
    fn filter_of(&self, sample: &[ArrayRef], hashes: &mut PageHashes) -> FilterBuilder {
        if let Some(hashes) = &self.dictionary_hashes {
            return FilterBuilder::new(hashes.len());
        }
        let pages: Vec<Vec<u64>> = sample.iter().map(|page| distinct(hashes.of(page, self.hashed).to_vec())).collect();
        let most = pages.iter().map(Vec::len).max().unwrap_or_default();
        let mut filter = FilterBuilder::new((most as f64 * HASHES_MARGIN) as usize);
        pages.iter().for_each(|page| filter.push_page(page));
        filter
    }
}

fn distinct(mut hashes: Vec<u64>) -> Vec<u64> {
    hashes.sort_unstable();
    hashes.dedup();
    hashes
}

/// What the index says of the column; its filter is appended to `runs`.
fn indexed(column: PlannedColumn, runs: &mut Vec<u8>) -> Option<IndexedColumn> {
    let text = column.text?;
    let filter = text.filter.map(|mut filter| -> FilterPlace {
        if let Some(hashes) = &text.dictionary_hashes {
            filter.push_page(hashes);
        }
        filter.finish(runs)
    });
    Some(IndexedColumn {
        name: column.field.name().clone(),
        has_dictionary: text.has_dictionary,
        filter,
        hashed: text.hashed,
        value_count: Some(text.value_count),
        distinct: text.distinct,
    })
}
