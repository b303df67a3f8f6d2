//! One tail: looks at told batches in its own time and keeps what its listener is to be sent.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::broadcast::{Receiver, error::RecvError};
use vigie_domain::event::Position;
use vigie_domain::event_batch::Row;
use vigie_domain::ports::Hit;
use vigie_domain::query::Matcher;
use vigie_domain::{EventId, Result, Scope, Timestamp};

use super::window::Window;
use super::{Place, TailInput, Told};
use crate::search::Search;

/// Rows looked at before others get a turn.
const ROWS_PER_TURN: usize = 128;

/// What became of events since the tail was last asked for others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TailStats {
    /// Events that matched.
    pub matched: u64,
    /// Of them, those that were sent.
    pub sent: u64,
    /// Of them, those left out because more matched than may be sent; chosen with the same chance for each.
    pub sampled_out: u64,
    /// Of them, those left out because the tail was paused.
    pub withheld: u64,
    /// Events that could not be looked at in time, or that matched and were too large together.
    pub dropped: u64,
}

/// A listener's tail.
pub struct Tail {
    place: Place,
    scope: Scope,
    receiver: Receiver<Arc<Told>>,
    /// Events told up to and with the last batch that was received.
    seen: u64,
    looking_at: Option<LookingAt>,
    matcher: Matcher,
    count_max: usize,
    is_paused: bool,
    window: Window,
    stats: TailStats,
}

/// A batch, and how far it was looked at.
struct LookingAt {
    told: Arc<Told>,
    place: usize,
    /// Rows before it that were stored.
    stored: u64,
    /// Rows before it that were not.
    known: usize,
}

impl Tail {
    pub(super) fn new(place: Place, scope: Scope, receiver: Receiver<Arc<Told>>, seen: u64) -> Self {
        Self {
            place,
            scope,
            receiver,
            seen,
            looking_at: None,
            matcher: Matcher::Nothing,
            count_max: 0,
            is_paused: false,
            window: Window::new(0),
            stats: TailStats::default(),
        }
    }

    /// Tells these events from now on, `moments_per_s` times a second, and answers how many events per second at most;
    /// numbers begin at zero.
    ///
    /// # Errors
    /// As a search, and `Invalid` for a rate that may not be; the tail then goes on as before.
    pub fn ask(&mut self, search: &Search, input: &TailInput, moments_per_s: usize) -> Result<usize> {
        let rate = self.place.tails.rate(input.rate)?;
        self.matcher = search.matcher(&self.scope, input)?;
        self.count_max = rate.div_ceil(moments_per_s).max(1);
        self.window = Window::new(self.place.tails.bounds.moment_bytes_max);
        self.stats = TailStats::default();
        // What was told before the question is not missed by it.
        self.looking_at = None;
        let published = self.place.tails.published();
        self.receiver = self.receiver.resubscribe();
        self.seen = *published;
        drop(published);
        Ok(rate)
    }

    /// Sends nothing, and only counts, until it is resumed.
    pub fn pause(&mut self, is_paused: bool) {
        self.is_paused = is_paused;
    }

    /// Whether it is paused.
    pub const fn is_paused(&self) -> bool {
        self.is_paused
    }

    /// Looks at what is told, for as long as it is polled. It may be dropped at any point and called again.
    pub async fn listen(&mut self) {
        loop {
            if self.looking_at.is_some() {
                self.look();
                tokio::task::yield_now().await;
                continue;
            }
            match self.receiver.recv().await {
                Ok(told) => self.receive(told),
                // How many events these were is told by the next batch.
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => std::future::pending().await,
            }
        }
    }

    fn receive(&mut self, told: Arc<Told>) {
        self.note_dropped(told.before.saturating_sub(self.seen));
        self.seen = told.before + told.outcome.stored as u64;
        if told.tenant == self.scope.tenant {
            self.looking_at = Some(LookingAt { told, place: 0, stored: 0, known: 0 });
        }
    }

    /// Looks at some rows of the batch.
    fn look(&mut self) {
        let Some(mut at) = self.looking_at.take() else { return };
        let told = Arc::clone(&at.told);
        let until = (at.place + ROWS_PER_TURN).min(told.events.len());
        while at.place < until {
            if told.outcome.known.get(at.known) == Some(&at.place) {
                at.known += 1;
            } else {
                self.consider(told.events.row(at.place), told.outcome.first_sequence + at.stored);
                at.stored += 1;
            }
            at.place += 1;
        }
        if at.place < told.events.len() {
            self.looking_at = Some(at);
        }
    }

    fn consider(&mut self, row: Row<'_>, sequence: u64) {
        if !self.is_match(row, sequence) {
            return;
        }
        self.stats.matched += 1;
        if self.is_paused {
            self.stats.withheld += 1;
            return;
        }
        let scope = &self.scope;
        self.window.take(self.count_max, row.size_bytes(), || hit(row, sequence, scope));
    }

    fn is_match(&self, row: Row<'_>, sequence: u64) -> bool {
        // Where every event matches, one is taken apart only when it is to be sent.
        if matches!(self.matcher, Matcher::All) {
            return true;
        }
        let event = row.to_event();
        let id = event.id.clone().unwrap_or_else(|| EventId::from_sequence(sequence));
        self.matcher.matches(&event, &id)
    }

    /// What is to be sent of the moment that ends now, in order of arrival.
    pub fn take(&mut self) -> Vec<Hit> {
        let moment = self.window.close();
        self.stats.sent += moment.hits.len() as u64;
        self.stats.sampled_out += moment.sampled_out;
        self.place.tails.sent.fetch_add(moment.hits.len() as u64, Ordering::Relaxed);
        self.place.tails.sampled_out.fetch_add(moment.sampled_out, Ordering::Relaxed);
        self.note_dropped(moment.no_room);
        moment.hits
    }

    /// What became of events so far.
    pub fn stats(&mut self) -> TailStats {
        let published = self.place.tails.published();
        // Nothing waits to be received, so what was counted since had no room among the batches.
        let missed = if self.receiver.is_empty() { published.saturating_sub(self.seen) } else { 0 };
        drop(published);
        self.seen += missed;
        self.note_dropped(missed);
        self.stats
    }

    fn note_dropped(&mut self, count: u64) {
        self.stats.dropped += count;
        self.place.tails.dropped.fetch_add(count, Ordering::Relaxed);
    }
}

fn hit(row: Row<'_>, sequence: u64, scope: &Scope) -> Hit {
    let event = row.to_event();
    let timestamp: Timestamp = event.timestamp;
    Hit {
        id: event.id.unwrap_or_else(|| EventId::from_sequence(sequence)),
        position: Position { timestamp, sequence },
        ingested_at: event.ingested_at,
        log_type: event.log_type,
        source: scope.visible(event.body),
    }
}
