//! Models of a shop's own payments: what they learn from, how they are judged before anybody trusts them, and what they say live.
//!
//! Invariant: a label is used only from the instant at which it was known, in what is learnt as in what signals say; what a model is
//! judged by is newer than everything it learnt from.

mod gain;
mod lessons;
mod live_model;
mod report;
#[cfg(test)]
mod tests;

pub use gain::Gain;
pub use lessons::{LearningError, Lessons};
pub use live_model::{LiveModel, LiveModelError, Opinion};
pub use report::{Learner, Quality, Trained, TrainingReport};

use crate::cel::{Kind, Slot};
use crate::stream::SIGNALS;

/// The signals that models look at, by place in [`SIGNALS`]: those that are numbers, or yes and no.
pub(crate) fn numeric_signals() -> impl Iterator<Item = usize> {
    let is_numeric = |place: &usize| matches!(SIGNALS[*place].kind(), Kind::Int | Kind::Double | Kind::Bool);
    (0..SIGNALS.len()).filter(is_numeric)
}

/// What is the more suspicious the more of it there is, whatever nobody has said of a payment: what a model without labels looks at.
/// One window of each kind of happening, so that none counts twice.
const RARE_WHEN_HIGH: [&str; 25] = [
    "transaction.amount",
    "transaction.is_bot",
    "email.is_throwaway",
    "user.count_10m",
    "user.amount_24h",
    "user.amount_ratio",
    "user.card_count_24h",
    "user.refund_count_24h",
    "user.failed_login_count_1h",
    "user.change_count_1h",
    "user.speed_kmh",
    "card.count_10m",
    "card.user_count_24h",
    "card.declined_count_1h",
    "device.user_count_24h",
    "device.card_count_24h",
    "device.declined_count_1h",
    "device.coupon_user_count_24h",
    "ip.card_count_1h",
    "ip.user_count_24h",
    "ip.declined_count_1h",
    "ip.failed_login_count_1h",
    "ip.page_count_1m",
    "network.card_count_1h",
    "bin.declined_card_count_1h",
];

/// A signal as a number; no number when it was not sent.
fn number(slot: Option<&Slot<'_>>) -> f64 {
    match slot {
        Some(Slot::Bool(flag)) => f64::from(u8::from(*flag)),
        Some(Slot::Int(number)) => *number as f64,
        Some(Slot::Double(number)) => *number,
        Some(Slot::Missing | Slot::Text(_) | Slot::Texts(_) | Slot::Instant(_)) | None => f64::NAN,
    }
}
