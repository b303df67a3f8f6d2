//! Memory of the strings that expressions make: each is asked for before it is made, and given back when nobody holds it any more.
//!
//! `Bounded` stands around every function that may make long strings of short ones, `||` among them; how long at most is
//! `growth`. Constants are held too (`constants`): for a batch of rows one is there as often as there are rows.

mod bounded;
mod constants;
mod growth;
mod held;
mod join;

use std::sync::Arc;

use datafusion::logical_expr::ScalarUDF;
use datafusion::logical_expr::planner::ExprPlanner;
use datafusion::optimizer::OptimizerRule;

use bounded::Bounded;
use constants::{Constant, HoldConstants};
use growth::Growth;
use join::{JoinPlanner, JoinTexts};

pub use held::TextMemory;

/// Bytes of a text that is the same in every row and may be worked out beforehand.
const CONSTANT_BYTES_MAX: usize = 1_024;

/// The function with its strings bounded, if it makes any that are longer than what it is given.
pub fn bounded(function: Arc<ScalarUDF>, memory: &Arc<TextMemory>) -> Arc<ScalarUDF> {
    match Growth::of(function.name()) {
        Some(growth) => Arc::new(Bounded::new(function, growth, CONSTANT_BYTES_MAX, memory).into()),
        None => function,
    }
}

/// Plans `||` as a function that is bounded.
pub fn join_planner(memory: &Arc<TextMemory>) -> Arc<dyn ExprPlanner> {
    let join = Arc::new(ScalarUDF::from(JoinTexts::default()));
    Arc::new(JoinPlanner::new(Arc::new(Bounded::new(join, Growth::Joined, CONSTANT_BYTES_MAX, memory).into())))
}

/// Holds the constants of a statement that has long ones.
pub fn constants_rule(memory: &Arc<TextMemory>) -> Arc<dyn OptimizerRule + Send + Sync> {
    let constant = Arc::new(ScalarUDF::from(Constant::default()));
    Arc::new(HoldConstants::new(Arc::new(Bounded::new(constant, Growth::Joined, 0, memory).into())))
}
