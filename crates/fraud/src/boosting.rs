//! Training: tree after tree, each on what those before it left unexplained.

use crate::Table;
use crate::binning::{Binned, bin};
use crate::dice::Dice;
use crate::growing::{Gradient, Ground, Grown};
use crate::model::{Model, ModelError, probability};
use crate::side_by_side::side_by_side;
use crate::tree::Tree;

/// How a model is trained.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// How many trees.
    pub tree_count: usize,
    /// What share of the best value a leaf adds: the smaller, the more trees it takes.
    pub learning_rate: f64,
    /// Leaves of a tree at most.
    pub leaves_max: usize,
    /// Rows of a leaf at least.
    pub leaf_rows_min: usize,
    /// Added to the curvature of a leaf: draws the values of small leaves to 0.
    pub leaf_penalty: f64,
    /// What a split must gain.
    pub gain_min: f64,
    /// The share of rows that a tree is grown on.
    pub row_share: f64,
    /// The share of features that a tree looks at.
    pub feature_share: f64,
    /// Chooses rows and features.
    pub seed: u64,
}

impl Default for Settings {
    /// Small, slow trees: frauds are few, and what is learnt of few rows must not be learnt by heart.
    fn default() -> Self {
        Self {
            tree_count: 150,
            learning_rate: 0.04,
            leaves_max: 8,
            leaf_rows_min: 20,
            leaf_penalty: 5.0,
            gain_min: 0.0,
            row_share: 0.7,
            feature_share: 0.5,
            seed: 1,
        }
    }
}

/// Values to be put in bins from which on other processors help.
const SHARED_STEPS_MIN: usize = 10_000;

/// Trains on rows and whether each was fraud.
///
/// # Errors
/// When there is not one label a row, or not at least one fraud and one good payment.
pub fn train(table: &Table, labels: &[bool], settings: &Settings) -> Result<Model, ModelError> {
    let fraud_count = labels.iter().filter(|is_fraud| **is_fraud).count();
    if labels.len() != table.row_count() {
        return Err(ModelError::LabelCount { row_count: table.row_count(), label_count: labels.len() });
    }
    if fraud_count == 0 || fraud_count == labels.len() {
        return Err(ModelError::OneKind);
    }
    let share = fraud_count as f64 / labels.len() as f64;
    let base = (share / (1.0 - share)).ln();
    let feature_count = table.columns().len();
    let steps = (feature_count * labels.len(), SHARED_STEPS_MIN);
    let columns: Vec<Binned> = side_by_side(table.columns(), steps, |column| bin(column));
    let chosen_count = ((feature_count as f64 * settings.feature_share).ceil() as usize).max(1);
    let mut dice = Dice::new(settings.seed);
    let mut scores = vec![base; labels.len()];
    let mut trees = Vec::with_capacity(settings.tree_count);
    for _ in 0..settings.tree_count {
        let gradients = gradients(&scores, labels);
        let ground = Ground { columns: &columns, gradients: &gradients, settings };
        let (sample, others): (Vec<u32>, Vec<u32>) =
            (0..labels.len() as u32).partition(|_| dice.is_within(settings.row_share));
        let Grown { tree, leaves } = ground.grow(sample, &dice.choose(chosen_count, feature_count));
        if !tree.is_sound(feature_count) {
            // Chance left no row to grow on.
            continue;
        }
        let values = others.iter().map(|row| (value_of(&tree, *row, table), *row));
        let grown_on = leaves.iter().flat_map(|(value, rows)| rows.iter().map(|row| (*value, *row)));
        values.chain(grown_on).for_each(|(value, row)| scores[row as usize] += value);
        trees.push(tree);
    }
    Ok(Model::new(feature_count, base, trees))
}

/// What a tree adds to the score of a row.
fn value_of(tree: &Tree, row: u32, table: &Table) -> f64 {
    tree.value_of(|feature| table.columns()[feature][row as usize])
}

/// Of the logistic loss.
fn gradients(scores: &[f64], labels: &[bool]) -> Vec<Gradient> {
    let gradient = |(score, is_fraud): (&f64, &bool)| {
        let chance = probability(*score);
        Gradient::new(chance - f64::from(u8::from(*is_fraud)), chance * (1.0 - chance))
    };
    scores.iter().zip(labels).map(gradient).collect()
}
