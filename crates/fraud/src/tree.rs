//! One decision tree: which leaf a row falls into.

use serde::{Deserialize, Serialize};

/// Nodes of a tree at most, so that walking down one never goes deeper than the stack.
const NODES_MAX: usize = 4_095;

/// A place in a tree. Children lie behind their parent, so that walking down always ends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Node {
    /// Rows whose value is at most `cut` go left, and so do those without one unless they are said to go right.
    Split {
        feature: usize,
        #[serde(with = "cut_text")]
        cut: f64,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        missing_right: bool,
        left: usize,
        right: usize,
        /// How many rows of the training came by.
        row_count: usize,
    },
    /// What is added to the score.
    Leaf { value: f64, row_count: usize },
}

/// JSON has no infinity, which is the cut between what is no number and all numbers.
mod cut_text {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(cut: &f64, out: S) -> Result<S::Ok, S::Error> {
        Some(*cut).filter(|cut| cut.is_finite()).serialize(out)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<f64, D::Error> {
        Option::<f64>::deserialize(input).map(|cut| cut.unwrap_or(f64::NEG_INFINITY))
    }
}

impl Node {
    /// How many rows of the training came by.
    pub(crate) fn row_count(&self) -> usize {
        match self {
            Self::Split { row_count, .. } | Self::Leaf { row_count, .. } => *row_count,
        }
    }
}

/// A tree; the first node is its root.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Tree {
    pub(crate) nodes: Vec<Node>,
}

impl Tree {
    /// What a row adds to the score.
    pub(crate) fn value(&self, row: &[f64]) -> f64 {
        self.value_of(|feature| row.get(feature).copied().unwrap_or(f64::NAN))
    }

    /// What it adds to the score of a row that has these features.
    pub(crate) fn value_of(&self, feature_value: impl Fn(usize) -> f64) -> f64 {
        let mut place = 0;
        loop {
            match &self.nodes[place] {
                Node::Leaf { value, .. } => return *value,
                Node::Split { feature, cut, missing_right, left, right, .. } => {
                    place = if is_left(feature_value(*feature), *cut, *missing_right) { *left } else { *right };
                }
            }
        }
    }

    /// Whether it is whole and not too large: children behind their parents, features known, rows counted.
    pub(crate) fn is_sound(&self, feature_count: usize) -> bool {
        let is_sound = |(place, node): (usize, &Node)| match node {
            Node::Leaf { value, row_count } => value.is_finite() && *row_count > 0,
            Node::Split { feature, cut, left, right, row_count, .. } => {
                let children = [*left, *right].map(|child| self.nodes.get(child).map_or(0, Node::row_count));
                let are_behind = *left > place && *right > place;
                *feature < feature_count
                    && !cut.is_nan()
                    && are_behind
                    && children.iter().all(|count| *count > 0)
                    && children[0].checked_add(children[1]) == Some(*row_count)
            }
        };
        (1..=NODES_MAX).contains(&self.nodes.len()) && self.nodes.iter().enumerate().all(is_sound)
    }
}

/// Which way a row goes at a split.
pub(crate) fn goes_left(row: &[f64], feature: usize, cut: f64, missing_right: bool) -> bool {
    is_left(row.get(feature).copied().unwrap_or(f64::NAN), cut, missing_right)
}

fn is_left(value: f64, cut: f64, missing_right: bool) -> bool {
    if value.is_nan() { !missing_right } else { value <= cut }
}
