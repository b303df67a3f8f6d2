//! Sends what waits, in order, until the server says that it is stored.
//!
//! What was sent and not answered is sent again: events have ids, so that nothing is stored twice. Only what the server
//! refuses for good, event by event, is set aside.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::backoff::Backoff;
use crate::set_aside::{Kept, SetAside};
use crate::spool::{Batch, Spool, SpoolReader};
use crate::stop::Stop;

/// How long to wait for something new before looking whether it is over.
const LOOK_INTERVAL: Duration = Duration::from_millis(500);
/// The longest wait that a server may ask for.
const ASKED_WAIT_MAX: Duration = Duration::from_secs(600);
/// A request is never made smaller than this for all.
const BATCH_BYTES_MIN: usize = 64 * 1024;
/// Events of one request.
const EVENTS_MAX: usize = 10_000;

/// Where events go.
pub trait Destination: Send {
    /// Sends events, one JSON object a line, and says what the answer means.
    fn send(&mut self, lines: &[u8]) -> Answer;
}

/// What an answer means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Everything is stored but what is refused.
    Taken {
        /// How many events are refused for good.
        refused_count: u64,
        /// Those that are named.
        refused: Vec<RefusedLine>,
    },
    /// It is too large to be sent at once.
    TooLarge(String),
    /// It cannot be read as a whole; one of its events may be why.
    Unreadable(String),
    /// The agent may not send, or not there: somebody has to mend that.
    NotAllowed(String),
    /// It cannot be stored now.
    Later {
        /// How long the server asks to wait.
        after: Option<Duration>,
        /// Why.
        words: String,
    },
}

/// An event that is refused for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedLine {
    /// Its line, from 1.
    pub line: u64,
    /// Why.
    pub reason: String,
}

/// How sending fares.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SendingNow {
    /// Why nothing can be sent now.
    pub problem: Option<String>,
    /// Requests that were made, and those that were not taken.
    pub request_count: u64,
    /// Requests that were not answered with what was hoped for.
    pub failure_count: u64,
}

/// Sends what waits.
pub struct Sender {
    spool: Arc<Spool>,
    set_aside: Arc<SetAside>,
    stop: Arc<Stop>,
    destination: Box<dyn Destination>,
    batch_bytes: usize,
    now: Arc<Mutex<SendingNow>>,
}

/// It is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stopped;

/// An event that is refused, and the line that it was sent as.
struct Refusal<'l> {
    reason: String,
    line: &'l [u8],
}

impl Sender {
    /// Sends at most so many bytes at once, unless one event has more.
    pub fn new(
        context: (Arc<Spool>, Arc<SetAside>, Arc<Stop>),
        destination: Box<dyn Destination>,
        batch_bytes: usize,
    ) -> Self {
        let (spool, set_aside, stop) = context;
        Self { spool, set_aside, stop, destination, batch_bytes, now: Arc::default() }
    }

    /// How it fares, while it sends.
    pub fn now(&self) -> Arc<Mutex<SendingNow>> {
        Arc::clone(&self.now)
    }

    /// Sends until it is over.
    pub fn send_all(mut self) {
        let mut reader = SpoolReader::new(Arc::clone(&self.spool));
        let mut backoff = Backoff::default();
        while !self.stop.is_set() {
            match reader.next_batch(self.batch_bytes) {
                Ok(None) => self.spool.wait(LOOK_INTERVAL),
                Ok(Some(batch)) => match self.deliver(&batch) {
                    Ok(()) => backoff = Backoff::default(),
                    Err(Stopped) => return,
                },
                Err(error) => {
                    self.failed(&format!("the spool cannot be read: {error}"));
                    reader = SpoolReader::new(Arc::clone(&self.spool));
                    if self.stop.wait(backoff.next_wait()) {
                        return;
                    }
                }
            }
        }
    }

    /// Sends a batch until every event of it is stored or set aside, and acknowledges it.
    fn deliver(&mut self, batch: &Batch) -> Result<(), Stopped> {
        let mut refusals = Vec::new();
        let mut pieces = pieces(&batch.lines, self.batch_bytes);
        pieces.reverse();
        // What is too large is halved; what was sent of a batch before is sent again only when the process ends.
        while let Some(piece) = pieces.pop() {
            match self.send_until_answered(piece)? {
                Outcome::Taken(lines) => refusals.extend(lines),
                Outcome::Halve { reason } => match halves(piece) {
                    Some((first, second)) => pieces.extend([second, first]),
                    None => refusals.push(Refusal { reason, line: piece }),
                },
            }
        }
        self.acknowledge(batch, &refusals)
    }

