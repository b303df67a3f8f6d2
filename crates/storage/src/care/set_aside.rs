//! Moves damaged parts out of the way, so that what is whole can be used. Nothing is deleted.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use super::report::{FileKind, ScrubReport};
use crate::engine::PARTS_FOLDER;
use crate::files::{self, Access, Files};
use crate::manifest::{Manifest, PartMeta};

/// Folder of what was set aside, below that of the logs.
const DAMAGED_FOLDER: &str = "damaged";

/// Sets the damaged parts and indexes of the report aside.
///
/// The order makes a crash harmless: first each file gets a second name, then the manifest no longer lists it, then
/// the first name goes.
///
/// # Errors
/// What the file system answers; every file is then still under at least one of its names.
pub fn set_aside(files: &dyn Files, folder: &Path, mut manifest: Manifest, report: &mut ScrubReport) -> io::Result<()> {
    let numbers = |kind: FileKind| -> BTreeSet<u64> {
        report.damaged.iter().filter(|damaged| damaged.kind == kind).filter_map(|damaged| damaged.part).collect()
    };
    let (parts, indexes) = (numbers(FileKind::Part), numbers(FileKind::Index));
    let mut damaged = Vec::new();
    for meta in &manifest.parts {
        if parts.contains(&meta.id) {
            damaged.push(meta.relative_path());
        }
        if parts.contains(&meta.id) || indexes.contains(&meta.id) {
            damaged.extend(meta.relative_index_path());
        }
    }
    if damaged.is_empty() {
        return Ok(());
    }
    let damaged_folder = folder.join(DAMAGED_FOLDER);
    files::create_folder(files, &damaged_folder, Access::Usual)?;
    let parts_folder = folder.join(PARTS_FOLDER);
    for file in &damaged {
        let name = file.replace('/', "-");
        match files.link(&parts_folder.join(file), &damaged_folder.join(&name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => report.set_aside.push(format!("{DAMAGED_FOLDER}/{name}")),
        }
    }
    files.sync_folder(&damaged_folder)?;
    manifest.parts.retain(|meta| !parts.contains(&meta.id));
    let has_damaged_index = |meta: &&mut PartMeta| indexes.contains(&meta.id);
    manifest.parts.iter_mut().filter(has_damaged_index).for_each(|meta| meta.index_bytes = 0);
    manifest.store(files, folder)?;
    damaged.iter().try_for_each(|file| files::remove_file(files, &parts_folder.join(file)))
}
