//! All visits in one stream, in time order.
//! Not bounded in length: who reads it decides where to stop. Invariant: what comes out does not depend on how far
//! ahead each call looks, and time never goes back.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use vigie_domain::time::{Day, NANOS_PER_SECOND, Timestamp};

use crate::GeneratedEvent;
use crate::attack_scripts::attack;
use crate::attacks::attack_of;
use crate::calendar::Calendar;
use crate::dice::{Dice, Purpose};
use crate::incidents::DayPlan;
use crate::session::Session;
use crate::shop_scripts::{operations, visit};

/// Events of a mean visit; measured by a test.
pub(crate) const EVENTS_PER_VISIT: f64 = 6.0;
/// After how long a stream runs as full as it ever will.
pub(crate) const WARM_UP_NANOS: i64 = 300 * NANOS_PER_SECOND;

/// The first whole millisecond at or after that instant: shops do not send finer times.
fn whole_millis_from(now: Timestamp) -> Timestamp {
    Timestamp::from_millis(now.saturating_add_nanos(999_999).as_millis())
}

/// The endless stream of a shop's events.
pub(crate) struct Stream {
    seed: u64,
    calendar: Calendar,
    visits_per_second: f64,
    arrivals: Dice,
    next_arrival: Timestamp,
    visits: u64,
    plan: DayPlan,
    /// Visits under way by number, and when each is due.
    under_way: BTreeMap<u64, Session>,
    due: BinaryHeap<Reverse<(Timestamp, u64)>>,
    /// Events that are ready but may not be the next yet.
    ready: BinaryHeap<Reverse<(Timestamp, u64, u64)>>,
    texts: BTreeMap<u64, GeneratedEvent>,
    rendered: u64,
}

impl Stream {
    /// A shop that opens at `start` with so many events per second on average.
    pub(crate) fn new(seed: u64, start: Timestamp, events_per_second: f64, calendar: Calendar) -> Self {
        let mut stream = Self {
            seed,
            calendar,
            visits_per_second: (events_per_second / EVENTS_PER_VISIT).clamp(1e-6, 1e6),
            arrivals: Dice::new(seed, Purpose::Arrivals, start.as_nanos().unsigned_abs()),
            next_arrival: start,
            visits: 0,
            plan: DayPlan::new(seed, start.day()),
            under_way: BTreeMap::new(),
            due: BinaryHeap::new(),
            ready: BinaryHeap::new(),
            texts: BTreeMap::new(),
            rendered: 0,
        };
        stream.begin_day(start);
        stream.schedule_arrival(start);
        stream
    }

    /// Changes how many events per second come on average, from now on.
    pub(crate) fn set_rate(&mut self, events_per_second: f64) {
        self.visits_per_second = (events_per_second / EVENTS_PER_VISIT).clamp(1e-6, 1e6);
    }

    fn begin_day(&mut self, now: Timestamp) {
        self.plan = DayPlan::new(self.seed, now.day());
        let day = u64::from(self.plan.day.0.unsigned_abs());
        let dice = Dice::new(self.seed, Purpose::Incidents, day | 1 << 40);
        let session = operations(dice, &self.plan, now);
        // Numbers of days lie far above those of visits.
        self.enqueue(1 << 60 | day, session);
    }

    fn enqueue(&mut self, number: u64, session: Session) {
        if let Some(due) = session.due() {
            self.due.push(Reverse((due, number)));
            self.under_way.insert(number, session);
        }
    }

    fn schedule_arrival(&mut self, now: Timestamp) {
        let rate = self.visits_per_second * self.calendar.strength(now);
        let wait = self.arrivals.exponential() / rate * NANOS_PER_SECOND as f64;
        self.next_arrival = now.saturating_add_nanos(wait as i64);
    }

    /// When something happens next.
    fn next_activity(&self) -> Timestamp {
        let midnight = Day(self.plan.day.0 + 1).start();
        let due = self.due.peek().map_or(Timestamp::MAX, |Reverse((due, _))| *due);
        due.min(self.next_arrival).min(midnight)
    }

    fn advance(&mut self, now: Timestamp) {
        if now.day() != self.plan.day {
            self.begin_day(now);
        } else if self.next_arrival == now {
            let number = self.visits;
            self.visits += 1;
            let dice = Dice::new(self.seed, Purpose::Session, number);
            let start = whole_millis_from(now);
            let session = match attack_of(self.seed, number) {
                Some(kind) => attack(self.seed, kind, dice, start),
                None => visit(self.seed, dice, start),
            };
            self.enqueue(number, session);
            self.schedule_arrival(now);
        } else if let Some(Reverse((_, number))) = self.due.pop() {
            self.step(number);
        }
    }

    fn step(&mut self, number: u64) {
        let Some(session) = self.under_way.get_mut(&number) else { return };
        let mut events = Vec::new();
        session.advance(&self.plan, &mut events);
        match session.due() {
            Some(due) => self.due.push(Reverse((due, number))),
            None => drop(self.under_way.remove(&number)),
        }
        for event in events {
            self.rendered += 1;
            self.ready.push(Reverse((event.timestamp, number, self.rendered)));
            self.texts.insert(self.rendered, event);
        }
    }

    /// The next event before `limit`.
    pub(crate) fn next_before(&mut self, limit: Timestamp) -> Option<GeneratedEvent> {
        loop {
            let activity = self.next_activity();
            if let Some(Reverse((at, _, text))) = self.ready.peek().copied()
                && at < activity
            {
                if at >= limit {
                    return None;
                }
                self.ready.pop();
                return self.texts.remove(&text);
            }
            if activity >= limit {
                return None;
            }
            self.advance(activity);
        }
    }
}
