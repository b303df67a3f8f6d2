//! What an input counts: what came in, what became of it, who sent it, and what went wrong last.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use vigie_app::Clock;
use vigie_app::ingest::{FramedReport, SentReport};
use vigie_domain::Timestamp;
use vigie_pipeline::RedactionCounts;

use crate::cut::{Cut, CutReason};

/// Senders that are told apart; of more, the one that was silent longest is forgotten.
const SOURCES_MAX: usize = 1_000;
/// Seconds over which the rate is taken.
const RATE_SECONDS: usize = 10;

/// What one input counts.
pub struct InputNumbers {
    clock: Clock,
    bytes: AtomicU64,
    received: AtomicU64,
    stored: AtomicU64,
    deduplicated: AtomicU64,
    dead_lettered: AtomicU64,
    dropped: AtomicU64,
    refused: AtomicU64,
    connections: AtomicU64,
    connections_total: AtomicU64,
    lost_datagrams: AtomicU64,
    cuts: [AtomicU64; CutReason::ALL.len()],
    told: Mutex<Told>,
}

/// What is not a plain count.
#[derive(Default)]
struct Told {
    listens_at: Option<SocketAddr>,
    last_error: Option<(Timestamp, String)>,
    sources: HashMap<IpAddr, CountedSource>,
    redactions: RedactionCounts,
    /// Events of the latest seconds, each with its second.
    seconds: [(i64, u64); RATE_SECONDS + 1],
}

/// One sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CountedSource {
    /// Where it sends from.
    pub address: IpAddr,
    /// Its records, whatever became of them.
    pub events: u64,
    /// Bytes of them as they were sent, unpacked.
    pub bytes: u64,
    /// When it last sent.
    pub last_seen_at: Timestamp,
}

/// The numbers at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct NumbersNow {
    /// Where it listens; `None` while it cannot.
    pub listens_at: Option<SocketAddr>,
    /// Bytes received.
    pub bytes: u64,
    /// Records received and stored in one of the ways below.
    pub received: u64,
    /// Of them, stored as events.
    pub stored: u64,
    /// Of them, stored before.
    pub deduplicated: u64,
    /// Of them, kept as dead letters.
    pub dead_lettered: u64,
    /// Of them, let go by the pipeline, as it says.
    pub dropped: u64,
    /// Of them, refused, and their sender told so.
    pub refused: u64,
    /// Connections open now.
    pub connections: u64,
    /// Connections since the start.
    pub connections_total: u64,
    /// Datagrams that the system threw away because they were not fetched in time.
    pub lost_datagrams: u64,
    /// Connections cut off, by reason.
    pub cuts: Vec<(CutReason, u64)>,
    /// Records per second over the last ten seconds.
    pub rate_per_s: f64,
    /// What went wrong last, and when.
    pub last_error: Option<(Timestamp, String)>,
    /// What was taken out of records, because it may never be stored.
    pub redactions: RedactionCounts,
    /// Senders, the busiest first.
    pub sources: Vec<CountedSource>,
}

impl NumbersNow {
    /// Records of which it is not known what became; a bug when it is not 0.
    pub const fn unaccounted(&self) -> u64 {
        let accounted = self.stored + self.deduplicated + self.dead_lettered + self.refused + self.dropped;
        self.received.abs_diff(accounted)
    }
}

impl InputNumbers {
    /// All at zero.
    pub fn new(clock: Clock) -> Self {
        Self {
            clock,
            bytes: AtomicU64::new(0),
            received: AtomicU64::new(0),
            stored: AtomicU64::new(0),
            deduplicated: AtomicU64::new(0),
            dead_lettered: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            connections: AtomicU64::new(0),
            connections_total: AtomicU64::new(0),
            lost_datagrams: AtomicU64::new(0),
            cuts: Default::default(),
            told: Mutex::default(),
        }
    }

    /// It listens there.
    pub(crate) fn listens(&self, at: SocketAddr) {
        let mut told = self.told();
        told.listens_at = Some(at);
        told.last_error = None;
    }

    /// What went wrong before is mended.
    pub(crate) fn recovered(&self) {
        self.told().last_error = None;
    }

    /// Something went wrong that is no cut.
    pub(crate) fn failed(&self, words: String) {
        self.told().last_error = Some(((self.clock)(), words));
    }

    /// What became of the records of one sender.
    pub(crate) fn record(&self, sender: Option<IpAddr>, size_bytes: usize, report: &FramedReport) {
        self.stored.fetch_add(report.stored, Ordering::Relaxed);
        self.deduplicated.fetch_add(report.deduplicated, Ordering::Relaxed);
        self.dead_lettered.fetch_add(report.dead_lettered, Ordering::Relaxed);
        self.dropped.fetch_add(report.dropped, Ordering::Relaxed);
        self.record_received(sender, size_bytes, report.received, &report.redactions);
    }

    /// What became of a request of one sender, who is told.
    pub(crate) fn record_told(&self, sender: Option<IpAddr>, size_bytes: usize, report: &SentReport) {
        self.stored.fetch_add(report.stored, Ordering::Relaxed);
        self.deduplicated.fetch_add(report.deduplicated, Ordering::Relaxed);
        self.refused.fetch_add(report.rejected, Ordering::Relaxed);
        let received = report.stored + report.deduplicated + report.rejected;
        self.record_received(sender, size_bytes, received, &report.redactions);
    }

