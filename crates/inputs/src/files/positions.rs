//! How far each file has been read, kept over restarts.
//!
//! It is one small JSON file, replaced whole and synced. An entry with a block says: these bytes were about to be stored
//! under this key; whether they were is not known.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::identity::{Head, Inode};

/// Entries kept; of more, those go that were noted longest ago.
const ENTRIES_MAX: usize = 10_000;

/// How far one file has been read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Which file, and
    pub inode: Inode,
    /// how it begins.
    pub head: Head,
    /// How many files have had this inode before it, one that was cut to nothing among them; as far as it is known.
    #[serde(default)]
    pub generation: u64,
    /// For whoever reads this file; files are not told apart by it.
    pub path: PathBuf,
    /// Bytes that are stored.
    pub offset: u64,
    /// Whether they end within a line that is too large, whose rest is to be passed over.
    pub is_skipping: bool,
    /// What was about to be stored.
    pub block: Option<NotedBlock>,
}

/// A block that was about to be stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotedBlock {
    /// Where in the file it ends.
    pub end: u64,
    /// What it is stored under.
    pub key: String,
    /// It is the beginning of a line that is too large.
    pub is_too_large: bool,
}

/// All of them.
pub(super) struct Positions {
    path: PathBuf,
    /// The one noted last comes last.
    entries: Vec<Position>,
}

impl Positions {
    /// What the file at the path says; there may be none yet.
    pub(super) fn load(path: &Path) -> io::Result<Self> {
        let entries = match fs::read(path) {
            Ok(bytes) => serde_json::from_slice(&bytes)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        Ok(Self { path: path.to_owned(), entries })
    }

    /// What is known of the file with this inode.
    pub(super) fn of(&self, inode: Inode) -> Option<&Position> {
        self.entries.iter().find(|entry| entry.inode == inode)
    }

    /// Notes it; it is on disk when this returns.
    pub(super) fn note(&mut self, position: Position) -> io::Result<()> {
        self.entries.retain(|entry| entry.inode != position.inode);
        self.entries.push(position);
        let too_many = self.entries.len().saturating_sub(ENTRIES_MAX);
        self.entries.drain(..too_many);
        let folder = self.path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        let new = self.path.with_extension("new");
        let mut file = File::create(&new)?;
        file.write_all(&serde_json::to_vec(&self.entries)?)?;
        file.sync_all()?;
        fs::rename(&new, &self.path)?;
        File::open(folder)?.sync_all()
    }
}
