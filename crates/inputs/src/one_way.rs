//! Connections on which only the sender speaks: bytes are read while the frames before them are being stored.
//!
//! One block is on its way to the store and one is being read, so that a fast sender fills the store's groups and a slow
//! store slows the sender. A frame without end, or one that takes for ever, ends the connection; what was whole is stored.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Buf, Bytes, BytesMut};
use tokio::io::AsyncReadExt;
use tokio::time::Instant;
use vigie_app::ingest::FramedReport;
use vigie_pipeline::Assembler;

use crate::cut::{Cut, CutReason};
use crate::door::{Door, Stopped};
use crate::room::Room;
use crate::stream::{Connection, StreamProtocol};

/// Bytes that are stored at once; one frame may be larger.
const BLOCK_BYTES_MAX: usize = 1024 * 1024;
/// Bytes asked for at once of a connection that is quiet, and of one that is not.
const READ_BYTES_MIN: usize = 2 * 1024;
const READ_BYTES_MAX: usize = 64 * 1024;
/// How long what may go on with the last frame is waited for, once that is whole.
const HOLD_TIME: Duration = Duration::from_millis(500);
/// Time for a frame that was begun to be finished.
const FRAME_TIME_MAX: Duration = Duration::from_secs(60);
/// Bytes of a frame that is too large that are passed over before the connection is closed.
const SKIPPED_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// How many bytes at the beginning are whole frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frames {
    /// So many, at least one.
    Whole(usize),
    /// The first is not finished.
    Unfinished,
}

/// How a stream of bytes is cut into frames.
pub trait Framing: Send + Sync + 'static {
    /// How many bytes at the beginning are whole frames, none of which has more than `frame_bytes_max` bytes.
    ///
    /// # Errors
    /// When the first frame can never be read.
    fn frames(&self, bytes: &[u8], frame_bytes_max: usize) -> Result<Frames, Cut>;

    /// How many bytes at the beginning of whole frames can be stored without waiting: the frames behind them are an event
    /// that the next one may go on with.
    fn settled(&self, bytes: &[u8], frame_bytes_max: usize) -> usize {
        let _ = frame_bytes_max;
        bytes.len()
    }

    /// Puts the records of every frame into the assembler. The last frame may lack its end, when nothing follows it.
    fn push_all(&self, bytes: &[u8], assembler: &mut Assembler<'_>);

    /// Where the first frame ends whose beginning was seen before: a frame that is too large is passed over up to there.
    fn end(&self, bytes: &[u8]) -> Option<usize>;
}

/// A protocol on which only the sender speaks.
pub struct OneWay<F>(Arc<F>);

impl<F: Framing> OneWay<F> {
    /// With frames like this.
    pub fn new(framing: F) -> Self {
        Self(Arc::new(framing))
    }
}

type Storing<'d> = Pin<Box<dyn Future<Output = Result<FramedReport, Stopped>> + Send + 'd>>;

#[async_trait]
impl<F: Framing> StreamProtocol for OneWay<F> {
    async fn serve(&self, connection: &mut Connection, door: &Door) -> Result<(), Cut> {
        let mut reading = Reading::new(door);
        let mut storing: Option<Storing<'_>> = None;
        loop {
            if storing.is_none() {
                match reading.next_block(self.0.as_ref())? {
                    Some(block) => storing = Some(Box::pin(store(&self.0, door, connection.peer, block))),
                    None if reading.is_over => return reading.cut.map_or(Ok(()), Err),
                    None => {}
                }
            }
            let (has_room, may_grow, wakes_at) = (reading.has_room(), reading.may_grow(), reading.wakes_at());
            tokio::select! {
                outcome = ended(&mut storing), if storing.is_some() => {
                    storing = None;
                    if outcome == Err(Stopped) {
                        return Ok(());
                    }
                }
                read = read_some(connection, &mut reading.buffer), if has_room => reading.has_read(read, self.0.as_ref()),
                () = reading.room.grow(reading.bytes_max), if may_grow => {}
                () = tokio::time::sleep_until(wakes_at), if !reading.is_over && storing.is_none() => reading.check_slow(),
                () = door.stopped(), if !reading.is_over => reading.is_over = true,
            }
        }
    }
}

