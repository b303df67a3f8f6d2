//! The live tail: events are told to whoever listens, as soon as they are durable.
//!
//! `Tails` stand at the door of the store, where every stored batch passes, and keep a bounded number of batches and
//! bytes for those who listen. Each `Tail` looks at them in its listener's own time, within that listener's scope, and what it
//! could not look at in time is counted, never waited for: no tail slows an ingest, and without one an ingest costs one load.

mod door;
mod listener;
#[cfg(test)]
mod tests;
mod window;

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, broadcast, watch};
use vigie_domain::event_batch::EventBatch;
use vigie_domain::ports::AppendOutcome;
use vigie_domain::{Error, ErrorKind, Result, Scope};

pub use listener::{Tail, TailStats};

/// When it is worth trying again after all tails were taken, in seconds.
const RETRY_AFTER_S: u64 = 10;

/// Which events a tail is to tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TailInput {
    /// What was typed; empty means every event.
    pub query: String,
    /// Fields and the values of which an event must have one.
    pub filters: BTreeMap<String, Vec<String>>,
    /// Events per second at most; `None` as many as a tail is sent unless it asks.
    pub rate: Option<usize>,
}

/// The bounds of all tails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TailBounds {
    /// Tails open at once.
    pub tails_max: usize,
    /// Of them, those of one user.
    pub of_user_max: usize,
    /// Batches that wait for the slowest tail.
    pub batches_max: usize,
    /// Bytes of them.
    pub bytes_max: usize,
    /// Events that one tail is sent per second unless it asks for another number.
    pub rate_default: usize,
    /// Events that one tail may ask to be sent per second.
    pub rate_max: usize,
    /// Bytes of the events that one tail is sent at a time.
    pub moment_bytes_max: usize,
}

/// What all tails did, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TailNumbers {
    /// Tails open now.
    pub open: usize,
    /// Events sent.
    pub sent: u64,
    /// Events that matched and were left out because a tail was at its rate.
    pub sampled_out: u64,
    /// Events that a tail could not look at, or had no room for.
    pub dropped: u64,
}

/// Where stored batches are told, and who listens.
pub struct Tails {
    bounds: TailBounds,
    sender: broadcast::Sender<Arc<Told>>,
    /// Events stored while somebody listened. Locked while a batch is told, so that numbers and batches agree.
    published: Mutex<u64>,
    held_bytes: Arc<AtomicUsize>,
    of_users: Mutex<HashMap<String, usize>>,
    a_tail_ended: Notify,
    stopping: watch::Sender<bool>,
    sent: AtomicU64,
    sampled_out: AtomicU64,
    dropped: AtomicU64,
}

/// A batch that was stored.
struct Told {
    tenant: String,
    events: EventBatch,
    outcome: AppendOutcome,
    /// Events told before it, since the start.
    before: u64,
    bytes: usize,
    held_bytes: Arc<AtomicUsize>,
}

impl Drop for Told {
    fn drop(&mut self) {
        self.held_bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// A place among the tails, free again when it is dropped.
struct Place {
    tails: Arc<Tails>,
    user_id: String,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut of_users = self.tails.of_users();
        if let Some(count) = of_users.get_mut(&self.user_id) {
            *count -= 1;
            if *count == 0 {
                of_users.remove(&self.user_id);
            }
        }
        drop(of_users);
        self.tails.a_tail_ended.notify_waiters();
    }
}

impl Tails {
    /// Nobody listens yet.
    pub fn new(bounds: TailBounds) -> Self {
        Self {
            bounds,
            sender: broadcast::Sender::new(bounds.batches_max),
            published: Mutex::new(0),
            held_bytes: Arc::default(),
            of_users: Mutex::default(),
            a_tail_ended: Notify::new(),
            stopping: watch::Sender::new(false),
            sent: AtomicU64::new(0),
            sampled_out: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
        }
    }

