//! Frames of Lumberjack, versions 1 and 2, as their bytes come in. What is packed is not unpacked here.
//!
//! Big-endian throughout. A frame is a version byte (`1` or `2`), a type and: `W` window size (u32); `J` sequence number,
//! length (u32 each), JSON; `D` sequence number, count of pairs (u32 each), then length and bytes of each key and value;
//! `C` length (u32), zlib of whole frames. No more of an event is kept in memory than is accepted of one.
//! Source: protocol pages of logstash-forwarder (version 1) and of the Beats input (version 2).

use bytes::{Buf, BytesMut};

use crate::cut::{Cut, CutReason};

/// Bytes of a frame at most, as its sender says them.
pub const FRAME_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Pairs of a `D` frame at most.
const PAIRS_MAX: u32 = 10_000;
/// Bytes of the longest beginning of a frame.
pub(super) const HEADER_BYTES_MAX: usize = 10;

/// Version of a frame; its answer has the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// As logstash-forwarder spoke.
    One,
    /// As Beats speak.
    Two,
}

impl Version {
    /// As it stands in a frame.
    pub const fn byte(self) -> u8 {
        match self {
            Self::One => b'1',
            Self::Two => b'2',
        }
    }
}

/// What a sender says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// So many events follow, and then it waits for an answer.
    Window(Version, u32),
    /// An event.
    Event(SentEvent),
}

/// An event as it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentEvent {
    /// Version of its frame.
    pub version: Version,
    /// Its sequence number.
    pub sequence: u32,
    /// Bytes of its content as it was sent; more than are kept when that is more than is accepted.
    pub size_bytes: usize,
    /// Its content.
    pub content: Content,
}

/// What an event says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// What should be a JSON object.
    Json(Vec<u8>),
    /// Keys and values.
    Pairs(Vec<(Vec<u8>, Vec<u8>)>),
}

/// What the bytes of a connection begin with.
#[derive(Debug)]
pub(super) enum Part {
    Frame(Frame),
    /// So many packed bytes follow.
    Packed(usize),
}

/// Reads frames of bytes that come in pieces.
#[derive(Debug)]
pub(super) struct Frames {
    /// Bytes of an event that are kept.
    kept_bytes_max: usize,
    begun: Option<Begun>,
}

/// An event whose end has not come yet.
#[derive(Debug)]
struct Begun {
    version: Version,
    sequence: u32,
    size_bytes: usize,
    content: BegunContent,
}

#[derive(Debug)]
enum BegunContent {
    Json(Piece),
    Pairs(BegunPairs),
}

impl Frames {
    pub(super) const fn new(kept_bytes_max: usize) -> Self {
        Self { kept_bytes_max, begun: None }
    }

    /// Whether an event was begun and is not finished.
    pub(super) const fn is_within_event(&self) -> bool {
        self.begun.is_some()
    }

    /// Bytes in memory of an event that is not finished.
    pub(super) fn held_bytes(&self) -> usize {
        match self.begun.as_ref().map(|begun| &begun.content) {
            None => 0,
            Some(BegunContent::Json(piece)) => piece.kept.len(),
            Some(BegunContent::Pairs(pairs)) => pairs.held_bytes(),
        }
    }

    /// Takes the next frame from the bytes; `None` when more are needed.
    ///
    /// # Errors
    /// When what comes is no frame, or one that is too large.
    pub(super) fn next(&mut self, bytes: &mut BytesMut) -> Result<Option<Part>, Cut> {
        if self.begun.is_none() {
            match self.begin(bytes)? {
                Some(Beginning::Part(part)) => return Ok(Some(part)),
                Some(Beginning::Event(begun)) => self.begun = Some(begun),
                None => return Ok(None),
            }
        }
        let is_whole = match &mut self.begun {
            None => false,
            Some(begun) => begun.take(bytes, self.kept_bytes_max)?,
        };
        Ok(self.begun.take_if(|_| is_whole).map(|begun| Part::Frame(Frame::Event(begun.finish()))))
    }

    fn begin(&self, bytes: &mut BytesMut) -> Result<Option<Beginning>, Cut> {
        let Some(version) = bytes.first().map(|byte| version_of(*byte)).transpose()? else { return Ok(None) };
        let Some(kind) = bytes.get(1).copied() else { return Ok(None) };
        let header_bytes = match kind {
            b'W' | b'C' => 6,
            b'J' | b'D' => HEADER_BYTES_MAX,
            other => return Err(unknown_kind(other)),
        };
        if bytes.len() < header_bytes {
            return Ok(None);
        }
        bytes.advance(2);
        let first = bytes.get_u32();
        let beginning = match kind {
            b'W' => Beginning::Part(Part::Frame(Frame::Window(version, first))),
            b'C' => Beginning::Part(Part::Packed(checked(first as usize)?)),
            b'J' => {
                let size_bytes = checked(bytes.get_u32() as usize)?;
                let content = BegunContent::Json(Piece::new(size_bytes, self.kept_bytes_max));
                Beginning::Event(Begun { version, sequence: first, size_bytes, content })
            }
            _ => {
                let content = BegunContent::Pairs(BegunPairs::new(bytes.get_u32())?);
                Beginning::Event(Begun { version, sequence: first, size_bytes: 0, content })
            }
        };
        Ok(Some(beginning))
    }
}

