//! `vigie fraud train`: a model of labelled events, and how it was judged.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use clap::Args;
use vigie_app::fraud::PastEvents;
use vigie_domain::TimeRange;
use vigie_fraud::learning::{Learner, Lessons, Quality, TrainingReport};
use vigie_fraud::{Imported, Settings as TrainingSettings, import_xgboost};

use super::source::SourceArguments;
use crate::cli::{Console, Failure, Outcome};
use crate::config::Settings;

pub(super) const EXAMPLES: &str = "\
A model learns from the older four fifths of the payments, with the labels that were known when the rest begins, and is judged by the
rest. A payment is a fraud when its field \"label.attack\" names an attack; that is known --label-delay-days after it was made.
The learner \"tails\" looks at no label: it learns what is usual, and labels only say how good it is.

To learn elsewhere, write what is learnt from with --signals, train a classifier of XGBoost (\"binary:logistic\", \"gbtree\") whose features are
the columns behind the first two, save it with save_model(\"model.json\"), and have it judged with --xgboost.

Examples:
  vigie fraud train --demo
  vigie fraud train --demo --learner tails
  vigie fraud train shop.ndjson --out model.json
  vigie fraud train shop.ndjson --signals signals.csv
  vigie fraud train shop.ndjson --xgboost model.json";

/// Lines of signals that are made at once.
const LINES_AT_ONCE: usize = 10_000;

/// What to learn from.
#[derive(Debug, Args)]
pub(super) struct TrainArguments {
    #[command(flatten)]
    source: SourceArguments,
    /// How it learns: trees (of labels) or tails (without).
    #[arg(long, value_name = "NAME", default_value = "trees", value_parser = learner)]
    learner: Learner,
    /// Judge this model of XGBoost, as JSON, instead of training one.
    #[arg(long, value_name = "FILE", conflicts_with = "learner")]
    xgboost: Option<PathBuf>,
    /// Write what models learn from to this file, as CSV, and train none.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["learner", "xgboost", "out", "json"])]
    signals: Option<PathBuf>,
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
    let imported = arguments.xgboost.as_deref().map(imported).transpose()?;
    let rules = Arc::new(super::builtin_rules(settings)?);
    let lessons = Lessons::new(rules, TimeRange::ALL, settings.fraud.bounds());
    let mut past = PastEvents::new(lessons, arguments.label_delay_days);
    arguments.source.for_each(|events| past.take(events))?;
    let lessons = past.into_witness();
    if let Some(path) = &arguments.signals {
        let count = write_signals(&lessons, path)?;
        console.line(&format!("{count} payments with their signals are in {}", path.display()))?;
        return Ok(Outcome::Done);
    }
    let started = Instant::now();
    let trained = match imported {
        Some(imported) => lessons.judge(imported),
        None => lessons.train(arguments.learner, &TrainingSettings::default()),
    };
    let trained = trained.map_err(|error| Failure::failed(error.to_string()))?;
    if let Some(path) = &arguments.out {
        let text = trained.model.to_json().map_err(|error| Failure::failed(error.to_string()))?;
        std::fs::write(path, text).map_err(|error| unwritable(path, &error))?;
    }
    if arguments.json {
        let text = serde_json::to_string(&trained.report).map_err(|error| Failure::failed(error.to_string()))?;
        console.line(&text)?;
    } else {
        table(&trained.report, console)?;
        let did = if arguments.xgboost.is_some() { "judged" } else { "trained" };
        console.line(&format!("{did} in {:.1} s", started.elapsed().as_secs_f64()))?;
    }
    Ok(Outcome::Done)
}

fn imported(path: &Path) -> Result<Imported, Failure> {
    let text = std::fs::read(path)
        .map_err(|error| Failure::failed(format!("\"{}\" cannot be read: {error}", path.display())))?;
    import_xgboost(&text).map_err(|error| Failure::failed(format!("\"{}\": {error}", path.display())))
}

/// How many payments were written.
fn write_signals(lessons: &Lessons, path: &Path) -> Result<usize, Failure> {
    lessons.check().map_err(|error| Failure::failed(error.to_string()))?;
    let write = || {
        let mut file = BufWriter::new(File::create(path)?);
        let mut count = 0;
        for piece in (0..).map_while(|number| lessons.csv_lines(number * LINES_AT_ONCE, LINES_AT_ONCE)) {
            count += piece.lines().count();
            file.write_all(piece.as_bytes())?;
        }
        file.flush()?;
        // The first line is of names.
        Ok(count - 1)
    };
    write().map_err(|error| unwritable(path, &error))
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::failed(format!("\"{}\" cannot be written: {error}", path.display()))
}

fn table(report: &TrainingReport, console: &mut Console<'_>) -> Result<(), Failure> {
    let learnt = match report.learner {
        Learner::Imported => "learnt elsewhere".to_owned(),
        Learner::Trees | Learner::Tails => {
            let TrainingReport { training_count, training_fraud_count, .. } = report;
            format!("learnt from {training_count} payments, {training_fraud_count} of them known as fraud")
        }
    };
    let TrainingReport { test_count, test_from, test_fraud_count, .. } = report;
    console.line(&format!("{learnt}; judged by {test_count} since {test_from}, {test_fraud_count} of them fraud"))?;
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
