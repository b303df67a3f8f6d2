//! The manifest: which parts exist and how much of the log they hold. Replaced as a whole, atomically.
//!
//! "Part published" and "log consumed up to" change together, in one file. The file is a line with the CRC32C of
//! the rest in hexadecimal, then JSON.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};
use vigie_domain::{Day, LogType, Timestamp};

use crate::dedup::StoredKey;
use crate::error::StorageError;
use crate::files::{self, Files};
use crate::part::{INDEX_EXTENSION, PART_EXTENSION, PageSpan, WrittenPart};

/// Version of the format; a newer one is refused.
const VERSION: u32 = 1;
/// Name of the file.
pub const FILE_NAME: &str = "manifest";

/// What the data folder holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    version: u32,
    /// Every event with a smaller sequence number is in a part.
    pub consumed_up_to: u64,
    /// The number that the next part gets.
    pub next_part: u64,
    /// The parts.
    pub parts: Vec<PartMeta>,
    /// Batch keys of events that are in parts.
    pub keys: Vec<StoredKey>,
    /// When the first events of each day arrived that has parts.
    #[serde(default)]
    created: BTreeMap<Day, Timestamp>,
}

/// One part: a Parquet file with events of one day and log type in time order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PartMeta {
    /// Its number; never used twice.
    pub id: u64,
    /// UTC day of its events.
    pub day: Day,
    /// Their log type.
    pub log_type: LogType,
    /// How many.
    pub rows: u64,
    /// Bytes of the file.
    pub bytes: u64,
    /// Bytes of its index; 0 when it has none.
    #[serde(default)]
    pub index_bytes: u64,
    /// The first event's time.
    pub first: Timestamp,
    /// The last event's time.
    pub last: Timestamp,
    /// Smallest sequence number.
    pub min_sequence: u64,
    /// Largest sequence number.
    pub max_sequence: u64,
    /// Latest arrival.
    pub last_ingested_at: Timestamp,
    /// Whether any sender gave an id.
    pub has_ids: bool,
    /// Whether it was rewritten to be small.
    #[serde(default)]
    pub is_recompressed: bool,
}

impl PartMeta {
    /// A part that has no number and no files yet.
    pub fn unwritten(day: Day, log_type: LogType) -> Self {
        Self {
            id: 0,
            day,
            log_type,
            rows: 0,
            bytes: 0,
            index_bytes: 0,
            first: Timestamp::default(),
            last: Timestamp::default(),
            min_sequence: 0,
            max_sequence: 0,
            last_ingested_at: Timestamp::default(),
            has_ids: false,
            is_recompressed: false,
        }
    }

    /// The same, as its files say of which this was written.
    #[must_use]
    pub fn with_written(self, written: &WrittenPart) -> Self {
        let WrittenPart { span, rows, bytes, index_bytes } = *written;
        let PageSpan { first, last, min_sequence, max_sequence } = span;
        Self { rows, bytes, index_bytes, first, last, min_sequence, max_sequence, ..self }
    }

    /// The file's path below the folder of indices.
    pub fn relative_path(&self) -> String {
        format!("{}/{}-{:08x}.{PART_EXTENSION}", self.day, self.log_type, self.id)
    }

    /// The path of its index, if it has one.
    pub fn relative_index_path(&self) -> Option<String> {
        let path = || format!("{}/{}-{:08x}.{INDEX_EXTENSION}", self.day, self.log_type, self.id);
        (self.index_bytes > 0).then(path)
    }
}

impl Default for Manifest {
    fn default() -> Self {
        Self {
            version: VERSION,
            consumed_up_to: 0,
            next_part: 1,
            parts: Vec::new(),
            keys: Vec::new(),
            created: BTreeMap::new(),
        }
    }
}

