//! Parsers of bytes from outside, for those who throw arbitrary bytes at them.

use crate::sources::journal_entry;
use crate::spool::record::{self, Found};

/// Reads a record of the spool; tells whether there is one.
pub fn read_spool_record(bytes: &[u8]) -> bool {
    match record::read(bytes) {
        Found::Record(record) => record.source().is_some() && record.events().is_some(),
        Found::End | Found::Damaged => false,
    }
}

/// Reads an entry of systemd's journal; gives its cursor and message.
///
/// # Errors
/// When it is none, and why.
pub fn read_journal_entry(line: &[u8]) -> Result<(String, Vec<u8>), String> {
    journal_entry::parse(line).map(|entry| (entry.cursor, entry.message))
}
