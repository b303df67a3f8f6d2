//! What one backup consists of: every file with its size and checksum. Written last, so that what has a list is whole.
//!
//! Layout of a backup folder: `parts/` holds each file of a part once, whichever backups need it, named with its
//! checksum; `backups/<number>/` holds the rest of one backup, and its list. The list is a line with the CRC32C of
//! the rest in hexadecimal, then JSON.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use vigie_domain::Timestamp;

use crate::error::StorageError;
use crate::files::{self, Files};

/// Version of the format; a newer one is refused.
const VERSION: u32 = 1;
/// Folder of the files of parts.
pub const PARTS_FOLDER: &str = "parts";
/// Folder of everything else.
pub const BACKUPS_FOLDER: &str = "backups";
/// Name of the list.
pub const LIST_NAME: &str = "list";

/// What one backup consists of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BackupList {
    version: u32,
    /// When it was taken.
    pub taken_at: Timestamp,
    /// Events in it.
    pub event_count: u64,
    /// Its files.
    pub files: Vec<BackedUp>,
}

/// One file of a backup.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BackedUp {
    /// Its path below the data folder.
    pub path: String,
    /// Its path below the backup folder.
    pub stored_as: String,
    /// Its bytes.
    pub size_bytes: u64,
    /// CRC32C of them.
    pub crc32c: u32,
}

impl BackupList {
    /// Of a backup taken now.
    pub fn new(taken_at: Timestamp, event_count: u64, files: Vec<BackedUp>) -> Self {
        Self { version: VERSION, taken_at, event_count, files }
    }

    /// The bytes of the file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let json = serde_json::to_vec_pretty(self).unwrap_or_default();
        let mut bytes = format!("{:08x}\n", crc32c::crc32c(&json)).into_bytes();
        bytes.extend_from_slice(&json);
        bytes
    }

    /// Reads the list of the backup of that number.
    ///
    /// # Errors
    /// `Damaged` when it fails its checksum, is of a newer version or names a place outside; else what the file
    /// system answers.
    pub fn load(files: &dyn Files, folder: &Path, number: u64) -> Result<Self, StorageError> {
        Self::parse(&files.read(&folder_of(folder, number).join(LIST_NAME))?)
    }

    /// Reads the bytes of a list.
    ///
    /// # Errors
    /// `Damaged` when they fail their checksum, are of a newer version or name a place outside.
    pub fn parse(bytes: &[u8]) -> Result<Self, StorageError> {
        let damaged = |what: &str| StorageError::Damaged(format!("the list of the backup {what}"));
        let (sum, json) = bytes.split_at_checked(9).ok_or_else(|| damaged("is too short"))?;
        if sum != format!("{:08x}\n", crc32c::crc32c(json)).as_bytes() {
            return Err(damaged("fails its checksum; use an earlier backup"));
        }
        let list: Self = serde_json::from_slice(json).map_err(|error| damaged(&format!("cannot be read: {error}")))?;
        if list.version > VERSION {
            return Err(damaged("is of a newer format; use a newer program"));
        }
        let is_within = |file: &BackedUp| stays_below(&file.path) && stays_below(&file.stored_as);
        if !list.files.iter().all(is_within) {
            return Err(damaged("names a place outside of the folder"));
        }
        Ok(list)
    }
}

/// Whether a path cannot leave the folder it is joined to.
fn stays_below(path: &str) -> bool {
    use std::path::Component;
    !path.is_empty() && Path::new(path).components().all(|component| matches!(component, Component::Normal(_)))
}

/// The folder of the backup of that number.
pub fn folder_of(folder: &Path, number: u64) -> PathBuf {
    folder.join(BACKUPS_FOLDER).join(format!("{number:06}"))
}

/// The numbers of all backups, those that were never finished included.
///
/// # Errors
/// What the file system answers; none when there is no such folder.
pub fn numbers(files: &dyn Files, folder: &Path) -> io::Result<BTreeSet<u64>> {
    let folder = folder.join(BACKUPS_FOLDER);
    if !files::is_folder(files, &folder) {
        return Ok(BTreeSet::new());
    }
    let paths = files.list(&folder)?;
    Ok(paths.iter().filter_map(|path| path.file_name()?.to_str()?.parse().ok()).collect())
}

/// The numbers of the backups that were finished.
///
/// # Errors
/// What the file system answers.
pub fn finished(files: &dyn Files, folder: &Path) -> io::Result<BTreeSet<u64>> {
    let mut numbers = numbers(files, folder)?;
    numbers.retain(|number| files.look(&folder_of(folder, *number).join(LIST_NAME)).is_ok());
    Ok(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(path: &str) -> BackupList {
        let file = BackedUp { path: path.into(), stored_as: "parts/x".into(), size_bytes: 3, crc32c: 7 };
        BackupList::new(Timestamp::from_seconds(1), 5, vec![file])
    }

    #[test]
    fn a_list_comes_back_and_every_flipped_bit_is_found() {
        let bytes = list("logs/manifest").to_bytes();
        assert_eq!(BackupList::parse(&bytes).unwrap(), list("logs/manifest"));
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(BackupList::parse(&flipped).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn a_list_cannot_write_outside_of_the_folder() {
        for path in ["/etc/passwd", "../x", "logs/../../x", ""] {
            assert!(BackupList::parse(&list(path).to_bytes()).is_err(), "{path}");
        }
    }
}
