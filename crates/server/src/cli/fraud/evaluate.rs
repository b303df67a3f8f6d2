//! `vigie fraud evaluate`: which attacks the rules find.

use std::sync::Arc;

use clap::Args;
use serde_json::json;
use vigie_app::fraud::{Evaluation, EvaluationReport};

use super::source::SourceArguments;
use crate::cli::{Console, Failure, Outcome};
use crate::config::Settings;

pub(super) const EXAMPLES: &str = "\
An event belongs to an attack when its field \"label.attack\" names one, as those of \"vigie generate\" do. Events are judged
in the order in which they come; the labels are not looked at until all are.

Recall is the share of attacks of a kind with a payment that was flagged: what one device did is one attack. Precision is the share
of attacks among all payments whose heaviest reason is the one that most payments of the kind were flagged for.

Examples:
  vigie fraud evaluate --demo
  vigie fraud evaluate --demo --seed 4711 --events 2000000 --hours 720
  vigie fraud evaluate shop.ndjson --json";

/// What to judge.
#[derive(Debug, Args)]
pub(super) struct EvaluateArguments {
    #[command(flatten)]
    source: SourceArguments,
    /// Write the report as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(
    arguments: &EvaluateArguments,
    settings: &Settings,
    console: &mut Console<'_>,
) -> Result<Outcome, Failure> {
    let mut evaluation = Evaluation::new(Arc::new(super::builtin_rules(settings)?), settings.fraud.bounds());
    arguments.source.for_each(|events| evaluation.take(events))?;
    let report = evaluation.report();
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
