//! What is said of a model before anybody trusts it.

use serde::{Deserialize, Serialize};
use vigie_domain::Timestamp;

use super::{Gain, LiveModel};

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

/// How a model learns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Learner {
    /// Boosted trees, of payments that are labelled.
    #[default]
    Trees,
    /// What lies far out in the tails of what is usual; needs no label.
    Tails,
    /// It has learnt elsewhere.
    Imported,
}

impl Learner {
    /// As answers have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Trees => "trees",
            Self::Tails => "tails",
            Self::Imported => "imported",
        }
    }

    /// The learner of that name, if it learns here.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Trees, Self::Tails].into_iter().find(|learner| learner.as_str() == name)
    }
}

/// What was learnt from and how the model was judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainingReport {
    /// How it was learnt.
    #[serde(default)]
    pub learner: Learner,
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
    /// Of the model; `None` when no payment of the test is labelled as fraud.
    pub model: Option<Quality>,
    /// Of the rules in force, on the same payments.
    pub rules: Option<Quality>,
    /// Over what judged when it was trained; `None` where too few frauds tell, or where it learnt is not known.
    #[serde(default)]
    pub gain: Option<Gain>,
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
