//! Settings of the engine.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use vigie_domain::Timestamp;

use crate::care::LifecyclePolicy;
use crate::chunk::COLUMNS_MAX;
use crate::files::{self, SharedFiles};
use crate::scan::MemoryBounds;

/// Called once when the log could not be synced: what reached the disk is unknown, so the process must end.
pub type FatalHandler = Arc<dyn Fn(&str) + Send + Sync>;

/// Says what time it is.
pub type EngineClock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Settings of the engine, with the defaults of `config/vigie.toml`.
#[derive(Clone)]
pub struct EngineOptions {
    /// Folder of everything that the engine keeps.
    pub folder: PathBuf,
    /// The file system it lies on.
    pub files: SharedFiles,
    /// Size at which the memory table is written to parts.
    pub flush_bytes: usize,
    /// Age at which it is.
    pub flush_interval: Duration,
    /// Size at which a log segment is closed and the next begun, in bytes: bounds the memory of a replay.
    pub segment_bytes_max: u64,
    /// Columns beside those of the mapping that an index may have; what exceeds them is kept in the overflow column.
    pub fields_max: usize,
    /// Free disk space below which events are refused, in bytes.
    pub free_bytes_min: u64,
    /// Parts of one day and log type that are merged into one.
    pub merge_fan_in: usize,
    /// Parts with more rows are not merged again.
    pub merge_rows_max: u64,
    /// How long no event of a day and log type may have come before its parts become one; `None`: they stay.
    pub gather_after: Option<Duration>,
    /// How long a question may take; `None`: as long as it takes.
    pub query_timeout: Option<Duration>,
    /// What questions may hold in memory.
    pub query_memory: MemoryBounds,
    /// Bytes of what was counted of parts that are kept; 0: nothing is.
    pub kept_bytes_max: usize,
    /// What becomes of indices as they age.
    pub lifecycle: LifecyclePolicy,
    /// What time it is; as long as none is given, nothing ages.
    pub clock: EngineClock,
    /// What to do when the log cannot be synced.
    pub on_fatal: FatalHandler,
}

impl EngineOptions {
    /// The defaults, for this folder.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            files: files::os(),
            flush_bytes: 88 * 1024 * 1024,
            flush_interval: Duration::from_secs(60),
            segment_bytes_max: 64 * 1024 * 1024,
            fields_max: COLUMNS_MAX,
            free_bytes_min: 256 * 1024 * 1024,
            merge_fan_in: 8,
            merge_rows_max: 2_000_000,
            gather_after: None,
            query_timeout: Some(Duration::from_secs(30)),
            query_memory: MemoryBounds { one_bytes_max: 96 * 1024 * 1024, all_bytes_max: 128 * 1024 * 1024 },
            kept_bytes_max: 24 * 1024 * 1024,
            lifecycle: LifecyclePolicy::default(),
            clock: Arc::new(|| Timestamp::MIN),
            on_fatal: Arc::new(|_| {}),
        }
    }
}
