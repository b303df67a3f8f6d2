//! Files that hold no lines of log, told by their first bytes, so that the answer can say what to send instead.

use crate::error::DecodeError;

/// First bytes, what they mean, what to send instead.
const MAGIC: &[(&[u8], &str, &str)] = &[
    (b"BZh", "a bzip2 file", "unpack it, or pack it with gzip or zstd"),
    (b"\xFD7zXZ\0", "an xz file", "unpack it, or pack it with gzip or zstd"),
    (b"7z\xBC\xAF\x27\x1C", "a 7-Zip archive", "unpack it, or pack it as zip"),
    (b"Rar!\x1A\x07", "a RAR archive", "unpack it, or pack it as zip"),
    (b"\x04\x22\x4D\x18", "an LZ4 file", "unpack it, or pack it with gzip or zstd"),
    (b"%PDF-", "a PDF document", "send the logs as text"),
    (b"\x89PNG\r\n", "a PNG picture", "send the logs as text"),
    (b"\xFF\xD8\xFF", "a JPEG picture", "send the logs as text"),
    (b"GIF8", "a GIF picture", "send the logs as text"),
    (b"\x7FELF", "a program", "send the logs as text"),
    (b"SQLite format 3\0", "an SQLite database", "export a table as CSV and send that"),
    (b"\xD0\xCF\x11\xE0", "an old Office document", "export it as CSV and send that"),
    (b"Obj\x01", "an Avro file", "export it as JSON lines or Parquet"),
    (b"\xFF\xFE", "text in UTF-16", "save it as UTF-8 and send that"),
    (b"\xFE\xFF", "text in UTF-16", "save it as UTF-8 and send that"),
    (b"\x1F\x8B\x08", "packed twice", "unpack it once"),
    (b"\x28\xB5\x2F\xFD", "packed twice", "unpack it once"),
    (b"PK\x03\x04", "packed twice", "unpack it once"),
];

/// Where a tar archive says so.
const TAR_MAGIC_AT: usize = 257;

/// Refuses unpacked bytes that begin like something that holds no logs.
pub(crate) fn refuse_foreign(head: &[u8]) -> Result<(), DecodeError> {
    if head.get(TAR_MAGIC_AT..).is_some_and(|rest| rest.starts_with(b"ustar")) {
        return Err(DecodeError::Foreign { what: "a tar archive", instead: "unpack it, or pack its files as zip" });
    }
    MAGIC
        .iter()
        .find(|(magic, ..)| head.starts_with(magic))
        .map_or(Ok(()), |(_, what, instead)| Err(DecodeError::Foreign { what, instead }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_files_are_named() {
        assert!(refuse_foreign(b"BZh91AY").is_err_and(|error| error.to_string().starts_with("this is a bzip2 file; ")));
        let mut tar = vec![b'x'; 512];
        tar[257..262].copy_from_slice(b"ustar");
        assert!(refuse_foreign(&tar).is_err());
        assert!(refuse_foreign(b"hello").is_ok());
        assert!(refuse_foreign(b"").is_ok());
    }
}