/// Completes with what is being stored.
async fn ended(storing: &mut Option<Storing<'_>>) -> Result<FramedReport, Stopped> {
    match storing {
        Some(storing) => storing.as_mut().await,
        None => std::future::pending().await,
    }
}

/// Some frames, or the beginning of one that is too large.
enum Block {
    Frames(Bytes),
    TooLarge(Bytes),
}

async fn store<F: Framing>(
    framing: &Arc<F>,
    door: &Door,
    peer: std::net::IpAddr,
    block: Block,
) -> Result<FramedReport, Stopped> {
    let framing = Arc::clone(framing);
    match block {
        Block::Frames(bytes) => {
            let size_bytes = bytes.len();
            let fill = move |assembler: &mut Assembler<'_>| framing.push_all(&bytes, assembler);
            door.store(Some(peer), size_bytes, Arc::new(fill)).await
        }
        Block::TooLarge(bytes) => {
            let size_bytes = bytes.len();
            let fill = move |assembler: &mut Assembler<'_>| {
                let bytes_max = assembler.record_bytes_max();
                let reason = format!(
                    "the record has more than the {bytes_max} bytes that are allowed; split it or raise the limit"
                );
                assembler.refuse(reason, &bytes);
            };
            door.store(Some(peer), size_bytes, Arc::new(fill)).await
        }
    }
}

/// Reads what is there; 0 bytes are the end.
async fn read_some(connection: &mut Connection, buffer: &mut BytesMut) -> std::io::Result<usize> {
    // A connection that fills what it is given gets more at once the next time.
    let bytes = if buffer.len() >= READ_BYTES_MIN { READ_BYTES_MAX } else { READ_BYTES_MIN };
    buffer.reserve(bytes);
    connection.read_buf(buffer).await
}

/// What was read of a connection and is not being stored.
struct Reading {
    buffer: BytesMut,
    room: Room,
    /// Bytes that may be in memory at most: a block, or one frame and what was read with it.
    bytes_max: usize,
    frame_bytes_max: usize,
    /// When the frame that is not finished was begun, or the last that is whole was finished.
    begun_at: Instant,
    /// Bytes of whole frames that wait for what may go on with them.
    held: usize,
    /// Bytes passed over of a frame that is too large; `None` outside of one.
    skipped: Option<u64>,
    /// Nothing more is to be read.
    is_over: bool,
    /// Why not, when it is the sender's fault.
    cut: Option<Cut>,
}

impl Reading {
    fn new(door: &Door) -> Self {
        let frame_bytes_max = door.record_bytes_max();
        Self {
            buffer: BytesMut::new(),
            room: door.room(),
            bytes_max: BLOCK_BYTES_MAX.max(frame_bytes_max + READ_BYTES_MAX),
            frame_bytes_max,
            begun_at: Instant::now(),
            held: 0,
            skipped: None,
            is_over: false,
            cut: None,
        }
    }

    /// What is to be stored next.
    fn next_block<F: Framing>(&mut self, framing: &F) -> Result<Option<Block>, Cut> {
        if self.buffer.is_empty() || self.skipped.is_some() {
            self.release();
            return Ok(None);
        }
        match framing.frames(&self.buffer, self.frame_bytes_max)? {
            Frames::Whole(bytes) => Ok(self.settled_block(framing, bytes)),
            Frames::Unfinished if self.buffer.len() > self.frame_bytes_max => {
                let beginning = self.buffer.split_to(self.frame_bytes_max).freeze();
                self.skipped = Some(0);
                self.skip(framing);
                Ok(Some(Block::TooLarge(beginning)))
            }
            Frames::Unfinished if self.is_over => Ok(Some(Block::Frames(self.buffer.split().freeze()))),
            Frames::Unfinished => Ok(None),
        }
    }

