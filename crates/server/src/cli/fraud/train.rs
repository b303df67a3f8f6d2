//! `vigie fraud train`: a model of labelled events, and how it was judged.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use clap::Args;
use vigie_app::fraud::PastEvents;
use vigie_domain::TimeRange;
use vigie_fraud::Settings as TrainingSettings;
use vigie_fraud::learning::{Learner, Lessons, Quality, TrainingReport};

use super::source::SourceArguments;
use crate::cli::{Console, Failure, Outcome};
use crate::config::Settings;

pub(super) const EXAMPLES: &str = "\
A model learns from the older four fifths of the payments, with the labels that were known when the rest begins, and is judged by the
rest. A payment is a fraud when its field \"label.attack\" names an attack; that is known --label-delay-days after it was made.
The learner \"tails\" looks at no label: it learns what is usual, and labels only say how good it is.

Examples:
  vigie fraud train --demo
  vigie fraud train --demo --learner tails
  vigie fraud train shop.ndjson --out model.json";

/// What to learn from.
#[derive(Debug, Args)]
pub(super) struct TrainArguments {
    #[command(flatten)]
    source: SourceArguments,
    /// How it learns: trees (of labels) or tails (without).
    #[arg(long, value_name = "NAME", default_value = "trees", value_parser = learner)]
    learner: Learner,
    /// Days after which a fraud is known as one.
    #[arg(long, value_name = "N", default_value_t = 2)]
    label_delay_days: u32,
    /// Write the model to this file, as JSON.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Write the report as JSON.
    #[arg(long)]
    json: bool,
}

fn learner(name: &str) -> Result<Learner, String> {
    Learner::named(name).ok_or_else(|| "choose trees or tails".to_owned())
}

pub(super) fn run(
    arguments: &TrainArguments,
    settings: &Settings,
    console: &mut Console<'_>,
) -> Result<Outcome, Failure> {
    let rules = Arc::new(super::builtin_rules(settings)?);
    let lessons = Lessons::new(rules, TimeRange::ALL, settings.fraud.bounds());
    let mut past = PastEvents::new(lessons, arguments.label_delay_days);
    arguments.source.for_each(|events| past.take(events))?;
    let started = Instant::now();
    let trained = past.into_witness().train(arguments.learner, &TrainingSettings::default());
    let trained = trained.map_err(|error| Failure::failed(error.to_string()))?;
    if let Some(path) = &arguments.out {
        let text = trained.model.to_json().map_err(|error| Failure::failed(error.to_string()))?;
        let fail =
            |error: std::io::Error| Failure::failed(format!("\"{}\" cannot be written: {error}", path.display()));
        std::fs::write(path, text).map_err(fail)?;
    }
    if arguments.json {
        let text = serde_json::to_string(&trained.report).map_err(|error| Failure::failed(error.to_string()))?;
        console.line(&text)?;
    } else {
        table(&trained.report, console)?;
        console.line(&format!("trained in {:.1} s", started.elapsed().as_secs_f64()))?;
    }
    Ok(Outcome::Done)
}

fn table(report: &TrainingReport, console: &mut Console<'_>) -> Result<(), Failure> {
    console.line(&format!(
        "learnt from {} payments, {} of them known as fraud; judged by {} since {}, {} of them fraud",
        report.training_count,
        report.training_fraud_count,
        report.test_count,
        report.test_from,
        report.test_fraud_count
    ))?;
    console.line(&format!("{:<8} {:>8} {:>18} {:>22}", "", "AUC", "average precision", "card precision at 100"))?;
    for (name, quality) in [("model", report.model), ("rules", report.rules)] {
        let Some(quality) = quality else {
            console.line(&format!("{name:<8} no payment of the test is labelled as fraud"))?;
            continue;
        };
        let Quality { area_under_roc, average_precision, card_precision } = quality;
        console.line(&format!("{name:<8} {area_under_roc:>8.3} {average_precision:>18.3} {card_precision:>22.3}"))?;
    }
    console.line(&format!(
        "the model flags {} payments of the test, {} of them fraud",
        report.flagged_count, report.flagged_fraud_count
    ))?;
    for (signal, weight) in &report.weights {
        console.line(&format!("  {signal:<32} {weight:.3}"))?;
    }
    Ok(())
}
