//! What is fuzzed: one target per parser of outside bytes, and inputs to begin with.
//!
//! A target is a function of bytes that panics when something that must hold does not. libFuzzer calls it (`fuzz/`), and so
//! does a test on every change (`tests/smoke`). It knows no clock and reads no file.

mod seeds;
mod stored;
pub mod targets;
mod wire;

pub use seeds::SeedError;

use seeds::Seeds;

/// One parser, as it is fuzzed.
pub struct Target {
    /// Its name: that of the file in `fuzz/fuzz_targets`.
    pub name: &'static str,
    /// Gives it bytes.
    ///
    /// # Panics
    /// When something that must hold does not.
    pub run: fn(&[u8]),
    seeds: fn() -> Result<Seeds, SeedError>,
}

impl Target {
    /// Valid inputs, small, for changes to begin with.
    ///
    /// # Errors
    /// When one that the store makes could not be made.
    pub fn seeds(&self) -> Result<Seeds, SeedError> {
        (self.seeds)()
    }
}

/// A target with the inputs of the same name.
macro_rules! target {
    ($name:ident) => {
        Target { name: stringify!($name), run: targets::$name, seeds: seeds::$name }
    };
}

/// Every target.
pub const TARGETS: &[Target] = &[
    target!(access_log),
    target!(bulk),
    target!(cef),
    target!(codes_page),
    target!(csv),
    target!(detect),
    target!(dictionary),
    target!(forward),
    target!(framing),
    target!(fraud_list),
    target!(fraud_rule),
    target!(gelf),
    target!(hec),
    target!(journal_entry),
    target!(json),
    target!(json_array),
    target!(lines),
    target!(log4j),
    target!(log_record),
    target!(logfmt),
    target!(logstash),
    target!(loki),
    target!(lumberjack),
    target!(manifest),
    target!(ndjson),
    target!(nginx_error),
    target!(otlp),
    target!(parquet),
    target!(part_index),
    target!(pipeline),
    target!(plain),
    target!(query),
    target!(redact),
    target!(search_body),
    target!(sql),
    target!(spool_record),
    target!(syslog),
    target!(tail_request),
    target!(tsv),
    target!(w3c),
    target!(xgboost_model),
];
