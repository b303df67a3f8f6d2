//! Large dictionaries lie in blocks, so that a few of their strings are read without all the others.
//!
//! To other readers the page is a dictionary like any: its blocks are frames of zstd, and what unpacks one unpacks many that follow each
//! other (RFC 8878, section 3). Where they begin is said by the index beside the part.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::StringArray;
use arrow::buffer::OffsetBuffer;
use bytes::Bytes;
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::{ChunkReader, Length};
use vigie_domain::codec::write_signed;

use super::checked_file::CheckedFile;
use super::pages::unpack;

/// Bytes before a string of a dictionary: how long it is, little-endian.
const LENGTH_BYTES: usize = size_of::<u32>();
/// Bytes of strings of a block, about: what is unpacked for one of them.
const BLOCK_BYTES: usize = 32 * 1024;
/// Dictionaries of fewer bytes are read whole.
pub(super) const BLOCKS_BYTES_MIN: usize = 8 * BLOCK_BYTES;

/// Where a block begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockBorder {
    /// The code of its first string.
    pub code: u32,
    /// Bytes before it, from where the page begins, its head included.
    pub offset: u64,
}

/// Borders of blocks, and where the last one ends; none of a dictionary that does not lie in blocks.
pub type BlockBorders = Arc<[BlockBorder]>;

/// A dictionary's page with its head.
pub(super) struct BlockedPage {
    /// Of the file.
    pub(super) bytes: Vec<u8>,
    /// What the page with its head would have if it were not packed.
    pub(super) plain_bytes: usize,
    /// Its blocks.
    pub(super) borders: BlockBorders,
}

/// The page of the strings in these plain bytes, in blocks of this level of zstd.
///
/// # Errors
/// When they are no strings with their lengths before them.
pub(super) fn in_blocks(plain: &[u8], level: i32) -> Result<BlockedPage> {
    let (mut frames, mut borders, mut code) = (Vec::new(), Vec::new(), 0_u32);
    let mut rest = plain;
    while !rest.is_empty() {
        borders.push(BlockBorder { code, offset: frames.len() as u64 });
        let mut length = 0;
        while length < BLOCK_BYTES.min(rest.len()) {
            length += LENGTH_BYTES + next_string(&rest[length..])?.len();
            code += 1;
        }
        let (block, behind) = rest.split_at(length);
        frames.extend(zstd::bulk::compress(block, level)?);
        rest = behind;
    }
    borders.push(BlockBorder { code, offset: frames.len() as u64 });
    let mut bytes = page_head(plain.len(), frames.len(), code as usize);
    let plain_bytes = bytes.len() + plain.len();
    borders.iter_mut().for_each(|border| border.offset += bytes.len() as u64);
    bytes.extend(frames);
    Ok(BlockedPage { bytes, plain_bytes, borders: borders.into() })
}

/// The head of a dictionary's page, as the compact protocol of Thrift has it. Source: `PageHeader` and `DictionaryPageHeader` of the
/// specification of Parquet.
fn page_head(plain_bytes: usize, packed_bytes: usize, count: usize) -> Vec<u8> {
    const DICTIONARY_PAGE: i64 = 2;
    const PLAIN: i64 = 0;
    /// A field right after the last one, a number; the same, `false`.
    const NEXT_NUMBER: u8 = 0x15;
    const NEXT_FALSE: u8 = 0x12;
    /// A structure, four fields after the last one.
    const FOURTH_STRUCTURE: u8 = 0x4c;
    const END: u8 = 0;
    let mut head = Vec::new();
    let number = |head: &mut Vec<u8>, number| {
        head.push(NEXT_NUMBER);
        write_signed(head, number);
    };
    number(&mut head, DICTIONARY_PAGE);
    number(&mut head, plain_bytes as i64);
    number(&mut head, packed_bytes as i64);
    head.push(FOURTH_STRUCTURE);
    number(&mut head, count as i64);
    number(&mut head, PLAIN);
    // Whether it is sorted.
    head.push(NEXT_FALSE);
    head.extend([END, END]);
    head
}

/// The first of the strings.
fn next_string(plain: &[u8]) -> Result<&[u8]> {
    let string = plain.split_first_chunk::<LENGTH_BYTES>().and_then(|(length, behind)| {
        let length = u32::from_le_bytes(*length) as usize;
        behind.get(..length)
    });
    string.ok_or_else(|| damaged("it is cut off"))
}

fn damaged(what: &str) -> ParquetError {
    ParquetError::General(format!("a dictionary is damaged: {what}"))
}

