//! What can go wrong below the port, and how it looks from above it.

use std::io;
use std::time::Duration;

use vigie_domain::{Error, ErrorKind};

/// Seconds after which a part that cannot be read may have been mended.
const UNREADABLE_RETRY_AFTER_S: u64 = 300;
/// Seconds after which other questions may have ended.
const BUSY_RETRY_AFTER_S: u64 = 1;

/// A failure inside the engine.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The file system refused.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// A part could not be read or written.
    #[error("part file: {0}")]
    Parquet(#[from] parquet::errors::ParquetError),
    /// Columns could not be joined or taken.
    #[error("columns: {0}")]
    Arrow(#[from] arrow::error::ArrowError),
    /// A file of the engine is damaged.
    #[error("{0}")]
    Damaged(String),
    /// A part could not be read; the message names it.
    #[error("{0}")]
    UnreadablePart(String),
    /// The question makes more than the stated number of buckets or groups.
    #[error("{0}")]
    TooLarge(String),
    /// The question took longer than it may.
    #[error(
        "the query took longer than {} s (\"query.timeout_s\"); narrow its time range or its conditions, or ask for less",
        .0.as_secs()
    )]
    TimedOut(Duration),
    /// The question would hold more memory than one may.
    #[error(
        "the query needs more than {} MiB of memory (\"query.bytes_max\"); narrow its time range or its conditions, or ask for less",
        .bytes_max >> 20
    )]
    TooMuchMemory {
        /// The bound.
        bytes_max: usize,
    },
    /// Other questions hold the memory that is there for all.
    #[error("other queries hold the {} MiB of memory that queries share (\"query.all_bytes_max\"); try again in a moment", .bytes_max >> 20)]
    Busy {
        /// The bound.
        bytes_max: usize,
    },
    /// Nobody waits for the answer any more.
    #[error("the query was given up: nobody waits for its answer")]
    AskerLeft,
}

impl From<StorageError> for Error {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::TooLarge(message) => Self::new(ErrorKind::TooLarge, message),
            StorageError::TooMuchMemory { .. } => Self::new(ErrorKind::TooLarge, error.to_string()),
            StorageError::Busy { .. } => {
                Self::new(ErrorKind::Unavailable, error.to_string()).with_retry_after_s(BUSY_RETRY_AFTER_S)
            }
            StorageError::TimedOut(_) => Self::new(ErrorKind::TimedOut, error.to_string()),
            StorageError::AskerLeft => Self::new(ErrorKind::Unavailable, error.to_string()),
            // Callers are told: what does not need the part still works, and an administrator can mend it.
            StorageError::UnreadablePart(message) => Self::new(
                ErrorKind::Unavailable,
                format!("{message}; ask about another time or log type, or set the part aside with `vigie scrub`"),
            )
            .with_retry_after_s(UNREADABLE_RETRY_AFTER_S),
            StorageError::Io(error) if error.kind() == io::ErrorKind::StorageFull => disk_full(),
            StorageError::Io(_) | StorageError::Parquet(_) | StorageError::Arrow(_) | StorageError::Damaged(_) => {
                Self::internal(format!("log store: {error}"))
            }
        }
    }
}

/// The answer to a write when the disk has no room for it.
pub fn disk_full() -> Error {
    Error::new(
        ErrorKind::DiskFull,
        "the disk of the data folder is full; free space or shorten the retention, then send again",
    )
}