    /// Of so many bytes of whole frames, those that wait for nothing; all of them once the wait is over.
    fn settled_block<F: Framing>(&mut self, framing: &F, whole: usize) -> Option<Block> {
        let settled = framing.settled(&self.buffer[..whole], self.frame_bytes_max);
        if whole - settled != self.held {
            self.held = whole - settled;
            self.begun_at = Instant::now();
        }
        let is_full = self.buffer.len() >= self.bytes_max;
        let is_waited_for = self.is_over || is_full || Instant::now() >= self.begun_at + HOLD_TIME;
        let rest = &self.buffer[whole..];
        let is_end_of_line = || {
            rest.len() <= self.frame_bytes_max && framing.frames(rest, self.frame_bytes_max) == Ok(Frames::Unfinished)
        };
        let stored = match is_waited_for {
            // A last line without an end may go on with them.
            true if self.is_over && settled < whole && is_end_of_line() => self.buffer.len(),
            true => whole,
            false => settled,
        };
        if stored == 0 {
            return None;
        }
        self.held = whole.saturating_sub(stored);
        self.begun_at = Instant::now();
        Some(Block::Frames(self.buffer.split_to(stored).freeze()))
    }

    /// Notes that so many bytes more are in the buffer. A connection that fails is over; what came before is stored.
    fn has_read<F: Framing>(&mut self, read: std::io::Result<usize>, framing: &F) {
        let bytes = match read {
            Ok(bytes) => bytes,
            Err(error) => {
                self.is_over = true;
                self.cut = Some(error.into());
                return;
            }
        };
        if bytes == 0 {
            self.is_over = true;
        } else if self.skipped.is_some() {
            self.skip(framing);
        } else if self.buffer.len() == bytes {
            self.begun_at = Instant::now();
        }
    }

    /// Passes over the rest of a frame that is too large.
    fn skip<F: Framing>(&mut self, framing: &F) {
        let Some(skipped) = self.skipped else { return };
        if let Some(at) = framing.end(&self.buffer) {
            self.buffer.advance(at + 1);
            self.skipped = None;
            self.begun_at = Instant::now();
            return;
        }
        let skipped = skipped + self.buffer.len() as u64;
        self.buffer.clear();
        self.skipped = Some(skipped);
        if skipped > SKIPPED_BYTES_MAX {
            self.is_over = true;
            self.cut = Some(Cut::new(CutReason::TooLarge, "a record has no end; end each with a line feed"));
        }
    }

    fn has_room(&self) -> bool {
        !self.is_over && self.buffer.len() < self.room.bytes().min(self.bytes_max)
    }

    fn may_grow(&self) -> bool {
        !self.is_over && !self.has_room() && self.room.bytes() < self.bytes_max
    }

    /// When something is to be done although nothing has come.
    fn wakes_at(&self) -> Instant {
        if self.held > 0 { self.begun_at + HOLD_TIME } else { self.slow_at() }
    }

    /// When the frame that was begun has taken too long.
    fn slow_at(&self) -> Instant {
        if self.buffer.is_empty() && self.skipped.is_none() {
            return Instant::now() + FRAME_TIME_MAX;
        }
        self.begun_at + FRAME_TIME_MAX
    }

    /// Ends the connection when its frame has taken too long; what is there of it is stored.
    fn check_slow(&mut self) {
        if Instant::now() >= self.slow_at() {
            self.is_over = true;
            self.skipped = None;
            let words =
                format!("a record was not finished within {} s; end each with a line feed", FRAME_TIME_MAX.as_secs());
            self.cut = Some(Cut::new(CutReason::Slow, words));
        }
    }

    /// Gives memory back that a quiet connection does not need.
    fn release(&mut self) {
        self.room.shrink();
        if self.buffer.is_empty() && self.buffer.capacity() > READ_BYTES_MAX {
            self.buffer = BytesMut::new();
        }
    }
}
