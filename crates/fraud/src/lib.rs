//! Models of fraud: boosted trees that learn from labelled payments, a detector that needs no labels, and the judge of both.
//!
//! Pure: no I/O, no clock, no threads. The same rows, settings and seed give the same model, bit for bit. What the models look at is
//! made by `vigie_domain::fraud::features`. Nothing here is wired to the server yet: `docs/fraud.md` says what exists.

mod binning;
mod boosting;
pub mod cel;
mod dice;
mod growing;
pub mod judge;
mod labels;
mod metrics;
mod model;
pub mod rules;
pub mod scoring;
mod shapley;
pub mod stream;
mod table;
mod tails;
mod tree;

pub use boosting::{Settings, train};
pub use labels::DelayedLabels;
pub use metrics::{ScoredPayment, area_under_roc, average_precision, card_precision};
pub use model::{Model, ModelError};
pub use table::Table;
pub use tails::TailDetector;
