//! Standard input: what is written to it is read until it ends, and no faster than the spool has room.
//!
//! It cannot be read a second time: what was read and is not in the spool yet is lost with the process. That is at most one
//! piece, and the event that waits for more lines.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use super::{Context, EVENTS_BYTES, EVENTS_MAX, Refused, Stopped};
use crate::event::{Beside, Told, id_of, push};
use crate::ledger::{Place, SourceKey};
use crate::multiline::Multiline;
use crate::spool::Events;

/// Bytes of a piece.
const PIECE_BYTES: usize = 64 * 1024;
/// Pieces that wait; then nothing more is read.
const PIECES_MAX: usize = 4;
/// How often it is looked whether it is over.
const LOOK_INTERVAL: Duration = Duration::from_millis(250);

/// How standard input is read.
#[derive(Clone, Debug, Default)]
pub struct StdinSpec {
    /// Which lines are one event.
    pub multiline: Multiline,
    /// Fields of each event.
    pub beside: Beside,
}

/// Reads until it ends or it is over; everything that was read is in the spool then.
///
/// # Errors
/// When it is over before that.
pub fn read(spec: &StdinSpec, input: impl Read + Send + 'static, context: &Context) -> Result<(), Stopped> {
    let (sender, pieces) = sync_channel(PIECES_MAX);
    // It may wait for a piece for ever: nobody waits for it.
    thread::spawn(move || give_pieces(input, &sender));
    Reading { spec, context, bytes: Vec::new(), is_skipping: false, added_at: Instant::now() }.take(&pieces)
}

fn give_pieces(mut input: impl Read, pieces: &SyncSender<Vec<u8>>) {
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        match input.read(&mut piece) {
            Ok(0) => return,
            Ok(length) => {
                if pieces.send(piece[..length].to_vec()).is_err() {
                    return;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                tracing::warn!(%error, "standard input cannot be read any further");
                return;
            }
        }
    }
}

/// What was read and is not in the spool yet.
struct Reading<'r> {
    spec: &'r StdinSpec,
    context: &'r Context,
    bytes: Vec<u8>,
    /// Whether the rest of a line that is too large is passed over.
    is_skipping: bool,
    added_at: Instant,
}

impl Reading<'_> {
    fn take(&mut self, pieces: &Receiver<Vec<u8>>) -> Result<(), Stopped> {
        loop {
            let wait = LOOK_INTERVAL.min(self.spec.multiline.flush_after.max(Duration::from_millis(1)));
            match pieces.recv_timeout(wait) {
                Ok(piece) => {
                    self.bytes.extend_from_slice(&piece);
                    self.added_at = Instant::now();
                    self.store(false)?;
                }
                Err(RecvTimeoutError::Timeout) => {
                    if self.context.stop.is_set() {
                        self.store(true)?;
                        return Err(Stopped);
                    }
                    if self.added_at.elapsed() >= self.spec.multiline.flush_after {
                        self.store_lines(true)?;
                    }
                }
                Err(RecvTimeoutError::Disconnected) => return self.store(true),
            }
        }
    }

    /// Stores what is whole; at the end, everything.
    fn store(&mut self, is_end: bool) -> Result<(), Stopped> {
        self.pass_over();
        if is_end && !self.bytes.is_empty() && !self.bytes.ends_with(b"\n") {
            self.bytes.push(b'\n');
        }
        self.store_lines(is_end)?;
        let whole = memchr::memrchr(b'\n', &self.bytes).map_or(0, |at| at + 1);
        if self.bytes.len() - whole > self.context.line_bytes_max {
            self.leave_out_line()?;
        }
        Ok(())
    }

    /// What comes before a line that is too large is whole; its beginning is set aside, and its rest is passed over.
    fn leave_out_line(&mut self) -> Result<(), Stopped> {
        self.store_lines(true)?;
        let mut refused = Refused::default();
        let words = "a line has more bytes than the setting \"line_bytes_max\" allows; this is its beginning";
        refused.push(words.to_owned(), &self.bytes[..self.context.line_bytes_max.min(self.bytes.len())]);
        self.context.append_when_room(&Place::Stdin, &Events::default(), self.bytes.len() as u64, &refused)?;
        self.bytes.clear();
        self.is_skipping = true;
        Ok(())
    }

    fn pass_over(&mut self) {
        if !self.is_skipping {
            return;
        }
        match memchr::memchr(b'\n', &self.bytes) {
            Some(at) => {
                drop(self.bytes.drain(..=at));
                self.is_skipping = false;
            }
            None => self.bytes.clear(),
        }
    }

    /// Stores the whole lines that are whole events; with `is_all`, the last event too.
    fn store_lines(&mut self, is_all: bool) -> Result<(), Stopped> {
        let whole = memchr::memrchr(b'\n', &self.bytes).map_or(0, |at| at + 1);
        let split = self.spec.multiline.split(&self.bytes[..whole]);
        let mut ranges = split.events;
        let mut end = whole;
        if split.is_open && !is_all {
            end = ranges.pop().map_or(whole, |last| last.start);
        }
        let mut at = 0;
        let mut ranges = ranges.into_iter().peekable();
        while ranges.peek().is_some() {
            let (mut events, mut refused) = (Events::default(), Refused::default());
            let first = self.context.spool.read_count(SourceKey::Stdin);
            while events.count < EVENTS_MAX && events.lines.len() < EVENTS_BYTES {
                let Some(range) = ranges.next() else { break };
                let record = &self.bytes[range];
                if let Err(reason) = self.push(&mut events, record, first) {
                    refused.push(reason, record);
                }
            }
            let next = ranges.peek().map_or(end, |range| range.start);
            self.context.append_when_room(&Place::Stdin, &events, (next - at) as u64, &refused)?;
            at = next;
        }
        drop(self.bytes.drain(..end));
        self.context.spool.sync().map_err(|_| Stopped)
    }

    /// The number of an event among all that were ever read here is its name.
    fn push(&self, events: &mut Events, record: &[u8], first: u64) -> Result<(), String> {
        let context = self.context;
        let number = (first + u64::from(events.count)).to_le_bytes();
        let id = id_of(&[context.name.as_bytes(), b"stdin", context.spool.id().as_bytes(), &number]);
        let beside = [&self.spec.beside, &*context.beside];
        push(events, record, &Told { id: &id, beside: &beside, read_at: (context.clock)(), at: None })
    }
}
