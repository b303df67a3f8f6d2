//! The past once more: activities in the order in which they came, frauds from the instant at which they were known.

use std::collections::BTreeMap;

use vigie_domain::Timestamp;

use super::{Activity, Arrival, ShopHistory};
use crate::cel::Slot;

/// What happened, and when it was known as fraud, if it was.
pub type Told<'a> = (Activity<'a>, Option<Timestamp>);

/// Activities that are got ready for at once: more would not stay in the processor's cache until they are taken.
pub const APPROACHED: usize = 16;

/// A shop's past on its way from the oldest activity to the newest.
#[derive(Debug)]
pub struct Replay {
    shop: ShopHistory,
    /// Frauds that are not known yet at this place, by when they will be.
    unknown: BTreeMap<(Timestamp, u64), Activity<'static>>,
    fraud_number: u64,
}

impl Replay {
    /// With this past before it.
    pub fn new(shop: ShopHistory) -> Self {
        Self { shop, unknown: BTreeMap::new(), fraud_number: 0 }
    }

    /// Gets ready for what happens next, all of which is taken afterwards.
    pub fn approach<'a>(&self, next: impl Iterator<Item = &'a Activity<'a>>) {
        self.shop.approach_all(next);
    }

    /// Takes what happened next; whether it is a payment that is to be judged. One that was fraud says when that was known.
    pub fn take(&mut self, activity: &Activity<'_>, fraud_known_at: Option<Timestamp>) -> bool {
        self.learn(activity.at);
        let arrival = self.shop.arrive(activity);
        if !activity.is_transaction() || arrival == Arrival::Known {
            return false;
        }
        if let Some(known_at) = fraud_known_at {
            self.fraud_number += 1;
            self.unknown.insert((known_at, self.fraud_number), activity.clone().into_owned());
        }
        true
    }

    /// Lets frauds weigh that are known by now.
    fn learn(&mut self, now: Timestamp) {
        while let Some(first) = self.unknown.first_entry()
            && first.key().0 <= now
        {
            let fraud = first.remove();
            self.shop.mark_fraud(&fraud);
        }
    }

    /// The signals of the payment that was taken last.
    pub fn signals<'a>(&'a self, activity: &'a Activity<'a>) -> Vec<Slot<'a>> {
        self.shop.signals(activity)
    }
}
