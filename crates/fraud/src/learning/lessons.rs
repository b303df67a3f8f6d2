//! What a model learns from, and the report on it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use vigie_domain::fraud::features::Bounds;
use vigie_domain::{TimeRange, Timestamp};

use super::{LiveModel, LiveModelError, number, numeric_signals};
use crate::model::ModelError;
use crate::rules::RuleSet;
use crate::stream::{Activity, Field, Key, Replay, SIGNALS, ShopHistory};
use crate::{ScoredPayment, Settings, Table, area_under_roc, average_precision, card_precision, train};

/// Payments at most: a signal of each takes eight bytes, twice while a model learns.
const PAYMENTS_MAX: usize = 300_000;
/// Labelled frauds that are needed to learn from, and to be judged by.
const TRAINING_FRAUDS_MIN: usize = 20;
const TEST_FRAUDS_MIN: usize = 5;
/// The share of payments, the oldest, that is learnt from.
const TRAINING_SHARE: f64 = 0.8;
/// The least share of payments that the model has somebody look at: where frauds are more, as many as they are.
const REVIEW_SHARE_MIN: f64 = 0.005;
/// The share of those that it refuses.
const BLOCK_SHARE: f64 = 0.2;
/// Cards that somebody looks at each day.
const CARDS_A_DAY: usize = 100;
/// Payments that the weights of signals are taken from.
const WEIGHED_MAX: usize = 1_000;
/// Signals whose weights are told.
const WEIGHTS_MAX: usize = 12;
/// The least distance of the two cuts, in log of the odds.
const CUTS_APART_MIN: f64 = 1e-6;

/// Why there is no model.
#[derive(Debug, thiserror::Error)]
pub enum LearningError {
    /// There are too few labelled frauds.
    #[error(
        "{training} labelled frauds to learn from and {test} to be judged by: {TRAINING_FRAUDS_MIN} and {TEST_FRAUDS_MIN} are needed; \
         label more payments or choose a longer range"
    )]
    FewFrauds {
        /// To learn from.
        training: usize,
        /// To be judged by.
        test: usize,
    },
    /// There are too many payments.
    #[error("more than {PAYMENTS_MAX} payments: choose a shorter range")]
    ManyPayments,
    /// It cannot be trained.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// It cannot judge.
    #[error(transparent)]
    Live(#[from] LiveModelError),
}

/// How well scores tell frauds from good payments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Quality {
    /// The chance that a fraud has a higher score than a good payment.
    pub area_under_roc: f64,
    /// The mean precision over all frauds.
    pub average_precision: f64,
    /// The share of cards with a fraud among the 100 with the highest score of a day, as mean over the days.
    pub card_precision: f64,
}

/// What was learnt from and how the model was judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainingReport {
    /// Payments that were learnt from.
    pub training_count: u64,
    /// Those that were known as fraud when the test begins.
    pub training_fraud_count: u64,
    /// When the test begins.
    pub test_from: Timestamp,
    /// Payments that the model was judged by, all newer.
    pub test_count: u64,
    /// Those that are known as fraud today.
    pub test_fraud_count: u64,
    /// Of the model.
    pub model: Quality,
    /// Of the rules in force, on the same payments.
    pub rules: Quality,
    /// Payments of the test that the model has somebody look at or refuses.
    pub flagged_count: u64,
    /// Those of them that are fraud.
    pub flagged_fraud_count: u64,
    /// What each signal weighs, the heaviest first.
    pub weights: Vec<(String, f64)>,
}

/// A model that was trained, and its report.
#[derive(Clone, Debug, PartialEq)]
pub struct Trained {
    /// The model.
    pub model: LiveModel,
    /// How it was judged.
    pub report: TrainingReport,
}

/// What became of a payment.
struct Truth {
    at: Timestamp,
    card: u64,
    fraud_known_at: Option<Timestamp>,
    rule_score: u8,
}

/// Gathers what a model learns from, in the order in which it came.
pub struct Lessons {
    replay: Replay,
    rules: Arc<RuleSet>,
    range: TimeRange,
    signals: Vec<usize>,
    table: Table,
    truths: Vec<Truth>,
    is_full: bool,
}

impl Lessons {
    /// From payments of a range, beside the rules in force.
    pub fn new(rules: Arc<RuleSet>, range: TimeRange, bounds: Bounds) -> Self {
        let signals: Vec<usize> = numeric_signals().collect();
        Self {
            replay: Replay::new(ShopHistory::new(bounds)),
            rules,
            range,
            table: Table::new(signals.len()),
            signals,
            truths: Vec::new(),
            is_full: false,
        }
    }

