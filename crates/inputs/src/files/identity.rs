//! Which file it is: its inode, which a new name does not change, and its first bytes, since inodes are used again.

use std::fs::{File, Metadata};
use std::hash::Hasher;
use std::io::{self, Read};
use std::path::Path;

use serde::{Deserialize, Serialize};
use twox_hash::XxHash3_64;

/// First bytes that are looked at.
const HEAD_BYTES_MAX: usize = 1_024;

/// Where the file system keeps a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Inode {
    /// The file system.
    pub device: u64,
    /// The file in it.
    pub number: u64,
}

/// The first bytes of a file: how many, and their hash.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// How many.
    pub length: usize,
    /// Their hash.
    pub hash: u64,
}

/// The inode of the file that has the path now.
///
/// # Errors
/// What the file system answers.
pub fn inode_of(path: &Path) -> io::Result<Inode> {
    std::fs::metadata(path).map(|metadata| inode(&metadata))
}

#[cfg(unix)]
pub(super) fn inode(metadata: &Metadata) -> Inode {
    use std::os::unix::fs::MetadataExt;
    Inode { device: metadata.dev(), number: metadata.ino() }
}

/// Where inodes are not to be had, the time a file was made stands for it.
#[cfg(not(unix))]
pub(super) fn inode(metadata: &Metadata) -> Inode {
    let made_at = metadata.created().ok().and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
    Inode { device: 0, number: made_at.map_or(0, |since| since.as_nanos() as u64) }
}

impl Head {
    /// Of the file's first bytes, at most `length` of them.
    fn of(file: &File, length: usize) -> io::Result<Self> {
        let mut bytes = vec![0; length];
        let mut read = 0;
        while read < length {
            match read_at(file, &mut bytes[read..], read as u64)? {
                0 => break,
                more => read += more,
            }
        }
        let mut hasher = XxHash3_64::new();
        hasher.write(&bytes[..read]);
        Ok(Self { length: read, hash: hasher.finish() })
    }

    /// Of as many first bytes as are looked at.
    pub(super) fn now(file: &File) -> io::Result<Self> {
        Self::of(file, HEAD_BYTES_MAX)
    }

    /// Whether the file still begins with it.
    pub(super) fn is_of(self, file: &File) -> io::Result<bool> {
        Ok(Self::of(file, self.length)? == self)
    }

    /// Whether a longer one can be had once the file has grown.
    pub(super) const fn may_grow(self) -> bool {
        self.length < HEAD_BYTES_MAX
    }
}

/// Reads at a place, wherever the file stands.
pub(super) fn read_at(mut file: &File, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
    io::Seek::seek(&mut file, io::SeekFrom::Start(offset))?;
    file.read(bytes)
}
