//! What each feature adds to the value of a tree: exact Shapley values.
//!
//! A leaf is a game by itself: with a set S of known features it is reached with the product, over the features on its path, of 1 or
//! 0 (known: the row goes there or not) and of the share of training rows that went there (unknown). The Shapley value of a product
//! follows from the coefficients of one polynomial; the values of a tree are the sums over its leaves. The result is that of
//! path-dependent TreeSHAP (Lundberg and others: From local explanations to global understanding with explainable AI for trees,
//! 2020).

use crate::tree::{Node, Tree, goes_left};

/// A feature on the way to a leaf.
#[derive(Clone, Copy)]
struct Step {
    feature: usize,
    /// 1 when the row passes all splits by this feature on the way, else 0.
    known: f64,
    /// The share of training rows that passed them.
    unknown: f64,
}

/// Adds the contributions of one tree to a row's score; answers the mean of the tree over its training rows.
pub(crate) fn add_contributions(tree: &Tree, row: &[f64], contributions: &mut [f64]) -> f64 {
    let mut walk = Walk { tree, row, contributions, steps: Vec::new(), reached: Vec::new(), mean: 0.0 };
    walk.go(0);
    walk.mean
}

/// On the way through a tree, from leaf to leaf.
struct Walk<'a> {
    tree: &'a Tree,
    row: &'a [f64],
    contributions: &'a mut [f64],
    /// Features on the way so far, each once.
    steps: Vec<Step>,
    /// How much of a leaf is reached with so many features known, over all choices of as many: the coefficients of ∏ (unknown + known·x).
    reached: Vec<f64>,
    mean: f64,
}

impl Walk<'_> {
    fn go(&mut self, place: usize) {
        match &self.tree.nodes[place] {
            Node::Leaf { value, .. } => self.leaf(*value),
            Node::Split { feature, cut, missing_right, left, right, row_count } => {
                let is_left = goes_left(self.row, *feature, *cut, *missing_right);
                for (child, is_taken) in [(*left, is_left), (*right, !is_left)] {
                    let unknown = self.tree.nodes[child].row_count() as f64 / *row_count as f64;
                    let known = if is_taken { 1.0 } else { 0.0 };
                    self.step(Step { feature: *feature, known, unknown }, child);
                }
            }
        }
    }

    /// One more split; a feature that was met before stays one step.
    fn step(&mut self, next: Step, child: usize) {
        match self.steps.iter().position(|step| step.feature == next.feature) {
            Some(met) => {
                let before = self.steps[met];
                self.steps[met].known *= next.known;
                self.steps[met].unknown *= next.unknown;
                self.go(child);
                self.steps[met] = before;
            }
            None => {
                self.steps.push(next);
                self.go(child);
                self.steps.pop();
            }
        }
    }

    fn leaf(&mut self, value: f64) {
        self.mean += value * self.steps.iter().map(|step| step.unknown).product::<f64>();
        self.reached.clear();
        self.reached.push(1.0);
        for step in &self.steps {
            self.reached.push(0.0);
            for count in (0..self.reached.len()).rev() {
                let fewer = if count == 0 { 0.0 } else { self.reached[count - 1] };
                self.reached[count] = self.reached[count] * step.unknown + fewer * step.known;
            }
        }
        for step in &self.steps {
            self.contributions[step.feature] += value * (step.known - step.unknown) * without(&self.reached, step);
        }
    }
}

/// The weighted sum over all choices of the other steps: the polynomial of all divided by that of this one, from the highest
/// power down, each coefficient with its weight.
fn without(reached: &[f64], own: &Step) -> f64 {
    let step_count = reached.len() - 1;
    // The weight of a choice of k of m−1 others is k! (m−1−k)! / m!.
    let (mut weight, mut sum, mut higher) = (1.0 / step_count as f64, 0.0, 0.0);
    for count in (0..step_count).rev() {
        let coefficient =
            if own.known == 0.0 { reached[count] / own.unknown } else { reached[count + 1] - own.unknown * higher };
        sum += weight * coefficient;
        higher = coefficient;
        if count > 0 {
            weight *= (step_count - count) as f64 / count as f64;
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dice::Dice;
    use crate::{Settings, Table, train};

    /// The mean of a tree when only these features of the row are known.
    fn conditional_mean(tree: &Tree, row: &[f64], is_known: &[bool], place: usize) -> f64 {
        match &tree.nodes[place] {
            Node::Leaf { value, .. } => *value,
            Node::Split { feature, cut, missing_right, left, right, row_count } => {
                let of = |child: usize| conditional_mean(tree, row, is_known, child);
                if is_known[*feature] {
                    return of(if goes_left(row, *feature, *cut, *missing_right) { *left } else { *right });
                }
                let share = tree.nodes[*left].row_count() as f64 / *row_count as f64;
                share * of(*left) + (1.0 - share) * of(*right)
            }
        }
    }

    /// The definition: the mean, over all orders of the features, of what this one changes when it becomes known.
    fn by_definition(tree: &Tree, row: &[f64], feature: usize) -> f64 {
        let count = row.len();
        let factorial = |number: usize| (1..=number).map(|factor| factor as f64).product::<f64>();
        let mut sum = 0.0;
        for choice in (0..1_u32 << count).filter(|choice| choice & (1 << feature) == 0) {
            let known: Vec<bool> = (0..count).map(|place| choice & (1 << place) != 0).collect();
            let mut with_own = known.clone();
            with_own[feature] = true;
            let known_count = choice.count_ones() as usize;
            let weight = factorial(known_count) * factorial(count - 1 - known_count) / factorial(count);
            let change = conditional_mean(tree, row, &with_own, 0) - conditional_mean(tree, row, &known, 0);
            sum += weight * change;
        }
        sum
    }

    #[test]
    fn contributions_are_shapley_values_by_definition() {
        let mut dice = Dice::new(5);
        let mut table = Table::new(4);
        let mut labels = Vec::new();
        for _ in 0..600 {
            let row: Vec<f64> = (0..4).map(|_| (0..6).filter(|_| dice.is_within(0.5)).count() as f64).collect();
            labels.push((row[0] > 3.0) != (row[1] > 2.0 && row[2] < 4.0));
            table.push(&row);
        }
        let settings = Settings { tree_count: 8, leaf_rows_min: 5, feature_share: 1.0, ..Settings::default() };
        let model = train(&table, &labels, &settings).unwrap();
        for row in (0..600).step_by(40).map(|row| table.row(row)) {
            let mut expected = vec![0.0; 4];
            for tree in model.trees() {
                (0..4).for_each(|feature| expected[feature] += by_definition(tree, &row, feature));
            }
            let (contributions, mean) = model.contributions(&row);
            for (found, expected) in contributions.iter().zip(&expected) {
                assert!((found - expected).abs() < 1e-9, "{contributions:?} {expected:?}");
            }
            assert!((contributions.iter().sum::<f64>() + mean - model.log_odds(&row)).abs() < 1e-9);
        }
    }
}
