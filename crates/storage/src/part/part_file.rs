//! The Parquet file of a part while it is written: pages are packed as they come, and columns follow each other at its end.

use std::collections::BTreeMap;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::{
    ArrowColumnWriter, ArrowWriterOptions, PageKey, PageStore, PageStoreArgs, PageStoreFactory, compute_leaves,
};
use parquet::basic::{Compression, Encoding, PageType, Type};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::{ParquetError, Result};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;

use super::checked_file::SummingWriter;
use super::dictionary::{BLOCKS_BYTES_MIN, BlockBorders, in_blocks};
use super::pages::unpack;
use crate::files::NewFile;

/// Rows that are written at once. The library looks whether a page is large enough between two writes, and within one only where some rows
/// have no value.
const PIECE_ROWS: usize = 1_024;

/// Heads of pages, and pages, of fewer bytes are copied to a place as large as they are.
const SMALL_BYTES: usize = 256;

type File = SummingWriter<Box<dyn NewFile>>;

/// A file that is on disk.
pub(super) struct WrittenFile {
    /// CRC32C of each of its blocks.
    pub(super) sums: Arc<[u32]>,
    /// How large it is.
    pub(super) bytes: u64,
    /// Where the blocks of dictionaries lie, by the names of their columns.
    pub(super) dictionary_blocks: BTreeMap<String, BlockBorders>,
}

/// A file half written: one row group, in which codes of one dictionary serve a whole part.
pub(super) struct PartFile {
    file: SerializedFileWriter<File>,
    schema: SchemaRef,
    columns: Vec<ArrowColumnWriter>,
    pages: Arc<PagesOfColumns>,
    has_blocks: bool,
}

impl PartFile {
    /// With these columns, none of them nested. `has_blocks` tells whether large dictionaries are to lie in blocks, which takes some time.
    ///
    /// # Errors
    /// What the file system or the library answers.
    pub(super) fn new(file: File, schema: SchemaRef, properties: WriterProperties, has_blocks: bool) -> Result<Self> {
        let pages = Arc::<PagesOfColumns>::default();
        let options = ArrowWriterOptions::new().with_properties(properties).with_page_store_factory(pages.clone());
        let writer = ArrowWriter::try_new_with_options(file, schema.clone(), options)?;
        let (file, columns) = writer.into_serialized_writer()?;
        let columns = columns.create_column_writers(0)?;
        Ok(Self { file, schema, columns, pages, has_blocks })
    }

    /// Adds rows. Those of columns with a dictionary may be codes.
    ///
    /// # Errors
    /// What the library answers.
    pub(super) fn write(&mut self, rows: &RecordBatch) -> Result<()> {
        let arrays = self.schema.fields().iter().zip(rows.columns());
        for (column, (field, array)) in self.columns.iter_mut().zip(arrays) {
            for start in (0..array.len()).step_by(PIECE_ROWS) {
                let piece = array.slice(start, PIECE_ROWS.min(array.len() - start));
                for leaf in compute_leaves(field, &piece)? {
                    column.write(&leaf)?;
                }
            }
        }
        Ok(())
    }

    /// Writes the file and waits until it is on disk.
    ///
    /// # Errors
    /// What the file system or the library answers.
    pub(super) fn finish(mut self) -> Result<WrittenFile> {
        let mut dictionary_blocks = BTreeMap::new();
        let mut group = self.file.next_row_group()?;
        for (place, column) in self.columns.into_iter().enumerate() {
            let chunk = column.close()?;
            let blocked = if self.has_blocks { self.pages.in_blocks(place, chunk.close())? } else { None };
            match blocked {
                Some((bytes, close, borders)) => {
                    group.append_column(&bytes, close)?;
                    dictionary_blocks.insert(self.schema.field(place).name().clone(), borders);
                }
                None => chunk.append_to_row_group(&mut group)?,
            }
        }
        group.close()?;
        // Not `into_inner`, whose errors do not say that the disk is full.
        self.file.finish()?;
        let (file, sums, bytes) = self.file.inner_mut().finish();
        file.sync()?;
        Ok(WrittenFile { sums: sums.into(), bytes, dictionary_blocks })
    }
}

/// Packed pages of columns, each head and its page, as the library has them before it writes a column.
#[derive(Debug, Default)]
struct PagesOfColumns(Mutex<BTreeMap<usize, Arc<PagesOfColumn>>>);

type Blocked = (Bytes, ColumnCloseResult, BlockBorders);

