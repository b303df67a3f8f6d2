//! The embedded log engine: write-ahead log, memory table, Parquet parts, scan, aggregation.
//!
//! What it acknowledges is on disk, file and folder. It knows no HTTP and reads no clock.

pub mod care;
mod chunk;
mod dedup;
mod engine;
mod error;
pub mod files;
mod manifest;
mod memtable;
mod options;
pub mod outside;
mod part;
mod scan;
mod wal;

pub use chunk::Exceeding;
pub use engine::{LogEngine, Snapshot};
pub use options::{EngineClock, EngineOptions, FatalHandler};
pub use scan::{MemoryBounds, ScanNumbers, TableColumn, TableRows, TableScan, TableSession, TableShare, schema_of};
