//! What was read of a connection and is not being stored, and how long its sender may take. No I/O.

use std::io;
use std::time::Duration;

use bytes::BytesMut;
use tokio::time::Instant;

use super::block::{BLOCK_BYTES_MAX, Block};
use super::decoder::Decoder;
use super::frame::{Frame, Version};
use super::window::Windows;
use crate::cut::{Cut, CutReason};
use crate::door::Door;

/// Bytes asked for at once of a connection that is quiet, and of one that is not.
const READ_BYTES_MIN: usize = 4 * 1024;
const READ_BYTES_MAX: usize = 64 * 1024;
/// Silence after which a connection is closed.
const IDLE_MAX: Duration = Duration::from_secs(60);
/// Time for a frame that was begun to be finished, and bytes for which there is a second more.
const FRAME_TIME_MAX: Duration = Duration::from_secs(60);
const FRAME_BYTES_PER_S: u64 = 16 * 1024;
/// Bytes that are in memory beside a block: what was read, what unpacking takes, an event that is not finished.
const BESIDE_BYTES: usize = 256 * 1024;

/// One connection's reading.
pub(super) struct Session<'d> {
    door: &'d Door,
    pub(super) decoder: Decoder,
    windows: Windows,
    pub(super) block: Block,
    /// Whether everything that was read was looked at.
    is_dry: bool,
    /// Nothing more is to be read.
    is_over: bool,
    /// Why not, when it is the sender's fault.
    cut: Option<Cut>,
    speaks_two: bool,
    active_at: Instant,
    /// When the last frame was finished, and what was read since.
    framed_at: Instant,
    read_since: u64,
}

impl<'d> Session<'d> {
    pub(super) fn new(door: &'d Door) -> Self {
        Self {
            door,
            decoder: Decoder::new(door.record_bytes_max()),
            windows: Windows::default(),
            block: Block::new(door.room()),
            is_dry: true,
            is_over: false,
            cut: None,
            speaks_two: true,
            active_at: Instant::now(),
            framed_at: Instant::now(),
            read_since: 0,
        }
    }

    /// Moves what was read into the block, as much as there is room for.
    pub(super) fn decode(&mut self) {
        while !self.is_dry && !self.block.is_full() && self.has_room() {
            if let Err(cut) = self.decode_one() {
                self.end(cut);
            }
        }
    }

    fn decode_one(&mut self) -> Result<(), Cut> {
        let Some(frame) = self.decoder.next_frame()? else {
            self.is_dry = true;
            return Ok(());
        };
        self.framed_at = Instant::now();
        self.read_since = 0;
        match frame {
            Frame::Window(version, events) => {
                self.speaks_two = version == Version::Two;
                let ack = self.windows.begin(events)?;
                self.block.answer(ack);
            }
            Frame::Event(event) => {
                self.speaks_two = event.version == Version::Two;
                let ack = self.windows.count(&event)?;
                self.block.push(event, ack);
            }
        }
        Ok(())
    }

    /// What is to be stored next: windows that are finished, a part of one for which there is no more room, or, when
    /// nothing more comes, the rest.
    pub(super) fn next_block(&mut self) -> Option<Block> {
        if !self.block.acks.is_empty() {
            return Some(self.block.take_whole_windows(self.door.room()));
        }
        if self.block.has_events() && (self.block.is_full() || self.is_over || !self.has_room()) {
            return Some(std::mem::replace(&mut self.block, Block::new(self.door.room())));
        }
        if !self.block.has_events() && self.decoder.is_between_frames() {
            self.release();
        }
        None
    }

    /// Gives memory back that a quiet connection does not need.
    fn release(&mut self) {
        self.block.room.shrink();
        if self.decoder.buffer().capacity() > READ_BYTES_MIN {
            *self.decoder.buffer() = BytesMut::new();
        }
    }

