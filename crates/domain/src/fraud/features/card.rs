//! The features of a card payment, from the pasts of its card and its merchant.

use super::history::Occurrence;
use super::{
    Admission, Amount, Bounds, History, LABEL_DELAY_NANOS, SnapshotError, Window, Windows, is_night, is_weekend,
};
use crate::Timestamp;

/// What the features of a payment are called, in their order.
pub const FEATURE_NAMES: [&str; 23] = [
    "amount",
    "is_weekend",
    "is_night",
    "card_count_24h",
    "card_mean_24h",
    "card_count_7d",
    "card_mean_7d",
    "card_count_30d",
    "card_mean_30d",
    "merchant_count_24h",
    "merchant_risk_24h",
    "merchant_count_7d",
    "merchant_risk_7d",
    "merchant_count_30d",
    "merchant_risk_30d",
    "amount_ratio",
    "card_mean_before",
    "card_unusual_count_7d",
    "card_unusual_count_30d",
    "merchant_streak_count",
    "merchant_good_count_since",
    "merchant_streak_first_age_days",
    "merchant_streak_last_age_days",
];
/// The first ones, which the literature uses: amount, calendar, windows of the card, delayed windows and risk of the merchant.
pub const PLAIN_FEATURE_COUNT: usize = 15;

/// The features of one payment, in the order of [`FEATURE_NAMES`].
pub type FeatureValues = [f64; FEATURE_NAMES.len()];

/// The windows of the plain features.
const PLAIN_WINDOWS: [Window; 3] = [Window::Hours24, Window::Days7, Window::Days30];

/// A payment by card, as far as features look at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payment {
    /// When it was made.
    pub at: Timestamp,
    /// What tells it from others of the same instant.
    pub id: u64,
    /// The hash of its card.
    pub card: u64,
    /// The hash of who is paid: merchant or terminal.
    pub merchant: u64,
    /// How much is paid.
    pub amount: Amount,
}

/// The pasts of all cards and merchants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardFeatures {
    cards: Windows,
    merchants: Windows,
}

impl CardFeatures {
    /// Without any past.
    pub fn new(bounds: Bounds) -> Self {
        Self { cards: Windows::new(bounds), merchants: Windows::new(bounds) }
    }

    /// Puts a payment in its place and tells its features, itself included.
    pub fn arrive(&mut self, payment: &Payment) -> (Admission, FeatureValues) {
        let Payment { at, id, card, merchant, amount } = *payment;
        let admission = self.cards.insert(card, Occurrence { at, id, amount, item: merchant });
        if admission == Admission::Added {
            self.merchants.insert(merchant, Occurrence { at, id, amount, item: card });
        }
        (admission, self.features(payment))
    }

    fn features(&self, payment: &Payment) -> FeatureValues {
        let Payment { at, id, .. } = *payment;
        let unknown = History::default();
        let card = self.cards.history(payment.card).unwrap_or(&unknown);
        let merchant = self.merchants.history(payment.merchant).unwrap_or(&unknown);
        let of_card = PLAIN_WINDOWS.map(|window| card.window(window, at).totals);
        let labels_end = at.saturating_add_nanos(-LABEL_DELAY_NANOS);
        let of_merchant = PLAIN_WINDOWS.map(|window| merchant.window(window, labels_end).totals);
        let (amount_ratio, mean_before) = card.amount_ratio(at, id);
        let streak = merchant.fraud_streak(at);
        [
            payment.amount.units(),
            f64::from(u8::from(is_weekend(at))),
            f64::from(u8::from(is_night(at))),
            of_card[0].count as f64,
            of_card[0].mean(),
            of_card[1].count as f64,
            of_card[1].mean(),
            of_card[2].count as f64,
            of_card[2].mean(),
            of_merchant[0].count as f64,
            of_merchant[0].fraud_share(),
            of_merchant[1].count as f64,
            of_merchant[1].fraud_share(),
            of_merchant[2].count as f64,
            of_merchant[2].fraud_share(),
            amount_ratio,
            mean_before,
            card.unusual_count(Window::Days7, at, id) as f64,
            card.unusual_count(Window::Days30, at, id) as f64,
            streak.fraud_count as f64,
            streak.good_count as f64,
            streak.first_age_days,
            streak.last_age_days,
        ]
    }

