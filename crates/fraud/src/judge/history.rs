//! Labelled payments replayed: what was known of each when it arrived.

use vigie_domain::fraud::features::{Admission, Bounds, CardFeatures, FEATURE_NAMES, LABEL_DELAY_NANOS, Payment};

use crate::{DelayedLabels, Table};

/// More than any data set that fits into memory has.
const BOUNDS: Bounds = Bounds { keys_max: 1_000_000, kept_max: 100_000 };

/// A payment and the truth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JudgedPayment {
    /// The payment.
    pub payment: Payment,
    /// Whether it was fraud.
    pub is_fraud: bool,
}

/// Payments in order of time with their features.
#[derive(Clone, Debug)]
pub struct JudgedHistory {
    /// In order of time.
    pub payments: Vec<JudgedPayment>,
    /// A row a payment, by [`FEATURE_NAMES`].
    pub features: Table,
}

impl JudgedHistory {
    /// Replays payments as they would have arrived. Labels are told after their delay and no sooner. Payments that come twice are
    /// left out.
    pub fn replay(mut payments: Vec<JudgedPayment>) -> Self {
        payments.sort_by_key(|judged| (judged.payment.at, judged.payment.id));
        let mut streaming = CardFeatures::new(BOUNDS);
        let mut labels = DelayedLabels::new(LABEL_DELAY_NANOS);
        let mut features = Table::new(FEATURE_NAMES.len());
        payments.retain(|judged| {
            for fraud in labels.release(judged.payment.at) {
                streaming.mark_fraud(&fraud);
            }
            let (admission, values) = streaming.arrive(&judged.payment);
            if admission != Admission::Added {
                return false;
            }
            features.push(&values);
            if judged.is_fraud {
                labels.hold(judged.payment);
            }
            true
        });
        Self { payments, features }
    }
}
