//! Thrift's compact protocol, as far as a Parquet file is looked at before the library reads it:
//! <https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md>.

/// Structs in structs; Parquet's own are 5 deep.
pub(super) const STRUCTS_MAX: u32 = 16;

/// Reads Thrift's compact protocol as far as is needed; every method is `None` when the bytes end.
pub(super) struct Thrift<'b> {
    bytes: &'b [u8],
}

impl<'b> Thrift<'b> {
    pub(super) const fn new(bytes: &'b [u8]) -> Self {
        Self { bytes }
    }

    /// Bytes that were not read yet.
    pub(super) const fn left(&self) -> usize {
        self.bytes.len()
    }

    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        Some(*first)
    }

    fn skip_bytes(&mut self, count: u64) -> Option<()> {
        self.bytes = self.bytes.get(usize::try_from(count).ok()?..)?;
        Some(())
    }

    fn varint(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    pub(super) fn zigzag(&mut self) -> Option<i64> {
        let number = self.varint()?;
        Some((number >> 1) as i64 ^ -((number & 1) as i64))
    }

    /// The kind of the next field, and its number into `id`; `Some(None)` at the end of the struct.
    pub(super) fn field(&mut self, id: &mut i64) -> Option<Option<u8>> {
        let header = self.byte()?;
        if header == 0 {
            return Some(None);
        }
        *id = match header >> 4 {
            0 => self.zigzag()?,
            delta => id.checked_add(i64::from(delta))?,
        };
        Some(Some(header & 0x0f))
    }

    /// How many items, and their kind.
    pub(super) fn list(&mut self) -> Option<(u64, u8)> {
        let header = self.byte()?;
        let count = match header >> 4 {
            0x0f => self.varint()?,
            count => u64::from(count),
        };
        Some((count, header & 0x0f))
    }

    pub(super) fn skip(&mut self, kind: u8, structs_left: u32) -> Option<()> {
        match kind {
            1 | 2 => Some(()),
            3 => self.skip_bytes(1),
            4..=6 => self.varint().map(|_| ()),
            7 => self.skip_bytes(8),
            8 => {
                let size = self.varint()?;
                self.skip_bytes(size)
            }
            9 | 10 => {
                let (count, kind) = self.list()?;
                (0..count).try_for_each(|_| self.skip_item(kind, structs_left))
            }
            11 => {
                let count = self.varint()?;
                let kinds = if count == 0 { 0 } else { self.byte()? };
                (0..count).try_for_each(|_| {
                    self.skip_item(kinds >> 4, structs_left)?;
                    self.skip_item(kinds & 0x0f, structs_left)
                })
            }
            12 => {
                let structs_left = structs_left.checked_sub(1)?;
                let mut id = 0;
                while let Some(kind) = self.field(&mut id)? {
                    self.skip(kind, structs_left)?;
                }
                Some(())
            }
            _ => None,
        }
    }

    /// Unlike as a field, a boolean in a list takes a byte; so every item takes one, and the bytes bound the loop.
    fn skip_item(&mut self, kind: u8, structs_left: u32) -> Option<()> {
        match kind {
            1 | 2 => self.skip_bytes(1),
            9..=12 => self.skip(kind, structs_left.checked_sub(1)?),
            _ => self.skip(kind, structs_left),
        }
    }
}
