//! A past of exactly so many events: the shop's visits, and the pulse of its hosts that fills up what they leave.
//! Not a replay. Invariant: exactly `events` events in time order, all within the range.

use vigie_domain::time::{NANOS_PER_SECOND, Timestamp};

use crate::calendar::Calendar;
use crate::dice::{Dice, Purpose};
use crate::incidents::DayPlan;
use crate::shop_scripts::pulse;
use crate::stream::{Stream, WARM_UP_NANOS};
use crate::{GeneratedEvent, ShopOptions};

/// Mean number of events that are counted and filled up together.
const SLOT_EVENTS: u64 = 400;
/// Most slots of a range.
const SLOTS_MAX: u64 = 20_000;
/// One event in so many, at least, is the pulse of a host.
const PULSE_EVERY: u64 = 50;
/// Share of events that come from visits; the rest is the pulse of the hosts.
const VISITS_SHARE: f64 = 0.98;

/// A past under way.
struct Past {
    options: ShopOptions,
    stream: Stream,
    pulses: Dice,
    slots: u64,
    slot: u64,
    made: u64,
    weight_total: f64,
    weight_done: f64,
    ready: std::vec::IntoIter<GeneratedEvent>,
}

/// The past of a shop: exactly `events` events in time order; none when the range is empty.
pub fn past(options: ShopOptions) -> impl Iterator<Item = GeneratedEvent> {
    Past::new(options)
}

impl Past {
    fn new(options: ShopOptions) -> Self {
        let length = options.to.as_nanos().saturating_sub(options.from.as_nanos());
        let slots = if length <= 0 { 0 } else { (options.events / SLOT_EVENTS).clamp(1, SLOTS_MAX) };
        let start = options.from.saturating_add_nanos(-WARM_UP_NANOS.min(length.max(0)));
        let mut past = Self {
            options,
            stream: Stream::new(options.seed, start, 1.0, Calendar::Weekly),
            pulses: Dice::new(options.seed, Purpose::Pulse, 0),
            slots,
            slot: 0,
            made: 0,
            weight_total: 0.0,
            weight_done: 0.0,
            ready: Vec::new().into_iter(),
        };
        past.weight_total = (0..slots).map(|slot| past.weight(slot)).sum();
        // The first rate counts from the warm-up on.
        past.stream = Stream::new(options.seed, start, past.rate(), Calendar::Weekly);
        past
    }

    /// Where a slot begins; the one past the last is the end of the range.
    fn border(&self, slot: u64) -> Timestamp {
        let length = i128::from(self.options.to.as_nanos()) - i128::from(self.options.from.as_nanos());
        let offset = length * i128::from(slot) / i128::from(self.slots.max(1));
        self.options.from.saturating_add_nanos(i64::try_from(offset).unwrap_or(i64::MAX))
    }

    fn weight(&self, slot: u64) -> f64 {
        let (from, to) = (self.border(slot), self.border(slot + 1));
        let length = to.as_nanos().saturating_sub(from.as_nanos());
        Calendar::Weekly.strength(from.saturating_add_nanos(length / 2)) * length as f64 / NANOS_PER_SECOND as f64
    }

    /// Events per second that are still to come from visits, within bounds: a burst would look odd.
    fn rate(&self) -> f64 {
        let planned = self.options.events as f64 / self.weight_total.max(1e-9);
        let left = self.options.events.saturating_sub(self.made) as f64;
        let needed = left / (self.weight_total - self.weight_done).max(1e-9);
        needed.clamp(planned * 0.7, planned * 1.4) * VISITS_SHARE
    }

    /// How many events there should be by the end of the current slot.
    fn target(&self) -> u64 {
        let share = self.weight_done / self.weight_total.max(1e-9);
        if self.slot == self.slots { self.options.events } else { (self.options.events as f64 * share) as u64 }
    }

    fn pulse_at(&mut self, at: Timestamp) -> Vec<GeneratedEvent> {
        let number = self.pulses.between(0, u64::MAX - 1);
        let mut events = Vec::new();
        let dice = Dice::new(self.options.seed, Purpose::Pulse, number);
        pulse(dice, at).advance(&DayPlan::new(self.options.seed, at.day()), &mut events);
        events
    }

    fn fill_slot(&mut self) {
        let (from, to) = (self.border(self.slot), self.border(self.slot + 1));
        self.weight_done += self.weight(self.slot);
        self.slot += 1;
        let mut events = Vec::new();
        while let Some(event) = self.stream.next_before(to) {
            if event.timestamp >= from {
                events.push(event);
            }
        }
        let left = self.options.events - self.made;
        let wanted = self.target().saturating_sub(self.made);
        let last = self.slot == self.slots;
        let most = if last { wanted } else { left.min(wanted.max(events.len() as u64)) };
        thin(&mut events, most as usize);
        let missing = wanted.saturating_sub(events.len() as u64);
        let steady = (wanted / PULSE_EVERY).min(left.saturating_sub(events.len() as u64));
        let pulses = if last { missing } else { missing.min(SLOT_EVENTS / 12).max(steady) };
        let length = to.as_nanos().saturating_sub(from.as_nanos()).unsigned_abs();
        for _ in 0..pulses {
            let at = from.saturating_add_nanos(self.pulses.below(length) as i64 / 1_000_000 * 1_000_000);
            let at = at.max(from);
            events.extend(self.pulse_at(at));
        }
        events.sort_by_key(|event| event.timestamp);
        self.made += events.len() as u64;
        self.stream.set_rate(self.rate());
        self.ready = events.into_iter();
    }
}

/// Keeps so many, evenly chosen.
fn thin(events: &mut Vec<GeneratedEvent>, most: usize) {
    let have = events.len();
    if have <= most {
        return;
    }
    let mut place = 0_usize;
    events.retain(|_| {
        place += 1;
        place * most / have != (place - 1) * most / have
    });
}

impl Iterator for Past {
    type Item = GeneratedEvent;

    fn next(&mut self) -> Option<GeneratedEvent> {
        loop {
            if let Some(event) = self.ready.next() {
                return Some(event);
            }
            if self.slot == self.slots {
                return None;
            }
            self.fill_slot();
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = if self.slots == 0 { 0 } else { self.options.events - self.made } + self.ready.len() as u64;
        (left as usize, Some(left as usize))
    }
}
