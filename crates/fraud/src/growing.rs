//! Growing one tree: the leaf that gains most is split next, by sums of gradients per bin.
//!
//! Second-order boosting as in Chen and Guestrin, XGBoost (2016), equations 6 and 7; best leaf first as in LightGBM (2017).

use crate::Settings;
use crate::binning::Binned;
use crate::side_by_side::side_by_side;
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

    /// Slope, and curvature with the penalty of a leaf.
    fn terms(self, settings: &Settings) -> (f64, f64) {
        (self.slope as f64 / ONE, self.curvature as f64 / ONE + settings.leaf_penalty)
    }

    /// How much a leaf with these rows lowers the loss.
    fn gain(self, settings: &Settings) -> f64 {
        let (slope, curvature) = self.terms(settings);
        slope * slope / curvature
    }

    /// The value that lowers the loss most.
    fn best_value(self, settings: &Settings) -> f64 {
        let (slope, curvature) = self.terms(settings);
        -slope / curvature * settings.learning_rate
    }

    /// Whether leaves with the rows of both may lower the loss by more than that together. What is a little less passes too: this is
    /// told without dividing, which takes most of the time, and rounded otherwise than a sum of two gains.
    fn may_gain(self, other: Self, more_than: f64, settings: &Settings) -> bool {
        const ROUNDING: f64 = 1e-9;
        let ((slope, curvature), (other_slope, other_curvature)) = (self.terms(settings), other.terms(settings));
        let both = slope * slope * other_curvature + other_slope * other_slope * curvature;
        both > more_than * (1.0 - ROUNDING) * (curvature * other_curvature)
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

/// Values that are added up and bins that are looked at, over all features of a leaf, from which on other processors help.
const SHARED_SUMS_MIN: usize = 50_000;

/// What a leaf knows of a feature that its tree looks at.
struct Looked {
    feature: usize,
    by_bin: Vec<Sums>,
    parting: Option<Parting>,
}

/// A leaf that may still be split.
struct Open {
    node: usize,
    rows: Vec<u32>,
    sums: Sums,
    features: Vec<Looked>,
}

impl Open {
    /// The best way to part it. Of equal gains the first feature wins.
    fn parting(&self) -> Option<Parting> {
        let partings = self.features.iter().filter_map(|looked| looked.parting);
        partings.reduce(|best, next| if next.gain > best.gain { next } else { best })
    }
}

/// A tree, and the rows that it was grown on by the value of their leaf.
pub(crate) struct Grown {
    pub(crate) tree: Tree,
    pub(crate) leaves: Vec<(f64, Vec<u32>)>,
}

/// What trees of one training have in common.
pub(crate) struct Ground<'a> {
    pub(crate) columns: &'a [Binned],
    pub(crate) gradients: &'a [Gradient],
    pub(crate) settings: &'a Settings,
}

