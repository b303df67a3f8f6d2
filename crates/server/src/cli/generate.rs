//! `vigie generate`: the events of a generated shop, one JSON object per line.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use clap::Args;
use vigie_domain::Timestamp;
use vigie_domain::time::{NANOS_PER_SECOND, parse_expression};
use vigie_generator::ShopOptions;

use super::{Console, Failure, Outcome};
use crate::wire;

const EXAMPLES: &str = "\
The same seed, number, hours and end make the same events, byte for byte.

Examples:
  vigie generate --events 10000 --seed 7 --out shop.ndjson
  vigie generate --events 1000 --seed 1 --until 2026-11-23T00:00:00Z | gzip > shop.ndjson.gz";

/// What to generate.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct GenerateArguments {
    /// How many events.
    #[arg(long, value_name = "N")]
    events: u64,
    /// Seed of the shop.
    #[arg(long, value_name = "S", default_value_t = 7)]
    seed: u64,
    /// Hours over which the events are spread.
    #[arg(long, value_name = "N", default_value_t = 24, value_parser = clap::value_parser!(u32).range(1..))]
    hours: u32,
    /// Instant at which they end [default: now].
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// File to write; without it, standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(super) fn run(arguments: &GenerateArguments, console: &mut Console<'_>) -> Result<Outcome, Failure> {
    let until = until(arguments)?;
    match &arguments.out {
        None => write_events(arguments, until, console.out())?,
        Some(path) => {
            let shown = path.display();
            let fail = |error: std::io::Error| Failure::failed(format!("\"{shown}\" cannot be written: {error}"));
            let mut file = BufWriter::new(File::create(path).map_err(fail)?);
            write_events(arguments, until, &mut file).map_err(fail)?;
            file.into_inner().map_err(|error| fail(error.into_error()))?.sync_all().map_err(fail)?;
            console.note(&format!("{} events written to \"{shown}\"", arguments.events))?;
        }
    }
    Ok(Outcome::Done)
}

fn until(arguments: &GenerateArguments) -> Result<Timestamp, Failure> {
    let now = wire::clock()();
    let Some(text) = &arguments.until else { return Ok(now) };
    parse_expression(text, now).map_err(|error| Failure::misused(error.to_string()))
}

fn write_events(arguments: &GenerateArguments, until: Timestamp, out: &mut dyn Write) -> std::io::Result<()> {
    let length_ns = i64::from(arguments.hours).saturating_mul(3_600 * NANOS_PER_SECOND);
    let from = until.saturating_add_nanos(-length_ns);
    let options = ShopOptions { seed: arguments.seed, from, to: until, events: arguments.events };
    for event in vigie_generator::past(options) {
        writeln!(out, "{}", event.json)?;
    }
    out.flush()
}