impl PagesOfColumns {
    /// The column and what its file says of it, its dictionary in blocks; `None` where that is not worth it.
    fn in_blocks(&self, column: usize, close: &ColumnCloseResult) -> Result<Option<Blocked>> {
        let metadata = &close.metadata;
        let Compression::ZSTD(level) = metadata.compression() else { return Ok(None) };
        let is_coded = metadata.page_encoding_stats().is_some_and(|pages| {
            let (data_pages, others): (Vec<_>, Vec<_>) =
                pages.iter().partition(|page| page.page_type == PageType::DATA_PAGE);
            !others.is_empty() && data_pages.iter().all(|page| page.encoding == Encoding::RLE_DICTIONARY)
        });
        if !is_coded || metadata.column_type() != Type::BYTE_ARRAY {
            return Ok(None);
        }
        let pages = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&column).cloned();
        let Some(pages) = pages else { return Ok(None) };
        let mut pages = pages.lock();
        // The dictionary comes last, when it is known to be whole.
        let [data_pages @ .., head, packed] = pages.as_mut_slice() else { return Ok(None) };
        let plain = unpack(packed)?;
        if plain.len() < BLOCKS_BYTES_MIN {
            return Ok(None);
        }
        let former = (head.len() + packed.len(), head.len() + plain.len());
        let page = in_blocks(&plain, level.compression_level())?;
        let mut bytes = Vec::with_capacity(page.bytes.len() + data_pages.iter().map(Bytes::len).sum::<usize>());
        bytes.extend(&page.bytes);
        data_pages.iter_mut().for_each(|page| bytes.extend(mem::take(page)));
        let mut close = close.clone().update_dictionary_location(page.bytes.len())?;
        let other = |size: i64, former: usize, now: usize| size - former as i64 + now as i64;
        let (packed_bytes, plain_bytes) = (close.metadata.compressed_size(), close.metadata.uncompressed_size());
        let metadata = close.metadata.into_builder();
        close.metadata = metadata
            .set_total_compressed_size(other(packed_bytes, former.0, page.bytes.len()))
            .set_total_uncompressed_size(other(plain_bytes, former.1, page.plain_bytes))
            .build()?;
        Ok(Some((bytes.into(), close, page.borders)))
    }
}

impl PageStoreFactory for PagesOfColumns {
    fn create(&self, column: &PageStoreArgs<'_>) -> Result<Box<dyn PageStore>> {
        let pages = Arc::<PagesOfColumn>::default();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(column.column_index(), pages.clone());
        Ok(Box::new(SharedPages(pages)))
    }
}

/// Those of one column.
#[derive(Debug, Default)]
struct PagesOfColumn(Mutex<Vec<Bytes>>);

impl PagesOfColumn {
    fn lock(&self) -> MutexGuard<'_, Vec<Bytes>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct SharedPages(Arc<PagesOfColumn>);

impl PageStore for SharedPages {
    fn put(&mut self, page: Bytes) -> Result<PageKey> {
        // The library takes a kilobyte for each head, which has some dozen bytes.
        let page = if page.len() < SMALL_BYTES { Bytes::copy_from_slice(&page) } else { page };
        let mut pages = self.0.lock();
        pages.push(page);
        Ok(PageKey::new(pages.len() as u64 - 1))
    }

    fn take(&mut self, key: PageKey) -> Result<Bytes> {
        let page = self.0.lock().get_mut(key.get() as usize).map(mem::take);
        page.ok_or_else(|| ParquetError::General(format!("there is no page {}", key.get())))
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, AsArray, Int64Array, StringArray};
    use arrow::compute::{cast, concat_batches};
    use arrow::datatypes::{DataType, Field, Schema};
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
    use parquet::file::metadata::{KeyValue, PageIndexPolicy, ParquetMetaDataReader};

    use super::super::encoding::{self, ColumnEncoding, Effort, Packing};
    use super::*;
    use crate::files::{self, OsFiles};

    const ROWS: i64 = 60_000;
    /// Of a text.
    const TEXT_BYTES: usize = 64;

