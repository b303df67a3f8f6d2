//! One record of the spool: events that were read together, and where their source stands after them.
//!
//! Layout, little-endian: `u32` length of the body · `u32` CRC32C of the body · body. Body: `u64` number of the first event ·
//! `u32` number of events · `u32` length of the source · the source as JSON · an LZ4 block (with its uncompressed length
//! before it) of the events, one JSON object a line. Events and position are whole together or not there at all: that is
//! what keeps a crash from losing a line or reading it twice.

use crate::ledger::SourceEntry;

/// Bytes before the body.
pub const HEADER_BYTES: usize = 8;
/// A body is never larger; a length above it is damage.
pub const BODY_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Events of a record are never more bytes than this.
pub const EVENTS_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Bytes of a body before the source.
const FIXED_BYTES: usize = 16;

/// What is written as one record.
#[derive(Clone, Copy, Debug)]
pub struct NewRecord<'r> {
    /// Where the source stands after the events.
    pub source: &'r SourceEntry,
    /// How many events.
    pub event_count: u32,
    /// The events, one JSON object a line.
    pub events: &'r [u8],
}

/// A record with its events still packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'b> {
    /// Number of its first event.
    pub first_sequence: u64,
    /// How many events.
    pub event_count: u32,
    /// Bytes of the events.
    pub events_bytes: usize,
    source: &'b [u8],
    block: &'b [u8],
    /// Bytes that it takes in its segment.
    pub length: usize,
}

/// What stands at a place of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found<'b> {
    /// A whole record.
    Record(Record<'b>),
    /// Nothing: the segment ends exactly here.
    End,
    /// Bytes that are no whole record.
    Damaged,
}

impl NewRecord<'_> {
    /// The record as bytes; `None` when it would be larger than one may be.
    pub fn to_bytes(self, first_sequence: u64) -> Option<Vec<u8>> {
        if self.events.len() > EVENTS_BYTES_MAX {
            return None;
        }
        let source = serde_json::to_vec(self.source).ok()?;
        let block = lz4_flex::compress_prepend_size(self.events);
        let length = FIXED_BYTES + source.len() + block.len();
        if length > BODY_BYTES_MAX {
            return None;
        }
        let mut bytes = Vec::with_capacity(HEADER_BYTES + length);
        bytes.extend_from_slice(&(length as u32).to_le_bytes());
        bytes.extend_from_slice(&[0; 4]);
        bytes.extend_from_slice(&first_sequence.to_le_bytes());
        bytes.extend_from_slice(&self.event_count.to_le_bytes());
        bytes.extend_from_slice(&(source.len() as u32).to_le_bytes());
        bytes.extend_from_slice(&source);
        bytes.extend_from_slice(&block);
        let checksum = crc32c::crc32c(&bytes[HEADER_BYTES..]);
        bytes[4..HEADER_BYTES].copy_from_slice(&checksum.to_le_bytes());
        Some(bytes)
    }
}

impl Record<'_> {
    /// Number of the first event after it.
    pub const fn next_sequence(&self) -> u64 {
        self.first_sequence.saturating_add(self.event_count as u64)
    }

    /// Where the source stands after the events; `None` when that cannot be read.
    pub fn source(&self) -> Option<SourceEntry> {
        serde_json::from_slice(self.source).ok()
    }

    /// The events, unpacked; `None` when they are not as many lines as the record says.
    pub fn events(&self) -> Option<Vec<u8>> {
        let events = lz4_flex::decompress(self.block, self.events_bytes).ok()?;
        let is_whole = events.is_empty() || events.ends_with(b"\n");
        let lines = memchr::memchr_iter(b'\n', &events).count();
        (is_whole && events.len() == self.events_bytes && lines == self.event_count as usize).then_some(events)
    }
}

/// Reads the record at the start of `bytes`.
pub fn read(bytes: &[u8]) -> Found<'_> {
    if bytes.is_empty() {
        return Found::End;
    }
    whole(bytes).map_or(Found::Damaged, Found::Record)
}

fn whole(bytes: &[u8]) -> Option<Record<'_>> {
    let length = body_length(bytes)?;
    let body = bytes.get(HEADER_BYTES..HEADER_BYTES + length)?;
    if crc32c::crc32c(body).to_le_bytes() != bytes[4..HEADER_BYTES] {
        return None;
    }
    let first_sequence = u64::from_le_bytes(body[..8].try_into().ok()?);
    let event_count = u32::from_le_bytes(body[8..12].try_into().ok()?);
    let source_length = u32::from_le_bytes(body[12..FIXED_BYTES].try_into().ok()?) as usize;
    let rest = &body[FIXED_BYTES..];
    let (source, block) = (rest.get(..source_length)?, rest.get(source_length..)?);
    let (events_bytes, block) = lz4_flex::block::uncompressed_size(block).ok()?;
    let length = HEADER_BYTES + length;
    (events_bytes <= EVENTS_BYTES_MAX).then_some(Record {
        first_sequence,
        event_count,
        events_bytes,
        source,
        block,
        length,
    })
}

/// How long the body says that it is, if it may be that long.
pub fn body_length(bytes: &[u8]) -> Option<usize> {
    let length = u32::from_le_bytes(bytes.get(..4)?.try_into().ok()?) as usize;
    (FIXED_BYTES..=BODY_BYTES_MAX).contains(&length).then_some(length)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ledger::Place;

    fn record_bytes() -> Vec<u8> {
        let source = SourceEntry { place: Place::Journald { cursor: "s=1".into() }, read_count: 9, read_bytes: 90 };
        let record = NewRecord { source: &source, event_count: 2, events: b"{\"n\":1}\n{\"n\":2}\n" };
        record.to_bytes(77).unwrap()
    }

    #[test]
    fn a_record_comes_back() {
        let bytes = record_bytes();
        let Found::Record(record) = read(&bytes) else { panic!("no record") };
        assert_eq!((record.first_sequence, record.next_sequence(), record.length), (77, 79, bytes.len()));
        assert_eq!(record.events().unwrap(), b"{\"n\":1}\n{\"n\":2}\n");
        assert_eq!(record.source().unwrap().read_count, 9);
        assert_eq!(read(&[]), Found::End);
    }

    #[test]
    fn every_truncation_is_damage() {
        let bytes = record_bytes();
        for length in 1..bytes.len() {
            assert_eq!(read(&bytes[..length]), Found::Damaged, "{length}");
        }
    }

    #[test]
    fn every_flipped_bit_is_damage() {
        let bytes = record_bytes();
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(read(&flipped), Found::Damaged, "bit {bit}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            if let Found::Record(record) = read(&bytes) {
                let _ = (record.source(), record.events());
            }
        }
    }
}
