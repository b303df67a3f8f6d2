//! A model that judges payments as they arrive.

use serde::{Deserialize, Serialize};

use super::number;
use crate::cel::Slot;
use crate::model::ModelError;
use crate::rules::Thresholds;
use crate::stream::Signal;
use crate::{Model, TailDetector};

/// How far below the cut for review a model has no suspicion at all.
const SUSPICION_SPAN: f64 = 4.0;
/// The highest score.
const SCORE_MAX: f64 = 100.0;

/// Why a text is no model that can judge.
#[derive(Debug, thiserror::Error)]
pub enum LiveModelError {
    /// Its trees cannot be read.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// It looks at a signal that there is not.
    #[error("the model looks at \"{0}\", which is no signal of this version: train another")]
    Signal(String),
    /// Its cuts are no numbers in ascending order.
    #[error("the cuts of the model are not in order")]
    Cuts,
}

/// What a model says of a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opinion {
    /// Which model.
    pub version: u64,
    /// 0 to 100, on the scale of rules.
    pub points: u8,
}

/// What was learnt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Learnt {
    /// With labels: the log of the odds that a payment is fraud.
    Trees(Model),
    /// Without: how rare a payment is, as −ln of chances.
    Tails(TailDetector),
}

impl Learnt {
    /// How suspicious a row is: the higher, the more.
    pub(super) fn suspicion(&self, row: &[f64]) -> f64 {
        match self {
            Self::Trees(model) => model.log_odds(row),
            Self::Tails(detector) => detector.score(row),
        }
    }

    /// What each feature adds to it.
    fn contributions(&self, row: &[f64]) -> Vec<f64> {
        match self {
            Self::Trees(model) => model.contributions(row).0,
            Self::Tails(detector) => detector.contributions(row),
        }
    }
}

/// A model with what it looks at and where it becomes suspicious.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LiveModel {
    /// Names of signals, in the order of the model's features.
    signals: Vec<String>,
    model: Learnt,
    /// How suspicious a payment is from which on somebody looks.
    review_cut: f64,
    /// How suspicious one is that is refused.
    block_cut: f64,
    #[serde(skip)]
    places: Vec<usize>,
}

impl LiveModel {
    /// A model over these signals.
    ///
    /// # Errors
    /// When there is no such signal, or the cuts are not in order.
    pub(super) fn new(signals: Vec<String>, model: Learnt, cuts: (f64, f64)) -> Result<Self, LiveModelError> {
        let (review_cut, block_cut) = cuts;
        Self { signals, model, review_cut, block_cut, places: Vec::new() }.placed()
    }

    /// Reads what [`Self::to_json`] wrote.
    ///
    /// # Errors
    /// When it is not JSON of a model, is damaged, or looks at signals that there are not.
    pub fn from_json(text: &str) -> Result<Self, LiveModelError> {
        let read: Self = serde_json::from_str(text).map_err(ModelError::Text)?;
        // The trees are checked as they are when read alone.
        let model = match read.model {
            Learnt::Trees(model) => Learnt::Trees(Model::from_json(&model.to_json()?)?),
            Learnt::Tails(detector) => Learnt::Tails(detector),
        };
        Self { model, ..read }.placed()
    }

    /// As text.
    ///
    /// # Errors
    /// None that are known: numbers and lists always have a text.
    pub fn to_json(&self) -> Result<String, LiveModelError> {
        Ok(serde_json::to_string(self).map_err(ModelError::Text)?)
    }

    fn placed(self) -> Result<Self, LiveModelError> {
        let is_ordered = self.review_cut.is_finite() && self.block_cut.is_finite() && self.review_cut < self.block_cut;
        if !is_ordered {
            return Err(LiveModelError::Cuts);
        }
        let place = |name: &String| Signal::place(name).ok_or_else(|| LiveModelError::Signal(name.clone()));
        let places = self.signals.iter().map(place).collect::<Result<_, _>>()?;
        Ok(Self { places, ..self })
    }

    fn row(&self, values: &[Slot<'_>]) -> Vec<f64> {
        self.places.iter().map(|place| number(values.get(*place))).collect()
    }

    /// How suspicious a payment with these signals is, 0 to 100 on the scale of rules: at the cuts, the scores of the thresholds;
    /// between and beyond them, straight lines.
    pub fn points(&self, values: &[Slot<'_>], thresholds: Thresholds) -> u8 {
        let suspicion = self.model.suspicion(&self.row(values));
        let (review, block) = (f64::from(thresholds.review_score), f64::from(thresholds.block_score));
        let span = self.block_cut - self.review_cut;
        let points = if suspicion >= self.block_cut {
            block + (suspicion - self.block_cut) / span * (block - review)
        } else if suspicion >= self.review_cut {
            review + (suspicion - self.review_cut) / span * (block - review)
        } else {
            review * (1.0 - (self.review_cut - suspicion) / SUSPICION_SPAN)
        };
        points.clamp(0.0, SCORE_MAX) as u8
    }

    /// How suspicious a payment is whose signals are told by their places in [`SIGNALS`](crate::stream::SIGNALS).
    pub(super) fn suspicion_of(&self, value: impl Fn(usize) -> f64) -> f64 {
        let row: Vec<f64> = self.places.iter().map(|place| value(*place)).collect();
        self.model.suspicion(&row)
    }

    /// The signals that make a payment most suspicious to the model, the heaviest first, `max` at most, each with its place in
    /// [`SIGNALS`].
    pub fn heaviest(&self, values: &[Slot<'_>], max: usize) -> Vec<usize> {
        let contributions = self.model.contributions(&self.row(values));
        let mut places: Vec<(f64, usize)> = contributions.into_iter().zip(self.places.iter().copied()).collect();
        places.retain(|(contribution, _)| *contribution > 0.0);
        places.sort_by(|left, right| right.0.total_cmp(&left.0));
        places.into_iter().take(max).map(|(_, place)| place).collect()
    }

    /// What each signal adds to the suspicion on average over rows, regardless of sign, the heaviest first.
    pub(super) fn weights(&self, rows: impl Iterator<Item = Vec<f64>>) -> Vec<(String, f64)> {
        let (mut sums, mut count) = (vec![0.0; self.signals.len()], 0_u32);
        for row in rows {
            let contributions = self.model.contributions(&row);
            sums.iter_mut().zip(contributions).for_each(|(sum, contribution)| *sum += contribution.abs());
            count += 1;
        }
        let mean = |(name, sum): (&String, f64)| (name.clone(), sum / f64::from(count.max(1)));
        let mut weights: Vec<(String, f64)> = self.signals.iter().zip(sums).map(mean).collect();
        weights.sort_by(|left, right| right.1.total_cmp(&left.1));
        weights
    }
}
