//! Bytes of binary protocols as senders write them, for inputs to begin with: Lumberjack, MessagePack, protobuf, GELF's chunks.

use std::io::Write;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};

/// Bytes that grow.
#[derive(Clone, Default)]
pub struct Wire(pub Vec<u8>);

impl Wire {
    /// Bytes as they are.
    pub fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// A frame of Lumberjack that says how many events follow.
    pub fn window(self, events: u32) -> Self {
        self.raw(b"2W").raw(&events.to_be_bytes())
    }

    /// A frame of Lumberjack with an event.
    pub fn json_event(self, sequence: u32, json: &str) -> Self {
        self.raw(b"2J").raw(&sequence.to_be_bytes()).raw(&(json.len() as u32).to_be_bytes()).raw(json.as_bytes())
    }

    /// A frame of Lumberjack 1 with an event.
    pub fn pairs_event(self, sequence: u32, pairs: &[(&str, &str)]) -> Self {
        let begun = self.raw(b"1D").raw(&sequence.to_be_bytes()).raw(&(pairs.len() as u32).to_be_bytes());
        pairs
            .iter()
            .flat_map(|(name, value)| [name, value])
            .fold(begun, |wire, text| wire.raw(&(text.len() as u32).to_be_bytes()).raw(text.as_bytes()))
    }

    /// A frame of Lumberjack with packed frames.
    pub fn packed_frames(self, frames: &Self) -> Self {
        let packed = zlib(&frames.0);
        self.raw(b"2C").raw(&(packed.len() as u32).to_be_bytes()).raw(&packed)
    }

    /// The head of a list of MessagePack, of at most 15 values.
    pub fn list(self, count: u8) -> Self {
        self.raw(&[0x90 | count])
    }

    /// The head of a map of MessagePack, of at most 15 pairs.
    pub fn map(self, count: u8) -> Self {
        self.raw(&[0x80 | count])
    }

    /// A text of MessagePack.
    pub fn text(self, text: &str) -> Self {
        self.raw(&[0xda]).raw(&(text.len() as u16).to_be_bytes()).raw(text.as_bytes())
    }

    /// Bytes of MessagePack.
    pub fn binary(self, bytes: &[u8]) -> Self {
        self.raw(&[0xc6]).raw(&(bytes.len() as u32).to_be_bytes()).raw(bytes)
    }

    /// A time of the forward protocol.
    pub fn event_time(self, seconds: u32, nanos: u32) -> Self {
        self.raw(&[0xd7, 0]).raw(&seconds.to_be_bytes()).raw(&nanos.to_be_bytes())
    }

    /// A field of protobuf with bytes, a text or a message.
    pub fn field(self, number: u8, bytes: &[u8]) -> Self {
        self.raw(&[number << 3 | 2]).varint(bytes.len() as u64).raw(bytes)
    }

    /// A field of protobuf with a whole number.
    pub fn number(self, number: u8, value: u64) -> Self {
        self.raw(&[number << 3]).varint(value)
    }

    /// A field of protobuf with eight bytes.
    pub fn fixed64(self, number: u8, value: u64) -> Self {
        self.raw(&[number << 3 | 1]).raw(&value.to_le_bytes())
    }

    fn varint(mut self, mut value: u64) -> Self {
        while value > 0x7f {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
        self
    }

    /// A datagram of at most 255 bytes, as the target of GELF takes it: its length, seconds that pass before it, itself.
    pub fn datagram(self, wait_s: u8, bytes: &[u8]) -> Self {
        self.raw(&[bytes.len() as u8, wait_s]).raw(bytes)
    }

    /// A chunk of GELF as a datagram.
    pub fn chunk(self, number: u8, count: u8, content: &[u8]) -> Self {
        let chunk = new().raw(&[0x1e, 0x0f]).raw(b"message1").raw(&[number, count]).raw(content);
        self.datagram(0, &chunk.0)
    }
}

/// Nothing yet.
pub fn new() -> Wire {
    Wire::default()
}

/// Packed with zlib.
pub fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut packing = ZlibEncoder::new(Vec::new(), Compression::default());
    // Writing to memory does not fail.
    let _ = packing.write_all(bytes);
    packing.finish().unwrap_or_default()
}

/// Packed with gzip.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packing = GzEncoder::new(Vec::new(), Compression::default());
    // Writing to memory does not fail.
    let _ = packing.write_all(bytes);
    packing.finish().unwrap_or_default()
}
