//! What the spool holds and what is on disk of it: segments, the position of every source, what was sent.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use rand::Rng;

use super::notes::{SentNote, SourcesNote};
use super::record::{self, NewRecord};
use super::segments::{self, Piece, Segment};
use super::{AppendError, Batch, Events};
use crate::ledger::{Amount, Ledger, Place, SourceEntry};

/// Bytes of a segment, unless the spool is small.
const SEGMENT_BYTES: u64 = 16 * 1024 * 1024;
/// Segments that a spool has room for at least.
const SEGMENTS_MIN: u64 = 8;
/// Bytes that are appended before they are synced without being asked.
const UNSYNCED_BYTES_MAX: u64 = 1024 * 1024;

/// A place in the spool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) segment: u64,
    pub(super) offset: u64,
}

pub(super) struct Inner {
    pub(super) folder: PathBuf,
    pub(super) bytes_max: u64,
    segment_bytes: u64,
    /// Oldest first; the last one is written to once `open` is there.
    pub(super) segments: VecDeque<Segment>,
    open: Option<File>,
    /// Up to where the spool is on disk.
    pub(super) synced: Option<Mark>,
    pub(super) unsynced_bytes: u64,
    pub(super) next_sequence: u64,
    pub(super) sent: SentNote,
    pub(super) damaged_bytes: u64,
    pub(super) ledger: Ledger,
    pub(super) spool_id: String,
    pub(super) broken: Option<String>,
}

impl Inner {
    /// What is in the folder, read once.
    pub(super) fn open(folder: &Path, bytes_max: u64) -> io::Result<Self> {
        let sent = SentNote::load(folder)?;
        let note = SourcesNote::load(folder)?;
        let is_new = note.is_none();
        let note = note.unwrap_or_else(|| SourcesNote {
            spool_id: format!("{:032x}", rand::rng().random::<u128>()),
            next_sequence: 0,
            sources: Vec::new(),
        });
        let mut inner = Self {
            folder: folder.to_owned(),
            bytes_max,
            segment_bytes: SEGMENT_BYTES.min(bytes_max / SEGMENTS_MIN).max(1),
            segments: segments::list(folder)?.into(),
            open: None,
            synced: None,
            unsynced_bytes: 0,
            next_sequence: note.next_sequence.max(sent.sequence),
            sent,
            damaged_bytes: 0,
            ledger: Ledger::default(),
            spool_id: note.spool_id,
            broken: None,
        };
        note.sources.into_iter().for_each(|entry| inner.ledger.note(entry));
        inner.replay(note.next_sequence)?;
        if is_new {
            inner.note_sources()?;
        }
        Ok(inner)
    }