impl Ground<'_> {
    /// Grows a tree on these rows, looking at these features only.
    pub(crate) fn grow(&self, rows: Vec<u32>, features: &[usize]) -> Grown {
        let mut nodes = Vec::new();
        let sums = self.sums(&rows);
        let looked = side_by_side(features, (rows.len() * features.len(), SHARED_SUMS_MIN), |feature| {
            self.looked(*feature, self.histogram(*feature, &rows), sums)
        });
        let mut open = vec![self.open_leaf(rows, sums, looked, &mut nodes)];
        for leaf_count in 2..=self.settings.leaves_max {
            let gain = |leaf: &Open| leaf.parting().map_or(f64::NEG_INFINITY, |parting| parting.gain);
            let Some(best) = (0..open.len()).max_by(|a, b| gain(&open[*a]).total_cmp(&gain(&open[*b])).then(b.cmp(a)))
            else {
                break;
            };
            let Some(parting) = open[best].parting() else { break };
            let leaf = open.swap_remove(best);
            // The last two leaves are not parted any more.
            let looked_at = if leaf_count < self.settings.leaves_max { leaf.features.as_slice() } else { &[] };
            let parted = self.parted(&leaf, parting, looked_at);
            let children = parted.map(|(rows, sums, looked)| self.open_leaf(rows, sums, looked, &mut nodes));
            nodes[leaf.node] = Node::Split {
                feature: parting.feature,
                cut: self.columns[parting.feature].cuts[parting.bin],
                missing_right: false,
                left: children[0].node,
                right: children[1].node,
                row_count: leaf.sums.row_count,
            };
            open.extend(children);
        }
        let leaves = open.into_iter().map(|leaf| (leaf.sums.best_value(self.settings), leaf.rows)).collect();
        Grown { tree: Tree { nodes }, leaves }
    }

    /// The rows of a leaf on both sides, with what is known of them by the features that are looked at. The smaller side is added up; what
    /// the leaf has besides is the other's.
    fn parted(&self, leaf: &Open, parting: Parting, looked_at: &[Looked]) -> [(Vec<u32>, Sums, Vec<Looked>); 2] {
        let bins = &self.columns[parting.feature].bins;
        let (left, right): (Vec<u32>, Vec<u32>) =
            leaf.rows.iter().partition(|row| usize::from(bins[**row as usize]) <= parting.bin);
        let is_left_smaller = left.len() <= right.len();
        let (small, large) = if is_left_smaller { (left, right) } else { (right, left) };
        let small_sums = self.sums(&small);
        let large_sums = leaf.sums.without(small_sums);
        let steps = looked_at.iter().map(|looked| small.len() + 2 * looked.by_bin.len()).sum();
        let looked = side_by_side(looked_at, (steps, SHARED_SUMS_MIN), |Looked { feature, by_bin, .. }| {
            let of_small = self.histogram(*feature, &small);
            let of_large = by_bin.iter().zip(&of_small).map(|(all, part)| all.without(*part)).collect();
            (self.looked(*feature, of_small, small_sums), self.looked(*feature, of_large, large_sums))
        });
        let (of_small, of_large) = looked.into_iter().unzip();
        let (small, large) = ((small, small_sums, of_small), (large, large_sums, of_large));
        if is_left_smaller { [small, large] } else { [large, small] }
    }

    fn sums(&self, rows: &[u32]) -> Sums {
        let mut sums = Sums::default();
        rows.iter().for_each(|row| sums.add(self.gradients[*row as usize]));
        sums
    }

    fn histogram(&self, feature: usize, rows: &[u32]) -> Vec<Sums> {
        let column = &self.columns[feature];
        let mut by_bin = vec![Sums::default(); column.bin_count()];
        for row in rows {
            by_bin[usize::from(column.bins[*row as usize])].add(self.gradients[*row as usize]);
        }
        by_bin
    }

    fn looked(&self, feature: usize, by_bin: Vec<Sums>, all: Sums) -> Looked {
        let parting = self.best_parting(feature, &by_bin, all);
        Looked { feature, by_bin, parting }
    }

    fn open_leaf(&self, rows: Vec<u32>, sums: Sums, features: Vec<Looked>, nodes: &mut Vec<Node>) -> Open {
        let node = nodes.len();
        nodes.push(Node::Leaf { value: sums.best_value(self.settings), row_count: sums.row_count });
        Open { node, rows, sums, features }
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
            let least = best.map_or(settings.gain_min, |best| best.gain);
            if !left.may_gain(right, least + gain_of_all, settings) {
                continue;
            }
            let gain = left.gain(settings) + right.gain(settings) - gain_of_all;
            if gain > least {
                best = Some(Parting { gain, feature, bin });
            }
        }
        best
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sums() -> impl Strategy<Value = Sums> {
        let rows = proptest::collection::vec((-1.0_f64..1.0, 0.0_f64..0.25), 1..40);
        rows.prop_map(|rows| {
            let mut sums = Sums::default();
            rows.into_iter().for_each(|(slope, curvature)| sums.add(Gradient::new(slope, curvature)));
            sums
        })
    }

    proptest! {
        #[test]
        fn what_gains_is_never_passed_over(left in sums(), right in sums(), share in 0.0_f64..2.0) {
            let settings = Settings::default();
            let gain = left.gain(&settings) + right.gain(&settings);
            prop_assert!(left.may_gain(right, gain.next_down(), &settings));
            prop_assert!(gain <= gain * share || left.may_gain(right, gain * share, &settings));
            prop_assert!(gain < 1e-6 || !left.may_gain(right, gain * 1.001, &settings), "few others are looked at");
        }
    }
}
