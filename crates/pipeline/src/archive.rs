//! The files inside a zip archive, as sections of its bytes. Encrypted files and rare methods are refused by name.

use std::io::{Read, Seek};

use zip::{CompressionMethod, ZipArchive};

use crate::decompress::Codec;
use crate::error::DecodeError;

/// Files that an archive may have.
const ENTRIES_MAX: usize = 1_000;

/// One file in an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Its name, folders included.
    pub(crate) name: String,
    /// Where its packed bytes begin.
    pub(crate) start: u64,
    /// How many they are.
    pub(crate) size_bytes: u64,
    /// How they are packed.
    pub(crate) codec: Codec,
}

/// The files that may hold logs, in the order of the archive's directory.
pub(crate) fn entries(archive: impl Read + Seek) -> Result<Vec<Entry>, DecodeError> {
    let damaged = |error: zip::result::ZipError| DecodeError::Archive(error.to_string());
    let mut archive = ZipArchive::new(archive).map_err(damaged)?;
    if archive.len() > ENTRIES_MAX {
        return Err(DecodeError::Archive(format!(
            "it has {} files, more than the {ENTRIES_MAX} that are allowed; split it",
            archive.len()
        )));
    }
    let mut entries = Vec::new();
    for index in 0..archive.len() {
        let file = archive.by_index_raw(index).map_err(damaged)?;
        let name = file.name().map_err(damaged)?.into_owned();
        if name == "[Content_Types].xml" {
            return Err(DecodeError::Foreign { what: "an Office document", instead: "export it as CSV and send that" });
        }
        if file.is_dir() || is_clutter(&name) {
            continue;
        }
        if file.encrypted() {
            return Err(DecodeError::Archive(format!("{name:?} is encrypted; send it without a password")));
        }
        let codec = codec(file.compression()).ok_or_else(|| {
            DecodeError::Archive(format!("{name:?} is packed by {}; use deflate", file.compression()))
        })?;
        let start = file.data_start().ok_or_else(|| DecodeError::Archive(format!("{name:?} has no data")))?;
        entries.push(Entry { size_bytes: file.compressed_size(), name, start, codec });
    }
    Ok(entries)
}

/// What macOS and editors leave in archives.
fn is_clutter(name: &str) -> bool {
    name.starts_with("__MACOSX/") || name.rsplit('/').next().is_some_and(|file| file.starts_with('.'))
}

fn codec(method: CompressionMethod) -> Option<Codec> {
    match method {
        CompressionMethod::Stored => Some(Codec::Stored),
        CompressionMethod::Deflated => Some(Codec::Deflate),
        _ => None,
    }
}

/// The beginning of the first file of an archive, to tell its format.
pub(crate) struct FirstEntry<'a> {
    pub(crate) name: String,
    pub(crate) packed: &'a [u8],
    pub(crate) codec: Codec,
}

/// Reads the local header at the beginning of an archive (APPNOTE.TXT §4.3.7); the directory is at its end, maybe not here.
pub(crate) fn first_entry(head: &[u8]) -> Option<FirstEntry<'_>> {
    const HEADER_BYTES: usize = 30;
    let u16_at = |at: usize| head.get(at..at + 2).map(|bytes| usize::from(u16::from_le_bytes([bytes[0], bytes[1]])));
    let codec = match u16_at(8)? {
        0 => Codec::Stored,
        8 => Codec::Deflate,
        _ => return None,
    };
    let name_end = HEADER_BYTES + u16_at(26)?;
    let data_start = name_end + u16_at(28)?;
    let name = String::from_utf8_lossy(head.get(HEADER_BYTES..name_end)?).into_owned();
    let mut packed = head.get(data_start..)?;
    let size = u32::from_le_bytes(head.get(18..22)?.try_into().ok()?) as usize;
    if codec == Codec::Stored && size > 0 {
        packed = &packed[..size.min(packed.len())];
    }
    Some(FirstEntry { name, packed, codec })
}
