//! Rules tried on the past, as JSON.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vigie_app::fraud::{BacktestStatus, JobState};
use vigie_domain::{Result, TimeRange, Timestamp};
use vigie_fraud::backtest::{BacktestReport, DecisionCounts, Money, RuleTrial, Tally};
use vigie_fraud::rules::RuleDefinition;

use super::analytics::AmountView;
use super::fraud_rules::{action_named, mode_named};

/// Rules to try.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BacktestRequest {
    /// 1 to 50 of them; one with the name of a rule in force takes its place.
    pub rules: Vec<DraftRequest>,
    /// First instant of the payments that are judged: RFC 3339 or such as `now-30d`; 30 days ago when left out.
    #[schema(example = "now-30d")]
    pub from: Option<String>,
    /// First instant past them; now when left out.
    pub to: Option<String>,
}

/// A rule to try.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DraftRequest {
    /// What it is called.
    pub name: String,
    /// When it fires, in CEL over the signals of `GET /api/fraud/signals`.
    #[schema(example = "transaction.amount > 500.0 && user.count_24h == 1")]
    pub expression: String,
    /// What it adds to the score, 0 to 100.
    pub points: u8,
    /// `review`, `allow` or `block` when it is obeyed whatever the points say; by its points alone when left out.
    pub action: Option<String>,
    /// `active` when left out, `shadow` or `off`.
    pub mode: Option<String>,
}

impl DraftRequest {
    /// The rule.
    ///
    /// # Errors
    /// `Invalid` when there is no such mode or action.
    pub fn into_rule(self) -> Result<RuleDefinition> {
        let mode = mode_named(self.mode.as_deref().unwrap_or("active"))?;
        let action = action_named(self.action.as_deref())?;
        Ok(RuleDefinition { mode, action, ..RuleDefinition::draft(&self.name, &self.expression, self.points) })
    }
}

/// A backtest as it is at this moment.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FraudBacktest)]
pub struct BacktestView {
    /// Names it.
    pub id: String,
    /// `running`, `done`, `failed` or `cancelled`.
    pub state: &'static str,
    /// How far it is.
    pub progress: ProgressView,
    /// Why it failed.
    pub error: Option<String>,
    /// What came of it, once it is done.
    pub report: Option<BacktestReportView>,
}

/// How far a backtest is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FraudBacktestProgress)]
pub struct ProgressView {
    /// Events read.
    pub read: u64,
    /// Events to read: those of 37 days before the range as well, which windows look back at. 0 until they are counted.
    pub total: u64,
}

/// What rules would have done.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FraudBacktestReport)]
pub struct BacktestReportView {
    /// First instant of the payments.
    #[schema(format = DateTime)]
    pub from: String,
    /// First instant past them.
    #[schema(format = DateTime)]
    pub to: String,
    /// Payments that were judged.
    pub payment_count: u64,
    /// Those that are labelled as fraud.
    pub fraud_count: u64,
    /// The rules that were tried, as they were sent.
    pub rules: Vec<RuleTrialView>,
    /// What is done with the payments by the rules in force.
    pub decisions_before: DecisionCountsView,
    /// And with those that were tried beside or in place of them.
    pub decisions_after: DecisionCountsView,
    /// Rules that failed for some payment, and why.
    pub failures: BTreeMap<String, String>,
}

/// Payments by what is done with them.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FraudDecisionCounts)]
pub struct DecisionCountsView {
    /// They go through.
    pub allow: u64,
    /// Somebody looks at them.
    pub review: u64,
    /// They are refused.
    pub block: u64,
}

