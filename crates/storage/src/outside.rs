//! Readers of the engine's own files over bytes alone, as fuzzing asks them: whatever the bytes are, they answer and
//! never panic, and take no more memory than the bytes explain.

use bytes::Bytes;

use crate::manifest::Manifest;
use crate::part::{PartIndex, count_codes, strings_both_ways};
use crate::wal::record::{self, Found};

/// How many events the log record at the start of the bytes holds; `None` when there is no whole one.
pub fn read_log_record(bytes: &[u8]) -> Option<usize> {
    match record::read(bytes) {
        Found::Record(record, _) => Some(record.events.len()),
        Found::End | Found::Damaged => None,
    }
}

/// How many parts the manifest lists; `None` when the bytes are none.
pub fn read_manifest(bytes: &[u8]) -> Option<usize> {
    Manifest::parse(bytes).ok().map(|manifest| manifest.parts.len())
}

/// How many pages the head of a part's index describes; `None` when the bytes are none.
pub fn read_part_index(bytes: &[u8]) -> Option<usize> {
    PartIndex::parse(bytes).ok().map(|index| index.pages.len())
}

/// How many codes the page of a column has, of so many rows, some of which may lack a value; `None` when the bytes are none.
pub fn read_codes_page(bytes: &[u8], row_count: u16, is_nullable: bool) -> Option<usize> {
    count_codes(Bytes::copy_from_slice(bytes), usize::from(row_count), is_nullable).ok()
}

/// Whether so many strings of a dictionary are the same read all at once and one by one; `None` when the bytes do not hold so many.
pub fn read_dictionary(bytes: &[u8], count: u16) -> Option<bool> {
    strings_both_ways(bytes, count).ok().map(|[all, each]| all == each)
}
