//! `vigie fraud backtest`: what rules would have done.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use clap::Args;
use vigie_app::fraud::PastEvents;
use vigie_domain::TimeRange;
use vigie_fraud::backtest::{Backtest, BacktestReport, Money, RuleTrial, Trial};
use vigie_fraud::rules::RuleDefinition;

use super::source::SourceArguments;
use crate::cli::{Console, Failure, Outcome};
use crate::config::Settings;
use crate::http::views::fraud_backtest::{BacktestReportView, DraftRequest};

pub(super) const EXAMPLES: &str = "\
Rules are tried beside those that every shop begins with, on events in the order in which they come. A payment is a fraud when its
field \"label.attack\" names an attack; that is known --label-delay-days after it was made.

Examples:
  vigie fraud backtest --demo --rule 'user.count_10m >= 3'
  vigie fraud backtest shop.ndjson --rule 'transaction.amount > 900.0 && account.age_hours < 24.0' --points 60
  vigie fraud backtest shop.ndjson --rules drafts.json --json

The file of --rules holds an array of rules: [{\"name\": …, \"expression\": …, \"points\": 60, \"mode\": \"active\"}].";

/// Name of a rule that is given on the command line.
const DRAFT: &str = "draft";

/// What to try, and on what.
#[derive(Debug, Args)]
pub(super) struct BacktestArguments {
    #[command(flatten)]
    source: SourceArguments,
    /// The rule, in CEL.
    #[arg(long, value_name = "EXPRESSION", required_unless_present = "rules", conflicts_with = "rules")]
    rule: Option<String>,
    /// What it adds to the score.
    #[arg(long, value_name = "N", default_value_t = 50, requires = "rule")]
    points: u8,
    /// A file of rules, as JSON.
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
    /// Days after which a fraud is known as one.
    #[arg(long, value_name = "N", default_value_t = 7)]
    label_delay_days: u32,
    /// Write the report as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(
    arguments: &BacktestArguments,
    settings: &Settings,
    console: &mut Console<'_>,
) -> Result<Outcome, Failure> {
    let rules = super::builtin_rules(settings)?;
    let trial = Trial {
        in_force: rules.definitions().cloned().collect(),
        drafts: drafts(arguments)?,
        lists: Arc::default(),
        thresholds: rules.thresholds(),
        range: TimeRange::ALL,
    };
    let backtest = Backtest::new(trial, settings.fraud.bounds()).map_err(|error| Failure::failed(error.to_string()))?;
    let started = Instant::now();
    let mut past = PastEvents::new(backtest, arguments.label_delay_days);
    arguments.source.for_each(|events| past.take(events))?;
    let report = past.into_witness().into_report();
    if arguments.json {
        let view = BacktestReportView::new(TimeRange::ALL, &report);
        let text = serde_json::to_string(&view).map_err(|error| Failure::failed(error.to_string()))?;
        console.line(&text)?;
    } else {
        table(&report, console)?;
        console.line(&format!("in {:.1} s", started.elapsed().as_secs_f64()))?;
    }
    Ok(Outcome::Done)
}

fn drafts(arguments: &BacktestArguments) -> Result<Vec<RuleDefinition>, Failure> {
    if let Some(expression) = &arguments.rule {
        return Ok(vec![RuleDefinition::draft(DRAFT, expression, arguments.points)]);
    }
    let path = arguments.rules.as_deref().unwrap_or_else(|| Path::new(""));
    let fail = |words: String| Failure::failed(format!("\"{}\": {words}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| fail(error.to_string()))?;
    let drafts: Vec<DraftRequest> = serde_json::from_str(&text).map_err(|error| fail(error.to_string()))?;
    let rules = drafts.into_iter().map(DraftRequest::into_rule).collect::<Result<_, _>>();
    rules.map_err(|error| fail(error.message))
}

fn table(report: &BacktestReport, console: &mut Console<'_>) -> Result<(), Failure> {
    let (payments, frauds) = (report.payment_count, report.fraud_count);
    console.line(&format!("{payments} payments, {frauds} of them fraud"))?;
    for trial in &report.rules {
        rule(trial, frauds, console)?;
    }
    for (name, counts) in [("before", report.before), ("after", report.after)] {
        console.line(&format!(
            "{name:<8} {:>9} allowed {:>9} to review {:>9} blocked",
            counts.allow, counts.review, counts.block
        ))?;
    }
    for (rule, why) in &report.failures {
        console.line(&format!("\"{rule}\" failed: {why}"))?;
    }
    Ok(())
}

fn rule(trial: &RuleTrial, frauds: u64, console: &mut Console<'_>) -> Result<(), Failure> {
    let total = &trial.total;
    let recall = if frauds == 0 { 0.0 } else { total.fraud_hit_count as f64 / frauds as f64 };
    console.line(&format!(
        "\n{} ({}): {} hits, {} frauds, precision {:.2}, recall {recall:.2}",
        trial.name,
        trial.mode.as_str(),
        total.hit_count,
        total.fraud_hit_count,
        total.precision().unwrap_or_default()
    ))?;
    console.line(&format!(
        "  saved {}; good money blocked {}",
        sums(&total.money_saved),
        sums(&total.good_money_blocked)
    ))?;
    for (from, week) in &trial.weeks {
        console.line(&format!("  week of {from}: {} hits, {} frauds", week.hit_count, week.fraud_hit_count))?;
    }
    let overlaps: Vec<String> = trial.overlaps.iter().map(|(rule, count)| format!("{rule} {count}")).collect();
    if !overlaps.is_empty() {
        console.line(&format!("  hit as well by {}", overlaps.join(", ")))?;
    }
    Ok(())
}

fn sums(money: &Money) -> String {
    let sums: Vec<String> = money.sums().map(|(currency, sum)| format!("{sum:.2} {currency}")).collect();
    if sums.is_empty() { "nothing".to_owned() } else { sums.join(", ") }
}
