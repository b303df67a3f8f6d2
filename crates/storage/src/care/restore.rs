//! Makes a data folder out of a backup: whole and verified, or not at all.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;
use vigie_domain::{Error, ErrorKind};

use super::backup_list::{self, BackupList};
use super::checked_copy;
use crate::files::{self, Access, Files, SharedFiles};

/// What was restored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RestoreReport {
    /// The backup's number.
    pub number: u64,
    /// When it was taken.
    pub taken_at: String,
    /// Events in it.
    pub event_count: u64,
    /// Its files.
    pub file_count: u64,
    /// Bytes of them.
    pub size_bytes: u64,
}

/// Makes the data folder out of the backup of that number, or the latest one.
///
/// Everything is copied into a folder beside it first, which then takes its name.
///
/// # Errors
/// `Conflict` when the data folder is not empty; `NotFound` when there is no such backup; `Unavailable` when a file of
/// it is missing or damaged, and the data folder is as it was.
pub fn restore(files: &SharedFiles, from: &Path, number: Option<u64>, data: &Path) -> Result<RestoreReport, Error> {
    let files = &**files;
    let unavailable =
        |error: io::Error| Error::new(ErrorKind::Unavailable, format!("the backup could not be restored: {error}"));
    if !is_free(files, data).map_err(unavailable)? {
        let words = format!("the folder \"{}\" is not empty; name a new one, nothing is overwritten", data.display());
        return Err(Error::new(ErrorKind::Conflict, words));
    }
    let finished = backup_list::finished(files, from).map_err(unavailable)?;
    let chosen = number.map_or_else(|| finished.last().copied(), |number| finished.get(&number).copied());
    let number = chosen.ok_or_else(|| {
        let numbers: Vec<String> = finished.iter().map(ToString::to_string).collect();
        let has = if numbers.is_empty() { "none".to_owned() } else { numbers.join(", ") };
        Error::not_found(format!("there is no such backup in \"{}\"; it has: {has}", from.display()))
    })?;
    let list = BackupList::load(files, from, number).map_err(|error| {
        Error::new(ErrorKind::Unavailable, format!("backup {number} could not be restored: {error}"))
    })?;
    let new = beside(data);
    copy_all(files, from, &list, &new)?;
    put_in_place(files, &new, data).map_err(unavailable)?;
    Ok(RestoreReport {
        number,
        taken_at: list.taken_at.to_string(),
        event_count: list.event_count,
        file_count: list.files.len() as u64,
        size_bytes: list.files.iter().map(|file| file.size_bytes).sum(),
    })
}

/// Whether the folder is not there, or has nothing in it.
fn is_free(files: &dyn Files, folder: &Path) -> io::Result<bool> {
    match files.list(folder) {
        Ok(paths) => Ok(paths.is_empty()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error),
    }
}

fn beside(data: &Path) -> PathBuf {
    let mut name = data.file_name().unwrap_or_default().to_owned();
    name.push(".restoring");
    data.with_file_name(name)
}

fn copy_all(files: &dyn Files, from: &Path, list: &BackupList, new: &Path) -> Result<(), Error> {
    let fail = |path: &str, what: String| {
        let words = format!("the backup could not be restored: \"{path}\": {what}; use another backup");
        Error::new(ErrorKind::Unavailable, words)
    };
    // What an earlier attempt left.
    let failed = |error: io::Error| fail(&new.display().to_string(), error.to_string());
    files::remove_tree(files, new).map_err(failed)?;
    files::create_folder(files, new, Access::Private).map_err(failed)?;
    let mut folders = BTreeSet::from([new.to_owned()]);
    for file in &list.files {
        let target = new.join(&file.path);
        let copied = target.parent().map_or(Ok(()), |folder| {
            folders.extend(folder.ancestors().take_while(|above| above.starts_with(new)).map(Path::to_owned));
            files::create_folder(files, folder, Access::Private)
        });
        let copied = copied.and_then(|()| checked_copy::copy(files, &from.join(&file.stored_as), &target));
        let content = copied.map_err(|error| fail(&file.path, error.to_string()))?;
        if (content.size_bytes, content.crc32c) != (file.size_bytes, file.crc32c) {
            return Err(fail(&file.path, "it fails its checksum".to_owned()));
        }
    }
    folders.iter().try_for_each(|folder| files.sync_folder(folder)).map_err(failed)
}

/// A rename takes the place of an empty folder, and of nothing else.
fn put_in_place(files: &dyn Files, new: &Path, data: &Path) -> io::Result<()> {
    files.rename(new, data)?;
    let above = data.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
    files.sync_folder(above)
}
