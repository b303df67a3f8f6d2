//! The two small files beside the spool: where sources stand, and how much was sent.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::segments::replace;
use crate::ledger::SourceEntry;

/// What is known without the spool. Records that are newer than it know better.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourcesNote {
    /// Made once, with the folder: part of the ids of what has no place, such as standard input.
    pub spool_id: String,
    /// The number of the first event that this does not know of.
    pub next_sequence: u64,
    /// Where each source stands.
    pub sources: Vec<SourceEntry>,
}

/// How much was sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentNote {
    /// The number of the first event that was not sent.
    pub sequence: u64,
    /// Events that were set aside because they are refused for good.
    pub set_aside_count: u64,
}

fn sources_path(folder: &Path) -> PathBuf {
    folder.join("sources.json")
}

fn sent_path(folder: &Path) -> PathBuf {
    folder.join("sent.json")
}

impl SourcesNote {
    /// What is noted in the folder; there may be nothing yet.
    pub fn load(folder: &Path) -> io::Result<Option<Self>> {
        load(&sources_path(folder))
    }

    /// Notes it; it is on disk when this returns.
    pub fn save(&self, folder: &Path) -> io::Result<()> {
        replace(&sources_path(folder), &serde_json::to_vec(self)?)
    }
}

impl SentNote {
    /// What is noted in the folder; there may be nothing yet.
    pub fn load(folder: &Path) -> io::Result<Self> {
        Ok(load(&sent_path(folder))?.unwrap_or_default())
    }

    /// Notes it. It outlives this process, not the machine: what is forgotten is sent again and recognised.
    pub fn save(&self, folder: &Path) -> io::Result<()> {
        let path = sent_path(folder);
        let new = path.with_extension("new");
        fs::write(&new, serde_json::to_vec(self)?)?;
        fs::rename(&new, &path)
    }
}

fn load<T: serde::de::DeserializeOwned>(path: &Path) -> io::Result<Option<T>> {
    match fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|error| {
            let words = format!("\"{}\" cannot be read: {error}; mend or remove it, and start again", path.display());
            io::Error::new(io::ErrorKind::InvalidData, words)
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
