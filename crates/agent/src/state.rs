//! How the agent fares, written to a file once a second so that `vigie agent status` can tell it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use vigie_domain::Timestamp;

use crate::ledger::{Account, Place};
use crate::problems::Problems;
use crate::sender::SendingNow;
use crate::spool::SpoolNumbers;

/// Files that are gone are left out beyond this many.
const GONE_MAX: usize = 20;

/// How the agent fares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentState {
    /// Its name.
    pub name: String,
    /// Where it sends to.
    pub url: String,
    /// Its process.
    pub process_id: u32,
    /// When this was written.
    pub written_at: Timestamp,
    /// Bytes that the spool takes on disk.
    pub spool_bytes: u64,
    /// Bytes that it may take.
    pub spool_bytes_max: u64,
    /// Events that wait to be sent.
    pub waiting_count: u64,
    /// Their bytes as they are sent.
    pub waiting_bytes: u64,
    /// Events that can never be stored and are set aside.
    pub set_aside_count: u64,
    /// Bytes of the spool that were damaged and are set aside.
    pub damaged_bytes: u64,
    /// Why nothing can be sent now.
    pub sending_problem: Option<String>,
    /// Each source.
    pub sources: Vec<SourceState>,
}

/// How a source fares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceState {
    /// Its name: the path of a file, `journald` or `stdin`.
    pub name: String,
    /// Where reading stands: a byte of a file, the journal's cursor.
    pub position: String,
    /// Whether it is a file that has lost its name.
    pub is_gone: bool,
    /// Events read of it, ever.
    pub read_count: u64,
    /// Bytes read of it, ever.
    pub read_bytes: u64,
    /// Events of it that were sent, ever.
    pub sent_count: u64,
    /// Events of it that wait.
    pub waiting_count: u64,
    /// Their bytes as they are sent.
    pub waiting_bytes: u64,
    /// What is wrong with it now.
    pub problem: Option<String>,
}

/// Who the agent is.
#[derive(Clone, Copy, Debug)]
pub struct Who<'w> {
    /// Its name.
    pub name: &'w str,
    /// Where it sends to.
    pub url: &'w str,
}

fn path_in(folder: &Path) -> PathBuf {
    folder.join("state.json")
}

impl AgentState {
    /// How it fares now.
    pub fn of(who: Who<'_>, at: Timestamp, numbers: SpoolNumbers, sending: &SendingNow, problems: &Problems) -> Self {
        let mut problems = problems.all();
        let mut sources = Vec::new();
        let mut gone_count = 0;
        for account in numbers.sources.iter().rev() {
            let state = source_of(account, problems.remove(&account.entry.place.name()));
            if state.is_gone && state.waiting_count == 0 {
                gone_count += 1;
                if gone_count > GONE_MAX {
                    continue;
                }
            }
            sources.push(state);
        }
        // What could not be read at all has no account.
        sources.extend(problems.into_iter().map(|(name, words)| SourceState {
            name,
            position: String::new(),
            is_gone: false,
            read_count: 0,
            read_bytes: 0,
            sent_count: 0,
            waiting_count: 0,
            waiting_bytes: 0,
            problem: Some(words),
        }));
        sources.sort_by(|one, other| one.name.cmp(&other.name));
        Self {
            name: who.name.to_owned(),
            url: who.url.to_owned(),
            process_id: std::process::id(),
            written_at: at,
            spool_bytes: numbers.bytes,
            spool_bytes_max: numbers.bytes_max,
            waiting_count: numbers.waiting.count,
            waiting_bytes: numbers.waiting.bytes,
            set_aside_count: numbers.set_aside_count,
            damaged_bytes: numbers.damaged_bytes,
            sending_problem: sending.problem.clone(),
            sources,
        }
    }

    /// Writes it to the agent's folder.
    ///
    /// # Errors
    /// What the file system answers.
    pub fn save(&self, folder: &Path) -> io::Result<()> {
        let path = path_in(folder);
        let new = path.with_extension("new");
        fs::write(&new, serde_json::to_vec_pretty(self)?)?;
        fs::rename(&new, &path)
    }

    /// What an agent wrote to its folder last; `None` when none ever did.
    ///
    /// # Errors
    /// What the file system answers, or what is wrong with the file.
    pub fn load(folder: &Path) -> io::Result<Option<Self>> {
        match fs::read(path_in(folder)) {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn source_of(account: &Account, problem: Option<String>) -> SourceState {
    let entry = &account.entry;
    let position = match &entry.place {
        Place::File(position) => position.offset.to_string(),
        Place::Journald { cursor } => cursor.clone(),
        Place::Stdin => String::new(),
    };
    SourceState {
        name: entry.place.name(),
        position,
        is_gone: account.is_gone(),
        read_count: entry.read_count,
        read_bytes: entry.read_bytes,
        sent_count: account.sent_count(),
        waiting_count: account.waiting.count,
        waiting_bytes: account.waiting.bytes,
        problem,
    }
}
