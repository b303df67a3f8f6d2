//! From the bytes of a connection to frames, packed ones unpacked. No I/O.
//!
//! Frames are taken one at a time, and no more is unpacked than the next one needs: what a packed frame holds is never in
//! memory as a whole, so one that unpacks to too much costs time until it is found out, and no memory.

use bytes::{Buf, BytesMut};
use flate2::{Decompress, FlushDecompress, Status};

use super::frame::{Frame, Frames, HEADER_BYTES_MAX, Part};
use crate::cut::{Cut, CutReason};

/// Bytes that one packed frame may unpack to.
pub(super) const UNPACKED_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// How many times larger than packed a frame may be, once it is larger than `RATIO_FREE_BYTES`.
const RATIO_MAX: u64 = 512;
const RATIO_FREE_BYTES: u64 = 32 * 1024 * 1024;
/// Bytes that are unpacked at once.
const STEP_BYTES: usize = 16 * 1024;
/// Bytes that unpacking takes, about: the window of 32 KiB, tables, and a step.
const UNPACKING_BYTES: usize = 64 * 1024;

/// Takes frames out of bytes that come in pieces of any size.
#[derive(Debug)]
pub struct Decoder {
    buffer: BytesMut,
    kept_bytes_max: usize,
    outer: Frames,
    packed: Option<Box<Packed>>,
}

impl Decoder {
    /// Of no bytes yet. Of each event no more than `kept_bytes_max` bytes are kept.
    pub fn new(kept_bytes_max: usize) -> Self {
        Self { buffer: BytesMut::new(), kept_bytes_max, outer: Frames::new(kept_bytes_max), packed: None }
    }

    /// Where bytes that have come are to be added.
    pub const fn buffer(&mut self) -> &mut BytesMut {
        &mut self.buffer
    }

    /// Bytes in memory.
    pub fn held_bytes(&self) -> usize {
        let packed = self.packed.as_ref().map_or(0, |packed| UNPACKING_BYTES + packed.held_bytes());
        self.buffer.len() + self.outer.held_bytes() + packed
    }

    /// Whether nothing was begun that is not finished.
    pub fn is_between_frames(&self) -> bool {
        self.buffer.is_empty() && self.packed.is_none() && !self.outer.is_within_event()
    }

    /// The next frame; `None` when more bytes are needed.
    ///
    /// # Errors
    /// When what comes is no frame, is too large or cannot be unpacked; nothing that follows can be read then.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, Cut> {
        loop {
            if let Some(packed) = &mut self.packed {
                match packed.next_frame(&mut self.buffer)? {
                    Unpacked::Frame(frame) => return Ok(Some(frame)),
                    Unpacked::Unfinished => return Ok(None),
                    Unpacked::Over => self.packed = None,
                }
            }
            match self.outer.next(&mut self.buffer)? {
                None => return Ok(None),
                Some(Part::Frame(frame)) => return Ok(Some(frame)),
                Some(Part::Packed(bytes)) => self.packed = Some(Box::new(Packed::new(bytes, self.kept_bytes_max))),
            }
        }
    }
}

/// A packed frame that is being unpacked.
#[derive(Debug)]
struct Packed {
    inner: Frames,
    inflate: Decompress,
    /// Packed bytes that were not unpacked yet, most of them perhaps not here yet.
    left_bytes: usize,
    unpacked: BytesMut,
    step: Vec<u8>,
    is_at_end: bool,
    /// Why no more can be unpacked; said when what was unpacked before is taken.
    failure: Option<Cut>,
}

enum Unpacked {
    Frame(Frame),
    Unfinished,
    Over,
}

impl Packed {
    fn new(packed_bytes: usize, kept_bytes_max: usize) -> Self {
        Self {
            inner: Frames::new(kept_bytes_max),
            inflate: Decompress::new(true),
            left_bytes: packed_bytes,
            unpacked: BytesMut::new(),
            step: Vec::with_capacity(STEP_BYTES),
            is_at_end: false,
            failure: None,
        }
    }

    fn held_bytes(&self) -> usize {
        self.unpacked.len() + self.inner.held_bytes()
    }

    fn next_frame(&mut self, packed: &mut BytesMut) -> Result<Unpacked, Cut> {
        loop {
            match self.inner.next(&mut self.unpacked)? {
                Some(Part::Frame(frame)) => return Ok(Unpacked::Frame(frame)),
                Some(Part::Packed(_)) => {
                    return Err(Cut::protocol("a compressed frame holds another; compress frames once"));
                }
                None => debug_assert!(self.unpacked.len() < HEADER_BYTES_MAX, "only a beginning is left"),
            }
            if let Some(failure) = self.failure.take() {
                return Err(failure);
            }
            if self.is_at_end {
                return self.over();
            }
            if packed.is_empty() && self.left_bytes > 0 {
                return Ok(Unpacked::Unfinished);
            }
            self.unpack(packed)?;
        }
    }

    /// Unpacks a little more.
    fn unpack(&mut self, packed: &mut BytesMut) -> Result<(), Cut> {
        let before = self.inflate.total_in();
        self.step.clear();
        let input = &packed[..packed.len().min(self.left_bytes)];
        let status = self.inflate.decompress_vec(input, &mut self.step, FlushDecompress::None);
        let used = (self.inflate.total_in() - before) as usize;
        packed.advance(used);
        self.left_bytes -= used;
        self.unpacked.extend_from_slice(&self.step);
        match status {
            Ok(Status::StreamEnd) => self.is_at_end = true,
            Ok(Status::Ok | Status::BufError) if used == 0 && self.step.is_empty() => {
                let words = "a compressed frame is cut short; its length does not reach its end";
                self.failure = Some(Cut::protocol(words));
            }
            Ok(Status::Ok | Status::BufError) => {}
            Err(error) => {
                self.failure = Some(Cut::protocol(format!("a compressed frame cannot be unpacked: {error}")));
            }
        }
        self.check_size()
    }

    fn check_size(&self) -> Result<(), Cut> {
        let (packed_bytes, unpacked_bytes) = (self.inflate.total_in(), self.inflate.total_out());
        let is_bomb = unpacked_bytes > RATIO_FREE_BYTES && unpacked_bytes / packed_bytes.max(1) > RATIO_MAX;
        if unpacked_bytes > UNPACKED_BYTES_MAX || is_bomb {
            let words = format!(
                "{packed_bytes} compressed bytes unpack to {unpacked_bytes} and more; {UNPACKED_BYTES_MAX} are accepted, \
                 and {RATIO_MAX} times as many as packed; send smaller batches"
            );
            return Err(Cut::new(CutReason::TooLarge, words));
        }
        Ok(())
    }

    /// Everything is unpacked.
    fn over(&self) -> Result<Unpacked, Cut> {
        if self.left_bytes > 0 {
            return Err(Cut::protocol(format!(
                "{} bytes follow the end of what a compressed frame holds",
                self.left_bytes
            )));
        }
        if !self.unpacked.is_empty() || self.inner.is_within_event() {
            return Err(Cut::protocol("a compressed frame ends within a frame; compress whole frames"));
        }
        Ok(Unpacked::Over)
    }
}
