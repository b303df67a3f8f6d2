//! `vigie fraud`: what the rules are worth, measured on events that say which of them are attacks.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, Subcommand};
use serde_json::json;
use vigie_app::fraud::{Evaluation, EvaluationReport};
use vigie_domain::Timestamp;
use vigie_domain::fraud::features::Bounds;
use vigie_domain::time::{NANOS_PER_SECOND, parse_expression};
use vigie_fraud::rules::{BUILTIN_RULES, Builtin, RuleSet, Thresholds};
use vigie_generator::ShopOptions;
use vigie_pipeline::{DecodeOptions, Redactor, decode_bytes};

use super::{Console, Failure, Outcome};
use crate::config::Settings;
use crate::wire;

const EXAMPLES: &str = "\
An event belongs to an attack when its field \"label.attack\" names one, as those of \"vigie generate\" do. Events are judged
in the order in which they come; the labels are not looked at until all are.

Recall is the share of attacks of a kind with a payment that was flagged: what one device did is one attack. Precision is the share
of attacks among all payments whose heaviest reason is the one that most payments of the kind were flagged for.

Examples:
  vigie fraud evaluate --demo
  vigie fraud evaluate --demo --seed 4711 --events 2000000 --hours 720
  vigie fraud evaluate shop.ndjson --json";

/// Bytes that are decoded at once.
const BATCH_BYTES: usize = 4 * 1024 * 1024;
/// The key of a redactor that stores nothing: hashes of cards need only be equal within one run.
const EVALUATION_KEY: [u8; 32] = [0; 32];

/// What about fraud detection.
#[derive(Debug, Args)]
pub(super) struct FraudArguments {
    #[command(subcommand)]
    action: FraudAction,
}

#[derive(Debug, Subcommand)]
enum FraudAction {
    /// Judge labelled events and say which attacks were found.
    #[command(after_help = EXAMPLES)]
    Evaluate(EvaluateArguments),
}

/// What to judge.
#[derive(Debug, Args)]
struct EvaluateArguments {
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
    /// Write the report as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(
    arguments: &FraudArguments,
    settings: &Settings,
    console: &mut Console<'_>,
) -> Result<Outcome, Failure> {
    let FraudAction::Evaluate(arguments) = &arguments.action;
    let mut judging = Judging::new(settings)?;
    match &arguments.file {
        Some(path) => judging.file(path)?,
        None => judging.demo(arguments)?,
    }
    let report = judging.evaluation.report();
    if report.kinds.is_empty() {
        return Err(Failure::failed(
            "no payment says that it belongs to an attack: give them the field \"label.attack\"",
        ));
    }
    if arguments.json {
        console.line(&as_json(&report))?;
    } else {
        table(&report, console)?;
    }
    Ok(Outcome::Done)
}

/// Events on their way to be judged.
struct Judging {
    evaluation: Evaluation,
    decode: DecodeOptions,
}

impl Judging {
    fn new(settings: &Settings) -> Result<Self, Failure> {
        let fraud = &settings.fraud;
        let thresholds = Thresholds { review_score: fraud.review_score, block_score: fraud.block_score };
        let definitions = BUILTIN_RULES.iter().map(Builtin::definition).collect();
        let rules = RuleSet::new(definitions, thresholds).map_err(|error| Failure::failed(error.to_string()))?;
        let redactor = Redactor::new(&EVALUATION_KEY).map_err(|error| Failure::failed(error.to_string()))?;
        let bounds = Bounds { keys_max: fraud.keys_max, kept_max: fraud.kept_max };
        let mut decode = DecodeOptions::new(wire::clock()(), Arc::new(redactor));
        decode.window = None;
        Ok(Self { evaluation: Evaluation::new(Arc::new(rules), bounds), decode })
    }

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
                self.judge(&batch)?;
                batch.clear();
            }
            if is_end {
                return Ok(());
            }
        }
    }

    fn demo(&mut self, arguments: &EvaluateArguments) -> Result<(), Failure> {
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
                self.judge(&batch)?;
                batch.clear();
            }
        }
        self.judge(&batch)
    }

    fn judge(&mut self, batch: &[u8]) -> Result<(), Failure> {
        if batch.trim_ascii().is_empty() {
            return Ok(());
        }
        let decoded = decode_bytes(batch, &self.decode).map_err(|error| Failure::failed(error.to_string()))?;
        self.evaluation.take(&decoded.events);
        Ok(())
    }
}

fn as_json(report: &EvaluationReport) -> String {
    let kind = |(name, kind): (&String, &vigie_app::fraud::KindReport)| {
        json!({
            "attack": name, "attacks": kind.attack_count, "found": kind.found_count, "recall": kind.recall(),
            "precision": report.precision_of(name), "payments": kind.payment_count, "payments_flagged": kind.flagged_count,
        })
    };
    json!({
        "attacks": report.kinds.iter().map(kind).collect::<Vec<_>>(),
        "clean_payments": report.clean_count,
        "clean_payments_flagged": report.clean_flagged_count,
        "clean_payments_by_rule": report.clean_by_rule,
    })
    .to_string()
}

fn table(report: &EvaluationReport, console: &mut Console<'_>) -> Result<(), Failure> {
    console.line(&format!(
        "{:<24} {:>8} {:>8} {:>8} {:>10} {:>10} {:>9}",
        "attack", "attacks", "found", "recall", "precision", "payments", "flagged"
    ))?;
    for (name, kind) in &report.kinds {
        console.line(&format!(
            "{name:<24} {:>8} {:>8} {:>8.2} {:>10.2} {:>10} {:>9}",
            kind.attack_count,
            kind.found_count,
            kind.recall(),
            report.precision_of(name),
            kind.payment_count,
            kind.flagged_count
        ))?;
    }
    console.line(&format!(
        "\n{} of {} payments of no attack were flagged ({:.2} %)",
        report.clean_flagged_count,
        report.clean_count,
        100.0 * report.false_alert_share()
    ))?;
    Ok(())
}
