//! Backups: consistent, and incremental since parts never change.
//!
//! A backup holds everything that was acknowledged before it began: new events are first written to parts, so that no
//! piece of the write-ahead log is needed. Each part is verified before it is copied, and copied once for all backups.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;
use vigie_domain::{Error, ErrorKind, Timestamp};

use super::backup_list::{self, BACKUPS_FOLDER, BackedUp, BackupList, LIST_NAME, PARTS_FOLDER, folder_of};
use super::checked_copy::{self, Content};
use crate::engine::{PARTS_FOLDER as INDICES_FOLDER, Snapshot, take_lock};
use crate::files::{self, Access, Files};
use crate::manifest::FILE_NAME as MANIFEST_NAME;
use crate::part;

/// What a backup is made of and where it goes.
pub struct BackupPlan<'a> {
    /// The log engine's parts.
    pub logs: &'a Snapshot,
    /// The log engine's folder below the data folder.
    pub logs_path: &'a str,
    /// Files of others: where they are, and their path below the data folder. One that is gone is left out.
    pub others: &'a [(PathBuf, String)],
    /// The backup folder.
    pub target: &'a Path,
    /// Now.
    pub taken_at: Timestamp,
}

/// What a backup is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BackupReport {
    /// Its number.
    pub number: u64,
    /// Events in it.
    pub event_count: u64,
    /// Its files.
    pub file_count: u64,
    /// Bytes of them.
    pub size_bytes: u64,
    /// Bytes that were copied now; the others were there already.
    pub copied_bytes: u64,
}

/// Takes a backup; it counts only once all of it is on disk.
///
/// # Errors
/// `Unavailable` when a part is damaged or a file cannot be copied; the backups before it are as they were.
pub fn back_up(plan: &BackupPlan<'_>) -> Result<BackupReport, Error> {
    let target = plan.target.display();
    let failed = |error: io::Error| Error::new(ErrorKind::Unavailable, format!("no backup in \"{target}\": {error}"));
    let files = &**plan.logs.files();
    create_private(files, plan.target).map_err(failed)?;
    // Two backups into one folder would take the same number.
    let _lock = take_lock(files, plan.target)?;
    let mut backup = Backup::begin(plan).map_err(failed)?;
    backup.copy_parts()?;
    backup.copy_rest().map_err(failed)?;
    backup.finish().map_err(failed)
}

struct Backup<'a> {
    files: &'a dyn Files,
    plan: &'a BackupPlan<'a>,
    number: u64,
    list: Vec<BackedUp>,
    copied_bytes: u64,
    /// Folders with new files.
    touched: BTreeSet<PathBuf>,
}

impl<'a> Backup<'a> {
    fn begin(plan: &'a BackupPlan<'a>) -> io::Result<Self> {
        let files = &**plan.logs.files();
        let number = backup_list::numbers(files, plan.target)?.last().map_or(1, |last| last + 1);
        files::create_folder(files, &plan.target.join(PARTS_FOLDER), Access::Usual)?;
        files::create_folder(files, &folder_of(plan.target, number), Access::Usual)?;
        Ok(Self { files, plan, number, list: Vec::new(), copied_bytes: 0, touched: BTreeSet::new() })
    }

    fn copy_parts(&mut self) -> Result<(), Error> {
        let folder = self.plan.logs.parts_folder();
        for meta in &self.plan.logs.manifest().parts {
            let name = meta.relative_path();
            let fail = |what: String| {
                let words = format!("no backup: part \"{name}\": {what}; run `vigie scrub` to see all damage");
                Error::new(ErrorKind::Unavailable, words)
            };
            let path = folder.join(&name);
            if let Some(damage) = part::verify(self.plan.logs.files(), meta, &path).into_iter().next() {
                return Err(fail(damage.what));
            }
            for file in [Some(meta.relative_path()), meta.relative_index_path()].into_iter().flatten() {
                self.copy_part_file(&folder.join(&file), &file).map_err(|error| fail(error.to_string()))?;
            }
        }
        Ok(())
    }

    /// A file of a part: copied unless a file of the same content is there.
    fn copy_part_file(&mut self, source: &Path, name: &str) -> io::Result<()> {
        let content = Content::of_file(self.files, source)?;
        let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
        let stored_as = format!("{PARTS_FOLDER}/{stem}.{:08x}.{extension}", content.crc32c);
        let target = self.plan.target.join(&stored_as);
        if self.files.look(&target).ok().map(|found| found.size_bytes) != Some(content.size_bytes) {
            let new = target.with_extension("new");
            files::remove_file(self.files, &new)?;
            self.create_folder_of(&target)?;
            let copied = checked_copy::copy(self.files, source, &new)?;
            if copied != content {
                return Err(io::Error::other("its bytes changed while they were copied"));
            }
            self.files.rename(&new, &target)?;
            self.copied_bytes += content.size_bytes;
        }
        self.list(format!("{}/{INDICES_FOLDER}/{name}", self.plan.logs_path), stored_as, content);
        Ok(())
    }

    fn copy_rest(&mut self) -> io::Result<()> {
        let manifest = self.plan.logs.manifest().to_bytes();
        let (path, stored_as) = self.own(&format!("{}/{MANIFEST_NAME}", self.plan.logs_path));
        let target = self.plan.target.join(&stored_as);
        self.create_folder_of(&target)?;
        let content = checked_copy::write(self.files, &manifest, &target)?;
        self.copied_bytes += content.size_bytes;
        self.list(path, stored_as, content);
        for (source, path) in self.plan.others {
            let (path, stored_as) = self.own(path);
            let target = self.plan.target.join(&stored_as);
            self.create_folder_of(&target)?;
            match checked_copy::copy(self.files, source, &target) {
                Ok(content) => {
                    self.copied_bytes += content.size_bytes;
                    self.list(path, stored_as, content);
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// The path below the data folder, and that of this backup's own copy.
    fn own(&self, path: &str) -> (String, String) {
        (path.to_owned(), format!("{BACKUPS_FOLDER}/{:06}/{path}", self.number))
    }

    fn create_folder_of(&mut self, file: &Path) -> io::Result<()> {
        if let Some(folder) = file.parent() {
            files::create_folder(self.files, folder, Access::Usual)?;
            self.touched.insert(folder.to_owned());
        }
        Ok(())
    }

    fn list(&mut self, path: String, stored_as: String, content: Content) {
        let Content { size_bytes, crc32c } = content;
        self.list.push(BackedUp { path, stored_as, size_bytes, crc32c });
    }

    /// The list comes last: a backup without one does not count.
    fn finish(self) -> io::Result<BackupReport> {
        self.touched.iter().try_for_each(|folder| self.files.sync_folder(folder))?;
        let report = BackupReport {
            number: self.number,
            event_count: self.plan.logs.event_count(),
            file_count: self.list.len() as u64,
            size_bytes: self.list.iter().map(|file| file.size_bytes).sum(),
            copied_bytes: self.copied_bytes,
        };
        let list = BackupList::new(self.plan.taken_at, report.event_count, self.list);
        files::replace_file(self.files, &folder_of(self.plan.target, self.number).join(LIST_NAME), &list.to_bytes())?;
        Ok(report)
    }
}

/// Backups hold keys: only their owner may look inside.
fn create_private(files: &dyn Files, folder: &Path) -> io::Result<()> {
    if files::is_folder(files, folder) {
        return Ok(());
    }
    files::create_folder(files, folder, Access::Private)
}