    /// Notes that a payment was fraud; false when it is unknown or was marked before.
    pub fn mark_fraud(&mut self, payment: &Payment) -> bool {
        let Payment { at, id, card, merchant, .. } = *payment;
        let is_usual = self.cards.history(card).is_none_or(|history| history.is_usual(at, id));
        self.merchants.mark_fraud(merchant, (at, id), is_usual)
    }

    /// Appends the state.
    pub fn write_snapshot(&self, out: &mut Vec<u8>) {
        self.cards.write_snapshot(out);
        self.merchants.write_snapshot(out);
    }

    /// Reads a state from the front of `bytes`.
    ///
    /// # Errors
    /// When the bytes are not what [`Self::write_snapshot`] writes.
    pub fn read_snapshot(bytes: &mut &[u8], bounds: Bounds) -> Result<Self, SnapshotError> {
        Ok(Self { cards: Windows::read_snapshot(bytes, bounds)?, merchants: Windows::read_snapshot(bytes, bounds)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::NANOS_PER_DAY;

    const BOUNDS: Bounds = Bounds { keys_max: 100, kept_max: 1_000 };

    fn payment(id: u64, day: f64, units: f64) -> Payment {
        let at = Timestamp::from_nanos((day * NANOS_PER_DAY as f64) as i64);
        Payment { at, id, card: id % 3, merchant: id % 2, amount: Amount::from_units(units).unwrap() }
    }

    fn value(values: &FeatureValues, name: &str) -> f64 {
        values[FEATURE_NAMES.iter().position(|known| *known == name).unwrap()]
    }

    #[test]
    fn a_fraud_weighs_on_its_merchant_once_its_label_can_be_known() {
        let mut features = CardFeatures::new(BOUNDS);
        let fraud = payment(0, 100.0, 20.0);
        features.arrive(&fraud);
        assert!(features.mark_fraud(&fraud));
        assert!(!features.mark_fraud(&fraud));
        let risk = |features: &mut CardFeatures, id: u64, day: f64| {
            let (_, values) = features.arrive(&payment(id, day, 20.0));
            (value(&values, "merchant_risk_7d"), value(&values, "merchant_streak_count"))
        };
        assert_eq!(risk(&mut features, 2, 106.9), (0.0, 0.0));
        assert_eq!(risk(&mut features, 4, 107.0), (1.0, 1.0));
        assert_eq!(risk(&mut features, 5, 107.0), (0.0, 0.0));
        assert_eq!(risk(&mut features, 6, 113.95), (0.5, 1.0));
    }

    #[test]
    fn a_fraud_with_an_unusual_amount_starts_no_streak() {
        let mut features = CardFeatures::new(BOUNDS);
        features.arrive(&payment(0, 100.0, 20.0));
        let fraud = payment(6, 100.5, 200.0);
        features.arrive(&fraud);
        features.mark_fraud(&fraud);
        let (_, values) = features.arrive(&payment(12, 108.0, 20.0));
        assert_eq!(value(&values, "merchant_risk_7d"), 0.5);
        assert_eq!(value(&values, "merchant_streak_count"), 0.0);
        assert_eq!(value(&values, "card_unusual_count_30d"), 1.0);
    }

    #[test]
    fn features_after_a_restart_are_the_same_bit_for_bit() {
        let mut undisturbed = CardFeatures::new(BOUNDS);
        let mut restored = CardFeatures::new(BOUNDS);
        for id in 0..400 {
            if id % 90 == 0 {
                let mut bytes = Vec::new();
                restored.write_snapshot(&mut bytes);
                restored = CardFeatures::read_snapshot(&mut bytes.as_slice(), BOUNDS).unwrap();
            }
            let payment = payment(id, 100.0 + id as f64 / 7.3, 5.0 + (id * 37 % 101) as f64 / 3.0);
            let (left, right) = (undisturbed.arrive(&payment).1, restored.arrive(&payment).1);
            assert_eq!(left.map(f64::to_bits), right.map(f64::to_bits), "{id}");
            if id % 5 == 0 {
                assert_eq!(undisturbed.mark_fraud(&payment), restored.mark_fraud(&payment));
            }
        }
        assert_eq!(undisturbed, restored);
    }
}
