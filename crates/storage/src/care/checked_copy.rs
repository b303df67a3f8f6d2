//! Copies files byte by byte with their checksum; what is copied is on disk when it is done.

use std::io::{self, Write};
use std::path::Path;

use crate::files::{Access, Files};

/// Bytes that are copied at once.
const PIECE_BYTES: usize = 256 * 1024;

/// Size and checksum of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Content {
    /// Its bytes.
    pub size_bytes: u64,
    /// CRC32C of all of them.
    pub crc32c: u32,
}

impl Content {
    /// Of these bytes.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self { size_bytes: bytes.len() as u64, crc32c: crc32c::crc32c(bytes) }
    }

    /// Of the file.
    ///
    /// # Errors
    /// What the file system answers.
    pub fn of_file(files: &dyn Files, path: &Path) -> io::Result<Self> {
        pass(files, path, &mut io::sink())
    }
}

/// Copies the file with its permissions to a new one; durable once its folder is synced.
///
/// # Errors
/// What the file system answers, also when the target exists.
pub fn copy(files: &dyn Files, source: &Path, target: &Path) -> io::Result<Content> {
    // Nothing is made when there is nothing to copy.
    files.look(source)?;
    // Keys are copied too: nobody else may read them meanwhile.
    let mut to = files.create(target, Access::Private)?;
    let content = pass(files, source, &mut to)?;
    files.copy_access(source, target)?;
    to.sync()?;
    Ok(content)
}

/// Writes the bytes to a new file, for its owner only.
///
/// # Errors
/// What the file system answers, also when the target exists.
pub fn write(files: &dyn Files, bytes: &[u8], target: &Path) -> io::Result<Content> {
    let mut to = files.create(target, Access::Private)?;
    to.write_all(bytes)?;
    to.sync()?;
    Ok(Content::of_bytes(bytes))
}

fn pass(files: &dyn Files, from: &Path, to: &mut dyn Write) -> io::Result<Content> {
    let from = files.open(from)?;
    let size_bytes = from.size_bytes()?;
    let mut content = Content { size_bytes: 0, crc32c: 0 };
    let mut piece = vec![0; PIECE_BYTES];
    while content.size_bytes < size_bytes {
        let length = (size_bytes - content.size_bytes).min(PIECE_BYTES as u64);
        let piece = &mut piece[..length as usize];
        from.read_exact_at(piece, content.size_bytes)?;
        to.write_all(piece)?;
        content.size_bytes += length;
        content.crc32c = crc32c::crc32c_append(content.crc32c, piece);
    }
    Ok(content)
}