    pub(super) fn bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.bytes).sum()
    }

    /// Reads every segment once: where sources stand, and what waits of them.
    fn replay(&mut self, noted_sequence: u64) -> io::Result<()> {
        let newest = self.segments.back().map(|segment| segment.number);
        for place in 0..self.segments.len() {
            let number = self.segments[place].number;
            let bytes = std::fs::read(segments::path_of(&self.folder, number))?;
            let mut at = 0;
            while let Some(piece) = segments::piece_at(&bytes, at) {
                match piece {
                    Piece::Record(record) => self.replay_record(&record, noted_sequence),
                    Piece::Torn(torn) if Some(number) == newest => {
                        tracing::info!(
                            bytes = torn.len(),
                            "the spool ends in the middle of a record, which was never sent"
                        );
                        cut(&self.folder, number, at as u64)?;
                        self.segments[place].bytes = at as u64;
                    }
                    Piece::Damaged(damaged) | Piece::Torn(damaged) => {
                        segments::set_aside(&self.folder, number, at as u64, damaged)?;
                        self.damaged_bytes += damaged.len() as u64;
                    }
                }
                at += piece.length();
            }
        }
        if let Some(last) = self.segments.back() {
            // What a process wrote that was killed may not be on disk yet.
            File::open(segments::path_of(&self.folder, last.number))?.sync_all()?;
            self.synced = Some(Mark { segment: last.number, offset: last.bytes });
        }
        Ok(())
    }

    fn replay_record(&mut self, record: &record::Record<'_>, noted_sequence: u64) {
        let Some(entry) = record.source() else { return };
        let key = entry.place.key();
        self.next_sequence = self.next_sequence.max(record.next_sequence());
        if record.next_sequence() >= noted_sequence || self.ledger.of(key).is_none() {
            self.ledger.note(entry);
        }
        if record.next_sequence() > self.sent.sequence {
            let amount = Amount { count: u64::from(record.event_count), bytes: record.events_bytes as u64 };
            self.ledger.add_waiting(key, amount);
        }
    }

    pub(super) fn append(&mut self, place: Place, events: &Events, read_bytes: u64) -> Result<(), AppendError> {
        if let Some(words) = &self.broken {
            return Err(AppendError::Broken(words.clone()));
        }
        let key = place.key();
        let before = self.ledger.of(key).map_or((0, 0), |account| (account.entry.read_count, account.entry.read_bytes));
        let (read_count, read_bytes) = (before.0 + u64::from(events.count), before.1 + read_bytes);
        let source = SourceEntry { place, read_count, read_bytes };
        let record = NewRecord { source: &source, event_count: events.count, events: &events.lines };
        let too_large = || AppendError::Write(io::Error::other("what was read at once is too large for a record"));
        let bytes = record.to_bytes(self.next_sequence).ok_or_else(too_large)?;
        // What holds no events is small and lets reading go on.
        if events.count > 0 && self.bytes() + bytes.len() as u64 > self.bytes_max {
            return Err(AppendError::Full(self.bytes_max));
        }
        self.write(&bytes)?;
        self.next_sequence += u64::from(events.count);
        self.ledger.note(source);
        let amount = Amount { count: u64::from(events.count), bytes: events.lines.len() as u64 };
        self.ledger.add_waiting(key, amount);
        if self.unsynced_bytes >= UNSYNCED_BYTES_MAX { self.sync() } else { Ok(()) }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), AppendError> {
        let is_full = self.segments.back().is_some_and(|segment| segment.bytes >= self.segment_bytes);
        if is_full || self.segments.is_empty() {
            self.sync()?;
            self.begin_segment().map_err(AppendError::Write)?;
        }
        let Some(segment) = self.segments.back_mut() else {
            return Err(AppendError::Write(io::Error::other("the spool has no segment")));
        };
        let path = segments::path_of(&self.folder, segment.number);
        let file = match &mut self.open {
            Some(file) => file,
            open => open.insert(OpenOptions::new().append(true).open(path).map_err(AppendError::Write)?),
        };
        if let Err(error) = file.write_all(bytes) {
            // Nothing of it may remain, or what follows would stand behind damage.
            if let Err(error) = file.set_len(segment.bytes) {
                self.broken = Some(error.to_string());
            }
            return Err(AppendError::Write(error));
        }
        segment.bytes += bytes.len() as u64;
        self.unsynced_bytes += bytes.len() as u64;
        Ok(())
    }

    fn begin_segment(&mut self) -> io::Result<()> {
        let number = self.segments.back().map_or(0, |segment| segment.number + 1);
        let path = segments::path_of(&self.folder, number);
        self.open = Some(OpenOptions::new().create_new(true).append(true).open(path)?);
        segments::sync_folder(&self.folder)?;
        self.segments.push_back(Segment { number, bytes: 0 });
        Ok(())
    }

    pub(super) fn sync(&mut self) -> Result<(), AppendError> {
        if let Some(words) = &self.broken {
            return Err(AppendError::Broken(words.clone()));
        }
        if let (Some(file), true) = (&self.open, self.unsynced_bytes > 0)
            && let Err(error) = file.sync_data()
        {
            // The system may think now that it is on disk: what was not synced is cut off and read again.
            if let Some(synced) =
                self.synced.filter(|mark| self.segments.back().is_some_and(|last| last.number == mark.segment))
            {
                drop(file.set_len(synced.offset));
            }
            self.broken = Some(error.to_string());
            return Err(AppendError::Broken(error.to_string()));
        }
        self.unsynced_bytes = 0;
        self.synced = self.segments.back().map(|last| Mark { segment: last.number, offset: last.bytes });
        Ok(())
    }

    pub(super) fn note_sources(&self) -> io::Result<()> {
        let sources = self.ledger.accounts().into_iter().map(|account| account.entry.clone()).collect();
        SourcesNote { spool_id: self.spool_id.clone(), next_sequence: self.next_sequence, sources }.save(&self.folder)
    }

    pub(super) fn acknowledge(&mut self, batch: &Batch, set_aside_count: u64) -> io::Result<()> {
        self.sent.sequence = self.sent.sequence.max(batch.next_sequence);
        self.sent.set_aside_count += set_aside_count;
        self.damaged_bytes += batch.damaged_bytes;
        batch.amounts.iter().for_each(|(key, amount)| self.ledger.sent(*key, *amount));
        if self.segments.front().is_some_and(|first| first.number < batch.end.segment) {
            self.sync().map_err(|error| io::Error::other(error.to_string()))?;
            self.note_sources()?;
        }
        self.sent.save(&self.folder)?;
        while self.segments.front().is_some_and(|first| first.number < batch.end.segment) {
            let Some(first) = self.segments.pop_front() else { break };
            std::fs::remove_file(segments::path_of(&self.folder, first.number))?;
        }
        Ok(())
    }
}

fn cut(folder: &Path, number: u64, bytes: u64) -> io::Result<()> {
    let file = OpenOptions::new().write(true).open(segments::path_of(folder, number))?;
    file.set_len(bytes)?;
    file.sync_all()
}
