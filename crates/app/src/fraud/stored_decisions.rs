//! The newest decisions that are stored, so that whoever waits for one needs not have it read back.
//!
//! Not a cache of the store: what is not here any more is found there.

use std::collections::{HashMap, VecDeque};

use vigie_domain::Event;

/// Decisions that are kept: more than are waited for at any time, a few megabytes.
const KEPT_MAX: usize = 2_000;

/// Events of decisions, by payment.
#[derive(Debug, Default)]
pub(super) struct StoredDecisions {
    events: HashMap<String, Event>,
    /// The payments of `events`, the oldest first.
    order: VecDeque<String>,
}

impl StoredDecisions {
    /// Notes that the decision on a payment is stored; of more than are kept the oldest is forgotten.
    pub(super) fn note(&mut self, payment: String, event: Event) {
        if self.events.insert(payment.clone(), event).is_none() {
            self.order.push_back(payment);
        }
        if self.order.len() > KEPT_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.events.remove(&oldest);
        }
    }

    /// The decision on a payment, while it is kept.
    pub(super) fn of(&self, payment: &str) -> Option<&Event> {
        self.events.get(payment)
    }
}

#[cfg(test)]
mod tests {
    use vigie_domain::{LogType, Timestamp};

    use super::*;

    #[test]
    fn the_newest_are_kept() {
        let mut stored = StoredDecisions::default();
        let event = |second: i64| {
            let timestamp = Timestamp::from_seconds(second);
            Event { id: None, timestamp, ingested_at: timestamp, log_type: LogType::Fraud, body: Vec::new() }
        };
        for number in 0..=KEPT_MAX {
            stored.note(format!("t-{number}"), event(0));
            stored.note(format!("t-{number}"), event(1));
        }
        assert_eq!((stored.events.len(), stored.order.len()), (KEPT_MAX, KEPT_MAX));
        assert_eq!((stored.of("t-0"), stored.of("t-1")), (None, Some(&event(1))));
    }
}
