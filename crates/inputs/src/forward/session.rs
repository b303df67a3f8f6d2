//! What was read of one connection of the forward protocol, up to messages that are whole.
//!
//! Many small messages are stored at once. One that is large waits for its turn: only one of them, of all connections, is
//! in memory at a time.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::forward_messages;
use super::message::Message;
use super::msgpack::Extent;
use crate::cut::{Cut, CutReason};
use crate::door::Door;
use crate::room::Room;

/// Bytes of one message, as it is sent. Fluentd's buffer in memory makes chunks of 8 MiB, Fluent Bit's of 2 MiB.
pub(super) const MESSAGE_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Bytes that are stored at once; one message may be larger.
const BLOCK_BYTES_MAX: usize = 1024 * 1024;
/// Bytes asked for at once.
const READ_BYTES: usize = 64 * 1024;
/// Time for a message that was begun to be finished.
const MESSAGE_TIME_MAX: Duration = Duration::from_secs(60);

/// What came on a connection and is not being stored.
pub(super) struct Session {
    pub(super) buffer: BytesMut,
    pub(super) room: Room,
    /// The turn of a large message.
    turn: Option<OwnedSemaphorePermit>,
    /// Bytes at the beginning that are whole messages.
    whole_bytes: usize,
    /// Where the message after them ends.
    extent: Extent,
    begun_at: Instant,
    is_unreadable: bool,
    /// Nothing more is to be read.
    pub(super) is_over: bool,
    cut: Option<Cut>,
}

/// Whole messages that are stored together.
pub(super) struct Block {
    bytes: Bytes,
    /// What comes with it ends here.
    _turn: Option<OwnedSemaphorePermit>,
}

/// A message, or bytes that are none, with the reason.
pub(super) type Read = Result<Message, (String, Bytes)>;

impl Block {
    /// Its messages, in order. Those that only say that the sender lives are left out.
    pub(super) fn read(&self) -> Vec<Read> {
        let mut messages = Vec::new();
        for bytes in forward_messages(self.bytes.clone()) {
            match Message::of(&bytes) {
                Ok(Some(message)) => messages.push(Ok(message.unpacked())),
                Ok(None) => {}
                Err(reason) => messages.push(Err((reason, bytes))),
            }
        }
        messages
    }
}

impl Session {
    pub(super) fn new(door: &Door) -> Self {
        Self {
            buffer: BytesMut::new(),
            room: door.room(),
            turn: None,
            whole_bytes: 0,
            extent: Extent::default(),
            begun_at: Instant::now(),
            is_unreadable: false,
            is_over: false,
            cut: None,
        }
    }

    /// What is to be stored next.
    pub(super) fn next_block(&mut self) -> Option<Block> {
        self.find_messages();
        if self.whole_bytes == 0 {
            if self.buffer.is_empty() {
                self.room.shrink();
                self.buffer = BytesMut::new();
            }
            return None;
        }
        let bytes = self.buffer.split_to(self.whole_bytes).freeze();
        self.whole_bytes = 0;
        Some(Block { bytes, _turn: self.turn.take() })
    }

    /// How the connection ended.
    pub(super) fn outcome(&mut self, is_stopped: bool) -> Result<(), Cut> {
        if let Some(cut) = self.cut.take() {
            return Err(cut);
        }
        if self.buffer.is_empty() || is_stopped {
            return Ok(());
        }
        let words = format!("the connection ended after {} bytes of a message; send it again", self.buffer.len());
        Err(Cut::new(CutReason::Broken, words))
    }