    /// Takes what happened next. A payment that was fraud says when that was known.
    pub fn take(&mut self, activity: &Activity<'_>, fraud_known_at: Option<Timestamp>) {
        if !self.replay.take(activity, fraud_known_at) || !self.range.contains(activity.at) {
            return;
        }
        if self.truths.len() >= PAYMENTS_MAX {
            self.is_full = true;
            return;
        }
        let values = self.replay.signals(activity);
        let row: Vec<f64> = self.signals.iter().map(|place| number(values.get(*place))).collect();
        self.table.push(&row);
        let card = activity.text(Field::Card).or_else(|| activity.text(Field::User)).unwrap_or_default();
        self.truths.push(Truth {
            at: activity.at,
            card: Key::of(&["card", card]).0,
            fraud_known_at,
            rule_score: self.rules.judge(&values).score,
        });
    }

    /// Trains on the older payments and judges by the newer ones.
    ///
    /// # Errors
    /// When there are too few labelled frauds or too many payments.
    pub fn train(self, settings: &Settings) -> Result<Trained, LearningError> {
        if self.is_full {
            return Err(LearningError::ManyPayments);
        }
        let test_begins = (self.truths.len() as f64 * TRAINING_SHARE) as usize;
        let (training, test) = self.truths.split_at(test_begins);
        let test_from = test.first().map_or(Timestamp::MAX, |truth| truth.at);
        let is_known = |truth: &Truth| truth.fraud_known_at.is_some_and(|known_at| known_at <= test_from);
        let labels: Vec<bool> = training.iter().map(is_known).collect();
        let training_frauds = labels.iter().filter(|is_fraud| **is_fraud).count();
        let test_frauds = test.iter().filter(|truth| truth.fraud_known_at.is_some()).count();
        if training_frauds < TRAINING_FRAUDS_MIN || test_frauds < TEST_FRAUDS_MIN {
            return Err(LearningError::FewFrauds { training: training_frauds, test: test_frauds });
        }
        let rows: Vec<usize> = (0..test_begins).collect();
        let model = train(&self.table.pick(&rows, self.signals.len()), &labels, settings)?;
        let tested = test_begins..self.truths.len();
        let scores: Vec<f64> = tested.clone().map(|row| model.log_odds(&self.table.row(row))).collect();
        let fraud_share = training_frauds as f64 / training.len() as f64;
        let cuts = cuts(&scores, fraud_share.max(REVIEW_SHARE_MIN));
        let flagged = scores.iter().zip(test).filter(|(score, _)| **score >= cuts.0);
        let (mut flagged_count, mut flagged_fraud_count) = (0, 0);
        flagged.for_each(|(_, truth)| {
            flagged_count += 1;
            flagged_fraud_count += u64::from(truth.fraud_known_at.is_some());
        });
        let names = self.signals.iter().map(|place| SIGNALS[*place].name.to_owned()).collect();
        let model = LiveModel::new(names, model, cuts)?;
        let every = (tested.len() / WEIGHED_MAX).max(1);
        let mut weights = model.weights(tested.clone().step_by(every).map(|row| self.table.row(row)));
        weights.truncate(WEIGHTS_MAX);
        let report = TrainingReport {
            training_count: training.len() as u64,
            training_fraud_count: training_frauds as u64,
            test_from,
            test_count: test.len() as u64,
            test_fraud_count: test_frauds as u64,
            model: quality(test, scores.iter().copied()),
            rules: quality(test, test.iter().map(|truth| f64::from(truth.rule_score))),
            flagged_count,
            flagged_fraud_count,
            weights,
        };
        Ok(Trained { model, report })
    }
}

/// Log of the odds of the payments that are the last to be looked at and to be refused, when that share is looked at.
fn cuts(scores: &[f64], review_share: f64) -> (f64, f64) {
    let mut sorted = scores.to_vec();
    sorted.sort_by(|left, right| right.total_cmp(left));
    // In the middle between the last that counts and the first that does not.
    let last_of = |share: f64| {
        let rank = (sorted.len() as f64 * share).ceil() as usize;
        let last = sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default();
        last.midpoint(sorted.get(rank).copied().unwrap_or(last))
    };
    let review_cut = last_of(review_share);
    (review_cut, last_of(review_share * BLOCK_SHARE).max(review_cut + CUTS_APART_MIN))
}

fn quality(test: &[Truth], scores: impl Iterator<Item = f64>) -> Quality {
    let scored = |(truth, score): (&Truth, f64)| ScoredPayment {
        day: truth.at.day(),
        card: truth.card,
        score,
        is_fraud: truth.fraud_known_at.is_some(),
    };
    let scored: Vec<ScoredPayment> = test.iter().zip(scores).map(scored).collect();
    Quality {
        area_under_roc: area_under_roc(&scored),
        average_precision: average_precision(&scored),
        card_precision: card_precision(&scored, CARDS_A_DAY),
    }
}
