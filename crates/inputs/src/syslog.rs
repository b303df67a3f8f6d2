//! Syslog over TCP and UDP, RFC 5424 and 3164: with a length before each message, a line feed after it, or neither.

use memchr::memchr;
use vigie_pipeline::Assembler;

use crate::cut::Cut;
use crate::datagrams::DatagramProtocol;
use crate::lines::{Each, whole_frames};
use crate::one_way::{Frames, Framing};

/// Syslog messages.
#[derive(Clone, Copy, Debug)]
pub struct Syslog;

impl Framing for Syslog {
    fn frames(&self, bytes: &[u8], frame_bytes_max: usize) -> Result<Frames, Cut> {
        whole_frames(bytes, frame_bytes_max)
    }

    /// Senders that write no line feed at all are understood when they close the connection.
    fn push_all(&self, bytes: &[u8], assembler: &mut Assembler<'_>) {
        for message in Each::new(bytes) {
            assembler.push_syslog(message);
        }
    }

    fn end(&self, bytes: &[u8]) -> Option<usize> {
        memchr(b'\n', bytes)
    }
}

impl DatagramProtocol for Syslog {
    /// A datagram is one message, whatever line feeds it holds.
    fn push(&self, message: &[u8], assembler: &mut Assembler<'_>) {
        assembler.push_syslog(message);
    }
}