/// What one rule would have done.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FraudRuleTrial)]
pub struct RuleTrialView {
    /// The rule.
    pub name: String,
    /// `active`, `shadow` or `off`.
    pub mode: &'static str,
    /// Payments that it hit.
    pub hit_count: u64,
    /// Those of them that are labelled as fraud.
    pub fraud_hit_count: u64,
    /// The share of hits that is labelled as fraud; null without a hit.
    pub precision: Option<f64>,
    /// The share of frauds that it hit; null without a fraud.
    pub recall: Option<f64>,
    /// Money of frauds that it hit and that would not have gone through.
    pub money_saved: Vec<AmountView>,
    /// Money of other payments that it hit and that would not have gone through.
    pub good_money_blocked: Vec<AmountView>,
    /// The same by week, Monday first, UTC.
    pub weeks: Vec<TrialWeekView>,
    /// Rules that hit payments that this one hit, the most first.
    pub overlaps: Vec<OverlapView>,
}

/// What one rule would have done in one week.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FraudTrialWeek)]
pub struct TrialWeekView {
    /// Its Monday.
    #[schema(format = DateTime)]
    pub from: String,
    /// Payments that the rule hit.
    pub hit_count: u64,
    /// Those of them that are labelled as fraud.
    pub fraud_hit_count: u64,
    /// Money of frauds that would not have gone through.
    pub money_saved: Vec<AmountView>,
    /// Money of other payments that would not have gone through.
    pub good_money_blocked: Vec<AmountView>,
}

/// What two rules hit both.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FraudOverlap)]
pub struct OverlapView {
    /// The other rule.
    pub rule: String,
    /// Payments that both hit.
    pub hit_count: u64,
}

impl From<BacktestStatus> for BacktestView {
    fn from(status: BacktestStatus) -> Self {
        let (state, error, report) = match status.state {
            JobState::Running => ("running", None, None),
            JobState::Done(report) => ("done", None, Some(BacktestReportView::new(status.range, &report))),
            JobState::Failed(error) => ("failed", Some(error.message), None),
            JobState::Cancelled => ("cancelled", None, None),
        };
        let progress = ProgressView { read: status.read_count, total: status.total_count };
        Self { id: status.id, state, progress, error, report }
    }
}

impl BacktestReportView {
    /// What came of it.
    pub fn new(range: TimeRange, report: &BacktestReport) -> Self {
        Self {
            from: range.from.to_string(),
            to: range.to.to_string(),
            payment_count: report.payment_count,
            fraud_count: report.fraud_count,
            rules: report.rules.iter().map(|trial| RuleTrialView::new(trial, report.fraud_count)).collect(),
            decisions_before: report.before.into(),
            decisions_after: report.after.into(),
            failures: report.failures.clone(),
        }
    }
}

impl RuleTrialView {
    fn new(trial: &RuleTrial, fraud_count: u64) -> Self {
        let total = &trial.total;
        let overlap = |(rule, hit_count): &(String, u64)| OverlapView { rule: rule.clone(), hit_count: *hit_count };
        Self {
            name: trial.name.clone(),
            mode: trial.mode.as_str(),
            hit_count: total.hit_count,
            fraud_hit_count: total.fraud_hit_count,
            precision: total.precision(),
            recall: (fraud_count > 0).then(|| total.fraud_hit_count as f64 / fraud_count as f64),
            money_saved: sums(&total.money_saved),
            good_money_blocked: sums(&total.good_money_blocked),
            weeks: trial.weeks.iter().map(|(from, tally)| week(*from, tally)).collect(),
            overlaps: trial.overlaps.iter().map(overlap).collect(),
        }
    }
}

fn week(from: Timestamp, tally: &Tally) -> TrialWeekView {
    TrialWeekView {
        from: from.to_string(),
        hit_count: tally.hit_count,
        fraud_hit_count: tally.fraud_hit_count,
        money_saved: sums(&tally.money_saved),
        good_money_blocked: sums(&tally.good_money_blocked),
    }
}

/// Sums of money.
pub(super) fn sums(money: &Money) -> Vec<AmountView> {
    money.sums().map(|(currency, amount)| AmountView { currency: currency.to_owned(), amount }).collect()
}

impl From<DecisionCounts> for DecisionCountsView {
    fn from(counts: DecisionCounts) -> Self {
        let DecisionCounts { allow, review, block } = counts;
        Self { allow, review, block }
    }
}
