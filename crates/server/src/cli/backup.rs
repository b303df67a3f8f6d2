//! `vigie backup` and `vigie restore`: copies of everything, and a data folder out of one.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::remote::Remote;
use super::{Console, Failure, FolderArguments, Outcome, RemoteArguments, runtime};
use crate::config::{Environment, Settings};
use crate::wire::Stores;
use crate::wire::care;

const BACKUP_EXAMPLES: &str = "\
A backup holds logs, accounts, keys and records of uploads: guard it like the data folder. Parts of logs never change
and are copied once for all backups of a folder; each is verified on the way. A running server takes the backup
itself, into the folder of its setting backup.dir.

Examples:
  vigie backup --data /var/lib/vigie --to /mnt/backups
  VIGIE_TOKEN=… vigie backup --url http://127.0.0.1:8642";

const RESTORE_EXAMPLES: &str = "\
Everything is verified and copied to a new folder first, which then takes the name of the data folder.

Examples:
  vigie restore --from /mnt/backups --data /var/lib/vigie
  vigie restore --from /mnt/backups --number 12 --data /srv/vigie-as-it-was";

/// What to back up, and where to.
#[derive(Debug, Args)]
#[command(after_help = BACKUP_EXAMPLES)]
pub(super) struct BackupArguments {
    #[command(flatten)]
    pub(super) folder: FolderArguments,
    /// Folder of the backups [setting: backup.dir].
    #[arg(long, value_name = "DIR", conflicts_with = "url")]
    pub(super) to: Option<PathBuf>,
    /// The report as one JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    remote: RemoteArguments,
}

/// Which backup becomes a data folder.
#[derive(Debug, Args)]
#[command(after_help = RESTORE_EXAMPLES)]
pub(super) struct RestoreArguments {
    /// Folder of the backups.
    #[arg(long, value_name = "DIR")]
    from: PathBuf,
    /// Number of the backup; without it, the latest.
    #[arg(long, value_name = "N")]
    number: Option<u64>,
    #[command(flatten)]
    pub(super) folder: FolderArguments,
    /// The report as one JSON object.
    #[arg(long)]
    json: bool,
}

impl BackupArguments {
    pub(super) fn flags(&self) -> Vec<super::Flag> {
        let mut flags = self.folder.flags();
        flags.extend(self.to.iter().map(|folder| ("backup.dir", folder.display().to_string())));
        flags
    }
}

/// A report of either side: this process or a server.
#[derive(Deserialize)]
struct Taken {
    number: u64,
    event_count: u64,
    size_bytes: u64,
    copied_bytes: u64,
}

pub(super) fn back_up(
    arguments: &BackupArguments,
    settings: &Settings,
    environment: &Environment,
    console: &mut Console<'_>,
) -> Result<Outcome, Failure> {
    let report: Json = match Remote::from_arguments(&arguments.remote, environment)? {
        Some(remote) => remote.post_json("/api/backups", &json!({}))?,
        None if settings.backup.dir.as_os_str().is_empty() => {
            return Err(Failure::misused("no folder for the backup: name one with --to"));
        }
        None if !settings.data.dir.is_dir() => {
            let shown = settings.data.dir.display();
            return Err(Failure::failed(format!("there is no data folder \"{shown}\"; name another with --data")));
        }
        None => {
            let runtime = runtime()?;
            let stores = runtime.block_on(async { Stores::open(settings, Arc::new(|_| {})) })?;
            let report = runtime.block_on(care::back_up(&settings.data.dir, &stores.logs, &settings.backup.dir))?;
            json!(report)
        }
    };
    if arguments.json {
        console.line(&report.to_string())?;
        return Ok(Outcome::Done);
    }
    let taken: Taken = serde_json::from_value(report).map_err(|error| Failure::failed(error.to_string()))?;
    console.line(&format!(
        "backup {}: {} events, {} bytes of which {} were copied now",
        taken.number, taken.event_count, taken.size_bytes, taken.copied_bytes
    ))?;
    Ok(Outcome::Done)
}

pub(super) fn restore(
    arguments: &RestoreArguments,
    settings: &Settings,
    console: &mut Console<'_>,
) -> Result<Outcome, Failure> {
    let report = care::restore(settings, &arguments.from, arguments.number)?;
    let line = if arguments.json {
        json!(report).to_string()
    } else {
        format!("backup {} of {}: {} events restored", report.number, report.taken_at, report.event_count)
    };
    console.line(&line)?;
    Ok(Outcome::Done)
}
