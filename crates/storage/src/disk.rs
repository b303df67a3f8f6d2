//! The engine's only way to the file system: every write that must last goes through here.
//!
//! A file is durable when its bytes *and* the folder that names it are synced; a rename when its folder is.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

/// Makes the folder and every missing one above it, and syncs each folder that got a new entry.
///
/// # Errors
/// What the file system answers.
pub fn create_folder(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    if let Some(parent) = parent {
        create_folder(parent)?;
    }
    match fs::create_dir(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    parent.map_or(Ok(()), sync_folder)
}

/// Makes new and removed names in the folder durable.
///
/// # Errors
/// What the file system answers.
pub fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// A new file for appending; its name is durable when this returns.
///
/// # Errors
/// What the file system answers, also when the file exists.
pub fn create_file(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().append(true).read(true).create_new(true).open(path)?;
    if let Some(parent) = path.parent() {
        sync_folder(parent)?;
    }
    Ok(file)
}

/// Puts `bytes` in place of the file's content so that a reader sees the old or the new, never a mixture.
///
/// # Errors
/// What the file system answers; the old content then still stands.
pub fn replace_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = path.with_extension("new");
    let mut file = File::create(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    path.parent().map_or(Ok(()), sync_folder)
}

/// Removes the file; that it is gone already is no error.
///
/// # Errors
/// What the file system answers.
pub fn remove_file(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

/// Bytes that may still be written to the file system that holds `path`.
///
/// # Errors
/// What the file system answers.
pub fn free_bytes(path: &Path) -> io::Result<u64> {
    fs4::available_space(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaced_content_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b/manifest");
        create_folder(path.parent().unwrap()).unwrap();
        replace_file(&path, b"one").unwrap();
        replace_file(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn removing_twice_is_no_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        create_file(&path).unwrap();
        assert!(create_file(&path).is_err(), "an existing file is never appended to by accident");
        remove_file(&path).unwrap();
        remove_file(&path).unwrap();
    }
}
