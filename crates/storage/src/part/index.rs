//! The index beside a part: times and numbers of its pages, filters of its strings, checksums of its blocks.
//!
//! Layout: the runs of the filters · the head · `u32` length of the head · `u32` CRC32C of the head · magic. The head is
//! small and is kept in memory; of the filters only the run that knows a hash is read. It says nothing that the part
//! does not say: without it the part is read whole.

use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use vigie_domain::Timestamp;

use super::dictionary::{BlockBorder, BlockBorders};
use super::sketch::DistinctSketch;
use super::token_filter::{FilterPlace, Hashed, false_positive_share, pages_with};
use crate::error::StorageError;
use crate::files::{self, Files, StoredFile};
use vigie_domain::codec::{CodecError, Reader, write_signed, write_text, write_unsigned};

/// Rows of a page: what a filter decides about.
pub const PAGE_ROWS: usize = 8_192;
const MAGIC: &[u8; 8] = b"VIGIEIX1";
/// Of the byte that says how a column lies: whether its filter holds no hashes of whole values. The lowest says whether it
/// has a dictionary.
const LACKS_VALUES_BIT: u8 = 1;
/// Of the same byte: whether the number of rows with a value follows.
const COUNTS_VALUES_BIT: u8 = 2;
/// Of the same byte: whether its filter is one of cells of the overflow.
const OF_CELLS_BIT: u8 = 3;
/// Of the same byte: whether its dictionary lies in blocks, whose borders come last.
const HAS_BLOCKS_BIT: u8 = 4;
/// Length, checksum, magic.
pub const TAIL_BYTES: u64 = 16;

/// First and last of the rows of one page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageSpan {
    /// Time of its first row.
    pub first: Timestamp,
    /// Time of its last row.
    pub last: Timestamp,
    /// Smallest sequence number.
    pub min_sequence: u64,
    /// Largest sequence number.
    pub max_sequence: u64,
}

impl PageSpan {
    /// That of all pages together, which are in order; `None` of no page.
    pub fn of_all(pages: &[Self]) -> Option<Self> {
        Some(Self {
            first: pages.first()?.first,
            last: pages.last()?.last,
            min_sequence: pages.iter().map(|page| page.min_sequence).min()?,
            max_sequence: pages.iter().map(|page| page.max_sequence).max()?,
        })
    }
}

/// What is known of a column of strings.
#[derive(Clone, Debug, PartialEq)]
pub struct IndexedColumn {
    /// Its name in the part.
    pub name: String,
    /// Whether the part holds codes of a dictionary and not the strings themselves.
    pub has_dictionary: bool,
    /// Its filter.
    pub filter: Option<FilterPlace>,
    /// What the filter was made of.
    pub hashed: Hashed,
    /// Rows that have a value; unknown of indexes written while parts still said so themselves.
    pub value_count: Option<u64>,
    /// Of columns without a dictionary: how many distinct values, about.
    pub distinct: DistinctSketch,
    /// The blocks of its dictionary.
    pub blocks: BlockBorders,
}

/// The head of an index.
#[derive(Clone, Debug, PartialEq)]
pub struct PartIndex {
    /// Its pages, in order; each but the last has `PAGE_ROWS` rows.
    pub pages: Vec<PageSpan>,
    /// Its columns of strings.
    pub columns: Vec<IndexedColumn>,
    /// CRC32C of each block of the part's file.
    pub sums: Arc<[u32]>,
}

impl PartIndex {
    /// Bytes that it takes in memory, about.
    pub fn bytes(&self) -> usize {
        /// Of a node of the tree in which a sketch has its hashes, per hash.
        const HASH_BYTES: usize = 16;
        let column = |column: &IndexedColumn| {
            size_of::<IndexedColumn>()
                + column.name.len()
                + column.distinct.hashes().len() * HASH_BYTES
                + size_of_val(column.blocks.as_ref())
        };
        self.pages.len() * size_of::<PageSpan>()
            + self.columns.iter().map(column).sum::<usize>()
            + size_of_val(self.sums.as_ref())
    }

