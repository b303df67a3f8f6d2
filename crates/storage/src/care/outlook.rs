//! Says what becomes of each index next, when and why. Reads the manifest alone, so a server may run meanwhile.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use serde::Serialize;
use vigie_domain::{Day, Error, ErrorKind};

use super::holds::is_held;
use super::lifecycle::{LifecyclePolicy, Step, begin_of, parts_of};
use crate::error::StorageError;
use crate::files::{self, Files, SharedFiles};
use crate::manifest::Manifest;

/// What becomes of an index.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct IndexOutlook {
    /// Its name.
    pub index: String,
    /// Its parts.
    pub part_count: usize,
    /// Events in them.
    pub event_count: u64,
    /// Bytes of them and of their indexes.
    pub size_bytes: u64,
    /// When its first events arrived.
    pub created_at: String,
    /// From when on its age counts: the later of the end of its day and its creation.
    pub age_from: String,
    /// Whether it is held, so that it is never deleted.
    pub is_held: bool,
    /// What is done with it, earliest first, as long as nothing else arrives.
    pub steps: Vec<OutlookStep>,
}

/// Something that is done with an index.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OutlookStep {
    /// From when on.
    pub due_at: String,
    /// What.
    pub what: String,
    /// Why.
    pub why: String,
}

/// What becomes of the index of the day, or of every index.
///
/// # Errors
/// `NotFound` when there is no such index or no such folder; `Internal` when the manifest is damaged.
pub fn explain(
    files: &SharedFiles,
    folder: &Path,
    day: Option<Day>,
    policy: &LifecyclePolicy,
) -> Result<Vec<IndexOutlook>, Error> {
    let files = &**files;
    let manifest = load(files, folder)?;
    let days: BTreeSet<Day> = match day {
        Some(day) => BTreeSet::from([known(&manifest, day)?]),
        None => manifest.parts.iter().map(|part| part.day).collect(),
    };
    Ok(days.into_iter().map(|day| outlook(&manifest, day, is_held(files, folder, day), policy)).collect())
}

/// Holds the index so that it is not deleted for its age; a running server sees it at once.
///
/// # Errors
/// `NotFound` when there is no such index; `Unavailable` when the folder cannot be written to.
pub fn hold(files: &SharedFiles, folder: &Path, day: Day) -> Result<(), Error> {
    let files = &**files;
    known(&load(files, folder)?, day)?;
    super::holds::hold(files, folder, day).map_err(unwritable)?;
    // It may have been deleted in between.
    known(&load(files, folder)?, day).map(|_| ())
}

/// Releases the index.
///
/// # Errors
/// `NotFound` when it is not held; `Unavailable` when the folder cannot be written to.
pub fn release(files: &SharedFiles, folder: &Path, day: Day) -> Result<(), Error> {
    let files = &**files;
    if !is_held(files, folder, day) {
        return Err(Error::not_found(format!("the index \"{}\" is not held", day.index_name())));
    }
    super::holds::release(files, folder, day).map_err(unwritable)
}

fn load(files: &dyn Files, folder: &Path) -> Result<Manifest, Error> {
    if !files::is_folder(files, folder) {
        return Err(Error::not_found(format!("there are no logs in \"{}\"; name a data folder", folder.display())));
    }
    Manifest::load(files, folder).map_err(|error: StorageError| error.into())
}

fn known(manifest: &Manifest, day: Day) -> Result<Day, Error> {
    parts_of(manifest, day).next().map(|_| day).ok_or_else(|| {
        Error::not_found(format!("there is no index \"{}\", or its events are in memory still", day.index_name()))
    })
}

fn unwritable(error: io::Error) -> Error {
    Error::new(ErrorKind::Unavailable, format!("the hold could not be changed: {error}"))
}

fn outlook(manifest: &Manifest, day: Day, is_held: bool, policy: &LifecyclePolicy) -> IndexOutlook {
    let steps = policy.steps(manifest, day, is_held).into_iter().map(|step| {
        let (what, why) = match step.step {
            Step::Delete => {
                let days = policy.delete_after_days.unwrap_or_default();
                ("deleted".to_owned(), format!("it is then {days} days old (lifecycle.delete_after_days)"))
            }
            Step::Recompress(log_type) => {
                let days = policy.recompress_after_days.unwrap_or_default();
                let why =
                    format!("it is then {days} days old (lifecycle.recompress_after_days) and no event came for a day");
                (format!("{log_type} rewritten to one small part"), why)
            }
        };
        OutlookStep { due_at: step.due_at.to_string(), what, why }
    });
    IndexOutlook {
        index: day.index_name(),
        part_count: parts_of(manifest, day).count(),
        event_count: parts_of(manifest, day).map(|part| part.rows).sum(),
        size_bytes: parts_of(manifest, day).map(|part| part.bytes + part.index_bytes).sum(),
        created_at: manifest.created_at(day).unwrap_or_default().to_string(),
        age_from: begin_of(manifest, day).to_string(),
        is_held,
        steps: steps.collect(),
    }
}
