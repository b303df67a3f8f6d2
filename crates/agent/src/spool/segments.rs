//! Segments of the spool: files of records, one after the other, and what stands in them when something is damaged.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::record::{self, Found, HEADER_BYTES, Record};

/// Extension of segments.
const EXTENSION: &str = "spool";
/// Bytes searched behind damage for the next whole record.
const SEARCH_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Bytes summed while doing so: places that look like a long record cost their length.
const SEARCH_SUMMED_MAX: usize = 512 * 1024 * 1024;

/// A segment on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Segment {
    /// Its place among the others.
    pub number: u64,
    /// Bytes of it that hold records.
    pub bytes: u64,
}

/// Where a segment lies.
pub fn path_of(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number:016x}.{EXTENSION}"))
}

/// The segments of a folder, oldest first.
pub fn list(folder: &Path) -> io::Result<Vec<Segment>> {
    let mut segments = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        let is_segment = path.extension().is_some_and(|extension| extension == EXTENSION);
        let number = path.file_stem().and_then(|stem| u64::from_str_radix(stem.to_str()?, 16).ok());
        if let (true, Some(number)) = (is_segment, number) {
            segments.push(Segment { number, bytes: entry.metadata()?.len() });
        }
    }
    segments.sort_unstable();
    Ok(segments)
}

/// A piece of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'b> {
    /// A whole record.
    Record(Record<'b>),
    /// Bytes that are none, with a whole record behind them.
    Damaged(&'b [u8]),
    /// Bytes that are none, up to the end.
    Torn(&'b [u8]),
}

/// The piece that begins at a place; `None` at the end.
pub fn piece_at(bytes: &[u8], at: usize) -> Option<Piece<'_>> {
    let rest = bytes.get(at..)?;
    match record::read(rest) {
        Found::End => None,
        Found::Record(record) => Some(Piece::Record(record)),
        Found::Damaged => Some(match next_record(rest) {
            Some(next) => Piece::Damaged(&rest[..next]),
            None => Piece::Torn(rest),
        }),
    }
}

impl Piece<'_> {
    /// Bytes that it takes.
    pub const fn length(&self) -> usize {
        match self {
            Self::Record(record) => record.length,
            Self::Damaged(bytes) | Self::Torn(bytes) => bytes.len(),
        }
    }
}

/// Where the next whole record begins behind damage.
fn next_record(bytes: &[u8]) -> Option<usize> {
    let end = bytes.len().min(SEARCH_BYTES_MAX);
    let mut summed = 0;
    for at in 1..end {
        let Some(length) = record::body_length(&bytes[at..]) else { continue };
        if at + HEADER_BYTES + length > bytes.len() {
            continue;
        }
        summed += length;
        if summed > SEARCH_SUMMED_MAX {
            return None;
        }
        if matches!(record::read(&bytes[at..]), Found::Record(_)) {
            return Some(at);
        }
    }
    None
}

/// Keeps damaged bytes beside their segment.
pub fn set_aside(folder: &Path, number: u64, at: u64, damaged: &[u8]) -> io::Result<()> {
    let path = folder.join(format!("{number:016x}.damaged-{at:x}"));
    tracing::error!(path = %path.display(), bytes = damaged.len(), "a piece of the spool is damaged; its bytes are set aside");
    replace(&path, damaged)
}

/// Replaces a file whole; it is on disk when this returns.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = path.with_extension("new");
    let mut file = File::create(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    sync_folder(path.parent().unwrap_or(Path::new(".")))
}

/// Puts the names in a folder on disk.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}