    /// Writes the runs and the head to a new file, durable when it returns, and answers the file's bytes.
    ///
    /// # Errors
    /// What the file system answers.
    pub fn write(&self, files: &dyn Files, path: &Path, mut runs: Vec<u8>) -> io::Result<u64> {
        let head = self.to_bytes();
        runs.extend_from_slice(&head);
        runs.extend_from_slice(&(head.len() as u32).to_le_bytes());
        runs.extend_from_slice(&crc32c::crc32c(&head).to_le_bytes());
        runs.extend_from_slice(MAGIC);
        let mut file = files::create_file(files, path)?;
        file.write_all(&runs)?;
        file.sync()?;
        Ok(runs.len() as u64)
    }

    fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        write_unsigned(&mut out, self.pages.len() as u64);
        for page in &self.pages {
            write_signed(&mut out, page.first.as_nanos());
            write_signed(&mut out, page.last.as_nanos());
            write_unsigned(&mut out, page.min_sequence);
            write_unsigned(&mut out, page.max_sequence);
        }
        write_unsigned(&mut out, self.columns.len() as u64);
        for column in &self.columns {
            write_text(&mut out, &column.name);
            let lacks_values = column.hashed == Hashed::Words;
            let counts_values = column.value_count.is_some();
            out.push(
                u8::from(column.has_dictionary)
                    | u8::from(lacks_values) << LACKS_VALUES_BIT
                    | u8::from(counts_values) << COUNTS_VALUES_BIT
                    | u8::from(column.hashed == Hashed::Cells) << OF_CELLS_BIT
                    | u8::from(!column.blocks.is_empty()) << HAS_BLOCKS_BIT,
            );
            column.value_count.iter().for_each(|count| write_unsigned(&mut out, *count));
            let place = column.filter.unwrap_or(FilterPlace { offset: 0, page_count: 0, block_count: 0 });
            write_unsigned(&mut out, place.offset);
            write_unsigned(&mut out, place.page_count as u64);
            write_unsigned(&mut out, place.block_count as u64);
            write_unsigned(&mut out, column.distinct.hashes().len() as u64);
            column.distinct.hashes().for_each(|hash| out.extend_from_slice(&hash.to_le_bytes()));
            if !column.blocks.is_empty() {
                write_borders(&mut out, &column.blocks);
            }
        }
        write_unsigned(&mut out, self.sums.len() as u64);
        self.sums.iter().for_each(|sum| out.extend_from_slice(&sum.to_le_bytes()));
        out
    }

    /// Reads the head of an index file.
    ///
    /// # Errors
    /// `Damaged` when it fails its checksum or is no index, else what the file system answers.
    pub fn read(file: &dyn StoredFile) -> Result<Self, StorageError> {
        let damaged = || StorageError::Damaged("it fails its checksum".to_owned());
        let end = file.size_bytes()?.checked_sub(TAIL_BYTES).ok_or_else(damaged)?;
        let mut tail = [0; TAIL_BYTES as usize];
        file.read_exact_at(&mut tail, end)?;
        let [length, sum] = [0, 4].map(|at| u32::from_le_bytes([tail[at], tail[at + 1], tail[at + 2], tail[at + 3]]));
        let start = end.checked_sub(u64::from(length)).filter(|_| &tail[8..] == MAGIC).ok_or_else(damaged)?;
        let mut head = vec![0; length as usize];
        file.read_exact_at(&mut head, start)?;
        if crc32c::crc32c(&head) != sum {
            return Err(damaged());
        }
        let index = Self::parse(&head).map_err(|_| damaged())?;
        let lies_inside =
            |place: &FilterPlace| place.offset.checked_add(place.size_bytes()).is_some_and(|end| end <= start);
        index
            .columns
            .iter()
            .filter_map(|column| column.filter.as_ref())
            .all(lies_inside)
            .then_some(index)
            .ok_or_else(damaged)
    }

    /// Reads the bytes of a head.
    ///
    /// # Errors
    /// When they are none.
    pub fn parse(head: &[u8]) -> Result<Self, CodecError> {
        let mut reader = Reader::new(head);
        let page_count = reader.count()?;
        let pages = (0..page_count).map(|_| read_page(&mut reader)).collect::<Result<_, _>>()?;
        let column_count = reader.count()?;
        let columns = (0..column_count).map(|_| read_column(&mut reader)).collect::<Result<_, _>>()?;
        let sum_count = reader.count()?;
        let sums: Vec<u32> = (0..sum_count)
            .map(|_| reader.take(4).map(|bytes| u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])))
            .collect::<Result<_, _>>()?;
        if !reader.is_at_end() {
            return reader.fail();
        }
        Ok(Self { pages, columns, sums: sums.into() })
    }

    /// The column of that name.
    pub fn column(&self, name: &str) -> Option<&IndexedColumn> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The rows of the page.
    pub fn rows_of(page: usize) -> Range<usize> {
        page * PAGE_ROWS..(page + 1) * PAGE_ROWS
    }
}

