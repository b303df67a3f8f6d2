//! Rules tried on the payments of the past, before they are put in force.

use std::sync::Arc;

use vigie_domain::ports::{LogStore, MetadataStore};
use vigie_domain::{Error, Result, TimeRange};
use vigie_fraud::backtest::{Backtest, BacktestReport, Trial};
use vigie_fraud::rules::{RuleDefinition, RuleError};

use super::FraudDetection;
use super::jobs::{JobStatus, Jobs};
use super::past::shown;
use super::rule_book::refused;

/// Rules tried at once at most.
const DRAFTS_MAX: usize = 50;

/// A backtest as it is at this moment.
pub type BacktestStatus = JobStatus<BacktestReport>;

/// Tries rules on the payments of the past.
pub struct Backtests {
    logs: Arc<dyn LogStore>,
    metadata: Arc<dyn MetadataStore>,
    detection: Arc<FraudDetection>,
    jobs: Jobs<BacktestReport>,
}

impl Backtests {
    /// Over these stores, beside the rules of this detection.
    pub fn new((logs, metadata): (Arc<dyn LogStore>, Arc<dyn MetadataStore>), detection: Arc<FraudDetection>) -> Self {
        Self { logs, metadata, detection, jobs: Jobs::new("backtest") }
    }

    /// Begins to try rules on the payments of a range.
    ///
    /// # Errors
    /// `Invalid` when a rule is wrong, there is none or too many; `Throttled` when another backtest is under way.
    pub fn begin(&self, drafts: Vec<RuleDefinition>, range: TimeRange) -> Result<BacktestStatus> {
        if drafts.is_empty() || drafts.len() > DRAFTS_MAX {
            let words = format!("{} rules: send 1 to {DRAFTS_MAX}", drafts.len());
            return Err(Error::invalid_field("rules", words));
        }
        let backtest = self.prepared(drafts, range)?;
        let (logs, metadata) = (Arc::clone(&self.logs), Arc::clone(&self.metadata));
        self.jobs.begin(range, |progress| async move {
            let stores = (logs.as_ref(), metadata.as_ref());
            Ok(shown(backtest, stores, range, &progress).await?.into_report())
        })
    }

    /// How far a backtest is.
    ///
    /// # Errors
    /// `NotFound` when there is none of that id.
    pub fn get(&self, id: &str) -> Result<BacktestStatus> {
        self.jobs.get(id)
    }

    /// Gives a backtest up; one that has ended stays as it is.
    ///
    /// # Errors
    /// `NotFound` when there is none of that id.
    pub fn cancel(&self, id: &str) -> Result<BacktestStatus> {
        self.jobs.cancel(id)
    }

    fn prepared(&self, drafts: Vec<RuleDefinition>, range: TimeRange) -> Result<Backtest> {
        let state = self.detection.state();
        let rules = state.scorer.rules();
        let trial = Trial {
            in_force: rules.definitions().cloned().collect(),
            drafts,
            lists: Arc::clone(state.scorer.lists()),
            thresholds: rules.thresholds(),
            range,
        };
        Backtest::new(trial, self.detection.settings.bounds).map_err(|error: RuleError| refused(&error))
    }
}
