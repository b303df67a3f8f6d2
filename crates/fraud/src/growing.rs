//! Growing one tree: the leaf that gains most is split next, by sums of gradients per bin.
//!
//! Second-order boosting as in Chen and Guestrin, XGBoost (2016), equations 6 and 7; best leaf first as in LightGBM (2017).

use crate::Settings;
use crate::binning::Binned;
use crate::tree::{Node, Tree};

/// The slope and the curvature of the loss at a row's score.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Gradient {
    pub(crate) slope: f64,
    pub(crate) curvature: f64,
}

/// Sums over rows.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    slope: f64,
    curvature: f64,
    row_count: usize,
}

impl Sums {
    fn add(&mut self, gradient: Gradient) {
        self.slope += gradient.slope;
        self.curvature += gradient.curvature;
        self.row_count += 1;
    }

    fn without(self, other: Self) -> Self {
        Self {
            slope: self.slope - other.slope,
            curvature: self.curvature - other.curvature,
            row_count: self.row_count - other.row_count,
        }
    }

    fn joined(mut self, other: Self) -> Self {
        self.slope += other.slope;
        self.curvature += other.curvature;
        self.row_count += other.row_count;
        self
    }

    /// How much a leaf with these rows lowers the loss.
    fn gain(self, settings: &Settings) -> f64 {
        self.slope * self.slope / (self.curvature + settings.leaf_penalty)
    }

    /// The value that lowers the loss most.
    fn best_value(self, settings: &Settings) -> f64 {
        -self.slope / (self.curvature + settings.leaf_penalty) * settings.learning_rate
    }
}

/// The best way to part the rows of a leaf.
#[derive(Clone, Copy)]
struct Parting {
    gain: f64,
    feature: usize,
    /// The last bin that goes left.
    bin: usize,
}

/// A leaf that may still be split.
struct Open {
    node: usize,
    rows: Vec<u32>,
    sums: Sums,
    parting: Option<Parting>,
}

/// What trees of one training have in common.
pub(crate) struct Ground<'a> {
    pub(crate) columns: &'a [Binned],
    pub(crate) gradients: &'a [Gradient],
    pub(crate) settings: &'a Settings,
}

impl Ground<'_> {
    /// Grows a tree on these rows, looking at these features only.
    pub(crate) fn grow(&self, rows: Vec<u32>, features: &[usize]) -> Tree {
        let mut nodes = Vec::new();
        let mut open = vec![self.open_leaf(rows, features, &mut nodes)];
        for _ in 1..self.settings.leaves_max {
            let gain = |leaf: &Open| leaf.parting.map_or(f64::NEG_INFINITY, |parting| parting.gain);
            let Some(best) = (0..open.len()).max_by(|a, b| gain(&open[*a]).total_cmp(&gain(&open[*b])).then(b.cmp(a)))
            else {
                break;
            };
            let Some(parting) = open[best].parting else { break };
            let leaf = open.swap_remove(best);
            let bins = &self.columns[parting.feature].bins;
            let (left, right): (Vec<u32>, Vec<u32>) =
                leaf.rows.iter().partition(|row| usize::from(bins[**row as usize]) <= parting.bin);
            let left = self.open_leaf(left, features, &mut nodes);
            let right = self.open_leaf(right, features, &mut nodes);
            nodes[leaf.node] = Node::Split {
                feature: parting.feature,
                cut: self.columns[parting.feature].cuts[parting.bin],
                left: left.node,
                right: right.node,
                row_count: leaf.sums.row_count,
            };
            open.extend([left, right]);
        }
        Tree { nodes }
    }

    fn open_leaf(&self, rows: Vec<u32>, features: &[usize], nodes: &mut Vec<Node>) -> Open {
        let mut sums = Sums::default();
        rows.iter().for_each(|row| sums.add(self.gradients[*row as usize]));
        let node = nodes.len();
        nodes.push(Node::Leaf { value: sums.best_value(self.settings), row_count: sums.row_count });
        let partings = features.iter().filter_map(|feature| self.best_parting(*feature, &rows, sums));
        // Of equal gains the first feature wins.
        let parting = partings.reduce(|best, next| if next.gain > best.gain { next } else { best });
        Open { node, rows, sums, parting }
    }

    fn best_parting(&self, feature: usize, rows: &[u32], all: Sums) -> Option<Parting> {
        let settings = self.settings;
        if all.row_count < 2 * settings.leaf_rows_min {
            return None;
        }
        let column = &self.columns[feature];
        let mut by_bin = vec![Sums::default(); column.bin_count()];
        rows.iter().for_each(|row| by_bin[usize::from(column.bins[*row as usize])].add(self.gradients[*row as usize]));
        let mut best: Option<Parting> = None;
        let mut left = Sums::default();
        for (bin, sums) in by_bin.iter().enumerate().take(column.cuts.len()) {
            left = left.joined(*sums);
            let right = all.without(left);
            if left.row_count < settings.leaf_rows_min {
                continue;
            }
            if right.row_count < settings.leaf_rows_min {
                break;
            }
            let gain = left.gain(settings) + right.gain(settings) - all.gain(settings);
            if gain > best.map_or(settings.gain_min, |best| best.gain) {
                best = Some(Parting { gain, feature, bin });
            }
        }
        best
    }
}
