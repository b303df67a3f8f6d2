//! Compares every byte of the log folder with its checksum: manifest, parts, their indexes, write-ahead log.
//!
//! Nothing is changed unless damaged parts are to be set aside. The folder is locked meanwhile.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use vigie_domain::{Error, ErrorKind};

use super::log_check::check_log;
use super::report::{Damaged, FileKind, ScrubReport};
use super::set_aside::set_aside;
use crate::engine::{PARTS_FOLDER, take_lock};
use crate::error::StorageError;
use crate::files::{self, Files, SharedFiles};
use crate::manifest::Manifest;
use crate::part;

/// Whether a scrub may change anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScrubMode {
    /// Nothing is changed.
    Look,
    /// Damaged parts and indexes are moved to the folder `damaged`, so that what is whole can be used.
    SetAside,
}

/// Looks at every byte of the log folder, while nobody else uses it.
///
/// # Errors
/// `NotFound` when there is no such folder; `Conflict` when another process uses it; `Unavailable` when it cannot
/// be read. Damage is no error: it is in the report.
pub fn scrub(files: &SharedFiles, folder: &Path, mode: ScrubMode) -> Result<ScrubReport, Error> {
    if !files::is_folder(&**files, folder) {
        return Err(Error::not_found(format!("there are no logs in \"{}\"; name a data folder", folder.display())));
    }
    let _lock = take_lock(&**files, folder)?;
    let unusable = |error: io::Error| {
        Error::new(ErrorKind::Unavailable, format!("the folder \"{}\" cannot be read: {error}", folder.display()))
    };
    let mut report = ScrubReport::default();
    let manifest = check_manifest(&**files, folder, &mut report);
    if let Some(manifest) = &manifest {
        check_parts(files, folder, manifest, &mut report);
        report.unlisted = unlisted(&**files, folder, manifest).map_err(unusable)?;
    }
    let consumed = manifest.as_ref().map_or(0, |manifest| manifest.consumed_up_to);
    check_log(&**files, folder, consumed, &mut report).map_err(unusable)?;
    if let (ScrubMode::SetAside, Some(manifest)) = (mode, manifest) {
        set_aside(&**files, folder, manifest, &mut report).map_err(unusable)?;
    }
    Ok(report)
}

fn check_manifest(files: &dyn Files, folder: &Path, report: &mut ScrubReport) -> Option<Manifest> {
    let damaged = match Manifest::load(files, folder) {
        Ok(manifest) => return Some(manifest),
        Err(StorageError::Damaged(what)) => what,
        Err(error) => format!("it cannot be read: {error}"),
    };
    let what = format!("{damaged}; without it no part can be verified");
    report.damaged.push(Damaged::other(FileKind::Manifest, "manifest", what));
    None
}

fn check_parts(files: &SharedFiles, folder: &Path, manifest: &Manifest, report: &mut ScrubReport) {
    for meta in &manifest.parts {
        report.part_count += 1;
        report.event_count += meta.rows;
        report.size_bytes += meta.bytes + meta.index_bytes;
        report.unverified_part_count += u64::from(meta.index_bytes == 0);
        let damages = part::verify(files, meta, &folder.join(PARTS_FOLDER).join(meta.relative_path()));
        report.damaged.extend(damages.into_iter().map(|damage| Damaged::of_part(meta, damage)));
    }
}

/// Files among the parts that the manifest does not list.
fn unlisted(files: &dyn Files, folder: &Path, manifest: &Manifest) -> io::Result<Vec<String>> {
    let parts = folder.join(PARTS_FOLDER);
    if !files::is_folder(files, &parts) {
        return Ok(Vec::new());
    }
    let listed: BTreeSet<String> = manifest
        .parts
        .iter()
        .flat_map(|part| [Some(part.relative_path()), part.relative_index_path()])
        .flatten()
        .collect();
    let mut found = BTreeSet::new();
    for day in files.list(&parts)? {
        for file in files.list(&day)? {
            let name = file.strip_prefix(&parts).unwrap_or(&file).to_string_lossy();
            if !listed.contains(&*name) {
                found.insert(format!("{PARTS_FOLDER}/{name}"));
            }
        }
    }
    Ok(found.into_iter().collect())
}
