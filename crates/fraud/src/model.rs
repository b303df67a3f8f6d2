//! A trained model: scores with reasons, kept as JSON.

use serde::{Deserialize, Serialize};

use crate::shapley::add_contributions;
use crate::tree::Tree;

/// The form that models are kept in.
const FORMAT: u32 = 1;

/// Why there is no model.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// Rows and labels are not of the same number.
    #[error("{row_count} rows and {label_count} labels: give one label a row")]
    LabelCount {
        /// Rows given.
        row_count: usize,
        /// Labels given.
        label_count: usize,
    },
    /// All rows are frauds, or none is.
    #[error("all labels are the same: give at least one fraud and one good payment")]
    OneKind,
    /// The text is not JSON of a model.
    #[error("not a model: {0}")]
    Text(#[from] serde_json::Error),
    /// It is of another version, or its trees are not whole.
    #[error("a model that is damaged or of another version than {FORMAT}")]
    Unsound,
}

/// Boosted trees.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    format: u32,
    feature_count: usize,
    base: f64,
    trees: Vec<Tree>,
}

impl Model {
    pub(crate) fn new(feature_count: usize, base: f64, trees: Vec<Tree>) -> Self {
        Self { format: FORMAT, feature_count, base, trees }
    }

    #[cfg(test)]
    pub(crate) fn trees(&self) -> &[Tree] {
        &self.trees
    }

    /// The log of the odds that a payment is fraud. Values that are missing count as no number.
    pub fn log_odds(&self, row: &[f64]) -> f64 {
        self.trees.iter().fold(self.base, |score, tree| score + tree.value(row))
    }

    /// How likely a payment is fraud, 0 to 1.
    pub fn probability(&self, row: &[f64]) -> f64 {
        probability(self.log_odds(row))
    }

    /// What each feature adds to [`Self::log_odds`] compared with the mean of the training, and that mean: together they are the
    /// score. Shapley values of the trees' own conditional means (Lundberg and others, 2020).
    pub fn contributions(&self, row: &[f64]) -> (Vec<f64>, f64) {
        let mut contributions = vec![0.0; self.feature_count];
        let mean =
            self.trees.iter().fold(self.base, |sum, tree| sum + add_contributions(tree, row, &mut contributions));
        (contributions, mean)
    }

    /// As text that [`Self::from_json`] reads back to the same model, bit for bit.
    ///
    /// # Errors
    /// None that are known: numbers and lists always have a text.
    pub fn to_json(&self) -> Result<String, ModelError> {
        Ok(serde_json::to_string(self)?)
    }

    /// Reads what [`Self::to_json`] wrote.
    ///
    /// # Errors
    /// When it is not JSON of a model, is damaged or of another version.
    pub fn from_json(text: &str) -> Result<Self, ModelError> {
        let model: Self = serde_json::from_str(text)?;
        let is_sound = model.format == FORMAT
            && model.base.is_finite()
            && model.trees.iter().all(|tree| tree.is_sound(model.feature_count));
        if is_sound { Ok(model) } else { Err(ModelError::Unsound) }
    }
}

/// From the log of the odds.
pub(crate) fn probability(log_odds: f64) -> f64 {
    1.0 / (1.0 + (-log_odds).exp())
}
