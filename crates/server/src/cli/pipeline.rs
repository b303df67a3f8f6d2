//! `vigie pipeline`: what the stages of a pipeline would do, shown before it is in force; and pipelines made of others'.

mod logstash;

use std::io::Read;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use vigie_app::pipelines::{TESTED_BYTES_MAX, TESTED_RECORDS_MAX};
use vigie_domain::{Object, Value};
use vigie_pipeline::{PIPELINE_BYTES_MAX, TraceStep, TracedRecord};

use super::output::printable;
use super::{Console, Failure, Outcome};
use crate::config::Settings;
use crate::wire;

const EXAMPLES: &str = "\
Without --input, the pipeline is only checked. The first 100 records of the input are looked at; nothing is stored.

Examples:
  vigie pipeline test default.toml
  vigie pipeline test default.toml --input access.log
  tail -n 5 app.log | vigie pipeline test default.toml --input -
  vigie pipeline import logstash.conf --out default.toml";

/// What about pipelines.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct PipelineArguments {
    #[command(subcommand)]
    action: PipelineAction,
}

#[derive(Debug, Subcommand)]
enum PipelineAction {
    /// Check a pipeline, and show what each of its stages does with records.
    #[command(after_help = EXAMPLES)]
    Test {
        /// The pipeline.
        file: PathBuf,
        /// Records to try it on; "-" is standard input.
        #[arg(long, value_name = "LOGFILE")]
        input: Option<PathBuf>,
    },
    /// Make a pipeline of a configuration of Logstash, and say what could not be translated.
    Import(logstash::LogstashArguments),
}

pub(super) fn run(
    arguments: &PipelineArguments,
    settings: &Settings,
    console: &mut Console<'_>,
) -> Result<Outcome, Failure> {
    let (file, input) = match &arguments.action {
        PipelineAction::Test { file, input } => (file, input),
        PipelineAction::Import(arguments) => return logstash::run(arguments, settings, console),
    };
    let pipeline = read(file, PIPELINE_BYTES_MAX)?;
    let lines = match input {
        None => String::new(),
        Some(path) => beginning(path)?,
    };
    let records = wire::pipelines(settings).test(&pipeline, &lines, wire::clock()())?;
    if input.is_none() {
        console.line(&format!("{} can be used", file.display()))?;
    }
    for record in &records {
        show(record, console)?;
    }
    if records.len() == TESTED_RECORDS_MAX {
        console.note(&format!("only the first {TESTED_RECORDS_MAX} records were looked at"))?;
    }
    Ok(Outcome::Done)
}

/// The text of a file of at most so many bytes.
fn read(path: &Path, bytes_max: usize) -> Result<String, Failure> {
    let text = read_up_to(path, bytes_max + 1)?;
    if text.len() > bytes_max {
        return Err(Failure::failed(format!("\"{}\" has more than {bytes_max} bytes", path.display())));
    }
    String::from_utf8(text).map_err(|_| Failure::failed(format!("\"{}\" is no UTF-8; save it as such", path.display())))
}

/// The whole lines at the beginning of a file.
fn beginning(path: &Path) -> Result<String, Failure> {
    let mut bytes = read_up_to(path, TESTED_BYTES_MAX)?;
    if bytes.len() == TESTED_BYTES_MAX
        && let Some(end) = bytes.iter().rposition(|byte| *byte == b'\n')
    {
        bytes.truncate(end + 1);
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn read_up_to(path: &Path, bytes_max: usize) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let bound = bytes_max as u64;
    let read = if path == Path::new("-") {
        std::io::stdin().lock().take(bound).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(bound).read_to_end(&mut bytes))
    };
    read.map_err(|error| Failure::failed(format!("\"{}\" cannot be read: {error}", path.display())))?;
    Ok(bytes)
}

fn show(record: &TracedRecord, console: &mut Console<'_>) -> std::io::Result<()> {
    console.line(&format!("line {}: {}", record.line, printable(record.raw.trim_end())))?;
    for step in &record.steps {
        show_step(step, console)?;
    }
    for refusal in &record.refusals {
        console.line(&format!("  refused: {}", printable(refusal)))?;
    }
    for event in &record.events {
        console.line(&format!("  stored: {}", json(&event.body)))?;
    }
    if record.events.is_empty() && record.refusals.is_empty() {
        console.line("  dropped")?;
    }
    Ok(())
}

fn show_step(step: &TraceStep, console: &mut Console<'_>) -> std::io::Result<()> {
    console.line(&format!("  {}. {}: {}", step.stage, step.kind, step.did))?;
    if matches!(step.did, "skipped" | "unchanged") {
        return Ok(());
    }
    console.line(&format!("     before {}", json(&step.before)))?;
    step.after.iter().try_for_each(|after| console.line(&format!("     after  {}", json(after))))
}

fn json(body: &Object) -> String {
    printable(&serde_json::to_string(&Value::Object(body.clone())).unwrap_or_default())
}
