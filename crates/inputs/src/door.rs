//! The way from a protocol to the store: frames go in, and when it returns they are on disk.
//!
//! What cannot be stored now is tried again until it can or the process ends, so that a sender without acknowledgements
//! is slowed down, not robbed.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use vigie_app::Clock;
use vigie_app::dead_letters::DeadLetters;
use vigie_app::ingest::{Admission, Fill, FramedReport, Frames, Ingest, Sent, SentReport};
use vigie_domain::{Error, ErrorKind, Scope};

use crate::numbers::InputNumbers;
use crate::room::{Room, SharedRoom};

/// Pause before what could not be stored is tried again, at first and at most.
const PAUSE_MIN: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// What inputs store through.
#[derive(Clone)]
pub struct DoorPorts {
    /// Takes frames in.
    pub ingest: Arc<Ingest>,
    /// Keeps what may not be stored.
    pub letters: DeadLetters,
    /// What time it is.
    pub clock: Clock,
    /// Bytes of one record.
    pub record_bytes_max: usize,
}

/// The process ends; what was asked for is not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped;

/// The way of one input to the store.
pub struct Door {
    input: &'static str,
    scope: Scope,
    ports: DoorPorts,
    numbers: Arc<InputNumbers>,
    stop: CancellationToken,
    room: SharedRoom,
    /// Tells the frames of this process from those of others.
    process: u64,
    frames: AtomicU64,
}

impl Door {
    pub(crate) fn new(
        input: &'static str,
        ports: DoorPorts,
        numbers: Arc<InputNumbers>,
        stop: CancellationToken,
    ) -> Self {
        Self {
            input,
            scope: Scope::main(),
            ports,
            numbers,
            stop,
            room: SharedRoom::new(),
            process: RandomState::new().hash_one(input),
            frames: AtomicU64::new(0),
        }
    }

    /// Stores the records of `size_bytes` bytes; when it returns they are on disk. Tries until it can.
    ///
    /// # Errors
    /// When the process ends before they could be stored.
    pub async fn store(&self, sender: Option<IpAddr>, size_bytes: usize, fill: Fill) -> Result<FramedReport, Stopped> {
        let number = self.frames.fetch_add(1, Ordering::Relaxed);
        let key = format!("{}/{:016x}/{number}", self.input, self.process);
        self.store_named(key, sender, size_bytes, fill).await
    }

    /// As `store`, for frames that their protocol has a name for: under the same key nothing is stored twice, over
    /// restarts too.
    ///
    /// # Errors
    /// When the process ends before they could be stored.
    pub async fn store_named(
        &self,
        key: String,
        sender: Option<IpAddr>,
        size_bytes: usize,
        fill: Fill,
    ) -> Result<FramedReport, Stopped> {
        let frames = Frames { input: self.input, sender, key, size_bytes, fill };
        let mut pause = PAUSE_MIN;
        loop {
            let error = match self.ports.ingest.accept_framed(&self.scope, &frames, &self.ports.letters).await {
                Ok(report) => {
                    self.numbers.record(sender, size_bytes, &report);
                    return Ok(report);
                }
                Err(error) => error,
            };
            if error.kind != ErrorKind::Throttled {
                tracing::warn!(input = self.input, %error, "events could not be stored; they wait and are tried again");
                self.numbers.failed(error.message);
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => pause = (pause * 2).min(PAUSE_MAX),
                () = self.stop.cancelled() => return Err(Stopped),
            }
        }
    }

    /// The way of senders that are answered.
    pub fn answering(&self) -> AnsweringDoor {
        let (ingest, numbers) = (Arc::clone(&self.ports.ingest), Arc::clone(&self.numbers));
        AnsweringDoor { scope: self.scope.clone(), ingest, numbers }
    }

    /// Waits for so long.
    ///
    /// # Errors
    /// When the process is to end meanwhile.
    pub(crate) async fn pause(&self, time: Duration) -> Result<(), Stopped> {
        tokio::select! {
            () = tokio::time::sleep(time) => Ok(()),
            () = self.stop.cancelled() => Err(Stopped),
        }
    }

    /// Completes when the process is to end.
    pub async fn stopped(&self) {
        self.stop.cancelled().await;
    }

    /// Whether the process is to end.
    pub fn is_stopped(&self) -> bool {
        self.stop.is_cancelled()
    }

    /// Bytes of one record; larger ones are not stored.
    pub const fn record_bytes_max(&self) -> usize {
        self.ports.record_bytes_max
    }

    /// The input's name.
    pub const fn input(&self) -> &'static str {
        self.input
    }

    /// What the input counts.
    pub(crate) const fn numbers(&self) -> &Arc<InputNumbers> {
        &self.numbers
    }

    /// Room in memory for one more connection.
    pub(crate) fn room(&self) -> Room {
        self.room.room()
    }
}

/// The way of senders that are answered: what cannot be stored now is for them to send again.
#[derive(Clone)]
pub struct AnsweringDoor {
    scope: Scope,
    ingest: Arc<Ingest>,
    numbers: Arc<InputNumbers>,
}

impl AnsweringDoor {
    /// Room for a body that is about to be received; it is kept until the admission is dropped.
    pub fn admit(&self) -> Admission {
        self.ingest.admit()
    }

    /// Stores a request; when it returns its records are on disk, or counted as rejected.
    ///
    /// # Errors
    /// As [`Ingest::accept_sent`]; nothing is counted then but the failure.
    pub async fn store<E>(&self, sender: Option<IpAddr>, sent: Sent<E>) -> Result<SentReport, E>
    where
        E: From<Error> + std::fmt::Display + Send + 'static,
    {
        let size_bytes = sent.body.len();
        let stored = self.ingest.accept_sent(&self.scope, sent).await;
        match &stored {
            Ok(report) => self.numbers.record_told(sender, size_bytes, report),
            Err(error) => self.numbers.failed(error.to_string()),
        }
        stored
    }
}
