//! One record of the write-ahead log: a batch of events with its checksum.
//!
//! Layout, little-endian: `u32` length of the body · `u32` CRC32C of the body · body. Body: `u64` first sequence
//! number, then an LZ4 block (with its uncompressed length before it) of: zero, form, batch key, batch of events.
//! Records of the first form began with the number of events, never zero: batch key, then one event after the other.
//! A record is whole or it is not there: a torn or flipped one fails its checksum.

use vigie_domain::EventBatch;
use vigie_domain::codec::{Reader, write_text, write_unsigned};

/// Bytes before the body.
pub const HEADER_BYTES: usize = 8;
/// A body is never larger; a length above it is damage.
pub const BODY_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Each byte of an LZ4 block stands for so many at most, in the extension of a length:
/// <https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md>.
const LZ4_RATIO_MAX: usize = 255;

/// The form of what is written now.
const FORM: u64 = 2;

/// The events of a record, compressed, before they have sequence numbers.
pub struct EncodedBatch {
    block: Vec<u8>,
}

impl EncodedBatch {
    /// Encodes and compresses a batch.
    pub fn new(key: Option<&str>, events: &EventBatch) -> Self {
        let mut plain = Vec::with_capacity(events.len() * 256 + 64);
        write_unsigned(&mut plain, 0);
        write_unsigned(&mut plain, FORM);
        write_text(&mut plain, key.unwrap_or_default());
        events.write(&mut plain);
        Self { block: lz4_flex::compress_prepend_size(&plain) }
    }

    /// Bytes that the record takes in the log.
    pub fn record_bytes(&self) -> usize {
        HEADER_BYTES + 8 + self.block.len()
    }

    /// Appends the whole record to `out`.
    pub fn write(&self, first_sequence: u64, out: &mut Vec<u8>) {
        let body_length = 8 + self.block.len();
        let checksum = crc32c::crc32c_append(crc32c::crc32c(&first_sequence.to_le_bytes()), &self.block);
        out.extend_from_slice(&(body_length as u32).to_le_bytes());
        out.extend_from_slice(&checksum.to_le_bytes());
        out.extend_from_slice(&first_sequence.to_le_bytes());
        out.extend_from_slice(&self.block);
    }
}

/// A record read back.
#[derive(Debug, PartialEq)]
pub struct Record {
    /// Sequence number of its first event.
    pub first_sequence: u64,
    /// The batch's key.
    pub key: Option<String>,
    /// Its events.
    pub events: EventBatch,
}

/// What stands at a place in the log.
#[derive(Debug, PartialEq)]
pub enum Found {
    /// A whole record and the number of bytes it takes.
    Record(Box<Record>, usize),
    /// Nothing: the log ends exactly here.
    End,
    /// Bytes that are no whole record.
    Damaged,
}

/// Reads the record at the start of `bytes`.
pub fn read(bytes: &[u8]) -> Found {
    if bytes.is_empty() {
        return Found::End;
    }
    let Some(length) = body_length(bytes) else { return Found::Damaged };
    let Some(body) = bytes.get(HEADER_BYTES..HEADER_BYTES + length) else { return Found::Damaged };
    if crc32c::crc32c(body).to_le_bytes() != bytes[4..HEADER_BYTES] {
        return Found::Damaged;
    }
    match decode(body) {
        Some(record) => Found::Record(Box::new(record), HEADER_BYTES + length),
        None => Found::Damaged,
    }
}

fn body_length(bytes: &[u8]) -> Option<usize> {
    let length = u32::from_le_bytes(bytes.get(..4)?.try_into().ok()?) as usize;
    (8..=BODY_BYTES_MAX).contains(&length).then_some(length)
}

/// An LZ4 block and how long it says that it is uncompressed; `None` when it cannot be, so that no memory is taken for it.
fn sized_block(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (plain_length, block) = lz4_flex::block::uncompressed_size(bytes).ok()?;
    let is_possible = plain_length <= BODY_BYTES_MAX * 4 && plain_length <= block.len().saturating_mul(LZ4_RATIO_MAX);
    is_possible.then_some((plain_length, block))
}

fn decode(body: &[u8]) -> Option<Record> {
    let first_sequence = u64::from_le_bytes(body.get(..8)?.try_into().ok()?);
    let (plain_length, block) = sized_block(&body[8..])?;
    let plain = lz4_flex::decompress(block, plain_length).ok()?;
    let mut reader = Reader::new(&plain);
    let count = reader.unsigned().ok()?;
    if count == 0 && reader.unsigned().ok()? != FORM {
        return None;
    }
    let key = reader.text().ok()?;
    let key = (!key.is_empty()).then(|| key.to_owned());
    let mut events = EventBatch::default();
    if count == 0 {
        events = EventBatch::read(&mut reader).ok()?;
    }
    for _ in 0..count {
        events.push(&reader.event().ok()?);
    }
    reader.is_at_end().then_some(Record { first_sequence, key, events })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use vigie_domain::{Event, LogType, Timestamp, Value};

    use super::*;

    fn record_bytes() -> Vec<u8> {
        let event = |number: i64| Event {
            id: None,
            timestamp: Timestamp::from_nanos(number),
            ingested_at: Timestamp::from_nanos(9),
            log_type: LogType::Error,
            body: vec![("message".into(), Value::text("timeout timeout timeout")), ("n".into(), Value::Int(number))],
        };
        let mut bytes = Vec::new();
        EncodedBatch::new(Some("upload/1"), &vec![event(1), event(2)].into()).write(77, &mut bytes);
        bytes
    }

    #[test]
    fn a_record_comes_back() {
        let bytes = record_bytes();
        let Found::Record(record, length) = read(&bytes) else { panic!("no record") };
        assert_eq!((record.first_sequence, record.events.len(), length), (77, 2, bytes.len()));
        assert_eq!(record.key.as_deref(), Some("upload/1"));
        assert_eq!(read(&[]), Found::End);
    }

    #[test]
    fn records_of_the_first_form_are_read() {
        let mut plain = Vec::new();
        write_unsigned(&mut plain, 1);
        write_text(&mut plain, "upload/1");
        // An error of instant 1, accepted at 2, without an id, with one field: `n` is 7.
        plain.extend_from_slice(&[1, 2, 4, 0, 1, 1, b'n', 3, 14]);
        let block = lz4_flex::compress_prepend_size(&plain);
        let mut bytes = Vec::new();
        EncodedBatch { block }.write(77, &mut bytes);
        let Found::Record(record, _) = read(&bytes) else { panic!("no record") };
        let body = vec![("n".into(), Value::Int(7))];
        let (timestamp, ingested_at) = (Timestamp::from_nanos(1), Timestamp::from_nanos(2));
        let event = Event { id: None, timestamp, ingested_at, log_type: LogType::Error, body };
        assert_eq!((record.first_sequence, record.key.as_deref()), (77, Some("upload/1")));
        assert_eq!(record.events, vec![event].into());
    }

    #[test]
    fn a_length_that_no_block_of_its_size_has_is_not_believed() {
        let block = lz4_flex::compress_prepend_size(&vec![0; 1 << 20]);
        assert!(block.len() < 4_500, "{}", block.len());
        assert_eq!(sized_block(&block).map(|(length, _)| length), Some(1 << 20));
        for length in [2_u32 << 20, 1 << 30, u32::MAX] {
            let lying = [&length.to_le_bytes(), &block[4..]].concat();
            assert_eq!(sized_block(&lying), None, "{length}");
        }
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
            let _ = read(&bytes);
        }
    }
}