fn read_page(reader: &mut Reader<'_>) -> Result<PageSpan, CodecError> {
    Ok(PageSpan {
        first: Timestamp::from_nanos(reader.signed()?),
        last: Timestamp::from_nanos(reader.signed()?),
        min_sequence: reader.unsigned()?,
        max_sequence: reader.unsigned()?,
    })
}

fn read_column(reader: &mut Reader<'_>) -> Result<IndexedColumn, CodecError> {
    let name = reader.text()?.to_owned();
    let flags = reader.byte()?;
    let has_dictionary = flags & 1 == 1;
    // Filters of indexes that were written before there was a choice hold both.
    let hashed = match (flags >> OF_CELLS_BIT & 1, flags >> LACKS_VALUES_BIT & 1) {
        (1, _) => Hashed::Cells,
        (_, 1) => Hashed::Words,
        _ => Hashed::ValuesAndWords,
    };
    let value_count = (flags >> COUNTS_VALUES_BIT & 1 == 1).then(|| reader.unsigned()).transpose()?;
    let place = FilterPlace {
        offset: reader.unsigned()?,
        page_count: reader.unsigned()? as usize,
        block_count: reader.unsigned()? as usize,
    };
    // Products of the two must not overflow when a damaged head is read.
    if place.page_count > 1 << 24 || place.block_count > 1 << 24 {
        return reader.fail();
    }
    let mut distinct = DistinctSketch::default();
    for _ in 0..reader.count()? {
        let bytes = reader.take(8)?;
        distinct.add(bytes.iter().rev().fold(0, |hash, byte| hash << 8 | u64::from(*byte)));
    }
    let filter = (place.block_count > 0).then_some(place);
    let blocks = if flags >> HAS_BLOCKS_BIT & 1 == 1 { read_borders(reader)? } else { BlockBorders::default() };
    Ok(IndexedColumn { name, has_dictionary, filter, hashed, value_count, distinct, blocks })
}

fn write_borders(out: &mut Vec<u8>, borders: &[BlockBorder]) {
    write_unsigned(out, borders.len() as u64);
    for border in borders {
        write_unsigned(out, u64::from(border.code));
        write_unsigned(out, border.offset);
    }
}

fn read_borders(reader: &mut Reader<'_>) -> Result<BlockBorders, CodecError> {
    let count = reader.count()?;
    let mut border = || {
        let code = reader.unsigned()?;
        let Ok(code) = u32::try_from(code) else { return reader.fail() };
        Ok(BlockBorder { code, offset: reader.unsigned()? })
    };
    let borders = (0..count).map(|_| border()).collect::<Result<Vec<_>, _>>()?;
    Ok(borders.into())
}

/// Asks the filters of a part.
pub struct FilterReader {
    file: Arc<dyn StoredFile>,
    index: Arc<PartIndex>,
}

impl FilterReader {
    /// Over the index file of the part.
    ///
    /// # Errors
    /// What the file system answers.
    pub fn open(files: &dyn Files, path: &Path, index: Arc<PartIndex>) -> io::Result<Self> {
        Ok(Self { file: files.open(path)?, index })
    }

    /// Bytes of the column's filters, and how often they say yes of what is not there.
    pub fn cost_of(&self, column: &str) -> (u64, Option<f64>) {
        let Some(place) = self.index.column(column).and_then(|column| column.filter) else { return (0, None) };
        let mut runs = vec![0; place.size_bytes() as usize];
        let read = self.file.read_exact_at(&mut runs, place.offset);
        (place.size_bytes(), read.ok().map(|()| false_positive_share(&runs, &place)))
    }