    /// A tail of that user that tells nothing until it is asked to.
    ///
    /// # Errors
    /// `Throttled` when the user, or all together, have as many as they may; `Unavailable` when they are being ended.
    pub fn open(self: &Arc<Self>, user_id: &str, scope: Scope) -> Result<Tail> {
        if *self.stopping.borrow() {
            return Err(Error::new(ErrorKind::Unavailable, "vigie is being stopped; try again in a moment"));
        }
        let place = self.take_place(user_id)?;
        let published = self.published();
        Ok(Tail::new(place, scope, self.sender.subscribe(), *published))
    }

    fn take_place(self: &Arc<Self>, user_id: &str) -> Result<Place> {
        let TailBounds { tails_max, of_user_max, .. } = self.bounds;
        let refused = |words: String| Err(Error::new(ErrorKind::Throttled, words).with_retry_after_s(RETRY_AFTER_S));
        let mut of_users = self.of_users();
        if of_users.values().sum::<usize>() >= tails_max {
            return refused(format!("{tails_max} live tails are open, no more are allowed at once; try again later"));
        }
        let count = of_users.entry(user_id.to_owned()).or_default();
        if *count >= of_user_max {
            return refused(format!("you have {of_user_max} live tails open, no more are allowed; close one"));
        }
        *count += 1;
        Ok(Place { tails: Arc::clone(self), user_id: user_id.to_owned() })
    }

    /// How many events per second a tail is sent that asks for so many.
    ///
    /// # Errors
    /// `Invalid` for none, and for more than there may be.
    fn rate(&self, asked: Option<usize>) -> Result<usize> {
        let TailBounds { rate_default, rate_max, .. } = self.bounds;
        match asked.unwrap_or(rate_default) {
            rate if (1..=rate_max).contains(&rate) => Ok(rate),
            rate => {
                let message = format!("\"rate\" is {rate}; a tail is sent 1 to {rate_max} events per second");
                Err(Error::invalid_field("rate", message))
            }
        }
    }

    /// Whether anybody listens.
    fn has_listeners(&self) -> bool {
        self.sender.receiver_count() > 0
    }

    /// Tells a batch that was stored. What there is no room for is only counted.
    fn tell(&self, scope: &Scope, events: EventBatch, outcome: &AppendOutcome) {
        if outcome.stored == 0 {
            return;
        }
        let bytes = events.rows().map(|row| row.size_bytes()).sum();
        let mut published = self.published();
        let before = *published;
        *published += outcome.stored as u64;
        let held = self.held_bytes.fetch_add(bytes, Ordering::Relaxed);
        let held_bytes = Arc::clone(&self.held_bytes);
        let told = Told { tenant: scope.tenant.clone(), events, outcome: outcome.clone(), before, bytes, held_bytes };
        if held + bytes <= self.bounds.bytes_max {
            // Nobody is there to take it: nobody misses it.
            drop(self.sender.send(Arc::new(told)));
        }
    }

    /// Ends every tail, and lets no more begin.
    pub fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Completes once the tails are being ended.
    pub async fn stopped(&self) {
        let mut stopping = self.stopping.subscribe();
        // An error means that the sender is gone, which this very borrow prevents.
        drop(stopping.wait_for(|is_stopping| *is_stopping).await);
    }

    /// Waits until no tail is open, for so long at most; whether that was so.
    pub async fn ended(&self, time_max: Duration) -> bool {
        let all_ended = async {
            loop {
                let ended = self.a_tail_ended.notified();
                if self.open_count() == 0 {
                    return;
                }
                ended.await;
            }
        };
        tokio::time::timeout(time_max, all_ended).await.is_ok()
    }

    /// What all tails did.
    pub fn numbers(&self) -> TailNumbers {
        TailNumbers {
            open: self.open_count(),
            sent: self.sent.load(Ordering::Relaxed),
            sampled_out: self.sampled_out.load(Ordering::Relaxed),
            dropped: self.dropped.load(Ordering::Relaxed),
        }
    }

    fn open_count(&self) -> usize {
        self.of_users().values().sum()
    }

    fn published(&self) -> MutexGuard<'_, u64> {
        self.published.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn of_users(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        self.of_users.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
