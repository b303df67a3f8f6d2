//! What is read: files that are followed, systemd's journal, standard input. Each is one thread that reads no further than the
//! spool has room.

pub mod files;
pub mod journal_entry;
pub mod journald;
pub mod stdin;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use vigie_domain::Timestamp;

use crate::event::Beside;
use crate::ledger::Place;
use crate::problems::Problems;
use crate::set_aside::{Kept, SetAside};
use crate::spool::{AppendError, Events, Spool};
use crate::stop::Stop;

/// Tells the present instant.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// How long to wait for room before looking again.
const ROOM_WAIT: Duration = Duration::from_millis(250);
/// Events of one record of the spool.
pub const EVENTS_MAX: u32 = 2_000;
/// Bytes of events of one record of the spool, after which no further is added.
pub const EVENTS_BYTES: usize = 1024 * 1024;

/// What every source needs.
#[derive(Clone)]
pub struct Context {
    /// Where events go.
    pub spool: Arc<Spool>,
    /// Where goes what can never be sent.
    pub set_aside: Arc<SetAside>,
    /// What is wrong now.
    pub problems: Arc<Problems>,
    /// Whether it is over.
    pub stop: Arc<Stop>,
    /// What time it is.
    pub clock: Clock,
    /// The agent's name: part of every id.
    pub name: Arc<str>,
    /// Agent, host and what the settings add to every event.
    pub beside: Arc<Beside>,
    /// Bytes of a line.
    pub line_bytes_max: usize,
}

/// It is over; what was to be appended is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped;

/// What cannot be an event, on its way to the file for it.
#[derive(Debug, Default)]
pub struct Refused(Vec<(String, String)>);

impl Refused {
    /// Adds one.
    pub fn push(&mut self, reason: String, raw: &[u8]) {
        self.0.push((reason, String::from_utf8_lossy(raw).into_owned()));
    }
}

impl Refused {
    /// Why the first of them is refused.
    pub fn first_reason(&self) -> Option<&str> {
        self.0.first().map(|(reason, _)| reason.as_str())
    }
}

impl Context {
    /// Appends events and where their source stands, once there is room.
    /// What is refused is kept before.
    ///
    /// # Errors
    /// When it is over, or the spool is broken.
    pub fn append_when_room(
        &self,
        place: &Place,
        events: &Events,
        read_bytes: u64,
        refused: &Refused,
    ) -> Result<(), Stopped> {
        let name = place.name();
        while let Err(words) = self.keep(&name, refused) {
            self.problems.note(&name, &words);
            if self.stop.wait(ROOM_WAIT) {
                return Err(Stopped);
            }
        }
        loop {
            match self.spool.append(place.clone(), events, read_bytes) {
                Ok(()) => {
                    self.problems.clear(&name);
                    return Ok(());
                }
                Err(AppendError::Broken(_)) => return Err(Stopped),
                Err(error @ (AppendError::Full(_) | AppendError::Write(_))) => {
                    self.problems.note(&name, &error.to_string());
                    // Only what is synced is sent, and so makes room.
                    self.spool.sync().map_err(|_| Stopped)?;
                }
            }
            if self.stop.wait(ROOM_WAIT) {
                return Err(Stopped);
            }
        }
    }

    fn keep(&self, name: &str, refused: &Refused) -> Result<(), String> {
        let kept: Vec<Kept<'_>> = refused.0.iter().map(|(reason, raw)| Kept { reason, source: name, raw }).collect();
        self.set_aside.keep(&kept).map_err(|error| error.to_string())?;
        for (reason, _) in &refused.0 {
            tracing::warn!(source = name, reason, "a record can never be sent; it is set aside");
        }
        self.spool.count_set_aside(refused.0.len() as u64);
        Ok(())
    }
}