    /// Which pages of the column may hold the hash; `None` when that cannot be told.
    pub fn pages_with(&self, column: &str, hash: u64) -> Option<Vec<bool>> {
        let place = self.index.column(column)?.filter?;
        let mut run = vec![0; place.run_bytes()];
        let read = self.file.read_exact_at(&mut run, place.run_of(hash));
        let pages = read.ok().and_then(|()| pages_with(&run, hash));
        let Some(pages) = pages else {
            tracing::error!(column, "a filter of a part is damaged or unreadable; its pages are all read");
            return None;
        };
        match pages.as_slice() {
            [whole] => Some(vec![*whole; self.index.pages.len()]),
            _ => Some(pages),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::token_filter::{BITS_PER_HASH, FilterBuilder, hash_of};
    use super::*;
    use crate::files::OsFiles;

    fn sample() -> (PartIndex, Vec<u8>) {
        let mut builder = FilterBuilder::new(2, BITS_PER_HASH);
        builder.push_page(&[hash_of("gateway")]);
        builder.push_page(&[hash_of("timeout")]);
        let mut runs = Vec::new();
        let filter = Some(builder.finish(&mut runs));
        let mut distinct = DistinctSketch::default();
        distinct.add(7);
        let page = PageSpan {
            first: Timestamp::from_nanos(-5),
            last: Timestamp::from_seconds(9),
            min_sequence: 3,
            max_sequence: u64::MAX,
        };
        let columns = vec![
            IndexedColumn {
                name: "message".into(),
                has_dictionary: false,
                filter,
                hashed: Hashed::Words,
                value_count: Some(300),
                distinct,
                blocks: BlockBorders::default(),
            },
            IndexedColumn {
                name: "_shape".into(),
                has_dictionary: true,
                filter: None,
                hashed: Hashed::ValuesAndWords,
                value_count: None,
                distinct: DistinctSketch::default(),
                blocks: [(0, 17), (3_000, 9_000)].map(|(code, offset)| BlockBorder { code, offset }).into(),
            },
        ];
        let cells = IndexedColumn { name: "_overflow".into(), hashed: Hashed::Cells, ..columns[0].clone() };
        let columns = [columns, vec![cells]].concat();
        (PartIndex { pages: vec![page, page], columns, sums: vec![1, u32::MAX].into() }, runs)
    }

    #[test]
    fn an_index_comes_back_and_answers() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.index");
        let (index, runs) = sample();
        index.write(&OsFiles, &path, runs).unwrap();
        let read = PartIndex::read(&*OsFiles.open(&path).unwrap()).unwrap();
        assert_eq!(read, index);
        let filters = FilterReader::open(&OsFiles, &path, Arc::new(read)).unwrap();
        assert_eq!(filters.pages_with("message", hash_of("gateway")), Some(vec![true, false]));
        assert_eq!(filters.pages_with("_shape", hash_of("gateway")), None);
    }

    /// Before filters of texts left out whole values, and before an index counted the values of a column.
    #[test]
    fn an_index_of_a_former_version_is_read() {
        let mut head = vec![0, 2];
        for (name, has_dictionary) in [("message", 0), ("service", 1)] {
            write_text(&mut head, name);
            // No filter, no hash of a sketch.
            head.extend_from_slice(&[has_dictionary, 0, 0, 0, 0]);
        }
        head.push(0);
        let index = PartIndex::parse(&head).unwrap();
        let known = |column: &IndexedColumn| (column.has_dictionary, column.hashed, column.value_count);
        let known: Vec<_> = index.columns.iter().map(known).collect();
        assert_eq!(known, [(false, Hashed::ValuesAndWords, None), (true, Hashed::ValuesAndWords, None)]);
        assert_eq!(index.to_bytes(), head);
    }

    #[test]
    fn every_flipped_bit_is_told_or_asks_for_more_pages() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.index");
        let (index, runs) = sample();
        index.write(&OsFiles, &path, runs).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            std::fs::write(&path, &flipped).unwrap();
            let Ok(read) = PartIndex::read(&*OsFiles.open(&path).unwrap()) else { continue };
            assert_eq!(read, index, "bit {bit}");
            let filters = FilterReader::open(&OsFiles, &path, Arc::new(read)).unwrap();
            let pages = filters.pages_with("message", hash_of("gateway"));
            assert!(pages.is_none_or(|pages| pages == [true, false]), "bit {bit}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = PartIndex::parse(&bytes);
        }
    }
}
