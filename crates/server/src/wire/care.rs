//! Looking after the data folder of the settings.

use vigie_domain::{Error, ErrorKind, Result};

pub use vigie_storage::care::{ScrubMode, ScrubReport};

use super::LOGS_FOLDER;
use crate::config::Settings;

/// Compares every byte of the logs with its checksum.
///
/// # Errors
/// `Conflict` when a server uses the folder; `NotFound` when it is none.
pub fn scrub(settings: &Settings, mode: ScrubMode) -> Result<ScrubReport> {
    vigie_storage::care::scrub(&settings.data.dir.join(LOGS_FOLDER), mode).map_err(|error| used(settings, error))
}

/// The same error, with what to do when a server uses the folder.
fn used(settings: &Settings, error: Error) -> Error {
    if error.kind != ErrorKind::Conflict {
        return error;
    }
    let shown = settings.data.dir.display();
    Error::new(ErrorKind::Conflict, format!("the data folder \"{shown}\" is in use by a running vigie; stop it first"))
}
