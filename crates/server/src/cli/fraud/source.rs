//! Labelled events that rules and models are measured on: a file, or the generated shop.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use vigie_domain::time::{NANOS_PER_SECOND, parse_expression};
use vigie_domain::{EventBatch, Timestamp};
use vigie_generator::ShopOptions;
use vigie_pipeline::{DecodeOptions, Redactor, decode_bytes};

use crate::cli::Failure;
use crate::wire;

/// Bytes that are decoded at once.
const BATCH_BYTES: usize = 4 * 1024 * 1024;
/// The key of a redactor that stores nothing: hashes of cards need only be equal within one run.
const MEASURING_KEY: [u8; 32] = [0; 32];

/// Which events.
#[derive(Debug, Args)]
pub(super) struct SourceArguments {
    /// Events as lines of JSON, in order of time.
    #[arg(required_unless_present = "demo", conflicts_with = "demo")]
    file: Option<PathBuf>,
    /// The generated shop.
    #[arg(long)]
    demo: bool,
    /// Its seed.
    #[arg(long, value_name = "S", default_value_t = 7, requires = "demo")]
    seed: u64,
    /// How many events it has.
    #[arg(long, value_name = "N", default_value_t = 1_000_000, requires = "demo")]
    events: u64,
    /// Hours over which they are spread.
    #[arg(long, value_name = "N", default_value_t = 720, requires = "demo", value_parser = clap::value_parser!(u32).range(1..))]
    hours: u32,
    /// Instant at which they end [default: now].
    #[arg(long, value_name = "TIME", requires = "demo")]
    until: Option<String>,
}

impl SourceArguments {
    /// Calls `take` with all events, batch by batch, in the order in which they come.
    pub(super) fn for_each(&self, take: impl FnMut(&EventBatch)) -> Result<(), Failure> {
        let redactor = Redactor::new(&MEASURING_KEY).map_err(|error| Failure::failed(error.to_string()))?;
        let mut decode = DecodeOptions::new(wire::clock()(), Arc::new(redactor));
        decode.window = None;
        let mut reading = Reading { decode, take };
        match &self.file {
            Some(path) => reading.file(path),
            None => reading.demo(self),
        }
    }
}

/// Events on their way.
struct Reading<F> {
    decode: DecodeOptions,
    take: F,
}

impl<F: FnMut(&EventBatch)> Reading<F> {
    fn file(&mut self, path: &Path) -> Result<(), Failure> {
        let shown = path.display();
        let fail = |error: std::io::Error| Failure::failed(format!("\"{shown}\" cannot be read: {error}"));
        let mut reader = BufReader::new(File::open(path).map_err(fail)?);
        let (mut batch, mut line) = (Vec::new(), Vec::new());
        loop {
            line.clear();
            let is_end = reader.read_until(b'\n', &mut line).map_err(fail)? == 0;
            batch.extend_from_slice(&line);
            if batch.len() >= BATCH_BYTES || is_end {
                self.give(&batch)?;
                batch.clear();
            }
            if is_end {
                return Ok(());
            }
        }
    }

    fn demo(&mut self, arguments: &SourceArguments) -> Result<(), Failure> {
        let now = wire::clock()();
        let until = match &arguments.until {
            None => now,
            Some(text) => parse_expression(text, now).map_err(|error| Failure::misused(error.to_string()))?,
        };
        let from: Timestamp =
            until.saturating_add_nanos(-i64::from(arguments.hours).saturating_mul(3_600 * NANOS_PER_SECOND));
        let mut batch = Vec::new();
        let options = ShopOptions { seed: arguments.seed, from, to: until, events: arguments.events };
        for event in vigie_generator::past(options) {
            batch.extend_from_slice(event.json.as_bytes());
            batch.push(b'\n');
            if batch.len() >= BATCH_BYTES {
                self.give(&batch)?;
                batch.clear();
            }
        }
        self.give(&batch)
    }

    fn give(&mut self, batch: &[u8]) -> Result<(), Failure> {
        if batch.trim_ascii().is_empty() {
            return Ok(());
        }
        let decoded = decode_bytes(batch, &self.decode).map_err(|error| Failure::failed(error.to_string()))?;
        (self.take)(&decoded.events);
        Ok(())
    }
}
