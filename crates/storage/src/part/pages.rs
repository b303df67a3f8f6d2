//! Pages of a part, unpacked by a context that each thread keeps.
//!
//! The Parquet library makes two contexts of zstd for every column that it opens, one of which is for packing: of a few rows of many
//! columns that costs as much as unpacking their pages. Here it is handed pages that are unpacked already. Columns of codes are read
//! without it: see `codes`.

use std::cell::RefCell;
use std::io::Read;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use parquet::arrow::arrow_reader::{RowGroups, RowSelection};
use parquet::basic::{Compression, Encoding};
use parquet::column::page::{Page, PageIterator, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, RowGroupMetaData};
use parquet::file::page_index::offset_index::PageLocation;
use parquet::file::serialized_reader::SerializedPageReader;
use zstd::zstd_safe::{find_frame_compressed_size, get_frame_content_size};

use super::checked_file::CheckedFile;
use super::codes::CodesColumn;

/// Bytes that memory is taken for at once, because a page says that it unpacks to so many.
const TAKEN_BYTES_MIN: u64 = 1024 * 1024;
/// The same beyond that, for each byte that the page has.
const TAKEN_RATIO_MAX: u64 = 1024;

thread_local! {
    static UNPACKER: RefCell<Option<zstd::bulk::Decompressor<'static>>> = const { RefCell::new(None) };
}

/// The pages of a part's file.
#[derive(Clone)]
pub(super) struct PartPages {
    file: Arc<CheckedFile>,
    metadata: Arc<ParquetMetaData>,
}

impl PartPages {
    /// Of this file, which says this of itself.
    pub(super) fn new(file: CheckedFile, metadata: Arc<ParquetMetaData>) -> Self {
        Self { file: Arc::new(file), metadata }
    }

    /// Pages of a column chunk: those at these places, or all one after the other when it is not known where they are.
    fn reader(
        &self,
        chunk: &ColumnChunkMetaData,
        row_count: usize,
        places: Option<Vec<PageLocation>>,
    ) -> Result<Box<dyn PageReader>> {
        let open = |chunk: &ColumnChunkMetaData| SerializedPageReader::new(self.file.clone(), chunk, row_count, places);
        match chunk.compression() {
            Compression::ZSTD(_) => {
                let as_it_lies = chunk.clone().into_builder().set_compression(Compression::UNCOMPRESSED).build()?;
                Ok(Box::new(Unpacking(open(&as_it_lies)?)))
            }
            _ => Ok(Box::new(open(chunk)?)),
        }
    }

    /// The column as one of codes, if it lies in one row group, every page of it holds codes and it is known where each begins.
    ///
    /// # Errors
    /// When the file does not say what it must.
    pub(super) fn codes(&self, column: usize, ranges: &[Range<usize>]) -> Result<Option<CodesColumn>> {
        let [group] = self.metadata.row_groups() else { return Ok(None) };
        let chunk = group.column(column);
        let descriptor = chunk.column_descr();
        let is_flat = descriptor.max_rep_level() == 0 && descriptor.max_def_level() <= 1;
        let is_coded = chunk.page_encoding_stats_mask().is_some_and(|mask| mask.is_only(Encoding::RLE_DICTIONARY));
        if !is_flat || !is_coded {
            return Ok(None);
        }
        let Some(needed) = self.needed(column, ranges, 0) else { return Ok(None) };
        let is_nullable = descriptor.max_def_level() == 1;
        Ok(Some(CodesColumn { pages: needed.reader(self, chunk)?, rows: needed.rows, is_nullable }))
    }

