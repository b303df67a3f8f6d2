//! What a model learns from, and how it is judged.

use std::sync::Arc;

use vigie_domain::fraud::features::Bounds;
use vigie_domain::{TimeRange, Timestamp};

use super::live_model::Learnt;
use super::{
    Gain, Learner, LiveModel, LiveModelError, Quality, RARE_WHEN_HIGH, Trained, TrainingReport, number, numeric_signals,
};
use crate::model::ModelError;
use crate::rules::RuleSet;
use crate::stream::{APPROACHED, Activity, Field, Key, Replay, SIGNALS, ShopHistory, Told};
use crate::{
    Imported, ScoredPayment, Settings, Table, TailDetector, area_under_roc, average_precision, card_precision, train,
};

/// Payments at most: a signal of each takes eight bytes, twice while a model learns.
const PAYMENTS_MAX: usize = 300_000;
/// Labelled frauds that are needed to learn from, and to be judged by.
const TRAINING_FRAUDS_MIN: usize = 20;
const TEST_FRAUDS_MIN: usize = 5;
/// Payments that are needed to tell what is usual.
const PAYMENTS_MIN: usize = 1_000;
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
/// The least distance of the two cuts.
const CUTS_APART_MIN: f64 = 1e-6;

/// Why there is no model.
#[derive(Debug, thiserror::Error)]
pub enum LearningError {
    /// There are too few labelled frauds.
    #[error(
        "{training} labelled frauds to learn from and {test} to be judged by: {TRAINING_FRAUDS_MIN} and {TEST_FRAUDS_MIN} are needed; \
         label more payments, choose a longer range, or learn what is usual without labels (\"tails\")"
    )]
    FewFrauds {
        /// To learn from.
        training: usize,
        /// To be judged by.
        test: usize,
    },
    /// There are too few payments.
    #[error("{0} payments: {PAYMENTS_MIN} are needed to tell what is usual; choose a longer range")]
    FewPayments(usize),
    /// A model that was trained elsewhere looks at something that there is not.
    #[error(
        "the model looks at \"{0}\", which is no signal that is a number, or yes and no: name its features as the table of signals does"
    )]
    Feature(String),
    /// There are too many payments.
    #[error("more than {PAYMENTS_MAX} payments: choose a shorter range")]
    ManyPayments,
    /// Nothing is learnt here.
    #[error("an imported model has learnt elsewhere: judge it, or choose \"trees\" or \"tails\"")]
    LearntElsewhere,
    /// It cannot be trained.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// It cannot judge.
    #[error(transparent)]
    Live(#[from] LiveModelError),
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
    /// The model that judges now.
    active: Option<(u64, Arc<LiveModel>)>,
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
            active: None,
        }
    }

    /// Beside the model that judges now, by its version, which the new one is compared with.
    #[must_use]
    pub fn beside(self, active: Option<(u64, Arc<LiveModel>)>) -> Self {
        Self { active, ..self }
    }

    /// Takes what happened next, in order.
    pub fn take(&mut self, next: &[Told<'_>]) {
        for some in next.chunks(APPROACHED) {
            self.replay.approach(some.iter().map(|(activity, _)| activity));
            some.iter().for_each(|(activity, fraud_known_at)| self.learn(activity, *fraud_known_at));
        }
    }

    fn learn(&mut self, activity: &Activity<'_>, fraud_known_at: Option<Timestamp>) {
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

    /// Whether all payments were taken.
    ///
    /// # Errors
    /// When there were too many.
    pub const fn check(&self) -> Result<(), LearningError> {
        if self.is_full { Err(LearningError::ManyPayments) } else { Ok(()) }
    }

    /// Trains on the older payments and judges by the newer ones.
    ///
    /// # Errors
    /// When there are too few labelled frauds for trees, too few payments for tails, or too many.
    pub fn train(self, learner: Learner, settings: &Settings) -> Result<Trained, LearningError> {
        self.check()?;
        let test_begins = (self.truths.len() as f64 * TRAINING_SHARE) as usize;
        let (training, test) = self.truths.split_at(test_begins);
        let test_from = test.first().map_or(Timestamp::MAX, |truth| truth.at);
        let is_known = |truth: &Truth| truth.fraud_known_at.is_some_and(|known_at| known_at <= test_from);
        let labels: Vec<bool> = training.iter().map(is_known).collect();
        let training_frauds = labels.iter().filter(|is_fraud| **is_fraud).count();
        let test_frauds = test.iter().filter(|truth| truth.fraud_known_at.is_some()).count();
        let (learnt, columns, review_share) = match learner {
            Learner::Trees if training_frauds < TRAINING_FRAUDS_MIN || test_frauds < TEST_FRAUDS_MIN => {
                return Err(LearningError::FewFrauds { training: training_frauds, test: test_frauds });
            }
            Learner::Trees => {
                let rows: Vec<usize> = (0..test_begins).collect();
                let model = train(&self.table.pick(&rows, self.signals.len()), &labels, settings)?;
                let fraud_share = training_frauds as f64 / training.len() as f64;
                (Learnt::Trees(model), (0..self.signals.len()).collect(), fraud_share)
            }
            Learner::Imported => return Err(LearningError::LearntElsewhere),
            Learner::Tails if self.truths.len() < PAYMENTS_MIN => {
                return Err(LearningError::FewPayments(self.truths.len()));
            }
            Learner::Tails => {
                let is_watched = |column: &usize| RARE_WHEN_HIGH.contains(&SIGNALS[self.signals[*column]].name);
                let columns: Vec<usize> = (0..self.signals.len()).filter(is_watched).collect();
                let mut detector = TailDetector::new(&(0..columns.len()).collect::<Vec<_>>());
                (0..test_begins).for_each(|row| detector.learn(&self.row(row, &columns)));
                (Learnt::Tails(detector), columns, 0.0)
            }
        };
        self.judged(learner, (learnt, columns), (test_begins, training_frauds), review_share)
    }

    /// Judges a model that has learnt elsewhere by all payments.
    ///
    /// # Errors
    /// When it looks at something that there is not, or there are too few payments, or too many.
    pub fn judge(self, imported: Imported) -> Result<Trained, LearningError> {
        self.check()?;
        if self.truths.len() < PAYMENTS_MIN {
            return Err(LearningError::FewPayments(self.truths.len()));
        }
        let column_of = |name: String| {
            let column = self.signals.iter().position(|place| SIGNALS[*place].name == name);
            column.ok_or(LearningError::Feature(name))
        };
        let columns = imported.features.into_iter().map(column_of).collect::<Result<Vec<_>, _>>()?;
        let frauds = self.truths.iter().filter(|truth| truth.fraud_known_at.is_some()).count();
        let review_share = frauds as f64 / self.truths.len() as f64;
        self.judged(Learner::Imported, (Learnt::Trees(imported.model), columns), (0, 0), review_share)
    }

    /// Judges what was learnt by the payments from some place on, and sets its cuts by how many of them were fraud.
    fn judged(
        &self,
        learner: Learner,
        (learnt, columns): (Learnt, Vec<usize>),
        (test_begins, training_frauds): (usize, usize),
        fraud_share: f64,
    ) -> Result<Trained, LearningError> {
        let test = &self.truths[test_begins..];
        let tested: Vec<Vec<f64>> = (test_begins..self.truths.len()).map(|row| self.row(row, &columns)).collect();
        let scores: Vec<f64> = tested.iter().map(|row| learnt.suspicion(row)).collect();
        let cuts = cuts(&scores, fraud_share.max(REVIEW_SHARE_MIN));
        let flagged = scores.iter().zip(test).filter(|(score, _)| **score >= cuts.0).map(|(_, truth)| truth);
        let (flagged_frauds, flagged_good): (Vec<&Truth>, Vec<&Truth>) =
            flagged.partition(|truth| truth.fraud_known_at.is_some());
        let gain = if learner == Learner::Imported { None } else { self.gain(test_begins, &scores) };
        let names = columns.iter().map(|column| SIGNALS[self.signals[*column]].name.to_owned()).collect();
        let model = LiveModel::new(names, learnt, cuts)?;
        let every = (tested.len() / WEIGHED_MAX).max(1);
        let mut weights = model.weights(tested.into_iter().step_by(every));
        weights.truncate(WEIGHTS_MAX);
        let report = TrainingReport {
            learner,
            training_count: test_begins as u64,
            training_fraud_count: training_frauds as u64,
            test_from: test.first().map_or(Timestamp::MAX, |truth| truth.at),
            test_count: test.len() as u64,
            test_fraud_count: test.iter().filter(|truth| truth.fraud_known_at.is_some()).count() as u64,
            model: quality(test, scores.iter().copied()),
            rules: quality(test, test.iter().map(|truth| f64::from(truth.rule_score))),
            gain,
            flagged_count: (flagged_frauds.len() + flagged_good.len()) as u64,
            flagged_fraud_count: flagged_frauds.len() as u64,
            weights,
        };
        Ok(Trained { model, report })
    }

    /// What scores of the payments from some place on gain over what judges now.
    fn gain(&self, test_begins: usize, scores: &[f64]) -> Option<Gain> {
        let test = &self.truths[test_begins..];
        let judged: Vec<f64> = match &self.active {
            None => test.iter().map(|truth| f64::from(truth.rule_score)).collect(),
            Some((_, active)) => {
                let value = |row: usize, place: usize| {
                    let column = self.signals.iter().position(|known| *known == place);
                    column.map_or(f64::NAN, |column| self.table.columns()[column][row])
                };
                (test_begins..self.truths.len()).map(|row| active.suspicion_of(|place| value(row, place))).collect()
            }
        };
        let over = self.active.as_ref().map(|(version, _)| *version);
        Gain::of(over, &scored(test, scores.iter().copied()), &scored(test, judged.into_iter()))
    }

    /// Lines of what models learn from, as CSV, from the so manieth payment on; none behind the last. The first piece begins with the names.
    ///
    /// Of each payment there are its time, when it was known as fraud, and its signals: yes is 1 and no 0, what was not sent is empty.
    pub fn csv_lines(&self, from: usize, count: usize) -> Option<String> {
        if from > 0 && from >= self.truths.len() {
            return None;
        }
        let mut lines = String::new();
        if from == 0 {
            let names = self.signals.iter().map(|place| SIGNALS[*place].name);
            lines.push_str(&["at", "fraud_known_at"].into_iter().chain(names).collect::<Vec<_>>().join(","));
            lines.push('\n');
        }
        for (row, truth) in self.truths.iter().enumerate().skip(from).take(count) {
            lines.push_str(&truth.at.to_text());
            lines.push(',');
            lines.push_str(truth.fraud_known_at.map(Timestamp::to_text).as_deref().unwrap_or_default());
            for column in self.table.columns() {
                lines.push(',');
                if !column[row].is_nan() {
                    lines.push_str(&column[row].to_string());
                }
            }
            lines.push('\n');
        }
        Some(lines)
    }

    /// Some columns of a row.
    fn row(&self, row: usize, columns: &[usize]) -> Vec<f64> {
        columns.iter().map(|column| self.table.columns()[*column][row]).collect()
    }
}

/// How suspicious the payments are that are the last to be looked at and to be refused, when that share is looked at.
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

fn scored(test: &[Truth], scores: impl Iterator<Item = f64>) -> Vec<ScoredPayment> {
    let scored = |(truth, score): (&Truth, f64)| ScoredPayment {
        day: truth.at.day(),
        card: truth.card,
        score,
        is_fraud: truth.fraud_known_at.is_some(),
    };
    test.iter().zip(scores).map(scored).collect()
}

/// `None` when there is nothing to tell apart.
fn quality(test: &[Truth], scores: impl Iterator<Item = f64>) -> Option<Quality> {
    let scored = scored(test, scores);
    let fraud_count = scored.iter().filter(|payment| payment.is_fraud).count();
    (fraud_count > 0 && fraud_count < scored.len()).then(|| Quality {
        area_under_roc: area_under_roc(&scored),
        average_precision: average_precision(&scored),
        card_precision: card_precision(&scored, CARDS_A_DAY),
    })
}
