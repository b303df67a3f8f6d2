//! Models that XGBoost trained, from the JSON that it saves.
//!
//! Its trees say the same of every row here, but for the rounding of sums: it compares and adds in 32 bits. The layout is that of
//! XGBoost's own schema of models ("Introduction to Model IO" in its documentation), versions 1.6 to 3.

use std::collections::VecDeque;

use serde::Deserialize;

use crate::Model;
use crate::model::ModelError;
use crate::tree::{Node, Tree};

/// What a model may be for: the chance of one of two things, as the log of its odds.
const OBJECTIVES: [&str; 2] = ["binary:logistic", "binary:logitraw"];
/// Trees of a model.
const TREES_MAX: usize = 5_000;
/// What a leaf adds to the log of the odds at most: far more than turns any chance into certainty.
const LEAF_MAX: f64 = 1e6;
/// Rows that the weight of a node stands for: none counts as nothing, and sums of them have room.
const ROWS_MIN: f64 = 1.0;
const ROWS_MAX: f64 = 1e9;
/// The weight of all rows at least.
const WEIGHT_MIN: f64 = 1.0;
/// Rows that the weights of a model's first tree stand for in all: weights are sums of second derivatives and no counts.
const ROWS_OF_ROOT: f64 = 1_000_000.0;

/// Why a text is no model that can be taken over.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// It is not JSON as XGBoost saves it.
    #[error("no model of XGBoost: {0}; save it with save_model(\"model.json\")")]
    Text(#[from] serde_json::Error),
    /// It is for something else than telling frauds from good payments.
    #[error("the objective is \"{0}\": train with \"binary:logistic\"")]
    Objective(String),
    /// It has no trees.
    #[error("the booster is \"{0}\": train with \"gbtree\"")]
    Booster(String),
    /// Nobody can tell what it looks at.
    #[error(
        "the model names {named} features and looks at {used}: train it on a table whose columns have the names of signals"
    )]
    Names {
        /// Names that it has.
        named: usize,
        /// Features that there are.
        used: usize,
    },
    /// A number that is written as text is none.
    #[error("\"{name}\" is {text:?}, which is no number")]
    Number {
        /// What it is.
        name: &'static str,
        /// What stands there.
        text: String,
    },
    /// A tree cannot be walked.
    #[error("tree {tree} is damaged or too large: {why}")]
    Tree {
        /// Which, from 0.
        tree: usize,
        /// What is wrong.
        why: &'static str,
    },
    /// There are none, or too many.
    #[error("{0} trees: 1 to {TREES_MAX} are taken over")]
    TreeCount(usize),
    /// Trees are whole each for itself, but not together.
    #[error(transparent)]
    Model(#[from] ModelError),
}

/// A model that was trained elsewhere.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    /// Names of what it looks at, in the order of its features.
    pub features: Vec<String>,
    /// The model.
    pub model: Model,
}

#[derive(Deserialize)]
struct Document {
    learner: Learner,
}

#[derive(Deserialize)]
struct Learner {
    #[serde(default)]
    feature_names: Vec<String>,
    #[serde(default)]
    attributes: Attributes,
    gradient_booster: Booster,
    learner_model_param: Parameters,
    objective: Objective,
}

#[derive(Default, Deserialize)]
struct Attributes {
    /// The round that early stopping found best.
    best_iteration: Option<String>,
}

#[derive(Deserialize)]
struct Parameters {
    base_score: String,
    num_feature: String,
}

#[derive(Deserialize)]
struct Objective {
    name: String,
}

#[derive(Deserialize)]
struct Booster {
    name: String,
    #[serde(default)]
    model: Trees,
}

#[derive(Default, Deserialize)]
struct Trees {
    // Other boosters have none.
    #[serde(default)]
    trees: Vec<SavedTree>,
    /// Where the trees of each round begin, and where the last ones end.
    #[serde(default)]
    iteration_indptr: Vec<usize>,
}

/// A tree as lists with a place for every node.
#[derive(Deserialize)]
struct SavedTree {
    left_children: Vec<i64>,
    right_children: Vec<i64>,
    split_indices: Vec<usize>,
    /// Of a leaf what it adds.
    split_conditions: Vec<f64>,
    default_left: Vec<Flag>,
    sum_hessian: Vec<f64>,
    #[serde(default)]
    split_type: Vec<i64>,
}

/// As versions write it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Flag {
    Number(i64),
    Bool(bool),
}

impl Flag {
    const fn is_set(&self) -> bool {
        match self {
            Self::Number(number) => *number != 0,
            Self::Bool(flag) => *flag,
        }
    }
}