    /// The dictionary of a column of codes; `None` when it has none, as one without a value.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn dictionary(&self, column: usize) -> Result<Option<Page>> {
        let [group] = self.metadata.row_groups() else { return Ok(None) };
        let first = self.places(column).and_then(<[PageLocation]>::first).cloned();
        let mut pages = self.reader(group.column(column), group.num_rows() as usize, first.map(|first| vec![first]))?;
        let has_page = pages.peek_next_page()?.is_some_and(|page| page.is_dict);
        if has_page { pages.get_next_page() } else { Ok(None) }
    }

    /// Where in the file the dictionary of the column begins, if it has one.
    pub(super) fn dictionary_start(&self, column: usize) -> Option<u64> {
        u64::try_from(self.metadata.row_groups().first()?.column(column).dictionary_page_offset()?).ok()
    }

    /// The file.
    pub(super) fn file(&self) -> Arc<CheckedFile> {
        self.file.clone()
    }

    /// The column for the Parquet library, of which it sees only the pages that hold some of these rows.
    pub(super) fn plain(&self, column: usize, ranges: &[Range<usize>]) -> PlainColumn {
        let has_dictionary = self.dictionary_start(column).is_some();
        PlainColumn { needed: self.needed(column, ranges, usize::from(has_dictionary)), pages: self.clone() }
    }

    /// Where the pages with values of a column lie, if there is one row group and it says so.
    fn places(&self, column: usize) -> Option<&[PageLocation]> {
        let [_] = self.metadata.row_groups() else { return None };
        Some(&self.metadata.offset_index()?.first()?.get(column)?.page_locations)
    }

    /// The pages that hold some of these rows, and so many of the first ones; `None` when it is not known where they are.
    fn needed(&self, column: usize, ranges: &[Range<usize>], firsts: usize) -> Option<NeededPages> {
        let places = self.places(column)?;
        let row_count = usize::try_from(self.metadata.row_groups().first()?.num_rows()).ok()?;
        let start_of = |place: &PageLocation| usize::try_from(place.first_row_index).ok();
        let rows_of = |page: usize| {
            let end = places.get(page + 1).map_or(Some(row_count), start_of)?;
            Some(start_of(places.get(page)?)?..end)
        };
        let mut needed = NeededPages::default();
        let mut next = 0;
        while next < firsts.min(places.len()) {
            needed.push(&places[next], rows_of(next)?)?;
            next += 1;
        }
        for range in ranges {
            let first = places.partition_point(|place| start_of(place).is_some_and(|start| start <= range.start));
            next = next.max(first.checked_sub(1)?);
            while next < places.len() && rows_of(next)?.start < range.end {
                needed.push(&places[next], rows_of(next)?)?;
                next += 1;
            }
            needed.select(range)?;
        }
        Some(needed)
    }
}

/// Some pages of a column as if there were no others.
#[derive(Default)]
struct NeededPages {
    /// Where they lie, and how many rows of the others come before each.
    places: Vec<PageLocation>,
    /// Which rows of the column they hold.
    rows: Vec<Range<usize>>,
    /// How many rows they hold.
    row_count: usize,
    /// Which of their rows are asked for.
    ranges: Vec<Range<usize>>,
}

impl NeededPages {
    fn push(&mut self, place: &PageLocation, rows: Range<usize>) -> Option<()> {
        let first_row_index = i64::try_from(self.row_count).ok()?;
        self.places.push(PageLocation { first_row_index, ..place.clone() });
        self.row_count = self.row_count.checked_add(rows.end.checked_sub(rows.start)?)?;
        self.rows.push(rows);
        Some(())
    }

    /// Asks for these rows of the column, which lie in the last pages.
    fn select(&mut self, range: &Range<usize>) -> Option<()> {
        let page = self.rows.partition_point(|rows| rows.end <= range.start);
        let before = usize::try_from(self.places.get(page)?.first_row_index).ok()?;
        let start = before.checked_add(range.start.checked_sub(self.rows[page].start)?)?;
        let end = start.checked_add(range.len()).filter(|end| *end <= self.row_count)?;
        self.ranges.push(start..end);
        Some(())
    }

    fn reader(&self, pages: &PartPages, chunk: &ColumnChunkMetaData) -> Result<Box<dyn PageReader>> {
        // What lies before the first page that a reader is told of, it takes for a dictionary.
        let begins_at = self.places.first().map_or(0, |first| first.offset);
        let chunk = chunk.clone().into_builder().set_dictionary_page_offset(None).set_data_page_offset(begins_at);
        pages.reader(&chunk.build()?, self.row_count, Some(self.places.clone()))
    }
}

/// One column as the Parquet library reads it.
pub(super) struct PlainColumn {
    pages: PartPages,
    /// None when all of its pages are read one after the other.
    needed: Option<NeededPages>,
}

