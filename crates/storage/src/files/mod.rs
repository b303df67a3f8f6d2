//! The engine's only way to the file system. No other module of this crate names `std::fs`.
//!
//! A file is durable when its bytes *and* the folder that names it are synced; a rename when its folder is. What lasts
//! goes through the functions here, which keep that order. A double of `Files` can fail or stop at any of its calls.

mod os;

use std::any::Any;
use std::fmt;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use os::OsFiles;

/// A file system, shared by everything that uses it.
pub type SharedFiles = Arc<dyn Files>;

/// Held as long as a folder is taken; dropping it releases the folder.
pub type FolderLock = Box<dyn Any + Send + Sync>;

/// Who may look into what is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Whom the process's mask allows.
    Usual,
    /// The owner alone.
    Private,
}

/// What lies at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// A folder, and no file.
    pub is_folder: bool,
    /// Bytes of a file.
    pub size_bytes: u64,
}

/// What the engine asks of a file system. Every error is what the file system answers.
#[allow(clippy::missing_errors_doc, reason = "said once, above")]
pub trait Files: fmt::Debug + Send + Sync {
    /// A new empty file for appending; an error when the name is taken. The name is not durable yet.
    fn create(&self, path: &Path, access: Access) -> io::Result<Box<dyn NewFile>>;

    /// The file, for reading.
    fn open(&self, path: &Path) -> io::Result<Arc<dyn StoredFile>>;

    /// The whole file.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// Cuts the file to its first bytes; durable when it returns.
    fn cut(&self, path: &Path, size_bytes: u64) -> io::Result<()>;

    /// Waits until the bytes of a file are on disk, whoever wrote them.
    fn sync_file(&self, path: &Path) -> io::Result<()>;

    /// Gives the file another name, in place of what has it.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Gives the file a second name; an error when the name is taken.
    fn link(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes the name of a file.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Makes one folder; an error when the name is taken.
    fn make_folder(&self, path: &Path, access: Access) -> io::Result<()>;

    /// Removes an empty folder.
    fn remove_folder(&self, path: &Path) -> io::Result<()>;

    /// Makes new and removed names in the folder durable.
    fn sync_folder(&self, path: &Path) -> io::Result<()>;

    /// The paths of everything in the folder, in no order.
    fn list(&self, folder: &Path) -> io::Result<Vec<PathBuf>>;

    /// What lies at the path.
    fn look(&self, path: &Path) -> io::Result<Found>;

    /// Lets the same people look into a file as into another.
    fn copy_access(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Bytes that may still be written to the file system that holds the path.
    fn free_bytes(&self, path: &Path) -> io::Result<u64>;

    /// Takes the file for this process; `None` when another process has it. Makes the file when there is none.
    fn lock(&self, path: &Path) -> io::Result<Option<FolderLock>>;
}

/// A file being written, which nobody else writes. Bytes are appended.
#[allow(clippy::missing_errors_doc, reason = "what the file system answers")]
pub trait NewFile: Write + Send {
    /// Waits until every byte written is on disk.
    fn sync(&self) -> io::Result<()>;

    /// Cuts the file to its first bytes; not durable yet.
    fn set_size(&self, size_bytes: u64) -> io::Result<()>;
}

/// A file that can be read anywhere, by several threads at once.
#[allow(clippy::missing_errors_doc, reason = "what the file system answers")]
pub trait StoredFile: fmt::Debug + Send + Sync {
    /// How long it is.
    fn size_bytes(&self) -> io::Result<u64>;

    /// Fills the buffer with what lies from there on.
    fn read_exact_at(&self, buffer: &mut [u8], from_byte: u64) -> io::Result<()>;
}

/// The file system of the machine.
pub fn os() -> SharedFiles {
    Arc::new(OsFiles)
}

/// Whether there is a folder at the path.
pub fn is_folder(files: &dyn Files, path: &Path) -> bool {
    files.look(path).is_ok_and(|found| found.is_folder)
}

/// Makes the folder and every missing one above it, and syncs each folder that got a new entry.
///
/// A folder that is there may have been made by a process that was killed before it synced the one above: that is done
/// now. Those further above were synced before it was made.
///
/// # Errors
/// What the file system answers.
pub fn create_folder(files: &dyn Files, path: &Path, access: Access) -> io::Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let is_there = is_folder(files, path);
    if !is_there {
        if let Some(parent) = parent {
            create_folder(files, parent, access)?;
        }
        match files.make_folder(path, access) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
    }
    match parent.map_or(Ok(()), |parent| files.sync_folder(parent)) {
        // Who may not look into the folder above has not made this one either.
        Err(error) if is_there && error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        result => result,
    }
}

/// A new file for appending; its name is durable when this returns.
///
/// # Errors
/// What the file system answers, also when the file exists.
pub fn create_file(files: &dyn Files, path: &Path) -> io::Result<Box<dyn NewFile>> {
    let file = files.create(path, Access::Usual)?;
    if let Some(parent) = path.parent() {
        files.sync_folder(parent)?;
    }
    Ok(file)
}

/// Puts `bytes` in place of the file's content so that a reader sees the old or the new, never a mixture.
///
/// # Errors
/// What the file system answers; the old content then still stands.
pub fn replace_file(files: &dyn Files, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = path.with_extension("new");
    // What an attempt that failed left behind.
    remove_file(files, &new)?;
    let mut file = files.create(&new, Access::Usual)?;
    file.write_all(bytes)?;
    file.sync()?;
    files.rename(&new, path)?;
    path.parent().map_or(Ok(()), |parent| files.sync_folder(parent))
}

/// Removes the file; that it is gone already is no error.
///
/// # Errors
/// What the file system answers.
pub fn remove_file(files: &dyn Files, path: &Path) -> io::Result<()> {
    match files.remove(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

/// Removes the folder with everything in it; that it is gone already is no error.
///
/// # Errors
/// What the file system answers.
pub fn remove_tree(files: &dyn Files, folder: &Path) -> io::Result<()> {
    let paths = match files.list(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        paths => paths?,
    };
    for path in paths {
        if is_folder(files, &path) { remove_tree(files, &path)? } else { remove_file(files, &path)? }
    }
    files.remove_folder(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaced_content_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b/manifest");
        let above = path.parent().unwrap();
        create_folder(&OsFiles, above, Access::Usual).unwrap();
        replace_file(&OsFiles, &path, b"one").unwrap();
        std::fs::write(path.with_extension("new"), "left by a crash, and longer").unwrap();
        replace_file(&OsFiles, &path, b"two").unwrap();
        assert_eq!(OsFiles.read(&path).unwrap(), b"two");
        assert_eq!(OsFiles.list(above).unwrap(), [path]);
    }

    #[test]
    fn removing_twice_is_no_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        create_file(&OsFiles, &path).unwrap();
        assert!(create_file(&OsFiles, &path).is_err(), "an existing file is never appended to by accident");
        remove_file(&OsFiles, &path).unwrap();
        remove_file(&OsFiles, &path).unwrap();
    }
}
