//! A look at a Parquet file's schema before the library reads it.
//!
//! The library believes the schema: it calls itself once per level and reserves room for as many columns as the file says,
//! so a small file could take the process down. Only the list of schema elements is read here, in Thrift's compact
//! protocol (parquet.thrift, `FileMetaData` field 2; `SchemaElement` field 5).

use parquet::file::reader::ChunkReader;

use super::parquet_thrift::{STRUCTS_MAX, Thrift};

/// Levels of columns in columns.
const LEVELS_MAX: usize = 64;

/// Columns, those that only hold others included.
const ELEMENTS_MAX: u64 = 20_000;

/// Bytes of the footer.
const FOOTER_BYTES_MAX: u64 = 64 * 1024 * 1024;

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
    let mut thrift = Thrift::new(footer);
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
        let children = element_children(thrift)?;
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

/// How many children the schema element has, which is read to its end.
fn element_children(thrift: &mut Thrift<'_>) -> Option<u64> {
    const CHILDREN_FIELD: i64 = 5;
    let (mut id, mut children) = (0, 0);
    while let Some(kind) = thrift.field(&mut id)? {
        if id == CHILDREN_FIELD {
            children = u64::try_from(thrift.zigzag()?).ok()?;
        } else {
            thrift.skip(kind, STRUCTS_MAX)?;
        }
    }
    Some(children)
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