    /// Whether what is in memory fits into the room, which grows if it can at once.
    fn has_room(&mut self) -> bool {
        while !self.fits() {
            if self.block.room.bytes() >= self.room_bytes_max() || !self.block.room.try_grow(self.room_bytes_max()) {
                return false;
            }
        }
        true
    }

    fn fits(&self) -> bool {
        self.block.held_bytes + self.decoder.held_bytes() <= self.block.room.bytes()
    }

    /// Bytes that the connection may have in memory before they are stored.
    pub(super) fn room_bytes_max(&self) -> usize {
        BLOCK_BYTES_MAX + 2 * self.door.record_bytes_max() + BESIDE_BYTES
    }

    pub(super) fn wants_bytes(&self) -> bool {
        !self.is_over && self.is_dry && !self.block.is_full() && self.fits()
    }

    /// Whether it can only go on with more room.
    pub(super) fn wants_room(&self) -> bool {
        !self.is_over && !self.block.has_events() && !self.fits()
    }

    /// Bytes to ask for at once: the more, the more comes.
    pub(super) fn read_bytes(&self) -> usize {
        (self.block.room.bytes() / 4).clamp(READ_BYTES_MIN, READ_BYTES_MAX)
    }

    /// Notes that so many bytes more are in the buffer; 0 are the end.
    pub(super) fn has_read(&mut self, read: io::Result<usize>) {
        self.active_at = Instant::now();
        let bytes = match read {
            Ok(bytes) => bytes,
            Err(error) => return self.end(error.into()),
        };
        if bytes == 0 {
            self.is_over = true;
            return;
        }
        if self.decoder.held_bytes() == bytes {
            self.framed_at = Instant::now();
        }
        self.read_since += bytes as u64;
        self.is_dry = false;
    }

    /// Notes that its sender was answered: it did not wait without need.
    pub(super) fn answered(&mut self) {
        (self.active_at, self.framed_at, self.read_since) = (Instant::now(), Instant::now(), 0);
    }

    /// Until when nothing need come. A sender does nothing wrong while what it sent waits for room.
    pub(super) fn quiet_until(&self) -> Instant {
        if !self.is_dry {
            return Instant::now() + IDLE_MAX;
        }
        let idle_at = self.active_at + IDLE_MAX;
        if self.decoder.is_between_frames() { idle_at } else { idle_at.min(self.slow_at()) }
    }

    /// When the frame that was begun has taken too long.
    fn slow_at(&self) -> Instant {
        self.framed_at + FRAME_TIME_MAX + Duration::from_secs(self.read_since / FRAME_BYTES_PER_S)
    }

    /// Ends a connection on which nothing came for too long, or too little.
    pub(super) fn check_quiet(&mut self) {
        let now = Instant::now();
        if now < self.quiet_until() {
            return;
        }
        if !self.decoder.is_between_frames() && now >= self.slow_at() {
            let words = format!("a frame was not finished within {} s", FRAME_TIME_MAX.as_secs());
            self.end(Cut::new(CutReason::Slow, words));
        } else if self.windows.is_open() || !self.decoder.is_between_frames() {
            let words = format!("nothing came for {} s within a window", IDLE_MAX.as_secs());
            self.end(Cut::new(CutReason::Idle, words));
        } else {
            self.is_over = true;
        }
    }

    /// Reads nothing more, for this reason unless the connection has ended already.
    pub(super) fn end(&mut self, cut: Cut) {
        if !self.is_over {
            (self.is_over, self.is_dry, self.cut) = (true, true, Some(cut));
        }
    }

    /// The process is to end: windows that are finished are stored, others are sent again.
    pub(super) fn stop(&mut self) {
        (self.is_over, self.is_dry) = (true, true);
        self.block.keep_whole_windows();
    }

    pub(super) const fn is_over(&self) -> bool {
        self.is_over
    }

    pub(super) const fn speaks_two(&self) -> bool {
        self.speaks_two
    }

    /// How the connection ended.
    pub(super) fn outcome(self) -> Result<(), Cut> {
        self.cut.map_or(Ok(()), Err)
    }
}
