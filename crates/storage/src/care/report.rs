//! What a scrub found.

use serde::Serialize;
use vigie_domain::LogType;

use crate::manifest::PartMeta;
use crate::part::{Damage, DamagedFile, Place};

/// What was looked at and what is wrong with it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ScrubReport {
    /// Parts that the manifest lists.
    pub part_count: u64,
    /// Events in them.
    pub event_count: u64,
    /// Bytes of them and of their indexes.
    pub size_bytes: u64,
    /// Parts without checksums: all that is known of them is that they can be decoded.
    pub unverified_part_count: u64,
    /// Whole records of the write-ahead log.
    pub log_record_count: u64,
    /// Events in them.
    pub log_event_count: u64,
    /// Files of the log's folder that nothing lists; the next start removes them.
    pub unlisted: Vec<String>,
    /// What is damaged.
    pub damaged: Vec<Damaged>,
    /// Files that were moved out of the way, by their new names.
    pub set_aside: Vec<String>,
}

impl ScrubReport {
    /// Whether everything is as it was written.
    pub fn is_clean(&self) -> bool {
        self.damaged.is_empty()
    }
}

/// What sort of file it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FileKind {
    /// Lists the parts.
    Manifest,
    /// Holds events of one day and log type.
    Part,
    /// Helps to find them; without it the part is read whole.
    Index,
    /// A segment of the write-ahead log.
    Log,
}

/// One damaged file.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Damaged {
    /// What it is.
    pub kind: FileKind,
    /// Its path below the folder of the logs.
    pub file: String,
    /// Where; empty when it is the file as a whole.
    pub places: Vec<Place>,
    /// The day of its events, `YYYY.MM.DD`.
    pub day: Option<String>,
    /// Their log type.
    pub log_type: Option<LogType>,
    /// Events that cannot be read any more; `None` when nothing says how many.
    pub lost_events: Option<u64>,
    /// Events that can be read, but not verified.
    pub doubtful_events: u64,
    /// What is wrong.
    pub what: String,
    /// The part's number.
    #[serde(skip)]
    pub part: Option<u64>,
}

impl Damaged {
    /// A file that is not one of a part.
    pub fn other(kind: FileKind, file: impl Into<String>, what: impl Into<String>) -> Self {
        Self {
            kind,
            file: file.into(),
            places: Vec::new(),
            day: None,
            log_type: None,
            lost_events: None,
            doubtful_events: 0,
            what: what.into(),
            part: None,
        }
    }

    /// A file of a part.
    pub fn of_part(meta: &PartMeta, damage: Damage) -> Self {
        let (kind, path) = match damage.file {
            DamagedFile::Part => (FileKind::Part, meta.relative_path()),
            DamagedFile::Index => (FileKind::Index, meta.relative_index_path().unwrap_or_default()),
        };
        Self {
            kind,
            file: format!("{}/{path}", crate::engine::PARTS_FOLDER),
            places: damage.places,
            day: Some(meta.day.to_string()),
            log_type: Some(meta.log_type),
            lost_events: Some(damage.lost_events),
            doubtful_events: damage.doubtful_events,
            what: damage.what,
            part: Some(meta.id),
        }
    }
}