    fn find_messages(&mut self) {
        while !self.is_unreadable && self.whole_bytes < BLOCK_BYTES_MAX {
            let rest = &self.buffer[self.whole_bytes..];
            match rest.first() {
                // A list, or nil.
                None | Some(0x90..=0x9f | 0xdc | 0xdd | 0xc0) => {}
                Some(byte) => {
                    let words = format!(
                        "a message begins with the byte {byte:02x}, as none of the forward protocol does; send MessagePack, and \
                         JSON lines to the input tcp"
                    );
                    return self.cannot_read(Cut::protocol(words));
                }
            }
            let found = self.extent.of(rest);
            match found {
                Ok(Some(bytes)) if bytes <= MESSAGE_BYTES_MAX => {
                    self.whole_bytes += bytes;
                    self.extent = Extent::default();
                    self.begun_at = Instant::now();
                }
                Ok(None) if self.extent.bytes_min() <= MESSAGE_BYTES_MAX as u64 && rest.len() <= MESSAGE_BYTES_MAX => {
                    return;
                }
                Ok(_) => {
                    let words = format!(
                        "a message has more than {MESSAGE_BYTES_MAX} bytes; set chunk_limit_size of the sender's buffer to 8m"
                    );
                    return self.cannot_read(Cut::new(CutReason::TooLarge, words));
                }
                Err(fault) => return self.cannot_read(Cut::protocol(fault.words())),
            }
        }
    }

    /// What follows the whole messages is none, and nothing tells where the next one begins.
    fn cannot_read(&mut self, cut: Cut) {
        self.is_unreadable = true;
        self.cut_off(cut);
    }

    /// The connection ends when what is whole is stored. What went wrong first is what is told.
    pub(super) fn cut_off(&mut self, cut: Cut) {
        self.is_over = true;
        self.cut.get_or_insert(cut);
    }

    /// Notes that so many bytes more are in the buffer; none are the end. A connection that fails is over; what came before
    /// is stored.
    pub(super) fn has_read(&mut self, read: std::io::Result<usize>) {
        match read {
            Ok(0) => self.is_over = true,
            Ok(bytes) if self.buffer.len() == bytes => self.begun_at = Instant::now(),
            Ok(_) => {}
            Err(error) => self.cut_off(error.into()),
        }
    }

    /// Whether more may be read now.
    pub(super) fn has_room(&self) -> bool {
        let bytes_max = if self.turn.is_some() { MESSAGE_BYTES_MAX + READ_BYTES } else { self.room.bytes() };
        !self.is_over && self.buffer.len() < bytes_max
    }

    /// Whether it waits for room to read more of a message.
    pub(super) fn wants_room(&self) -> bool {
        !self.is_over && !self.has_room() && self.turn.is_none()
    }

    /// The same while a block is being stored: what comes meanwhile may well be whole, so it takes no turn.
    pub(super) fn wants_room_meanwhile(&self) -> bool {
        self.wants_room() && self.room.bytes() < BLOCK_BYTES_MAX
    }

    /// Notes that there is room now.
    pub(super) fn has_grown(&mut self, turn: Option<OwnedSemaphorePermit>) {
        if turn.is_some() {
            self.turn = turn;
            self.begun_at = Instant::now();
        }
    }

    /// When the message that was begun has taken too long; waiting for a turn does not count.
    pub(super) fn slow_at(&self) -> Instant {
        let begun_at = if self.buffer.is_empty() || self.wants_room() { Instant::now() } else { self.begun_at };
        begun_at + MESSAGE_TIME_MAX
    }

    /// Ends the connection when its message has taken too long.
    pub(super) fn check_slow(&mut self) {
        if Instant::now() >= self.slow_at() {
            let words = format!("a message was not finished within {} s", MESSAGE_TIME_MAX.as_secs());
            self.cut_off(Cut::new(CutReason::Slow, words));
        }
    }
}

/// Waits for room to read more: a little of what all share, or the turn of a large message.
pub(super) async fn grow(room: &mut Room, turns: &Arc<Semaphore>) -> Option<OwnedSemaphorePermit> {
    if room.bytes() < BLOCK_BYTES_MAX {
        room.grow(BLOCK_BYTES_MAX).await;
        return None;
    }
    // The semaphore is never closed.
    Arc::clone(turns).acquire_owned().await.ok()
}
