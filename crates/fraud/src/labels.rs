//! Labels that wait until they can be known.

use std::collections::BTreeMap;

use vigie_domain::Timestamp;
use vigie_domain::fraud::features::Payment;

/// Payments that turned out to be fraud, each held back until its label is known.
#[derive(Clone, Debug)]
pub struct DelayedLabels {
    delay_nanos: i64,
    /// By instant and id of the payment.
    waiting: BTreeMap<(Timestamp, u64), Payment>,
}

impl DelayedLabels {
    /// Holds back every label for this long after its payment.
    pub fn new(delay_nanos: i64) -> Self {
        Self { delay_nanos, waiting: BTreeMap::new() }
    }

    /// Takes a payment that is fraud, which nobody knows yet.
    pub fn hold(&mut self, fraud: Payment) {
        self.waiting.insert((fraud.at, fraud.id), fraud);
    }

    /// The frauds that are known by `now` and were not before, the oldest first.
    pub fn release(&mut self, now: Timestamp) -> Vec<Payment> {
        let newest_known = now.saturating_add_nanos(-self.delay_nanos);
        let still_waiting = match newest_known.as_nanos().checked_add(1) {
            Some(nanos) => self.waiting.split_off(&(Timestamp::from_nanos(nanos), 0)),
            None => BTreeMap::new(),
        };
        std::mem::replace(&mut self.waiting, still_waiting).into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vigie_domain::fraud::features::Amount;

    #[test]
    fn a_label_is_known_after_its_delay_and_once() {
        let payment = |second: i64, id: u64| Payment {
            at: Timestamp::from_seconds(second),
            id,
            card: 1,
            merchant: 2,
            amount: Amount::default(),
        };
        let mut labels = DelayedLabels::new(Timestamp::from_seconds(100).as_nanos());
        labels.hold(payment(20, 2));
        labels.hold(payment(10, 1));
        labels.hold(payment(10, 0));
        let mut known = |second: i64| -> Vec<u64> {
            labels.release(Timestamp::from_seconds(second)).iter().map(|payment| payment.id).collect()
        };
        assert_eq!(known(109), [0; 0]);
        assert_eq!(known(110), [0, 1]);
        assert_eq!(known(110), [0; 0]);
        assert_eq!(known(500), [2]);
    }
}
