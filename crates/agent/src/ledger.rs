//! What is known of each source: how far it has been read, and how much of that waits to be sent.

use std::collections::HashMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use vigie_inputs::files::{Inode, Position};

/// Sources kept; of more, those go that were noted longest ago and have nothing waiting.
const SOURCES_MAX: usize = 10_000;

/// Where reading of a source stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Place {
    /// In a file.
    File(Position),
    /// In systemd's journal.
    Journald {
        /// The journal's own name for the entry that was read last.
        cursor: String,
    },
    /// Standard input has no places.
    Stdin,
}

/// Tells sources apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SourceKey {
    /// A file, whatever its name.
    File(Inode),
    /// Systemd's journal.
    Journald,
    /// Standard input.
    Stdin,
}

/// How far a source has been read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceEntry {
    /// Where reading stands.
    pub place: Place,
    /// Events read of it, ever.
    pub read_count: u64,
    /// Bytes read of it, ever.
    pub read_bytes: u64,
}

impl Place {
    /// Which source.
    pub const fn key(&self) -> SourceKey {
        match self {
            Self::File(position) => SourceKey::File(position.inode),
            Self::Journald { .. } => SourceKey::Journald,
            Self::Stdin => SourceKey::Stdin,
        }
    }

    /// The source's name for people.
    pub fn name(&self) -> String {
        match self {
            Self::File(position) => position.path.display().to_string(),
            Self::Journald { .. } => "journald".to_owned(),
            Self::Stdin => "stdin".to_owned(),
        }
    }
}

/// Events, and their bytes as they are sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amount {
    /// How many.
    pub count: u64,
    /// How many bytes.
    pub bytes: u64,
}

impl Amount {
    /// With another amount.
    pub fn add(&mut self, other: Self) {
        self.count += other.count;
        self.bytes += other.bytes;
    }

    /// Without another amount.
    fn subtract(&mut self, other: Self) {
        self.count = self.count.saturating_sub(other.count);
        self.bytes = self.bytes.saturating_sub(other.bytes);
    }
}

/// A source and what waits of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// How far it has been read.
    pub entry: SourceEntry,
    /// What was read and is not sent.
    pub waiting: Amount,
    noted: u64,
}

impl Account {
    /// Events that were sent of it, ever.
    pub const fn sent_count(&self) -> u64 {
        self.entry.read_count.saturating_sub(self.waiting.count)
    }

    /// Whether it is a file that is not there any more under its name.
    pub fn is_gone(&self) -> bool {
        match &self.entry.place {
            Place::File(position) => !has_name(&position.path, position.inode),
            Place::Journald { .. } | Place::Stdin => false,
        }
    }
}

fn has_name(path: &Path, inode: Inode) -> bool {
    vigie_inputs::files::inode_of(path).is_ok_and(|found| found == inode)
}

/// All sources.
#[derive(Debug, Default)]
pub struct Ledger {
    accounts: HashMap<SourceKey, Account>,
    noted: u64,
}

impl Ledger {
    /// Notes where a source stands. Its counts never go back: ids are made of them.
    pub fn note(&mut self, mut entry: SourceEntry) {
        self.noted += 1;
        let (key, noted) = (entry.place.key(), self.noted);
        let waiting = match self.accounts.get(&key) {
            Some(account) => {
                entry.read_count = entry.read_count.max(account.entry.read_count);
                entry.read_bytes = entry.read_bytes.max(account.entry.read_bytes);
                account.waiting
            }
            None => Amount::default(),
        };
        self.accounts.insert(key, Account { entry, waiting, noted });
        if self.accounts.len() > SOURCES_MAX {
            let idle = self.accounts.iter().filter(|(_, account)| account.waiting.count == 0);
            if let Some(oldest) = idle.min_by_key(|(_, account)| account.noted).map(|(key, _)| *key) {
                self.accounts.remove(&oldest);
            }
        }
    }

    /// So much more of the source waits.
    pub fn add_waiting(&mut self, key: SourceKey, amount: Amount) {
        if let Some(account) = self.accounts.get_mut(&key) {
            account.waiting.add(amount);
        }
    }

    /// So much of the source was sent.
    pub fn sent(&mut self, key: SourceKey, amount: Amount) {
        if let Some(account) = self.accounts.get_mut(&key) {
            account.waiting.subtract(amount);
        }
    }

    /// What is known of a source.
    pub fn of(&self, key: SourceKey) -> Option<&Account> {
        self.accounts.get(&key)
    }

    /// All of them, the one noted last last.
    pub fn accounts(&self) -> Vec<&Account> {
        let mut accounts: Vec<&Account> = self.accounts.values().collect();
        accounts.sort_by_key(|account| account.noted);
        accounts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_do_not_go_back_and_what_waits_is_kept() {
        let entry = |read_count| SourceEntry { place: Place::Stdin, read_count, read_bytes: 0 };
        let mut ledger = Ledger::default();
        ledger.note(entry(7));
        ledger.add_waiting(SourceKey::Stdin, Amount { count: 7, bytes: 70 });
        ledger.sent(SourceKey::Stdin, Amount { count: 2, bytes: 20 });
        ledger.note(entry(5));
        let account = ledger.of(SourceKey::Stdin).unwrap();
        assert_eq!((account.entry.read_count, account.waiting), (7, Amount { count: 5, bytes: 50 }));
        assert_eq!(account.sent_count(), 2);
    }
}
