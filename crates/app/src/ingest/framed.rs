//! Taking in what a protocol has framed: events are stored, what may not be stored is kept as a dead letter.
//!
//! Whoever calls may acknowledge once this returns: every record is then on disk, in one of the two places.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use vigie_domain::{Error, Result, Scope};
use vigie_pipeline::{Assembler, Framed, RedactionCounts};

use super::{Ingest, IngestOptions, append_all};
use crate::dead_letters::{DeadLetter, DeadLetters, Selection};

/// Letters that are replayed at once.
const REPLAY_BATCH: usize = 500;

/// What is said of an event outside of the window whose sender is not told: it is a dead letter.
pub(super) const LETTER_ADVICE: &str = "store the dead letter after all to keep it";

/// Puts the records of some frames into an assembler; it may be asked to more than once.
pub type Fill = Arc<dyn Fn(&mut Assembler<'_>) + Send + Sync>;

/// Some frames of one sender.
#[derive(Clone)]
pub struct Frames {
    /// The input that they came through.
    pub input: &'static str,
    /// Who sent them, if that is known.
    pub sender: Option<IpAddr>,
    /// Names them, so that storing them again after a failure stores nothing twice.
    pub key: String,
    /// Bytes that they take, unpacked.
    pub size_bytes: usize,
    /// Their records.
    pub fill: Fill,
}

impl fmt::Debug for Frames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frames").field("input", &self.input).field("key", &self.key).finish_non_exhaustive()
    }
}

/// What became of records: `received` is `stored + deduplicated + dead_lettered + dropped`, counted on its own; a pipeline may
/// make several events of one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FramedReport {
    /// Records in the frames.
    pub received: u64,
    /// Stored now, durably.
    pub stored: u64,
    /// Stored before.
    pub deduplicated: u64,
    /// Kept as dead letters.
    pub dead_lettered: u64,
    /// What was taken out of them, because it may never be stored.
    pub redactions: RedactionCounts,
    /// Let go by the pipeline, as it says.
    pub dropped: u64,
}

/// What became of letters that were to be stored after all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReplayReport {
    /// Stored now, or before: they are no letters any more.
    pub stored: u64,
    /// Refused again: they stay.
    pub refused: u64,
}

impl Ingest {
    /// Stores the records of the frames; when it returns each is durable, as an event or as a dead letter.
    ///
    /// # Errors
    /// `Throttled` when too many wait, else what the store and the folder of letters answer; the same frames may then
    /// be given again.
    pub async fn accept_framed(&self, scope: &Scope, frames: &Frames, letters: &DeadLetters) -> Result<FramedReport> {
        let framed = self.assemble(frames.size_bytes, Arc::clone(&frames.fill), TimeBound::Window).await?;
        let (received, dropped, redactions) = (framed.received, framed.dropped, framed.redactions);
        let outcome = append_all(self.store.as_ref(), scope, framed.events, Some(&frames.key)).await?;
        let dead_lettered = framed.refused.len() as u64;
        letters.keep(frames.input, frames.sender, framed.refused).await?;
        let (stored, deduplicated) = (outcome.stored, outcome.deduplicated);
        Ok(FramedReport { received, stored, deduplicated, dead_lettered, redactions, dropped })
    }

    /// Stores letters after all, those outside of the time window too; those that are refused again stay.
    ///
    /// # Errors
    /// What the store and the folder of letters answer; letters that were stored until then are gone.
    pub async fn replay(&self, scope: &Scope, letters: &DeadLetters, selection: &Selection) -> Result<ReplayReport> {
        let mut report = ReplayReport::default();
        let selected = letters.selected(selection).await?;
        for batch in selected.rchunks(REPLAY_BATCH) {
            let mut stored = Vec::new();
            for letter in batch {
                if self.replay_one(scope, letter).await? {
                    stored.push(letter.id.clone());
                } else {
                    report.refused += 1;
                }
            }
            report.stored += letters.remove(&Selection::Ids(stored)).await?;
        }
        Ok(report)
    }

    /// Whether the letter is stored now.
    async fn replay_one(&self, scope: &Scope, letter: &DeadLetter) -> Result<bool> {
        let raw = letter.bytes();
        let size_bytes = raw.len();
        let fill: Fill = Arc::new(move |assembler: &mut Assembler<'_>| assembler.push_line(&raw));
        let framed = self.assemble(size_bytes, fill, TimeBound::Any).await?;
        if !framed.refused.is_empty() {
            return Ok(false);
        }
        let key = format!("dead-letter/{}", letter.id);
        append_all(self.store.as_ref(), scope, framed.events, Some(&key)).await?;
        Ok(true)
    }

    async fn assemble(&self, size_bytes: usize, fill: Fill, bound: TimeBound) -> Result<Framed> {
        let _way = self.way_of(size_bytes, super::kib(size_bytes)).await?;
        let mut options =
            self.decode_options(&IngestOptions { any_time: bound == TimeBound::Any, ..IngestOptions::default() });
        options.window_advice = LETTER_ADVICE;
        let assembled = tokio::task::spawn_blocking(move || {
            let mut assembler = Assembler::new(&options);
            fill(&mut assembler);
            assembler.finish()
        });
        assembled.await.map_err(|error| Error::internal(format!("reading frames stopped: {error}")))
    }
}

/// Which times events may have.
#[derive(Clone, Copy, PartialEq, Eq)]
enum TimeBound {
    /// Those of the settings.
    Window,
    /// Any.
    Any,
}
