//! The write-ahead log: a folder of segments, each a run of records in order of sequence.
//!
//! A segment is named after the first sequence number it may hold. Only the newest is written to. Records are never
//! changed; a segment goes when all its events are in published parts.

pub mod record;
pub mod replay;

use std::io;
use std::path::{Path, PathBuf};

use crate::files::{self, Files, NewFile};

/// Extension of segments.
const EXTENSION: &str = "wal";

/// A segment on disk.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Segment {
    /// No event in it has a smaller sequence number.
    pub first_sequence: u64,
    /// Where it is.
    pub path: PathBuf,
}

/// The segments of a log, oldest first.
///
/// # Errors
/// What the file system answers.
pub fn segments(files: &dyn Files, folder: &Path) -> io::Result<Vec<Segment>> {
    let mut segments = Vec::new();
    for path in files.list(folder)? {
        let is_segment = path.extension().is_some_and(|extension| extension == EXTENSION);
        let first_sequence = path.file_stem().and_then(|stem| u64::from_str_radix(stem.to_str()?, 16).ok());
        if let (true, Some(first_sequence)) = (is_segment, first_sequence) {
            segments.push(Segment { first_sequence, path });
        }
    }
    segments.sort();
    Ok(segments)
}

/// The newest segment, open for appending.
pub struct OpenSegment {
    file: Box<dyn NewFile>,
    bytes: u64,
    /// Those of them that are on disk.
    synced_bytes: u64,
}

impl OpenSegment {
    /// Makes a segment for events from this sequence number on.
    ///
    /// # Errors
    /// What the file system answers.
    pub fn create(files: &dyn Files, folder: &Path, first_sequence: u64) -> io::Result<Self> {
        let path = folder.join(format!("{first_sequence:016x}.{EXTENSION}"));
        // An empty one of the same name is left by a start after which nothing was written.
        if files.look(&path).is_ok_and(|found| found.size_bytes == 0) {
            files::remove_file(files, &path)?;
        }
        Ok(Self { file: files::create_file(files, &path)?, bytes: 0, synced_bytes: 0 })
    }

    /// Bytes written to it.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Appends without syncing. After an error nothing of `bytes` remains.
    ///
    /// # Errors
    /// `Write` when the file is as it was before; `Broken` when even that is not sure.
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), AppendError> {
        match self.file.write_all(bytes) {
            Ok(()) => {
                self.bytes += bytes.len() as u64;
                Ok(())
            }
            Err(error) => match self.file.set_size(self.bytes) {
                Ok(()) => Err(AppendError::Write(error)),
                Err(_) => Err(AppendError::Broken(error)),
            },
        }
    }

    /// Waits until everything appended is on disk.
    ///
    /// # Errors
    /// What the file system answers. What reached the disk is then unknown: the caller must stop, and not try again.
    /// What was not synced is cut off as well as that can be done: the system may think that it is on disk, so that the
    /// next start would find it, tell its sender that it is stored, and never write it.
    pub fn sync(&mut self) -> io::Result<()> {
        let result = self.file.sync();
        match &result {
            Ok(()) => self.synced_bytes = self.bytes,
            Err(_) => drop(self.file.set_size(self.synced_bytes)),
        }
        result
    }
}

/// Appending failed.
#[derive(Debug)]
pub enum AppendError {
    /// The segment is as it was.
    Write(io::Error),
    /// The state of the segment is unknown.
    Broken(io::Error),
}

/// Removes every segment whose events all come before `sequence`; the newest always stays.
///
/// # Errors
/// What the file system answers.
pub fn remove_before(files: &dyn Files, folder: &Path, sequence: u64) -> io::Result<()> {
    let segments = segments(files, folder)?;
    for pair in segments.windows(2) {
        if pair[1].first_sequence <= sequence {
            files::remove_file(files, &pair[0].path)?;
        }
    }
    Ok(())
}
