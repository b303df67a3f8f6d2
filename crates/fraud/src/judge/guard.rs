//! Against fooling oneself: results that nothing which waits for its labels can reach are no success.

use super::Measured;

/// No scorer that waits for labels reaches more average precision on the four folds of the handbook's payments.
const AVERAGE_PRECISION_MAX: f64 = 0.80;
/// Nor more area under the curve.
const AREA_UNDER_ROC_MAX: f64 = 0.90;

/// A result that is too good: something of the future has leaked into features or training.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error(
    "a leak: \"{name}\" reached an area under the curve of {:.3} and an average precision of {:.3}; what waits for labels \
     stays below {AREA_UNDER_ROC_MAX} and {AVERAGE_PRECISION_MAX}: look for a feature that knows the future",
    measured.area_under_roc,
    measured.average_precision
)]
pub struct Leak {
    /// What was judged.
    pub name: String,
    /// What it reached.
    pub measured: Measured,
}

/// Refuses what is too good to be true.
///
/// # Errors
/// When the result is beyond what waiting for labels allows.
pub(super) fn refuse_leaks(name: &str, measured: Measured) -> Result<(), Leak> {
    let is_leak = measured.average_precision > AVERAGE_PRECISION_MAX || measured.area_under_roc > AREA_UNDER_ROC_MAX;
    if is_leak { Err(Leak { name: name.to_owned(), measured }) } else { Ok(()) }
}