    fn send_until_answered<'l>(&mut self, piece: &'l [u8]) -> Result<Outcome<'l>, Stopped> {
        let mut backoff = Backoff::default();
        loop {
            let (asked, words) = match self.destination.send(piece) {
                Answer::Taken { refused_count, refused } => {
                    self.went_well();
                    if refused_count > refused.len() as u64 {
                        // Not all of them are named: in fewer events at once they are.
                        let reason = "the server refused it without saying why".to_owned();
                        return Ok(Outcome::Halve { reason });
                    }
                    return Ok(Outcome::Taken(refused_lines(piece, refused)));
                }
                Answer::TooLarge(reason) => {
                    self.went_well();
                    // What follows is sent in smaller pieces at once.
                    self.batch_bytes = self.batch_bytes.min((piece.len() / 2).max(BATCH_BYTES_MIN));
                    return Ok(Outcome::Halve { reason });
                }
                Answer::Unreadable(reason) => {
                    self.failed(&reason);
                    return Ok(Outcome::Halve { reason });
                }
                Answer::NotAllowed(words) => (None, format!("{words}; nothing is dropped, it is tried again")),
                Answer::Later { after, words } => (after, words),
            };
            self.failed(&words);
            let wait = asked.map_or(Duration::ZERO, |asked| asked.min(ASKED_WAIT_MAX)).max(backoff.next_wait());
            if self.stop.wait(wait) {
                return Err(Stopped);
            }
        }
    }

    /// What is refused is kept before the batch is forgotten.
    fn acknowledge(&self, batch: &Batch, refusals: &[Refusal<'_>]) -> Result<(), Stopped> {
        let texts: Vec<String> =
            refusals.iter().map(|one| String::from_utf8_lossy(one.line).trim_end().to_owned()).collect();
        let kept: Vec<Kept<'_>> =
            refusals.iter().zip(&texts).map(|(one, raw)| Kept { reason: &one.reason, source: "server", raw }).collect();
        let mut backoff = Backoff::default();
        while let Err(error) = self.set_aside.keep(&kept) {
            self.failed(&error.to_string());
            if self.stop.wait(backoff.next_wait()) {
                return Err(Stopped);
            }
        }
        if let Some(first) = refusals.first() {
            let (count, path) = (refusals.len(), self.set_aside.path().display());
            tracing::warn!(count, reason = first.reason, %path, "events are refused for good and are set aside");
        }
        let acknowledged: io::Result<()> = self.spool.acknowledge(batch, refusals.len() as u64);
        if let Err(error) = acknowledged {
            self.failed(&format!("what was sent cannot be noted: {error}; a restart sends it again"));
        }
        Ok(())
    }

    fn went_well(&self) {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        now.request_count += 1;
        if now.problem.take().is_some() {
            tracing::info!("events are sent again");
        }
    }

    fn failed(&self, words: &str) {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        now.request_count += 1;
        now.failure_count += 1;
        now.problem = Some(words.to_owned());
        drop(now);
        tracing::error!("events cannot be sent: {words}");
    }
}

/// What became of a piece.
enum Outcome<'l> {
    Taken(Vec<Refusal<'l>>),
    Halve { reason: String },
}

/// Whole lines of at most so many bytes, one line at least.
fn pieces(lines: &[u8], bytes_max: usize) -> Vec<&[u8]> {
    let mut pieces = Vec::new();
    let (mut start, mut end, mut count) = (0, 0, 0);
    for at in memchr::memchr_iter(b'\n', lines) {
        if end > start && (at + 1 - start > bytes_max || count >= EVENTS_MAX) {
            pieces.push(&lines[start..end]);
            (start, count) = (end, 0);
        }
        (end, count) = (at + 1, count + 1);
    }
    if end > start {
        pieces.push(&lines[start..end]);
    }
    pieces
}

/// Two halves of whole lines; `None` of one line.
fn halves(piece: &[u8]) -> Option<(&[u8], &[u8])> {
    let ends: Vec<usize> = memchr::memchr_iter(b'\n', piece).map(|at| at + 1).collect();
    (ends.len() > 1).then(|| piece.split_at(ends[ends.len() / 2 - 1]))
}

fn refused_lines(piece: &[u8], mut refused: Vec<RefusedLine>) -> Vec<Refusal<'_>> {
    // A line of which a pipeline makes several events may be named more than once.
    refused.sort_by_key(|one| one.line);
    refused.dedup_by_key(|one| one.line);
    let lines: Vec<&[u8]> = piece.split_inclusive(|byte| *byte == b'\n').collect();
    let line_of =
        |number: u64| usize::try_from(number).ok()?.checked_sub(1).and_then(|place| lines.get(place).copied());
    let of = |one: RefusedLine| line_of(one.line).map(|line| Refusal { reason: one.reason, line });
    refused.into_iter().filter_map(of).collect()
}

#[cfg(test)]
mod tests;
