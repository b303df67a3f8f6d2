//! Where messages end that follow one another on a connection: at a NUL, or at a line feed outside of objects and lists.
//!
//! A message may be printed over several lines. One that is broken ends where the next one begins at the latest, so that
//! it does not take others with it.

use memchr::memchr2;

use crate::one_way::Frames;

/// How many bytes are whole messages.
pub(super) fn whole_frames(bytes: &[u8]) -> Frames {
    let mut end = 0;
    while let Some(length) = frame_length(&bytes[end..]) {
        end += length;
    }
    if end > 0 { Frames::Whole(end) } else { Frames::Unfinished }
}

/// Bytes of the first message with its end; `None` when its end has not come.
fn frame_length(bytes: &[u8]) -> Option<usize> {
    // Every end has one of the two before it; most of what is unfinished has neither, and is soon told.
    memchr2(0, b'\n', bytes)?;
    let mut place = Place::default();
    bytes.iter().enumerate().find_map(|(at, byte)| place.pass(at, *byte))
}

/// Where in a message one is.
#[derive(Default)]
struct Place {
    /// Objects and lists that are open.
    depth: usize,
    is_in_string: bool,
    is_escaped: bool,
    /// The last byte that is no space.
    last: u8,
    /// What follows the first line feed after it.
    line_at: Option<usize>,
}

impl Place {
    /// Passes a byte; bytes of the message, when it shows where that ended.
    fn pass(&mut self, at: usize, byte: u8) -> Option<usize> {
        match byte {
            0 => return Some(at + 1),
            // A line feed in a string is no JSON, so the string was broken before it.
            b'\n' if self.depth == 0 || self.is_in_string => return Some(at + 1),
            b'\n' => {
                self.line_at.get_or_insert(at + 1);
                return None;
            }
            _ if self.is_escaped => self.is_escaped = false,
            b'\\' if self.is_in_string => self.is_escaped = true,
            b'"' => self.is_in_string = !self.is_in_string,
            _ if self.is_in_string => {}
            b' ' | b'\t' | b'\r' => return None,
            // An object on a line of its own where none may stand is the next message.
            b'{' if self.depth > 0 && !matches!(self.last, b'{' | b'[' | b':' | b',') && self.line_at.is_some() => {
                return self.line_at;
            }
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        self.last = byte;
        self.line_at = None;
        None
    }
}

/// Each message without its end; the last may lack it.
pub(super) struct Each<'a>(pub(super) &'a [u8]);

impl<'a> Iterator for Each<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.0.is_empty() {
            return None;
        }
        let (message, rest) = self.0.split_at(frame_length(self.0).unwrap_or(self.0.len()));
        self.0 = rest;
        Some(message.strip_suffix(b"\0").unwrap_or(message).trim_ascii())
    }
}
