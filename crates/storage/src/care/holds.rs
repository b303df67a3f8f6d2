//! Holds: an index that is held is never deleted for its age, such as while a court asks for it.
//!
//! A hold is an empty file named after the day, so that it can be set and released while the engine runs.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use vigie_domain::Day;

use crate::disk;

/// Folder of the holds below that of the logs.
pub const HOLDS_FOLDER: &str = "holds";

fn file_of(folder: &Path, day: Day) -> PathBuf {
    folder.join(HOLDS_FOLDER).join(day.to_string())
}

/// Whether the index is held. When that cannot be told, it is: what is deleted does not come back.
pub fn is_held(folder: &Path, day: Day) -> bool {
    file_of(folder, day).try_exists().unwrap_or(true)
}

/// Holds the index; durable when it returns.
///
/// # Errors
/// What the file system answers.
pub fn hold(folder: &Path, day: Day) -> io::Result<()> {
    disk::create_folder(&folder.join(HOLDS_FOLDER))?;
    match disk::create_file(&file_of(folder, day)) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => disk::sync_folder(&folder.join(HOLDS_FOLDER)),
    }
}

/// Releases the index; that it was not held is no error.
///
/// # Errors
/// What the file system answers.
pub fn release(folder: &Path, day: Day) -> io::Result<()> {
    disk::remove_file(&file_of(folder, day))?;
    let holds = folder.join(HOLDS_FOLDER);
    if holds.is_dir() { disk::sync_folder(&holds) } else { Ok(()) }
}

/// Every day that is held.
///
/// # Errors
/// What the file system answers.
pub fn held_days(folder: &Path) -> io::Result<BTreeSet<Day>> {
    let holds = folder.join(HOLDS_FOLDER);
    if !holds.is_dir() {
        return Ok(BTreeSet::new());
    }
    let names = std::fs::read_dir(holds)?.map(|entry| Ok(entry?.file_name()));
    let days = names.map(|name: io::Result<_>| Ok(name?.to_str().and_then(Day::parse)));
    days.filter_map(io::Result::transpose).collect()
}