impl PlainColumn {
    /// Which of its rows are selected: these, unless it consists of some pages alone.
    pub(super) fn selection(&self, ranges: &[Range<usize>]) -> Option<RowSelection> {
        let (row_count, ranges) = match &self.needed {
            Some(needed) => (needed.row_count, needed.ranges.as_slice()),
            None => (self.num_rows(), ranges),
        };
        let selected: usize = ranges.iter().map(ExactSizeIterator::len).sum();
        (selected < row_count).then(|| RowSelection::from_consecutive_ranges(ranges.iter().cloned(), row_count))
    }
}

impl RowGroups for PlainColumn {
    fn num_rows(&self) -> usize {
        match &self.needed {
            Some(needed) => needed.row_count,
            None => self.row_groups().map(|group| group.num_rows() as usize).sum(),
        }
    }

    fn column_chunks(&self, column: usize) -> Result<Box<dyn PageIterator>> {
        let pages = |group: &RowGroupMetaData| {
            let chunk = group.column(column);
            match &self.needed {
                Some(needed) if chunk.dictionary_page_offset().is_none() => needed.reader(&self.pages, chunk),
                Some(needed) => self.pages.reader(chunk, needed.row_count, Some(needed.places.clone())),
                None => self.pages.reader(chunk, group.num_rows() as usize, None),
            }
        };
        let readers: Vec<Result<Box<dyn PageReader>>> = self.row_groups().map(pages).collect();
        Ok(Box::new(ColumnPages(readers.into_iter())))
    }

    fn row_groups(&self) -> Box<dyn Iterator<Item = &RowGroupMetaData> + '_> {
        Box::new(self.pages.metadata.row_groups().iter())
    }

    fn metadata(&self) -> &ParquetMetaData {
        &self.pages.metadata
    }
}

/// The pages of a column, row group after row group; a part has one.
struct ColumnPages(std::vec::IntoIter<Result<Box<dyn PageReader>>>);

impl Iterator for ColumnPages {
    type Item = Result<Box<dyn PageReader>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next()
    }
}

impl PageIterator for ColumnPages {}

/// Unpacks what a reader finds who takes it for plain.
struct Unpacking(SerializedPageReader<CheckedFile>);

impl Iterator for Unpacking {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

impl PageReader for Unpacking {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        self.0.get_next_page()?.map(unpacked).transpose()
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        self.0.peek_next_page()
    }

    fn skip_next_page(&mut self) -> Result<()> {
        self.0.skip_next_page()
    }

    fn at_record_boundary(&mut self) -> Result<bool> {
        self.0.at_record_boundary()
    }
}

fn unpacked(mut page: Page) -> Result<Page> {
    match &mut page {
        Page::DataPage { buf, .. } | Page::DictionaryPage { buf, .. } => *buf = unpack(buf)?,
        Page::DataPageV2 { .. } => {
            return Err(ParquetError::General("a page of the second version, which no part has".to_owned()));
        }
    }
    Ok(page)
}

/// What these bytes unpack to: one frame of zstd, or many that follow each other.
///
/// # Errors
/// When they are something else.
pub(super) fn unpack(packed: &[u8]) -> Result<Bytes> {
    let broken = |why: &dyn std::fmt::Display| ParquetError::General(format!("a page cannot be unpacked: {why}"));
    let size = plain_size(packed).ok_or_else(|| broken(&"it is no frame of zstd"))?;
    let taken_max = (packed.len() as u64).saturating_mul(TAKEN_RATIO_MAX).saturating_add(TAKEN_BYTES_MIN);
    let Some(size) = size.filter(|size| *size <= taken_max) else {
        // One that does not say it, as former versions wrote them, or says much: what it really has takes its memory as it comes.
        let mut plain = Vec::new();
        let mut stream = zstd::stream::read::Decoder::with_buffer(packed).map_err(|error| broken(&error))?;
        stream.read_to_end(&mut plain).map_err(|error| broken(&error))?;
        return Ok(plain.into());
    };
    UNPACKER.with_borrow_mut(|unpacker| {
        let unpacker = match unpacker {
            Some(unpacker) => unpacker,
            None => unpacker.insert(zstd::bulk::Decompressor::new().map_err(|error| broken(&error))?),
        };
        let mut plain = Vec::with_capacity(size as usize);
        unpacker.decompress_to_buffer(packed, &mut plain).map_err(|error| broken(&error))?;
        Ok(plain.into())
    })
}