    /// A file of numbers, of many strings and of few, and of texts, encoded as parts are, and what it says of blocks.
    fn written(has_blocks: bool) -> (Bytes, RecordBatch, BTreeMap<String, BlockBorders>) {
        let session = |row| (row % 7 != 0).then(|| format!("session-{}", row / 2 * 7_919 % ROWS));
        let columns: [(&str, ArrayRef); 4] = [
            ("number", Arc::new(Int64Array::from_iter_values(0..ROWS))),
            ("session", Arc::new(StringArray::from_iter((0..ROWS).map(session)))),
            ("word", Arc::new(StringArray::from_iter_values((0..ROWS).map(|row| (row % 9).to_string())))),
            ("text", Arc::new(StringArray::from_iter_values((0..ROWS).map(|row| format!("{row:0TEXT_BYTES$}"))))),
        ];
        let fields = columns.iter().map(|(name, column)| Field::new(*name, column.data_type().clone(), true));
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let rows = RecordBatch::try_new(schema.clone(), columns.map(|(_, column)| column).to_vec()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("part");
        let file = SummingWriter::new(files::create_file(&OsFiles, &path).unwrap());
        let metadata = KeyValue::new("made by".to_owned(), "a test".to_owned());
        let mut properties = encoding::file_properties(ROWS as usize, Effort::Medium, metadata).unwrap();
        for (place, field) in schema.fields().iter().enumerate() {
            let is_text = field.name() == "text";
            let chosen = if is_text { ColumnEncoding::DeltaLength } else { ColumnEncoding::Dictionary };
            properties = encoding::with_column(properties, field, chosen);
            if is_text {
                let sample = rows.column(place).slice(0, 8_192);
                properties = Packing::of_texts(&[sample], Effort::Medium).unwrap().set(properties, field).unwrap();
            }
        }
        let mut file = PartFile::new(file, schema, properties.build(), has_blocks).unwrap();
        file.write(&rows.slice(0, 20_000)).unwrap();
        file.write(&rows.slice(20_000, 40_000)).unwrap();
        let written = file.finish().unwrap();
        let bytes = Bytes::from(std::fs::read(&path).unwrap());
        assert_eq!(written.bytes, bytes.len() as u64);
        (bytes, rows, written.dictionary_blocks)
    }

    #[test]
    fn any_reader_reads_dictionaries_in_blocks() {
        for has_blocks in [false, true] {
            let (bytes, rows, blocks) = written(has_blocks);
            let names: Vec<&str> = blocks.keys().map(String::as_str).collect();
            assert_eq!(names, if has_blocks { vec!["session"] } else { vec![] });
            let builder = ParquetRecordBatchReaderBuilder::try_new(bytes.clone()).unwrap();
            let column = builder.metadata().row_group(0).column(1).clone();
            let (start, length) = column.byte_range();
            assert!(start + length <= bytes.len() as u64);
            let read = builder.build().unwrap().collect::<Result<Vec<_>, _>>().unwrap();
            let read = concat_batches(&rows.schema(), &read).unwrap();
            assert_eq!(read, rows);
            let codes = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
            assert_eq!(cast(read.column(2), &codes).unwrap().as_any_dictionary().values().len(), 9);
        }
    }

    #[test]
    fn pages_are_no_larger_than_they_may_be() {
        let (bytes, ..) = written(true);
        let mut reader = ParquetMetaDataReader::new().with_page_index_policy(PageIndexPolicy::Required);
        reader.try_parse(&bytes).unwrap();
        let metadata = reader.finish().unwrap();
        let pages_of = |column: usize| &metadata.offset_index().unwrap()[0][column].page_locations;
        // Codes of 16 bits, those of the last rows that are written at once beside 4 kB. All rows have a number, some no session.
        let most = (4_096 + 2 * PIECE_ROWS + 128) as i32;
        assert!([0, 1].into_iter().flat_map(pages_of).all(|page| page.compressed_page_size < most));
        assert!(pages_of(1).len() > 2 * pages_of(2).len(), "codes of four bits are smaller");
        let most_texts = (32 * 1_024 / TEXT_BYTES) as i64;
        assert!(pages_of(3).windows(2).all(|pages| pages[1].first_row_index - pages[0].first_row_index <= most_texts));
    }

    #[test]
    fn borders_lie_within_the_dictionary() {
        let (bytes, rows, blocks) = written(true);
        let builder = ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap();
        let column = builder.metadata().row_group(0).column(1).clone();
        let borders = &blocks["session"];
        let page_bytes = (column.data_page_offset() - column.dictionary_page_offset().unwrap()) as u64;
        let sessions = rows.column(1).as_string::<i32>();
        let distinct = sessions.iter().flatten().collect::<std::collections::BTreeSet<_>>().len();
        let last = borders.last().unwrap();
        assert_eq!((u64::from(last.code), last.offset), (distinct as u64, page_bytes));
        assert!(borders.is_sorted_by(|left, right| left.code < right.code && left.offset < right.offset));
    }
}