/// Reads a model from the JSON that XGBoost's `save_model` writes. Of one that stopped early, the trees up to its best round are
/// taken, as its own interface for classifiers does.
///
/// # Errors
/// When it is none, is no classifier of two kinds made of trees, does not name its features, or is damaged.
pub fn import_xgboost(json: &[u8]) -> Result<Imported, ImportError> {
    let Document { learner } = serde_json::from_slice(json)?;
    if !OBJECTIVES.contains(&learner.objective.name.as_str()) {
        return Err(ImportError::Objective(learner.objective.name));
    }
    if learner.gradient_booster.name != "gbtree" {
        return Err(ImportError::Booster(learner.gradient_booster.name));
    }
    let feature_count = number("num_feature", &learner.learner_model_param.num_feature)? as usize;
    if feature_count == 0 || learner.feature_names.len() != feature_count {
        return Err(ImportError::Names { named: learner.feature_names.len(), used: feature_count });
    }
    let Trees { mut trees, iteration_indptr } = learner.gradient_booster.model;
    if let Some(best) = &learner.attributes.best_iteration {
        let round = number("best_iteration", best)? as usize;
        // Without the list a round is one tree.
        let end = if iteration_indptr.is_empty() { Some(round + 1) } else { iteration_indptr.get(round + 1).copied() };
        trees.truncate(end.unwrap_or(trees.len()));
    }
    if trees.is_empty() || trees.len() > TREES_MAX {
        return Err(ImportError::TreeCount(trees.len()));
    }
    let rows_per_weight = trees[0].sum_hessian.first().map_or(1.0, |weight| ROWS_OF_ROOT / weight.max(WEIGHT_MIN));
    let made = trees
        .iter()
        .enumerate()
        .map(|(place, tree)| tree.made(rows_per_weight).map_err(|why| ImportError::Tree { tree: place, why }));
    let made = made.collect::<Result<Vec<_>, _>>()?;
    let unsound = made.iter().position(|tree| !tree.is_sound(feature_count));
    if let Some(tree) = unsound {
        return Err(ImportError::Tree { tree, why: "it has too many nodes, or looks at a feature that there is not" });
    }
    let base = base(&learner.learner_model_param.base_score, &learner.objective.name)?;
    Ok(Imported { features: learner.feature_names, model: Model::new(feature_count, base, made) })
}

/// The log of the odds before any tree: saved as a chance, from version 3 on in a list of one.
fn base(text: &str, objective: &str) -> Result<f64, ImportError> {
    let score = number("base_score", text.trim_start_matches('[').trim_end_matches(']'))?;
    let log_odds = if objective == "binary:logistic" { (score / (1.0 - score)).ln() } else { score };
    let is_number = log_odds.is_finite();
    is_number.then_some(log_odds).ok_or_else(|| ImportError::Number { name: "base_score", text: text.to_owned() })
}

fn number(name: &'static str, text: &str) -> Result<f64, ImportError> {
    let number = text.trim().parse().ok().filter(|number: &f64| number.is_finite());
    number.ok_or_else(|| ImportError::Number { name, text: text.to_owned() })
}

impl SavedTree {
    /// The tree with its nodes in the order in which they are met from above, so that children lie behind their parents.
    fn made(&self, rows_per_weight: f64) -> Result<Tree, &'static str> {
        let count = self.left_children.len();
        let lengths = [
            self.right_children.len(),
            self.split_indices.len(),
            self.split_conditions.len(),
            self.default_left.len(),
            self.sum_hessian.len(),
        ];
        if count == 0 || lengths.iter().any(|length| *length != count) {
            return Err("its lists are not of one length");
        }
        if self.split_type.iter().any(|kind| *kind != 0) {
            return Err("it splits by category: give categories columns of their own");
        }
        let mut nodes: Vec<Node> = Vec::with_capacity(count);
        let mut waiting = VecDeque::from([0_usize]);
        let mut is_met = vec![false; count];
        // The place of a child that is not made yet: all that wait are made in their order.
        let mut next = 1;
        while let Some(saved) = waiting.pop_front() {
            if std::mem::replace(&mut is_met[saved], true) {
                return Err("a node has two parents");
            }
            nodes.push(match self.children(saved)? {
                None if self.split_conditions[saved].abs() > LEAF_MAX => return Err("a leaf adds more than a million"),
                None => {
                    Node::Leaf { value: self.split_conditions[saved], row_count: self.rows(saved, rows_per_weight) }
                }
                Some(children) => {
                    waiting.extend(children);
                    next += 2;
                    Node::Split {
                        feature: self.split_indices[saved],
                        cut: cut(self.split_conditions[saved]),
                        missing_right: !self.default_left[saved].is_set(),
                        left: next - 2,
                        right: next - 1,
                        row_count: 0,
                    }
                }
            });
        }
        // What is above counts what is below, so that nothing is lost by rounding.
        for place in (0..nodes.len()).rev() {
            let Node::Split { left, right, .. } = nodes[place] else { continue };
            let below = nodes[left].row_count() + nodes[right].row_count();
            if let Node::Split { row_count, .. } = &mut nodes[place] {
                *row_count = below;
            }
        }
        Ok(Tree { nodes })
    }

    /// The two nodes below, none below a leaf.
    fn children(&self, saved: usize) -> Result<Option<[usize; 2]>, &'static str> {
        let (left, right) = (self.left_children[saved], self.right_children[saved]);
        if left == -1 && right == -1 {
            return Ok(None);
        }
        let known = |child: i64| usize::try_from(child).ok().filter(|child| *child < self.left_children.len());
        known(left)
            .zip(known(right))
            .map(|(left, right)| Some([left, right]))
            .ok_or("a node has a child that there is not")
    }

    fn rows(&self, saved: usize, rows_per_weight: f64) -> usize {
        (self.sum_hessian[saved] * rows_per_weight).round().clamp(ROWS_MIN, ROWS_MAX) as usize
    }
}

