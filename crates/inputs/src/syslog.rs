//! Syslog over TCP and UDP, RFC 5424 and 3164: with a length before each message, a line feed after it, or neither.

use memchr::memchr;
use vigie_pipeline::Assembler;

use crate::cut::Cut;
use crate::datagrams::DatagramProtocol;
use crate::line_form::LineFormat;
use crate::lines::{Each, whole_frames};
use crate::one_way::{Frames, Framing};

/// Syslog messages.
#[derive(Clone, Copy, Debug, Default)]
pub struct Syslog {
    format: LineFormat,
}

impl Syslog {
    /// Messages whose headers are read, or left whole.
    pub const fn new(format: LineFormat) -> Self {
        Self { format }
    }

    fn push_message(self, message: &[u8], assembler: &mut Assembler<'_>) {
        match self.format {
            LineFormat::Auto => assembler.push_syslog(message),
            LineFormat::Plain => assembler.push_plain(message.strip_suffix(b"\0").unwrap_or(message), false),
        }
    }
}

impl Framing for Syslog {
    fn frames(&self, bytes: &[u8], frame_bytes_max: usize) -> Result<Frames, Cut> {
        whole_frames(bytes, frame_bytes_max)
    }

    /// Senders that write no line feed at all are understood when they close the connection.
    fn push_all(&self, bytes: &[u8], assembler: &mut Assembler<'_>) {
        for message in Each::new(bytes) {
            self.push_message(message, assembler);
        }
    }

    fn end(&self, bytes: &[u8]) -> Option<usize> {
        memchr(b'\n', bytes)
    }
}

impl DatagramProtocol for Syslog {
    /// A datagram is one message, whatever line feeds it holds.
    fn push(&self, message: &[u8], assembler: &mut Assembler<'_>) {
        self.push_message(message, assembler);
    }
}
