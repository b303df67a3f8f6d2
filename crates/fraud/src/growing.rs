//! Growing one tree: the leaf that gains most is split next, by sums of gradients per bin.
//!
//! Second-order boosting as in Chen and Guestrin, XGBoost (2016), equations 6 and 7; best leaf first as in LightGBM (2017).

use crate::Settings;
use crate::binning::Binned;
use crate::tree::{Node, Tree};

/// What 1 is in the integers that slopes and curvatures are added as: no order of additions matters, and what is taken away
/// again leaves nothing behind. Sums of two thousand million rows fit.
const ONE: f64 = 4_294_967_296.0;

/// The slope and the curvature of the loss at a row's score, in parts of [`ONE`].
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Gradient {
    slope: i64,
    curvature: i64,
}

impl Gradient {
    /// Rounded to a part of [`ONE`].
    pub(crate) fn new(slope: f64, curvature: f64) -> Self {
        Self { slope: (slope * ONE).round() as i64, curvature: (curvature * ONE).round() as i64 }
    }
}

/// Sums over rows.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    slope: i64,
    curvature: i64,
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
        let slope = self.slope as f64 / ONE;
        slope * slope / (self.curvature as f64 / ONE + settings.leaf_penalty)
    }

    /// The value that lowers the loss most.
    fn best_value(self, settings: &Settings) -> f64 {
        -(self.slope as f64 / ONE) / (self.curvature as f64 / ONE + settings.leaf_penalty) * settings.learning_rate
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

/// Sums by bin, for each feature that a tree looks at, in their order.
type Histograms = Vec<Vec<Sums>>;

/// A leaf that may still be split.
struct Open {
    node: usize,
    rows: Vec<u32>,
    sums: Sums,
    histograms: Histograms,
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
        let histograms = self.histograms(&rows, features);
        let mut open = vec![self.open_leaf((rows, histograms), features, &mut nodes)];
        for _ in 1..self.settings.leaves_max {
            let gain = |leaf: &Open| leaf.parting.map_or(f64::NEG_INFINITY, |parting| parting.gain);
            let Some(best) = (0..open.len()).max_by(|a, b| gain(&open[*a]).total_cmp(&gain(&open[*b])).then(b.cmp(a)))
            else {
                break;
            };
            let Some(parting) = open[best].parting else { break };
            let leaf = open.swap_remove(best);
            let ([left, right], node, row_count) =
                (self.parted(&leaf, parting, features), leaf.node, leaf.sums.row_count);
            let left = self.open_leaf(left, features, &mut nodes);
            let right = self.open_leaf(right, features, &mut nodes);
            nodes[node] = Node::Split {
                feature: parting.feature,
                cut: self.columns[parting.feature].cuts[parting.bin],
                left: left.node,
                right: right.node,
                row_count,
            };
            open.extend([left, right]);
        }
        Tree { nodes }
    }

    /// The rows of a leaf on both sides. The smaller side is added up; what the leaf has besides is the other's.
    fn parted(&self, leaf: &Open, parting: Parting, features: &[usize]) -> [(Vec<u32>, Histograms); 2] {
        let bins = &self.columns[parting.feature].bins;
        let (left, right): (Vec<u32>, Vec<u32>) =
            leaf.rows.iter().partition(|row| usize::from(bins[**row as usize]) <= parting.bin);
        let is_left_smaller = left.len() <= right.len();
        let smaller = self.histograms(if is_left_smaller { &left } else { &right }, features);
        let without = |(all, part): (&Vec<Sums>, &Vec<Sums>)| {
            all.iter().zip(part).map(|(all, part)| all.without(*part)).collect()
        };
        let larger = leaf.histograms.iter().zip(&smaller).map(without).collect();
        if is_left_smaller { [(left, smaller), (right, larger)] } else { [(left, larger), (right, smaller)] }
    }

    fn histograms(&self, rows: &[u32], features: &[usize]) -> Histograms {
        let histogram = |feature: &usize| {
            let column = &self.columns[*feature];
            let mut by_bin = vec![Sums::default(); column.bin_count()];
            for row in rows {
                by_bin[usize::from(column.bins[*row as usize])].add(self.gradients[*row as usize]);
            }
            by_bin
        };
        features.iter().map(histogram).collect()
    }

    fn open_leaf(&self, (rows, histograms): (Vec<u32>, Histograms), features: &[usize], nodes: &mut Vec<Node>) -> Open {
        let mut sums = Sums::default();
        rows.iter().for_each(|row| sums.add(self.gradients[*row as usize]));
        let node = nodes.len();
        nodes.push(Node::Leaf { value: sums.best_value(self.settings), row_count: sums.row_count });
        let partings =
            features.iter().zip(&histograms).filter_map(|(feature, by_bin)| self.best_parting(*feature, by_bin, sums));
        // Of equal gains the first feature wins.
        let parting = partings.reduce(|best, next| if next.gain > best.gain { next } else { best });
        Open { node, rows, sums, histograms, parting }
    }

    fn best_parting(&self, feature: usize, by_bin: &[Sums], all: Sums) -> Option<Parting> {
        let settings = self.settings;
        if all.row_count < 2 * settings.leaf_rows_min {
            return None;
        }
        let gain_of_all = all.gain(settings);
        let mut best: Option<Parting> = None;
        let mut left = Sums::default();
        for (bin, sums) in by_bin.iter().enumerate().take(self.columns[feature].cuts.len()) {
            // Behind an empty bin both sides are what they were before it.
            if sums.row_count == 0 {
                continue;
            }
            left = left.joined(*sums);
            let right = all.without(left);
            if left.row_count < settings.leaf_rows_min {
                continue;
            }
            if right.row_count < settings.leaf_rows_min {
                break;
            }
            let gain = left.gain(settings) + right.gain(settings) - gain_of_all;
            if gain > best.map_or(settings.gain_min, |best| best.gain) {
                best = Some(Parting { gain, feature, bin });
            }
        }
        best
    }
}