/// The largest number that goes left at this threshold: values are rounded to 32 bits there, and go left when they are below it.
fn cut(threshold: f64) -> f64 {
    let threshold = threshold as f32;
    let middle = f64::from(threshold.next_down()).midpoint(f64::from(threshold));
    if (middle as f32) < threshold { middle } else { middle.next_down() }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    /// Made by XGBoost 3.2 from random numbers, and what it says of rows, those at thresholds among them.
    const MODEL: &str = include_str!("../samples/xgboost/model.json");
    const SCORES: &str = include_str!("../samples/xgboost/scores.json");

    #[derive(Deserialize)]
    struct Scores {
        rows: Vec<Vec<Option<f64>>>,
        log_odds: Vec<f64>,
    }

    /// The model with a place of it changed.
    fn changed(pointer: &str, value: Value) -> String {
        let mut model: Value = serde_json::from_str(MODEL).unwrap();
        *model.pointer_mut(pointer).unwrap_or_else(|| panic!("there is no {pointer}")) = value;
        model.to_string()
    }

    #[test]
    fn it_says_what_xgboost_says() {
        let imported = import_xgboost(MODEL.as_bytes()).unwrap();
        assert_eq!(imported.features, ["transaction.amount", "user.count_10m", "user.amount_ratio", "user.speed_kmh"]);
        let Scores { rows, log_odds } = serde_json::from_str(SCORES).unwrap();
        assert!(rows.len() > 50 && rows.iter().flatten().any(Option::is_none));
        for (row, expected) in rows.iter().zip(log_odds) {
            let row: Vec<f64> = row.iter().map(|value| value.unwrap_or(f64::NAN)).collect();
            let found = imported.model.log_odds(&row);
            assert!((found - expected).abs() < 1e-5, "{row:?}: {found} and not {expected}");
            let (contributions, mean) = imported.model.contributions(&row);
            assert!((contributions.iter().sum::<f64>() + mean - found).abs() < 1e-9, "{row:?}");
        }
        let kept = Model::from_json(&imported.model.to_json().unwrap()).unwrap();
        assert_eq!(kept, imported.model);
    }

    #[test]
    fn trees_behind_the_best_round_are_left_out() {
        let with_best = |round: &str| changed("/learner/attributes", serde_json::json!({ "best_iteration": round }));
        let trees = |text: &str| import_xgboost(text.as_bytes()).unwrap().model.trees().len();
        assert_eq!([trees(MODEL), trees(&with_best("1")), trees(&with_best("9"))], [4, 2, 4]);
    }

    #[test]
    fn weights_of_any_size_count_as_rows() {
        for weight in [1e300, 1e-300, 0.0, -5.0] {
            let text = changed("/learner/gradient_booster/model/trees/0/sum_hessian/0", weight.into());
            import_xgboost(text.as_bytes()).unwrap();
            let text = changed("/learner/gradient_booster/model/trees/1/sum_hessian/12", weight.into());
            import_xgboost(text.as_bytes()).unwrap();
        }
    }

    #[test]
    fn what_cannot_be_taken_over_says_why() {
        let check = |text: &str, expected: &str| {
            let error = import_xgboost(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        };
        let tree = "/learner/gradient_booster/model/trees/1";
        check("{}", "no model of XGBoost: missing field `learner`");
        check("[1", "no model of XGBoost");
        check(&changed("/learner/objective/name", "reg:squarederror".into()), "train with \"binary:logistic\"");
        check(&changed("/learner/gradient_booster/name", "dart".into()), "the booster is \"dart\"");
        check(&changed("/learner/feature_names", serde_json::json!([])), "names 0 features and looks at 4");
        check(&changed("/learner/learner_model_param/num_feature", "x".into()), "\"num_feature\" is \"x\"");
        check(&changed("/learner/learner_model_param/base_score", "1".into()), "\"base_score\" is \"1\"");
        check(&changed("/learner/gradient_booster/model/trees", serde_json::json!([])), "0 trees");
        for (list, value, expected) in [
            ("left_children", serde_json::json!([]), "not of one length"),
            ("left_children/0", 77.into(), "a child that there is not"),
            ("left_children/0", 0.into(), "two parents"),
            ("right_children/0", 1.into(), "two parents"),
            ("right_children/0", (-1).into(), "a child that there is not"),
            ("split_indices/0", 4.into(), "a feature that there is not"),
            ("split_type/0", 1.into(), "by category"),
            ("split_conditions/12", 1e30.into(), "a leaf adds more"),
        ] {
            let text = changed(&format!("{tree}/{list}"), value);
            check(&text, "tree 1 is damaged or too large: ");
            check(&text, expected);
        }
    }
}
