//! Where the bytes come from: a file, or a body in memory. Sections of it are read one at a time.

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read, Seek, SeekFrom};

use crate::archive::{self, Entry};
use crate::error::DecodeError;

/// The bytes of one input, as they were sent.
pub(crate) enum Source<'a> {
    /// A file. Its clones share one position, so two sections are never read at once.
    File(File),
    /// A body in memory.
    Body(&'a [u8]),
}

impl<'a> Source<'a> {
    /// How many bytes there are.
    pub(crate) fn size_bytes(&self) -> io::Result<u64> {
        match self {
            Self::File(file) => Ok(file.metadata()?.len()),
            Self::Body(body) => Ok(body.len() as u64),
        }
    }

    /// A reader of `size_bytes` bytes from `start`, or of what there is of them.
    pub(crate) fn section(&self, start: u64, size_bytes: u64) -> io::Result<Box<dyn Read + Send + 'a>> {
        match self {
            Self::File(file) => {
                let mut file = file.try_clone()?;
                file.seek(SeekFrom::Start(start))?;
                Ok(Box::new(file.take(size_bytes)))
            }
            Self::Body(body) => {
                let mut cursor = Cursor::new(*body);
                cursor.set_position(start);
                Ok(Box::new(cursor.take(size_bytes)))
            }
        }
    }

    /// The files inside, when it is a zip archive.
    pub(crate) fn entries(&self) -> Result<Vec<Entry>, DecodeError> {
        match self {
            Self::File(file) => {
                let mut file = file.try_clone()?;
                file.seek(SeekFrom::Start(0))?;
                archive::entries(BufReader::new(file))
            }
            Self::Body(body) => archive::entries(Cursor::new(*body)),
        }
    }
}
