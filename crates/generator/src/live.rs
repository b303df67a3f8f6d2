//! A shop that is open now: the events that are due by an instant.
//! Not a clock and not a timer: who calls says what time it is. Invariant: how often it is asked changes nothing of
//! what comes out.

use vigie_domain::time::{NANOS_PER_SECOND, Timestamp};

use crate::GeneratedEvent;
use crate::calendar::Calendar;
use crate::stream::{Stream, WARM_UP_NANOS};

/// Most events of one call; what is left comes with the next.
pub const LIVE_EVENTS_MAX: usize = 20_000;
/// Most events per second that can be asked for.
const EVENTS_PER_SECOND_MAX: f64 = 100_000.0;
/// Most events that are made and thrown away so that visits are under way at the start.
const WARM_UP_EVENTS_MAX: f64 = 60_000.0;

/// The live stream of a shop, equally busy at every hour: so many events per second were asked for.
///
/// Above 200 events per second the first minutes have fewer, while visits build up.
pub struct LiveShop {
    stream: Stream,
    start: Timestamp,
    behind: bool,
}

impl LiveShop {
    /// A shop whose first event lies at or after `start`.
    pub fn new(seed: u64, start: Timestamp, events_per_second: f64) -> Self {
        let rate =
            if events_per_second.is_finite() { events_per_second.clamp(0.0, EVENTS_PER_SECOND_MAX) } else { 1.0 };
        let warm_up = (WARM_UP_EVENTS_MAX / rate.max(1.0) * NANOS_PER_SECOND as f64) as i64;
        let opened = start.saturating_add_nanos(-warm_up.min(WARM_UP_NANOS));
        Self { stream: Stream::new(seed, opened, rate, Calendar::Even), start, behind: false }
    }

    /// The events that are due up to and including `now` and were not given yet, in time order; at most
    /// `LIVE_EVENTS_MAX`.
    pub fn until(&mut self, now: Timestamp) -> Vec<GeneratedEvent> {
        let limit = now.saturating_add_nanos(1);
        let mut events = Vec::new();
        self.behind = false;
        if now < self.start {
            return events;
        }
        while let Some(event) = self.stream.next_before(limit) {
            if event.timestamp >= self.start {
                events.push(event);
            }
            if events.len() >= LIVE_EVENTS_MAX {
                self.behind = true;
                break;
            }
        }
        events
    }

    /// Whether the last call stopped at `LIVE_EVENTS_MAX`, so that more may be due.
    pub fn is_behind(&self) -> bool {
        self.behind
    }
}