/// What the frames say that they unpack to, if all of them say it; `None` when they are no frames.
fn plain_size(packed: &[u8]) -> Option<Option<u64>> {
    let (mut rest, mut size) = (packed, Some(0_u64));
    loop {
        let of_frame = get_frame_content_size(rest).ok()?;
        size = size.zip(of_frame).map(|(size, of_frame)| size.saturating_add(of_frame));
        rest = rest.get(find_frame_compressed_size(rest).ok()?..)?;
        if rest.is_empty() {
            return Some(size);
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use arrow::array::{ArrayRef, Int32Array, Int64Array, RecordBatch, StringArray};
    use arrow::compute::concat;
    use arrow::datatypes::{DataType, Field, Schema};
    use parquet::arrow::arrow_reader::ParquetRecordBatchReader;
    use parquet::arrow::{ArrowWriter, ProjectionMask, parquet_to_arrow_field_levels};
    use parquet::basic::ZstdLevel;
    use parquet::file::metadata::{PageIndexPolicy, ParquetMetaDataReader};
    use parquet::file::properties::WriterProperties;
    use proptest::prelude::*;

    use super::*;
    use crate::files::{Files, OsFiles};

    /// The pages of a file with these bytes, which nobody else finds.
    pub fn pages_of(file: &Bytes) -> PartPages {
        let mut reader = ParquetMetaDataReader::new().with_page_index_policy(PageIndexPolicy::Optional);
        reader.try_parse(file).unwrap();
        let stored = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(stored.path(), file).unwrap();
        let stored = CheckedFile::new(OsFiles.open(stored.path()).unwrap(), None).unwrap();
        PartPages::new(stored, Arc::new(reader.finish().unwrap()))
    }

    /// Columns of each kind that the library reads.
    fn columns(row_count: usize) -> Vec<(ArrayRef, Option<Encoding>)> {
        let texts = (0..row_count).map(|row| (row % 7 != 0).then(|| format!("é{row}")));
        let deltas = (0..row_count).map(|row| (row * row) as i64);
        vec![
            (Arc::new(Int64Array::from_iter_values(deltas)), Some(Encoding::DELTA_BINARY_PACKED)),
            (Arc::new(texts.collect::<StringArray>()), Some(Encoding::DELTA_LENGTH_BYTE_ARRAY)),
            (Arc::new(Int32Array::from_iter_values((0..row_count).map(|row| (row % 9) as i32))), None),
        ]
    }

    /// A file of these columns in pages of so many rows; one without an encoding has a dictionary.
    fn file_of(columns: &[(ArrayRef, Option<Encoding>)], page_rows: usize, has_index: bool) -> Bytes {
        let field = |(place, (array, _)): (usize, &(ArrayRef, Option<Encoding>))| {
            Field::new(format!("c{place}"), array.data_type().clone(), *array.data_type() == DataType::Utf8)
        };
        let schema = Arc::new(Schema::new(columns.iter().enumerate().map(field).collect::<Vec<_>>()));
        let mut properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(1).unwrap()))
            .set_offset_index_disabled(!has_index)
            .set_data_page_row_count_limit(page_rows)
            .set_write_batch_size(page_rows);
        for (place, encoding) in columns.iter().map(|(_, encoding)| encoding).enumerate() {
            let path = format!("c{place}");
            properties = properties.set_column_dictionary_enabled(path.as_str().into(), encoding.is_none());
            if let Some(encoding) = encoding {
                properties = properties.set_column_encoding(path.as_str().into(), *encoding);
            }
        }
        let mut writer = ArrowWriter::try_new(Vec::new(), schema.clone(), Some(properties.build())).unwrap();
        let arrays = columns.iter().map(|(array, _)| array.clone()).collect();
        writer.write(&RecordBatch::try_new(schema, arrays).unwrap()).unwrap();
        writer.into_inner().unwrap().into()
    }

    proptest! {
        #[test]
        fn rows_are_those_that_were_written_though_other_pages_are_left_out(
            row_count in 1_usize..900,
            page_rows in 1_usize..200,
            cuts in prop::collection::vec(0_usize..900, 0..10),
            at_once in 1_usize..400,
            has_index in any::<bool>(),
        ) {
            let columns = columns(row_count);
            let pages = pages_of(&file_of(&columns, page_rows, has_index));
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut % (row_count + 1)).collect();
            cuts.sort_unstable();
            cuts.dedup();
            let ranges: Vec<Range<usize>> = cuts.chunks_exact(2).map(|pair| pair[0]..pair[1]).collect();
            let schema = pages.metadata.file_metadata().schema_descr();
            for (place, (written, _)) in columns.iter().enumerate() {
                let plain = pages.plain(place, &ranges);
                prop_assert!(has_index == plain.needed.is_some());
                let mask = ProjectionMask::roots(schema, [place]);
                let levels = parquet_to_arrow_field_levels(schema, mask, None).unwrap();
                let selection = plain.selection(&ranges);
                let rows = ParquetRecordBatchReader::try_new_with_row_groups(&levels, &plain, at_once, selection).unwrap();
                let none = std::iter::once(written.slice(0, 0));
                let read: Vec<ArrayRef> = none.clone().chain(rows.map(|batch| batch.unwrap().column(0).clone())).collect();
                let expected: Vec<ArrayRef> =
                    none.chain(ranges.iter().map(|range| written.slice(range.start, range.len()))).collect();
                let joined = |pieces: &[ArrayRef]| concat(&pieces.iter().map(|piece| &**piece).collect::<Vec<_>>()).unwrap();
                prop_assert_eq!(&joined(&read), &joined(&expected));
            }
        }
    }

    #[test]
    fn only_pages_with_rows_that_are_asked_for_are_needed() {
        let pages = pages_of(&file_of(&columns(100), 10, true));
        let rows = |place: usize, ranges: &[Range<usize>]| pages.plain(place, ranges).needed.unwrap().rows;
        assert_eq!(rows(0, &[19..21, 29..30, 95..96]), [10..20, 20..30, 90..100]);
        assert!(rows(0, &[]).is_empty());
        assert_eq!(rows(2, &[19..20, 95..96]), [0..10, 10..20, 90..100], "a dictionary lies before the first");
        assert!(pages.needed(0, &[19..20, 95..101], 0).is_none(), "there are no such rows");
    }

    #[test]
    fn pages_are_unpacked_whether_they_say_their_size_or_not() {
        let plain: Vec<u8> = (0..100_000_u32).map(|number| (number % 251) as u8).collect();
        assert_eq!(unpack(&zstd::bulk::compress(&plain, 1).unwrap()).unwrap(), plain);
        let streamed = zstd::stream::encode_all(&plain[..], 1).unwrap();
        assert!(matches!(get_frame_content_size(&streamed), Ok(None)), "a stream does not know it");
        assert_eq!(unpack(&streamed).unwrap(), plain);
        assert_eq!(unpack(&zstd::bulk::compress(&[], 1).unwrap()).unwrap(), Bytes::new());
        let alike = vec![b' '; 8 << 20];
        let packed = zstd::bulk::compress(&alike, 1).unwrap();
        assert!(packed.len() < 2_000, "a page of one value that is repeated is much smaller than itself");
        assert_eq!(unpack(&packed).unwrap(), alike);
    }

    #[test]
    fn what_lies_about_its_size_takes_no_memory() {
        let zeros = zstd::bulk::compress(&vec![0; 4 << 20], 1).unwrap();
        for packed in [&zeros[..16], b"", b"plain"] {
            let error = unpack(packed).unwrap_err().to_string();
            assert!(error.contains("a page cannot be unpacked"), "{error}");
        }
        let short = zstd::bulk::compress(&vec![7; 1_000_000], 1).unwrap();
        assert_eq!(unpack(&short).unwrap().len(), 1_000_000);
        assert!(unpack(&short[..short.len() - 1]).is_err());
    }
}
