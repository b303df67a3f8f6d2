//! Holds: an index that is held is never deleted for its age, such as while a court asks for it.
//!
//! A hold is an empty file named after the day, so that it can be set and released while the engine runs.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use vigie_domain::Day;

use crate::files::{self, Access, Files};

/// Folder of the holds below that of the logs.
pub const HOLDS_FOLDER: &str = "holds";

fn file_of(folder: &Path, day: Day) -> PathBuf {
    folder.join(HOLDS_FOLDER).join(day.to_string())
}

/// Whether the index is held. When that cannot be told, it is: what is deleted does not come back.
pub fn is_held(files: &dyn Files, folder: &Path, day: Day) -> bool {
    match files.look(&file_of(folder, day)) {
        Ok(_) => true,
        Err(error) => error.kind() != io::ErrorKind::NotFound,
    }
}

/// Holds the index; durable when it returns.
///
/// # Errors
/// What the file system answers.
pub fn hold(files: &dyn Files, folder: &Path, day: Day) -> io::Result<()> {
    files::create_folder(files, &folder.join(HOLDS_FOLDER), Access::Usual)?;
    match files::create_file(files, &file_of(folder, day)) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => files.sync_folder(&folder.join(HOLDS_FOLDER)),
    }
}

/// Releases the index; that it was not held is no error.
///
/// # Errors
/// What the file system answers.
pub fn release(files: &dyn Files, folder: &Path, day: Day) -> io::Result<()> {
    files::remove_file(files, &file_of(folder, day))?;
    let holds = folder.join(HOLDS_FOLDER);
    if files::is_folder(files, &holds) { files.sync_folder(&holds) } else { Ok(()) }
}

/// Every day that is held.
///
/// # Errors
/// What the file system answers.
pub fn held_days(files: &dyn Files, folder: &Path) -> io::Result<BTreeSet<Day>> {
    let holds = folder.join(HOLDS_FOLDER);
    if !files::is_folder(files, &holds) {
        return Ok(BTreeSet::new());
    }
    let paths = files.list(&holds)?;
    Ok(paths.iter().filter_map(|path| Day::parse(path.file_name()?.to_str()?)).collect())
}