enum Beginning {
    Part(Part),
    Event(Begun),
}

fn version_of(byte: u8) -> Result<Version, Cut> {
    match byte {
        b'1' => Ok(Version::One),
        b'2' => Ok(Version::Two),
        0x16 => {
            Err(Cut::protocol("the sender speaks TLS, which is off here; set tls_certificate, or turn it off there"))
        }
        other => Err(Cut::protocol(format!(
            "a frame begins with the byte {other:#04x}; Lumberjack frames begin with 1 or 2"
        ))),
    }
}

fn unknown_kind(kind: u8) -> Cut {
    Cut::protocol(format!("a frame is of type {:?}; senders use W, J, D and C", char::from(kind)))
}

fn checked(size_bytes: usize) -> Result<usize, Cut> {
    if size_bytes > FRAME_BYTES_MAX {
        let words = format!(
            "a frame says that it has {size_bytes} bytes, more than the {FRAME_BYTES_MAX} that are accepted; send smaller batches"
        );
        return Err(Cut::new(CutReason::TooLarge, words));
    }
    Ok(size_bytes)
}

impl Begun {
    /// Takes what is there of it; whether it is whole then.
    fn take(&mut self, bytes: &mut BytesMut, kept_bytes_max: usize) -> Result<bool, Cut> {
        match &mut self.content {
            BegunContent::Json(piece) => Ok(piece.take(bytes)),
            BegunContent::Pairs(pairs) => {
                let is_whole = pairs.take(bytes, kept_bytes_max)?;
                self.size_bytes = pairs.size_bytes;
                Ok(is_whole)
            }
        }
    }

    fn finish(self) -> SentEvent {
        let content = match self.content {
            BegunContent::Json(piece) => Content::Json(piece.kept),
            BegunContent::Pairs(pairs) => Content::Pairs(pairs.pairs),
        };
        SentEvent { version: self.version, sequence: self.sequence, size_bytes: self.size_bytes, content }
    }
}

/// Bytes of a known length, of which the beginning is kept.
#[derive(Debug)]
struct Piece {
    kept: Vec<u8>,
    kept_bytes_max: usize,
    left_bytes: usize,
}

impl Piece {
    const fn new(size_bytes: usize, kept_bytes_max: usize) -> Self {
        Self { kept: Vec::new(), kept_bytes_max, left_bytes: size_bytes }
    }

    /// Takes what is there of it; whether it is whole then.
    fn take(&mut self, bytes: &mut BytesMut) -> bool {
        let taken = self.left_bytes.min(bytes.len());
        let kept = taken.min(self.kept_bytes_max - self.kept.len());
        if taken == self.left_bytes {
            self.kept.reserve_exact(kept);
        }
        self.kept.extend_from_slice(&bytes[..kept]);
        bytes.advance(taken);
        self.left_bytes -= taken;
        self.left_bytes == 0
    }
}

/// Pairs whose end has not come yet.
#[derive(Debug)]
struct BegunPairs {
    left: u32,
    pairs: Vec<(Vec<u8>, Vec<u8>)>,
    key: Option<Vec<u8>>,
    piece: Option<Piece>,
    /// Bytes of keys and values as they were sent, with their lengths.
    size_bytes: usize,
    kept_bytes: usize,
}

impl BegunPairs {
    fn new(count: u32) -> Result<Self, Cut> {
        if count > PAIRS_MAX {
            let words = format!("an event has {count} fields, more than the {PAIRS_MAX} that are accepted");
            return Err(Cut::new(CutReason::TooLarge, words));
        }
        Ok(Self { left: count, pairs: Vec::new(), key: None, piece: None, size_bytes: 0, kept_bytes: 0 })
    }

    fn held_bytes(&self) -> usize {
        self.kept_bytes + self.pairs.len() * size_of::<(Vec<u8>, Vec<u8>)>()
    }

    fn take(&mut self, bytes: &mut BytesMut, kept_bytes_max: usize) -> Result<bool, Cut> {
        while self.left > 0 {
            let mut piece = match self.piece.take() {
                Some(piece) => piece,
                None if bytes.len() < 4 => return Ok(false),
                None => self.piece_of(bytes.get_u32() as usize, kept_bytes_max)?,
            };
            if !piece.take(bytes) {
                self.piece = Some(piece);
                return Ok(false);
            }
            self.kept_bytes += piece.kept.len();
            match self.key.take() {
                None => self.key = Some(piece.kept),
                Some(key) => {
                    self.pairs.push((key, piece.kept));
                    self.left -= 1;
                }
            }
        }
        Ok(true)
    }

    fn piece_of(&mut self, size_bytes: usize, kept_bytes_max: usize) -> Result<Piece, Cut> {
        self.size_bytes = checked(self.size_bytes.saturating_add(4).saturating_add(size_bytes))?;
        Ok(Piece::new(size_bytes, kept_bytes_max.saturating_sub(self.kept_bytes)))
    }
}