    fn record_received(&self, sender: Option<IpAddr>, size_bytes: usize, received: u64, redactions: &RedactionCounts) {
        self.bytes.fetch_add(size_bytes as u64, Ordering::Relaxed);
        self.received.fetch_add(received, Ordering::Relaxed);
        let now = (self.clock)();
        let mut told = self.told();
        let second = now.as_nanos().div_euclid(vigie_domain::time::NANOS_PER_SECOND);
        let slot = &mut told.seconds[second.rem_euclid((RATE_SECONDS + 1) as i64) as usize];
        *slot = (second, if slot.0 == second { slot.1 + received } else { received });
        told.redactions.add(redactions);
        if let Some(address) = sender {
            told.count_source(address, received, size_bytes as u64, now);
        }
    }

    pub(crate) fn record_cut(&self, peer: IpAddr, cut: &Cut) {
        self.cuts[cut.reason as usize].fetch_add(1, Ordering::Relaxed);
        self.failed(format!("{peer} was cut off: {cut}"));
    }

    pub(crate) fn connection_opened(&self) {
        self.connections.fetch_add(1, Ordering::Relaxed);
        self.connections_total.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn connection_closed(&self) {
        self.connections.fetch_sub(1, Ordering::Relaxed);
    }

    pub(crate) fn set_lost_datagrams(&self, count: u64) {
        self.lost_datagrams.store(count, Ordering::Relaxed);
    }

    /// The numbers at this moment.
    pub fn now(&self) -> NumbersNow {
        let now = (self.clock)().as_nanos().div_euclid(vigie_domain::time::NANOS_PER_SECOND);
        let told = self.told();
        let is_counted = |(second, _): &&(i64, u64)| (1..=RATE_SECONDS as i64).contains(&(now - second));
        let lately: u64 = told.seconds.iter().filter(is_counted).map(|(_, count)| count).sum();
        let mut sources: Vec<CountedSource> = told.sources.values().copied().collect();
        sources.sort_by_key(|source| (std::cmp::Reverse(source.events), source.address));
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        NumbersNow {
            listens_at: told.listens_at,
            bytes: read(&self.bytes),
            received: read(&self.received),
            stored: read(&self.stored),
            deduplicated: read(&self.deduplicated),
            dead_lettered: read(&self.dead_lettered),
            dropped: read(&self.dropped),
            refused: read(&self.refused),
            connections: read(&self.connections),
            connections_total: read(&self.connections_total),
            lost_datagrams: read(&self.lost_datagrams),
            cuts: CutReason::ALL.into_iter().map(|reason| (reason, read(&self.cuts[reason as usize]))).collect(),
            rate_per_s: lately as f64 / RATE_SECONDS as f64,
            last_error: told.last_error.clone(),
            redactions: told.redactions,
            sources,
        }
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Told {
    fn count_source(&mut self, address: IpAddr, events: u64, bytes: u64, now: Timestamp) {
        if self.sources.len() >= SOURCES_MAX && !self.sources.contains_key(&address) {
            let silent_longest = self.sources.values().min_by_key(|source| source.last_seen_at);
            let Some(address) = silent_longest.map(|source| source.address) else { return };
            self.sources.remove(&address);
        }
        let new = CountedSource { address, events: 0, bytes: 0, last_seen_at: now };
        let source = self.sources.entry(address).or_insert(new);
        source.events += events;
        source.bytes += bytes;
        source.last_seen_at = now;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicI64;

    use super::*;

    #[test]
    fn the_rate_is_that_of_the_last_ten_whole_seconds() {
        let second = Arc::new(AtomicI64::new(1_000));
        let at = Arc::clone(&second);
        let numbers = InputNumbers::new(Arc::new(move || Timestamp::from_seconds(at.load(Ordering::Relaxed))));
        let report = FramedReport { received: 50, stored: 50, ..FramedReport::default() };
        for now in 1_000..1_005 {
            second.store(now, Ordering::Relaxed);
            numbers.record(None, 100, &report);
            numbers.record(None, 100, &report);
        }
        assert_eq!(numbers.now().rate_per_s, 40.0, "the second that is not over does not count");
        second.store(1_012, Ordering::Relaxed);
        assert_eq!(numbers.now().rate_per_s, 30.0);
        second.store(1_100, Ordering::Relaxed);
        assert_eq!(numbers.now().rate_per_s, 0.0);
        assert_eq!((numbers.now().received, numbers.now().bytes, numbers.now().unaccounted()), (500, 1_000, 0));
    }

    #[test]
    fn what_a_pipeline_lets_go_is_accounted_for() {
        let numbers = InputNumbers::new(Arc::new(|| Timestamp::from_seconds(1)));
        let report = FramedReport { received: 3, stored: 1, dropped: 2, ..FramedReport::default() };
        numbers.record(None, 10, &report);
        assert_eq!((numbers.now().dropped, numbers.now().unaccounted()), (2, 0));
    }

    #[test]
    fn senders_are_told_apart_up_to_a_bound() {
        let second = Arc::new(AtomicI64::new(0));
        let at = Arc::clone(&second);
        let numbers = InputNumbers::new(Arc::new(move || Timestamp::from_seconds(at.fetch_add(1, Ordering::Relaxed))));
        let report = FramedReport { received: 1, stored: 1, ..FramedReport::default() };
        for number in 0..=SOURCES_MAX as u32 {
            numbers.record(Some(IpAddr::from(number.to_be_bytes())), 1, &report);
        }
        let sources = numbers.now().sources;
        assert_eq!(sources.len(), SOURCES_MAX);
        assert!(sources.iter().all(|source| source.address != IpAddr::from([0, 0, 0, 0])), "the first is forgotten");
    }
}