impl Manifest {
    /// Reads the manifest of a data folder; an empty one when there is none.
    ///
    /// # Errors
    /// `Damaged` when the file fails its checksum or is of a newer version.
    pub fn load(files: &dyn Files, folder: &Path) -> Result<Self, StorageError> {
        let bytes = match files.read(&folder.join(FILE_NAME)) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(error.into()),
        };
        Self::parse(&bytes)
    }

    /// Reads the bytes of a manifest.
    ///
    /// # Errors
    /// `Damaged` when they fail their checksum or are of a newer version.
    pub fn parse(bytes: &[u8]) -> Result<Self, StorageError> {
        let damaged = |what: &str| StorageError::Damaged(format!("the manifest {what}; restore it from a backup"));
        let (sum, json) = bytes.split_at_checked(9).ok_or_else(|| damaged("is too short"))?;
        let expected =
            std::str::from_utf8(sum).ok().and_then(|text| u32::from_str_radix(text.strip_suffix('\n')?, 16).ok());
        if expected != Some(crc32c::crc32c(json)) || sum[..8].iter().any(u8::is_ascii_uppercase) {
            return Err(damaged("fails its checksum"));
        }
        let manifest: Self =
            serde_json::from_slice(json).map_err(|error| damaged(&format!("cannot be read: {error}")))?;
        if manifest.version > VERSION {
            return Err(StorageError::Damaged(format!(
                "the data folder is of format {}, this program reads up to {VERSION}; use a newer program",
                manifest.version
            )));
        }
        Ok(manifest)
    }

    /// When the first events of the day arrived; `None` when it has no part.
    pub fn created_at(&self, day: Day) -> Option<Timestamp> {
        let arrived = || self.parts.iter().filter(|part| part.day == day).map(|part| part.last_ingested_at).min();
        self.created.get(&day).copied().or_else(arrived)
    }

    /// Remembers when days came to be that are new, and forgets those that are gone.
    pub fn note_days(&mut self) {
        let days: BTreeMap<Day, Timestamp> =
            self.parts.iter().filter_map(|part| Some((part.day, self.created_at(part.day)?))).collect();
        self.created = days;
    }

    /// The bytes of the file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let json = serde_json::to_vec(self).unwrap_or_default();
        let mut bytes = format!("{:08x}\n", crc32c::crc32c(&json)).into_bytes();
        bytes.extend_from_slice(&json);
        bytes
    }

    /// Puts this manifest in place of the one in the folder; durable when it returns.
    ///
    /// # Errors
    /// What the file system answers; the old one then still stands.
    pub fn store(&self, files: &dyn Files, folder: &Path) -> io::Result<()> {
        files::replace_file(files, &folder.join(FILE_NAME), &self.to_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::OsFiles;

    fn manifest() -> Manifest {
        let part = PartMeta {
            id: 7,
            day: Day(20_780),
            log_type: LogType::Transaction,
            rows: 3,
            bytes: 1_000,
            index_bytes: 10,
            first: Timestamp::from_seconds(1),
            last: Timestamp::from_seconds(2),
            min_sequence: 0,
            max_sequence: 2,
            last_ingested_at: Timestamp::from_seconds(3),
            has_ids: true,
            is_recompressed: false,
        };
        Manifest { consumed_up_to: 3, next_part: 8, parts: vec![part], ..Manifest::default() }
    }

    #[test]
    fn a_manifest_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Manifest::load(&OsFiles, folder.path()).unwrap(), Manifest::default());
        manifest().store(&OsFiles, folder.path()).unwrap();
        assert_eq!(Manifest::load(&OsFiles, folder.path()).unwrap(), manifest());
    }

    #[test]
    fn every_flipped_bit_and_every_truncation_is_found() {
        let bytes = manifest().to_bytes();
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(Manifest::parse(&flipped).is_err(), "bit {bit}");
        }
        for length in 0..bytes.len() {
            assert!(Manifest::parse(&bytes[..length]).is_err(), "{length}");
        }
    }

    #[test]
    fn a_newer_format_is_refused_in_words() {
        let newer = Manifest { version: VERSION + 1, ..manifest() };
        let error = Manifest::parse(&newer.to_bytes()).unwrap_err().to_string();
        assert!(error.contains("newer program"), "{error}");
    }
}
