//! A look at the headers of a Parquet file's pages before the library reads them.
//!
//! The library reserves room for as many bytes as a page says that it unpacks to, and for as many values as a dictionary says that it
//! has, so a small file could take gigabytes (parquet.thrift, `PageHeader`). What pages hold is not looked at.

use parquet::basic::Compression;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, RowGroupMetaData};
use parquet::file::reader::ChunkReader;

use super::parquet_thrift::{STRUCTS_MAX, Thrift};
use crate::decompress::RATIO_MAX;

/// Bytes of a page, unpacked; writers make pages of 1 MiB.
const PAGE_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Unpacked bytes of a page before the ratio is looked at.
const RATIO_FREE_BYTES: u64 = 8 * 1024 * 1024;

/// Bytes of a header, first and at most: it may hold the smallest and the largest value of its page.
const HEADER_BYTES: usize = 256;
const HEADER_BYTES_MAX: usize = 1024 * 1024;

/// Checks that no page takes more memory than the file explains; `Err` says what is wrong.
pub(super) fn check_pages(input: &impl ChunkReader, metadata: &ParquetMetaData) -> Result<(), String> {
    metadata.row_groups().iter().flat_map(RowGroupMetaData::columns).try_for_each(|column| check_column(input, column))
}

fn check_column(input: &impl ChunkReader, column: &ColumnChunkMetaData) -> Result<(), String> {
    let damaged = || {
        format!("a page of the column {:?} is damaged or cut off; send the file again", column.column_path().string())
    };
    let (mut at, length) = column.byte_range();
    let end = at.checked_add(length).ok_or_else(damaged)?;
    while at < end {
        let header = read_header(input, at)?.ok_or_else(damaged)?;
        let content_at = at + header.size_bytes as u64;
        let left_bytes = input.len().checked_sub(content_at).ok_or_else(damaged)?;
        if header.packed_bytes > left_bytes {
            return Err(damaged());
        }
        header.check(column.compression())?;
        at = content_at + header.packed_bytes;
    }
    Ok(())
}

/// The header of the page that begins there; `None` when there is none.
fn read_header(input: &impl ChunkReader, at: u64) -> Result<Option<Header>, String> {
    let left_bytes = usize::try_from(input.len().saturating_sub(at)).unwrap_or(usize::MAX);
    let mut wanted = HEADER_BYTES;
    loop {
        let bytes = input.get_bytes(at, wanted.min(left_bytes)).map_err(|error| error.to_string())?;
        let header = Header::of(&bytes);
        if header.is_some() || wanted >= HEADER_BYTES_MAX.min(left_bytes) {
            return Ok(header);
        }
        wanted *= 16;
    }
}

/// What counts of a page's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Header {
    size_bytes: usize,
    unpacked_bytes: u64,
    packed_bytes: u64,
    /// Of a dictionary.
    dictionary_values: Option<u64>,
}

impl Header {
    /// `None` when the bytes begin with none.
    fn of(bytes: &[u8]) -> Option<Self> {
        const UNPACKED_FIELD: i64 = 2;
        const PACKED_FIELD: i64 = 3;
        const DICTIONARY_FIELD: i64 = 7;
        const STRUCT: u8 = 12;
        let mut thrift = Thrift::new(bytes);
        let (mut id, mut unpacked_bytes, mut packed_bytes, mut dictionary_values) = (0, None, None, None);
        while let Some(kind) = thrift.field(&mut id)? {
            match (id, kind) {
                (UNPACKED_FIELD, _) => unpacked_bytes = Some(u64::try_from(thrift.zigzag()?).ok()?),
                (PACKED_FIELD, _) => packed_bytes = Some(u64::try_from(thrift.zigzag()?).ok()?),
                (DICTIONARY_FIELD, STRUCT) => dictionary_values = Some(dictionary_count(&mut thrift)?),
                _ => thrift.skip(kind, STRUCTS_MAX)?,
            }
        }
        Some(Self {
            size_bytes: bytes.len() - thrift.left(),
            unpacked_bytes: unpacked_bytes?,
            packed_bytes: packed_bytes?,
            dictionary_values,
        })
    }