/// Strings that are put together.
struct Strings {
    bytes: Vec<u8>,
    ends: Vec<i32>,
}

impl Strings {
    fn new(count: usize, bytes: usize) -> Self {
        let mut ends = Vec::with_capacity(count + 1);
        ends.push(0);
        Self { bytes: Vec::with_capacity(bytes), ends }
    }

    fn push(&mut self, string: &[u8]) -> Result<()> {
        self.bytes.extend_from_slice(string);
        self.ends.push(i32::try_from(self.bytes.len()).map_err(|_| damaged("it is too large"))?);
        Ok(())
    }

    fn finish(self) -> Result<StringArray> {
        // What it checks in addition is that each is UTF-8.
        Ok(StringArray::try_new(OffsetBuffer::new(self.ends.into()), self.bytes.into(), None)?)
    }
}

/// All strings of a dictionary's page, from its plain bytes.
///
/// # Errors
/// When there are not so many.
pub(super) fn all_strings(plain: &[u8], count: usize) -> Result<StringArray> {
    // Each has a length at least.
    let bytes = count.checked_mul(LENGTH_BYTES).and_then(|lengths| plain.len().checked_sub(lengths));
    let mut strings = Strings::new(count, bytes.ok_or_else(|| damaged("it is cut off"))?);
    let mut rest = plain;
    for _ in 0..count {
        let string = next_string(rest)?;
        strings.push(string)?;
        rest = &rest[LENGTH_BYTES + string.len()..];
    }
    strings.finish()
}

/// Who keeps blocks that were read.
pub(super) trait KeepsBlocks: Send {
    /// That block, as it is once unpacked.
    fn block(&self, number: usize) -> Option<Bytes>;

    /// Keeps it.
    fn keep_block(&self, number: usize, block: &Bytes);
}

/// A dictionary of which only the blocks are read that are asked for.
pub(super) struct DictionaryBlocks {
    /// The file of the part.
    pub(super) file: Arc<CheckedFile>,
    /// Where in it the page begins.
    pub(super) start: u64,
    /// Its blocks.
    pub(super) borders: BlockBorders,
    /// Those that were read before.
    pub(super) kept: Box<dyn KeepsBlocks>,
}

impl DictionaryBlocks {
    /// The strings of these codes, which are in ascending order.
    ///
    /// # Errors
    /// When a block cannot be read, or one of the codes is in none.
    pub(super) fn strings(&self, codes: &[u32]) -> Result<StringArray> {
        let mut strings = Strings::new(codes.len(), 0);
        let mut codes = codes;
        while let Some(first) = codes.first() {
            let number = self.borders.partition_point(|border| border.code <= *first).wrapping_sub(1);
            let (Some(begin), Some(end)) = (self.borders.get(number), self.borders.get(number.wrapping_add(1))) else {
                return Err(damaged("a code is beyond it"));
            };
            let block = match self.kept.block(number) {
                Some(kept) => kept,
                None => self.read(number, begin.offset..end.offset)?,
            };
            let (here, behind) = codes.split_at(codes.partition_point(|code| *code < end.code));
            append(&block, here.iter().map(|code| code - begin.code), &mut strings)?;
            codes = behind;
        }
        strings.finish()
    }

    /// The block of that number, which lies there.
    fn read(&self, number: usize, lies: Range<u64>) -> Result<Bytes> {
        let end = self.start.checked_add(lies.end).filter(|end| lies.start <= lies.end && *end <= self.file.len());
        let Some(end) = end else { return Err(damaged("its blocks are out of order or beyond the file")) };
        let start = self.start + lies.start;
        let block = unpack(&self.file.get_bytes(start, (end - start) as usize)?)?;
        self.kept.keep_block(number, &block);
        Ok(block)
    }
}

/// Appends the strings in these places of a block, which are in ascending order.
fn append(block: &[u8], places: impl Iterator<Item = u32>, strings: &mut Strings) -> Result<()> {
    let (mut rest, mut passed) = (block, 0);
    for place in places {
        loop {
            let string = next_string(rest)?;
            if passed == place {
                strings.push(string)?;
                break;
            }
            rest = &rest[LENGTH_BYTES + string.len()..];
            passed += 1;
        }
    }
    Ok(())
}

