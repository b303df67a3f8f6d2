//! A look at a Parquet file's schema before the library reads it.
//!
//! The library believes the schema: it calls itself once per level and reserves room for as many columns as the file says,
//! so a small file could take the process down. Only the list of schema elements is read here, in Thrift's compact
//! protocol (parquet.thrift, `FileMetaData` field 2; `SchemaElement` field 5).

use parquet::file::reader::ChunkReader;

/// Levels of columns in columns.
const LEVELS_MAX: usize = 64;

/// Columns, those that only hold others included.
const ELEMENTS_MAX: u64 = 20_000;

/// Bytes of the footer.
const FOOTER_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Structs in structs of the footer; Parquet's own are 5 deep.
const STRUCTS_MAX: u32 = 16;

/// Bytes after the footer: its length and `PAR1`.
const TAIL_BYTES: u64 = 8;

/// Checks that the schema has sane measures; `Err` says what is wrong.
pub(super) fn check_schema(input: &impl ChunkReader) -> Result<(), String> {
    let damaged = || "its footer is damaged or cut off; send it again".to_owned();
    let tail_at = input.len().checked_sub(TAIL_BYTES).ok_or_else(damaged)?;
    let tail = input.get_bytes(tail_at, TAIL_BYTES as usize).map_err(|error| error.to_string())?;
    let size = tail.get(..4).and_then(|bytes| bytes.try_into().ok()).map(u32::from_le_bytes).ok_or_else(damaged)?;
    let size = u64::from(size);
    if !tail.ends_with(b"PAR1") || size > tail_at {
        return Err(damaged());
    }
    if size > FOOTER_BYTES_MAX {
        return Err(format!("its footer has {size} bytes, more than {FOOTER_BYTES_MAX}; write fewer row groups"));
    }
    let footer = input.get_bytes(tail_at - size, size as usize).map_err(|error| error.to_string())?;
    check_footer(&footer).unwrap_or_else(|| Err(damaged()))
}

/// `None` when it cannot be read.
fn check_footer(footer: &[u8]) -> Option<Result<(), String>> {
    const SCHEMA_FIELD: i64 = 2;
    let mut thrift = Thrift { bytes: footer };
    let mut id = 0;
    loop {
        let kind = thrift.field(&mut id)??;
        if id == SCHEMA_FIELD {
            return check_elements(&mut thrift);
        }
        thrift.skip(kind, STRUCTS_MAX)?;
    }
}

fn check_elements(thrift: &mut Thrift<'_>) -> Option<Result<(), String>> {
    let (count, _) = thrift.list()?;
    if count > ELEMENTS_MAX {
        return Some(Err(format!("it has {count} columns, more than {ELEMENTS_MAX}; leave some out")));
    }
    // How many children each group above still has.
    let mut open: Vec<u64> = Vec::new();
    for index in 0..count {
        let children = thrift.element_children()?;
        if children > count - index {
            return Some(Err("its schema has fewer columns than it says; send it again".to_owned()));
        }
        if let Some(left) = open.last_mut() {
            *left -= 1;
        }
        if children > 0 {
            open.push(children);
        }
        if open.len() > LEVELS_MAX {
            return Some(Err(format!("its columns are nested more than {LEVELS_MAX} levels deep; flatten them")));
        }
        while open.last() == Some(&0) {
            open.pop();
        }
    }
    Some(Ok(()))
}

/// Reads Thrift's compact protocol as far as is needed; every method is `None` when the bytes end.
struct Thrift<'b> {
    bytes: &'b [u8],
}

impl Thrift<'_> {
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

    fn zigzag(&mut self) -> Option<i64> {
        let number = self.varint()?;
        Some((number >> 1) as i64 ^ -((number & 1) as i64))
    }

    /// The kind of the next field, and its number into `id`; `Some(None)` at the end of the struct.
    fn field(&mut self, id: &mut i64) -> Option<Option<u8>> {
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
    fn list(&mut self) -> Option<(u64, u8)> {
        let header = self.byte()?;
        let count = match header >> 4 {
            0x0f => self.varint()?,
            count => u64::from(count),
        };
        Some((count, header & 0x0f))
    }

    /// How many children the schema element has, which is read to its end.
    fn element_children(&mut self) -> Option<u64> {
        const CHILDREN_FIELD: i64 = 5;
        let (mut id, mut children) = (0, 0);
        while let Some(kind) = self.field(&mut id)? {
            if id == CHILDREN_FIELD {
                children = u64::try_from(self.zigzag()?).ok()?;
            } else {
                self.skip(kind, STRUCTS_MAX)?;
            }
        }
        Some(children)
    }

    fn skip(&mut self, kind: u8, structs_left: u32) -> Option<()> {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A footer with version 2 and elements that have so many children each.
    fn footer(children: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0x15, 4, 0x19, 0xfc];
        bytes.extend([children.len() as u8 | 0x80, (children.len() >> 7) as u8]);
        for count in children {
            // Field 4, a name of one letter; field 5, the count in zigzag.
            bytes.extend([0x48, 1, b'c', 0x15, count * 2, 0]);
        }
        bytes
    }

    /// Empty words mean that it is fine.
    fn check(children: &[u8], words: &str) {
        let reason = check_footer(&footer(children)).unwrap().err().unwrap_or_default();
        assert!(reason.contains(words) && reason.is_empty() == words.is_empty(), "{children:?}: {reason}");
    }

    #[test]
    fn schemas_have_bounds() {
        check(&[2, 0, 0], "");
        check(&[1, 2, 0, 1, 0], "");
        check(&[&[1; 64][..], &[0]].concat(), "");
        check(&[&[1; 65][..], &[0]].concat(), "nested more than 64");
        check(&[60, 0], "fewer columns");
    }

    #[test]
    fn cut_off_footers_are_no_footers() {
        let whole = footer(&[2, 0, 0]);
        for end in 0..whole.len() {
            assert_eq!(check_footer(&whole[..end]), None, "{end}");
        }
    }
}
