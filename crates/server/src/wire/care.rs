//! Looking after the data folder of the settings.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::future::BoxFuture;
use tokio::sync::Mutex;
use vigie_adapters::sqlite;
use vigie_domain::{Day, Error, ErrorKind, Result};
use vigie_storage::LogEngine;
use vigie_storage::care::{BackupPlan, HOLDS_FOLDER, LifecyclePolicy};
use vigie_storage::files::os;

pub use vigie_storage::care::{
    BackupReport, IndexOutlook, Inspection, PartPlan, PartView, RestoreReport, ScrubMode, ScrubReport,
};

use super::{DEAD_LETTERS_FOLDER, KEYS_FOLDER, LOGS_FOLDER, METADATA_FILE, UPLOADS_FOLDER, clock};
use crate::config::Settings;

/// The copy of the metadata store while a backup is taken.
const METADATA_COPY: &str = "metadata.sqlite.copy";

/// Takes a backup of the stores that a server has open.
pub type BackupTaker = Arc<dyn Fn() -> BoxFuture<'static, Result<BackupReport>> + Send + Sync>;

/// Compares every byte of the logs with its checksum.
///
/// # Errors
/// `Conflict` when a server uses the folder; `NotFound` when it is none.
pub fn scrub(settings: &Settings, mode: ScrubMode) -> Result<ScrubReport> {
    vigie_storage::care::scrub(&os(), &settings.data.dir.join(LOGS_FOLDER), mode).map_err(|error| used(settings, error))
}

/// What lies in the parts, and what a query reads of them; a server may run meanwhile.
///
/// # Errors
/// `NotFound` when there is no such part; `Unavailable` when one cannot be read.
pub fn inspect(settings: &Settings, asked: &Inspection<'_>) -> Result<Vec<PartView>> {
    vigie_storage::care::inspect(&os(), &settings.data.dir.join(LOGS_FOLDER), asked)
}

/// What becomes of indices as they age; 0 days mean never.
pub fn lifecycle_policy(settings: &Settings) -> LifecyclePolicy {
    let days = |days: u32| (days > 0).then_some(days);
    LifecyclePolicy {
        recompress_after_days: days(settings.lifecycle.recompress_after_days),
        delete_after_days: days(settings.lifecycle.delete_after_days),
    }
}

/// What becomes of the index of the day, or of every index; a server may run meanwhile.
///
/// # Errors
/// `NotFound` when there is no such index.
pub fn explain(settings: &Settings, day: Option<Day>) -> Result<Vec<IndexOutlook>> {
    vigie_storage::care::explain(&os(), &settings.data.dir.join(LOGS_FOLDER), day, &lifecycle_policy(settings))
}

/// Holds the index so that it is not deleted for its age; a server may run meanwhile.
///
/// # Errors
/// `NotFound` when there is no such index; `Unavailable` when the folder cannot be written to.
pub fn hold(settings: &Settings, day: Day) -> Result<()> {
    vigie_storage::care::hold(&os(), &settings.data.dir.join(LOGS_FOLDER), day)
}

/// Releases the index; a server may run meanwhile.
///
/// # Errors
/// `NotFound` when it is not held; `Unavailable` when the folder cannot be written to.
pub fn release(settings: &Settings, day: Day) -> Result<()> {
    vigie_storage::care::release(&os(), &settings.data.dir.join(LOGS_FOLDER), day)
}

/// The same error, with what to do when a server uses the folder.
fn used(settings: &Settings, error: Error) -> Error {
    if error.kind != ErrorKind::Conflict {
        return error;
    }
    let shown = settings.data.dir.display();
    Error::new(ErrorKind::Conflict, format!("the data folder \"{shown}\" is in use by a running vigie; stop it first"))
}

/// Takes backups of these logs, and of what lies beside them, into the folder of the settings; one at a time.
pub fn backup_taker(settings: &Settings, logs: Arc<LogEngine>) -> BackupTaker {
    let (data, target) = (settings.data.dir.clone(), settings.backup.dir.clone());
    let turn = Arc::new(Mutex::new(()));
    Arc::new(move || {
        let (data, target, logs, turn) = (data.clone(), target.clone(), logs.clone(), turn.clone());
        Box::pin(async move {
            if target.as_os_str().is_empty() {
                let words = "no folder for backups is set; set backup.dir and start the server again";
                return Err(Error::new(ErrorKind::Conflict, words));
            }
            let Ok(_turn) = turn.try_lock_owned() else {
                return Err(Error::new(ErrorKind::Conflict, "a backup is being taken already; wait until it is done"));
            };
            // What was begun is finished, even when nobody waits for it any more.
            let work = tokio::spawn(async move { back_up(&data, &logs, &target).await });
            work.await.map_err(|error| Error::internal(format!("the backup was cut short: {error}")))?
        })
    })
}

/// Takes a backup of the data folder, whose logs these are.
///
/// # Errors
/// `Unavailable` when something is damaged or cannot be copied; the backups before it are as they were.
pub async fn back_up(data: &Path, logs: &LogEngine, target: &Path) -> Result<BackupReport> {
    let (data, target) = (data.to_owned(), target.to_owned());
    let copy = data.join(METADATA_COPY);
    // The metadata first: a record of an upload whose events are not there would be wrong, the reverse is harmless.
    let others = blocking({
        let data = data.clone();
        move || other_files(&data)
    })
    .await?;
    let logs = logs.snapshot().await?;
    let taken_at = clock()();
    let report = blocking(move || {
        let plan = BackupPlan { logs: &logs, logs_path: LOGS_FOLDER, others: &others, target: &target, taken_at };
        vigie_storage::care::back_up(&plan)
    })
    .await;
    remove_if_there(&copy)?;
    report
}

/// Makes a data folder out of a backup.
///
/// # Errors
/// `Conflict` when the folder of the settings is not empty; `NotFound` when there is no such backup; `Unavailable`
/// when it is damaged.
pub fn restore(settings: &Settings, from: &Path, number: Option<u64>) -> Result<RestoreReport> {
    vigie_storage::care::restore(&os(), from, number, &settings.data.dir)
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(Error::internal(format!("the backup was cut short: {error}"))),
    }
}

/// Everything that is no log: where it is, and its path below the data folder.
fn other_files(data: &Path) -> Result<Vec<(PathBuf, String)>> {
    let copy = data.join(METADATA_COPY);
    remove_if_there(&copy)?;
    sqlite::copy_database(&data.join(METADATA_FILE), &copy)?;
    let mut files = vec![(copy, METADATA_FILE.to_owned())];
    let holds = format!("{LOGS_FOLDER}/{HOLDS_FOLDER}");
    for folder in [KEYS_FOLDER, UPLOADS_FOLDER, DEAD_LETTERS_FOLDER, holds.as_str()] {
        let found = files_in(&data.join(folder)).map_err(|error| unreadable(folder, &error))?;
        files.extend(found.into_iter().map(|(path, name)| (path, format!("{folder}/{name}"))));
    }
    Ok(files)
}

/// The files of a folder, not those of folders in it.
fn files_in(folder: &Path) -> io::Result<Vec<(PathBuf, String)>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            files.push((entry.path(), entry.file_name().to_string_lossy().into_owned()));
        }
    }
    Ok(files)
}

fn remove_if_there(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(unreadable(METADATA_COPY, &error)),
        _ => Ok(()),
    }
}

fn unreadable(name: &str, error: &io::Error) -> Error {
    Error::new(ErrorKind::Unavailable, format!("\"{name}\" of the data folder cannot be used: {error}"))
}
