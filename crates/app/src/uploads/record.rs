//! What is remembered of an upload.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use vigie_domain::ports::Document;
use vigie_domain::{Error, LogType, Result, Timestamp};
use vigie_pipeline::Reject;

use super::ReceivedFile;

/// How far an upload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UploadState {
    /// Being read.
    Running,
    /// Read to its end.
    Done,
    /// Ended early; what was read is stored.
    Failed,
}

impl UploadState {
    /// Its name in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }
}

/// A rejected line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectedLine {
    /// Line or number of the record, from 1.
    pub line: u64,
    /// Why, and what to do.
    pub reason: String,
    /// Its beginning.
    pub raw: String,
}

impl From<Reject> for RejectedLine {
    fn from(reject: Reject) -> Self {
        Self { line: reject.line, reason: reject.reason, raw: reject.raw }
    }
}

/// An upload.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Upload {
    /// Its id.
    pub file_id: String,
    /// Name of the file as sent.
    pub filename: String,
    /// What it was found to be; empty until that is known.
    pub format: String,
    /// How it is packed; empty until that is known.
    pub compression: String,
    /// Size as sent.
    pub size_bytes: u64,
    /// SHA-256 of the file, in hexadecimal.
    pub sha256: String,
    /// Names content and way of reading.
    pub fingerprint: String,
    /// How far it is.
    pub state: UploadState,
    /// Whether this answer is that of an earlier upload of the same file.
    #[serde(skip)]
    pub duplicate_of_earlier: bool,
    /// Events stored by it.
    pub records_processed: u64,
    /// Records that became no event.
    pub records_rejected: u64,
    /// Events that were stored before.
    pub records_deduplicated: u64,
    /// Events stored of each log type.
    pub log_types: BTreeMap<LogType, u64>,
    /// What was taken out, because it may never be stored: how much of each kind.
    #[serde(default)]
    pub redactions: BTreeMap<String, u64>,
    /// Earliest event.
    pub first_timestamp: Option<Timestamp>,
    /// Latest event.
    pub last_timestamp: Option<Timestamp>,
    /// The first rejected lines.
    pub rejects: Vec<RejectedLine>,
    /// When it was received.
    pub created_at: Timestamp,
    /// Who sent it.
    pub created_by: String,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// Why it failed.
    pub error: Option<String>,
}

impl Upload {
    /// A file just received.
    pub(super) fn new(file: &ReceivedFile, fingerprint: String, by: &str, now: Timestamp) -> Self {
        Self {
            file_id: random_id(),
            filename: file.filename.clone(),
            format: String::new(),
            compression: String::new(),
            size_bytes: file.size_bytes,
            sha256: file.sha256.clone(),
            fingerprint,
            state: UploadState::Running,
            duplicate_of_earlier: false,
            records_processed: 0,
            records_rejected: 0,
            records_deduplicated: 0,
            log_types: BTreeMap::new(),
            redactions: BTreeMap::new(),
            first_timestamp: None,
            last_timestamp: None,
            rejects: Vec::new(),
            created_at: now,
            created_by: by.to_owned(),
            finished_at: None,
            error: None,
        }
    }

    /// The upload that a document holds.
    pub(super) fn from_document(document: &Document) -> Result<Self> {
        serde_json::from_value(document.body.clone()).map_err(|error| {
            Error::internal(format!("the record of upload \"{}\" cannot be read: {error}", document.id))
        })
    }

    /// The body of its document.
    pub(super) fn to_json(&self) -> serde_json::Value {
        serde_json::to_value(self).unwrap_or_default()
    }
}

fn random_id() -> String {
    let bytes: [u8; 12] = rand::random();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
