//! Copies files byte by byte with their checksum; what is copied is on disk when it is done.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

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
    pub fn of_file(path: &Path) -> io::Result<Self> {
        pass(&mut File::open(path)?, &mut io::sink())
    }
}

/// Copies the file with its permissions to a new one; durable once its folder is synced.
///
/// # Errors
/// What the file system answers, also when the target exists.
pub fn copy(source: &Path, target: &Path) -> io::Result<Content> {
    let mut from = File::open(source)?;
    let mut to = new_private(target)?;
    let content = pass(&mut from, &mut to)?;
    to.sync_all()?;
    fs::set_permissions(target, from.metadata()?.permissions())?;
    Ok(content)
}

/// Writes the bytes to a new file, for its owner only.
///
/// # Errors
/// What the file system answers, also when the target exists.
pub fn write(bytes: &[u8], target: &Path) -> io::Result<Content> {
    let mut to = new_private(target)?;
    to.write_all(bytes)?;
    to.sync_all()?;
    Ok(Content::of_bytes(bytes))
}

/// Keys are copied too: nobody else may read them meanwhile.
fn new_private(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

fn pass(from: &mut impl Read, to: &mut impl Write) -> io::Result<Content> {
    let mut content = Content { size_bytes: 0, crc32c: 0 };
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        let read = match from.read(&mut piece) {
            Ok(0) => return Ok(content),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        to.write_all(&piece[..read])?;
        content.size_bytes += read as u64;
        content.crc32c = crc32c::crc32c_append(content.crc32c, &piece[..read]);
    }
}
