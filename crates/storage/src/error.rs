//! What can go wrong below the port, and how it looks from above it.

use std::io;
use std::time::Duration;

use vigie_domain::aggregation::{BUCKETS_MAX, TUPLES_PER_EVENT_MAX};
use vigie_domain::error::ErrorDetail;
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
    /// The answers have more buckets than allowed.
    #[error(
        "the answer would have {count} buckets with those of \"{}\", at most {BUCKETS_MAX} are allowed; use a wider interval, a shorter time range or fewer values",
        place_of(.names)
    )]
    TooManyBuckets {
        /// How many at least.
        count: u128,
        /// The question and those around it, the innermost first.
        names: Vec<String>,
    },
    /// An event has more combinations of values than may be counted.
    #[error(
        "\"{name}\": an event has {count} combinations of values, at most {TUPLES_PER_EVENT_MAX} are counted; leave out fields with long lists"
    )]
    TooManyTuples {
        /// How many.
        count: usize,
        /// The question.
        name: String,
    },
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
    /// The engine is to end.
    #[error("the log store stops")]
    Stopped,
    /// Nobody waits for the answer any more.
    #[error("the query was given up: nobody waits for its answer")]
    AskerLeft,
}

/// Where the question stands in a request, such as `aggregations.by_service.aggregations.by_hour`.
fn place_of(names: &[String]) -> String {
    let places: Vec<String> = names.iter().rev().map(|name| format!("aggregations.{name}")).collect();
    places.join(".")
}

impl StorageError {
    /// Whether there is no room on the disk for what was to be written.
    pub fn is_disk_full(&self) -> bool {
        let first: &(dyn std::error::Error + 'static) = self;
        let mut causes = std::iter::successors(Some(first), |error| error.source());
        causes.any(|error| {
            error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::StorageFull)
        })
    }

    /// The same error, of a question below the one with this name.
    #[must_use]
    pub fn below(mut self, name: &str) -> Self {
        if let Self::TooManyBuckets { names, .. } = &mut self {
            names.push(name.to_owned());
        }
        self
    }
}

impl From<StorageError> for Error {
    fn from(error: StorageError) -> Self {
        match error {
            error if error.is_disk_full() => disk_full(),
            StorageError::TooManyBuckets { ref names, .. } => {
                let detail = ErrorDetail { field: place_of(names), span: None, message: error.to_string() };
                Self::new(ErrorKind::TooLarge, error.to_string()).with_detail(detail)
            }
            StorageError::TooMuchMemory { .. } | StorageError::TooManyTuples { .. } => {
                Self::new(ErrorKind::TooLarge, error.to_string())
            }
            StorageError::Busy { .. } => {
                Self::new(ErrorKind::Unavailable, error.to_string()).with_retry_after_s(BUSY_RETRY_AFTER_S)
            }
            StorageError::TimedOut(_) => Self::new(ErrorKind::TimedOut, error.to_string()),
            StorageError::AskerLeft | StorageError::Stopped => Self::new(ErrorKind::Unavailable, error.to_string()),
            // Callers are told: what does not need the part still works, and an administrator can mend it.
            StorageError::UnreadablePart(message) => Self::new(
                ErrorKind::Unavailable,
                format!("{message}; ask about another time or log type, or set the part aside with `vigie scrub`"),
            )
            .with_retry_after_s(UNREADABLE_RETRY_AFTER_S),
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