    fn check(&self, compression: Compression) -> Result<(), String> {
        let Self { unpacked_bytes, packed_bytes, .. } = *self;
        let is_bomb = unpacked_bytes > RATIO_FREE_BYTES && unpacked_bytes / packed_bytes.max(1) > RATIO_MAX;
        if unpacked_bytes > PAGE_BYTES_MAX || is_bomb {
            return Err(format!(
                "a page of {packed_bytes} bytes says that it unpacks to {unpacked_bytes}; {PAGE_BYTES_MAX} are accepted, and \
                 {RATIO_MAX} times as many as packed; write smaller pages"
            ));
        }
        // Each value takes a byte at least.
        let held_bytes = if compression == Compression::UNCOMPRESSED { packed_bytes } else { unpacked_bytes };
        match self.dictionary_values {
            Some(values) if values > held_bytes => Err(format!(
                "a dictionary of {held_bytes} bytes says that it has {values} values; it is damaged, send the file again"
            )),
            _ => Ok(()),
        }
    }
}

/// How many values a dictionary has; its header is read to its end.
fn dictionary_count(thrift: &mut Thrift<'_>) -> Option<u64> {
    const VALUES_FIELD: i64 = 1;
    let (mut id, mut values) = (0, None);
    while let Some(kind) = thrift.field(&mut id)? {
        if id == VALUES_FIELD {
            values = Some(u64::try_from(thrift.zigzag()?).ok()?);
        } else {
            thrift.skip(kind, STRUCTS_MAX)?;
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    fn varint(mut value: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        while value > 0x7f {
            bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        bytes.push(value as u8);
        bytes
    }

    /// The header of a dictionary: kind 2, both sizes, how many values, encoding 0; all whole numbers in zigzag.
    fn header(unpacked: u64, packed: u64, values: u64) -> Vec<u8> {
        [
            &[0x15, 4, 0x15],
            &*varint(unpacked * 2),
            &[0x15],
            &varint(packed * 2),
            &[0x4c, 0x15],
            &varint(values * 2),
            &[0x15, 0, 0, 0],
        ]
        .concat()
    }

    /// Empty words mean that it is fine.
    fn check(unpacked: u64, packed: u64, values: u64, compression: Compression, words: &str) {
        let reason =
            Header::of(&header(unpacked, packed, values)).unwrap().check(compression).err().unwrap_or_default();
        assert!(
            reason.contains(words) && reason.is_empty() == words.is_empty(),
            "{unpacked} {packed} {values}: {reason}"
        );
    }

    #[test]
    fn pages_take_no_more_than_their_bytes_explain() {
        check(24, 24, 3, Compression::UNCOMPRESSED, "");
        check(8 << 20, 10, 1 << 20, Compression::SNAPPY, "");
        check(100 << 20, 1 << 20, 5, Compression::SNAPPY, "");
        check(100, 24, 25, Compression::UNCOMPRESSED, "a dictionary of 24 bytes says that it has 25 values");
        check(100, 24, 101, Compression::SNAPPY, "a dictionary of 100 bytes says that it has 101 values");
        check(9 << 20, 10, 5, Compression::SNAPPY, "a page of 10 bytes says that it unpacks to 9437184");
        check(257 << 20, 200 << 20, 5, Compression::SNAPPY, "269484032; 268435456 are accepted");
    }

    #[test]
    fn headers_end_where_the_page_begins() {
        let bytes = [header(24, 20, 3), vec![7; 20]].concat();
        let expected =
            Header { size_bytes: bytes.len() - 20, unpacked_bytes: 24, packed_bytes: 20, dictionary_values: Some(3) };
        assert_eq!(Header::of(&bytes), Some(expected));
        for end in 0..expected.size_bytes {
            assert_eq!(Header::of(&bytes[..end]), None, "{end}");
        }
    }
}
