//! What judges payments: signals of what was before, rules, lists, models that learn from labelled payments, and the judge of all of them.
//!
//! Pure: no I/O, no clock, no threads. The same events, rows, settings and seed give the same decisions and models, bit for bit.

pub mod backtest;
mod binning;
mod boosting;
pub mod cel;
mod dice;
mod growing;
pub mod judge;
mod labels;
pub mod learning;
pub mod lists;
mod metrics;
mod model;
pub mod rules;
pub mod scoring;
mod shapley;
mod side_by_side;
pub mod stream;
mod table;
mod tails;
mod tree;
mod xgboost;

pub use boosting::{Settings, train};
pub use labels::DelayedLabels;
pub use metrics::{ScoredPayment, area_under_roc, average_precision, card_precision};
pub use model::{Model, ModelError};
pub use table::Table;
pub use tails::TailDetector;
pub use xgboost::{ImportError, Imported, import_xgboost};