/// So many strings of a page's plain bytes: read all at once, and as one block of which each is asked for.
///
/// # Errors
/// When there are not so many.
pub fn strings_both_ways(plain: &[u8], count: u16) -> Result<[StringArray; 2]> {
    let mut strings = Strings::new(usize::from(count), 0);
    append(plain, 0..u32::from(count), &mut strings)?;
    Ok([all_strings(plain, usize::from(count))?, strings.finish()?])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Mutex;

    use proptest::prelude::*;

    use super::*;
    use crate::files::{Files, OsFiles};

    /// The strings as a page of a dictionary has them before it is packed.
    fn plain_of(strings: &[String]) -> Vec<u8> {
        let with_length = |string: &String| [&(string.len() as u32).to_le_bytes(), string.as_bytes()].concat();
        strings.iter().flat_map(with_length).collect()
    }

    /// A file that has the page behind some other bytes.
    fn blocks_of(page: &BlockedPage) -> DictionaryBlocks {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("part");
        std::fs::write(&path, [&[7; 100], &page.bytes[..]].concat()).unwrap();
        let file = CheckedFile::new(OsFiles.open(&path).unwrap(), None).unwrap();
        DictionaryBlocks {
            file: Arc::new(file),
            start: 100,
            borders: page.borders.clone(),
            kept: Box::<Kept>::default(),
        }
    }

    #[derive(Default)]
    struct Kept(Mutex<BTreeMap<usize, Bytes>>);

    impl KeepsBlocks for Kept {
        fn block(&self, number: usize) -> Option<Bytes> {
            self.0.lock().unwrap().get(&number).cloned()
        }

        fn keep_block(&self, number: usize, block: &Bytes) {
            assert!(self.0.lock().unwrap().insert(number, block.clone()).is_none(), "a block is read once");
        }
    }

    fn texts(strings: &StringArray) -> Vec<String> {
        strings.iter().flatten().map(str::to_owned).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn strings_of_codes_are_those_that_were_written(
            lengths in proptest::collection::vec(prop_oneof![20 => 0_usize..90, 1 => 30_000_usize..70_000], 1..3_000),
            asked in proptest::collection::vec(any::<prop::sample::Index>(), 0..40),
        ) {
            let strings: Vec<String> =
                lengths.iter().enumerate().map(|(place, length)| format!("é{place}{}", "x".repeat(*length))).collect();
            let plain = plain_of(&strings);
            let page = in_blocks(&plain, 1).unwrap();
            let begin = page.borders.first().unwrap().offset as usize;
            prop_assert_eq!(&unpack(&page.bytes[begin..]).unwrap(), &plain, "what knows of no blocks sees none");
            prop_assert_eq!(texts(&all_strings(&plain, strings.len()).unwrap()), strings.clone());
            let mut codes: Vec<u32> = asked.iter().map(|index| index.index(strings.len()) as u32).collect();
            codes.sort_unstable();
            codes.dedup();
            let expected: Vec<String> = codes.iter().map(|code| strings[*code as usize].clone()).collect();
            let blocks = blocks_of(&page);
            prop_assert_eq!(texts(&blocks.strings(&codes).unwrap()), expected.clone());
            prop_assert_eq!(texts(&blocks.strings(&codes).unwrap()), expected);
        }
    }

    #[test]
    fn what_is_damaged_is_told() {
        let strings: Vec<String> = (0..20_000).map(|number| format!("session {number}")).collect();
        let plain = plain_of(&strings);
        let page = in_blocks(&plain, 1).unwrap();
        assert!(page.borders.len() > 8, "there are several");
        assert!(in_blocks(&plain[..plain.len() - 1], 1).is_err_and(|error| error.to_string().contains("cut off")));
        let error = |blocks: DictionaryBlocks, codes: &[u32]| blocks.strings(codes).unwrap_err().to_string();
        assert!(error(blocks_of(&page), &[3, 20_000]).contains("beyond"));
        assert!(error(blocks_of(&page), &[u32::MAX]).contains("beyond"));
        let with = |change: &dyn Fn(&mut BlockBorder)| {
            let mut borders = page.borders.to_vec();
            change(&mut borders[1]);
            DictionaryBlocks { borders: borders.into(), ..blocks_of(&page) }
        };
        assert!(error(with(&|border| border.offset = 0), &[0]).contains("out of order"));
        assert!(error(with(&|border| border.offset += 1), &[0]).contains("unpacked"));
        let second = page.borders[1].code;
        assert!(error(with(&|border| border.code += 9), &[second + 5]).contains("cut off"));
        assert!(error(with(&|border| border.offset = u64::MAX), &[0]).contains("beyond the file"));
        assert!(error(DictionaryBlocks { borders: Arc::new([]), ..blocks_of(&page) }, &[0]).contains("beyond"));
    }
}
