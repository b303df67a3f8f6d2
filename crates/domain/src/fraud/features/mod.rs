//! Streaming features: what the past of a card, a device or a merchant says when one of its transactions arrives.
//!
//! Windows lie over event time, `(t−w, t]`, the transaction itself included. All sums are of integers and every history is a
//! function of the *set* of its occurrences, not of the order in which they came: live, restarted and replayed values are
//! equal bit for bit, and so is the state after events that were up to [`LATENESS_NANOS_MAX`] late.

mod amount;
mod calendar;
mod card;
mod company;
mod habit;
mod history;
mod hours;
mod shards;
mod snapshot;
mod streak;
mod totals;
mod window;
mod windows;

pub use amount::Amount;
pub use calendar::{is_night, is_weekend};
pub use card::{CardFeatures, FEATURE_NAMES, FeatureValues, PLAIN_FEATURE_COUNT, Payment};
pub use history::{History, Occurrence};
pub use shards::Shards;
pub use snapshot::SnapshotError;
pub use streak::FraudStreak;
pub use totals::Totals;
pub use window::{LABEL_DELAY_NANOS, LATENESS_NANOS_MAX, Window, WindowTotals};
pub use windows::{Admission, Bounds, Windows};

#[cfg(test)]
mod tests;
