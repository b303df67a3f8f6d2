//! Pages of a part, unpacked by a context that each thread keeps.
//!
//! The Parquet library makes two contexts of zstd for every column that it opens, one of which is for packing: of a few rows of many
//! columns that costs as much as unpacking their pages. Here it is handed pages that are unpacked already. Columns of codes are read
//! without it: see `codes`.

use std::cell::RefCell;
use std::io::Read;
use std::sync::Arc;

use bytes::Bytes;
use parquet::arrow::arrow_reader::RowGroups;
use parquet::basic::{Compression, Encoding};
use parquet::column::page::{Page, PageIterator, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, RowGroupMetaData};
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

    fn reader(&self, row_group: usize, column: usize) -> Result<Box<dyn PageReader>> {
        let group = self.metadata.row_group(row_group);
        let (chunk, row_count) = (group.column(column), group.num_rows() as usize);
        let of_group = self.metadata.offset_index().and_then(|groups| groups.get(row_group));
        let locations = of_group.and_then(|columns| Some(columns.get(column)?.page_locations.clone()));
        let open =
            |chunk: &ColumnChunkMetaData| SerializedPageReader::new(self.file.clone(), chunk, row_count, locations);
        match chunk.compression() {
            Compression::ZSTD(_) => {
                let as_it_lies = chunk.clone().into_builder().set_compression(Compression::UNCOMPRESSED).build()?;
                Ok(Box::new(Unpacking(open(&as_it_lies)?)))
            }
            _ => Ok(Box::new(open(chunk)?)),
        }
    }
}

impl PartPages {
    /// The column as one of codes, if it lies in one row group, every page of it holds codes and it is known where each begins.
    ///
    /// # Errors
    /// When the file does not say what it must.
    pub(super) fn codes(&self, column: usize) -> Result<Option<CodesColumn>> {
        let [group] = self.metadata.row_groups() else { return Ok(None) };
        let chunk = group.column(column);
        let descriptor = chunk.column_descr();
        let is_flat = descriptor.max_rep_level() == 0 && descriptor.max_def_level() <= 1;
        let is_coded = chunk.page_encoding_stats_mask().is_some_and(|mask| mask.is_only(Encoding::RLE_DICTIONARY));
        let index = self.metadata.offset_index().and_then(|groups| groups.first()?.get(column));
        let Some(index) = index.filter(|_| is_flat && is_coded) else { return Ok(None) };
        let firsts = index.page_locations.iter().map(|location| location.first_row_index.max(0) as usize);
        let borders = firsts.chain([group.num_rows().max(0) as usize]).collect();
        let is_nullable = descriptor.max_def_level() == 1;
        Ok(Some(CodesColumn { pages: self.reader(0, column)?, borders, is_nullable }))
    }
}

impl PartPages {
    /// Where in the file the dictionary of the column begins, if it has one.
    pub(super) fn dictionary_start(&self, column: usize) -> Option<u64> {
        u64::try_from(self.metadata.row_groups().first()?.column(column).dictionary_page_offset()?).ok()
    }

    /// The file.
    pub(super) fn file(&self) -> Arc<CheckedFile> {
        self.file.clone()
    }
}

impl RowGroups for PartPages {
    fn num_rows(&self) -> usize {
        self.metadata.row_groups().iter().map(|group| group.num_rows() as usize).sum()
    }

    fn column_chunks(&self, column: usize) -> Result<Box<dyn PageIterator>> {
        Ok(Box::new(ColumnPages { pages: self.clone(), column, row_group: 0 }))
    }

    fn row_groups(&self) -> Box<dyn Iterator<Item = &RowGroupMetaData> + '_> {
        Box::new(self.metadata.row_groups().iter())
    }

    fn metadata(&self) -> &ParquetMetaData {
        &self.metadata
    }
}

/// The pages of a column, row group after row group; a part has one.
struct ColumnPages {
    pages: PartPages,
    column: usize,
    row_group: usize,
}

impl Iterator for ColumnPages {
    type Item = Result<Box<dyn PageReader>>;

    fn next(&mut self) -> Option<Self::Item> {
        let row_group = self.row_group;
        self.row_group += 1;
        (row_group < self.pages.metadata.num_row_groups()).then(|| self.pages.reader(row_group, self.column))
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
mod tests {
    use super::*;

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
